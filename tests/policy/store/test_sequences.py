"""Whatever is told, in whatever order: the same journal gives the same store, and no acknowledged no is lost."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy import identity
from policy.events import Departure, Event, Origin, Subject, Told, Word
from policy.model import Channel
from policy.store import people
from tests.policy.conftest import NOON, PASSES, SECOND, STORE_ID, Memory, Sends, World, profile, told, who

# A small world, so that people, addresses and times meet often.
IDS = ["1", "2", "3"]
EMAILS = ["a@x.de", "B@x.de", "ſam@x.de", "sam@x.de", "m@straße.de", "m@xn--strae-oqa.de", "m@strasse.de"]
UNITS = ["", "DE", "FR"]
PHONES = ["+4915112345678", "+5215512345678", "+525512345678"]
STATED = [f"2026-03-01T11:59:5{second}Z" for second in range(8)]
ODD_TIMES = ["0001-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2026-03-01T11:59Z", "2026-03-01T12:00:00.5+00:00"]

ids = st.sampled_from(IDS)
units = st.sampled_from(UNITS)
words = st.sampled_from([*Word, "Completed Order"])
origins = st.sampled_from([*Origin, "provider:sendgrid"])
channels = st.sampled_from([Channel.ALL, Channel.MAIL, Channel.SMS])


def kept(address: str, unit: str) -> Subject:
    """Name an address that nobody has, as an export does."""
    digest = Memory.digests.digest(identity.address_keys(address)[0])
    return Subject(kept=Memory.digests.export(digest), business_unit=unit)


def subjects(emails: Sequence[str] = EMAILS) -> st.SearchStrategy[Subject]:
    """Name people in every way that an event can."""
    email, phone = st.sampled_from(list(emails)), st.sampled_from(PHONES)
    return st.one_of(
        st.builds(who, ids),
        st.builds(who, email=email, unit=units),
        st.builds(who, phone=phone),
        st.builds(who, ids, email=email, unit=units),
        st.builds(who, ids, phone=phone),
        st.builds(who, email=email, unit=units, phone=phone),
    )


def statements(
    stated: st.SearchStrategy[str | None],
    people: st.SearchStrategy[Subject] = subjects(),  # noqa: B008 (a value, never changed)
    said: Any = words,
) -> st.SearchStrategy[Told]:
    """Tell anything of anybody."""
    numbers = st.sampled_from(["", "+4930123456"])
    plain = st.builds(told, said, origin=origins, channel=channels, at=stated, number=numbers)
    return st.builds(lambda event, subject: replace(event, subject=subject), plain, people)


phones = st.dictionaries(st.sampled_from(["mobile", "home"]), st.one_of(st.none(), st.sampled_from(PHONES)))
user_profiles = st.builds(
    lambda external_id, email, unit, numbers: profile(external_id, email=email, unit=unit, **numbers),
    ids,
    st.one_of(st.none(), st.just(""), st.sampled_from(EMAILS)),
    st.one_of(st.none(), units),
    phones,
)
lead_profiles = st.builds(
    lambda email, unit, numbers: profile(None, email=email, unit=unit, **numbers),
    st.sampled_from(EMAILS),
    units,
    phones,
)
departures = st.one_of(
    st.builds(Departure, ids, keep_suppressed=st.booleans()),
    st.builds(
        lambda pk, keep: Departure(xng_id=people.xng_id(STORE_ID, pk), keep_suppressed=keep),
        st.integers(1, 6),
        st.booleans(),
    ),
)
any_time = st.one_of(st.none(), st.sampled_from(STATED + ODD_TIMES))
kept_addresses = st.builds(kept, st.sampled_from([*EMAILS, *PHONES]), units)
anything = st.one_of(
    statements(any_time),
    statements(any_time, st.one_of(subjects(), kept_addresses)),
    user_profiles,
    lead_profiles,
    departures,
)
about_one = st.builds(  # what the events endpoint takes: several events about one person
    lambda subject, events: [replace(event, subject=subject) for event in events],
    subjects(),
    st.lists(statements(any_time), min_size=2, max_size=4),
)
requests = st.one_of(st.lists(anything, min_size=1, max_size=4), about_one)
ticks = st.sampled_from([0, 1, SECOND, -SECOND, 3600 * SECOND])
lives = st.lists(st.tuples(requests, ticks), max_size=14)


def lived(life: Sequence[tuple[Sequence[Event], int]]) -> Memory:
    """Let a store live through requests, each some time after the one before, or before it."""
    memory, now = Memory(), int(NOON)
    for events, tick in life:
        now += tick
        memory.attempt(events, now)
        memory.attempt(events[:1], now)  # a repeat at once
    return memory


@settings(max_examples=150, deadline=None)
@given(lives)
def test_told_again_the_journal_gives_the_same_store(life: Sequence[tuple[Sequence[Event], int]]) -> None:
    """Persons, addresses, registers and derived rows are the same when the journal is told again."""
    memory = lived(life)
    again = memory.told_again()
    assert again.dump() == memory.dump()
    assert (
        again.connection.execute("SELECT * FROM event ORDER BY sequence").fetchall()
        == memory.connection.execute("SELECT * FROM event ORDER BY sequence").fetchall()
    )
    again.close()
    memory.close()


@settings(max_examples=150, deadline=None)
@given(lives)
def test_derived_rows_are_neither_stale_nor_missing(life: Sequence[tuple[Sequence[Event], int]]) -> None:
    """What judging reads is what persons, addresses and registers say, after anything at all."""
    memory = lived(life)
    assert memory.rows("suppressed") == memory.derived_anew()
    memory.close()


@settings(max_examples=100, deadline=None)
@given(lives)
def test_the_journal_has_no_gaps(life: Sequence[tuple[Sequence[Event], int]]) -> None:
    """The sequence counts from 1 without a gap, whatever was refused on the way."""
    memory = lived(life)
    sequences = [row[0] for row in memory.connection.execute("SELECT sequence FROM event ORDER BY sequence")]
    assert sequences == list(range(1, len(sequences) + 1))
    memory.close()


@settings(max_examples=150, deadline=None)
@given(lives, statements(st.none(), said=st.sampled_from([Word.BLACKLISTED, Word.OPT_OUT])), ticks)
def test_an_answered_no_holds(life: Sequence[tuple[Sequence[Event], int]], no: Told, tick: int) -> None:
    """A no without a time stops what comes next, to the address it names and to all of the person's, whatever was."""
    memory = lived(life)
    memory.learn([replace(no, channel=Channel.ALL)], NOON + tick)
    for address in filter(None, [no.subject.email, no.subject.phone, *addresses_of(memory, no.subject.id)]):
        assert memory.judge(address) in ("blacklisted", "opted_out")
    memory.close()


@settings(max_examples=150, deadline=None)
@given(lives, st.sampled_from(IDS), st.sampled_from([*EMAILS, ""]), units)
def test_a_change_of_address_loses_nothing(
    life: Sequence[tuple[Sequence[Event], int]], external_id: str, email: str, unit: str
) -> None:
    """Whatever a user's e-mail or unit becomes, no address that was blacklisted before passes after."""
    memory = lived(life)
    before = [address for address in EMAILS + PHONES if memory.judge(address) == "blacklisted"]
    memory.attempt([profile(external_id, email=email, unit=unit, mobile=None, home=None)], NOON)
    assert all(memory.judge(address) == "blacklisted" for address in before)
    memory.close()


def addresses_of(memory: Memory, external_id: str | None) -> list[str]:
    """Give the addresses of a user as they were told."""
    person = people.by_id(memory.connection, external_id) if external_id else None
    if person is None:
        return []
    return [*filter(None, [person.email]), *(number for number, _ in person.phones.values())]


# ── order and repetition ──

ONE_READING = ["a@x.de", "B@x.de", "ſam@x.de", "sam@x.de"]
SETTLED: list[Event] = [
    profile("1", email="a@x.de", mobile=PHONES[0]),
    profile("2", email="a@x.de", unit="DE", mobile=PHONES[0]),
    told("Opt Out", "2", at=STATED[1]),
    profile("2", email="b@x.de"),
    profile("3", email="ſam@x.de", unit="FR", mobile=PHONES[1]),
]
stated_events = st.lists(
    statements(st.sampled_from(STATED), subjects(ONE_READING), said=st.sampled_from(list(Word))), max_size=8
)


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    """Draw some events, and the same ones in another order, some of them several times."""
    events = draw(stated_events)
    again = draw(st.lists(st.sampled_from(events), max_size=6)) if events else []
    return events, draw(st.permutations([*events, *again]))


def said_of_whom(memory: Memory) -> set[tuple[Any, ...]]:
    """Give every register with whose it is, by what people are known by outside."""
    addresses = "(SELECT group_concat(hex(digest)) FROM address WHERE address.person = pk)"
    return set(
        memory.connection.execute(
            f"SELECT external_id, email_key, business_unit, kept, former, {addresses},"
            " kind, channel, origin, number, suppressed_at, released_at FROM register JOIN person ON pk = person"
        )
    )


@settings(max_examples=200, deadline=None)
@given(shuffled(), st.integers(1, 4))
def test_order_and_repetition_of_stated_times_do_not_matter(told_twice: tuple[list[Told], list[Told]], at: int) -> None:
    """Any order and any repetition of events with stated times ends in the same registers of the same people."""
    events, other = told_twice
    one, two = Memory(), Memory()
    for memory, order in ((one, events), (two, other)):
        memory.learn(SETTLED, NOON)
        for start in range(0, len(order), at):
            memory.learn(order[start : start + at], NOON + SECOND + start)
    assert said_of_whom(one) == said_of_whom(two)
    assert [one.judge(a) for a in ONE_READING + PHONES] == [two.judge(a) for a in ONE_READING + PHONES]
    one.close()
    two.close()


@settings(max_examples=25, deadline=None)
@given(shuffled())
def test_order_and_repetition_do_not_matter_to_the_real_store(told_twice: tuple[list[Told], list[Told]]) -> None:
    """The same holds through Policy, its writer and its disk."""

    async def endings(folder: str, order: list[Told]) -> list[str]:
        world = World(Path(folder) / "sendgate.db")
        await world.learn(*SETTLED)
        for event in order:
            await world.learn(event)
        found = [await world.judge(Sends(address, PASSES)) for address in ONE_READING + PHONES]
        await asyncio.to_thread(world.policy.close)
        return found

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        assert asyncio.run(endings(one, told_twice[0])) == asyncio.run(endings(two, told_twice[1]))
