"""Mailchimp's SDK for Mandrill, with nothing changed but the base URL: what it sends and what it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import mailchimp_transactional
import pytest
from mailchimp_transactional.api_client import ApiClientError

from tests.conftest import Message, OpenGate, RunningGate, Upstream, reply

ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
OF_THE_LINE = {"host", "connection", "content-length"}
TYPE = ("Content-Type", "application/json; charset=utf-8")

Call = Callable[[Any], Any]


async def as_mandrill(message: Message, writer: Any) -> None:
    """Answer as Mandrill does: a result for each address, or what else the call asks for."""
    sent = message.json
    told: Any = "PONG!"
    if "/messages/" in message.target:
        emails = [each["email"] for each in sent["message"]["to"]] if "message" in sent else sent.get("to") or [ADA]
        told = [{"email": each, "status": "sent", "_id": f"id-{each}", "reject_reason": None} for each in emails]
    writer.write(reply(200, json.dumps(told).encode(), TYPE))
    await writer.drain()


def message(*to: str, **more: Any) -> dict[str, Any]:
    """Write one message."""
    people = [{"email": email, "name": "Ada, Countess", "type": "to"} for email in to]
    return {"from_email": "shop@example.com", "subject": "Grüße", "text": "Hello 你好\n", "to": people, **more}


def send(*to: str, **more: Any) -> Call:
    """Make a send."""
    return lambda client: client.messages.send({"message": message(*to, **more)})


def template(*to: str) -> Call:
    """Make a send of a template."""
    body = {"template_name": "welcome", "template_content": [], "message": message(*to)}
    return lambda client: client.messages.send_template(dict(body))


def raw(header: str, **more: Any) -> Call:
    """Make a send of a raw message."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", header, "Hi"
    mail.set_content("Hello")
    return lambda client: client.messages.send_raw({"raw_message": mail.as_string(), **more})


async def called(call: Call, base_url: str, **settings: Any) -> Any:
    """Make a call of the SDK."""
    client = mailchimp_transactional.Client("md-key")
    client.api_client.host = f"{base_url}/api/1.3"
    for name, value in settings.items():
        setattr(client.api_client, name, value)
    return await asyncio.to_thread(call, client)


@pytest.fixture
async def md(open_gate: OpenGate, upstream: Upstream) -> RunningGate:
    """Give a gate with a route to Mandrill, on which a tag says transactional."""
    upstream.answer = as_mandrill
    route = {"provider": "mandrill", "upstream": upstream.url, "transactional": {"markers": {"tags": ["receipt"]}}}
    return await open_gate(routes={"md": route})


def headers(message: Message) -> list[tuple[bytes, bytes]]:
    """Give what must be the same with and without a gate."""
    return [pair for pair in message.headers if pair[0].decode().lower() not in OF_THE_LINE]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(send(ADA, BOB, tags=["x"], bcc_address=CY), id="a message"),
        pytest.param(template(ADA), id="a template"),
        pytest.param(raw(f"Ada <{ADA}>"), id="a raw message"),
        pytest.param(raw("someone@example.com", to=[ADA]), id="a raw message to a list"),
        pytest.param(lambda client: client.users.ping(), id="a ping"),
    ],
)
async def test_what_passes_is_the_same_to_the_byte(md: RunningGate, upstream: Upstream, call: Call) -> None:
    """Mandrill gets the same line, headers and body as without a gate, and the SDK hears the same."""
    heard = [await called(call, upstream.url), await called(call, f"{md.url()}/md")]
    directly, through = upstream.heard
    assert (directly.line, directly.body) == (through.line, through.body)
    assert headers(through) == headers(directly)
    assert heard[0] == heard[1]


@pytest.mark.parametrize(
    ("word", "reason"), [("Blacklisted", "custom"), ("Opt Out", "unsub")], ids=["blacklisted", "opted out"]
)
async def test_a_refusal_is_a_rejection_per_address(
    md: RunningGate, upstream: Upstream, word: str, reason: str
) -> None:
    """The SDK raises nothing and gets a result for each address, as from Mandrill itself; Mandrill hears nothing."""
    await md.tell(word, email=ADA)
    heard = await called(send(ADA.upper()), f"{md.url()}/md")
    assert [(each["email"], each["status"], each["reject_reason"]) for each in heard] == [
        (ADA.upper(), "rejected", reason)
    ]
    assert upstream.heard == []
    assert await md.reasons() == ["blacklisted" if word == "Blacklisted" else "opted_out"]


async def test_a_mixed_send_tells_of_everybody(md: RunningGate, upstream: Upstream) -> None:
    """The others get the mail, and the SDK hears of each address at its own place, so that it can zip them."""
    await md.tell("Blacklisted", email=BOB)
    to = [BOB, ADA, BOB.upper(), CY]
    variables = [{"rcpt": email, "vars": []} for email in to]
    heard = await called(send(*to, merge_vars=variables), f"{md.url()}/md")
    assert [(email, each["email"], each["status"]) for email, each in zip(to, heard, strict=True)] == [
        (BOB, BOB, "rejected"),
        (ADA, ADA, "sent"),
        (BOB.upper(), BOB.upper(), "rejected"),
        (CY, CY, "sent"),
    ]
    (sent,) = upstream.heard
    assert [each["email"] for each in sent.json["message"]["to"]] == [ADA, CY]
    assert [each["rcpt"] for each in sent.json["message"]["merge_vars"]] == [ADA, CY]


async def test_a_raw_message_goes_out_without_the_refused(md: RunningGate, upstream: Upstream) -> None:
    """Whoever is refused stands in no header of it any more, and the SDK hears of both."""
    await md.tell("Blacklisted", email=BOB)
    heard = await called(raw(f"Ada <{ADA}>, Bob <{BOB}>"), f"{md.url()}/md")
    assert [(each["email"], each["status"]) for each in heard] == [(ADA, "sent"), (BOB, "rejected")]
    assert f"To: Ada <{ADA}>\n" in upstream.heard[0].json["raw_message"]
    assert BOB not in upstream.heard[0].json["raw_message"]


async def test_a_marker_lets_opted_out_people_have_transactional_mail(md: RunningGate, upstream: Upstream) -> None:
    """Somebody opted out gets what a tag calls transactional, and nothing else; somebody blacklisted nothing."""
    await md.tell("Opt Out", email=ADA, channel="MAIL")
    await md.tell("Blacklisted", email=BOB)
    told = [
        await called(call, f"{md.url()}/md")
        for call in (send(ADA), send(BOB, tags=["receipt"]), send(ADA, tags=["receipt"]))
    ]
    assert [heard[0]["status"] for heard in told] == ["rejected", "rejected", "sent"]
    assert len(upstream.heard) == 1


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("xml", "<email>ada@example.com</email><status>rejected</status>"),
        ("php", 's:5:"email";s:15:"ada@example.com";s:6:"status";s:8:"rejected";'),
        ("yaml", '"email":"ada@example.com","status":"rejected"'),
    ],
)
async def test_a_refusal_comes_in_the_format_that_was_asked_for(md: RunningGate, output: str, says: str) -> None:
    """The SDK can ask for other formats, and gets the text of them."""
    await md.tell("Blacklisted", email=ADA)
    assert says in await called(send(ADA), f"{md.url()}/md", default_output_format=output)


async def test_what_cannot_be_read_is_the_sdks_error(md: RunningGate, upstream: Upstream) -> None:
    """What is refused for no person's sake raises ApiClientError with Mandrill's error object."""
    with pytest.raises(ApiClientError) as raised:
        await called(send(ADA, headers={"Bcc": BOB}), f"{md.url()}/md")
    assert (raised.value.status_code, raised.value.text["name"]) == (422, "ValidationError")
    assert upstream.heard == []


async def test_another_time_for_a_message_is_refused(md: RunningGate, upstream: Upstream) -> None:
    """What reaches people whom the request does not name raises the same error."""
    with pytest.raises(ApiClientError) as raised:
        await called(lambda client: client.messages.reschedule({"id": "1", "send_at": "x"}), f"{md.url()}/md")
    assert "whom it does not name" in raised.value.text["message"]
    assert upstream.heard == []


async def test_passing_trouble_is_the_sdks_error(md: RunningGate, upstream: Upstream) -> None:
    """A gate that cannot look anybody up answers 503, and the SDK raises what it does then."""
    md.app.policy.database.path.unlink()
    with pytest.raises(ApiClientError) as raised:
        await called(send(ADA), f"{md.url()}/md")
    assert (raised.value.status_code, raised.value.text["status"]) == (503, "error")
    assert upstream.heard == []
