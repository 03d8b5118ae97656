"""People's commands against a real server: what they print, and how they leave."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path

from daypass.cli.showing import CELL_CHARACTERS_MAX
from daypass.domain.durations import HOUR_MS, as_datetime
from tests.api.serving import Served
from tests.cli.running import daypass

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
ASK = ("request", "orders", "--role", "write", "--for", "30m", "--reason", "INC-7: refund twice")


def test_login_is_remembered_for_its_owner_only(served: Served, tmp_path: Path) -> None:
    url, token = f"http://localhost:{served.web}", served.token("ana")
    done = daypass(tmp_path, "login", url, "--token", token)
    assert done.returncode == 0 and token not in done.stdout
    stored = tmp_path / ".config" / "daypass" / "login.json"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert daypass(tmp_path, "whoami").stdout == "Ana <ana@acme.test>\ngroups: engineers\n"
    elsewhere = daypass(tmp_path, "whoami", DAYPASS_URL="http://localhost:9")
    assert elsewhere.stderr.startswith("daypass: I have no token")


def test_a_wrong_token_is_not_stored(served: Served, tmp_path: Path) -> None:
    done = daypass(tmp_path, "login", f"http://localhost:{served.web}", "--token", "dp_wrong")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "daypass: nobody holds this token")
    assert not (tmp_path / ".config").exists()


def test_request_prints_its_id_and_nothing_else(served: Served) -> None:
    asked = served.run("ana", *ASK)
    id = asked.stdout.strip()
    assert asked.returncode == 0 and UUID.fullmatch(id)
    assert "Waiting for a decision on orders:write" in asked.stderr
    own = served.run("ana", "approve", id)
    assert (own.returncode, own.stderr.splitlines()[0]) == (1, "daypass: nobody decides on their own request")
    assert id[-8:] in served.run("ben", "requests", "--to-decide").stdout
    assert served.run("ben", "approve", id[-12:], "--for", "15m").stdout == f"{id} APPROVED\n"
    shown = served.run("ana", "show", id).stdout
    for line in ("asked by ana@acme.test", "approved for 15m by ben@acme.test", "why     INC-7: refund twice"):
        assert line in shown
    assert served.run("ana", "return", served.object("ana", "show", id)["grant"]).returncode == 0


def test_every_object_has_id_and_state(served: Served) -> None:
    made = served.object("ana", *ASK[:-1], "INC-8", "--ticket", "INC-8")
    things = [made, served.object("ana", "whoami"), served.object("ana", "show", made["id"])]
    things += (
        served.object("ana", "targets") + served.object("ana", "requests") + served.object("cleo", "grants", "--all")
    )
    things.append(served.object("ana", "withdraw", made["id"]))
    assert all({"id", "state"} <= each.keys() for each in things)
    assert things[-1]["state"] == "WITHDRAWN"


def test_grants_begin_and_end(served: Served) -> None:
    made = served.object(
        "ana", "request", "orders", "--role", "read", "--for", "1h", "--reason", "x", "--ticket", "INC-1"
    )
    assert made["state"] == "APPROVED"
    grant = made["grant"]
    printed = served.run("ana", "connect", "orders:read", "--print")
    assert printed.returncode == 0 and served.token("ana") not in printed.stdout
    assert f":{served.port}/" in printed.stdout
    assert served.run("ana", "activate", grant).stdout == f"{grant} ACTIVE\n"
    assert grant[-8:] in served.run("ana", "grants", "--live").stdout
    refused = served.run("ana", "revoke", grant, "--reason", "x")
    assert refused.returncode == 1
    extended = served.run("ana", "extend", grant, "--by", "30m", "--reason", "x")
    assert extended.stdout == f"{grant} ACTIVE\n", extended.stderr
    assert served.run("ana", "return", grant).stdout == f"{grant} ENDED\n"
    assert "grant began to end: handed back by ana@acme.test" in served.run("ana", "show", grant).stdout


def test_connect_without_a_grant_says_what_to_type(served: Served) -> None:
    done = served.run("ana", "connect", "orders:write")
    assert done.returncode == 1
    assert "daypass request orders --role write --for 30m" in done.stderr


def test_a_list_that_is_cut_says_so(served: Served) -> None:
    asked = [served.object("ana", *ASK)["id"] for _ in range(3)]
    cut = served.run("ana", "requests", "--limit", "2", "--json")
    assert [one["id"] for one in json.loads(cut.stdout)] == asked[:0:-1]
    assert cut.stderr == "daypass: only the newest 2 are shown\n  more of them: --limit 4\n"
    every = len(served.object("ana", "requests", "--limit", "10000"))
    whole = served.run("ana", "requests", "--limit", str(every))
    assert (len(whole.stdout.splitlines()), whole.stderr) == (every + 1, "")
    assert served.run("ana", "requests", "--limit", str(every - 1)).stderr
    wrong = served.run("ana", "requests", "--limit", "0")
    assert wrong.returncode == 2 and "must be a number from 1 to 10000, not '0'" in wrong.stderr


def test_what_asking_takes_is_not_cut(served: Served) -> None:
    takes = [role["takes"] for target in served.object("ana", "targets") for role in target["roles"]]
    listed = served.run("ana", "targets").stdout
    assert max(map(len, takes)) > CELL_CHARACTERS_MAX and all(one in listed for one in takes)


def test_wait_leaves_with_the_decision(served: Served) -> None:
    said: list[int] = []

    def wait() -> None:
        said.append(served.run("ana", *ASK[:-1], "waiting for it", "--wait").returncode)

    waiting = threading.Thread(target=wait)
    waiting.start()
    id = None
    while id is None:
        found = served.object("ben", "requests", "--to-decide")
        id = next((each["id"] for each in found if each["reason"] == "waiting for it"), None)
    assert served.run("ben", "deny", id, "--note", "no").returncode == 0
    waiting.join(30)
    assert said == [1]


def test_questions_and_answers(served: Served) -> None:
    id = served.object("ana", *ASK)["id"]
    assert served.run("ben", "ask", id, "which\x1b[2J one?").stdout == f"{id} NEEDS_INFO\n"
    assert served.run("ana", "answer", id, "4711").stdout == f"{id} PENDING\n"
    shown = served.run("ana", "show", id).stdout
    assert "\x1b" not in shown and "ben@acme.test: which␛[2J one?" in shown


def test_unknown_things_are_told(served: Served) -> None:
    done = served.run("ana", "show", "ffffffff")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "daypass: there is no request, grant or session ffffffff that you may see",
    )
    assert served.run("ana", "replay", "ffffffff").returncode == 1


def test_tokens_are_made_by_the_running_server_or_without_it(served: Served, tmp_path: Path) -> None:
    told = json.loads(daypass(served.home, "people", "token", "eve@acme.test", "--expires", "1d", "--json").stdout)
    assert told["state"] == "LIVE" and told["token"].startswith("dp_")
    nobody = daypass(served.home, "people", "token", "zoe@acme.test")
    assert (nobody.returncode, nobody.stderr.splitlines()[0]) == (
        1,
        "daypass: there is nobody with the address zoe@acme.test",
    )
    other = Served(tmp_path)
    offline = other.token("ana")
    with other:
        assert other.call("GET", "/api/v1/whoami", Authorization=f"Bearer {offline}").json["email"] == "ana@acme.test"
    assert "Traceback" not in other.log()


def test_a_second_server_on_the_same_data_is_refused(served: Served) -> None:
    done = daypass(served.home, "serve")
    assert done.returncode == 1
    assert "another Daypass runs on" in done.stderr


def test_sigterm_leaves_with_0(tmp_path: Path) -> None:
    other = Served(tmp_path)
    other.start()
    assert other.stop() == 0
    other.start()
    assert other.stop() == 0


def test_connect_says_why_not(served: Served) -> None:
    starts = f"{as_datetime(int(time.time() * 1000) + HOUR_MS):%Y-%m-%dT%H:%M:%SZ}"
    ask = ("request", "orders", "--role", "read", "--for", "1h", "--reason", "later", "--ticket", "INC-2")
    made = served.object("ana", *ask, "--at", starts)
    early = served.run("ana", "connect", "orders:read", "--print")
    told, hint = early.stderr.splitlines()
    assert early.returncode == 1 and "your access to orders:read has not started yet" in told
    assert hint == f"  daypass show {made['grant']}"
    served.object("ana", "return", made["grant"])
    nothing = served.run("ana", "connect", "orders:admin")
    assert nothing.returncode == 1 and "daypass targets" in nothing.stderr and "--role" not in nothing.stderr


def test_who_may_not_hand_back_hears_what_they_may(served: Served) -> None:
    grant = served.object("ana", *ASK[:3], "read", *ASK[4:], "--ticket", "INC-3")["grant"]
    assert f'daypass revoke {grant} --reason "…"' in served.run("sam", "return", grant).stderr
    assert "revoke" not in served.run("cleo", "return", grant).stderr
    served.object("ana", "return", grant)


def test_times_out_of_range_name_one_within(served: Served) -> None:
    refused = served.run("ana", *ASK, "--at", "2020-01-01T00:00:00Z")
    assert refused.returncode == 1 and "between now and 90 days from now" in refused.stderr
    hinted = refused.stderr.split()[-2:]
    made = served.object("ana", *ASK, *hinted)
    assert hinted[0] == "--at" and served.object("ana", "withdraw", made["id"])["state"] == "WITHDRAWN"


def test_withdrawing_what_is_not_there_speaks_of_a_request(served: Served) -> None:
    id = served.object("ana", *ASK)["id"]
    for by, named in (("ana", "zzzz"), ("eve", id)):
        refused = served.run(by, "withdraw", named)
        assert refused.returncode == 1 and f"there is no request {named}" in refused.stderr
    assert served.object("ana", "withdraw", id)["state"] == "WITHDRAWN"
