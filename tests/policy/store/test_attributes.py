"""Declarations of traits: made once, listed in their order, and taken away without touching anybody."""

from __future__ import annotations

import pytest

from policy.store import attributes
from policy.store.attributes import Attribute, AttributeInUse, AttributeTaken, UnknownAttribute
from tests.policy.conftest import Memory

AGE = Attribute("traits.age", "INTEGER")
ORDERS = Attribute("traits.orders", "ARRAY", "OBJECT")
TOTAL = Attribute("total", "FLOAT", parent="traits.orders")


def declared(memory: Memory, *wanted: Attribute) -> list[int]:
    """Declare attributes and give their ids."""
    return [attributes.declare(each)(memory.connection) for each in wanted]


def test_each_is_declared_once(memory: Memory) -> None:
    """The same declaration keeps its id, another type under the name is refused, and the list has each once."""
    ids = declared(memory, AGE, ORDERS, TOTAL, AGE)
    assert ids[3] == ids[0]
    with pytest.raises(AttributeTaken):
        declared(memory, Attribute("traits.age", "STRING"))
    found, total = attributes.page(0, 10)(memory.connection)
    assert (found, total) == (list(zip(ids, (AGE, ORDERS, TOTAL), strict=False)), 3)
    assert attributes.page(1, 1)(memory.connection) == ([(ids[1], ORDERS)], 3)
    assert attributes.one(ids[2])(memory.connection) == (ids[2], TOTAL)


@pytest.mark.parametrize("parent", ["traits.nobody", "total"])
def test_a_parent_must_be_there(memory: Memory, parent: str) -> None:
    """Nothing is nested in what is not declared, or in what is nested itself."""
    declared(memory, ORDERS, TOTAL)
    with pytest.raises(UnknownAttribute):
        declared(memory, Attribute("tax", "FLOAT", parent=parent))


def test_a_parent_stays_while_it_has_children(memory: Memory) -> None:
    """A parent is in use until its children are gone; an id that is gone is unknown and is not given again."""
    parent, child = declared(memory, ORDERS, TOTAL)
    with pytest.raises(AttributeInUse):
        attributes.remove(parent)(memory.connection)
    attributes.remove(child)(memory.connection)
    attributes.remove(parent)(memory.connection)
    for job in (attributes.one(parent), attributes.remove(parent)):
        with pytest.raises(UnknownAttribute):
            job(memory.connection)
    assert declared(memory, ORDERS)[0] > child
