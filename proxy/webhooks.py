"""The providers' door: check → read → learn.

A provider tells at `/webhooks/<route>` what became of its messages. The answer says who has to do something: 200 is
given after the commit and never before, so what was answered is known; 401 says that the request does not prove to be
the provider's; 503 says that it could not be stored, or not be checked yet, and is to be told again. A single item that
cannot be understood, or whose address is none, is journalled raw and does not fail the others.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiohttp import web

from policy import Policy, StoreUnavailable
from policy.events import Event, Learned, Told
from proxy import notices
from proxy.errors import RETRY_AFTER
from proxy.fetching import Unfetched
from proxy.gate import Gate, Route
from proxy.hooks import base
from proxy.hooks.base import Forged, Garbled, Hook, Hooks, Notice, Secrets

Fetch = Callable[[str], Awaitable[bytes]]
Learn = Callable[[Sequence[Sequence[Event]]], Awaitable[list[list[Learned] | Exception]]]

LARGEST: Final = 8 << 20  # bytes of a webhook; a thousand events have one or two million
_KEPT: Final = 32  # certificates that are not fetched again
RESULTS: Final = ("learned", "forged", "garbled", "unavailable")
EFFECTS: Final = ("applied", "repeated", "kept", "unusable", "ignored")


@dataclass(frozen=True, slots=True)
class Heard:
    """How one request at the providers' door ended: for metric and log. `items` counts what became of its items."""

    route: str
    provider: str
    result: str
    items: Mapping[str, int] = field(default_factory=dict)
    cause: str = ""


Observer = Callable[[Heard], None]


class Webhooks:
    """The providers' door of one gate."""

    def __init__(
        self, policy: Policy, gate: Callable[[], Gate], learn: Learn, observers: Sequence[Observer], fetch: Fetch
    ) -> None:
        self._policy = policy
        self._gate = gate
        self._learn = learn
        self._observers = observers
        self._fetch = fetch
        self._fetched: OrderedDict[str, bytes] = OrderedDict()

    async def probe(self, request: web.Request) -> web.Response:
        """Answer a provider that looks whether there is anybody (Mandrill asks by HEAD)."""
        return web.Response(status=404 if self._listening(request) is None else 200)

    async def post(self, request: web.Request) -> web.Response:
        """Take one webhook in."""
        found = self._listening(request)
        if found is None:
            return _answer(404, "no route of this gate takes webhooks under that name")
        route, known = found
        try:
            heard = await self._hear(route, known, request)
        except Forged as forged:
            return self._end(Heard(route.name, route.settings.provider, "forged", cause=str(forged)), 401)
        except Garbled as garbled:
            return self._end(Heard(route.name, route.settings.provider, "garbled", cause=str(garbled)), 400)
        except (Unfetched, StoreUnavailable) as failure:
            return self._end(Heard(route.name, route.settings.provider, "unavailable", cause=str(failure)), 503)
        return self._end(heard, 200)

    def _listening(self, request: web.Request) -> tuple[Route, Hooks] | None:
        route = self._gate().routes.get(request.match_info["route"])
        if route is None or route.settings.webhook is None:
            return None
        known = base.load(route.settings.provider)
        return None if known is None else (route, known)

    async def _hear(self, route: Route, known: Hooks, request: web.Request) -> Heard:
        hook = await self._hook(request)
        await self._check(route, known, hook)
        told = await asyncio.to_thread(known.read, hook)
        items = await self._tell(route, told)
        confirm = known.confirm(hook)
        if confirm is not None:
            await self._fetch(confirm)
        return Heard(route.name, route.settings.provider, "learned", items)

    async def _hook(self, request: web.Request) -> Hook:
        outside = self._gate().config.public_url or f"{request.scheme}://{request.host}"
        return Hook(request.method, outside.rstrip("/") + request.raw_path, request.headers, await request.read())

    async def _check(self, route: Route, known: Hooks, hook: Hook) -> None:
        settings = route.settings.webhook
        assert settings is not None  # noqa: S101 (_listening said so)
        secrets = Secrets(tuple(key.reveal() for key in settings.key), settings.topics)
        needed = known.needs(hook)
        fetched = None if needed is None else await self._certificate(needed)
        known.check(hook, secrets, self._policy.now() / 1_000_000, fetched)

    async def _certificate(self, url: str) -> bytes:
        if url not in self._fetched:
            self._fetched[url] = await self._fetch(url)
            if len(self._fetched) > _KEPT:
                self._fetched.popitem(last=False)
        return self._fetched[url]

    async def _tell(self, route: Route, told: Sequence[Notice]) -> Counter[str]:
        """Learn what was told, each item by itself, in one transaction."""
        channel = route.provider.CHANNELS[0]
        events = [notices.event(notice, route.name, route.settings, channel) for notice in told]
        items = Counter({"ignored": sum(event is None for event in events)})  # or with a claim that is not heeded
        groups = [[event] for event in events if event is not None]
        if groups:
            for (event,), result in zip(groups, await self._learn(groups), strict=True):
                items[_effect(event, result)] += 1
        return items

    def _end(self, heard: Heard, status: int) -> web.Response:
        for observe in self._observers:
            observe(heard)
        return _answer(status, heard.cause)


def _effect(event: Event, result: list[Learned] | Exception) -> str:
    if isinstance(result, Exception) or not isinstance(event, Told):
        return "unusable"
    if event.claim is not None and not event.claim.heeded:
        return "ignored"
    if result[0].repeat:
        return "repeated"
    return "applied" if event.word else "kept"


def _answer(status: int, error: str) -> web.Response:
    retry = {"Retry-After": str(RETRY_AFTER)} if status == 503 else {}
    told = orjson.dumps({"error": error} if status != 200 else {})
    return web.Response(status=status, body=told, content_type="application/json", headers=retry)


def routes(door: Webhooks) -> list[web.RouteDef]:
    """List what is answered at the providers' door."""
    return [web.post("/webhooks/{route}", door.post), web.head("/webhooks/{route}", door.probe)]
