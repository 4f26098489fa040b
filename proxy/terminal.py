"""Texts that others wrote, made fit for an operator's terminal: addresses and ids may hold anything."""

from __future__ import annotations

from rich.text import Text


def plain(text: str) -> Text:
    """Give a text as it stands: brackets are no markup, and nothing in it moves the cursor or sets a colour."""
    return Text("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))
