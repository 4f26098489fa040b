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
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

import orjson

from policy import identity, rows, state
from policy.rows import Suppressing
from policy.state import Maxima
from policy.store import everybody
from policy.store.digests import Digests
from policy.store.facts import register_of
from policy.store.people import addresses

T = TypeVar("T")

_PERSONS = "SELECT pk, external_id, email, business_unit, phones, kept FROM person ORDER BY pk"
_REGISTERS = (
    "SELECT person, kind, channel, origin, number, suppressed_at, released_at FROM register"
    " ORDER BY person, kind, channel, origin, number"
)
_SEVERAL = "SELECT person, count(*) FROM address GROUP BY person HAVING count(*) > 1 ORDER BY person"


def export(connection: sqlite3.Connection, digests: Digests) -> Generator[tuple[str, ...]]:
    """Give a row of cells for everybody, kept addresses included."""
    connection.execute("BEGIN")
    try:
        registers, several = (_Beside(connection.execute(query)) for query in (_REGISTERS, _SEVERAL))
        for person in connection.execute(_PERSONS):
            pk, _, _, unit, _, kept = person
            suppressing = _suppressing(registers.of(pk))
            if suppressing or not kept:
                yield rows.cells_of(_who(connection, digests, person), suppressing)
            if suppressing and not kept and several.of(pk):
                for digest in _unspelled(connection, digests, person):
                    yield rows.cells_of(_kept(digests, digest, unit), suppressing)
        yield from _of_everybody(connection, digests)
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


_Person = tuple[int, str | None, str | None, str, str, int]  # the columns of _PERSONS


class _Beside:
    """Rows that are read side by side with persons, by the person's key in their first column."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._waiting = next(rows, _END)

    def of(self, pk: int) -> Sequence[tuple[Any, ...]]:
        """Give the rows of a person; persons are asked for in their order."""
        waiting = self._waiting
        if waiting[0] > pk:
            return _NOTHING
        found: list[tuple[Any, ...]] = []
        while waiting[0] <= pk:
            if waiting[0] == pk:
                found.append(waiting)
            waiting = next(self._rows, _END)
        self._waiting = waiting
        return found


_END = (math.inf,)
_NOTHING: tuple[()] = ()


def _suppressing(registers: Sequence[tuple[Any, ...]]) -> Sequence[Suppressing]:
    """List the registers of a person that suppress, in their order.

    Where nothing is released under ANY, which is nearly always, each speaks for itself; their words stay as they are
    read, because making registers of a million rows takes longer than anything else here.
    """
    if not registers:
        return _NOTHING
    if len(registers) > 1 and any(origin == state.ANY for _, _, _, origin, *_ in registers):
        held = dict(register_of(list(fields)) for _, *fields in registers)
        return [(register, stamp.at) for register, stamp in sorted(state.suppressing(held))]
    return [
        ((kind, channel, origin, number), suppressed_at)
        for _, kind, channel, origin, number, suppressed_at, released_at in registers
        if state.suppresses(Maxima(suppressed_at, released_at))
    ]


def _who(connection: sqlite3.Connection, digests: Digests, person: _Person) -> tuple[str, str, str, str]:
    pk, external_id, email, unit, phones, kept = person
    if kept:
        return _kept(digests, next(iter(addresses(connection, pk))), unit)
    phone = "" if phones == "{}" else rows.phone_cell(orjson.loads(phones))
    return external_id or "", (email or "").strip(), unit, phone


def _kept(digests: Digests, digest: bytes, unit: str) -> tuple[str, str, str, str]:
    return "", f"{rows.KEPT}:{digests.export(digest)}", unit, ""


def _of_everybody(connection: sqlite3.Connection, digests: Digests) -> Iterator[tuple[str, ...]]:
    """Give a row for each address of which something was said that holds for whoever gets it."""
    for (digest,) in connection.execute("SELECT DISTINCT digest FROM everybody ORDER BY digest"):
        held = everybody.registers(connection, digest)
        suppressing = [(register, stamp.at) for register, stamp in sorted(state.suppressing(held))]
        if suppressing:
            yield rows.cells_of(("", f"{rows.EVERYBODY}:{digests.export(digest)}", "", ""), suppressing)


def _unspelled(connection: sqlite3.Connection, digests: Digests, person: _Person) -> list[bytes]:
    """List the keys of a person that the texts in their row do not lead to."""
    pk, _, email, _, phones, _ = person
    keys = list(identity.email_keys(email)) if email else []
    for number, _ in orjson.loads(phones).values():
        keys += identity.phone_keys(number)
    return sorted(addresses(connection, pk) - {digests.digest(key) for key in keys})
