"""The contract of a provider's file: values in, values out, no clock and no I/O.

A provider is a module of this package with the names of `Provider`. The configuration names the module; nothing else
lists providers. Each function answers one question of the walk, and every place it names is a spot of the body as the
sender wrote it, because answers go back to the sender.

A send is read once. What reading gives, the `Message`, holds what the later questions need: the recipients for judging,
and for writing whatever the file parsed. `trimmed` may be asked several times and changes nothing of what it was given.
Where a provider answers by position, or names positions in its errors, what it says of the trimmed send is translated
back by `restored`, so that the sender's SDK can zip the answer with what it sent.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, cast, runtime_checkable

from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel, Refused, Send
from policy.reasons import Reason


class Kind(StrEnum):
    """What a request would do at the provider."""

    SEND = "send"  # dispatches a message: it is read and judged
    HIDDEN = "hidden"  # dispatches to people whom the request does not name (a campaign, a stored list): refused
    HARMLESS = "harmless"  # reads, or only cancels, pauses, deletes or manages: passes through, streamed
    UNKNOWN = "unknown"  # nobody wrote down what it does: refused on doubt
    ASK_BODY = "ask_body"  # the body says which of the others it is; never the answer once there is one


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
class Settings:
    """What of a route's configuration a provider's file may ask: `region` is the country of national numbers."""

    region: str = ""  # ISO 3166, "" for none


@dataclass(frozen=True, slots=True)
class Message:
    """One send as it was read.

    `hidden` are the places that reach people whom nobody can see (a stored list): what the configuration does not allow
    by name is refused. `bypasses` are the provider's switches past its own suppression that are on, by their documented
    paths in the body. `parsed` is the provider's own, for writing; nobody changes it.
    """

    request: Request
    send: Send
    parsed: Any = None
    hidden: tuple[str, ...] = ()
    bypasses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a message on its way: who is taken out, and whether its bypasses are."""

    places: frozenset[str] = frozenset()
    strip: bool = False


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The body of a send after a change.

    `places` are all the recipients that are gone: those that were to be taken out, and those that fell with them
    because their message cannot stand without the others (a copy whose first addressee is gone). `restores` says that
    the provider's answer speaks by position, or tells of each recipient, and has to go through `restored`.
    """

    body: bytes
    places: frozenset[str] = frozenset()
    restores: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a provider's file is asked to say in its provider's words.

    `status` is None where the provider's own status for a rejected message is wanted, else an HTTP status that the
    gate insists on (401, 404, 413, 503, …). `message` holds no address. `places` are the refused spots, if known;
    `recipients` are those who are refused, where that is about people, each with a reason of their own, and `places`
    are theirs. Only an answer whose own shape names each recipient (Postmark, Mandrill) may repeat their addresses.
    """

    reason: Reason
    message: str
    status: int | None = None
    places: tuple[str, ...] = ()
    recipients: tuple[Refused, ...] = ()

    def about(self, place: str) -> str:
        """Give what to say of one place: its own reason where it is a refused recipient's, else the message."""
        for each in self.recipients:
            if each.recipient.place == place:
                return told(each.reason)
        return self.message


def told(reason: Reason) -> str:
    """Give the sentence that refuses one recipient."""
    return f"sendgate: no message is sent to this recipient ({reason})"


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
    CREDENTIALS: tuple[str, ...]  # request headers by which a sender shows who it is at the provider
    ACCOUNTS: tuple[str, ...]  # request headers that name another account than the credential's: a subuser's
    TELLS_SUPPRESSION: bool  # the provider itself tells the sender whom it suppresses, so a refusal is native as it is

    def sort(self, request: Request) -> Kind:
        """Tell what the request would do; only method, path and query may be asked, the body is not read yet.

        Where these do not tell it (ASK_BODY) it is asked again with the body, and tells it then.
        """

    def resembles_send(self, request: Request) -> bool:
        """Tell whether only its spelling or its method tells the request from a send, whatever it was sorted as.

        No switch lets such a request pass: some server may take it for the send (formats/lookalikes.py).
        """

    def read(self, request: Request, settings: Settings) -> Message:
        """Find every recipient, marker, schedule, hidden list and bypass of a send; raises Unreadable."""

    def trimmed(self, message: Message, change: Change) -> Trimmed:
        """Give the body after a change: valid for the provider, nothing else changed.

        The same message and change always give the same bytes. It raises Unreadable with reason no_recipient where
        nobody would remain, and Unreadable for a place that the body does not have: somebody would stay in it.
        """

    def restored(self, message: Message, trimmed: Trimmed, refusal: Refusal, answer: Answer) -> Answer:
        """Translate the provider's answer to the trimmed send into one to what the sender sent; never raises.

        Results stand at the sender's own positions, the refused ones in the provider's words for a single failure.
        An answer that cannot be understood is given as it came. `answer.body` is inflated.
        """

    def refusal(self, request: Request, refusal: Refusal) -> Answer:
        """Say no to a request in the provider's own shape, so that its SDK raises its ordinary error."""

    def refused(self, message: Message, words: Refusal) -> Answer:
        """Say no to a whole send for its recipients' sake: per recipient or message where the provider has a place."""

    def accepted(self, request: Request, decision: str) -> Answer:
        """Answer as the provider does when it takes the send, readable or not; ids in it follow from `decision`."""


@runtime_checkable
class WritesKey(Protocol):
    """What a provider's file has besides where the credential of a request stands in its body."""

    def with_key(self, body: bytes, key: str) -> bytes:
        """Give the body of any request with this key in it, in place of the sender's own; raises Unreadable.

        Every other byte stays.
        """


@runtime_checkable
class NamesAccount(Protocol):
    """What a provider's file has besides where the path of a request names the account that it is about."""

    def accounts(self, request: Request) -> tuple[str, ...]:
        """Give every account that the path names; "" stands for any, where servers could read the path differently."""

    def account_of(self, username: str) -> str:
        """Give the account that a credential with this user name is of; "" where the name does not tell it."""


@runtime_checkable
class TellsEach(Protocol):
    """What a provider's file has besides where an answer that reports an error may tell that a part went out."""

    def taken(self, message: Message, answer: Answer) -> frozenset[str] | None:
        """Give the places of the recipients whose message was taken, None where the answer does not tell; never raises.

        It is asked of 4xx alone: whatever is answered with 5xx may have gone out.
        """


def load(name: str) -> Provider:
    """Load a provider's file by its name in config.yaml; raises LookupError for a name without a file."""
    if name not in names():
        raise LookupError(name)
    return cast("Provider", importlib.import_module(f"proxy.providers.{name}"))


def aws_service(provider: Provider) -> str:
    """Give the service that requests to a provider are signed for by AWS Signature Version 4; "" where they are not.

    A file of such a provider says it as AWS_SERVICE.
    """
    return str(getattr(provider, "AWS_SERVICE", ""))


def accounts_in_path(provider: Provider, request: Request) -> tuple[str, ...]:
    """Give every account that the path names, as `NamesAccount` does; nothing for a provider whose paths name none."""
    # Each request asks, and isinstance of a protocol takes longer than all of a small send's reading.
    return cast("NamesAccount", provider).accounts(request) if hasattr(provider, "accounts") else ()


def names() -> tuple[str, ...]:
    """List the providers there are, found on disk."""
    package = importlib.import_module("proxy.providers")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name != "base"))
