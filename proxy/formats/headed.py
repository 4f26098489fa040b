"""Contents whose headers name recipients and are no envelope: whom a mail shows, and to whom nothing is sent for it.

A Cc header, or the To of a raw message, is text that every recipient sees. Nobody gets a message for standing there,
but somebody who was taken out of a send should not stand there either. So these texts are read like envelopes, and the
headers that could become one after all (Bcc, a provider's own) are refused.
"""

from __future__ import annotations

import re
from typing import Any

from policy.identity import email_keys
from proxy import strict
from proxy.formats import mailboxes, mime
from proxy.formats.mailboxes import Mailbox
from proxy.formats.objects import Shape, join, refuse_breaks
from proxy.providers.base import Unreadable

_ENVELOPES = ("Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", "X-MSYS-API")
_REFUSED = frozenset({"to", "apparentlyto", *map(strict.letters, _ENVELOPES)})
_CC = frozenset({"cc"})
_SHOWN = ("To", "Cc")  # of a raw message
_BECOME_HEADERS = ("subject", "from", "reply_to", "headers")
_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, section 2.2


def check(content: dict[str, Any], place: str, sender: Shape) -> None:
    """Check `headers`, `email_rfc822` and what else becomes a header of the content at a place; raises Unreadable.

    `sender` is the shape of a `from` that is an object.
    """
    if isinstance(content.get("from"), dict):
        sender.check(content["from"], join(place, "from"))
    headers = content.get("headers")
    if not isinstance(headers, dict | None):
        raise Unreadable("not an object", join(place, "headers"))
    for name in headers or ():
        if not _NAME.fullmatch(name) or strict.looks_like(name, _REFUSED):
            raise Unreadable("a header's name is none, or decides who gets the message", join(place, "headers"))
        if strict.looks_like(name, _CC):
            _check_cc(name, (headers or {})[name], join(place, "headers"))
    for name in _BECOME_HEADERS:
        if name in content:
            refuse_breaks(content, name, place)
    if content.get("email_rfc822") is not None:
        _raw(content["email_rfc822"], join(place, "email_rfc822"))


def _check_cc(name: str, value: Any, place: str) -> None:
    if name.lower() != "cc":
        raise Unreadable("a header only looks like Cc", place)
    people(value, place)


def _raw(text: Any, place: str) -> mime.Mime:
    if not isinstance(text, str):
        raise Unreadable("not a text", place)
    try:
        message = mime.read(text.encode(), ("X-MSYS-API",))
        for name in _SHOWN:
            message.mailboxes(name)
    except Unreadable as unreadable:
        raise Unreadable(unreadable.detail, place) from None
    if any(message.values(name) for name in _ENVELOPES):
        raise Unreadable("a header of the raw message decides who gets it", place)
    return message


def people(text: Any, place: str = "") -> tuple[tuple[str, ...], ...]:
    """Give what tells each person of a list from others: the keys, or the text as it stands; raises Unreadable."""
    if text is None:
        return ()
    if not isinstance(text, str):
        raise Unreadable("not a text", place)
    try:
        return tuple(map(_told_by, mailboxes.mailboxes(text)))
    except Unreadable as unreadable:
        raise Unreadable(unreadable.detail, place) from None


def _told_by(mailbox: Mailbox) -> tuple[str, ...]:
    return email_keys(mailbox.address) or (mailbox.address,)


def rest(text: str, lost: frozenset[str]) -> str:
    """Give a list without those who are told by any of `lost`."""
    return mailboxes.without(
        text, frozenset(index for index, told in enumerate(people(text)) if not lost.isdisjoint(told))
    )


def without(content: dict[str, Any], lost: frozenset[str]) -> dict[str, Any]:
    """Give a checked content in whose texts nobody of `lost` is shown; a header that shows nobody else goes."""
    changed = dict(content)
    if content.get("headers"):
        pairs = ((name, _cc_rest(name, value, lost)) for name, value in content["headers"].items())
        changed["headers"] = {name: value for name, value in pairs if value is not None}
    if content.get("email_rfc822") is not None:
        message = _raw(content["email_rfc822"], "")
        told = {name: message.value(name) for name in _SHOWN}
        left = {name: rest(value, lost) for name, value in told.items() if value}
        changes = {name: value for name, value in left.items() if value != told[name]}
        changed["email_rfc822"] = message.rewritten(changes).decode()
    return changed


def _cc_rest(name: str, value: Any, lost: frozenset[str]) -> Any:
    """Give what stays of a header, None where nothing does; a header that loses nobody stays as it is."""
    if name.lower() != "cc" or not value:
        return value
    return rest(value, lost) or None
