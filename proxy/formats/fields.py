"""One view of the two kinds of form, for providers that take both: named fields in their order, and files.

The body is the only place where a field may stand. Some servers take fields from the query too, some cut at semicolons
as HTML 4 advised, some forgive a mark or a case in a name: where any of them would find one more field that decides who
gets the message, or when, the send is unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from proxy import strict
from proxy.formats import multipart as multiparts
from proxy.providers.base import Request, Unreadable


class Field(NamedTuple):
    """One field of a form; a file has a filename, and no value here."""

    name: str
    value: str | None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A form that has exactly one reading, of either kind."""

    fields: tuple[Field, ...]
    body: bytes
    parts: tuple[multiparts.Part, ...] | None  # of multipart/form-data, one for each field; None in URL encoding

    def content(self, index: int) -> bytes:
        """Give the bytes of a field or file."""
        if self.parts is None:
            return (self.fields[index].value or "").encode()
        part = self.parts[index]
        return self.body[part.start : part.end]

    def rewritten(self, changes: Mapping[int, str | bytes | None]) -> bytes:
        """Give the fields at these indexes other values, or with None take them out; every other byte stays.

        Raises LookupError for an index that the form does not have.
        """
        if self.parts is None:
            texts = {index: value.decode() if isinstance(value, bytes) else value for index, value in changes.items()}
            return strict.replace_fields(self.body, texts)
        contents = {index: value.encode() if isinstance(value, str) else value for index, value in changes.items()}
        return multiparts.rewritten(self.body, self.parts, contents)


def read(
    request: Request,
    repeatable: frozenset[str],
    deciding: frozenset[str],
    *,
    multipart: bool = True,
    urlencoded: bool = True,
) -> Form:
    """Read a form of a kind that the provider takes, as its Content-Type declares it; raises Unreadable.

    Only the names in `repeatable` may stand more than once. `deciding` are the documented names that say who gets the
    message, when and of which class: they may stand in the body alone, and no other name may look like one of them.
    """
    media_type = _media_type(request)
    if multipart and media_type == multiparts.MULTIPART:
        form = _multipart(request, repeatable)
    elif urlencoded and media_type == strict.FORM:
        form = _urlencoded(request, repeatable)
    else:
        raise Unreadable("Content-Type is none of a form")
    refuse_lookalikes((field.name for field in form.fields), deciding)
    refuse_misplaced(request.query, request.body if form.parts is None else b"", deciding)
    return form


def refuse_lookalikes(names: Iterable[str], deciding: frozenset[str]) -> None:
    """Refuse a name that is none of these and only looks like one of them; raises Unreadable."""
    if any(name not in deciding and strict.looks_like(name, _letters(deciding)) for name in names):
        raise Unreadable("a field that is not documented looks like one that decides who gets the message")


def refuse_misplaced(query: str, body: bytes, deciding: frozenset[str]) -> None:
    """Refuse such a field in the raw query, and behind a semicolon in it or in a body in URL encoding."""
    letters = _letters(deciding)
    raw = query.encode(errors="surrogateescape")
    if any(strict.looks_like(name, letters) for name, _ in strict.form_fields(raw)):
        raise Unreadable("the query names a field that belongs into the body")
    hidden = (name for place in (raw, body) for name in strict.names_behind_semicolons(place))
    if any(strict.looks_like(name, letters) for name in hidden):
        raise Unreadable("a field that decides who gets the message stands behind a semicolon")


def refuse_in_query(query: str, deciding: frozenset[str]) -> None:
    """Refuse such a field in the raw query of a request whose body is no form; whatever else stands there may.

    Some servers read query and body as one.
    """
    if not query:
        return
    raw = b";" + query.encode(errors="surrogateescape").replace(b"&", b";")
    if any(strict.looks_like(name, _letters(deciding)) for name in strict.names_behind_semicolons(raw)):
        raise Unreadable("the query names a field that belongs into the body")


@cache
def _letters(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(strict.letters, names))


def _media_type(request: Request) -> str:
    declared = request.headers.getall("Content-Type", [])
    if len(declared) != 1:
        raise Unreadable("Content-Type is not declared once")
    return declared[0].partition(";")[0].strip(" \t").lower()


def _multipart(request: Request, repeatable: frozenset[str]) -> Form:
    body = request.body
    parts = multiparts.parts(request.headers, body, repeatable)
    fields = (
        Field(part.name, multiparts.text(body, part) if part.filename is None else None, part.filename)
        for part in parts
    )
    return Form(tuple(fields), body, parts)


def _urlencoded(request: Request, repeatable: frozenset[str]) -> Form:
    strict.expect_type(request.headers, strict.FORM)
    fields = strict.form_fields(request.body, repeatable)
    return Form(tuple(Field(name, value) for name, value in fields), request.body, None)
