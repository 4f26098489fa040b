"""`sendgate blacklists import|remove|export FILE`: entries as CSV, with or without a gate.

    BlacklistId,Email,Phone,Scope,Reason,ExpiresAt

All of them go through the API's own door. An import takes the rows some hundred at a time. Telling the same row twice
is telling it once, so an import that was stopped begins anew. It passes over ids: ids are the store's own.

A removal takes away the entry that a row names and no other: whatever the row says of id, address and scope must be the
entry's, and a row without an id or a scope means the entry without a scope. Reasons and expiries are passed over.

What is wrong with a row is told with its line and stops no other. An export has what has not expired.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import sys
from abc import ABC, abstractmethod
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Final, TextIO

from policy.store import blacklists
from proxy import printing, transfer
from proxy.api.blacklists import AT_ONCE, FIELDS, shown
from proxy.finding import find
from proxy.moving import check_apart, reading, written
from proxy.operator import Door, NoGate, Reply, door
from proxy.transfer import Line

ENTRIES: Final = "/api/v1.0/blacklists/"
TOLD: Final = 1000  # bad rows that are named; all are counted
TOGETHER: Final = 50  # removals that wait for one commit
_LONGEST_NAME: Final = 700  # letters of address, id and scope; longer ones would not fit into the line of a request
_LONGEST: Final = 1 << 20  # letters of one request, but for its last row: the API takes 4 MiB, escapes included

Row = dict[str, str]  # what a row says, by the names of an entry's fields


def move(arguments: Namespace) -> int:
    """Do what the first argument says."""
    if arguments.action == "export":
        return _export(arguments)
    return asyncio.run(_take(arguments, Importer if arguments.action == "import" else Remover))


# Import and removal


class Taker(ABC):
    """One run over the rows of a file: how many were taken and what was wrong with the others."""

    said: ClassVar[str]

    def __init__(self, gate: Door) -> None:
        self._gate = gate
        self._err = printing.err()
        self.taken = 0
        self.bad = 0

    async def send(self, lines: list[Line]) -> None:
        """Take some rows."""
        numbered = [(number, _entry(cells)) for number, cells in lines if not isinstance(cells, str)]
        for number, wrong in lines:
            if isinstance(wrong, str):
                self._note(number, wrong)
        await self._send(numbered)

    @abstractmethod
    async def _send(self, numbered: list[tuple[int, Row]]) -> None:
        """Do with rows that can be read what this run is for."""

    def _note(self, number: int, wrong: str) -> None:
        self.bad += 1
        if self.bad <= TOLD:
            self._err.print(f"line {number}: {wrong}")


class Importer(Taker):
    """Puts addresses on blacklists."""

    said = "taken"

    async def _send(self, numbered: list[tuple[int, Row]]) -> None:
        """Send some rows, and without those that the gate finds wrong the others again."""
        entries = [
            (number, {name: cell for name, cell in row.items() if name != "BlacklistId"}) for number, row in numbered
        ]
        while entries:
            reply = await self._gate.ask("POST", ENTRIES, body=[entry for _, entry in entries])
            if reply.status in (200, 201):
                self.taken += len(entries)
                return
            if reply.status != 400 or "faults" not in reply.body:
                raise _silent(reply, entries[0][0])
            faults = {fault["item"]: fault for fault in reply.body["faults"]}
            for at, fault in faults.items():
                self._note(entries[at][0], f"{fault['field']}: {fault.get('message', fault['type'])}")
            entries = [row for at, row in enumerate(entries) if at not in faults]


_NO_ENTRY = "there is no such entry"


class Remover(Taker):
    """Takes entries off their blacklists."""

    said = "removed"

    async def _send(self, numbered: list[tuple[int, Row]]) -> None:
        for start in range(0, len(numbered), TOGETHER):
            rows = numbered[start : start + TOGETHER]
            found = await asyncio.gather(*(self._find(*row) for row in rows))
            first: dict[str, int] = {}  # of the rows that name an entry, or the later one might find it
            for (number, _), entry_id in zip(rows, found, strict=True):
                if entry_id and first.setdefault(entry_id, number) != number:
                    self._note(number, _NO_ENTRY)
            await asyncio.gather(*(self._remove(number, entry_id) for entry_id, number in first.items()))

    async def _find(self, number: int, row: Row) -> str:
        """Find the entry that a row names, and give its id; "" if it names none, which is told."""
        wanted, fault = _filter(row)
        if fault:
            self._note(number, fault)
            return ""
        found = await self._gate.ask("GET", ENTRIES, query={"$filter": wanted})
        if found.status not in (200, 400):
            raise _silent(found, number)
        if found.status == 400 or not found.body["items"]:
            self._note(number, found.body["message"].partition(": ")[2] if found.status == 400 else _NO_ENTRY)
            return ""
        (entry,) = found.body["items"]
        return str(entry["BlacklistId"])

    async def _remove(self, number: int, entry_id: str) -> None:
        reply = await self._gate.ask("DELETE", ENTRIES + entry_id)
        if reply.status not in (200, 404):
            raise _silent(reply, number)
        if reply.status == 404:
            self._note(number, _NO_ENTRY)
        else:
            self.taken += 1


def _filter(row: Row) -> tuple[str, str]:
    """Make the filter that finds the entry which a row names, or say why there is none."""
    named = [name for name in ("BlacklistId", "Email", "Phone", "Scope") if name in row]
    if named in ([], ["Scope"]):
        return "", "this names no entry: it has no BlacklistId, Email or Phone"
    if sum(len(row[name]) for name in named) > _LONGEST_NAME:
        return "", "this is no entry's address or id"
    wanted = " and ".join(f"{name} eq {_quoted(row[name])}" for name in named)
    return wanted if "BlacklistId" in row or "Scope" in row else f"{wanted} and Scope eq null", ""


def _silent(reply: Reply, number: int) -> NoGate:
    return NoGate(f"the gate answered {reply.status} at line {number}; its log says why")


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


async def _take(arguments: Namespace, kind: type[Taker]) -> int:
    """Go over a file; 0 if every row was taken, 1 if any was not."""
    found = find(arguments.config)
    path: Path = arguments.file
    with contextlib.ExitStack() as stack:
        stream = transfer.opened(path, arguments.encoding)
        if stream is not sys.stdin:
            stack.enter_context(stream)
        async with door(found.config, alone=found.whole) as gate:
            taker = kind(gate)
            for lines in _batches(transfer.read(stream, "csv", FIELDS)):
                await taker.send(lines)
    printing.err().print(f"{taker.taken} entries {taker.said}, {taker.bad} not")
    return 1 if taker.bad else 0


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


def _entry(cells: list[str]) -> Row:
    """Give the cells of a row by their names; an empty one says nothing."""
    return {name: cell for name, cell in zip(FIELDS, cells, strict=True) if cell}


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
