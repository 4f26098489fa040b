"""The gate with its policy on, beside a bare aiohttp pass-through: single sends and batches.

Both forward the same requests to the same upstream, in turns, each in a process of its own on the same core. Both run
all the time; the one whose turn it is not costs nothing.
"""

from __future__ import annotations

import http.client
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from bench import load, machine, messages, passthrough, people, stores, upstream
from bench.gates import Gate
from bench.load import Answered, Order
from bench.report import Report, Target, at_least
from bench.settings import Settings
from bench.workers import Worker

POPULATION = 10_000  # suppressed people in the store
RECIPIENTS = 1000  # of a batch
_GATE, _BARE = "sendgate", "bare pass-through"
_ROUTE = "/sendgrid"
_SATURATED = 0.9  # of its core: below this a server was waiting for its driver


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is sent, over how many connections, and how many recipients of each send the gate refuses."""

    name: str
    bodies: list[bytes]
    connections: int
    refused: int = 0
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One of the two under load: what it answered, and its processor time for one request, in seconds."""

    answered: Answered
    cpu: float

    @property
    def busy(self) -> float:
        """The share of its core that it used."""
        return self.cpu * self.answered.rate


class Servers:
    """The two that are compared, their upstream, and the load generator."""

    def __init__(self, stack: ExitStack) -> None:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=stores.scratch())))
        store = scratch / "store.db"
        stores.build(store, POPULATION)
        up = stack.enter_context(Worker(upstream.serve, machine.DRIVING)).ask("port")
        bare = stack.enter_context(Worker(passthrough.serve, machine.MEASURED))
        gate = stack.enter_context(Gate(scratch, store, f"http://127.0.0.1:{up}"))
        self._ports = {_GATE: gate.ports["proxy"], _BARE: bare.ask(up)}
        self._processes = {_GATE: gate.pid, _BARE: bare.pid}
        self._load = stack.enter_context(Worker(load.serve, machine.DRIVING))

    def run(self, name: str, traffic: Traffic, seconds: float) -> Turn:
        """Load one of the two."""
        path = (_ROUTE if name == _GATE else "") + messages.MAIL_SEND
        order = Order(self._ports[name], messages.posts(path, traffic.bodies), traffic.connections, seconds)
        before = machine.busy(self._processes[name])
        answered: Answered = self._load.ask(order)
        cpu = machine.busy(self._processes[name]) - before
        return Turn(answered.expect(202), cpu / len(answered.times))

    def probe(self, traffic: Traffic) -> None:
        """Make sure that the gate judges what it is sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self._ports[_GATE], timeout=10)
        headers = {"Content-Type": "application/json"}
        connection.request("POST", _ROUTE + messages.MAIL_SEND, traffic.bodies[0], headers)
        refused = int(connection.getresponse().getheader("X-Sendgate-Refused", "0"))
        connection.close()
        if refused != traffic.refused:
            raise RuntimeError(f"the gate refused {refused} recipients of {traffic.name}, not {traffic.refused}")


def singles(settings: Settings) -> None:
    """Measure sends to one recipient."""
    traffic = Traffic("nobody refused", messages.singles(2000), connections=32, target=at_least(0.75))
    _measured(settings, "Single sends", [traffic])


def batches(settings: Settings) -> None:
    """Measure sends to a thousand, with nobody refused and with some."""
    share = people.REFUSED_SHARE
    some = int(RECIPIENTS * share)
    _measured(
        settings,
        f"Batches of {RECIPIENTS} personalizations",
        [
            Traffic("nobody refused", messages.batches(20, RECIPIENTS, 0, POPULATION), connections=8),
            Traffic(
                f"{some} refused", messages.batches(20, RECIPIENTS, share, POPULATION), connections=8, refused=some
            ),
        ],
    )


def _measured(settings: Settings, title: str, traffics: Sequence[Traffic]) -> None:
    with ExitStack() as stack:
        servers = Servers(stack)
        for traffic in traffics:
            servers.probe(traffic)
            report = Report(f"{title}, {traffic.name}")
            _alternate(settings, servers, traffic, report)
            report.print()


def _alternate(settings: Settings, servers: Servers, traffic: Traffic, report: Report) -> None:
    for name in (_GATE, _BARE):
        servers.run(name, traffic, settings.seconds / 3)  # connections, caches and branch predictors get warm
    rounds = [
        {name: servers.run(name, traffic, settings.seconds) for name in (_GATE, _BARE)} for _ in range(settings.rounds)
    ]
    mine, others = ([turn[name].answered.rate for turn in rounds] for name in (_GATE, _BARE))
    ratios = report.compare((_GATE, _BARE), mine, others, "requests/s")
    report.add("ratio", ratios, "× bare", traffic.target)
    report.add("ratio by processor time", [turn[_BARE].cpu / turn[_GATE].cpu for turn in rounds], "× bare")
    for name, percent in product((_GATE, _BARE), (50, 99)):
        report.add(f"{name}, p{percent}", [turn[name].answered.percentile(percent / 100) for turn in rounds], "ms")
    for name in (_GATE, _BARE):
        report.add(f"{name}, processor time", [turn[name].cpu * 1_000_000 for turn in rounds], "µs/request")
    size = sum(map(len, traffic.bodies)) / len(traffic.bodies)
    report.notes.append(f"{size:,.0f} bytes a body, {traffic.connections} connections; {POPULATION:,} suppressed")
    report.notes.append(f"{settings.rounds} rounds of {settings.seconds:g} s each, in turns; {machine.placed()}")
    if any(turn[_BARE].busy < _SATURATED for turn in rounds):
        report.notes.append("the bare pass-through had time to spare: its driver was the limit, so the machine was not")
        report.notes.append("quiet and the ratio flatters the gate; the ratio by processor time does not")
