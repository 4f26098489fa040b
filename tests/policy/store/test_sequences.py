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
from policy.events import Event, Origin, Subject, Told, Word
from policy.model import Channel
from policy.store import people
from tests.policy.conftest import NOON, PASSES, SECOND, Memory, Sends, World, profile, terms, told, who
from tests.policy.store.conftest import (
    ADDRESSES,
    EMAILS,
    IDS,
    PHONES,
    STATED,
    UNITS,
    Life,
    everybody,
    journal_of,
    profiles,
    requests,
)
from tests.policy.store.conftest import subjects as anybody

words = st.sampled_from(list(Word))
noes = st.sampled_from([Word.BLACKLISTED, Word.OPT_OUT])
origins = st.sampled_from([*Origin, "provider:sendgrid"])
units = st.sampled_from(UNITS)
ticks = st.sampled_from([0, 1, SECOND, -SECOND, 3600 * SECOND])


def statements(
    said: st.SearchStrategy[Word], subjects: st.SearchStrategy[Subject], stated: st.SearchStrategy[str | None]
) -> st.SearchStrategy[Told]:
    """Tell words of somebody."""
    channels = st.sampled_from([Channel.ALL, Channel.MAIL, Channel.SMS])
    plain = st.builds(told, said, origin=origins, channel=channels, at=stated, number=st.sampled_from(["", "+4930"]))
    return st.builds(lambda event, subject: replace(event, subject=subject), plain, subjects)


def kept(address: str, unit: str) -> Subject:
    """Name an address that nobody has, as an import does."""
    digest = Memory.digests.digest(identity.address_keys(address)[0])
    return Subject(kept=Memory.digests.export(digest), business_unit=unit)


kept_addresses = st.builds(kept, st.sampled_from(ADDRESSES), units)
of_kept = statements(words, kept_addresses, st.one_of(st.none(), st.sampled_from(STATED))).map(lambda event: [event])
lives = st.lists(st.tuples(st.one_of(requests, requests, of_kept), ticks), max_size=14)


def lived(life: Life) -> Memory:
    """Let a store live through requests, each some time after the one before or before it, with repeats at once."""
    memory, now = Memory(), int(NOON)
    for events, tick in life:
        now += tick
        memory.attempt(events, now)
        memory.attempt(events[:1], now)
    return memory


@settings(max_examples=100)
@given(lives)
def test_told_again_the_journal_gives_the_same_store(life: Life) -> None:
    """Persons, addresses, registers, derived rows and the journal itself are the same when it is told again."""
    memory = lived(life)
    again = memory.told_again()
    assert again.dump() == memory.dump()
    assert journal_of(again) == journal_of(memory)
    again.close()
    memory.close()


@settings(max_examples=100)
@given(lives)
def test_derived_rows_are_neither_stale_nor_missing(life: Life) -> None:
    """What judging reads is what persons, addresses and registers say, after anything at all."""
    memory = lived(life)
    assert memory.rows("suppressed") == memory.derived_anew()
    memory.close()


@settings(max_examples=100)
@given(lives)
def test_the_journal_has_no_gaps(life: Life) -> None:
    """The sequence counts from 1 without a gap, whatever was refused on the way."""
    memory = lived(life)
    assert [row[0] for row in journal_of(memory)] == list(range(1, len(journal_of(memory)) + 1))
    memory.close()


@settings(max_examples=100)
@given(lives, statements(noes, anybody, st.none()), ticks)
def test_an_answered_no_holds(life: Life, no: Told, tick: int) -> None:
    """A no without a time stops what comes next, to the address it names and to all of the person's, whatever was."""
    memory = lived(life)
    memory.learn([replace(no, channel=Channel.ALL)], NOON + tick)
    for address in filter(None, [no.subject.email, no.subject.phone, *addresses_of(memory, no.subject.id)]):
        assert memory.judge(address) in ("blacklisted", "hard_bounced", "opted_out")
    memory.close()


def addresses_of(memory: Memory, external_id: str | None) -> list[str]:
    """Give the addresses of a user as they were told."""
    person = people.by_id(memory.connection, external_id) if external_id else None
    if person is None:
        return []
    return [*filter(None, [person.email]), *(number for number, _ in person.phones.values())]


@settings(max_examples=100)
@given(lives, st.sampled_from(IDS), st.sampled_from([*EMAILS, ""]), units)
def test_a_change_of_address_loses_nothing(life: Life, external_id: str, email: str, unit: str) -> None:
    """Whatever a user's e-mail, unit and phones become, no address that was blacklisted before passes after."""
    memory = lived(life)
    before = [address for address in ADDRESSES if memory.judge(address) == "blacklisted"]
    memory.attempt([profile(external_id, email=email, unit=unit, mobile=None, phone=None)], NOON)
    assert [address for address in before if memory.judge(address) != "blacklisted"] == []
    memory.close()


@settings(max_examples=150)
@given(lives, st.data(), everybody, st.lists(st.one_of(profiles, statements(noes, anybody, st.none())), max_size=4))
def test_a_no_of_everybody_reaches_who_comes_later(
    life: Life, data: st.DataObject, named: Subject, then: list[Event]
) -> None:
    """Whoever gets an address after an opt-out of all who have it is opted out too, in a unit where nobody was."""
    memory = lived(life)
    memory.learn([replace(told("Opt Out", origin=Origin.PAGE), subject=named)], NOON)
    for event in then:
        memory.attempt([event], NOON + SECOND)
    address = named.email or named.phone or ""
    has = {"email": address} if named.email else {"mobile": address}
    external_id = data.draw(st.sampled_from([*IDS, "new"]))
    memory.attempt([profile(external_id, unit="UK", **has)], NOON + 2 * SECOND)
    assert memory.judge(address, terms(unit="UK")) != PASSES
    memory.close()


# ── order and repetition ──

# Each address is told in one spelling of its own: another may bring further readings, which an older yes did not reach.
PLAIN = ["a@x.de", "B@x.de", "ſam@x.de", "sam@x.de"]
HELD = PLAIN[:3]  # somebody has them, so that no word about everybody makes a lead
SETTLED: list[Event] = [
    profile("1", email="a@x.de", mobile=PHONES[0]),
    profile("2", email="a@x.de", unit="DE", mobile=PHONES[0]),
    told("Opt Out", "2", at=STATED[1]),
    profile("2", email="b@x.de"),
    profile("3", email="ſam@x.de", unit="FR", mobile=PHONES[1]),
]
ids, emails, phones = st.sampled_from(["1", "2", "3", "4"]), st.sampled_from(PLAIN), st.sampled_from(PHONES)
plain_subjects = st.one_of(
    st.builds(who, ids),
    st.builds(who, email=emails, unit=st.sampled_from(["", "DE", "FR"])),
    st.builds(who, phone=phones),
    st.builds(who, ids, email=emails, unit=st.sampled_from(["", "DE"])),
    st.builds(who, ids, phone=phones),
    st.builds(who, email=emails, phone=phones),
)
held = st.one_of(st.builds(who, email=st.sampled_from(HELD)), st.builds(who, phone=phones))
of_everybody = statements(
    st.sampled_from([Word.OPT_OUT, Word.OPT_IN]),  # a blacklisting is not remembered, and who comes later has none
    held.map(lambda subject: replace(subject, everybody=True)),
    st.sampled_from(STATED),
)
stated_events = st.lists(
    st.one_of(statements(words, plain_subjects, st.sampled_from(STATED)), of_everybody), max_size=8
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


@settings(max_examples=150)
@given(shuffled(), st.integers(1, 4))
def test_order_and_repetition_of_stated_times_do_not_matter(both: tuple[list[Told], list[Told]], at_once: int) -> None:
    """Any order and any repetition of events with stated times ends in the same registers of the same people."""
    stores = Memory(), Memory()
    for memory, order in zip(stores, both, strict=True):
        memory.learn(SETTLED, NOON)
        for start in range(0, len(order), at_once):
            memory.learn(order[start : start + at_once], NOON + SECOND + start)
    one, two = stores
    assert said_of_whom(one) == said_of_whom(two)
    assert [one.judge(address) for address in PLAIN + PHONES] == [two.judge(address) for address in PLAIN + PHONES]
    one.close()
    two.close()


async def endings(folder: str, order: Sequence[Told]) -> list[str]:
    """Tell a policy over a store on disk, and say how a send to each address ends."""
    world = World(Path(folder) / "sendgate.db")
    await world.learn(*SETTLED)
    for event in order:
        await world.learn(event)
    found = [await world.judge(Sends(address, PASSES)) for address in PLAIN + PHONES]
    await asyncio.to_thread(world.policy.close)
    return found


@settings(max_examples=15)
@given(shuffled())
def test_order_and_repetition_do_not_matter_to_the_real_store(both: tuple[list[Told], list[Told]]) -> None:
    """The same holds through Policy, its writer and its disk."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        assert asyncio.run(endings(one, both[0])) == asyncio.run(endings(two, both[1]))
