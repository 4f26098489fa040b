"""SendGrid's table of samples: requests and what must come of them, for test_conformance.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel, Recipient, Refused
from policy.reasons import Reason
from proxy.providers import sendgrid
from proxy.providers.base import Provider, Refusal, Request, told

PROVIDER: Provider = sendgrid
FORMAT = "json"
SECRETS = ("SG.top-secret",)
HEADERS = CIMultiDictProxy(
    CIMultiDict({"Authorization": "Bearer SG.top-secret", "Content-Type": "application/json; charset=UTF-8"})
)

# https://github.com/twilio/sendgrid-oai; its custom_args says string where its own examples have objects.
SPEC = {
    "file": "sendgrid/tsg_mail_v3.json",
    "schema": "/components/requestBodies/PostMailSend/content/application~1json/schema",
    "errata": {"/properties/custom_args": {"type": "object"}},
}

MAIL = Channel.MAIL
FROM: dict[str, Any] = {"email": "shop@example.com", "name": "Shop"}
TEXT: dict[str, Any] = {
    "from": FROM,
    "subject": "Grüße",
    "content": [{"type": "text/plain", "value": 'a "quoted": line'}],
}


def post(body: Any, path: str = "/v3/mail/send") -> Request:
    """Give a send with this body: bytes as they are, anything else as JSON."""
    return Request("POST", path, "", HEADERS, body if isinstance(body, bytes) else orjson.dumps(body))


def send(*personalizations: Any, **more: Any) -> Request:
    """Give a send with these personalizations and further keys."""
    return post({"personalizations": list(personalizations), **TEXT, **more})


def to(*emails: str) -> list[dict[str, str]]:
    """Give recipient objects."""
    return [{"email": email} for email in emails]


def errors(*pairs: tuple[str, str]) -> bytes:
    """Give SendGrid's answer to a faulty send: pairs of a message and a field."""
    return orjson.dumps({"errors": [{"message": message, "field": field, "help": None} for message, field in pairs]})


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample."""
    body = orjson.loads(request.body)
    spot = body
    for step in place.split("."):
        spot = spot[int(step) if isinstance(spot, list) else step]
    spot["email"] = address
    return replace(request, body=orjson.dumps(body))


SENDS: dict[str, dict[str, Any]] = {
    "one recipient": {
        "request": send({"to": [{"email": "Ada@Example.com", "name": "Ada, Countess of Lovelace"}]}),
        "recipients": [("personalizations.0.to.0", MAIL, "ada@example.com")],
    },
    "to, cc and bcc": {
        "request": send(
            {"to": to("ada@example.com", "bob@example.com"), "cc": to("cy@example.com"), "bcc": to("di@x.io")}
        ),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com"),
            ("personalizations.0.to.1", MAIL, "bob@example.com"),
            ("personalizations.0.cc.0", MAIL, "cy@example.com"),
            ("personalizations.0.bcc.0", MAIL, "di@x.io"),
        ],
        "removal": {
            "places": {"personalizations.0.to.0", "personalizations.0.cc.0"},
            "body": send({"to": to("bob@example.com"), "bcc": to("di@x.io")}).body,
        },
    },
    "a copy falls with its personalization": {
        "request": send({"to": to("ada@example.com"), "cc": to("cy@example.com")}, {"to": to("bob@example.com")}),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com"),
            ("personalizations.0.cc.0", MAIL, "cy@example.com"),
            ("personalizations.1.to.0", MAIL, "bob@example.com"),
        ],
        "removal": {
            "places": {"personalizations.0.to.0"},
            "gone": {"personalizations.0.to.0", "personalizations.0.cc.0"},
            "body": send({"to": to("bob@example.com")}).body,
        },
    },
    "markers": {
        "request": send(
            {"to": to("ada@example.com"), "custom_args": {"kind": "receipt", "user": "7", "campaign": "spring"}},
            {"to": to("bob@example.com"), "custom_args": {"user": "8"}},
            categories=["receipt", "spring"],
            asm={"group_id": 12},
            custom_args={"kind": "receipt", "user": "0", "campaign": "spring", "empty": ""},
            ip_pool_name="fast",
            template_id="d-1",
        ),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com"),
            ("personalizations.1.to.0", MAIL, "bob@example.com"),
        ],
        "markers": {
            "categories": ("receipt", "spring"),
            "asm.group_id": ("12",),
            "ip_pool_name": ("fast",),
            "template_id": ("d-1",),
            "custom_args.kind": ("receipt",),
            "custom_args.campaign": ("spring",),
        },
        "campaign": "spring",
    },
    "schedules": {
        "request": send(
            {"to": to("ada@example.com"), "send_at": 1900000000},
            {"to": to("bob@example.com")},
            send_at=1800000000,
            mail_settings={"bcc": {"enable": True, "email": "log@example.com"}},
        ),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com", 1900000000),
            ("personalizations.1.to.0", MAIL, "bob@example.com", 1800000000),
            ("mail_settings.bcc", MAIL, "log@example.com", 1800000000),
        ],
        "removal": {
            "places": {"personalizations.0.to.0", "mail_settings.bcc"},
            "body": send({"to": to("bob@example.com")}, send_at=1800000000, mail_settings={}).body,
        },
    },
    "a legacy copy that is not enabled": {
        "request": send(
            {"to": to("ada@example.com")},
            mail_settings={"bcc": {"enable": False, "email": "log@example.com"}, "footer": {"enable": False}},
        ),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com"),
            ("mail_settings.bcc", MAIL, "log@example.com"),
        ],
        "removal": {
            "places": {"mail_settings.bcc"},
            "body": send({"to": to("ada@example.com")}, mail_settings={"footer": {"enable": False}}).body,
        },
    },
    "a legacy copy to nobody": {
        "request": send({"to": to("ada@example.com")}, mail_settings={"bcc": {"enable": False, "email": ""}}),
        "recipients": [("personalizations.0.to.0", MAIL, "ada@example.com")],
    },
    "addresses without a key": {
        "request": send({"to": to("Ada <ada@example.com>", "", "a@x.io,b@x.io", "bob@example.com")}),
        "recipients": [
            ("personalizations.0.to.0", MAIL, None),
            ("personalizations.0.to.1", MAIL, None),
            ("personalizations.0.to.2", MAIL, None),
            ("personalizations.0.to.3", MAIL, "bob@example.com"),
        ],
        "removal": {
            "places": {f"personalizations.0.to.{number}" for number in range(3)},
            "body": send({"to": to("bob@example.com")}).body,
        },
    },
    "spelling that must survive": {
        "request": post(
            b'{ "from": {"email":"shop@example.com"}, "personalizations": [ {"dynamic_template_data":'
            b' {"price": 1.10, "id": 123456789012345678901234567890, "nul": "\\u0000"}, "to": [{"email":'
            b' "\\u0061da@example.com"}, {"email":"bob@example.com"}], "cc": [] } ] }\n'
        ),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com"),
            ("personalizations.0.to.1", MAIL, "bob@example.com"),
        ],
        "removal": {
            "places": {"personalizations.0.to.0"},
            "body": b'{"from":{"email":"shop@example.com"},"personalizations":[{"dynamic_template_data":'
            b'{"price":1.10,"id":123456789012345678901234567890,"nul":"\\u0000"},"to":[{"email":'
            b'"bob@example.com"}],"cc":[]}]}',
        },
    },
    "texts that become headers": {
        "request": send(
            {
                "to": [{"email": "ada@example.com", "name": "Ada\tLovelace"}],
                "headers": {"X-Mailer": "a: b", "X-To": "1"},
                "substitutions": {"-name-": "Ada"},
                "dynamic_template_data": {"text": "two\nlines"},
                "to_emails": "1",
            },
            {"to": to("bob@example.com"), "subject": "Bob", "from": FROM},
            reply_to={"email": "shop@example.com", "name": "Shop"},
            headers={"List-Unsubscribe": "<https://example.com/u>"},
        ),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com"),
            ("personalizations.1.to.0", MAIL, "bob@example.com"),
        ],
    },
    "switches past suppression": {
        "request": send(
            {"to": to("ada@example.com", "bob@example.com")},
            mail_settings={
                "bypass_list_management": {"enable": True},
                "bypass_bounce_management": {"enable": False},
                "sandbox_mode": {"enable": False},
            },
        ),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com"),
            ("personalizations.0.to.1", MAIL, "bob@example.com"),
        ],
        "bypasses": ("mail_settings.bypass_list_management",),
        "stripped": send(
            {"to": to("ada@example.com", "bob@example.com")},
            mail_settings={"bypass_bounce_management": {"enable": False}, "sandbox_mode": {"enable": False}},
        ).body,
    },
    "a switch past suppression that is neither on nor off": {
        "request": send(
            {"to": to("ada@example.com")},
            mail_settings={"bypass_spam_management": {"enable": "yes"}, "bypass_unsubscribe_management": None},
        ),
        "recipients": [("personalizations.0.to.0", MAIL, "ada@example.com")],
        "bypasses": ("mail_settings.bypass_spam_management",),
        "stripped": send({"to": to("ada@example.com")}, mail_settings={"bypass_unsubscribe_management": None}).body,
        "schema": "",
    },
    "every switch past suppression, and a legacy copy": {
        "request": send(
            {"to": to("ada@example.com")},
            mail_settings={
                "bcc": {"enable": True, "email": "log@example.com"},
                "bypass_unsubscribe_management": {"enable": True},
                "bypass_bounce_management": {"enable": True},
            },
        ),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com"),
            ("mail_settings.bcc", MAIL, "log@example.com"),
        ],
        "bypasses": ("mail_settings.bypass_unsubscribe_management", "mail_settings.bypass_bounce_management"),
        "stripped": send(
            {"to": to("ada@example.com")}, mail_settings={"bcc": {"enable": True, "email": "log@example.com"}}
        ).body,
    },
    "errors that name places": {
        "request": send(
            {"to": to("ada@example.com")},
            {"to": to("bob@example.com", "cy@example.com", "di@example.com"), "cc": to("eve@example.com")},
            {"to": to("fay@example.com"), "bcc": to("gus@example.com", "hal@example.com")},
        ),
        "recipients": [
            ("personalizations.0.to.0", MAIL, "ada@example.com"),
            ("personalizations.1.to.0", MAIL, "bob@example.com"),
            ("personalizations.1.to.1", MAIL, "cy@example.com"),
            ("personalizations.1.to.2", MAIL, "di@example.com"),
            ("personalizations.1.cc.0", MAIL, "eve@example.com"),
            ("personalizations.2.to.0", MAIL, "fay@example.com"),
            ("personalizations.2.bcc.0", MAIL, "gus@example.com"),
            ("personalizations.2.bcc.1", MAIL, "hal@example.com"),
        ],
        "restored": [
            {
                "places": {"personalizations.0.to.0", "personalizations.1.to.1", "personalizations.2.bcc.0"},
                "status": 400,
                "answer": errors(
                    ("duplicate in personalizations.0.to", "personalizations.0.to.1.email"),
                    ("bad address at personalizations[1][bcc][0]", "personalizations.1"),
                    ("bad address", "personalizations.0.cc.0.email"),
                ),
                "told": errors(
                    ("duplicate in personalizations.1.to", "personalizations.1.to.2.email"),
                    ("bad address at personalizations[2][bcc][1]", "personalizations.2"),
                    ("bad address", "personalizations.1.cc.0.email"),
                ),
            },
            {
                "places": {"personalizations.1.to.0"},
                "status": 400,
                "answer": errors(
                    ("none of the send", "personalizations.7.to.0.email"),
                    ("nor of its list", "personalizations.1.to.7.email"),
                    ("no place", "subject"),
                ),
                "told": errors(
                    ("none of the send", "personalizations.7.to.0.email"),
                    ("nor of its list", "personalizations.1.to.7.email"),
                    ("no place", "subject"),
                ),
            },
            {"places": {"personalizations.0.to.0"}, "status": 202, "answer": b"", "told": b""},
        ],
    },
    "a trailing slash": {
        "request": replace(send({"to": to("ada@example.com")}), path="/v3/mail/send/"),
        "recipients": [("personalizations.0.to.0", MAIL, "ada@example.com")],
    },
}

HARMLESS: dict[str, Request] = {
    "a batch id": Request("POST", "/v3/mail/batch"),
    "to pause a batch": Request("POST", "/v3/user/scheduled_sends"),
    "to cancel a paused batch": Request("PATCH", "/v3/user/scheduled_sends/abc"),
    "to read a batch": Request("GET", "/v3/user/scheduled_sends/abc"),
    "an unsubscribe group": Request("POST", "/v3/asm/groups"),
    "a global suppression": Request("POST", "/v3/asm/suppressions/global"),
    "a template": Request("POST", "/v3/templates"),
    "a version of a template": Request("PATCH", "/v3/templates/d-1/versions/2"),
    "to cancel a single send": Request("DELETE", "/v3/marketing/singlesends/1/schedule"),
    "to cancel a campaign": Request("DELETE", "/v3/campaigns/1/schedules"),
    "to forget contacts": Request("DELETE", "/v3/marketing/contacts", "ids=1"),
    "to look for contacts": Request("POST", "/v3/marketing/contacts/search"),
}

HIDDEN: dict[str, Request] = {
    "to resume a paused batch": Request("DELETE", "/v3/user/scheduled_sends/abc"),
    "a single send": Request("PUT", "/v3/marketing/singlesends/1/schedule"),
    "a single send's text": Request("PATCH", "/v3/marketing/singlesends/1"),
    "a test send": Request("POST", "/v3/marketing/test/send_email"),
    "contacts, who start automations": Request("PUT", "/v3/marketing/contacts"),
    "an imported list of contacts": Request("PUT", "/v3/marketing/contacts/imports"),
    "a campaign": Request("POST", "/v3/campaigns/1/schedules/now"),
    "a campaign later": Request("PATCH", "/v3/campaigns/1/schedules"),
    "a campaign's test": Request("POST", "/v3/campaigns/1/schedules/test"),
    "a verification mail": Request("POST", "/v3/verified_senders/resend/1"),
    "an invitation": Request("POST", "/v3/teammates"),
    "the API before v3": Request("POST", "/api/mail.send.json"),
    "a send by GET, as the API before allowed": Request("GET", "/api/mail.send.json", "to=ann@example.com"),
    "a newsletter of the API before": Request("POST", "/api/newsletter/schedule/add.json"),
}

GUARDED: dict[str, Request] = {
    "the webhooks, with what signs them": Request("GET", "/v3/user/webhooks/event/settings/all"),
    "a webhook": Request("PATCH", "/v3/user/webhooks/event/settings/7"),
    "a webhook's signature": Request("PATCH", "/v3/user/webhooks/event/settings/signed/7"),
    "no webhook any more": Request("DELETE", "/v3/user/webhooks/event/settings/7"),
    "the webhook for what comes in": Request("GET", "/v3/user/webhooks/parse/settings"),
    "what protects the account": Request("GET", "/v3/user/settings/enforced_tls"),
    "a key": Request("POST", "/v3/api_keys"),
    "a subuser": Request("POST", "/v3/subusers"),
    "the team": Request("GET", "/v3/teammates"),
    "who may sign in": Request("POST", "/v3/sso/integrations"),
    "from where the account may be used": Request("POST", "/v3/access_settings/whitelist"),
    "addresses that are never suppressed": Request("PATCH", "/v3/mail_settings/address_whitelist"),
    "to lift bounces": Request("DELETE", "/v3/suppression/bounces"),
    "to lift a global suppression": Request("DELETE", "/v3/asm/suppressions/global/ada%40example.com"),
    "to lift a suppression of a group": Request("DELETE", "/v3/asm/groups/12/suppressions/ada%40example.com"),
    "a group and its suppressions": Request("DELETE", "/v3/asm/groups/12"),
}

UNKNOWN: dict[str, Request] = {
    "a read with dots in its path": Request("GET", "/v3/../api/mail.send.json"),
    "a read outside the API": Request("GET", "/"),
    "recipients of the lists before": Request("POST", "/v3/contactdb/recipients"),
    "a list": Request("POST", "/v3/marketing/lists"),
    "a send by PUT": Request("PUT", "/v3/mail/send"),
    "a send in another case": Request("POST", "/v3/Mail/Send"),
    "a method in another case": Request("post", "/v3/mail/send"),
    "beta": Request("POST", "/v3/mail/send/beta"),
    "settings": Request("PATCH", "/v3/mail_settings/bcc"),
}

# The legacy setting enabled without an address: the copy goes to somebody whom only the account knows.
HIDDEN_COPY = send({"to": to("ada@example.com")}, mail_settings={"bcc": {"enable": True}})

UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "", Reason.UNREADABLE),
    "an array": (post([]), "", Reason.UNREADABLE),
    "no personalizations": (post(TEXT), "personalizations", Reason.NO_RECIPIENT),
    "empty personalizations": (send(), "personalizations", Reason.NO_RECIPIENT),
    "nobody": (send({"to": []}), "personalizations", Reason.NO_RECIPIENT),
    "a legacy copy alone": (
        send(mail_settings={"bcc": {"enable": True, "email": "log@example.com"}}),
        "personalizations",
        Reason.NO_RECIPIENT,
    ),
    "a legacy copy to somebody": (HIDDEN_COPY, "mail_settings.bcc", Reason.UNREADABLE),
    "personalizations as object": (post({"personalizations": {}}), "personalizations", Reason.UNREADABLE),
    "a personalization as text": (send("ada@example.com"), "personalizations.0", Reason.UNREADABLE),
    "to as object": (send({"to": {"email": "ada@example.com"}}), "personalizations.0.to", Reason.UNREADABLE),
    "to as text": (send({"to": "ada@example.com"}), "personalizations.0.to", Reason.UNREADABLE),
    "cc as null": (send({"to": to("ada@example.com"), "cc": None}), "personalizations.0.cc", Reason.UNREADABLE),
    "an address as text": (send({"to": ["ada@example.com"]}), "personalizations.0.to.0", Reason.UNREADABLE),
    "an address as list": (send({"to": [{"email": to()}]}), "personalizations.0.to.0", Reason.UNREADABLE),
    "no address": (send({"to": [{"name": "Ada"}]}), "personalizations.0.to.0", Reason.UNREADABLE),
    "an address in another case": (
        send({"to": [{"Email": "ada@example.com"}]}),
        "personalizations.0.to.0",
        Reason.UNREADABLE,
    ),
    "To": (send({"to": to("ada@example.com"), "cc ": to("bob@example.com")}), "personalizations.0", Reason.UNREADABLE),
    "an argument that takes the place of an event's address": (
        send({"to": to("ada@example.com")}, custom_args={"email": "bob@example.com"}),
        "custom_args",
        Reason.UNREADABLE,
    ),
    "an argument that takes the place of an event's word": (
        send({"to": to("ada@example.com")}, {"to": to("bob@example.com"), "custom_args": {"event": "delivered"}}),
        "personalizations.1.custom_args",
        Reason.UNREADABLE,
    ),
    "an argument that takes the place of an event's id": (
        send({"to": to("ada@example.com"), "subject": "s", "custom_args": {"sg_event_id": "1"}}),
        "personalizations.0.custom_args",
        Reason.UNREADABLE,
    ),
    "an argument that makes a message's refusal of the mailbox's end": (
        send({"to": to("ada@example.com")}, custom_args={"type": "blocked"}),
        "custom_args",
        Reason.UNREADABLE,
    ),
    "an argument that takes the place of the reason of a drop": (
        send({"to": to("ada@example.com"), "custom_args": {"reason": "Unsubscribed Address"}}),
        "personalizations.0.custom_args",
        Reason.UNREADABLE,
    ),
    "Personalizations": (
        post({**TEXT, "Personalizations": [{"to": to("ada@example.com")}]}),
        "",
        Reason.UNREADABLE,
    ),
    "to beside the personalizations": (send({"to": to("ada@example.com")}, to=to("b@x.io")), "", Reason.UNREADABLE),
    "BCC beside the personalizations": (send({"to": to("ada@example.com")}, BCC="b@x.io"), "", Reason.UNREADABLE),
    "a legacy copy in another case": (
        send({"to": to("ada@example.com")}, mail_settings={"Bcc": {"enable": True, "email": "b@x.io"}}),
        "mail_settings",
        Reason.UNREADABLE,
    ),
    "a header that names recipients": (
        send({"to": to("ada@example.com")}, headers={"BCC": "b@x.io"}),
        "headers",
        Reason.UNREADABLE,
    ),
    "an x-smtpapi header": (
        send({"to": to("ada@example.com"), "headers": {"X-SMTPAPI": '{"to":["b@x.io"]}'}}),
        "personalizations.0.headers",
        Reason.UNREADABLE,
    ),
    "x_smtpapi": (
        send({"to": to("ada@example.com")}, headers={"x_smtpapi": '{"to":["b@x.io"]}'}),
        "headers",
        Reason.UNREADABLE,
    ),
    "an x-smtpapi key": (send({"to": to("ada@example.com")}, x_smtpapi={"to": ["b@x.io"]}), "", Reason.UNREADABLE),
    "a header with a zero-width space": (
        send({"to": to("ada@example.com")}, headers={"b\u200bcc": "b@x.io"}),
        "headers",
        Reason.UNREADABLE,
    ),
    "a header with a colon": (
        send({"to": to("ada@example.com")}, headers={"Bcc: b@x.io\r\nX-A": "1"}),
        "headers",
        Reason.UNREADABLE,
    ),
    "a header without a name": (
        send({"to": to("ada@example.com"), "headers": {"": "1"}}),
        "personalizations.0.headers",
        Reason.UNREADABLE,
    ),
    "headers as list": (send({"to": to("ada@example.com")}, headers=["Bcc"]), "headers", Reason.UNREADABLE),
    "a header in a header": (
        send({"to": to("ada@example.com"), "headers": {"X-A": "1\r\nBcc: b@x.io"}}),
        "personalizations.0.headers",
        Reason.UNREADABLE,
    ),
    "a header in a list": (
        send({"to": to("ada@example.com")}, headers={"X-A": ["1", {"x": "1\nBcc: b@x.io"}]}),
        "headers",
        Reason.UNREADABLE,
    ),
    "a header in the subject": (
        send({"to": to("ada@example.com"), "subject": "Hi\nBcc: b@x.io"}),
        "personalizations.0.subject",
        Reason.UNREADABLE,
    ),
    "a NUL in the subject": (
        post({"personalizations": [{"to": to("ada@example.com")}], **TEXT, "subject": "Hi\0"}),
        "subject",
        Reason.UNREADABLE,
    ),
    "a header in a name": (
        send({"to": [{"email": "ada@example.com", "name": "Ada\rBcc: b@x.io"}]}),
        "personalizations.0.to.0.name",
        Reason.UNREADABLE,
    ),
    "a header in the sender's address": (
        send({"to": to("ada@example.com"), "from": {"email": "shop@example.com>\r\nBcc: b@x.io"}}),
        "personalizations.0.from",
        Reason.UNREADABLE,
    ),
    "a header in an address for answers": (
        send({"to": to("ada@example.com")}, reply_to_list=[{"email": "shop@example.com", "name": "\nBcc: b@x.io"}]),
        "reply_to_list",
        Reason.UNREADABLE,
    ),
    "a header in a substitution": (
        send({"to": to("ada@example.com"), "substitutions": {"-name-": "Ada\r\nBcc: b@x.io"}}),
        "personalizations.0.substitutions",
        Reason.UNREADABLE,
    ),
    "a header in a substitution's name": (
        send({"to": to("ada@example.com"), "substitutions": {"-na\nme-": "Ada"}}),
        "personalizations.0.substitutions",
        Reason.UNREADABLE,
    ),
    "to[]": (send({"to": to("ada@example.com"), "to[]": to("b@x.io")}), "personalizations.0", Reason.UNREADABLE),
    "bcc with a zero-width space": (
        send({"to": to("ada@example.com"), "bcc\u200b": to("b@x.io")}),
        "personalizations.0",
        Reason.UNREADABLE,
    ),
    "cc in full width beside the personalizations": (
        post({"personalizations": [{"to": to("ada@example.com")}], "ｃｃ": to("b@x.io")}),
        "",
        Reason.UNREADABLE,
    ),
    "send_at as text": (send({"to": to("ada@example.com")}, send_at="1900000000"), "send_at", Reason.UNREADABLE),
    "send_at as truth": (
        send({"to": to("ada@example.com"), "send_at": True}),
        "personalizations.0.send_at",
        Reason.UNREADABLE,
    ),
    "a form": (post(b"to=ada%40example.com"), "", Reason.UNREADABLE),
}

REFUSALS: dict[str, dict[str, Any]] = {
    "recipients": {
        "request": send({"to": to("ada@example.com")}),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, ("personalizations.0.to.0", "mail_settings.bcc")),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"errors":[{"message":"no","field":"personalizations.0.to.0.email","help":null},'
        b'{"message":"no","field":"mail_settings.bcc.email","help":null}]}',
    },
    "recipients, each for a reason of their own": {
        "request": send({"to": to("ada@example.com", "bob@example.com")}),
        "refusal": Refusal(
            Reason.BLACKLISTED,
            "several",
            None,
            ("personalizations.0.to.0", "personalizations.0.to.1"),
            (
                Refused(Recipient("personalizations.0.to.0", MAIL, "ada@example.com", ()), Reason.BLACKLISTED),
                Refused(Recipient("personalizations.0.to.1", MAIL, "bob@example.com", ()), Reason.OPTED_OUT),
            ),
        ),
        "status": 400,
        "content_type": "application/json",
        "body": errors(
            (told(Reason.BLACKLISTED), "personalizations.0.to.0.email"),
            (told(Reason.OPTED_OUT), "personalizations.0.to.1.email"),
        ),
    },
    "the whole send": {
        "request": send(),
        "refusal": Refusal(Reason.NO_RECIPIENT, "nobody", None, ("personalizations",)),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"errors":[{"message":"nobody","field":"personalizations","help":null}]}',
    },
    "no place": {
        "request": post(b""),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": "application/json",
        "body": b'{"errors":[{"message":"later","field":null,"help":null}]}',
    },
    "more places than anybody reads": {
        "request": send(),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, ("headers",) * 1000),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"errors":[' + b",".join([b'{"message":"no","field":"headers","help":null}'] * 100) + b"]}",
    },
}

ACCEPTED: dict[str, dict[str, Any]] = {
    "a send": {
        "request": send({"to": to("ada@example.com")}),
        "status": 202,
        "content_type": "text/plain; charset=utf-8",
        "headers": {"X-Message-Id": r"[\w-]{22}"},
        "body": r"",
    },
}
