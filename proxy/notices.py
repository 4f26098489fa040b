"""What a provider tells about a recipient, made into an event by what the configuration says of its word.

The table stands in a route's `webhook.effects`. What suppresses is told in the words that everybody uses, under an
origin of its own, so that who may take it back is the same table as ever (policy/state.py): a provider's resubscribe
undoes that provider's unsubscribe and nothing else, of the same route and of the same group or stream at the provider.
A resubscribe that does not say when it happened may be older than any unsubscribe, so it is only written down.

The route's business unit narrows to the person of that unit; without one, everybody with the address is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from policy.events import PROVIDER_PREFIX, Claim, Event, Origin, Subject, Told, Unplaced, Word
from policy.identity import email_keys, phone_keys
from policy.model import Channel
from proxy.accounts import Effects
from proxy.config import Route
from proxy.hooks.base import Notice, Says

LARGEST_RAW: Final = 16_384  # characters of one item that the journal keeps
LONGEST_LIST: Final = 128  # characters of a route and a group

# What each effect is told as; the ones that are not here are only written down.
_WORDS: Mapping[str, tuple[Word, bool]] = MappingProxyType(
    {
        "opt_out": (Word.OPT_OUT, False),
        "opt_out_all": (Word.OPT_OUT, True),
        "opt_in": (Word.OPT_IN, False),
        "block": (Word.BLACKLISTED, True),
    }
)
_NAMES: Mapping[Says, str] = MappingProxyType(
    {
        Says.UNSUBSCRIBE: "Unsubscribe",
        Says.RESUBSCRIBE: "Resubscribe",
        Says.COMPLAINT: "Complaint",
        Says.HARD_BOUNCE: "Hard Bounce",
        Says.DROPPED: "Dropped",
    }
)
_OWN_LISTS: Mapping[Says, str] = {Says.COMPLAINT: "complaints", Says.HARD_BOUNCE: "bounces"}  # no resubscribe ends them
UNPLACED: Final = "Unusable Webhook Item"


WEBHOOK: Final = "webhook"  # by which door a notice came, as the journal names it
ANSWER: Final = "answer"


def event(notice: Notice, route: str, settings: Route, channel: Channel, door: str = WEBHOOK) -> Event | None:
    """Make the event of a notice; None for what the configuration, or its word, says to let go.

    Of a provider whom nobody asked to tell by webhook, nothing in an answer is heeded, but that it disagrees is told.
    """
    source = f"{door}:{route}"
    name = settings.provider
    channel = notice.channel or channel
    if notice.says is Says.NOTHING:
        return None
    keys = email_keys(notice.address) if channel is Channel.MAIL else phone_keys(notice.address, settings.region)
    identity = f"{route}:{notice.id}"
    if notice.says is Says.UNUSABLE or not keys:
        return Unplaced(UNPLACED, f"{PROVIDER_PREFIX}{name}", _raw(notice), identity, source)
    asked = settings.webhook is not None or door == WEBHOOK
    effect = effect_of(notice, settings.webhook.effects if settings.webhook else Effects()) if asked else "ignore"
    claim = _claim(notice, route, channel, heeded=effect != "ignore")
    if effect == "ignore" and claim is None:
        return None
    word, everywhere = _WORDS.get(effect, (None, False))
    return Told(
        subject=_subject(notice.address, keys, settings.business_unit, channel),
        name=word or _NAMES[notice.says],
        word=word,
        origin=origin_of(notice.says, name),
        channel=Channel.ALL if everywhere or word is None else channel,
        stated=notice.at,
        number=_list(notice, route),
        properties={door: _raw(notice), "word": notice.word},
        source=source,
        notice=identity,
        claim=claim,
    )


def _claim(notice: Notice, route: str, channel: Channel, *, heeded: bool) -> Claim | None:
    """Say what a notice tells of the provider's list of people who want no mail.

    A mailbox that is gone says nothing of what anybody wants; that the provider has it on a list shows when it drops.
    """
    dropped = notice.dropped or notice.says is Says.DROPPED
    if notice.says is Says.HARD_BOUNCE and not dropped:
        return None
    name = _list(notice, route) or f"{route}:{_OWN_LISTS.get(notice.says, '')}"
    return Claim(name, channel, notice.says is not Says.RESUBSCRIBE, dropped, heeded)


def effect_of(notice: Notice, effects: Effects) -> str:
    """Say what the configuration makes of a word; a release without a time of its own is never applied.

    What was dropped for a reason that nobody knows is written down.
    """
    if notice.says is Says.DROPPED:
        return "record"
    effect: str = getattr(effects, notice.says)
    return "record" if effect == "opt_in" and notice.at is None else effect


def _subject(address: str, keys: tuple[str, ...], unit: str, channel: Channel) -> Subject:
    if channel is Channel.MAIL:
        return Subject(email=address, email_keys=keys, business_unit=unit, everybody=not unit)
    return Subject(phone=address, phone_keys=keys, everybody=True)


def _list(notice: Notice, route: str) -> str:
    """Name what was left or come back to, which stands where a keyword names its sending number."""
    if notice.says not in (Says.UNSUBSCRIBE, Says.RESUBSCRIBE):
        return ""
    return f"{route}:{notice.group}"[:LONGEST_LIST]


def origin_of(says: Says, provider: str) -> str:
    """Say under whose name a word is written."""
    if says is Says.COMPLAINT:
        return Origin.COMPLAINT
    return Origin.BOUNCE if says is Says.HARD_BOUNCE else f"{PROVIDER_PREFIX}{provider}"


def _raw(notice: Notice) -> Mapping[str, Any]:
    """Give the item as it came, or no more of it than the journal is to hold."""
    if len(repr(notice.raw)) <= LARGEST_RAW:
        return dict(notice.raw)
    return {"cut": repr(notice.raw)[:LARGEST_RAW]}
