"""Tests for proxy/holding.py."""

from __future__ import annotations

import pytest

from policy.reasons import Reason
from proxy.errors import NotSent
from proxy.holding import LITTLE, Room


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


def test_what_is_lent_is_given_back() -> None:
    """What somebody holds for a while is there for others afterwards, also where all was left meanwhile."""
    room = Room()
    first, second = room.held(9 * LITTLE), room.held(9 * LITTLE)
    first.take(LITTLE)
    with first.lent(8 * LITTLE):
        with pytest.raises(NotSent):
            second.weigh(2 * LITTLE)
        assert room.taken == 9 * LITTLE
    second.weigh(2 * LITTLE)
    with first.lent(5):
        first.leave()
    assert (room.taken, second.taken) == (2 * LITTLE, 2 * LITTLE)


def test_a_little_is_always_held() -> None:
    """What reading an ordinary send takes is counted, and refused to nobody."""
    room = Room()
    first, second = room.held(10), room.held(10)
    first.take(10)
    second.weigh(LITTLE)
    assert room.taken == 10 + LITTLE
    with pytest.raises(NotSent):
        second.weigh(LITTLE + 1)


def test_the_heaviest_body_is_read_beside_others() -> None:
    """While there is any room, one body may weigh more than there is; the next one has to wait."""
    room = Room()
    small, heavy, next_one = room.held(100), room.held(100), room.held(100)
    small.take(99)
    heavy.weigh(20 * LITTLE)
    with pytest.raises(NotSent):
        next_one.weigh(2 * LITTLE)
    heavy.leave()
    next_one.weigh(2 * LITTLE)
