"""`sendgate blacklists import FILE` and `sendgate blacklists export FILE`: entries as CSV, with or without a gate.

    BlacklistId,Email,Phone,Scope,Reason,ExpiresAt

An import takes the rows through the API's own door, some hundred at a time. What is wrong with a row is told with its
line and stops no other; telling the same row twice is telling it once, so an import that was stopped begins anew. An id
is written by an export for whoever wants to remove an entry, and an import passes over it: ids are the store's own.
What has expired is no longer exported.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, TextIO

from policy.store import blacklists
from proxy import printing, transfer
from proxy.api.blacklists import AT_ONCE, FIELDS, shown
from proxy.finding import find
from proxy.moving import check_apart, reading, written
from proxy.operator import Door, NoGate, door
from proxy.transfer import Line

ENTRIES: Final = "/api/v1.0/blacklists/"
TOLD: Final = 1000  # bad rows that are named; all are counted
_LONGEST: Final = 1 << 20  # letters of one request, but for its last row: the API takes 4 MiB, escapes included


def import_or_export(arguments: Namespace) -> int:
    """Do what the first argument says."""
    return _export(arguments) if arguments.action == "export" else asyncio.run(_import(arguments))


# Import


class Importer:
    """One run of an import: what was taken and what was wrong."""

    def __init__(self, gate: Door) -> None:
        self._gate = gate
        self._err = printing.err()
        self.taken = 0
        self.bad = 0

    async def send(self, lines: list[Line]) -> None:
        """Send some rows, and without those that the gate finds wrong the others again."""
        numbered = [(number, _entry(cells)) for number, cells in lines if not isinstance(cells, str)]
        for number, wrong in lines:
            if isinstance(wrong, str):
                self._note(number, wrong)
        while numbered:
            reply = await self._gate.ask("POST", ENTRIES, body=[entry for _, entry in numbered])
            if reply.status in (200, 201):
                self.taken += len(numbered)
                return
            if reply.status != 400 or "faults" not in reply.body:
                raise NoGate(f"the gate answered {reply.status} at line {numbered[0][0]}; its log says why")
            faults = {fault["item"]: fault for fault in reply.body["faults"]}
            for at, fault in faults.items():
                self._note(numbered[at][0], f"{fault['field']}: {fault.get('message', fault['type'])}")
            numbered = [row for at, row in enumerate(numbered) if at not in faults]

    def _note(self, number: int, wrong: str) -> None:
        self.bad += 1
        if self.bad <= TOLD:
            self._err.print(f"line {number}: {wrong}")


async def _import(arguments: Namespace) -> int:
    """Import a file; 0 if every row was taken, 1 if any was not."""
    found = find(arguments.config)
    path: Path = arguments.file
    with contextlib.ExitStack() as stack:
        stream = transfer.opened(path, arguments.encoding)
        if stream is not sys.stdin:
            stack.enter_context(stream)
        async with door(found.config, alone=found.whole) as gate:
            importer = Importer(gate)
            for lines in _batches(transfer.read(stream, "csv", FIELDS)):
                await importer.send(lines)
    printing.err().print(f"{importer.taken} entries taken, {importer.bad} not")
    return 1 if importer.bad else 0


def _batches(lines: Iterable[Line]) -> Iterable[list[Line]]:
    """Give rows in batches that one request takes."""
    batch: list[Line] = []
    size = 0
    for number, cells in lines:
        batch.append((number, cells))
        size += sum(map(len, cells))
        if len(batch) == AT_ONCE or size >= _LONGEST:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _entry(cells: list[str]) -> dict[str, str]:
    """Make an entry of a row; an empty cell says nothing, and an id is not for others to give."""
    named = dict(zip(FIELDS, cells, strict=True))
    return {name: cell for name, cell in named.items() if cell and name != FIELDS[0]}


# Export


def _export(arguments: Namespace) -> int:
    """Write every entry that counts to a file, or to standard output."""
    config = find(arguments.config).config
    path: Path = arguments.file
    check_apart(path, config)
    with reading(config) as policy, written(path) as stream:
        read = blacklists.every(lambda entries: _write(stream, map(shown, entries)), policy.now())
        count = policy.database.snapshot(read)
    printing.err().print(f"{count} entries written")
    return 0


def _write(stream: TextIO, entries: Iterable[dict[str, Any]]) -> int:
    """Write entries and say how many."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FIELDS)
    count = 0
    for entry in entries:
        writer.writerow([entry.get(name) for name in FIELDS])
        count += 1
    return count
