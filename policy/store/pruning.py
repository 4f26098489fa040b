"""Forgetting what is old: records and journal entries, oldest first, in chunks that hold up nobody.

A chunk is one short job among the writer's others. It looks at the oldest rows alone, so that finding nothing to do
takes no walk over ten million rows. Ids grow without gaps and only the oldest go, so which ones are too many follows
from the newest id, and nobody counts rows either.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

CHUNK = 500

Prune = Callable[[sqlite3.Connection], int]


def records(*, older_than: int, max_rows: int) -> Prune:
    """Make the job that removes one chunk of records, and says how many went; times in microseconds."""

    def prune(connection: sqlite3.Connection) -> int:
        last = connection.execute("SELECT max(id) FROM dispatch_failed").fetchone()[0] or 0
        surplus = last - max_rows  # the newest id that is one too many
        return connection.execute(
            "DELETE FROM dispatch_failed WHERE id IN (SELECT id FROM dispatch_failed ORDER BY id LIMIT ?)"
            " AND (id <= ? OR time < ?)",
            (CHUNK, surplus, older_than),
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
