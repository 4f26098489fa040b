"""How many people one send may name, and how oddly.

What a send costs is bounded by its bytes, except where a few of them make much work: a recipient of four bytes takes
some hundred times that, and to read an address beyond ASCII, in quotes or with a route takes thousands of times what
an ordinary one takes. A parser of a number takes as long. No real send comes near these bounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from policy.identity import is_ordinary
from policy.model import Channel, Recipient
from proxy.providers.base import Unreadable

MOST: Final = 100_000  # recipients; the largest documented sends have some thousands
MOST_NUMBERS: Final = 10_000  # of phones among them
MOST_ODD: Final = 200_000  # characters of addresses that are not ordinary: ten thousand of twenty each


def gathered(found: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Take in the recipients of a send as they are found; raises Unreadable for too many, or too odd ones."""
    recipients: list[Recipient] = []
    numbers = odd = 0
    for each in found:
        recipients.append(each)
        if each.channel is not Channel.MAIL:
            numbers += 1
        elif not is_ordinary(each.address):
            odd += len(each.address)
        if len(recipients) > MOST or numbers > MOST_NUMBERS:
            raise Unreadable(f"more than {MOST} recipients, or {MOST_NUMBERS} phone numbers")
        if odd > MOST_ODD:
            raise Unreadable(f"more than {MOST_ODD} characters in addresses that are not plain ASCII")
    return tuple(recipients)


def check_named(addresses: Iterable[object]) -> None:
    """Refuse too odd addresses of whom a send says something beside naming its recipients; raises Unreadable."""
    if sum(len(each) for each in addresses if isinstance(each, str) and not is_ordinary(each)) > MOST_ODD:
        raise Unreadable(f"more than {MOST_ODD} characters in addresses that are not plain ASCII")
