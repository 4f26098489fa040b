"""Users in the second version: what is acknowledged is in force, every fault has its code, and no no is lost."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from policy.model import Microseconds
from tests.conftest import Message, OpenGate, RunningGate

A, B, C = "a@example.com", "b@example.com", "c@example.com"
PHONE, MOBILE, HOME, OFFICE = "+4915112345678", "+4915112345679", "+4930123450", "+4930123451"
SECOND = {"X-XNG-ApiVersion": "2"}


async def put(gate: RunningGate, **profile: Any) -> Message:
    """Write one user."""
    return await gate.api("PUT", "/users", profile, headers=SECOND)


async def batch(gate: RunningGate, updated: Any = None, deleted: Any = None) -> Message:
    """Write and delete many."""
    return await gate.api("POST", "/users/batch", {"updated": updated, "deleted": deleted}, headers=SECOND)


async def tracked(gate: RunningGate, answer: Message) -> tuple[int, int]:
    """Ask how a request ended: with how many users it went well, and with how many it did not."""
    assert answer.status == 202, answer.body
    told = (await gate.api("GET", f"/users/track/{answer.json['trackingId']}", headers=SECOND)).json
    assert (told["stage"], told["total"]) == ("PROCESSED", told["success"] + told["error"])
    return told["success"], told["error"]


def codes(answer: Message) -> list[tuple[str, str]]:
    """Give the faults of an answer by code and place."""
    return [(fault["code"], fault["source"]["pointer"]) for fault in answer.json["errors"]]


# ── what is acknowledged ──


@pytest.mark.parametrize("trait", ["optOut", "blacklisted", "traits.optOut"])
async def test_a_no_is_in_force_before_it_is_acknowledged(gate: RunningGate, trait: str) -> None:
    """The send after the 202 is refused."""
    assert await tracked(gate, await put(gate, id="1", email=A, **{trait: True})) == (1, 0)
    assert await tracked(gate, await batch(gate, [{"id": "2", "email": B, trait: True}])) == (1, 0)
    assert [(await gate.mail(address)).status for address in (A, B)] == [400, 400]


@pytest.mark.parametrize("trait", ["optOut", "blacklisted", "traits.blacklisted"])
@pytest.mark.parametrize("name", ["phone", "mobile"])
async def test_a_no_in_a_batch_is_in_force_for_numbers(gate: RunningGate, name: str, trait: str) -> None:
    """A no counts for the number that stands beside it, for one that is known, and for one that is told later."""
    told = [
        {"id": "1", "email": A, name: PHONE, trait: True},
        {"id": "2", "email": B, trait: True},
        {"id": "3", "email": C, trait: True},
    ]
    await gate.user("2", **{name: MOBILE})
    assert await tracked(gate, await batch(gate, told)) == (3, 0)
    assert await tracked(gate, await batch(gate, [{"id": "3", "email": C, name: HOME}])) == (1, 0)
    assert [(await gate.text(number)).status for number in (PHONE, MOBILE, HOME)] == [400, 400, 400]
    assert (await gate.text(OFFICE)).status == 202


async def test_an_address_of_another_user(gate: RunningGate) -> None:
    """A new id with an e-mail that somebody has is an error in the tracking, and makes no user."""
    await gate.user("1", email=A)
    assert await tracked(gate, await put(gate, id="2", email=A, x=1)) == (0, 1)
    assert (await gate.api("GET", "/users/2")).status == 404
    assert await tracked(gate, await batch(gate, [{"id": "2", "email": A}, {"id": "3", "email": B}])) == (1, 1)


@pytest.mark.parametrize("trait", ["optOut", "blacklisted"])
async def test_a_no_beside_an_address_of_another_user(gate: RunningGate, trait: str) -> None:
    """202 was answered, so the no counts all the same: for its addresses, and for the id wherever it is next."""
    await gate.user("1", email=A)
    assert await tracked(gate, await put(gate, id="2", email=A, phone=PHONE, **{trait: True})) == (0, 1)
    assert (await gate.text(PHONE)).status == 400
    await gate.user("2", email=B)
    assert [(await gate.mail(address)).status for address in (A, B)] == [400, 400]


@pytest.mark.parametrize("trait", ["optOut", "blacklisted"])
async def test_a_no_in_a_batch_beside_an_address_of_another_user(gate: RunningGate, trait: str) -> None:
    """In a batch too: for every number of a profile that is not written, and for one that the id has already."""
    await gate.user("1", email=A)
    await gate.user("4", email=C, phone=HOME)
    told = [
        {"id": "2", "email": A, "phone": PHONE, "mobile": MOBILE, trait: True},
        {"id": "3", "email": B, "phone": OFFICE},
        {"id": "4", "email": A, trait: True},
    ]
    assert await tracked(gate, await batch(gate, told)) == (1, 2)
    assert [(await gate.text(number)).status for number in (PHONE, MOBILE, HOME, OFFICE)] == [400, 400, 400, 202]
    assert [(await gate.mail(address)).status for address in (A, B, C)] == [400, 202, 400]


@pytest.mark.parametrize("trait", ["optOut", "blacklisted"])
async def test_a_no_in_a_batch_whose_users_claim_one_address(gate: RunningGate, trait: str) -> None:
    """Whoever comes second does not get the address, and the no that came with it counts for the number too."""
    told = [{"id": "1", "email": A}, {"id": "2", "email": A, "phone": PHONE, trait: True}]
    assert await tracked(gate, await batch(gate, told)) == (1, 1)
    assert [(await gate.text(PHONE)).status, (await gate.mail(A)).status] == [400, 400]


async def test_a_yes_beside_an_address_of_another_user(gate: RunningGate) -> None:
    """What is not written releases nobody."""
    await gate.user("1", email=A, optOut=True)
    await gate.user("2", email=B, optOut=True)
    assert await tracked(gate, await put(gate, id="2", email=A, optOut=False)) == (0, 1)
    assert [(await gate.mail(address)).status for address in (A, B)] == [400, 400]


async def test_deleting(open_gate: OpenGate) -> None:
    """Deleting always succeeds; without the scope release, and with keep_suppressed, the address stays blocked."""
    gate = await open_gate(api={"keys": [{"name": "crm", "key": "crm", "scopes": ["users"]}]})
    headers = {**SECOND, "X-XNG-AuthToken": "crm"}
    await gate.api("PUT", "/users", {"id": "1", "email": A, "blacklisted": True}, headers=headers)
    for _ in range(2):
        answer = await gate.api("DELETE", "/users/1", headers=headers)
        track = await gate.api("GET", f"/users/track/{answer.json['trackingId']}", headers=headers)
        assert (answer.status, track.json["success"]) == (202, 1)
    assert (await gate.api("GET", "/users/1", headers=headers)).status == 404
    assert (await gate.mail(A)).status == 400


async def test_deleting_in_a_batch(gate: RunningGate) -> None:
    """Users are deleted by id and leads by the internal id; who is not there is deleted as well."""
    await gate.user("1", email=A, blacklisted=True)
    await gate.tell("Blacklisted", email=B)
    lead = (await gate.api("GET", f"/users/email/{B}")).json
    assert lead["id"] is None
    answer = await batch(gate, [], [{"id": "1", "email": A}, {"xngId": lead["xngId"]}, {"id": "nobody"}])
    assert await tracked(gate, answer) == (3, 0)
    assert [(await gate.mail(address)).status for address in (A, B)] == [202, 202]


async def test_a_yes_without_the_scope(open_gate: OpenGate) -> None:
    """A trait that would release is ignored without the scope, and named."""
    gate = await open_gate(api={"keys": [{"name": "crm", "key": "crm", "scopes": ["users"]}]})
    headers = {**SECOND, "X-XNG-AuthToken": "crm"}
    await gate.api("PUT", "/users", {"id": "1", "email": A, "optOut": True}, headers=headers)
    answer = await gate.api("PUT", "/users", {"id": "1", "email": A, "optOut": False}, headers=headers)
    assert (answer.status, answer.get("X-Sendgate-Ignored")) == (202, "optOut")
    assert (await gate.mail(A)).status == 400


# ── faults ──

FAULTS = [
    pytest.param({}, [("2", "/id"), ("2", "/email")], id="nothing"),
    pytest.param({"id": "", "email": ""}, [("2", "/id"), ("2", "/email")], id="empty texts"),
    pytest.param({"id": 1, "email": A}, [("2", "/id")], id="a number for an id"),
    pytest.param({"id": "x" * 16_385, "email": A}, [("2", "/id")], id="an id over 16 KB"),
    pytest.param({"id": "1", "externalId": "2", "email": A}, [("7", "/externalId")], id="two ids"),
    pytest.param({"id": "1", "email": "nonsense"}, [("4", "/email")], id="no e-mail"),
    pytest.param({"id": "1", "email": A, "phone": "0151"}, [("5", "/phone")], id="no number"),
    pytest.param({"id": "1", "email": A, "businessUnit": 1}, [("8", "/businessUnit")], id="no unit"),
    pytest.param({"id": "1", "email": A, "optOut": 1}, [("3", "/optOut")], id="no flag"),
    pytest.param({"id": "1", "email": A, "blacklisted": "maybe"}, [("3", "/blacklisted")], id="neither yes nor no"),
    pytest.param(
        {"id": "1", "email": "nonsense", "phone": "x", "optOut": []},
        [("4", "/email"), ("5", "/phone"), ("3", "/optOut")],
        id="several",
    ),
]


@pytest.mark.parametrize(("profile", "found"), FAULTS)
async def test_faults(gate: RunningGate, profile: dict[str, Any], found: list[tuple[str, str]]) -> None:
    """Every fault is told at once with its code and place, alone as in a batch, and nothing is written."""
    alone = await put(gate, **profile)
    assert (alone.status, codes(alone)) == (400, found)
    many = await batch(gate, [{"id": "9", "email": B}, profile])
    assert codes(many) == [(code, f"/updated/1{pointer}") for code, pointer in found]
    assert await tracked(gate, many) == (1, 1)
    assert [(await gate.api("GET", f"/users/{user}")).status for user in ("1", "9")] == [404, 200]


async def test_faults_hold_no_value(gate: RunningGate) -> None:
    """No fault repeats what was told."""
    answer = await put(gate, id="1", email="secret@@example", phone="secret", optOut="secret")
    assert answer.status == 400
    assert b"secret" not in answer.body


@pytest.mark.parametrize(
    "tree", [[], {"updated": {}}, {"deleted": [1]}, {"updated": "x"}, {"id": "1", "optOut": True}], ids=str
)
async def test_no_batch(gate: RunningGate, tree: Any) -> None:
    """What is no batch at all is a fault of the whole."""
    answer = await gate.api("POST", "/users/batch", tree, headers=SECOND)
    assert (answer.status, len(answer.json["errors"])) == (400, 1)


async def test_twins(gate: RunningGate) -> None:
    """An item about the same user as an earlier one is a fault: nobody can say which was meant."""
    answer = await batch(gate, [{"id": "1", "email": A}, {"id": "1", "email": B}], [{"id": "1"}, {}])
    assert codes(answer) == [("2", "/updated/1/id"), ("2", "/deleted/0/id"), ("2", "/deleted/1/id")]
    assert await tracked(gate, answer) == (1, 3)
    assert (await gate.api("GET", "/users/1")).json["email"] == A


async def test_an_empty_batch(gate: RunningGate) -> None:
    """A batch about nobody is taken."""
    assert await tracked(gate, await batch(gate)) == (0, 0)


# ── asking ──


async def test_an_e_mail_in_several_units(gate: RunningGate) -> None:
    """The same e-mail may be had in several units; the unit is read in any case, its very spelling first."""
    for number, unit in enumerate(("", "DE", "de", "US")):
        await gate.user(str(number), email=A, businessUnit=unit)
    asked = {}
    for unit in ("", "DE", "de", "De", "us", "FR"):
        answer = await gate.api("GET", f"/users/email/{A.upper()}/bu/{unit}")
        asked[unit] = answer.json["id"] if answer.status == 200 else answer.status
    assert asked == {"": "0", "DE": "1", "de": "2", "De": 404, "us": "3", "FR": 404}


@pytest.mark.parametrize("unit", ["%00", "%ED%A0%80", "%FF", "x" * 20_000])
async def test_units_of_all_kinds(gate: RunningGate, unit: str) -> None:
    """Whatever stands for a unit, nobody is in it."""
    assert (await gate.api("GET", f"/users/email/{A}/bu/{unit}")).status == 404


async def test_an_id_lives_for_a_day(gate: RunningGate) -> None:
    """A day later the tracking id is unknown."""
    answer = await put(gate, id="1", email=A)
    path = f"/users/track/{answer.json['trackingId']}"
    now = gate.app.policy.now()
    statuses = []
    for later in (86_000_000_000, 87_000_000_000):
        moment = Microseconds(now + later)
        gate.app.policy.now = partial(Microseconds, moment)
        statuses.append((await gate.api("GET", path)).status)
    assert statuses == [200, 404]


# ── which version ──


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([], 204, id="none"),
        pytest.param(["1"], 204, id="the first"),
        pytest.param(["2"], 202, id="the second"),
        pytest.param([" 2 "], 202, id="with blanks"),
        pytest.param(["2", "2"], 202, id="twice the same"),
        pytest.param(["1", "2"], 400, id="both"),
        pytest.param(["3"], 400, id="the third"),
        pytest.param([""], 400, id="empty"),
    ],
)
async def test_the_header_chooses(gate: RunningGate, headers: list[str], status: int) -> None:
    """Where both versions have the path the header says which; where it says none that there is, nothing is done."""
    await gate.user("1")
    lines = "".join(f"X-XNG-ApiVersion: {value}\r\n" for value in headers)
    answer = await gate.ask(f"DELETE /users/1 HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode(), "api")
    assert answer.status == status
    if status == 400:
        assert answer.json == {"field": "X-XNG-ApiVersion", "type": "UNKNOWN_VALUE"}
    assert ((await gate.api("GET", "/users/1")).status == 200) is (status == 400)
