"""Dispatch failed records: what was not sent, to whom, and why.

One per refused recipient; one per send, with the count of its recipients, where the send ended as a whole. Of a request
that was not read as a send it says what was asked for, in a form that names nobody. An address
stands in the clear while somebody has it; of a kept address only the masked form is written, with the digest that the
address filter finds it by.

Ids and times grow together, nearly: a record has the time its send arrived and is written when the send has ended. So
a list between two times is a list between two ids, which one look into the index of times finds each, and nothing is
sorted. Where a clock was set back by more than LAG that would miss records; the store notes it (`_DISORDERED`), and
while such records are there a list between times walks them all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy import identity
from policy.model import Outcome, Refused, Sent
from policy.reasons import Reason
from policy.store.digests import Digests

COLUMNS = (
    "id",
    "time",
    "decision",
    "route",
    "provider",
    "channel",
    "class",
    "place",
    "address",
    "digest",
    "user",
    "business_unit",
    "reason",
    "origin",
    "sender",
    "campaign",
    "recipients",
    "enforced",
    "sent",
    "upstream_status",
    "request",
)
LAG = 3_600_000_000  # microseconds that a record may be older than another which was written before it
LONGEST = 320  # characters kept of a place or an address that a sender wrote


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of records is narrowed to; `address` is a tuple of keys, times are microseconds.

    `before` is the cursor: only records with a smaller id.
    """

    decision: str | None = None
    since: int | None = None
    until: int | None = None
    reason: str | None = None
    route: str | None = None
    channel: str | None = None
    user: str | None = None
    campaign: str | None = None
    sender: str | None = None
    address: tuple[str, ...] | None = None
    before: int | None = None


def write(digests: Digests, outcome: Outcome) -> Callable[[sqlite3.Connection], None]:
    """Make the transaction that writes the records of an outcome."""
    rows = list(_rows(digests, outcome))
    marks = ", ".join("?" * (len(COLUMNS) - 1))
    statement = f"INSERT INTO dispatch_failed ({', '.join(COLUMNS[1:])}) VALUES ({marks})"  # noqa: S608 (constants)

    def transaction(connection: sqlite3.Connection) -> None:
        newest = connection.execute("SELECT max(time) FROM dispatch_failed").fetchone()[0] or 0
        connection.executemany(statement, rows)
        if outcome.arrived_at < newest - LAG:
            connection.execute(_NOTE_DISORDER, (_DISORDERED,))

    return transaction


_DISORDERED = "records_disordered"  # the newest id whose time is too old for its place
_NOTE_DISORDER = "INSERT OR REPLACE INTO meta SELECT ?, max(id) FROM dispatch_failed"


def _rows(digests: Digests, outcome: Outcome) -> Iterator[tuple[Any, ...]]:
    for refused in outcome.refused:
        recipient = refused.recipient
        yield (
            outcome.arrived_at,
            outcome.decision,
            outcome.route,
            outcome.provider,
            recipient.channel,
            outcome.message_class,
            recipient.place[:LONGEST],
            _address(refused),
            digests.digest(recipient.keys[0]) if recipient.keys else None,
            refused.user,
            refused.business_unit or outcome.business_unit,
            refused.reason,
            refused.origin,
            outcome.sender,
            outcome.campaign,
            1,
            refused.enforced,
            Sent.NO if refused.enforced else outcome.sent,
            outcome.upstream_status,
            outcome.request or None,
        )
    if outcome.reason is not None:
        yield _whole(outcome, outcome.reason)


def _whole(outcome: Outcome, reason: Reason) -> tuple[Any, ...]:
    """Write the row of a send that ended as a whole: nobody is named, everybody is counted."""
    return (
        outcome.arrived_at,
        outcome.decision,
        outcome.route,
        outcome.provider,
        outcome.channel,
        outcome.message_class,
        *(None, None, None, None),
        outcome.business_unit,
        reason,
        "",
        outcome.sender,
        outcome.campaign,
        outcome.recipients,
        outcome.enforced,
        outcome.sent,
        outcome.upstream_status,
        outcome.request or None,
    )


def _address(refused: Refused) -> str:
    address = refused.recipient.address
    return identity.masked(address) if refused.kept else address[:LONGEST]


def page(digests: Digests, wanted: Filter, limit: int) -> Callable[[sqlite3.Connection], list[dict[str, Any]]]:
    """Make the read of the newest records that fit a filter, newest first."""
    where, values = _where(digests, wanted)
    query = f"SELECT {', '.join(COLUMNS)} FROM dispatch_failed WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 (constants)

    def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
        return [dict(zip(COLUMNS, row, strict=True)) for row in connection.execute(query, (*values, limit))]

    return read


def one(number: int) -> Callable[[sqlite3.Connection], dict[str, Any] | None]:
    """Make the read of one record by its id."""
    query = f"SELECT {', '.join(COLUMNS)} FROM dispatch_failed WHERE id = ?"  # noqa: S608 (constants)

    def read(connection: sqlite3.Connection) -> dict[str, Any] | None:
        row = connection.execute(query, (number,)).fetchone()
        return None if row is None else dict(zip(COLUMNS, row, strict=True))

    return read


SUMMARIES: Mapping[str, str] = {
    "reason": "reason",
    "route": "route",
    "day": "strftime('%Y-%m-%d', time / 1000000, 'unixepoch')",
    "sender": "sender",
}


def summary(digests: Digests, wanted: Filter, by: str) -> Callable[[sqlite3.Connection], list[tuple[str, int, int]]]:
    """Make the read that counts records by a column of SUMMARIES: its value, records, and recipients in them."""
    where, values = _where(digests, wanted)
    query = (
        f"SELECT {SUMMARIES[by]} AS value, count(*), sum(recipients) FROM dispatch_failed"  # noqa: S608 (constants)
        f" WHERE {where} GROUP BY value ORDER BY value"
    )

    def read(connection: sqlite3.Connection) -> list[tuple[str, int, int]]:
        return connection.execute(query, values).fetchall()

    return read


_EQUAL: Mapping[str, str] = {
    name: f"{name} = ?" for name in ("decision", "reason", "route", "channel", "user", "campaign", "sender")
}
# What has the time of the one that is found is at its place, and so is everything LAG apart from it. The plus keeps the
# index of times, whose order is another, from being walked.
_IN_ORDER = (
    f"NOT EXISTS (SELECT 1 FROM meta WHERE name = '{_DISORDERED}'"  # noqa: S608 (constants)
    " AND CAST(value AS INTEGER) >= (SELECT min(id) FROM dispatch_failed))"
)
_EARLIER = (
    f"coalesce((SELECT id FROM dispatch_failed WHERE time < ? - {LAG} AND {_IN_ORDER}"  # noqa: S608 (constants)
    " ORDER BY time DESC, id DESC LIMIT 1), 0)"
)
_LATER = (
    f"coalesce((SELECT id FROM dispatch_failed WHERE time >= ? + {LAG} AND {_IN_ORDER}"  # noqa: S608 (constants)
    " ORDER BY time, id LIMIT 1), 9223372036854775807)"
)
_SINCE = f"id > {_EARLIER} AND +time >= ?"
_UNTIL = f"id < {_LATER} AND +time < ?"
_CONDITIONS: Mapping[str, str] = {**_EQUAL, "since": _SINCE, "until": _UNTIL, "before": "id < ?"}


def between(connection: sqlite3.Connection, since: int, until: int) -> tuple[int, int]:
    """Give two ids between which the records of a time lie, none of them at it; others may lie there too."""
    after, before, last = connection.execute(
        f"SELECT {_EARLIER}, {_LATER}, (SELECT coalesce(max(id), 0) FROM dispatch_failed)",  # noqa: S608 (constants)
        (since, until),
    ).fetchone()
    return after, min(before, last + 1)


def _where(digests: Digests, wanted: Filter) -> tuple[str, list[Any]]:
    conditions, values = ["1"], []
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(condition)
            values += [value] * condition.count("?")
    if wanted.address is not None:
        found = [digests.digest(key) for key in wanted.address]
        conditions.append(f"digest IN ({', '.join('?' * len(found))})" if found else "0")
        values += found
    return " AND ".join(conditions), values
