"""Out of a store and into another: who stands how, since when and on whose word comes out as it went in."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import identity, rows, state
from policy.model import Channel
from policy.rows import COLUMNS
from policy.store import exporting, people
from policy.store.digests import Digests
from tests.policy.conftest import NOON, PASSES, SECOND, Memory, profile, terms, told
from tests.policy.store.conftest import (
    ADDRESSES,
    PHONES,
    STATED,
    Life,
    Row,
    as_bytes,
    exported,
    imported,
    judged,
    learn_rows,
    live,
    lived,
    lives,
)

LATER = NOON + 24 * 3600 * SECOND
MOBILE = PHONES[0]


def people_of(memory: Memory) -> set[tuple[Any, ...]]:
    """Give everybody who is not kept, by what they are known by outside: id, e-mail, unit, phones."""
    found = memory.connection.execute(
        "SELECT external_id, trim(email), business_unit, phones FROM person WHERE kept = 0"
    )
    return set(found)


def standings(memory: Memory) -> dict[tuple[Any, ...], dict[state.Register, int]]:
    """Give by key, user and unit what suppresses: each register with the newest time that anybody there has."""
    found: dict[tuple[Any, ...], dict[state.Register, int]] = {}
    query = "SELECT digest, external_id, business_unit, pk FROM address JOIN person ON pk = person"
    for digest, user, unit, pk in memory.connection.execute(query).fetchall():
        for register, stamp in state.suppressing(people.registers(memory.connection, pk)):
            mine = found.setdefault((digest, user, unit), {})
            mine[register] = max(mine.get(register, 0), stamp.at)
    return found


def of_users(memory: Memory) -> dict[str, dict[state.Register, int]]:
    """Give what suppresses each user, whether they have an address or not."""
    query = "SELECT external_id, pk FROM person WHERE external_id IS NOT NULL"
    return {
        user: {register: stamp.at for register, stamp in state.suppressing(people.registers(memory.connection, pk))}
        for user, pk in memory.connection.execute(query).fetchall()
    }


def without_users(found: dict[tuple[Any, ...], dict[state.Register, int]]) -> dict[tuple[Any, ...], Any]:
    """Give by key and unit what suppresses, whoever it is said of."""
    merged: dict[tuple[Any, ...], dict[state.Register, int]] = {}
    for (digest, _, unit), registers in found.items():
        mine = merged.setdefault((digest, unit), {})
        for register, at in registers.items():
            mine[register] = max(mine.get(register, 0), at)
    return merged


@settings(max_examples=100, deadline=None)
@given(lives)
def test_an_import_of_an_export_is_the_same_store(life: Life) -> None:
    """Into an empty store come the same people, and what suppresses them: origins, numbers, times to the digit."""
    before = lived(life)
    after = Memory()
    results = imported(after, exported(before), LATER)
    assert set(results) <= {""}
    assert people_of(after) == people_of(before)
    assert of_users(after) == of_users(before)
    assert without_users(standings(after)) == without_users(standings(before))
    assert judged(after) == judged(before)
    assert after.rows("suppressed") == after.derived_anew()
    assert [judged_as_new(before, each) for each in ADDRESSES] == [judged_as_new(after, each) for each in ADDRESSES]
    before.close()
    after.close()


@settings(max_examples=100, deadline=None)
@given(lives)
def test_an_export_of_an_import_is_the_same_file(life: Life) -> None:
    """What an import of an export exports is the same bytes, and again, but for kept addresses that were kept twice."""
    store = lived(life)
    first = exported(store)
    again, third = Memory(), Memory()
    imported(again, first, LATER)
    second = exported(again)
    imported(third, second, LATER + SECOND)
    assert as_bytes(exported(third)) == as_bytes(second)
    kept = [line[1:3] for line in first if line[1].startswith("kept:")]
    if len(set(kept)) == len(kept):
        assert as_bytes(second) == as_bytes(first)
    for memory in (store, again, third):
        memory.close()


def judged_as_new(memory: Memory, address: str) -> str:
    """Say how a send to an address ends in a unit in which somebody gets it only now."""
    has = {"email": address} if "@" in address else {"mobile": address}
    memory.learn([profile(f"new {address}", unit=address, **has)], LATER)
    return memory.judge(address, terms(unit=address))


def refused(memory: Memory) -> dict[str, str]:
    """Say to which addresses nothing, or no marketing, is sent."""
    return {address: reason for address, reason in judged(memory).items() if reason != PASSES}


def blocked(reasons: dict[str, str]) -> set[str]:
    """Say which addresses are blacklisted; which of two reasons is told follows from the newest word."""
    return {address for address, reason in reasons.items() if reason in ("blacklisted", "hard_bounced")}


@settings(max_examples=100, deadline=None)
@given(lives, lives)
def test_yesterdays_export_releases_nobody_today(yesterday: Life, today: Life) -> None:
    """Whoever is refused before an import of an older export is refused after it, and no newer no goes back in time."""
    memory = lived(yesterday)
    lines = exported(memory)
    now = live(memory, today, LATER)
    before, standing = refused(memory), of_users(memory)
    imported(memory, lines, now + SECOND)
    after = refused(memory)
    assert before.keys() <= after.keys()
    assert blocked(before) <= blocked(after)
    users = of_users(memory)
    for user, registers in standing.items():
        assert all(users[user][register] >= at for register, at in registers.items())
    memory.close()


@settings(max_examples=60, deadline=None)
@given(lives, lives, st.booleans())
def test_releasing_with_an_export_releases_nobody(yesterday: Life, today: Life, same: bool) -> None:  # noqa: FBT001 (drawn)
    """Even an import with release of an older export releases nobody: it has no false cell and no minus."""
    memory = lived(yesterday)
    lines = exported(memory)
    if not same:
        memory = Memory()
    now = live(memory, today, LATER)
    before = refused(memory)
    imported(memory, lines, now + SECOND, release=True)
    assert before.keys() <= refused(memory).keys()
    memory.close()


# ── what a row is made of ──

BLACKLISTED, OPT_OUT = "Blacklisted", "Opt Out"
WHOLE = "2026-03-01T11:00:00.000000Z"
ROWS = [
    pytest.param(
        [profile("1", email=" Ann@X.de ", unit="DE", phone=MOBILE)], ["1,Ann@X.de,DE,+4915112345678,,,,,,"], id="a user"
    ),
    pytest.param([told("Completed Order", email="a@x.de")], [",a@x.de,,,,,,,,"], id="a lead of whom nothing is said"),
    pytest.param(
        [told(OPT_OUT, phone=MOBILE), told("Opt In", phone=MOBILE)], [",,,+4915112345678,,,,,,"], id="released"
    ),
    pytest.param(
        [profile("1", home=PHONES[3], mobile=MOBILE)],
        ["1,,,home=+49 30 123456|mobile=+4915112345678,,,,,,"],
        id="phones",
    ),
    pytest.param(
        [told(BLACKLISTED, "1", at=WHOLE, origin="api")],
        [f"1,,,,true,{WHOLE},,,,BLACKLIST=api@{WHOLE}"],
        id="a time on the second has all its digits",
    ),
    pytest.param(
        [
            told(OPT_OUT, "1", channel=Channel.SMS, origin="keyword", number="+4930123456", at=WHOLE),
            told(OPT_OUT, "1", channel=Channel.SMS, origin="keyword", number="My Shop", at=WHOLE),
            told(OPT_OUT, "1", channel=Channel.MAIL, origin="page", at="2026-03-01T11:00:00.000001Z"),
            told(OPT_OUT, "1", channel=Channel.MAIL, origin="provider:sendgrid", at=WHOLE),
            told(OPT_OUT, "1", at=WHOLE),
        ],
        [f"1,,,,,,true,{WHOLE},MAIL SMS,OFF"],
        id="several origins on a channel, with their numbers",
    ),
    pytest.param(
        [told(BLACKLISTED, "1", at=WHOLE), profile("1", email="a@x.de"), profile("1", email="b@x.de")],
        [
            f"1,b@x.de,,,true,{WHOLE},,,,BLACKLIST=event@{WHOLE}",
            f",KEPT(a@x.de),,,true,{WHOLE},,,,BLACKLIST=event@{WHOLE}",
        ],
        id="an address that was given up",
    ),
    pytest.param(
        [
            told(BLACKLISTED, "1", at=WHOLE),
            profile("1", email="a@x.de"),
            profile("1", email="b@x.de"),
            told("Whitelisted", "1", at="2026-03-01T11:59:00Z"),
        ],
        ["1,b@x.de,,,,,,,,"],
        id="a kept address that was released is nothing any more",
    ),
    pytest.param(
        [
            told(BLACKLISTED, email="m@xn--strae-oqa.de", at=WHOLE),
            told("Completed Order", email="m@straße.de"),
        ],
        [
            f",m@xn--strae-oqa.de,,,true,{WHOLE},,,,BLACKLIST=event@{WHOLE}",
            f",KEPT(m@strasse.de),,,true,{WHOLE},,,,BLACKLIST=event@{WHOLE}",
        ],
        id="a key that the address does not lead to",
    ),
]
ORIGINS = (
    f"ALL=event@{WHOLE} MAIL=page@2026-03-01T11:00:00.000001Z MAIL=provider:sendgrid@{WHOLE}"
    f" SMS=keyword#+4930123456@{WHOLE} SMS=keyword#My%20Shop@{WHOLE}"
)


def shown(memory: Memory) -> list[str]:
    """Write an export as lines, a kept address by the address that it stands for."""
    kept = {
        f"kept:{memory.digests.export(memory.digests.digest(key))}": f"KEPT({key})"
        for address in ADDRESSES
        for key in identity.address_keys(address)
    }
    return [",".join(kept.get(cell, cell) for cell in line) for line in exported(memory)]


@pytest.mark.parametrize(("events", "lines"), ROWS)
def test_everybody_has_a_row(memory: Memory, events: list[Any], lines: list[str]) -> None:
    """A person's row says who they are and what suppresses them; what is kept of others follows."""
    for number, event in enumerate(events):
        memory.learn([event], NOON + number)
    assert shown(memory) == [line.replace("OFF", ORIGINS) for line in lines]


def test_registers_of_nobody_hide_no_others(memory: Memory) -> None:
    """A register whose person is gone is passed over, and everybody behind it keeps what suppresses them."""
    memory.learn([told(BLACKLISTED, "1", at=WHOLE)])
    memory.learn([told(BLACKLISTED, "2", at=WHOLE)])
    memory.connection.execute("DELETE FROM person WHERE pk = 1")
    assert shown(memory) == [f"2,,,,true,{WHOLE},,,,BLACKLIST=event@{WHOLE}"]


def test_a_kept_address_needs_its_pepper(memory: Memory) -> None:
    """An export goes into a store with another pepper whole but for kept addresses, and each of those is told."""
    memory.learn([profile("1", email="a@x.de"), told(BLACKLISTED, "1", at=STATED[0]), profile("1", email="b@x.de")])
    other = Memory()
    other.digests = Digests("another")
    user, kept = imported(other, exported(memory), LATER)
    assert (user, "another pepper" in kept) == ("", True)
    assert (other.judge("b@x.de"), other.judge("a@x.de")) == ("blacklisted", PASSES)
    other.close()


def test_a_number_kept_under_two_traits_is_exported_whole(memory: Memory) -> None:
    """A person's numbers come back under the names of their traits, in their order."""
    memory.learn([profile("1", mobile=MOBILE, home=MOBILE)])
    again = Memory()
    assert imported(again, exported(memory)) == [""]
    assert people_of(again) == people_of(memory)
    again.close()


def grown(memory: Memory, count: int) -> None:
    """Let a store have many people."""
    for start in range(0, count, 1000):
        cells: Iterable[dict[str, str]] = (
            {"id": str(number), "email": f"p{number}@x.de", "blacklisted": "true", "blacklistedAt": WHOLE}
            for number in range(start, start + 1000)
        )
        assert set(learn_rows(memory, [rows.events_of(each) for each in cells])) == {""}


def test_an_export_takes_no_memory(memory: Memory) -> None:
    """Rows are read as they are asked for: ten thousand people take no more memory than a few do."""
    grown(memory, 10_000)
    next(iter(exported(memory)))  # what is set up once is not counted
    tracemalloc.start()
    try:
        count = sum(1 for _ in exporting.export(memory.connection, memory.digests))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == exporting.count(memory.connection) == 10_000
    assert peak < 500_000


def test_an_export_is_the_store_at_one_moment(memory: Memory) -> None:
    """The rows of an export are read in one transaction, which ends with it, whether it was read to its end or not."""
    grown(memory, 1000)
    lines = exporting.export(memory.connection, memory.digests)
    first: Row = next(lines)
    assert dict(zip(COLUMNS, first, strict=True))["id"] == "0"
    assert memory.connection.in_transaction
    lines.close()
    assert not memory.connection.in_transaction
