"""The query language: what is read of what clients write, and at which character anything else is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy import queries
from policy.queries import And, BadQuery, BadValue, Comparison, Expression, Not, Op, Or, Value

OPERATORS = "expected eq, ne, gt, ge, lt or le"
FIELD = "expected a field, not or ("


def told(expression: Expression | None) -> str:
    """Write what was read, with every bracket and every value in marks."""
    match expression:
        case Comparison(path, op, values, _, chained):
            marked = ", ".join("null" if value.null else f"<{value.text}>" for value in values)
            return f"{path} {op} {marked}{' (too)' if chained else ''}"
        case Not(part):
            return f"not {told(part)}"
        case And(parts) | Or(parts):
            joint = " and " if isinstance(expression, And) else " or "
            return f"({joint.join(map(told, parts))})"
        case None:
            return ""


READ = [
    # The requests of the documents and of published clients
    pytest.param("EventType eq home", "EventType eq <home>", id="a word"),
    pytest.param("Visits gt 1", "Visits gt <1>", id="a number"),
    pytest.param("Info.Email eq a@b.c", "Info.Email eq <a@b.c>", id="a path and an address"),
    pytest.param(
        "DeviceIds eq 9f4447e4-3f0a-4a35-8f0c-6c9a1c8ed9c4",
        "DeviceIds eq <9f4447e4-3f0a-4a35-8f0c-6c9a1c8ed9c4>",
        id="a GUID",
    ),
    pytest.param(
        "EventType eq epiPageView and EventTime gt 2019-01-01T00:00:00",
        "(EventType eq <epiPageView> and EventTime gt <2019-01-01T00:00:00>)",
        id="two, and a time",
    ),
    pytest.param("Payload.epi.campaign.mailingId eq 123", "Payload.epi.campaign.mailingId eq <123>", id="a long path"),
    pytest.param('FavoredBy eq "user1", "user2"', "FavoredBy eq <user1>, <user2>", id="any of two"),
    pytest.param(
        'FavoredBy eq "user1" AND "user2"', "(FavoredBy eq <user1> and FavoredBy eq <user2> (too))", id="both of two"
    ),
    # What binds how
    pytest.param("a eq 1 or b eq 2 and c eq 3", "(a eq <1> or (b eq <2> and c eq <3>))", id="and binds closer"),
    pytest.param("(a eq 1 or b eq 2) and c eq 3", "((a eq <1> or b eq <2>) and c eq <3>)", id="brackets"),
    pytest.param("not a eq 1 and b eq 2", "(not a eq <1> and b eq <2>)", id="not binds closest"),
    pytest.param("NOT not (a eq 1)", "not not a eq <1>", id="not twice"),
    pytest.param("((((a eq 1))))", "a eq <1>", id="brackets that mean nothing"),
    pytest.param("a EQ 1 AND b Ne 2 oR c GE 3", "((a eq <1> and b ne <2>) or c ge <3>)", id="words in either case"),
    pytest.param("not(a eq 1)and(b eq 2)", "(not a eq <1> and b eq <2>)", id="no blanks beside brackets"),
    pytest.param(
        'a eq "x","y" and "z" or b eq 1',
        "((a eq <x>, <y> and a eq <z> (too)) or b eq <1>)",
        id="values behind values",
    ),
    # Values
    pytest.param("a eq John  van Doe and b eq 1", "(a eq <John  van Doe> and b eq <1>)", id="blanks in a bare value"),
    pytest.param("a eq O'Brien", "a eq <O'Brien>", id="a quote inside a bare value"),
    pytest.param("a eq 'O''Brien'", "a eq <O'Brien>", id="a quote inside quotes"),
    pytest.param('a eq "say ""x"" and \'y\'"', "a eq <say \"x\" and 'y'>", id="quotes of both kinds"),
    pytest.param('a eq "1, 2) or b eq (3"', "a eq <1, 2) or b eq (3>", id="the language inside quotes"),
    pytest.param("a eq ''", "a eq <>", id="an empty text"),
    pytest.param("a eq 'b'and c eq 1", "(a eq <b> and c eq <1>)", id="a word beside a quote"),
    pytest.param("a eq NE or a eq le", "(a eq <NE> or a eq <le>)", id="a country that is an operator"),
    pytest.param("a eq NULL or a ne 'null'", "(a eq null or a ne <null>)", id="null, and its text"),
    pytest.param("a eq android and b eq orange", "(a eq <android> and b eq <orange>)", id="words that begin as others"),
    pytest.param(r"a eq C:\x;--/*", r"a eq <C:\x;--/*>", id="signs"),
    pytest.param("a eq *@example.com", "a eq <*@example.com>", id="a pattern"),
    pytest.param("a eq +4915112345678", "a eq <+4915112345678>", id="a plus"),
    pytest.param("ä.b_c-d.0.$e eq ü", "ä.b_c-d.0.$e eq <ü>", id="letters of names"),
    pytest.param("\ta eq\n1 ", "a eq <1>", id="blanks of other kinds"),
    pytest.param("", "", id="nothing"),
    pytest.param(" \t", "", id="blanks"),
]


@pytest.mark.parametrize(("text", "wanted"), READ)
def test_a_filter_is_read(text: str, wanted: str) -> None:
    """A filter is read as its words bind."""
    assert told(queries.parse(text)) == wanted


REFUSED = [
    pytest.param("a", 2, OPERATORS, id="a field alone"),
    pytest.param("a = 1", 3, OPERATORS, id="a sign"),
    pytest.param("a contains b", 3, OPERATORS, id="another operator"),
    pytest.param("a eq", 5, "expected a value", id="no value"),
    pytest.param("a eq and b eq 1", 6, "expected a value", id="no value, and more"),
    pytest.param("a eq 1,", 8, "expected a value", id="no value behind a comma"),
    pytest.param("a eq 1 b eq 2", 10, "expected a comma, and, or or the end", id="no and"),
    pytest.param("a eq 1 and", 11, FIELD, id="nothing behind and"),
    pytest.param("a eq 1 and b", 13, OPERATORS, id="a bare word behind and"),
    pytest.param("or a eq 1", 1, FIELD, id="nothing before or"),
    pytest.param("(a eq 1", 8, "expected )", id="an open bracket"),
    pytest.param("a eq 1)", 7, "expected the end", id="a bracket too many"),
    pytest.param("()", 2, FIELD, id="empty brackets"),
    pytest.param("a eq f(1)", 7, "expected a comma, and, or or the end", id="a function"),
    pytest.param("a eq 'x", 6, "this quote has no end", id="an open quote"),
    pytest.param("a eq 'x' y", 10, "expected a comma, and, or or the end", id="a word behind a quote"),
    pytest.param('a eq x"y"', 7, "expected", id="quotes inside a bare value"),
    pytest.param("'a' eq 1", 5, "expected", id="a quoted field"),
    pytest.param("a..b eq 1", 1, "this is no field's name", id="an empty part of a path"),
    pytest.param("a' eq 1", 1, "this is no field's name", id="a quote in a name"),
    pytest.param("a; eq 1", 1, "this is no field's name", id="a semicolon in a name"),
    pytest.param("a gt 1, 2", 9, "only eq and ne take several values", id="more than several"),
    pytest.param('"x" and a eq 1', 1, FIELD, id="a value before all fields"),
    pytest.param('a eq "x" or "y"', 13, FIELD, id="a value behind or"),
    pytest.param('a eq "x" and not "y"', 18, FIELD, id="a value behind not"),
    pytest.param('(a eq "x" or b eq 1) and "y"', 26, FIELD, id="a value behind brackets"),
    pytest.param("a eq \x00", 6, "this is no character of a text", id="a zero"),
    pytest.param("a eq \udcff", 6, "this is no character of a text", id="half a character"),
    pytest.param("a eq " + "x" * 8000, 8001, "a query has up to 8000 characters", id="too long"),
    pytest.param(" or ".join(["a eq 1"] * 201), 1, "a filter has up to 200 comparisons", id="too many comparisons"),
    pytest.param("not " * 51 + "a eq 1", 205, "a filter is up to 50 deep", id="too deep"),
    pytest.param("(" * 10_000 + "a eq 1" + ")" * 10_000, 8001, "a query has up to", id="10000 brackets"),
    pytest.param("(" * 7_000, 7001, FIELD, id="brackets that are never closed"),
    pytest.param("(a eq 1 and not " * 100 + "b eq 2" + ")" * 100, 402, "up to 50 deep", id="brackets that mean much"),
]


@pytest.mark.parametrize(("text", "character", "says"), REFUSED)
def test_a_filter_is_refused(text: str, character: int, says: str) -> None:
    """A wrong filter is refused at its character, with what was expected there."""
    with pytest.raises(BadQuery) as refused:
        queries.parse(text)
    assert str(refused.value).startswith(f"character {character}: ")
    assert says in refused.value.says


def test_brackets_that_mean_nothing_may_be_many() -> None:
    """Thousands of brackets around a comparison are that comparison."""
    assert told(queries.parse("(" * 3990 + "a eq 1" + ")" * 3990)) == "a eq <1>"


_PIECES = [
    "a",
    " eq ",
    " and ",
    "or",
    "not ",
    "(",
    ")",
    ",",
    "'",
    '"',
    " ",
    ".",
    "null",
    "1",
    "\n",
    "\x00",
    "\ud800",
    "ß",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=40).map("".join) | st.text(max_size=60))
@example("not")
@example("a eq '''")
def test_whatever_is_asked_is_read_or_refused(text: str) -> None:
    """Any text is a query or a fault at one of its characters, or right behind the last."""
    for read in (queries.parse, queries.parse_order):
        assert 0 <= fault_of(read, text) <= len(text)


def fault_of(read: Callable[[str], object], text: str) -> int:
    """Give the place of a text's fault, its beginning if it has none."""
    try:
        read(text)
    except BadQuery as fault:
        return fault.at
    return 0


# ── orders ──


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("EventTime DESC", [("EventTime", True)], id="as a published client writes it"),
        pytest.param("Name", [("Name", False)], id="without a direction"),
        pytest.param("a asc,b.c desc , d", [("a", False), ("b.c", True), ("d", False)], id="several"),
        pytest.param(" ", [], id="none"),
    ],
)
def test_an_order_is_read(text: str, wanted: list[tuple[str, bool]]) -> None:
    """An order is fields with their directions."""
    assert [(key.path, key.descending) for key in queries.parse_order(text)] == wanted


@pytest.mark.parametrize(
    ("text", "character", "says"),
    [
        pytest.param("a up", 3, "expected asc or desc", id="no direction"),
        pytest.param("a asc b", 7, "expected a comma or the end", id="no comma"),
        pytest.param("a,", 3, "expected a field", id="nothing behind a comma"),
        pytest.param("a eq 1", 3, "expected", id="a filter"),
        pytest.param("'a'", 1, "expected a field", id="quotes"),
        pytest.param("a desc, a", 9, "ordered by a field once", id="twice"),
        pytest.param("(a)", 1, "expected a field", id="brackets"),
        pytest.param("a'--", 1, "no field's name", id="a quote"),
    ],
)
def test_an_order_is_refused(text: str, character: int, says: str) -> None:
    """A wrong order is refused at its character."""
    with pytest.raises(BadQuery) as refused:
        queries.parse_order(text)
    assert str(refused.value).startswith(f"character {character}: ")
    assert says in refused.value.says


# ── what values are read by ──

HOUR = 3600 * 1_000_000
READERS = [
    pytest.param(queries.text, " A ", " A ", id="a text"),
    pytest.param(queries.identifier, "9F44-E4", "9f44-e4", id="an id"),
    pytest.param(queries.number, "12", 12, id="a whole number"),
    pytest.param(queries.number, "-1.5e3", -1500.0, id="a fraction"),
    pytest.param(queries.number, "9" * 18, 999_999_999_999_999_999, id="a long number"),
    pytest.param(queries.number, "1" + "0" * 30, 1e30, id="a number beyond 64 bits"),
    pytest.param(queries.number, "1_0", None, id="an underscore"),
    pytest.param(queries.number, "٣", None, id="another script's digit"),
    pytest.param(queries.number, "1e999", None, id="a number beyond all"),
    pytest.param(queries.number, "9" * 7000, None, id="digits without end"),
    pytest.param(queries.number, "nan", None, id="no number"),
    pytest.param(queries.moment, "1970-01-01T01:00:00", HOUR, id="a time without a zone"),
    pytest.param(queries.moment, "1970-01-01T01:00:00Z", HOUR, id="a time"),
    pytest.param(queries.moment, "1970-01-01T03:00+02:00", HOUR, id="another zone"),
    pytest.param(queries.moment, "1970-01-01T00:00:00.1234567Z", 123_456, id="seven digits"),
    pytest.param(queries.moment, "1970-01-02", 24 * HOUR, id="a date"),
    pytest.param(queries.end, "1970-01-01", 24 * HOUR - 1, id="the end of a date"),
    pytest.param(queries.end, "1970-01-01T00:59:59", HOUR - 1, id="the end of a second"),
    pytest.param(queries.moment, "1970-01-01T03:00:00 02:00", None, id="a plus that became a blank"),
    pytest.param(queries.moment, "2019-13-01", None, id="no month"),
    pytest.param(queries.moment, "yesterday", None, id="no time"),
    pytest.param(queries.moment, "", None, id="nothing"),
]


@pytest.mark.parametrize(("read", "text", "wanted"), READERS)
def test_a_value_is_read(read: Callable[[str], object], text: str, wanted: object) -> None:
    """A value is read as what its field holds, and anything else is refused without the value in the words."""
    if wanted is not None:
        assert read(text) == wanted
        return
    with pytest.raises(BadValue) as refused:
        read(text)
    assert not text or text not in str(refused.value)


def test_a_blank_where_a_plus_was_is_explained() -> None:
    """Whoever sent a time with an unescaped plus is told what became of it."""
    with pytest.raises(BadValue, match="%2B"):
        queries.moment("2019-01-01T00:00:00 02:00")


def test_null_is_a_bare_word() -> None:
    """What is not there is asked for by a bare null in any case."""
    assert [Value("NULL", 0).null, Value("null", 0, quoted=True).null, Value("nul", 0).null] == [True, False, False]
    assert Op("ne") is Op.NE
