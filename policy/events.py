"""The vocabulary: what can be told to the gate about a person, a line of meaning under each word.

Whoever tells something (the events endpoint, a status endpoint, the command line, later a link or a webhook) tells it
in one of these values, and all of them end in `Policy.learn`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from policy.model import BlacklistEntry, Channel, Microseconds
from policy.times import Stated


class Word(StrEnum):
    """The system events, spelled as the events endpoint spells them."""

    BLACKLISTED = "Blacklisted"  # gets nothing at all any more, on no channel, not even transactional
    WHITELISTED = "Whitelisted"  # undoes a blacklisting, and nothing else
    OPT_OUT = "Opt Out"  # gets no marketing any more, on one channel or on ALL
    OPT_IN = "Opt In"  # undoes the opt-out of that channel, or that of ALL


class Kind(StrEnum):
    """The two things a person can be suppressed by."""

    BLACKLIST = "blacklist"
    OPT_OUT = "opt_out"


WORDS: frozenset[str] = frozenset(Word)
SUPPRESSES: Mapping[Word, bool] = {
    Word.BLACKLISTED: True,
    Word.WHITELISTED: False,
    Word.OPT_OUT: True,
    Word.OPT_IN: False,
}
KIND: Mapping[Word, Kind] = {
    Word.BLACKLISTED: Kind.BLACKLIST,
    Word.WHITELISTED: Kind.BLACKLIST,
    Word.OPT_OUT: Kind.OPT_OUT,
    Word.OPT_IN: Kind.OPT_OUT,
}


class Origin(StrEnum):
    """Who said so; a provider's name follows `provider:`."""

    API = "api"  # a status endpoint
    EVENT = "event"  # the events endpoint
    TRACK = "track"  # the tracking endpoint
    CLI = "cli"  # the command line
    PAGE = "page"  # the recipient's own click on the unsubscribe page
    ONE_CLICK = "one-click"  # the mailbox provider's button
    KEYWORD = "keyword"  # STOP by SMS, to one sending number
    COMPLAINT = "complaint"  # marked as spam
    BOUNCE = "bounce"  # the mailbox is gone
    IMPORT = "import"
    MERGE = "merge"  # a lead that became a user


PROVIDER_PREFIX = "provider:"


Phone = tuple[str, tuple[str, ...]]  # a number as it was told, and its keys


@dataclass(frozen=True, slots=True)
class Subject:
    """Of whom something is told: an external id, else e-mail and business unit, else a phone.

    The internal id names somebody only where they are known already; `kept` is an address of an export that nobody has
    any more, as the check value of its store and its digest (rows.py); `everybody` means all who have the address or
    will have it, whatever their unit, because whoever told it knows of addresses alone; with `kept`, only those who
    will have it, because an export tells the others' standing by itself. The texts stand as they were told;
    `email_keys` and `phone_keys` are what identity.py made of them.
    """

    id: str | None = None
    email: str | None = None
    business_unit: str = ""
    phone: str | None = None
    email_keys: tuple[str, ...] = ()
    phone_keys: tuple[str, ...] = ()
    xng_id: str | None = None
    kept: str = ""
    everybody: bool = False


class ConflictKind(StrEnum):
    """How a provider's own list and the standing here can disagree about somebody."""

    NOT_TAKEN_OVER = "not_taken_over"  # the provider was told no, and the gate goes on sending
    STILL_OPTED_OUT = "still_opted_out"  # the provider was told yes, and the gate goes on refusing
    RELEASED_HERE = "released_here"  # a yes was said here, and the provider goes on suppressing
    DROPPED = "dropped"  # the gate let somebody pass, and the provider sent nothing


@dataclass(frozen=True, slots=True)
class Claim:
    """What a provider says of its own list, whatever is made of it here.

    `list` is the route and the list there, as in a register's number. With `dropped` the provider sent nothing because
    of its list. What is not `heeded` is written down only if it ends in a conflict. `covered` says whether an entry of
    a blacklist stopped the address when it was told, as a pattern may: the store looks then, and the journal keeps it,
    because who was erased has no domain any more.
    """

    list: str
    channel: Channel
    suppresses: bool
    dropped: bool = False
    heeded: bool = True
    covered: bool | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A provider's list and the standing here began to disagree about somebody, whose address is masked."""

    kind: ConflictKind
    route: str
    provider: str
    channel: Channel
    address: str


@dataclass(frozen=True, slots=True)
class Veil:
    """What an entry of the journal still says about itself once its person was erased (veiling.py).

    `at` is when it counts from, because the time it stated is gone; `identity` is a keyed hash, by which the statement
    is known when it is told again, or empty.
    """

    at: Microseconds
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One event about a person: a system event with an effect on the standing, or any other name that is kept.

    `word` is None for the other names; raises ValueError if it is not the name's, because the journal holds the name
    alone. `number` is the sending number that a keyword was sent to, or the list at a provider. `source` names the API
    key or door it came through, for the journal. `notice` is the id of a provider's webhook item, which is learned
    once, and `claim` what the item says of the provider's own list. `veil` stands in an event that names somebody who
    was erased.
    """

    subject: Subject
    name: str
    word: Word | None
    origin: str
    channel: Channel = Channel.ALL
    stated: Stated | None = None
    number: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    notice: str = ""
    veil: Veil | None = None
    claim: Claim | None = None

    def __post_init__(self) -> None:
        if self.word != (self.name if self.name in WORDS else None):
            raise ValueError("a word of the vocabulary is told under its own name")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a user, or a lead, is said to be; fields that were not given stay as they are.

    `id` is None for a lead, who is known by e-mail and unit, or for whom the internal id names; without any of these
    it is somebody new. `email` and `business_unit` are None where not given; an
    empty e-mail takes the address away. `phones` gives, by the name of the trait, a number with its keys, or None for
    one that is taken away. `traits` holds everything else that was told; None takes a trait away.
    """

    id: str | None
    email: str | None = None
    email_keys: tuple[str, ...] = ()
    business_unit: str | None = None
    phones: Mapping[str, Phone | None] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    xng_id: str | None = None


@dataclass(frozen=True, slots=True)
class Departure:
    """A person is deleted, with what is held about them; named by external id, or by the internal one."""

    id: str | None = None
    xng_id: str | None = None
    keep_suppressed: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Something that was told and nobody can be found for: kept as it came, about nobody.

    `notice` is the id of a provider's webhook item, which is learned once; empty for what has none.
    """

    name: str
    origin: str
    raw: Mapping[str, Any]
    notice: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """An address is put on a blacklist; `keys` are what blacklists.py made of it.

    An address that is on the blacklist of this scope already keeps its entry, with the id it has, and the later of both
    expiries. `expires` is None for an entry that stays.
    """

    id: str
    address: str
    keys: tuple[str, ...]
    scope: str = ""
    reason: str = ""
    expires: Stated | None = None
    origin: str = Origin.API
    source: str = ""


@dataclass(frozen=True, slots=True)
class Delisting:
    """A blacklist entry is removed, by its id."""

    id: str
    origin: str = Origin.API
    source: str = ""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person is erased: what names them goes out of every table, and what suppresses them stays as keyed hashes.

    It names nobody. `people` are keys of the table of persons, `ids` and `digests` the keyed hashes of external ids and
    of addresses that nobody else has, `spared` those of others' addresses that were told beside the id. `entries` are
    the sequence numbers of other people's journal entries, and `mentioned_by` the keys of other persons, in whose texts
    an address of the erased one stood, and `listed` those of blacklist entries that give it among their reasons.
    `emptied` are the sequence numbers of what their devices did that is told of others, of which only that is left.
    `counts` says what went, in rows by table, and what was kept; None before anybody counted.
    """

    people: tuple[int, ...]
    ids: tuple[str, ...]
    digests: tuple[str, ...]
    spared: tuple[str, ...] = ()
    entries: tuple[int, ...] = ()
    mentioned_by: tuple[int, ...] = ()
    listed: tuple[int, ...] = ()
    emptied: tuple[int, ...] = ()
    counts: Mapping[str, int] | None = None
    origin: str = Origin.API
    source: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Somebody says that a conflict with a provider's list is settled there; `person` is the key of the table."""

    person: int
    list: str
    kind: str
    origin: str = Origin.API
    source: str = ""


Event = Told | Profile | Departure | Unplaced | Listing | Delisting | Erasure | Settlement


@dataclass(frozen=True, slots=True)
class Learned:
    """What became of a told event: its place in the journal, when it counts from, and whether it was a repeat.

    `entry` is the blacklist entry that a Listing made or found, `conflicts` are those that came about.
    """

    sequence: int
    effective_at: Microseconds
    repeat: bool = False
    entry: BlacklistEntry | None = None
    conflicts: tuple[Conflict, ...] = ()
