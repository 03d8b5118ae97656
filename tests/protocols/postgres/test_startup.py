"""From the first byte until the client is in, or is told why not."""

from __future__ import annotations

import pytest

from daypass.domain.target import Effect
from daypass.protocols.interface import (
    Authorize,
    Close,
    Closed,
    Connect,
    Ending,
    Failed,
    Interrupt,
    Interrupted,
    Limits,
    LookUp,
    Ready,
    Received,
    Record,
    Refused,
    Send,
    Side,
    StartTls,
)
from daypass.protocols.postgres import POSTGRES, errors, messages
from daypass.protocols.postgres.errors import Complaint
from tests.protocols.postgres.client import ENTROPY, WELCOME, Guest, kinds, opened, parameters, probed
from tests.protocols.postgres.script import said


def complaint(guest: Guest) -> Complaint:
    """The error that the client got last."""
    sent = guest.sent[Side.CLIENT]
    return errors.read(sent[sent.rindex(b"SFATAL") :])


def admitted(**startup: str) -> Guest:
    guest = Guest()
    guest.start(**startup)
    guest.sign_in()
    guest.target(WELCOME)
    guest.got()
    guest.target(probed())
    return guest


def test_the_whole_way_in() -> None:
    guest = admitted(client_encoding="LATIN1", application_name="psql")
    assert guest.named(Authorize) == [Authorize("t2", "orders", "write")]
    asked = parameters(guest.got(Side.TARGET).split(b"BEGIN;")[0][:-5])
    assert asked["user"] == "app" and asked["database"] == "orders"
    assert asked["client_encoding"] == "LATIN1"
    assert asked["application_name"].startswith("daypass ana@acme.test") and len(asked["application_name"]) == 63
    assert guest.named(Ready) == [Ready({"pid": "4711", "backend_start": "1795405017746230", "usesysid": "16384"})]
    got = guest.got()
    assert kinds(got) == "RSKZ"
    assert guest.session.key in got and b"real" not in got
    assert len(guest.session.key) == 8
    assert guest.session.key[:4] == (4711).to_bytes(4, "big")  # what pg_backend_pid() says, and notifications do


def test_the_client_is_told_that_it_is_in_only_when_it_is() -> None:
    guest = Guest()
    guest.start()
    guest.sign_in()
    assert kinds(guest.got()) == "R"  # SASLFinal, and not yet AuthenticationOk
    guest.target(WELCOME)
    assert guest.got() == b""


def test_protocol_3_2_has_longer_keys() -> None:
    guest = Guest()
    guest.start(messages.PROTOCOL_3_2)
    guest.sign_in()
    guest.target(WELCOME)
    guest.target(probed())
    assert len(guest.session.key) == 36


def test_a_newer_protocol_and_unknown_options_are_negotiated() -> None:
    guest = Guest()
    guest.start(3 << 16 | 9999, **{"_pq_.wishes": "1"})
    assert guest.sent[Side.CLIENT].startswith(messages.negotiate(messages.PROTOCOL_3_2, ["_pq_.wishes"]))
    guest.got()


def test_what_is_sent_ahead_is_handled_once_the_client_is_in() -> None:
    guest = Guest()
    guest.start()
    guest.sign_in()
    guest.say(said("Query select 1"))
    guest.target(WELCOME)
    assert guest.named(Record) == []
    guest.target(probed())
    assert [record.fact.text for record in guest.named(Record)] == [b"select 1"]


def test_a_client_that_asks_ahead_and_sends_no_more_is_answered() -> None:
    guest = Guest()
    guest.start()
    guest.sign_in()
    guest.say(said("Query select 1"))
    guest.handle(Closed(Side.CLIENT))
    guest.target(WELCOME)
    guest.target(probed())
    assert guest.got(Side.TARGET).endswith(said("Query select 1") + messages.TERMINATE)
    assert not guest.named(Close)


@pytest.mark.parametrize("code", [messages.SSL_REQUEST, messages.GSSENC_REQUEST])
def test_encryption_that_is_not_to_be_had_is_declined(code: int) -> None:
    guest = Guest()
    guest.say(messages.request(code))
    assert guest.got() == b"N"
    guest.start()
    assert kinds(guest.got()) == "R"


def test_tls_by_request_offers_channel_binding() -> None:
    guest = Guest(tls=True, plain=False)
    guest.say(messages.request(messages.SSL_REQUEST))
    assert guest.got() == b"S"
    assert guest.named(StartTls) == [StartTls(Side.CLIENT, ("postgresql",))]
    guest.start()
    guest.sign_in(binding=b"certificate")
    assert guest.scram is not None and guest.scram.mechanism == "SCRAM-SHA-256-PLUS"
    assert guest.named(Authorize)


def test_a_client_on_another_channel_is_refused() -> None:
    guest = Guest(tls=True)
    guest.say(messages.request(messages.SSL_REQUEST))
    guest.got()
    guest.start()
    guest.sign_in(binding=b"another certificate")
    assert not guest.named(Authorize)
    assert complaint(guest).sqlstate == "08P01"


def test_tls_directly() -> None:
    guest = Guest(tls=True, plain=False)
    guest.alpn = "postgresql"
    guest.say(b"\x16\x03\x01hello")
    assert guest.named(StartTls) == [StartTls(Side.CLIENT, ("postgresql",), b"\x16\x03\x01hello")]
    guest.start()
    assert kinds(guest.got()) == "R"


def test_tls_directly_needs_its_application_protocol() -> None:
    guest = Guest(tls=True)
    guest.say(b"\x16\x03\x01hello")
    assert guest.named(Close)


@pytest.mark.parametrize("code", [messages.SSL_REQUEST, messages.GSSENC_REQUEST])
def test_bytes_behind_a_request_for_encryption_end_the_connection(code: int) -> None:
    guest = Guest(tls=True)
    guest.say(messages.request(code) + b"x")
    assert not guest.named(StartTls)
    assert guest.named(Close)[0].reason == "protocol error"


def test_plain_text_is_refused_where_it_is_not_allowed() -> None:
    guest = Guest(tls=True, plain=False)
    guest.start()
    assert complaint(guest).sqlstate == "28000"


def test_a_wrong_token_says_nothing_else() -> None:
    guest = Guest()
    guest.start()
    guest.sign_in("dp_wrong")
    assert not guest.named(Authorize)
    said_ = complaint(guest)
    assert (said_.sqlstate, said_.message) == ("28P01", 'password authentication failed for user "ana@acme.test"')


def test_without_a_grant_the_error_says_what_to_type() -> None:
    class Unauthorized(Guest):
        def answer(self, effect: object) -> object:  # type: ignore[override]
            if isinstance(effect, Authorize):
                return (Refused("refused", "no active grant", "daypass request orders"),)
            return super().answer(effect)

    guest = Unauthorized()
    guest.start()
    guest.sign_in()
    assert not guest.named(Connect)
    said_ = complaint(guest)
    assert (said_.sqlstate, said_.message, said_.hint) == ("28000", "no active grant", "daypass request orders")


@pytest.mark.parametrize("value", ["true", "database", "on", "1"])
def test_replication_is_refused(value: str) -> None:
    guest = Guest()
    guest.start(replication=value)
    assert complaint(guest).sqlstate == "0A000"
    assert "replication" in complaint(guest).message


@pytest.mark.parametrize(
    ("name", "value"), [("user", b"ana\xff"), ("database", b"orders\xff"), ("database", b"orders:\xff")]
)
def test_names_that_cannot_be_recorded_are_refused_before_anybody_is_looked_up(name: str, value: bytes) -> None:
    guest = Guest()
    guest.start(**{name: messages.decode(value)})
    assert not guest.named(LookUp)
    said_ = complaint(guest)
    assert (said_.sqlstate, said_.message) == ("28000", f"the {name} name is not UTF-8")


def test_settings_in_another_encoding_reach_the_target() -> None:
    guest = Guest()
    guest.start(options=messages.decode(b"-c a.b=\xff"))
    guest.sign_in()
    assert b"-c a.b=\xff\0" in guest.got(Side.TARGET)


def test_a_cancel_request_names_its_key_and_goes() -> None:
    guest = Guest()
    guest.say(messages.request(messages.CANCEL_REQUEST, b"\0\0\0\x07secret-of-some-length"))
    assert guest.named(Interrupt) == [Interrupt(b"\0\0\0\x07secret-of-some-length")]
    assert [type(effect) for effect in guest.effects] == [Interrupt, Close]


def test_a_cancel_request_is_let_go_once_it_is_answered() -> None:
    session = POSTGRES.session(entropy=ENTROPY, tls=False, plain=True, limits=Limits())
    request = messages.request(messages.CANCEL_REQUEST, b"\0\0\0\x07key.")
    assert session.handle(Received(Side.CLIENT, request, 1.0)) == [Interrupt(b"\0\0\0\x07key.")]
    assert [type(effect) for effect in session.handle(Interrupted())] == [Close]


@pytest.mark.parametrize(
    "packet",
    [
        b"\0\0\0\x04",
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\x0a\0\3\0\0ab",
        b"\0\0\0\x09\0\2\0\0\0",
        b"\0\0\0\x0a\0\3\0\0\0x",
    ],
)
def test_garbage_is_answered_with_an_error(packet: bytes) -> None:
    guest = Guest()
    guest.say(packet)
    assert guest.named(Close)[0].reason in ("protocol error", "refused")
    assert isinstance(guest.effects[-2], Send)


def test_a_client_that_leaves_takes_its_connection_with_it() -> None:
    guest = Guest()
    guest.start()
    guest.sign_in()
    guest.handle(Closed(Side.CLIENT))
    assert guest.effects[-2:] == [
        Close(Side.CLIENT, "client left", "the client left while signing in"),
        Close(Side.TARGET, "client left", "the client left while signing in"),
    ]


def test_an_ending_reaches_a_session_that_is_not_in_yet() -> None:
    guest = Guest()
    guest.start()
    guest.sign_in()
    guest.handle(Ending("revoked", "grant 7 was revoked"))
    assert complaint(guest).sqlstate == "57P01"
    guest.target(WELCOME)
    assert not guest.named(Ready)


def test_a_target_that_cannot_be_reached() -> None:
    class Unreachable(Guest):
        def answer(self, effect: object) -> object:  # type: ignore[override]
            return (
                (Failed(Side.TARGET, "connection refused"),) if isinstance(effect, Connect) else super().answer(effect)
            )

    guest = Unreachable()
    guest.start()
    guest.sign_in()
    assert complaint(guest).sqlstate == "08006"
    assert guest.named(Close)[0].reason == "target left"


def test_a_target_that_refuses_us() -> None:
    guest = Guest()
    guest.start()
    guest.sign_in()
    guest.target(said("Fatal 53300 too many clients"))
    assert "too many clients" in complaint(guest).message


@pytest.mark.parametrize(
    ("given", "dangers", "writes", "word"),
    [
        (opened(), "superuser", "", "superuser"),
        (opened(Effect.READ), "", "table public.t", "can write"),
        (opened(dangerous=True), "superuser", "", None),
        (opened(Effect.READ), "", "", None),
    ],
)
def test_a_login_that_could_do_more_is_refused(given: object, dangers: str, writes: str, word: str | None) -> None:
    guest = Guest(given=given)  # type: ignore[arg-type]
    guest.start()
    guest.sign_in()
    guest.target(WELCOME)
    guest.target(probed(dangers, writes))
    if word is None:
        assert guest.named(Ready)
    else:
        assert not guest.named(Ready)
        assert word in complaint(guest).message


@pytest.mark.parametrize("pid", ["", "-1", "x", "4294967296", "\u0661"])
def test_a_target_that_does_not_say_who_we_are(pid: str) -> None:
    guest = Guest()
    guest.start()
    guest.sign_in()
    guest.target(WELCOME)
    guest.target(probed(pid=pid))
    assert not guest.named(Ready)
    assert "who we are" in complaint(guest).message


@pytest.mark.parametrize("size", [1, 7])
def test_byte_by_byte_it_is_the_same(size: int) -> None:
    whole, slow = admitted(), Guest()
    slow.start()
    slow.sign_in()
    slow.got()
    for data in (WELCOME, probed()):
        for pos in range(0, len(data), size):
            slow.target(data[pos : pos + size])
    assert whole.got() == slow.got()
