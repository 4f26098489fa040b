"""One person's timeline: what was told of them and what was not sent to them, newest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from policy.model import Microseconds
from policy.store import people
from policy.store.profiles import UnknownUser

DISPATCH_FAILED = "Dispatch Failed"

_QUERY = """
SELECT at, kind, number, name, channel, origin, body FROM (
  SELECT effective_at AS at, 'event' AS kind, sequence AS number, name, channel, origin, body
  FROM event WHERE person = :person
  UNION ALL
  SELECT time, 'dispatch_failed', id, :failed, channel, origin, json_object(
    'reason', reason, 'route', route, 'class', class, 'campaign', campaign, 'decision', decision,
    'sender', sender, 'enforced', enforced, 'sent', sent)
  FROM dispatch_failed WHERE user = :user
) WHERE (at, kind, number) < (:at, :kind, :number) ORDER BY at DESC, kind DESC, number DESC LIMIT :limit
"""


class Spot(NamedTuple):
    """A place in a timeline; reading goes on below it."""

    at: int
    kind: str
    number: int


TOP = Spot((1 << 63) - 1, "~", (1 << 63) - 1)


class Line(NamedTuple):
    """One line of a timeline; `properties` are those of an event, or the fields of a record."""

    spot: Spot
    name: str
    channel: str
    origin: str
    properties: dict[str, Any]

    @property
    def at(self) -> Microseconds:
        """When it counts from."""
        return Microseconds(self.spot.at)


def page(external_id: str, below: Spot, limit: int) -> Callable[[sqlite3.Connection], list[Line]]:
    """Make the read of the next lines of a full user's timeline; it raises UnknownUser."""

    def read(connection: sqlite3.Connection) -> list[Line]:
        person = people.by_id(connection, external_id)
        if person is None:
            raise UnknownUser
        values = {"person": person.pk, "user": external_id, "failed": DISPATCH_FAILED, "limit": limit}
        rows = connection.execute(_QUERY, {**values, **below._asdict()})
        return [_line(*row) for row in rows]

    return read


def _line(at: int, kind: str, number: int, *told: Any) -> Line:
    name, channel, origin, body = told
    tree = orjson.loads(body)
    properties = tree.get("properties", tree.get("raw", {})) if kind == "event" else tree
    return Line(Spot(at, kind, number), name, channel or "", origin or "", properties)
