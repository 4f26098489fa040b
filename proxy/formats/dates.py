"""Moments as mail writes them (RFC 5322, section 3.3), for providers that take a schedule in that form."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(
    rf"(?:(?:mon|tue|wed|thu|fri|sat|sun),[ ]*)?(\d{{1,2}})[ ]+({'|'.join(_MONTHS)})[ ]+(\d{{4}})[ ]+"
    r"(\d\d):(\d\d)(?::(\d\d))?[ ]+(?:([+-])(\d\d)(\d\d)|GMT|UTC?|Z)",
    re.ASCII | re.IGNORECASE,
)


def mail_date(text: str) -> float | None:
    """Read `Fri, 14 Oct 2011 12:00:00 +0000` as seconds since 1970; None for anything else.

    A day of the week that does not fit is not looked at. Zones of letters other than GMT are None: readers differ.
    """
    match = _DATE.fullmatch(text.strip(" \t"))
    if match is None:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    away = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        zone = timezone(-away if sign == "-" else away) if away else UTC
        at = (int(year), _MONTHS.index(month.lower()) + 1, int(day), int(hour), int(minute), int(second or 0))
        return datetime(*at, tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        return None
