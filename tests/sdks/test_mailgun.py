"""Mailgun's SDK for Python, with nothing changed but the base URL: what it sends and what it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from mailgun.client import AsyncClient, Client
from mailgun.config import RetryPolicy

from tests.conftest import JSON, Message, OpenGate, RunningGate, Upstream, reply

HOP_BY_HOP = {"host", "connection", "content-length"}
DOMAIN = "mail.example.com"
ADA, BOB, CY, DI = "ada@example.com", "bob@example.com", "cy@example.com", "di@example.com"
QUEUED = {"id": f"<20261101.1@{DOMAIN}>", "message": "Queued. Thank you."}

Call = Callable[[Client], Any]


def mail(to: str | list[str], *, files: Any = None, **fields: Any) -> Call:
    """Make a send of a mail that Mailgun builds."""
    data = {"from": f"Shop <shop@{DOMAIN}>", "to": to, "subject": "Grüße", "text": "Hello & goodbye; 你好"}
    named = {name.replace("_", ":", 1) if name[1] == "_" else name: value for name, value in fields.items()}
    return lambda client: client.messages.create(domain=DOMAIN, data={**data, **named}, files=files)


def raw(to: list[str], message: str) -> Call:
    """Make a send of a raw mail."""
    files = {"message": message.replace("\n", "\r\n").encode()}
    return lambda client: client.mimemessage.create(domain=DOMAIN, data={"to": to}, files=files)


async def asked(call: Call, base_url: str) -> Any:
    """Make a call of the SDK; one that is answered by trouble is not repeated."""

    def ask() -> Any:
        with Client(auth=("api", "key"), api_url=base_url, retry_policy=RetryPolicy(max_retries=0)) as client:
            return call(client)

    return await asyncio.to_thread(ask)


@pytest.fixture
async def gate(open_gate: OpenGate, upstream: Upstream) -> RunningGate:
    """Give a gate with a route to Mailgun, and one on which tags tell what is transactional."""
    upstream.answer = reply(200, json.dumps(QUEUED).encode(), JSON)
    markers = {"transactional": {"markers": {"o:tag": ["receipt"]}}}
    common = {"provider": "mailgun", "upstream": upstream.url}
    return await open_gate(routes={"mail": common, "receipts": {**common, **markers}})


def url(gate: RunningGate, route: str = "mail") -> str:
    """Give the base URL of a route."""
    return f"{gate.url()}/{route}"


def end_to_end(message: Message) -> tuple[str, list[tuple[bytes, bytes]], bytes]:
    """Give what must be the same with and without a gate in between; the boundary is another one each time."""
    boundary = (message.get("Content-Type") or "").partition("boundary=")[2].encode() or b"no boundary"
    pairs = [pair for pair in message.headers if pair[0].decode().lower() not in HOP_BY_HOP]
    headers = [(name, value.replace(boundary, b"B")) for name, value in pairs]
    return message.line, headers, message.body.replace(boundary, b"B")


def fields(message: Message) -> list[tuple[str, str]]:
    """Give the fields of a form as the provider reads them."""
    return parse_qsl(message.body.decode(), keep_blank_values=True)


def batch(*people: str) -> Call:
    """Make a batch: a mail for each person, with variables of their own."""
    variables = {address: {"first": address.partition("@")[0]} for address in people}
    return mail(list(people), **{"recipient-variables": json.dumps(variables)})


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(mail(ADA), id="one"),
        pytest.param(mail([f"Ada <{ADA}>", f"{BOB}, {CY}"], cc=DI), id="several"),
        pytest.param(batch(*(f"n{number}@example.com" for number in range(1000))), id="a batch"),
        pytest.param(mail(ADA, o_tag=["a", "b"], v_order="7", h_X_Kind="é"), id="options"),
        pytest.param(mail(ADA, files=[("attachment", ("a b.txt", b"\x00\r\n--x"))] * 2), id="attachments"),
        pytest.param(raw([ADA, BOB], f"To: {ADA}\nSubject: Hi\n\nHello\n"), id="a raw mail"),
    ],
)
async def test_what_passes_is_the_same_to_the_byte(gate: RunningGate, upstream: Upstream, call: Call) -> None:
    """Mailgun gets the same line, the same end-to-end headers and the same body as without a gate."""
    await asked(call, upstream.url)
    heard = await asked(call, url(gate))
    directly, through = upstream.heard
    assert end_to_end(through) == end_to_end(directly)
    assert through.get("Content-Length") == directly.get("Content-Length")
    assert (heard.status_code, heard.json()) == (200, QUEUED)


@pytest.mark.parametrize("call", [mail(ADA), raw([ADA], f"To: {ADA}\n\nHi\n")], ids=["one", "a raw mail"])
async def test_a_refusal_is_an_answer_with_400(gate: RunningGate, upstream: Upstream, call: Call) -> None:
    """The SDK gives the answer, raising nothing, and its sentence says why; Mailgun hears nothing."""
    await gate.tell("Blacklisted", email=ADA)
    heard = await asked(call, url(gate))
    assert heard.status_code == 400
    assert heard.json() == {"message": "sendgate: no message is sent to this recipient (blacklisted) (to.0)"}
    assert heard.headers["X-Sendgate-Reasons"] == "blacklisted"
    assert upstream.heard == []


async def test_a_refusal_is_an_answer_in_the_asynchronous_client_too(gate: RunningGate, upstream: Upstream) -> None:
    """The asynchronous client gives the same answer."""
    await gate.tell("Blacklisted", email=ADA)
    async with AsyncClient(auth=("api", "key"), api_url=url(gate)) as client:
        data = {"from": f"shop@{DOMAIN}", "to": ADA, "text": "Hello"}
        heard = await client.messages.create(domain=DOMAIN, data=data)
    assert (heard.status_code, "blacklisted" in heard.json()["message"]) == (400, True)
    assert upstream.heard == []


async def test_a_send_goes_out_without_the_refused(gate: RunningGate, upstream: Upstream) -> None:
    """Mailgun gets the same form without the two who said no, and the SDK hears that it was queued."""
    await gate.tell("Blacklisted", email=BOB)
    await gate.tell("Opt Out", email=DI, channel="MAIL")
    heard = await asked(mail([f"Ada <{ADA}>", f"{BOB}, {CY}"], bcc=DI), url(gate))
    assert (heard.status_code, heard.json()) == (200, QUEUED)
    assert (heard.headers["X-Sendgate-Outcome"], heard.headers["X-Sendgate-Refused"]) == ("trimmed", "2")
    (sent,) = upstream.heard
    assert fields(sent) == [
        ("from", f"Shop <shop@{DOMAIN}>"),
        ("to", f"Ada <{ADA}>"),
        ("to", CY),
        ("subject", "Grüße"),
        ("text", "Hello & goodbye; 你好"),
    ]


async def test_a_batch_goes_out_without_the_variables_of_the_refused(gate: RunningGate, upstream: Upstream) -> None:
    """Who is taken out of a batch leaves nothing behind, and the others get a mail of their own as before."""
    await gate.tell("Blacklisted", email=BOB)
    heard = await asked(batch(ADA, "Bob@example.com", CY), url(gate))
    assert (heard.status_code, heard.headers["X-Sendgate-Refused"]) == (200, "1")
    sent = fields(upstream.heard[0])
    assert [value for name, value in sent if name == "to"] == [ADA, CY]
    assert json.loads(dict(sent)["recipient-variables"]) == {ADA: {"first": "ada"}, CY: {"first": "cy"}}


async def test_a_raw_mail_goes_out_without_the_refused(gate: RunningGate, upstream: Upstream) -> None:
    """Who is taken out is not shown to the others either; attachments and text stay as they were."""
    await gate.tell("Blacklisted", email=BOB)
    await asked(raw([ADA, BOB], f"To: {ADA}, Bob <{BOB}>\nSubject: Hi\n\nHello Bob <{BOB}>\n"), url(gate))
    body = upstream.heard[0].body
    assert body.count(b'name="to"') == 1
    assert b"\r\nTo: ada@example.com\r\nSubject: Hi\r\n\r\nHello Bob <bob@example.com>\r\n" in body


async def test_a_tag_lets_transactional_mail_through(gate: RunningGate, upstream: Upstream) -> None:
    """An opt-out stops marketing alone, told by a tag of the configuration; a blacklisting stops both."""
    await gate.tell("Opt Out", email=ADA, channel="MAIL")
    marketing = await asked(mail(ADA, o_tag="spring"), url(gate, "receipts"))
    transactional = await asked(mail(ADA, o_tag=["order", "receipt"]), url(gate, "receipts"))
    await gate.tell("Blacklisted", email=ADA)
    blacklisted = await asked(mail(ADA, o_tag="receipt"), url(gate, "receipts"))
    assert [each.status_code for each in (marketing, transactional, blacklisted)] == [400, 200, 400]
    assert "opted_out_channel" in marketing.json()["message"]
    assert "blacklisted" in blacklisted.json()["message"]
    assert len(upstream.heard) == 1


async def test_a_time_too_far_ahead_is_refused(gate: RunningGate, upstream: Upstream) -> None:
    """Marketing that Mailgun may hold for three days is refused where a day is allowed; a preferred hour is not."""
    held = await asked(mail(ADA, **{"o:deliverytime-optimize-period": "72h"}), url(gate))
    later = await asked(mail(ADA, **{"o:deliverytime": "Fri, 14 Oct 2099 12:00:00 +0000"}), url(gate))
    local = await asked(mail(ADA, **{"o:time-zone-localize": "09:00"}), url(gate))
    assert [each.status_code for each in (held, later, local)] == [400, 400, 200]
    assert "scheduled_too_far" in held.json()["message"]
    assert len(upstream.heard) == 1


async def test_passing_trouble_asks_for_a_repeat(gate: RunningGate, upstream: Upstream) -> None:
    """A gate that cannot look anybody up answers 503, which the SDK gives as it came once it has given up."""
    gate.app.policy.database.path.unlink()
    heard = await asked(mail(ADA), url(gate))
    assert (heard.status_code, heard.headers["Retry-After"]) == (503, "5")
    assert upstream.heard == []
