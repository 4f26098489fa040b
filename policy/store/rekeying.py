"""New keys for old addresses, when the tables or the settings that make keys of addresses have changed.

The metadata of phone numbers, the tables of IDNA and those of Unicode change which key an address has. A person keyed
by the old tables would not be found by a send keyed with the new ones. So a store knows by which tables its keys were
made, and when it is opened with others, everybody whose addresses those tables touch gets the new keys as well; none is
taken away, for a standing may rest on it. A kept address has no text left to make a key of: it blocks what the old
tables made of it. In the same way a store knows which traits hold phone numbers, and when one more is named, the
numbers told under that name before are keyed too.

Both go through the people in chunks, each a transaction of its own. A mark says how far new tables got, so that a gate
that was stopped in the middle of its start goes on there.

A journal that is told again behind a copy brings the keys that were made when it was written. Where today's tables make
others, the store is marked as keyed by tables that nobody knows, and gets today's keys when it is opened next.
"""

from __future__ import annotations

import contextlib
import sqlite3
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import idna
import orjson
import phonenumbers

from policy import identity
from policy.events import Event, Listing, Profile, Told
from policy.store import blacklists, people
from policy.store.digests import Digests

TABLES: Mapping[str, str] = {
    "phonenumbers": phonenumbers.__version__,
    "idna": idna.__version__,
    "unicode": unicodedata.unidata_version,
}
CHUNK = 1000  # people who are written in one transaction
WINDOW = 5000  # people who are looked at in one transaction beside others

_MADE_BY = "keys_made_by"
_GOT_TO = "keys_made_up_to"  # while it goes on: by which tables, and the last person who has their keys
_TRAITS = "phone_traits"

# What a kind of tables may have a say in. Plain ASCII has one spelling by all of them; [^ -~] is everything else.
_UNPLAIN = "email GLOB '*[^ -~]*' OR email LIKE '%xn--%' OR instr(email, '\"')"
_TOUCHED: Mapping[str, str] = {
    "phonenumbers": "phones != '{}'",
    "idna": _UNPLAIN,
    "unicode": f"{_UNPLAIN} OR phones GLOB '*[^ -~]*'",
}
_UNPLAIN_ENTRY = _UNPLAIN.replace("email", "address")
_TOUCHED_ENTRY: Mapping[str, str] = {
    "phonenumbers": "instr(key, '+') = 1 AND NOT instr(key, '@')",
    "idna": _UNPLAIN_ENTRY,
    "unicode": _UNPLAIN_ENTRY,
}


def rekey(connection: sqlite3.Connection, digests: Digests, tables: Mapping[str, str] = TABLES) -> int:
    """Give everybody the keys of today's tables, and say how many got new ones; it begins and commits by itself."""
    made_by, today = _marked(connection, _MADE_BY), _text(tables)
    if made_by == today:
        return 0
    changed = 0
    if made_by is not None:
        changed_tables = _changed(dict(version.split(" ", 1) for version in made_by.split(", ")), tables)
        where = _touched(_TOUCHED, changed_tables)
        pk: int | None = _got_to(connection, today)
        while pk is not None:
            with _transaction(connection):
                pk, count = _rekey_chunk(connection, digests, where, pk)
                changed += count
                _mark(connection, _GOT_TO, f"{pk}: {today}")
        changed += _rekey_entries(connection, digests, _touched(_TOUCHED_ENTRY, changed_tables))
    with _transaction(connection):
        _mark(connection, _MADE_BY, today)
        connection.execute("DELETE FROM meta WHERE name = ?", (_GOT_TO,))
    return changed


def is_outdated(event: Event) -> bool:
    """Tell whether today's tables make keys of an event's addresses that were not told with it."""
    match event:
        case Told(subject=subject):
            phone = _more(identity.phone_keys(subject.phone or ""), subject.phone_keys)
            return phone or _more(identity.email_keys(subject.email or ""), subject.email_keys)
        case Profile():
            phones = any(phone and _more(identity.phone_keys(phone[0]), phone[1]) for phone in event.phones.values())
            return phones or _more(identity.email_keys(event.email or ""), event.email_keys)
        case Listing():
            return _more(blacklists.keys_today(event.address), event.keys)
    return False


def _more(today: Collection[str], told: Collection[str]) -> bool:
    return not set(today) <= set(told)


def doubt(connection: sqlite3.Connection) -> None:
    """Mark the store as keyed by tables that nobody knows."""
    _mark(connection, _MADE_BY, _text(dict.fromkeys(TABLES, "unknown")))


def _changed(before: Mapping[str, str], tables: Mapping[str, str]) -> list[str]:
    return [kind for kind, version in tables.items() if before.get(kind) != version]


def _touched(conditions: Mapping[str, str], changed: Collection[str]) -> str:
    """Say of whom a key may have changed."""
    return " OR ".join(f"({conditions[kind]})" for kind in changed) or "0"


def _got_to(connection: sqlite3.Connection, today: str) -> int:
    """Give the person to go on behind, 0 unless these very tables were begun with."""
    pk, _, tables = (_marked(connection, _GOT_TO) or "").partition(": ")
    return int(pk) if tables == today and pk.isdecimal() else 0


def _rekey_chunk(connection: sqlite3.Connection, digests: Digests, where: str, pk: int) -> tuple[int | None, int]:
    """Rekey the people behind one; gives the last of them, None where there was nobody, and how many got new keys."""
    rows = connection.execute(
        f"SELECT pk, email, phones FROM person WHERE pk > ? AND kept = 0 AND ({where}) ORDER BY pk LIMIT ?",  # noqa: S608 (constants of this file)
        (pk, CHUNK),
    ).fetchall()
    changed = sum(_rekey(connection, digests, *row) for row in rows)
    return (rows[-1][0] if rows else None), changed


def _rekey_entries(connection: sqlite3.Connection, digests: Digests, where: str) -> int:
    """Rekey the blacklist's entries chunk by chunk, and say how many got new keys; a stopped one begins anew."""
    query = f"SELECT pk, address FROM blacklist WHERE pk > ? AND ({where}) ORDER BY pk LIMIT ?"  # noqa: S608 (constants of this file)
    changed, pk = 0, 0
    while rows := connection.execute(query, (pk, CHUNK)).fetchall():
        with _transaction(connection):
            changed += sum(blacklists.rekey(connection, digests, *row) for row in rows)
        pk = rows[-1][0]
    return changed


def _rekey(connection: sqlite3.Connection, digests: Digests, pk: int, email: str | None, phones: str) -> bool:
    keys = list(identity.email_keys(email)) if email else []
    for number, known in orjson.loads(phones).values():
        keys += [*known, *identity.phone_keys(number)]
    return people.add_keys(connection, digests, pk, keys)


# Traits that hold phone numbers


def phone_traits(connection: sqlite3.Connection) -> frozenset[str]:
    """Give the names under which every number that was told is keyed."""
    return frozenset(orjson.loads(_marked(connection, _TRAITS) or "[]"))


def mark_phone_traits(connection: sqlite3.Connection, names: Collection[str]) -> None:
    """Write down the names under which every number that was told is keyed."""
    _mark(connection, _TRAITS, orjson.dumps(sorted(names)).decode())


def key_traits(digests: Digests, names: Collection[str], pk: int) -> Callable[[sqlite3.Connection], int | None]:
    """Make the transaction that keys the numbers of some people behind one; gives the last, None where none is left."""
    having = (
        "SELECT pk, phones, traits FROM person WHERE pk > ? AND pk <= ? AND kept = 0"
        " AND EXISTS (SELECT 1 FROM json_each(traits) WHERE key IN (SELECT value FROM json_each(?))) ORDER BY pk"
    )

    def transaction(connection: sqlite3.Connection) -> int | None:
        wanted = orjson.dumps(list(names)).decode()
        for row in connection.execute(having, (pk, pk + WINDOW, wanted)).fetchall():
            _key_traits_of(connection, digests, names, *row)
        return pk + WINDOW if pk + WINDOW < people.last_pk(connection) else None

    return transaction


def _key_traits_of(
    connection: sqlite3.Connection, digests: Digests, names: Collection[str], pk: int, phones: str, traits: str
) -> None:
    held, told = orjson.loads(phones), orjson.loads(traits)
    found = {name: (str(told[name]), _keys(told[name])) for name in names if _keys(told.get(name))}
    people.add_keys(connection, digests, pk, [key for _, keys in found.values() for key in keys])
    people.update(connection, pk, {"phones": orjson.dumps({**held, **found}).decode()})


def _keys(value: Any) -> tuple[str, ...]:
    """Read a trait that was told before anybody said that it holds a number: it may be anything."""
    return identity.phone_keys(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ()


# Marks


def _marked(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def _mark(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _text(tables: Mapping[str, str]) -> str:
    return ", ".join(f"{kind} {version}" for kind, version in tables.items())


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
