"""What every handler of the API works with: the policy, the configuration in force, and who counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from policy import Policy
from policy.events import Delisting, Event, Learned, Listing, Told
from policy.policy import Erased
from policy.scopes import Units
from policy.store import tracking
from policy.store.tracking import Track
from proxy.config import Config
from proxy.sandbox import Sandbox

LISTED: Final = "listed"  # what becomes of an event about an address on a blacklist


@dataclass(frozen=True, slots=True)
class Context:
    """The parts that app.py joins to the API."""

    policy: Policy
    config: Callable[[], Config]
    learned: Callable[[Iterable[tuple[str, str]]], None]
    sandboxes: Callable[[], Mapping[str, Sandbox]]
    removed: Callable[[str, int], None] = lambda _by, _people: None
    erased: Callable[[Erased, str], None] = lambda _erased, _by: None

    async def learn(self, events: Sequence[Event]) -> list[Learned]:
        """Learn events and let the observers count them; raises what Policy.learn raises."""
        learned = await self.policy.learn(events)
        self._count(events, learned)
        return learned

    async def learn_screened(self, told: Sequence[Told]) -> int:
        """Learn events but for those about listed addresses, count them all, and say how many were ignored."""
        learned = await self.policy.learn_screened(told, self.config().profiles.units)
        self.learned(
            (event.name, LISTED if each is None else _effect(event, each))
            for event, each in zip(told, learned, strict=True)
        )
        return learned.count(None)

    async def learn_tracks(self, tracks: Sequence[Track]) -> int:
        """Learn tracking events, count them all, and say how many were ignored; raises NobodyNamed."""
        learned = await self.policy.learn_tracks(tracks, self.config().profiles.units)
        why = ("ignored" if tracking.releases(track.told) else LISTED for track in tracks)
        self.learned(
            (track.told.name, unheard if each is None else _effect(track.told, each))
            for track, each, unheard in zip(tracks, learned, why, strict=True)
        )
        return learned.count(None)

    async def learn_profile(self, events: Sequence[Event]) -> list[Learned]:
        """Learn a user's profile with what it says; raises AddressListed where profiles are guarded."""
        units = self.guard()
        return await self.learn(events) if units is None else await self.learn_guarded(events, units)

    async def learn_guarded(self, events: Sequence[Event], units: Units) -> list[Learned]:
        """Learn profiles unless an address in one is on a blacklist; raises AddressListed then."""
        learned = await self.policy.learn_guarded(events, units)
        self._count(events, learned)
        return learned

    def guard(self) -> Units | None:
        """Give the units that users' profiles are guarded by, None where they are not."""
        config = self.config()
        return config.profiles.units if config.blacklists.guard_users else None

    async def learn_each(
        self, groups: Sequence[Sequence[Event]], guard: Units | None = None
    ) -> list[list[Learned] | Exception]:
        """Learn groups of events, each by itself, and let the observers count what was learned."""
        results = await self.policy.learn_each(groups, guard)
        for events, result in zip(groups, results, strict=True):
            if not isinstance(result, Exception):
                self._count(events, result)
        return results

    def _count(self, events: Sequence[Event], learned: Sequence[Learned]) -> None:
        self.learned((_name(event), _effect(event, each)) for event, each in zip(events, learned, strict=True))


def _name(event: Event) -> str:
    return event.name if isinstance(event, Told) else ""


def _effect(event: Event, learned: Learned) -> str:
    if learned.repeat:
        return "repeated"
    effective = isinstance(event, Listing | Delisting) or (isinstance(event, Told) and event.word)
    return "applied" if effective else "kept"


CONTEXT: Final = web.AppKey("context", Context)
