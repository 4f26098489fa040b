"""Where a provider's own list and the standing disagree: each way is an event, and open for as long as it is so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.events import (
    PROVIDER_PREFIX,
    Claim,
    Conflict,
    ConflictKind,
    Delisting,
    Departure,
    Event,
    Origin,
    Settlement,
    Subject,
    Told,
    Word,
)
from policy.identity import email_keys, phone_keys
from policy.model import Channel, Microseconds
from policy.store import bulk, conflicts, people
from tests.policy.conftest import NOON, SECOND, Memory, entry_id, listed, profile, told
from tests.policy.store.conftest import journal_of, profiles, statements

ADA, BOB, MOBILE = "ada@example.com", "bob@example.com", "+4915112345678"
PROVIDER = f"{PROVIDER_PREFIX}mailer"
LIST = "mail:"
LATER = Microseconds(NOON + 3600 * SECOND)
NOT_TAKEN_OVER, STILL_OPTED_OUT = ConflictKind.NOT_TAKEN_OVER, ConflictKind.STILL_OPTED_OUT
RELEASED_HERE, DROPPED = ConflictKind.RELEASED_HERE, ConflictKind.DROPPED

_NUMBERS = iter(range(1_000_000))


def item(
    name: str,
    effect: str,
    *,
    origin: str = PROVIDER,
    unit: str = "",
    group: str = "",
    dropped: bool = False,
    phone: str | None = None,
) -> Told:
    """Give an item of a webhook about Ada, or a number: what it says, and what the configuration makes of it."""
    word = {"opt_out": Word.OPT_OUT, "opt_in": Word.OPT_IN, "block": Word.BLACKLISTED}.get(effect)
    channel = Channel.SMS if phone else Channel.MAIL
    ada = Subject(email=ADA, email_keys=email_keys(ADA), business_unit=unit, everybody=not unit)
    return Told(
        Subject(phone=phone, phone_keys=phone_keys(phone), everybody=True) if phone else ada,
        word or name,
        word,
        origin,
        channel if word else Channel.ALL,
        number=f"{LIST}{group}" if origin == PROVIDER else "",
        source="webhook:mail",
        notice=f"item {next(_NUMBERS)}",
        claim=Claim(f"{LIST}{group}", channel, name != "Resubscribe", dropped, effect != "ignore"),
    )


def opened(memory: Memory) -> list[tuple[str, str | None]]:
    """List what is open, with the user whom it is about."""
    found = conflicts.page(Memory.digests, 0, 100, LATER)(memory.connection)
    return [(each.kind, each.person.id) for each in found]


def tell(memory: Memory, *events: Event) -> list[ConflictKind]:
    """Tell events one after the other, and give the conflicts that came about."""
    came_about: list[ConflictKind] = []
    for number, event in enumerate(events):
        learned = memory.learn([event], NOON + number * SECOND)
        came_about += [conflict.kind for each in learned for conflict in each.conflicts]
    return came_about


USER = profile("1", email=ADA)
LEFT, LEFT_UNHEEDED = item("Unsubscribe", "opt_out"), item("Unsubscribe", "record")
BACK = item("Resubscribe", "opt_in")
OPT_IN = told("Opt In", "1", channel=Channel.MAIL, origin=Origin.API)
OPT_OUT = told("Opt Out", "1", channel=Channel.MAIL, origin=Origin.API)
COMPLAINT = item("Complaint", "opt_out", origin=Origin.COMPLAINT)

CASES: list[Any] = [
    pytest.param([USER, LEFT], [], [], id="an unsubscribe that is taken over"),
    pytest.param([USER, LEFT_UNHEEDED], [NOT_TAKEN_OVER], [NOT_TAKEN_OVER], id="one that is only recorded"),
    pytest.param(
        [USER, item("Unsubscribe", "ignore")], [NOT_TAKEN_OVER], [NOT_TAKEN_OVER], id="one that is to be ignored"
    ),
    pytest.param([item("Unsubscribe", "ignore")], [], [], id="one that is to be ignored, of nobody"),
    pytest.param([LEFT_UNHEEDED], [NOT_TAKEN_OVER], [NOT_TAKEN_OVER], id="one of a stranger, who becomes a lead"),
    pytest.param([USER, OPT_OUT, LEFT_UNHEEDED], [], [], id="one of somebody who is opted out anyway"),
    pytest.param([USER, listed(ADA), LEFT_UNHEEDED], [], [], id="one of an address on a blacklist"),
    pytest.param([USER, listed("*@example.com"), LEFT_UNHEEDED], [], [], id="one of an address under a pattern"),
    pytest.param(
        [USER, listed("*@example.com", "shop"), LEFT_UNHEEDED],
        [NOT_TAKEN_OVER],
        [NOT_TAKEN_OVER],
        id="one of an address under a pattern of one scope",
    ),
    pytest.param(
        [USER, listed("*@example.com"), Delisting(entry_id("*@example.com")), LEFT_UNHEEDED],
        [NOT_TAKEN_OVER],
        [NOT_TAKEN_OVER],
        id="one of an address under a pattern that was removed",
    ),
    pytest.param(
        [USER, LEFT_UNHEEDED, listed("*.com")], [NOT_TAKEN_OVER], [], id="recorded, and then a pattern over the address"
    ),
    pytest.param([USER, listed("*.com"), item("Dropped", "record", dropped=True)], [], [], id="dropped, and a pattern"),
    pytest.param([USER, listed("*.com"), item("Unsubscribe", "ignore")], [], [], id="to be ignored, and a pattern"),
    pytest.param(
        [USER, listed("*@example.com"), BACK], [STILL_OPTED_OUT], [STILL_OPTED_OUT], id="back, and under a pattern"
    ),
    pytest.param([USER, told("Blacklisted", "1"), LEFT_UNHEEDED], [], [], id="one of somebody blacklisted"),
    pytest.param([USER, LEFT_UNHEEDED, OPT_OUT], [NOT_TAKEN_OVER], [], id="recorded, and then opted out here"),
    pytest.param(
        [USER, LEFT_UNHEEDED, OPT_OUT, OPT_IN], [NOT_TAKEN_OVER], [NOT_TAKEN_OVER], id="out here, and back again"
    ),
    pytest.param([USER, LEFT_UNHEEDED, BACK], [NOT_TAKEN_OVER], [], id="recorded, and then taken back there"),
    pytest.param(
        [USER, replace(LEFT_UNHEEDED, claim=Claim("mail:news", Channel.MAIL, suppresses=True)), BACK],
        [NOT_TAKEN_OVER],
        [NOT_TAKEN_OVER],
        id="recorded, and another list taken back there",
    ),
    pytest.param([USER, COMPLAINT], [], [], id="a complaint that is taken over"),
    pytest.param([USER, LEFT, BACK], [], [], id="there and back"),
    pytest.param([USER, LEFT, COMPLAINT, BACK], [STILL_OPTED_OUT], [STILL_OPTED_OUT], id="back, with a complaint left"),
    pytest.param(
        [USER, LEFT, item("Resubscribe", "record")], [STILL_OPTED_OUT], [STILL_OPTED_OUT], id="back, only recorded"
    ),
    pytest.param(
        [USER, LEFT, item("Resubscribe", "ignore")], [STILL_OPTED_OUT], [STILL_OPTED_OUT], id="back, to be ignored"
    ),
    pytest.param([USER, LEFT, COMPLAINT, BACK, OPT_IN], [STILL_OPTED_OUT], [], id="back, and then released here"),
    pytest.param(
        [USER, LEFT, COMPLAINT, BACK, item("Unsubscribe", "opt_out")], [STILL_OPTED_OUT], [], id="back, and left again"
    ),
    pytest.param([USER, LEFT, OPT_IN], [RELEASED_HERE], [RELEASED_HERE], id="released here alone"),
    pytest.param([USER, LEFT, BACK, OPT_IN], [], [], id="taken back there, and released here"),
    pytest.param([USER, LEFT, OPT_IN, OPT_OUT], [RELEASED_HERE], [], id="released here, and opted out anew"),
    pytest.param([USER, LEFT, OPT_IN, BACK], [RELEASED_HERE], [], id="released here, and then taken back there"),
    pytest.param([USER, OPT_OUT, OPT_IN], [], [], id="released here from what was said here"),
    pytest.param(
        [USER, item("Unsubscribe", "opt_out", dropped=True)], [DROPPED], [], id="dropped by an unsubscribe nobody knew"
    ),
    pytest.param(
        [USER, item("Dropped", "record", dropped=True)], [DROPPED], [DROPPED], id="dropped for whatever reason"
    ),
    pytest.param([USER, OPT_OUT, item("Dropped", "record", dropped=True)], [], [], id="dropped, and opted out here"),
    pytest.param(
        [USER, LEFT, OPT_IN, item("Unsubscribe", "opt_out", dropped=True)],
        [RELEASED_HERE, DROPPED],
        [RELEASED_HERE, DROPPED],
        id="released here and dropped there, which is no new unsubscribe",
    ),
    pytest.param(
        [USER, LEFT, BACK, item("Unsubscribe", "opt_out", dropped=True)],
        [DROPPED],
        [],
        id="taken back there and dropped there, which is a new one",
    ),
    pytest.param([USER, LEFT_UNHEEDED, profile("1", email=BOB)], [NOT_TAKEN_OVER], [], id="the address is given up"),
    pytest.param([USER, LEFT_UNHEEDED, Departure("1")], [NOT_TAKEN_OVER], [], id="the user is deleted"),
    pytest.param([LEFT_UNHEEDED, USER], [NOT_TAKEN_OVER], [NOT_TAKEN_OVER], id="of a lead, who becomes a user"),
    pytest.param(
        [profile("1", mobile=MOBILE), item("Unsubscribe", "record", phone=MOBILE)],
        [NOT_TAKEN_OVER],
        [NOT_TAKEN_OVER],
        id="of a number",
    ),
]


@pytest.mark.parametrize(("events", "came_about", "open_at_the_end"), CASES)
def test_what_is_a_conflict(
    memory: Memory, events: Sequence[Event], came_about: list[str], open_at_the_end: list[str]
) -> None:
    """Each conflict comes about once, is open while the two disagree, and is told again from the journal."""
    assert tell(memory, *events) == came_about
    assert [kind for kind, _ in opened(memory)] == open_at_the_end
    again = memory.told_again()
    assert again.dump() == memory.dump()
    assert journal_of(again) == journal_of(memory)


def test_a_conflict_is_a_line_of_the_journal_about_the_person(memory: Memory) -> None:
    """It names kind, route, provider and list, and no address."""
    tell(memory, USER, LEFT, OPT_IN)
    pk = people.by_id(memory.connection, "1")
    (line,) = [row for row in journal_of(memory) if row[4] == "conflict"]
    assert pk is not None
    assert (line[3], line[5], line[6], line[7]) == (pk.pk, "Provider Conflict", "MAIL", PROVIDER)
    assert ADA not in line[9]
    assert all(f'"{each}"' in line[9] for each in ("released_here", "mail", "mailer", LIST))


def test_what_is_told_is_masked(memory: Memory) -> None:
    """Who looks on gets route, provider and channel, and of the address what may be logged."""
    tell(memory, USER)
    ((conflict,),) = [learned.conflicts for learned in memory.learn([LEFT_UNHEEDED], NOON + SECOND)]
    assert (conflict.route, conflict.provider, conflict.channel) == ("mail", "mailer", Channel.MAIL)
    assert conflict.address == "a***@example.com"


def test_a_unit_narrows(memory: Memory) -> None:
    """A word of a route with a unit is about the person of that unit, a word of one without about everybody."""
    users = [profile("1", email=ADA, unit="DE"), profile("2", email=ADA, unit="FR")]
    tell(memory, *users, item("Unsubscribe", "record", unit="FR"))
    assert opened(memory) == [(NOT_TAKEN_OVER, "2")]
    tell(memory, item("Unsubscribe", "record"))
    assert sorted(opened(memory)) == [(NOT_TAKEN_OVER, "1"), (NOT_TAKEN_OVER, "2")]


def test_an_ignored_word_that_agrees_leaves_no_trace(memory: Memory) -> None:
    """Where the gate does not send anyway, an ignored unsubscribe is not written at all."""
    tell(memory, USER, OPT_OUT)
    before = memory.dump(), journal_of(memory)
    tell(memory, item("Unsubscribe", "ignore"))
    assert (memory.dump(), journal_of(memory)) == before


def test_an_import_that_releases(memory: Memory) -> None:
    """Rows that undo what a provider goes on suppressing bring conflicts about, for whoever imports them to be told."""
    tell(memory, USER, LEFT)
    came_about: list[Conflict] = []
    released = told("Opt In", "1", channel=Channel.MAIL, origin=Origin.IMPORT)
    assert bulk.learn_rows(memory.digests, [[released]], LATER, came_about)(memory.connection) == [""]
    assert [each.kind for each in came_about] == [RELEASED_HERE]


def test_everybody_who_is_released_is_a_conflict_of_their_own(memory: Memory) -> None:
    """Where the page opts in everybody with an address, each of them was released from what the provider suppresses."""
    users = [profile("1", email=ADA, unit="DE"), profile("2", email=ADA, unit="FR")]
    page = told("Opt In", email=ADA, channel=Channel.MAIL, origin=Origin.PAGE, everybody=True)
    assert tell(memory, *users, LEFT, page) == [RELEASED_HERE, RELEASED_HERE]
    assert sorted(opened(memory)) == [(RELEASED_HERE, "1"), (RELEASED_HERE, "2")]


def test_an_erasure_takes_the_conflicts(memory: Memory) -> None:
    """Of somebody who was erased no conflict is left open, and no line of one says whom it was about."""
    tell(memory, USER, LEFT_UNHEEDED)
    memory.erase(ADA, LATER)
    assert (opened(memory), memory.rows("conflict")) == ([], [])
    assert [row[3] for row in journal_of(memory) if row[4] == "conflict"] == [None]


def test_settled_by_hand(memory: Memory) -> None:
    """Somebody may say that a conflict is settled; there is none of that number then."""
    tell(memory, USER, LEFT_UNHEEDED)
    (found,) = conflicts.page(Memory.digests, 0, 10, NOON)(memory.connection)
    memory.learn([conflicts.settlement(found.id, Origin.API, "crm")(memory.connection)])
    with pytest.raises(conflicts.UnknownConflict):
        conflicts.settlement(found.id, Origin.API, "crm")(memory.connection)
    assert opened(memory) == []
    assert opened(memory.told_again()) == []
    assert journal_of(memory)[-1][3:9] == (1, "settlement", "Provider Conflict Settled", "", "api", "crm")


def test_pages(memory: Memory) -> None:
    """A page has as many as it may, in the order of their numbers, and goes on behind one; what is closed is passed."""
    for number in range(6):
        claim = Claim(f"mail:{number}", Channel.MAIL, suppresses=number != 2)
        tell(memory, USER, replace(item("Unsubscribe", "record"), claim=claim))
    first = conflicts.page(Memory.digests, 0, 3, NOON)(memory.connection)
    rest = conflicts.page(Memory.digests, first[-1].id, 3, NOON)(memory.connection)
    assert [each.list for each in (*first, *rest)] == ["mail:0", "mail:1", "mail:3", "mail:4", "mail:5"]


_items = st.builds(
    item,
    st.sampled_from(["Unsubscribe", "Resubscribe", "Complaint", "Dropped"]),
    st.sampled_from(["opt_out", "opt_in", "block", "record", "ignore"]),
    group=st.sampled_from(["", "news"]),
    unit=st.sampled_from(["", "DE"]),
)


_settlements = st.builds(
    Settlement,
    st.integers(1, 3),
    st.sampled_from([LIST, f"{LIST}news"]),
    st.sampled_from([str(kind) for kind in ConflictKind]),
)
_patterns = st.sampled_from(["*@example.com", "*.com", "*@x.de"])
_lists = st.one_of(_patterns.map(listed), _patterns.map(lambda pattern: Delisting(entry_id(pattern))))
_lives = st.lists(
    st.lists(st.one_of(statements, profiles, _items, _settlements, _lists), min_size=1, max_size=3), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(_lives, st.sampled_from([None, ADA, "1"]), _lives)
def test_told_again_the_conflicts_are_the_same(
    life: list[list[Event]], erased: str | None, after: list[list[Event]]
) -> None:
    """Whatever is told beside and whoever is erased, the journal told again has the same conflicts in their places."""
    memory = Memory()
    for number, events in enumerate([*life, None, *after]):
        if events is not None:
            memory.attempt(events, NOON + number * SECOND)
        elif erased is not None:
            memory.erase(erased, NOON + number * SECOND)
    again = memory.told_again()
    assert again.dump() == memory.dump()
    assert journal_of(again) == journal_of(memory)
    memory.close()
    again.close()
