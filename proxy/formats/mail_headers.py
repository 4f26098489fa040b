"""Headers of a mail as an object of names and values, which providers write into the mail.

A value with a line break becomes one more header, and some headers name recipients, each provider's own among them. A
sender needs neither: the provider has keys for recipients.
"""

from __future__ import annotations

import re
from typing import Any

from proxy import strict
from proxy.formats.objects import join, refuse_breaks
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
