"""Importing: `sendgate import` in rows a second, and how long sends take meanwhile.

Three things write the same file's rows in groups of the same size, each group a transaction, under the settings that
the gate's writer has (WAL, `synchronous=FULL`):

1. `sendgate import` itself, without a gate: it reads the file, sends the rows over its own socket to the API's code in
   the same process, and learns them. Client, API and store share one core.
2. Plain sqlite3, one table: reads the file with csv.reader, and writes its columns as they are to one table with a
   unique index on e-mail and unit. Nothing is checked, keyed, journalled or derived: what the list costs as a list.
3. Plain sqlite3, the same tables: is told the finished rows of all tables that the import left, and inserts them. What
   SQLite and the disk cost for what a gate has to know. It reads no file and makes no row.

The target is against the second, which does the least.

While an import runs through a gate, sends come at a steady rate, far below what the gate can do; the time of each is
taken from when it was due, so one that waited behind another counts in full.
"""

from __future__ import annotations

import csv
import sqlite3
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from statistics import median

from bench import lists, load, machine, messages, stores, upstream
from bench.gates import Gate, configuration
from bench.learning import Table
from bench.load import Answered, Order
from bench.report import Report, at_least, at_most
from bench.settings import Settings
from bench.workers import Worker
from policy.store.digests import key_hash
from proxy import moving

ROWS, QUICK = 50_000, 20_000  # of a timed import
MILLION, QUICK_MILLION = 1_000_000, 60_000  # rows imported beside sends
WINDOW = 2.0  # seconds
RATE = 400.0  # sends a second beside an import
CONNECTIONS = 16


def importing(settings: Settings) -> None:
    """Measure the import of both lists, then sends beside an import."""
    count = QUICK if settings.quick else ROWS
    for name in lists.LISTS:
        report = Report(f"Importing, a list of {name}, {count:,} rows")
        with machine.alone():
            rounds = [_round(name, count) for _ in range(settings.rounds)]
        report.add("sendgate import", [count / each.mine.wall for each in rounds], "rows/s")
        report.add("plain sqlite3, one table", [count / each.one_table.wall for each in rounds], "rows/s")
        report.add("plain sqlite3, the same tables", [count / each.same_tables.wall for each in rounds], "rows/s")
        report.add("ratio", [each.one_table.wall / each.mine.wall for each in rounds], "× one table", at_least(0.3))
        report.add("ratio", [each.same_tables.wall / each.mine.wall for each in rounds], "× same tables")
        for what, of in (("ratio by processor time", "one table"), ("ratio by processor time", "same tables")):
            others = [each.one_table if of == "one table" else each.same_tables for each in rounds]
            report.add(what, [o.cpu / each.mine.cpu for o, each in zip(others, rounds, strict=True)], f"× {of}")
        report.add("processor time of an import", [each.mine.cpu / count * 1e6 for each in rounds], "µs/row")
        report.notes.append(f"all new people, into an empty store; groups of {moving.BATCH}, each durable")
        report.notes.append(f"store on the disk of {stores.folder()}; this process and its threads on one core")
        report.print()
    _beside_sends(settings)


@dataclass(frozen=True, slots=True)
class Spent:
    """The seconds that something took, and those of them in which a processor worked for this process."""

    wall: float
    cpu: float


@contextmanager
def _spent() -> Iterator[list[Spent]]:
    found: list[Spent] = []
    wall, cpu = time.perf_counter(), time.process_time()
    yield found
    found.append(Spent(time.perf_counter() - wall, time.process_time() - cpu))


@dataclass(frozen=True, slots=True)
class Round:
    """One round."""

    mine: Spent
    one_table: Spent
    same_tables: Spent


def _round(name: str, count: int) -> Round:
    with tempfile.TemporaryDirectory(dir=stores.scratch()) as made:
        scratch = Path(made)
        path = lists.write(scratch / "people.csv", name, count)
        store = scratch / "imported.db"
        config = configuration(scratch, store)
        mine = _imported(config, path, count)
        return Round(mine, _one_table(scratch / "list.db", path), _same_tables(scratch / "plain.db", store, count))


def _imported(config: Path, path: Path, count: int) -> Spent:
    """Import a file in this process, as the command does."""
    said = StringIO()
    with _spent() as spent, redirect_stderr(said):
        moving.import_people(
            Namespace(config=config, file=path, format=None, encoding="utf-8", from_line=0, release=False)
        )
    if f"{count} rows taken, 0 not" not in said.getvalue():
        raise RuntimeError(said.getvalue())
    return spent[0]


# Plain sqlite3


def _one_table(path: Path, file: Path) -> Spent:
    with (
        _spent() as spent,
        closing(stores.plain(path)) as connection,
        file.open(encoding="utf-8", newline="") as stream,
    ):
        rows = csv.reader(stream)
        columns = next(rows)
        connection.execute(f"CREATE TABLE people ({', '.join(columns)})")
        connection.execute("CREATE UNIQUE INDEX people_email ON people (email, businessUnit)")
        insert = f"INSERT INTO people VALUES ({', '.join('?' * len(columns))})"
        while batch := list(islice(rows, moving.BATCH)):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, batch)
            connection.execute("COMMIT")
    return spent[0]


def _same_tables(path: Path, imported: Path, count: int) -> Spent:
    """Write what an import left to an empty store: of each table the rows of so many people after the other."""
    stores.empty(path)
    batches = list(_batches(imported, count))
    with _spent() as spent, closing(stores.plain(path)) as connection:
        for tables in batches:
            connection.execute("BEGIN IMMEDIATE")
            for table, rows in tables.items():
                if rows:
                    marks = ", ".join("?" * len(rows[0]))
                    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            connection.execute("COMMIT")
    return spent[0]


_OF_PEOPLE: Mapping[str, str] = {
    "person": "SELECT * FROM person WHERE pk BETWEEN ? AND ?",
    "address": "SELECT * FROM address WHERE person BETWEEN ? AND ? ORDER BY digest",
    "register": "SELECT * FROM register WHERE person BETWEEN ? AND ?",
    "suppressed": "SELECT * FROM suppressed WHERE key_hash IN"
    " (SELECT key_hash(digest) FROM address WHERE person BETWEEN ? AND ?)",
    "event": "SELECT * FROM event WHERE person BETWEEN ? AND ? ORDER BY sequence",
}


def _batches(imported: Path, count: int) -> Iterator[Table]:
    with closing(sqlite3.connect(imported)) as connection:
        connection.create_function("key_hash", 1, key_hash, deterministic=True)
        for first in range(1, count + 1, moving.BATCH):
            of = (first, first + moving.BATCH - 1)
            yield {table: connection.execute(query, of).fetchall() for table, query in _OF_PEOPLE.items()}


# Sends beside an import


@dataclass(frozen=True, slots=True)
class Beside:
    """Windows of sends without an import, before and after it, and with it; the rows a second imported meanwhile."""

    quiet: list[Answered]
    busy: list[Answered]
    rows: float

    def percentiles(self, share: float) -> tuple[list[float], list[float]]:
        """Give a percentile of each window, in milliseconds."""
        return [each.percentile(share) for each in self.quiet], [each.percentile(share) for each in self.busy]


def _beside_sends(settings: Settings) -> None:
    count = QUICK_MILLION if settings.quick else MILLION
    for name in lists.LISTS:
        beside = _beside(name, count, settings.rounds)
        report = Report(f"Sends while a list of {name} is imported, {count:,} rows")
        for percent in (50, 99):
            quiet, busy = beside.percentiles(percent / 100)
            report.add(f"sends without an import, p{percent}", quiet, "ms")
            report.add(f"sends beside an import, p{percent}", busy, "ms")
        report.add("ratio of the medians of p99", [median(busy) / median(quiet)], "× quiet", at_most(3))
        report.add("slowest send beside an import", [each.percentile(1) for each in beside.busy], "ms")
        report.add("imported through the gate", [beside.rows], "rows/s")
        report.notes.append(
            f"{RATE:g} single sends a second over {CONNECTIONS} connections, timed from when each was due"
        )
        report.notes.append(f"in windows of {WINDOW:g} s, without an import before and after it")
        report.notes.append("the gate on one core; the import's own process shares the other with the load")
        report.print()


def _beside(name: str, count: int, rounds: int) -> Beside:
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=stores.scratch())))
        path = lists.write(scratch / "people.csv", name, count)
        up = stack.enter_context(Worker(upstream.serve, machine.DRIVING)).ask("port")
        driver = stack.enter_context(Worker(load.serve, machine.DRIVING))
        gate = stack.enter_context(Gate(scratch, scratch / "store.db", f"http://127.0.0.1:{up}"))
        requests = messages.posts("/sendgrid" + messages.MAIL_SEND, messages.singles(2000))

        def sent() -> Answered:
            answered: Answered = driver.ask(Order(gate.ports["proxy"], requests, CONNECTIONS, WINDOW, RATE))
            return answered.expect(202)

        sent()  # caches get warm
        quiet = [sent() for _ in range(rounds)]
        busy, rows = _during(gate, path, count, sent)
        quiet += [sent() for _ in range(rounds)]
        return Beside(quiet, busy, rows)


def _during(gate: Gate, path: Path, count: int, sent: Callable[[], Answered]) -> tuple[list[Answered], float]:
    """Import a file through the gate, and send as long as that takes; the last window, cut by its end, is left out."""
    command = [sys.executable, "-m", "proxy", "import", "--config", str(gate.config), str(path)]
    started = time.perf_counter()
    busy = []
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None:
            busy.append(sent())
    rate = count / (time.perf_counter() - started)
    if running.returncode or len(busy) < 2:
        raise RuntimeError("the import beside sends failed, or was over at once")
    return busy[:-1], rate
