"""The step between rewriting and forwarding: unsubscribe links for the marketing mail that goes out.

Only a send that was read and judged, and that nothing let pass on doubt, is written into. Shadow mode forwards byte for
byte, so there nothing is put in either; that is counted all the same.
"""

from __future__ import annotations

from dataclasses import replace

from policy.model import Channel, MessageClass
from proxy import bodies
from proxy.linker import Linker
from proxy.linking.base import Linked, Result, unchanged
from proxy.providers.base import Message, Settings, Trimmed
from proxy.walk import Walk


async def linked(walk: Walk, message: Message, trimmed: Trimmed | None) -> Trimmed | None:
    """Put links into a send, as it came or as it was trimmed; what is given comes back where nothing is put in."""
    linker, told = walk.route.linker, walk.told
    if linker is None or told.get("message_class") is not MessageClass.MARKETING:
        return trimmed
    if message.send.channel is not Channel.MAIL:
        return trimmed
    with walk.held.lent(walk.extra):
        made = await bodies.apart(walk.long, _made, walk, linker, message, trimmed)
    walk.note(links={str(result): count for result, count in made.results.items()})
    if made.body is None:
        return trimmed
    return Trimmed(made.body) if trimmed is None else replace(trimmed, body=made.body)


def _made(walk: Walk, linker: Linker, message: Message, trimmed: Trimmed | None) -> Linked:
    """Link what goes out; what was trimmed is read once more, because its places are others."""
    if trimmed is not None:
        request = replace(message.request, body=trimmed.body)
        message = walk.route.provider.read(request, Settings(region=walk.route.settings.region))
    if walk.shadow or walk.told.get("marks"):
        return unchanged(message, Result.AS_IT_CAME)
    return linker.linked(message, walk.told["business_unit"], walk.told["campaign"])
