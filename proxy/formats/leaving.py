"""People who are taken out of a send, for all that a send says of them beside their place in a list.

Variables by recipient and the headers of a raw mail name people once more: not to reach them, but the others would see
or the provider keep what is said of somebody who gets nothing. Who also stands at a place that stays, stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from policy.identity import email_keys
from policy.model import Recipient
from proxy import strict
from proxy.formats import mime
from proxy.formats.mailboxes import mailboxes, without
from proxy.formats.mime import Mime
from proxy.providers.base import Unreadable

_INDENT = re.compile(r"\n *")


class Leaving:
    """Who leaves a send when the recipients at these places are taken out."""

    def __init__(self, recipients: Collection[Recipient], places: frozenset[str]) -> None:
        staying = (name for each in recipients if each.place not in places for name in _names(each.address, each.keys))
        leaving = (name for each in recipients if each.place in places for name in _names(each.address, each.keys))
        self._names = frozenset(leaving).difference(staying)

    def __contains__(self, address: object) -> bool:
        """Tell whether an address is of somebody who leaves, in any spelling."""
        return isinstance(address, str) and not self._names.isdisjoint(_names(address, email_keys(address)))

    def left(self, people: Mapping[str, Any]) -> dict[str, Any]:
        """Give of what stands under addresses all that is of others."""
        return {address: said for address, said in people.items() if address not in self}


def _names(address: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    return keys or (address.strip().lower(),)


def shown(head: Mime, leaving: Leaving) -> Iterator[tuple[str, str]]:
    """Give the headers of a mail that show somebody who leaves, each with what is left of it.

    They are read forgivingly, for nobody gets the mail because of them: one that is no list of mailboxes is left alone.
    """
    for name in mime.RECIPIENTS:
        text = head.value(name) or ""
        try:
            found = mailboxes(text)
        except Unreadable:
            continue
        numbers = frozenset(number for number, each in enumerate(found) if each.address in leaving)
        if numbers:
            yield name, without(text, numbers)


def foldable_json(tree: Any) -> str:
    """Write JSON as the value of a header: a blank between any two tokens, where a long line can be folded."""
    return _INDENT.sub(" ", orjson.dumps(tree, option=orjson.OPT_INDENT_2).decode())  # texts hold no line breaks


def variables_left(text: str, tree: dict[str, Any], leaving: Leaving) -> dict[str, Any] | None:
    """Give the variables by recipient without those who leave, numbers as spelled; None if nobody of them does."""
    if not any(address in leaving for address in tree):
        return None
    return leaving.left(strict.json_for_writing(text.encode(), tree))
