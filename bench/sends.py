"""Big sends, one builder for each provider that takes many recipients at once: as many as its form allows.

A builder gives sends by what they are; the table at the end finds it by the provider's name. A provider without one is
told as not measured, and nothing else happens.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any
from urllib.parse import urlencode

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from bench import messages, people
from proxy.providers.base import Request

PEOPLE = 1000
_BOUNDARY = "bench-8f14e45fceea167a"


class Form(StrEnum):
    """What a body is written in, and where its addresses stand: by this it has its peer and its target."""

    OBJECTS = "objects"  # JSON in which each address has a key of its own
    STRINGS = "strings"  # JSON in which addresses are texts to be parsed, or lists of them
    FIELDS = "fields"  # a URL-encoded form
    PARTS = "parts"  # a form in parts, or a raw mail


@dataclass(frozen=True, slots=True)
class Big:
    """One big send."""

    what: str
    form: Form
    request: Request


Builder = Callable[[], list[Big]]


def _people(count: int = PEOPLE) -> list[str]:
    return [people.free_address(number) for number in range(count)]


def _name(number: int) -> str:
    return f"Reader {number}"


def _named(count: int = PEOPLE) -> list[str]:
    return [f"{_name(number)} <{address}>" for number, address in enumerate(_people(count))]


def _request(path: str, body: bytes, content_type: str = "application/json") -> Request:
    headers = CIMultiDictProxy(CIMultiDict({"Authorization": "Bearer key", "Content-Type": content_type}))
    return Request("POST", path, "", headers, body)


def _json(path: str, tree: Any) -> Request:
    return _request(path, orjson.dumps(tree))


def _fields(path: str, fields: list[tuple[str, str]]) -> Request:
    return _request(path, urlencode(fields).encode(), "application/x-www-form-urlencoded")


def _parts(path: str, parts: list[tuple[str, str | bytes]]) -> Request:
    body = b"".join(_part(name, content) for name, content in parts) + f"--{_BOUNDARY}--\r\n".encode()
    return _request(path, body, f"multipart/form-data; boundary={_BOUNDARY}")


def _part(name: str, content: str | bytes) -> bytes:
    file = f'; filename="{name}.bin"' if isinstance(content, bytes) else ""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + (content if isinstance(content, bytes) else content.encode()) + b"\r\n"


_TEXT = "Hello, your order left our warehouse this morning: https://shop.example.com/orders. " * 4


# ── by provider ──


def _sendgrid() -> list[Big]:
    listed = [{"email": address, "name": _name(number)} for number, address in enumerate(_people())]
    alone = messages.batch(_people())
    together = {**alone, "personalizations": [{"to": listed}]}
    return [
        Big("1000 personalizations", Form.OBJECTS, _json(messages.MAIL_SEND, alone)),
        Big("one personalization for 1000", Form.OBJECTS, _json(messages.MAIL_SEND, together)),
    ]


_MAILGUN = "/v3/mail.example.com/messages"


def _mailgun() -> list[Big]:
    text = [("from", "The Shop <news@mail.example.com>"), ("subject", "News"), ("text", _TEXT)]
    variables = {address: {"name": _name(number)} for number, address in enumerate(_people())}
    batch = [*text, ("recipient-variables", orjson.dumps(variables).decode())]
    alone = [("to", address) for address in _people()]
    mail = f"From: news@mail.example.com\r\nTo: %recipient%\r\nSubject: News\r\n\r\n{_TEXT}\r\n".encode()
    return [
        Big("1000 fields, with variables", Form.FIELDS, _fields(_MAILGUN, alone + batch)),
        Big("one field, named mailboxes", Form.FIELDS, _fields(_MAILGUN, [("to", ", ".join(_named())), *text])),
        Big("1000 parts, with variables", Form.PARTS, _parts(_MAILGUN, [*alone, *batch])),
        Big("1000 parts and a raw mail", Form.PARTS, _parts(f"{_MAILGUN}.mime", [*alone, ("message", mail)])),
    ]


def _brevo() -> list[Big]:
    text = {"sender": {"email": "news@shop.example.com", "name": "The Shop"}, "subject": "News", "htmlContent": _TEXT}
    listed = [{"email": address, "name": _name(number)} for number, address in enumerate(_people())]
    versions = [{"to": [person], "params": {"name": person["name"]}} for person in listed]
    return [
        Big("1000 versions", Form.OBJECTS, _json("/v3/smtp/email", {**text, "messageVersions": versions})),
        Big("one message to 1000", Form.OBJECTS, _json("/v3/smtp/email", {**text, "to": listed})),
    ]


def _resend() -> list[Big]:
    text = {"from": "The Shop <news@shop.example.com>", "subject": "News", "text": _TEXT}
    mails = [{**text, "to": _named()[start : start + 10]} for start in range(0, PEOPLE, 10)]  # at most 100 in a batch
    return [Big("a batch of 100 mails to 10", Form.STRINGS, _json("/emails/batch", mails))]


def _postmark() -> list[Big]:
    text = {"From": "The Shop <news@shop.example.com>", "Subject": "News", "TextBody": _TEXT}
    mails = [{**text, "To": ",".join(_named()[start : start + 2])} for start in range(0, PEOPLE, 2)]  # 500 in a batch
    return [Big("a batch of 500 mails to 2", Form.STRINGS, _json("/email/batch", mails))]


def _sparkpost() -> list[Big]:
    content = {"from": "news@shop.example.com", "subject": "News", "text": _TEXT}
    listed = [
        {"address": {"email": address, "name": _name(number)}, "substitution_data": {"name": _name(number)}}
        for number, address in enumerate(_people())
    ]
    return [
        Big("1000 recipients", Form.OBJECTS, _json("/api/v1/transmissions", {"recipients": listed, "content": content}))
    ]


def _mailjet() -> list[Big]:
    text = {"From": {"Email": "news@shop.example.com", "Name": "The Shop"}, "Subject": "News", "TextPart": _TEXT}
    listed = [{"Email": address, "Name": _name(number)} for number, address in enumerate(_people())]
    mails = [{**text, "To": listed[start : start + 20]} for start in range(0, PEOPLE, 20)]  # at most 50 in a request
    return [Big("50 messages to 20", Form.OBJECTS, _json("/v3.1/send", {"Messages": mails}))]


def _mandrill() -> list[Big]:
    listed = [{"email": address, "name": _name(number), "type": "to"} for number, address in enumerate(_people())]
    merged = [{"rcpt": person["email"], "vars": [{"name": "name", "content": person["name"]}]} for person in listed]
    message = {"from_email": "news@shop.example.com", "subject": "News", "text": _TEXT, "to": listed}
    tree = {"key": "key", "message": {**message, "merge_vars": merged}}
    return [Big("one message to 1000, with merge_vars", Form.OBJECTS, _json("/api/1.0/messages/send.json", tree))]


def _ses() -> list[Big]:
    entries = [{"Destination": {"ToAddresses": _named()[start : start + 20]}} for start in range(0, PEOPLE, 20)]
    tree = {
        "FromEmailAddress": "news@shop.example.com",
        "DefaultContent": {"Template": {"TemplateName": "news", "TemplateData": "{}"}},
        "BulkEmailEntries": entries,  # at most 50 in a request
    }
    return [Big("50 entries to 20", Form.STRINGS, _json("/v2/email/outbound-bulk-emails", tree))]


BIG: Mapping[str, Builder] = {
    "brevo": _brevo,
    "mailgun": _mailgun,
    "mailjet": _mailjet,
    "mandrill": _mandrill,
    "postmark": _postmark,
    "resend": _resend,
    "sendgrid": _sendgrid,
    "ses": _ses,
    "sparkpost": _sparkpost,
}


# ── with attachments ──


def _sendgrid_heavy(size: int) -> list[Big]:
    file = {"content": _base64(size), "filename": "a.bin", "type": "application/octet-stream"}
    return [Big("an attachment", Form.OBJECTS, _json(messages.MAIL_SEND, {**_two_people(), "attachments": [file]}))]


def _two_people() -> dict[str, Any]:
    return {**messages.batch(_people(2)), "subject": "News"}


def _mailgun_heavy(size: int) -> list[Big]:
    to: list[tuple[str, str | bytes]] = [("to", ", ".join(_people(2))), ("from", "news@mail.example.com")]
    mail = f"To: {', '.join(_people(2))}\r\nSubject: News\r\n\r\n".encode()
    lines = b"\r\n".join(_base64(57 * 1024).encode()[at : at + 76] for at in range(0, 76 * 1024, 76)) + b"\r\n"
    return [
        Big("an attachment", Form.PARTS, _parts(_MAILGUN, [*to, ("attachment", Random(1).randbytes(size))])),
        Big(
            "a raw mail",
            Form.PARTS,
            _parts(f"{_MAILGUN}.mime", [*to, ("message", mail + lines * (size // len(lines)))]),
        ),
    ]


def _base64(size: int) -> str:
    return base64.b64encode(Random(1).randbytes(size * 3 // 4)).decode()


HEAVY: Mapping[str, Callable[[int], list[Big]]] = {"mailgun": _mailgun_heavy, "sendgrid": _sendgrid_heavy}
