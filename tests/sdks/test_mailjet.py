"""Mailjet's SDK for Python, with nothing changed but the base URL: what it sends and what it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from mailjet_rest import Client
from mailjet_rest.errors import ApiError, ValidationError

from tests.conftest import JSON, Message, OpenGate, RunningGate, Upstream, reply

ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
BROKEN = "broken@example.com"  # Mailjet takes no message to this address
OF_THE_LINE = {"host", "connection", "content-length"}

Call = Callable[[str], Any]


async def as_mailjet(message: Message, writer: Any) -> None:
    """Answer as Mailjet does: of v3.1 a result for each message, and 400 if one failed; of v3 one for each person."""
    sent = message.json
    if message.target.endswith("/v3/send"):
        emails = [each["Email"] for each in sent["Recipients"]]
        answer = reply(200, json.dumps({"Sent": [{"Email": email, "MessageID": 1} for email in emails]}).encode(), JSON)
    else:
        results = [_result(each) for each in sent["Messages"]]
        status = 400 if any(each["Status"] == "error" for each in results) else 200
        answer = reply(status, json.dumps({"Messages": results}).encode(), JSON)
    writer.write(answer)
    await writer.drain()


def _result(message: dict[str, Any]) -> dict[str, Any]:
    emails = [each["Email"] for each in message["To"]]
    if BROKEN in emails:
        related = [f"To[{emails.index(BROKEN)}].Email"]
        error = {"ErrorCode": "mj-0013", "StatusCode": 400, "ErrorMessage": "invalid", "ErrorRelatedTo": related}
        return {"Status": "error", "Errors": [error]}
    people = [{"Email": email, "MessageUUID": f"uuid-{email}", "MessageID": 1} for email in emails]
    return {"Status": "success", "CustomID": message.get("CustomID", ""), "To": people, "Cc": [], "Bcc": []}


def message(*to: str, **more: Any) -> dict[str, Any]:
    """Write one message of v3.1."""
    people = [{"Email": email, "Name": "Ada, Countess"} for email in to]
    text = {"From": {"Email": "shop@example.com", "Name": "Shop"}, "Subject": "Grüße", "TextPart": "Hello 你好\n"}
    return {**text, "To": people, **more}


def call(data: dict[str, Any], version: str) -> Call:
    """Make a send."""

    def sends(base_url: str) -> Any:
        with Client(auth=("public", "private"), api_url=f"{base_url}/", version=version) as client:
            return client.send.create(data=data)

    return sends


def send(*messages: dict[str, Any], **more: Any) -> Call:
    """Make a send of v3.1."""
    return call({"Messages": list(messages), **more}, "v3.1")


def send_v3(*to: str, **more: Any) -> Call:
    """Make a send of v3."""
    people = [{"Email": email} for email in to]
    return call(
        {"FromEmail": "shop@example.com", "Subject": "Hi", "Text-part": "x", "Recipients": people, **more}, "v3"
    )


@pytest.fixture
async def mj(open_gate: OpenGate, upstream: Upstream) -> RunningGate:
    """Give a gate with a route to Mailjet, on which a category says transactional."""
    upstream.answer = as_mailjet
    markers = {"MonitoringCategory": ["receipt"]}
    route = {"provider": "mailjet", "upstream": upstream.url, "transactional": {"markers": markers}}
    return await open_gate(routes={"mj": route})


def headers(message: Message) -> list[tuple[bytes, bytes]]:
    """Give what must be the same with and without a gate."""
    return [pair for pair in message.headers if pair[0].decode().lower() not in OF_THE_LINE]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(send(message(ADA, BOB, Cc=[{"Email": CY}], CustomID="7")), id="a message"),
        pytest.param(send(message(ADA), message(BOB), Globals={"Bcc": [{"Email": CY}]}), id="messages"),
        pytest.param(send_v3(ADA, BOB, **{"Mj-campaign": "spring"}), id="v3"),
    ],
)
async def test_what_passes_is_the_same_to_the_byte(mj: RunningGate, upstream: Upstream, call: Call) -> None:
    """Mailjet gets the same line, headers and body as without a gate, and the SDK hears the same."""
    heard = [await asyncio.to_thread(call, base) for base in (upstream.url, f"{mj.url()}/mj")]
    directly, through = upstream.heard
    assert (directly.line, directly.body) == (through.line, through.body)
    assert headers(through) == headers(directly)
    assert heard[0].json() == heard[1].json()


async def test_a_refusal_is_the_sdks_validation_error(mj: RunningGate, upstream: Upstream) -> None:
    """The SDK raises ValidationError with an error for each recipient; Mailjet hears nothing."""
    await mj.tell("Blacklisted", email=ADA)
    with pytest.raises(ValidationError) as raised:
        await asyncio.to_thread(send(message(ADA.upper()), message(ADA)), f"{mj.url()}/mj")
    assert raised.value.status_code == 400
    assert "(blacklisted)" in str(raised.value)
    results = json.loads(raised.value.response_body)["Messages"]
    assert [each["Status"] for each in results] == ["error", "error"]
    assert [each["Errors"][0]["ErrorRelatedTo"] for each in results] == [["To[0].Email"]] * 2
    assert upstream.heard == []


async def test_a_refusal_of_v3_is_the_same_error(mj: RunningGate, upstream: Upstream) -> None:
    """Of v3 the SDK raises the same, with Mailjet's older words."""
    await mj.tell("Blacklisted", email=ADA)
    with pytest.raises(ValidationError) as raised:
        await asyncio.to_thread(send_v3(ADA), f"{mj.url()}/mj")
    assert json.loads(raised.value.response_body).keys() == {"ErrorInfo", "ErrorMessage", "StatusCode"}
    assert upstream.heard == []


async def test_a_mixed_send_goes_out_without_the_refused(mj: RunningGate, upstream: Upstream) -> None:
    """The others get the mail, in both versions, and the SDK hears of them alone."""
    await mj.tell("Opt Out", email=BOB, channel="MAIL")
    new = await asyncio.to_thread(send(message(ADA, BOB)), f"{mj.url()}/mj")
    old = await asyncio.to_thread(send_v3(BOB, ADA), f"{mj.url()}/mj")
    assert [each["Email"] for each in new.json()["Messages"][0]["To"]] == [ADA]
    assert [each["Email"] for each in old.json()["Sent"]] == [ADA]
    assert [each["Email"] for each in upstream.heard[0].json["Messages"][0]["To"]] == [ADA]
    assert upstream.heard[1].json["Recipients"] == [{"Email": ADA}]


async def test_results_are_zipped_with_the_messages(mj: RunningGate, upstream: Upstream) -> None:
    """Every message has its own result at its own place, and the SDK raises nothing for what the gate took out."""
    await mj.tell("Blacklisted", email=BOB)
    call = send(message(BOB, CustomID="1"), message(ADA, CustomID="2"), message(BOB), message(BOB, CY, CustomID="4"))
    heard = await asyncio.to_thread(call, f"{mj.url()}/mj")
    results = heard.json()["Messages"]
    assert heard.status_code == 200
    assert [(each["Status"], each.get("CustomID")) for each in results] == [
        ("error", None),
        ("success", "2"),
        ("error", None),
        ("success", "4"),
    ]
    assert len(upstream.heard[0].json["Messages"]) == 2


async def test_mailjets_own_errors_name_the_senders_indexes(mj: RunningGate) -> None:
    """What Mailjet says of the second of two is told of the third, where the gate took one out before it."""
    await mj.tell("Blacklisted", email=BOB)
    with pytest.raises(ValidationError) as raised:
        await asyncio.to_thread(send(message(BOB), message(BOB, ADA, BROKEN)), f"{mj.url()}/mj")
    results = json.loads(raised.value.response_body)["Messages"]
    assert [each["Errors"][0]["ErrorRelatedTo"] for each in results] == [["To[0].Email"], ["To[2].Email"]]


async def test_a_marker_lets_opted_out_people_have_transactional_mail(mj: RunningGate, upstream: Upstream) -> None:
    """Somebody opted out gets what a category calls transactional, and nothing else; somebody blacklisted nothing."""
    await mj.tell("Opt Out", email=ADA, channel="MAIL")
    await mj.tell("Blacklisted", email=BOB)
    receipt = {"MonitoringCategory": "receipt"}
    for refused in (message(ADA), message(BOB, **receipt)):
        with pytest.raises(ValidationError):
            await asyncio.to_thread(send(refused), f"{mj.url()}/mj")
    await asyncio.to_thread(send(message(ADA, **receipt)), f"{mj.url()}/mj")
    await asyncio.to_thread(send_v3(ADA, **{"Mj-MonitoringCategory": "receipt"}), f"{mj.url()}/mj")
    assert len(upstream.heard) == 2


async def test_a_campaign_is_refused(mj: RunningGate, upstream: Upstream) -> None:
    """What reaches people whom the request does not name raises the same error."""

    def campaign(base_url: str) -> Any:
        with Client(auth=("public", "private"), api_url=base_url) as client:
            return client.campaigndraft_send.create(id=7)

    with pytest.raises(ValidationError, match="whom it does not name"):
        await asyncio.to_thread(campaign, f"{mj.url()}/mj")
    assert upstream.heard == []


async def test_passing_trouble_is_the_sdks_ordinary_error(mj: RunningGate, upstream: Upstream) -> None:
    """A gate that cannot look anybody up answers 503, and the SDK raises what it does then."""
    mj.app.policy.database.path.unlink()
    with pytest.raises(ApiError, match="503"):
        await asyncio.to_thread(send(message(ADA)), f"{mj.url()}/mj")
    assert upstream.heard == []
