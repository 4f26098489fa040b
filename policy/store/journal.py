"""The journal: everything that was told, in a sequence without gaps, each entry whole enough to be told again.

The other tables follow from it: telling its entries again in sequence, each at its own arrival, gives the same people
with the same standings. A merge is told by the profile that caused it, and a conflict with a provider by the event that
did, so their own entries are for readers and are not told again.

A statement with a stated time has an identity. Told twice, it is written once and keeps its first effective time,
because a time in the future is cut at its arrival, and the second arrival is later.

What is told of somebody who was erased since has veils in place of names (policy/veiling.py), and says itself when it
counts from.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from policy import times
from policy.events import (
    WORDS,
    Claim,
    Delisting,
    Departure,
    Erasure,
    Event,
    Listing,
    Profile,
    Settlement,
    Subject,
    Told,
    Unplaced,
    Veil,
    Word,
)
from policy.model import Channel, Microseconds
from policy.store.digests import Digests

VEILED = "veiled"  # in meta: the journal names people by veils


class Kind(StrEnum):
    """What sort of entry it is; the name of an event is whatever was told."""

    TOLD = "told"
    PROFILE = "profile"
    DEPARTURE = "departure"
    MERGE = "merge"  # tells what a profile caused
    UNPLACED = "unplaced"  # about nobody
    LISTING = "listing"  # a blacklist entry
    DELISTING = "delisting"
    ERASURE = "erasure"
    CONFLICT = "conflict"  # tells what the event before it brought about between a provider's list and the standing

    SETTLEMENT = "settlement"  # of a conflict, by an operator


CAUSED = frozenset({Kind.MERGE, Kind.CONFLICT})  # not told again: what caused them is


class Entry(NamedTuple):
    """One line of the journal, before it has its sequence."""

    arrived_at: Microseconds
    effective_at: Microseconds
    person: int | None
    kind: Kind
    name: str
    body: Mapping[str, Any]
    channel: str = ""
    origin: str = ""
    source: str = ""
    identity: bytes | None = None


def append(connection: sqlite3.Connection, entries: Sequence[Entry]) -> int:
    """Write entries and return the sequence number of the first."""
    first = last_sequence(connection) + 1
    rows = [_row(sequence, entry) for sequence, entry in enumerate(entries, first)]
    connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("UPDATE meta SET value = ? WHERE name = 'sequence'", (str(first + len(rows) - 1),))
    return first


def _row(sequence: int, entry: Entry) -> tuple[Any, ...]:
    """Make the row of an entry; words as plain texts, because SQLite's adapters take their time over all others."""
    return (
        sequence,
        entry.arrived_at,
        entry.effective_at,
        entry.person,
        str(entry.kind),
        str(entry.name),
        str(entry.channel),
        str(entry.origin),
        entry.source,
        orjson.dumps(entry.body).decode(),
        entry.identity,
    )


def last_sequence(connection: sqlite3.Connection) -> int:
    """Give the sequence number of the newest entry, 0 for none; it survives the pruning of old entries."""
    return int(connection.execute("SELECT value FROM meta WHERE name = 'sequence'").fetchone()[0])


def first_effect(
    connection: sqlite3.Connection, digests: Digests, identity: bytes | None
) -> tuple[int, Microseconds] | None:
    """Find when a statement that was told before counts from, with its sequence number."""
    if identity is None:
        return None
    query = "SELECT sequence, effective_at FROM event WHERE identity = ?"
    found = connection.execute(query, (identity,)).fetchone()
    if found is None and has_veils(connection):
        found = connection.execute(query, (digests.veiled_identity(identity),)).fetchone()
    return None if found is None else (found[0], Microseconds(found[1]))


def has_veils(connection: sqlite3.Connection) -> bool:
    """Tell whether the journal may name people by veils, because somebody was erased."""
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", (VEILED,)).fetchone() is not None


def told_before(connection: sqlite3.Connection, digests: Digests, told: Sequence[Entry]) -> bool:
    """Tell whether any of some entries was told before, of somebody who was erased since."""
    if not has_veils(connection):
        return False
    veiled = (digests.veiled_identity(entry.identity) for entry in told if entry.identity is not None)
    query = "SELECT 1 FROM event WHERE identity = ?"
    return any(connection.execute(query, (identity,)).fetchone() for identity in veiled)


def note_veils(connection: sqlite3.Connection) -> None:
    """Write down that the journal names people by veils."""
    connection.execute("INSERT OR IGNORE INTO meta VALUES (?, '1')", (VEILED,))


def told_entry(told: Told, pk: int | None, arrived: Microseconds, at: Microseconds, identity: bytes | None) -> Entry:
    """Make the journal entry of an event that counts from `at`."""
    body = _told_body(told)
    return Entry(arrived, at, pk, Kind.TOLD, told.name, body, told.channel, told.origin, told.source, identity)


def forget(connection: sqlite3.Connection, told: Told) -> None:
    """Forget that a statement was told before, as pruning does; the entry itself stays."""
    connection.execute("UPDATE event SET identity = NULL WHERE identity = ?", (identity_of(told),))


def identity_of(told: Told) -> bytes | None:
    """Give the identity of a statement with a stated time, or None: without one, each telling is a statement anew."""
    if told.veil is not None:
        return bytes.fromhex(told.veil.identity) or None
    if told.stated is None or told.notice:
        return None
    stated = (told.stated.first, told.stated.last)  # not its text: `Z` and `+00:00` state the same
    what = [told.name, told.channel, told.origin, told.number, stated, dict(told.properties)]
    text = orjson.dumps([_who(told.subject), what], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=16).digest()


def _who(subject: Subject) -> list[Any]:
    named = [subject.id, subject.email_keys[:1], subject.business_unit, subject.phone_keys[:1], subject.kept]
    named += [subject.xng_id] if subject.xng_id else []
    return [*named, "everybody"] if subject.everybody else named


def body_of(event: Event) -> dict[str, Any]:
    """Make the body from which `event_of` makes the event again."""
    match event:
        case Told():
            return _told_body(event)
        case Profile():
            return {
                "id": event.id,
                "email": event.email,
                "emailKeys": list(event.email_keys),
                "businessUnit": event.business_unit,
                "phones": dict(event.phones),
                "traits": dict(event.traits),
                **({"xngId": event.xng_id} if event.xng_id else {}),
            }
        case Departure():
            return {"id": event.id, "xngId": event.xng_id, "keepSuppressed": event.keep_suppressed}
        case Unplaced():
            return {"raw": dict(event.raw), "notice": event.notice}
        case Erasure():
            return _erasure_body(event)
        case Listing() | Delisting() | Settlement():
            return _plain_body(event)


def _erasure_body(erasure: Erasure) -> dict[str, Any]:
    return {
        "people": list(erasure.people),
        "ids": list(erasure.ids),
        "digests": list(erasure.digests),
        "spared": list(erasure.spared),
        "entries": list(erasure.entries),
        "mentionedBy": list(erasure.mentioned_by),
        "listed": list(erasure.listed),
        **({"emptied": list(erasure.emptied)} if erasure.emptied else {}),
        "counts": None if erasure.counts is None else dict(erasure.counts),
    }


def _plain_body(event: Listing | Delisting | Settlement) -> dict[str, Any]:
    """Give the body of what is about a row of another table, and about no person by name."""
    match event:
        case Settlement():
            return {"person": event.person, "list": event.list, "conflict": event.kind}
        case Delisting():
            return {"id": event.id}
        case Listing():
            return {
                "id": event.id,
                "address": event.address,
                "keys": list(event.keys),
                "scope": event.scope,
                "reason": event.reason,
                "expires": event.expires and event.expires.text,
            }


def _told_body(told: Told) -> dict[str, Any]:
    subject = told.subject
    return {
        "id": subject.id,
        "email": subject.email,
        "businessUnit": subject.business_unit,
        "phone": subject.phone,
        "emailKeys": list(subject.email_keys),
        "phoneKeys": list(subject.phone_keys),
        "kept": subject.kept,
        "timestamp": told.stated and told.stated.text,
        "number": told.number,
        "properties": dict(told.properties),
        **({"notice": told.notice} if told.notice else {}),
        **({"everybody": True} if subject.everybody else {}),
        **({"xngId": subject.xng_id} if subject.xng_id else {}),
        **({"veil": {"at": told.veil.at, "identity": told.veil.identity}} if told.veil else {}),
        **({"claim": asdict(told.claim)} if told.claim else {}),
    }


def entries(connection: sqlite3.Connection, after: int = 0) -> Iterator[tuple[int, Microseconds, Event]]:
    """Read what was told after a sequence number: its own number, its arrival and the event."""
    rows = connection.execute(
        "SELECT sequence, arrived_at, kind, name, channel, origin, source, body FROM event"
        " WHERE sequence > ? ORDER BY sequence",
        (after,),
    )
    for sequence, arrived_at, *fields, body in rows:
        kind, name, channel, origin, source = fields
        if kind in CAUSED:
            continue
        yield sequence, Microseconds(arrived_at), event_of(kind, name, channel, origin, source, orjson.loads(body))


def event_of(kind: str, name: str, channel: str, origin: str, source: str, body: Mapping[str, Any]) -> Event:
    """Make the event of an entry again."""
    if kind == Kind.DEPARTURE:
        return Departure(body["id"], body["xngId"], body["keepSuppressed"], source)
    if kind == Kind.PROFILE:
        return _profile(source, body)
    if kind == Kind.UNPLACED:
        return Unplaced(name, origin, body["raw"], body["notice"], source)
    if kind in _WITHOUT_NAMES:
        return _WITHOUT_NAMES[Kind(kind)](origin, source, body)
    return _told(name, channel, origin, source, body)


def _told(name: str, channel: str, origin: str, source: str, body: Mapping[str, Any]) -> Told:
    veil = body.get("veil")
    return Told(
        subject=_subject(body),
        name=name,
        word=Word(name) if name in WORDS else None,
        origin=origin,
        channel=Channel(channel),
        stated=times.read(body["timestamp"]) if body["timestamp"] else None,
        number=body["number"],
        properties=body["properties"],
        source=source,
        notice=body.get("notice", ""),
        claim=_claim(body.get("claim")),
        veil=Veil(Microseconds(veil["at"]), veil["identity"]) if veil else None,
    )


def erasure_of(origin: str, source: str, body: Mapping[str, Any]) -> Erasure:
    """Make an erasure of its entry again."""
    return Erasure(
        people=tuple(body["people"]),
        ids=tuple(body["ids"]),
        digests=tuple(body["digests"]),
        spared=tuple(body["spared"]),
        entries=tuple(body["entries"]),
        mentioned_by=tuple(body["mentionedBy"]),
        listed=tuple(body["listed"]),
        emptied=tuple(body.get("emptied", ())),
        counts=body["counts"],
        origin=origin,
        source=source,
    )


def _claim(body: Mapping[str, Any] | None) -> Claim | None:
    return Claim(**{"covered": False, **body, "channel": Channel(body["channel"])}) if body else None


def _profile(source: str, body: Mapping[str, Any]) -> Profile:
    phones = {trait: told and (told[0], tuple(told[1])) for trait, told in body["phones"].items()}
    return Profile(
        id=body["id"],
        email=body["email"],
        email_keys=tuple(body["emailKeys"]),
        business_unit=body["businessUnit"],
        phones=phones,
        traits=body["traits"],
        source=source,
        xng_id=body.get("xngId"),
    )


def _listing(origin: str, source: str, body: Mapping[str, Any]) -> Listing:
    return Listing(
        id=body["id"],
        address=body["address"],
        keys=tuple(body["keys"]),
        scope=body["scope"],
        reason=body["reason"],
        expires=times.read(body["expires"]) if body["expires"] else None,
        origin=origin,
        source=source,
    )


def _delisting(origin: str, source: str, body: Mapping[str, Any]) -> Delisting:
    return Delisting(body["id"], origin, source)


def _settlement(origin: str, source: str, body: Mapping[str, Any]) -> Settlement:
    return Settlement(body["person"], body["list"], body["conflict"], origin, source)


_WITHOUT_NAMES: Final[Mapping[Kind, Callable[[str, str, Mapping[str, Any]], Event]]] = {
    Kind.LISTING: _listing,
    Kind.DELISTING: _delisting,
    Kind.ERASURE: erasure_of,
    Kind.SETTLEMENT: _settlement,
}


def _subject(body: Mapping[str, Any]) -> Subject:
    return Subject(
        id=body["id"],
        email=body["email"],
        business_unit=body["businessUnit"],
        phone=body["phone"],
        email_keys=tuple(body["emailKeys"]),
        phone_keys=tuple(body["phoneKeys"]),
        kept=body.get("kept", ""),
        everybody=body.get("everybody", False),
        xng_id=body.get("xngId"),
    )
