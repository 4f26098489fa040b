"""A route's own credential that stands in the body: written into every call, and into nothing that the gate says."""

from __future__ import annotations

import json

import pytest

from proxy.accounts import Body
from proxy.credentials import Leaving, credential
from proxy.headers import Unsendable
from proxy.providers import mandrill
from proxy.units import Secret
from tests.conftest import JSON, OpenGate, RunningGate, Upstream, reply

A, B = "a@example.com", "b@example.com"
SEND = "/md/api/1.3/messages/send.json"
LOCAL = ("Host", "localhost")
SENT = b'[{"email":"a@example.com","status":"sent","_id":"1","reject_reason":null}]'


async def opened(open_gate: OpenGate, upstream: str) -> RunningGate:
    """Start a gate with a route that holds its key."""
    route = {"provider": "mandrill", "upstream": upstream, "auth": {"kind": "body", "key": "gates-own"}}
    return await open_gate(routes={"md": route})


def body(*to: str) -> bytes:
    """Write a send with the sender's own key."""
    message = {"subject": "Hi", "text": "1.10", "to": [{"email": each} for each in to]}
    return json.dumps({"message": message, "key": "senders-own", "async": False}).encode()


async def test_the_gate_shows_its_own_key(open_gate: OpenGate, upstream: Upstream) -> None:
    """The provider gets the gate's key where the sender's stood, no credential in a header, and else the same bytes."""
    gate = await opened(open_gate, upstream.url)
    upstream.answer = reply(200, SENT, JSON)
    answer = await gate.post(SEND, body(A), JSON, LOCAL, ("Authorization", "Basic senders-own"), ("X-Kept", "k"))
    (sent,) = upstream.heard
    assert (answer.status, answer.body) == (200, SENT)
    assert sent.body == body(A).replace(b"senders-own", b"gates-own")
    assert (sent.get("Authorization"), sent.get("X-Kept"), sent.get("Content-Length")) == (
        None,
        "k",
        str(len(sent.body)),
    )


async def test_a_trimmed_send_and_a_harmless_call_have_it_too(open_gate: OpenGate, upstream: Upstream) -> None:
    """Whatever leaves the route has the key, whether the gate read it or not, and whatever the sender showed."""
    gate = await opened(open_gate, upstream.url)
    await gate.tell("Blacklisted", email=B)
    upstream.answer = reply(200, SENT, JSON)
    await gate.post(SEND, body(B, A), JSON, LOCAL)
    await gate.post("/md/api/1.0/users/ping.json", b"{}", JSON, LOCAL)
    await gate.post("/md/api/1.0/users/ping2.json", b"", LOCAL)
    trimmed, ping, nothing = upstream.heard
    assert (trimmed.json["key"], [each["email"] for each in trimmed.json["message"]["to"]]) == ("gates-own", [A])
    assert ping.body == nothing.body == b'{"key":"gates-own"}'


@pytest.mark.parametrize("given", [b"key=senders-own", b'{"key":"senders-own","Key":"x"}', b'{"KEY":"senders-own"}'])
async def test_a_call_that_cannot_hold_it_is_refused(open_gate: OpenGate, upstream: Upstream, given: bytes) -> None:
    """A body into which no key can be written does not leave, and no key stands in what the sender hears."""
    gate = await opened(open_gate, upstream.url)
    answer = await gate.post("/md/api/1.0/users/ping.json", given, JSON, LOCAL)
    assert (answer.status, answer.json["status"], upstream.heard) == (400, "error", [])
    assert b"-own" not in answer.body


@pytest.mark.parametrize("given", [None, b"", b'{"a":1}'])
def test_a_key_is_written_over_whatever_there_is(given: bytes | None) -> None:
    """The credential asks for the whole body, and makes one where there is none."""
    shows = credential(Body(kind="body", key=Secret("gates-own")), mandrill, "sandbox")
    assert shows is not None
    assert shows.whole
    leaving = shows.show(Leaving("POST", "/", ((b"authorization", b"x"),), given))
    assert (json.loads(leaving.body or b"")["key"], leaving.headers) == ("gates-own", ())


def test_a_body_that_cannot_hold_it_is_told_without_it() -> None:
    """The error says what is wrong and names neither key."""
    shows = credential(Body(kind="body", key=Secret("gates-own")), mandrill, "sandbox")
    assert shows is not None
    with pytest.raises(Unsendable) as refused:
        shows.show(Leaving("POST", "/", (), b'["senders-own"]'))
    assert "own" not in str(refused.value)


async def test_the_sandbox_keeps_no_key(open_gate: OpenGate) -> None:
    """What the sandbox shows has neither the gate's key nor the sender's."""
    gate = await opened(open_gate, "sandbox")
    answer = await gate.post(SEND, body(A), JSON, LOCAL)
    (kept,) = (await gate.api("GET", "/sandbox/messages")).json["items"]
    assert (answer.status, answer.json[0]["status"]) == (200, "sent")
    assert (json.loads(kept["body"])["key"], "own" in kept["body"]) == ("…", False)


async def test_the_sandbox_keeps_nothing_that_might_hold_one(open_gate: OpenGate) -> None:
    """What cannot be read and passes all the same is kept without its body."""
    route = {"provider": "mandrill", "upstream": "sandbox", "on_unreadable": "pass"}
    gate = await open_gate(routes={"md": route})
    await gate.post(SEND, b"key=senders-own", JSON, LOCAL)
    (kept,) = (await gate.api("GET", "/sandbox/messages")).json["items"]
    assert kept["body"] == ""
