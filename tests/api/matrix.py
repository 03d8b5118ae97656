"""Every route, what it is asked about, and who may: what tests/api/test_matrix.py goes through.

A new route has to be put here by hand, with the people who may. All things are Ana's: she asked, Ben decides, Olga owns
the target. Amy is another requester, Bob another approver, Oleg another owner: they are to Ana's things what a stranger
is. Zed is an auditor and an operator.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from daypass.domain.passkey import Passkey
from daypass.domain.standing import Notice
from tests.api.inside import ORDERS, URL, V1, Inside
from tests.identity.authenticator import Authenticator

PEOPLE = ("ana", "amy", "bot", "ben", "bob", "olga", "oleg", "sam", "tess", "cleo", "oz", "zed", "eve", "dir")
ALL = " ".join(PEOPLE)
SEE = "ana ben olga sam tess cleo zed"
READ = "ana ben olga sam tess cleo"
ENGINEERS = "ana amy bot"

Call = tuple[str, object]
"""A path and a body (None: none)."""
Make = Callable[[Inside, str], Awaitable[Call]]
"""What to ask, by this person: about a thing of Ana's, or for oneself."""


@dataclass(frozen=True, slots=True)
class Row:
    """`may`: the people who may. `lists`: what follows the path's `#` has to stand in the answer for who may, and for
    nobody else. `own`: it is about the caller, so that the table of roles does not say it all."""

    make: Make
    may: str
    lists: bool = False
    own: bool = False

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.may.split())


def _at(path: str, body: object = None) -> Make:
    async def make(it: Inside, by: str) -> Call:
        return path, body

    return make


def _request(path: str, body: object = None) -> Make:
    async def make(it: Inside, by: str) -> Call:
        asked = await it.asked()
        whole = {"digest": asked["digest"], **body} if isinstance(body, dict) and "vote" in body else body
        if isinstance(whole, dict):
            whole.pop("vote", None)
        return path.format(id=asked["id"]), whole

    return make


def _grant(path: str, body: object = None, *, active: bool = False) -> Make:
    async def make(it: Inside, by: str) -> Call:
        await it.hand_back()
        grant = await it.granted()
        if active:
            await it.must("POST", f"/grants/{grant.id}/activate", by="ana")
        return path.format(id=grant.id), body

    return make


def _session(path: str, body: object = None) -> Make:
    async def make(it: Inside, by: str) -> Call:
        id, _ = await it.session()
        return path.format(id=id), body

    return make


def _entry(path: str) -> Make:
    async def make(it: Inside, by: str) -> Call:
        asked = await it.asked()
        await it.numbered()
        found = await it.must("GET", f"/entries?request={asked['id']}&type=request.created", by="ana")
        (entry,) = found["items"]
        return path.format(**entry), None

    return make


async def _evaluation(it: Inside, by: str) -> Call:
    return "/access/v1/evaluation", _asked_of(by)


async def _evaluations(it: Inside, by: str) -> Call:
    return "/access/v1/evaluations", {**_asked_of(by), "evaluations": [{}, {"action": {"name": "write"}}]}


def _asked_of(by: str) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": f"{by}@acme.test"},
        "resource": {"type": "target", "id": "orders"},
        "action": {"name": "read"},
    }


async def _submission(it: Inside, by: str) -> Call:
    answer = (await it.call("POST", "/access/v1/evaluation", _asked_of(by), by=by)).json()
    binding = answer.get("context", {}).get("access_request", {}).get("binding_token", "none")
    until = {"requested_until": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    return "/access/v1/requests", {
        **_asked_of(by),
        "denial": {"binding_token": binding},
        "requested_access": until,
        "context": {"business_justification": "to see"},
    }


async def _connect(it: Inside, by: str) -> Call:
    await _grant("")(it, by)
    return f"{V1}/connect?target=orders", None


async def _bundle(it: Inside) -> dict[str, Any]:
    items = [{"target": "orders", "role": "read"}, {"target": "orders", "role": "write"}]
    wish = {"items": items, "duration_ms": 600_000, "reason": "both"}
    made: dict[str, Any] = await it.must("POST", "/bundles", wish, by="ana")
    return made


def _bundled(path: str, body: dict[str, object] | None = None, *, votes: bool = False) -> Make:
    async def make(it: Inside, by: str) -> Call:
        made = await _bundle(it)
        digests = {"digests": {one["id"]: one["digest"] for one in made["requests"]}} if votes else {}
        return path.format(id=made["id"]), {**digests, **(body or {})} if votes else body

    return make


async def _favourite(it: Inside) -> str:
    wish = {"name": "usual", "target": "orders", "role": "read", "duration_ms": 600_000, "reason": "as usual"}
    await it.must("POST", "/favourites", wish, by="ana")
    return "usual"


def _favoured(path: str, body: object = None) -> Make:
    async def make(it: Inside, by: str) -> Call:
        return path.format(name=await _favourite(it)), body

    return make


def public_key() -> str:
    """A fresh SSH public key."""
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


async def _new_key(it: Inside, by: str) -> Call:
    for one in (await it.must("GET", "/keys", by=by))["items"]:
        await it.must("POST", f"/keys/{one['id']}/revoke", by=by)
    return f"{V1}/keys", {"public": public_key()}


async def _a_key(it: Inside, by: str) -> Call:
    path, body = await _new_key(it, "ana")
    made = await it.must("POST", path.removeprefix(V1), body, by="ana")
    return f"{V1}/keys/{made['id']}/revoke", None


async def _broken(it: Inside) -> Any:
    wish = {"target": "orders", "role": "read", "duration_ms": 600_000, "reason": "fire"}
    return await it.must("POST", "/break-glass", wish, by="ana")


async def _ratify(it: Inside, by: str) -> Call:
    return f"{V1}/requests/{(await _broken(it))['id']}/ratify", {"note": "yes"}


def _owed(path: str, body: object = None, *, flagged: bool = False) -> Make:
    async def make(it: Inside, by: str) -> Call:
        _, grant = await it.session()
        await it.must("POST", f"/grants/{grant.id}/return", by="ana")
        await it.house.endings.settle()
        owed = (await it.must("GET", "/obligations", by="ben"))["items"]
        id = next(one["id"] for one in owed if one["grant"] == grant.id)
        if flagged:
            await it.must("POST", f"/obligations/{id}/sign-off", {"note": "look", "flag": True}, by="ben")
        return path.format(id=id), body

    return make


_texts = iter(range(10_000))


async def _text(it: Inside, by: str) -> Call:
    for one in (await it.must("GET", "/policy/proposals", by="sam"))["items"]:
        if one["state"] == "PROPOSED":
            await it.must("POST", f"/policy/proposals/{one['id']}/reject", {"note": "old"}, by="sam")
    return f"{V1}/policy/proposals", {"text": f"# {next(_texts)}\n{ORDERS}", "note": "a remark"}


def _proposal(path: str, body: dict[str, object] | None = None, *, votes: bool = False) -> Make:
    async def make(it: Inside, by: str) -> Call:
        where, text = await _text(it, by)
        made = await it.must("POST", where.removeprefix(V1), text, by="sam")
        return path.format(id=made["id"]), {"digest": made["digest"]} if votes else body

    return make


async def _simulated(it: Inside, by: str) -> Call:
    return f"{V1}/policy/simulate", {"text": ORDERS.replace("longest: 4h", "longest: 3h")}


async def _notice(it: Inside, by: str) -> Call:
    office = it.house.office
    ana = await it.house.people.by_email("ana@acme.test")
    made = Notice(office.new_id(), "mail", ana.id, "test", {}, office.now(), 0, problem="no such host")
    async with office.store.begin() as tx:
        await tx.save_notice(made)
    return f"{V1}/notices/{made.id}/retry", None


async def _lock(it: Inside, by: str) -> Call:
    return f"{V1}/locks", {"scope": "target", "name": "parts", "reason": "odd", "duration_ms": 60_000}


async def _locked(it: Inside, by: str) -> Call:
    path, body = await _lock(it, by)
    made = await it.must("POST", path.removeprefix(V1), body, by="sam")
    return f"{V1}/locks/{made['id']}/lift", {"reason": "fine"}


async def _a_token(it: Inside, by: str) -> Call:
    _, id = await it.token("ana", fresh=True)
    return f"{V1}/tokens/{id}/revoke", None


async def _all_tokens(it: Inside, by: str) -> Call:
    await it.token("bot")
    it.tokens.pop("bot")
    return f"{V1}/tokens/revoke", {"all": True, "person": "bot@acme.test"}


async def _visit(it: Inside) -> str:
    secret, _ = await it.token("ana")
    return (await it.house.visits.by_token(secret, "127.0.0.1:9")).visit.id


def _device(path: str) -> Make:
    """A command line that waits: whoever is shown its code may look; only a browser says anything."""

    async def make(it: Inside, by: str) -> Call:
        made = await it.house.devices.begin("laptop", "127.0.0.1:9")
        return path.format(path=f"{V1}/devices/{made.code}"), None

    return make


def _visited(path: str) -> Make:
    async def make(it: Inside, by: str) -> Call:
        return path.format(id=await _visit(it)), None

    return make


def _a_passkey(word: str, body: object = None) -> Make:
    """One of two of Ana's; two others have vouched for her, so that she may remove it with a token."""

    async def make(it: Inside, by: str) -> Call:
        ana = await it.house.people.by_email("ana@acme.test")
        now, id = it.house.office.now(), it.house.office.new_id()
        public = Authenticator(algorithm="EdDSA").cose()
        one = Passkey(id, ana.id, id, public, "localhost", URL, "laptop", 0, (), "", now)
        async with it.house.office.store.begin() as tx:
            for each in await tx.passkeys(ana.id):
                await tx.save_passkey(replace(each, removed_at=now))
            await tx.save_passkey(one)
            await tx.save_passkey(replace(one, id=it.house.office.new_id(), credential=f"{id}2"))
        _, token = await it.house.tokens.authenticate((await it.token("ana"))[0], "?")
        asked = await it.house.vouchings.ask(ana, None, token)
        for name in ("sam", "oz"):
            await it.house.vouchings.vouch(await it.house.people.by_email(f"{name}@acme.test"), asked.code)
        return f"{V1}/passkeys/{id}/{word}", body

    return make


def _vouching(path: str) -> Make:
    async def make(it: Inside, by: str) -> Call:
        asked = await it.house.vouchings.ask(await it.house.people.by_email("ana@acme.test"), None)
        return path.format(code=asked.code), None

    return make


def _console(path: str, body: object = None) -> Make:
    """No target is there, so that nobody has a console: what one may not see, and what is not there, look the same.
    Everybody asks about one that is Ana's in test_consoles.py."""

    async def make(it: Inside, by: str) -> Call:
        return f"{V1}/consoles/none/{path}".rstrip("/"), body

    return make


async def _open_console(it: Inside, by: str) -> Call:
    """Who holds a grant gets as far as the target, which does not answer (503)."""
    await _grant("")(it, by)
    return f"{V1}/consoles", {"target": "orders", "role": "write"}


async def _snippet(it: Inside, by: str) -> Call:
    await it.must("POST", "/snippets", {"name": "of ana", "text": "select 1"}, by="ana")
    return f"{V1}/snippets/remove", {"name": "of ana"}


NO_ANSWER = "eyJjaGFsbGVuZ2UiOiJBQSJ9"
"""{"challenge":"AA"}, for which nobody waits."""
ASSERTION = {"credential": "YQ", "authenticator_data": "YQ", "client_data": NO_ANSWER, "signature": "YQ"}
WISH = {"target": "orders", "role": "read", "duration_ms": 600_000, "reason": "to see"}
AGAIN: dict[str, object] = {}
WHY = {"reason": "enough"}

_logins = iter(range(10_000))
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
_CHANGE = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "externalId", "value": "x"}],
}


def _new_entry(kind: str) -> dict[str, object]:
    name = f"scim{next(_logins)}"
    if kind == "Users":
        return {"schemas": [_USER], "userName": f"{name}@acme.test"}
    return {"schemas": [_GROUP], "displayName": name}


def _scim(path: str = "", body: object = None, *, made: bool = True, whole: bool = False) -> Mapping[str, Make]:
    """The same of people and of groups: about an entry (`made`), or about none; `whole`: with one as the body."""

    def of(kind: str) -> Make:
        async def make(it: Inside, by: str) -> Call:
            id = ""
            if made:
                answer = await it.call("POST", f"/scim/v2/{kind}", _new_entry(kind), by="dir")
                assert answer.status_code == 201, answer.text
                id = f"/{answer.json()['id']}"
            return f"/scim/v2/{kind}{id}{path}", _new_entry(kind) if whole else body

        return make

    return {"Users": of("Users"), "Groups": of("Groups")}


def _provisioned() -> dict[str, Row]:
    asked = {
        "list": (_scim(made=False), ("people", "groups")),
        "search": (_scim("/.search", {}, made=False), ("people", "groups")),
        "add": (_scim(made=False, whole=True), ("person", "group")),
        "show": (_scim(), ("person", "group")),
        "replace": (_scim(whole=True), ("person", "group")),
        "patch": (_scim("", _CHANGE), ("person", "group")),
        "remove": (_scim(), ("person", "group")),
    }
    rows = {
        f"{verb}_scim_{name}": Row(makes[kind], "dir")
        for verb, (makes, names) in asked.items()
        for kind, name in zip(("Users", "Groups"), names, strict=True)
    }
    described = {
        "scim_config": "ServiceProviderConfig",
        "scim_resource_types": "ResourceTypes",
        "scim_resource_type": "ResourceTypes/User",
        "scim_schemas": "Schemas",
        "scim_schema": f"Schemas/{_USER}",
    }
    return rows | {name: Row(_at(f"/scim/v2/{path}"), "dir") for name, path in described.items()}


ROWS: Mapping[str, Row] = {
    **_provisioned(),
    "healthz": Row(_at("/healthz"), ALL, own=True),
    "metrics": Row(_at("/metrics"), ALL, own=True),
    "authzen_configuration": Row(_at("/.well-known/authzen-configuration"), ALL, own=True),
    "ticket_changed": Row(_at(f"{V1}/hooks/tickets/none", {}), "", own=True),
    "who_am_i": Row(_at(f"{V1}/whoami"), ALL, own=True),
    "policy_schema": Row(_at(f"{V1}/policy/schema"), ALL, own=True),
    "newest_checkpoint": Row(_at(f"{V1}/checkpoint"), ALL, own=True),
    "list_insights": Row(_at(f"{V1}/insights"), ALL, own=True),
    "ask_insight": Row(_at(f"{V1}/insights/requests"), ALL, own=True),
    "list_notices": Row(_at(f"{V1}/notices?view=failed"), "sam tess cleo oz zed", own=True),
    "follow_changes": Row(_at(f"{V1}/changes?seconds=0"), ALL, own=True),
    "evaluate_access": Row(_evaluation, ALL, own=True),
    "evaluate_several": Row(_evaluations, ALL, own=True),
    "submit_access_request": Row(_submission, ENGINEERS, own=True),
    "show_access_request": Row(_request("/access/v1/requests/{id}"), SEE),
    "cancel_access_request": Row(_request("/access/v1/requests/{id}/cancel"), "ana"),
    "list_targets": Row(_at(f"{V1}/targets"), ALL, own=True),
    "how_to_connect": Row(_connect, "ana"),
    "explain_policy": Row(_at(f"{V1}/policy/explain", WISH), ENGINEERS, own=True),
    "ask_for_access": Row(_at(f"{V1}/requests", WISH), ENGINEERS, own=True),
    "list_requests": Row(_request(f"{V1}/requests?view=all&limit=200#{{id}}"), SEE, lists=True),
    "show_request": Row(_request(f"{V1}/requests/{{id}}"), SEE),
    "preview_request": Row(_at(f"{V1}/requests/preview", WISH), ENGINEERS, own=True),
    "similar_requests": Row(_request(f"{V1}/requests/{{id}}/similar"), SEE),
    "explain_request": Row(_request(f"{V1}/requests/{{id}}/explain"), SEE),
    "who_decides": Row(_request(f"{V1}/requests/{{id}}/deciders"), SEE),
    "approve_request": Row(_request(f"{V1}/requests/{{id}}/approve", {"vote": 1}), "ben"),
    "deny_request": Row(_request(f"{V1}/requests/{{id}}/deny", {"vote": 1, "note": "no"}), "ben"),
    "ask_requester": Row(_request(f"{V1}/requests/{{id}}/ask", {"text": "why?"}), "ben"),
    "answer_question": Row(_request(f"{V1}/requests/{{id}}/answer", {"text": "so"}), "ana"),
    "withdraw_request": Row(_request(f"{V1}/requests/{{id}}/withdraw"), "ana"),
    "repeat_request": Row(_request(f"{V1}/requests/{{id}}/repeat", AGAIN), "ana"),
    "list_grants": Row(_grant(f"{V1}/grants?view=all&limit=200#{{id}}"), SEE, lists=True),
    "show_grant": Row(_grant(f"{V1}/grants/{{id}}"), SEE),
    "activate_grant": Row(_grant(f"{V1}/grants/{{id}}/activate"), "ana"),
    "hand_grant_back": Row(_grant(f"{V1}/grants/{{id}}/return"), "ana"),
    "revoke_grant": Row(_grant(f"{V1}/grants/{{id}}/revoke", WHY), "ben olga sam tess"),
    "extend_grant": Row(_grant(f"{V1}/grants/{{id}}/extend", {"by_ms": 60_000, "reason": "more"}, active=True), "ana"),
    "close_grant": Row(_grant(f"{V1}/grants/{{id}}/close", WHY), "ben olga sam tess"),
    "list_sessions": Row(_session(f"{V1}/sessions?limit=200#{{id}}"), SEE, lists=True),
    "show_session": Row(_session(f"{V1}/sessions/{{id}}"), SEE),
    "kill_session": Row(_session(f"{V1}/sessions/{{id}}/kill", WHY), "ana ben olga sam tess"),
    "close_session": Row(_session(f"{V1}/sessions/{{id}}/close", WHY), "ben olga sam tess"),
    "get_recording": Row(_session(f"{V1}/sessions/{{id}}/recording"), READ),
    "watch_session": Row(_session(f"{V1}/sessions/{{id}}/watch?seconds=0"), READ),
    "list_statements": Row(_session(f"{V1}/sessions/{{id}}/statements"), READ),
    "list_parts": Row(_session(f"{V1}/sessions/{{id}}/parts"), READ),
    "show_part": Row(_session(f"{V1}/sessions/{{id}}/parts/0"), READ),
    "list_bodies": Row(_session(f"{V1}/sessions/{{id}}/bodies"), READ),
    "list_entries": Row(_request(f"{V1}/entries?request={{id}}"), SEE),
    "show_entry": Row(_entry(f"{V1}/entries/{{id}}"), SEE),
    "get_receipt": Row(_entry(f"{V1}/entries/{{id}}/receipt?wait=5s"), SEE),
    "search": Row(_entry(f"{V1}/search?kind=request.created#{{id}}"), READ, lists=True),
    "count_hits": Row(_entry(f'{V1}/search/facets?kind=request.created&since={{t}}#"target"'), READ, lists=True),
    "open_entry": Row(_entry(f"{V1}/log/{{index}}"), READ),
    "list_keys": Row(_at(f"{V1}/keys"), ALL, own=True),
    "enrol_key": Row(_new_key, ALL.replace(" bot", "").replace(" dir", ""), own=True),
    "revoke_key": Row(_a_key, "ana"),
    "list_passkeys": Row(_at(f"{V1}/passkeys"), ALL, own=True),
    "begin_passkey": Row(_at(f"{V1}/passkeys/begin"), "", own=True),
    "enrol_passkey": Row(
        _at(f"{V1}/passkeys", {"name": "x", "client_data": NO_ANSWER, "attestation": "YQ"}), "", own=True
    ),
    "rename_passkey": Row(_a_passkey("rename", {"name": "blue key"}), "ana"),
    "remove_passkey": Row(_a_passkey("remove"), "ana"),
    "begin_step_up": Row(_at(f"{V1}/step-up/begin"), "", own=True),
    "step_up": Row(_at(f"{V1}/step-up", ASSERTION), "", own=True),
    "change_password": Row(_at(f"{V1}/password", {"old": "x", "new": "y"}), "", own=True),
    "ask_for_vouching": Row(_at(f"{V1}/vouchings"), ALL.replace(" bot", "").replace(" dir", ""), own=True),
    "my_vouching": Row(_at(f"{V1}/vouchings/mine"), ALL, own=True),
    "show_vouching": Row(_vouching(f"{V1}/vouchings/{{code}}"), "sam tess oz zed"),
    "vouch": Row(_vouching(f"{V1}/vouchings/{{code}}/vouch"), "sam tess oz zed"),
    "break_the_glass": Row(_at(f"{V1}/break-glass", {**WISH, "drill": True}), ENGINEERS, own=True),
    "ratify_break_glass": Row(_ratify, "ben"),
    "list_obligations": Row(
        _owed(f"{V1}/obligations?everything=true&limit=200#{{id}}"), "ana ben sam tess cleo zed", lists=True
    ),
    "show_obligation": Row(_owed(f"{V1}/obligations/{{id}}"), "ana ben sam tess cleo zed"),
    "sign_off": Row(_owed(f"{V1}/obligations/{{id}}/sign-off", {"note": "as asked"}), "ben"),
    "settle_follow_up": Row(_owed(f"{V1}/obligations/{{id}}/settle", {"note": "done"}, flagged=True), "ben"),
    "ask_for_bundle": Row(
        _at(
            f"{V1}/bundles",
            {"items": [{"target": "orders", "role": "read"}], "duration_ms": 600_000, "reason": "x"},
        ),
        ENGINEERS,
        own=True,
    ),
    "show_bundle": Row(_bundled(f"{V1}/bundles/{{id}}"), SEE),
    "approve_bundle": Row(_bundled(f"{V1}/bundles/{{id}}/approve", votes=True), "ben"),
    "deny_bundle": Row(_bundled(f"{V1}/bundles/{{id}}/deny", {"note": "no"}, votes=True), "ben"),
    "withdraw_bundle": Row(_bundled(f"{V1}/bundles/{{id}}/withdraw"), "ana"),
    "list_favourites": Row(_favoured(f"{V1}/favourites#{{name}}"), "ana", lists=True),
    "save_favourite": Row(_at(f"{V1}/favourites", {**WISH, "name": "mine"}), ALL, own=True),
    "ask_for_favourite": Row(_favoured(f"{V1}/favourites/{{name}}/ask", AGAIN), "ana"),
    "remove_favourite": Row(_favoured(f"{V1}/favourites/{{name}}/remove"), "ana"),
    "propose_policy": Row(_text, "sam tess"),
    "list_proposals": Row(_proposal(f"{V1}/policy/proposals#{{id}}"), "sam tess cleo zed", lists=True),
    "show_proposal": Row(_proposal(f"{V1}/policy/proposals/{{id}}"), "sam tess cleo zed"),
    "approve_proposal": Row(_proposal(f"{V1}/policy/proposals/{{id}}/approve", votes=True), "tess", own=True),
    "reject_proposal": Row(_proposal(f"{V1}/policy/proposals/{{id}}/reject", {"note": "no"}), "sam tess"),
    "list_policies": Row(_at(f"{V1}/policies"), "sam tess cleo zed"),
    "try_policy": Row(_at(f"{V1}/policy/try", {"text": "policy: x"}), "sam tess cleo zed"),
    "simulate_policy": Row(_simulated, "sam tess cleo zed"),
    "who_can_get": Row(_at(f"{V1}/policy/who-can?target=orders&role=read"), "sam tess cleo zed"),
    "explain_for": Row(_at(f"{V1}/policy/explain-for", {**WISH, "person": "ana@acme.test"}), "sam tess cleo zed"),
    "list_people": Row(_at(f"{V1}/people"), "sam tess cleo oz zed"),
    "list_groups": Row(_at(f"{V1}/groups"), "sam tess cleo oz zed"),
    "list_all_targets": Row(_at(f"{V1}/targets/all"), "sam tess cleo oz zed"),
    "check_target": Row(_at(f"{V1}/targets/orders/check"), "sam tess cleo oz zed"),
    "list_channels": Row(_at(f"{V1}/channels"), "sam tess cleo oz zed"),
    "show_overview": Row(_at(f"{V1}/overview"), "sam tess cleo oz zed"),
    "test_channel": Row(_at(f"{V1}/channels/email/test"), "sam tess oz zed"),
    "list_all_tokens": Row(_at(f"{V1}/tokens/all"), "sam tess cleo zed", own=True),
    "retry_notice": Row(_notice, "sam tess oz zed"),
    "set_lock": Row(_lock, "sam tess"),
    "list_locks": Row(_at(f"{V1}/locks?all=true"), "sam tess cleo oz zed"),
    "lift_lock": Row(_locked, "sam tess"),
    "list_tokens": Row(_at(f"{V1}/tokens?person=ana@acme.test"), "ana sam tess cleo zed"),
    "make_token": Row(_at(f"{V1}/tokens", {"person": "ana@acme.test"}), "ana"),
    "revoke_tokens": Row(_all_tokens, "ana bot sam tess", own=True),
    "revoke_token": Row(_a_token, "ana sam tess"),
    "sign_in_with_token": Row(_at(f"{V1}/sign-in/token", {"token": "dp_"}), "", own=True),
    "sign_in_with_password": Row(_at(f"{V1}/sign-in/password", {"email": "x", "password": "y"}), "", own=True),
    "begin_passkey_sign_in": Row(_at(f"{V1}/sign-in/passkey/begin"), "", own=True),
    "sign_in_with_passkey": Row(_at(f"{V1}/sign-in/passkey", ASSERTION), "", own=True),
    "accept_invitation": Row(_at(f"{V1}/sign-in/invitation", {"code": "dp_", "password": "y"}), "", own=True),
    "sign_out": Row(_at(f"{V1}/sign-out", {"everywhere": True}), ALL, own=True),
    "list_visits": Row(_visited(f"{V1}/visits#{{id}}"), "ana", lists=True),
    "ways_to_sign_in": Row(_at(f"{V1}/sign-in"), ALL, own=True),
    "begin_device": Row(_at(f"{V1}/devices", {}), ALL, own=True),
    "poll_device": Row(_at(f"{V1}/devices/poll", {"device": "dp_"}), "", own=True),
    "show_device": Row(_device("{path}"), ALL, own=True),
    "allow_device": Row(_device("{path}/allow"), "", own=True),
    "refuse_device": Row(_device("{path}/refuse"), "", own=True),
    "open_console": Row(_open_console, "ana", own=True),
    "list_consoles": Row(_at(f"{V1}/consoles"), ALL, own=True),
    "show_console": Row(_console(""), "", own=True),
    "run_in_console": Row(_console("run", {"text": "select 1"}), "", own=True),
    "cancel_in_console": Row(_console("cancel"), "", own=True),
    "follow_console": Row(_console("events"), "", own=True),
    "close_console": Row(_console("close"), "", own=True),
    "list_snippets": Row(_at(f"{V1}/snippets"), ALL, own=True),
    "save_snippet": Row(_at(f"{V1}/snippets", {"name": "mine", "text": "select 1"}), ALL, own=True),
    "remove_snippet": Row(_snippet, "ana"),
    "end_visit": Row(_visited(f"{V1}/visits/{{id}}/end"), "ana"),
}
"""By operation. `{V1}/slack/actions` and `/ledger` are no operations; their own tests ask them."""

HELD: Mapping[str, str] = {
    "ana": "requester",
    "ben": "approver",
    "olga": "target owner",
    "sam": "security",
    "tess": "security",
    "cleo": "auditor",
    "oz": "operator",
    "zed": "auditor operator",
    "dir": "provisioner",
}
"""What each is to Ana's things; the others are nothing to them."""
