"""Twilio Programmable Messaging, API 2010-04-01: https://www.twilio.com/docs/messaging/api/message-resource.

One send is one form with one recipient in `To`: a phone number for SMS, or a channel address such as `whatsapp:+1555…`.
There is nobody left when that one is refused, so a send is never trimmed. Twilio itself answers 21610 for somebody who
said STOP to the sending number, which is what a refusal says here. The last part of the path tells the format of the
answer: `.json`, else XML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import orjson
import phonenumbers

from policy.identity import is_international, phone_keys
from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import xml
from proxy.formats.fields import refuse_lookalikes, refuse_misplaced
from proxy.formats.guarded import guarded
from proxy.formats.lookalikes import lookalikes
from proxy.providers.base import READING, Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.SMS, Channel.INSTANT_MESSAGING)
ENCODINGS: frozenset[str] = frozenset()
CREDENTIALS: tuple[str, ...] = ("Authorization",)
ACCOUNTS: tuple[str, ...] = ()
TELLS_SUPPRESSION = False

_ACCOUNT = r"/2010-04-01/Accounts/([^/]+)"
_SEND = re.compile(rf"{_ACCOUNT}/Messages(?:\.json|\.xml)?")
_ACCOUNT_SID = re.compile("AC[0-9a-f]{32}")
_ANY_ACCOUNT = re.compile("/accounts/([^/]+)", re.IGNORECASE)
_FORMAT = re.compile(r"\.(?:json|xml|csv|html)\Z")
# The account's answer holds its token, and a webhook's address may hold a password. They stand in the numbers, in the
# applications, and, at Twilio's other addresses, in the services.
_GUARDED = guarded(
    *("* /2010-04-01/Accounts", "* /2010-04-01/Accounts.*", "* /2010-04-01/Accounts/*"),
    *(
        f"* /2010-04-01/Accounts/*/{each}*/**"
        for each in ("Applications", "ConnectApps", "IncomingPhoneNumbers", "Keys", "SIP", "SigningKeys", "Tokens")
    ),
    "* /2010-04-01/Accounts/*/Usage/Triggers*/**",
    *("* /v*/Services/**", "* /v*/Credentials/**"),
)
_HARMLESS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("POST", re.compile(rf"{_ACCOUNT}/Messages/(?:SM|MM)[0-9A-Za-z]+(?:\.json|\.xml)?")),  # cancels, or redacts
    ("POST", re.compile(rf"{_ACCOUNT}/Messages/(?:SM|MM)[0-9A-Za-z]+/Feedback(?:\.json|\.xml)?")),
    ("DELETE", re.compile(rf"{_ACCOUNT}/.+")),
)

# Fields that may repeat: the arrays in Twilio's description.
_REPEATABLE = frozenset({"MediaUrl", "PersistentAction"})

# Fields that decide who gets the message, when, and of which class it is. Another name that only looks like one of them
# makes the send unreadable, and so does any of them in the query or behind a semicolon: some server could take it.
_TO, _SEND_AT = "To", "SendAt"
_MARKERS = ("MessagingServiceSid", "ContentSid", "From")
_DECIDING = frozenset({_TO, _SEND_AT, "ScheduleType", "Tags", *_MARKERS})

# Channel addresses. RCS falls back to SMS and whoever said no to SMS means it, so it counts as SMS. Any other prefix
# (messenger:) stands before something that is no phone number: nobody can be looked up.
_CHANNEL_OF_PREFIX = {"whatsapp": Channel.INSTANT_MESSAGING, "rcs": Channel.SMS}

_CAMPAIGN_TAGS = ("Tags.campaign_name", "Tags.campaign", "Tags.campaign_id")

resembles_send = lookalikes("/2010-04-01/Accounts/*/Messages", "/2010-04-01/Accounts/*/Messages.*")


def sort(request: Request) -> Kind:
    """Tell what the request would do; only method and path are asked."""
    path = strict.plain_path(request.path)
    if path is None or _GUARDED(request.method, path):
        return Kind.UNKNOWN
    if request.method in READING:
        return Kind.HARMLESS
    if request.method == "POST" and _SEND.fullmatch(path):
        return Kind.SEND
    if any(request.method == method and pattern.fullmatch(path) for method, pattern in _HARMLESS):
        return Kind.HARMLESS
    return Kind.UNKNOWN


# ── accounts ──


def accounts(request: Request) -> tuple[str, ...]:
    """Give every account that the path names; "" stands for any, where servers could read the path differently.

    The credential of an account opens its subaccounts too: https://www.twilio.com/docs/iam/api/subaccounts.
    """
    path = strict.plain_path(request.path)
    if path is None:
        return () if request.path == "/" else ("",)
    return tuple(_ANY_ACCOUNT.findall(_FORMAT.sub("", path)))


def account_of(username: str) -> str:
    """Give the account that a credential is of; "" where its user name is none's, but that of an API key (SK…)."""
    return username if _ACCOUNT_SID.fullmatch(username) else ""


# ── reading ──


def read(request: Request, settings: Settings) -> Message:
    """Find the recipient, the markers and the schedule of a send; raises Unreadable.

    A number in national form is read with the region of the settings and with the country of `From`, as Twilio does;
    both readings count. Where neither is known nobody can tell with which country Twilio reads it: it has no key.
    """
    fields = _fields(request)
    to = fields.get(_TO, "").strip()
    if not to:
        raise Unreadable("the send names no recipient", _TO, Reason.NO_RECIPIENT)
    channel, number = _channel_address(to)
    keys = _keys(number, settings.region, fields.get("From", ""))
    recipient = Recipient(_TO, channel, to, keys, _scheduled_at(fields))
    markers = _markers(fields)
    campaign = next((markers[name][0] for name in _CAMPAIGN_TAGS if name in markers), "")
    return Message(request, Send(channel, (recipient,), markers, campaign))


def _fields(request: Request) -> dict[str, str]:
    strict.expect_type(request.headers, strict.FORM)
    fields = strict.form_fields(request.body, _REPEATABLE)
    refuse_lookalikes((name for name, _ in fields), _DECIDING)
    refuse_misplaced(request.query, request.body, _DECIDING)
    return dict(fields)


def _channel_address(to: str) -> tuple[Channel, str]:
    prefix, colon, number = to.partition(":")
    if not colon:
        return Channel.SMS, to
    channel = _CHANNEL_OF_PREFIX.get(prefix.strip().casefold())
    return (channel, number) if channel else (Channel.INSTANT_MESSAGING, "")


def _keys(number: str, region: str, sender: str) -> tuple[str, ...]:
    country = _country(sender)
    if not region and not country and not is_international(number):
        return ()
    regions = dict.fromkeys((region or country, country))
    return tuple(dict.fromkeys(key for home in regions for key in phone_keys(number, home)))


def _country(sender: str) -> str:
    # Short codes and names belong to no country; neither do international numbers (phonenumbers says 001). A number in
    # no numbering plan still has a country code, and so a country.
    try:
        number = phonenumbers.parse(sender.rpartition(":")[2].strip())
    except phonenumbers.NumberParseException:
        return ""
    code = number.country_code or 0
    country = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(code)
    return country if phonenumbers.country_code_for_region(country) else ""


def _scheduled_at(fields: Mapping[str, str]) -> float | None:
    if _SEND_AT not in fields:
        return None
    try:
        moment = datetime.fromisoformat(fields[_SEND_AT])
    except ValueError:
        raise Unreadable("not a time in ISO 8601", _SEND_AT) from None
    if moment.tzinfo is None:
        raise Unreadable("a time without a zone", _SEND_AT)
    return moment.timestamp()


def _markers(fields: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    found = {name: fields.get(name, "") for name in _MARKERS}
    found |= {f"Tags.{name}": value for name, value in _tags(fields).items()}
    return MappingProxyType({name: (value,) for name, value in found.items() if value})


def _tags(fields: Mapping[str, str]) -> dict[str, str]:
    if not fields.get("Tags"):
        return {}
    try:
        tags = strict.json_tree(fields["Tags"].encode())
    except Unreadable as unreadable:
        raise Unreadable(unreadable.detail, "Tags") from None
    if not isinstance(tags, dict):
        raise Unreadable("not an object", "Tags")
    return {name: value for name, value in tags.items() if isinstance(value, str)}


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the send as it is, or raise Unreadable: there is but one recipient, so nobody is left without it."""
    if not change.places:
        return Trimmed(message.request.body)
    if change.places != {_TO}:
        raise Unreadable("a place to be taken out is not in the send")
    raise Unreadable("nobody is left in the send", _TO, Reason.NO_RECIPIENT)


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Give the answer as it came: a send that went out is whole."""
    del message, trimmed, refusal
    return answer


# ── answers ──

# Codes and texts of https://www.twilio.com/docs/api/errors; 20422 is Twilio's word for anything malformed.
_UNSUBSCRIBED = (21610, "Attempt to send to unsubscribed recipient")
_MALFORMED = (20422, "Invalid Parameter")
_ERRORS: Mapping[Reason, tuple[int, str]] = {
    Reason.BLACKLISTED: _UNSUBSCRIBED,
    Reason.OPTED_OUT: _UNSUBSCRIBED,
    Reason.OPTED_OUT_CHANNEL: _UNSUBSCRIBED,
    Reason.INVALID_ADDRESS: (21211, "Invalid 'To' Phone Number"),
    Reason.NO_RECIPIENT: (21604, "'To' phone number is required to send a Message"),
}
_ERRORS_BY_STATUS: Mapping[int, tuple[int, str]] = {
    401: (20003, "Authenticate"),
    403: (20403, "Forbidden"),
    404: (20404, "The requested resource was not found"),
    429: (20429, "Too Many Requests"),
    503: (20503, "Service Unavailable"),
}


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as Twilio does: 400 and 21610 for somebody who wants no messages, else the code that fits.

    Never with the keys `type` and `title`: the SDKs make another error of those.
    """
    code, text = _error(refusal)
    status = refusal.status or 400
    error = {
        "code": code,
        "message": f"{text}: {refusal.message}" if refusal.message else text,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return _answer(request, status, "RestException", error)


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to the one recipient."""
    return refusal(message.request, words)


def _error(refusal: Refusal) -> tuple[int, str]:
    if refusal.status is None or refusal.status == 400:
        return _ERRORS.get(refusal.reason, _MALFORMED)
    internal = (20500, "Internal Server Error") if refusal.status >= 500 else _MALFORMED
    return _ERRORS_BY_STATUS.get(refusal.status, internal)


def accepted(request: Request, decision: str) -> Answer:
    """Answer as Twilio does when it takes a send: 201 with the message as a resource, queued or scheduled.

    Of a send that cannot be read, which passes where the operator says so, nothing is repeated.
    """
    try:
        fields = _fields(request)
    except Unreadable:
        fields = {}
    account = _account(request)
    sid = f"SM{sha256(decision.encode()).hexdigest()[:32]}"
    uri = f"/2010-04-01/Accounts/{account}/Messages/{sid}"
    message = {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": fields.get("Body"),
        "date_created": None,
        "date_sent": None,
        "date_updated": None,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": fields.get("From"),
        "messaging_service_sid": fields.get("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "scheduled" if _SEND_AT in fields else "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": fields.get(_TO),
        "uri": f"{uri}.json",
    }
    return _answer(request, 201, "Message", message)


def _account(request: Request) -> str:
    match = _SEND.fullmatch(strict.plain_path(request.path) or "")
    return match[1] if match else ""


def _answer(request: Request, status: int, element: str, content: dict[str, Any]) -> Answer:
    # Only the API of 2010 knows XML; there it is what a path without an extension asks for.
    path = request.path.removesuffix("/")
    if path.startswith("/2010-04-01/") and not path.endswith(".json"):
        root = xml.element("TwilioResponse", {element: _in_camel_case(content)})
        return Answer(status, xml.document(root), "application/xml")
    return Answer(status, orjson.dumps(content), strict.JSON)


def _in_camel_case(content: Any) -> Any:
    if not isinstance(content, dict):
        return content
    return {"".join(map(str.capitalize, name.split("_"))): _in_camel_case(inner) for name, inner in content.items()}
