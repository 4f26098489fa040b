"""SendGrid's Event Webhook: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event.

A request holds an array of flat events, each about one recipient, and is signed as a whole by ECDSA over P-256 with
SHA-256: the signed text is the time header followed by the very bytes of the body. The key in the configuration is the
public one that SendGrid shows, base64 of its DER form, with or without PEM lines.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from proxy.formats import event_args
from proxy.hooks.base import (
    Forged,
    Hook,
    Notice,
    Says,
    Secrets,
    at_seconds,
    check_time,
    identity,
    json_items,
    nothing_needed,
    text,
    unusable,
    usable,
)

# SendGrid repeats for a day what was not taken, and nothing says that it signs anew.
WINDOW = 26 * 3600.0

PROOF = (
    "a signature (ECDSA) over time and body; `key` is the verification key of Settings, Mail Settings, Event Webhook"
)

_SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
_TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

_WORDS = {
    "unsubscribe": Says.UNSUBSCRIBE,
    "group_unsubscribe": Says.UNSUBSCRIBE,
    "group_resubscribe": Says.RESUBSCRIBE,
    "spamreport": Says.COMPLAINT,
}
# Why nothing was sent. What is neither one of these nor about the message may be a sender's argument in the place of
# the reason (formats/event_args.py): that nothing was sent is true all the same.
_DROPPED = {
    event_args.UNSUBSCRIBED: Says.UNSUBSCRIBE,
    event_args.REPORTED: Says.COMPLAINT,
    event_args.BOUNCED: Says.HARD_BOUNCE,
    **dict.fromkeys(event_args.ABOUT_THE_MESSAGE, Says.NOTHING),
}

needs = nothing_needed
confirm = nothing_needed


def flaw(secrets: Secrets) -> str:
    """Say whether a verification key is none."""
    fit = all(_public(key) for key in secrets.keys)
    return "" if secrets.keys and fit else "needs a key that is SendGrid's verification key (base64 of an ECDSA key)"


def check(hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
    """Verify the signature over time and body; raises Forged."""
    del fetched
    told = hook.headers.get(_TIMESTAMP, "")
    check_time(told, now, WINDOW)
    try:
        signature = base64.b64decode(hook.headers.get(_SIGNATURE, ""), validate=True)
    except (binascii.Error, ValueError):
        raise Forged("the signature is not base64") from None
    signed = told.encode() + hook.body
    if not any(_verifies(key, signature, signed) for key in secrets.keys):
        raise Forged("the signature does not fit")


def _verifies(key: str, signature: bytes, signed: bytes) -> bool:
    public = _public(key)
    if public is None:
        return False
    try:
        public.verify(signature, signed, ec.ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _public(key: str) -> ec.EllipticCurvePublicKey | None:
    try:
        public = load_der_public_key(base64.b64decode(_bare(key), validate=True))
    except (UnsupportedAlgorithm, ValueError):
        return None
    return public if isinstance(public, ec.EllipticCurvePublicKey) else None


def _bare(key: str) -> str:
    return "".join(line for line in key.split() if "-" not in line and line not in ("BEGIN", "PUBLIC", "END", "KEY"))


def read(hook: Hook) -> tuple[Notice, ...]:
    """Give one notice for each event; raises Garbled."""
    return tuple(map(_notice, json_items(hook.body)))


def _notice(item: Any) -> Notice:
    event = usable(item)
    if event is None:
        return unusable(item)
    word = text(event, "event")
    says = _says(word, text(event, "type"), text(event, "reason"))
    address = text(event, "email")
    if not word or (says is not Says.NOTHING and not address):
        return unusable(item, word)
    # By sg_event_id alone, which an argument may be called too, a second person's unsubscribe could be taken for the
    # first one's, told again.
    told, group, dropped = identity(event, *event_args.KEYS), _group(word, event), word == "dropped"
    return Notice(says, address, at_seconds(event.get("timestamp")), told, word, event, group, dropped=dropped)


def _group(word: str, event: Mapping[str, Any]) -> str:
    return f"group {event.get('asm_group_id', '')}" if word.startswith("group_") else ""


def _says(word: str, kind: str, reason: str) -> Says:
    if word == "dropped":
        return _DROPPED.get(event_args.plain(reason), Says.DROPPED)
    if word == "bounce":
        return Says.NOTHING if kind == event_args.BLOCKED else Says.HARD_BOUNCE
    return _WORDS.get(word, Says.NOTHING)
