"""Tracking ids: what they say, who believes them, and for how long."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from policy.model import Microseconds
from proxy.api import tracking
from proxy.api.tracking import LIVES, MOST, Tracked

KEY = b"k" * 16
times = st.integers(0, (1 << 52) - 1).map(Microseconds)
counts = st.integers(0, MOST)


@given(st.builds(Tracked, times, counts, counts))
def test_an_id_says_what_was_put_into_it(tracked: Tracked) -> None:
    """An id is a UUID of version 8 and is read as it was made."""
    text = tracking.make(KEY, tracked)
    made = uuid.UUID(text)
    assert (made.version, made.variant, str(made)) == (8, uuid.RFC_4122, text)
    assert tracking.read(KEY, text, tracked.at) == tracked


@given(st.builds(Tracked, times, counts, counts), st.integers(0, 127))
def test_no_bit_may_be_changed(tracked: Tracked, bit: int) -> None:
    """An id in which any bit is another one was given to nobody, and so was one of another key."""
    text = tracking.make(KEY, tracked)
    changed = str(uuid.UUID(int=uuid.UUID(text).int ^ 1 << bit))
    assert tracking.read(KEY, changed, tracked.at) is None
    assert tracking.read(b"another", text, tracked.at) is None


@given(st.uuids())
def test_others_ids_are_unknown(other: uuid.UUID) -> None:
    """An id that somebody else made is unknown, and so is what is none."""
    assert tracking.read(KEY, str(other), Microseconds(0)) is None
    assert tracking.read(KEY, "8d2b", Microseconds(0)) is None


def test_an_id_lives_for_a_day() -> None:
    """After 24 hours an id is unknown; a clock that stepped back makes it no older."""
    at = Microseconds(1_800_000_000_000_000)
    text = tracking.make(KEY, Tracked(at, 1, 0))
    known = [tracking.read(KEY, text, Microseconds(at + later)) is not None for later in (-LIVES, 0, LIVES, LIVES + 1)]
    assert known == [True, True, True, False]
