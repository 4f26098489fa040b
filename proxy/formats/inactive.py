"""Postmark's texts about recipients whom it suppresses, its "inactive" ones, in which SDKs look for the addresses.

There are two: for a message of which nobody is left (ErrorCode 406), and for one of which somebody is (ErrorCode 0).
Postmark writes addresses in lower case, and each once. Behind the first text, where no SDK looks, the gate says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from policy.model import Refused
from policy.reasons import Reason

INVALID = 300  # "Invalid email request"
INACTIVE = 406

_NAMED = re.compile(r"(inactive addresses: .+?)(?=\. Inactive|\.?$)")
_ALL_NAMED = re.compile(r"inactive addresses:(.*?)(?:Inactive recipients|\Z)", re.DOTALL)
_NOTHING_KNOWN = frozenset({Reason.INVALID_ADDRESS, Reason.NO_RECIPIENT})  # reasons without anything against a person


def nobody_left(refused: Iterable[Refused]) -> dict[str, Any]:
    """Say of a message that it reaches nobody: ErrorCode and Message, 406 unless nobody is refused for a standing."""
    recipients = list(refused)
    reasons = ", ".join(sorted({each.reason for each in recipients}))
    why = f"sendgate: no message is sent to this recipient ({reasons})"
    names = _addresses(recipients)
    if not names:
        return {"ErrorCode": INVALID, "Message": why}
    text = (
        f"You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: {names}. "
        "Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."
    )
    return {"ErrorCode": INACTIVE, "Message": f"{text} {why}"}


def some_left(told: dict[str, Any], refused: Iterable[Refused]) -> dict[str, Any]:
    """Say of a message what Postmark said of the rest of it, and who else is inactive; other errors stay as told."""
    names, message = _addresses(refused), told.get("Message")
    if not names or not isinstance(message, str):
        return told
    if _NAMED.search(message):
        return {**told, "Message": _NAMED.sub(lambda match: f"{match[1]}, {names}", message, count=1)}
    if told.get("ErrorCode") != 0:
        return told
    text = (
        f"Message OK, but will not deliver to these inactive addresses: {names}. "
        "Inactive recipients are ones that have generated a hard bounce or a spam complaint."
    )
    return {**told, "Message": text}


def named(message: str) -> tuple[str, ...]:
    """List the addresses that a text of Postmark's calls inactive."""
    found = _ALL_NAMED.search(message)
    return tuple(dict.fromkeys(name for each in found[1].split() if (name := each.strip(",.")))) if found else ()


def _addresses(refused: Iterable[Refused]) -> str:
    people = (each.recipient for each in refused if each.reason not in _NOTHING_KNOWN)
    return ", ".join(dict.fromkeys(each.keys[0] if each.keys else each.address for each in people))
