"""The bodies of erasures, and of what is held about somebody, as types (see shapes.py)."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from proxy.api.own_shapes import Record
from proxy.api.shapes import Moment, Told, whole
from proxy.api.store_shapes import Entry


class Whom(TypedDict):
    """Whom is meant: an external id, an internal id, an e-mail address, or a phone number with its country."""

    whom: str


@whole
class ErasedRows(TypedDict):
    """How many rows of each table went, or were stripped of every name."""

    person: int
    address: int
    register: int
    event: int
    dispatch_failed: int


@whole
class Erasure(TypedDict):
    """The report of an erasure, without any name of who was erased."""

    sequence: int
    erasedAt: Moment
    people: int
    rows: ErasedRows
    keptHashes: int
    addressAlsoOf: list[str]
    blacklistEntries: list[str]
    logEmptied: bool
    leftInFile: int | None
    notes: list[str]


@whole
class Rebuilt(TypedDict):
    """Whether the log is empty, and how often an erased address still stands in the file."""

    logEmptied: bool
    left: int | None


@whole
class Register(TypedDict):
    """When one kind of no was last suppressed and last released, by one origin."""

    kind: str
    channel: str
    origin: str
    number: str
    suppressedAt: Moment | None
    releasedAt: Moment | None


@whole
class HeldPerson(TypedDict):
    """One person: the profile, the keyed hashes of the addresses, and every register of the standing."""

    id: str | None
    xngId: str | None
    email: str | None
    businessUnit: str
    phones: dict[str, str]
    traits: Told
    createdAt: Moment
    updatedAt: Moment
    addressHashes: list[str]
    registers: list[Register]


@whole
class HeldHash(TypedDict):
    """What is kept of addresses that nobody has any more."""

    businessUnit: str
    createdAt: Moment
    addressHashes: list[str]
    registers: list[Register]


@whole
class Remembered(TypedDict):
    """What was said of everybody who has an address, and of those who will have it."""

    addressHash: str
    registers: list[Register]


@whole
class HeldEvent(TypedDict):
    """One entry of the journal."""

    sequence: int
    arrivedAt: Moment
    effectiveAt: Moment
    kind: str
    event: str
    channel: str
    origin: str
    source: str
    body: dict[str, Any]


@whole
class Held(TypedDict):
    """Everything that is held about somebody."""

    people: list[HeldPerson]
    kept: list[HeldHash]
    remembered: list[Remembered]
    events: list[HeldEvent]
    dispatchFailed: list[Record]
    mentionedBy: list[str | None]
    addressAlsoOf: list[str]
    blacklist: list[Entry]
