"""Postmark's SDK for Python, with nothing changed but the base URL: what it sends and what it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from postmark import ServerClient
from postmark.exceptions import InactiveRecipientException, ServerException, ValidationException

from tests.conftest import JSON, Message, OpenGate, RunningGate, Upstream, reply

# The length follows from the body, the id of the call is another one each time.
OWN = {"host", "connection", "x-postmark-correlation-id"}
ADA, BOB, CY, DI = "ada@example.com", "bob@example.com", "cy@example.com", "di@example.com"

Call = Callable[[ServerClient], Awaitable[Any]]


async def as_postmark(message: Message, writer: asyncio.StreamWriter) -> None:
    """Answer as Postmark does: an entry for each message, which repeats its To; for a bulk send one for all."""
    sent = message.json
    if message.target.endswith("/email/bulk"):
        told: Any = {"ID": "f24af63c-533d-4b7a-ad65-4a7b3202d3a7", "Status": "Accepted", "SubmittedAt": TIME}
    elif isinstance(sent, list) or "Messages" in sent:
        told = [taken(each) for each in (sent if isinstance(sent, list) else sent["Messages"])]
    else:
        told = taken(sent)
    writer.write(reply(200, json.dumps(told).encode(), JSON))
    await writer.drain()


TIME = "2026-11-01T10:00:00.1234567Z"


def taken(message: dict[str, Any]) -> dict[str, Any]:
    """Give an entry for a message; its id tells which one it was."""
    return {
        "To": message["To"],
        "SubmittedAt": TIME,
        "MessageID": f"id of {message['To']}",
        "ErrorCode": 0,
        "Message": "OK",
    }


def mail(to: str, **more: Any) -> dict[str, Any]:
    """Give a message in the SDK's words."""
    return {"sender": "shop@example.com", "to": to, "subject": "Grüße", "text_body": "Hello 你好", **more}


def one(to: str, **more: Any) -> Call:
    """Make a send of one message."""
    return lambda client: client.outbound.send(mail(to, **more))


def batch(*to: str) -> Call:
    """Make a send of a message for each list of people."""
    return lambda client: client.outbound.send_batch([mail(each) for each in to])


def templates(*to: str) -> Call:
    """Make a send by template of a message for each list of people."""
    mails = [{"sender": "shop@example.com", "to": each, "template_id": 7, "template_model": {"n": 1}} for each in to]
    return lambda client: client.outbound.send_batch_with_template(mails)


def bulk(*to: str) -> Call:
    """Make a bulk send of a message for each list of people."""
    mail = {"sender": "shop@example.com", "subject": "Hi", "text_body": "x", "messages": [{"to": each} for each in to]}
    return lambda client: client.outbound.send_bulk(mail)


async def called(call: Call, base_url: str) -> Any:
    """Make a call; the SDK would wait before it repeats one, so it does not."""
    async with ServerClient("server-token", retries=0, base_url=base_url) as client:
        return await call(client)


@pytest.fixture
async def pm(open_gate: OpenGate, upstream: Upstream) -> RunningGate:
    """Give a gate with a route to Postmark, on which a stream says transactional."""
    upstream.answer = as_postmark
    markers = {"MessageStream": ["receipts"]}
    route = {"provider": "postmark", "upstream": upstream.url, "transactional": {"markers": markers}}
    return await open_gate(routes={"pm": route})


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(one(f"Ada <{ADA}>, {BOB}", cc=CY, bcc=DI, tag="x", metadata={"a": "b"}), id="one"),
        pytest.param(batch(ADA, BOB), id="a batch"),
        pytest.param(templates(ADA, BOB), id="a batch of templates"),
        pytest.param(bulk(ADA, BOB), id="a bulk send"),
    ],
)
async def test_what_passes_is_the_same_to_the_byte(pm: RunningGate, upstream: Upstream, call: Call) -> None:
    """Postmark gets the same line, headers and body as without a gate, and the SDK hears the same."""
    heard = [await called(call, upstream.url), await called(call, f"{pm.url()}/pm")]
    directly, through = upstream.heard
    assert (directly.line, directly.body) == (through.line, through.body)
    assert headers(through) == headers(directly)
    assert heard[0] == heard[1]


def headers(message: Message) -> list[tuple[bytes, bytes]]:
    return [pair for pair in message.headers if pair[0].decode().lower() not in OWN]


async def test_a_refusal_is_the_sdks_inactive_recipient(pm: RunningGate, upstream: Upstream) -> None:
    """The SDK raises InactiveRecipientException, which names who it was; Postmark hears nothing."""
    await pm.tell("Blacklisted", email=ADA)
    for call in (one(f"Ada <{ADA.upper()}>"), bulk(ADA)):
        with pytest.raises(InactiveRecipientException) as raised:
            await called(call, f"{pm.url()}/pm")
        assert (raised.value.http_status, raised.value.error_code) == (422, 406)
        assert raised.value.inactive_recipients == [ADA]
        assert "(blacklisted)" in raised.value.message
    assert upstream.heard == []


async def test_a_mixed_send_names_who_was_left_out(pm: RunningGate, upstream: Upstream) -> None:
    """The rest goes out, and the SDK hears Postmark's own words for a send that some do not get."""
    await pm.tell("Opt Out", email=BOB, channel="MAIL")
    heard = await called(one(f"{ADA}, {BOB}", cc=f"{CY}, {BOB}"), f"{pm.url()}/pm")
    assert (upstream.heard[0].json["To"], upstream.heard[0].json["Cc"]) == (ADA, CY)
    assert (heard.error_code, heard.to, heard.message_id) == (0, f"{ADA}, {BOB}", f"id of {ADA}")
    assert f"will not deliver to these inactive addresses: {BOB}. " in heard.message


@pytest.mark.parametrize("call", [batch, templates])
async def test_a_batch_is_zipped_with_its_answer(
    pm: RunningGate, upstream: Upstream, call: Callable[..., Call]
) -> None:
    """Every message has its own entry at its own place, whoever was left out of the batch."""
    await pm.tell("Blacklisted", email=ADA)
    await pm.tell("Blacklisted", email=CY)
    people = (ADA, BOB, f"{CY}, {DI}", CY, DI)
    heard = await called(call(*people), f"{pm.url()}/pm")
    sent = upstream.heard[0].json
    assert [each["To"] for each in (sent if isinstance(sent, list) else sent["Messages"])] == [BOB, DI, DI]
    assert [each.to for each in heard] == list(people)
    assert [each.error_code for each in heard] == [406, 0, 0, 406, 0]
    assert [each.message_id for each in heard if each.success] == [f"id of {BOB}", f"id of {DI}", f"id of {DI}"]
    assert heard[2].message.startswith(f"Message OK, but will not deliver to these inactive addresses: {CY}.")


async def test_a_batch_of_which_nothing_is_left_is_answered_by_entries(pm: RunningGate, upstream: Upstream) -> None:
    """The SDK raises nothing, as for Postmark's own failed entries; Postmark hears nothing."""
    await pm.tell("Blacklisted", email=ADA)
    heard = await called(batch(ADA, ADA), f"{pm.url()}/pm")
    assert [(each.error_code, each.success, each.to) for each in heard] == [(406, False, ADA)] * 2
    assert upstream.heard == []


async def test_a_marker_lets_opted_out_people_have_transactional_mail(pm: RunningGate, upstream: Upstream) -> None:
    """Somebody opted out gets what the stream calls transactional, and nothing else; somebody blacklisted nothing."""
    await pm.tell("Opt Out", email=ADA, channel="MAIL")
    await pm.tell("Blacklisted", email=BOB)
    with pytest.raises(InactiveRecipientException):
        await called(one(ADA), f"{pm.url()}/pm")
    await called(one(ADA, message_stream="receipts"), f"{pm.url()}/pm")
    with pytest.raises(InactiveRecipientException):
        await called(one(BOB, message_stream="receipts"), f"{pm.url()}/pm")
    assert [each.json["To"] for each in upstream.heard] == [ADA]


async def test_what_cannot_be_read_is_the_sdks_validation_error(pm: RunningGate, upstream: Upstream) -> None:
    """A list that two readers could read differently raises ValidationException, which names the place."""
    with pytest.raises(ValidationException) as raised:
        await called(one(f"{ADA}; {BOB}"), f"{pm.url()}/pm")
    assert raised.value.http_status == 422
    assert "(at To)" in raised.value.message
    assert upstream.heard == []


async def test_passing_trouble_is_an_error_that_the_sdk_repeats(pm: RunningGate, upstream: Upstream) -> None:
    """A gate that cannot look anybody up raises ServerException, which the SDK repeats by itself."""
    pm.app.policy.database.path.unlink()
    with pytest.raises(ServerException) as raised:
        await called(one(ADA), f"{pm.url()}/pm")
    assert raised.value.http_status == 503
    assert upstream.heard == []
