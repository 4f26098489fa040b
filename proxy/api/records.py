"""Dispatch failed records: what was not sent, to whom and why, newest first.

A list is narrowed by filters and read on by its cursor. As CSV or NDJSON (`Accept`, or `format`) it is one stream of
all that fit, or of the first `limit`, read page by page, so that it takes no memory and holds up no write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import orjson
from aiohttp import web

from policy import identity, times
from policy.model import Channel
from policy.reasons import Reason
from policy.store import records
from policy.store.records import Filter
from proxy.api import own_shapes, paging, reading, shapes, streaming
from proxy.api.access import require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import CURSOR, JSON, WRONG, Answer, Operation, Parameter, described
from proxy.api.reading import NOT_NULL, UNKNOWN_VALUE, WRONG_FORMAT, BadField
from proxy.config import Scope

_TEXTS: Final = ("decision", "route", "user", "campaign", "sender")
_KNOWN: Final = frozenset({*_TEXTS, "since", "until", "reason", "channel", "address", "cursor", "limit", "format"})
SHOWN: Final = tuple(name for name in records.COLUMNS if name != "digest")


_FILTERS: Final = (
    Parameter("since", "from this time on, with a zone", shapes.Moment),
    Parameter("until", "before this time, with a zone", shapes.Moment),
    Parameter("reason", "why it was not sent", Reason),
    Parameter("channel", "on which channel", Channel),
    Parameter("address", "to which e-mail address or phone number", str),
    *(Parameter(name, f"of this {name}", str) for name in _TEXTS),
    CURSOR,
    paging.LIMIT,
)


@described(
    Operation(
        "Lists what was not sent, the newest first; as CSV or NDJSON it is one stream of all that fit.",
        Scope.RECORDS,
        query=(*_FILTERS, Parameter("format", "instead of Accept", Literal["json", "csv", "ndjson"])),
        answers={
            200: Answer("one page, or the stream", own_shapes.Records, (JSON, *streaming.STREAMS.values())),
            400: WRONG,
        },
    )
)
async def get_list(request: web.Request) -> web.StreamResponse:
    """Answer one page of records with the cursor of the next, or all of them as a stream."""
    require(request, Scope.RECORDS)
    policy = request.app[CONTEXT].policy
    style = streaming.style(request)
    if style is not None:
        return await _stream(request, style)
    limit = paging.limit(request)
    found = await policy.ask(records.page(policy.database.digests, _filter(request), limit + 1))
    items, more = found[:limit], len(found) > limit
    return as_json({"items": [shown(record) for record in items], "next": str(items[-1]["id"]) if more else None})


@described(
    Operation(
        "Reads one record of what was not sent.",
        Scope.RECORDS,
        answers={200: Answer("the record", own_shapes.Record), 404: Answer("there is no such record")},
    )
)
async def get_one(request: web.Request) -> web.Response:
    """Answer one record by its id."""
    require(request, Scope.RECORDS)
    number = request.match_info["id"]
    record = await request.app[CONTEXT].policy.ask(records.one(int(number))) if paging.is_number(number) else None
    return web.Response(status=404) if record is None else as_json(shown(record))


@described(
    Operation(
        "Counts what was not sent by one of its fields.",
        Scope.RECORDS,
        query=(Parameter("by", "the field", Literal["reason", "route", "day", "sender"], required=True), *_FILTERS),
        answers={200: Answer("the counts", own_shapes.Counts), 400: WRONG},
    )
)
async def get_summary(request: web.Request) -> web.Response:
    """Count records by reason, route, day or sender."""
    require(request, Scope.RECORDS)
    policy = request.app[CONTEXT].policy
    by = request.query.get("by", "")
    if by not in records.SUMMARIES:
        raise BadField("by", UNKNOWN_VALUE if by else NOT_NULL)
    counted = await policy.ask(records.summary(policy.database.digests, _filter(request, frozenset({"by"})), by))
    items = [{by: value, "records": count, "recipients": recipients} for value, count, recipients in counted]
    return as_json({"items": items, "next": None})


async def _stream(request: web.Request, style: str) -> web.StreamResponse:
    policy = request.app[CONTEXT].policy
    wanted = _filter(request)
    limited = "limit" in request.query  # then a page is all
    size = paging.limit(request) if limited else paging.LARGEST_PAGE
    answer = streaming.stream(style)
    page = await policy.ask(records.page(policy.database.digests, wanted, size))
    await answer.prepare(request)
    if request.method == "HEAD":
        return answer
    with streaming.seen_to_break(request):
        if style == "csv":
            await answer.write(streaming.csv_lines([SHOWN]))
        while page:
            await answer.write(_lines(page, style))
            wanted = replace(wanted, before=page[-1]["id"])
            page = [] if limited else await policy.ask(records.page(policy.database.digests, wanted, size))
    await answer.write_eof()
    return answer


def _lines(page: Sequence[dict[str, Any]], style: str) -> bytes:
    lines = [shown(record) for record in page]
    if style == "csv":
        return streaming.csv_lines([line[name] for name in SHOWN] for line in lines)
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def shown(record: dict[str, Any]) -> dict[str, Any]:
    """Write a record for readers: times as text, flags as flags, no digest."""
    told = {name: value for name, value in record.items() if name != "digest"}
    return {
        **told,
        "id": str(record["id"]),
        "time": times.written(record["time"]),
        "enforced": bool(record["enforced"]),
    }


def _filter(request: web.Request, beside: frozenset[str] = frozenset()) -> Filter:
    paging.only(request, _KNOWN | beside)
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
