"""E-mail to a real SMTP server: encrypted, signed in, in threads; and what its refusals mean."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from daypass.notify.email import NONE, STARTTLS, Email, Server
from daypass.notify.interface import NotSent, Recipient
from tests.notify.conftest import REQUEST, message
from tests.notify.receivers import Mailbox, text_of
from tests.servers.authority import Authority

FROM = "Daypass <daypass@acme.test>"


def plain(mailbox: Mailbox) -> Email:
    return Email(Server("127.0.0.1", mailbox.port, NONE, FROM))


async def test_it_says_who_what_and_what_to_type(mailbox: Mailbox) -> None:
    receipt = await plain(mailbox).send(message(), {})
    (mail,) = mailbox.mails
    assert (mail["To"], mail["From"]) == ("Lea <lea@acme.test>", FROM)
    assert mail["Subject"] == "[Daypass] Ana asks for orders:write"
    assert mail["Message-ID"] == receipt["message_id"] == "<0190-notice@acme.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = text_of(mail)
    assert "Who:         Ana" in text and f"    daypass approve {REQUEST}" in text
    assert "\u202e" not in text and "second line" in text
    html = mail.get_body(("html",))
    assert html is not None and "&lt;script&gt;" in html.get_content() and "<script>" not in html.get_content()


async def test_what_follows_is_in_the_same_thread(mailbox: Mailbox) -> None:
    channel = plain(mailbox)
    first = await channel.send(message(), {})
    again = await channel.send(message(id="0190-later", kind="closed", quiet=True, choices=None), first)
    await channel.send(message(id="0190-last", quiet=True), again)
    asked, closed, last = mailbox.mails
    assert closed["Subject"] == "Re: " + asked["Subject"]
    assert closed["In-Reply-To"] == asked["Message-ID"] and last["In-Reply-To"] == closed["Message-ID"]
    roots = {str(one["References"]).split()[0] for one in (asked, closed, last)}
    assert len(roots) == 1 and asked["Message-ID"] in closed["References"]


async def test_a_name_cannot_add_a_header(mailbox: Mailbox) -> None:
    to = Recipient("lea@acme.test", "Lea\r\nBcc: eve@acme.test")
    await plain(mailbox).send(message(to=to, subject="x\r\nBcc: eve@acme.test"), {})
    assert mailbox.mails[0]["Bcc"] is None


@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_starttls_and_signing_in(tmp_path: Path, password: str) -> None:
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.certificate("127.0.0.1"))
    mailbox = Mailbox(context, "right")
    await mailbox.start()
    try:
        server = Server("127.0.0.1", mailbox.port, STARTTLS, FROM, "daypass", password, authority.path)
        if password == "right":
            await Email(server).send(message(), {})
            assert mailbox.encrypted == [True] and "with STARTTLS" in await Email(server).check()
        else:
            with pytest.raises(NotSent) as problem:
                await Email(server).send(message(), {})
            assert not problem.value.final and mailbox.mails == []
    finally:
        await mailbox.stop()


async def test_a_server_that_offers_no_starttls_gets_nothing(mailbox: Mailbox) -> None:
    with pytest.raises(NotSent):
        await Email(Server("127.0.0.1", mailbox.port, STARTTLS, FROM)).send(message(), {})
    assert mailbox.mails == []


@pytest.mark.parametrize(("refusal", "final"), [("550 no such user", True), ("451 come back later", False)])
async def test_what_a_refusal_means(mailbox: Mailbox, refusal: str, final: bool) -> None:
    mailbox.refusal = refusal
    with pytest.raises(NotSent) as problem:
        await plain(mailbox).send(message(), {})
    assert problem.value.final is final and refusal[:3] in problem.value.why


async def test_a_server_that_is_down_is_tried_again(mailbox: Mailbox) -> None:
    await mailbox.stop()
    with pytest.raises(NotSent) as problem:
        await plain(mailbox).send(message(), {})
    assert not problem.value.final
