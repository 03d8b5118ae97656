"""SCIM over a real running gateway: the protocol's own test suite, and what Entra and Okta send."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from pydantic import Field
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Required, ScimProvider
from scim2_tester import Status, check_server

from daypass.api import scim_models
from tests.api.serving import REQUEST_BYTES, Answer, Served
from tests.cli.running import daypass

SCIM = "/scim/v2"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ACCOUNT = "okta@acme.test"


class Provisioned(Served):
    """A Daypass that a directory speaks to."""

    def __init__(self, home: Path, scim: str = "") -> None:
        super().__init__(home)
        file = home / "daypass.yaml"
        account = f"    - {{ email: {ACCOUNT}, name: Okta, agent_of: sam@acme.test }}\n"
        file.write_text(
            file.read_text()
            .replace("identity:\n", f"identity:\n  scim: {{ account: {ACCOUNT}{scim} }}\n")
            .replace("  people:\n", f"  people:\n{account}")
        )
        self._scim = ""

    @property
    def secret(self) -> str:
        """The directory's token."""
        if not self._scim:
            done = daypass(self.home, "people", "token", ACCOUNT, "--scope", "scim", "--expires", "1d")
            assert done.returncode == 0, done.stderr
            self._scim = done.stdout.strip()
        return self._scim

    def scim(self, method: str, path: str, body: object = None, **more: str) -> Answer:
        bearer = {"Authorization": f"Bearer {self.secret}", "Content_Type": "application/scim+json"}
        return self.call(method, f"{SCIM}{path}", body, **{**bearer, **more})

    def person(self, who: str, **more: Any) -> Any:
        """Make somebody."""
        wanted = {"schemas": [USER], "userName": f"{who}@acme.test", "externalId": f"00u-{who}", **more}
        made = self.scim("POST", "/Users", wanted)
        assert made.status == 201, made.raw
        return made.json

    def group(self, name: str, *members: str) -> Any:
        inside = [{"value": one} for one in members]
        made = self.scim("POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": inside})
        assert made.status == 201, made.raw
        return made.json

    def patch(self, path: str, *operations: object) -> Answer:
        return self.scim("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    def of(self, name: str) -> Any:
        """How administration sees somebody."""
        found = self.call("GET", f"/api/v1/people?q={name}@", by="sam").json["items"]
        return found[0] if found else None


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provisioned]:
    with Provisioned(tmp_path_factory.mktemp("scim")) as made:
        yield made


class Addresses(list[str]):
    """Fresh addresses for the suite, which knows no other way to be told that a login is one."""

    def __getitem__(self, index: Any) -> Any:
        return f"{uuid.uuid4().hex}@acme.test"


class User(scim_models.User):
    user_name: Annotated[str | None, Required.true] = Field(None, examples=Addresses([""]))  # type: ignore[arg-type]


def test_the_protocols_own_suite(provisioned: Provisioned) -> None:
    bearer = {"Authorization": f"Bearer {provisioned.secret}"}
    known = ScimProvider(models=[User, scim_models.Group])
    with httpx2.Client(base_url=f"http://localhost:{provisioned.web}{SCIM}", headers=bearer, timeout=30) as http:
        results = check_server(SyncSCIMClient(http, provider=known))
    wrong = [(one.title, one.status.name, one.reason) for one in results if one.status is not Status.SUCCESS]
    # An account is active or it is not: who takes the word away gets the usual one.
    always = ("check_remove_attribute", "ERROR", "Attribute 'active' was not removed")
    assert not [one for one in wrong if one[1] in ("ERROR", "CRITICAL") and one != always], wrong
    assert len(results) > 60


def test_what_entra_sends(provisioned: Provisioned) -> None:
    """Its own forms: operations in capitals, booleans as text, paths with filters as keys, values of a remove."""
    more = {"schemas": [USER, ENTERPRISE], "active": True, "displayName": "Eni", "title": "Engineer"}
    more |= {"emails": [{"primary": True, "type": "work", "value": "Eni@acme.test"}], ENTERPRISE: {"department": "x"}}
    eni = provisioned.person("eni", **more)
    assert eni["active"] is True and "title" not in eni and provisioned.of("eni")["email"] == "eni@acme.test"
    here = f"/Users/{eni['id']}"
    assert provisioned.patch(here, {"op": "Replace", "path": "active", "value": "False"}).status == 204
    assert provisioned.of("eni")["state"] == "DISABLED"
    assert provisioned.patch(here, {"op": "replace", "value": {"active": "True"}}).status == 204
    assert provisioned.of("eni")["state"] == "ACTIVE"
    mixed = {
        'emails[type eq "work"].value': "eni.new@acme.test",
        "name.familyName": "New",
        f"{ENTERPRISE}:manager": "y",
    }
    assert provisioned.patch(here, {"op": "Replace", "value": mixed}).status == 204
    after = provisioned.scim("GET", here).json
    assert (after["emails"][0]["value"], after["name"]) == ("eni.new@acme.test", {"familyName": "New"})
    assert provisioned.of("eni.new")["id"] == eni["id"]
    added = {"op": "Add", "path": 'emails[type eq "home"].value', "value": "eni@home.test"}
    assert provisioned.patch(here, added, {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "z"}).status == 204
    assert len(provisioned.scim("GET", here).json["emails"]) == 2
    group = provisioned.group("entra")
    there = f"/Groups/{group['id']}"
    assert provisioned.patch(there, {"op": "Add", "path": "members", "value": [{"value": eni["id"]}]}).status == 204
    assert provisioned.of("eni.new")["groups"] == ["entra"]
    assert "members" not in provisioned.scim("GET", f"{there}?excludedAttributes=members").json
    for more in ({}, {"$ref": None}, {"display": "Eni"}):
        assert provisioned.patch(there, {"op": "Add", "path": "members", "value": [{"value": eni["id"]}]}).status == 204
        gone = {"op": "Remove", "path": "members", "value": [{**more, "value": eni["id"]}]}
        assert provisioned.patch(there, gone).status == 204
        assert provisioned.of("eni.new")["groups"] == [], more


def test_what_okta_sends(provisioned: Provisioned) -> None:
    """It looks by userName, replaces whole people, fills groups by value paths, and deactivates instead of deleting."""
    nobody = provisioned.scim("GET", "/Users?filter=userName%20eq%20%22oki%40acme.test%22&startIndex=1&count=100").json
    assert (nobody["totalResults"], nobody.get("Resources", [])) == (0, [])
    name = {"givenName": "Oki", "familyName": "Doki"}
    oki = provisioned.person("oki", name=name, password="not kept", groups=[], locale="en-US")
    found = provisioned.scim("GET", "/Users?filter=userName%20eq%20%22OKI%40acme.test%22").json
    assert [one["id"] for one in found["Resources"]] == [oki["id"]]
    assert "password" not in str(found) and provisioned.of("oki")["name"] == "Oki Doki"
    whole = {"schemas": [USER], "userName": "oki@acme.test", "externalId": "00u-oki", "name": name, "active": False}
    assert provisioned.scim("PUT", f"/Users/{oki['id']}", whole).json["active"] is False
    assert provisioned.of("oki")["state"] == "DISABLED"
    group = provisioned.group("okta.devs", oki["id"])
    one = {"op": "remove", "path": f'members[value eq "{oki["id"]}"]'}
    assert provisioned.patch(f"/Groups/{group['id']}", one).status == 204
    renamed = {"op": "replace", "value": {"id": group["id"], "displayName": "okta.people"}}
    assert provisioned.patch(f"/Groups/{group['id']}", renamed).status == 204
    found = provisioned.scim("GET", "/Groups?filter=displayName%20eq%20%22okta.people%22").json
    assert [one["id"] for one in found["Resources"]] == [group["id"]]


def test_who_is_not_said_to_be_active_stays_as_they_are(provisioned: Provisioned) -> None:
    ivo = provisioned.person("ivo", active=False)
    here, whole = f"/Users/{ivo['id']}", {"schemas": [USER], "userName": "ivo@acme.test", "externalId": "00u-ivo"}
    assert provisioned.scim("PUT", here, whole).json["active"] is False
    assert provisioned.patch(here, {"op": "remove", "path": "active"}).status in (200, 204)
    assert provisioned.patch(here, {"op": "replace", "path": "displayName", "value": "Ivo"}).status == 204
    assert provisioned.of("ivo")["state"] == "DISABLED"
    assert provisioned.scim("PUT", here, {**whole, "active": True}).json["active"] is True
    assert provisioned.scim("PUT", here, whole).json["active"] is True


def test_filters_pages_and_order(provisioned: Provisioned) -> None:
    for name in ("pam", "pat", "pia"):
        provisioned.person(name, active=name != "pat")
    for filter, expected in {
        'userName sw "p" and active eq true': ["pam", "pia"],
        'externalId eq "00u-pat"': ["pat"],
        'externalId eq "00U-pat"': [],
        'not (active eq true) and userName sw "pa"': ["pat"],
        'emails pr and userName sw "p"': [],
        'meta.created gt "2020-01-01T00:00:00Z" and (userName co "ia@" or userName eq "pam@acme.test")': ["pam", "pia"],
    }.items():
        asked = httpx2.QueryParams({"filter": filter, "sortBy": "userName"})
        found = provisioned.scim("GET", f"/Users?{asked}").json
        assert [one["userName"].partition("@")[0] for one in found.get("Resources", [])] == expected, filter
    asked = httpx2.QueryParams({"filter": 'userName sw "p"', "sortBy": "userName", "sortOrder": "descending"})
    page = provisioned.scim("GET", f"/Users?{asked}&startIndex=2&count=1&attributes=userName").json
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (3, 2, 1)
    assert page["Resources"][0]["userName"] == "pat@acme.test" and "active" not in page["Resources"][0]
    everybody = provisioned.scim("GET", "/Users?count=0").json
    assert everybody["totalResults"] >= 3 and not everybody.get("Resources")
    posted = provisioned.scim("POST", "/Users/.search", {"filter": 'userName eq "pam@acme.test"'}).json
    assert posted["totalResults"] == 1


@pytest.mark.parametrize("start", [201, 2**63, 99999999999999999999, -(10**30)])
def test_a_page_that_is_nowhere(provisioned: Provisioned, start: int) -> None:
    asked = provisioned.scim("GET", f"/Users?startIndex={start}&count=10")
    assert asked.status == 200 and (start < 0 or not asked.json.get("Resources"))
    for more in ({"sortBy": "userName"}, {"filter": 'userName sw "nobody"'}):
        asked = provisioned.scim("POST", "/Users/.search", {"startIndex": start, "count": 10**30, **more})
        assert asked.status == 200, asked.raw


def test_versions(provisioned: Provisioned) -> None:
    vic = provisioned.scim("GET", f"/Users/{provisioned.person('vic')['id']}")
    here, tag = f"/Users/{vic.json['id']}", vic.headers["etag"]
    assert provisioned.scim("GET", here, If_None_Match=tag).status == 304
    change = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "V"}]}
    assert provisioned.scim("PATCH", here, change, If_Match=tag).status == 204
    stale = provisioned.scim(
        "PATCH", here, change | {"Operations": [{"op": "remove", "path": "displayName"}]}, If_Match=tag
    )
    assert stale.status == 412 and stale.json["status"] == "412"
    same = provisioned.scim("GET", here).headers["etag"]
    assert provisioned.scim("PATCH", here, change).status == 204
    assert same != tag and provisioned.scim("GET", here).headers["etag"] == same


def test_errors_are_in_scims_form(provisioned: Provisioned) -> None:
    tried = {
        ("GET", "/Users?filter=userName%20eq"): (400, "invalidFilter"),
        ("GET", "/Users?filter=nothing%20eq%201"): (400, "invalidFilter"),
        ("POST", "/Users"): (400, "invalidValue"),
        ("GET", "/Users/nobody"): (404, None),
        ("GET", "/Nothing"): (404, None),
        ("DELETE", "/Users"): (405, None),
        ("POST", "/Bulk"): (501, None),
        ("GET", "/Me"): (501, None),
    }
    for (method, path), (status, kind) in tried.items():
        answer = provisioned.scim(method, path, {"schemas": [USER]} if method == "POST" else None)
        assert (answer.status, answer.json.get("scimType")) == (status, kind), (path, answer.raw)
        assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert answer.headers["content-type"].startswith("application/scim+json"), path
    assert provisioned.scim("POST", "/Users", raw=None, Content_Type="text/plain").status == 415


def test_a_large_body_is_refused_as_everywhere_else(provisioned: Provisioned) -> None:
    bearer = {"Authorization": f"Bearer {provisioned.secret}", "Content_Type": "application/scim+json"}
    for raw in (b" " * (REQUEST_BYTES + 1), [b" " * REQUEST_BYTES, b" "]):
        answer = provisioned.call("POST", f"{SCIM}/Users", raw=raw, **bearer)
        assert (answer.status, answer.json["type"].rpartition("/")[2]) == (413, "too_large")


def test_who_may(provisioned: Provisioned) -> None:
    nobody = provisioned.call("GET", f"{SCIM}/Users")
    assert nobody.status == 401 and nobody.headers["www-authenticate"].startswith("Bearer")
    assert nobody.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    for by in ("sam", "ana", "cleo"):
        assert provisioned.call("GET", f"{SCIM}/Users", by=by).status == 403
        for scopes in (["scim"], ["api", "scim"]):
            for holder in ("", ACCOUNT):
                wanted = {"scopes": scopes, "person": holder}
                assert provisioned.call("POST", "/api/v1/tokens", wanted, by=by).status in (403, 404)
    assert provisioned.call("GET", "/api/v1/whoami", Authorization=f"Bearer {provisioned.secret}").status == 403
    refused = daypass(provisioned.home, "people", "token", "ana@acme.test", "--scope", "scim")
    assert refused.returncode == 1 and "does not speak for a directory" in refused.stderr


def test_what_the_settings_keep_is_not_the_directorys(provisioned: Provisioned) -> None:
    for name in ("ana", "Ana", "okta"):
        taken = {"schemas": [USER], "userName": f"x{name}", "emails": [{"value": f"{name}@acme.test"}], "active": False}
        answer = provisioned.scim("POST", "/Users", taken)
        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness") and "settings" in answer.json["detail"]
    tom = provisioned.person("tom")
    for value in ("ana@acme.test", "sam+2@acme.test"):
        moved = provisioned.patch(f"/Users/{tom['id']}", {"op": "replace", "path": "userName", "value": value})
        assert moved.status == 409, moved.raw
    for name in ("leads", "Security"):
        group = {"schemas": [GROUP], "displayName": name, "members": [{"value": tom["id"]}]}
        answer = provisioned.scim("POST", "/Groups", group)
        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness"), answer.raw
    ana = provisioned.of("ana")
    assert provisioned.scim("DELETE", f"/Users/{ana['id']}").status == 404
    into = {"op": "add", "path": "members", "value": [{"value": ana["id"]}]}
    assert provisioned.patch(f"/Groups/{provisioned.group('free')['id']}", into).status == 400
    assert provisioned.of("ana")["groups"] == ["engineers"]


def test_nobody_comes_by_an_account_through_its_address(provisioned: Provisioned) -> None:
    """Who was deleted comes back by the directory's own id; somebody else of the same address does not."""
    una = provisioned.person("una")
    assert provisioned.scim("DELETE", f"/Users/{una['id']}").status == 204
    assert provisioned.scim("GET", f"/Users/{una['id']}").status == 404
    assert provisioned.of("una")["state"] == "DISABLED"
    other = {"schemas": [USER], "userName": "una@acme.test", "externalId": "00u-another"}
    answer = provisioned.scim("POST", "/Users", other)
    assert answer.status == 409 and "erase" in answer.json["detail"]
    assert provisioned.scim("POST", "/Users", {**other, "externalId": ""}).status == 409
    assert provisioned.person("una")["id"] == una["id"]


def test_a_group_whose_name_no_policy_can_spell_opens_nothing(provisioned: Provisioned) -> None:
    zoe = provisioned.person("zoe")
    group = provisioned.group("All of Payments", zoe["id"])
    assert provisioned.of("zoe")["groups"] == []
    named = {"op": "replace", "path": "displayName", "value": "all-of-payments"}
    assert provisioned.patch(f"/Groups/{group['id']}", named).status == 204
    assert provisioned.of("zoe")["groups"] == ["all-of-payments"]
    assert provisioned.scim("DELETE", f"/Groups/{group['id']}").status == 204
    assert provisioned.of("zoe")["groups"] == []
