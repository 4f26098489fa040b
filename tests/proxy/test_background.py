"""Work beside the requests: what fails is told and begins again, and all of it ends with the gate."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from proxy.background import LONGEST_PAUSE, Background, pause, place_of
from tests.conftest import until

SECRET = "a@example.com"


async def test_what_fails_begins_again() -> None:
    """Each failure is logged with its place and without its words, and the work begins again after a longer pause."""
    paused: list[float] = []
    runs = 0

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs <= 3:
            raise ValueError(SECRET)

    with capture_logs() as lines:
        background = Background(sleep)
        background.start("doomed", work)
        await until(lambda: runs == 4)
    await background.end()
    assert paused == [1.0, 2.0, 4.0]
    assert [(line["event"], line["task"], line["again_in"]) for line in lines] == [
        ("task_failed", "doomed", seconds) for seconds in paused
    ]
    assert all(line["failure"].startswith("ValueError at test_background.py:") for line in lines)
    assert SECRET not in str(lines)


async def test_all_of_it_ends() -> None:
    """Work that runs and work that waits to begin again are ended, and waited for."""
    ended: list[str] = []

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("run")

    async def fail() -> None:
        raise OSError

    async def wait(_: float) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("fail")

    background = Background(wait)
    with capture_logs() as lines:
        background.start("run", run)
        background.start("fail", fail)
        await until(lambda: bool(lines))
        await background.end()
    assert sorted(ended) == ["fail", "run"]
    await background.end()


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1.0), (2, 2.0), (6, 32.0), (7, LONGEST_PAUSE), (10**6, LONGEST_PAUSE)]
)
def test_pauses_double_up_to_a_bound(failures: int, seconds: float) -> None:
    """However often work failed, it begins again within a minute."""
    assert pause(failures) == seconds


def test_of_several_the_first_is_named() -> None:
    """Where several failed at once the first is named, not the group."""
    group = ExceptionGroup("", [ExceptionGroup("", [KeyError(1)]), ValueError(2)])
    assert place_of(group).startswith("KeyError at ")
