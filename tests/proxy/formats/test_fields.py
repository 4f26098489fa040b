"""One view of both kinds of form."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from urllib3.filepost import encode_multipart_formdata

from proxy.formats import fields
from proxy.formats.fields import Field, Form
from proxy.providers.base import Request, Unreadable

URLENCODED = "application/x-www-form-urlencoded"
DECIDING = frozenset({"to", "cc", "o:deliverytime"})
REPEATABLE = frozenset({"to", "attachment"})
PAIRS = [("to", "a@example.com"), ("to", "Ä <b@example.com>"), ("subject", "1 + 1; x=2 & more")]

Pairs = list[tuple[str, str]]


def request(body: bytes, *content_types: str, query: str = "") -> Request:
    headers = CIMultiDictProxy(CIMultiDict([("Content-Type", value) for value in content_types]))
    return Request("POST", "/v3/example.com/messages", query, headers, body)


def both(pairs: Pairs) -> list[Request]:
    """Write a form in both kinds."""
    body, content_type = encode_multipart_formdata(pairs)
    return [request(urlencode(pairs).encode(), URLENCODED), request(body, content_type)]


KINDS = [pytest.param(one, id=kind) for kind, one in zip(("URL encoding", "multipart"), both(PAIRS), strict=True)]


def read(one: Request) -> Form:
    return fields.read(one, REPEATABLE, DECIDING)


def pairs(form: Form) -> list[tuple[str, str | None]]:
    return [(field.name, field.value) for field in form.fields]


@pytest.mark.parametrize("one", KINDS)
def test_both_kinds_read_alike(one: Request) -> None:
    """Whichever way a form is written, its fields are the same, in their order."""
    form = read(one)
    assert form.fields == tuple(Field(name, value) for name, value in PAIRS)
    assert form.content(1) == "Ä <b@example.com>".encode()
    assert form.rewritten({}) == one.body


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9), max_size=4),
    st.dictionaries(st.integers(0, 3), st.none() | st.sampled_from(["", "x@example.com", "ä&=+ %"])),
)
def test_both_kinds_are_rewritten_alike(values: list[str], changes: dict[int, str | None]) -> None:
    """Fields are replaced and taken out alike, whichever way the form is written."""
    changes = {index: value for index, value in changes.items() if index < len(values)}
    wanted = [("to", new) for index, old in enumerate(values) if (new := changes.get(index, old)) is not None]
    for one in both([("to", value) for value in values]):
        form = read(one)
        for given_as in (changes, {i: value if value is None else value.encode() for i, value in changes.items()}):
            assert pairs(read(replace(one, body=form.rewritten(given_as)))) == wanted


def test_a_file_has_no_value() -> None:
    """A file is named, and its content is left where it is."""
    body, content_type = encode_multipart_formdata([("attachment", ("a.bin", b"\xff\0", "application/x"))])
    form = read(request(body, content_type))
    assert form.fields == (Field("attachment", None, "a.bin"),)
    assert form.content(0) == b"\xff\0"


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param((), id="nothing"),
        pytest.param(("",), id="an empty one"),
        pytest.param((URLENCODED, URLENCODED), id="twice"),
        pytest.param(("application/json",), id="JSON"),
        pytest.param(("text/plain",), id="text"),
        pytest.param((f"{URLENCODED}; charset=latin1",), id="another charset"),
        pytest.param(("multipart/form-data; boundary=XX",), id="the other kind"),
    ],
)
def test_another_type_is_refused(declared: tuple[str, ...]) -> None:
    """Without a declaration that fits, a form is not read."""
    with pytest.raises(Unreadable):
        read(request(b"to=a%40example.com", *declared))


def test_only_the_kinds_that_the_provider_takes_are_read() -> None:
    """Each kind can be left out."""
    urlencoded, multipart = both(PAIRS)
    with pytest.raises(Unreadable):
        fields.read(urlencoded, REPEATABLE, DECIDING, urlencoded=False)
    with pytest.raises(Unreadable):
        fields.read(multipart, REPEATABLE, DECIDING, multipart=False)


@pytest.mark.parametrize("one", KINDS)
@pytest.mark.parametrize(
    "query",
    [
        pytest.param("to=c%40example.com", id="a recipient"),
        pytest.param("To%5B%5D=c", id="much like one"),
        pytest.param("x=1;cc=2", id="behind a semicolon"),
        pytest.param("x", id="no form"),
        pytest.param("\udce4=1", id="stray bytes"),
    ],
)
def test_a_field_in_the_query_is_refused(one: Request, query: str) -> None:
    """A field that decides belongs into the body, whatever a server makes of the query."""
    with pytest.raises(Unreadable):
        read(replace(one, query=query))


@pytest.mark.parametrize("one", KINDS)
def test_another_query_passes(one: Request) -> None:
    """A query that names nothing of importance passes."""
    assert read(replace(one, query="trace=1&x=2;y=3")) == read(one)


@pytest.mark.parametrize("name", ["To", "to ", "_to", "TO[0]", "ｃｃ", "o_delivery_time"])
def test_a_name_that_looks_like_a_deciding_one_is_refused(name: str) -> None:
    """A name that is not documented and that a forgiving server could take for one that decides is refused."""
    for one in both([(name, "c@example.com")]):
        with pytest.raises(Unreadable):
            read(one)


def test_a_deciding_name_behind_a_semicolon_is_refused() -> None:
    """Whoever cuts a form at semicolons too would find one more recipient; in multipart nobody cuts."""
    with pytest.raises(Unreadable):
        read(request(b"subject=x;to=c%40example.com", URLENCODED))
    body, content_type = encode_multipart_formdata([("subject", "x;to=c@example.com")])
    assert pairs(read(request(body, content_type))) == [("subject", "x;to=c@example.com")]
