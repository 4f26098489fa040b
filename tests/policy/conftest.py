"""What the tests of the policy stand on: events in plain words, a store in memory, and one on disk under a clock.

The store in memory runs the same transactions as the real one, without its thread and its disk, so a property can try
thousands of sequences. The real one is told and asked through `Policy`, at the times that the test names.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
import sqlite_utils

from policy import AddressTaken, Policy, UnknownEntry, UnknownUser, blacklists, identity, rules, times
from policy.events import WORDS, Delisting, Departure, Event, Learned, Listing, Phone, Profile, Subject, Told, Word
from policy.model import Channel, Facts, MessageClass, Microseconds, Recipient, Send, Terms, Verdict
from policy.store import erasing, facts, journal, learning, schema, surveying
from policy.store.digests import Digests
from policy.store.sieve import Sieve

NOON = times.read("2026-03-01T12:00:00.000000Z").first
SECOND = 1_000_000
STORE_ID = "5e6d9a7e00000000000000000000c0de"
PASSES = "passes"
TABLES = {
    "person": "pk",
    "address": "digest, person",
    "register": "person, kind, channel, origin, number",
    "suppressed": "key_hash",
    "notice": "identity",
    "conflict": "id",
    "everybody": "digest, kind, channel, origin, number",
    "heard": "person, digest, kind, channel, origin, number",
    "blacklist": "pk",
    "blacklist_key": "pk",
    "device": "digest, person",
}


# ── events in plain words ──


def who(
    external_id: str | None = None, *, email: str | None = None, unit: str = "", phone: str | None = None
) -> Subject:
    """Name somebody as the events endpoint does."""
    return Subject(
        id=external_id,
        email=email,
        business_unit=unit,
        phone=phone,
        email_keys=identity.email_keys(email) if email else (),
        phone_keys=identity.phone_keys(phone) if phone else (),
    )


def told(
    name: str,
    external_id: str | None = None,
    *,
    email: str | None = None,
    unit: str = "",
    phone: str | None = None,
    channel: Channel = Channel.ALL,
    origin: str = "event",
    at: str | None = None,
    number: str = "",
    everybody: bool = False,
    **properties: Any,
) -> Told:
    """Make an event about somebody, or everybody with an address; `at` is its stated time."""
    return Told(
        replace(who(external_id, email=email, unit=unit, phone=phone), everybody=everybody),
        name,
        Word(name) if name in WORDS else None,
        origin,
        channel,
        times.read(at) if at else None,
        number,
        properties,
    )


def profile(
    external_id: str | None, *, email: str | None = None, unit: str | None = None, **phones: str | None
) -> Profile:
    """Make a profile; a phone by its trait, None for one that is taken away."""
    return Profile(
        id=external_id,
        email=email,
        email_keys=identity.email_keys(email) if email else (),
        business_unit=unit,
        phones={trait: phone_of(number) for trait, number in phones.items()},
    )


def phone_of(number: str | None) -> Phone | None:
    """Give a number with its keys."""
    return None if number is None else (number, identity.phone_keys(number))


def entry_id(address: str, scope: str = "") -> str:
    """Make the id of an entry, always the same one, which like a real one does not show the address."""
    return str(uuid5(NAMESPACE_URL, f"{address}|{scope}"))


def listed(address: str, scope: str = "", *, until: str | None = None, name: str = "", reason: str = "") -> Listing:
    """Put an address on a blacklist; `until` is the stated time at which it expires, `name` the entry's id."""
    keys = blacklists.keys_of(address)
    return Listing(name or entry_id(address, scope), address, keys, scope, reason, times.read(until) if until else None)


# ── sends in plain words ──


def send_to(address: str, channel: Channel | None = None) -> Send:
    """Make a send to one address, by mail if it has an @ and else by SMS."""
    channel = channel or (Channel.MAIL if "@" in address else Channel.SMS)
    return Send(channel, (Recipient("to.0", channel, address, identity.address_keys(address)),))


def terms(*, transactional: bool = False, unit: str = "", refuse_unknown: bool = False, scope: str = "") -> Terms:
    """Make the terms of judging."""
    of = MessageClass.TRANSACTIONAL if transactional else MessageClass.MARKETING
    return Terms(of, unit, refuse_unknown, scope=scope)


def ending(verdict: Verdict) -> str:
    """Say how a send to one address ends: it passes, or why not."""
    return verdict.refused[0].reason.value if verdict.refused else PASSES


# ── a store in memory ──


def _born() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(sqlite_utils.Database(connection, execute_plugins=False))
    connection.executemany("INSERT INTO meta VALUES (?, ?)", [("store", STORE_ID), ("sequence", "0")])
    return connection


Way = Callable[[Digests, Sequence[Event], Microseconds], Callable[[sqlite3.Connection], list[Learned]]]


class Memory:
    """A store in memory: the transactions of the real one, one after the other."""

    digests = Digests("pepper")
    _template: sqlite3.Connection | None = None

    def __init__(self, way: Way = learning.learn) -> None:
        self._way = way
        self.sieve = Sieve()
        if Memory._template is None:
            Memory._template = _born()
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        Memory._template.backup(self.connection)

    def learn(self, events: Sequence[Event], at: int = NOON) -> list[Learned]:
        """Learn events that arrive together; raises what Policy.learn raises."""
        self.connection.execute("BEGIN")
        try:
            learned = self._way(self.digests, events, Microseconds(at))(self.connection)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return learned

    def attempt(self, events: Sequence[Event], at: int = NOON) -> list[Learned] | None:
        """Learn events unless they are refused as a whole."""
        try:
            return self.learn(events, at)
        except (AddressTaken, UnknownUser, UnknownEntry):
            return None

    def erase(self, whom: str, at: int = NOON) -> surveying.Survey | None:
        """Erase whoever has this id, internal id or address, in one transaction; None if nobody is called that."""
        asked = surveying.whoever(whom)
        try:
            before = surveying.survey(self.digests, asked)(self.connection)
        except UnknownUser:
            return None
        self.connection.execute("BEGIN")
        try:
            found = surveying.again(self.connection, self.digests, asked, before)
            erasing.erase(self.connection, self.digests, found.erasure, Microseconds(at), found.records)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return found

    def facts(self, keys: Iterable[str], *, known: bool = False) -> Facts:
        """Read what judging would."""
        self.sieve.settle(self.sieve.see(self.connection))
        self.sieve.shed(self.connection)
        return facts.facts_about(self.digests, self.sieve, list(keys), known=known)(self.connection)

    def judge(self, address: str, terms: Terms | None = None, at: int = NOON) -> str:
        """Say how a send to an address ends."""
        send = send_to(address)
        terms = terms or Terms(MessageClass.MARKETING)
        keys = send.recipients[0].keys
        return ending(rules.decide(send, self.facts(keys, known=terms.refuse_unknown), terms, Microseconds(at)))

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Give all rows of a table in their order."""
        return self.connection.execute(f"SELECT * FROM {table} ORDER BY {TABLES[table]}").fetchall()

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Give everything that follows from the journal."""
        return {table: self.rows(table) for table in TABLES}

    def told_again(self) -> Memory:
        """Tell the journal to a fresh store, each entry at its own arrival."""
        fresh = Memory()
        for _, arrived, event in journal.entries(self.connection):
            fresh.learn([event], arrived)
        return fresh

    def derived_anew(self) -> list[tuple[Any, ...]]:
        """Give the rows of the hot table as they follow from scratch."""
        copy = Memory()
        self.connection.backup(copy.connection)
        copy.connection.execute("DELETE FROM suppressed")
        facts.derive(copy.connection, [row[0] for row in copy.connection.execute("SELECT digest FROM address")])
        return copy.rows("suppressed")

    def close(self) -> None:
        """Let the store go."""
        self.connection.close()


@pytest.fixture
def memory() -> Iterable[Memory]:
    """Give an empty store in memory."""
    memory = Memory()
    yield memory
    memory.close()


# ── a store on disk, under a clock ──


@dataclass(frozen=True)
class Clock:
    """From now on it is this time."""

    text: str


@dataclass(frozen=True)
class Sends:
    """A send to an address ends like this."""

    address: str
    ends: str
    transactional: bool = False
    unit: str = ""
    channel: Channel | None = None
    refuse_unknown: bool = False
    scope: str = ""


Step = Told | Profile | Departure | Listing | Delisting | Clock | Sends


class World:
    """A policy over a store on disk; each step takes a second unless the clock is set."""

    def __init__(self, path: Path) -> None:
        self.now = int(NOON)
        self.policy = Policy(path, "pepper", now=lambda: Microseconds(self.now))
        self.policy.open()

    async def learn(self, *events: Event) -> list[Learned]:
        """Learn events that arrive together, and let a second pass."""
        learned = await self.policy.learn(events)
        self.now += SECOND
        return learned

    async def judge(self, asked: Sends) -> str:
        """Say how a send ends."""
        wanted = terms(
            transactional=asked.transactional, unit=asked.unit, refuse_unknown=asked.refuse_unknown, scope=asked.scope
        )
        return ending(await self.policy.judge(send_to(asked.address, asked.channel), wanted))

    async def play(self, steps: Iterable[Step]) -> None:
        """Let a story happen; every send in it must end as it says."""
        for number, step in enumerate(steps):
            match step:
                case Clock():
                    self.now = int(times.read(step.text).first)
                case Sends():
                    assert await self.judge(step) == step.ends, f"step {number}: {step}"
                case _:
                    await self.learn(step)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a policy over an empty store."""
    world = World(tmp_path / "sendgate.db")
    yield world
    world.policy.close()
