"""Persons: finding them, making them, and what of them outlives them.

Nobody is too unknown to be suppressed: who is told of by e-mail becomes a lead, by phone a phone lead, by id a user
without an address, whose standing holds as soon as an address arrives. A phone is not unique, so phone leads are
never merged; everybody with the number counts.

An address that a suppressed person gives up must stay suppressed, although nobody has it any more: a kept row takes
over the registers, with the digest of the address and nothing else. While it is known whose address it was, it hears
all that is told of that person, a later no as well as a yes.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from policy import state
from policy.events import Phone, Subject
from policy.model import Microseconds
from policy.store import everybody
from policy.store.digests import Digests
from policy.store.facts import derive, derived, register_of


@dataclass(frozen=True, slots=True)
class Person:
    """One row of the table, as it was read."""

    pk: int
    id: str | None
    xng_id: str | None
    email: str | None
    email_key: str | None
    business_unit: str
    phones: dict[str, Phone]
    traits: dict[str, Any]
    kept: bool
    created_at: Microseconds


_COLUMNS = "pk, external_id, xng_id, email, email_key, business_unit, phones, traits, kept, created_at"


def by_id(connection: sqlite3.Connection, external_id: str) -> Person | None:
    return _one(connection, "external_id = ?", (external_id,))


def by_xng_id(connection: sqlite3.Connection, xng_id: str) -> Person | None:
    return _one(connection, "xng_id = ?", (xng_id,))


def by_email(connection: sqlite3.Connection, key: str, unit: str) -> Person | None:
    return _one(connection, "email_key = ? AND business_unit = ?", (key, unit))


def with_email(connection: sqlite3.Connection, key: str) -> list[Person]:
    """List who has an e-mail, in whichever business unit."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM person WHERE email_key = ? ORDER BY pk", (key,))  # noqa: S608 (a constant list of columns)
    return [_person(row) for row in rows]


def by_key(connection: sqlite3.Connection, digests: Digests, key: str, unit: str) -> Person | None:
    """Find who has an e-mail in a unit, behind a veil or not.

    Veils are met where a journal is told again: told by a veil, whoever has the clear address is meant, and the other
    way round. There is nobody behind a veil in a store that nobody was erased from.
    """
    found = by_email(connection, key, unit)
    if found is not None:
        return found
    alike = (person for person in having(connection, digests.digest(key)) if person.email_key and not person.kept)
    return next((p for p in alike if p.business_unit == unit and _same_key(digests, p.email_key, key)), None)


def _same_key(digests: Digests, one: str | None, other: str) -> bool:
    return one is not None and digests.digest(one) == digests.digest(other)


def by_pk(connection: sqlite3.Connection, pk: int) -> Person | None:
    return _one(connection, "pk = ?", (pk,))


def phone_lead(connection: sqlite3.Connection, digests: Digests, keys: Iterable[str]) -> Person | None:
    """Find the person who is known by one of these numbers alone."""
    for key in keys:
        where = (
            "pk IN (SELECT person FROM address WHERE digest = ?)"
            " AND external_id IS NULL AND email_key IS NULL AND kept = 0 ORDER BY pk"
        )
        found = _one(connection, where, (digests.digest(key),))
        if found is not None:
            return found
    return None


def by_address(connection: sqlite3.Connection, digests: Digests, subject: Subject) -> Person | None:
    """Find the person of an e-mail and unit, or who is known by a phone alone."""
    if subject.kept:
        return _kept_by_itself(connection, digests.kept(subject.kept), subject.business_unit)
    if subject.email_keys:
        return by_key(connection, digests, subject.email_keys[0], subject.business_unit)
    return phone_lead(connection, digests, subject.phone_keys)


def told_by_address(connection: sqlite3.Connection, digests: Digests, subject: Subject) -> Person | None:
    """Find the same person for what is told of them: they get all keys of this spelling."""
    found = by_address(connection, digests, subject)
    if found is not None:
        add_keys(connection, digests, found.pk, subject.email_keys or subject.phone_keys)
    return found


def find_or_add(connection: sqlite3.Connection, digests: Digests, subject: Subject, now: Microseconds) -> Person:
    """Find who is told of, or make them."""
    if subject.id is not None:
        return by_id(connection, subject.id) or add(connection, digests, Subject(id=subject.id), now)
    if subject.everybody:
        return _anybody(connection, digests, subject) or add(connection, digests, subject, now)
    return told_by_address(connection, digests, subject) or add(connection, digests, subject, now)


def _anybody(connection: sqlite3.Connection, digests: Digests, subject: Subject) -> Person | None:
    """Find who is the first to have an address, in whichever unit; they get all keys of this spelling."""
    keys = subject.email_keys or subject.phone_keys
    holders = {person.pk: person for key in keys for person in having(connection, digests.digest(key))}
    alive = [pk for pk, person in sorted(holders.items()) if not person.kept]
    if not alive:
        return None
    add_keys(connection, digests, alive[0], keys)
    return holders[alive[0]]


def _kept_by_itself(connection: sqlite3.Connection, digest: bytes, unit: str) -> Person | None:
    """Find the kept row of an address that an import brought, apart from those that belong to somebody."""
    pk = _kept(connection, digest, unit, former=None)
    return None if pk is None else by_pk(connection, pk)


def having(connection: sqlite3.Connection, digest: bytes) -> list[Person]:
    """List everybody who has an address, kept rows included."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM person WHERE pk IN (SELECT person FROM address WHERE digest = ?) ORDER BY pk",  # noqa: S608 (a constant list of columns)
        (digest,),
    )
    return [_person(row) for row in rows]


def _one(connection: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> Person | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM person WHERE {where}", values).fetchone()  # noqa: S608 (constants)
    return None if row is None else _person(row)


def _person(row: tuple[Any, ...]) -> Person:
    pk, external_id, xng_id, email, email_key, unit, phones, traits, kept, created_at = row
    numbers = {trait: (text, tuple(keys)) for trait, (text, keys) in orjson.loads(phones).items()}
    return Person(
        pk, external_id, xng_id, email, email_key, unit, numbers, orjson.loads(traits), bool(kept), created_at
    )


# Making and changing


def add(connection: sqlite3.Connection, digests: Digests, subject: Subject, now: Microseconds) -> Person:
    """Make a person of whoever was told of; an id alone is enough, and so is an e-mail or a phone."""
    if subject.kept:
        return _add_kept(connection, digests.kept(subject.kept), subject.business_unit, now)
    by_mail = subject.id is None and subject.email is not None
    by_phone = subject.id is None and subject.email is None and subject.phone is not None
    phones = {"phone": (subject.phone, subject.phone_keys)} if by_phone else {}
    pk = _insert(
        connection,
        {
            "external_id": subject.id,
            "email": subject.email if by_mail else None,
            "email_key": subject.email_keys[0] if by_mail else None,
            "business_unit": "" if by_phone else subject.business_unit,
            "phones": orjson.dumps(phones).decode(),
            "created_at": now,
            "updated_at": now,
        },
    )
    connection.execute("UPDATE person SET xng_id = ? WHERE pk = ?", (xng_id(store_id(connection), pk), pk))
    keys = subject.email_keys if by_mail else subject.phone_keys if by_phone else ()
    said = everybody.said_of(connection, {digests.digest(key) for key in keys})
    write_registers(connection, pk, state.EMPTY, said)
    add_keys(connection, digests, pk, keys)
    return _there(connection, pk)


def _there(connection: sqlite3.Connection, pk: int) -> Person:
    found = by_pk(connection, pk)
    if found is None:
        raise LookupError(pk)
    return found


def _add_kept(connection: sqlite3.Connection, digest: bytes, unit: str, now: Microseconds) -> Person:
    values = {"kept": 1, "business_unit": unit, "created_at": now, "updated_at": now}
    pk = _insert(connection, values)
    set_addresses(connection, pk, {digest})
    derive_for(connection, pk, {digest})
    return _there(connection, pk)


def _insert(connection: sqlite3.Connection, values: dict[str, Any]) -> int:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    cursor = connection.execute(f"INSERT INTO person ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 (names from this file)
    return int(cursor.lastrowid or 0)


def store_id(connection: sqlite3.Connection) -> str:
    """Give the random id that the store was born with."""
    return str(connection.execute("SELECT value FROM meta WHERE name = 'store'").fetchone()[0])


def xng_id(store: str, pk: int) -> str:
    """Derive the internal id from the store's own id, so that telling the journal again gives the same ids."""
    name = hashlib.blake2b(f"{store}:{pk}".encode(), digest_size=16).hexdigest()
    return f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"


def last_pk(connection: sqlite3.Connection) -> int:
    """Give the newest key of the table, also of a person who is gone since."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'person'").fetchone()
    return int(row[0]) if row else 0


def update(connection: sqlite3.Connection, pk: int, values: dict[str, Any]) -> None:
    """Write some columns of a person."""
    names = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE person SET {names} WHERE pk = ?", (*values.values(), pk))  # noqa: S608 (names from this package)


def set_addresses(connection: sqlite3.Connection, pk: int, digests: Collection[bytes]) -> None:
    """Let a person have exactly these addresses."""
    for digest in addresses(connection, pk) - set(digests):
        connection.execute("DELETE FROM address WHERE digest = ? AND person = ?", (digest, pk))
    connection.executemany("INSERT OR IGNORE INTO address VALUES (?, ?)", [(digest, pk) for digest in digests])


def add_keys(connection: sqlite3.Connection, digests: Digests, pk: int, keys: Iterable[str]) -> bool:
    """Let a person have these keys as well, and tell whether any is new: another spelling may be read in more ways."""
    before = addresses(connection, pk)
    told = {digests.digest(key) for key in keys}
    new = told - before
    if new:
        connection.executemany("INSERT INTO address VALUES (?, ?)", [(digest, pk) for digest in new])
        derive_for(connection, pk, new | before if take_over(connection, pk, new, told & before) else new)
    return bool(new)


def take_over(connection: sqlite3.Connection, pk: int, new: Collection[bytes], alike: Collection[bytes] = ()) -> bool:
    """Let a person who got addresses heed what was said of everybody who has them; tells whether anything was."""
    old = registers(connection, pk)
    taken = everybody.taken_over(connection, pk, old, new, alike)
    write_registers(connection, pk, old, taken)
    return taken is not old


def addresses(connection: sqlite3.Connection, pk: int) -> set[bytes]:
    """List the digests of a person's addresses."""
    return {row[0] for row in connection.execute("SELECT digest FROM address WHERE person = ?", (pk,))}


def remove(connection: sqlite3.Connection, pk: int) -> None:
    """Take a person away, with registers and addresses; what was kept of former addresses stays."""
    for statement in (
        "DELETE FROM register WHERE person = ?",
        "DELETE FROM address WHERE person = ?",
        "DELETE FROM device WHERE person = ?",
        "DELETE FROM conflict WHERE person = ?",
        "DELETE FROM heard WHERE person = ?",
        "UPDATE person SET former = NULL WHERE former = ?",
        "DELETE FROM person WHERE pk = ?",
    ):
        connection.execute(statement, (pk,))


# Registers


def registers(connection: sqlite3.Connection, pk: int) -> state.Registers:
    """Read a person's registers."""
    rows = connection.execute(
        "SELECT kind, channel, origin, number, suppressed_at, released_at FROM register WHERE person = ?", (pk,)
    )
    return dict(register_of(list(row)) for row in rows)


def write_registers(connection: sqlite3.Connection, pk: int, old: state.Registers, new: state.Registers) -> None:
    """Write the registers that changed; none ever goes away."""
    changed = [register_row(pk, register, maxima) for register, maxima in new.items() if old.get(register) != maxima]
    connection.executemany("INSERT OR REPLACE INTO register VALUES (?, ?, ?, ?, ?, ?, ?)", changed)


def register_row(pk: int, register: state.Register, maxima: state.Maxima) -> tuple[Any, ...]:
    """Make the row of one register; words as plain texts, which SQLite takes as they are."""
    kind, channel, origin, number = register
    return (pk, str(kind), str(channel), str(origin), number, *maxima)


def derive_for(connection: sqlite3.Connection, pk: int, digests: Iterable[bytes]) -> None:
    """Write the derived rows that a change of one person concerns.

    Who is not suppressed stands only in rows that there are already, for somebody else's sake. Without this, each of a
    thousand people who share a number would be written for the sake of all.
    """
    suppressing = state.standing(registers(connection, pk)).suppressing
    derive(connection, digests if suppressing else derived(connection, digests))


# What outlives the clear address


def keep(
    connection: sqlite3.Connection, digests: Iterable[bytes], person: Person, *, former: int | None, now: Microseconds
) -> None:
    """Keep the standing of addresses that a person gives up, if there is any standing to keep.

    What was kept of the same address of the same person before is written on, so that going to and fro adds no rows.
    """
    held = registers(connection, person.pk)
    if not state.standing(held).suppressing:
        return
    for digest in sorted(digests):
        pk = _kept(connection, digest, person.business_unit, former)
        if pk is None:
            values = {"kept": 1, "former": former, "business_unit": person.business_unit}
            pk = _insert(connection, {**values, "created_at": now, "updated_at": now})
            set_addresses(connection, pk, {digest})
        before = registers(connection, pk)
        write_registers(connection, pk, before, state.merge(before, held) if before else held)


def _kept(connection: sqlite3.Connection, digest: bytes, unit: str, former: int | None) -> int | None:
    found = connection.execute(
        "SELECT pk FROM address JOIN person ON pk = person"
        " WHERE digest = ? AND kept = 1 AND business_unit = ? AND former IS ? ORDER BY pk",
        (digest, unit, former),
    ).fetchone()
    return None if found is None else found[0]


def given_up(connection: sqlite3.Connection, pk: int) -> list[int]:
    """List the kept rows of the addresses that a person gave up: what is told of the person holds for them too."""
    return [row[0] for row in connection.execute("SELECT pk FROM person WHERE former = ? ORDER BY pk", (pk,))]


def kept_for(connection: sqlite3.Connection, person: Person) -> list[int]:
    """List the kept rows of a person's addresses that others gave up: a release of the person releases them too.

    Only those of the same business unit are, unless the person is known by a number alone and so has no unit: a yes in
    one unit says nothing about a no in another.
    """
    no_unit = person.id is None and person.email is None and not person.kept
    rows = connection.execute(
        "SELECT DISTINCT p.pk FROM address mine JOIN address theirs ON theirs.digest = mine.digest"
        " JOIN person p ON p.pk = theirs.person AND p.kept = 1 AND p.pk != mine.person AND p.former IS NOT mine.person"
        " WHERE mine.person = ?1 AND (p.business_unit = ?2 OR ?3) ORDER BY p.pk",
        (person.pk, person.business_unit, no_unit),
    )
    return [row[0] for row in rows]
