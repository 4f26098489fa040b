"""Scopes that were declared, with what they are for; they are about nobody, and no journal has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

MOST: Final = 20  # that an environment has beside the default one


class TooManyScopes(Exception):
    """There are as many scopes as there may be."""


def declare(name: str, description: str, *, most: int = MOST) -> Callable[[sqlite3.Connection], bool]:
    """Make the job that declares a scope, or describes it anew, and tells if it is new; it raises TooManyScopes."""

    def job(connection: sqlite3.Connection) -> bool:
        new = connection.execute("SELECT 1 FROM scope WHERE name = ?", (name,)).fetchone() is None
        if new and connection.execute("SELECT count(*) FROM scope").fetchone()[0] >= most:
            raise TooManyScopes
        connection.execute("INSERT OR REPLACE INTO scope VALUES (?, ?)", (name, description))
        return new

    return job


def described(connection: sqlite3.Connection) -> dict[str, str]:
    """Read the declared scopes with what they are for, by name."""
    return dict(connection.execute("SELECT name, description FROM scope ORDER BY name").fetchall())
