"""Stores with many suppressed people, written in bulk the way learning writes them.

Learning ten million events one by one would take an hour; in bulk it takes minutes. Everything that judging reads or
changes is there (persons, addresses, registers, suppressed rows), the journal is not: nothing on the hot path reads
it. What each row holds comes from the store's own functions, and `differences` learns a sample anew through
`Policy.learn` to compare.

Rows go in sorted by their key, or the B-trees would be written in random order; sorting is left to SQLite, which
needs no memory for it.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import orjson

from bench import people
from bench.report import say
from bench.settings import Settings
from policy import Policy
from policy.model import MessageClass, Microseconds, Terms
from policy.store import facts
from policy.store.database import SETTINGS, Database
from policy.store.digests import Digests, key_hash
from policy.store.people import store_id, xng_id

_CACHE = "PRAGMA cache_size = -1048576"  # KiB; holds the one index that is written in random order
_STEP = 1_000_000  # people between two words of progress
_SAMPLE = 200

TERMS = Terms(MessageClass.MARKETING, max_schedule_ahead=86_400.0)


def folder() -> Path:
    """Give the folder for what is built once and kept: $SENDGATE_BENCH_DATA, or one in the user's cache."""
    named = os.environ.get("SENDGATE_BENCH_DATA")
    return Path(named) if named else Path.home() / ".cache" / "sendgate-bench"


def scratch() -> Path:
    """Give a folder on the same disk for what is thrown away after a run; /tmp may be memory."""
    path = folder() / "scratch"
    path.mkdir(parents=True, exist_ok=True)
    return path


def large(count: int, settings: Settings) -> Path | None:
    """Give a large store, or None where there is none and the run shall be a quick one."""
    if settings.quick and not _kept_path(count).exists():
        say(f"no store with {count:,} suppressed addresses yet, and a quick run builds none: left out\n")
        return None
    return kept(count)


def _kept_path(count: int) -> Path:
    return folder() / f"suppressed-{count}.db"


def kept(count: int) -> Path:
    """Give the store with so many suppressed people; it is built where there is none, or none that fits any more."""
    path = _kept_path(count)
    if path.exists():
        found = differences(path, count)
        if not found:
            return path
        say(f"the store {path} is not what learning writes today ({found[0]}); building it anew")
    else:
        say(f"building {path} with {count:,} suppressed addresses; takes some minutes, once")
    path.parent.mkdir(parents=True, exist_ok=True)
    build(path, count)
    found = differences(path, count)
    if found:
        raise RuntimeError(f"the store built in bulk is not what learning writes: {found}")
    return path


# Building


def build(path: Path, count: int) -> None:
    """Write a store with so many suppressed people; the file takes its name when it is whole."""
    building = path.with_suffix(".building")
    remove(building)
    empty(building)
    with closing(sqlite3.connect(building, isolation_level=None)) as connection:
        for pragma in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(_CACHE)
        _fill(connection, count)
        connection.execute("PRAGMA journal_mode = WAL")
    remove(path)
    building.rename(path)
    remove(building)


def remove(path: Path) -> None:
    """Take a store away, with the files beside it."""
    for suffix in ("", "-wal", "-shm", ".lock", ".sock"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def empty(path: Path) -> None:
    """Make a store without anybody in it."""
    database = Database(path)
    database.open()
    database.close()


def plain(path: Path) -> sqlite3.Connection:
    """Open a file with plain sqlite3, under the settings that the gate's writer has."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in SETTINGS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _fill(connection: sqlite3.Connection, count: int) -> None:
    digests = Digests("")
    connection.create_function("digest", 1, digests.digest, deterministic=True)
    connection.create_function("key_hash", 1, key_hash, deterministic=True)
    connection.create_function("facts", 2, _Rows(), deterministic=True)
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('person', 'address') AND sql > ''"
    ).fetchall()
    steps: list[tuple[str, Callable[[], object]]] = [
        *((f"without {name}", _statement(connection, f"DROP INDEX {name}")) for name, _ in indexes),
        ("persons", lambda: _persons(connection, count)),
        ("registers", lambda: _registers(connection, count)),
        (
            "addresses",
            _statement(connection, "INSERT INTO address SELECT digest(email_key), pk FROM person ORDER BY 1"),
        ),
        (
            "suppressed",
            _statement(
                connection,
                "INSERT INTO suppressed SELECT key_hash(digest), facts(digest, person) FROM address ORDER BY 1",
            ),
        ),
        *((f"index {name}", _statement(connection, sql)) for name, sql in indexes),
    ]
    connection.execute("BEGIN")
    for name, step in steps:
        started = time.perf_counter()
        step()
        seconds = time.perf_counter() - started
        if seconds > 1:
            say(f"  {name}: {seconds:.0f} s")
    connection.execute("COMMIT")


def _statement(connection: sqlite3.Connection, sql: str) -> Callable[[], object]:
    return lambda: connection.execute(sql)


def _persons(connection: sqlite3.Connection, count: int) -> None:
    store = store_id(connection)
    connection.executemany(
        "INSERT INTO person (pk, xng_id, email, email_key, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
        _person_rows(store, count),
    )


def _person_rows(store: str, count: int) -> Iterator[tuple[Any, ...]]:
    for number in range(1, count + 1):
        address = people.suppressed_address(number)
        at = people.said_at(number)
        yield number, xng_id(store, number), address, address, at, at
        if number % _STEP == 0 and number < count:
            say(f"  {number:,} of {count:,} persons")


def _registers(connection: sqlite3.Connection, count: int) -> None:
    patterns = [_register_rows(number) for number in range(people.KINDS * people.TIMES)]
    rows = ((number, *rest) for number in range(1, count + 1) for rest in patterns[number % len(patterns)])
    connection.executemany("INSERT INTO register VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _register_rows(number: int) -> list[tuple[Any, ...]]:
    return sorted((*register, *maxima) for register, maxima in people.registers(number).items())


class _Rows:
    """Makes suppressed rows: what the store's own function makes, once for each standing, with the digest put in."""

    def __init__(self) -> None:
        blank = bytes(16)
        standings = (_register_rows(number) for number in range(people.KINDS * people.TIMES))
        made = [facts.row([(blank, 1, None, "", 0, *register) for register in rows]) or "" for rows in standings]
        self._around = [tuple(text.split(blank.hex())) for text in made]

    def __call__(self, digest: bytes, number: int) -> str:
        before, after = self._around[number % len(self._around)]
        return f"{before}{digest.hex()}{after}"


# Checking


def differences(path: Path, count: int) -> list[str]:
    """Learn a sample of a store's people anew and say what of it a store holds or judges differently."""
    numbers = sorted(Random(1).sample(range(1, count + 1), min(_SAMPLE, count)))
    with tempfile.TemporaryDirectory(dir=scratch()) as made:
        learned = Path(made) / "learned.db"
        told = asyncio.run(_learned_and_judged(learned, numbers))
        built = asyncio.run(_judged(path, numbers))
        found = [] if told == built else ["judging differs"]
        with closing(sqlite3.connect(learned)) as one, closing(sqlite3.connect(path)) as other:
            differing = [number for number in numbers if _held(one, number) != _held(other, number)]
        return found + [f"person {number} differs" for number in differing]


async def _learned_and_judged(path: Path, numbers: Iterable[int]) -> list[Any]:
    numbers = list(numbers)
    times = iter([people.said_at(number) for number in numbers])
    policy = Policy(path, now=lambda: next(times))
    policy.open()
    try:
        for number in numbers:
            await policy.learn(people.told_about(number))
    finally:
        policy.close()
    return await _judged(path, numbers)


async def _judged(path: Path, numbers: Iterable[int]) -> list[Any]:
    policy = Policy(path, now=lambda: Microseconds(0))
    policy.open()
    try:
        return [await policy.judge(people.send(_pair(number)), TERMS) for number in numbers]
    finally:
        policy.close()


def _pair(number: int) -> list[str]:
    return [people.suppressed_address(number), people.free_address(number)]


_OF_ONE = {
    "person": "external_id, email, email_key, business_unit, phones, traits, kept, former, created_at, updated_at",
    "address": "digest",
    "register": "kind, channel, origin, number, suppressed_at, released_at",
}


def _held(connection: sqlite3.Connection, number: int) -> dict[str, Any]:
    """Read all that a store holds of one person, without the numbers by which it counts its people."""
    key = people.suppressed_address(number)
    found = connection.execute("SELECT pk FROM person WHERE email_key = ?", (key,)).fetchone()
    if found is None:
        return {}
    held: dict[str, Any] = {
        table: connection.execute(
            f"SELECT {columns} FROM {table} WHERE {'pk' if table == 'person' else 'person'} = ?", found
        ).fetchall()
        for table, columns in _OF_ONE.items()
    }
    hashed = key_hash(Digests("").digest(key))
    row = connection.execute("SELECT facts FROM suppressed WHERE key_hash = ?", (hashed,)).fetchone()
    return {**held, "suppressed": row and orjson.loads(row[0])}
