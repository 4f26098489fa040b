"""Tracking events: what visitors' devices did, told about whoever is known by the e-mail or by the device.

    User.Email in the scope                 whoever has it, made if nobody has
    else a DeviceId that is an address      the same, as campaigns call devices
    else a DeviceId of a profile            whose device it is in this scope, known by an e-mail before all others
    else                                    nobody, until somebody in this scope has the device (devices.py)

An event about a listed address is ignored, and so is one of a device whose profile has one (screening.py). A tracking
event says nothing about the standing unless it is called like a system event that suppresses; then it is one, because
whoever told it was told that it was accepted.

The event knows its own time and its device, and the person gets both: the device is theirs from then on.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import orjson

from policy import queries, times, visitors
from policy.events import SUPPRESSES, Event, Learned, Origin, Subject, Told, Unplaced
from policy.model import Microseconds
from policy.scopes import Units
from policy.store import devices, learning, people
from policy.store.devices import IN_BODY, OF_DEVICE, TRACKED, UNIT
from policy.store.digests import Digests
from policy.store.people import Person
from policy.store.querying import Field, Fields, Selection, Tree
from policy.store.screening import Screen, together
from policy.store.visitors import read_email

TIME: Final = "EventTime"  # as `moment` writes it

_TRACKED: Final = f"event WHERE {TRACKED}"
_EVENTS: Final = f"(SELECT * FROM {_TRACKED} AND {OF_DEVICE} IS NOT NULL)"  # noqa: S608 (constants)  an erased one has none
_READ: Final = f"SELECT sequence, name, body FROM {_EVENTS}"  # noqa: S608 (constants)
_COUNT: Final = f"SELECT count(*) FROM {_TRACKED.replace('event', 'event INDEXED BY event_track', 1)}"  # noqa: S608 (constants)
_COUNT_ERASED: Final = f"SELECT count(*) FROM {_TRACKED} AND {OF_DEVICE} IS NULL"  # noqa: S608 (constants)


class NobodyNamed(Exception):
    """An event that suppresses names nobody; `number` is its place in the request."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True, slots=True)
class Track:
    """One tracking event: what is told, of whoever has the e-mail in its subject, and the device that it came from.

    Without an e-mail the subject has nothing but the business unit of the event's scope.
    """

    told: Told
    device: str


class Tracked(NamedTuple):
    """One tracking event as it is listed: its id, its type and what was told with it."""

    id: str
    name: str
    told: Mapping[str, Any]


def learn(
    digests: Digests, tracks: Sequence[Track], arrived: Microseconds, units: Units
) -> Callable[[sqlite3.Connection], list[Learned | None]]:
    """Make the transaction that learns tracking events, all or none; None for one that is ignored.

    That is one about a listed address, and one that would release somebody. It raises NobodyNamed.
    """

    def transaction(connection: sqlite3.Connection) -> list[Learned | None]:
        screen = Screen(connection, digests, units, arrived)
        learned: list[Learned | None] = []
        for number, track in enumerate(tracks):
            events = [] if releases(track.told) else list(_events(screen, track, number))
            learned.append(together(learning.learn(digests, events, arrived)(connection)))
        return learned

    return transaction


def releases(told: Told) -> bool:
    """Tell whether an event is called like one that releases, which no tracker does."""
    return told.word is not None and not SUPPRESSES[told.word]


def _events(screen: Screen, track: Track, number: int) -> Iterator[Event]:
    """Give what is learned of a tracking event."""
    subject, owners = _addressed(track), devices.having(screen.connection, screen.digests, track.device)
    told, unit = track.told, track.told.subject.business_unit
    suppresses = told.word is not None and SUPPRESSES[told.word]
    here = _owner(owners, unit)
    named = subject or (Subject(xng_id=here.xng_id) if here else None)
    if suppresses and named is None:
        raise NobodyNamed(number)
    if not screen.empty and _concerns(screen, track, owners):
        yield from screen.kept(replace(told, subject=named, origin=Origin.EVENT)) if suppresses and named else ()
    elif named is not None:
        yield replace(told, subject=named)
    else:
        yield Unplaced(told.name, told.origin, {**told.properties, UNIT: unit}, notice="", source=told.source)


def _addressed(track: Track) -> Subject | None:
    """Name whoever has the event's e-mail, or the address that the device is called by."""
    if track.told.subject.email_keys:
        return track.told.subject
    keys = visitors.keys_of(track.device)
    return (
        Subject(email=track.device, business_unit=track.told.subject.business_unit, email_keys=keys) if keys else None
    )


def _owner(owners: Sequence[Person], unit: str) -> Person | None:
    """Say whose device it is in a business unit; who is known by an e-mail comes before who is not."""
    here = [person for person in owners if person.business_unit == unit]
    return min(here, key=lambda person: (person.email is None, person.pk), default=None)


def _concerns(screen: Screen, track: Track, owners: Sequence[Person]) -> bool:
    unit = track.told.subject.business_unit
    keys = (*track.told.subject.email_keys, *visitors.keys_of(track.device))
    if screen.covers(keys, unit) or any(screen.covers_person(person, unit) for person in owners):
        return True
    addressed = _addressed(track)
    return addressed is not None and screen.concerns(addressed)


# Asking


def fields(units: Units) -> Fields:
    """Give what tracking events can be asked for."""
    return {
        visitors.DEVICE: Field(OF_DEVICE, devices.lowered),
        "EventType": Field("name"),
        TIME: Field(IN_BODY.format(TIME), lambda value: moment(Microseconds(queries.moment(value)))),
        **{name: Field(IN_BODY.format(name)) for name in ("Value", "CountryCode", "PageUri", "PageTitle")},
        "RemoteAddress": Field(IN_BODY.format("RemoteAddress")),
        "Scope": Field(IN_BODY.format("Scope"), lambda scope: units.scope_of(units.unit_of(scope))),
        "User": Tree(IN_BODY.format("User")),
        "User.Email": Field("json_extract(body, '$.emailKeys[0]')", read_email),
        "Payload": Tree(IN_BODY.format("Payload")),
    }


def moment(at: Microseconds) -> str:
    """Write a time so that texts are in the order of the times."""
    text = times.written(at)
    return text if "." in text else text.replace("Z", ".000000Z")


def page(asked: Selection) -> Callable[[sqlite3.Connection], tuple[int, list[Tracked]]]:
    """Make the read of some tracking events, with how many of them there are on all pages."""

    def read(connection: sqlite3.Connection) -> tuple[int, list[Tracked]]:
        connection.execute("BEGIN")  # both reads see the same journal
        try:
            store = people.store_id(connection)
            total = _count(connection) if asked.whole else asked.count(connection, _EVENTS)
            rows = asked.rows(connection, _READ)
        finally:
            connection.execute("COMMIT")
        return total, [_tracked(store, *row) for row in rows]

    return read


def _count(connection: sqlite3.Connection) -> int:
    """Count all of them without a look at what was told."""
    everything, erased = (int(connection.execute(query).fetchone()[0]) for query in (_COUNT, _COUNT_ERASED))
    return everything - erased


def _tracked(store: str, sequence: int, name: str, body: str) -> Tracked:
    tree = orjson.loads(body)
    return Tracked(_id(store, sequence), name, tree.get("raw") or tree["properties"])


def _id(store: str, sequence: int) -> str:
    """Derive the id of an event from the store's own id, so that telling the journal again gives the same ids."""
    name = hashlib.blake2b(f"{store}:event:{sequence}".encode(), digest_size=16).hexdigest()
    return f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
