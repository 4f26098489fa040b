"""ops/alerts.yml and ops/prometheus.yml: every alert asks for what there is, is seen to fire, and has a runbook."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from proxy.config import Config
from tests.conftest import RunningGate
from tests.ops.conftest import OPERATIONS, OPS, ROOT, VALUES, alerts, anchors, loaded, needs, run, wrong_in


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        pytest.param("sendgate_nothing_total", ["sendgate_nothing_total"], id="no such series"),
        pytest.param(
            'sendgate_sends_total{reason="x"}', ["sendgate_sends_total{reason}", "reason=x"], id="no such label"
        ),
        pytest.param('sendgate_dispatch_failed_total{reason=~"blacklisted|lost"}', ["reason=lost"], id="no such value"),
        pytest.param("sum by (route, shop) (sendgate_sends_total)", ["shop"], id="grouped by nothing"),
        pytest.param("1 + 1", ["no series"], id="nothing asked"),
        pytest.param('sum by (route) (rate(sendgate_sends_total{route=~"$route"}[5m]))', [], id="nothing wrong"),
    ],
)
def test_a_wrong_query_is_seen(query: str, wrong: list[str]) -> None:
    """What no scrape can bring is found in a query, and nothing else is."""
    assert list(wrong_in(query)) == wrong


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    """Every series, label and closed value in an alert's expression exists."""
    assert list(wrong_in(rule["expr"])) == []


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_leads_to_its_runbook(rule: dict[str, Any]) -> None:
    """An alert says what is wrong and how bad, and names a heading of operations.md that is there."""
    notes = rule["annotations"]
    page, _, anchor = notes["runbook"].partition("#")
    assert set(notes) == {"summary", "description", "runbook"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert ROOT / page == OPERATIONS
    assert anchor == rule["alert"].lower()
    assert anchor in anchors(OPERATIONS)


def test_every_runbook_has_its_alert() -> None:
    """The headings under Runbooks are the alerts, each once and in their order or another."""
    headings = re.findall(r"^### (\w+)$", OPERATIONS.read_text().partition("## Runbooks")[2], re.MULTILINE)
    assert sorted(headings) == sorted(rule["alert"] for rule in alerts())


def test_every_alert_is_seen_to_fire() -> None:
    """alerts_test.yml has a case in which each alert fires."""
    fired = [
        re.findall(r'alertname="(\w+)"', sample["labels"])[0]
        for test in loaded("alerts_test.yml")["tests"]
        for asked in test["promql_expr_test"]
        for sample in asked.get("exp_samples", ())
    ]
    assert set(fired) == {rule["alert"] for rule in alerts()}


@needs("promtool")
def test_promtool_takes_the_rules() -> None:
    """Promtool finds no fault in the alerts nor in the scrape example, and every case of alerts_test.yml holds."""
    run("promtool", "check", "rules", OPS / "alerts.yml")
    run("promtool", "check", "config", OPS / "prometheus.yml")
    run("promtool", "test", "rules", OPS / "alerts_test.yml")


@needs("promtool")
async def test_promtool_takes_the_metrics(gate: RunningGate) -> None:
    """Promtool finds nothing to say about the names, units and help texts of what a gate exposes."""
    await gate.tell("Blacklisted", email="bob@example.com")
    await gate.mail("bob@example.com")
    exposed = await gate.api("GET", "/metrics", door="ops")
    assert await asyncio.to_thread(run, "promtool", "check", "metrics", stdin=exposed.body) == ""


def test_the_scrape_example_fits_the_gate() -> None:
    """prometheus.yml scrapes the ops listener's default address, by the job name that the alerts ask for."""
    (job,) = loaded("prometheus.yml")["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [str(Config().listen.ops.address)]
    assert [job["job_name"]] == VALUES["job"]
    assert loaded("prometheus.yml")["rule_files"] == ["alerts.yml"]
