"""Users in CrossEngage's second version: told at once, asked for later.

The contract is asynchronous: 202 with a tracking id, and what became of it is asked for. The gate writes before it
answers, because a no must be in force when it is acknowledged; so a request has always been processed when its id is
given (tracking_ids.py).

What is wrong with the form of a request is answered at once, with every fault in it (envelope.py). What is wrong with
what it asks for is an error in the tracking: a profile with an e-mail and unit of another user is not written then. But
202 was answered, and a no among its traits was acknowledged with it: so its noes are taken all the same, for the id and
for its addresses, numbers among them.

A profile with an address on a blacklist is a fault like those of the form, though it is found later: it is told in the
answer, and nothing of it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import Any, Final, Literal

from aiohttp import web

from policy import AddressListed, AddressTaken, UnknownUser, identity
from policy.events import SUPPRESSES, Departure, Event, Profile, Subject, Told, Word
from policy.store import lookups
from proxy.api import batch, envelope, erasing, profiles, reading, shapes, tracking_ids, users
from proxy.api.access import Caller, Handler, require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT, Context
from proxy.api.describing import UNKNOWN_USER, Answer, Operation, Parameter, described
from proxy.api.envelope import Code
from proxy.api.reading import BLACKLISTED, NOT_NULL, WRONG_VALUE, BadField
from proxy.api.tracking_ids import Ended
from proxy.api.versions import HEADER, by_version
from proxy.config import Scope

Check = tuple[Code, Callable[[], object]]  # what is wrong if the check raises BadField

_KEY: Final = "\x00tracking"  # no address, so no digest of one

_ACCEPTED: Final = Answer("processed (second version)", shapes.Accepted, headers=profiles.IGNORED_TELLS)
_VERSION: Final = Parameter(HEADER, "the version of the contract; the first if it is not given", Literal["1", "2"])


@dataclass(slots=True)
class Item:
    """One user of a request, with the pointer to them: what is told of them, or what is wrong with it."""

    within: str = ""
    events: tuple[Event, ...] = ()
    subject: Subject = field(default_factory=Subject)
    ignored: tuple[Word, ...] = ()
    traits: tuple[str, ...] = ()  # that were ignored
    faults: list[dict[str, Any]] = field(default_factory=list)


def _enveloped(handler: Handler) -> Handler:
    """Tell what is wrong with a body as a whole in the second version's shape."""

    @wraps(handler)
    async def told(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadField as found:
            code = Code.INVALID_JSON if found.field == "body" else Code.INVALID_FIELD
            return as_json(envelope.enveloped([envelope.fault(code, found)]), 400)

    return told


@described(
    Operation(
        "Writes a profile (second version).",
        Scope.USERS,
        body=shapes.WriteUser,
        answers={
            202: _ACCEPTED,
            400: Answer("nothing was taken", shapes.Faults),
            403: Answer("an address in it is on a blacklist (blacklists.guard_users)", shapes.Faults),
        },
    )
)
@_enveloped
async def put_user(request: web.Request) -> web.Response:
    """Write one user, who is named by the body's id; the e-mail must be told as well."""
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    item = _written(await reading.body(request), "", context, caller)
    if item.faults:
        return as_json(envelope.enveloped(item.faults), 400)
    accepted = await _accepted(context, [item])
    return as_json(envelope.enveloped(item.faults), 403) if item.faults else accepted


@_enveloped
async def _delete_user(request: web.Request) -> web.Response:
    """Delete a user; one who is not there is deleted as well as can be."""
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    gone = Departure(users.external_id(request), keep_suppressed=profiles.keeps(context, caller), source=caller.name)
    return await _accepted(context, [Item(events=(gone,))])


@_enveloped
async def _post_batch(request: web.Request) -> web.Response:
    """Write and delete up to 1000 users; those with faults are named and stop no other."""
    caller = require(request, Scope.USERS)
    context = request.app[CONTEXT]
    tree = await reading.body(request)
    updated, deleted = batch.lists(tree)
    if len(updated) + len(deleted) > batch.MOST:
        found = BadField("updated", WRONG_VALUE)
        return as_json(envelope.enveloped([envelope.fault(Code.BATCH_TOO_LARGE, found)]), 400)
    items = [_written(each, f"/updated/{at}", context, caller) for at, each in enumerate(updated)]
    items += [_deleted(each, f"/deleted/{at}", context, caller) for at, each in enumerate(deleted)]
    _refuse_twins(items)
    return await _accepted(context, items)


@described(
    Operation(
        "Reads the profile of who has an e-mail in a business unit, or in none.",
        Scope.USERS,
        answers={200: Answer("the profile", shapes.Profile), 404: Answer("nobody has them")},
    )
)
async def get_by_email(request: web.Request) -> web.Response:
    """Read the profile of whoever has an e-mail and unit, leads included; 404 for what is no address."""
    require(request, Scope.USERS)
    keys = identity.email_keys(request.match_info["email"])
    unit = request.match_info.get("bu", "")
    if not keys or not _is_text(unit):
        raise UnknownUser
    return as_json(profiles.answer(await request.app[CONTEXT].policy.ask(lookups.shown_by_email(keys[0], unit))))


@described(
    Operation(
        "Tells how a request of the second version ended.",
        Scope.USERS,
        answers={200: Answer("how it ended", shapes.Tracking), 404: Answer("unknown, or older than 24 hours")},
    )
)
async def get_track(request: web.Request) -> web.Response:
    """Tell how a request ended; 404 for an id that nobody was given, or whose time is over."""
    require(request, Scope.USERS)
    context = request.app[CONTEXT]
    ended = tracking_ids.read(_tracking_key(context), request.match_info["trackingId"], context.policy.now())
    if ended is None:
        return web.Response(status=404)
    numbers = {"total": ended.total, "success": ended.total - ended.errors, "error": ended.errors}
    return as_json({"stage": "PROCESSED", **numbers})


# ── what both versions have ──

delete_user: Final = described(
    Operation(
        "Deletes a user.",
        Scope.USERS,
        query=(erasing.ERASE,),
        headers=(_VERSION,),
        answers={
            200: erasing.ERASED,
            202: _ACCEPTED,
            204: Answer("deleted (first version)"),
            400: Answer("no such id or version", shapes.Fault | shapes.Faults),
            404: UNKNOWN_USER,
        },
    )
)(erasing.if_wanted(users.erase_user, by_version(users.delete_user, _delete_user)))

post_batch: Final = described(
    Operation(
        "Writes and deletes up to 1000 users.",
        Scope.USERS,
        body=shapes.Batch,
        headers=(_VERSION,),
        answers={
            200: Answer("all went well (first version)", shapes.Results, headers=profiles.IGNORED_TELLS),
            202: _ACCEPTED,
            400: Answer(
                "some item was wrong (first version), or the whole",
                shapes.Results | shapes.Fault | shapes.Faults,
                headers=profiles.IGNORED_TELLS,
            ),
        },
    )
)(by_version(batch.post_users, _post_batch))


# ── reading ──


def _written(tree: dict[str, Any], within: str, context: Context, caller: Caller) -> Item:
    traits = context.config().users.phone_traits
    faults = [envelope.fault(code, found, within) for code, found in _faults(tree, traits)]
    if faults:
        return Item(within, faults=faults)
    user_id = _required(tree, "id")
    told = profiles.user(user_id, tree, traits, caller)
    return Item(within, told.events, Subject(id=user_id), tuple(told.ignored.values()), tuple(told.ignored))


def _faults(tree: dict[str, Any], phone_traits: tuple[str, ...]) -> Iterator[tuple[Code, BadField]]:
    """Find everything that is wrong with a profile, once for each field."""
    checks: list[Check] = [
        (Code.INVALID_FIELD, partial(_required, tree, "id")),
        (Code.IDENTIFIER_MISMATCH, partial(reading.external_id, tree)),
        (Code.INVALID_EMAIL, partial(_email, tree)),
        (Code.INVALID_BUSINESS_UNIT, partial(reading.text, tree, "businessUnit")),
        *((Code.INVALID_PHONE, partial(profiles.phones, tree, (name,))) for name in phone_traits),
        *(
            (Code.INVALID_ATTRIBUTE_TYPE, partial(profiles.flag, tree, name))
            for name in sorted(profiles.FLAGS & tree.keys())
        ),
    ]
    fields: set[str] = set()
    for code, check in checks:
        try:
            check()
        except BadField as found:
            if found.field not in fields:
                yield code, found
            fields.add(found.field)


def _email(tree: dict[str, Any]) -> None:
    reading.email_keys(_required(tree, "email"))


def _required(tree: dict[str, Any], name: str) -> str:
    told = reading.text(tree, name)
    if not told:
        raise BadField(name, NOT_NULL)
    return told


def _deleted(tree: dict[str, Any], within: str, context: Context, caller: Caller) -> Item:
    try:
        subject, told = batch.departure(tree, caller, keep=profiles.keeps(context, caller))
    except BadField as found:
        return Item(within, faults=[envelope.fault(Code.INVALID_FIELD, found, within)])
    return Item(within, told.events, subject)


def _refuse_twins(items: Sequence[Item]) -> None:
    """Refuse an item about the same person as an earlier one: nobody can say which of the two was meant."""
    seen: set[Subject] = set()
    for item in items:
        if item.events and item.subject in seen:
            item.events, item.traits, item.ignored = (), (), ()
            item.faults.append(envelope.fault(Code.INVALID_FIELD, BadField("id", WRONG_VALUE), item.within))
        seen.add(item.subject)


def _is_text(given: str) -> bool:
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


# ── writing ──


async def _accepted(context: Context, items: Sequence[Item]) -> web.Response:
    """Write what can be written, and answer with the id under which it is told how that went."""
    sound = [item for item in items if not item.faults]
    failed = await _learn(context, sound)
    faults = [fault for item in items for fault in item.faults]
    ended = Ended(context.policy.now(), len(items), len(items) - len(sound) + failed)
    told = {"trackingId": tracking_ids.make(_tracking_key(context), ended)}
    answer = as_json({**told, **envelope.enveloped(faults)} if faults else told, 202)
    ignored = {trait for item in sound if not item.faults for trait in item.traits}
    if ignored:
        answer.headers[profiles.IGNORED] = ", ".join(sorted(ignored))
    return answer


async def _learn(context: Context, items: Sequence[Item]) -> int:
    """Learn what is told, and say of how many it could not be; the noes of a profile with another's address are."""
    results = await context.learn_each([item.events for item in items], context.guard()) if items else []
    context.learned(
        (word, "ignored")
        for item, result in zip(items, results, strict=True)
        if not isinstance(result, Exception)
        for word in item.ignored
    )
    for item, result in zip(items, results, strict=True):
        if isinstance(result, AddressListed):
            listed = BadField(result.field, BLACKLISTED)
            item.faults.append(envelope.fault(Code.PROCESSING_FAILED, listed, item.within))
    taken = [item for item, result in zip(items, results, strict=True) if isinstance(result, AddressTaken)]
    noes = [noes for item in taken if (noes := tuple(_noes(item.events)))]
    if noes:
        await context.learn_each(noes)
    return sum(isinstance(result, AddressTaken | AddressListed) for result in results)


def _noes(events: Sequence[Event]) -> Iterator[Told]:
    """Give what a profile suppresses, about its id and about the addresses that it claims."""
    claimed = next(event for event in events if isinstance(event, Profile))
    for event in events:
        if isinstance(event, Told) and event.word is not None and SUPPRESSES[event.word]:
            unit = claimed.business_unit or ""
            subject = replace(event.subject, email=claimed.email, email_keys=claimed.email_keys, business_unit=unit)
            yield replace(event, subject=subject)
            for phone, keys in filter(None, claimed.phones.values()):
                yield replace(event, subject=replace(event.subject, phone=phone, phone_keys=keys))


def _tracking_key(context: Context) -> bytes:
    return context.policy.database.digests.digest(_KEY)
