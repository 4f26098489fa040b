"""GET /standing?address=…: everybody who has an address, how they stand and on whose word, and what stands on lists.

The gate's own endpoint, for support and for `sendgate status`; it also tells of the kept standing of an address that
nobody has any more.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from policy import identity, times
from policy.model import Stamp
from policy.store import blacklists, conflicts, lookups
from proxy.api import own_shapes
from proxy.api.access import require
from proxy.api.answering import as_json
from proxy.api.blacklists import shown
from proxy.api.context import CONTEXT
from proxy.api.describing import WRONG, Answer, Operation, Parameter, described
from proxy.api.reading import NOT_NULL, WRONG_FORMAT, BadField
from proxy.config import Scope


@described(
    Operation(
        "Tells everybody who has an address, how each stands, since when and on whose word.",
        Scope.USERS,
        query=(Parameter("address", "an e-mail address or a phone number", str, required=True),),
        answers={200: Answer("who has it", own_shapes.Holders), 400: WRONG},
    )
)
async def get(request: web.Request) -> web.Response:
    """Answer who has an address."""
    require(request, Scope.USERS)
    address = request.query.get("address")
    if address is None:
        raise BadField("address", NOT_NULL)
    keys = identity.address_keys(address)
    if not keys:
        raise BadField("address", WRONG_FORMAT)
    policy = request.app[CONTEXT].policy
    digests = policy.database.digests
    found = await policy.ask(lookups.having(digests, keys, policy.now()))
    entries = await policy.ask(blacklists.standing_over(digests, keys, policy.now()))
    told = {
        "keys": keys,
        "items": [_holder(each) for each in found],
        "blacklist": [shown(entry) for entry in entries],
        "next": None,
    }
    return as_json(told)


def _holder(found: lookups.Found) -> dict[str, Any]:
    person, standing = found.person, found.standing
    return {
        "id": person.id,
        "xngId": person.xng_id,
        "email": person.email,
        "businessUnit": person.business_unit,
        "kept": person.kept,
        "blacklisted": standing.blacklisted and _stamp(standing.blacklisted),
        "optOuts": {channel.value: _stamp(stamp) for channel, stamp in standing.opt_outs.items()},
        "conflicts": [_conflict(each) for each in found.conflicts],
    }


def _conflict(found: conflicts.Open) -> dict[str, str]:
    told = {"conflict": found.kind, "provider": found.provider, "route": conflicts.route_of(found.list)}
    return {**told, "since": times.written(found.at)}


def _stamp(stamp: Stamp) -> dict[str, str]:
    return {"since": times.written(stamp.at), "origin": stamp.origin}
