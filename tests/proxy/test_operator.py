"""How a command line reaches the store: through the running gate, or by opening the store itself."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp.abc import AbstractStreamWriter
from aioresponses import aioresponses

from policy import StoreUnavailable
from proxy import sockets
from proxy.config import Config
from proxy.loading import load
from proxy.operator import Door, NoGate, Reply, client, door
from tests.conftest import RunningGate, Settings

A = "a@example.com"
ADDRESS = {"address": A}
BLACKLISTED = {"email": A, "events": [{"event": "Blacklisted"}]}


# ── the small client, against answers that are made up ──


class Answered(aiohttp.ClientResponse):
    """An answer without a connection, which aioresponses makes and newer versions of aiohttp want a writer for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"stream_writer": Mock(AbstractStreamWriter, output_size=0), **kwargs})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses]:
    """Give answers to requests that never leave the process."""
    monkeypatch.setattr("aioresponses.core.ClientResponse", Answered)
    with aioresponses() as made_up:
        yield made_up


@pytest.fixture
async def small() -> AsyncIterator[Door]:
    """Give a client with a session of its own."""
    async with aiohttp.ClientSession() as session:
        yield Door(session)


async def test_an_answer_with_json(answers: aioresponses, small: Door) -> None:
    """A body is read as JSON, whatever the status."""
    answers.get("http://sendgate/standing?address=a@example.com", payload={"items": []})
    answers.get("http://sendgate/users/1", status=400, payload={"field": "id"})
    assert await small.ask("GET", "/standing", query=ADDRESS) == Reply(200, {"items": []})
    assert await small.ask("GET", "/users/1") == Reply(400, {"field": "id"})


async def test_an_answer_without_a_body(answers: aioresponses, small: Door) -> None:
    """An empty body is nothing, and a body goes out as JSON."""
    answers.post("http://sendgate/events", status=202)
    assert await small.ask("POST", "/events", body=BLACKLISTED) == Reply(202, None)
    ((_, (call,)),) = answers.requests.items()
    assert call.kwargs["json"] == BLACKLISTED


@pytest.mark.parametrize(
    "failure",
    [aiohttp.ServerDisconnectedError(), aiohttp.ClientPayloadError(), ConnectionRefusedError(), TimeoutError()],
    ids=lambda failure: type(failure).__name__,
)
async def test_no_answer(answers: aioresponses, small: Door, failure: Exception) -> None:
    """Whatever goes wrong on the way is told as one thing: nobody answers."""
    answers.get("http://sendgate/health/ready", exception=failure)
    with pytest.raises(NoGate):
        await small.ask("GET", "/health/ready")


async def test_an_answer_that_is_no_json(answers: aioresponses, small: Door) -> None:
    """Whoever answers something else is no gate."""
    answers.get("http://sendgate/health/ready", body="<html>", content_type="text/html")
    with pytest.raises(NoGate):
        await small.ask("GET", "/health/ready")


# ── the real door ──


@pytest.fixture
def config(settings: Settings) -> Config:
    """Give the configuration of a gate that may or may not run."""
    return load(settings.write(), os.environ).config


async def test_without_a_gate(config: Config) -> None:
    """The command opens the store, does what it does, and leaves neither lock nor socket behind."""
    async with door(config, create=True) as own:
        assert (await own.ask("POST", "/events", body=BLACKLISTED)).status == 202
    async with door(config) as own:
        reply = await own.ask("GET", "/standing", query=ADDRESS)
    assert reply.body["items"][0]["blacklisted"]["origin"] == "cli"
    assert not sockets.path_of(config.store.path).exists()


async def test_beside_a_gate(gate: RunningGate) -> None:
    """What a command tells a running gate holds for its next send, and the operator needs no key."""
    async with door(gate.app.config) as through:
        assert (await through.ask("POST", "/events", body=BLACKLISTED)).status == 202
    assert (await gate.mail(A)).status == 400
    assert gate.metric("sendgate_events_total", event="Blacklisted", effect="applied") == 1


async def test_the_socket_is_for_the_operator_alone(gate: RunningGate) -> None:
    """A running gate's socket may be opened by its owner and nobody else."""
    mode = sockets.path_of(gate.app.config.store.path).stat().st_mode
    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)


async def test_the_operator_may_release(gate: RunningGate) -> None:
    """By the socket everything is open, a release included."""
    await gate.tell("Blacklisted", email=A)
    async with door(gate.app.config) as through:
        released = {"email": A, "events": [{"event": "Whitelisted"}]}
        assert (await through.ask("POST", "/events", body=released)).status == 202
    assert (await gate.mail(A)).status == 202


async def test_health_over_the_socket(gate: RunningGate) -> None:
    """The running gate says over its socket whether it is ready."""
    async with client(gate.app.config) as through:
        reply = await through.ask("GET", "/health/ready")
    assert (reply.status, reply.body["status"]) == (200, "ready")


async def test_nobody_there(config: Config) -> None:
    """Without a gate there is nobody to ask for its health."""
    with pytest.raises(NoGate):
        async with client(config) as through:
            await through.ask("GET", "/health/ready")


async def test_locked_by_something_else(config: Config) -> None:
    """Where something holds the store and does not answer, the command says so and writes nothing."""
    async with door(config, create=True):
        pass
    lock = os.open(f"{config.store.path}.lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(NoGate):
            async with door(config) as through:
                await through.ask("GET", "/standing", query=ADDRESS)
    finally:
        os.close(lock)


async def test_a_store_that_cannot_be_opened(config: Config) -> None:
    """A store whose folder is a file is told of, not made."""
    config.store.path.parent.parent.joinpath("data").write_text("no folder")
    with pytest.raises(StoreUnavailable):
        async with door(config, create=True):
            pass


async def test_who_only_looks_makes_no_store(config: Config) -> None:
    """Where there is no store and no gate, who does not say so makes none, and is told."""
    with pytest.raises(StoreUnavailable, match="there is no store at"):
        async with door(config):
            pass
    assert not config.store.path.parent.exists()


async def test_two_commands_at_once(config: Config) -> None:
    """Two commands without a gate do not lose each other's word: the second goes through the first, or fails."""

    async def blacklist(email: str) -> bool:
        try:
            async with door(config, create=True) as way:
                body = {"email": email, "events": [{"event": "Blacklisted"}]}
                return (await way.ask("POST", "/events", body=body)).status == 202
        except NoGate:
            return False

    done = await asyncio.gather(*(blacklist(f"{n}@example.com") for n in range(5)))
    async with door(config) as own:
        held = [
            bool((await own.ask("GET", "/standing", query={"address": f"{n}@example.com"})).body["items"])
            for n in range(5)
        ]
    assert any(done)
    assert [told and not kept for told, kept in zip(done, held, strict=True)] == [False] * 5
