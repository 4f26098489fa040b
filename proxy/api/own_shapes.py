"""The bodies of the gate's own endpoints as types: timelines, standing, records, imports, health, segments, counts."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from policy import segments
from policy.model import Channel, MessageClass, Sent
from policy.reasons import Reason
from policy.rows import COLUMNS
from proxy.api.conflict_shapes import HoldersConflict
from proxy.api.shapes import Moment, Told, whole
from proxy.api.store_shapes import Entry


@whole
class Line(TypedDict):
    """One line of a timeline."""

    event: str
    timestamp: Moment
    channel: str | None
    origin: str | None
    properties: Told


@whole
class Timeline(TypedDict):
    """One page of a timeline, and the cursor of the next."""

    items: list[Line]
    next: str | None


@whole
class Stamp(TypedDict):
    """Since when, and on whose word."""

    since: Moment
    origin: str


@whole
class Holder(TypedDict):
    """Somebody who has an address, and how they stand."""

    id: str | None
    xngId: str | None
    email: str | None
    businessUnit: str
    kept: bool
    blacklisted: Stamp | None
    optOuts: dict[str, Stamp]
    conflicts: list[HoldersConflict]


@whole
class Holders(TypedDict):
    """Everybody who has an address."""

    keys: list[str]
    items: list[Holder]
    blacklist: list[Entry]
    next: None


_Class = TypedDict("_Class", {"class": MessageClass | None})  # no name that a class body could have


@whole
class Record(_Class):
    """What was not sent to one recipient, or of one send, and why."""

    id: str
    time: Moment
    decision: str
    route: str
    provider: str
    channel: Channel | None
    place: str | None
    address: str | None
    user: str | None
    business_unit: str | None
    reason: Reason
    origin: str | None
    sender: str | None
    campaign: str | None
    recipients: int
    enforced: bool
    sent: Sent
    upstream_status: int | None
    request: str | None


@whole
class Records(TypedDict):
    """One page of records, and the cursor of the next."""

    items: list[Record]
    next: str | None


@whole
class Count(TypedDict):
    """How many records have one value, and how many recipients they stand for."""

    reason: NotRequired[str | None]
    route: NotRequired[str | None]
    day: NotRequired[str | None]
    sender: NotRequired[str | None]
    records: int
    recipients: int


@whole
class Counts(TypedDict):
    """Records counted by one of their fields."""

    items: list[Count]
    next: None


class Rows(TypedDict):
    """Rows of an import, each with a cell for every column."""

    rows: Annotated[
        list[Annotated[list[str], Field(min_length=len(COLUMNS), max_length=len(COLUMNS))]], Field(max_length=1000)
    ]
    release: NotRequired[bool]


@whole
class RowResults(TypedDict):
    """A word for each row, empty where all of it was taken."""

    items: list[str]


@whole
class SandboxMessage(TypedDict):
    """One message as the provider would have got it."""

    at: Moment
    route: str
    method: str
    path: str
    body: str


@whole
class SandboxMessages(TypedDict):
    """The last messages of the sandbox routes, newest first."""

    items: list[SandboxMessage]
    next: None


@whole
class Live(TypedDict):
    """The process answers."""

    status: Literal["live"]


@whole
class Ready(TypedDict):
    """Whether a send would be judged."""

    status: Literal["ready", "degraded", "unready"]
    store: Literal["ok", "held", "unavailable"]
    config: Literal["ok", "degraded"]
    shadow: list[str]
    restart_for: NotRequired[list[str]]
    draining: NotRequired[bool]


# ── segments ──


@whole
class ExplainedFault(TypedDict):
    """What is wrong with a field, and the rule that is broken."""

    field: str
    type: Literal["NOT_NULL", "WRONG_FORMAT", "WRONG_VALUE", "UNKNOWN_VALUE"]
    message: NotRequired[str]


_Word = Annotated[str, Field(max_length=segments.LONGEST_TEXT)]
_Many = Annotated[int, Field(ge=0, le=segments.MOST_EVENTS)]
_Frame = TypedDict("_Frame", {"from": NotRequired[Moment | None], "to": NotRequired[Moment | None]})


@whole
class SegmentEvents(_Frame):
    """Which events are counted, and how many somebody must have."""

    name: NotRequired[_Word | None]
    last_days: NotRequired[Annotated[int, Field(ge=1, le=segments.MOST_DAYS)] | None]
    channel: NotRequired[Channel | None]
    origin: NotRequired[_Word | None]
    properties: NotRequired[
        Annotated[dict[_Word, _Word | int | bool], Field(max_length=segments.MOST_PROPERTIES)] | None
    ]
    at_least: NotRequired[_Many | None]
    at_most: NotRequired[_Many | None]


@whole
class SegmentStanding(TypedDict):
    """How somebody must stand now."""

    blacklisted: NotRequired[bool | None]
    opted_out: NotRequired[dict[Channel, bool] | None]


@whole
class NewSegment(TypedDict):
    """A filter and its name."""

    name: Annotated[str, Field(max_length=segments.LONGEST_NAME, pattern=f"^{segments.NAME}$")]
    events: NotRequired[SegmentEvents | None]
    standing: NotRequired[SegmentStanding | None]


@whole
class Segment(NewSegment):
    """A saved filter, and since when."""

    created: Moment


@whole
class Segments(TypedDict):
    """One page of segments, and the cursor of the next."""

    items: list[Segment]
    next: str | None


@whole
class SegmentUser(TypedDict):
    """Somebody of a segment, and how they stand."""

    id: str | None
    xngId: str | None
    email: str | None
    businessUnit: str
    phones: dict[str, str]
    blacklisted: bool
    optOutAll: bool
    optOutChannels: list[Channel]


@whole
class SegmentUsers(TypedDict):
    """One page of people, and the cursor of the next; it may have fewer than it could while there are more."""

    items: list[SegmentUser]
    next: str | None


# ── statistics ──


@whole
class StatementCount(TypedDict):
    """How many statements there are of one value; null stands for all values beyond the most that are told apart."""

    day: NotRequired[str]
    channel: NotRequired[str | None]
    origin: NotRequired[str | None]
    campaign: NotRequired[str | None]
    opt_outs: int
    opt_ins: int
    blacklisted: int
    whitelisted: int


_Times = TypedDict("_Times", {"from": Moment, "to": Moment})


@whole
class StatementCounts(_Times):
    """Statements of a time, counted by one of their fields."""

    by: str
    items: list[StatementCount]
    next: None


@whole
class FailedCount(TypedDict):
    """How many records there are of one value, and how many recipients they stand for."""

    day: NotRequired[str]
    channel: NotRequired[str | None]
    origin: NotRequired[str | None]
    campaign: NotRequired[str | None]
    reason: NotRequired[str | None]
    route: NotRequired[str | None]
    sender: NotRequired[str | None]
    records: int
    recipients: int


@whole
class FailedCounts(_Times):
    """Records of a time, counted by one of their fields."""

    by: str
    items: list[FailedCount]
    next: None
