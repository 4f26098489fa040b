"""Things that break: the store, the provider, the process. Nobody who said no gets a message because of it."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from tests.conftest import (
    JSON,
    MAIL,
    Message,
    OpenGate,
    RunningGate,
    Serve,
    Served,
    Settings,
    Upstream,
    breaks_off,
    mail_body,
    reply,
    request,
    until,
    waits_for,
)

A, B = "a@example.com", "b@example.com"
PHONE = "+4915112345678"
GONE = (OSError, asyncio.IncompleteReadError, aiohttp.ClientError)
QUICK: dict[str, Any] = {"timeout": {"total": "1s"}}


def told(answer: Message) -> tuple[int, str | None]:
    """Give what an answer says of itself."""
    return answer.status, answer.get("X-Sendgate-Reasons")


def unrecorded(answer: Message) -> bool:
    """Tell whether a refusal that could not be written down was answered as the store's trouble."""
    status, reasons = told(answer)
    return status == 503 and "store_unavailable" in str(reasons) and answer.get("Retry-After") == "5"


# ── the store ──


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a foreign lock for a moment only."""
    monkeypatch.setattr("policy.store.database.WRITE_WAIT", 0.05)


@pytest.mark.usefixtures("_impatient")
async def test_a_locked_store(gate: RunningGate, upstream: Upstream, settings: Settings) -> None:
    """While a foreign lock holds, nothing is acknowledged or refused without its record; who may be sent to, is."""
    await gate.tell("Blacklisted", email=A)
    with closing(sqlite3.connect(settings.store, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        assert unrecorded(await gate.mail(A))
        event = {"email": B, "events": [{"event": "Blacklisted"}]}
        answer = await gate.api("POST", "/events", event)
        assert (answer.status, answer.get("Retry-After"), answer.body) == (503, "5", b"")
        assert (await gate.mail(B)).status == 202
        foreign.execute("ROLLBACK")
    assert told(await gate.mail(A)) == (400, "blacklisted")
    assert (await gate.mail(B)).status == 202
    assert len(upstream.heard) == 2
    assert await gate.reasons() == ["blacklisted"]


Break = Callable[[RunningGate], None]


def gone(gate: RunningGate) -> None:
    """Delete the store's file."""
    gate.app.policy.database.path.unlink()


def swapped(gate: RunningGate) -> None:
    """Put an empty store in the place of the store."""
    path = gate.app.policy.database.path
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE suppressed (key_hash INTEGER PRIMARY KEY, facts TEXT)")


def journal_gone(gate: RunningGate) -> None:
    """Delete the file that commits go to first."""
    Path(f"{gate.app.policy.database.path}-wal").unlink()


def folder_gone(gate: RunningGate) -> None:
    """Delete the whole folder."""
    shutil.rmtree(gate.app.policy.database.path.parent)


@pytest.mark.parametrize("breaks", [gone, swapped, journal_gone, folder_gone])
async def test_a_store_that_is_gone(gate: RunningGate, upstream: Upstream, breaks: Break) -> None:
    """Without the store that was opened nothing is sent, refused or acknowledged, in every shape, and all is told."""
    await gate.tell("Blacklisted", email=A)
    breaks(gate)
    mail, text = await gate.mail(B), await gate.text(PHONE)
    assert told(mail) == told(text) == told(await gate.mail(A)) == (503, "store_unavailable")
    assert (mail.get("Retry-After"), text.json["code"]) == ("5", 20503)
    assert mail.json["errors"][0]["message"].startswith("sendgate: ")
    for method, path, body in (
        ("POST", "/events", {"email": B, "events": [{"event": "Blacklisted"}]}),
        ("PUT", "/users/1", {"email": B}),
        ("GET", "/users/1", None),
        ("GET", "/dispatch-failed", None),
    ):
        assert (await gate.api(method, path, body)).status == 503
    ready = await gate.api("GET", "/health/ready", door="ops")
    assert (ready.status, ready.json["status"], ready.json["store"]) == (503, "unready", "unavailable")
    assert (await gate.api("GET", "/health/live", door="ops")).status == 200
    assert upstream.heard == []
    assert gate.metric("sendgate_dispatch_failed_total", route="mail", reason="store_unavailable") == 2


async def test_a_harmless_request_needs_no_store(gate: RunningGate) -> None:
    """What dispatches nothing passes while the store is gone."""
    gone(gate)
    assert (await gate.ask(request("GET", "/mail/v3/templates"))).status == 202


def write_pragma(gate: RunningGate, pragma: str) -> None:
    """Set something on the writing connection, while nobody writes."""
    gate.app.policy.database._writer.execute(f"PRAGMA {pragma}")


async def test_a_store_that_may_only_be_read(gate: RunningGate, upstream: Upstream) -> None:
    """Where writing is refused, so are refusals and events, with 503; who may be sent to, is."""
    await gate.tell("Blacklisted", email=A)
    write_pragma(gate, "query_only = ON")
    assert unrecorded(await gate.mail(A))
    assert (await gate.api("POST", "/events", {"id": "1", "events": [{"event": "Blacklisted"}]})).status == 503
    assert (await gate.mail(B)).status == 202
    write_pragma(gate, "query_only = OFF")
    assert told(await gate.mail(A)) == (400, "blacklisted")
    assert len(upstream.heard) == 1


async def test_a_store_that_is_full(open_gate: OpenGate, upstream: Upstream) -> None:
    """Events are acknowledged until there is no room, then answered 503; who was acknowledged stays blacklisted."""
    gate = await open_gate()
    write_pragma(gate, "max_page_count = 60")
    acknowledged = []
    for number in range(2000):
        email = f"{number}@example.com"
        answer = await gate.api("POST", "/events", {"email": email, "events": [{"event": "Blacklisted"}]})
        if answer.status != 202:
            break
        acknowledged.append(email)
    assert (answer.status, answer.get("Retry-After"), 10 < len(acknowledged) < 2000) == (503, "5", True)
    assert told(await gate.mail(acknowledged[-1]))[0] in (400, 503)
    assert upstream.heard == []
    await gate.app.stop()
    again = await open_gate()
    answer = await again.mail(*acknowledged)
    assert (answer.status, answer.get("X-Sendgate-Refused")) == (400, str(len(acknowledged)))


async def test_what_went_out_is_never_asked_for_again(open_gate: OpenGate, upstream: Upstream) -> None:
    """A send that a switch let pass gets the provider's answer although its record cannot be written any more."""
    gate = await open_gate(policy={"on_unreadable": "pass", "on_unknown_request": "pass"})
    gone(gate)
    for target, switch in ((MAIL, "on_unreadable"), ("/v3/unheard", "on_unknown_request")):
        answer = await gate.post(f"/mail{target}", b"{", JSON)
        assert (answer.status, answer.get("X-Sendgate-Passed")) == (202, f"{switch}, unrecorded")
    assert len(upstream.heard) == 2
    assert gate.metric("sendgate_passed_on_doubt_total", switch="unrecorded") == 2


async def test_a_provider_error_is_passed_on_without_a_store(open_gate: OpenGate, upstream: Upstream) -> None:
    """The provider's own error reaches the sender although nobody can write it down."""
    gate = await open_gate(policy={"on_store_error": "pass"})
    gone(gate)
    upstream.answer = reply(401, b"{}", JSON)
    assert (await gate.mail(A)).status == 401
    assert gate.metric("sendgate_passed_on_doubt_total", switch="on_store_error") == 1


# ── the provider ──


async def test_a_provider_that_does_not_listen(open_gate: OpenGate, upstream: Upstream) -> None:
    """No connection is 502: nothing was sent, and the record says so."""
    nowhere = {"upstream": "http://127.0.0.1:1"}
    gate = await open_gate(routes={"mail": nowhere, "text": nowhere})
    mail, text = await gate.mail(A, B), await gate.text(PHONE)
    assert told(mail) == told(text) == (502, "upstream_unreachable")
    assert (mail.get("Retry-After"), text.json["code"], text.json["status"]) == (None, 20500, 502)
    record = (await gate.records(route="mail"))[0]
    assert (record["reason"], record["sent"], record["recipients"]) == ("upstream_unreachable", "no", 2)
    assert (await gate.ask(request("GET", "/mail/v3/templates"))).status == 502
    assert len(await gate.records()) == 2
    assert upstream.heard == []


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 20", id="half a line"),
        pytest.param(b"HTTP/1.1 202 OK\r\nContent-Le", id="half a head"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 202 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two lengths"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", id="another protocol, politely"),
        pytest.param(b"HTTP/2.0 202 OK\r\nContent-Length: 0\r\n\r\n", id="another version"),
    ],
)
async def test_a_provider_that_breaks_off(gate: RunningGate, upstream: Upstream, after: bytes) -> None:
    """Once the request is out, whatever is no answer is 504: nobody knows, and nobody sends it again."""
    upstream.answer = breaks_off(after)
    assert told(await gate.mail(A)) == (504, "upstream_timeout")
    (record,) = await gate.records()
    assert (record["reason"], record["sent"], record["upstream_status"]) == ("upstream_timeout", "unknown", None)
    assert len(upstream.heard) == 1


async def test_a_provider_that_is_slow(open_gate: OpenGate, upstream: Upstream) -> None:
    """An answer that does not come in time is 504; it is not sent again, and a late answer is nobody's."""
    gate = await open_gate(routes={"mail": QUICK})
    late = asyncio.Event()
    upstream.script.append(waits_for(late, reply(200, b"late")))
    assert told(await gate.mail(A)) == (504, "upstream_timeout")
    assert [record["sent"] for record in await gate.records()] == ["unknown"]
    late.set()
    assert (await gate.mail(B)).status == 202
    assert len(upstream.heard) == 2


async def test_a_provider_that_answers_twice(gate: RunningGate, upstream: Upstream) -> None:
    """An answer that nobody asked for does not become the next sender's."""
    upstream.script.append(reply(202, b"", ("X-Message-Id", "first")) + reply(202, b"", ("X-Message-Id", "forged")))
    assert (await gate.mail(A)).get("X-Message-Id") == "first"
    assert (await gate.mail(B)).get("X-Message-Id") == "upstream-1"
    assert len(upstream.heard) == 2


async def test_a_kept_connection_that_was_closed(gate: RunningGate, upstream: Upstream) -> None:
    """A connection that the provider closed meanwhile is replaced before anything is written."""
    for _ in range(3):
        assert (await gate.mail(A)).status == 202
        await upstream.end()
    assert len(upstream.heard) == 3


async def test_too_many_connections(open_gate: OpenGate, upstream: Upstream) -> None:
    """At the limit of connections a send is 503 with Retry-After: nothing went out, and a repeat is judged anew."""
    gate = await open_gate(routes={"mail": {"max_connections": 1, "timeout": {"connect": "500ms"}}})
    done = asyncio.Event()
    upstream.script.append(waits_for(done))
    first = asyncio.create_task(gate.mail(A))
    await upstream.came()
    second = await gate.mail(B)
    assert (*told(second), second.get("Retry-After")) == (503, "upstream_busy", "5")
    done.set()
    assert (await first).status == 202
    assert [(record["reason"], record["sent"]) for record in await gate.records()] == [("upstream_busy", "no")]
    assert len(upstream.heard) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 503])
async def test_a_provider_that_says_no(gate: RunningGate, upstream: Upstream, status: int) -> None:
    """The provider's own error comes back as it is, once, and is written down with its status."""
    upstream.answer = reply(status, b'{"errors": []}', JSON)
    answer = await gate.mail(A, B)
    assert (*told(answer), answer.json) == (status, "upstream_refused", {"errors": []})
    (record,) = await gate.records()
    assert (record["reason"], record["upstream_status"], record["recipients"]) == ("upstream_refused", status, 2)
    assert len(upstream.heard) == 1


TWO = orjson.dumps({"Messages": [{"To": [{"Email": A}, {"Email": B}]}, {"To": [{"Email": "c@example.com"}]}]})
TAKEN, FAILED = {"Status": "success"}, {"Status": "error", "Errors": []}


@pytest.mark.parametrize(
    ("status", "body", "sent", "recipients"),
    [
        pytest.param(400, {"Messages": [TAKEN, FAILED]}, "no", 1, id="one of two messages was taken"),
        pytest.param(400, {"Messages": [FAILED, FAILED]}, "no", 3, id="none was taken"),
        pytest.param(400, {"ErrorMessage": "no"}, "no", 3, id="an error for all"),
        pytest.param(400, {"Messages": [TAKEN]}, "unknown", 3, id="an answer that does not fit"),
        pytest.param(500, {"Messages": [TAKEN, FAILED]}, "unknown", 3, id="a broken provider"),
    ],
)
async def test_an_error_for_a_part_of_a_send(
    open_gate: OpenGate, upstream: Upstream, status: int, body: dict[str, Any], sent: str, recipients: int
) -> None:
    """Where an error tells of each message, the record counts whom it did not reach, and the answer is as it was."""
    gate = await open_gate(routes={"jet": {"provider": "mailjet", "upstream": upstream.url}})
    upstream.answer = reply(status, orjson.dumps(body), JSON, ("X-Own", "kept"))
    answer = await gate.post("/jet/v3.1/send", TWO, JSON)
    assert (*told(answer), answer.json, answer.get("X-Own")) == (status, "upstream_refused", body, "kept")
    (record,) = await gate.records()
    assert (record["reason"], record["sent"], record["recipients"]) == ("upstream_refused", sent, recipients)
    assert record["upstream_status"] == status


@pytest.mark.parametrize(
    ("coding", "sent", "recipients"),
    [
        pytest.param("gzip", "no", 1, id="one that is read"),
        pytest.param("br", "unknown", 3, id="one that nobody reads here"),
    ],
)
async def test_an_encoded_error_for_a_part_of_a_send(
    open_gate: OpenGate, upstream: Upstream, coding: str, sent: str, recipients: int
) -> None:
    """What a sender asks its provider to encode is read if it can be, and else the fate of the send is unknown."""
    gate = await open_gate(routes={"jet": {"provider": "mailjet", "upstream": upstream.url}})
    body = gzip.compress(orjson.dumps({"Messages": [TAKEN, FAILED]}))
    upstream.answer = reply(400, body, JSON, ("Content-Encoding", coding))
    answer = await gate.post("/jet/v3.1/send", TWO, JSON, ("Accept-Encoding", coding))
    assert (answer.status, upstream.heard[0].get("Accept-Encoding")) == (400, coding)
    assert answer.get("Content-Encoding") == (None if coding == "gzip" else coding)
    assert (answer.body == body) is (coding == "br")
    (record,) = await gate.records()
    assert (record["sent"], record["recipients"]) == (sent, recipients)


async def test_an_error_for_a_part_of_what_was_left(open_gate: OpenGate, upstream: Upstream) -> None:
    """Whoever was taken out is not counted again among those whom the rest of the send did not reach."""
    gate = await open_gate(routes={"jet": {"provider": "mailjet", "upstream": upstream.url}})
    await gate.tell("Blacklisted", email=A)
    upstream.answer = reply(400, orjson.dumps({"Messages": [TAKEN, FAILED]}), JSON)
    assert told(await gate.post("/jet/v3.1/send", TWO, JSON)) == (400, "blacklisted, upstream_refused")
    found = [(record["reason"], record["sent"], record["recipients"]) for record in await gate.records()]
    assert found == [("upstream_refused", "no", 1), ("blacklisted", "no", 1)]


async def test_a_trimmed_send_that_fails(gate: RunningGate, upstream: Upstream) -> None:
    """Who was taken out and what became of the rest are two records; the first is there before the request is out."""
    await gate.tell("Blacklisted", email=A)
    upstream.answer = breaks_off()
    answer = await gate.mail(A, B)
    assert told(answer) == (504, "blacklisted, upstream_timeout")
    found = [(record["reason"], record["sent"], record["address"]) for record in await gate.records()]
    assert found == [("upstream_timeout", "unknown", None), ("blacklisted", "no", A)]


# ── the process ──


async def test_sigterm_drains(serve: Serve, upstream: Upstream) -> None:
    """A send in flight comes to its end, nobody new is let in, and the process ends by itself with 0."""
    gate = await serve()
    done = asyncio.Event()
    upstream.script.append(waits_for(done))
    slow = asyncio.create_task(gate.mail(A))
    await upstream.came()
    gate.process.terminate()
    await until(lambda: bool(gate.said("stopping")))
    for door in ("proxy", "api", "ops"):
        await until_closed(gate, door)
    assert not slow.done()
    done.set()
    assert (await slow).status == 202
    assert await gate.end() == 0
    assert [len(gate.said(event)) for event in ("forwarded", "stopped")] == [1, 1]
    assert len(upstream.heard) == 1


async def until_closed(gate: Served, door: str) -> None:
    """Wait until a door takes no new connection; one that it still takes is told that the gate is stopping."""
    raw = request("GET", "/health/ready") if door != "proxy" else request("POST", f"/mail{MAIL}", [JSON], mail_body(B))
    while True:
        try:
            answer = await gate.ask(raw, door)
        except (OSError, asyncio.IncompleteReadError):
            return
        assert answer.status in (403, 503)


async def test_a_stopping_gate_says_so(gate: RunningGate, upstream: Upstream) -> None:
    """On connections that are still open, a send is 503 with Retry-After in the provider's shape while draining."""
    for dispatch in gate.app._dispatches:
        dispatch.draining = True
    gate.app.health.draining = True
    mail, text = await gate.mail(A), await gate.text(PHONE)
    assert told(mail) == told(text) == (503, "stopping")
    assert (mail.get("Retry-After"), text.json["code"]) == ("5", 20503)
    ready = await gate.api("GET", "/health/ready", door="ops")
    assert (ready.status, ready.json["draining"]) == (503, True)
    assert upstream.heard == []


async def test_sigint_stops_too(serve: Serve) -> None:
    """Whoever presses Ctrl-C gets a clean end."""
    gate = await serve()
    gate.process.send_signal(signal.SIGINT)
    assert await gate.end() == 0
    assert len(gate.said("stopped")) == 1


class Load:
    """Callers that tell events and send to who was acknowledged, and keep what they were answered."""

    def __init__(self, gate: Served, name: str) -> None:
        self.gate = gate
        self.name = name
        self.acknowledged: list[str] = []
        self.refused: list[str] = []

    async def tell(self, worker: int) -> None:
        """Blacklist one new address after the other until the gate is gone."""
        for number in range(10_000):
            email = f"{self.name}-{worker}-{number}@example.com"
            event = {"email": email, "events": [{"event": "Blacklisted"}]}
            if (await self.gate.api("POST", "/events", event)).status != 202:
                return
            self.acknowledged.append(email)

    async def send(self) -> None:
        """Send to the last who was acknowledged until the gate is gone."""
        while True:
            if not self.acknowledged:
                await asyncio.sleep(0)
                continue
            answer = await self.gate.mail(self.acknowledged[-1])
            assert told(answer) == (400, "blacklisted")
            self.refused.append(answer.get("X-Sendgate-Decision") or "")

    async def until_killed(self, enough: int) -> None:
        """Run everything at once, and kill the gate when enough was acknowledged."""
        tasks = [asyncio.create_task(self.tell(worker)) for worker in range(6)]
        tasks += [asyncio.create_task(self.send()) for _ in range(3)]
        await until(lambda: len(self.acknowledged) >= enough or any(task.done() for task in tasks))
        self.gate.process.kill()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            assert ended is None or isinstance(ended, GONE), repr(ended)


async def test_kill_under_load(serve: Serve, upstream: Upstream) -> None:
    """After kill -9 every acknowledged blacklisting holds and every answered refusal has its record, each time."""
    acknowledged: list[str] = []
    refused: list[str] = []
    for killing in range(4):
        gate = await serve()
        load = Load(gate, f"k{killing}")
        await load.until_killed(60 + 25 * killing)
        assert await gate.end() == -signal.SIGKILL
        acknowledged += load.acknowledged
        refused += load.refused
        assert (len(load.acknowledged) > 50, len(load.refused) > 0) == (True, True)
    gate = await serve()
    answer = await gate.mail(*acknowledged[:1000])
    assert (*told(answer), answer.get("X-Sendgate-Refused")) == (400, "blacklisted", str(len(acknowledged[:1000])))
    assert set(refused) <= await decisions(gate)
    assert upstream.heard == []


async def decisions(gate: Served) -> set[str]:
    """Give the ids of all decisions that have a record."""
    found: set[str] = set()
    cursor: str | None = "999999999999"
    while cursor:
        page = (await gate.api("GET", f"/dispatch-failed?limit=1000&cursor={cursor}")).json
        found |= {record["decision"] for record in page["items"]}
        cursor = page["next"]
    return found


# ── a changed configuration under load ──


Change = Callable[[Settings, Served, str], None]


def renamed(settings: Settings, _: Served, text: str) -> None:
    """Change the file as an editor does: write another one and rename it."""
    other = settings.folder / ".config.yaml.swp"
    other.write_text(text)
    other.rename(settings.path)


def relinked(settings: Settings, _: Served, text: str) -> None:
    """Change the file as Kubernetes does: swap the link to the folder it lies in."""
    (settings.folder / "v2").mkdir()
    (settings.folder / "v2" / "config.yaml").write_text(text)
    (settings.folder / "..new").symlink_to("v2")
    (settings.folder / "..new").rename(settings.folder / "..data")


def hung_up(settings: Settings, gate: Served, text: str) -> None:
    """Write into the file itself, and say so by SIGHUP."""
    settings.path.write_text(text)
    gate.process.send_signal(signal.SIGHUP)


def lay_links(settings: Settings) -> None:
    """Lay the file out as Kubernetes does: a link into a linked folder."""
    (settings.folder / "v1").mkdir()
    (settings.folder / "v1" / "config.yaml").write_text(settings.text())
    (settings.folder / "..data").symlink_to("v1")
    settings.path.symlink_to("..data/config.yaml")


@pytest.mark.parametrize("change", [renamed, relinked, hung_up])
async def test_a_change_drops_no_request(serve: Serve, settings: Settings, upstream: Upstream, change: Change) -> None:
    """However the file changes, the new rules hold soon, and every request on the way got its answer."""
    lay_links(settings) if change is relinked else settings.write()
    gate = await serve(write=False)
    statuses: list[int] = []

    async def send() -> None:
        while not gate.said("config_reloaded"):
            statuses.append((await gate.mail(A)).status)

    senders = [asyncio.create_task(send()) for _ in range(4)]
    await until(lambda: len(statuses) > 20)
    change(settings, gate, settings.text(policy={"allow_only": [B]}))
    await asyncio.gather(*senders)
    assert set(statuses) <= {202, 400}
    assert [(await gate.mail(address)).status for address in (A, B)] == [400, 202]
    assert len(upstream.heard) == statuses.count(202) + 1


async def test_a_change_that_needs_a_restart_warns(serve: Serve, settings: Settings) -> None:
    """What a reload could not put in force is told as a warning, and what waits for a restart is named."""
    gate = await serve()
    settings.path.write_text(settings.text(store={"path": "elsewhere.db"}))
    await until(lambda: bool(gate.said("config_reloaded")))
    (told,) = gate.said("config_reloaded")
    assert (told["level"], told["restart_for"]) == ("warning", ["store.path"])


async def test_a_faulty_change_leaves_the_old_rules(serve: Serve, settings: Settings) -> None:
    """A file that cannot be used changes nothing, and log, metric and readiness say so until it is mended."""
    gate = await serve()
    secret = "s3cret-in-the-wrong-place"
    settings.path.write_text(settings.text(policy={"mode": secret}, unheard=secret))
    await until(lambda: bool(gate.said("config_refused")))
    ready = await gate.api("GET", "/health/ready", door="ops")
    assert (ready.status, ready.json["status"], ready.json["config"]) == (200, "degraded", "degraded")
    assert b"\nsendgate_config_degraded 1.0" in (await gate.api("GET", "/metrics", door="ops")).body
    assert (await gate.mail(A)).status == 202
    faults = "\n".join(gate.said("config_refused")[0]["faults"])
    assert ("policy.mode" in faults, "unheard" in faults, secret in faults) == (True, True, False)
    settings.write()
    await until(lambda: bool(gate.said("config_reloaded")))
    ready = await gate.api("GET", "/health/ready", door="ops")
    assert (ready.json["status"], ready.json["config"]) == ("ready", "ok")
    metrics = (await gate.api("GET", "/metrics", door="ops")).body
    assert b"\nsendgate_config_degraded 0.0" in metrics
    assert b'\nsendgate_config_reloads_total{result="faulty"} 1.0' in metrics
