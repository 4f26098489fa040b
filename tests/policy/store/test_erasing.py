"""Erasing somebody: no name is left, what suppresses still does, and the journal still tells the same store."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import identity
from policy.events import Event, Listing, Profile, Told, Unplaced
from policy.model import Terms
from policy.store import backups, journal
from policy.store.digests import Digests
from tests.policy.conftest import NOON, PASSES, SECOND, Memory, profile, terms, told
from tests.policy.store.conftest import (
    ADDRESSES,
    IDS,
    NUMBERS,
    Life,
    delistings,
    journal_of,
    listings,
    live,
    requests,
    statements,
)

UNITS = ["", "DE", "US"]
TICKS = [0, 1, SECOND, -SECOND, 3600 * SECOND]
# Of several people who shared an address what is kept is one, and tells of the newest no.
ALIKE = {"hard_bounced": "blacklisted", "opted_out_channel": "opted_out"}
WHOM = st.sampled_from([*ADDRESSES, *IDS])


def mentioning(address: str) -> dict[str, Any]:
    """Give a tree in which an address stands in several spellings."""
    return {"note": f"<{address.upper()}>, mailto:{address.replace('@', '%40')}?x", "list": [address, 1, None]}


def with_mention(event: Event, address: str | None) -> Event:
    """Let an event mention an address beside what it says."""
    if address is None:
        return event
    match event:
        case Told():
            return replace(event, properties=mentioning(address))
        case Profile():
            return replace(event, traits=mentioning(address))
        case Listing():
            return replace(event, reason=f"asked by <{address}>")
        case _:
            return event


unplaced = st.builds(
    lambda address, number: Unplaced("Unusable", "provider:x", mentioning(address), f"mail:{number}", "webhook:mail"),
    st.sampled_from(ADDRESSES),
    st.integers(0, 3),
)
noticed = st.integers(0, 3).map(lambda number: f"mail:{number}")
talkative = st.builds(
    lambda events, address, notice: [
        replace(mentioned, notice=notice) if isinstance(mentioned, Told) and notice else mentioned
        for mentioned in (with_mention(event, address) for event in events)
    ],
    requests,
    st.one_of(st.none(), st.sampled_from(ADDRESSES)),
    st.one_of(st.none(), st.none(), noticed),
)
listed = st.builds(  # with lists, and reasons that name somebody
    lambda events, address: [with_mention(event, address) for event in events],
    st.lists(st.one_of(listings, listings, delistings, statements), min_size=1, max_size=3),
    st.one_of(st.none(), st.sampled_from(ADDRESSES)),
)
asked = st.one_of(requests, talkative, talkative, listed, unplaced.map(lambda event: [event]))
lives = st.lists(st.tuples(asked, st.sampled_from(TICKS)), max_size=10)
Erased = Sequence[tuple[Life, str]]  # lives, each followed by an erasure
erased_lives = st.lists(st.tuples(lives, WHOM), min_size=1, max_size=3)


def lived_and_erased(memory: Memory, parts: Erased, now: int = NOON) -> int:
    """Let a store live and erase, by turns."""
    for life, whom in parts:
        now = live(memory, life, now) + SECOND
        memory.erase(whom, now)
    return now


def everything(memory: Memory) -> dict[str, list[tuple[Any, ...]]]:
    """Give all that follows from the journal, with the journal itself."""
    return {**memory.dump(), "event": journal_of(memory)}


@settings(max_examples=100)
@given(erased_lives, lives)
def test_told_again_the_journal_gives_the_same_store(parts: Erased, after: Life) -> None:
    """Told to an empty store, a journal with erasures ends in the same tables and in the very same journal."""
    memory = Memory()
    live(memory, after, lived_and_erased(memory, parts))
    again = memory.told_again()
    assert everything(again) == everything(memory)
    assert memory.rows("suppressed") == memory.derived_anew()
    again.close()
    memory.close()


def copied(memory: Memory) -> Memory:
    """Copy a store as a backup does."""
    other = Memory()
    memory.connection.backup(other.connection)
    return other


def dumped(memory: Memory) -> list[bytes]:
    """Write the journal as a file's lines."""
    stream = io.BytesIO()
    backups.journal_to(stream, 0)(memory.connection)
    return stream.getvalue().splitlines(keepends=True)


def replayed(copy: Memory, lines: list[bytes]) -> None:
    """Tell a journal behind a copy."""
    copy.connection.execute("BEGIN")
    backups.replay(copy.connection, copy.digests, lines)
    copy.connection.execute("COMMIT")


@settings(max_examples=100)
@given(lives, lives, erased_lives, lives)
def test_a_copy_from_before_is_erased_from_as_well(before: Life, then: Life, parts: Erased, after: Life) -> None:
    """A copy made before an erasure ends as its original, by journal files written before the erasure or after it."""
    memory = Memory()
    now = live(memory, before)
    by_later, by_both = copied(memory), copied(memory)
    now = live(memory, then, now + SECOND)
    clear = dumped(memory)
    live(memory, after, lived_and_erased(memory, parts, now))
    replayed(by_later, dumped(memory))
    replayed(by_both, clear)
    replayed(by_both, dumped(memory))
    assert everything(by_later) == everything(memory)
    assert everything(by_both) == everything(memory)
    for store in (memory, by_later, by_both):
        store.close()


class Counting(Digests):
    """Digests that count how many ids they veil."""

    veiled_ids = 0

    def veiled_id(self, external_id: str) -> str:
        """Veil an id, and count it."""
        self.veiled_ids += 1
        return super().veiled_id(external_id)


def test_behind_a_copy_each_person_is_looked_at_once(memory: Memory) -> None:
    """However many veils of ids a journal has, the ids of those whom a copy knows are veiled once each, to compare."""
    memory.learn([profile(str(number)) for number in range(60)])
    copy = copied(memory)
    memory.learn([told("Opt Out", str(number)) for number in range(40)])
    memory.learn([profile(str(number)) for number in range(60, 80)], NOON + 1)
    memory.learn([told("Opt Out", str(number)) for number in range(60, 80)], NOON + 2)
    for number in (*range(40), *range(60, 80)):
        memory.erase(str(number), NOON + SECOND + number)
    copy.digests = digests = Counting("pepper")
    replayed(copy, dumped(memory))
    assert everything(copy) == everything(memory)
    assert digests.veiled_ids < 400  # a walk for each would be 60 times 60, at the least
    copy.close()


def test_nobody_else_is_erased_behind_a_copy(memory: Memory) -> None:
    """A journal that means others than the copy has by the same keys is refused, and erases nobody."""
    memory.learn([profile("1"), profile("2")])
    copy = copied(memory)
    memory.erase("1", NOON + SECOND)
    copy.connection.execute("UPDATE person SET external_id = 'another' WHERE external_id = '1'")
    before = copy.dump()
    with pytest.raises(backups.BadCopy, match="cannot be told"):
        replayed(copy, dumped(memory))
    copy.connection.execute("ROLLBACK")
    assert copy.dump() == before
    copy.close()


@settings(max_examples=100)
@given(lives, st.sampled_from(ADDRESSES), st.builds(terms, transactional=st.booleans(), unit=st.sampled_from(UNITS)))
def test_what_was_suppressed_stays_suppressed(life: Life, address: str, wanted: Terms) -> None:
    """Whoever was refused before an erasure is refused after it, because of the same kind of no."""
    memory = Memory()
    live(memory, life)
    before = {each: memory.judge(each, wanted) for each in ADDRESSES}
    memory.erase(address)
    after = {each: memory.judge(each, wanted) for each in ADDRESSES}
    refused = [each for each, ending in before.items() if ending != PASSES]
    assert [ALIKE.get(after[each], after[each]) for each in refused] == [
        ALIKE.get(before[each], before[each]) for each in refused
    ]
    memory.close()


@settings(max_examples=100)
@given(lives, WHOM)
def test_an_address_is_found_nowhere(life: Life, whom: str) -> None:
    """No cell of any table holds an erased address in the clear, but for one that is on a blacklist still."""
    memory = Memory()
    live(memory, life)
    found = memory.erase(whom)
    cells = "\n".join(str(cell) for rows in everything(memory).values() for row in rows for cell in row).lower()
    for text in found.texts - set(NUMBERS) if found else ():  # a sender's own number is nobody's address
        assert text.lower() not in cells
        assert text.lower().replace("@", "%40") not in cells
    if found and "@" in whom and not found.remaining:
        assert identity.email_keys(whom)[0] not in cells
    assert found is None or found.remaining or memory.erase(whom) is None
    memory.close()


@settings(max_examples=100)
@given(lives, WHOM)
def test_others_are_untouched(life: Life, whom: str) -> None:
    """Everybody else has the same profile, addresses and registers as before, but for the erased one's address."""
    memory = Memory()
    live(memory, life)
    before = memory.dump()
    found = memory.erase(whom)
    gone = {*found.erasure.people, *found.erasure.mentioned_by} if found else set()
    after = memory.dump()
    key = {"person": 0, "address": 1, "register": 0}
    for table, column in key.items():
        former = [unlinked(row, gone) if table == "person" else row for row in before[table]]
        kept = [row for row in former if row[column] not in gone]
        assert set(kept) <= set(after[table])
    memory.close()


def unlinked(row: tuple[Any, ...], gone: set[int]) -> tuple[Any, ...]:
    """Forget whose a kept address was, as it is where its person goes."""
    return tuple(None if column == 9 and cell in gone else cell for column, cell in enumerate(row))


def test_an_erasure_is_in_the_journal(memory: Memory) -> None:
    """The journal says that somebody was erased and what went, and not who."""
    assert memory.erase("nobody@x.de") is None
    assert journal.last_sequence(memory.connection) == 0
