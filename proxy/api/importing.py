"""POST /import: rows of an import, as `sendgate import` sends them; each row with its own result.

    {"rows": [[id, email, businessUnit, …], …], "release": false}   →   {"items": ["", "email is no e-mail address", …]}

Cells stand in the order of policy/rows.py's columns. What a row suppresses is taken even where the row as a whole is
not, and its result says so. Reading the rows is work for a thread: it would hold up sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from policy import rows
from policy.events import Event
from policy.rows import COLUMNS, BadRow
from proxy.api import own_shapes, reading
from proxy.api.access import Caller, require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import NO_RELEASE, WRONG, Answer, Operation, described
from proxy.api.reading import MISSING_SCOPE, WRONG_VALUE, BadField
from proxy.config import Scope

MOST: Final = 1000
SALVAGED: Final = "what the row suppresses was taken"

Read = tuple[tuple[Event, ...], str]  # what of a row is taken, and what is wrong with it


@described(
    Operation(
        f"Takes up to {MOST} rows of an import, whose cells are {', '.join(COLUMNS)}.",
        Scope.USERS,
        body=own_shapes.Rows,
        answers={
            200: Answer("a word for each row, empty where all of it was taken", own_shapes.RowResults),
            400: WRONG,
            403: NO_RELEASE,
        },
    )
)
async def post(request: web.Request) -> web.Response:
    """Learn the rows of one request, in one transaction."""
    caller = require(request, Scope.USERS)
    tree = await reading.body(request)
    release = reading.flag(tree, "release") if "release" in tree else False
    if release and not caller.may(Scope.RELEASE):
        raise BadField("release", MISSING_SCOPE, 403)
    read = await asyncio.to_thread(_read, _rows(tree), caller, release=release)
    learned = iter(await request.app[CONTEXT].policy.learn_rows([events for events, _ in read if events]))
    items = [wrong or refused for wrong, refused in ((w, next(learned) if events else "") for events, w in read)]
    return as_json({"items": items})


def _rows(tree: dict[str, Any]) -> list[list[str]]:
    given = tree.get("rows")
    if not isinstance(given, list) or len(given) > MOST or not all(map(_is_row, given)):
        raise BadField("rows", WRONG_VALUE)
    return given


def _is_row(row: Any) -> bool:
    return isinstance(row, list) and len(row) == len(COLUMNS) and all(isinstance(cell, str) for cell in row)


def _read(given: Sequence[Sequence[str]], caller: Caller, *, release: bool) -> list[Read]:
    return [_events(row, caller, release=release) for row in given]


def _events(row: Sequence[str], caller: Caller, *, release: bool) -> Read:
    try:
        return rows.events_of(dict(zip(COLUMNS, row, strict=True)), release=release, source=caller.name), ""
    except BadRow as bad:
        return bad.noes, f"{bad}; {SALVAGED}" if bad.noes else str(bad)
