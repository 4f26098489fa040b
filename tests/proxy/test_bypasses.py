"""Switches past the provider's own suppression: taken out and told, refused, or let pass, as the route says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import ACCEPTED, OpenGate, RunningGate, Upstream

ADA, BOB = "ada@example.com", "bob@example.com"
SWITCH: dict[str, Any] = {"mail_settings": {"bypass_list_management": {"enable": True}, "footer": {"enable": False}}}
NAME = "mail_settings.bypass_list_management"


def settings_of(body: bytes) -> Any:
    """Give the mail settings that reached the provider."""
    return json.loads(body)["mail_settings"]


async def test_a_bypass_is_taken_out(gate: RunningGate, upstream: Upstream) -> None:
    """By default the switch goes, everything else stays, and header and metric tell it."""
    upstream.answer = ACCEPTED
    answer = await gate.mail(ADA, **SWITCH)
    assert (answer.status, answer.get("X-Sendgate-Stripped"), answer.get("X-Sendgate-Outcome")) == (
        202,
        NAME,
        "forwarded",
    )
    assert settings_of(upstream.heard[0].body) == {"footer": {"enable": False}}
    assert gate.metric("sendgate_bypasses_stripped_total", route="mail") == 1


async def test_a_bypass_goes_with_the_refused(gate: RunningGate, upstream: Upstream) -> None:
    """A send that is trimmed anyway loses its switch in the same step."""
    upstream.answer = ACCEPTED
    await gate.tell("Blacklisted", email=ADA)
    answer = await gate.mail(ADA, BOB, **SWITCH)
    assert (answer.get("X-Sendgate-Stripped"), answer.get("X-Sendgate-Outcome")) == (NAME, "trimmed")
    assert settings_of(upstream.heard[0].body) == {"footer": {"enable": False}}
    assert [each["to"] for each in json.loads(upstream.heard[0].body)["personalizations"]] == [[{"email": BOB}]]


async def test_a_bypass_is_refused_where_the_route_says_so(open_gate: OpenGate, upstream: Upstream) -> None:
    """With `refuse` nothing goes out, the reason is its own, and the record has it."""
    gate = await open_gate(policy={"on_bypass": "refuse"})
    answer = await gate.mail(ADA, **SWITCH)
    assert (answer.status, answer.get("X-Sendgate-Reasons"), upstream.heard) == (400, "bypass_refused", [])
    assert await gate.reasons() == ["bypass_refused"]
    assert (await gate.mail(ADA)).status == 202


async def test_a_bypass_passes_where_the_route_says_so(open_gate: OpenGate, upstream: Upstream) -> None:
    """With `pass` the send goes out as it came, marked; whoever is refused is refused all the same."""
    gate = await open_gate(policy={"on_bypass": "pass"})
    upstream.answer = ACCEPTED
    answer = await gate.mail(ADA, **SWITCH)
    assert (answer.status, answer.get("X-Sendgate-Passed")) == (202, "on_bypass")
    assert settings_of(upstream.heard[0].body) == SWITCH["mail_settings"]
    await gate.tell("Blacklisted", email=ADA)
    assert (await gate.mail(ADA, **SWITCH)).status == 400
    assert len(upstream.heard) == 1


@pytest.mark.parametrize("on_bypass", ["strip", "refuse"])
async def test_shadow_mode_forwards_what_came(open_gate: OpenGate, upstream: Upstream, on_bypass: str) -> None:
    """In shadow mode nothing is taken out."""
    gate = await open_gate(policy={"mode": "shadow", "on_bypass": on_bypass})
    upstream.answer = ACCEPTED
    assert (await gate.mail(ADA, **SWITCH)).status == 202
    assert settings_of(upstream.heard[0].body) == SWITCH["mail_settings"]


async def test_an_allow_list_judges_a_bypassing_send_itself(open_gate: OpenGate, upstream: Upstream) -> None:
    """An allow-list refuses whom it does not name; it takes no offence at the switch."""
    gate = await open_gate(policy={"allow_only": [ADA], "on_bypass": "pass"})
    upstream.answer = ACCEPTED
    assert (await gate.mail(ADA, **SWITCH)).status == 202
    assert (await gate.mail(BOB, **SWITCH)).get("X-Sendgate-Reasons") == "not_allowlisted"
