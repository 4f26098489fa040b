from __future__ import annotations

import asyncio

import pytest

from proxy.failures import Broken, TimedOut
from proxy.response import HIGH_WATER, LOW_WATER, Response


class Wire:
    """Writes down what a response asks of its connection."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.response = Response(self, 200, "OK", ((b"A", b"b"),))

    def pause(self) -> None:
        self.asked.append("pause")

    def resume(self) -> None:
        self.asked.append("resume")

    def give_up(self) -> None:
        self.asked.append("give up")
        self.response.ended(Broken("given up"))


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.mark.parametrize("chunks", [[], [b"a"], [b"a", b"b", b"c"]])
async def test_whole_body(wire: Wire, chunks: list[bytes]) -> None:
    """A body that has come whole is there without waiting, as often as asked, until it is read."""
    for chunk in chunks:
        wire.response.arrived(chunk)
    assert wire.response.complete is None
    wire.response.ended()
    assert wire.response.complete == b"".join(chunks)
    assert wire.response.complete == b"".join(chunks)
    assert await wire.response.read() == b"".join(chunks)
    assert await wire.response.read() == b""


async def test_streamed_body(wire: Wire) -> None:
    """Pieces are given as they come, and the reader waits for the next."""
    reading = asyncio.create_task(wire.response.read())
    for chunk in (b"a", b"b", b"c"):
        await asyncio.sleep(0)
        assert not reading.done()
        wire.response.arrived(chunk)
    wire.response.ended()
    assert await reading == b"abc"


async def test_iterating_gives_the_pieces(wire: Wire) -> None:
    """Iterating gives what came, piece by piece, and goes on where it stopped."""
    for chunk in (b"a", b"b", b"c"):
        wire.response.arrived(chunk)
    wire.response.ended()
    async for chunk in wire.response:
        assert chunk == b"a"
        break
    assert [chunk async for chunk in wire.response] == [b"b", b"c"]


@pytest.mark.parametrize("failure", [Broken("cut short"), TimedOut("too slow")])
async def test_body_cut_short(wire: Wire, failure: Exception) -> None:
    """A body that did not come whole is never complete: reading gives what came and then raises."""
    wire.response.arrived(b"a")
    wire.response.ended(failure)
    assert wire.response.complete is None
    assert await anext(wire.response) == b"a"
    with pytest.raises(type(failure)):
        await wire.response.read()


async def test_failure_wakes_the_reader(wire: Wire) -> None:
    """A reader that waits is told of the failure."""
    reading = asyncio.create_task(wire.response.read())
    await asyncio.sleep(0)
    wire.response.ended(Broken("cut short"))
    with pytest.raises(Broken):
        await reading


async def test_slow_reader(wire: Wire) -> None:
    """The wire pauses once too much lies unread, and resumes once little does."""
    piece = bytes(LOW_WATER)
    for _ in range(HIGH_WATER // LOW_WATER):
        wire.response.arrived(piece)
    assert wire.asked == []
    wire.response.arrived(b"x")
    wire.response.arrived(b"x")
    assert wire.asked == ["pause"]
    for _ in range(HIGH_WATER // LOW_WATER - 1):
        await anext(wire.response)
        assert wire.asked == ["pause"]
    await anext(wire.response)
    assert wire.asked == ["pause", "resume"]


async def test_no_flow_control_after_the_end(wire: Wire) -> None:
    """Once the exchange is over the wire belongs to others and is not asked for anything."""
    wire.response.arrived(bytes(HIGH_WATER + 1))
    wire.response.ended()
    assert await wire.response.read() == bytes(HIGH_WATER + 1)
    wire.response.close()
    assert wire.asked == ["pause"]


async def test_closing_early(wire: Wire) -> None:
    """Closing an unfinished response gives the exchange up, and nothing can be read afterwards."""
    wire.response.arrived(b"a")
    wire.response.close()
    wire.response.close()
    assert wire.asked == ["give up"]
    with pytest.raises(Broken):
        await wire.response.read()


async def test_closing_unread(wire: Wire) -> None:
    """Closing a whole response asks nothing of the wire, and its body is gone."""
    wire.response.arrived(b"a")
    wire.response.ended()
    wire.response.close()
    assert wire.asked == []
    assert wire.response.complete is None
    with pytest.raises(Broken):
        await wire.response.read()


async def test_cancelled_reader(wire: Wire) -> None:
    """A cancelled wait loses nothing of the body."""
    reading = asyncio.create_task(wire.response.read())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    wire.response.arrived(b"a")
    wire.response.ended()
    assert await wire.response.read() == b"a"
