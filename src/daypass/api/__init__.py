"""JSON over HTTP: a thin skin over the services."""

SOCKET_HOST = "daypass.sock"
"""Whom the operator's commands address on the Unix socket."""
