"""Which version of CrossEngage's contract a request follows.

The header `X-XNG-ApiVersion` chooses where both versions have a path; without it, it is the first. A path that only one
version has is answered whatever the header says, because clients send one header with all their calls.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from proxy.api.access import Handler
from proxy.api.reading import UNKNOWN_VALUE, BadField

HEADER: Final = "X-XNG-ApiVersion"
FIRST: Final = "1"
SECOND: Final = "2"


def by_version(first: Handler, second: Handler) -> Handler:
    """Let the version that a request names answer it; raises BadField for one that there is not."""
    handlers = {FIRST: first, SECOND: second}

    async def choose(request: web.Request) -> web.StreamResponse:
        named = {value.strip() for value in request.headers.getall(HEADER, [FIRST])}
        if len(named) != 1 or not named <= handlers.keys():
            raise BadField(HEADER, UNKNOWN_VALUE)
        return await handlers[named.pop()](request)

    return choose
