"""Sends beside the nightly removal of the people whom blacklist entries stand for.

The store holds people with ten journal entries each; the addresses of some are on a blacklist. Sends come at a steady
rate, half of them of one recipient and half of ten of whom one is refused, so that they wait for the writer too; each
is timed from when it was due. By turns a gate starts without the removal, and with it: then it goes on at once with
what the one before left.

What is removed is found by the keys of entries and by person, so the size of the journal makes no difference to it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from bench import load, machine, messages, people, stores, upstream
from bench.gates import Gate
from bench.load import Answered, Order
from bench.report import Report, at_most
from bench.settings import Settings
from bench.workers import Worker
from policy import Policy, identity
from policy.events import Listing, Origin, Subject, Told
from policy.store import journal

EVENTS, QUICK_EVENTS = 10_000_000, 200_000
OF_ONE = 10  # journal entries of a person
LISTED, QUICK_LISTED = 100, 20  # one person in so many is
WINDOW = 2.0  # seconds
RATE = 200.0  # sends a second
CONNECTIONS = 16
_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'event' AND sql > ''"
_AT_ONCE = 500  # entries of one transaction


def removal(settings: Settings) -> None:
    """Measure windows of sends without a removal, and with it."""
    events = QUICK_EVENTS if settings.quick else EVENTS
    count = events // OF_ONE
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=stores.scratch())))
        store = scratch / "store.db"
        stores.build(store, count)
        _tell(store, count)
        listed = asyncio.run(_list(store, range(1, count + 1, QUICK_LISTED if settings.quick else LISTED)))
        up = stack.enter_context(Worker(upstream.serve, machine.DRIVING)).ask("port")
        driver = stack.enter_context(Worker(load.serve, machine.DRIVING))
        requests = _requests(count)

        def sent(gate: Gate) -> Answered:
            answered: Answered = driver.ask(Order(gate.ports["proxy"], requests, CONNECTIONS, WINDOW, RATE))
            return answered.expect(202)

        quiet, busy, rate = _windows(scratch, store, f"http://127.0.0.1:{up}", sent, 2 * settings.rounds)
    report = Report(f"Sends beside a removal, {listed:,} listed people among {events:,} journal entries")
    for percent in (50, 99):
        for name, windows in (("without a removal", quiet), ("beside a removal", busy)):
            report.add(f"sends {name}, p{percent}", [each.percentile(percent / 100) for each in windows], "ms")
    p99 = [median(each.percentile(0.99) for each in windows) for windows in (busy, quiet)]
    report.add("ratio of the medians of p99", [p99[0] / p99[1]], "× quiet", at_most(1.5))
    report.add("slowest send beside a removal", [each.percentile(1) for each in busy], "ms")
    report.add("people removed", [rate], "a second")
    report.notes.append(f"{RATE:g} sends a second over {CONNECTIONS} connections, in windows of {WINDOW:g} s")
    report.notes.append(f"each listed person has {OF_ONE} journal entries; both by turns, each in a gate of its own")
    report.notes.append("the gate on one core, the load on the other")
    report.print()


def _windows(
    scratch: Path, store: Path, up: str, sent: Callable[[Gate], Answered], rounds: int
) -> tuple[list[Answered], list[Answered], float]:
    """Give windows without a removal and with one, in turns, and how many people were removed in a second."""
    quiet, busy = [], []
    seconds = 0.0
    for _ in range(rounds):
        with Gate(scratch, store, up, _removal(enabled=False)) as gate:
            sent(gate)  # caches get warm
            quiet.append(sent(gate))
        started = time.perf_counter()
        with Gate(scratch, store, up, _removal(enabled=True)) as gate:
            sent(gate)
            window = sent(gate)
            ended = gate.metric("sendgate_removal_ended_timestamp_seconds")
            seconds += time.perf_counter() - started
        if ended:
            break
        busy.append(window)
    if not busy:
        raise RuntimeError("the removal was over at once")
    return quiet, busy, _removed(store) / seconds


def _removed(store: Path) -> int:
    with closing(sqlite3.connect(store)) as connection:
        return int(connection.execute("SELECT sum(people) FROM removal").fetchone()[0])


def _removal(*, enabled: bool) -> str:
    return f"blacklists: {{removal: {{enabled: {str(enabled).lower()}}}}}\n"


def _requests(population: int) -> list[bytes]:
    singles = messages.singles(500)
    several = messages.batches(500, 10, 0.1, population)
    return messages.posts(
        "/sendgrid" + messages.MAIL_SEND, [body for pair in zip(singles, several, strict=True) for body in pair]
    )


# Building


def _tell(path: Path, count: int) -> None:
    """Write the journal of a store in bulk; its indexes are made when it is whole."""
    marks = ", ".join("?" * 11)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(_INDEXES).fetchall()
        connection.execute("BEGIN")
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.executemany(f"INSERT INTO event VALUES ({marks})", _entries(count))
        for _, sql in indexes:
            connection.execute(sql)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'sequence'", (str(count * OF_ONE),))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def _entries(count: int) -> Iterator[tuple[Any, ...]]:
    """Give the entries of all people, in the order in which they bought something, all once before any again."""
    name = "Completed Order"
    for sequence in range(1, count * OF_ONE + 1):
        pk = (sequence - 1) % count + 1
        address = people.suppressed_address(pk)
        subject = Subject(email=address, email_keys=(address,))
        told = Told(subject, name, None, Origin.EVENT, properties={"order": sequence, "total": "19.90"})
        body = orjson.dumps(journal.body_of(told)).decode()
        yield (sequence, sequence, sequence, pk, journal.Kind.TOLD.value, name, "ALL", "event", "bench", body, None)


async def _list(path: Path, pks: range) -> int:
    """Put the addresses of some people on the blacklist, and say of how many."""
    policy = Policy(path)
    policy.open()
    addresses = [people.suppressed_address(pk) for pk in pks]
    entries = [Listing(f"{n:032x}", each, identity.email_keys(each)) for n, each in enumerate(addresses)]
    for start in range(0, len(entries), _AT_ONCE):
        await policy.learn(entries[start : start + _AT_ONCE])
    policy.close()
    return len(entries)
