"""The hot read: keys in, facts out, from one derived table.

`suppressed` has a row per suppressed key: a 64-bit integer as its primary key, because a lookup by integer costs half
of one by text, and the facts about everybody who has the key as JSON, so that a hit needs no second read. A hit is
confirmed on the whole digest; two keys with the same 64 bits share a row.

Blacklist entries are read beside it, of the few recipients that the sieve does not hold back (sieve.py).

The row is derived from persons, addresses and registers in the transaction that changes any of them (`derive`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from policy import state
from policy.events import Kind
from policy.model import Channel, Facts, Holder, Microseconds, Stamp, Standing
from policy.store import blacklists
from policy.store.digests import Digests, key_hash, prefix_range
from policy.store.sieve import Sieve

ON_THE_LOOP = 16  # keys that may be read without leaving the event loop

Holders = dict[str, tuple[Holder, ...]]


def facts_about(
    digests: Digests, sieve: Sieve, keys: Iterable[str], *, known: bool
) -> Callable[[sqlite3.Connection], Facts]:
    """Make the read of what is known about some keys; with `known`, also which of them anybody has at all."""
    found = {key: digests.digest(key) for key in keys}
    hashes = _hashes(found)
    asked = {} if sieve.empty else _sieved(digests, sieve, found, hashes)

    def read(connection: sqlite3.Connection) -> Facts:
        if not (known or asked):
            return Facts(_holders(connection, found, hashes))
        connection.execute("BEGIN")
        try:
            people = _holders(connection, found, hashes)
            return Facts(people, _known(connection, found) if known else None, blacklists.listed(connection, asked))
        finally:
            connection.execute("COMMIT")

    return read


def facts_about_many(
    digests: Digests, sieve: Sieve, keys: Iterable[str], *, known: bool
) -> Callable[[sqlite3.Connection], Facts]:
    """Make the same read for a thread: the digests of many keys take their time too, so they are made there."""

    def read(connection: sqlite3.Connection) -> Facts:
        return facts_about(digests, sieve, keys, known=known)(connection)

    return read


def _sieved(
    digests: Digests, sieve: Sieve, found: Mapping[str, bytes], hashes: Mapping[int, str]
) -> dict[bytes, list[str]]:
    """Give what to ask of blacklists: digests of addresses and patterns, with the keys that each stands over."""
    asked: dict[bytes, list[str]] = {}
    for pattern, keys in sieve.patterns(found).items():
        asked[digests.digest(pattern)] = keys
    if len(hashes) < len(found):  # two keys of one send share 64 bits
        return asked | {digest: [key] for key, digest in found.items()}
    for hashed in sieve.addresses(hashes):
        asked[found[hashes[hashed]]] = [hashes[hashed]]
    return asked


def _holders(connection: sqlite3.Connection, digests: Mapping[str, bytes], hashes: Mapping[int, str]) -> Holders:
    if len(hashes) < len(digests):  # two keys of one send share 64 bits
        alone = ({key: digest} for key, digest in digests.items())
        return {k: v for one in alone for k, v in _holders(connection, one, _hashes(one)).items()}
    holders: Holders = {}
    for hashed, text in _rows(connection, list(hashes)):
        key = hashes[hashed]
        people = confirmed(text, digests[key])
        if people:
            holders[key] = people
    return holders


def _hashes(digests: Mapping[str, bytes]) -> dict[int, str]:
    return {key_hash(digest): key for key, digest in digests.items()}


def _rows(connection: sqlite3.Connection, hashes: list[int]) -> list[tuple[int, str]]:
    if len(hashes) == 1:
        return connection.execute("SELECT key_hash, facts FROM suppressed WHERE key_hash = ?", hashes).fetchall()
    hashes.sort()  # neighbours share pages
    several = "SELECT key_hash, facts FROM json_each(?) CROSS JOIN suppressed ON key_hash = value"  # in their order
    return connection.execute(several, (orjson.dumps(hashes).decode(),)).fetchall()


def _known(connection: sqlite3.Connection, digests: Mapping[str, bytes]) -> frozenset[str]:
    """List the keys that some person has; a kept address is nobody's."""
    has = "SELECT 1 FROM address JOIN person ON person.pk = address.person WHERE digest = ? AND person.kept = 0 LIMIT 1"
    return frozenset(key for key, digest in digests.items() if connection.execute(has, (digest,)).fetchone())


def confirmed(text: str, digest: bytes) -> tuple[Holder, ...]:
    """Read those of a row's holders who have the whole digest."""
    wanted = digest.hex()
    return tuple(_holder(fields) for stored, people in orjson.loads(text) if stored == wanted for fields in people)


def _holder(fields: list[Any]) -> Holder:
    user, unit, kept, blacklisted, opt_outs = fields
    standing = Standing(_stamp(blacklisted), {Channel(channel): _stamp(stamp) for channel, stamp in opt_outs.items()})
    return Holder(user, unit, standing, bool(kept))


def _stamp(fields: list[Any] | None) -> Any:
    return None if fields is None else Stamp(Microseconds(fields[0]), fields[1])


# Writing the derived row

_HOLDERS = """
SELECT a.digest, p.pk, p.external_id, p.business_unit, p.kept,
       r.kind, r.channel, r.origin, r.number, r.suppressed_at, r.released_at
FROM address a JOIN person p ON p.pk = a.person LEFT JOIN register r ON r.person = p.pk
WHERE a.digest BETWEEN ? AND ? ORDER BY a.digest, p.pk
"""


def derive(connection: sqlite3.Connection, digests: Iterable[bytes]) -> None:
    """Write the rows of some digests anew from persons, addresses and registers."""
    for hashed, digest in {key_hash(digest): digest for digest in digests}.items():
        text = row(connection.execute(_HOLDERS, prefix_range(digest)).fetchall())
        if text is None:
            connection.execute("DELETE FROM suppressed WHERE key_hash = ?", (hashed,))
        else:
            connection.execute("INSERT OR REPLACE INTO suppressed VALUES (?, ?)", (hashed, text))


def derived(connection: sqlite3.Connection, digests: Iterable[bytes]) -> list[bytes]:
    """List those of some digests whose row is there."""
    there = "SELECT 1 FROM suppressed WHERE key_hash = ?"
    return [digest for digest in digests if connection.execute(there, (key_hash(digest),)).fetchone()]


def row(joined: list[tuple[Any, ...]]) -> str | None:
    """Make the facts of one 64-bit key from the joined rows, or None if nothing is kept from anybody who has it."""
    people: dict[tuple[str, int], list[Any]] = {}
    registers: dict[tuple[str, int], dict[state.Register, state.Maxima]] = {}
    for digest, pk, user, unit, kept, *register in joined:
        who = (digest.hex(), pk)
        people[who] = [user, unit, kept]
        if register[0] is not None:
            registers.setdefault(who, {}).update([register_of(register)])
    standings = {who: state.standing(registers.get(who, {})) for who in people}
    if not any(standing.suppressing for standing in standings.values()):
        return None
    packed: dict[str, list[Any]] = {}
    for (digest, pk), fields in people.items():
        packed.setdefault(digest, []).append([*fields, *_packed(standings[digest, pk])])
    return orjson.dumps(list(packed.items())).decode()


class Alone(NamedTuple):
    """Somebody who is suppressed and whose addresses nobody else has."""

    user: str | None
    business_unit: str
    standing: Standing


def row_alone(digest: bytes, alone: Alone) -> str:
    """Make the facts of a key that one person has alone; the same text as `row` would give."""
    fields = [alone.user, alone.business_unit, 0, *_packed(alone.standing)]
    return orjson.dumps([[digest.hex(), [fields]]]).decode()


def register_of(fields: list[Any]) -> tuple[state.Register, state.Maxima]:
    """Read one register from its row."""
    kind, channel, origin, number, suppressed_at, released_at = fields
    return (
        state.Register(Kind(kind), Channel(channel), origin, number),
        state.Maxima(Microseconds(suppressed_at), Microseconds(released_at)),
    )


def _packed(standing: Standing) -> list[Any]:
    blacklisted = standing.blacklisted and [standing.blacklisted.at, standing.blacklisted.origin]
    return [blacklisted, {channel.value: [stamp.at, stamp.origin] for channel, stamp in standing.opt_outs.items()}]
