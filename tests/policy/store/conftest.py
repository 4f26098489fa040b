"""Whole lives of a store, drawn at random from a small world, and the ways its people leave it and come back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from policy import rows
from policy.events import Delisting, Departure, Event, Listing, Origin, Word
from policy.model import Channel, Microseconds
from policy.rows import COLUMNS
from policy.store import bulk, exporting, people
from tests.policy.conftest import NOON, SECOND, STORE_ID, Memory, listed, profile, told, who

# Few enough that people, addresses and times meet often; odd enough to be true.
IDS = ["1", "2", 'a,b "c"', " d\n\r\n", "ü;é"]
EMAILS = ["a@x.de", "B@x.de", "c@x.de", "m@straße.de", "m@xn--strae-oqa.de", "m@strasse.de", "ſam@x.de"]
UNITS = ["", "DE", " F,R "]
PHONES = ["+4915112345678", "+5215512345678", "+525512345678", "+49 30 123456"]
STATED = [f"2026-03-01T11:59:5{second}Z" for second in range(8)]
TIMES = [*STATED, "2026-03-01T11:59:54.000000Z", "0001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"]
NUMBERS = ["", "+4930123456", "My Shop@1"]
ADDRESSES = [*EMAILS, *PHONES]
SCOPES = ["shop", "blog"]
LISTED = [*ADDRESSES, "*@x.de", "*.de", "*@straße.de", "*@strasse.de"]

_ids, _emails, _units = st.sampled_from(IDS), st.sampled_from(EMAILS), st.sampled_from(UNITS)
_phones = st.sampled_from(PHONES)
named_by_address = st.one_of(st.builds(who, email=_emails), st.builds(who, phone=_phones))
everybody = named_by_address.map(lambda subject: replace(subject, everybody=True))
subjects = st.one_of(
    st.builds(who, _ids),
    st.builds(who, email=_emails, unit=_units),
    st.builds(who, phone=_phones),
    st.builds(who, _ids, email=_emails, unit=_units),
    st.builds(who, _ids, phone=_phones),
    everybody,
)
statements = st.builds(
    lambda event, subject: replace(event, subject=subject),
    st.builds(
        told,
        st.sampled_from([*Word, Word.BLACKLISTED, Word.OPT_OUT, "Completed Order"]),
        origin=st.sampled_from([*Origin, "provider:sendgrid"]),
        channel=st.sampled_from([Channel.ALL, Channel.MAIL, Channel.SMS]),
        at=st.one_of(st.none(), st.sampled_from(TIMES)),
        number=st.sampled_from(NUMBERS),
    ),
    subjects,
)
_numbers = st.dictionaries(st.sampled_from(["phone", "mobile"]), st.one_of(st.none(), _phones))
profiles = st.one_of(
    st.builds(
        lambda external_id, email, unit, phones: profile(external_id, email=email, unit=unit, **phones),
        _ids,
        st.one_of(st.none(), st.just(""), _emails),
        st.one_of(st.none(), _units),
        _numbers,
    ),
    st.builds(lambda email, unit, phones: profile(None, email=email, unit=unit, **phones), _emails, _units, _numbers),
)
departures = st.one_of(
    st.builds(Departure, _ids, keep_suppressed=st.booleans()),
    st.builds(
        lambda pk, keep: Departure(xng_id=people.xng_id(STORE_ID, pk), keep_suppressed=keep),
        st.integers(1, 6),
        st.booleans(),
    ),
)
_of_one = st.builds(  # several events of one request and one person
    lambda events, subject: [replace(event, subject=subject) for event in events],
    st.lists(statements, min_size=2, max_size=4),
    subjects,
)
requests = st.one_of(_of_one, st.lists(st.one_of(statements, statements, profiles, departures), min_size=1, max_size=3))
lives = st.lists(st.tuples(requests, st.sampled_from([0, 1, SECOND, -SECOND, 3600 * SECOND])), max_size=10)

# The same with blacklist entries, which no row of an export tells of. An entry's name follows from its address.
listings: st.SearchStrategy[Listing] = st.builds(
    lambda address, scope, until: listed(address, scope, until=until),
    st.sampled_from(LISTED),
    st.sampled_from(["", *SCOPES]),
    st.sampled_from([None, None, "2026-03-01T13:00:00Z", "2026-03-01T14:00Z"]),
)
delistings = listings.map(lambda listing: Delisting(listing.id))
_listed = st.lists(st.one_of(listings, listings, delistings, statements, profiles), min_size=1, max_size=4)
lives_with_lists = st.lists(
    st.tuples(st.one_of(requests, _listed), st.sampled_from([0, 1, SECOND, -SECOND, 3600 * SECOND])), max_size=10
)

Life = Sequence[tuple[Sequence[Event], int]]


def live(memory: Memory, life: Life, now: int = NOON) -> int:
    """Let a store live through requests, each some time after the one before or before it, and say how late it is."""
    for events, tick in life:
        now += tick
        memory.attempt(events, now)
    return now


def lived(life: Life) -> Memory:
    """Let a new store live."""
    memory = Memory()
    live(memory, life)
    return memory


def journal_of(memory: Memory) -> list[tuple[Any, ...]]:
    """Give every row of the journal."""
    return memory.connection.execute("SELECT * FROM event ORDER BY sequence").fetchall()


# ── out of a store and into another ──

Row = tuple[str, ...]


def exported(memory: Memory) -> list[Row]:
    """Export everybody."""
    return list(exporting.export(memory.connection, memory.digests))


def as_bytes(exported: Iterable[Row]) -> bytes:
    """Write an export as a file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(exported)
    return text.getvalue().encode()


def learn_rows(memory: Memory, groups: Sequence[Sequence[Event]], now: int = NOON) -> list[str]:
    """Learn rows as an import does; a word for each, empty where all was taken."""
    memory.connection.execute("BEGIN")
    results = bulk.learn_rows(memory.digests, groups, Microseconds(now))(memory.connection)
    memory.connection.execute("COMMIT")
    return results


def imported(memory: Memory, lines: Iterable[Row], now: int = NOON, *, release: bool = False) -> list[str]:
    """Import rows of cells; a word for each, empty where all was taken."""
    groups: list[tuple[Event, ...]] = [
        rows.events_of(dict(zip(COLUMNS, line, strict=True)), release=release) for line in lines
    ]
    return learn_rows(memory, groups, now)


def judged(memory: Memory) -> dict[str, str]:
    """Say how a send to each address of the small world ends."""
    return {address: memory.judge(address) for address in ADDRESSES}
