"""Ids for answers that the gate gives in a provider's place: made of the decision alone, so each has its own.

They look like the provider's, and nobody can look them up there.
"""

from __future__ import annotations

from hashlib import sha256


def digest(decision: str, number: int = 0) -> str:
    """Give 64 hexadecimal digits for the nth message of a decision."""
    return sha256(f"{decision}.{number}".encode()).hexdigest()


def uuid(decision: str, number: int = 0) -> str:
    """Give a UUID of version 4 (RFC 9562, section 5.4) for the nth message of a decision."""
    digits = digest(decision, number)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
