"""Mailgun's webhooks: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks.

A request holds one event about one recipient, and a signature beside it: HMAC-SHA256 of a time and a random token, by
the account's webhook signing key. The event itself is not signed, so whoever sees one request could put another event
beside its signature. So nothing hangs on the token: the identity of what is told is the event as a whole, or another
event, sent first, would use up the token, and the true one, perhaps somebody's no, would go unheard. What a forger can
say while a signature is good suppresses at most, for none of Mailgun's words releases anybody. Forms, as webhooks were
before 2023, are not read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from proxy.hooks.base import (
    Forged,
    Garbled,
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

# Mailgun repeats for eight hours what was not taken, and nothing says that it signs anew.
WINDOW: Final = 9 * 3600.0

PROOF: Final = (
    "a signature (HMAC-SHA256) over time and token, not over the event, which counts by itself; `key` is the HTTP "
    "webhook signing key of Settings, API Security"
)

_WORDS: Final = {"unsubscribed": Says.UNSUBSCRIBE, "complained": Says.COMPLAINT}

# Why something failed for good. Mailgun drops what it suppresses itself, which says once more what it was told before.
# Other reasons are no end of a mailbox: `old` could not be delivered in time, `generic` and `espblock` are refusals.
_FAILED: Final = {
    "bounce": Says.HARD_BOUNCE,
    "suppress-bounce": Says.HARD_BOUNCE,
    "suppress-unsubscribe": Says.UNSUBSCRIBE,
    "suppress-complaint": Says.COMPLAINT,
}

needs = nothing_needed
confirm = nothing_needed


def check(hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
    """Verify the signature over time and token; raises Forged."""
    del fetched
    signature = _signature(hook.body)
    told, token = str(signature.get("timestamp", "")), text(signature, "token")
    check_time(told, now, WINDOW)
    shown = text(signature, "signature").lower().encode()
    if not token or not any(hmac.compare_digest(_signed(key, told + token), shown) for key in secrets.keys if key):
        raise Forged("the signature does not fit")


def _signature(body: bytes) -> Mapping[str, Any]:
    try:
        items = json_items(body)
    except Garbled:
        raise Forged("the body is not JSON, and holds no signature") from None
    hold = usable(items[0]) if len(items) == 1 else None
    signature = usable(hold.get("signature")) if hold is not None else None
    if signature is None:
        raise Forged("the body holds no signature")
    return signature


def _signed(key: str, signed: str) -> bytes:
    return hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest().encode()


def read(hook: Hook) -> tuple[Notice, ...]:
    """Give the notice of the event; raises Garbled."""
    return tuple(map(_notice, json_items(hook.body)))


def _notice(item: Any) -> Notice:
    event = usable(item.get("event-data")) if isinstance(item, dict) else None
    if event is None:
        return unusable(item)
    word, address = text(event, "event"), text(event, "recipient")
    says = _says(event, word)
    if not word or (says is not Says.NOTHING and not address):
        return unusable(event, word)
    told, dropped = identity(event, *sorted(event)), text(event, "reason").startswith("suppress-")
    return Notice(says, address, at_seconds(event.get("timestamp")), told, word, event, dropped=dropped)


def _says(event: Mapping[str, Any], word: str) -> Says:
    if word != "failed":
        return _WORDS.get(word, Says.NOTHING)
    if text(event, "severity") != "permanent":
        return Says.NOTHING
    status = usable(event.get("delivery-status")) or {}
    hard = Says.HARD_BOUNCE if text(status, "bounce-type") == "hard" else Says.NOTHING
    return _FAILED.get(text(event, "reason"), hard)
