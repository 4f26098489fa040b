"""Everything that is held about one person, for whoever asks what is.

It is what an erasure would find (surveying.py), and what it would keep.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import orjson

from policy import state, times
from policy.model import Microseconds
from policy.store import everybody, people, surveying
from policy.store.digests import Digests
from policy.store.profiles import UnknownUser
from policy.store.records import COLUMNS
from policy.store.surveying import Survey, Whom

_ENTRY: Final = "sequence, arrived_at, effective_at, kind, name, channel, origin, source, body"


def about(digests: Digests, whom: Whom) -> Callable[[sqlite3.Connection], dict[str, Any]]:
    """Make the read of everything held about somebody, as a tree; it raises UnknownUser.

    The values are plain, but for the entries of `blacklist` and the records (`dispatchFailed`), rows of the table.
    """

    def read(connection: sqlite3.Connection) -> dict[str, Any]:
        connection.execute("BEGIN")
        try:
            return _held(connection, digests, whom)
        finally:
            connection.execute("COMMIT")

    return read


def _held(connection: sqlite3.Connection, digests: Digests, whom: Whom) -> dict[str, Any]:
    found = surveying.whole(connection, digests, whom)
    kept = _kept(connection, found)
    if found.empty and not kept:
        raise UnknownUser
    return {
        "people": [person for pk in found.erasure.people for person in _person(connection, pk)],
        "kept": [_kept_row(connection, pk) for pk in kept],
        "remembered": list(_remembered(connection, found)),
        "events": list(_events(connection, found)),
        "dispatchFailed": [record for number in found.records for record in _record(connection, number)],
        "mentionedBy": [_name(connection, pk) for pk in found.erasure.mentioned_by],
        "addressAlsoOf": list(found.others),
        "blacklist": list(found.remaining),
    }


def _person(connection: sqlite3.Connection, pk: int) -> Iterator[dict[str, Any]]:
    """Give the profile and the standing of somebody who is there; who was deleted has neither."""
    query = (
        "SELECT external_id, xng_id, email, business_unit, phones, traits, created_at, updated_at"
        " FROM person WHERE pk = ?"
    )
    for external_id, xng_id, email, unit, phones, traits, created_at, updated_at in connection.execute(query, (pk,)):
        yield {
            "id": external_id,
            "xngId": xng_id,
            "email": email,
            "businessUnit": unit,
            "phones": {trait: number for trait, (number, _) in orjson.loads(phones).items()},
            "traits": orjson.loads(traits),
            "createdAt": times.written(created_at),
            "updatedAt": times.written(updated_at),
            "addressHashes": _hashes(connection, pk),
            "registers": _registers(connection, pk),
        }


def _kept(connection: sqlite3.Connection, found: Survey) -> list[int]:
    """List what is kept of addresses that they gave up, or that nobody else has."""
    given_up = {kept for pk in found.erasure.people for kept in people.given_up(connection, pk)}
    digests = (bytes.fromhex(digest) for digest in found.erasure.digests)
    theirs = {person.pk for digest in digests for person in people.having(connection, digest) if person.kept}
    return sorted(given_up | theirs)


def _kept_row(connection: sqlite3.Connection, pk: int) -> dict[str, Any]:
    unit, created_at = connection.execute("SELECT business_unit, created_at FROM person WHERE pk = ?", (pk,)).fetchone()
    return {
        "businessUnit": unit,
        "createdAt": times.written(created_at),
        "addressHashes": _hashes(connection, pk),
        "registers": _registers(connection, pk),
    }


def _remembered(connection: sqlite3.Connection, found: Survey) -> Iterator[dict[str, Any]]:
    """Give what was said of everybody who has one of the addresses, and will have it."""
    digests = {digest for pk in found.erasure.people for digest in people.addresses(connection, pk)}
    for digest in sorted(digests | {bytes.fromhex(digest) for digest in found.erasure.digests}):
        said = everybody.registers(connection, digest)
        if said:
            yield {"addressHash": digest.hex(), "registers": _shown(said)}


def _hashes(connection: sqlite3.Connection, pk: int) -> list[str]:
    return sorted(digest.hex() for digest in people.addresses(connection, pk))


def _registers(connection: sqlite3.Connection, pk: int) -> list[dict[str, Any]]:
    return _shown(people.registers(connection, pk))


def _shown(registers: state.Registers) -> list[dict[str, Any]]:
    return [
        {
            "kind": register.kind,
            "channel": register.channel,
            "origin": register.origin,
            "number": register.number,
            "suppressedAt": _time(maxima.suppressed_at),
            "releasedAt": _time(maxima.released_at),
        }
        for register, maxima in sorted(registers.items())
    ]


def _events(connection: sqlite3.Connection, found: Survey) -> Iterator[dict[str, Any]]:
    """Give the entries of the journal that are about them, or that mention them, in their order."""
    rows = [
        *_rows(connection, "person", found.erasure.people),
        *_rows(connection, "sequence", found.erasure.entries),
    ]
    for sequence, arrived_at, effective_at, kind, name, channel, origin, source, body in sorted(rows):
        yield {
            "sequence": sequence,
            "arrivedAt": times.written(arrived_at),
            "effectiveAt": times.written(effective_at),
            "kind": kind,
            "event": name,
            "channel": channel,
            "origin": origin,
            "source": source,
            "body": orjson.loads(body),
        }


def _rows(connection: sqlite3.Connection, column: str, values: Iterable[int]) -> Iterator[tuple[Any, ...]]:
    query = f"SELECT {_ENTRY} FROM event WHERE {column} = ?"  # noqa: S608 (constants)
    for value in values:
        yield from connection.execute(query, (value,))


def _record(connection: sqlite3.Connection, number: int) -> Iterator[dict[str, Any]]:
    for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM dispatch_failed WHERE id = ?", (number,)):  # noqa: S608 (constants)
        yield dict(zip(COLUMNS, row, strict=True))


def _name(connection: sqlite3.Connection, pk: int) -> str | None:
    person = people.by_pk(connection, pk)
    return None if person is None else person.id or person.xng_id


def _time(at: Microseconds) -> str | None:
    return times.written(at) if at else None
