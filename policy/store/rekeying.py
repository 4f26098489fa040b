"""New keys for old addresses, when the tables that make keys of addresses have changed.

The metadata of phone numbers, the tables of IDNA and those of Unicode change which key an address has. A person keyed
by the old tables would not be found by a send keyed with the new ones. So a store knows by which tables its keys were
made, and when it is opened with others, everybody gets the new keys as well; none is taken away, for a standing may
rest on it. A kept address has no text left to make a key of: it blocks what the old tables made of it.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator

import idna
import orjson
import phonenumbers

from policy import identity
from policy.store import people
from policy.store.digests import Digests
from policy.store.facts import derive

TABLES = f"phonenumbers {phonenumbers.__version__}, idna {idna.__version__}, unicode {unicodedata.unidata_version}"

_MARK = "keys_made_by"


def rekey(connection: sqlite3.Connection, digests: Digests, tables: str = TABLES) -> int:
    """Give everybody the keys of today's tables, and say how many got new ones; the caller commits."""
    made_by = connection.execute("SELECT value FROM meta WHERE name = ?", (_MARK,)).fetchone()
    if made_by is not None and made_by[0] == tables:
        return 0
    changed = sum(_rekey(connection, digests, *row) for row in _addressed(connection)) if made_by else 0
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_MARK, tables))
    return changed


def _addressed(connection: sqlite3.Connection) -> Iterator[tuple[int, str | None, str]]:
    query = "SELECT pk, email, phones FROM person WHERE kept = 0 AND (email IS NOT NULL OR phones != '{}')"
    yield from connection.execute(query).fetchall()


def _rekey(connection: sqlite3.Connection, digests: Digests, pk: int, email: str | None, phones: str) -> bool:
    keys = list(identity.email_keys(email)) if email else []
    for number, known in orjson.loads(phones).values():
        keys += [*known, *identity.phone_keys(number)]
    before = people.addresses(connection, pk)
    added = {digests.digest(key) for key in keys} - before
    if added:
        people.set_addresses(connection, pk, before | added)
        derive(connection, added)
    return bool(added)
