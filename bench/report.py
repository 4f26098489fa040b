"""What is printed: one row for each thing measured, with its median over the rounds, the range, and its target."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console
from rich.table import Table

CONSOLE = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 110)


@dataclass(frozen=True, slots=True)
class Target:
    """What a median shall reach."""

    bound: float
    at_least: bool

    def reached(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {_written(self.bound)}"


def at_least(bound: float) -> Target:
    """Ask for no less."""
    return Target(bound, at_least=True)


def at_most(bound: float) -> Target:
    """Ask for no more."""
    return Target(bound, at_least=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured, once in each round."""

    what: str
    values: Sequence[float]
    unit: str
    target: Target | None = None

    def cells(self) -> tuple[str, ...]:
        middle = median(self.values)
        spread = f"{_written(min(self.values))} - {_written(max(self.values))}"
        if self.target is None:
            return self.what, _written(middle), spread, self.unit, "", ""
        word = "reached" if self.target.reached(middle) else "[bold]missed[/bold]"
        return self.what, _written(middle), spread, self.unit, str(self.target), word


@dataclass(slots=True)
class Report:
    """One benchmark's rows, and what has to be known to read them."""

    title: str
    notes: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, values: Sequence[float], unit: str, target: Target | None = None) -> None:
        """Add a row."""
        self.rows.append(Row(what, list(values), unit, target))

    def compare(self, names: tuple[str, str], mine: Sequence[float], others: Sequence[float], unit: str) -> list[float]:
        """Add a row for each of two, and give the ratio of the first to the second in each round."""
        self.add(names[0], mine, unit)
        self.add(names[1], others, unit)
        return [one / other for one, other in zip(mine, others, strict=True)]

    def print(self) -> None:
        """Print the table, then its notes."""
        table = Table(title=self.title, title_justify="left", title_style="bold")
        for name, justify in (
            ("", "left"),
            ("median", "right"),
            ("min - max", "right"),
            ("", "left"),
            ("target", "left"),
        ):
            table.add_column(name, justify="right" if justify == "right" else "left")
        table.add_column("")
        for row in self.rows:
            table.add_row(*row.cells())
        CONSOLE.print(table)
        for note in self.notes:
            say(f"  {note}")
        say("")


def say(text: str) -> None:
    """Print a line of plain text."""
    CONSOLE.print(text, markup=False)


def _written(value: float) -> str:
    """Write three digits that count, thousands without a fraction."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
