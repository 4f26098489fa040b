"""A gate started over the large store: how long until it is ready, and what memory it takes once it has judged."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from bench import load, machine, messages, people, stores, upstream
from bench.gates import Gate
from bench.judging import LARGE
from bench.load import Order
from bench.report import Report, at_most
from bench.settings import Settings
from bench.workers import Worker

_BATCHES, _RECIPIENTS = 40, 1000


@dataclass(frozen=True, slots=True)
class Run:
    """One gate from start to stop: seconds to ready and until its rows were counted; MiB."""

    ready: float
    counted: float
    resting: float
    resident: float
    peak: float


def starting(settings: Settings) -> None:
    """Measure starts with the store's pages out of memory and in it."""
    path = stores.large(LARGE, settings)
    if path is None:
        return
    report = Report(f"Starting and memory, {LARGE:,} suppressed addresses")
    rounds = min(settings.rounds, 3)
    try:
        cold = [_run(settings, path, cold=True) for _ in range(rounds)]
        warm = [_run(settings, path, cold=False) for _ in range(rounds)]
    finally:
        _without_records(path)
    report.add("start to ready, store not in memory", [run.ready for run in cold], "s", at_most(3))
    report.add("start to ready, store in memory", [run.ready for run in warm], "s", at_most(3))
    report.add("until the rows are counted, not in memory", [run.counted for run in cold], "s")
    report.add("until the rows are counted, in memory", [run.counted for run in warm], "s")
    report.add("resident after the start", [run.resting for run in warm], "MiB")
    report.add("resident after judging", [run.resident for run in cold + warm], "MiB", at_most(300))
    report.add("resident at the peak", [run.peak for run in cold + warm], "MiB", at_most(300))
    report.notes.append(f"ready is the first 200 of /health/ready; judged were {settings.seconds:g} s of single sends")
    report.notes.append(f"and {settings.seconds:g} s of batches of {_RECIPIENTS}, 8 connections each")
    report.print()


def _run(settings: Settings, path: Path, *, cold: bool) -> Run:
    (machine.forget if cold else machine.remember)(path)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=stores.scratch())))
        up = stack.enter_context(Worker(upstream.serve, machine.DRIVING)).ask("port")
        driver = stack.enter_context(Worker(load.serve, machine.DRIVING))
        gate = stack.enter_context(Gate(scratch, path, f"http://127.0.0.1:{up}"))
        counted = gate.wait_for_sizes()
        resting, _ = machine.resident(gate.pid)
        singles = messages.singles(2000)
        batches = messages.batches(_BATCHES, _RECIPIENTS, people.REFUSED_SHARE, LARGE)
        for bodies in (singles, batches):
            requests = messages.posts("/sendgrid" + messages.MAIL_SEND, bodies)
            driver.ask(Order(gate.ports["proxy"], requests, 8, settings.seconds)).expect(202)
        return Run(gate.ready_after, counted, resting, *machine.resident(gate.pid))


def _without_records(path: Path) -> None:
    """Take away what the gates wrote, so that the store is the same for the next run."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM dispatch_failed")
