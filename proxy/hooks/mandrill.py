"""Mandrill's webhooks: https://mailchimp.com/developer/transactional/docs/webhooks/.

A request is a form whose field `mandrill_events` holds an array of JSON: what became of messages, and what was written
into the account's rejection list. It is signed by HMAC-SHA1 over the address as Mandrill was given it, followed by the
names and values of the form in the order of the names. No time is signed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from proxy.hooks.base import (
    Forged,
    Garbled,
    Hook,
    Notice,
    Says,
    Secrets,
    at_seconds,
    identity,
    json_items,
    nothing_needed,
    text,
    unusable,
    usable,
)

WINDOW = 0.0
SIGNS_ADDRESS = True
PROOF = "a signature (HMAC-SHA1) over address and form; `key` is the key that Mandrill shows beside the webhook"

_FIELD = "mandrill_events"
_SIGNATURE = "X-Mandrill-Signature"
_TESTING = "test-webhook"  # signs the empty request by which Mandrill looks, before there is a key

_WORDS = {
    "hard_bounce": Says.HARD_BOUNCE,
    "spam": Says.COMPLAINT,
    "unsub": Says.UNSUBSCRIBE,
    "reject": Says.DROPPED,  # for which of its reasons is not said
}
_LISTED = {
    "hard-bounce": Says.HARD_BOUNCE,
    "spam": Says.COMPLAINT,
    "unsub": Says.UNSUBSCRIBE,
    "custom": Says.UNSUBSCRIBE,  # somebody wrote the address into the list
}

# Why an answer to a send says that a recipient was rejected: a list's reasons, and no others (`rule`, `unsigned`, …).
_REJECTED = {**_LISTED, "soft-bounce": Says.DROPPED}

needs = nothing_needed
confirm = nothing_needed


def check(hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
    """Verify the signature over address and form; raises Forged."""
    del now, fetched
    try:
        signature = base64.b64decode(hook.headers.get(_SIGNATURE, ""), validate=True)
        fields = _fields(hook)
    except (binascii.Error, ValueError):
        raise Forged("the signature is not base64") from None
    except Garbled:
        raise Forged("no form was signed") from None
    keys = [key for key in secrets.keys if key]
    if fields == {_FIELD: "[]"}:
        keys.append(_TESTING)
    signed = hook.url + "".join(name + fields[name] for name in sorted(fields))
    told = [hmac.digest(key.encode(), signed.encode("utf-8", "surrogateescape"), "sha1") for key in keys]
    if not any(hmac.compare_digest(signature, each) for each in told):
        raise Forged("the signature does not fit")


def _fields(hook: Hook) -> dict[str, str]:
    """Read the form; raises Garbled where it is none, or says something twice."""
    try:
        pairs = parse_qsl(hook.body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise Garbled("the body is no form") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Garbled("a field of the form stands twice")
    return fields


def read(hook: Hook) -> tuple[Notice, ...]:
    """Give one notice for each event; raises Garbled."""
    events = _fields(hook).get(_FIELD)
    if events is None:
        raise Garbled("the form holds no events")
    return tuple(map(_notice, json_items(events.encode("utf-8", "surrogatepass"))))


def _notice(item: Any) -> Notice:
    event = usable(item)
    if event is None:
        return unusable(item)
    entry = usable(event.get("reject"))
    if entry is not None:  # of the rejection list, or of the allow list, which decides nothing here
        word = f"{text(event, 'type')} {text(event, 'action')}"
        address, says = text(entry, "email"), _says_list(word, text(entry, "reason"))
    else:
        word = text(event, "event")
        address = text(usable(event.get("msg")) or {}, "email")
        says = _WORDS.get(word, Says.NOTHING)
    if not word.strip() or (says is not Says.NOTHING and not address):
        return unusable(item, word)
    about = {"word": word, "address": address, "id": event.get("_id"), "ts": event.get("ts")}
    about["reason"] = text(entry or {}, "reason")
    return Notice(says, address, at_seconds(event.get("ts")), identity(about, *about), word, event)


def _says_list(word: str, reason: str) -> Says:
    # A removal is the account's own, by page or by rejects/delete, which any sender may call: no word of the recipient.
    return _LISTED.get(reason, Says.NOTHING) if word in ("blacklist add", "blacklist change") else Says.NOTHING


def dropped(answer: bytes) -> tuple[Notice, ...]:
    """Give a notice for each recipient whom an answer in JSON tells as rejected because of the rejection list."""
    if b'"rejected"' not in answer:
        return ()
    try:
        told = json_items(answer)
    except Garbled:
        return ()
    rejected = (item for item in map(usable, told) if item is not None and item.get("status") == "rejected")
    return tuple(notice for notice in map(_rejected, rejected) if notice is not None)


def _rejected(item: Mapping[str, Any]) -> Notice | None:
    reason, address = text(item, "reject_reason"), text(item, "email")
    if reason not in _REJECTED or not address:
        return None
    return Notice(_REJECTED[reason], address, word=f"rejected {reason}", raw=item, dropped=True)
