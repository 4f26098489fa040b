"""Tracking ids: what became of an asynchronous request, in the id itself (CrossEngage v2, "Request tracking").

The second version answers 202 with an id, and its clients ask later how the request ended. Here it has ended before
it is answered, so there is nothing to wait for, and nothing to keep either: the id holds when it was given and how
many users were written and how many not, in the form of a UUID (RFC 9562, version 8: bits of one's own making). Whoever
asks is told the same after a restart and by whichever process, and no table grows with requests that nobody asks about.

An id that nobody was given is unknown: the rest of its bits are a keyed digest of what it says. After 24 hours it is
unknown too, as the contract has it. Two requests of one microsecond with the same numbers share an id, which tells each
of them the truth.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Final

from policy.model import Microseconds

LIVES: Final = 24 * 3_600_000_000  # microseconds
MOST: Final = (1 << 10) - 1  # users that one request may be about

_AT = 52  # bits; microseconds until the year 2112
_COUNT = 10
_CHECK = 50
_VERSION: Final = 8 << 76 | 2 << 62  # the bits that make a UUID of version 8
_LOW = (1 << 62) - 1
_MIDDLE = (1 << 12) - 1


@dataclass(frozen=True, slots=True)
class Ended:
    """How a request ended: when, how many users it was about (MOST at most), and how many of them were not written."""

    at: Microseconds
    total: int
    errors: int


def make(key: bytes, ended: Ended) -> str:
    """Write an id; the key may have up to 64 bytes."""
    told = (ended.at << _COUNT | ended.total) << _COUNT | ended.errors
    return str(uuid.UUID(int=_spread(told << _CHECK | _check(key, told))))


def read(key: bytes, text: str, now: Microseconds) -> Ended | None:
    """Read an id; None for one that is not of this key, or whose time is over."""
    try:
        number = uuid.UUID(text).int
    except ValueError:
        return None
    packed = _gathered(number)
    told, check = packed >> _CHECK, packed & (1 << _CHECK) - 1
    if check != _check(key, told) or number != _spread(packed):
        return None
    ended = Ended(Microseconds(told >> 2 * _COUNT), told >> _COUNT & MOST, told & MOST)
    return ended if now - ended.at <= LIVES else None


def _check(key: bytes, told: int) -> int:
    digest = hashlib.blake2b(told.to_bytes(9), digest_size=8, key=key, person=b"tracking").digest()
    return int.from_bytes(digest) >> 64 - _CHECK


def _spread(packed: int) -> int:
    """Lay 122 bits around the six that a UUID has for its version."""
    return packed >> 74 << 80 | _VERSION | (packed >> 62 & _MIDDLE) << 64 | packed & _LOW


def _gathered(number: int) -> int:
    return (number >> 80) << 74 | (number >> 64 & _MIDDLE) << 62 | number & _LOW
