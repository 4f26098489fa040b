"""What is old goes, oldest first and a little at a time; who stands how stays."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.model import Channel, Ending, Microseconds, Outcome
from policy.reasons import Reason
from policy.store import journal, pruning, records
from policy.store.pruning import CHUNK, Prune
from tests.policy.conftest import NOON, SECOND, Memory, Sends, World, profile, told
from tests.policy.store.conftest import STATED, Life, journal_of, lived, lives


def outcome(at: int) -> Outcome:
    """Make a send that ended as a whole, some seconds after noon."""
    return Outcome(
        decision="d",
        arrived_at=Microseconds(NOON + at * SECOND),
        route="mail",
        provider="sendgrid",
        ending=Ending.REFUSED,
        channel=Channel.MAIL,
        recipients=1,
        reason=Reason.UNREADABLE,
    )


def fill(memory: Memory, seconds: Sequence[int]) -> None:
    """Write a record for each of some times."""
    for at in seconds:
        records.write(memory.digests, outcome(at))(memory.connection)


def left(memory: Memory) -> list[int]:
    """Give the ids of the records that there are."""
    return [row[0] for row in memory.connection.execute("SELECT id FROM dispatch_failed ORDER BY id")]


def to_the_end(memory: Memory, job: Prune) -> list[int]:
    """Run a job until it finds nothing more, and give how many rows went each time."""
    went = [job(memory.connection)]
    while went[-1]:
        went.append(job(memory.connection))
    return went


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2 * CHUNK + 10), st.integers(0, 2 * CHUNK + 10), st.integers(1, 2 * CHUNK + 10))
def test_records_that_are_old_or_too_many_go(count: int, old: int, most: int) -> None:
    """Of records in their order, those before a time and those beyond a number go, and no others, in small chunks."""
    memory = Memory()
    fill(memory, range(count))
    went = to_the_end(memory, pruning.records(older_than=NOON + old * SECOND, max_rows=most))
    assert left(memory) == list(range(1, count + 1))[max(old, count - most, 0) :]
    assert max(went) <= CHUNK
    memory.close()


def test_the_newest_stay_when_more_come(memory: Memory) -> None:
    """Pruned again and again while records come, the newest `max_rows` are there after each time."""
    job = pruning.records(older_than=NOON, max_rows=3)
    for start in range(0, 20, 4):
        fill(memory, range(start, start + 4))
        to_the_end(memory, job)
        assert left(memory) == [start + 2, start + 3, start + 4]


def test_numbers_are_not_given_twice(memory: Memory) -> None:
    """A record's id is never given again, even after all records went: a cursor stays where it was."""
    fill(memory, [0, 1])
    to_the_end(memory, pruning.records(older_than=NOON + 9 * SECOND, max_rows=1))
    assert left(memory) == []
    fill(memory, [20])
    assert left(memory) == [3]


def steps(memory: Memory, job: Prune) -> int:
    """Count, in tens, the steps that SQLite takes for a job."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    memory.connection.set_progress_handler(count, 10)
    job(memory.connection)
    memory.connection.set_progress_handler(None, 10)
    return counted


@pytest.mark.parametrize("what", ["records", "events"])
def test_finding_nothing_takes_no_walk(memory: Memory, what: str) -> None:
    """Where nothing is old, a look costs as much in a table of many rows as in one with a few chunks of them."""
    jobs = {
        "records": pruning.records(older_than=NOON - SECOND, max_rows=1 << 40),
        "events": pruning.events(older_than=NOON - SECOND),
    }
    looked = []
    for _ in range(2):
        for _ in range(4):
            fill(memory, range(CHUNK))
            memory.learn([told("Completed Order", "1")] * CHUNK)
        looked.append(steps(memory, jobs[what]))
    assert looked[1] <= looked[0] + 5  # a look or two at rows further behind


DAY = 24 * 3600


@pytest.mark.parametrize("ahead", [1, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("what", ["records", "events"])
def test_times_in_the_future_stop_nothing(memory: Memory, what: str, ahead: int) -> None:
    """Rows that a clock ahead wrote go with the old ones behind them, and what is young stays."""
    written = [1000 * DAY] * ahead + [0] * 20 * CHUNK + [100 * DAY] * 5
    if what == "records":
        fill(memory, written)
        went = to_the_end(memory, pruning.records(older_than=NOON + 50 * DAY * SECOND, max_rows=1 << 40))
        kept = left(memory)
    else:
        for at, _ in itertools.groupby(written):
            memory.learn([told("Completed Order", "1")] * written.count(at), NOON + at * SECOND)
        went = to_the_end(memory, pruning.events(older_than=NOON + 50 * DAY * SECOND))
        kept = [row[0] for row in journal_of(memory)]
    assert kept == list(range(len(written) - 4, len(written) + 1))
    assert max(went) <= CHUNK


def test_a_time_long_gone_takes_little_with_it(memory: Memory) -> None:
    """Young rows before one that a clock far behind wrote go only when it is among the oldest, a chunk at the most."""
    fill(memory, [100 * DAY] * 2 * CHUNK + [-9999 * DAY] + [100 * DAY] * 2 * CHUNK)
    to_the_end(memory, pruning.records(older_than=NOON, max_rows=1 << 40))
    assert len(left(memory)) >= 3 * CHUNK


def looked(memory: Memory, *days: float) -> list[bool]:
    """Say of each look at the clock whether it is believed; at times in days after noon."""
    return [pruning.look(NOON + int(day * DAY * SECOND))(memory.connection) for day in days]


@pytest.mark.parametrize(
    ("days", "believed"),
    [
        pytest.param([0, 0.5, 1.4, 2.3], [True] * 4, id="it goes on"),
        pytest.param([0, 365, 365.5], [True, False, False], id="it leaps ahead"),
        pytest.param([0, 365, 0.1, 0.2], [True, False, True, True], id="it leaps ahead and is set right"),
        pytest.param([0, 365, 180, 180.5], [True, False, False, False], id="it leaps ahead and is set back by half"),
        pytest.param([0, 365, 365.9, 366.1, 366.2], [True, False, False, True, True], id="it stays a day ahead"),
        pytest.param([0, -365, -364.5], [True] * 3, id="it is set back"),
    ],
)
def test_a_clock_that_leaps_ahead_is_not_believed_for_a_day(
    memory: Memory, days: list[float], believed: list[bool]
) -> None:
    """A time more than a day after the last is believed when it has gone on for a day."""
    assert looked(memory, *days) == believed


async def test_while_the_clock_is_doubted_nothing_goes_for_its_age(world: World) -> None:
    """After a leap old records stay and surplus ones go; a day later the old ones go too."""
    for second in range(3):
        await world.policy.record(outcome(second))
    assert await world.policy.prune(pruning.records(older_than=NOON, max_rows=9)) == 0
    for days, most, gone in ((400, 9, 0), (0, 2, 1), (1, 9, 2)):
        world.now += days * DAY * SECOND
        job = pruning.records(older_than=world.now - 90 * DAY * SECOND, max_rows=most)
        assert await world.policy.prune(job) == gone


@settings(max_examples=60, deadline=None)
@given(lives, st.integers(0, 12 * 3600))
def test_events_go_and_the_standing_stays(life: Life, seconds: int) -> None:
    """Without its oldest entries the journal goes on in its sequence, and nobody stands otherwise."""
    memory = lived(life)
    before, last = memory.dump(), journal.last_sequence(memory.connection)
    to_the_end(memory, pruning.events(older_than=NOON + seconds * SECOND))
    assert memory.dump() == before
    assert journal.last_sequence(memory.connection) == last
    (learned,) = memory.learn([told("Completed Order", "9")], NOON)
    assert learned.sequence == last + 1
    memory.close()


def test_only_old_events_go(memory: Memory) -> None:
    """Entries before a time go, those of that moment and later stay."""
    for at in range(5):
        memory.learn([told("Completed Order", "1")], NOON + at * SECOND)
    assert to_the_end(memory, pruning.events(older_than=NOON + 3 * SECOND)) == [3, 0]
    assert [row[0] for row in journal_of(memory)] == [4, 5]


def test_a_statement_that_was_forgotten_may_be_told_again(memory: Memory) -> None:
    """A repeat of a forgotten statement is written down again, and says the same."""
    blacklisted = told("Blacklisted", "1", at=STATED[0])
    memory.learn([profile("1", email="a@x.de"), blacklisted])
    registers = memory.rows("register")
    to_the_end(memory, pruning.events(older_than=NOON + SECOND))
    (learned,) = memory.learn([blacklisted], NOON + 2 * SECOND)
    assert (learned.repeat, learned.sequence) == (False, 3)
    assert memory.rows("register") == registers


async def test_others_write_between_two_chunks(world: World) -> None:
    """A blacklisting that arrives while old records go is acknowledged before they are all gone, and holds."""
    for _ in range(4 * CHUNK // 500):
        await asyncio.gather(*(world.policy.record(outcome(0)) for _ in range(500)))
    first = asyncio.Event()
    job = pruning.records(older_than=NOON + SECOND, max_rows=1)

    def chunk(connection: object) -> int:
        gone = job(connection)  # type: ignore[arg-type]  # the writer's own
        loop.call_soon_threadsafe(first.set)
        return gone

    loop = asyncio.get_running_loop()
    pruned = asyncio.create_task(world.policy.prune(chunk))
    await first.wait()
    await world.learn(told("Blacklisted", email="a@x.de"))
    assert not pruned.done()
    assert await world.judge(Sends("a@x.de", "blacklisted")) == "blacklisted"
    assert await pruned == 4 * CHUNK
