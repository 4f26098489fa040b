"""Mandrill, Mailchimp's Transactional API: https://mailchimp.com/developer/transactional/api/messages/.

Every call is a POST of JSON with the key inside, and the end of the path says in which format the answer is wanted. A
message names its people in `to`, each with a header of their own choice, and one hidden copy. A raw message may leave
that to the mail's own headers, and more is said in headers that begin with X-MC.

Mandrill tells the sender at once whom it did not send to, per address and without an error. So does the gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from policy.identity import email_keys
from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import mail_headers, mailboxes, mandrill_calls, markers, members, mime, objects, positions
from proxy.formats.gathering import check_named, gathered
from proxy.formats.lookalikes import lookalikes
from proxy.formats.markers import Markers
from proxy.formats.written import FORMATS
from proxy.providers.base import Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.MAIL,)
ENCODINGS: frozenset[str] = frozenset()  # none is documented
CREDENTIALS: tuple[str, ...] = ()  # the key stands in the body
ACCOUNTS: tuple[str, ...] = ()
TELLS_SUPPRESSION = True

_PATH = re.compile(r"/api/1\.\d/([a-z]+/[a-z0-9-]+)(?:\.(json|xml|php|yaml))?")
_RAW = "messages/send-raw"
_SENDS = frozenset({_RAW, "messages/send", "messages/send-template", "messages/send-mc-template"})
# A message that waits, for its time or for its subaccount, goes out by these.
_HIDDEN = frozenset({"messages/reschedule", "subaccounts/resume"})

_DECIDING = frozenset({"to", "cc", "bcc", "bcc_address", "recipients", "message", "raw_message", "headers", "send_at"})
_BODY = objects.Shape(frozenset({"message", "send_at"}), _DECIDING)
_MESSAGE = objects.Shape(frozenset({"to", "bcc_address", "headers"}), _DECIDING)
_PERSON = objects.Shape(frozenset({"email", "name", "type"}), _DECIDING | {"email", "type"})
_RAW_BODY = objects.Shape(frozenset({"raw_message", "to", "send_at"}), _DECIDING)
_BECOME_HEADERS = ("subject", "from_email", "from_name")
_ABOUT_PEOPLE = ("merge_vars", "recipient_metadata")
# What names a template, in the one call that uses it: elsewhere Mandrill ignores it, and so it is no marker.
_TEMPLATES = {"messages/send-template": ("template_name",), "messages/send-mc-template": ("mc_template_id",)}

_VISIBLE = ("To", "Cc", "Bcc")
_COPY, _SEND_AT = "X-MC-BccAddress", "X-MC-SendAt"
_OWN_HEADERS = frozenset(map(strict.letters, (_COPY, _SEND_AT)))
_MERGE_VARS = "X-MC-MergeVars"
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


class _Person(NamedTuple):
    """Somebody who gets the message; whoever has a hidden copy of every mail (`copy`) is told of in no answer."""

    place: str
    address: str
    kind: str = "to"  # to, cc, bcc or copy


@dataclass(frozen=True, slots=True)
class _Parsed:
    tree: dict[str, Any]
    people: tuple[_Person, ...]
    mime: mime.Mime | None = None  # of a raw message


resembles_send = lookalikes(*(f"/api/1.*/{send}{end}" for send in sorted(_SENDS) for end in ("", ".*")))


def sort(request: Request) -> Kind:
    """Tell what the request would do; only method and path are asked. Reads by GET are unknown: nothing sends so."""
    call, _ = _call(request)
    if request.method != "POST" or not call:
        return Kind.UNKNOWN
    if call in _SENDS:
        return Kind.SEND
    if call in _HIDDEN:
        return Kind.HIDDEN
    return Kind.HARMLESS if mandrill_calls.is_harmless(call) else Kind.UNKNOWN


def _call(request: Request) -> tuple[str, str]:
    """Give the name of the call and the format of its answer, or nothing and JSON for any other path."""
    match = _PATH.fullmatch(strict.plain_path(request.path) or "")
    return (match[1], match[2] or "json") if match else ("", "json")


# ── reading ──


def read(request: Request, settings: Settings) -> Message:
    """Find every recipient, marker and schedule of a send; raises Unreadable."""
    del settings  # e-mail addresses belong to no country
    strict.expect_type(request.headers, strict.JSON)
    if request.query:
        raise Unreadable("a query, which could say more than the body")
    tree = strict.json_tree(request.body)
    call = _call(request)[0]
    parsed, marked = _raw(tree) if call == _RAW else _message(tree, call)
    if all(person.kind == "copy" for person in parsed.people):
        raise Unreadable("the send names no recipient", "", Reason.NO_RECIPIENT)
    at = _scheduled_at(parsed)
    recipients = gathered(Recipient(p.place, Channel.MAIL, p.address, email_keys(p.address), at) for p in parsed.people)
    names = ("metadata.campaign", "metadata.campaign_id")
    campaign = next((marked[name][0] for name in names if name in marked), "")
    return Message(request, Send(Channel.MAIL, recipients, marked, campaign), parsed)


def _message(tree: Any, call: str) -> tuple[_Parsed, Markers]:
    body = _BODY.check(tree, "")
    message = _MESSAGE.check(body.get("message"), "message")
    mail_headers.check(message, "headers", "message", _OWN_HEADERS)
    for name in _BECOME_HEADERS:
        if name in message:
            objects.refuse_breaks(message, name, "message")
    people = [_person(each, f"message.to.{n}") for n, each in enumerate(objects.array(message, "to", "message"))]
    if message.get("bcc_address"):
        people.append(_Person("message.bcc_address", objects.text(message, "bcc_address", "message"), "copy"))
    for name in _ABOUT_PEOPLE:
        if isinstance(message.get(name), list):
            check_named(each.get("rcpt") for each in message[name] if isinstance(each, dict))
    beside = {name: body.get(name) for name in ("ip_pool", *_TEMPLATES.get(call, ()))}
    within = {name: message.get(name) for name in ("tags", "subaccount", "metadata", "recipient_metadata")}
    return _Parsed(body, tuple(people)), _markers(beside | within)


def _person(value: Any, place: str) -> _Person:
    person = _PERSON.check(value, place)
    if person.get("name") is not None:
        objects.refuse_breaks(person, "name", place)
    kind = person.get("type") or "to"
    if kind not in ("to", "cc", "bcc"):
        raise Unreadable("a type that is none", f"{place}.type")
    return _Person(place, objects.text(person, "email", place), kind)


def _raw(tree: Any) -> tuple[_Parsed, Markers]:
    body = _RAW_BODY.check(tree, "")
    for name in _BECOME_HEADERS:
        if name in body:
            objects.refuse_breaks(body, name, "")
    mail = mime.read(objects.text(body, "raw_message", "").encode(), (_COPY, _SEND_AT))
    if any(header.name.startswith("resent-") for header in mail.headers):
        raise Unreadable("a mail that was sent before: nobody says which of its headers count")
    people = [*_listed(body), *_copied(mail)] if body.get("to") else [*_named(mail), *_copied(mail)]
    said = {
        "tags": [tag.strip() for value in mail.values("X-MC-Tags") for tag in value.split(",")],
        "subaccount": list(mail.values("X-MC-Subaccount")),
        "template_name": [value.partition("|")[0].strip() for value in mail.values("X-MC-Template")],
    }
    return _Parsed(body, tuple(people), mail), _markers({**said, "ip_pool": body.get("ip_pool")})


def _listed(body: dict[str, Any]) -> Iterator[_Person]:
    for number, each in enumerate(objects.array(body, "to", "")):
        if not isinstance(each, str):
            raise Unreadable("not a text", f"to.{number}")
        yield _Person(f"to.{number}", mailboxes.single(each) or each)


def _named(mail: mime.Mime) -> Iterator[_Person]:
    """Give whom the headers name, where `to` names nobody; Mandrill does not say what an empty `to` is to it."""
    for name in _VISIBLE:
        for number, mailbox in enumerate(mail.mailboxes(name)):
            yield _Person(f"raw_message.{name}.{number}", mailbox.address, name.lower())


def _copied(mail: mime.Mime) -> Iterator[_Person]:
    if value := mail.value(_COPY):
        yield _Person(f"raw_message.{_COPY}", mailboxes.single(value) or value, "copy")


def _scheduled_at(parsed: _Parsed) -> float | None:
    """Give when the message goes out, in seconds; the later one, where the mail's own header says another time."""
    told = [("send_at", parsed.tree.get("send_at"))]
    if parsed.mime is not None:
        told.append(("raw_message", parsed.mime.value(_SEND_AT)))
    return max((_seconds(value, place) for place, value in told if value), default=None)


def _seconds(value: Any, place: str) -> float:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Unreadable("not a time as YYYY-MM-DD HH:MM:SS", place)
    try:
        return datetime.fromisoformat(f"{value}+00:00").timestamp()
    except ValueError:
        raise Unreadable("not a time that there is", place) from None


def _markers(said: Mapping[str, Any]) -> Markers:
    common = _common_metadata(said)
    found = markers.of(said, "tags", "subaccount", "ip_pool", "template_name", "mc_template_id")
    return MappingProxyType(found | markers.of(common, *common, prefix="metadata."))


def _common_metadata(said: Mapping[str, Any]) -> dict[str, Any]:
    # A marker speaks for the whole send, so what is said of any recipient apart is none.
    common, apart = said.get("metadata"), said.get("recipient_metadata") or []
    if not isinstance(common, dict) or not isinstance(apart, list):
        return {}
    values = [(each.get("values") or {}) if isinstance(each, dict) else {} for each in apart]
    return {name: value for name, value in common.items() if not any(name in each for each in values)}


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the send without the recipients at these places, and without what is said of them; raises Unreadable.

    Copies do not go out alone: where all are gone to whom the message is addressed, so are they. There are no bypasses
    to be taken out. Answers in other formats than JSON are left as they are; Mandrill tells them by address.
    """
    parsed: _Parsed = message.parsed
    places = change.places
    if not places <= {person.place for person in parsed.people}:
        raise Unreadable("a place to be taken out is not in the send")
    addressed = {person.place for person in parsed.people if person.kind == "to"}
    told = {person.place for person in parsed.people if person.kind != "copy"}
    if told <= places or (addressed and addressed <= places):
        raise Unreadable("nobody is left in the send", "", Reason.NO_RECIPIENT)
    tree = dict(strict.json_for_writing(message.request.body, parsed.tree))
    if parsed.mime is None:
        tree["message"] = _message_without(tree["message"], places, _lost(parsed, places))
    else:
        tree |= _raw_without(tree, parsed.mime, places, _lost(parsed, places))
    restores = _call(message.request)[1] == "json" and not told.isdisjoint(places)
    return Trimmed(strict.write_json(tree), places, restores)


def _lost(parsed: _Parsed, places: frozenset[str]) -> frozenset[str]:
    """Give the names of those who are gone and stand nowhere else."""
    gone = [_names(person.address) for person in parsed.people if person.place in places]
    kept = [_names(person.address) for person in parsed.people if person.place not in places]
    return frozenset().union(*gone) - frozenset().union(*kept)


def _names(address: Any) -> frozenset[str]:
    text = address if isinstance(address, str) else ""
    return frozenset(email_keys(text)) or frozenset({text.strip().casefold()})


def _message_without(message: dict[str, Any], places: frozenset[str], lost: frozenset[str]) -> dict[str, Any]:
    left = {name: value for name, value in message.items() if f"message.{name}" not in places}
    left["to"] = [each for number, each in enumerate(message["to"]) if f"message.to.{number}" not in places]
    for name in _ABOUT_PEOPLE:
        if isinstance(left.get(name), list):
            left[name] = [each for each in left[name] if not _about(each, "rcpt", lost)]
    return left


def _about(value: Any, name: str, lost: frozenset[str]) -> bool:
    return isinstance(value, dict) and not lost.isdisjoint(_names(value.get(name)))


def _raw_without(tree: dict[str, Any], mail: mime.Mime, places: frozenset[str], lost: frozenset[str]) -> dict[str, Any]:
    """Take people out of `to`, if it names the recipients, and out of the headers, where the others would see them."""
    listed = tree.get("to")
    changes: dict[str, str | None] = {_COPY: None} if f"raw_message.{_COPY}" in places else {}
    for name in _VISIBLE:
        value = mail.value(name) or ""
        found = _seen(value) if listed else mailboxes.mailboxes(value)
        indexes = frozenset(
            number
            for number, mailbox in enumerate(found)
            if (_names(mailbox.address) & lost if listed else f"raw_message.{name}.{number}" in places)
        )
        if indexes:
            changes[name] = mailboxes.without(value, indexes)
    dropped = [header for header in mail.named(_MERGE_VARS) if _about(_json(header.value), "_rcpt", lost)]
    left = {"raw_message": mail.rewritten(changes, dropped).decode()}
    return {**left, "to": [each for n, each in enumerate(listed) if f"to.{n}" not in places]} if listed else left


def _seen(value: str) -> tuple[mailboxes.Mailbox, ...]:
    # Such a header reaches nobody, so whatever it says otherwise (`undisclosed-recipients:;`) may stay.
    try:
        return mailboxes.mailboxes(value)
    except Unreadable:
        return ()


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def with_key(body: bytes, key: str) -> bytes:
    """Give the body of a call with this key in it; every other byte stays. Raises Unreadable."""
    return members.with_text(body, "key", key)


# ── answers ──

_INVALID = -2  # the code of a ValidationError
_GENERAL = -99
_REJECTS = MappingProxyType(
    {
        Reason.OPTED_OUT: "unsub",
        Reason.OPTED_OUT_CHANNEL: "unsub",
        Reason.HARD_BOUNCED: "hard-bounce",
        Reason.INVALID_ADDRESS: "invalid",
        Reason.NOT_ALLOWLISTED: "rule",
    }
)


def _answer(request: Request, status: int, told: Any) -> Answer:
    content_type, write = FORMATS[_call(request)[1]]
    return Answer(status, write(told), content_type)


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as Mandrill does to an invalid call: one error, 422."""
    status = refusal.status or 422
    code, name = (_INVALID, "ValidationError") if status < 500 else (_GENERAL, "GeneralError")
    return _answer(request, status, {"status": "error", "code": code, "name": name, "message": refusal.message})


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to a send as Mandrill does: 200, and every address is rejected."""
    people = [person for person in message.parsed.people if person.kind != "copy"]
    return _answer(message.request, 200, [_rejected(message.request, each, words) for each in people])


def _rejected(request: Request, person: _Person, refusal: Refusal) -> dict[str, Any]:
    reasons = (each.reason for each in refusal.recipients if each.recipient.place == person.place)
    reason = next(reasons, Reason.NO_RECIPIENT)
    status = "invalid" if reason is Reason.INVALID_ADDRESS else "rejected"
    return _result(person, status, _REJECTS.get(reason, "custom"), request.body)


def _result(person: _Person, status: str, reject: str | None, seed: bytes) -> dict[str, Any]:
    made = sha256(seed + b"\0" + person.place.encode()).hexdigest()[:32]
    return {"email": person.address, "status": status, "_id": made, "reject_reason": reject, "queued_reason": None}


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Put the refused among those whom Mandrill tells of, at the sender's own positions, or behind them."""
    people = [person for person in message.parsed.people if person.kind != "copy"]
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return answer
    if answer.status >= 400 or not isinstance(told, list):
        return answer
    gone = {index: each for index, each in enumerate(people) if each.place in trimmed.places}
    missing = {index: _rejected(message.request, each, refusal) for index, each in gone.items()}
    items = positions.spliced(told, missing, len(people)) or [*told, *missing.values()]
    return replace(answer, body=orjson.dumps(items))


def accepted(request: Request, decision: str) -> Answer:
    """Answer as Mandrill does when it takes the send; of what cannot be read it tells one address, an empty one."""
    try:
        message = read(request, Settings())
        people, at = message.parsed.people, message.send.recipients[0].scheduled_at
    except Unreadable:
        people, at = (_Person("", ""),), None
    told = [person for person in people if person.kind != "copy"]
    status = "queued" if len(told) > 10 else "sent"
    results = [_result(each, "scheduled" if at else status, None, decision.encode()) for each in told]
    return _answer(request, 200, results)
