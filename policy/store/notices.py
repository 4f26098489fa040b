"""Which of a provider's webhook items were told before: providers tell again what was not answered in time.

An item is known by its own id for KEEP, however short the journal's memory is. What is older counts as new whether it
was pruned already or not, so that telling the journal again ends in the same store.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from typing import Final

from policy.model import Microseconds

KEEP: Final = 30 * 86_400_000_000  # microseconds
CHUNK: Final = 500
_VEIL: Final = "\x00"  # no route has it in its name, with which an item's id begins


def seen(connection: sqlite3.Connection, notice: str, arrived: Microseconds) -> tuple[int, Microseconds] | None:
    """Find the journal entry of an item that was told before, with the time it came."""
    found = connection.execute(
        "SELECT sequence, arrived_at FROM notice WHERE identity = ?", (_identity(notice),)
    ).fetchone()
    if found is None or arrived - found[1] >= KEEP:
        return None
    return found[0], Microseconds(found[1])


def remember(connection: sqlite3.Connection, notice: str, sequence: int, arrived: Microseconds) -> None:
    """Write down that an item was told."""
    connection.execute("INSERT OR REPLACE INTO notice VALUES (?, ?, ?)", (_identity(notice), sequence, arrived))


def prune(now: Microseconds) -> Callable[[sqlite3.Connection], int]:
    """Make the job that forgets one chunk of what is too old, and says how many went."""

    def job(connection: sqlite3.Connection) -> int:
        return connection.execute(
            "DELETE FROM notice WHERE identity IN (SELECT identity FROM notice WHERE arrived_at <= ? LIMIT ?)",
            (now - KEEP, CHUNK),
        ).rowcount

    return job


def veiled(notice: str) -> str:
    """Give the text that stands for an item's id in the journal once whoever it tells of was erased."""
    return notice if notice.startswith(_VEIL) else f"{_VEIL}{_identity(notice).hex()}"


def _identity(notice: str) -> bytes:
    if notice.startswith(_VEIL):
        return bytes.fromhex(notice.removeprefix(_VEIL))
    return hashlib.blake2b(notice.encode(), digest_size=16).digest()
