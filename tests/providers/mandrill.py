"""Mandrill's table of samples: requests and what must come of them, for test_conformance.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel
from policy.reasons import Reason
from proxy.formats import mime
from proxy.formats.mailboxes import mailboxes
from proxy.providers import mandrill
from proxy.providers.base import Provider, Refusal, Request

PROVIDER: Provider = mandrill
FORMAT = "json"
SECRETS = ("md-top-secret",)
KEY = {"key": "md-top-secret"}
HEADERS = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json; charset=UTF-8"}))

MAIL = Channel.MAIL
SEND = "/api/1.3/messages/send.json"
RAW = "/api/1.0/messages/send-raw.json"
TEXT: dict[str, Any] = {"from_email": "shop@example.com", "from_name": "Shop", "subject": "Grüße", "text": "a: b"}
VISIBLE = ("to", "cc", "bcc")


def post(body: Any, path: str = SEND) -> Request:
    """Give a call with this body: bytes as they are, anything else as JSON."""
    return Request("POST", path, "", HEADERS, body if isinstance(body, bytes) else orjson.dumps(body))


def send(message: dict[str, Any], path: str = SEND, **more: Any) -> Request:
    """Give a send of this message and further keys."""
    return post({**KEY, "message": {**TEXT, **message}, **more}, path)


def raw(*headers: str, path: str = RAW, **more: Any) -> Request:
    """Give a send of a raw message with these headers and further keys."""
    lines = ["From: Shop <shop@example.com>", *headers, "Subject: Hi", "", "To: nobody@x.io"]
    return post({"raw_message": "\r\n".join(lines), **more, **KEY}, path)


def to(*emails: str, **more: Any) -> list[dict[str, Any]]:
    """Give recipient objects."""
    return [{"email": email, **more} for email in emails]


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample."""
    body = orjson.loads(request.body)
    match place.split("."):
        case ["message", "to", number]:
            body["message"]["to"][int(number)]["email"] = address
        case ["message", name]:
            body["message"][name] = address
        case ["to", number]:
            body["to"][int(number)] = address
        case ["raw_message", name, *numbers]:
            mail = mime.read(body["raw_message"].encode())
            value = mail.value(name) or ""
            spot = mailboxes(value)[int(numbers[0]) if numbers else 0]
            left = mail.rewritten({name: value[: spot.start] + address + value[spot.end :]})
            body["raw_message"] = left.decode()
    return replace(request, body=orjson.dumps(body))


def pieces(request: Request) -> Iterator[str]:
    """Take a send apart into all that it says; of a raw message each header, and each address of those that list."""
    return _pieces(orjson.loads(request.body), "")


def _pieces(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _pieces(value, f"{path}.{name}")
    elif isinstance(node, list):
        for value in node:
            yield from _pieces(value, f"{path}.*")
    elif path == ".raw_message":
        mail = mime.read(node.encode())
        yield node.partition("\r\n\r\n")[2]
        for header in mail.headers:
            shown = mailboxes(header.value) if header.name in VISIBLE and ":" not in header.value else ()
            yield from (f"{header.name}: {header.value[each.start : each.end]}" for each in shown)
            yield from () if shown else (f"{header.name}: {header.value}",)
    else:
        yield f"{path} = {node!r}"


def result(email: str, status: str = "sent", **more: Any) -> dict[str, Any]:
    """Give what Mandrill says of an address."""
    return {"email": email, "status": status, "_id": "0" * 32, "reject_reason": None, **more}


def rejected(request: Request, place: str, email: str, reason: str = "unsub") -> dict[str, Any]:
    """Give what the gate says of an address that it refused."""
    made = sha256(request.body + b"\0" + place.encode()).hexdigest()[:32]
    return {"email": email, "status": "rejected", "_id": made, "reject_reason": reason, "queued_reason": None}


def answer(*results: dict[str, Any]) -> bytes:
    """Give an answer."""
    return orjson.dumps(results)


KINDS = send(
    {
        "to": [
            {"email": "Ada@Example.com", "name": "Ada, Countess of Lovelace", "type": "to"},
            {"email": "bob@example.com", "name": None},
            {"email": "cy@example.com", "type": "cc"},
            {"email": "di@x.io", "type": "bcc"},
        ],
        "bcc_address": "log@example.com",
        "preserve_recipients": True,
    }
)
HEADERS_OF_A_RAW = ("To: Ada <ada@example.com>, bob@example.com", "Cc: Cy <cy@example.com>", "Bcc: di@x.io")
FROM_HEADERS = raw(*HEADERS_OF_A_RAW, "X-MC-BccAddress: log@example.com")
LISTED = raw(
    "To: Ada <ada@example.com>, Bob <bob@example.com>",
    "Cc: undisclosed-recipients:;",
    'X-MC-MergeVars: {"_rcpt": "ada@example.com", "n": 1}',
    'X-MC-MergeVars: {"_rcpt": "bob@example.com", "n": 2}',
    "X-MC-MergeVars: none",
    to=["ADA@example.com", "Bob <bob@example.com>"],
)

SENDS: dict[str, dict[str, Any]] = {
    "one recipient": {
        "request": send({"to": to("Ada@Example.com", name="Ada")}),
        "recipients": [("message.to.0", MAIL, "ada@example.com")],
    },
    "to, cc, bcc and a hidden copy": {
        "request": KINDS,
        "recipients": [
            ("message.to.0", MAIL, "ada@example.com"),
            ("message.to.1", MAIL, "bob@example.com"),
            ("message.to.2", MAIL, "cy@example.com"),
            ("message.to.3", MAIL, "di@x.io"),
            ("message.bcc_address", MAIL, "log@example.com"),
        ],
        "removal": {
            "places": {"message.to.0", "message.to.2", "message.bcc_address"},
            "body": send(
                {
                    "to": [{"email": "bob@example.com", "name": None}, {"email": "di@x.io", "type": "bcc"}],
                    "preserve_recipients": True,
                }
            ).body,
        },
        "restored": [
            {
                "places": {"message.to.0", "message.to.2", "message.bcc_address"},
                "answer": answer(result("bob@example.com"), result("di@x.io", "queued")),
                "told": answer(
                    rejected(KINDS, "message.to.0", "Ada@Example.com"),
                    result("bob@example.com"),
                    rejected(KINDS, "message.to.2", "cy@example.com"),
                    result("di@x.io", "queued"),
                ),
            },
            {
                "places": {"message.to.2"},
                "answer": answer(result("ada@example.com")),
                "told": answer(result("ada@example.com"), rejected(KINDS, "message.to.2", "cy@example.com")),
            },
            {
                "places": {"message.to.2"},
                "answer": b'{"status":"error","code":-1,"name":"Invalid_Key","message":"Invalid API key"}',
                "status": 500,
                "told": b'{"status":"error","code":-1,"name":"Invalid_Key","message":"Invalid API key"}',
            },
        ],
    },
    "what is said of somebody goes too": {
        "request": send(
            {
                "to": to("ada@example.com", "bob@example.com", "bob@example.com"),
                "global_merge_vars": [{"name": "a", "content": "b"}],
                "merge_vars": [{"rcpt": "ADA@example.com", "vars": []}, {"rcpt": "bob@example.com", "vars": []}, "x"],
                "recipient_metadata": [
                    {"rcpt": "ada@example.com", "values": {"id": 1, "kind": "x"}},
                    {"rcpt": "bob@example.com", "values": {"id": 2}},
                    {"rcpt": None},
                ],
                "metadata": {"kind": "receipt", "site": "www.example.com"},
            },
        ),
        "recipients": [
            ("message.to.0", MAIL, "ada@example.com"),
            ("message.to.1", MAIL, "bob@example.com"),
            ("message.to.2", MAIL, "bob@example.com"),
        ],
        "markers": {"metadata.site": ("www.example.com",)},
        "removal": {
            "places": {"message.to.0", "message.to.1"},
            "body": send(
                {
                    "to": to("bob@example.com"),
                    "global_merge_vars": [{"name": "a", "content": "b"}],
                    "merge_vars": [{"rcpt": "bob@example.com", "vars": []}, "x"],
                    "recipient_metadata": [{"rcpt": "bob@example.com", "values": {"id": 2}}, {"rcpt": None}],
                    "metadata": {"kind": "receipt", "site": "www.example.com"},
                }
            ).body,
        },
    },
    "markers": {
        "request": send(
            {
                "to": to("ada@example.com"),
                "tags": ["receipt", "spring", ""],
                "subaccount": "shop-1",
                "metadata": {"campaign": "spring", "n": 7, "deep": {"x": 1}},
                "headers": {"X-A": "1"},
            },
            path="/api/1.0/messages/send-template",
            template_name="receipt",
            template_content=[{"name": "a", "content": "two\nlines"}],
            ip_pool="fast",
            **{"async": True},
        ),
        "recipients": [("message.to.0", MAIL, "ada@example.com")],
        "markers": {
            "tags": ("receipt", "spring"),
            "subaccount": ("shop-1",),
            "ip_pool": ("fast",),
            "template_name": ("receipt",),
            "metadata.campaign": ("spring",),
            "metadata.n": ("7",),
        },
        "campaign": "spring",
    },
    "a schedule, in YAML": {
        "request": send(
            {"to": to("ada@example.com", "bob@example.com")},
            path="/api/1.4/messages/send-mc-template.yaml",
            send_at="2027-01-15 08:00:00",
        ),
        "recipients": [
            ("message.to.0", MAIL, "ada@example.com", 1800000000),
            ("message.to.1", MAIL, "bob@example.com", 1800000000),
        ],
    },
    "in XML": {
        "request": send(
            {"to": to("ada@example.com"), "headers": None}, path="/api/1.0/messages/send.xml", send_at=None
        ),
        "recipients": [("message.to.0", MAIL, "ada@example.com")],
    },
    "for PHP": {
        "request": send({"to": to("ada@example.com"), "bcc_address": ""}, path="/api/1.0/messages/send.php"),
        "recipients": [("message.to.0", MAIL, "ada@example.com")],
    },
    "copies without anybody addressed": {
        "request": send({"to": to("ada@example.com", type="bcc") + to("bob@example.com", type="cc")}),
        "recipients": [("message.to.0", MAIL, "ada@example.com"), ("message.to.1", MAIL, "bob@example.com")],
    },
    "addresses without a key": {
        "request": send({"to": to("Ada <ada@example.com>", "", "a@x.io,b@x.io", "bob@example.com")}),
        "recipients": [
            ("message.to.0", MAIL, None),
            ("message.to.1", MAIL, None),
            ("message.to.2", MAIL, None),
            ("message.to.3", MAIL, "bob@example.com"),
        ],
    },
    "spelling that must survive": {
        "request": post(
            b'{ "message": {"metadata": {"price": 1.10}, "to": [ {"email": "\\u0061da@example.com"},'
            b' {"email":"bob@example.com"} ] }, "key":"md-top-secret" }\n'
        ),
        "recipients": [("message.to.0", MAIL, "ada@example.com"), ("message.to.1", MAIL, "bob@example.com")],
        "removal": {
            "places": {"message.to.0"},
            "body": b'{"message":{"metadata":{"price":1.10},"to":[{"email":"bob@example.com"}]},"key":"md-top-secret"}',
        },
    },
    "a trailing slash": {
        "request": replace(send({"to": to("ada@example.com")}), path=f"{SEND}/"),
        "recipients": [("message.to.0", MAIL, "ada@example.com")],
    },
    "a raw message to whom its headers name": {
        "request": FROM_HEADERS,
        "recipients": [
            ("raw_message.To.0", MAIL, "ada@example.com"),
            ("raw_message.To.1", MAIL, "bob@example.com"),
            ("raw_message.Cc.0", MAIL, "cy@example.com"),
            ("raw_message.Bcc.0", MAIL, "di@x.io"),
            ("raw_message.X-MC-BccAddress", MAIL, "log@example.com"),
        ],
        "removal": {
            "places": {"raw_message.To.0", "raw_message.Cc.0", "raw_message.X-MC-BccAddress"},
            "body": raw("To: bob@example.com", "Bcc: di@x.io").body,
        },
        "restored": [
            {
                "places": {"raw_message.To.0", "raw_message.X-MC-BccAddress"},
                "answer": answer(result("bob@example.com"), result("cy@example.com"), result("di@x.io")),
                "told": answer(
                    rejected(FROM_HEADERS, "raw_message.To.0", "ada@example.com"),
                    result("bob@example.com"),
                    result("cy@example.com"),
                    result("di@x.io"),
                ),
            }
        ],
    },
    "a raw message to whom it lists": {
        "request": LISTED,
        "recipients": [("to.0", MAIL, "ada@example.com"), ("to.1", MAIL, "bob@example.com")],
        "removal": {
            "places": {"to.0"},
            "body": raw(
                "To: Bob <bob@example.com>",
                "Cc: undisclosed-recipients:;",
                'X-MC-MergeVars: {"_rcpt": "bob@example.com", "n": 2}',
                "X-MC-MergeVars: none",
                to=["Bob <bob@example.com>"],
            ).body,
        },
    },
    "a raw message with an empty list": {
        "request": raw(
            "To: ada@example.com",
            "X-MC-SendAt: 2027-01-15 08:00:00",
            "X-MC-Tags: receipt, spring",
            "X-MC-Tags: more",
            "X-MC-Subaccount: shop-1",
            "X-MC-Template: welcome|main",
            "X-MC-BccAddress: ",
            path="/api/1.3/messages/send-raw",
            to=[],
            send_at="2026-01-15 08:00:00",
            ip_pool="fast",
        ),
        "recipients": [("raw_message.To.0", MAIL, "ada@example.com", 1800000000)],
        "markers": {
            "tags": ("receipt", "spring", "more"),
            "subaccount": ("shop-1",),
            "template_name": ("welcome",),
            "ip_pool": ("fast",),
        },
    },
}


def call(name: str, path: str = "/api/1.0") -> Request:
    """Give a call without a body."""
    return Request("POST", f"{path}/{name}")


HARMLESS: dict[str, Request] = {
    "to look whether the key is good": call("users/ping.json"),
    "to look without a format": call("users/ping2", "/api/1.4"),
    "to look for messages": call("messages/search.xml"),
    "to look at a message": call("messages/content.php"),
    "to look at what is scheduled": call("messages/list-scheduled.json"),
    "to cancel what is scheduled": call("messages/cancel-scheduled.json"),
    "to take a mail apart": call("messages/parse.json"),
    "to suppress somebody": call("rejects/add.json"),
    "a template": call("templates/publish.yaml"),
    "a paused subaccount": call("subaccounts/pause.json"),
    "an export's state": call("exports/info.json"),
}

HIDDEN: dict[str, Request] = {
    "another time for a message": call("messages/reschedule.json"),
    "what a paused subaccount kept": call("subaccounts/resume"),
}

GUARDED: dict[str, Request] = {
    "the webhooks, with their keys": call("webhooks/list.json"),
    "a webhook": call("webhooks/add.json"),
    "a webhook elsewhere": call("webhooks/update.json"),
    "no webhook any more": call("webhooks/delete.json"),
    "to lift a rejection": call("rejects/delete.json"),
    "to lift a rejection of a number": call("rejects/delete-sms.json"),
    "an address that is never rejected": call("allowlists/add.json"),
    "the same, before": call("whitelists/add.json"),
}

UNKNOWN: dict[str, Request] = {
    "a send by GET": Request("GET", "/api/1.0/messages/send.json"),
    "a read by GET": Request("GET", "/api/1.0/users/ping.json"),
    "a send by PUT": Request("PUT", "/api/1.0/messages/send.json"),
    "SMS": call("messages/send-sms.json"),
    "a mail that confirms a domain": call("senders/verify-domain.json"),
    "an export, whose end is mailed": call("exports/activity.json"),
    "a message for the account's own webhook": call("inbound/send-raw.json"),
    "another format": call("messages/send.html"),
    "another version": call("messages/send.json", "/api/2.0"),
    "no version": call("messages/send.json", ""),
    "a call deeper": call("messages/send/now.json"),
    "a send in another case": call("messages/Send.json"),
    "a dot in its path": Request("POST", "/api/1.0/users/../messages/send.json"),
}

ADA = {"to": to("ada@example.com")}
RAW_ADA = "To: ada@example.com"

UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "", Reason.UNREADABLE),
    "an array": (post([]), "", Reason.UNREADABLE),
    "no message": (post(KEY), "message", Reason.UNREADABLE),
    "nobody": (send({}), "", Reason.NO_RECIPIENT),
    "a hidden copy alone": (send({"bcc_address": "log@example.com"}), "", Reason.NO_RECIPIENT),
    "a query": (replace(send(ADA), query="key=x"), "", Reason.UNREADABLE),
    "to as object": (send({"to": {"0": {"email": "a@x.io"}}}), "message.to", Reason.UNREADABLE),
    "an address as text": (send({"to": ["ada@example.com"]}), "message.to.0", Reason.UNREADABLE),
    "no address": (send({"to": [{"name": "Ada"}]}), "message.to.0.email", Reason.UNREADABLE),
    "an address in another case": (send({"to": [{"Email": "a@x.io"}]}), "message.to.0", Reason.UNREADABLE),
    "another type": (send({"to": to("a@x.io", type="CC")}), "message.to.0.type", Reason.UNREADABLE),
    "a type as list": (send({"to": to("a@x.io", type=["cc"])}), "message.to.0.type", Reason.UNREADABLE),
    "To": (send({**ADA, "cc": to("b@x.io")}), "message", Reason.UNREADABLE),
    "bccAddress": (send({**ADA, "bccAddress": "b@x.io"}), "message", Reason.UNREADABLE),
    "a hidden copy as list": (send({**ADA, "bcc_address": ["b@x.io"]}), "message.bcc_address", Reason.UNREADABLE),
    "to beside the message": (send(ADA, to=to("b@x.io")), "", Reason.UNREADABLE),
    "a raw message beside the message": (send(ADA, raw_message="To: b@x.io"), "", Reason.UNREADABLE),
    "a time in the message": (send({**ADA, "send_at": "2027-01-15 08:00:00"}), "message", Reason.UNREADABLE),
    "a time in words": (send(ADA, send_at="tomorrow"), "send_at", Reason.UNREADABLE),
    "a time as number": (send(ADA, send_at=1800000000), "send_at", Reason.UNREADABLE),
    "a time that is none": (send(ADA, send_at="2027-02-30 08:00:00"), "send_at", Reason.UNREADABLE),
    "a header that names recipients": (
        send({**ADA, "headers": {"Bcc": "b@x.io"}}),
        "message.headers",
        Reason.UNREADABLE,
    ),
    "a header that names a copy": (
        send({**ADA, "headers": {"X-MC-BccAddress": "b@x.io"}}),
        "message.headers",
        Reason.UNREADABLE,
    ),
    "a header that says when": (
        send({**ADA, "headers": {"x-mc-sendat": "2027-01-15 08:00:00"}}),
        "message.headers",
        Reason.UNREADABLE,
    ),
    "a header in a header": (
        send({**ADA, "headers": {"X-A": "1\r\nBcc: b@x.io"}}),
        "message.headers",
        Reason.UNREADABLE,
    ),
    "a header in the subject": (send({**ADA, "subject": "Hi\nBcc: b@x.io"}), "message.subject", Reason.UNREADABLE),
    "a header in a name": (
        send({"to": to("ada@example.com", name="Ada\rBcc: b@x.io")}),
        "message.to.0.name",
        Reason.UNREADABLE,
    ),
    "a form": (post(b"key=x&message[to][0][email]=ada%40example.com"), "", Reason.UNREADABLE),
    "a raw message to nobody": (raw("X-A: 1"), "", Reason.NO_RECIPIENT),
    "a raw message with a copy alone": (raw("X-MC-BccAddress: log@example.com"), "", Reason.NO_RECIPIENT),
    "no raw message": (post({**KEY, "to": ["ada@example.com"]}, RAW), "raw_message", Reason.UNREADABLE),
    "a raw message to a text": (raw(RAW_ADA, to="ada@example.com"), "to", Reason.UNREADABLE),
    "a raw message to an object": (raw(RAW_ADA, to=to("ada@example.com")), "to.0", Reason.UNREADABLE),
    "a raw message with two To": (raw(RAW_ADA, "to: b@x.io"), "To", Reason.UNREADABLE),
    "a raw message with two copies": (
        raw(RAW_ADA, "X-MC-BccAddress: b@x.io", "X-MC-BccAddress: c@x.io"),
        "X-MC-BccAddress",
        Reason.UNREADABLE,
    ),
    "a raw message to a group": (raw("To: all: a@x.io;"), "", Reason.UNREADABLE),
    "a raw message that was sent before": (raw(RAW_ADA, "Resent-To: b@x.io"), "", Reason.UNREADABLE),
    "a raw message that lists in another case": (raw(RAW_ADA, To=["b@x.io"]), "", Reason.UNREADABLE),
    "a raw message at a time that is none": (
        raw(RAW_ADA, "X-MC-SendAt: tomorrow"),
        "raw_message",
        Reason.UNREADABLE,
    ),
    "a raw message with a header in a name": (raw(RAW_ADA, from_name="\nBcc: b@x.io"), "from_name", Reason.UNREADABLE),
}

REFUSALS: dict[str, dict[str, Any]] = {
    "a send": {
        "request": send(ADA),
        "refusal": Refusal(Reason.UNREADABLE, "no", None, ("message.to.0",)),
        "status": 422,
        "content_type": "application/json",
        "body": b'{"status":"error","code":-2,"name":"ValidationError","message":"no"}',
    },
    "later": {
        "request": post(b""),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": "application/json",
        "body": b'{"status":"error","code":-99,"name":"GeneralError","message":"later"}',
    },
    "another path": {
        "request": Request("POST", "/"),
        "refusal": Refusal(Reason.UNKNOWN_REQUEST, "no"),
        "status": 422,
        "content_type": "application/json",
        "body": b'{"status":"error","code":-2,"name":"ValidationError","message":"no"}',
    },
    "in XML": {
        "request": call("messages/send.xml"),
        "refusal": Refusal(Reason.UNREADABLE, "no <>"),
        "status": 422,
        "content_type": "application/xml",
        "body": b"<?xml version='1.0' encoding='UTF-8'?>\n<response><status>error</status><code>-2</code>"
        b"<name>ValidationError</name><message>no &lt;&gt;</message></response>",
    },
    "for PHP": {
        "request": call("messages/send.php"),
        "refusal": Refusal(Reason.UNREADABLE, "no"),
        "status": 422,
        "content_type": "application/x-php",
        "body": b'a:4:{s:6:"status";s:5:"error";s:4:"code";i:-2;s:4:"name";s:15:"ValidationError";'
        b's:7:"message";s:2:"no";}',
    },
    "in YAML": {
        "request": call("messages/send.yaml"),
        "refusal": Refusal(Reason.UNREADABLE, "no"),
        "status": 422,
        "content_type": "application/x-yaml; charset=utf-8",
        "body": b'{"status":"error","code":-2,"name":"ValidationError","message":"no"}',
    },
}


def told(email: str, status: str) -> str:
    """Give the pattern of what Mandrill tells of somebody whom it sends to."""
    return (
        rf'\{{"email":"{email}","status":"{status}","_id":"[0-9a-f]{{32}}","reject_reason":null,"queued_reason":null\}}'
    )


MANY = [f"p{number}@example.com" for number in range(11)]

ACCEPTED: dict[str, dict[str, Any]] = {
    "a send": {
        "request": send({"to": to("Ada@example.com", "bob@example.com"), "bcc_address": "log@example.com"}),
        "status": 200,
        "content_type": "application/json",
        "body": rf"\[{told('Ada@example.com', 'sent')},{told('bob@example.com', 'sent')}\]",
    },
    "many": {
        "request": send({"to": to(*MANY)}),
        "status": 200,
        "content_type": "application/json",
        "body": rf"\[{','.join(told(email, 'queued') for email in MANY)}\]",
    },
    "later": {
        "request": send(ADA, send_at="2027-01-15 08:00:00"),
        "status": 200,
        "content_type": "application/json",
        "body": rf"\[{told('ada@example.com', 'scheduled')}\]",
    },
    "what cannot be read": {
        "request": post(b"?"),
        "status": 200,
        "content_type": "application/json",
        "body": rf"\[{told('', 'sent')}\]",
    },
    "in XML": {
        "request": send(ADA, path="/api/1.0/messages/send.xml"),
        "status": 200,
        "content_type": "application/xml",
        "body": r"<\?xml .*<response><item><email>ada@example.com</email><status>sent</status>.*</item></response>",
    },
}
