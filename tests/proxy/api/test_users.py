"""Users and their standing: paths, statuses and bodies as CrossEngage's contract has them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import OpenGate, RunningGate

A, B = "a@example.com", "b@example.com"
PHONE = "+4915112345678"
CHANNELS = ("MAIL", "BROWSER_NOTIFICATION", "ONSITE_DISPLAY", "EXIT_INTENT", "PUSH_NOTIFICATION", "DIRECT_MAIL", "SMS")


async def ask(gate: RunningGate, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask the API; an empty body is None."""
    answer = await gate.api(method, path, body)
    return answer.status, answer.json if answer.body else None


# ── the two statuses, which are one contract ──

STATUSES = [
    pytest.param("/users/1/blacklist-status", "blacklisted", id="blacklisted"),
    pytest.param("/users/1/optout-status", "optOut", id="opted out of all"),
    pytest.param("/users/1/optout-status?channelType=MAIL", "optOut", id="opted out of MAIL"),
]


@pytest.mark.parametrize(("path", "field"), STATUSES)
async def test_a_status_is_set_and_read(gate: RunningGate, path: str, field: str) -> None:
    """It is false at first; what is set is echoed, and read the same."""
    await gate.user("1")
    assert await ask(gate, "GET", path) == (200, {field: False})
    for value in (True, True, False, True):
        assert await ask(gate, "PUT", path, {field: value}) == (200, {field: value})
        assert await ask(gate, "GET", path) == (200, {field: value})


@pytest.mark.parametrize(("path", "field"), STATUSES)
async def test_a_status_of_nobody(gate: RunningGate, path: str, field: str) -> None:
    """A user who does not exist is 404 with an empty body, read or written, and is not made."""
    assert await ask(gate, "GET", path) == (404, None)
    assert await ask(gate, "PUT", path, {field: True}) == (404, None)
    assert await ask(gate, "GET", "/users/1") == (404, None)


@pytest.mark.parametrize(("path", "field"), STATUSES)
@pytest.mark.parametrize(
    ("value", "fault"),
    [(None, "NOT_NULL"), ("true", "WRONG_VALUE"), (1, "WRONG_VALUE"), (0, "WRONG_VALUE"), ([], "WRONG_VALUE")],
)
async def test_a_status_is_true_or_false(gate: RunningGate, path: str, field: str, value: Any, fault: str) -> None:
    """Nothing but true and false counts as either; a missing one is told as missing."""
    await gate.user("1")
    assert await ask(gate, "PUT", path, {field: value}) == (400, {"field": field, "type": fault})
    assert await ask(gate, "PUT", path, {}) == (400, {"field": field, "type": "NOT_NULL"})
    assert await ask(gate, "GET", path) == (200, {field: False})


@pytest.mark.parametrize("channel", [*CHANNELS, "WEBHOOK", "SEGMENT_TRANSFER", "INSTANT_MESSAGING", "OFFLINE"])
async def test_channels_are_read_in_any_case(gate: RunningGate, channel: str) -> None:
    """Each channel has a status of its own, whatever case it is asked in."""
    await gate.user("1")
    path = "/users/1/optout-status?channelType="
    assert await ask(gate, "PUT", path + channel.lower(), {"optOut": True}) == (200, {"optOut": True})
    assert await ask(gate, "GET", path + channel.title()) == (200, {"optOut": True})
    assert await ask(gate, "GET", "/users/1/optout-status") == (200, {"optOut": False})
    told = {"blacklisted": False, "optOutAll": False, "optOutChannels": [channel]}
    assert await ask(gate, "GET", "/users/1/recipient-status") == (200, told)


async def test_all_is_the_overall_status(gate: RunningGate) -> None:
    """channelType=all is the status without a channel."""
    await gate.user("1")
    await ask(gate, "PUT", "/users/1/optout-status?channelType=all", {"optOut": True})
    assert await ask(gate, "GET", "/users/1/optout-status") == (200, {"optOut": True})
    told = {"blacklisted": False, "optOutAll": True, "optOutChannels": []}
    assert await ask(gate, "GET", "/users/1/recipient-status") == (200, told)


@pytest.mark.parametrize("channel", ["FAX", "", "MAIL,SMS", "%EF%BC%ADAIL", "MAIL%00"])
async def test_an_unknown_channel(gate: RunningGate, channel: str) -> None:
    """A channel that there is not is told in the contract's style, and nothing is set."""
    await gate.user("1")
    path = f"/users/1/optout-status?channelType={channel}"
    fault = {"field": "channelType", "type": "UNKNOWN_VALUE"}
    assert await ask(gate, "GET", path) == (400, fault)
    assert await ask(gate, "PUT", path, {"optOut": True}) == (400, fault)


async def test_two_channels(gate: RunningGate) -> None:
    """Where two channels stand, nobody guesses."""
    await gate.user("1")
    path = "/users/1/optout-status?channelType=MAIL&channelType=SMS"
    assert await ask(gate, "PUT", path, {"optOut": True}) == (400, {"field": "channelType", "type": "UNKNOWN_VALUE"})


async def test_recipient_status(gate: RunningGate) -> None:
    """One read tells the whole standing; for an unknown user it is 404, empty."""
    assert await ask(gate, "GET", "/users/1/recipient-status") == (404, None)
    await gate.user("1", email=A)
    for word, channel in (("Opt Out", "SMS"), ("Opt Out", "MAIL"), ("Opt Out", "ALL"), ("Blacklisted", None)):
        await gate.tell(word, channel, id="1")
    told = {"blacklisted": True, "optOutAll": True, "optOutChannels": ["MAIL", "SMS"]}
    assert await ask(gate, "GET", "/users/1/recipient-status") == (200, told)


async def test_leads_have_no_status(gate: RunningGate) -> None:
    """The status endpoints know full users only, as the contract says."""
    await gate.tell("Blacklisted", email=A)
    assert await ask(gate, "GET", f"/users/{A}/blacklist-status") == (404, None)


# ── both ways of saying it ──


@pytest.mark.parametrize(
    ("path", "body", "event"),
    [
        pytest.param("blacklist-status", {"blacklisted": True}, {"event": "Blacklisted"}, id="Blacklisted"),
        pytest.param("blacklist-status", {"blacklisted": False}, {"event": "Whitelisted"}, id="Whitelisted"),
        pytest.param("optout-status", {"optOut": True}, {"event": "Opt Out"}, id="Opt Out"),
        pytest.param("optout-status", {"optOut": False}, {"event": "Opt In"}, id="Opt In"),
        pytest.param(
            "optout-status?channelType=SMS",
            {"optOut": True},
            {"event": "Opt Out", "channel.type": "SMS"},
            id="Opt Out of SMS",
        ),
    ],
)
async def test_both_ways_leave_the_same_event(
    gate: RunningGate, path: str, body: dict[str, bool], event: dict[str, str]
) -> None:
    """A status that is set leaves the same event with its time as the event that is told, but for who said so."""
    for external_id in ("1", "2"):
        await gate.user(external_id)
    await gate.api("PUT", f"/users/1/{path}", body)
    await gate.api("POST", "/events", {"id": "2", "events": [event]})
    lines = [(await gate.api("GET", f"/users/{user}/events?limit=1")).json["items"][0] for user in ("1", "2")]
    assert [line.pop("origin") for line in lines] == ["api", "event"]
    assert all(line.pop("timestamp").startswith("20") for line in lines)
    assert lines[0] == lines[1]
    standings = [await ask(gate, "GET", f"/users/{user}/recipient-status") for user in ("1", "2")]
    assert standings[0] == standings[1]


# ── profiles ──


async def test_a_profile_is_written_and_read(gate: RunningGate) -> None:
    """PUT answers with the ids, GET with everything that was told, traits without a prefix."""
    traits = {"firstName": "Ada", "birthday": "1815-12-10T00:00:00Z", "tags": ["x"], "nested": {"a": 1}}
    status, told = await ask(gate, "PUT", "/users/1", {"email": A, "businessUnit": "DE", **traits})
    xng_id = told.pop("xngId")
    assert (status, told) == (200, {"id": "1", "email": A, "businessUnit": "DE", "success": True})
    everything = {"id": "1", "xngId": xng_id, "email": A, "businessUnit": "DE", **traits}
    assert await ask(gate, "GET", "/users/1") == (200, everything)
    assert await ask(gate, "PUT", "/users/1", {**everything, "success": True}) == (200, {"xngId": xng_id, **told})
    assert await ask(gate, "GET", "/users/1") == (200, everything)


async def test_what_is_not_given_stays(gate: RunningGate) -> None:
    """A field that is not given stays as it was, and null takes one away."""
    await gate.user("1", email=A, phone=PHONE, x=1)
    await gate.user("1", y=2)
    _, told = await ask(gate, "GET", "/users/1")
    assert (told["email"], told["phone"], told["x"], told["y"]) == (A, PHONE, 1, 2)
    await gate.user("1", email=None, phone=None, x=None)
    _, told = await ask(gate, "GET", "/users/1")
    assert (told["email"], "phone" in told, "x" in told, told["y"]) == (None, False, False, 2)


async def test_an_unknown_user(gate: RunningGate) -> None:
    """Nobody is 404 with an empty body, read or deleted."""
    assert await ask(gate, "GET", "/users/1") == (404, None)
    assert await ask(gate, "DELETE", "/users/1") == (404, None)


async def test_the_ids_must_agree(gate: RunningGate) -> None:
    """An id in the body that is not the path's is 409 in the contract's words, and nothing is written."""
    told = {"id": "1", "xngId": None, "success": False, "errors": [{"field": "id", "type": "user_IDS_MISMATCH"}]}
    assert await ask(gate, "PUT", "/users/1", {"id": "2", "email": A}) == (409, told)
    assert await ask(gate, "GET", "/users/1") == await ask(gate, "GET", "/users/2") == (404, None)
    assert (await ask(gate, "PUT", "/users/1", {"id": "1"}))[0] == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"email": "nonsense"}, "email", id="no e-mail"),
        pytest.param({"email": 1}, "email", id="a number for an e-mail"),
        pytest.param({"email": "x" * 17_000}, "email", id="a long e-mail"),
        pytest.param({"phone": "0151"}, "phone", id="a national number"),
        pytest.param({"phone": "15112345678"}, "phone", id="a number without its plus"),
        pytest.param({"mobile": ["+4915112345678"]}, "mobile", id="a list of numbers"),
        pytest.param({"businessUnit": {}}, "businessUnit", id="an object for a unit"),
        pytest.param({"blacklisted": "maybe"}, "blacklisted", id="neither yes nor no"),
        pytest.param({"optOut": 1}, "optOut", id="a number for a flag"),
    ],
)
async def test_a_profile_with_a_fault(gate: RunningGate, body: dict[str, Any], field: str) -> None:
    """A fault comes with the user's own ids, in the contract's words, and the user stays as they were."""
    await gate.user("1", email=A)
    before = await ask(gate, "GET", "/users/1")
    status, told = await ask(gate, "PUT", "/users/1", {"x": 1, **body})
    fault = {"field": field, "type": "WRONG_VALUE"}
    assert (status, told["id"], told["email"], told["success"], told["errors"]) == (400, "1", A, False, [fault])
    assert told["xngId"] == before[1]["xngId"]
    assert await ask(gate, "GET", "/users/1") == before


async def test_an_address_of_somebody_else(gate: RunningGate) -> None:
    """An e-mail and unit that another user has is refused whole; in another unit it may be had."""
    await gate.user("1", email=A)
    status, told = await ask(gate, "PUT", "/users/2", {"email": A, "x": 1})
    fault = {"field": "email", "type": "WRONG_VALUE"}
    assert (status, told) == (400, {"id": "2", "xngId": None, "success": False, "errors": [fault]})
    assert await ask(gate, "GET", "/users/2") == (404, None)
    assert (await ask(gate, "PUT", "/users/2", {"email": A, "businessUnit": "US"}))[0] == 200


async def test_a_lead_becomes_the_user(gate: RunningGate) -> None:
    """Who was blacklisted as a lead is blacklisted as the user who has the e-mail."""
    await gate.tell("Blacklisted", email=A)
    await gate.user("1", email=A)
    assert await ask(gate, "GET", "/users/1/blacklist-status") == (200, {"blacklisted": True})
    assert len((await gate.api("GET", f"/standing?address={A}")).json["items"]) == 1


async def test_deleting_forgets(gate: RunningGate) -> None:
    """A deleted user is gone, standing and all, and one added again starts anew."""
    await gate.user("1", email=A)
    await gate.tell("Blacklisted", id="1")
    assert await ask(gate, "DELETE", "/users/1") == (204, None)
    assert await ask(gate, "GET", "/users/1") == (404, None)
    await gate.user("1", email=A)
    assert await ask(gate, "GET", "/users/1/blacklist-status") == (200, {"blacklisted": False})
    assert (await gate.mail(A)).status == 202


async def test_deleting_may_keep(open_gate: OpenGate) -> None:
    """With keep_suppressed a deleted user's address stays blocked, and nobody has it."""
    gate = await open_gate(users={"on_delete": "keep_suppressed"})
    await gate.user("1", email=A, phone=PHONE)
    await gate.tell("Blacklisted", id="1")
    assert await ask(gate, "DELETE", "/users/1") == (204, None)
    assert (await gate.mail(A)).status == (await gate.text(PHONE)).status == 400
    (kept,) = (await gate.api("GET", f"/standing?address={A}")).json["items"]
    assert (kept["kept"], kept["id"], kept["email"]) == (True, None, None)
    assert (await gate.records(reason="blacklisted"))[1]["address"] == "a***@example.com"


async def test_deleting_by_the_internal_id(gate: RunningGate) -> None:
    """Leads are deleted by the internal id, and users too."""
    await gate.tell("Blacklisted", email=A)
    (lead,) = (await gate.api("GET", f"/standing?address={A}")).json["items"]
    assert await ask(gate, "DELETE", f"/users/xngId/{lead['xngId']}") == (204, None)
    assert await ask(gate, "DELETE", f"/users/xngId/{lead['xngId']}") == (404, None)
    assert (await gate.mail(A)).status == 202


async def test_a_changed_address_stays_blocked(gate: RunningGate) -> None:
    """The old address of a blacklisted user gets nothing, nor does the new one."""
    await gate.user("1", email=A)
    await gate.tell("Blacklisted", id="1")
    await gate.user("1", email=B)
    assert [(await gate.mail(address)).status for address in (A, B)] == [400, 400]
    await gate.tell("Whitelisted", id="1")
    assert [(await gate.mail(address)).status for address in (A, B)] == [202, 202]


# ── what a profile says of the standing ──


@pytest.mark.parametrize("yes", [True, "true", "TRUE"])
async def test_a_no_inside_a_profile_applies(gate: RunningGate, yes: Any) -> None:
    """Traits that suppress do so, from wherever they come."""
    await gate.user("1", email=A, blacklisted=yes, optOut=yes)
    told = {"blacklisted": True, "optOutAll": True, "optOutChannels": []}
    assert await ask(gate, "GET", "/users/1/recipient-status") == (200, told)
    assert (await gate.mail(A)).status == 400
    assert set((await ask(gate, "GET", "/users/1"))[1]) == {"id", "xngId", "email", "businessUnit", "optOut"}


@pytest.mark.parametrize("prefix", ["", "traits."])
@pytest.mark.parametrize("trait", ["optOut", "blacklisted"])
async def test_a_no_counts_under_either_name(gate: RunningGate, prefix: str, trait: str) -> None:
    """A no under the name that the trait has in segments counts as well, and beside a yes under the other name."""
    await gate.user("1", email=A, **{f"{prefix}{trait}": True})
    await gate.user("2", email=B, **{f"{prefix}{trait}": True, f"{'' if prefix else 'traits.'}{trait}": False})
    assert [(await gate.mail(address)).status for address in (A, B)] == [400, 400]
    assert f"{prefix}{trait}" not in (await ask(gate, "GET", "/users/1"))[1] or (prefix, trait) == ("", "optOut")


async def test_the_opt_out_is_seen_in_the_profile(gate: RunningGate) -> None:
    """The trait optOut is there once somebody opted out of ALL, and false marks who came back."""
    seen = []
    await gate.user("1", email=A)
    for word, channel in (("Opt In", "ALL"), ("Opt Out", "MAIL"), ("Opt Out", "ALL"), ("Opt In", "ALL")):
        await gate.tell(word, channel, id="1")
        seen.append((await ask(gate, "GET", "/users/1"))[1].get("optOut"))
    assert seen == [None, None, True, False]


@pytest.mark.parametrize("no", [False, "false", "FALSE"])
async def test_opt_out_false_brings_back(gate: RunningGate, no: Any) -> None:
    """The trait optOut set to false undoes the opt-out of ALL and nothing else, and is no trait ignored."""
    await gate.user("1", email=A, optOut=True, blacklisted=True)
    await gate.tell("Opt Out", "SMS", id="1")
    answer = await gate.api("PUT", "/users/1", {"optOut": no})
    assert (answer.status, answer.get("X-Sendgate-Ignored")) == (200, None)
    told = {"blacklisted": True, "optOutAll": False, "optOutChannels": ["SMS"]}
    assert await ask(gate, "GET", "/users/1/recipient-status") == (200, told)
    assert (await ask(gate, "GET", "/users/1"))[1]["optOut"] is False
    assert gate.metric("sendgate_events_total", event="Opt In", effect="applied") == 1


@pytest.mark.parametrize(
    ("scopes", "said", "ignored"),
    [
        pytest.param(["users"], {"optOut": False, "blacklisted": False}, "optOut, blacklisted", id="without the scope"),
        pytest.param(["users", "release"], {"blacklisted": False}, "blacklisted", id="the blacklisting"),
        pytest.param(["users", "release"], {"optOut": None, "blacklisted": None}, "optOut, blacklisted", id="null"),
        pytest.param(["users", "release"], {"optOut": False, "traits.optOut": None}, "optOut", id="false and null"),
    ],
)
async def test_a_yes_inside_a_profile_is_ignored(
    open_gate: OpenGate, scopes: list[str], said: dict[str, Any], ignored: str
) -> None:
    """Traits that would release beyond what they may do not: they are counted and named in a header."""
    gate = await open_gate(api={"keys": [{"name": "crm", "key": "crm", "scopes": scopes}]})
    key = {"X-XNG-AuthToken": "crm"}
    await gate.api("PUT", "/users/1", {"email": A, "optOut": True, "blacklisted": True}, headers=key)
    answer = await gate.api("PUT", "/users/1", {**said, "x": 1}, headers=key)
    assert (answer.status, answer.get("X-Sendgate-Ignored")) == (200, ignored)
    status = await gate.api("GET", "/users/1/recipient-status", headers=key)
    assert status.json == {"blacklisted": True, "optOutAll": True, "optOutChannels": []}
    assert gate.metric("sendgate_events_total", effect="ignored") == len(ignored.split(", "))


async def test_phone_traits(open_gate: OpenGate) -> None:
    """Which traits hold numbers is the operator's to say; any of them leads to the user."""
    gate = await open_gate(users={"phone_traits": ["handy"]})
    await gate.user("1", handy=PHONE, phone="not a number")
    await gate.tell("Blacklisted", id="1")
    assert (await gate.text(PHONE)).status == 400


# ── ids ──


@pytest.mark.parametrize(
    "external_id",
    [
        "a/b",
        "a b",
        "ä/ö?x=1&y#z",
        "100%",
        "..",
        "a+b",
        "用户",
        "\U0001f600",
        "blacklist-status",
        "email",
        "{0815}",
        "x" * 16_384,
        "é" * 8_192,
        "'; DROP TABLE person; --",
    ],
    ids=lambda text: text[:20],
)
async def test_ids_of_all_kinds(gate: RunningGate, external_id: str) -> None:
    """Whatever an id holds, it is one user, in the path as in the body."""
    path = f"/users/{quote(external_id, safe='')}"
    assert (await ask(gate, "PUT", path, {"id": external_id, "email": A}))[0] == 200
    assert (await ask(gate, "GET", path))[1]["id"] == external_id
    assert await ask(gate, "PUT", f"{path}/blacklist-status", {"blacklisted": True}) == (200, {"blacklisted": True})
    await gate.tell("Opt Out", id=external_id)
    told = {"blacklisted": True, "optOutAll": True, "optOutChannels": []}
    assert await ask(gate, "GET", f"{path}/recipient-status") == (200, told)
    await gate.mail(A)
    assert [record["user"] for record in await gate.records(user=external_id)] == [external_id]
    assert await ask(gate, "DELETE", path) == (204, None)


@pytest.mark.parametrize("path", ["x" * 16_385, "%C3%A9" * 8_193, "a%00b"], ids=["long", "long in UTF-8", "NUL"])
async def test_ids_that_are_none(gate: RunningGate, path: str) -> None:
    """An id over 16 KB, or with a NUL, is a fault."""
    for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
        status, told = await ask(gate, method, f"/users/{path}", body)
        assert (status, told.get("errors", [told])[0]) == (400, {"field": "id", "type": "WRONG_VALUE"})
