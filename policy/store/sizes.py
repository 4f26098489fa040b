"""How much the store holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

# One walk over all persons: it is the largest table, and a walk for each count would read it three times.
_PEOPLE = """
SELECT count(external_id), count(*) FILTER (WHERE external_id IS NULL AND kept = 0),
       count(*) FILTER (WHERE kept = 1)
FROM person
"""
_COUNTS: Mapping[str, str] = {
    "suppressed": "SELECT count(*) FROM suppressed",
    "blacklist": "SELECT count(*) FROM blacklist",
    "events": "SELECT count(*) FROM event",
    "dispatch_failed": "SELECT count(*) FROM dispatch_failed",
}


def count(connection: sqlite3.Connection) -> dict[str, int]:
    """Count the rows; a walk over whole tables, so for a thread and not for every scrape."""
    people = dict(zip(("users", "leads", "kept"), connection.execute(_PEOPLE).fetchone(), strict=True))
    return people | {table: connection.execute(query).fetchone()[0] for table, query in _COUNTS.items()}
