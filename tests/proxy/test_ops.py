"""Live, ready, degraded: what the gate says of itself, and to whom."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from policy import StoreUnavailable
from tests.conftest import OpenGate, RunningGate, request, until

HOST = ("Host", "probe.example.com")


async def ready(gate: RunningGate) -> tuple[int, dict[str, Any]]:
    """Ask whether the gate is ready."""
    answer = await gate.api("GET", "/health/ready", door="ops")
    document: dict[str, Any] = answer.json
    return answer.status, document


async def test_ready(gate: RunningGate) -> None:
    """A gate that would judge a send says so, and of what it is made."""
    assert await ready(gate) == (200, {"status": "ready", "store": "ok", "config": "ok", "shadow": []})


async def test_not_started_is_not_ready(gate: RunningGate) -> None:
    """Until everything is open the gate is alive and not ready."""
    gate.app.health.started = False
    assert (await ready(gate))[0] == 503
    assert (await gate.api("GET", "/health/live", door="ops")).json == {"status": "live"}


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        pytest.param({}, (503, "unready"), id="no route may pass"),
        pytest.param({"mail": {"on_store_error": "pass"}}, (503, "unready"), id="one route may"),
        pytest.param(
            {name: {"on_store_error": "pass"} for name in ("mail", "text", "sandbox", "sms-sandbox")},
            (200, "degraded"),
            id="every route may",
        ),
    ],
)
async def test_ready_without_a_store(open_gate: OpenGate, routes: dict[str, Any], expected: tuple[int, str]) -> None:
    """A gate that may serve without its store is degraded when it is gone; one that may not is unready."""
    gate = await open_gate(routes=routes)
    gate.app.policy.database.path.unlink()
    status, document = await ready(gate)
    assert ((status, document["status"]), document["store"]) == (expected, "unavailable")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the fault is the test's own
async def test_a_dead_writer_is_not_ready(gate: RunningGate) -> None:
    """When the thread that writes has ended the gate is unready at once, however lately it was found to write."""

    def end(_: sqlite3.Connection) -> None:
        raise SystemExit

    assert (await ready(gate))[0] == 200
    with pytest.raises(StoreUnavailable):
        await gate.app.policy.database.write(end)
    await until(lambda: not gate.app.policy.database.alive)
    status, document = await ready(gate)
    assert (status, document["status"], document["store"]) == (503, "unready", "unavailable")


async def test_ready_while_draining(gate: RunningGate) -> None:
    """A gate that is stopping is not ready, and says why."""
    gate.app.health.draining = True
    status, document = await ready(gate)
    assert (status, document["status"], document["draining"]) == (503, "unready", True)


async def test_a_faulty_file_degrades(gate: RunningGate) -> None:
    """A faulty configuration file is no failure: the old one is in force."""
    gate.app.health.faults = ("line 1: broken",)
    status, document = await ready(gate)
    assert (status, document["status"], document["config"]) == (200, "degraded", "degraded")


async def test_shadow_is_told(open_gate: OpenGate) -> None:
    """Routes that refuse nobody are named."""
    gate = await open_gate(routes={"text": {"mode": "shadow"}, "mail": {"mode": "shadow"}})
    assert (await ready(gate))[1]["shadow"] == ["mail", "text"]


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready"])
async def test_nobody_needs_a_key(open_gate: OpenGate, path: str) -> None:
    """Health and metrics are for probes: no key, any host, on their own listener and on the api's."""
    keys = [{"name": "crm", "key": "crm-key", "scopes": ["users"]}]
    gate = await open_gate(api={"keys": keys})
    for door in ("ops", "api"):
        answer = await gate.ask(request("GET", path, [HOST, ("X-Forwarded-For", "192.0.2.1")]), door)
        assert answer.status == 200


async def test_each_door_answers_for_itself_alone(gate: RunningGate) -> None:
    """The ops and public listeners have no API, and the senders' door has neither API nor health."""
    for path in ("/users/1", "/events", "/standing", "/dispatch-failed", "/mail/v3/templates"):
        for door in ("ops", "public"):
            assert (await gate.ask(request("GET", path), door)).status == 404
    for path in ("/users/1", "/events", "/metrics", "/health/ready"):
        assert (await gate.ask(request("GET", path))).status == 404
    for path in ("/metrics", "/health/ready"):
        assert (await gate.ask(request("GET", path), "public")).status == 404
    assert (await gate.ask(request("POST", "/metrics", [], b""), "ops")).status == 405
