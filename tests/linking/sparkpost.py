"""SparkPost's table of linked sends."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers.base import Request
from tests.linking.urls import ONE_CLICK, VARIABLE, headers, link

HEADERS = CIMultiDictProxy(CIMultiDict({"Authorization": "key", "Content-Type": "application/json"}))
ADA, BOB = "ada@x.io", "bob@x.io"
SENT: dict[str, Any] = {"options": {"transactional": True}}
EACH = {"List-Unsubscribe": "<{{sendgate_unsubscribe}}>", "List-Unsubscribe-Post": ONE_CLICK}


def person(email: str, **more: Any) -> dict[str, Any]:
    """Give a recipient."""
    return {"address": {"email": email}, **more}


def filled(email: str, **data: Any) -> dict[str, Any]:
    """Give a recipient who fills in a link."""
    return person(email, substitution_data={**data, "sendgate_unsubscribe": link(email)})


def content(**more: Any) -> dict[str, Any]:
    """Give a content."""
    return {"from": "shop@x.io", "subject": "Hi", **more}


def body(*recipients: Any, **more: Any) -> bytes:
    """Write a transmission."""
    return orjson.dumps({"recipients": list(recipients), "content": content(), **more})


def send(*recipients: Any, **more: Any) -> Request:
    """Give a transmission."""
    return Request("POST", "/api/v1/transmissions", "", HEADERS, body(*recipients, **more))


PLEASE = content(text="{{unsubscribe}}", html="<p>{{unsubscribe}}")
COPY = {"address": {"email": BOB, "header_to": ADA}}
ROWS: dict[str, dict[str, Any]] = {
    "one person": {
        "request": send({"address": ADA}, **SENT | {"content": PLEASE}),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": body(
            {"address": ADA},
            **SENT | {"content": content(text=link(ADA), html=f"<p>{link(ADA)}", headers=headers(ADA))},
        ),
    },
    "several people": {
        "request": send(person(ADA, substitution_data={"a": 1}), person(BOB), **SENT | {"content": PLEASE}),
        "results": {"inserted": 2, "placeholder_replaced": 2},
        "body": body(
            filled(ADA, a=1),
            filled(BOB),
            **SENT
            | {
                "content": content(text="{{sendgate_unsubscribe}}", html="<p>{{sendgate_unsubscribe}}", headers=EACH),
            },
        ),
    },
    "several people without substitutions": {
        "request": send(
            person(ADA),
            person(BOB),
            options={"transactional": True, "perform_substitutions": False},
            content=content(html="{{unsubscribe}}"),
        ),
        "results": {"inserted": 2},
        "body": body(
            filled(ADA),
            filled(BOB),
            options={"transactional": True, "perform_substitutions": False},
            content=content(html="{{unsubscribe}}", headers=EACH),
        ),
    },
    "a copy": {
        "request": send(person(ADA), COPY, person("cy@x.io"), **SENT | {"content": PLEASE}),
        "results": {"several_recipients": 3, "placeholder_left": 3},
    },
    "somebody without a link": {
        "request": send(person(ADA), person("nobody"), **SENT),
        "results": {"several_recipients": 2},
    },
    "data that has such a name": {
        "request": send(person(ADA, substitution_data={"sendgate_unsubscribe": "mine"}), person(BOB), **SENT),
        "results": {"several_recipients": 2},
    },
    "a header of the sender's": {
        "request": send(person(ADA), person(BOB), **SENT | {"content": content(headers={"LIST-UNSUBSCRIBE": "<a:b>"})}),
        "results": {"present": 2},
    },
    "mail that is not transactional to SparkPost": {
        "request": send(person(ADA), options={"transactional": False}),
        "instead": True,
        "results": {"by_provider": 1},
    },
    "mail of an account without a word": {"request": send(person(ADA)), "results": {"by_provider": 1}},
    "mail of an account that is transactional": {
        "request": send(person(ADA)),
        "instead": True,
        "results": {"inserted": 1},
        "body": body(person(ADA), content=content(headers=headers(ADA))),
    },
    "a stored template": {
        "request": send(person(ADA), **SENT | {"content": {"template_id": "t"}}),
        "results": {"unsupported": 1},
    },
    "a raw message": {
        "request": send(person(ADA), **SENT | {"content": {"email_rfc822": "From: shop@x.io\r\n\r\nHello"}}),
        "results": {"unsupported": 1},
    },
    "a stored template with data": {
        "request": send(person(ADA, substitution_data={"a": 1}), person(BOB), content={"template_id": "news"}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 2},
        "body": body(
            person(ADA, substitution_data={"a": 1, VARIABLE: link(ADA)}),
            person(BOB, substitution_data={VARIABLE: link(BOB)}),
            content={"template_id": "news"},
        ),
    },
    "a stored template to one person": {
        "request": send(person(ADA), content={"template_id": "news"}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 1},
        "body": body(person(ADA, substitution_data={VARIABLE: link(ADA)}), content={"template_id": "news"}),
    },
    "a stored template with a copy": {
        "request": send(person(ADA), COPY, content={"template_id": "news"}),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 2},
    },
    "a stored template that nobody fills": {
        "request": send(
            person(ADA), person(BOB), content={"template_id": "news"}, options={"perform_substitutions": False}
        ),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 2},
    },
}
