"""SparkPost's SDK for Python, with nothing changed but the host; it insists on TLS, so the gate has a certificate."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from sparkpost import SparkPost
from sparkpost.exceptions import SparkPostAPIException

from tests.conftest import JSON, Message, OpenGate, RunningGate, Upstream, reply

HOP_BY_HOP = {"host", "connection"}
ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"


async def as_sparkpost(message: Message, writer: asyncio.StreamWriter) -> None:
    """Answer as SparkPost does: with the number of recipients."""
    results = {
        "total_rejected_recipients": 0,
        "total_accepted_recipients": len(message.json["recipients"]),
        "id": "11668787484950529",
    }
    writer.write(reply(200, json.dumps({"results": results}).encode(), JSON))
    await writer.drain()


@pytest.fixture
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Give an authority that the SDK's HTTP client trusts."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    return ca


@pytest.fixture
async def sp(open_gate: OpenGate, upstream: Upstream, ca: trustme.CA, tmp_path: Path) -> RunningGate:
    """Give a gate with a certificate and a route to SparkPost."""
    upstream.answer = as_sparkpost
    certificate = ca.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    tls = {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    markers = {"options.transactional": "true"}
    route = {"provider": "sparkpost", "upstream": upstream.url, "transactional": {"markers": markers}}
    return await open_gate(listen={"proxy": {"address": "127.0.0.1:0", "tls": tls}}, routes={"sp": route})


@pytest.fixture
async def bare(upstream: Upstream, ca: trustme.CA) -> AsyncIterator[str]:
    """Give the host of the same upstream behind TLS, without a gate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, ssl=context)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await upstream.end()
    await server.wait_closed()


def behind(gate: RunningGate) -> str:
    """Give what an SDK is told instead of SparkPost's host."""
    host, port = gate.addresses["proxy"]
    return f"{host}:{port}/sp"


async def sent(host: str, **mail: Any) -> Any:
    """Send by the SDK, in a thread because it blocks, and leave no connection open, as the end of a process would."""

    def send() -> Any:
        client = SparkPost("api-key", host)
        try:
            return client.transmissions.send(**mail)
        except SparkPostAPIException as error:
            error.response.raw = None  # urllib3 closes its connections when nobody refers to their pool any more
            raise
        finally:
            client.transmissions.transport.sess.close()

    return await asyncio.to_thread(send)


async def text(host: str, to: list[Any], **more: Any) -> Any:
    """Send a text to these people."""
    sender = "Shop <shop@example.com>"
    return await sent(host, recipients=to, from_email=sender, subject="Grüße", text="Hello 你好", **more)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"cc": [CY], "bcc": ["di@example.com"], "campaign": "x", "metadata": {"a": 1}}, id="with copies"),
        pytest.param({"start_time": "2026-01-01T00:00:00+02:00", "track_opens": False}, id="with options"),
    ],
)
async def test_what_passes_is_the_same_to_the_byte(
    sp: RunningGate, upstream: Upstream, bare: str, more: dict[str, Any]
) -> None:
    """SparkPost gets the same line, headers and body as without a gate, and the SDK hears the same."""
    heard = [await text(host, [ADA, {"address": {"email": BOB, "name": "Bob"}}], **more) for host in (bare, behind(sp))]
    directly, through = upstream.heard
    assert (directly.line, directly.body) == (through.line, through.body)
    assert headers(through) == headers(directly)
    assert heard[0] == heard[1]


def headers(message: Message) -> list[tuple[bytes, bytes]]:
    return [pair for pair in message.headers if pair[0].decode().lower() not in HOP_BY_HOP]


async def test_a_refusal_is_the_sdks_ordinary_error(sp: RunningGate, upstream: Upstream) -> None:
    """The SDK raises SparkPostAPIException with SparkPost's words for nobody left; SparkPost hears nothing."""
    await sp.tell("Blacklisted", email=ADA)
    with pytest.raises(SparkPostAPIException) as raised:
        await text(behind(sp), [ADA])
    assert raised.value.status == 400
    (error,) = raised.value.errors
    assert error.startswith("At least one valid recipient is required Code: 5002")
    assert "(blacklisted) (at recipients.0)" in error
    assert ADA not in error
    assert upstream.heard == []


async def test_a_batch_goes_out_without_the_refused(sp: RunningGate, upstream: Upstream) -> None:
    """The rest goes out, and the SDK hears how many were rejected and why, as of recipients with errors."""
    await sp.tell("Blacklisted", email=ADA)
    await sp.tell("Opt Out", email=CY, channel="MAIL")
    heard = await text(behind(sp), [ADA, BOB, CY])
    assert [each["address"]["email"] for each in upstream.heard[0].json["recipients"]] == [BOB]
    assert (heard["total_accepted_recipients"], heard["total_rejected_recipients"]) == (1, 2)
    assert [each["description"].split("recipient ")[1] for each in heard["rcpt_to_errors"]] == [
        "(blacklisted) (at recipients.0)",
        "(opted_out_channel) (at recipients.2)",
    ]


@pytest.mark.parametrize(
    ("who", "left", "cc"),
    [
        pytest.param(CY, [ADA, BOB], None, id="the copy"),
        pytest.param(BOB, [ADA, CY], CY, id="one of two"),
        pytest.param(ADA, [BOB], None, id="whose mail is copied"),
    ],
)
async def test_copies_show_nobody_who_is_gone(
    sp: RunningGate, upstream: Upstream, who: str, left: list[str], cc: str | None
) -> None:
    """A copy goes with the recipient it shows, and the Cc header loses whoever gets no copy."""
    await sp.tell("Blacklisted", email=who)
    await text(behind(sp), [ADA, BOB], cc=[CY])
    sent_on = upstream.heard[0].json
    assert [each["address"]["email"] for each in sent_on["recipients"]] == left
    assert sent_on["content"]["headers"].get("CC") == cc
    assert who.encode() not in upstream.heard[0].body


async def test_a_stored_list_passes_where_that_is_allowed(open_gate: OpenGate, upstream: Upstream) -> None:
    """Where the path is allowed, a transmission to a stored list goes out, without its bypass."""
    upstream.answer = reply(200, b'{"results": {"id": "1"}}', JSON)
    route = {"provider": "sparkpost", "upstream": upstream.url, "allow_paths": ["/api/v1/transmissions"]}
    gate = await open_gate(routes={"sp": route})
    body = b'{"options":{"skip_suppression":true},"recipients":{"list_id":"all"},"content":{"template_id":"x"}}'
    answer = await gate.post("/sp/api/v1/transmissions", body, JSON)
    assert (answer.status, answer.get("X-Sendgate-Passed")) == (200, "allow_paths")
    assert upstream.heard[0].json == {"options": {}, "recipients": {"list_id": "all"}, "content": {"template_id": "x"}}


async def test_a_stored_list_is_refused(sp: RunningGate, upstream: Upstream) -> None:
    """A transmission to people whom only SparkPost knows raises the SDK's error."""
    with pytest.raises(SparkPostAPIException) as raised:
        await sent(behind(sp), recipient_list="all", template="news")
    assert raised.value.status == 400
    assert "recipients.list_id" in raised.value.errors[0]
    assert await sp.reasons() == ["hidden_recipients"]
    assert upstream.heard == []


async def test_a_marker_lets_opted_out_people_have_transactional_mail(sp: RunningGate, upstream: Upstream) -> None:
    """Somebody opted out gets what is marked as transactional, and nothing else; somebody blacklisted nothing."""
    await sp.tell("Opt Out", email=ADA, channel="MAIL")
    await sp.tell("Blacklisted", email=BOB)
    with pytest.raises(SparkPostAPIException):
        await text(behind(sp), [ADA])
    heard = await text(behind(sp), [ADA, BOB], transactional=True)
    assert (heard["total_accepted_recipients"], heard["total_rejected_recipients"]) == (1, 1)
    assert [each["address"]["email"] for each in upstream.heard[0].json["recipients"]] == [ADA]


async def test_a_bypass_is_taken_out(sp: RunningGate, upstream: Upstream) -> None:
    """A transmission past SparkPost's own suppression list goes out as one that minds it."""
    await text(behind(sp), [ADA], skip_suppression=True, transactional=True)
    assert upstream.heard[0].json["options"] == {"transactional": True}


async def test_passing_trouble_is_told_once(sp: RunningGate, upstream: Upstream) -> None:
    """A gate that cannot look anybody up answers 503, which this SDK raises and does not repeat."""
    sp.app.policy.database.path.unlink()
    with pytest.raises(SparkPostAPIException) as raised:
        await text(behind(sp), [ADA])
    assert (raised.value.status, raised.value.response.headers["Retry-After"]) == (503, "5")
    assert upstream.heard == []
