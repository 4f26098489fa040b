"""Who gets one message, for providers whose messages name people under keys: as lists of objects, or as texts.

An envelope tells the addresses by their places, under each key that holds some. A place is the path in the body: key
and number, and of an object that stands alone the key.
"""

from __future__ import annotations

from typing import Any

from proxy.formats import mailboxes, objects
from proxy.formats.objects import Shape, join
from proxy.providers.base import Unreadable

Envelope = dict[str, dict[str, str]]


def of_objects(owner: dict[str, Any], name: str, place: str, shape: Shape, keys: tuple[str, str]) -> dict[str, str]:
    """Find the addresses in a list of objects with these keys for address and name; null is none.

    Raises Unreadable for what is no such list, and for line breaks in a name.
    """
    if owner.get(name) is None:
        return {}
    spot = join(place, name)
    people = enumerate(objects.array(owner, name, place))
    return {f"{spot}.{number}": of_object(each, f"{spot}.{number}", shape, keys) for number, each in people}


def of_object(value: Any, place: str, shape: Shape, keys: tuple[str, str]) -> str:
    """Give the address in one object; raises Unreadable as a list of such does."""
    address, name = keys
    person = shape.check(value, place)
    if person.get(name) is not None:
        objects.refuse_breaks(person, name, place)
    return objects.text(person, address, place)


def of_text(owner: dict[str, Any], name: str, place: str) -> dict[str, str]:
    """Find the addresses in a comma list; null is none. Raises Unreadable."""
    if owner.get(name) is None:
        return {}
    spot = join(place, name)
    try:
        found = mailboxes.mailboxes(objects.text(owner, name, place))
    except Unreadable as unreadable:
        raise Unreadable(unreadable.detail, spot) from None
    return {f"{spot}.{number}": mailbox.address for number, mailbox in enumerate(found)}


def without(owner: dict[str, Any], envelope: Envelope, places: frozenset[str]) -> dict[str, Any]:
    """Give an object without the people at these places; a key goes with its last."""
    left = dict(owner)
    for name, spots in envelope.items():
        indexes = frozenset(index for index, spot in enumerate(spots) if spot in places)
        if len(indexes) == len(spots):
            del left[name]
        elif indexes and isinstance(left[name], str):
            left[name] = mailboxes.without(left[name], indexes)
        elif indexes:
            left[name] = [each for index, each in enumerate(left[name]) if index not in indexes]
    return left
