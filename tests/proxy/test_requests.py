"""Requests that two readers could read differently, or that ask for what is never proxied: nothing is sent."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import requests
from tests.conftest import FORM, JSON, MAIL, TEXT, OpenGate, Pair, RunningGate, Upstream, mail_body, request, text_body

A = "a@example.com"
PHONE = "+4915112345678"
CHUNKED = ("Transfer-Encoding", "chunked")


def send(*headers: Pair, target: str = f"/mail{MAIL}", method: str = "POST", version: str = "HTTP/1.1") -> bytes:
    """Write a send that would pass, but for one thing."""
    return request(method, target, [JSON, *headers], mail_body(A)).replace(b"HTTP/1.1", version.encode(), 1)


# ── what is well-formed and still refused: in the provider's shape, with a record ──

REFUSED = [
    pytest.param(send(("Upgrade", "websocket"), ("Connection", "Upgrade")), 400, "unknown_request", id="Upgrade"),
    pytest.param(send(("Upgrade", "h2c"), ("HTTP2-Settings", "AA")), 400, "unknown_request", id="Upgrade to h2c"),
    pytest.param(send(("X-HTTP-Method-Override", "GET")), 400, "unknown_request", id="method override"),
    pytest.param(send(("x-http-method", "PUT")), 400, "unknown_request", id="method override, second spelling"),
    pytest.param(send(("X-Method-Override", "DELETE")), 400, "unknown_request", id="method override, third spelling"),
    pytest.param(send(("X_HTTP_Method_Override", "GET")), 400, "unknown_request", id="method override, underscores"),
    pytest.param(send(("X-Original-URL", "/x")), 400, "unknown_request", id="path override"),
    pytest.param(send(("X-Rewrite-URL", "/x")), 400, "unknown_request", id="path override, second spelling"),
    pytest.param(send(target=f"/mail{MAIL}?_method=GET"), 400, "unknown_request", id="method override in the query"),
    pytest.param(send(("X.Method.Override", "GET")), 400, "unknown_request", id="method override, dots"),
    pytest.param(send(target=f"/mail{MAIL}?x=1&%5Fmethod=GET"), 400, "unknown_request", id="an escaped one"),
    pytest.param(send(target=f"/mail{MAIL}?x=1;%5f%6dethod=GET"), 400, "unknown_request", id="behind a semicolon"),
    pytest.param(send(target=f"/mail{MAIL}?%255FMethod%5B%5D=GET"), 400, "unknown_request", id="one escaped twice"),
    pytest.param(send(target=f"/mail{MAIL}?.method"), 400, "unknown_request", id="one that PHP reads"),
    pytest.param(send(target=f"/mail{MAIL}?X-HTTP-Method-Override=PUT"), 400, "unknown_request", id="a header's name"),
    pytest.param(send(("Connection", "Content-Type")), 400, "unknown_request", id="Connection names Content-Type"),
    pytest.param(send(("Connection", "close, x-own")), 400, "unknown_request", id="Connection names X-Own"),
    pytest.param(send(method="TRACE"), 400, "unknown_request", id="TRACE"),
    pytest.param(send(method="CONNECT"), 400, "unknown_request", id="CONNECT with a path"),
    pytest.param(send(method="PUT"), 400, "unknown_request", id="a method that is not the send's"),
    pytest.param(send(method="DELETE"), 400, "unknown_request", id="DELETE"),
    pytest.param(send(version="HTTP/0.9"), 505, "unknown_request", id="HTTP/0.9"),
    pytest.param(send(version="HTTP/2.0"), 505, "unknown_request", id="HTTP/2.0"),
    pytest.param(send(target=f"/mail/{MAIL}"), 400, "unknown_request", id="an empty segment"),
    pytest.param(send(target="/mail/v3/%2e%2e/v3/mail/send"), 400, "unknown_request", id="escaped dots"),
    pytest.param(send(target="/mail/v3/../v3/mail/send"), 400, "unknown_request", id="dots"),
    pytest.param(send(target="/mail/v3/./mail/send"), 400, "unknown_request", id="a dot"),
    pytest.param(send(target="/mail/../text/v3/mail/send"), 400, "unknown_request", id="dots out of the route"),
    pytest.param(send(target="/mail/V3/Mail/Send"), 400, "unknown_request", id="another case"),
    pytest.param(send(target="/mail/v3/m%61il/send"), 400, "unknown_request", id="a needless escape"),
    pytest.param(send(target="/mail/v3%2fmail%2fsend"), 400, "unknown_request", id="an escaped slash"),
    pytest.param(send(target="/mail/v3/mail/send%00"), 400, "unknown_request", id="an escaped NUL"),
    pytest.param(send(target="/mail/v3/mail/send;x=1"), 400, "unknown_request", id="a parameter of the path"),
    pytest.param(send(target="/mail/v3\\mail\\send"), 400, "unknown_request", id="backslashes"),
    pytest.param(send(target=f"/mail{MAIL}#fragment"), 400, "unknown_request", id="a fragment"),
    pytest.param(send(target=f"/mail{MAIL}?a#b"), 400, "unknown_request", id="a fragment behind the query"),
    pytest.param(send(("Expect", "200-maybe")), 417, "unreadable", id="an unknown expectation"),
    pytest.param(send(("Content-Encoding", "br")), 400, "unreadable", id="another Content-Encoding"),
    pytest.param(send(("Content-Encoding", "\xff")), 400, "unreadable", id="a Content-Encoding that is no text"),
]


@pytest.mark.parametrize(("raw", "status", "reason"), REFUSED)
async def test_doubt_is_refused(gate: RunningGate, upstream: Upstream, raw: bytes, status: int, reason: str) -> None:
    """The answer has the provider's shape, a record says why, and nothing reaches the provider."""
    answer = await gate.ask(raw)
    assert (answer.status, answer.get("X-Sendgate-Reasons"), upstream.heard) == (status, reason, [])
    assert answer.json["errors"][0]["message"].startswith("sendgate: ")
    (record,) = await gate.records()
    assert (record["reason"], record["sent"], record["decision"]) == (reason, "no", answer.get("X-Sendgate-Decision"))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(send(method="GET"), id="GET with a body"),
        pytest.param(
            request("GET", f"/mail{MAIL}", [JSON], b"[]"), id="GET with a body as short as one that says nothing"
        ),
        pytest.param(
            request("GET", f"/mail{MAIL}", [("Transfer-Encoding", "chunked")]) + b"2\r\n{}\r\n0\r\n\r\n",
            id="GET with a body of unknown length",
        ),
        pytest.param(request("GET", f"/mail{MAIL}", [("Upgrade", "websocket")]), id="GET with Upgrade"),
        pytest.param(request("GET", f"/mail{MAIL}", [("X-HTTP-Method", "POST")]), id="GET with a method override"),
    ],
)
async def test_doubt_about_reading_is_refused(gate: RunningGate, upstream: Upstream, raw: bytes) -> None:
    """A request that only reads by its method, but might do more, reaches no provider either."""
    answer = await gate.ask(raw)
    assert (answer.status, answer.get("X-Sendgate-Reasons"), upstream.heard) == (400, "unknown_request", [])


async def test_a_body_that_says_nothing_is_not_handed_on(gate: RunningGate, upstream: Upstream) -> None:
    """Missing arguments that an SDK writes as `{}` stop no reading, and no provider can take them for more."""
    answer = await gate.ask(request("GET", "/mail/v3/templates", [JSON], b"{}"))
    (heard,) = upstream.heard
    assert (answer.status, heard.line, heard.body) == (202, "GET /v3/templates HTTP/1.1", b"")
    assert heard.get("Content-Length") is None


async def test_doubt_is_refused_in_each_providers_shape(gate: RunningGate, upstream: Upstream) -> None:
    """Twilio's SDK finds its own fields in a refusal, and XML where it asked for none."""
    body = text_body(PHONE)
    answer = await gate.post(f"/text{TEXT}", body, FORM, ("X-HTTP-Method-Override", "GET"))
    assert (answer.status, answer.json["code"], answer.json["status"]) == (400, 20422, 400)
    answer = await gate.post(f"/text{TEXT.removesuffix('.json')}", body, FORM, ("X-HTTP-Method-Override", "GET"))
    assert (answer.get("Content-Type"), b"<Code>20422</Code>" in answer.body) == ("application/xml", True)
    assert upstream.heard == []


# ── what is no HTTP, or two kinds of it ──

MALFORMED = [
    pytest.param(send(CHUNKED), id="Transfer-Encoding beside Content-Length"),
    pytest.param(send(("Content-Length", "3")), id="two lengths"),
    pytest.param(send(("Content-Length", "171")), id="the same length twice"),
    pytest.param(request("POST", f"/mail{MAIL}", [JSON, ("Content-Length", "2, 2")]) + b"{}", id="a list of lengths"),
    pytest.param(request("POST", f"/mail{MAIL}", [JSON, ("Content-Length", "+2")]) + b"{}", id="a signed length"),
    pytest.param(request("POST", f"/mail{MAIL}", [JSON, ("Content-Length", "-1")]), id="a negative length"),
    pytest.param(
        request("POST", f"/mail{MAIL}", [JSON, ("Transfer-Encoding", "xchunked")]) + b"0\r\n\r\n", id="xchunked"
    ),
    pytest.param(
        request("POST", f"/mail{MAIL}", [JSON, ("Transfer-Encoding", "chunked, identity")]) + b"0\r\n\r\n",
        id="chunked is not the last coding",
    ),
    pytest.param(request("POST", f"/mail{MAIL}", [JSON, CHUNKED]) + b"zz\r\n{}\r\n0\r\n\r\n", id="no chunk size"),
    pytest.param(request("POST", f"/mail{MAIL}", [JSON, CHUNKED]) + b"2\r\n{}xx\r\n0\r\n\r\n", id="a longer chunk"),
    pytest.param(send(("Host", "a"), ("Host", "b")), id="two hosts"),
    pytest.param(send(("content-type", "text/plain")), id="two content types"),
    pytest.param(send().replace(b"Host: gate.test\r\n", b""), id="no host"),
    pytest.param(send(("X-A", "b\rX-B: c")), id="CR in a value"),
    pytest.param(send(("X-A", "b\x00c")), id="NUL in a value"),
    pytest.param(send(("X-A", "b\r\n c")), id="a folded value"),
    pytest.param(send(("X-A ", "b")), id="a blank behind a name"),
    pytest.param(send(("", "b")), id="no name"),
    pytest.param(send().replace(b"\r\n", b"\n"), id="bare line feeds"),
    pytest.param(send(version="HTTP/1.2"), id="HTTP/1.2"),
    pytest.param(send(version="HTTP/x"), id="no version"),
    pytest.param(send(method="post"), id="a method in lower case"),
    pytest.param(send(method="PO\xffST"), id="a method that is no text"),
    pytest.param(send(target=f"/mail{MAIL}\xff"), id="high bytes in the path"),
    pytest.param(send(target=f"/mail{MAIL}?\xff"), id="high bytes in the query"),
    pytest.param(send(target=f"/mail{MAIL}\t"), id="a tab in the path"),
    pytest.param(send(target="*"), id="an asterisk where a path belongs"),
    pytest.param(send(target=f"/mail{MAIL} x"), id="a blank in the target"),
    pytest.param(send(target=f"/mail{MAIL}?{'a' * 70_000}"), id="a target without end"),
    pytest.param(send(("X-A", "a" * 70_000)), id="a value without end"),
    pytest.param(send(*((f"X-{n}", "a") for n in range(500))), id="headers without end"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100 + b"\r\n\r\n", id="TLS"),
]


@pytest.mark.parametrize("raw", MALFORMED)
async def test_no_http_is_no_request(gate: RunningGate, upstream: Upstream, raw: bytes) -> None:
    """What cannot be told apart as one request is answered 400, the connection ends and nothing is forwarded."""
    async with gate.connect() as line:
        await line.say(raw)
        assert (await line.answer()).status == 400
        assert await line.reader.read() == b""
    assert upstream.heard == []


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(send(target="http://127.0.0.1:1/mail/v3/mail/send"), id="an absolute target"),
        pytest.param(request("CONNECT", "provider.example:443"), id="CONNECT"),
        pytest.param(request("OPTIONS", "*"), id="OPTIONS *"),
    ],
)
async def test_a_target_that_is_no_path_leads_nowhere(gate: RunningGate, upstream: Upstream, raw: bytes) -> None:
    """Whatever is not a path on this gate is no route of it."""
    answer = await gate.ask(raw)
    assert (answer.status, upstream.heard) == (404, [])


@pytest.mark.parametrize("way", [{"host": "gate.test"}, {"listen": "127.0.0.1:0"}], ids=["by host", "by listener"])
async def test_an_absolute_target_is_refused(open_gate: OpenGate, upstream: Upstream, way: dict[str, str]) -> None:
    """Where no prefix names the route, an absolute target finds it and is refused all the same."""
    gate = await open_gate(routes={"mail": way})
    door = "routes.mail" if "listen" in way else "proxy"
    answer = await gate.ask(send(target=f"http://gate.test{MAIL}"), door)
    assert (answer.status, answer.get("X-Sendgate-Reasons"), upstream.heard) == (400, "unknown_request", [])


async def test_a_second_request_behind_a_refused_one(gate: RunningGate, upstream: Upstream) -> None:
    """The bytes behind a refused request are the next request and nothing of the first."""
    async with gate.connect() as line:
        await line.say(send(("X-HTTP-Method", "GET")) + send())
        first, second = await line.answer(), await line.answer()
    assert [first.status, second.status, len(upstream.heard)] == [400, 202, 1]


async def test_a_body_that_breaks_off_is_not_sent(gate: RunningGate, upstream: Upstream) -> None:
    """A sender that goes away amid its body has sent nothing, and the gate goes on."""
    async with gate.connect() as line:
        await line.say(request("POST", f"/mail{MAIL}", [JSON, ("Content-Length", "500")]) + b'{"personalizations":')
    async with gate.connect() as line:
        await line.say(request("POST", f"/mail{MAIL}", [JSON, CHUNKED]) + b"2\r\n{}\r\n")
    assert (await gate.mail(A)).status == 202
    assert len(upstream.heard) == 1


# ── high bytes in headers, which are allowed ──


@pytest.mark.parametrize("name", ["X-Own", "Authorization", "X-Sendgate-Class", "X-Sendgate-Business-Unit"])
async def test_high_bytes_in_headers_pass(gate: RunningGate, upstream: Upstream, name: str) -> None:
    """Bytes that are no text are handed on as they are, and are nobody's claim."""
    assert (await gate.mail(A, headers=[(name, "caf\xe9 \xff")])).status == 202
    kept = [] if name.startswith("X-Sendgate") else ["caf\xe9 \xff"]
    assert upstream.heard[0].all(name) == kept


@pytest.mark.parametrize(("address", "status"), [("b@example.com", 400), (A, 202)], ids=["refused", "forwarded"])
async def test_high_bytes_in_a_campaign(gate: RunningGate, address: str, status: int) -> None:
    """A campaign's name that is no text is written down as far as it is one, and the send goes its way."""
    await gate.tell("Blacklisted", email="b@example.com")
    answer = await gate.mail(address, headers=[("X-Sendgate-Campaign", "caf\xc3\xa9 \xff")])
    assert answer.status == status
    campaigns = [record["campaign"] for record in await gate.records()]
    assert campaigns == (["café \ufffd"] if status == 400 else [])


@given(st.binary(max_size=40))
def test_printable_text_can_be_written(raw: bytes) -> None:
    """Whatever bytes a header holds, its printable form is UTF-8; text stays as it is."""
    value = raw.decode("utf-8", "surrogateescape")
    printed = requests.printable(value)
    assert printed.encode("utf-8").decode("utf-8") == printed
    assert (printed == value) == (value.encode("utf-8", "replace") == raw)


@pytest.mark.parametrize("size", [10_000, 60_000])
async def test_long_values_pass(gate: RunningGate, upstream: Upstream, size: int) -> None:
    """A header may be as long as a token with many claims is, and the query as long as one."""
    token = "x" * size
    raw = request("GET", f"/mail/v3/templates?{token}", [("Authorization", f"Bearer {token}")])
    assert (await gate.ask(raw)).status == 202
    (sent,) = upstream.heard
    assert (sent.get("Authorization"), sent.target) == (f"Bearer {token}", f"/v3/templates?{token}")


# ── the rest of a request's manners ──


async def test_expect_continue(gate: RunningGate, upstream: Upstream) -> None:
    """A sender that waits for leave gets it, and its body then goes out once, without the expectation."""
    body = mail_body(A)
    head = request("POST", f"/mail{MAIL}", [JSON, ("Expect", "100-continue"), ("Content-Length", str(len(body)))])
    async with gate.connect() as line:
        await line.say(head)
        assert (await line.answer()).status == 100
        await line.say(body)
        assert (await line.answer()).status == 202
    (sent,) = upstream.heard
    assert (sent.body, sent.get("Expect")) == (body, None)


async def test_expect_continue_of_what_is_refused(gate: RunningGate, upstream: Upstream) -> None:
    """Who is refused for the head alone is told so at once and never sends the body."""
    head = request("POST", "/mail/v3/unheard", [JSON, ("Expect", "100-continue"), ("Content-Length", "5")])
    async with gate.connect() as line:
        await line.say(head)
        assert (await line.answer()).status == 400
    assert upstream.heard == []


async def test_expect_continue_of_http_1_0(gate: RunningGate, upstream: Upstream) -> None:
    """A client of HTTP/1.0 knows no interim answer and gets none."""
    body = mail_body(A)
    raw = request("POST", f"/mail{MAIL}", [JSON, ("Expect", "100-continue")], body)
    assert (await gate.ask(raw.replace(b"HTTP/1.1", b"HTTP/1.0", 1))).status == 202
    assert upstream.heard[0].body == body


async def test_http_1_0(gate: RunningGate, upstream: Upstream) -> None:
    """A request of HTTP/1.0 is served, and goes out as HTTP/1.1."""
    answer = await gate.ask(send(version="HTTP/1.0"))
    assert (answer.line.split()[0], answer.status) == ("HTTP/1.0", 202)
    assert upstream.heard[0].line == f"POST {MAIL} HTTP/1.1"


async def test_a_chunked_send(gate: RunningGate, upstream: Upstream) -> None:
    """A send whose length is not said beforehand is read whole, judged, and goes out with its length."""
    body = mail_body(A)
    raw = request("POST", f"/mail{MAIL}", [JSON, CHUNKED])
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(body[i : i + 10]), body[i : i + 10]) for i in range(0, len(body), 10))
    assert (await gate.ask(raw + pieces + b"0\r\nX-Trailer: x\r\n\r\n")).status == 202
    (sent,) = upstream.heard
    assert (sent.body, sent.get("Content-Length"), sent.get("Transfer-Encoding")) == (body, str(len(body)), None)


async def test_many_requests_on_one_connection(gate: RunningGate, upstream: Upstream) -> None:
    """Requests that come in one write are answered one after the other, each with its own answer."""
    await gate.tell("Blacklisted", email="b@example.com")
    raws = [request("POST", f"/mail{MAIL}", [JSON], mail_body(address)) for address in (A, "b@example.com", A)]
    async with gate.connect() as line:
        await line.say(b"".join(raws))
        answers = [await line.answer() for _ in raws]
    assert [answer.status for answer in answers] == [202, 400, 202]
    assert len(upstream.heard) == 2


async def test_senders_do_not_wait_for_each_other(gate: RunningGate, upstream: Upstream) -> None:
    """Fifty sends at once all arrive, each with its own decision."""
    answers = await asyncio.gather(*(gate.mail(f"{n}@example.com") for n in range(50)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.get("X-Sendgate-Decision") for answer in answers}) == len(upstream.heard) == 50
