"""What no provider's file may read: each send of each table (conftest.py), garbled in all ways that parsers dispute."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote_plus, unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from proxy import strict
from proxy.formats import multipart
from proxy.providers import base
from proxy.providers.base import Refusal, Unreadable

if TYPE_CHECKING:
    from tests.providers.conftest import Sample

TYPES = {"json": strict.JSON, "form": strict.FORM, "multipart": multipart.MULTIPART}
FEW = 30  # examples, for each of hundreds of samples


def garbled_json(body: bytes, _repeatable: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Spoil JSON in ways that no reader may overlook."""
    yield from spoiled(body)
    yield "not UTF-8 in a string", body.replace(b'"', b'"\xff', 1)
    yield "trailing data", body + b"{}"
    yield "NaN", body.rstrip()[:-1] + b',"x":NaN}'
    yield "a lone surrogate", body.rstrip()[:-1] + b',"x":"\\ud800"}'
    yield "too deep", body.rstrip()[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield from ((f"cut at {end}", body[:end]) for end in range(0, len(body.rstrip()), 7))
    for match in re.finditer(rb'([{,]\s*)("(?:[^"\\]|\\.)*")(?=\s*:)', body):
        name = json.loads(match[2])
        for twin in {name, name.swapcase(), f"{name} "}:
            written = match[1] + json.dumps(twin).encode() + b":null,"
            yield f"the twin {twin!r}", body[: match.start()] + written + body[match.start() + len(match[1]) :]


def garbled_form(body: bytes, repeatable: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Spoil a form in ways that no reader may overlook."""
    yield from spoiled(body)
    for tail in (b"&", b"&x", b"&=1", b"&x=%", b"&x=%zz", b"&x=%ff", b"&x=%00", b"\r\n"):
        yield f"ending in {tail!r}", body + tail
    for name, _ in parse_qsl(body.decode()):
        for twin in {name, name.swapcase(), f"{name} ", f"{name}[]"} - repeatable:
            yield f"the twin {twin!r}", body + f"&{quote_plus(twin)}=1".encode()


def garbled_multipart(body: bytes, repeatable: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Spoil a form in parts in ways that no reader may overlook."""
    delimiter, end = body[: body.index(b"\r\n")], body.rindex(b"--")
    yield "BOM", b"\xef\xbb\xbf" + body
    yield "a preamble", b"to=ann@x.io\r\n" + body
    yield "an epilogue", body + b"Bcc: ann@x.io\r\n"
    yield "one more part behind the end", body + part_like(delimiter, "x") + delimiter + b"--\r\n"
    yield "a part that does not end", body[:end] + b"\r\n" + body[end:]
    yield "another boundary", body.replace(delimiter, delimiter + b"x")
    yield "a boundary in another case", body[:end].replace(delimiter, delimiter.swapcase()) + body[end:]
    yield "line feeds alone", body.replace(b"\r\n", b"\n")
    yield "a blank behind a boundary", body.replace(delimiter + b"\r\n", delimiter + b" \r\n", 1)
    yield "a boundary behind a bare line feed", body.replace(b"\r\n\r\n", b"\r\n\r\n\n" + delimiter + b"\r\n", 1)
    yield "a boundary amid a line", body.replace(b"\r\n\r\n", b"\r\n\r\nx" + delimiter, 1)
    yield from ((f"cut at {at}", body[:at]) for at in range(0, len(body.rstrip()), 7))
    yield from ((how, body.replace(b"\r\n", b"\r\n" + more, 1)) for how, more in PART_HEADERS.items())
    yield from ((how, body.replace(b"form-data; name=", head, 1)) for how, head in DISPOSITIONS.items())
    for name in re.findall(rb'; name="([^"]*)"', body):
        for twin in {name, name.swapcase(), name + b" ", name + b"[]", name + b"[0]"} - {*map(str.encode, repeatable)}:
            yield f"the twin {twin!r}", part_like(delimiter, twin.decode()) + body


def part_like(delimiter: bytes, name: str) -> bytes:
    return delimiter + f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n1\r\n'.encode()


# What some readers see in the headers of a part and others do not.
PART_HEADERS = {
    "a second disposition": b'Content-Disposition: form-data; name="x"\r\n',
    "a part in base64": b"Content-Transfer-Encoding: base64\r\n",
    "a part in another charset": b"Content-Type: text/plain; charset=utf-16\r\n",
    "parts within a part": b"Content-Type: multipart/mixed; boundary=y\r\n",
    "a folded header": b" x: y\r\n",
    "a header nobody knows": b"X-Name: to\r\n",
    "no header at all": b"\r\n",
    "bytes that are not UTF-8": b"X: \xff\r\n",
}
DISPOSITIONS = {
    "an attachment": b"attachment; name=",
    "two names": b"form-data; name=x; name=",
    "a name of the other kind": b"form-data; name*=utf-8''x; name=",
    "a file for some": b"form-data; filename*=utf-8''x; name=",
    "an empty filename": b'form-data; filename=""; name=',
}


def spoiled(body: bytes) -> Iterator[tuple[str, bytes]]:
    yield "BOM", b"\xef\xbb\xbf" + body
    yield "UTF-16", body.decode().encode("utf-16")
    yield "not UTF-8", body[:-1] + b"\xff" + body[-1:]
    yield "a NUL behind it", body + b"\0"


GARBLERS: dict[str, Callable[[bytes, frozenset[str]], Iterator[tuple[str, bytes]]]] = {
    "json": garbled_json,
    "form": garbled_form,
    "multipart": garbled_multipart,
}


def test_a_garbled_send_is_unreadable(sample: Sample) -> None:
    """Cut, doubled, twinned, wrongly encoded: each spoiled form of a send is refused, and the refusal is clean."""
    garble = GARBLERS[sample.written_in]
    for how, body in garble(sample.request.body, sample.table.repeatable):
        try:
            sample.read(replace(sample.request, body=body))
        except Unreadable as unreadable:
            assert_clean(sample, unreadable)
        else:
            pytest.fail(f"was read: {how}")


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param(["text/plain"], id="text"),
        pytest.param(["multipart/form-data; boundary=x"], id="multipart"),
        pytest.param(["OTHER"], id="what other providers take"),
        pytest.param([""], id="empty"),
        pytest.param(["OWN", "OWN"], id="twice"),
        pytest.param(["OWN; charset=utf-16"], id="another charset"),
        pytest.param(["OWN; charset=utf-8; charset=latin-1"], id="two charsets"),
    ],
)
def test_a_send_of_another_type_is_unreadable(sample: Sample, declared: list[str]) -> None:
    """A declared type or charset that does not fit, or two of them, is refused."""
    own = sample.request.headers["Content-Type"] if sample.written_in == "multipart" else TYPES[sample.written_in]
    taken = {TYPES[row.get("format", sample.table.module.FORMAT)] for row in sample.table.rows("SENDS").values()}
    other = next((each for each in TYPES.values() if each not in taken), "application/xml")
    values = [value.replace("OWN", own).replace("OTHER", other) for value in declared]
    headers = CIMultiDictProxy(CIMultiDict([("Content-Type", value) for value in values]))
    with pytest.raises(Unreadable):
        sample.read(replace(sample.request, headers=headers))


def test_a_send_without_a_type_is_read(sample: Sample) -> None:
    """An absent Content-Type is read as the provider's default, or refused where there is none."""
    if not getattr(sample.table.module, "UNTYPED", True):
        with pytest.raises(Unreadable):
            sample.read(replace(sample.request, headers=base.NO_HEADERS))
        return
    assert sample.read(replace(sample.request, headers=base.NO_HEADERS)) == sample.read()


def test_a_cut_send_is_read_or_unreadable(sample: Sample) -> None:
    """Wherever a send breaks off, it is refused, or read as no more than it says: nothing but Unreadable is raised."""
    for end in range(len(sample.request.body)):
        request = replace(sample.request, body=sample.request.body[:end])
        try:
            send = sample.read(request)
        except Unreadable as unreadable:
            assert_clean(sample, unreadable)
        else:
            assert {each.place for each in send.recipients} <= set(sample.places)


@settings(max_examples=FEW)
@given(data=st.data())
def test_a_mutilated_send_is_read_or_unreadable(sample: Sample, data: st.DataObject) -> None:
    """Whatever happens to the bytes of a send, nothing but Unreadable is raised, and its text is clean."""
    body = sample.request.body
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 20)))
    patch = data.draw(st.binary(max_size=4) | st.sampled_from([b'"', b"{", b"[", b"&", b"=", b"%", b"null", b"1e9"]))
    request = replace(sample.request, body=body[:start] + patch + body[end:])
    try:
        sample.read(request)
    except Unreadable as unreadable:
        assert_clean(sample, unreadable)


def assert_clean(sample: Sample, unreadable: Unreadable) -> None:
    """No address of the send and no secret stands in what is told of it, nor in what hangs on the error."""
    refusal = Refusal(unreadable.reason, unreadable.detail, None, (unreadable.place,))
    answer = sample.provider.refusal(sample.request, refusal)
    texts = [str(unreadable), unreadable.place, answer.body.decode(), str(answer.headers), str(unreadable.__cause__)]
    for secret in [*sample.table.module.SECRETS, *addresses(sample)]:
        assert not any(secret in text for text in texts)


def addresses(sample: Sample) -> Iterator[str]:
    """Give what would give a recipient away: keys, local parts, digits, and the text as it came."""
    for recipient in sample.read().recipients:
        yield from filter(None, (recipient.address, unquote_plus(recipient.address)))
        for key in recipient.keys:
            local = key.partition("@")[0]
            yield from (key, key.removeprefix("+"), local if len(local) > 2 else key)
