"""Open files: a process is often allowed few of them although it may have more. Takes what it may have, and says if
that is too little; changes nothing beyond this process."""

from __future__ import annotations

import resource

import structlog

FILES_A_SESSION = 2
"""Its client's socket and its target's."""

FILES_ELSE = 256
"""The store, the journal, enders, listeners, people in the web app."""

log = structlog.get_logger()


def allow_files(sessions: int) -> None:
    """Have so many sessions fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = sessions * FILES_A_SESSION + FILES_ELSE
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        soft = needed
    if soft != resource.RLIM_INFINITY and soft < sessions * FILES_A_SESSION + FILES_ELSE:
        log.warning("not all sessions fit into the open files that are allowed", sessions=sessions, files=soft)
