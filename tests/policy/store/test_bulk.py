"""Many people at once: the short way of an import ends in what the ordinary way ends in, to the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import AddressTaken
from policy.events import Event
from policy.rows import COLUMNS, BadRow, events_of
from policy.store import bulk, learning
from policy.store.bulk import learn_rows as learn_rows_of
from tests.policy.conftest import NOON, PASSES, SECOND, Memory, profile, told, who
from tests.policy.store.conftest import EMAILS, IDS, PHONES, STATED, UNITS, Life, journal_of, learn_rows, live, lives

Group = Sequence[Event]
MOBILE = PHONES[0]

CELLS: Mapping[str, list[str]] = {
    "id": ["", "", *IDS, *(f"new {number}" for number in range(6))],
    "email": ["", *EMAILS, *(f"new{number}@x.de" for number in range(6))],
    "businessUnit": UNITS,
    "phone": ["", "", *PHONES, f"mobile={PHONES[0]}|phone={PHONES[1]}", "+4930999999"],
    "blacklisted": ["", "", "true", "false"],
    "blacklistedAt": ["", *STATED],
    "optOutAll": ["", "true", "false"],
    "optOutAllAt": ["", "", *STATED],
    "optOutChannels": ["", "", "SMS MAIL", f"MAIL@{STATED[3]} SMS@{STATED[3]}", "-MAIL"],
    "optOutOrigins": [
        "",
        "",
        f"SMS=keyword#7@{STATED[2]} MAIL=page@{STATED[2]} BLACKLIST=api@{STATED[1]}",
        f"MAIL=page@{STATED[2]} MAIL=page@{STATED[2]}",
    ],
}
ROWS = st.fixed_dictionaries({name: st.sampled_from(CELLS[name]) for name in COLUMNS})


def groups_of(lines: Sequence[Mapping[str, str]], *, release: bool) -> list[Group]:
    """Give what rows tell, bad ones left out."""
    groups: list[Group] = []
    for cells in lines:
        try:
            groups.append(events_of(cells, release=release))
        except BadRow as bad:
            groups += [bad.noes] if bad.noes else []
    return groups


def one_by_one(memory: Memory, groups: Sequence[Group], now: int) -> list[bool]:
    """Learn groups the ordinary way, one after the other, and say which were taken whole."""
    taken = []
    for group in groups:
        try:
            memory.learn(group, now)
            taken.append(True)
        except AddressTaken:
            memory.learn(list(bulk._without_profile(group)), now)
            taken.append(False)
    return taken


@settings(max_examples=100, deadline=None)
@given(lives, st.lists(ROWS, max_size=12), st.booleans())
def test_the_short_way_ends_like_the_ordinary_one(
    life: Life,
    lines: list[dict[str, str]],
    release: bool,  # noqa: FBT001 (drawn)
) -> None:
    """Rows learned at once leave the same people, addresses, registers, derived rows and journal as one by one."""
    groups = groups_of(lines, release=release)
    at_once, ordinary = Memory(), Memory(learning.learn_ordinarily)
    now = live(at_once, life) + SECOND
    live(ordinary, life)
    results = learn_rows(at_once, groups, now)
    taken = one_by_one(ordinary, groups, now)
    assert [not result for result in results] == taken
    assert at_once.dump() == ordinary.dump()
    assert journal_of(at_once) == journal_of(ordinary)
    at_once.close()
    ordinary.close()


@settings(max_examples=50, deadline=None)
@given(lives, st.lists(st.lists(ROWS, max_size=8), max_size=3))
def test_what_rows_left_follows_from_the_journal(life: Life, batches: list[list[dict[str, str]]]) -> None:
    """After rows learned at once, the derived rows are those from scratch, and the journal gives the same again."""
    memory = Memory()
    now = live(memory, life)
    for lines in batches:
        now += SECOND
        learn_rows(memory, groups_of(lines, release=True), now)
    again = memory.told_again()
    assert memory.rows("suppressed") == memory.derived_anew()
    assert again.dump() == memory.dump()
    assert journal_of(again) == journal_of(memory)
    again.close()
    memory.close()


@settings(max_examples=50, deadline=None)
@given(lives, st.lists(ROWS, max_size=8))
def test_rows_told_again_change_no_standing(life: Life, lines: list[dict[str, str]]) -> None:
    """Rows that state their times and name different people may be imported again: every register stays as it is."""
    memory = Memory()
    now = live(memory, life) + SECOND
    apart = [_apart(number, cells) for number, cells in enumerate(lines)]
    groups = groups_of(apart, release=False)
    learn_rows(memory, groups, now)
    registers, derived = memory.rows("register"), memory.rows("suppressed")
    learn_rows(memory, groups, now + SECOND)
    assert (memory.rows("register"), memory.rows("suppressed")) == (registers, derived)
    memory.close()


def _apart(number: int, cells: Mapping[str, str]) -> dict[str, str]:
    """Let a row name somebody whom no other names, and state all its times."""
    stated = {
        f"{flag}At": cells[f"{flag}At"] or (STATED[0] if cells[flag] else "") for flag in ("blacklisted", "optOutAll")
    }
    named = {"id": cells["id"] and f"p{number}", "email": cells["email"] and f"p{number}@x.de"}
    return {**cells, **stated, **named, "phone": cells["phone"] and f"+493012345{number:03}", "optOutChannels": ""}


GIVEN_BACK = replace(profile("1", mobile=None, phone=MOBILE), email="", traits={"colour": None, "size": 7})


def test_what_is_taken_away_from_somebody_new_is_not_held() -> None:
    """A profile that takes fields away leaves the same person, whether learned at once or the ordinary way."""
    at_once, ordinary = Memory(), Memory(learning.learn_ordinarily)
    assert learn_rows(at_once, [[GIVEN_BACK]], NOON) == [""]
    ordinary.learn([GIVEN_BACK], NOON)
    assert at_once.dump() == ordinary.dump()
    for memory in (at_once, ordinary):
        memory.learn([told("Blacklisted", "1")], NOON)
        assert memory.judge(MOBILE) == "blacklisted"
        memory.close()


@pytest.mark.parametrize("suppressed_elsewhere", [False, True])
def test_many_who_share_a_number_are_learned_one_by_one(*, suppressed_elsewhere: bool) -> None:
    """As long as none of them is suppressed, the work for each does not grow with how many share the number."""
    steps = []
    for count in (100, 400):
        memory = Memory()
        if suppressed_elsewhere:
            memory.learn([profile("x", email="a@x.de"), told("Blacklisted", "x")], NOON)
        rows = [[profile(str(number), email=f"{number}@x.de", mobile=MOBILE)] for number in range(count)]
        steps.append(counted(memory, lambda: learn_rows(memory, rows, NOON)) / count)  # noqa: B023 (called at once)
        memory.close()
    assert steps[1] < 1.5 * steps[0]


def counted(memory: Memory, work: Callable[[], object]) -> int:
    """Count, in hundreds, the steps that SQLite takes for some work."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    memory.connection.set_progress_handler(step, 100)
    work()
    memory.connection.set_progress_handler(None, 0)
    return count


BLACKLISTED_1 = told("Blacklisted", "1", at=STATED[0])


def test_what_was_told_of_somebody_who_is_gone_is_told_again(memory: Memory) -> None:
    """A no that the journal knows already, of a user who was deleted since, counts for the user who is added anew."""
    memory.learn([profile("1", email="a@x.de"), BLACKLISTED_1])
    memory.connection.execute("DELETE FROM person")
    memory.connection.execute("DELETE FROM address")
    memory.connection.execute("DELETE FROM register")
    assert learn_rows(memory, [[profile("1", email="a@x.de"), BLACKLISTED_1], [profile("2", email="b@x.de")]]) == [
        "",
        "",
    ]
    assert memory.judge("a@x.de") == "blacklisted"


# ── rows that are refused ──


def test_a_refused_profile_still_suppresses(memory: Memory) -> None:
    """A row whose e-mail is another user's is told as such, and its no holds for the id, the e-mail and the phone."""
    memory.learn([profile("1", email="a@x.de", unit="DE")])
    claim = profile("2", email="a@x.de", unit="DE", mobile=MOBILE)
    (result,) = learn_rows(memory, [[claim, told("Blacklisted", "2")]])
    assert "belong to another user" in result
    assert memory.judge("a@x.de") == memory.judge(MOBILE) == "blacklisted"
    memory.learn([profile("2", email="other@x.de")], NOON + SECOND)
    assert memory.judge("other@x.de") == "blacklisted"
    assert [row[1:5:2] for row in memory.rows("person") if row[1]] == [("1", "a@x.de"), ("2", "other@x.de")]


def test_a_refused_profile_releases_nobody_else(memory: Memory) -> None:
    """A yes in a row whose e-mail is another user's is not said of that user."""
    memory.learn([profile("1", email="a@x.de"), BLACKLISTED_1])
    (result,) = learn_rows(memory, [[profile("2", email="a@x.de"), told("Whitelisted", "2")]])
    assert result
    assert memory.judge("a@x.de") == "blacklisted"


def test_a_refused_row_leaves_the_others(memory: Memory) -> None:
    """One row that is refused takes nothing from the rows around it."""
    memory.learn([profile("1", email="a@x.de")])
    groups: list[Group] = [
        [told("Blacklisted", email="x@x.de")],
        [profile("2", email="a@x.de")],
        [told("Opt Out", email="y@x.de")],
    ]
    assert [bool(result) for result in learn_rows(memory, groups)] == [False, True, False]
    assert (memory.judge("x@x.de"), memory.judge("a@x.de"), memory.judge("y@x.de")) == (
        "blacklisted",
        PASSES,
        "opted_out",
    )


def test_a_kept_address_of_another_pepper_is_told(memory: Memory) -> None:
    """A kept address that this store cannot read is refused with the reason, and stops nothing."""
    foreign = events_of({"email": f"kept:{'0' * 32}:{'1' * 32}", "blacklisted": "true"})
    refused, taken = learn_rows(memory, [foreign, [told("Blacklisted", email="x@x.de")]])
    assert "another pepper" in refused
    assert taken == ""
    assert memory.judge("x@x.de") == "blacklisted"


def test_a_fault_that_is_nobodys_stays_one(memory: Memory) -> None:
    """What is no fault of a row is raised, and leaves the store's transaction to its caller."""
    memory.connection.execute("DROP TABLE suppressed")
    transaction = learn_rows_of(memory.digests, [[told("Blacklisted", email="x@x.de")]], NOON)
    with pytest.raises(Exception, match="no such table"):
        transaction(memory.connection)


def test_profiles_and_events_come_in_any_group(memory: Memory) -> None:
    """No group at all is fine, and so is one that only says who somebody is."""
    assert learn_rows(memory, []) == []
    assert learn_rows(memory, [[profile(None, email="lead@x.de", unit="DE")]]) == [""]
    assert memory.facts(who(email="lead@x.de").email_keys, known=True).known == frozenset({"lead@x.de"})
