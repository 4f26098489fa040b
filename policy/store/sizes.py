"""How much the store holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

_COUNTS: Mapping[str, str] = {
    "users": "SELECT count(*) FROM person WHERE external_id IS NOT NULL",
    "leads": "SELECT count(*) FROM person WHERE external_id IS NULL AND kept = 0",
    "kept": "SELECT count(*) FROM person WHERE kept = 1",
    "suppressed": "SELECT count(*) FROM suppressed",
    "events": "SELECT count(*) FROM event",
    "dispatch_failed": "SELECT count(*) FROM dispatch_failed",
}


def count(connection: sqlite3.Connection) -> dict[str, int]:
    """Count the rows; a full walk over each table's smallest index, so for a thread and not for every scrape."""
    return {table: connection.execute(query).fetchone()[0] for table, query in _COUNTS.items()}
