from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.headers import Headers
from proxy.parsing import MAX_HEAD, ResponseParser

OK = b"HTTP/1.1 200 OK\r\n"


def read(*pieces: bytes, head_only: bool = False, closed: bool = False) -> tuple[ResponseParser, bytes]:
    parser = ResponseParser()
    parser.expect(head_only=head_only)
    body = b""
    for piece in pieces:
        parser.feed(piece)
        body += b"".join(parser.chunks)
        parser.chunks.clear()
        if parser.fault or parser.ended:
            break
    if closed:
        parser.close()
    return parser, body


@pytest.mark.parametrize(
    ("raw", "body", "reusable"),
    [
        pytest.param(OK + b"Content-Length: 2\r\n\r\nok", b"ok", True, id="length"),
        pytest.param(OK + b"Content-Length: 0\r\n\r\n", b"", True, id="length 0"),
        pytest.param(OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok", True, id="chunked"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n",
            b"ok",
            True,
            id="chunk extension, trailer",
        ),
        pytest.param(b"HTTP/1.1 204 \r\n\r\n", b"", True, id="204"),
        pytest.param(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b"", True, id="204 with a length"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", True, id="304"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok", True, id="100"),
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 2 + OK + b"Content-Length: 2\r\n\r\nok",
            b"ok",
            True,
            id="103 twice",
        ),
        pytest.param(OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", b"ok", False, id="close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", False, id="1.0"),
        pytest.param(
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
            b"ok",
            True,
            id="1.0 kept alive",
        ),
        pytest.param(b"HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", b"", True, id="599"),
    ],
)
def test_whole_responses(raw: bytes, body: bytes, *, reusable: bool) -> None:
    """A response ends where its framing says, and the connection may be used again if both sides keep it."""
    parser, got = read(raw)
    assert (parser.ended, parser.fault, got, parser.reusable) == (True, "", body, reusable)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"hello\r\n", id="not HTTP"),
        pytest.param(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="version 2.0"),
        pytest.param(b"HTTP/0.9 202 Accepted\r\nContent-Length: 0\r\n\r\n", id="version 0.9"),
        pytest.param(b"HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n", id="status of two digits"),
        pytest.param(b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", id="status below 100"),
        pytest.param(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", id="101"),
        pytest.param(b"HTTP/1.1 101 Switching\r\n\r\n", id="101 without Upgrade"),
        pytest.param(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", id="both framings"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", id="both framings, reversed"),
        pytest.param(OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n", id="two lengths"),
        pytest.param(OK + b"Content-Length: 2, 2\r\n\r\n", id="list of lengths"),
        pytest.param(OK + b"Content-Length: +2\r\n\r\n", id="signed length"),
        pytest.param(OK + b"Content-Length: \r\n\r\n", id="empty length"),
        pytest.param(OK + b"Content-Length: 99999999999999999999999\r\n\r\n", id="huge length"),
        pytest.param(OK + b"Transfer-Encoding: gzip\r\n\r\n", id="a coding nobody asked for"),
        pytest.param(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", id="gzip and chunked"),
        pytest.param(OK + b"Transfer-Encoding: chunked, identity\r\n\r\n", id="chunked not last"),
        pytest.param(OK + b"Transfer-Encoding: xchunked\r\n\r\n", id="almost chunked"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n", id="chunked twice"),
        pytest.param(OK + b"X: a\r\n folded\r\n\r\n", id="folded line"),
        pytest.param(OK + b"X : a\r\n\r\n", id="space before the colon"),
        pytest.param(OK + b"X: \0\r\n\r\n", id="NUL"),
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", id="bare line feeds"),
        pytest.param(OK + b"X: " + b"a" * MAX_HEAD + b"\r\n\r\n", id="a head beyond the limit"),
        pytest.param(OK + b"X: y\r\n" * (MAX_HEAD // 6 + 1) + b"\r\n", id="too many headers"),
    ],
)
def test_unreadable_heads(raw: bytes) -> None:
    """What is no response, or could be read in two ways, is a fault and no response."""
    parser, body = read(raw)
    assert parser.fault
    assert (parser.status, parser.ended, parser.reusable, body) == (0, False, False, b"")


@pytest.mark.parametrize("chunk", [b"zz\r\n", b" 2\r\nok\r\n", b"fffffffffffffffff\r\n", b"2\r\nokay\r\n"])
def test_unreadable_bodies(chunk: bytes) -> None:
    """A body whose chunks cannot be read is a fault behind a readable head."""
    parser, _ = read(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
    assert (parser.status, bool(parser.fault), parser.ended, parser.reusable) == (200, True, False, False)


def test_why_a_switch_of_protocols_is_refused() -> None:
    """A fault says what is wrong in the reader's own words, without a word of the provider's."""
    parser, _ = read(b"HTTP/1.1 101 hush\r\nConnection: upgrade\r\nUpgrade: hush\r\n\r\n")
    assert parser.fault == "the response cannot be read: a status that cannot be forwarded"


def test_head_as_it_came() -> None:
    """Headers keep order, spelling, repetition and high bytes; the phrase survives decoding."""
    parser, _ = read(OK[:-4] + b"\xff\r\nx-A: 1\r\nX-a:  2 \t\r\nSet-Cookie: a=\xe4\r\nSet-Cookie:\r\n\r\n")
    assert parser.headers == ((b"x-A", b"1"), (b"X-a", b"2"), (b"Set-Cookie", b"a=\xe4"), (b"Set-Cookie", b""))
    assert parser.reason.encode("utf-8", "surrogateescape") == b"\xff"


def test_interim_headers_do_not_mix_in() -> None:
    """Nothing of an interim response shows in the final one."""
    parser, _ = read(
        b"HTTP/1.1 103 Early\r\nLink: x\r\nKeep-Alive: timeout=3\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n"
    )
    assert (parser.status, parser.reason, parser.headers) == (200, "OK", ((b"Content-Length", b"0"),))


def test_trailers_are_dropped() -> None:
    """A trailer does not become a header after the fact."""
    parser, _ = read(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Late: 1\r\n\r\n")
    assert parser.headers == ((b"Transfer-Encoding", b"chunked"),)


@pytest.mark.parametrize(
    "rest", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"H", b"garbage"], ids=["response", "letter", "garbage"]
)
@pytest.mark.parametrize(
    "whole",
    [OK + b"Content-Length: 2\r\n\r\nok", OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok"],
    ids=["kept", "closing"],
)
def test_more_than_one_response(whole: bytes, rest: bytes) -> None:
    """What stands behind a response's end does not change it, but the connection is not used again."""
    parser, body = read(whole + rest)
    assert (parser.ended, parser.status, body, parser.reusable) == (True, 200, b"ok", False)


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n", b""], ids=["length", "chunked", "neither"]
)
def test_head_request(framing: bytes) -> None:
    """The response to HEAD ends with its head, and the connection with the response: more could only be guessed."""
    parser, body = read(OK + framing + b"\r\n", head_only=True)
    assert (parser.ended, parser.fault, parser.status, body, parser.reusable) == (True, "", 200, b"", False)


def test_interim_response_to_head() -> None:
    """An interim response does not end a HEAD."""
    parser, _ = read(b"HTTP/1.1 103 Early\r\n\r\n", head_only=True)
    assert (parser.ended, parser.status) == (False, 0)


@pytest.mark.parametrize(
    ("raw", "ended", "fault"),
    [
        pytest.param(OK + b"\r\nab", True, False, id="neither length nor chunks"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n", True, False, id="empty"),
        pytest.param(OK + b"Content-Length: 3\r\n\r\nab", False, True, id="length cut short"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", False, True, id="chunks cut short"),
        pytest.param(OK + b"X: y\r\n", False, True, id="head cut short"),
        pytest.param(b"", False, True, id="nothing"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", False, True, id="interim only"),
        pytest.param(b"HTTP/1.1 103 Early\r\n\r\nHTTP", False, True, id="interim and a beginning"),
    ],
)
def test_the_end_of_the_connection(raw: bytes, *, ended: bool, fault: bool) -> None:
    """The end of the connection is the end of a body without framing, and a fault anywhere else."""
    parser, _ = read(raw, closed=True)
    assert (parser.ended, bool(parser.fault), parser.reusable) == (ended, fault, False)


def test_a_fault_outlives_the_end_of_the_connection() -> None:
    """The end of the connection does not make a whole response of one that could not be read."""
    parser, _ = read(OK + b"Transfer-Encoding: gzip\r\n\r\nab", closed=True)
    assert parser.fault.endswith("a transfer coding other than chunked")
    assert not parser.ended


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(OK + b"X: ", id="header value"),
        pytest.param(OK, id="header name"),
        pytest.param(b"HTTP/1.1 200 ", id="phrase"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", id="trailer"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n2;", id="chunk extension"),
    ],
)
def test_what_is_not_body_is_bounded(start: bytes) -> None:
    """A provider cannot make the gate take in more than 64 KiB without a byte of body."""
    parser, _ = read(start, *[b"a" * 1024] * 66)
    assert parser.fault
    assert not parser.ended


def test_interim_responses_are_bounded() -> None:
    """Interim responses without end are a fault."""
    parser, _ = read(*[b"HTTP/1.1 102 Processing\r\n\r\n"] * (MAX_HEAD // 26 + 2))
    assert parser.fault


def test_a_head_at_the_limit() -> None:
    """A head of 64 KiB is still taken, and what follows it has room of its own."""
    fields = b"X: y\r\n" * ((MAX_HEAD - 26) // 6)
    parser, body = read(OK + fields + b"Content-Length: 2\r\n\r\n", b"ok")
    assert (parser.fault, parser.status, body, parser.reusable) == ("", 200, b"ok", True)


def test_large_bodies_are_not_bounded() -> None:
    """The bound is for what is not body: each piece of body makes room again."""
    parser, body = read(OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"400\r\n" + b"a" * 1024 + b"\r\n"] * 100)
    assert (parser.fault, len(body)) == ("", 102400)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"timeout=5", 5),
        (b"max=100, Timeout = 7", 7),
        (b'timeout="9"', 9),
        (b"max=100", None),
        (b"timeout=soon", None),
    ],
)
def test_keep_alive(value: bytes, seconds: float | None) -> None:
    """The time that a provider means to keep a connection is read where it is said."""
    parser, _ = read(OK + b"Keep-Alive: " + value + b"\r\nContent-Length: 0\r\n\r\n")
    assert parser.keep_alive == seconds


def test_one_after_the_other() -> None:
    """A parser reads the next response as if there had been none before."""
    parser, _ = read(OK + b"Keep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok")
    parser.chunks.clear()
    parser.expect(head_only=False)
    assert (parser.status, parser.ended, parser.headers, parser.keep_alive) == (0, False, (), None)
    parser.feed(b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
    assert (parser.status, parser.reason, parser.chunks) == (404, "Not Found", [b"x"])
    assert parser.reusable


BODIES = st.lists(st.binary(min_size=1, max_size=40), max_size=4)
FIELDS = st.lists(
    st.tuples(
        st.sampled_from([b"X-A", b"x-a", b"Set-Cookie"]), st.from_regex(rb"([!-~\x80-\xff]{1,9})?", fullmatch=True)
    ),
    max_size=4,
).map(tuple)


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nX-Late: 1\r\n\r\n"


@given(FIELDS, BODIES, st.sampled_from(["length", "chunked", "close"]), st.lists(st.integers(0, 400)))
@example((), [b"a"], "chunked", list(range(400)))
def test_reading_does_not_depend_on_packets(fields: Headers, pieces: list[bytes], how: str, cuts: list[int]) -> None:
    """However a response is cut into packets, head, body and fate of the connection are the same."""
    body = b"".join(pieces)
    framing, raw_body = {
        "length": (((b"Content-Length", b"%d" % len(body)),), body),
        "chunked": (((b"Transfer-Encoding", b"chunked"),), chunked(pieces)),
        "close": ((), body),
    }[how]
    lines = b"".join(b"%b: %b\r\n" % field for field in fields + framing)
    raw = b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 202 Accepted\r\n" + lines + b"\r\n" + raw_body
    edges = [0, *sorted({cut for cut in cuts if cut < len(raw)}), len(raw)]
    packets = [raw[start:end] for start, end in pairwise(edges) if end > start]
    parser, got = read(*packets, closed=how == "close")
    assert (parser.status, parser.reason, parser.headers) == (202, "Accepted", fields + framing)
    assert (got, parser.ended, parser.fault, parser.reusable) == (body, True, "", how != "close")


@given(st.binary(max_size=200), st.integers(0, 200))
def test_garbage_never_raises(raw: bytes, cut: int) -> None:
    """Whatever comes, reading ends in a response, a fault or a wait for more, never in an exception."""
    parser, _ = read(OK[:cut] + raw[:cut], raw[cut:], closed=True)
    assert parser.ended or parser.fault
