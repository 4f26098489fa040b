"""Scopes: /api/v1.0/scopes (Optimizely Profile Store API v1.0, "Scopes").

A scope is `{ScopeId, Description}`. There are the default one, those that the configuration gives a business unit, and
up to twenty that were declared here. Profiles are written in scopes that there are; blacklists and tracking events need
no such thing, because nothing that is kept out may depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from policy import blacklists
from policy.blacklists import BadEntry
from policy.scopes import DEFAULT
from policy.store import scopes
from policy.store.scopes import TooManyScopes
from proxy.api import paging, reading, store_shapes
from proxy.api.access import require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT, Context
from proxy.api.describing import Answer, Operation, described
from proxy.api.reading import UNKNOWN_VALUE, WRONG_FORMAT, WRONG_VALUE, BadField
from proxy.config import Scope

LONGEST: Final = 256  # characters of a description
_DEFAULT_TELLS: Final = "what names no scope"
_WRONG: Final = Answer(
    "the id or the description is not what it must be, or there are too many", store_shapes.ItemFault
)


@described(
    Operation(
        "Lists the scopes that there are.",
        Scope.USERS,
        answers={200: Answer("the scopes", store_shapes.Scopes), 400: _WRONG},
    )
)
async def get_list(request: web.Request) -> web.Response:
    """Answer all scopes, the default one first."""
    require(request, Scope.USERS)
    paging.only(request, frozenset())
    items = [_shown(name, description) for name, description in (await known(request.app[CONTEXT])).items()]
    return as_json({"total": len(items), "count": len(items), "items": items})


@described(
    Operation(
        "Reads one scope.",
        Scope.USERS,
        answers={200: Answer("the scope", store_shapes.Scope), 404: Answer("there is no such scope")},
    )
)
async def get_one(request: web.Request) -> web.Response:
    """Answer one scope, in whichever case it is asked for."""
    require(request, Scope.USERS)
    found = named(await known(request.app[CONTEXT]), request.match_info["id"])
    return web.Response(status=404) if found is None else as_json(_shown(*found))


@described(
    Operation(
        "Declares a scope, or describes it anew.",
        Scope.USERS,
        body=store_shapes.DescribeScope,
        answers={
            200: Answer("described anew", store_shapes.Scope),
            201: Answer("declared", store_shapes.Scope),
            400: _WRONG,
        },
    )
)
async def put(request: web.Request) -> web.Response:
    """Declare a scope: 201 if it is new, else 200."""
    require(request, Scope.USERS)
    context = request.app[CONTEXT]
    name, description = _name(request, context), _description(await reading.body(request))
    found = named(await known(context), name)
    try:
        new = await context.policy.note(scopes.declare(found[0] if found else name, description))
    except TooManyScopes:
        raise BadField("ScopeId", WRONG_VALUE, says=f"there are {scopes.MOST} scopes already") from None
    return as_json(_shown(found[0] if found else name, description), 201 if new and found is None else 200)


async def known(context: Context) -> dict[str, str]:
    """Give the scopes that there are, with their descriptions."""
    declared = await context.policy.ask(scopes.described)
    configured = dict.fromkeys(context.config().profiles.business_units, "")
    return {DEFAULT: _DEFAULT_TELLS, **configured, **declared}


def named(there: Mapping[str, str], name: str) -> tuple[str, str] | None:
    """Find a scope by its name in any case."""
    return next((item for item in there.items() if item[0].lower() == name.lower()), None)


def _name(request: web.Request, context: Context) -> str:
    name = request.match_info["id"]
    try:
        blacklists.check_scope(name, lenient=context.config().blacklists.lenient_scopes)
    except BadEntry as rule:
        raise BadField("ScopeId", WRONG_FORMAT, says=str(rule)) from None
    if name.lower() == DEFAULT:
        raise BadField("ScopeId", WRONG_VALUE, says="the default scope is as it is")
    return name


def _description(tree: dict[str, Any]) -> str:
    told = {name.lower(): value for name, value in tree.items()}
    if unknown := told.keys() - {"scopeid", "description"}:
        raise BadField(next(iter(unknown)), UNKNOWN_VALUE, says="a scope has a Description and nothing else")
    description = reading.text(told, "description") or ""
    if len(description) > LONGEST:
        raise BadField("Description", WRONG_VALUE, says=f"a description has up to {LONGEST} characters")
    return description


def _shown(name: str, description: str) -> dict[str, str]:
    return {"ScopeId": name, "Description": description}
