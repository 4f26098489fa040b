"""Users and their standing (CrossEngage v1, "Users", "Blacklist Endpoint", "Opt-out Endpoint", "Recipient status").

The status endpoints know full users only, as the contract says: 404 with an empty body for everybody else. Setting a
status is the same as telling the event: both end in the journal as Blacklisted, Whitelisted, Opt Out or Opt In.

A profile's fields that are not given stay as they are, and null takes one away: whichever way a caller meant a missing
e-mail, a suppression is not lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from policy import AddressTaken, UnknownUser, state
from policy.events import Departure, Origin, Phone, Profile, Subject, Told, Word
from policy.model import Channel, Standing
from policy.store import people
from policy.store.people import Person
from proxy.api import reading
from proxy.api.access import Caller, require
from proxy.api.context import CONTEXT
from proxy.api.reading import MISSING_SCOPE, WRONG_VALUE, BadField
from proxy.config import Scope

# Fields of a profile that are no traits, and hidden ones that only their own endpoints may set.
_FIELDS: Final = frozenset({"id", "xngId", "email", "businessUnit", "success"})
STANDING_TRAITS: Final[Mapping[str, tuple[Word, Word]]] = {
    "optOut": (Word.OPT_OUT, Word.OPT_IN),
    "blacklisted": (Word.BLACKLISTED, Word.WHITELISTED),
}
IGNORED: Final = "X-Sendgate-Ignored"


async def get_blacklist_status(request: web.Request) -> web.Response:
    require(request, Scope.USERS)
    standing = await _standing(request)
    return _json({"blacklisted": standing.blacklisted is not None})


async def put_blacklist_status(request: web.Request) -> web.Response:
    blacklisted = reading.flag(await reading.body(request), "blacklisted")
    await _tell(request, Word.BLACKLISTED if blacklisted else Word.WHITELISTED, "blacklisted", release=not blacklisted)
    return _json({"blacklisted": blacklisted})


async def get_optout_status(request: web.Request) -> web.Response:
    require(request, Scope.USERS)
    channel = _channel(request)
    standing = await _standing(request)
    return _json({"optOut": channel in standing.opt_outs})


async def put_optout_status(request: web.Request) -> web.Response:
    channel = _channel(request)
    opt_out = reading.flag(await reading.body(request), "optOut")
    await _tell(request, Word.OPT_OUT if opt_out else Word.OPT_IN, "optOut", release=not opt_out, channel=channel)
    return _json({"optOut": opt_out})


async def get_recipient_status(request: web.Request) -> web.Response:
    """Answer what judging would find for this user alone; 404 for an unknown one, where the contract is silent."""
    require(request, Scope.USERS)
    standing = await _standing(request)
    channels = sorted(channel for channel in standing.opt_outs if channel is not Channel.ALL)
    return _json(
        {
            "blacklisted": standing.blacklisted is not None,
            "optOutAll": Channel.ALL in standing.opt_outs,
            "optOutChannels": channels,
        }
    )


async def get_user(request: web.Request) -> web.Response:
    require(request, Scope.USERS)
    person = await _person(request)
    return _json({"id": person.id, "xngId": person.xng_id, **_address(person), **person.traits})


async def put_user(request: web.Request) -> web.Response:
    """Write a profile; 409 if the body names another id, 400 for an e-mail that is none or is another user's."""
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    tree = await reading.body(request)
    external_id = _id(request)
    if reading.text(tree, "id") not in (None, external_id):
        return _failed({"id": external_id, "xngId": None}, "id", "user_IDS_MISMATCH", 409)
    try:
        profile = _profile(external_id, tree, context.config().users.phone_traits, caller.name)
        await context.learn([profile, *_suppressing_traits(external_id, tree, caller)])
    except AddressTaken:
        return await _refused_profile(request, "email", WRONG_VALUE)
    except BadField as fault:
        return await _refused_profile(request, fault.field, fault.kind)
    person = await _person(request)
    answer = _json({"id": person.id, "xngId": person.xng_id, **_address(person), "success": True})
    ignored = _releasing_traits(tree)
    if ignored:
        context.learned((word, "ignored") for word in ignored.values())
        answer.headers[IGNORED] = ", ".join(ignored)
    return answer


async def delete_user(request: web.Request) -> web.Response:
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    keep = context.config().users.on_delete == "keep_suppressed"
    await context.learn([Departure(_id(request), keep_suppressed=keep, source=caller.name)])
    return web.Response(status=204)


def _profile(external_id: str, tree: dict[str, Any], phone_traits: tuple[str, ...], source: str) -> Profile:
    """Read a profile; raises BadField."""
    email, unit = (_changed(tree, field) for field in ("email", "businessUnit"))
    traits = {name: value for name, value in tree.items() if name not in _FIELDS and name not in STANDING_TRAITS}
    return Profile(
        id=external_id,
        email=email,
        email_keys=reading.email_keys(email, kind=WRONG_VALUE) if email else (),
        business_unit=unit,
        phones=_phones(traits, phone_traits),
        traits=traits,
        source=source,
    )


def _changed(tree: dict[str, Any], field: str) -> str | None:
    """Give a field's new text: None where it was not told, empty where it was told to be null."""
    told = reading.text(tree, field)
    return "" if told is None and field in tree else told


def _phones(traits: dict[str, Any], names: tuple[str, ...]) -> dict[str, Phone | None]:
    """Read the numbers among the traits; raises BadField for one without a country."""
    phones: dict[str, Phone | None] = {}
    for name in names:
        if name in traits:
            number = reading.text(traits, name)
            phones[name] = (number, reading.phone_keys(number, name, WRONG_VALUE)) if number else None
    return phones


def _suppressing_traits(external_id: str, tree: dict[str, Any], caller: Caller) -> list[Told]:
    """Read the noes among the traits: a no is taken from wherever it comes, a yes only from its own endpoint."""
    return [
        Told(Subject(id=external_id), word, word, caller.origin or Origin.API, source=caller.name)
        for trait, (word, _) in STANDING_TRAITS.items()
        if tree.get(trait) in (True, "true")
    ]


def _releasing_traits(tree: dict[str, Any]) -> dict[str, Word]:
    """Name the traits that would release, by the word that they would be."""
    return {
        trait: yes for trait, (_, yes) in STANDING_TRAITS.items() if trait in tree and tree[trait] not in (True, "true")
    }


async def _refused_profile(request: web.Request, field: str, kind: str) -> web.Response:
    person = await request.app[CONTEXT].policy.ask(_by_id(_id(request)))
    told: dict[str, Any] = {"id": _id(request), "xngId": person.xng_id if person else None}
    return _failed({**told, **(_address(person) if person else {})}, field, kind, 400)


async def _tell(request: web.Request, word: Word, field: str, *, release: bool, channel: Channel = Channel.ALL) -> None:
    """Set a status by telling the event; raises UnknownUser, and BadField (403) for a release without the scope."""
    caller = require(request, Scope.USERS)
    if release and not caller.may(Scope.RELEASE):
        raise BadField(field, MISSING_SCOPE, 403)
    await _person(request)
    told = Told(
        subject=Subject(id=_id(request)),
        name=word,
        word=word,
        origin=caller.origin or Origin.API,
        channel=channel,
        source=caller.name,
    )
    await request.app[CONTEXT].learn([told])


async def _person(request: web.Request) -> Person:
    person = await request.app[CONTEXT].policy.ask(_by_id(_id(request)))
    if person is None:
        raise UnknownUser
    return person


async def _standing(request: web.Request) -> Standing:
    external_id = _id(request)

    def read(connection: sqlite3.Connection) -> Standing:
        person = people.by_id(connection, external_id)
        if person is None:
            raise UnknownUser
        return state.standing(people.registers(connection, person.pk))

    return await request.app[CONTEXT].policy.ask(read)


def _by_id(external_id: str) -> Callable[[sqlite3.Connection], Person | None]:
    return lambda connection: people.by_id(connection, external_id)


def _id(request: web.Request) -> str:
    external_id = request.match_info["id"]
    if len(external_id.encode("utf-8", "surrogatepass")) > reading.LONGEST_TEXT or "\x00" in external_id:
        raise BadField("id", WRONG_VALUE)
    try:
        external_id.encode()
    except UnicodeEncodeError:
        raise BadField("id", WRONG_VALUE) from None
    return external_id


def _channel(request: web.Request) -> Channel:
    named = request.query.getall("channelType", [])
    if len(named) > 1:
        raise BadField("channelType", WRONG_VALUE)
    return reading.channel(named[0], "channelType") if named else Channel.ALL


def _address(person: Person) -> dict[str, Any]:
    return {"email": person.email, "businessUnit": person.business_unit}


def _failed(told: dict[str, Any], field: str, kind: str, status: int) -> web.Response:
    return _json({**told, "success": False, "errors": [{"field": field, "type": kind}]}, status)


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", charset="UTF-8")
