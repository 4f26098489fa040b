"""The recipients' door: check the link → learn → show what holds.

GET and HEAD show the page and change nothing, because link scanners open every link of every message. POST says
something (clicks.py), and is answered after the commit. The link is the authority: no login, no cookie. The page shows
the masked address, because a message is forwarded more often than its sender thinks.

Each client has a budget of requests, and what comes beyond it is answered 429: pages, links that do not verify, yeses.
A no is different: the one-click requests of all people at a mailbox provider come from few addresses, and none of them
may be lost. So a no beyond the budget is learned like any other, unless it holds already and would only be written
again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from policy import StoreUnavailable
from policy.events import Event, Learned
from policy.identity import masked
from policy.model import Standing
from proxy import clicks, texts
from proxy.clicks import Action
from proxy.clients import client_of
from proxy.config import Config
from proxy.errors import RETRY_AFTER
from proxy.limiter import BURST, Limiter
from proxy.links import PATH, Broken, Expired, Link, Links
from proxy.references import ReadFile
from proxy.rendering import FAILURES, Pages

LARGEST: Final = 16 * 1024  # bytes of a form; RFC 8058 needs 26
PATIENCE: Final = 10.0  # seconds for a form to come
DONE: Final = "done"
RESULTS: Final = (DONE, *FAILURES)
STATUS: Final = {"broken": 404, "expired": 410, "limited": 429, "unavailable": 503}
_RETRY: Final = {"limited": BURST, "unavailable": RETRY_AFTER}

Learn = Callable[[Sequence[Event]], Awaitable[list[Learned]]]


class Knows(Protocol):
    """Whoever can say how an address stands."""

    async def standing(self, keys: Sequence[str], unit: str) -> Standing:
        """Say what is kept from whoever has an address; raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Visit:
    """How one request at the recipients' door ended: for metric and log."""

    action: Action
    result: str
    channel: str = ""
    campaign: str = ""
    cause: str = ""


Observer = Callable[[Visit], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """What one configuration makes of the recipients' door."""

    config: Config
    links: Links
    pages: Pages
    limiter: Limiter


def desk(config: Config, read_file: ReadFile, clock: Callable[[], float]) -> Desk:
    """Build what a configuration asks for; raises texts.BadTexts."""
    settings = config.unsubscribe
    return Desk(
        config,
        Links([key.reveal() for key in settings.keys]),
        Pages(settings.brand, texts.load(config, read_file)),
        Limiter(settings.rate_limit, clock),
    )


class _Ended(Exception):
    """A request ends without what it asked for."""

    def __init__(self, result: str, cause: str = "") -> None:
        super().__init__(result)
        self.result = result
        self.cause = cause


class Unsubscribe:
    """The recipients' door of one gate."""

    def __init__(self, knows: Knows, desk: Callable[[], Desk], learn: Learn, observers: Sequence[Observer]) -> None:
        self._knows = knows
        self._desk = desk
        self._learn = learn
        self._observers = observers

    async def show(self, request: web.Request) -> web.Response:
        """Show the page; nothing changes."""
        return await self._answer(request, Action.SHOW)

    async def act(self, request: web.Request) -> web.Response:
        """Take in what was said, and show what holds after it."""
        try:
            return await self._answer(request, clicks.clicked(request.headers, await _form(request)))
        except OSError:
            return web.Response(status=400)  # the client is gone, half-way through what it had to say

    async def _answer(self, request: web.Request, action: Action) -> web.Response:
        """Do what was asked, and let the observers know how it ended."""
        desk = self._desk()
        link: Link | None = None
        result, cause = DONE, ""
        try:
            link, limited = _link(desk, request)
            body = await self._done(desk, request, link, action, limited=limited)
        except _Ended as ended:
            result, cause = ended.result, ended.cause
            body = desk.pages.failure(_language(desk, request), result)
        except StoreUnavailable as failure:
            result, cause = "unavailable", str(failure)
            body = desk.pages.failure(_language(desk, request), result)
        visit = Visit(action, result, link.channel if link else "", link.campaign if link else "", cause)
        for observe in self._observers:
            observe(visit)
        return _response(desk, request, result, body)

    async def _done(self, desk: Desk, request: web.Request, link: Link, action: Action, *, limited: bool) -> bytes:
        """Learn what was said, and write the page that shows what holds then; nobody reads the one of a one-click."""
        if action is not Action.SHOW:
            await self._tell(link, action, limited=limited)
        elif limited:
            raise _Ended("limited")
        if action is Action.ONE_CLICK:
            return b""
        state = clicks.state(await self._standing(link), link.channel)
        return desk.pages.standing(_language(desk, request), state, link.channel, masked(link.key), action)

    async def _tell(self, link: Link, action: Action, *, limited: bool) -> None:
        standing = Standing()
        if limited or action is Action.IN:
            standing = await self._standing(link)
        if limited and (action is Action.IN or clicks.holds_already(action, standing, link.channel)):
            raise _Ended("limited")
        await self._learn(clicks.events(link, action, standing))

    async def _standing(self, link: Link) -> Standing:
        return await self._knows.standing(clicks.keys(link), clicks.unit(link))


def _link(desk: Desk, request: web.Request) -> tuple[Link, bool]:
    """Read the link, and tell whether its client has used up its budget."""
    trusted = desk.config.trusted_proxies
    client = client_of(request.remote, request.headers.getall("X-Forwarded-For", []), trusted)
    limited = not desk.limiter.takes(client)
    try:
        return desk.links.read(request.match_info["token"]), limited
    except Broken:
        raise _Ended("limited" if limited else "broken") from None
    except Expired:
        raise _Ended("limited" if limited else "expired") from None


def _language(desk: Desk, request: web.Request) -> str:
    accepted = ",".join(request.headers.getall("Accept-Language", []))
    return texts.chosen(tuple(desk.pages.languages), request.query.get("lang", ""), accepted)


async def _form(request: web.Request) -> bytes | None:
    """Read the body; None for one that is too large for a form, does not come, or is not what it says it is."""
    body = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while len(body) <= LARGEST and (chunk := await request.content.readany()):
                body += chunk
    except (TimeoutError, web.RequestPayloadError):
        return None
    return body if len(body) <= LARGEST else None


def _response(desk: Desk, request: web.Request, result: str, body: bytes) -> web.Response:
    headers = {**desk.pages.headers, "Content-Language": _language(desk, request)}
    if result in _RETRY:
        headers["Retry-After"] = str(_RETRY[result])
    response = web.Response(
        status=STATUS.get(result, 200), headers=headers, body=body, content_type="text/html", charset="utf-8"
    )
    if not request.content.is_eof():
        response.force_close()  # what is left of a body that was too much is not waited for
    return response


def routes(door: Unsubscribe) -> list[web.RouteDef]:
    """List what is answered at the recipients' door."""
    path = f"{PATH}{{token}}"
    return [web.get(path, door.show), web.post(path, door.act)]
