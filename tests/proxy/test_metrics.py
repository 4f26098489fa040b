"""What Prometheus sees: closed labels, zeroed at the start, and one count for each thing that happened."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from policy.events import Word
from policy.model import Ending
from policy.reasons import Reason
from tests.conftest import JSON, MAIL, OpenGate, RunningGate, Upstream, breaks_off, reply, request

A, B = "a@example.com", "b@example.com"
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scraped(gate: RunningGate, door: str = "ops") -> Series:
    """Scrape the gate, and give each sample by its name and labels."""
    answer = await gate.api("GET", "/metrics", door=door)
    assert (answer.status, (answer.get("Content-Type") or "").split(";")[0]) == (200, "text/plain")
    families = text_string_to_metric_families(answer.body.decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def changed(gate: RunningGate, before: Series) -> dict[str, float]:
    """Give the counters that moved since a scrape, written as `name label label: by how much`."""
    after = await scraped(gate)
    moved = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    counters = {key: by for key, by in moved.items() if key[0].endswith("_total") and key[0].startswith("sendgate_")}
    return {" ".join([name, *(value for _, value in labels)]): by for (name, labels), by in counters.items()}


async def test_everything_is_zero_at_the_start(gate: RunningGate) -> None:
    """Whatever a route may bring about is there as zero before anything happened."""
    series = await scraped(gate)
    for ending in Ending:
        labels = {"route": "mail", "provider": "sendgrid", "channel": "MAIL", "class": "marketing", "outcome": ending}
        assert series["sendgate_sends_total", tuple(sorted(labels.items()))] == 0
    for reason in Reason:
        for enforced in ("true", "false"):
            labels = {"route": "text", "reason": reason, "enforced": enforced}
            assert series["sendgate_dispatch_failed_total", tuple(sorted(labels.items()))] == 0
    for word in Word:
        assert series["sendgate_events_total", (("effect", "applied"), ("event", word))] == 0


async def test_names_keep_to_the_conventions(gate: RunningGate) -> None:
    """The gate's own metrics have its prefix and base units, and every family has a sentence of help."""
    text = (await gate.api("GET", "/metrics", door="ops")).body.decode()
    families = list(text_string_to_metric_families(text))
    own = [family for family in families if not family.name.startswith(("process_", "python_"))]
    assert len(own) > 10
    assert [f.name for f in own if not f.name.startswith("sendgate_") or not f.documentation.endswith(".")] == []
    assert [f.name for f in own if f.name.endswith(("_ms", "_milliseconds", "_kb", "_created"))] == []


async def test_each_ending_is_counted_once(open_gate: OpenGate, upstream: Upstream) -> None:
    """A forwarded, a trimmed, a refused and a failed send each move their own counters, and no other."""
    gate = await open_gate()
    await gate.tell("Blacklisted", email=A)
    at = await scraped(gate)
    await gate.mail(B)
    assert await changed(gate, at) == {
        "sendgate_sends_total MAIL marketing forwarded sendgrid mail": 1,
        "sendgate_recipients_total MAIL marketing sendgrid mail passed": 1,
        "sendgate_upstream_responses_total mail 202": 1,
    }
    at = await scraped(gate)
    await gate.mail(A, B)
    assert await changed(gate, at) == {
        "sendgate_sends_total MAIL marketing trimmed sendgrid mail": 1,
        "sendgate_recipients_total MAIL marketing sendgrid mail passed": 1,
        "sendgate_recipients_total MAIL marketing sendgrid mail refused": 1,
        "sendgate_dispatch_failed_total true blacklisted mail": 1,
        "sendgate_upstream_responses_total mail 202": 1,
    }
    at = await scraped(gate)
    await gate.mail(A, A)
    assert await changed(gate, at) == {
        "sendgate_sends_total MAIL marketing refused sendgrid mail": 1,
        "sendgate_recipients_total MAIL marketing sendgrid mail refused": 2,
        "sendgate_dispatch_failed_total true blacklisted mail": 2,
    }
    at = await scraped(gate)
    upstream.answer = breaks_off()
    await gate.mail(B)
    moved = await changed(gate, at)
    assert moved["sendgate_sends_total MAIL marketing failed sendgrid mail"] == 1
    assert moved["sendgate_dispatch_failed_total true upstream_timeout mail"] == 1


@pytest.mark.parametrize(
    ("raw", "counter"),
    [
        pytest.param(request("GET", "/mail/v3/x"), "none none passed_through sendgrid mail", id="harmless"),
        pytest.param(request("POST", "/mail/v3/x", [JSON], b""), "none none refused sendgrid mail", id="unknown"),
        pytest.param(request("POST", f"/mail{MAIL}", [JSON], b"{"), "none none refused sendgrid mail", id="unreadable"),
        pytest.param(request("GET", f"/{A}/{B}"), "none none refused none none", id="no route"),
    ],
)
async def test_what_was_not_judged_is_counted(gate: RunningGate, raw: bytes, counter: str) -> None:
    """A request that ended before its class was known is counted under none."""
    at = await scraped(gate)
    await gate.ask(raw)
    assert (await changed(gate, at))[f"sendgate_sends_total {counter}"] == 1


async def test_no_request_brings_a_new_label(gate: RunningGate, upstream: Upstream) -> None:
    """Whatever senders and callers say, no series appears that was not there, but for statuses of the provider."""
    before = set(await scraped(gate))
    await gate.tell("Blacklisted", email=A)
    claims = [("X-Sendgate-Campaign", A), ("X-Sendgate-Class", B), ("X-Sendgate-Business-Unit", A)]
    await gate.mail(A, B, headers=claims, categories=[A])
    await gate.text("whatsapp:+4915112345678")
    await gate.ask(request("GET", f"/{A}"))
    await gate.ask(request("TRACE", "/mail/x"))
    upstream.answer = reply(418)
    await gate.mail(B)
    await gate.api("PUT", f"/users/{A}", {"email": A})
    new = {key for key in set(await scraped(gate)) - before if not key[0].startswith("sendgate_upstream_responses")}
    assert new == set()


EVENTS: list[tuple[dict[str, Any], str, str]] = [
    ({"event": "Blacklisted"}, "Blacklisted", "applied"),
    ({"event": "Opt Out", "timestamp": "2022-01-11T00:00:00Z"}, "Opt Out", "applied"),
    ({"event": "Opt Out", "timestamp": "2022-01-11T00:00:00Z"}, "Opt Out", "repeated"),
    ({"event": "Completed Order"}, "other", "kept"),
]


async def test_events_are_counted_by_effect(open_gate: OpenGate) -> None:
    """An event is counted by its name and by what became of it; names of the operator's own are counted together."""
    gate = await open_gate(events={"accept": ["Completed Order"]})
    for event, name, effect in EVENTS:
        before = gate.metric("sendgate_events_total", event=name, effect=effect)
        assert (await gate.api("POST", "/events", {"email": A, "events": [event]})).status == 202
        assert gate.metric("sendgate_events_total", event=name, effect=effect) == before + 1


async def test_a_profile_that_would_release_is_counted(gate: RunningGate) -> None:
    """A yes inside a profile is ignored and counted by the word that it would be."""
    await gate.user("1", email=A, blacklisted=False, optOut=None)
    assert gate.metric("sendgate_events_total", event="Whitelisted", effect="ignored") == 1
    assert gate.metric("sendgate_events_total", event="Opt In", effect="ignored") == 1


async def test_times_and_sizes(gate: RunningGate) -> None:
    """Judging, the provider's answer and commits are timed; the store's rows and files are measured."""
    await gate.tell("Blacklisted", email=A)
    await gate.mail(B)
    await gate.app.health.measure()
    series = await scraped(gate)
    assert series["sendgate_judging_seconds_count", (("route", "mail"),)] == 1
    assert series["sendgate_upstream_seconds_count", (("route", "mail"),)] == 1
    assert series["sendgate_store_commit_seconds_count", ()] >= 1
    assert series["sendgate_store_rows", (("table", "leads"),)] == 1
    assert series["sendgate_store_rows", (("table", "suppressed"),)] == 1
    assert series["sendgate_store_bytes", (("file", "database"),)] > 0
    assert [key for key in series if key[0] == "sendgate_build_info"]


async def test_the_api_shows_the_same(gate: RunningGate) -> None:
    """/metrics is answered on the api listener too."""
    assert {name for name, _ in await scraped(gate, "api")} == {name for name, _ in await scraped(gate)}
