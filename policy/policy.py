"""The three things that can be asked of the policy: judge a send, record how one ended, learn what happened.

This is the only door between the proxy and what is known. It adds the clock to the pure rules and the transactions to
the store, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from policy import rules
from policy.events import Event, Learned
from policy.model import Facts, Microseconds, Outcome, Send, Terms, Verdict
from policy.store import backups, bulk, facts, journal, learning, lookups, pruning, records, sizes
from policy.store.database import Database, StoreUnavailable

T = TypeVar("T")


def clock() -> Microseconds:
    """Tell the time in microseconds since 1970."""
    return Microseconds(time.time_ns() // 1000)


class Policy:
    """What may be said to whom, and what has happened, over one store."""

    def __init__(self, path: Path, pepper: str = "", *, now: Callable[[], Microseconds] = clock) -> None:
        self.database = Database(path, pepper)
        self.now = now
        self.held_at: int | None = None  # the sequence at which a copy ends that nobody has released yet

    def open(self) -> None:
        """Open the store; raises what Database.open raises."""
        self.database.open()
        self.held_at = self.database.read_now(backups.ends_at)

    def close(self) -> None:
        """Close the store after everything that waits was written."""
        self.database.close()

    async def judge(self, send: Send, terms: Terms) -> Verdict:
        """Say who of a send's recipients is refused; raises StoreUnavailable."""
        self._check_held()
        keys = {key for recipient in send.recipients for key in recipient.keys}
        read = facts.facts_about(self.database.digests, keys, known=terms.refuse_unknown)
        if len(keys) <= facts.ON_THE_LOOP:
            found = self.database.read_now(read)
        else:
            found = await self.database.read(read)
        return rules.decide(send, found, terms, self.now())

    def judge_blindly(self, send: Send, terms: Terms) -> Verdict:
        """Judge by the rules that need no store, for a route that passes sends when the store fails."""
        return rules.decide(send, _NOTHING_KNOWN, replace(terms, refuse_unknown=False), self.now())

    async def record(self, outcome: Outcome) -> None:
        """Write the dispatch failed records of an outcome; raises StoreUnavailable."""
        if outcome.refused or outcome.reason is not None:
            self._check_held()
            await self.database.write(records.write(self.database.digests, outcome))

    async def learn(self, events: Sequence[Event]) -> list[Learned]:
        """Learn events that arrived together, all or none; returns after the commit.

        Raises StoreUnavailable, learning.AddressTaken and learning.UnknownUser.
        """
        self._check_held()
        return await self.database.write(learning.learn(self.database.digests, events, self.now()))

    async def learn_each(self, groups: Sequence[Sequence[Event]]) -> list[list[Learned] | Exception]:
        """Learn groups of events, each all or none by itself; gives AddressTaken or UnknownUser for one that failed.

        Raises StoreUnavailable.
        """
        self._check_held()
        return await self.database.write(learning.learn_each(self.database.digests, groups, self.now()))

    async def learn_rows(self, groups: Sequence[Sequence[Event]]) -> list[str]:
        """Learn the rows of an import, one person a group; gives a word per row, empty where all was taken.

        Raises StoreUnavailable.
        """
        self._check_held()
        return await self.database.write(bulk.learn_rows(self.database.digests, groups, self.now()))

    async def probe(self) -> None:
        """Make sure that the store can be read and that its writer commits; raises StoreUnavailable."""
        self._check_held()
        self.database.read_now(lambda connection: connection.execute("SELECT 1 FROM meta LIMIT 1").fetchone())
        await self.database.write(lambda _: None)

    async def last_sequence(self) -> int:
        """Give the sequence number of the newest journal entry; raises StoreUnavailable."""
        return self.database.read_now(journal.last_sequence)

    async def sizes(self) -> dict[str, int]:
        """Count the store's rows by what they are; raises StoreUnavailable."""
        return await self.ask(sizes.count)

    async def prune(self, job: pruning.Prune) -> int:
        """Remove old rows chunk by chunk, with others' writes in between; gives how many went."""
        gone = chunk = await self.database.write(job)
        while chunk:
            chunk = await self.database.write(job)
            gone += chunk
        return gone

    async def catch_up(self, lines: Iterable[bytes]) -> int:
        """Tell a journal again behind a copy, in one transaction, and give the sequence it ends at; raises BadCopy."""
        return await self.database.write(lambda connection: backups.replay(connection, self.database.digests, lines))

    async def release_copy(self) -> None:
        """Take a copy into use."""
        await self.database.write(backups.release)
        self.held_at = None

    def _check_held(self) -> None:
        """Keep a copy out of use: whoever said no after it was made would be mailed."""
        if self.held_at is not None:
            ends = f"this store is a copy that ends at journal sequence {self.held_at}"
            raise StoreUnavailable(f"{ends}; `sendgate restore` takes it into use")

    async def ask(self, read: lookups.Read[T]) -> T:
        """Read something off the hot path, in a thread; raises StoreUnavailable."""
        return await self.database.read(read)


_NOTHING_KNOWN = Facts({})
