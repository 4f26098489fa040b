"""The providers' own SDKs, with nothing changed but the base URL: what they send and what they hear."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from python_http_client.exceptions import BadRequestsError, ServiceUnavailableError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Category, Mail, To
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.conftest import ACCEPTED, ACCOUNT, JSON, Message, OpenGate, RunningGate, Upstream, reply

PERSON = "+4915112345678"
HOP_BY_HOP = {"host", "connection", "content-length"}
MESSAGE = json.dumps({"sid": "SM1", "status": "queued", "to": PERSON, "account_sid": ACCOUNT}).encode()
CREATED = reply(201, MESSAGE, JSON)

Call = Callable[[str], Any]


def sendgrid(to: list[str], content: str = "Hello", **fields: Any) -> Call:
    """Make a call of SendGrid's SDK with a personalization for each address."""

    def call(base_url: str) -> Any:
        mail = Mail("shop@example.com", [To(each) for each in to], "Hi", content, is_multiple=True)
        for name, value in fields.items():
            setattr(mail, name, value)
        return SendGridAPIClient("SG.key", host=base_url).send(mail)

    return call


def twilio(to: str, **fields: Any) -> Call:
    """Make a call of Twilio's SDK."""

    def call(base_url: str) -> Any:
        client = Client(ACCOUNT, "token")
        client.api.base_url = base_url
        try:
            return client.messages.create(**{"to": to, "from_": "+15005550006", "body": "Hello", **fields})
        finally:
            client.http_client.session.close()

    return call


def end_to_end(message: Message) -> tuple[str, list[tuple[bytes, bytes]], bytes]:
    """Give what must be the same with and without a gate in between: the line, the headers but two, the body."""
    headers = [pair for pair in message.headers if pair[0].decode().lower() not in HOP_BY_HOP]
    return message.line, headers, message.body


@pytest.mark.parametrize(
    ("route", "call", "answered"),
    [
        pytest.param("mail", sendgrid(["a@example.com"]), ACCEPTED, id="sendgrid"),
        pytest.param("mail", sendgrid([f"{n}@example.com" for n in range(1000)]), ACCEPTED, id="sendgrid, a batch"),
        pytest.param("mail", sendgrid(["a@example.com"], "Grüße, 你好 \u2028"), ACCEPTED, id="sendgrid, unicode"),
        pytest.param("mail", sendgrid(["a@example.com"], category=Category("x")), ACCEPTED, id="sendgrid, category"),
        pytest.param("text", twilio(PERSON), CREATED, id="twilio"),
        pytest.param("text", twilio(f"whatsapp:{PERSON}"), CREATED, id="twilio, whatsapp"),
        pytest.param("text", twilio(PERSON, body="100 % & Grüße + 你好\n"), CREATED, id="twilio, unicode"),
        pytest.param(
            "text", twilio(PERSON, media_url=["https://a/1?x=y&z", "https://a/2"]), CREATED, id="twilio, repeated field"
        ),
    ],
)
async def test_what_passes_is_the_same_to_the_byte(
    gate: RunningGate, upstream: Upstream, route: str, call: Call, answered: bytes
) -> None:
    """The provider gets the same line, the same end-to-end headers and the same body as without a gate."""
    upstream.answer = answered
    await asyncio.to_thread(call, upstream.url)
    await asyncio.to_thread(call, f"{gate.url()}/{route}")
    directly, through = upstream.heard
    assert end_to_end(through) == end_to_end(directly)
    assert through.get("Content-Length") == directly.get("Content-Length")
    assert not [name for name, _ in through.headers if name.lower().startswith(b"x-sendgate")]


async def test_sendgrid_refusal_is_its_ordinary_error(gate: RunningGate, upstream: Upstream) -> None:
    """The SDK raises BadRequestsError and can read why and for whom; the provider hears nothing."""
    await gate.tell("Blacklisted", email="a@example.com")
    with pytest.raises(BadRequestsError) as raised:
        await asyncio.to_thread(sendgrid(["a@example.com"]), f"{gate.url()}/mail")
    (error,) = raised.value.to_dict["errors"]
    assert error["field"] == "personalizations.0.to.0.email"
    assert "blacklisted" in error["message"]
    assert raised.value.headers["X-Sendgate-Reasons"] == "blacklisted"
    assert upstream.heard == []


@pytest.mark.parametrize("to", [PERSON, f"whatsapp:{PERSON}"])
async def test_twilio_refusal_is_its_ordinary_error(gate: RunningGate, upstream: Upstream, to: str) -> None:
    """The SDK raises TwilioRestException with 21610, the code for who said STOP; the provider hears nothing."""
    await gate.tell("Blacklisted", phone=PERSON)
    with pytest.raises(TwilioRestException) as raised:
        await asyncio.to_thread(twilio(to), f"{gate.url()}/text")
    assert (raised.value.status, raised.value.code) == (400, 21610)
    assert upstream.heard == []


async def test_a_batch_goes_out_without_the_refused(gate: RunningGate, upstream: Upstream) -> None:
    """The SDK hears 202 and the provider gets the same batch without the two who said no."""
    await gate.tell("Blacklisted", email="b@example.com")
    await gate.tell("Opt Out", email="d@example.com", channel="MAIL")
    heard = await asyncio.to_thread(sendgrid([f"{letter}@example.com" for letter in "abcde"]), f"{gate.url()}/mail")
    assert (heard.status_code, heard.headers["X-Message-Id"]) == (202, "upstream-1")
    assert (heard.headers["X-Sendgate-Outcome"], heard.headers["X-Sendgate-Refused"]) == ("trimmed", "2")
    (sent,) = upstream.heard
    assert sorted(p["to"][0]["email"][0] for p in sent.json["personalizations"]) == ["a", "c", "e"]
    assert sent.json["content"] == [{"type": "text/plain", "value": "Hello"}]


def together(to: list[str], cc: list[str], **fields: Any) -> Call:
    """Make a call of SendGrid's SDK with one personalization for all."""

    def call(base_url: str) -> Any:
        mail = Mail("shop@example.com", [To(each) for each in to], "Hi", "Hello")
        for each in cc:
            mail.add_cc(each)
        for name, value in fields.items():
            setattr(mail, name, value)
        return SendGridAPIClient("SG.key", host=base_url).send(mail)

    return call


async def test_a_mail_to_several_goes_out_without_the_refused(gate: RunningGate, upstream: Upstream) -> None:
    """Who said no is taken out of to and cc, the others get the same mail."""
    await gate.tell("Blacklisted", email="b@example.com")
    await gate.tell("Blacklisted", email="d@example.com")
    call = together(["a@example.com", "b@example.com"], ["c@example.com", "d@example.com"])
    heard = await asyncio.to_thread(call, f"{gate.url()}/mail")
    assert (heard.status_code, heard.headers["X-Sendgate-Refused"]) == (202, "2")
    (personalization,) = upstream.heard[0].json["personalizations"]
    assert personalization == {"to": [{"email": "a@example.com"}], "cc": [{"email": "c@example.com"}]}


async def test_errors_of_sendgrid_name_the_senders_own_places(gate: RunningGate, upstream: Upstream) -> None:
    """What SendGrid finds wrong with the send that was left, the SDK hears about the send that it made."""
    await gate.tell("Blacklisted", email="a@example.com")
    told = {"message": "Does not contain a valid address.", "field": "personalizations.0.to.1.email", "help": None}
    upstream.answer = reply(400, json.dumps({"errors": [told]}).encode(), JSON)
    with pytest.raises(BadRequestsError) as raised:
        await asyncio.to_thread(together([f"{letter}@example.com" for letter in "abc"], []), f"{gate.url()}/mail")
    assert raised.value.to_dict["errors"] == [{**told, "field": "personalizations.0.to.2.email"}]


async def test_a_category_lets_transactional_mail_through(open_gate: OpenGate, upstream: Upstream) -> None:
    """An opt-out stops marketing alone, told by a category of the configuration; a blacklisting stops both."""
    markers = {"transactional": {"markers": {"categories": ["receipt"]}}}
    gate = await open_gate(routes={"mail": markers})
    receipt = sendgrid(["a@example.com"], category=Category("receipt"))
    await gate.tell("Opt Out", email="a@example.com", channel="MAIL")
    with pytest.raises(BadRequestsError, match="400"):
        await asyncio.to_thread(sendgrid(["a@example.com"]), f"{gate.url()}/mail")
    assert (await asyncio.to_thread(receipt, f"{gate.url()}/mail")).status_code == 202
    await gate.tell("Blacklisted", email="a@example.com")
    with pytest.raises(BadRequestsError) as raised:
        await asyncio.to_thread(receipt, f"{gate.url()}/mail")
    assert "blacklisted" in raised.value.to_dict["errors"][0]["message"]
    assert len(upstream.heard) == 1
    assert await gate.reasons() == ["blacklisted", "opted_out_channel"]


async def test_native_refusal_looks_like_success(open_gate: OpenGate, upstream: Upstream) -> None:
    """With refusal: native both SDKs report what their providers say on success, and nothing goes out."""
    gate = await open_gate(policy={"refusal": "native"})
    await gate.tell("Blacklisted", email="a@example.com")
    await gate.tell("Blacklisted", phone=PERSON)
    mail = await asyncio.to_thread(sendgrid(["a@example.com"]), f"{gate.url()}/mail")
    text = await asyncio.to_thread(twilio(PERSON), f"{gate.url()}/text")
    assert (mail.status_code, bool(mail.headers["X-Message-Id"])) == (202, True)
    assert (text.status, text.to, text.sid[:2]) == ("queued", PERSON, "SM")
    assert upstream.heard == []
    assert await gate.reasons() == ["blacklisted", "blacklisted"]


async def test_reading_passes(gate: RunningGate, upstream: Upstream) -> None:
    """What the SDKs only read goes through, query and answer untouched."""
    upstream.answer = reply(200, b'{"result": [1]}', JSON)
    client = SendGridAPIClient("SG.key", host=f"{gate.url()}/mail").client
    heard = await asyncio.to_thread(client.templates.get, query_params={"generations": "legacy,dynamic"})
    assert heard.to_dict == {"result": [1]}
    assert upstream.heard[0].target == "/v3/templates?generations=legacy%2Cdynamic"


async def test_passing_trouble_is_the_sdks_ordinary_error(open_gate: OpenGate, upstream: Upstream) -> None:
    """A gate that cannot look anybody up answers 503 in the providers' shapes, and the SDKs raise what they do then."""
    gate = await open_gate()
    gate.app.policy.database.path.unlink()
    with pytest.raises(ServiceUnavailableError) as mail:
        await asyncio.to_thread(sendgrid(["a@example.com"]), f"{gate.url()}/mail")
    with pytest.raises(TwilioRestException) as text:
        await asyncio.to_thread(twilio(PERSON), f"{gate.url()}/text")
    assert mail.value.headers["Retry-After"] == "5"
    assert (text.value.status, text.value.code) == (503, 20503)
    assert upstream.heard == []
