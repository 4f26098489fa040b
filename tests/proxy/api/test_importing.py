"""POST /import: rows with a result each, and what suppresses is taken of the bad ones too."""

from __future__ import annotations

from typing import Any

import pytest

from policy.rows import COLUMNS, LONGEST
from tests.conftest import OpenGate, RunningGate

A, B, C = "a@example.com", "b@example.com", "c@example.com"
T = "2026-01-11T00:00:00Z"


def row(**cells: str) -> list[str]:
    """Write a row."""
    return [cells.get(name, "") for name in COLUMNS]


async def imported(gate: RunningGate, *rows: list[str], **body: Any) -> list[str]:
    """Import rows and give their results."""
    answer = await gate.api("POST", "/import", {"rows": rows, **body})
    assert answer.status == 200
    items: list[str] = answer.json["items"]
    return items


async def test_rows_are_taken(gate: RunningGate) -> None:
    """Users, leads and numbers come in with their standing, and a send knows it at once."""
    rows = [
        row(id="1", email=A, businessUnit="DE", phone="+4915112345678", blacklisted="true", blacklistedAt=T),
        row(email=B, optOutAll="true"),
        row(phone="+4915187654321", optOutChannels="SMS"),
        row(id="2", email=C),
    ]
    assert await imported(gate, *rows) == ["", "", "", ""]
    assert [(await gate.mail(address)).status for address in (A, B, C)] == [400, 400, 202]
    assert [(await gate.text(number)).status for number in ("+4915112345678", "+4915187654321")] == [400, 400]
    (holder,) = (await gate.api("GET", f"/standing?address={A}")).json["items"]
    assert (holder["id"], holder["blacklisted"]) == ("1", {"since": "2026-01-11T00:00:00.999999Z", "origin": "import"})


async def test_each_row_has_its_result(gate: RunningGate) -> None:
    """A bad row says why, in its place; the others are taken, and so is what the bad row suppresses."""
    await gate.user("9", email=C)
    rows = [
        row(email=A, blacklisted="true"),
        row(email="nonsense"),
        row(id="1", email=C, blacklisted="true"),
        row(id="2", email=B, phone="12", blacklisted="true"),
        row(id="x" * (LONGEST + 1)),
        row(email=f"kept:{'0' * 32}:{'0' * 32}", blacklisted="true"),
    ]
    first, no_email, taken, no_phone, long, foreign = await imported(gate, *rows)
    assert (first, no_email) == ("", "email is no e-mail address")
    assert taken == "the e-mail and business unit belong to another user; what the row suppresses was taken"
    assert no_phone == "phone is no number with its country (+49…); what the row suppresses was taken"
    assert "longer than 16 KB" in long
    assert "another pepper" in foreign
    assert [(await gate.mail(address)).status for address in (A, B, C)] == [400, 400, 400]
    assert (await gate.api("GET", "/users/2/blacklist-status")).json == {"blacklisted": True}


@pytest.mark.parametrize("release", [False, None], ids=["release is false", "release is not said"])
async def test_nothing_is_released_unasked(gate: RunningGate, release: bool | None) -> None:  # noqa: FBT001 (a case)
    """False cells and channels with a minus say nothing, and an opt-out stays."""
    await gate.tell("Blacklisted", email=A)
    await gate.tell("Opt Out", "MAIL", email=A)
    body = {} if release is None else {"release": release}
    rows = [row(email=A, blacklisted="false", optOutAll="false", optOutChannels="-MAIL", blacklistedAt=T)]
    assert await imported(gate, *rows, **body) == [""]
    (holder,) = (await gate.api("GET", f"/standing?address={A}")).json["items"]
    assert (holder["blacklisted"]["origin"], list(holder["optOuts"])) == ("event", ["MAIL"])


async def test_what_is_false_is_released_on_request(gate: RunningGate) -> None:
    """With release, false undoes the blacklisting and a minus the channel's opt-out."""
    await gate.tell("Blacklisted", email=A)
    await gate.tell("Opt Out", "MAIL", email=A)
    assert await imported(gate, row(email=A, blacklisted="false", optOutChannels="-MAIL"), release=True) == [""]
    assert (await gate.mail(A)).status == 202


async def test_a_release_needs_its_scope(open_gate: OpenGate) -> None:
    """A key without the scope release is refused, and nothing of the request is taken."""
    keys = [
        {"name": "crm", "key": "crm-key", "scopes": ["users"]},
        {"name": "records", "key": "records-key", "scopes": ["records"]},
    ]
    gate = await open_gate(api={"keys": keys})
    body = {"rows": [row(email=A, blacklisted="true")], "release": True}
    answer = await gate.api("POST", "/import", body, headers={"X-XNG-AuthToken": "crm-key"})
    assert (answer.status, answer.json) == (403, {"field": "release", "type": "MISSING_SCOPE"})
    assert (await gate.api("POST", "/import", body, headers={"X-XNG-AuthToken": "records-key"})).status == 403
    assert (await gate.mail(A)).status == 202


FAULTS = [
    pytest.param({}, "rows", id="no rows"),
    pytest.param({"rows": "x"}, "rows", id="no list"),
    pytest.param({"rows": [["a"]]}, "rows", id="a row of one cell"),
    pytest.param({"rows": [[None] * 10]}, "rows", id="cells that are no texts"),
    pytest.param({"rows": [row()] * 1001}, "rows", id="1001 rows"),
    pytest.param({"rows": [], "release": "yes"}, "release", id="a release that is neither true nor false"),
]


@pytest.mark.parametrize(("body", "field"), FAULTS)
async def test_a_request_that_is_none(gate: RunningGate, body: dict[str, Any], field: str) -> None:
    """What is no list of rows is refused as a whole."""
    answer = await gate.api("POST", "/import", body)
    assert (answer.status, answer.json) == (400, {"field": field, "type": "WRONG_VALUE"})


async def test_no_rows_and_a_thousand(gate: RunningGate) -> None:
    """A request may be empty, and may have a thousand rows."""
    assert await imported(gate) == []
    assert await imported(gate, *[row(email=f"p{n}@example.com", blacklisted="1") for n in range(1000)]) == [""] * 1000
    assert (await gate.mail("p999@example.com")).status == 400
