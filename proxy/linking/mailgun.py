"""Mailgun: headers are fields of the form (`h:NAME`), and those of a raw mail are its own.

https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages. With `recipient-variables` each `to`
gets a mail of their own, in which `%recipient.NAME%` is filled, in headers too; so each of them has the link among
their variables, if each can have one and nobody gets copies. Without variables all see each other.

A text with one of Mailgun's own variables for unsubscribing has Mailgun's link and headers. Where unsubscribe tracking
is on for a whole domain, which no request shows, Mailgun writes them into all mail
(https://help.mailgun.com/hc/en-us/articles/203306610-Unsubscribe-Handling-Links). A stored mail that is sent again
takes no headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from policy.identity import email_keys
from policy.model import Recipient
from proxy import strict
from proxy.formats import adding, fields, mime
from proxy.formats.fields import Form
from proxy.linking.base import Common, Linked, Mail, Raw, Result, Wanted, changed, insert, raw_mail
from proxy.providers.base import Message

PER_RECIPIENT = True
TEMPLATES = False

_REPEATABLE: Final = frozenset({"to", "cc", "bcc", "attachment", "inline", "o:tag"})
_HEADER: Final = "h:"
_TEXTS: Final = frozenset({"text", "html", "amp-html"})
_MESSAGE, _VARIABLES, _VARIABLE = "message", "recipient-variables", "sendgate_unsubscribe"
_FILLED: Final = f"%recipient.{_VARIABLE}%"
_OWN_PLACEHOLDER: Final = re.compile(r"%(?:tag_|mailing_list_)?unsubscribe_(?:url|email)%")
_STORED: Final = re.compile(r"/v3/domains/[^/]+/messages/[^/]+")
_MIME: Final = ".mime"


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into a send to one person, or to each of those who have variables."""
    draft = _Draft(fields.read(message.request, _REPEATABLE, frozenset()))
    results = insert(message, wanted, _mails(message, wanted, draft))
    return Linked(draft.written() if changed(results) else None, results)


def _mails(message: Message, wanted: Wanted, draft: _Draft) -> Iterator[Mail]:
    recipients = message.send.recipients
    places = [each.place for each in recipients]
    path = strict.plain_path(message.request.path) or ""
    if _STORED.fullmatch(path):
        yield Mail(places)
        return
    if path.endswith(_MIME):
        yield _raw(places, draft)
        return
    refuses = Result.BY_PROVIDER if any(_OWN_PLACEHOLDER.search(text) for text in draft.texts.values()) else None
    apart = all(place.startswith("to.") and place in wanted.urls for place in places)
    people = draft.variables(recipients) if apart and len(places) > 1 else None
    if people is None:
        yield Mail(places, draft, draft, refuses)
        return
    common = Common(draft)
    for place, own in people.items():
        filled = _Filled(draft, common, own)
        yield Mail([place], filled, filled, refuses)


def _raw(places: list[str], draft: _Draft) -> Mail:
    at = next(index for index, each in enumerate(draft.form.fields) if each.name == _MESSAGE)
    message = mime.read(draft.form.content(at))
    return raw_mail(places, Raw(message, lambda whole: draft.changes.update({at: whole}), draft), _OWN_PLACEHOLDER)


@dataclass(slots=True)
class _Draft:
    """A form and what becomes of it: headers and texts of a mail that all of its recipients see."""

    form: Form
    changes: dict[int, str | bytes | None] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    tree: dict[str, Any] = field(default_factory=dict)  # of the variables by recipient
    heads: tuple[str, ...] = ()  # the names of the fields that are headers

    def __post_init__(self) -> None:
        """Find the headers once, for a thousand recipients may ask for them."""
        self.heads = tuple(told.name for told in self.form.fields if told.name.lower().startswith(_HEADER))

    @property
    def texts(self) -> dict[int, str]:
        """Give the texts of the mail, as they are by now, by the index of their field."""
        found = ((index, self.changes.get(index, told.value)) for index, told in self._named(_TEXTS))
        return {index: value for index, value in found if isinstance(value, str)}

    def _named(self, names: frozenset[str]) -> Iterator[tuple[int, fields.Field]]:
        return ((index, told) for index, told in enumerate(self.form.fields) if told.name in names)

    def names(self) -> Iterator[str]:
        """Give the names of all headers that stand in fields."""
        return (name[len(_HEADER) :] for name in self.heads)

    def add(self, values: Mapping[str, str]) -> bool:
        """Write headers into fields of their own."""
        self.headers |= {f"{_HEADER}{name}": value for name, value in values.items()}
        return True

    def count(self, placeholder: str) -> int:
        """Tell how often the placeholder is in the texts."""
        return sum(text.count(placeholder) for text in self.texts.values())

    def replace(self, placeholder: str, url: str) -> bool:
        """Write a link where the placeholder stands; a link has one spelling in text and HTML."""
        self.changes |= {index: text.replace(placeholder, url) for index, text in self.texts.items()}
        return True

    def variables(self, recipients: tuple[Recipient, ...]) -> dict[str, dict[str, Any]] | None:
        """Give the variables of each recipient by place, to be written into; None where there are none to fill."""
        at = next((index for index, told in self._named(frozenset({_VARIABLES})) if (told.value or "").strip()), None)
        if at is None:
            return None
        text = (self.form.fields[at].value or "").encode()
        self.tree = strict.json_for_writing(text, strict.json_tree(text))
        by_keys = {email_keys(address): own for address, own in self.tree.items()}
        if not all(isinstance(own, dict) and _VARIABLE not in own for own in self.tree.values()):
            return None
        if len(by_keys) < len(self.tree) or not all(each.keys in by_keys for each in recipients):
            return None
        return {each.place: by_keys[each.keys] for each in recipients}

    def written(self) -> bytes:
        """Give the body; fields whose value is the same stay to the byte."""
        changes = {index: value for index, value in self.changes.items() if value != self.form.fields[index].value}
        for index, _ in self._named(frozenset({_VARIABLES})):
            if self.tree:
                changes[index] = strict.write_json(self.tree)
        body = self.form.rewritten(changes)
        return adding.added(self.form, body, self.headers)


@dataclass(frozen=True, slots=True)
class _Filled:
    """The part of one recipient in what all have in common."""

    draft: _Draft
    texts: Common
    variables: dict[str, Any]

    def names(self) -> Iterator[str]:
        return self.draft.names()

    def add(self, values: Mapping[str, str]) -> bool:
        url = next(iter(values.values()))[1:-1]
        self.variables[_VARIABLE] = url
        return self.draft.add({name: value.replace(url, _FILLED) for name, value in values.items()})

    def count(self, placeholder: str) -> int:
        return self.texts.count(placeholder)

    def replace(self, placeholder: str, url: str) -> bool:
        self.variables[_VARIABLE] = url
        return self.texts.replace(placeholder, _FILLED)
