"""Decisions about people, end to end: whoever is told of in whichever way, a send to their addresses knows it."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from tests.conftest import OpenGate, RunningGate

A, B, C = "a@example.com", "b@example.com", "c@example.com"
MOBILE, OTHER = "+4915112345678", "+4915187654321"
KEEP = {"users": {"on_delete": "keep_suppressed"}}


async def passes(gate: RunningGate, address: str) -> bool:
    """Tell whether a marketing message to an address goes out."""
    answer = await (gate.mail(address) if "@" in address else gate.text(address))
    return answer.status < 300


async def xng_id(gate: RunningGate, address: str) -> str:
    """Give the internal id of the only holder of an address."""
    (holder,) = (await gate.api("GET", f"/standing?address={address.replace('+', '%2B')}")).json["items"]
    found: str = holder["xngId"]
    return found


# ── deleting ──

FORGET: dict[str, Any] = {}


@pytest.mark.parametrize(("config", "stays"), [(FORGET, False), (KEEP, True)], ids=["forget", "keep_suppressed"])
@pytest.mark.parametrize("by", ["id", "xngId", "batch", "batch by xngId"])
async def test_a_deleted_user(open_gate: OpenGate, config: dict[str, Any], stays: bool, by: str) -> None:  # noqa: FBT001 (a case)
    """Whichever way a user is deleted, the standing goes too, or with keep_suppressed stays with every address."""
    gate = await open_gate(**config)
    await gate.user("1", email=A, phone=MOBILE)
    await gate.tell("Blacklisted", id="1")
    inner = await xng_id(gate, A)
    requests: dict[str, tuple[str, str, Any, int]] = {
        "id": ("DELETE", "/users/1", None, 204),
        "xngId": ("DELETE", f"/users/xngId/{inner}", None, 204),
        "batch": ("POST", "/users/batch", {"deleted": [{"id": "1"}]}, 200),
        "batch by xngId": ("POST", "/users/batch", {"deleted": [{"xngId": inner}]}, 200),
    }
    method, path, body, status = requests[by]
    answer = await gate.api(method, path, body)
    assert answer.status == status
    assert [await passes(gate, address) for address in (A, MOBILE)] == [not stays] * 2
    assert (await gate.api("GET", "/users/1")).status == 404
    await gate.user("1", email=A)
    assert (await gate.api("GET", "/users/1/blacklist-status")).json == {"blacklisted": False}
    assert await passes(gate, A) is not stays


async def test_a_kept_address_is_released_by_who_has_it_next(open_gate: OpenGate) -> None:
    """After keep_suppressed whoever comes to have the address may be whitelisted, and then it passes."""
    gate = await open_gate(**KEEP)
    await gate.user("1", email=A)
    await gate.tell("Blacklisted", id="1")
    assert (await gate.api("DELETE", "/users/1")).status == 204
    await gate.user("2", email=A)
    assert not await passes(gate, A)
    assert (await gate.api("PUT", "/users/2/blacklist-status", {"blacklisted": False})).status == 200
    assert await passes(gate, A)


async def test_nothing_is_kept_in_the_clear(open_gate: OpenGate) -> None:
    """Of a deleted user who is kept suppressed, no file of the store holds the address or the id."""
    gate = await open_gate(**KEEP, events={"keep": "1s"})
    await gate.user("user-0815", email="zzgone@example.com", phone="+4915100000815")
    await gate.tell("Blacklisted", id="user-0815")
    assert (await gate.api("DELETE", "/users/user-0815")).status == 204
    assert not await passes(gate, "zzgone@example.com")
    tables = await gate.app.policy.ask(everything)
    assert "zzgone" not in str(tables)
    assert "0815" not in str(tables)
    assert len(tables["person"]) == 2  # the e-mail and the number, each by its digest


def everything(connection: sqlite3.Connection) -> dict[str, list[Any]]:
    """Read what the store knows of people, but for the journal."""
    tables = ("person", "address", "register", "suppressed")
    return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


async def test_leads_are_deleted_by_the_internal_id(gate: RunningGate) -> None:
    """A lead and a phone lead are deleted by the internal id, once; nobody else is."""
    await gate.tell("Blacklisted", email=A)
    await gate.tell("Blacklisted", phone=MOBILE)
    for address in (A, MOBILE):
        inner = await xng_id(gate, address)
        assert [(await gate.api("DELETE", f"/users/xngId/{inner}")).status for _ in range(2)] == [204, 404]
        assert await passes(gate, address)
    assert (await gate.api("DELETE", "/users/xngId/nobody")).status == 404


# ── phones ──


async def test_everybody_with_the_number_counts(gate: RunningGate) -> None:
    """A number that several have is blocked while anybody who has it is suppressed."""
    await gate.user("1", email=A, mobile=MOBILE)
    await gate.user("2", email=B, phone=MOBILE)
    await gate.tell("Opt Out", "SMS", id="2")
    assert not await passes(gate, MOBILE)
    assert await passes(gate, A)
    await gate.user("2", phone=None)
    assert not await passes(gate, MOBILE)
    assert (await gate.api("PUT", "/users/2/optout-status?channelType=SMS", {"optOut": False})).status == 200
    assert await passes(gate, MOBILE)


async def test_a_phone_lead_is_nobodys(gate: RunningGate) -> None:
    """A number that was blacklisted by itself blocks whoever has it, and is released by itself."""
    await gate.tell("Blacklisted", phone=MOBILE)
    await gate.user("1", email=A, phone=MOBILE)
    await gate.user("1", phone=OTHER)
    assert [await passes(gate, address) for address in (A, MOBILE, OTHER)] == [True, False, True]
    await gate.tell("Whitelisted", phone=MOBILE)
    assert await passes(gate, MOBILE)


async def test_a_leads_number(gate: RunningGate) -> None:
    """A lead has numbers like a user, and takes them along when it becomes one."""
    body = {"updated": [{"email": A, "phone": MOBILE, "optOut": True}], "deleted": []}
    assert (await gate.api("POST", "/leads/", body)).status == 200
    assert not await passes(gate, MOBILE)
    await gate.user("1", email=A)
    assert (await gate.api("GET", "/users/1")).json["phone"] == MOBILE
    assert not await passes(gate, MOBILE)


# ── nobody is too unknown ──


@pytest.mark.parametrize(
    ("subject", "address"),
    [
        pytest.param({"email": A, "businessUnit": "DE"}, A, id="an e-mail"),
        pytest.param({"phone": MOBILE}, MOBILE, id="a phone"),
        pytest.param({"id": "1", "email": A}, A, id="an id and an e-mail"),
        pytest.param({"id": "1", "phone": MOBILE}, MOBILE, id="an id and a phone"),
    ],
)
async def test_who_is_unknown_is_blocked_at_once(gate: RunningGate, subject: dict[str, str], address: str) -> None:
    """An event about somebody unknown holds for the next send to what they were named by."""
    assert await passes(gate, address)
    await gate.tell("Blacklisted", **subject)
    assert not await passes(gate, address)


async def test_an_id_alone_waits_for_its_addresses(gate: RunningGate) -> None:
    """An event about an unknown id holds for every address that the id comes to have."""
    await gate.tell("Blacklisted", id="1")
    await gate.user("1", email=A)
    await gate.user("1", phone=MOBILE)
    assert [await passes(gate, address) for address in (A, MOBILE)] == [False, False]


# ── merges ──


async def test_the_stricter_of_both_holds(gate: RunningGate) -> None:
    """A lead who opted out and a user who was whitelisted become a user who opted out; the merge is in the timeline."""
    await gate.tell("Opt Out", "MAIL", email=A, businessUnit="DE")
    await gate.user("1", businessUnit="DE")
    await gate.tell("Opt In", "MAIL", id="1")
    await gate.user("1", email=A)
    assert (await gate.api("GET", "/users/1/recipient-status")).json["optOutChannels"] == ["MAIL"]
    names = [line["event"] for line in (await gate.api("GET", "/users/1/events")).json["items"]]
    assert names == ["Merged", "User Updated", "Opt In", "User Updated", "Opt Out"]
    assert not await passes(gate, A)


async def test_a_full_users_address_is_refused_whole(gate: RunningGate) -> None:
    """A PUT with another user's e-mail and unit is 400, and neither user is other than before."""
    await gate.user("1", email=A, businessUnit="DE")
    await gate.user("2", email=B, x=1)
    before = (await gate.api("GET", "/users/2")).json
    answer = await gate.api("PUT", "/users/2", {"email": A.upper(), "businessUnit": "DE", "x": 2, "blacklisted": True})
    assert (answer.status, answer.json["success"]) == (400, False)
    assert answer.json["errors"] == [{"field": "email", "type": "WRONG_VALUE"}]
    assert (await gate.api("GET", "/users/2")).json == before


async def test_a_changed_address_stays_blocked(gate: RunningGate) -> None:
    """Every address that a blacklisted user had gets nothing, until the user is whitelisted."""
    await gate.user("1", email=A, phone=MOBILE)
    await gate.tell("Blacklisted", id="1")
    await gate.user("1", email=B, phone=OTHER)
    await gate.user("1", email=C, phone=None)
    everything = (A, B, C, MOBILE, OTHER)
    assert [await passes(gate, address) for address in everything] == [False] * 5
    assert (await gate.api("PUT", "/users/1/blacklist-status", {"blacklisted": False})).status == 200
    assert [await passes(gate, address) for address in everything] == [True] * 5
