"""SparkPost's event webhooks: https://developers.sparkpost.com/api/webhooks.

A request holds an array of events, each wrapped in `msys` and the name of its class, and each about one recipient. Each
has an `event_id`. `{"msys": {}}` tries the webhook out and tells nothing. Nothing is signed: the operator sets Basic
authentication, or the older token in a header of its own. OAuth 2.0 would need an authority that the gate is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.hooks.base import (
    Hook,
    Notice,
    Says,
    Secrets,
    at_seconds,
    check_key,
    identity,
    json_items,
    nothing_needed,
    text,
    unusable,
    usable,
)

WINDOW = 0.0  # no time is signed
PROOF = "nothing is signed; `key` is the password of its Basic authentication, or the older `auth_token`"

_WORDS = {
    "list_unsubscribe": Says.UNSUBSCRIBE,
    "link_unsubscribe": Says.UNSUBSCRIBE,
    "spam_complaint": Says.COMPLAINT,
}
_REJECTIONS = frozenset({"policy_rejection", "generation_rejection"})
_SUPPRESSED = "address suppressed"  # in the reason of a rejection; others are about the message
_BOUNCES = frozenset({"bounce", "out_of_band"})
# Classes of bounces: no such recipient, nobody by that name, and a request to be taken off a list. The others are
# about the message or the moment (https://support.sparkpost.com/docs/deliverability/bounce-classification-codes).
_CLASSES = {"10": Says.HARD_BOUNCE, "30": Says.HARD_BOUNCE, "90": Says.UNSUBSCRIBE}

needs = nothing_needed
confirm = nothing_needed


def check(hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
    """Look for a key of the configuration as password or token; raises Forged."""
    del now, fetched
    check_key(hook, secrets, "X-MessageSystems-Webhook-Token")


def read(hook: Hook) -> tuple[Notice, ...]:
    """Give one notice for each event; raises Garbled."""
    return tuple(notice for item in json_items(hook.body) for notice in _notices(item))


def _notices(item: Any) -> Iterator[Notice]:
    wrapped = usable(item)
    classes = usable(wrapped.get("msys")) if wrapped else None
    if classes is None:
        yield unusable(item)
        return
    for event in classes.values():
        yield _notice(event)


def _notice(item: Any) -> Notice:
    event = usable(item)
    if event is None:
        return unusable(item)
    word = text(event, "type")
    says = _says(word, event)
    address = text(event, "rcpt_to", "raw_rcpt_to")
    if not word or (says is not Says.NOTHING and not address):
        return unusable(item, word)
    told = text(event, "event_id") or identity(event, "type", "rcpt_to", "timestamp", "message_id", "transmission_id")
    return Notice(says, address, at_seconds(event.get("timestamp")), told, word, event)


def _says(word: str, event: Mapping[str, Any]) -> Says:
    if word in _BOUNCES:
        return _CLASSES.get(str(event.get("bounce_class")), Says.NOTHING)
    if word in _REJECTIONS:
        return Says.DROPPED if _SUPPRESSED in text(event, "raw_reason", "reason").lower() else Says.NOTHING
    return _WORDS.get(word, Says.NOTHING)
