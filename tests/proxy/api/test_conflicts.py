"""GET /conflicts: where providers' lists and the standing disagree, page by page, until somebody says it is settled."""

from __future__ import annotations

from typing import Any

import pytest

from policy.events import Claim, Subject, Told
from policy.identity import email_keys
from policy.model import Channel
from tests.conftest import OpenGate, RunningGate

A = "a@example.com"


async def unheeded(gate: RunningGate, *emails: str) -> None:
    """Let a provider tell unsubscribes that are only written down."""
    for email in emails:
        subject = Subject(email=email, email_keys=email_keys(email), everybody=True)
        claim = Claim("mail:news", Channel.MAIL, suppresses=True)
        item = Told(subject, "Unsubscribe", None, "provider:sendgrid", notice=email, claim=claim)
        await gate.app.policy.learn([item])


async def listed(gate: RunningGate, query: str = "") -> list[dict[str, Any]]:
    """Give one page of conflicts."""
    items: list[dict[str, Any]] = (await gate.api("GET", f"/conflicts{query}")).json["items"]
    return items


async def test_none(gate: RunningGate) -> None:
    """Where everybody agrees the list is empty."""
    assert (await gate.api("GET", "/conflicts")).json == {"items": [], "next": None}


async def test_one(gate: RunningGate) -> None:
    """A conflict says who, which provider, which list there, and since when."""
    await gate.user("1", email=A, businessUnit="DE")
    await unheeded(gate, A)
    (found,) = await listed(gate)
    assert found.pop("at").endswith("Z")
    assert found == {
        "id": "1",
        "conflict": "not_taken_over",
        "provider": "sendgrid",
        "route": "mail",
        "list": "news",
        "channel": "MAIL",
        "user": "1",
        "businessUnit": "DE",
        "address": A,
    }
    await gate.tell("Opt Out", id="1")
    assert await listed(gate) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_paging(gate: RunningGate, limit: int) -> None:
    """The cursor leads through every open conflict once."""
    await unheeded(gate, *(f"{name}@example.com" for name in "abcde"))
    whole, seen, cursor = await listed(gate), [], "0"
    while cursor is not None:
        page = (await gate.api("GET", f"/conflicts?limit={limit}&cursor={cursor}")).json
        seen += page["items"]
        cursor = page["next"]
    assert (len(whole), seen) == (5, whole)


async def test_settled(gate: RunningGate) -> None:
    """What is settled is listed no more, and the person's timeline keeps it and that it was."""
    await gate.user("1", email=A)
    await unheeded(gate, A)
    assert (await gate.api("DELETE", "/conflicts/1")).status == 204
    assert (await gate.api("DELETE", "/conflicts/1")).status == 404
    assert (await gate.api("DELETE", "/conflicts/x")).status == 404
    assert await listed(gate) == []
    told = [line["event"] for line in (await gate.api("GET", "/users/1/events")).json["items"]]
    assert told[:2] == ["Provider Conflict Settled", "Provider Conflict"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("cursor=x", "cursor"), ("cursor=-1", "cursor"), ("limit=0", "limit"), ("kind=x", "kind")],
)
async def test_a_wrong_question(gate: RunningGate, query: str, field: str) -> None:
    """What cannot be read is a fault of the parameter."""
    answer = await gate.api("GET", f"/conflicts?{query}")
    assert (answer.status, answer.json["field"]) == (400, field)


async def test_a_route_that_is_none(open_gate: OpenGate) -> None:
    """A conflict of a list that no configuration names, as of an import, is counted under no route."""
    gate = await open_gate()
    await gate.user("1", email=A)
    claim = Claim("elsewhere:", Channel.MAIL, suppresses=True)
    subject = Subject(email=A, email_keys=email_keys(A), everybody=True)
    item = Told(subject, "Unsubscribe", None, "provider:sendgrid", notice="1", claim=claim)
    await gate.app.policy.learn([item])
    assert gate.metric("sendgate_conflicts_total", route="none", kind="not_taken_over") == 1
