"""Which recipients of a send may be on a blacklist, in memory: nearly all are not, and the store is not asked of them.

A million entries among the rows that judging reads would make each lookup slower for everybody, and an address stands
under as many patterns as its domain has labels. So memory holds a sieve of all entries, and only what it does not hold
back is looked up. What is here decides nothing, the store's own rows do. It may hold too much for a while, of entries
that were removed, and costs a needless lookup then. It never holds too little:

- The writer takes in what a transaction added before it commits (`see`), so before anybody is answered.
- Only when the commit has succeeded it moves its mark on (`settle`). A transaction that failed is looked through again.
- What a transaction removed it notes in a table that is the writer's alone (`note_removal`), and that a rollback takes
  back as it does the removal. After the commit the writer lets those go that no other row stands for (`shed`), in the
  thread that takes in, so that nothing can be entered again in between. What could not be let go is tried again.

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
from policy.store.digests import key_hash, prefix_range

_SINCE: Final = "SELECT pk, digest, pattern FROM blacklist_key WHERE pk > ? ORDER BY pk"
_LONGEST_TAIL: Final = 16  # letters
_GONE: Final = "CREATE TEMP TABLE IF NOT EXISTS blacklist_gone (digest BLOB NOT NULL, pattern TEXT)"
_IS_NOTED: Final = "SELECT 1 FROM temp.sqlite_master WHERE name = 'blacklist_gone'"
_HELD: Final = "SELECT 1 FROM blacklist_key WHERE digest BETWEEN ? AND ? LIMIT 1"


def note_removal(connection: sqlite3.Connection, entry: int) -> None:
    """Note the keys of an entry that is about to be removed in the same transaction."""
    connection.execute(_GONE)
    connection.execute(
        "INSERT INTO temp.blacklist_gone SELECT digest, pattern FROM blacklist_key WHERE entry = ?", (entry,)
    )


class Sieve:
    """The entries of one store, and perhaps some that have just been removed."""

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

    @property
    def has_patterns(self) -> bool:
        """Tell whether any entry is a pattern."""
        return bool(self._patterns)

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

    def shed(self, connection: sqlite3.Connection) -> None:
        """Let go what committed transactions removed, unless another entry stands for the same."""
        if connection.execute(_IS_NOTED).fetchone() is None:
            return
        gone = connection.execute("SELECT digest, pattern FROM temp.blacklist_gone").fetchall()
        free = [row for row in gone if connection.execute(_HELD, prefix_range(row[0])).fetchone() is None]
        self._hashes.difference_update(key_hash(digest) for digest, pattern in free if pattern is None)
        patterns = {pattern for _, pattern in free if pattern is not None}
        if patterns:
            self._patterns -= patterns
            self._cut(min([_LONGEST_TAIL, *map(len, self._patterns)]))
        if gone:
            connection.execute("DELETE FROM temp.blacklist_gone")

    def _take(self, pattern: str) -> None:
        self._patterns.add(pattern)
        tail, tails = self._tails
        if len(pattern) >= self._length:
            tails.add(tail(pattern))
        else:
            self._cut(len(pattern))

    def _cut(self, length: int) -> None:
        """Cut new tails of all patterns."""
        tail = _tail_of(length)
        self._length, self._tails = length, (tail, set(map(tail, self._patterns)))


def _tail_of(length: int) -> Callable[[str], str]:
    """Make the function that gives the last letters of a text."""
    return itemgetter(slice(-length, None))
