"""CrossEngage's contract, example by example: what its clients send, and what they must get.

The examples are the published ones, and the calls of clients that exist, in the order of the contract: basics,
blacklist, combined status, opt-out, events, users, leads, attributes, and the second version's users. `ANY` stands for
an internal id or another text that nobody knows before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conftest import Message, OpenGate, RunningGate

TOKEN = {"X-XNG-AuthToken": "master-key", "X-XNG-ApiVersion": "1"}
CONFIG = {
    "api": {"keys": [{"name": "crm", "key": "master-key", "scopes": ["users", "events", "release"]}]},
    "events": {"accept": ["Completed Order"]},
}
JSON = "application/json; charset=UTF-8"
ANY = "…"
EMPTY = None


@dataclass(frozen=True)
class Call:
    """One request and its answer; a body of bytes is sent as it is, an answer of EMPTY has no body."""

    method: str
    path: str
    body: Any = None
    status: int = 200
    answer: Any = EMPTY
    headers: dict[str, str] = field(default_factory=lambda: TOKEN)


def put(path: str, body: Any, **answer: Any) -> Call:
    """Write something."""
    return Call("PUT", path, body, **answer)


def get(path: str, **answer: Any) -> Call:
    """Read something."""
    return Call("GET", path, **answer)


def post(path: str, body: Any, **answer: Any) -> Call:
    """Tell something."""
    return Call("POST", path, body, **answer)


USER: dict[str, Any] = {
    "email": "test@crossengage.io",
    "firstName": "Mark",
    "lastName": "Miller",
    "birthday": "1984-05-21T00:00:00Z",
    "createdAt": "2015-10-02T08:23:53Z",
    "gender": "male",
}
WRITTEN = {"id": "1234", "xngId": ANY, "email": "test@crossengage.io", "businessUnit": "", "success": True}
KNOWN = put("/users/1234", USER, answer=WRITTEN)
CHANNELS = ["MAIL", "BROWSER_NOTIFICATION", "ONSITE_DISPLAY", "EXIT_INTENT", "PUSH_NOTIFICATION", "DIRECT_MAIL", "SMS"]
LINK_CHANNELS = ["SEGMENT_TRANSFER", "WEBHOOK", "INSTANT_MESSAGING", "OFFLINE"]
STATUSES = ["blacklist-status", "optout-status", "optout-status?channelType=MAIL", "recipient-status"]
ORDER = {
    "id": "78ad0e3e-0ec0-4b9d-8b0a-f7a3f1a5f0de",
    "events": [{"event": "Completed Order", "timestamp": "2022-01-11T00:00:00Z", "properties": {"revenue": 12.5}}],
}


def event(name: str, **more: Any) -> dict[str, Any]:
    """Write one event of the user."""
    return {"id": "1234", "events": [{"event": name, **more}]}


def status(*, blacklisted: bool = False, opt_out_all: bool = False, channels: tuple[str, ...] = ()) -> Call:
    """Read the combined status."""
    told = {"blacklisted": blacklisted, "optOutAll": opt_out_all, "optOutChannels": list(channels)}
    return get("/users/1234/recipient-status", answer=told)


def missing(kind: str, name: str, **ids: Any) -> dict[str, Any]:
    """Write what is told of an item that is wrong."""
    return {**ids, "success": False, "errors": [{"field": name, "type": kind}]}


NO_KEY: list[dict[str, str]] = [{}, {"X-XNG-AuthToken": "wrong"}, {"X-XNG-AuthToken": ""}]
BASICS = [
    pytest.param(
        [Call("GET", f"/users/1/{path}", status=401, headers=headers) for headers in NO_KEY], id=f"401 at {path}"
    )
    for path in STATUSES
]
BASICS += [
    pytest.param([post("/events", ORDER, status=401, headers=NO_KEY[1])], id="401 at events"),
    pytest.param([put("/users/1234", USER, status=401, headers=NO_KEY[1])], id="401 at users"),
    pytest.param([post("/leads/", {"updated": []}, status=401, headers=NO_KEY[0])], id="401 at leads"),
    pytest.param(
        [
            KNOWN,
            get(
                "/users/1234/blacklist-status",
                answer={"blacklisted": False},
                headers={**TOKEN, "X-XNG-ApiVersion": "2"},
            ),
        ],
        id="any version",
    ),
    pytest.param(
        [KNOWN, Call("GET", "/users/1234", {}, answer={**USER, "id": "1234", "xngId": ANY, "businessUnit": ""})],
        id="a GET with a body",
    ),
    pytest.param([KNOWN, Call("DELETE", "/users/1234", USER, 204)], id="a DELETE with a body"),
]

BLACKLIST = [
    pytest.param(
        [
            KNOWN,
            get("/users/1234/blacklist-status", answer={"blacklisted": False}),
            put("/users/1234/blacklist-status", {"blacklisted": True}, answer={"blacklisted": True}),
            get("/users/1234/blacklist-status", answer={"blacklisted": True}),
            put("/users/1234/blacklist-status", {"blacklisted": False}, answer={"blacklisted": False}),
            get("/users/1234/blacklist-status", answer={"blacklisted": False}),
        ],
        id="set and read",
    ),
    pytest.param(
        [
            put("/users/1234/blacklist-status", {"blacklisted": True}, status=404),
            get("/users/1234/blacklist-status", status=404),
        ],
        id="no such user",
    ),
    pytest.param(
        [
            KNOWN,
            put("/users/1234/blacklist-status", {"blacklisted": True}, answer={"blacklisted": True}),
            Call("DELETE", "/users/1234", status=204),
            KNOWN,
            get("/users/1234/blacklist-status", answer={"blacklisted": False}),
        ],
        id="lost with the user",
    ),
    pytest.param(
        [
            KNOWN,
            put("/users/1234/blacklist-status", {"blacklisted": True}, answer={"blacklisted": True}),
            get("/users/1234", answer={**USER, "id": "1234", "xngId": ANY, "businessUnit": ""}),
        ],
        id="not visible in the profile",
    ),
]

RECIPIENT = [
    pytest.param([KNOWN, status()], id="nothing said"),
    pytest.param(
        [
            KNOWN,
            put("/users/1234/blacklist-status", {"blacklisted": True}, answer={"blacklisted": True}),
            put("/users/1234/optout-status", {"optOut": True}, answer={"optOut": True}),
            put("/users/1234/optout-status?channelType=SMS", {"optOut": True}, answer={"optOut": True}),
            put("/users/1234/optout-status?channelType=MAIL", {"optOut": True}, answer={"optOut": True}),
            status(blacklisted=True, opt_out_all=True, channels=("MAIL", "SMS")),
        ],
        id="everything said",
    ),
]

OPT_OUT = [
    pytest.param(
        [
            KNOWN,
            put(f"/users/1234/optout-status?channelType={channel}", {"optOut": True}, answer={"optOut": True}),
            get(f"/users/1234/optout-status?channelType={channel}", answer={"optOut": True}),
            status(channels=(channel,)),
            put(f"/users/1234/optout-status?channelType={channel}", {"optOut": False}, answer={"optOut": False}),
            status(),
        ],
        id=channel,
    )
    for channel in [*CHANNELS, *LINK_CHANNELS]
]
OPT_OUT += [
    pytest.param(
        [
            KNOWN,
            put(f"/users/1234/optout-status{named}", {"optOut": True}, answer={"optOut": True}),
            get("/users/1234/optout-status", answer={"optOut": True}),
            get("/users/1234/optout-status?channelType=MAIL", answer={"optOut": False}),
            status(opt_out_all=True),
        ],
        id=f"overall{named}",
    )
    for named in ("", "?channelType=ALL", "?channelType=all")
]
OPT_OUT += [
    pytest.param(
        [
            put("/users/1234/optout-status?channelType=MAIL", {"optOut": True}, status=404),
            get("/users/1234/optout-status?channelType=MAIL", status=404),
        ],
        id="no such user",
    )
]

UNKNOWN_EVENT = {"field": "event", "type": "UNKNOWN_VALUE"}
EVENTS = [
    pytest.param([post("/events", ORDER, status=202)], id="the published example"),
    pytest.param([post("/events", event("Blacklisted"), status=202), status(blacklisted=True)], id="Blacklisted"),
    pytest.param(
        [
            post("/events", event("Blacklisted"), status=202),
            post("/events", event("Whitelisted"), status=202),
            status(),
        ],
        id="Whitelisted",
    ),
    pytest.param([post("/events", event("Whitelist"), status=400, answer=UNKNOWN_EVENT)], id="Whitelist is no event"),
    pytest.param([post("/events", event("Signed Up"), status=400, answer=UNKNOWN_EVENT)], id="an unknown event"),
    pytest.param(
        [
            post("/events", event("Opt Out", properties={"channel.type": "MAIL"}), status=202),
            status(channels=("MAIL",)),
        ],
        id="Opt Out of a channel",
    ),
    pytest.param(
        [post("/events", event("Opt Out", properties={"channel.type": "ALL"}), status=202), status(opt_out_all=True)],
        id="Opt Out of ALL",
    ),
    pytest.param(
        [post("/events", event("Opt Out", **{"channel.type": "MAIL"}), status=202), status(channels=("MAIL",))],
        id="the channel where the documents have it",
    ),
    pytest.param(
        [
            post(
                "/events",
                b'{"id":"1234","events":[{"event":"Opt Out", "channel.type":"MAIL" } }]}',
                status=400,
                answer={"field": "body", "type": "WRONG_FORMAT"},
            ),
            get("/users/1234/recipient-status", status=404),
        ],
        id="the published example with a brace too many",
    ),
    pytest.param(
        [
            post("/events", event("Opt Out", properties={"emailNewsletter": "x", "language": "de"}), status=202),
            status(opt_out_all=True),
            post("/events", event("Opt In", properties={"emailNewsletter": "x", "optInUrl": "https://x"}), status=202),
            status(),
        ],
        id="a shop's Opt Out and Opt In without a channel",
    ),
    pytest.param([post("/events", event("Blacklisted", properties={"anything": [1]}), status=202)], id="any property"),
    pytest.param(
        [
            post(
                "/events",
                {"email": "lead@x.de", "businessUnit": "DE", "events": [{"event": "Blacklisted"}]},
                status=202,
            ),
            put(
                "/users/1234",
                {"email": "lead@x.de", "businessUnit": "DE"},
                answer={**WRITTEN, "email": "lead@x.de", "businessUnit": "DE"},
            ),
            status(blacklisted=True),
        ],
        id="by e-mail and unit, and promoted",
    ),
    pytest.param(
        [
            post(
                "/events",
                {"events": [{"event": "Blacklisted"}]},
                status=400,
                answer={"field": "id", "type": "NOT_NULL"},
            )
        ],
        id="of nobody",
    ),
    pytest.param(
        [
            post(
                "/events/",
                {"email": "a@x.de", "externalId": "1234", "events": [{"event": "Blacklisted"}]},
                status=202,
            ),
            status(blacklisted=True),
        ],
        id="a client that writes a slash behind the path, and externalId",
    ),
    pytest.param(
        [
            post("/events", {"id": "1234", "events": [{"event": "Completed Order"}] * 50}, status=202),
            post(
                "/events",
                {"id": "1234", "events": [{"event": "Completed Order"}] * 51},
                status=400,
                answer={"field": "events", "type": "WRONG_VALUE"},
            ),
        ],
        id="50 events and 51",
    ),
]

MISMATCH = {**missing("user_IDS_MISMATCH", "id"), "id": "1234", "xngId": None}
USERS = [
    pytest.param(
        [KNOWN, get("/users/1234", answer={**USER, "id": "1234", "xngId": ANY, "businessUnit": ""})],
        id="written and read",
    ),
    pytest.param(
        [put("/users/1234", {**USER, "businessUnit": "US"}, answer={**WRITTEN, "businessUnit": "US"})], id="with a unit"
    ),
    pytest.param([put("/users/1234", {**USER, "id": "1234"}, answer=WRITTEN)], id="with its own id in the body"),
    pytest.param(
        [put("/users/1234", {**USER, "id": "4321"}, status=409, answer=MISMATCH)], id="with another id in the body"
    ),
    pytest.param(
        [
            KNOWN,
            put(
                "/users/1234",
                {"email": "crossengage"},
                status=400,
                answer={**WRITTEN, **missing("WRONG_VALUE", "email")},
            ),
        ],
        id="with an e-mail that is none",
    ),
    pytest.param(
        [
            KNOWN,
            put(
                "/users/2",
                {"email": USER["email"]},
                status=400,
                answer={"id": "2", "xngId": None, **missing("WRONG_VALUE", "email")},
            ),
        ],
        id="with another user's e-mail",
    ),
    pytest.param(
        [
            KNOWN,
            put("/users/1234", {"optOut": True}, answer=WRITTEN),
            status(opt_out_all=True),
            get("/users/1234", answer={**USER, "id": "1234", "xngId": ANY, "businessUnit": "", "optOut": True}),
            put("/users/1234", {"optOut": False}, answer=WRITTEN),
            status(),
            get("/users/1234", answer={**USER, "id": "1234", "xngId": ANY, "businessUnit": "", "optOut": False}),
        ],
        id="the trait optOut, and false for who came back",
    ),
    pytest.param([get("/users/1234", status=404)], id="an unknown one"),
    pytest.param([KNOWN, Call("DELETE", "/users/1234", status=204), get("/users/1234", status=404)], id="deleted"),
    pytest.param([Call("DELETE", "/users/xngId/nobody", status=404)], id="an unknown internal id"),
]

BATCH = [
    pytest.param(
        [
            post(
                "/users/batch",
                {"updated": [{"id": "1234", **USER}, {"id": "5678", "email": "b@x.de"}], "deleted": []},
                answer={
                    "updated": [
                        {"id": "1234", "xngId": ANY, "success": True},
                        {"id": "5678", "xngId": ANY, "success": True},
                    ],
                    "deleted": [],
                },
            ),
            post(
                "/users/batch",
                {"updated": [], "deleted": [{"id": "1234"}]},
                answer={"updated": [], "deleted": [{"id": "1234", "xngId": None, "success": True}]},
            ),
            get("/users/1234", status=404),
        ],
        id="written and deleted",
    ),
    pytest.param(
        [
            post(
                "/users/batch",
                {"updated": [{"email": "a@x.de"}, {"id": "1234", "email": "b@x.de"}]},
                status=400,
                answer={
                    "updated": [
                        missing("NOT_NULL", "id", id=None, xngId=None),
                        {"id": "1234", "xngId": ANY, "success": True},
                    ],
                    "deleted": [],
                },
            )
        ],
        id="an item without an id",
    ),
    pytest.param(
        [
            post(
                "/users/batch",
                {"updated": [{"id": str(n)} for n in range(1001)]},
                status=400,
                answer={"field": "updated", "type": "WRONG_VALUE"},
            )
        ],
        id="1001 users",
    ),
]

LEADS = [
    pytest.param(
        [
            post(
                "/leads/",
                {"updated": [{"id": "1234", "email": "lead@x.de", "businessUnit": "US", "firstName": "Mark"}]},
                answer={"updated": [{"id": "1234", "xngId": ANY, "success": True}], "deleted": []},
            ),
            get("/users/1234", status=404),
        ],
        id="the published example, whose id is none",
    ),
    pytest.param(
        [
            post(
                "/leads/",
                {"updated": [{"email": "crossengage", "businessUnit": "US"}]},
                status=400,
                answer={"updated": [missing("WRONG_FORMAT", "email", id=None, xngId=None)], "deleted": []},
            )
        ],
        id="an e-mail that is none",
    ),
]


def attribute(number: Any, name: str = "traits.example", kind: str = "STRING", **more: Any) -> dict[str, Any]:
    """Write an attribute as it is answered."""
    return {"id": number, "name": name, "attributeType": kind, **more}


EXAMPLE = {"name": "traits.example", "attributeType": "STRING"}
ARRAY = {"name": "traits.exampleParent", "attributeType": "ARRAY", "nestedType": "STRING"}
CHILD = {"name": "exampleChild", "attributeType": "STRING", "parentName": "traits.exampleParent"}
WRONG = {"requestId": ANY, "message": ANY}
ATTRIBUTES = [
    pytest.param(
        [
            post("/users/attributes", EXAMPLE, answer={**attribute("1"), "success": True}),
            get("/users/attributes/1", answer=attribute("1")),
            get("/users/attributes?offset=0&limit=10", answer={"attributes": [attribute(1)], "total": "1"}),
            get("/users/attributes", answer={"attributes": [attribute(1)], "total": "1"}),
        ],
        id="a plain one",
    ),
    pytest.param(
        [
            post("/users/attributes", ARRAY, answer={"id": "1", **ARRAY, "success": True}),
            post("/users/attributes", CHILD, answer={"id": "2", **CHILD, "success": True}),
            Call("DELETE", "/users/attributes/1", {}, 409),
            Call("DELETE", "/users/attributes/2", {}, 204),
            Call("DELETE", "/users/attributes/1", {}, 204),
            get("/users/attributes/1", status=404),
        ],
        id="an array, a child, and deleting with a body",
    ),
    pytest.param(
        [post("/users/attributes", {**EXAMPLE, "nestedType": None}, answer={**attribute("1"), "success": True})],
        id="a client that always names the nested type",
    ),
    pytest.param(
        [post("/users/attributes", {**EXAMPLE, "attributeType": "ARRAaY"}, status=400, answer=WRONG)],
        id="no such type",
    ),
    pytest.param([get("/users/attributes?limit=101", status=400, answer=WRONG)], id="more than a hundred"),
    pytest.param([get("/users/attributes/4711", status=404)], id="an unknown one"),
]


SECOND = {**TOKEN, "X-XNG-ApiVersion": "2"}
ASYNCHRONOUS = {"trackingId": ANY}
NEW = {"id": "1234", **USER, "businessUnit": "DE"}
READ = {**NEW, "xngId": ANY}


def second(method: str, path: str, body: Any = None, status: int = 202, answer: Any = EMPTY) -> Call:
    """Ask in the second version."""
    return Call(method, path, body, status, answer, SECOND)


def wrong(code: str, title: str, pointer: str) -> dict[str, Any]:
    """Write one fault as the second version tells it."""
    return {"code": code, "title": title, "details": ANY, "info": ANY, "source": {"pointer": pointer}}


NO_EMAIL = {"errors": [wrong("2", "Invalid Field", "/email")]}
SECOND_VERSION = [
    pytest.param(
        [
            second("PUT", "/users", NEW, answer=ASYNCHRONOUS),
            second("GET", "/users/1234", status=200, answer=READ),
            second("GET", "/users/email/test@crossengage.io/bu/DE", status=200, answer=READ),
            second("GET", "/users/email/Test%40CrossEngage.io/bu/de", status=200, answer=READ),
            second("PUT", "/users", {"id": "1234", "email": "other@crossengage.io"}, answer=ASYNCHRONOUS),
            second("GET", "/users/1234", status=200, answer={**READ, "email": "other@crossengage.io"}),
            second("GET", "/users/email/test@crossengage.io/bu/DE", status=404),
        ],
        id="written, read, updated",
    ),
    pytest.param(
        [
            second("PUT", "/users", {**NEW, "businessUnit": None}, answer=ASYNCHRONOUS),
            *(
                second("GET", f"/users/email/{USER['email']}{unit}", status=200, answer={**READ, "businessUnit": ""})
                for unit in ("", "/bu/")
            ),
            second("PUT", "/users", NEW, answer=ASYNCHRONOUS),
            second("GET", "/users/1234", status=200, answer=READ),
        ],
        id="without a unit, and then in another",
    ),
    pytest.param([second("GET", "/users/1234", status=404)], id="an unknown user"),
    pytest.param([second("GET", "/users/email/test@crossengage.io/bu/DE", status=404)], id="an unknown e-mail"),
    pytest.param([second("GET", "/users/email/no@address@x/bu/DE", status=404)], id="no e-mail"),
    pytest.param([second("PUT", "/users", {"id": "1234"}, 400, NO_EMAIL)], id="without an e-mail"),
    pytest.param(
        [
            second("PUT", "/users", b"{", 400, {"errors": [wrong("1", "Invalid JSON", "")]}),
            second("POST", "/users/batch", b"{", 400, {"errors": [wrong("1", "Invalid JSON", "")]}),
        ],
        id="no JSON",
    ),
    pytest.param(
        [
            second("PUT", "/users", NEW, answer=ASYNCHRONOUS),
            second("DELETE", "/users/1234", NEW, answer=ASYNCHRONOUS),
            second("DELETE", "/users/1234", answer=ASYNCHRONOUS),
            second("GET", "/users/1234", status=404),
        ],
        id="deleted twice",
    ),
    pytest.param(
        [
            second("POST", "/users/batch", {"updated": [NEW], "deleted": [{**NEW, "id": "5678"}]}, 202, ASYNCHRONOUS),
            second("GET", "/users/1234", status=200, answer=READ),
        ],
        id="a batch",
    ),
    pytest.param(
        [
            second(
                "POST",
                "/users/batch",
                {"updated": [{"id": "1", "email": "lovecrossengage.io"}, NEW]},
                answer={**ASYNCHRONOUS, "errors": [wrong("4", "Invalid Email Format", "/updated/0/email")]},
            ),
            second("GET", "/users/1234", status=200, answer=READ),
        ],
        id="a batch with an e-mail that is none",
    ),
    pytest.param(
        [
            second(
                "POST",
                "/users/batch",
                {"updated": [{"id": str(n), "email": f"{n}@x.de"} for n in range(1001)]},
                400,
                {"errors": [wrong("9", "Max batch request size violation", "/updated")]},
            )
        ],
        id="1001 users",
    ),
    pytest.param(
        [
            second("GET", "/users/track/2e312089-a987-45c6-adbd-b904bc4dfc97", status=404),
            second("GET", "/users/track/8d2b", status=404),
        ],
        id="a tracking id that nobody was given",
    ),
    pytest.param(
        [
            KNOWN,
            second("PUT", "/users/1234/blacklist-status", {"blacklisted": True}, 200, {"blacklisted": True}),
            second("PUT", "/users/1234/optout-status", {"optOut": True}, 200, {"optOut": True}),
            second("POST", "/events", event("Completed Order")),
            status(blacklisted=True, opt_out_all=True),
        ],
        id="what only the first version has",
    ),
]


def fits(told: Any, wanted: Any) -> bool:
    """Tell whether an answer is the wanted one, with any text where ANY stands."""
    if wanted == ANY:
        return isinstance(told, str) and bool(told)
    if isinstance(wanted, dict):
        return isinstance(told, dict) and told.keys() == wanted.keys() and all(fits(told[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list):
        return isinstance(told, list) and len(told) == len(wanted) and all(map(fits, told, wanted))
    return type(told) is type(wanted) and bool(told == wanted)


async def play(gate: RunningGate, call: Call) -> Message:
    """Send one request."""
    return await gate.api(call.method, call.path, call.body, headers=call.headers)


async def check(open_gate: OpenGate, calls: list[Call]) -> None:
    """Play requests in their order; each must get its answer."""
    gate = await open_gate(**CONFIG)
    for number, call in enumerate(calls):
        answer = await play(gate, call)
        where = f"call {number}: {call.method} {call.path} → {answer.status} {answer.body!r}"
        assert answer.status == call.status, where
        if call.answer is EMPTY:
            assert answer.body == b"", where
        else:
            assert answer.get("Content-Type") == JSON, where
            assert fits(json.loads(answer.body), call.answer), where


@pytest.mark.parametrize("calls", BASICS)
async def test_basics(open_gate: OpenGate, calls: list[Call]) -> None:
    """A call without the key is 401 and empty; any API version is taken, and so is a body where none belongs."""
    await check(open_gate, calls)


@pytest.mark.parametrize("calls", BLACKLIST)
async def test_blacklist_status(open_gate: OpenGate, calls: list[Call]) -> None:
    """The blacklist status is set, echoed, read, hidden from the profile and lost with the user."""
    await check(open_gate, calls)


@pytest.mark.parametrize("calls", RECIPIENT)
async def test_recipient_status(open_gate: OpenGate, calls: list[Call]) -> None:
    """One read tells blacklisting, overall opt-out and the channels by their names."""
    await check(open_gate, calls)


@pytest.mark.parametrize("calls", OPT_OUT)
async def test_opt_out_status(open_gate: OpenGate, calls: list[Call]) -> None:
    """Every channel type of every published list is set and read, and the overall status without one."""
    await check(open_gate, calls)


@pytest.mark.parametrize("calls", EVENTS)
async def test_events(open_gate: OpenGate, calls: list[Call]) -> None:
    """Events are 202 and empty, and in force at once; a fault is one bare object."""
    await check(open_gate, calls)


@pytest.mark.parametrize("calls", USERS)
async def test_users(open_gate: OpenGate, calls: list[Call]) -> None:
    """Users are written, read and deleted, with the contract's keys in every answer."""
    await check(open_gate, calls)


@pytest.mark.parametrize("calls", BATCH)
async def test_batch(open_gate: OpenGate, calls: list[Call]) -> None:
    """A batch answers item by item, and is limited to a thousand."""
    await check(open_gate, calls)


@pytest.mark.parametrize("calls", LEADS)
async def test_leads(open_gate: OpenGate, calls: list[Call]) -> None:
    """Leads are written item by item; an id among their fields names nobody."""
    await check(open_gate, calls)


@pytest.mark.parametrize("calls", ATTRIBUTES)
async def test_attributes(open_gate: OpenGate, calls: list[Call]) -> None:
    """Attributes are declared, listed and deleted, with faults in a shape of their own."""
    await check(open_gate, calls)


async def test_a_lead_is_deleted_by_the_internal_id(open_gate: OpenGate) -> None:
    """The internal id that a lead's creation answered deletes the lead, alone or in a batch."""
    gate = await open_gate(**CONFIG)
    body = {"updated": [{"email": "one@x.de"}, {"email": "two@x.de"}]}
    one, two = (item["xngId"] for item in (await play(gate, post("/leads/", body))).json["updated"])
    assert (await play(gate, Call("DELETE", f"/users/xngId/{one}"))).status == 204
    answer = await play(gate, post("/users/batch", {"deleted": [{"xngId": two}]}))
    assert answer.json == {"updated": [], "deleted": [{"id": None, "xngId": two, "success": True}]}


@pytest.mark.parametrize("calls", SECOND_VERSION)
async def test_the_second_version(open_gate: OpenGate, calls: list[Call]) -> None:
    """Users are written asynchronously, with every fault in an envelope, and are there when 202 is answered."""
    await check(open_gate, calls)


async def test_a_request_is_tracked(open_gate: OpenGate) -> None:
    """The tracking id of a batch, asked for later and after a restart, tells with how many users it went how."""
    gate = await open_gate(**CONFIG)
    await play(gate, KNOWN)
    body = {"updated": [{"id": "1", "email": "a@x.de"}, {"id": "2", "email": "b@x.de"}, {"id": "3"}], "deleted": []}
    taken = {"id": "4", "email": USER["email"]}
    found = (await play(gate, second("POST", "/users/batch", {**body, "updated": [*body["updated"], taken]}))).json
    track = second("GET", f"/users/track/{found['trackingId']}")
    told = {"stage": "PROCESSED", "total": 4, "success": 2, "error": 2}
    assert (await play(gate, track)).json == told
    await gate.app.stop()
    again = await open_gate(**CONFIG)
    assert (await play(again, track)).json == told
