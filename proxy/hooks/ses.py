"""SES's notifications and events by Amazon SNS: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns.html.

SNS posts an envelope whose `Message` is the event, as JSON in a text, and signs some of its fields by RSA with a
certificate that it names. The certificate is fetched from SNS's own host, which proves that SNS sent this, but not for
whom: anybody may have a topic. So only the topics of the configuration are believed.

A bounce names who bounced. A complaint may name everybody whom it could come from, and a subscription only the mail it
came out of: with more than one name nobody is meant. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from proxy.formats.mailboxes import single
from proxy.hooks.base import (
    Forged,
    Garbled,
    Hook,
    Notice,
    Says,
    Secrets,
    at_text,
    identity,
    json_items,
    text,
    unusable,
    usable,
)

WINDOW: Final = (
    26 * 3600.0
)  # SNS signs once, and repeats what was not taken for an hour or, where it is told to, longer
PROOF = "a signature (Amazon SNS, RSA with SNS's own certificate) over the message; `topics` are the topics believed"

_HOST = r"https://sns\.([a-z0-9-]{1,32})\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(rf"{_HOST}/SimpleNotificationService-[0-9A-Za-z]{{1,64}}\.pem")
_CONFIRMATION = re.compile(rf"{_HOST}/\?Action=ConfirmSubscription&[!-~]{{1,2048}}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]{1,32}):[0-9]+:[\w.-]+")

_NOTIFICATION, _CONFIRM = "Notification", "SubscriptionConfirmation"
_SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    _NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    _CONFIRM: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: Final[Mapping[str, HashAlgorithm]] = {"1": SHA1(), "2": SHA256()}  # noqa: S303  SNS's own, and its default

_TEST = "Successfully validated SNS topic"  # what SES publishes first, as plain text
_NOT_SPAM = "not-spam"
_DROPPED = frozenset({"OnAccountSuppressionList", "Suppressed", "UnsubscribedRecipient"})  # SES sent nothing


def flaw(secrets: Secrets) -> str:
    """Say what is wrong with the topics; a key proves nothing here."""
    if not secrets.topics:
        return "needs topics, the ARNs of the Amazon SNS topics that are believed; there is no key here"
    fit = all(_TOPIC.fullmatch(topic) for topic in secrets.topics)
    return "" if fit else "needs topics that are ARNs of Amazon SNS: arn:aws:sns:REGION:ACCOUNT:NAME"


# ── the envelope ──


def needs(hook: Hook) -> str | None:
    """Name the certificate, on SNS's host in the region of the topic; raises Forged for any other address."""
    envelope = _envelope(hook)
    url, topic = text(envelope, "SigningCertURL"), _TOPIC.fullmatch(text(envelope, "TopicArn"))
    match = _CERTIFICATE.fullmatch(url)
    if match is None or topic is None or match[1] != topic[1]:
        raise Forged("the certificate is not one of SNS in the region of the topic")
    return url


def check(hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
    """Verify that SNS signed this for one of our topics, not long ago; raises Forged."""
    envelope = _envelope(hook)
    if text(envelope, "TopicArn") not in secrets.topics:
        raise Forged("the topic is not one of the configuration")
    stated = at_text(envelope.get("Timestamp"))
    if stated is None or abs(stated.first / 1_000_000 - now) > WINDOW:
        raise Forged("the signed time is none, or too far from now")
    key, kind = _key(fetched or b"", now), _HASHES.get(text(envelope, "SignatureVersion"))
    try:
        signature = base64.b64decode(text(envelope, "Signature"), validate=True)
        if kind is None:
            raise Forged("the signature has an unknown version")
        key.verify(signature, _signed(envelope), padding.PKCS1v15(), kind)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise Forged("the signature does not fit") from None


def confirm(hook: Hook) -> str | None:
    """Name what confirms a subscription, on SNS's host; None for anything else."""
    try:
        envelope = _envelope(hook)
    except Forged:
        return None
    url = text(envelope, "SubscribeURL")
    return url if envelope.get("Type") == _CONFIRM and _CONFIRMATION.fullmatch(url) else None


def _envelope(hook: Hook) -> Mapping[str, Any]:
    try:
        envelope = usable(orjson.loads(hook.body))
    except orjson.JSONDecodeError:
        envelope = None
    if envelope is None:
        raise Forged("the body is no envelope of SNS")  # raw delivery has none, and so no signature
    return envelope


def _key(certificate: bytes, now: float) -> rsa.RSAPublicKey:
    try:
        parsed = x509.load_pem_x509_certificate(certificate)
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise Forged("the certificate cannot be read") from None
    began, ends = parsed.not_valid_before_utc.timestamp(), parsed.not_valid_after_utc.timestamp()
    if not isinstance(key, rsa.RSAPublicKey) or not began <= now <= ends:
        raise Forged("the certificate is not of RSA, or not valid now")
    return key


def _signed(envelope: Mapping[str, Any]) -> bytes:
    """Give the signed text: names and values of the fields in their order, each on a line of its own."""
    names = _SIGNED.get(text(envelope, "Type"))
    if names is None:
        raise Forged("the envelope has an unknown type")
    present = [name for name in names if envelope.get(name) is not None]
    if not all(isinstance(envelope[name], str) for name in present):
        raise Forged("a signed field is no text")
    return "".join(f"{name}\n{envelope[name]}\n" for name in present).encode()


# ── the event in it ──


def read(hook: Hook) -> tuple[Notice, ...]:
    """Give one notice for each recipient that an event means; raises Garbled."""
    try:
        envelope = _envelope(hook)
    except Forged:
        raise Garbled("the body is no envelope of SNS") from None
    if envelope.get("Type") != _NOTIFICATION:
        return ()
    message = text(envelope, "Message")
    if message.startswith(_TEST):
        return ()
    try:
        items = json_items(message.encode())
    except Garbled:
        items = []
    event = usable(items[0]) if len(items) == 1 else None
    return (unusable(message),) if event is None else _notices(event, text(envelope, "MessageId"))


def _notices(event: Mapping[str, Any], message_id: str) -> tuple[Notice, ...]:
    word = text(event, "eventType", "notificationType")
    told = usable(event.get(word.lower())) or {}
    says, people = _said(word, told, usable(event.get("mail")) or {})
    dropped = text(told, "bounceSubType", "complaintSubType") in _DROPPED
    if not word or (says is not Says.NOTHING and not any(people)):
        return (unusable(event, word),)
    at = at_text(told.get("timestamp"))
    source = text(told, "feedbackId") or message_id or identity(event, *sorted(event))
    group = f"list {text(told, 'contactList')}" if word == "Subscription" else ""

    def notice(address: str) -> Notice:
        made = identity({"source": source, "address": address}, "source", "address")
        return Notice(says, address, at, made, word, event, group, dropped=dropped)

    if says is Says.NOTHING:
        return (notice(""),)
    return tuple(notice(address) if address else unusable(event, word) for address in people)


def _said(word: str, told: Mapping[str, Any], mail: Mapping[str, Any]) -> tuple[Says, list[str]]:
    """Say what an event means and of whom; "" stands where that is nobody, or nobody knows."""
    match word:
        case "Bounce" if told.get("bounceType") == "Permanent":
            people = _people(told.get("bouncedRecipients"))
            unsubscribed = told.get("bounceSubType") == "UnsubscribedRecipient"  # of a contact list
            return (Says.UNSUBSCRIBE if unsubscribed else Says.HARD_BOUNCE), people
        case "Complaint" if told.get("complaintFeedbackType") != _NOT_SPAM:
            return Says.COMPLAINT, _only(_people(told.get("complainedRecipients")))
        case "Subscription":
            destination = mail.get("destination")
            named = [{"emailAddress": each} for each in destination] if isinstance(destination, list) else []
            return _preferred(told), _only(_people(named))
    return Says.NOTHING, []


def _people(recipients: Any) -> list[str]:
    listed = recipients if isinstance(recipients, list) else []
    found = [single(text(usable(each) or {}, "emailAddress")) for each in listed]
    return list(dict.fromkeys(found))


def _only(people: list[str]) -> list[str]:
    return people if len(people) == 1 else []


def _preferred(told: Mapping[str, Any]) -> Says:
    """Compare the preferences of a contact: one more that is off is an unsubscribe, none left a resubscribe."""
    before, now = _off(told.get("oldTopicPreferences")), _off(told.get("newTopicPreferences"))
    if now is None:
        return Says.NOTHING
    if now - (before or set()):
        return Says.UNSUBSCRIBE
    return Says.RESUBSCRIBE if before and not now else Says.NOTHING


def _off(preferences: Any) -> set[str] | None:
    """Give the topics that are off, "" for all of them; None where that cannot be read."""
    topics = (usable(preferences) or {}).get("topicSubscriptionStatus")
    if not isinstance(topics, list):
        return {""} if (usable(preferences) or {}).get("unsubscribeAll") is True else None
    statuses = [usable(each) or {} for each in topics]
    off = {text(each, "topicName") for each in statuses if text(each, "subscriptionStatus").lower() != "optin"}
    return off | ({""} if preferences.get("unsubscribeAll") is not False else set())
