"""What is left of an event once somebody whom it names was erased: the effect, and veils in place of names.

Telling the journal again must end in the same store, so an entry cannot simply go: it may have told of two people, or
made a person whose number others' count on. Its names become veils, texts that hold a keyed hash (store/digests.py),
and what it says beside names and effect goes. There are two ways:

- `whole`: the entry is about the erased one. Every name is veiled, and all that was said beside goes.
- `partly`: it is about somebody else, or about nobody, and an address of the erased one stands in it. That address
  goes, wherever it stands, and all else stays.

A blacklist entry belongs to its address and outlives its person, so what put one there stays as long as the entry is
there; once it was removed it is veiled as well.

An address is found in free text by reading everything in it that looks like one as an address is read at any door, so
that spellings do not matter and nobody needs to know the clear address to find it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

from policy import identity
from policy.events import Departure, Event, Listing, Phone, Profile, Subject, Told, Unplaced, Veil

GONE: Final = "erased"  # what stands in a text where an address was

_BETWEEN: Final = re.compile(r"""([\s"'<>(),;\[\]\\{}|=&?/:]+)""")
_NUMBER: Final = re.compile(r"\+?\d[\d ().\-/]{5,}\d")
_TRIMMED: Final = ".!*#`~^_-"


@dataclass(frozen=True, slots=True)
class Veils:
    """How names are veiled, and whose.

    `is_gone` and `is_gone_id` tell whether a key or an id is the erased one's, `is_spared` whether a key that was told
    beside their id is somebody else's, and `is_listed` whether the entry that was put on a blacklist is still there.
    """

    key: Callable[[str], str]
    id: Callable[[str], str]
    notice: Callable[[str], str]
    is_gone: Callable[[str], bool]
    is_gone_id: Callable[[str], bool]
    is_spared: Callable[[str], bool]
    is_listed: Callable[[Listing], bool]


# About the erased one


def whole(event: Event, veils: Veils, veil: Veil) -> Event:
    """Veil every name in an event, but for others' addresses, and take out what was said beside."""
    match event:
        case Told():
            subject = _whole_subject(event.subject, veils)
            return _veiled(replace(event, subject=subject, properties={}), veils, veil)
        case Profile():
            return replace(
                event,
                id=event.id and veils.id(event.id),
                email=event.email and _text_of(event.email_keys, veils),
                email_keys=_keys(event.email_keys, veils),
                phones={trait: phone and _phone(phone, veils) for trait, phone in event.phones.items()},
                traits={},
            )
        case Departure():
            return replace(event, id=event.id and veils.id(event.id))
        case Unplaced():
            return replace(event, raw={}, notice=event.notice and veils.notice(event.notice))
        case _:
            return event


def _whole_subject(subject: Subject, veils: Veils) -> Subject:
    subject = _addresses_veiled(subject, veils, lambda keys: _any_gone(keys, veils) or not _any_spared(keys, veils))
    return replace(subject, id=subject.id and veils.id(subject.id))


def _addresses_veiled(subject: Subject, veils: Veils, wanted: Callable[[Iterable[str]], bool]) -> Subject:
    """Veil the addresses of a subject whose keys are wanted."""
    if subject.email_keys and wanted(subject.email_keys):
        keys = _keys(subject.email_keys, veils)
        subject = replace(subject, email=_text_of(subject.email_keys, veils), email_keys=keys)
    if subject.phone_keys and wanted(subject.phone_keys):
        keys = _keys(subject.phone_keys, veils)
        subject = replace(subject, phone=_text_of(subject.phone_keys, veils), phone_keys=keys)
    return subject


def _veiled(told: Told, veils: Veils, veil: Veil) -> Told:
    return replace(told, stated=None, notice=told.notice and veils.notice(told.notice), veil=veil)


def _phone(phone: Phone, veils: Veils) -> Phone:
    _, keys = phone
    return _text_of(keys, veils), _keys(keys, veils)


def _keys(keys: Iterable[str], veils: Veils) -> tuple[str, ...]:
    return tuple(map(veils.key, keys))


def _text_of(keys: Iterable[str], veils: Veils) -> str:
    """Write the veiled text of an address: its veiled keys, so that they can be read from it again."""
    return " ".join(_keys(keys, veils))


def keys_in(text: str) -> tuple[str, ...]:
    """Read the keys of an e-mail address that may be veiled."""
    return tuple(text.split()) if text and "@" not in text else identity.email_keys(text)


# About others


def emptied(event: Event, left: Mapping[str, Any], veils: Veils, veil: Veil) -> Event:
    """Leave of what a device did only these properties, if it was told of somebody else who had the device as well."""
    match event:
        case Told():
            return _veiled(replace(event, properties=left), veils, veil)
        case Unplaced():
            return replace(event, raw={})
        case _:
            return event


def partly(event: Event, veils: Veils, veil: Veil) -> Event:
    """Take the erased one's addresses and ids out of an event about others; gives the same event if it has none."""
    match event:
        case Told():
            changed = replace(
                event,
                subject=_addresses_veiled(event.subject, veils, lambda keys: _any_gone(keys, veils)),
                properties=walked(event.properties, veils),
            )
            return event if changed == event else _veiled(changed, veils, veil)
        case Profile():
            changed_profile = _partly_profile(event, veils)
            return event if changed_profile == event else changed_profile
        case Departure() if event.id is not None and veils.is_gone_id(event.id):
            return replace(event, id=veils.id(event.id))
        case Listing():
            return _partly_listing(event, veils)
        case Unplaced():
            return _partly_unplaced(event, veils, veil)
        case _:
            return event


def _partly_unplaced(event: Unplaced, veils: Veils, veil: Veil) -> Event:
    """Veil a provider's item as a whole; a tracking event keeps its device and may become somebody's yet."""
    raw = walked(event.raw, veils)
    if raw == event.raw and walked(event.notice, veils) == event.notice:
        return event
    return whole(event, veils, veil) if event.notice else replace(event, raw=raw)


def _partly_profile(profile: Profile, veils: Veils) -> Profile:
    phones = {
        trait: _phone(phone, veils) if phone and _any_gone(phone[1], veils) else phone
        for trait, phone in profile.phones.items()
    }
    profile = replace(profile, phones=phones, traits=walked(profile.traits, veils))
    if not _any_gone(profile.email_keys, veils):
        return profile
    return replace(profile, email=_text_of(profile.email_keys, veils), email_keys=_keys(profile.email_keys, veils))


def _partly_listing(listing: Listing, veils: Veils) -> Listing:
    reason = text_without(listing.reason, veils)
    if reason != listing.reason:
        listing = replace(listing, reason=reason)
    if not _any_gone(listing.keys, veils) or veils.is_listed(listing):
        return listing
    keys = _keys(listing.keys, veils)
    return listing if keys == listing.keys else replace(listing, address=" ".join(keys), keys=keys, reason="")


def _any_gone(keys: Iterable[str], veils: Veils) -> bool:
    return any(map(veils.is_gone, keys))


def _any_spared(keys: Iterable[str], veils: Veils) -> bool:
    return any(map(veils.is_spared, keys))


# Free text


def walked(value: Any, veils: Veils) -> Any:
    """Take the erased one's addresses out of all texts of a tree, the names of members included."""
    if isinstance(value, str):
        return text_without(value, veils)
    if isinstance(value, Mapping):
        return {walked(name, veils): walked(below, veils) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [walked(below, veils) for below in value]
    if isinstance(value, int) and not isinstance(value, bool) and text_without(str(value), veils) == GONE:
        return GONE
    return value


def text_without(text: str, veils: Veils) -> str:
    """Take the erased one's addresses out of a text, in whichever spelling, percent-encoded ones included."""
    if _is_gone(text, veils):
        return GONE
    if "@" in text or "%40" in text:
        text = "".join(GONE if _is_gone_token(token, veils) else token for token in _BETWEEN.split(text))
    return _NUMBER.sub(lambda found: GONE if _is_gone(found[0], veils) else found[0], text)


def _is_gone_token(token: str, veils: Veils) -> bool:
    if "@" not in token and "%40" not in token:
        return False
    readings = (token, unquote(token))
    return any(_is_gone(each, veils) or _is_gone(each.strip(_TRIMMED), veils) for each in readings)


def _is_gone(text: str, veils: Veils) -> bool:
    return _any_gone(identity.address_keys(text), veils)
