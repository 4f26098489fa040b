"""What the gate is measured against: aiohttp's server and ClientSession on uvloop, handing everything on unread."""

from __future__ import annotations

import asyncio

import uvloop
from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from bench.workers import Pipe

_OWN = ("Host", "Content-Length", "Transfer-Encoding", "Connection")


def serve(pipe: Pipe) -> None:
    """Run in front of the upstream whose port is asked with, and tell the own port."""
    uvloop.run(_serve(pipe))


async def _serve(pipe: Pipe) -> None:
    upstream = f"http://127.0.0.1:{pipe.recv()}"
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False) as session:

        async def forward(request: web.BaseRequest) -> web.Response:
            url = URL(upstream + request.raw_path, encoded=True)
            body = await request.read()
            given = _end_to_end(CIMultiDict(request.headers))
            async with session.request(
                request.method, url, headers=given, data=body, allow_redirects=False
            ) as response:
                came = await response.read()
                return web.Response(
                    status=response.status, headers=_end_to_end(CIMultiDict(response.headers)), body=came
                )

        server = web.Server(forward, access_log=None, auto_decompress=False)
        listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
        pipe.send(listening.sockets[0].getsockname()[1])
        await listening.serve_forever()


def _end_to_end(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    for name in _OWN:
        headers.popall(name, None)
    return headers
