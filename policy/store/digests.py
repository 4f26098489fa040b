"""Keyed digests: how a key is looked up, and how a standing outlives the clear address it belonged to.

One keyed BLAKE2b (RFC 7693) of the key, 128 bits. Its first 64 bits, as a signed integer, are the primary key of the
hot table; the whole digest confirms a hit. The pepper is the key, so the digests of a stolen store tell nothing to
whoever merely guesses addresses.

Where the journal named somebody who was erased, it names them by a veil, a text that holds the digest. The veil of a
key has the key's own digest, so that whatever goes by digests treats both alike. No key that anybody tells looks like
one: an e-mail has an @ in it, a number begins with a plus, and an id holds no NUL.
"""

from __future__ import annotations

import hashlib
import struct

PREFIX = 8
_SIGNED = struct.Struct(">q")
SIZE = 16
VEIL = "erased:"
ID_VEIL = f"\x00{VEIL}"


class WrongPepper(Exception):
    """A digest was made with another pepper, so what it stands for can no longer be found by it."""


class Digests:
    """Makes the digests of one store."""

    def __init__(self, pepper: str) -> None:
        secret = pepper.encode()
        if len(secret) > hashlib.blake2b.MAX_KEY_SIZE:
            secret = hashlib.blake2b(secret).digest()
        self._keyed = hashlib.blake2b(digest_size=SIZE, key=secret, person=b"sendgate")

    def digest(self, key: str) -> bytes:
        """Give the 16-byte digest of a key, or of the key behind a veil."""
        if key.startswith(VEIL):
            return bytes.fromhex(key[len(VEIL) :])
        keyed = self._keyed.copy()
        keyed.update(key.encode("utf-8", "surrogatepass"))
        return keyed.digest()

    def veiled(self, key: str) -> str:
        """Give the text that stands for a key in the journal once its person was erased."""
        return f"{VEIL}{self.digest(key).hex()}"

    def veiled_id(self, external_id: str) -> str:
        """Give the text that stands for an external id once its person was erased."""
        if external_id.startswith(ID_VEIL):
            return external_id
        return f"{ID_VEIL}{self.digest(f'{ID_VEIL}{external_id}').hex()}"

    def veiled_identity(self, identity: bytes) -> bytes:
        """Give the keyed hash of a statement's identity, which by itself would tell whoever guesses its address."""
        return self.digest(f"{ID_VEIL}identity:{identity.hex()}")

    def kept(self, exported: str) -> bytes:
        """Read a kept address of an export (`CHECK:DIGEST`); raises WrongPepper if another pepper made it."""
        check, _, digest = exported.partition(":")
        if check != self.check_value():
            raise WrongPepper("a kept address was exported from a store with another pepper")
        return bytes.fromhex(digest)

    def export(self, digest: bytes) -> str:
        """Write a kept address for an export."""
        return f"{self.check_value()}:{digest.hex()}"

    def check_value(self) -> str:
        """Give a value by which a store recognises its own pepper."""
        return self.digest("\x00pepper").hex()


def key_hash(digest: bytes) -> int:
    """Give the signed 64-bit integer that a digest is looked up by."""
    hashed: int = _SIGNED.unpack_from(digest)[0]
    return hashed


def prefix_range(digest: bytes) -> tuple[bytes, bytes]:
    """Give the least and the greatest digest with the same 64 bits: two keys may share them."""
    prefix = digest[:PREFIX]
    return prefix + b"\x00" * (SIZE - PREFIX), prefix + b"\xff" * (SIZE - PREFIX)
