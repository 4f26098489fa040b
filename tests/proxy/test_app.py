"""The whole gate: what is open when it runs, what stays when it stops, and what a reload changes."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from structlog.testing import capture_logs

from policy import StoreLocked, WrongPepper
from policy.store.pruning import Prune
from proxy.app import App
from proxy.loading import load
from proxy.sockets import path_of
from tests.conftest import (
    FORM,
    JSON,
    MAIL,
    TEXT,
    Line,
    OpenGate,
    RunningGate,
    Settings,
    Upstream,
    mail_body,
    reply,
    text_body,
    until,
    waits_for,
)

A = "a@example.com"
PHONE = "+4915112345678"


async def take_over(gate: RunningGate, settings: Settings, **changes: Any) -> None:
    """Write a changed file and wait until it is in force."""
    old = gate.app.loaded
    settings.write(**changes)
    await until(lambda: gate.app.loaded is not old)


# ── start and stop ──


async def test_every_door_is_open(gate: RunningGate) -> None:
    """A running gate answers on four listeners, each on the port that it says."""
    assert set(gate.addresses) == {"proxy", "api", "public", "ops"}
    assert len(set(gate.addresses.values())) == 4
    for door in gate.addresses:
        assert (await gate.api("GET", "/nothing", door=door)).status == 404


async def test_what_was_told_outlives_a_stop(open_gate: OpenGate) -> None:
    """A gate that is started again knows what the one before acknowledged."""
    first = await open_gate()
    await first.tell("Blacklisted", email=A)
    assert (await first.mail(A)).status == 400
    await first.app.stop()
    second = await open_gate()
    assert (await second.mail(A)).status == 400
    assert await second.reasons() == ["blacklisted", "blacklisted"]


async def test_a_stopped_gate_leaves_no_socket(open_gate: OpenGate) -> None:
    """A gate takes its own socket away when it stops, and not that of the gate that came after it."""
    first = await open_gate()
    socket = path_of(first.app.config.store.path)
    assert socket.exists()
    await first.app.stop()
    assert not socket.exists()
    await open_gate()
    await first.app.stop()
    assert socket.exists()


async def test_stopping_twice(gate: RunningGate) -> None:
    """A gate that is stopped stays stopped, and its doors are closed."""
    await gate.app.stop()
    await gate.app.stop()
    for door in gate.addresses:
        with pytest.raises(OSError, match="Connect"):
            await gate.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", door)


async def test_a_stop_waits_for_what_is_in_flight(open_gate: OpenGate, upstream: Upstream) -> None:
    """A send that is on its way is answered before the store is closed."""
    gate = await open_gate(drain=60.0)
    done = asyncio.Event()
    upstream.script.append(waits_for(done, reply(400)))
    sending = asyncio.create_task(gate.mail(A))
    await upstream.came()
    stopping = asyncio.create_task(gate.app.stop())
    await until(lambda: gate.app.health.draining)
    assert not stopping.done()
    done.set()
    answer = await sending
    assert (answer.status, answer.get("X-Sendgate-Passed")) == (400, None)
    await stopping


async def test_one_gate_for_one_store(gate: RunningGate, settings: Settings) -> None:
    """A second gate on the same store does not start, and the first goes on."""
    with pytest.raises(StoreLocked):
        await App(settings.path, load(settings.path, os.environ)).start()
    assert (await gate.mail(A)).status == 202


async def test_a_taken_address(gate: RunningGate, settings: Settings, tmp_path: Path) -> None:
    """A gate that cannot bind gives back what it took, so that it can be started elsewhere."""
    taken = "{}:{}".format(*gate.addresses["proxy"])
    store = {"path": str(tmp_path / "other.db")}
    settings.write(store=store, listen={"ops": taken})
    with pytest.raises(OSError, match=rf"listen\.ops: {taken}: .*address already in use"):
        await App(settings.path, load(settings.path, os.environ)).start()
    settings.write(store=store)
    other = App(settings.path, load(settings.path, os.environ))
    await other.start()
    await other.stop()


@pytest.mark.parametrize("door", ["proxy", "api", "public", "ops"])
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n", id="what there is, or is not"),
        pytest.param(b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", id="no HTTP"),
        pytest.param(b"POST /mail/v3/mail/send HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", id="a send"),
    ],
)
async def test_no_door_tells_versions(gate: RunningGate, door: str, raw: bytes) -> None:
    """No answer of the gate's own says what it is made of, whatever was asked."""
    answer = await gate.ask(raw, door)
    assert answer.all("Server") in ([], ["sendgate"])


async def test_a_providers_server_is_its_own(gate: RunningGate, upstream: Upstream) -> None:
    """What a provider says of itself is handed on, and where it says nothing no versions are told."""
    upstream.script.append(reply(202, b"", ("Server", "nginx")))
    assert [(await gate.mail(A)).all("Server"), (await gate.mail(A)).all("Server")] == [["nginx"], ["sendgate"]]


async def test_another_pepper(open_gate: OpenGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate does not open a store that was made with another pepper: it would not find what it only keeps hashed."""
    monkeypatch.setenv("PEPPER", "one")
    pepper = {"store": {"pepper": "${PEPPER}"}}
    await (await open_gate(**pepper)).app.stop()
    monkeypatch.setenv("PEPPER", "other")
    with pytest.raises(WrongPepper):
        await open_gate(**pepper)


async def test_it_says_what_deserves_a_look(open_gate: OpenGate) -> None:
    """Warnings of the configuration are in the log, and so is where the doors are."""
    with capture_logs() as lines:
        gate = await open_gate(policy={"mode": "shadow"})
    says = [line["says"] for line in lines if line["event"] == "config_warning"]
    assert any("shadow" in text for text in says)
    (started,) = [line for line in lines if line["event"] == "started"]
    assert started["proxy"] == "{}:{}".format(*gate.addresses["proxy"])


async def test_pruning_goes_on_after_a_failure(open_gate: OpenGate) -> None:
    """Work beside the requests that meets a fault begins again, and does what it is there for."""
    gate = await open_gate()
    prune, failed = gate.app.policy.prune, asyncio.Event()

    async def failing_once(job: Prune) -> int:
        if failed.is_set():
            return await prune(job)
        failed.set()
        raise ValueError

    for _ in range(2):
        await gate.mail("nobody")
    gate.app.policy.prune = failing_once  # type: ignore[method-assign]  # a fault that nobody foresaw
    Settings(gate.app.path.parent, "sandbox").write(records={"max_rows": 1})
    while len(await gate.records()) > 1:
        pass  # each look is a request of its own
    assert failed.is_set()


# ── reload ──


async def test_routes_come_and_go(gate: RunningGate, settings: Settings, upstream: Upstream) -> None:
    """A new route is there and a removed one is not, without a restart."""
    new = {"provider": "sendgrid", "upstream": upstream.url}
    await take_over(gate, settings, routes={"text": None, "new": new})
    assert (await gate.mail(A, route="new")).status == 202
    assert (await gate.text(PHONE)).status == 404
    assert gate.metric("sendgate_sends_total", route="new", outcome="forwarded") == 1
    assert gate.metric("sendgate_config_reloads_total", result="applied") == 1


async def test_a_request_keeps_the_configuration_it_began_with(
    gate: RunningGate, settings: Settings, upstream: Upstream
) -> None:
    """A send that waits for its provider is not lost when its route goes."""
    done = asyncio.Event()
    upstream.script.append(waits_for(done))
    sending = asyncio.create_task(gate.mail(A))
    await upstream.came()
    await take_over(gate, settings, routes={"mail": None})
    assert (await gate.mail(A)).status == 404
    done.set()
    assert (await sending).status == 202


async def test_standing_outlives_a_reload(gate: RunningGate, settings: Settings) -> None:
    """What was told before a reload holds after it."""
    await gate.tell("Blacklisted", email=A)
    await take_over(gate, settings, policy={"refusal": "native"})
    assert (await gate.mail(A)).get("X-Sendgate-Outcome") == "refused"


async def test_keys_are_taken_over(open_gate: OpenGate, settings: Settings) -> None:
    """A key that was taken out of the file opens nothing any more."""

    def keys(*names: str) -> dict[str, Any]:
        senders = [{"name": name, "key": f"{name}-key", "routes": ["mail"]} for name in names]
        api = [{"name": name, "key": f"{name}-key", "scopes": ["users"]} for name in names]
        return {"senders": senders, "api": {"keys": api}}

    async def statuses() -> list[tuple[int, int]]:
        return [
            (
                (await gate.mail(A, headers=[("X-Sendgate-Key", f"{name}-key")])).status,
                (await gate.api("GET", "/users/1", headers={"Authorization": f"Bearer {name}-key"})).status,
            )
            for name in ("old", "new")
        ]

    gate = await open_gate(**keys("old"))
    assert await statuses() == [(202, 404), (403, 401)]
    await take_over(gate, settings, **keys("old", "new"))
    assert await statuses() == [(202, 404), (202, 404)]
    await take_over(gate, settings, **keys("new"))
    assert await statuses() == [(403, 401), (202, 404)]


async def test_the_listener_of_a_route_that_is_gone(open_gate: OpenGate, settings: Settings) -> None:
    """Whoever still comes by it finds no other route there."""
    gate = await open_gate(routes={"mail": {"listen": "127.0.0.1:0"}})
    await take_over(gate, settings, routes={"mail": None})
    door = "routes.mail"
    assert (await gate.post(MAIL, mail_body(A), JSON, door=door)).status == 404
    assert (await gate.post(f"/text{TEXT}", text_body(PHONE), FORM, door=door)).status == 404


async def test_the_listener_of_a_sender_that_is_gone(open_gate: OpenGate, settings: Settings) -> None:
    """Whoever still comes by it is nobody, although others may send without being known."""
    gate = await open_gate(senders=[{"name": "shop", "listen": "127.0.0.1:0", "routes": ["mail"]}])
    assert (await gate.post(f"/mail{MAIL}", mail_body(A), JSON, door="senders.shop")).status == 202
    await take_over(gate, settings, senders=[])
    assert (await gate.post(f"/mail{MAIL}", mail_body(A), JSON, door="senders.shop")).status == 403
    assert (await gate.mail(A)).status == 202


async def test_what_needs_a_restart_is_told(gate: RunningGate, settings: Settings) -> None:
    """Addresses and the store stay as they are until a restart, and readiness names what waits for one."""
    moved: dict[str, Any] = {"store": {"path": "elsewhere.db"}, "listen": {"api": "127.0.0.1:1"}}
    await take_over(gate, settings, **moved)
    await take_over(gate, settings, **moved, policy={"refusal": "native"})
    ready = await gate.api("GET", "/health/ready")
    assert (ready.status, ready.json["restart_for"]) == (200, ["listen.api", "store.path"])
    await take_over(gate, settings)
    assert "restart_for" not in (await gate.api("GET", "/health/ready")).json


async def test_an_unchanged_upstream_keeps_its_connections(
    gate: RunningGate, settings: Settings, upstream: Upstream
) -> None:
    """A reload that does not concern a provider leaves the connections to it open."""
    await gate.mail(A)
    connections = len(upstream._tasks)
    await take_over(gate, settings, policy={"refusal": "native"})
    await gate.mail(A)
    assert (len(upstream._tasks), connections) == (1, 1)


# ── TLS ──


def certificate(ca: trustme.CA, folder: Path) -> dict[str, str]:
    """Write a certificate for this machine, and say where it lies."""
    issued = ca.issue_cert("localhost", "127.0.0.1")
    files = {"cert": folder / "cert.pem", "key": folder / "key.pem"}
    files["key"].write_bytes(issued.private_key_pem.bytes())
    files["cert"].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    return {name: str(path) for name, path in files.items()}


async def serial(gate: RunningGate, ca: trustme.CA, door: str) -> tuple[int, str]:
    """Ask a door over TLS, and give the answer's status with the serial number of the certificate shown."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    host, port = gate.addresses[door]
    line = Line(*await asyncio.open_connection(host, port, ssl=context, server_hostname="localhost"))
    try:
        shown = line.writer.get_extra_info("ssl_object").getpeercert()
        await line.say(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return (await line.answer("GET")).status, shown["serialNumber"]
    finally:
        await line.close()


async def test_listeners_speak_tls(open_gate: OpenGate, tmp_path: Path) -> None:
    """A listener with a certificate speaks TLS, takes a new certificate over at once, and keeps to TLS."""
    ca = trustme.CA()
    tls = certificate(ca, tmp_path)
    gate = await open_gate(listen={"ops": {"address": "127.0.0.1:0", "tls": tls}})
    status, first = await serial(gate, ca, "ops")
    assert status == 200
    old = gate.app.loaded
    certificate(ca, tmp_path)
    await until(lambda: gate.app.loaded is not old)
    status, second = await serial(gate, ca, "ops")
    assert (status, second != first) == (200, True)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await gate.ask(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", "ops")
