"""The values that policy and proxy hand to each other: frozen, without behaviour that waits, valid once built.

Times are whole microseconds since 1970 in UTC (`Microseconds`), because a standing is decided by which of two
statements is newer and floats do not compare exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, NewType

from policy.reasons import Reason

Microseconds = NewType("Microseconds", int)


class Channel(StrEnum):
    """Where a message arrives; the gate dispatches the first three, the store knows them all."""

    MAIL = "MAIL"
    SMS = "SMS"
    INSTANT_MESSAGING = "INSTANT_MESSAGING"
    PUSH_NOTIFICATION = "PUSH_NOTIFICATION"
    BROWSER_NOTIFICATION = "BROWSER_NOTIFICATION"
    ONSITE_DISPLAY = "ONSITE_DISPLAY"
    EXIT_INTENT = "EXIT_INTENT"
    DIRECT_MAIL = "DIRECT_MAIL"
    SEGMENT_TRANSFER = "SEGMENT_TRANSFER"
    WEBHOOK = "WEBHOOK"
    OFFLINE = "OFFLINE"
    ALL = "ALL"


DISPATCHED: Final = (Channel.MAIL, Channel.SMS, Channel.INSTANT_MESSAGING)  # what goes through the gate


class MessageClass(StrEnum):
    """Marketing unless something that may say so says transactional (rules.message_class)."""

    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"


class Recipient(NamedTuple):  # a send may have a thousand, and a frozen dataclass takes three times as long to build
    """One address at one place of a send.

    `place` names the spot the way the provider's own errors do (`personalizations.0.to.1`). `keys` are all the keys
    that the address may stand for, the canonical one first; no key at all means an invalid address. `scheduled_at`
    is in seconds since 1970, or None for now; `delay` is by how many seconds the provider may send later than that,
    where it picks the time itself.
    """

    place: str
    channel: Channel
    address: str
    keys: tuple[str, ...]
    scheduled_at: float | None = None
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Send:
    """One request that dispatches a message to one or more recipients, as its provider's file read it.

    `markers` are the provider's native fields that may tell the message class, by the names that config.yaml uses.
    """

    channel: Channel
    recipients: tuple[Recipient, ...]
    markers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Since when, and who said so."""

    at: Microseconds
    origin: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What follows from a person's registers (state.standing)."""

    blacklisted: Stamp | None = None
    opt_outs: Mapping[Channel, Stamp] = field(default_factory=dict)

    @property
    def suppressing(self) -> bool:
        """Tell whether anything at all is kept from this person."""
        return self.blacklisted is not None or bool(self.opt_outs)


@dataclass(frozen=True, slots=True)
class Holder:
    """One person who has a key: what judging needs to know of them.

    `kept` marks the keyed hash of an address that nobody has any more: it suppresses, but it is nobody's presence.
    """

    user: str | None
    business_unit: str
    standing: Standing
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """One blacklist entry that stands for a key: what judging needs to know of it.

    `scope` is empty where it counts in all scopes, `until` the last moment at which it counts, None for ever; `at` is
    since when it is there.
    """

    scope: str
    origin: str
    until: Microseconds | None = None
    at: Microseconds = Microseconds(0)


@dataclass(frozen=True, slots=True)
class BlacklistEntry:
    """One blacklist entry as it was told: an e-mail address, a number or a pattern (policy/blacklists.py)."""

    id: str
    address: str
    scope: str = ""
    reason: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows about the recipients of one send, read at once.

    `holders` has an entry for each key that suppresses in any way, with everybody who has the key. `known` are the
    keys that somebody has, or None where the question was not asked. `listed` has the blacklist entries that stand for
    a key, those of patterns included, whatever their scope and whether or not they have expired.
    """

    holders: Mapping[str, tuple[Holder, ...]]
    known: frozenset[str] | None = None
    listed: Mapping[str, tuple[Listed, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AllowList:
    """The only addresses that a non-production route may reach: whole keys, and domains of `*@domain` entries."""

    keys: frozenset[str]
    domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the configuration says about judging one send; `max_schedule_ahead` in seconds."""

    message_class: MessageClass
    business_unit: str = ""
    refuse_unknown: bool = False
    allow_only: AllowList | None = None
    max_schedule_ahead: float | None = None
    scope: str = ""  # of blacklist entries; empty: all of them count


@dataclass(frozen=True, slots=True)
class Refused:
    """A recipient that is not to get the message, the reason, and on whose word.

    `enforced` is false for whom shadow mode lets have it all the same.
    """

    recipient: Recipient
    reason: Reason
    origin: str = ""
    user: str | None = None
    business_unit: str = ""
    kept: bool = False
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to happen with each recipient of a send: those not in `refused` pass."""

    refused: tuple[Refused, ...] = ()


class Ending(StrEnum):
    """How a request at the senders' door ended."""

    FORWARDED = "forwarded"
    TRIMMED = "trimmed"
    REFUSED = "refused"
    FAILED = "failed"
    PASSED_THROUGH = "passed_through"


class Sent(StrEnum):
    """Whether what a record tells of went out all the same: yes in shadow mode, unknown after a broken answer."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every ending of a request at the senders' door, in one type, for record, metric and log alike.

    `refused` names single recipients. `reason` is set where the send as a whole ended, or would have ended, for one
    reason; `enforced` and `sent` speak of that. `marks` say which switch let something pass that would have been
    refused; `stripped` are the provider's switches past its own suppression that were taken out, `links` how many
    recipients got an unsubscribe link, or why none. `cause` tells the operator more, in words without any value of the
    request, and `request` what was asked for where it is no send that was read, in the form of a path that names
    nobody. `arrived_at` is in microseconds, durations in seconds.
    """

    decision: str
    arrived_at: Microseconds
    route: str
    provider: str
    ending: Ending
    channel: Channel | None = None
    message_class: MessageClass | None = None
    sender: str = ""
    campaign: str = ""
    business_unit: str = ""
    recipients: int = 0
    refused: tuple[Refused, ...] = ()
    reason: Reason | None = None
    enforced: bool = True
    sent: Sent = Sent.NO
    upstream_status: int | None = None
    marks: tuple[str, ...] = ()
    stripped: tuple[str, ...] = ()
    links: Mapping[str, int] = field(default_factory=dict)
    claim_ignored: bool = False
    cause: str = ""
    request: str = ""
    client: str = ""  # the address of a client that is no known sender
    judged_seconds: float | None = None
    upstream_seconds: float | None = None
