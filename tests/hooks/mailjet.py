"""Mailjet's webhooks: what they tell, with the password of the address."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import mailjet
from proxy.hooks.base import Hook, Hooks, Says, Secrets

HOOKS: Hooks = mailjet
SECRETS = Secrets(("hook-password",))
UNSIGNED = True
SIGNING = ("Authorization",)
AT = 1_700_000_000
ADA = "ada@example.com"


def sign(body: bytes, at: int) -> Hook:
    """Make a request of the Event API."""
    del at
    basic = base64.b64encode(b"mailjet:hook-password").decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
    return Hook("POST", "https://gate.example.com/webhooks/mail", CIMultiDictProxy(CIMultiDict(headers)), body)


def event(word: str, **more: Any) -> dict[str, Any]:
    """Give one event."""
    return {"event": word, "time": AT, "MessageID": 7, "Message_GUID": f"guid-{word}", "email": ADA} | more


def events(*told: Any) -> bytes:
    """Give the body for several events."""
    return orjson.dumps(told)


ITEMS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "an unsubscribe": (orjson.dumps(event("unsub", mj_list_id=3)), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "two lists": (
        events(event("unsub", mj_list_id=3), event("unsub", mj_list_id=4)),
        [(Says.UNSUBSCRIBE, ADA, AT), (Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "an unsubscribe with a payload that says something else": (
        events(event("unsub", Payload='{"event":"sent","email":"b@x.io"}', CustomID="email", customcampaign="event")),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "a complaint": (events(event("spam", source="JMRPP")), [(Says.COMPLAINT, ADA, AT)]),
    "a hard bounce": (
        events(event("bounce", hard_bounce=True, blocked=True, error="user unknown")),
        [(Says.HARD_BOUNCE, ADA, AT)],
    ),
    "a hard bounce in words": (events(event("bounce", hard_bounce="true")), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a soft bounce": (events(event("bounce", hard_bounce=False, blocked=False)), [(Says.NOTHING, ADA, AT)]),
    "a bounce that does not say": (events(event("bounce")), [(Says.NOTHING, ADA, AT)]),
    "what Mailjet blocks": (events(event("blocked", error="preblocked")), [(Says.DROPPED, ADA, AT)]),
    "an opening": (events(event("open")), [(Says.NOTHING, ADA, AT)]),
    "no time": (events(event("unsub", time="soon")), [(Says.UNSUBSCRIBE, ADA, None)]),
    "several, some of them no event": (
        events(event("spam"), "x", event("unsub", email=""), {"email": ADA}),
        [(Says.COMPLAINT, ADA, AT), (Says.UNUSABLE, "", None), (Says.UNUSABLE, "", None), (Says.UNUSABLE, "", None)],
    ),
}

GARBLED: dict[str, bytes] = {"nothing": b"", "a form": b"event=unsub", "cut": b'[{"event":'}
