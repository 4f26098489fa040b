"""Digests stand for addresses without telling them, and only to who has the pepper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import WrongPepper
from policy.store.digests import PREFIX, SIZE, Digests, key_hash, prefix_range

digests_ = st.binary(min_size=SIZE, max_size=SIZE)


@given(st.text(), st.text())
def test_one_address_has_one_digest_per_pepper(key: str, pepper: str) -> None:
    """A key's digest is the same every time, has its size, and is another under another pepper."""
    digests = Digests(pepper)
    assert digests.digest(key) == Digests(pepper).digest(key)
    assert len(digests.digest(key)) == SIZE
    assert digests.digest(key) != Digests(pepper + "x").digest(key)
    assert digests.check_value() != Digests(pepper + "x").check_value()


def test_a_long_pepper_counts_to_its_end() -> None:
    """Peppers longer than the hash takes as a key differ in their last letter as well."""
    long = "p" * 200
    assert len({Digests(pepper).digest("a@x.de") for pepper in (long, long + "a", long + "b", long[:64])}) == 4


def test_any_text_has_a_digest() -> None:
    """A key with half a surrogate pair, which UTF-8 cannot write, has a digest of its own."""
    digests = Digests("")
    assert digests.digest("\ud800@x.de") != digests.digest("\udfff@x.de")


@given(digests_)
def test_a_hash_is_what_an_integer_key_can_hold(digest: bytes) -> None:
    """The looked-up integer is the first 64 bits, signed, and of all digests with them."""
    number = key_hash(digest)
    assert -(1 << 63) <= number < 1 << 63
    assert number.to_bytes(PREFIX, "big", signed=True) == digest[:PREFIX]
    low, high = prefix_range(digest)
    assert low <= digest <= high
    assert key_hash(low) == key_hash(high) == number


def test_a_kept_address_is_read_by_its_own_pepper_alone() -> None:
    """What was exported under one pepper is the same digest under it and refused under another."""
    digests = Digests("one")
    digest = digests.digest("a@x.de")
    assert digests.kept(digests.export(digest)) == digest
    with pytest.raises(WrongPepper):
        Digests("two").kept(digests.export(digest))
