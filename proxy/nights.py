"""The nightly removal of the people whom blacklist entries stand for: when it runs, and what is told of it.

A night that was missed, or broken off by a restart, is made up for at once. Where there is no entry nothing is written.

A removal takes hours where there is much to remove, and cannot be undone. So it stops between two steps where a changed
configuration no longer asks for it, or for others. What is left of those who went already is veiled all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from policy import Policy, StoreUnavailable, removals
from policy.model import Microseconds
from policy.store import removing
from policy.store.removing import Night
from proxy import log
from proxy.config import Config
from proxy.metrics import Metrics

LOOK: Final = 20.0  # seconds between looks at the clock

Sleep = Callable[[float], Awaitable[None]]


class _Overtaken(Exception):
    """The configuration says something else of removals than when this one began."""


class Nights:
    """The removals of one gate; `sleep` is the seam of its tests."""

    def __init__(
        self, policy: Policy, config: Callable[[], Config], metrics: Metrics, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._policy = policy
        self._config = config
        self._metrics = metrics
        self._sleep = sleep
        self._ended: Microseconds | None = None  # the moment at which the last one that ended was due; None: unknown

    async def run(self) -> None:
        """Look at the clock again and again."""
        while True:
            with contextlib.suppress(StoreUnavailable):  # told by everybody who needs the store
                await self.look()
            await self._sleep(LOOK)

    async def look(self) -> None:
        """Remove, if it is time and was not done yet; raises StoreUnavailable."""
        begun = self._config()
        if self._policy.held_at is not None:
            return
        if not begun.blacklists.removal.enabled:
            await self._policy.finish_removals()
            return
        due_at = removals.due_at(self._policy.now(), begun.blacklists.removal.minute)
        if self._ended is None:
            await self._remember()
        if self._ended is not None and self._ended >= due_at:
            return
        if await self._policy.ask(removing.needless):
            self._note(Night(due_at, self._policy.now(), 0, 0))
            return
        log.get().info("removal_began")
        try:
            night = await self._policy.remove_listed(due_at, begun.profiles.units, self._resting(begun))
        except _Overtaken:
            log.get().warning("removal_broken_off")
            return
        self._metrics.removed("night", night.people)
        self._note(night)
        log.get().info("removal_ended", people=night.people, rows=night.events)

    def _resting(self, begun: Config) -> Sleep:
        """Give the rest between two steps, after which there is no next one if the configuration asks for none."""

        async def rest(seconds: float) -> None:
            await asyncio.sleep(seconds)
            now = self._config()
            if not now.blacklists.removal.enabled or now.profiles.units != begun.profiles.units:
                raise _Overtaken

        return rest

    async def _remember(self) -> None:
        last = await self._policy.last_removal()
        if last is not None:
            self._note(last)

    def _note(self, night: Night) -> None:
        self._ended = night.due_at
        self._metrics.removal_ended.set(night.ended_at / 1_000_000)
