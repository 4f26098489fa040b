"""Resend: each mail has its own headers, alone or in a batch.

https://resend.com/docs/dashboard/emails/add-unsubscribe-to-transactional-emails asks senders to write both headers
themselves. With a topic, Resend keeps an unsubscribe page of its own, and may write headers for it. A text with
Resend's own placeholder asks for Resend's link. For mail that is forwarded from an inbox no headers are documented.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from proxy import strict
from proxy.linking.base import Linked, Mail, Named, Result, Wanted, grouped, in_json, texts, tree
from proxy.providers.base import Message

PER_RECIPIENT = True
TEMPLATES = False  # some names are Resend's own, and the others have to be declared

_SENDS: Final = frozenset({"/emails", "/emails/batch"})
_OWN_PLACEHOLDER: Final = "RESEND_UNSUBSCRIBE_URL"


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into the mails that one person gets."""
    body = tree(message)
    return in_json(message, wanted, body, _mails(message, body))


def _mails(message: Message, body: Any) -> Iterator[Mail]:
    known = strict.plain_path(message.request.path) in _SENDS
    if not isinstance(body, list):
        yield _mail([each.place for each in message.send.recipients], body, known=known)
        return
    people = grouped(message, 1)
    for index, mail in enumerate(body):
        yield _mail(people.get(str(index), []), mail, known=known)


def _mail(places: list[str], mail: dict[str, Any], *, known: bool) -> Mail:
    own = texts(mail, plain=["text"], markup=["html"])
    refuses = Result.BY_PROVIDER if own.count(_OWN_PLACEHOLDER) else None
    if not known or not mail.get("to"):  # copies of a mail to nobody, which Resend would hardly take
        refuses = Result.UNSUPPORTED
    return Mail(places, Named(mail), own, refuses, by_account=mail.get("topic_id") is not None)
