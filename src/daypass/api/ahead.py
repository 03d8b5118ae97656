"""What a browser is told to fetch together with the app's page: the files of that very page, and what it asks first.

They are hints in the page's `Link` header (`modulepreload` and `preload`, HTML 4.6.7): files and answers travel while
the script is still read, and are there when the app asks for them, which takes each of them once. Without hints it does
the same, later.

Answers are named only to who is signed in, as the app takes what was asked for here, a refusal too; and only those that
the page asks for in any case when it is opened, as reading a recording is on record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request

from daypass.api.cookies import COOKIE
from daypass.api.front import AFront, Front, client_of
from daypass.domain.errors import DaypassError
from daypass.domain.people import Person
from daypass.domain.session import LIVE, Session

BELOW = {
    "sessions/": "session",
    "requests/": "request",
    "policy/edit/": "policy-edit",
    "policy/proposals/": "proposal",
}
"""Pages of one thing whose code is not that of the place they are in; see `ui/src/app/router.tsx`."""
APP = "index.html"
API = "/api/v1"
HOME = (
    "grants?view=mine&live=true&limit=100",
    "requests?view=to-decide&limit=100",
    "obligations?everything=false&limit=100",
    "requests?view=mine&limit=100",
)
"""What Home asks, as `ui/src/logic/beginning.ts` spells it: what is spelled otherwise would be fetched twice."""
PLACE = re.compile(r"0|[1-9][0-9]{0,14}")
"""Where a part of a recording begins, as addresses name it."""

Manifest = Mapping[str, Mapping[str, Any]]


def files(built: Path, path: str) -> list[str]:
    """Links to the files that the page at this path (`sessions/0190-some-id`) consists of, first those of the whole
    app. Blocks. Raises `OSError` where the app is not built."""
    manifest: Manifest = json.loads((built / "manifest.json").read_bytes())
    names = [name for start in (APP, f"src/pages/{module_of(path)}.tsx") for name in _needed(manifest, start)]
    return [_link(name) for name in dict.fromkeys(names)]


def path_of(request: Request) -> str:
    """The path of a page as it is written here: `sessions/0190-some-id`; of Home: empty."""
    return request.url.path.strip("/")


def module_of(path: str) -> str:
    """The name of the module that draws the page at a path; of Home, which comes with the app: empty."""
    below = (module for start, module in BELOW.items() if path.startswith(start))
    return next(below, path.partition("/")[0])


async def questions(request: Request, front: AFront) -> Sequence[str]:
    """As a dependency: links to what the page at this path is going to ask. None for who is not signed in, and none for
    a browser that fetches the page before anybody opens it."""
    cookie = request.cookies.get(COOKIE)
    if cookie is None or "sec-purpose" in request.headers:
        return ()
    try:
        person, _ = await front.visits.authenticate(cookie, client_of(request))
        asked = await _asked(request, front, person)
    except DaypassError:
        return ()  # the page asks by itself, and shows what it is told
    return [f'<{API}/{each}>; rel="preload"; as="fetch"; crossorigin' for each in asked]


async def _asked(request: Request, front: Front, person: Person) -> Sequence[str]:
    place, _, id = path_of(request).partition("/")
    if not place:
        return HOME
    if place != "sessions" or not id:
        return ()
    session = await front.reading.session(person, id)
    # Part of an id is enough for us; the page asks for it as it stands in the address.
    return _of_session(session, request.query_params) if session.id == id else ()


def _of_session(session: Session, query: Mapping[str, str]) -> Sequence[str]:
    """The session, its first part or that in the address, and where parts begin. What goes on is followed instead."""
    one = f"sessions/{session.id}"
    place = query.get("place") or ("" if query.get("n") else "0")
    if session.state in LIVE or not PLACE.fullmatch(place):
        return one, f"{one}/parts"
    return one, f"{one}/parts/{place}", f"{one}/parts"


def _needed(manifest: Manifest, name: str) -> Iterator[str]:
    """The files of a module, and of those that it imports; none for a module that comes with the app."""
    chunk = manifest.get(name)
    if chunk is None:
        return
    yield chunk["file"]
    yield from chunk.get("css", ())
    for each in chunk.get("imports", ()):
        yield from _needed(manifest, each)


def _link(name: str) -> str:
    how = 'rel="preload"; as="style"' if name.endswith(".css") else 'rel="modulepreload"'
    return f"</{name}>; {how}"


Questions = Annotated[Sequence[str], Depends(questions)]
