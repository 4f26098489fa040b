"""Lists as one stream of CSV or NDJSON: asked for by `format` or `Accept`, written piece by piece.

A piece is read when the one before it was taken by the client, so a stream takes no memory and holds up no write. One
that breaks must not look whole: its connection is cut.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from aiohttp import web

from policy import StoreUnavailable
from proxy.api.reading import UNKNOWN_VALUE, BadField

STREAMS: Final = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
_RISKY: Final = frozenset("=-@\t\r\n+")


def style(request: web.Request, styles: Iterable[str] = STREAMS) -> str | None:
    """Say as which stream a list is wanted, or None for JSON; raises BadField."""
    known = {each: STREAMS[each] for each in styles}
    named = request.query.get("format")
    if named not in (None, "json", *known):
        raise BadField("format", UNKNOWN_VALUE)
    if named is not None:
        return None if named == "json" else named
    accepted = request.headers.get("Accept", "").partition(";")[0].strip().lower()
    return next((each for each, kind in known.items() if kind == accepted), None)


def stream(style: str) -> web.StreamResponse:
    """Make the answer that a stream is written to."""
    return web.StreamResponse(headers={"Content-Type": f"{STREAMS[style]}; charset=utf-8"})


@contextlib.contextmanager
def seen_to_break(request: web.Request) -> Iterator[None]:
    """Cut the connection where the store fails in the middle of a stream; no answer any more can say so."""
    try:
        yield
    except StoreUnavailable:
        if request.transport is not None:
            request.transport.abort()
        raise


def csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """Write rows as CSV whose cells no spreadsheet runs."""
    text = io.StringIO()
    csv.writer(text).writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else harmless(value)  # true and false, as exports have them


def harmless(cell: Any) -> Any:
    """Keep a spreadsheet from taking a text for a formula; a number with its plus stays one."""
    risky = isinstance(cell, str) and cell[:1] in _RISKY
    return f"'{cell}" if risky and not cell[1:].replace(" ", "").isdigit() else cell
