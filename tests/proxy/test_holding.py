"""Tests for proxy/holding.py."""

from __future__ import annotations

import pytest

from policy.reasons import Reason
from proxy.errors import NotSent
from proxy.holding import Room


def test_several_share_a_room() -> None:
    """What is held by all together stays within the limit, and there is room again once somebody leaves."""
    room = Room()
    first, second = room.held(10), room.held(10)
    first.take(6)
    second.take(4)
    with pytest.raises(NotSent) as refused:
        second.take(1)
    assert (refused.value.reason, room.taken) == (Reason.GATE_BUSY, 10)
    first.leave()
    second.take(6)
    second.leave()
    second.leave()
    assert room.taken == 0


def test_one_alone_has_all_the_room_there_is() -> None:
    """Whoever holds something alone may hold any amount."""
    room = Room()
    alone = room.held(10)
    alone.take(8)
    alone.take(8)
    assert room.taken == 16


def test_what_is_there_already_is_counted() -> None:
    """Bytes that the connection has read are held without a question, and leave less room for others."""
    room = Room()
    first, second = room.held(10), room.held(10)
    first.take(9)
    second.take(9, there=True)
    with pytest.raises(NotSent):
        first.take(1)
    assert room.taken == 18
