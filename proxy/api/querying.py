"""`$filter`, `$orderBy`, `$skip` and `$top`: what part of a list of Optimizely's APIs is asked for.

    asked = await querying.selection(request, FIELDS, tie="pk")

Names of parameters are read in any case, as their clients write `$orderBy` and `$orderby`. Whatever else stands in the
query is a fault, and every fault of a filter tells the character at which it is. A client whose `+` came unescaped asks
with a blank: whoever reads addresses and times tells it so, because an empty list would say that nobody is on it.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field as Bounds

from policy import queries
from policy.queries import BadQuery
from policy.store.querying import Fields, Selection, ordered, where
from proxy.api import paging
from proxy.api.describing import Parameter
from proxy.api.reading import UNKNOWN_VALUE, WRONG_FORMAT, WRONG_VALUE, BadField

TOP: Final = 100
WINDOW: Final = 10_000  # $skip + $top are fewer ("Filtering, paging, and sorting")
PARAMETERS: Final = (
    Parameter("$filter", "which: fields compared by eq, ne, gt, ge, lt, le, joined by and, or, not", str),
    Parameter("$orderBy", "fields, each with asc or desc, parted by commas", str),
    Parameter("$skip", "how many to pass over", Annotated[int, Bounds(ge=0)]),
    Parameter("$top", f"how many to show, {TOP} if it is not given", Annotated[int, Bounds(ge=0)]),
)

_NAMES: Final = frozenset({"$filter", "$orderby", "$skip", "$top"})
_LONG: Final = 500  # characters; a longer one would hold up the loop while it is read


async def selection(request: web.Request, fields: Fields, tie: str) -> Selection:
    """Read what a request asks for; raises BadField. `tie` is the unique column that ends every order."""
    told = _told(request)
    skip, top = _number(told, "$skip", 0), _number(told, "$top", TOP)
    if skip + top >= WINDOW:
        raise BadField("$top", WRONG_VALUE, says=f"$skip + $top must be less than {WINDOW}")
    if len(request.query_string) <= _LONG:
        return _read(told, fields, tie, skip, top)
    return await asyncio.to_thread(_read, told, fields, tie, skip, top)


def _told(request: web.Request) -> dict[str, tuple[str, str]]:
    """Give each parameter by its name in lower case: as its client names it, and its value."""
    told: dict[str, tuple[str, str]] = {}
    for name, value in request.query.items():
        if name.lower() not in _NAMES or name.lower() in told:
            raise BadField(name, UNKNOWN_VALUE)
        told[name.lower()] = name, value
    return told


def _read(told: dict[str, tuple[str, str]], fields: Fields, tie: str, skip: int, top: int) -> Selection:
    name = "$filter"
    try:
        name, text = told.get("$filter", ("$filter", ""))
        meant = where(queries.parse(text), fields)
        name, text = told.get("$orderby", ("$orderBy", ""))
        return Selection(meant, ordered(queries.parse_order(text), fields, tie), skip, top)
    except BadQuery as fault:
        raise BadField(name, WRONG_FORMAT, says=str(fault)) from None


def _number(told: dict[str, tuple[str, str]], name: str, standard: int) -> int:
    named, text = told.get(name, (name, str(standard)))
    if not paging.is_number(text):
        raise BadField(named, WRONG_VALUE, says="it must be a whole number")
    return int(text)
