"""What a recipient's click says, and what follows from it: values in, values out.

Only a clear yes is a yes. The page's own form says what is wanted; every other POST to a link is a no for the link's
channel: a mailbox provider's one-click (RFC 8058) in whichever encoding, and whatever cannot be read. Somebody pressed
something, nobody posts to a link by following it, and a no that was not meant is undone by a click on the same page.

There is no token against forged forms (CSRF) because there is nothing to forge: no cookie and no login make a request
more than it is, and who knows the link may say all that can be said with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl

from multidict import CIMultiDictProxy

from policy.events import Event, Origin, Subject, Told, Word
from policy.identity import address_keys
from policy.model import DISPATCHED, Channel, Standing
from proxy.formats import multipart
from proxy.links import Link
from proxy.providers.base import Unreadable

ACTION: Final = "action"
ONE_CLICK: Final = "list-unsubscribe"  # the field of RFC 8058, section 3.1; its case and value do not matter
SOURCE: Final = "unsubscribe"
_MOST_FIELDS: Final = 20


class Action(StrEnum):
    """What can be done at a link; the page's form says the last three as they are spelled here."""

    SHOW = "show"
    ONE_CLICK = "one-click"
    OUT = "out"
    OUT_ALL = "out_all"
    IN = "in"


class State(StrEnum):
    """What holds for an address, as far as its owner is concerned."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"  # from this channel
    UNSUBSCRIBED_ALL = "unsubscribed_all"
    BLOCKED = "blocked"  # blacklisted, which no click undoes


def clicked(headers: CIMultiDictProxy[str], body: bytes | None) -> Action:
    """Say what a POST asks for; `body` is None where it was too much to read."""
    fields = _fields(headers, body)
    names = [name.lower() for name, _ in fields]
    if ACTION not in names or ONE_CLICK in names:
        return Action.ONE_CLICK
    said = {value for name, value in fields if name.lower() == ACTION}
    if said == {Action.IN} and len(fields) == 1:
        return Action.IN
    return Action.OUT_ALL if Action.OUT_ALL in said else Action.OUT


def state(standing: Standing, channel: Channel) -> State:
    """Say in one word what holds for a channel."""
    if standing.blacklisted:
        return State.BLOCKED
    if Channel.ALL in standing.opt_outs:
        return State.UNSUBSCRIBED_ALL
    return State.UNSUBSCRIBED if channel in standing.opt_outs else State.SUBSCRIBED


def holds_already(action: Action, standing: Standing, channel: Channel) -> bool:
    """Tell whether a no would change nothing for anybody who asks now; a yes always might."""
    if action is Action.IN:
        return False
    wanted = {Channel.ALL} if action is Action.OUT_ALL else {Channel.ALL, channel}
    return not wanted.isdisjoint(standing.opt_outs)


def events(link: Link, action: Action, standing: Standing) -> list[Event]:
    """Give what a click tells the gate, to be learned together.

    Who comes back from an opt-out of everything comes back to this channel alone: the other channels, which the
    opt-out of everything had covered, are opted out one by one.
    """
    out = Word.OPT_OUT
    if action is not Action.IN:
        return [_told(link, action, out, Channel.ALL if action is Action.OUT_ALL else link.channel)]
    back = [(Word.OPT_IN, link.channel)]
    if Channel.ALL in standing.opt_outs:
        others = [(out, channel) for channel in DISPATCHED if channel is not link.channel]
        back = [(Word.OPT_IN, Channel.ALL), *back, *others]
    return [_told(link, action, word, channel) for word, channel in back]


def keys(link: Link) -> tuple[str, ...]:
    """Give all keys of the address of a link."""
    return address_keys(link.key)


def unit(link: Link) -> str:
    """Give the business unit that a link speaks for; a phone number has none, and is everybody's who has it."""
    return link.business_unit if link.channel is Channel.MAIL else ""


def _told(link: Link, action: Action, word: Word, channel: Channel) -> Told:
    origin = Origin.ONE_CLICK if action is Action.ONE_CLICK else Origin.PAGE
    properties = {"campaign": link.campaign} if link.campaign else {}
    return Told(_subject(link), word, word, origin, channel, properties=properties, source=SOURCE)


def _subject(link: Link) -> Subject:
    """Name who is meant: the person of the link's business unit, without one everybody who has the address."""
    if link.channel is Channel.MAIL:
        narrow = unit(link)
        return Subject(email=link.key, email_keys=keys(link), business_unit=narrow, everybody=not narrow)
    return Subject(phone=link.key, phone_keys=keys(link), everybody=True)


def _fields(headers: CIMultiDictProxy[str], body: bytes | None) -> Sequence[tuple[str, str]]:
    """Read a form in either encoding; nothing where it is none that can be read."""
    if body is None:
        return []
    try:
        if headers.get("Content-Type", "").strip().lower().startswith(multipart.MULTIPART):
            return [(part.name, multipart.text(body, part)) for part in multipart.parts(headers, body)]
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except (Unreadable, ValueError):
        return []
