"""Registers: whatever order and repetition, the same standing; and no merge weakens a no."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import state, times
from policy.events import KIND, SUPPRESSES, Kind, Origin, Word
from policy.model import Channel, Microseconds, Standing
from policy.state import ANY, EMPTY, UNDOES, Maxima, Register, Registers

Statement = tuple[Word, Channel, str, str, int]  # word, channel, origin, number, effective time

words = st.sampled_from(list(Word))
channels = st.sampled_from([Channel.ALL, Channel.MAIL, Channel.SMS])
origins = st.sampled_from([*Origin, "provider:sendgrid", "provider:mailgun"])
statements = st.tuples(words, channels, origins, st.sampled_from(["", "+4930123456"]), st.integers(1, 9))
histories = st.lists(statements, max_size=12)


def said(registers: Registers, statement: Statement) -> Registers:
    """Write one statement with its effective time."""
    word, channel, origin, number, at = statement
    register = state.target(word, channel, origin, number)
    if register is None:
        return registers
    return state.fold(registers, register, Microseconds(at), suppresses=SUPPRESSES[word])


def after(history: Sequence[Statement]) -> Registers:
    """Write a whole history."""
    return reduce(said, history, EMPTY)


def kept_from(standing: Standing) -> set[object]:
    """Name what a standing keeps from a person."""
    return {*standing.opt_outs, *(["blacklisted"] if standing.blacklisted else [])}


# ── folding ──


@given(st.data(), histories)
def test_order_and_repetition_do_not_matter(data: st.DataObject, history: list[Statement]) -> None:
    """Any permutation of a history with any of it repeated ends in the same registers and the same standing."""
    repeated = [*history, *data.draw(st.lists(st.sampled_from(history), max_size=6))] if history else []
    shuffled = after(data.draw(st.permutations(repeated)))
    assert dict(shuffled) == dict(after(history))
    assert state.standing(shuffled) == state.standing(after(history))


@given(histories, statements)
def test_a_statement_twice_is_once(history: list[Statement], statement: Statement) -> None:
    """A repeat changes nothing, and says so by giving the very same registers."""
    once = said(after(history), statement)
    assert said(once, statement) is once


@given(histories, st.integers(0, 9), words, channels)
def test_a_statement_without_a_time_wins(history: list[Statement], arrived: int, word: Word, channel: Channel) -> None:
    """Whatever was answered before and whatever the clock says, a statement without a time of its own holds."""
    before = after(history)
    kind = KIND[word]
    newest = state.newest(before, kind, state.place(kind, channel))
    at = times.effective(None, Microseconds(arrived), newest, suppresses=SUPPRESSES[word])
    standing = state.standing(said(before, (word, channel, Origin.API, "", at)))
    holds = standing.blacklisted is not None if kind is Kind.BLACKLIST else channel in standing.opt_outs
    assert holds is SUPPRESSES[word]


def test_a_statement_without_a_time_passes_those_it_stands_beside() -> None:
    """It must be newer than what was said of its own kind and channel, and need not be than what was of others."""
    registers = after(
        [
            (Word.OPT_OUT, Channel.MAIL, Origin.PAGE, "", 3),
            (Word.OPT_IN, Channel.MAIL, Origin.API, "", 4),
            (Word.OPT_OUT, Channel.SMS, Origin.PAGE, "", 7),
            (Word.BLACKLISTED, Channel.ALL, Origin.API, "", 8),
            (Word.OPT_OUT, Channel.ALL, Origin.API, "", 9),
        ]
    )
    asked = [(Kind.OPT_OUT, Channel.MAIL), (Kind.OPT_OUT, Channel.SMS), (Kind.BLACKLIST, Channel.ALL)]
    assert [state.newest(registers, *each) for each in asked] == [4, 7, 8]


@given(histories, statements)
def test_a_statement_touches_its_own_kind_and_channel(history: list[Statement], statement: Statement) -> None:
    """Nothing but the kind and channel that a statement is about changes by it."""
    word, channel, *_ = statement
    touched = {"blacklisted"} if KIND[word] is Kind.BLACKLIST else {channel}
    before, now = (kept_from(state.standing(r)) for r in (after(history), said(after(history), statement)))
    assert before ^ now <= touched
    assert (before <= now) if SUPPRESSES[word] else (now <= before)


# ── an address of which something was said ──


@given(histories, histories)
def test_taking_over_releases_nobody(mine: list[Statement], said_before: list[Statement]) -> None:
    """Whatever was said of an address, who gets it is still kept from what they were kept from."""
    before, now = after(mine), state.take_over(after(mine), after(said_before), {})
    assert kept_from(state.standing(before)) <= kept_from(state.standing(now))


@given(histories, histories, histories)
def test_what_suppresses_is_taken_over(
    mine: list[Statement], said_before: list[Statement], since: list[Statement]
) -> None:
    """Of an address under an opt-out, who gets it is opted out, unless they heard that very statement before."""
    before = after(said_before)
    heard = {register: maxima.suppressed_at for register, maxima in before.items()}
    there = after([*said_before, *since])
    now = state.take_over(after(mine), there, heard)
    unheard = {register for register, stamp in state.suppressing(there) if stamp.at > heard.get(register, 0)}
    assert unheard <= {register for register, _ in state.suppressing(now)}
    assert state.take_over(after(mine), before, heard) == after(mine)


@given(histories, histories)
def test_taking_over_twice_is_once(mine: list[Statement], said_before: list[Statement]) -> None:
    """To and fro between addresses adds nothing."""
    once = state.take_over(after(mine), after(said_before), {})
    assert kept_from(state.standing(state.take_over(once, after(said_before), {}))) == kept_from(state.standing(once))


def test_who_undid_a_statement_does_not_hear_it_again() -> None:
    """Coming back to an address after undoing what was said of it leaves it undone; what is said since counts."""
    there = after([(Word.OPT_OUT, Channel.ALL, Origin.PAGE, "", 1)])
    mine = said(there, (Word.OPT_IN, Channel.ALL, Origin.API, "", 2))
    heard = {register: maxima.suppressed_at for register, maxima in there.items()}
    assert state.take_over(mine, there, heard) is mine
    anew = said(there, (Word.OPT_OUT, Channel.ALL, Origin.PAGE, "", 3))
    assert kept_from(state.standing(state.take_over(mine, anew, heard))) == {Channel.ALL}


def test_another_statement_of_the_same_moment_is_heard() -> None:
    """Who undid what was said of one address hears what was said of another, though it is the same at the same time."""
    there = after([(Word.OPT_OUT, Channel.ALL, Origin.PAGE, "", 1)])
    mine = said(there, (Word.OPT_IN, Channel.ALL, Origin.API, "", 2))
    assert kept_from(state.standing(state.take_over(mine, there, {}))) == {Channel.ALL}


# ── who may undo what ──

RELEASES = {
    Origin.API: ({"blacklist", "opt_out"}, {"blacklist", "opt_out"}),
    Origin.CLI: ({"blacklist", "opt_out"}, {"blacklist", "opt_out"}),
    Origin.EVENT: ({"blacklist", "opt_out"}, {"blacklist", "opt_out"}),
    Origin.IMPORT: ({"blacklist", "opt_out"}, {"blacklist", "opt_out"}),
    Origin.PAGE: ({"opt_out"}, {"opt_out"}),
    Origin.KEYWORD: ({"opt_out"}, set()),
    "provider:sendgrid": ({"opt_out"}, set()),
    Origin.ONE_CLICK: (set(), set()),
    Origin.COMPLAINT: (set(), set()),
    Origin.BOUNCE: (set(), set()),
    Origin.MERGE: (set(), set()),
    Origin.TRACK: (set(), set()),
}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("origin", [pytest.param(origin, id=origin) for origin in RELEASES])
def test_a_release_undoes_what_its_origin_may(origin: str, kind: Kind) -> None:
    """A release undoes its own origin's no, or everybody's, or nothing, as the one table says."""
    no, yes = (Word.BLACKLISTED, Word.WHITELISTED) if kind is Kind.BLACKLIST else (Word.OPT_OUT, Word.OPT_IN)
    own, all_ = RELEASES[origin]
    mine = after([(no, Channel.ALL, origin, "", 1), (yes, Channel.ALL, origin, "", 2)])
    others = after([(no, Channel.ALL, "provider:other", "", 1), (yes, Channel.ALL, origin, "", 2)])
    assert state.standing(mine).suppressing is (kind not in own)
    assert state.standing(others).suppressing is (kind not in all_)


def test_the_table_of_releases_is_whole() -> None:
    """Every origin stands in this test's table, and every row of the code's table is of a known origin."""
    assert {*Origin} == {origin for origin in RELEASES if isinstance(origin, Origin)}
    assert {origin for _, origin in UNDOES} <= {*Origin, "provider:"}


def test_a_keyword_is_undone_by_its_own_number_alone() -> None:
    """START to one sending number leaves the STOP to another."""
    stop = [(Word.OPT_OUT, Channel.SMS, Origin.KEYWORD, number, 1) for number in ("+491", "+492")]
    start = (Word.OPT_IN, Channel.SMS, Origin.KEYWORD, "+491", 2)
    assert state.standing(after([*stop, start])).suppressing
    assert not state.standing(after([*stop, start, (*start[:3], "+492", 2)])).suppressing


def test_a_release_reaches_registers_that_nobody_has_seen() -> None:
    """An older no that arrives after a release of all origins stays undone, whoever said it."""
    released = after([(Word.WHITELISTED, Channel.ALL, Origin.API, "", 5)])
    late = said(released, (Word.BLACKLISTED, Channel.ALL, Origin.COMPLAINT, "", 4))
    same = said(released, (Word.BLACKLISTED, Channel.ALL, Origin.COMPLAINT, "", 5))
    assert state.standing(late).blacklisted is None
    assert state.standing(same).blacklisted is not None


def test_a_standing_tells_the_newest_no_and_who_said_it() -> None:
    """Of several noes the newest is told, with its origin; the channels stand apart."""
    noes = [
        (Word.BLACKLISTED, Channel.ALL, Origin.API, "", 3),
        (Word.BLACKLISTED, Channel.MAIL, Origin.COMPLAINT, "", 7),
        (Word.OPT_OUT, Channel.MAIL, Origin.PAGE, "", 4),
        (Word.OPT_OUT, Channel.MAIL, Origin.KEYWORD, "", 2),
        (Word.OPT_OUT, Channel.ALL, Origin.EVENT, "", 1),
    ]
    standing = state.standing(after(noes))
    assert standing.blacklisted is not None
    assert (standing.blacklisted.at, standing.blacklisted.origin) == (7, "complaint")
    assert {channel: (stamp.at, stamp.origin) for channel, stamp in standing.opt_outs.items()} == {
        Channel.MAIL: (4, "page"),
        Channel.ALL: (1, "event"),
    }


# ── merging ──


def noes(registers: Registers) -> dict[Register, Microseconds]:
    """Give the registers that suppress, with since when."""
    return {register: stamp.at for register, stamp in state.suppressing(registers)}


@given(histories, histories)
def test_a_merge_keeps_exactly_what_either_keeps(mine: list[Statement], theirs: list[Statement]) -> None:
    """The person that two become is kept from whatever either was kept from, since the newer no, and nothing more."""
    one, other = after(mine), after(theirs)
    both = noes(one) | {register: max(at, noes(one).get(register, at)) for register, at in noes(other).items()}
    assert noes(state.merge(one, other)) == both


@given(histories, histories)
def test_a_merge_has_no_direction(mine: list[Statement], theirs: list[Statement]) -> None:
    """It makes no difference who is merged into whom."""
    assert state.merge(after(mine), after(theirs)) == state.merge(after(theirs), after(mine))


@given(histories, histories, st.lists(statements, max_size=4))
def test_what_was_merged_is_undone_by_nothing_older(
    mine: list[Statement], theirs: list[Statement], later: list[Statement]
) -> None:
    """A release that arrives after the merge undoes no no that is as new as itself, whosever it was."""
    merged = state.merge(after(mine), after(theirs))
    afterwards = reduce(said, later, merged)
    releases = [at for word, _, _, _, at in later if not SUPPRESSES[word]]
    for register, since in noes(merged).items():
        if since >= max(releases, default=0):
            assert register in noes(afterwards)


@given(histories, histories)
def test_a_newer_release_undoes_what_was_merged(mine: list[Statement], theirs: list[Statement]) -> None:
    """A merged no is undone by a release that is newer than all, so a merge locks nobody out."""
    merged = state.merge(after(mine), after(theirs))
    for word, channel in [(Word.WHITELISTED, Channel.ALL), *((Word.OPT_IN, c) for c in Channel)]:
        merged = said(merged, (word, channel, Origin.API, "", 100))
    assert not state.standing(merged).suppressing


def test_a_merge_leaves_a_yes_that_undid_its_own_no() -> None:
    """A keyword that somebody took back stays taken back, whatever another number was told."""
    one = after(
        [(Word.OPT_OUT, Channel.SMS, Origin.KEYWORD, "1", 5), (Word.OPT_IN, Channel.SMS, Origin.KEYWORD, "1", 6)]
    )
    other = after([(Word.OPT_OUT, Channel.SMS, Origin.KEYWORD, "2", 3)])
    assert [register.number for register in noes(state.merge(one, other))] == ["2"]


def test_a_merge_remembers_who_came_back() -> None:
    """Of noes that both took back the newest is kept with the newest yes, and a stranger changes nothing of them."""
    out, back = Word.OPT_OUT, Word.OPT_IN
    one = after([(out, Channel.ALL, Origin.PAGE, "", 2), (back, Channel.ALL, Origin.PAGE, "", 3)])
    other = after([(out, Channel.ALL, Origin.PAGE, "", 5), (back, Channel.ALL, Origin.PAGE, "", 6)])
    page = Register(Kind.OPT_OUT, Channel.ALL, Origin.PAGE)
    assert state.effective(state.merge(one, other), page) == Maxima(Microseconds(5), Microseconds(6))
    assert state.opt_out_trait(state.merge(one, EMPTY)) is False


def test_a_merge_takes_no_release_of_the_other_person() -> None:
    """A release said about one of two does not undo the other's older no, wherever it was said."""
    one = after([(Word.BLACKLISTED, Channel.ALL, Origin.EVENT, "", 3)])
    other = after([(Word.WHITELISTED, Channel.ALL, Origin.API, "", 9)])
    merged = state.merge(one, other)
    assert merged[Register(Kind.BLACKLIST, Channel.ALL, Origin.EVENT)] == Maxima(Microseconds(3), Microseconds(3))
    assert merged[Register(Kind.BLACKLIST, Channel.ALL, ANY)].released_at == 3
    assert state.standing(merged).blacklisted is not None


# ── what a profile shows ──


@given(histories)
def test_the_trait_says_what_the_standing_says(history: list[Statement]) -> None:
    """The trait is true exactly while opted out of ALL, false for who came back, and none where nobody ever left."""
    registers = after(history)
    left = any((word, channel) == (Word.OPT_OUT, Channel.ALL) for word, channel, *_ in history)
    holds = Channel.ALL in state.standing(registers).opt_outs
    assert state.opt_out_trait(registers) is (holds if left else None)
