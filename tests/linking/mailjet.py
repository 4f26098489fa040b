"""Mailjet's table of linked sends."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers.base import Request
from tests.linking.urls import VARIABLE, headers, link

HEADERS = CIMultiDictProxy(CIMultiDict({"Authorization": "Basic key", "Content-Type": "application/json"}))
ADA, BOB = "ada@x.io", "bob@x.io"
TEMPLATE = {"TemplateID": 7, "TemplateLanguage": True}
V31, V3 = "/v3.1/send", "/v3/send"


def to(*emails: str, **more: Any) -> dict[str, Any]:
    """Give a message of v3.1."""
    return {"To": [{"Email": email} for email in emails], **more}


def post(body: Any, path: str = V31) -> Request:
    """Give a send."""
    return Request("POST", path, "", HEADERS, orjson.dumps(body))


def v3(*emails: str, **more: Any) -> dict[str, Any]:
    """Give a message of v3."""
    return {"FromEmail": "shop@x.io", "Recipients": [{"Email": email} for email in emails], **more}


ROWS: dict[str, dict[str, Any]] = {
    "one person": {"request": post({"Messages": [to(ADA)]}), "results": {"by_provider": 1}},
    "one person, of an account that writes none": {
        "request": post({"Messages": [to(ADA, TextPart="{{unsubscribe}}", HTMLPart="<p>{{unsubscribe}}")]}),
        "instead": True,
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": orjson.dumps(
            {"Messages": [to(ADA, TextPart=link(ADA), HTMLPart=f"<p>{link(ADA)}", Headers=headers(ADA))]}
        ),
    },
    "several messages": {
        "request": post({"Messages": [to(ADA), to(BOB, Headers={"X-Own": "1"}), to("cy@x.io", "di@x.io")]}),
        "instead": True,
        "results": {"inserted": 2, "several_recipients": 2},
        "body": orjson.dumps(
            {
                "Messages": [
                    to(ADA, Headers=headers(ADA)),
                    to(BOB, Headers={"X-Own": "1", **headers(BOB)}),
                    to("cy@x.io", "di@x.io"),
                ]
            }
        ),
    },
    "a text that several share": {
        "request": post({"Messages": [to(ADA), to(BOB)], "Globals": {"TextPart": "{{unsubscribe}}"}}),
        "headers": False,
        "results": {},
    },
    "a text for all of one": {
        "request": post({"Messages": [to(ADA)], "Globals": {"TextPart": "{{unsubscribe}}"}}),
        "headers": False,
        "results": {"placeholder_replaced": 1},
        "body": orjson.dumps({"Messages": [to(ADA)], "Globals": {"TextPart": link(ADA)}}),
    },
    "a copy for all": {
        "request": post({"Messages": [to(ADA), to(BOB)], "Globals": {"Cc": [{"Email": "cy@x.io"}]}}),
        "instead": True,
        "results": {"unsupported": 3},
    },
    "one person for all": {
        "request": post({"Messages": [{"TextPart": "{{unsubscribe}}"}], "Globals": {"To": [{"Email": ADA}]}}),
        "instead": True,
        "results": {"unsupported": 1, "placeholder_replaced": 1},
        "body": orjson.dumps({"Messages": [{"TextPart": link(ADA)}], "Globals": {"To": [{"Email": ADA}]}}),
    },
    "headers for all": {
        "request": post({"Messages": [to(ADA), to(BOB)], "Globals": {"Headers": {"X-Own": "1"}}}),
        "instead": True,
        "results": {"unsupported": 2},
    },
    "headers of the sender's for all": {
        "request": post({"Messages": [to(ADA)], "Globals": {"Headers": {"list-unsubscribe": "<mailto:a@x.io>"}}}),
        "instead": True,
        "results": {"present": 1},
    },
    "whoever is told of errors": {
        "request": post({"Messages": [to(ADA, TemplateErrorReporting={"Email": BOB})]}),
        "instead": True,
        "results": {"several_recipients": 2},
    },
    "v3, one person": {
        "request": post(v3(ADA, **{"Text-part": "{{unsubscribe}}"}), V3),
        "instead": True,
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": orjson.dumps(v3(ADA, **{"Text-part": link(ADA)}, Headers=headers(ADA))),
    },
    "v3, two people with one header": {
        "request": post(v3(ADA, BOB), V3),
        "instead": True,
        "results": {"several_recipients": 2},
    },
    "v3, several messages": {
        "request": post({"Messages": [v3(ADA), {"FromEmail": "shop@x.io", "To": "cy@x.io, di@x.io"}]}, V3),
        "instead": True,
        "results": {"inserted": 1, "several_recipients": 2},
        "body": orjson.dumps(
            {"Messages": [v3(ADA, Headers=headers(ADA)), {"FromEmail": "shop@x.io", "To": "cy@x.io, di@x.io"}]}
        ),
    },
    "a contact list": {
        "request": post({"Messages": [to("abc@lists.mailjet.com")]}),
        "instead": True,
        "results": {"unsupported": 1},
    },
    "a stored template": {
        "request": post({"Messages": [to(ADA, **TEMPLATE), to(BOB, **TEMPLATE, Variables={"a": 1})]}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 2},
        "body": orjson.dumps(
            {
                "Messages": [
                    to(ADA, **TEMPLATE, Variables={VARIABLE: link(ADA)}),
                    to(BOB, **TEMPLATE, Variables={"a": 1, VARIABLE: link(BOB)}),
                ]
            }
        ),
    },
    "a stored template for all": {
        "request": post({"Messages": [to(ADA), to(BOB, "cy@x.io")], "Globals": {**TEMPLATE, "Variables": {"a": 1}}}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 1, "variable_left": 2},
        "body": orjson.dumps(
            {
                "Messages": [to(ADA, Variables={"a": 1, VARIABLE: link(ADA)}), to(BOB, "cy@x.io")],
                "Globals": {**TEMPLATE, "Variables": {"a": 1}},
            }
        ),
    },
    "a stored template whose people stand in Globals": {
        "request": post({"Messages": [{"Subject": "Hi"}], "Globals": {**TEMPLATE, **to(ADA)}}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 1},
    },
    "a stored template without its language": {
        "request": post({"Messages": [to(ADA, TemplateID=7)]}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 1},
    },
}
