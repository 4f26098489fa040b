"""The largest sends that providers document are read, and weigh little more than what they hold.

The bounds on how much one send may say (strict.py, formats/gathering.py) are there for bodies that nobody sends. What
somebody may send, to as many people as the provider takes, lies well within them.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from proxy import strict
from proxy.providers import base
from proxy.providers.base import Request, Settings
from proxy.weighing import weigh

PEOPLE = [f"somebody.with.a.name{number}@mail{number % 900}.example.com" for number in range(12_000)]
VARIABLES = {f"variable_{number}": f"Grüße, {{name}}: {number} €" for number in range(20)}
ATTACHMENT = base64.b64encode(bytes(15 << 20)).decode()
FILE = {"content": ATTACHMENT, "filename": "a.pdf", "type": "application/pdf"}


def posted(path: str, body: Any, media_type: str = strict.JSON) -> Request:
    """Make a request of a send."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Request("POST", path, "", CIMultiDictProxy(CIMultiDict({"Content-Type": media_type})), raw)


def sendgrid(**more: Any) -> Request:
    """Write to a thousand people, each with substitutions, headers and arguments of their own."""
    own = {"substitutions": VARIABLES, "custom_args": {"user": "4711", "price": "1.5"}, "headers": {"X-Own": "1"}}
    personalizations = [{"to": [{"email": each, "name": "Ärger, Jörg"}], **own} for each in PEOPLE[:1000]]
    content = [{"type": "text/html", "value": "<p style='a:b,c'>😀</p>" * 5000}]
    mail = {"from": {"email": "shop@example.com"}, "subject": "Grüße 😀", "content": content}
    return posted("/v3/mail/send", {"personalizations": personalizations, **mail, **more})


def mailgun() -> Request:
    """Write to a thousand people with variables for each, in URL encoding."""
    variables = orjson.dumps(dict.fromkeys(PEOPLE[:1000], VARIABLES))
    fields = {"from": "shop@example.com", "to": ",".join(PEOPLE[:1000]), "subject": "s", "html": "<p>ä</p>" * 9999}
    body = urlencode({**fields, "recipient-variables": variables})
    return posted("/v3/example.com/messages", body.encode(), strict.FORM)


def sparkpost() -> Request:
    """Write to twelve thousand people, each with data, tags and metadata of their own, and attach a file."""
    own = {"substitution_data": VARIABLES, "metadata": {"price": 1.5, "user": 4711}, "tags": ["a", "b"]}
    recipients = [{"address": {"email": each, "name": "Ann"}, **own} for each in PEOPLE]
    attached = [{"name": "a.pdf", "type": "application/pdf", "data": ATTACHMENT}]
    content = {"from": "shop@example.com", "subject": "Grüße 😀", "html": "<p>x</p>", "attachments": attached}
    return posted("/api/v1/transmissions", {"recipients": recipients, "content": content})


def postmark() -> Request:
    """Write five hundred mails to fifty people each."""
    people = ", ".join(f'"Ann, Example" <{each}>' for each in PEOPLE[:50])
    return posted("/email/batch", [{"From": "shop@example.com", "To": people, "HtmlBody": "<p>x</p>"}] * 500)


@pytest.mark.parametrize(
    ("provider", "request_", "people"),
    [
        pytest.param("sendgrid", sendgrid(), 1000, id="SendGrid"),
        pytest.param("mailgun", mailgun(), 1000, id="Mailgun"),
        pytest.param("sparkpost", sparkpost(), 12_000, id="SparkPost"),
        pytest.param("postmark", postmark(), 25_000, id="Postmark"),
    ],
)
def test_the_largest_sends_are_read(provider: str, request_: Request, people: int) -> None:
    """A send to as many people as the provider takes, with all that may be said of each, is read."""
    message = base.load(provider).read(request_, Settings())
    assert len(message.send.recipients) == people
    assert all(each.keys for each in message.send.recipients)


def test_an_attachment_costs_no_weight() -> None:
    """A file of many megabytes adds nothing to what the people and their variables weigh."""
    with_file = weigh(sendgrid(attachments=[FILE] * 2)).extra
    assert with_file <= weigh(sendgrid()).extra + 100_000
