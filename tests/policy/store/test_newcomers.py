"""The short way of learning about newcomers ends in what the ordinary way ends in, and only they take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.events import Event, Learned
from policy.store import learning, newcomers
from tests.policy.conftest import NOON, SECOND, Memory, listed, profile, told, who
from tests.policy.store.conftest import (
    PHONES,
    STATED,
    UNITS,
    Life,
    journal_of,
    lives,
    lives_with_lists,
    requests,
)

Group = Sequence[Event]
MOBILE = PHONES[0]


def all_learned(memory: Memory, life: Life) -> list[list[Learned] | None]:
    """Let a store live, and give what it was answered."""
    now: int = NOON
    answers: list[list[Learned] | None] = []
    for events, tick in life:
        now += tick
        answers.append(memory.attempt(events, now))
    return answers


def compare(life: Life) -> None:
    """Let two stores live, one with the short way and one without it."""
    short, ordinary = Memory(), Memory(learning.learn_ordinarily)
    assert all_learned(short, life) == all_learned(ordinary, life)
    assert short.dump() == ordinary.dump()
    assert journal_of(short) == journal_of(ordinary)
    assert short.rows("suppressed") == short.derived_anew()
    short.close()
    ordinary.close()


@settings(max_examples=60, deadline=None)
@given(st.one_of(lives, lives_with_lists))
def test_the_short_way_ends_like_the_ordinary_one(life: Life) -> None:
    """Whatever is told in whatever order: the same answers, people, addresses, registers, derived rows and journal."""
    compare(life)


@settings(max_examples=60, deadline=None)
@given(lives, st.lists(requests, min_size=2, max_size=5))
def test_many_people_in_one_request_end_like_one_after_the_other(life: Life, several: list[list[Event]]) -> None:
    """Newcomers, known people and departures mixed in one request meet each other as if each had come alone."""
    compare([*life, ([event for events in several for event in events], SECOND)])


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_belongs_to_an_e_mail(unit: str) -> None:
    """A business unit that is told beside an id or a number alone is not the newcomer's."""
    for subject in (who("9"), who(phone=MOBILE), who(email="a@x.de")):
        event = replace(told("Opt Out"), subject=replace(subject, business_unit=unit))
        compare([([event], 0)])


@pytest.mark.parametrize("count", [1, 2, 49, 50, 51, 120])
def test_newcomers_of_any_number(count: int) -> None:
    """However many come at once, all are learned, and none of them is new the second time."""
    memory = Memory()
    events = [told("Blacklisted", email=f"{number}@x.de", at=STATED[0]) for number in range(count)]
    assert [each.sequence for each in memory.learn(events)] == list(range(1, count + 1))
    assert short_ways(memory, [[event] for event in events]) == []
    assert all(each.repeat for each in memory.learn(events, NOON + SECOND))
    memory.close()


# ── which people take the short way ──


def short_ways(memory: Memory, groups: Sequence[Group]) -> list[int]:
    """Say which groups are about somebody whom nobody knows."""
    named = [newcomers.named(memory.digests, group) for group in groups]
    return sorted(newcomers.new_among(memory.connection, groups, named))


BLACKLISTED_1 = told("Blacklisted", "1", at=STATED[0])
SHORT = [
    pytest.param([[profile("9", email="new@x.de"), told("Blacklisted", "9")]], [0], id="a new user"),
    pytest.param([[told("Opt Out", email="new@x.de")]], [0], id="a new lead"),
    pytest.param([[told("Opt Out", phone="+4930999999")]], [0], id="a new phone lead"),
    pytest.param([[profile("9")]], [0], id="a new user of whom nothing is said"),
    pytest.param([[profile("1", email="new@x.de")]], [], id="a known id"),
    pytest.param([[profile("9", email="a@x.de")]], [], id="a known e-mail"),
    pytest.param([[profile("9", mobile=MOBILE)]], [], id="a known number"),
    pytest.param([[told("Blacklisted", email="gone@x.de")]], [], id="a kept address"),
    pytest.param([[told("Blacklisted", email="listed@x.de")]], [0], id="an address on a blacklist"),
    pytest.param([[listed("new@x.de")], [profile("9", email="new@x.de")]], [1], id="put on a blacklist just before"),
    pytest.param([[profile("9")], [told("Blacklisted", "9")]], [0], id="an id twice"),
    pytest.param(
        [[profile("9", email="new@x.de")], [told("Opt Out", email="new@x.de", unit="DE")]], [0], id="an e-mail twice"
    ),
    pytest.param([[profile("9"), told("Whitelisted", "9")]], [], id="a release"),
    pytest.param([[told("Completed Order", "9")]], [], id="another event"),
    pytest.param([[told("Opt Out", "9", email="new@x.de")]], [], id="an id and an address beside it"),
    pytest.param([[told("Opt Out", "8"), told("Opt Out", "9")]], [], id="two people in one group"),
    pytest.param([[told("Opt Out", "")]], [], id="an empty id"),
]


@pytest.mark.parametrize(("groups", "fresh"), SHORT)
def test_only_people_whom_nobody_knows_go_the_short_way(memory: Memory, groups: list[Group], fresh: list[int]) -> None:
    """The short way is for one new person who is suppressed or not, and whose addresses nobody has or had."""
    memory.learn([profile("1", email="a@x.de", mobile=MOBILE), BLACKLISTED_1, listed("listed@x.de")])
    memory.learn([told("Blacklisted", "2"), profile("2", email="gone@x.de"), profile("2", email="now@x.de")])
    assert short_ways(memory, groups) == fresh
