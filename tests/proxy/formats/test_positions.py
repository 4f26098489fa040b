"""Answers zipped by position, with and without the entries that the gate took out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats.positions import original_index, spliced


@given(st.lists(st.booleans(), max_size=12))
def test_an_answer_is_spliced_into_the_senders_order(kept: list[bool]) -> None:
    """Each entry of the provider and each of the gate comes to the place of the entry that it answers."""
    items = [index for index, stays in enumerate(kept) if stays]
    missing = {index: -index for index, stays in enumerate(kept) if not stays}
    whole = [index if stays else -index for index, stays in enumerate(kept)]
    assert spliced(items, missing, len(kept)) == whole
    assert [original_index(index, missing) for index in range(len(items))] == items


@pytest.mark.parametrize(
    ("items", "missing", "total"),
    [
        pytest.param(["a"], {1: "b"}, 3, id="too few"),
        pytest.param(["a", "c"], {1: "b"}, 2, id="too many"),
        pytest.param(["a"], {2: "b"}, 2, id="beyond the end"),
        pytest.param(["a"], {-1: "b"}, 2, id="before the beginning"),
    ],
)
def test_an_answer_of_another_length_is_not_touched(items: list[str], missing: dict[int, str], total: int) -> None:
    """Where the counts do not fit nobody can tell which entry belongs where."""
    assert spliced(items, missing, total) is None
