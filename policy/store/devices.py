"""Whose device it is: the ids of devices as keyed digests, beside the persons who have them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import orjson

from policy import visitors
from policy.events import Told
from policy.model import Microseconds
from policy.store import people
from policy.store.digests import Digests
from policy.store.people import Person


def digest(digests: Digests, device: str) -> str:
    """Give what the id of a device is looked up by, in whichever case it is written."""
    return digests.digest(f"\x00device:{device.lower()}").hex()


def write(connection: sqlite3.Connection, digests: Digests, pk: int, ids: Iterable[str]) -> None:
    """Let a person have exactly these devices."""
    connection.execute("DELETE FROM device WHERE person = ?", (pk,))
    rows = [(digest(digests, device), pk) for device in ids]
    connection.executemany("INSERT OR IGNORE INTO device VALUES (?, ?)", rows)


def having(connection: sqlite3.Connection, digests: Digests, device: str) -> list[Person]:
    """List whose device it is, in whichever business unit."""
    query = "SELECT person FROM device WHERE digest = ? ORDER BY person"
    found = connection.execute(query, (digest(digests, device),)).fetchall()
    return [person for person in (people.by_pk(connection, pk) for (pk,) in found) if person is not None]


def see(connection: sqlite3.Connection, digests: Digests, pk: int, told: Told, at: Microseconds) -> None:
    """Note that a tracking event was of a person: their device, and when they were here."""
    person = people.by_pk(connection, pk)
    device = told.properties.get("DeviceId")
    if person is None or not device:
        return
    kept = visitors.seen(person.traits, device, at)
    traits = visitors.merged([person.traits], {visitors.TRAIT: kept})
    people.update(connection, pk, {"traits": orjson.dumps(traits).decode()})
    write(connection, digests, pk, visitors.devices(traits))
