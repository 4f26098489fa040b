"""Brevo's webhooks: https://developers.brevo.com/docs/transactional-webhooks, and those of marketing campaigns.

A request holds one flat event about one recipient, or with batching an array of them. Brevo signs nothing; it shows the
token or the credentials that the webhook was made with. What it tells of texts names a number in place of an address,
and the word under another key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from policy.model import Channel
from policy.times import Stated
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
    says_stop,
    text,
    unusable,
    usable,
)

WINDOW: Final = 0.0  # nothing is signed, so no time is
PROOF = (
    "nothing is signed; `key` is the token, or the password, that the webhook's authentication shows (bearer or basic)"
)

# Names differ between the pages, the API that makes webhooks and what comes: they are compared by their letters.
_WORDS: Final = {
    "unsubscribed": Says.UNSUBSCRIBE,
    "unsubscribe": Says.UNSUBSCRIBE,
    "spam": Says.COMPLAINT,
    "complaint": Says.COMPLAINT,
    "hardbounce": Says.HARD_BOUNCE,
    "invalid": Says.HARD_BOUNCE,
    "invalidemail": Says.HARD_BOUNCE,
    "blocked": Says.DROPPED,
}

# Of texts. Whom Brevo blacklists for them said STOP before, perhaps to a gate that did not listen yet.
_TEXTED: Final = {
    **dict.fromkeys(("unsubscribe", "unsubscribed", "unsubscription", "stop", "blacklisted"), Says.UNSUBSCRIBE),
    **dict.fromkeys(("hardbounce", "hardbounces"), Says.HARD_BOUNCE),
}
_REPLIES: Final = frozenset({"reply", "replied", "replies"})

needs = nothing_needed
confirm = nothing_needed


def check(hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
    """Compare what the webhook was made with; raises Forged."""
    del now, fetched
    check_key(hook, secrets)


def read(hook: Hook) -> tuple[Notice, ...]:
    """Give one notice for each event; raises Garbled."""
    return tuple(map(_notice, json_items(hook.body)))


def _notice(item: Any) -> Notice:
    event = usable(item)
    if event is None:
        return unusable(item)
    if "event" not in event and text(event, "msg_status"):
        return _texted(event)
    word, address = text(event, "event"), text(event, "email")
    says = _WORDS.get(word.lower().replace("_", ""), Says.NOTHING)
    if not word or (says is not Says.NOTHING and not address):
        return unusable(item, word)
    told = identity(event, "event", "email", "message-id", "camp_id", "ts_event", "ts_epoch", "date")
    return Notice(says, address, _at(event.get("ts_event"), event.get("ts_epoch")), told, word, event)


def _texted(event: Mapping[str, Any]) -> Notice:
    word, number = text(event, "msg_status"), str(event.get("to", "")).strip().removeprefix("+")
    plain = word.lower().replace("_", "")
    says = _TEXTED.get(plain, Says.NOTHING)
    if plain in _REPLIES and says_stop(text(event, "reply")):
        says = Says.UNSUBSCRIBE
    if says is not Says.NOTHING and not (number.isascii() and number.isdigit()):
        return unusable(event, word)
    told = identity(event, "to", "msg_status", "messageId", "ts_event", "ts_epoch", "date", "reply")
    at = _at(event.get("ts_event"), event.get("ts_epoch"))
    return Notice(says, f"+{number}", at, told, word, event, channel=Channel.SMS)


def _at(seconds: Any, milliseconds: Any) -> Stated | None:
    # `ts` is when the mail was sent, and `date` has no zone.
    if seconds is None and type(milliseconds) is int:
        return at_seconds(milliseconds / 1000)
    return at_seconds(seconds)
