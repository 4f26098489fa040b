r"""Segments: saved filters, and the people whom a filter means (policy/segments.py says what it means).

People are users and leads, who have a name: an id, an e-mail address or a number. A kept address is nobody's, and
nobody can do anything with a visitor of whom nothing is known.

They are looked through in the order of their keys, slice by slice, each slice a read of its own: the log can be
checkpointed in between, and nobody waits. A person's events and registers are found by their indexes. An index of
events by name and time would find rare events sooner, and would cost each row of an import 5 to 8 % more, whether or
not anybody ever asks; so a filter costs what walking over all people costs, and no more.

Nothing of a filter ever stands in a statement. Names and values are bound; what the statement is made of are the
constants of this file. A property is looked for by json_each and not by a path, because no quoting of names in paths
holds for all names. SQLite cuts a text of JSON off at a NUL, so that "a" would equal "a\0b": the escape of a NUL is
read as that of U+FFFF, which no filter can hold, and neither can one hold the letters of either escape.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import orjson

from policy import segments, state
from policy.events import Kind
from policy.model import Channel, Microseconds
from policy.segments import Events, Segment, Value
from policy.store import exporting, journal, people
from policy.store.lookups import Found

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
Rows = Iterator[tuple[str, ...]]

MOST = 1000  # segments of a store
SLICE = 2000  # keys that one read looks through


class UnknownSegment(LookupError):
    """No segment has this name."""


class SegmentTaken(Exception):
    """The name is another filter's already."""


class TooManySegments(Exception):
    """The store has as many segments as it may have."""


class Saved(NamedTuple):
    """A filter under its name, and since when."""

    name: str
    segment: Segment
    created_at: Microseconds


class Slice(NamedTuple):
    """What was found in one slice, and the key behind which to go on; None where nobody is left."""

    found: list[Found]
    reached: int | None


# Saving


def save(name: str, segment: Segment, now: Microseconds) -> Job[bool]:
    """Make the job that saves a filter, and tells whether it is new.

    It raises SegmentTaken where the name has another filter, and TooManySegments.
    """

    def job(connection: sqlite3.Connection) -> bool:
        there = connection.execute("SELECT filter FROM segment WHERE name = ?", (name,)).fetchone()
        text = orjson.dumps(segments.written(segment)).decode()
        if there is not None:
            if segments.read(orjson.loads(there[0])) != segment:
                raise SegmentTaken
            return False
        if connection.execute("SELECT count(*) FROM segment").fetchone()[0] >= MOST:
            raise TooManySegments
        connection.execute("INSERT INTO segment VALUES (?, ?, ?)", (name, text, now))
        return True

    return job


def remove(name: str) -> Job[None]:
    """Make the job that takes a segment away; it raises UnknownSegment."""

    def job(connection: sqlite3.Connection) -> None:
        if not connection.execute("DELETE FROM segment WHERE name = ?", (name,)).rowcount:
            raise UnknownSegment(name)

    return job


def one(name: str) -> Job[Saved]:
    """Make the read of one segment; it raises UnknownSegment."""

    def read(connection: sqlite3.Connection) -> Saved:
        row = connection.execute("SELECT name, filter, created_at FROM segment WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise UnknownSegment(name)
        return _saved(row)

    return read


def page(after: str, limit: int) -> Job[list[Saved]]:
    """Make the read of the segments behind a name, in the order of their names."""
    query = "SELECT name, filter, created_at FROM segment WHERE name > ? ORDER BY name LIMIT ?"
    return lambda connection: [_saved(row) for row in connection.execute(query, (after, limit))]


def _saved(row: tuple[str, str, int]) -> Saved:
    name, text, created_at = row
    return Saved(name, segments.read(orjson.loads(text)), Microseconds(created_at))


# People


def users(segment: Segment, now: Microseconds, after: int, limit: int) -> Job[Slice]:
    """Make the read of a segment's people behind a key, as Found, as far as one slice goes."""
    query, values = _query("p.pk", segment, now)

    def read(connection: sqlite3.Connection) -> Slice:
        with _at_one_moment(connection):
            last, end = _bounds(connection, after)
            found = [
                pk for (pk,) in connection.execute(f"{query} ORDER BY p.pk LIMIT ?", (*values, after, last, limit))
            ]
            reached = found[-1] if len(found) == limit else last
            return Slice([_found(connection, pk) for pk in found], None if reached >= end else reached)

    return read


def rows(segment: Segment, now: Microseconds, after: int, take: Callable[[Rows], T]) -> Job[tuple[T, int | None]]:
    """Make the read of all of a segment's people in the slice behind a key, as rows of an export.

    Gives what `take` makes of the rows, and the key behind which to go on, None where nobody is left.
    """
    query, values = _query("p.pk, p.external_id, p.email, p.business_unit, p.phones", segment, now)

    def read(connection: sqlite3.Connection) -> tuple[T, int | None]:
        with _at_one_moment(connection):
            last, end = _bounds(connection, after)
            persons = connection.execute(f"{query} ORDER BY p.pk", (*values, after, last))
            made = take(exporting.some(connection, persons, after, last))
            return made, None if last >= end else last

    return read


@contextlib.contextmanager
def _at_one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _bounds(connection: sqlite3.Connection, after: int) -> tuple[int, int]:
    """Give the last key of a slice, and that of all people."""
    end = connection.execute("SELECT coalesce(max(pk), 0) FROM person").fetchone()[0]
    return min(after + SLICE, max(end, after)), end


def _found(connection: sqlite3.Connection, pk: int) -> Found:
    person = people.by_pk(connection, pk)
    if person is None:  # which cannot be: it is the moment at which the key was found
        raise LookupError(pk)
    return Found(person, state.standing(people.registers(connection, pk)))


# Filters as SQL

_NAMED = "p.kept = 0 AND (p.external_id IS NOT NULL OR p.email IS NOT NULL OR p.phones != '{}')"

_SUPPRESSED = """EXISTS (
  SELECT 1 FROM register r WHERE r.person = p.pk AND r.kind = ? AND r.channel IN (?, 'ALL')
    AND r.suppressed_at > 0 AND r.suppressed_at >= r.released_at AND NOT EXISTS (
      SELECT 1 FROM register a WHERE a.person = r.person AND a.kind = r.kind AND a.channel = r.channel
        AND a.origin = '*' AND a.number = '' AND a.released_at > r.suppressed_at))"""
_HAS = """EXISTS (
  SELECT 1 FROM json_each(replace(e.body, '\\u0000', '\\uffff'), '$.properties') j WHERE j.key = ? AND {})"""

Conditions = Iterator[tuple[str, tuple[Any, ...]]]


def _query(columns: str, segment: Segment, now: Microseconds) -> tuple[str, list[Any]]:
    """Compile a filter to a query; behind its own values it takes the key to begin behind and the last one."""
    conditions = [(_NAMED, ()), *_conditions(segment, now)]
    where = " AND ".join(text for text, _ in conditions)
    values = [value for _, bound in conditions for value in bound]
    return f"SELECT {columns} FROM person p WHERE {where} AND p.pk > ? AND p.pk <= ?", values  # noqa: S608 (constants)


def _conditions(segment: Segment, now: Microseconds) -> Conditions:
    if segment.blacklisted is not None:
        yield _is(_SUPPRESSED, segment.blacklisted), (Kind.BLACKLIST.value, Channel.ALL.value)
    for channel, wanted in segment.opted_out:
        yield _is(_SUPPRESSED, wanted), (Kind.OPT_OUT.value, channel.value)
    if segment.events is not None:
        yield _counted(segment.events, now)


def _is(condition: str, wanted: bool) -> str:  # noqa: FBT001 (a value of the filter)
    return condition if wanted else f"NOT {condition}"


def _counted(events: Events, now: Microseconds) -> tuple[str, tuple[Any, ...]]:
    """Ask for as many events as are wanted, and never read more of them than tell."""
    conditions = list(_fitting(events, now))
    where = " AND ".join(("e.person = p.pk", *(text for text, _ in conditions)))
    values = tuple(value for _, bound in conditions for value in bound)
    of = f"SELECT 1 FROM event e WHERE {where}"  # noqa: S608 (constants)
    if (events.at_least, events.at_most) == (1, None):
        return f"EXISTS ({of})", values
    enough = events.at_least if events.at_most is None else events.at_most + 1
    most = enough if events.at_most is None else events.at_most
    return f"(SELECT count(*) FROM ({of} LIMIT ?)) BETWEEN ? AND ?", (*values, enough, events.at_least, most)  # noqa: S608 (constants)


def _fitting(events: Events, now: Microseconds) -> Conditions:
    yield "e.kind = ?", (journal.Kind.TOLD.value,)
    since = events.starts(now)
    told: dict[str, Any] = {
        "e.name = ?": events.name,
        "e.effective_at >= ?": since,
        "e.effective_at < ?": events.until,
        "e.channel = ?": None if events.channel is None else events.channel.value,
        "e.origin = ?": events.origin,
    }
    for condition, value in told.items():
        if value is not None:
            yield condition, (value,)
    for name, value in events.properties:
        yield _property(name, value)


def _property(name: str, value: Value) -> tuple[str, tuple[Any, ...]]:
    if isinstance(value, bool):
        return _HAS.format("j.type = ?"), (name, "true" if value else "false")
    kinds = "('text')" if isinstance(value, str) else "('integer', 'real')"
    return _HAS.format(f"j.type IN {kinds} AND j.atom = ?"), (name, value)
