"""Brevo's webhooks: what they tell, with the token that the webhook was made with."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import brevo
from proxy.hooks.base import Hook, Hooks, Says, Secrets

HOOKS: Hooks = brevo
SECRETS = Secrets(("a-token",))
SIGNING = ("Authorization",)
UNSIGNED = True


def sign(body: bytes, at: int) -> Hook:
    """Make a request of a webhook with a bearer token."""
    del at  # nothing is signed
    headers = {"Authorization": "Bearer a-token", "Content-Type": "application/json"}
    return Hook("POST", "https://gate.example.com/webhooks/mail", CIMultiDictProxy(CIMultiDict(headers)), body)


AT = 1_700_000_000
ADA = "ada@example.com"


def event(word: str, **more: Any) -> dict[str, Any]:
    """Give one event."""
    common = {"event": word, "email": ADA, "id": 7, "message-id": "<1@x>", "date": "2023-11-14 23:13:20", "ts": AT - 35}
    return common | {"ts_event": AT, "ts_epoch": AT * 1000 + 1} | more


def told(*events: Any) -> bytes:
    """Give the body for one event, or for several of them."""
    return orjson.dumps(events[0] if len(events) == 1 else events)


NUMBER = "+33689965433"


def texted(word: str, **more: Any) -> bytes:
    """Give the body for an event of a text."""
    common = {"to": "33689965433", "msg_status": word, "messageId": 7, "date": "2023-11-14 23:13:20", "ts_event": AT}
    return orjson.dumps(common | more)


ITEMS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "an unsubscribe": (told(event("unsubscribed")), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "an unsubscribe in another word": (told(event("unsubscribe")), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "an unsubscribe with a header and tags called like its keys": (
        told(event("unsubscribed", tags=["event"], **{"X-Mailin-custom": '{"event":"delivered","email":"b@x.io"}'})),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "a complaint": (told(event("spam")), [(Says.COMPLAINT, ADA, AT)]),
    "a complaint in another word": (told(event("complaint")), [(Says.COMPLAINT, ADA, AT)]),
    "a bounce": (told(event("hard_bounce")), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a bounce in another spelling": (told(event("hardBounce")), [(Says.HARD_BOUNCE, ADA, AT)]),
    "an address that is none": (told(event("invalid_email")), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a bounce for now": (told(event("soft_bounce")), [(Says.NOTHING, ADA, AT)]),
    "somebody whom Brevo blocks": (told(event("blocked")), [(Says.DROPPED, ADA, AT)]),
    "contacts that are gone": (told(event("contact_deleted", email=[ADA])), [(Says.NOTHING, "", AT)]),
    "only milliseconds": (told(event("spam", ts_event=None)), [(Says.COMPLAINT, ADA, AT)]),
    "no time": (told(event("spam", ts_event=None, ts_epoch=None)), [(Says.COMPLAINT, ADA, None)]),
    "times that are none": (told(event("spam", ts_event="soon")), [(Says.COMPLAINT, ADA, None)]),
    "a text that came": (texted("delivered"), [(Says.NOTHING, NUMBER, AT)]),
    "a text that was answered by STOP": (texted("replied", reply=" Stop. "), [(Says.UNSUBSCRIBE, NUMBER, AT)]),
    "a text that was answered by a sentence": (texted("replied", reply="Arrêt, svp"), [(Says.UNSUBSCRIBE, NUMBER, AT)]),
    "a text that was answered": (texted("replied", reply="When do you stop?"), [(Says.NOTHING, NUMBER, AT)]),
    "an unsubscribe from texts": (texted("unsubscribe"), [(Says.UNSUBSCRIBE, NUMBER, AT)]),
    "an unsubscribe in the reports' word": (texted("unsubscription", to=33689965433), [(Says.UNSUBSCRIBE, NUMBER, AT)]),
    "somebody whom Brevo sends no texts": (texted("blacklisted", to=NUMBER), [(Says.UNSUBSCRIBE, NUMBER, AT)]),
    "a number that is none": (texted("hard_bounces"), [(Says.HARD_BOUNCE, NUMBER, AT)]),
    "a text to nobody": (texted("unsubscribe", to=None), [(Says.UNUSABLE, "", None)]),
    "a text without a time": (texted("unsubscribe", ts_event=None), [(Says.UNSUBSCRIBE, NUMBER, None)]),
    "several, two of them no event": (
        told(event("unsubscribed"), "x", event("spam", email=None), event("spam")),
        [
            (Says.UNSUBSCRIBE, ADA, AT),
            (Says.UNUSABLE, "", None),
            (Says.UNUSABLE, "", None),
            (Says.COMPLAINT, ADA, AT),
        ],
    ),
}

GARBLED: dict[str, bytes] = {"nothing": b"", "a form": b"event=unsubscribed", "cut": b'{"event":'}
