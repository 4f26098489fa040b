"""SparkPost's table of samples: requests and what must come of them, for test_conformance.py.

SparkPost's own description is written for people, so there is no SPEC that a body could be held against.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel
from policy.reasons import Reason
from proxy.providers import sparkpost
from proxy.providers.base import Provider, Refusal, Request

PROVIDER: Provider = sparkpost
FORMAT = "json"
SECRETS = ("sp-top-secret",)
HEADERS = CIMultiDictProxy(CIMultiDict({"Authorization": "sp-top-secret", "Content-Type": "application/json"}))

MAIL = Channel.MAIL
ADA, BOB, CY, DI = "ada@example.com", "bob@example.com", "cy@example.com", "di@x.io"
SEND = "/api/v1/transmissions"
TEXT: dict[str, Any] = {"from": {"email": "shop@example.com", "name": "Shop"}, "subject": "Grüße", "text": "two\nlines"}


def post(body: Any, path: str = SEND, query: str = "") -> Request:
    """Give a send with this body: bytes as they are, anything else as JSON."""
    return Request("POST", path, query, HEADERS, body if isinstance(body, bytes) else orjson.dumps(body))


def send(*recipients: Any, content: Any = None, query: str = "", **more: Any) -> Request:
    """Give a transmission to these recipients, addresses or whole objects."""
    entries = [each if isinstance(each, dict) else {"address": {"email": each}} for each in recipients]
    return post({**more, "recipients": entries, "content": content or TEXT}, query=query)


def copy(email: str, header_to: str, **more: Any) -> dict[str, Any]:
    """Give a recipient who gets a copy of somebody's mail."""
    return {"address": {"email": email, "header_to": header_to}, **more}


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample."""
    body = orjson.loads(request.body)
    recipient = body["recipients"][int(place.split(".")[1])]
    if isinstance(recipient["address"], str):
        recipient["address"] = address
    else:
        recipient["address"]["email"] = address
    return replace(request, body=orjson.dumps(body))


def pieces(request: Request) -> Iterator[str]:
    """Give all that a body says, each person of a text that shows several by itself."""
    return leaves(orjson.loads(request.body), "")


def leaves(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from leaves(value, f"{path}.{name}")
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, f"{path}.*")
    elif path.endswith("email_rfc822"):
        for line in node.replace("\r\n ", " ").split("\r\n"):
            name, _, value = line.partition(": ")
            yield from (f"{path} {name} = {each.strip()}" for each in value.split(","))
    elif path.lower().endswith((".header_to", ".headers.cc")):
        yield from (f"{path} = {each.strip()}" for each in node.split(","))
    else:
        yield f"{path} = {node!r}"


def answer(accepted: int, rejected: int = 0, **more: Any) -> dict[str, Any]:
    """Give SparkPost's answer to a transmission that it took."""
    results = {"total_rejected_recipients": rejected, "total_accepted_recipients": accepted, "id": "11668787484950529"}
    return {"results": {**more, **results}}


def rejected(*places: str, reason: str = "opted_out") -> list[dict[str, str]]:
    """Give what is told of recipients who were taken out."""
    told = f"sendgate: no message is sent to this recipient ({reason})"
    return [
        {"message": "Message generation rejected", "description": f"{told} (at {place})", "code": "1902"}
        for place in places
    ]


PARTLY = [{"message": "transmission created, but with validation errors", "code": "2000"}]
MISSING = {"message": "required field is missing", "description": "address.email is required", "code": "1400"}


def raw(**headers: str) -> str:
    """Give a raw message."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\nHello\r\n"


SENDS: dict[str, dict[str, Any]] = {
    "one recipient": {
        "request": send({"address": {"email": "Ada@Example.com", "name": "Ada, Countess of Lovelace"}}),
        "recipients": [("recipients.0", MAIL, ADA)],
    },
    "addresses as text": {
        "request": send({"address": ADA, "tags": ["a"]}, {"address": BOB, "substitution_data": {"x": 1}}),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, BOB)],
        "removal": {
            "places": {"recipients.0"},
            "body": send({"address": BOB, "substitution_data": {"x": 1}}).body,
        },
        "restored": [
            {
                "places": {"recipients.0"},
                "answer": orjson.dumps(answer(1)),
                "told": orjson.dumps(
                    {**answer(1, 1, rcpt_to_errors=rejected("recipients.0")), "errors": PARTLY},
                ),
            },
            {
                "places": {"recipients.0"},
                "status": 400,
                "answer": b'{"errors":[{"message":"bad recipients[0].address","code":"1300"},{"message":"x"}]}',
                "told": b'{"errors":[{"message":"bad recipients[1].address","code":"1300"},{"message":"x"}]}',
            },
            {"places": {"recipients.0"}, "status": 420, "answer": b"slow down", "told": b"slow down"},
        ],
    },
    "copies fall with whom they show": {
        "request": send(
            ADA,
            copy(CY, f'"Ada" <{ADA}>'),
            BOB,
            copy(DI, f"{ADA}, Bob <{BOB}>"),
            content={**TEXT, "headers": {"CC": f"{CY}, Di <{DI}>", "X-A": "1"}},
        ),
        "recipients": [
            ("recipients.0", MAIL, ADA),
            ("recipients.1", MAIL, CY),
            ("recipients.2", MAIL, BOB),
            ("recipients.3", MAIL, DI),
        ],
        "removal": {
            "places": {"recipients.0"},
            "gone": {"recipients.0", "recipients.1"},
            "body": send(
                BOB,
                copy(DI, f"Bob <{BOB}>"),
                content={**TEXT, "headers": {"CC": f"Di <{DI}>", "X-A": "1"}},
            ).body,
        },
        "restored": [
            {
                "places": {"recipients.0"},
                "answer": orjson.dumps({"errors": PARTLY, **answer(1, 1, rcpt_to_errors=[MISSING])}),
                "told": orjson.dumps(
                    {
                        "errors": PARTLY,
                        **answer(1, 3, rcpt_to_errors=[MISSING, *rejected("recipients.0", "recipients.1")]),
                    }
                ),
            },
        ],
    },
    "copies of copies": {
        "request": send(ADA, BOB, copy(CY, ADA), copy(DI, CY), copy("eve@x.io", f"{DI}, {CY}")),
        "recipients": [
            ("recipients.0", MAIL, ADA),
            ("recipients.1", MAIL, BOB),
            ("recipients.2", MAIL, CY),
            ("recipients.3", MAIL, DI),
            ("recipients.4", MAIL, "eve@x.io"),
        ],
        "removal": {
            "places": {"recipients.0"},
            "gone": {f"recipients.{number}" for number in (0, 2, 3, 4)},
            "body": send(BOB).body,
        },
    },
    "a copy that nobody sees any more": {
        "request": send(ADA, copy(CY, ADA), content={**TEXT, "headers": {"Cc": CY}}),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, CY)],
        "removal": {"places": {"recipients.1"}, "body": send(ADA, content={**TEXT, "headers": {}}).body},
    },
    "whoever stays is shown": {
        "request": send(ADA, "ADA@example.com", copy(CY, ADA)),
        "recipients": [
            ("recipients.0", MAIL, ADA),
            ("recipients.1", MAIL, ADA),
            ("recipients.2", MAIL, CY),
        ],
        "removal": {"places": {"recipients.0"}, "body": send("ADA@example.com", copy(CY, ADA)).body},
    },
    "everybody sees everybody": {
        "request": send(
            copy(ADA, f"{ADA},{BOB}, the team"), copy(BOB, f"{ADA},{BOB}, the team"), {"address": {"email": CY}}
        ),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, BOB), ("recipients.2", MAIL, CY)],
        "removal": {
            "places": {"recipients.0"},
            "body": send(copy(BOB, f"{BOB}, the team"), {"address": {"email": CY}}).body,
        },
    },
    "a number of errors to be told": {
        "request": send(ADA, BOB, CY, query="num_rcpt_errors=1"),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, BOB), ("recipients.2", MAIL, CY)],
        "restored": [
            {
                "places": {"recipients.0", "recipients.1"},
                "answer": orjson.dumps(answer(1)),
                "told": orjson.dumps({**answer(1, 2, rcpt_to_errors=rejected("recipients.0")), "errors": PARTLY}),
            }
        ],
    },
    "raw content": {
        "request": send(
            ADA,
            BOB,
            content={"email_rfc822": raw(From="shop@example.com", To=f"Ada <{ADA}>, {BOB}", Cc=BOB, Subject="Hi")},
        ),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, BOB)],
        "removal": {
            "places": {"recipients.1"},
            "body": send(
                ADA, content={"email_rfc822": raw(From="shop@example.com", To=f"Ada <{ADA}>", Subject="Hi")}
            ).body,
        },
    },
    "raw content with substitutions": {
        "request": send(ADA, BOB, content={"email_rfc822": raw(To='"{{address.name}}" <{{address.email}}>')}),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, BOB)],
        "removal": {
            "places": {"recipients.0"},
            "body": send(BOB, content={"email_rfc822": raw(To='"{{address.name}}" <{{address.email}}>')}).body,
        },
    },
    "markers": {
        "request": send(
            {"address": ADA, "tags": ["receipt", "a"], "metadata": {"user": "1", "kind": "order"}},
            {"address": BOB, "tags": ["b", "receipt"], "metadata": {"user": "2"}},
            content={"template_id": "welcome", "use_draft_template": False},
            options={"transactional": True, "ip_pool": "fast", "start_time": None},
            campaign_id="spring",
            metadata={"user": "0", "kind": "order", "empty": "", "number": 7},
        ),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, BOB)],
        "markers": {
            "options.transactional": ("true",),
            "options.ip_pool": ("fast",),
            "campaign_id": ("spring",),
            "content.template_id": ("welcome",),
            "metadata.kind": ("order",),
            "metadata.number": ("7",),
            "tags": ("receipt",),
        },
        "campaign": "spring",
    },
    "metadata and tags that are none": {
        "request": send({"address": ADA, "metadata": 7, "tags": 7}, {"address": BOB}, metadata={"a": "1"}),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, BOB)],
    },
    "an A/B test": {
        "request": send(ADA, content={"ab_test_id": "password_reset"}, options={"transactional": False}),
        "recipients": [("recipients.0", MAIL, ADA)],
        "markers": {"content.ab_test_id": ("password_reset",), "options.transactional": ("false",)},
    },
    "a schedule": {
        "request": send(ADA, options={"start_time": "2027-01-15T10:00:00+02:00"}),
        "recipients": [("recipients.0", MAIL, ADA, 1800000000)],
    },
    "a schedule in UTC": {
        "request": send(ADA, BOB, options={"start_time": "2027-01-15T08:00:00Z"}),
        "recipients": [("recipients.0", MAIL, ADA, 1800000000), ("recipients.1", MAIL, BOB, 1800000000)],
    },
    "no schedule": {
        "request": send(ADA, options={"start_time": "now"}),
        "recipients": [("recipients.0", MAIL, ADA)],
    },
    "past SparkPost's own list": {
        "request": send(ADA, BOB, options={"skip_suppression": True, "open_tracking": False}),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, BOB)],
        "bypasses": ("options.skip_suppression",),
        "stripped": send(ADA, BOB, options={"open_tracking": False}).body,
    },
    "past SparkPost's own list, said in another way": {
        "request": send(ADA, options={"skip_suppression": "no"}),
        "recipients": [("recipients.0", MAIL, ADA)],
        "bypasses": ("options.skip_suppression",),
        "stripped": send(ADA, options={}).body,
    },
    "not past SparkPost's own list": {
        "request": send(ADA, options={"skip_suppression": False}),
        "recipients": [("recipients.0", MAIL, ADA)],
    },
    "a stored list": {
        "request": post({"recipients": {"list_id": "all_subscribers"}, "content": TEXT, "metadata": {"kind": "x"}}),
        "recipients": [],
        "hidden": ("recipients.list_id",),
    },
    "a stored list, past SparkPost's own": {
        "request": post({"options": {"skip_suppression": True}, "recipients": {"list_id": "all"}, "content": TEXT}),
        "recipients": [],
        "hidden": ("recipients.list_id",),
        "bypasses": ("options.skip_suppression",),
        "stripped": post({"options": {}, "recipients": {"list_id": "all"}, "content": TEXT}).body,
    },
    "addresses without a key": {
        "request": send(f"Ada <{ADA}>", f"{ADA},{BOB}", "", "{{who}}@example.com", BOB),
        "recipients": [
            ("recipients.0", MAIL, None),
            ("recipients.1", MAIL, None),
            ("recipients.2", MAIL, None),
            ("recipients.3", MAIL, None),
            ("recipients.4", MAIL, BOB),
        ],
        "removal": {"places": {f"recipients.{number}" for number in range(4)}, "body": send(BOB).body},
    },
    "a trailing slash": {
        "request": replace(send(ADA), path=f"{SEND}/"),
        "recipients": [("recipients.0", MAIL, ADA)],
    },
    "what is overridden": {
        "request": send(
            ADA,
            override={"from": {"email": "s@x.io"}, "reply_to": "Shop <s@x.io>", "list_id": "<news@x.io>"},
            return_path="bounces@x.io",
            name="Spring",
        ),
        "recipients": [("recipients.0", MAIL, ADA)],
    },
    "spelling that must survive": {
        "request": post(
            b'{ "content": {"template_id":"x"}, "substitution_data": {"price": 1.10, "id":'
            b' 123456789012345678901234567890}, "recipients": [ {"address": "\\u0061da@example.com"},'
            b' {"address":{"email":"bob@example.com"}} ] }\n'
        ),
        "recipients": [("recipients.0", MAIL, ADA), ("recipients.1", MAIL, BOB)],
        "markers": {"content.template_id": ("x",)},
        "removal": {
            "places": {"recipients.0"},
            "body": b'{"content":{"template_id":"x"},"substitution_data":{"price":1.10,"id":'
            b'123456789012345678901234567890},"recipients":[{"address":{"email":"bob@example.com"}}]}',
        },
    },
}

HARMLESS: dict[str, Request] = {
    "to read events": Request("GET", "/api/v1/events/message"),
    "to cancel a transmission": Request("DELETE", f"{SEND}/11714265276872"),
    "to cancel a campaign": Request("DELETE", SEND, "campaign_id=white-christmas"),
    "a stored list": Request("POST", "/api/v1/recipient-lists", "num_rcpt_errors=3"),
    "to delete a stored list": Request("DELETE", "/api/v1/recipient-lists/all"),
    "a template": Request("PUT", "/api/v1/templates/welcome"),
    "to look at a template": Request("POST", "/api/v1/templates/welcome/preview"),
    "to read suppressions": Request("GET", "/api/v1/suppression-list"),
    "a suppression": Request(
        "PUT", "/api/v1/suppression-list/ada%40example.com", body=b'{"type":"non_transactional","description":"asked"}'
    ),
    "suppressions": Request(
        "PUT", "/api/v1/suppression-list/", body=b'{"recipients":[{"recipient":"a@x.io","transactional":true}]}'
    ),
    "an A/B test": Request("POST", "/api/v1/ab-test/draft/1/schedule"),
    "a sending domain": Request("POST", "/api/v1/sending-domains"),
    "a tracking domain": Request("POST", "/api/v1/tracking-domains/x.io/verify"),
    "a pool": Request("PUT", "/api/v1/ip-pools/fast"),
}

GUARDED: dict[str, Request] = {
    "the webhooks": Request("GET", "/api/v1/webhooks"),
    "a webhook": Request("POST", "/api/v1/webhooks"),
    "to try a webhook": Request("POST", "/api/v1/webhooks/1/validate"),
    "no webhook any more": Request("DELETE", "/api/v1/webhooks/1"),
    "a webhook for what comes in": Request("GET", "/api/v1/relay-webhooks"),
    "a key": Request("POST", "/api/v1/api-keys"),
    "a subaccount, answered with a key": Request("POST", "/api/v1/subaccounts"),
    "a user, who is invited": Request("POST", "/api/v1/users"),
    "the account, with its default class": Request("PUT", "/api/v1/account"),
    "to lift a suppression": Request("DELETE", "/api/v1/suppression-list/ada@example.com"),
    "to lift one by writing it": Request(
        "PUT", "/api/v1/suppression-list/ada@example.com", body=b'{"non_transactional":false}'
    ),
    "to lift some by writing them": Request(
        "PUT", "/api/v1/suppression-list", body=b'{"recipients":[{"recipient":"a@x.io","transactional":false}]}'
    ),
    "suppressions that are none": Request("PUT", "/api/v1/suppression-list", body=b'{"recipients":["a@x.io"]}'),
}

UNKNOWN: dict[str, Request] = {
    "a send by PUT": Request("PUT", SEND),
    "a change of a transmission": Request("PUT", f"{SEND}/1"),
    "a send to what looks like one": Request("POST", f"{SEND}/1"),
    "another version": Request("POST", "/api/v2/transmissions"),
    "a read of another version": Request("GET", "/api/labs/transmissions"),
    "without the API's prefix": Request("POST", "/v1/transmissions"),
    "in another case": Request("POST", "/api/v1/Transmissions"),
    "a domain's verification, which may be mailed": Request("POST", "/api/v1/sending-domains/x.io/verify"),
    "an alert, which is mailed": Request("POST", "/api/v1/alerts"),
    "dots": Request("DELETE", "/api/v1/templates/../transmissions"),
}


def refused(*, reason: Reason = Reason.UNREADABLE, at: str = "", **body: Any) -> tuple[Request, str, Reason]:
    """Give a row of a body that is not read, with one recipient unless it says others."""
    return post({"recipients": [{"address": ADA}], "content": TEXT, **body}), at, reason


def refused_content(at: str, **content: Any) -> tuple[Request, str, Reason]:
    """Give a row of a content that is not read."""
    return refused(content={**TEXT, **content}, at=f"content.{at}" if at else "content")


def refused_recipient(recipient: Any, at: str = "") -> tuple[Request, str, Reason]:
    """Give a row of a second recipient that is not read."""
    return refused(recipients=[{"address": ADA}, recipient], at=f"recipients.1{at}")


UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "", Reason.UNREADABLE),
    "an array": (post([]), "", Reason.UNREADABLE),
    "no recipients": (post({"content": TEXT}), "recipients", Reason.NO_RECIPIENT),
    "nobody": refused(recipients=[], at="recipients", reason=Reason.NO_RECIPIENT),
    "recipients as text": refused(recipients=ADA, at="recipients"),
    "recipients as null": refused(recipients=None, at="recipients"),
    "neither people nor a list": refused(recipients={"id": "all"}, at="recipients"),
    "people beside a list": refused(recipients={"list_id": "all", "address": ADA}, at="recipients"),
    "a list in another case": refused(recipients={"List_Id": "all"}, at="recipients"),
    "Recipients": refused(Recipients_=[], at=""),
    "a list beside people": refused(list_id="all"),
    "cc": refused(cc=[BOB]),
    "BCC": refused(BCC=[BOB]),
    "archive": refused(archive=[{"address": BOB}]),
    "to": refused(to=BOB),
    "Options": refused(Options={"skip_suppression": True}),
    "options as list": refused(options=[], at="options"),
    "a recipient as text": refused_recipient(BOB),
    "a recipient without an address": refused_recipient({"email": BOB}),
    "no address at all": refused_recipient({"tags": []}, ".address"),
    "Address": refused_recipient({"address": BOB, "Address_": CY}),
    "more addresses": refused_recipient({"address": BOB, "multichannel_addresses": [{"email": CY}]}),
    "an address without an e-mail": refused_recipient({"address": {"name": "Bob"}}, ".address"),
    "an address as list": refused_recipient({"address": [BOB]}, ".address"),
    "an e-mail as list": refused_recipient({"address": {"email": [BOB]}}, ".address"),
    "Email": refused_recipient({"address": {"email": BOB, "E-Mail": CY}}, ".address"),
    "cc in an address": refused_recipient({"address": {"email": BOB, "cc": CY}}, ".address"),
    "a header in a name": refused_recipient({"address": {"email": BOB, "name": "\nBcc: x"}}, ".address.name"),
    "a header in header_to": refused_recipient(copy(BOB, f"{ADA}\r\nBcc: x"), ".address.header_to"),
    "header_to as list": refused_recipient({"address": {"email": BOB, "header_to": [ADA]}}, ".address.header_to"),
    "a group in header_to": refused_recipient(copy(BOB, f"all: {ADA};"), ".address.header_to"),
    "a time without a zone": refused(options={"start_time": "2030-01-01T00:00:00"}, at="options.start_time"),
    "a time as number": refused(options={"start_time": 1900000000}, at="options.start_time"),
    "a day that is none": refused(options={"start_time": "2030-02-30T00:00:00Z"}, at="options.start_time"),
    "another start_time": refused(options={"startTime": "2030-01-01T00:00:00Z"}, at="options"),
    "another skip_suppression": refused(options={"Skip-Suppression": True}, at="options"),
    "content as text": refused(content="Hi", at="content"),
    "Headers": refused_content("", Headers={"Bcc": BOB}),
    "recipients in the content": refused_content("", recipients=[{"address": BOB}]),
    "headers as list": refused_content("headers", headers=["Bcc"]),
    "a To header": refused_content("headers", headers={"To": BOB}),
    "a Bcc header": refused_content("headers", headers={"bcc": BOB}),
    "X-MSYS-API": refused_content("headers", headers={"X-MSYS-API": '{"cc":[]}'}),
    "a Cc header in another spelling": refused_content("headers", headers={"C-c": BOB}),
    "a Cc header as list": refused_content("headers", headers={"CC": [BOB]}),
    "a Cc header with a group": refused_content("headers", headers={"CC": f"all: {BOB};"}),
    "a header with a colon": refused_content("headers", headers={"Bcc: x\r\nX-A": "1"}),
    "a header in a header": refused_content("headers", headers={"X-A": f"1\nBcc: {BOB}"}),
    "a header in the subject": refused_content("subject", subject=f"Hi\r\nBcc: {BOB}"),
    "a header in the sender": refused_content("from", **{"from": {"email": "s@x.io", "name": "\nBcc: x"}}),
    "recipients in the sender": refused_content("from", **{"from": {"email": "s@x.io", "bcc": BOB}}),
    "a header in the address for answers": refused_content("reply_to", reply_to="s@x.io\nBcc: x"),
    "a header in what overrides": refused(override={"reply_to": "s@x.io\nBcc: x"}, at="override.reply_to"),
    "recipients in what overrides": refused(override={"recipients": [{"address": BOB}]}, at="override"),
    "raw content as object": refused_content("email_rfc822", email_rfc822={}),
    "raw content without headers": refused_content("email_rfc822", email_rfc822="Hello"),
    "raw content with Bcc": refused_content("email_rfc822", email_rfc822=raw(To=ADA, Bcc=BOB)),
    "raw content with X-MSYS-API": refused_content("email_rfc822", email_rfc822=raw(**{"X-MSYS-API": "{}"})),
    "raw content with two To": refused_content("email_rfc822", email_rfc822=raw(To=ADA, to=BOB)),
    "raw content with a group": refused_content("email_rfc822", email_rfc822=raw(To=f"all: {ADA};")),
    "a form": (post(b"to=ada%40example.com"), "", Reason.UNREADABLE),
}

REFUSALS: dict[str, dict[str, Any]] = {
    "places": {
        "request": send(ADA),
        "refusal": Refusal(Reason.UNREADABLE, "no", None, ("recipients.0.address", "content")),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"errors":[{"message":"invalid data format/type","description":"no (at recipients.0.address)",'
        b'"code":"1300"},{"message":"invalid data format/type","description":"no (at content)","code":"1300"}]}',
    },
    "nobody": {
        "request": send(),
        "refusal": Refusal(Reason.NO_RECIPIENT, "nobody"),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"errors":[{"message":"At least one valid recipient is required","description":"nobody",'
        b'"code":"5002"}]}',
    },
    "later": {
        "request": post(b""),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": "application/json",
        "body": b'{"errors":[{"message":"later"}]}',
    },
    "more places than anybody reads": {
        "request": send(),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, ("content",) * 1000),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"errors":['
        + b",".join([b'{"message":"invalid data format/type","description":"no (at content)","code":"1300"}'] * 100)
        + b"]}",
    },
}

ACCEPTED: dict[str, dict[str, Any]] = {
    "two recipients": {
        "request": send(ADA, BOB),
        "status": 200,
        "content_type": "application/json",
        "body": r'\{"results":\{"total_rejected_recipients":0,"total_accepted_recipients":2,"id":"\d{17}"\}\}',
    },
    "a stored list": {
        "request": SENDS["a stored list"]["request"],
        "status": 200,
        "content_type": "application/json",
        "body": r'\{"results":\{"total_rejected_recipients":0,"total_accepted_recipients":0,"id":"\d{17}"\}\}',
    },
}
