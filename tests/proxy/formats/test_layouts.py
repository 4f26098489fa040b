"""Envelopes: lists of address texts in a tree, alone or one for each message of a batch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats import layouts
from proxy.formats.layouts import Layout
from proxy.formats.objects import Shape
from proxy.providers.base import Unreadable

OWNER = Shape(frozenset({"To", "Cc"}), frozenset({"To", "Cc", "Bcc"}))
SINGLE = Layout(("To", "Cc"), "Envelope", OWNER)
BARE = Layout(("To",))
BATCH = Layout(
    ("To", "Cc"), "Envelope", OWNER, "Entries", Shape(frozenset({"Envelope"}), frozenset({"Envelope", "To"}))
)
ONE = Layout(address="Address")

LISTS = st.fixed_dictionaries(
    {}, optional={name: st.lists(st.just("a@x.io"), max_size=3) for name in ("To", "Cc", "x")}
)
TREES = st.fixed_dictionaries({"Entries": st.lists(st.fixed_dictionaries({"Envelope": LISTS, "n": st.integers()}))})


@pytest.mark.parametrize(
    ("layout", "tree", "told"),
    [
        pytest.param(SINGLE, {"Envelope": {"Cc": ["c"], "To": ["A <a@x.io>"]}}, ["To.0", "Cc.0"], id="an envelope"),
        pytest.param(SINGLE, {}, [], id="none"),
        pytest.param(BARE, {"To": ["a", "b, c"]}, ["To.0", "To.1"], id="lists of the message itself"),
        pytest.param(BATCH, {"Entries": [{}, {"Envelope": {"To": ["a"]}}]}, ["Entries.1.Envelope.To.0"], id="a batch"),
        pytest.param(ONE, {"Address": "a"}, ["Address"], id="one address"),
    ],
)
def test_each_text_has_a_place(layout: Layout, tree: dict[str, Any], told: list[str]) -> None:
    """Every text of every list is found at its place."""
    places = [place for place, *_ in layouts.addresses(layout, tree)]
    assert places == [f"Envelope.{each}" if layout is SINGLE else each for each in told]


def test_a_text_is_one_address_or_none() -> None:
    """What is exactly one mailbox is its address, and anything else has none."""
    found = layouts.addresses(BARE, {"To": ["Ada <a@x.io>", "a@x.io, b@x.io", "a@x.io\nBcc: b@x.io"]})
    assert [address for *_, address in found] == ["a@x.io", "", ""]


@pytest.mark.parametrize(
    ("layout", "tree", "place"),
    [
        (SINGLE, {"Envelope": []}, "Envelope"),
        (SINGLE, {"Envelope": {"bcc": []}}, "Envelope"),
        (SINGLE, {"Envelope": {"To": "a"}}, "Envelope.To"),
        (SINGLE, {"Envelope": {"To": [None]}}, "Envelope.To.0"),
        (BATCH, {"Entries": {}}, "Entries"),
        (BATCH, {"Entries": ["a"]}, "Entries.0"),
        (BATCH, {"Entries": [{"to": []}]}, "Entries.0"),
        (ONE, {}, "Address"),
    ],
)
def test_what_is_no_envelope_is_refused(layout: Layout, tree: dict[str, Any], place: str) -> None:
    """Other types, and names that only look like those that decide, are unreadable at their place."""
    with pytest.raises(Unreadable) as refused:
        list(layouts.addresses(layout, tree))
    assert refused.value.place == place


@given(TREES, st.data())
def test_the_others_stay_in_their_order(tree: dict[str, Any], data: st.DataObject) -> None:
    """What is left of a batch has the others where they were, no message of nobody, and what was given is whole."""
    before = repr(tree)
    present = [place for place, *_ in layouts.addresses(BATCH, tree)]
    gone = frozenset(data.draw(st.sets(st.sampled_from(present))) if present else ())
    falling = layouts.dropped(BATCH, present, gone)
    left = layouts.without(BATCH, tree, gone, falling)
    assert len(list(layouts.addresses(BATCH, left))) == len(present) - len(gone)
    assert len(left["Entries"]) == len(tree["Entries"]) - len(falling)
    assert all(place in gone for place in falling.values())
    numbers = [entry["n"] for index, entry in enumerate(tree["Entries"]) if index not in falling]
    assert [entry["n"] for entry in left["Entries"]] == numbers
    assert repr(tree) == before
