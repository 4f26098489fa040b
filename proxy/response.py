"""One response of a provider as its reader sees it: the head at once, the body as it comes.

Most answers to sends are a few hundred bytes and are whole before anybody asks (`complete`). The others are streamed:
what the reader has not taken is bounded, because the wire is asked to pause while too much of it lies here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from proxy.failures import Broken
from proxy.headers import Headers

HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024


class Wire(Protocol):
    """What a response asks of the connection it comes from."""

    def pause(self) -> None:
        """Take no more from the provider for now."""

    def resume(self) -> None:
        """Go on taking."""

    def give_up(self) -> None:
        """End the exchange and the connection: nobody wants the rest."""


class Response:
    """The answer of a provider: `status`, `reason` and `headers` as they came, and a body that is read once.

    Iterating gives the body in pieces as they come, transfer coding removed, content coding untouched. A body that is
    cut short raises `Broken`, one that takes too long `TimedOut`, after what came of it. Whoever does not read to the
    end calls `close`.
    """

    __slots__ = ("_chunks", "_failure", "_held", "_paused", "_reader", "_wire", "headers", "reason", "status")

    def __init__(self, wire: Wire, status: int, reason: str, headers: Headers) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self._wire: Wire | None = wire  # None once the exchange is over
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._paused = False
        self._failure: BaseException | None = None
        self._reader: asyncio.Future[None] | None = None

    @property
    def complete(self) -> bytes | None:
        """The whole body if it has come and none of it was taken by iterating, else None; takes nothing."""
        if self._wire is not None or self._failure is not None:
            return None
        if len(self._chunks) != 1:
            body = b"".join(self._chunks)
            self._chunks = deque((body,))
        return self._chunks[0]

    async def read(self) -> bytes:
        """Read what is left of the body; raises Broken or TimedOut if it does not come to its end."""
        body = self.complete
        if body is None:
            return b"".join([chunk async for chunk in self])
        self._chunks.clear()
        return body

    def __aiter__(self) -> Response:
        return self

    async def __anext__(self) -> bytes:
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self._wire is None:
                raise StopAsyncIteration
            await self._arrival()
        return self._take()

    def close(self) -> None:
        """Take no more of the body; unless it has come whole, the connection ends with it."""
        self._chunks.clear()
        if self._wire is not None:
            self._wire.give_up()
        elif self._failure is None:
            self._failure = Broken("the response was closed by its reader")

    async def _arrival(self) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _take(self) -> bytes:
        chunk = self._chunks.popleft()
        self._held -= len(chunk)
        if self._paused and self._held <= LOW_WATER and self._wire is not None:
            self._paused = False
            self._wire.resume()
        return chunk

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # What the wire calls.

    def arrived(self, chunk: bytes) -> None:
        """Take a piece of the body from the wire."""
        self._chunks.append(chunk)
        self._held += len(chunk)
        if self._held > HIGH_WATER and not self._paused and self._wire is not None:
            self._paused = True
            self._wire.pause()
        self._wake()

    def ended(self, failure: BaseException | None = None) -> None:
        """Take note that nothing more will come, and why if the body is not whole."""
        self._wire = None
        self._failure = failure
        self._wake()
