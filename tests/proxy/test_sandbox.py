"""The built-in upstream: says what the provider would, sends nothing, and shows what it got."""

from __future__ import annotations

import gzip

from proxy.sandbox import KEPT
from tests.conftest import FORM, JSON, MAIL, TEXT, OpenGate, RunningGate, mail_body, request, text_body

A = "a@example.com"
PHONE = "+4915112345678"


async def messages(gate: RunningGate) -> list[dict[str, str]]:
    """Give what the sandboxes got, newest first."""
    items: list[dict[str, str]] = (await gate.api("GET", "/sandbox/messages")).json["items"]
    return items


async def test_it_answers_as_the_provider_does(gate: RunningGate) -> None:
    """Each sandbox says what its own provider says when it takes a send."""
    mail, text = await gate.mail(A, route="sandbox"), await gate.text(PHONE, route="sms-sandbox")
    assert (mail.status, mail.body, bool(mail.get("X-Message-Id"))) == (202, b"", True)
    assert (text.status, text.json["status"], text.json["to"]) == (201, "queued", PHONE)
    assert mail.get("X-Sendgate-Outcome") == text.get("X-Sendgate-Outcome") == "forwarded"


async def test_it_keeps_what_the_provider_would_have_got(gate: RunningGate) -> None:
    """Messages are shown newest first, as they would have gone out: without the refused, and inflated."""
    await gate.tell("Blacklisted", email="b@example.com")
    await gate.mail(A, "b@example.com", route="sandbox")
    await gate.post(f"/sms-sandbox{TEXT}", text_body(PHONE), FORM)
    await gate.post(f"/sandbox{MAIL}", gzip.compress(mail_body(A)), JSON, ("Content-Encoding", "gzip"))
    inflated, text, mail = await messages(gate)
    assert inflated["body"].encode() == mail_body(A)
    assert (text["route"], text["method"], text["path"], text["body"].encode()) == (
        "sms-sandbox",
        "POST",
        TEXT,
        text_body(PHONE),
    )
    assert (mail["route"], "b@example.com" in mail["body"], A in mail["body"]) == ("sandbox", False, True)


async def test_it_keeps_no_refused_send(gate: RunningGate) -> None:
    """What was refused is not shown as if it had gone out."""
    await gate.tell("Blacklisted", email=A)
    assert (await gate.mail(A, route="sandbox")).status == 400
    assert await messages(gate) == []


async def test_it_keeps_the_last_messages(gate: RunningGate) -> None:
    """Old messages make room for new ones."""
    for number in range(KEPT + 5):
        await gate.mail(f"{number}@example.com", route="sandbox")
    kept = await messages(gate)
    assert len(kept) == KEPT
    assert f"{KEPT + 4}@example.com" in kept[0]["body"]


async def test_it_knows_sends_only(gate: RunningGate) -> None:
    """There is nothing behind the sandbox that could be read or managed."""
    assert (await gate.ask(request("GET", "/sandbox/v3/templates"))).status == 404
    assert (await gate.post("/sandbox/v3/mail/batch", b"{}", JSON)).status == 404
    assert await messages(gate) == []


async def test_what_was_let_pass_unread(open_gate: OpenGate) -> None:
    """A send that was let pass unread is taken like any other, and shown as it came."""
    gate = await open_gate(policy={"on_unreadable": "pass"})
    assert (await gate.post(f"/sandbox{MAIL}", b"{", JSON)).status == 202
    assert (await gate.post(f"/sms-sandbox{TEXT}", b"To=%ff", FORM)).status == 201
    assert [message["body"] for message in await messages(gate)] == ["To=%ff", "{"]


async def test_bytes_that_are_no_text_are_shown(open_gate: OpenGate) -> None:
    """A body that is neither text nor what its encoding says is shown escaped."""
    gate = await open_gate(policy={"on_unreadable": "pass"})
    await gate.post(f"/sandbox{MAIL}", b"\xff{", JSON, ("Content-Encoding", "gzip"))
    assert [message["body"] for message in await messages(gate)] == ["\\xff{"]
