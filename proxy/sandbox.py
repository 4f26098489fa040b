"""The built-in upstream: answers as the provider would, sends nothing, and keeps the last messages for looking at."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from multidict import CIMultiDictProxy

from policy.model import Microseconds
from policy.reasons import Reason
from proxy import bodies
from proxy.errors import NotSent
from proxy.headers import Headers, decoded
from proxy.providers.base import Kind, Provider, Refusal, Request, Unreadable, WritesKey

KEPT = 100
_SHOWN = 65_536  # characters of a body
_LARGEST = 1 << 25
_NO_KEY = "…"


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the provider would have got it."""

    at: Microseconds
    route: str
    method: str
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """An answer that is already whole; the same face as upstream.Response."""

    status: int
    headers: Headers
    complete: bytes
    reason: str = ""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.complete

    def close(self) -> None:
        """Have nothing to give back."""


class Sandbox:
    """Stands in for one route's provider."""

    def __init__(self, route: str, provider: Provider, now: Callable[[], Microseconds]) -> None:
        self._route = route
        self._provider = provider
        self._now = now
        self.messages: deque[Message] = deque(maxlen=KEPT)

    async def forward(
        self, method: str, target: str, headers: Headers, body: bytes | AsyncIterator[bytes] = b""
    ) -> SandboxResponse:
        """Take a request; a send is kept and answered as accepted, anything else is not to be had here."""
        path, _, query = target.partition("?")
        given = CIMultiDictProxy(decoded(headers))
        came = body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
        plain = self._plain(came, given.getall("Content-Encoding", []))
        request = Request(method, path, query, given, plain)
        if self._provider.sort(request) is Kind.SEND:
            self.messages.append(Message(self._now(), self._route, method, path, self._shown(request.body)))
            answer = self._provider.accepted(request, secrets.token_hex(16))
        else:
            refusal = Refusal(Reason.UNKNOWN_REQUEST, "sendgate: the sandbox answers sends only", 404)
            answer = self._provider.refusal(request, refusal)
        typed = [("Content-Type", answer.content_type)] if answer.content_type else []
        pairs = tuple((name.encode(), value.encode()) for name, value in [*typed, *answer.headers])
        return SandboxResponse(answer.status, pairs, answer.body)

    async def close(self) -> None:
        """Have nothing to close."""

    def _plain(self, body: bytes, declared: Sequence[str]) -> bytes:
        try:
            return bodies.inflated(body, declared, _LARGEST, self._provider.ENCODINGS)
        except NotSent:
            return body  # whatever could not be read was let pass on purpose

    def _shown(self, body: bytes) -> str:
        """Give what is kept of a body: its beginning, without a credential that stands in it."""
        if isinstance(self._provider, WritesKey):
            try:
                body = self._provider.with_key(body, _NO_KEY)
            except Unreadable:
                return ""  # a key may stand anywhere in it
        return body.decode("utf-8", "backslashreplace")[:_SHOWN]
