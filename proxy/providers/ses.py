"""Amazon SES: API v2 (https://docs.aws.amazon.com/ses/latest/APIReference-V2/) and the query API before it.

The two differ in how a send is spelled, JSON under a path or a form with an `Action`, and hardly in what it says. So
both are read as one tree, and a table of operations tells where in it the recipients stand. A message in MIME names
recipients in its own headers too: whether they still count beside a `Destination` is documented for neither API, so
both count. SES takes suppressed recipients and reports them later, so a refusal here speaks as for a rejected message.

Requests are signed over host, path and body (proxy/signing.py), so no sender's own signature can be handed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import orjson

from policy.identity import email_keys
from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import aws, layouts, mail_headers, mailboxes, mime, objects, positions, query, raw, ses_calls
from proxy.formats.gathering import gathered
from proxy.formats.layouts import Layout
from proxy.formats.lookalikes import lookalikes, plainest
from proxy.formats.objects import Shape
from proxy.providers.base import Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.MAIL,)
ENCODINGS: frozenset[str] = frozenset()
CREDENTIALS: tuple[str, ...] = aws.CREDENTIALS
ACCOUNTS: tuple[str, ...] = ()
TELLS_SUPPRESSION = False
AWS_SERVICE = "ses"  # what signatures are made for

_LISTS = ("ToAddresses", "CcAddresses", "BccAddresses")
_DECIDING = frozenset({*_LISTS, "To", "Cc", "Bcc", "Recipients", "Destination", "Destinations", "EmailAddress"})
_DECIDING |= {"BulkEmailEntries", "Content", "DefaultContent", "Raw", "RawMessage", "Action", "EndpointId"}
_SES_HEADERS = ("X-SES-CONFIGURATION-SET", "X-SES-MESSAGE-TAGS")  # say in MIME what a parameter says else


def _shape(*documented: str) -> Shape:
    return Shape(frozenset(documented), _DECIDING.union(documented))


@dataclass(frozen=True, slots=True)
class _Operation:
    """One way to send: what of its tree is of importance, where its recipients stand, and where a MIME message does."""

    name: str
    shape: Shape
    layout: Layout
    mime: tuple[str, ...] = ()


def _single(name: str, *documented: str, mime: tuple[str, ...] = ()) -> _Operation:
    layout = Layout(_LISTS, "Destination", _shape(*_LISTS))
    return _Operation(name, _shape("Destination", *documented), layout, mime)


def _bulk(name: str, entries: str, *documented: str) -> _Operation:
    layout = Layout(_LISTS, "Destination", _shape(*_LISTS), entries, _shape("Destination", "ReplacementHeaders"))
    return _Operation(name, _shape(entries, *documented), layout)


def _verification(*documented: str) -> _Operation:
    return _Operation("SendCustomVerificationEmail", _shape(*documented), Layout(address="EmailAddress"))


_RAW_SEND = _shape("Action", "Destinations", "RawMessage")
_SENDS: Mapping[str, _Operation] = {
    "/v2/email/outbound-emails": _single("SendEmail", "Content", "EndpointId", mime=("Content", "Raw", "Data")),
    "/v2/email/outbound-bulk-emails": _bulk("SendBulkEmail", "BulkEmailEntries", "DefaultContent", "EndpointId"),
    "/v2/email/outbound-custom-verification-emails": _verification("EmailAddress"),
}
_ACTIONS: Mapping[str, _Operation] = {
    "SendEmail": _single("SendEmail", "Action"),
    "SendTemplatedEmail": _single("SendTemplatedEmail", "Action"),
    "SendRawEmail": _Operation("SendRawEmail", _RAW_SEND, Layout(("Destinations",)), ("RawMessage", "Data")),
    "SendBulkTemplatedEmail": _bulk("SendBulkTemplatedEmail", "Destinations", "Action"),
    "SendCustomVerificationEmail": _verification("Action", "EmailAddress"),
}
_QUERY_LISTS = frozenset({*_LISTS, "Destinations", "ReplyToAddresses", "Tags", "DefaultTags", "ReplacementTags"})


# ── sorting ──

_REPEATABLE = frozenset({"TagKeys"})  # in the query
_HIDDEN = f"POST {ses_calls.HEAD}deliverability-dashboard/test"  # goes to mailboxes that only SES knows
_HIDDEN_ACTION = "SendBounce"  # answers a message by its id: only SES knows who wrote it
_LOOKALIKES = lookalikes(*_SENDS)
_FOLDED_ACTIONS = frozenset(map(str.casefold, _ACTIONS))


def resembles_send(request: Request) -> bool:
    """Tell whether only its spelling or its method tells the request from a send; of the query API its action tells."""
    if plainest(request.path) != "/":
        return _LOOKALIKES(request) or aws.redirects(request, _REPEATABLE)
    if request.path != "/" or request.method != "POST" or request.query or aws.TARGET in request.headers:
        return True
    try:
        fields = strict.form_fields(request.body)
    except Unreadable:
        return True
    actions = (field.value.strip().casefold() for field in fields if strict.folded_field(field.name) == "action")
    return not _FOLDED_ACTIONS.isdisjoint(actions)


def sort(request: Request) -> Kind:
    """Tell what the request would do; of the query API the body tells it."""
    if request.path == "/":
        return _sort_action(request)
    path = strict.plain_path(request.path)
    if path is None or not request.method.isupper():
        return Kind.UNKNOWN
    if request.method == "POST" and path in _SENDS:
        return Kind.SEND
    if f"{request.method} {path}" == _HIDDEN:
        return Kind.HIDDEN
    harmless = ses_calls.is_harmless(request.method, path) and not aws.redirects(request, _REPEATABLE)
    return Kind.HARMLESS if harmless else Kind.UNKNOWN


def _sort_action(request: Request) -> Kind:
    # Actions could be asked for by GET as well, and in the query; no SDK does.
    if request.method != "POST" or request.query or aws.TARGET in request.headers:
        return Kind.UNKNOWN
    if not request.body:
        return Kind.ASK_BODY
    try:
        strict.expect_type(request.headers, strict.FORM)
        action = dict(strict.form_fields(request.body)).get("Action", "")
    except Unreadable:
        return Kind.SEND  # perhaps one; reading tells what is wrong with it
    if action in _ACTIONS:
        return Kind.SEND
    if action == _HIDDEN_ACTION:
        return Kind.HIDDEN
    return Kind.HARMLESS if ses_calls.is_harmless_action(action) else Kind.UNKNOWN


# ── reading ──


@dataclass(frozen=True, slots=True)
class _Parsed:
    operation: _Operation
    tree: dict[str, Any]
    mime: mime.Mime | None

    @property
    def mime_place(self) -> str:
        return ".".join(self.operation.mime)


def read(request: Request, settings: Settings) -> Message:
    """Find every recipient and marker of a send, in its lists and in the headers of a MIME message; raises Unreadable.

    Places are ways through the tree, counted from 0 in both APIs.
    """
    del settings  # e-mail addresses belong to no country
    operation, tree = _tree(request)
    _check_texts(operation, tree)
    encoded = objects.at(tree, *operation.mime) if operation.mime else None
    within = None if encoded is None else raw.read(encoded, ".".join(operation.mime), _SES_HEADERS)
    parsed = _Parsed(operation, tree, within)
    found = [*layouts.addresses(operation.layout, tree)]
    if within is not None:
        found += raw.addresses(within, parsed.mime_place)
    if not found:
        raise Unreadable("the send names no recipient", operation.layout.root, Reason.NO_RECIPIENT)
    recipients = gathered(
        Recipient(place, Channel.MAIL, email or text, email_keys(email)) for place, text, email in found
    )
    markers = _markers(parsed)
    campaign = next((markers[name][0] for name in _CAMPAIGN_TAGS if name in markers), "")
    return Message(request, Send(Channel.MAIL, recipients, markers, campaign), parsed)


def _tree(request: Request) -> tuple[_Operation, dict[str, Any]]:
    if request.query or aws.TARGET in request.headers:
        raise Unreadable(f"the query or {aws.TARGET} could make another operation of the send")
    if request.path == "/":
        strict.expect_type(request.headers, strict.FORM)
        tree = query.read(request.body, _QUERY_LISTS)
        operation = _ACTIONS.get(str(tree.get("Action")))
    else:
        strict.expect_type(request.headers, strict.JSON)
        tree = strict.json_tree(request.body)
        operation = _SENDS.get(strict.plain_path(request.path) or "")
    if operation is None:
        raise Unreadable("no action that sends", "Action")
    operation.shape.check(tree, "")
    if "EndpointId" in tree:
        raise Unreadable("a multi-region endpoint wants signatures (SigV4a) that the gate cannot make", "EndpointId")
    return operation, tree


# ── what becomes a header of the mail ──

_SENDERS = ("FromEmailAddress", "Source", "FeedbackForwardingEmailAddress", "ReturnPath", "ReplyToAddresses")
_CONTENTS = frozenset({"Content", "DefaultContent"})
_PARTS = frozenset({"Message", "RawMessage"})  # of the query API
_CONTENT = _shape("Simple", "Raw", "Template")
_PART = _shape("Data", "Subject", "Headers")
_HEADER = _shape("Name", "Value")
_OWN_HEADERS = frozenset(map(strict.letters, _SES_HEADERS))


def _check_texts(operation: _Operation, tree: dict[str, Any]) -> None:
    """Refuse content of two kinds, headers that name recipients, and line breaks in what becomes a header."""
    for name in tree.keys() & _SENDERS:
        objects.refuse_breaks(tree, name, "")
    for name in _CONTENTS & tree.keys():
        content = _CONTENT.check(tree[name], name)
        kinds = _CONTENT.documented & content.keys()
        if len(kinds) != 1:
            raise Unreadable("not exactly one of Simple, Raw and Template", name)
        _check_part(content[min(kinds)], f"{name}.{min(kinds)}")
    for name in _PARTS & tree.keys():
        _check_part(tree[name], name)
    for index, entry in enumerate(_entries(operation, tree)):
        if isinstance(entry, dict):
            place = f"{operation.layout.entries}.{index}"
            mail_headers.check_list(entry, "ReplacementHeaders", place, _HEADER, _OWN_HEADERS)


def _check_part(part: Any, place: str) -> None:
    mail_headers.check_list(_PART.check(part, place), "Headers", place, _HEADER, _OWN_HEADERS)
    if "Subject" in part:
        objects.refuse_breaks(part, "Subject", place)
    if "TemplateContent" in part:
        _check_part(part["TemplateContent"], f"{place}.TemplateContent")


def _entries(operation: _Operation, tree: dict[str, Any]) -> list[Any]:
    return objects.array(tree, operation.layout.entries, "") if operation.layout.entries else []


# ── markers ──

_LISTED = ("ListManagementOptions.ContactListName", "ListManagementOptions.TopicName")
_MARKERS = ("ConfigurationSetName", "TenantName", *_LISTED)  # the query API knows the first alone
# Where an operation takes a template from; a name in any other place is ignored, and so no marker.
_TEMPLATES = {"SendEmail": "Content.Template.TemplateName", "SendBulkEmail": "DefaultContent.Template.TemplateName"}
_TEMPLATES |= dict.fromkeys(("SendTemplatedEmail", "SendBulkTemplatedEmail"), "Template")
_TEMPLATES["SendCustomVerificationEmail"] = "TemplateName"
_CAMPAIGN_TAGS = ("EmailTags.campaign_name", "EmailTags.campaign", "EmailTags.campaign_id")


def _markers(parsed: _Parsed) -> Mapping[str, tuple[str, ...]]:
    """Give the markers under the names of API v2; one that is told in two ways that differ is none."""
    told: dict[str, set[str]] = {}
    for name, value in _told(parsed):
        if isinstance(value, str) and value:
            told.setdefault(name, set()).add(value)
    return MappingProxyType({name: tuple(values) for name, values in told.items() if len(values) == 1})


def _told(parsed: _Parsed) -> Iterator[tuple[str, Any]]:
    tree = parsed.tree
    yield from ((m, objects.at(tree, *m.split("."))) for m in (_MARKERS[:1] if "Action" in tree else _MARKERS))
    yield "TemplateName", objects.at(tree, *_TEMPLATES.get(parsed.operation.name, "").split("."))
    if isinstance(sender := tree.get("Source" if "Action" in tree else "FromEmailAddress"), str):
        yield "FromEmailAddress", mailboxes.single(sender) or sender
    for tag, value in _common_tags(parsed):
        yield f"EmailTags.{tag}", value
    if parsed.mime is not None:
        configuration, tags = (parsed.mime.value(name) or "" for name in _SES_HEADERS)
        yield _MARKERS[0], configuration
        for tag, _, value in (pair.partition("=") for pair in tags.split(",")):
            yield f"EmailTags.{tag.strip()}", value.strip()


def _common_tags(parsed: _Parsed) -> Iterator[tuple[str, Any]]:
    # A marker speaks for the whole send: a tag that any entry replaces, or leaves out of its own tags, is none.
    told = (dict(aws.tags(entry.get("ReplacementTags"))) for entry in _entries(parsed.operation, parsed.tree))
    own = [tags for tags in told if tags]
    for name in ("Tags", "DefaultTags") if "Action" in parsed.tree else ("EmailTags", "DefaultEmailTags"):
        for tag, value in aws.tags(parsed.tree.get(name)):
            if all(each.get(tag) == value for each in own):
                yield tag, value


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the send without the recipients at these places; raises Unreadable.

    Any list of an envelope suffices SES, and an entry of a bulk send falls with its last recipient. Where a message in
    MIME has an envelope beside it, nobody is left once that is empty, because SES would take the headers then.
    """
    parsed: _Parsed = message.parsed
    layout, places = parsed.operation.layout, change.places
    present = [recipient.place for recipient in message.send.recipients]
    if not places.issubset(present):
        raise Unreadable("a place to be taken out is not in the send")
    envelope = [place for place in present if not (parsed.mime and place.startswith(f"{parsed.mime_place}."))]
    if places.issuperset(envelope or present):
        raise Unreadable("nobody is left in the send", layout.root, Reason.NO_RECIPIENT)
    falling = layouts.dropped(layout, present, places)
    form = message.request.path == "/"
    tree = parsed.tree if form else strict.json_for_writing(message.request.body, parsed.tree)
    tree = layouts.without(layout, tree, places, falling)
    rewritten = raw.without(parsed.mime, parsed.mime_place, places) if parsed.mime else None
    if rewritten is not None:
        tree = objects.put(tree, parsed.operation.mime, rewritten)
    return Trimmed(query.write(tree) if form else strict.write_json(tree), places, restores=bool(falling))


# ── answers ──

_NAMESPACE = "http://ses.amazonaws.com/doc/2010-12-01/"
_NAMED_NUMBER = re.compile(rb"((?:bulkEmailEntries|destinations)\.)(\d{1,6})(?=\.member)", re.IGNORECASE)  # from 1


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as SES does to a message that it rejects: 400 MessageRejected, in the shape of the API that was asked."""
    return aws.refusal(request, refusal, "MessageRejected", _NAMESPACE if request.path == "/" else "")


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to a whole send: to a bulk send entry by entry, in its 200, as SES does where it takes none of them."""
    operation = message.parsed.operation
    if not operation.layout.entries:
        return refusal(message.request, words)
    places = {layouts.entry_of(place): place for place in reversed(words.places)}
    count = len(_entries(operation, message.parsed.tree))
    results = [_failure(message.request, words.about(places.get(index, ""))) for index in range(count)]
    return _answered(message.request, operation, results, aws.identifier("", 0))


def _failure(request: Request, words: str) -> dict[str, Any]:
    return {"Status": "MessageRejected" if request.path == "/" else "MESSAGE_REJECTED", "Error": words}


def accepted(request: Request, decision: str) -> Answer:
    """Answer as SES does when it takes a send: 200 and an id for each message."""
    try:
        operation, tree = _tree(request)
        count = len(_entries(operation, tree))
    except Unreadable:
        fallback = _ACTIONS["SendEmail"] if request.path == "/" else _SENDS["/v2/email/outbound-emails"]
        operation, count = _SENDS.get(strict.plain_path(request.path) or "", fallback), 0
    ids = [{"MessageId": aws.identifier(decision, index + 1)} for index in range(count or 1)]
    success = "Success" if request.path == "/" else "SUCCESS"
    results = [{"Status": success, **each} for each in ids] if operation.layout.entries else ids[0]
    return _answered(request, operation, results, aws.identifier(decision, 0))


def _answered(request: Request, operation: _Operation, result: Any, request_id: str) -> Answer:
    if request.path == "/":
        content = {"Status": {"member": result}} if operation.layout.entries else result
        return Answer(200, query.answered(operation.name, content, _NAMESPACE, request_id), "text/xml")
    told = {"BulkEmailEntryResults": result} if operation.layout.entries else result
    return aws.answered(told, request_id)


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Tell results and errors of a bulk send by the sender's own positions, with a rejection for each dropped entry."""
    operation, request = message.parsed.operation, message.request
    present = [recipient.place for recipient in message.send.recipients]
    falling = layouts.dropped(operation.layout, present, trimmed.places)
    if not falling:
        return answer
    if answer.status >= 400:
        return replace(answer, body=_NAMED_NUMBER.sub(lambda number: _own_number(number, falling), answer.body))
    missing = {index: _failure(request, refusal.about(place)) for index, place in falling.items()}
    try:
        results, request_id = _results(message, answer)
    except (Unreadable, ValueError, KeyError, TypeError):
        return answer
    spliced = positions.spliced(results, missing, len(_entries(operation, message.parsed.tree)))
    if spliced is None:
        return answer
    return replace(answer, body=_answered(request, operation, spliced, request_id).body)


def _own_number(named: re.Match[bytes], falling: Iterable[int]) -> bytes:
    return b"%b%d" % (named[1], positions.original_index(int(named[2]) - 1, list(falling)) + 1)


def _results(message: Message, answer: Answer) -> tuple[list[Any], str]:
    if message.request.path == "/":
        return query.results(answer.body, message.parsed.operation.name, "Status")
    return list(orjson.loads(answer.body)["BulkEmailEntryResults"]), ""
