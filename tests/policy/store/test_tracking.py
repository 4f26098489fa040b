"""Tracking events: about whom they are, what is kept of them, and that the journal tells the same store again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import NobodyNamed, identity, queries, times
from policy.events import WORDS, Delisting, Departure, Event, Learned, Origin, Subject, Told, Word
from policy.model import Microseconds
from policy.scopes import Units
from policy.store import people, tracking, visitors
from policy.store.querying import Selection, ordered, where
from policy.store.tracking import Track
from tests.policy.conftest import NOON, PASSES, SECOND, STORE_ID, Memory, listed, profile, told
from tests.policy.store.conftest import journal_of
from tests.policy.store.test_devices import owners, visitor
from tests.policy.store.test_erasing import everything

UNITS = Units({"shop": "DE"})
ANN, BOB = "ann@x.de", "bob@x.de"


def track(
    name: str = "home",
    device: str = "one",
    *,
    email: str | None = None,
    unit: str = "",
    at: int = NOON,
    stated: str | None = None,
    value: str = "x",
) -> Track:
    """Make a tracking event as the endpoint does; one whose time is `stated` is known when it is told again."""
    subject = Subject(email=email, business_unit=unit, email_keys=identity.email_keys(email) if email else ())
    properties = {
        "DeviceId": device,
        "EventTime": tracking.moment(Microseconds(at)),
        "Value": value,
        "User": {"Email": email},
    }
    word = Word(name) if name in WORDS else None
    time = times.read(stated) if stated else None
    return Track(Told(subject, name, word, Origin.TRACK, stated=time, properties=properties), device)


def tell(memory: Memory, *tracks: Track, at: int = NOON) -> list[Learned | None]:
    """Learn tracking events, all or none."""
    memory.connection.execute("BEGIN")
    try:
        learned = tracking.learn(memory.digests, tracks, Microseconds(at), UNITS)(memory.connection)
    except BaseException:
        memory.connection.execute("ROLLBACK")
        raise
    memory.connection.execute("COMMIT")
    return learned


def about(memory: Memory) -> list[Any]:
    """Say whom each tracking event is about, by e-mail; nobody is None."""
    query = "SELECT email FROM event LEFT JOIN person ON pk = person WHERE event.origin = 'track' ORDER BY sequence"
    return [row[0] for row in memory.connection.execute(query)]


WHOM = [
    pytest.param([], track(email=ANN), ANN, id="an unknown e-mail"),
    pytest.param([], track(), None, id="an unknown device"),
    pytest.param([], track(device="Ann@X.de"), "Ann@X.de", id="a device that is an address"),
    pytest.param([visitor("one", email=BOB)], track(), BOB, id="a profile's device"),
    pytest.param([visitor("ONE", email=BOB)], track(), BOB, id="a device in another case"),
    pytest.param([visitor("one", email=BOB)], track(email=ANN), ANN, id="the e-mail before the device"),
    pytest.param([visitor("one", email=BOB, unit="DE")], track(), None, id="a device in another scope"),
    pytest.param([visitor("one"), visitor("one", email=BOB)], track(), BOB, id="who has an e-mail before who has none"),
    pytest.param([profile("1", email=ANN, unit="DE")], track(email=ANN, unit="DE"), ANN, id="a user of the unit"),
]


@pytest.mark.parametrize(("before", "event", "whom"), WHOM)
def test_whom_an_event_is_about(memory: Memory, before: list[Event], event: Track, whom: str | None) -> None:
    """By e-mail, by an address for a device, by a profile's device in this scope, or about nobody."""
    memory.learn(before)
    tell(memory, event)
    assert about(memory) == [whom]
    assert memory.told_again().dump() == memory.dump()


def test_the_device_is_whose_event_it_was(memory: Memory) -> None:
    """Once told beside an e-mail, a device is known, and what it does later is that person's."""
    tell(memory, track(), track(unit="DE"), track(email=ANN), track(), track(device="two"))
    assert about(memory) == [ANN, None, ANN, ANN, None]  # the first became hers, but for that of another scope
    assert (owners(memory, "one"), owners(memory, "two")) == ([ANN], [])
    assert memory.told_again().dump() == memory.dump()
    assert journal_of(memory.told_again()) == journal_of(memory)


def test_a_no_of_nobody(memory: Memory) -> None:
    """A no that names nobody is refused with its place, and nothing of the request is taken."""
    with pytest.raises(NobodyNamed) as refused:
        tell(memory, track(email=ANN), track("Blacklisted", "unknown"))
    assert (refused.value.number, about(memory)) == (1, [])


def test_a_no_of_a_listed_device_of_another_scope(memory: Memory) -> None:
    """A no is refused, and not passed over, where only somebody of another scope has the device and is listed."""
    memory.learn([visitor("one", email=ANN, unit="DE"), listed(ANN)])
    assert tell(memory, track()) == [None]
    with pytest.raises(NobodyNamed):
        tell(memory, track("Opt Out"))
    assert [each is not None for each in tell(memory, track("Opt Out", unit="DE"))] == [True]


def test_a_no_of_a_visitor_without_an_address(memory: Memory) -> None:
    """A no of a profile's device holds for the address that the profile gets later."""
    memory.learn([visitor("one")])
    tell(memory, track("Blacklisted"))
    memory.learn([told("Completed Order", "9"), _named(ANN)], NOON + SECOND)
    assert memory.judge(ANN) == "blacklisted"
    assert memory.told_again().dump() == memory.dump()


def _named(email: str) -> Event:
    plain = visitor("one", pk=1)
    return type(plain)(None, email, identity.email_keys(email), traits=plain.traits, xng_id=plain.xng_id)


def test_a_repeat_about_somebody_new(memory: Memory) -> None:
    """An event that is told again of a lead who was deleted gives the new one the device, and so does the journal."""
    event = track(email=BOB, stated="2026-03-01T11:00:00Z", value=ANN)
    memory.learn([profile("1", email=ANN)])
    tell(memory, event)
    memory.learn([Departure(xng_id=people.xng_id(STORE_ID, 2))])
    (learned,) = tell(memory, event)
    assert learned is not None
    assert (learned.repeat, owners(memory, "one")) == (True, [BOB])
    memory.erase(ANN)  # her address goes from both, and with it what they stated
    again = memory.told_again()
    assert everything(again) == everything(memory)
    again.close()


def test_a_journal_that_is_told_again_has_the_same_ids(memory: Memory) -> None:
    """An event has the same id in a store that was told the journal."""
    tell(memory, track(email=ANN), track(device="nobody's"))
    again = memory.told_again()
    asked = _selection("")
    assert tracking.page(asked)(again.connection) == tracking.page(asked)(memory.connection)
    assert journal_of(again) == journal_of(memory)


# ── any order of anything ──

LISTED = [ANN, BOB, "*@y.de"]
EMAILS = [None, ANN, BOB, "Ann@X.DE"]
DEVICES = ["one", "two", ANN, "carl@y.de"]
tracks = st.builds(
    lambda name, device, email, unit, later, stated, value: track(
        name, device, email=email, unit=unit, at=NOON + later * SECOND, stated=stated, value=value
    ),
    st.sampled_from(["home", "basket", *Word]),
    st.sampled_from(DEVICES),
    st.sampled_from(EMAILS),
    st.sampled_from(["", "DE"]),
    st.sampled_from([0, 0, 1, 3600]),
    st.sampled_from([None, "2026-03-01T11:00:00Z"]),
    st.sampled_from(["x", "x", ANN, f"<{BOB}>"]),
)
_lists = st.builds(
    lambda number, scope: listed(LISTED[number], scope, name=f"{number} {scope}"),
    st.integers(0, 2),
    st.sampled_from(["", "shop"]),
)
_people = st.one_of(
    st.builds(profile, st.sampled_from(["1", "2"]), email=st.sampled_from([None, ANN, BOB])),
    st.builds(lambda email, device: visitor(device, email=email), st.sampled_from(EMAILS), st.sampled_from(DEVICES)),
    st.builds(lambda pk, device: visitor(device, pk=pk), st.integers(1, 4), st.sampled_from(DEVICES)),
    st.builds(Departure, st.sampled_from(["1", "2"])),
    st.integers(1, 4).map(lambda pk: Departure(xng_id=people.xng_id(STORE_ID, pk))),
    _lists,
    _lists.map(lambda listing: Delisting(listing.id)),
    st.builds(told, st.sampled_from(list(Word)), email=st.sampled_from([ANN, BOB])),
)
lives = st.lists(st.one_of(st.lists(tracks, min_size=1, max_size=3), _people), max_size=12)


def live(memory: Memory, life: Sequence[Event | list[Track]]) -> None:
    """Let a store live through events and requests of the tracker, as far as they are taken."""
    for number, each in enumerate(life):
        if not isinstance(each, list):
            memory.attempt([each], NOON + number * SECOND)
            continue
        try:
            tell(memory, *each, at=NOON + number * SECOND)
        except NobodyNamed:
            continue


@settings(max_examples=50, deadline=None)
@given(lives)
def test_a_tracked_life_is_told_again(life: list[Any]) -> None:
    """However tracking events, profiles, entries and noes come, the journal tells the same store again."""
    memory = Memory()
    live(memory, life)
    again = memory.told_again()
    assert again.dump() == memory.dump()
    assert [row[:4] for row in journal_of(again)] == [row[:4] for row in journal_of(memory)]
    assert memory.rows("suppressed") == memory.derived_anew()
    for store in (memory, again):
        store.close()


@settings(max_examples=50, deadline=None)
@given(lives, st.sampled_from([ANN, BOB, "carl@y.de", "1"]), lives)
def test_a_tracked_life_is_erased(before: list[Any], whom: str, after: list[Any]) -> None:
    """After an erasure nothing tracked names whom it erased, and the journal tells the same store and journal again."""
    memory = Memory()
    live(memory, before)
    found = memory.erase(whom, NOON + 50 * SECOND)
    cells = "\n".join(str(cell) for rows in everything(memory).values() for row in rows for cell in row).lower()
    if found and not found.remaining:
        assert all(text.lower() not in cells for text in found.texts)
    live(memory, after)
    again = memory.told_again()
    assert everything(again) == everything(memory)
    for store in (memory, again):
        store.close()


@settings(max_examples=50, deadline=None)
@given(lives, st.sampled_from([ANN, BOB]), st.booleans(), st.lists(tracks, max_size=4))
def test_no_tracker_releases(life: list[Any], email: str, with_entry: bool, after: list[Track]) -> None:  # noqa: FBT001 (a case)
    """A no that was tracked holds whatever is tracked later, whether an entry stands or goes."""
    memory = Memory()
    live(memory, life)
    if with_entry:
        memory.attempt([listed(email, name=f"{LISTED.index(email)} ")], NOON + 100 * SECOND)
    tell(memory, track("Blacklisted", "fresh", email=email), at=NOON + 101 * SECOND)
    memory.attempt([Delisting(f"{LISTED.index(email)} ")], NOON + 102 * SECOND)
    said = [one for one in after if one.told.word not in (Word.BLACKLISTED, Word.OPT_OUT)]
    learned = tell(memory, *said, at=NOON + 103 * SECOND)
    assert all(each is None for each, one in zip(learned, said, strict=True) if one.told.word is not None)
    assert memory.judge(email, at=NOON + 104 * SECOND) != PASSES
    memory.close()


# ── asking ──


def _selection(asked: str, order: str = "") -> Selection:
    fields = tracking.fields(UNITS)
    return Selection(where(queries.parse(asked), fields), ordered(queries.parse_order(order), fields, "sequence"), 0, 9)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        pytest.param("DeviceId eq one", "event_track_device", id="a device"),
        pytest.param(f"User.Email eq {ANN}", "event_track_email", id="an e-mail"),
        pytest.param("EventTime gt 2026-03-01T12:00:00 and EventTime lt 2026-03-02", "event_track_time", id="a time"),
    ],
)
def test_what_is_looked_up(memory: Memory, asked: str, index: str) -> None:
    """Devices, e-mails and times are found by an index, and not by a walk over the journal."""
    clause = _selection(asked).where
    query = f"EXPLAIN QUERY PLAN SELECT count(*) FROM {tracking._EVENTS} WHERE {clause.sql}"
    plan = [row[3] for row in memory.connection.execute(query, clause.parameters)]
    assert plan[0].startswith(f"SEARCH event USING INDEX {index} ")


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        pytest.param(f"Info.Email eq {ANN}", "person_email", id="an e-mail"),
        pytest.param("ProfileId eq x", "sqlite_autoindex_person_2", id="an id"),
        pytest.param("DeviceIds eq one", "INTEGER PRIMARY KEY", id="a device"),
    ],
)
def test_how_profiles_are_looked_up(memory: Memory, asked: str, index: str) -> None:
    """Profiles are found by e-mail, id and device without a walk over the people."""
    clause = where(queries.parse(asked), visitors.fields(memory.digests, UNITS))
    query = f"EXPLAIN QUERY PLAN SELECT count(*) FROM {visitors._PERSONS} WHERE {clause.sql}"
    plan = " ".join(row[3] for row in memory.connection.execute(query, clause.parameters))
    assert index in plan
    assert "SCAN" not in plan


def test_what_is_erased_is_not_listed(memory: Memory) -> None:
    """An event of which nothing but its type is left is neither listed nor counted."""
    tell(memory, track(email=ANN), track(device="two"))
    memory.connection.execute("UPDATE event SET body = json_set(body, '$.properties', json('{}')) WHERE sequence = 1")
    for asked in ("", "DeviceId ne x"):
        total, events = tracking.page(_selection(asked))(memory.connection)
        assert (total, [each.told["DeviceId"] for each in events]) == (1, ["two"])
