"""Tracking: /api/v1.0/Track, /api/v1.0/TrackBulk, and the lists of what was tracked (Optimizely Tracking API 1.0).

    {"deviceId": …, "eventType": …, "value": …, "user": {"name": …, "email": …, "info": {}}, "payload": {}, "scope": …,
     "eventTime": …, "pageUri": …, "pageTitle": …, "remoteAddress": …, "countryCode": …}

Keys are read in either case, and written in capitals where events are listed. An event is answered 202 when it is
committed. Of several all are taken or none. Any eventType will do and says nothing about the standing, with the four
names that are the gate's own for exceptions, in whatever case: Blacklisted and Opt Out are noes, and count as such;
Whitelisted and Opt In are ignored, because no tracker releases anybody.

The gate keeps what visitors did for whoever lists it and for the rules of blacklists, and nothing follows from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web

from policy import NobodyNamed, times
from policy.events import Origin, Subject, Told, Word
from policy.model import Channel, Microseconds
from policy.scopes import Units
from policy.store import tracking
from policy.store.tracking import TIME, Track, Tracked
from policy.times import BadTime, Stated
from policy.visitors import DEVICE
from proxy.api import querying, reading, scopes, store_shapes
from proxy.api.access import Caller, require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import Answer, Operation, Parameter, described
from proxy.api.events import CHANNEL_FIELD, IGNORED_TELLS, accepted
from proxy.api.profile_store import device_id
from proxy.api.reading import NOT_NULL, WRONG_FORMAT, WRONG_VALUE, BadField
from proxy.config import Scope

MOST: Final = 100  # events of one request ("Tracking API")
LARGEST: Final = 256 << 10  # bytes of an event
LONGEST_TYPE: Final = 256
ADDRESS_HEADER: Final = "Epi-User-IP-Address"
EMAIL: Final = "User.Email"

_TEXTS: Final = ("Value", "PageUri", "PageTitle", "RemoteAddress", "CountryCode")
_FIELDS: Final = (DEVICE, "EventType", TIME, "User", "Payload", "Scope", *_TEXTS)
_NAMES: Final = {name.lower(): name for name in _FIELDS}
_WORDS: Final = {word.lower(): word for word in Word}  # nobody's no is lost by a capital letter
_SCOPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # a site's id is one too
_BATCH: Final = MOST * LARGEST + (MOST << 10)

_WRONG: Final = Answer("a field is not what it must be; nothing was taken", store_shapes.ItemFaults)
_TAKEN: Final = Answer("it is committed", headers=IGNORED_TELLS)
_ADDRESS: Final = Parameter(ADDRESS_HEADER, "the visitor's address; remoteAddress in the body comes before it", str)


@dataclass(frozen=True, slots=True)
class Rules:
    """What an event is read by: who tells it, where from, when, and the scopes that there are with their units."""

    caller: Caller
    address: str | None
    now: Microseconds
    scopes: Mapping[str, str]
    units: Units


@described(
    Operation(
        "Tells what a visitor did.",
        Scope.EVENTS,
        body=store_shapes.NewTrackEvent,
        headers=(_ADDRESS,),
        answers={202: _TAKEN, 400: _WRONG, 413: Answer(f"the body is over {LARGEST >> 10} KiB")},
    )
)
async def post(request: web.Request) -> web.Response:
    """Learn one tracking event."""
    rules = await _rules(request)
    tree = await reading.tree(await _bounded(request, LARGEST))
    try:
        return accepted(await request.app[CONTEXT].learn_tracks([_track(tree, rules)]))
    except NobodyNamed:
        raise _nobody() from None


@described(
    Operation(
        f"Tells what visitors did, in up to {MOST} events, all together or none of them.",
        Scope.EVENTS,
        body=list[store_shapes.NewTrackEvent],
        headers=(_ADDRESS,),
        answers={202: _TAKEN, 400: _WRONG, 413: Answer(f"the body is over {MOST} times {LARGEST >> 10} KiB")},
    )
)
async def post_bulk(request: web.Request) -> web.Response:
    """Learn several tracking events; what is wrong with any of them is told with its place, and none is taken."""
    rules = await _rules(request)
    tree = await reading.tree(await _bounded(request, _BATCH))
    if not isinstance(tree, list) or not 1 <= len(tree) <= MOST:
        raise BadField("body", WRONG_VALUE, says=f"it must be an array of 1 to {MOST} events")
    tracks, faults = await asyncio.to_thread(_read, tree, rules)
    try:
        if not faults:
            return accepted(await request.app[CONTEXT].learn_tracks(tracks))
    except NobodyNamed as nobody:
        faults = [(nobody.number, _nobody())]
    told = [{"item": number, **fault.told()} for number, fault in faults]
    return as_json({**told[0], "faults": told}, 400)


@described(
    Operation(
        "Lists tracking events, the oldest first unless an order is asked for.",
        Scope.USERS,
        query=querying.PARAMETERS,
        answers={200: Answer("a page", store_shapes.TrackEvents), 400: _WRONG},
    )
)
async def get_list(request: web.Request) -> web.Response:
    """Answer one page of the tracking events that are asked for."""
    require(request, Scope.USERS)
    context = request.app[CONTEXT]
    asked = await querying.selection(request, tracking.fields(context.config().profiles.units), tie="sequence")
    total, found = await context.policy.ask(tracking.page(asked))
    return as_json({"total": total, "count": len(found), "items": [shown(each) for each in found]})


def shown(tracked: Tracked) -> dict[str, Any]:
    """Write an event as the contract has it."""
    told = tracked.told
    return {
        "TrackId": tracked.id,
        DEVICE: told[DEVICE],
        "EventType": tracked.name,
        TIME: told[TIME],
        **{name: told.get(name) for name in ("Value", "Scope", "CountryCode", "PageUri", "PageTitle", "RemoteAddress")},
        "Payload": told.get("Payload") or {},
        "User": told.get("User") or {},
    }


# Reading


async def _rules(request: web.Request) -> Rules:
    context = request.app[CONTEXT]
    caller = require(request, Scope.EVENTS)
    address = request.headers.get(ADDRESS_HEADER)
    if address is not None and not address.isascii():
        raise BadField(ADDRESS_HEADER, WRONG_FORMAT)
    there = await scopes.known(context)
    return Rules(caller, address, context.policy.now(), there, context.config().profiles.units)


async def _bounded(request: web.Request, most: int) -> web.Request:
    """Give the request with a limit of its own on its body; raises HTTPRequestEntityTooLarge."""
    bounded = request.clone(client_max_size=most + 1)
    await bounded.read()
    return bounded


def _read(items: Sequence[Any], rules: Rules) -> tuple[list[Track], list[tuple[int, BadField]]]:
    """Read events, and give the faults of those that are wrong with their places."""
    tracks: list[Track] = []
    faults: list[tuple[int, BadField]] = []
    for number, item in enumerate(items):
        try:
            tracks.append(_track(_sized(item), rules))
        except BadField as fault:
            faults.append((number, fault))
    return tracks, faults


def _sized(item: Any) -> Any:
    """Refuse an event that is too large; raises BadField."""
    if len(orjson.dumps(item)) > LARGEST:
        raise BadField("body", WRONG_VALUE, says=f"an event has up to {LARGEST >> 10} KiB")
    return item


def _track(item: Any, rules: Rules) -> Track:
    """Read one event; raises BadField."""
    if not isinstance(item, dict):
        raise BadField("body", WRONG_FORMAT, says="an event is an object")
    tree = {_NAMES[name.lower()]: value for name, value in item.items() if name.lower() in _NAMES}
    if tree.get(DEVICE) is None:
        raise BadField(DEVICE, NOT_NULL)
    device = device_id(tree[DEVICE], DEVICE)
    name = _required(tree, "EventType")
    word = _WORDS.get(name.strip().lower())
    name = name if word is None else str(word)
    if not name.strip():
        raise BadField("EventType", NOT_NULL)
    if "@" in name or len(name) > LONGEST_TYPE:  # it stands where nobody looks for addresses when somebody is erased
        raise BadField("EventType", WRONG_VALUE, says=f"a type has up to {LONGEST_TYPE} characters and no @")
    _required(tree, "Value")
    scope, (email, keys), stated = _scope(tree, rules), _address(tree), _time(tree)
    told = Told(
        subject=Subject(email=email, business_unit=rules.units.unit_of(scope), email_keys=keys),
        name=name,
        word=word,
        origin=Origin.TRACK,
        channel=_channel(word, tree),
        stated=stated,
        properties=_properties(tree, device, scope, stated, rules),
        source=rules.caller.name,
    )
    return Track(told, device)


def _required(tree: dict[str, Any], field: str) -> str:
    return reading.text(tree, field, required=True) or ""


def _properties(tree: dict[str, Any], device: str, scope: str, stated: Stated | None, rules: Rules) -> dict[str, Any]:
    """Give what is kept of an event beside its type; its time as a number, for whoever lists it by time."""
    texts = {name: reading.text(tree, name) for name in _TEXTS}
    texts["RemoteAddress"] = texts["RemoteAddress"] or rules.address
    told = {
        DEVICE: device,
        TIME: tracking.moment(rules.now if stated is None else min(stated.first, rules.now)),
        "Scope": rules.units.scope_of(rules.units.unit_of(scope)),
        **texts,
        "Payload": _object(tree, "Payload"),
        "User": _user(tree),
    }
    return {name: value for name, value in told.items() if value is not None}


def _user(tree: dict[str, Any]) -> dict[str, Any] | None:
    """Read the visitor; their information was called otherwise in 2017."""
    user = _object(tree, "User")
    if user is None:
        return None
    names = {"name": "Name", "email": "Email", "info": "Info", "information": "Info"}
    told = {names.get(name.lower(), name): value for name, value in user.items()}
    reading.text(told, "Name")
    _object(told, "Info")
    return told


def _address(tree: dict[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    user = _object(tree, "User") or {}
    values = [value for name, value in user.items() if name.lower() == "email"]
    email = reading.text({EMAIL: values[0]}, EMAIL) if values else None
    if email is None or not email.strip():
        return None, ()
    return email, reading.email_keys(email, EMAIL)


def _object(tree: dict[str, Any], field: str) -> dict[str, Any] | None:
    value = tree.get(field)
    if value is not None and not isinstance(value, dict):
        raise BadField(field, WRONG_FORMAT, says="it must be an object")
    return value


def _scope(tree: dict[str, Any], rules: Rules) -> str:
    """Give the scope of an event as it was declared, or, if it was not, as it is written."""
    scope = (reading.text(tree, "Scope") or "").strip()
    if scope and not _SCOPE.fullmatch(scope):
        raise BadField("Scope", WRONG_FORMAT, says="a scope is up to 64 letters, digits, underscores, hyphens and dots")
    found = scopes.named(rules.scopes, scope)
    return found[0] if found else scope


def _time(tree: dict[str, Any]) -> Stated | None:
    """Read the event's time; without a zone it is UTC."""
    text = reading.text(tree, TIME)
    for zoned in () if text is None else (text, f"{text}Z"):
        with contextlib.suppress(BadTime):
            return times.read(zoned)
    if text is not None:
        raise BadField(TIME, WRONG_FORMAT, says="it must be a time such as 2017-09-19T08:24:19.996Z")
    return None


def _channel(word: Word | None, tree: Mapping[str, Any]) -> Channel:
    """Give the channel of an opt-out, ALL where the payload names none."""
    payload = tree.get("Payload")
    named = payload.get(CHANNEL_FIELD) if isinstance(payload, dict) else None
    return reading.channel(named, CHANNEL_FIELD) if word is Word.OPT_OUT and named is not None else Channel.ALL


def _nobody() -> BadField:
    return BadField(
        DEVICE, WRONG_VALUE, says="this no is nobody's: there is no User.Email, and no profile has the device"
    )
