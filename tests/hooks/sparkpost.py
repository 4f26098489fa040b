"""SparkPost's webhooks: what they tell, with Basic authentication."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import sparkpost
from proxy.hooks.base import Hook, Hooks, Says, Secrets

HOOKS: Hooks = sparkpost
SECRETS = Secrets(("hook-key",))
UNSIGNED = True
SIGNING = ("Authorization",)


def sign(body: bytes, at: int) -> Hook:
    """Make a request of a webhook with the user name sparkpost and the password hook-key."""
    del at
    headers = {
        "Authorization": f"Basic {base64.b64encode(b'sparkpost:hook-key').decode()}",
        "X-MessageSystems-Batch-ID": "032d330540298f54f0e8bcc1373f3cfd",
    }
    return Hook("POST", "https://gate.example.com/webhooks/sp", CIMultiDictProxy(CIMultiDict(headers)), body)


def events(*told: Any, kind: str = "message_event") -> bytes:
    """Give the body for some events of a class."""
    return orjson.dumps([{"msys": {kind: each}} for each in told])


def event(word: str, **more: Any) -> dict[str, Any]:
    """Give one event."""
    common = {"type": word, "event_id": f"9{word}", "rcpt_to": ADA, "raw_rcpt_to": "Ada@Example.com"}
    return {**common, "timestamp": "1700000000", **more}


ADA = "ada@example.com"
AT = 1_700_000_000

ITEMS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "an unsubscribe": (
        events(event("list_unsubscribe"), kind="unsubscribe_event"),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "one by a link": (events(event("link_unsubscribe"), kind="unsubscribe_event"), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "an unsubscribe with metadata called like its keys": (
        events(
            event("list_unsubscribe", rcpt_meta={"type": "delivery", "rcpt_to": "b@x.io", "event_id": "1"}),
            kind="unsubscribe_event",
        ),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "a complaint": (events(event("spam_complaint")), [(Says.COMPLAINT, ADA, AT)]),
    "no such recipient": (events(event("bounce", bounce_class="10")), [(Says.HARD_BOUNCE, ADA, AT)]),
    "nobody by that name, later": (events(event("out_of_band", bounce_class=30)), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a bounce that asks to be removed": (events(event("bounce", bounce_class="90")), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a full mailbox": (events(event("bounce", bounce_class="22")), [(Says.NOTHING, ADA, AT)]),
    "a bounce of no class": (events(event("bounce")), [(Says.NOTHING, ADA, AT)]),
    "somebody whom SparkPost suppresses": (
        events(
            event("policy_rejection", raw_reason="554 5.7.1 recipient address suppressed due to customer policy"),
            kind="gen_event",
        ),
        [(Says.DROPPED, ADA, AT)],
    ),
    "what SparkPost itself did not send": (
        events(event("generation_rejection"), kind="gen_event"),
        [(Says.NOTHING, ADA, AT)],
    ),
    "a delivery": (events(event("delivery", timestamp=1700000000)), [(Says.NOTHING, ADA, AT)]),
    "no time": (events(event("list_unsubscribe", timestamp="soon")), [(Says.UNSUBSCRIBE, ADA, None)]),
    "no id": (events(event("list_unsubscribe", event_id=None)), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "the raw address alone": (
        events(event("list_unsubscribe", rcpt_to=None)),
        [(Says.UNSUBSCRIBE, "Ada@Example.com", AT)],
    ),
    "a try": (b'[{"msys":{}}]', []),
    "several, some of them no event": (
        orjson.dumps(
            [
                {"msys": {"unsubscribe_event": event("list_unsubscribe")}},
                "x",
                {"msys": None},
                {"msys": {"message_event": 7}},
                {"msys": {"message_event": {"event_id": "1"}}},
                {"msys": {"message_event": event("spam_complaint", rcpt_to=None, raw_rcpt_to=None)}},
                {"msys": {"message_event": event("spam_complaint")}},
            ]
        ),
        [(Says.UNSUBSCRIBE, ADA, AT), *[(Says.UNUSABLE, "", None)] * 5, (Says.COMPLAINT, ADA, AT)],
    ),
}

GARBLED: dict[str, bytes] = {"nothing": b"", "a form": b"msys=1", "cut": b'[{"msys":'}
