"""Forgetting what is old: records and journal entries, oldest first, in chunks that hold up nobody.

A chunk is one short job among the writer's others. Ids grow without gaps and only the oldest go, so how many rows there
are follows from the first and the last id, and nobody counts ten million rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

CHUNK = 500

Prune = Callable[[sqlite3.Connection], int]


def records(*, older_than: int, max_rows: int) -> Prune:
    """Make the job that removes one chunk of records, and says how many went; times in microseconds."""

    def prune(connection: sqlite3.Connection) -> int:
        first, last = connection.execute("SELECT min(id), max(id) FROM dispatch_failed").fetchone()
        if first is None:
            return 0
        surplus = last - max_rows  # the newest id that is one too many
        return connection.execute(
            "DELETE FROM dispatch_failed WHERE id IN"
            " (SELECT id FROM dispatch_failed WHERE id <= ? OR time < ? ORDER BY id LIMIT ?)"
            " AND (id <= ? OR time < ?)",
            (surplus, older_than, CHUNK, surplus, older_than),
        ).rowcount

    return prune


def events(*, older_than: int) -> Prune:
    """Make the job that removes one chunk of journal entries, and says how many went.

    The standing lives in the registers and stays; what goes is the proof of it, and the knowledge of repeats.
    """

    def prune(connection: sqlite3.Connection) -> int:
        return connection.execute(
            "DELETE FROM event WHERE sequence IN (SELECT sequence FROM event ORDER BY sequence LIMIT ?)"
            " AND arrived_at < ?",
            (CHUNK, older_than),
        ).rowcount

    return prune
