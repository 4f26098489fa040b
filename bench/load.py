"""The load generator: many connections that each send the next request once the last is answered.

It must cost little beside what it measures, so requests are rendered beforehand and of an answer nothing is read but
its status and where it ends.
"""

from __future__ import annotations

import asyncio
import re
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

import uvloop

from bench.workers import Pipe

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Order:
    """What to do: these requests, again and again, to a port of this machine for some seconds.

    With a rate, so many a second over all connections, each timed from when it was due; else as many as are answered.
    """

    port: int
    requests: list[bytes]
    connections: int
    seconds: float
    rate: float | None = None


@dataclass(slots=True)
class Answered:
    """What came of it: how many answers of which status, and how long each took, in seconds."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    times: array[float] = field(default_factory=lambda: array("d"))

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.times) / self.seconds

    def percentile(self, share: float) -> float:
        """Give the time within which this share of the answers came, in milliseconds."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    def expect(self, status: int) -> Answered:
        """Make sure that every answer was this one: a fast refusal is no measure."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"expected answers with {status}, got {dict(self.statuses)}")
        return self


def serve(pipe: Pipe) -> None:
    """Carry out orders as they come."""
    while True:
        order: Order = pipe.recv()
        pipe.send(uvloop.run(_carry_out(order)))


async def _carry_out(order: Order) -> Answered:
    requests = cycle(order.requests)
    answered = Answered(order.seconds)
    deadline = time.perf_counter() + order.seconds
    pace = order.connections / order.rate if order.rate else 0.0
    clients = [_Client(requests, answered, deadline, pace) for _ in range(order.connections)]
    if order.rate:
        for number, client in enumerate(clients):
            client.due = deadline - order.seconds + number / order.rate
    await asyncio.gather(*(client.run(order.port) for client in clients))
    return answered


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], answered: Answered, deadline: float, pace: float) -> None:
        self._requests = requests
        self._answered = answered
        self._deadline = deadline
        self._pace = pace  # seconds from one to the next, 0 for at once
        self.due = 0.0
        self._transport: asyncio.Transport
        self._came = b""
        self._sent_at = 0.0
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, port: int) -> None:
        """Connect, and go on until the deadline."""
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", port)
        await self._done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next(time.perf_counter())

    def _next(self, now: float) -> None:
        if max(now, self.due) >= self._deadline:
            self._transport.close()
        elif now < self.due:
            asyncio.get_running_loop().call_later(self.due - now, self._send, self.due)
        else:
            self._send(self.due or now)

    def _send(self, sent_at: float) -> None:
        self._sent_at = sent_at
        if self._pace:
            self.due += self._pace
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        came = self._came = self._came + data if self._came else data
        end = came.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(came, 0, end + 2)
        if length is None or len(came) < end + 4 + int(length[1]):
            return
        self._came = b""
        now = time.perf_counter()
        if now < self._deadline:
            self._answered.times.append(now - self._sent_at)
            self._answered.statuses[int(came[9:12])] += 1
        self._next(now)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if max(time.perf_counter(), self.due) < self._deadline:
            self._done.set_exception(ConnectionError("the server closed a connection under load"))
        else:
            self._done.set_result(None)
