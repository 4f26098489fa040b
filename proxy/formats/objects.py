"""JSON objects whose documented keys decide who gets a message.

Providers' parsers differ in how forgiving they are: some fold case, some take `To_` or `ｔｏ` for `to`. A key that is
documented is taken for what it is, one that looks like nothing of importance passes, and one that only looks like a key
that decides makes the send unreadable. So do line breaks in what becomes a header of the mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy import strict
from proxy.providers.base import Unreadable

LONGEST = 100_000  # elements of an array; the largest documented ones have some thousands

_BREAKS = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of object, built once: its documented keys, and the names that no other key may look like.

    `deciding` are names in any spelling, documented for this object or not: a list of recipients counts wherever it
    stands.
    """

    documented: frozenset[str]
    deciding: frozenset[str]
    _letters: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out the letters of the names."""
        object.__setattr__(self, "_letters", frozenset(map(strict.letters, self.deciding)))

    def check(self, value: Any, place: str) -> dict[str, Any]:
        """Give the value, an object without a key that only looks like a deciding one; raises Unreadable."""
        if not isinstance(value, dict):
            raise Unreadable("not an object", place)
        if value.keys() <= self.documented:
            return value
        if any(strict.looks_like(name, self._letters) for name in value.keys() - self.documented):
            raise Unreadable("a key that is not documented looks like one that decides who gets the message", place)
        return value


def array(owner: dict[str, Any], name: str, place: str) -> list[Any]:
    """Give the array under a key of the object at `place`, an empty one where the key is absent; raises Unreadable.

    So it does for one of more than LONGEST elements.
    """
    value = owner.get(name, [])
    if not isinstance(value, list):
        raise Unreadable("not an array", join(place, name))
    if len(value) > LONGEST:
        raise Unreadable(f"an array of more than {LONGEST} elements", join(place, name))
    return value


def text(owner: dict[str, Any], name: str, place: str) -> str:
    """Give the text under a key of the object at `place`; raises Unreadable, also where the key is absent."""
    value = owner.get(name)
    if not isinstance(value, str):
        raise Unreadable("not a text", join(place, name))
    return value


def texts(owner: dict[str, Any], name: str, place: str) -> Iterator[tuple[str, str]]:
    """Give the places and texts under a key that takes one text or an array of them; raises Unreadable.

    One text stands at the place of the key, the others at its indexes. An absent key has none.
    """
    if isinstance(owner.get(name), str):
        yield join(place, name), owner[name]
        return
    for number, told in enumerate(array(owner, name, place)):
        spot = f"{join(place, name)}.{number}"
        if not isinstance(told, str):
            raise Unreadable("not a text", spot)
        yield spot, told


def strings(value: Any) -> Iterator[str]:
    """Give all texts of a tree, the keys of its objects among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def refuse_breaks(owner: dict[str, Any], name: str, place: str) -> None:
    """Refuse CR, LF and NUL in any text under a key: a mailer could take what follows for one more header."""
    value = owner[name]
    found = _BREAKS.search(value) if isinstance(value, str) else any(map(_BREAKS.search, strings(value)))
    if found:
        raise Unreadable("a line break or NUL in what becomes a header of the mail", join(place, name))


def at(tree: Any, *path: str) -> Any:
    """Give what stands at the end of a way through objects, None where it leads nowhere."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def put(tree: dict[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """Give the tree with another value at the end of a way that it has; what was given stays as it is."""
    name, *rest = path
    return {**tree, name: put(tree[name], rest, value) if rest else value}


def join(place: str, name: str) -> str:
    """Give the place of a key in the object at `place`, which is "" for the whole body."""
    return f"{place}.{name}" if place else name
