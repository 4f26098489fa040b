"""Removing the people whom blacklist entries stand for, in steps that hold up nobody.

A person goes in one short transaction: profile, addresses and standing, and what suppresses stays as keyed hashes, as
with an erasure (erasing.py), whose entry it gets in the journal. Their journal entries and records, which may be
thousands, are veiled after that, some at a time; `removing` says whose are left, so a gate that was killed goes on with
them. Telling the journal again veils all at once, and ends in the same.

What their devices did goes too where it was told of somebody else, who had the device as well: nothing is left of it
but that they had it, and the effect of a no.

Other than an erasure this walks through no journal: what goes is what indexes lead to. A mention of an address in
somebody else's entry stays, and so do the entries of who was deleted before. The address stands in the entry anyway.

Whom an entry stands for is asked again in the transaction (screening.py), because entries and people change meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from policy import identity, visitors
from policy.events import Erasure
from policy.model import Microseconds
from policy.scopes import Units
from policy.store import devices, erasing, journal, people, surveying
from policy.store.digests import Digests
from policy.store.screening import Screen
from policy.veiling import Veils

CHUNK: Final = 20  # journal entries or records of one transaction; each takes some 50 µs
WINDOW: Final = 1000  # blacklist entries, or persons, of one read
TOGETHER: Final = 20  # persons of one transaction

_CALLED: Final = (
    f"iif(instr(traits, '\"{visitors.TRAIT}\"') AND instr(traits, '@'), traits, '{{}}')"  # else no device is
)
_PERSONS: Final = (
    f"SELECT pk, email_key, email, business_unit, {_CALLED} FROM person"  # noqa: S608 (constants)
    " WHERE pk > ? AND kept = 0 ORDER BY pk LIMIT ?"
)
_ENTRIES: Final = (
    "SELECT pk, key, address, scope FROM blacklist"
    " WHERE pk > ? AND pk <= ? AND (until IS NULL OR until >= ?) AND instr(key, '@') > 1"
)
_COVERED: Final = (
    "SELECT k.entry, p.pk, e.scope, p.business_unit FROM blacklist e"
    " CROSS JOIN blacklist_key k ON k.entry = e.pk AND k.pattern IS NULL"
    " CROSS JOIN address a ON a.digest = k.digest"
    " CROSS JOIN person p ON p.pk = a.person AND p.kept = 0"
    " WHERE e.pk > ? AND e.pk <= ? AND (e.until IS NULL OR e.until >= ?) ORDER BY k.entry, p.pk"
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is removed: for which business units a scope counts, and what time it is; who says so."""

    digests: Digests
    units: Units
    now: Microseconds
    origin: str = ""
    source: str = "blacklists.removal"


@dataclass(frozen=True, slots=True)
class Window:
    """What a read found: groups of persons to be removed together, and behind what to go on; None at the end."""

    groups: Sequence[tuple[int, ...]]
    last: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """Persons as they were surveyed: what erases them, their external ids, and how they looked."""

    erasure: Erasure
    ids: tuple[str, ...]
    records: int
    looks: tuple[object, ...]


# Finding whom entries stand for


def under_entries(rules: Rules, after: int) -> Callable[[sqlite3.Connection], Window]:
    """Make the read of whom some entries of addresses stand for, each entry's persons together."""

    def read(connection: sqlite3.Connection) -> Window:
        last = connection.execute("SELECT max(pk) FROM blacklist").fetchone()[0] or 0
        found: dict[int, list[int]] = {}
        for entry, pk in _covered(connection, rules, after, after + WINDOW):
            found.setdefault(entry, []).append(pk)
        groups = [group for pks in found.values() for group in _groups(pks)]
        return Window(groups, after + WINDOW if after + WINDOW < last else None)

    return read


def under_patterns(rules: Rules, fits: Callable[[Sequence[str], str], bool], after: int) -> Callable[..., Window]:
    """Make the read of those among some persons whom patterns stand for; no index leads to them.

    `fits` tells of keys and a business unit whether it may be so, and tells it quickly: of most people it is not.
    """

    def read(connection: sqlite3.Connection) -> Window:
        rows = connection.execute(_PERSONS, (after, WINDOW)).fetchall()
        screen = Screen(connection, rules.digests, rules.units, rules.now)
        keyed = ((pk, _email_keys(key, email, traits), unit) for pk, key, email, unit, traits in rows)
        groups = [(pk,) for pk, keys, unit in keyed if keys and fits(keys, unit) and screen.covers(keys, unit)]
        return Window(groups, rows[-1][0] if len(rows) == WINDOW else None)

    return read


def under_one(rules: Rules, entry: int) -> Callable[[sqlite3.Connection], Window]:
    """Make the read of whom one entry of an address stands for, by its number in the table."""

    def read(connection: sqlite3.Connection) -> Window:
        return Window(_groups([pk for _, pk in _covered(connection, rules, entry - 1, entry)]), None)

    return read


def _covered(connection: sqlite3.Connection, rules: Rules, after: int, last: int) -> Iterator[tuple[int, int]]:
    """Give some entries with the persons whom they stand for: who has the address, or a device that is called by it."""
    span = (after, last, rules.now)
    for entry, pk, scope, unit in connection.execute(_COVERED, span):
        if rules.units.counts(scope, unit):
            yield entry, pk
    if connection.execute("SELECT 1 FROM device LIMIT 1").fetchone() is None:
        return
    for entry, key, address, scope in connection.execute(_ENTRIES, span).fetchall():
        called = {name: devices.having(connection, rules.digests, name) for name in {key, address.lower()}}
        owners = {person.pk: person for persons in called.values() for person in persons}
        yield from ((entry, pk) for pk, each in owners.items() if rules.units.counts(scope, each.business_unit))


def _email_keys(key: str | None, email: str | None, traits: str) -> tuple[str, ...]:
    """Give all keys of somebody's e-mail, and of the devices that are called by one.

    An e-mail has one key unless its domain is written in letters of which standards differ.
    """
    called = (each for keys in visitors.addresses(orjson.loads(traits)) for each in keys) if traits != "{}" else ()
    if key is None:
        return tuple(called)
    return (key, *(identity.email_keys(email or "") if "xn--" in key else ()), *called)


def _groups(pks: Sequence[int]) -> list[tuple[int, ...]]:
    distinct = sorted(set(pks))
    return [tuple(distinct[start : start + TOGETHER]) for start in range(0, len(distinct), TOGETHER)]


# Taking persons away


def survey(rules: Rules, pks: tuple[int, ...]) -> Callable[[sqlite3.Connection], Found]:
    """Make the read that finds what is to be known of persons before they are taken away."""

    def read(connection: sqlite3.Connection) -> Found:
        connection.execute("BEGIN")
        try:
            found, ids = surveying.exactly(connection, rules.digests, pks)
            by_device = tuple(devices.done_by(connection, pks))
            erasure = replace(found.erasure, emptied=by_device, origin=rules.origin, source=rules.source)
            return Found(erasure, tuple(sorted(ids)), len(found.records), _looks(connection, pks))
        finally:
            connection.execute("COMMIT")

    return read


def take_away(rules: Rules, found: Found) -> Callable[[sqlite3.Connection], int]:
    """Make the transaction that takes persons away; gives how many: none if they, or the entries, changed meanwhile."""

    def transaction(connection: sqlite3.Connection) -> int:
        pks = found.erasure.people
        screen = Screen(connection, rules.digests, rules.units, rules.now)
        persons = [people.by_pk(connection, pk) for pk in pks]
        if found.looks != _looks(connection, pks) or not all(p and screen.covers_person(p) for p in persons):
            return 0
        events = sum(_events_of(connection, pk) for pk in pks) + len(found.erasure.emptied)
        counts = Counter(dict.fromkeys((*erasing.COUNTED, erasing.KEPT), 0))
        counts.update(event=events, dispatch_failed=found.records)
        erasing.take_away(connection, pks, rules.now, counts)
        sequence = erasing.write_down(connection, found.erasure, counts, rules.now)
        ids = orjson.dumps(found.ids).decode()
        connection.executemany("INSERT INTO removing VALUES (?, ?, ?)", [(pk, sequence, ids) for pk in pks])
        connection.execute(_COUNT_PEOPLE, (len(pks),))
        return len(pks)

    return transaction


def _looks(connection: sqlite3.Connection, pks: Sequence[int]) -> tuple[object, ...]:
    """Give what changes whenever something is told of a person, or their addresses are read in another way."""
    query = "SELECT max(sequence) FROM event WHERE person = ?"
    return tuple(
        (pk, connection.execute(query, (pk,)).fetchone()[0], frozenset(people.addresses(connection, pk))) for pk in pks
    )


def _events_of(connection: sqlite3.Connection, pk: int) -> int:
    return int(connection.execute("SELECT count(*) FROM event WHERE person = ?", (pk,)).fetchone()[0])


# Veiling what is left of them


def go_on(digests: Digests) -> Callable[[sqlite3.Connection], bool]:
    """Make the transaction that veils some of what is left of persons who were taken away; false if nothing is."""

    def transaction(connection: sqlite3.Connection) -> bool:
        row = connection.execute("SELECT person, erasure, ids FROM removing ORDER BY person LIMIT 1").fetchone()
        if row is None:
            return False
        pk, sequence, ids = row
        erasure = _erasure(connection, pk, sequence)
        veils = erasing.veils_of(connection, digests, erasure)
        done = (
            _blot_out(connection, erasure, orjson.loads(ids), veils)
            or _veil(connection, digests, pk, veils)
            or erasing.empty(connection, digests, erasure.emptied, veils, CHUNK)
        )
        connection.execute(_COUNT_EVENTS, (done,))
        if not done:
            connection.execute("DELETE FROM removing WHERE person = ?", (pk,))
        return True

    return transaction


def left(connection: sqlite3.Connection) -> bool:
    """Tell whether something is left of persons who were taken away."""
    return connection.execute("SELECT 1 FROM removing LIMIT 1").fetchone() is not None


def _erasure(connection: sqlite3.Connection, pk: int, sequence: int) -> Erasure:
    """Read what took a person away; if the journal forgot it already, everything that names them is theirs."""
    row = connection.execute("SELECT origin, source, body FROM event WHERE sequence = ?", (sequence,)).fetchone()
    if row is None:
        return Erasure((pk,), (), ())
    origin, source, body = row
    return journal.erasure_of(origin, source, orjson.loads(body))


def _blot_out(connection: sqlite3.Connection, erasure: Erasure, ids: Sequence[str], veils: Veils) -> int:
    """Blot out some records of what was not sent; gives how many."""
    named = [("digest", bytes.fromhex(digest)) for digest in erasure.digests] + [("user", each) for each in ids]
    for column, value in named:
        query = f"SELECT id FROM dispatch_failed WHERE {column} = ? LIMIT ?"  # noqa: S608 (constants)
        numbers = connection.execute(query, (value, CHUNK)).fetchall()
        for (number,) in numbers:
            erasing.blot_out_one(connection, number, veils)
        if numbers:
            return len(numbers)
    return 0


def _veil(connection: sqlite3.Connection, digests: Digests, pk: int, veils: Veils) -> int:
    """Veil some journal entries of a person, the oldest first; gives how many."""
    query = f"SELECT {erasing.ENTRY} FROM event WHERE person = ? ORDER BY sequence LIMIT ?"  # noqa: S608 (constants)
    rows = connection.execute(query, (pk, CHUNK)).fetchall()
    for row in rows:
        erasing.veil_entry(connection, digests, row, veils)
    connection.executemany("UPDATE event SET person = NULL WHERE sequence = ?", [row[:1] for row in rows])
    return len(rows)


# Nights


_COUNT_PEOPLE: Final = "UPDATE removal SET people = people + ? WHERE ended_at IS NULL"
_COUNT_EVENTS: Final = "UPDATE removal SET events = events + ? WHERE ended_at IS NULL"


@dataclass(frozen=True, slots=True)
class Night:
    """What one night's removal did: persons, and journal entries and records that named them."""

    due_at: Microseconds
    ended_at: Microseconds
    people: int
    events: int


def last(connection: sqlite3.Connection) -> Night | None:
    """Read the last removal that ended."""
    query = "SELECT due_at, ended_at, people, events FROM removal WHERE ended_at IS NOT NULL ORDER BY due_at DESC"
    row = connection.execute(query).fetchone()
    return None if row is None else Night(*row)


def needless(connection: sqlite3.Connection) -> bool:
    """Tell whether there is no entry and nothing left to do."""
    return not left(connection) and connection.execute("SELECT 1 FROM blacklist LIMIT 1").fetchone() is None


def begin(due_at: Microseconds, now: Microseconds) -> Callable[[sqlite3.Connection], None]:
    """Make the transaction that begins a night's removal, or goes on with it: one that never ended is this one."""

    def transaction(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM removal WHERE ended_at IS NULL AND due_at > ?", (due_at,))  # a clock went back
        connection.execute(
            "UPDATE OR REPLACE removal SET due_at = ? WHERE due_at ="
            " (SELECT max(due_at) FROM removal WHERE ended_at IS NULL)",
            (due_at,),
        )
        connection.execute("INSERT OR IGNORE INTO removal (due_at, started_at) VALUES (?, ?)", (due_at, now))

    return transaction


def end(due_at: Microseconds, now: Microseconds) -> Callable[[sqlite3.Connection], Night]:
    """Make the transaction that ends a night's removal."""

    def transaction(connection: sqlite3.Connection) -> Night:
        connection.execute("UPDATE removal SET ended_at = ? WHERE due_at = ?", (now, due_at))
        people, events = connection.execute("SELECT people, events FROM removal WHERE due_at = ?", (due_at,)).fetchone()
        return Night(due_at, now, people, events)

    return transaction
