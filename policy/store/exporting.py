"""Everybody in the store as rows of an export (policy/rows.py), streamed in constant memory.

Persons and registers are read side by side in the order of their keys, in one read transaction: the export is the
store at one moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson

from policy import rows, state
from policy.model import Microseconds
from policy.state import Register
from policy.store.digests import Digests
from policy.store.facts import register_of

_PERSONS = "SELECT pk, external_id, email, business_unit, phones, kept FROM person ORDER BY pk"
_REGISTERS = "SELECT person, kind, channel, origin, number, suppressed_at, released_at FROM register ORDER BY person"


def export(connection: sqlite3.Connection, digests: Digests) -> Iterator[tuple[str, ...]]:
    """Give a row of cells for everybody, kept addresses included."""
    connection.execute("BEGIN")
    try:
        grouped = groupby(connection.execute(_REGISTERS), itemgetter(0))
        waiting = next(grouped, None)
        for pk, *person in connection.execute(_PERSONS):
            suppressing: list[tuple[Register, Microseconds]] = []
            while waiting is not None and waiting[0] < pk:  # nobody's; it must not hide the registers that follow
                waiting = next(grouped, None)
            if waiting is not None and waiting[0] == pk:
                suppressing = _suppressing([fields[1:] for fields in waiting[1]])
                waiting = next(grouped, None)
            yield rows.cells_of(_who(connection, digests, pk, *person), suppressing)
    finally:
        connection.execute("COMMIT")


def count(connection: sqlite3.Connection) -> int:
    """Say how many rows an export has."""
    return int(connection.execute("SELECT count(*) FROM person").fetchone()[0])


def _suppressing(registers: list[tuple[Any, ...]]) -> list[tuple[Register, Microseconds]]:
    if len(registers) == 1:  # nearly always; and alone, a register needs no other to be read
        register, maxima = register_of(list(registers[0]))
        return [(register, maxima.suppressed_at)] if state.suppresses(maxima) else []
    held = dict(register_of(list(fields)) for fields in registers)
    return [(register, stamp.at) for register, stamp in sorted(state.suppressing(held))]


def _who(  # noqa: PLR0913, PLR0917 (a row of the table)
    connection: sqlite3.Connection,
    digests: Digests,
    pk: int,
    external_id: str | None,
    email: str | None,
    unit: str,
    phones: str,
    kept: int,
) -> tuple[str, str, str, str]:
    if kept:
        digest = connection.execute("SELECT digest FROM address WHERE person = ?", (pk,)).fetchone()[0]
        return "", f"{rows.KEPT}:{digests.export(digest)}", unit, ""
    phone = "" if phones == "{}" else rows.phone_cell(orjson.loads(phones))
    return external_id or "", email or "", unit, phone
