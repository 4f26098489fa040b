"""Who somebody is and how they stand, as the API asks it."""

from __future__ import annotations

import pytest

from policy import UnknownUser
from policy.events import Departure, Subject
from policy.model import Channel
from policy.store import lookups
from tests.policy.conftest import NOON, SECOND, Memory, profile, told, who

ANN = "ann@x.de"


@pytest.fixture
def filled(memory: Memory) -> Memory:
    """Give a store with a user, a lead, a phone lead and a kept address."""
    memory.learn(
        [profile("1", email=ANN, unit="DE"), told("Blacklisted", "1"), told("Opt Out", "1", channel=Channel.SMS)]
    )
    memory.learn([told("Opt Out", email=ANN), told("Opt Out", phone="+4915112345678")])
    memory.learn([profile("2", email=ANN, unit="FR"), told("Blacklisted", "2"), Departure("2", keep_suppressed=True)])
    return memory


def test_a_user_is_found_by_id(filled: Memory) -> None:
    """A full user is read by the id; of anybody else it is said that there is none."""
    assert lookups.user("1")(filled.connection).email == ANN
    for nobody in ("2", "", ANN):
        with pytest.raises(UnknownUser):
            lookups.user(nobody)(filled.connection)


def test_a_users_standing_is_their_own(filled: Memory) -> None:
    """A user's standing follows from their own registers, not from those of others with the address."""
    standing = lookups.standing("1")(filled.connection)
    assert standing.blacklisted is not None
    assert set(standing.opt_outs) == {Channel.SMS}
    with pytest.raises(UnknownUser):
        lookups.standing("2")(filled.connection)


def test_each_is_meant_by_what_names_them(filled: Memory) -> None:
    """People are found by id, by internal id, or by e-mail and unit, in the order asked; unknown ones are None."""
    lead = lookups.each([who(email=ANN)])(filled.connection)[0]
    assert lead is not None
    asked = [
        who("1"),
        Subject(xng_id=lead.xng_id),
        who(email="ANN@X.de"),
        who(email=ANN, unit="DE"),
        who(email=ANN, unit="FR"),
        who(phone="+4915112345678"),
        who("2"),
        Subject(),
    ]
    found = [person and (person.id, person.business_unit) for person in lookups.each(asked)(filled.connection)]
    assert found == [("1", "DE"), (None, ""), (None, ""), ("1", "DE"), None, None, None, None]


def test_everybody_with_a_key_is_found_once(filled: Memory) -> None:
    """Who has any of some keys is found once, kept addresses included, each with their own standing."""
    found = lookups.having(filled.digests, [ANN, "+4915112345678", ANN], NOON)(filled.connection)
    told_of = [
        (each.person.id, each.person.business_unit, each.person.kept, each.standing.blacklisted is not None)
        for each in found
    ]
    assert told_of == [
        ("1", "DE", False, True),
        (None, "", False, False),
        (None, "FR", True, True),
        (None, "", False, False),
    ]
    assert lookups.having(filled.digests, ["nobody@x.de"], NOON)(filled.connection) == []


def test_a_standing_is_as_new_as_what_was_told(filled: Memory) -> None:
    """After a release the standing is empty at once."""
    filled.learn([told("Whitelisted", "1"), told("Opt In", "1", channel=Channel.SMS)], SECOND + 10**18)
    assert not lookups.standing("1")(filled.connection).suppressing
