"""Mandrill's webhooks: what they tell, signed as Mandrill signs."""

from __future__ import annotations

import base64
import hmac
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import mandrill
from proxy.hooks.base import Hook, Hooks, Says, Secrets

HOOKS: Hooks = mandrill
KEY = "webhook-key"
SECRETS = Secrets((KEY,))
SIGNING = ("X-Mandrill-Signature",)
TIMED = False
URL = "https://gate.example.com/webhooks/mail?a=b"
AT = 1_700_000_000
ADA = "ada@example.com"


def sign(body: bytes, at: int) -> Hook:
    """Make a request whose form is signed."""
    del at
    return signed(body, KEY)


def signed(body: bytes, key: str) -> Hook:
    """Sign a form with a key: the address, and each name with its value."""
    pairs = sorted(piece.partition("=")[::2] for piece in body.decode().split("&"))
    text = URL + "".join(unquote_plus(name) + unquote_plus(value) for name, value in pairs)
    signature = base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha1")).decode()
    headers = {"X-Mandrill-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return Hook("POST", URL, CIMultiDictProxy(CIMultiDict(headers)), body)


def form(told: Any) -> bytes:
    """Give the form for some events."""
    return f"mandrill_events={quote_plus(orjson.dumps(told))}".encode()


def event(word: str, **more: Any) -> dict[str, Any]:
    """Give an event of a message."""
    return {"event": word, "_id": f"id-{word}", "ts": AT, "msg": {"email": ADA, "state": "sent"}} | more


def listed(action: str, reason: str, kind: str = "blacklist") -> dict[str, Any]:
    """Give a change of the rejection list."""
    entry = {"email": ADA, "reason": reason, "detail": "", "expired": False}
    return {"type": kind, "action": action, "reject": entry, "ts": AT}


ITEMS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "an unsubscribe": (form([event("unsub")]), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "an unsubscribe with metadata called like its keys": (
        form([event("unsub", msg={"email": ADA, "metadata": {"event": "send", "email": "b@x.io", "ts": 1}})]),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "a complaint": (form([event("spam")]), [(Says.COMPLAINT, ADA, AT)]),
    "a hard bounce": (form([event("hard_bounce")]), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a soft bounce": (form([event("soft_bounce")]), [(Says.NOTHING, ADA, AT)]),
    "what Mandrill rejects": (form([event("reject")]), [(Says.DROPPED, ADA, AT)]),
    "a delivery": (form([event("send")]), [(Says.NOTHING, ADA, AT)]),
    "into the rejection list": (
        form([listed("add", reason) for reason in ("unsub", "spam", "hard-bounce", "soft-bounce", "custom")]),
        [
            (says, ADA, AT)
            for says in (Says.UNSUBSCRIBE, Says.COMPLAINT, Says.HARD_BOUNCE, Says.NOTHING, Says.UNSUBSCRIBE)
        ],
    ),
    "another reason": (form([listed("change", "unsub")]), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "out of the rejection list": (
        form([listed("remove", "unsub"), listed("remove", "spam")]),
        [(Says.NOTHING, ADA, AT), (Says.NOTHING, ADA, AT)],
    ),
    "into the allow list": (form([listed("add", "unsub", "whitelist")]), [(Says.NOTHING, ADA, AT)]),
    "no time": (form([event("unsub", ts=None)]), [(Says.UNSUBSCRIBE, ADA, None)]),
    "several, some of them no event": (
        form(["x", event("unsub", msg=None), event("", msg={"email": ADA}), event("spam")]),
        [
            (Says.UNUSABLE, "", None),
            (Says.UNUSABLE, "", None),
            (Says.UNUSABLE, "", None),
            (Says.COMPLAINT, ADA, AT),
        ],
    ),
}

GARBLED: dict[str, bytes] = {
    "nothing": b"",
    "JSON": b"[]",
    "another field": b"events=[]",
    "twice": b"mandrill_events=[]&mandrill_events=[]",
    "not JSON": b"mandrill_events=x",
    "not UTF-8": b"mandrill_events=%ff",
}


def result(status: str, reason: str | None = None, address: Any = ADA) -> dict[str, Any]:
    """Give what Mandrill answers of one recipient."""
    return {"email": address, "status": status, "reject_reason": reason, "_id": "1", "queued_reason": None}


ANSWERS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "nobody": (orjson.dumps([result("sent"), result("queued"), result("invalid", "invalid")]), []),
    "each reason of the list": (
        orjson.dumps([result("rejected", each) for each in ("unsub", "spam", "hard-bounce", "soft-bounce", "custom")]),
        [(says, ADA) for says in (Says.UNSUBSCRIBE, Says.COMPLAINT, Says.HARD_BOUNCE, Says.DROPPED, Says.UNSUBSCRIBE)],
    ),
    "reasons of no list": (
        orjson.dumps([result("rejected", each) for each in ("rule", "unsigned", "invalid-sender", "new", None)]),
        [],
    ),
    "a reason of somebody who got it": (orjson.dumps([result("sent", "unsub"), result("rejected")]), []),
    "one of several": (
        orjson.dumps([result("sent", None, "b@x.io"), result("rejected", "spam"), "x", result("rejected", "spam", 7)]),
        [(Says.COMPLAINT, ADA)],
    ),
}
