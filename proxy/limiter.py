"""How often each client may ask: a budget that fills up again, kept for the clients of late and no others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

BURST: Final = 10  # seconds' worth that may be asked at once
MOST: Final = 10_000  # clients that are remembered; whoever is forgotten has a whole budget again
_HOUSEHOLD: Final = 64  # bits of an IPv6 address that one subscriber has (RFC 6177)


class Limiter:
    """The budgets of many clients, in requests; `clock` tells seconds."""

    def __init__(self, rate: float, clock: Callable[[], float], most: int = MOST) -> None:
        self._rate = rate
        self._clock = clock
        self._most = most
        self._budgets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what was left, and when

    def takes(self, client: str) -> bool:
        """Take one request of a client's budget, or tell that there is none left."""
        who = _household(client)
        now, whole = self._clock(), self._rate * BURST
        left, since = self._budgets.get(who, (whole, now))
        left = min(whole, left + (now - since) * self._rate)
        taken = left >= 1
        self._budgets[who] = (left - 1 if taken else left, now)
        self._budgets.move_to_end(who)
        if len(self._budgets) > self._most:
            self._budgets.popitem(last=False)
        return taken

    def __len__(self) -> int:
        return len(self._budgets)


def _household(client: str) -> str:
    """Give the network that one subscriber has, who may use a new address for each request."""
    if ":" in client and isinstance(address := ip_address(client), IPv6Address):
        return str(ip_network((address, _HOUSEHOLD), strict=False))
    return client
