"""What goes back to the sender: the provider's answer as it came, with what the gate has to say beside it."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.conftest import (
    ACCEPTED,
    JSON,
    MAIL,
    OpenGate,
    RunningGate,
    Upstream,
    breaks_off,
    mail_body,
    reply,
    request,
    until,
)

A = "a@example.com"
OWN = {"x-sendgate-decision", "x-sendgate-outcome", "content-length"}


def raw(status_line: str, *lines: str, body: str = "") -> bytes:
    """Write an answer line by line."""
    return "\r\n".join([status_line, *lines, f"Content-Length: {len(body)}", "", body]).encode("latin-1")


@pytest.mark.parametrize("status", [200, 201, 202, 302, 400, 401, 404, 413, 422, 429, 500, 503, 599])
async def test_status_and_body_are_the_providers(gate: RunningGate, upstream: Upstream, status: int) -> None:
    """Whatever the provider answers, the sender gets: status, reason, headers and body; redirects are not followed."""
    upstream.answer = reply(status, b'{"a":1}', JSON, ("Retry-After", "7"), ("Location", "http://127.0.0.1:1/"))
    answer = await gate.mail(A)
    assert (answer.line, answer.body) == (f"HTTP/1.1 {status} As told", b'{"a":1}')
    assert [answer.get(name) for name in ("Content-Type", "Retry-After", "Location")] == [
        "application/json",
        "7",
        "http://127.0.0.1:1/",
    ]
    assert len(upstream.heard) == 1


async def test_headers_come_back_as_they_came(gate: RunningGate, upstream: Upstream) -> None:
    """Repeated headers stay repeated, in their order and spelling; forged ones of the gate's own do not pass."""
    told = ["Set-Cookie: a=1", "Set-Cookie: b=2", "x-ODD-case: v", "Server: up", "Date: then", "X-Tab: a\tb"]
    upstream.answer = raw("HTTP/1.1 200 OK", *told, "X-Sendgate-Outcome: forged", "Content-Type: a/b", body="x")
    answer = await gate.mail(A)
    heard = [f"{name.decode()}: {value.decode()}" for name, value in answer.headers if name.decode().lower() not in OWN]
    assert heard == [*told, "Content-Type: a/b"]
    assert answer.get("X-Sendgate-Outcome") == "forwarded"


@pytest.mark.parametrize(
    ("phrase", "line"),
    [
        pytest.param("Fine, thanks", "HTTP/1.1 202 Fine, thanks", id="the provider's own"),
        pytest.param("", "HTTP/1.1 202 Accepted", id="none"),
        pytest.param("Caf\xe9 \xff", "HTTP/1.1 202 Accepted", id="high bytes"),
        pytest.param("A\x01B", "HTTP/1.1 202 Accepted", id="a control"),
    ],
)
async def test_reason_phrases(gate: RunningGate, upstream: Upstream, phrase: str, line: str) -> None:
    """A phrase that could stand in a status line comes back, any other becomes the usual one."""
    upstream.answer = raw(f"HTTP/1.1 202 {phrase}")
    assert (await gate.mail(A)).line == line


async def test_high_bytes_in_headers_come_back(gate: RunningGate, upstream: Upstream) -> None:
    """UTF-8 comes back as it is; bytes that are no UTF-8 are read as Latin-1 and never break an answer."""
    upstream.answer = raw("HTTP/1.1 202 OK", "X-Utf: caf\xc3\xa9", "X-Latin: caf\xe9")
    answer = await gate.mail(A)
    values = [answer.get(name) for name in ("X-Utf", "X-Latin")]
    assert [value.encode("latin-1").decode() for value in values if value] == ["café", "café"]


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body(gate: RunningGate, upstream: Upstream, status: int) -> None:
    """An answer that has no body by its status has none here, and the connection serves the next request."""
    upstream.answer = f"HTTP/1.1 {status} Nothing\r\nX-A: 1\r\n\r\n".encode()
    raw_get = request("GET", "/mail/v3/templates")
    async with gate.connect() as line:
        for _ in range(2):
            await line.say(raw_get)
            answer = await line.answer("GET")
            assert (answer.status, answer.get("X-A"), answer.body) == (status, "1", b"")


async def test_interim_answers_are_skipped(gate: RunningGate, upstream: Upstream) -> None:
    """100 and 103 are between gate and provider; the sender gets the final answer."""
    upstream.answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ACCEPTED
    answer = await gate.mail(A)
    assert (answer.status, answer.get("Link")) == (202, None)


async def test_a_chunked_answer(gate: RunningGate, upstream: Upstream) -> None:
    """An answer that comes in chunks comes back whole."""
    upstream.answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nX-T: 1\r\n\r\n"
    )
    answer = await gate.mail(A)
    assert (answer.body, answer.get("X-T")) == (b"abc", None)


async def test_a_compressed_answer_is_left_alone(gate: RunningGate, upstream: Upstream) -> None:
    """The gate neither inflates nor compresses what the provider says."""
    upstream.answer = raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Content-Type: a/b", body="not really gzip")
    answer = await gate.mail(A, headers=[("Accept-Encoding", "gzip")])
    assert (answer.body, answer.get("Content-Encoding")) == (b"not really gzip", "gzip")
    assert upstream.heard[0].get("Accept-Encoding") == "gzip"


@pytest.mark.parametrize("framing", ["length", "chunked", "end"])
async def test_a_large_answer_is_streamed(gate: RunningGate, upstream: Upstream, framing: str) -> None:
    """A harmless answer of many megabytes comes through whole, however its end is told."""
    piece = bytes(range(256)) * 256
    whole = piece * 200

    async def react(_: object, writer: asyncio.StreamWriter) -> None:
        told = {"length": f"Content-Length: {len(whole)}", "chunked": "Transfer-Encoding: chunked", "end": "X-A: 1"}
        writer.write(f"HTTP/1.1 200 OK\r\n{told[framing]}\r\n\r\n".encode())
        for _ in range(200):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if framing == "chunked" else piece)
            await writer.drain()
        if framing == "chunked":
            writer.write(b"0\r\n\r\n")
        if framing == "end":
            writer.close()

    upstream.answer = react
    answer = await gate.ask(request("GET", "/mail/v3/suppression/bounces"))
    assert answer.body == whole


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_an_answer_cut_short_does_not_look_whole(gate: RunningGate, upstream: Upstream, framing: str) -> None:
    """Where the provider breaks off amid the body, the sender's connection breaks off as well."""
    upstream.answer = breaks_off(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n5\r\nab".encode())
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await gate.ask(request("GET", "/mail/v3/templates"))


async def test_a_sender_that_does_not_wait(gate: RunningGate, upstream: Upstream) -> None:
    """A send whose sender goes away amid the answer went out, and is counted and told like any other."""
    gone = asyncio.Event()

    async def react(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 202 OK\r\nContent-Length: 50000000\r\n\r\nbegun")
        await gone.wait()
        writer.write(bytes(50_000_000))
        await writer.drain()

    upstream.answer = react
    with capture_logs() as lines:
        async with gate.connect() as line:
            await line.say(request("POST", f"/mail{MAIL}", [JSON], mail_body(A)))
            await line.reader.readuntil(b"begun")
        gone.set()
        await until(lambda: gate.metric("sendgate_sends_total", outcome="forwarded") == 1)
    assert [line["event"] for line in lines] == ["forwarded"]


# ── what the gate itself says ──


async def test_every_answer_names_its_decision(gate: RunningGate) -> None:
    """Forwarded, refused, passed through or routed nowhere: each answer has an id of its own and says how it ended."""
    await gate.tell("Blacklisted", email="b@example.com")
    raws = [request("GET", "/mail/v3/x"), request("GET", "/nowhere"), request("TRACE", "/mail/v3/x")]
    answers = [await gate.mail(A), await gate.mail("b@example.com"), *[await gate.ask(each) for each in raws]]
    assert [answer.get("X-Sendgate-Outcome") for answer in answers] == [
        "forwarded",
        "refused",
        "passed_through",
        "refused",
        "refused",
    ]
    assert len({answer.get("X-Sendgate-Decision") for answer in answers}) == len(answers)


async def test_reasons_are_told_once(gate: RunningGate) -> None:
    """The answer counts the refused and tells each reason once, in one order, without an address."""
    for address in ("b@example.com", "c@example.com"):
        await gate.tell("Blacklisted", email=address)
    await gate.tell("Opt Out", email="d@example.com")
    answer = await gate.mail("d@example.com", "c@example.com", "b@example.com", A)
    assert answer.get("X-Sendgate-Refused") == "3"
    assert answer.get("X-Sendgate-Reasons") == "blacklisted, opted_out"
    assert "example.com" not in str(answer.headers)


async def test_a_whole_refusal_counts_everybody(gate: RunningGate, upstream: Upstream) -> None:
    """Where nobody was sent to, the count is that of those who were refused."""
    await gate.tell("Blacklisted", email=A)
    answer = await gate.mail(A, A)
    assert (answer.status, answer.get("X-Sendgate-Refused"), upstream.heard) == (400, "2", [])


async def test_a_hundred_errors_at_most(open_gate: OpenGate) -> None:
    """A refusal of a thousand recipients names a hundred places, and counts them all."""
    gate = await open_gate(policy={"allow_only": ["me@example.com"]})
    answer = await gate.mail(*(f"{n}@example.com" for n in range(1000)))
    assert (len(answer.json["errors"]), answer.get("X-Sendgate-Refused")) == (100, "1000")
    assert len(await gate.records(limit="1000")) == 1000


async def test_passing_trouble_says_when_to_come_again(gate: RunningGate) -> None:
    """Only an answer that asks for a repeat has Retry-After."""
    await gate.tell("Blacklisted", email=A)
    assert (await gate.mail(A)).get("Retry-After") is None
    gate.app.policy.database.path.unlink()
    answer = await gate.mail(A)
    assert (answer.status, answer.get("Retry-After")) == (503, "5")
