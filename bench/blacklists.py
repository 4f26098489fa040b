"""Judging with a million blacklist entries beside judging with none, over the same people; then with patterns too.

The stores hold the same suppressed people, and the sends are the same. No recipient is on a list, so that all stores
say the same of everybody; entries are at the domains of the recipients, patterns stand over none of them. Entries are
written in bulk the way the store writes them, and a sample of them is entered anew for comparison.

Beside it, pages of the list itself: all that is done between a request's query and the bytes of its answer.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import orjson
import uvloop

from bench import machine, people, stores
from bench.judging import REPEATS, sends_to, timed
from bench.report import Report, at_most
from bench.settings import Settings
from policy import Policy, blacklists, queries
from policy.events import Listing, Origin
from policy.store import blacklists as entries
from policy.store.digests import Digests
from policy.store.querying import Selection, ordered, where
from proxy.api.blacklists import shown

PEOPLE = 100_000
ENTRIES = 1_000_000
PATTERNS = 1_000
_DOMAINS = 997
_SAMPLE = 100
_REQUESTS = 200

Row = tuple[Any, ...]


def blacklisting(settings: Settings) -> None:
    """Measure three stores in turns."""
    report = Report(f"Judging with {ENTRIES:,} blacklist entries and without, {PEOPLE:,} suppressed addresses")
    with tempfile.TemporaryDirectory(dir=stores.scratch()) as folder:
        scratch = Path(folder)
        paths = scratch / "none.db", scratch / "addresses.db", scratch / "patterns.db"
        stores.build(paths[0], PEOPLE)
        for before, path, numbers in zip(paths, paths[1:], (_ADDRESSES, _PATTERNS), strict=False):
            shutil.copy(before, path)
            _fill(path, numbers)
            _check(path, numbers, scratch / f"sample-of-{path.name}")
        for path in paths:
            machine.remember(path)
        with machine.alone():
            for recipients, repeats in REPEATS.items():
                none, addresses, patterns = uvloop.run(_rounds(settings, paths, recipients, repeats))
                ratios = report.compare((sends_to(recipients), "  without entries"), addresses, none, "µs")
                report.add("  ratio", ratios, "× without", at_most(1.1))
                report.add(
                    "  ratio, with patterns", [one / other for one, other in zip(patterns, none, strict=True)], ""
                )
            for what, query in _PAGES.items():
                report.add(what, uvloop.run(_pages(settings, paths[1], query)), "ms", at_most(5))
    report.notes.append(f"with patterns: {PATTERNS:,} of domains and sub-domains beside the addresses")
    report.notes.append("each value is the median of its round; this process and its threads on one core")
    report.print()


async def _rounds(
    settings: Settings, paths: Sequence[Path], recipients: int, repeats: int
) -> tuple[tuple[float, ...], ...]:
    """Give the median times of each round over each store, send by send in turns; the first round does not count."""
    random = Random(5)
    policies = [Policy(path) for path in paths]
    for policy in policies:
        policy.open()
    try:
        rounds = []
        for _ in range(settings.rounds + 1):
            sends = list(people.sends(repeats, recipients, PEOPLE, random))
            times: list[list[float]] = [[] for _ in policies]
            for number, send in enumerate(sends):
                for turn in range(len(policies)):  # whoever comes first finds the send in no cache
                    which = (number + turn) % len(policies)
                    times[which].append(await timed(policies[which], send))
            rounds.append([median(each) * 1_000_000 for each in times])
    finally:
        for policy in policies:
            policy.close()
    return tuple(zip(*rounds[1:], strict=True))


_PAGES: Mapping[str, Callable[[int], tuple[str, str]]] = {  # what is asked, of an entry's number
    "a page, by e-mail": lambda number: (f"Email eq {_address(number).upper()} and Scope eq null", ""),
    "a page, of all": lambda _: ("", ""),
    "a page, of all by e-mail, from the end": lambda _: ("", "Email desc"),
}


async def _pages(settings: Settings, path: Path, query: Callable[[int], tuple[str, str]]) -> list[float]:
    """Give the median time of a page in each round, in milliseconds; the first round does not count."""
    random = Random(7)
    policy = Policy(path)
    policy.open()
    try:
        rounds = []
        for _ in range(settings.rounds + 1):
            times = []
            for number in random.sample(_ADDRESSES, _REQUESTS):
                began = time.perf_counter()
                text, order = query(number)
                page = await policy.ask(entries.page(_asked(text, order)))
                orjson.dumps({"total": page.total, "items": [shown(entry) for entry in page.entries]})
                times.append(time.perf_counter() - began)
                if not page.entries:
                    raise RuntimeError("an entry was not found")
            rounds.append(median(times) * 1000)
    finally:
        policy.close()
    return rounds[1:]


def _asked(text: str, order: str) -> Selection:
    meant = where(queries.parse(text), entries.FIELDS)
    return Selection(meant, ordered(queries.parse_order(order), entries.FIELDS, "pk"), 0, 100)


# Building


_ADDRESSES = range(1, ENTRIES + 1)
_PATTERNS = range(ENTRIES + 1, ENTRIES + PATTERNS + 1)


def _address(number: int) -> str:
    """Give the address of an entry, or one of the patterns behind them, of domains that no recipient has."""
    if number in _PATTERNS:
        return f"*{'@.'[number % 2]}listed{number}.example.net"
    return f"listed{number}@mail{number % _DOMAINS}.example.com"


def _fill(path: Path, numbers: range) -> None:
    """Write some entries."""
    digests = Digests("")
    named = [(number, blacklists.keys_of(_address(number))[0]) for number in numbers]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO blacklist (pk, id, address, key, origin, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            ((number, f"{number:032x}", _address(number), key, str(Origin.API), 1) for number, key in named),
        )
        connection.executemany(
            "INSERT INTO blacklist_key (digest, entry, pattern) VALUES (?, ?, ?)",
            ((digests.digest(key), number, key if blacklists.is_pattern(key) else None) for number, key in named),
        )
        connection.execute("COMMIT")


def _check(path: Path, numbers: range, learned: Path) -> None:
    """Enter a sample into another store; raises RuntimeError if that holds anything else."""
    sample = Random(2).sample(numbers, _SAMPLE)
    asyncio.run(_entered(learned, sample))
    with closing(sqlite3.connect(path)) as built, closing(sqlite3.connect(learned)) as entered:
        if [_held(built, number) for number in sample] != [_held(entered, number) for number in sample]:
            raise RuntimeError("entries written in bulk are not what the store writes")


async def _entered(path: Path, sample: list[int]) -> None:
    policy = Policy(path)
    policy.open()
    for number in sample:
        address = _address(number)
        await policy.learn([Listing(f"{number:032x}", address, blacklists.keys_of(address))])
    policy.close()


def _held(connection: sqlite3.Connection, number: int) -> list[Row]:
    """Read all that a store holds of one entry, without the numbers and times that are each store's own."""
    key = blacklists.keys_of(_address(number))[0]
    entry = "SELECT id, address, key, scope, reason, expires, until, origin FROM blacklist WHERE key = ?"
    keys = "SELECT digest, pattern FROM blacklist_key WHERE entry = (SELECT pk FROM blacklist WHERE key = ?)"
    return [row for query in (entry, keys) for row in connection.execute(query, (key,))]
