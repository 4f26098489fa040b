"""How commands speak: words to the terminal, and tables that lose nothing when they go into a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

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
        made.add_row(*map(plain, row))
    return made


def plain(text: str) -> Text:
    """Give a text that others wrote as it stands: no markup, and nothing that moves the cursor or sets a colour."""
    return Text("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)
    if not console.is_terminal:
        console.width = WIDE
    return console
