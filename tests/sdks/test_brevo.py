"""Brevo's SDK for Python, with nothing changed but the base URL: what it sends and what it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from brevo import Brevo
from brevo.core.api_error import ApiError
from brevo.errors import BadRequestError
from brevo.transactional_emails import (
    SendTransacEmailRequestCcItem,
    SendTransacEmailRequestMessageVersionsItem,
    SendTransacEmailRequestMessageVersionsItemToItem,
    SendTransacEmailRequestSender,
    SendTransacEmailRequestToItem,
)
from brevo.transactional_whats_app import SendWhatsappMessageRequestText

from tests.conftest import JSON, Message, OpenGate, RunningGate, Upstream, reply

ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
BERLIN, PARIS = "+493012345678", "33689965433"
OF_THE_LINE = {"host", "connection", "content-length"}

Call = Callable[[Brevo], Any]


async def as_brevo(message: Message, writer: Any) -> None:
    """Answer as Brevo does: an id for a mail, or one for each version that tells whom it was for."""
    sent = message.json
    told: dict[str, Any] = {"messageId": "<1@smtp-relay.mailin.fr>"}
    if "messageVersions" in sent:
        told = {"messageIds": [f"<{version['to'][0]['email']}>" for version in sent["messageVersions"]]}
    elif "recipient" in sent:
        told = {"reference": "ab1cde2fgh3i4jklmno", "messageId": 1511882900176220, "smsCount": 1}
    writer.write(reply(202 if "scheduledAt" in sent else 201, json.dumps(told).encode(), JSON))
    await writer.drain()


SENDER = SendTransacEmailRequestSender(email="shop@example.com", name="Shop")


def mail(*to: str, cc: list[str] | None = None, **more: Any) -> Call:
    """Make a send of one mail."""
    if cc is not None:
        more["cc"] = [SendTransacEmailRequestCcItem(email=each) for each in cc]
    people = [SendTransacEmailRequestToItem(email=each, name="Ada, Countess") for each in to]
    text = {"sender": SENDER, "subject": "Grüße", "text_content": "Hello 你好\n"}
    return lambda client: client.transactional_emails.send_transac_email(to=people, **{**text, **more})


def versions(*to: str, **more: Any) -> Call:
    """Make a send of a version for each list of people."""
    each = [
        SendTransacEmailRequestMessageVersionsItem(
            to=[SendTransacEmailRequestMessageVersionsItemToItem(email=email) for email in people.split()],
            params={"price": 1.10},
        )
        for people in to
    ]
    text = {"sender": SENDER, "subject": "Hi", "html_content": "<p>x</p>", "message_versions": each}
    return lambda client: client.transactional_emails.send_transac_email(**{**text, **more})


def sms(to: str, **more: Any) -> Call:
    """Make a send of an SMS."""
    return lambda client: client.transactional_sms.send_transac_sms(recipient=to, sender="Shop", content="Hi", **more)


def whatsapp(*to: str) -> Call:
    """Make a send on WhatsApp."""
    request = SendWhatsappMessageRequestText(contact_numbers=list(to), sender_number="4930111111", text="Hi")
    return lambda client: client.transactional_whats_app.send_whatsapp_message(request=request)


async def called(call: Call, base_url: str) -> Any:
    """Make a call; the SDK would wait before it repeats one, so it does not."""
    with httpx.Client() as http:
        client = Brevo(api_key="xkeysib", base_url=f"{base_url}/v3", max_retries=0, httpx_client=http)
        return await asyncio.to_thread(call, client)


@pytest.fixture
async def bv(open_gate: OpenGate, upstream: Upstream) -> RunningGate:
    """Give a gate with a route to Brevo, on which a tag and a kind of text say transactional."""
    upstream.answer = as_brevo
    markers = {"tags": ["receipt"], "type": ["transactional"]}
    route = {"provider": "brevo", "upstream": upstream.url, "transactional": {"markers": markers}}
    return await open_gate(routes={"bv": route})


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(mail(ADA, BOB, cc=[CY], tags=["x"], headers={"X-Mailin-custom": "1"}), id="a mail"),
        pytest.param(mail(ADA, scheduled_at=datetime(2100, 1, 1, tzinfo=UTC), tags=["receipt"]), id="a scheduled mail"),
        pytest.param(versions(f"{ADA} {BOB}", CY), id="versions"),
        pytest.param(sms(BERLIN, tag=["a", "b"]), id="an SMS"),
        pytest.param(whatsapp(BERLIN, PARIS), id="WhatsApp"),
    ],
)
async def test_what_passes_is_the_same_to_the_byte(bv: RunningGate, upstream: Upstream, call: Call) -> None:
    """Brevo gets the same line, headers and body as without a gate, and the SDK hears the same."""
    heard = [await called(call, upstream.url), await called(call, f"{bv.url()}/bv")]
    directly, through = upstream.heard
    assert (directly.line, directly.body) == (through.line, through.body)
    assert headers(through) == headers(directly)
    assert heard[0] == heard[1]


def headers(message: Message) -> list[tuple[bytes, bytes]]:
    return [pair for pair in message.headers if pair[0].decode().lower() not in OF_THE_LINE]


@pytest.mark.parametrize("call", [mail(ADA.upper()), versions(ADA, ADA), sms(PARIS, type="transactional")])
async def test_a_refusal_is_the_sdks_bad_request(bv: RunningGate, upstream: Upstream, call: Call) -> None:
    """The SDK raises BadRequestError with Brevo's code and the gate's reason; Brevo hears nothing."""
    await bv.tell("Blacklisted", email=ADA)
    await bv.tell("Blacklisted", phone=f"+{PARIS}")
    with pytest.raises(BadRequestError) as raised:
        await called(call, f"{bv.url()}/bv")
    assert raised.value.body["code"] == "invalid_parameter"
    assert "(blacklisted)" in raised.value.body["message"]
    assert raised.value.headers["x-sendgate-reasons"] == "blacklisted"
    assert upstream.heard == []


async def test_a_mixed_send_goes_out_without_the_refused(bv: RunningGate, upstream: Upstream) -> None:
    """The others get the mail, and the SDK hears Brevo's own answer."""
    await bv.tell("Opt Out", email=BOB, channel="MAIL")
    heard = await called(mail(ADA, BOB, cc=[BOB]), f"{bv.url()}/bv")
    assert heard.message_id == "<1@smtp-relay.mailin.fr>"
    (sent,) = upstream.heard
    assert sent.json["to"] == [{"email": ADA, "name": "Ada, Countess"}]
    assert "cc" not in sent.json


async def test_ids_are_zipped_with_the_versions(bv: RunningGate, upstream: Upstream) -> None:
    """Every version has its own id at its own place, an empty one where it was left out."""
    await bv.tell("Blacklisted", email=ADA)
    heard = await called(versions(ADA, BOB, f"{ADA} {CY}", ADA), f"{bv.url()}/bv")
    assert heard.message_ids == ["", f"<{BOB}>", f"<{CY}>", ""]
    assert [version["to"] for version in upstream.heard[0].json["messageVersions"]] == [
        [{"email": BOB}],
        [{"email": CY}],
    ]
    assert b'"price":1.1' in upstream.heard[0].body


async def test_a_marker_lets_opted_out_people_have_transactional_mail(bv: RunningGate, upstream: Upstream) -> None:
    """Somebody opted out gets what a tag calls transactional, and nothing else; somebody blacklisted nothing."""
    await bv.tell("Opt Out", email=ADA, channel="MAIL")
    await bv.tell("Blacklisted", email=BOB)
    for call in (mail(ADA), mail(BOB, tags=["receipt"])):
        with pytest.raises(BadRequestError):
            await called(call, f"{bv.url()}/bv")
    await called(mail(ADA, tags=["receipt"]), f"{bv.url()}/bv")
    assert [each.json["to"][0]["email"] for each in upstream.heard] == [ADA]


async def test_an_opt_out_holds_on_its_own_channel(bv: RunningGate, upstream: Upstream) -> None:
    """Somebody who wants no more texts gets none that is marketing, but still what is sent on WhatsApp."""
    await bv.tell("Opt Out", phone=BERLIN, channel="SMS")
    with pytest.raises(BadRequestError):
        await called(sms(BERLIN, type="marketing"), f"{bv.url()}/bv")
    await called(sms(BERLIN, type="transactional"), f"{bv.url()}/bv")
    await called(whatsapp(BERLIN), f"{bv.url()}/bv")
    assert [each.target for each in upstream.heard] == ["/v3/transactionalSMS/sms", "/v3/whatsapp/sendMessage"]


async def test_a_campaign_is_refused(bv: RunningGate, upstream: Upstream) -> None:
    """What reaches people whom the request does not name raises the same error, and says why."""
    with pytest.raises(BadRequestError) as raised:
        await called(lambda client: client.email_campaigns.send_email_campaign_now(7), f"{bv.url()}/bv")
    assert raised.value.headers["x-sendgate-reasons"] == "hidden_recipients"
    assert upstream.heard == []


async def test_passing_trouble_is_an_error_that_the_sdk_repeats(bv: RunningGate, upstream: Upstream) -> None:
    """A gate that cannot look anybody up raises ApiError with 503, which the SDK repeats by itself."""
    bv.app.policy.database.path.unlink()
    with pytest.raises(ApiError) as raised:
        await called(mail(ADA), f"{bv.url()}/bv")
    assert raised.value.status_code == 503
    assert upstream.heard == []
