"""Ids for answers that the gate gives in a provider's place."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from proxy.formats import ids


@given(st.text(), st.integers(0, 1000))
def test_an_id_follows_from_its_decision_and_number(decision: str, number: int) -> None:
    """The same decision and number give the same id, any other number or decision another one."""
    assert ids.digest(decision, number) == ids.digest(decision, number)
    assert (
        len({ids.digest(decision, number), ids.digest(decision, number + 1), ids.digest(f"{decision}x", number)}) == 3
    )


@given(st.text(), st.integers(0, 1000))
def test_a_uuid_is_one(decision: str, number: int) -> None:
    """A UUID is of version 4 and written as all are."""
    told = ids.uuid(decision, number)
    assert str(uuid.UUID(told)) == told
    assert uuid.UUID(told).version == 4
    assert uuid.UUID(told).variant == uuid.RFC_4122
