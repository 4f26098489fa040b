"""Mailgun's webhooks: what they tell, signed as Mailgun signs."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import mailgun
from proxy.hooks.base import Hook, Hooks, Says, Secrets

HOOKS: Hooks = mailgun
KEY = "a-signing-key"
SECRETS = Secrets((KEY,))
SIGNING = ()  # the signature stands in the body
BODY_SIGNED = False


def sign(body: bytes, at: int) -> Hook:
    """Make a request for this event, its signature beside it; an event of its own has a token of its own."""
    token = hashlib.sha256(body).hexdigest()[:50]
    made = hmac.new(KEY.encode(), f"{at}{token}".encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": str(at), "token": token, "signature": made}
    whole = b'{"signature":' + orjson.dumps(signature) + b',"event-data":' + body + b"}"
    headers = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))
    return Hook("POST", "https://gate.example.com/webhooks/mail", headers, whole)


AT = 1_700_000_000
ADA = "ada@example.com"


def event(word: str, **more: Any) -> bytes:
    """Give one event."""
    common = {"event": word, "recipient": ADA, "timestamp": AT + 0.25, "id": f"id-{word}", "tags": ["spring"]}
    return orjson.dumps(common | {name.replace("_", "-"): value for name, value in more.items()})


def failed(reason: str, severity: str = "permanent", **status: Any) -> bytes:
    """Give an event about a mail that was not delivered."""
    return event("failed", reason=reason, severity=severity, delivery_status=status)


DROPPED = {"a bounce that Mailgun knew", "an unsubscribe that Mailgun knew", "a complaint that Mailgun knew"}
ITEMS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "an unsubscribe": (event("unsubscribed"), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "an unsubscribe from a list": (
        event("unsubscribed", mailing_list={"address": "news@example.com"}),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "an unsubscribe with variables called like its keys": (
        event("unsubscribed", user_variables={"event": "delivered", "recipient": "b@x.io", "timestamp": 1, "id": "1"}),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "a complaint": (event("complained"), [(Says.COMPLAINT, ADA, AT)]),
    "a bounce": (failed("bounce", code=550), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a bounce that Mailgun knew": (failed("suppress-bounce", code=605), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a bounce by its type": (failed("generic", **{"bounce-type": "hard"}), [(Says.HARD_BOUNCE, ADA, AT)]),
    "an unsubscribe that Mailgun knew": (failed("suppress-unsubscribe"), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a complaint that Mailgun knew": (failed("suppress-complaint"), [(Says.COMPLAINT, ADA, AT)]),
    "a bounce for now": (failed("bounce", "temporary"), [(Says.NOTHING, ADA, AT)]),
    "a refusal of the server": (failed("espblock"), [(Says.NOTHING, ADA, AT)]),
    "too late": (failed("old", code=602), [(Says.NOTHING, ADA, AT)]),
    "a failure that says nothing more": (event("failed"), [(Says.NOTHING, ADA, AT)]),
    "a delivery": (event("delivered"), [(Says.NOTHING, ADA, AT)]),
    "no time": (event("unsubscribed", timestamp=None), [(Says.UNSUBSCRIBE, ADA, None)]),
    "nobody": (event("complained", recipient=None), [(Says.UNUSABLE, "", None)]),
    "no event": (b"{}", [(Says.UNUSABLE, "", None)]),
    "a text": (b'"x"', [(Says.UNUSABLE, "", None)]),
}

GARBLED: dict[str, bytes] = {"nothing": b"", "a form": b"event=unsubscribed", "cut": b'{"event-data":'}
