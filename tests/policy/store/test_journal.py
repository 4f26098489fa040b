"""The journal holds everything that was told, so whole that it can be told again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import identity, times
from policy.events import Delisting, Departure, Event, Listing, Profile, Subject, Word
from policy.model import Channel, Microseconds
from policy.store import journal
from tests.policy.conftest import NOON, Memory, phone_of, profile, told

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.one_of(st.sampled_from([*Word]), st.just("Completed Order"))
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(1 << 53), 1 << 53), texts)
properties = st.dictionaries(texts, st.one_of(scalars, st.lists(scalars, max_size=3)), max_size=3)
stated = st.one_of(
    st.none(), st.sampled_from(["2026-01-01T00:00Z", "0001-01-01T00:00:00Z", "2026-01-01T00:00:00.5+02"])
)


KINDS = {
    Profile: journal.Kind.PROFILE,
    Departure: journal.Kind.DEPARTURE,
    Listing: journal.Kind.LISTING,
    Delisting: journal.Kind.DELISTING,
}


@st.composite
def told_events(draw: st.DrawFn) -> Event:
    """Draw any statement that a door may make."""
    event = told(
        draw(names),
        draw(st.one_of(st.none(), texts)),
        email=draw(st.sampled_from([None, "ann@straße.de"])),
        unit=draw(texts),
        phone=draw(st.sampled_from([None, "+5215512345678"])),
        channel=draw(st.sampled_from(list(Channel))),
        origin=draw(texts),
        at=draw(stated),
        number=draw(texts),
    )
    return type(event)(**{**_fields(event), "properties": draw(properties), "source": draw(texts)})


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__slots__}


profiles = st.builds(
    Profile,
    id=st.one_of(st.none(), texts),
    email=st.sampled_from([None, "", "ann@x.de"]),
    email_keys=st.just(identity.email_keys("ann@x.de")),
    business_unit=st.one_of(st.none(), texts),
    phones=st.dictionaries(texts, st.sampled_from([None, phone_of("+4915112345678")]), max_size=2),
    traits=properties,
    source=texts,
)
listings = st.builds(
    Listing,
    texts,
    texts,
    st.lists(texts, min_size=1, max_size=2).map(tuple),
    texts,
    texts,
    stated.map(lambda text: times.read(text) if text else None),
    texts,
    texts,
)
delistings = st.builds(Delisting, texts, texts, texts)
departures = st.builds(Departure, st.one_of(st.none(), texts), st.one_of(st.none(), texts), st.booleans(), texts)


@given(st.one_of(told_events(), profiles, departures, listings, delistings))
def test_an_event_is_told_again_as_it_was(event: Event) -> None:
    """What is made of an entry is the event that the entry was made of."""
    name, channel, origin = (getattr(event, field, "") for field in ("name", "channel", "origin"))
    kind = KINDS.get(type(event), journal.Kind.TOLD)
    body: Mapping[str, Any] = orjson.loads(orjson.dumps(journal.body_of(event)))
    assert journal.event_of(kind, str(name), str(channel), origin, event.source, body) == event


def entry(number: int) -> journal.Entry:
    """Make an entry."""
    return journal.Entry(
        NOON, Microseconds(number), None, journal.Kind.TOLD, "Order", {}, identity=bytes([number]) * 16
    )


def test_the_sequence_goes_on(memory: Memory) -> None:
    """Entries are numbered from 1 in their order, request after request."""
    assert journal.last_sequence(memory.connection) == 0
    assert journal.append(memory.connection, [entry(1), entry(2)]) == 1
    assert journal.append(memory.connection, [entry(3)]) == 3
    assert journal.last_sequence(memory.connection) == 3


def test_the_sequence_survives_the_pruning_of_entries(memory: Memory) -> None:
    """A number is never given twice, although the entries that had it are gone."""
    journal.append(memory.connection, [entry(1), entry(2)])
    memory.connection.execute("DELETE FROM event")
    assert journal.append(memory.connection, [entry(3)]) == 3


def test_a_statement_is_found_by_its_identity(memory: Memory) -> None:
    """The first telling of a statement is found with its number and time; without an identity none is."""
    journal.append(memory.connection, [entry(7), entry(8)])
    assert journal.first_effect(memory.connection, Memory.digests, bytes([8]) * 16) == (2, 8)
    assert journal.first_effect(memory.connection, Memory.digests, bytes([9]) * 16) is None
    assert journal.first_effect(memory.connection, Memory.digests, None) is None


def test_a_statement_without_a_time_has_no_identity() -> None:
    """Each telling of a statement without a time is a statement of its own."""
    assert journal.identity_of(told("Blacklisted", "1")) is None
    assert journal.identity_of(told("Blacklisted", "1", at="2026-01-01T00:00Z")) is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("2026-01-01T10:00:00Z", "2026-01-01T10:00:00+00:00", True, id="zones of the same name"),
        pytest.param("2026-01-01T10:00:00Z", "2026-01-01t12:00:00+02", True, id="zones"),
        pytest.param("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.0Z", False, id="precisions"),
        pytest.param("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z", False, id="times"),
    ],
)
def test_a_time_is_the_same_however_it_is_written(one: str, other: str, *, same: bool) -> None:
    """Two tellings are one statement if their times mean the same, and two if they do not."""
    made = {journal.identity_of(told("Blacklisted", "1", at=at)) for at in (one, other)}
    assert (len(made) == 1) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(Subject(id="1"), Subject(email="1", email_keys=("1",)), id="id and e-mail"),
        pytest.param(Subject(id="1"), Subject(kept="1"), id="id and kept address"),
        pytest.param(Subject(id="1", business_unit=""), Subject(id="1", business_unit="DE"), id="units"),
        pytest.param(Subject(phone_keys=("+491",)), Subject(email_keys=("+491",)), id="phone and e-mail"),
    ],
)
def test_different_people_make_different_statements(one: Subject, other: Subject) -> None:
    """No field of a subject stands in for another in a statement's identity."""
    event = told("Blacklisted", "x", at="2026-01-01T00:00Z")
    made = [journal.identity_of(type(event)(**{**_fields(event), "subject": subject})) for subject in (one, other)]
    assert made[0] != made[1]


def test_entries_are_read_in_sequence_from_a_place_on(memory: Memory) -> None:
    """Reading gives numbers, arrivals and events; what a profile caused is not told a second time."""
    memory.learn([told("Blacklisted", email="ann@x.de")], NOON)
    memory.learn([profile("1", email="ann@x.de")], NOON + 1)
    memory.learn([Departure("1")], NOON + 2)
    found = list(journal.entries(memory.connection))
    assert [(sequence, arrived) for sequence, arrived, _ in found] == [(1, NOON), (2, NOON + 1), (4, NOON + 2)]
    assert [type(event).__name__ for _, _, event in found] == ["Told", "Profile", "Departure"]
    assert list(journal.entries(memory.connection, after=2)) == found[2:]
