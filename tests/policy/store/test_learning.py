"""What learning answers and writes down: repeats, requests that fail, merges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy import AddressTaken, UnknownUser
from policy.events import Departure, Event, Origin
from policy.model import Channel
from policy.store import learning, people
from tests.policy.conftest import NOON, SECOND, Memory, profile, told, who

STAMPED = "2026-03-01T11:00:00Z"
FUTURE = "2099-01-01T00:00:00Z"


def test_a_repeat_keeps_its_first_effective_time(memory: Memory) -> None:
    """A statement from the future counts from its first arrival, however often it comes, and is written once."""
    (first,) = memory.learn([told("Whitelisted", "1", at=FUTURE)], NOON)
    (no,) = memory.learn([told("Blacklisted", "1")], NOON + 1)
    (again, twice) = memory.learn([told("Whitelisted", "1", at=FUTURE)] * 2, NOON + SECOND)
    assert (first.effective_at, no.effective_at) == (NOON, NOON + 1)
    assert again == twice == replace(first, repeat=True)
    assert memory.connection.execute("SELECT count(*) FROM event").fetchone()[0] == 2


def test_a_repeat_within_one_request_is_one(memory: Memory) -> None:
    """Two equal statements with a time in one request are written once; without a time each is a statement."""
    stamped = memory.learn([told("Blacklisted", "1", at=STAMPED)] * 2)
    plain = memory.learn([told("Blacklisted", "1")] * 2)
    assert [(each.sequence, each.repeat) for each in [*stamped, *plain]] == [
        (1, False),
        (1, True),
        (2, False),
        (3, False),
    ]


def test_a_repeat_that_changes_something_is_written_down(memory: Memory) -> None:
    """A statement told again after its person was deleted is a repeat, and the journal has it all the same."""
    memory.learn([told("Blacklisted", "1", at=STAMPED)])
    memory.learn([Departure("1")])
    (again,) = memory.learn([told("Blacklisted", "1", at=STAMPED)])
    assert (again.sequence, again.repeat) == (3, True)


def test_a_repeat_that_makes_somebody_is_written_down(memory: Memory) -> None:
    """A name without effect, told again after the deletion, makes the user again, and the journal tells of that."""
    order = told("Completed Order", "1", at=STAMPED)
    memory.learn([order])
    memory.learn([Departure("1")])
    memory.learn([order])
    assert memory.told_again().dump() == memory.dump()


def test_statements_that_differ_are_no_repeats(memory: Memory) -> None:
    """Another time, origin, channel, number, property or person makes another statement."""
    one = told("Opt Out", email="a@x.de", at=STAMPED)
    others = [
        told("Opt Out", email="a@x.de", at="2026-03-01T11:00:01Z"),
        replace(one, origin="api"),
        replace(one, channel=Channel.SMS),
        replace(one, number="+4930123456"),
        replace(one, properties={"list": 2}),
        replace(one, subject=who(email="b@x.de")),
        replace(one, subject=who(email="a@x.de", unit="DE")),
        replace(one, subject=who("1", email="a@x.de")),
    ]
    assert not any(memory.learn([event])[0].repeat for event in [one, *others])
    same = [replace(one, subject=who(email="A@X.de")), replace(one, source="another key")]
    assert all(memory.learn([event])[0].repeat for event in same)


def test_a_request_is_learned_whole_or_not_at_all(memory: Memory) -> None:
    """When one event of a request is refused none of it is kept, and the sequence has no gap."""
    memory.learn([profile("1", email="a@x.de"), profile("2", email="b@x.de")])
    for refused, error in (([profile("2", email="a@x.de")], AddressTaken), ([Departure("9")], UnknownUser)):
        before = memory.dump()
        with pytest.raises(error):
            memory.learn([told("Blacklisted", "1"), told("Blacklisted", email="new@x.de"), *refused])
        assert memory.dump() == before
    assert memory.learn([told("Blacklisted", "1")])[0].sequence == 3


def test_groups_are_learned_each_by_itself(memory: Memory) -> None:
    """Of several groups the refused ones leave nothing, and say why; the others are kept."""
    groups: list[list[Event]] = [
        [profile("1", email="a@x.de")],
        [told("Blacklisted", "2"), profile("2", email="a@x.de")],
        [Departure("9")],
        [told("Blacklisted", email="a@x.de")],
    ]
    results = learning.learn_each(memory.digests, groups, NOON)(memory.connection)
    assert [type(result) for result in results] == [list, AddressTaken, UnknownUser, list]
    assert people.by_id(memory.connection, "2") is None
    assert memory.judge("a@x.de") == "blacklisted"
    assert [row[0] for row in memory.connection.execute("SELECT sequence FROM event")] == [1, 2]


def test_a_merge_stands_in_the_journal(memory: Memory) -> None:
    """A lead that becomes a user leaves an entry that says so, and what was told of it is told of the user."""
    memory.learn([told("Blacklisted", email="a@x.de")])
    memory.learn([profile("1", email="a@x.de")])
    user = people.by_id(memory.connection, "1")
    assert user is not None
    entries = memory.connection.execute("SELECT kind, name, person FROM event ORDER BY sequence").fetchall()
    assert entries == [
        ("told", "Blacklisted", user.pk),
        ("profile", "User Updated", user.pk),
        ("merge", "Merged", user.pk),
    ]


def test_both_ways_of_blacklisting_have_the_same_result(memory: Memory) -> None:
    """A status that was set and an event that was told differ in the origin alone."""
    memory.learn([told("Blacklisted", "1", origin=Origin.API), told("Blacklisted", "2")])
    one, two = (
        memory.connection.execute(
            "SELECT kind, name, channel, effective_at FROM event JOIN person ON pk = person WHERE external_id = ?",
            (who,),
        ).fetchall()
        for who in ("1", "2")
    )
    assert one == two
