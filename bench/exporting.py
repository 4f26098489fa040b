"""Exporting: `sendgate export` in rows a second and in memory, each run in a process of its own.

The store holds as many suppressed leads as the rows say; every one of them has its registers and times in the export,
which is the most that a row can hold. The clock runs around the whole of the command but the start of Python: it opens
the store, writes the file and syncs it. Memory is the growth of the process's peak from before the command to its end;
a tenth of the people is exported as well, and if both grow alike, memory does not follow the number of rows.

The same people are asked for as a segment, as CSV through the API of a running gate. Reading, writing and answering
share one core there, and memory is the growth of the gate's peak.
"""

from __future__ import annotations

import http.client
import json
import os
import tempfile
import time
from argparse import Namespace
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from bench import machine, stores
from bench.gates import Gate, configuration
from bench.report import Report, at_least, at_most
from bench.settings import Settings
from bench.workers import Pipe, Worker

PEOPLE, QUICK = 500_000, 100_000
GROWTH = 32  # MiB


def exporting(settings: Settings) -> None:
    """Measure exports of a store to both formats."""
    count = QUICK if settings.quick else PEOPLE
    report = Report(f"Exporting, {count:,} suppressed leads")
    with tempfile.TemporaryDirectory(dir=stores.scratch()) as made:
        scratch = Path(made)
        configs = {size: _built(scratch / str(size), size) for size in (count // 10, count)}
        for style in ("csv", "ndjson"):
            runs = [_exported(configs[count], scratch / f"out.{style}") for _ in range(settings.rounds)]
            target = at_least(100_000) if style == "csv" else None
            report.add(f"sendgate export, {style}", [count / wall for wall, _, _ in runs], "rows/s", target)
            report.add("  rows by processor time", [count / cpu for _, cpu, _ in runs], "rows/s")
            report.add("  memory at the peak, growth", [grown for _, _, grown in runs], "MiB", at_most(GROWTH))
            small = [_exported(configs[count // 10], scratch / f"out.{style}")[2] for _ in range(settings.rounds)]
            report.add("  the same with a tenth of them", small, "MiB")
        runs = [_streamed(scratch / str(count), count) for _ in range(settings.rounds)]
        report.add("a segment as CSV, through a gate", [count / wall for wall, _, _ in runs], "rows/s")
        report.add("  rows by processor time", [count / cpu for _, cpu, _ in runs], "rows/s")
        report.add("  memory at the peak, growth", [grown for _, _, grown in runs], "MiB", at_most(GROWTH))
    report.notes.append("each run is a process of its own on one core; every row has one or two registers with times")
    report.print()


def _built(folder: Path, count: int) -> Path:
    folder.mkdir()
    stores.build(folder / "store.db", count)
    return configuration(folder, folder / "store.db")


def _exported(config: Path, path: Path) -> tuple[float, float, float]:
    """Give the seconds of an export, those of the processor, and how many MiB the process's peak grew by."""
    with Worker(_serve, machine.MEASURED) as worker:
        measured: tuple[float, float, float] = worker.ask((config, path))
    return measured


def _streamed(folder: Path, count: int) -> tuple[float, float, float]:
    """Give the seconds of a stream of everybody, those of the gate's processor, and how many MiB its peak grew by."""
    with Gate(folder, folder / "store.db") as gate:
        gate.wait_for_sizes()
        connection = http.client.HTTPConnection("127.0.0.1", gate.ports["api"], timeout=60)
        connection.request("POST", "/segments", json.dumps({"name": "all"}), {"Content-Type": "application/json"})
        connection.getresponse().read()
        _, before = machine.resident(gate.pid)
        started, worked = time.perf_counter(), machine.busy(gate.pid)
        connection.request("GET", "/segments/all/users?format=csv")
        response = connection.getresponse()
        lines = sum(chunk.count(b"\n") for chunk in iter(lambda: response.read(1 << 18), b""))
        wall, cpu = time.perf_counter() - started, machine.busy(gate.pid) - worked
        connection.close()
        if lines != count + 1:
            raise RuntimeError(f"{lines} lines of {count} people")
        return wall, cpu, machine.resident(gate.pid)[1] - before


def _serve(pipe: Pipe) -> None:
    from proxy import moving  # noqa: PLC0415 (its memory is not the export's)

    config, path = pipe.recv()
    _, before = machine.resident(os.getpid())
    started, worked = time.perf_counter(), time.process_time()
    with redirect_stderr(StringIO()):
        moving.export_people(Namespace(config=config, file=path, format=None))
    wall, cpu = time.perf_counter() - started, time.process_time() - worked
    pipe.send((wall, cpu, machine.resident(os.getpid())[1] - before))
