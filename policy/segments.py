"""Segments: saved filters over what people did and how they stand now.

    {"events": {"name": "Opt Out", "from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z", "channel": "MAIL",
                "origin": "page", "properties": {"campaign": "spring"}, "at_least": 1},
     "standing": {"blacklisted": false, "opted_out": {"MAIL": true, "SMS": false}}}

Everything that is said must fit, and what is not said does not matter; an empty filter is everybody. It is no query
language: one kind of event, counted, and the standing. So a filter is small, has one meaning, and costs what the people
cost that are looked through.

`matches` is that meaning. The store finds people by SQL (store/segments.py), and a test holds both against each other.

A property is a text, a whole number or a flag, and equals a value of the same kind: true is not 1, "1" is not 1, and a
number equals a number whichever way JSON writes it. Broken numbers are left out, because no two readers round them the
same way, and so are texts that hold a NUL, which SQLite cuts off there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from policy import times
from policy.model import Channel, Microseconds, Standing
from policy.times import BadTime

NAME: Final = "[A-Za-z0-9][A-Za-z0-9_.-]*"  # of a segment
LONGEST_NAME: Final = 64  # letters of a segment's name
LONGEST_TEXT: Final = 1000  # letters of an event's name, an origin, a property's name or value
MOST_PROPERTIES: Final = 10
MOST_EVENTS: Final = 1000  # that somebody may be asked to have
MOST_DAYS: Final = 3660
LARGEST_NUMBER: Final = 2**53  # up to here every reader of JSON has the same whole numbers

Value = str | int | bool

_UNREADABLE: Final = re.compile(r"\x00|\uffff|\\u0000|\\uffff|[\ud800-\udfff]")  # see store/segments.py for the escapes
_DAY: Final = 86_400_000_000


class BadFilter(ValueError):
    """A filter cannot be read: which field of it, and the rule that is broken, without any value of it."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(field, says)
        self.field = field
        self.says = says


@dataclass(frozen=True, slots=True)
class Happened:
    """One event about a person, as the journal has it."""

    name: str
    at: Microseconds
    channel: str
    origin: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Events:
    """Which events are counted, and how many somebody must have; None does not matter.

    `since` and `until` are microseconds, the second is the first that no longer fits. `last_days` is a time frame that
    moves along. `at_most` is None where there may be any number.
    """

    name: str | None = None
    since: Microseconds | None = None
    until: Microseconds | None = None
    last_days: int | None = None
    channel: Channel | None = None
    origin: str | None = None
    properties: tuple[tuple[str, Value], ...] = ()
    at_least: int = 1
    at_most: int | None = None

    def starts(self, now: Microseconds) -> Microseconds | None:
        """Say from when on events count."""
        return self.since if self.last_days is None else Microseconds(now - self.last_days * _DAY)

    def fit(self, happened: Happened, now: Microseconds) -> bool:
        """Tell whether an event is one of those that are counted."""
        since = self.starts(now)
        return (
            self.name in (None, happened.name)
            and (since is None or happened.at >= since)
            and (self.until is None or happened.at < self.until)
            and self.channel in (None, happened.channel)
            and self.origin in (None, happened.origin)
            and all(_equal(happened.properties, *wanted) for wanted in self.properties)
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """A whole filter; `opted_out` says of channels whether marketing on them is stopped, for ALL whether of all."""

    events: Events | None = None
    blacklisted: bool | None = None
    opted_out: tuple[tuple[Channel, bool], ...] = ()


def matches(segment: Segment, happened: Iterable[Happened], standing: Standing, now: Microseconds) -> bool:
    """Tell whether a person belongs to a segment."""
    if segment.blacklisted not in (None, standing.blacklisted is not None):
        return False
    if any(stopped(standing, channel) is not wanted for channel, wanted in segment.opted_out):
        return False
    if segment.events is None:
        return True
    count = sum(segment.events.fit(each, now) for each in happened)
    most = segment.events.at_most
    return count >= segment.events.at_least and (most is None or count <= most)


def stopped(standing: Standing, channel: Channel) -> bool:
    """Tell whether an opt-out stops marketing on a channel: its own, or that of ALL."""
    return channel in standing.opt_outs or Channel.ALL in standing.opt_outs


def _equal(properties: Mapping[str, Any], name: str, wanted: Value) -> bool:
    found = properties.get(name)
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted
    if isinstance(wanted, str):
        return isinstance(found, str) and found == wanted
    return isinstance(found, int | float) and found == wanted


# Reading


def named(value: Any) -> str:
    """Read a segment's name; raises BadFilter."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not re.fullmatch(NAME, value):
        says = f"1 to {LONGEST_NAME} of A-Z, a-z, 0-9, point, hyphen and underscore, a letter or digit first"
        raise BadFilter("name", says)
    return value


def read(tree: Mapping[str, Any]) -> Segment:
    """Read a filter from JSON; raises BadFilter."""
    _only(tree, "filter", ("events", "standing"))
    standing = _object(tree, "standing", "standing")
    _only(standing, "standing", ("blacklisted", "opted_out"))
    return Segment(
        None if tree.get("events") is None else _events(_object(tree, "events", "events")),
        None if standing.get("blacklisted") is None else _flag(standing["blacklisted"], "standing.blacklisted"),
        _channels(_object(standing, "opted_out", "standing.opted_out")),
    )


def _events(tree: Mapping[str, Any]) -> Events:
    known = ("name", "from", "to", "last_days", "channel", "origin", "properties", "at_least", "at_most")
    _only(tree, "events", known)
    since, until = _time(tree, "from"), _time(tree, "to")
    days = _number(tree, "last_days", 1, MOST_DAYS)
    if days is not None and (since is not None or until is not None):
        raise BadFilter("events.last_days", "it stands instead of from and to, not beside them")
    if since is not None and until is not None and since >= until:
        raise BadFilter("events.to", "it must be later than from")
    at_most = _number(tree, "at_most", 0, MOST_EVENTS)
    at_least = _number(tree, "at_least", 0, MOST_EVENTS)
    least = at_least if at_least is not None else 1 if at_most is None else 0
    if at_most is not None and least > at_most:
        raise BadFilter("events.at_most", "it must not be less than at_least")
    named = None if tree.get("channel") is None else _channel(tree["channel"], "events.channel")
    properties = _properties(_object(tree, "properties", "events.properties"))
    return Events(_text(tree, "name"), since, until, days, named, _text(tree, "origin"), properties, least, at_most)


def _only(tree: Mapping[str, Any], field: str, known: tuple[str, ...]) -> None:
    if any(name not in known for name in tree):
        raise BadFilter(field, f"only {', '.join(known)} may stand in it")


def _object(tree: Mapping[str, Any], name: str, field: str) -> Mapping[str, Any]:
    value = tree.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadFilter(field, "it must be an object")
    return value


def _flag(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise BadFilter(field, "it must be true or false")
    return value


def _number(tree: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = tree.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadFilter(f"events.{name}", f"it must be a whole number from {least} to {most}")
    return value


def _text(tree: Mapping[str, Any], name: str) -> str | None:
    value = tree.get(name)
    return None if value is None else _readable(value, f"events.{name}")


def _readable(value: Any, field: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or _UNREADABLE.search(value):
        raise BadFilter(field, f"it must be a text of up to {LONGEST_TEXT} letters, without NUL")
    return value


def _time(tree: Mapping[str, Any], name: str) -> Microseconds | None:
    value = tree.get(name)
    if value is None:
        return None
    try:
        return times.read(value if isinstance(value, str) else "").first
    except BadTime:
        raise BadFilter(f"events.{name}", "it must be a time with its zone, such as 2026-03-01T00:00:00Z") from None


def _channel(value: Any, field: str) -> Channel:
    if not isinstance(value, str) or value.upper() not in Channel.__members__:
        raise BadFilter(field, "it must be a channel type, such as MAIL, or ALL")
    return Channel[value.upper()]


def _channels(tree: Mapping[str, Any]) -> tuple[tuple[Channel, bool], ...]:
    field = "standing.opted_out"
    told = {_channel(name, field): _flag(value, field) for name, value in tree.items()}
    if len(told) < len(tree):
        raise BadFilter(field, "a channel stands twice")
    return tuple(sorted(told.items()))


def _properties(tree: Mapping[str, Any]) -> tuple[tuple[str, Value], ...]:
    field = "events.properties"
    if len(tree) > MOST_PROPERTIES:
        raise BadFilter(field, f"at most {MOST_PROPERTIES} properties")
    return tuple((_readable(name, field), _value(tree[name], field)) for name in sorted(tree))


def _value(value: Any, field: str) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST_NUMBER:
        return value
    if not isinstance(value, str):
        raise BadFilter(field, "a value must be a text, a whole number of up to 2^53, or true or false")
    return _readable(value, field)


# Writing


def written(segment: Segment) -> dict[str, Any]:
    """Write a filter as `read` reads it, with all that was left open left out."""
    tree: dict[str, Any] = {}
    if segment.events is not None:
        tree["events"] = _written_events(segment.events)
    standing: dict[str, Any] = {}
    if segment.blacklisted is not None:
        standing["blacklisted"] = segment.blacklisted
    if segment.opted_out:
        standing["opted_out"] = {channel.value: wanted for channel, wanted in segment.opted_out}
    return {**tree, "standing": standing} if standing else tree


def _written_events(events: Events) -> dict[str, Any]:
    told = {
        "name": events.name,
        "from": None if events.since is None else times.written(events.since),
        "to": None if events.until is None else times.written(events.until),
        "last_days": events.last_days,
        "channel": None if events.channel is None else events.channel.value,
        "origin": events.origin,
        "properties": dict(events.properties) or None,
        "at_least": events.at_least,
        "at_most": events.at_most,
    }
    return {name: value for name, value in told.items() if value is not None}
