"""Segments in the store: SQL finds whom the filter's meaning names, page by page, and a filter keeps its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import segments, state, times
from policy.events import Profile
from policy.model import Channel, Microseconds
from policy.segments import Happened, Segment
from policy.store import exporting, people
from policy.store import segments as store
from policy.store.segments import SegmentTaken, TooManySegments, UnknownSegment
from tests.policy.conftest import NOON, SECOND, Memory, profile, told
from tests.policy.store.conftest import STATED, Life, lives, subjects

NOW = Microseconds(NOON + 3600 * SECOND)
SPRING = segments.read({"events": {"name": "Opt Out", "properties": {"campaign": "spring"}}})

# Names and values that SQL, JSON or a path in JSON would take for something else.
ODD = ["campaign", "a.b", 'a"b', "a'b", "$", "", "[0]", "a\\b", "ü€😀", "%", "' OR 1=1 --", "\n", "channel.type"]
UNHELD = ["a\x00b", "\x00", "\\u0000", "\uffff", "\\uffff", "a\x00"]  # which an event may hold and no filter can
held = st.one_of(
    st.sampled_from([*ODD, *UNHELD, "a", "spring"]),
    st.sampled_from([0, 1, -1, 2**53, 2**63, 2**64 - 1, 1.0, 0.1, -0.0, 1e300, True, False, None]),
    st.just({"a": "a"}),
    st.just(["a"]),
)
bags = st.dictionaries(st.sampled_from([*ODD, *UNHELD, "a"]), held, max_size=3)
wanted = st.one_of(st.sampled_from([*ODD, "a", "spring", 0, 1, -1, 2**53]), st.booleans())
happenings = st.builds(
    lambda subject, name, channel, origin, at, properties: replace(
        told(name, channel=channel, origin=origin, at=at), subject=subject, properties=properties
    ),
    subjects,
    st.sampled_from(["Opt Out", "Completed Order"]),
    st.sampled_from([Channel.ALL, Channel.MAIL]),
    st.sampled_from(["page", "event"]),
    st.sampled_from([None, *STATED[:3]]),
    bags,
)
eventful = st.lists(st.tuples(st.lists(happenings, min_size=1, max_size=4), st.just(SECOND)), max_size=4)
_maybe_times = st.one_of(st.none(), st.sampled_from(STATED))
event_filters = st.builds(
    lambda name, since, until, channel, origin, properties, counts: {
        "name": name,
        "from": since,
        "to": until if since is None or until is None or until > since else None,
        "channel": channel,
        "origin": origin,
        "properties": properties,
        **counts,
    },
    st.sampled_from([None, None, "Opt Out", "Completed Order", "Blacklisted"]),
    _maybe_times,
    _maybe_times,
    st.sampled_from([None, None, "MAIL", "ALL"]),
    st.sampled_from([None, None, "page", "event"]),
    st.dictionaries(st.sampled_from([*ODD, "a"]), wanted, max_size=2),
    st.sampled_from([{}, {}, {"at_least": 2}, {"at_most": 0}, {"at_most": 1}, {"at_least": 1, "at_most": 2}]),
)
filters = st.builds(
    lambda events, blacklisted, opted_out: segments.read(
        {"events": events, "standing": {"blacklisted": blacklisted, "opted_out": opted_out}}
    ),
    st.one_of(st.none(), event_filters, event_filters),
    st.sampled_from([None, None, True, False]),
    st.dictionaries(st.sampled_from(["MAIL", "SMS", "ALL"]), st.booleans(), max_size=2),
)


def meant(memory: Memory, segment: Segment) -> list[int]:
    """Say whom a filter means, by its meaning in plain Python."""
    everybody = memory.connection.execute("SELECT pk FROM person ORDER BY pk").fetchall()
    persons = filter(None, (people.by_pk(memory.connection, pk) for (pk,) in everybody))
    keys = [each.pk for each in persons if not each.kept and (each.id or each.email or each.phones)]
    return [
        pk
        for pk in keys
        if segments.matches(segment, happened(memory, pk), state.standing(people.registers(memory.connection, pk)), NOW)
    ]


def happened(memory: Memory, pk: int) -> list[Happened]:
    """Give what the journal has told of a person."""
    query = "SELECT name, effective_at, channel, origin, body FROM event WHERE person = ? AND kind = 'told'"
    return [
        Happened(name, Microseconds(at), channel, origin, orjson.loads(body)["properties"])
        for name, at, channel, origin, body in memory.connection.execute(query, (pk,))
    ]


def found(memory: Memory, segment: Segment, limit: int = 1000) -> list[int]:
    """List the keys of a segment's people, page by page."""
    keys: list[int] = []
    reached: int | None = 0
    while reached is not None:
        people_of, reached = store.users(segment, NOW, reached, limit)(memory.connection)
        assert len(people_of) <= limit
        keys += [each.person.pk for each in people_of]
    return keys


def written(memory: Memory, segment: Segment) -> list[tuple[str, ...]]:
    """List the rows of a segment's people, slice by slice."""
    cells: list[tuple[str, ...]] = []
    reached: int | None = 0
    while reached is not None:
        made, reached = store.rows(segment, NOW, reached, list)(memory.connection)
        cells += made
    return cells


def played(life: Life, more: Life) -> Memory:
    """Let a store live through two lives, one after the other."""
    memory = Memory()
    for number, (events, _) in enumerate([*life, *more]):
        memory.attempt(events, NOON + number * SECOND)
    return memory


@given(lives, eventful, st.lists(filters, min_size=1, max_size=8), st.integers(1, 3))
def test_sql_finds_whom_a_filter_means(life: Life, more: Life, asked: list[Segment], limit: int) -> None:
    """Whatever a store lived through, the pages and the rows of a segment hold those whom the filter means."""
    memory = played(life, more)
    whole = {row[:4]: row for row in exporting.export(memory.connection, memory.digests) if "kept:" not in row[1]}
    for segment in asked:
        keys = meant(memory, segment)
        assert found(memory, segment, limit) == keys
        rows = written(memory, segment)
        assert len(rows) == len(keys)
        assert all(any(row[:4]) for row in rows)
        assert all(row == whole[row[:4]] or row[:3] == ("", "", "") for row in rows)  # numbers are not unique
    memory.close()


@pytest.mark.parametrize("held", [*ODD, *UNHELD, 1, True], ids=repr)
@pytest.mark.parametrize("asked", [*ODD, 1, True], ids=repr)
def test_a_property_equals_itself_alone(memory: Memory, held: Any, asked: Any) -> None:
    """Whatever SQL or JSON would make of a name or a value, it equals itself and nothing else."""
    name = held if isinstance(held, str) else "n"
    memory.learn([replace(told("Opt Out", "1"), properties={name: held})])
    for key in {name, "campaign"} - set(UNHELD):
        events = segments.Events("Opt Out", properties=((key, asked),))
        same = key == name and type(held) is type(asked) and held == asked
        assert bool(found(memory, Segment(events))) is same


@pytest.mark.parametrize("properties", [{"x": "a\x00b"}, {"x\x00": "a"}, {"x": "\uffff"}, {"x": "\\u0000"}], ids=repr)
def test_a_text_goes_on_behind_a_nul(memory: Memory, properties: dict[str, Any]) -> None:
    """What stands before a NUL is not the whole text, neither of a name nor of a value."""
    memory.learn([replace(told("Opt Out", "1"), properties=properties)])
    for value in ("a", "", "\\"):
        assert found(memory, Segment(segments.Events(properties=(("x", value),)))) == []


@pytest.mark.parametrize("origin", ["event", "provider:sendgrid"])
@pytest.mark.parametrize(("yes", "stopped"), [(SECOND - 1, True), (SECOND, True), (SECOND + 1, False)])
def test_at_the_same_instant_no_wins(memory: Memory, yes: int, stopped: bool, origin: str) -> None:  # noqa: FBT001 (a case)
    """A release undoes what is older, and not what was said at the very same moment."""
    start = times.read("2026-03-01T11:59:58Z").first
    no, released = (times.written(Microseconds(start + at)) for at in (SECOND, yes))
    exact = [text if "." in text else text.replace("Z", ".000000Z") for text in (no, released)]
    memory.learn([told(word, "1", at=at, origin=origin) for word, at in zip(("Opt Out", "Opt In"), exact, strict=True)])
    segment = segments.read({"standing": {"opted_out": {"MAIL": True}}})
    assert bool(found(memory, segment)) is bool(meant(memory, segment)) is stopped


@pytest.mark.parametrize(("frame", "fits"), [({"from": 0}, True), ({"from": 1}, False), ({"to": 0}, False)])
def test_a_time_frame_has_its_start_and_not_its_end(memory: Memory, frame: dict[str, int], fits: bool) -> None:  # noqa: FBT001 (a case)
    """An event at the very start of a time frame is in it, and one at its end is not."""
    memory.learn([told("Opt Out", "1")], NOON)
    events = {key: times.written(Microseconds(NOON + at)) for key, at in frame.items()}
    segment = segments.read({"events": events})
    assert bool(found(memory, segment)) is bool(meant(memory, segment)) is fits


def test_who_has_a_name(memory: Memory) -> None:
    """Users and leads are people; the kept address of somebody who is gone is nobody."""
    memory.learn([profile("1", email="a@x.de")])
    memory.learn([told("Blacklisted", "1")])
    memory.learn([profile("1", email="b@x.de")])
    memory.learn([told("Blacklisted", email="lead@x.de"), told("Blacklisted", phone="+4915112345678")])
    keys = found(memory, segments.read({"standing": {"blacklisted": True}}))
    named = [people.by_pk(memory.connection, pk) for pk in keys]
    assert [(each.id, each.email) for each in named if each] == [("1", "b@x.de"), (None, "lead@x.de"), (None, None)]
    memory.connection.execute("INSERT INTO person (created_at, updated_at) VALUES (0, 0)")
    assert found(memory, segments.read({})) == keys


def many(memory: Memory, count: int) -> None:
    """Make users, every tenth of whom opted out."""
    memory.learn([Profile(str(n)) for n in range(count)])
    memory.learn([told("Opt Out", str(n)) for n in range(0, count, 10)])


def test_slices_meet_without_a_gap(memory: Memory) -> None:
    """However far one read looks, everybody comes once, and the last slice says that it is the last."""
    size = 2 * store.SLICE + 5
    memory.connection.execute("BEGIN")
    memory.connection.executemany(
        "INSERT INTO person (external_id, created_at, updated_at) VALUES (?, 0, 0)", ((str(n),) for n in range(size))
    )
    memory.connection.execute("COMMIT")
    everybody = segments.read({})
    assert found(memory, everybody) == list(range(1, size + 1))
    assert [row[0] for row in written(memory, everybody)] == [str(n) for n in range(size)]
    assert found(memory, segments.read({"standing": {"blacklisted": True}})) == []


def test_nobody_at_all(memory: Memory) -> None:
    """An empty store has no people and no next page, from wherever it is asked."""
    for after in (0, 7, (1 << 63) - 1 - store.SLICE):
        assert store.users(segments.read({}), NOW, after, 10)(memory.connection) == ([], None)


def test_a_page_ends_where_it_is_full(memory: Memory) -> None:
    """A page goes on behind its last line, and is the last where nobody is behind it."""
    many(memory, 40)
    opted_out = segments.read({"standing": {"opted_out": {"ALL": True}}})
    first = store.users(opted_out, NOW, 0, 3)(memory.connection)
    assert ([each.person.id for each in first.found], first.reached) == (["0", "10", "20"], 21)
    second = store.users(opted_out, NOW, 21, 3)(memory.connection)
    assert ([each.person.id for each in second.found], second.reached) == (["30"], None)


def test_indexes_find_events_and_registers(memory: Memory) -> None:
    """Nothing but the persons of a slice is walked over: what belongs to one is found by an index."""
    segment = segments.read(
        {
            "events": {"name": "Opt Out", "properties": {"a": "b"}, "at_least": 2},
            "standing": {"blacklisted": False, "opted_out": {"MAIL": True}},
        }
    )
    query, values = store._query("p.pk", segment, NOW)
    plan = [row[3] for row in memory.connection.execute(f"EXPLAIN QUERY PLAN {query}", (*values, 0, 1))]
    searched = [line for line in plan if line.startswith(("SEARCH", "SCAN"))]
    assert [line for line in searched if line.startswith("SCAN") and "VIRTUAL TABLE" not in line] == [
        line for line in searched if line.startswith("SCAN (subquery")
    ]
    assert any("event_person" in line for line in searched)
    assert any("SEARCH p USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in line for line in searched)


# ── saving ──


def test_a_name_keeps_its_filter(memory: Memory) -> None:
    """The same filter again changes nothing, another one under the name is refused, and one that is gone is unknown."""
    assert store.save("spring", SPRING, NOW)(memory.connection)
    assert not store.save("spring", SPRING, Microseconds(NOW + 1))(memory.connection)
    with pytest.raises(SegmentTaken):
        store.save("spring", Segment(), NOW)(memory.connection)
    assert store.one("spring")(memory.connection) == ("spring", SPRING, NOW)
    store.remove("spring")(memory.connection)
    for job in (store.one("spring"), store.remove("spring")):
        with pytest.raises(UnknownSegment):
            job(memory.connection)


def test_segments_are_listed_by_name(memory: Memory) -> None:
    """A page goes on behind a name."""
    for name in ("b", "a", "c"):
        store.save(name, SPRING, NOW)(memory.connection)
    assert [each.name for each in store.page("", 2)(memory.connection)] == ["a", "b"]
    assert [each.name for each in store.page("b", 2)(memory.connection)] == ["c"]


def test_there_is_a_most(memory: Memory) -> None:
    """A store has so many segments and no more."""
    for number in range(store.MOST):
        store.save(str(number), SPRING, NOW)(memory.connection)
    assert not store.save("0", SPRING, NOW)(memory.connection)
    with pytest.raises(TooManySegments):
        store.save("one-more", SPRING, NOW)(memory.connection)
