"""SendGrid's table of linked sends."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers.base import Request
from tests.linking.urls import VARIABLE, headers, link

HEADERS = CIMultiDictProxy(CIMultiDict({"Authorization": "Bearer SG.key", "Content-Type": "application/json"}))
HELLO: list[dict[str, str]] = [{"type": "text/plain", "value": "Hello"}]
PLEASE: list[dict[str, str]] = [
    {"type": "text/plain", "value": "Leave: {{unsubscribe}}"},
    {"type": "text/html", "value": '<a href="{{unsubscribe}}">Leave</a> {{unsubscribe}}'},
    {"type": "text/calendar", "value": "{{unsubscribe}}"},
]


def post(*personalizations: Any, **more: Any) -> bytes:
    """Write a send with these personalizations and further keys."""
    people = list(personalizations)
    return orjson.dumps({"personalizations": people, "from": {"email": "shop@x.io"}, "content": HELLO, **more})


def send(*personalizations: Any, **more: Any) -> Request:
    """Give a send with these personalizations and further keys."""
    return Request("POST", "/v3/mail/send", "", HEADERS, post(*personalizations, **more))


def to(*emails: str, **more: Any) -> dict[str, Any]:
    """Give a personalization."""
    return {"to": [{"email": email} for email in emails], **more}


ADA = link("ada@x.io")
OWN = {"List-Unsubscribe": "<https://shop.example.com/leave>"}
TRACKED: dict[str, Any] = {"subscription_tracking": {"enable": True}}
UNTRACKED: dict[str, Any] = {"subscription_tracking": {"enable": False}, "click_tracking": {"enable": True}}

ROWS: dict[str, dict[str, Any]] = {
    "one person": {
        "request": send(to("ada@x.io")),
        "results": {"inserted": 1},
        "body": post(to("ada@x.io", headers=headers("ada@x.io"))),
    },
    "two people, each with their own": {
        "request": send(to("ada@x.io"), to("bob@x.io", headers={"X-Own": "1"})),
        "results": {"inserted": 2},
        "body": post(
            to("ada@x.io", headers=headers("ada@x.io")), to("bob@x.io", headers={"X-Own": "1", **headers("bob@x.io")})
        ),
    },
    "headers for all, and some of one's own": {
        "request": send(to("ada@x.io"), to("bob@x.io", headers={"X-Own": "1"}), headers={"X-All": "2"}),
        "results": {"inserted": 2},
        "body": post(
            to("ada@x.io", headers={"X-All": "2", **headers("ada@x.io")}),
            to("bob@x.io", headers={"X-Own": "1", **headers("bob@x.io")}),
            headers={"X-All": "2"},
        ),
    },
    "two people in one mail": {
        "request": send(to("ada@x.io", "bob@x.io")),
        "results": {"several_recipients": 2},
    },
    "a copy": {
        "request": send(to("ada@x.io", cc=[{"email": "cy@x.io"}]), to("bob@x.io")),
        "results": {"several_recipients": 2, "inserted": 1},
        "body": post(to("ada@x.io", cc=[{"email": "cy@x.io"}]), to("bob@x.io", headers=headers("bob@x.io"))),
    },
    "a hidden copy": {
        "request": send(to("ada@x.io", bcc=[{"email": "cy@x.io"}])),
        "results": {"several_recipients": 2},
    },
    "a copy of every mail": {
        "request": send(to("ada@x.io"), mail_settings={"bcc": {"enable": True, "email": "audit@x.io"}}),
        "results": {"several_recipients": 2},
    },
    "headers of the sender's, in another case": {
        "request": send(to("ada@x.io", headers={"LIST-unsubscribe": "<mailto:a@x.io>"}), to("bob@x.io")),
        "results": {"present": 1, "inserted": 1},
        "body": post(
            to("ada@x.io", headers={"LIST-unsubscribe": "<mailto:a@x.io>"}), to("bob@x.io", headers=headers("bob@x.io"))
        ),
    },
    "the other header alone": {
        "request": send(to("ada@x.io"), headers={"list-unsubscribe-post": "List-Unsubscribe=One-Click"}),
        "results": {"present": 1},
    },
    "headers of the sender's for all": {
        "request": send(to("ada@x.io"), to("bob@x.io"), headers=OWN),
        "results": {"present": 2},
    },
    "an unsubscribe group": {"request": send(to("ada@x.io"), asm={"group_id": 7}), "results": {"by_provider": 1}},
    "subscription tracking": {
        "request": send(to("ada@x.io"), tracking_settings=TRACKED),
        "results": {"by_provider": 1},
    },
    "subscription tracking that is off": {
        "request": send(to("ada@x.io"), tracking_settings=UNTRACKED),
        "results": {"inserted": 1},
        "body": post(to("ada@x.io", headers=headers("ada@x.io")), tracking_settings=UNTRACKED),
    },
    "no address": {"request": send(to("nobody")), "results": {"no_link": 1}},
    "a placeholder for one": {
        "request": send(to("ada@x.io"), content=PLEASE),
        "headers": False,
        "results": {"placeholder_replaced": 1},
        "body": post(
            to("ada@x.io"),
            content=[
                {"type": "text/plain", "value": f"Leave: {ADA}"},
                {"type": "text/html", "value": f'<a href="{ADA}">Leave</a> {ADA}'},
                PLEASE[2],
            ],
        ),
    },
    "a placeholder for each": {
        "request": send(to("ada@x.io", substitutions={"-a-": "b"}), to("bob@x.io"), content=PLEASE),
        "headers": False,
        "results": {"placeholder_replaced": 2},
        "body": post(
            to("ada@x.io", substitutions={"-a-": "b", "{{unsubscribe}}": link("ada@x.io")}),
            to("bob@x.io", substitutions={"{{unsubscribe}}": link("bob@x.io")}),
            content=PLEASE,
        ),
    },
    "a placeholder for two in one mail": {
        "request": send(to("ada@x.io", "bob@x.io"), content=PLEASE),
        "headers": False,
        "results": {"placeholder_left": 2},
    },
    "a placeholder that the sender fills": {
        "request": send(to("ada@x.io", substitutions={"{{unsubscribe}}": "mine"}), to("bob@x.io"), content=PLEASE),
        "headers": False,
        "results": {"placeholder_replaced": 1},
        "body": post(
            to("ada@x.io", substitutions={"{{unsubscribe}}": "mine"}),
            to("bob@x.io", substitutions={"{{unsubscribe}}": link("bob@x.io")}),
            content=PLEASE,
        ),
    },
    "a placeholder beside a dynamic template": {
        "request": send(to("ada@x.io"), to("bob@x.io"), content=PLEASE, template_id="d-1"),
        "headers": False,
        "results": {"placeholder_left": 2},
    },
    "substitutions that are full": {
        "request": send(to("ada@x.io", substitutions={"-a-": "b" * 9_990}), to("bob@x.io", "cy@x.io"), content=PLEASE),
        "headers": False,
        "results": {"placeholder_left": 3},
    },
    "a stored template": {
        "request": send(
            to("ada@x.io", dynamic_template_data={"a": 1}), to("bob@x.io"), to("cy@x.io", "di@x.io"), template_id="d-1"
        ),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 2, "variable_left": 2},
        "body": post(
            to("ada@x.io", dynamic_template_data={"a": 1, VARIABLE: ADA}),
            to("bob@x.io", dynamic_template_data={VARIABLE: link("bob@x.io")}),
            to("cy@x.io", "di@x.io"),
            template_id="d-1",
        ),
    },
    "a stored template with headers": {
        "request": send(to("ada@x.io"), template_id="d-1"),
        "variable": VARIABLE,
        "results": {"inserted": 1, "variable_filled": 1},
        "body": post(
            to("ada@x.io", headers=headers("ada@x.io"), dynamic_template_data={VARIABLE: ADA}), template_id="d-1"
        ),
    },
    "a stored template of which somebody gets copies": {
        "request": send(
            to("ada@x.io"), template_id="d-1", mail_settings={"bcc": {"enable": True, "email": "bob@x.io"}}
        ),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 2},
    },
    "an old template": {
        "request": send(to("ada@x.io"), template_id="1"),
        "headers": False,
        "variable": VARIABLE,
        "results": {},
    },
}
