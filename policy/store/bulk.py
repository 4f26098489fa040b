"""Learning many people at once, as an import brings them.

Most rows of an import are about somebody the store has never seen. For those there is nothing to fold and nobody else
who holds the address, so persons, addresses, registers, derived rows and journal entries can be computed beforehand
and written table by table. Everybody else takes the ordinary way. The result is the same either way, and a test
compares the two.

A row whose profile is refused, because its e-mail is another user's, is told as such; its noes are taken all the same,
for the id and for the address.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import orjson

from policy import state
from policy.events import SUPPRESSES, Event, Profile, Subject, Told
from policy.model import Microseconds
from policy.store import facts, journal, learning, people, profiles
from policy.store.digests import Digests, WrongPepper, key_hash, prefix_range
from policy.store.profiles import AddressTaken
from policy.times import effective

Group = Sequence[Event]
Named = tuple[Subject, set[bytes]]  # whom a group is about, and the digests of all addresses in it
Fresh = tuple[Group, Subject, set[bytes]]


@dataclass(slots=True)
class _Tables:
    """What is to be written, table by table."""

    persons: list[tuple[Any, ...]]
    addresses: list[tuple[bytes, int]]
    registers: list[tuple[Any, ...]]
    suppressed: list[tuple[int, str]]
    entries: list[journal.Entry]


def learn_rows(
    digests: Digests, groups: Sequence[Group], arrived: Microseconds
) -> Callable[[sqlite3.Connection], list[str]]:
    """Make the transaction that learns groups of events, one person a group; gives a word per group, empty if fine."""

    def transaction(connection: sqlite3.Connection) -> list[str]:
        named = [_named(digests, group) for group in groups]
        fresh = _fresh(connection, groups, named)
        results: list[str] = []
        for new, places in groupby(range(len(groups)), fresh.__contains__):
            run = list(places)
            if new and _learn_new(connection, [(groups[at], *named[at]) for at in run], arrived):
                results += [""] * len(run)
            else:
                results += [_learn(connection, digests, groups[at], arrived) for at in run]
        return results

    return transaction


def _learn_new(connection: sqlite3.Connection, fresh: Sequence[Fresh], arrived: Microseconds) -> bool:
    """Write what is told of people whom nobody knows, unless some of it was told before, of somebody who is gone."""
    connection.execute("SAVEPOINT rows")
    try:
        _write(connection, _tables(connection, fresh, arrived))
    except sqlite3.IntegrityError:
        connection.execute("ROLLBACK TO rows")
        return False
    finally:
        connection.execute("RELEASE rows")
    return True


def _learn(connection: sqlite3.Connection, digests: Digests, group: Group, arrived: Microseconds) -> str:
    connection.execute("SAVEPOINT row")
    try:
        learning.learn(digests, group, arrived)(connection)
    except AddressTaken:
        connection.execute("ROLLBACK TO row")
        learning.learn(digests, list(_without_profile(group)), arrived)(connection)
        return "the e-mail and business unit belong to another user; what the row suppresses was taken"
    except WrongPepper as error:
        connection.execute("ROLLBACK TO row")
        return str(error)
    finally:
        connection.execute("RELEASE row")
    return ""


def _without_profile(group: Group) -> Iterable[Event]:
    """Leave the address that is another's out of a group's profile, and name it beside the id in what is told."""
    claimed = next(event for event in group if isinstance(event, Profile))
    told = [event for event in group if isinstance(event, Told)]
    if told and claimed.phones:
        yield replace(claimed, email=None, email_keys=(), business_unit=None)
    for event in told:
        unit = claimed.business_unit or ""
        named = replace(event.subject, email=claimed.email, email_keys=claimed.email_keys, business_unit=unit)
        yield replace(event, subject=named)


# Who is new


def _fresh(connection: sqlite3.Connection, groups: Sequence[Group], named: Sequence[Named]) -> frozenset[int]:
    """Say which groups are about somebody whose id and addresses nobody has, in the store or earlier in the groups."""
    ids: set[str] = set()
    taken: set[bytes] = set()
    fresh = []
    for at, (group, (subject, mine)) in enumerate(zip(groups, named, strict=True)):
        known = subject.id in ids or not taken.isdisjoint(mine)
        taken |= mine
        if subject.id is not None:
            ids.add(subject.id)
        if not known and _simple(subject, group) and _unseen(connection, subject, mine):
            fresh.append(at)
    return frozenset(fresh)


def _named(digests: Digests, group: Group) -> Named:
    """Give whom a group is about, and the digests of all addresses in it."""
    first = group[0]
    if isinstance(first, Profile):
        subject = profiles.named(first)
        keys = [*first.email_keys, *(key for phone in first.phones.values() if phone for key in phone[1])]
    elif isinstance(first, Told):
        subject = first.subject
        if subject.kept:
            return subject, _kept(digests, subject)
        keys = [*subject.email_keys, *subject.phone_keys]
    else:
        return Subject(), set()
    return subject, {digests.digest(key) for key in keys}


def _kept(digests: Digests, subject: Subject) -> set[bytes]:
    """Give the digest of a kept address, which later rows may be about as well; none if another pepper made it."""
    try:
        return {digests.kept(subject.kept)}
    except WrongPepper:
        return set()


def _simple(subject: Subject, group: Group) -> bool:
    """Tell whether a group only suppresses, and one person: a release reaches rows that are not the person's own."""
    if sum(map(bool, (subject.id, subject.email_keys, subject.phone_keys))) != 1:
        return False
    told = [event for event in group if isinstance(event, Told)]
    return all(event.word is not None and SUPPRESSES[event.word] and event.subject == subject for event in told)


def _unseen(connection: sqlite3.Connection, subject: Subject, digests: set[bytes]) -> bool:
    if (
        subject.id is not None
        and connection.execute("SELECT 1 FROM person WHERE external_id = ?", (subject.id,)).fetchone()
    ):
        return False
    low = "SELECT 1 FROM address WHERE digest BETWEEN ? AND ? LIMIT 1"  # nobody may share the derived row either
    return not any(connection.execute(low, prefix_range(digest)).fetchone() for digest in digests)


# What is written of them


def _tables(connection: sqlite3.Connection, fresh: Sequence[Fresh], arrived: Microseconds) -> _Tables:
    tables = _Tables([], [], [], [], [])
    store = people.store_id(connection)
    for pk, (group, subject, mine) in enumerate(fresh, people.last_pk(connection) + 1):
        profile = next((event for event in group if isinstance(event, Profile)), None)
        registers = _registers(tables, group, pk, arrived)
        tables.persons.append(_person(store, pk, subject, profile, arrived))
        tables.addresses += [(digest, pk) for digest in mine]
        if registers:
            tables.registers += [(pk, *register, *maxima) for register, maxima in registers.items()]
            unit = profile.business_unit if profile else subject.business_unit
            alone = facts.Alone(subject.id, unit or "", state.standing(registers))
            tables.suppressed += [(key_hash(digest), facts.row_alone(digest, alone)) for digest in mine]
    return tables


def _registers(tables: _Tables, group: Group, pk: int, arrived: Microseconds) -> state.Registers:
    """Fold a group's statements and note their journal entries."""
    registers: state.Registers = state.EMPTY
    for event in group:
        if isinstance(event, Profile):
            tables.entries.append(profiles.entry(journal.Kind.PROFILE, "User Updated", event, pk, arrived))
        elif isinstance(event, Told) and event.word is not None:
            register = state.target(event.word, event.channel, event.origin, event.number)
            newest = state.newest(registers, register.kind, register.channel) if register else Microseconds(0)
            at = effective(event.stated, arrived, newest, suppresses=True)
            if register is not None:
                registers = state.fold(registers, register, at, suppresses=True)
            tables.entries.append(learning.told_entry(event, pk, arrived, at, journal.identity_of(event)))
    return dict(sorted(registers.items()))  # as the store gives them, for the derived row's sake


def _person(store: str, pk: int, subject: Subject, profile: Profile | None, now: Microseconds) -> tuple[Any, ...]:
    email = (profile.email or None) if profile else subject.email
    keys = profile.email_keys if profile else subject.email_keys
    phones = _held(profile.phones) if profile else {}
    if subject.phone is not None:
        phones = {"phone": (subject.phone, subject.phone_keys)}
    unit = (profile.business_unit if profile else subject.business_unit) or ""
    traits = orjson.dumps(_held(profile.traits)).decode() if profile else "{}"
    key = keys[0] if keys else None
    xng_id = people.xng_id(store, pk)
    return (pk, subject.id, xng_id, email, key, unit, orjson.dumps(phones).decode(), traits, now, now)


def _held(told: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is told to be taken away."""
    return {name: value for name, value in told.items() if value is not None}


def _write(connection: sqlite3.Connection, tables: _Tables) -> None:
    connection.executemany(
        "INSERT INTO person (pk, external_id, xng_id, email, email_key, business_unit, phones, traits,"
        " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        tables.persons,
    )
    connection.executemany("INSERT INTO address VALUES (?, ?)", sorted(tables.addresses))
    connection.executemany("INSERT INTO register VALUES (?, ?, ?, ?, ?, ?, ?)", tables.registers)
    connection.executemany("INSERT INTO suppressed VALUES (?, ?)", sorted(tables.suppressed))
    if tables.entries:
        journal.append(connection, tables.entries)
