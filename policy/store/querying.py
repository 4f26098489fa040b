"""Filters and orders of lists, as values → parameterised SQL against a table of fields (policy/queries.py has the why).

    FIELDS = {
        "ProfileId": Field("id", queries.identifier),                    # a column, and what reads a value for it
        "Visits": Field("visits", queries.number),
        "Name": Field("name", absent="name = ''"),                       # where none is kept as an empty text
        "DeviceIds": Field("device", within="pk IN (SELECT profile FROM device WHERE {})"),       # several values
        "Groups": Field("value", within="EXISTS (SELECT 1 FROM json_each(groups) WHERE {})"),     # the same, as JSON
        "Payload": Tree("payload"),                                      # Payload.a.b, anything in a column of JSON
        "Info": Tree("info"),
        "Info.Email": Field("email_key", read_email),                    # the longest name wins
    }
    asked = Selection(where(queries.parse("Visits gt 1 and Payload.a.b eq 123"), FIELDS),
                      ordered(queries.parse_order("Name desc"), FIELDS, "pk"), skip=0, top=100)
    total = asked.count(connection, "profile")
    rows = asked.rows(connection, "SELECT id, visits FROM profile")

Text of a query ends in parameters alone: SQL is made of what the table of fields says. All negations are carried down
to the comparisons, where each has a form that is right about what is not there; so a comparison with a column stands
bare in the SQL and finds its index, and NULL never meets NOT.

Where a tree's value is a list, a comparison is true if it is of any element. A bare number is equal to the number and
to its text, as the wire does not say which was meant; a quoted one to the text. Less and greater are between numbers,
or between texts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from policy import queries
from policy.queries import And, BadQuery, BadValue, Comparison, Expression, Key, Not, Op, Or, Value

Parameter = str | int | float


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is a column, or an expression of columns.

    `read` makes a value of what was written, or raises BadValue. `absent` is the condition that there is none, that the
    column is NULL if it says nothing; an empty value stands for none where it says something. `within` is for fields
    with several values: the condition, with `{}` for that of one value, and never NULL. `opens` reads a value for lt
    and ge where that has a first moment of its own, as a day has.
    """

    column: str
    read: Callable[[str], Parameter] = queries.text
    absent: str = ""
    within: str = ""
    opens: Callable[[str], Parameter] | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """A column of JSON text: all paths behind its name are fields."""

    column: str


Fields = Mapping[str, Field | Tree]


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL and its parameters."""

    sql: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """What part of a list is asked for."""

    where: Clause
    order: Clause
    skip: int
    top: int

    @property
    def whole(self) -> bool:
        """Tell whether nothing is filtered."""
        return self.where == ALL

    def count(self, connection: sqlite3.Connection, table: str) -> int:
        """Count the rows of a table that are meant, on all pages."""
        query = f"SELECT count(*) FROM {table} WHERE {self.where.sql}"  # noqa: S608 (texts of queries are parameters)
        found: int = connection.execute(query, self.where.parameters).fetchone()[0]
        return found

    def rows(self, connection: sqlite3.Connection, select: str) -> list[tuple[Any, ...]]:
        """Read the rows of the page; `select` ends before its WHERE."""
        query = f"{select} WHERE {self.where.sql} ORDER BY {self.order.sql} LIMIT ? OFFSET ?"
        return connection.execute(
            query, (*self.where.parameters, *self.order.parameters, self.top, self.skip)
        ).fetchall()


ALL: Final = Clause("1")


def where(expression: Expression | None, fields: Fields) -> Clause:
    """Compile a filter into a condition; raises BadQuery for what its fields cannot be asked."""
    return ALL if expression is None else _condition(expression, fields, wanted=True)


def ordered(keys: Sequence[Key], fields: Fields, tie: str) -> Clause:
    """Compile an order, ending in a column that settles every tie; raises BadQuery."""
    clauses = [_order(key, fields) for key in keys]
    parameters = tuple(each for clause in clauses for each in clause.parameters)
    return Clause(", ".join([*(clause.sql for clause in clauses), tie]), parameters)


def _order(key: Key, fields: Fields) -> Clause:
    name, field = _field(key.path, key.at, fields)
    direction = " DESC" if key.descending else ""
    if isinstance(field, Field):
        if field.within:
            raise BadQuery(key.at, "a list is not ordered by a field with several values")
        return Clause(field.column + direction)
    return Clause(f"json_extract({field.column}, ?){direction}", (_json_path(key.path, name),))


def _condition(expression: Expression, fields: Fields, *, wanted: bool) -> Clause:
    """Compile the condition that an expression is true, or that it is false."""
    match expression:
        case Comparison():
            return _comparison(expression, fields, wanted=wanted)
        case Not(part):
            return _condition(part, fields, wanted=not wanted)
        case And(parts) | Or(parts):
            joint = " AND " if isinstance(expression, And) is wanted else " OR "
            return _joined(joint, [_condition(part, fields, wanted=wanted) for part in parts])


def _comparison(asked: Comparison, fields: Fields, *, wanted: bool) -> Clause:
    name, field = _field(asked.path, asked.at, fields)
    if asked.op is Op.NE:
        asked, wanted = Comparison(asked.path, Op.EQ, asked.values, asked.at, asked.chained), not wanted
    nulls = [value for value in asked.values if _is_null(value, field)]
    if nulls and asked.op is not Op.EQ:
        raise BadQuery(nulls[0].at, "nothing is less or greater than null")
    if isinstance(field, Tree):
        return _denied(_in_tree(asked, field, _json_path(asked.path, name)), wanted=wanted)
    if asked.chained and not field.within:
        raise BadQuery(asked.values[0].at, "this field has one value; expected a field, not or (")
    told = [_read(value, field, asked.op) for value in asked.values if value not in nulls]
    if field.within:
        return _denied(_in_list(field, asked.op, told, none=bool(nulls)), wanted=wanted)
    return _in_column(field, asked.op, told, none=bool(nulls), wanted=wanted)


def _in_column(field: Field, op: Op, told: Sequence[Parameter], *, none: bool, wanted: bool) -> Clause:
    """Compare a column, so that what is not there is right however it was asked, and the column stands alone."""
    found = _compared(field.column, op, told, wanted=wanted)
    absent = Clause(field.absent or f"{field.column} IS NULL")
    if none is wanted:  # `eq a, null` has those without, as does `not (x eq a)`
        return _joined(" OR ", [absent, *found]) if found else absent
    there = Clause(f"NOT ({absent.sql})")
    return _joined(" AND ", [*found, there]) if field.absent or none or not found else found[0]


def _in_list(field: Field, op: Op, told: Sequence[Parameter], *, none: bool) -> Clause:
    """Compare each of several values."""
    parts = [Clause(f"NOT {field.within.replace('{}', f'{field.column} IS NOT NULL')}")] if none else []
    found = _compared(field.column, op, told, wanted=True)
    parts += [Clause(field.within.replace("{}", each.sql), each.parameters) for each in found]
    return _joined(" OR ", parts)


def _in_tree(asked: Comparison, tree: Tree, path: str) -> Clause:
    """Compare what stands at a path, or any element of a list there."""
    values = [value for value in asked.values if not value.null]
    found = []
    if len(values) < len(asked.values):
        found.append(Clause(f"coalesce(json_type({tree.column}, ?), 'null') = 'null'", (path,)))
    if values:
        any_of = _equal_element(values) if asked.op is Op.EQ else _compared_element(values[0], _SIGNS[asked.op])
        each = f"EXISTS (SELECT 1 FROM json_each({tree.column}, ?) WHERE {any_of.sql})"  # noqa: S608 (texts of queries are parameters)
        leaf = f"json_type({tree.column}, ?) IS NOT 'object'"
        found.append(Clause(f"({each} AND {leaf})", (path, *any_of.parameters, path)))
    return _joined(" OR ", found)


def _equal_element(values: Sequence[Value]) -> Clause:
    """Find an element among some values, in lists: an OR for each value would be too deep for SQLite."""
    bare = [value.text for value in values if not value.quoted]
    numbers = [number for text in bare if (number := _number(text)) is not None]
    flags = [text.lower() for text in bare if text.lower() in ("true", "false")]
    parts = [Clause(f"(type = 'text' AND atom IN ({_marks(values)}))", tuple(value.text for value in values))]
    if numbers:
        parts.append(Clause(f"(type IN ('integer', 'real') AND atom IN ({_marks(numbers)}))", tuple(numbers)))
    if flags:
        parts.append(Clause(f"type IN ({_marks(flags)})", tuple(flags)))
    return _joined(" OR ", parts)


def _compared_element(value: Value, sign: str) -> Clause:
    number = None if value.quoted else _number(value.text)
    if number is not None:
        return Clause(f"(type IN ('integer', 'real') AND atom {sign} ?)", (number,))
    return Clause(f"(type = 'text' AND atom {sign} ?)", (value.text,))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _number(text: str) -> Parameter | None:
    try:
        return queries.number(text)
    except BadValue:
        return None


_SIGNS: Final = {Op.EQ: "=", Op.NE: "<>", Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}
_CONTRARY: Final = {"=": "<>", ">": "<=", ">=": "<", "<": ">=", "<=": ">"}


def _compared(column: str, op: Op, told: Sequence[Parameter], *, wanted: bool) -> list[Clause]:
    """Compare a column that is there with values, if there are any."""
    if not told:
        return []
    if len(told) > 1:
        return [Clause(f"{column} {'' if wanted else 'NOT '}IN ({_marks(told)})", tuple(told))]
    sign = _SIGNS[op] if wanted else _CONTRARY[_SIGNS[op]]
    return [Clause(f"{column} {sign} ?", tuple(told))]


def _joined(joint: str, clauses: Sequence[Clause]) -> Clause:
    if len(clauses) == 1:
        return clauses[0]
    parameters = tuple(each for clause in clauses for each in clause.parameters)
    return Clause(f"({joint.join(clause.sql for clause in clauses)})", parameters)


def _denied(clause: Clause, *, wanted: bool) -> Clause:
    return clause if wanted else Clause(f"NOT ({clause.sql})", clause.parameters)


def _field(path: str, at: int, fields: Fields) -> tuple[str, Field | Tree]:
    """Find the field of a path: that of its whole name, or the tree with the longest; raises BadQuery."""
    name = path
    while name:
        found = fields.get(name)
        if found is not None and (name == path or isinstance(found, Tree)):
            return name, found
        name = name.rpartition(".")[0]
    names = [f"{name}.…" if isinstance(each, Tree) else name for name, each in fields.items()]
    raise BadQuery(at, f"there is no such field; the fields are {', '.join(names)}")


def _json_path(path: str, name: str) -> str:
    """Write what is behind a tree's name as a path of SQLite; parts of names have no quotes in them."""
    inner = path[len(name) + 1 :]
    return "$" + "".join(f'."{part}"' for part in inner.split(".") if part)


def _is_null(value: Value, field: Field | Tree) -> bool:
    return value.null or (isinstance(field, Field) and bool(field.absent) and not value.text)


def _read(value: Value, field: Field, op: Op) -> Parameter:
    read = field.opens if field.opens is not None and op in (Op.LT, Op.GE) else field.read
    try:
        return read(value.text)
    except BadValue as rule:
        raise BadQuery(value.at, str(rule)) from None
