"""Brevo's table of samples: requests and what must come of them, for test_conformance.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel
from policy.reasons import Reason
from proxy.providers import brevo
from proxy.providers.base import Provider, Refusal, Request

PROVIDER: Provider = brevo
FORMAT = "json"
SECRETS = ("xkeysib-top-secret",)
HEADERS = CIMultiDictProxy(CIMultiDict({"api-key": "xkeysib-top-secret", "Content-Type": "application/json"}))

# https://github.com/getbrevo/brevo-php
SPEC: dict[str, Any] = {
    "file": "brevo/swagger_definition_v3.yml",
    "schema": "/components/schemas/sendSmtpEmail",
    "errata": {},
}
SCHEMAS = "/components/schemas/"

MAIL, SMS, WHATSAPP = Channel.MAIL, Channel.SMS, Channel.INSTANT_MESSAGING
BERLIN, PARIS = "+493012345678", "+33689965433"
SENDER = {"sender.email": ("shop@example.com",)}
TEXT: dict[str, Any] = {
    "sender": {"email": "shop@example.com", "name": "Shop"},
    "subject": "Grüße",
    "htmlContent": '<p>a "quoted": line\n</p>',
}


def post(body: Any, path: str = "/v3/smtp/email") -> Request:
    """Give a send with this body: bytes as they are, anything else as JSON."""
    return Request("POST", path, "", HEADERS, body if isinstance(body, bytes) else orjson.dumps(body))


def send(**more: Any) -> Request:
    """Give a mail with these keys."""
    return post({**TEXT, **more})


def people(*emails: str) -> list[dict[str, str]]:
    """Give recipient objects."""
    return [{"email": email} for email in emails]


def sms(recipient: Any, path: str = "/v3/transactionalSMS/sms", **more: Any) -> Request:
    """Give an SMS."""
    return post({"sender": "Shop", "recipient": recipient, "content": "Hello", **more}, path)


def whatsapp(*numbers: Any, **more: Any) -> Request:
    """Give a message on WhatsApp."""
    body = {"contactNumbers": list(numbers), "senderNumber": "4930111111", "templateId": 7, **more}
    return post(body, "/v3/whatsapp/sendMessage")


def consent(**more: Any) -> Request:
    """Give a request for a mail that asks somebody for consent."""
    body = {"includeListIds": [36], "templateId": 2, "redirectionUrl": "https://example.com/thanks", **more}
    return post(body, "/v3/contacts/doubleOptinConfirmation")


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample."""
    body = orjson.loads(request.body)
    *steps, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    spot = body
    for step in steps:
        spot = spot[step]
    if isinstance(spot[last], dict):
        spot[last]["email"] = address
    else:
        spot[last] = address
    return replace(request, body=orjson.dumps(body))


def one(place: str, key: str | None = "ada@example.com", channel: Channel = MAIL) -> list[tuple[Any, ...]]:
    """Give the recipients of a send to one."""
    return [(place, channel, key)]


VERSIONS: list[dict[str, Any]] = [
    {"to": people("ada@example.com"), "subject": "Ada", "params": {"name": "Ada"}},
    {"to": people("bob@example.com", "cy@example.com"), "cc": people("di@x.io")},
    {"to": people("eve@example.com"), "bcc": people("fay@example.com")},
]
AT_VERSIONS = [
    ("messageVersions.0.to.0", MAIL, "ada@example.com"),
    ("messageVersions.1.to.0", MAIL, "bob@example.com"),
    ("messageVersions.1.to.1", MAIL, "cy@example.com"),
    ("messageVersions.1.cc.0", MAIL, "di@x.io"),
    ("messageVersions.2.to.0", MAIL, "eve@example.com"),
    ("messageVersions.2.bcc.0", MAIL, "fay@example.com"),
]

SENDS: dict[str, dict[str, Any]] = {
    "one recipient": {
        "request": send(to=[{"email": "Ada@Example.com", "name": "Ada, Countess of Lovelace"}]),
        "recipients": one("to.0"),
        "markers": SENDER,
    },
    "to, cc and bcc": {
        "request": send(
            to=people("ada@example.com", "bob@example.com"), cc=people("cy@example.com"), bcc=people("di@x.io")
        ),
        "recipients": [
            ("to.0", MAIL, "ada@example.com"),
            ("to.1", MAIL, "bob@example.com"),
            ("cc.0", MAIL, "cy@example.com"),
            ("bcc.0", MAIL, "di@x.io"),
        ],
        "markers": SENDER,
        "removal": {
            "places": {"to.0", "cc.0"},
            "body": send(to=people("bob@example.com"), bcc=people("di@x.io")).body,
        },
    },
    "versions": {
        "request": send(messageVersions=VERSIONS),
        "recipients": AT_VERSIONS,
        "markers": SENDER,
        "removal": {
            "places": {"messageVersions.0.to.0", "messageVersions.1.to.1", "messageVersions.1.cc.0"},
            "body": send(messageVersions=[{"to": people("bob@example.com")}, VERSIONS[2]]).body,
        },
        "restored": [
            {
                "places": {"messageVersions.0.to.0", "messageVersions.2.to.0"},
                "status": 201,
                "answer": b'{"messageIds":["<b@x>"]}',
                "told": b'{"messageIds":["","<b@x>",""]}',
            },
            {
                "places": {"messageVersions.0.to.0", "messageVersions.2.to.0"},
                "status": 202,
                "answer": b'{"messageId":"<b@x>","batchId":"1"}',
                "told": b'{"messageId":"<b@x>","batchId":"1","messageIds":["","<b@x>",""]}',
            },
            {
                "places": {"messageVersions.1.to.0", "messageVersions.1.to.1"},
                "status": 201,
                "answer": b'{"messageIds":["<a@x>","<e@x>"]}',
                "told": b'{"messageIds":["<a@x>","","<e@x>"]}',
            },
            {
                "places": {"messageVersions.0.to.0"},
                "status": 201,
                "answer": b'{"messageIds":["<only one of two@x>"]}',
                "told": b'{"messageIds":["<only one of two@x>"]}',
            },
            {
                "places": {"messageVersions.0.to.0"},
                "status": 400,
                "answer": b'{"code":"invalid_parameter","message":"messageVersions[1].to is not valid"}',
                "told": b'{"code":"invalid_parameter","message":"messageVersions[2].to is not valid"}',
            },
        ],
    },
    "copies fall with their version": {
        "request": send(messageVersions=VERSIONS),
        "recipients": AT_VERSIONS,
        "markers": SENDER,
        "removal": {
            "places": {"messageVersions.1.to.0", "messageVersions.1.to.1"},
            "gone": {"messageVersions.1.to.0", "messageVersions.1.to.1", "messageVersions.1.cc.0"},
            "body": send(messageVersions=[VERSIONS[0], VERSIONS[2]]).body,
        },
    },
    "common recipients beside versions": {
        "request": send(
            to=people("gus@example.com"),
            cc=people("hal@example.com", "ida@example.com"),
            bcc=people("jo@example.com"),
            messageVersions=VERSIONS[:2],
        ),
        "recipients": [
            ("to.0", MAIL, "gus@example.com"),
            ("cc.0", MAIL, "hal@example.com"),
            ("cc.1", MAIL, "ida@example.com"),
            ("bcc.0", MAIL, "jo@example.com"),
            *AT_VERSIONS[:4],
        ],
        "markers": SENDER,
        "removal": {
            "places": {"to.0", "cc.0", "bcc.0"},
            "body": send(cc=people("ida@example.com"), messageVersions=VERSIONS[:2]).body,
        },
    },
    "an empty list keeps the common copies away": {
        "request": send(cc=people("hal@example.com"), messageVersions=[*VERSIONS[:2], {**VERSIONS[2], "cc": []}]),
        "recipients": [("cc.0", MAIL, "hal@example.com"), *AT_VERSIONS],
        "markers": SENDER,
        "removal": {
            "places": {"messageVersions.1.cc.0"},
            "body": send(
                cc=people("hal@example.com"),
                messageVersions=[VERSIONS[0], {**VERSIONS[1], "cc": []}, {**VERSIONS[2], "cc": []}],
            ).body,
        },
    },
    "empty lists go where nothing is to be kept away": {
        "request": send(cc=people("hal@example.com"), messageVersions=[{**VERSIONS[0], "cc": []}, VERSIONS[1]]),
        "recipients": [("cc.0", MAIL, "hal@example.com"), *AT_VERSIONS[:4]],
        "markers": SENDER,
        "removal": {
            "places": {"cc.0", "messageVersions.1.cc.0"},
            "body": send(messageVersions=[VERSIONS[0], {"to": VERSIONS[1]["to"]}]).body,
        },
    },
    "a version without a `to`": {
        "request": send(messageVersions=[{"cc": people("di@x.io")}, VERSIONS[0]]),
        "recipients": [
            ("messageVersions.0.cc.0", MAIL, "di@x.io"),
            ("messageVersions.1.to.0", MAIL, "ada@example.com"),
        ],
        "markers": SENDER,
        "schema": "",
    },
    "no versions": {
        "request": send(to=people("ada@example.com"), messageVersions=[]),
        "recipients": one("to.0"),
        "markers": SENDER,
    },
    "markers": {
        "request": send(
            to=people("ada@example.com"),
            sender={"id": 2, "name": "Shop"},
            tags=["receipt", "spring"],
            templateId=7,
            headers={"x-mailin-tag": "old", "X-Mailin-custom": "kind:receipt", "sender.ip": "1.2.3.4", "X-To": "1"},
        ),
        "recipients": one("to.0"),
        "markers": {
            "sender.id": ("2",),
            "tags": ("receipt", "spring"),
            "templateId": ("7",),
            "headers.X-Mailin-Tag": ("old",),
            "headers.X-Mailin-custom": ("kind:receipt",),
        },
    },
    "a template that a version replaces": {
        "request": send(
            templateId=7, messageVersions=[VERSIONS[0], {"to": people("bob@example.com"), "templateId": 8}]
        ),
        "recipients": [*AT_VERSIONS[:1], ("messageVersions.1.to.0", MAIL, "bob@example.com")],
        "markers": SENDER,
    },
    "a template that all versions name": {
        "request": send(messageVersions=[{**VERSIONS[0], "templateId": 8}]),
        "recipients": AT_VERSIONS[:1],
        "markers": SENDER | {"templateId": ("8",)},
    },
    "a schedule": {
        "request": send(
            to=people("ada@example.com"),
            cc=people("bob@example.com"),
            scheduledAt="2030-03-17T18:46:40.000+01:00",
            batchId="5c6cfa04-eed9-42c2-8b5c-6d470d978e9d",
        ),
        "recipients": [
            ("to.0", MAIL, "ada@example.com", 1900000000),
            ("cc.0", MAIL, "bob@example.com", 1900000000),
        ],
        "markers": SENDER,
    },
    "addresses without a key": {
        "request": send(to=people("Ada <ada@example.com>", "", "a@x.io,b@x.io", "bob@example.com")),
        "recipients": [
            ("to.0", MAIL, None),
            ("to.1", MAIL, None),
            ("to.2", MAIL, None),
            ("to.3", MAIL, "bob@example.com"),
        ],
        "markers": SENDER,
        "removal": {"places": {"to.0", "to.1", "to.2"}, "body": send(to=people("bob@example.com")).body},
    },
    "an international domain": {
        "request": send(to=people("ada@bücher.example")),
        "recipients": one("to.0", "ada@xn--bcher-kva.example"),
        "markers": SENDER,
    },
    "spelling that must survive": {
        "request": post(
            b'{ "subject": "x", "params": {"price": 1.10, "id": 123456789012345678901234567890, "nul": "\\u0000\\n"},'
            b' "to": [{"email": "\\u0061da@example.com"}, {"email":"bob@example.com"}], "cc": [] }\n'
        ),
        "recipients": [("to.0", MAIL, "ada@example.com"), ("to.1", MAIL, "bob@example.com")],
        "removal": {
            "places": {"to.0"},
            "body": b'{"subject":"x","params":{"price":1.10,"id":123456789012345678901234567890,"nul":"\\u0000\\n"},'
            b'"to":[{"email":"bob@example.com"}]}',
        },
    },
    "a trailing slash": {
        "request": replace(send(to=people("ada@example.com")), path="/v3/smtp/email/"),
        "recipients": one("to.0"),
        "markers": SENDER,
    },
    "an SMS": {
        "request": sms("33689965433", type="transactional", tag="receipt"),
        "recipients": one("recipient", PARIS, SMS),
        "markers": {"type": ("transactional",), "tag": ("receipt",), "sender": ("Shop",)},
        "schema": SCHEMAS + "sendTransacSms",
    },
    "an SMS to a number with a plus, with several tags": {
        "request": sms(PARIS, "/v3/transactionalSMS/send", tag=["receipt", "spring"], templateId=7),
        "recipients": one("recipient", PARIS, SMS),
        "markers": {"tag": ("receipt", "spring"), "sender": ("Shop",), "templateId": ("7",)},
        "schema": "",
    },
    "an SMS to a number in national form": {
        "request": sms("030 12345678"),
        "region": "DE",
        "recipients": one("recipient", BERLIN, SMS),
        "markers": {"sender": ("Shop",)},
        "schema": SCHEMAS + "sendTransacSms",
    },
    "an SMS to a number from nobody knows where": {
        "request": sms("030 12345678"),
        "recipients": one("recipient", None, SMS),
        "markers": {"sender": ("Shop",)},
        "schema": SCHEMAS + "sendTransacSms",
    },
    "an SMS to an array, which Brevo does not describe": {
        "request": sms([BERLIN, PARIS]),
        "recipients": [("recipient.0", SMS, BERLIN), ("recipient.1", SMS, PARIS)],
        "markers": {"sender": ("Shop",)},
        "schema": "",
    },
    "WhatsApp": {
        "request": whatsapp("493012345678", "+33 6 89 96 54 33"),
        "recipients": [("contactNumbers.0", WHATSAPP, BERLIN), ("contactNumbers.1", WHATSAPP, PARIS)],
        "markers": {"senderNumber": ("4930111111",), "templateId": ("7",)},
        "removal": {"places": {"contactNumbers.0"}, "body": whatsapp("+33 6 89 96 54 33").body},
        "schema": SCHEMAS + "sendWhatsappMessageTemplate",
    },
    "WhatsApp in free words": {
        "request": post(
            {"contactNumbers": [BERLIN, ""], "senderNumber": "4930111111", "text": "Hello"}, "/v3/whatsapp/sendMessage"
        ),
        "recipients": [("contactNumbers.0", WHATSAPP, BERLIN), ("contactNumbers.1", WHATSAPP, None)],
        "markers": {"senderNumber": ("4930111111",)},
        "schema": "",
    },
    "a request for consent": {
        "request": consent(email="ada@example.com", attributes={"EMAIL": "x", "COUNTRIES": ["India"]}),
        "recipients": one("email"),
        "markers": {"templateId": ("2",)},
        "schema": SCHEMAS + "createDoiContact",
    },
}

HARMLESS: dict[str, Request] = {
    "to cancel a scheduled mail": Request("DELETE", "/v3/smtp/email/%3C1.2@smtp-relay.mailin.fr%3E"),
    "to delete a log": Request("DELETE", "/v3/smtp/log/1"),
    "to list mails": Request("GET", "/v3/smtp/emails", "email=ada%40example.com"),
    "to block a domain": Request("POST", "/v3/smtp/blockedDomains"),
    "a template": Request("POST", "/v3/smtp/templates"),
    "to change a template": Request("PUT", "/v3/smtp/templates/7"),
    "to delete a template": Request("DELETE", "/v3/smtp/templates/7"),
    "to look at a template": Request("POST", "/v3/smtp/template/preview"),
    "to delete a campaign": Request("DELETE", "/v3/emailCampaigns/7"),
    "to pause a campaign": Request("PUT", "/v3/emailCampaigns/7/status", body=b'{"status": "suspended"}'),
    "to archive a campaign of texts": Request("PUT", "/v3/smsCampaigns/7/status", body=b'{"status":"archive"}'),
    "to delete a contact": Request("DELETE", "/v3/contacts/ada%40example.com"),
    "a list": Request("POST", "/v3/contacts/lists"),
    "to rename a folder": Request("PUT", "/v3/contacts/folders/3"),
    "to take contacts off a list": Request("POST", "/v3/contacts/lists/3/contacts/remove"),
}

HIDDEN: dict[str, Request] = {
    "a campaign": Request("POST", "/v3/emailCampaigns"),
    "to change a campaign": Request("PUT", "/v3/emailCampaigns/7"),
    "to send a campaign": Request("POST", "/v3/emailCampaigns/7/sendNow"),
    "to test a campaign": Request("POST", "/v3/emailCampaigns/7/sendTest"),
    "the report of a campaign": Request("POST", "/v3/smsCampaigns/7/sendReport"),
    "to queue a campaign": Request("PUT", "/v3/emailCampaigns/7/status", body=b'{"status":"queued"}'),
    "two new states": Request("PUT", "/v3/smsCampaigns/7/status", body=b'{"status":"archive","status":"sent"}'),
    "a new state beside another key": Request(
        "PUT", "/v3/smsCampaigns/7/status", body=b'{"status":"archive","x":"sent"}'
    ),
    "a new state that is none": Request("PUT", "/v3/smsCampaigns/7/status", body=b"[]"),
    "a campaign on WhatsApp": Request("POST", "/v3/whatsappCampaigns"),
    "to test a template": Request("POST", "/v3/smtp/templates/7/sendTest"),
    "an event": Request("POST", "/v3/events"),
    "events": Request("POST", "/v3/events/batch"),
    "an order": Request("POST", "/v3/orders/status"),
    "orders": Request("POST", "/v3/orders/status/batch"),
    "a contact": Request("POST", "/v3/contacts"),
    "to change a contact": Request("PUT", "/v3/contacts/ada%40example.com"),
    "to change contacts": Request("POST", "/v3/contacts/batch"),
    "an import": Request("POST", "/v3/contacts/import"),
    "contacts for a list": Request("POST", "/v3/contacts/lists/3/contacts/add"),
    "to ask for money": Request("POST", "/v3/payments/requests"),
    "a word in a conversation": Request("POST", "/v3/conversations/messages"),
    "an automatic word in a conversation": Request("POST", "/v3/conversations/pushedMessages"),
    "what is back in stock": Request("POST", "/v3/products/7/alerts/back_in_stock"),
}

GUARDED: dict[str, Request] = {
    "the webhooks, with their tokens": Request("GET", "/v3/webhooks"),
    "a webhook": Request("POST", "/v3/webhooks"),
    "a webhook elsewhere": Request("PUT", "/v3/webhooks/7"),
    "no webhook any more": Request("DELETE", "/v3/webhooks/7"),
    "a key of a sub-account": Request("POST", "/v3/corporate/subAccount/key"),
    "what somebody of the team may do": Request("POST", "/v3/organization/user/update/permissions"),
    "to unblock a contact": Request("DELETE", "/v3/smtp/blockedContacts/ada%40example.com"),
    "to unblock a domain": Request("DELETE", "/v3/smtp/blockedDomains/example.com"),
    "to forget bounces": Request("POST", "/v3/smtp/deleteHardbounces"),
}

UNKNOWN: dict[str, Request] = {
    "another version": Request("POST", "/v4/smtp/email"),
    "no version": Request("POST", "/smtp/email"),
    "a read of another version": Request("GET", "/v2.0/email"),
    "a send by PUT": Request("PUT", "/v3/smtp/email"),
    "a send in another case": Request("POST", "/v3/SMTP/email"),
    "a method in another case": Request("post", "/v3/smtp/email"),
    "below a send": Request("POST", "/v3/smtp/email/batch"),
    "a sending address, which gets a mail": Request("POST", "/v3/senders"),
    "an invitation": Request("POST", "/v3/organization/user/invitation/send"),
    "the list of an account's users": Request("POST", "/v3/corporate/user/invitation/send"),
    "points": Request("POST", "/v3/loyalty/balance/programs/1/transactions"),
    "a new state without a body": Request("PUT", "/v3/whatsappCampaigns/7/status"),
}

TO_ADA = {"to": people("ada@example.com")}


def refused_at(place: str, **more: Any) -> tuple[Request, str, Reason]:
    """Give a mail to Ada with further keys that cannot be read at this place."""
    return send(**{**TO_ADA, **more}), place, Reason.UNREADABLE


UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "", Reason.UNREADABLE),
    "an array": (post([]), "", Reason.UNREADABLE),
    "a form": (post(b"to=ada%40example.com"), "", Reason.UNREADABLE),
    "nobody": (send(), "to", Reason.NO_RECIPIENT),
    "copies alone": (send(cc=people("ada@example.com")), "to", Reason.NO_RECIPIENT),
    "versions to nobody": (
        send(**TO_ADA, messageVersions=[{"cc": people("b@x.io")}]),
        "messageVersions",
        Reason.NO_RECIPIENT,
    ),
    "to as object": refused_at("to", to={"email": "ada@example.com"}),
    "to as text": refused_at("to", to="ada@example.com"),
    "cc as null": refused_at("cc", cc=None),
    "an address as text": refused_at("to.0", to=["ada@example.com"]),
    "an address as list": refused_at("to.0.email", to=[{"email": []}]),
    "no address": refused_at("to.0.email", to=[{"name": "Ada"}]),
    "somebody by an id": refused_at("to.0", to=[{"email": "ada@example.com", "contactId": 7}]),
    "an address in another case": refused_at("to.0", to=[{"Email": "ada@example.com"}]),
    "Cc": refused_at("", Cc=people("b@x.io")),
    "bcc[]": refused_at("", **{"bcc[]": people("b@x.io")}),
    "bcc with a zero-width space": refused_at("", **{"bcc\u200b": people("b@x.io")}),
    "cc in full width in a version": refused_at(
        "messageVersions.0", messageVersions=[{**TO_ADA, "ｃｃ": people("b@x.io")}]
    ),
    "lists": refused_at("", listIds=[1]),
    "MessageVersions": refused_at("", MessageVersions=[TO_ADA]),
    "message_versions": refused_at("", message_versions=[TO_ADA]),
    "versions as object": refused_at("messageVersions", messageVersions={"to": []}),
    "a version as text": refused_at("messageVersions.0", messageVersions=["x"]),
    "versions in a version": refused_at("messageVersions.0", messageVersions=[{**TO_ADA, "messageVersions": [TO_ADA]}]),
    "a time in a version": refused_at("messageVersions.0", messageVersions=[{**TO_ADA, "scheduledAt": "x"}]),
    "a time without a zone": refused_at("scheduledAt", scheduledAt="2030-03-17T18:46:40"),
    "a time in words": refused_at("scheduledAt", scheduledAt="tomorrow"),
    "a time as number": refused_at("scheduledAt", scheduledAt=1900000000),
    "scheduled_at": refused_at("", scheduled_at="2030-03-17T18:46:40Z"),
    "a header that names recipients": refused_at("headers", headers={"BCC": "b@x.io"}),
    "a header that names recipients in a version": refused_at(
        "messageVersions.0.headers", messageVersions=[{**TO_ADA, "headers": {"c.c": "b@x.io"}}]
    ),
    "headers as list": refused_at("headers", headers=["Bcc"]),
    "a header with a colon": refused_at("headers", headers={"Bcc: b@x.io\r\nX-A": "1"}),
    "a header in a header": refused_at("headers", headers={"X-A": "1\r\nBcc: b@x.io"}),
    "a header in the subject": refused_at("subject", subject="Hi\nBcc: b@x.io"),
    "a header in a version's subject": refused_at(
        "messageVersions.0.subject", messageVersions=[{**TO_ADA, "subject": "Hi\nBcc: b@x.io"}]
    ),
    "a header in a name": refused_at("to.0.name", to=[{"email": "a@x.io", "name": "Ada\rBcc: b@x.io"}]),
    "a header in the sender": refused_at("sender", sender={"email": "shop@example.com>\r\nBcc: b@x.io"}),
    "a header in the address for answers": refused_at("replyTo", replyTo={"email": "a@x.io", "name": "\nBcc: b@x.io"}),
    "a header in a tag": refused_at("tags", tags=["x\r\nBcc: b@x.io"]),
    "an SMS to nobody": (sms(""), "recipient", Reason.NO_RECIPIENT),
    "an SMS to a number as number": (sms(33689965433), "recipient", Reason.UNREADABLE),
    "an SMS to recipients": (sms(PARIS, recipients=[BERLIN]), "", Reason.UNREADABLE),
    "an SMS as an array": (post([], "/v3/transactionalSMS/sms"), "", Reason.UNREADABLE),
    "WhatsApp to nobody": (whatsapp(), "contactNumbers", Reason.NO_RECIPIENT),
    "WhatsApp to a number as number": (whatsapp(493012345678), "contactNumbers.0", Reason.UNREADABLE),
    "WhatsApp to a recipient": (whatsapp(BERLIN, recipient=PARIS), "", Reason.UNREADABLE),
    "consent of nobody": (consent(), "email", Reason.NO_RECIPIENT),
    "consent of a list": (consent(email="ada@example.com", listIds=[1]), "", Reason.UNREADABLE),
}

JSON = "application/json"
REFUSALS: dict[str, dict[str, Any]] = {
    "recipients": {
        "request": send(**TO_ADA),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, ("to.0", "cc.0")),
        "status": 400,
        "content_type": JSON,
        "body": b'{"code":"invalid_parameter","message":"no"}',
    },
    "nobody": {
        "request": send(),
        "refusal": Refusal(Reason.NO_RECIPIENT, "nobody", None, ("to",)),
        "status": 400,
        "content_type": JSON,
        "body": b'{"code":"missing_parameter","message":"nobody"}',
    },
    "a sender nobody knows": {
        "request": send(**TO_ADA),
        "refusal": Refusal(Reason.SENDER_REFUSED, "who?", 403),
        "status": 403,
        "content_type": JSON,
        "body": b'{"code":"permission_denied","message":"who?"}',
    },
    "later": {
        "request": sms(PARIS),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": JSON,
        "body": b'{"code":"bad_request","message":"later"}',
    },
}

ID = r"<[0-9a-f]{24}@smtp-relay\.sendgate>"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}"
ACCEPTED: dict[str, dict[str, Any]] = {
    "a mail": {
        "request": send(**TO_ADA),
        "status": 201,
        "content_type": JSON,
        "body": rf'\{{"messageId":"{ID}"\}}',
    },
    "versions": {
        "request": send(messageVersions=VERSIONS),
        "status": 201,
        "content_type": JSON,
        "body": rf'\{{"messageIds":\["{ID}","{ID}","{ID}"\]\}}',
    },
    "a scheduled mail": {
        "request": send(**TO_ADA, scheduledAt="2030-03-17T18:46:40Z"),
        "status": 202,
        "content_type": JSON,
        "body": rf'\{{"messageId":"{ID}","batchId":"{UUID}"\}}',
    },
    "an SMS": {
        "request": sms(PARIS),
        "status": 201,
        "content_type": JSON,
        "body": r'\{"reference":"[0-9a-f]{20}","messageId":\d+,"smsCount":1\}',
    },
    "an SMS that is queued": {
        "request": sms(PARIS, "/v3/transactionalSMS/send"),
        "status": 201,
        "content_type": JSON,
        "body": r'\{"messageId":\d+\}',
    },
    "WhatsApp": {
        "request": whatsapp(BERLIN),
        "status": 201,
        "content_type": JSON,
        "body": rf'\{{"messageId":"{UUID}"\}}',
    },
}
