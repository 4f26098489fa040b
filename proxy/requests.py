"""Requests at the senders' door before anybody asks what they mean: taken apart, and refused where two could disagree.

The target stays as it came, because a decoded path is another path. What changes who talks to whom (CONNECT, Upgrade),
what the request is (method overrides), or where it goes (absolute targets) is refused on doubt, never passed on.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import HttpVersion10, HttpVersion11, web
from multidict import CIMultiDictProxy

from policy.reasons import Reason
from proxy import strict
from proxy.clients import Network, client_of
from proxy.errors import NotSent

Chunks = AsyncIterator[bytes]

BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})  # a body of these may be read as another request
NOTHING: Final = frozenset({b"", b"{}"})  # but some SDKs write their missing arguments as one; it is not handed on
NEVER_NEIGHBOURLY: Final = ("content-", "authorization", "host", "x-", "cookie")  # what Connection may not take away
_TELLING: Final = re.compile(  # segments that documentation has; ids, keys, addresses and domains look otherwise
    r"(?:[A-Za-z]{1,24}(?:[-_][A-Za-z]{1,24}){0,4}(?:\.(?:json|xml|php|yaml|mime))?|v?\d(?:\.\d)?|\d{4}-\d\d-\d\d)?"
)
_FIELDS: Final = re.compile("[&;]")
REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE", "TRACK"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it came: raw path and query, and the connection's own request object."""

    source: web.BaseRequest
    method: str
    path: str
    query: str
    has_query: bool
    host: str
    headers: CIMultiDictProxy[str]


def arrival(request: web.BaseRequest) -> Arrival:
    """Take a request apart without decoding anything."""
    path, mark, query = request.raw_path.partition("?")
    host = request.headers.get("Host", "")
    return Arrival(request, request.method, path, query, bool(mark), host, request.headers)


def _connection_options(headers: CIMultiDictProxy[str]) -> list[str]:
    return [option.strip().lower() for value in headers.getall("Connection", []) for option in value.split(",")]


def client(arrived: Arrival, trusted: Sequence[Network]) -> str:
    """Give the address of the client, behind the proxies that are trusted."""
    return client_of(arrived.source.remote, arrived.headers.getall("X-Forwarded-For", []), trusted)


def check(arrived: Arrival) -> None:
    """Refuse what must not be handed on whatever it asks for; raises NotSent."""
    if arrived.source.version not in (HttpVersion10, HttpVersion11):
        raise NotSent(Reason.UNKNOWN_REQUEST, "only HTTP/1.0 and HTTP/1.1 are spoken here", status=505)
    if arrived.method in REFUSED_METHODS or not arrived.path.startswith("/") or "#" in arrived.query:
        raise NotSent(Reason.UNKNOWN_REQUEST, "this method or form of target is not proxied")
    if any(map(strict.overrides, arrived.headers)):
        raise NotSent(Reason.UNKNOWN_REQUEST, "a header would make another request of it")
    if any(strict.overrides(field.partition("=")[0]) for field in _FIELDS.split(arrived.query)):
        raise NotSent(Reason.UNKNOWN_REQUEST, "the query would make another request of it")
    if _has_forbidden_body(arrived):
        raise NotSent(Reason.UNKNOWN_REQUEST, "a request of this method has no body")
    if any(option.startswith(NEVER_NEIGHBOURLY) for option in _connection_options(arrived.headers)):
        raise NotSent(Reason.UNKNOWN_REQUEST, "the Connection header would take away what says how to read the request")
    if "Upgrade" in arrived.headers:
        raise NotSent(Reason.UNKNOWN_REQUEST, "a connection is never upgraded")


def outline(method: str, path: str) -> str:
    """Say what is asked for without saying about whom: `POST /v3/contacts/*`, the path as `allow_paths` takes it."""
    segments = path.split("/")[:12]
    return f"{method[:12]} {'/'.join(each if _TELLING.fullmatch(each) else '*' for each in segments)}"


def _has_forbidden_body(arrived: Arrival) -> bool:
    """Tell whether a method that has no body has one that could say something, as far as its length tells."""
    length = arrived.source.content_length
    return arrived.method in BODILESS and arrived.source.body_exists and (length is None or length > len(b"{}"))


def check_empty(arrived: Arrival, body: bytes) -> None:
    """Refuse the body of a method that has none, unless it says nothing; raises NotSent."""
    if arrived.method in BODILESS and body not in NOTHING:
        raise NotSent(Reason.UNKNOWN_REQUEST, "a request of this method has no body")


def printable(value: str) -> str:
    """Give a header's value as text that can be written anywhere; bytes that are no UTF-8 become question marks."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def invite_body(request: web.BaseRequest) -> None:
    """Tell a client that waits for leave (Expect: 100-continue) to go on with its body."""
    expected = request.headers.get("Expect", "")
    if not expected:
        return
    if expected.strip().lower() != "100-continue":
        raise NotSent(Reason.UNREADABLE, "the Expect header asks for something unknown", status=417)
    if request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer's own size is counted from here
