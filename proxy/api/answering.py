"""How the API answers in JSON, whichever contract an endpoint follows."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web


def as_json(body: Any, status: int = 200) -> web.Response:
    """Give an answer with this body."""
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", charset="UTF-8")
