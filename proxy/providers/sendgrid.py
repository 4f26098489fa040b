"""Twilio SendGrid, Web API v3: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send.

One send is one JSON object with up to 1000 personalizations; each is an envelope of its own with `to`, `cc` and `bcc`.
SendGrid answers 202 and drops suppressed recipients later without a word to the sender, so a refusal here speaks in the
shape of its validation errors: 400 with `errors`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import orjson

from policy.identity import email_keys
from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import mail_headers, markers, sendgrid_calls
from proxy.formats.event_args import refuse_shadows
from proxy.formats.fields import refuse_in_query
from proxy.formats.gathering import gathered
from proxy.formats.lookalikes import lookalikes
from proxy.formats.objects import Shape, array, join, refuse_breaks
from proxy.providers.base import Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.MAIL,)
ENCODINGS = frozenset({"gzip"})  # "Mail body compression" on the page above
CREDENTIALS: tuple[str, ...] = ("Authorization",)
ACCOUNTS: tuple[str, ...] = ("On-Behalf-Of",)
TELLS_SUPPRESSION = False

MAX_ERRORS = 100  # of one refusal; SDKs print them all

# Documented keys, object by object: all that say who gets the message and when, and what is common beside them. Any
# other key that only looks like one of these, or like a list of recipients, makes the send unreadable: a forgiving
# parser could take it. So are line breaks in what becomes a header of the mail.
_ADDRESS_LISTS: tuple[str, ...] = ("to", "cc", "bcc")
_RECIPIENT_NAMES = frozenset({*_ADDRESS_LISTS, "recipients", "xsmtpapi"})
_COMMON = frozenset({"from", "subject", "substitutions", "dynamic_template_data", "custom_args"})


def _shape(*documented: str) -> Shape:
    return Shape(frozenset(documented), _RECIPIENT_NAMES.union(documented))


_BYPASSES = (
    "bypass_list_management",
    "bypass_unsubscribe_management",
    "bypass_spam_management",
    "bypass_bounce_management",
)
_BODY = _shape("personalizations", "mail_settings", "headers", "send_at")
_PERSONALIZATION = _shape(*_COMMON, *_ADDRESS_LISTS, "headers", "send_at")
_ADDRESS = _shape("email", "name")
_MAIL_SETTINGS = _shape("bcc", *_BYPASSES)
_LEGACY_BCC = _shape("enable", "email")
_LEGACY_BCC_PLACE = "mail_settings.bcc"

_OWN_HEADERS = frozenset({"xsmtpapi"})  # SendGrid's own, with a `to` list inside
_BECOME_HEADERS = ("subject", "from", "reply_to", "reply_to_list", "substitutions")
_HEADERS = frozenset({"headers", *_BECOME_HEADERS})

# What most personalizations consist of. Beside their `to` there is nothing to look at.
_QUIET = frozenset({"to", "dynamic_template_data", "custom_args"})
_QUIET_LISTS = ("to",)

_CAMPAIGN_ARGS = ("custom_args.campaign", "custom_args.campaign_id")

resembles_send = lookalikes("/v3/mail/send")


def sort(request: Request) -> Kind:
    """Tell what the request would do; only method and path are asked."""
    path = strict.plain_path(request.path)
    if path is None:
        return Kind.UNKNOWN
    if request.method == "POST" and path == "/v3/mail/send":
        return Kind.SEND
    return sendgrid_calls.sort(request.method, path)


# ── reading ──


def read(request: Request, settings: Settings) -> Message:
    """Find every recipient, marker, schedule and bypass of a send; raises Unreadable.

    The address of the legacy setting `mail_settings.bcc` counts whether it is enabled or not.
    """
    del settings  # e-mail addresses belong to no country
    body = _body(request)
    recipients = gathered(_recipients(body))
    if all(recipient.place == _LEGACY_BCC_PLACE for recipient in recipients):
        raise Unreadable("the send names no recipient", "personalizations", Reason.NO_RECIPIENT)
    marked = _markers(body)
    campaign = next((marked[name][0] for name in _CAMPAIGN_ARGS if name in marked), "")
    return Message(request, Send(Channel.MAIL, recipients, marked, campaign), body, bypasses=_bypasses(body))


def _body(request: Request) -> dict[str, Any]:
    strict.expect_type(request.headers, strict.JSON)
    refuse_in_query(request.query, _BODY.deciding)
    body = _BODY.check(strict.json_tree(request.body), "")
    _check_headers(body, "")
    refuse_shadows(body, "")
    return body


def _recipients(body: dict[str, Any]) -> Iterator[Recipient]:
    """Give every recipient, checking all that is passed on the way."""
    scheduled_at = _send_at(body, "", None)
    for index, personalization in enumerate(array(body, "personalizations", "")):
        place = f"personalizations.{index}"
        names, own = _ADDRESS_LISTS, scheduled_at
        if isinstance(personalization, dict) and personalization.keys() <= _QUIET:
            names = _QUIET_LISTS
        else:
            _PERSONALIZATION.check(personalization, place)
            _check_headers(personalization, place)
            own = _send_at(personalization, place, scheduled_at)
        refuse_shadows(personalization, place)
        for name in names:
            for number, address in enumerate(array(personalization, name, place)):
                spot = f"{place}.{name}.{number}"
                email = _email(address, spot, _ADDRESS)
                yield Recipient(spot, Channel.MAIL, email, email_keys(email), own)
    yield from _legacy_bcc(body, scheduled_at)


def _legacy_bcc(body: dict[str, Any], scheduled_at: float | None) -> Iterator[Recipient]:
    # Gone from SendGrid's description, but nothing says that it is no longer honoured. A copy goes out with every mail
    # of the send. Enabled without an address it goes to somebody whom only the account knows.
    settings = body.get("mail_settings")
    if settings is None:
        return
    bcc = _MAIL_SETTINGS.check(settings, "mail_settings").get("bcc")
    if bcc is None:
        return
    if _LEGACY_BCC.check(bcc, _LEGACY_BCC_PLACE).get("email") or bcc.get("enable"):
        email = _email(bcc, _LEGACY_BCC_PLACE, _LEGACY_BCC)
        yield Recipient(_LEGACY_BCC_PLACE, Channel.MAIL, email, email_keys(email), scheduled_at)


def _bypasses(body: dict[str, Any]) -> tuple[str, ...]:
    # On unless it says no: anything that is not plainly off may be read as on.
    settings = body.get("mail_settings") or {}
    return tuple(f"mail_settings.{name}" for name in _BYPASSES if name in settings and not _off(settings[name]))


def _off(setting: Any) -> bool:
    if not isinstance(setting, dict):
        return setting is None
    return setting.keys() <= {"enable"} and setting.get("enable", False) is False


def _email(owner: Any, place: str, shape: Shape) -> str:
    alone = isinstance(owner, dict) and len(owner) == 1  # then there is nothing beside the address
    email = owner.get("email") if alone else shape.check(owner, place).get("email")
    if not isinstance(email, str):
        raise Unreadable("no e-mail address", place)
    if not alone and "name" in owner:
        refuse_breaks(owner, "name", place)
    return email


def _send_at(owner: dict[str, Any], place: str, otherwise: float | None) -> float | None:
    # A personalization's own send_at beats that of the send.
    if "send_at" not in owner:
        return otherwise
    send_at = owner["send_at"]
    if type(send_at) is not int:  # not a bool, which is an int too
        raise Unreadable("not a whole number of seconds", join(place, "send_at"))
    return float(send_at)


def _check_headers(owner: dict[str, Any], place: str) -> None:
    """Refuse headers that name recipients, or that a mailer could read as one more header."""
    if owner.keys().isdisjoint(_HEADERS):
        return
    mail_headers.check(owner, "headers", place, _OWN_HEADERS)
    for name in _BECOME_HEADERS:
        if name in owner:
            refuse_breaks(owner, name, place)


# ── markers ──


def _markers(body: dict[str, Any]) -> markers.Markers:
    found = markers.of(body, "categories", "ip_pool_name", "template_id")
    found |= markers.of(body.get("asm"), "group_id", prefix="asm.")
    args = _common_args(body)
    return MappingProxyType(found | markers.of(args, *args, prefix="custom_args."))


def _common_args(body: dict[str, Any]) -> dict[str, Any]:
    # A marker speaks for the whole send, so an argument that any personalization overrides is none.
    args = body.get("custom_args")
    if not args or not isinstance(args, dict):
        return {}
    common = dict(args)
    for personalization in body["personalizations"]:
        own = personalization.get("custom_args") or {}
        if not isinstance(own, dict):
            return {}
        for name in common.keys() & own.keys():
            if common[name] != own[name]:
                del common[name]
    return common


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the send without the recipients at these places, and without its bypasses; raises Unreadable.

    A personalization that loses its last `to` goes as a whole, with its cc and bcc: SendGrid wants a `to` in each, and
    to make one of a copy would change what the sender said.
    """
    places = change.places
    present = {recipient.place for recipient in message.send.recipients}
    if not places <= present:
        raise Unreadable("a place to be taken out is not in the send")
    tree = dict(strict.json_for_writing(message.request.body, message.parsed))
    kept, gone = _kept(tree["personalizations"], places)
    if present <= gone | {_LEGACY_BCC_PLACE}:
        raise Unreadable("nobody is left in the send", "personalizations", Reason.NO_RECIPIENT)
    tree["personalizations"] = kept
    dropped = {"bcc"} if _LEGACY_BCC_PLACE in places else set()
    if change.strip:
        dropped |= {bypass.removeprefix("mail_settings.") for bypass in message.bypasses}
    if dropped:
        tree["mail_settings"] = {name: each for name, each in tree["mail_settings"].items() if name not in dropped}
    return Trimmed(strict.write_json(tree), gone, restores=bool(gone - {_LEGACY_BCC_PLACE}))


def _kept(personalizations: list[Any], places: frozenset[str]) -> tuple[list[Any], frozenset[str]]:
    """Give the personalizations that stay, trimmed, and all the places that go."""
    gone = set(places)
    touched = {place.split(".")[1] for place in places}
    kept = []
    for index, personalization in enumerate(personalizations):
        if str(index) not in touched:
            kept.append(personalization)
            continue
        spots = _spots(personalization, index)
        if _falls(spots, places):
            gone.update(*spots.values())
        else:
            kept.append(_without(personalization, spots, places))
    return kept, frozenset(gone)


def _spots(personalization: dict[str, Any], index: int) -> dict[str, list[str]]:
    return {
        name: [f"personalizations.{index}.{name}.{number}" for number in range(len(personalization.get(name, ())))]
        for name in _ADDRESS_LISTS
    }


def _falls(spots: dict[str, list[str]], places: frozenset[str]) -> bool:
    return bool(spots["to"]) and places.issuperset(spots["to"])


def _without(personalization: dict[str, Any], spots: dict[str, list[str]], places: frozenset[str]) -> dict[str, Any]:
    # An empty cc or bcc is an error to SendGrid, so the key goes with its last address.
    trimmed = dict(personalization)
    for name, own in spots.items():
        if places.isdisjoint(own):
            continue
        trimmed[name] = [address for spot, address in zip(own, trimmed[name], strict=True) if spot not in places]
        if not trimmed[name]:
            del trimmed[name]
    return trimmed


# ── answers ──

_RECIPIENT_PLACE = re.compile(r"personalizations\.\d+\.(?:to|cc|bcc)\.\d+|mail_settings\.bcc")


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as SendGrid does to an invalid send: 400, one error for each place, at most MAX_ERRORS."""
    del request  # the shape is the same for all requests
    told = [(refusal.about(place), _field(place)) for place in refusal.places[:MAX_ERRORS]]
    errors = [
        {"message": message, "field": field, "help": None} for message, field in told or [(refusal.message, None)]
    ]
    return Answer(refusal.status or 400, orjson.dumps({"errors": errors}), strict.JSON)


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to a send for its recipients' sake, one error for each of them."""
    return refusal(message.request, words)


def _field(place: str) -> str | None:
    return f"{place}.email" if _RECIPIENT_PLACE.fullmatch(place) else place or None


_NAMED = re.compile(r"(personalizations[.\[])(\d+)(?:(\]?[.\[](to|cc|bcc)\]?[.\[])(\d+))?")


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Let SendGrid's errors name places by the sender's own indexes; it answers nothing else by place."""
    del refusal  # a 202 has no body, and so no place for a single refusal
    if answer.status < 400:
        return answer
    kept = _indexes(message.parsed["personalizations"], trimmed.places)

    def own(match: re.Match[str]) -> str:
        before, index, between, name, number = match.groups()
        if int(index) >= len(kept):
            return match[0]
        own_index, numbers = kept[int(index)]
        if name is None or int(number) >= len(numbers[name]):
            return f"{before}{own_index}{match[0][match.end(2) - match.start() :]}"
        return f"{before}{own_index}{between}{numbers[name][int(number)]}"

    try:
        told = orjson.loads(answer.body)
        for error in told["errors"]:
            for name in ("field", "message"):
                if isinstance(error.get(name), str):
                    error[name] = _NAMED.sub(own, error[name])
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer
    return replace(answer, body=orjson.dumps(told))


def _indexes(personalizations: list[Any], places: frozenset[str]) -> list[tuple[int, dict[str, list[int]]]]:
    """Give the sender's own index of each personalization that stayed, and the own numbers of the addresses in it."""
    spots = ((index, _spots(each, index)) for index, each in enumerate(personalizations))
    return [
        (index, {name: [n for n, spot in enumerate(own) if spot not in places] for name, own in lists.items()})
        for index, lists in spots
        if not _falls(lists, places)
    ]


def accepted(request: Request, decision: str) -> Answer:
    """Answer as SendGrid does when it takes a send: 202, nothing in the body, one X-Message-Id for all recipients."""
    del request  # nothing of it is repeated
    message_id = urlsafe_b64encode(sha256(decision.encode()).digest()[:16]).rstrip(b"=").decode()
    return Answer(202, b"", "text/plain; charset=utf-8", (("X-Message-Id", message_id),))
