"""Removing whom blacklist entries stand for: who goes, what goes on, and that it may stop anywhere in between."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import Policy, UnknownEntry
from policy.events import Delisting, Departure, Event, Listing
from policy.model import Microseconds
from policy.scopes import Units
from policy.store import devices, nightly, removing
from policy.store.nightly import Removal
from policy.store.removing import Night, Rules
from policy.visitors import TRAIT
from tests.policy.conftest import NOON, SECOND, Memory, World, entry_id, listed, profile, send_to, terms, told
from tests.policy.store import test_tracking
from tests.policy.store.conftest import ADDRESSES, journal_of, live, lives_with_lists
from tests.policy.store.test_devices import visitor
from tests.policy.store.test_names import NAMING, cells
from tests.policy.store.test_records import OUTCOME, refused, write
from tests.policy.store.test_tracking import tell, track

BOB, ANN, PHONE = "bob@x.de", "ann@x.de", "+4915112345678"
UNITS = Units({"shop": "DE"})


def rules(at: int = NOON) -> Rules:
    """Give the rules at a time."""
    return Rules(Memory.digests, UNITS, Microseconds(at))


def run(memory: Memory, job: Any) -> Any:
    """Run one transaction."""
    memory.connection.execute("BEGIN")
    result = job(memory.connection)
    memory.connection.execute("COMMIT")
    return result


def take_away(memory: Memory, at: int = NOON) -> int:
    """Take away everybody whom an entry stands for."""
    gone = 0
    windows = [removing.under_entries(rules(at), 0), removing.under_patterns(rules(at), lambda *_: True, 0)]
    for window in windows:
        for pks in window(memory.connection).groups:
            found = removing.survey(rules(at), pks)(memory.connection)
            gone += run(memory, removing.take_away(rules(at), found)) if found.erasure.people == pks else 0
    return gone


def finish(memory: Memory) -> None:
    """Veil what is left of them."""
    while run(memory, removing.go_on(memory.digests)):
        pass


def told_to(memory: Memory, *events: Event) -> None:
    """Tell events one after the other."""
    for number, event in enumerate(events):
        memory.learn([event], NOON - 100 * SECOND + number)


# ── who goes ──

PEOPLE: list[Event] = [
    profile("1", email=BOB, unit="DE", phone=PHONE),
    profile("2", email=BOB, unit="US"),
    told("Opt Out", email=BOB, unit="shop"),
    profile("4", email=ANN, phone=PHONE),
    profile("5", email="eve@mail.x.de"),
    profile("6", email="m@straße.de"),
]


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        pytest.param([], {1, 2, 3, 4, 5, 6}, id="nobody is listed"),
        pytest.param([listed(BOB)], {4, 5, 6}, id="an address, in every unit"),
        pytest.param([listed(BOB.upper())], {4, 5, 6}, id="in another spelling"),
        pytest.param([listed(BOB, "shop")], {2, 4, 5, 6}, id="a scope, and the unit that it stands for"),
        pytest.param([listed(BOB, "us")], {1, 3, 4, 5, 6}, id="a scope that is called as the unit"),
        pytest.param([listed(BOB, "blog")], {1, 2, 3, 4, 5, 6}, id="a scope of nobody's"),
        pytest.param([listed(PHONE)], {2, 3, 5, 6}, id="a number, whoever has it"),
        pytest.param([listed("*@x.de")], {5, 6}, id="a domain"),
        pytest.param([listed("*.x.de")], {1, 2, 3, 4, 6}, id="sub-domains"),
        pytest.param([listed("*@x.de", "shop")], {2, 4, 5, 6}, id="a domain in a scope"),
        pytest.param([listed("*@straße.de")], {1, 2, 3, 4, 5}, id="a domain in letters"),
        pytest.param([listed(BOB, until="2026-03-01T11:59:00Z")], {1, 2, 3, 4, 5, 6}, id="expired"),
        pytest.param([listed(BOB), Delisting(entry_id(BOB))], {1, 2, 3, 4, 5, 6}, id="removed again"),
        pytest.param([listed(ADDRESSES[0]), listed("nobody@x.de")], {1, 2, 3, 4, 5, 6}, id="addresses of nobody's"),
    ],
)
def test_who_goes(memory: Memory, entries: list[Event], left: set[int]) -> None:
    """Those go whom an entry stands for, by scope and unit as with sends; leads who have a number in common stay."""
    told_to(memory, *PEOPLE, *entries)
    gone = take_away(memory)
    alive = {pk for (pk,) in memory.connection.execute("SELECT pk FROM person WHERE kept = 0")}
    assert (alive, gone) == (left, 6 - len(left))


VISITORS: list[Event] = [
    visitor("Bob@X.de", unit="DE"),
    visitor("one", "m@straße.de", email="eve@y.de"),
    visitor("one", "bob@y.de", unit="US"),
    replace(visitor("one"), traits={TRAIT: {"Name": "bob@x.de"}}),
]


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        pytest.param(listed(BOB), {2, 3, 4}, id="an address"),
        pytest.param(listed(BOB, "shop"), {2, 3, 4}, id="an address in the unit's scope"),
        pytest.param(listed(BOB, "blog"), {1, 2, 3, 4}, id="an address in another scope"),
        pytest.param(listed("M@Straße.de"), {1, 3, 4}, id="an address in letters"),
        pytest.param(listed("*@x.de"), {2, 3, 4}, id="a domain"),
        pytest.param(listed("*@y.de"), {1, 4}, id="a domain, of the e-mail or of a device"),
        pytest.param(listed("*@y.de", "us"), {1, 2, 4}, id="a domain in a scope"),
        pytest.param(listed(PHONE), {1, 2, 3, 4}, id="a number"),
    ],
)
def test_who_goes_for_a_device(memory: Memory, entry: Listing, left: set[int]) -> None:
    """A profile goes as well of which a device is called by the address, as campaigns call them."""
    told_to(memory, *VISITORS, entry)
    take_away(memory)
    assert {pk for (pk,) in memory.connection.execute("SELECT pk FROM person WHERE kept = 0")} == left


def tracked(memory: Memory) -> list[tuple[str, str | None]]:
    """List the tracking events that are there, with the e-mail of whom they are about."""
    query = (
        "SELECT json_extract(body, '$.properties.Value'), email FROM event LEFT JOIN person ON pk = event.person"
        f" WHERE {devices.TRACKED} AND {devices.OF_DEVICE} IS NOT NULL ORDER BY sequence"
    )
    return memory.connection.execute(query).fetchall()


def test_what_a_listed_device_did_of_others(memory: Memory) -> None:
    """What a device did goes with whoever is removed and had it, of whomever it was told; others keep the device."""
    told_to(memory, visitor("one", email=BOB), visitor("one", "two", email=ANN))
    tell(memory, track(device="one", email=BOB, value="his, there", stated="2026-03-01T11:00:00Z"))
    tell(memory, track(device="ONE", value="of the first who has it"), track(device="three", value="of nobody"))
    tell(memory, track("Opt Out", device="one", email="eve@y.de", value="a no"), track(device="two", value="hers"))
    tell(memory, track(device="one", email="eve@y.de", unit="DE", value="in another scope"))
    told_to(memory, listed(ANN))
    others = [row for row in memory.rows("person") if row[3] != ANN]
    assert take_away(memory) == 1
    finish(memory)
    left = [("in another scope", "eve@y.de"), ("later", "eve@y.de")]
    assert [row for row in tracked(memory) if row[1]] == left[:1]
    assert ([row for row in memory.rows("person") if not row[8]], memory.judge("eve@y.de")) == (others, "opted_out")
    assert tell(memory, track(device="one", email="eve@y.de", value="later"))[0] is not None
    assert [row for row in tracked(memory) if row[1]] == left
    again = memory.told_again()
    assert everything(again) == everything(memory)
    again.close()


def test_who_changed_meanwhile_stays(memory: Memory) -> None:
    """Whoever was told of since the look is left to another look, and so is who is not listed any more."""
    told_to(memory, profile("1", email=BOB), listed(BOB))
    found = removing.survey(rules(), (1,))(memory.connection)
    memory.learn([told("Opt Out", "1")])
    assert run(memory, removing.take_away(rules(), found)) == 0
    found = removing.survey(rules(), (1,))(memory.connection)
    memory.learn([Delisting(entry_id(BOB))])
    assert run(memory, removing.take_away(rules(), found)) == 0
    memory.learn([listed(BOB, name="again")])
    assert run(memory, removing.take_away(rules(), found)) == 1


# ── what goes and what stays ──


def test_what_is_left(memory: Memory) -> None:
    """No column names who was removed, but for the entry, and the standing goes on when the entry is gone."""
    others: list[Event] = [
        told("Completed Order", "customer-1", note=str(number)) for number in range(3 * removing.CHUNK)
    ]
    told_to(memory, profile("customer-1", email=BOB, phone=PHONE), told("Blacklisted", "customer-1", note=BOB), *others)
    for _ in range(removing.CHUNK + 1):
        write(memory, replace(OUTCOME, refused=(refused(BOB),)))
    told_to(memory, listed(BOB, name="entry"))
    assert take_away(memory) == 1
    assert memory.judge(BOB) == "blacklisted"
    finish(memory)
    memory.learn([Delisting("entry")])
    for table in NAMING.keys() - {"event"}:
        for column in NAMING[table]:
            assert BOB not in cells(memory, table, column)
    bodies = memory.connection.execute("SELECT body FROM event WHERE kind != 'listing'").fetchall()
    assert not any(name in body for (body,) in bodies for name in (BOB, PHONE, "customer-1"))
    assert (memory.judge(BOB), memory.judge(PHONE)) == ("blacklisted", "blacklisted")


def everything(memory: Memory) -> dict[str, list[tuple[Any, ...]]]:
    """Give all that follows from the journal, with the journal itself."""
    return {**memory.dump(), "event": journal_of(memory)}


@settings(max_examples=50)
@given(lives_with_lists, lives_with_lists)
def test_told_again_the_journal_gives_the_same_store(before: Any, after: Any) -> None:
    """Whatever lives were before and after a removal, the journal told again ends in the same tables and journal."""
    memory = Memory()
    now = live(memory, before)
    take_away(memory, now)
    finish(memory)
    live(memory, after, now + SECOND)
    again = memory.told_again()
    assert everything(again) == everything(memory)
    assert memory.rows("suppressed") == memory.derived_anew()
    again.close()
    memory.close()


@settings(max_examples=50, deadline=None)
@given(test_tracking.lives, st.booleans(), test_tracking.lives)
def test_told_again_a_removal_of_visitors_gives_the_same_store(before: Any, at_once: bool, after: Any) -> None:  # noqa: FBT001 (drawn)
    """Whatever devices did before and after a removal, or before it is finished, the journal tells the same again."""
    memory = Memory()
    test_tracking.live(memory, before)
    take_away(memory, NOON + 20 * SECOND)
    if at_once:
        finish(memory)
    test_tracking.live(memory, after)
    finish(memory)
    again = memory.told_again()
    assert everything(again) == everything(memory)
    again.close()
    memory.close()


@settings(max_examples=50)
@given(lives_with_lists, st.sampled_from([False, True]))
def test_nobody_is_mailed_for_having_been_removed(life: Any, transactional: bool) -> None:  # noqa: FBT001 (drawn)
    """Whoever was refused before a removal is refused after it, before the rest is veiled and afterwards."""
    memory = Memory()
    now = live(memory, life)
    wanted = terms(transactional=transactional)
    before = {each for each in ADDRESSES if memory.judge(each, wanted, now) != "passes"}
    take_away(memory, now)
    between = {each for each in ADDRESSES if memory.judge(each, wanted, now) != "passes"}
    finish(memory)
    after = {each for each in ADDRESSES if memory.judge(each, wanted, now) != "passes"}
    assert before <= between == after
    memory.close()


def test_an_erasure_takes_what_a_removal_left(memory: Memory) -> None:
    """Erased between a removal and the veiling of what it left, somebody is erased as a whole."""
    told_to(memory, profile("1", email=BOB), told("Opt Out", "1"), listed(BOB, name="entry"))
    assert take_away(memory) == 1
    memory.learn([Delisting("entry")])
    assert memory.erase(BOB) is not None
    assert not removing.left(memory.connection)
    assert BOB not in cells(memory, "event", "body")


def test_the_journal_may_forget_first(memory: Memory) -> None:
    """What is left of somebody is veiled also when the journal forgot what took them away."""
    told_to(memory, profile("1", email=BOB), listed(BOB))
    take_away(memory)
    memory.connection.execute("DELETE FROM event WHERE kind = 'erasure'")
    finish(memory)
    assert BOB not in [body for (body,) in memory.connection.execute("SELECT body FROM event WHERE kind = 'profile'")]


# ── a night ──


class Killed(Exception):
    """The gate ends here."""


async def fill(policy: Policy, people: int) -> None:
    """Let people be known, each with some events, all of them listed."""
    for number in range(people):
        email = f"p{number}@x.de"
        events: Iterable[Event] = [profile(f"u{number}", email=email), told("Blacklisted", f"u{number}"), listed(email)]
        await policy.learn([*events, *(told("Completed Order", f"u{number}", n=str(each)) for each in range(30))])


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 7, 12, 20])
async def test_a_night_goes_on_where_it_was_broken_off(world: World, steps: int) -> None:
    """Broken off after any number of steps, a night begun again removes the rest and counts everybody once."""
    await fill(world.policy, 4)
    left = steps

    async def rest(_seconds: float) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    due = Microseconds(world.now)
    with pytest.raises(Killed):
        await world.policy.remove_listed(due, UNITS, rest)
    world.now += SECOND
    night = await world.policy.remove_listed(due, UNITS, instantly)
    assert (night.people, night.events) == (4, 4 * 32)
    assert await world.policy.last_removal() == night
    for number in range(4):
        assert (await world.policy.judge(send_to(f"p{number}@x.de"), terms(transactional=True))).refused
    again = await world.policy.remove_listed(Microseconds(due + 1), UNITS, instantly)
    assert again == Night(Microseconds(due + 1), Microseconds(world.now), 0, 0)


async def test_others_work_beside_a_night(world: World) -> None:
    """Between the steps of a night others write and read; whoever becomes known meanwhile and is listed goes too."""
    await fill(world.policy, 2)
    told_of: list[int] = []

    async def rest(_seconds: float) -> None:
        if len(told_of) < 5:
            told_of.append(1)
            await world.policy.learn([told("Opt Out", email=f"new{len(told_of)}@x.de")])

    night = await world.policy.remove_listed(Microseconds(world.now), UNITS, rest)
    assert night.people == 2
    for number in range(1, 6):
        assert (await world.policy.judge(send_to(f"new{number}@x.de"), terms())).refused


@pytest.mark.parametrize(
    ("late", "times"),
    [
        pytest.param(0, 8.0, id="when it is due"),
        pytest.param(nightly.LATE - 1, 8.0, id="in its first hours"),
        pytest.param(nightly.LATE, 2.0, id="late"),
    ],
)
async def test_a_late_night_rests_less(world: World, late: int, times: float) -> None:
    """Between steps the gate rests several times as long as a step took, and less when the day runs out."""
    await fill(world.policy, 1)
    rests: list[float] = []
    seconds = itertools.count()

    async def rest(took: float) -> None:
        rests.append(took)

    database, clock = world.policy.database, lambda: Microseconds(world.now)
    removal = Removal(database, rules(world.now), clock, rest, timer=lambda: float(next(seconds)))
    assert (await removal.night(Microseconds(world.now - late))).people == 1
    assert set(rests) == {times}


async def test_a_new_night_takes_over_an_old_one(world: World) -> None:
    """A night that never ended goes on as the next one, and what it did counts."""
    await fill(world.policy, 1)
    (await world.policy.database.write(removing.begin(Microseconds(5), Microseconds(6))))
    night = await world.policy.remove_listed(Microseconds(world.now), UNITS, instantly)
    assert (night.people, night.due_at) == (1, world.now)
    assert await world.policy.database.ask(lambda c: c.execute("SELECT count(*) FROM removal").fetchone()) == (1,)


async def test_one_entry_at_once(world: World) -> None:
    """The profiles of one entry go at once, and their journal entries in the night."""
    await fill(world.policy, 2)
    assert await world.policy.remove_listed_by(entry_id("p0@x.de"), UNITS) == 1
    assert await world.policy.remove_listed_by(entry_id("p0@x.de"), UNITS) == 0
    with pytest.raises(UnknownEntry):
        await world.policy.remove_listed_by("nobody", UNITS)
    assert await world.policy.database.ask(removing.left)
    night = await world.policy.remove_listed(Microseconds(world.now), UNITS, instantly)
    assert night.people == 1
    assert not await world.policy.database.ask(removing.left)


async def test_one_pattern_at_once(world: World) -> None:
    """An entry of a domain takes away those at the domain, and of its scope."""
    await world.learn(
        profile("1", email=BOB, unit="DE"), profile("2", email=ANN, unit="US"), profile("3", email="e@y.de")
    )
    await world.learn(listed("*@x.de", "shop", name="scoped"), listed("*@x.de", name="all"))
    assert await world.policy.remove_listed_by("scoped", UNITS) == 1
    assert await world.policy.remove_listed_by("all", UNITS) == 1


async def instantly(_seconds: float) -> None:
    await asyncio.sleep(0)


def test_who_left_before_is_not_looked_for(memory: Memory) -> None:
    """The entries of somebody who was deleted before stay: no index leads to them, and an erasure finds them."""
    told_to(memory, profile("1", email=BOB), Departure("1"), listed(BOB))
    assert take_away(memory) == 0


@pytest.mark.parametrize("way", ["removal", "erasure"])
def test_what_a_device_did_before_it_had_a_name(memory: Memory, way: str) -> None:
    """Tracking events about nobody go with the first person whose device it is."""
    tell(memory, track(device="one"), track(device="shared"), track(device="other"))
    told_to(memory, visitor("one", "shared", email=BOB), visitor("shared", email=ANN))
    told_to(memory, listed(BOB, name="entry"))
    if way == "erasure":
        assert memory.erase(BOB) is not None
    else:
        assert take_away(memory) == 1
        finish(memory)
    left = memory.connection.execute("SELECT json_extract(body, '$.raw.DeviceId') FROM event WHERE kind = 'unplaced'")
    assert [device for (device,) in left] == [None, None, "other"]
    again = memory.told_again()
    assert everything(again) == everything(memory)
    again.close()
