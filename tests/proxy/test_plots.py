"""Plots of plain characters: a table with bars that fits every width."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from proxy import plots
from proxy.plots import Plot, Values


def plot(*values: tuple[str, tuple[int, ...]], by: str = "campaign", drawn: tuple[int, ...] = (0, 1)) -> Plot:
    """Make a plot of two counts."""
    return Plot(f"Opt-outs by {by}, 2026-03-01 to 2026-03-30 (UTC)", by, ("opt_outs", "blacklisted"), drawn, values)


def lines(made: Plot, width: int = 80) -> list[str]:
    """Write a plot."""
    return list(plots.lines(made, width))


def test_a_plot() -> None:
    """Names stand to the left, numbers beside them, and the longest bar takes the room that is left."""
    made = plot(("spring", (40, 20)), ("autumn", (3, 0)), ("(no campaign)", (0, 1)), ("winter", (0, 0)))
    assert lines(made, 60) == [
        "Opt-outs by campaign, 2026-03-01 to 2026-03-30 (UTC)",
        "# opt-outs  + blacklisted",
        "campaign       opt-outs  blacklisted",
        "spring               40           20  ###############+++++++",
        "autumn                3            0  #",
        "(no campaign)         0            1  +",
        "winter                0            0",
    ]


def test_nothing_to_plot() -> None:
    """Without any value the heads are there all the same."""
    assert lines(plot(drawn=(1,)))[1:] == ["campaign  opt-outs  blacklisted", "nothing"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x" * 100, "x" * 23 + "~"),
        ("\x1b[31mred\n", "?[31mred?"),
        ("春" * 30, "春" * 11 + " ~"),
        ("a\u202eb", "a?b"),
    ],
)
def test_names_that_others_wrote(name: str, shown: str) -> None:
    """A name that is too long is cut, and none moves the cursor."""
    assert lines(plot((name, (1, 1))))[-1].startswith(shown)


def test_few_days_have_a_line_each() -> None:
    """Days stay days as long as they fit on a page."""
    made = plot(*((f"2026-03-{n:02}", (n, 0)) for n in range(1, 32)), by="day")
    assert plots.gathered(made) == made


def test_many_days_are_gathered_into_months() -> None:
    """What would take pages is counted by month, and nothing is lost."""
    days = [(f"2026-{month:02}-{day:02}", (1, 2)) for month in (1, 2, 3) for day in range(1, 29)]
    made = plots.gathered(plot(*days, by="day"))
    assert made.values == (("2026-01", (28, 56)), ("2026-02", (28, 56)), ("2026-03", (28, 56)))
    assert (made.by, "by month" in made.title) == ("month", True)


_counts = st.one_of(st.integers(0, 9), st.integers(0, 10**12))
_values: Any = st.lists(st.tuples(st.text(max_size=60), st.tuples(_counts, _counts)), max_size=5).map(tuple)


@given(_values, st.integers(1, 200), st.sampled_from([(0,), (1,), (0, 1)]))
def test_no_line_is_longer_than_the_terminal(values: Values, width: int, drawn: tuple[int, ...]) -> None:
    """Whatever is counted, under whichever names, no line is broken by a terminal, however narrow it is."""
    written = lines(plot(*values, drawn=drawn), width)
    assert all(cell_len(line) <= max(width, 7) for line in written)
    assert all(line.isprintable() for line in written)
    if width >= 80 and max((max(counts) for _, counts in values), default=0) < 10**12:
        for (_, counts), line in zip(values, written[-len(values) :] if values else [], strict=True):
            assert (sum(counts[at] for at in drawn) > 0) is line.endswith(("#", "+"))
            assert str(counts[1]) in line
