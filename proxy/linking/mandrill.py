"""Mandrill: headers are those of the whole send, so only a send to one person has links.

https://mailchimp.com/developer/transactional/api/messages/: `message.headers`, or those of the raw message. A text with
Mandrill's own merge tag for unsubscribing has Mandrill's link, and Mandrill writes a header for it
(https://mandrill.zendesk.com/hc/en-us/articles/205582947); so it does where the account's sending defaults or rules add
a footer, which no request shows.
"""

from __future__ import annotations

from typing import Any, Final

from proxy.formats import heading, mime
from proxy.linking.base import OUR_HEADERS, Block, Linked, Mail, Named, Result, Wanted, in_json, texts, tree
from proxy.providers.base import Message

PER_RECIPIENT = False

_OWN_PLACEHOLDER: Final = "*|UNSUB"


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into a send to one person."""
    body = tree(message)
    places = [each.place for each in message.send.recipients]
    return in_json(message, wanted, body, [_raw(places, body) if "raw_message" in body else _mail(places, body)])


def _mail(places: list[str], body: dict[str, Any]) -> Mail:
    own = texts(body["message"], plain=["text"], markup=["html"])
    refuses = Result.BY_PROVIDER if own.hold(_OWN_PLACEHOLDER) else None
    return Mail(places, Named(body["message"]), own, refuses)


def _raw(places: list[str], body: dict[str, Any]) -> Mail:
    """Give the mail of a raw message; its texts lie in its parts, encoded, and are not looked into."""
    raw = mime.read(body["raw_message"].encode())
    refuses = Result.UNSUPPORTED if heading.signs(raw, OUR_HEADERS) else None
    if _OWN_PLACEHOLDER in body["raw_message"]:
        refuses = Result.BY_PROVIDER

    def write(whole: bytes) -> None:
        body["raw_message"] = whole.decode()

    return Mail(places, Block(raw, write), None, refuses)
