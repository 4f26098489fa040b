"""Resend's webhooks: what they tell, signed as Svix signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import resend
from proxy.hooks.base import Hook, Hooks, Says, Secrets

HOOKS: Hooks = resend
KEY = b"a key of twenty-four bytes"
SECRETS = Secrets((f"whsec_{base64.b64encode(KEY).decode()}",))
SIGNING = ("svix-id", "svix-timestamp", "svix-signature")


def sign(body: bytes, at: int) -> Hook:
    """Make a request as Svix does, with a signature of an older key before the right one."""
    signature = base64.b64encode(hmac.digest(KEY, f"msg_1.{at}.".encode() + body, hashlib.sha256)).decode()
    signatures = f"v1,{base64.b64encode(b'x' * 32).decode()} v1a,x v1,{signature}"
    headers = dict(zip(SIGNING, ("msg_1", str(at), signatures), strict=True)) | {"Content-Type": "application/json"}
    return Hook("POST", "https://gate.example.com/webhooks/mail", CIMultiDictProxy(CIMultiDict(headers)), body)


AT = 1_700_000_000
ADA = "ada@example.com"


def event(word: str, **data: Any) -> bytes:
    """Give the body for an event."""
    return orjson.dumps({"type": word, "created_at": "2023-11-14T22:13:20.678Z", "data": data})


def mail(word: str, *to: str, **more: Any) -> bytes:
    """Give the body for an event of a mail."""
    return event(word, email_id="1", created_at="2023-11-14T22:00:00.000Z", to=to or [ADA], subject="x", **more)


def bounce(kind: str, more: str) -> dict[str, Any]:
    """Give what is told of a bounce."""
    return {"type": kind, "subType": more, "message": "550 5.1.1", "diagnosticCode": ["smtp; 550 5.1.1 user unknown"]}


DROPPED = {
    "a mail that a bounce suppressed",
    "a mail that a complaint suppressed",
    "a mail that something suppressed",
}
ITEMS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "a complaint": (mail("email.complained"), [(Says.COMPLAINT, ADA, AT)]),
    "a complaint with tags called like its keys": (
        mail("email.complained", tags={"type": "email.delivered", "to": "b@x.io", "created_at": "1"}),
        [(Says.COMPLAINT, ADA, AT)],
    ),
    "a complaint with a name": (mail("email.complained", f"Ada <{ADA}>", ADA), [(Says.COMPLAINT, ADA, AT)]),
    "a complaint of one of two": (mail("email.complained", ADA, "b@x.io"), [(Says.UNUSABLE, "", None)]),
    "a bounce": (mail("email.bounced", bounce=bounce("Permanent", "General")), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a bounce of one of two": (
        mail("email.bounced", ADA, "b@x.io", bounce=bounce("Permanent", "NoEmail")),
        [(Says.UNUSABLE, "", None)],
    ),
    "a bounce for now": (mail("email.bounced", bounce=bounce("Transient", "MailboxFull")), [(Says.NOTHING, ADA, AT)]),
    "a refusal of the message": (
        mail("email.bounced", bounce=bounce("Permanent", "ContentRejected")),
        [(Says.NOTHING, ADA, AT)],
    ),
    "a bounce without a word": (mail("email.bounced", bounce="550"), [(Says.NOTHING, ADA, AT)]),
    "a mail that a bounce suppressed": (
        mail("email.suppressed", suppressed={"reason": "previous_bounce", "type": "Suppressed"}),
        [(Says.HARD_BOUNCE, ADA, AT)],
    ),
    "a mail that a complaint suppressed": (
        mail("email.suppressed", suppressed={"reason": "previous_complaint", "type": "OnAccountSuppressionList"}),
        [(Says.COMPLAINT, ADA, AT)],
    ),
    "a mail that something suppressed": (
        mail("email.suppressed", suppressed={"message": "x", "type": "Suppressed"}),
        [(Says.DROPPED, ADA, AT)],
    ),
    "a delivery to two": (mail("email.delivered", ADA, "b@x.io"), [(Says.NOTHING, "", AT)]),
    "a suppression after a bounce": (
        event("suppression.added", email=ADA, origin="bounce"),
        [(Says.HARD_BOUNCE, ADA, AT)],
    ),
    "a suppression after a complaint": (
        event("suppression.added", email=ADA, origin="complaint"),
        [(Says.COMPLAINT, ADA, AT)],
    ),
    "a suppression by hand": (event("suppression.added", email=ADA, origin="manual"), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a suppression for a new reason": (event("suppression.added", email=ADA, origin=7), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a suppression of nobody": (event("suppression.added", origin="manual"), [(Says.UNUSABLE, "", None)]),
    "a suppression that is gone": (event("suppression.removed", email=ADA, origin="manual"), [(Says.NOTHING, ADA, AT)]),
    "an unsubscribe": (event("contact.updated", email=ADA, unsubscribed=True), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a contact that is unsubscribed": (
        event("contact.created", email=ADA, unsubscribed=True),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "a contact that is not": (event("contact.updated", email=ADA, unsubscribed=False), [(Says.NOTHING, ADA, AT)]),
    "out of a topic": (
        event("contact.topics.updated", email=ADA, topics=[{"id": "1", "subscription": "opt_in"}, {}]).replace(
            b"{}", b'{"id":"2","subscription":"opt_out"}'
        ),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "into a topic": (
        event("contact.topics.updated", email=ADA, topics=[{"id": "1", "subscription": "opt_in"}, 7]),
        [(Says.NOTHING, ADA, AT)],
    ),
    "no topics": (event("contact.topics.updated", email=ADA, topics=None), [(Says.NOTHING, ADA, AT)]),
    "no time": (
        orjson.dumps({"type": "email.complained", "created_at": "soon", "data": {"to": [ADA]}}),
        [(Says.COMPLAINT, ADA, None)],
    ),
    "no data": (orjson.dumps({"type": "email.complained"}), [(Says.UNUSABLE, "", None)]),
    "no word": (orjson.dumps({"data": {"to": [ADA]}}), [(Says.UNUSABLE, "", None)]),
    "no event": (b"[7]", [(Says.UNUSABLE, "", None)]),
}

GARBLED: dict[str, bytes] = {"nothing": b"", "a form": b"type=email.complained", "cut": b'{"type":'}
