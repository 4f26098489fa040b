"""Multipart forms as ordinary clients write them, and all that two readers could read differently."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from proxy.formats import multipart
from proxy.providers.base import Unreadable

REPEATABLE = frozenset({"to", "attachment"})
PLAIN = "multipart/form-data; boundary=XX"

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAMES = st.sampled_from(["to", "subject", "o:tag", "h:X-My-Header", "v:größe", "recipient-variables", "a b"])
FILENAMES = st.sampled_from(["a.pdf", "Größe; 2.pdf", 'say "hi".txt', "50%.txt", "zwei\nzeilen"])


def headers(*content_types: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict([("Content-Type", value) for value in content_types]))


def read(body: bytes, content_type: str = PLAIN) -> list[tuple[str, str | None, bytes]]:
    """Give name, filename and content of each part."""
    found = multipart.parts(headers(content_type), body, REPEATABLE)
    return [(part.name, part.filename, body[part.start : part.end]) for part in found]


def field(content: str = "a@example.com", name: str = "to", more: str = "") -> str:
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n{more}\r\n{content}\r\n'


def form(*fields: str) -> bytes:
    return ("".join(fields) + "--XX--\r\n").encode()


def part(*lines: str, content: str = "x") -> bytes:
    """Write a form of one part with these headers."""
    return form("\r\n".join(["--XX", *lines, "", content, ""]))


def disposition(parameters: str) -> bytes:
    return part(f"Content-Disposition: form-data{parameters}")


# ── what clients write ──

REQUESTS = (
    b'--0f3\r\nContent-Disposition: form-data; name="to"\r\n\r\na@example.com\r\n'
    b'--0f3\r\nContent-Disposition: form-data; name="to"\r\n\r\nb@example.com\r\n'
    b'--0f3\r\nContent-Disposition: form-data; name="attachment"; filename="a%22b.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n%PDF\r\n\0\xff\r\n\r\n"
    b"--0f3--\r\n"
)
AIOHTTP = (
    b"--5d1\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b'Content-Disposition: form-data; name="to"\r\n\r\na@example.com\r\n'
    b"--5d1\r\nContent-Type: application/octet-stream\r\n"
    b'Content-Disposition: form-data; name="attachment"; filename="gr%C3%B6%C3%9Fe.bin"\r\n\r\nx\r\n'
    b"--5d1--\r\n"
)
NODE = (
    b"----------------------------042\r\n"
    b'Content-Disposition: form-data; name="to"\r\n\r\na@example.com\r\n'
    b"----------------------------042\r\n"
    b'Content-Disposition: form-data; name="attachment"; filename="gr\xc3\xb6\xc3\x9fe.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nx\r\n"
    b"----------------------------042--\r\n"
)
BROWSER = (
    b'------WebKitFormBoundaryAbC\r\nContent-Disposition: form-data; name="to"\r\n\r\na@example.com\r\n'
    b"------WebKitFormBoundaryAbC--\r\n"
)
OKHTTP = (
    b'--9a-8b\r\nContent-Disposition: form-data; name="to"\r\nContent-Length: 13\r\n\r\na@example.com\r\n--9a-8b--\r\n'
)
DOTNET = (
    b"--9a-8b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=to\r\n\r\n"
    b"a@example.com\r\n--9a-8b\r\nContent-Disposition: form-data; name=attachment; filename=a.pdf; "
    b"filename*=utf-8''a.pdf\r\n\r\nx\r\n--9a-8b--\r\n"
)
CURL = (
    b"--------------------------af\r\n"
    b'Content-Disposition: form-data; name="attachment"; filename="a\\"b.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
    b"x\r\n--------------------------af--\r\n"
)
APACHE = (
    b'--Ab_c-1\r\nContent-Disposition: form-data; name="to"\r\nContent-Type: text/plain; charset="UTF-8"\r\n'
    b"Content-Transfer-Encoding: 8bit\r\n\r\na@example.com\r\n--Ab_c-1--\r\n"
)
TO = ("to", None, b"a@example.com")


@pytest.mark.parametrize(
    ("boundary", "body", "found"),
    [
        pytest.param(
            "0f3",
            REQUESTS,
            [TO, ("to", None, b"b@example.com"), ("attachment", "a%22b.pdf", b"%PDF\r\n\0\xff\r\n")],
            id="requests, httpx",
        ),
        pytest.param("5d1", AIOHTTP, [TO, ("attachment", "gr%C3%B6%C3%9Fe.bin", b"x")], id="aiohttp"),
        pytest.param(
            "--------------------------042", NODE, [TO, ("attachment", "größe.txt", b"x")], id="form-data for Node"
        ),
        pytest.param("----WebKitFormBoundaryAbC", BROWSER, [TO], id="a browser"),
        pytest.param("9a-8b", OKHTTP, [TO], id="OkHttp"),
        pytest.param('"9a-8b"', DOTNET, [TO, ("attachment", "a.pdf", b"x")], id=".NET"),
        pytest.param("------------------------af", CURL, [("attachment", 'a\\"b.pdf', b"x")], id="curl"),
        pytest.param("Ab_c-1; charset=UTF-8", APACHE, [TO], id="Apache HttpClient"),
    ],
)
def test_what_clients_write_is_read(boundary: str, body: bytes, found: list[tuple[str, str | None, bytes]]) -> None:
    """The forms of ordinary clients are read whole, and rewriting nothing changes nothing."""
    content_type = f"multipart/form-data; boundary={boundary}"
    assert read(body, content_type) == found
    parts = multipart.parts(headers(content_type), body, REPEATABLE)
    assert multipart.rewritten(body, parts, {}) == body
    for index, (_, _, content) in enumerate(found):
        assert multipart.rewritten(body, parts, {index: content}) == body


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(form(), [], id="no parts"),
        pytest.param(form(field("")), [("to", None, b"")], id="nothing in it"),
        pytest.param(b"\r\n" + form(field()), [TO], id="a blank line before it"),
        pytest.param(form(field()) + b"\r\n  \r\n", [TO], id="blank lines behind it"),
        pytest.param(form(field())[:-2], [TO], id="no line break at the end"),
        pytest.param(form(field("a\r\n\r\nb\n--X\r\n--")), [("to", None, b"a\r\n\r\nb\n--X\r\n--")], id="much like it"),
        pytest.param(form(field("utf-8", "_charset_")), [("_charset_", None, b"utf-8")], id="a default charset"),
        pytest.param(disposition('; name="o:tag"'), [("o:tag", None, b"x")], id="a colon in a name"),
        pytest.param(disposition('; name="f"; filename="a;b.pdf"'), [("f", "a;b.pdf", b"x")], id="a semicolon"),
        pytest.param(disposition(';name="f";FileName="a"'), [("f", "a", b"x")], id="no blanks, another case"),
        pytest.param(
            part('CONTENT-DISPOSITION:Form-Data; Name="to" ', content="a@example.com"), [TO], id="all in another case"
        ),
        pytest.param(
            part('Content-Disposition: form-data; name="f"; filename="a"', "Content-Type: text/csv; charset=latin1"),
            [("f", "a", b"x")],
            id="a file in another charset",
        ),
    ],
)
def test_unusual_forms_with_one_reading_are_read(body: bytes, found: list[tuple[str, str | None, bytes]]) -> None:
    """What no reader disputes is read, however unusual."""
    assert read(body) == found


# ── what is refused ──


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("multipart/form-data", id="no boundary"),
        pytest.param("multipart/form-data; boundary=", id="an empty boundary"),
        pytest.param('multipart/form-data; boundary=""', id="an empty quoted boundary"),
        pytest.param("multipart/form-data; boundary=XX; boundary=XX", id="the boundary twice"),
        pytest.param("multipart/form-data; boundary=XX; Boundary=YY", id="the boundary twice in another case"),
        pytest.param("multipart/form-data; boundary*=XX", id="an extended boundary"),
        pytest.param("multipart/form-data; boundary=XX; charset=latin1", id="another charset"),
        pytest.param("multipart/form-data; boundary=XX; x=y", id="a parameter that nobody knows"),
        pytest.param("multipart/form-data, text/plain; boundary=XX", id="two types"),
        pytest.param("multipart/mixed; boundary=XX", id="another multipart"),
        pytest.param("multipart/form-data; boundary=X X", id="a blank"),
        pytest.param('multipart/form-data; boundary="XX', id="an open quote"),
        pytest.param('multipart/form-data; boundary="X\\X"', id="a backslash"),
        pytest.param('multipart/form-data; boundary="XX "', id="a blank at its end"),
        pytest.param(f"multipart/form-data; boundary={'X' * 71}", id="a boundary that is too long"),
        pytest.param("multipart/form-data boundary=XX", id="no semicolon"),
        pytest.param("application/x-www-form-urlencoded", id="another form"),
        pytest.param("", id="nothing"),
    ],
)
def test_an_unfitting_content_type_is_refused(content_type: str) -> None:
    """Any declaration but a form with one plain boundary is refused."""
    with pytest.raises(Unreadable):
        read(form(field()), content_type)


@pytest.mark.parametrize("declared", [(), (PLAIN, PLAIN)])
def test_one_content_type_is_needed(declared: tuple[str, ...]) -> None:
    """Without a Content-Type, or with two, nothing is read."""
    with pytest.raises(Unreadable):
        multipart.parts(headers(*declared), form(field()), REPEATABLE)


FRAMING = {
    "nothing": b"",
    "no boundary": b"to=a@example.com",
    "a preamble": b"Hello\r\n" + form(field()),
    "blanks before the boundary": b"  " + form(field()),
    "a bare line break before it": b"\n" + form(field()),
    "an epilogue": form(field()) + b"x",
    "one more part behind the end": form(field()) + form(field()),
    "no end": form(field())[:-6],
    "half an end": form(field())[:-3],
    "bare line breaks": form(field()).replace(b"\r\n", b"\n"),
    "a boundary behind a bare line break": form(field("x\n--XX\nb")),
    "a boundary behind a bare carriage return": form(field("x\r--XX")),
    "a boundary in the middle of a line": form(field("say --XX")),
    "a longer boundary": form(field("x\r\n--XXY\r\ny")),
    "a boundary with blanks behind": form(field("x\r\n--XX \r\ny")),
    "blanks behind the first boundary": form(field()).replace(b"--XX\r\n", b"--XX \r\n"),
    "a boundary with a bare line break behind": form(field("x\r\n--XX\ny")),
    "an end in the middle": form(field("x\r\n--XX--\r\ny")),
    "a boundary in another case at the end": form(field()).replace(b"--XX--", b"--xx--"),
    "a boundary in a header": disposition('; name="--XX"'),
    "no line between headers and end": b'--XX\r\nContent-Disposition: form-data; name="to"\r\n--XX--\r\n',
    "no line break of its own": b'--XX\r\nContent-Disposition: form-data; name="to"\r\n\r\n--XX--\r\n',
    "no content at all": b"--XX\r\n--XX--\r\n",
    "too many parts": form(*[field()] * 10_001),
}
HEADERS = {
    "no headers": part(),
    "no disposition": part("Content-Type: text/plain"),
    "two dispositions": part(*['Content-Disposition: form-data; name="to"'] * 2),
    "two types": part('Content-Disposition: form-data; name="to"', *["Content-Type: text/plain"] * 2),
    "two types in another case": part(
        'Content-Disposition: form-data; name="to"', "Content-Type: text/plain", "CONTENT-TYPE: text/plain"
    ),
    "another disposition": part('Content-Disposition: attachment; name="to"'),
    "a folded header": part("Content-Disposition: form-data;", ' name="to"'),
    "a blank before the colon": part('Content-Disposition : form-data; name="to"'),
    "a blank before the header": part(' Content-Disposition: form-data; name="to"'),
    "a header without a colon": part('Content-Disposition: form-data; name="to"', "x"),
    "a NUL": part('Content-Disposition: form-data; name="t\0o"'),
    "a bare line break": part('Content-Disposition: form-data; name="a"\nContent-Disposition: form-data; name="to"'),
    "a header that nobody knows": part('Content-Disposition: form-data; name="to"', "X-Name: cc"),
    "base64": part('Content-Disposition: form-data; name="to"', "Content-Transfer-Encoding: base64"),
    "quoted-printable": part(
        'Content-Disposition: form-data; name="to"', "Content-Transfer-Encoding: Quoted-Printable"
    ),
    "another length": part('Content-Disposition: form-data; name="to"', "Content-Length: 2"),
    "another charset": part('Content-Disposition: form-data; name="to"', "Content-Type: text/plain; charset=utf-7"),
    "two charsets": part(
        'Content-Disposition: form-data; name="to"', "Content-Type: text/plain; charset=utf-8; charset=utf-7"
    ),
    "no type": part('Content-Disposition: form-data; name="to"', "Content-Type: text"),
    "parts within": part('Content-Disposition: form-data; name="to"', "Content-Type: multipart/mixed; boundary=YY"),
    "a file for some": part('Content-Disposition: form-data; name="to"', "Content-Type: application/octet-stream"),
    "Latin-1": part('Content-Disposition: form-data; name="t?"').replace(b"?", b"\xe4"),
    "endless headers": part('Content-Disposition: form-data; name="to"', f"Content-Type: {'x' * 9000}/x"),
}
DISPOSITIONS = {
    "no name": disposition(""),
    "an empty name": disposition('; name=""'),
    "two names": disposition('; name="a"; name="to"'),
    "two names in another case": disposition('; name="a"; NAME="to"'),
    "an extended name": disposition("; name*=utf-8''to"),
    "both kinds of name": disposition("; name=\"a\"; name*=utf-8''to"),
    "the filename first": disposition('; filename="to"; name="a"'),
    "two filenames": disposition('; name="a"; filename="x"; filename="y"'),
    "a filename for some": disposition("; name=\"to\"; filename*=utf-8''x"),
    "an empty filename": disposition('; name="to"; filename=""'),
    "another charset of a filename": disposition('; name="a"; filename="x"; filename*=latin1\'\'x'),
    "a percent sign in a name": disposition('; name="%74o"'),
    "an escaped quote in a name": disposition('; name="a\\"to"'),
    "a backslash in a name": disposition('; name="t\\o"'),
    "a semicolon in a name": disposition('; name="a; name=to"'),
    "an open quote": disposition('; name="to'),
    "text behind a quote": disposition('; name="to"x'),
    "single quotes": disposition("; name='to'"),
    "a colon without quotes": disposition("; name=o:tag"),
    "a parameter that nobody knows": disposition('; name="to"; x=y'),
    "a semicolon at the end": disposition('; name="to";'),
    "a blank around the equals sign": disposition('; name = "to"'),
    "a backslash at the end of a filename": disposition('; name="a"; filename="x\\"'),
    "a backslash that hides a name": disposition('; name="a"; filename="x\\"; name="to"'),
    "a filename that holds a name": disposition('; name="a"; filename="x; name=to"'),
    "a path with backslashes": disposition('; name="a"; filename="C:\\x"'),
}
NAMES_AND_CHARSETS = {
    "a name twice": form(field(name="cc"), field(name="cc")),
    "case twins": form(field(), field(name="To")),
    "a list and a value": form(field(), field(name="to[]")),
    "twins by a blank": form(field(), field(name=" to")),
    "another default charset": form(field("utf-7", "_charset_"), field()),
    "another default charset in another case": form(field("latin1", "_CHARSET_"), field()),
}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(body, id=name)
        for table in (FRAMING, HEADERS, DISPOSITIONS, NAMES_AND_CHARSETS)
        for name, body in table.items()
    ],
)
def test_a_form_with_more_than_one_reading_is_refused(body: bytes) -> None:
    """A form that any two readers could read differently is refused, in words that hold nothing of it."""
    with pytest.raises(Unreadable) as refused:
        read(body)
    assert "example" not in refused.value.detail


@pytest.mark.parametrize("content", [b"\xe4", b"a\0b", b"\xed\xa0\x80"])
def test_text_is_utf_8_without_a_nul(content: bytes) -> None:
    """A field that is no text has none; a file may hold anything."""
    body = form(field("?")).replace(b"?", content)
    with pytest.raises(Unreadable):
        multipart.text(body, multipart.parts(headers(PLAIN), body)[0])


# ── agreement with others ──

FIELDS = st.lists(
    st.one_of(
        st.tuples(NAMES, TEXTS.map(str.encode), st.none()), st.tuples(st.just("attachment"), st.binary(), FILENAMES)
    ),
    max_size=5,
    unique_by=lambda pair: pair[0],
)


def encoded(fields: list[tuple[str, bytes, str | None]]) -> tuple[bytes, str]:
    """Write a form as requests does."""
    written = []
    for name, content, filename in fields:
        one = RequestField(name, content, filename)
        one.make_multipart(content_type="application/octet-stream" if filename else None)
        written.append(one)
    return encode_multipart_formdata(written)


@given(FIELDS)
def test_what_requests_writes_is_read_back(fields: list[tuple[str, bytes, str | None]]) -> None:
    """Names, files and contents come back exactly as they went into the encoder of requests."""
    body, content_type = encoded(fields)
    found = multipart.parts(headers(content_type), body)
    read_back = [(part.name, body[part.start : part.end]) for part in found]
    assert read_back == [(name, content) for name, content, _ in fields]
    assert [part.filename is None for part in found] == [filename is None for _, _, filename in fields]


@given(FIELDS, st.data())
def test_rewriting_leaves_all_other_bytes(fields: list[tuple[str, bytes, str | None]], data: st.DataObject) -> None:
    """Dropped and replaced parts leave a form that requests would have written without them, byte for byte."""
    body, content_type = encoded(fields)
    boundary = content_type.rpartition("=")[2]
    indexes = st.integers(0, len(fields) - 1) if fields else st.nothing()
    changes = data.draw(st.dictionaries(indexes, st.none() | st.binary(max_size=9)))
    found = multipart.parts(headers(content_type), body)
    assert multipart.rewritten(body, found, dict.fromkeys(())) == body
    wanted = [
        (name, content if (new := changes.get(index, content)) is None else new, filename)
        for index, (name, content, filename) in enumerate(fields)
        if changes.get(index, b"") is not None
    ]
    expected, other = encoded(wanted)
    expected = expected.replace(other.rpartition("=")[2].encode(), boundary.encode())
    assert multipart.rewritten(body, found, changes) == expected


def parsed(body: bytes, content_type: str) -> list[Message]:
    """Read a form as the standard library's parser of mail does."""
    head = f"MIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    payload = message.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


HEADER_PIECES = (b'Content-Disposition: form-data; name="', b'to"', b'a"', b'; filename="x"', b"; name=", b'"')
PIECES = st.sampled_from(
    [b"--XX", b"--XX--", b"--", b"\r\n", b"\r\n\r\n", b"\n", b" ", b"x", b"Content-Type: text/plain", *HEADER_PIECES]
)


@given(
    st.lists(PIECES, max_size=14).map(b"".join)
    | st.lists(PIECES, max_size=4).map(lambda a: form(field(b"".join(a).decode())))
)
def test_an_accepted_form_is_what_another_parser_reads(body: bytes) -> None:
    """The standard library's parser of mail finds the same parts in every form that is let through."""
    try:
        found = read(body)
    except Unreadable:
        return
    others = parsed(body, PLAIN)
    assert [(name, content) for name, _, content in found] == [
        (one.get_param("name", header="content-disposition"), one.get_payload(decode=True)) for one in others
    ]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(noise: bytes) -> None:
    """Whatever the bytes, in whichever spot of a form, nothing but Unreadable is raised."""
    whole = form(field("?"))
    for body in (noise, whole.replace(b"?", noise), whole.replace(b'"to"', noise), whole[:20] + noise + whole[20:]):
        try:
            read(body)
        except Unreadable:
            continue


# ── writing ──


def test_a_length_follows_its_content() -> None:
    """Where a part declares its length, new content brings its own, and the parts beside it stay as they are."""
    body = OKHTTP.replace(b"--9a-8b--", OKHTTP.replace(b'"to"', b'"cc"').rpartition(b"--9a-8b--")[0] + b"--9a-8b--")
    content_type = "multipart/form-data; boundary=9a-8b"
    found = multipart.parts(headers(content_type), body)
    new = multipart.rewritten(body, found, {0: b"b@example.net, c@example.net"})
    assert read(new, content_type) == [("to", None, b"b@example.net, c@example.net"), ("cc", None, b"a@example.com")]
    assert re.findall(rb"Content-Length: (\d+)", new) == [b"28", b"13"]


@pytest.mark.parametrize("content", [b"--XX", b"x\r\n--XX--\r\n"])
def test_new_content_must_not_hold_the_boundary(content: bytes) -> None:
    """Content that would end its own part is not written."""
    body = form(field())
    with pytest.raises(Unreadable):
        multipart.rewritten(body, multipart.parts(headers(PLAIN), body), {0: content})


@pytest.mark.parametrize("index", [-1, 1])
def test_a_part_that_is_not_there_is_an_error(index: int) -> None:
    """Nobody is left in a form by mistake: an index without a part is told."""
    body = form(field())
    with pytest.raises(LookupError):
        multipart.rewritten(body, multipart.parts(headers(PLAIN), body), {index: None})
