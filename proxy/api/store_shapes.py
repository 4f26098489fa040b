"""The bodies of the Profile Store's face as types: blacklists, profiles, scopes, tracking events (see shapes.py)."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from proxy.api.shapes import Moment, Text, Told, whole

Info = dict[str, Text | int | float | bool | None]


# ── blacklists of addresses ──


class NewEntry(TypedDict):
    """An address for a blacklist; keys are read in either case."""

    BlacklistId: NotRequired[str | None]
    Email: NotRequired[str | None]
    Phone: NotRequired[str | None]
    Scope: NotRequired[str | None]
    Reason: NotRequired[str | None]
    ExpiresAt: NotRequired[str | None]


@whole
class Entry(TypedDict):
    """An entry of a blacklist."""

    BlacklistId: str
    Email: str | None
    Scope: str | None
    Phone: NotRequired[str]
    Reason: NotRequired[str]
    ExpiresAt: NotRequired[str]


@whole
class Cleared(Entry):
    """An entry, and how many profiles it stood for, which are gone."""

    ProfilesRemoved: int


@whole
class Entries(TypedDict):
    """One page of entries, and how many there are."""

    total: int
    count: int
    items: list[Entry]


@whole
class ItemFault(TypedDict):
    """What is wrong with a field; of an array, in the item at this position."""

    field: str
    type: str
    message: NotRequired[str]
    item: NotRequired[int]


@whole
class ItemFaults(ItemFault):
    """The first fault, and of an array all of them."""

    faults: NotRequired[list[ItemFault]]


# ── profiles, scopes and tracking events ──


@whole
class Visitor(TypedDict):
    """A profile; its e-mail is in Info."""

    ProfileId: str
    DeviceIds: list[str]
    Name: str | None
    ProfileManager: str | None
    FirstSeen: Moment
    LastSeen: Moment
    Visits: int
    UpdateTime: Moment
    Scope: str
    Info: Info
    ContactInformation: list[Literal["Mailable", "Anonymous"]]
    Payload: Told


@whole
class Visitors(TypedDict):
    """One page of profiles, and how many there are."""

    total: int
    count: int
    items: list[Visitor]


class WriteVisitor(TypedDict):
    """A profile to be written; keys are read in either case, and what is not known is passed over."""

    ProfileId: NotRequired[str | None]
    DeviceIds: NotRequired[Annotated[list[Annotated[Text, Field(min_length=1)]], Field(max_length=1000)] | None]
    Name: NotRequired[Text | None]
    ProfileManager: NotRequired[Text | None]
    FirstSeen: NotRequired[Moment | None]
    LastSeen: NotRequired[Moment | None]
    Visits: NotRequired[Annotated[int, Field(ge=0)] | None]
    Scope: NotRequired[Text | None]
    Info: NotRequired[Info | None]
    Payload: NotRequired[Told | None]


@whole
class Scope(TypedDict):
    """A scope, and what it is for."""

    ScopeId: str
    Description: str


@whole
class Scopes(TypedDict):
    """All scopes."""

    total: int
    count: int
    items: list[Scope]


class DescribeScope(TypedDict):
    """What a scope is for."""

    Description: NotRequired[Annotated[str, Field(max_length=256)] | None]


class TrackUser(TypedDict):
    """Who did something; keys are read in either case."""

    name: NotRequired[Text | None]
    email: NotRequired[Text | None]
    info: NotRequired[Told | None]


class NewTrackEvent(TypedDict):
    """What somebody did; keys are read in either case, and what is not known is passed over."""

    deviceId: Annotated[Text, Field(min_length=1)]
    eventType: Annotated[Text, Field(min_length=1)]
    value: Text
    eventTime: NotRequired[Moment | None]
    user: NotRequired[TrackUser | None]
    payload: NotRequired[Told | None]
    scope: NotRequired[Text | None]
    pageUri: NotRequired[Text | None]
    pageTitle: NotRequired[Text | None]
    remoteAddress: NotRequired[Text | None]
    countryCode: NotRequired[Text | None]


@whole
class TrackEvent(TypedDict):
    """What somebody did."""

    TrackId: str
    DeviceId: str
    EventType: str
    EventTime: Moment
    Value: str | None
    Scope: str | None
    CountryCode: str | None
    PageUri: str | None
    PageTitle: str | None
    RemoteAddress: str | None
    Payload: Told
    User: Told


@whole
class TrackEvents(TypedDict):
    """One page of tracking events, and how many there are."""

    total: int
    count: int
    items: list[TrackEvent]
