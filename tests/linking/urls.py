"""The links that the tables of this folder ask for: one by each place, and what goes into headers for it."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

PLACEHOLDER: Final = "{{unsubscribe}}"
ONE_CLICK: Final = "List-Unsubscribe=One-Click"


def link(place: str) -> str:
    """Give the link of whoever is at a place."""
    return f"https://gate.test/u/{sha256(place.encode()).hexdigest()[:24]}"


def headers(place: str) -> dict[str, str]:
    """Give both headers of the mail to whoever is at a place."""
    return {"List-Unsubscribe": f"<{link(place)}>", "List-Unsubscribe-Post": ONE_CLICK}


def listed(place: str) -> list[dict[str, str]]:
    """Give them as a list of names and values."""
    return [{"Name": name, "Value": value} for name, value in headers(place).items()]
