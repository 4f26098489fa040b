"""The contract of a provider's file: values in, values out, no clock and no I/O.

A provider is a module of this package with the names of `Provider`. The configuration names the module; nothing else
lists providers. Each function answers one question of the walk, and every place it names is a spot of the body as the
sender wrote it, because answers go back to the sender.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, cast

from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel, Send
from policy.reasons import Reason


class Kind(StrEnum):
    """What a request would do at the provider."""

    SEND = "send"  # dispatches a message: it is read and judged
    HARMLESS = "harmless"  # reads, or only cancels, pauses, deletes or manages: passes through, streamed
    UNKNOWN = "unknown"  # nobody wrote down what it does: refused on doubt


NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
READING = frozenset({"GET", "HEAD", "OPTIONS"})  # methods that dispatch nothing, where a provider does not send by GET


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the provider would get it.

    `path` is the raw path behind the route's prefix, beginning with a slash; `query` is raw, without the question
    mark; `body` is inflated where the sender compressed it.
    """

    method: str
    path: str
    query: str = ""
    headers: CIMultiDictProxy[str] = field(default_factory=lambda: NO_HEADERS)  # unhashable: no plain default
    body: bytes = b""


class Unreadable(Exception):
    """The body of a send cannot be read, or two readers could read it differently.

    `detail` says what is wrong in words that hold no value of the body; `place` is the spot, where one is known, in
    documented names and indexes alone, because a sender's own names may be addresses too.
    """

    def __init__(self, detail: str, place: str = "", reason: Reason = Reason.UNREADABLE) -> None:
        super().__init__(detail)
        self.detail = detail
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The body of a send without some of its recipients.

    `places` are all the recipients that are gone: those that were to be taken out, and those that fell with them
    because their message cannot stand without the others (a copy whose first addressee is gone).
    """

    body: bytes
    places: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a provider's file is asked to say in its provider's words.

    `status` is None where the provider's own status for a rejected message is wanted, else an HTTP status that the
    gate insists on (401, 404, 413, 503, …). `message` holds no address. `places` are the refused spots, if known.
    """

    reason: Reason
    message: str
    status: int | None = None
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that the gate gives itself."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


class Provider(Protocol):
    """All that is known of one provider's HTTP API."""

    CHANNELS: tuple[Channel, ...]
    ENCODINGS: frozenset[str]  # Content-Encodings of a send that the provider documents; gzip is the only one known

    def sort(self, request: Request) -> Kind:
        """Tell what the request would do; only method, path and query may be asked, the body is not read yet."""

    def read(self, request: Request, region: str) -> Send:
        """Find every recipient, marker and schedule of a send; raises Unreadable.

        `region` is the country of numbers in national form (ISO 3166, "" for none).
        """

    def without(self, request: Request, places: frozenset[str]) -> Trimmed:
        """Give the body without the recipients at these places: valid for the provider, nothing else changed.

        The same request and places always give the same bytes. It raises Unreadable with reason no_recipient where
        nobody would remain, and Unreadable for a place that the body does not have: somebody would stay in it.
        """

    def refusal(self, request: Request, refusal: Refusal) -> Answer:
        """Say no in the provider's own shape, so that its SDK raises its ordinary error."""

    def accepted(self, request: Request, decision: str) -> Answer:
        """Answer as the provider does when it takes the send, readable or not; ids in it follow from `decision`."""


def load(name: str) -> Provider:
    """Load a provider's file by its name in config.yaml; raises LookupError for a name without a file."""
    if name not in names():
        raise LookupError(name)
    return cast("Provider", importlib.import_module(f"proxy.providers.{name}"))


def names() -> tuple[str, ...]:
    """List the providers there are, found on disk."""
    package = importlib.import_module("proxy.providers")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name != "base"))
