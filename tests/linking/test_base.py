"""The rules by which mails get links, over mails that no provider's file takes a send apart into."""

from __future__ import annotations

from typing import Any

import pytest

from policy.model import Channel, Recipient, Send
from proxy.linking import base
from proxy.linking.base import Mail, Named, Result, Wanted
from proxy.providers.base import Message, Request
from tests.linking.urls import PLACEHOLDER, link

ANN, BOB = (
    Recipient("to.0", Channel.MAIL, "ann@x.io", ("ann@x.io",)),
    Recipient("to.1", Channel.MAIL, "b@x.io", ("b@x.io",)),
)
MESSAGE = Message(Request("POST", "/send"), Send(Channel.MAIL, (ANN, BOB)))
WANTED = Wanted({each.place: link(each.keys[0]) for each in (ANN, BOB)}, placeholder=PLACEHOLDER)


@pytest.mark.parametrize(
    "places",
    [
        pytest.param([["to.0"]], id="one is in no mail"),
        pytest.param([["to.0"], ["to.1"], ["to.1"]], id="one is in two"),
        pytest.param([["to.0"], ["to.1", "cc.0"]], id="one is not of the send"),
        pytest.param([], id="no mail at all"),
    ],
)
def test_nobody_gets_a_link_where_the_mails_are_not_the_send(places: list[list[str]]) -> None:
    """Somebody could get a copy of another's mail, with their link in it; so nothing is written."""
    written: list[dict[str, Any]] = [{"text": PLACEHOLDER} for _ in places]
    mails = [
        Mail(each, Named(owner), base.texts(owner, plain=["text"])) for each, owner in zip(places, written, strict=True)
    ]
    assert base.insert(MESSAGE, WANTED, mails) == {Result.UNSUPPORTED: 2}
    assert all(owner == {"text": PLACEHOLDER} for owner in written)
