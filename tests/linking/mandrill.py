"""Mandrill's table of linked sends."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers.base import Request
from tests.linking.urls import ONE_CLICK, VARIABLE, headers, link

HEADERS = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))
ADA, BOB = "ada@x.io", "bob@x.io"
OURS = f"List-Unsubscribe: <{link(ADA)}>\r\nList-Unsubscribe-Post: {ONE_CLICK}\r\n"
SIGNED = "DKIM-Signature: v=1; a=rsa-sha256; h=From:To:\r\n List-Unsubscribe; b=abc\r\n"


def to(*emails: str, **more: Any) -> dict[str, Any]:
    """Give a message."""
    return {"from_email": "shop@x.io", "to": [{"email": email} for email in emails], **more}


def body(message: dict[str, Any]) -> bytes:
    """Write a send."""
    return orjson.dumps({"key": "k", "message": message})


def send(message: dict[str, Any], call: str = "send") -> Request:
    """Give a send."""
    return Request("POST", f"/api/1.0/messages/{call}.json", "", HEADERS, body(message))


def stored(message: dict[str, Any]) -> Request:
    """Give a send of a stored template."""
    written = orjson.dumps({"key": "k", "template_name": "news", "template_content": [], "message": message})
    return Request("POST", "/api/1.0/messages/send-template.json", "", HEADERS, written)


def raw(head: str = "", text: str = "Hello\r\n", **more: Any) -> bytes:
    """Write a send of a raw message."""
    mail = f"From: shop@x.io\r\nTo: {ADA}\r\nSubject: Hi\r\n{head}\r\n{text}"
    return orjson.dumps({"key": "k", "raw_message": mail, **more})


def send_raw(head: str = "", text: str = "Hello\r\n", **more: Any) -> Request:
    """Give a send of a raw message."""
    return Request("POST", "/api/1.0/messages/send-raw.json", "", HEADERS, raw(head, text, **more))


ROWS: dict[str, dict[str, Any]] = {
    "one person": {
        "request": send(to(ADA, text="{{unsubscribe}}", html="<p>{{unsubscribe}}")),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": body(to(ADA, text=link(ADA), html=f"<p>{link(ADA)}", headers=headers(ADA))),
    },
    "two people": {
        "request": send(to(ADA, BOB, text="{{unsubscribe}}", preserve_recipients=False)),
        "results": {"several_recipients": 2, "placeholder_left": 2},
    },
    "a hidden copy": {"request": send(to(ADA, bcc_address=BOB)), "results": {"several_recipients": 2}},
    "a header of the sender's": {
        "request": send(to(ADA, headers={"list-Unsubscribe": "<mailto:a@x.io>"})),
        "results": {"present": 1},
    },
    "Mandrill's own merge tag": {
        "request": send(to(ADA, html="*|UNSUB:https://x.io|*")),
        "results": {"by_provider": 1},
    },
    "a raw message": {
        "request": send_raw(),
        "results": {"inserted": 1},
        "body": raw(OURS),
    },
    "a raw message to whom it names": {
        "request": send_raw(to=["Ada@X.io"]),
        "results": {"inserted": 1},
        "body": raw(OURS, to=["Ada@X.io"]),
    },
    "a raw message to two": {"request": send_raw(to=[ADA, BOB]), "results": {"several_recipients": 2}},
    "a raw message with a header of the sender's": {
        "request": send_raw("LIST-UNSUBSCRIBE: <mailto:a@x.io>\r\n"),
        "results": {"present": 1},
    },
    "a raw message whose signature allows none": {"request": send_raw(SIGNED), "results": {"unsupported": 1}},
    "a raw message whose signature does not mind": {
        "request": send_raw("DKIM-Signature: v=1; h=From:To; b=abc\r\n"),
        "results": {"inserted": 1},
        "body": raw(f"DKIM-Signature: v=1; h=From:To; b=abc\r\n{OURS}"),
    },
    "a raw message with a text": {
        "request": send_raw(text="Leave: {{unsubscribe}}\r\n"),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": raw(OURS, f"Leave: {link(ADA)}\r\n"),
    },
    "a raw message with a text, without headers": {
        "request": send_raw(text="Leave: {{unsubscribe}}\r\n"),
        "headers": False,
        "results": {"placeholder_replaced": 1},
        "body": raw(text=f"Leave: {link(ADA)}\r\n"),
    },
    "a raw message with a text to two": {
        "request": send_raw(text="{{unsubscribe}}", to=[ADA, BOB]),
        "results": {"several_recipients": 2, "placeholder_left": 2},
    },
    "a signed raw message with a text": {
        "request": send_raw("DKIM-Signature: v=1; h=From:To; b=abc\r\n", "{{unsubscribe}}"),
        "results": {"inserted": 1, "placeholder_left": 1},
        "body": raw(f"DKIM-Signature: v=1; h=From:To; b=abc\r\n{OURS}", "{{unsubscribe}}"),
    },
    "a raw message with Mandrill's own merge tag": {
        "request": send_raw(text="*|UNSUB:https://x.io|*"),
        "results": {"by_provider": 1},
    },
    "a raw message with Mandrill's own merge tag in base64": {
        "request": send_raw("Content-Transfer-Encoding: base64\r\n", "KnxVbnN1YjpodHRwczovL3guaW98Kg=="),
        "results": {"by_provider": 1},
    },
    "Mandrill's own merge tag in another case": {
        "request": send(to(ADA, html="*|unsub:https://x.io|* {{unsubscribe}}")),
        "results": {"by_provider": 1, "placeholder_replaced": 1},
        "body": body(to(ADA, html=f"*|unsub:https://x.io|* {link(ADA)}")),
    },
    "a raw message with Mandrill's own merge tag in another case": {
        "request": send_raw(text="*|Unsub:https://x.io|*"),
        "results": {"by_provider": 1},
    },
    "a stored template": {
        "request": stored(to(ADA)),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 1},
        "body": stored(to(ADA, global_merge_vars=[{"name": VARIABLE, "content": link(ADA)}])).body,
    },
    "a stored template with merge vars": {
        "request": stored(to(ADA, global_merge_vars=[{"name": "A", "content": "1"}])),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_filled": 1},
        "body": stored(
            to(ADA, global_merge_vars=[{"name": "A", "content": "1"}, {"name": VARIABLE, "content": link(ADA)}])
        ).body,
    },
    "a stored template with a merge var like it": {
        "request": stored(to(ADA, merge_vars=[{"rcpt": ADA, "vars": [{"name": "Unsubscribe_URL", "content": "x"}]}])),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 1},
    },
    "a stored template to two": {
        "request": stored(to(ADA, BOB, preserve_recipients=False)),
        "headers": False,
        "variable": VARIABLE,
        "results": {"variable_left": 2},
    },
}
