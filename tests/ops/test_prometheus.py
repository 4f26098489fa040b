"""A real Prometheus beside a real gate: it scrapes, and refused sends set off their alert."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from policy.reasons import Reason
from tests.conftest import OpenGate, Upstream, reply
from tests.ops.conftest import OPS, loaded, needs


def hurried(folder: Path, target: str) -> Path:
    """Write a configuration that scrapes one gate each second, with the alerts as they are but in a hurry."""
    rules = re.sub(r"\[\d+[mh]\]", "[30s]", (OPS / "alerts.yml").read_text())
    (folder / "alerts.yml").write_text(re.sub(r"\n +for: \w+", "", rules))
    config = loaded("prometheus.yml")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


@contextlib.asynccontextmanager
async def prometheus(folder: Path, target: str) -> AsyncIterator[str]:
    """Run Prometheus on a port of its own, and give its URL."""
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={hurried(folder, target)}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--web.listen-address=127.0.0.1:0",
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        address = ""
        async with asyncio.timeout(60):
            while b"ready to receive" not in (line := await process.stderr.readline()):
                assert line, "prometheus ended"
                if b'"Listening on"' in line:
                    address = re.findall(r"address=(\S+)", line.decode())[0]
        draining = asyncio.create_task(process.stderr.read())
        yield f"http://{address}/api/v1"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
    await draining


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it is so."""
    async with asyncio.timeout(60):
        while True:
            if await true():
                return
            await asyncio.sleep(0.1)


async def firing(session: aiohttp.ClientSession, url: str) -> dict[str, dict[str, Any]]:
    """Give the alerts that fire, by name."""
    async with session.get(f"{url}/alerts") as answer:
        told = (await answer.json())["data"]["alerts"]
    return {alert["labels"]["alertname"]: alert for alert in told if alert["state"] == "firing"}


async def asked(session: aiohttp.ClientSession, url: str, query: str) -> float:
    """Give the one value of a query, 0 if there is none yet."""
    async with session.get(f"{url}/query", params={"query": query}) as answer:
        found = (await answer.json())["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


@needs("prometheus")
async def test_a_real_prometheus_scrapes_and_its_alerts_fire(
    open_gate: OpenGate, upstream: Upstream, tmp_path: Path
) -> None:
    """Prometheus reads a gate's metrics; refused and failing sends set off their alerts, not before."""
    gate = await open_gate()
    host, port = gate.addresses["ops"]
    wanted = {"SendgateMostRecipientsRefused", "SendgateSendsFailing"}

    async def scraped_twice() -> bool:
        return await asked(gate.session, url, "count_over_time(sendgate_ready[1m])") >= 2

    async def all_fire() -> bool:
        return wanted <= (await firing(gate.session, url)).keys()

    async with prometheus(tmp_path, f"{host}:{port}") as url:
        await until(scraped_twice)
        assert await asked(gate.session, url, "sendgate_ready") == 1
        assert await asked(gate.session, url, "count(sendgate_sends_total)") > 0
        assert wanted.isdisjoint(await firing(gate.session, url))

        await gate.tell("Blacklisted", email="bob@example.com")
        assert (await gate.mail(*["bob@example.com"] * 150)).status == 400
        upstream.answer = reply(500)
        assert [(await gate.mail("ann@example.com")).status for _ in range(3)] == [500, 500, 500]
        await until(all_fire)
        fired = await firing(gate.session, url)
    assert fired["SendgateSendsFailing"]["labels"]["reason"] == Reason.UPSTREAM_REFUSED
    assert (
        fired["SendgateMostRecipientsRefused"]["annotations"]["summary"]
        == "Most recipients of the route mail are refused"
    )
