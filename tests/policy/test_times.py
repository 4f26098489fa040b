"""When a statement counts from: what its text may mean, cut so that every doubt ends in no."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import times
from policy.model import Microseconds
from policy.times import BadTime, Stated

DAY = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
SECOND = 1_000_000

TEXTS = [
    pytest.param("2026-01-01T00:00:00Z", DAY, DAY + 999_999, id="a whole second"),
    pytest.param("2026-01-01T00:00Z", DAY, DAY + 60 * SECOND - 1, id="a whole minute"),
    pytest.param("2026-01-01T00:00:00.5Z", DAY + 500_000, DAY + 599_999, id="a tenth"),
    pytest.param("2026-01-01T00:00:00.123Z", DAY + 123_000, DAY + 123_999, id="a millisecond"),
    pytest.param("2026-01-01T00:00:00,123Z", DAY + 123_000, DAY + 123_999, id="a comma"),
    pytest.param("2026-01-01T00:00:00.123456Z", DAY + 123_456, DAY + 123_456, id="a microsecond"),
    pytest.param("2026-01-01T00:00:00.123456789Z", DAY + 123_456, DAY + 123_456, id="a nanosecond"),
    pytest.param("2026-01-01t00:00:00z", DAY, DAY + 999_999, id="lower case"),
    pytest.param("2026-01-01 00:00:00Z", DAY, DAY + 999_999, id="a blank for the T"),
    pytest.param("2026-01-01T02:00:00+02:00", DAY, DAY + 999_999, id="an offset"),
    pytest.param("2026-01-01T02:00:00+0200", DAY, DAY + 999_999, id="an offset without colon"),
    pytest.param("2026-01-01T02:00:00+02", DAY, DAY + 999_999, id="an offset of hours"),
    pytest.param("2025-12-31T18:30:00-05:30", DAY, DAY + 999_999, id="an offset to the west"),
    pytest.param("1970-01-01T00:00:00Z", 0, 999_999, id="the beginning"),
    pytest.param("0001-01-01T00:00:00Z", -62_135_596_800 * SECOND, -62_135_596_800 * SECOND + 999_999, id="the year 1"),
]


@pytest.mark.parametrize(("text", "first", "last"), TEXTS)
def test_a_text_means_the_microseconds_of_its_precision(text: str, first: int, last: int) -> None:
    """A stated time may mean any microsecond of what it leaves open, and no other."""
    assert times.read(text) == Stated(Microseconds(first), Microseconds(last), text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-01-01T00:00:00", id="no zone"),
        pytest.param("2026-01-01", id="no time"),
        pytest.param("", id="nothing"),
        pytest.param("2026-02-30T00:00:00Z", id="no such day"),
        pytest.param("2026-01-01T24:00:00Z", id="no such hour"),
        pytest.param("2026-01-01T00:00:60Z", id="a leap second"),
        pytest.param("2026-01-01T00:00:00+24:00", id="no such zone"),
        pytest.param("2026-01-01T00:00:00+01:60", id="no such minute of a zone"),
        pytest.param("0001-01-01T00:00:00+01:00", id="before the year 1"),
        pytest.param("9999-12-31T23:59:59-01:00", id="after the year 9999"),
        pytest.param("1767225600", id="seconds since 1970"),
        pytest.param(" 2026-01-01T00:00:00Z", id="a blank before"),
        pytest.param("2026-01-01T00:00:00Z\n", id="a newline behind"),
        pytest.param("２０２６-01-01T00:00:00Z", id="digits of another script"),
        pytest.param("2026-01-01T00:00:00.Z", id="an empty fraction"),
        pytest.param("2026-01-01T00:00:00.1234567890123Z", id="more digits than anybody means"),
    ],
)
def test_what_is_no_time_with_a_zone_is_refused(text: str) -> None:
    """A text that leaves open which moment is meant is refused."""
    with pytest.raises(BadTime):
        times.read(text)


@pytest.mark.parametrize(
    ("stated", "arrived", "newest", "no", "yes"),
    [
        pytest.param(None, 50, 0, 50, 50, id="no time: the arrival"),
        pytest.param(None, 50, 80, 81, 81, id="no time, but told before: the next tick"),
        pytest.param((10, 19), 50, 0, 19, 10, id="a time: a no from its end, a yes from its start"),
        pytest.param((10, 19), 15, 0, 15, 10, id="cut at the arrival"),
        pytest.param((60, 69), 50, 0, 50, 50, id="in the future: the arrival"),
        pytest.param((60, 69), 50, 65, 65, 50, id="the clock stepped back: a no reaches what was answered"),
        pytest.param((60, 69), 50, 80, 69, 50, id="the clock stepped back: not beyond its own end"),
        pytest.param((-9, -1), 50, 0, 1, 0, id="before 1970"),
        pytest.param((0, 0), 50, 0, 1, 0, id="the very beginning of 1970"),
    ],
)
def test_a_statement_counts_from(stated: tuple[int, int] | None, arrived: int, newest: int, no: int, yes: int) -> None:
    """A no counts from the end of what its time may mean and a yes from the start, neither from after its arrival."""
    meant = stated and Stated(Microseconds(stated[0]), Microseconds(stated[1]), "")
    when = Microseconds(arrived), Microseconds(newest)
    assert times.effective(meant, *when, suppresses=True) == no
    assert times.effective(meant, *when, suppresses=False) == yes


moments = st.integers(0, 4_000_000_000_000_000)


@given(st.integers(-(10**15), 10**16), st.integers(0, SECOND * 60), moments, moments)
def test_a_no_is_never_weaker_than_the_yes_of_the_same_time(first: int, width: int, arrived: int, newest: int) -> None:
    """Of two statements with the same time the no is never the older one, and always counts."""
    stated = Stated(Microseconds(first), Microseconds(first + width), "")
    no = times.effective(stated, Microseconds(arrived), Microseconds(newest), suppresses=True)
    yes = times.effective(stated, Microseconds(arrived), Microseconds(newest), suppresses=False)
    assert no >= yes >= 0
    assert no > 0
    assert yes <= arrived
    assert no <= max(arrived, newest, 1)


@given(moments)
def test_a_written_time_is_read_as_it_was(at: int) -> None:
    """What is written of a time, read again, begins at that time."""
    assert times.read(times.written(Microseconds(at))).first == at
