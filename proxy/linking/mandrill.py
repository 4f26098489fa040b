"""Mandrill: headers are those of the whole send, so only a send to one person has links.

https://mailchimp.com/developer/transactional/api/messages/: `message.headers`, or those of the raw message. A text with
Mandrill's own merge tag for unsubscribing has Mandrill's link, and Mandrill writes a header for it
(https://mandrill.zendesk.com/hc/en-us/articles/205582947); so it does where the account's sending defaults or rules add
a footer, which no request shows.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from proxy.formats import mime
from proxy.formats.template_data import ListedData
from proxy.linking.base import Linked, Mail, Named, Raw, Result, Wanted, in_json, raw_mail, texts, tree
from proxy.providers.base import Message

PER_RECIPIENT = False
TEMPLATES = True

_TEMPLATES: Final = ("template_name", "mc_template_id")
_OWN: Final = re.compile(r"\*\|UNSUB", re.IGNORECASE)


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into a send to one person."""
    body = tree(message)
    places = [each.place for each in message.send.recipients]
    return in_json(message, wanted, body, [_raw(places, body) if "raw_message" in body else _mail(places, body)])


def _mail(places: list[str], body: dict[str, Any]) -> Mail:
    own = texts(body["message"], plain=["text"], markup=["html"])
    refuses = Result.BY_PROVIDER if own.say(_OWN) else None
    return Mail(places, Named(body["message"]), own, refuses, data=_data(body))


def _data(body: dict[str, Any]) -> ListedData | None:
    """Give the merge vars of a send by a template; those of one person come before those of all."""
    if not any(body.get(key) is not None for key in _TEMPLATES):
        return None
    people = body["message"].get("merge_vars")
    own = (each.get("vars") for each in people or () if isinstance(each, dict)) if isinstance(people, list) else ()
    beside = [var for told in own if isinstance(told, list) for var in told]
    return ListedData(body["message"], "global_merge_vars", beside)


def _raw(places: list[str], body: dict[str, Any]) -> Mail:
    def write(whole: bytes) -> None:
        body["raw_message"] = whole.decode()

    mail = raw_mail(places, Raw(mime.read(body["raw_message"].encode()), write), _OWN)
    return replace(mail, refuses=Result.BY_PROVIDER) if _OWN.search(body["raw_message"]) else mail
