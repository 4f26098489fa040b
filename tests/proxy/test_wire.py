from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import cast

import pytest
import uvloop

from proxy.failures import Broken, TimedOut
from proxy.response import HIGH_WATER, Response
from proxy.wire import IDLE_MARGIN, KEPT_IDLE, ONE_WRITE, Body, Connection

HEAD = b"POST / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FOREVER = 100.0


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def _asyncio_loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """Run every test on both event loops; pytest-asyncio asks this fixture of its own for the loop to use."""
    return cast("Callable[[], asyncio.AbstractEventLoop]", request.param)


pytestmark = pytest.mark.usefixtures("_asyncio_loop_factory")


@dataclass
class Line:
    """A connection of the gate, and the socket of the provider at its other end."""

    connection: Connection
    provider: socket.socket
    released: list[Connection] = field(default_factory=list)

    async def start(
        self, body: Body = b"", *, head_only: bool = False, seconds: float = FOREVER
    ) -> asyncio.Task[Response]:
        deadline = asyncio.get_running_loop().time() + seconds
        answer = asyncio.create_task(self.connection.exchange(HEAD, body, head_only=head_only, deadline=deadline))
        await asyncio.sleep(0)  # now it is written; an answer that came before would be nobody's
        return answer

    async def hear(self, size: int) -> bytes:
        """Read exactly so much of what the gate writes, less only where it ends."""
        got = bytearray()
        loop = asyncio.get_running_loop()
        while len(got) < size and (piece := await loop.sock_recv(self.provider, size - len(got))):
            got += piece
        return bytes(got)

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.provider, data)

    async def heard_end(self) -> bool:
        with contextlib.suppress(ConnectionResetError):
            while await self.hear(1 << 16):
                pass
        return True


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.create_connection(door.getsockname())
        theirs, _ = door.accept()
    theirs.settimeout(0)
    ours.settimeout(0)
    released: list[Connection] = []
    _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(released.append), sock=ours)
    yield Line(connection, theirs, released)
    connection.close()
    connection.give_up()
    theirs.close()
    await connection.lost


async def settled(true: Callable[[], bool]) -> None:
    """Let the event loop run until it has come about; pytest's own timeout tells if it never does."""
    while not true():  # noqa: ASYNC110  what is waited for sets no event
        await asyncio.sleep(0)


async def test_one_exchange(line: Line) -> None:
    """The request is written as given, the response is delivered, and the connection is fit for another."""
    answer = await line.start(b"body")
    assert await line.hear(len(HEAD) + 4) == HEAD + b"body"
    await line.say(OK)
    response = await answer
    assert (response.status, response.reason, response.complete) == (200, "OK", b"ok")
    assert line.released == [line.connection]
    assert line.connection.usable()


async def test_many_exchanges(line: Line) -> None:
    """One exchange after the other gets its own answer on the same connection."""
    for number in range(5):
        answer = await line.start(b"%d" % number)
        assert await line.hear(len(HEAD) + 1) == HEAD + b"%d" % number
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
        assert await (await answer).read() == b"%d" % number
    assert line.released == [line.connection] * 5


async def test_response_before_its_body(line: Line) -> None:
    """The head is delivered as soon as it is there, and the body as it comes."""
    answer = await line.start()
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
    response = await answer
    assert response.complete is None
    assert line.released == []
    await line.say(b"ab")
    assert await anext(response) == b"ab"
    await line.say(b"cd")
    assert await response.read() == b"cd"
    assert line.connection.usable()


async def test_interim_responses_are_skipped(line: Line) -> None:
    """100 and 103 are not the answer."""
    answer = await line.start()
    await line.say(b"HTTP/1.1 100 Continue\r\n\r\n")
    await line.hear(len(HEAD))
    await line.say(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK)
    response = await answer
    assert (response.status, response.complete) == (200, b"ok")
    assert line.connection.usable()


async def test_body_ended_by_the_connection(line: Line) -> None:
    """A body without framing is whole when the provider closes."""
    answer = await line.start()
    await line.say(b"HTTP/1.1 200 OK\r\n\r\nab")
    response = await answer
    assert response.complete is None
    line.provider.shutdown(socket.SHUT_WR)
    assert await response.read() == b"ab"
    assert line.connection.closing


async def test_head_request(line: Line) -> None:
    """The response to HEAD is whole with its head."""
    answer = await line.start(head_only=True)
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    assert (await answer).complete == b""
    assert line.connection.closing


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 2", id="part of a head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="interim response"),
    ],
)
async def test_connection_ends_before_the_head(line: Line, raw: bytes) -> None:
    """An end before the head is a broken exchange, and the request was written once."""
    answer = await line.start(b"body")
    await line.say(raw)
    line.provider.shutdown(socket.SHUT_WR)
    with pytest.raises(Broken):
        await answer
    assert await line.hear(1000) == HEAD + b"body"
    assert line.released == [line.connection]
    assert line.connection.closing


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"SSH-2.0-OpenSSH\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="101"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70000 + b"\r\n\r\n", id="oversize head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", id="two framings"),
    ],
)
async def test_garbage_instead_of_a_head(line: Line, raw: bytes) -> None:
    """Garbage is a broken exchange and the end of the connection."""
    answer = await line.start()
    with contextlib.suppress(ConnectionError):
        await line.say(raw)
    with pytest.raises(Broken):
        await answer
    assert line.connection.closing


@pytest.mark.parametrize(
    ("framing", "rest"),
    [
        pytest.param(b"Content-Length: 5\r\n", None, id="length cut short"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", None, id="chunks cut short"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", b"zz\r\n", id="garbage between chunks"),
    ],
)
async def test_body_cut_short(line: Line, framing: bytes, rest: bytes | None) -> None:
    """A body that does not come to its end breaks while it is read, not before."""
    answer = await line.start()
    await line.say(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")
    response = await answer
    if rest is None:
        line.provider.shutdown(socket.SHUT_WR)
    else:
        await line.say(rest)
    with pytest.raises(Broken):
        await response.read()
    assert line.connection.closing


async def test_head_and_garbage_in_one_packet(line: Line) -> None:
    """A readable head is delivered even if its body turns out to be garbage at once."""
    answer = await line.start()
    await line.say(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    response = await answer
    assert response.status == 202
    with pytest.raises(Broken):
        await response.read()


async def test_timeout_before_the_head(line: Line) -> None:
    """A provider that does not answer in time leaves the outcome unknown, and the connection ends."""
    answer = await line.start(b"body", seconds=0.01)
    with pytest.raises(TimedOut):
        await answer
    assert await line.hear(1000) == HEAD + b"body"
    assert line.connection.closing


async def test_timeout_within_the_body(line: Line) -> None:
    """The time counts until the body is whole."""
    answer = await line.start(seconds=0.2)
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
    with pytest.raises(TimedOut):
        await (await answer).read()
    assert line.connection.closing


async def test_time_of_an_exchange_ends_with_it(line: Line) -> None:
    """The deadline of one exchange does not strike the next on the same connection."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(0.2, passed.set)
    answer = await line.start(seconds=0.15)
    await line.say(OK)
    assert (await answer).complete == b"ok"
    second = await line.start()
    await passed.wait()
    assert not second.done()
    await line.say(OK)
    assert (await second).complete == b"ok"


async def test_cancelled(line: Line) -> None:
    """A caller that goes away takes the connection with it."""
    answer = await line.start(b"body")
    await line.hear(len(HEAD) + 4)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    assert await line.heard_end()
    assert line.released == [line.connection]


async def test_cancelled_after_the_answer_came(line: Line) -> None:
    """A caller that goes away at the moment of a whole answer does no harm to the connection."""
    answer = await line.start()
    await line.hear(len(HEAD))
    line.provider.send(OK)
    await settled(lambda: bool(line.released))
    answer.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await answer
    assert line.connection.usable()
    assert line.released == [line.connection]


async def test_response_given_up(line: Line) -> None:
    """Closing a response that is not whole ends the connection."""
    answer = await line.start()
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
    (await answer).close()
    assert await line.heard_end()
    assert line.released == [line.connection]


async def test_anything_that_comes_while_idle_ends_the_connection(line: Line) -> None:
    """What comes while no exchange runs is an answer to nobody, and nobody gets it."""
    for answer in (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", b"\r\n"):
        line.provider.send(answer)
        assert not line.connection.usable()  # even before the event loop has seen it
    await settled(lambda: line.connection.closing)
    assert line.released == []


async def test_closed_while_idle(line: Line) -> None:
    """A connection that the provider has closed is known to be unusable, even before the event loop has seen it."""
    assert line.connection.usable()
    line.provider.close()
    assert not line.connection.usable()
    await line.connection.lost
    assert not line.connection.usable()


async def test_more_than_the_answer(line: Line) -> None:
    """A second answer in the same packet does not change the first, and the connection ends."""
    answer = await line.start()
    await line.say(OK + b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    response = await answer
    assert (response.status, response.complete) == (200, b"ok")
    assert line.connection.closing
    assert line.released == [line.connection]


@pytest.mark.parametrize("field_", [b"Connection: close\r\n", b"Connection: Close, x\r\n"])
async def test_provider_says_close(line: Line, field_: bytes) -> None:
    """A provider that says close is taken at its word."""
    answer = await line.start()
    await line.say(b"HTTP/1.1 200 OK\r\n" + field_ + b"Content-Length: 0\r\n\r\n")
    assert (await answer).complete == b""
    assert line.connection.closing


@pytest.mark.parametrize(
    ("field_", "seconds"),
    [
        pytest.param(b"", KEPT_IDLE, id="nothing said"),
        pytest.param(b"Keep-Alive: timeout=5\r\n", 5 - IDLE_MARGIN, id="shorter"),
        pytest.param(b"Keep-Alive: timeout=500\r\n", KEPT_IDLE, id="longer"),
    ],
)
async def test_how_long_an_idle_connection_is_kept(line: Line, field_: bytes, seconds: float) -> None:
    """A connection is kept for a short while, and not as long as the provider keeps it."""
    loop = asyncio.get_running_loop()
    answer = await line.start()
    before = loop.time()
    await line.say(b"HTTP/1.1 200 OK\r\n" + field_ + b"Content-Length: 0\r\n\r\n")
    await answer
    assert before + seconds <= line.connection._idle_until <= loop.time() + seconds
    line.connection._idle_until = loop.time()
    assert not line.connection.usable()


async def test_provider_keeps_nothing(line: Line) -> None:
    """A connection that the provider keeps for no longer than the margin is not used again."""
    answer = await line.start()
    await line.say(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n")
    await answer
    assert not line.connection.usable()


async def test_slow_reader_pauses_the_provider(line: Line) -> None:
    """What a slow reader leaves unread is bounded, however much the provider sends, and nothing is lost."""
    size = 8 << 20
    answer = await line.start()
    saying = asyncio.create_task(line.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)))
    response = await answer
    await settled(lambda: not line.connection._transport.is_reading())
    assert response._held <= 2 * HIGH_WATER
    assert not saying.done()
    assert len(await response.read()) == size
    await saying
    assert line.connection.usable()


async def test_paused_connection_is_fit_again(line: Line) -> None:
    """A connection that paused in its last exchange listens again, so that an end while idle is seen."""
    answer = await line.start()
    body = bytes(HIGH_WATER + 1)
    saying = asyncio.create_task(line.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body))
    response = await answer
    await saying
    assert await response.read() == body
    assert line.connection._transport.is_reading()
    line.provider.close()
    await line.connection.lost


@pytest.mark.parametrize("size", [ONE_WRITE, ONE_WRITE + 1, 8 << 20])
async def test_large_request(line: Line, size: int) -> None:
    """A large body arrives whole, whether in one write or in many."""
    body = b"0123456789abcdef" * (size // 16) + b"x" * (size % 16)
    answer = await line.start(body)
    assert await line.hear(len(HEAD) + size) == HEAD + body
    await line.say(OK)
    assert (await answer).complete == b"ok"
    assert line.connection.usable()


class Pieces:
    """A body in pieces that counts how many were taken, and whether it was left; a stalling one never ends."""

    def __init__(self, count: int, piece: bytes, *, stalling: bool = False) -> None:
        self.count, self.piece, self.stalling = count, piece, stalling
        self.taken = 0
        self.left = asyncio.Event()

    async def flow(self) -> AsyncGenerator[bytes, None]:
        try:
            while self.taken < self.count:
                self.taken += 1
                yield self.piece
            if self.stalling:
                await asyncio.Event().wait()
        finally:
            self.left.set()


async def test_pieces_are_written_as_they_come(line: Line) -> None:
    """Pieces go onto the wire as they are, after the head."""
    answer = await line.start(Pieces(3, b"ab").flow())
    assert await line.hear(len(HEAD) + 6) == HEAD + b"ababab"
    await line.say(OK)
    assert (await answer).complete == b"ok"
    assert line.connection.usable()


async def test_slow_provider_pauses_the_body(line: Line) -> None:
    """A provider that does not read keeps the body from being taken, so that it does not pile up in the gate."""
    pieces = Pieces(256, bytes(1 << 16))
    answer = await line.start(pieces.flow())
    await settled(lambda: line.connection._writable is not None)
    taken = pieces.taken
    for _ in range(100):
        await asyncio.sleep(0)
    assert pieces.taken == taken < pieces.count
    assert await line.hear(len(HEAD) + (256 << 16)) == HEAD + bytes(256 << 16)
    await line.say(OK)
    assert (await answer).complete == b"ok"
    assert line.connection.usable()


async def test_early_answer(line: Line) -> None:
    """An answer before the request is written to its end is delivered; the rest is not written, the connection ends."""
    pieces = Pieces(1 << 30, bytes(1 << 16))
    answer = await line.start(pieces.flow())
    await line.hear(len(HEAD) + 1)
    await line.say(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
    response = await answer
    assert (response.status, await response.read()) == (413, b"no")
    await pieces.left.wait()
    assert await line.heard_end()
    assert line.released == [line.connection]


async def test_early_answer_to_a_stalling_body(line: Line) -> None:
    """An early answer does not wait for a body that has stalled, and the body is left at once."""
    pieces = Pieces(1, b"a", stalling=True)
    answer = await line.start(pieces.flow())
    await line.hear(len(HEAD) + 1)
    await line.say(OK)
    assert (await answer).complete == b"ok"
    await pieces.left.wait()
    assert line.connection.closing


async def test_connection_lost_under_a_stalling_body(line: Line) -> None:
    """A body that has stalled is left when its connection is lost."""
    pieces = Pieces(1, b"a", stalling=True)
    answer = await line.start(pieces.flow())
    await line.hear(len(HEAD) + 1)
    line.provider.close()
    with pytest.raises(Broken):
        await answer
    await pieces.left.wait()


async def test_early_answer_to_one_large_write(line: Line) -> None:
    """A connection with part of a request still unwritten is not used again."""
    line.connection._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    line.provider.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    answer = await line.start(bytes(ONE_WRITE))
    assert line.connection._transport.get_write_buffer_size() > 0
    await line.say(OK)
    response = await answer
    assert response.complete == b"ok"
    assert line.connection.closing


async def test_body_that_breaks_off(line: Line) -> None:
    """An exception of the body is the caller's, and the provider sees the request end too soon."""

    async def failing() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise LookupError("the sender went away")

    answer = await line.start(failing())
    with pytest.raises(LookupError):
        await answer
    assert await line.hear(1000) == HEAD + b"a"
    assert line.released == [line.connection]


async def test_body_that_is_cancelled(line: Line) -> None:
    """A body that cancels itself does not leave the exchange hanging."""

    async def cancelled() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise asyncio.CancelledError

    answer = await line.start(cancelled())
    with pytest.raises(Broken):
        await answer
    assert line.released == [line.connection]


async def test_connection_lost_while_writing(line: Line) -> None:
    """A provider that goes away in the middle of a request breaks the exchange and the body is left."""
    pieces = Pieces(1 << 30, bytes(1 << 16))
    answer = await line.start(pieces.flow())
    await line.hear(len(HEAD) + 1)
    line.provider.close()
    with pytest.raises(Broken):
        await answer
    await pieces.left.wait()
    assert line.released == [line.connection]


async def test_cancelled_while_writing(line: Line) -> None:
    """A caller that goes away in the middle of a request ends its body and the connection."""
    pieces = Pieces(1 << 30, bytes(1 << 16))
    answer = await line.start(pieces.flow())
    await line.hear(len(HEAD) + 1)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    await pieces.left.wait()
    assert await line.heard_end()
