"""What an entry does at the operators' door: events that are ignored, profiles that are refused, and sends after it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Message, OpenGate, RunningGate, Upstream
from tests.proxy import test_unsubscribe as recipients
from tests.proxy import test_webhooks as providers

ENTRIES = "/api/v1.0/blacklists/"
ANN = "ann@example.com"
PHONE = "+4915112345678"
IGNORED = "X-Sendgate-Ignored"
GUARDED = {"blacklists": {"guard_users": True}, "profiles": {"business_units": {"shop": "DE"}}}
V2 = {"X-XNG-ApiVersion": "2"}


async def enter(gate: RunningGate, address: str, scope: str | None = None) -> str:
    """Put an address on a blacklist, and give the path of its entry."""
    answer = await gate.api("POST", ENTRIES, {"Email": address, "Scope": scope})
    assert answer.status == 201
    return f"{ENTRIES}{answer.json['BlacklistId']}"


async def post(gate: RunningGate, *names: str, **subject: str) -> Message:
    """Tell events of somebody."""
    return await gate.api("POST", "/events", {**subject, "events": [{"event": name} for name in names]})


async def people(gate: RunningGate, address: str) -> list[dict[str, Any]]:
    """Say who has an address."""
    items: list[dict[str, Any]] = (await gate.api("GET", f"/standing?address={address}")).json["items"]
    return items


async def test_events_of_a_listed_address_are_ignored(open_gate: OpenGate) -> None:
    """They are answered as accepted, with how many were ignored, are counted, and leave nothing behind."""
    gate = await open_gate(events={"accept": ["Completed Order"]})
    entry = await enter(gate, ANN)
    answer = await post(gate, "Completed Order", "Whitelisted", "Opt In", email="ANN@example.com")
    assert (answer.status, answer.body, answer.get(IGNORED)) == (202, b"", "3")
    assert gate.metric("sendgate_events_total", effect="listed") == 3
    assert gate.metric("sendgate_events_total", event="Whitelisted", effect="listed") == 1
    assert await people(gate, ANN) == []
    assert (await gate.api("DELETE", entry)).status == 200
    answer = await post(gate, "Completed Order", email=ANN)
    assert (answer.status, answer.get(IGNORED)) == (202, None)
    assert [person["email"] for person in await people(gate, ANN)] == [ANN]


async def test_a_fault_is_a_fault_all_the_same(gate: RunningGate) -> None:
    """What is wrong with an event about a listed address is told as ever."""
    await enter(gate, ANN)
    answer = await post(gate, "Signed Up", email=ANN)
    assert (answer.status, answer.json) == (400, {"field": "event", "type": "UNKNOWN_VALUE"})


async def test_a_blacklisting_outlives_the_entry(gate: RunningGate, upstream: Upstream) -> None:
    """A no that was acknowledged while the address was listed holds when the entry is gone, without a clear address."""
    entry = await enter(gate, ANN)
    answer = await post(gate, "Blacklisted", "Whitelisted", email=ANN)
    assert (answer.status, answer.get(IGNORED)) == (202, "1")
    assert [(person["kept"], person["email"]) for person in await people(gate, ANN)] == [(True, None)]
    assert (await gate.api("DELETE", entry)).status == 200
    assert (await gate.mail(ANN)).get("X-Sendgate-Reasons") == "blacklisted"
    assert upstream.heard == []
    assert (await post(gate, "Whitelisted", email=ANN)).get(IGNORED) is None
    assert (await gate.mail(ANN)).status == 202


async def test_an_opt_out_outlives_the_entry(gate: RunningGate) -> None:
    """An opt-out from a channel is kept in its business unit, and found there."""
    entry = await enter(gate, ANN, "de")
    body = {"event": "Opt Out", "properties": {"channel.type": "MAIL"}}
    answer = await gate.api("POST", "/events", {"email": ANN, "businessUnit": "DE", "events": [body]})
    assert (answer.status, answer.get(IGNORED)) == (202, None)
    (kept,) = await people(gate, ANN)
    assert (kept["kept"], kept["businessUnit"], list(kept["optOuts"])) == (True, "DE", ["MAIL"])
    await gate.api("DELETE", entry)
    assert (await gate.mail(ANN)).get("X-Sendgate-Reasons") == "opted_out_channel"


async def test_whoever_may_not_release_learns_nothing_of_entries(open_gate: OpenGate) -> None:
    """A release without the scope is 403 before anybody looks whether the address is listed."""
    keys = [{"name": name, "key": name, "scopes": [name]} for name in ("events", "blacklists")]
    gate = await open_gate(api={"keys": keys})
    listing = {"Email": ANN}
    await gate.api("POST", ENTRIES, listing, headers={"Authorization": "epi-single blacklists"})
    body = {"email": ANN, "events": [{"event": "Whitelisted"}]}
    answer = await gate.api("POST", "/events", body, headers={"X-XNG-AuthToken": "events"})
    assert (answer.status, answer.json["type"]) == (403, "MISSING_SCOPE")


@pytest.mark.parametrize("known", [True, False])
async def test_a_user_whose_address_is_listed(gate: RunningGate, *, known: bool) -> None:
    """Of a user named by id the address counts: events are ignored, a no is theirs, and goes on when the entry goes."""
    if known:
        await gate.user("1", email=ANN)
    entry = await enter(gate, "*@example.com")
    subject = {"id": "1"} if known else {"id": "1", "email": ANN}
    assert (await post(gate, "Whitelisted", "Opt In", **subject)).get(IGNORED) == "2"
    assert (await post(gate, "Blacklisted", **subject)).get(IGNORED) is None
    assert (await gate.api("GET", "/users/1/blacklist-status")).json == {"blacklisted": True}
    await gate.api("DELETE", entry)
    assert (await gate.mail(ANN)).get("X-Sendgate-Reasons") == "blacklisted"


@pytest.mark.parametrize("scope", [None, "default"])
async def test_what_recipients_and_providers_say_counts(open_gate: OpenGate, scope: str | None) -> None:
    """A click and a webhook about a listed address are noes as ever, and hold when the entry is gone."""
    route = {"webhook": {"key": providers.PUBLIC}}
    gate = await open_gate(unsubscribe={"keys": [recipients.NEW]}, routes={"mail": route})
    entries = [await enter(gate, address, scope) for address in (recipients.ADA, "bob@example.com")]
    assert (await recipients.one_click(gate, recipients.link(recipients.ADA))).status == 200
    assert (await providers.tell(gate, providers.event("unsubscribe", "bob@example.com"))).status == 200
    for entry in entries:
        await gate.api("DELETE", entry)
    for address in (recipients.ADA, "bob@example.com"):
        assert (await gate.mail(address)).get("X-Sendgate-Reasons") == "opted_out_channel"


# ── profiles ──

LISTED = {"field": "email", "type": "BLACKLISTED"}


async def test_users_are_guarded_where_it_is_configured(open_gate: OpenGate) -> None:
    """PUT of a profile with a listed address is 403 and names the field, a new one or one that is there."""
    gate = await open_gate(**GUARDED)
    await gate.user("1", email=ANN, businessUnit="DE", firstName="Ann")
    xng_id = (await gate.api("GET", "/users/1")).json["xngId"]
    await enter(gate, ANN, "shop")
    for body in ({"email": ANN}, {"firstName": "X"}, {"email": "b@example.com"}, {"businessUnit": "FR"}, {}):
        answer = await gate.api("PUT", "/users/1", body)
        told = {"id": "1", "xngId": xng_id, "email": ANN, "businessUnit": "DE", "success": False, "errors": [LISTED]}
        assert (answer.status, answer.json) == (403, told)
    assert (await gate.api("GET", "/users/1")).json["firstName"] == "Ann"
    answer = await gate.api("PUT", "/users/2", {"email": ANN, "businessUnit": "DE"})
    assert (answer.status, answer.json["xngId"], answer.json["errors"]) == (403, None, [LISTED])
    assert (await gate.api("GET", "/users/2")).status == 404
    assert (await gate.api("PUT", "/users/2", {"email": ANN, "businessUnit": "FR"})).status == 200
    await enter(gate, "*@example.org")
    answer = await gate.api("PUT", "/users", {"id": "3", "email": "c@example.org"}, headers=V2)
    assert answer.status == 403
    (fault,) = answer.json["errors"]
    assert (fault["code"], fault["source"]) == ("10", {"pointer": "/email"})
    assert (await gate.api("GET", "/users/3")).status == 404


async def test_items_of_a_batch_are_guarded(open_gate: OpenGate) -> None:
    """An item with a listed address is refused by itself, in either version and among leads."""
    gate = await open_gate(**GUARDED)
    await enter(gate, ANN)
    users: list[dict[str, Any]] = [{"id": "1", "email": ANN}, {"id": "2", "email": "bob@example.com"}]
    answer = await gate.api("POST", "/users/batch", {"updated": users})
    assert answer.status == 400
    assert [item.get("errors") for item in answer.json["updated"]] == [[LISTED], None]
    answer = await gate.api("POST", "/leads/", {"updated": [{"email": ANN}, {"email": "carl@example.com"}]})
    assert [item.get("errors") for item in answer.json["updated"]] == [[LISTED], None]
    users = [{"id": "3", "email": "dora@example.com"}, {"id": "4", "email": ANN, "optOut": True}]
    answer = await gate.api("POST", "/users/batch", {"updated": users}, headers=V2)
    assert answer.status == 202
    assert [fault["source"]["pointer"] for fault in answer.json["errors"]] == ["/updated/1/email"]
    tracked = await gate.api("GET", f"/users/track/{answer.json['trackingId']}")
    assert tracked.json == {"stage": "PROCESSED", "total": 2, "success": 1, "error": 1}
    assert await people(gate, ANN) == []


async def test_users_are_not_guarded_else(gate: RunningGate) -> None:
    """By default users, who are another system's, are written whether they are listed or not."""
    await enter(gate, ANN)
    await gate.user("1", email=ANN)
    assert (await gate.mail(ANN)).get("X-Sendgate-Reasons") == "blacklist_entry"


async def test_standing_is_told_of_a_guarded_user(open_gate: OpenGate) -> None:
    """What is no profile still counts: a status that is set, and a deletion."""
    gate = await open_gate(**GUARDED)
    await gate.user("1", email=ANN)
    entry = await enter(gate, ANN)
    assert (await gate.api("PUT", "/users/1/blacklist-status", {"blacklisted": True})).status == 200
    await gate.api("DELETE", entry)
    assert (await gate.mail(ANN)).get("X-Sendgate-Reasons") == "blacklisted"
    await enter(gate, ANN)
    assert (await gate.api("DELETE", "/users/1")).status == 204
