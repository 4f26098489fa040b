"""A copy of the store beside a running gate, and what a copy must not do: mail those who said no since.

A copy is taken in one read transaction, checked, and marked as a copy with the sequence number it ends at. A store with
that mark is *held*: it judges nobody and learns nothing, whoever put it into place and however. The mark goes when the
journal was told again up to a stated sequence, or when somebody says that what is lost is lost.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from policy.events import Told
from policy.model import Microseconds
from policy.store import journal, learning, people, rekeying
from policy.store.database import locked
from policy.store.digests import Digests
from policy.store.profiles import AddressTaken

MARK = "copy_ends_at"

_COLUMNS = ("sequence", "arrived_at", "kind", "name", "channel", "origin", "source", "body")
_KEYS = ("store", "first", *_COLUMNS)  # `first`: not a repeat of anything the journal held then


class BadCopy(Exception):
    """A copy is not intact, or a journal does not continue it; nothing was put into place."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup holds: everything up to this sequence number, and how many bytes it takes."""

    sequence: int
    size: int


def copy(source: sqlite3.Connection, target: Path) -> Copied:
    """Copy the store to a new file, whole or not at all; raises BadCopy, OSError and sqlite3.Error."""
    part = part_of(target)
    _make_private(part)
    with contextlib.closing(sqlite3.connect(part)) as copied:
        source.backup(copied)  # in one step: a copy in several begins anew at each write of the gate
        copied.execute("PRAGMA journal_mode = DELETE")
        verify(copied)
        sequence = journal.last_sequence(copied)
        copied.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (MARK, str(sequence)))
        copied.commit()
    _sync(part)
    part.replace(target)
    _sync(target.absolute().parent)
    return Copied(sequence, target.stat().st_size)


def verify(connection: sqlite3.Connection) -> None:
    """Check a store's every page; raises BadCopy."""
    told = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
    if told != ["ok"]:
        raise BadCopy(f"the copy is not intact: {'; '.join(told)}")


def ends_at(connection: sqlite3.Connection) -> int | None:
    """Say at which sequence number a store was copied, or None if it is no copy."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (MARK,)).fetchone()
    return None if row is None else int(row[0])


def release(connection: sqlite3.Connection) -> None:
    """Take the mark away: the store may be used."""
    connection.execute("DELETE FROM meta WHERE name = ?", (MARK,))


def put_into_place(copy: Path, store: Path, aside: str) -> None:
    """Check a copy and put it where the store is, while nobody writes there; raises BadCopy, StoreLocked and OSError.

    What was there is moved aside, with this word behind its name; nothing is lost. Whoever is interrupted between the
    two leaves no store and the `.part` of one, and no gate starts with an empty store then (Database.open).
    """
    if Path(f"{store}.{aside}").exists():
        raise BadCopy(f"{store}.{aside} is there already")
    store.parent.mkdir(parents=True, exist_ok=True)
    lock = locked(store)
    try:
        part = _brought(copy, part_of(store))
        for suffix in ("", "-wal", "-shm"):
            there = Path(f"{store}{suffix}")
            if there.exists():
                there.rename(f"{store}.{aside}{suffix}")
        part.replace(store)
        _sync(store.absolute().parent)
    finally:
        os.close(lock)


def part_of(store: Path) -> Path:
    """Say where a copy lies while it is put into place."""
    return store.with_name(f"{store.name}.part")


def _brought(copy: Path, part: Path) -> Path:
    """Bring a copy beside the store, and check it; a bad one leaves nothing there."""
    _make_private(part)
    try:
        shutil.copyfile(copy, part)
        _check(part)
    except BaseException:
        part.unlink()
        raise
    _sync(part)
    return part


def _make_private(part: Path) -> None:
    """Make an empty file for its owner alone: a store holds clear addresses."""
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(part: Path) -> None:
    with contextlib.closing(sqlite3.connect(part)) as connection:
        try:
            verify(connection)
            ends = ends_at(connection)
        except sqlite3.DatabaseError as error:
            raise BadCopy(f"this file is no store: {error}") from error
    if ends is None:
        raise BadCopy("this file is no backup: it does not say at which journal sequence it ends")


# The journal as a file


def journal_to(stream: BinaryIO, after: int) -> Callable[[sqlite3.Connection], int]:
    """Make the read that writes the journal after a sequence number, one JSON object a line, and counts the lines."""
    columns = ", ".join(_COLUMNS)
    query = f"SELECT ?, identity IS NOT NULL, {columns} FROM event WHERE sequence > ? ORDER BY sequence"  # noqa: S608 (constants)

    def read(connection: sqlite3.Connection) -> int:
        count = 0
        for row in connection.execute(query, (people.store_id(connection), after)):
            stream.write(orjson.dumps(dict(zip(_KEYS, row, strict=True))) + b"\n")
            count += 1
        return count

    return read


def replay(connection: sqlite3.Connection, digests: Digests, lines: Iterable[bytes]) -> int:
    """Tell a journal again behind what the store holds, and give the sequence it ends at; raises BadCopy.

    Entries that the store has already are passed over, so that files may overlap.
    """
    last = journal.last_sequence(connection)
    store = people.store_id(connection)
    for line in lines:
        entry = _entry(line)
        if entry["store"] != store:
            raise BadCopy("the journal is another store's")
        if entry["sequence"] <= last:
            _check_same(connection, entry)
        elif _tell_again(connection, digests, entry) != entry["sequence"]:
            raise BadCopy(f"the journal does not continue this store: {entry['sequence']} is not next after {last}")
        last = journal.last_sequence(connection)
    return last


def _tell_again(connection: sqlite3.Connection, digests: Digests, entry: Mapping[str, Any]) -> int:
    """Tell one entry again and give the sequence it got; what another entry causes came with that, and gets none."""
    if entry["kind"] in journal.CAUSED:
        return 0
    kind, name, channel, origin, source = (entry[key] for key in ("kind", "name", "channel", "origin", "source"))
    try:
        event = journal.event_of(kind, name, channel, origin, source, orjson.loads(entry["body"]))
        if entry["first"] and isinstance(event, Told):
            journal.forget(connection, event)
        if rekeying.is_outdated(event):
            rekeying.doubt(connection)
        return learning.learn(digests, [event], Microseconds(entry["arrived_at"]))(connection)[0].sequence
    except (ValueError, TypeError, LookupError, AddressTaken) as error:  # LookupError: UnknownUser as well
        raise BadCopy(f"the journal does not continue this store: {entry['sequence']} cannot be told") from error


def _check_same(connection: sqlite3.Connection, entry: Mapping[str, Any]) -> None:
    """Make sure that an entry which the store has already is the same there; raises BadCopy."""
    query = "SELECT arrived_at, kind, name FROM event WHERE sequence = ?"
    row = connection.execute(query, (entry["sequence"],)).fetchone()
    if row is not None and row != (entry["arrived_at"], entry["kind"], entry["name"]):
        raise BadCopy(f"the journal is not this store's: {entry['sequence']} is another entry there")


def _entry(line: bytes) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadCopy("a line of the journal is no JSON; it may have been cut short") from None
    if not isinstance(entry, dict) or entry.keys() != set(_KEYS):
        raise BadCopy("a line of the journal is no entry")
    return entry
