"""GET /standing: everybody who has an address, how they stand and on whose word."""

from __future__ import annotations

import pytest

from tests.conftest import RunningGate

A = "a@example.com"


async def test_nobody(gate: RunningGate) -> None:
    """An address that nobody has is answered with its keys and an empty list."""
    answer = await gate.api("GET", "/standing?address=A@Example.com.")
    assert (answer.status, answer.json) == (200, {"keys": [A], "items": [], "blacklist": [], "next": None})


async def test_everybody(gate: RunningGate) -> None:
    """Users, leads and a kept address are told apart, each with unit, standing, time and origin."""
    await gate.user("1", email=A, businessUnit="DE")
    await gate.tell("Opt Out", "SMS", id="1")
    await gate.user("2", email=A, businessUnit="US")
    await gate.tell("Blacklisted", email=A)
    await gate.user("3", email=A, businessUnit="FR")
    await gate.tell("Blacklisted", id="3")
    await gate.user("3", email="other@example.com")
    items = (await gate.api("GET", f"/standing?address={A}")).json["items"]
    told = [
        (i["id"], i["email"], i["businessUnit"], i["kept"], bool(i["blacklisted"]), list(i["optOuts"])) for i in items
    ]
    assert told == [
        ("1", A, "DE", False, False, ["SMS"]),
        ("2", A, "US", False, False, []),
        (None, A, "", False, True, []),
        (None, None, "FR", True, True, []),
    ]
    assert items[0]["optOuts"]["SMS"]["origin"] == "event"
    assert items[2]["blacklisted"]["since"].endswith("Z")


async def test_a_number(gate: RunningGate) -> None:
    """A phone number is found in any international spelling."""
    await gate.user("1", phone="+4915112345678")
    for spelling in ("%2B4915112345678", "0049%20151%2012345678", "%2B49%20(0)151-12345678"):
        items = (await gate.api("GET", f"/standing?address={spelling}")).json["items"]
        assert [item["id"] for item in items] == ["1"], spelling


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("", "NOT_NULL"),
        ("address=", "WRONG_FORMAT"),
        ("address=nobody", "WRONG_FORMAT"),
        ("address=a@b@c", "WRONG_FORMAT"),
    ],
)
async def test_no_address(gate: RunningGate, query: str, fault: str) -> None:
    """What is no address is a fault of the field."""
    answer = await gate.api("GET", f"/standing?{query}")
    assert (answer.status, answer.json) == (400, {"field": "address", "type": fault})
