"""Mailgun signs a time and a token: what somebody can do who has seen a signature, and what not."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import orjson
import pytest

from tests.conftest import JSON, OpenGate, RunningGate, Upstream

KEY, TOKEN = "a-signing-key", "t" * 50
ADA, BOB = "ada@example.com", "bob@example.com"


def event(recipient: str, word: str = "unsubscribed", **more: Any) -> dict[str, Any]:
    """Give an event of a minute ago."""
    at = int(time.time()) - 60
    return {"event": word, "recipient": recipient, "timestamp": at, "id": f"{word} {recipient}", **more}


async def tell(gate: RunningGate, told: dict[str, Any]) -> int:
    """Tell an event beside a signature that is always the same."""
    at = str(int(time.time()))
    made = hmac.new(KEY.encode(), f"{at}{TOKEN}".encode(), hashlib.sha256).hexdigest()
    body = orjson.dumps({"signature": {"timestamp": at, "token": TOKEN, "signature": made}, "event-data": told})
    return (await gate.post("/webhooks/gun", body, JSON, door="public")).status


@pytest.fixture
async def gate(open_gate: OpenGate, upstream: Upstream) -> RunningGate:
    """Open a gate that takes Mailgun's webhooks."""
    return await open_gate(routes={"gun": {"provider": "mailgun", "upstream": upstream.url, "webhook": {"key": KEY}}})


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(event(BOB), id="about somebody else"),
        pytest.param(event(ADA, "delivered"), id="of another word"),
        pytest.param(event(ADA, "unsubscribed", timestamp=1), id="of another time"),
        pytest.param({"event": "unsubscribed", "recipient": 7, "id": f"unsubscribed {ADA}"}, id="that says nothing"),
    ],
)
async def test_a_forged_event_does_not_silence_the_true_one(gate: RunningGate, forged: dict[str, Any]) -> None:
    """Whatever somebody tells first beside a signature that was seen, the true event is learned."""
    assert await tell(gate, forged) == 200
    assert await tell(gate, event(ADA)) == 200
    assert (await gate.mail(ADA)).get("X-Sendgate-Reasons") == "opted_out_channel"


async def test_a_forged_event_releases_nobody(gate: RunningGate) -> None:
    """No word beside a seen signature takes anything back."""
    assert await tell(gate, event(ADA)) == 200
    for word in ("resubscribed", "subscribed", "delivered", "opened", "clicked", "unsubscribe", "Whitelisted"):
        assert await tell(gate, event(ADA, word)) == 200
    assert (await gate.mail(ADA)).get("X-Sendgate-Reasons") == "opted_out_channel"


async def test_what_is_told_again_is_learned_once(gate: RunningGate) -> None:
    """The same event is known again."""
    told = event(ADA)
    assert [await tell(gate, told), await tell(gate, told)] == [200, 200]
    assert gate.metric("sendgate_webhook_items_total", route="gun", effect="applied") == 1
    assert gate.metric("sendgate_webhook_items_total", route="gun", effect="repeated") == 1
