"""Mailjet, Send API v3.1 and v3: https://dev.mailjet.com/email/reference/send-emails/.

Of v3.1 one call is a list of messages, each with `To`, `Cc` and `Bcc` as lists of objects, and `Globals`, whose keys
hold for every message. Of v3 it is one message, or `Messages` with several, whose people stand in `Recipients`, where
each gets a mail of their own, or as texts in `To`, `Cc` and `Bcc`. Whoever is named for errors in a template gets a
copy of the mail when there is one, and so counts as a recipient.

Not documented, and settled to the safe side: `Globals` may hold `To`, and where a message has a list of its own that
`Globals` has too, nobody says who gets it, so that is unreadable.

Mailjet takes a send for suppressed people and tells by webhook that it blocked them. A refusal speaks in the shape of
its validation errors.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from policy.identity import email_keys
from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import envelopes, ids, mail_headers, mailjet_paths, markers, objects, positions
from proxy.formats.envelopes import Envelope
from proxy.formats.fields import refuse_in_query
from proxy.formats.gathering import gathered
from proxy.formats.guarded import guarded
from proxy.formats.lookalikes import lookalikes
from proxy.providers.base import Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.MAIL,)
ENCODINGS: frozenset[str] = frozenset()  # none is documented
CREDENTIALS: tuple[str, ...] = ("Authorization",)
ACCOUNTS: tuple[str, ...] = ()
TELLS_SUPPRESSION = False

_SENDS = frozenset({"/v3/send", "/v3.1/send"})
_HIDDEN = re.compile(r"(?:POST|PUT) /v3/REST/(?:campaigndraft|newsletter)/[^/]+/(?:send|schedule|test)")
_HARMLESS = re.compile(  # the API before these versions, /0.1/, also sent by GET
    r"(?:GET|HEAD|OPTIONS) /v(?:1|3|3\.1|4)/.+|(?:POST|PUT) /v[13]/REST/templates?(?:/.+)?|DELETE /v[13]/REST/.+"
)
# The address of a webhook holds its password; whoever leaves a list takes the word along that they unsubscribed.
_GUARDED = guarded(
    *(f"* /v*/REST/{each}/**" for each in ("apikey*", "apitoken*", "eventcallbackurl", "parseroute", "user")),
    "DELETE /v*/REST/listrecipient/**",
)

_PEOPLE = ("To", "Cc", "Bcc")
_REPORTING = frozenset({"TemplateErrorReporting", "Mj-TemplateErrorReporting", "MJ-TemplateErrorReporting"})
_TEXT_LISTS = ("To", "Cc", "CC", "Bcc", "BCC", *sorted(_REPORTING))  # of v3; its own pages write both cases
_DECIDING = frozenset({*_PEOPLE, "Recipients", "Messages", "Globals", "Headers", "Email", *_REPORTING})
_OWN_HEADERS = frozenset({"xmjtemplateerrorreporting"})

_BODY = objects.Shape(frozenset({"Messages", "Globals", "SandboxMode", "AdvanceErrorHandling"}), _DECIDING)
_MESSAGE = objects.Shape(frozenset({*_PEOPLE, "TemplateErrorReporting", "Headers"}), _DECIDING)
_MESSAGE_V3 = objects.Shape(frozenset({*_TEXT_LISTS, "Recipients", "Headers"}), _DECIDING)
_BODY_V3 = objects.Shape(_MESSAGE_V3.documented | {"Messages"}, _DECIDING)
_ADDRESS = objects.Shape(frozenset({"Email", "Name", "Vars"}), _DECIDING)
_KEYS = ("Email", "Name")

_OWN_NAMES = ("CustomCampaign", "CustomID", "Mj-campaign", "Mj-CustomID")
_BECOME_HEADERS = ("Subject", "From", "FromEmail", "FromName", "Sender", "ReplyTo", *_OWN_NAMES)

_LISTS = re.compile(r"[@.]lists\.mailjet\.com\Z")  # the end of a contact list's own address

# What the configuration calls a marker is its key in v3.1, by the key in v3.
_MARKERS = {
    "Mj-campaign": "CustomCampaign",
    "Mj-CustomID": "CustomID",
    "Mj-MonitoringCategory": "MonitoringCategory",
    "Mj-TemplateID": "TemplateID",
    "FromEmail": "From.Email",
}


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A send taken apart: an envelope for each message, and one for what all share."""

    tree: dict[str, Any]
    messages: tuple[Envelope, ...]
    common: Envelope
    listed: bool  # the messages stand in a list


resembles_send = lookalikes(*_SENDS)


def sort(request: Request) -> Kind:
    """Tell what the request would do; only method and path are asked.

    Unknown, on purpose: contacts, for a list that somebody joins may start a workflow, campaign drafts, whose status
    can be written, senders, who are sent a mail to confirm themselves, and SMS.
    """
    path = strict.plain_path(request.path)
    if path is None or _GUARDED(request.method, path):
        return Kind.UNKNOWN
    if request.method == "POST" and path in _SENDS:
        return Kind.SEND
    asked = f"{request.method} {path}"
    if _HIDDEN.fullmatch(asked):
        return Kind.HIDDEN
    return Kind.HARMLESS if _HARMLESS.fullmatch(asked) else Kind.UNKNOWN


def _is_v3(request: Request) -> bool:
    return request.path.startswith("/v3/")


# ── reading ──


def read(request: Request, settings: Settings) -> Message:
    """Find every recipient and marker of a send; nothing can be scheduled. Raises Unreadable.

    The address of a contact list is a recipient and hides further ones.
    """
    del settings  # e-mail addresses belong to no country
    strict.expect_type(request.headers, strict.JSON)
    refuse_in_query(request.query, _DECIDING)
    tree = strict.json_tree(request.body)
    parsed = _parsed_v3(tree) if _is_v3(request) else _parsed_v31(tree)
    recipients = gathered(
        Recipient(place, Channel.MAIL, address, email_keys(address), None)
        for envelope in (*parsed.messages, parsed.common)
        for spots in envelope.values()
        for place, address in spots.items()
    )
    if not parsed.messages or not any(map(_people, (*parsed.messages, parsed.common))):
        raise Unreadable("the send names no recipient", "Messages" if parsed.listed else "", Reason.NO_RECIPIENT)
    hidden = tuple(each.place for each in recipients if any(map(_LISTS.search, each.keys)))
    marked = markers.common(_all_marked(parsed, v3=_is_v3(request)))
    campaign = marked.get("CustomCampaign", ("",))[0]
    return Message(request, Send(Channel.MAIL, recipients, marked, campaign), parsed, hidden)


def _parsed_v31(tree: Any) -> _Parsed:
    body = _BODY.check(tree, "")
    shared = body.get("Globals")
    common = {} if shared is None else _envelope(shared, "Globals", _MESSAGE)
    messages = tuple(enumerate(objects.array(body, "Messages", "")))
    envelopes = tuple(_envelope(message, f"Messages.{index}", _MESSAGE) for index, message in messages)
    for index, message in messages:
        if doubled := next((name for name in _PEOPLE if name in message and name in common), ""):
            raise Unreadable(
                "a list that stands in Globals too: nobody says who gets it", f"Messages.{index}.{doubled}"
            )
    return _Parsed(body, envelopes, common, listed=True)


def _parsed_v3(tree: Any) -> _Parsed:
    body = _BODY_V3.check(tree, "")
    if "Messages" not in body:
        return _Parsed(body, (_envelope(body, "", _MESSAGE_V3),), {}, listed=False)
    if not body.keys().isdisjoint(_MESSAGE_V3.documented):
        raise Unreadable("a message beside the messages: nobody says whether it goes out too", "Messages")
    messages = enumerate(objects.array(body, "Messages", ""))
    return _Parsed(body, tuple(_envelope(each, f"Messages.{i}", _MESSAGE_V3) for i, each in messages), {}, listed=True)


def _envelope(message: Any, place: str, shape: objects.Shape) -> Envelope:
    """Find the people of a message and check what becomes a header of the mail."""
    shape.check(message, place)
    mail_headers.check(message, "Headers", place, _OWN_HEADERS)
    for name in _BECOME_HEADERS:
        if name in message:
            objects.refuse_breaks(message, name, place)
    found = _people_v3(message, place) if shape is _MESSAGE_V3 else _people_v31(message, place)
    return {name: spots for name, spots in found.items() if spots}


def _people_v31(message: dict[str, Any], place: str) -> Envelope:
    envelope = {name: envelopes.of_objects(message, name, place, _ADDRESS, _KEYS) for name in _PEOPLE}
    reporting = message.get("TemplateErrorReporting")
    if reporting is not None:
        spot = f"{place}.TemplateErrorReporting"
        envelope["TemplateErrorReporting"] = {spot: envelopes.of_object(reporting, spot, _ADDRESS, _KEYS)}
    return envelope


def _people_v3(message: dict[str, Any], place: str) -> Envelope:
    apart = envelopes.of_objects(message, "Recipients", place, _ADDRESS, _KEYS)
    together = {name: envelopes.of_text(message, name, place) for name in _TEXT_LISTS}
    if apart and _people(together):
        raise Unreadable("Recipients beside To, Cc or Bcc", objects.join(place, "Recipients"))
    return {"Recipients": apart, **together}


def _people(envelope: Envelope) -> frozenset[str]:
    """Give the places of those whom the message is for, without whoever is told of errors."""
    return frozenset(place for name, spots in envelope.items() if name not in _REPORTING for place in spots)


def _all_marked(parsed: _Parsed, *, v3: bool) -> Iterator[markers.Markers]:
    # Each version ignores what the other calls a marker, and what is ignored is none.
    marked = _marked_v3 if v3 else _marked_v31
    shared = marked(parsed.tree.get("Globals") or {})
    for message in parsed.tree["Messages"] if parsed.listed else [parsed.tree]:
        yield shared | marked(message)


def _marked_v3(message: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {_MARKERS[name]: texts for name, texts in markers.of(message, *_MARKERS).items()}


def _marked_v31(message: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    names = (name for name in _MARKERS.values() if "." not in name)
    return markers.of(message, *names) | markers.of(message.get("From"), "Email", prefix="From.")


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the send without the recipients at these places; raises Unreadable.

    Mailjet wants a `To` in each message, so one that loses its last goes as a whole. There are no bypasses. v3 answers
    by address and tells no errors of a single recipient; v3.1 answers by position.
    """
    parsed: _Parsed = message.parsed
    places = change.places
    if not places <= {recipient.place for recipient in message.send.recipients}:
        raise Unreadable("a place to be taken out is not in the send")
    fallen = _fallen(parsed, places)
    kept = [envelope for index, envelope in enumerate(parsed.messages) if index not in fallen]
    if not any(_people(envelope) - places for envelope in (*kept, parsed.common)) or not kept:
        raise Unreadable("nobody is left in the send", "Messages" if parsed.listed else "", Reason.NO_RECIPIENT)
    gone = places.union(*(spots for index in fallen for spots in parsed.messages[index].values()))
    tree = _written(strict.json_for_writing(message.request.body, parsed.tree), parsed, places, fallen)
    return Trimmed(strict.write_json(tree), gone, restores=bool(gone) and not _is_v3(message.request))


def _fallen(parsed: _Parsed, places: frozenset[str]) -> frozenset[int]:
    return frozenset(i for i, each in enumerate(parsed.messages) if _falls(each, parsed.common, places))


def _falls(envelope: Envelope, common: Envelope, places: frozenset[str]) -> bool:
    """Tell whether a message cannot stand without the people at these places."""
    to = envelope.get("To") or common.get("To", {})
    if to and places.issuperset(to):
        return True
    people = _people(envelope) | _people(common)
    return bool(people) and places >= people


def _written(tree: dict[str, Any], parsed: _Parsed, places: frozenset[str], fallen: Collection[int]) -> dict[str, Any]:
    if not parsed.listed:
        return envelopes.without(tree, parsed.messages[0], places)
    written = dict(tree)
    pairs = enumerate(zip(tree["Messages"], parsed.messages, strict=True))
    written["Messages"] = [
        envelopes.without(each, envelope, places) for i, (each, envelope) in pairs if i not in fallen
    ]
    if parsed.common:
        written["Globals"] = envelopes.without(tree["Globals"], parsed.common, places)
    return written


# ── answers ──

_NO_IDENTIFIER = "00000000-0000-0000-0000-000000000000"  # Mailjet's support knows nothing of the gate's refusals


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as Mailjet does to an invalid call: 400, and one error for all of it."""
    status = refusal.status or 400
    if _is_v3(request):
        error = {"ErrorInfo": "", "ErrorMessage": refusal.message, "StatusCode": status}
    else:
        code = "mj-0002" if status == 400 else "mj-0001"
        error = _error(refusal.message, code, status, [each for each in refusal.places if each])
    return Answer(status, orjson.dumps(error), strict.JSON)


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to a send for its recipients' sake: of v3.1 each message fails with an error for each of its own."""
    if _is_v3(message.request):
        return refusal(message.request, words)
    items = [_failed(index, words) for index in range(len(message.parsed.messages))]
    return Answer(400, orjson.dumps({"Messages": items}), strict.JSON)


def _failed(index: int, refusal: Refusal) -> dict[str, Any]:
    """Write what Mailjet says of one message that it did not take; mj-0013 is an address it does not take."""
    prefix = f"Messages.{index}."
    own = [place for place in refusal.places if place.startswith((prefix, "Globals."))]
    errors = [_error(refusal.about(place), "mj-0013", 400, [place.removeprefix(prefix)]) for place in own]
    return {"Status": "error", "Errors": errors or [_error(refusal.message, "mj-0013", 400, [])]}


def _error(message: str, code: str, status: int, places: list[str]) -> dict[str, Any]:
    error = {"ErrorIdentifier": _NO_IDENTIFIER, "ErrorCode": code, "StatusCode": status, "ErrorMessage": message}
    return {**error, "ErrorRelatedTo": list(map(mailjet_paths.written, places))} if places else error


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Put a failed message where one was taken out, and let errors name people by the sender's own indexes.

    Mailjet answers a call of which a part failed with 400, so that SDKs raise although mails went out, and senders
    repeat them. The status stays what Mailjet made it for the messages that it got.
    """
    parsed: _Parsed = message.parsed
    try:
        told = orjson.loads(answer.body)
        fallen = _fallen(parsed, trimmed.places)
        kept = [index for index in range(len(parsed.messages)) if index not in fallen]
        translation = mailjet_paths.Translation(parsed.messages, parsed.common, kept, trimmed.places)
        translation.rename(told)
        if "Messages" in told:
            for index, item in zip(kept, told["Messages"], strict=True):
                for error in item.get("Errors") or ():
                    translation.rename(error, index)
            missing = {index: _failed(index, refusal) for index in fallen}
            told["Messages"] = positions.spliced(told["Messages"], missing, len(parsed.messages))
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer
    return replace(answer, body=orjson.dumps(told))


def taken(message: Message, answer: Answer) -> frozenset[str] | None:
    """Give the places of those whose message Mailjet took although it answers 400 for another one of the call."""
    try:
        told = orjson.loads(answer.body)
        if "Messages" not in told:
            return frozenset() if "ErrorMessage" in told else None
        pairs = zip(message.parsed.messages, told["Messages"], strict=True)
        went = [{**message.parsed.common, **each} for each, item in pairs if item["Status"] != "error"]
    except (ValueError, KeyError, TypeError):
        return None
    return frozenset(place for each in went for spots in each.values() for place in spots)


def accepted(request: Request, decision: str) -> Answer:
    """Answer as Mailjet does when it takes the send; what cannot be read has no messages to tell of."""
    try:
        parsed: _Parsed = read(request, Settings()).parsed
    except Unreadable:
        parsed = _Parsed({}, (), {}, listed=True)
    if _is_v3(request):
        lists = [spots for each in parsed.messages for name, spots in each.items() if name not in _REPORTING]
        told = {"Sent": [each for spots in lists for each in _sent(decision, spots)]}
    else:
        told = {"Messages": [_taken(decision, parsed, index) for index in range(len(parsed.messages))]}
    return Answer(200, orjson.dumps(told), strict.JSON)


def _taken(decision: str, parsed: _Parsed, index: int) -> dict[str, Any]:
    envelope = parsed.common | parsed.messages[index]
    people = {name: _sent(decision, envelope.get(name, {})) for name in _PEOPLE}
    custom_id = _marked_v31(parsed.tree["Messages"][index]).get("CustomID", ("",))
    return {"Status": "success", "CustomID": custom_id[0], **people}


def _sent(decision: str, spots: Mapping[str, str]) -> list[dict[str, Any]]:
    told = []
    for place, address in spots.items():
        seed = f"{decision}/{place}"
        number = int(ids.digest(seed)[:14], 16)  # Mailjet's are as long
        href = f"https://api.mailjet.com/v3/REST/message/{number}"
        told.append({"Email": address, "MessageUUID": ids.uuid(seed), "MessageID": number, "MessageHref": href})
    return told
