"""POST /users/batch and POST /leads: many people in one request, each with its own result."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Message, OpenGate, RunningGate

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


@pytest.mark.parametrize("path", ["/users/batch", "/leads/"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"id": "1", "email": A, "optOut": True}, id="a single profile"),
        pytest.param({"update": [{"id": "1", "email": A, "optOut": True}]}, id="a misspelled list"),
        pytest.param({}, id="nothing"),
    ],
)
async def test_neither_list(gate: RunningGate, path: str, body: dict[str, Any]) -> None:
    """A body without either list is a fault: a no in it would be acknowledged and lost."""
    answer = await gate.api("POST", path, body)
    assert (answer.status, answer.json) == (400, {"field": "updated", "type": "NOT_NULL"})


# ── what callers get wrong ──


@pytest.mark.parametrize(
    ("item", "faulty"),
    [
        pytest.param({"id": "x" * 16385}, fault("id", "WRONG_VALUE"), id="an id over 16 KB"),
        pytest.param({"id": "ü" * 8193}, fault("id", "WRONG_VALUE"), id="an id over 16 KB in UTF-8"),
        pytest.param({"id": "a\0b"}, fault("id", "WRONG_VALUE"), id="an id with a NUL"),
        pytest.param({"id": ""}, fault("id", "NOT_NULL"), id="an empty id"),
        pytest.param({"id": 5}, fault("id", "WRONG_VALUE"), id="an id that is a number"),
        pytest.param({"id": "1", "email": "x" * 16385}, fault("email", "WRONG_VALUE"), id="an endless e-mail"),
        pytest.param(
            {"id": "1", "email": "a b@example.com"}, fault("email", "WRONG_VALUE"), id="an e-mail that is none"
        ),
        pytest.param(
            {"id": "1", "phone": "0151 12345678"}, fault("phone", "WRONG_VALUE"), id="a number without country"
        ),
        pytest.param({"id": "1", "businessUnit": 5}, fault("businessUnit", "WRONG_VALUE"), id="a unit that is none"),
        pytest.param({"id": "1", "blacklisted": "x"}, fault("blacklisted", "WRONG_VALUE"), id="neither yes nor no"),
        pytest.param({"id": "1", "email": C}, fault("email", "WRONG_VALUE"), id="another user's e-mail"),
    ],
)
async def test_a_wrong_item_is_told_and_no_other_is_lost(
    gate: RunningGate, item: dict[str, Any], faulty: dict[str, Any]
) -> None:
    """An item that cannot be taken has its own fault, and the blacklistings around it are taken."""
    await gate.user("9", email=C)
    answer = await post(
        gate,
        "/users/batch",
        [{"id": "2", "email": A, "blacklisted": True}, item, {"id": "3", "email": B, "optOut": True}],
    )
    first, wrong, last = answer.json["updated"]
    assert (answer.status, first["success"], last["success"]) == (400, True, True)
    assert {name: wrong[name] for name in faulty} == faulty
    assert wrong["id"] == item["id"]
    assert [(await gate.mail(address)).status for address in (A, B, C)] == [400, 400, 202]


async def test_the_same_user_twice(gate: RunningGate) -> None:
    """Only the first of two items about one user is taken, and the second is told so, be it a deletion or not."""
    answer = await post(
        gate, "/users/batch", [{"id": "1", "email": A, "blacklisted": True}, {"id": "1", "email": B}], [{"id": "1"}]
    )
    told = [*answer.json["updated"], *answer.json["deleted"]]
    assert (answer.status, [item["success"] for item in told]) == (400, [True, False, False])
    assert [item["errors"] for item in told[1:]] == [[{"field": "id", "type": "WRONG_VALUE"}]] * 2
    assert (await gate.api("GET", "/users/1")).json["email"] == A
    assert (await gate.mail(A)).status == 400


async def test_the_same_lead_twice(gate: RunningGate) -> None:
    """A lead is the same in every spelling of its address, and another one in another unit."""
    leads = [{"email": A}, {"email": A.upper()}, {"email": A, "businessUnit": "DE"}]
    answer = await post(gate, "/leads/", leads)
    assert [item["success"] for item in answer.json["updated"]] == [True, False, True]


async def test_two_users_claim_one_address(gate: RunningGate) -> None:
    """Of two users of one batch with one e-mail and unit the first has it; the other is refused whole."""
    claims = [
        {"id": "1", "email": A, "businessUnit": "DE"},
        {"id": "2", "email": A, "businessUnit": "DE", "blacklisted": True},
    ]
    answer = await post(gate, "/users/batch", claims)
    assert [item["success"] for item in answer.json["updated"]] == [True, False]
    assert answer.json["updated"][1]["errors"] == [{"field": "email", "type": "WRONG_VALUE"}]
    assert (await gate.api("GET", "/users/2")).status == 404


async def test_deleting_leads(open_gate: OpenGate) -> None:
    """Leads are deleted by their internal id; with keep_suppressed their address stays blocked."""
    gate = await open_gate(users={"on_delete": "keep_suppressed"})
    told = (await post(gate, "/leads/", [{"email": A, "blacklisted": True}, {"email": B}])).json["updated"]
    gone = [{"xngId": item["xngId"]} for item in told]
    answer = await post(gate, "/leads/", [], [*gone, gone[0]])
    assert [item["success"] for item in answer.json["deleted"]] == [True, True, False]
    assert [(await gate.mail(address)).status for address in (A, B)] == [400, 202]
    (kept,) = (await gate.api("GET", f"/standing?address={A}")).json["items"]
    assert (kept["kept"], kept["email"], kept["xngId"]) == (True, None, None)
