"""What the answer to a send tells of recipients whom a list of the provider's own kept the message from.

The gate let them pass and the provider did not send: the two disagree, as where a webhook tells it (policy/store/
conflicts.py). The answer is read while it goes to the sender and is never changed by that, nor by what becomes of it
here. Only whom the send is to is learned of, whatever else an answer may name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from policy import Policy
from policy.events import Event
from policy.identity import email_keys
from proxy import bodies, notices
from proxy.hooks import base as hooks
from proxy.hooks.base import Notice, TellsDropped, identity
from proxy.providers.base import Message
from proxy.walk import Walk


@cache
def _reader(provider: str) -> TellsDropped | None:
    known = hooks.load(provider)
    return known if isinstance(known, TellsDropped) else None


def may_tell(walk: Walk) -> bool:
    """Tell whether the answer to this request may name somebody who was dropped."""
    return walk.message is not None and _reader(walk.route.settings.provider) is not None


async def learn(policy: Policy, walk: Walk, answer: bytes) -> None:
    """Learn whom an answer, inflated, tells as dropped; whatever fails at that changes nothing for the sender."""
    reader = _reader(walk.route.settings.provider)
    if reader is None or walk.message is None:
        return
    try:
        told = await bodies.over(answer, reader.dropped, answer)
        events = [[event] for event in _events(walk, walk.message, told)] if told else []
        if events:
            await policy.learn_each(events)
    except Exception:  # noqa: BLE001 (the message went out: a fault of the gate's own must not look as if it had not)
        walk.mark("unrecorded")


def _events(walk: Walk, message: Message, told: Iterable[Notice]) -> Iterator[Event]:
    """Make an event for each recipient of the send who is told of, under an id that is this send's alone."""
    sent_to = {key for recipient in message.send.recipients for key in recipient.keys}
    route, channel = walk.route, message.send.channel
    for notice in told:
        keys = email_keys(notice.address)
        if sent_to.isdisjoint(keys):
            continue
        sent_to.difference_update(keys)
        named = identity({"decision": walk.outcome.decision, "key": keys[0]}, "decision", "key")
        event = notices.event(replace(notice, id=named), route.name, route.settings, channel, notices.ANSWER)
        if event is not None:
            yield event
