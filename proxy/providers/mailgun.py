"""Mailgun, Messages API v3: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages.

One send is one form; `to`, `cc` and `bcc` may each stand several times, and each value is a list of mailboxes. A place
is the field and the number of the address among all of that name: `to.0`, `cc.2`. Three requests send:

1. `messages`: Mailgun builds the mail. With `recipient-variables` each `to` gets a mail of its own, with a copy to each
   `cc` and `bcc`; without it all see each other.
2. `messages.mime`: the mail comes as a file and goes to those in `to`; its own To and Cc are only shown. `cc` and `bcc`
   are not documented here, but SDKs send them, so they count as well.
3. `messages/{storage key}`: a mail that was sent before goes to those in `to`.

Mailgun answers 200 with one id for all and reports suppressed recipients later, so a refusal here is its error for a
message that it cannot take: 400 with a sentence. An address of a mailing list looks like any other (docs/providers).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from policy.identity import email_keys
from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import dates, fields, ids, mime
from proxy.formats.fields import Form
from proxy.formats.gathering import check_named, gathered
from proxy.formats.guarded import guarded
from proxy.formats.leaving import Leaving, foldable_json, shown, variables_left
from proxy.formats.lookalikes import lookalikes
from proxy.formats.mailboxes import LONGEST, mailboxes, without
from proxy.formats.mime import Mime
from proxy.providers.base import READING, Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.MAIL,)
ENCODINGS = frozenset({"gzip"})  # "Send via HTTP" in the user manual
CREDENTIALS: tuple[str, ...] = ("Authorization",)
ACCOUNTS: tuple[str, ...] = ("X-Mailgun-On-Behalf-Of",)
TELLS_SUPPRESSION = False

MOST_TOLD = 100  # places of one refusal

# ── sorting ──

_SEND = re.compile(r"/v3/(?:domains/([^/]+)/messages/[^/]+|([^/]+)/messages(?:\.mime)?)")
_MIME = ".mime"

# A domain's answer holds its SMTP password. An address on the list called whitelists is never suppressed again.
_GUARDED = guarded(
    *(f"* /v*/{each}/**" for each in ("accounts", "alerts", "ip_whitelist", "keys", "sandbox", "users", "webhooks")),
    *("* /v*/domains", "* /v*/domains/*", "* /v*/domains/*/credentials/**", "* /v*/domains/*/webhooks/**"),
    *("* /v*/*/webhooks/**", "WRITE /v*/domains/*/tracking/unsubscribe", "WRITE /v*/*/whitelists/**"),
    *(f"DELETE /v*/*/{each}/**" for each in ("bounces", "complaints", "unsubscribes")),
)

# What dispatches to people whom the request does not name: seed tests of inbox placement, the account's owner.
_HIDDEN = re.compile(r"/v\d/inbox/tests(?:/.+)?|/v5/accounts/resend_activation_email")

# What dispatches nothing, by method and path; a DELETE only takes something away, or purges what is scheduled. Not
# here, on purpose: lists and their members, whom one address reaches later; routes, which forward; SMTP credentials.
_WRITING = frozenset({"POST", "PUT"})
_HARMLESS: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = (
    (frozenset({"DELETE"}), re.compile(r"/v[1-5]/.+")),
    (_WRITING, re.compile(r"/v3/[^/]+/(?:bounces|unsubscribes|complaints)(?:/import)?")),
    (_WRITING, re.compile(r"/v[34]/(?:[^/]+/)?templates(?:/.+)?")),
    (_WRITING, re.compile(r"/v3/domains/[^/]+/tracking/[^/]+")),
    (_WRITING, re.compile(r"/v4/domains/[^/]+/verify")),
    (_WRITING, re.compile(r"/v3/[^/]+/tags?(?:/.+)?")),
    (_WRITING, re.compile(r"/v[12]/(?:analytics|bounce-classification)/.+")),
    (_WRITING, re.compile(r"/v4/address/validate(?:/.+)?")),
)
resembles_send = lookalikes("/v3/*/messages", "/v3/*/messages.mime", "/v3/domains/*/messages/*")


def sort(request: Request) -> Kind:
    """Tell what the request would do; only method and path are asked."""
    path = strict.plain_path(request.path)
    if path is None:
        return Kind.UNKNOWN
    if request.method == "POST" and _SEND.fullmatch(path):
        return Kind.SEND
    if request.method in _WRITING and _HIDDEN.fullmatch(path):
        return Kind.HIDDEN
    if _GUARDED(request.method, path):
        return Kind.UNKNOWN
    if request.method in READING or any(
        request.method in methods and pattern.fullmatch(path) for methods, pattern in _HARMLESS
    ):
        return Kind.HARMLESS
    return Kind.UNKNOWN


# ── fields ──

_LISTS = ("to", "cc", "bcc")
_TO = "to."  # places of those without whom there is no send
_MESSAGE, _VARIABLES = "message", "recipient-variables"
_TIME, _PERIOD, _LOCAL = "o:deliverytime", "o:deliverytime-optimize-period", "o:time-zone-localize"
_TAG = "o:tag"
_REPEATABLE = frozenset({*_LISTS, "attachment", "inline", _TAG})

# The same as headers of a raw mail; the manual's table "Sending Options" pairs them.
_AS_HEADER = {
    _VARIABLES: "X-Mailgun-Recipient-Variables",
    _TIME: "X-Mailgun-Deliver-By",
    _PERIOD: "X-Mailgun-Delivery-Time-Optimize-Period",
    _LOCAL: "X-Mailgun-Time-Zone-Localize",
}
_TAG_HEADER = "X-Mailgun-Tag"

# A field `h:NAME` becomes a header of the mail. Nothing says that Mailgun takes no recipient or option from it, so it
# may not name one.
_REFUSED = frozenset(f"h:{name}" for name in (*mime.RECIPIENTS, "Apparently-To", *_AS_HEADER.values()))
_HEADER = re.compile(r"h:[!-9;-~]+")  # RFC 5322, section 2.2
_SINGLE_LINES = frozenset({"from", "subject", "template", "t:version"})
_BREAKS = re.compile(r"[\r\n\0]")

_MARKERS = frozenset({_TAG, "template", "o:sending-ip-pool"})
_MARKING = ("v:", "h:X-")
_CAMPAIGN = ("o:campaign", "v:campaign", "v:campaign_id")
_DECIDING = frozenset({*_LISTS, _VARIABLES, _TIME, _PERIOD, _LOCAL, "o:campaign", *_MARKERS, *_REFUSED})

_HOURS = re.compile(r"(\d{1,4})h", re.ASCII)
_HOUR = 3600.0


class _Variables(NamedTuple):
    """Variables by recipient: the index of their field, None for the header of a raw mail; text and tree."""

    at: int | None
    text: str
    tree: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A send as it was read.

    `lists` are the fields that list recipients: the index of each in the form, and the places of those in it. `head` is
    the beginning of a raw mail, with all of its headers.
    """

    form: Form
    lists: tuple[tuple[int, tuple[str, ...]], ...]
    variables: tuple[_Variables, ...]
    head: Mime | None


# ── reading ──


def read(request: Request, settings: Settings) -> Message:
    """Find every recipient, marker and schedule of a send; raises Unreadable."""
    del settings  # e-mail addresses belong to no country
    form, head = _form(request)
    scheduled_at, delay = _schedule(form, head)
    lists = tuple(_lists(form))
    recipients = gathered(
        Recipient(place, Channel.MAIL, address, email_keys(address), scheduled_at, delay)
        for _, found in lists
        for place, address in found
    )
    if not any(each.place.startswith(_TO) for each in recipients):
        raise Unreadable("the send names no recipient", "to", Reason.NO_RECIPIENT)
    markers = _markers(form, head, _domain(request))
    campaign = next((markers[name][0] for name in _CAMPAIGN if name in markers), "")
    places = tuple((index, tuple(place for place, _ in found)) for index, found in lists)
    parsed = _Parsed(form, places, tuple(_variables(form, head)), head)
    return Message(request, Send(Channel.MAIL, recipients, markers, campaign), parsed)


def _form(request: Request) -> tuple[Form, Mime | None]:
    if not (strict.plain_path(request.path) or "").endswith(_MIME):
        form = fields.read(request, _REPEATABLE, _DECIDING)
        _check(form)
        return form, None
    form = fields.read(request, _REPEATABLE, _DECIDING | {_MESSAGE}, urlencoded=False)
    _check(form)
    begin, end = _raw(form)
    if begin == end:
        raise Unreadable("no mail", _MESSAGE)
    return form, mime.read(form.body[begin : min(end, begin + mime.LONGEST_BLOCK + 1)], _AS_HEADER.values())


def _raw(form: Form) -> tuple[int, int]:
    """Give the span of the raw mail in the body, an empty one where there is none."""
    return next(((part.start, part.end) for part in form.parts or () if part.name == _MESSAGE), (0, 0))


def _check(form: Form) -> None:
    """Refuse files where texts belong, and headers that name recipients or that a mailer could read as two."""
    for name, value, _ in form.fields:
        if value is None:
            if name in _DECIDING:
                raise Unreadable("a file where a text belongs", name)
        elif name in _REFUSED:
            raise Unreadable("a header names recipients, or what the fields of the form say", name)
        elif name in _SINGLE_LINES or name.startswith(("h:", "o:")):
            if name.startswith("h:") and not _HEADER.fullmatch(name):
                raise Unreadable("a header's name is none")
            if _BREAKS.search(value):
                raise Unreadable("a line break or NUL in what becomes a header of the mail")


def _lists(form: Form) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Give the index of each field that lists recipients, with their places and addresses."""
    counted = dict.fromkeys(_LISTS, 0)
    if sum(len(value or "") for name, value, _ in form.fields if name in counted) > LONGEST:
        raise Unreadable(f"lists of recipients of more than {LONGEST} characters")
    for index, (name, value, _) in enumerate(form.fields):
        if name in counted:
            found = mailboxes(value or "")
            yield index, [(f"{name}.{number}", each.address) for number, each in enumerate(found, counted[name])]
            counted[name] += len(found)


def _schedule(form: Form, head: Mime | None) -> tuple[float | None, float]:
    """Give the latest time that the send names, and by how long Mailgun may hold it to pick a better one.

    Send-time optimisation holds a mail for up to the hours it names, the local time of a recipient for up to a day.
    """
    moments = [dates.mail_date(text) for text in _told(form, head, _TIME)]
    periods = [_HOURS.fullmatch(text) for text in _told(form, head, _PERIOD)]
    if None in moments:
        raise Unreadable("not a time as mail writes it (RFC 2822)", _TIME)
    if None in periods:
        raise Unreadable("not a number of hours", _PERIOD)
    held = max((int(match[1]) * _HOUR for match in periods if match), default=0.0)
    local = 24 * _HOUR if _told(form, head, _LOCAL) else 0.0
    return max((moment for moment in moments if moment is not None), default=None), held + local


def _told(form: Form, head: Mime | None, name: str) -> list[str]:
    """Give what a field says, and the header of a raw mail that means the same."""
    told = [value for field, value, _ in form.fields if field == name]
    if head is not None:
        told.append(head.value(_AS_HEADER[name]))
    return [text.strip() for text in told if text and text.strip()]


def _variables(form: Form, head: Mime | None) -> Iterator[_Variables]:
    for index, (name, value, _) in enumerate(form.fields):
        if name == _VARIABLES and value and value.strip():
            yield _Variables(index, value, _object(value))
    value = head.value(_AS_HEADER[_VARIABLES]) if head is not None else None
    if value:
        yield _Variables(None, value, _object(value))


def _object(text: str) -> dict[str, Any]:
    tree = strict.json_tree(text.encode())
    if not isinstance(tree, dict):
        raise Unreadable("not an object", _VARIABLES)
    check_named(tree)
    return tree


def _markers(form: Form, head: Mime | None, domain: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {"domain": [domain]}
    for name, value, _ in form.fields:
        if value and (name in _MARKERS or name.startswith(_MARKING)):
            found.setdefault(name, []).append(value)
    tags = [*filter(None, head.values(_TAG_HEADER))] if head is not None else []
    if tags:
        found.setdefault(_TAG, []).extend(tags)
    return MappingProxyType({name: tuple(values) for name, values in found.items()})


def _domain(request: Request) -> str:
    match = _SEND.fullmatch(strict.plain_path(request.path) or "")
    return (match[1] or match[2]).lower() if match else ""


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the send without the recipients at these places; raises Unreadable.

    What is said of them beside goes as well: their variables, and their names in the To and Cc of a raw mail. Mailgun
    wants a `to`, so a send without one reaches nobody. It knows no switches past its suppression.
    """
    places, parsed = change.places, message.parsed
    recipients = message.send.recipients
    if not places <= {each.place for each in recipients}:
        raise Unreadable("a place to be taken out is not in the send")
    if all(each.place in places for each in recipients if each.place.startswith(_TO)):
        raise Unreadable("nobody is left in the send", "to", Reason.NO_RECIPIENT)
    form: Form = parsed.form
    changes: dict[int, str | bytes | None] = {}
    for index, own in parsed.lists:
        numbers = frozenset(number for number, place in enumerate(own) if place in places)
        if numbers:
            changes[index] = without(form.fields[index].value or "", numbers) or None
    leaving = Leaving(recipients, places)
    headers: dict[str, str | None] = dict(shown(parsed.head, leaving)) if parsed.head is not None else {}
    for at, text, tree in parsed.variables:
        left = variables_left(text, tree, leaving)
        if left is not None and at is None:
            headers[_AS_HEADER[_VARIABLES]] = foldable_json(left)
        elif left is not None and at is not None:
            changes[at] = strict.write_json(left)
    if headers:
        changes |= _with_headers(parsed, headers)
    return Trimmed(form.rewritten(changes), places)


def _with_headers(parsed: _Parsed, headers: dict[str, str | None]) -> dict[int, str | bytes | None]:
    if parsed.head is None:
        return {}
    begin, end = _raw(parsed.form)
    rest = memoryview(parsed.form.body)[begin + len(parsed.head.raw) : end]  # a large mail is copied once
    index = next(index for index, field in enumerate(parsed.form.fields) if field.name == _MESSAGE)
    return {index: b"".join([parsed.head.rewritten(headers), rest])}


# ── answers ──


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Give the answer as it came: Mailgun gives one id for all, and its errors name no recipient."""
    del message, trimmed, refusal
    return answer


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as Mailgun does to a message that it cannot take: 400 and sentences, with MOST_TOLD places at most."""
    del request  # the shape is the same for all requests
    told: dict[str, list[str]] = {}
    for place in refusal.places[:MOST_TOLD]:
        told.setdefault(refusal.about(place), []).append(place)
    sentences = [f"{sentence} ({', '.join(places)})" for sentence, places in told.items()]
    return Answer(
        refusal.status or 400, orjson.dumps({"message": "; ".join(sentences) or refusal.message}), strict.JSON
    )


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to a send for its recipients' sake; the sentence says why, by place."""
    return refusal(message.request, words)


def accepted(request: Request, decision: str) -> Answer:
    """Answer as Mailgun does when it takes a send: 200 with one id for all recipients."""
    made = f"<{ids.digest(decision)[:32]}@{_domain(request)}>"
    return Answer(200, orjson.dumps({"id": made, "message": "Queued. Thank you."}), strict.JSON)
