"""GET /users/{id}/events: one person's timeline, newest first, what was not sent to them included."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from policy import times
from policy.store import timeline
from policy.store.timeline import Line, Spot
from proxy.api import own_shapes, paging
from proxy.api.access import require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import CURSOR, UNKNOWN_USER, WRONG, Answer, Operation, described
from proxy.api.reading import WRONG_FORMAT, BadField
from proxy.api.users import external_id
from proxy.config import Scope


@described(
    Operation(
        "Lists what was told of a user and what was not sent to them, the newest first.",
        Scope.USERS,
        query=(CURSOR, paging.LIMIT),
        answers={200: Answer("one page", own_shapes.Timeline), 400: WRONG, 404: UNKNOWN_USER},
    )
)
async def get(request: web.Request) -> web.Response:
    """Answer one page of a timeline with the cursor of the next."""
    require(request, Scope.USERS)
    paging.only(request, frozenset({"cursor", "limit"}))
    limit = paging.limit(request)
    read = timeline.page(external_id(request), _spot(request.query.get("cursor")), limit + 1)
    found = await request.app[CONTEXT].policy.ask(read)
    more = _cursor(found[limit - 1].spot) if len(found) > limit else None
    return as_json({"items": [_shown(line) for line in found[:limit]], "next": more})


def _shown(line: Line) -> dict[str, Any]:
    return {
        "event": line.name,
        "timestamp": times.written(line.at),
        "channel": line.channel,
        "origin": line.origin,
        "properties": line.properties,
    }


def _cursor(spot: Spot) -> str:
    return f"{spot.at}.{spot.kind}.{spot.number}"


def _spot(cursor: str | None) -> Spot:
    if cursor is None:
        return timeline.TOP
    at, _, rest = cursor.partition(".")
    kind, _, number = rest.partition(".")
    if not paging.is_number(at.removeprefix("-")) or not paging.is_number(number):  # some clocks know times before 1970
        raise BadField("cursor", WRONG_FORMAT)
    return Spot(int(at), kind, int(number))
