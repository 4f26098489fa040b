"""Mailjet's Event API: https://dev.mailjet.com/email/guides/webhooks/.

A request holds one event, or an array of them where they are grouped, each about one recipient. Nothing is signed:
Mailjet shows what stands in the address that it was given, so the key of the configuration is the password there.
"""

from __future__ import annotations

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
PROOF = "nothing is signed; `key` is the password in the webhook's own address (`https://mailjet:PASSWORD@…`)"

_WORDS = {
    "unsub": Says.UNSUBSCRIBE,
    "spam": Says.COMPLAINT,
    "blocked": Says.DROPPED,  # by Mailjet's own list; the gate learned of that from the event that began it, or never
}

needs = nothing_needed
confirm = nothing_needed


def check(hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
    """Check the credentials of the address; raises Forged."""
    del now, fetched
    check_key(hook, secrets)


def read(hook: Hook) -> tuple[Notice, ...]:
    """Give one notice for each event; raises Garbled."""
    return tuple(map(_notice, json_items(hook.body)))


def _notice(item: Any) -> Notice:
    event = usable(item)
    if event is None:
        return unusable(item)
    word, address = text(event, "event"), text(event, "email")
    says = _says(word, event.get("hard_bounce"))
    if not word or (says is not Says.NOTHING and not address):
        return unusable(item, word)
    told = identity(event, "event", "email", "time", "MessageID", "Message_GUID", "mj_list_id")
    return Notice(says, address, at_seconds(event.get("time")), told, word, event)


def _says(word: str, hard: Any) -> Says:
    if word == "bounce":
        return Says.HARD_BOUNCE if hard is True or str(hard).lower() in ("1", "true") else Says.NOTHING
    return _WORDS.get(word, Says.NOTHING)
