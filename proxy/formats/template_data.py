"""The data that fills a stored template: one more name in it, where there is room and nothing like it.

Data is an object under a key, the same written as a text of JSON, or a list of names and contents. What the sender
wrote stays; a name that differs only in case or marks from one of the sender's is not put beside it, since a provider
may take the two for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy import strict
from proxy.providers.base import Unreadable


@dataclass(frozen=True, slots=True)
class Data:
    """Data as an object under a key of the object that owns it; `above` has such for all.

    Whether own data stands beside that for all or in its place, providers do not say. So where there was none, the new
    one repeats what holds for all.
    """

    owner: dict[str, Any]
    key: str
    above: Mapping[str, Any] = field(default_factory=dict)

    def fill(self, name: str, value: str) -> bool:
        """Put a name into the data; False where there is something like it, or no room."""
        told = self.owner.get(self.key)
        told = (self.above.get(self.key) or {}) if told is None else told
        if not isinstance(told, dict) or _has(told, name):
            return False
        self.owner[self.key] = {**told, name: value}
        return True


@dataclass(frozen=True, slots=True)
class WrittenData:
    """Data as a text of JSON, under a key; `otherwise` is the text that holds for those who have none."""

    owner: dict[str, Any]
    key: str
    otherwise: Any = None

    def fill(self, name: str, value: str) -> bool:
        """Put a name into the data; False where there is something like it, no object, or one with several readings."""
        text = self.owner.get(self.key) or self.otherwise or "{}"
        try:
            told = strict.json_for_writing(text.encode(), strict.json_tree(text.encode()))
        except (Unreadable, AttributeError, UnicodeEncodeError):
            return False
        if not isinstance(told, dict) or _has(told, name):
            return False
        self.owner[self.key] = strict.write_json({**told, name: value}).decode()
        return True


@dataclass(frozen=True, slots=True)
class ListedData:
    """Data as a list of {name, content} under a key; `beside` are the names that stand elsewhere."""

    owner: dict[str, Any]
    key: str
    beside: Iterable[Any] = ()

    def fill(self, name: str, value: str) -> bool:
        """Put a name into the data; False where there is something like it, or no list."""
        told = self.owner.get(self.key) or []
        if not isinstance(told, list) or _has(map(_name, [*told, *self.beside]), name):
            return False
        self.owner[self.key] = [*told, {"name": name, "content": value}]
        return True


class NoData:
    """The data of a template that one person alone cannot have."""

    def fill(self, name: str, value: str) -> bool:
        """Put no name anywhere."""
        del name, value
        return False


def _name(entry: Any) -> str:
    return str(entry.get("name", "")) if isinstance(entry, dict) else ""


def _has(names: Iterable[str], name: str) -> bool:
    alike = frozenset({strict.letters(name)})
    return any(strict.looks_like(each, alike) for each in names)
