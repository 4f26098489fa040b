"""The operators' door as a whole: paths, methods, and every fault as an answer."""

from __future__ import annotations

import gzip

import pytest

from tests.conftest import JSON, OpenGate, RunningGate, request

LOCAL = ("Host", "localhost")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/", 404, id="the root"),
        pytest.param("GET", "/users", 405, id="no id"),
        pytest.param("GET", "/users/", 404, id="an empty id"),
        pytest.param("PUT", "/users//blacklist-status", 404, id="an empty id of a status"),
        pytest.param("GET", "/users/1/", 404, id="a slash behind"),
        pytest.param("GET", "/users/1/unheard", 404, id="a status that there is not"),
        pytest.param("GET", "/uSERS/1/blacklist-status", 404, id="another case"),
        pytest.param("POST", "/events//", 404, id="events with two slashes"),
        pytest.param("GET", "/events", 405, id="reading events"),
        pytest.param("PATCH", "/users/1", 405, id="PATCH"),
        pytest.param("DELETE", "/users/1/blacklist-status", 405, id="deleting a status"),
        pytest.param("DELETE", "/dispatch-failed/1", 405, id="deleting a record"),
        pytest.param("OPTIONS", "/events", 405, id="OPTIONS"),
        pytest.param("GET", "/mail/v3/mail/send", 404, id="a route"),
    ],
)
async def test_paths_are_exact(gate: RunningGate, method: str, path: str, status: int) -> None:
    """What is not an endpoint is 404 or 405 with an empty body."""
    answer = await gate.ask(request(method, path, [LOCAL]), "api")
    assert (answer.status, answer.body) == (status, b"")


async def test_the_api_never_forwards(gate: RunningGate) -> None:
    """A send is not taken by any other door than the senders'."""
    for door in ("api", "public", "ops"):
        raw = request("POST", "/sandbox/v3/mail/send", [LOCAL, JSON], b"{}")
        assert (await gate.ask(raw, door)).status == 404


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b" " * (4 << 20) + b"{}", [], 413, id="over 4 MiB"),
        pytest.param(gzip.compress(bytes(20 << 20)), [("Content-Encoding", "gzip")], 413, id="a gzip bomb"),
        pytest.param(b"no gzip", [("Content-Encoding", "gzip")], 400, id="not what its encoding says"),
        pytest.param(gzip.compress(b'{"email": "a@example.com"}'), [("Content-Encoding", "gzip")], 200, id="gzip"),
    ],
)
async def test_bodies(gate: RunningGate, body: bytes, headers: list[tuple[str, str]], status: int) -> None:
    """Bodies are bounded, as they come and inflated, and what cannot be inflated is a fault."""
    answer = await gate.ask(request("PUT", "/users/1", [LOCAL, JSON, *headers], body), "api")
    assert answer.status == status
    if status == 400:
        assert answer.json == {"field": "body", "type": "WRONG_FORMAT"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/events", {"id": "1", "events": [{"event": "Blacklisted"}]}),
        ("PUT", "/users/1", {}),
        ("GET", "/users/1", None),
        ("GET", "/users/1/recipient-status", None),
        ("GET", "/users/1/events", None),
        ("POST", "/users/batch", {"updated": [{"id": "1"}]}),
        ("GET", "/standing?address=a@example.com", None),
        ("GET", "/dispatch-failed", None),
        ("GET", "/dispatch-failed/1", None),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_without_a_store(gate: RunningGate, method: str, path: str, body: object) -> None:
    """Where the store is gone every endpoint says so with 503, Retry-After and an empty body."""
    gate.app.policy.database.path.unlink()
    answer = await gate.api(method, path, body)
    assert (answer.status, answer.get("Retry-After"), answer.body) == (503, "5", b"")


async def test_answers_are_json_in_utf_8(gate: RunningGate) -> None:
    """Bodies come as the contract says: JSON, and its charset named."""
    await gate.user("1", firstName="Jörg")
    answer = await gate.api("GET", "/users/1")
    assert (answer.get("Content-Type") or "").replace(" ", "").lower() == "application/json;charset=utf-8"
    assert "Jörg".encode() in answer.body


async def test_a_changed_key_of_a_running_gate(open_gate: OpenGate) -> None:
    """The door asks the configuration in force, not the one it was opened with."""
    gate = await open_gate()
    assert (await gate.api("GET", "/users/1")).status == 404
    entry = {"name": "crm", "key": "crm", "scopes": ["users"]}
    other = await open_gate(api={"keys": [entry]}, store={"path": str(gate.app.config.store.path) + "2"})
    gate.app.loaded = other.app.loaded
    assert (await gate.api("GET", "/users/1")).status == 401
