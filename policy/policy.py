"""The three things that can be asked of the policy: judge a send, record how one ended, learn what happened.

This is the only door between the proxy and what is known. It adds the clock to the pure rules and the transactions to
the store, and nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from policy import counting, rules
from policy.events import Conflict, Event, Learned, Origin, Told
from policy.model import Facts, Microseconds, Outcome, Send, Standing, Terms, Verdict
from policy.scopes import Units
from policy.store import (
    backups,
    blacklists,
    bulk,
    facts,
    holdings,
    learning,
    lookups,
    notices,
    pruning,
    records,
    rekeying,
    removing,
    screening,
    settling,
    sizes,
    surveying,
    tracking,
)
from policy.store.database import Database
from policy.store.nightly import Removal, Rest
from policy.store.removing import Night
from policy.store.settling import Settled
from policy.store.surveying import Whom
from policy.store.tracking import Track
from policy.store.writer import StoreUnavailable

T = TypeVar("T")

COUNTING = 60.0  # seconds that a walk over whole tables may take
WALKING = 600.0  # seconds that walks over the whole journal may take, and for which an erasure waits for the writer


def clock() -> Microseconds:
    """Tell the time in microseconds since 1970."""
    return Microseconds(time.time_ns() // 1000)


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: its place in the journal and its time, what went by table, and what is not yet done.

    `people` is how many persons were erased, those included who were deleted before. `others` are the ids of users who
    have one of the addresses too, and were not meant; `remaining` those of the blacklist entries of the addresses.
    """

    sequence: int
    at: Microseconds
    people: int
    counts: dict[str, int]
    others: tuple[str, ...]
    remaining: tuple[str, ...]
    settled: Settled


class Policy:
    """What may be said to whom, and what has happened, over one store."""

    def __init__(self, path: Path, pepper: str = "", *, now: Callable[[], Microseconds] = clock) -> None:
        self.database = Database(path, pepper)
        self.now = now
        self._erased: set[str] = set()  # clear addresses that may still lie beside the rows
        self.settling_due = False  # an erasure's log could not be emptied yet
        self.on_conflict: Callable[[Conflict], object] = bool  # told of each once it is committed
        self.held_at: int | None = None  # the sequence at which a copy ends that nobody has released yet

    def open(self, *, create: bool = True) -> None:
        """Open the store, or make one where there is none unless `create` says no; raises what Database.open raises."""
        self.database.open(create=create)
        self.held_at = self.database.read_now(backups.ends_at)

    def close(self) -> None:
        """Close the store after everything that waits was written."""
        self.database.close()

    async def judge(self, send: Send, terms: Terms) -> Verdict:
        """Say who of a send's recipients is refused; raises StoreUnavailable."""
        self._check_held()
        return rules.decide(send, await self._facts(send, known=terms.refuse_unknown), terms, self.now())

    async def judge_blindly(self, send: Send, terms: Terms) -> Verdict:
        """Judge by what can be known, for a route that passes sends when the store fails.

        Whom the store says no for is refused as long as it can be read, though it be a copy that nobody released or a
        store that cannot be written. Without it, the rules that need none hold. Nobody is refused as unknown.
        """
        terms = replace(terms, refuse_unknown=False)
        try:
            found = await self._facts(send, known=False)
        except StoreUnavailable:
            found = _NOTHING_KNOWN
        return rules.decide(send, found, terms, self.now())

    async def _facts(self, send: Send, *, known: bool) -> Facts:
        keys = {key for recipient in send.recipients for key in recipient.keys}
        digests, sieve = self.database.digests, self.database.sieve
        if len(keys) <= facts.ON_THE_LOOP:
            return self.database.read_now(facts.facts_about(digests, sieve, keys, known=known))
        return await self.database.read(facts.facts_about_many(digests, sieve, keys, known=known))

    async def standing(self, keys: Sequence[str], unit: str) -> Standing:
        """Say what is kept from whoever has an address, by what judging goes by; raises StoreUnavailable.

        A business unit narrows opt-outs as it does for a send; without one everybody with the address counts.
        """
        self._check_held()
        read = facts.facts_about(self.database.digests, self.database.sieve, keys, known=False)
        found = await self.database.ask(read) if len(keys) > facts.ON_THE_LOOP else self.database.read_now(read)
        return counting.holding(found, keys, unit, self.now())

    async def record(self, outcome: Outcome) -> None:
        """Write the dispatch failed records of an outcome; raises StoreUnavailable."""
        if outcome.refused or outcome.reason is not None:
            self._check_held()
            await self.database.write(records.write(self.database.digests, outcome))

    async def learn(self, events: Sequence[Event]) -> list[Learned]:
        """Learn events that arrived together, all or none; returns after the commit.

        Raises StoreUnavailable, learning.AddressTaken, learning.UnknownUser and blacklists.UnknownEntry.
        """
        self._check_held()
        return self._told(await self.database.write(learning.learn(self.database.digests, events, self.now())))

    async def learn_guarded(self, events: Sequence[Event], units: Units) -> list[Learned]:
        """Learn events unless an address of a profile among them is on a blacklist; raises AddressListed then."""
        self._check_held()
        job = screening.learn_guarded(self.database.digests, events, self.now(), units)
        return self._told(await self.database.write(job))

    async def learn_screened(self, told: Sequence[Told], units: Units) -> list[Learned | None]:
        """Learn events but for those about addresses on a blacklist; gives None for one that is ignored.

        Of one that suppresses, what it says is kept all the same, without a new clear address.
        """
        self._check_held()
        learned = await self.database.write(screening.learn(self.database.digests, told, self.now(), units))
        self._told(filter(None, learned))
        return learned

    async def learn_tracks(self, tracks: Sequence[Track], units: Units) -> list[Learned | None]:
        """Learn tracking events, all or none; gives None for one that is ignored, as its address is on a blacklist.

        Raises StoreUnavailable, and tracking.NobodyNamed for one that suppresses nobody.
        """
        self._check_held()
        return await self.database.write(tracking.learn(self.database.digests, tracks, self.now(), units))

    async def learn_each(
        self, groups: Sequence[Sequence[Event]], guard: Units | None = None
    ) -> list[list[Learned] | Exception]:
        """Learn groups of events, each all or none by itself; gives AddressTaken or UnknownUser for one that failed.

        With `guard`, a profile with an address on a blacklist fails too: AddressListed. Raises StoreUnavailable.
        """
        self._check_held()
        digests = self.database.digests
        check = None if guard is None else screening.guard(digests, guard)
        results = await self.database.write(learning.learn_each(digests, groups, self.now(), check))
        for result in results:
            if not isinstance(result, Exception):
                self._told(result)
        return results

    async def learn_rows(self, groups: Sequence[Sequence[Event]]) -> list[str]:
        """Learn the rows of an import, one person a group; gives a word per row, empty where all was taken.

        Raises StoreUnavailable.
        """
        self._check_held()
        came_about: list[Conflict] = []
        results = await self.database.write(bulk.learn_rows(self.database.digests, groups, self.now(), came_about))
        for conflict in came_about:
            self.on_conflict(conflict)
        return results

    def _told(self, learned: Iterable[Learned]) -> list[Learned]:
        """Tell of the conflicts with providers that came about, and give what was learned."""
        learned = list(learned)
        for conflict in (conflict for each in learned for conflict in each.conflicts):
            self.on_conflict(conflict)
        return learned

    async def note(self, job: lookups.Read[T]) -> T:
        """Write something that is about nobody and that nobody's standing follows from, so no journal has it.

        Raises what the job raises, and StoreUnavailable.
        """
        self._check_held()
        return await self.database.write(job)

    async def erase(self, whom: Whom, *, origin: str = Origin.API, source: str = "") -> Erased:
        """Erase whoever is called this; what suppresses them stays as keyed hashes. Returns after the commit.

        Raises StoreUnavailable, and UnknownUser if nothing names anybody who is called this.
        """
        self._check_held()
        while True:
            before = await self.database.ask(surveying.survey(self.database.digests, whom), patience=WALKING)
            try:
                job = surveying.erase(self.database.digests, whom, before, self.now(), (origin, source))
                found, learned, counts = await self.database.write(job, patience=WALKING)
                break
            except surveying.Moved:
                continue
        self._erased |= found.texts
        people = len(found.erasure.people)
        remaining = tuple(entry.id for entry in found.remaining)
        settled = await self.settle()
        return Erased(learned.sequence, learned.effective_at, people, counts, found.others, remaining, settled)

    async def remove_listed(self, due_at: Microseconds, units: Units, rest: Rest = asyncio.sleep) -> Night:
        """Remove everybody whom a blacklist entry stands for, beside everybody else's work; raises StoreUnavailable.

        What suppresses them stays as keyed hashes. One that was broken off begins anew and finds the rest; what `rest`
        raises between two steps breaks it off.
        """
        self._check_held()
        rules = removing.Rules(self.database.digests, units, self.now())
        return await Removal(self.database, rules, self.now, rest).night(due_at)

    async def finish_removals(self, rest: Rest = asyncio.sleep) -> None:
        """Veil what is left of persons who were removed, where no night does; raises StoreUnavailable."""
        if await self.ask(removing.left):
            rules = removing.Rules(self.database.digests, Units(), self.now())
            await Removal(self.database, rules, self.now, rest).finish()

    async def remove_listed_by(self, entry_id: str, units: Units, *, origin: str = Origin.API, source: str = "") -> int:
        """Remove at once the profiles of whom a blacklist entry stands for, and give how many there were.

        Their journal entries are left to the night. Raises UnknownEntry and StoreUnavailable.
        """
        self._check_held()
        rules = removing.Rules(self.database.digests, units, self.now(), origin, source)
        number, entry = await self.ask(blacklists.numbered(entry_id))
        return await Removal(self.database, rules, self.now).of_entry(entry, number)

    async def last_removal(self) -> Night | None:
        """Tell of the last removal that ended; raises StoreUnavailable."""
        return await self.ask(removing.last)

    async def settle(self) -> Settled:
        """See to what erasures left beside the rows; raises StoreUnavailable, and then, or while not done, it is due.

        What a file that is too large to be rebuilt holds is not due: somebody must ask for `rebuild`.
        """
        texts = frozenset(self._erased)
        self.settling_due = True
        settled = await self.database.settle(texts)
        self.settling_due = not settled.log_emptied
        if settled.done:
            self._erased -= texts
        return settled

    async def unsettled(self) -> bool:
        """Tell whether something of somebody who was erased may lie beside the rows; raises StoreUnavailable."""
        return await self.ask(settling.marked) is not None

    async def rebuild(self) -> Settled:
        """Write the store's file anew, so that nothing of erased rows is left in it; raises StoreUnavailable."""
        texts = frozenset(self._erased)
        settled = await self.database.rebuild(texts)
        self._erased -= texts
        return settled

    async def held_about(self, whom: Whom) -> dict[str, Any]:
        """Read everything that is held about somebody; raises StoreUnavailable and UnknownUser."""
        return await self.database.ask(holdings.about(self.database.digests, whom), patience=WALKING)

    async def probe(self) -> None:
        """Make sure that the store can be read and written, by writing a row of its own; raises StoreUnavailable."""
        self._check_held()
        self.database.read_now(backups.ends_at)
        await self.database.probe(self.now())

    @property
    def sequence(self) -> int:
        """The sequence number of the newest journal entry that was committed, from memory."""
        return self.database.sequence

    async def sizes(self) -> dict[str, int]:
        """Count the store's rows by what they are; raises StoreUnavailable."""
        return await self.database.ask(sizes.count, patience=COUNTING)

    async def forget_notices(self) -> int:
        """Forget which webhook items were told, after their time; gives how many went."""
        return await self.prune(notices.prune(self.now()))

    async def prune(self, job: pruning.Prune) -> int:
        """Remove old rows chunk by chunk, with others' writes in between; gives how many went."""
        await self.database.write(pruning.look(self.now()))
        gone = chunk = await self.database.write(job)
        while chunk:
            chunk = await self.database.write(job)
            gone += chunk
        return gone

    async def key_phone_traits(self, names: Collection[str]) -> None:
        """Key the numbers that were told under traits which hold phone numbers only now; raises StoreUnavailable.

        Profiles must be read by these names already, or one that arrives meanwhile is left out.
        """
        self._check_held()
        before = await self.database.ask(rekeying.phone_traits)
        new = sorted(set(names) - before)
        pk: int | None = 0 if new else None
        while pk is not None:
            pk = await self.database.write(rekeying.key_traits(self.database.digests, new, pk))
        if before != set(names):
            await self.database.write(lambda connection: rekeying.mark_phone_traits(connection, names))

    async def catch_up(self, lines: Iterable[bytes]) -> int:
        """Tell a journal again behind a copy, in one transaction, and give the sequence it ends at; raises BadCopy."""
        digests = self.database.digests
        return await self.database.write(lambda connection: backups.replay(connection, digests, lines), patience=None)

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
        """Read something off the hot path, in a thread; raises StoreUnavailable, also if it takes too long."""
        return await self.database.ask(read)


_NOTHING_KNOWN = Facts({})
