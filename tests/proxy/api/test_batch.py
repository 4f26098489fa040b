"""POST /users/batch and POST /leads: many people in one request, each with its own result."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Message, RunningGate

A, B, C = "a@example.com", "b@example.com", "c@example.com"


async def post(
    gate: RunningGate, path: str, updated: list[Any] | None = None, deleted: list[Any] | None = None
) -> Message:
    """Write and delete."""
    return await gate.api("POST", path, {"updated": updated or [], "deleted": deleted or []})


def fault(field: str, kind: str) -> dict[str, Any]:
    """Give what an item with a fault is told."""
    return {"success": False, "errors": [{"field": field, "type": kind}]}


async def test_users(gate: RunningGate) -> None:
    """Each user is written as by a PUT of its own, and answered with its ids."""
    answer = await post(
        gate, "/users/batch", [{"id": "1", "email": A, "x": 1}, {"id": "2", "blacklisted": True, "email": B}]
    )
    told = answer.json["updated"]
    assert (answer.status, [(item["id"], item["success"]) for item in told]) == (200, [("1", True), ("2", True)])
    assert told[0]["xngId"] == (await gate.api("GET", "/users/1")).json["xngId"]
    assert [(await gate.mail(address)).status for address in (A, B)] == [202, 400]


async def test_a_wrong_item_stops_no_other(gate: RunningGate) -> None:
    """400 as soon as one item is wrong, and every other one is done."""
    await gate.user("9", email=C)
    items = [{"id": "1", "email": A}, {"email": B}, {"id": "3", "email": "x"}, {"id": "4", "email": C}, {"id": "1"}]
    answer = await post(gate, "/users/batch", items, [{"id": "nobody"}, {}])
    updated, deleted = answer.json["updated"], answer.json["deleted"]
    assert (answer.status, updated[0]["success"]) == (400, True)
    faults = [
        fault("id", "NOT_NULL"),
        fault("email", "WRONG_VALUE"),
        fault("email", "WRONG_VALUE"),
        fault("id", "WRONG_VALUE"),
    ]
    assert [{"success": item["success"], "errors": item["errors"]} for item in updated[1:]] == faults
    assert [item["errors"][0]["field"] for item in deleted] == ["id", "id"]
    assert (await gate.api("GET", "/users/1")).json["email"] == A
    assert (await gate.api("GET", "/users/4")).status == 404


async def test_deleting_users(gate: RunningGate) -> None:
    """Users are deleted by their own id and by the internal one."""
    await gate.user("1")
    await gate.user("2")
    xng_id = (await gate.api("GET", "/users/2")).json["xngId"]
    answer = await post(gate, "/users/batch", [], [{"id": "1"}, {"xngId": xng_id}])
    assert (answer.status, [item["success"] for item in answer.json["deleted"]]) == (200, [True, True])
    assert [(await gate.api("GET", f"/users/{n}")).status for n in ("1", "2")] == [404, 404]


@pytest.mark.parametrize("path", ["/leads/", "/leads"])
async def test_leads(gate: RunningGate, path: str) -> None:
    """Leads are known by e-mail and unit; a no among their traits counts."""
    leads = [{"email": A, "businessUnit": "US"}, {"email": B, "optOut": "true"}, {"businessUnit": "US"}, {"email": "x"}]
    answer = await post(gate, path, leads)
    told = answer.json["updated"]
    assert (answer.status, [item["success"] for item in told]) == (400, [True, True, False, False])
    assert told[3]["errors"] == [{"field": "email", "type": "WRONG_FORMAT"}]
    (lead,) = (await gate.api("GET", f"/standing?address={A}")).json["items"]
    assert (lead["id"], lead["xngId"], lead["businessUnit"]) == (None, told[0]["xngId"], "US")
    assert (await gate.mail(B)).status == 400


async def test_a_yes_is_ignored(gate: RunningGate) -> None:
    """A trait that would release is ignored, named in a header and counted, whichever item has it."""
    await gate.tell("Blacklisted", email=A)
    answer = await post(gate, "/leads/", [{"email": A, "blacklisted": False}])
    assert (answer.status, answer.get("X-Sendgate-Ignored")) == (200, "blacklisted")
    assert gate.metric("sendgate_events_total", event="Whitelisted", effect="ignored") == 1
    assert (await gate.mail(A)).status == 400


@pytest.mark.parametrize("path", ["/users/batch", "/leads/"])
async def test_a_thousand(gate: RunningGate, path: str) -> None:
    """A thousand items are taken, one more is refused as a whole."""
    items = [{"id": f"{n}", "email": f"{n}@example.com"} for n in range(1001)]
    assert (await post(gate, path, items)).json == {"field": "updated", "type": "WRONG_VALUE"}
    assert (await gate.api("GET", "/standing?address=1@example.com")).json["items"] == []
    assert (await post(gate, path, items[:1000])).status == 200
    assert len((await gate.api("GET", "/standing?address=999@example.com")).json["items"]) == 1


@pytest.mark.parametrize("body", [{"updated": {}}, {"updated": ["x"]}, {"deleted": "x"}])
async def test_no_lists(gate: RunningGate, body: dict[str, Any]) -> None:
    """What is no list of objects is a fault of the list."""
    answer = await gate.api("POST", "/users/batch", body)
    assert (answer.status, answer.json) == (400, {"field": next(iter(body)), "type": "WRONG_VALUE"})
