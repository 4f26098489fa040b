"""Who is meant by a name, and where they are named: leads and the deleted included, others who share an address not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policy import UnknownUser
from policy.events import Departure, Event, Unplaced
from policy.store import surveying
from policy.store.surveying import Moved, Survey, Whom, whoever
from tests.policy.conftest import NOON, SECOND, Memory, profile, told

BOB, ANN, PHONE = "bob@x.de", "ann@x.de", "+4915112345678"


def found(memory: Memory, whom: str | Whom) -> Survey:
    """Survey a store."""
    asked = whoever(whom) if isinstance(whom, str) else whom
    return surveying.survey(memory.digests, asked)(memory.connection)


STORY: list[Event] = [
    profile("1", email=BOB, unit="DE", phone=PHONE),  # person 1
    profile("2", email=BOB, unit="US"),  # 2
    told("Opt Out", email=BOB, unit="FR"),  # 3, a lead
    told("Opt Out", phone=PHONE),  # 4, a lead by number
    profile("5", email=ANN, phone=PHONE),  # 5
    profile(None, email="lin@x.de", phone=PHONE),  # 6, a lead who has the number too
]
MEANT = [
    pytest.param(BOB, (1, 2, 3, 4), ("5",), id="an address means everybody who has it"),
    pytest.param("BOB@x.de.", (1, 2, 3, 4), ("5",), id="in any spelling"),
    pytest.param(PHONE, (1, 3, 4, 5, 6), ("2",), id="a number too"),
    pytest.param(Whom(id="1"), (1, 3, 4), ("2", "5"), id="an id means its person and leads"),
    pytest.param(Whom(id="5"), (4, 5), ("1",), id="a lead is known by its own e-mail first"),
    pytest.param("2", (2, 3), ("1",), id="any name may be an id"),
]


@pytest.mark.parametrize(("whom", "people", "others"), MEANT)
def test_who_is_meant(memory: Memory, whom: str | Whom, people: tuple[int, ...], others: tuple[str, ...]) -> None:
    """Persons are found by each kind of name, with the leads who are nobody else."""
    for event in STORY:
        memory.learn([event])
    survey = found(memory, whom)
    assert (survey.erasure.people, survey.others) == (people, others)


def test_an_internal_id(memory: Memory) -> None:
    """A lead is found by its internal id."""
    memory.learn([told("Opt Out", email=BOB)])
    ((xng_id,),) = memory.connection.execute("SELECT xng_id FROM person").fetchall()
    assert found(memory, xng_id).erasure.people == (1,)


@pytest.mark.parametrize("whom", ["nobody", "nobody@x.de", "+4930999999", "", "%", "_"])
def test_nobody(memory: Memory, whom: str) -> None:
    """A name that stands nowhere means nobody, whatever it would mean to SQL."""
    for event in STORY:
        memory.learn([event])
    with pytest.raises(UnknownUser):
        found(memory, whom)


MENTIONS: list[Any] = [
    pytest.param(Unplaced("U", "o", {"rcpt": "Bob@X.de"}, "n"), id="an item that had no place"),
    pytest.param(told("Completed Order", "9", note="for <bob%40x.de>"), id="another's event"),
    pytest.param(told("Blacklisted", "9", email=BOB), id="an address beside another's id"),
    pytest.param(replace(profile("9"), traits={"friend": BOB}), id="another's trait"),
]


@pytest.mark.parametrize("event", MENTIONS)
def test_mentions_are_found(memory: Memory, event: Event) -> None:
    """An address is found wherever it stands, also if nobody has it; a longer one that contains it is another."""
    memory.learn([told("Completed Order", "8", note="for jimbob@x.de"), told("Completed Order", "8", note="bob@x.d")])
    (learned,) = memory.learn([event])
    survey = found(memory, BOB)
    assert survey.erasure.entries == (learned.sequence,)
    assert len(survey.erasure.mentioned_by) == isinstance(event, type(profile("9")))


def test_who_was_deleted_is_found_by_what_is_left(memory: Memory) -> None:
    """A deleted user's entries are found by the id, by the address and by a former address."""
    memory.learn([profile("1", email=BOB), profile("1", email=ANN), Departure("1")])
    for whom in (Whom(id="1"), BOB, ANN):
        survey = found(memory, whom)
        assert survey.erasure.people == (1,)
        assert survey.erasure.entries == (3,)  # the departure itself
        assert {BOB, ANN} <= survey.texts


BETWEEN: list[Any] = [
    pytest.param(lambda memory: memory.learn([told("Opt Out", "1")]), None, id="more of the same person"),
    pytest.param(lambda memory: memory.learn([told("Opt Out", "7", note=BOB)]), None, id="a mention"),
    pytest.param(lambda memory: memory.learn([profile("1", email=ANN)]), None, id="the person has another address"),
    pytest.param(lambda memory: memory.learn([profile("1", phone=PHONE)]), Moved, id="a further address"),
    pytest.param(lambda memory: memory.learn([profile("7", email=BOB, unit="US")]), Moved, id="another person"),
    pytest.param(lambda memory: memory.erase(BOB), UnknownUser, id="an erasure"),
]


@pytest.mark.parametrize(("happens", "raises"), BETWEEN)
def test_what_comes_after_the_walk(
    memory: Memory, happens: Callable[[Memory], object], raises: type[Exception] | None
) -> None:
    """What came between the walk and the transaction is found too, or another walk is asked for."""
    memory.learn([profile("1", email=BOB)])
    before = found(memory, BOB)
    happens(memory)
    if raises is None:
        now = surveying.again(memory.connection, memory.digests, whoever(BOB), before)
        assert now.erasure == found(memory, BOB).erasure
    else:
        with pytest.raises(raises):
            surveying.again(memory.connection, memory.digests, whoever(BOB), before)


def test_addresses_of_others_are_spared(memory: Memory) -> None:
    """An address that was told beside an id, and is somebody else's, is neither searched for nor taken out."""
    memory.learn([profile("2", email=ANN)], NOON)
    memory.learn([profile("1", email=BOB), told("Blacklisted", "1", email=ANN)], NOON + SECOND)
    survey = found(memory, Whom(id="1"))
    assert survey.erasure.spared == (memory.digests.digest(ANN).hex(),)
    assert ANN not in survey.texts


def test_a_domain_in_letters(memory: Memory) -> None:
    """An address at a domain in letters is found where it is mentioned, though it is known as xn--."""
    memory.learn(
        [told("Opt Out", email="m@straße.de"), told("Completed Order", email=ANN, to="M@STRASSE.de m@straße.de")]
    )
    assert found(memory, "m@xn--strae-oqa.de").erasure.entries == (2,)
