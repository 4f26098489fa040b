"""What the tests of ops/ stand on: the files, the tools an operator has, and what a query may ask for.

Prometheus, promtool and systemd-analyze are asked where they are installed; without them their tests are skipped.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client import Counter, Histogram, Info
from prometheus_client.metrics import MetricWrapperBase

from policy.events import ConflictKind
from policy.model import Ending, MessageClass
from policy.reasons import Reason
from proxy.clicks import Action
from proxy.metrics import EFFECTS, STORE_FILES, STORE_TABLES, SWITCHES, Metrics
from proxy.unsubscribe import RESULTS as VISITED
from proxy.webhooks import EFFECTS as HEARD
from proxy.webhooks import RESULTS

ROOT: Final = Path(__file__).parents[2]
OPS: Final = ROOT / "ops"
OPERATIONS: Final = ROOT / "docs" / "operations.md"
POLICY: Final = ROOT / "docs" / "policy.md"


def needs(tool: str) -> pytest.MarkDecorator:
    """Skip a test where a tool is not installed."""
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


def run(*command: str | Path, stdin: bytes = b"") -> str:
    """Run a tool that must find nothing wrong, and give all it said."""
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


def loaded(name: str) -> Any:
    """Read a YAML file of ops/."""
    return yaml.safe_load((OPS / name).read_text())


def alerts() -> list[dict[str, Any]]:
    """List the rules of alerts.yml."""
    return [rule for group in loaded("alerts.yml")["groups"] for rule in group["rules"]]


def anchors(document: Path) -> set[str]:
    """Give the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# Queries


def series() -> dict[str, set[str]]:
    """Name every series that a scrape can bring, with its labels; `job` and `instance` are Prometheus' own."""
    found: dict[str, set[str]] = {"up": set()}
    metrics = Metrics()
    for metric in vars(metrics).values():
        if not isinstance(metric, MetricWrapperBase):
            continue
        labels = set(metric._value) if isinstance(metric, Info) else set(metric._labelnames)
        if isinstance(metric, Histogram):
            found |= {f"{metric._name}_bucket": {*labels, "le"}}
            found |= dict.fromkeys((f"{metric._name}_sum", f"{metric._name}_count"), labels)
        else:
            found[metric._name + {Counter: "_total", Info: "_info"}.get(type(metric), "")] = labels
    unlabelled = (
        sample.name for metric in metrics.registry.collect() for sample in metric.samples if not sample.labels
    )
    found |= {name: set() for name in unlabelled if name.startswith("process_")}
    return {name: {*labels, "job", "instance"} for name, labels in found.items()}


SERIES: Final = series()
VALUES: Final[Mapping[str, Iterable[str]]] = {
    "job": ["sendgate"],
    "reason": Reason,
    "outcome": Ending,
    "class": MessageClass,
    "verdict": ["passed", "refused"],
    "enforced": ["true", "false"],
    "switch": SWITCHES,
    "effect": [*EFFECTS, *HEARD],
    "file": STORE_FILES,
    "table": STORE_TABLES,
    "result": ["applied", "faulty", *RESULTS, *VISITED],
    "action": Action,
    "kind": ConflictKind,
}
SELECTOR: Final = re.compile(r"\b((?:sendgate|process)_\w+|up)\b(?:\{([^{}]*)\})?")
MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING: Final = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")


def wrong_in(query: str) -> Iterator[str]:
    """Name what a query asks for that no scrape can bring: series, labels, and values of closed labels."""
    asked = SELECTOR.findall(query)
    if not asked:
        yield "no series"
    for name, matchers in asked:
        for label, _, value in MATCHER.findall(matchers):
            if label not in SERIES.get(name, ()):
                yield f"{name}{{{label}}}"
            yield from (f"{label}={part}" for part in value.split("|") if label in VALUES and not any_like(part, label))
        if name not in SERIES:
            yield name
    known = {label for name, _ in asked for label in SERIES.get(name, ())}
    grouped = {label.strip() for labels in GROUPING.findall(query) for label in labels.split(",")}
    yield from sorted(grouped - known)


def any_like(pattern: str, label: str) -> bool:
    """Tell whether a pattern means any value that the label can have."""
    return any(re.fullmatch(pattern, value) for value in VALUES[label])
