"""Postmark: https://postmarkapp.com/developer/api/email-api, with its templates, batches and bulk sends.

A message names its recipients in three comma lists: To, Cc and Bcc. A request holds one message, an array of them, or
an object with `Messages`. Answers to the arrays are zipped with them by position, so each message has its entry there.

Postmark tells the sender at once whom it suppresses ("inactive" recipients): 422 with ErrorCode 406 for a message, an
entry with that code in an array, and where only some of a message are inactive, a success whose text names them. A
refusal here uses those very texts, because SDKs look for the addresses in them.

Keys are documented in one spelling. Whether Postmark folds their case nobody says, so another case is unreadable. The
same goes for headers: those that name recipients, and those (X-PM-…) that would change what a marker says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum, auto
from typing import Any

import orjson

from policy.identity import email_keys
from policy.model import Channel, Recipient, Refused, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import ids, inactive, mail_headers, markers
from proxy.formats.fields import refuse_in_query
from proxy.formats.gathering import gathered
from proxy.formats.guarded import guarded
from proxy.formats.lookalikes import lookalikes
from proxy.formats.mailboxes import Mailbox, mailboxes, without
from proxy.formats.objects import Shape, array, join, refuse_breaks
from proxy.formats.positions import spliced
from proxy.providers.base import Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.MAIL,)
ENCODINGS: frozenset[str] = frozenset()
CREDENTIALS: tuple[str, ...] = ("X-Postmark-Server-Token", "X-Postmark-Account-Token")
ACCOUNTS: tuple[str, ...] = ()
TELLS_SUPPRESSION = True


class _Form(Enum):
    """How the messages lie in a body."""

    ONE = auto()  # the body is a message
    ARRAY = auto()  # an array of messages
    LISTED = auto()  # an object with Messages
    BULK = auto()  # the same, with what all messages share beside them; answered as a whole


_SENDS: Mapping[str, _Form] = {
    "/email": _Form.ONE,
    "/email/withTemplate": _Form.ONE,
    "/email/batch": _Form.ARRAY,
    "/email/batchWithTemplates": _Form.LISTED,
    "/email/bulk": _Form.BULK,
}

# What dispatches nothing. Not here, on purpose: /senders by POST and PUT and /data-removals, after which Postmark
# writes to an address of the body. An inbound message that is tried again goes to the account's own webhook.
# A server's answer holds its tokens; the change of a stream may switch its unsubscribes off.
_GUARDED = guarded(
    *("* /server/**", "* /servers/**", "* /webhooks/**", "PUT /bounces/*/activate", "PATCH /message-streams/*"),
    "WRITE /message-streams/*/suppressions/delete/**",
)
_HARMLESS = re.compile(
    r"""(?:GET|HEAD|OPTIONS)\ .+
    | (?:POST|PUT|PATCH|DELETE)\ /(?:message-streams|templates|domains|triggers/inboundrules)(?:/.+)?
    | PUT\ /messages/inbound/[^/]+/(?:bypass|retry) | DELETE\ /senders/[^/]+
    | POST\ /senders/[^/]+/(?:verifyspf|requestnewdkim)""",
    re.VERBOSE,
)
_HIDDEN = re.compile(r"POST /senders/[^/]+/resend")  # the confirmation goes to the stored address of a signature

# Keys that say who gets the message, when, and by which stream (the default stream counts as transactional, so an
# overlooked one must not). Postmark documents no schedule; a key that looks like one would outlive tomorrow's opt-out.
_LISTS = ("To", "Cc", "Bcc")
_BECOME_HEADERS = ("From", "ReplyTo", "Subject", "Tag", "MessageStream", "Metadata")
_DECIDING = frozenset(
    {*_LISTS, "Messages", "Recipients", "Headers", "Metadata", "Tag", "MessageStream", "SendAt", "ScheduledAt"}
)
_BESIDE = frozenset(
    {"Headers", "Metadata", "Tag", "MessageStream", "TemplateId", "TemplateAlias", "TemplateModel", "From", "ReplyTo"}
    | {"Subject", "TextBody", "HtmlBody", "Attachments", "TrackOpens", "TrackLinks", "InlineCss"}
)
_MESSAGE = Shape(_BESIDE | {*_LISTS}, _DECIDING)
_LISTING = Shape(frozenset({"Messages"}), _DECIDING)
_BULK = Shape(_BESIDE | {"Messages"}, _DECIDING)
_HEADER = Shape(frozenset({"Name", "Value"}), frozenset({"Name", "Value"}))
_HEADER_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, section 2.2
_OWN_HEADERS = ("xpmmessagestream", "xpmtag", "xpmmetadata", "xpmbcc", "xpmrcpt")
_DEFAULT_STREAM = "outbound"
_MARKERS = ("MessageStream", "Tag", "TemplateAlias", "TemplateId")
_CAMPAIGN = ("Metadata.campaign", "Metadata.campaign_id", "Tag")

_Entry = tuple[str, dict[str, Any]]  # a message and its place

resembles_send = lookalikes(*_SENDS)


def sort(request: Request) -> Kind:
    """Tell what the request would do; only method and path are asked."""
    path = strict.plain_path(request.path)
    if path is None or _GUARDED(request.method, path):
        return Kind.UNKNOWN
    if request.method == "POST" and path in _SENDS:
        return Kind.SEND
    asked = f"{request.method} {path}"
    if _HIDDEN.fullmatch(asked):
        return Kind.HIDDEN
    return Kind.HARMLESS if _HARMLESS.fullmatch(asked) else Kind.UNKNOWN


# ── reading ──


def read(request: Request, settings: Settings) -> Message:
    """Find every recipient and marker of a send; raises Unreadable. The parsed value is the tree of the body."""
    del settings  # e-mail addresses belong to no country
    strict.expect_type(request.headers, strict.JSON)
    refuse_in_query(request.query, _DECIDING)
    tree = strict.json_tree(request.body)
    form = _form(request)
    entries = list(_entries(form, tree))
    recipients = gathered(recipient for place, message in entries for recipient in _recipients(message, place))
    if not recipients:
        raise Unreadable("the send names no recipient", "", Reason.NO_RECIPIENT)
    told = _markers(form, tree, entries)
    campaign = next((told[name][0] for name in _CAMPAIGN if name in told), "")
    return Message(request, Send(Channel.MAIL, recipients, told, campaign), tree)


def _form(request: Request) -> _Form:
    return _SENDS.get(strict.plain_path(request.path) or "", _Form.ONE)


def _entries(form: _Form, tree: Any) -> Iterator[_Entry]:
    """Give the messages of a body with their places; raises Unreadable for anything else in their place."""
    if form is _Form.ONE:
        yield "", _MESSAGE.check(tree, "")
        return
    if form is _Form.ARRAY:
        tree, prefix = {"Messages": tree}, ""
    else:
        shape, prefix = (_BULK if form is _Form.BULK else _LISTING), "Messages."
        _check_texts(shape.check(tree, ""), "")
    for index, message in enumerate(array(tree, "Messages", "")):
        yield f"{prefix}{index}", _MESSAGE.check(message, f"{prefix}{index}")


def _recipients(message: dict[str, Any], place: str) -> Iterator[Recipient]:
    _check_texts(message, place)
    for name in _LISTS:
        for number, mailbox in enumerate(_mailboxes(message, name, place)):
            spot = f"{join(place, name)}.{number}"
            yield Recipient(spot, Channel.MAIL, mailbox.address, email_keys(mailbox.address))


def _mailboxes(message: dict[str, Any], name: str, place: str) -> tuple[Mailbox, ...]:
    text = message.get(name)
    if text is None:
        return ()
    if not isinstance(text, str):
        raise Unreadable("not a text", join(place, name))
    try:
        return mailboxes(text)
    except Unreadable as unreadable:
        raise Unreadable(unreadable.detail, join(place, name)) from None


def _check_texts(message: dict[str, Any], place: str) -> None:
    """Refuse line breaks in what becomes headers, and headers that decide something or are none."""
    for name in _BECOME_HEADERS:
        if name in message:
            refuse_breaks(message, name, place)
    if message.get("Headers") is None:
        return
    for index, header in enumerate(array(message, "Headers", place)):
        spot = f"{join(place, 'Headers')}.{index}"
        header_name = _HEADER.check(header, spot).get("Name")
        if not isinstance(header_name, str) or not _HEADER_NAME.fullmatch(header_name):
            raise Unreadable("a header's name is none", spot)
        own = strict.letters(header_name).startswith(_OWN_HEADERS)
        if own or strict.looks_like(header_name, mail_headers.RECIPIENTS):
            raise Unreadable("a header decides who gets the message, or of what class it is", spot)
        refuse_breaks({"Value": None, **header}, "Value", spot)


# ── markers ──


def _markers(form: _Form, tree: Any, entries: list[_Entry]) -> markers.Markers:
    return markers.common(_own_markers(_whole(form, tree, message), form) for _, message in entries)


def _whole(form: _Form, tree: Any, message: dict[str, Any]) -> dict[str, Any]:
    """Give a message with what it shares with the others of a bulk send; its own metadata beat the shared ones.

    Nothing else may stand in a single one. Whether Postmark heeds or ignores it there, it is no marker.
    """
    if form is not _Form.BULK:
        return message
    shared, own = tree.get("Metadata") or {}, message.get("Metadata") or {}
    metadata = {**shared, **own} if isinstance(shared, dict) and isinstance(own, dict) else {}
    agreed = {name: tree[name] for name in _MARKERS if name in tree and message.get(name, tree[name]) == tree[name]}
    return {**agreed, "Metadata": metadata}


def _own_markers(message: dict[str, Any], form: _Form) -> markers.Markers:
    metadata = message.get("Metadata")
    names = metadata if isinstance(metadata, dict) else ()
    found = markers.of(message, *_MARKERS) | markers.of(metadata, *names, prefix="Metadata.")
    if message.get("MessageStream") is None and form is not _Form.BULK:
        found["MessageStream"] = (_DEFAULT_STREAM,)  # a bulk send's own default is not documented
    return found


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the send without the recipients at these places; raises Unreadable.

    A message that loses all of its To goes as a whole: Postmark would take what is left, but copies of a mail that
    nobody gets are another mail. A list that loses everybody goes with its key.
    """
    present = {recipient.place for recipient in message.send.recipients}
    if not change.places <= present:
        raise Unreadable("a place to be taken out is not in the send")
    form = _form(message.request)
    tree = strict.json_for_writing(message.request.body, message.parsed)
    kept, gone = _kept(_entries(form, tree), change.places)
    if present <= gone:
        raise Unreadable("nobody is left in the send", "", Reason.NO_RECIPIENT)
    written: Any = kept if form is _Form.ARRAY else {**tree, "Messages": kept}
    if form is _Form.ONE:
        (written,) = kept
    return Trimmed(strict.write_json(written), gone, restores=bool(gone) and form is not _Form.BULK)


def _kept(entries: Iterable[_Entry], places: frozenset[str]) -> tuple[list[Any], frozenset[str]]:
    """Give the messages that stay, trimmed, and all the places that go."""
    gone = set(places)
    touched = {_owner(place) for place in places}
    kept: list[Any] = []
    for place, message in entries:
        if place not in touched:
            kept.append(message)
            continue
        spots = {
            name: [f"{join(place, name)}.{number}" for number in range(len(_mailboxes(message, name, place)))]
            for name in _LISTS
        }
        # Without a To from the start, the message stands as long as anybody is left in it.
        if places.issuperset(spots["To"] or [spot for own in spots.values() for spot in own]):
            gone.update(*spots.values())
        else:
            kept.append(_without(message, spots, places))
    return kept, frozenset(gone)


def _without(message: dict[str, Any], spots: dict[str, list[str]], places: frozenset[str]) -> dict[str, Any]:
    trimmed = dict(message)
    for name, own in spots.items():
        indexes = frozenset(index for index, spot in enumerate(own) if spot in places)
        if len(indexes) < len(own):
            trimmed[name] = without(message[name], indexes)
        elif own:
            del trimmed[name]
    return trimmed


def _owner(place: str) -> str:
    """Give the place of the message that a recipient belongs to: `Messages.3` of `Messages.3.To.0`."""
    return ".".join(place.split(".")[:-2])


# ── answers ──

_NEVER = "1970-01-01T00:00:00Z"  # nothing here knows the time; SDKs want some date
_NO_ID = "00000000-0000-0000-0000-000000000000"
# Bad token, not allowed to send, API offline. SDKs look at the code before the status: with another one a 503 would not
# be repeated.
_CODES: Mapping[int, int] = {401: 10, 403: 405, 502: 100, 503: 100, 504: 100}
_OTHERS = "sendgate: not sent, because the request is refused as a whole for recipients of other messages"


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as Postmark does to an invalid request: 422 and ErrorCode 300, with the first places in the text."""
    del request  # the shape is the same for all requests, arrays too
    status = refusal.status or 422
    places = ", ".join(filter(None, refusal.places[:5]))
    message = f"{refusal.message} (at {places})" if places else refusal.message
    return _answer(status, {"ErrorCode": _CODES.get(status, inactive.INVALID), "Message": message})


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to a send for its recipients' sake: 422 with ErrorCode 406, and to an array 200 with an entry for each."""
    form = _form(message.request)
    if form in (_Form.ONE, _Form.BULK):
        return _answer(422, inactive.nobody_left(words.recipients))
    by_owner = _by_owner(words.recipients)
    others = {"ErrorCode": inactive.INVALID, "Message": _OTHERS}
    items = [
        _item(each, inactive.nobody_left(by_owner[place]) if place in by_owner else others)
        for place, each in _entries(form, message.parsed)
    ]
    return _answer(200, items)


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Put Postmark's own words for inactive recipients where recipients and messages are missing; never raises."""
    form = _form(message.request)
    by_owner = _by_owner(refusal.recipients)
    try:
        told = orjson.loads(answer.body)
    except ValueError:
        return answer
    if form is _Form.ONE:
        restored = _partly(told, message.parsed, by_owner.get("", []))
    elif isinstance(told, list):
        restored = _zipped(list(_entries(form, message.parsed)), _fallen(message, trimmed), by_owner, told)
    else:
        return answer
    return answer if restored in (None, told) else replace(answer, body=orjson.dumps(restored))


def _fallen(message: Message, trimmed: Trimmed) -> set[str]:
    """Give the places of the messages that are gone as a whole."""
    staying = {_owner(each.place) for each in message.send.recipients if each.place not in trimmed.places}
    return {_owner(place) for place in trimmed.places} - staying


def _zipped(
    entries: list[_Entry], fallen: set[str], by_owner: Mapping[str, list[Refused]], told: list[Any]
) -> list[Any] | None:
    missing = {
        index: _item(message, inactive.nobody_left(by_owner.get(place, [])))
        for index, (place, message) in enumerate(entries)
        if place in fallen
    }
    items = spliced(told, missing, len(entries))
    if items is None:
        return None
    return [
        item if place in fallen else _partly(item, message, by_owner.get(place, []))
        for item, (place, message) in zip(items, entries, strict=True)
    ]


def _partly(told: Any, message: dict[str, Any], refused: list[Refused]) -> Any:
    """Tell of a message without some of its recipients; Postmark repeats the lists as they were sent, so this does."""
    if not isinstance(told, dict) or not refused:
        return told
    lists = {name: message[name] for name in _LISTS if name in told and isinstance(message.get(name), str)}
    return inactive.some_left({**told, **lists}, refused)


def _by_owner(refused: Iterable[Refused]) -> dict[str, list[Refused]]:
    found: dict[str, list[Refused]] = {}
    for each in refused:
        found.setdefault(_owner(each.recipient.place), []).append(each)
    return found


def accepted(request: Request, decision: str) -> Answer:
    """Answer as Postmark does when it takes a send: 200, an id for each message, for a bulk send one for all."""
    form = _form(request)
    if form is _Form.BULK:
        return _answer(200, {"ID": ids.uuid(decision, 0), "Status": "Accepted", "SubmittedAt": _NEVER})
    try:
        tree = orjson.loads(request.body)
    except ValueError:
        tree = None  # what cannot be read passes where the operator says so
    taken = {"ErrorCode": 0, "Message": "OK"}
    if form is _Form.ONE:
        return _answer(200, _item(tree, taken, ids.uuid(decision, 0)))
    messages = tree.get("Messages") if isinstance(tree, dict) else tree
    listed = messages if isinstance(messages, list) else []
    return _answer(200, [_item(each, taken, ids.uuid(decision, index)) for index, each in enumerate(listed)])


def _item(message: Any, told: dict[str, Any], message_id: str = _NO_ID) -> dict[str, Any]:
    # Postmark's own failed entries have no To, SubmittedAt and MessageID; its SDK for Python breaks over that.
    to = message.get("To") if isinstance(message, dict) else None
    return {"To": to if isinstance(to, str) else "", "SubmittedAt": _NEVER, "MessageID": message_id, **told}


def _answer(status: int, content: Any) -> Answer:
    return Answer(status, orjson.dumps(content), strict.JSON)
