"""Learning: durable events per second, beside plain sqlite3 writing the same rows in the same grouping.

The plain side is told the rows that learning wrote, and inserts them with `executemany` under the same schema and
settings: what SQLite and the disk cost by themselves. Every event blacklists somebody new, which is the most
that an event can bring about: a person, an address, a register, a suppressed row and a line of the journal.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import uvloop

from bench import load, machine, messages, people, stores
from bench.gates import Gate
from bench.load import Order
from bench.report import Report
from bench.settings import Settings
from bench.workers import Worker
from policy import Policy
from policy.store.digests import key_hash

GROUP = 50  # events of one transaction, the most that one request may carry
CONNECTIONS = 32
_ALONE, _GROUPS = 1000, 200  # transactions in a round
_WRITERS = "sendgate_store_commit_writers"

Rows = list[tuple[Any, ...]]
Table = dict[str, Rows]  # by table, one row for each person in the order of their numbers


def learning(settings: Settings) -> None:
    """Measure `Policy.learn` with one event and with fifty, then POST /events."""
    report = Report("Learning, durable events per second")
    with machine.alone():
        for size, groups in ((1, _ALONE), (GROUP, _GROUPS)):
            pairs = [_learned_and_plain(size, groups) for _ in range(settings.rounds)]
            word = "alone" if size == 1 else f"in groups of {size}"
            _compare(report, f"Policy.learn, {word}", pairs)
    posted = _posted(settings)
    _compare(report, f"POST /events, {CONNECTIONS} connections", [(each.rate, each.plain) for each in posted])
    report.add("events that shared a commit", [each.group for each in posted], "")
    report.notes.append(
        "every event blacklists a new lead; plain is sqlite3 writing the same rows in the same grouping"
    )
    report.notes.append(f"store on the disk of {stores.folder()}; a gate and its threads on one core")
    report.print()


def _compare(report: Report, what: str, pairs: list[tuple[float, float]]) -> None:
    mine, plain = [one for one, _ in pairs], [other for _, other in pairs]
    ratios = report.compare((what, "  plain sqlite3"), mine, plain, "events/s")
    report.add("  ratio", ratios, "× plain")


# In this process


def _learned_and_plain(size: int, groups: int) -> tuple[float, float]:
    """Give both rates, one right after the other."""
    with tempfile.TemporaryDirectory(dir=stores.scratch()) as scratch:
        learned = Path(scratch) / "learned.db"
        rate = size * groups / uvloop.run(_learn(learned, size, groups))
        return rate, _plain(Path(scratch) / "plain.db", _rows(learned), size)


async def _learn(path: Path, size: int, groups: int) -> float:
    """Learn events about new people, one group after the other, and give the seconds."""
    numbers = count()
    events = [[people.blacklisting(people.free_address(next(numbers))) for _ in range(size)] for _ in range(groups)]
    policy = Policy(path)
    policy.open()
    try:
        started = time.perf_counter()
        for group in events:
            await policy.learn(group)
        return time.perf_counter() - started
    finally:
        policy.close()


# Over HTTP


@dataclass(frozen=True, slots=True)
class Posted:
    """One round: events per second, how many shared a commit, and the plain rate in such groups."""

    rate: float
    group: float
    plain: float


def _posted(settings: Settings) -> list[Posted]:
    with ExitStack() as stack:
        driver = stack.enter_context(Worker(load.serve, machine.DRIVING))
        return [_post(driver, settings.seconds) for _ in range(settings.rounds)]


def _post(driver: Worker, seconds: float) -> Posted:
    with tempfile.TemporaryDirectory(dir=stores.scratch()) as made:
        scratch = Path(made)
        learned = scratch / "learned.db"
        with Gate(scratch, learned) as gate:
            requests = messages.posts("/events", messages.events(0, int(seconds * 10_000)))
            order = Order(gate.ports["api"], requests, CONNECTIONS, seconds)
            answered: load.Answered = driver.ask(order)
            rate = answered.expect(202).rate
            group = gate.metric(f"{_WRITERS}_sum") / gate.metric(f"{_WRITERS}_count")
        with machine.alone():
            return Posted(rate, group, _plain(scratch / "plain.db", _rows(learned), round(group)))


# Plain sqlite3


def _rows(path: Path) -> Table:
    """Read what learning wrote, sorted by person; the suppressed row of each by the hash of its address."""
    with closing(sqlite3.connect(path)) as connection:
        by_person = {"person": "pk", "address": "person", "register": "person", "event": "person"}
        tables = {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY {column}").fetchall()
            for table, column in by_person.items()
        }
        suppressed = dict(connection.execute("SELECT * FROM suppressed"))
    hashes = [key_hash(digest) for digest, _ in tables["address"]]
    return {**tables, "suppressed": [(hashed, suppressed[hashed]) for hashed in hashes]}


def _plain(path: Path, tables: Table, size: int) -> float:
    """Insert rows in groups, each in one transaction, and give the people per second."""
    stores.empty(path)
    statements = {
        table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})" for table, rows in tables.items()
    }
    total = len(tables["person"])
    with closing(stores.plain(path)) as connection:
        started = time.perf_counter()
        for first in range(0, total, size):
            connection.execute("BEGIN IMMEDIATE")
            for table, rows in tables.items():
                connection.executemany(statements[table], rows[first : first + size])
            connection.execute("COMMIT")
        return total / (time.perf_counter() - started)
