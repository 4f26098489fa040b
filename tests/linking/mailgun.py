"""Mailgun's table of linked sends."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers.base import Request
from tests.linking.urls import ONE_CLICK, link

FORM = "application/x-www-form-urlencoded"
PATH = "/v3/x.io/messages"
ADA, BOB = "ada@x.io", "bob@x.io"
OURS = f"List-Unsubscribe: <{link(ADA)}>\r\nList-Unsubscribe-Post: {ONE_CLICK}\r\n"
MIXED = "Content-Type: multipart/mixed; boundary=b\r\n"
QUOTED = "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n"
EACH = "%recipient.sendgate_unsubscribe%"

Pair = tuple[str, str]


def headed(url: str) -> list[Pair]:
    """Give both headers as fields."""
    return [("h:List-Unsubscribe", f"<{url}>"), ("h:List-Unsubscribe-Post", ONE_CLICK)]


def variables(**more: Any) -> Pair:
    """Give variables by recipient."""
    return "recipient-variables", json.dumps({f"{name}@x.io": told for name, told in more.items()}).replace(" ", "")


def post(body: bytes, media_type: str, path: str = PATH) -> Request:
    """Give a send."""
    pairs = {"Authorization": "Basic key", "Content-Type": media_type}
    return Request("POST", path, "", CIMultiDictProxy(CIMultiDict(pairs)), body)


def form(*pairs: Pair) -> bytes:
    """Write a form."""
    return urlencode(pairs).encode()


def send(*pairs: Pair, path: str = PATH) -> Request:
    """Give a send as a form."""
    return post(form(*pairs), FORM, path)


def parts(*pairs: Pair, end: str = "") -> bytes:
    """Write a form in parts; a message is a file."""
    files = {"message": '; filename="m"'}
    written = [
        f'--x-4c1e\r\nContent-Disposition: form-data; name="{name}"{files.get(name, "")}\r\n\r\n{value}\r\n'
        for name, value in pairs
    ]
    return f"{''.join(written)}--x-4c1e--{end}".encode()


def multipart(*pairs: Pair, path: str = PATH, end: str = "") -> Request:
    """Give a send as a form in parts."""
    return post(parts(*pairs, end=end), "multipart/form-data; boundary=x-4c1e", path)


def raw(head: str = "", text: str = "Hello\r\n") -> Pair:
    """Give a raw mail."""
    return "message", f"From: shop@x.io\r\nTo: list@x.io\r\n{head}\r\n{text}"


def texts(text: str, html: str) -> str:
    """Write two parts, the second of which has a charset that nobody knows."""
    return (
        f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n"
        f"--b\r\nContent-Type: text/html; charset=x-own\r\n\r\n{html}\r\n--b--\r\n"
    )


ROWS: dict[str, dict[str, Any]] = {
    "one person": {
        "request": send(("to", "Ada <Ada@X.io>"), ("text", "{{unsubscribe}} & more"), ("html", "<p>{{unsubscribe}}")),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": form(
            ("to", "Ada <Ada@X.io>"), ("text", f"{link(ADA)} & more"), ("html", f"<p>{link(ADA)}"), *headed(link(ADA))
        ),
    },
    "one person, in parts": {
        "request": multipart(("to", ADA), ("text", "{{unsubscribe}}"), ("o:tag", "a"), end="\r\n"),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": parts(("to", ADA), ("text", link(ADA)), ("o:tag", "a"), *headed(link(ADA)), end="\r\n"),
    },
    "the last part becomes another": {
        "request": multipart(("to", ADA), ("text", "{{unsubscribe}}")),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": parts(("to", ADA), ("text", link(ADA)), *headed(link(ADA))),
    },
    "two people who see each other": {
        "request": send(("to", f"{ADA}, {BOB}"), ("text", "{{unsubscribe}}")),
        "results": {"several_recipients": 2, "placeholder_left": 2},
    },
    "two people, each with variables": {
        "request": send(
            ("to", ADA), ("to", BOB), variables(Ada={"n": 1.50}, bob={}), ("text", "%recipient.n% {{unsubscribe}}")
        ),
        "results": {"inserted": 2, "placeholder_replaced": 2},
        "body": form(
            ("to", ADA),
            ("to", BOB),
            variables(Ada={"n": 1.50, "sendgate_unsubscribe": link(ADA)}, bob={"sendgate_unsubscribe": link(BOB)}),
            ("text", f"%recipient.n% {EACH}"),
            *headed(EACH),
        ),
    },
    "variables, and somebody without": {
        "request": send(("to", f"{ADA}, {BOB}"), variables(ada={"n": 1})),
        "results": {"several_recipients": 2},
    },
    "variables and a copy": {
        "request": send(("to", f"{ADA}, {BOB}"), ("cc", "cy@x.io"), variables(ada={}, bob={})),
        "results": {"several_recipients": 3},
    },
    "variables that are none": {
        "request": send(("to", f"{ADA}, {BOB}"), variables(ada=7, bob={})),
        "results": {"several_recipients": 2},
    },
    "variables of one person": {
        "request": send(("to", ADA), variables(ada={})),
        "results": {"inserted": 1},
        "body": form(("to", ADA), variables(ada={}), *headed(link(ADA))),
    },
    "a header of the sender's": {
        "request": send(("to", ADA), ("h:list-Unsubscribe", "<mailto:a@x.io>")),
        "results": {"present": 1},
    },
    "Mailgun's own variable": {
        "request": send(("to", ADA), ("html", "%tag_unsubscribe_url%")),
        "results": {"by_provider": 1},
    },
    "a raw mail": {
        "request": multipart(("to", ADA), raw(), path=f"{PATH}.mime"),
        "results": {"inserted": 1},
        "body": parts(("to", ADA), raw(OURS)),
    },
    "a raw mail to two": {
        "request": multipart(("to", f"{ADA}, {BOB}"), raw(), path=f"{PATH}.mime"),
        "results": {"several_recipients": 2},
    },
    "a raw mail with a header of the sender's": {
        "request": multipart(("to", ADA), raw("List-UNSUBSCRIBE: <a:b>\r\n"), path=f"{PATH}.mime"),
        "results": {"present": 1},
    },
    "a raw mail with a header of the sender's in a field": {
        "request": multipart(("to", ADA), ("h:List-Unsubscribe", "<a:b>"), raw(), path=f"{PATH}.mime"),
        "results": {"present": 1},
    },
    "a raw mail whose signature allows none": {
        "request": multipart(
            ("to", ADA), raw("DKIM-Signature: v=1; b=abc;\r\n h=from:List-Unsubscribe\r\n"), path=f"{PATH}.mime"
        ),
        "results": {"unsupported": 1},
    },
    "a raw mail with texts": {
        "request": multipart(
            ("to", ADA), raw(QUOTED, f"{'=C3=BC' * 10} =7B=7Bunsub=\r\nscribe}}}}!\r\n"), path=f"{PATH}.mime"
        ),
        "results": {"inserted": 1, "placeholder_replaced": 1},
        "body": parts(
            ("to", ADA),
            raw(QUOTED + OURS, f"{'=C3=BC' * 10} {link(ADA)[:14]}=\r\n{link(ADA)[14:]}!\r\n"),
        ),
    },
    "a raw mail with texts to two": {
        "request": multipart(("to", f"{ADA}, {BOB}"), raw(text="{{unsubscribe}}"), path=f"{PATH}.mime"),
        "results": {"several_recipients": 2, "placeholder_left": 2},
    },
    "a raw mail with texts of which one can be written": {
        "request": multipart(
            ("to", ADA),
            raw(f"List-Unsubscribe: <a:b>\r\n{MIXED}", texts("{{unsubscribe}}", "{{unsubscribe}}")),
            path=f"{PATH}.mime",
        ),
        "results": {"present": 1, "placeholder_replaced": 1},
        "body": parts(("to", ADA), raw(f"List-Unsubscribe: <a:b>\r\n{MIXED}", texts(link(ADA), "{{unsubscribe}}"))),
    },
    "a raw mail with Mailgun's own variable": {
        "request": multipart(("to", ADA), raw(QUOTED, "%unsub=\r\nscribe_url% {{unsubscribe}}"), path=f"{PATH}.mime"),
        "results": {"by_provider": 1, "placeholder_replaced": 1},
        "body": parts(("to", ADA), raw(QUOTED, f"%unsub=\r\nscribe_url% {link(ADA)}")),
    },
    "a stored mail": {
        "request": send(("to", ADA), path="/v3/domains/x.io/messages/abc"),
        "results": {"unsupported": 1},
    },
}
