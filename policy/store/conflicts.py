"""Where a provider's own list and the gate's standing disagree: each is an event, and open for as long as it is so.

A provider keeps a list of its own, which the gate learns of but cannot change. So the two can say different things of
one person, in four ways (`ConflictKind`). Each time that comes about an entry goes into the journal, about the person,
and a row is kept here by which the disagreements of today are listed: a row counts only while the person has the
address and the gate's standing is still the other one, which is asked when it is read. A row goes with its person, when
the provider says the contrary of the same list, or when an operator says that it is settled.

An entry follows from the event before it, so telling the journal again makes it anew. That an operator settled one is
told.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from policy import counting, state
from policy.events import PROVIDER_PREFIX, Claim, Conflict, ConflictKind, Learned, Settlement, Told
from policy.identity import email_keys, masked
from policy.model import Channel, Facts, Microseconds
from policy.state import Register, Registers
from policy.store import blacklists, journal, people
from policy.store.digests import Digests, key_hash
from policy.store.facts import confirmed
from policy.store.people import Person

NAME: Final = "Provider Conflict"
SETTLED: Final = "Provider Conflict Settled"


class UnknownConflict(LookupError):
    """No conflict has this number."""


class Found(NamedTuple):
    """A conflict with its line of the journal."""

    conflict: Conflict
    entry: journal.Entry


class Open(NamedTuple):
    """A conflict that is open, with whom it is about."""

    id: int
    at: Microseconds
    kind: str
    provider: str
    list: str
    channel: str
    person: Person


# What comes about


def looked_at(connection: sqlite3.Connection, digests: Digests, told: Told, now: Microseconds) -> Told:
    """Let the word of a provider say whether a pattern stops the address, unless it says so already."""
    if told.claim is None or told.claim.covered is not None:
        return told
    covered = _covered(connection, digests, told.subject.email_keys, now)
    return replace(told, claim=replace(told.claim, covered=covered))


def lets_pass(connection: sqlite3.Connection, digests: Digests, told: Told, now: Microseconds) -> bool:
    """Tell whether the gate would send marketing to whom a provider speaks of, as things stand."""
    claim, subject = told.claim, told.subject
    if claim is None:
        return True
    return _sends(connection, digests.digest(_key(told)), subject.business_unit, claim, now)


def is_one(connection: sqlite3.Connection, digests: Digests, told: Told, now: Microseconds) -> bool:
    """Tell whether a provider's word disagrees with the standing of anybody, if nothing at all is made of it."""
    claim = told.claim
    if claim is None:
        return False
    digest = digests.digest(_key(told))
    passed = lets_pass(connection, digests, told, now)
    units = [person.business_unit for person in _meant(connection, told, digest)]
    return any(_kind(claim, passed, _sends(connection, digest, unit, claim, now)) for unit in units)


def of_claim(
    connection: sqlite3.Connection, digests: Digests, told: Told, *, passed: bool, now: Microseconds
) -> list[Found]:
    """Note where the word of a provider, now that it was learned, disagrees with how the gate stands.

    `passed` says whether the gate would have sent before.
    """
    claim = told.claim
    if claim is None:
        return []
    digest = digests.digest(_key(told))
    found = []
    for person in _meant(connection, told, digest):
        _settle(connection, person.pk, claim)
        kind = _kind(claim, passed, _sends(connection, digest, person.business_unit, claim, now))
        if kind is not None:
            origin = _Where(told.origin, claim.list, claim.channel)
            found.append(_note(connection, _Case(kind, origin, person, digest), told.source, now))
    return found


def _meant(connection: sqlite3.Connection, told: Told, digest: bytes) -> list[Person]:
    """List whom a provider's word is about."""
    unit = None if told.subject.everybody else told.subject.business_unit
    having = people.having(connection, digest)
    return [person for person in having if not person.kept and unit in (None, person.business_unit)]


def _kind(claim: Claim, passed: bool, sends: bool) -> ConflictKind | None:  # noqa: FBT001 (two facts)
    if claim.dropped and passed:
        return ConflictKind.DROPPED
    if claim.suppresses:
        return ConflictKind.NOT_TAKEN_OVER if sends and not claim.dropped else None
    return None if sends else ConflictKind.STILL_OPTED_OUT


def of_release(
    connection: sqlite3.Connection,
    digests: Digests,
    told: Told,
    changed: Iterable[tuple[int, Registers, Registers]],
    now: Microseconds,
) -> list[Found]:
    """Note where somebody was released here from what a provider goes on suppressing; `changed` are persons' registers.

    Each is a person with the registers before and after.
    """
    found = []
    for pk, before, after in changed:
        for register in undone_here(before, after):
            person = people.by_pk(connection, pk)
            address = _address(person, register.channel) if person is not None and not person.kept else None
            if person is not None and address is not None:
                channel, key = address
                where = _Where(register.origin, register.number, channel)
                case = _Case(ConflictKind.RELEASED_HERE, where, person, digests.digest(key))
                found.append(_note(connection, case, told.source, now))
    return found


def undone_here(before: Registers, after: Registers) -> Iterator[Register]:
    """List the registers of providers that suppressed and do not any more, though no provider took them back."""
    if before is after:
        return
    for register in sorted(before):
        if register.origin.startswith(PROVIDER_PREFIX) and state.suppresses(state.effective(before, register)):
            now = state.effective(after, register)
            if not state.suppresses(now) and state.suppresses(after[register]):
                yield register


class _Where(NamedTuple):
    """At which provider, on which list there, over which channel."""

    origin: str
    list: str
    channel: Channel


class _Case(NamedTuple):
    """A conflict that is to be noted."""

    kind: ConflictKind
    where: _Where
    person: Person
    digest: bytes


def _note(connection: sqlite3.Connection, case: _Case, source: str, now: Microseconds) -> Found:
    kind, where, person, digest = case
    provider = where.origin.removeprefix(PROVIDER_PREFIX)
    connection.execute(
        "INSERT INTO conflict (person, list, kind, provider, channel, digest, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (person, list, kind) DO UPDATE SET channel = excluded.channel, digest = excluded.digest,"
        " at = excluded.at",
        (person.pk, where.list, str(kind), provider, str(where.channel), digest, now),
    )
    route = route_of(where.list)
    properties = {"conflict": kind, "route": route, "provider": provider, "list": where.list}
    entry = journal.Entry(
        now,
        now,
        person.pk,
        journal.Kind.CONFLICT,
        NAME,
        {"properties": properties},
        where.channel,
        where.origin,
        source,
    )
    return Found(Conflict(kind, route, provider, where.channel, masked(address_of(person, where.channel) or "")), entry)


def _settle(connection: sqlite3.Connection, pk: int, claim: Claim) -> None:
    """Close what a provider's newer word of the same list ends."""
    ends = "kind = ?" if claim.suppresses else "kind != ?"
    connection.execute(
        f"DELETE FROM conflict WHERE person = ? AND list = ? AND {ends}",  # noqa: S608 (constants)
        (pk, claim.list, str(ConflictKind.STILL_OPTED_OUT)),
    )


def _key(told: Told) -> str:
    return (told.subject.email_keys or told.subject.phone_keys)[0]


def _address(person: Person, channel: Channel) -> tuple[Channel, str] | None:
    """Give the key of a person's address on a channel; of ALL, the e-mail's before a number's, and its channel."""
    if channel is Channel.MAIL or (channel is Channel.ALL and person.email_key):
        return (Channel.MAIL, person.email_key) if person.email_key else None
    key = next((keys[0] for _, keys in person.phones.values() if keys), None)
    return None if key is None else (Channel.SMS if channel is Channel.ALL else channel, key)


def address_of(person: Person, channel: str) -> str | None:
    """Give the address that a person is known by on a channel."""
    return person.email if channel == Channel.MAIL else next((number for number, _ in person.phones.values()), None)


def route_of(name: str) -> str:
    """Give the route that the name of a provider's list begins with."""
    return name.partition(":")[0]


def _covered(connection: sqlite3.Connection, digests: Digests, keys: Sequence[str], now: Microseconds) -> bool:
    """Tell whether a blacklist's entry that counts in all scopes stands for an e-mail address, patterns included."""
    return any(not entry.scope for entry in blacklists.standing_over(digests, keys, now)(connection))


def _sends(connection: sqlite3.Connection, digest: bytes, unit: str, claim: Claim, now: Microseconds) -> bool:
    """Tell whether marketing to an address would pass, by what judging goes by."""
    return not claim.covered and _passes(connection, digest, unit, claim.channel, now)


def _passes(connection: sqlite3.Connection, digest: bytes, unit: str, channel: Channel, now: Microseconds) -> bool:
    """Tell whether it would, but for patterns, which no digest leads to."""
    row = connection.execute("SELECT facts FROM suppressed WHERE key_hash = ?", (key_hash(digest),)).fetchone()
    holders = {"": confirmed(row[0], digest)} if row else {}
    facts = Facts(holders, None, blacklists.listed(connection, {digest: [""]}))
    standing = counting.holding(facts, [""], unit, now)
    return standing.blacklisted is None and not standing.opt_outs.keys() & {Channel.ALL, channel}


# What is open


def page(digests: Digests, after: int, limit: int, now: Microseconds) -> Callable[[sqlite3.Connection], list[Open]]:
    """Make the read of the next conflicts that are open, in the order of their ids."""

    def read(connection: sqlite3.Connection) -> list[Open]:
        found: list[Open] = []
        for row in connection.execute(f"{_ROWS} WHERE id > ? ORDER BY id", (after,)):
            if _is_open(connection, digests, row, now):
                found.append(_open(connection, row))
                if len(found) == limit:
                    break
        return found

    return read


def of_person(connection: sqlite3.Connection, digests: Digests, pk: int, now: Microseconds) -> list[Open]:
    """List the open conflicts about one person."""
    rows = connection.execute(f"{_ROWS} WHERE person = ? ORDER BY id", (pk,)).fetchall()
    return [_open(connection, row) for row in rows if _is_open(connection, digests, row, now)]


def settlement(number: int, origin: str, source: str) -> Callable[[sqlite3.Connection], Settlement]:
    """Make the read of what settles the conflict of a number; raises UnknownConflict."""

    def read(connection: sqlite3.Connection) -> Settlement:
        row = connection.execute("SELECT person, list, kind FROM conflict WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise UnknownConflict
        pk, name, kind = row
        return Settlement(pk, name, kind, origin, source)

    return read


def settle(connection: sqlite3.Connection, settlement: Settlement, now: Microseconds) -> Learned:
    """Close a conflict because somebody says so; its number is not told, because a copy may have another."""
    pk, name, kind = settlement.person, settlement.list, settlement.kind
    connection.execute("DELETE FROM conflict WHERE person = ? AND list = ? AND kind = ?", (pk, name, kind))
    person = None if people.by_pk(connection, pk) is None else pk
    body, by = journal.body_of(settlement), (settlement.origin, settlement.source)
    entry = journal.Entry(now, now, person, journal.Kind.SETTLEMENT, SETTLED, body, "", *by)
    return Learned(journal.append(connection, [entry]), now)


_ROWS: Final = "SELECT id, at, kind, provider, list, channel, person, digest FROM conflict"


def _is_open(connection: sqlite3.Connection, digests: Digests, row: tuple[Any, ...], now: Microseconds) -> bool:
    _, _, kind, _, _, channel, pk, digest = row
    has = "SELECT business_unit, email FROM address JOIN person ON pk = person WHERE digest = ? AND person = ?"
    found = connection.execute(has, (digest, pk)).fetchone()
    if found is None:
        return False
    unit, email = found
    keys = email_keys(email or "") if channel == Channel.MAIL else ()
    sends = _passes(connection, digest, unit, Channel(channel), now) and not _covered(connection, digests, keys, now)
    return sends is not (kind == ConflictKind.STILL_OPTED_OUT)


def _open(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Open:
    number, at, kind, provider, name, channel, pk, _ = row
    person = people.by_pk(connection, pk)
    if person is None:
        raise LookupError(pk)
    return Open(number, at, kind, provider, name, channel, person)
