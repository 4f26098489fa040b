"""What makes the unsubscribe links of one route: whose they are, and the provider's file that knows where they go.

A link is made for the recipient as the gate judges it, by the canonical key of the address, and for the campaign and
the business unit of the send. The same recipient of the same campaign gets the same link (links.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policy.model import Channel, Recipient
from proxy.linking import base
from proxy.linking.base import Linked, Linking, Wanted
from proxy.links import Link, Links, url
from proxy.message_links import MessageLinks
from proxy.providers.base import Message
from proxy.units import Secret


@dataclass(frozen=True, slots=True)
class Linker:
    """Puts links into the mail of one route."""

    settings: MessageLinks
    linking: Linking
    links: Links
    public_url: str

    def linked(self, message: Message, unit: str, campaign: str) -> Linked:
        """Put links into a send, all of whose recipients may get it."""
        found = ((each.place, self._url(each, unit, campaign)) for each in message.send.recipients)
        urls = {place: link for place, link in found if link}
        told = self.settings
        wanted = Wanted(urls, told.headers, told.placeholder, told.variable, told.instead_of_provider)
        return self.linking.linked(message, wanted)

    def _url(self, recipient: Recipient, unit: str, campaign: str) -> str:
        """Make the link of a recipient; "" where there can be none."""
        if not recipient.keys or recipient.channel is not Channel.MAIL:
            return ""
        try:
            made = url(self.public_url, self.links.make(Link(recipient.keys[0], Channel.MAIL, unit, campaign)))
        except ValueError:
            return ""
        return made if base.usable(made) else ""


def linker(settings: MessageLinks, provider: str, keys: Sequence[Secret], public_url: str) -> Linker | None:
    """Make the linker of a route; None where nothing is to be put in, or cannot be."""
    linking = base.load(provider)
    if not settings or linking is None or not keys or not public_url:
        return None
    return Linker(settings, linking, Links([key.reveal() for key in keys]), public_url)
