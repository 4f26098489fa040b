"""Which recipients of a send may be on a blacklist, in memory: nearly all are not, and the store is not asked of them.

A million entries among the rows that judging reads would make each lookup slower for everybody, and an address stands
under as many patterns as its domain has labels. So memory holds a sieve of all entries, and only what it does not hold
back is looked up. What is here decides nothing, the store's own rows do. It may hold too much, of entries that were
removed since the store was opened, and costs a needless lookup then. It never holds too little:

- The writer takes in what a transaction added before it commits (`see`), so before anybody is answered.
- Only when the commit has succeeded it moves its mark on (`settle`). A transaction that failed is looked through again.

Single addresses are their hashes, some 90 bytes each, and patterns their keys. A key ends in the pattern that stands
over it, so the last letters of all patterns (`_tails`) hold nearly everybody back. What is done for each recipient is
done by set operations: a loop in Python would take a tenth of all that judging takes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable
from operator import itemgetter
from typing import Final

from policy.blacklists import patterns_over
from policy.store.digests import key_hash

_SINCE: Final = "SELECT pk, digest, pattern FROM blacklist_key WHERE pk > ? ORDER BY pk"
_LONGEST_TAIL: Final = 16  # letters


class Sieve:
    """The entries of one store, and perhaps some that were removed since it was opened."""

    def __init__(self) -> None:
        self._hashes: set[int] = set()
        self._patterns: set[str] = set()
        self._length = _LONGEST_TAIL  # letters of a tail; no pattern is shorter
        self._tails = _tail_of(self._length), set[str]()
        self._seen = 0  # the last row of the table that was committed and is here

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to be asked of anybody."""
        return not self._hashes and not self._patterns

    def addresses(self, hashes: Iterable[int]) -> set[int]:
        """Give those of some addresses' hashes that may be an entry's."""
        return self._hashes.intersection(hashes)

    def patterns(self, keys: Collection[str]) -> dict[str, list[str]]:
        """Give the keys of patterns that may stand over some addresses, each with the keys it stands over."""
        tail, tails = self._tails
        if not tails or tails.isdisjoint(map(tail, keys)):
            return {}
        found: dict[str, list[str]] = {}
        for key in keys:
            for pattern in patterns_over(key.rpartition("@")[2]) if tail(key) in tails else ():
                if pattern in self._patterns:
                    found.setdefault(pattern, []).append(key)
        return found

    def see(self, connection: sqlite3.Connection) -> int:
        """Take in the entries that are new in a transaction, and give the mark for `settle` once it is committed."""
        mark = self._seen
        for pk, digest, pattern in connection.execute(_SINCE, (mark,)):
            mark = pk
            if pattern is None:
                self._hashes.add(key_hash(digest))
            elif pattern not in self._patterns:
                self._take(pattern)
        return mark

    def settle(self, mark: int) -> None:
        """Take note that what was seen up to a mark is committed."""
        self._seen = mark

    def _take(self, pattern: str) -> None:
        self._patterns.add(pattern)
        tail, tails = self._tails
        if len(pattern) >= self._length:
            tails.add(tail(pattern))
        else:
            self._length = len(pattern)
            tail = _tail_of(self._length)
            self._tails = tail, set(map(tail, self._patterns))


def _tail_of(length: int) -> Callable[[str], str]:
    """Make the function that gives the last letters of a text."""
    return itemgetter(slice(-length, None))
