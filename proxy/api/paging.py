"""What the gate's own lists have in common: how many lines a page has, and no parameter that nobody reads.

A filter that is silently ignored shows what nobody asked for, so an unknown parameter is a fault.
"""

from __future__ import annotations

from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from proxy.api.describing import Parameter
from proxy.api.reading import UNKNOWN_VALUE, WRONG_VALUE, BadField

PAGE: Final = 100
LARGEST_PAGE: Final = 1000
LIMIT: Final = Parameter(
    "limit", f"lines of a page, {PAGE} if it is not given", Annotated[int, Field(ge=1, le=LARGEST_PAGE)]
)


def only(request: web.Request, known: frozenset[str]) -> None:
    """Refuse a parameter that is not known, or that stands twice; raises BadField."""
    for name in request.query:
        if name not in known or len(request.query.getall(name)) > 1:
            raise BadField(name, UNKNOWN_VALUE)


def limit(request: web.Request) -> int:
    """Give how many lines a page is to have; raises BadField."""
    return number(request, "limit", PAGE, 1, LARGEST_PAGE)


def number(request: web.Request, name: str, default: int, least: int, most: int | None = None) -> int:
    """Give a parameter that is a whole number within bounds; raises BadField."""
    text = request.query.get(name, str(default))
    if not is_number(text) or int(text) < least or (most is not None and int(text) > most):
        raise BadField(name, WRONG_VALUE)
    return int(text)


def is_number(text: str) -> bool:
    """Tell whether a text is a whole number that a row's id may be."""
    return text.isascii() and text.isdigit() and len(text) < 19
