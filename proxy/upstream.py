"""The only file through which sends leave: a pool of connections to one provider, and forwarding over them.

Forwarding exactly is what the gate is for, and a general HTTP client is built for another end. It tidies: paths are
normalised, cookies remembered, encodings announced, redirects followed, framing added to framing. It helps: a request
whose connection drops is quietly written again, which for a send is a second message to somebody. And it hides: it
does not say whether a byte went out, and a late answer on a kept connection is handed to whichever send comes next. So
requests are written here to the byte, on transports of our own, and three questions are always open to an answer: what
went out, whether anything did, and to whom an answer belongs.

The rule is never to send twice. A kept connection that turns out to be closed is replaced before anything is written;
once the transport has been given the request, nothing is tried again, and the failure says that the outcome is unknown.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohappyeyeballs

from proxy.failures import Broken, Busy, TimedOut, Unreachable, UpstreamFailure
from proxy.headers import Headers, Unsendable, request_head
from proxy.response import Response
from proxy.wire import Connection

Body = bytes | AsyncIterator[bytes]

__all__ = ["Broken", "Busy", "Response", "TimedOut", "Unreachable", "Unsendable", "Upstream", "UpstreamFailure"]

SWEEP = 5.0  # seconds between looks for kept connections that are past their time
NEXT_ADDRESS = 0.25  # seconds until the next address of a host is tried beside the last (RFC 8305 §5)
TLS_GOODBYE = 1.0  # seconds that a closing connection waits for the provider's side of it

_PORTS = {"http": 80, "https": 443}
_EXPECTS_BODY = frozenset({"POST", "PUT", "PATCH"})  # a length is due even when it is 0 (RFC 9110 §8.6)
_BASE_PATH = re.compile(r"(/[!-~]*)?")


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where an upstream's URL points to."""

    tls: bool
    host: str
    port: int
    base: str

    @property
    def authority(self) -> str:
        """The value of Host: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"


def _origin(url: str) -> _Origin:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or not parts.hostname.isascii():
        raise ValueError("an upstream is an http or https URL with a host in ASCII")
    if parts.username is not None or parts.query or parts.fragment or not _BASE_PATH.fullmatch(parts.path):
        raise ValueError("an upstream's URL has no credential, query or fragment, and an encoded path")
    port = parts.port or _PORTS[parts.scheme]
    return _Origin(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"))


def _default_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Upstream:
    """One provider's address, and the connections to it.

    Args:
        url: `https://api.sendgrid.com`, or with a base path that is put in front of every target.
        connect_timeout: seconds, for a free connection and again for opening one.
        total_timeout: seconds for all of one forwarding, the response's body included.
        limit: how many exchanges run at once, each on a connection of its own.
        tls: instead of the default context, which verifies against the system's authorities.

    Raises:
        ValueError: the URL is none that can be forwarded to.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_timeout: float,
        total_timeout: float,
        limit: int = 100,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._origin = _origin(url)
        self._host = self._origin.authority.encode("ascii")
        self._tls = (tls or _default_tls()) if self._origin.tls else None
        self._connect_timeout = connect_timeout
        self._total_timeout = total_timeout
        self._limit = limit
        self._taken = 0  # exchanges that run or are about to, so never more than `limit` connections are open
        self._waiting: dict[asyncio.Future[None], None] = {}  # a queue from which anybody may step out
        self._idle: deque[Connection] = deque()  # the warmest is taken first, so that the others grow cold and go
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def forward(self, method: str, target: str, headers: Headers, body: Body = b"") -> Response:
        """Send one request, once, and give the response as soon as its head is there.

        Args:
            method: as it came.
            target: raw path and query, written as it is behind the base path.
            headers: end-to-end headers (`headers.end_to_end`); Host and framing are added here.
            body: all of it, or its pieces, which are sent chunked.

        Raises:
            Unsendable: this cannot be written as one request; nothing was sent.
            Busy: no connection became free in time; nothing was sent.
            Unreachable: no connection came about; nothing was sent.
            Broken: the outcome is unknown, the connection ended or garbage came.
            TimedOut: the outcome is unknown, the response's head did not come in time.
            Exception: whatever iterating over the body raised; the request was broken off.
        """
        framing = _framing(method, body)
        head = request_head(method, self._origin.base + target, self._host, headers, framing)
        deadline = asyncio.get_running_loop().time() + self._total_timeout
        connection = await self._acquire(deadline)
        pieces = body if isinstance(body, bytes) else _chunked(body)
        return await connection.exchange(head, pieces, head_only=method == "HEAD", deadline=deadline)

    async def close(self) -> None:
        """Close the idle connections; running exchanges, and sends still to come, end with their connection."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        while self._idle:
            self._idle.pop().close()
        ending = [connection.lost for connection in self._open if connection.closing]
        if ending:
            await asyncio.wait(ending)

    # Taking a connection and giving it back.

    async def _acquire(self, deadline: float) -> Connection:
        """Take a connection on which nothing has been written since its last exchange; a slot comes with it."""
        if self._taken < self._limit:
            self._taken += 1
        else:
            await self._turn()
        try:
            return self._kept() or await self._connect(deadline)
        except BaseException:
            self._free_slot()
            raise

    async def _turn(self) -> None:
        """Wait in line until somebody's slot is handed over."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(self._connect_timeout, _too_late, turn)
        self._waiting[turn] = None
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.exception() is None:  # handed over at the very moment of giving up
                self._free_slot()
            raise
        finally:
            timer.cancel()
            self._waiting.pop(turn, None)

    def _free_slot(self) -> None:
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
                return
        self._taken -= 1

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            connection.close()
        return None

    def _released(self, connection: Connection) -> None:
        if not connection.closing:
            self._keep(connection)
        self._free_slot()

    def _keep(self, connection: Connection) -> None:
        if self._closed:
            connection.close()
            return
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    def _sweep(self) -> None:
        kept = [connection for connection in self._idle if connection.usable()]
        for connection in set(self._idle).difference(kept):
            connection.close()
        self._idle = deque(kept)
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP, self._sweep) if kept else None

    # Opening a connection.

    async def _connect(self, deadline: float) -> Connection:
        until = min(asyncio.get_running_loop().time() + self._connect_timeout, deadline)
        try:
            async with asyncio.timeout_at(until):
                connection = await self._open_one()
        except TimeoutError as error:
            raise Unreachable(f"no connection to {self._origin.authority} in time") from error
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"no connection to {self._origin.authority}: {error}") from error
        if connection.closing:
            raise Unreachable(f"{self._origin.authority} closed the connection at once, or spoke first")
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._open.discard(connection))
        return connection

    async def _open_one(self) -> Connection:
        """Open a connection, its socket apart from its transport: uvloop knows no happy eyeballs."""
        loop = asyncio.get_running_loop()
        host, port = self._origin.host, self._origin.port
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        sock = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _, connection = await loop.create_connection(
            lambda: Connection(self._released),
            sock=sock,
            ssl=self._tls,
            server_hostname=host if self._tls else None,
            ssl_shutdown_timeout=TLS_GOODBYE if self._tls else None,
        )
        return connection


def _framing(method: str, body: Body) -> bytes:
    if not isinstance(body, bytes):
        return b"Transfer-Encoding: chunked\r\n"
    if body or method in _EXPECTS_BODY:
        return b"Content-Length: %d\r\n" % len(body)
    return b""


async def _chunked(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Frame pieces as chunks; an empty piece would end the body too soon (RFC 9112 §7.1)."""
    try:
        async for piece in pieces:
            if piece:
                yield b"%x\r\n%b\r\n" % (len(piece), piece)
        yield b"0\r\n\r\n"
    finally:
        if isinstance(pieces, AsyncGenerator):  # left early, it would linger until it is collected
            await pieces.aclose()


def _too_late(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(Busy("every connection to the provider is in use"))
