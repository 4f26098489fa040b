"""Moments as mail writes them, and as the standard library does."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats.dates import mail_date

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(
    at=st.datetimes(datetime(1970, 1, 2), datetime(9990, 1, 1), timezones=ZONES)  # noqa: DTZ001  the strategy adds zones
)
def test_what_the_standard_library_writes_is_read(at: datetime) -> None:
    """A moment written for a mail is the same moment, to the second."""
    assert mail_date(format_datetime(at)) == at.replace(microsecond=0).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("Fri, 14 Oct 2011 12:00:00 +0000", 1318593600, id="in full"),
        pytest.param("14 Oct 2011 12:00 GMT", 1318593600, id="without day and seconds"),
        pytest.param("  fri,14 oct 2011 14:00:00 +0200 ", 1318593600, id="loosely"),
        pytest.param("Mon, 14 Oct 2011 12:00:00 UTC", 1318593600, id="another day of the week"),
        pytest.param("Fri, 14 Oct 2011 12:00:00 EST", None, id="a zone of letters"),
        pytest.param("Fri, 14 Oct 2011 12:00:00", None, id="no zone"),
        pytest.param("Fri, 14 Oct 11 12:00:00 +0000", None, id="two digits of a year"),
        pytest.param("Fri, 31 Feb 2011 12:00:00 +0000", None, id="no such day"),
        pytest.param("Fri, 14 Oct 2011 12:00:00 +9900", None, id="no such zone"),
        pytest.param("01 Jan 0000 00:00:00 +0000", None, id="no such year"),
        pytest.param("2011-10-14T12:00:00Z", None, id="ISO 8601"),
        pytest.param("1318593600", None, id="seconds"),
        pytest.param("Fri, 14 Oct 2011 12:00:00 +0000 (late)", None, id="a comment"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_moment_has_one_reading(text: str, seconds: float | None) -> None:
    """What has exactly one reading is read, all else is none."""
    assert mail_date(text) == seconds
