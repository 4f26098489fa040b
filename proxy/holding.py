"""How many bytes of senders' bodies the gate holds at once, all listeners together.

A body is held from its first byte to the answer, because it is read before it is sent on. Each is bounded by its
route's `max_body`; what bounds them together is `limits.bodies`, or some hundred slow large ones would use up the
machine's memory. Held is as well what reading a body takes beyond some times its size (weighing.py), so that many small
ones do not take what few large ones may not. Whoever comes when the limit is reached is told to come again. One body
alone is always held, however small the limit. What the connection has read already is counted and not refused, for it
costs no more by being held, and so is the little that reading an ordinary send takes: large bodies that come slowly do
not keep small ones out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from policy.reasons import Reason
from proxy.errors import NotSent

LITTLE: Final = 16 << 10  # bytes


@dataclass(slots=True)
class Room:
    """What is held by all requests together."""

    taken: int = 0

    def held(self, limit: int) -> Held:
        """Begin a request's share of a room of this many bytes."""
        return Held(self, limit)


@dataclass(slots=True)
class Held:
    """What one request holds."""

    room: Room = field(default_factory=Room)
    limit: int = 0
    taken: int = 0

    def take(self, size: int, *, there: bool = False) -> None:
        """Hold so many bytes more, which may be there already; raises NotSent (gate_busy) where there is no room."""
        others = self.room.taken - self.taken
        if others and not there and self.room.taken + size > self.limit:
            raise NotSent(Reason.GATE_BUSY)
        self.room.taken += size
        self.taken += size

    def weigh(self, size: int) -> None:
        """Hold what reading a body takes; raises NotSent (gate_busy) for more than a little where no room is left.

        While any is left it may be more than that: a send that weighs nearly as much as all may hold would be refused
        at each repeat, as long as there is any other.
        """
        others = self.room.taken - self.taken
        if size > LITTLE and others and self.room.taken >= self.limit:
            raise NotSent(Reason.GATE_BUSY)
        self.take(size, there=True)

    @contextmanager
    def lent(self, size: int) -> Iterator[None]:
        """Hold as much for a while."""
        self.weigh(size)
        try:
            yield
        finally:
            lent = min(size, self.taken)  # nothing, where all was left meanwhile
            self.room.taken -= lent
            self.taken -= lent

    def leave(self) -> None:
        """Hold nothing any more."""
        self.room.taken -= self.taken
        self.taken = 0
