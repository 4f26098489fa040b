"""Everybody in the store as rows of an export (policy/rows.py), streamed in constant memory.

Persons and registers are read side by side in the order of their keys, in one read transaction: the export is the
store at one moment.

Somebody may have a key that their addresses do not lead to: of a spelling that was told once, or made by older tables.
If they are suppressed, the key follows as a kept address, or it would pass after an import.

What was said of everybody who has an address comes last, when an import knows those who have it: whom it reached, and
whom it did not, their own rows tell.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

import orjson

from policy import identity, rows, state
from policy.rows import Said
from policy.store import everybody, people
from policy.store.digests import Digests

T = TypeVar("T")

_PERSONS = "SELECT pk, external_id, email, business_unit, phones, kept FROM person ORDER BY pk"
# Nearly every register is plain: it suppresses, by itself and not at one number. Of those SQLite says all in words,
# because making texts of times, and registers of rows, would take half the time of an export.
_REGISTERS = """
SELECT person, iif(kind = 'blacklist', 'BLACKLIST', channel), origin,
  strftime('%Y-%m-%dT%H:%M:%S.', suppressed_at / 1000000, 'unixepoch') || substr('00000' || suppressed_at, -6) || 'Z',
  number = '' AND origin != '*' AND suppressed_at > 0 AND suppressed_at >= released_at
FROM register WHERE person > ? AND person <= ? ORDER BY person, kind, channel, origin, number
"""
_LAST = (1 << 63) - 1
_SEVERAL = "SELECT person, count(*) FROM address GROUP BY person HAVING count(*) > 1 ORDER BY person"


def export(connection: sqlite3.Connection, digests: Digests) -> Generator[tuple[str, ...]]:
    """Give a row of cells for everybody, kept addresses included."""
    connection.execute("BEGIN")
    try:
        registers, several = _registers(connection, 0, _LAST), _Beside(connection.execute(_SEVERAL)).of
        for pk, external_id, email, unit, phones, kept in connection.execute(_PERSONS):
            said = _said(connection, found) if (found := registers(pk)) else _NOTHING
            if not kept:
                phone = "" if phones == "{}" else rows.phone_cell(orjson.loads(phones))
                yield rows.cells_saying((external_id or "", (email or "").strip(), unit, phone), said)
            elif said:
                yield rows.cells_saying(_kept(digests, next(iter(people.addresses(connection, pk))), unit), said)
            if said and not kept and several(pk):
                for digest in _unspelled(connection, digests, pk, email, phones):
                    yield rows.cells_saying(_kept(digests, digest, unit), said)
        yield from _of_everybody(connection, digests)
    finally:
        connection.execute("COMMIT")


def some(
    connection: sqlite3.Connection,
    persons: Iterable[tuple[int, str | None, str | None, str, str]],
    after: int,
    last: int,
) -> Iterator[tuple[str, ...]]:
    """Give the same rows of some people who have a name, whose keys lie behind one number and up to another.

    A person is the key, external id, e-mail, unit and phones, in the order of the keys.
    """
    registers = _registers(connection, after, last)
    for pk, external_id, email, unit, phones in persons:
        said = _said(connection, found) if (found := registers(pk)) else _NOTHING
        phone = "" if phones == "{}" else rows.phone_cell(orjson.loads(phones))
        yield rows.cells_saying((external_id or "", (email or "").strip(), unit, phone), said)


def all_rows(digests: Digests, take: Callable[[Iterator[tuple[str, ...]]], T]) -> Callable[[sqlite3.Connection], T]:
    """Make the read that lets somebody take the rows, as many as they like."""

    def read(connection: sqlite3.Connection) -> T:
        with contextlib.closing(export(connection, digests)) as lines:
            return take(lines)

    return read


def count(connection: sqlite3.Connection) -> int:
    """Say how many rows an export has, or nearly."""
    return int(connection.execute("SELECT count(*) FROM person").fetchone()[0])


_Registers = Callable[[int], Sequence[tuple[Any, ...]]]


def _registers(connection: sqlite3.Connection, after: int, last: int) -> _Registers:
    return _Beside(connection.execute(_REGISTERS, (after, last))).of


_Group = tuple[float, Iterable[tuple[Any, ...]]]


class _Beside:
    """Rows that are read side by side with persons, by the person's key in their first column."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._groups: Iterator[_Group] = groupby(rows, itemgetter(0))
        self._pk, self._group = next(self._groups, _END)

    def of(self, pk: int) -> Sequence[tuple[Any, ...]]:
        """Give the rows of a person; persons are asked for in their order."""
        while self._pk < pk:
            self._pk, self._group = next(self._groups, _END)
        if self._pk > pk:
            return _NOTHING
        found = list(self._group)
        self._pk, self._group = next(self._groups, _END)
        return found


_NOTHING: tuple[()] = ()
_END: _Group = (math.inf, _NOTHING)


def _said(connection: sqlite3.Connection, registers: Sequence[tuple[Any, ...]]) -> Sequence[Said]:
    """Say what the registers of a person suppress, in their order."""
    said = [(name, time, f"{name}={origin}@{time}") for _, name, origin, time, plain in registers if plain]
    if len(said) == len(registers):
        return said
    held = state.suppressing(people.registers(connection, registers[0][0]))
    return [rows.said(register, stamp.at) for register, stamp in sorted(held)]


def _kept(digests: Digests, digest: bytes, unit: str) -> tuple[str, str, str, str]:
    return "", f"{rows.KEPT}:{digests.export(digest)}", unit, ""


def _of_everybody(connection: sqlite3.Connection, digests: Digests) -> Iterator[tuple[str, ...]]:
    """Give a row for each address of which something was said that holds for whoever gets it."""
    for (digest,) in connection.execute("SELECT DISTINCT digest FROM everybody ORDER BY digest"):
        held = everybody.registers(connection, digest)
        suppressing = [(register, stamp.at) for register, stamp in sorted(state.suppressing(held))]
        if suppressing:
            yield rows.cells_of(("", f"{rows.EVERYBODY}:{digests.export(digest)}", "", ""), suppressing)


def _unspelled(
    connection: sqlite3.Connection, digests: Digests, pk: int, email: str | None, phones: str
) -> list[bytes]:
    """List the keys of a person that the texts in their row do not lead to."""
    keys = list(identity.email_keys(email)) if email else []
    for number, _ in orjson.loads(phones).values():
        keys += identity.phone_keys(number)
    return sorted(people.addresses(connection, pk) - {digests.digest(key) for key in keys})
