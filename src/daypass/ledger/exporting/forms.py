"""An entry as other systems want it: itself with its place, or a CloudEvent. Pure. OCSF is in `ocsf`.

Every form carries the entry's index in the log and its leaf hash, so that whoever receives it can ask for the receipt.
None holds what a person wrote: an entry doesn't either.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daypass.ledger.exporting.ocsf import ocsf_event


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry in its place in the log of `site`. `leaf` is its leaf hash in hex."""

    site: str
    index: int
    leaf: str
    raw: bytes

    @property
    def entry(self) -> Mapping[str, Any]:
        entry: Mapping[str, Any] = json.loads(self.raw)
        return entry


def plain(placed: Placed) -> Mapping[str, Any]:
    """The entry itself, under `entry`."""
    return {"log": placed.site, "index": placed.index, "leaf": placed.leaf, "entry": placed.entry}


def cloud_event(placed: Placed) -> Mapping[str, Any]:
    """A CloudEvent, version 1.0, in structured mode. Its `source` and `id` name the entry for good."""
    entry = placed.entry
    session = entry.get("session") or entry.get("grant") or entry.get("request")
    return {
        "specversion": "1.0",
        "id": entry["id"],
        "source": f"daypass://{placed.site}",
        "type": f"dev.daypass.{entry['type']}",
        "time": rfc3339(entry["t"]),
        **({"subject": session} if session else {}),
        "datacontenttype": "application/json",
        "logindex": str(placed.index),
        "logleaf": placed.leaf,
        "data": entry,
    }


FORMS: Mapping[str, tuple[str, Callable[[Placed], Mapping[str, Any]]]] = {
    "entries": ("application/x-ndjson", plain),
    "cloudevents": ("application/x-ndjson", cloud_event),
    "ocsf": ("application/x-ndjson", lambda placed: ocsf_event(placed.site, placed.index, placed.leaf, placed.entry)),
}
"""The media type of many, one a line, and how one is made."""


def line(form: str, placed: Placed) -> bytes:
    """One entry in this form: one line of JSON, without its end."""
    return json.dumps(FORMS[form][1](placed), ensure_ascii=False, separators=(",", ":")).encode()


def rfc3339(t: int) -> str:
    """A time in ms as RFC 3339 writes it, in UTC."""
    whole = datetime.datetime.fromtimestamp(t // 1000, datetime.UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{t % 1000:03d}Z"
