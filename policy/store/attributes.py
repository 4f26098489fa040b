"""User attributes: the traits that somebody declared, by name and type (CrossEngage v1, "User Attribute Management").

A declaration is a note for those who write profiles. Every trait is kept, declared or not, and none follows from a
declaration, so it is about nobody: it stands beside the journal, and taking one away leaves all profiles as they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]


class AttributeTaken(Exception):
    """The name is declared already, with other types."""


class AttributeInUse(Exception):
    """Other attributes are nested in this one."""


class UnknownAttribute(LookupError):
    """No attribute has this id, or this name."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One declaration; `parent` is the name of the attribute it is nested in, empty for none."""

    name: str
    type: str
    nested_type: str = ""
    parent: str = ""


Numbered = tuple[int, Attribute]

_COLUMNS = "id, name, type, nested_type, parent"


def declare(wanted: Attribute) -> Job[int]:
    """Make the job that declares an attribute and gives its id; declaring the same again changes nothing.

    It raises AttributeTaken, and UnknownAttribute for a parent that is none or that is nested itself.
    """

    def job(connection: sqlite3.Connection) -> int:
        if wanted.parent and _named(connection, wanted.parent, "") is None:
            raise UnknownAttribute(wanted.parent)
        there = _named(connection, wanted.name, wanted.parent)
        if there is None:
            values = (wanted.name, wanted.type, wanted.nested_type, wanted.parent)
            insert = "INSERT INTO attribute (name, type, nested_type, parent) VALUES (?, ?, ?, ?)"
            return int(connection.execute(insert, values).lastrowid or 0)
        if there[1] != wanted:
            raise AttributeTaken
        return there[0]

    return job


def remove(number: int) -> Job[None]:
    """Make the job that takes a declaration away; it raises UnknownAttribute and AttributeInUse."""

    def job(connection: sqlite3.Connection) -> None:
        _, attribute = one(number)(connection)
        nested = "SELECT 1 FROM attribute WHERE parent = ? LIMIT 1"
        if not attribute.parent and connection.execute(nested, (attribute.name,)).fetchone():
            raise AttributeInUse
        connection.execute("DELETE FROM attribute WHERE id = ?", (number,))

    return job


def one(number: int) -> Job[Numbered]:
    """Make the read of one attribute; it raises UnknownAttribute."""

    def read(connection: sqlite3.Connection) -> Numbered:
        row = connection.execute(f"SELECT {_COLUMNS} FROM attribute WHERE id = ?", (number,)).fetchone()  # noqa: S608 (a constant list of columns)
        if row is None:
            raise UnknownAttribute(number)
        return _numbered(row)

    return read


def page(offset: int, limit: int) -> Job[tuple[list[Numbered], int]]:
    """Make the read of some attributes in the order they were declared in, and of how many there are."""

    def read(connection: sqlite3.Connection) -> tuple[list[Numbered], int]:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM attribute ORDER BY id LIMIT ? OFFSET ?",  # noqa: S608 (a constant list of columns)
            (limit, offset),
        )
        total = connection.execute("SELECT count(*) FROM attribute").fetchone()[0]
        return [_numbered(row) for row in rows], total

    return read


def _named(connection: sqlite3.Connection, name: str, parent: str) -> Numbered | None:
    where = f"SELECT {_COLUMNS} FROM attribute WHERE parent = ? AND name = ?"  # noqa: S608 (a constant list of columns)
    row = connection.execute(where, (parent, name)).fetchone()
    return None if row is None else _numbered(row)


def _numbered(row: tuple[int, str, str, str, str]) -> Numbered:
    number, *fields = row
    return number, Attribute(*fields)
