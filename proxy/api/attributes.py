"""Attributes: declarations of traits (CrossEngage v1, "User Attribute Management").

Their faults have a shape of their own, `{"requestId", "message"}`, and their ids are numbers in a list and texts
everywhere else, because the contract has both and clients are written by its examples.
"""

from __future__ import annotations

import uuid
from functools import wraps
from typing import Annotated, Any, Final, get_args

from aiohttp import web
from pydantic import Field

from policy.store import attributes
from policy.store.attributes import Attribute, AttributeInUse, AttributeTaken, Numbered, UnknownAttribute
from proxy.api import paging, reading, shapes
from proxy.api.access import Handler, require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT
from proxy.api.describing import Answer, Operation, Parameter, described
from proxy.api.reading import NOT_NULL, UNKNOWN_VALUE, WRONG_FORMAT, WRONG_VALUE, BadField
from proxy.config import Scope

PAGE: Final = 10
LARGEST_PAGE: Final = 100
TYPES: Final = frozenset(get_args(shapes.AttributeType))
HOLD_OTHERS: Final = frozenset({"ARRAY", "OBJECT"})
PREFIX: Final = "traits."
PROTECTED: Final = ("_date", "_float", "_bool", "_string", "_nested", "_int")  # suffixes of the vendor's own index

_WRONG: Final = Answer("a field is not what it must be; nothing was taken", shapes.AttributeFault)
_UNKNOWN: Final = Answer("there is no such attribute")


def _faults(handler: Handler) -> Handler:
    """Tell what is wrong with a request in the shape of these endpoints."""

    @wraps(handler)
    async def told(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadField as fault:
            message = f"{fault.field}: {fault.kind}"
            return as_json({"requestId": str(uuid.uuid4()), "message": message}, 400)
        except UnknownAttribute:
            return web.Response(status=404)

    return told


@described(
    Operation(
        "Declares a trait; the same declaration again is answered with the same id.",
        Scope.USERS,
        body=shapes.DeclareAttribute,
        answers={200: Answer("it is declared", shapes.Declared), 400: _WRONG},
    )
)
@_faults
async def post(request: web.Request) -> web.Response:
    """Declare an attribute; one that is declared already, with the same types, is answered with its id."""
    require(request, Scope.USERS)
    wanted = _attribute(await reading.body(request))
    try:
        number = await request.app[CONTEXT].policy.note(attributes.declare(wanted))
    except AttributeTaken:
        raise BadField("name", WRONG_VALUE) from None
    except UnknownAttribute:
        raise BadField("parentName", UNKNOWN_VALUE) from None
    return as_json({**_told((number, wanted)), "success": True})


@described(
    Operation(
        "Lists the declared traits in the order they were declared in.",
        Scope.USERS,
        query=(
            Parameter("offset", "how many to pass over", Annotated[int, Field(ge=0)]),
            Parameter("limit", f"how many, {PAGE} if it is not given", Annotated[int, Field(ge=1, le=LARGEST_PAGE)]),
        ),
        answers={200: Answer("some of them", shapes.Attributes), 400: _WRONG},
    )
)
@_faults
async def get_list(request: web.Request) -> web.Response:
    """List attributes in the order they were declared in."""
    require(request, Scope.USERS)
    paging.only(request, frozenset({"offset", "limit"}))
    offset, limit = paging.number(request, "offset", 0, 0), paging.number(request, "limit", PAGE, 1, LARGEST_PAGE)
    found, total = await request.app[CONTEXT].policy.ask(attributes.page(offset, limit))
    return as_json({"attributes": [{**_told(each), "id": each[0]} for each in found], "total": str(total)})


@described(
    Operation(
        "Reads one declaration.",
        Scope.USERS,
        path={"id": int},
        answers={200: Answer("the declaration", shapes.Attribute), 404: _UNKNOWN},
    )
)
@_faults
async def get_one(request: web.Request) -> web.Response:
    """Answer one attribute by its id."""
    require(request, Scope.USERS)
    return as_json(_told(await request.app[CONTEXT].policy.ask(attributes.one(_number(request)))))


@described(
    Operation(
        "Takes a declaration away; profiles stay as they are.",
        Scope.USERS,
        path={"id": int},
        answers={
            204: Answer("it is no more"),
            404: _UNKNOWN,
            409: Answer("other attributes are nested in it"),
        },
    )
)
@_faults
async def delete(request: web.Request) -> web.Response:
    """Take a declaration away; 409, empty, while others are nested in it."""
    require(request, Scope.USERS)
    try:
        await request.app[CONTEXT].policy.note(attributes.remove(_number(request)))
    except AttributeInUse:
        return web.Response(status=409)
    return web.Response(status=204)


def _attribute(tree: dict[str, Any]) -> Attribute:
    parent = reading.text(tree, "parentName") or ""
    name = reading.text(tree, "name", required=True) or ""
    bare = name.removeprefix(PREFIX)
    if not bare or (not parent and bare == name) or name.endswith(PROTECTED):
        raise BadField("name", WRONG_FORMAT)
    kind, nested = _type(tree, "attributeType"), _type(tree, "nestedType")
    if not kind:
        raise BadField("attributeType", NOT_NULL)
    if nested and kind not in HOLD_OTHERS:
        raise BadField("nestedType", WRONG_VALUE)
    return Attribute(name, kind, nested, parent)


def _type(tree: dict[str, Any], field: str) -> str:
    named = reading.text(tree, field) or ""
    if named and named not in TYPES:
        raise BadField(field, UNKNOWN_VALUE)
    return named


def _number(request: web.Request) -> int:
    """Give the id in the path; raises UnknownAttribute for one that no attribute can have."""
    given = request.match_info["id"]
    if not paging.is_number(given):
        raise UnknownAttribute(given)
    return int(given)


def _told(numbered: Numbered) -> dict[str, Any]:
    number, attribute = numbered
    optional = {"nestedType": attribute.nested_type, "parentName": attribute.parent}
    told = {"id": str(number), "name": attribute.name, "attributeType": attribute.type}
    return {**told, **{name: value for name, value in optional.items() if value}}
