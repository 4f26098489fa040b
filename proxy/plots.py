"""Plots of counts as lines of plain characters: a table whose last column is a bar.

A line fits the width that is given, so it is never broken, in a pipe as in a terminal. Bars of one plot have one scale,
the longest takes the room that is left, and whatever is more than nothing has at least one character.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from rich.cells import cell_len, set_cell_size

DAYS: Final = 62  # that have a line each; more are gathered into months
MARKS: Final = "#+"
LABEL: Final = 24  # columns of the longest name
SHORTEST: Final = 8  # columns of a bar


Values = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Counts by a value. `drawn` are the places of the counts that a bar is made of."""

    title: str
    by: str
    names: tuple[str, ...]
    drawn: tuple[int, ...]
    values: Values

    @property
    def most(self) -> int:
        """The sum that the longest bar stands for."""
        return max((sum(counts[at] for at in self.drawn) for _, counts in self.values), default=0)


def gathered(plot: Plot) -> Plot:
    """Gather days into months where there are too many of them to be told apart."""
    if plot.by != "day" or len(plot.values) <= DAYS:
        return plot
    months: dict[str, tuple[int, ...]] = {}
    for day, counts in plot.values:
        held = months.get(day[:7], (0,) * len(counts))
        months[day[:7]] = tuple(map(sum, zip(held, counts, strict=True)))
    return replace(plot, by="month", title=plot.title.replace(" by day", " by month"), values=tuple(months.items()))


def lines(plot: Plot, width: int) -> Iterator[str]:
    """Write a plot into lines of at most so many columns."""
    heads = [name.replace("_", "-") for name in plot.names]
    sizes = [max(len(head), *(len(str(c[at])) for _, c in plot.values), 1) for at, head in enumerate(heads)]
    taken = sum(size + 2 for size in sizes)
    label = min(LABEL, max(map(cell_len, (plot.by, *(shown(value) for value, _ in plot.values)))))
    label = max(1, min(label, width - taken - 2 - SHORTEST))
    room = width - label - taken - 2
    yield set_cell_size(plot.title, min(width, cell_len(plot.title)))
    if len(plot.drawn) > 1:
        yield _legend(plot)[:width]
    yield _line(plot.by, heads, sizes, label, "", width)
    for value, counts in plot.values:
        numbers = [str(count) for count in counts]
        yield _line(shown(value), numbers, sizes, label, _bar(plot, counts, room), width)
    if not plot.values:
        yield "nothing"


def _line(label: str, cells: list[str], sizes: list[int], width: int, bar: str, most: int) -> str:
    numbers = "".join(f"  {cell:>{size}}" for cell, size in zip(cells, sizes, strict=True))
    fits = label if cell_len(label) <= width else f"{set_cell_size(label, max(1, width - 1))}~"
    return f"{set_cell_size(fits, width)}{numbers}  {bar}"[:most].rstrip()


def shown(value: str) -> str:
    """Give a name that others wrote without what would move the cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in value)


def _legend(plot: Plot) -> str:
    return "  ".join(f"{mark} {plot.names[at].replace('_', '-')}" for mark, at in zip(MARKS, plot.drawn, strict=False))


def _bar(plot: Plot, counts: tuple[int, ...], room: int) -> str:
    parts = (_length(counts[at], plot.most, room) for at in plot.drawn)
    return "".join(mark * length for mark, length in zip(MARKS, parts, strict=False))[: max(0, room)]


def _length(count: int, most: int, room: int) -> int:
    return max(1, round(count * room / most)) if count and room > 0 else 0
