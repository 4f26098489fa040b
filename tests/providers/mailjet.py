"""Mailjet's table of samples: requests and what must come of them, for test_conformance.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel
from policy.reasons import Reason
from proxy.formats.mailboxes import mailboxes
from proxy.providers import mailjet
from proxy.providers.base import Provider, Refusal, Request

PROVIDER: Provider = mailjet
FORMAT = "json"
SECRETS = ("dG9wOnNlY3JldA==",)
HEADERS = CIMultiDictProxy(
    CIMultiDict({"Authorization": "Basic dG9wOnNlY3JldA==", "Content-Type": "application/json; charset=UTF-8"})
)

MAIL = Channel.MAIL
V31 = "/v3.1/send"
V3 = "/v3/send"
TEXT: dict[str, Any] = {"From": {"Email": "shop@example.com", "Name": "Shop"}, "Subject": "Grüße", "TextPart": "a: b"}
TEXT_V3: dict[str, Any] = {"FromEmail": "shop@example.com", "FromName": "Shop", "Subject": "Grüße", "Text-part": "a"}
LISTS = {"To", "Cc", "CC", "Bcc", "BCC", "Mj-TemplateErrorReporting"}  # of v3, as one text
NONE = "00000000-0000-0000-0000-000000000000"


def post(body: Any, path: str = V31) -> Request:
    """Give a send with this body: bytes as they are, anything else as JSON."""
    return Request("POST", path, "", HEADERS, body if isinstance(body, bytes) else orjson.dumps(body))


def send(*messages: dict[str, Any], **more: Any) -> Request:
    """Give a send of v3.1 with these messages and further keys."""
    return post({"Messages": [{**TEXT, **message} for message in messages], **more})


def send_v3(message: dict[str, Any]) -> Request:
    """Give a send of v3 with one message."""
    return post({**TEXT_V3, **message}, V3)


def bulk_v3(*messages: dict[str, Any]) -> Request:
    """Give a send of v3 with several messages."""
    return post({"Messages": [{**TEXT_V3, **message} for message in messages]}, V3)


def to(*emails: str) -> list[dict[str, Any]]:
    """Give recipient objects."""
    return [{"Email": email} for email in emails]


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample."""
    body = orjson.loads(request.body)
    spot = body
    *steps, name, last = ["", *place.split(".")]
    for step in steps[1:]:
        spot = spot[int(step) if isinstance(spot, list) else step]
    if isinstance(spot, dict) and isinstance(spot.get(name), str):
        mailbox = mailboxes(spot[name])[int(last)]
        spot[name] = spot[name][: mailbox.start] + address + spot[name][mailbox.end :]
    else:
        spot = spot[int(name) if isinstance(spot, list) else name] if name else spot
        spot = spot[int(last) if isinstance(spot, list) else last]
        spot["Email"] = address
    return replace(request, body=orjson.dumps(body))


def pieces(request: Request) -> Iterator[str]:
    """Take a send apart into all that it says; of v3 each address of a text is a piece of its own."""
    return _pieces(orjson.loads(request.body), "", request.path == V3)


def _pieces(node: Any, path: str, texts: bool) -> Iterator[str]:  # noqa: FBT001 (of one call)
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _pieces(value, f"{path}.{name}", texts)
    elif isinstance(node, list):
        for value in node:
            yield from _pieces(value, f"{path}.*", texts)
    elif texts and path.rpartition(".")[2] in LISTS and isinstance(node, str):
        yield from (f"{path} = {node[each.start : each.end]!r}" for each in mailboxes(node))
    else:
        yield f"{path} = {node!r}"


def error(message: str, code: str, *related: str, status: int = 400) -> dict[str, Any]:
    """Give an error as the gate writes it."""
    told = {"ErrorIdentifier": NONE, "ErrorCode": code, "StatusCode": status, "ErrorMessage": message}
    return {**told, "ErrorRelatedTo": list(related)} if related else told


def failed(*errors: dict[str, Any]) -> dict[str, Any]:
    """Give a message that was not taken."""
    return {"Status": "error", "Errors": list(errors)}


def taken(*emails: str) -> dict[str, Any]:
    """Give a message that Mailjet took."""
    return {"Status": "success", "CustomID": "", "To": [{"Email": email, "MessageID": 1} for email in emails]}


def complaint(*related: str) -> dict[str, Any]:
    """Give an error of Mailjet's own."""
    return {"ErrorCode": "mj-0013", "StatusCode": 400, "ErrorMessage": "invalid", "ErrorRelatedTo": list(related)}


OPTED_OUT = "sendgate: no message is sent to this recipient (opted_out)"

SENDS: dict[str, dict[str, Any]] = {
    "one recipient": {
        "request": send({"To": [{"Email": "Ada@Example.com", "Name": "Ada, Countess of Lovelace"}]}),
        "recipients": [("Messages.0.To.0", MAIL, "ada@example.com")],
        "markers": {"From.Email": ("shop@example.com",)},
    },
    "To, Cc and Bcc": {
        "request": send(
            {
                "To": to("ada@example.com", "bob@example.com"),
                "Cc": to("cy@example.com"),
                "Bcc": to("di@x.io", "ed@x.io"),
            }
        ),
        "recipients": [
            ("Messages.0.To.0", MAIL, "ada@example.com"),
            ("Messages.0.To.1", MAIL, "bob@example.com"),
            ("Messages.0.Cc.0", MAIL, "cy@example.com"),
            ("Messages.0.Bcc.0", MAIL, "di@x.io"),
            ("Messages.0.Bcc.1", MAIL, "ed@x.io"),
        ],
        "markers": {"From.Email": ("shop@example.com",)},
        "removal": {
            "places": {"Messages.0.To.0", "Messages.0.Cc.0"},
            "body": send({"To": to("bob@example.com"), "Bcc": to("di@x.io", "ed@x.io")}).body,
        },
        "restored": [
            {
                "places": {"Messages.0.To.0", "Messages.0.Bcc.0"},
                "answer": orjson.dumps({"Messages": [failed(complaint("To[0].Email", "Bcc[0].Email", "Subject"))]}),
                "status": 400,
                "told": orjson.dumps({"Messages": [failed(complaint("To[1].Email", "Bcc[1].Email", "Subject"))]}),
            },
            {
                "places": {"Messages.0.To.0"},
                "answer": orjson.dumps(complaint("Messages[0].To[0].Email", "Messages[7].To[0]")),
                "status": 400,
                "told": orjson.dumps(complaint("Messages[0].To[1].Email", "Messages[7].To[0]")),
            },
        ],
    },
    "messages": {
        "request": send(
            {"To": to("ada@example.com"), "Cc": to("cy@example.com")},
            {"To": to("bob@example.com", "di@example.com")},
            {"To": to("ed@example.com"), "Cc": None},
            SandboxMode=True,
            AdvanceErrorHandling=True,
        ),
        "recipients": [
            ("Messages.0.To.0", MAIL, "ada@example.com"),
            ("Messages.0.Cc.0", MAIL, "cy@example.com"),
            ("Messages.1.To.0", MAIL, "bob@example.com"),
            ("Messages.1.To.1", MAIL, "di@example.com"),
            ("Messages.2.To.0", MAIL, "ed@example.com"),
        ],
        "markers": {"From.Email": ("shop@example.com",)},
        "removal": {
            "places": {"Messages.0.To.0", "Messages.1.To.0"},
            "gone": {"Messages.0.To.0", "Messages.0.Cc.0", "Messages.1.To.0"},
            "body": send(
                {"To": to("di@example.com")},
                {"To": to("ed@example.com"), "Cc": None},
                SandboxMode=True,
                AdvanceErrorHandling=True,
            ).body,
        },
        "taken": [
            (orjson.dumps({"Messages": [failed(), taken("b@x.io"), failed()]}), {"Messages.1.To.0", "Messages.1.To.1"}),
            (orjson.dumps({"Messages": [failed(), failed(), failed()]}), set()),
            (orjson.dumps({"Messages": [taken("ada@example.com"), failed()]}), None),
            (orjson.dumps({"Messages": [{}, {}, {}]}), None),
            (orjson.dumps(error("Type mismatch", "mj-0002")), set()),
        ],
        "restored": [
            {
                "places": {"Messages.0.To.0", "Messages.1.To.0"},
                "answer": orjson.dumps({"Messages": [failed(complaint("To[0].Email")), taken("ed@example.com")]}),
                "status": 400,
                "told": orjson.dumps(
                    {
                        "Messages": [
                            failed(
                                error(OPTED_OUT, "mj-0013", "To[0].Email"), error(OPTED_OUT, "mj-0013", "Cc[0].Email")
                            ),
                            failed(complaint("To[1].Email")),
                            taken("ed@example.com"),
                        ]
                    }
                ),
            },
            {
                "places": {"Messages.1.To.0", "Messages.1.To.1"},
                "answer": orjson.dumps({"Messages": [taken("ada@example.com"), taken("ed@example.com")]}),
                "told": orjson.dumps(
                    {
                        "Messages": [
                            taken("ada@example.com"),
                            failed(
                                error(OPTED_OUT, "mj-0013", "To[0].Email"), error(OPTED_OUT, "mj-0013", "To[1].Email")
                            ),
                            taken("ed@example.com"),
                        ]
                    }
                ),
            },
            {
                "places": {"Messages.0.To.0"},
                "answer": orjson.dumps({"Messages": [taken("bob@example.com")]}),
                "told": orjson.dumps({"Messages": [taken("bob@example.com")]}),
            },
            {
                "places": {"Messages.0.To.0"},
                "answer": orjson.dumps(complaint("Messages[1].To[0]")),
                "status": 400,
                "told": orjson.dumps(complaint("Messages[2].To[0]")),
            },
        ],
    },
    "Globals": {
        "request": send(
            {"To": to("ada@example.com")},
            {"To": to("bob@example.com")},
            Globals={
                "Cc": to("cy@example.com", "di@example.com"),
                "Bcc": to("ed@example.com"),
                "Headers": {"X-A": "1"},
            },
        ),
        "recipients": [
            ("Messages.0.To.0", MAIL, "ada@example.com"),
            ("Messages.1.To.0", MAIL, "bob@example.com"),
            ("Globals.Cc.0", MAIL, "cy@example.com"),
            ("Globals.Cc.1", MAIL, "di@example.com"),
            ("Globals.Bcc.0", MAIL, "ed@example.com"),
        ],
        "markers": {"From.Email": ("shop@example.com",)},
        "removal": {
            "places": {"Globals.Cc.0", "Globals.Bcc.0", "Messages.0.To.0"},
            "body": send(
                {"To": to("bob@example.com")}, Globals={"Cc": to("di@example.com"), "Headers": {"X-A": "1"}}
            ).body,
        },
        "restored": [
            {
                "places": {"Globals.Cc.0", "Messages.0.To.0"},
                "answer": orjson.dumps({"Messages": [taken("bob@example.com")]}),
                "told": orjson.dumps(
                    {
                        "Messages": [
                            failed(
                                error(OPTED_OUT, "mj-0013", "To[0].Email"),
                                error(OPTED_OUT, "mj-0013", "Globals.Cc[0].Email"),
                            ),
                            taken("bob@example.com"),
                        ]
                    }
                ),
            },
            {
                "places": {"Globals.Cc.0"},
                "answer": orjson.dumps(complaint("Globals.Cc[0].Email")),
                "status": 400,
                "told": orjson.dumps(complaint("Globals.Cc[1].Email")),
            },
        ],
    },
    "To of Globals": {
        "request": send({"Subject": "A"}, {"Subject": "B"}, Globals={"To": to("b@x.io", "c@x.io")}),
        "recipients": [("Globals.To.0", MAIL, "b@x.io"), ("Globals.To.1", MAIL, "c@x.io")],
        "markers": {"From.Email": ("shop@example.com",)},
        "removal": {
            "places": {"Globals.To.0"},
            "body": send({"Subject": "A"}, {"Subject": "B"}, Globals={"To": to("c@x.io")}).body,
        },
    },
    "reports of errors": {
        "request": send(
            {"To": to("ada@example.com"), "TemplateErrorReporting": {"Email": "dev@example.com", "Name": "Dev"}},
            {"To": to("bob@example.com")},
            Globals={"TemplateErrorReporting": {"Email": "ops@example.com"}, "Headers": None},
        ),
        "recipients": [
            ("Messages.0.To.0", MAIL, "ada@example.com"),
            ("Messages.0.TemplateErrorReporting", MAIL, "dev@example.com"),
            ("Messages.1.To.0", MAIL, "bob@example.com"),
            ("Globals.TemplateErrorReporting", MAIL, "ops@example.com"),
        ],
        "markers": {"From.Email": ("shop@example.com",)},
        "removal": {
            "places": {"Messages.0.TemplateErrorReporting", "Globals.TemplateErrorReporting"},
            "body": send({"To": to("ada@example.com")}, {"To": to("bob@example.com")}, Globals={"Headers": None}).body,
        },
    },
    "markers": {
        "request": send(
            {"To": to("ada@example.com"), "CustomID": "7", "TemplateID": 12, "CustomCampaign": "spring"},
            {"To": to("bob@example.com"), "CustomID": "8", "TemplateID": 12},
            Globals={"CustomCampaign": "spring", "MonitoringCategory": "receipt"},
        ),
        "recipients": [("Messages.0.To.0", MAIL, "ada@example.com"), ("Messages.1.To.0", MAIL, "bob@example.com")],
        "markers": {
            "CustomCampaign": ("spring",),
            "MonitoringCategory": ("receipt",),
            "TemplateID": ("12",),
            "From.Email": ("shop@example.com",),
        },
        "campaign": "spring",
    },
    "a contact list": {
        "request": send({"To": to("a1b2@Lists.Mailjet.com", "ada@example.com")}),
        "recipients": [
            ("Messages.0.To.0", MAIL, "a1b2@lists.mailjet.com"),
            ("Messages.0.To.1", MAIL, "ada@example.com"),
        ],
        "markers": {"From.Email": ("shop@example.com",)},
        "hidden": ("Messages.0.To.0",),
    },
    "addresses without a key": {
        "request": send({"To": to("Ada <ada@example.com>", "", "a@x.io,b@x.io", "bob@example.com")}),
        "recipients": [
            ("Messages.0.To.0", MAIL, None),
            ("Messages.0.To.1", MAIL, None),
            ("Messages.0.To.2", MAIL, None),
            ("Messages.0.To.3", MAIL, "bob@example.com"),
        ],
        "markers": {"From.Email": ("shop@example.com",)},
    },
    "spelling that must survive": {
        "request": post(
            b'{ "Messages": [ {"Variables": {"price": 1.10, "id": 123456789012345678901234567890}, "To": [{"Email":'
            b' "\\u0061da@example.com"}, {"Email":"bob@example.com"}], "Cc": [] } ] }\n'
        ),
        "recipients": [
            ("Messages.0.To.0", MAIL, "ada@example.com"),
            ("Messages.0.To.1", MAIL, "bob@example.com"),
        ],
        "removal": {
            "places": {"Messages.0.To.0"},
            "body": b'{"Messages":[{"Variables":{"price":1.10,"id":123456789012345678901234567890},"To":[{"Email":'
            b'"bob@example.com"}],"Cc":[]}]}',
        },
    },
    "a trailing slash": {
        "request": replace(send({"To": to("ada@example.com")}), path="/v3.1/send/"),
        "recipients": [("Messages.0.To.0", MAIL, "ada@example.com")],
        "markers": {"From.Email": ("shop@example.com",)},
    },
    "v3: Recipients": {
        "request": send_v3(
            {
                "Recipients": [{"Email": "ada@example.com", "Name": "Ada", "Vars": {"n": 1}}, {"Email": "bob@x.io"}],
                "Mj-campaign": "spring",
                "Mj-CustomID": "7",
                "Mj-TemplateID": "12",
                "Mj-MonitoringCategory": "receipt",
                "Vars": {"day": "two\nlines"},
            }
        ),
        "recipients": [("Recipients.0", MAIL, "ada@example.com"), ("Recipients.1", MAIL, "bob@x.io")],
        "markers": {
            "CustomCampaign": ("spring",),
            "CustomID": ("7",),
            "TemplateID": ("12",),
            "MonitoringCategory": ("receipt",),
            "From.Email": ("shop@example.com",),
        },
        "campaign": "spring",
    },
    "v3: a recipient goes": {
        "request": send_v3({"Recipients": [{"Email": "ada@example.com", "Vars": {"n": 1}}, {"Email": "bob@x.io"}]}),
        "recipients": [("Recipients.0", MAIL, "ada@example.com"), ("Recipients.1", MAIL, "bob@x.io")],
        "markers": {"From.Email": ("shop@example.com",)},
        "removal": {"places": {"Recipients.0"}, "body": send_v3({"Recipients": to("bob@x.io")}).body},
    },
    "v3: texts": {
        "request": send_v3(
            {
                "To": '"Ada, Countess" <ada@example.com>, bob@example.com,Cy <cy@example.com>',
                "CC": "di@example.com",
                "Bcc": "<ed@example.com>",
            }
        ),
        "recipients": [
            ("To.0", MAIL, "ada@example.com"),
            ("To.1", MAIL, "bob@example.com"),
            ("To.2", MAIL, "cy@example.com"),
            ("CC.0", MAIL, "di@example.com"),
            ("Bcc.0", MAIL, "ed@example.com"),
        ],
        "markers": {"From.Email": ("shop@example.com",)},
        "removal": {
            "places": {"To.1", "CC.0"},
            "body": send_v3(
                {"To": '"Ada, Countess" <ada@example.com>,Cy <cy@example.com>', "Bcc": "<ed@example.com>"}
            ).body,
        },
    },
    "v3: messages": {
        "request": bulk_v3(
            {"Recipients": to("ada@example.com")},
            {"To": "bob@example.com", "Cc": "cy@example.com", "Mj-TemplateErrorReporting": "Dev <dev@example.com>"},
            {"Recipients": to("di@example.com", "ed@example.com"), "Cc": None},
        ),
        "recipients": [
            ("Messages.0.Recipients.0", MAIL, "ada@example.com"),
            ("Messages.1.To.0", MAIL, "bob@example.com"),
            ("Messages.1.Cc.0", MAIL, "cy@example.com"),
            ("Messages.1.Mj-TemplateErrorReporting.0", MAIL, "dev@example.com"),
            ("Messages.2.Recipients.0", MAIL, "di@example.com"),
            ("Messages.2.Recipients.1", MAIL, "ed@example.com"),
        ],
        "markers": {"From.Email": ("shop@example.com",)},
        "removal": {
            "places": {"Messages.1.To.0", "Messages.2.Recipients.0"},
            "gone": {
                "Messages.1.To.0",
                "Messages.1.Cc.0",
                "Messages.1.Mj-TemplateErrorReporting.0",
                "Messages.2.Recipients.0",
            },
            "body": bulk_v3(
                {"Recipients": to("ada@example.com")}, {"Recipients": to("ed@example.com"), "Cc": None}
            ).body,
        },
    },
    "v3: a contact list": {
        "request": send_v3({"To": "News <a1b2@lists.mailjet.com>"}),
        "recipients": [("To.0", MAIL, "a1b2@lists.mailjet.com")],
        "markers": {"From.Email": ("shop@example.com",)},
        "hidden": ("To.0",),
    },
}

HARMLESS: dict[str, Request] = {
    "to read messages": Request("GET", "/v3/REST/message/1"),
    "to read data": Request("GET", "/v3/DATA/batchjob/1/CSVError/text:csv"),
    "to read a template": Request("GET", "/v1/REST/templates/1/contents"),
    "a template": Request("POST", "/v3/REST/template"),
    "a template's text": Request("POST", "/v3/REST/template/1/detailcontent"),
    "to cancel a scheduled campaign": Request("DELETE", "/v3/REST/campaigndraft/1/schedule"),
    "to delete a list": Request("DELETE", "/v3/REST/contactslist/1"),
}

HIDDEN: dict[str, Request] = {
    "a campaign": Request("POST", "/v3/REST/campaigndraft/1/send"),
    "a scheduled campaign": Request("POST", "/v3/REST/campaigndraft/1/schedule"),
    "another time for a campaign": Request("PUT", "/v3/REST/campaigndraft/1/schedule"),
    "a test of a campaign": Request("POST", "/v3/REST/campaigndraft/1/test"),
    "a newsletter": Request("POST", "/v3/REST/newsletter/1/send"),
    "a scheduled newsletter": Request("POST", "/v3/REST/newsletter/1/schedule"),
    "a test of a newsletter": Request("POST", "/v3/REST/newsletter/1/test"),
}

GUARDED: dict[str, Request] = {
    "the webhooks, with their passwords": Request("GET", "/v3/REST/eventcallbackurl"),
    "a webhook": Request("POST", "/v3/REST/eventcallbackurl"),
    "a webhook elsewhere": Request("PUT", "/v3/REST/eventcallbackurl/1"),
    "no webhook any more": Request("DELETE", "/v3/REST/eventcallbackurl/1"),
    "a parse route": Request("POST", "/v3/REST/parseroute"),
    "the account's keys": Request("GET", "/v3/REST/apikey"),
    "a key that is gone": Request("DELETE", "/v3/REST/apikey/1"),
    "tokens": Request("POST", "/v3/REST/apitoken"),
    "who uses the account": Request("PUT", "/v3/REST/user/1"),
    "to leave a list, unsubscribed or not": Request("DELETE", "/v3/REST/listrecipient/1"),
}

UNKNOWN: dict[str, Request] = {
    "the form of old": Request("POST", "/v3/send/message"),
    "a send by PUT": Request("PUT", V31),
    "a send in another case": Request("POST", "/v3.1/Send"),
    "another version": Request("POST", "/v3.2/send"),
    "an API that sent by GET": Request("GET", "/0.1/sendemail", "to=ann@example.com"),
    "a draft": Request("POST", "/v3/REST/campaigndraft"),
    "a draft's status": Request("PUT", "/v3/REST/campaigndraft/1"),
    "a contact on a list": Request("POST", "/v3/REST/contactslist/1/managecontact"),
    "a contact": Request("POST", "/v3/REST/contact"),
    "a sender to be confirmed": Request("POST", "/v3/REST/sender"),
    "SMS": Request("POST", "/v4/sms-send"),
    "a read with dots in its path": Request("GET", "/v3/../0.1/sendemail"),
}

ADA = {"To": to("ada@example.com")}

UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "", Reason.UNREADABLE),
    "an array": (post([]), "", Reason.UNREADABLE),
    "no messages": (post({}), "Messages", Reason.NO_RECIPIENT),
    "nobody": (send({"To": []}), "Messages", Reason.NO_RECIPIENT),
    "somebody for errors alone": (
        send({"TemplateErrorReporting": {"Email": "dev@example.com"}}),
        "Messages",
        Reason.NO_RECIPIENT,
    ),
    "Globals alone": (post({"Messages": [], "Globals": ADA}), "Messages", Reason.NO_RECIPIENT),
    "messages as object": (post({"Messages": ADA}), "Messages", Reason.UNREADABLE),
    "a message as text": (post({"Messages": ["ada@example.com"]}), "Messages.0", Reason.UNREADABLE),
    "To as text": (send({"To": "ada@example.com"}), "Messages.0.To", Reason.UNREADABLE),
    "an address as text": (send({"To": ["ada@example.com"]}), "Messages.0.To.0", Reason.UNREADABLE),
    "no address": (send({"To": [{"Name": "Ada"}]}), "Messages.0.To.0.Email", Reason.UNREADABLE),
    "an address in another case": (send({"To": [{"email": "a@x.io"}]}), "Messages.0.To.0", Reason.UNREADABLE),
    "to": (send({**ADA, "cc": to("b@x.io")}), "Messages.0", Reason.UNREADABLE),
    "Bcc[]": (send({**ADA, "Bcc[]": to("b@x.io")}), "Messages.0", Reason.UNREADABLE),
    "Recipients of the other version": (send({**ADA, "Recipients": to("b@x.io")}), "Messages.0", Reason.UNREADABLE),
    "messages in a message": (send({**ADA, "Messages": [ADA]}), "Messages.0", Reason.UNREADABLE),
    "To beside the messages": (send(ADA, To=to("b@x.io")), "", Reason.UNREADABLE),
    "globals": (send(ADA, globals={"Bcc": to("b@x.io")}), "", Reason.UNREADABLE),
    "Globals as list": (send(ADA, Globals=[]), "Globals", Reason.UNREADABLE),
    "a list that Globals has too": (
        send({**ADA, "Cc": to("b@x.io")}, Globals={"Cc": to("c@x.io")}),
        "Messages.0.Cc",
        Reason.UNREADABLE,
    ),
    "somebody for errors as text": (
        send({**ADA, "TemplateErrorReporting": "dev@example.com"}),
        "Messages.0.TemplateErrorReporting",
        Reason.UNREADABLE,
    ),
    "a header that names recipients": (
        send({**ADA, "Headers": {"bcc": "b@x.io"}}),
        "Messages.0.Headers",
        Reason.UNREADABLE,
    ),
    "a header that names somebody for errors": (
        send(ADA, Globals={"Headers": {"X-MJ-TemplateErrorReporting": "b@x.io"}}),
        "Globals.Headers",
        Reason.UNREADABLE,
    ),
    "headers as list": (send({**ADA, "Headers": ["Bcc"]}), "Messages.0.Headers", Reason.UNREADABLE),
    "a header without a name": (send({**ADA, "Headers": {"": "1"}}), "Messages.0.Headers", Reason.UNREADABLE),
    "a header in a header": (
        send({**ADA, "Headers": {"X-A": "1\r\nBcc: b@x.io"}}),
        "Messages.0.Headers",
        Reason.UNREADABLE,
    ),
    "a header in the subject": (send({**ADA, "Subject": "Hi\nBcc: b@x.io"}), "Messages.0.Subject", Reason.UNREADABLE),
    "a header in the sender's name": (
        send({**ADA, "From": {"Email": "shop@example.com", "Name": "\rBcc: b@x.io"}}),
        "Messages.0.From",
        Reason.UNREADABLE,
    ),
    "a header in a name": (
        send({"To": [{"Email": "ada@example.com", "Name": "Ada\rBcc: b@x.io"}]}),
        "Messages.0.To.0.Name",
        Reason.UNREADABLE,
    ),
    "a header in an id": (send({**ADA, "CustomID": "1\nBcc: b@x.io"}), "Messages.0.CustomID", Reason.UNREADABLE),
    "a form": (post(b"To=ada%40example.com"), "", Reason.UNREADABLE),
    "v3: nobody": (send_v3({"To": ""}), "", Reason.NO_RECIPIENT),
    "v3: no body": (post({}, V3), "", Reason.NO_RECIPIENT),
    "v3: no messages": (post({"Messages": []}, V3), "Messages", Reason.NO_RECIPIENT),
    "v3: Recipients beside To": (
        send_v3({"Recipients": to("a@x.io"), "To": "ada@example.com"}),
        "Recipients",
        Reason.UNREADABLE,
    ),
    "v3: a message beside the messages": (
        post({"Messages": [{"To": "ada@example.com"}], "Cc": "b@x.io"}, V3),
        "Messages",
        Reason.UNREADABLE,
    ),
    "v3: To as list": (send_v3({"To": to("ada@example.com")}), "To", Reason.UNREADABLE),
    "v3: Recipients as text": (send_v3({"Recipients": "ada@example.com"}), "Recipients", Reason.UNREADABLE),
    "v3: semicolons": (send_v3({"To": "ada@example.com; bob@example.com"}), "To", Reason.UNREADABLE),
    "v3: a line break": (send_v3({"To": "ada@example.com\r\nBcc: b@x.io"}), "To", Reason.UNREADABLE),
    "v3: bcc": (send_v3({"To": "ada@example.com", "bcc": "b@x.io"}), "", Reason.UNREADABLE),
    "v3: a header in a name": (
        send_v3({"To": "ada@example.com", "FromName": "\nBcc: b@x.io"}),
        "FromName",
        Reason.UNREADABLE,
    ),
}

REFUSALS: dict[str, dict[str, Any]] = {
    "recipients": {
        "request": send(ADA),
        "refusal": Refusal(Reason.UNREADABLE, "no", None, ("Messages.0.To.0", "Globals.TemplateErrorReporting")),
        "status": 400,
        "content_type": "application/json",
        "body": orjson.dumps(error("no", "mj-0002", "Messages[0].To[0].Email", "Globals.TemplateErrorReporting.Email")),
    },
    "no place": {
        "request": post(b""),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": "application/json",
        "body": orjson.dumps(error("later", "mj-0001", status=503)),
    },
    "v3": {
        "request": send_v3({"To": "ada@example.com"}),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, ("To.0",)),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"ErrorInfo":"","ErrorMessage":"no","StatusCode":400}',
    },
    "another request": {
        "request": Request("POST", "/v3/REST/sender"),
        "refusal": Refusal(Reason.UNKNOWN_REQUEST, "no"),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"ErrorInfo":"","ErrorMessage":"no","StatusCode":400}',
    },
}


def person(email: str) -> str:
    """Give the pattern of what Mailjet tells of somebody whom it sends to."""
    told = rf'"Email":"{email}","MessageUUID":"[0-9a-f-]{{36}}","MessageID":\d+,"MessageHref":"https://[^"]+/\d+"'
    return rf"\{{{told}\}}"


TAKEN = rf'\{{"Status":"success","CustomID":"7","To":\[{person("Ada@example.com")}\],"Cc":\[{person("b@x.io")}\]'

ACCEPTED: dict[str, dict[str, Any]] = {
    "a send": {
        "request": send({"To": to("Ada@example.com"), "CustomID": "7"}, Globals={"Cc": to("b@x.io")}),
        "status": 200,
        "content_type": "application/json",
        "body": rf'\{{"Messages":\[{TAKEN},"Bcc":\[\]\}}\]\}}',
    },
    "v3": {
        "request": send_v3({"To": "Ada <ada@example.com>, b@x.io", "Mj-TemplateErrorReporting": "dev@example.com"}),
        "status": 200,
        "content_type": "application/json",
        "body": rf'\{{"Sent":\[{person("ada@example.com")},{person("b@x.io")}\]\}}',
    },
}
