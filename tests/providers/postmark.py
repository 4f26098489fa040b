"""Postmark's table of samples: requests and what must come of them, for test_conformance.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel
from policy.reasons import Reason
from proxy.providers import postmark
from proxy.providers.base import Provider, Refusal, Request

PROVIDER: Provider = postmark
FORMAT = "json"
SECRETS = ("pm-top-secret",)
HEADERS = CIMultiDictProxy(
    CIMultiDict({"X-Postmark-Server-Token": "pm-top-secret", "Content-Type": "application/json"})
)

MAIL = Channel.MAIL
TEXT: dict[str, Any] = {"From": "Shop <shop@example.com>", "Subject": "Grüße", "TextBody": "two\nlines"}
ADA, BOB, CY, DI = "ada@example.com", "bob@example.com", "cy@example.com", "di@x.io"
OUTBOUND = {"MessageStream": ("outbound",)}
LISTS = ("To", "Cc", "Bcc")
BATCH, TEMPLATE, TEMPLATES, BULK = "/email/batch", "/email/withTemplate", "/email/batchWithTemplates", "/email/bulk"


def post(body: Any, path: str = "/email") -> Request:
    """Give a send with this body: bytes as they are, anything else as JSON."""
    return Request("POST", path, "", HEADERS, body if isinstance(body, bytes) else orjson.dumps(body))


def send(to: Any = ADA, **more: Any) -> Request:
    """Give a send of one message."""
    return post(message(to, **more))


def message(to: Any = ADA, **more: Any) -> dict[str, Any]:
    """Give a message to these people."""
    return {"To": to, **TEXT, **more}


def bulk(*messages: Any, **more: Any) -> Request:
    """Give a bulk send of these messages."""
    return post({**TEXT, "Messages": list(messages), **more}, BULK)


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample; a name in front of it stays."""
    body = orjson.loads(request.body)
    *steps, name, number = place.split(".")
    owner = body
    for step in steps:
        owner = owner[int(step) if isinstance(owner, list) else step]
    addresses = split(owner[name])
    old = addresses[int(number)]
    addresses[int(number)] = f"{old.partition('<')[0]}<{address}>" if "<" in old else address
    owner[name] = ", ".join(addresses)
    return replace(request, body=orjson.dumps(body))


def split(text: str) -> list[str]:
    """Cut a list of the samples at its commas, of which none in a name is followed by an address."""
    found: list[str] = []
    for piece in filter(None, map(str.strip, text.split(","))):
        if found and "@" not in found[-1] and '"' in found[-1]:
            found[-1] += f", {piece}"
        else:
            found.append(piece)
    return found


def pieces(request: Request) -> Iterator[str]:
    """Give all that a body says, each address of a list by itself."""
    return leaves(orjson.loads(request.body), "")


def leaves(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in LISTS and isinstance(value, str):
                yield from (f"{path}.{name} = {each}" for each in split(value))
            else:
                yield from leaves(value, f"{path}.{name}")
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, f"{path}.*")
    else:
        yield f"{path} = {node!r}"


def taken(to: str, number: int) -> dict[str, Any]:
    """Give Postmark's entry for a message that it took."""
    return {
        "To": to,
        "SubmittedAt": "2026-11-01T10:00:00.1234567Z",
        "MessageID": f"b7bc2f4a-e38e-4336-af7d-{number:012}",
        "ErrorCode": 0,
        "Message": "OK",
    }


def inactive(to: str, *addresses: str, reason: str = "opted_out") -> dict[str, Any]:
    """Give an entry for a message that is not sent."""
    return {
        "To": to,
        "SubmittedAt": "1970-01-01T00:00:00Z",
        "MessageID": "00000000-0000-0000-0000-000000000000",
        **nobody(*addresses, reason=reason),
    }


def nobody(*addresses: str, reason: str = "opted_out") -> dict[str, Any]:
    """Give what says that nobody is left."""
    return {
        "ErrorCode": 406,
        "Message": "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: "
        f"{', '.join(addresses)}. Inactive recipients are ones that have generated a hard bounce, a spam complaint, or "
        f"a manual suppression. sendgate: no message is sent to this recipient ({reason})",
    }


def some(*addresses: str) -> str:
    """Give what says that somebody is left."""
    return (
        f"Message OK, but will not deliver to these inactive addresses: {', '.join(addresses)}. "
        "Inactive recipients are ones that have generated a hard bounce or a spam complaint."
    )


SENDS: dict[str, dict[str, Any]] = {
    "one recipient": {
        "request": send('"Lovelace, Ada" <Ada@Example.com>'),
        "recipients": [("To.0", MAIL, ADA)],
        "markers": OUTBOUND,
    },
    "to, cc and bcc": {
        "request": send(f"Ada <{ADA}>, {BOB}", Cc=f"{CY} , ", Bcc=f'"Di, D." <{DI}>,{BOB}'),
        "recipients": [
            ("To.0", MAIL, ADA),
            ("To.1", MAIL, BOB),
            ("Cc.0", MAIL, CY),
            ("Bcc.0", MAIL, DI),
            ("Bcc.1", MAIL, BOB),
        ],
        "markers": OUTBOUND,
        "removal": {
            "places": {"To.0", "Cc.0", "Bcc.1"},
            "body": post({"To": BOB, **TEXT, "Bcc": f'"Di, D." <{DI}>'}).body,
        },
        "restored": [
            {
                "places": {"To.0", "Cc.0"},
                "answer": orjson.dumps(taken(BOB, 1)),
                "told": orjson.dumps({**taken(f"Ada <{ADA}>, {BOB}", 1), "Message": some(ADA, CY)}),
            },
            {
                "places": {"Cc.0"},
                "answer": orjson.dumps({**taken(BOB, 1), "Message": some(DI)}),
                "told": orjson.dumps({**taken(f"Ada <{ADA}>, {BOB}", 1), "Message": some(DI, CY)}),
            },
            {
                "places": {"To.0"},
                "status": 422,
                "answer": orjson.dumps(nobody(BOB)),
                "told": orjson.dumps(nobody(BOB, ADA)),
            },
            {
                "places": {"To.0"},
                "status": 422,
                "answer": b'{"ErrorCode":300,"Message":"Invalid \'From\' address."}',
                "told": b'{"ErrorCode":300,"Message":"Invalid \'From\' address."}',
            },
            {"places": {"To.0"}, "status": 500, "answer": b"oops", "told": b"oops"},
        ],
    },
    "copies fall with their message": {
        "request": post([message(ADA, Cc=CY), message(BOB, Bcc=DI)], BATCH),
        "recipients": [
            ("0.To.0", MAIL, ADA),
            ("0.Cc.0", MAIL, CY),
            ("1.To.0", MAIL, BOB),
            ("1.Bcc.0", MAIL, DI),
        ],
        "markers": OUTBOUND,
        "removal": {
            "places": {"0.To.0"},
            "gone": {"0.To.0", "0.Cc.0"},
            "body": post([message(BOB, Bcc=DI)], BATCH).body,
        },
    },
    "copies alone": {
        "request": send(None, Cc=CY, Bcc=f"{DI},{BOB}"),
        "recipients": [("Cc.0", MAIL, CY), ("Bcc.0", MAIL, DI), ("Bcc.1", MAIL, BOB)],
        "markers": OUTBOUND,
        "removal": {"places": {"Cc.0", "Bcc.0"}, "body": send(None, Bcc=BOB).body},
    },
    "nulls, as some clients write them": {
        "request": send(ADA, Cc=None, Bcc=None, Headers=None, Metadata=None, MessageStream=None, Tag=None),
        "recipients": [("To.0", MAIL, ADA)],
        "markers": OUTBOUND,
    },
    "a batch": {
        "request": post([message(ADA), message(f"{BOB}, {CY}"), message(""), message(DI)], BATCH),
        "recipients": [
            ("0.To.0", MAIL, ADA),
            ("1.To.0", MAIL, BOB),
            ("1.To.1", MAIL, CY),
            ("3.To.0", MAIL, DI),
        ],
        "markers": OUTBOUND,
        "removal": {
            "places": {"0.To.0", "1.To.1"},
            "body": post([message(BOB), message(""), message(DI)], BATCH).body,
        },
        "restored": [
            {
                "places": {"0.To.0", "1.To.1"},
                "answer": orjson.dumps([taken(BOB, 1), {"ErrorCode": 300, "Message": "Zero recipients"}, taken(DI, 3)]),
                "told": orjson.dumps(
                    [
                        inactive(ADA, ADA),
                        {**taken(f"{BOB}, {CY}", 1), "Message": some(CY)},
                        {"ErrorCode": 300, "Message": "Zero recipients"},
                        taken(DI, 3),
                    ]
                ),
            },
            {
                "places": {"3.To.0"},
                "answer": orjson.dumps([taken(ADA, 1)]),  # short by more than was taken out: nobody knows which
                "told": orjson.dumps([taken(ADA, 1)]),
            },
            {
                "places": {"0.To.0"},
                "status": 422,
                "answer": b'{"ErrorCode":410,"Message":"Too many batch messages."}',
                "told": b'{"ErrorCode":410,"Message":"Too many batch messages."}',
            },
        ],
    },
    "markers": {
        "request": send(
            Tag="receipt",
            MessageStream="receipts",
            Metadata={"kind": "order", "campaign": "spring", "empty": "", "number": 7, "none": None},
        ),
        "recipients": [("To.0", MAIL, ADA)],
        "markers": {
            "MessageStream": ("receipts",),
            "Tag": ("receipt",),
            "Metadata.kind": ("order",),
            "Metadata.campaign": ("spring",),
            "Metadata.number": ("7",),
        },
        "campaign": "spring",
    },
    "metadata that are none": {
        "request": post([message(ADA, Metadata=7), message(BOB, Metadata=["a"], Tag=[])], BATCH),
        "recipients": [("0.To.0", MAIL, ADA), ("1.To.0", MAIL, BOB)],
        "markers": OUTBOUND,
    },
    "metadata that are none, of a bulk send": {
        "request": bulk({"To": ADA, "Metadata": 7}, {"To": BOB}, Metadata={"a": "1"}, MessageStream="news"),
        "recipients": [("Messages.0.To.0", MAIL, ADA), ("Messages.1.To.0", MAIL, BOB)],
        "markers": {"MessageStream": ("news",)},
    },
    "a tag is a campaign": {
        "request": send(Tag="spring"),
        "recipients": [("To.0", MAIL, ADA)],
        "markers": {**OUTBOUND, "Tag": ("spring",)},
        "campaign": "spring",
    },
    "markers of a batch are common ones": {
        "request": post(
            [
                message(ADA, Tag="receipt", MessageStream="news", Metadata={"kind": "a", "user": "1"}),
                message(BOB, Tag="receipt", Metadata={"kind": "a", "user": "2"}),
            ],
            BATCH,
        ),
        "recipients": [("0.To.0", MAIL, ADA), ("1.To.0", MAIL, BOB)],
        "markers": {"Tag": ("receipt",), "Metadata.kind": ("a",)},
        "campaign": "receipt",
    },
    "a template": {
        "request": post(message(ADA, TemplateId=123, TemplateModel={"price": 1, "to": "x"}), TEMPLATE),
        "recipients": [("To.0", MAIL, ADA)],
        "markers": {**OUTBOUND, "TemplateId": ("123",)},
    },
    "a template, with a slash as Anymail writes it": {
        "request": post(message(f"{ADA},{BOB}", TemplateAlias="welcome"), f"{TEMPLATE}/"),
        "recipients": [("To.0", MAIL, ADA), ("To.1", MAIL, BOB)],
        "markers": {**OUTBOUND, "TemplateAlias": ("welcome",)},
        "removal": {"places": {"To.0"}, "body": post(message(BOB, TemplateAlias="welcome")).body},
    },
    "a batch of templates": {
        "request": post({"Messages": [message(ADA), message(BOB, Cc=f"{CY}, Di <{DI}>")]}, TEMPLATES),
        "recipients": [
            ("Messages.0.To.0", MAIL, ADA),
            ("Messages.1.To.0", MAIL, BOB),
            ("Messages.1.Cc.0", MAIL, CY),
            ("Messages.1.Cc.1", MAIL, DI),
        ],
        "markers": OUTBOUND,
        "removal": {
            "places": {"Messages.0.To.0", "Messages.1.Cc.0"},
            "body": post({"Messages": [message(BOB, Cc=f"Di <{DI}>")]}).body,
        },
        "restored": [
            {
                "places": {"Messages.1.To.0"},
                "answer": orjson.dumps([taken(ADA, 1)]),
                "told": orjson.dumps([taken(ADA, 1), inactive(BOB, BOB, CY, DI)]),
            }
        ],
    },
    "a bulk send": {
        "request": bulk(
            {"To": f"Ada <{ADA}>", "TemplateModel": {"n": 1}, "Metadata": {"user": "1", "kind": "a"}},
            {"To": BOB, "Cc": CY, "Bcc": DI, "Headers": [{"Name": "X-A", "Value": "1"}]},
            Metadata={"kind": "a", "user": "0", "campaign": "spring"},
            Tag="news",
            MessageStream="broadcast",
        ),
        "recipients": [
            ("Messages.0.To.0", MAIL, ADA),
            ("Messages.1.To.0", MAIL, BOB),
            ("Messages.1.Cc.0", MAIL, CY),
            ("Messages.1.Bcc.0", MAIL, DI),
        ],
        "markers": {
            "MessageStream": ("broadcast",),
            "Tag": ("news",),
            "Metadata.kind": ("a",),
            "Metadata.campaign": ("spring",),
        },
        "campaign": "spring",
        "removal": {
            "places": {"Messages.0.To.0", "Messages.1.Bcc.0"},
            "body": bulk(
                {"To": BOB, "Cc": CY, "Headers": [{"Name": "X-A", "Value": "1"}]},
                Metadata={"kind": "a", "user": "0", "campaign": "spring"},
                Tag="news",
                MessageStream="broadcast",
            ).body,
        },
    },
    "a bulk send without a stream has none that is known": {
        "request": bulk({"To": ADA}, {"To": BOB}),
        "recipients": [("Messages.0.To.0", MAIL, ADA), ("Messages.1.To.0", MAIL, BOB)],
    },
    "addresses without a key": {
        "request": send(f"ada, {BOB}, nobody at all"),
        "recipients": [("To.0", MAIL, None), ("To.1", MAIL, BOB), ("To.2", MAIL, None)],
        "markers": OUTBOUND,
        "removal": {"places": {"To.0", "To.2"}, "body": send(BOB).body},
    },
    "another alphabet": {
        "request": send("=?UTF-8?Q?J=C3=BCrgen?= <j@xn--bcher-kva.example>, Bücher <b@BÜCHER.example>"),
        "recipients": [("To.0", MAIL, "j@xn--bcher-kva.example"), ("To.1", MAIL, "b@xn--bcher-kva.example")],
        "markers": OUTBOUND,
        "removal": {"places": {"To.0"}, "body": send("Bücher <b@BÜCHER.example>").body},
    },
    "headers that decide nothing": {
        "request": send(
            Headers=[
                {"Name": "List-Unsubscribe", "Value": "<https://example.com/u>"},
                {"Name": "X-PM-KeepID", "Value": "true"},
                {"Name": "X-To", "Value": "1"},
            ],
            ReplyTo="shop@example.com",
        ),
        "recipients": [("To.0", MAIL, ADA)],
        "markers": OUTBOUND,
    },
    "spelling that must survive": {
        "request": post(
            b'{ "From": "shop@example.com", "To": "\\u0061da@example.com, bob@example.com", "TemplateModel":'
            b' {"price": 1.10, "id": 123456789012345678901234567890} }\n'
        ),
        "recipients": [("To.0", MAIL, ADA), ("To.1", MAIL, BOB)],
        "markers": OUTBOUND,
        "removal": {
            "places": {"To.0"},
            "body": b'{"From":"shop@example.com","To":"bob@example.com","TemplateModel":'
            b'{"price":1.10,"id":123456789012345678901234567890}}',
        },
    },
}

HARMLESS: dict[str, Request] = {
    "to read messages": Request("GET", "/messages/outbound", "count=1"),
    "to read a bulk send": Request("GET", "/email/bulk/f24af63c"),
    "a template": Request("POST", "/templates"),
    "to check a template": Request("POST", "/templates/validate"),
    "to copy templates to another server": Request("PUT", "/templates/push"),
    "a stream": Request("POST", "/message-streams"),
    "to archive a stream": Request("POST", "/message-streams/news/archive"),
    "a suppression": Request("POST", "/message-streams/outbound/suppressions"),
    "a domain": Request("PUT", "/domains/1/verifyDkim"),
    "an inbound rule": Request("POST", "/triggers/inboundrules"),
    "an inbound message again": Request("PUT", "/messages/inbound/abc/retry"),
    "a blocked inbound message": Request("PUT", "/messages/inbound/abc/bypass"),
    "to delete a signature": Request("DELETE", "/senders/1"),
    "a new key": Request("POST", "/senders/1/requestnewdkim"),
}

HIDDEN: dict[str, Request] = {"a confirmation again": Request("POST", "/senders/1/resend")}

GUARDED: dict[str, Request] = {
    "the webhooks, with their passwords": Request("GET", "/webhooks"),
    "a webhook": Request("POST", "/webhooks"),
    "no webhook any more": Request("DELETE", "/webhooks/1234567"),
    "the server, with its tokens": Request("GET", "/server"),
    "a change of the server, answered with its tokens": Request("PUT", "/server"),
    "all servers, with their tokens": Request("GET", "/servers"),
    "how a stream takes unsubscribes": Request("PATCH", "/message-streams/news"),
    "to lift a suppression": Request("POST", "/message-streams/outbound/suppressions/delete"),
    "to activate a bounced address": Request("PUT", "/bounces/692560173/activate"),
}

UNKNOWN: dict[str, Request] = {
    "a signature, whose confirmation is mailed": Request("POST", "/senders"),
    "a change of a signature": Request("PUT", "/senders/1"),
    "a removal of data, whose end is mailed": Request("POST", "/data-removals"),
    "a send by PUT": Request("PUT", "/email"),
    "a send in another case": Request("POST", "/Email"),
    "a batch in another case": Request("POST", "/email/batchwithtemplates"),
    "something new": Request("POST", "/email/schedule"),
    "to take a bulk send back": Request("DELETE", "/email/bulk/f24af63c"),
    "two slashes": Request("POST", "//email"),
    "dots": Request("GET", "/templates/../email"),
}

UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "", Reason.UNREADABLE),
    "an array as one message": (post([message()]), "", Reason.UNREADABLE),
    "one message as an array": (post(message(), BATCH), "Messages", Reason.UNREADABLE),
    "an empty array": (post([], BATCH), "", Reason.NO_RECIPIENT),
    "messages as object": (post({"Messages": message()}, TEMPLATES), "Messages", Reason.UNREADABLE),
    "no messages": (post({}, TEMPLATES), "", Reason.NO_RECIPIENT),
    "a message as text": (post([ADA], BATCH), "0", Reason.UNREADABLE),
    "nobody": (send(""), "", Reason.NO_RECIPIENT),
    "commas alone": (send(" , ,"), "", Reason.NO_RECIPIENT),
    "no To": (post(TEXT), "", Reason.NO_RECIPIENT),
    "To as array": (send([ADA]), "To", Reason.UNREADABLE),
    "Cc as object": (send(Cc={"Email": CY}), "Cc", Reason.UNREADABLE),
    "Bcc as number": (post([message(), message(Bcc=7)], BATCH), "1.Bcc", Reason.UNREADABLE),
    "a semicolon": (send(f"{ADA}; {BOB}"), "To", Reason.UNREADABLE),
    "a group": (send(f"all: {ADA}, {BOB};"), "To", Reason.UNREADABLE),
    "a name that is an address": (send(f"{BOB} <{ADA}>"), "To", Reason.UNREADABLE),
    "a line break in a list": (send(f"{ADA},\r\n {BOB}"), "To", Reason.UNREADABLE),
    "to": (post({**TEXT, "to": ADA}), "", Reason.UNREADABLE),
    "TO beside To": (send(TO_=BOB), "", Reason.UNREADABLE),
    "cc in another case": (send(cc=BOB), "", Reason.UNREADABLE),
    "BCC in an array": (post([message(), message(BCC=BOB)], BATCH), "1", Reason.UNREADABLE),
    "recipients": (send(Recipients=[BOB]), "", Reason.UNREADABLE),
    "messages in a message": (send(Messages=[{"To": BOB}]), "", Reason.UNREADABLE),
    "To beside the messages": (post({"Messages": [message()], "To": BOB}, TEMPLATES), "", Reason.UNREADABLE),
    "Bcc beside the messages of a bulk send": (bulk({"To": ADA}, Bcc=BOB), "", Reason.UNREADABLE),
    "a stream in another case": (send(messageStream="news"), "", Reason.UNREADABLE),
    "a schedule": (send(SendAt="2030-01-01T00:00:00Z"), "", Reason.UNREADABLE),
    "a schedule in another word": (bulk({"To": ADA}, scheduled_at=1), "", Reason.UNREADABLE),
    "headers as object": (send(Headers={"Bcc": BOB}), "Headers", Reason.UNREADABLE),
    "a header that names recipients": (send(Headers=[{"Name": "bcc", "Value": BOB}]), "Headers.0", Reason.UNREADABLE),
    "a header that names another stream": (
        send(Headers=[{"Name": "X-A", "Value": "1"}, {"Name": "X-PM-Message-Stream", "Value": "news"}]),
        "Headers.1",
        Reason.UNREADABLE,
    ),
    "a header that adds metadata": (
        send(Headers=[{"Name": "X-PM-Metadata-kind", "Value": "receipt"}]),
        "Headers.0",
        Reason.UNREADABLE,
    ),
    "a header in another case": (send(Headers=[{"name": "Bcc", "value": BOB}]), "Headers.0", Reason.UNREADABLE),
    "a header without a name": (send(Headers=[{"Value": "1"}]), "Headers.0", Reason.UNREADABLE),
    "a header with a colon": (
        send(Headers=[{"Name": f"Bcc: {BOB}\r\nX-A", "Value": "1"}]),
        "Headers.0",
        Reason.UNREADABLE,
    ),
    "a header in a header": (
        bulk({"To": ADA, "Headers": [{"Name": "X-A", "Value": f"1\nBcc: {BOB}"}]}),
        "Messages.0.Headers.0.Value",
        Reason.UNREADABLE,
    ),
    "a header of all messages": (
        bulk({"To": ADA}, Headers=[{"Name": "Resent-To", "Value": BOB}]),
        "Headers.0",
        Reason.UNREADABLE,
    ),
    "a header in the subject": (send(Subject=f"Hi\r\nBcc: {BOB}"), "Subject", Reason.UNREADABLE),
    "a header in the sender": (send(From=f"Shop\nBcc: {BOB}\nX: <s@x.io>"), "From", Reason.UNREADABLE),
    "a header in the metadata": (
        post([message(Metadata={"a\nBcc": BOB})], BATCH),
        "0.Metadata",
        Reason.UNREADABLE,
    ),
    "a header in the subject of all messages": (bulk({"To": ADA}, Subject="\n"), "Subject", Reason.UNREADABLE),
    "a form": (post(b"To=ada%40example.com"), "", Reason.UNREADABLE),
}

REFUSALS: dict[str, dict[str, Any]] = {
    "recipients": {
        "request": send(),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, ("To.0", "Cc.0")),
        "status": 422,
        "content_type": "application/json",
        "body": b'{"ErrorCode":300,"Message":"no (at To.0, Cc.0)"}',
    },
    "the whole send": {
        "request": send(""),
        "refusal": Refusal(Reason.NO_RECIPIENT, "nobody", None, ("",)),
        "status": 422,
        "content_type": "application/json",
        "body": b'{"ErrorCode":300,"Message":"nobody"}',
    },
    "an unknown sender": {
        "request": send(),
        "refusal": Refusal(Reason.SENDER_REFUSED, "who?", 403),
        "status": 403,
        "content_type": "application/json",
        "body": b'{"ErrorCode":405,"Message":"who?"}',
    },
    "a bad credential": {
        "request": send(),
        "refusal": Refusal(Reason.SENDER_REFUSED, "who?", 401),
        "status": 401,
        "content_type": "application/json",
        "body": b'{"ErrorCode":10,"Message":"who?"}',
    },
    "later": {
        "request": post(b"", BATCH),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": "application/json",
        "body": b'{"ErrorCode":100,"Message":"later"}',
    },
}

ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def entry(to: str) -> str:
    """Give a pattern for the entry of a message that was taken."""
    return rf'\{{"To":"{to}","SubmittedAt":"1970-01-01T00:00:00Z","MessageID":"{ID}","ErrorCode":0,"Message":"OK"\}}'


ACCEPTED: dict[str, dict[str, Any]] = {
    "a message": {
        "request": send(),
        "status": 200,
        "content_type": "application/json",
        "body": entry(ADA),
    },
    "a batch": {
        "request": post([message(ADA), message(BOB)], BATCH),
        "status": 200,
        "content_type": "application/json",
        "body": rf"\[{entry(ADA)},{entry(BOB)}\]",
    },
    "a batch of templates": {
        "request": post({"Messages": [message(ADA), message(BOB)]}, TEMPLATES),
        "status": 200,
        "content_type": "application/json",
        "body": rf"\[{entry(ADA)},{entry(BOB)}\]",
    },
    "a bulk send": {
        "request": bulk({"To": ADA}),
        "status": 200,
        "content_type": "application/json",
        "body": rf'\{{"ID":"{ID}","Status":"Accepted","SubmittedAt":"1970-01-01T00:00:00Z"\}}',
    },
}
