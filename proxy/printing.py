"""How commands speak: words to the terminal, and tables that lose nothing when they go into a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

WIDE = 400  # columns where there is no terminal to fit into


def out() -> Console:
    """Give the way to standard output."""
    return _console(stderr=False)


def err() -> Console:
    """Give the way to standard error."""
    return _console(stderr=True)


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Make a table whose cells are folded where they do not fit, never cut."""
    made = Table(box=None, pad_edge=False)
    for name in names:
        made.add_column(name, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)
    if not console.is_terminal:
        console.width = WIDE
    return console
