"""SendGrid's webhooks: what they tell, signed as SendGrid signs."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import sendgrid
from proxy.hooks.base import Hook, Hooks, Says, Secrets

HOOKS: Hooks = sendgrid
KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
SECRETS = Secrets((PUBLIC,))
SIGNING = ("X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp")


def sign(body: bytes, at: int) -> Hook:
    """Make a request of the Event Webhook."""
    signature = base64.b64encode(KEY.sign(str(at).encode() + body, ec.ECDSA(SHA256()))).decode()
    headers = {SIGNING[0]: signature, SIGNING[1]: str(at), "Content-Type": "application/json"}
    return Hook("POST", "https://gate.example.com/webhooks/mail", CIMultiDictProxy(CIMultiDict(headers)), body)


def events(*told: Any) -> bytes:
    """Give the body for some events."""
    return orjson.dumps(told)


def event(word: str, **more: Any) -> dict[str, Any]:
    """Give one event."""
    common = {"email": "ada@example.com", "timestamp": 1_700_000_000, "sg_event_id": f"id-{word}", "event": word}
    return common | more


AT = 1_700_000_000
REASONS = ("Unsubscribed Address", "Spam Reporting Address", "Bounced Address")
DROPPED = {
    "somebody who was dropped",
    "a message that was dropped",
    "somebody who was dropped for a reason that nobody knows",
}

ITEMS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "an unsubscribe": (events(event("unsubscribe")), [(Says.UNSUBSCRIBE, "ada@example.com", AT)]),
    "one from a group": (
        events(event("group_unsubscribe", asm_group_id=7)),
        [(Says.UNSUBSCRIBE, "ada@example.com", AT)],
    ),
    "back into a group": (events(event("group_resubscribe")), [(Says.RESUBSCRIBE, "ada@example.com", AT)]),
    "a complaint": (events(event("spamreport")), [(Says.COMPLAINT, "ada@example.com", AT)]),
    "a bounce": (events(event("bounce", type="bounce")), [(Says.HARD_BOUNCE, "ada@example.com", AT)]),
    "a refusal of the server": (events(event("bounce", type="blocked")), [(Says.NOTHING, "ada@example.com", AT)]),
    "a delivery": (events(event("delivered")), [(Says.NOTHING, "ada@example.com", AT)]),
    "somebody who was dropped": (
        events(*(event("dropped", sg_event_id=reason, reason=reason) for reason in REASONS)),
        [(says, "ada@example.com", AT) for says in (Says.UNSUBSCRIBE, Says.COMPLAINT, Says.HARD_BOUNCE)],
    ),
    "a message that was dropped": (
        events(event("dropped", reason="Spam Content")),
        [(Says.NOTHING, "ada@example.com", AT)],
    ),
    "somebody who was dropped for a reason that nobody knows": (
        events(*(event("dropped", sg_event_id=reason, reason=reason) for reason in ("Invalid", "receipt", None))),
        [(Says.DROPPED, "ada@example.com", AT)] * 3,
    ),
    "a bounce under a sender's own type": (
        events(event("bounce", type="newsletter")),
        [(Says.HARD_BOUNCE, "ada@example.com", AT)],
    ),
    "no time": (events(event("unsubscribe", timestamp="soon")), [(Says.UNSUBSCRIBE, "ada@example.com", None)]),
    "no id": (events(event("unsubscribe", sg_event_id=None)), [(Says.UNSUBSCRIBE, "ada@example.com", AT)]),
    "several, one of them no event": (
        events(event("unsubscribe"), "x", event("spamreport", email=None), event("spamreport")),
        [
            (Says.UNSUBSCRIBE, "ada@example.com", AT),
            (Says.UNUSABLE, "", None),
            (Says.UNUSABLE, "", None),
            (Says.COMPLAINT, "ada@example.com", AT),
        ],
    ),
}

GARBLED: dict[str, bytes] = {"nothing": b"", "a form": b"event=unsubscribe", "cut": b'[{"event":'}
