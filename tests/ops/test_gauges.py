"""What alerts and panels lean on: gauges that follow the gate, and counters that say what really happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.conftest import OpenGate, RunningGate, Settings, Upstream, reply


async def scraped(gate: RunningGate, sample: str) -> str:
    """Scrape a gate, and give one sample's value as it is written."""
    text = (await gate.api("GET", "/metrics", door="ops")).body.decode()
    (value,) = (line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{sample} "))
    return value


async def until(true: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(30):
        while True:
            if true():
                return
            await asyncio.sleep(0.02)


async def test_ready_is_what_the_health_check_says(gate: RunningGate, settings: Settings) -> None:
    """sendgate_ready is 1 while /health/ready answers 200, and 0 once it answers 503."""
    before = await scraped(gate, "sendgate_ready"), (await gate.api("GET", "/health/ready", door="ops")).status
    settings.store.unlink()
    after = await scraped(gate, "sendgate_ready"), (await gate.api("GET", "/health/ready", door="ops")).status
    assert (before, after) == (("1.0", 200), ("0.0", 503))


async def test_shadow_is_told_of_each_route(open_gate: OpenGate, settings: Settings) -> None:
    """sendgate_shadow is 1 for the routes in shadow mode alone, and a reload that ends the mode sets it to 0."""
    gate = await open_gate(routes={"mail": {"mode": "shadow"}})
    assert await scraped(gate, 'sendgate_shadow{route="mail"}') == "1.0"
    assert await scraped(gate, 'sendgate_shadow{route="text"}') == "0.0"
    settings.write(routes={"text": None})
    gate.app._watcher.trigger()
    await until(lambda: gate.metric("sendgate_config_reloads_total", result="applied") == 1)
    assert await scraped(gate, 'sendgate_shadow{route="mail"}') == "0.0"
    with pytest.raises(ValueError, match="not enough values"):
        await scraped(gate, 'sendgate_shadow{route="text"}')


async def test_what_a_provider_says_makes_no_refusal_of_shadow_mode(open_gate: OpenGate, upstream: Upstream) -> None:
    """A recipient that shadow mode let pass is counted as not enforced, though the provider then refused the send."""
    gate = await open_gate(policy={"mode": "shadow"})
    await gate.tell("Blacklisted", email="bob@example.com")
    upstream.answer = reply(500)
    await gate.mail("bob@example.com")
    name = "sendgate_dispatch_failed_total"
    assert gate.metric(name, reason="blacklisted", enforced="false") == 1
    assert gate.metric(name, reason="blacklisted", enforced="true") == 0
    assert gate.metric(name, reason="upstream_refused", enforced="true") == 1


async def test_recipients_that_nobody_judged_did_not_pass(gate: RunningGate, settings: Settings) -> None:
    """A send that met a store that cannot be read counts no recipient as passed."""
    settings.store.unlink()
    assert (await gate.mail("ann@example.com", "bob@example.com")).status == 503
    assert gate.metric("sendgate_recipients_total") == 0
    assert gate.metric("sendgate_dispatch_failed_total", reason="store_unavailable") == 1


async def test_a_path_to_nowhere_is_counted_from_zero(gate: RunningGate) -> None:
    """A request that leads to no route has its series before it comes, so that a rate sees the first one."""
    name, labels = "sendgate_dispatch_failed_total", {"route": "none", "reason": "unknown_request"}
    assert gate.metric(name, **labels) == 0
    await gate.post("/nowhere/v3/mail/send", b"")
    assert gate.metric(name, **labels) == 1
    assert gate.metric("sendgate_sends_total", route="none", outcome="refused") == 1
