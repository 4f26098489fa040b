"""Who is who in the store: found by what they are known by, and kept where they are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from policy import AddressTaken
from policy.events import Departure, Profile, Subject, Told
from policy.model import Channel
from policy.store import people
from policy.store.people import Person
from tests.policy.conftest import NOON, PASSES, SECOND, Memory, profile, told, who

ANN, BOB = "ann@x.de", "bob@x.de"
MOBILE = "+4915112345678"
SHARP, PUNYCODE, DOUBLE_S = "m@straße.de", "m@xn--strae-oqa.de", "m@strasse.de"


def having(memory: Memory, key: str) -> list[Person]:
    """List who has a key."""
    return people.having(memory.connection, memory.digests.digest(key))


def user(memory: Memory, external_id: str) -> Person:
    """Give a user."""
    found = people.by_id(memory.connection, external_id)
    assert found is not None
    return found


def kept_rows(memory: Memory) -> int:
    """Count the kept rows."""
    count: int = memory.connection.execute("SELECT count(*) FROM person WHERE kept = 1").fetchone()[0]
    return count


@pytest.mark.parametrize(
    ("subject", "made"),
    [
        pytest.param(who("1"), ("1", None, "", 0), id="an id alone"),
        pytest.param(who(email="Ann@X.de", unit="DE"), (None, "Ann@X.de", "DE", 1), id="an e-mail and unit"),
        pytest.param(who(email=SHARP), (None, SHARP, "", 2), id="an e-mail with two readings"),
        pytest.param(who(phone=MOBILE, unit="DE"), (None, None, "", 1), id="a phone, which knows no unit"),
        pytest.param(who("1", email=ANN, phone=MOBILE), ("1", None, "", 0), id="an id beside addresses"),
    ],
)
def test_whoever_is_told_of_is_made_once(
    memory: Memory, subject: Subject, made: tuple[str | None, str | None, str, int]
) -> None:
    """Somebody unknown is made from what names them, and found by the same the next time."""
    person = people.find_or_add(memory.connection, memory.digests, subject, NOON)
    addresses = people.addresses(memory.connection, person.pk)
    assert (person.id, person.email, person.business_unit, len(addresses)) == made
    assert people.find_or_add(memory.connection, memory.digests, subject, NOON) == person


def test_everybody_has_an_internal_id_of_their_own(memory: Memory) -> None:
    """Internal ids differ, find their person, and come out the same in a store of the same birth."""
    subjects = [who("1"), who("2"), who(email=ANN), who(phone=MOBILE)]
    ids = [people.find_or_add(memory.connection, memory.digests, subject, NOON).xng_id for subject in subjects]
    again = Memory()
    assert len(set(ids)) == len(ids)
    assert [people.find_or_add(again.connection, again.digests, each, NOON).xng_id for each in subjects] == ids
    assert [people.by_xng_id(memory.connection, xng_id or "") is not None for xng_id in ids] == [True] * 4
    again.close()


@pytest.mark.parametrize("everybody", [pytest.param(False, id="in a unit"), pytest.param(True, id="everybody")])
def test_another_spelling_brings_its_readings_along(memory: Memory, *, everybody: bool) -> None:
    """Who is told of by a spelling with more readings has them all from then on, and they are looked up."""
    memory.learn([profile("1", email=PUNYCODE)])
    assert not having(memory, DOUBLE_S)
    memory.learn([told("Opt Out", email=SHARP, everybody=everybody)])
    assert [person.id for person in having(memory, DOUBLE_S)] == ["1"]
    assert memory.judge(DOUBLE_S) == "opted_out"


def test_what_is_taken_over_with_a_reading_holds_for_the_others(memory: Memory) -> None:
    """Who gets a reading of which everybody was said to be out is out by the readings they had before as well."""
    memory.learn([profile("1", email=PUNYCODE), told("Opt Out", email=DOUBLE_S, unit="UK", everybody=True)])
    assert memory.judge(PUNYCODE) == PASSES
    memory.learn([told("Completed Order", email=SHARP)])
    assert memory.judge(PUNYCODE) == "opted_out"


def test_a_number_is_nobodys_alone(memory: Memory) -> None:
    """A number told by itself is a lead of its own beside the users who have it, and stays one."""
    memory.learn([profile("1", mobile=MOBILE), told("Blacklisted", phone=MOBILE), profile("2", mobile=MOBILE)])
    assert [(person.id, person.email) for person in having(memory, MOBILE)] == [("1", None), (None, None), ("2", None)]
    memory.learn([told("Blacklisted", phone=MOBILE)])
    assert len(having(memory, MOBILE)) == 3


@pytest.mark.parametrize(
    ("known", "unit"),
    [
        pytest.param(profile("1", mobile=MOBILE), "", id="a user"),
        pytest.param(profile(None, email=ANN, mobile=MOBILE), "", id="a lead with an e-mail"),
        pytest.param(profile(None, email=ANN, unit="DE", mobile=MOBILE), "DE", id="a lead of a unit"),
    ],
)
def test_a_yes_of_a_number_is_no_yes_of_who_has_it_beside_a_name(memory: Memory, known: Profile, unit: str) -> None:
    """What is told of a number is told of a lead by that number; somebody else who has it stays as they stand."""
    named = told("Blacklisted", known.id, email=known.email, unit=unit)
    memory.learn([known, named, told("Whitelisted", phone=MOBILE)])
    assert memory.judge(MOBILE) == "blacklisted"


def test_a_number_that_is_merely_kept_is_nobodys(memory: Memory) -> None:
    """What is told of a number that is kept of somebody who is gone makes a lead beside what is kept."""
    memory.learn([profile("1", mobile=MOBILE), told("Blacklisted", "1"), Departure("1", keep_suppressed=True)])
    memory.learn([told("Opt Out", phone=MOBILE)])
    assert [person.kept for person in having(memory, MOBILE)] == [True, False]


# ── profiles ──


def test_what_a_profile_does_not_name_stays(memory: Memory) -> None:
    """E-mail, unit and phones stay unless told; an empty e-mail and a null phone take them away."""
    memory.learn([profile("1", email=ANN, unit="DE", mobile=MOBILE)])
    memory.learn([profile("1")])
    found = user(memory, "1")
    assert (found.email, found.business_unit, list(found.phones)) == (ANN, "DE", ["mobile"])
    memory.learn([profile("1", email="", mobile=None)])
    found = user(memory, "1")
    assert (found.email, found.email_key, found.phones) == (None, None, {})
    assert people.addresses(memory.connection, found.pk) == set()


def test_an_address_has_one_user_per_unit(memory: Memory) -> None:
    """A profile that takes another user's e-mail and unit is refused; with another unit it is not."""
    memory.learn([profile("1", email=ANN)])
    with pytest.raises(AddressTaken):
        memory.learn([profile("2", email="ANN@x.de")])
    memory.learn([profile("2", email=ANN, unit="DE")])
    with pytest.raises(AddressTaken):
        memory.learn([profile("2", unit="")])
    assert user(memory, "2").business_unit == "DE"


def test_a_lead_becomes_the_user(memory: Memory) -> None:
    """A profile with a lead's e-mail and unit takes the lead over, with its number; nobody else has the address."""
    memory.learn([profile(None, email=ANN, unit="DE", mobile=MOBILE), told("Opt Out", email=ANN, unit="DE")])
    memory.learn([profile("1", email=ANN, unit="DE")])
    assert [person.id for person in having(memory, ANN)] == ["1"]
    assert [person.id for person in having(memory, MOBILE)] == ["1"]
    assert memory.judge(MOBILE) == "opted_out"


def test_a_lead_of_another_unit_stays(memory: Memory) -> None:
    """A lead becomes the user of its own unit only."""
    memory.learn([told("Opt Out", email=ANN), profile("1", email=ANN, unit="DE")])
    assert [(person.id, person.business_unit) for person in having(memory, ANN)] == [(None, ""), ("1", "DE")]


# ── what is kept ──


def test_nothing_is_kept_of_who_said_nothing(memory: Memory) -> None:
    """An address that is given up without any standing leaves no trace."""
    memory.learn([profile("1", email=ANN), profile("1", email=BOB)])
    memory.learn([told("Blacklisted", "1"), told("Whitelisted", "1"), profile("1", email=ANN)])
    memory.learn([Departure("1", keep_suppressed=True)])
    assert kept_rows(memory) == 0
    assert not having(memory, ANN)


def test_what_is_kept_has_no_name(memory: Memory) -> None:
    """A kept row has registers, a unit and a digest; neither an id nor an address nor traits."""
    memory.learn([profile("1", email=ANN, unit="DE", mobile=MOBILE), told("Blacklisted", "1")])
    memory.learn([Departure("1", keep_suppressed=True)])
    rows = memory.connection.execute(
        "SELECT external_id, xng_id, email, email_key, business_unit, phones, traits, former FROM person"
    ).fetchall()
    assert rows == [(None, None, None, None, "DE", "{}", "{}", None)] * 2


def test_going_to_and_fro_keeps_one_row_for_each_address(memory: Memory) -> None:
    """A user who changes between two addresses over and over has each kept once."""
    memory.learn([profile("1", email=ANN), told("Blacklisted", "1")])
    for _ in range(5):
        memory.learn([profile("1", email=BOB), profile("1", email=ANN)])
    assert kept_rows(memory) == 2


def test_what_two_left_behind_is_not_weakened(memory: Memory) -> None:
    """Of one address that two gave up for good the newer no is kept, whatever the later of them took back before."""
    out, back = "2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"
    memory.learn([profile("1", email=ANN), told("Opt Out", "1"), Departure("1", keep_suppressed=True)])
    memory.learn([profile("2", email=ANN), told("Opt Out", "2", at=out), told("Opt In", "2", at=back)])
    memory.learn([told("Opt Out", "2", channel=Channel.SMS), Departure("2", keep_suppressed=True)], NOON + SECOND)
    assert kept_rows(memory) == 1
    assert memory.judge(ANN) == "opted_out"


@pytest.mark.parametrize(
    ("event", "ends"),
    [
        pytest.param(told("Opt In", "2"), "opted_out", id="of a user without an e-mail"),
        pytest.param(told("Opt In", phone=MOBILE), "passes", id="of a number alone, which knows no unit"),
        pytest.param(told("Opt In", "3"), "passes", id="of a user of the unit"),
    ],
)
def test_a_yes_in_one_unit_releases_nothing_that_another_kept(memory: Memory, event: Told, ends: str) -> None:
    """What is kept of a number hears a yes of its own unit, and of whoever is known by the number and nothing else."""
    memory.learn([profile("1", unit="FR", mobile=MOBILE), told("Opt Out", "1"), Departure("1", keep_suppressed=True)])
    memory.learn([profile("2", unit="DE", mobile=MOBILE), profile("3", unit="FR", mobile=MOBILE), event])
    assert memory.judge(MOBILE) == ends


def test_a_yes_of_what_is_kept_in_one_unit_is_none_in_another(memory: Memory) -> None:
    """An import that releases a kept address of a unit leaves what another unit kept of it."""
    for unit in ("DE", "FR"):
        memory.learn(
            [profile(unit, email=ANN, unit=unit), told("Opt Out", unit), Departure(unit, keep_suppressed=True)]
        )
    named = Subject(kept=memory.digests.export(memory.digests.digest(ANN)), business_unit="DE")
    memory.learn([replace(told("Opt In"), subject=named)])
    assert memory.judge(ANN) == "opted_out"


def test_a_unit_left_behind_is_kept(memory: Memory) -> None:
    """Who moves to another unit leaves what they said in the old one."""
    memory.learn([profile("1", email=ANN, unit="DE"), told("Opt Out", "1"), profile("1", unit="FR")])
    assert [(person.kept, person.business_unit) for person in having(memory, ANN)] == [(False, "FR"), (True, "DE")]


def words(memory: Memory, steps: Iterable[str]) -> list[str]:
    """Tell words of user 1 and give how a send to the address given up ends after each."""
    ends = []
    for at, word in enumerate(steps, 1):
        memory.learn([told(word, "1", channel=Channel.ALL)], NOON + at * SECOND)
        ends.append(memory.judge(ANN))
    return ends


def test_an_address_given_up_hears_what_is_told_of_its_person(memory: Memory) -> None:
    """While its person is known, a kept address is released and blocked again with the person."""
    memory.learn([profile("1", email=ANN), told("Opt Out", "1"), profile("1", email=BOB)])
    told_now = words(memory, ["Blacklisted", "Whitelisted", "Opt In", "Blacklisted", "Whitelisted"])
    assert told_now == ["blacklisted", "opted_out", "passes", "blacklisted", "passes"]


def test_an_address_given_up_hears_nothing_when_its_person_is_gone(memory: Memory) -> None:
    """After the deletion a user of the same id is somebody else, and what was kept stays as it was."""
    memory.learn([profile("1", email=ANN), told("Opt Out", "1"), profile("1", email=BOB), Departure("1")])
    assert words(memory, ["Blacklisted", "Opt In", "Whitelisted"]) == ["opted_out"] * 3


def test_the_person_removed_leaves_nothing_else(memory: Memory) -> None:
    """With the user go registers and addresses; of the user's own tables nothing is left."""
    memory.learn([profile("1", email=ANN, mobile=MOBILE), told("Blacklisted", "1"), Departure("1")])
    assert all(rows == [] for rows in memory.dump().values())
