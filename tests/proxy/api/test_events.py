"""POST /events: of whom, what, when; 202 after the commit, or one fault and nothing taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Message, OpenGate, RunningGate

A = "a@example.com"
PHONE = "+4915112345678"
BLACKLISTED = {"event": "Blacklisted"}
EXAMPLE: dict[str, Any] = {
    "id": "78ad0e3e-0000-0000-0000-000000000000",
    "events": [{"event": "Completed Order", "timestamp": "2022-01-11T00:00:00Z", "properties": {"total": 5}}],
}


async def told(gate: RunningGate, *events: Any, **subject: Any) -> Message:
    """Tell some events about somebody."""
    return await gate.api("POST", "/events", {**subject, "events": list(events)})


async def standing(gate: RunningGate, address: str = A) -> list[tuple[str | None, str, bool, list[str]]]:
    """Give everybody who has an address: id, unit, whether blacklisted, channels opted out of."""
    items = (await gate.api("GET", f"/standing?address={address.replace('+', '%2B')}")).json["items"]
    return [(i["id"], i["businessUnit"], i["blacklisted"] is not None, sorted(i["optOuts"])) for i in items]


# ── of whom ──


async def test_by_email(gate: RunningGate) -> None:
    """An unknown e-mail becomes a lead of the empty unit, who gets nothing from then on."""
    answer = await told(gate, BLACKLISTED, email=A)
    assert (answer.status, answer.body, answer.get("Content-Length")) == (202, b"", "0")
    assert await standing(gate) == [(None, "", True, [])]
    assert (await gate.mail(A)).status == 400


async def test_by_email_and_unit(gate: RunningGate) -> None:
    """A lead is one for each business unit."""
    await told(gate, BLACKLISTED, email=A, businessUnit="DE")
    await told(gate, {"event": "Opt Out"}, email="A@Example.com", businessUnit="US")
    assert await standing(gate) == [(None, "DE", True, []), (None, "US", False, ["ALL"])]


async def test_by_id(gate: RunningGate) -> None:
    """An unknown id becomes a user without an address, whose standing holds as soon as one arrives."""
    await told(gate, BLACKLISTED, id="1")
    assert (await gate.mail(A)).status == 202
    await gate.user("1", email=A)
    assert (await gate.mail(A)).status == 400


async def test_by_phone(gate: RunningGate) -> None:
    """An unknown phone becomes a lead known by it alone, in any spelling."""
    await told(gate, BLACKLISTED, phone="+49 (0)151 / 1234-5678")
    assert await standing(gate, PHONE) == [(None, "", True, [])]
    assert (await gate.text(PHONE)).status == 400


async def test_by_id_and_email(gate: RunningGate) -> None:
    """Where an id comes with an address that is not the id's, a no counts for both."""
    await gate.user("1", email="other@example.com")
    await told(gate, BLACKLISTED, id="1", email=A)
    assert (await gate.mail(A)).status == 400
    assert (await gate.mail("other@example.com")).status == 400


async def test_an_event_tells_of_a_user_by_email(gate: RunningGate) -> None:
    """Who is known by an id is meant by the e-mail and unit as well."""
    await gate.user("1", email=A, businessUnit="DE")
    await told(gate, BLACKLISTED, email=A, businessUnit="DE")
    assert (await gate.api("GET", "/users/1/blacklist-status")).json == {"blacklisted": True}


# ── what ──


async def test_the_published_example(open_gate: OpenGate) -> None:
    """The contract's own example is taken, once the operator accepts its event, and is in the user's timeline."""
    gate = await open_gate(events={"accept": ["Completed Order"]})
    assert (await gate.api("POST", "/events", EXAMPLE)).status == 202
    (line,) = (await gate.api("GET", f"/users/{EXAMPLE['id']}/events")).json["items"]
    assert (line["event"], line["timestamp"]) == ("Completed Order", "2022-01-11T00:00:00Z")
    assert line["properties"] == {"total": 5}


async def test_an_unknown_event(gate: RunningGate) -> None:
    """A name that nobody accepts is told exactly as the contract says."""
    answer = await gate.api("POST", "/events", EXAMPLE)
    assert (answer.status, answer.body) == (400, b'{"field":"event","type":"UNKNOWN_VALUE"}')
    assert (answer.get("Content-Type") or "").replace(" ", "").lower() == "application/json;charset=utf-8"


@pytest.mark.parametrize("name", ["Whitelist", "blacklisted", "BLACKLISTED", "Opt out", "Optout", " Blacklisted", ""])
async def test_names_are_exact(gate: RunningGate, name: str) -> None:
    """A name that only resembles a system event is none."""
    assert (await told(gate, {"event": name}, email=A)).json == {"field": "event", "type": "UNKNOWN_VALUE"}
    assert await standing(gate) == []


@pytest.mark.parametrize(
    ("event", "channels"),
    [
        pytest.param({"event": "Opt Out"}, ["ALL"], id="no channel"),
        pytest.param({"event": "Opt Out", "properties": {"channel.type": "ALL"}}, ["ALL"], id="ALL"),
        pytest.param({"event": "Opt Out", "properties": {"channel.type": "mail"}}, ["MAIL"], id="lower case"),
        pytest.param({"event": "Opt Out", "properties": {"channel.type": None}}, ["ALL"], id="null"),
        pytest.param({"event": "Opt Out", "channel.type": "SMS"}, ["SMS"], id="beside the event, as published"),
        pytest.param(
            {"event": "Opt Out", "channel.type": "SMS", "properties": {"channel.type": "sms"}},
            ["SMS"],
            id="twice alike",
        ),
        pytest.param({"event": "Opt Out", "properties": {"emailNewsletter": True}}, ["ALL"], id="other properties"),
        pytest.param({"event": "Opt Out", "properties": None}, ["ALL"], id="properties null"),
        pytest.param({"event": "Blacklisted", "properties": {"channel.type": "MAIL"}}, [], id="of no concern"),
    ],
)
async def test_channels(gate: RunningGate, event: dict[str, Any], channels: list[str]) -> None:
    """The channel is read where the vendor's words or its published example have it, and is ALL where it is not."""
    assert (await told(gate, event, email=A)).status == 202
    assert (await standing(gate))[0][3] == channels


@pytest.mark.parametrize(
    "channel", ["MAIL", "SMS", "INSTANT_MESSAGING", "PUSH_NOTIFICATION", "WEBHOOK", "OFFLINE", "ALL"]
)
async def test_every_channel_opts_out_and_in(gate: RunningGate, channel: str) -> None:
    """What one channel's opt-out did, its opt-in undoes."""
    await gate.tell("Opt Out", channel, email=A)
    assert (await standing(gate))[0][3] == [channel]
    await gate.tell("Opt In", channel.lower(), email=A)
    assert (await standing(gate))[0][3] == []


# ── how many ──


async def test_fifty_events(gate: RunningGate) -> None:
    """Fifty events are one request, taken in their order."""
    words = [{"event": "Blacklisted"}, {"event": "Whitelisted"}] * 24 + [{"event": "Opt Out"}, BLACKLISTED]
    assert (await told(gate, *words, email=A)).status == 202
    assert await standing(gate) == [(None, "", True, ["ALL"])]


@pytest.mark.parametrize("events", [[BLACKLISTED] * 51, [], {}, "Blacklisted", [BLACKLISTED, "Blacklisted"], [[]]])
async def test_not_fifty(gate: RunningGate, events: Any) -> None:
    """More than fifty, none, or what is no event is a fault, and nothing is taken."""
    answer = await gate.api("POST", "/events", {"email": A, "events": events})
    assert (answer.status, answer.json) == (400, {"field": "events", "type": "WRONG_VALUE"})
    assert await standing(gate) == []


async def test_all_or_none(gate: RunningGate) -> None:
    """Where one event of a request is wrong, none of them is taken."""
    assert (await told(gate, BLACKLISTED, {"event": "Nonsense"}, email=A)).status == 400
    assert await standing(gate) == []


# ── faults ──


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param({"events": [BLACKLISTED]}, ("id", "NOT_NULL"), id="nobody"),
        pytest.param({"id": None, "email": None, "events": [BLACKLISTED]}, ("id", "NOT_NULL"), id="nobody, as null"),
        pytest.param({"id": "", "events": [BLACKLISTED]}, ("id", "WRONG_VALUE"), id="an empty id"),
        pytest.param({"id": 1, "events": [BLACKLISTED]}, ("id", "WRONG_VALUE"), id="a number for an id"),
        pytest.param({"id": "x" * 16_385, "events": [BLACKLISTED]}, ("id", "WRONG_VALUE"), id="over 16 KB"),
        pytest.param({"id": "é" * 8_193, "events": [BLACKLISTED]}, ("id", "WRONG_VALUE"), id="over 16 KB in UTF-8"),
        pytest.param({"id": "a\0b", "events": [BLACKLISTED]}, ("id", "WRONG_VALUE"), id="NUL"),
        pytest.param({"email": "a", "events": [BLACKLISTED]}, ("email", "WRONG_FORMAT"), id="no e-mail"),
        pytest.param({"email": "", "events": [BLACKLISTED]}, ("email", "WRONG_FORMAT"), id="an empty e-mail"),
        pytest.param({"email": [A], "events": [BLACKLISTED]}, ("email", "WRONG_VALUE"), id="a list of e-mails"),
        pytest.param({"phone": "0151 123", "events": [BLACKLISTED]}, ("phone", "WRONG_FORMAT"), id="a national number"),
        pytest.param(
            {"phone": "15112345678", "events": [BLACKLISTED]}, ("phone", "WRONG_FORMAT"), id="a number without its plus"
        ),
        pytest.param(
            {"email": A, "businessUnit": 1, "events": [BLACKLISTED]}, ("businessUnit", "WRONG_VALUE"), id="unit"
        ),
        pytest.param({"email": A}, ("events", "NOT_NULL"), id="no events"),
        pytest.param({"email": A, "events": None}, ("events", "NOT_NULL"), id="events null"),
        pytest.param({"email": A, "events": [{}]}, ("event", "NOT_NULL"), id="no name"),
        pytest.param({"email": A, "events": [{"event": 1}]}, ("event", "WRONG_VALUE"), id="a number for a name"),
        pytest.param(
            {"email": A, "events": [{**BLACKLISTED, "timestamp": "2022-01-11T00:00:00"}]},
            ("timestamp", "WRONG_FORMAT"),
            id="a time without a zone",
        ),
        pytest.param(
            {"email": A, "events": [{**BLACKLISTED, "timestamp": 1641859200}]},
            ("timestamp", "WRONG_FORMAT"),
            id="epoch",
        ),
        pytest.param(
            {"email": A, "events": [{**BLACKLISTED, "timestamp": "2022-02-30T00:00:00Z"}]},
            ("timestamp", "WRONG_FORMAT"),
            id="a day that there is not",
        ),
        pytest.param(
            {"email": A, "events": [{**BLACKLISTED, "properties": []}]}, ("properties", "WRONG_FORMAT"), id="properties"
        ),
        pytest.param(
            {"email": A, "events": [{"event": "Opt Out", "properties": {"channel.type": "FAX"}}]},
            ("channel.type", "UNKNOWN_VALUE"),
            id="an unknown channel",
        ),
        pytest.param(
            {"email": A, "events": [{"event": "Opt Out", "properties": {"channel.type": 1}}]},
            ("channel.type", "UNKNOWN_VALUE"),
            id="a number for a channel",
        ),
        pytest.param(
            {
                "email": A,
                "events": [{"event": "Opt Out", "channel.type": "SMS", "properties": {"channel.type": "MAIL"}}],
            },
            ("channel.type", "WRONG_VALUE"),
            id="two channels",
        ),
        pytest.param([], ("body", "WRONG_FORMAT"), id="an array"),
        pytest.param(None, ("body", "WRONG_FORMAT"), id="null"),
    ],
)
async def test_faults(gate: RunningGate, body: Any, fault: tuple[str, str]) -> None:
    """A fault is told as field and type, in one shape, and nothing is taken."""
    answer = await gate.api("POST", "/events", json.dumps(body).encode())
    assert (answer.status, answer.json) == (400, {"field": fault[0], "type": fault[1]})
    assert await standing(gate) == []
    assert gate.metric("sendgate_events_total") == 0


PUBLISHED = b'{"id":"1","events":[{"event":"Opt Out", "channel.type":"MAIL" } }]}'  # one brace too many, as published


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(PUBLISHED, id="the published example"),
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut short"),
        pytest.param(b'{"id":"1","id":"2","events":[{"event":"Blacklisted"}]}', id="a key twice"),
        pytest.param(b'{"id":"1","ID":"2","events":[{"event":"Blacklisted"}]}', id="a key in two cases"),
        pytest.param(b'{"id":"\xff","events":[{"event":"Blacklisted"}]}', id="not UTF-8"),
        pytest.param(b'{"id":"\\ud800","events":[{"event":"Blacklisted"}]}', id="a lone surrogate"),
        pytest.param(b'{"id":"1","events":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="100 000 levels"),
    ],
)
async def test_malformed_bodies(gate: RunningGate, body: bytes) -> None:
    """What is not one JSON object with one reading is a fault of the body."""
    answer = await gate.api("POST", "/events", body)
    assert (answer.status, answer.json) == (400, {"field": "body", "type": "WRONG_FORMAT"})


# ── when ──


async def test_when_it_counts_from(gate: RunningGate) -> None:
    """A suppression stated to the second counts from its end, a future one from its arrival."""
    await told(gate, {**BLACKLISTED, "timestamp": "2022-01-11T00:00:00Z"}, id="1")
    await told(gate, {"event": "Opt Out", "timestamp": "2999-01-01T00:00:00Z"}, id="1")
    events = (await gate.api("GET", "/users/1/events")).json["items"]
    times = {line["event"]: line["timestamp"] for line in events}
    assert times["Blacklisted"] == "2022-01-11T00:00:00.999999Z"
    assert times["Opt Out"] < "2999"


async def test_a_repeat_changes_nothing(gate: RunningGate) -> None:
    """The same statement told again is acknowledged again, written once, and undoes no release since."""
    for _ in range(2):
        assert (await told(gate, {**BLACKLISTED, "timestamp": "2022-01-11T00:00:00Z"}, id="1")).status == 202
    await told(gate, {"event": "Whitelisted"}, id="1")
    assert (await told(gate, {**BLACKLISTED, "timestamp": "2022-01-11T00:00:00Z"}, id="1")).status == 202
    assert (await gate.api("GET", "/users/1/blacklist-status")).json == {"blacklisted": False}
    assert len((await gate.api("GET", "/users/1/events")).json["items"]) == 2


async def test_a_late_statement_is_sorted_in(gate: RunningGate) -> None:
    """A blacklisting that arrives after the release that was stated later is released already."""
    await told(gate, {"event": "Whitelisted", "timestamp": "2022-01-12T00:00:00Z"}, id="1")
    await told(gate, {**BLACKLISTED, "timestamp": "2022-01-11T00:00:00Z"}, id="1")
    assert (await gate.api("GET", "/users/1/blacklist-status")).json == {"blacklisted": False}
