"""What the recipients' door is measured against: an aiohttp handler that does nothing but commit one row."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvloop
from aiohttp import web

from bench.workers import Pipe


def serve(pipe: Pipe) -> None:
    """Run with a store of its own at the path that is asked with, and tell the own port."""
    uvloop.run(_serve(pipe))


async def _serve(pipe: Pipe) -> None:
    writer = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    connection = await loop.run_in_executor(writer, _opened, Path(pipe.recv()))

    def commit() -> None:
        connection.execute("INSERT INTO row VALUES (NULL, 'a row')")

    async def committed(request: web.Request) -> web.Response:
        await request.read()
        await loop.run_in_executor(writer, commit)
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/", committed), web.post("/", committed)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pipe.send(runner.addresses[0][1])
    await asyncio.Event().wait()


def _opened(path: Path) -> sqlite3.Connection:
    """Open a store as durable as the gate's."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE row (number INTEGER PRIMARY KEY, text TEXT)")
    return connection
