"""Users and their standing (CrossEngage v1, "Users", "Blacklist Endpoint", "Opt-out Endpoint", "Recipient status").

The status endpoints know full users only, as the contract says: 404 with an empty body for everybody else. Setting a
status is the same as telling the event: both end in the journal as Blacklisted, Whitelisted, Opt Out or Opt In.

Deleting a user deletes the standing, so it releases: for a caller without that scope the standing is kept as a hash.

A profile's fields that are not given stay as they are, and null takes one away: whichever way a caller meant a missing
e-mail, a suppression is not lost.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from policy import AddressListed, AddressTaken
from policy.events import Departure, Origin, Subject, Told, Word
from policy.model import Channel, Standing
from policy.store import lookups
from policy.store.people import Person
from policy.store.surveying import Whom
from proxy.api import erasing, paging, profiles, reading, shapes
from proxy.api.access import require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import NO_RELEASE, UNKNOWN_USER, WRONG, Answer, Operation, Parameter, described
from proxy.api.reading import BLACKLISTED, MISSING_SCOPE, WRONG_VALUE, BadField
from proxy.config import Scope

_CHANNEL: Final = Parameter("channelType", "of this channel; of ALL if it is not given", Channel)


def _status(says: str, shape: Any, body: Any = None, query: tuple[Parameter, ...] = ()) -> Operation:
    """Describe one of the endpoints of a user's standing."""
    answers = {200: Answer("told, or committed", shape), 400: WRONG, 404: UNKNOWN_USER}
    releases = {} if body is None else {403: NO_RELEASE}
    return Operation(says, Scope.USERS, {**answers, **releases}, body, query)


@described(_status("Tells whether a user is blacklisted.", shapes.BlacklistStatus))
async def get_blacklist_status(request: web.Request) -> web.Response:
    require(request, Scope.USERS)
    standing = await _standing(request)
    return as_json({"blacklisted": standing.blacklisted is not None})


@described(_status("Blacklists a user, or undoes it.", shapes.BlacklistStatus, shapes.SetBlacklist))
async def put_blacklist_status(request: web.Request) -> web.Response:
    require(request, Scope.USERS)
    blacklisted = reading.flag(await reading.body(request), "blacklisted")
    await _tell(request, Word.BLACKLISTED if blacklisted else Word.WHITELISTED, "blacklisted", release=not blacklisted)
    return as_json({"blacklisted": blacklisted})


@described(_status("Tells whether a user opted out.", shapes.OptOutStatus, query=(_CHANNEL,)))
async def get_optout_status(request: web.Request) -> web.Response:
    require(request, Scope.USERS)
    channel = _channel(request)
    standing = await _standing(request)
    return as_json({"optOut": channel in standing.opt_outs})


@described(_status("Opts a user out, or in again.", shapes.OptOutStatus, shapes.SetOptOut, (_CHANNEL,)))
async def put_optout_status(request: web.Request) -> web.Response:
    require(request, Scope.USERS)
    channel = _channel(request)
    opt_out = reading.flag(await reading.body(request), "optOut")
    await _tell(request, Word.OPT_OUT if opt_out else Word.OPT_IN, "optOut", release=not opt_out, channel=channel)
    return as_json({"optOut": opt_out})


@described(_status("Tells a user's whole standing.", shapes.RecipientStatus))
async def get_recipient_status(request: web.Request) -> web.Response:
    """Answer what judging would find for this user alone; 404 for an unknown one, where the contract is silent."""
    require(request, Scope.USERS)
    standing = await _standing(request)
    channels = sorted(channel for channel in standing.opt_outs if channel is not Channel.ALL)
    return as_json(
        {
            "blacklisted": standing.blacklisted is not None,
            "optOutAll": Channel.ALL in standing.opt_outs,
            "optOutChannels": channels,
        }
    )


@described(_status("Reads a profile.", shapes.Profile))
async def get_user(request: web.Request) -> web.Response:
    require(request, Scope.USERS)
    return as_json(profiles.answer(await request.app[CONTEXT].policy.ask(lookups.shown(external_id(request)))))


@described(
    Operation(
        "Writes a profile; fields that are not given stay as they are.",
        Scope.USERS,
        body=shapes.WriteProfile,
        answers={
            200: Answer("it is written", shapes.Written, headers=profiles.IGNORED_TELLS),
            400: Answer("it is not written", shapes.NotWritten | shapes.Fault),
            403: Answer("an address in it is on a blacklist (blacklists.guard_users)", shapes.NotWritten),
            409: Answer("the id in the body is another one", shapes.NotWritten),
        },
    )
)
async def put_user(request: web.Request) -> web.Response:
    """Write a profile; 409 if the body names another id, 400 for an e-mail that is none or is another user's."""
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    tree = await reading.body(request)
    user_id = external_id(request)
    if reading.text(tree, "id") not in (None, user_id):
        return _failed({"id": user_id, "xngId": None}, "id", "user_IDS_MISMATCH", 409)
    try:
        written = profiles.user(user_id, tree, context.config().users.phone_traits, caller)
        await context.learn_profile(written.events)
    except AddressTaken:
        return await _refused_profile(request, "email", WRONG_VALUE)
    except AddressListed as listed:
        return await _refused_profile(request, listed.field, BLACKLISTED, 403)
    except BadField as fault:
        return await _refused_profile(request, fault.field, fault.kind)
    person = await _person(request)
    answer = as_json({"id": person.id, "xngId": person.xng_id, **_address(person), "success": True})
    if written.ignored:
        context.learned((word, "ignored") for word in written.ignored.values())
        answer.headers[profiles.IGNORED] = ", ".join(written.ignored)
    return answer


@described(
    Operation(
        "Tells everything that is held about a user.",
        Scope.USERS,
        answers={200: erasing.HELD, 400: WRONG, 404: UNKNOWN_USER},
    )
)
async def get_export(request: web.Request) -> web.Response:
    """Tell everything that is held about a user, or about one who was deleted, by the id alone."""
    paging.only(request, frozenset())
    return await erasing.held(request, Whom(id=external_id(request)))


async def erase_user(request: web.Request) -> web.Response:
    """Erase a user by the id; raises UnknownUser."""
    return await erasing.erase(request, Whom(id=external_id(request)))


async def delete_user(request: web.Request) -> web.Response:
    return await _delete(request, user_id=external_id(request))


@described(
    Operation(
        "Deletes a user or lead by the internal id.",
        Scope.USERS,
        query=(erasing.ERASE,),
        answers={200: erasing.ERASED, 204: Answer("deleted"), 400: WRONG, 404: Answer("nobody has this id")},
    )
)
async def delete_by_xng_id(request: web.Request) -> web.Response:
    """Delete anybody, leads included, by the internal id."""
    if erasing.wanted(request):
        return await erasing.erase(request, Whom(xng_id=request.match_info["xngId"]))
    return await _delete(request, xng_id=request.match_info["xngId"])


async def _delete(request: web.Request, *, user_id: str | None = None, xng_id: str | None = None) -> web.Response:
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    keep = profiles.keeps(context, caller)
    await context.learn([Departure(user_id, xng_id, keep_suppressed=keep, source=caller.name)])
    return web.Response(status=204)


async def _refused_profile(request: web.Request, field: str, kind: str, status: int = 400) -> web.Response:
    (person,) = await request.app[CONTEXT].policy.ask(lookups.each([Subject(id=external_id(request))]))
    told: dict[str, Any] = {"id": external_id(request), "xngId": person.xng_id if person else None}
    return _failed({**told, **(_address(person) if person else {})}, field, kind, status)


async def _tell(request: web.Request, word: Word, field: str, *, release: bool, channel: Channel = Channel.ALL) -> None:
    """Set a status by telling the event; raises UnknownUser, and BadField (403) for a release without the scope."""
    caller = require(request, Scope.USERS)
    if release and not caller.may(Scope.RELEASE):
        raise BadField(field, MISSING_SCOPE, 403)
    await _person(request)
    told = Told(
        subject=Subject(id=external_id(request)),
        name=word,
        word=word,
        origin=caller.origin or Origin.API,
        channel=channel,
        source=caller.name,
    )
    await request.app[CONTEXT].learn([told])


async def _person(request: web.Request) -> Person:
    return await request.app[CONTEXT].policy.ask(lookups.user(external_id(request)))


async def _standing(request: web.Request) -> Standing:
    return await request.app[CONTEXT].policy.ask(lookups.standing(external_id(request)))


def external_id(request: web.Request) -> str:
    """Give the id in the path; raises BadField for one that is too long or no text."""
    given = request.match_info["id"]
    if len(given.encode("utf-8", "surrogatepass")) > reading.LONGEST_TEXT or "\x00" in given:
        raise BadField("id", WRONG_VALUE)
    try:
        given.encode()
    except UnicodeEncodeError:
        raise BadField("id", WRONG_VALUE) from None
    return given


def _channel(request: web.Request) -> Channel:
    paging.only(request, frozenset({"channelType"}))
    named = request.query.getall("channelType", [])
    if len(named) > 1:
        raise BadField("channelType", WRONG_VALUE)
    return reading.channel(named[0], "channelType") if named else Channel.ALL


def _address(person: Person) -> dict[str, Any]:
    return {"email": person.email, "businessUnit": person.business_unit}


def _failed(told: dict[str, Any], field: str, kind: str, status: int) -> web.Response:
    return as_json({**told, "success": False, "errors": [{"field": field, "type": kind}]}, status)
