"""Postmark: each message has its own headers, wherever it stands; https://postmarkapp.com/developer/api/email-api.

In a broadcast stream Postmark writes both headers itself, unless the account was allowed to manage unsubscribes on its
own (https://postmarkapp.com/support/article/1299-how-to-include-a-list-unsubscribe-header). Of which type a stream is
its name does not say, so any but the default transactional one may be such. A text with Postmark's own placeholder asks
for Postmark's link. Messages of a bulk send share headers and texts, and nothing says which of two headers counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from proxy import strict
from proxy.formats.template_data import Data
from proxy.linking.base import Linked, Listed, Mail, Own, Result, Wanted, grouped, in_json, texts, tree
from proxy.providers.base import Message

PER_RECIPIENT = True
TEMPLATES = True

_BULK: Final = "/email/bulk"
_DEFAULT_STREAM: Final = "outbound"
_OWN_PLACEHOLDER: Final = "pm:unsubscribe"


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into the messages that one person gets."""
    body = tree(message)
    return in_json(message, wanted, body, _mails(message, body))


def _mails(message: Message, body: Any) -> Iterator[Mail]:
    if isinstance(body, dict) and "Messages" not in body:
        yield _mail([each.place for each in message.send.recipients], body)
        return
    bulk = strict.plain_path(message.request.path) == _BULK
    depth, prefix = (1, "") if isinstance(body, list) else (2, "Messages.")
    people = grouped(message, depth)
    for index, entry in enumerate(body if isinstance(body, list) else body["Messages"]):
        places = people.get(f"{prefix}{index}", [])
        yield _shared(places, entry, body) if bulk else _mail(places, entry)


def _mail(places: list[str], owner: dict[str, Any]) -> Mail:
    own = _texts(owner)
    refuses = Result.BY_PROVIDER if own.count(_OWN_PLACEHOLDER) else None
    by_account = (owner.get("MessageStream") or _DEFAULT_STREAM) != _DEFAULT_STREAM
    return Mail(places, Listed(owner), own, refuses, by_account, _data(owner, owner))


def _shared(places: list[str], entry: dict[str, Any], body: dict[str, Any]) -> Mail:
    refuses = Result.BY_PROVIDER if _texts(body).count(_OWN_PLACEHOLDER) else None
    headers = Listed(entry, above=[body.get("Headers")])
    if body.get("Headers"):
        refuses = Result.UNSUPPORTED
    own = _texts(body) if len(body["Messages"]) == 1 else None
    return Mail(places, headers, own, refuses, by_account=True, data=_data(entry, body))


def _data(owner: dict[str, Any], told: dict[str, Any]) -> Data | None:
    """Give the model of a message whose template is told there."""
    used = any(told.get(key) is not None for key in ("TemplateId", "TemplateAlias"))
    return Data(owner, "TemplateModel", told) if used else None


def _texts(owner: dict[str, Any]) -> Own:
    return texts(owner, plain=["TextBody"], markup=["HtmlBody"])
