"""Walks over everything that may name somebody, by patterns that find too much rather than too little.

No index leads to the rows that mention an address somewhere in their text. What a walk finds is read closely by
whoever walked (surveying.py), and later walks need only go over what has come since (`Extent`).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import orjson

from policy.events import Erasure, Event
from policy.store import journal

_PLAIN: Final = re.compile(r"[a-z0-9.+_-]+")
_ACE: Final = re.compile(r"xn--([a-z0-9-]+)")
_ENTRIES: Final = "SELECT sequence, person, kind, name, channel, origin, source, body FROM event"
_OF_KINDS: Final = "kind IN ('told', 'profile', 'departure', 'unplaced', 'listing')"


class Extent(NamedTuple):
    """How far a walk went: the newest journal entry, record and blacklist entry that it met."""

    sequence: int = 0
    record: int = 0
    listed: int = 0


@dataclass(slots=True)
class Candidates:
    """Rows that may name somebody: journal entries with who told them, persons, records and blacklist entries."""

    entries: list[tuple[int, int | None, Event]] = field(default_factory=list)
    persons: list[int] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    listed: list[int] = field(default_factory=list)


def walk(connection: sqlite3.Connection, patterns: Iterable[str], since: Extent | None = None) -> Candidates:
    """Find all rows that fit a pattern, whatever it stands in; only those that came `since`, and who told them."""
    wanted = sorted(patterns)
    extent = since or Extent()
    where, values = _fitting(wanted, "body")
    entries = list(told_by(connection, f"sequence > ? AND {where}", [extent.sequence, *values]))
    where, values = _fitting(wanted, "address", "place", "campaign")
    records = _keys(connection, "id", f"dispatch_failed WHERE id > ? AND {where}", [extent.record, *values])
    where, values = _fitting(wanted, "reason")
    listed = _keys(connection, "pk", f"blacklist WHERE pk > ? AND {where}", [extent.listed, *values])
    if since:
        return Candidates(entries, [pk for _, pk, _ in entries if pk is not None], records, listed)
    where, values = _fitting(wanted, "traits")
    return Candidates(entries, _keys(connection, "pk", f"person WHERE kept = 0 AND {where}", values), records, listed)


def again(
    connection: sqlite3.Connection, patterns: Iterable[str], before: Erasure, records: Iterable[int], extent: Extent
) -> Candidates:
    """List what was found before, and what has come since."""
    new = walk(connection, patterns, extent)
    theirs = [entry for pk in before.people for entry in told_by(connection, "person = ?", (pk,))]
    others = [entry for number in before.entries for entry in told_by(connection, "sequence = ?", (number,))]
    return Candidates(
        [*theirs, *others, *new.entries],
        sorted({*before.mentioned_by, *new.persons}),
        sorted({*records, *new.records}),
        sorted({*before.listed, *new.listed}),
    )


def extent(connection: sqlite3.Connection) -> Extent:
    """Say how far a walk goes that is made now."""
    record, listed = (
        int(connection.execute(f"SELECT max({key}) FROM {table}").fetchone()[0] or 0)  # noqa: S608 (constants)
        for key, table in (("id", "dispatch_failed"), ("pk", "blacklist"))
    )
    return Extent(journal.last_sequence(connection), record, listed)


def told_by(
    connection: sqlite3.Connection, where: str, values: Sequence[object]
) -> Iterator[tuple[int, int | None, Event]]:
    """Read entries that name somebody; a merge names nobody whom its profile does not."""
    query = f"{_ENTRIES} WHERE {_OF_KINDS} AND {where} ORDER BY sequence"
    for sequence, pk, kind, name, channel, origin, source, body in connection.execute(query, values):
        yield sequence, pk, journal.event_of(kind, name, channel, origin, source, orjson.loads(body))


def namings(connection: sqlite3.Connection, pk: int) -> Iterator[tuple[int, int | None, Event]]:
    """Read those of a person's entries that name them: of events which name them alike, one.

    Sorting those out is left to SQLite, which meanwhile keeps no other thread waiting; there may be thousands.
    """
    names = ", ".join(f"json_extract(body, '$.{name}')" for name in ("id", "email", "emailKeys", "phone", "phoneKeys"))
    alone = "CASE kind WHEN 'told' THEN 0 ELSE sequence END"
    firsts = f"SELECT min(sequence) FROM event WHERE person = ? AND {_OF_KINDS} GROUP BY {alone}, {names}"  # noqa: S608 (constants)
    return told_by(connection, f"sequence IN ({firsts})", (pk,))


def _keys(connection: sqlite3.Connection, key: str, where: str, values: Sequence[object]) -> list[int]:
    return [found for (found,) in connection.execute(f"SELECT {key} FROM {where}", values)]  # noqa: S608 (constants)


def _fitting(wanted: Sequence[str], *columns: str) -> tuple[str, list[str]]:
    tests = [f"{column} LIKE ? ESCAPE '\\'" for column in columns for _ in wanted]
    return f"({' OR '.join(tests) or '0'})", [*wanted] * len(columns)


# Patterns (SQL's LIKE)


def address_patterns(text: str) -> Iterator[str]:
    """Make the patterns of an address, with anything where spellings or encodings may differ.

    A domain that was told in letters is known as `xn--…`, which has other letters, or with `ss` for an ß.
    """
    for spelling in {text.lower(), _ACE.sub(_letters, text.lower())}:
        yield f"%{'%'.join(_escaped(run) for run in _PLAIN.findall(spelling.replace('ss', ' ')))}%"


def _letters(label: re.Match[str]) -> str:
    try:
        return label[1].encode().decode("punycode")
    except UnicodeError:
        return label[0]


def id_pattern(external_id: str) -> str:
    """Make the pattern of an external id in the body of a journal entry."""
    return f'%"id":{_escaped(orjson.dumps(external_id).decode())}%'


def _escaped(text: str) -> str:
    return re.sub(r"[\\%_]", r"\\\g<0>", text)
