"""Answers that are zipped by position: the sender pairs the n-th entry of an answer with the n-th of its own entries.

Where an entry was taken out of a send, the provider's answer is short by one, and everything behind it would be paired
with somebody else. So the answer gets an entry of the gate's own at each place where one is missing, or, where its
length does not fit, is not touched at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

_T = TypeVar("_T")


def spliced(items: list[_T], missing: Mapping[int, _T], total: int) -> list[_T] | None:
    """Give all `total` entries in the sender's order: `missing` by the sender's own index, `items` at all others.

    None where the counts do not fit, because nobody can tell then which entry belongs where.
    """
    if len(items) + len(missing) != total or not all(0 <= index < total for index in missing):
        return None
    answered = iter(items)
    return [missing[index] if index in missing else next(answered) for index in range(total)]


def original_index(index: int, gone: Collection[int]) -> int:
    """Give the sender's own index of the entry that has this index in the list without those that are gone."""
    for removed in sorted(set(gone)):
        if removed > index:
            break
        index += 1
    return index
