"""Blacklist entries: putting them on, taking them off, and reading them.

An entry belongs to an address, outlives every person who has it, and is nobody's standing. An address stands once on
the blacklist of a scope. Put there again it keeps its entry; if that changes anything it is for the stricter only: the
later expiry holds, and another spelling of the address brings the further keys that it may be read as.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from policy import blacklists, queries
from policy.blacklists import BadEntry
from policy.events import Delisting, Learned, Listing
from policy.model import BlacklistEntry, Listed, Microseconds
from policy.store import journal
from policy.store.digests import Digests
from policy.store.querying import Field, Selection
from policy.store.sieve import note_removal

T = TypeVar("T")

ADDED: Final = "Blacklist Entry Added"
REMOVED: Final = "Blacklist Entry Removed"

_COLUMNS: Final = "id, address, scope, reason, expires"
_COUNTS: Final = "(until IS NULL OR until >= ?)"
_NUMBER: Final = "(instr(key, '+') = 1 AND NOT instr(key, '@'))"  # of a phone; an address may begin with a + too


class UnknownEntry(LookupError):
    """No blacklist entry has this id."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of a list, and how many it has in all."""

    total: int
    entries: Sequence[BlacklistEntry]


# Changing


def holds(connection: sqlite3.Connection, digests: Digests, listing: Listing) -> bool:
    """Tell whether an address that was put on the blacklist of a scope is still there."""
    return bool(rows_of(connection, digests, listing))


def rows_of(connection: sqlite3.Connection, digests: Digests, listing: Listing) -> list[int]:
    """Give the number of the entry that an address has on the blacklist of a scope, if there is one."""
    found = _found(connection, digests, listing)
    return [] if found is None else [found[0]]


def learn(
    connection: sqlite3.Connection, digests: Digests, event: Listing | Delisting, arrived: Microseconds
) -> Learned:
    """Put an address on a blacklist, or take an entry away; raises UnknownEntry."""
    if isinstance(event, Listing):
        return enter(connection, digests, event, arrived)
    return remove(connection, event, arrived)


def enter(connection: sqlite3.Connection, digests: Digests, listing: Listing, arrived: Microseconds) -> Learned:
    """Put an address on a blacklist; it counts as a repeat where it was there already."""
    found = _found(connection, digests, listing)
    pk = _add(connection, listing, arrived) if found is None else found[0]
    prolonged = found is not None and _prolong(connection, pk, found[1], listing)
    respelled = _add_keys(connection, digests, pk, listing.keys)
    if not (found is None or prolonged or respelled):
        return Learned(journal.last_sequence(connection), arrived, repeat=True, entry=_of(connection, pk))
    sequence = journal.append(connection, [_journalled(listing, ADDED, journal.Kind.LISTING, arrived)])
    return Learned(sequence, arrived, repeat=found is not None, entry=_of(connection, pk))


def remove(connection: sqlite3.Connection, delisting: Delisting, arrived: Microseconds) -> Learned:
    """Take an entry away; raises UnknownEntry."""
    found = connection.execute("SELECT pk FROM blacklist WHERE id = ?", (delisting.id,)).fetchone()
    if found is None:
        raise UnknownEntry
    note_removal(connection, *found)
    connection.execute("DELETE FROM blacklist_key WHERE entry = ?", found)
    connection.execute("DELETE FROM blacklist WHERE pk = ?", found)
    connection.execute(_ONE_LESS)
    gone = _journalled(delisting, REMOVED, journal.Kind.DELISTING, arrived)
    return Learned(journal.append(connection, [gone]), arrived)


def _found(connection: sqlite3.Connection, digests: Digests, listing: Listing) -> tuple[int, int | None] | None:
    """Find the entry of an address, with its expiry; the one may be told by a veil, and the other known by it."""
    wanted = digests.digest(listing.keys[0])
    rows = connection.execute(
        "SELECT e.pk, e.until, e.key FROM blacklist_key k JOIN blacklist e ON e.pk = k.entry"
        " WHERE k.digest = ? AND e.scope = ? ORDER BY e.pk",
        (wanted, listing.scope),
    )
    return next(((pk, until) for pk, until, key in rows if digests.digest(key) == wanted), None)


def rekey(connection: sqlite3.Connection, digests: Digests, pk: int, address: str) -> bool:
    """Give an entry the keys that its address has by today's tables as well, and tell whether any is new."""
    return _add_keys(connection, digests, pk, keys_today(address))


def keys_today(address: str) -> tuple[str, ...]:
    """Give the keys of an entry's address by today's tables; none if it goes on blocking what older ones made of it."""
    try:
        return blacklists.keys_of(address)
    except blacklists.BadEntry:
        return ()


def _journalled(event: Listing | Delisting, name: str, kind: journal.Kind, arrived: Microseconds) -> journal.Entry:
    body = journal.body_of(event)
    return journal.Entry(arrived, arrived, None, kind, name, body, origin=event.origin, source=event.source)


def _add(connection: sqlite3.Connection, listing: Listing, arrived: Microseconds) -> int:
    expires, until = _expiry(listing)
    cursor = connection.execute(
        "INSERT INTO blacklist (id, address, key, scope, reason, expires, until, origin, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            listing.id,
            listing.address,
            listing.keys[0],
            listing.scope,
            listing.reason,
            expires,
            until,
            str(listing.origin),
            arrived,
        ),
    )
    return int(cursor.lastrowid or 0)


def _prolong(connection: sqlite3.Connection, pk: int, until: int | None, listing: Listing) -> bool:
    """Let the later of two expiries hold, and tell whether that is the new one."""
    expires, wanted = _expiry(listing)
    if until is None or (wanted is not None and wanted <= until):
        return False
    connection.execute("UPDATE blacklist SET expires = ?, until = ? WHERE pk = ?", (expires, wanted, pk))
    return True


def _expiry(listing: Listing) -> tuple[str, Microseconds | None]:
    """Give the text of an expiry and the last moment it may mean."""
    return (listing.expires.text, listing.expires.last) if listing.expires else ("", None)


def _add_keys(connection: sqlite3.Connection, digests: Digests, pk: int, keys: Sequence[str]) -> bool:
    """Let an entry have these keys as well, and tell whether any of them is new."""
    held = {row[0] for row in connection.execute("SELECT digest FROM blacklist_key WHERE entry = ?", (pk,))}
    keyed = ((digests.digest(key), pk, key if blacklists.is_pattern(key) else None) for key in dict.fromkeys(keys))
    new = [row for row in keyed if row[0] not in held]
    connection.executemany("INSERT INTO blacklist_key (digest, entry, pattern) VALUES (?, ?, ?)", new)
    return bool(new)


# Counting
#
# Counting a million rows takes as long as reading a hundred pages of them. SQLite keeps the number of entries that ever
# were, so that only those that were removed need a count, written in the same transaction. It is set anew whenever a
# store is opened, in case an older program removed entries and counted none.

_REMOVED: Final = "blacklist_removed"
_EVER: Final = "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'blacklist'), 0)"
_ONE_LESS: Final = (
    f"INSERT INTO meta VALUES ('{_REMOVED}', '1')"  # noqa: S608 (constants)
    " ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
)
_RECOUNT: Final = f"INSERT OR REPLACE INTO meta SELECT '{_REMOVED}', {_EVER} - count(*) FROM blacklist"  # noqa: S608 (constants)


def recount(connection: sqlite3.Connection) -> None:
    """Count the entries that were removed, when a store is opened."""
    connection.execute(_RECOUNT)


def count(connection: sqlite3.Connection) -> int:
    """Tell how many entries there are."""
    removed = f"coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = '{_REMOVED}'), 0)"  # noqa: S608 (constants)
    found: int = connection.execute(f"SELECT {_EVER} - {removed}").fetchone()[0]
    return found


# Asking


def _read_email(value: str) -> str:
    return _key(value, blacklists.email_keys)


def _read_phone(value: str) -> str:
    return _key(value, blacklists.phone_keys)


def _key(value: str, keys: Callable[[str], Sequence[str]]) -> str:
    try:
        return keys(value)[0]
    except BadEntry as rule:
        plus = "; a + is written %2B" if " " in value or value.isdecimal() else ""
        raise queries.BadValue(f"{rule}{plus}") from None


FIELDS: Final = {
    "BlacklistId": Field("id", queries.identifier),
    "Email": Field("key", _read_email, absent=_NUMBER),
    "Phone": Field("key", _read_phone, absent=f"NOT {_NUMBER}"),
    "Scope": Field("scope", absent="scope = ''"),
    "Reason": Field("reason", absent="reason = ''"),
    "ExpiresAt": Field("until", queries.end, opens=queries.moment),
}


# Reading


def listed(connection: sqlite3.Connection, asked: Mapping[bytes, Sequence[str]]) -> dict[str, tuple[Listed, ...]]:
    """Read the entries of some digests, each for all the keys that it stands over."""
    query = (
        "SELECT e.scope, e.origin, e.until, e.created_at FROM blacklist_key k JOIN blacklist e ON e.pk = k.entry"
        " WHERE k.digest = ? ORDER BY k.entry"
    )
    found: dict[str, tuple[Listed, ...]] = {}
    for digest, keys in asked.items():
        entries = tuple(Listed(*row) for row in connection.execute(query, (digest,)))
        for key in keys if entries else ():
            found[key] = found.get(key, ()) + entries
    return found


def under(connection: sqlite3.Connection, digests: Iterable[bytes]) -> tuple[BlacklistEntry, ...]:
    """Read the entries of these very addresses, expired ones and those of every scope included."""
    columns = ", ".join(f"e.{name}" for name in _COLUMNS.split(", "))
    query = (
        f"SELECT e.pk, {columns} FROM blacklist_key k JOIN blacklist e ON e.pk = k.entry"  # noqa: S608 (constants)
        " WHERE k.digest = ? AND k.pattern IS NULL"
    )
    found = {pk: BlacklistEntry(*row) for each in digests for pk, *row in connection.execute(query, (each,))}
    return tuple(found[pk] for pk in sorted(found))


def page(asked: Selection) -> Callable[[sqlite3.Connection], Page]:
    """Make the read of some entries, with how many of them there are on all pages."""

    def read(connection: sqlite3.Connection) -> Page:
        connection.execute("BEGIN")  # both reads see the same list
        try:
            total = count(connection) if asked.whole else asked.count(connection, "blacklist")
            rows = asked.rows(connection, f"SELECT {_COLUMNS} FROM blacklist")  # noqa: S608 (a constant list of columns)
        finally:
            connection.execute("COMMIT")
        return Page(total, [BlacklistEntry(*row) for row in rows])

    return read


def one(entry_id: str) -> Callable[[sqlite3.Connection], BlacklistEntry]:
    """Make the read of an entry by its id; raises UnknownEntry."""

    def read(connection: sqlite3.Connection) -> BlacklistEntry:
        row = connection.execute(f"SELECT {_COLUMNS} FROM blacklist WHERE id = ?", (entry_id,)).fetchone()  # noqa: S608 (a constant list of columns)
        if row is None:
            raise UnknownEntry
        return BlacklistEntry(*row)

    return read


def numbered(entry_id: str) -> Callable[[sqlite3.Connection], tuple[int, BlacklistEntry]]:
    """Make the read of an entry by its id, with its number in the table; raises UnknownEntry."""

    def read(connection: sqlite3.Connection) -> tuple[int, BlacklistEntry]:
        entry = one(entry_id)(connection)
        (number,) = connection.execute("SELECT pk FROM blacklist WHERE id = ?", (entry_id,)).fetchone()
        return number, entry

    return read


def standing_over(
    digests: Digests, keys: Sequence[str], now: Microseconds
) -> Callable[[sqlite3.Connection], list[BlacklistEntry]]:
    """Make the read of all entries that stand for any of these keys, patterns included, and have not expired."""
    domains = [key.rpartition("@")[2] for key in keys if "@" in key]
    patterns = [pattern for domain in domains for pattern in blacklists.patterns_over(domain)]
    wanted = [digests.digest(key) for key in dict.fromkeys([*keys, *patterns])]
    columns = ", ".join(f"e.{name}" for name in _COLUMNS.split(", "))
    query = (
        f"SELECT e.pk, {columns} FROM blacklist_key k JOIN blacklist e ON e.pk = k.entry"  # noqa: S608 (constants)
        f" WHERE k.digest = ? AND {_COUNTS}"
    )

    def read(connection: sqlite3.Connection) -> list[BlacklistEntry]:
        found = {pk: BlacklistEntry(*row) for digest in wanted for pk, *row in connection.execute(query, (digest, now))}
        return [found[pk] for pk in sorted(found)]

    return read


def every(take: Callable[[Iterator[BlacklistEntry]], T], now: Microseconds) -> Callable[[sqlite3.Connection], T]:
    """Make the read that lets somebody take every entry that has not expired, the oldest first."""
    query = f"SELECT {_COLUMNS} FROM blacklist WHERE {_COUNTS} ORDER BY pk"  # noqa: S608 (constants)

    def read(connection: sqlite3.Connection) -> T:
        return take(BlacklistEntry(*row) for row in connection.execute(query, (now,)))

    return read


def _of(connection: sqlite3.Connection, pk: int) -> BlacklistEntry:
    return BlacklistEntry(*connection.execute(f"SELECT {_COLUMNS} FROM blacklist WHERE pk = ?", (pk,)).fetchone())  # noqa: S608 (a constant list of columns)
