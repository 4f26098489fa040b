"""What is not taken in for the sake of an entry, and which noes are kept all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from policy import AddressListed
from policy.events import SUPPRESSES, Delisting, Event, Learned, Subject, Told, Word
from policy.model import Microseconds
from policy.scopes import Units
from policy.store import screening
from tests.policy.conftest import NOON, PASSES, SECOND, Memory, entry_id, listed, profile, told, who
from tests.policy.store.conftest import Life, lives_with_lists

UNITS = Units({"shop": "DE"})
ANN = "ann@x.de"
PHONE = "+4915112345678"
SOON = "2026-03-01T12:00:00.500000Z"


def screened(memory: Memory, events: Sequence[Told], at: int = NOON) -> list[Learned | None]:
    """Learn events as the events endpoint does."""
    memory.connection.execute("BEGIN")
    try:
        learned = screening.learn(memory.digests, events, Microseconds(at), UNITS)(memory.connection)
    finally:
        memory.connection.execute("COMMIT")
    return learned


def clear(memory: Memory) -> list[Any]:
    """List the clear addresses of people, and of what the journal tells of them."""
    people = [row[0] for row in memory.connection.execute("SELECT email FROM person WHERE email IS NOT NULL")]
    told_of = memory.connection.execute(
        "SELECT body FROM event WHERE kind NOT IN ('listing', 'delisting')"
        " AND (body LIKE '%ann@%' OR body LIKE '%12345678%')"
    )
    return [*people, *(row[0] for row in told_of)]


COVERED = [
    pytest.param([listed(ANN)], who(email="Ann@X.de"), id="the e-mail, in any spelling"),
    pytest.param([listed("*@x.de")], who(email=ANN), id="a pattern"),
    pytest.param([listed("*.de")], who(email="ann@mail.x.de"), id="a pattern of sub-domains"),
    pytest.param([listed(ANN)], who(email=ANN, unit="DE"), id="no scope, any unit"),
    pytest.param([listed(ANN, "shop")], who(email=ANN, unit="DE"), id="the unit's scope"),
    pytest.param([listed(ANN, "SHOP")], who(email=ANN, unit="de"), id="the unit's scope, in any case"),
    pytest.param([listed(ANN, "default")], who(email=ANN), id="the default scope"),
    pytest.param([listed(ANN, until=SOON)], who(email=ANN), id="not expired yet"),
    pytest.param([listed(PHONE)], who(phone=PHONE), id="a number"),
    pytest.param([listed(ANN)], who("1", email=ANN), id="beside an unknown id"),
    pytest.param([profile("1", email=ANN), listed(ANN)], who("1"), id="of the user named by id"),
    pytest.param([profile("1", email=ANN), listed("*@x.de")], who("1"), id="a pattern over the user named by id"),
    pytest.param([profile("1", email=ANN, unit="DE"), listed(ANN, "shop")], who("1"), id="the user's unit"),
    pytest.param(
        [profile("1", email="bob@x.de", unit="DE"), listed(ANN, "shop")], who("1", email=ANN), id="told beside the id"
    ),
    pytest.param(
        [profile("1", email="bob@x.de", unit="DE"), listed(ANN, "default")],
        who("1", email=ANN),
        id="beside it, no unit",
    ),
    pytest.param([profile("1", phone=PHONE), listed(PHONE)], who("1"), id="the user's number"),
    pytest.param([profile(None, email=ANN), listed(ANN)], who(email=ANN), id="of a lead"),
    pytest.param(
        [profile(None, email="m@xn--strae-oqa.de"), listed("m@straße.de")],
        who(email="m@straße.de"),
        id="a spelling that is new of a lead",
    ),
]
PASSED = [
    pytest.param([], who(email=ANN), id="no entry"),
    pytest.param([listed("bob@x.de")], who(email=ANN), id="another address"),
    pytest.param([listed(ANN, "shop")], who(email=ANN), id="another scope"),
    pytest.param([listed(ANN, "default")], who(email=ANN, unit="DE"), id="the default scope, and another unit"),
    pytest.param([listed(ANN, until="2026-03-01T11:00:00Z")], who(email=ANN), id="expired"),
    pytest.param([listed(ANN), Delisting(entry_id(ANN))], who(email=ANN), id="removed"),
    pytest.param([profile("1", email=ANN), listed("bob@x.de")], who("1"), id="another's address"),
    pytest.param([listed("*.x.de")], who(email=ANN), id="sub-domains alone"),
    pytest.param([profile("1", email=ANN, unit="DE"), listed(ANN, "default")], who("1"), id="a unit that is not told"),
]


@pytest.mark.parametrize(("before", "subject"), COVERED)
@pytest.mark.parametrize("name", ["Completed Order", Word.WHITELISTED, Word.OPT_IN])
def test_an_event_about_a_listed_address_is_ignored(
    memory: Memory, before: list[Event], subject: Subject, name: str
) -> None:
    """Whatever says no no is ignored: nobody comes in, nobody is released and the journal does not know of it."""
    memory.learn(before)
    memory.learn([told("Blacklisted", email="bob@y.de")])
    was = memory.dump()
    assert screened(memory, [replace(told(name), subject=subject)] * 2) == [None, None]
    assert memory.dump() == was


@pytest.mark.parametrize(("before", "subject"), PASSED)
def test_any_other_event_is_learned(memory: Memory, before: list[Event], subject: Subject) -> None:
    """What no entry stands for, in this unit and at this time, is learned as ever."""
    other = Memory()
    events = [replace(told(name), subject=subject) for name in ("Completed Order", *Word)]
    for store in (memory, other):
        store.learn(before)
    assert screened(memory, events) == other.learn(events)
    assert memory.dump() == other.dump()


@pytest.mark.parametrize(("before", "subject"), COVERED)
@pytest.mark.parametrize("word", [Word.BLACKLISTED, Word.OPT_OUT])
def test_a_no_is_kept(memory: Memory, before: list[Event], subject: Subject, word: Word) -> None:
    """A no about a listed address holds when the entry is gone, and told again from the journal, in any unit."""
    memory.learn(before)
    known = clear(memory)
    (learned,) = screened(memory, [replace(told(word, at="2026-03-01T11:00:00Z", note=ANN), subject=subject)])
    assert learned is not None
    assert not learned.repeat
    (again,) = screened(memory, [replace(told(word, at="2026-03-01T11:00:00Z", note=ANN), subject=subject)])
    assert again is not None
    assert again.repeat
    entries = [Delisting(row[0]) for row in memory.connection.execute("SELECT id FROM blacklist").fetchall()]
    memory.learn([*entries])
    for store in (memory, memory.told_again()):
        for address in filter(None, [subject.email, subject.phone, _email_of(before)]):
            assert store.judge(address) != PASSES
    assert memory.told_again().dump() == memory.dump()
    assert memory.rows("suppressed") == memory.derived_anew()
    if not known:
        assert clear(memory) == []


def _email_of(before: Sequence[Event]) -> str | None:
    return next((event.email for event in before if not isinstance(event, Told) and hasattr(event, "email")), None)


def test_a_no_reaches_the_user_that_is_there(memory: Memory) -> None:
    """A user who is known already is blacklisted by it, and a release later reaches what was kept too."""
    memory.learn([profile("1", email="bob@x.de"), listed(ANN), listed("bob@x.de")])
    screened(memory, [told("Blacklisted", "1", email=ANN)])
    memory.learn([Delisting(entry_id(ANN)), Delisting(entry_id("bob@x.de"))])
    assert (memory.judge("bob@x.de"), memory.judge(ANN)) == ("blacklisted", "blacklisted")
    memory.learn([told("Whitelisted", "1")], NOON + SECOND)
    assert (memory.judge("bob@x.de"), memory.judge(ANN)) == (PASSES, "blacklisted")
    memory.learn([told("Whitelisted", email=ANN)], NOON + 2 * SECOND)
    assert memory.judge(ANN) == PASSES


def test_an_id_that_was_told_with_a_listed_address_is_suppressed_itself(memory: Memory) -> None:
    """A blacklisting of an unknown id beside a listed address holds for the id, whichever address it gets."""
    memory.learn([listed(ANN)])
    screened(memory, [told("Blacklisted", "1", email=ANN)])
    memory.learn([profile("1", email="other@y.de"), Delisting(entry_id(ANN))], NOON + SECOND)
    assert (memory.judge("other@y.de"), memory.judge(ANN)) == ("blacklisted", "blacklisted")


def test_each_event_of_a_request_is_screened(memory: Memory) -> None:
    """Of several events those about listed addresses are ignored and the others learned, in their order."""
    memory.learn([listed(ANN)])
    events = [told("Completed Order", email=ANN), told("Opt Out", email="bob@x.de"), told("Opt Out", email=ANN)]
    ignored, plain, kept = screened(memory, events)
    assert ignored is None
    assert plain is not None
    assert kept is not None
    assert (plain.sequence, kept.sequence) == (2, 3)


@settings(max_examples=100, deadline=None)
@given(lives_with_lists)
def test_a_screened_life_is_told_again(life: Life) -> None:
    """However events and entries come, the journal that screening leaves tells the same store again."""
    memory, now = Memory(), int(NOON)
    for events, tick in life:
        now += tick
        statements = [event for event in events if isinstance(event, Told) and not event.subject.everybody]
        memory.attempt([event for event in events if not isinstance(event, Told)], now)
        screened(memory, statements, now)
    assert memory.told_again().dump() == memory.dump()
    assert memory.rows("suppressed") == memory.derived_anew()
    memory.close()


@settings(max_examples=150, deadline=None)
@given(lives_with_lists)
def test_no_no_is_lost_to_an_entry(life: Life) -> None:
    """Whoever is suppressed in a store without screening is, by the noes alone, suppressed in one with it."""
    plain, with_screen, now = Memory(), Memory(), int(NOON)
    for events, tick in life:
        now += tick
        statements = [e for e in events if isinstance(e, Told) and not e.subject.everybody]  # none comes screened
        noes = [e for e in statements if e.word is not None and SUPPRESSES[e.word]]
        lists = [event for event in events if not isinstance(event, Told)]
        for store in (plain, with_screen):
            store.attempt(lists, now)
        plain.attempt(noes, now)
        screened(with_screen, noes, now)
    for store in (plain, with_screen):
        for (entry,) in store.connection.execute("SELECT id FROM blacklist").fetchall():
            store.learn([Delisting(entry)], now + SECOND)
    for address in _addresses(life):
        if plain.judge(address) != PASSES:
            assert with_screen.judge(address) != PASSES
    plain.close()
    with_screen.close()


def _addresses(life: Life) -> Iterator[str]:
    for events, _ in life:
        for event in events:
            if isinstance(event, Told):
                yield from filter(None, (event.subject.email, event.subject.phone))


# ── profiles ──


def guarded(memory: Memory, event: Event) -> str | None:
    """Learn a profile as a guarded endpoint does, and give the field for which it was refused."""
    memory.connection.execute("BEGIN")
    try:
        screening.learn_guarded(memory.digests, [event], Microseconds(NOON + SECOND), UNITS)(memory.connection)
    except AddressListed as refused:
        return refused.field
    finally:
        memory.connection.execute("COMMIT")
    return None


GUARDED = [
    pytest.param([listed(ANN)], profile("1", email=ANN), "email", id="a new user"),
    pytest.param([listed(ANN)], profile(None, email=ANN), "email", id="a new lead"),
    pytest.param([listed("*@x.de")], profile("1", email=ANN), "email", id="a pattern"),
    pytest.param([listed(PHONE)], profile("1", mobile=PHONE), "mobile", id="a number"),
    pytest.param([profile("1", email=ANN), listed(ANN)], profile("1", phone=PHONE), "email", id="who has it"),
    pytest.param([profile("1", email=ANN), listed(ANN)], profile("1", email="b@y.de"), "email", id="who gives it up"),
    pytest.param([profile("1", phone=PHONE), listed(PHONE)], profile("1", email=ANN), "phone", id="who has the number"),
    pytest.param([listed(ANN, "shop")], profile("1", email=ANN, unit="DE"), "email", id="the unit's scope"),
    pytest.param(
        [profile("1", email=ANN, unit="DE"), listed(ANN, "shop")],
        profile("1", unit="FR"),
        "email",
        id="out of the unit",
    ),
    pytest.param(
        [profile("1", email=ANN, unit="FR"), listed(ANN, "shop")], profile("1", unit="DE"), "email", id="into the unit"
    ),
    pytest.param([listed(ANN, "shop")], profile("1", email=ANN), None, id="another scope"),
    pytest.param(
        [profile("1", unit="DE"), listed(ANN, "default")], profile("1", email=ANN), None, id="the unit it has"
    ),
    pytest.param([listed("bob@x.de")], profile("1", email=ANN), None, id="another's address"),
]


@pytest.mark.parametrize(("before", "event", "field"), GUARDED)
def test_a_profile_with_a_listed_address_is_refused(
    memory: Memory, before: list[Event], event: Event, field: str | None
) -> None:
    """A profile that has a listed address, or had one, is refused whole, and the field is named."""
    memory.learn(before)
    was = memory.dump()
    assert guarded(memory, event) == field
    assert (memory.dump() == was) is (field is not None)
