"""Dispatch failed records: what was not sent, to whom and why, newest first.

A list is narrowed by filters and read on by its cursor; an unknown filter is a fault, because a filter that is
silently ignored shows records that nobody asked for.
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
from proxy.api import reading
from proxy.api.access import require
from proxy.api.context import CONTEXT
from proxy.api.reading import UNKNOWN_VALUE, WRONG_FORMAT, WRONG_VALUE, BadField
from proxy.config import Scope

PAGE: Final = 100
LARGEST_PAGE: Final = 1000
_TEXTS: Final = ("route", "user", "campaign", "sender")
_KNOWN: Final = frozenset({*_TEXTS, "since", "until", "reason", "channel", "address", "cursor", "limit"})


async def get_list(request: web.Request) -> web.Response:
    """Answer one page of records with the cursor of the next."""
    require(request, Scope.RECORDS)
    policy = request.app[CONTEXT].policy
    limit = _limit(request)
    found = await policy.ask(records.page(policy.database.digests, _filter(request), limit + 1))
    items, more = found[:limit], len(found) > limit
    return _json({"items": [shown(record) for record in items], "next": str(items[-1]["id"]) if more else None})


async def get_one(request: web.Request) -> web.Response:
    """Answer one record by its id."""
    require(request, Scope.RECORDS)
    number = request.match_info["id"]
    record = await request.app[CONTEXT].policy.ask(records.one(int(number))) if _is_id(number) else None
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
    query = request.query
    for name in query:
        if name not in _KNOWN or len(query.getall(name)) > 1:
            raise BadField(name, UNKNOWN_VALUE)
    address = query.get("address")
    cursor = query.get("cursor")
    if cursor is not None and not _is_id(cursor):
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


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(PAGE))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LARGEST_PAGE:
        raise BadField("limit", WRONG_VALUE)
    return int(text)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json", charset="UTF-8")
