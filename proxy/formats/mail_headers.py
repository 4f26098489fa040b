"""Headers of a mail as an object of names and values, or a list of both, which providers write into the mail.

A value with a line break becomes one more header, and some headers name recipients, each provider's own among them. A
sender needs neither: the provider has keys for recipients.
"""

from __future__ import annotations

import re
from typing import Any

from proxy import strict
from proxy.formats.objects import Shape, array, join, refuse_breaks, text
from proxy.providers.base import Unreadable

RECIPIENTS = frozenset({"to", "cc", "bcc", "resentto", "resentcc", "resentbcc", "apparentlyto"})  # by their letters

_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, section 2.2


def check(owner: dict[str, Any], name: str, place: str, own: frozenset[str] = frozenset()) -> None:
    """Refuse headers under a key of the object at `place` that name recipients or hold another header.

    `own` are the provider's own headers that decide who gets the message or when, by their letters alone. Raises
    Unreadable, also for what is no object; an absent key and null are no headers.
    """
    headers = owner.get(name)
    if headers is None:
        return
    if not isinstance(headers, dict):
        raise Unreadable("not an object", join(place, name))
    for header in headers:
        if not _NAME.fullmatch(header):
            raise Unreadable("a header's name is none", join(place, name))
        if strict.looks_like(header, RECIPIENTS | own):
            raise Unreadable("a header names recipients", join(place, name))
    refuse_breaks(owner, name, place)


def check_list(owner: dict[str, Any], name: str, place: str, shape: Shape, own: frozenset[str] = frozenset()) -> None:
    """Refuse such headers where they are a list of {Name, Value}; `shape` is that of one of them. Raises Unreadable."""
    for number, header in enumerate(array(owner, name, place)):
        spot = f"{join(place, name)}.{number}"
        told = text(shape.check(header, spot), "Name", spot)
        if not _NAME.fullmatch(told) or strict.looks_like(told, RECIPIENTS | own):
            raise Unreadable("a header names recipients, or its name is none", spot)
        if "Value" in header:
            refuse_breaks(header, "Value", spot)
