"""The judging alone: `Policy.judge` in this process, for sends of 1, 10 and 1000 recipients, over two sizes of store.

Every send has recipients of its own, so what is found in memory is what a running gate would find there. Sends are
made before the clock runs: reading a request is not judging it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from statistics import median

import uvloop

from bench import machine, people, stores
from bench.report import Report, at_most
from bench.settings import Settings
from policy import Policy
from policy.model import Send

SMALL, LARGE = 10_000, 10_000_000  # suppressed people
REPEATS = {1: 2000, 10: 500, 1000: 50}  # sends in a round, by their recipients


def judging(settings: Settings) -> None:
    """Measure over the small store and the large one."""
    with tempfile.TemporaryDirectory(dir=stores.scratch()) as scratch:
        small = Path(scratch) / "store.db"
        stores.build(small, SMALL)
        _judged(settings, small, SMALL)
    large = stores.large(LARGE, settings)
    if large is not None:
        _judged(settings, large, LARGE)


def _judged(settings: Settings, path: Path, population: int) -> None:
    report = Report(f"Judging alone, {population:,} suppressed addresses")
    machine.remember(path)
    with machine.alone():
        for recipients, repeats in REPEATS.items():
            seconds = uvloop.run(_warm(settings, path, population, recipients, repeats))
            if recipients < 1000:
                report.add(sends_to(recipients), [each * 1_000_000 for each in seconds], "µs")
            else:
                target = at_most(5) if population == LARGE else None
                report.add(sends_to(recipients), [each * 1000 for each in seconds], "ms", target)
        if population == LARGE:
            seconds = [uvloop.run(_cold(path, population, number)) for number in range(settings.rounds)]
            report.add("1000 recipients, nothing in memory", [each * 1000 for each in seconds], "ms")
    share = f"{people.REFUSED_SHARE:.0%} of the recipients suppressed"
    report.notes.append(f"{share}; each value is the median of its round; this process and its threads on one core")
    report.print()


def sends_to(recipients: int) -> str:
    """Name sends by how many they go to."""
    return f"{recipients} recipient{'s' if recipients > 1 else ''}"


async def _warm(settings: Settings, path: Path, population: int, recipients: int, repeats: int) -> list[float]:
    """Give the median time of each round, after one that does not count."""
    random = Random(3)
    rounds = [list(people.sends(repeats, recipients, population, random)) for _ in range(settings.rounds + 1)]
    times = await _times(path, rounds)
    return [median(each) for each in times[1:]]


async def _cold(path: Path, population: int, seed: int) -> float:
    """Give the time of one judging that finds no page of the store in memory."""
    machine.forget(path)
    sends = list(people.sends(1, 1000, population, Random(seed)))
    [[seconds]] = await _times(path, [sends])
    return seconds


async def _times(path: Path, rounds: Iterable[Iterable[Send]]) -> list[list[float]]:
    policy = Policy(path)
    policy.open()
    try:
        return [[await timed(policy, send) for send in sends] for sends in rounds]
    finally:
        policy.close()


async def timed(policy: Policy, send: Send) -> float:
    """Judge a send, and give how many seconds it took; raises RuntimeError if the verdict is not what it must be."""
    started = time.perf_counter()
    verdict = await policy.judge(send, stores.TERMS)
    seconds = time.perf_counter() - started
    expected = sum(recipient.address.startswith("person") for recipient in send.recipients)
    if len(verdict.refused) != expected:
        raise RuntimeError(f"{len(verdict.refused)} of {expected} suppressed recipients were refused")
    return seconds
