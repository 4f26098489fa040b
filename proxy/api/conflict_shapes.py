"""The bodies that tell of conflicts with providers' own lists, as types (see shapes.py)."""

from __future__ import annotations

from typing_extensions import TypedDict

from policy.events import ConflictKind
from policy.model import Channel
from proxy.api.shapes import Moment, whole


@whole
class HoldersConflict(TypedDict):
    """On which a provider's own list and the standing of somebody disagree."""

    conflict: ConflictKind
    provider: str
    route: str
    since: Moment


@whole
class Conflict(TypedDict):
    """Somebody about whom a provider's own list and the standing here disagree."""

    id: str
    at: Moment
    conflict: ConflictKind
    provider: str
    route: str
    list: str
    channel: Channel
    user: str | None
    businessUnit: str
    address: str | None


@whole
class Conflicts(TypedDict):
    """One page of conflicts, and the cursor of the next."""

    items: list[Conflict]
    next: str | None
