"""Spellings that a forgiving parser could take for a recipient, a switch or another request: none is overlooked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers import base
from proxy.providers.base import Kind, Request, Settings, Unreadable

SENDGRID = {"personalizations": [{"to": [{"email": "ada@example.com"}]}], "from": {"email": "shop@example.com"}}
BREVO = {"to": [{"email": "ada@example.com"}], "subject": "s"}
RESEND = {"from": "shop@example.com", "to": "ada@example.com"}
SENDS: dict[str, tuple[str, Any]] = {
    "sendgrid": ("/v3/mail/send", SENDGRID),
    "brevo": ("/v3/smtp/email", BREVO),
    "resend": ("/emails", RESEND),
    "postmark": ("/email", {"To": "ada@example.com"}),
    "mailjet": ("/v3.1/send", {"Messages": [{"To": [{"Email": "ada@example.com"}]}]}),
    "mandrill": ("/api/1.0/messages/send", {"message": {"to": [{"email": "ada@example.com"}]}}),
    "sparkpost": ("/api/v1/transmissions", {"recipients": [{"address": "ada@example.com"}]}),
}


def request(path: str, body: Any, query: str = "", declared: str = "application/json") -> Request:
    """Make a request that posts a body."""
    written = body if isinstance(body, bytes) else orjson.dumps(body)
    return Request("POST", path, query, CIMultiDictProxy(CIMultiDict({"Content-Type": declared})), written)


@pytest.mark.parametrize("provider", SENDS)
@pytest.mark.parametrize(
    "query", ["bcc[0][email]=bob@example.com", "Bcc=bob%40example.com", "x=1&cc%5B%5D=b@e.com", "to=b"]
)
def test_a_query_names_nobody(provider: str, query: str) -> None:
    """Some servers read a query and a body as one, so a recipient in the query of a send makes it unreadable."""
    path, body = SENDS[provider]
    module = base.load(provider)
    assert module.read(request(path, body), Settings()).send.recipients
    with pytest.raises(Unreadable):
        module.read(request(path, body, query), Settings())


@pytest.mark.parametrize(
    ("provider", "path", "body"),
    [
        pytest.param("brevo", "/v3/smtp/email", {**BREVO, "Headers": {"Bcc": "b@example.com"}}, id="brevo: headers"),
        pytest.param("brevo", "/v3/smtp/email", {"to": [{"email": "a@example.com", "id": 7}]}, id="brevo: a contact"),
        pytest.param("brevo", "/v3/smtp/email", {**BREVO, "contactIds": [7]}, id="brevo: contacts"),
        pytest.param(
            "brevo",
            "/v3/whatsapp/sendMessage",
            {"contactNumbers": ["4915112345678"], "contactIds": [7]},
            id="brevo: contacts beside numbers",
        ),
        pytest.param("resend", "/emails", {**RESEND, "Headers": {"Bcc": "b@example.com"}}, id="resend: headers"),
    ],
)
def test_a_key_that_looks_like_one_that_decides(provider: str, path: str, body: Any) -> None:
    """What only looks like a key that decides who gets the message makes a send unreadable."""
    with pytest.raises(Unreadable):
        base.load(provider).read(request(path, body), Settings())


@pytest.mark.parametrize(
    "setting",
    [{"Enable": True}, {"enabled": True}, {"enable": False, "Enable ": 1}, {"enable": 0}, {"enable": "false"}],
)
def test_a_bypass_that_is_not_plainly_off_is_on(setting: dict[str, Any]) -> None:
    """Anything but `enable: false` alone may be read as on."""
    body = {**SENDGRID, "mail_settings": {"bypass_list_management": setting}}
    try:
        message = base.load("sendgrid").read(request("/v3/mail/send", body), Settings())
    except Unreadable:
        return
    assert message.bypasses == ("mail_settings.bypass_list_management",)


@pytest.mark.parametrize(
    "declared", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize(
    ("provider", "method", "path", "body"),
    [
        pytest.param("resend", "POST", "/broadcasts", b'{"name":"&send=true&segment_id=1&"}', id="resend"),
        pytest.param("brevo", "PUT", "/v3/emailCampaigns/7/status", b'{"status":"suspended"}', id="brevo"),
    ],
)
def test_a_body_of_another_type_vouches_for_nothing(
    provider: str, method: str, path: str, body: bytes, declared: str
) -> None:
    """A body that is declared as something else than JSON may say something else, too."""
    asked = request(path, body, declared=declared)
    asked = Request(method, asked.path, asked.query, asked.headers, asked.body)
    assert base.load(provider).sort(asked) is Kind.HIDDEN


MANY = 60_000  # of each; what looks at every pair of them ends in pytest's timeout
TAGS = [f"t{number}" for number in range(MANY)]


@pytest.mark.parametrize(
    ("provider", "path", "body"),
    [
        pytest.param("resend", "/emails", {**RESEND, "tags": [{"name": "a", "value": "b"}] * 3 * MANY}, id="resend"),
        pytest.param(
            "sparkpost",
            "/api/v1/transmissions",
            {
                "recipients": [
                    {"address": "a@example.com", "tags": TAGS * 3},
                    {"address": "b@example.com", "tags": TAGS[::-1] * 3},
                ]
            },
            id="sparkpost",
        ),
        pytest.param(
            "ses",
            "/v2/email/outbound-bulk-emails",
            {
                "DefaultContent": {"Template": {"TemplateName": "t"}},
                "DefaultEmailTags": [{"Name": tag, "Value": "v"} for tag in TAGS],
                "BulkEmailEntries": [{"Destination": {"ToAddresses": ["a@example.com"]}}] * MANY,
            },
            id="ses",
        ),
    ],
)
def test_many_markers_are_no_work(provider: str, path: str, body: Any) -> None:
    """A send with as many tags as fit into a few megabytes is read like any other."""
    assert base.load(provider).read(request(path, body), Settings()).send.recipients


def test_arrays_have_an_end() -> None:
    """A send to more people than fit into any request that there is is not taken apart."""
    with pytest.raises(Unreadable):
        base.load("resend").read(request("/emails", {**RESEND, "to": ["a@example.com"] * 100_001}), Settings())


@pytest.mark.parametrize(
    "lists",
    [
        pytest.param(b"to=" + b"a@example.com," * MANY, id="one long list"),
        pytest.param(b"&".join([b"to=" + b"a@example.com," * 1000] * 60), id="many lists"),
    ],
)
def test_lists_have_an_end(lists: bytes) -> None:
    """A form whose lists of recipients are longer than any that there are is not taken apart."""
    sent = request("/v3/x.io/messages", lists, declared="application/x-www-form-urlencoded")
    with pytest.raises(Unreadable):
        base.load("mailgun").read(sent, Settings())
