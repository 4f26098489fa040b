"""Profiles: the requests of Optimizely's documents and of clients written for them, and the users that they are."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import Message, OpenGate, RunningGate, Upstream

PROFILES = "/api/v1.0/profiles/"
ENTRIES = "/api/v1.0/blacklists/"
ANN, BOB = "ann@example.com", "bob@example.com"
GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DEVICE = "1f68f8a6-894b-42ce-aa2a-d5110eba1fba"
EPI = {"Authorization": "epi-single store-key"}
UNITS = {"profiles": {"business_units": {"commercesite": "DE"}}}
LUKE: dict[str, Any] = {  # the documents' example, in the strict spelling of scopes
    "DeviceIds": [DEVICE],
    "Name": "Luke",
    "ProfileManager": None,
    "FirstSeen": "2017-12-01T12:34:56",
    "LastSeen": "2018-06-15T00:00:00",
    "Scope": "commercesite",
    "Visits": 1205,
    "Info": {"Website": "https://example.com", "Country": "SW", "Email": ANN},
    "ContactInformation": ["Mailable"],
    "Payload": {"customField": 14, "otherCustomField": "apple", "deep": {"er": [1, "two"]}},
}


async def made(gate: RunningGate, status: int = 201, **fields: Any) -> dict[str, Any]:
    """Make a profile, acknowledged."""
    answer = await gate.api("POST", PROFILES, fields)
    assert answer.status == status, answer.body
    profile: dict[str, Any] = answer.json
    return profile


async def found(gate: RunningGate, asked: str = "", **more: str) -> list[dict[str, Any]]:
    """List the profiles that fit a filter."""
    query = "&".join(f"${name}={quote(value)}" for name, value in {"filter": asked, **more}.items())
    answer = await gate.api("GET", f"{PROFILES}?{query}")
    assert answer.status == 200, answer.body
    assert answer.json["count"] == len(answer.json["items"])
    items: list[dict[str, Any]] = answer.json["items"]
    return items


async def enter(gate: RunningGate, address: str, scope: str | None = None) -> str:
    """Put an address on a blacklist, and give the path of its entry."""
    answer = await gate.api("POST", ENTRIES, {"Email": address, "Scope": scope})
    assert answer.status == 201
    return f"{ENTRIES}{answer.json['BlacklistId']}"


# ── the requests of the documents ──


async def test_a_client_of_theirs(open_gate: OpenGate) -> None:
    """Their documented requests with their key: made, read, found, written whole, deleted, and gone."""
    keys = [{"name": "epi", "key": "store-key", "scopes": ["users", "release"]}]
    gate = await open_gate(api={"keys": keys}, **UNITS)
    answer = await gate.api("POST", PROFILES, LUKE, headers=EPI)
    assert answer.status == 201
    luke = answer.json
    assert GUID.fullmatch(luke["ProfileId"])
    told = {**LUKE, "FirstSeen": "2017-12-01T12:34:56Z", "LastSeen": "2018-06-15T00:00:00Z"}
    assert {name: luke[name] for name in LUKE} == told
    assert luke.keys() - LUKE.keys() == {"ProfileId", "UpdateTime"}
    one = f"{PROFILES}commercesite/{luke['ProfileId']}"
    assert (await gate.api("GET", one, headers=EPI)).json == luke
    asked = f"{PROFILES}?$filter=Info.Email eq {ANN}&$skip=0&$top=100&$orderBy=LastSeen desc".replace(" ", "%20")
    assert (await gate.api("GET", asked, headers=EPI)).json == {"total": 1, "count": 1, "items": [luke]}
    luke["Visits"] += 1
    answer = await gate.api("PUT", f"{PROFILES}{luke['ProfileId']}", luke, headers=EPI)
    assert answer.status == 200
    assert {**answer.json, "UpdateTime": luke["UpdateTime"]} == luke
    assert (await gate.api("GET", one, headers=EPI)).json["Visits"] == 1206
    assert (await gate.api("DELETE", f"{PROFILES}{luke['ProfileId']}", headers=EPI)).status == 200
    for method in ("GET", "PUT", "DELETE"):
        assert (await gate.api(method, one, {} if method == "PUT" else None, headers=EPI)).status == 404


@pytest.mark.parametrize(
    "path", ["/api/v1.0/profiles", "/api/v1.0/Profiles/", "/API/V1.0/PROFILES", "/api/v1.0/profiles/"]
)
async def test_paths_in_any_case(gate: RunningGate, path: str) -> None:
    """Case and the slash at the end make no difference, and neither does the case of an id."""
    made_here = await gate.api("POST", path, {"Name": "x"})
    profile = made_here.json["ProfileId"].upper()
    assert (made_here.status, (await gate.api("GET", path)).json["total"]) == (201, 1)
    assert (await gate.api("GET", f"{path.rstrip('/')}/DEFAULT/{profile}/")).status == 200
    assert (await gate.api("PUT", f"{path.rstrip('/')}/{profile}", {"Name": "y"})).json["Name"] == "y"


FILTERS = [
    pytest.param(f"Info.Email eq {ANN.upper()}", ["ann"], id="an e-mail, in any case"),
    pytest.param(f"Info.Email eq {ANN} and Scope eq commercesite", ["ann"], id="an e-mail in a scope"),
    pytest.param("Scope eq default", ["bob", None], id="the default scope"),
    pytest.param(f"DeviceIds eq {DEVICE.upper()}", ["ann"], id="a device"),
    pytest.param(f'DeviceIds eq "{DEVICE}", "two"', ["ann", "bob"], id="either device"),
    pytest.param("Visits gt 1", ["ann"], id="visits"),
    pytest.param("Visits eq 0", [None], id="no visits"),
    pytest.param("Payload.epi.campaign.mailingId eq 123", ["ann"], id="deep in the payload"),
    pytest.param("Info.Country eq SW or Name eq bob", ["ann", "bob"], id="either"),
    pytest.param("not (Name eq ann)", ["bob", None], id="not"),
    pytest.param("FirstSeen lt 2018-01-01T00:00:00", ["ann"], id="a time without a zone"),
    pytest.param("Info.Email eq null", [None], id="no address"),
]


@pytest.mark.parametrize(("asked", "names"), FILTERS)
async def test_filters(open_gate: OpenGate, asked: str, names: list[str | None]) -> None:
    """Profiles are found by what stands in them, in the query language of the documents."""
    gate = await open_gate(**UNITS)
    payload = {"epi": {"campaign": {"mailingId": 123}}}
    await made(gate, **{**LUKE, "Name": "ann", "Payload": payload})
    await made(gate, Name="bob", DeviceIds=["two"], Visits=1, Info={"Email": BOB})
    await made(gate, DeviceIds=["three"])
    assert [profile["Name"] for profile in await found(gate, asked)] == names
    backwards = await found(gate, asked, orderby="UpdateTime DESC")
    assert [profile["Name"] for profile in backwards] == names[::-1]


async def test_pages(gate: RunningGate) -> None:
    """A page has as many as are asked for, 100 if nobody asks, and total counts all."""
    for number in range(3):
        await made(gate, Name=str(number))
    answer = await gate.api("GET", f"{PROFILES}?$skip=1&$top=1")
    assert (answer.json["total"], [each["Name"] for each in answer.json["items"]]) == (3, ["1"])
    for wrong in ("$filter=Colour eq blue", "$filter=Info.Email eq x", "$top=10000", "colour=blue"):
        answer = await gate.api("GET", f"{PROFILES}?{quote(wrong, safe='$=')}")
        assert (answer.status, answer.json["field"]) == (400, wrong.partition("=")[0])


FAULTS = [
    pytest.param({"Info": {"Email": "nonsense"}}, "Info.Email", id="no e-mail"),
    pytest.param({"Info": {"email": "nonsense"}}, "Info.Email", id="no e-mail, in small letters"),
    pytest.param({"Info": {"Email": 1}}, "Info.Email", id="a number for an e-mail"),
    pytest.param({"Info": {"Email": [ANN]}}, "Info.Email", id="a list of e-mails"),
    pytest.param({"Info": {"City": {"a": 1}}}, "Info", id="an object in Info"),
    pytest.param({"Info": "x"}, "Info", id="a text for Info"),
    pytest.param({"Payload": [1]}, "Payload", id="a list for Payload"),
    pytest.param({"Name": 1}, "Name", id="a number for a name"),
    pytest.param({"Visits": -1}, "Visits", id="fewer than no visits"),
    pytest.param({"Visits": 1.5}, "Visits", id="half a visit"),
    pytest.param({"Visits": True}, "Visits", id="a flag for visits"),
    pytest.param({"Visits": 10**18}, "Visits", id="too many visits"),
    pytest.param({"FirstSeen": "yesterday"}, "FirstSeen", id="no time"),
    pytest.param({"FirstSeen": "2018-01-02T00:00:00", "LastSeen": "2018-01-01T00:00:00"}, "FirstSeen", id="backwards"),
    pytest.param({"DeviceIds": "x"}, "DeviceIds", id="a text for devices"),
    pytest.param({"DeviceIds": [1]}, "DeviceIds", id="a number for a device"),
    pytest.param({"DeviceIds": [""]}, "DeviceIds", id="an empty device"),
    pytest.param({"DeviceIds": [[]]}, "DeviceIds", id="a list for a device"),
    pytest.param({"DeviceIds": ["x"] * 1001}, "DeviceIds", id="1001 devices"),
    pytest.param({"Scope": "nowhere"}, "Scope", id="a scope that there is not"),
    pytest.param({"Scope": 1}, "Scope", id="a number for a scope"),
    pytest.param([], "body", id="an array"),
    pytest.param(b'{"Name":"a","name":"b"}', "body", id="a key in two cases"),
    pytest.param(b"", "body", id="nothing"),
]


@pytest.mark.parametrize(("body", "field"), FAULTS)
async def test_faults(gate: RunningGate, body: Any, field: str) -> None:
    """What is wrong is told with its field, and nothing is taken, whether it is made or written."""
    profile = (await made(gate, Name="before"))["ProfileId"]
    for method, path in (("POST", PROFILES), ("PUT", f"{PROFILES}{profile}")):
        answer = await gate.api(method, path, body)
        assert (answer.status, answer.json["field"]) == (400, field)
    assert [each["Name"] for each in await found(gate)] == ["before"]


async def test_times_that_are_told_one_by_one(gate: RunningGate) -> None:
    """FirstSeen is not later than LastSeen, whichever of them was told before."""
    path = f"{PROFILES}{(await made(gate, LastSeen='2018-01-01T00:00:00'))['ProfileId']}"
    answer = await gate.api("PUT", path, {"FirstSeen": "2018-01-02T00:00:00"})
    assert (answer.status, answer.json["field"]) == (400, "FirstSeen")
    assert (await gate.api("PUT", path, {"FirstSeen": "2018-01-02T00:00:00", "LastSeen": None})).status == 200
    assert (await gate.api("PUT", path, {"LastSeen": "2018-01-01T00:00:00"})).status == 400


async def test_what_is_too_large(gate: RunningGate) -> None:
    """A profile of more than 256 KiB is 413."""
    assert (await gate.api("POST", PROFILES, {"Payload": {"x": "y" * (255 << 10)}})).status == 201
    assert (await gate.api("POST", PROFILES, {"Payload": {"x": "y" * (256 << 10)}})).status == 413


async def test_a_profile_without_anything(gate: RunningGate) -> None:
    """What was never told has the contract's shape all the same, and what nobody knows is passed over."""
    profile = await made(gate, VisitorGroups=["a"], ProfileId=None, UpdateTime="x")
    assert (profile["DeviceIds"], profile["Info"], profile["Payload"], profile["Visits"]) == ([], {}, {}, 0)
    assert profile["FirstSeen"] == profile["LastSeen"] == profile["UpdateTime"]
    assert (profile["Scope"], profile["ContactInformation"]) == ("default", ["Anonymous"])


async def test_a_profile_stays_in_its_scope(open_gate: OpenGate) -> None:
    """It is read in its own scope alone, is moved to no other, and is written under no other's id."""
    gate = await open_gate(**UNITS)
    profile = (await made(gate, **LUKE))["ProfileId"]
    assert (await gate.api("GET", f"{PROFILES}default/{profile}")).status == 404
    assert (await gate.api("DELETE", f"{PROFILES}default/{profile}")).status == 404
    for body, field in (({"Scope": "default"}, "Scope"), ({"ProfileId": DEVICE}, "ProfileId")):
        answer = await gate.api("PUT", f"{PROFILES}{profile}", body)
        assert (answer.status, answer.json["field"]) == (400, field)
    assert (await gate.api("PUT", f"{PROFILES}{profile}", {"Scope": "CommerceSite"})).status == 200


# ── one table of people ──


async def test_a_user_is_a_profile(open_gate: OpenGate) -> None:
    """Whoever has an e-mail and a unit is the profile with that e-mail in the unit's scope, either way round."""
    gate = await open_gate(**UNITS)
    await gate.user("1", email=ANN, businessUnit="DE", firstName="Ann")
    (profile,) = await found(gate, f"Info.Email eq {ANN}")
    assert (profile["Scope"], profile["Info"]) == ("commercesite", {"Email": ANN})
    again = await made(gate, 200, **LUKE)
    assert again["ProfileId"] == profile["ProfileId"]
    user = (await gate.api("GET", "/users/1")).json
    assert user == {"id": "1", "xngId": profile["ProfileId"], "email": ANN, "businessUnit": "DE", "firstName": "Ann"}
    await gate.user("1", firstName="Anna", __profile={"DeviceIds": ["forged"]})
    assert (await found(gate, f"DeviceIds eq {DEVICE}"))[0]["Name"] == "Luke"
    assert await found(gate, "DeviceIds eq forged") == []
    other = await made(gate, Info={"Email": ANN})
    assert other["ProfileId"] != profile["ProfileId"]


async def test_a_profile_s_address_is_looked_up(gate: RunningGate, upstream: Upstream) -> None:
    """A standing is the person's: said of a profile's e-mail it goes with the profile to another e-mail."""
    profile = (await made(gate, Info={"Email": ANN}))["ProfileId"]
    await gate.tell("Blacklisted", email=ANN)
    answer = await gate.api("PUT", f"{PROFILES}{profile}", {"Info": {"Email": BOB}})
    assert (answer.status, answer.json["Info"]) == (200, {"Email": BOB})
    for address in (ANN, BOB):
        assert (await gate.mail(address)).get("X-Sendgate-Reasons") == "blacklisted"
    assert upstream.heard == []


async def test_no_profile_releases(gate: RunningGate) -> None:
    """Nothing that a profile says undoes a no: no trait, no merge, no new profile."""
    await gate.tell("Blacklisted", email=ANN)
    await gate.tell("Opt Out", email=ANN)
    body = {
        "optOut": False,
        "blacklisted": False,
        "Info": {"Email": ANN, "optOut": False},
        "Payload": {"optOut": False},
    }
    await made(gate, 200, **body)
    (profile,) = await found(gate, f"Info.Email eq {ANN}")
    await gate.api("PUT", f"{PROFILES}{profile['ProfileId']}", {**body, "Info": {"Email": None}})
    await made(gate, 201, Info={"Email": ANN})
    assert (await gate.mail(ANN)).get("X-Sendgate-Reasons") == "blacklisted"


async def test_an_address_of_another_user(gate: RunningGate) -> None:
    """A profile cannot take the e-mail of somebody with an id in the same scope."""
    await gate.user("1", email=ANN)
    profile = (await made(gate, Info={"Email": BOB}))["ProfileId"]
    answer = await gate.api("PUT", f"{PROFILES}{profile}", {"Info": {"Email": ANN}})
    assert (answer.status, answer.json["field"], answer.json["type"]) == (400, "Info.Email", "WRONG_VALUE")


DELETED = [
    pytest.param(["users", "release"], "forget", 202, id="forgotten"),
    pytest.param(["users"], "forget", 400, id="by who may not release"),
    pytest.param(["users", "release"], "keep_suppressed", 400, id="kept by the configuration"),
]


@pytest.mark.parametrize(("scopes", "on_delete", "status"), DELETED)
async def test_deleting_is_deleting_the_user(
    open_gate: OpenGate, scopes: list[str], on_delete: str, status: int
) -> None:
    """A profile is deleted like a user: the standing goes by users.on_delete, unless the key may not release."""
    keys = [{"name": "all", "key": "all", "scopes": ["users", "events"]}, {"name": "k", "key": "k", "scopes": scopes}]
    gate = await open_gate(api={"keys": keys}, users={"on_delete": on_delete})
    of_all, of_key = ({"X-XNG-AuthToken": key} for key in ("all", "k"))
    await gate.api("PUT", "/users/1", {"email": ANN, "blacklisted": True}, headers=of_all)
    profile = (await gate.api("GET", "/users/1", headers=of_all)).json["xngId"]
    assert (await gate.api("DELETE", f"{PROFILES}{profile}", headers=of_key)).status == 200
    assert (await gate.api("GET", "/users/1", headers=of_all)).status == 404
    assert (await gate.mail(ANN)).status == status


# ── blacklists ──


def refused(answer: Message) -> tuple[int, str, str]:
    """Say how a profile was refused."""
    return answer.status, answer.json["field"], answer.json["type"]


async def test_a_profile_with_a_listed_address(open_gate: OpenGate) -> None:
    """It is 403 to make it, to write it and to give it the address, in the entry's scope, whatever is configured."""
    gate = await open_gate(**UNITS)
    profile = (await made(gate, **LUKE))["ProfileId"]
    other = (await made(gate, Name="other", Scope="commercesite"))["ProfileId"]
    entry = await enter(gate, ANN, "commercesite")
    listed = (403, "Info.Email", "BLACKLISTED")
    assert refused(await gate.api("POST", PROFILES, LUKE)) == listed
    for body in ({"Name": "x"}, {"Info": {"Email": BOB}}, {"Info": None}, {}):
        assert refused(await gate.api("PUT", f"{PROFILES}{profile}", body)) == listed
    assert refused(await gate.api("PUT", f"{PROFILES}{other}", {"Info": {"email": ANN.upper()}})) == listed
    assert {each["Name"] for each in await found(gate)} == {"Luke", "other"}
    assert (await made(gate, Info={"Email": ANN}))["Scope"] == "default"
    await gate.api("DELETE", entry)
    assert (await gate.api("PUT", f"{PROFILES}{profile}", {"Name": "x"})).status == 200


async def test_a_device_that_is_a_listed_address(gate: RunningGate) -> None:
    """Campaigns call a device by the address it belongs to, and so it counts as one."""
    profile = (await made(gate, DeviceIds=[ANN]))["ProfileId"]
    await enter(gate, "*@example.com")
    assert refused(await gate.api("POST", PROFILES, {"DeviceIds": [ANN]})) == (403, "DeviceIds", "BLACKLISTED")
    answer = await gate.api("PUT", f"{PROFILES}{profile}", {"Name": "x"})
    assert (answer.status, answer.json["type"]) == (403, "BLACKLISTED")


@pytest.mark.parametrize(("method", "scope"), [("GET", "events"), ("POST", "blacklists"), ("PUT", "records")])
async def test_keys_of_others(open_gate: OpenGate, method: str, scope: str) -> None:
    """Only a key for users reaches profiles and scopes."""
    gate = await open_gate(api={"keys": [{"name": "k", "key": "k", "scopes": [scope]}]})
    headers = {"Ocp-Apim-Subscription-Key": "k"}
    path = {"PUT": f"{PROFILES}{DEVICE}"}.get(method, PROFILES)
    assert (await gate.api(method, path, None if method == "GET" else {}, headers=headers)).status == 403
    assert (await gate.api("GET", "/api/v1.0/scopes", headers=headers)).status == 403
    assert (await gate.api(method, path, None if method == "GET" else {})).status == 401
