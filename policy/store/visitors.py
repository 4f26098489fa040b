"""Profiles as the Profile Store's face lists them: one table of people, read by its filters and orders.

Everybody who is not a kept address is a profile, users and leads as well as visitors without any address.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from policy import identity, queries, visitors
from policy.model import Microseconds
from policy.scopes import Units
from policy.store import devices
from policy.store.digests import Digests
from policy.store.profiles import UnknownUser
from policy.store.querying import Field, Fields, Selection, Tree

_PERSONS: Final = "(SELECT * FROM person WHERE kept = 0)"
_READ: Final = "SELECT xng_id, email, business_unit, traits, created_at, updated_at FROM"
_KEPT: Final = f"json_extract(traits, '$.{visitors.TRAIT}.{{}}')"


class Visitor(NamedTuple):
    """One profile: its id, and what is kept of the person."""

    id: str
    email: str | None
    business_unit: str
    kept: Mapping[str, Any]
    created_at: Microseconds
    updated_at: Microseconds


@dataclass(frozen=True, slots=True)
class Page:
    """Some profiles, and how many there are on all pages."""

    total: int
    visitors: Sequence[Visitor]


def fields(digests: Digests, units: Units) -> Fields:
    """Give what profiles can be asked for."""
    return {
        "ProfileId": Field("xng_id", queries.identifier),
        "DeviceIds": Field(
            "digest",
            lambda device: devices.digest(digests, device),
            within="pk IN (SELECT person FROM device WHERE {})",
        ),
        "Name": Field(_KEPT.format("Name")),
        "ProfileManager": Field(_KEPT.format("ProfileManager")),
        "FirstSeen": Field(f"coalesce({_KEPT.format('FirstSeen')}, created_at)", queries.moment),
        "LastSeen": Field(f"coalesce({_KEPT.format('LastSeen')}, created_at)", queries.moment),
        "Visits": Field(f"coalesce({_KEPT.format('Visits')}, 0)", queries.number),
        "UpdateTime": Field("updated_at", queries.moment),
        "Scope": Field("business_unit", units.unit_of),
        "Info": Tree(_KEPT.format("Info")),
        "Info.Email": Field("email_key", read_email),
        "Payload": Tree(_KEPT.format("Payload")),
    }


def read_email(value: str) -> str:
    """Read an address as the key it is found by; raises queries.BadValue."""
    keys = identity.email_keys(value)
    if not keys:
        raise queries.BadValue(f"it must be an e-mail address{'; a + is written %2B' if ' ' in value else ''}")
    return keys[0]


def page(asked: Selection) -> Callable[[sqlite3.Connection], Page]:
    """Make the read of some profiles, with how many of them there are on all pages."""

    def read(connection: sqlite3.Connection) -> Page:
        connection.execute("BEGIN")  # both reads see the same people
        try:
            total = _count(connection) if asked.whole else asked.count(connection, _PERSONS)
            rows = asked.rows(connection, f"{_READ} {_PERSONS}")
        finally:
            connection.execute("COMMIT")
        return Page(total, [_visitor(row) for row in rows])

    return read


def one(profile_id: str) -> Callable[[sqlite3.Connection], Visitor]:
    """Make the read of one profile; it raises UnknownUser."""
    return lambda connection: _one(connection, "xng_id = ?", profile_id)


def written(sequence: int) -> Callable[[sqlite3.Connection], Visitor]:
    """Make the read of the profile that a journal entry is about; it raises UnknownUser if it is gone."""
    return lambda connection: _one(connection, "pk = (SELECT person FROM event WHERE sequence = ?)", sequence)


def _count(connection: sqlite3.Connection) -> int:
    """Count all of them by an index that kept addresses are not in."""
    return int(connection.execute("SELECT count(*) FROM person WHERE xng_id IS NOT NULL").fetchone()[0])


def _one(connection: sqlite3.Connection, where: str, value: str | int) -> Visitor:
    row = connection.execute(f"{_READ} {_PERSONS} WHERE {where}", (value,)).fetchone()
    if row is None:
        raise UnknownUser
    return _visitor(row)


def _visitor(row: tuple[Any, ...]) -> Visitor:
    xng_id, email, unit, traits, created_at, updated_at = row
    return Visitor(xng_id, email, unit, visitors.of(orjson.loads(traits)), created_at, updated_at)
