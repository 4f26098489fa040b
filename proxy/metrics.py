"""What Prometheus sees: an observer of outcomes, of what was learned, of commits and of reloads.

Labels come from enums and from the configuration, never from a request; what a configuration can bring about is set
to zero when the configuration comes, so that a rate is right from the first refusal on.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from itertools import product
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.exposition import generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from policy.events import Conflict, ConflictKind, Word
from policy.model import Ending, MessageClass, Outcome
from policy.reasons import Reason
from proxy.api.context import LISTED
from proxy.clicks import Action
from proxy.gate import Gate
from proxy.linking.base import Result
from proxy.unsubscribe import RESULTS as VISITED
from proxy.unsubscribe import Visit
from proxy.webhooks import EFFECTS as HEARD
from proxy.webhooks import RESULTS, Heard

Metric = TypeVar("Metric", Counter, Histogram)

REMOVED_BY: Final = ("night", "request")
NO_CLASS: Final = "none"  # a request that ended before its class, or its channel, was known; a route that is none
SWITCHES: Final = (
    "on_unreadable",
    "on_unknown_request",
    "on_bypass",
    "on_store_error",
    "allow_paths",
    "shadow",
    "unrecorded",
)
_FLAG: Final = {True: "true", False: "false"}
# Told anew, told before, no system event, not allowed, about an address on a blacklist.
EFFECTS: Final = ("applied", "repeated", "kept", "ignored", LISTED)
OTHER: Final = "other"  # the name of every event that is no system event
_QUICK: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)
_SLOW: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


disable_created_metrics()  # type: ignore[no-untyped-call]  # the library types it not; a second series for each counter, which tells only when this process started


class Metrics:
    """All metrics of one gate, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._routes: set[str] = set()  # all that ever were, whose series stay
        self._series: dict[tuple[Any, tuple[str, ...]], Any] = {}
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        send = ["route", "provider", "channel", "class"]
        self.sends = Counter(
            "sendgate_sends", "Requests at the senders' door, by how they ended.", [*send, "outcome"], registry=registry
        )
        self.recipients = Counter(
            "sendgate_recipients", "Recipients judged, by verdict.", [*send, "verdict"], registry=registry
        )
        self.dispatch_failed = Counter(
            "sendgate_dispatch_failed",
            "Dispatch failed records, by reason; enforced is false for what shadow mode let pass.",
            ["route", "reason", "enforced"],
            registry=registry,
        )
        self.passed_on_doubt = Counter(
            "sendgate_passed_on_doubt",
            "Requests that passed only because of a switch of the configuration.",
            ["route", "switch"],
            registry=registry,
        )
        self.claims_ignored = Counter(
            "sendgate_claims_ignored",
            "Claims to be transactional by senders that may not claim it.",
            ["route"],
            registry=registry,
        )
        self.bypasses_stripped = Counter(
            "sendgate_bypasses_stripped",
            "Sends out of which a switch past the provider's own suppression was taken.",
            ["route"],
            registry=registry,
        )
        self.links = Counter(
            "sendgate_links",
            "Recipients of marketing mail on routes that put unsubscribe links in, by what became of the link.",
            ["route", "result"],
            registry=registry,
        )
        self.judging = Histogram(
            "sendgate_judging_seconds", "Time to judge one send.", ["route"], buckets=_QUICK, registry=registry
        )
        self.upstream = Histogram(
            "sendgate_upstream_seconds",
            "Time until the head of the provider's answer.",
            ["route"],
            buckets=_SLOW,
            registry=registry,
        )
        self.upstream_responses = Counter(
            "sendgate_upstream_responses", "Answers of providers, by status.", ["route", "status"], registry=registry
        )
        self.events = Counter(
            "sendgate_events",
            "Events told, by name and effect; listed: ignored, as an address is on a blacklist.",
            ["event", "effect"],
            registry=registry,
        )
        self.webhooks = Counter(
            "sendgate_webhooks", "Webhooks of providers, by how they ended.", ["route", "result"], registry=registry
        )
        self.webhook_items = Counter(
            "sendgate_webhook_items",
            "Items of webhooks, by what became of them.",
            ["route", "effect"],
            registry=registry,
        )
        self.conflicts = Counter(
            "sendgate_conflicts",
            "Conflicts of a provider's own list with the standing that came about, by kind.",
            ["route", "kind"],
            registry=registry,
        )
        self.unsubscribes = Counter(
            "sendgate_unsubscribes",
            "Requests at unsubscribe links, by what was asked and how it ended.",
            ["action", "result"],
            registry=registry,
        )
        self.people_removed = Counter(
            "sendgate_people_removed",
            "People removed because an entry of a blacklist stands for them, at night or on request.",
            ["by"],
            registry=registry,
        )
        self.removal_ended = Gauge(
            "sendgate_removal_ended_timestamp_seconds",
            "When the last nightly removal ended; 0 while none has.",
            registry=registry,
        )
        self.commit = Histogram(
            "sendgate_store_commit_seconds", "Time of one commit.", buckets=_QUICK, registry=registry
        )
        self.commit_group = Histogram(
            "sendgate_store_commit_writers",
            "Writers that shared one commit.",
            buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000),
            registry=registry,
        )
        self.sequence = Gauge("sendgate_journal_sequence", "Sequence of the newest journal entry.", registry=registry)
        self.store_rows = Gauge("sendgate_store_rows", "Rows of the store.", ["table"], registry=registry)
        self.store_bytes = Gauge("sendgate_store_bytes", "Size of the store's files.", ["file"], registry=registry)
        self.reloads = Counter(
            "sendgate_config_reloads", "Changed configurations, by what became of them.", ["result"], registry=registry
        )
        self.config_degraded = Gauge(
            "sendgate_config_degraded", "1 while a faulty file keeps the old configuration in force.", registry=registry
        )
        self.ready = Gauge(
            "sendgate_ready", "1 while a send would be judged, as /health/ready says.", registry=registry
        )
        self.shadow = Gauge(
            "sendgate_shadow", "1 while the route is in shadow mode and refuses nobody.", ["route"], registry=registry
        )
        self.log_lost = Gauge(
            "sendgate_log_lines_lost", "Lines of the log that could not be written.", registry=registry
        )
        self.build = Info("sendgate_build", "The running program.", registry=registry)
        self._prepare()

    def _prepare(self) -> None:
        self.build.info({"version": version("sendgate"), "python": platform.python_version()})
        for event, effect in product((*Word, OTHER), EFFECTS):
            self.events.labels(event, effect)
        for action, result in product(Action, VISITED):
            self.unsubscribes.labels(action, result)
        for by in REMOVED_BY:
            self.people_removed.labels(by)
        self.sends.labels(*[NO_CLASS] * 4, Ending.REFUSED)  # a path that leads to no route
        self.dispatch_failed.labels(NO_CLASS, Reason.UNKNOWN_REQUEST, "true")
        for result in ("applied", "faulty"):
            self.reloads.labels(result)
        for table in STORE_TABLES:
            self.store_rows.labels(table)
        for file in STORE_FILES:
            self.store_bytes.labels(file)

    def prepare_routes(self, gate: Gate) -> None:
        """Set everything to zero that these routes can bring about, and tell which of them are in shadow mode."""
        self.shadow.clear()  # a route that is gone is in no mode
        for route in gate.routes.values():
            channels = [*route.provider.CHANNELS, NO_CLASS]
            for channel, cls in product(channels, (*MessageClass, NO_CLASS)):
                labels = (route.name, route.settings.provider, channel, cls)
                for ending in Ending:
                    self.sends.labels(*labels, ending)
                for verdict in ("passed", "refused"):
                    self.recipients.labels(*labels, verdict)
            for reason, enforced in product(Reason, ("true", "false")):
                self.dispatch_failed.labels(route.name, reason, enforced)
            for switch in SWITCHES:
                self.passed_on_doubt.labels(route.name, switch)
            self.claims_ignored.labels(route.name)
            self.bypasses_stripped.labels(route.name)
            for linked in Result if route.linker else ():
                self.links.labels(route.name, linked)
            self.shadow.labels(route.name).set(route.policy.mode == "shadow")
            self._prepare_webhook(route.name)
            self.judging.labels(route.name)
            self.upstream.labels(route.name)

    def _prepare_webhook(self, route: str) -> None:
        for result in RESULTS:
            self.webhooks.labels(route, result)
        for effect in HEARD:
            self.webhook_items.labels(route, effect)
        for kind in ConflictKind:
            self.conflicts.labels(route, kind)
        self._routes.add(route)

    def observe(self, outcome: Outcome) -> None:
        """Count one request at the senders' door."""
        route = outcome.route or NO_CLASS
        channel = outcome.channel or NO_CLASS
        labels = (route, outcome.provider or NO_CLASS, channel, outcome.message_class or NO_CLASS)
        self._of(self.sends, *labels, outcome.ending).inc()
        if outcome.recipients and _judged_to_the_end(outcome):
            refused = len(outcome.refused)
            self._of(self.recipients, *labels, "passed").inc(outcome.recipients - refused)
            if refused:
                self._of(self.recipients, *labels, "refused").inc(refused)
        for each in outcome.refused:
            self._of(self.dispatch_failed, route, each.reason, _FLAG[each.enforced]).inc()
        if outcome.reason is not None:
            self.dispatch_failed.labels(route, outcome.reason, _FLAG[outcome.enforced]).inc()
        for switch in outcome.marks:
            self.passed_on_doubt.labels(route, switch).inc()
        if outcome.stripped:
            self.bypasses_stripped.labels(route).inc()
        for result, count in outcome.links.items():
            self.links.labels(route, result).inc(count)
        if outcome.claim_ignored:
            self.claims_ignored.labels(route).inc()
        self._time(route, outcome)

    def _time(self, route: str, outcome: Outcome) -> None:
        if outcome.judged_seconds is not None:
            self._of(self.judging, route).observe(outcome.judged_seconds)
        if outcome.upstream_seconds is not None:
            self._of(self.upstream, route).observe(outcome.upstream_seconds)
        if outcome.upstream_status is not None:
            self._of(self.upstream_responses, route, str(outcome.upstream_status)).inc()

    def _of(self, metric: Metric, *labels: str) -> Metric:
        """Give one series of a metric; the library's own look-up takes a lock and makes texts of all labels anew."""
        key = (metric, labels)
        found: Metric | None = self._series.get(key)
        if found is None:
            found = self._series[key] = metric.labels(*labels)
        return found

    def learned(self, names: Iterable[tuple[str, str]]) -> None:
        """Count events by name and effect; names beyond the system events are counted together."""
        for name, effect in names:
            self.events.labels(name if name in _SYSTEM else OTHER, effect).inc()

    def heard(self, heard: Heard) -> None:
        """Count one request at the providers' door, and its items."""
        self.webhooks.labels(heard.route, heard.result).inc()
        for effect, count in heard.items.items():
            self.webhook_items.labels(heard.route, effect).inc(count)

    def conflicted(self, conflict: Conflict) -> None:
        """Count one conflict with a provider; a route that was never configured, as of an import, has no name here."""
        self.conflicts.labels(conflict.route if conflict.route in self._routes else NO_CLASS, conflict.kind).inc()

    def visited(self, visit: Visit) -> None:
        """Count one request at the recipients' door."""
        self.unsubscribes.labels(visit.action, visit.result).inc()

    def removed(self, by: str, people: int) -> None:
        """Count people who were removed because of a blacklist, by the night or by a request."""
        self.people_removed.labels(by).inc(people)

    def committed(self, seconds: float, writers: int) -> None:
        """Observe one commit of the store; called from the writer's thread."""
        self.commit.observe(seconds)
        self.commit_group.observe(writers)

    def reloaded(self, *, applied: bool) -> None:
        """Count a changed configuration and tell whether the old one is still in force."""
        self.reloads.labels("applied" if applied else "faulty").inc()
        self.config_degraded.set(0 if applied else 1)

    def sized(self, rows: Mapping[str, int], sizes: Mapping[str, int]) -> None:
        """Set the store's sizes: rows by table, bytes by file."""
        for table, count in rows.items():
            self.store_rows.labels(table).set(count)
        for file, size in sizes.items():
            self.store_bytes.labels(file).set(size)

    def exposition(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(self.registry)


def _judged_to_the_end(outcome: Outcome) -> bool:
    """Tell whether every recipient got its verdict: a send that ended as a whole before it left was not read so far."""
    return outcome.reason is None or outcome.upstream_seconds is not None


_SYSTEM: Final = frozenset(Word)
STORE_TABLES: Final = ("users", "leads", "kept", "suppressed", "blacklist", "events", "dispatch_failed")
STORE_FILES: Final = ("database", "wal")
