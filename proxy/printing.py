"""How commands speak: words to the terminal, and tables that lose nothing when they go into a file.

Who reads the output may stop before its end, as `head` does. A command ends then, and says no word of it: nobody misses
the rest, and nothing went wrong.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 400  # columns where there is no terminal to fit into
UNREAD: Final = 141  # what a shell makes of SIGPIPE


@contextlib.contextmanager
def while_read() -> Iterator[None]:
    """Write out what was printed, and end the program where nobody reads it any more; raises SystemExit then."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        raise SystemExit(UNREAD) from None


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


class _Console(Console):
    """A way out that leaves it to `while_read` what follows when nobody reads."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def _console(*, stderr: bool) -> Console:
    console = _Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)
    if not console.is_terminal:
        console.width = WIDE
    return console
