"""ops/grafana.json: a dashboard that any Grafana can import, whose every query asks for what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.ops.conftest import OPS, SELECTOR, SERIES, needs, run, wrong_in

DASHBOARD: Final = json.loads((OPS / "grafana.json").read_text())
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_there_is(panel: dict[str, Any]) -> None:
    """Every series, label and closed value in a panel's queries exists, and so does every label of its legend."""
    assert panel["targets"]
    for target in panel["targets"]:
        assert list(wrong_in(target["expr"])) == []
        labels = {label for name, _ in SELECTOR.findall(target["expr"]) for label in SERIES[name]}
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


def test_every_metric_has_a_panel() -> None:
    """Whatever sendgate_* a gate exposes is shown somewhere on the dashboard."""
    shown = {name for panel in PANELS for target in panel["targets"] for name, _ in SELECTOR.findall(target["expr"])}
    parts = re.compile(r"_(?:bucket|sum|count)$")
    families = {parts.sub("", name) for name in SERIES if name.startswith("sendgate_")}
    assert families <= {parts.sub("", name) for name in shown}


def test_the_dashboard_can_be_imported_anywhere() -> None:
    """It lets the reader choose the data source, knows all variables it uses, and its panels do not overlap."""
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    sources = {panel["datasource"]["uid"] for panel in PANELS}
    asked = set(re.findall(r"\$(\w+)", " ".join(target["expr"] for panel in PANELS for target in panel["targets"])))
    assert isinstance(DASHBOARD["schemaVersion"], int)
    assert variables["datasource"]["query"] == "prometheus"
    assert sources == {"${datasource}"}
    assert asked - {"__rate_interval"} <= set(variables)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert not any(overlap(one, other) for one, other in combinations(places, 2))


def overlap(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Tell whether two panels lie over each other."""
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]


@needs("promtool")
def test_promtool_can_read_every_query_of_the_dashboard(tmp_path: Path) -> None:
    """Each query is valid PromQL once Grafana has put its variables in."""
    queries = [target["expr"].replace("$__rate_interval", "1m") for panel in PANELS for target in panel["targets"]]
    rules = [{"record": f"panel:query:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(queries)} rules found" in run("promtool", "check", "rules", path)
