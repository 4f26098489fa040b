"""Keys made by other tables than today's."""

from __future__ import annotations

import contextlib
import io
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from policy import Policy, StoreUnavailable
from policy.events import Event, Listing, Phone, Subject
from policy.model import MessageClass, Terms
from policy.store import backups, rekeying, surveying
from policy.store.rekeying import TABLES
from tests.policy.conftest import listed, profile, send_to, told

PEOPLE: Mapping[str, str] = {
    "plain": "ann@x.de",
    "number": "+49 1511 2345678",
    "wide number": "+49 １５１１ ８７６５４３２",
    "umlaut": "ann@straße.de",
    "a-label": "bob@xn--strae-oqa.de",
    "quoted": '"a b"@x.de',
}
UNPLAIN = {"umlaut", "a-label", "quoted"}
LISTED = {**PEOPLE, "umlaut": "ann@bücher.example", "a-label": "bob@xn--bcher-kva.example", "pattern": "*@straße.de"}
MARKETING = Terms(MessageClass.MARKETING)


def opened(path: Path) -> Policy:
    """Open a store, which gives it today's keys."""
    policy = Policy(path, "pepper")
    policy.open()
    return policy


def changed(path: Path, statement: str, *values: str) -> None:
    """Change a store that nobody has open."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(statement, values)
        connection.commit()


def made_by(path: Path, **others: str) -> None:
    """Let a store's keys be made by today's tables but for these."""
    text = rekeying._text({**TABLES, **others})
    changed(path, "UPDATE meta SET value = ? WHERE name = 'keys_made_by'", text)


async def blacklist(policy: Policy, name: str, address: str) -> None:
    """Blacklist a user whose address has another key than today's tables make of it."""
    old = (f"{name}@by.other.tables",)
    phones: Mapping[str, Phone | None] = {} if "@" in address else {"phone": (address, old)}
    if phones:
        await policy.learn([replace(profile(name), phones=phones)])
    else:
        await policy.learn([replace(profile(name), email=address, email_keys=old)])
    await policy.learn([told("Blacklisted", name)])


async def found(policy: Policy) -> set[str]:
    """Name the people who are found by today's keys."""
    terms = Terms(MessageClass.TRANSACTIONAL)
    return {name for name, address in PEOPLE.items() if (await policy.judge(send_to(address), terms)).refused}


@pytest.mark.parametrize(
    ("others", "wanted"),
    [
        pytest.param({}, set(), id="none"),
        pytest.param({"phonenumbers": "1"}, {"number", "wide number"}, id="phonenumbers"),
        pytest.param({"idna": "1"}, UNPLAIN, id="idna"),
        pytest.param({"unicode": "1"}, {*UNPLAIN, "wide number"}, id="unicode"),
        pytest.param({"phonenumbers": "1", "idna": "1"}, set(PEOPLE) - {"plain"}, id="two of them"),
    ],
)
async def test_who_is_keyed_anew_follows_from_which_tables_changed(
    tmp_path: Path, others: dict[str, str], wanted: set[str]
) -> None:
    """Exactly those whose addresses the changed tables have a say in are found by the new keys after the opening."""
    path = tmp_path / "sendgate.db"
    policy = opened(path)
    for name, address in PEOPLE.items():
        await blacklist(policy, name, address)
    assert await found(policy) == set()
    policy.close()
    made_by(path, **others)
    policy = opened(path)
    assert await found(policy) == wanted
    old = send_to("number@by.other.tables")
    assert (await policy.judge(old, Terms(MessageClass.TRANSACTIONAL))).refused
    policy.close()
    policy = opened(path)
    assert await found(policy) == wanted
    policy.close()


@pytest.mark.parametrize(
    ("others", "wanted"),
    [
        pytest.param({}, set(), id="none"),
        pytest.param({"phonenumbers": "1"}, {"number", "wide number"}, id="phonenumbers"),
        pytest.param({"idna": "1"}, {*UNPLAIN, "wide number", "pattern"}, id="idna"),
        pytest.param({"unicode": "1"}, {*UNPLAIN, "wide number", "pattern"}, id="unicode"),
    ],
)
@pytest.mark.usefixtures("small_chunks")
async def test_blacklist_entries_are_keyed_anew(tmp_path: Path, others: dict[str, str], wanted: set[str]) -> None:
    """Entries whose addresses changed tables have a say in stop what today's tables make of them, and the old keys."""
    path = tmp_path / "sendgate.db"
    policy = opened(path)
    for name, address in LISTED.items():
        old = f"+1999555{len(name):04}" if address.startswith("+") else f"{name}@by.other.tables"
        await policy.learn([Listing(name, address, (f"@{old}" if address.startswith("*") else old,))])
    await policy.learn([Listing("other", "nothing that today is an address", ("other@by.other.tables",))])
    policy.close()
    made_by(path, **others)
    policy = opened(path)
    named = {"pattern": "zed@straße.de"}
    found = {name for name, to in (LISTED | named).items() if (await policy.judge(send_to(to), MARKETING)).refused}
    assert found == wanted
    assert (await policy.judge(send_to("umlaut@by.other.tables"), MARKETING)).refused
    assert (await policy.judge(send_to("other@by.other.tables"), MARKETING)).refused
    policy.close()


def of_other_tables(address: str) -> Mapping[str, list[Event]]:
    """Give events by which each kind of entry of the journal says no of an address, keyed by other tables."""
    blacklisted = told("Blacklisted", "1")
    if address.startswith("+"):
        old: tuple[str, ...] = ("+19995550000",)
        subject, has = Subject(phone=address, phone_keys=old), replace(profile("1"), phones={"phone": (address, old)})
    else:
        old = ("old@by.other.tables",)
        subject, has = Subject(email=address, email_keys=old), replace(profile("1"), email=address, email_keys=old)
    return {
        "told": [replace(blacklisted, subject=subject)],
        "profile": [has, blacklisted],
        "entry": [Listing("entry", address, old)],
    }


@pytest.mark.parametrize("by", ["told", "profile", "entry"])
@pytest.mark.parametrize("address", ["ann@straße.de", "+49 1511 2345678"])
async def test_a_journal_of_other_tables_gets_todays_keys(tmp_path: Path, address: str, by: str) -> None:
    """Whom a journal blacklists by keys of other tables is found by today's, once it was told behind a copy."""
    policy = opened(tmp_path / "sendgate.db")
    policy.database.snapshot(lambda connection: backups.copy(connection, tmp_path / "copy.db"))
    await policy.learn(of_other_tables(address)[by])
    stream = io.BytesIO()
    policy.database.snapshot(backups.journal_to(stream, 0))
    policy.close()
    copy = opened(tmp_path / "copy.db")
    await copy.catch_up(stream.getvalue().splitlines())
    await copy.release_copy()
    copy.close()
    copy = opened(tmp_path / "copy.db")
    assert (await copy.judge(send_to(address), Terms(MessageClass.TRANSACTIONAL))).refused
    copy.close()


async def test_a_journal_of_todays_tables_keys_nobody_anew(tmp_path: Path) -> None:
    """A journal whose keys are today's leaves the mark of the tables alone, veils of who was erased included."""
    policy = opened(tmp_path / "sendgate.db")
    policy.database.snapshot(lambda connection: backups.copy(connection, tmp_path / "copy.db"))
    for name, address in PEOPLE.items():
        has = profile(name, phone=address) if address.startswith("+") else profile(name, email=address)
        await policy.learn([has, told("Blacklisted", name)])
        await policy.learn([listed(address)])
    await policy.erase(surveying.whoever("ann@x.de"))
    stream = io.BytesIO()
    policy.database.snapshot(backups.journal_to(stream, 0))
    policy.close()
    copy = opened(tmp_path / "copy.db")
    await copy.catch_up(stream.getvalue().splitlines())
    assert copy.database.read_now(lambda connection: rekeying._marked(connection, "keys_made_by")) == rekeying._text(
        TABLES
    )
    copy.close()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a chunk be of two people."""
    monkeypatch.setattr(rekeying, "CHUNK", 2)


async def numbered(path: Path) -> Callable[[], list[bool]]:
    """Make five people with numbers, keyed by other tables; gives who of them is found by today's keys."""
    policy = opened(path)
    for n in range(1, 6):
        await blacklist(policy, str(n), f"+4930123456{n}")
    policy.close()
    made_by(path, phonenumbers="1")

    def keyed() -> list[bool]:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            count = "SELECT count(*) > 1 FROM address WHERE person = ?"
            return [bool(connection.execute(count, (n,)).fetchone()[0]) for n in range(1, 6)]

    return keyed


@pytest.mark.usefixtures("small_chunks")
async def test_a_start_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    """Chunks before the stop are kept, a new start goes on behind them and ends with everybody."""
    path = tmp_path / "sendgate.db"
    keyed = await numbered(path)
    stop = "CREATE TRIGGER stop BEFORE INSERT ON address WHEN new.person = 4 BEGIN SELECT RAISE(ABORT, 'stopped'); END"
    changed(path, stop)
    with pytest.raises(StoreUnavailable, match="stopped"):
        opened(path)
    assert keyed() == [True, True, False, False, False]
    changed(path, "DROP TRIGGER stop")
    changed(path, "DELETE FROM address WHERE person = 1")  # would be there again if all began anew
    opened(path).close()
    assert keyed() == [False, True, True, True, True]


@pytest.mark.usefixtures("small_chunks")
async def test_other_tables_in_the_middle_begin_anew(tmp_path: Path) -> None:
    """What was begun with other tables than today's is not gone on with."""
    path = tmp_path / "sendgate.db"
    keyed = await numbered(path)
    changed(path, "INSERT INTO meta VALUES ('keys_made_up_to', ?)", f"4: {rekeying._text({**TABLES, 'idna': '1'})}")
    opened(path).close()
    assert keyed() == [True] * 5
