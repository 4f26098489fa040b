from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import pytest
import trustme
import uvloop

from policy.model import Sent
from policy.reasons import Reason
from proxy.upstream import Broken, Busy, TimedOut, Unreachable, Unsendable, Upstream, UpstreamFailure

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SECRET = ((b"Authorization", b"Bearer hush"),)
SOON = 0.05  # for what is meant to run out


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def _asyncio_loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """Run every test on both event loops; pytest-asyncio asks this fixture of its own for the loop to use."""
    return cast("Callable[[], asyncio.AbstractEventLoop]", request.param)


pytestmark = pytest.mark.usefixtures("_asyncio_loop_factory")


@dataclass
class Visit:
    """One connection as the provider sees it."""

    provider: Provider
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def request(self) -> bytes:
        """Read one whole request and keep its raw bytes."""
        raw = await self.head()
        for line in raw.split(b"\r\n"):
            if line.startswith(b"Content-Length: "):
                raw += await self.reader.readexactly(int(line[16:]))
            elif line == b"Transfer-Encoding: chunked":
                raw += await self.reader.readuntil(b"0\r\n\r\n")
        self.provider.requests.append(raw)
        return raw

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the gate has ended the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(1 << 16):
                pass


Script = Callable[[Visit], Awaitable[None]]


@dataclass
class Provider:
    """A real server that keeps exactly what came, and answers by a script for each connection."""

    port: int = 0
    visits: list[Visit] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    troubles: list[BaseException] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def over(self, number: int) -> None:
        """Wait until the script of a connection has ended, for most: until the gate has ended the connection."""
        while len(self.visits) <= number:  # noqa: ASYNC110  a connection sets no event
            await asyncio.sleep(0)
        await self.visits[number].over.wait()


Serve = Callable[..., Awaitable[Provider]]
Reach = Callable[..., Upstream]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers, and stop them after the test."""
    providers: list[Provider] = []
    async with contextlib.AsyncExitStack() as stack:

        async def start(*scripts: Script, tls: ssl.SSLContext | None = None) -> Provider:
            provider = Provider()

            async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                visit = Visit(provider, reader, writer)
                provider.visits.append(visit)
                script = scripts[min(len(provider.visits), len(scripts)) - 1]
                try:
                    await script(visit)
                except (asyncio.IncompleteReadError, ConnectionError):
                    pass  # the gate ended the connection
                except Exception as trouble:  # noqa: BLE001  told below, asyncio would only log it
                    provider.troubles.append(trouble)
                finally:
                    writer.close()
                    visit.over.set()

            server = await asyncio.start_server(visited, "127.0.0.1", 0, ssl=tls)
            stack.push_async_callback(server.wait_closed)
            stack.callback(server.close)
            provider.port = server.sockets[0].getsockname()[1]
            providers.append(provider)
            return provider

        yield start
        for provider in providers:
            for visit in provider.visits:
                visit.writer.close()
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    await visit.writer.wait_closed()
            assert provider.troubles == []


@pytest.fixture
async def reach() -> AsyncIterator[Reach]:
    """Make upstreams, and close them after the test."""
    made: list[Upstream] = []

    def make(
        where: Provider | str,
        *,
        connect: float = 30,
        total: float = 60,
        limit: int = 100,
        tls: ssl.SSLContext | None = None,
    ) -> Upstream:
        url = where if isinstance(where, str) else where.url
        made.append(Upstream(url, connect_timeout=connect, total_timeout=total, limit=limit, tls=tls))
        return made[-1]

    yield make
    for upstream in made:
        await upstream.close()


async def answering(visit: Visit) -> None:
    """Answer every request with 200."""
    while True:
        await visit.request()
        await visit.say(OK)


async def echoing(visit: Visit) -> None:
    """Answer every request with what it said."""
    while True:
        raw = await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(raw), raw))


async def silent(visit: Visit) -> None:
    """Read a request and never answer."""
    await visit.request()
    await visit.gone()


def saying(*answers: bytes) -> Script:
    """Answer each request with the next answer, then wait for the gate to go."""

    async def script(visit: Visit) -> None:
        for answer in answers:
            await visit.request()
            await visit.say(answer)
        await visit.gone()

    return script


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


# What goes out


async def test_request_is_byte_exact(serve: Serve, reach: Reach) -> None:
    """On the wire stands the request that was given, with Host and a length, and nothing else."""
    provider = await serve(answering)
    headers = ((b"x-Twice", b"1"), (b"Accept", b"*/*"), (b"X-twice", b"\xff2"), (b"Cookie", b"a=b"))
    response = await reach(provider).forward("POST", "/v3//%3A%41/%2f/../x?x=%21&&y=a+b", headers, b'{"a": 1}\xff')
    assert (response.status, response.reason, await response.read()) == (200, "OK", b"ok")
    assert provider.requests == [
        b"POST /v3//%3A%41/%2f/../x?x=%21&&y=a+b HTTP/1.1\r\n"
        b"Host: 127.0.0.1:" + str(provider.port).encode() + b"\r\n"
        b"x-Twice: 1\r\nAccept: */*\r\nX-twice: \xff2\r\nCookie: a=b\r\n"
        b'Content-Length: 9\r\n\r\n{"a": 1}\xff'
    ]


@pytest.mark.parametrize(
    ("method", "body", "line"),
    [
        pytest.param("GET", b"", b"", id="GET has no length"),
        pytest.param("DELETE", b"", b"", id="DELETE has no length"),
        pytest.param("POST", b"", b"Content-Length: 0\r\n", id="empty POST"),
        pytest.param("PUT", b"", b"Content-Length: 0\r\n", id="empty PUT"),
        pytest.param("PATCH", b"", b"Content-Length: 0\r\n", id="empty PATCH"),
        pytest.param("DELETE", b"x", b"Content-Length: 1\r\n", id="DELETE with a body"),
    ],
)
async def test_framing(serve: Serve, reach: Reach, method: str, body: bytes, line: bytes) -> None:
    """A length is told where there is a body, or where one is due."""
    provider = await serve(answering)
    await reach(provider).forward(method, "/", (), body)
    host = b"Host: 127.0.0.1:%d\r\n" % provider.port
    assert provider.requests == [method.encode() + b" / HTTP/1.1\r\n" + host + line + b"\r\n" + body]


async def test_pieces_are_sent_chunked(serve: Serve, reach: Reach) -> None:
    """A body in pieces goes out chunked, and an empty piece does not end it."""
    provider = await serve(answering)
    response = await reach(provider).forward("POST", "/", (), pieces(b"a" * 16, b"", b"bc"))
    assert await response.read() == b"ok"
    assert provider.requests[0].endswith(
        b"\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + b"a" * 16 + b"\r\n2\r\nbc\r\n0\r\n\r\n"
    )


async def test_large_body(serve: Serve, reach: Reach) -> None:
    """A large body arrives byte for byte, and the connection is used again."""
    provider = await serve(answering)
    upstream = reach(provider)
    body = bytes(range(256)) * 8192
    for _ in range(2):
        assert await (await upstream.forward("POST", "/", (), body)).read() == b"ok"
    assert [raw.partition(b"\r\n\r\n")[2] == body for raw in provider.requests] == [True, True]
    assert len(provider.visits) == 1


@pytest.mark.parametrize(
    ("path", "target"), [("", "/x"), ("/", "/x"), ("/base", "/base/x"), ("/base/%2F/", "/base/%2F/x")]
)
async def test_base_path(serve: Serve, reach: Reach, path: str, target: str) -> None:
    """The base path of the URL stands in front of the target."""
    provider = await serve(answering)
    await reach(provider.url + path).forward("GET", "/x", ())
    assert provider.requests[0].startswith(b"GET " + target.encode() + b" HTTP/1.1\r\n")


async def test_nothing_is_remembered(serve: Serve, reach: Reach) -> None:
    """A cookie of one answer is in no later request, and a redirect is an answer like any other."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nSet-Cookie: id=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    provider = await serve(saying(moved, OK))
    upstream = reach(provider)
    first = await upstream.forward("GET", "/", ())
    second = await upstream.forward("GET", "/", ())
    assert (first.status, second.status) == (302, 200)
    assert len(provider.requests) == 2
    assert provider.requests[0] == provider.requests[1]


async def test_unsendable(serve: Serve, reach: Reach) -> None:
    """What cannot be written as one request is refused before there is a connection."""
    provider = await serve(answering)
    upstream = reach(provider, limit=1)
    for target, headers in (("/\r\nX: y", ()), ("/", ((b"X", b"a\r\nY: z"),)), ("/", ((b"Host", b"x"),))):
        with pytest.raises(Unsendable):
            await upstream.forward("GET", target, headers)
    assert provider.visits == []
    assert (await upstream.forward("GET", "/", ())).status == 200


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Example.com", "example.com"),
        ("http://example.com:80/x", "example.com"),
        ("http://example.com:443", "example.com:443"),
        ("https://example.com:443", "example.com"),
        ("https://example.com:8443", "example.com:8443"),
        ("http://[::1]:9000", "[::1]:9000"),
    ],
)
async def test_host(reach: Reach, url: str, host: str) -> None:
    """Host is the URL's, with a port only where it is not the scheme's own."""
    assert reach(url)._host == host.encode()


@pytest.mark.parametrize(
    "url",
    [
        "api.example.com",
        "ftp://example.com",
        "http://",
        "http://user:pass@example.com",
        "http://example.com?x=1",
        "http://example.com/#x",
        "http://example.com/a b",
        "http://example.com/ü",
        "http://exämple.com",
        "http://example.com:port",
        "http://example.com:70000",
    ],
)
async def test_urls_that_are_refused(reach: Reach, url: str) -> None:
    """A URL that says more or less than where to send is refused, and its credential not repeated."""
    with pytest.raises(ValueError, match=r".") as raised:
        reach(url)
    assert "pass" not in str(raised.value)


# What comes back


async def test_headers_come_as_they_are(serve: Serve, reach: Reach) -> None:
    """Status, phrase and headers are the provider's, repeated headers repeated."""
    provider = await serve(
        saying(b"HTTP/1.1 418 I'm\r\nset-Cookie: a\r\nSet-cookie: \xff\r\nContent-Length: 0\r\n\r\n")
    )
    response = await reach(provider).forward("GET", "/", ())
    assert (response.status, response.reason, response.complete) == (418, "I'm", b"")
    assert response.headers == ((b"set-Cookie", b"a"), (b"Set-cookie", b"\xff"), (b"Content-Length", b"0"))


@pytest.mark.parametrize(
    ("method", "raw", "status", "body"),
    [
        pytest.param("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, b"", id="HEAD"),
        pytest.param("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", id="204"),
        pytest.param("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b"", id="304"),
        pytest.param(
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nX: y\r\n\r\n",
            200,
            b"ab",
            id="chunked",
        ),
        pytest.param(
            "POST", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" + OK, 200, b"ok", id="1xx"
        ),
        pytest.param(
            "GET",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
            200,
            b"\x1f\x8b",
            id="never decompressed",
        ),
    ],
)
async def test_bodies(serve: Serve, reach: Reach, method: str, raw: bytes, status: int, body: bytes) -> None:
    """The body is what the framing says, and the send after it gets its own answer."""
    provider = await serve(saying(raw, OK), saying(OK))
    upstream = reach(provider)
    response = await upstream.forward(method, "/", ())
    assert (response.status, await response.read()) == (status, body)
    assert await (await upstream.forward("GET", "/", ())).read() == b"ok"


async def test_body_ended_by_closing(serve: Serve, reach: Reach) -> None:
    """A body without framing ends with the connection."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\n\r\nabc")

    response = await reach(await serve(script)).forward("GET", "/", ())
    assert await response.read() == b"abc"


async def test_huge_body(serve: Serve, reach: Reach) -> None:
    """A body larger than what the gate holds is streamed whole, and the connection is used again."""
    piece, count = bytes(range(256)) * 256, 300

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(piece) * count))
        for _ in range(count):
            await visit.say(piece)
        await answering(visit)

    provider = await serve(script)
    upstream = reach(provider)
    response = await upstream.forward("GET", "/", ())
    got = bytearray()
    async for chunk in response:
        got += chunk
    assert got == piece * count
    assert (await upstream.forward("GET", "/", ())).status == 200
    assert len(provider.visits) == 1


async def test_early_answer(serve: Serve, reach: Reach) -> None:
    """An answer to a request that is still being written is delivered, and its connection not used again."""

    async def script(visit: Visit) -> None:
        await visit.head()
        await visit.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        await visit.gone()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 16)

    provider = await serve(script, answering)
    upstream = reach(provider, limit=1)
    response = await upstream.forward("POST", "/", (), endless())
    assert (response.status, await response.read()) == (413, b"no")
    assert (await upstream.forward("GET", "/", ())).status == 200
    assert len(provider.visits) == 2


# Connections that are kept


async def test_connection_is_used_again(serve: Serve, reach: Reach) -> None:
    """One send after the other goes over the same connection."""
    provider = await serve(echoing)
    upstream = reach(provider)
    for number in range(5):
        response = await upstream.forward("POST", f"/{number}", (), b"%d" % number)
        assert (await response.read()).startswith(b"POST /%d " % number)
    assert len(provider.visits) == 1


async def test_each_send_gets_its_own_answer(serve: Serve, reach: Reach) -> None:
    """Many sends at once over few connections, and nobody gets another's answer."""
    provider = await serve(echoing)
    upstream = reach(provider, limit=3)

    async def send(number: int) -> bool:
        response = await upstream.forward("POST", f"/{number}", (), b"%d" % number)
        return (await response.read()).startswith(b"POST /%d " % number)

    assert all(await asyncio.gather(*(send(number) for number in range(60))))
    assert len(provider.visits) <= 3
    assert len(provider.requests) == 60


async def test_unsolicited_answer(serve: Serve, reach: Reach) -> None:
    """A late answer on an idle connection reaches nobody: the next send has a new connection and its own answer."""
    said = asyncio.Event()

    async def late(visit: Visit) -> None:
        await visit.request()
        await visit.say(OK)
        await visit.reader.read(0)
        await visit.say(b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nlate")
        said.set()
        await visit.gone()

    provider = await serve(late, saying(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nown"))
    upstream = reach(provider)
    assert (await upstream.forward("POST", "/1", (), b"a")).status == 200
    await said.wait()
    response = await upstream.forward("POST", "/2", (), b"b")
    assert (response.status, await response.read()) == (400, b"own")
    assert [raw[:7] for raw in provider.requests] == [b"POST /1", b"POST /2"]
    assert len(provider.visits) == 2


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_closed_while_idle(serve: Serve, reach: Reach, method: str) -> None:
    """A send after the provider closed its idle connection arrives on a new one, exactly once."""
    closed = asyncio.Event()

    async def closing(visit: Visit) -> None:
        await visit.request()
        await visit.say(OK)
        visit.writer.close()
        await visit.writer.wait_closed()
        closed.set()

    provider = await serve(closing, answering)
    upstream = reach(provider)
    await upstream.forward("GET", "/first", ())
    await closed.wait()
    response = await upstream.forward(method, "/second", (), b"body")
    assert await response.read() == b"ok"
    assert [b" /second " in raw for raw in provider.requests] == [False, True]


async def test_cold_connections_are_closed(serve: Serve, reach: Reach) -> None:
    """A connection that was idle for its time is closed by the gate without anybody asking."""
    provider = await serve(saying(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n"))
    upstream = reach(provider)
    await upstream.forward("GET", "/", ())
    assert upstream._sweeper is not None
    upstream._sweep()
    await provider.over(0)
    assert upstream._sweeper is None


async def test_warm_connections_are_kept(serve: Serve, reach: Reach) -> None:
    """Looking for cold connections does not touch the warm ones, and goes on."""
    provider = await serve(answering)
    upstream = reach(provider)
    await upstream.forward("GET", "/", ())
    upstream._sweep()
    assert upstream._sweeper is not None
    await upstream.forward("GET", "/", ())
    assert len(provider.visits) == 1


async def test_response_not_read(serve: Serve, reach: Reach) -> None:
    """A response that is closed before its end takes its connection with it, and frees its slot."""
    provider = await serve(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"), answering)
    upstream = reach(provider, limit=1)
    (await upstream.forward("GET", "/", ())).close()
    assert not upstream._idle
    await provider.over(0)
    assert (await upstream.forward("GET", "/", ())).status == 200
    assert len(provider.visits) == 2


async def test_closing(serve: Serve, reach: Reach) -> None:
    """Closing ends idle connections, lets running exchanges finish, and keeps nothing afterwards."""
    go_on = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await go_on.wait()
        await visit.say(b"cd")
        await visit.gone()

    provider = await serve(slow, saying(OK), saying(OK))
    upstream = reach(provider)
    running = await upstream.forward("GET", "/slow", ())
    await upstream.forward("GET", "/idle", ())
    await upstream.close()
    await provider.over(1)
    go_on.set()
    assert await running.read() == b"abcd"
    await provider.over(0)
    assert (await upstream.forward("GET", "/late", ())).complete == b"ok"
    await provider.over(2)


# What goes wrong before anything is sent


@pytest.fixture
def refused() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


async def test_refused(reach: Reach, refused: str) -> None:
    """A port where nobody listens is unreachable, every time."""
    upstream = reach(refused, limit=1)
    for _ in range(2):
        with pytest.raises(Unreachable):
            await upstream.forward("POST", "/", SECRET, b"body")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 64 + ".example"])
async def test_unresolvable(reach: Reach, host: str) -> None:
    """A host that has no address is unreachable."""
    with pytest.raises(Unreachable):
        await reach(f"http://{host}").forward("POST", "/", (), b"body")


async def test_provider_speaks_first(serve: Serve, reach: Reach) -> None:
    """Nobody's answer is taken from a provider that speaks before it is asked."""

    async def script(visit: Visit) -> None:
        await visit.say(OK)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await visit.request()

    provider = await serve(script)
    upstream = reach(provider)
    with contextlib.suppress(Unreachable):  # or the request was quicker, and this is its answer
        await upstream.forward("POST", "/", (), b"body")
    assert len(provider.requests) <= 1


async def test_limit(serve: Serve, reach: Reach) -> None:
    """With every connection in use a send waits for a while, then it is told that the gate is busy."""
    provider = await serve(silent, answering)
    upstream = reach(provider, limit=1, connect=SOON)
    hanging = asyncio.create_task(upstream.forward("POST", "/1", (), b"a"))
    await asyncio.sleep(0)
    for _ in range(2):
        with pytest.raises(Busy):
            await upstream.forward("POST", "/2", (), b"b")
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert (await upstream.forward("POST", "/3", (), b"c")).status == 200
    assert [b" /2 " in raw for raw in provider.requests] == [False] * len(provider.requests)


async def test_cancelled_in_line(serve: Serve, reach: Reach) -> None:
    """A send that is cancelled while it waits in line costs nobody a slot."""
    provider = await serve(answering)
    upstream = reach(provider, limit=1)
    running = asyncio.create_task(upstream.forward("GET", "/1", ()))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(upstream.forward("GET", "/2", ())) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    assert (await running).status == 200
    waiting[1].cancel()
    await asyncio.wait(waiting)
    assert [task.cancelled() for task in waiting] == [True, True, False]
    assert (await waiting[2]).status == 200
    assert upstream._taken == 0


async def test_slot_handed_to_one_who_goes_away(serve: Serve, reach: Reach) -> None:
    """A slot that is handed over at the moment its taker gives up goes to the next in line, or back."""
    upstream = reach(await serve(answering), limit=1)
    upstream._taken = 1
    first, second = (asyncio.create_task(upstream.forward("GET", "/", ())) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()  # and only then the slot becomes free: the second gets it
    upstream._free_slot()
    assert (await second).status == 200
    assert upstream._taken == 0
    upstream._taken = 1
    third = asyncio.create_task(upstream.forward("GET", "/", ()))
    await asyncio.sleep(0)
    upstream._free_slot()  # handed to the third, who does not want it any more
    third.cancel()
    await asyncio.wait([first, third])
    assert third.cancelled()
    assert upstream._taken == 0


async def test_connecting_takes_too_long(serve: Serve, reach: Reach) -> None:
    """A provider that accepts a connection but never gets through TLS is unreachable."""

    async def mute(visit: Visit) -> None:
        await visit.gone()

    provider = await serve(mute)
    with pytest.raises(Unreachable):
        await reach(provider.url.replace("http:", "https:"), connect=SOON).forward("POST", "/", (), b"body")


async def test_cancelled_while_connecting(serve: Serve, reach: Reach) -> None:
    """A send that is cancelled while its connection is opened leaves neither slot nor connection behind."""

    async def mute(visit: Visit) -> None:
        hello.set()
        await visit.gone()

    hello = asyncio.Event()
    provider = await serve(mute)
    upstream = reach(provider.url.replace("http:", "https:"))
    sending = asyncio.create_task(upstream.forward("POST", "/", (), b"body"))
    await hello.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await provider.over(0)
    assert upstream._taken == 0


# What goes wrong afterwards


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
async def test_never_twice(serve: Serve, reach: Reach, method: str, *, reset: bool, kept: bool) -> None:
    """A connection that ends right after the request leaves the outcome unknown; the provider saw it exactly once."""

    async def script(visit: Visit) -> None:
        if kept:
            await visit.request()
            await visit.say(OK)
        await visit.request()
        if reset:
            sock = visit.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            visit.writer.transport.abort()

    provider = await serve(script, answering)
    upstream = reach(provider)
    if kept:
        await upstream.forward("GET", "/first", ())
    with pytest.raises(Broken):
        await upstream.forward(method, "/send", (), b"body")
    assert [b" /send " in raw for raw in provider.requests].count(True) == 1
    assert len(provider.visits) == 1


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"garbage\r\n\r\n", id="garbage"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", id="101"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70000 + b"\r\n\r\n", id="oversize head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", id="smuggling"),
        pytest.param(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="another version"),
    ],
)
async def test_garbage(serve: Serve, reach: Reach, raw: bytes) -> None:
    """An answer that cannot be read leaves the outcome unknown; the provider saw the request once."""
    provider = await serve(saying(raw), answering)
    upstream = reach(provider, limit=1)
    with pytest.raises(Broken):
        await upstream.forward("POST", "/send", (), b"body")
    assert len(provider.requests) == 1
    assert (await upstream.forward("POST", "/next", (), b"body")).status == 200


async def test_body_cut_short(serve: Serve, reach: Reach) -> None:
    """A body that breaks off behind a good head is told while reading."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")

    response = await reach(await serve(script)).forward("GET", "/", ())
    with pytest.raises(Broken):
        await response.read()


async def test_no_answer_in_time(serve: Serve, reach: Reach) -> None:
    """A provider that is too slow leaves the outcome unknown, and the connection ends."""
    provider = await serve(silent)
    with pytest.raises(TimedOut):
        await reach(provider, total=0.2).forward("POST", "/", (), b"body")
    await provider.over(0)
    assert len(provider.requests) <= 1


async def test_no_end_in_time(serve: Serve, reach: Reach) -> None:
    """The total timeout counts for the body as well."""
    provider = await serve(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"))
    with pytest.raises(TimedOut):
        await (await reach(provider, total=0.2).forward("GET", "/", ())).read()


async def test_cancelled(serve: Serve, reach: Reach) -> None:
    """A send whose caller goes away ends its connection and frees its slot."""
    arrived = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        arrived.set()
        await visit.gone()

    provider = await serve(script, answering)
    upstream = reach(provider, limit=1)
    sending = asyncio.create_task(upstream.forward("POST", "/", (), b"body"))
    await arrived.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await provider.over(0)
    assert (await upstream.forward("GET", "/", ())).status == 200
    assert len(provider.requests) == 2


async def test_body_that_breaks_off(serve: Serve, reach: Reach) -> None:
    """If the sender's body breaks off, its exception comes through and the provider never sees an end."""
    heard = bytearray()

    async def script(visit: Visit) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await visit.reader.read(1 << 16):
                heard.extend(piece)

    async def failing() -> AsyncIterator[bytes]:
        yield b"half"
        raise LookupError("the sender went away")

    provider = await serve(script)
    with pytest.raises(LookupError):
        await reach(provider).forward("POST", "/", (), failing())
    await provider.over(0)
    assert not heard.endswith(b"0\r\n\r\n")


async def test_body_is_left(serve: Serve, reach: Reach) -> None:
    """A body of which no more is wanted is closed at once, not when it is collected."""
    left = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1 << 16)
        finally:
            left.set()

    async def script(visit: Visit) -> None:
        await visit.head()

    body = endless()
    with pytest.raises(Broken):
        await reach(await serve(script)).forward("POST", "/", (), body)
    await left.wait()


@pytest.mark.parametrize(
    ("failure", "reason", "sent"),
    [
        (Busy, Reason.UPSTREAM_BUSY, Sent.NO),
        (Unreachable, Reason.UPSTREAM_UNREACHABLE, Sent.NO),
        (TimedOut, Reason.UPSTREAM_TIMEOUT, Sent.UNKNOWN),
        (Broken, Reason.UPSTREAM_TIMEOUT, Sent.UNKNOWN),
    ],
)
def test_what_a_failure_says(failure: type[UpstreamFailure], reason: Reason, sent: Sent) -> None:
    """Each failure knows the reason for the record, and whether the send may have gone out."""
    assert (failure.reason, failure.sent) == (reason, sent)


async def test_failures_tell_no_secret(serve: Serve, reach: Reach, refused: str) -> None:
    """No text of a failure holds a header, a query, a body or what the provider said."""
    provider = await serve(saying(b"HTTP/1.1 200 hush\r\nX : hush\r\n\r\n"), saying(b"hush\r\n"))
    broken, late = reach(provider), reach(await serve(silent), total=0.2)
    texts = []
    for upstream in (broken, broken, late, reach(refused)):
        with pytest.raises(UpstreamFailure) as raised:
            await upstream.forward("POST", "/?key=hush", SECRET, b"hush")
        texts.append(str(raised.value))
    assert not [text for text in texts if "hush" in text or not text]


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_tls(serve: Serve, reach: Reach, authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    """Over TLS all is as without: byte for byte, and the connection is used again."""
    provider = await serve(echoing, tls=certified(authority, "localhost"))
    upstream = reach(f"https://localhost:{provider.port}/base", tls=trusting)
    for body in (b"small", bytes(1 << 20)):
        response = await upstream.forward("POST", "/x", SECRET, body)
        assert (await response.read()).endswith(b"\r\n\r\n" + body)
    assert provider.requests[0] == (
        b"POST /base/x HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer hush\r\n"
        b"Content-Length: 5\r\n\r\nsmall" % provider.port
    )
    assert len(provider.visits) == 1


async def test_tls_with_an_unknown_authority(serve: Serve, reach: Reach, authority: trustme.CA) -> None:
    """A certificate that nobody trusts is not sent to: the default verifies."""
    provider = await serve(answering, tls=certified(authority, "localhost"))
    with pytest.raises(Unreachable):
        await reach(f"https://localhost:{provider.port}").forward("POST", "/", SECRET, b"body")
    assert provider.requests == []


@pytest.mark.parametrize(("name", "host"), [("elsewhere.example", "localhost"), ("localhost", "127.0.0.1")])
async def test_tls_with_another_name(
    serve: Serve, reach: Reach, authority: trustme.CA, trusting: ssl.SSLContext, name: str, host: str
) -> None:
    """A certificate for another host is not sent to."""
    provider = await serve(answering, tls=certified(authority, name))
    with pytest.raises(Unreachable):
        await reach(f"https://{host}:{provider.port}", tls=trusting).forward("POST", "/", SECRET, b"body")
    assert provider.requests == []


async def test_tls_to_a_port_without(serve: Serve, reach: Reach) -> None:
    """A provider that speaks no TLS is not sent to."""

    async def plain(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await visit.gone()

    provider = await serve(plain)
    with pytest.raises(Unreachable):
        await reach(provider.url.replace("http:", "https:")).forward("POST", "/", SECRET, b"body")
