from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.headers import HOP_BY_HOP, HOST, Headers, Unsendable, decoded, end_to_end, request_head

NAMES = st.from_regex(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}", fullmatch=True)
KNOWN = st.sampled_from(sorted(HOP_BY_HOP | {b"Content-Length", b"EXPECT", b"X-Sendgate-Key", b"host", b"X-Custom"}))
VALUES = st.binary(max_size=30).map(lambda raw: bytes(byte for byte in raw if byte not in b"\r\n\0"))
PAIRS = st.lists(st.tuples(NAMES | KNOWN, VALUES), max_size=12).map(tuple)
PLAIN = st.lists(st.tuples(st.just(b"X-") | st.just(b"Set-Cookie") | st.just(b"x-Y"), VALUES), max_size=12).map(tuple)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        pytest.param(((b"X-a", b"1"), (b"x-A", b"2")), ((b"X-a", b"1"), (b"x-A", b"2")), id="repeated, as spelled"),
        pytest.param(((b"X-High", b"\xe4\xff"),), ((b"X-High", b"\xe4\xff"),), id="high bytes"),
        pytest.param(((b"Authorization", b"Bearer x"),), ((b"Authorization", b"Bearer x"),), id="credential"),
        pytest.param(((b"Content-Encoding", b"gzip"),), ((b"Content-Encoding", b"gzip"),), id="content coding"),
        pytest.param(((b"Idempotency-Key", b"7"),), ((b"Idempotency-Key", b"7"),), id="idempotency key"),
        pytest.param(((b"Connection", b"close"),), (), id="Connection"),
        pytest.param(((b"KEEP-ALIVE", b"timeout=5"),), (), id="Keep-Alive"),
        pytest.param(((b"Proxy-Connection", b"close"),), (), id="Proxy-Connection"),
        pytest.param(((b"TE", b"trailers"),), (), id="TE"),
        pytest.param(((b"Trailer", b"X-Sum"),), (), id="Trailer"),
        pytest.param(((b"transfer-encoding", b"chunked"),), (), id="Transfer-Encoding"),
        pytest.param(((b"Upgrade", b"h2c"),), (), id="Upgrade"),
        pytest.param(((b"Proxy-Authorization", b"Basic x"),), (), id="Proxy-Authorization"),
        pytest.param(((b"Proxy-Authenticate", b"Basic"),), (), id="Proxy-Authenticate"),
        pytest.param(((b"Content-Length", b"5"), (b"content-length", b"6")), (), id="Content-Length"),
        pytest.param(((b"Expect", b"100-continue"),), (), id="Expect"),
        pytest.param(((b"X-Sendgate-Key", b"k"), (b"x-sendgate-anything", b"v")), (), id="the gate's own"),
        pytest.param(((b"X-Sendgate", b"v"),), ((b"X-Sendgate", b"v"),), id="not the gate's own"),
        pytest.param(((b"Connection", b"X-Hop, \tx-two"), (b"x-hop", b"1"), (b"X-Two", b"2")), (), id="named"),
        pytest.param(
            ((b"X-Hop", b"1"), (b"Connection", b"close"), (b"connection", b"X-HOP")), (), id="named by the second"
        ),
        pytest.param(((b"Connection", b","), (b"X", b"1")), ((b"X", b"1"),), id="an empty list names nothing"),
    ],
)
def test_what_goes_on(given_: Headers, kept: Headers) -> None:
    """Hop-by-hop headers, framing and the gate's own stay behind; all else goes on as it came."""
    assert end_to_end(given_) == kept


def test_host_and_others_on_demand() -> None:
    """Host goes on unless it is named, and so does any other header."""
    headers = ((b"Host", b"gate"), (b"Authorization", b"x"), (b"A", b"b"))
    assert end_to_end(headers) == headers
    assert end_to_end(headers, without=HOST) == headers[1:]
    assert end_to_end(headers, without=HOST | {b"authorization"}) == headers[2:]


@pytest.mark.parametrize("breaker", [b"\r", b"\n", b"\0", b"\r\nX: y"])
def test_line_breaks_are_refused(breaker: bytes) -> None:
    """A value that could be read as two lines is refused, and the error does not repeat it."""
    headers = ((b"X-Secret", b"hidden" + breaker),)
    with pytest.raises(Unsendable) as raised:
        end_to_end(headers)
    assert "hidden" not in str(raised.value)
    with pytest.raises(Unsendable) as raised:
        request_head("GET", "/", b"h", headers, b"")
    assert "hidden" not in str(raised.value)


@given(PAIRS)
def test_filtering_takes_away_and_nothing_else(headers: Headers) -> None:
    """What goes on is a part of what came, in its order, and filtering it again changes nothing."""
    kept = end_to_end(headers, without=HOST)
    rest = iter(headers)
    assert all(pair in rest for pair in kept)
    assert end_to_end(kept, without=HOST) == kept
    assert not {name.lower() for name, _ in kept} & (HOP_BY_HOP | HOST | {b"content-length", b"expect"})


@given(PLAIN)
def test_what_concerns_nobody_else_is_untouched(headers: Headers) -> None:
    """Headers that are neither hop-by-hop nor the gate's own all go on."""
    assert end_to_end(headers, without=HOST) == headers


def test_decoded() -> None:
    """Reading as text keeps repeated headers and finds any spelling; other bytes than UTF-8 survive the way back."""
    text = decoded(((b"X-A", b"1"), (b"x-a", "ü".encode()), (b"B", b"\xff")))
    assert text.getall("X-a") == ["1", "ü"]
    assert text["b"].encode("utf-8", "surrogateescape") == b"\xff"


def test_request_head_is_byte_exact() -> None:
    """Method, target and headers stand on the wire as they were given, between Host and the framing."""
    headers = ((b"x-A", b"1"), (b"X-a", b"\xff 2"))
    head = request_head("POST", "/b/%3A%41/%2f//../x?x=%21&y=ü", b"host:1", headers, b"Content-Length: 3\r\n")
    assert head == (
        b"POST /b/%3A%41/%2f//../x?x=%21&y=\xc3\xbc HTTP/1.1\r\n"
        b"Host: host:1\r\nx-A: 1\r\nX-a: \xff 2\r\nContent-Length: 3\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        pytest.param("CONNECT", "/", (), id="CONNECT"),
        pytest.param("connect", "/", (), id="CONNECT in lower case"),
        pytest.param("", "/", (), id="no method"),
        pytest.param("GET /x", "/", (), id="method with a target in it"),
        pytest.param("GET", "", (), id="no target"),
        pytest.param("GET", "*", (), id="asterisk form"),
        pytest.param("GET", "http://other/", (), id="absolute form"),
        pytest.param("GET", "/a b", (), id="space"),
        pytest.param("GET", "/a\r\nX: y", (), id="line break"),
        pytest.param("GET", "/a\tb", (), id="tab"),
        pytest.param("GET", "/a#b", (), id="fragment"),
        pytest.param("GET", "/a\x7f", (), id="delete character"),
        pytest.param("GET", "/", ((b"", b"x"),), id="no name"),
        pytest.param("GET", "/", ((b"X:", b"x"),), id="colon in the name"),
        pytest.param("GET", "/", ((b"X ", b"x"),), id="space in the name"),
        pytest.param("GET", "/", ((b"X,Y", b"x"),), id="comma in the name"),
        pytest.param("GET", "/", ((b"X\r\nY", b"x"),), id="line break in the name"),
        pytest.param("GET", "/", ((b"hOst", b"x"),), id="a second Host"),
        pytest.param("GET", "/", ((b"Content-length", b"1"),), id="a second length"),
        pytest.param("GET", "/", ((b"Transfer-Encoding", b"chunked"),), id="a second framing"),
        pytest.param("GET", "/", ((b"Expect", b"100-continue"),), id="Expect"),
    ],
)
def test_unsendable_heads(method: str, target: str, headers: Headers) -> None:
    """What cannot be written as one request, or would say twice what the gate says, is refused."""
    with pytest.raises(Unsendable):
        request_head(method, target, b"host", headers, b"")


class Reader:
    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.target = b""
        self.messages = 0

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_message_complete(self) -> None:
        self.messages += 1


TIDY = st.lists(
    st.tuples(NAMES.map(lambda name: b"X-" + name), st.from_regex(rb"([!-~\x80-\xff]{1,20})?", fullmatch=True))
)


@given(TIDY.map(tuple), st.from_regex(r"/[!\"$-~]{0,30}", fullmatch=True))
def test_a_strict_reader_finds_one_request(headers: Headers, target: str) -> None:
    """Whatever may be written is read by a strict parser as one request with the same target and headers."""
    reader = Reader()
    httptools.HttpRequestParser(reader).feed_data(request_head("GET", target, b"host", headers, b""))
    assert reader.messages == 1
    assert reader.target == target.encode()
    assert tuple(reader.headers) == ((b"Host", b"host"), *headers)
