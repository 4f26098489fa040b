"""Resend: https://resend.com/docs/api-reference/emails/send-email.

A mail is one JSON object with `to`, `cc` and `bcc`, each one text or an array of them; a batch is an array of up to 100
mails, and a mail forwarded from an inbox has the same fields. Resend answers 200 and tells of suppressed recipients
later by webhook, so a refusal here speaks in the shape of its validation errors: 422 with `name` and `message`.

What is not documented is settled so that nobody unseen gets a message:

- A text may be a comma list, which Resend does not say: whoever stands in it is judged.
- `scheduled_at` may be in plain English ("tomorrow at 9am"), which means another time to every reader. It counts as
  farther ahead than any limit, so marketing goes out at such times only where there is no limit.
- A batch that is not permissive has no place for a single failure in its answer. The mails that were taken out have an
  empty id there, and stand among `errors` as they do in a permissive one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from typing import Any

import orjson

from policy import times
from policy.identity import email_keys
from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import ids, mail_headers, markers
from proxy.formats.fields import refuse_in_query
from proxy.formats.gathering import gathered
from proxy.formats.guarded import guarded
from proxy.formats.lookalikes import lookalikes
from proxy.formats.mailboxes import mailboxes, without
from proxy.formats.objects import Shape, join, refuse_breaks, text, texts
from proxy.formats.positions import original_index, spliced
from proxy.providers.base import READING, Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.MAIL,)
ENCODINGS: frozenset[str] = frozenset()
CREDENTIALS: tuple[str, ...] = ("Authorization",)
ACCOUNTS: tuple[str, ...] = ()
TELLS_SUPPRESSION = False

_LISTS = ("to", "cc", "bcc")
_BECOME_HEADERS = ("subject", "from", "reply_to")
_MAIL = Shape(
    frozenset({"from", "reply_to", "subject", "html", "text", "template", "headers", "attachments", "tags"})
    | {*_LISTS, "scheduled_at", "topic_id"},
    # Any key that is not documented and only looks like one of these makes a send unreadable.
    frozenset({*_LISTS, "recipients", "contacts", "contact_id", "audience_id", "segment_id", "broadcast_id"})
    | {"emails", "scheduled_at", "template", "topic_id", "headers"},
)

# ── sorting ──

_BATCH = "/emails/batch"
_SEND = re.compile(r"POST (?:/emails|/emails/batch|/inboxes/[^/]+/threads/[^/]+/emails/[^/]+/forward)")

# What dispatches nothing. Not here, on purpose: whatever writes contacts, for that starts automations; and a new time
# for a scheduled mail, which was judged by what was known before.
_HARMLESS = re.compile(
    r"""POST\ /emails/[^/]+/(?:cancel|share)
    | POST\ /(?:audiences|contact-properties|domains|events|segments|suppressions|templates|topics)
    | (?:PATCH|DELETE)\ /(?:contact-properties|domains|events|segments|templates|topics)/[^/]+
    | POST\ /templates/[^/]+/(?:publish|duplicate) | POST\ /domains/[^/]+/verify
    | POST\ /suppressions/batch/add
    | POST\ /broadcasts/[^/]+/cancel | POST\ /automations/[^/]+/stop | DELETE\ /(?:automations|broadcasts)/[^/]+
    | DELETE\ /(?:audiences|contacts|inboxes)/.+ | POST\ /inboxes/[^/]+/drafts | PATCH\ /inboxes/[^/]+/drafts/[^/]+""",
    re.VERBOSE,
)
_GUARDED = guarded(
    *(
        "* /api-keys/**",
        "* /oauth/**",
        "* /webhooks/**",
        "DELETE /suppressions/**",
        "WRITE /suppressions/batch/remove/**",
    ),
    "* /logs/*",  # what was answered before: a key that was made, a webhook's secret
)
_HIDDEN = re.compile(
    r"""PATCH\ /emails/[^/]+ | POST\ /broadcasts/[^/]+/(?:send|duplicate) | POST\ /events/send
    | POST\ /automations(?:/[^/]+/duplicate)? | PATCH\ /automations/[^/]+
    | POST\ /contacts(?:/imports|/[^/]+/segments/[^/]+)? | PATCH\ /contacts/[^/]+(?:/topics)?
    | POST\ /audiences/[^/]+/contacts | PATCH\ /audiences/[^/]+/contacts/[^/]+
    | POST\ /inboxes/[^/]+/drafts/[^/]+/send | POST\ /inboxes/[^/]+/threads/[^/]+/emails/[^/]+/reply
    | (?:POST|PUT|PATCH)\ /inboxes/[^/]+/agent""",
    re.VERBOSE,
)
_BROADCAST = re.compile(r"POST /broadcasts|PATCH /broadcasts/[^/]+")
_DRAFT = frozenset({"name", "segment_id", "audience_id", "topic_id", "from", "subject", "reply_to"}) | {
    *("preview_text", "html", "text", "send")
}
resembles_send = lookalikes("/emails", _BATCH, "/inboxes/*/threads/*/emails/*/forward")


def sort(request: Request) -> Kind:
    """Tell what the request would do; whether a new broadcast is sent at once only the body tells."""
    path = strict.plain_path(request.path)
    if path is None:
        return Kind.UNKNOWN
    if _GUARDED(request.method, path):
        return Kind.UNKNOWN
    asked = f"{request.method} {path}"
    if request.method in READING or _HARMLESS.fullmatch(asked):
        return Kind.HARMLESS
    if _SEND.fullmatch(asked):
        return Kind.SEND
    if _BROADCAST.fullmatch(asked):
        return _broadcast(request) if request.body else Kind.ASK_BODY
    return Kind.HIDDEN if _HIDDEN.fullmatch(asked) else Kind.UNKNOWN


def _broadcast(request: Request) -> Kind:
    try:
        strict.expect_type(request.headers, strict.JSON)
        told = strict.json_tree(request.body)
    except Unreadable:
        return Kind.HIDDEN
    is_draft = isinstance(told, dict) and told.keys() <= _DRAFT and told.get("send", False) is False
    return Kind.HARMLESS if is_draft else Kind.HIDDEN


# ── reading ──


def read(request: Request, settings: Settings) -> Message:
    """Find every recipient, marker and schedule of a mail or a batch; raises Unreadable."""
    del settings  # e-mail addresses belong to no country
    strict.expect_type(request.headers, strict.JSON)
    refuse_in_query(request.query, _MAIL.deciding)
    body = strict.json_tree(request.body)
    mails = _mails(request, body)
    recipients = gathered(recipient for place, mail in mails for recipient in _recipients(mail, place))
    if not any(_has_to(mail, place) for place, mail in mails):
        raise Unreadable("the send names no recipient", "" if _is_batch(request) else "to", Reason.NO_RECIPIENT)
    found = markers.common(_markers(mail) for _, mail in mails)
    campaign = next((found[name][0] for name in ("tags.campaign", "tags.campaign_id") if name in found), "")
    return Message(request, Send(Channel.MAIL, recipients, found, campaign), body)


def _is_batch(request: Request) -> bool:
    return strict.plain_path(request.path) == _BATCH


def _mails(request: Request, body: Any) -> list[tuple[str, dict[str, Any]]]:
    """Give the mails of a send with their places."""
    if not _is_batch(request):
        return [("", _MAIL.check(body, ""))]
    if not isinstance(body, list):
        raise Unreadable("not an array")
    return [(str(index), _MAIL.check(mail, str(index))) for index, mail in enumerate(body)]


def _recipients(mail: dict[str, Any], place: str) -> Iterator[Recipient]:
    mail_headers.check(mail, "headers", place)
    for name in _BECOME_HEADERS:
        if name in mail:
            refuse_breaks(mail, name, place)
    at = _scheduled_at(mail, place)
    for name in _LISTS:
        for spot, address in _addresses(mail, name, place):
            yield Recipient(spot, Channel.MAIL, address, email_keys(address), at)


def _addresses(mail: dict[str, Any], name: str, place: str) -> Iterator[tuple[str, str]]:
    listed = isinstance(mail.get(name), list)
    for spot, told in texts(mail, name, place):
        try:
            found = mailboxes(told)
        except Unreadable as unreadable:
            raise Unreadable(unreadable.detail, spot) from None
        for number, mailbox in enumerate(found):
            yield (spot if listed and len(found) == 1 else f"{spot}.{number}"), mailbox.address


def _has_to(mail: dict[str, Any], place: str) -> bool:
    return any(_addresses(mail, "to", place))


def _scheduled_at(mail: dict[str, Any], place: str) -> float | None:
    if "scheduled_at" not in mail:
        return None
    try:
        return times.read(text(mail, "scheduled_at", place)).first / 1_000_000
    except times.BadTime:
        return inf


def _markers(mail: dict[str, Any]) -> markers.Markers:
    found = markers.of(mail, "from", "topic_id") | markers.of(mail.get("template"), "id", prefix="template.")
    tags = mail.get("tags")
    tagged: dict[str, list[str]] = {}
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, dict) and isinstance(tag.get("name"), str):
            tagged.setdefault(f"tags.{tag['name']}", []).extend(markers.of(tag, "value").get("value", ()))
    return found | {name: tuple(told) for name, told in tagged.items() if told}


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the send without the recipients at these places; raises Unreadable.

    A mail that loses its last `to` goes as a whole, with its copies: Resend wants a `to` in each.
    """
    present = {recipient.place for recipient in message.send.recipients}
    if not change.places <= present:
        raise Unreadable("a place to be taken out is not in the send")
    if not change.places:
        return Trimmed(message.request.body)
    tree = strict.json_for_writing(message.request.body, message.parsed)
    kept, gone = [], set(change.places)
    mails = _mails(message.request, tree)
    touched = {place.partition(".")[0] for place in change.places} if _is_batch(message.request) else {""}
    for place, mail in mails:
        if place not in touched:
            kept.append((place, mail))
        elif _falls(mail, place, change.places):
            gone.update(spot for name in _LISTS for spot, _ in _addresses(mail, name, place))
        else:
            kept.append((place, _without(mail, place, change.places)))
    if not any(_has_to(mail, place) for place, mail in kept):
        raise Unreadable("nobody is left in the send", "" if _is_batch(message.request) else "to", Reason.NO_RECIPIENT)
    written = [mail for _, mail in kept] if _is_batch(message.request) else kept[0][1]
    return Trimmed(strict.write_json(written), frozenset(gone), restores=len(kept) < len(mails))


def _falls(mail: dict[str, Any], place: str, places: frozenset[str]) -> bool:
    spots = {spot for spot, _ in _addresses(mail, "to", place)}
    return bool(spots) and spots <= places


def _without(mail: dict[str, Any], place: str, places: frozenset[str]) -> dict[str, Any]:
    left = dict(mail)
    for name in _LISTS:
        spots = {spot for spot, _ in _addresses(mail, name, place)}
        if spots.isdisjoint(places):
            continue
        if spots <= places:
            del left[name]
        elif isinstance(mail[name], str):
            left[name] = _text_without(mail[name], join(place, name), places)
        else:
            pairs = ((told, _text_without(told, spot, places)) for spot, told in texts(mail, name, place))
            left[name] = [now for told, now in pairs if now or not told]
    return left


def _text_without(told: str, spot: str, places: frozenset[str]) -> str:
    if spot in places:
        return ""
    gone = frozenset(n for n in range(told.count(",") + 1) if f"{spot}.{n}" in places)
    return without(told, gone) if gone else told


# ── answers ──

_NAMES = {401: "restricted_api_key", 403: "restricted_api_key", 404: "not_found", 429: "rate_limit_exceeded"}


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as Resend does to an invalid mail: 422 with the status, a name and a message."""
    del request  # the shape is the same for all requests
    status = refusal.status or 422
    name = "missing_required_field" if refusal.reason is Reason.NO_RECIPIENT else "validation_error"
    if status not in (400, 422):
        name = "application_error" if status >= 500 else _NAMES.get(status, "validation_error")
    told = {"statusCode": status, "name": name, "message": refusal.message}
    return Answer(status, orjson.dumps(told), strict.JSON)


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to a send for its recipients' sake; a batch is refused as a whole, as Resend does with a faulty one."""
    return refusal(message.request, words)


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Let the mails of a batch stand at the sender's own indexes, in `data` and in `errors`.

    A permissive batch has only successes in `data`, and every failure in `errors`.
    """
    if not _is_batch(message.request) or answer.status >= 400:
        return answer  # the errors of a whole batch name no index that is documented
    mails = [(str(index), mail) for index, mail in enumerate(message.parsed)]
    fallen = [int(place) for place, mail in mails if _falls(mail, place, trimmed.places)]
    own = [{"index": index, "message": refusal.about(_first_to(mails[index][1], str(index)))} for index in fallen]
    try:
        told = orjson.loads(answer.body)
        if message.request.headers.get("x-batch-validation", "").strip().lower() != "permissive":
            data = spliced(told["data"], {index: {"id": ""} for index in fallen}, len(mails))
            if data is None:
                return answer
            told["data"] = data
        errors = [{**error, "index": original_index(error["index"], fallen)} for error in told.get("errors", [])]
        told["errors"] = sorted(errors + own, key=lambda error: int(error["index"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer
    return replace(answer, body=orjson.dumps(told))


def _first_to(mail: dict[str, Any], place: str) -> str:
    return next(spot for spot, _ in _addresses(mail, "to", place))


def accepted(request: Request, decision: str) -> Answer:
    """Answer as Resend does when it takes a send: 200 with an id, or with one for each mail of a batch."""
    if not _is_batch(request):
        return Answer(200, orjson.dumps({"id": ids.uuid(decision)}), strict.JSON)
    try:
        count = len(_mails(request, strict.json_tree(request.body)))
    except Unreadable:
        count = 0
    told = {"data": [{"id": ids.uuid(decision, number)} for number in range(count)]}
    return Answer(200, orjson.dumps(told), strict.JSON)
