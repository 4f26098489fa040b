"""Blacklists of addresses: /api/v1.0/blacklists/ (Optimizely Profile Store API v1.0, "Use Blacklists").

An entry is `{BlacklistId, Email, Scope}`; beyond theirs it may have `Phone` in the place of `Email`, `Reason` and
`ExpiresAt`, which are shown only where they were told. Keys are written in capitals and read in either case. Lists are
`{total, count, items}` and are read by `$filter`, `$orderBy`, `$skip` and `$top` (querying.py).

An address is once on the blacklist of a scope: posted again it answers the entry that is there. An array of entries is
taken as a whole or not at all, as far as their being right goes; they are committed some hundred at a time, so that a
long one holds up nobody, and answered when all are. docs/blacklists.md has what their documents leave open.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from policy import UnknownEntry, blacklists
from policy.blacklists import BadEntry
from policy.events import Delisting, Listing, Origin
from policy.model import BlacklistEntry, Microseconds
from policy.store import blacklists as entries
from policy.times import Stated
from proxy.api import querying, reading, store_shapes
from proxy.api.access import Caller, require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import Answer, Operation, described
from proxy.api.reading import NOT_NULL, UNKNOWN_VALUE, WRONG_FORMAT, WRONG_VALUE, BadField
from proxy.config import Scope

MOST: Final = 10_000  # entries of one request
AT_ONCE: Final = 500  # entries of one transaction
FIELDS: Final = ("BlacklistId", "Email", "Phone", "Scope", "Reason", "ExpiresAt")

_NAMES: Final = {name.lower(): name for name in FIELDS}
_LENIENT: Final = "; blacklists.lenient_scopes takes capitals and hyphens"


@dataclass(frozen=True, slots=True)
class Rules:
    """What an entry is read by: who tells it, how strict the names of scopes are, and what time it is."""

    caller: Caller
    lenient: bool
    now: Microseconds


_WRONG: Final = Answer("a field is not what it must be; nothing was taken", store_shapes.ItemFaults)
_UNKNOWN: Final = Answer("there is no such entry")


@described(
    Operation(
        "Lists the entries of all blacklists, the oldest first unless an order is asked for.",
        Scope.BLACKLISTS,
        query=querying.PARAMETERS,
        answers={200: Answer("a page", store_shapes.Entries), 400: _WRONG},
    )
)
async def get_list(request: web.Request) -> web.Response:
    """Answer one page of the entries that are asked for."""
    require(request, Scope.BLACKLISTS)
    asked = await querying.selection(request, entries.FIELDS, tie="pk")
    page = await request.app[CONTEXT].policy.ask(entries.page(asked))
    return as_json(_envelope(page.entries, page.total))


@described(
    Operation(
        "Answers one entry.",
        Scope.BLACKLISTS,
        answers={200: Answer("the entry", store_shapes.Entry), 404: _UNKNOWN},
    )
)
async def get_one(request: web.Request) -> web.Response:
    """Answer one entry; raises UnknownEntry."""
    require(request, Scope.BLACKLISTS)
    return as_json(shown(await request.app[CONTEXT].policy.ask(entries.one(_entry_id(request)))))


@described(
    Operation(
        "Removes an entry.",
        Scope.BLACKLISTS,
        answers={200: Answer("it is gone"), 404: _UNKNOWN},
    )
)
async def delete(request: web.Request) -> web.Response:
    """Remove an entry: 200 without a body; raises UnknownEntry."""
    caller = require(request, Scope.BLACKLISTS)
    gone = Delisting(_entry_id(request), caller.origin or Origin.API, caller.name)
    await request.app[CONTEXT].learn([gone])
    return web.Response()


@described(
    Operation(
        "Removes the profiles of whom an entry stands for.",
        Scope.BLACKLISTS,
        answers={
            200: Answer("they are gone; the entry stays", store_shapes.Cleared),
            404: Answer("it stands for nobody who is there, or there is no such entry"),
        },
    )
)
async def clear_user_data(request: web.Request) -> web.Response:
    """Remove the profiles of whom an entry stands for, at once, and leave their events to the night."""
    caller = require(request, Scope.BLACKLISTS)
    context = request.app[CONTEXT]
    entry_id = _entry_id(request)
    units = context.config().profiles.units
    origin = caller.origin or Origin.API
    removed = await context.policy.remove_listed_by(entry_id, units, origin=origin, source=caller.name)
    context.removed("request", removed)
    if not removed:
        return web.Response(status=404)
    entry = await context.policy.ask(entries.one(entry_id))
    return as_json({**shown(entry), "ProfilesRemoved": removed})


@described(
    Operation(
        "Puts an address on a blacklist, or each of an array.",
        Scope.BLACKLISTS,
        body=store_shapes.NewEntry | list[store_shapes.NewEntry],
        answers={
            200: Answer("all of it was there already", store_shapes.Entry | store_shapes.Entries),
            201: Answer("some of it is new; committed", store_shapes.Entry | store_shapes.Entries),
            400: _WRONG,
        },
    )
)
async def post(request: web.Request) -> web.Response:
    """Put an address on a blacklist, or each of an array: 201 if any was new, else 200."""
    caller = require(request, Scope.BLACKLISTS)
    context = request.app[CONTEXT]
    tree = await reading.tree(request)
    rules = Rules(caller, context.config().blacklists.lenient_scopes, context.policy.now())
    several = isinstance(tree, list)
    listings, faults = await asyncio.to_thread(_read, _items(tree), rules)
    if faults:
        return _refused(faults, several=several)
    learned = []
    for start in range(0, len(listings), AT_ONCE):
        learned += await context.learn(listings[start : start + AT_ONCE])
    told = [each.entry for each in learned if each.entry is not None]
    status = 200 if all(each.repeat for each in learned) else 201
    return as_json(_envelope(told, len(told)) if several else shown(told[0]), status)


def shown(entry: BlacklistEntry) -> dict[str, Any]:
    """Write an entry as the contract has it, and what is beyond it where it was told."""
    phone = blacklists.is_phone(entry.address)
    told = {
        "BlacklistId": entry.id,
        "Email": None if phone else entry.address,
        "Scope": entry.scope or None,
    }
    beyond = {"Phone": entry.address if phone else "", "Reason": entry.reason, "ExpiresAt": entry.expires}
    return told | {name: value for name, value in beyond.items() if value}


# Reading


def _items(tree: Any) -> list[Any]:
    if not isinstance(tree, list):
        return [tree]
    if not 1 <= len(tree) <= MOST:
        raise BadField("body", WRONG_VALUE, says=f"an array has 1 to {MOST} entries")
    return tree


def _read(items: Sequence[Any], rules: Rules) -> tuple[list[Listing], list[tuple[int, BadField]]]:
    """Read entries, and give the faults of those that are wrong with their positions."""
    listings: list[Listing] = []
    faults: list[tuple[int, BadField]] = []
    for number, item in enumerate(items):
        try:
            listings.append(_listing(item, rules))
        except BadField as fault:
            faults.append((number, fault))
    return listings, faults


def _listing(item: Any, rules: Rules) -> Listing:
    tree = _fields(item)
    address, keys = _address(tree)
    return Listing(
        id=str(uuid.uuid4()),
        address=address,
        keys=keys,
        scope=_scope(tree, rules),
        reason=reading.text(tree, "Reason") or "",
        expires=_expiry(tree, rules),
        origin=rules.caller.origin or Origin.API,
        source=rules.caller.name,
    )


def _fields(item: Any) -> dict[str, Any]:
    """Give the fields of an entry by their own names, however they are capitalised; an id is given by nobody else."""
    if not isinstance(item, dict):
        raise BadField("body", WRONG_FORMAT, says="an entry is an object")
    tree = {_NAMES.get(name.lower(), ""): value for name, value in item.items()}
    if "" in tree or len(tree) < len(item):
        raise BadField("body", UNKNOWN_VALUE, says=f"an entry has {', '.join(FIELDS)}, each once, and nothing else")
    return tree


def _address(tree: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    email, phone = reading.text(tree, "Email") or "", reading.text(tree, "Phone") or ""
    if not email and not phone:
        raise BadField("Email", NOT_NULL, says="an entry has an Email or a Phone")
    if email and phone:
        raise BadField("Phone", WRONG_VALUE, says="an entry has an Email or a Phone, not both")
    try:
        return (email or phone).strip(), blacklists.email_keys(email) if email else blacklists.phone_keys(phone)
    except BadEntry as rule:
        raise BadField("Email" if email else "Phone", WRONG_FORMAT, says=str(rule)) from None


def _scope(tree: dict[str, Any], rules: Rules) -> str:
    """Give the scope of an entry, empty where none is named, or nothing but blanks."""
    scope = reading.text(tree, "Scope") or ""
    if not scope.strip():
        return ""
    try:
        blacklists.check_scope(scope, lenient=rules.lenient)
    except BadEntry as rule:
        raise BadField("Scope", WRONG_FORMAT, says=f"{rule}{'' if rules.lenient else _LENIENT}") from None
    return scope


def _expiry(tree: dict[str, Any], rules: Rules) -> Stated | None:
    text = reading.text(tree, "ExpiresAt")
    try:
        expires = reading.stated(text or None, "ExpiresAt")
    except BadField:
        says = "it must be a time with its zone, such as 2030-01-31T00:00:00Z"
        raise BadField("ExpiresAt", WRONG_FORMAT, says=says) from None
    if expires is not None and expires.last < rules.now:
        raise BadField("ExpiresAt", WRONG_VALUE, says="this time is over, and the entry would stop nothing")
    return expires


def _entry_id(request: web.Request) -> str:
    """Give the id in the path; raises UnknownEntry for what can be none."""
    given = request.match_info["id"].lower()
    if not given.isascii():
        raise UnknownEntry
    return given


# Answering


def _envelope(told: Sequence[BlacklistEntry], total: int) -> dict[str, Any]:
    return {"total": total, "count": len(told), "items": [shown(entry) for entry in told]}


def _refused(faults: Sequence[tuple[int, BadField]], *, several: bool) -> web.Response:
    """Answer what is wrong: the first fault, and of an array all of them, each with its position."""
    told = [{**({"item": number} if several else {}), **fault.told()} for number, fault in faults]
    return as_json({**told[0], **({"faults": told} if several else {})}, 400)
