"""More fields for a form of either kind: put behind those that it has; every other byte stays."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote_plus

from proxy.formats import multipart as multiparts
from proxy.formats.fields import Form
from proxy.providers.base import Unreadable


def added(form: Form, body: bytes, values: Mapping[str, str]) -> bytes:
    """Give a body with these fields behind its own; `form` is its form, or the one that it was before fields changed.

    Names and values are ASCII. Raises Unreadable for a value that holds the boundary.
    """
    if not values:
        return body
    if form.parts is None:
        pieces = [f"{quote_plus(name)}={quote_plus(value)}".encode() for name, value in values.items()]
        return b"&".join([*([body] if body else []), *pieces])
    # Behind the last part stand a line break, the boundary between dashes, and perhaps blank lines: none of it changes.
    # Where the boundary ends cannot be seen there, since it may have dashes of its own, as those of most clients have.
    tail = form.body[form.parts[-1].end :]
    boundary = multiparts.dash_boundary(form.body)
    written = b"".join(_part(boundary, name, value) for name, value in values.items())
    return b"".join([body[: len(body) - len(tail)], written, tail])


def _part(boundary: bytes, name: str, value: str) -> bytes:
    if boundary in value.encode():
        raise Unreadable("the value of a new field holds the boundary")
    head = f'Content-Disposition: form-data; name="{name}"'
    return b"\r\n%b\r\n%b\r\n\r\n%b" % (boundary, head.encode(), value.encode())
