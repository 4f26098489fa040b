"""The links that the tables of this folder ask for: one for each address, and what goes into headers for it."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

PLACEHOLDER: Final = "{{unsubscribe}}"
VARIABLE: Final = "unsubscribe_url"
ONE_CLICK: Final = "List-Unsubscribe=One-Click"


def link(address: str) -> str:
    """Give the link of an address."""
    return f"https://gate.test/u/{sha256(address.encode()).hexdigest()[:24]}"


def headers(address: str) -> dict[str, str]:
    """Give both headers of the mail to an address."""
    return {"List-Unsubscribe": f"<{link(address)}>", "List-Unsubscribe-Post": ONE_CLICK}


def listed(address: str) -> list[dict[str, str]]:
    """Give them as a list of names and values."""
    return [{"Name": name, "Value": value} for name, value in headers(address).items()]
