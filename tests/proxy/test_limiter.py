"""Budgets of requests: each client has its own, it fills up again, and few of them are remembered."""

from __future__ import annotations

import pytest

from proxy.limiter import BURST, Limiter


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_budget_is_used_up_and_fills_again() -> None:
    """So many may be asked at once, then so many a second."""
    clock = Clock()
    limiter = Limiter(2, clock)
    assert [limiter.takes("192.0.2.1") for _ in range(2 * BURST + 2)] == [True] * 2 * BURST + [False] * 2
    clock.now += 1
    assert [limiter.takes("192.0.2.1") for _ in range(3)] == [True, True, False]
    clock.now += 10_000
    assert [limiter.takes("192.0.2.1") for _ in range(2 * BURST + 1)] == [True] * 2 * BURST + [False]


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        pytest.param("192.0.2.2", False, id="the next IPv4 address"),
        pytest.param("2001:db8::ffff", True, id="an IPv6 address of the same network"),
        pytest.param("2001:db8:0:1::1", False, id="an IPv6 address of the next one"),
        pytest.param("", False, id="nobody knows who"),
    ],
)
def test_whose_budget_it_is(other: str, shared: bool) -> None:  # noqa: FBT001 (a column of the table)
    """An IPv4 address has a budget, and so has a whole network of IPv6, which is one subscriber's."""
    limiter = Limiter(1, Clock())
    for _ in range(BURST):
        limiter.takes("192.0.2.1")
        limiter.takes("2001:db8::1")
    assert not limiter.takes("2001:db8::1")
    assert limiter.takes(other) is not shared


def test_few_are_remembered() -> None:
    """The oldest is forgotten first, and has a whole budget again."""
    limiter = Limiter(1, Clock(), most=3)
    for _ in range(BURST):
        limiter.takes("192.0.2.1")
    for last in range(2, 9):
        assert limiter.takes(f"192.0.2.{last}")
    assert len(limiter) == 3
    assert limiter.takes("192.0.2.1")
