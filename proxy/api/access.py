"""Who may use the API: keys with scopes, or, without any key, whoever is on this machine.

A key is accepted as `Authorization: Bearer KEY`, as `X-XNG-AuthToken: KEY`, and in Optimizely's two ways, which are
`Authorization: epi-single KEY` and the older `Ocp-Apim-Subscription-Key: KEY`. All keys are compared, each in constant
time, so that the time says nothing about them.

Without keys the listener binds loopback only. A browser on the same machine reaches loopback too, so a request is
refused that carries a foreign Host (a rebound name), that came through a proxy, or that any web page may send without
asking: one that a browser says a page made, and one whose body is not JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from aiohttp import web

from proxy.config import Api, Scope
from proxy.gate import LOCAL_HOSTS, bare_host, from_web_page
from proxy.units import Secret

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

XNG_HEADER: Final = "X-XNG-AuthToken"
KEY_HEADERS: Final = (XNG_HEADER, "Ocp-Apim-Subscription-Key")
SCHEMES: Final = frozenset({"bearer", "epi-single"})
FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what is open to them; `origin` is told to the journal."""

    name: str
    scopes: frozenset[Scope]
    origin: str = ""

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


EVERYTHING: Final = frozenset(Scope)
CALLER: Final = web.RequestKey("caller", Caller)


class Denied(Exception):
    """The caller is not known, or may not do this."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def identify(request: web.Request, api: Api) -> Caller:
    """Find out who calls; raises Denied (401, or 403 for what only an open API refuses)."""
    if not api.keys:
        _check_local(request)
        return Caller("local", EVERYTHING)
    given = Secret(_token(request))
    known = [key for key in api.keys if sum(given == each for each in key.key)]  # none is left out
    if not given or not known:
        raise Denied(401)
    return Caller(known[0].name, frozenset(known[0].scopes))


def require(request: web.Request, scope: Scope) -> Caller:
    """Give the caller if the scope is open to them; raises Denied (403)."""
    caller = request[CALLER]
    if not caller.may(scope):
        raise Denied(403)
    return caller


def needs(scope: Scope) -> Callable[[Handler], Handler]:
    """Open a handler only to callers with a scope."""

    def guarded(handler: Handler) -> Handler:
        async def guard(request: web.Request) -> web.StreamResponse:
            require(request, scope)
            return await handler(request)

        return guard

    return guarded


def _token(request: web.Request) -> str:
    own = (value for name in KEY_HEADERS for value in request.headers.getall(name, []))
    tokens = [*_tokens(request.headers.getall("Authorization", [])), *own]
    if len(set(tokens)) != 1:
        return ""  # none, or two that disagree
    return tokens[0]


def _tokens(values: Iterable[str]) -> Iterable[str]:
    for value in values:
        scheme, _, token = value.partition(" ")
        yield token.strip() if scheme.lower() in SCHEMES else ""


def _check_local(request: web.Request) -> None:
    if request.remote is not None and not ip_address(request.remote).is_loopback:
        raise Denied(403)  # the listener was bound when there were keys
    if bare_host(request.headers.get("Host", "")) not in LOCAL_HOSTS:
        raise Denied(403)
    if any(name in request.headers for name in FORWARDED) or from_web_page(request.headers):
        raise Denied(403)
    if request.body_exists and request.content_type != "application/json":
        raise Denied(403)
