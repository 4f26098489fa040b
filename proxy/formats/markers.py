"""Markers: the fields of a send that may tell its message class, as texts by the names that config.yaml uses.

A marker speaks for the whole send. Where a send holds several messages, only what all of them say is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

Markers = Mapping[str, tuple[str, ...]]


def of(owner: Any, *names: str, prefix: str = "") -> dict[str, tuple[str, ...]]:
    """Give the texts and whole numbers under these keys, one or an array of them; nothing where there are none."""
    found = {}
    for name in names if isinstance(owner, dict) else ():
        value = owner.get(name)
        values = value if isinstance(value, list) else [value]
        found[prefix + name] = tuple(str(each) for each in values if type(each) in (str, int) and each != "")
    return {name: told for name, told in found.items() if told}


def common(messages: Iterable[Markers]) -> Markers:
    """Give the markers that all messages share, value by value alike."""
    first, *others = messages
    return MappingProxyType({name: told for name, told in first.items() if all(o.get(name) == told for o in others)})
