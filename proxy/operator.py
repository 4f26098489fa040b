"""How a command line reaches the store: through the running gate, or by opening the store itself.

Only one process may write. While a gate runs, a command speaks the API's own routes over the Unix socket beside the
store. When none runs, the command holds the store's lock and opens the same door for itself, so there is one way in
and a command does the same either way.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from policy import Policy, StoreLocked
from proxy import ops, sockets
from proxy.api.application import application
from proxy.api.context import Context
from proxy.config import Config
from proxy.metrics import Metrics

_ENDLESS = aiohttp.ClientTimeout(total=None, sock_read=60)  # of a stream, which must only go on


class NoGate(Exception):
    """The store is locked by something that does not answer on its socket."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API answered; `body` is None where there was none."""

    status: int
    body: Any


class Refused(Exception):
    """The API answered a stream with something else."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"the gate answered {reply.status}")
        self.reply = reply


class Door:
    """A client of the operator's own door."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None) -> Reply:
        """Send one request; raises NoGate if nobody answers."""
        try:
            async with self._session.request(method, f"http://sendgate{path}", params=query, json=body) as response:
                text = await response.read()
                return Reply(response.status, await response.json() if text else None)
        except (aiohttp.ClientError, OSError) as error:
            raise NoGate(f"no answer on the store's socket: {error}") from error

    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Read a long answer piece by piece; raises Refused, and NoGate where it breaks off."""
        try:
            async with self._session.get(f"http://sendgate{path}", params=query, timeout=_ENDLESS) as response:
                if response.status != 200:
                    raise Refused(Reply(response.status, await response.json() if await response.read() else None))
                async for piece in response.content.iter_any():
                    yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise NoGate(f"the answer broke off on the store's socket: {error}") from error


@contextlib.asynccontextmanager
async def door(config: Config, *, create: bool = False, alone: bool = True) -> AsyncIterator[Door]:
    """Open the way to the store, through the running gate if there is one; without one only if it may be `alone`.

    Where there is no store, one is made if `create` says so: whoever looks would be told that nobody ever said no, and
    whoever says no would be heard by a store that no gate asks.
    """
    policy = Policy(config.store.path, config.store.pepper.reveal())
    async with contextlib.AsyncExitStack() as stack:
        if alone:
            try:
                await asyncio.to_thread(policy.open, create=create)
            except StoreLocked:
                pass  # a gate runs
            else:
                stack.callback(policy.close)
                await stack.enter_async_context(_own_door(config, policy))
        yield await stack.enter_async_context(client(config))


@contextlib.asynccontextmanager
async def client(config: Config) -> AsyncIterator[Door]:
    """Speak with whoever answers on the store's socket."""
    with sockets.reachable(sockets.path_of(config.store.path)) as name:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(name)) as session:
            yield Door(session)


@contextlib.asynccontextmanager
async def _own_door(config: Config, policy: Policy) -> AsyncIterator[None]:
    metrics = Metrics()
    health = ops.Health(policy, metrics, lambda: config)
    context = Context(policy, lambda: config, metrics.learned, dict)
    runner = web.AppRunner(application(context, health, operator=True), access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, sockets.unix_socket(config.store.path)).start()
        yield
    finally:
        await runner.cleanup()
        sockets.path_of(config.store.path).unlink(missing_ok=True)
