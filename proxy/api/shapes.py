"""The bodies of the API as types, from which openapi.py makes their schemas.

What the gate answers is described whole; what it takes may hold more than is described, because it passes over what it
does not know, as the contract's clients expect. A type whose fields are no Python names is written as a call.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # the one that pydantic reads on Python 3.11

from policy.model import Channel
from proxy.api.reading import LONGEST_TEXT

whole = with_config(ConfigDict(extra="forbid"))

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Flag = bool | Literal["true", "false"] | None
Told = dict[str, Any]

# ── faults ──


@whole
class Fault(TypedDict):
    """What is wrong, in the first version's words."""

    field: str
    type: Literal[
        "NOT_NULL",
        "WRONG_FORMAT",
        "WRONG_VALUE",
        "UNKNOWN_VALUE",
        "MISSING_SCOPE",
        "BLACKLISTED",
        "user_IDS_MISMATCH",
    ]


@whole
class Place(TypedDict):
    """Where it is, as a JSON Pointer (RFC 6901)."""

    pointer: str


@whole
class CodedFault(TypedDict):
    """What is wrong, in the second version's words."""

    code: Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
    title: str
    details: str
    info: str
    source: Place


@whole
class Faults(TypedDict):
    """The second version's envelope."""

    errors: list[CodedFault]


# ── events and standing ──

Properties = TypedDict("Properties", {"channel.type": NotRequired[Channel]})


class Event(TypedDict):
    """One event; without a timestamp it is now."""

    event: Text
    timestamp: NotRequired[Moment | None]
    properties: NotRequired[Properties | None]


class Events(TypedDict):
    """What happened to one person, who is named by id, by e-mail and business unit, or by phone."""

    id: NotRequired[Text | None]
    externalId: NotRequired[Text | None]
    email: NotRequired[Text | None]
    businessUnit: NotRequired[Text | None]
    phone: NotRequired[Text | None]
    events: Annotated[list[Event], Field(min_length=1, max_length=50)]


@whole
class BlacklistStatus(TypedDict):
    """Whether a user is blacklisted."""

    blacklisted: bool


@whole
class OptOutStatus(TypedDict):
    """Whether a user opted out, of a channel or of ALL."""

    optOut: bool


class SetBlacklist(TypedDict):
    """True blacklists, false undoes it."""

    blacklisted: bool


class SetOptOut(TypedDict):
    """True opts out, false opts in again."""

    optOut: bool


@whole
class RecipientStatus(TypedDict):
    """A user's whole standing."""

    blacklisted: bool
    optOutAll: bool
    optOutChannels: list[Channel]


# ── users ──


class Profile(TypedDict):
    """A profile: addresses, and any traits beside them. optOut is there once there was an opt-out of ALL."""

    id: str | None
    xngId: str | None
    email: str | None
    businessUnit: str
    optOut: NotRequired[bool]


class WriteProfile(TypedDict):
    """A profile to be written: any traits beside these; null takes one away."""

    id: NotRequired[Text | None]
    email: NotRequired[Text | None]
    businessUnit: NotRequired[Text | None]
    optOut: NotRequired[Flag]
    blacklisted: NotRequired[Flag]


class WriteUser(TypedDict):
    """A profile as the second version writes it: id and e-mail must be told."""

    id: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    email: Annotated[str, Field(min_length=3, max_length=LONGEST_TEXT)]
    businessUnit: NotRequired[Text | None]
    optOut: NotRequired[Flag]
    blacklisted: NotRequired[Flag]


@whole
class Written(TypedDict):
    """A profile was written."""

    id: str
    xngId: str
    email: str | None
    businessUnit: str
    success: Literal[True]


@whole
class NotWritten(TypedDict):
    """A profile was not written."""

    id: str
    xngId: str | None
    email: NotRequired[str | None]
    businessUnit: NotRequired[str]
    success: Literal[False]
    errors: list[Fault]


class Batch(TypedDict):
    """Profiles to be written, and users to be deleted by their id or xngId; up to 1000 in all."""

    updated: NotRequired[Annotated[list[Told], Field(max_length=1000)] | None]
    deleted: NotRequired[Annotated[list[Told], Field(max_length=1000)] | None]


@whole
class Result(TypedDict):
    """What became of one item; its ids stand as they were told where nobody is known by them."""

    id: Any
    xngId: Any
    success: bool
    errors: NotRequired[list[Fault]]


@whole
class Results(TypedDict):
    """What became of each item, in order."""

    updated: list[Result]
    deleted: list[Result]


@whole
class Accepted(TypedDict):
    """What the second version accepted; errors name the items of a batch that were wrong."""

    trackingId: str
    errors: NotRequired[list[CodedFault]]


@whole
class Tracking(TypedDict):
    """How a request of the second version ended."""

    stage: Literal["PROCESSED"]
    total: int
    success: int
    error: int


# ── attributes ──

AttributeType = Literal["STRING", "DATETIME", "FLOAT", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT"]


class DeclareAttribute(TypedDict):
    """A trait to be declared; the name begins with `traits.` unless it is nested in another."""

    name: Text
    attributeType: AttributeType
    nestedType: NotRequired[AttributeType | None]
    parentName: NotRequired[Text | None]


@whole
class Attribute(TypedDict):
    """A declared trait."""

    id: str
    name: str
    attributeType: AttributeType
    nestedType: NotRequired[AttributeType]
    parentName: NotRequired[str]


@whole
class Declared(TypedDict):
    """A trait was declared."""

    id: str
    name: str
    attributeType: AttributeType
    nestedType: NotRequired[AttributeType]
    parentName: NotRequired[str]
    success: Literal[True]


@whole
class ListedAttribute(TypedDict):
    """A declared trait in a list, where its id is a number."""

    id: int
    name: str
    attributeType: AttributeType
    nestedType: NotRequired[AttributeType]
    parentName: NotRequired[str]


@whole
class Attributes(TypedDict):
    """Some declared traits, and how many there are."""

    attributes: list[ListedAttribute]
    total: Annotated[str, Field(pattern="^[0-9]+$")]


@whole
class AttributeFault(TypedDict):
    """What is wrong with a declaration."""

    requestId: str
    message: str
