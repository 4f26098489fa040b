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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
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
        fresh = _fresh(connection, digests, groups)
        connection.execute("SAVEPOINT rows")
        try:
            _write(connection, _tables(connection, digests, [groups[at] for at in fresh], arrived))
        except sqlite3.IntegrityError:  # something of it was told before, perhaps of somebody who is gone
            connection.execute("ROLLBACK TO rows")
            fresh = frozenset()
        connection.execute("RELEASE rows")
        return ["" if at in fresh else _learn(connection, digests, group, arrived) for at, group in enumerate(groups)]

    return transaction


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


def _without_profile(group: Group) -> Iterable[Told]:
    """Leave the profile out of a group, and name its address beside the id."""
    claimed = next(event for event in group if isinstance(event, Profile))
    for event in group:
        if isinstance(event, Told):
            unit = claimed.business_unit or ""
            named = replace(event.subject, email=claimed.email, email_keys=claimed.email_keys, business_unit=unit)
            yield replace(event, subject=named)


# Who is new


def _fresh(connection: sqlite3.Connection, digests: Digests, groups: Sequence[Group]) -> frozenset[int]:
    """Say which groups are about somebody whose id and addresses nobody has, in the store or earlier in the groups."""
    ids: set[str] = set()
    taken: set[bytes] = set()
    fresh = []
    for at, group in enumerate(groups):
        subject, mine = _named(digests, group)
        known = subject.id in ids or not taken.isdisjoint(mine)
        taken |= mine
        if subject.id is not None:
            ids.add(subject.id)
        if not known and _simple(subject, group) and _unseen(connection, subject, mine):
            fresh.append(at)
    return frozenset(fresh)


def _named(digests: Digests, group: Group) -> tuple[Subject, set[bytes]]:
    """Give whom a group is about, and the digests of all addresses in it."""
    first = group[0]
    if isinstance(first, Profile):
        subject = profiles.named(first)
        keys = [*first.email_keys, *(key for phone in first.phones.values() if phone for key in phone[1])]
    elif isinstance(first, Told):
        subject = first.subject
        keys = [*subject.email_keys, *subject.phone_keys]
    else:
        return Subject(), set()
    return subject, {digests.digest(key) for key in keys}


def _simple(subject: Subject, group: Group) -> bool:
    """Tell whether a group only suppresses: a release reaches rows that are not the person's own."""
    if subject.kept or subject == Subject():
        return False
    told = [event for event in group if isinstance(event, Told)]
    return all(event.word is not None and SUPPRESSES[event.word] for event in told)


def _unseen(connection: sqlite3.Connection, subject: Subject, digests: set[bytes]) -> bool:
    if (
        subject.id is not None
        and connection.execute("SELECT 1 FROM person WHERE external_id = ?", (subject.id,)).fetchone()
    ):
        return False
    low = "SELECT 1 FROM address WHERE digest BETWEEN ? AND ? LIMIT 1"  # nobody may share the derived row either
    return not any(connection.execute(low, prefix_range(digest)).fetchone() for digest in digests)


# What is written of them


def _tables(
    connection: sqlite3.Connection, digests: Digests, groups: Sequence[Group], arrived: Microseconds
) -> _Tables:
    tables = _Tables([], [], [], [], [])
    store = people.store_id(connection)
    pk = people.last_pk(connection)
    for pk, group in enumerate(groups, pk + 1):  # noqa: B020 (counts on from the last)
        subject, mine = _named(digests, group)
        profile = next((event for event in group if isinstance(event, Profile)), None)
        registers = _registers(tables, group, pk, arrived)
        tables.persons.append(_person(store, pk, subject, profile, arrived))
        tables.addresses += [(digest, pk) for digest in mine]
        tables.registers += [(pk, *register, *maxima) for register, maxima in registers.items()]
        unit = profile.business_unit if profile else subject.business_unit
        tables.suppressed += _suppressed(mine, pk, subject.id, unit or "", registers)
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
    return registers


def _person(store: str, pk: int, subject: Subject, profile: Profile | None, now: Microseconds) -> tuple[Any, ...]:
    email = profile.email if profile else subject.email
    keys = profile.email_keys if profile else subject.email_keys
    phones = dict(profile.phones) if profile else {}
    if subject.phone is not None:
        phones = {"phone": (subject.phone, subject.phone_keys)}
    unit = (profile.business_unit if profile else subject.business_unit) or ""
    traits = orjson.dumps(dict(profile.traits)).decode() if profile else "{}"
    key = keys[0] if keys else None
    xng_id = people.xng_id(store, pk)
    return (pk, subject.id, xng_id, email, key, unit, orjson.dumps(phones).decode(), traits, now, now)


def _suppressed(
    digests: set[bytes], pk: int, user: str | None, unit: str, registers: state.Registers
) -> list[tuple[int, str]]:
    if not registers:
        return []
    joined = [(user, unit, 0, *register, *maxima) for register, maxima in registers.items()]
    rows = []
    for digest in digests:
        text = facts.row([(digest, pk, *fields) for fields in joined])
        if text is not None:
            rows.append((key_hash(digest), text))
    return rows


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
