"""Postmark's table of linked sends."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers.base import Request
from tests.linking.urls import VARIABLE, link, listed

HEADERS = CIMultiDictProxy(CIMultiDict({"X-Postmark-Server-Token": "t", "Content-Type": "application/json"}))
PLEASE = {"TextBody": "Leave: {{unsubscribe}}", "HtmlBody": '<a href="{{unsubscribe}}">Leave</a>'}
FILLED = {"TextBody": f"Leave: {link('ada@x.io')}", "HtmlBody": f'<a href="{link("ada@x.io")}">Leave</a>'}
OWN = [{"Name": "list-unsubscribe", "Value": "<mailto:a@x.io>"}]
X = [{"Name": "X-Own", "Value": "1"}]


def mail(to: str, **more: Any) -> dict[str, Any]:
    """Give a message."""
    return {"From": "shop@x.io", "To": to, "Subject": "Hi", "TextBody": "Hello", **more}


def post(body: Any, path: str = "/email") -> Request:
    """Give a send."""
    return Request("POST", path, "", HEADERS, orjson.dumps(body))


ADA, BOB = "ada@x.io", "bob@x.io"
ROWS: dict[str, dict[str, Any]] = {
    "one person": {
        "request": post(mail("Ada <Ada@X.io>", Headers=X)),
        "results": {"inserted": 1},
        "body": orjson.dumps(mail("Ada <Ada@X.io>", Headers=[*X, *listed(ADA)])),
    },
    "a template": {
        "request": post({"From": "shop@x.io", "To": ADA, "TemplateId": 7, "TemplateModel": {}}, "/email/withTemplate/"),
        "results": {"inserted": 1},
        "body": orjson.dumps(
            {"From": "shop@x.io", "To": ADA, "TemplateId": 7, "TemplateModel": {}, "Headers": listed(ADA)}
        ),
    },
    "two people": {"request": post(mail(f"{ADA}, {BOB}")), "results": {"several_recipients": 2}},
    "one person twice": {
        "request": post(mail(ADA, Cc="ADA@x.io")),
        "results": {"inserted": 2},
        "body": orjson.dumps(mail(ADA, Cc="ADA@x.io", Headers=listed(ADA))),
    },
    "a hidden copy": {"request": post(mail(ADA, Bcc=BOB)), "results": {"several_recipients": 2}},
    "a batch": {
        "request": post([mail(ADA), mail(BOB, Headers=OWN), mail("cy@x.io", Cc="di@x.io")], "/email/batch"),
        "results": {"inserted": 1, "present": 1, "several_recipients": 2},
        "body": orjson.dumps([mail(ADA, Headers=listed(ADA)), mail(BOB, Headers=OWN), mail("cy@x.io", Cc="di@x.io")]),
    },
    "a batch with templates": {
        "request": post({"Messages": [mail(ADA), mail(BOB)]}, "/email/batchWithTemplates"),
        "results": {"inserted": 2},
        "body": orjson.dumps({"Messages": [mail(ADA, Headers=listed(ADA)), mail(BOB, Headers=listed(BOB))]}),
    },
    "the default stream by its name": {
        "request": post(mail(ADA, MessageStream="outbound")),
        "results": {"inserted": 1},
        "body": orjson.dumps(mail(ADA, MessageStream="outbound", Headers=listed(ADA))),
    },
    "a stream that may be a broadcast": {
        "request": post(mail(ADA, MessageStream="news")),
        "results": {"by_provider": 1},
    },
    "a broadcast whose account writes none": {
        "request": post(mail(ADA, MessageStream="news")),
        "instead": True,
        "results": {"inserted": 1},
        "body": orjson.dumps(mail(ADA, MessageStream="news", Headers=listed(ADA))),
    },
    "Postmark's own placeholder": {
        "request": post(mail(ADA, HtmlBody="{{{ pm:unsubscribe }}}")),
        "instead": True,
        "results": {"by_provider": 1},
    },
    "a bulk send": {
        "request": post({"From": "s@x.io", "TextBody": "a", "Messages": [{"To": ADA}, {"To": BOB}]}, "/email/bulk"),
        "results": {"by_provider": 2},
    },
    "a bulk send whose account writes none": {
        "request": post({"From": "s@x.io", **PLEASE, "Messages": [{"To": ADA}, {"To": BOB}]}, "/email/bulk"),
        "instead": True,
        "results": {"inserted": 2},
        "body": orjson.dumps(
            {
                "From": "s@x.io",
                **PLEASE,
                "Messages": [{"To": ADA, "Headers": listed(ADA)}, {"To": BOB, "Headers": listed(BOB)}],
            }
        ),
    },
    "a bulk send with headers for all": {
        "request": post({"From": "s@x.io", "Headers": X, "Messages": [{"To": ADA}]}, "/email/bulk"),
        "instead": True,
        "results": {"unsupported": 1},
    },
    "a placeholder": {
        "request": post(mail(ADA, **PLEASE)),
        "headers": False,
        "results": {"placeholder_replaced": 1},
        "body": orjson.dumps(mail(ADA, **FILLED)),
    },
    "a placeholder for two": {
        "request": post(mail(f"{ADA}, {BOB}", **PLEASE)),
        "headers": False,
        "results": {"placeholder_left": 2},
    },
    "a stored template": {
        "request": post({"To": ADA, "TemplateAlias": "news", "TemplateModel": {"a": 1.50}}, "/email/withTemplate"),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 1},
        "body": orjson.dumps(
            {"To": ADA, "TemplateAlias": "news", "TemplateModel": {"a": orjson.Fragment("1.5"), VARIABLE: link(ADA)}}
        ),
    },
    "a batch of stored templates": {
        "request": post(
            {
                "Messages": [
                    {"To": ADA, "TemplateId": 7},
                    {"To": "cy@x.io", "Cc": "di@x.io", "TemplateId": 7},
                    {"To": BOB, "TemplateId": 7, "TemplateModel": {"unsubscribeURL": "x"}},
                ]
            },
            "/email/batchWithTemplates",
        ),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 1, "variable_left": 3},
        "body": orjson.dumps(
            {
                "Messages": [
                    {"To": ADA, "TemplateId": 7, "TemplateModel": {VARIABLE: link(ADA)}},
                    {"To": "cy@x.io", "Cc": "di@x.io", "TemplateId": 7},
                    {"To": BOB, "TemplateId": 7, "TemplateModel": {"unsubscribeURL": "x"}},
                ]
            }
        ),
    },
    "a stored template in bulk": {
        "request": post(
            {"TemplateAlias": "news", "Messages": [{"To": ADA}, {"To": BOB, "TemplateModel": {"a": 1}}]}, "/email/bulk"
        ),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 2},
        "body": orjson.dumps(
            {
                "TemplateAlias": "news",
                "Messages": [
                    {"To": ADA, "TemplateModel": {VARIABLE: link(ADA)}},
                    {"To": BOB, "TemplateModel": {"a": 1, VARIABLE: link(BOB)}},
                ],
            }
        ),
    },
}
