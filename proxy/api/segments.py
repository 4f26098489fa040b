"""Segments: saved filters over events and standing, and the people whom they mean.

People are users and leads, in the order in which they came. A page looks at some of them and ends where it is full or
where it has looked long enough, so that no request runs for minutes; who reads on by the cursor comes to everybody. As
CSV or NDJSON (`Accept`, or `format`) all of them are one stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, Literal

from aiohttp import web

from policy import segments as filters
from policy import times
from policy.model import Channel
from policy.rows import COLUMNS
from policy.segments import BadFilter, Segment
from policy.store import segments
from policy.store.lookups import Found
from policy.store.segments import Saved, SegmentTaken, TooManySegments, UnknownSegment
from proxy import transfer
from proxy.api import own_shapes, paging, reading, streaming
from proxy.api.access import require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import CURSOR, JSON, Answer, Operation, Parameter, described
from proxy.api.reading import WRONG_FORMAT, WRONG_VALUE, BadField
from proxy.config import Scope

SLICES: Final = 500  # reads of one page, a million people or some seconds

_WRONG: Final = Answer("a field is not what it must be; nothing was taken", own_shapes.ExplainedFault)
_UNKNOWN: Final = Answer("there is no such segment")


@described(
    Operation(
        "Saves a filter under a name; the same again changes nothing.",
        Scope.USERS,
        body=own_shapes.NewSegment,
        answers={
            200: Answer("it was there already", own_shapes.Segment),
            201: Answer("it is saved", own_shapes.Segment),
            400: _WRONG,
            409: Answer("the name has another filter, which must be deleted first"),
        },
    )
)
async def post(request: web.Request) -> web.Response:
    """Save a segment; 409, empty, where the name has another filter."""
    require(request, Scope.USERS)
    name, segment = _read(await reading.body(request))
    policy = request.app[CONTEXT].policy
    try:
        new = await policy.note(segments.save(name, segment, policy.now()))
    except SegmentTaken:
        return web.Response(status=409)
    except TooManySegments:
        raise BadField("name", WRONG_VALUE, says=f"there are {segments.MOST} segments; delete one first") from None
    return as_json(_told(await policy.ask(segments.one(name))), 201 if new else 200)


@described(
    Operation(
        "Lists the segments in the order of their names.",
        Scope.USERS,
        query=(CURSOR, paging.LIMIT),
        answers={200: Answer("one page", own_shapes.Segments), 400: _WRONG},
    )
)
async def get_list(request: web.Request) -> web.Response:
    """Answer one page of segments with the cursor of the next."""
    require(request, Scope.USERS)
    paging.only(request, frozenset({"cursor", "limit"}))
    limit = paging.limit(request)
    found = await request.app[CONTEXT].policy.ask(segments.page(request.query.get("cursor", ""), limit + 1))
    more = found[limit - 1].name if len(found) > limit else None
    return as_json({"items": [_told(each) for each in found[:limit]], "next": more})


@described(
    Operation(
        "Reads one segment.", Scope.USERS, answers={200: Answer("the segment", own_shapes.Segment), 404: _UNKNOWN}
    )
)
async def get_one(request: web.Request) -> web.Response:
    """Answer one segment by its name."""
    require(request, Scope.USERS)
    try:
        return as_json(_told(await _saved(request)))
    except UnknownSegment:
        return web.Response(status=404)


@described(
    Operation(
        "Takes a segment away; people and events stay as they are.",
        Scope.USERS,
        answers={204: Answer("it is no more"), 404: _UNKNOWN},
    )
)
async def delete(request: web.Request) -> web.Response:
    """Take a segment away."""
    require(request, Scope.USERS)
    try:
        await request.app[CONTEXT].policy.note(segments.remove(request.match_info["name"]))
    except UnknownSegment:
        return web.Response(status=404)
    return web.Response(status=204)


@described(
    Operation(
        "Lists the people of a segment; as CSV or NDJSON it is one stream of all of them.",
        Scope.USERS,
        query=(CURSOR, paging.LIMIT, Parameter("format", "instead of Accept", Literal["json", "csv", "ndjson"])),
        answers={
            200: Answer("one page, or the stream", own_shapes.SegmentUsers, (JSON, *streaming.STREAMS.values())),
            400: _WRONG,
            404: _UNKNOWN,
        },
    )
)
async def get_users(request: web.Request) -> web.StreamResponse:
    """Answer one page of people with the cursor of the next, or all of them as a stream."""
    require(request, Scope.USERS)
    paging.only(request, frozenset({"cursor", "limit", "format"}))
    style, limit, after = streaming.style(request), paging.limit(request), _cursor(request)
    try:
        segment = (await _saved(request)).segment
    except UnknownSegment:
        return web.Response(status=404)
    if style is not None:
        return await _stream(request, segment, after, style)
    found, reached = await _page(request, segment, after, limit)
    more = None if reached is None else str(reached)
    return as_json({"items": [_somebody(each) for each in found], "next": more})


async def _page(request: web.Request, segment: Segment, after: int, limit: int) -> tuple[list[Found], int | None]:
    policy = request.app[CONTEXT].policy
    now, found, reached = policy.now(), list[Found](), after
    for _ in range(SLICES):
        more, next_key = await policy.ask(segments.users(segment, now, reached, limit - len(found)))
        found += more
        if next_key is None:
            return found, None
        reached = next_key
        if len(found) == limit or request.transport is None:
            break
    return found, reached


async def _stream(request: web.Request, segment: Segment, after: int, style: str) -> web.StreamResponse:
    policy = request.app[CONTEXT].policy
    now, left = policy.now(), paging.limit(request) if "limit" in request.query else None
    answer = streaming.stream(style)
    piece, reached = await policy.ask(segments.rows(segment, now, after, _Piece(style, left)))
    await answer.prepare(request)
    if request.method == "HEAD":
        return answer
    if style == "csv":
        await answer.write(f"{','.join(COLUMNS)}\n".encode())
    with streaming.seen_to_break(request):
        while request.transport is not None:
            await answer.write(piece.text)
            left = None if left is None else left - piece.rows
            if reached is None or left == 0:
                break
            piece, reached = await policy.ask(segments.rows(segment, now, reached, _Piece(style, left)))
    await answer.write_eof()
    return answer


class _Piece:
    """Makes text of one slice's rows, in the reading thread; `limit` is how many are wanted, None for all."""

    def __init__(self, style: str, limit: int | None) -> None:
        self._line = _csv_line if style == "csv" else transfer.ndjson_line
        self._limit = limit
        self.text = b""
        self.rows = 0

    def __call__(self, rows: Iterator[tuple[str, ...]]) -> _Piece:
        lines = [self._line(row) for row in islice(rows, self._limit)]
        self.text, self.rows = "".join(lines).encode("utf-8", "backslashreplace"), len(lines)
        return self


def _csv_line(row: tuple[str, ...]) -> str:
    """Write a row whose first four cells, which others wrote, no spreadsheet runs."""
    return transfer.csv_line((*map(streaming.harmless, row[:4]), *row[4:]))


def _read(tree: dict[str, Any]) -> tuple[str, Segment]:
    try:
        return filters.named(tree.get("name")), filters.read({k: v for k, v in tree.items() if k != "name"})
    except BadFilter as bad:
        raise BadField(bad.field, WRONG_VALUE, says=bad.says) from None


async def _saved(request: web.Request) -> Saved:
    """Read the segment in the path; raises UnknownSegment."""
    return await request.app[CONTEXT].policy.ask(segments.one(request.match_info["name"]))


def _cursor(request: web.Request) -> int:
    cursor = request.query.get("cursor", "0")
    if not paging.is_number(cursor):
        raise BadField("cursor", WRONG_FORMAT)
    return int(cursor)


def _told(saved: Saved) -> dict[str, Any]:
    return {"name": saved.name, **filters.written(saved.segment), "created": times.written(saved.created_at)}


def _somebody(found: Found) -> dict[str, Any]:
    person, standing = found.person, found.standing
    return {
        "id": person.id,
        "xngId": person.xng_id,
        "email": person.email,
        "businessUnit": person.business_unit,
        "phones": {trait: number for trait, (number, _) in person.phones.items()},
        "blacklisted": standing.blacklisted is not None,
        "optOutAll": Channel.ALL in standing.opt_outs,
        "optOutChannels": _channels(standing.opt_outs),
    }


def _channels(opt_outs: Iterable[Channel]) -> list[str]:
    return sorted(channel.value for channel in opt_outs if channel is not Channel.ALL)
