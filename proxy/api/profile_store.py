"""Profiles: /api/v1.0/profiles (Optimizely Profile Store API v1.0, "Profile methods").

A profile is a person's other face: whoever has an e-mail address in a business unit is the profile with that
`Info.Email` in the scope that stands for the unit (policy/scopes.py). So nobody is known twice, and what is said of
either is said of both. What only profiles have is kept beside the traits of users (policy/visitors.py).

A profile with an address on a blacklist is neither made nor changed. What a profile says is no word about the standing,
and an address that it drops stays suppressed, like everywhere; deleting one follows the rules of deleting a user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

from policy import AddressListed, AddressTaken, UnknownUser, times, visitors
from policy.events import Departure, Profile, Subject
from policy.model import Microseconds
from policy.scopes import DEFAULT, Units
from policy.store import lookups
from policy.store import visitors as listing
from policy.store.visitors import Visitor
from policy.times import BadTime
from proxy.api import profiles, querying, reading, scopes, store_shapes
from proxy.api.access import require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT, Context
from proxy.api.describing import Answer, Operation, described
from proxy.api.reading import BLACKLISTED, UNKNOWN_VALUE, WRONG_FORMAT, WRONG_VALUE, BadField
from proxy.config import Scope

LARGEST: Final = 256 << 10  # bytes of a profile ("Profile methods")
MOST_VISITS: Final = 2**53
EMAIL: Final = "Info.Email"

_TOLD: Final = ("DeviceIds", "Name", "ProfileManager", "FirstSeen", "LastSeen", "Visits", "Scope", "Info", "Payload")
_NAMES: Final = {name.lower(): name for name in (*_TOLD, "ProfileId")}
_EMAIL: Final = "email"

_WRONG: Final = Answer("a field is not what it must be; nothing was taken", store_shapes.ItemFault)
_LISTED: Final = Answer("an address in it is on a blacklist; nothing was taken", store_shapes.ItemFault)
_UNKNOWN: Final = Answer("there is no such profile in this scope")
_LARGE: Final = Answer(f"the body is over {LARGEST >> 10} KiB")


@described(
    Operation(
        "Lists profiles, the oldest first unless an order is asked for.",
        Scope.USERS,
        query=querying.PARAMETERS,
        answers={200: Answer("a page", store_shapes.Visitors), 400: _WRONG},
    )
)
async def get_list(request: web.Request) -> web.Response:
    """Answer one page of the profiles that are asked for."""
    require(request, Scope.USERS)
    context = request.app[CONTEXT]
    units = context.config().profiles.units
    asked = await querying.selection(request, listing.fields(context.policy.database.digests, units), tie="pk")
    page = await context.policy.ask(listing.page(asked))
    items = [shown(visitor, units) for visitor in page.visitors]
    return as_json({"total": page.total, "count": len(items), "items": items})


@described(
    Operation(
        "Reads one profile.", Scope.USERS, answers={200: Answer("the profile", store_shapes.Visitor), 404: _UNKNOWN}
    )
)
async def get_one(request: web.Request) -> web.Response:
    """Answer one profile of a scope; raises UnknownUser."""
    require(request, Scope.USERS)
    return as_json(shown(await _visitor(request), _units(request)))


@described(
    Operation(
        "Makes a profile, or writes the one that has its e-mail in its scope.",
        Scope.USERS,
        body=store_shapes.WriteVisitor,
        answers={
            200: Answer("it was there and is written", store_shapes.Visitor),
            201: Answer("it is made", store_shapes.Visitor),
            400: _WRONG,
            403: _LISTED,
            413: _LARGE,
        },
    )
)
async def post(request: web.Request) -> web.Response:
    """Make a profile; raises AddressListed for one with an address on a blacklist."""
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    told = await _body(request)
    unit = await _unit(context, told)
    email, keys = _address(told)
    kept = _kept(told)
    named = Subject(email=email, business_unit=unit, email_keys=keys)
    there = bool(keys) and (await context.policy.ask(lookups.each([named])))[0] is not None
    profile = Profile(None, email or None, keys, unit, traits={visitors.TRAIT: kept}, source=caller.name)
    return as_json(await _learn(context, profile), 200 if there else 201)


@described(
    Operation(
        "Writes a profile; what is not given stays as it is.",
        Scope.USERS,
        body=store_shapes.WriteVisitor,
        answers={
            200: Answer("it is written", store_shapes.Visitor),
            400: _WRONG,
            403: _LISTED,
            404: _UNKNOWN,
            413: _LARGE,
        },
    )
)
async def put(request: web.Request) -> web.Response:
    """Write a profile that is there; raises UnknownUser, and AddressListed for an address on a blacklist."""
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    told = await _body(request)
    visitor = await _visitor(request)
    if told.get("ProfileId") is not None and str(told["ProfileId"]).lower() != visitor.id:
        raise BadField("ProfileId", WRONG_VALUE, says="the path names another profile")
    if told.get("Scope") is not None and await _unit(context, told) != visitor.business_unit:
        raise BadField("Scope", WRONG_VALUE, says="a profile stays in its scope")
    email, keys = _address(told)
    kept = _kept(told, visitor.kept)
    profile = Profile(None, email, keys, traits={visitors.TRAIT: kept}, source=caller.name, xng_id=visitor.id)
    return as_json(await _learn(context, profile))


@described(Operation("Deletes a profile.", Scope.USERS, answers={200: Answer("it is gone"), 404: _UNKNOWN}))
async def delete(request: web.Request) -> web.Response:
    """Delete a profile, and so the user that it is; raises UnknownUser."""
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    visitor = await _visitor(request)
    keep = profiles.keeps(context, caller)
    await context.learn([Departure(xng_id=visitor.id, keep_suppressed=keep, source=caller.name)])
    return web.Response()


def shown(visitor: Visitor, units: Units) -> dict[str, Any]:
    """Write a profile as the contract has it; its ContactInformation says what the gate knows to say."""
    kept = visitor.kept
    name = kept.get("Name")
    info = kept.get("Info") or {}
    email = {} if visitor.email is None else {"Email": visitor.email}
    mailable, anonymous = visitor.email is not None, name is None
    return {
        "ProfileId": visitor.id,
        "DeviceIds": kept.get(visitors.DEVICES) or [],
        "Name": name,
        "ProfileManager": kept.get("ProfileManager"),
        "FirstSeen": times.written(kept.get("FirstSeen", visitor.created_at)),
        "LastSeen": times.written(kept.get("LastSeen", visitor.created_at)),
        "Visits": kept.get("Visits", 0),
        "UpdateTime": times.written(visitor.updated_at),
        "Scope": units.scope_of(visitor.business_unit),
        "Info": {**info, **email},
        "ContactInformation": [*(["Mailable"] if mailable else []), *(["Anonymous"] if anonymous else [])],
        "Payload": kept.get("Payload") or {},
    }


# Reading


async def _body(request: web.Request) -> dict[str, Any]:
    """Read the fields of a profile by their own names, in whichever case; what is not known is passed over."""
    if len(await request.read()) > LARGEST:
        raise web.HTTPRequestEntityTooLarge(LARGEST)
    tree = await reading.body(request)
    return {_NAMES[name.lower()]: value for name, value in tree.items() if name.lower() in _NAMES}


async def _unit(context: Context, told: Mapping[str, Any]) -> str:
    """Give the business unit that a profile's scope stands for; raises BadField for a scope that there is not."""
    scope = (reading.text(dict(told), "Scope") or "").strip()
    found = scopes.named(await scopes.known(context), scope or DEFAULT)
    if found is None:
        raise BadField("Scope", UNKNOWN_VALUE, says="there is no such scope; PUT /api/v1.0/scopes/{id} declares one")
    return context.config().profiles.units.unit_of(found[0])


def _address(told: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """Give the e-mail with its keys: None where it was not told, empty where it was told to be none."""
    info = told.get("Info") or {}
    if not isinstance(info, dict):
        raise BadField("Info", WRONG_FORMAT, says="it must be an object")
    values = [value for name, value in info.items() if name.lower() == _EMAIL]
    if not values:
        return None, ()
    email = reading.text({EMAIL: values[0]}, EMAIL)
    if not (email or "").strip():
        return "", ()
    return email, reading.email_keys(email or "", EMAIL)


def _kept(told: Mapping[str, Any], held: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Give what is kept beside the address; None takes away. What is held already says if the times are in order."""
    tree = dict(told)
    read: dict[str, Callable[[], Any]] = {
        "Name": lambda: reading.text(tree, "Name"),
        "ProfileManager": lambda: reading.text(tree, "ProfileManager"),
        "FirstSeen": lambda: _moment(tree, "FirstSeen"),
        "LastSeen": lambda: _moment(tree, "LastSeen"),
        "Visits": lambda: _visits(tree),
        "Info": lambda: _info(tree),
        "Payload": lambda: _object(tree, "Payload"),
        visitors.DEVICES: lambda: _devices(tree),
    }
    kept = {name: value() for name, value in read.items() if name in tree}
    first, last = ({**held, **kept}.get(name) for name in ("FirstSeen", "LastSeen"))
    if kept.keys() & {"FirstSeen", "LastSeen"} and first is not None and last is not None and first > last:
        raise BadField("FirstSeen", WRONG_VALUE, says="this is later than LastSeen")
    return kept


def _moment(tree: dict[str, Any], field: str) -> Microseconds | None:
    """Read a time; without a zone it is UTC ("Profile properties")."""
    text = reading.text(tree, field)
    try:
        return None if text is None else times.read_in_utc(text).first
    except BadTime:
        raise BadField(field, WRONG_FORMAT, says="it must be a time such as 2022-01-11T00:00:00Z") from None


def _visits(tree: dict[str, Any]) -> int | None:
    visits = tree["Visits"]
    if visits is not None and (not isinstance(visits, int) or isinstance(visits, bool)):
        raise BadField("Visits", WRONG_FORMAT, says="it must be a whole number")
    if visits is not None and not 0 <= visits <= MOST_VISITS:
        raise BadField("Visits", WRONG_VALUE, says="it must not be less than 0")
    return visits


def _info(tree: dict[str, Any]) -> dict[str, Any] | None:
    """Read all but the address, which stands where users have it."""
    info = _object(tree, "Info")
    if info is None:
        return None
    if any(isinstance(value, dict | list) for value in info.values()):
        raise BadField("Info", WRONG_FORMAT, says="this has texts and numbers, and nothing in them")
    return {name: value for name, value in info.items() if name.lower() != _EMAIL and value is not None}


def _object(tree: dict[str, Any], field: str) -> dict[str, Any] | None:
    value = tree[field]
    if value is not None and not isinstance(value, dict):
        raise BadField(field, WRONG_FORMAT, says="it must be an object")
    return value


def _devices(tree: dict[str, Any]) -> list[str] | None:
    ids = tree[visitors.DEVICES]
    if ids is None:
        return None
    if not isinstance(ids, list) or len(ids) > visitors.MOST_DEVICES:
        raise BadField(visitors.DEVICES, WRONG_VALUE, says=f"it must be a list of up to {visitors.MOST_DEVICES} ids")
    return [device_id(each, visitors.DEVICES) for each in dict.fromkeys(map(_hashable, ids))]


def _hashable(device: Any) -> Any:
    return device if isinstance(device, str) else None


def device_id(value: Any, field: str) -> str:
    """Read the id of a device; raises BadField for anything but a text with something in it."""
    text = reading.text({field: value}, field)
    if text is None or not text.strip():
        raise BadField(field, WRONG_VALUE, says="the id of a device is a text")
    return text


# Answering


async def _learn(context: Context, profile: Profile) -> dict[str, Any]:
    """Learn a profile and write it as it is then; raises BadField for an address that is another's, or is listed."""
    units = context.config().profiles.units
    try:
        (learned,) = await context.learn_guarded([profile], units)
    except AddressTaken:
        raise BadField(EMAIL, WRONG_VALUE, says="another user has this e-mail and scope") from None
    except AddressListed as listed:
        field = EMAIL if listed.field == _EMAIL else listed.field
        raise BadField(field, BLACKLISTED, 403, says="this address is on a blacklist") from None
    return shown(await context.policy.ask(listing.written(learned.sequence)), units)


async def _visitor(request: web.Request) -> Visitor:
    """Find the profile that a path names; raises UnknownUser, also for one of another scope."""
    given, scope = request.match_info["id"].lower(), request.match_info.get("scope")
    if not given.isascii():
        raise UnknownUser
    visitor = await request.app[CONTEXT].policy.ask(listing.one(given))
    if scope is not None and _units(request).unit_of(scope).lower() != visitor.business_unit.lower():
        raise UnknownUser
    return visitor


def _units(request: web.Request) -> Units:
    return request.app[CONTEXT].config().profiles.units
