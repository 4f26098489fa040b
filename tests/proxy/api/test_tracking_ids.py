"""Tracking ids: what they say, who believes them, and for how long."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from policy.model import Microseconds
from proxy.api import tracking_ids
from proxy.api.tracking_ids import LIVES, MOST, Ended

KEY = b"k" * 16
times = st.integers(0, (1 << 52) - 1).map(Microseconds)
counts = st.integers(0, MOST)


@given(st.builds(Ended, times, counts, counts))
def test_an_id_says_what_was_put_into_it(ended: Ended) -> None:
    """An id is a UUID of version 8 and is read as it was made."""
    text = tracking_ids.make(KEY, ended)
    made = uuid.UUID(text)
    assert (made.version, made.variant, str(made)) == (8, uuid.RFC_4122, text)
    assert tracking_ids.read(KEY, text, ended.at) == ended


@given(st.builds(Ended, times, counts, counts), st.integers(0, 127))
def test_no_bit_may_be_changed(ended: Ended, bit: int) -> None:
    """An id in which any bit is another one was given to nobody, and so was one of another key."""
    text = tracking_ids.make(KEY, ended)
    changed = str(uuid.UUID(int=uuid.UUID(text).int ^ 1 << bit))
    assert tracking_ids.read(KEY, changed, ended.at) is None
    assert tracking_ids.read(b"another", text, ended.at) is None


@given(st.uuids())
def test_others_ids_are_unknown(other: uuid.UUID) -> None:
    """An id that somebody else made is unknown, and so is what is none."""
    assert tracking_ids.read(KEY, str(other), Microseconds(0)) is None
    assert tracking_ids.read(KEY, "8d2b", Microseconds(0)) is None


def test_an_id_lives_for_a_day() -> None:
    """After 24 hours an id is unknown; a clock that stepped back makes it no older."""
    at = Microseconds(1_800_000_000_000_000)
    text = tracking_ids.make(KEY, Ended(at, 1, 0))
    known = [
        tracking_ids.read(KEY, text, Microseconds(at + later)) is not None for later in (-LIVES, 0, LIVES, LIVES + 1)
    ]
    assert known == [True, True, True, False]
