"""Recipients in the headers of a raw message (mime.py), for APIs that take one in base64.

The place of an address is that of the message in the body, the header, and the number of the address in it:
`Content.Raw.Data.To.0`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator

from proxy.formats import mailboxes, mime
from proxy.formats.layouts import Address
from proxy.formats.mailboxes import Mailbox
from proxy.formats.mime import Mime
from proxy.providers.base import Unreadable

_NOBODY = re.compile(r"[A-Za-z _-]+:[ \t]*;")  # a group without anybody, as in `To: undisclosed-recipients:;`


def read(encoded: object, place: str, deciding: Collection[str]) -> Mime:
    """Read a message in base64, in its one strict form; raises Unreadable, as `mime.read` does."""
    if not isinstance(encoded, str):
        raise Unreadable("not a text", place)
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise Unreadable("not base64", place) from None
    return mime.read(raw, deciding)


def addresses(message: Mime, place: str) -> Iterator[Address]:
    """Find every address in the headers that name recipients; raises Unreadable for groups and the like."""
    for name in mime.RECIPIENTS:
        for number, mailbox in enumerate(_mailboxes(message, name)):
            yield f"{place}.{name}.{number}", mailbox.address, mailbox.address


def without(message: Mime, place: str, places: frozenset[str]) -> str | None:
    """Give the message without the addresses at these places, in base64; None if it has none of them.

    A header goes with its last address.
    """
    changes: dict[str, str | None] = {}
    for name in mime.RECIPIENTS:
        mailbox_count = len(_mailboxes(message, name))
        gone = frozenset(number for number in range(mailbox_count) if f"{place}.{name}.{number}" in places)
        if gone:
            changes[name] = mailboxes.without(message.value(name) or "", gone)
    return base64.b64encode(message.rewritten(changes)).decode() if changes else None


def _mailboxes(message: Mime, name: str) -> tuple[Mailbox, ...]:
    return () if _NOBODY.fullmatch(message.value(name) or "") else message.mailboxes(name)
