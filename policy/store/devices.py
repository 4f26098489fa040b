"""Whose device it is: the ids of devices as keyed digests, beside the persons who have them.

A tracking event of a device that nobody has is about nobody. When somebody in the same business unit gets the device
the event becomes theirs, so that it goes when they are removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from policy import visitors
from policy.events import Origin, Told
from policy.model import Microseconds
from policy.store import people
from policy.store.digests import Digests
from policy.store.people import Person

# What tracking events say of themselves, whether they are about somebody or about nobody (schema.py has indexes of it).
IN_BODY: Final = "coalesce(json_extract(body, '$.properties.{0}'), json_extract(body, '$.raw.{0}'))"
UNIT: Final = "BusinessUnit"  # of an event about nobody
TRACKED: Final = f"origin = '{Origin.TRACK}'"
OF_DEVICE: Final = f"lower({IN_BODY.format(visitors.DEVICE)})"

_ADOPT: Final = (
    f"UPDATE event SET person = ?1 WHERE {TRACKED} AND {OF_DEVICE} = ?2 AND person IS NULL"  # noqa: S608 (constants)
    f" AND json_extract(body, '$.raw.{UNIT}') = (SELECT business_unit FROM person WHERE pk = ?1)"
)

# An event that names somebody by the device alone says their unit nowhere: theirs is meant.
_DONE_BY: Final = (
    f"SELECT sequence, person FROM event WHERE {TRACKED} AND {OF_DEVICE} = ?1 AND coalesce("  # noqa: S608 (constants)
    f" json_extract(body, '$.raw.{UNIT}'),"
    " iif(json_extract(body, '$.xngId') IS NULL, json_extract(body, '$.businessUnit'),"
    " (SELECT business_unit FROM person WHERE pk = person)), ?2) = ?2"
)


def digest(digests: Digests, device: str) -> str:
    """Give what the id of a device is looked up by, in whichever case it is written."""
    return digests.digest(f"\x00device:{device.lower()}").hex()


def write(connection: sqlite3.Connection, digests: Digests, pk: int, ids: Iterable[str]) -> None:
    """Let a person have exactly these devices; what a new one did before is theirs as well."""
    wanted = {digest(digests, device): device for device in ids}
    held = {row[0] for row in connection.execute("SELECT digest FROM device WHERE person = ?", (pk,))}
    for gone in held - wanted.keys():
        connection.execute("DELETE FROM device WHERE digest = ? AND person = ?", (gone, pk))
    for new in [each for each in wanted if each not in held]:
        connection.execute("INSERT INTO device VALUES (?, ?)", (new, pk))
        connection.execute(_ADOPT, (pk, lowered(wanted[new])))


def lowered(device: str) -> str:
    """Write the id of a device in small letters, as SQLite does: those of ASCII."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in device)


def having(connection: sqlite3.Connection, digests: Digests, device: str) -> list[Person]:
    """List whose device it is, in whichever business unit."""
    query = "SELECT person FROM device WHERE digest = ? ORDER BY person"
    found = connection.execute(query, (digest(digests, device),)).fetchall()
    return [person for person in (people.by_pk(connection, pk) for (pk,) in found) if person is not None]


def see(connection: sqlite3.Connection, digests: Digests, pk: int, told: Told, at: Microseconds) -> None:
    """Note that a tracking event was of a person: their device, and when they were here."""
    person = people.by_pk(connection, pk)
    device = visitors.device_of(told.properties)
    if person is None or not device:
        return
    kept = visitors.seen(person.traits, device, at)
    traits = visitors.merged([person.traits], {visitors.TRAIT: kept})
    people.update(connection, pk, {"traits": orjson.dumps(traits).decode()})
    write(connection, digests, pk, visitors.devices(traits))


def done_by(connection: sqlite3.Connection, pks: Sequence[int]) -> list[int]:
    """List the tracking events of these persons' devices, each in its owner's business unit, that are not theirs."""
    found: set[int] = set()
    for person in filter(None, (people.by_pk(connection, pk) for pk in pks)):
        for device in visitors.devices(person.traits):
            rows = connection.execute(_DONE_BY, (lowered(device), person.business_unit)).fetchall()
            found.update(sequence for sequence, pk in rows if pk not in pks)
    return sorted(found)
