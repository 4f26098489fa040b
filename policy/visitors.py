"""What the Profile Store's face keeps of a person, beside what users have: devices, visits, and what it is told.

It lies among the person's traits under one name, which users' own face neither shows nor takes. So it is written,
journalled, merged and erased like any trait. Times are microseconds; what is None was never told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from policy import identity
from policy.veiling import GONE

TRAIT: Final = "__profile"
DEVICES: Final = "DeviceIds"
DEVICE: Final = "DeviceId"  # of a tracking event
SEEN: Final = "DeviceSeen"  # the same where nothing else of the event is left: it is not listed any more
NEW_VISIT: Final = 15 * 60 * 1_000_000  # microseconds of absence, after which somebody is here anew
MOST_DEVICES: Final = 1000  # of one person; the oldest go

Traits = Mapping[str, Any]


def of(traits: Traits) -> Mapping[str, Any]:
    """Give what is kept of a person."""
    kept: Mapping[str, Any] = traits.get(TRAIT) or {}
    return kept


def devices(traits: Traits) -> Sequence[str]:
    """Give the ids of a person's devices."""
    found: Sequence[str] = of(traits).get(DEVICES) or ()
    return found


def merged(held: Sequence[Traits], told: Traits) -> dict[str, Any]:
    """Lay what is told over the traits of one person, or of the several who become one; None takes a trait away."""
    whole = {name: value for traits in (*held, told) for name, value in traits.items() if name != TRAIT}
    kept: dict[str, Any] = {}
    for traits in held:
        both = dict.fromkeys([*kept.get(DEVICES, ()), *devices(traits)])
        kept = {**kept, **of(traits), **({DEVICES: list(both)} if both else {})}
    kept = _without_none({**kept, **of(told)})
    if kept.get(DEVICES):
        kept[DEVICES] = kept[DEVICES][-MOST_DEVICES:]
    return _without_none({**whole, TRAIT: kept or None})


def seen(traits: Traits, device: str, at: int) -> dict[str, Any]:
    """Give what is kept anew once somebody was here with a device; one called by an address is no device.

    Neither is what is left of an address that was erased, where the journal is told again.
    """
    kept = of(traits)
    last = kept.get("LastSeen")
    new = last is None or at > last + NEW_VISIT
    told = {
        "FirstSeen": min(kept.get("FirstSeen", at), at),
        "LastSeen": at if last is None else max(last, at),
        "Visits": kept.get("Visits", 0) + new,
    }
    known = [each for each in devices(traits) if each.lower() != device.lower()]
    return told if keys_of(device) or device == GONE else {**told, DEVICES: [*known, device]}


def only_seen(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Leave of what a tracking event told with which device somebody was here, and nothing else."""
    device = device_of(properties)
    return {SEEN: device} if device else {}


def device_of(properties: Mapping[str, Any]) -> str | None:
    """Give the device of a tracking event, of which nothing else may be left."""
    return properties.get(DEVICE) or properties.get(SEEN)


def addresses(traits: Traits) -> Iterator[tuple[str, ...]]:
    """Give the keys of those devices that are called by an e-mail address, as campaigns call them."""
    for device in devices(traits):
        keys = keys_of(device)
        if keys:
            yield keys


def keys_of(device: str) -> tuple[str, ...]:
    """Give the keys of a device's id if it is an e-mail address."""
    return identity.email_keys(device) if "@" in device else ()


def _without_none(told: Traits) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
