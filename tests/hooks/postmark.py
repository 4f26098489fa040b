"""Postmark's webhooks: what they tell, with a key in their address."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import postmark
from proxy.hooks.base import Hook, Hooks, Says, Secrets

HOOKS: Hooks = postmark
SECRETS = Secrets(("hook-key",))
UNSIGNED = True
SIGNING = ("Authorization",)


def sign(body: bytes, at: int) -> Hook:
    """Make a request as Postmark does where its webhook has the user postmark and the password hook-key."""
    del at
    headers = {"Authorization": f"Basic {base64.b64encode(b'postmark:hook-key').decode()}"}
    return Hook("POST", "https://gate.example.com/webhooks/pm", CIMultiDictProxy(CIMultiDict(headers)), body)


def change(**more: Any) -> bytes:
    """Give a change of a subscription."""
    event = {
        "RecordType": "SubscriptionChange",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "ChangedAt": "2023-11-14T17:13:20-05:00",
        "Recipient": ADA,
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
        "MessageStream": "broadcast",
    }
    return orjson.dumps(event | more)


def bounce(kind: str, **more: Any) -> bytes:
    """Give a bounce."""
    event = {"RecordType": "Bounce", "ID": 42, "Type": kind, "Email": ADA, "BouncedAt": "2023-11-14T22:13:20.1234567Z"}
    return orjson.dumps(event | more)


ADA = "ada@example.com"
AT = 1_700_000_000

ITEMS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "an unsubscribe": (change(), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "one by the sender": (change(Origin="Customer"), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a suppression after a bounce": (change(SuppressionReason="HardBounce"), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a suppression after a complaint": (change(SuppressionReason="SpamComplaint"), [(Says.COMPLAINT, ADA, AT)]),
    "a suppression for something new": (change(SuppressionReason="Else"), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a suppression for nothing": (change(SuppressionReason=None), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a resubscribe": (change(SuppressSending=False, SuppressionReason=None), [(Says.RESUBSCRIBE, ADA, AT)]),
    "an end of suppression by the sender": (
        change(SuppressSending=False, SuppressionReason=None, Origin="Customer"),
        [(Says.NOTHING, ADA, AT)],
    ),
    "neither yes nor no": (change(SuppressSending="true"), [(Says.UNUSABLE, "", None)]),
    "nobody": (change(Recipient=None), [(Says.UNUSABLE, "", None)]),
    "no time": (change(ChangedAt="soon"), [(Says.UNSUBSCRIBE, ADA, None)]),
    "a time without a zone": (change(ChangedAt="2023-11-14T22:13:20"), [(Says.UNSUBSCRIBE, ADA, None)]),
    "an unsubscribe with metadata called like its keys": (
        change(Metadata={"RecordType": "Delivery", "Recipient": "b@x.io", "SuppressSending": False}),
        [(Says.UNSUBSCRIBE, ADA, AT)],
    ),
    "a complaint": (
        orjson.dumps({"RecordType": "SpamComplaint", "ID": 43, "Email": ADA, "BouncedAt": "2023-11-14T22:13:20Z"}),
        [(Says.COMPLAINT, ADA, AT)],
    ),
    "a hard bounce": (bounce("HardBounce"), [(Says.HARD_BOUNCE, ADA, AT)]),
    "an address that is none": (bounce("BadEmailAddress"), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a request to be removed": (bounce("Unsubscribe"), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a soft bounce": (bounce("SoftBounce"), [(Says.NOTHING, ADA, AT)]),
    "a block": (bounce("Blocked", Inactive=True), [(Says.NOTHING, ADA, AT)]),
    "a delivery": (
        orjson.dumps({"RecordType": "Delivery", "Recipient": ADA, "DeliveredAt": "2023-11-14T22:13:20Z"}),
        [(Says.NOTHING, ADA, AT)],
    ),
    "no word": (orjson.dumps({"Email": ADA}), [(Says.UNUSABLE, "", None)]),
    "no event": (b"7", [(Says.UNUSABLE, "", None)]),
}

GARBLED: dict[str, bytes] = {"nothing": b"", "a form": b"RecordType=Bounce", "cut": b'{"RecordType":'}


NOBODY = "You tried to send to recipient(s) that have been marked as inactive. Found"
SOMEBODY = "Message OK, but will not deliver to these"
WHY = "Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."
SENT = {"ErrorCode": 0, "Message": "OK", "To": "bob@example.com", "MessageID": "1"}
OLDER = f"You tried to send to a recipient that has been marked as inactive.\nFound inactive addresses: {ADA}.\n{WHY}"


def inactive(*addresses: str, code: int = 406) -> dict[str, Any]:
    """Give what Postmark answers of a message to recipients whom it suppresses; code 0 where there are others too."""
    said = NOBODY if code else SOMEBODY
    return {"ErrorCode": code, "Message": f"{said} inactive addresses: {', '.join(addresses)}. {WHY}"}


ANSWERS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "a message that went out": (orjson.dumps(SENT), []),
    "a message to nobody": (orjson.dumps(inactive(ADA)), [(Says.DROPPED, ADA)]),
    "a message to two, and to somebody else": (
        orjson.dumps({**SENT, **inactive(ADA, "b@x.co.uk", code=0)}),
        [(Says.DROPPED, ADA), (Says.DROPPED, "b@x.co.uk")],
    ),
    "an older text": (
        orjson.dumps({"ErrorCode": 406, "Message": OLDER}),
        [(Says.DROPPED, ADA)],
    ),
    "a text without an end": (
        orjson.dumps({"ErrorCode": 406, "Message": f"Found inactive addresses: {ADA}, {ADA}"}),
        [(Says.DROPPED, ADA)],
    ),
    "a batch": (
        orjson.dumps([SENT, inactive(ADA), "x", {"ErrorCode": 300, "Message": "Bad"}, inactive("b@x.io")]),
        [(Says.DROPPED, ADA), (Says.DROPPED, "b@x.io")],
    ),
    "another error that names somebody": (orjson.dumps({**inactive(ADA), "ErrorCode": 300}), []),
    "no text": (orjson.dumps({"ErrorCode": 406, "Message": None, "x": "inactive addresses: a@x.io"}), []),
}
