"""Filters against plain Python: whatever is asked of whatever rows, SQLite finds what the words mean."""

from __future__ import annotations

import json
import operator
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy import queries
from policy.store.querying import Field, Fields, Selection, Tree, ordered, where

FIELDS: Fields = {
    "Id": Field("pk", queries.number),
    "Name": Field("name"),
    "Mark": Field("mark", absent="mark = ''"),
    "Visits": Field("visits", queries.number),
    "Seen": Field("seen", queries.moment),
    "Guid": Field("guid", queries.identifier),
    "Groups": Field("value", within="EXISTS (SELECT 1 FROM json_each(groups) WHERE {})"),
    "Devices": Field("device", within="pk IN (SELECT item FROM device WHERE {})"),
    "Info": Tree("info"),
    "Info.Email": Field("email"),
}
_TABLES = """
CREATE TABLE item (
  pk INTEGER PRIMARY KEY, name TEXT, mark TEXT NOT NULL, visits NUMERIC, seen INTEGER, guid TEXT, groups TEXT,
  info TEXT, email TEXT
);
CREATE TABLE device (item INTEGER NOT NULL, device TEXT NOT NULL);
"""
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
SECOND = 1_000_000


# ── rows ──


@dataclass(frozen=True)
class Item:
    """A row, as its fields say it; None where a field is not there."""

    name: str | None = None
    mark: str | None = None
    visits: float | None = None
    seen: int | None = None
    guid: str | None = None
    groups: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    info: Any = None
    email: str | None = None


def stored(connection: sqlite3.Connection, items: Sequence[Item]) -> None:
    """Write rows, numbered from 1."""
    connection.executescript(_TABLES)
    for pk, item in enumerate(items, 1):
        info = None if item.info is None else json.dumps(item.info)
        row = (pk, item.name, item.mark or "", item.visits, item.seen, item.guid, json.dumps(item.groups))
        connection.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, info, item.email))
        connection.executemany("INSERT INTO device VALUES (?, ?)", [(pk, device) for device in item.devices])


def found(connection: sqlite3.Connection, query: str) -> list[int]:
    """Give the numbers of the rows that a filter finds."""
    asked = Selection(where(queries.parse(query), FIELDS), ordered((), FIELDS, "pk"), 0, 1000)
    rows = [row[0] for row in asked.rows(connection, "SELECT pk FROM item")]
    assert asked.count(connection, "item") == len(rows)
    return rows


# ── what words mean, in plain Python ──


@dataclass(frozen=True)
class Asked:
    """A comparison as a client writes it, and as it is meant."""

    text: str
    means: Callable[[Item], bool]


def comparison(field: str, op: str, values: Sequence[tuple[str, Any]]) -> Asked:
    """Make a comparison of texts, each beside what it stands for."""
    text = f"{field} {op} {', '.join(written for written, _ in values)}"
    wanted = [value for _, value in values]

    def means(item: Item) -> bool:
        return any(holds(read(item, field), "eq" if op == "ne" else op, each) for each in wanted) != (op == "ne")

    return Asked(text, means)


def holds(there: Any, op: str, wanted: Any) -> bool:
    """Compare what is there with a value."""
    if wanted is None:
        return there is None or there == ()
    if isinstance(there, tuple | list):
        return any(holds(each, op, wanted) for each in there if not isinstance(each, tuple | list | None))
    if isinstance(wanted, Loose):
        return wanted.holds(there, op)
    return there is not None and SIGNS[op](there, wanted)


@dataclass(frozen=True)
class Loose:
    """A value in a tree, whose type nobody knows."""

    text: str
    bare: bool

    def holds(self, there: Any, op: str) -> bool:
        """Compare as number, as truth value or as text."""
        number = isinstance(there, int | float) and not isinstance(there, bool)
        if self.bare and self.text.lstrip("-").isdigit():
            if number:
                return SIGNS[op](there, int(self.text))
            return op == "eq" and there == self.text
        if self.bare and self.text in ("true", "false") and isinstance(there, bool):
            return op == "eq" and there is (self.text == "true")
        return isinstance(there, str) and SIGNS[op](there, self.text)


def read(item: Item, field: str) -> Any:
    """Give what an item has under a field's name."""
    match field.split("."):
        case ["Info", "Email"]:
            return item.email
        case ["Info", *path]:
            return leaf(item.info, path)
        case _:
            return getattr(item, field.lower())


def leaf(tree: Any, path: Sequence[str]) -> Any:
    """Give what stands at a path; an object there is no value, and equal to nothing."""
    for part in path:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return object() if isinstance(tree, dict) else tree


# ── what is asked of what ──

TEXTS = ["a", "b", "ab", "A", "ä", "z z", "O'Brien", "100%", "and", "ne", "x_y", "null", "12", '"q"']
texts = st.sampled_from(TEXTS)
numbers = st.integers(-3, 3) | st.sampled_from([1.5, 2**53 + 1, -(2**62)])
seconds = st.integers(0, 5)
leaves = texts | st.integers(-3, 12) | st.booleans() | st.none()
trees = st.none() | st.dictionaries(
    st.sampled_from("abc"), leaves | st.lists(leaves, max_size=3) | st.dictionaries(st.sampled_from("ab"), leaves)
)
items = st.builds(
    Item,
    name=st.none() | texts,
    mark=st.none() | texts,
    visits=st.none() | numbers,
    seen=st.none() | seconds.map(lambda number: number * SECOND),
    guid=st.none() | st.sampled_from(["aa-1", "bb-2"]),
    groups=st.lists(texts, max_size=3).map(tuple),
    devices=st.lists(texts, max_size=3).map(tuple),
    info=trees,
    email=st.none() | texts,
)


@st.composite
def quoted(draw: st.DrawFn, text: str, *, always: bool = False) -> str:
    """Write a text in quotes of either kind, or bare where that says the same."""
    plain = text.isalnum() and text.lower() not in ("and", "ne", "null")
    if plain and not always and draw(st.booleans()):
        return text
    quote = draw(st.sampled_from("'\""))
    return quote + text.replace(quote, quote * 2) + quote


@st.composite
def of_text(draw: st.DrawFn) -> tuple[str, str]:
    """Write a text."""
    text = draw(texts)
    return draw(quoted(text)), text


@st.composite
def of_tree(draw: st.DrawFn) -> tuple[str, Loose]:
    """Write something that may be a number, a truth value or a text."""
    text = draw(texts | st.sampled_from(["-3", "0", "12", "true", "false"]))
    bare = text not in TEXTS or text == "12"
    if bare and draw(st.booleans()):
        return text, Loose(text, bare=True)
    return draw(quoted(text, always=True)), Loose(text, bare=False)


def of_number(value: float) -> tuple[str, float]:
    """Write a number."""
    return str(value), value


def of_time(second: int) -> tuple[str, int]:
    """Write a time in one of its spellings."""
    spellings = ["01:00:0{}+01:00", "00:00:0{}.0000000Z", "00:00:0{}"]
    return f"1970-01-01T{spellings[second % 3].format(second)}", second * SECOND


ORDINARY = {
    "Name": of_text(),
    "Mark": of_text(),
    "Info.Email": of_text(),
    "Groups": of_text(),
    "Devices": of_text(),
    "Visits": numbers.map(of_number),
    "Seen": seconds.map(of_time),
    "Guid": st.sampled_from([("AA-1", "aa-1"), ("bb-2", "bb-2")]),
    **dict.fromkeys(["Info.a", "Info.b", "Info.c.a", "Info.a.a"], of_tree()),
}


@st.composite
def comparisons(draw: st.DrawFn) -> Asked:
    """Draw a comparison of any field with any values that it may have."""
    field = draw(st.sampled_from(sorted(ORDINARY)))
    op = draw(st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]))
    value: st.SearchStrategy[tuple[str, Any]] = ORDINARY[field]
    if op not in ("eq", "ne"):
        return comparison(field, op, [draw(value)])
    return comparison(field, op, draw(st.lists(value | st.just(("null", None)), min_size=1, max_size=3)))


def joined(asked: st.SearchStrategy[Asked]) -> st.SearchStrategy[Asked]:
    """Join what is asked by words in either case."""

    def negated(word: str, part: Asked) -> Asked:
        return Asked(f"{word} ({part.text})", lambda item: not part.means(item))

    def both(word: str, parts: Sequence[Asked]) -> Asked:
        every = all if word.lower() == "and" else any
        text = f" {word} ".join(f"({part.text})" for part in parts)
        return Asked(text, lambda item: every(part.means(item) for part in parts))

    several = st.lists(asked, min_size=2, max_size=3)
    return st.builds(negated, st.sampled_from(["not", "NOT"]), asked) | st.builds(
        both, st.sampled_from(["and", "AND", "or", "Or"]), several
    )


@settings(max_examples=200)
@given(st.lists(items, max_size=10), st.lists(comparisons(), min_size=1, max_size=20))
def test_a_comparison_means_what_its_words_say(rows: list[Item], every: list[Asked]) -> None:
    """SQLite finds the rows of which a comparison, or its contrary, is true in plain Python, whatever is there."""
    with closing(sqlite3.connect(":memory:")) as connection:
        stored(connection, rows)
        for asked in every:
            meant = [pk for pk, item in enumerate(rows, 1) if asked.means(item)]
            assert (asked.text, found(connection, asked.text)) == (asked.text, meant)
            assert set(found(connection, f"not {asked.text}")) == {*range(1, len(rows) + 1)} - {*meant}


@given(st.lists(items, max_size=8), st.recursive(comparisons(), joined, max_leaves=6))
def test_a_filter_means_what_its_words_say(rows: list[Item], asked: Asked) -> None:
    """SQLite finds the rows of which a filter is true in plain Python, whatever is there or not."""
    with closing(sqlite3.connect(":memory:")) as connection:
        stored(connection, rows)
        assert found(connection, asked.text) == [pk for pk, item in enumerate(rows, 1) if asked.means(item)]
