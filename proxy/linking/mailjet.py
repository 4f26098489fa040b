"""Mailjet: each message has its own headers; https://dev.mailjet.com/email/guides/send-api-v31/.

Mailjet writes the headers into marketing mail by itself, and was seen to do so in place of those of a request, so its
account has to say otherwise. Whether the headers of `Globals` hold beside those of a message is not documented: where
there are some, none are put in. The `Recipients` of v3 get a mail each, with the same headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.formats.template_data import Data, NoData
from proxy.linking.base import Linked, Mail, Named, Own, Result, Wanted, grouped, in_json, inner, texts, tree
from proxy.providers.base import Message

PER_RECIPIENT = True
TEMPLATES = True

_PLAIN = ("TextPart", "Text-part")  # of v3.1, of v3
_MARKUP = ("HTMLPart", "Html-part")


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into the messages that one person gets."""
    body = tree(message)
    return in_json(message, wanted, body, _mails(message, body))


def _mails(message: Message, body: dict[str, Any]) -> Iterator[Mail]:
    everybody = [each.place for each in message.send.recipients]
    shared = inner(body, "Globals")
    people = grouped(message, 2)
    messages = body.get("Messages")
    if messages is None:
        yield Mail(everybody, Named(body, "Headers"), _texts(body), by_account=True)
        return
    if any(place.startswith("Globals.") for place in people):  # whoever stands there gets each of them
        nowhere = NoData() if any(_is_template(each, shared) for each in messages) else None
        yield Mail(everybody, None, _texts(*messages, shared), data=nowhere)
        return
    for index, each in enumerate(messages):
        own = _texts(each, shared) if len(messages) == 1 else _texts(each)
        refuses = Result.UNSUPPORTED if shared.get("Headers") else None
        places = people.get(f"Messages.{index}", [])
        data = _data(each, shared) if _is_template(each, shared) else None
        yield Mail(places, Named(each, "Headers", shared), own, refuses, by_account=True, data=data)


def _is_template(*owners: dict[str, Any]) -> bool:
    return any(owner.get("TemplateID") is not None for owner in owners)


def _data(each: dict[str, Any], shared: dict[str, Any]) -> Data | NoData:
    """Give the variables of a message; without the template language Mailjet fills nothing in."""
    language = each.get("TemplateLanguage", shared.get("TemplateLanguage"))
    return Data(each, "Variables", shared) if language is True else NoData()


def _texts(*owners: dict[str, Any]) -> Own:
    return Own([spot for owner in owners for spot in texts(owner, plain=_PLAIN, markup=_MARKUP).spots])
