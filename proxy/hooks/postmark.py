"""Postmark's webhooks: https://postmarkapp.com/developer/webhooks/webhooks-overview.

A request holds one flat event, named by RecordType. Nothing is signed: the operator puts a key into the webhook's
address or its headers. A suppression holds for one message stream; the gate takes it for all of them until that very
one is lifted. That somebody but the recipient lifted it (Origin) does not say that the recipient wants mail again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.formats import inactive
from proxy.hooks.base import (
    Garbled,
    Hook,
    Notice,
    Says,
    Secrets,
    at_text,
    check_key,
    identity,
    json_items,
    nothing_needed,
    text,
    unusable,
    usable,
)

WINDOW = 0.0  # no time is signed
PROOF = "nothing is signed; `key` is the password in the webhook's address, or a bearer token in a header of it"

# Reasons of a SubscriptionChange, and the types of a Bounce that are more than a delivery that failed this time. Any
# other reason for which Postmark sends no more is taken for the recipient's wish.
_REASONS = {"HardBounce": Says.HARD_BOUNCE, "SpamComplaint": Says.COMPLAINT}
_TYPES = {
    "HardBounce": Says.HARD_BOUNCE,
    "BadEmailAddress": Says.HARD_BOUNCE,
    "SpamComplaint": Says.COMPLAINT,
    "SpamNotification": Says.COMPLAINT,
    "Unsubscribe": Says.UNSUBSCRIBE,
    "ManuallyDeactivated": Says.UNSUBSCRIBE,
}
_SAME = ("RecordType", "ID", "MessageID", "MessageStream", "Recipient", "Email", "Type", "SuppressSending")
_TIMES = ("ChangedAt", "BouncedAt", "DeliveredAt", "ReceivedAt")

needs = nothing_needed
confirm = nothing_needed


def check(hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
    """Look for a key of the configuration as password or bearer token; raises Forged."""
    del now, fetched
    check_key(hook, secrets)


def read(hook: Hook) -> tuple[Notice, ...]:
    """Give one notice for the event; raises Garbled."""
    return tuple(map(_notice, json_items(hook.body)))


def _notice(item: Any) -> Notice:
    event = usable(item)
    if event is None:
        return unusable(item)
    word = text(event, "RecordType")
    says = _says(word, event)
    address = text(event, "Recipient", "Email")
    if says is Says.UNUSABLE or (says is not Says.NOTHING and not address):
        return unusable(item, word)
    told, stream = identity(event, *_SAME, *_TIMES), text(event, "MessageStream")
    return Notice(says, address, at_text(text(event, *_TIMES)), told, word, event, stream)


def _says(word: str, event: Mapping[str, Any]) -> Says:
    match word:
        case "":
            return Says.UNUSABLE
        case "SpamComplaint":
            return Says.COMPLAINT
        case "Bounce":
            return _TYPES.get(text(event, "Type"), Says.NOTHING)
        case "SubscriptionChange":
            return _change(event)
    return Says.NOTHING


def _change(event: Mapping[str, Any]) -> Says:
    suppresses = event.get("SuppressSending")
    if not isinstance(suppresses, bool):
        return Says.UNUSABLE
    if suppresses:
        return _REASONS.get(text(event, "SuppressionReason"), Says.UNSUBSCRIBE)
    return Says.RESUBSCRIBE if text(event, "Origin") == "Recipient" else Says.NOTHING


def dropped(answer: bytes) -> tuple[Notice, ...]:
    """Give a notice for each inactive recipient whom an answer names, of one message or of each of a batch.

    For which of its reasons an address is inactive is not said.
    """
    if b"inactive addresses" not in answer:
        return ()
    try:
        told = json_items(answer)
    except Garbled:
        return ()
    return tuple(notice for item in map(usable, told) if item is not None for notice in _inactive(item))


def _inactive(item: Mapping[str, Any]) -> Iterator[Notice]:
    code = item.get("ErrorCode")
    if code not in (0, inactive.INACTIVE):
        return
    for address in inactive.named(text(item, "Message")):
        yield Notice(Says.DROPPED, address, word=f"ErrorCode {code}", raw={"ErrorCode": code}, dropped=True)
