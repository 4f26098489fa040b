"""Blacklist entries in the store: whom they stop, until when, in which scope, and what telling them again gives."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import UnknownEntry, identity, queries, times
from policy.blacklists import is_phone
from policy.events import Delisting, Listing
from policy.model import BlacklistEntry, Microseconds
from policy.store import blacklists, journal
from policy.store.querying import Selection, ordered, where
from tests.policy.conftest import (
    NOON,
    PASSES,
    SECOND,
    Clock,
    Memory,
    Sends,
    World,
    entry_id,
    listed,
    profile,
    terms,
    told,
)
from tests.policy.store.conftest import SCOPES, Life, journal_of, listings, lives_with_lists

LISTED = "blacklist_entry"
ANN, BOB = "ann@example.com", "bob@example.com"
MOBILE = "+4915112345678"


def entries(memory: Memory) -> list[BlacklistEntry]:
    """List every entry, the oldest first."""
    return list(blacklists.page(selection())(memory.connection).entries)


def selection(text: str = "", order: str = "", *, skip: int = 0, top: int = 100) -> Selection:
    """Ask for some entries as a client does."""
    meant = where(queries.parse(text), blacklists.FIELDS)
    return Selection(meant, ordered(queries.parse_order(order), blacklists.FIELDS, "pk"), skip, top)


def of_address(memory: Memory, address: str) -> list[str]:
    """Name the entries that stand for an address."""
    keys = identity.address_keys(address)
    return [entry.id for entry in blacklists.standing_over(memory.digests, keys, NOON)(memory.connection)]


# ── whom an entry stops ──

SPELLINGS = [
    pytest.param(ANN, ["Ann@Example.com", "ANN@EXAMPLE.COM.", '"ann"@example.com'], ["an@example.com"], id="address"),
    pytest.param("m@straße.de", ["m@xn--strae-oqa.de", "m@strasse.de", "M@STRASSE.DE"], ["m@strase.de"], id="IDNA"),
    pytest.param("ſam@x.de", ["SAM@x.de", "sam@x.de"], ["pam@x.de"], id="letters of one upper case"),
    pytest.param(MOBILE, ["0049 151 12345678", "+49 (0)151 12345678"], ["+4915112345679"], id="number"),
    pytest.param("+525512345678", ["+5215512345678"], ["+525512345679"], id="a number that is written in two ways"),
    pytest.param(
        "*@example.com",
        [ANN, BOB, "Zoë@EXAMPLE.com.", "x%example.com@relay.example"],
        ["ann@mail.example.com", "ann@example.org", "ann@myexample.com", "example.com@x.de", MOBILE],
        id="a domain",
    ),
    pytest.param(
        "*.example.com",
        ["ann@mail.example.com", "ann@a.b.EXAMPLE.com."],
        [ANN, "ann@notexample.com", "ann@example.com.au", "mail.example.com@x.de"],
        id="sub-domains",
    ),
    pytest.param("*@straße.de", ["a@strasse.de", "b@xn--strae-oqa.de", "c@STRAßE.de"], ["a@strase.de"], id="both IDNA"),
    pytest.param("*.bücher.example", ["a@x.xn--bcher-kva.example"], ["a@xn--bcher-kva.example"], id="below IDNA"),
]


@pytest.mark.parametrize(("address", "stopped", "passing"), SPELLINGS)
def test_an_entry_stops_every_spelling(memory: Memory, address: str, stopped: list[str], passing: list[str]) -> None:
    """An acknowledged entry stops every class of message to all its address stands for, and to nobody else."""
    memory.learn([listed(address)])
    for transactional in (False, True):
        wanted = terms(transactional=transactional)
        assert {to: memory.judge(to, wanted) for to in stopped} == dict.fromkeys(stopped, LISTED)
        assert {to: memory.judge(to, wanted) for to in passing} == dict.fromkeys(passing, PASSES)
    assert all(of_address(memory, to) == [entry_id(address)] for to in stopped)
    memory.learn([Delisting(entry_id(address))])
    assert {to: memory.judge(to) for to in stopped} == dict.fromkeys(stopped, PASSES)
    assert {table: rows for table, rows in memory.dump().items() if rows} == {}


def test_an_entry_says_who_put_it_there(memory: Memory) -> None:
    """A refusal tells the origin of the entry, and no person."""
    memory.learn([replace(listed(ANN), origin="cli")])
    (found,) = memory.facts([ANN]).listed[ANN]
    assert (found.origin, found.scope, found.until) == ("cli", "", None)
    assert memory.facts([ANN]).holders == {}


def test_what_is_known_of_people_stays_beside_an_entry(memory: Memory) -> None:
    """Neither an entry nor what is said of people takes the other away, whichever comes and goes first."""
    memory.learn([told("Opt Out", email=ANN), listed(ANN)])
    assert memory.judge(ANN) == LISTED
    memory.learn([told("Blacklisted", email=ANN)])
    assert memory.judge(ANN) == "blacklisted"
    memory.learn([told("Whitelisted", email=ANN)])
    assert memory.judge(ANN) == LISTED
    memory.learn([Delisting(entry_id(ANN))])
    assert memory.judge(ANN) == "opted_out"
    memory.learn([listed(ANN), told("Opt In", email=ANN)])
    assert memory.judge(ANN) == LISTED
    assert memory.rows("suppressed") == memory.derived_anew()


def test_an_entry_makes_nobody(memory: Memory) -> None:
    """Who is on a blacklist is not known by that, and needs not be."""
    memory.learn([listed(ANN), listed(MOBILE), listed("*@example.com")])
    assert memory.rows("person") == memory.rows("address") == []
    assert memory.facts([ANN], known=True).known == frozenset()


def test_an_entry_outlives_its_people(memory: Memory) -> None:
    """A user who is deleted takes no entry along."""
    memory.learn([profile("1", email=ANN), listed(ANN)])
    memory.learn([profile("1", email=BOB)])
    assert [memory.judge(ANN), memory.judge(BOB)] == [LISTED, PASSES]


# ── scopes and expiry ──


@pytest.mark.parametrize(
    ("entry", "route", "ends"),
    [
        ("", "", LISTED),
        ("", "shop", LISTED),
        ("shop", "", LISTED),
        ("shop", "shop", LISTED),
        ("Shop", "shop", LISTED),
        ("shop", "blog", PASSES),
    ],
)
@pytest.mark.parametrize("address", [ANN, "*@example.com"])
def test_scopes(memory: Memory, entry: str, route: str, ends: str, address: str) -> None:
    """An entry without scope counts in all, a route without one obeys all, and else they must be the same."""
    memory.learn([listed(address, entry)])
    assert memory.judge(ANN, terms(scope=route)) == ends


def test_one_address_stands_on_several_lists(memory: Memory) -> None:
    """The same address may be on the lists of several scopes, and each entry goes by itself."""
    memory.learn([listed(ANN, "shop"), listed(ANN, "blog"), listed(ANN)])
    memory.learn([Delisting(entry_id(ANN))])
    assert [memory.judge(ANN, terms(scope=scope)) for scope in ("shop", "blog", "news")] == [LISTED, LISTED, PASSES]
    memory.learn([Delisting(entry_id(ANN, "shop"))])
    assert [memory.judge(ANN, terms(scope=scope)) for scope in ("shop", "blog", "")] == [PASSES, LISTED, LISTED]


async def test_an_entry_counts_to_the_end_of_its_stated_time(world: World) -> None:
    """An entry is judged to have expired when the clock has passed the last moment that its time may mean."""
    until = times.read("2026-03-01T13:00:00Z")
    await world.play([listed(ANN, until=until.text), Sends(ANN, LISTED)])
    for at, ends in ((until.first, LISTED), (until.last, LISTED), (until.last + 1, PASSES)):
        world.now = at
        assert await world.judge(Sends(ANN, ends)) == ends
    await world.play([Clock("2026-03-01T12:00:00.000000Z"), Sends(ANN, LISTED)])


# ── putting it there again ──

AGAIN = [
    # what is said after an entry until 13:00, how it then expires, and whether the journal has both
    pytest.param(None, "", True, id="without a time: for ever"),
    pytest.param("2026-03-01T14:00:00Z", "2026-03-01T14:00:00Z", True, id="later"),
    pytest.param("2026-03-01T12:30:00Z", "2026-03-01T13:00:00Z", False, id="earlier: nothing"),
    pytest.param("2026-03-01T13:00:00Z", "2026-03-01T13:00:00Z", False, id="the same: nothing"),
]


@pytest.mark.parametrize(("until", "expires", "journalled"), AGAIN)
def test_the_later_expiry_holds(memory: Memory, until: str | None, expires: str, *, journalled: bool) -> None:
    """The same address and scope keep their one entry, which lasts as long as anybody said."""
    (first,) = memory.learn([listed(ANN, until="2026-03-01T13:00:00Z", name="a", reason="first")])
    (again,) = memory.learn([listed("ANN@example.com", until=until, name="b", reason="second")])
    assert (first.repeat, again.repeat) == (False, True)
    assert again.entry == BlacklistEntry("a", ANN, "", "first", expires)
    assert entries(memory) == [again.entry]
    assert len(journal_of(memory)) == 1 + journalled
    assert again.sequence == journal.last_sequence(memory.connection)


def test_an_entry_for_ever_stays_for_ever(memory: Memory) -> None:
    """Put there again with an expiry, an entry without one keeps having none."""
    memory.learn([listed(ANN), listed(ANN, until="2026-03-01T12:00:01Z")])
    assert memory.judge(ANN, at=NOON + 3600 * SECOND) == LISTED


def test_another_spelling_brings_its_keys(memory: Memory) -> None:
    """Put there again in a spelling that may be read in more ways, an entry stops those as well, told again too."""
    memory.learn([listed("m@xn--strae-oqa.de")])
    assert memory.judge("m@strasse.de") == PASSES
    (again,) = memory.learn([listed("m@straße.de")])
    assert again.repeat
    assert memory.judge("m@strasse.de") == LISTED
    assert memory.told_again().dump() == memory.dump()


def test_an_unknown_entry(memory: Memory) -> None:
    """An entry that there is not, or not any more, cannot be removed or read."""
    memory.learn([listed(ANN, name="a"), Delisting("a")])
    with pytest.raises(UnknownEntry):
        memory.learn([Delisting("a")])
    with pytest.raises(UnknownEntry):
        blacklists.one("a")(memory.connection)


# ── reading ──


def test_pages(memory: Memory) -> None:
    """A page has the entries behind those it skips, the oldest first, and how many there are in all."""
    names = [f"n{number}" for number in range(7)]
    memory.learn([listed(f"{name}@x.de", name=name) for name in names])
    for skip, top, wanted in ((0, 3, names[:3]), (3, 3, names[3:6]), (6, 3, names[6:]), (9, 3, []), (0, 0, [])):
        page = blacklists.page(selection(skip=skip, top=top))(memory.connection)
        assert (page.total, [entry.id for entry in page.entries]) == (7, wanted)
    assert blacklists.one("n4")(memory.connection).address == "n4@x.de"


# ── asking and counting ──

ASKED = [
    pytest.param("Email eq ANN@Example.com", "blacklist_address", id="an address"),
    pytest.param("Email eq ann@example.com, bob@example.com and Scope eq shop", "blacklist_address", id="two"),
    pytest.param("Phone eq +4915112345678", "blacklist_address", id="a number"),
    pytest.param("BlacklistId eq 62A2A514-0000", "sqlite_autoindex_blacklist_1", id="an id"),
    pytest.param("Scope eq shop or Email eq ann@example.com", None, id="a scope has no index"),
]


@pytest.mark.parametrize(("query", "index"), ASKED)
def test_a_filter_finds_its_index(memory: Memory, query: str, index: str | None) -> None:
    """Entries are found and counted by index where they are asked for by address, number or id."""
    meant = selection(query).where
    for select in ("count(*)", "id"):
        plan = memory.connection.execute(
            f"EXPLAIN QUERY PLAN SELECT {select} FROM blacklist WHERE {meant.sql}", meant.parameters
        ).fetchall()
        assert (index is None) == any("SCAN" in row[3] for row in plan)
        assert index is None or any(f"INDEX {index} (" in row[3] for row in plan)


def test_the_count_is_right_after_whatever_happened(memory: Memory) -> None:
    """Entries that were entered, told again, removed, or undone with their transaction leave the count right."""

    def counts(want: int) -> None:
        page = blacklists.page(selection(top=0))(memory.connection)
        assert (page.total, page.entries) == (want, [])
        assert memory.connection.execute("SELECT count(*) FROM blacklist").fetchone()[0] == want

    counts(0)
    memory.learn([listed(ANN, name="a"), listed(ANN, name="again"), listed(BOB, name="b")])
    counts(2)
    with pytest.raises(UnknownEntry):
        memory.learn([listed("c@x.de"), Delisting("a"), Delisting("unknown")])
    counts(2)
    memory.learn([Delisting("b")])
    counts(1)
    memory.learn([Delisting("a"), listed(BOB, name="b")])
    counts(1)


async def test_the_count_is_right_after_another_program_removed_entries(world: World) -> None:
    """A store that is opened counts anew, whatever became of it in between."""
    await world.learn(listed(ANN, name="a"), listed(BOB, name="b"), listed("c@x.de", name="c"), Delisting("c"))
    path = world.policy.database.path
    world.policy.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM blacklist WHERE id = 'a'")
        connection.commit()
    again = World(path)
    assert (await again.policy.ask(blacklists.page(selection()))).total == 1
    again.policy.close()


def test_what_has_expired_is_not_listed_among_all_that_counts(memory: Memory) -> None:
    """All entries that count are those without an expiry and those whose expiry is to come."""
    memory.learn([listed(ANN, name="ever"), listed(BOB, until="2026-03-01T12:00:00Z", name="noon")])
    reads = (blacklists.every(list, Microseconds(now)) for now in (NOON, NOON + SECOND))
    assert [[entry.id for entry in read(memory.connection)] for read in reads] == [["ever", "noon"], ["ever"]]


# ── whatever is told, in whatever order ──


@settings(max_examples=100)
@given(lives_with_lists)
def test_told_again_the_journal_gives_the_same_lists(life: Life) -> None:
    """Entries, their keys, all people and the journal itself are the same when it is told again."""
    memory = Memory()
    for number, (events, tick) in enumerate(life):
        memory.attempt(events, NOON + tick + number)
    again = memory.told_again()
    assert again.dump() == memory.dump()
    assert journal_of(again) == journal_of(memory)
    assert memory.rows("suppressed") == memory.derived_anew()
    assert blacklists.count(memory.connection) == len(memory.rows("blacklist"))
    again.close()
    memory.close()


@settings(max_examples=100)
@given(lives_with_lists)
def test_what_is_shown_can_be_asked_for(life: Life) -> None:
    """Each field that an entry shows finds it, all of them together find it alone, and no contrary finds it."""
    memory = Memory()
    for events, tick in life:
        memory.attempt(events, NOON + tick)
    for entry in entries(memory):
        told = {
            "Phone" if is_phone(entry.address) else "Email": entry.address,
            "Scope": entry.scope,
            "ExpiresAt": entry.expires,
        }
        each = [f'{name} eq "{text}"' if text else f"{name} eq null" for name, text in told.items()]
        for query in each:
            assert entry in blacklists.page(selection(query))(memory.connection).entries
            assert entry not in blacklists.page(selection(f"not {query}"))(memory.connection).entries
        assert blacklists.page(selection(" and ".join(each)))(memory.connection).entries == [entry]
    memory.close()


@settings(max_examples=100)
@given(lives_with_lists, listings, st.sampled_from(["", *SCOPES]))
def test_an_answered_entry_holds(life: Life, listing: Listing, scope: str) -> None:
    """Whatever was before, an entry that was answered stops its address in its scope, and so long as it lasts."""
    memory = Memory()
    for events, tick in life:
        memory.attempt(events, NOON + tick)
    memory.learn([listing])
    at = listing.expires.last if listing.expires else NOON + 10_000 * SECOND
    to = listing.address.replace("*@", "zed@").replace("*.", "zed@deep.er.")
    if scope in ("", listing.scope) or not listing.scope:
        assert memory.judge(to, terms(transactional=True, scope=scope), at) in (LISTED, "blacklisted", "hard_bounced")
    memory.close()
