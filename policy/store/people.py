"""Persons: finding them, making them, and what of them outlives them.

Nobody is too unknown to be suppressed: who is told of by e-mail becomes a lead, by phone a phone lead, by id a user
without an address, whose standing holds as soon as an address arrives. A phone is not unique, so phone leads are
never merged; everybody with the number counts.

An address that a suppressed person gives up must stay suppressed, although nobody has it any more: a kept row takes
over the registers, with the digest of the address and nothing else.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from policy import state
from policy.events import Phone, Subject
from policy.model import Microseconds
from policy.store.digests import Digests
from policy.store.facts import register_of


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


def by_pk(connection: sqlite3.Connection, pk: int) -> Person | None:
    return _one(connection, "pk = ?", (pk,))


def phone_lead(connection: sqlite3.Connection, digests: Digests, keys: Iterable[str]) -> Person | None:
    """Find the person who is known by one of these numbers alone."""
    for key in keys:
        where = (
            "pk IN (SELECT person FROM address WHERE digest = ?)"
            " AND external_id IS NULL AND email_key IS NULL AND kept = 0"
        )
        found = _one(connection, where, (digests.digest(key),))
        if found is not None:
            return found
    return None


def by_address(connection: sqlite3.Connection, digests: Digests, subject: Subject) -> Person | None:
    """Find the person of an e-mail and unit, or who is known by a phone alone."""
    if subject.email_keys:
        return by_email(connection, subject.email_keys[0], subject.business_unit)
    return phone_lead(connection, digests, subject.phone_keys)


def find_or_add(connection: sqlite3.Connection, digests: Digests, subject: Subject, now: Microseconds) -> Person:
    """Find who is told of, or make them."""
    if subject.id is not None:
        return by_id(connection, subject.id) or add(connection, digests, Subject(id=subject.id), now)
    return by_address(connection, digests, subject) or add(connection, digests, subject, now)


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
    connection.execute("UPDATE person SET xng_id = ? WHERE pk = ?", (_xng_id(connection, pk), pk))
    keys = subject.email_keys if by_mail else subject.phone_keys if by_phone else ()
    set_addresses(connection, pk, {digests.digest(key) for key in keys})
    found = by_pk(connection, pk)
    assert found is not None  # noqa: S101 (it was inserted two lines above)
    return found


def _insert(connection: sqlite3.Connection, values: dict[str, Any]) -> int:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    cursor = connection.execute(f"INSERT INTO person ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 (names from this file)
    return int(cursor.lastrowid or 0)


def _xng_id(connection: sqlite3.Connection, pk: int) -> str:
    """Derive the internal id from the store's own id, so that telling the journal again gives the same ids."""
    store = connection.execute("SELECT value FROM meta WHERE name = 'store'").fetchone()[0]
    return str(UUID(bytes=hashlib.blake2b(f"{store}:{pk}".encode(), digest_size=16).digest()))


def update(connection: sqlite3.Connection, pk: int, values: dict[str, Any]) -> None:
    """Write some columns of a person."""
    names = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE person SET {names} WHERE pk = ?", (*values.values(), pk))  # noqa: S608 (names from this package)


def set_addresses(connection: sqlite3.Connection, pk: int, digests: Collection[bytes]) -> None:
    """Let a person have exactly these addresses."""
    for digest in addresses(connection, pk) - set(digests):
        connection.execute("DELETE FROM address WHERE digest = ? AND person = ?", (digest, pk))
    connection.executemany("INSERT OR IGNORE INTO address VALUES (?, ?)", [(digest, pk) for digest in digests])


def addresses(connection: sqlite3.Connection, pk: int) -> set[bytes]:
    """List the digests of a person's addresses."""
    return {row[0] for row in connection.execute("SELECT digest FROM address WHERE person = ?", (pk,))}


def remove(connection: sqlite3.Connection, pk: int) -> None:
    """Take a person away, with registers and addresses; what was kept of former addresses stays."""
    for statement in (
        "DELETE FROM register WHERE person = ?",
        "DELETE FROM address WHERE person = ?",
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
    changed = [(pk, *register, *maxima) for register, maxima in new.items() if old.get(register) != maxima]
    connection.executemany("INSERT OR REPLACE INTO register VALUES (?, ?, ?, ?, ?, ?, ?)", changed)


# What outlives the clear address


def keep(
    connection: sqlite3.Connection, digests: Iterable[bytes], person: Person, *, former: int | None, now: Microseconds
) -> None:
    """Keep the standing of addresses that a person gives up, if there is any standing to keep."""
    held = registers(connection, person.pk)
    if not state.standing(held).suppressing:
        return
    for digest in digests:
        values = {"kept": 1, "former": former, "business_unit": person.business_unit}
        pk = _insert(connection, {**values, "created_at": now, "updated_at": now})
        set_addresses(connection, pk, {digest})
        write_registers(connection, pk, {}, held)


def kept_for(connection: sqlite3.Connection, pk: int) -> list[int]:
    """List the kept rows that a release of this person releases too: of its addresses, and of those it gave up."""
    rows = connection.execute(
        "SELECT pk FROM person WHERE former = ?1 UNION SELECT p.pk FROM address mine"
        " JOIN address kept ON kept.digest = mine.digest JOIN person p ON p.pk = kept.person AND p.kept = 1"
        " WHERE mine.person = ?1",
        (pk,),
    )
    return [row[0] for row in rows]
