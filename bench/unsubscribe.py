"""The recipients' door: page and one-click beside an empty aiohttp handler that commits one row; and the links.

Both servers get the same requests a second on the same core, in turns. Every one-click is of somebody who has said
nothing so far, which is the most that it can bring about.
"""

from __future__ import annotations

import tempfile
import timeit
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from bench import empty, load, machine, people, stores
from bench.gates import Gate
from bench.load import Order
from bench.report import Report, at_most
from bench.settings import Settings
from bench.workers import Worker
from policy.model import Channel
from proxy.links import Link, Links

RATE = 200.0  # requests a second; an hour of it would be the unsubscribes of some hundred million messages
CONNECTIONS = 8
_KEY = "k" * 32
_SETTINGS = f"unsubscribe: {{keys: [{_KEY}], rate_limit: 1000000}}\n"
_MADE = 20_000  # links in a round
_PAGE = b"GET %b HTTP/1.1\r\nHost: gate\r\nAccept-Language: de\r\n\r\n"
_CLICK = (
    b"POST %b HTTP/1.1\r\nHost: gate\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\n\r\n"
    b"List-Unsubscribe=One-Click"
)


def unsubscribe(settings: Settings) -> None:
    """Measure links, then the page and the one-click."""
    links = Links([_KEY])
    report = Report("Unsubscribe links")
    with machine.alone():
        report.add("to make one", [_made(links) for _ in range(settings.rounds)], "µs", at_most(10))
        report.add("to read one", [_read(links) for _ in range(settings.rounds)], "µs")
    report.print()
    _answered(settings, links)


def _about(number: int) -> Link:
    return Link(people.free_address(number), Channel.MAIL, "DE", "autumn-sale")


def _made(links: Links) -> float:
    """Give the microseconds to make one link, each of another address."""
    abouts = iter([_about(number) for number in range(_MADE)])
    return timeit.timeit(lambda: links.make(next(abouts)), number=_MADE) / _MADE * 1_000_000


def _read(links: Links) -> float:
    tokens = iter([links.make(_about(number)) for number in range(_MADE)])
    return timeit.timeit(lambda: links.read(next(tokens)), number=_MADE) / _MADE * 1_000_000


def _answered(settings: Settings, links: Links) -> None:
    report = Report(f"The recipients' door, p99 at {RATE:.0f} requests a second")
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=stores.scratch())))
        gate = stack.enter_context(Gate(scratch, scratch / "gate.db", more=_SETTINGS))
        bare = stack.enter_context(Worker(empty.serve, machine.MEASURED))
        driver = stack.enter_context(Worker(load.serve, machine.DRIVING))
        bare_port: int = bare.ask(str(scratch / "bare.db"))
        numbers = count()

        def p99(port: int, requests: list[bytes]) -> float:
            answered: load.Answered = driver.ask(Order(port, requests, CONNECTIONS, settings.seconds, RATE))
            return answered.expect(200).percentile(0.99)

        def mine(form: bytes) -> list[bytes]:
            asked = int(settings.seconds * RATE) + CONNECTIONS
            return [form % f"/u/{links.make(_about(next(numbers)))}".encode() for _ in range(asked)]

        for what, form in (("page", _PAGE), ("one-click", _CLICK)):
            pairs = [
                (p99(gate.ports["public"], mine(form)), p99(bare_port, [form % b"/"]))
                for _ in range(settings.rounds + 1)
            ]
            _compare(report, what, pairs[1:])  # the first one warms both
    report.notes.append("beside it: an empty aiohttp handler that commits one row (WAL, synchronous=FULL)")
    report.notes.append(f"{machine.placed()}; {CONNECTIONS} connections")
    report.print()


def _compare(report: Report, what: str, pairs: Sequence[tuple[float, float]]) -> None:
    mine, bare = [one for one, _ in pairs], [other for _, other in pairs]
    ratios = report.compare((what, "  empty handler and one commit"), mine, bare, "ms")
    report.add("  ratio", ratios, "×", at_most(2))
