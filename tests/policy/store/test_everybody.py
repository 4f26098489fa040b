"""What is said of an address and everybody who has it is remembered for those who get it later, as a digest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policy.events import Departure, Event, Origin, Subject
from policy.identity import address_keys
from policy.model import Channel
from policy.state import ANY, Registers
from policy.store import everybody, people
from policy.store.digests import WrongPepper
from tests.policy.conftest import NOON, PASSES, SECOND, Memory, profile, terms, told

ANN, BOB = "ann@x.de", "bob@x.de"
SHARP, PUNYCODE, DOUBLE_S = "m@straße.de", "m@xn--strae-oqa.de", "m@strasse.de"  # the first has the others' keys
OUT = "opted_out_channel"


def no(email: str = ANN, *, origin: str = Origin.PAGE, at: str | None = None, word: str = "Opt Out") -> Event:
    """Say something of everybody who has an address."""
    return told(word, email=email, channel=Channel.MAIL, origin=origin, at=at, everybody=True)


def remembered(memory: Memory, address: str = ANN) -> Registers:
    """Give what is remembered of an address."""
    return everybody.said_of(memory.connection, {memory.digests.digest(key) for key in address_keys(address)})


def in_uk(memory: Memory, address: str = ANN) -> str:
    """Judge marketing of another unit."""
    return memory.judge(address, terms(unit="UK"))


def test_nothing_but_a_digest_is_remembered(memory: Memory) -> None:
    """The row holds the keyed hash of each reading of the address, and no clear one."""
    memory.learn([no(SHARP)])
    assert [row[0] for row in memory.rows("everybody")] == sorted(map(memory.digests.digest, address_keys(SHARP)))
    assert "stra" not in repr(memory.rows("everybody"))


@pytest.mark.parametrize(
    ("event", "origins"),
    [
        pytest.param(no(), ["page"], id="an opt-out of everybody"),
        pytest.param(no(word="Opt In"), [ANY], id="an opt-in of everybody"),
        pytest.param(no(word="Opt In", origin=Origin.ONE_CLICK), [], id="a yes of who may not say it"),
        pytest.param(no(word="Blacklisted", origin=Origin.BOUNCE), [], id="a blacklisting, which counts in every unit"),
        pytest.param(told("Opt Out", email=ANN), [], id="an opt-out of the person of a unit"),
        pytest.param(told("Opt Out", "1", email=ANN), [], id="an opt-out of a user"),
    ],
)
def test_what_is_remembered(memory: Memory, event: Event, origins: list[str]) -> None:
    """Opt-outs and opt-ins of everybody are remembered by their registers, and nothing else is."""
    memory.learn([event])
    assert [register.origin for register in remembered(memory)] == origins


def test_many_at_once_reach_those_who_come_in_the_same_request(memory: Memory) -> None:
    """A batch in which an address is opted out and then given to users of other units opts them out."""
    memory.learn([profile("1", email=ANN, unit="DE"), no(), profile("2", email=ANN, unit="UK")])
    assert in_uk(memory) == "opted_out_channel"


@pytest.mark.parametrize("first", [PUNYCODE, DOUBLE_S])
def test_a_lead_hears_what_was_said_of_each_reading(memory: Memory, first: str) -> None:
    """Who has an address with two readings takes over what was said of either, in whichever order it was said."""
    second = DOUBLE_S if first == PUNYCODE else PUNYCODE
    memory.learn([no(first), no(second, origin=Origin.ONE_CLICK)])
    memory.learn([told("Opt Out", email=SHARP, unit="UK", channel=Channel.SMS)])
    assert {register.origin for register in remembered(memory, SHARP)} == {"page", "one-click"}
    (lead,) = (
        person
        for person in people.with_email(memory.connection, address_keys(SHARP)[0])
        if person.business_unit == "UK"
    )
    assert {register.origin for register in people.registers(memory.connection, lead.pk)} == {
        "page",
        "one-click",
        "event",
    }


def test_a_repeat_changes_nothing(memory: Memory) -> None:
    """An item with a stated time that is told again is a repeat, and what was released meanwhile stays released."""
    item = no(at="2026-03-01T10:00:00Z")
    memory.learn([profile("1", email=ANN, unit="DE"), item])
    memory.learn([told("Opt In", "1", channel=Channel.MAIL)])
    (again,) = memory.learn([item])
    assert again.repeat
    assert memory.judge(ANN) == PASSES


def test_who_gets_a_clean_address_keeps_what_they_hold(memory: Memory) -> None:
    """Of an address of which nothing was said nothing is taken over, the very registers stay."""
    memory.learn([no()])
    held = remembered(memory)
    assert everybody.taken_over(memory.connection, 1, held, {memory.digests.digest(BOB)}) is held


TIME = "2026-03-01T11:59:58Z"
IN_UK = profile("1", email=ANN, unit="UK")
BACK = told("Opt In", "1", channel=Channel.MAIL)
CAME: list[Any] = [
    pytest.param(
        [IN_UK, profile("2", email=BOB, unit="DE"), no(at=TIME), no(BOB, at=TIME), BACK, profile("1", email=BOB)],
        BOB,
        OUT,
        id="to an address of which the same was said at the same moment as of their own",
    ),
    pytest.param(
        [IN_UK, no(at=TIME), BACK, profile("1", email=BOB), profile("1", email=ANN)],
        ANN,
        PASSES,
        id="back to an address whose no they had undone",
    ),
    pytest.param(
        [IN_UK, no(at=TIME), BACK, profile("1", email=BOB), no(), profile("1", email=ANN)],
        ANN,
        OUT,
        id="back to an address of which something was said meanwhile",
    ),
    pytest.param(
        [
            IN_UK,
            profile("1", email=BOB),
            no(at=TIME),
            told("Opt Out", "1", channel=Channel.MAIL, origin="page", at=TIME),
            BACK,
            profile("1", email=ANN),
        ],
        ANN,
        OUT,
        id="back to an address of which the same was said meanwhile as of them alone, at the same moment",
    ),
    pytest.param(
        [
            profile(None, email=ANN, unit="UK"),
            no(at=TIME),
            told("Opt In", email=ANN, unit="UK", channel=Channel.MAIL),
            IN_UK,
            profile("1", email=BOB),
            profile("1", email=ANN),
        ],
        ANN,
        PASSES,
        id="back to an address whose no they had undone when they were a lead",
    ),
    pytest.param(
        [
            profile("1", email="m@xn--strae-oqa.de", unit="UK"),
            no(SHARP, at=TIME),
            BACK,
            told("Completed Order", "1", email=SHARP, unit="UK"),
        ],
        SHARP,
        PASSES,
        id="by another spelling of their own, of which they had undone what was said of both",
    ),
]


@pytest.mark.parametrize(("events", "address", "ends"), CAME)
def test_who_comes(memory: Memory, events: list[Event], address: str, ends: str) -> None:
    """Whoever comes to an address takes over what was said of it, but for what they heard when they had it."""
    for number, event in enumerate(events):
        memory.learn([event], NOON + number * SECOND)
    assert in_uk(memory, address) == ends
    assert memory.told_again().dump() == memory.dump()


@pytest.mark.parametrize(
    ("departures", "left"),
    [
        pytest.param([Departure("1")], True, id="somebody else has the address"),
        pytest.param([Departure("1"), Departure("2")], False, id="the last one is gone"),
        pytest.param([Departure("1"), Departure("2", keep_suppressed=True)], True, id="the last one's is kept"),
        pytest.param([Departure("2", keep_suppressed=True), Departure("1")], True, id="another's is kept"),
    ],
)
def test_it_is_forgotten_with_the_last_one(memory: Memory, departures: list[Event], left: bool) -> None:  # noqa: FBT001 (a case)
    """What was said goes with the last one who has the address, unless something of it is kept."""
    memory.learn([profile("1", email=ANN, unit="DE"), profile("2", email=ANN, unit="FR"), no()])
    memory.learn(departures)
    assert bool(remembered(memory)) is left


def test_a_row_of_an_export_is_for_those_who_come(memory: Memory) -> None:
    """Under a digest it reaches nobody who has the address, makes nobody, and is told again from the journal."""
    memory.learn([profile("1", email=ANN, unit="DE")])
    exported = memory.digests.export(memory.digests.digest(ANN))
    memory.learn([replace(told("Opt Out", origin=Origin.IMPORT), subject=Subject(kept=exported, everybody=True))])
    assert (memory.judge(ANN), len(memory.rows("person"))) == (PASSES, 1)
    memory.learn([profile("2", email=ANN, unit="UK")], NOON + SECOND)
    assert in_uk(memory) == "opted_out"
    assert memory.told_again().dump() == memory.dump()


def test_a_digest_of_another_pepper_is_refused(memory: Memory) -> None:
    """Nobody could ever be found by it."""
    strange = Subject(kept=f"{'0' * 32}:{'1' * 32}", everybody=True)
    with pytest.raises(WrongPepper):
        memory.learn([replace(told("Opt Out", origin=Origin.IMPORT), subject=strange)])
