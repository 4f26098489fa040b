"""POST /events: up to 50 events about one person, learned in one transaction (CrossEngage v1, "Events").

202 with an empty body, given after the commit. What is wrong with any event is told as `{"field", "type"}`, and then
none of them was taken. Events about an address on a blacklist are ignored, and answered like any (docs/blacklists.md).
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from policy.events import SUPPRESSES, WORDS, Origin, Subject, Told, Word
from policy.model import Channel
from proxy.api import reading, shapes
from proxy.api.access import Caller, require
from proxy.api.context import CONTEXT
from proxy.api.describing import NO_RELEASE, WRONG, Answer, Operation, described
from proxy.api.profiles import IGNORED
from proxy.api.reading import MISSING_SCOPE, NOT_NULL, UNKNOWN_VALUE, WRONG_FORMAT, WRONG_VALUE, BadField
from proxy.config import Scope

MOST: Final = 50
CHANNEL_FIELD: Final = "channel.type"
IGNORED_TELLS: Final = {IGNORED: "how many of the events were ignored, because an address is on a blacklist"}


@described(
    Operation(
        "Tells up to 50 events of one person, all together or none of them.",
        Scope.EVENTS,
        body=shapes.Events,
        answers={202: Answer("all events are committed", headers=IGNORED_TELLS), 400: WRONG, 403: NO_RELEASE},
    )
)
async def post(request: web.Request) -> web.Response:
    """Learn the events of one request."""
    caller = require(request, Scope.EVENTS)
    context = request.app[CONTEXT]
    tree = await reading.body(request)
    subject = reading.subject(tree)
    told = [_told(each, subject, caller, context.config().events.accept) for each in _events(tree)]
    return accepted(await context.learn_screened(told))


def accepted(ignored: int) -> web.Response:
    """Answer that events were accepted, with how many of them were ignored."""
    return web.Response(status=202, headers={IGNORED: str(ignored)} if ignored else None)


def _events(tree: dict[str, Any]) -> list[dict[str, Any]]:
    events = tree.get("events")
    if events is None:
        raise BadField("events", NOT_NULL)
    if not isinstance(events, list) or not 1 <= len(events) <= MOST or not all(isinstance(e, dict) for e in events):
        raise BadField("events", WRONG_VALUE)
    return events


def _told(event: dict[str, Any], subject: Subject, caller: Caller, accepted: tuple[str, ...]) -> Told:
    name = reading.text(event, "event", required=True) or ""
    if name not in WORDS and name not in accepted:
        raise BadField("event", UNKNOWN_VALUE)
    word = Word(name) if name in WORDS else None
    if word and not SUPPRESSES[word] and not caller.may(Scope.RELEASE):
        raise BadField("event", MISSING_SCOPE, 403)
    properties = {} if event.get("properties") is None else event["properties"]
    if not isinstance(properties, dict):
        raise BadField("properties", WRONG_FORMAT)
    return Told(
        subject=subject,
        name=name,
        word=word,
        origin=caller.origin or Origin.EVENT,
        channel=_channel(word, event, properties),
        stated=reading.stated(event.get("timestamp"), "timestamp"),
        properties=properties,
        source=caller.name,
    )


def _channel(word: Word | None, event: dict[str, Any], properties: dict[str, Any]) -> Channel:
    """Give the channel of an opt-out or opt-in, ALL where none is named.

    It is the property `channel.type`; the vendor's published example has it beside `event`, so it is read there too,
    and where both stand they must agree.
    """
    if word not in (Word.OPT_OUT, Word.OPT_IN):
        return Channel.ALL
    named = {
        reading.channel(place[CHANNEL_FIELD], CHANNEL_FIELD)
        for place in (event, properties)
        if place.get(CHANNEL_FIELD) is not None
    }
    if len(named) > 1:
        raise BadField(CHANNEL_FIELD, WRONG_VALUE)
    return named.pop() if named else Channel.ALL
