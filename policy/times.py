"""Times as they are stated, and when a statement counts from.

A stated time has a precision: `10:00:00Z` is a whole second, and nobody knows which of its million microseconds was
meant. So a statement that suppresses counts from the end of its stated precision and one that releases from its start:
whichever order two statements of the same second were meant in, the person is suppressed. And no statement counts
from later than its arrival, or a clock that runs ahead could forbid tomorrow's no. Two more things follow from that:

- An arrival is never earlier than what was answered before it, even when the gate's own clock stepped back. So a no is
  cut at the newest time already told, if that is later than its arrival.
- A no is a no whenever it was stated. Some systems write the year 1 for a time they do not know; registers hold zero
  for never; so a no from before 1970 counts from the first microsecond after.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from policy.model import Microseconds

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?([Zz]|[+-]\d\d:?(?:\d\d)?)", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadTime(ValueError):
    """A stated time that cannot be read, or that has no zone."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A stated time: the first and the last microsecond it may mean, and its text."""

    first: Microseconds
    last: Microseconds
    text: str


def read(text: str) -> Stated:
    """Read an ISO 8601 time with a zone; raises BadTime.

    Without seconds the precision is a minute, without a fraction a second, else that of the fraction's digits.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise BadTime("not an ISO 8601 time with a zone, such as 2022-01-11T00:00:00Z")
    *whole, fraction, zone = match.groups()
    start = _instant([int(part or 0) for part in whole], zone)
    if whole[5] is None:
        return Stated(start, Microseconds(start + 60_000_000 - 1), text)
    if fraction is None:
        return Stated(start, Microseconds(start + 1_000_000 - 1), text)
    first = start + int(fraction[:6].ljust(6, "0"))
    width: int = 10 ** max(0, 6 - len(fraction))
    return Stated(Microseconds(first), Microseconds(first + width - 1 if len(fraction) <= 6 else first), text)


def read_in_utc(text: str) -> Stated:
    """Read an ISO 8601 time or date, UTC where it names no zone; raises BadTime.

    For questions and visits: what is said of a standing has a zone, or nobody knows when it counts from.
    """
    if _DATE.fullmatch(text):
        start = read(f"{text}T00:00Z").first
        return Stated(start, Microseconds(start + 86_400_000_000 - 1), text)
    try:
        return read(text)
    except BadTime:
        return read(f"{text}Z")


def effective(stated: Stated | None, arrived: Microseconds, newest: Microseconds, *, suppresses: bool) -> Microseconds:
    """Say when a statement counts from, given its arrival and the newest time in the registers it touches.

    A statement without a time of its own counts from its arrival, and in any case after all that was said before it,
    so that what was answered holds even when a clock stepped back.
    """
    if stated is None:
        return Microseconds(max(arrived, newest + 1))
    if suppresses:
        return Microseconds(max(1, min(stated.last, max(arrived, newest))))
    return Microseconds(max(0, min(stated.first, arrived)))


def written(at: Microseconds) -> str:
    """Write a time as ISO 8601 in UTC, with microseconds only where there are any."""
    text = (_EPOCH + at * _MICROSECOND).isoformat()
    return text.replace("+00:00", "Z")


def _instant(parts: list[int], zone: str) -> Microseconds:
    try:
        year, month, day, hour, minute, second = parts
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _offset(zone)
    except (ValueError, OverflowError) as error:
        raise BadTime("no such time") from error
    return Microseconds((moment - _EPOCH) // _MICROSECOND)


def _offset(zone: str) -> timedelta:
    if zone in "Zz":
        return timedelta(0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    offset = timedelta(hours=hours, minutes=minutes)
    return offset if zone[0] == "+" else -offset
