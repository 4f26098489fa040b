"""The bodies of the Profile Store's face as types: profiles and scopes (see shapes.py)."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from proxy.api.shapes import Moment, Text, Told, whole

Info = dict[str, Text | int | float | bool | None]


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
