"""The token of an unsubscribe link: whom it is about, encrypted and authenticated, and nothing is stored for it.

A token is the number of its key (one byte of a hash of it) and what is told, sealed by AES-SIV (RFC 5297), written in
the URL-safe alphabet of RFC 4648 without padding. AES-SIV needs no nonce: the same link is the same token, always. So a
send that is tried again has the same bytes, and one that is made anew for the same campaign has the same link.

No time stands in it, for the same reason: a day, however coarse, changes between two tries of some send, and a provider
refuses an idempotency key that comes back with another body. Links expire with their key instead. An operator puts a
new key in front, and takes the old one away when its last messages are old enough, not before 60 days
(docs/unsubscribe.md). A link whose key is gone is told from a broken one by the number of the key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from policy.model import Channel

PATH: Final = "/u/"
LONGEST: Final = 4000  # characters of a token; most have less than a hundred
CAMPAIGN: Final = 100  # characters of a campaign's name; more are cut off

_TAG: Final = 16  # bytes that AES-SIV puts in front (RFC 5297, section 2.6)
_APART: Final = "\0"
_CHANNELS: Final[Mapping[Channel, bytes]] = MappingProxyType(  # links that were sent know these numbers for ever
    {Channel.MAIL: b"\x01", Channel.SMS: b"\x02", Channel.INSTANT_MESSAGING: b"\x03"}
)
_NUMBERS: Final = MappingProxyType({number: channel for channel, number in _CHANNELS.items()})


class Broken(Exception):
    """A token that was cut, changed or made up: it says nothing about anybody."""


class Expired(Exception):
    """A token whose key is not there any more."""


@dataclass(frozen=True, slots=True)
class Link:
    """Whom a link is about: the canonical key of an address, and which channel, business unit and campaign it was."""

    key: str
    channel: Channel
    business_unit: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class _Key:
    number: bytes
    cipher: AESSIV


class Links:
    """Makes tokens by the first of some keys, and reads those that any of them made."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [_key(text) for text in keys]

    def __bool__(self) -> bool:
        """Tell whether there is a key to make links by."""
        return bool(self._keys)

    def make(self, link: Link) -> str:
        """Give the token of a link, the same for the same link.

        Raises ValueError for a channel or a text that no link can hold, and LookupError without a key.
        """
        key = self._keys[0]
        token = _spelled(key.number + key.cipher.encrypt(_written(link), None))
        if len(token) > LONGEST:
            raise ValueError("there is no link as long as this business unit asks for")
        return token

    def read(self, token: str) -> Link:
        """Give what a token says; raises Broken and Expired."""
        raw = _raw(token)
        known = [key for key in self._keys if key.number == raw[:1]]
        if not known:
            raise Expired
        for key in known:  # two keys may have one number
            try:
                return _link(key.cipher.decrypt(raw[1:], None))
            except InvalidTag:
                continue
        raise Broken


def url(public_url: str, token: str) -> str:
    """Give the whole link."""
    return f"{public_url.rstrip('/')}{PATH}{token}"


def _key(text: str) -> _Key:
    """Make a key's cipher (AES-256 twice, RFC 5297, section 2.2) and its number out of the secret's text."""
    secret = hashlib.blake2b(text.encode(), person=b"sendgate links").digest()
    number = hashlib.blake2b(text.encode(), digest_size=1, person=b"sendgate linknum").digest()
    return _Key(number, AESSIV(secret))


def _written(link: Link) -> bytes:
    number = _CHANNELS.get(link.channel)
    if number is None or _APART in link.key or _APART in link.business_unit or not link.key:
        raise ValueError("there is no link for this channel, or for such an address or business unit")
    campaign = link.campaign[:CAMPAIGN].replace(_APART, "").encode("utf-8", "replace")
    return b"%b%b\0%b\0%b" % (number, link.key.encode(), link.business_unit.encode(), campaign)


def _link(plain: bytes) -> Link:
    key, unit, campaign = plain[1:].decode().split(_APART)
    return Link(key, _NUMBERS[plain[:1]], unit, campaign)


def _raw(token: str) -> bytes:
    """Decode a token that is written in the one way there is; raises Broken.

    The last character has bits to spare and decoders skip what they do not know, so what was read is written again.
    """
    if len(token) > LONGEST:
        raise Broken
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise Broken from None
    if len(raw) <= 1 + _TAG or _spelled(raw) != token:
        raise Broken
    return raw


def _spelled(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
