"""Counts of statements and of records: what plain Python counts over all rows, found in stretches."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.events import Word
from policy.model import Channel, Ending, MessageClass, Microseconds, Outcome, Recipient, Refused
from policy.reasons import Reason
from policy.store import pruning, records, statistics
from policy.store.statistics import DAY, Counted, Span
from tests.policy.conftest import NOON, SECOND, Memory, told
from tests.policy.store.conftest import Life, live, lives

A = "a@example.com"
NAMES = [word.value for word in statistics.WORDS]
moments = st.integers(-3 * DAY, 2 * DAY).map(lambda shift: Microseconds(NOON + shift))
frames = st.tuples(moments, moments).map(sorted)


def added(parts: list[Counted]) -> Counted:
    """Add up the counts of stretches."""
    whole: Counted = {}
    for part in parts:
        for value, counts in part.items():
            whole[value] = tuple(map(sum, zip(whole.get(value, (0,) * len(counts)), counts, strict=True)))
    return whole


def statements(memory: Memory, since: int, until: int, by: str) -> Counted:
    """Count statements as the API does."""
    span = statistics.span_of_statements(Microseconds(since), Microseconds(until))(memory.connection)
    return added([statistics.statements(part, by)(memory.connection) for part in statistics.stretches(span)])


def failed(memory: Memory, since: int, until: int, by: str) -> Counted:
    """Count records as the API does."""
    span = statistics.span_of_failed(Microseconds(since), Microseconds(until))(memory.connection)
    return added([statistics.failed(part, by)(memory.connection) for part in statistics.stretches(span)])


def counted(memory: Memory, since: int, until: int, by: str) -> Counted:
    """Count the statements of the journal one by one."""
    found: Counter[tuple[Any, str]] = Counter()
    query = "SELECT name, effective_at, channel, origin, body FROM event WHERE kind = 'told'"
    for name, at, channel, origin, body in memory.connection.execute(query):
        if name in NAMES and since <= at < until:
            campaign = orjson.loads(body)["properties"].get("campaign")
            values = {
                "day": at // DAY,
                "channel": channel,
                "origin": origin,
                "campaign": campaign[: statistics.LONGEST] if isinstance(campaign, str) else "",
            }
            found[values[by], name] += 1
    return {value: tuple(found[value, name] for name in NAMES) for value, _ in found}


@given(lives, st.lists(st.sampled_from([None, "spring", "x" * 200, 1, True, ["spring"], ""]), max_size=4), frames)
def test_statements_are_counted(life: Life, campaigns: list[Any], frame: list[int]) -> None:
    """Whatever was told, in whichever order and by whichever clock, it is counted as plain Python counts it."""
    memory = Memory()
    now = live(memory, life)
    for campaign in campaigns:
        memory.learn([replace(told("Opt Out", "1"), properties={"campaign": campaign})], now)
    for by in statistics.STATEMENTS:
        assert statements(memory, frame[0], frame[1], by) == counted(memory, frame[0], frame[1], by)
    memory.close()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50_000])
def test_stretches_meet_without_a_gap(memory: Memory, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However short a stretch is, each statement counts once."""
    monkeypatch.setattr(statistics, "STRETCH", size)
    for number in range(7):
        memory.learn([told("Blacklisted", str(number))], NOON + number * SECOND)
    assert statements(memory, 0, NOON + DAY, "channel") == {"ALL": (0, 0, 7, 0)}


def test_counting_begins_where_it_may_find_something(memory: Memory) -> None:
    """What arrived too early to count is not looked through, but for a day in which a clock may have been wrong."""
    for day in range(10):
        memory.learn([told("Opt Out", str(day))], NOON + day * DAY)
    for day in range(12):
        since = Microseconds(NOON + day * DAY)
        span = statistics.span_of_statements(since, Microseconds(since + DAY))(memory.connection)
        assert span == Span(since, Microseconds(since + DAY), min(max(0, day - 1), 10), 10)


def test_an_early_no_is_counted_whenever_it_arrives(memory: Memory) -> None:
    """A statement counts on the day it counts from, though it was told long after."""
    memory.learn([told("Opt Out", "1", at="2026-01-01T10:00:00Z")], NOON)
    start = Microseconds(1_767_225_600_000_000)  # 2026-01-01
    assert statements(memory, start, start + DAY, "day") == {start // DAY: (1, 0, 0, 0)}


def test_what_was_pruned_is_not_counted(memory: Memory) -> None:
    """An empty journal, and one whose front is gone, are counted like any other."""
    assert statements(memory, 0, NOON, "day") == {}
    memory.learn([told("Opt Out", "1")], NOON)
    memory.learn([told("Opt Out", "2")], NOON + 40 * DAY)
    assert pruning.events(older_than=NOON + DAY)(memory.connection) == 1
    assert statements(memory, NOON, NOON + 50 * DAY, "origin") == {"event": (1, 0, 0, 0)}
    assert pruning.events(older_than=NOON + 60 * DAY)(memory.connection) == 1
    assert statements(memory, NOON, NOON + 50 * DAY, "origin") == {}


def test_other_names_are_no_statements(memory: Memory) -> None:
    """Events that are only kept say nothing about anybody's standing."""
    memory.learn([told("Completed Order", "1")])
    assert statements(memory, 0, NOON + DAY, "day") == {}
    assert {word.value for word in Word} == set(NAMES)


# ── records ──


def outcome(at: int, reason: Reason | None = None, count: int = 1, campaign: str = "") -> Outcome:
    """Make a send of which one recipient was refused, or which failed as a whole."""
    recipient = Recipient("to.0", Channel.MAIL, A, (A,))
    refused = () if reason else (Refused(recipient, Reason.BLACKLISTED, "api", "1"),)
    return Outcome(
        decision="d",
        arrived_at=Microseconds(NOON + at),
        route="mail",
        provider="sendgrid",
        ending=Ending.REFUSED,
        message_class=MessageClass.MARKETING,
        channel=Channel.MAIL,
        campaign=campaign,
        recipients=count,
        refused=refused,
        reason=reason,
    )


sends = st.lists(
    st.builds(
        outcome,
        st.integers(-3 * DAY, 3 * DAY),
        st.sampled_from([None, Reason.UNREADABLE]),
        st.integers(1, 9),
        st.sampled_from(["", "spring"]),
    ),
    max_size=8,
)


@given(sends, frames)
def test_records_are_counted(sent: list[Outcome], frame: list[int]) -> None:
    """Records are counted with their recipients, though a clock went back and forth between them."""
    memory = Memory()
    for each in sent:
        records.write(memory.digests, each)(memory.connection)
    for by in statistics.FAILED:
        column = f"time / {DAY}" if by == "day" else f"coalesce({by}, '')"
        query = (
            f"SELECT {column}, count(*), sum(recipients) FROM dispatch_failed WHERE time >= ? AND time < ? GROUP BY 1"
        )
        expected = {value: tuple(counts) for value, *counts in memory.connection.execute(query, frame)}
        assert failed(memory, frame[0], frame[1], by) == expected
    memory.close()
