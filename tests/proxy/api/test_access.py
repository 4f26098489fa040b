"""Who may use the API: keys with scopes, or, without keys, whoever is on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import JSON, Message, OpenGate, Pair, RunningGate, request

A = "a@example.com"
LOCAL = ("Host", "localhost:8081")


def keys(*scopes: str) -> dict[str, Any]:
    """Write a configuration with a key of these scopes, and another that opens nothing."""
    entries = [
        {"name": "crm", "key": ["crm-new", "crm-old"], "scopes": list(scopes)},
        {"name": "none", "key": "none", "scopes": []},
    ]
    return {"api": {"keys": entries}}


def bearer(key: str) -> dict[str, str]:
    """Show a key."""
    return {"Authorization": f"Bearer {key}"}


# ── keys ──


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([("Authorization", "Bearer crm-new")], 404, id="Bearer"),
        pytest.param([("Authorization", "bearer crm-new")], 404, id="bearer, in any case"),
        pytest.param([("Authorization", "Bearer crm-old")], 404, id="the old key, during rotation"),
        pytest.param([("X-XNG-AuthToken", "crm-new")], 404, id="X-XNG-AuthToken"),
        pytest.param([("x-xng-authtoken", "crm-new")], 404, id="in any case"),
        pytest.param([("X-XNG-AuthToken", "crm-new"), ("X-XNG-ApiVersion", "1")], 404, id="with a version"),
        pytest.param([("X-XNG-AuthToken", "crm-new"), ("Authorization", "Bearer crm-new")], 404, id="both alike"),
        pytest.param([("X-XNG-AuthToken", "crm-new"), ("Authorization", "Bearer none")], 401, id="two that differ"),
        pytest.param([("Authorization", "Bearer crm-new"), ("Authorization", "Bearer x")], 401, id="twice, differing"),
        pytest.param([("Authorization", "Basic crm-new")], 401, id="another scheme"),
        pytest.param([("Authorization", "crm-new")], 401, id="no scheme"),
        pytest.param([("Authorization", "Bearer crm-ne")], 401, id="half a key"),
        pytest.param([("Authorization", "Bearer CRM-NEW")], 401, id="another case"),
        pytest.param([("Authorization", "Bearer")], 401, id="nothing behind Bearer"),
        pytest.param([("Authorization", "Bearer \xff")], 401, id="a key that is no text"),
        pytest.param([("X-XNG-AuthToken", "")], 401, id="an empty key"),
        pytest.param([], 401, id="no key"),
        pytest.param([("Cookie", "X-XNG-AuthToken=crm-new")], 401, id="a key in another place"),
    ],
)
async def test_keys(open_gate: OpenGate, headers: list[Pair], status: int) -> None:
    """A right key opens the door in either header; anything else is 401 with an empty body."""
    gate = await open_gate(**keys("users"))
    answer = await gate.ask(request("GET", "/users/nobody", headers), "api")
    assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize("path", ["/", "/nothing", "/users/1/nothing", "/blacklists"])
async def test_a_stranger_learns_no_paths(open_gate: OpenGate, path: str) -> None:
    """Without a key every path looks the same."""
    gate = await open_gate(**keys("users"))
    assert (await gate.api("GET", path)).status == 401
    assert (await gate.api("GET", path, headers=bearer("crm-new"))).status == 404


# ── scopes ──

EVENT = {"email": A, "events": [{"event": "Blacklisted"}]}
OPENS: list[tuple[str, str, str, Any]] = [
    ("events", "POST", "/events", EVENT),
    ("users", "GET", "/users/1", None),
    ("users", "PUT", "/users/1", {}),
    ("users", "DELETE", "/users/1", None),
    ("users", "DELETE", "/users/xngId/1", None),
    ("users", "GET", "/users/1/blacklist-status", None),
    ("users", "PUT", "/users/1/blacklist-status", {"blacklisted": True}),
    ("users", "GET", "/users/1/optout-status", None),
    ("users", "PUT", "/users/1/optout-status", {"optOut": True}),
    ("users", "GET", "/users/1/recipient-status", None),
    ("users", "GET", "/users/1/events", None),
    ("users", "POST", "/users/batch", {"updated": []}),
    ("users", "POST", "/leads/", {"updated": []}),
    ("users", "GET", "/users/attributes", None),
    ("users", "POST", "/users/attributes", {}),
    ("users", "GET", "/users/attributes/1", None),
    ("users", "DELETE", "/users/attributes/1", None),
    ("users", "PUT", "/users", {}),
    ("users", "GET", f"/users/email/{A}", None),
    ("users", "GET", f"/users/email/{A}/bu/DE", None),
    ("users", "GET", "/users/track/2e312089-a987-45c6-adbd-b904bc4dfc97", None),
    ("users", "GET", f"/standing?address={A}", None),
    ("users", "POST", "/import", {"rows": []}),
    ("records", "GET", "/dispatch-failed", None),
    ("records", "GET", "/dispatch-failed/1", None),
    ("records", "GET", "/dispatch-failed/summary?by=reason", None),
    ("records", "GET", "/sandbox/messages", None),
    ("records", "GET", "/conflicts", None),
    ("admin", "DELETE", "/conflicts/1", None),
    ("blacklists", "GET", "/api/v1.0/blacklists/", None),
    ("blacklists", "POST", "/api/v1.0/blacklists/", {"Email": A}),
    ("blacklists", "GET", "/api/v1.0/blacklists/1", None),
    ("blacklists", "DELETE", "/api/v1.0/blacklists/1", None),
]


@pytest.mark.parametrize(("scope", "method", "path", "body"), OPENS, ids=lambda value: str(value)[:40])
async def test_scopes(open_gate: OpenGate, scope: str, method: str, path: str, body: Any) -> None:
    """Each endpoint is open to its own scope alone; beyond it the answer is 403, empty."""
    others = sorted({"users", "events", "records", "release", "blacklists", "admin"} - {scope})
    entries = [{"name": "own", "key": "own", "scopes": [scope]}, {"name": "rest", "key": "rest", "scopes": others}]
    gate = await open_gate(api={"keys": entries})
    refused = await gate.api(method, path, body, headers=bearer("rest"))
    assert (refused.status, refused.body) == (403, b"")
    assert (await gate.api(method, path, body, headers=bearer("own"))).status not in (401, 403, 405, 500)


RELEASES = [
    pytest.param("POST", "/events", {"id": "1", "events": [{"event": "Whitelisted"}]}, "event", id="Whitelisted"),
    pytest.param("POST", "/events", {"id": "1", "events": [{"event": "Opt In"}]}, "event", id="Opt In"),
    pytest.param("PUT", "/users/1/blacklist-status", {"blacklisted": False}, "blacklisted", id="blacklisted: false"),
    pytest.param("PUT", "/users/1/optout-status", {"optOut": False}, "optOut", id="optOut: false"),
    pytest.param("PUT", "/users/1/optout-status?channelType=SMS", {"optOut": False}, "optOut", id="optOut of SMS"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), RELEASES)
async def test_a_release_needs_its_scope(open_gate: OpenGate, method: str, path: str, body: Any, field: str) -> None:
    """Whatever releases somebody needs the scope for it; without, the answer says so and nothing changes."""
    every = ["users", "events", "records", "blacklists", "admin"]
    entries = [
        {"name": "most", "key": "most", "scopes": every},
        {"name": "all", "key": "all", "scopes": [*every, "release"]},
    ]
    gate = await open_gate(api={"keys": entries})
    everything = {"id": "1", "events": [{"event": "Blacklisted"}, {"event": "Opt Out"}]}
    assert (await gate.api("POST", "/events", everything, headers=bearer("most"))).status == 202
    before = (await gate.api("GET", "/users/1/recipient-status", headers=bearer("most"))).json
    answer = await gate.api(method, path, body, headers=bearer("most"))
    assert (answer.status, answer.json) == (403, {"field": field, "type": "MISSING_SCOPE"})
    assert (await gate.api("GET", "/users/1/recipient-status", headers=bearer("most"))).json == before
    assert (await gate.api(method, path, body, headers=bearer("all"))).status in (200, 202)


async def test_a_mixed_request_is_refused_whole(open_gate: OpenGate) -> None:
    """Where one event of a request would release, none of them is taken."""
    gate = await open_gate(**keys("users", "events"))
    events = [{"event": "Opt Out"}, {"event": "Whitelisted"}]
    body = {"email": A, "events": events}
    assert (await gate.api("POST", "/events", body, headers=bearer("crm-new"))).status == 403
    assert (await gate.api("GET", f"/standing?address={A}", headers=bearer("crm-new"))).json["items"] == []


async def test_the_journal_knows_the_key(open_gate: OpenGate) -> None:
    """Who told an event is kept by the key's name."""
    gate = await open_gate(**keys("users", "events"))
    await gate.api("POST", "/events", EVENT, headers=bearer("crm-old"))
    sources = await gate.app.policy.ask(lambda connection: connection.execute("SELECT source FROM event").fetchall())
    assert sources == [("crm",)]


# ── without keys ──


async def local(gate: RunningGate, method: str, *headers: Pair, body: bytes | None = None) -> Message:
    """Ask for a user without a key."""
    return await gate.ask(request(method, "/users/1", headers, body), "api")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8081", "127.0.0.1", "127.0.0.1:8081", "[::1]:8081", "localhost."]
)
async def test_this_machine_may(gate: RunningGate, host: str) -> None:
    """Without keys whoever calls this machine by a name of its own is let in."""
    assert (await local(gate, "PUT", ("Host", host), JSON, body=b"{}")).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "0.0.0.0",
        "10.0.0.1",
        "[::1",
        "",
        "\xff",
        "user@localhost",
    ],
)
async def test_a_foreign_host_may_not(gate: RunningGate, host: str) -> None:
    """A name that somebody else made lead here is refused: that is how a web page reaches this machine."""
    answer = await local(gate, "GET", ("Host", host))
    assert (answer.status, answer.body) == (403, b"")


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"])
async def test_a_proxy_may_not(gate: RunningGate, name: str) -> None:
    """Whatever came through a proxy came from elsewhere."""
    assert (await local(gate, "GET", LOCAL, (name, "127.0.0.1"))).status == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
async def test_a_form_may_not(gate: RunningGate, kind: str | None) -> None:
    """What any web page may send without asking is refused: a body must be declared as JSON."""
    headers = [LOCAL] + ([("Content-Type", kind)] if kind else [])
    assert (await local(gate, "PUT", *headers, body=b"{}")).status == 403
    assert (await local(gate, "GET", LOCAL)).status == 404


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(("Origin", "https://evil.test"), id="of a page elsewhere"),
        pytest.param(("Origin", "null"), id="of a page that hides its name"),
        pytest.param(("Sec-Fetch-Site", "cross-site"), id="of a page elsewhere, by a link"),
        pytest.param(("Sec-Fetch-Site", "same-site"), id="of a page of another door"),
    ],
)
async def test_a_web_page_may_not(gate: RunningGate, told: Pair) -> None:
    """What a browser sends for a page is refused, a POST without a body too, which no page has to ask leave for."""
    answers = [
        await gate.ask(request("POST", "/rebuild", [LOCAL, told]), "api"),
        await local(gate, "PUT", LOCAL, JSON, told, body=b"{}"),
        await local(gate, "GET", LOCAL, told),
    ]
    assert [answer.status for answer in answers] == [403, 403, 403]


async def test_a_browser_on_this_machine_may(gate: RunningGate) -> None:
    """What somebody typed into a browser here is no page's doing."""
    assert (await local(gate, "GET", LOCAL, ("Sec-Fetch-Site", "none"))).status == 404


async def test_a_key_without_keys(gate: RunningGate) -> None:
    """Where no key is configured, one that is shown does no harm."""
    assert (await gate.api("GET", "/users/1", headers={"X-XNG-AuthToken": "any"})).status == 404


async def test_with_keys_any_host_may(open_gate: OpenGate) -> None:
    """Where keys are configured, they alone decide, behind a proxy as well."""
    gate = await open_gate(**keys("users"))
    headers = [("Host", "gate.example.com"), ("X-Forwarded-For", "192.0.2.1"), ("X-XNG-AuthToken", "crm-new")]
    assert (await gate.ask(request("GET", "/users/1", headers), "api")).status == 404
