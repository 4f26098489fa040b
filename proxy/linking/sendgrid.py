"""SendGrid: each personalization is a mail of its own and may have headers of its own.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send. They override those of the whole send. With an
unsubscribe group (`asm`) or subscription tracking SendGrid writes both headers itself
(https://www.twilio.com/docs/sendgrid/ui/sending-email/list-unsubscribe); tracking can also be on for the whole account,
which no request shows. The texts are those of all personalizations. A single one has them to itself; of several, each
has `substitutions`, which reach the texts unless the send is of a dynamic template.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from proxy.formats.template_data import Data, NoData
from proxy.linking.base import Common, Linked, Mail, Named, Own, Result, Texts, Wanted, grouped, in_json, inner, tree
from proxy.providers.base import Message

PER_RECIPIENT = True
TEMPLATES = True

_MARKUP: Final = frozenset({"text/html", "text/x-amp-html"})
_WRITTEN: Final = _MARKUP | {"text/plain"}
_COPIES: Final = "mail_settings.bcc"  # gets a copy of each of them
_DYNAMIC: Final = "d-"
_MOST: Final = 10_000  # bytes of the substitutions of a personalization


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into the personalizations that one person gets."""
    body = tree(message)
    return in_json(message, wanted, body, _mails(message, body))


def _mails(message: Message, body: dict[str, Any]) -> Iterator[Mail]:
    refuses = Result.BY_PROVIDER if _has_own(body) else None
    content = Own([(each, "value", _type(each) in _MARKUP) for each in _content(body) if _type(each) in _WRITTEN])
    people = grouped(message, 2)
    if _COPIES in people:
        everybody = [each.place for each in message.send.recipients]
        yield Mail(everybody, Named(body), content, refuses, data=NoData() if _is_dynamic(body) else None)
        return
    alone, common, dynamic = len(body["personalizations"]) == 1, Common(content), _is_dynamic(body)
    for index, personalization in enumerate(body["personalizations"]):
        texts: Texts = content if alone else _Shared(common, personalization, dynamic)
        places = people.get(f"personalizations.{index}", [])
        data = Data(personalization, "dynamic_template_data") if dynamic else None
        yield Mail(places, Named(personalization, above=body), texts, refuses, data=data)


def _has_own(body: dict[str, Any]) -> bool:
    tracking = inner(body, "tracking_settings").get("subscription_tracking")
    off = tracking is None or (isinstance(tracking, dict) and tracking.get("enable", False) is False)
    return body.get("asm") is not None or not off


def _is_dynamic(body: dict[str, Any]) -> bool:
    return str(body.get("template_id") or "").startswith(_DYNAMIC)


def _content(body: dict[str, Any]) -> list[dict[str, Any]]:
    content = body.get("content")
    return [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []


def _type(content: dict[str, Any]) -> str:
    return str(content.get("type", "")).partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class _Shared:
    """Texts that several mails have in common, and what stands in them for one: its substitutions."""

    texts: Common
    personalization: dict[str, Any]
    dynamic: bool

    def count(self, placeholder: str) -> int:
        own = inner(self.personalization, "substitutions")
        return 0 if placeholder in own else self.texts.count(placeholder)

    def replace(self, placeholder: str, url: str) -> bool:
        if self.dynamic:
            return False
        substitutions = {**inner(self.personalization, "substitutions"), placeholder: url}
        if sum(len(f"{name}{value}".encode()) for name, value in substitutions.items()) > _MOST:
            return False
        self.personalization["substitutions"] = substitutions
        return True
