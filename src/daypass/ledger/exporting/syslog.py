"""RFC 5424 messages for syslog over TCP or TLS, framed by counting octets (RFC 6587, section 3.4.1; RFC 5425). Pure.

The place in the log stands in structured data, the entry in MSG, as JSON in UTF-8.
"""

from __future__ import annotations

import re

from daypass.ledger.exporting.forms import Placed, line, rfc3339

FACILITY_AUDIT = 13
"""log audit (RFC 5424, table 1)."""
NOTICE, WARNING, ALERT = 5, 4, 1
VERSION = 1
ENTERPRISE = "32473"
"""The number that RFC 5612 keeps for examples: we have none of our own."""
APP, MSGID_MAX, HOST_MAX = "daypass", 32, 255

_ALARMS = {"grant.end_unconfirmed", "session.end_unconfirmed", "glass.broken", "credential.drift", "ledger.recovered"}
_NOT_PRINTED = re.compile(r"[^\x21-\x7e]")
_BOM = b"\xef\xbb\xbf"


def message(form: str, placed: Placed, host: str, process: int) -> bytes:
    """One message, without its frame."""
    entry = placed.entry
    type = str(entry["type"])
    severity = ALERT if type in _ALARMS else (WARNING if type.endswith(".refused") else NOTICE)
    data = f'[daypass@{ENTERPRISE} log="{_escaped(placed.site)}" index="{placed.index}" leaf="{placed.leaf}"]'
    head = (
        f"<{FACILITY_AUDIT * 8 + severity}>{VERSION} {rfc3339(entry['t'])} {_name(host, HOST_MAX)} {APP} {process} "
        f"{_name(type, MSGID_MAX)} {data} "
    )
    return head.encode() + _BOM + line(form, placed)


def framed(message: bytes) -> bytes:
    """The message behind its length, so that no line end in it matters."""
    return b"%d %b" % (len(message), message)


def _name(text: str, longest: int) -> str:
    return _NOT_PRINTED.sub("_", text)[:longest] or "-"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
