"""Contents whose headers name recipients and are no envelope: whom a mail shows, and to whom nothing is sent for it.

A Cc header, or the To of a raw message, is text that every recipient sees. Nobody gets a message for standing there,
but somebody who was taken out of a send should not stand there either. So these texts are read like envelopes, and the
headers that could become one after all (Bcc, a provider's own) are refused.
"""

from __future__ import annotations

from typing import Any

from policy.identity import email_keys
from proxy import strict
from proxy.formats import mail_headers, mailboxes, mime
from proxy.formats.gathering import check_named
from proxy.formats.mailboxes import Mailbox
from proxy.formats.objects import Shape, join, refuse_breaks
from proxy.providers.base import Unreadable

_OWN_HEADER = "X-MSYS-API"
_OWN = frozenset({strict.letters(_OWN_HEADER)})
_ENVELOPES = ("Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", _OWN_HEADER)
_SHOWN = ("To", "Cc")  # of a raw message
_BECOME_HEADERS = ("subject", "from", "reply_to")


def check(content: dict[str, Any], place: str, sender: Shape) -> None:
    """Check `headers`, `email_rfc822` and what else becomes a header of the content at a place; raises Unreadable.

    `sender` is the shape of a `from` that is an object.
    """
    if isinstance(content.get("from"), dict):
        sender.check(content["from"], join(place, "from"))
    headers = content.get("headers")
    if isinstance(headers, dict):
        for value in (value for name, value in headers.items() if _is_cc(name)):
            people(value, join(place, "headers"))
        headers = {name: value for name, value in headers.items() if not _is_cc(name)}
    mail_headers.check({"headers": headers}, "headers", place, _OWN)
    for name in _BECOME_HEADERS:
        if name in content:
            refuse_breaks(content, name, place)
    if content.get("email_rfc822") is not None:
        _raw(content["email_rfc822"], join(place, "email_rfc822"))


def _is_cc(name: str) -> bool:
    return name.lower() == "cc"


def _raw(text: Any, place: str) -> mime.Mime:
    if not isinstance(text, str):
        raise Unreadable("not a text", place)
    try:
        message = mime.read(text.encode(), (_OWN_HEADER,))
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
        found = mailboxes.mailboxes(text)
        check_named(mailbox.address for mailbox in found)
        return tuple(map(_told_by, found))
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
    if not _is_cc(name) or not value:
        return value
    return rest(value, lost) or None
