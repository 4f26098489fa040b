"""What is left of erased rows beside the rows: in the log, and on pages between the rows.

SQLite overwrites what is deleted (`secure_delete`), but not every copy of it. The log holds pages as they were until a
checkpoint truncates it. And where a page was split, its older half may keep the bytes of rows that moved away; of a
hundred rows that are deleted later, one or two leave such a copy behind. So after an erasure

1. the log is emptied;
2. the file is searched for the clear addresses, by bytes, whatever SQLite thinks of them;
3. where any is found the file is rebuilt (`VACUUM`), or, if it is too large for that beside a running gate, it is told.

A mark in the store says that this is due, from the transaction that erases until it was done. So it is caught up when a
gate was killed in between. Nobody knows the addresses any more then, and a small file is rebuilt without a search.

The file is read through a descriptor that stays open as long as the store is: closing any would drop all locks that
this process has on the file (POSIX).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

MARK: Final = "unsettled"
REBUILT_AT_ONCE: Final = 1 << 30  # bytes of a file; rebuilding takes some ten seconds then, in which nobody can write
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Settled:
    """How far it is: whether the log is empty, and how often an address is left in the file, None if nobody looked."""

    log_emptied: bool
    left: int | None = None

    @property
    def done(self) -> bool:
        """Tell whether nothing is left to be done."""
        return self.log_emptied and self.left == 0


def mark(connection: sqlite3.Connection, sequence: int) -> None:
    """Write down that an erasure is to be settled."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (MARK, str(sequence)))


def marked(connection: sqlite3.Connection) -> int | None:
    """Give the sequence number of the last erasure that was not settled, None if there is none."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (MARK,)).fetchone()
    return None if row is None else int(row[0])


def unmark(connection: sqlite3.Connection, sequence: int) -> None:
    """Write down that all erasures up to one are settled."""
    connection.execute("DELETE FROM meta WHERE name = ? AND CAST(value AS INTEGER) <= ?", (MARK, sequence))


def empty_log(connection: sqlite3.Connection) -> bool:
    """Write the whole log into the file and truncate it; false if somebody still reads what is in it."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def rebuild(connection: sqlite3.Connection) -> bool:
    """Write the file anew, row by row, and empty the log; false if somebody still reads what is in the log."""
    connection.execute("VACUUM")
    return empty_log(connection)


def catch_up(connection: sqlite3.Connection, file: int) -> None:
    """Settle what a gate that ended too early left, before anybody else has the store open."""
    sequence = marked(connection)
    if sequence is None:
        return
    with contextlib.suppress(sqlite3.Error):  # no place for a rebuilt file, say: the mark stays, and the gate starts
        if empty_log(connection) and os.fstat(file).st_size <= REBUILT_AT_ONCE and rebuild(connection):
            unmark(connection, sequence)
            empty_log(connection)


def left_in(file: int, texts: Collection[str]) -> int:
    """Count how often any of some addresses stands in a file, in any case and percent-encoded as well."""
    wanted = {form for text in texts for form in _forms(text)}
    longest = max(map(len, wanted), default=1)
    count, offset, tail = 0, 0, b""
    while chunk := os.pread(file, _CHUNK, offset):
        offset += len(chunk)
        seen = tail + chunk.lower()
        tail = seen[len(seen) - longest + 1 :] if longest > 1 else b""
        count += sum(seen.count(form) - tail.count(form) for form in wanted)
    return count


def _forms(text: str) -> tuple[bytes, ...]:
    return text.encode().lower(), quote(text, safe="").encode().lower()
