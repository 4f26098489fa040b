"""The YAML of config.yaml → plain values, each with the line it stands in.

The text is composed, not constructed: every value stays the text that was typed, and the tree's fields say what it
means. So a phone number does not become an integer, the country NO does not become false, and `${PORT}` fits wherever
a number does. Aliases are followed within a budget, so that a few lines cannot become a billion values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from proxy.faults import Fault, Place, key_path
from proxy.references import References, Unresolved, literal

MOST_VALUES: Final = 200_000
TAG: Final = "tag:yaml.org,2002:"
SCALAR_TAGS: Final = frozenset(TAG + name for name in ("str", "int", "float", "bool", "timestamp", "value", "null"))
QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")

TOO_DEEP: Final = Fault(1, "", "the file is nested too deep")


class Unparsable(Exception):
    """The text as a whole cannot be read; holds the one fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(slots=True)
class Document:
    """What stands in the file: `data`, the lines of all places, and what was wrong on the way.

    `unread` are places whose value stayed None because of a fault, `doubtful` those that may say less than was meant,
    `literals` those whose value is no mere reference.
    """

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unread: set[Place] = field(default_factory=set)
    doubtful: set[Place] = field(default_factory=set)
    literals: set[Place] = field(default_factory=set)

    def fault(self, place: Place, says: str) -> Fault:
        """Make a fault at a place, or at the nearest one around it that stands in the file."""
        known = next((place[:n] for n in range(len(place), 0, -1) if place[:n] in self.lines), ())
        return Fault(self.lines.get(known, 1), key_path(place), says)

    def locate(self, loc: Place) -> tuple[Place, Place]:
        """Split where a validation points into the place in the file and what is not there.

        Validation sees more steps than the file has: the chosen kind of an `auth`, a single value read as a list.
        """
        value: Any = self.data
        place: Place = ()
        for at, part in enumerate(loc):
            if (*place, part) in self.lines:
                value = value[part]
                place = (*place, part)
            elif not (isinstance(value, dict) and value.get("kind") == part):
                return place, loc[at:]
        return place, ()


def read(text: str, references: References) -> Document:
    """Read the text; raises Unparsable where nothing of it can be used."""
    root = _compose(text)
    if not isinstance(root, yaml.MappingNode):
        raise Unparsable(Fault(1, "", "the file must hold a section of keys: listen, routes and so on"))
    reader = _Reader(references)
    try:
        reader.document.data = reader.value(root, ())
    except _TooMany:
        says = f"the file must not hold more than {MOST_VALUES} values, aliases included"
        raise Unparsable(Fault(1, "", says)) from None
    except RecursionError:
        raise Unparsable(TOO_DEEP) from None
    return reader.document


def _compose(text: str) -> yaml.Node:
    try:
        root = yaml.SafeLoader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unparsable(Fault(line, "", "the file holds a character that YAML does not allow")) from None
    except yaml.MarkedYAMLError as error:
        raise Unparsable(_syntax_fault(error)) from None
    except RecursionError:
        raise Unparsable(TOO_DEEP) from None
    except (ValueError, OverflowError):  # "\\UFFFFFFFF": the scanner asks chr() without a check
        raise Unparsable(Fault(1, "", "the file holds an escape or a number that YAML does not allow")) from None
    if root is None:
        raise Unparsable(Fault(1, "", "the file is empty"))
    return root


def _syntax_fault(error: yaml.MarkedYAMLError) -> Fault:
    """Tell what YAML stumbled over, without words that may be a piece of a secret."""
    mark = error.problem_mark or error.context_mark
    parts = [_without_values(part) for part in (error.context, error.problem) if part]
    return Fault(mark.line + 1 if mark else 1, "", f"this is not valid YAML: {', '.join(parts)}")


def _without_values(words: str) -> str:
    """Keep names of tokens (`<block end>`) and single characters of a message; anything else in quotes goes."""

    def keep(quoted: re.Match[str]) -> str:
        inner = quoted[1] or quoted[2] or ""
        return quoted[0] if len(inner) <= 2 or inner.startswith("<") else "…"

    return QUOTED.sub(keep, words)


class _TooMany(Exception):
    """The budget of values is spent."""


class _Reader:
    """One walk over the composed nodes."""

    def __init__(self, references: References) -> None:
        self.document = Document()
        self._references = references
        self._left = MOST_VALUES
        self._open: set[int] = set()

    def value(self, node: yaml.Node, place: Place) -> Any:
        """Give the plain value of a node; None, with a fault, where there is none."""
        self._spend(1)
        self.document.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if id(node) in self._open:
            return self._nothing(place, "an alias must not lead back into itself")
        if node.tag not in (f"{TAG}map", f"{TAG}seq"):
            return self._nothing(place, "tags (!…) are not allowed")
        self._open.add(id(node))
        value = self._mapping(node, place) if isinstance(node, yaml.MappingNode) else self._list(node, place)
        self._open.discard(id(node))
        return value

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _TooMany

    def _list(self, node: yaml.Node, place: Place) -> list[Any]:
        return [self.value(item, (*place, at)) for at, item in enumerate(node.value)]

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> str | None:
        if node.tag not in SCALAR_TAGS:
            return self._nothing(place, "tags (!…) are not allowed")
        if node.tag == f"{TAG}null":
            return self._nothing(place, 'has no value; leave the key out, or write "", [] or {}')
        if literal(node.value):
            self.document.literals.add(place)
        try:
            return self._references.resolve(node.value)
        except Unresolved as problem:
            return self._nothing(place, str(problem))

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in self._pairs(node, place):
            key = key_node.value
            self.document.lines[(*place, key)] = key_node.start_mark.line + 1
            values[key] = self.value(value_node, (*place, key))
        return values

    def _pairs(self, node: yaml.MappingNode, place: Place) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """Give the keys and values of a mapping, those that `<<` brings in included; its own keys go before them."""
        self._spend(len(node.value) + 1)
        own: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{TAG}merge":
                for pair in self._merged(value_node, place):
                    merged.setdefault(pair[0].value, pair)
            elif not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, place, "a key must be a single word")
            elif key_node.value in own:
                first = own[key_node.value][0].start_mark.line + 1
                self._fault(key_node, (*place, key_node.value), f"stands twice; first in line {first}")
            else:
                own[key_node.value] = (key_node, value_node)
        return [*own.values(), *(pair for key, pair in merged.items() if key not in own)]

    def _merged(self, node: yaml.Node, place: Place) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            if isinstance(source, yaml.MappingNode) and id(source) not in self._open:
                self._open.add(id(source))
                yield from self._pairs(source, place)
                self._open.discard(id(source))
            else:
                self._fault(source, place, "<< must name a section of keys, or a list of them, outside itself")

    def _fault(self, node: yaml.Node, place: Place, says: str) -> None:
        self.document.faults.append(Fault(node.start_mark.line + 1, key_path(place), says))
        self.document.doubtful.add(place)

    def _nothing(self, place: Place, says: str) -> str | None:
        self.document.faults.append(self.document.fault(place, says))
        self.document.unread.add(place)
        return None
