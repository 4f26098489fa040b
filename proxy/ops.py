"""/metrics, /health/live and /health/ready: without a key, on a listener of their own and on the API's.

Live means that the process answers. Ready means that a send would be judged and a refusal of it recorded: the store can
be read and written, and the gate is not stopping. A route that may pass sends without its store does not make the gate
unready when the store fails, and one that may not does. A faulty configuration file shows as degraded, not as failure,
because the old one is in force.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from policy import Policy, StoreUnavailable
from proxy import log
from proxy.config import Config
from proxy.metrics import Metrics

PROBE_WAIT: Final = 1.0  # seconds
PROBE_EVERY: Final = 1.0
PATHS: Final = frozenset({"/metrics", "/health/live", "/health/ready"})


@dataclass(slots=True)
class Health:
    """What is known of the gate's own health."""

    policy: Policy
    metrics: Metrics
    config: Callable[[], Config]
    started: bool = False
    draining: bool = False
    faults: tuple[str, ...] = ()  # of a configuration file that was not taken over
    restart_for: tuple[str, ...] = ()  # changed keys that wait for a restart
    _probed: float = -math.inf

    async def report(self) -> tuple[int, dict[str, Any]]:
        """Say whether the gate is ready, as a status and a document."""
        store = await self._store()
        may_pass = all(route.policy.on_store_error == "pass" for route in self.config().routes.values())
        ready = self.started and not self.draining and (store == "ok" or may_pass)
        told: dict[str, Any] = {
            "status": "ready" if ready else "unready",
            "store": store,
            "config": "degraded" if self.faults else "ok",
            "shadow": sorted(name for name, route in self.config().routes.items() if route.policy.mode == "shadow"),
        }
        if ready and (self.faults or store != "ok"):
            told["status"] = "degraded"
        if self.restart_for:
            told["restart_for"] = list(self.restart_for)
        if self.draining:
            told["draining"] = True
        return 200 if ready else 503, told

    async def _store(self) -> str:
        """Say how the store is; nobody waits for it longer than a moment, for then it is not well."""
        if self.policy.held_at is not None:
            return "held"
        if not self.policy.database.alive:
            return "unavailable"
        try:
            self.policy.database.read_now(lambda _: None)
            await self._probe()
        except (StoreUnavailable, TimeoutError):
            return "unavailable"
        return "ok"

    async def _probe(self) -> None:
        """Make sure that the store can be written, at most once a second: this door needs no key."""
        now = asyncio.get_running_loop().time()
        if now - self._probed < PROBE_EVERY:
            return
        async with asyncio.timeout(PROBE_WAIT):
            await self.policy.probe()
        self._probed = now

    async def measure(self) -> None:
        """Set the gauges that are read from the store."""
        path = self.policy.database.path
        try:
            rows = await self.policy.sizes()
        except StoreUnavailable:
            return
        files = {"database": path, "wal": Path(f"{path}-wal")}
        self.metrics.sized(rows, {name: file.stat().st_size for name, file in files.items() if file.exists()})


def routes(health: Health) -> list[web.RouteDef]:
    """List the paths of this door."""

    async def metrics(_: web.Request) -> web.Response:
        health.metrics.sequence.set(health.policy.sequence)
        health.metrics.log_lost.set(log.lost_lines())
        status, _told = await health.report()
        health.metrics.ready.set(status == 200)
        return web.Response(body=health.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def live(_: web.Request) -> web.Response:
        return _json(200, {"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        return _json(*await health.report())

    return [web.get("/metrics", metrics), web.get("/health/live", live), web.get("/health/ready", ready)]


def application(health: Health) -> web.Application:
    """Build the ops listener's application."""
    app = web.Application()
    app.add_routes(routes(health))
    return app


def _json(status: int, body: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", charset="UTF-8")
