"""SES's table of linked sends."""

from __future__ import annotations

from base64 import b64encode, encodebytes
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers.base import Request
from tests.linking.urls import ONE_CLICK, VARIABLE, link, listed

JSON = CIMultiDictProxy(CIMultiDict({"Authorization": "AWS4-HMAC-SHA256 c", "Content-Type": "application/json"}))
FORM = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}))
ADA, BOB = "ada@x.io", "bob@x.io"
OURS = f"List-Unsubscribe: <{link(ADA)}>\nList-Unsubscribe-Post: {ONE_CLICK}\n"
SIGNED = "DKIM-Signature: v=1; a=rsa-sha256; h=From : list-unsubscribe-post; b=abc\n"
MIXED = "Content-Type: multipart/mixed; boundary=b\n"
X = [{"Name": "X-Own", "Value": "1"}]
MANY = [{"Name": f"X-{number}", "Value": "1"} for number in range(14)]


def to(*emails: str, **more: Any) -> dict[str, Any]:
    """Give a destination."""
    return {"Destination": {"ToAddresses": list(emails), **more}}


def post(body: dict[str, Any], path: str = "outbound-emails") -> Request:
    """Give a send of API v2."""
    return Request("POST", f"/v2/email/{path}", "", JSON, orjson.dumps(body))


def simple(text: str = "Hello", html: str = "<p>Hello", **more: Any) -> dict[str, Any]:
    """Give a content that SES builds."""
    told = {"Text": {"Data": text}, "Html": {"Data": html}}
    return {"Content": {"Simple": {"Subject": {"Data": "Hi"}, "Body": told, **more}}}


def encoded(head: str = "", to_header: str = ADA, text: str = "Hello\n") -> str:
    """Write a raw message."""
    return b64encode(f"From: shop@x.io\nTo: {to_header}\n{head}\n{text}".encode()).decode()


def raw(head: str = "", to_header: str = ADA, text: str = "Hello\n") -> dict[str, Any]:
    """Give a raw content."""
    return {"Content": {"Raw": {"Data": encoded(head, to_header, text)}}}


def parts(text: str, html: str) -> str:
    """Write alternatives, the second of which is in base64, and a file."""
    return (
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        "--b\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n"
        f"{encodebytes(html.encode()).decode()}\n"
        "--b\nContent-Disposition: attachment\n\n{{unsubscribe}}\n--b--\n"
    )


def template(**more: Any) -> dict[str, Any]:
    """Give a template."""
    return {"Template": {"TemplateName": "news", "TemplateData": "{}", **more}}


def bulk(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Give a bulk send."""
    return {"BulkEmailEntries": list(entries), "DefaultContent": template(**more)}


def data(**more: Any) -> str:
    """Write the data of a template."""
    return orjson.dumps(more).decode()


def replaced(**more: Any) -> dict[str, Any]:
    """Give the own data of an entry."""
    return {"ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": data(**more)}}}


def form(action: str, **fields: str) -> bytes:
    """Write a send of the query API, with an escape that no SDK would write."""
    pairs = {"Action": action, "Version": "2010-12-01", "Source": "s%20h@x.io", **fields}
    return "&".join(f"{name}={value}" for name, value in pairs.items()).encode()


def query(action: str, **fields: str) -> Request:
    """Give a send of the query API."""
    return Request("POST", "/", "", FORM, form(action, **fields))


ROWS: dict[str, dict[str, Any]] = {
    "one person": {
        "request": post(to(ADA) | simple("{{unsubscribe}}", "<p>{{unsubscribe}}", Headers=X)),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": orjson.dumps(to(ADA) | simple(link(ADA), f"<p>{link(ADA)}", Headers=[*X, *listed(ADA)])),
    },
    "two people": {"request": post(to(ADA, BOB) | simple()), "results": {"several_recipients": 2}},
    "a hidden copy": {"request": post(to(ADA, BccAddresses=[BOB]) | simple()), "results": {"several_recipients": 2}},
    "a header of the sender's": {
        "request": post(to(ADA) | simple(Headers=[{"Name": "LIST-UNSUBSCRIBE-POST", "Value": "x"}])),
        "results": {"present": 1},
    },
    "as many headers as SES takes": {
        "request": post(to(ADA) | simple(Headers=MANY)),
        "results": {"unsupported": 1},
    },
    "list management": {
        "request": post(to(ADA) | simple() | {"ListManagementOptions": {"ContactListName": "c"}}),
        "results": {"by_provider": 1},
    },
    "SES's own placeholder": {
        "request": post(to(ADA) | simple(html="{{amazonSESUnsubscribeUrl}}")),
        "results": {"by_provider": 1},
    },
    "a template": {
        "request": post(to(ADA) | {"Content": template(TemplateContent={"Html": "<p>{{unsubscribe}}"})}),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": orjson.dumps(
            to(ADA) | {"Content": template(TemplateContent={"Html": f"<p>{link(ADA)}"}, Headers=listed(ADA))}
        ),
    },
    "a raw message": {
        "request": post(raw()),
        "results": {"inserted": 1},
        "body": orjson.dumps(raw(OURS)),
    },
    "a raw message and whom it goes to": {
        "request": post(to("Ada <Ada@X.io>") | raw()),
        "results": {"inserted": 2},
        "body": orjson.dumps(to("Ada <Ada@X.io>") | raw(OURS)),
    },
    "a raw message that shows somebody else": {
        "request": post(to(ADA) | raw(to_header=BOB)),
        "results": {"several_recipients": 2},
    },
    "a raw message with a header of the sender's": {
        "request": post(raw("List-unsubscribe: <a:b>\n")),
        "results": {"present": 1},
    },
    "a raw message whose signature allows none": {"request": post(raw(SIGNED)), "results": {"unsupported": 1}},
    "a raw message whose signature says nothing": {
        "request": post(raw("ARC-Message-Signature: i=1; b=abc\n")),
        "results": {"unsupported": 1},
    },
    "a raw message under list management": {
        "request": post(raw("X-SES-LIST-MANAGEMENT-OPTIONS: c; topic=t\n")),
        "results": {"by_provider": 1},
    },
    "a raw message with texts": {
        "request": post(raw(MIXED, text=parts("Leave: {{unsubscribe}}", "<a href='{{unsubscribe}}'>Leave</a>"))),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": orjson.dumps(
            raw(MIXED + OURS, text=parts(f"Leave: {link(ADA)}", f"<a href='{link(ADA)}'>Leave</a>")),
        ),
    },
    "a raw message with a file": {
        "request": post(raw(MIXED, text=parts("Hello", "<p>Hello"))),
        "headers": False,
        "results": {},
    },
    "a raw message with texts that shows somebody else": {
        "request": post(to(ADA) | raw(MIXED, BOB, parts("{{unsubscribe}}", "<p>Hello"))),
        "results": {"several_recipients": 2, "placeholder_left": 2},
    },
    "a signed raw message with texts": {
        "request": post(raw(SIGNED + MIXED, text=parts("{{unsubscribe}}", "<p>{{unsubscribe}}"))),
        "results": {"unsupported": 1, "placeholder_left": 1},
    },
    "a raw message with SES's own placeholder": {
        "request": post(raw(MIXED, text=parts("Hello", "{{amazonSESUnsubscribeUrl}}"))),
        "results": {"by_provider": 1},
    },
    "a raw message with a text in the query API": {
        "request": query("SendRawEmail", **{"RawMessage.Data": quote(encoded(text="{{unsubscribe}}"), safe="")}),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": form("SendRawEmail", **{"RawMessage.Data": quote(encoded(OURS, text=link(ADA)), safe="")}),
    },
    "a bulk send": {
        "request": post(
            bulk(to(ADA), to(BOB) | {"ReplacementHeaders": X}, to("cy@x.io", "di@x.io")), "outbound-bulk-emails"
        ),
        "results": {"inserted": 2, "several_recipients": 2},
        "body": orjson.dumps(
            bulk(
                to(ADA) | {"ReplacementHeaders": listed(ADA)},
                to(BOB) | {"ReplacementHeaders": [*X, *listed(BOB)]},
                to("cy@x.io", "di@x.io"),
            )
        ),
    },
    "a bulk send with headers for all": {
        "request": post(bulk(to(ADA), Headers=listed(BOB)), "outbound-bulk-emails"),
        "results": {"present": 1},
    },
    "a bulk send with many headers": {
        "request": post(bulk(to(ADA), Headers=MANY), "outbound-bulk-emails"),
        "results": {"unsupported": 1},
    },
    "a mail to verify an address": {
        "request": post({"EmailAddress": ADA, "TemplateName": "v"}, "outbound-custom-verification-emails"),
        "results": {"unsupported": 1},
    },
    "the query API": {
        "request": query("SendEmail", **{"Destination.ToAddresses.member.1": quote(ADA)}),
        "results": {"unsupported": 1},
    },
    "a raw message in the query API": {
        "request": query("SendRawEmail", **{"RawMessage.Data": quote(encoded(), safe="")}, ConfigurationSetName="a+b"),
        "results": {"inserted": 1},
        "body": form("SendRawEmail", **{"RawMessage.Data": quote(encoded(OURS), safe="")}, ConfigurationSetName="a+b"),
    },
    "a raw message to two in the query API": {
        "request": query(
            "SendRawEmail", **{"RawMessage.Data": quote(encoded(), safe=""), "Destinations.member.1": quote(BOB)}
        ),
        "results": {"several_recipients": 2},
    },
    "a stored template": {
        "request": post(to(ADA) | {"Content": template(TemplateData='{"a": 1.50}')}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 1},
        "body": orjson.dumps(
            to(ADA) | {"Content": template(TemplateData=data(a=1.5, **{VARIABLE: link(ADA)}).replace("1.5", "1.50"))}
        ),
    },
    "a stored template without data that can be read": {
        "request": post(to(ADA) | {"Content": template(TemplateData='{"a": 1, "a": 2}')}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 1},
    },
    "a bulk send of a stored template": {
        "request": post(
            bulk(
                to(ADA), to(BOB) | replaced(b=1), to("cy@x.io") | replaced(unsubscribe_url="x"), TemplateData='{"a":1}'
            ),
            "outbound-bulk-emails",
        ),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 2, "variable_left": 1},
        "body": orjson.dumps(
            bulk(
                to(ADA) | replaced(a=1, **{VARIABLE: link(ADA)}),
                to(BOB) | replaced(b=1, **{VARIABLE: link(BOB)}),
                to("cy@x.io") | replaced(unsubscribe_url="x"),
                TemplateData='{"a":1}',
            )
        ),
    },
    "a stored template in the query API": {
        "request": query(
            "SendTemplatedEmail",
            **{"Destination.ToAddresses.member.1": quote(ADA), "Template": "news", "TemplateData": quote('{"a":1}')},
        ),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 1},
        "body": form(
            "SendTemplatedEmail",
            **{
                "Destination.ToAddresses.member.1": quote(ADA),
                "Template": "news",
                "TemplateData": quote_plus(data(a=1, **{VARIABLE: link(ADA)})),
            },
        ),
    },
    "a bulk send of a stored template in the query API": {
        "request": query(
            "SendBulkTemplatedEmail",
            **{
                "Destinations.member.1.Destination.ToAddresses.member.1": quote(ADA),
                "Template": "news",
                "DefaultTemplateData": quote("{}"),
            },
        ),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 1},
    },
}
