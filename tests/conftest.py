"""What the tests of the doors stand on: a whole gate, an upstream that keeps every byte, and plain words for both.

Nothing here knows HTTP better than its bytes. A request is written and an answer is read as it stands on the wire, so
that a test can send what no client would and see what no client shows. A test that names an address, sends and looks
at what came out reads as a transcript:

    await gate.tell("Blacklisted", email="a@example.com")
    answer = await gate.mail("a@example.com")
    assert (answer.status, len(upstream.heard)) == (400, 0)
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import structlog
import yaml
from hypothesis import settings as examples
from yarl import URL

from policy import Policy
from proxy.app import App
from proxy.loading import load
from tests import documented

# A change is judged by the same examples each time, or it would be refused for what another one broke; `make search`
# asks new ones. None is timed: the first number of a country loads that country's tables, and the machine is shared.
examples.register_profile("fixed", derandomize=True, deadline=None)
examples.register_profile("search", deadline=None, print_blob=True)
examples.load_profile("fixed")

MAIL = "/v3/mail/send"
ACCOUNT = "AC00000000000000000000000000000001"
TEXT = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")

Pair = tuple[str, str]


# ── messages as they stand on the wire ──


@dataclass(frozen=True)
class Message:
    """One request or answer: its first line, its headers as they came, and its body without the framing."""

    line: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def status(self) -> int:
        """Give the status of an answer."""
        return int(self.line.split(" ")[1])

    @property
    def target(self) -> str:
        """Give the raw target of a request."""
        return self.line.split(" ")[1]

    @property
    def json(self) -> Any:
        """Give the body as JSON."""
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Give every value of a header."""
        return [value.decode("latin-1") for key, value in self.headers if key.decode().lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """Give the only value of a header, or None."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


async def hear(reader: asyncio.StreamReader, *, answer_to: str = "") -> Message:
    """Read one message; `answer_to` is the method that was asked with, nothing for a request."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(b":") for line in lines))
    message = Message(first.decode("latin-1"), headers, b"")
    bodiless = answer_to == "HEAD" or (answer_to and message.status in (204, 304))
    if bodiless or (answer_to and message.status < 200):
        return message
    return Message(message.line, headers, await _body(reader, message, to_the_end=bool(answer_to)))


async def _body(reader: asyncio.StreamReader, message: Message, *, to_the_end: bool) -> bytes:
    if message.get("Transfer-Encoding") == "chunked":
        return b"".join([chunk async for chunk in _chunks(reader)])
    length = message.get("Content-Length")
    if length is not None:
        return await reader.readexactly(int(length))
    return await reader.read() if to_the_end else b""


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)


def request(method: str, target: str, headers: Iterable[Pair] = (), body: bytes | None = None) -> bytes:
    """Write a request with its length; a Host stands in it unless one is given."""
    given = [(name, value) for name, value in headers if value is not None]
    lines = [] if any(name.lower() == "host" for name, _ in given) else [("Host", "gate.test")]
    lines += given
    if body is not None:
        lines.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (body or b"")


def reply(status: int, body: bytes = b"", *headers: Pair) -> bytes:
    """Write an answer with its length."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} As told\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


ACCEPTED = reply(202, b"", ("X-Message-Id", "upstream-1"))


@dataclass
class Line:
    """One open connection to a door."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        """Write some bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, to: str = "POST") -> Message:
        """Read one answer."""
        return await hear(self.reader, answer_to=to)

    async def close(self) -> None:
        """End the connection."""
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def connected(host: str, port: int) -> AsyncIterator[Line]:
    """Open a connection for a block."""
    line = Line(*await asyncio.open_connection(host, port, limit=1 << 26))
    try:
        yield line
    finally:
        await line.close()


async def until(true: Callable[[], bool]) -> None:
    """Let time pass until something has come about; pytest's own timeout tells if it never does."""
    while not true():  # noqa: ASYNC110  what is waited for sets no event
        await asyncio.sleep(0.005)


# ── the provider at the other end ──

Reaction = Callable[[Message, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Upstream:
    """A provider that keeps every request and answers as it is told: `script` first, then always `answer`.

    An answer is bytes to be written as they are, or a function that does with the connection what it likes.
    """

    heard: list[Message] = field(default_factory=list)
    script: deque[bytes | Reaction] = field(default_factory=deque)
    answer: bytes | Reaction = ACCEPTED
    url: str = ""
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                await self._react(await hear(reader), writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _react(self, message: Message, writer: asyncio.StreamWriter) -> None:
        self.heard.append(message)
        async with self._came:
            self._came.notify_all()
        reaction = self.script.popleft() if self.script else self.answer
        if isinstance(reaction, bytes):
            writer.write(reaction)
            await writer.drain()
        else:
            await reaction(message, writer)

    async def came(self, count: int = 1) -> Message:
        """Wait until so many requests came, and give the last of them."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.heard) >= count)
        return self.heard[count - 1]

    async def end(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def breaks_off(after: bytes = b"") -> Reaction:
    """Answer with some bytes, perhaps none, and cut the connection."""

    async def react(_: Message, writer: asyncio.StreamWriter) -> None:
        writer.write(after)
        await writer.drain()
        writer.transport.close()

    return react


def waits_for(event: asyncio.Event, then: bytes = ACCEPTED) -> Reaction:
    """Answer only when told to."""

    async def react(_: Message, writer: asyncio.StreamWriter) -> None:
        await event.wait()
        writer.write(then)
        await writer.drain()

    return react


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """Give a provider on a port of its own."""
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, limit=1 << 26)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield upstream
    server.close()
    await upstream.end()
    await server.wait_closed()


# ── the gate ──


def mail_body(*to: str, **fields: Any) -> bytes:
    """Write a SendGrid send with a personalization for each address."""
    people = [{"to": [{"email": address}]} for address in to]
    content = [{"type": "text/plain", "value": "Hello"}]
    send = {"personalizations": people, "from": {"email": "shop@example.com"}, "subject": "Hi", "content": content}
    return json.dumps({**send, **fields}).encode()


def text_body(to: str, **fields: str) -> bytes:
    """Write a Twilio send."""
    return urlencode({"To": to, "From": "+15005550006", "Body": "Hello", **fields}).encode()


@dataclass
class Words:
    """What can be said to a running gate, wherever it runs: `addresses` are its doors by name."""

    addresses: Mapping[str, tuple[str, int]]
    session: aiohttp.ClientSession

    def connect(self, door: str = "proxy") -> contextlib.AbstractAsyncContextManager[Line]:
        """Open a connection to a door."""
        return connected(*self.addresses[door])

    def url(self, door: str = "proxy") -> str:
        """Give the base URL of a door."""
        host, port = self.addresses[door]
        return f"http://{host}:{port}"

    async def ask(self, raw: bytes, door: str = "proxy") -> Message:
        """Send bytes on a connection of their own and read one answer."""
        async with self.connect(door) as line:
            await line.say(raw)
            return await line.answer(raw.partition(b" ")[0].decode("latin-1") or "POST")

    async def post(self, target: str, body: bytes, *headers: Pair, door: str = "proxy") -> Message:
        """Send a POST."""
        return await self.ask(request("POST", target, headers, body), door)

    async def mail(self, *to: str, route: str = "mail", headers: Iterable[Pair] = (), **fields: Any) -> Message:
        """Send an e-mail with a personalization for each address."""
        return await self.post(f"/{route}{MAIL}", mail_body(*to, **fields), JSON, *headers)

    async def text(self, to: str, *, route: str = "text", headers: Iterable[Pair] = (), **fields: str) -> Message:
        """Send a text message."""
        return await self.post(f"/{route}{TEXT}", text_body(to, **fields), FORM, *headers)

    async def api(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, door: str = "api"
    ) -> Message:
        """Ask the API; the path is sent as it is written, a body as JSON unless it is bytes."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {**({"Content-Type": "application/json"} if data is not None else {}), **(headers or {})}
        url = URL(self.url(door) + path, encoded=True)
        async with self.session.request(method, url, data=data, headers=given) as response:
            answer = Message(f"HTTP/1.1 {response.status} -", response.raw_headers, await response.read())
        if door == "api":
            documented.check(method, path, response.status, response.headers, answer.body)
        return answer

    async def tell(self, word: str, channel: str | None = None, **subject: str) -> None:
        """Tell one event about somebody, acknowledged."""
        properties = {} if channel is None else {"channel.type": channel}
        event = {"event": word, "properties": properties}
        answer = await self.api("POST", "/events", {**subject, "events": [event]})
        assert (answer.status, answer.body) == (202, b"")

    async def user(self, external_id: str, **traits: Any) -> None:
        """Write a user's profile."""
        assert (await self.api("PUT", f"/users/{external_id}", traits)).status == 200

    async def records(self, **query: str) -> list[dict[str, Any]]:
        """Give the dispatch failed records that fit a filter, newest first."""
        answer = await self.api("GET", f"/dispatch-failed?{urlencode(query)}")
        assert answer.status == 200
        items: list[dict[str, Any]] = answer.json["items"]
        return items

    async def reasons(self, **query: str) -> list[str]:
        """Give the reasons of the records that fit a filter, newest first."""
        return [record["reason"] for record in await self.records(**query)]


@dataclass
class RunningGate(Words):
    """A gate in this process."""

    app: App

    def metric(self, name: str, **labels: str) -> float:
        """Sum up the samples of a metric that have these labels."""
        samples = (sample for metric in self.app.metrics.registry.collect() for sample in metric.samples)
        fitting = [s for s in samples if s.name == name and labels.items() <= s.labels.items()]
        assert fitting, f"no sample {name} {labels}"
        return sum(sample.value for sample in fitting)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay changes over a tree of sections; None takes a key away."""
    tree = dict(base)
    for key, value in changes.items():
        below = tree.get(key)
        tree[key] = merged(below if isinstance(below, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return {key: value for key, value in tree.items() if value is not None}


@dataclass
class Settings:
    """A config.yaml in a folder of its own: four free ports, four routes, nothing else said."""

    folder: Path
    upstream: str

    @property
    def path(self) -> Path:
        """Say where the file is."""
        return self.folder / "config.yaml"

    @property
    def store(self) -> Path:
        """Say where the store is."""
        return self.folder / "data" / "sendgate.db"

    def tree(self, **changes: Any) -> dict[str, Any]:
        """Give the tree of the file with changes."""
        base = {
            "listen": dict.fromkeys(("proxy", "api", "public", "ops"), "127.0.0.1:0"),
            "store": {"path": str(self.store)},
            "routes": {
                "mail": {"provider": "sendgrid", "upstream": self.upstream},
                "text": {"provider": "twilio", "upstream": self.upstream},
                "sandbox": {"provider": "sendgrid", "upstream": "sandbox"},
                "sms-sandbox": {"provider": "twilio", "upstream": "sandbox"},
            },
        }
        return merged(base, changes)

    def text(self, **changes: Any) -> str:
        """Give the text of the file with changes."""
        return yaml.safe_dump(self.tree(**changes), allow_unicode=True)

    def write(self, **changes: Any) -> Path:
        """Write the file with changes."""
        self.path.write_text(self.text(**changes))
        return self.path


@pytest.fixture
def settings(tmp_path: Path, upstream: Upstream) -> Settings:
    """Give the configuration that the tests change."""
    return Settings(tmp_path, upstream.url)


OpenGate = Callable[..., Awaitable[RunningGate]]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store in which nothing is known yet; to copy one is much quicker than to make one."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    policy = Policy(path)
    policy.open()
    policy.close()
    return path


@pytest.fixture
def stored(settings: Settings, empty_store: Path) -> Settings:
    """Give a configuration in a file, and its store, in which nothing is known yet unless a gate is beside it."""
    settings.write()
    if not settings.store.exists():
        settings.store.parent.mkdir()
        shutil.copy(empty_store, settings.store)
    return settings


@pytest.fixture
async def open_gate(settings: Settings, empty_store: Path) -> AsyncIterator[OpenGate]:
    """Start gates with changes to the configuration, and stop them at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*, drain: float = 1.0, **changes: Any) -> RunningGate:
            path = settings.write(**changes)
            if "store" not in changes and not settings.store.exists():
                settings.store.parent.mkdir(exist_ok=True)
                shutil.copy(empty_store, settings.store)
            app = App(path, load(path, os.environ), drain=drain)
            await app.start()
            stack.push_async_callback(app.stop)
            connector = aiohttp.TCPConnector(force_close=True)
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            return RunningGate(app.addresses, session, app)

        yield start


@pytest.fixture
async def gate(open_gate: OpenGate) -> RunningGate:
    """Give a gate with the defaults."""
    return await open_gate()


@pytest.fixture(autouse=True)
def _own_log() -> Iterable[None]:
    """Leave the log as it was, whatever a test configures, and let go of whichever stream it wrote to."""
    before = structlog.get_config()
    yield
    structlog.configure(**{**before, "processors": [*before["processors"]]})


# ── the gate as a process ──


@dataclass
class Served(Words):
    """A gate in a process of its own; `log` are the lines it has said so far."""

    process: asyncio.subprocess.Process
    log: list[dict[str, Any]]
    _reading: asyncio.Task[None]

    async def end(self) -> int:
        """Wait until the process has ended and all it said is read."""
        code = await self.process.wait()
        await self._reading
        return code

    def said(self, event: str) -> list[dict[str, Any]]:
        """Give the lines of one event."""
        return [line for line in self.log if line.get("event") == event]


async def _read_log(stream: asyncio.StreamReader, log: list[dict[str, Any]], started: asyncio.Event) -> None:
    async for line in stream:
        with contextlib.suppress(ValueError):
            log.append(json.loads(line))
            if log[-1].get("event") == "started":
                started.set()
    started.set()


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(settings: Settings) -> AsyncIterator[Serve]:
    """Start `python -m proxy serve` as often as asked, with changes to the configuration."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        )

        async def start(*, write: bool = True, **changes: Any) -> Served:
            if write:
                settings.write(**changes)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "proxy", "serve", "--config", str(settings.path)),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            stack.push_async_callback(_ended, process)
            assert process.stdout is not None
            log: list[dict[str, Any]] = []
            started = asyncio.Event()
            reading = asyncio.create_task(_read_log(process.stdout, log, started))
            await started.wait()
            doors = next(line for line in log if line["event"] == "started")
            addresses = {door: _address(at) for door, at in doors.items() if ":" in str(at) and "T" not in str(at)}
            return Served(addresses, session, process, log, reading)

        yield start


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
