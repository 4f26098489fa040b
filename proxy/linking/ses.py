"""Amazon SES: headers of a message, of a template, of each entry of a bulk send, or those of a raw message.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html; at most 15 in one message. Those of an
entry hold beside those of the template (API_BulkEmailEntry). The query API takes headers in a raw message alone. With
list management SES writes both headers itself (sending-email-subscription-management.html).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from proxy import strict
from proxy.formats import objects, query, raw
from proxy.formats.template_data import NoData, WrittenData
from proxy.linking.base import (
    Linked,
    Listed,
    Mail,
    Own,
    Raw,
    Result,
    Wanted,
    changed,
    grouped,
    in_json,
    inner,
    insert,
    raw_mail,
    texts,
    tree,
)
from proxy.providers.base import Message

PER_RECIPIENT = True
TEMPLATES = True

_MOST: Final = 15
_LISTED: Final = "X-SES-LIST-MANAGEMENT-OPTIONS"
_OWN_PLACEHOLDER: Final = "{{amazonSESUnsubscribeUrl}}"
_OWN: Final = re.compile(re.escape(_OWN_PLACEHOLDER))
_RAW_FIELD: Final = "RawMessage.Data"
_DATA: Final = "TemplateData"
_BULK: Final = "SendBulkTemplatedEmail"


def linked(message: Message, wanted: Wanted) -> Linked:
    """Put links into the messages that one person gets."""
    if message.request.path == "/":
        return _in_form(message, wanted)
    body = tree(message)
    return in_json(message, wanted, body, _mails(message, body))


def _mails(message: Message, body: dict[str, Any]) -> Iterator[Mail]:
    places = [each.place for each in message.send.recipients]
    managed = Result.BY_PROVIDER if body.get("ListManagementOptions") is not None else None
    content = inner(body, "Content")
    if "BulkEmailEntries" in body:
        yield from _entries(message, body)
    elif "Data" in inner(content, "Raw"):
        yield _raw(places, content["Raw"]["Data"], lambda told: content["Raw"].update(Data=told), managed)
    elif "Simple" in content or "Template" in content:
        part = content["Simple" if "Simple" in content else "Template"]
        own = _texts(part)
        refuses = Result.BY_PROVIDER if own.count(_OWN_PLACEHOLDER) else managed
        data = WrittenData(part, "TemplateData") if "Template" in content else None
        yield Mail(places, Listed(part, most=_MOST), own, refuses, data=data)
    else:
        yield Mail(places)


def _entries(message: Message, body: dict[str, Any]) -> Iterator[Mail]:
    template = inner(inner(body, "DefaultContent"), "Template")
    people = grouped(message, 2)
    for index, entry in enumerate(body["BulkEmailEntries"]):
        headers = Listed(
            entry, "ReplacementHeaders", [template.get("Headers")], _MOST - len(template.get("Headers") or ())
        )
        own = _texts(template) if len(body["BulkEmailEntries"]) == 1 else None
        yield Mail(
            people.get(f"BulkEmailEntries.{index}", []),
            headers,
            own,
            data=_Replaced(entry, template.get("TemplateData")),
        )


@dataclass(frozen=True, slots=True)
class _Replaced:
    """The data of one entry of a bulk send, in the place of that for all."""

    entry: dict[str, Any]
    otherwise: Any

    def fill(self, name: str, value: str) -> bool:
        """Put a name into a copy of the data, so that an entry that takes none stays as it is."""
        content = self.entry.get("ReplacementEmailContent") or {}
        template = inner(content, "ReplacementTemplate") if isinstance(content, dict) else None
        data = WrittenData(dict(template or {}), "ReplacementTemplateData", self.otherwise)
        if template is None or not data.fill(name, value):
            return False
        self.entry["ReplacementEmailContent"] = {**content, "ReplacementTemplate": data.owner}
        return True


def _texts(part: dict[str, Any]) -> Own:
    simple, template = inner(part, "Body"), inner(part, "TemplateContent")
    return Own(
        [
            *texts(inner(simple, "Text"), plain=["Data"]).spots,
            *texts(inner(simple, "Html"), markup=["Data"]).spots,
            *texts(template, plain=["Text"], markup=["Html"]).spots,
        ]
    )


def _raw(places: list[str], encoded: str, write: Callable[[str], object], refuses: Result | None = None) -> Mail:
    message = raw.read(encoded, "", ())
    mail = raw_mail(places, Raw(message, lambda whole: write(base64.b64encode(whole).decode())), _OWN, refuses)
    return replace(mail, refuses=Result.BY_PROVIDER) if message.values(_LISTED) else mail


def _in_form(message: Message, wanted: Wanted) -> Linked:
    body = message.request.body
    told: dict[str, str] = {}  # new values of fields
    results = insert(message, wanted, [_form_mail(message, query.read(body, frozenset()), told)])
    if not changed(results):
        return Linked(None, results)
    changes = {at: told[each.name] for at, each in enumerate(strict.form_fields(body)) if each.name in told}
    return Linked(strict.replace_fields(body, changes), results)


def _form_mail(message: Message, tree: Any, told: dict[str, str]) -> Mail:
    places = [each.place for each in message.send.recipients]
    encoded = objects.at(tree, *_RAW_FIELD.split("."))
    if encoded is not None:
        return _raw(places, encoded, lambda value: told.update({_RAW_FIELD: value}))
    data = objects.at(tree, _DATA)
    if data is not None:
        return Mail(places, data=WrittenData(told, _DATA, data))
    return Mail(places, data=NoData() if objects.at(tree, "Action") == _BULK else None)
