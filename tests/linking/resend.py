"""Resend's table of linked sends."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers.base import Request
from tests.linking.urls import headers, link

HEADERS = CIMultiDictProxy(CIMultiDict({"Authorization": "Bearer re_key", "Content-Type": "application/json"}))
PLEASE = {"text": "Leave: {{unsubscribe}}", "html": '<a href="{{unsubscribe}}">Leave</a>'}
FILLED = {"text": f"Leave: {link('ada@x.io')}", "html": f'<a href="{link("ada@x.io")}">Leave</a>'}
ADA, BOB = "ada@x.io", "bob@x.io"


def mail(to: Any, **more: Any) -> dict[str, Any]:
    """Give a mail."""
    return {"from": "shop@x.io", "to": to, "subject": "Hi", **more}


def post(body: Any, path: str = "/emails") -> Request:
    """Give a send."""
    return Request("POST", path, "", HEADERS, orjson.dumps(body))


ROWS: dict[str, dict[str, Any]] = {
    "one person": {
        "request": post(mail(ADA, headers={"X-Own": "1"}, **PLEASE)),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": orjson.dumps(mail(ADA, headers={"X-Own": "1", **headers(ADA)}, **FILLED)),
    },
    "two people": {
        "request": post(mail([ADA, BOB], **PLEASE)),
        "results": {"several_recipients": 2, "placeholder_left": 2},
    },
    "a batch": {
        "request": post([mail([ADA]), mail("cy@x.io", cc="di@x.io"), mail(BOB)], "/emails/batch"),
        "results": {"inserted": 2, "several_recipients": 2},
        "body": orjson.dumps(
            [mail([ADA], headers=headers(ADA)), mail("cy@x.io", cc="di@x.io"), mail(BOB, headers=headers(BOB))]
        ),
    },
    "a header of the sender's": {
        "request": post(mail(ADA, headers={"List-unsubscribe": "<mailto:a@x.io>"})),
        "results": {"present": 1},
    },
    "a topic": {"request": post(mail(ADA, topic_id="t")), "results": {"by_provider": 1}},
    "a topic whose headers are the sender's": {
        "request": post(mail(ADA, topic_id="t")),
        "instead": True,
        "results": {"inserted": 1},
        "body": orjson.dumps(mail(ADA, topic_id="t", headers=headers(ADA))),
    },
    "Resend's own placeholder": {
        "request": post(mail(ADA, html="{{{RESEND_UNSUBSCRIBE_URL}}}")),
        "instead": True,
        "results": {"by_provider": 1},
    },
    "a mail that is forwarded": {
        "request": post({"to": ADA}, "/inboxes/1/threads/2/emails/3/forward"),
        "results": {"unsupported": 1},
    },
}
