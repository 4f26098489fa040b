"""SparkPost: headers and texts are those of all recipients, and both are templates that each recipient fills.

https://developers.sparkpost.com/api/transmissions: "The template language is supported in headers". So of several
recipients each has the link among their own `substitution_data`, if each of them can have one; a copy (`header_to`) can
have none, and then nobody has.

SparkPost writes a List-Unsubscribe of its own over that of a request, unless the transmission is transactional to it
(`options.transactional`), which an account may be by default. Stored templates have headers of their own, and so has a
raw message, whose headers and texts are filled as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from proxy.formats.template_data import Data, NoData
from proxy.linking.base import Common, Linked, Mail, Named, Result, Wanted, in_json, inner, texts, tree
from proxy.providers.base import Message

PER_RECIPIENT = True
TEMPLATES = True

_DATA: Final = "substitution_data"
_VARIABLE: Final = "sendgate_unsubscribe"
_FILLED: Final = "{{sendgate_unsubscribe}}"


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into a transmission that reaches each recipient alone."""
    body = tree(message)
    return in_json(message, wanted, body, _mails(message, wanted, body))


def _mails(message: Message, wanted: Wanted, body: dict[str, Any]) -> Iterator[Mail]:
    places = [each.place for each in message.send.recipients]
    content = inner(body, "content")
    written = bool(content) and content.keys().isdisjoint({"email_rfc822", "template_id", "ab_test_id"})
    refuses = None if written else Result.UNSUPPORTED
    transactional = inner(body, "options").get("transactional")
    if transactional is False:
        refuses = Result.BY_PROVIDER
    by_account = transactional is not True
    headers, own = Named(content), texts(content, plain=["text"], markup=["html", "amp_html"])
    recipients = body["recipients"] if isinstance(body["recipients"], list) else []
    filled = inner(body, "options").get("perform_substitutions", True) is True
    stored = not content.keys().isdisjoint({"template_id", "ab_test_id"})
    if len(places) == 1 or not all(place in wanted.urls for place in places) or _copied(recipients, content):
        data = Data(recipients[0], _DATA) if filled and len(recipients) == 1 else NoData()
        yield Mail(places, headers, own, refuses, by_account, data if stored else None)
        return
    common = Common(own) if filled else None
    for place, recipient in zip(places, recipients, strict=True):
        fill = _Filled(recipient, headers, common)
        own_data = Data(recipient, _DATA) if filled else NoData()
        yield Mail([place], fill, fill, refuses, by_account, own_data if stored else None)


def _copied(recipients: list[dict[str, Any]], content: dict[str, Any]) -> bool:
    """Tell whether some are copies of others' mail, or data of theirs leaves no room."""
    shown = any(name.lower() == "cc" for name in inner(content, "headers"))
    return shown or any(
        inner(each, "address").get("header_to") is not None
        or not isinstance(each.get(_DATA) or {}, dict)
        or _VARIABLE in inner(each, _DATA)
        for each in recipients
    )


@dataclass(frozen=True, slots=True)
class _Filled:
    """The part of one recipient in what all have in common."""

    recipient: dict[str, Any]
    shared: Named
    texts: Common | None

    def names(self) -> Iterator[str]:
        return self.shared.names()

    def add(self, values: Mapping[str, str]) -> bool:
        url = next(iter(values.values()))[1:-1]
        self._fill(url)
        return self.shared.add({name: value.replace(url, _FILLED) for name, value in values.items()})

    def count(self, placeholder: str) -> int:
        return 0 if self.texts is None else self.texts.count(placeholder)

    def replace(self, placeholder: str, url: str) -> bool:
        self._fill(url)
        return self.texts is not None and self.texts.replace(placeholder, _FILLED)

    def _fill(self, url: str) -> None:
        self.recipient[_DATA] = {**inner(self.recipient, _DATA), _VARIABLE: url}
