"""Attributes: declared, listed and taken away as CrossEngage's clients do it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Message, OpenGate, RunningGate

PATH = "/users/attributes"


async def declare(gate: RunningGate, name: str = "traits.age", kind: Any = "STRING", **more: Any) -> Message:
    """Declare an attribute."""
    return await gate.api("POST", PATH, {"name": name, "attributeType": kind, **more})


async def test_pages(gate: RunningGate) -> None:
    """A list has ten to begin with, offset and limit move over it, and total is a text that says how many there are."""
    for number in range(12):
        await declare(gate, f"traits.t{number}")
    names = []
    for query in ("", "?offset=10&limit=10", "?offset=12", "?limit=1"):
        told = (await gate.api("GET", PATH + query)).json
        assert told["total"] == "12"
        names.append([each["name"].removeprefix("traits.t") for each in told["attributes"]])
    assert names == [[*map(str, range(10))], ["10", "11"], [], ["0"]]


async def test_declaring_again(gate: RunningGate) -> None:
    """The same declaration is answered with the same id, and one with another type is a fault."""
    one, again, other = [await declare(gate), await declare(gate), await declare(gate, kind="FLOAT")]
    assert one.json == again.json
    assert (other.status, other.json["message"]) == (400, "name: WRONG_VALUE")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({"attributeType": "STRING"}, "name: NOT_NULL", id="no name"),
        pytest.param({"name": "traits.x"}, "attributeType: NOT_NULL", id="no type"),
        pytest.param(
            {"name": "traits.x", "attributeType": "ARRAaY"}, "attributeType: UNKNOWN_VALUE", id="no such type"
        ),
        pytest.param(
            {"name": "traits.x", "attributeType": "string"}, "attributeType: UNKNOWN_VALUE", id="another case"
        ),
        pytest.param({"name": "traits.x", "attributeType": 1}, "attributeType: WRONG_VALUE", id="a number for a type"),
        pytest.param({"name": "x", "attributeType": "STRING"}, "name: WRONG_FORMAT", id="without the prefix"),
        pytest.param({"name": "traits.", "attributeType": "STRING"}, "name: WRONG_FORMAT", id="the prefix alone"),
        pytest.param({"name": "traits." + "x" * 16_384, "attributeType": "STRING"}, "name: WRONG_VALUE", id="long"),
        pytest.param(
            {"name": "traits.x", "attributeType": "STRING", "nestedType": "STRING"},
            "nestedType: WRONG_VALUE",
            id="a nested type in a plain one",
        ),
        pytest.param(
            {"name": "x", "attributeType": "STRING", "parentName": "traits.nobody"},
            "parentName: UNKNOWN_VALUE",
            id="no such parent",
        ),
        pytest.param([], "body: WRONG_FORMAT", id="a list"),
        *(
            pytest.param({"name": f"traits.x{suffix}", "attributeType": "STRING"}, "name: WRONG_FORMAT", id=suffix)
            for suffix in ("_date", "_float", "_bool", "_string", "_nested", "_int")
        ),
    ],
)
async def test_faults(gate: RunningGate, body: Any, message: str) -> None:
    """What is no declaration is told in the shape of these endpoints, each time with another request id."""
    answers = [await gate.api("POST", PATH, body) for _ in range(2)]
    assert [(answer.status, answer.json["message"]) for answer in answers] == [(400, message)] * 2
    assert len({answer.json["requestId"] for answer in answers}) == 2
    assert (await gate.api("GET", PATH)).json == {"attributes": [], "total": "0"}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1", "colour=blue", "limit=1&limit=2"])
async def test_faults_of_a_list(gate: RunningGate, query: str) -> None:
    """A page is bounded, and no parameter is passed over."""
    answer = await gate.api("GET", f"{PATH}?{query}")
    assert (answer.status, set(answer.json)) == (400, {"requestId", "message"})


@pytest.mark.parametrize("number", ["1", "0", "9" * 30])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_attribute(gate: RunningGate, method: str, number: str) -> None:
    """An id that no attribute has is 404, empty."""
    answer = await gate.api(method, f"{PATH}/{number}")
    assert (answer.status, answer.body) == (404, b"")


async def test_a_declaration_changes_no_profile(gate: RunningGate) -> None:
    """Traits are kept whether they are declared or not, of whatever type, and stay when the declaration goes."""
    number = (await declare(gate, kind="INTEGER")).json["id"]
    await gate.user("1", age="old", other=1)
    assert (await gate.api("DELETE", f"{PATH}/{number}")).status == 204
    told = (await gate.api("GET", "/users/1")).json
    assert (told["age"], told["other"]) == ("old", 1)


async def test_attributes_outlive_the_gate(open_gate: OpenGate) -> None:
    """What was declared is there after a restart."""
    gate = await open_gate()
    number = (await declare(gate)).json["id"]
    await gate.app.stop()
    again = await open_gate(store={"path": str(gate.app.config.store.path)})
    assert (await again.api("GET", f"{PATH}/{number}")).json["name"] == "traits.age"


async def test_ids_that_are_words_of_the_paths(gate: RunningGate) -> None:
    """A user may be called as the path is; the status endpoints know the user and not an attribute."""
    await gate.user("attributes")
    path = "/users/attributes/blacklist-status"
    assert (await gate.api("PUT", path, {"blacklisted": True})).json == {"blacklisted": True}
    assert (await gate.api("GET", path)).json == {"blacklisted": True}
