"""Statistics: how many statements the journal has, and how many records there are, by day or by what they say.

Counting goes over stretches of the journal, or of the records, each a read of its own: a year's counts hold up nobody.
A statement counts at the time it counts from, which is not later than its arrival unless a clock was set back, and
entries stand in the order of their arrival. So counting begins where arrivals begin to be late enough, less LAG, which
is found by halving. Where a clock was set back by more than LAG, counts of old days may miss some: an index of times
would not, and each import would pay for it.

Statements are counted and not people: who opts out twice counts twice. What was pruned is not counted any more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from policy.events import Word
from policy.model import Microseconds
from policy.store import journal, records

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
Counted = dict[str | int | None, tuple[int, ...]]  # a day is the number of days since 1970

STRETCH = 50_000  # entries of the journal, or records, that one read looks through
LAG = 86_400_000_000  # microseconds
DAY = 86_400_000_000
LONGEST = 100  # letters of a campaign; links have no more


@dataclass(frozen=True, slots=True)
class Span:
    """Times from the first up to the second, which is out, and the numbers between which the rows of that time lie.

    Rows are behind `after` and up to `last`.
    """

    since: Microseconds
    until: Microseconds
    after: int
    last: int


def stretches(span: Span) -> Iterator[Span]:
    """Cut a span into what one read looks through."""
    for after in range(span.after, span.last, STRETCH):
        yield replace(span, after=after, last=min(after + STRETCH, span.last))


_CAMPAIGN = """CASE json_type(body, '$.properties.campaign') WHEN 'text'
  THEN substr(json_extract(body, '$.properties.campaign'), 1, ?) ELSE '' END"""
STATEMENTS: Mapping[str, str] = {
    "day": f"effective_at / {DAY}",
    "channel": "channel",
    "origin": "origin",
    "campaign": _CAMPAIGN.replace("?", str(LONGEST)),
}
WORDS = (Word.OPT_OUT, Word.OPT_IN, Word.BLACKLISTED, Word.WHITELISTED)  # in the order of their counts
FAILED: Mapping[str, str] = {
    "day": f"time / {DAY}",
    **{name: f"coalesce({name}, '')" for name in ("channel", "origin", "campaign", "reason", "route", "sender")},
}


def span_of_statements(since: Microseconds, until: Microseconds) -> Job[Span]:
    """Make the read that says where in the journal the statements of a time may stand."""

    def read(connection: sqlite3.Connection) -> Span:
        last = journal.last_sequence(connection)
        first = connection.execute("SELECT min(sequence) FROM event").fetchone()[0] or last + 1
        after, through = first - 1, last
        while after < through:  # all up to `after` arrived too early, none behind `through` did
            middle = (after + through + 1) // 2
            if _arrived(connection, middle) < since - LAG:
                after = middle
            else:
                through = middle - 1
        return Span(since, until, after, last)

    return read


def _arrived(connection: sqlite3.Connection, sequence: int) -> int:
    query = "SELECT arrived_at FROM event WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1"
    return int(connection.execute(query, (sequence,)).fetchone()[0])


def statements(span: Span, by: str) -> Job[Counted]:
    """Make the read that counts a span's statements by a column of STATEMENTS, for each of WORDS."""
    query = (
        f"SELECT {STATEMENTS[by]} AS value, {_of_each('name = ?', len(WORDS))} FROM event"  # noqa: S608 (constants)
        " WHERE sequence > ? AND sequence <= ? AND kind = ? AND name IN (?, ?, ?, ?)"
        " AND effective_at >= ? AND effective_at < ? GROUP BY value"
    )
    words = [word.value for word in WORDS]
    values = (*words, span.after, span.last, journal.Kind.TOLD.value, *words, span.since, span.until)
    return lambda connection: _counted(connection, query, values)


def _of_each(condition: str, count: int) -> str:
    return ", ".join([f"count(*) FILTER (WHERE {condition})"] * count)


def span_of_failed(since: Microseconds, until: Microseconds) -> Job[Span]:
    """Make the read that says between which ids the records of a time lie."""

    def read(connection: sqlite3.Connection) -> Span:
        after, before = records.between(connection, since, until)
        return Span(since, until, after, before - 1)

    return read


def failed(span: Span, by: str) -> Job[Counted]:
    """Make the read that counts a span's records, and the recipients in them, by a column of FAILED."""
    query = (
        f"SELECT {FAILED[by]} AS value, count(*), sum(recipients) FROM dispatch_failed"  # noqa: S608 (constants)
        " WHERE id > ? AND id <= ? AND +time >= ? AND +time < ? GROUP BY value"
    )
    values = (span.after, span.last, span.since, span.until)
    return lambda connection: _counted(connection, query, values)


def _counted(connection: sqlite3.Connection, query: str, values: tuple[object, ...]) -> Counted:
    return {value: tuple(counts) for value, *counts in connection.execute(query, values)}
