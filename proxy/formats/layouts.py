"""Envelopes in a tree: lists of address texts under documented names, alone or one envelope per message of a batch.

A place is the way to a text, counted from 0: `Destination.ToAddresses.0`, or in a batch `Entries.3.Destination.To.0`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.formats import mailboxes, objects
from proxy.formats.objects import Shape
from proxy.providers.base import Unreadable

Address = tuple[str, str, str]  # place, text as it came, the address in it or "" where it is not exactly one

_ANY = Shape(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the recipients of a kind of send stand.

    `owner` is the object that has the lists, "" where they stand in the message itself; `entries` is the list of the
    messages of a batch, "" for a single message; `address` instead of all these is one text with one address.
    """

    lists: tuple[str, ...] = ()
    owner: str = ""
    owner_shape: Shape = _ANY
    entries: str = ""
    entry_shape: Shape = _ANY
    address: str = ""

    @property
    def root(self) -> str:
        """Say where a send that names nobody lacks somebody."""
        return self.entries or self.address or self.owner or self.lists[0]


def addresses(layout: Layout, tree: dict[str, Any]) -> Iterator[Address]:
    """Find every address in the lists of a tree; raises Unreadable for what is no list, text or object."""
    if layout.address:
        text = objects.text(tree, layout.address, "")
        yield layout.address, text, mailboxes.single(text)
    elif layout.entries:
        for index, entry in enumerate(objects.array(tree, layout.entries, "")):
            place = f"{layout.entries}.{index}"
            yield from _listed(layout, layout.entry_shape.check(entry, place), place)
    else:
        yield from _listed(layout, tree, "")


def _listed(layout: Layout, message: dict[str, Any], place: str) -> Iterator[Address]:
    owner = message
    if layout.owner:
        if layout.owner not in message:
            return
        place = objects.join(place, layout.owner)
        owner = layout.owner_shape.check(message[layout.owner], place)
    for name in layout.lists:
        for number, text in enumerate(objects.array(owner, name, place)):
            spot = f"{objects.join(place, name)}.{number}"
            if not isinstance(text, str):
                raise Unreadable("not a text", spot)
            yield spot, text, mailboxes.single(text)


def dropped(layout: Layout, present: Iterable[str], places: frozenset[str]) -> dict[int, str]:
    """Give the messages of a batch that lose everybody, each with the place of its first recipient.

    One that had nobody from the start loses nobody.
    """
    spots: dict[int, list[str]] = {}
    for place in present if layout.entries else ():
        spots.setdefault(entry_of(place), []).append(place)
    return {index: own[0] for index, own in spots.items() if places.issuperset(own)}


def entry_of(place: str) -> int:
    """Give the index of the message that a place of a batch belongs to."""
    return int(place.split(".")[1])


def without(layout: Layout, tree: dict[str, Any], places: frozenset[str], falling: Mapping[int, str]) -> dict[str, Any]:
    """Give the tree without the addresses at these places, and without the messages of a batch that fall.

    A list goes with its last address. What was given stays as it is.
    """
    if not layout.entries:
        return _without(layout, tree, "", places)
    touched = {entry_of(place) for place in places}
    kept = [
        _without(layout, entry, f"{layout.entries}.{index}", places) if index in touched else entry
        for index, entry in enumerate(tree[layout.entries])
        if index not in falling
    ]
    return {**tree, layout.entries: kept}


def _without(layout: Layout, message: dict[str, Any], place: str, places: frozenset[str]) -> dict[str, Any]:
    if not layout.owner:
        return _shortened(layout, message, place, places)
    if layout.owner not in message:
        return message
    short = _shortened(layout, message[layout.owner], objects.join(place, layout.owner), places)
    return {**message, layout.owner: short}


def _shortened(layout: Layout, owner: dict[str, Any], place: str, places: frozenset[str]) -> dict[str, Any]:
    short = dict(owner)
    for name in layout.lists:
        texts = owner.get(name, ())
        kept = [text for n, text in enumerate(texts) if f"{objects.join(place, name)}.{n}" not in places]
        if kept:
            short[name] = kept
        elif texts:
            del short[name]
    return short
