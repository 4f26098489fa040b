"""`sendgate import` and `sendgate export`: people into the store and out of it, with or without a running gate."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from policy import Policy, StoreLocked
from policy.store import exporting
from proxy import printing, transfer
from proxy.config import Config
from proxy.finding import find
from proxy.operator import Door, NoGate, door
from proxy.transfer import BadFile, Line

BATCH: Final = 500  # rows of one request, and of one transaction
BATCH_SIZE: Final = 128 * 1024  # letters of one request, but for its last row: the API takes 4 MiB, escapes included
TOLD: Final = 1000  # bad rows that are named; all are counted


class Importer:
    """One run of an import: what was sent, what was taken, what was wrong."""

    def __init__(self, gate: Door, *, release: bool, err: Console) -> None:
        self._gate = gate
        self._release = release
        self._err = err
        self.taken = 0
        self.bad = 0
        self.last_line = 0  # everything up to here is committed

    async def send(self, lines: list[Line]) -> None:
        """Send a batch of rows and take note of each one's result."""
        readable = [(number, cells) for number, cells in lines if not isinstance(cells, str)]
        results: list[str] = []
        if readable:
            body = {"rows": [cells for _, cells in readable], "release": self._release}
            reply = await self._gate.ask("POST", "/import", body=body)
            if reply.status != 200:
                raise NoGate(f"the gate answered {reply.status} at line {readable[0][0]}; its log says why")
            results = reply.body["items"]
        told = {number: result for (number, _), result in zip(readable, results, strict=True)}
        for number, cells in lines:
            self._note(number, cells if isinstance(cells, str) else told[number])
        self.last_line = lines[-1][0]

    def _note(self, number: int, wrong: str) -> None:
        if not wrong:
            self.taken += 1
            return
        self.bad += 1
        if self.bad <= TOLD:
            self._err.print(f"line {number}: {wrong}")


def import_people(arguments: Namespace) -> int:
    """Import a file; 0 if every row was taken, 1 if any was not."""
    return asyncio.run(_import(arguments))


async def _import(arguments: Namespace) -> int:
    found = find(arguments.config)
    err = printing.err()
    path: Path = arguments.file
    with contextlib.ExitStack() as stack:
        stream = transfer.opened(path, arguments.encoding)
        if stream is not sys.stdin:
            stack.enter_context(stream)
        progress, task = stack.enter_context(_progress(err, "importing", _size(path)))
        async with door(found.config, create=True, alone=found.whole) as gate:
            importer = Importer(gate, release=arguments.release, err=err)
            lines = transfer.read(stream, transfer.format_of(path, arguments.format))
            wanted = (line for line in lines if line[0] >= arguments.from_line)
            try:
                for batch in _batches(wanted):
                    await importer.send(batch)
                    progress.update(task, completed=importer.taken + importer.bad)
            except BaseException as error:
                err.print(_stopped(error, max(importer.last_line, arguments.from_line - 1)))
                raise
    err.print(f"{importer.taken} rows taken, {importer.bad} not")
    return 1 if importer.bad else 0


def _stopped(error: BaseException, last_line: int) -> str:
    """Say how far an import got; what was sent last, and was not answered, may have been taken or not."""
    if last_line > 1:  # behind the names of the columns
        return f"stopped; go on with --from-line {last_line + 1}"
    return "nothing was taken" if isinstance(error, BadFile) else "stopped; begin anew, no row counts twice"


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for number, cells in lines:
        batch.append((number, cells))
        size += sum(map(len, cells))
        if len(batch) == BATCH or size >= BATCH_SIZE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(path: Path) -> int | None:
    """Count the lines of a file that can be read twice, for the progress bar."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


@contextlib.contextmanager
def _progress(err: Console, what: str, total: int | None) -> Iterator[tuple[Progress, TaskID]]:
    columns = (SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield progress, progress.add_task(what, total=total)


def export_people(arguments: Namespace) -> int:
    """Export everybody; to standard output where no file is named."""
    config = find(arguments.config).config
    err = printing.err()
    path: Path = arguments.file
    check_apart(path, config)
    style = transfer.format_of(path, arguments.format)
    with reading(config) as policy:
        policy.database.check_pepper()
        digests = policy.database.digests
        total = policy.database.snapshot(exporting.count)
        with written(path) as stream, _progress(err, "exporting", total) as (progress, task):
            read = exporting.all_rows(
                digests, lambda rows: transfer.write(stream, style, _followed(rows, progress, task))
            )
            count = policy.database.snapshot(read)
    err.print(f"{count} rows written")
    return 0


def check_apart(path: Path, config: Config) -> None:
    """Keep a file that is to be written from taking the store's own place; raises BadFile."""
    store = config.store.path.resolve()
    if path.resolve() in {
        store.with_name(f"{store.name}{suffix}") for suffix in ("", "-wal", "-shm", ".lock", ".sock")
    }:
        raise BadFile(f"{path} is the store itself")


@contextlib.contextmanager
def reading(config: Config) -> Iterator[Policy]:
    """Open the store for reading, beside the gate that writes it or alone."""
    policy = Policy(config.store.path, config.store.pepper.reveal())
    try:
        policy.open(create=False)
    except StoreLocked:
        yield policy
        return
    try:
        yield policy
    finally:
        policy.close()


@contextlib.contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """Open a file that is there whole or not at all, for its owner alone; `-` for standard output."""
    if str(path) == "-":
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]  # a real stream
        yield sys.stdout
        return
    part = path.with_name(f"{path.name}.part")
    with _opened(part, path) as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _opened(part: Path, path: Path) -> TextIO:
    try:
        return open(part, "w", encoding="utf-8", newline="", opener=_private)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None  # by the name that was given


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _followed(rows: Iterable[tuple[str, ...]], progress: Progress, task: TaskID) -> Iterator[tuple[str, ...]]:
    for number, row in enumerate(rows, 1):
        if number % 10_000 == 0:
            progress.update(task, completed=number)
        yield row
