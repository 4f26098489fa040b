"""GET /conflicts: where a provider's own list and the standing here disagree, until somebody mends it there."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from policy import times
from policy.events import Origin
from policy.store import conflicts
from policy.store.conflicts import Open
from proxy.api import conflict_shapes, paging
from proxy.api.access import require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import CURSOR, WRONG, Answer, Operation, described
from proxy.api.reading import WRONG_FORMAT, BadField
from proxy.config import Scope

_KNOWN: Final = frozenset({"cursor", "limit"})


@described(
    Operation(
        "Lists whom a provider's own list and the standing here disagree about now, in the order they came about.",
        Scope.RECORDS,
        query=(CURSOR, paging.LIMIT),
        answers={200: Answer("one page", conflict_shapes.Conflicts), 400: WRONG},
    )
)
async def get_list(request: web.Request) -> web.Response:
    """Answer one page of open conflicts with the cursor of the next."""
    require(request, Scope.RECORDS)
    paging.only(request, _KNOWN)
    limit, cursor = paging.limit(request), request.query.get("cursor", "0")
    if not paging.is_number(cursor):
        raise BadField("cursor", WRONG_FORMAT)
    policy = request.app[CONTEXT].policy
    found = await policy.ask(conflicts.page(policy.database.digests, int(cursor), limit + 1, policy.now()))
    more = str(found[limit - 1].id) if len(found) > limit else None
    return as_json({"items": [shown(each) for each in found[:limit]], "next": more})


@described(
    Operation(
        "Says that a conflict is settled at the provider.",
        Scope.ADMIN,
        answers={204: Answer("it is not listed any more"), 404: Answer("there is no such conflict")},
    )
)
async def delete(request: web.Request) -> web.Response:
    """Close one conflict; the journal keeps what came about."""
    caller, number = require(request, Scope.ADMIN), request.match_info["id"]
    settle = conflicts.settlement(
        int(number) if paging.is_number(number) else 0, caller.origin or Origin.API, caller.name
    )
    context = request.app[CONTEXT]
    try:
        await context.learn([await context.policy.ask(settle)])
    except conflicts.UnknownConflict:
        return web.Response(status=404)
    return web.Response(status=204)


def shown(found: Open) -> dict[str, Any]:
    """Write a conflict for readers."""
    return {
        "id": str(found.id),
        "at": times.written(found.at),
        "conflict": found.kind,
        "provider": found.provider,
        "route": conflicts.route_of(found.list),
        "list": found.list.partition(":")[2],
        "channel": found.channel,
        "user": found.person.id,
        "businessUnit": found.person.business_unit,
        "address": conflicts.address_of(found.person, found.channel),
    }
