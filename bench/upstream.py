"""The provider of the benchmarks: answers whatever comes as SendGrid does when it accepts, as cheaply as it can."""

from __future__ import annotations

import asyncio
import re
from typing import cast

import uvloop

from bench.workers import Pipe

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\n"
    b"Server: nginx\r\n"
    b"Date: Tue, 03 Nov 2026 10:00:00 GMT\r\n"
    b"Content-Length: 0\r\n"
    b"Connection: keep-alive\r\n"
    b"X-Message-Id: 14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\r\n"
    b"Access-Control-Allow-Origin: https://sendgrid.api-docs.io\r\n"
    b"X-No-CORS-Reason: https://sendgrid.com/docs/Classroom/Basics/API/cors.html\r\n"
    b"Strict-Transport-Security: max-age=600; includeSubDomains\r\n"
    b"\r\n"
)


def serve(pipe: Pipe) -> None:
    """Run, and tell the port to whoever asks."""
    uvloop.run(_serve(pipe))


async def _serve(pipe: Pipe) -> None:
    server = await asyncio.get_running_loop().create_server(_Taker, "127.0.0.1", 0)
    pipe.recv()
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Taker(asyncio.Protocol):
    """One connection: counts bytes until a request is whole."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._head = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._begin(self._head + data)
        if not self._missing and not self._head:
            self._transport.write(_ACCEPTED)

    def _begin(self, data: bytes) -> None:
        end = data.find(b"\r\n\r\n")
        self._head = data if end < 0 else b""
        if end >= 0:
            length = _LENGTH.search(data, 0, end + 2)
            self._missing = (int(length[1]) if length else 0) - (len(data) - end - 4)
