"""Everybody in the store as rows of an export (policy/rows.py), streamed in constant memory.

Persons and registers are read side by side in the order of their keys, in one read transaction: the export is the
store at one moment.

Somebody may have a key that their addresses do not lead to: of a spelling that was told once, or made by older tables.
If they are suppressed, the key follows as a kept address, or it would pass after an import.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple, TypeVar

import orjson

from policy import identity, rows, state
from policy.model import Microseconds
from policy.state import Register
from policy.store.digests import Digests
from policy.store.facts import register_of
from policy.store.people import addresses

T = TypeVar("T")

_PERSONS = "SELECT pk, external_id, email, business_unit, phones, kept FROM person ORDER BY pk"
_REGISTERS = "SELECT person, kind, channel, origin, number, suppressed_at, released_at FROM register ORDER BY person"
_SEVERAL = "SELECT person, count(*) FROM address GROUP BY person HAVING count(*) > 1 ORDER BY person"


def export(connection: sqlite3.Connection, digests: Digests) -> Generator[tuple[str, ...]]:
    """Give a row of cells for everybody, kept addresses included."""
    connection.execute("BEGIN")
    try:
        registers, several = (_Beside(connection.execute(query)) for query in (_REGISTERS, _SEVERAL))
        for row in connection.execute(_PERSONS):
            person = _Row(*row)
            suppressing = _suppressing(registers.of(person.pk))
            if suppressing or not person.kept:
                yield rows.cells_of(_who(connection, digests, person), suppressing)
            if suppressing and not person.kept and several.of(person.pk):
                for digest in _unspelled(connection, digests, person):
                    yield rows.cells_of(_kept(digests, digest, person.unit), suppressing)
    finally:
        connection.execute("COMMIT")


def all_rows(digests: Digests, take: Callable[[Iterator[tuple[str, ...]]], T]) -> Callable[[sqlite3.Connection], T]:
    """Make the read that lets somebody take the rows, as many as they like."""

    def read(connection: sqlite3.Connection) -> T:
        with contextlib.closing(export(connection, digests)) as lines:
            return take(lines)

    return read


def count(connection: sqlite3.Connection) -> int:
    """Say how many rows an export has, or nearly."""
    return int(connection.execute("SELECT count(*) FROM person").fetchone()[0])


class _Row(NamedTuple):
    """One person."""

    pk: int
    id: str | None
    email: str | None
    unit: str
    phones: str
    kept: int


class _Beside:
    """Rows that are read side by side with persons, by the person's key in their first column."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._waiting = next(rows, None)

    def of(self, pk: int) -> list[tuple[Any, ...]]:
        """Give the rows of a person; persons are asked for in their order."""
        found = []
        while self._waiting is not None and self._waiting[0] <= pk:
            if self._waiting[0] == pk:
                found.append(self._waiting[1:])
            self._waiting = next(self._rows, None)
        return found


def _suppressing(registers: list[tuple[Any, ...]]) -> list[tuple[Register, Microseconds]]:
    if not registers:
        return []
    if len(registers) == 1:  # nearly always; and alone, a register needs no other to be read
        register, maxima = register_of(list(registers[0]))
        return [(register, maxima.suppressed_at)] if state.suppresses(maxima) else []
    held = dict(register_of(list(fields)) for fields in registers)
    return [(register, stamp.at) for register, stamp in sorted(state.suppressing(held))]


def _who(connection: sqlite3.Connection, digests: Digests, person: _Row) -> tuple[str, str, str, str]:
    if person.kept:
        return _kept(digests, next(iter(addresses(connection, person.pk))), person.unit)
    phone = "" if person.phones == "{}" else rows.phone_cell(orjson.loads(person.phones))
    return person.id or "", (person.email or "").strip(), person.unit, phone


def _kept(digests: Digests, digest: bytes, unit: str) -> tuple[str, str, str, str]:
    return "", f"{rows.KEPT}:{digests.export(digest)}", unit, ""


def _unspelled(connection: sqlite3.Connection, digests: Digests, person: _Row) -> list[bytes]:
    """List the keys of a person that the texts in their row do not lead to."""
    keys = list(identity.email_keys(person.email)) if person.email else []
    for number, _ in orjson.loads(person.phones).values():
        keys += identity.phone_keys(number)
    return sorted(addresses(connection, person.pk) - {digests.digest(key) for key in keys})
