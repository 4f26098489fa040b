"""Custom arguments of SendGrid, and what its events say where these stand in the place of its own keys."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats import event_args
from proxy.hooks import sendgrid
from proxy.hooks.base import Hook, Notice, Says
from proxy.providers.base import NO_HEADERS, Unreadable

ADA = {"email": "ada@example.com", "timestamp": 1_700_000_000, "sg_event_id": "1"}
OWN: dict[str, dict[str, Any]] = {
    "a bounce": {**ADA, "event": "bounce", "type": "bounce", "reason": "550 no such user"},
    "a refusal of the server": {**ADA, "event": "bounce", "type": "blocked", "reason": "554 spam"},
    "a drop by a list": {**ADA, "event": "dropped", "reason": "Unsubscribed Address"},
    "a drop for the message's sake": {**ADA, "event": "dropped", "reason": "Spam Content"},
    "a complaint": {**ADA, "event": "spamreport"},
    "somebody who left a group": {**ADA, "event": "group_unsubscribe", "asm_group_id": 7},
}
NAMES = (*event_args.KEYS, "type", "reason", "kind", "Type")
VALUES = ("blocked", " Blocked ", "bounce", "newsletter", "Unsubscribed Address", "Spam Content", "")


def told(event: dict[str, Any]) -> Notice:
    (notice,) = sendgrid.read(Hook("POST", "", NO_HEADERS, orjson.dumps([event])))
    return notice


@pytest.mark.parametrize(
    ("args", "says"),
    [
        *(pytest.param({name: "x"}, "has the name of a key", id=name) for name in event_args.KEYS),
        pytest.param({"type": "blocked"}, "called type has a value", id="a bounce that would be none"),
        pytest.param({"type": " Blocked "}, "called type has a value", id="the same with blanks"),
        pytest.param({"a": "b", "reason": "Bounced Address"}, "called reason has a value", id="a list's reason"),
        pytest.param({"reason": "Spam Content"}, "called reason has a value", id="a message's reason"),
        pytest.param({"type": "a", "reason": "Invalid SMTPAPI header"}, "called reason", id="the second of two"),
    ],
)
@pytest.mark.parametrize("place", ["", "personalizations.3"])
def test_what_would_speak_for_sendgrid_is_refused(args: dict[str, str], says: str, place: str) -> None:
    """An argument by which an event would be read as another makes the send unreadable, where it stands."""
    with pytest.raises(Unreadable, match=says) as refused:
        event_args.refuse_shadows({"custom_args": args}, place)
    assert refused.value.place == f"{place}.custom_args".removeprefix(".")


@pytest.mark.parametrize(
    "args", [None, "text", [], {}, {"type": "newsletter"}, {"reason": "receipt"}, {"Email": "x"}, {"type": 7}]
)
def test_whatever_else_a_sender_calls_its_arguments_passes(args: Any) -> None:
    """Arguments with names and values of the sender's own are nobody's concern."""
    event_args.refuse_shadows({"custom_args": args}, "")


@pytest.mark.parametrize("own", [pytest.param(event, id=title) for title, event in OWN.items()])
@given(args=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES)))
def test_no_argument_that_passes_silences_an_event(own: dict[str, Any], args: dict[str, str]) -> None:
    """With any arguments that pass in the place of its own keys, an event still says of whom and when, and no less."""
    try:
        event_args.refuse_shadows({"custom_args": args}, "")
    except Unreadable:
        return
    plain, shadowed = told(own), told({**own, **args})
    assert (shadowed.word, shadowed.id, shadowed.at, shadowed.group) == (plain.word, plain.id, plain.at, plain.group)
    assert shadowed.address == plain.address
    assert shadowed.dropped is plain.dropped
    assert plain.says in (shadowed.says, Says.NOTHING) or shadowed.says is Says.DROPPED
