"""A night's removal of the people whom blacklist entries stand for, step by step beside everybody else's work.

Each step is one short read or one short transaction (store/removing.py), and after each nobody is troubled for several
times as long as it took; fewer times when the night is late, because within a day everybody is to be gone. The order
is: persons whom entries of addresses stand for, persons under patterns, then what is left of them in journal and
records. Whatever was done stays done, so a removal that was broken off simply begins anew, and finds the rest.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from policy import blacklists, identity
from policy.model import BlacklistEntry, Microseconds
from policy.store import removing
from policy.store.database import Database
from policy.store.removing import Night, Rules, Window

T = TypeVar("T")

REST: Final = 8.0  # times as long as a step took
LATE: Final = 6 * 3600 * 1_000_000  # microseconds since a night was due
REST_WHEN_LATE: Final = 2.0
PATIENCE: Final = 60.0  # seconds that a step waits for the store
TRIES: Final = 3  # for persons who change while they are looked at; who goes on changing is left to the next night

Rest = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Removal:
    """Removes people from one store; the rules hold with the time that the clock tells at each step."""

    database: Database
    as_begun: Rules
    clock: Callable[[], Microseconds]
    rest: Rest = asyncio.sleep
    timer: Callable[[], float] = time.monotonic
    late_at: float = math.inf

    @property
    def rules(self) -> Rules:
        """Give the rules as they are now."""
        return replace(self.as_begun, now=self.clock())

    async def night(self, due_at: Microseconds) -> Night:
        """Remove everybody whom an entry stands for, as it was due at a time; raises StoreUnavailable."""
        return await replace(self, late_at=due_at + LATE)._night(due_at)  # noqa: SLF001 (itself, with an end in sight)

    async def _night(self, due_at: Microseconds) -> Night:
        await self._write(removing.begin(due_at, self.clock()))
        await self._everybody(lambda after: removing.under_entries(self.rules, after))
        if self.database.sieve.has_patterns:
            await self._everybody(lambda after: removing.under_patterns(self.rules, self._may_fit, after))
        await self.finish()
        ended = await self._write(removing.end(due_at, self.clock()))
        await self.database.empty_log()
        return ended

    async def finish(self) -> None:
        """Veil what is left of persons who were taken away; raises StoreUnavailable."""
        while await self._write(removing.go_on(self.rules.digests)):
            pass

    async def of_entry(self, entry: BlacklistEntry, number: int) -> int:
        """Take away whom one entry stands for, and leave what names them to the night; gives how many.

        Raises StoreUnavailable.
        """
        patterns = {key for key in blacklists.keys_of(entry.address) if blacklists.is_pattern(key)}
        if not patterns:
            return await self._everybody(lambda _: removing.under_one(self.rules, number))

        def fits(keys: Sequence[str], unit: str) -> bool:
            over = (pattern for key in keys for pattern in blacklists.patterns_over(identity.domain_of(key)))
            return self.rules.units.counts(entry.scope, unit) and not patterns.isdisjoint(over)

        return await self._everybody(lambda after: removing.under_patterns(self.rules, fits, after))

    def _may_fit(self, keys: Sequence[str], _unit: str) -> bool:
        return bool(self.database.sieve.patterns(keys))

    async def _everybody(self, finding: Callable[[int], Callable[..., Window]]) -> int:
        """Take away whom windows of a walk find."""
        after: int | None = 0
        gone = 0
        while after is not None:
            window = await self._read(finding(after))
            for pks in window.groups:
                gone += await self._take_away(pks)
            after = window.last
        return gone

    async def _take_away(self, pks: tuple[int, ...]) -> int:
        for _ in range(TRIES):
            found = await self._read(removing.survey(self.rules, pks))
            gone = await self._write(removing.take_away(self.rules, found)) if found.erasure.people == pks else 0
            if gone:
                return gone
        return sum([await self._take_away((pk,)) for pk in pks]) if len(pks) > 1 else 0

    async def _read(self, read: Callable[..., T]) -> T:
        return await self._gently(self.database.ask(read, patience=PATIENCE))

    async def _write(self, job: Callable[..., T]) -> T:
        return await self._gently(self.database.write(job, patience=PATIENCE))

    async def _gently(self, step: Awaitable[T]) -> T:
        began = self.timer()
        done = await step
        took = self.timer() - began
        await self.rest(took * (REST if self.clock() < self.late_at else REST_WHEN_LATE))
        return done
