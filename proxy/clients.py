"""Who is at the other end, behind the proxies that the configuration trusts.

`X-Forwarded-For` grows at its end, one address for each proxy passed. Whoever is not trusted can write anything into
it, so it is read from the end, as long as the one who wrote an entry is a proxy of `trusted_proxies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_of(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """Give the address of the client: the peer, or what trusted proxies say of it; "" where there is none."""
    written = [entry.strip() for value in forwarded_for for entry in value.split(",")]
    client = _address(peer or "")
    while client is not None and written and any(client in network for network in trusted):
        before = _address(written.pop())
        if before is None:
            break
        client = before
    return "" if client is None else str(client)


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
