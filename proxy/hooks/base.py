"""The contract of a provider's webhooks: values in, values out, no clock and no I/O.

A module of this package stands under the name of its provider's file. It answers two questions of the door: does this
request come from the provider (`check`), and what does it say about whom (`read`). What the words do to anybody's
standing is not decided here; the configuration does that, and the door tells it to the policy. Where the answer to a
send tells whom the provider dropped, that is read here too (`dropped`).

Whatever came from the provider is kept. An item that cannot be understood is a `Notice` too, of nobody: it is
journalled raw and does not fail the others that came with it. An item that speaks of several people and does not say
which of them it means is about nobody as well: to suppress them all for one of them would be a guess.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import importlib
import json
import pkgutil
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, cast, runtime_checkable

import orjson
from multidict import CIMultiDictProxy

from policy import times
from policy.model import Channel, Microseconds
from policy.times import Stated


class Says(StrEnum):
    """What a provider can tell about a recipient, as far as it matters here."""

    UNSUBSCRIBE = "unsubscribe"  # wants no more of this, by the provider's own link or list
    RESUBSCRIBE = "resubscribe"  # takes such an unsubscribe back
    COMPLAINT = "complaint"  # marked the message as spam
    HARD_BOUNCE = "hard_bounce"  # there is no such mailbox, and there will be none
    DROPPED = "dropped"  # sent nothing, because of a list of its own, and does not say of which
    UNUSABLE = "unusable"  # cannot be understood, or does not say whom it means: journalled, about nobody
    NOTHING = "nothing"  # delivered, opened, clicked, deferred: counted, and that is all


@dataclass(frozen=True, slots=True)
class Hook:
    """One request at a webhook's address.

    `url` is the address as the provider was told it (`public_url` and the raw path and query), because some sign it;
    `body` are the very bytes that came.
    """

    method: str
    url: str
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def query(self) -> str:
        """Give the raw query."""
        return self.url.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the configuration gives a route's webhook: up to two keys during a rotation, and the topics it believes."""

    keys: tuple[str, ...] = field(repr=False)
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """One item of a webhook, about one recipient.

    `address` is as it was told. `at` is when it happened, if the provider says. `id` is the provider's own id of the
    event, or what `identity` makes of named fields: told twice, it is learned once. `word` is the provider's own name
    of it, `raw` the whole item as it came, for the journal. `group` is the group, stream or list of the provider that
    somebody left or came back to: coming back to one takes nothing back that was said about another, or about all.
    `channel` is the one that it is about, None for the route's own; `address` is a number where that is no mail.
    With `dropped` the provider sent nothing because its own list has the recipient for this reason already.
    """

    says: Says
    address: str = ""
    at: Stated | None = None
    id: str = ""
    word: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    channel: Channel | None = None
    dropped: bool = False


class Forged(Exception):
    """A request that does not prove to come from the provider, or is too old; the text holds no value of it."""


class Garbled(Exception):
    """A request that comes from the provider and is no webhook of any known form; the text holds no value of it."""


class Hooks(Protocol):
    """All that is known of one provider's webhooks."""

    WINDOW: float  # seconds by which a signed time may differ from now
    PROOF: str  # for operators, in a sentence: what proves it, and what the `key` of the configuration is there

    def needs(self, hook: Hook) -> str | None:
        """Name what must be fetched before the check (a certificate), pinned to the provider's own host, or None.

        Raises Forged where the request names something else.
        """

    def check(self, hook: Hook, secrets: Secrets, now: float, fetched: bytes | None) -> None:
        """Make sure that the provider sent this; raises Forged. `now` is in seconds since 1970."""

    def read(self, hook: Hook) -> tuple[Notice, ...]:
        """Take a checked request apart, one notice for each item and recipient; raises Garbled."""

    def confirm(self, hook: Hook) -> str | None:
        """Name what must be fetched to confirm a checked subscription, pinned to the provider's own host, or None."""


@runtime_checkable
class ReadsSecrets(Protocol):
    """What a file has besides where not every text that may stand in the configuration can prove anything."""

    def flaw(self, secrets: Secrets) -> str:
        """Say why nobody could ever prove to be the provider with these, without any value of them; "" if one could."""


@runtime_checkable
class TellsDropped(Protocol):
    """What a file has besides where the answer to a send names whom a list of the provider's kept the message from."""

    def dropped(self, answer: bytes) -> tuple[Notice, ...]:
        """Give a notice for each address that an answer, inflated, names so; none of one without sense. Never raises.

        `raw` holds nothing about anybody else in the answer. Nothing of it says when, and it has no id.
        """


def flaw(hooks: Hooks, secrets: Secrets) -> str:
    """Say why a route with these secrets would believe nobody, for the operator; "" where there is nothing to say."""
    if isinstance(hooks, ReadsSecrets):
        return hooks.flaw(secrets)
    return "" if secrets.keys else "needs a key"


def signs_address(hooks: Hooks | None) -> bool:
    """Tell whether the address that the provider was told is part of its proof; a file says it as SIGNS_ADDRESS."""
    return bool(getattr(hooks, "SIGNS_ADDRESS", False))


def load(name: str) -> Hooks | None:
    """Load the webhooks of a provider by its name, or None where the gate knows none."""
    if name not in names():
        return None
    return cast("Hooks", importlib.import_module(f"proxy.hooks.{name}"))


def names() -> tuple[str, ...]:
    """List the providers whose webhooks are known, found on disk."""
    package = importlib.import_module("proxy.hooks")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name != "base"))


# ── what several providers have in common ──


def nothing_needed(hook: Hook) -> str | None:
    """Fetch nothing: what most providers' `needs` and `confirm` are."""
    del hook
    return None


_DEEPEST = 32  # levels of an item that is deeper than can be written


def identity(item: Mapping[str, Any], *names: str) -> str:
    """Make an id of named fields where the provider gives none: what is the same in all of them is the same event."""
    told = orjson.dumps([item.get(name) for name in names], option=orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2b(told, digest_size=16).hexdigest()


def json_items(body: bytes) -> list[Any]:
    """Read a body of JSON that is one item, or an array of items; raises Garbled.

    Senders and mail programs wrote some of the texts and trees in it. Half a character, bytes that are not UTF-8 or a
    tree without end must not cost the items beside it, so what cannot be kept is replaced.
    """
    told = _parsed(body)
    try:
        orjson.dumps([[[[[[[[told]]]]]]]])  # the journal wraps an item, and orjson writes no more than 254 levels
    except TypeError:
        told = _shallow(told, _DEEPEST)
    return told if isinstance(told, list) else [told]


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        told = json.loads(body.decode("utf-8", "replace"), parse_constant=lambda _: None)
        return orjson.loads(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise Garbled("the body is not JSON") from None


def _shallow(tree: Any, levels: int) -> Any:
    if not isinstance(tree, dict | list):
        return tree
    if not levels:
        return "…"
    if isinstance(tree, list):
        return [_shallow(each, levels - 1) for each in tree]
    return {name: _shallow(each, levels - 1) for name, each in tree.items()}


def usable(item: Any) -> Mapping[str, Any] | None:
    """Give an item that is an object, or None."""
    return item if isinstance(item, dict) else None


def unusable(item: Any, word: str = "") -> Notice:
    """Make the notice of an item that cannot be understood, or does not say whom it means."""
    raw = item if isinstance(item, dict) else {"item": item}
    told = orjson.dumps(item, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return Notice(Says.UNUSABLE, id=hashlib.blake2b(told, digest_size=16).hexdigest(), word=word, raw=raw)


def text(item: Mapping[str, Any], *names: str) -> str:
    """Give the first of these fields that is a text, else nothing."""
    return next((item[name] for name in names if isinstance(item.get(name), str)), "")


def at_seconds(told: Any) -> Stated | None:
    """Read seconds since 1970, whole or with a fraction, as number or text; None for anything else."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:
        return times.read(times.written(Microseconds(round(float(told) * 1_000_000))))
    except (ValueError, OverflowError):
        return None


def at_text(told: Any) -> Stated | None:
    """Read an ISO 8601 time; None for anything else, and where the zone is missing."""
    try:
        return times.read(told) if isinstance(told, str) else None
    except times.BadTime:
        return None


# The words by which carriers and providers let people end texts, in the languages in which they document them.
_STOPS = {"stop", "stopall", "unsubscribe", "unsub", "cancel", "end", "quit", "revoke", "optout", "remove"}
_STOPS |= {"arret", "arrete", "td", "alto", "parar", "baja", "nomas"}
_LEADING = {"stop", "stopall", "unsubscribe", "arret", "arrete"}  # whatever follows
_WORD = re.compile("[a-z]+")


def says_stop(told: str) -> bool:
    """Tell whether an answer to a text ends them: `Stop`, `OPT-OUT!`, `Arrêt`, `STOP texting me`."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", told) if not unicodedata.combining(each))
    words = _WORD.findall(plain.casefold())
    return "".join(words) in _STOPS or next(iter(words), "") in _LEADING


def check_key(hook: Hook, secrets: Secrets, *headers: str) -> None:
    """Check a provider that signs nothing by what the operator put into the webhook's address or headers.

    Basic credentials (`user:password`, or the password alone), a bearer token, or the whole value of one of `headers`
    may be a key of the configuration. Raises Forged.
    """
    shown = [hook.headers.get(name, "") for name in headers]
    scheme, _, rest = hook.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        shown.append(rest.strip())
    elif scheme.lower() == "basic":
        shown += _basic(rest)
    if not _known(shown, secrets):
        raise Forged("no key of the configuration was shown")


def _basic(credentials: str) -> tuple[str, ...]:
    try:
        pair = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ()
    return pair, pair.partition(":")[2]


def _known(shown: Iterable[str], secrets: Secrets) -> bool:
    given = [each.encode("utf-8", "surrogateescape") for each in shown if each]
    keys = [key.encode() for key in secrets.keys if key]
    return any(hmac.compare_digest(each, key) for each in given for key in keys)


def check_time(told: str, now: float, window: float) -> None:
    """Refuse a signed time, in seconds since 1970, that is too far from now; raises Forged."""
    if not told.isascii() or not told.isdigit() or len(told) > 12:
        raise Forged("the signed time is none")
    if abs(int(told) - now) > window:
        raise Forged("the signed time is too far from now")
