"""What stands beside a handler: what it takes and answers, in types.

    @described(Operation("tells …", Scope.USERS, body=OptOut, answers={200: Answer("committed", OptOut)}))
    async def put_optout_status(request): …

openapi.py makes the document of the whole API from these and the route table. What all endpoints have in common (no
key, a scope that is missing, a store that cannot be read) stands there and not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from proxy.api import shapes
from proxy.api.access import Handler
from proxy.config import Scope

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One status: when it is given, and the type of its body by its media type; None for an empty body."""

    says: str
    shape: Any = None
    media: tuple[str, ...] = (JSON,)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, its type, and whether it must stand."""

    name: str
    says: str
    shape: Any
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint. `scope` is None where any key will do; `path` are the types of names in it that are no texts."""

    says: str
    scope: Scope | None
    answers: Mapping[int, Answer]
    body: Any = None
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    path: Mapping[str, Any] = field(default_factory=dict)
    public: bool = False  # no key is asked


WRONG: Final = Answer("a field is not what it must be; nothing was taken", shapes.Fault)
NO_RELEASE: Final = Answer("the key may not release; empty where its scopes do not reach at all", shapes.Fault)
UNKNOWN_USER: Final = Answer("nobody has this id")
CURSOR: Final = Parameter("cursor", "where the page before ended: its `next`", str)

_described: dict[Handler, Operation] = {}
OPERATIONS: Final[Mapping[Handler, Operation]] = MappingProxyType(_described)


def described(operation: Operation) -> Callable[[Handler], Handler]:
    """Put a description beside a handler."""

    def note(handler: Handler) -> Handler:
        _described[handler] = operation
        return handler

    return note
