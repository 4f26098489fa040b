"""Resend's SDK for Python, with nothing changed but the base URL: what it sends and what it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import resend
from resend.exceptions import ResendError, ValidationError

from tests.conftest import JSON, Message, OpenGate, RunningGate, Upstream, reply

ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
OF_THE_LINE = {"host", "connection", "content-length"}

Call = Callable[[], Any]


async def as_resend(message: Message, writer: Any) -> None:
    """Answer as Resend does: an id for each mail, which tells here whom it was for."""
    sent = message.json
    if not isinstance(sent, list):
        told: dict[str, Any] = {"id": told_of(sent)}
    elif message.get("x-batch-validation") == "permissive":
        told = {
            "data": [{"id": told_of(each)} for each in sent if each["subject"]],
            "errors": [{"index": n, "message": "no subject"} for n, each in enumerate(sent) if not each["subject"]],
        }
    else:
        told = {"data": [{"id": told_of(each)} for each in sent]}
    writer.write(reply(200, json.dumps(told).encode(), JSON))
    await writer.drain()


def told_of(mail: dict[str, Any]) -> str:
    """Give an id that tells whom a mail was for."""
    to = mail["to"]
    return f"id of {to if isinstance(to, str) else ','.join(to)}"


def params(to: Any, **more: Any) -> Any:
    """Give a mail in the SDK's words."""
    return {"from": "Shop <shop@example.com>", "to": to, "subject": "Grüße", "text": "Hello 你好\n", **more}


def mail(to: Any, **more: Any) -> Call:
    """Make a send of one mail."""
    return lambda: resend.Emails.send(params(to, **more))


def batch(*mails: Any, **options: Any) -> Call:
    """Make a send of several mails."""
    return lambda: resend.Batch.send(list(mails), options or None)


async def called(call: Call, base_url: str) -> Any:
    """Make a call; what it hears has the headers beside the answer, which are compared elsewhere."""
    resend.api_url = base_url
    heard = await asyncio.to_thread(call)
    heard.pop("http_headers")
    return heard


@pytest.fixture(autouse=True)
def _own_settings() -> Iterator[None]:
    """Set the SDK's key, and leave its settings as they were."""
    before = resend.api_url, resend.api_key
    resend.api_key = "re_key"
    yield
    resend.api_url, resend.api_key = before


@pytest.fixture
async def rs(open_gate: OpenGate, upstream: Upstream) -> RunningGate:
    """Give a gate with a route to Resend, on which a tag says transactional."""
    upstream.answer = as_resend
    markers = {"tags.kind": ["receipt"]}
    route = {"provider": "resend", "upstream": upstream.url, "transactional": {"markers": markers}}
    return await open_gate(routes={"rs": route})


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(mail(ADA), id="one"),
        pytest.param(
            mail([f"Ada <{ADA}>", BOB], cc=CY, bcc=[CY], headers={"X-A": "1"}, reply_to="x@x.io"), id="copies"
        ),
        pytest.param(mail(ADA, template={"id": "t", "variables": {"price": 1.10}}), id="a template"),
        pytest.param(batch(params(ADA), params([BOB, CY])), id="a batch"),
        pytest.param(
            batch(params(ADA), idempotency_key="k", batch_validation="permissive"), id="a permissive batch with a key"
        ),
    ],
)
async def test_what_passes_is_the_same_to_the_byte(rs: RunningGate, upstream: Upstream, call: Call) -> None:
    """Resend gets the same line, headers and body as without a gate, and the SDK hears the same."""
    heard = [await called(call, upstream.url), await called(call, f"{rs.url()}/rs")]
    directly, through = upstream.heard
    assert (directly.line, directly.body) == (through.line, through.body)
    assert headers(through) == headers(directly)
    assert heard[0] == heard[1]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(resend.Domains.list, id="all domains"),
        pytest.param(lambda: resend.Emails.get("4ef9a417"), id="one mail"),
        pytest.param(lambda: resend.Broadcasts.list({"limit": 2}), id="a page of broadcasts"),
    ],
)
async def test_reading_passes(rs: RunningGate, upstream: Upstream, call: Call) -> None:
    """The SDK writes arguments that it has not as a body of `{}`, and Resend gets the same line and headers."""
    upstream.answer = answers_nothing
    assert await called(call, upstream.url) == await called(call, f"{rs.url()}/rs")
    directly, through = upstream.heard
    assert (through.line, headers(through)) == (directly.line, headers(directly))
    assert (directly.body, through.body) == (b"{}", b"")


async def answers_nothing(message: Message, writer: Any) -> None:
    """Answer what Resend answers when there is nothing to list."""
    del message  # whatever is asked
    writer.write(reply(200, b'{"object":"list","data":[]}', JSON))
    await writer.drain()


def headers(message: Message) -> list[tuple[bytes, bytes]]:
    return [pair for pair in message.headers if pair[0].decode().lower() not in OF_THE_LINE]


@pytest.mark.parametrize("call", [mail(ADA.upper()), mail(f"Ada <{ADA}>, {ADA}"), batch(params(ADA), params([ADA]))])
async def test_a_refusal_is_the_sdks_validation_error(rs: RunningGate, upstream: Upstream, call: Call) -> None:
    """The SDK raises ValidationError with the gate's reason; Resend hears nothing."""
    await rs.tell("Blacklisted", email=ADA)
    with pytest.raises(ValidationError) as raised:
        await called(call, f"{rs.url()}/rs")
    assert (raised.value.code, raised.value.error_type) == (422, "validation_error")
    assert "(blacklisted)" in raised.value.message
    assert raised.value.headers["X-Sendgate-Reasons"] == "blacklisted"
    assert upstream.heard == []


async def test_a_mixed_send_goes_out_without_the_refused(rs: RunningGate, upstream: Upstream) -> None:
    """The others get the mail, and the SDK hears Resend's own answer."""
    await rs.tell("Opt Out", email=BOB, channel="MAIL")
    heard = await called(mail([f"Ada <{ADA}>", f"Bob <{BOB}>"], cc=BOB), f"{rs.url()}/rs")
    assert heard["id"] == f"id of Ada <{ADA}>"
    (sent,) = upstream.heard
    assert sent.json["to"] == [f"Ada <{ADA}>"]
    assert "cc" not in sent.json


async def test_ids_are_zipped_with_the_mails_of_a_batch(rs: RunningGate, upstream: Upstream) -> None:
    """Every mail has its own id at its own place, an empty one where it was left out, and an error says why."""
    await rs.tell("Blacklisted", email=ADA)
    mails = (params(ADA), params(BOB), params([ADA, CY]), params(ADA))
    heard = await called(batch(*mails), f"{rs.url()}/rs")
    assert [each["id"] for each in heard["data"]] == ["", f"id of {BOB}", f"id of {CY}", ""]
    assert [each["index"] for each in heard["errors"]] == [0, 3]
    assert all("(blacklisted)" in each["message"] for each in heard["errors"])
    assert [each["to"] for each in upstream.heard[0].json] == [BOB, [CY]]


async def test_errors_of_a_permissive_batch_name_the_senders_mails(rs: RunningGate, upstream: Upstream) -> None:
    """What Resend and the gate say of single mails stands together, under the indexes that the sender knows."""
    await rs.tell("Blacklisted", email=ADA)
    mails = (params(ADA), params(BOB), params(CY, subject=""))
    heard = await called(batch(*mails, batch_validation="permissive"), f"{rs.url()}/rs")
    assert heard["data"] == [{"id": f"id of {BOB}"}]
    assert [(each["index"], each["message"]) for each in heard["errors"]][1] == (2, "no subject")
    assert heard["errors"][0]["index"] == 0
    assert len(upstream.heard[0].json) == 2


async def test_a_marker_lets_opted_out_people_have_transactional_mail(rs: RunningGate, upstream: Upstream) -> None:
    """Somebody opted out gets what a tag calls transactional, and nothing else; somebody blacklisted nothing."""
    await rs.tell("Opt Out", email=ADA, channel="MAIL")
    await rs.tell("Blacklisted", email=BOB)
    receipt = [{"name": "kind", "value": "receipt"}]
    for call in (mail(ADA), mail(BOB, tags=receipt), batch(params(ADA, tags=receipt), params(ADA))):
        with pytest.raises(ValidationError):
            await called(call, f"{rs.url()}/rs")
    await called(mail(ADA, tags=receipt), f"{rs.url()}/rs")
    assert [each.json["to"] for each in upstream.heard] == [ADA]


async def test_a_time_in_words_is_too_far_for_marketing(rs: RunningGate, upstream: Upstream) -> None:
    """Nobody knows when "tomorrow" is, so marketing does not go out then, and transactional mail does."""
    with pytest.raises(ValidationError) as raised:
        await called(mail(ADA, scheduled_at="tomorrow at 9am"), f"{rs.url()}/rs")
    assert "(scheduled_too_far)" in raised.value.message
    receipt = [{"name": "kind", "value": "receipt"}]
    await called(mail(ADA, scheduled_at="tomorrow at 9am", tags=receipt), f"{rs.url()}/rs")
    assert len(upstream.heard) == 1


async def test_a_broadcast_is_refused(rs: RunningGate, upstream: Upstream) -> None:
    """What reaches people whom the request does not name raises the same error, and says why; a draft passes."""
    draft: Any = {"segment_id": "1", "from": "shop@example.com", "subject": "x", "text": "x"}
    with pytest.raises(ValidationError) as raised:
        await called(lambda: resend.Broadcasts.create({**draft, "send": True}), f"{rs.url()}/rs")
    assert raised.value.headers["X-Sendgate-Reasons"] == "hidden_recipients"
    assert upstream.heard == []
    upstream.answer = reply(201, b'{"id":"1"}', JSON)
    assert await called(lambda: resend.Broadcasts.create(draft), f"{rs.url()}/rs") == {"id": "1"}


async def test_passing_trouble_is_the_sdks_ordinary_error(rs: RunningGate, upstream: Upstream) -> None:
    """A gate that cannot look anybody up raises ResendError with 503, which the SDK does not repeat."""
    rs.app.policy.database.path.unlink()
    with pytest.raises(ResendError) as raised:
        await called(mail(ADA), f"{rs.url()}/rs")
    assert raised.value.code == 503
    assert upstream.heard == []
