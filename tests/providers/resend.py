"""Resend's table of samples: requests and what must come of them, for test_conformance.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel
from policy.reasons import Reason
from proxy.formats.mailboxes import mailboxes
from proxy.providers import resend
from proxy.providers.base import Provider, Refusal, Request

PROVIDER: Provider = resend
FORMAT = "json"
SECRETS = ("re_top_secret",)
HEADERS = {"Authorization": "Bearer re_top_secret", "Content-Type": "application/json"}

# https://github.com/resend/resend-openapi
BATCH = "/paths/~1emails~1batch/post/requestBody/content/application~1json/schema"
SPEC: dict[str, Any] = {"file": "resend/resend.json", "schema": "/components/schemas/SendEmailRequest", "errata": {}}

MAIL = Channel.MAIL
FROM = "Shop <shop@example.com>"
TEXT = {"from": FROM, "subject": "Grüße", "text": 'a "quoted": line\n'}
FROM_SHOP = {"from": (FROM,)}
LISTS = ("to", "cc", "bcc")


def post(body: Any, path: str = "/emails", **headers: str) -> Request:
    """Give a send with this body: bytes as they are, anything else as JSON."""
    given = CIMultiDictProxy(CIMultiDict({**HEADERS, **{n.replace("_", "-"): value for n, value in headers.items()}}))
    return Request("POST", path, "", given, body if isinstance(body, bytes) else orjson.dumps(body))


def mail(to: Any, **more: Any) -> dict[str, Any]:
    """Give a mail."""
    return {**TEXT, "to": to, **more}


def send(to: Any, **more: Any) -> Request:
    """Give a send of one mail."""
    return post(mail(to, **more))


def batch(*mails: Any, **headers: str) -> Request:
    """Give a send of several mails."""
    return post(list(mails), "/emails/batch", **headers)


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample, which is a text or a number of a comma list."""
    body = orjson.loads(request.body)
    steps: list[Any] = [int(step) if step.isdigit() else step for step in place.split(".")]
    owner, spot = None, body
    while steps and not isinstance(spot, str):
        owner, at = spot, steps.pop(0)
        spot = spot[at]
    assert owner is not None
    if steps:
        one = mailboxes(spot)[steps[0]]
        owner[at] = spot[: one.start] + address + spot[one.end :]
    else:
        owner[at] = address
    return replace(request, body=orjson.dumps(body))


def pieces(request: Request) -> Iterator[str]:
    """Take a send apart into all that it says, addresses of one text by themselves."""
    body = orjson.loads(request.body)
    for each in body if isinstance(body, list) else [body]:
        for name, value in each.items():
            texts = [value] if isinstance(value, str) else value
            if name in LISTS:
                yield from (f"{name} = {text[one.start : one.end]}" for text in texts for one in mailboxes(text))
            else:
                yield f"{name} = {orjson.dumps(value)!r}"


def one(place: str = "to.0", key: str | None = "ada@example.com") -> list[tuple[Any, ...]]:
    """Give the recipients of a send to one."""
    return [(place, MAIL, key)]


ADA, BOB = "ada@example.com", "bob@example.com"
THREE = (mail(ADA), mail([BOB, "cy@example.com"], cc="di@x.io"), mail(["eve@example.com"], bcc=["fay@example.com"]))
AT_THREE = [
    ("0.to.0", MAIL, ADA),
    ("1.to.0", MAIL, BOB),
    ("1.to.1", MAIL, "cy@example.com"),
    ("1.cc.0", MAIL, "di@x.io"),
    ("2.to.0", MAIL, "eve@example.com"),
    ("2.bcc.0", MAIL, "fay@example.com"),
]
OPTED_OUT = "sendgate: no message is sent to this recipient (opted_out)"

SENDS: dict[str, dict[str, Any]] = {
    "one recipient": {"request": send("Ada@Example.com"), "recipients": one(), "markers": FROM_SHOP},
    "one recipient with a name": {
        "request": send('"Lovelace, Ada" <ada@example.com>'),
        "recipients": one(),
        "markers": FROM_SHOP,
    },
    "an encoded name": {
        "request": send(["=?UTF-8?B?QWRh?= <ada@example.com>"]),
        "recipients": one(),
        "markers": FROM_SHOP,
    },
    "an international domain": {
        "request": send("ada@bücher.example"),
        "recipients": one("to.0", "ada@xn--bcher-kva.example"),
        "markers": FROM_SHOP,
    },
    "to, cc and bcc": {
        "request": send([f"Ada <{ADA}>", BOB], cc="cy@example.com", bcc=["di@x.io", "eve@example.com"]),
        "recipients": [
            ("to.0", MAIL, ADA),
            ("to.1", MAIL, BOB),
            ("cc.0", MAIL, "cy@example.com"),
            ("bcc.0", MAIL, "di@x.io"),
            ("bcc.1", MAIL, "eve@example.com"),
        ],
        "markers": FROM_SHOP,
        "removal": {"places": {"to.0", "cc.0", "bcc.1"}, "body": send([BOB], bcc=["di@x.io"]).body},
    },
    "a comma list, which Resend does not describe": {
        "request": send(f"Ada <{ADA}>, {BOB} ,cy@example.com", cc=""),
        "recipients": [("to.0", MAIL, ADA), ("to.1", MAIL, BOB), ("to.2", MAIL, "cy@example.com")],
        "markers": FROM_SHOP,
        "removal": {"places": {"to.1"}, "body": send(f"Ada <{ADA}>,cy@example.com", cc="").body},
    },
    "comma lists in an array": {
        "request": send([f"{ADA}, Bob <{BOB}>", "", "cy@example.com"], cc=["", "di@x.io"]),
        "recipients": [
            ("to.0.0", MAIL, ADA),
            ("to.0.1", MAIL, BOB),
            ("to.2", MAIL, "cy@example.com"),
            ("cc.1", MAIL, "di@x.io"),
        ],
        "markers": FROM_SHOP,
        "removal": {
            "places": {"to.0.0", "to.2", "cc.1"},
            "body": send([f"Bob <{BOB}>", ""]).body,
        },
    },
    "addresses without a key": {
        "request": send(["nobody", "ada@", BOB]),
        "recipients": [("to.0", MAIL, None), ("to.1", MAIL, None), ("to.2", MAIL, BOB)],
        "markers": FROM_SHOP,
        "removal": {"places": {"to.0", "to.1"}, "body": send([BOB]).body},
    },
    "a batch": {
        "request": batch(*THREE),
        "recipients": AT_THREE,
        "markers": FROM_SHOP,
        "schema": BATCH,
        "removal": {
            "places": {"0.to.0", "1.to.1", "1.cc.0"},
            "body": batch(mail([BOB]), THREE[2]).body,
        },
        "restored": [
            {
                "places": {"0.to.0", "2.to.0"},
                "answer": b'{"data":[{"id":"b"}]}',
                "told": orjson.dumps(
                    {
                        "data": [{"id": ""}, {"id": "b"}, {"id": ""}],
                        "errors": [{"index": 0, "message": OPTED_OUT}, {"index": 2, "message": OPTED_OUT}],
                    }
                ),
            },
            {
                "places": {"0.to.0"},
                "answer": b'{"data":[{"id":"only one of two"}]}',
                "told": b'{"data":[{"id":"only one of two"}]}',
            },
            {
                "places": {"0.to.0"},
                "status": 422,
                "answer": b'{"statusCode":422,"name":"validation_error","message":"no"}',
                "told": b'{"statusCode":422,"name":"validation_error","message":"no"}',
            },
        ],
    },
    "a permissive batch": {
        "request": batch(*THREE, x_batch_validation="permissive"),
        "recipients": AT_THREE,
        "markers": FROM_SHOP,
        "schema": BATCH,
        "restored": [
            {
                "places": {"0.to.0"},
                "answer": b'{"data":[{"id":"b"}],"errors":[{"index":1,"message":"no such template"}]}',
                "told": orjson.dumps(
                    {
                        "data": [{"id": "b"}],
                        "errors": [{"index": 0, "message": OPTED_OUT}, {"index": 2, "message": "no such template"}],
                    }
                ),
            },
            {
                "places": {"1.to.0", "1.to.1"},
                "answer": b'{"data":[{"id":"a"},{"id":"e"}]}',
                "told": orjson.dumps(
                    {"data": [{"id": "a"}, {"id": "e"}], "errors": [{"index": 1, "message": OPTED_OUT}]}
                ),
            },
        ],
    },
    "copies fall with their mail": {
        "request": batch(*THREE),
        "recipients": AT_THREE,
        "markers": FROM_SHOP,
        "schema": BATCH,
        "removal": {
            "places": {"1.to.0", "1.to.1"},
            "gone": {"1.to.0", "1.to.1", "1.cc.0"},
            "body": batch(THREE[0], THREE[2]).body,
        },
    },
    "a mail without a `to` in a batch": {
        "request": batch(mail([], cc=ADA), mail(BOB)),
        "recipients": [("0.cc.0", MAIL, ADA), ("1.to.0", MAIL, BOB)],
        "markers": FROM_SHOP,
        "schema": "",
    },
    "a mail that is forwarded from an inbox": {
        "request": post(
            {"to": [ADA, BOB], "bcc": "cy@example.com", "text": "See below", "subject": "Fwd"},
            "/inboxes/shop%40example.com/threads/1/emails/2/forward",
        ),
        "recipients": [("to.0", MAIL, ADA), ("to.1", MAIL, BOB), ("bcc.0", MAIL, "cy@example.com")],
        "schema": "",
    },
    "markers": {
        "request": send(
            ADA,
            topic_id="t-1",
            template={"id": "receipt", "variables": {"two": "a\nb"}},
            tags=[{"name": "kind", "value": "receipt"}, {"name": "campaign", "value": "spring"}],
            headers={"X-Entity-Ref-ID": "1", "X-To": "1"},
            reply_to=["shop@example.com"],
        ),
        "recipients": one(),
        "markers": FROM_SHOP
        | {"topic_id": ("t-1",), "template.id": ("receipt",)}
        | {"tags.kind": ("receipt",), "tags.campaign": ("spring",)},
        "campaign": "spring",
    },
    "markers that only some mails have": {
        "request": batch(
            mail(ADA, topic_id="t-1", tags=[{"name": "kind", "value": "receipt"}, {"name": "kind", "value": "x"}]),
            mail(BOB, topic_id="t-2", tags=[{"name": "kind", "value": "receipt"}, {"name": "kind", "value": "x"}]),
        ),
        "recipients": [("0.to.0", MAIL, ADA), ("1.to.0", MAIL, BOB)],
        "markers": FROM_SHOP | {"tags.kind": ("receipt", "x")},
        "schema": BATCH,
    },
    "tags that are none": {
        "request": send(ADA, tags=["kind", {}]),
        "recipients": one(),
        "markers": FROM_SHOP,
        "schema": "",
    },
    "schedules": {
        "request": batch(
            mail(ADA, scheduled_at="2030-03-17T17:46:40.000Z"),
            mail(BOB, scheduled_at="tomorrow at 9am", cc="cy@example.com"),
            mail("di@x.io", scheduled_at="2030-03-17T17:46:40"),
        ),
        "recipients": [
            ("0.to.0", MAIL, ADA, 1900000000),
            ("1.to.0", MAIL, BOB, inf),
            ("1.cc.0", MAIL, "cy@example.com", inf),
            ("2.to.0", MAIL, "di@x.io", inf),
        ],
        "markers": FROM_SHOP,
        "schema": BATCH,
    },
    "spelling that must survive": {
        "request": post(
            b'{ "from": "shop@example.com", "template": {"id":"t","variables": {"price": 1.10,'
            b' "id": 123456789012345678901234567890}}, "to": [ "\\u0061da@example.com", "bob@example.com"] }\n'
        ),
        "recipients": [("to.0", MAIL, ADA), ("to.1", MAIL, BOB)],
        "markers": {"from": ("shop@example.com",), "template.id": ("t",)},
        "schema": "",
        "removal": {
            "places": {"to.0"},
            "body": b'{"from":"shop@example.com","template":{"id":"t","variables":{"price":1.10,'
            b'"id":123456789012345678901234567890}},"to":["bob@example.com"]}',
        },
    },
    "a trailing slash": {
        "request": replace(send(ADA), path="/emails/"),
        "recipients": one(),
        "markers": FROM_SHOP,
    },
}

HARMLESS: dict[str, Request] = {
    "to cancel a mail": Request("POST", "/emails/1/cancel"),
    "to share a mail": Request("POST", "/emails/1/share"),
    "to list mails": Request("GET", "/emails"),
    "a domain": Request("POST", "/domains"),
    "to check a domain": Request("POST", "/domains/1/verify"),
    "to change a domain": Request("PATCH", "/domains/1"),
    "a template": Request("POST", "/templates"),
    "to publish a template": Request("POST", "/templates/1/publish"),
    "a topic": Request("POST", "/topics"),
    "to delete a segment": Request("DELETE", "/segments/1"),
    "a kind of event": Request("POST", "/events"),
    "to delete a kind of event": Request("DELETE", "/events/user.created"),
    "a suppression": Request("POST", "/suppressions"),
    "suppressions": Request("POST", "/suppressions/batch/add"),
    "to cancel a broadcast": Request("POST", "/broadcasts/1/cancel"),
    "to delete a broadcast": Request("DELETE", "/broadcasts/1"),
    "a broadcast that is a draft": Request(
        "POST", "/broadcasts", body=b'{"segment_id": "1", "from": "a@x.io", "subject": "x", "send": false}'
    ),
    "to change the draft of a broadcast": Request("PATCH", "/broadcasts/1", body=b'{"subject": "x"}'),
    "to stop an automation": Request("POST", "/automations/1/stop"),
    "to delete a contact": Request("DELETE", "/contacts/ada%40example.com"),
    "to take a contact out of an audience": Request("DELETE", "/audiences/1/contacts/2"),
    "a draft": Request("POST", "/inboxes/1/drafts"),
    "to change a draft": Request("PATCH", "/inboxes/1/drafts/2"),
    "to delete a draft": Request("DELETE", "/inboxes/1/drafts/2"),
}

HIDDEN: dict[str, Request] = {
    "another time for a mail": Request("PATCH", "/emails/1"),
    "a broadcast that is sent": Request("POST", "/broadcasts", body=b'{"segment_id": "1", "send": true}'),
    "a broadcast that may be sent": Request("POST", "/broadcasts", body=b'{"segment_id": "1", "send": 0}'),
    "a broadcast at a time": Request("PATCH", "/broadcasts/1", body=b'{"scheduled_at": "in 1 min"}'),
    "a broadcast with a key that nobody knows": Request("POST", "/broadcasts", body=b'{"Send": true}'),
    "broadcasts": Request("POST", "/broadcasts", body=b"[]"),
    "a broadcast that cannot be read": Request("POST", "/broadcasts", body=b"send=true"),
    "to send a broadcast": Request("POST", "/broadcasts/1/send"),
    "another broadcast of the same": Request("POST", "/broadcasts/1/duplicate"),
    "an event": Request("POST", "/events/send"),
    "an automation": Request("POST", "/automations"),
    "to start an automation": Request("PATCH", "/automations/1"),
    "another automation of the same": Request("POST", "/automations/1/duplicate"),
    "a contact": Request("POST", "/contacts"),
    "to change a contact": Request("PATCH", "/contacts/ada%40example.com"),
    "the topics of a contact": Request("PATCH", "/contacts/1/topics"),
    "contacts": Request("POST", "/contacts/imports"),
    "a contact for a segment": Request("POST", "/contacts/1/segments/2"),
    "a contact for an audience": Request("POST", "/audiences/1/contacts"),
    "to change a contact of an audience": Request("PATCH", "/audiences/1/contacts/2"),
    "to send a draft": Request("POST", "/inboxes/1/drafts/2/send"),
    "to answer": Request("POST", "/inboxes/1/threads/2/emails/3/reply"),
    "whoever answers by itself": Request("PATCH", "/inboxes/1/agent"),
}

GUARDED: dict[str, Request] = {
    "the webhooks": Request("GET", "/webhooks"),
    "a webhook, with its secret": Request("GET", "/webhooks/1"),
    "a new webhook": Request("POST", "/webhooks"),
    "a webhook elsewhere": Request("PATCH", "/webhooks/1"),
    "no webhook any more": Request("DELETE", "/webhooks/1"),
    "another secret": Request("POST", "/webhooks/1/signing-secret/rotate"),
    "to repeat what a webhook told": Request("POST", "/webhooks/1/events/2/replay"),
    "a key": Request("POST", "/api-keys"),
    "who may use the account": Request("GET", "/oauth/grants"),
    "what was answered to somebody": Request("GET", "/logs/1"),
    "to release somebody": Request("DELETE", "/suppressions/ada%40example.com"),
    "to release many": Request("POST", "/suppressions/batch/remove"),
}

UNKNOWN: dict[str, Request] = {
    "a send by PUT": Request("PUT", "/emails"),
    "a send in another case": Request("POST", "/Emails"),
    "a method in another case": Request("post", "/emails"),
    "a read with dots in its path": Request("GET", "/x/../emails"),
    "the API before": Request("POST", "/email"),
    "below a send": Request("POST", "/emails/batch/now"),
    "a mail by its id": Request("POST", "/emails/1"),
    "an inbox": Request("POST", "/inboxes"),
    "a thread": Request("PATCH", "/inboxes/1/threads/2"),
    "a broadcast without a body": Request("POST", "/broadcasts/1/review"),
}


def refused_at(place: str, **more: Any) -> tuple[Request, str, Reason]:
    """Give a mail to Ada with further keys that cannot be read at this place."""
    return post({**mail(ADA), **more}), place, Reason.UNREADABLE


UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "", Reason.UNREADABLE),
    "an array": (post([mail(ADA)]), "", Reason.UNREADABLE),
    "a batch that is none": (post(mail(ADA), "/emails/batch"), "", Reason.UNREADABLE),
    "an empty batch": (batch(), "", Reason.NO_RECIPIENT),
    "a batch to nobody": (batch(mail([]), mail([], cc=ADA)), "", Reason.NO_RECIPIENT),
    "a mail as text in a batch": (batch(mail(ADA), "x"), "1", Reason.UNREADABLE),
    "nobody": (post(TEXT), "to", Reason.NO_RECIPIENT),
    "an empty text": (send(" , "), "to", Reason.NO_RECIPIENT),
    "an empty array": (send([]), "to", Reason.NO_RECIPIENT),
    "copies alone": (post({**TEXT, "cc": ADA}), "to", Reason.NO_RECIPIENT),
    "to as object": refused_at("to", to={"email": ADA}),
    "an address as object": refused_at("to.0", to=[{"email": ADA}]),
    "cc as null": refused_at("cc", cc=None),
    "a group": refused_at("to", to=f"friends: {ADA};"),
    "a semicolon": refused_at("to.1", to=[BOB, f"{ADA}; b@x.io"]),
    "two addresses in one": refused_at("to", to="b@x.io <ada@example.com>"),
    "a header in an address": refused_at("bcc.0", bcc=["Ada\r\nBcc: b@x.io <ada@example.com>"]),
    "To": (post({**TEXT, "To": ADA}), "", Reason.UNREADABLE),
    "bcc[]": refused_at("", **{"bcc[]": "b@x.io"}),
    "cc in full width": (batch(mail(ADA), mail(ADA) | {"ｃｃ": "b@x.io"}), "1", Reason.UNREADABLE),
    "recipients": refused_at("", recipients=["b@x.io"]),
    "an audience": refused_at("", audience_id="1"),
    "scheduledAt": refused_at("", scheduledAt="2030-03-17T17:46:40Z"),
    "a time as number": refused_at("scheduled_at", scheduled_at=1900000000),
    "a time as number in a batch": (batch(mail(ADA, scheduled_at=1)), "0.scheduled_at", Reason.UNREADABLE),
    "a header that names recipients": refused_at("headers", headers={"BCC": "b@x.io"}),
    "a header that names recipients in a batch": (
        batch(mail(ADA, headers={"Resent_To": "b@x.io"})),
        "0.headers",
        Reason.UNREADABLE,
    ),
    "headers as list": refused_at("headers", headers=[{"name": "Bcc", "value": "b@x.io"}]),
    "a header with a colon": refused_at("headers", headers={"Bcc: b@x.io\r\nX-A": "1"}),
    "a header in a header": refused_at("headers", headers={"X-A": "1\r\nBcc: b@x.io"}),
    "a header in the subject": refused_at("subject", subject="Hi\nBcc: b@x.io"),
    "a header in the sender": refused_at("from", **{"from": "Shop\r\nBcc: b@x.io <shop@example.com>"}),
    "a header in an address for answers": refused_at("reply_to", reply_to=["a@x.io\nBcc: b@x.io"]),
}

JSON = "application/json"
REFUSALS: dict[str, dict[str, Any]] = {
    "a recipient": {
        "request": send(ADA),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, ("to.0",)),
        "status": 422,
        "content_type": JSON,
        "body": b'{"statusCode":422,"name":"validation_error","message":"no"}',
    },
    "nobody": {
        "request": send([]),
        "refusal": Refusal(Reason.NO_RECIPIENT, "nobody", None, ("to",)),
        "status": 422,
        "content_type": JSON,
        "body": b'{"statusCode":422,"name":"missing_required_field","message":"nobody"}',
    },
    "a sender nobody knows": {
        "request": send(ADA),
        "refusal": Refusal(Reason.SENDER_REFUSED, "who?", 403),
        "status": 403,
        "content_type": JSON,
        "body": b'{"statusCode":403,"name":"restricted_api_key","message":"who?"}',
    },
    "too large": {
        "request": send(ADA),
        "refusal": Refusal(Reason.UNREADABLE, "too large", 413),
        "status": 413,
        "content_type": JSON,
        "body": b'{"statusCode":413,"name":"validation_error","message":"too large"}',
    },
    "later": {
        "request": batch(*THREE),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": JSON,
        "body": b'{"statusCode":503,"name":"application_error","message":"later"}',
    },
}

ID = r'\{"id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}"\}'
ACCEPTED: dict[str, dict[str, Any]] = {
    "a mail": {"request": send(ADA), "status": 200, "content_type": JSON, "body": ID},
    "a batch": {
        "request": batch(*THREE),
        "status": 200,
        "content_type": JSON,
        "body": rf'\{{"data":\[{ID},{ID},{ID}\]\}}',
    },
}
