"""Statistics: how many people said no, and how much was not sent, by day or by what it was about.

Days are those of UTC, and each day of the time that is asked for has its line. Of anything else there are the most
frequent values first; beyond MOST of them, which only names of campaigns can be, the others count together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiohttp import web

from policy import times
from policy.model import Microseconds
from policy.store import statistics
from policy.store.statistics import DAY, Counted, Job, Span
from proxy.api import own_shapes, paging, reading, shapes, streaming
from proxy.api.access import require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import JSON, Answer, Operation, Parameter, described
from proxy.api.reading import UNKNOWN_VALUE, WRONG_VALUE, BadField
from proxy.config import Scope

DAYS: Final = 30  # that are counted where nothing else is asked for
MOST_DAYS: Final = 3660
FIRST_DAY: Final = times.read("0001-01-01T00:00:00Z").first  # that can be written
MOST: Final = 10_000  # values that are told apart
STATEMENTS: Final = ("opt_outs", "opt_ins", "blacklisted", "whitelisted")
FAILED: Final = ("records", "recipients")

_WRONG: Final = Answer("a field is not what it must be", own_shapes.ExplainedFault)


def _operation(says: str, shape: Any, by: Any) -> Operation:
    query = (
        Parameter("by", "what they are counted by; day if it is not given", by),
        Parameter("from", f"from this time on, with a zone; the last {DAYS} days if it is not given", shapes.Moment),
        Parameter("to", "before this time, with a zone; now if it is not given", shapes.Moment),
        Parameter("format", "instead of Accept", Literal["json", "csv"]),
    )
    answers = {200: Answer("the counts", shape, (JSON, streaming.STREAMS["csv"])), 400: _WRONG}
    return Operation(says, Scope.RECORDS, answers, query=query)


@described(
    _operation(
        "Counts who opted out or in, was blacklisted or whitelisted.",
        own_shapes.StatementCounts,
        Literal["day", "channel", "origin", "campaign"],
    )
)
async def get_opt_outs(request: web.Request) -> web.Response:
    """Count the statements of the journal."""
    counting = Counting(statistics.STATEMENTS, STATEMENTS, statistics.span_of_statements, statistics.statements)
    return await _counts(request, counting)


@described(
    _operation(
        "Counts what was not sent.",
        own_shapes.FailedCounts,
        Literal["day", "channel", "origin", "campaign", "reason", "route", "sender"],
    )
)
async def get_dispatch_failed(request: web.Request) -> web.Response:
    """Count the dispatch failed records."""
    return await _counts(request, Counting(statistics.FAILED, FAILED, statistics.span_of_failed, statistics.failed))


@dataclass(frozen=True, slots=True)
class Counting:
    """What can be counted by what, and how: the names of the counts, where the rows of a time lie, and the read."""

    by: Mapping[str, str]
    names: Sequence[str]
    span: Callable[[Microseconds, Microseconds], Job[Span]]
    count: Callable[[Span, str], Job[Counted]]


async def _counts(request: web.Request, counting: Counting) -> web.Response:
    require(request, Scope.RECORDS)
    paging.only(request, frozenset({"by", "from", "to", "format"}))
    policy = request.app[CONTEXT].policy
    style, by = streaming.style(request, ("csv",)), request.query.get("by", "day")
    if by not in counting.by:
        raise BadField("by", UNKNOWN_VALUE)
    since, until = _time_frame(request, policy.now())
    counted: Counted = {}
    span = await policy.ask(counting.span(since, until))
    for stretch in statistics.stretches(span):
        _add(counted, await policy.ask(counting.count(stretch, by)))
        if request.transport is None:  # nobody waits any more
            break
    if by == "day":
        _fill(counted, since, until, len(counting.names))
    items = [{by: value, **dict(zip(counting.names, counts, strict=True))} for value, counts in _ordered(counted, by)]
    if style is not None:
        lines = ([item[name] for name in (by, *counting.names)] for item in items)
        body = streaming.csv_lines([(by, *counting.names), *lines])
        return web.Response(body=body, content_type=streaming.STREAMS[style], charset="utf-8")
    told = {"from": times.written(since), "to": times.written(until), "by": by, "items": items, "next": None}
    return as_json(told)


def _time_frame(request: web.Request, now: Microseconds) -> tuple[Microseconds, Microseconds]:
    """Give the time that is asked for: its start, and its end, which is out."""
    stated = {name: reading.stated(request.query.get(name), name) for name in ("from", "to")}
    until = stated["to"].first if stated["to"] else Microseconds(now + 1)
    otherwise = Microseconds(max(((until - 1) // DAY - DAYS + 1) * DAY, FIRST_DAY))
    since = stated["from"].first if stated["from"] else otherwise
    if since >= until:
        raise BadField("to", WRONG_VALUE, says="it must be later than from")
    if until - since > MOST_DAYS * DAY:
        raise BadField("from", WRONG_VALUE, says=f"it must be at most {MOST_DAYS} days before to")
    return since, until


def _add(counted: Counted, more: Counted) -> None:
    """Add counts to others; of new values beyond the most they are added to those of none."""
    for value, counts in more.items():
        known = value in counted or len(counted) < MOST
        place = value if known else None
        held = counted.get(place, (0,) * len(counts))
        counted[place] = tuple(map(sum, zip(held, counts, strict=True)))


def _fill(counted: Counted, since: Microseconds, until: Microseconds, width: int) -> None:
    for day in range(since // DAY, (until - 1) // DAY + 1):
        counted.setdefault(day, (0,) * width)


def _ordered(counted: Counted, by: str) -> Iterable[tuple[str | None, tuple[int, ...]]]:
    """Order days as they come, and other values by how many there are; without a value, or with others, comes last."""
    if by == "day":
        days = sorted((day, counts) for day, counts in counted.items() if isinstance(day, int))
        return [(times.written(Microseconds(day * DAY))[:10], counts) for day, counts in days]
    told = [(None if value is None else str(value), counts) for value, counts in counted.items()]
    return sorted(told, key=lambda line: (line[0] is None, [-count for count in line[1]], line[0]))
