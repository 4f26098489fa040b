"""Resend's webhooks: https://resend.com/docs/dashboard/webhooks/introduction, sent and signed by Svix.

A request holds one event with its `data`, and is signed as a whole: HMAC-SHA256 over id, time and the very bytes of the
body, with the secret that Resend shows (`whsec_…`). An event of a mail to several people does not say which of them it
means, so it is about nobody.

What would release somebody is only counted. An unsubscribe here is from all or from a topic, the gate knows both as
one, and a contact that is changed for any reason tells that it is not unsubscribed from all.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from proxy.formats.mailboxes import single
from proxy.hooks.base import (
    Forged,
    Hook,
    Notice,
    Says,
    Secrets,
    at_text,
    check_time,
    identity,
    json_items,
    nothing_needed,
    text,
    unusable,
    usable,
)

WINDOW: Final = 300.0  # Svix signs each try anew
PROOF = "a signature (Svix, HMAC-SHA256) over id, time and body; `key` is the signing secret, `whsec_…`"

_ORIGINS: Final = {"bounce": Says.HARD_BOUNCE, "complaint": Says.COMPLAINT, "manual": Says.UNSUBSCRIBE}
_REASONS: Final = {"previous_bounce": Says.HARD_BOUNCE, "previous_complaint": Says.COMPLAINT}
_OF_THE_MESSAGE: Final = ("MessageTooLarge", "ContentRejected", "AttachmentRejected")  # not the end of a mailbox

needs = nothing_needed
confirm = nothing_needed


def flaw(secrets: Secrets) -> str:
    """Say whether a signing secret is none."""
    fit = all(_signature(key, b"") for key in secrets.keys)
    return "" if secrets.keys and fit else "needs a key that is a signing secret of Resend, whsec_…"


def check(hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
    """Verify the signature over id, time and body; raises Forged."""
    del fetched
    prefix = "svix" if "svix-signature" in hook.headers else "webhook"
    identifier, told = hook.headers.get(f"{prefix}-id", ""), hook.headers.get(f"{prefix}-timestamp", "")
    if not identifier:
        raise Forged("the message has no id")
    check_time(told, now, WINDOW)
    signed = f"{identifier}.{told}.".encode("utf-8", "surrogateescape") + hook.body
    given = hook.headers.get(f"{prefix}-signature", "").split(" ")
    shown = [each.removeprefix("v1,").encode("utf-8", "surrogateescape") for each in given if each.startswith("v1,")]
    made = [_signature(key, signed) for key in secrets.keys]
    if not any(hmac.compare_digest(own, each) for own in made if own for each in shown):
        raise Forged("the signature does not fit")


def _signature(key: str, signed: bytes) -> bytes:
    """Sign, or give nothing where the key is none."""
    try:
        secret = base64.b64decode(key.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)) if secret else b""


def read(hook: Hook) -> tuple[Notice, ...]:
    """Give the notice of the event; raises Garbled."""
    return tuple(map(_notice, json_items(hook.body)))


def _notice(item: Any) -> Notice:
    event = usable(item)
    data = usable(event.get("data")) if event else None
    word = text(event, "type") if event else ""
    if event is None or data is None or not word:
        return unusable(item, word)
    says = _says(word, data)
    address = _address(word, data)
    if says is not Says.NOTHING and not address:
        return unusable(item, word)
    told, dropped = identity(event, *sorted(event)), word == "email.suppressed"
    return Notice(says, address, at_text(event.get("created_at")), told, word, event, dropped=dropped)


def _says(word: str, data: Mapping[str, Any]) -> Says:
    says = Says.NOTHING
    match word:
        case "email.complained":
            says = Says.COMPLAINT
        case "email.bounced":
            bounce = usable(data.get("bounce")) or {}
            if bounce.get("type") == "Permanent" and bounce.get("subType") not in _OF_THE_MESSAGE:
                says = Says.HARD_BOUNCE
        case "email.suppressed":
            says = _REASONS.get(text(usable(data.get("suppressed")) or {}, "reason"), Says.DROPPED)
        case "suppression.added":
            says = _ORIGINS.get(text(data, "origin"), Says.UNSUBSCRIBE)
        case "contact.created" | "contact.updated" if data.get("unsubscribed") is True:
            says = Says.UNSUBSCRIBE
        case "contact.topics.updated" if _leaves_a_topic(data.get("topics")):
            says = Says.UNSUBSCRIBE
    return says


def _leaves_a_topic(topics: Any) -> bool:
    return isinstance(topics, list) and any((usable(each) or {}).get("subscription") == "opt_out" for each in topics)


def _address(word: str, data: Mapping[str, Any]) -> str:
    """Give whom the event means; nothing where it names several."""
    if not word.startswith("email."):
        return text(data, "email")
    to = data.get("to")
    people = {single(each) for each in to if isinstance(each, str)} if isinstance(to, list) else set()
    return people.pop() if len(people) == 1 else ""
