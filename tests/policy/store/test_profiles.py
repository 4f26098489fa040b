"""Profiles: what a person is said to be, what a lead brings along into a user, and what goes when somebody goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import AddressTaken, UnknownUser, state
from policy.events import Departure, Event, Profile
from policy.model import Channel
from policy.store import journal, people, profiles
from policy.store.people import Person
from tests.policy.conftest import NOON, PASSES, SECOND, Memory, phone_of, profile, told, who
from tests.policy.store.conftest import ADDRESSES, EMAILS, IDS, UNITS, Life, journal_of, judged, live, lives

ANN, BOB = "ann@x.de", "bob@x.de"
MOBILE, HOME = "+4915112345678", "+4930123456"
BLACKLISTED, OPT_OUT = "Blacklisted", "Opt Out"


def user(memory: Memory, external_id: str = "1") -> Person:
    """Give a user."""
    found = people.by_id(memory.connection, external_id)
    assert found is not None
    return found


def lead(email: str, **traits: Any) -> Profile:
    """Make the profile of a lead with traits."""
    return replace(profile(None, email=email, unit=""), traits=traits)


# ── what a profile says ──

TRAITS = [
    pytest.param([{"a": 1}, {"b": 2}], {"a": 1, "b": 2}, id="traits that are not told stay"),
    pytest.param([{"a": 1}, {"a": 2}], {"a": 2}, id="a trait is told anew"),
    pytest.param([{"a": 1, "b": 2}, {"a": None}], {"b": 2}, id="null takes a trait away"),
    pytest.param([{"a": {"b": [1, "ü", None]}}], {"a": {"b": [1, "ü", None]}}, id="any JSON is kept as it is"),
]


@pytest.mark.parametrize(("written", "kept"), TRAITS)
def test_traits_are_kept(memory: Memory, written: list[dict[str, Any]], kept: dict[str, Any]) -> None:
    """What a profile says beside addresses is kept trait by trait, of users and of leads alike."""
    for traits in written:
        memory.learn([replace(profile("1"), traits=traits), lead(BOB, **traits)])
    found = people.by_email(memory.connection, BOB, "")
    assert (user(memory).traits, found and found.traits) == (kept, kept)


def test_a_profile_is_an_entry_of_the_journal(memory: Memory) -> None:
    """A profile is journalled whole, so that telling it again writes the same."""
    told_now = replace(profile("1", email=ANN, unit="DE", mobile=MOBILE), traits={"a": [1]}, source="crm")
    (learned,) = memory.learn([told_now])
    ((sequence, arrived, event),) = journal.entries(memory.connection)
    assert (sequence, arrived, event) == (learned.sequence, NOON, told_now)


@pytest.mark.parametrize(
    ("told_of", "subject"),
    [
        pytest.param(profile("1", email=ANN, unit="DE"), who("1"), id="a user by the id alone"),
        pytest.param(profile(None, email="Ann@X.de", unit="DE"), who(email="Ann@X.de", unit="DE"), id="a lead"),
        pytest.param(profile(None, email=ANN), who(email=ANN), id="a lead without a unit"),
    ],
)
def test_a_profile_names_somebody(told_of: Profile, subject: Any) -> None:
    """A user is named by the id, a lead by e-mail and unit."""
    assert profiles.named(told_of) == subject


# ── leads that become users ──


def test_a_lead_brings_what_it_has(memory: Memory) -> None:
    """A user gets a lead's numbers and traits; what the user has, or is told now, goes before."""
    memory.learn(
        [replace(profile(None, email=ANN, phone=HOME, mobile=HOME), traits={"a": "lead", "b": "lead", "c": "lead"})]
    )
    memory.learn([replace(profile("1", mobile=MOBILE), traits={"a": "user", "b": "user"})])
    memory.learn([replace(profile("1", email=ANN), traits={"a": "new"})])
    merged = user(memory)
    assert merged.phones == {"phone": phone_of(HOME), "mobile": phone_of(MOBILE)}
    assert merged.traits == {"a": "new", "b": "user", "c": "lead"}


def test_a_suppressed_leads_lost_number_is_kept(memory: Memory) -> None:
    """A number that a suppressed lead had, and that the user has another of, stays blocked."""
    memory.learn([profile(None, email=ANN, mobile=HOME), told(BLACKLISTED, email=ANN)])
    memory.learn([profile("1", mobile=MOBILE), profile("1", email=ANN)], NOON + SECOND)
    assert [memory.judge(address) for address in (ANN, MOBILE, HOME)] == ["blacklisted"] * 3
    memory.learn([told("Whitelisted", "1")], NOON + 2 * SECOND)
    assert [memory.judge(address) for address in (ANN, MOBILE, HOME)] == [PASSES] * 3


STRICTER = [
    pytest.param([told(BLACKLISTED, email=ANN)], [], "blacklisted", id="a blacklisted lead"),
    pytest.param([], [told(BLACKLISTED, "1")], "blacklisted", id="a blacklisted user"),
    pytest.param([told(BLACKLISTED, email=ANN)], [told("Whitelisted", "1")], "blacklisted", id="and a released user"),
    pytest.param([told("Whitelisted", email=ANN)], [told(BLACKLISTED, "1")], "blacklisted", id="and a released lead"),
    pytest.param([told(OPT_OUT, email=ANN)], [told("Opt In", "1")], "opted_out", id="an opt-out and an opt-in"),
    pytest.param([told("Whitelisted", email=ANN)], [told("Whitelisted", "1")], PASSES, id="both released"),
]


@pytest.mark.parametrize(("of_lead", "of_user", "ends"), STRICTER)
@pytest.mark.parametrize("user_first", [False, True], ids=["the lead's word first", "the user's word first"])
def test_the_stricter_of_both_holds(
    memory: Memory,
    of_lead: list[Event],
    of_user: list[Event],
    ends: str,
    user_first: bool,  # noqa: FBT001 (a case)
) -> None:
    """Whatever was said of either, and in which order, what suppresses one of them suppresses the user they become."""
    memory.learn([told("Completed Order", email=ANN), profile("1")])
    for number, events in enumerate((of_user, of_lead) if user_first else (of_lead, of_user), 1):
        memory.learn(events, NOON + number * SECOND)
    memory.learn([profile("1", email=ANN)], NOON + 9 * SECOND)
    assert memory.judge(ANN) == ends
    memory.learn([told("Whitelisted", "1"), told("Opt In", "1")], NOON + 10 * SECOND)
    assert memory.judge(ANN) == PASSES


def test_a_merge_is_written_down(memory: Memory) -> None:
    """The journal tells who was merged into whom, by internal ids, and the lead's own entries are the user's now."""
    memory.learn([told(BLACKLISTED, email=ANN)])
    gone = people.by_email(memory.connection, ANN, "")
    memory.learn([profile("1", email=ANN)])
    assert gone is not None
    *others, merged = journal_of(memory)
    names = [column[0] for column in memory.connection.execute("SELECT * FROM event").description]
    entry = dict(zip(names, merged, strict=True))
    assert (entry["kind"], entry["name"], entry["origin"], entry["person"]) == (
        "merge",
        "Merged",
        "merge",
        user(memory).pk,
    )
    assert gone.xng_id is not None
    assert gone.xng_id in entry["body"]
    assert {row[names.index("person")] for row in others} == {user(memory).pk}
    assert people.by_xng_id(memory.connection, gone.xng_id) is None


def test_phone_leads_are_never_merged(memory: Memory) -> None:
    """A number told by itself stays a lead of its own, and blocks whoever comes to have it."""
    memory.learn([told(BLACKLISTED, phone=MOBILE), profile("1", email=ANN, mobile=MOBILE)])
    assert not state.standing(people.registers(memory.connection, user(memory).pk)).suppressing
    assert (memory.judge(MOBILE), memory.judge(ANN)) == ("blacklisted", PASSES)
    memory.learn([profile("1", mobile=None)], NOON + SECOND)
    assert memory.judge(MOBILE) == "blacklisted"


def test_an_id_without_an_address_waits(memory: Memory) -> None:
    """What is told of an unknown id holds as soon as an address arrives, and for each that arrives later."""
    memory.learn([told(OPT_OUT, "1", channel=Channel.MAIL), told(BLACKLISTED, "1")])
    assert user(memory).email is None
    memory.learn([profile("1", email=ANN)], NOON + SECOND)
    memory.learn([profile("1", mobile=MOBILE)], NOON + 2 * SECOND)
    assert (memory.judge(ANN), memory.judge(MOBILE)) == ("blacklisted", "blacklisted")


# ── two users and one address ──


@pytest.mark.parametrize(
    ("claim", "refused"),
    [
        pytest.param(profile("2", email="Ann@X.de", unit="DE"), True, id="in any spelling"),
        pytest.param(profile("2", email=ANN), False, id="in another unit"),
        pytest.param(profile("2", email=BOB, unit="DE"), False, id="another address"),
        pytest.param(profile("1", email=ANN, unit="DE"), False, id="the user itself"),
        pytest.param(profile(None, email=ANN, unit="DE"), False, id="as a lead, which is then the user"),
        pytest.param(profile("3", unit="DE"), True, id="by moving into the unit"),
    ],
)
def test_an_address_has_one_user_in_a_unit(memory: Memory, claim: Profile, refused: bool) -> None:  # noqa: FBT001 (a case)
    """A profile that claims another full user's e-mail in a unit is refused whole, and any other is taken."""
    memory.learn([profile("1", email=ANN, unit="DE"), profile("3", email=ANN, unit="FR")])
    before = memory.dump(), journal_of(memory)
    if refused:
        with pytest.raises(AddressTaken):
            memory.learn([claim])
        assert (memory.dump(), journal_of(memory)) == before
    else:
        memory.learn([claim])
        assert user(memory).email == ANN


# ── moving and going ──


@settings(max_examples=100)
@given(lives, st.sampled_from(IDS), st.sampled_from(UNITS), st.one_of(st.none(), st.just(""), st.sampled_from(EMAILS)))
def test_no_profile_releases_an_address(life: Life, external_id: str, unit: str, email: str | None) -> None:
    """Whatever a profile changes, no address that nothing was sent to before gets anything after."""
    memory = Memory()
    now = live(memory, life)
    before = {address for address, ends in judged(memory).items() if ends == "blacklisted"}
    memory.attempt([profile(external_id, email=email, unit=unit, phone=None, mobile=None)], now)
    after = judged(memory)
    assert all(after[address] == "blacklisted" for address in before)
    memory.close()


@settings(max_examples=100)
@given(lives, st.sampled_from(IDS))
def test_a_kept_suppressed_user_releases_nothing(life: Life, external_id: str) -> None:
    """A user deleted with keep_suppressed leaves every address as suppressed as it was."""
    memory = Memory()
    now = live(memory, life)
    before = judged(memory)
    memory.attempt([Departure(external_id, keep_suppressed=True)], now)
    after = judged(memory)
    assert all(after[address] == ends for address, ends in before.items() if ends != PASSES)
    assert all(after[address] == PASSES for address in ADDRESSES if before[address] == PASSES)
    memory.close()


def test_nobody_can_be_deleted_twice(memory: Memory) -> None:
    """A user is deleted by id, a lead by the internal id; both only once, and nobody who is kept."""
    memory.learn([profile("1", email=ANN), told(BLACKLISTED, "1"), told(OPT_OUT, email=BOB)])
    gone = people.by_email(memory.connection, BOB, "")
    assert gone is not None
    for departure in (Departure("1", keep_suppressed=True), Departure(xng_id=gone.xng_id, keep_suppressed=True)):
        memory.learn([departure])
        with pytest.raises(UnknownUser):
            memory.learn([departure])
    with pytest.raises(UnknownUser):
        memory.learn([Departure()])
    assert (memory.judge(ANN), memory.judge(BOB)) == ("blacklisted", "opted_out")


def test_a_departure_is_written_down_without_the_person(memory: Memory) -> None:
    """The journal says that somebody was deleted and on whose word; it points at nobody any more."""
    memory.learn([profile("1", email=ANN)])
    memory.learn([Departure("1", source="crm")], NOON + SECOND)
    entry = memory.connection.execute("SELECT kind, name, person, source FROM event ORDER BY sequence DESC").fetchone()
    assert entry == ("departure", "User Deleted", None, "crm")
