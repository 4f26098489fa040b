"""Bad input over all ways of saying something: the documented error, no no lost, and nobody else's opt-out.

Ada opted out and was blacklisted before each request; Bob never said anything. Whatever is asked, Ada gets nothing
afterwards, and Bob gets what is sent to him.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import RunningGate

ADA, BOB = "ada@example.com", "bob@example.com"
LONG = "x" * 16_385
SECOND = {"X-XNG-ApiVersion": "2"}


def at(timestamp: Any, event: str = "Whitelisted") -> dict[str, Any]:
    """Write an event about Ada with a time."""
    return {"id": "ada", "events": [{"event": event, "timestamp": timestamp}]}


EVENTS = [
    pytest.param(at("2026-01-01T00:00:00"), "timestamp", "WRONG_FORMAT", id="no zone"),
    pytest.param(at("2026-01-01"), "timestamp", "WRONG_FORMAT", id="a day"),
    pytest.param(at("10000-01-01T00:00:00Z"), "timestamp", "WRONG_FORMAT", id="the year 10000"),
    pytest.param(at("+10000-01-01T00:00:00Z"), "timestamp", "WRONG_FORMAT", id="the year 10000, extended"),
    pytest.param(at("9999-12-31T23:59:59-01:00"), "timestamp", "WRONG_FORMAT", id="the year 10000, by its zone"),
    pytest.param(at(10**20), "timestamp", "WRONG_FORMAT", id="a number for a time"),
    pytest.param({"id": LONG, "events": [{"event": "Whitelisted"}]}, "id", "WRONG_VALUE", id="an id over 16 KB"),
    pytest.param(
        {"externalId": LONG, "events": [{"event": "Whitelisted"}]},
        "externalId",
        "WRONG_VALUE",
        id="the same as externalId",
    ),
    pytest.param(
        {"id": "bob", "externalId": "ada", "events": [{"event": "Opt Out"}]}, "externalId", "WRONG_VALUE", id="two ids"
    ),
    pytest.param({"id": "bob", "events": [{"event": "Opt Out"}] * 51}, "events", "WRONG_VALUE", id="51 events"),
    pytest.param(
        {"id": "bob", "events": [{"event": "Opt Out"}, {"event": "Opt Out", "properties": {"channel.type": "FAX"}}]},
        "channel.type",
        "UNKNOWN_VALUE",
        id="an unknown channel behind a good event",
    ),
    pytest.param(
        {"id": "ada", "events": [{"event": "Opt In", "properties": {"channel.type": ["ALL"]}}]},
        "channel.type",
        "UNKNOWN_VALUE",
        id="a list for a channel",
    ),
]
STATUSES = [
    pytest.param("optout-status?channelType=FAX", {"optOut": False}, "channelType", "UNKNOWN_VALUE", id="no channel"),
    pytest.param("optout-status?channel=MAIL", {"optOut": False}, "channel", "UNKNOWN_VALUE", id="no such parameter"),
    *(
        pytest.param(f"{path}-status", {field: value}, field, kind, id=f"{field} {value!r}")
        for path, field in (("optout", "optOut"), ("blacklist", "blacklisted"))
        for value, kind in (("false", "WRONG_VALUE"), (0, "WRONG_VALUE"), ([], "WRONG_VALUE"), (None, "NOT_NULL"))
    ),
]


@pytest.fixture
async def people(gate: RunningGate) -> RunningGate:
    """Give a gate that knows Ada and Bob."""
    await gate.user("ada", email=ADA, optOut=True, blacklisted=True)
    await gate.user("bob", email=BOB)
    return gate


async def nothing_changed(gate: RunningGate) -> bool:
    """Tell whether Ada gets nothing and Bob does."""
    status = (await gate.api("GET", "/users/ada/recipient-status")).json
    sent = [(await gate.mail(address)).status for address in (ADA, BOB)]
    return sent == [400, 202] and status == {"blacklisted": True, "optOutAll": True, "optOutChannels": []}


@pytest.mark.parametrize(("body", "field", "kind"), EVENTS)
async def test_events(people: RunningGate, body: dict[str, Any], field: str, kind: str) -> None:
    """A fault in any event is told, and none of them was taken."""
    answer = await people.api("POST", "/events", body)
    assert (answer.status, answer.json) == (400, {"field": field, "type": kind})
    assert await nothing_changed(people)


@pytest.mark.parametrize(("path", "body", "field", "kind"), STATUSES)
async def test_statuses(people: RunningGate, path: str, body: dict[str, Any], field: str, kind: str) -> None:
    """Nothing but true and false sets a status, for a channel that there is."""
    answer = await people.api("PUT", f"/users/ada/{path}", body)
    assert (answer.status, answer.json) == (400, {"field": field, "type": kind})
    assert await nothing_changed(people)


@pytest.mark.parametrize("no", [1, 0, "no", [], {}, "1"], ids=repr)
async def test_flags_of_profiles(people: RunningGate, no: Any) -> None:
    """A trait of the standing that is no flag is a fault in either version, and the profile is not written."""
    first = await people.api("PUT", "/users/ada", {"optOut": no, "x": 1})
    second = await people.api("PUT", "/users", {"id": "ada", "email": ADA, "optOut": no, "x": 1}, headers=SECOND)
    assert (first.status, first.json["errors"]) == (400, [{"field": "optOut", "type": "WRONG_VALUE"}])
    assert (second.status, second.json["errors"][0]["code"]) == (400, "3")
    assert "x" not in (await people.api("GET", "/users/ada")).json
    assert await nothing_changed(people)


async def test_a_release_in_the_future(people: RunningGate) -> None:
    """A yes from the future counts as now, so the no that comes after it holds."""
    assert (await people.api("POST", "/events", at("2999-01-01T00:00:00Z"))).status == 202
    assert (await people.api("PUT", "/users/ada/blacklist-status", {"blacklisted": True})).status == 200
    assert await nothing_changed(people)


@pytest.mark.parametrize("address", [ADA, ADA.upper()])
async def test_an_e_mail_in_two_units(people: RunningGate, address: str) -> None:
    """Who has a blacklisted person's e-mail in another unit is another user, and the address gets nothing in either."""
    for headers, status in (({}, 400), (SECOND, 202)):
        profile = {"id": "eve", "email": address}
        path = "/users" if headers else "/users/eve"
        assert (await people.api("PUT", path, profile, headers=headers)).status == status
        assert (await people.api("GET", "/users/eve")).status == 404
    await people.user("eve", email=address, businessUnit="DE")
    assert (await people.api("PUT", "/users/eve", {"optOut": False})).status == 200
    assert await nothing_changed(people)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_lead_is_promoted_while_an_event_for_it_arrives(gate: RunningGate, version: str) -> None:
    """Whichever comes first, the lead's no is the user's: the address gets nothing, and there is one person with it."""
    addresses = [f"lead{number}@example.com" for number in range(20)]

    async def promote(number: int) -> int:
        body = {"id": str(number), "email": addresses[number]}
        method, path = ("PUT", "/users") if version == "2" else ("PUT", f"/users/{number}")
        return (await gate.api(method, path, body)).status

    for address in addresses[::2]:
        await gate.tell("Opt Out", "SMS", email=address)
    told = [gate.tell("Blacklisted", email=address) for address in addresses]
    promoted = [promote(number) for number in range(len(addresses))]
    mixed = [each for pair in zip(told, promoted, strict=True) for each in pair]
    await asyncio.gather(*mixed[::-1])
    for number, address in enumerate(addresses):
        (holder,) = (await gate.api("GET", f"/standing?address={address}")).json["items"]
        assert (holder["id"], holder["blacklisted"] is not None) == (str(number), True)
        assert ("SMS" in holder["optOuts"]) is (number % 2 == 0)
        assert (await gate.mail(address)).status == 400
