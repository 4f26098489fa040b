"""GET /users/{id}/events: what was told of a user and what was not sent to them, newest first."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import OpenGate, RunningGate

A = "a@example.com"


async def lines(gate: RunningGate, query: str = "") -> list[dict[str, Any]]:
    """Give one page of the first user's timeline."""
    items: list[dict[str, Any]] = (await gate.api("GET", f"/users/1/events{query}")).json["items"]
    return items


async def test_what_was_told_and_what_was_not_sent(gate: RunningGate) -> None:
    """Profile, events and dispatch failed records stand in one list, the newest first."""
    await gate.user("1", email=A)
    await gate.tell("Opt Out", "MAIL", id="1")
    await gate.mail(A, headers=[("X-Sendgate-Campaign", "autumn")])
    failed, opted_out, profile = await lines(gate)
    assert (failed["event"], failed["properties"]["reason"]) == ("Dispatch Failed", "opted_out_channel")
    assert failed["properties"]["campaign"] == "autumn"
    assert (opted_out["event"], opted_out["channel"], opted_out["origin"]) == ("Opt Out", "MAIL", "event")
    assert profile["event"] == "User Updated"


async def test_nobody(gate: RunningGate) -> None:
    """An unknown user has no timeline: 404, empty."""
    answer = await gate.api("GET", "/users/1/events")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_paging(gate: RunningGate, limit: int) -> None:
    """The cursor leads through every line once, in the order of the whole list."""
    await gate.user("1", email=A)
    for _ in range(3):
        await gate.tell("Blacklisted", id="1")
        await gate.mail(A)
    whole = await lines(gate)
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = (await gate.api("GET", f"/users/1/events{query}")).json
        seen += page["items"]
        cursor = page["next"]
    assert (len(whole), seen) == (7, whole)


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("limit=0", ("limit", "WRONG_VALUE")),
        ("cursor=x", ("cursor", "WRONG_FORMAT")),
        ("cursor=1.event", ("cursor", "WRONG_FORMAT")),
        ("reason=x", ("reason", "UNKNOWN_VALUE")),
    ],
)
async def test_faults(gate: RunningGate, query: str, fault: tuple[str, str]) -> None:
    """A parameter that nobody reads, or that cannot be read, is a fault."""
    await gate.user("1")
    answer = await gate.api("GET", f"/users/1/events?{query}")
    assert (answer.status, answer.json) == (400, {"field": fault[0], "type": fault[1]})


async def test_times_from_long_ago_are_paged(open_gate: OpenGate) -> None:
    """Events stated before 1970, as systems write a time they do not know, are paged like all others."""
    gate = await open_gate(events={"accept": ["Registered"]})
    for year in ("0001", "1969", "2020"):
        event = {"event": "Registered", "timestamp": f"{year}-01-01T00:00:00Z"}
        assert (await gate.api("POST", "/events", {"id": "1", "events": [event]})).status == 202
    seen, cursor = [], ""
    while cursor is not None:
        page = (await gate.api("GET", f"/users/1/events?limit=1{cursor and f'&cursor={cursor}'}")).json
        seen += [line["timestamp"] for line in page["items"]]
        cursor = page["next"]
    assert seen == [f"{year}-01-01T00:00:00Z" for year in ("2020", "1969", "0001")]
