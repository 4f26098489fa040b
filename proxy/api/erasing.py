"""Erasing somebody, and telling everything that is held about somebody.

Both find people by any name they may be called: an external id, an internal id, an e-mail address or a number with its
country. Whoever is erased goes on being kept from messages that were to be kept from them, so erasing needs no scope
that releases.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from policy import times
from policy.events import Origin
from policy.policy import Erased
from policy.store.erasing import COUNTED, KEPT
from policy.store.surveying import Whom, whoever
from proxy.api import blacklists, erasing_shapes, paging, reading, records
from proxy.api.access import Handler, require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import WRONG, Answer, Operation, Parameter, described
from proxy.api.reading import NOT_NULL, WRONG_VALUE, BadField
from proxy.config import Scope

COPIES: Final = (
    "Backups, journal files and exports made before this moment still hold what was erased, and so may the systems"
    " that told it."
)
ENTRIES: Final = (
    "Blacklist entries belong to addresses, and stand in the clear until DELETE /api/v1.0/blacklists/{id} removes them;"
    " then erase once more, by the address, and nothing is left of them in the journal either."
)

ERASED: Final = Answer("erased: the report", erasing_shapes.Erasure)
ERASE: Final = Parameter("erase", "true: erases, which leaves keyed hashes of what suppresses and nothing else", bool)
HELD: Final = Answer("all of it", erasing_shapes.Held)
_NOBODY: Final = Answer("nothing is held about anybody of this name")


@described(
    Operation(
        "Erases whoever is called so.",
        Scope.USERS,
        body=erasing_shapes.Whom,
        answers={200: ERASED, 400: WRONG, 404: _NOBODY},
    )
)
async def post(request: web.Request) -> web.Response:
    """Erase whoever is called by the name in the body; raises UnknownUser."""
    require(request, Scope.USERS)
    name = reading.text(await reading.body(request), "whom", required=True)
    return await erase(request, whoever(_name(name)))


async def erase(request: web.Request, whom: Whom) -> web.Response:
    """Erase somebody and report what went; raises UnknownUser."""
    caller = require(request, Scope.USERS)
    policy = request.app[CONTEXT].policy
    erased = await policy.erase(whom, origin=caller.origin or Origin.API, source=caller.name)
    request.app[CONTEXT].erased(erased, caller.name)
    for sandbox in request.app[CONTEXT].sandboxes().values():
        sandbox.messages.clear()  # the message of whoever was erased could lie in any, in any encoding
    return as_json(_report(erased))


def wanted(request: web.Request) -> bool:
    """Tell whether a deletion is to erase; raises BadField for a word that is neither yes nor no."""
    given = request.query.getall("erase", ["false"])
    if len(given) != 1 or given[0] not in ("true", "false"):
        raise BadField("erase", WRONG_VALUE)
    return given[0] == "true"


def if_wanted(erasing: Handler, deleting: Handler) -> Handler:
    """Let a deletion erase where it shall, in both versions of the contract alike."""

    async def choose(request: web.Request) -> web.StreamResponse:
        return await (erasing if wanted(request) else deleting)(request)

    return choose


@described(Operation("Writes the store's file anew.", Scope.ADMIN, {200: Answer("done", erasing_shapes.Rebuilt)}))
async def post_rebuild(request: web.Request) -> web.Response:
    """Write the store's file anew, and tell how often an erased address still stands in it."""
    require(request, Scope.ADMIN)
    settled = await request.app[CONTEXT].policy.rebuild()
    return as_json({"logEmptied": settled.log_emptied, "left": settled.left})


@described(
    Operation(
        "Tells everything that is held about whoever is called so.",
        Scope.USERS,
        query=(
            Parameter("whom", "an id, an internal id, an address, or a number with its country", str, required=True),
        ),
        answers={200: HELD, 400: WRONG, 404: _NOBODY},
    )
)
async def get_held(request: web.Request) -> web.Response:
    """Tell everything that is held about whoever is called by the name in the query; raises UnknownUser."""
    require(request, Scope.USERS)
    paging.only(request, frozenset({"whom"}))
    return await held(request, whoever(_name(request.query.get("whom"))))


async def held(request: web.Request, whom: Whom) -> web.Response:
    """Tell everything that is held about somebody; raises UnknownUser."""
    require(request, Scope.USERS)
    found = await request.app[CONTEXT].policy.held_about(whom)
    shown = {
        "dispatchFailed": list(map(records.shown, found["dispatchFailed"])),
        "blacklist": list(map(blacklists.shown, found["blacklist"])),
    }
    return as_json({**found, **shown})


def _name(given: str | None) -> str:
    if not given:
        raise BadField("whom", NOT_NULL)
    reading.text({"whom": given}, "whom")
    return given


def _report(erased: Erased) -> dict[str, Any]:
    """Report an erasure, without any name of who was erased."""
    return {
        "sequence": erased.sequence,
        "erasedAt": times.written(erased.at),
        "people": erased.people,
        "rows": {table: erased.counts[table] for table in COUNTED},
        "keptHashes": erased.counts[KEPT],
        "addressAlsoOf": list(erased.others),
        "blacklistEntries": list(erased.remaining),
        "logEmptied": erased.settled.log_emptied,
        "leftInFile": erased.settled.left,
        "notes": [COPIES, *([ENTRIES] if erased.remaining else [])],
    }
