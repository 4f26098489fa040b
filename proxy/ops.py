"""/metrics, /health/live and /health/ready: without a key, on a listener of their own and on the API's.

Live means that the process answers. Ready means that a send would be judged: the store can be read and the gate is not
stopping. A route that may pass sends without its store does not make the gate unready when the store fails, and one
that may not does. A faulty configuration file shows as degraded, not as failure, because the old one is in force.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from policy import Policy, StoreUnavailable
from proxy.config import Config
from proxy.metrics import Metrics

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
    notices: dict[str, str] = field(default_factory=dict)

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
        try:
            await self.policy.probe()
        except StoreUnavailable:
            return "unavailable" if self.policy.held_at is None else "held"
        return "ok"

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
        with contextlib.suppress(StoreUnavailable):
            health.metrics.sequence.set(await health.policy.last_sequence())
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
