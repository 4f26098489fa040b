"""Brevo's table of linked sends."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers.base import Request
from tests.linking.urls import VARIABLE, headers, link

HEADERS = CIMultiDictProxy(CIMultiDict({"api-key": "key", "Content-Type": "application/json"}))
ADA, BOB = "ada@x.io", "bob@x.io"
PLEASE = {"textContent": "{{unsubscribe}}", "htmlContent": "<p>{{unsubscribe}}"}


def to(*emails: str, **more: Any) -> dict[str, Any]:
    """Give a version, or the recipients of a mail."""
    return {"to": [{"email": email} for email in emails], **more}


def body(**more: Any) -> bytes:
    """Write a mail."""
    return orjson.dumps({"sender": {"email": "shop@x.io"}, "subject": "Hi", **more})


def send(path: str = "/v3/smtp/email", **more: Any) -> Request:
    """Give a mail."""
    return Request("POST", path, "", HEADERS, body(**more))


ROWS: dict[str, dict[str, Any]] = {
    "one person": {"request": send(**to(ADA)), "results": {"by_provider": 1}},
    "one person, of an account that writes none": {
        "request": send(**to(ADA), **PLEASE),
        "instead": True,
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": body(**to(ADA), textContent=link(ADA), htmlContent=f"<p>{link(ADA)}", headers=headers(ADA)),
    },
    "versions": {
        "request": send(messageVersions=[to(ADA), to(BOB, headers={"X-Own": "1"}), to("cy@x.io", "di@x.io")]),
        "instead": True,
        "results": {"inserted": 2, "several_recipients": 2},
        "body": body(
            messageVersions=[
                to(ADA, headers=headers(ADA)),
                to(BOB, headers={"X-Own": "1", **headers(BOB)}),
                to("cy@x.io", "di@x.io"),
            ]
        ),
    },
    "versions, and headers for all": {
        "request": send(messageVersions=[to(ADA), to(BOB)], headers={"X-All": "2"}),
        "instead": True,
        "results": {"unsupported": 2},
    },
    "versions, each with texts of its own": {
        "request": send(messageVersions=[to(ADA, **PLEASE), to(BOB)], **PLEASE),
        "headers": False,
        "results": {"placeholder_replaced": 1},
        "body": body(
            messageVersions=[to(ADA, textContent=link(ADA), htmlContent=f"<p>{link(ADA)}"), to(BOB)], **PLEASE
        ),
    },
    "versions with the copies of all": {
        "request": send(messageVersions=[to(ADA), to(BOB)], cc=[{"email": "cy@x.io"}], **PLEASE),
        "instead": True,
        "results": {"unsupported": 3, "placeholder_left": 3},
    },
    "a version to nobody": {
        "request": send(messageVersions=[{"cc": [{"email": ADA}]}, to(BOB)]),
        "instead": True,
        "results": {"unsupported": 1, "inserted": 1},
        "body": body(messageVersions=[{"cc": [{"email": ADA}]}, to(BOB, headers=headers(BOB))]),
    },
    "a recipient beside the versions": {
        "request": send(**to("cy@x.io"), messageVersions=[to(ADA)]),
        "instead": True,
        "results": {"unsupported": 2},
    },
    "headers of the sender's for all": {
        "request": send(messageVersions=[to(ADA)], headers={"List-Unsubscribe": "<mailto:a@x.io>"}),
        "instead": True,
        "results": {"present": 1},
    },
    "a mail that asks for consent": {
        "request": Request(
            "POST",
            "/v3/contacts/doubleOptinConfirmation",
            "",
            HEADERS,
            orjson.dumps({"email": ADA, "templateId": 1, "includeListIds": [1], "redirectionUrl": "https://x.io"}),
        ),
        "instead": True,
        "results": {"unsupported": 1},
    },
    "a stored template": {
        "request": send(**to(ADA), templateId=7, params={"NAME": "Ada"}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 1},
        "body": body(**to(ADA), templateId=7, params={"NAME": "Ada", VARIABLE: link(ADA)}),
    },
    "a stored template to two": {
        "request": send(**to(ADA, BOB), templateId=7, params={"NAME": "Ada"}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 2},
    },
    "a stored template with something like it": {
        "request": send(**to(ADA), templateId=7, params={"UNSUBSCRIBE_URL": "x"}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 1},
    },
    "versions of a stored template": {
        "request": send(
            templateId=7, params={"A": 1}, messageVersions=[to(ADA), to(BOB, params={"B": 2}), to("cy@x.io", "di@x.io")]
        ),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 2, "variable_left": 2},
        "body": body(
            templateId=7,
            params={"A": 1},
            messageVersions=[
                to(ADA, params={"A": 1, VARIABLE: link(ADA)}),
                to(BOB, params={"B": 2, VARIABLE: link(BOB)}),
                to("cy@x.io", "di@x.io"),
            ],
        ),
    },
    "versions of a stored template that share their people": {
        "request": send(templateId=7, cc=[{"email": ADA}], messageVersions=[to(ADA, params={"A": 1})]),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 2},
    },
}
