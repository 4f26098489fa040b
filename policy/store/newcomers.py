"""Learning what is told of somebody whom nobody knows, many of them at once.

For them there is nothing to fold and nobody else who holds the address, so persons, addresses, registers, derived rows
and journal entries can be computed beforehand and written table by table. That is a third of the ordinary way's work,
and nearly every row of an import and most events about leads are of this kind. The result is the same either way, to
the row, and tests compare the two.

Short is this way only where nothing can be different: one person, named by one thing, of whom nobody has the id or any
address (or one that shares its derived row), in the store or earlier in the same groups; of whose addresses nothing was
said for everybody (everybody.py); and nothing but noes of theirs alone is said, because all else reaches rows that are
not the person's own. Everybody else takes the ordinary way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from policy import state, visitors
from policy.events import SUPPRESSES, Event, Kind, Learned, Origin, Profile, Subject, Told
from policy.model import Microseconds, Stamp, Standing
from policy.store import facts, journal, people, profiles
from policy.store.digests import Digests, WrongPepper, key_hash, prefix_range
from policy.times import effective

Group = Sequence[Event]
Named = tuple[Subject, set[bytes]]  # whom a group is about, and the digests of all addresses in it
Newcomer = tuple[Group, Subject, set[bytes]]

_AT_ONCE: Final = 50  # ids or addresses that one statement looks for


def named(digests: Digests, group: Group) -> Named:
    """Give whom a group is about, and the digests of all addresses in it."""
    first = group[0]
    if isinstance(first, Told):
        subject = first.subject
        if subject.kept:
            return subject, _kept(digests, subject)
        return subject, {digests.digest(key) for key in (*subject.email_keys, *subject.phone_keys)}
    if isinstance(first, Profile):
        keys = [*first.email_keys, *(key for phone in first.phones.values() if phone for key in phone[1])]
        return profiles.named(first), {digests.digest(key) for key in keys}
    return Subject(), set()


def _kept(digests: Digests, subject: Subject) -> set[bytes]:
    """Give the digest of a kept address, which later rows may be about as well; none if another pepper made it."""
    try:
        return {digests.kept(subject.kept)}
    except WrongPepper:
        return set()


# Who is new


def new_among(connection: sqlite3.Connection, groups: Sequence[Group], about: Sequence[Named]) -> frozenset[int]:
    """Say which groups are about somebody whose id and addresses nobody has, in the store or earlier in the groups."""
    ids: set[str] = set()
    taken: set[bytes] = set()
    candidates: list[int] = []
    for at, (group, (subject, mine)) in enumerate(zip(groups, about, strict=True)):
        if subject.id not in ids and taken.isdisjoint(mine) and _simple(subject, group):
            candidates.append(at)
        taken |= mine
        if subject.id is not None:
            ids.add(subject.id)
    there = _ids_there(connection, [id_ for at in candidates if (id_ := about[at][0].id) is not None])
    having = _addresses_there(connection, [digest for at in candidates for digest in about[at][1]])
    return frozenset(at for at in candidates if about[at][0].id not in there and having.isdisjoint(about[at][1]))


def _has_more(event: Event) -> bool:
    """Tell whether an event says what only the ordinary way knows: devices, and the veils of who was erased."""
    if isinstance(event, Profile):
        return visitors.TRAIT in event.traits
    return isinstance(event, Told) and (event.veil is not None or event.origin == Origin.TRACK)


def _simple(subject: Subject, group: Group) -> bool:
    """Tell whether a group only suppresses, and one person: all else reaches rows that are not the person's own."""
    if (subject.id, subject.email, subject.phone).count(None) != 2 or subject.kept or subject.xng_id:
        return False
    if subject.everybody:
        return False
    if any(not isinstance(event, Told | Profile) or (isinstance(event, Told) and event.notice) for event in group):
        return False
    if any(_has_more(event) for event in group):
        return False
    if not (subject.id or subject.email_keys or subject.phone_keys):
        return False
    return all(_says_no_of(subject, event) for event in group if isinstance(event, Told))


def _says_no_of(subject: Subject, event: Told) -> bool:
    same = event.subject is subject or event.subject == subject
    return same and event.word is not None and SUPPRESSES[event.word]


def _ids_there(connection: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """List those of some ids that a user has."""
    return {found for chunk in _chunks(ids) for (found,) in connection.execute(_IDS[len(chunk)], chunk)}


def _addresses_there(connection: sqlite3.Connection, digests: Sequence[bytes]) -> set[bytes]:
    """List those of some digests that somebody has, or shares a derived row with, or of which something was said."""
    there: set[bytes] = set()
    for chunk in _chunks(digests):
        ranges = [bound for digest in chunk for bound in (digest, *prefix_range(digest))]
        there.update(found for (found,) in connection.execute(_ADDRESSES[len(chunk)], ranges))
    return there


def _chunks(asked: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut into chunks of one of two lengths, filled up with the last, so that two statements stay prepared."""
    if len(asked) == 1:
        yield asked
        return
    for first in range(0, len(asked), _AT_ONCE):
        chunk = asked[first : first + _AT_ONCE]
        yield [*chunk, *[chunk[-1]] * (_AT_ONCE - len(chunk))]


def _statements(head: str, mark: str, tail: str) -> Mapping[int, str]:
    return {count: f"{head}{', '.join([mark] * count)}{tail}" for count in (1, _AT_ONCE)}


_IDS: Final = _statements("SELECT external_id FROM person WHERE external_id IN (", "?", ")")
_ADDRESSES: Final = _statements(
    "WITH asked (digest, low, high) AS (VALUES ",
    "(?, ?, ?)",
    ") SELECT digest FROM asked WHERE EXISTS (SELECT 1 FROM address a WHERE a.digest BETWEEN low AND high)"
    " OR EXISTS (SELECT 1 FROM everybody e WHERE e.digest = asked.digest)",
)


# What is written of them


def learn(
    connection: sqlite3.Connection, digests: Digests, newcomers: Sequence[Newcomer], arrived: Microseconds
) -> Iterator[Learned] | None:
    """Write what is told of newcomers, and give what became of each event.

    Gives None, and writes nothing, if some of it was told before: of somebody who is gone, or twice in one group.
    """
    connection.execute("SAVEPOINT newcomers")
    try:
        tables = _tables(connection, newcomers, arrived)
        if journal.told_before(connection, digests, tables.entries):
            return None
        first = _write(connection, tables)
    except sqlite3.IntegrityError:
        connection.execute("ROLLBACK TO newcomers")
        return None
    finally:
        connection.execute("RELEASE newcomers")
    return (Learned(sequence, entry.effective_at) for sequence, entry in enumerate(tables.entries, first))


@dataclass(slots=True)
class _Tables:
    """What is to be written, table by table."""

    persons: list[tuple[Any, ...]] = field(default_factory=list)
    addresses: list[tuple[bytes, int]] = field(default_factory=list)
    registers: list[tuple[Any, ...]] = field(default_factory=list)
    suppressed: list[tuple[int, str]] = field(default_factory=list)
    entries: list[journal.Entry] = field(default_factory=list)


def _tables(connection: sqlite3.Connection, newcomers: Sequence[Newcomer], arrived: Microseconds) -> _Tables:
    tables = _Tables()
    store = people.store_id(connection)
    for pk, (group, subject, mine) in enumerate(newcomers, people.last_pk(connection) + 1):
        profile = next((event for event in group if isinstance(event, Profile)), None)
        registers = _registers(tables.entries, group, pk, arrived)
        tables.persons.append(_person(store, pk, subject, profile, arrived))
        tables.addresses += [(digest, pk) for digest in mine]
        if registers:
            tables.registers += [people.register_row(pk, register, maxima) for register, maxima in registers.items()]
            alone = facts.Alone(subject.id, _unit(subject, profile), _standing(registers))
            tables.suppressed += [(key_hash(digest), facts.row_alone(digest, alone)) for digest in mine]
    return tables


def _registers(entries: list[journal.Entry], group: Group, pk: int, arrived: Microseconds) -> state.Registers:
    """Fold a group's statements and note their journal entries; the registers come as the store gives them."""
    registers: dict[state.Register, state.Maxima] = {}
    for event in group:
        if isinstance(event, Profile):
            entries.append(profiles.entry(journal.Kind.PROFILE, "User Updated", event, pk, arrived))
        elif isinstance(event, Told) and event.word is not None:
            register = state.target(event.word, event.channel, event.origin, event.number)
            newest = state.newest(registers, register.kind, register.channel) if registers and register else _NEVER
            at = effective(event.stated, arrived, newest, suppresses=True)
            if register is not None:
                held = registers.get(register)
                registers[register] = state.Maxima(at if held is None else max(held.suppressed_at, at))
            entries.append(journal.told_entry(event, pk, arrived, at, journal.identity_of(event)))
    return registers if len(registers) <= 1 else dict(sorted(registers.items()))


_NEVER: Final = Microseconds(0)


def _standing(registers: state.Registers) -> Standing:
    """Give what `state.standing` gives; nearly always there is one register, and it suppresses."""
    if len(registers) > 1:
        return state.standing(registers)
    [(register, maxima)] = registers.items()
    stamp = Stamp(maxima.suppressed_at, register.origin)
    return Standing(stamp, {}) if register.kind is Kind.BLACKLIST else Standing(None, {register.channel: stamp})


def _unit(subject: Subject, profile: Profile | None) -> str:
    """Give the business unit somebody is in; an event names one only beside an e-mail."""
    if profile is not None:
        return profile.business_unit or ""
    return subject.business_unit if subject.email is not None else ""


def _person(store: str, pk: int, subject: Subject, profile: Profile | None, now: Microseconds) -> tuple[Any, ...]:
    xng_id = people.xng_id(store, pk)
    if profile is None:
        phones = {"phone": (subject.phone, subject.phone_keys)} if subject.phone is not None else {}
        key = subject.email_keys[0] if subject.email_keys else None
        return (pk, subject.id, xng_id, subject.email, key, _unit(subject, None), _json(phones), "{}", now, now)
    key = profile.email_keys[0] if profile.email_keys else None
    held, traits = _json(_held(profile.phones)), _json(_held(profile.traits))
    return (pk, subject.id, xng_id, profile.email or None, key, _unit(subject, profile), held, traits, now, now)


def _held(told: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is told to be taken away."""
    return {name: value for name, value in told.items() if value is not None}


def _json(tree: Mapping[str, Any]) -> str:
    return orjson.dumps(tree).decode() if tree else "{}"


def _write(connection: sqlite3.Connection, tables: _Tables) -> int:
    """Write the rows, and give the sequence of the first entry; sorted, neighbours share pages."""
    connection.executemany(
        "INSERT INTO person (pk, external_id, xng_id, email, email_key, business_unit, phones, traits,"
        " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        tables.persons,
    )
    connection.executemany("INSERT INTO address VALUES (?, ?)", sorted(tables.addresses))
    if tables.registers:
        connection.executemany("INSERT INTO register VALUES (?, ?, ?, ?, ?, ?, ?)", tables.registers)
        connection.executemany("INSERT INTO suppressed VALUES (?, ?)", sorted(tables.suppressed))
    return journal.append(connection, tables.entries) if tables.entries else 0
