"""When a nightly removal is due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import removals, times
from policy.model import Microseconds

THREE = 3 * 60


def at(text: str) -> Microseconds:
    """Read a moment."""
    return times.read(text).first


@pytest.mark.parametrize(
    ("now", "due"),
    [
        pytest.param("2026-03-02T03:00:00.000000Z", "2026-03-02T03:00:00.000000Z", id="the very moment"),
        pytest.param("2026-03-02T02:59:59.999999Z", "2026-03-01T03:00:00.000000Z", id="a moment before"),
        pytest.param("2026-03-02T23:00:00.000000Z", "2026-03-02T03:00:00.000000Z", id="in the evening"),
        pytest.param("2024-03-01T01:00:00.000000Z", "2024-02-29T03:00:00.000000Z", id="a leap day"),
        pytest.param("1969-12-31T04:00:00.000000Z", "1969-12-31T03:00:00.000000Z", id="a clock that is far off"),
    ],
)
def test_when_it_is_due(now: str, due: str) -> None:
    """It is due at the last such time of day that there was."""
    assert removals.due_at(at(now), THREE) == at(due)


@given(st.integers(-(10**15), 4 * 10**15), st.integers(0, 24 * 60 - 1))
def test_every_moment_has_one(now: int, minute: int) -> None:
    """The moment is less than a day ago, at that time of the day in UTC."""
    due = removals.due_at(Microseconds(now), minute)
    assert 0 <= now - due < removals.DAY
    assert due % removals.DAY == minute * 60_000_000
