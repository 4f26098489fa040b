"""Forgetting what is old: records and journal entries, oldest first, in chunks that hold up nobody.

A chunk is one short job among the writer's others. It looks at the oldest rows and at a few behind them, so that
finding nothing to do takes no walk over ten million rows. Ids grow without gaps and only the oldest go, so which ones
are too many follows from the newest id, and nobody counts rows either.

Clocks go wrong, and rows keep the times that a wrong clock gave them. What was written before an old row is old,
whatever its time says; so times in the future at the front stop nothing, and rows go from the front alone. And a clock
that leaps ahead by more than LEAP is not believed until it has gone on for as long: till then nothing goes for its age.
A gate that was switched off for days meets that as well, and forgets a day later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

CHUNK = 500
LEAP = 86_400_000_000  # microseconds
_FURTHER = (1, 10, 100, 1000, 10_000)  # chunks behind the front, where a look is taken when the front seems young
_CLOCK = "clock"  # the newest time that was believed, and since when a later one is doubted (0: none is)

Prune = Callable[[sqlite3.Connection], int]


def look(now: int) -> Callable[[sqlite3.Connection], bool]:
    """Make the job that takes note of the time, and tells whether it is to be believed."""

    def note(connection: sqlite3.Connection) -> bool:
        row = connection.execute("SELECT value FROM meta WHERE name = ?", (_CLOCK,)).fetchone()
        believed, doubted = map(int, row[0].split()) if row else (now, 0)
        if now <= believed + LEAP or (doubted and now >= doubted + LEAP):
            believed, doubted = now, 0
        elif not doubted or now < doubted:
            doubted = now
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_CLOCK, f"{believed} {doubted}"))
        return not doubted

    return note


def records(*, older_than: int, max_rows: int) -> Prune:
    """Make the job that removes one chunk of records, and says how many went; times in microseconds."""

    def prune(connection: sqlite3.Connection) -> int:
        last = connection.execute("SELECT max(id) FROM dispatch_failed").fetchone()[0] or 0
        surplus = last - max_rows  # the newest id that is one too many
        through = max(surplus, _old(connection, "dispatch_failed", "id", "time", older_than))
        if through <= 0:
            return 0
        return connection.execute(
            "DELETE FROM dispatch_failed WHERE id <= ? AND id IN (SELECT id FROM dispatch_failed ORDER BY id LIMIT ?)",
            (through, CHUNK),
        ).rowcount

    return prune


def events(*, older_than: int) -> Prune:
    """Make the job that removes one chunk of journal entries, and says how many went.

    The standing lives in the registers and stays; what goes is the proof of it, and the knowledge of repeats.
    """

    def prune(connection: sqlite3.Connection) -> int:
        through = _old(connection, "event", "sequence", "arrived_at", older_than)
        return connection.execute("DELETE FROM event WHERE sequence <= ?", (through,)).rowcount

    return prune


def _old(connection: sqlite3.Connection, table: str, key: str, time: str, older_than: int) -> int:
    """Give the last row of the front chunk that is old, by its own time or by that of a row behind; 0 for none."""
    if _doubted(connection):
        return 0
    front = f"SELECT {key} AS key, {time} AS at FROM {table} ORDER BY {key} LIMIT {CHUNK}"  # noqa: S608 (names from this file)
    old, first, last = connection.execute(
        f"SELECT max(key) FILTER (WHERE at < ?), min(key), max(key) FROM ({front})",  # noqa: S608 (names from this file)
        (older_than,),
    ).fetchone()
    if old is not None or first is None:
        return old or 0
    behind = f"SELECT {time} < ? FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT 1"  # noqa: S608 (names from this file)
    looks = (connection.execute(behind, (older_than, first + further * CHUNK)).fetchone() for further in _FURTHER)
    return last if any(found is not None and found[0] for found in looks) else 0


def _doubted(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_CLOCK,)).fetchone()
    return row is not None and not row[0].endswith(" 0")
