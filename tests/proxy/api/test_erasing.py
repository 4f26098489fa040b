"""Erasing by HTTP: by id, by internal id and by any name, with which keys, and what is told of somebody before."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.conftest import OpenGate, RunningGate

BOB, PHONE = "bob@example.com", "+4915112345678"
KEYS = {
    "keys": [
        {"name": "crm", "key": "users-key", "scopes": ["users"]},
        {"name": "root", "key": "admin-key", "scopes": ["admin"]},
    ]
}
SECOND = {"X-XNG-ApiVersion": "2"}


async def bob(gate: RunningGate) -> str:
    """Let Bob be known and blacklisted; gives the internal id."""
    await gate.user("42", email=BOB, phone=PHONE)
    await gate.tell("Blacklisted", id="42")
    return str((await gate.api("GET", "/users/42")).json["xngId"])


@pytest.mark.parametrize("headers", [{}, SECOND], ids=["first version", "second version"])
async def test_by_id(gate: RunningGate, headers: dict[str, str]) -> None:
    """A deletion that erases answers the report in both versions, and the standing goes on where deleting ends it."""
    await bob(gate)
    answer = await gate.api("DELETE", "/users/42?erase=true", headers=headers)
    assert (answer.status, answer.json["people"], answer.json["keptHashes"]) == (200, 1, 2)
    assert (await gate.api("GET", "/users/42")).status == 404
    assert (await gate.mail(BOB)).get("X-Sendgate-Reasons") == "blacklisted"
    assert (await gate.api("DELETE", "/users/42?erase=true", headers=headers)).status == 404


async def test_it_is_logged(gate: RunningGate) -> None:
    """The log tells of an erasure by the journal's sequence and in counts, and not of whom."""
    internal = await bob(gate)
    with capture_logs() as lines:
        report = (await gate.api("POST", "/erasures", {"whom": BOB})).json
    (line,) = [line for line in lines if line["event"] == "erased"]
    rows = {**report["rows"], "kept": report["keptHashes"]}
    assert (line["sequence"], line["people"], line["rows"]) == (report["sequence"], 1, rows)
    assert not [
        name for name in (BOB, "bob", PHONE, "42", internal) if name in str({**line, "rows": {}, "sequence": 0})
    ]


async def test_by_internal_id(gate: RunningGate) -> None:
    """Leads, who have no other name, are erased by it."""
    answer = await gate.api("DELETE", f"/users/xngId/{await bob(gate)}?erase=true")
    assert (answer.status, answer.json["people"]) == (200, 1)


@pytest.mark.parametrize("query", ["erase=yes", "erase=", "erase=true&erase=true", "erase=TRUE"])
async def test_a_word_that_is_neither(gate: RunningGate, query: str) -> None:
    """Whoever is to be erased, or not, by a word that says neither stays, and is told so."""
    await bob(gate)
    for headers in ({}, SECOND):
        assert (await gate.api("DELETE", f"/users/42?{query}", headers=headers)).status == 400
    assert (await gate.api("GET", "/users/42")).status == 200


async def test_false_deletes(gate: RunningGate) -> None:
    """`erase=false` is a deletion."""
    await bob(gate)
    assert (await gate.api("DELETE", "/users/42?erase=false")).status == 204
    assert (await gate.mail(BOB)).status == 202


@pytest.mark.parametrize("whom", ["42", BOB.upper(), "+49 151 12345678"])
async def test_by_any_name(gate: RunningGate, whom: str) -> None:
    """An id, an address and a number erase the same person, and are told what is held before."""
    await bob(gate)
    held = (await gate.api("GET", f"/held?whom={whom.replace('+', '%2B').replace(' ', '%20')}")).json
    assert ([each["id"] for each in held["people"]], len(held["events"])) == (["42"], 2)
    assert held == (await gate.api("GET", "/users/42/export")).json
    assert (await gate.api("POST", "/erasures", {"whom": whom})).json["people"] == 1
    assert (await gate.api("POST", "/erasures", {"whom": whom})).status == 404
    assert (await gate.api("GET", "/users/42/export")).status == 404


@pytest.mark.parametrize("body", [{}, {"whom": ""}, {"whom": 7}, {"whom": None}, []])
async def test_nobody_is_named(gate: RunningGate, body: Any) -> None:
    """A request without a name erases nobody."""
    await bob(gate)
    assert (await gate.api("POST", "/erasures", body)).status == 400
    assert (await gate.api("GET", "/users/42")).status == 200


async def test_which_keys(open_gate: OpenGate) -> None:
    """Erasing needs the scope `users` and no release; writing the file anew needs `admin`."""
    gate = await open_gate(api=KEYS)
    users, admin = ({"X-XNG-AuthToken": f"{name}-key"} for name in ("users", "admin"))
    assert (await gate.api("PUT", "/users/42", {"email": BOB}, headers=users)).status == 200
    for method, path, body in (
        ("DELETE", "/users/42?erase=true", None),
        ("POST", "/erasures", {"whom": BOB}),
        ("GET", "/held?whom=42", None),
        ("GET", "/users/42/export", None),
    ):
        assert (await gate.api(method, path, body, headers=admin)).status == 403
    assert (await gate.api("POST", "/rebuild", headers=users)).status == 403
    assert (await gate.api("POST", "/rebuild", headers=admin)).json == {"logEmptied": True, "left": 0}
    assert (await gate.api("POST", "/erasures", {"whom": BOB}, headers=users)).status == 200
