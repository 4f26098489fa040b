"""Tracking: the requests of Optimizely's documents, what is made of them, and what entries of blacklists do to them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import JSON, OpenGate, RunningGate, Upstream, request

TRACK, BULK = "/api/v1.0/Track", "/api/v1.0/TrackBulk"
EVENTS = "/api/v2.0/TrackEvents"
PROFILES = "/api/v1.0/profiles/"
ENTRIES = "/api/v1.0/blacklists/"
ANN, BOB = "ann@example.com", "bob@example.com"
DEVICE = "91687965-bc76-49a2-862c-e014441b8f6b"
IGNORED = "X-Sendgate-Ignored"
EPI = {"Authorization": "epi-single tracking-key"}
HOME: dict[str, Any] = {  # the documents' example
    "user": {"name": "Ann", "email": ANN, "info": {"Country": "SW"}},
    "payload": {"name": "Home page", "epi": {"campaign": {"mailingId": 123}}},
    "deviceId": DEVICE,
    "eventType": "home",
    "value": "Visited the start page.",
    "pageUri": "https://example.com/en/",
    "pageTitle": "Start",
    "eventTime": "2017-09-19T08:24:19.996Z",
    "remoteAddress": "::1",
}
PLAIN: dict[str, Any] = {"deviceId": DEVICE, "eventType": "epiPageView", "value": "x"}
LISTED: dict[str, Any] = {
    "DeviceId": DEVICE,
    "EventType": "home",
    "EventTime": "2017-09-19T08:24:19.996000Z",
    "Value": "Visited the start page.",
    "Scope": "default",
    "CountryCode": None,
    "PageUri": "https://example.com/en/",
    "PageTitle": "Start",
    "RemoteAddress": "::1",
    "Payload": HOME["payload"],
    "User": {"Name": "Ann", "Email": ANN, "Info": {"Country": "SW"}},
}


async def track(gate: RunningGate, *events: Any, ignored: int = 0) -> None:
    """Tell tracking events, acknowledged."""
    path, body = (TRACK, events[0]) if len(events) == 1 else (BULK, list(events))
    answer = await gate.api("POST", path, body)
    assert (answer.status, answer.body) == (202, b""), answer.body
    assert answer.get(IGNORED) == (str(ignored) if ignored else None)


async def found(gate: RunningGate, asked: str = "", path: str = EVENTS, **more: str) -> list[dict[str, Any]]:
    """List the events that fit a filter."""
    query = "&".join(f"${name}={quote(value)}" for name, value in {"filter": asked, **more}.items())
    answer = await gate.api("GET", f"{path}?{query}")
    assert answer.status == 200, answer.body
    items: list[dict[str, Any]] = answer.json["items"]
    return items


async def enter(gate: RunningGate, address: str, scope: str | None = None) -> str:
    """Put an address on a blacklist, and give the path of its entry."""
    answer = await gate.api("POST", ENTRIES, {"Email": address, "Scope": scope})
    assert answer.status == 201
    return f"{ENTRIES}{answer.json['BlacklistId']}"


async def profile(gate: RunningGate, asked: str) -> dict[str, Any]:
    """Give the one profile that fits a filter."""
    answer = await gate.api("GET", f"{PROFILES}?$filter={quote(asked)}")
    (one,) = answer.json["items"]
    found: dict[str, Any] = one
    return found


# ── the requests of the documents ──


async def test_a_client_of_theirs(open_gate: OpenGate) -> None:
    """Their documented requests with their keys: one event, several, and the list of both versions."""
    keys = [
        {"name": "tracking", "key": "tracking-key", "scopes": ["events"]},
        {"name": "store", "key": "store-key", "scopes": ["users"]},
    ]
    gate = await open_gate(api={"keys": keys})
    store = {"Ocp-Apim-Subscription-Key": "store-key"}
    assert (await gate.api("POST", TRACK, HOME, headers=EPI)).status == 202
    bulk = [{**PLAIN, "eventTime": "2017-09-18T14:23:28.340Z", "user": {"information": {"a": 1}}}, PLAIN]
    headers = {**EPI, "Epi-User-IP-Address": "192.0.2.1"}
    assert (await gate.api("POST", BULK, bulk, headers=headers)).status == 202
    for path in ("/api/v1.0/trackevents", EVENTS, "/api/v2.0/trackEvents/"):
        answer = await gate.api("GET", f"{path}?$orderby=EventTime%20ASC&$top=2", headers=store)
        assert (answer.json["total"], answer.json["count"]) == (3, 2)
        first, home = answer.json["items"]
        assert {name: home[name] for name in LISTED} == LISTED
        assert (first["EventTime"], first["RemoteAddress"]) == ("2017-09-18T14:23:28.340000Z", "192.0.2.1")
        assert first["User"] == {"Info": {"a": 1}}
    assert (await gate.api("GET", EVENTS, headers=EPI)).status == 403
    assert (await gate.api("POST", TRACK, HOME, headers=store)).status == 403
    assert (await gate.api("POST", TRACK, HOME)).status == 401


@pytest.mark.parametrize("path", [TRACK, "/api/v1.0/track", "/api/v1.0/track/", "/API/V1.0/TRACK"])
async def test_paths_and_keys_in_any_case(gate: RunningGate, path: str) -> None:
    """Track is found in any case, and its fields are read in capitals as well."""
    body = {"DeviceId": DEVICE, "EventType": "home", "Value": "", "User": {"Email": ANN}}
    assert (await gate.api("POST", path, body)).status == 202
    assert [each["User"] for each in await found(gate)] == [{"Email": ANN}]


FILTERS = [
    pytest.param("EventType eq home", ["home"], id="a type"),
    pytest.param("EventType eq epiPageView and EventTime gt 2019-01-01T00:00:00", ["epiPageView"], id="type and time"),
    pytest.param(f"DeviceId eq {DEVICE.upper()}", ["home", "epiPageView"], id="a device"),
    pytest.param(f"User.Email eq {ANN.upper()}", ["home"], id="an e-mail"),
    pytest.param("User.Name eq Ann", ["home"], id="a name"),
    pytest.param("Payload.epi.campaign.mailingId eq 123", ["home"], id="deep in the payload"),
    pytest.param("Value eq x and Scope eq default", ["epiPageView"], id="a value"),
    pytest.param("Scope eq shop", ["other"], id="a scope"),
    pytest.param("PageUri ne null", ["home"], id="with a page"),
]


@pytest.mark.parametrize(("asked", "names"), FILTERS)
async def test_filters(gate: RunningGate, asked: str, names: list[str]) -> None:
    """Events are found by what stands in them, about somebody and about nobody."""
    other = {"deviceId": "other", "eventType": "other", "value": "y", "scope": "shop"}
    await track(gate, HOME, PLAIN, other)
    assert [each["EventType"] for each in await found(gate, asked)] == names


BAD: list[Any] = [
    pytest.param({"eventType": "a", "value": "b"}, "DeviceId", id="no device"),
    pytest.param({**PLAIN, "deviceId": ""}, "DeviceId", id="an empty device"),
    pytest.param({**PLAIN, "deviceId": 1}, "DeviceId", id="a number for a device"),
    pytest.param({**PLAIN, "eventType": None}, "EventType", id="no type"),
    pytest.param({**PLAIN, "eventType": " "}, "EventType", id="a blank type"),
    pytest.param({**PLAIN, "eventType": ANN}, "EventType", id="an address for a type"),
    pytest.param({**PLAIN, "eventType": "x" * 257}, "EventType", id="a long type"),
    pytest.param({"deviceId": "a", "eventType": "b"}, "Value", id="no value"),
    pytest.param({**PLAIN, "user": "x"}, "User", id="a text for a user"),
    pytest.param({**PLAIN, "user": {"email": "nonsense"}}, "User.Email", id="no e-mail"),
    pytest.param({**PLAIN, "user": {"email": [ANN]}}, "User.Email", id="a list of e-mails"),
    pytest.param({**PLAIN, "user": {"info": 1}}, "Info", id="a number for info"),
    pytest.param({**PLAIN, "payload": []}, "Payload", id="a list for a payload"),
    pytest.param({**PLAIN, "scope": "a b"}, "Scope", id="no scope"),
    pytest.param({**PLAIN, "eventTime": "now"}, "EventTime", id="no time"),
    pytest.param({**PLAIN, "eventTime": 1}, "EventTime", id="a number for a time"),
    pytest.param({**PLAIN, "pageUri": {}}, "PageUri", id="an object for a page"),
    pytest.param(
        {**PLAIN, "eventType": "Opt Out", "payload": {"channel.type": "FAX"}}, "channel.type", id="no channel"
    ),
    pytest.param({**PLAIN, "deviceId": "new", "eventType": "Blacklisted"}, "DeviceId", id="a no of nobody"),
    pytest.param("x", "body", id="a text"),
]


@pytest.mark.parametrize(("event", "field"), BAD)
async def test_faults(gate: RunningGate, event: Any, field: str) -> None:
    """What is wrong is told with its field and, of several, its place; and then nothing is taken."""
    answer = await gate.api("POST", TRACK, event)
    assert (answer.status, answer.json["field"]) == (400, field)
    answer = await gate.api("POST", BULK, [HOME, event, PLAIN])
    assert (answer.status, [(each["item"], each["field"]) for each in answer.json["faults"]]) == (400, [(1, field)])
    assert await found(gate) == []
    assert gate.metric("sendgate_events_total") == 0


@pytest.mark.parametrize(
    "body",
    [[], {}, [HOME] * 101, b"[", b'[{"deviceId":"a","DeviceId":"b"}]', [[]], [None]],
    ids=["none", "an object", "101", "no JSON", "a key in two cases", "a list", "null"],
)
async def test_bad_bulks(gate: RunningGate, body: Any) -> None:
    """What is no array of 1 to 100 events is 400."""
    assert (await gate.api("POST", BULK, body)).status == 400
    assert await found(gate) == []


async def test_how_large_events_may_be(gate: RunningGate) -> None:
    """An event has up to 256 KiB, and so has each of a hundred."""
    large = {**PLAIN, "payload": {"x": "y" * (255 << 10)}}
    too_large = {**PLAIN, "payload": {"x": "y" * (256 << 10)}}
    await track(gate, large)
    assert (await gate.api("POST", TRACK, too_large)).status == 413
    for events, status in (([large] * 30, 202), ([large, too_large], 400), ([large] * 101, 413)):
        body = json.dumps(events).encode()
        answer = await gate.ask(request("POST", BULK, [("Host", "localhost"), JSON], body), "api")
        assert answer.status == status
        assert status != 400 or [each["item"] for each in answer.json["faults"]] == [1]
    assert len(await found(gate)) == 31


# ── about whom ──


async def test_an_event_is_its_visitor_s(gate: RunningGate) -> None:
    """By the e-mail in the scope, else by the device, an event is about a profile, whose device and visits follow."""
    await gate.user("1", email=ANN)
    await track(gate, HOME)
    await track(gate, {**PLAIN, "eventTime": "2017-09-19T08:30:00Z"}, {**PLAIN, "eventTime": "2017-09-19T09:00:00Z"})
    events = (await gate.api("GET", "/users/1/events")).json["items"]
    assert {line["event"] for line in events} >= {"home", "epiPageView"}
    ann = await profile(gate, f"DeviceIds eq {DEVICE}")
    assert (ann["Info"]["Email"], ann["Visits"]) == (ANN, 2)
    assert (ann["FirstSeen"], ann["LastSeen"]) == ("2017-09-19T08:24:19.996000Z", "2017-09-19T09:00:00Z")


async def test_an_unknown_visitor(gate: RunningGate) -> None:
    """An unknown e-mail becomes a lead, and of an unknown device the event is kept about nobody."""
    await track(gate, {**PLAIN, "user": {"email": ANN}}, {**PLAIN, "deviceId": "two"})
    assert (await profile(gate, "DeviceIds ne null"))["Info"] == {"Email": ANN}
    assert [each["DeviceId"] for each in await found(gate)] == [DEVICE, "two"]


async def test_a_device_that_is_an_address(gate: RunningGate) -> None:
    """A campaign's event, whose device is an e-mail address, is about whoever has it, and makes no device of theirs."""
    await gate.user("1", email=ANN)
    await track(gate, {**PLAIN, "deviceId": ANN, "eventType": "epiCampaignOpen"})
    events = (await gate.api("GET", "/users/1/events?limit=1")).json["items"]
    assert [line["event"] for line in events] == ["epiCampaignOpen"]
    assert (await profile(gate, f"Info.Email eq {ANN}"))["DeviceIds"] == []


async def test_a_repeat_is_told_once(gate: RunningGate) -> None:
    """The same event with its time, told again, is one; without a time each is an event."""
    await track(gate, HOME)
    await track(gate, HOME, HOME, PLAIN, PLAIN)
    assert len(await found(gate)) == 3
    assert (await profile(gate, f"Info.Email eq {ANN}"))["Visits"] == 2


# ── standing ──


async def test_a_no_that_is_tracked_counts(gate: RunningGate, upstream: Upstream) -> None:
    """Blacklisted and Opt Out are noes, of the e-mail or of the profile whose device it is; releases are ignored."""
    await track(gate, HOME)
    await track(gate, {**PLAIN, "eventType": "Blacklisted"})
    assert (await gate.mail(ANN)).get("X-Sendgate-Reasons") == "blacklisted"
    opt_out = {**PLAIN, "eventType": "Opt Out", "user": {"email": BOB}, "payload": {"channel.type": "MAIL"}}
    await track(gate, {**opt_out, "deviceId": "two"})
    assert (await gate.mail(BOB)).get("X-Sendgate-Reasons") == "opted_out_channel"
    yes = {**PLAIN, "eventType": "Whitelisted"}
    await track(gate, yes, ignored=1)
    assert gate.metric("sendgate_events_total", event="Whitelisted", effect="ignored") == 1
    await track(gate, {**HOME, "eventType": "Opt In"}, yes, HOME, ignored=2)
    assert (await gate.mail(ANN)).get("X-Sendgate-Reasons") == "blacklisted"
    assert upstream.heard == []
    await gate.tell("Whitelisted", email=ANN)
    assert (await gate.mail(ANN)).status == 202


@pytest.mark.parametrize("name", ["Opt Out", "opt out", "OPT OUT", " Opt out "])
async def test_a_no_is_told_in_any_case(gate: RunningGate, name: str) -> None:
    """The four names count however they are capitalised, and are listed as they are called."""
    await track(gate, {**PLAIN, "eventType": name, "user": {"email": BOB}})
    assert (await gate.mail(BOB)).get("X-Sendgate-Reasons") == "opted_out"
    assert [item["EventType"] for item in (await gate.api("GET", EVENTS)).json["items"]] == ["Opt Out"]


COVERED: list[Any] = [
    pytest.param({"user": {"email": ANN.upper()}}, id="the e-mail"),
    pytest.param({"deviceId": ANN}, id="a device that is the address"),
    pytest.param({"user": {"email": BOB}, "deviceId": ANN}, id="the device, whoever it is told of"),
    pytest.param({"deviceId": DEVICE}, id="a device of a profile with the address"),
    pytest.param({"user": {"email": BOB}, "deviceId": DEVICE}, id="such a device, whoever it is told of"),
]


@pytest.mark.parametrize("event", COVERED)
async def test_events_of_a_listed_address_are_ignored(gate: RunningGate, event: dict[str, Any]) -> None:
    """By e-mail or by device they are accepted, ignored, counted and not kept; and taken when the entry is gone."""
    assert (await gate.api("POST", PROFILES, {"DeviceIds": [DEVICE], "Info": {"Email": ANN}})).status == 201
    entry = await enter(gate, ANN)
    event = {"deviceId": "another", "eventType": "home", "value": "x", **event}
    await track(gate, event, ignored=1)
    await track(gate, event, {**PLAIN, "deviceId": "third"}, ignored=1)
    assert [each["DeviceId"] for each in await found(gate)] == ["third"]
    assert gate.metric("sendgate_events_total", effect="listed") == 2
    await gate.api("DELETE", entry)
    await track(gate, event)
    assert len(await found(gate)) == 2


@pytest.mark.parametrize("event", COVERED)
@pytest.mark.parametrize("known", [True, False])
async def test_a_no_of_a_listed_address_is_kept(
    gate: RunningGate,
    upstream: Upstream,
    event: dict[str, Any],
    known: bool,  # noqa: FBT001 (a case)
) -> None:
    """A no outlives the entry, whether the address is somebody's or nobody's, and its event is not listed."""
    by_device = event.get("deviceId") == DEVICE
    if known or by_device:
        assert (await gate.api("POST", PROFILES, {"DeviceIds": [DEVICE], "Info": {"Email": ANN}})).status == 201
    entry = await enter(gate, ANN)
    await track(gate, {**PLAIN, "deviceId": "another", "eventType": "Blacklisted", **event})
    await gate.api("DELETE", entry)
    told_of = event["user"]["email"] if "user" in event else ANN
    assert (await gate.mail(told_of)).get("X-Sendgate-Reasons") == "blacklisted"
    assert (upstream.heard, await found(gate)) == ([], [])


async def test_entries_of_other_scopes(open_gate: OpenGate) -> None:
    """An entry of a scope ignores the events of that scope, and of people of its unit."""
    gate = await open_gate(profiles={"business_units": {"shop": "DE"}})
    await enter(gate, ANN, "shop")
    of_ann = {**PLAIN, "user": {"email": ANN}}
    await gate.api("PUT", "/api/v1.0/scopes/other", {})
    await track(gate, {**of_ann, "scope": "Shop"}, of_ann, {**of_ann, "scope": "Other"}, ignored=1)
    assert [each["Scope"] for each in await found(gate)] == ["default", "other"]
    assert (
        await gate.api("POST", PROFILES, {"Info": {"Email": BOB}, "DeviceIds": ["bob"], "Scope": "shop"})
    ).status == 201
    await enter(gate, BOB, "shop")
    of_bob = {**PLAIN, "deviceId": "bob"}
    await track(gate, {**of_bob, "scope": "shop"}, {**of_bob, "scope": "other"}, ignored=1)
    assert [each["Scope"] for each in await found(gate, "DeviceId eq bob")] == ["other"]


async def test_nothing_is_left_of_an_ignored_event(gate: RunningGate) -> None:
    """Neither the store nor the journal knows the address of a visitor whose events were ignored."""
    await enter(gate, "*@example.com")
    await track(gate, HOME, {**HOME, "eventType": "Blacklisted"}, ignored=1)
    path = gate.app.config.store.path
    gate.app.policy.database.read_now(lambda connection: connection.execute("SELECT 1"))
    told = b"".join(each.read_bytes() for each in path.parent.iterdir() if each.is_file() and "lock" not in each.name)
    assert ANN.encode() not in told
    assert DEVICE.encode() not in told
