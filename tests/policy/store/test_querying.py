"""Filters against plain Python: whatever is asked of whatever rows, SQLite finds what the words mean."""

from __future__ import annotations

import json
import operator
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import queries
from policy.queries import BadQuery
from policy.store.querying import ALL, Field, Fields, Selection, Tree, ordered, where

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


# ── tables ──

ITEMS = [
    Item(name="x", mark="m", visits=1, groups=("a", "b"), devices=("D",), info={"a": {"a": "a"}}, email="x@x.de"),
    Item(visits=12, groups=("b",), info={"a": "12", "b": [12, "p", None], "k-1": {"0": True}}),
    Item(name="", info={"a": 12, "b": None, "c": "true"}, email="y@x.de"),
    Item(name="'; DROP TABLE item; --"),
]
ASKED = [
    pytest.param("Info.a eq a", [], id="an object is equal to nothing"),
    pytest.param("Info.a eq 12", [2, 3], id="a bare number is a number or its text"),
    pytest.param("Info.a eq '12'", [2], id="a quoted one is a text"),
    pytest.param("Info.a gt 11", [3], id="and is compared with numbers"),
    pytest.param("Info.b eq 12 and p", "character 19:", id="a bare word behind and"),
    pytest.param("Info.b eq 'p' and '12'", [], id="two elements, of which one is none"),
    pytest.param("Info.b eq 'p' and Info.b eq 12", [2], id="two elements"),
    pytest.param("Info.b eq null", [1, 3, 4], id="what is null or is not there"),
    pytest.param("Info.k-1.0 eq true", [2], id="a truth value, and names with signs"),
    pytest.param("Info.c eq TRUE", [], id="a text is no truth value in other letters"),
    pytest.param("Info eq a", [], id="the tree itself"),
    pytest.param("Info.Email eq x@x.de", [1], id="a column within a tree"),
    pytest.param("Info.Email.a ne x", [1, 2, 3, 4], id="a path behind a column is in the tree"),
    pytest.param("Groups eq a, b", [1, 2], id="any of two"),
    pytest.param("Groups eq 'a' and 'b'", [1], id="both of two"),
    pytest.param("Groups ne a", [2, 3, 4], id="none is"),
    pytest.param("Groups eq null", [3, 4], id="no element"),
    pytest.param("Devices eq D, null", [1, 2, 3, 4], id="an element or none"),
    pytest.param("Name eq ''", [3], id="an empty text"),
    pytest.param("Mark eq ''", [2, 3, 4], id="an empty text that stands for none"),
    pytest.param("Name gt null", "character 9:", id="more than nothing"),
    pytest.param("Name eq 'a' and 'b'", "character 17:", id="two values of one"),
    pytest.param("Visits eq many", "character 11:", id="no number"),
    pytest.param("Visits eq 1, many", "character 14:", id="a second one that is none"),
    pytest.param("Groups.a eq 1", "character 1:", id="a path behind a column"),
    pytest.param("Name eq x or info.a eq 1", "character 14:", id="a tree in another case"),
]


@pytest.mark.parametrize(("query", "wanted"), ASKED)
def test_a_filter_finds(query: str, wanted: list[int] | str) -> None:
    """What the properties meet seldom: trees, lists and what is not there."""
    with closing(sqlite3.connect(":memory:")) as connection:
        stored(connection, ITEMS)
        if isinstance(wanted, list):
            assert found(connection, query) == wanted
        else:
            with pytest.raises(BadQuery, match=wanted):
                found(connection, query)


INJECTED = [
    "'; DROP TABLE item; --",
    "' OR '1'='1",
    '" OR ""="',
    "1) UNION SELECT sql FROM sqlite_master --",
    "x' AND (SELECT count(*) FROM device) > 0 --",
    "?",
    ":name",
    "%' ESCAPE '",
    "0x27",
    "/*",
    "\\' --",
    "char(39)",
]


@pytest.mark.parametrize("text", INJECTED)
@pytest.mark.parametrize("field", ["Name", "Groups", "Devices", "Info.a", "Info.Email", "Mark"])
def test_a_value_is_never_sql(field: str, text: str) -> None:
    """SQL in a value is compared as the text that it is, and is no part of what SQLite runs."""
    quoted = text.replace("'", "''")
    clause = where(queries.parse(f"{field} eq '{quoted}'"), FIELDS)
    assert text in clause.parameters
    assert clause.sql == where(queries.parse(f"{field} eq 'x'"), FIELDS).sql
    with closing(sqlite3.connect(":memory:")) as connection:
        stored(connection, ITEMS)
        there = [4] if (field, text) == ("Name", ITEMS[3].name) else []
        assert found(connection, f"{field} eq '{quoted}'") == there
        assert found(connection, "Visits eq null") == [3, 4]


@pytest.mark.parametrize("path", ["pk", "Name;", "Name--", "Name)", "Info.a')", 'Info."a"', "Info.a[0]", "rowid", "1"])
def test_a_name_is_never_sql(path: str) -> None:
    """Only names of fields are taken for such, in filters and in orders; of a tree's paths, plain words."""
    with pytest.raises(BadQuery):
        where(queries.parse(f"{path} eq 1"), FIELDS)
    with pytest.raises(BadQuery):
        ordered(queries.parse_order(path), FIELDS, "pk")


def test_a_path_is_a_parameter() -> None:
    """A path into a tree goes to SQLite as a parameter, each name in quotes of its own."""
    assert where(queries.parse("Info.a.k-1 eq 'x'"), FIELDS).parameters == ('$."a"."k-1"', "x", '$."a"."k-1"')


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        pytest.param("", [1, 2, 3, 4], id="none"),
        pytest.param("Visits", [3, 4, 1, 2], id="what is not there comes first"),
        pytest.param("Visits desc", [2, 1, 3, 4], id="the other way round, ties as ever"),
        pytest.param("Info.a desc, Visits", [1, 2, 3, 4], id="by a path"),
        pytest.param("Mark DESC, Id DESC", [1, 4, 3, 2], id="by two"),
        pytest.param("Groups", "character 1:", id="by several values"),
        pytest.param("Id, Nothing", "character 5:", id="by no field"),
    ],
)
def test_an_order(order: str, wanted: list[int] | str) -> None:
    """A list is in the order that is asked for, and a tie in that of the last column."""
    with closing(sqlite3.connect(":memory:")) as connection:
        stored(connection, ITEMS)
        if isinstance(wanted, str):
            with pytest.raises(BadQuery, match=wanted):
                ordered(queries.parse_order(order), FIELDS, "pk")
            return
        asked = Selection(ALL, ordered(queries.parse_order(order), FIELDS, "pk"), 0, 10)
        assert [row[0] for row in asked.rows(connection, "SELECT pk FROM item")] == wanted


def test_the_largest_filter_is_answered() -> None:
    """As many comparisons as a filter may have, as deep as it may be, and values up to its length are no error."""
    every = " or ".join(["not (Info.a ne null, 1)"] * queries.MOST)
    deep = "(Name eq y or not " * 24 + "Name eq x" + ")" * 24
    values = "Name eq " + ",".join(["a"] * 3900)
    with closing(sqlite3.connect(":memory:")) as connection:
        stored(connection, ITEMS)
        assert found(connection, every) == found(connection, "Info.a eq null, 1")
        assert found(connection, deep) == [1]
        assert found(connection, values) == []
        assert found(connection, "Info.a eq " + ",".join(["0"] * 3900)) == found(connection, "Info.a eq 0")
