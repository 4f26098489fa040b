"""Brevo, API v3: https://developers.brevo.com/reference.

A send is one JSON object: mail to `to`, `cc` and `bcc`, in common or in each of up to 2000 `messageVersions`; an SMS to
`recipient`; WhatsApp to `contactNumbers`; a mail that asks `email` for consent. Brevo answers 201 and tells of blocked
recipients later by webhook, so a refusal here speaks in the shape of its validation errors: 400 with `code` and
`message`.

What is not documented is settled so that nobody unseen gets a message:

- Where there are versions, Brevo says that it ignores the common `to`. Whoever stands there is judged all the same, but
  a send that has lost its versions is refused, for the common `to` might come alive.
- A version's own `cc` or `bcc` stands in for the common one. Where the own loses its last address and the common one
  has some, it stays as an empty array: without it the version would go to the common copies.
- A time without a zone could be any, so it is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from policy import times
from policy.identity import email_keys, phone_keys
from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import ids, mail_headers, markers
from proxy.formats.fields import refuse_in_query
from proxy.formats.gathering import gathered
from proxy.formats.guarded import guarded
from proxy.formats.lookalikes import lookalikes
from proxy.formats.objects import Shape, array, join, refuse_breaks, text, texts
from proxy.formats.positions import original_index, spliced
from proxy.providers.base import READING, Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.MAIL, Channel.SMS, Channel.INSTANT_MESSAGING)
ENCODINGS: frozenset[str] = frozenset()
CREDENTIALS: tuple[str, ...] = ("api-key", "Authorization", "partner-key")
ACCOUNTS: tuple[str, ...] = ()
TELLS_SUPPRESSION = False

# Any key that is not documented and only looks like one of these makes a send unreadable.
_DECIDING = frozenset(
    {"to", "cc", "bcc", "recipient", "recipients", "email", "emailTo", "contacts", "contactId", "contactIds"}
    | {"contactNumbers", "extId", "listIds", "segmentIds", "messageVersions", "scheduledAt", "templateId", "headers"}
)


def _shape(documented: str) -> Shape:
    return Shape(frozenset(documented.split()), _DECIDING)


_LISTS = ("to", "cc", "bcc")
_BODY = _shape("sender to cc bcc subject replyTo headers tags templateId params messageVersions scheduledAt batchId")
_VERSION = _shape("to cc bcc subject replyTo headers params htmlContent textContent templateId")
_ADDRESS = Shape(frozenset({"email", "name"}), _DECIDING | {"id"})
_BECOME_HEADERS = ("subject", "sender", "replyTo", "tags")


class _Endpoint(NamedTuple):
    """A send of another kind than mail: the recipient, or the list of them, stands under one key."""

    channel: Channel
    people: str
    shape: Shape
    markers: tuple[str, ...]


_MAIL = "/v3/smtp/email"
_SMS = _Endpoint(
    Channel.SMS, "recipient", _shape("recipient sender content type tag templateId params"), ("type", "tag", "sender")
)
_OTHERS: Mapping[str, _Endpoint] = {
    "/v3/transactionalSMS/sms": _SMS,
    "/v3/transactionalSMS/send": _SMS,
    "/v3/whatsapp/sendMessage": _Endpoint(
        Channel.INSTANT_MESSAGING,
        "contactNumbers",
        _shape("contactNumbers senderNumber templateId params text"),
        ("senderNumber",),
    ),
    # The lists are those that the person joins by the click in the mail.
    "/v3/contacts/doubleOptinConfirmation": _Endpoint(
        Channel.MAIL, "email", _shape("email templateId attributes includeListIds excludeListIds redirectionUrl"), ()
    ),
}

# ── sorting ──

# What dispatches nothing. Not here, on purpose: whatever writes contacts, puts them on lists or tells of their orders
# and events, for all that starts automations.
_HARMLESS = re.compile(
    r"""POST\ /v3/smtp/blockedDomains
    | DELETE\ /v3/(?:smtp/(?:email|log|templates)|(?:email|sms|whatsapp)Campaigns)/[^/]+
    | DELETE\ /v3/contacts/.+
    | POST\ /v3/smtp/template/preview | POST\ /v3/contacts/lists/[^/]+/contacts/remove
    | POST\ /v3/(?:smtp/templates|contacts/(?:lists|folders))
    | PUT\ /v3/(?:smtp/templates|contacts/(?:lists|folders))/[^/]+""",
    re.VERBOSE,
)
_GUARDED = guarded(
    *("* /v3/webhooks/**", "* /v3/corporate/**", "* /v3/organization/**", "DELETE /v3/smtp/blockedContacts/**"),
    *("DELETE /v3/smtp/blockedDomains/**", "WRITE /v3/smtp/deleteHardbounces/**"),
)
_HIDDEN = re.compile(
    r"""POST\ /v3/(?:email|sms|whatsapp)Campaigns | PUT\ /v3/(?:email|sms|whatsapp)Campaigns/[^/]+
    | POST\ /v3/(?:email|sms)Campaigns/[^/]+/send(?:Now|Test|Report) | POST\ /v3/smtp/templates/[^/]+/sendTest
    | POST\ /v3/(?:events|orders/status)(?:/batch)? | POST\ /v3/payments/requests
    | POST\ /v3/contacts(?:/batch|/import|/lists/[^/]+/contacts/add)? | PUT\ /v3/contacts/[^/]+
    | POST\ /v3/conversations/(?:messages|pushedMessages) | POST\ /v3/products/[^/]+/alerts/back_in_stock""",
    re.VERBOSE,
)
_NEW_STATUS = re.compile(r"PUT /v3/(?:email|sms)Campaigns/[^/]+/status")
_STOPPED = ({"status": "suspended"}, {"status": "archive"})
resembles_send = lookalikes(_MAIL, *_OTHERS)


def sort(request: Request) -> Kind:
    """Tell what the request would do; of a campaign's new status only the body tells."""
    path = strict.plain_path(request.path)
    if path is None or not path.startswith("/v3/"):
        return Kind.UNKNOWN
    if _GUARDED(request.method, path):
        return Kind.UNKNOWN
    asked = f"{request.method} {path}"
    if request.method in READING or _HARMLESS.fullmatch(asked):
        return Kind.HARMLESS
    if request.method == "POST" and (path == _MAIL or path in _OTHERS):
        return Kind.SEND
    if _NEW_STATUS.fullmatch(asked):
        return _new_status(request) if request.body else Kind.ASK_BODY
    return Kind.HIDDEN if _HIDDEN.fullmatch(asked) else Kind.UNKNOWN


def _new_status(request: Request) -> Kind:
    try:
        strict.expect_type(request.headers, strict.JSON)
        return Kind.HARMLESS if strict.json_tree(request.body) in _STOPPED else Kind.HIDDEN
    except Unreadable:
        return Kind.HIDDEN


# ── reading ──


def read(request: Request, settings: Settings) -> Message:
    """Find every recipient, marker and schedule of a send; raises Unreadable.

    Brevo wants numbers with their country's code, with or without a plus; a reading by the route's region counts too.
    """
    strict.expect_type(request.headers, strict.JSON)
    refuse_in_query(request.query, _DECIDING)
    body = strict.json_tree(request.body)
    endpoint = _OTHERS.get(strict.plain_path(request.path) or "")
    send = _mail(body) if endpoint is None else _other(body, endpoint, settings.region)
    return Message(request, send, body)


def _other(body: Any, endpoint: _Endpoint, region: str) -> Send:
    endpoint.shape.check(body, "")
    people = dict(texts(body, endpoint.people, ""))
    if not people or people == {endpoint.people: ""}:
        raise Unreadable("the send names no recipient", endpoint.people, Reason.NO_RECIPIENT)
    keys = email_keys if endpoint.channel is Channel.MAIL else lambda number: _phone_keys(number, region)
    recipients = gathered(Recipient(place, endpoint.channel, told, keys(told)) for place, told in people.items())
    return Send(endpoint.channel, recipients, MappingProxyType(markers.of(body, *endpoint.markers, "templateId")))


def _phone_keys(number: str, region: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*phone_keys(number), *phone_keys(number, region))))


def _mail(told: Any) -> Send:
    body = _BODY.check(told, "")
    _check_headers(body, "")
    at = _scheduled_at(body)
    versions = array(body, "messageVersions", "")
    people = chain(_addresses(body, ""), _versions_addresses(versions))
    recipients = gathered(Recipient(place, Channel.MAIL, each, email_keys(each), at) for place, each in people)
    if not any(owner.get("to") for owner in versions or [body]):
        raise Unreadable("the send names no recipient", "messageVersions" if versions else "to", Reason.NO_RECIPIENT)
    return Send(Channel.MAIL, recipients, _markers(body, versions))


def _versions_addresses(versions: list[Any]) -> Iterator[tuple[str, str]]:
    for index, version in enumerate(versions):
        place = f"messageVersions.{index}"
        _check_headers(_VERSION.check(version, place), place)
        yield from _addresses(version, place)


def _check_headers(owner: dict[str, Any], place: str) -> None:
    mail_headers.check(owner, "headers", place)
    for name in _BECOME_HEADERS:
        if name in owner:
            refuse_breaks(owner, name, place)


def _addresses(owner: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for name in _LISTS:
        for number, address in enumerate(array(owner, name, place)):
            spot = f"{join(place, name)}.{number}"
            email = text(_ADDRESS.check(address, spot), "email", spot)
            if "name" in address:
                refuse_breaks(address, "name", spot)
            yield spot, email


def _scheduled_at(body: dict[str, Any]) -> float | None:
    if "scheduledAt" not in body:
        return None
    try:
        return times.read(text(body, "scheduledAt", "")).first / 1_000_000
    except times.BadTime:
        raise Unreadable("not a time in ISO 8601 with a zone", "scheduledAt") from None


# ── markers ──

_MARKING_HEADERS = {"x-mailin-tag": "headers.X-Mailin-Tag", "x-mailin-custom": "headers.X-Mailin-custom"}


def _markers(body: dict[str, Any], versions: list[dict[str, Any]]) -> markers.Markers:
    found = markers.of(body, "tags") | markers.of(body.get("sender"), "email", "id", prefix="sender.")
    for name, value in (body.get("headers") or {}).items():
        marker = _MARKING_HEADERS.get(name.lower())
        if marker and isinstance(value, str) and value:
            found[marker] = (value,)
    # A version may have a template of its own.
    own = [version for version in versions if "templateId" in version]
    common: list[dict[str, Any]] = [] if versions and len(own) == len(versions) else [{}]
    owners = (version if "templateId" in version else body for version in common + own)
    return markers.common(found | markers.of(owner, "templateId") for owner in owners)


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the send without the recipients at these places; raises Unreadable.

    A version that loses its last `to` goes as a whole, with its copies: Brevo wants a `to` in each.
    """
    present = {recipient.place for recipient in message.send.recipients}
    if not change.places <= present:
        raise Unreadable("a place to be taken out is not in the send")
    if not change.places:
        return Trimmed(message.request.body)
    tree = dict(strict.json_for_writing(message.request.body, message.parsed))
    endpoint = _OTHERS.get(strict.plain_path(message.request.path) or "")
    if endpoint is not None:
        left = [told for place, told in texts(tree, endpoint.people, "") if place not in change.places]
        if not left:
            raise Unreadable("nobody is left in the send", endpoint.people, Reason.NO_RECIPIENT)
        return Trimmed(strict.write_json({**tree, endpoint.people: left}), change.places)
    return _trimmed_mail(tree, change.places)


def _trimmed_mail(tree: dict[str, Any], places: frozenset[str]) -> Trimmed:
    gone = set(places)
    versions = tree.get("messageVersions", [])
    common = _without(tree, "", places)
    for name in _LISTS:
        if common.get(name) == []:
            del common[name]
    kept = []
    touched = {place.split(".")[1] for place in places if place.startswith("messageVersions.")}
    for index, version in enumerate(versions):
        place = f"messageVersions.{index}"
        if str(index) not in touched:
            kept.append(_sparing(version, common))
        elif _falls(version, place, places):
            gone.update(spot for spot, _ in _addresses(version, place))
        else:
            kept.append(_sparing(_without(version, place, places), common))
    if not any(owner.get("to") for owner in (kept if versions else [common])):
        raise Unreadable("nobody is left in the send", "messageVersions" if versions else "to", Reason.NO_RECIPIENT)
    if versions:
        common["messageVersions"] = kept
    return Trimmed(strict.write_json(common), frozenset(gone), restores=len(kept) < len(versions))


def _without(owner: dict[str, Any], place: str, places: frozenset[str]) -> dict[str, Any]:
    left = dict(owner)
    for name in _LISTS:
        if owner.get(name):
            spots = (f"{join(place, name)}.{number}" for number in range(len(owner[name])))
            left[name] = [each for spot, each in zip(spots, owner[name], strict=True) if spot not in places]
    return left


def _falls(version: dict[str, Any], place: str, places: frozenset[str]) -> bool:
    to = version.get("to", [])
    return bool(to) and all(f"{place}.to.{number}" in places for number in range(len(to)))


def _sparing(version: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """Drop empty lists of copies, which Brevo may refuse, except where they keep the common copies away."""
    spare = {name for name in _LISTS if version.get(name) == [] and name not in common}
    return {name: value for name, value in version.items() if name not in spare}


# ── answers ──

_CODES = {401: "unauthorized", 403: "permission_denied", 404: "document_not_found", 405: "method_not_allowed"}


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as Brevo does to an invalid send: 400 with a code and a message."""
    del request  # the shape is the same for all requests
    invalid = "missing_parameter" if refusal.reason is Reason.NO_RECIPIENT else "invalid_parameter"
    status = refusal.status or 400
    code = invalid if status == 400 else _CODES.get(status, "bad_request")
    return Answer(status, orjson.dumps({"code": code, "message": refusal.message}), strict.JSON)


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to a send for its recipients' sake; Brevo has no place for single ones."""
    return refusal(message.request, words)


_NAMED_INDEX = re.compile(r"(messageVersions[.\[])(\d{1,6})")


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Let ids stand at the sender's own versions, with "" for those that are gone, and errors name the sender's own.

    Brevo has no word for the failure of a single version.
    """
    del refusal
    versions = message.parsed.get("messageVersions", [])
    fallen = [i for i, each in enumerate(versions) if _falls(each, f"messageVersions.{i}", trimmed.places)]

    def own(match: re.Match[str]) -> str:
        return f"{match[1]}{original_index(int(match[2]), fallen)}"

    try:
        told = orjson.loads(answer.body)
        if answer.status >= 400:
            told["message"] = _NAMED_INDEX.sub(own, told["message"])
        else:
            given = told["messageIds"] if "messageIds" in told else [told["messageId"]]
            if (all_ids := spliced(given, dict.fromkeys(fallen, ""), len(versions))) is None:
                return answer
            told["messageIds"] = all_ids
    except (ValueError, KeyError, TypeError):
        return answer
    return replace(answer, body=orjson.dumps(told))


def accepted(request: Request, decision: str) -> Answer:
    """Answer as Brevo does when it takes a send: 201 with an id, one for each version; 202 for a scheduled mail."""
    number = int(ids.digest(decision)[:13], 16)
    match strict.plain_path(request.path):
        case "/v3/transactionalSMS/sms":
            return _told({"reference": ids.digest(decision)[:20], "messageId": number, "smsCount": 1})
        case "/v3/transactionalSMS/send":
            return _told({"messageId": number})
        case "/v3/whatsapp/sendMessage":
            return _told({"messageId": ids.uuid(decision)})
        case "/v3/contacts/doubleOptinConfirmation":
            return Answer(201, b"", "")
    try:
        body = _BODY.check(strict.json_tree(request.body), "")
        versions = array(body, "messageVersions", "")
    except Unreadable:
        body, versions = {}, []
    given = [f"<{ids.digest(decision, each)[:24]}@smtp-relay.sendgate>" for each in range(len(versions) or 1)]
    told: dict[str, Any] = {"messageIds": given} if versions else {"messageId": given[0]}
    return _told({**told, "batchId": ids.uuid(decision)}, 202) if "scheduledAt" in body else _told(told)


def _told(told: dict[str, Any], status: int = 201) -> Answer:
    return Answer(status, orjson.dumps(told), strict.JSON)
