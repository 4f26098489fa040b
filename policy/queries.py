"""Filters and orders of lists, as texts → values: the query language of Optimizely's Profile Store API.

    Email eq john@example.com and not (Scope eq shop or Reason eq "asked, twice")        $filter
    EventTime desc, Name                                                                $orderBy

A comparison is a field, one of eq, ne, gt, ge, lt, le, and a value. `not` binds closer than `and`, `and` than `or`;
words are written in either case, fields in their own. A value is bare or in quotes. A bare one ends at `and`, `or`, a
comma, a bracket or a double quote, and may hold blanks; whatever would end it, and words of the language, stand in
quotes of either kind, with a quote doubled inside (`'O''Brien'`). Several values are any of them (`FavoredBy eq "a",
"b"`), and quoted ones behind `and` as well (`FavoredBy eq "a" and "b"`).

What is true of an item is said in two values. A field that is not there equals nothing but `null`, and is neither less
nor greater than anything; `ne` is the contrary of `eq`, and `not X` that of X, whatever is there or not.

Parsing asks for no fields and no types. `policy.store.querying` compiles what is found against a table of fields, and
reads each value by its field's reader: a function of this file, or one like it, that gives what a column is compared
with and raises BadValue. Every fault is a BadQuery and knows its character. Nothing here grows with what is asked:
lengths, comparisons and depth are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from policy import times

LONGEST: Final = 8000  # characters of one query
MOST: Final = 200  # comparisons of one filter; SQLite takes expressions up to a depth of 1000
DEEPEST: Final = 50  # brackets that mean something inside each other
_BLANKS: Final = " \t\r\n"


class BadQuery(ValueError):
    """A query breaks a rule at one of its characters, counted from 0; the text says which, without any value."""

    def __init__(self, at: int, says: str) -> None:
        super().__init__(f"character {at + 1}: {says}")
        self.at = at
        self.says = says


class BadValue(ValueError):
    """A value is none that its field can have; the text says what would be, without the value."""


class Op(StrEnum):
    """How a field is compared with a value."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it was written, without its quotes; a bare `null` is none."""

    text: str
    at: int
    quoted: bool = False

    @property
    def null(self) -> bool:
        """Tell whether this stands for what is not there."""
        return not self.quoted and self.text.lower() == "null"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field beside one or more values, of which any will do.

    `chained` is set where the values stood behind an `and`: that means something for fields with several values alone.
    """

    path: str
    op: Op
    values: tuple[Value, ...]
    at: int
    chained: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    part: Expression


@dataclass(frozen=True, slots=True)
class And:
    """All of its parts."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of its parts."""

    parts: tuple[Expression, ...]


Expression = Comparison | Not | And | Or


@dataclass(frozen=True, slots=True)
class Key:
    """A field that a list is ordered by."""

    path: str
    at: int
    descending: bool = False


def parse(text: str) -> Expression | None:
    """Read a filter; None for one that is empty or blank. Raises BadQuery."""
    if not text.strip(_BLANKS):
        return None
    found: Expression = _read(text, "filter")
    _check_size(found)
    return found


def parse_order(text: str) -> tuple[Key, ...]:
    """Read an order, none for one that is empty or blank; raises BadQuery, also for a field that is named twice."""
    if not text.strip(_BLANKS):
        return ()
    keys: tuple[Key, ...] = _read(text, "order")
    for number, key in enumerate(keys):
        if any(key.path == before.path for before in keys[:number]):
            raise BadQuery(key.at, "a list is ordered by a field once")
    return keys


# What values are read by


def text(value: str) -> str:
    """Read a text: case matters, and order is that of the characters' numbers."""
    return value


def identifier(value: str) -> str:
    """Read an id that is kept in lower case."""
    return value.lower()


def number(value: str) -> int | float:
    """Read a number, whole ones of up to 64 bits exactly."""
    if len(value) <= 400 and re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", value, re.ASCII):
        if re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII):
            return int(value)
        if abs(float(value)) < float("inf"):
            return float(value)
    raise BadValue("it must be a number")


def moment(value: str) -> int:
    """Read a time as microseconds since 1970; one without a zone is UTC, a date its first moment, ISO 8601 both."""
    return _stated(value).first


def end(value: str) -> int:
    """Read a time as the last microsecond that it may mean, as expiries are kept."""
    return _stated(value).last


def _stated(value: str) -> times.Stated:
    try:
        return times.read_in_utc(value)
    except times.BadTime:
        plus = "; a + before an offset is written %2B" if " " in value else ""
        raise BadValue(f"it must be a time such as 2022-01-11T00:00:00Z{plus}") from None


# The grammar

_GRAMMAR: Final = r"""
    ?filter: disjunction
    ?disjunction: conjunction (_OR conjunction)*
    ?conjunction: factor (_AND factor)*
    ?factor: comparison | negation | chained | "(" disjunction ")"
    negation: _NOT factor
    comparison: WORD OP value ("," value)*
    chained: QUOTED ("," QUOTED)*
    value: QUOTED | WORD+ | OP

    order: key ("," key)*
    key: WORD WORD?

    _AND.2: /and(?![^\s(),"'])/i
    _OR.2: /or(?![^\s(),"'])/i
    _NOT.2: /not(?![^\s(),"'])/i
    OP.2: /(eq|ne|gt|ge|lt|le)(?![^\s(),"'])/i
    QUOTED: /"(?:[^"]|"")*"|'(?:[^']|'')*'/
    WORD: /[^\s(),"'][^\s(),"]*/
    %ignore /\s+/
"""
_WORDS: Final = {  # what is told as expected where a field or a value stood, in this order
    "OP": "eq, ne, gt, ge, lt or le",
    "COMMA": "a comma",
    "RPAR": ")",
    "_AND": "and",
    "_OR": "or",
    "$END": "the end",
}
_SEGMENT: Final = re.compile(r"[\w$-]+")
_UNTOLD: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Chained:
    """Values behind an `and`, of the field that was compared last."""

    values: tuple[Value, ...]
    at: int


class _Build(Transformer[Token, Any]):
    """Makes the values while a text is parsed, so that nothing goes down a tree by recursion."""

    def value(self, tokens: list[Token]) -> Value:
        if tokens[0].type == "QUOTED":
            return _unquoted(tokens[0])
        text = str(tokens[0])
        for before, token in pairwise(tokens):
            text += " " * (_start(token) - _start(before) - len(before)) + token
        return Value(text, _start(tokens[0]))

    def comparison(self, parts: list[Any]) -> Comparison:
        field, op, *values = parts
        found = Comparison(_path(field), Op(op.lower()), tuple(values), _start(field))
        if len(values) > 1 and found.op not in (Op.EQ, Op.NE):
            raise BadQuery(values[1].at, "only eq and ne take several values")
        return found

    def chained(self, tokens: list[Token]) -> _Chained:
        values = tuple(map(_unquoted, tokens))
        return _Chained(values, values[0].at)

    def negation(self, parts: list[Any]) -> Not:
        return Not(_whole(parts[0]))

    def conjunction(self, parts: list[Any]) -> And:
        found: list[Expression] = []
        field: Comparison | None = None
        for part in parts:
            if isinstance(part, _Chained) and field is not None:
                found.append(replace(field, values=part.values, chained=True))
            else:
                found.append(_whole(part))
                field = part if isinstance(part, Comparison) else None
        return And(tuple(found))

    def disjunction(self, parts: list[Any]) -> Or:
        return Or(tuple(map(_whole, parts)))

    def key(self, tokens: list[Token]) -> Key:
        field, *direction = tokens
        if direction and direction[0].lower() not in ("asc", "desc"):
            raise BadQuery(_start(direction[0]), "expected asc or desc")
        return Key(_path(field), _start(field), [*map(str.lower, direction)] == ["desc"])

    def order(self, keys: list[Key]) -> tuple[Key, ...]:
        return tuple(keys)


_PARSER: Final = Lark(_GRAMMAR, start=["filter", "order"], parser="lalr", lexer="basic", transformer=_Build())


def _read(text: str, start: str) -> Any:
    if len(text) > LONGEST:
        raise BadQuery(LONGEST, f"a query has up to {LONGEST} characters")
    if bad := _UNTOLD.search(text):
        raise BadQuery(bad.start(), "this is no character of a text")
    try:
        found = _PARSER.parse(text, start)
    except UnexpectedCharacters as error:
        raise BadQuery(error.pos_in_stream or 0, "this quote has no end") from None
    except UnexpectedToken as error:
        at = len(text) if error.token.type == "$END" else _start(error.token)
        raise BadQuery(at, f"expected {_expected(error.accepts or error.expected)}") from None
    return _whole(found) if start == "filter" else found


def _expected(terminals: Collection[str]) -> str:
    """Say what may stand at a place."""
    if "LPAR" in terminals:
        return "a field, not or ("
    if "QUOTED" in terminals:
        return "a value"
    if set(terminals) == {"WORD"}:
        return "a field"
    words = [word for name, word in _WORDS.items() if name in terminals]
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _whole(part: Any) -> Any:
    """Refuse values that have no field before them."""
    if isinstance(part, _Chained):
        raise BadQuery(part.at, "expected a field, not or (")
    return part


def _path(token: Token) -> str:
    """Give the path that a word is."""
    if not all(_SEGMENT.fullmatch(part) for part in token.split(".")):
        raise BadQuery(_start(token), "this is no field's name")
    return str(token)


def _unquoted(token: Token) -> Value:
    quote = token[0]
    return Value(token[1:-1].replace(quote * 2, quote), _start(token), quoted=True)


def _start(token: Token) -> int:
    return token.start_pos or 0


def _check_size(expression: Expression) -> None:
    """Refuse what is too much for SQLite, without going deeper than it may be."""
    comparisons, waiting = 0, [(expression, 0)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, Comparison):
            comparisons += 1
            if depth > DEEPEST:
                raise BadQuery(part.at, f"a filter is up to {DEEPEST} deep")
        else:
            inner = (part.part,) if isinstance(part, Not) else part.parts
            waiting += [(each, depth + 1) for each in reversed(inner)]
    if comparisons > MOST:
        raise BadQuery(0, f"a filter has up to {MOST} comparisons")
