"""SES's notifications and events, in the envelope of Amazon SNS and signed as SNS signs."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import ses
from proxy.hooks.base import Hook, Hooks, Says, Secrets

HOOKS: Hooks = ses
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail-events"
URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SECRETS = Secrets((), (TOPIC,))
SIGNING = ()  # the signature stands in the body
KEY = rsa.generate_private_key(65537, 2048)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
CERTIFICATE = (
    x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 1)
    .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    .sign(KEY, SHA256())
)
FETCHED = {URL: CERTIFICATE.public_bytes(Encoding.PEM)}
FIELDS = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def posted(envelope: Any) -> Hook:
    """Make a request of SNS."""
    headers = CIMultiDictProxy(CIMultiDict({"Content-Type": "text/plain; charset=UTF-8"}))
    return Hook("POST", "https://gate.example.com/webhooks/ses", headers, orjson.dumps(envelope))


def enveloped(message: str, at: int, **more: Any) -> dict[str, Any]:
    """Put a message into an envelope and sign it; None takes a field away."""
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    given = {"Type": "Notification", "MessageId": "m-1", "TopicArn": TOPIC, "Message": message, "Timestamp": moment}
    envelope = {**given, "SignatureVersion": "2", "SigningCertURL": URL, **more}
    return signed({name: value for name, value in envelope.items() if value is not None})


def signed(envelope: dict[str, Any]) -> dict[str, Any]:
    """Sign an envelope."""
    lines = "".join(f"{name}\n{envelope[name]}\n" for name in FIELDS if name in envelope)
    kind = ses._HASHES[envelope["SignatureVersion"]]
    return {**envelope, "Signature": base64.b64encode(KEY.sign(lines.encode(), padding.PKCS1v15(), kind)).decode()}


def sign(body: bytes, at: int) -> Hook:
    """Make a request with this event, as SNS posts it."""
    return posted(enveloped(body.decode(), at))


TIME, AT = "2023-11-14T22:13:20.000Z", 1_700_000_000
MAIL = {"messageId": "ses-1", "destination": ["ada@example.com"], "timestamp": TIME}


def event(word: str, *, name: str = "eventType", to: list[str] | None = None, **told: Any) -> bytes:
    """Give an event of SES."""
    mail = {**MAIL, "destination": to or MAIL["destination"]}
    return orjson.dumps({name: word, "mail": mail, word.lower(): {"timestamp": TIME, **told}})


def bounce(*people: str, kind: str = "Permanent", sort: str = "General", name: str = "eventType") -> bytes:
    """Give a bounce."""
    listed = [{"emailAddress": each, "diagnosticCode": "smtp; 550 5.1.1"} for each in people]
    told = {"bounceType": kind, "bounceSubType": sort, "bouncedRecipients": listed, "feedbackId": "f-1"}
    return event("Bounce", name=name, to=["ada@example.com", "bob@example.com"], **told)


def complaint(*people: str, **more: Any) -> bytes:
    """Give a complaint."""
    listed = [{"emailAddress": each} for each in people]
    return event("Complaint", complainedRecipients=listed, feedbackId="f-1", **more)


def preferences(*, unsubscribed: bool = False, **topics: str) -> dict[str, Any]:
    """Give the preferences of a contact."""
    statuses = [{"topicName": name, "subscriptionStatus": status} for name, status in topics.items()]
    return {"unsubscribeAll": unsubscribed, "topicSubscriptionStatus": statuses}


def subscription(old: Any, new: Any, *to: str) -> bytes:
    """Give a change of preferences."""
    return event("Subscription", to=list(to), contactList="all", oldTopicPreferences=old, newTopicPreferences=new)


ADA, BOB = "ada@example.com", "bob@example.com"
IN, OUT, ALL = preferences(news="OptIn"), preferences(news="OptOut"), preferences(unsubscribed=True, news="OptOut")
NOBODY = [(Says.UNUSABLE, "", None)]

DROPPED = {"somebody suppressed", "somebody who left the list"}
ITEMS: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {
    "a bounce": (bounce(f"Ada <{ADA}>"), [(Says.HARD_BOUNCE, ADA, AT)]),
    "a bounce of two": (bounce(ADA, BOB), [(Says.HARD_BOUNCE, ADA, AT), (Says.HARD_BOUNCE, BOB, AT)]),
    "a complaint with tags called like its keys": (
        event("Complaint", complainedRecipients=[{"emailAddress": ADA}], tags={"eventType": ["Delivery"]}),
        [(Says.COMPLAINT, ADA, AT)],
    ),
    "a notification": (bounce(ADA, name="notificationType"), [(Says.HARD_BOUNCE, ADA, AT)]),
    "somebody suppressed": (bounce(ADA, sort="OnAccountSuppressionList"), [(Says.HARD_BOUNCE, ADA, AT)]),
    "somebody who left the list": (bounce(ADA, sort="UnsubscribedRecipient"), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "a full mailbox": (bounce(ADA, kind="Transient", sort="MailboxFull"), [(Says.NOTHING, "", AT)]),
    "a bounce of nobody": (bounce(), NOBODY),
    "a bounce of somebody and something": (
        bounce(ADA, "x, y"),
        [(Says.HARD_BOUNCE, ADA, AT), (Says.UNUSABLE, "", None)],
    ),
    "a complaint": (complaint(ADA), [(Says.COMPLAINT, ADA, AT)]),
    "a complaint of a kind": (complaint(ADA, complaintFeedbackType="abuse"), [(Says.COMPLAINT, ADA, AT)]),
    "a complaint of one of two": (complaint(ADA, BOB), NOBODY),
    "no complaint": (complaint(ADA, complaintFeedbackType="not-spam"), [(Says.NOTHING, "", AT)]),
    "out of a topic": (subscription(IN, OUT, ADA), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "out of all": (subscription(OUT, ALL, ADA), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "out of all, without topics": (subscription(IN, {"unsubscribeAll": True}, ADA), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "out, from nobody knows what": (subscription(None, OUT, ADA), [(Says.UNSUBSCRIBE, ADA, AT)]),
    "into one of two": (
        subscription(preferences(a="OptOut", b="OptOut"), preferences(a="OptIn", b="OptOut"), ADA),
        [(Says.NOTHING, "", AT)],
    ),
    "back in": (subscription(ALL, IN, ADA), [(Says.RESUBSCRIBE, ADA, AT)]),
    "preferences that say nothing": (subscription(ALL, {}, ADA), [(Says.NOTHING, "", AT)]),
    "out of a mail to two": (subscription(IN, OUT, ADA, BOB), NOBODY),
    "a delivery": (event("Delivery", recipients=[ADA]), [(Says.NOTHING, "", AT)]),
    "a failure": (event("Rendering Failure"), [(Says.NOTHING, "", AT)]),
    "no time": (complaint(ADA, timestamp="soon"), [(Says.COMPLAINT, ADA, None)]),
    "no event": (b"[]", NOBODY),
    "no word": (b'{"a":1}', NOBODY),
    "no JSON": (b"Hello", NOBODY),
    "the first message": (b"Successfully validated SNS topic for Amazon SES event publishing.", []),
}

GARBLED: dict[str, bytes] = {"nothing": b"", "a form": b"Type=Notification", "an array": b"[]"}
