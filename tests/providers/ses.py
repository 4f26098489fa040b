"""SES's table of samples: requests of both its APIs and what must come of them, for test_conformance.py."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel
from policy.reasons import Reason
from proxy.formats import mime, query
from proxy.providers import ses
from proxy.providers.base import Provider, Refusal, Request

PROVIDER: Provider = ses
FORMAT = "json"
SECRETS = ("AKIDEXAMPLE", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", "session-token")
SIGNED = {
    "Authorization": f"AWS4-HMAC-SHA256 Credential={SECRETS[0]}/20150830/us-east-1/ses/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={SECRETS[1]}",
    "X-Amz-Security-Token": SECRETS[2],
}
JSON = CIMultiDictProxy(CIMultiDict({**SIGNED, "Content-Type": "application/json"}))
FORM = CIMultiDictProxy(CIMultiDict({**SIGNED, "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}))

MAIL = Channel.MAIL
FROM = "Shop <shop@example.com>"
TEXT: dict[str, Any] = {"Simple": {"Subject": {"Data": "Grüße"}, "Body": {"Text": {"Data": 'two\nlines: \\ " 1.10'}}}}
LISTS = {"ToAddresses", "CcAddresses", "BccAddresses", "Destinations", "ReplyToAddresses", "Tags", "DefaultTags"}


# ── requests ──


def post(body: Any, path: str = "/v2/email/outbound-emails") -> Request:
    """Give a send of API v2: bytes as they are, anything else as JSON."""
    return Request("POST", path, "", JSON, body if isinstance(body, bytes) else orjson.dumps(body))


def send(*to: str, **more: Any) -> Request:
    """Give a send to these people."""
    body = {"FromEmailAddress": FROM, "Destination": {"ToAddresses": list(to)}, "Content": TEXT, **more}
    return post({name: value for name, value in body.items() if value is not None})


def bulk(*entries: Any, **more: Any) -> Request:
    """Give a bulk send with these entries."""
    content = {"Template": {"TemplateName": "news", "TemplateData": "{}"}}
    body = {"FromEmailAddress": FROM, "DefaultContent": content, "BulkEmailEntries": list(entries), **more}
    return post(body, "/v2/email/outbound-bulk-emails")


def entry(*to: str, **more: Any) -> dict[str, Any]:
    """Give an entry of a bulk send."""
    return {"Destination": {"ToAddresses": list(to)}, **more}


def act(action: str, body: bytes | str = b"") -> Request:
    """Ask for an action of the query API; the body is what follows."""
    rest = body.encode() if isinstance(body, str) else body
    return Request("POST", "/", "", FORM, b"Action=%b&Version=2010-12-01%b" % (action.encode(), rest))


def fields(**given: str) -> str:
    """Write fields of a form; a double underscore stands for a dot."""
    return "".join(f"&{name.replace('__', '.')}={quote(value, safe='')}" for name, value in given.items())


def written(*headers: str, body: str = "Hello\r\n") -> str:
    """Give a message in MIME, in base64."""
    return base64.b64encode(("\r\n".join(headers) + f"\r\n\r\n{body}").encode()).decode()


def raw(data: str, **more: Any) -> Request:
    """Give a send of a message in MIME."""
    return post({"Content": {"Raw": {"Data": data}}, **more})


# ── what the laws ask of the table ──


def tree(request: Request) -> dict[str, Any]:
    """Give the tree of a body."""
    if request.path == "/":
        return query.read(request.body, frozenset(LISTS))
    told: dict[str, Any] = orjson.loads(request.body)
    return told


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample."""
    body = tree(request)
    *owners, last = (int(step) if step.isdigit() else step for step in place.split("."))
    spot: Any = body
    for number, step in enumerate(owners):
        if step == "Data":
            spot["Data"] = readdressed(spot["Data"], str(owners[number + 1]), int(last), address)
            break
        spot = spot[step]
    else:
        spot[last] = address
    return replace(request, body=query.write(body) if request.path == "/" else orjson.dumps(body))


def readdressed(data: str, header: str, number: int, address: str) -> str:
    """Put another address into a header of a message in MIME."""
    message = mime.read(base64.b64decode(data))
    value, mailbox = message.value(header) or "", message.mailboxes(header)[number]
    changed = message.rewritten({header: f"{value[: mailbox.start]}{address}{value[mailbox.end :]}"})
    return base64.b64encode(changed).decode()


def pieces(request: Request) -> Iterator[str]:
    """Take a request apart into all that it says."""
    yield from said("", tree(request))


def said(path: str, node: Any) -> Iterator[str]:
    """Give the leaves of a tree; a message in MIME by its headers and body, lists of people by the people."""
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from said(f"{path}.{name}", inner)
    elif isinstance(node, list):
        for inner in node:
            yield from said(f"{path}.*", inner)
    elif path in (".Content.Raw.Data", ".RawMessage.Data"):
        message = mime.read(base64.b64decode(node))
        for name in {header.name for header in message.headers}:
            value = message.value(name) or ""
            people = name in {each.lower() for each in mime.RECIPIENTS} and ":" not in value
            yield from (
                f"{name}: {each}" for each in ([m.address for m in message.mailboxes(name)] if people else [value])
            )
        yield base64.b64decode(node).partition(b"\r\n\r\n")[2].decode()
    else:
        yield f"{path} = {node!r}"


# ── rows ──

A, B, C, D = "ada@example.com", "bob@example.com", "cy@example.com", "di@example.io"
TO, CC, BCC = "Destination.ToAddresses", "Destination.CcAddresses", "Destination.BccAddresses"
RAW, OLD_RAW = "Content.Raw.Data", "RawMessage.Data"
MESSAGE = ("From: Shop <shop@example.com>", f"To: Ada <{A}>, {B}", f"Cc: {C}", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=")
MADE = fields(Source=FROM, Message__Subject__Data="Grüße & more", Message__Body__Text__Data="a b\n1+1;2 ü")

BULK = bulk(
    entry(A), entry(B, ReplacementEmailContent={"x": 1.10}), {"Destination": {"CcAddresses": [C], "ToAddresses": [D]}}
)
BULK_PLACES = [
    ("BulkEmailEntries.0.Destination.ToAddresses.0", MAIL, A),
    ("BulkEmailEntries.1.Destination.ToAddresses.0", MAIL, B),
    ("BulkEmailEntries.2.Destination.ToAddresses.0", MAIL, D),
    ("BulkEmailEntries.2.Destination.CcAddresses.0", MAIL, C),
]
OLD_BULK = act(
    "SendBulkTemplatedEmail",
    fields(
        Source=FROM,
        Template="news",
        DefaultTemplateData="{}",
        Destinations__member__1__Destination__ToAddresses__member__1=A,
        Destinations__member__1__Destination__CcAddresses="",
        Destinations__member__1__ReplacementTemplateData='{"n": 1.10}',
        Destinations__member__2__Destination__ToAddresses__member__1=B,
        Destinations__member__2__ReplacementTags__member__1__Name="n",
        Destinations__member__2__ReplacementTags__member__1__Value="2",
        Destinations__member__3__Destination__BccAddresses__member__1=C,
    ),
)
OLD_NAMESPACE = 'xmlns="http://ses.amazonaws.com/doc/2010-12-01/"'
WORDS = "sendgate: no message is sent to this recipient (opted_out)"


def old_results(*members: str) -> bytes:
    """Give the answer to a bulk send of the query API."""
    listed = "".join(f"<member>{member}</member>" for member in members)
    return (
        f"<SendBulkTemplatedEmailResponse {OLD_NAMESPACE}><SendBulkTemplatedEmailResult><Status>{listed}</Status>"
        "</SendBulkTemplatedEmailResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
        "</SendBulkTemplatedEmailResponse>"
    ).encode()


SENDS: dict[str, dict[str, Any]] = {
    "one recipient": {
        "request": send("Ada Lovelace <Ada@Example.com>"),
        "recipients": [(f"{TO}.0", MAIL, A)],
        "markers": {"FromEmailAddress": ("shop@example.com",)},
    },
    "all lists": {
        "request": send(A, B, Destination={"ToAddresses": [A, B], "CcAddresses": [C], "BccAddresses": [D]}),
        "recipients": [(f"{TO}.0", MAIL, A), (f"{TO}.1", MAIL, B), (f"{CC}.0", MAIL, C), (f"{BCC}.0", MAIL, D)],
        "markers": {"FromEmailAddress": ("shop@example.com",)},
        "removal": {
            "places": {f"{TO}.0", f"{CC}.0"},
            "body": send(Destination={"ToAddresses": [B], "BccAddresses": [D]}).body,
        },
    },
    "copies alone are left": {
        "request": send(Destination={"ToAddresses": [A], "BccAddresses": [D]}),
        "recipients": [(f"{TO}.0", MAIL, A), (f"{BCC}.0", MAIL, D)],
        "markers": {"FromEmailAddress": ("shop@example.com",)},
        "removal": {"places": {f"{TO}.0"}, "body": send(Destination={"BccAddresses": [D]}).body},
    },
    "addresses without a key": {
        "request": send(f"{A}, {B}", "", "nobody-known", f"{A} <{B}>", "friends: a@x.io;", "a@x.io\r\nBcc: b@x.io", B),
        "recipients": [*((f"{TO}.{number}", MAIL, None) for number in range(6)), (f"{TO}.6", MAIL, B)],
        "markers": {"FromEmailAddress": ("shop@example.com",)},
        "removal": {"places": {f"{TO}.{number}" for number in range(6)}, "body": send(B).body},
    },
    "encoded names and an IDN": {
        "request": send(f"=?utf-8?q?Ad=C3=A4?= <{A}>", "bob@xn--bcher-kva.example"),
        "recipients": [(f"{TO}.0", MAIL, A), (f"{TO}.1", MAIL, "bob@xn--bcher-kva.example")],
        "markers": {"FromEmailAddress": ("shop@example.com",)},
    },
    "markers": {
        "request": send(
            A,
            EmailTags=[{"Name": "kind", "Value": "receipt"}, {"Name": "campaign", "Value": "spring"}],
            ConfigurationSetName="transactional",
            TenantName="shop",
            ListManagementOptions={"ContactListName": "all", "TopicName": "news"},
            Content={"Template": {"TemplateName": "receipt", "TemplateData": '{"a": "b\\nc"}'}},
        ),
        "recipients": [(f"{TO}.0", MAIL, A)],
        "markers": {
            "FromEmailAddress": ("shop@example.com",),
            "EmailTags.kind": ("receipt",),
            "EmailTags.campaign": ("spring",),
            "ConfigurationSetName": ("transactional",),
            "TenantName": ("shop",),
            "ListManagementOptions.ContactListName": ("all",),
            "ListManagementOptions.TopicName": ("news",),
            "TemplateName": ("receipt",),
        },
        "campaign": "spring",
    },
    "spelling that must survive": {
        "request": post(
            b'{ "Destination": {"ToAddresses": ["\\u0061da@example.com", "bob@example.com"], "CcAddresses": []},'
            b' "Content": {"Template": {"TemplateContent": {"Subject": "1"}, "x": [1.10, 12345678901234567890]}} }\n'
        ),
        "recipients": [(f"{TO}.0", MAIL, A), (f"{TO}.1", MAIL, B)],
        "removal": {
            "places": {f"{TO}.0"},
            "body": b'{"Destination":{"ToAddresses":["bob@example.com"],"CcAddresses":[]},'
            b'"Content":{"Template":{"TemplateContent":{"Subject":"1"},"x":[1.10,12345678901234567890]}}}',
        },
    },
    "headers": {
        "request": send(
            A,
            B,
            Content={"Simple": {**TEXT["Simple"], "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://x>"}]}},
        ),
        "recipients": [(f"{TO}.0", MAIL, A), (f"{TO}.1", MAIL, B)],
        "markers": {"FromEmailAddress": ("shop@example.com",)},
    },
    "a trailing slash": {
        "request": replace(send(A), path="/v2/email/outbound-emails/"),
        "recipients": [(f"{TO}.0", MAIL, A)],
        "markers": {"FromEmailAddress": ("shop@example.com",)},
    },
    # a message in MIME
    "headers are the envelope": {
        "request": raw(written(*MESSAGE, f"Bcc: {D}")),
        "recipients": [
            (f"{RAW}.To.0", MAIL, A),
            (f"{RAW}.To.1", MAIL, B),
            (f"{RAW}.Cc.0", MAIL, C),
            (f"{RAW}.Bcc.0", MAIL, D),
        ],
        "removal": {
            "places": {f"{RAW}.To.0", f"{RAW}.Cc.0"},
            "body": raw(written(MESSAGE[0], f"To: {B}", MESSAGE[3], f"Bcc: {D}")).body,
        },
    },
    "an envelope beside the headers": {
        "request": raw(written(*MESSAGE), Destination={"ToAddresses": [A, D]}),
        "recipients": [
            (f"{TO}.0", MAIL, A),
            (f"{TO}.1", MAIL, D),
            (f"{RAW}.To.0", MAIL, A),
            (f"{RAW}.To.1", MAIL, B),
            (f"{RAW}.Cc.0", MAIL, C),
        ],
        "removal": {
            "places": {f"{TO}.0", f"{RAW}.To.0"},
            "body": raw(written(MESSAGE[0], f"To: {B}", *MESSAGE[2:]), Destination={"ToAddresses": [D]}).body,
        },
    },
    "a group of nobody": {
        "request": raw(written(MESSAGE[0], "To: undisclosed-recipients:;"), Destination={"BccAddresses": [A, B]}),
        "recipients": [(f"{BCC}.0", MAIL, A), (f"{BCC}.1", MAIL, B)],
    },
    "markers in headers": {
        "request": raw(
            written(*MESSAGE, "X-SES-CONFIGURATION-SET: fast", "X-SES-MESSAGE-TAGS: kind=receipt, campaign = spring"),
            EmailTags=[{"Name": "kind", "Value": "news"}],
        ),
        "recipients": [(f"{RAW}.To.0", MAIL, A), (f"{RAW}.To.1", MAIL, B), (f"{RAW}.Cc.0", MAIL, C)],
        "markers": {"ConfigurationSetName": ("fast",), "EmailTags.campaign": ("spring",)},
        "campaign": "spring",
    },
    # bulk
    "a bulk send": {
        "request": BULK,
        "recipients": BULK_PLACES,
        "markers": {"FromEmailAddress": ("shop@example.com",), "TemplateName": ("news",)},
        "removal": {
            "places": {BULK_PLACES[1][0], BULK_PLACES[2][0]},
            "body": bulk(entry(A), {"Destination": {"CcAddresses": [C]}}).body,
        },
        "restored": [
            {
                "places": {BULK_PLACES[1][0]},
                "answer": b'{"BulkEmailEntryResults":[{"Status":"SUCCESS","MessageId":"m-1"},'
                b'{"Status":"FAILED","Error":"e"}]}',
                "told": b'{"BulkEmailEntryResults":[{"Status":"SUCCESS","MessageId":"m-1"},'
                b'{"Status":"MESSAGE_REJECTED","Error":"%b"},{"Status":"FAILED","Error":"e"}]}' % WORDS.encode(),
            },
            {
                "places": {BULK_PLACES[0][0]},
                "status": 400,
                "answer": b'{"message":"Value at \'bulkEmailEntries.2.member.destination\' failed"}',
                "told": b'{"message":"Value at \'bulkEmailEntries.3.member.destination\' failed"}',
            },
            {
                "places": {BULK_PLACES[0][0]},
                "answer": b'{"BulkEmailEntryResults":[{"Status":"SUCCESS"}]}',
                "told": b'{"BulkEmailEntryResults":[{"Status":"SUCCESS"}]}',
            },
        ],
    },
    "tags of a bulk send": {
        "request": bulk(
            entry(A, ReplacementTags=[{"Name": "kind", "Value": "receipt"}, {"Name": "n", "Value": "2"}]),
            entry(B, ReplacementHeaders=[{"Name": "X-A", "Value": "1"}]),
            {"Destination": {}},
            DefaultEmailTags=[
                {"Name": "kind", "Value": "receipt"},
                {"Name": "n", "Value": "1"},
                {"Name": "o", "Value": "1"},
            ],
        ),
        "recipients": [
            ("BulkEmailEntries.0.Destination.ToAddresses.0", MAIL, A),
            ("BulkEmailEntries.1.Destination.ToAddresses.0", MAIL, B),
        ],
        "markers": {
            "FromEmailAddress": ("shop@example.com",),
            "TemplateName": ("news",),
            "EmailTags.kind": ("receipt",),
        },
    },
    "a verification mail of one's own": {
        "request": post({"EmailAddress": A, "TemplateName": "verify"}, "/v2/email/outbound-custom-verification-emails"),
        "recipients": [("EmailAddress", MAIL, A)],
        "markers": {"TemplateName": ("verify",)},
    },
    # the query API
    "SendEmail": {
        "format": "form",
        "request": act(
            "SendEmail",
            fields(
                Destination__ToAddresses__member__1=f"Ada <{A}>",
                Destination__ToAddresses__member__2=B,
                Destination__CcAddresses="",
                Destination__BccAddresses__member__1=D,
            )
            + MADE
            + fields(
                Tags__member__1__Name="campaign", Tags__member__1__Value="spring", ConfigurationSetName="transactional"
            ),
        ),
        "recipients": [(f"{TO}.0", MAIL, A), (f"{TO}.1", MAIL, B), (f"{BCC}.0", MAIL, D)],
        "markers": {
            "FromEmailAddress": ("shop@example.com",),
            "ConfigurationSetName": ("transactional",),
            "EmailTags.campaign": ("spring",),
        },
        "campaign": "spring",
        "removal": {
            "places": {f"{TO}.0", f"{BCC}.0"},
            "body": act(
                "SendEmail",
                fields(Destination__ToAddresses__member__1=B, Destination__CcAddresses="")
                + MADE
                + fields(
                    Tags__member__1__Name="campaign",
                    Tags__member__1__Value="spring",
                    ConfigurationSetName="transactional",
                ),
            ).body,
        },
    },
    "members out of their order": {
        "format": "form",
        "request": act(
            "SendTemplatedEmail",
            fields(
                Destination__ToAddresses__member__2=B,
                Destination__ToAddresses__member__1=A,
                Template="receipt",
                TemplateData="{}",
            ),
        ),
        "recipients": [(f"{TO}.0", MAIL, A), (f"{TO}.1", MAIL, B)],
        "markers": {"TemplateName": ("receipt",)},
    },
    "SendRawEmail": {
        "format": "form",
        "request": act("SendRawEmail", fields(Destinations="", RawMessage__Data=written(*MESSAGE))),
        "recipients": [(f"{OLD_RAW}.To.0", MAIL, A), (f"{OLD_RAW}.To.1", MAIL, B), (f"{OLD_RAW}.Cc.0", MAIL, C)],
        "removal": {
            "places": {f"{OLD_RAW}.To.1"},
            "body": act(
                "SendRawEmail",
                fields(Destinations="", RawMessage__Data=written(MESSAGE[0], f"To: Ada <{A}>", *MESSAGE[2:])),
            ).body,
        },
    },
    "SendRawEmail with an envelope": {
        "format": "form",
        "request": act(
            "SendRawEmail",
            fields(Destinations__member__1=A, Destinations__member__2=D, RawMessage__Data=written(*MESSAGE[:2])),
        ),
        "recipients": [
            ("Destinations.0", MAIL, A),
            ("Destinations.1", MAIL, D),
            (f"{OLD_RAW}.To.0", MAIL, A),
            (f"{OLD_RAW}.To.1", MAIL, B),
        ],
        "removal": {
            "places": {"Destinations.0", f"{OLD_RAW}.To.0", f"{OLD_RAW}.To.1"},
            "body": act("SendRawEmail", fields(Destinations__member__1=D, RawMessage__Data=written(MESSAGE[0]))).body,
        },
    },
    "SendBulkTemplatedEmail": {
        "format": "form",
        "request": OLD_BULK,
        "recipients": [
            ("Destinations.0.Destination.ToAddresses.0", MAIL, A),
            ("Destinations.1.Destination.ToAddresses.0", MAIL, B),
            ("Destinations.2.Destination.BccAddresses.0", MAIL, C),
        ],
        "markers": {"FromEmailAddress": ("shop@example.com",), "TemplateName": ("news",)},
        "removal": {
            "places": {"Destinations.0.Destination.ToAddresses.0"},
            "body": act(
                "SendBulkTemplatedEmail",
                fields(
                    Source=FROM,
                    Template="news",
                    DefaultTemplateData="{}",
                    Destinations__member__1__Destination__ToAddresses__member__1=B,
                    Destinations__member__1__ReplacementTags__member__1__Name="n",
                    Destinations__member__1__ReplacementTags__member__1__Value="2",
                    Destinations__member__2__Destination__BccAddresses__member__1=C,
                ),
            ).body,
        },
        "restored": [
            {
                "places": {"Destinations.1.Destination.ToAddresses.0"},
                "content_type": "text/xml",
                "answer": old_results("<MessageId>m-1</MessageId><Status>Success</Status>", "<Status>Failed</Status>"),
                "told": old_results(
                    "<MessageId>m-1</MessageId><Status>Success</Status>",
                    f"<Status>MessageRejected</Status><Error>{WORDS}</Error>",
                    "<Status>Failed</Status>",
                ),
            },
        ],
    },
    "SendCustomVerificationEmail": {
        "format": "form",
        "request": act("SendCustomVerificationEmail", fields(EmailAddress=A, TemplateName="verify")),
        "recipients": [("EmailAddress", MAIL, A)],
        "markers": {"TemplateName": ("verify",)},
    },
}

HARMLESS: dict[str, Request] = {
    "the account": Request("GET", "/v2/email/account", "", JSON),
    "suppressed addresses": Request("GET", "/v2/email/suppression/addresses", "PageSize=5&NextToken=a%3D%3D", JSON),
    "an address is suppressed": Request("PUT", "/v2/email/suppression/addresses", "", JSON, b"{}"),
    "a template": Request("POST", "/v2/email/templates", "", JSON, b"{}"),
    "a template is rendered": Request("POST", "/v2/email/templates/news/render", "", JSON, b"{}"),
    "contacts": Request("POST", "/v2/email/contact-lists/all/contacts/list", "", JSON, b"{}"),
    "tags are taken away": Request("DELETE", "/v2/email/tags", "ResourceArn=x&TagKeys=a&TagKeys=b"),
    "how much may be sent": act("GetSendQuota"),
    "an old template": act("CreateTemplate", fields(Template__TemplateName="a")),
    "an identity goes": act("DeleteIdentity", fields(Identity=A)),
}

HIDDEN: dict[str, Request] = {
    "a test of deliverability": Request("POST", "/v2/email/deliverability-dashboard/test", "", JSON, b"{}"),
    "a bounce to whoever wrote": act("SendBounce", fields(OriginalMessageId="1")),
}

GUARDED: dict[str, Request] = {
    "where events go": Request("POST", "/v2/email/configuration-sets/a/event-destinations", "", JSON, b"{}"),
    "to send events elsewhere": Request("PUT", "/v2/email/configuration-sets/a/event-destinations/b", "", JSON, b"{}"),
    "no events any more": Request("DELETE", "/v2/email/configuration-sets/a/event-destinations/b"),
    "a configuration set": Request("POST", "/v2/email/configuration-sets", "", JSON, b"{}"),
    "what a configuration set suppresses": Request(
        "PUT", "/v2/email/configuration-sets/a/suppression-options", "", JSON, b"{}"
    ),
    "no configuration set any more": Request("DELETE", "/v2/email/configuration-sets/a"),
    "what the account suppresses": Request("PUT", "/v2/email/account/suppression", "", JSON, b"{}"),
    "what a tenant suppresses": Request("POST", "/v2/email/tenant/suppression", "", JSON, b"{}"),
    "who else may send": Request("POST", "/v2/email/identities/x.io/policies/a", "", JSON, b"{}"),
    "where feedback goes": Request("PUT", "/v2/email/identities/x.io/feedback", "", JSON, b"{}"),
    "a contact, with its opt-outs": Request("PUT", "/v2/email/contact-lists/all/contacts/a%40x.io", "", JSON, b"{}"),
    "a contact that is gone": Request("DELETE", "/v2/email/contact-lists/all/contacts/a%40x.io"),
    "an import, which may lift suppressions": Request("POST", "/v2/email/import-jobs", "", JSON, b"{}"),
    "an address is no longer suppressed": Request("DELETE", "/v2/email/suppression/addresses/ada%40example.com"),
    "where events go, by its action": act("UpdateConfigurationSetEventDestination"),
    "a configuration set, by its action": act("CreateConfigurationSet", fields(ConfigurationSet__Name="a")),
    "no configuration set, by its action": act("DeleteConfigurationSet", fields(ConfigurationSetName="a")),
    "where bounces are told": act("SetIdentityNotificationTopic"),
    "whether bounces are mailed": act("SetIdentityFeedbackForwardingEnabled"),
    "who else may send, by its action": act("PutIdentityPolicy"),
}

UNKNOWN: dict[str, Request] = {
    "no action": replace(act(""), body=b"Version=2010-12-01"),
    "an action by GET": Request("GET", "/", "Action=SendEmail&Destination.ToAddresses.member.1=a%40example.com"),
    "an action in the query": replace(act("GetSendQuota"), query="Action=SendEmail"),
    "an action beside a path": Request("GET", "/v2/email/account", "Action=SendEmail"),
    "an escaped action beside a path": Request("GET", "/v2/email/account", "%41ction=SendEmail"),
    "a form beside a path": Request("POST", "/v2/email/templates", "", FORM, act("SendEmail").body),
    "a target beside a path": replace(
        HARMLESS["a template"], headers=CIMultiDictProxy(CIMultiDict({"X-Amz-Target": "SimpleEmailService.SendEmail"}))
    ),
    "a target": Request("POST", "/", "", CIMultiDictProxy(CIMultiDict({"X-Amz-Target": "a.SendEmail"})), b"{}"),
    "a signature in the query": Request("GET", "/v2/email/account", "X-Amz-Signature=1"),
    "an address to be verified": act("VerifyEmailIdentity", fields(EmailAddress=A)),
    "an identity": Request("POST", "/v2/email/identities", "", JSON, b'{"EmailIdentity":"ada@example.com"}'),
    "details of the account": Request("POST", "/v2/email/account/details", "", JSON, b"{}"),
    "a rule for what comes in": act("CreateReceiptRule"),
    "an action in another case": act("sendemail"),
    "another version": Request("POST", "/v3/email/outbound-emails", "", JSON),
    "a send by PUT": Request("PUT", "/v2/email/outbound-emails", "", JSON),
    "a send in another case": Request("POST", "/v2/email/Outbound-Emails", "", JSON),
    "a method in another case": Request("post", "/v2/email/outbound-emails", "", JSON),
    "another service": Request("GET", "/2015-03-31/functions"),
    "something new": Request("POST", "/v2/email/outbound-campaigns", "", JSON),
}

GROUP = raw(written(MESSAGE[0], f"To: friends: {A};"))
ENVELOPE = fields(Destination__ToAddresses__member__1=A)

UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "", Reason.UNREADABLE),
    "an array": (post([]), "", Reason.UNREADABLE),
    "nobody": (send(), "Destination", Reason.NO_RECIPIENT),
    "no destination": (send(Destination=None), "Destination", Reason.NO_RECIPIENT),
    "empty entries": (bulk({"Destination": {}}), "BulkEmailEntries", Reason.NO_RECIPIENT),
    "nobody in MIME": (raw(written(MESSAGE[0])), "Destination", Reason.NO_RECIPIENT),
    "a query": (replace(send(A), query="a=b"), "", Reason.UNREADABLE),
    "a target": (
        replace(send(A), headers=CIMultiDictProxy(CIMultiDict({"X-Amz-Target": "a.SendBulkEmail"}))),
        "",
        Reason.UNREADABLE,
    ),
    "a multi-region endpoint": (send(A, EndpointId="abc.123"), "EndpointId", Reason.UNREADABLE),
    "a destination as list": (send(Destination=[A]), "Destination", Reason.UNREADABLE),
    "to as text": (send(Destination={"ToAddresses": A}), TO, Reason.UNREADABLE),
    "to as null": (send(Destination={"ToAddresses": [A], "CcAddresses": None}), CC, Reason.UNREADABLE),
    "an address as object": (send(Destination={"ToAddresses": [{"a": A}]}), f"{TO}.0", Reason.UNREADABLE),
    "toAddresses": (send(Destination={"toAddresses": [A]}), "Destination", Reason.UNREADABLE),
    "destination": (send(A, destination={"ToAddresses": [B]}, Destination=None), "", Reason.UNREADABLE),
    "destinations": (send(A, Destinations=[B]), "", Reason.UNREADABLE),
    "bcc beside the destination": (send(A, Bcc=[B]), "", Reason.UNREADABLE),
    "entries in a single send": (send(A, BulkEmailEntries=[entry(B)]), "", Reason.UNREADABLE),
    "two kinds of content": (send(A, Content={**TEXT, "Raw": {"Data": ""}}), "Content", Reason.UNREADABLE),
    "content in another case": (send(A, Content={"raw": {"Data": ""}}), "Content", Reason.UNREADABLE),
    "an entry as text": (bulk(A), "BulkEmailEntries.0", Reason.UNREADABLE),
    "an entry's own list": (
        bulk({"Destination": {"ToAddresses": [A]}, "ToAddresses": [B]}),
        "BulkEmailEntries.0",
        Reason.UNREADABLE,
    ),
    "no address to verify": (
        post({"EmailAddress": None}, "/v2/email/outbound-custom-verification-emails"),
        "EmailAddress",
        Reason.UNREADABLE,
    ),
    "a header that names recipients": (
        send(A, Content={"Simple": {**TEXT["Simple"], "Headers": [{"Name": "BCC", "Value": B}]}}),
        "Content.Simple.Headers.0",
        Reason.UNREADABLE,
    ),
    "an entry's header that names recipients": (
        bulk(entry(A, ReplacementHeaders=[{"Name": "Resent_To", "Value": B}])),
        "BulkEmailEntries.0.ReplacementHeaders.0",
        Reason.UNREADABLE,
    ),
    "a header in a header": (
        send(A, Content={"Template": {"Headers": [{"Name": "X-A", "Value": "1\r\nBcc: b@x.io"}]}}),
        "Content.Template.Headers.0.Value",
        Reason.UNREADABLE,
    ),
    "a header in the subject": (
        send(A, Content={"Simple": {"Subject": {"Data": "Hi\nBcc: b@x.io"}}}),
        "Content.Simple.Subject",
        Reason.UNREADABLE,
    ),
    "a header in a template's subject": (
        send(A, Content={"Template": {"TemplateContent": {"Subject": "Hi\nBcc: b@x.io"}}}),
        "Content.Template.TemplateContent.Subject",
        Reason.UNREADABLE,
    ),
    "a header in the sender": (
        send(A, FromEmailAddress="shop@example.com\r\nBcc: b@x.io"),
        "FromEmailAddress",
        Reason.UNREADABLE,
    ),
    "a header in an address for answers": (
        send(A, ReplyToAddresses=["shop@example.com", "\nBcc: b@x.io"]),
        "ReplyToAddresses",
        Reason.UNREADABLE,
    ),
    # a message in MIME
    "no base64": (raw("To: ada@example.com"), RAW, Reason.UNREADABLE),
    "base64 in lines": (raw(f"{written(*MESSAGE)[:40]}\n{written(*MESSAGE)[40:]}"), RAW, Reason.UNREADABLE),
    "a message as list": (post({"Content": {"Raw": {"Data": [A]}}}), RAW, Reason.UNREADABLE),
    "a group": (GROUP, "", Reason.UNREADABLE),
    "two To": (raw(written(*MESSAGE, f"To: {D}")), "To", Reason.UNREADABLE),
    "T-o": (raw(written(*MESSAGE, f"T-o: {D}")), "", Reason.UNREADABLE),
    "a line that is no header": (raw(written(*MESSAGE, f"Bcc : {D}")), "", Reason.UNREADABLE),
    "a semicolon in To": (raw(written(MESSAGE[0], f"To: {A}; {B}")), "", Reason.UNREADABLE),
    # the query API
    "a broken form": (replace(act("SendEmail"), body=b"Action=SendEmail&x"), "", Reason.UNREADABLE),
    "JSON to the root": (replace(act(""), headers=JSON, body=b'{"Action":"SendEmail"}'), "", Reason.UNREADABLE),
    "two actions": (act("SendEmail", f"{ENVELOPE}&Action=SendRawEmail"), "", Reason.UNREADABLE),
    "nobody at all": (act("SendEmail"), "Destination", Reason.NO_RECIPIENT),
    "no destinations": (act("SendRawEmail"), "Destinations", Reason.NO_RECIPIENT),
    "a gap": (act("SendEmail", fields(Destination__ToAddresses__member__2=A)), "", Reason.UNREADABLE),
    "member.01": (act("SendEmail", ENVELOPE + "&Destination.CcAddresses.member.01=b%40x.io"), "", Reason.UNREADABLE),
    "no members": (act("SendEmail", "&Destination.ToAddresses.1=a%40x.io"), TO, Reason.UNREADABLE),
    "an object and a value": (act("SendEmail", f"{ENVELOPE}&Destination=x"), "", Reason.UNREADABLE),
    "a list and more": (act("SendEmail", f"{ENVELOPE}&Destination.ToAddresses.x=1"), "", Reason.UNREADABLE),
    "destination.toaddresses": (
        act("SendEmail", f"{ENVELOPE}&destination.CcAddresses.member.1=b%40x.io"),
        "",
        Reason.UNREADABLE,
    ),
    "ccAddresses": (
        act("SendEmail", f"{ENVELOPE}&Destination.Cc_Addresses.member.1=b%40x.io"),
        "Destination",
        Reason.UNREADABLE,
    ),
    "somebody behind a semicolon": (
        act("SendEmail", f"{ENVELOPE}&a=1;Destination.CcAddresses.member.1=b%40x.io"),
        "",
        Reason.UNREADABLE,
    ),
    "a way that is too long": (act("SendEmail", f"{ENVELOPE}&{'a.' * 20}b=1"), "", Reason.UNREADABLE),
    "a header in an old subject": (
        act("SendEmail", ENVELOPE + fields(Message__Subject__Data="Hi\r\nBcc: b@x.io")),
        "Message.Subject",
        Reason.UNREADABLE,
    ),
}

REFUSALS: dict[str, dict[str, Any]] = {
    "a recipient": {
        "request": send(A),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, (f"{TO}.0",)),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"message":"no"}',
    },
    "the gate's own trouble": {
        "request": send(A),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": "application/json",
        "body": b'{"message":"later"}',
    },
    "a recipient of the query API": {
        "request": SENDS["SendEmail"]["request"],
        "refusal": Refusal(Reason.BLACKLISTED, "no <one>", None, (f"{TO}.0",)),
        "status": 400,
        "content_type": "text/xml",
        "body": f"<ErrorResponse {OLD_NAMESPACE}><Error><Type>Sender</Type><Code>MessageRejected</Code>"
        "<Message>no &lt;one&gt;</Message></Error></ErrorResponse>".encode(),
    },
    "a signature": {
        "request": SENDS["SendEmail"]["request"],
        "refusal": Refusal(Reason.SIGNATURE_REFUSED, "no", 403),
        "status": 403,
        "content_type": "text/xml",
        "body": f"<ErrorResponse {OLD_NAMESPACE}><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>"
        "<Message>no</Message></Error></ErrorResponse>".encode(),
    },
    "an unknown sender": {
        "request": SENDS["SendEmail"]["request"],
        "refusal": Refusal(Reason.SENDER_REFUSED, "no", 403),
        "status": 403,
        "content_type": "text/xml",
        "body": f"<ErrorResponse {OLD_NAMESPACE}><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>"
        "<Message>no</Message></Error></ErrorResponse>".encode(),
    },
    "a busy gate": {
        "request": SENDS["SendEmail"]["request"],
        "refusal": Refusal(Reason.UPSTREAM_TIMEOUT, "no", 504),
        "status": 504,
        "content_type": "text/xml",
        "body": f"<ErrorResponse {OLD_NAMESPACE}><Error><Type>Receiver</Type><Code>InternalFailure</Code>"
        "<Message>no</Message></Error></ErrorResponse>".encode(),
    },
}

ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
META = rf"<ResponseMetadata><RequestId>{ID}</RequestId></ResponseMetadata>"

ACCEPTED: dict[str, dict[str, Any]] = {
    "a send": {
        "request": send(A),
        "status": 200,
        "content_type": "application/json",
        "headers": {"x-amzn-RequestId": ID},
        "body": rf'\{{"MessageId":"{ID}"\}}',
    },
    "a bulk send": {
        "request": bulk(entry(A), entry(B)),
        "status": 200,
        "content_type": "application/json",
        "headers": {"x-amzn-RequestId": ID},
        "body": rf'\{{"BulkEmailEntryResults":\[(?:\{{"Status":"SUCCESS","MessageId":"{ID}"\}},?){{2}}\]\}}',
    },
    "an action": {
        "request": SENDS["SendRawEmail"]["request"],
        "status": 200,
        "content_type": "text/xml",
        "body": rf"<SendRawEmailResponse {OLD_NAMESPACE}><SendRawEmailResult><MessageId>{ID}</MessageId>"
        rf"</SendRawEmailResult>{META}</SendRawEmailResponse>",
    },
    "an old bulk send": {
        "request": OLD_BULK,
        "status": 200,
        "content_type": "text/xml",
        "body": rf"<SendBulkTemplatedEmailResponse {OLD_NAMESPACE}><SendBulkTemplatedEmailResult><Status>"
        rf"(?:<member><Status>Success</Status><MessageId>{ID}</MessageId></member>){{3}}</Status>"
        rf"</SendBulkTemplatedEmailResult>{META}</SendBulkTemplatedEmailResponse>",
    },
}
