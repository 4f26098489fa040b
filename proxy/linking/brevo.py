"""Brevo: a mail has headers and texts in common, and each of its versions may have its own.

Brevo writes the headers into every mail by itself
(https://help.brevo.com/hc/en-us/articles/19100260472850-FAQs-About-list-unsubscribe-and-list-help-headers-in-emails),
and nothing says whether it leaves those of a request alone. A version without copies of its own has the common ones, so
then everybody stands in one mail. Whether headers of a version hide those in common is not said, so none are put in
where they might.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.formats.template_data import Data, NoData
from proxy.linking.base import Linked, Mail, Named, Own, Result, Wanted, grouped, in_json, texts, tree
from proxy.providers.base import Message

PER_RECIPIENT = True
TEMPLATES = True


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into the mail, or the versions of it, that one person gets."""
    body = tree(message)
    return in_json(message, wanted, body, _mails(message, body))


def _mails(message: Message, body: dict[str, Any]) -> Iterator[Mail]:
    everybody = [each.place for each in message.send.recipients]
    if "email" in body:  # a mail that asks for consent: it has neither headers nor texts
        yield Mail(everybody)
        return
    versions = body.get("messageVersions") or []
    people = grouped(message, 2)
    apart = [people.get(f"messageVersions.{index}", []) for index in range(len(versions))]
    if not versions:
        yield Mail(
            everybody,
            Named(body),
            _texts(body),
            by_account=True,
            data=Data(body, "params") if _is_template(body) else None,
        )
        return
    if sum(map(len, apart)) < len(everybody):
        yield Mail(everybody, None, _texts(body, *versions), data=NoData() if _is_template(body, *versions) else None)
        return
    for version, places in zip(versions, apart, strict=True):
        own = _texts(version, body) if len(versions) == 1 else _texts(version)
        hides = body.get("headers") and not version.get("headers")  # a key against repeats is among such headers
        refuses = Result.UNSUPPORTED if hides or not version.get("to") else None  # or copies of a mail to nobody
        data = Data(version, "params", body) if _is_template(body, version) else None
        yield Mail(places, Named(version, above=body), own, refuses, by_account=True, data=data)


def _texts(*owners: dict[str, Any]) -> Own:
    return Own([spot for owner in owners for spot in texts(owner, plain=["textContent"], markup=["htmlContent"]).spots])


def _is_template(*owners: dict[str, Any]) -> bool:
    return any(owner.get("templateId") is not None for owner in owners)
