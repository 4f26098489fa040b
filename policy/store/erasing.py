"""Erasing somebody: every name goes from every table in one transaction, and what suppresses stays as keyed hashes.

Which rows those are was found out before (surveying.py) and stands in the event, as keys and sequence numbers, which
are the same in every store that was told the same journal. So a copy of the store to which the journal is told again
erases the same rows, without anybody having to know the clear address.

The person's own entries of the journal keep their effect and nothing else (policy/veiling.py). A journal that was
written after the erasure, told again behind a copy that was made before it, names by veils whom the copy knows by clear
names; `recognise` brings the two together.

The rows are overwritten with zeros where they lay, but a page of SQLite may hold older copies of rows between the rows,
from when it was split. `settling.py` sees to those, and to the log.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from policy import veiling, visitors
from policy.events import Departure, Erasure, Event, Learned, Listing, Profile, Told, Veil
from policy.model import Microseconds
from policy.store import blacklists, devices, journal, notices, people, settling
from policy.store.digests import ID_VEIL, Digests
from policy.store.facts import derive, derived
from policy.veiling import Veils

COUNTED: Final = ("person", "address", "register", "event", "dispatch_failed")
KEPT: Final = "kept"

_NAMELESS: Final = frozenset({*journal.CAUSED, journal.Kind.DELISTING, journal.Kind.ERASURE, journal.Kind.SETTLEMENT})
ENTRY: Final = "sequence, kind, name, channel, origin, source, body, effective_at, identity"


class OtherPeople(LookupError):
    """An erasure of the journal means people whom this store has under other keys: it is not of this store."""


def erase(
    connection: sqlite3.Connection,
    digests: Digests,
    erasure: Erasure,
    arrived: Microseconds,
    records: Iterable[int] = (),
) -> Learned:
    """Erase what an event says, and the records with these ids; what went is counted in the journal.

    Raises OtherPeople where a journal that is told again means others than the store has.
    """
    _check_people(connection, digests, erasure)
    veils = veils_of(connection, digests, erasure)
    counts = Counter(dict.fromkeys((*COUNTED, KEPT), 0))
    ids = _veil_entries(connection, digests, erasure, veils, counts)
    counts["event"] += empty(connection, digests, erasure.emptied, veils)
    _veil_traits(connection, digests, erasure.mentioned_by, veils)
    _veil_reasons(connection, erasure.listed, veils)
    _veil_filters(connection, veils)
    ids |= take_away(connection, erasure.people, arrived, counts)
    counts["dispatch_failed"] += _blot_out(connection, erasure, ids, records, veils)
    sequence = write_down(connection, erasure, counts, arrived)
    connection.executemany("DELETE FROM removing WHERE person = ?", [(pk,) for pk in erasure.people])
    settling.mark(connection, sequence)
    return Learned(sequence, arrived)


def _check_people(connection: sqlite3.Connection, digests: Digests, erasure: Erasure) -> None:
    """Make sure that the keys of the table mean those whose ids are veiled here."""
    persons = filter(None, (people.by_pk(connection, pk) for pk in erasure.people))
    if any(person.id is not None and digests.veiled_id(person.id) not in erasure.ids for person in persons):
        raise OtherPeople


def write_down(
    connection: sqlite3.Connection, erasure: Erasure, counts: Mapping[str, int], arrived: Microseconds
) -> int:
    """Write an erasure to the journal, with what it counted unless that stands in it, and give its place there."""
    journal.note_veils(connection)
    told = erasure if erasure.counts is not None else replace(erasure, counts=counts)
    entry = journal.Entry(
        arrived,
        arrived,
        None,
        journal.Kind.ERASURE,
        "User Erased",
        journal.body_of(told),
        origin=erasure.origin,
        source=erasure.source,
    )
    return journal.append(connection, [entry])


def counts_of(connection: sqlite3.Connection, sequence: int) -> dict[str, int]:
    """Read what an erasure counted."""
    (body,) = connection.execute("SELECT body FROM event WHERE sequence = ?", (sequence,)).fetchone()
    counts: dict[str, int] = orjson.loads(body)["counts"]
    return counts


def veils_of(connection: sqlite3.Connection, digests: Digests, erasure: Erasure) -> Veils:
    """Say how the names of an erasure are veiled."""
    gone, spared = (frozenset(map(bytes.fromhex, each)) for each in (erasure.digests, erasure.spared))
    ids = frozenset(erasure.ids)
    return Veils(
        key=digests.veiled,
        id=digests.veiled_id,
        notice=notices.veiled,
        is_gone=lambda key: digests.digest(key) in gone,
        is_gone_id=lambda external_id: digests.veiled_id(external_id) in ids,
        is_spared=lambda key: digests.digest(key) in spared,
        is_listed=lambda listing: blacklists.holds(connection, digests, listing),
    )


# The journal


def _veil_entries(
    connection: sqlite3.Connection, digests: Digests, erasure: Erasure, veils: Veils, counts: Counter[str]
) -> set[str]:
    """Veil the entries of the erased one and those that mention them; gives the clear ids that stood there."""
    ids: set[str] = set()
    for pk in erasure.people:
        for row in connection.execute(f"SELECT {ENTRY} FROM event WHERE person = ?", (pk,)).fetchall():  # noqa: S608 (constants)
            ids |= veil_entry(connection, digests, row, veils)
            counts["event"] += 1
        connection.execute("UPDATE event SET person = NULL WHERE person = ?", (pk,))
    for sequence in erasure.entries:
        for row in connection.execute(f"SELECT {ENTRY} FROM event WHERE sequence = ?", (sequence,)).fetchall():  # noqa: S608 (constants)
            event, veil = _event(row), _veil(digests, row)
            if event is not None:
                _rewrite(connection, row[0], veiling.partly(event, veils, veil))
                if isinstance(event, Listing):
                    _veil_reasons(connection, blacklists.rows_of(connection, digests, event), veils)
                counts["event"] += 1
    return ids


def veil_entry(connection: sqlite3.Connection, digests: Digests, row: tuple[Any, ...], veils: Veils) -> set[str]:
    """Veil an entry (a row of ENTRY) that is about the erased one; gives the clear ids that stood there."""
    sequence, kind, *_, text, _, _ = row
    event = _event(row)
    if event is not None:
        _rewrite(connection, sequence, veiling.whole(event, veils, _veil(digests, row)))
        return {external_id for external_id in (id_of(event),) if external_id and not external_id.startswith(ID_VEIL)}
    if kind == journal.Kind.MERGE:
        body = orjson.loads(text)
        told = {**body, "id": body["id"] and veils.id(body["id"])}
        connection.execute("UPDATE event SET body = ? WHERE sequence = ?", (orjson.dumps(told).decode(), sequence))
    return set()


def empty(
    connection: sqlite3.Connection, digests: Digests, sequences: Sequence[int], veils: Veils, most: int = -1
) -> int:
    """Leave of what devices did, as far as it is told of others, only that; gives how many entries, `most` at once."""
    there = f"SELECT {ENTRY} FROM event WHERE sequence IN (SELECT value FROM json_each(?)) AND {devices.OF_DEVICE}"  # noqa: S608 (constants)
    rows = connection.execute(f"{there} IS NOT NULL ORDER BY sequence LIMIT ?", (_json(sequences), most)).fetchall()
    for row in rows:
        event = _event(row)
        left = visitors.only_seen(event.properties) if isinstance(event, Told) else {}
        if event is not None:
            _rewrite(connection, row[0], veiling.emptied(event, left, veils, _veil(digests, row)))
        if not isinstance(event, Told):
            connection.execute("UPDATE event SET person = NULL WHERE sequence = ?", row[:1])
    return len(rows)


def _json(numbers: Sequence[int]) -> str:
    return orjson.dumps(numbers).decode()


def _event(row: tuple[Any, ...]) -> Event | None:
    """Make the event of an entry again, None for one that names nobody."""
    _, kind, name, channel, origin, source, body, _, _ = row
    return journal.event_of(kind, name, channel, origin, source, orjson.loads(body)) if kind not in _NAMELESS else None


def id_of(event: Event) -> str | None:
    """Give the external id that an event names."""
    if isinstance(event, Told):
        return event.subject.id
    return event.id if isinstance(event, Profile | Departure) else None


def _veil(digests: Digests, row: tuple[Any, ...]) -> Veil:
    """Say what an entry goes on saying about itself; one that has a veil keeps it."""
    *_, text, effective_at, identity = row
    known: dict[str, Any] | None = orjson.loads(text).get("veil")
    if known is not None:
        return Veil(Microseconds(known["at"]), known["identity"])
    return Veil(Microseconds(effective_at), digests.veiled_identity(identity).hex() if identity else "")


def _rewrite(connection: sqlite3.Connection, sequence: int, event: Event) -> None:
    """Write an entry anew; of two tellings of one statement, the older of which was forgotten, the newer is known."""
    body = orjson.dumps(journal.body_of(event)).decode()
    identity = journal.identity_of(event) if isinstance(event, Told) and event.veil else None
    taken = connection.execute("SELECT sequence FROM event WHERE identity = ?", (identity,)).fetchone()
    if taken is not None and taken[0] > sequence:
        identity = None
    elif taken is not None:
        connection.execute("UPDATE event SET identity = NULL WHERE sequence = ?", taken)
    connection.execute("UPDATE event SET body = ?, identity = ? WHERE sequence = ?", (body, identity, sequence))


# Persons


def _veil_traits(connection: sqlite3.Connection, digests: Digests, pks: Iterable[int], veils: Veils) -> None:
    """Take the erased one's addresses out of what is kept of others."""
    for pk in pks:
        for (text,) in connection.execute("SELECT traits FROM person WHERE pk = ?", (pk,)).fetchall():
            traits = veiling.walked(orjson.loads(text), veils)
            people.update(connection, pk, {"traits": orjson.dumps(traits).decode()})
            devices.write(connection, digests, pk, visitors.devices(traits))


def _veil_reasons(connection: sqlite3.Connection, pks: Iterable[int], veils: Veils) -> None:
    """Take the erased one's addresses out of the reasons of blacklist entries."""
    for pk in pks:
        for (reason,) in connection.execute("SELECT reason FROM blacklist WHERE pk = ?", (pk,)).fetchall():
            told = (veiling.text_without(reason, veils), pk)
            connection.execute("UPDATE blacklist SET reason = ? WHERE pk = ?", told)


def _veil_filters(connection: sqlite3.Connection, veils: Veils) -> None:
    """Take the erased one's addresses out of saved filters, which asked for them by the value of a property."""
    for name, text in connection.execute("SELECT name, filter FROM segment").fetchall():
        saved = orjson.loads(text)
        left = veiling.walked(saved, veils)
        if left != saved:
            connection.execute("UPDATE segment SET filter = ? WHERE name = ?", (orjson.dumps(left).decode(), name))


def take_away(
    connection: sqlite3.Connection, pks: Iterable[int], arrived: Microseconds, counts: Counter[str]
) -> set[str]:
    """Take persons away and keep what suppresses them; gives their external ids."""
    ids: set[str] = set()
    kept: set[bytes] = set()
    for person in filter(None, (people.by_pk(connection, pk) for pk in pks)):
        addresses = people.addresses(connection, person.pk)
        counts.update(person=1, address=len(addresses), register=len(people.registers(connection, person.pk)))
        people.keep(connection, addresses, person, former=None, now=arrived)
        people.remove(connection, person.pk)
        suppressed = derived(connection, addresses)
        derive(connection, suppressed)
        kept.update(suppressed)
        if person.id is not None:
            ids.add(person.id)
    counts[KEPT] = len(derived(connection, kept))
    return ids


# Records


def _blot_out(
    connection: sqlite3.Connection, erasure: Erasure, ids: Iterable[str], records: Iterable[int], veils: Veils
) -> int:
    """Leave of records that somebody was refused, and not who; gives how many named the erased one."""
    found = set(records)
    for digest in erasure.digests:
        rows = connection.execute("SELECT id FROM dispatch_failed WHERE digest = ?", (bytes.fromhex(digest),))
        found.update(number for (number,) in rows)
    for external_id in ids:
        rows = connection.execute("SELECT id FROM dispatch_failed WHERE user = ?", (external_id,))
        found.update(number for (number,) in rows)
    for number in sorted(found):
        blot_out_one(connection, number, veils)
    return len(found)


def blot_out_one(connection: sqlite3.Connection, number: int, veils: Veils) -> None:
    """Leave of a record that somebody was refused, and not who."""
    query = "SELECT address, campaign FROM dispatch_failed WHERE id = ?"
    for address, campaign in connection.execute(query, (number,)).fetchall():
        connection.execute(
            "UPDATE dispatch_failed SET address = ?, campaign = ?, digest = NULL, user = NULL, place = NULL"
            " WHERE id = ?",
            (address and veiling.GONE, veiling.walked(campaign, veils), number),
        )


# Telling the journal again


def recognise(connection: sqlite3.Connection, digests: Digests, events: Sequence[Event]) -> None:
    """Let the persons whom events name by a veiled id be found by it, in a store that knows them by the clear one."""
    for event in events:
        if isinstance(event, Told) and event.veil is not None:
            journal.note_veils(connection)
        veiled = id_of(event)
        if veiled is not None and veiled.startswith(ID_VEIL) and people.by_id(connection, veiled) is None:
            _recognise(connection, digests, veiled)


# The veils of everybody's ids, for as long as the journal is told again; '' is up to whom they are there. Ids never
# change, so each person is looked at once, however many veils the journal has.
_IDS: Final = "CREATE TEMP TABLE IF NOT EXISTS veiled_id (veil TEXT PRIMARY KEY, person INTEGER) WITHOUT ROWID"
_ID: Final = "SELECT person FROM veiled_id WHERE veil = ?"
_NEW: Final = "SELECT pk, external_id FROM person WHERE pk > ? AND external_id IS NOT NULL ORDER BY pk"


def _recognise(connection: sqlite3.Connection, digests: Digests, veiled: str) -> None:
    connection.execute(_IDS)
    last = connection.execute(_ID, ("",)).fetchone() or (0,)
    ids = [(digests.veiled_id(each), pk) for pk, each in connection.execute(_NEW, last)]
    connection.executemany("INSERT OR REPLACE INTO veiled_id VALUES (?, ?)", [*ids, ("", people.last_pk(connection))])
    found = connection.execute(_ID, (veiled,)).fetchone()
    if found is not None:
        people.update(connection, found[0], {"external_id": veiled})
