"""SparkPost: https://developers.sparkpost.com/api/transmissions.

One transmission is one content and an array of recipients, each an envelope of its own: a copy is one more recipient,
whose `header_to` says whom its To header shows, and the Cc header of the content is text alone. So is all that raw
content (`email_rfc822`) says of recipients. What somebody refused leaves in these texts goes with them.

SparkPost takes suppressed recipients and drops them later without a word to the sender. A refusal here speaks as it
does when it has no valid recipient left (400, code 5002), and what is taken out of a transmission is told as it tells
recipients with errors: counted and listed under a 200.

Nothing documents that SparkPost fills in substitutions in addresses, or honours Bcc and X-MSYS-API (the header of its
SMTP API with hidden copies in it) in contents that come over HTTP, and nothing denies it: all are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

import orjson

from policy.identity import email_keys
from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy import strict
from proxy.formats import headed, ids, markers
from proxy.formats.fields import refuse_in_query
from proxy.formats.gathering import gathered
from proxy.formats.guarded import guarded
from proxy.formats.lookalikes import lookalikes
from proxy.formats.objects import Shape, array, join, refuse_breaks
from proxy.formats.positions import original_index
from proxy.providers.base import READING, Answer, Change, Kind, Message, Refusal, Request, Settings, Trimmed, Unreadable

CHANNELS: tuple[Channel, ...] = (Channel.MAIL,)
ENCODINGS: frozenset[str] = frozenset()
CREDENTIALS: tuple[str, ...] = ("Authorization",)
ACCOUNTS: tuple[str, ...] = ("X-MSYS-SUBACCOUNT",)
TELLS_SUPPRESSION = False

MAX_ERRORS = 100  # of one refusal; SDKs print them all

_SEND = "/api/v1/transmissions"

# What dispatches nothing. A/B tests only choose among versions of later transmissions, and a transmission to a stored
# list of recipients is refused by itself. Not here, on purpose: alerts, users and the verification of sending domains,
# which write to people; whatever changes the account's defaults; and subaccounts, whose making tells a key that needs
# no gate any more.
_MANAGED = "recipient-lists|templates|snippets|tracking-domains"
_HARMLESS: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = (
    (frozenset({"DELETE"}), re.compile(rf"{_SEND}(?:/[^/]+)?")),
    (
        frozenset({"POST", "PUT", "PATCH", "DELETE"}),
        re.compile(rf"/api/v1/(?:{_MANAGED}|ip-pools|sending-ips|ab-test)(?:/.+)?"),
    ),
    (frozenset({"POST", "PUT", "DELETE"}), re.compile(r"/api/v1/sending-domains(?:/[^/]+)?")),
)

_GUARDED = guarded(
    *(f"* /api/v1/{each}/**" for each in ("api-keys", "webhooks", "relay-webhooks")),
    *(f"WRITE /api/v1/{each}/**" for each in ("account", "subaccounts", "users")),
    "DELETE /api/v1/suppression-list/**",
)
_SUPPRESSION = re.compile(r"/api/v1/suppression-list(?:/[^/]+)?")
_SWITCHES = frozenset({"transactional", "nontransactional"})

# Keys that say who gets the message and when, wherever they stand; `cc`, `bcc` and `archive` are those of the SMTP API
# and of SDKs, which put them into the array themselves.
_DECIDING = frozenset(
    {"recipients", "address", "addresses", "multichannel_addresses", "email", "header_to", "list_id"}
    | {"to", "cc", "bcc", "archive", "options", "start_time", "skip_suppression", "transactional"}
    | {"content", "headers", "email_rfc822"}
)


def _shape(*documented: str) -> Shape:
    return Shape(frozenset(documented), _DECIDING)


_BODY = _shape("recipients", "options", "content")
_STORED_LIST = _shape("list_id")
_RECIPIENT = _shape("address", "tags", "metadata", "substitution_data", "return_path")
_ADDRESS = _shape("email", "name", "header_to")
_OPTIONS = _shape("start_time", "skip_suppression", "transactional")
_CONTENT = _shape("headers", "email_rfc822")
_FROM = _shape("email")
_OVERRIDE = _shape("list_id")  # here the text of a List-Id header
_LIST_ID = "recipients.list_id"
_SKIP = "options.skip_suppression"
_START_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)
_SUBSTITUTION = "{{"

resembles_send = lookalikes(_SEND)


def sort(request: Request) -> Kind:
    """Tell what the request would do; of an entry of the suppression list only the body tells."""
    path = strict.plain_path(request.path)
    if path is None or not path.startswith("/api/v1/") or _GUARDED(request.method, path):
        return Kind.UNKNOWN
    if request.method in READING:
        return Kind.HARMLESS
    if request.method == "POST" and path == _SEND:
        return Kind.SEND
    if request.method == "PUT" and _SUPPRESSION.fullmatch(path):
        return _suppression(request) if request.body else Kind.ASK_BODY
    if any(request.method in methods and pattern.fullmatch(path) for methods, pattern in _HARMLESS):
        return Kind.HARMLESS
    return Kind.UNKNOWN


def _suppression(request: Request) -> Kind:
    """Tell an entry that suppresses from one that lifts: of these switches the older form of an entry takes false."""
    try:
        strict.expect_type(request.headers, strict.JSON)
        told = Shape(frozenset({"recipients"}), frozenset({"recipients"})).check(strict.json_tree(request.body), "")
        pairs = [*told.items(), *(pair for each in array(told, "recipients", "") for pair in each.items())]
    except (Unreadable, AttributeError):
        return Kind.UNKNOWN
    lifts = any(strict.looks_like(name, _SWITCHES) and value is not True for name, value in pairs)
    return Kind.UNKNOWN if lifts else Kind.HARMLESS


# ── reading ──


def read(request: Request, settings: Settings) -> Message:
    """Find every recipient, marker and schedule of a transmission, a stored list and the bypass; raises Unreadable."""
    del settings  # e-mail addresses belong to no country
    strict.expect_type(request.headers, strict.JSON)
    refuse_in_query(request.query, _DECIDING)
    body = _BODY.check(strict.json_tree(request.body), "")
    options = _section(body, "options", _OPTIONS)
    headed.check(_section(body, "content", _CONTENT), "content", _FROM)
    for name in _section(body, "override", _OVERRIDE):
        refuse_breaks(body["override"], name, "override")
    stored = isinstance(body.get("recipients"), dict)
    recipients = () if stored else gathered(_recipients(body, _start_time(options)))
    if stored and "list_id" not in _STORED_LIST.check(body["recipients"], "recipients"):
        raise Unreadable("neither recipients nor a stored list of them", "recipients")
    if not stored and not recipients:
        raise Unreadable("the send names no recipient", "recipients", Reason.NO_RECIPIENT)
    told = _markers(body, options)
    return Message(
        request,
        Send(Channel.MAIL, recipients, told, told.get("campaign_id", ("",))[0]),
        body,
        hidden=(_LIST_ID,) if stored else (),
        # Anything that is not plainly off may be read as on.
        bypasses=() if options.get("skip_suppression") in (None, False) else (_SKIP,),
    )


def _section(body: dict[str, Any], name: str, shape: Shape) -> dict[str, Any]:
    value = body.get(name)
    return {} if value is None else shape.check(value, name)


def _recipients(body: dict[str, Any], scheduled_at: float | None) -> Iterator[Recipient]:
    for index, recipient in enumerate(array(body, "recipients", "")):
        place = f"recipients.{index}"
        address = _RECIPIENT.check(recipient, place).get("address")
        email = address if isinstance(address, str) else _email(address, place)
        keys = () if _SUBSTITUTION in email else email_keys(email)
        yield Recipient(place, Channel.MAIL, email, keys, scheduled_at)


def _email(address: Any, place: str) -> str:
    spot = join(place, "address")
    email = _ADDRESS.check(address, spot).get("email")
    if not isinstance(email, str):
        raise Unreadable("no e-mail address", spot)
    if "name" in address:
        refuse_breaks(address, "name", spot)
    headed.people(address.get("header_to"), join(spot, "header_to"))
    return email


def _start_time(options: dict[str, Any]) -> float | None:
    told = options.get("start_time")
    if told in (None, "", "now"):
        return None
    try:
        stated = told if isinstance(told, str) and _START_TIME.fullmatch(told) else ""
        return datetime.fromisoformat(stated).timestamp()
    except (ValueError, OverflowError):
        raise Unreadable("not a time with its zone", "options.start_time") from None


# ── markers ──


def _markers(body: dict[str, Any], options: dict[str, Any]) -> markers.Markers:
    transactional, metadata, tags = options.get("transactional"), _common_metadata(body), _common_tags(body)
    found = {
        **markers.of(body, "campaign_id"),
        **markers.of(options, "ip_pool", prefix="options."),
        **markers.of(body.get("content"), "template_id", "ab_test_id", prefix="content."),
        **markers.of(metadata, *metadata, prefix="metadata."),
    }
    if isinstance(transactional, bool):
        found["options.transactional"] = (str(transactional).lower(),)
    return MappingProxyType({**found, "tags": tags} if tags else found)


def _listed(body: dict[str, Any]) -> list[dict[str, Any]]:
    recipients = body["recipients"]
    return recipients if isinstance(recipients, list) else []


def _common_metadata(body: dict[str, Any]) -> dict[str, Any]:
    # A marker speaks for the whole send, so what any recipient overrides is none. A stored list's may, all of it.
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or not _listed(body):
        return {}
    common = dict(metadata)
    for recipient in _listed(body):
        own = recipient.get("metadata") or {}
        if not isinstance(own, dict):
            return {}
        for name in common.keys() & own.keys():
            if common[name] != own[name]:
                del common[name]
    return common


def _common_tags(body: dict[str, Any]) -> tuple[str, ...]:
    tags = [own if isinstance(own, list) else [] for own in (each.get("tags") for each in _listed(body))]
    first, *others = tags or [[]]
    shared = frozenset(_words(first)).intersection(*map(_words, others))
    return tuple(tag for tag in _words(first) if tag in shared)


def _words(tags: list[Any]) -> list[str]:
    return [tag for tag in tags if isinstance(tag, str) and tag]


# ── writing ──


def trimmed(message: Message, change: Change) -> Trimmed:
    """Give the transmission without the recipients at these places, and without its bypass; raises Unreadable.

    A copy whose header_to shows nobody but those who are gone goes with them. Where it shows others too, and in the
    texts of the content, those who are gone are taken out.
    """
    recipients = message.send.recipients
    if not change.places <= {recipient.place for recipient in recipients}:
        raise Unreadable("a place to be taken out is not in the send")
    tree = dict(strict.json_for_writing(message.request.body, message.parsed))
    gone: frozenset[str] = frozenset()
    if change.places:
        gone, lost = _gone(recipients, message.parsed["recipients"], change.places)
        if len(gone) == len(recipients):
            raise Unreadable("nobody is left in the send", "recipients", Reason.NO_RECIPIENT)
        pairs = zip(recipients, tree["recipients"], strict=True)
        tree["recipients"] = [_shown(each, lost) for recipient, each in pairs if recipient.place not in gone]
        if tree.get("content"):
            tree["content"] = headed.without(tree["content"], lost)
    if change.strip and message.bypasses:
        tree["options"] = {name: value for name, value in tree["options"].items() if name != "skip_suppression"}
    return Trimmed(strict.write_json(tree), gone, restores=bool(gone))


def _gone(
    recipients: tuple[Recipient, ...], entries: list[dict[str, Any]], places: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Give the places that go, and what tells those who are gone from everybody who stays."""
    people = {recipient.place: _people(each["address"]) for recipient, each in zip(recipients, entries, strict=True)}
    showing: dict[str, list[str]] = {}
    for place, shown in people.items():
        for told in chain.from_iterable(shown):
            showing.setdefault(told, []).append(place)
    own = {each.place: each.keys or (each.address,) for each in recipients}
    holders: dict[str, int] = {}
    for told in chain.from_iterable(own.values()):
        holders[told] = holders.get(told, 0) + 1
    gone, lost, falling = set[str](), set[str](), [*places]
    while falling:
        place = falling.pop()
        if place in gone:
            continue
        gone.add(place)
        holders |= {told: holders[told] - 1 for told in own[place]}
        now_lost = {told for told in own[place] if not holders[told]}
        lost |= now_lost
        copies = chain.from_iterable(showing.get(told, ()) for told in now_lost)
        falling += [copy for copy in copies if not any(map(lost.isdisjoint, people[copy]))]
    return frozenset(gone), frozenset(lost)


def _people(address: Any) -> tuple[tuple[str, ...], ...]:
    return headed.people(address.get("header_to")) if isinstance(address, dict) else ()


def _shown(recipient: dict[str, Any], lost: frozenset[str]) -> dict[str, Any]:
    address = recipient["address"]
    if not isinstance(address, dict) or not isinstance(address.get("header_to"), str):
        return recipient
    return {**recipient, "address": {**address, "header_to": headed.rest(address["header_to"], lost)}}


# ── answers ──

_NOBODY = ("At least one valid recipient is required", "5002")
_MALFORMED = ("invalid data format/type", "1300")
_REJECTED = ("Message generation rejected", "1902")
_PARTLY = {"message": "transmission created, but with validation errors", "code": "2000"}
_NAMED_INDEX = re.compile(r"(recipients[.\[])(\d+)")


def refusal(request: Request, refusal: Refusal) -> Answer:
    """Say no as SparkPost does to an invalid transmission: 400, one error for each place, at most MAX_ERRORS."""
    del request  # the shape is the same for all requests
    if refusal.status not in (None, 400):
        return _answer(refusal.status or 400, {"errors": [{"message": refusal.message}]})
    kind = _NOBODY if refusal.recipients or refusal.reason is Reason.NO_RECIPIENT else _MALFORMED
    told = [_error(kind, refusal.about(place), place) for place in refusal.places[:MAX_ERRORS]]
    return _answer(400, {"errors": told or [_error(kind, refusal.message, "")]})


def _error(kind: tuple[str, str], told: str, place: str) -> dict[str, str]:
    return {"message": kind[0], "description": f"{told} (at {place})" if place else told, "code": kind[1]}


def refused(message: Message, words: Refusal) -> Answer:
    """Say no to a transmission for its recipients' sake, one error for each of them."""
    return refusal(message.request, words)


def restored(message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
    """Count and list those who were taken out as SparkPost does recipients with errors; never raises.

    Errors of its own that name recipients by their indexes name them by the sender's.
    """
    places = [each.place for each in message.send.recipients if each.place in trimmed.places]
    try:
        told = orjson.loads(answer.body)
        if answer.status == 200:
            errors = [_error(_REJECTED, refusal.about(place), place) for place in places]
            told = _partly(told, errors, _most_errors(message.request))
        else:
            told["errors"] = _with_own_indexes(told["errors"], [int(place.split(".")[1]) for place in places])
    except (ValueError, KeyError, TypeError):
        return answer
    return replace(answer, body=orjson.dumps(told))


def _partly(told: dict[str, Any], errors: list[dict[str, str]], most: int | None) -> dict[str, Any]:
    results = dict(told["results"])
    results["total_rejected_recipients"] += len(errors)
    listed = [*results.pop("rcpt_to_errors", []), *errors][:most]
    if listed:
        results = {"rcpt_to_errors": listed, **results}
    return {**told, "errors": told.get("errors") or [_PARTLY], "results": results}


def _most_errors(request: Request) -> int | None:
    """Give how many errors of recipients the sender wants to hear of, None for all."""
    asked = dict(parse_qsl(request.query)).get("num_rcpt_errors", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None


def _with_own_indexes(errors: list[dict[str, Any]], gone: list[int]) -> list[dict[str, Any]]:
    def own(match: re.Match[str]) -> str:
        return f"{match[1]}{original_index(int(match[2]), gone)}"

    return [
        {name: _NAMED_INDEX.sub(own, text) if isinstance(text, str) else text for name, text in dict(error).items()}
        for error in errors
    ]


def accepted(request: Request, decision: str) -> Answer:
    """Answer as SparkPost does when it takes a transmission: 200, one id for all recipients, who are counted."""
    try:
        recipients = orjson.loads(request.body)["recipients"]
    except (ValueError, KeyError, TypeError):
        recipients = []  # what cannot be read passes where the operator says so
    results = {
        "total_rejected_recipients": 0,
        "total_accepted_recipients": len(recipients) if isinstance(recipients, list) else 0,
        "id": str(10**16 + int(ids.digest(decision)[:13], 16)),
    }
    return _answer(200, {"results": results})


def _answer(status: int, content: Any) -> Answer:
    return Answer(status, orjson.dumps(content), strict.JSON)
