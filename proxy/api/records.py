"""Dispatch failed records: what was not sent, to whom and why, newest first.

A list is narrowed by filters and read on by its cursor.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from aiohttp import web

from policy import identity, times
from policy.model import Channel
from policy.reasons import Reason
from policy.store import records
from policy.store.records import Filter
from proxy.api import paging, reading
from proxy.api.access import require
from proxy.api.context import CONTEXT
from proxy.api.reading import UNKNOWN_VALUE, WRONG_FORMAT, BadField
from proxy.config import Scope

_TEXTS: Final = ("route", "user", "campaign", "sender")
_KNOWN: Final = frozenset({*_TEXTS, "since", "until", "reason", "channel", "address", "cursor", "limit"})


async def get_list(request: web.Request) -> web.Response:
    """Answer one page of records with the cursor of the next."""
    require(request, Scope.RECORDS)
    policy = request.app[CONTEXT].policy
    limit = paging.limit(request)
    found = await policy.ask(records.page(policy.database.digests, _filter(request), limit + 1))
    items, more = found[:limit], len(found) > limit
    return _json({"items": [shown(record) for record in items], "next": str(items[-1]["id"]) if more else None})


async def get_one(request: web.Request) -> web.Response:
    """Answer one record by its id."""
    require(request, Scope.RECORDS)
    number = request.match_info["id"]
    record = await request.app[CONTEXT].policy.ask(records.one(int(number))) if paging.is_number(number) else None
    return web.Response(status=404) if record is None else _json(shown(record))


def shown(record: dict[str, Any]) -> dict[str, Any]:
    """Write a record for readers: times as text, flags as flags, no digest."""
    told = {name: value for name, value in record.items() if name != "digest"}
    return {
        **told,
        "id": str(record["id"]),
        "time": times.written(record["time"]),
        "enforced": bool(record["enforced"]),
    }


def _filter(request: web.Request) -> Filter:
    paging.only(request, _KNOWN)
    query = request.query
    address = query.get("address")
    cursor = query.get("cursor")
    if cursor is not None and not paging.is_number(cursor):
        raise BadField("cursor", WRONG_FORMAT)
    return Filter(
        since=_time(request, "since"),
        until=_time(request, "until"),
        reason=_one_of(query.get("reason"), frozenset(Reason), "reason"),
        channel=None if query.get("channel") is None else _channel(query["channel"]),
        address=None if address is None else identity.address_keys(address),
        before=None if cursor is None else int(cursor),
        **{name: query.get(name) for name in _TEXTS},
    )


def _channel(value: str) -> Channel:
    return reading.channel(value, "channel")


def _one_of(value: str | None, allowed: frozenset[str], field: str) -> str | None:
    if value is not None and value not in allowed:
        raise BadField(field, UNKNOWN_VALUE)
    return value


def _time(request: web.Request, field: str) -> int | None:
    stated = reading.stated(request.query.get(field), field)
    return None if stated is None else stated.first


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json", charset="UTF-8")
