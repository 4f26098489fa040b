"""One HTTP/1.1 connection to a provider, on a transport, with one exchange at a time.

A connection carries another exchange only if the last one ended cleanly both ways: the request written to its last
byte, the response read to its last byte and not one byte more, and neither side said close. While no exchange runs,
nothing may come: whatever does is an answer to nobody's request, and handing it to the next send would tell a sender
that its message was accepted when it was not. Such a connection ends at once.

From the first write on, the request may have arrived, so no failure here is ever answered by writing it again.
"""

from __future__ import annotations

import asyncio
import math
import select
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import cast

from proxy.failures import Broken, TimedOut
from proxy.parsing import ResponseParser
from proxy.response import Response

Body = bytes | AsyncGenerator[bytes, None]

ONE_WRITE = 256 * 1024
SLICE = 64 * 1024

KEPT_IDLE = 15.0  # seconds; shorter than what providers keep, so that it is us who close
IDLE_MARGIN = 1.0  # seconds before the end of what a provider says it keeps


@dataclass(slots=True)
class _Exchange:
    """One request and its response on the way."""

    answered: asyncio.Future[Response]
    timer: asyncio.TimerHandle
    response: Response | None = None
    upload: asyncio.Task[None] | None = None


class Connection(asyncio.Protocol):
    """One connection; `released` is called each time an exchange is over, cleanly or not."""

    def __init__(self, released: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._released = released
        self._parser = ResponseParser()
        self._readable = select.poll()
        self._exchange: _Exchange | None = None
        self._writable: asyncio.Future[None] | None = None
        self._idle_until = math.inf
        self._transport: asyncio.Transport
        self.lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def closing(self) -> bool:
        """Tell whether the connection has ended or is about to."""
        return self._transport.is_closing()

    def usable(self) -> bool:
        """Tell whether a kept connection may carry another exchange; asks the socket too, the loop may not know yet."""
        return not self.closing and self._loop.time() < self._idle_until and not self._readable.poll(0)

    async def exchange(self, head: bytes, body: Body, *, head_only: bool, deadline: float) -> Response:
        """Write one request and wait for the head of its response.

        Args:
            head: the request's head, framing included.
            body: all of it, or its pieces as they shall stand on the wire.
            head_only: the request is HEAD.
            deadline: loop time at which the exchange fails, the response's body included.

        Raises:
            Broken: the connection ended, or garbage came.
            TimedOut: the deadline passed.
            Exception: whatever iterating over the body raised.
        """
        exchange = self._begin(deadline, head_only=head_only)
        try:
            self._write(exchange, head, body)
            return await exchange.answered
        except BaseException:
            exchange.answered.cancel()
            if self._exchange is exchange:
                self.give_up()
            raise

    def _begin(self, deadline: float, *, head_only: bool) -> _Exchange:
        answered: asyncio.Future[Response] = self._loop.create_future()
        self._exchange = _Exchange(answered, self._loop.call_at(deadline, self._expire))
        self._parser.expect(head_only=head_only)
        return self._exchange

    # Writing.

    def _write(self, exchange: _Exchange, head: bytes, body: Body) -> None:
        if isinstance(body, bytes):
            if len(body) <= ONE_WRITE:
                self._transport.write(head + body)
                return
            body = _slices(body)
        self._transport.write(head)
        exchange.upload = self._loop.create_task(self._upload(body))
        exchange.upload.add_done_callback(partial(self._uploaded, exchange))

    async def _upload(self, pieces: AsyncGenerator[bytes, None]) -> None:
        """Write pieces at the provider's pace; the loop gets its turn after each, or nobody would see the end."""
        async with aclosing(pieces):
            async for piece in pieces:
                self._transport.write(piece)
                await (self._writable or asyncio.sleep(0))

    def _uploaded(self, exchange: _Exchange, upload: asyncio.Task[None]) -> None:
        failure = Broken("the request's body was given up") if upload.cancelled() else upload.exception()
        if failure is not None and self._exchange is exchange:
            self._fail(failure)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # Reading.

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self._transport.abort()
            return
        self._parser.feed(data)
        self._deliver(exchange)

    def eof_received(self) -> None:
        self._end_of_stream()

    def _end_of_stream(self) -> None:
        if self._exchange is not None:
            self._parser.close()
            self._deliver(self._exchange)

    def _deliver(self, exchange: _Exchange) -> None:
        """Hand on what the parser has: head, pieces of body, end or fault, in this order."""
        parser = self._parser
        if parser.status and exchange.response is None:
            exchange.response = Response(self, parser.status, parser.reason, parser.headers)
            if not exchange.answered.done():
                exchange.answered.set_result(exchange.response)
        if exchange.response is not None:
            for chunk in parser.chunks:
                exchange.response.arrived(chunk)
        parser.chunks.clear()
        if parser.ended:
            self._finish(exchange)
        elif parser.fault:
            self._fail(Broken(parser.fault))

    def pause(self) -> None:
        if not self.closing:
            self._transport.pause_reading()

    def resume(self) -> None:
        if not self.closing:
            self._transport.resume_reading()

    # The end of an exchange.

    def _finish(self, exchange: _Exchange) -> None:
        """End an exchange whose response is whole; one whose request is not whole takes the connection with it."""
        self._exchange = None
        exchange.timer.cancel()
        if not self._written(exchange):
            self._transport.abort()
        elif self._parser.reusable:
            self._keep()
        else:
            self._transport.close()
        cast("Response", exchange.response).ended()
        self._released(self)

    def _written(self, exchange: _Exchange) -> bool:
        if exchange.upload is not None and not exchange.upload.done():
            exchange.upload.cancel()
            return False
        return self._transport.get_write_buffer_size() == 0

    def _keep(self) -> None:
        promised = self._parser.keep_alive
        kept = KEPT_IDLE if promised is None else min(KEPT_IDLE, promised - IDLE_MARGIN)
        self._idle_until = self._loop.time() + kept
        self.resume()  # a slow reader may have paused it, and what comes while idle must be seen

    def _fail(self, failure: BaseException) -> None:
        """End an exchange that cannot come to its end, and the connection with it."""
        exchange = self._exchange
        if exchange is None:
            return
        self._exchange = None
        exchange.timer.cancel()
        self._transport.abort()
        if exchange.upload is not None:
            exchange.upload.cancel()
        if exchange.response is not None:
            exchange.response.ended(failure)
        elif not exchange.answered.done():
            exchange.answered.set_exception(failure)
        self._released(self)

    def _expire(self) -> None:
        self._fail(TimedOut("the provider did not answer within the total timeout"))

    def give_up(self) -> None:
        """End the exchange and the connection: nobody waits for it any more."""
        self._fail(Broken("the exchange was given up"))

    def close(self) -> None:
        """End an idle connection."""
        self._transport.close()

    # The transport's beginning and end.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self._end_of_stream()
        else:
            self._fail(Broken("the connection was lost"))
        if not self.lost.done():
            self.lost.set_result(None)


async def _slices(body: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(body), SLICE):
        yield body[start : start + SLICE]
