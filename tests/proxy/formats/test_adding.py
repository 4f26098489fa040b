"""Fields put behind those of a form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.formats import fields
from proxy.formats.adding import added
from proxy.formats.fields import Form
from proxy.providers.base import Request, Unreadable

PARTS = (
    b'\r\n--b0undary\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--b0undary\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n2--\r\n--b0undary--%b'
)


def form(body: bytes, media_type: str = "application/x-www-form-urlencoded") -> Form:
    """Read a form."""
    headers = CIMultiDictProxy(CIMultiDict({"Content-Type": media_type}))
    return fields.read(Request("POST", "/", "", headers, body), frozenset(), frozenset())


def parts(body: bytes) -> Form:
    """Read a form in parts."""
    return form(body, "multipart/form-data; boundary=b0undary")


def test_a_form_grows_at_its_end() -> None:
    """New fields stand behind the old, which stay to the byte."""
    written = added(form(b"a=%31"), b"a=%31", {"h:X": "<a&b>"})
    assert written == b"a=%31&h%3AX=%3Ca%26b%3E"
    assert form(written).fields == (("a", "1", None), ("h:X", "<a&b>", None))


def test_an_empty_form_has_the_new_fields_alone() -> None:
    """Where no field is left, none is pretended."""
    assert added(form(b"a=1"), b"", {"b": "2"}) == b"b=2"


@pytest.mark.parametrize("tail", [b"", b"\r\n", b"\r\n\r\n"])
def test_parts_grow_before_their_end(tail: bytes) -> None:
    """New parts stand behind the last and before the end of the form, whatever stands behind that."""
    body = PARTS % tail
    written = added(parts(body), body, {"h:X": "<v>", "b": "2"})
    grown = parts(written)
    assert [(each.name, each.value) for each in grown.fields] == [("a", "1"), ("f", None), ("h:X", "<v>"), ("b", "2")]
    assert written.startswith(body[: -len(tail) - len(b"\r\n--b0undary--")])
    assert written.endswith(b"\r\n--b0undary--" + tail)


@pytest.mark.parametrize(
    "boundary",
    [
        pytest.param("--------------------------513846702915", id="dashes in front"),
        pytest.param("b0--undary", id="dashes within"),
        pytest.param("b0undary--", id="dashes behind"),
        pytest.param("-", id="a dash"),
    ],
)
def test_boundaries_have_dashes_of_their_own(boundary: str) -> None:
    """New parts are parts of their own whatever the boundary looks like, and the last one stays as it was."""
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="to"\r\n\r\na@example.com\r\n--{boundary}--'.encode()
    media_type = f"multipart/form-data; boundary={boundary}"
    grown = form(added(form(body, media_type), body, {"h:X": "<v>"}), media_type)
    assert [(each.name, each.value) for each in grown.fields] == [("to", "a@example.com"), ("h:X", "<v>")]


def test_parts_that_changed_before_grow_too() -> None:
    """A body whose last part has become longer has the new ones behind it."""
    body = PARTS % b""
    old = parts(body)
    changed = old.rewritten({1: b"a longer file"})
    grown = parts(added(old, changed, {"b": "2"}))
    assert [grown.content(index) for index in range(3)] == [b"1", b"a longer file", b"2"]


def test_nothing_is_nothing() -> None:
    """Without new fields the body stays."""
    body = PARTS % b""
    assert added(parts(body), body, {}) == body


def test_a_value_that_holds_the_boundary_is_refused() -> None:
    """A part that would end the form is none."""
    body = PARTS % b""
    with pytest.raises(Unreadable):
        added(parts(body), body, {"b": "--b0undary--"})


@given(value=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_what_is_added_is_read(value: str) -> None:
    """Any visible ASCII comes back as it was."""
    body = PARTS % b""
    if "--b0undary" not in value:
        assert parts(added(parts(body), body, {"b": value})).fields[-1].value == value
    assert form(added(form(b"a=1"), b"a=1", {"b": value})).fields[-1].value == value
