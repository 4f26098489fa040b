"""Blacklists: the requests of Optimizely's documents and of clients written for it, and what becomes of sends."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model import BlacklistEntry
from proxy.api.blacklists import MOST, shown
from tests.conftest import Message, OpenGate, RunningGate, Settings, Upstream, request

ENTRIES = "/api/v1.0/blacklists/"
ADMIN = "admin@example.com"
PHONE = "+4915112345678"
KEY = "subscription-key"
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EPI = {"Authorization": f"epi-single {KEY}"}
KEYS = {"keys": [{"name": "epi", "key": KEY, "scopes": ["blacklists"]}]}


async def enter(gate: RunningGate, *entries: dict[str, Any]) -> list[str]:
    """Put entries on blacklists, acknowledged, and give their ids."""
    answer = await gate.api("POST", ENTRIES, list(entries))
    assert answer.status in (200, 201)
    return [item["BlacklistId"] for item in answer.json["items"]]


async def listed(gate: RunningGate, query: str = "") -> dict[str, Any]:
    """Read a list."""
    answer = await gate.api("GET", f"{ENTRIES}{query}")
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def reasons(answer: Message) -> str | None:
    """Say for which reasons something was refused."""
    return answer.get("X-Sendgate-Reasons")


# ── the requests of the documents ──


async def test_a_client_of_theirs(open_gate: OpenGate) -> None:
    """Their documented requests with their key: made, listed, read, removed, and gone, in their statuses and shapes."""
    gate = await open_gate(api=KEYS)
    made = await gate.api("POST", ENTRIES, {"Email": ADMIN, "Scope": "defaultscope"}, headers=EPI)
    assert made.status == 201
    assert made.json == {"BlacklistId": made.json["BlacklistId"], "Email": ADMIN, "Scope": "defaultscope"}
    assert UUID.fullmatch(made.json["BlacklistId"])
    other = await gate.api("POST", ENTRIES, {"Email": ADMIN, "Scope": "commercesite"}, headers=EPI)
    answer = await gate.api("GET", ENTRIES, headers=EPI)
    assert (answer.status, answer.json) == (200, {"total": 2, "count": 2, "items": [made.json, other.json]})
    one = f"{ENTRIES}{made.json['BlacklistId']}"
    assert (await gate.api("GET", one, headers=EPI)).json == made.json
    for spelled in (one.upper(), f"{one}/"):  # case makes no difference, and neither does a slash at the end
        assert (await gate.api("GET", spelled, headers=EPI)).status == 200
    gone = await gate.api("DELETE", one, headers=EPI)
    assert (gone.status, gone.body) == (200, b"")
    for method in ("GET", "DELETE"):
        answer = await gate.api(method, one, headers=EPI)
        assert (answer.status, answer.body) == (404, b"")
    assert (await gate.api("GET", ENTRIES, headers=EPI)).json["items"] == [other.json]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Authorization": f"epi-single {KEY}"}, 200, id="epi-single"),
        pytest.param({"Authorization": f"Epi-Single {KEY}"}, 200, id="in any case"),
        pytest.param({"Ocp-Apim-Subscription-Key": KEY}, 200, id="the older header"),
        pytest.param({"Authorization": f"Bearer {KEY}"}, 200, id="the gate's own way"),
        pytest.param({"Authorization": f"epi-single{KEY}"}, 401, id="without a blank"),
        pytest.param({"Authorization": "epi-single wrong"}, 401, id="a wrong key"),
        pytest.param({"Authorization": "epi-single"}, 401, id="no key"),
        pytest.param({}, 401, id="nothing"),
    ],
)
async def test_their_keys(open_gate: OpenGate, headers: dict[str, str], status: int) -> None:
    """A key of the configuration opens the lists in each of their ways, and a wrong one does not."""
    gate = await open_gate(api=KEYS)
    assert (await gate.api("GET", ENTRIES, headers=headers)).status == status


@pytest.mark.parametrize("path", ["", "unknown", "00000000-0000-0000-0000-000000000000", "%00", "%C3%A4", "1/2", "%F0"])
async def test_what_is_not_there(gate: RunningGate, path: str) -> None:
    """An unknown id is 404, whatever it is made of, and so is what has not been built."""
    (known,) = await enter(gate, {"Email": ADMIN})
    assert (await gate.api("DELETE", f"{ENTRIES}{path}")).status == (404 if path else 405)
    assert (await gate.api("DELETE", f"{ENTRIES}{known}/ClearUserData")).status == 404
    assert (await gate.api("PUT", f"{ENTRIES}{known}", {"Email": ADMIN})).status == 405
    assert (await listed(gate))["total"] == 1


# ── what an entry says ──

ACCEPTED = [
    pytest.param({"Email": ADMIN}, {"Email": ADMIN, "Scope": None}, id="without a scope"),
    pytest.param({"Email": ADMIN, "Scope": None}, {"Email": ADMIN, "Scope": None}, id="null"),
    pytest.param({"Email": ADMIN, "Scope": ""}, {"Email": ADMIN, "Scope": None}, id="empty"),
    pytest.param({"Email": ADMIN, "Scope": "  "}, {"Email": ADMIN, "Scope": None}, id="blanks"),
    pytest.param({"email": ADMIN, "scope": "a"}, {"Email": ADMIN, "Scope": "a"}, id="keys in lower case"),
    pytest.param(
        {"Email": " Admin@Example.com "}, {"Email": "Admin@Example.com", "Scope": None}, id="as it is written"
    ),
    pytest.param({"BlacklistId": "mine", "Email": ADMIN}, {"Email": ADMIN, "Scope": None}, id="an id of the client's"),
    pytest.param({"BlacklistId": None, "Email": ADMIN}, {"Email": ADMIN, "Scope": None}, id="a whole object"),
    pytest.param({"Email": "*@example.com"}, {"Email": "*@example.com", "Scope": None}, id="a domain"),
    pytest.param({"Email": "*.example.com"}, {"Email": "*.example.com", "Scope": None}, id="sub-domains"),
    pytest.param({"Phone": PHONE}, {"Email": None, "Scope": None, "Phone": PHONE}, id="a number"),
    pytest.param({"Email": "", "Phone": PHONE}, {"Email": None, "Scope": None, "Phone": PHONE}, id="an empty Email"),
    pytest.param(
        {"Email": ADMIN, "Reason": "asked us", "ExpiresAt": "2099-01-01T00:00Z"},
        {"Email": ADMIN, "Scope": None, "Reason": "asked us", "ExpiresAt": "2099-01-01T00:00Z"},
        id="a reason and an expiry",
    ),
]


@pytest.mark.parametrize(("entry", "wanted"), ACCEPTED)
async def test_an_entry_is_taken(gate: RunningGate, entry: dict[str, Any], wanted: dict[str, Any]) -> None:
    """An entry is answered with its id and all that was said, and read the same."""
    answer = await gate.api("POST", ENTRIES, entry)
    told = answer.json
    assert (answer.status, UUID.fullmatch(told["BlacklistId"]) is not None) == (201, True)
    assert {name: value for name, value in told.items() if name != "BlacklistId"} == wanted
    assert (await gate.api("GET", f"{ENTRIES}{told['BlacklistId']}")).json == told


REFUSED = [
    pytest.param({}, "Email", "NOT_NULL", "an Email or a Phone", id="nothing"),
    pytest.param({"Scope": "a"}, "Email", "NOT_NULL", "an Email or a Phone", id="a scope alone"),
    pytest.param({"Email": ADMIN, "Phone": PHONE}, "Phone", "WRONG_VALUE", "not both", id="both"),
    pytest.param({"Email": 1}, "Email", "WRONG_VALUE", None, id="a number as Email"),
    pytest.param({"Email": "nonsense"}, "Email", "WRONG_FORMAT", "no e-mail address", id="no address"),
    pytest.param({"Email": PHONE}, "Email", "WRONG_FORMAT", "no e-mail address", id="a phone as Email"),
    pytest.param({"Email": "info*@example.com"}, "Email", "WRONG_FORMAT", "stands nowhere else", id="another pattern"),
    pytest.param({"Email": "*@*.com"}, "Email", "WRONG_FORMAT", "no e-mail address", id="two stars"),
    pytest.param({"Phone": "0151 12345678"}, "Phone", "WRONG_FORMAT", "with its country", id="no country"),
    pytest.param({"Phone": ADMIN}, "Phone", "WRONG_FORMAT", "with its country", id="an address as Phone"),
    pytest.param({"Email": ADMIN, "Scope": "DefaultScope"}, "Scope", "WRONG_FORMAT", "no capital", id="their example"),
    pytest.param({"Email": ADMIN, "Scope": "CommerceSite"}, "Scope", "WRONG_FORMAT", "no capital", id="another"),
    pytest.param(
        {"Email": ADMIN, "Scope": "bacb5c80-191e-433f-9fb2-b07c47b862af"},
        "Scope",
        "WRONG_FORMAT",
        "consists",
        id="GUID",
    ),
    pytest.param({"Email": ADMIN, "Scope": "_a"}, "Scope", "WRONG_FORMAT", "begins with", id="an underscore first"),
    pytest.param({"Email": ADMIN, "Scope": "a" * 65}, "Scope", "WRONG_FORMAT", "up to 64", id="too long"),
    pytest.param({"Email": ADMIN, "Scope": 1}, "Scope", "WRONG_VALUE", None, id="a number as Scope"),
    pytest.param(
        {"Email": ADMIN, "ExpiresAt": "2099-01-01T00:00:00"}, "ExpiresAt", "WRONG_FORMAT", "with its zone", id="no zone"
    ),
    pytest.param({"Email": ADMIN, "ExpiresAt": "tomorrow"}, "ExpiresAt", "WRONG_FORMAT", "with its zone", id="no time"),
    pytest.param(
        {"Email": ADMIN, "ExpiresAt": "2001-01-01T00:00:00Z"}, "ExpiresAt", "WRONG_VALUE", "is over", id="over already"
    ),
    pytest.param({"Email": ADMIN, "Expires": "x"}, "body", "UNKNOWN_VALUE", "nothing else", id="an unknown field"),
    pytest.param("text", "body", "WRONG_FORMAT", "an object", id="no object"),
    pytest.param([], "body", "WRONG_VALUE", "1 to 10000", id="an empty array"),
    pytest.param(b"{", "body", "WRONG_FORMAT", None, id="no JSON"),
    pytest.param(b"", "body", "WRONG_FORMAT", None, id="no body"),
    pytest.param(b'{"Email": "a@b.de", "email": "c@d.de"}', "body", None, None, id="a field twice"),
]


@pytest.mark.parametrize(("body", "field", "kind", "says"), REFUSED)
async def test_an_entry_is_refused(
    gate: RunningGate, body: Any, field: str, kind: str | None, says: str | None
) -> None:
    """A wrong entry is 400 with the field, the type and the rule it breaks, without its values, and is not taken."""
    answer = await gate.api("POST", ENTRIES, body)
    assert (answer.status, answer.json["field"]) == (400, field)
    assert kind in (None, answer.json["type"])
    assert (says or "") in answer.json.get("message", "")
    given = body.values() if isinstance(body, dict) else ()
    assert [value for value in given if len(str(value)) > 4 and str(value) in answer.body.decode()] == []
    assert (await listed(gate))["total"] == 0


@pytest.mark.parametrize("scope", ["DefaultScope", "CommerceSite", "bacb5c80-191e-433f-9fb2-b07c47b862af"])
async def test_their_own_examples_are_scopes_where_rules_are_lenient(open_gate: OpenGate, scope: str) -> None:
    """With `blacklists.lenient_scopes` the scopes of their examples are taken, in an entry and in a route."""
    lenient = {"lenient_scopes": True}
    gate = await open_gate(blacklists=lenient, routes={"mail": {"scope": scope}, "sandbox": {"scope": "another"}})
    answer = await gate.api("POST", ENTRIES, {"Email": ADMIN, "Scope": scope})
    assert (answer.status, answer.json["Scope"]) == (201, scope)
    assert reasons(await gate.mail(ADMIN)) == "blacklist_entry"
    assert (await gate.mail(ADMIN, route="sandbox")).status == 202
    answer = await gate.api("POST", ENTRIES, {"Email": ADMIN, "Scope": "a.b"})
    assert "hyphens" in answer.json["message"]


async def test_the_same_again(gate: RunningGate) -> None:
    """The same address in the same scope, however it is spelt, answers the entry that is there: 201, then 200."""
    first = await gate.api("POST", ENTRIES, {"Email": ADMIN, "Reason": "first"})
    assert first.status == 201
    for entry in ({"Email": ADMIN}, {"Email": "ADMIN@EXAMPLE.COM.", "Reason": "second"}, {"Email": ADMIN, "Scope": ""}):
        again = await gate.api("POST", ENTRIES, entry)
        assert (again.status, again.json) == (200, first.json)
    other = await gate.api("POST", ENTRIES, {"Email": ADMIN, "Scope": "shop"})
    assert (other.status, other.json["BlacklistId"] != first.json["BlacklistId"]) == (201, True)
    assert (await listed(gate))["total"] == 2


async def test_a_later_expiry_is_answered(gate: RunningGate) -> None:
    """Posted again, the later of two expiries holds and is answered."""
    for told, holds in (("2098", "2098"), ("2097", "2098"), ("2099", "2099"), (None, None), ("2099", None)):
        expires = {"ExpiresAt": f"{told}-01-01T00:00:00Z"} if told else {}
        answer = await gate.api("POST", ENTRIES, {"Email": ADMIN, **expires})
        assert answer.json.get("ExpiresAt") == (f"{holds}-01-01T00:00:00Z" if holds else None)


# ── many at once ──


async def test_many_at_once(gate: RunningGate) -> None:
    """An array answers its entries in their order: 201 if any was new, 200 if none was."""
    entries = [{"Email": f"n{number}@example.com", "Scope": "shop"} for number in range(1234)]
    answer = await gate.api("POST", ENTRIES, entries)
    told = answer.json
    assert (answer.status, told["total"], told["count"]) == (201, 1234, 1234)
    assert [item["Email"] for item in told["items"]] == [entry["Email"] for entry in entries]
    again = await gate.api("POST", ENTRIES, entries)
    assert (again.status, again.json) == (200, told)
    more = await gate.api("POST", ENTRIES, [entries[0], {"Email": ADMIN}, entries[0]])
    assert (more.status, more.json["items"][0], more.json["items"][2]) == (201, told["items"][0], told["items"][0])
    assert (await listed(gate))["total"] == 1235


async def test_an_array_with_faults_is_refused_whole(gate: RunningGate) -> None:
    """Every fault of an array is told with its position, the first one leads, and nothing of it was taken."""
    entries = [{"Email": ADMIN}, {"Email": "nonsense"}, {"Email": ADMIN, "Scope": "A"}]
    answer = await gate.api("POST", ENTRIES, entries)
    assert answer.status == 400
    faults = answer.json["faults"]
    assert [(fault["item"], fault["field"]) for fault in faults] == [(1, "Email"), (2, "Scope")]
    assert faults[0].items() <= answer.json.items()
    assert (await listed(gate))["total"] == 0


async def test_the_most_at_once(gate: RunningGate) -> None:
    """As many entries as are documented are taken in one request, and no more."""
    entries = [{"Email": f"n{number}@example.com"} for number in range(MOST + 1)]
    assert (await gate.api("POST", ENTRIES, entries)).status == 400
    assert (await gate.api("POST", ENTRIES, entries[:-1])).status == 201
    assert (await listed(gate, "?$top=0"))["total"] == MOST
    assert reasons(await gate.mail(entries[0]["Email"], entries[MOST - 1]["Email"])) == "blacklist_entry"


# ── lists ──


async def test_pages(gate: RunningGate) -> None:
    """A list has a hundred entries unless it is told otherwise; total counts all, count those on the page."""
    names = [f"n{number:03}@example.com" for number in range(120)]
    await enter(gate, *({"Email": name} for name in names))
    for query, wanted in (
        ("", names[:100]),
        ("?$skip=100", names[100:]),
        ("?%24skip=10&%24top=5", names[10:15]),
        ("?$top=0", []),
        ("?$top=9999", names),
        ("?$skip=9998&$top=1", []),
    ):
        page = await listed(gate, query)
        assert (page["total"], page["count"]) == (120, len(wanted))
        assert [item["Email"] for item in page["items"]] == wanted


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("$top=10000", "$top", id="the window"),
        pytest.param("$skip=9900", "$top", id="the window, with the standard page"),
        pytest.param("$skip=5000&$top=5000", "$top", id="the window, by both"),
        pytest.param("$top=-1", "$top", id="fewer than none"),
        pytest.param("$skip=a", "$skip", id="no number"),
        pytest.param("$top=", "$top", id="nothing"),
        pytest.param("$top=%D9%A1", "$top", id="another script's digit"),
        pytest.param("$top=" + "9" * 30, "$top", id="a number beyond all"),
        pytest.param("$top=1&$top=2", "$top", id="twice"),
        pytest.param("top=1", "top", id="without its mark"),
        pytest.param("$orderBy=Email&$orderby=Scope", "$orderby", id="two orders"),
        pytest.param("100&$top=10", "100", id="a skip without its name, as a published client has it"),
        pytest.param("$count=true", "$count", id="what other languages have"),
    ],
)
async def test_a_parameter_is_refused(gate: RunningGate, query: str, field: str) -> None:
    """A parameter that is out of bounds, or that nobody reads, is 400 with its name and never silently passed over."""
    answer = await gate.api("GET", f"{ENTRIES}?{query}")
    assert (answer.status, answer.json["field"]) == (400, field)


# ── filters and orders ──

LISTED: list[dict[str, Any]] = [
    {"Email": "John.Doe@example.com", "Scope": "shop"},
    {"Email": "john.doe+news@example.com", "Reason": "asked, twice"},
    {"Email": "*@example.org", "Scope": "blog", "ExpiresAt": "2098-01-01T00:00:00Z"},
    {"Phone": PHONE, "Scope": "shop", "ExpiresAt": "2099-01-01T10:00:00.1234567Z"},
]
ASKED = [
    pytest.param("$filter=Email eq John.Doe@EXAMPLE.com", [0], id="an address in another spelling"),
    pytest.param('$filter=Email eq "john.doe@example.com"', [0], id="in quotes"),
    pytest.param("$filter=Email+eq+john.doe%2Bnews@example.com", [1], id="a plus, escaped"),
    pytest.param(
        "%24filter=Email+eq+john.doe%2bnews%40example.com+AND+Scope+EQ+NULL&%24orderby=Email+DESC&%24skip=0&%24top=100",
        [1],
        id="as .NET encodes it",
    ),
    pytest.param("$filter=Email eq *@Example.ORG", [2], id="a pattern"),
    pytest.param("$filter=Phone eq 0049 151 12345678", [3], id="a number in another spelling"),
    pytest.param("$filter=Email eq null", [3], id="no address"),
    pytest.param("$filter=Scope eq null", [1], id="no scope"),
    pytest.param("$filter=Scope eq ''", [1], id="an empty scope"),
    pytest.param("$filter=Scope ne shop", [1, 2], id="another scope, or none"),
    pytest.param("$filter=scope eq shop", "$filter=character 1:", id="a field in lower case"),
    pytest.param("$filter=Scope eq shop AND NOT (Phone ne null)", [0], id="words in capitals"),
    pytest.param("$filter=Scope EQ shop and not Email eq null or Scope eq blog", [0, 2], id="and before or"),
    pytest.param("$filter=Scope eq shop, blog", [0, 2, 3], id="any of several"),
    pytest.param("$filter=Scope eq 'shop' and 'blog'", "$filter=character 21:", id="two values at once"),
    pytest.param("$filter=Reason eq asked, twice", [], id="a comma outside of quotes"),
    pytest.param('$filter=Reason eq "asked, twice"', [1], id="a comma in quotes"),
    pytest.param("$filter=ExpiresAt gt 2098-06-01", [3], id="a date"),
    pytest.param("$filter=ExpiresAt eq 2098-01-01T00:00:00", [2], id="a time without a zone"),
    pytest.param("$filter=ExpiresAt eq 2099-01-01T12:00:00.1234567%2B02:00", [3], id="seven digits, and a zone"),
    pytest.param("$filter=not ExpiresAt lt 2099-01-01", [0, 1, 3], id="what has none is not less"),
    pytest.param("$filter=ExpiresAt le 2099-01-01 and ExpiresAt gt 2098-12-31", [3], id="to the end of a day"),
    pytest.param("$filter=BlacklistId ne 0", "$all", id="an id"),
    pytest.param("$filter=", "$all", id="an empty filter"),
    pytest.param("$filter=&$orderBy=", "$all", id="an empty order"),
    pytest.param("$orderBy=Email desc&$filter=Phone eq null", [0, 1, 2], id="an order"),
    pytest.param("$orderby=Scope ASC, Email DESC", [1, 2, 0, 3], id="an order, as their clients write it"),
    pytest.param("$FILTER=Scope eq shop&$OrderBy=Phone DESC", [0, 3], id="parameters in capitals"),
    pytest.param("%24filter=Scope%20eq%20%22shop%22&%24top=1", [0], id="escaped as a whole"),
    pytest.param("$filter=Email eq john.doe+news@example.com", "$filter=character 10:", id="a plus, unescaped"),
    pytest.param("$filter=Phone eq +4915112345678", "$filter=character 11:", id="a number with an unescaped plus"),
    pytest.param("$filter=Email eq nonsense", "$filter=character 10:", id="no address at all"),
    pytest.param("$filter=ExpiresAt lt tomorrow", "$filter=character 14:", id="no time"),
    pytest.param("$filter=Name eq a", "$filter=character 1:", id="no field"),
    pytest.param("$filter=Email.Domain eq a", "$filter=character 1:", id="a field of a field"),
    pytest.param("$filter=Scope eq", "$filter=character 9:", id="no value"),
    pytest.param("$filter=Scope = shop", "$filter=character 7:", id="another sign"),
    pytest.param("$filter=(Scope eq shop", "$filter=character 15:", id="an open bracket"),
    pytest.param("$filter=startswith(Email,'a')", "$filter=character 11:", id="a function"),
    pytest.param("$filter=Scope eq %FF", [], id="no text"),
    pytest.param("$orderBy=Name", "$orderBy=character 1:", id="an order by no field"),
    pytest.param("$orderby=Email up", "$orderby=character 7:", id="no direction"),
    pytest.param("$filter=" + "(" * 7000, "$filter=character 7001:", id="brackets alone"),
    pytest.param("$filter=" + "(" * 3000 + "Scope eq blog" + ")" * 3000, [2], id="brackets in pairs"),
    pytest.param("$filter=" + "not " * 100 + "Scope eq blog", "$filter=character 401:", id="too deep"),
]


@pytest.mark.parametrize(("query", "wanted"), ASKED)
async def test_a_list_is_asked(gate: RunningGate, query: str, wanted: list[int] | str) -> None:
    """A filter and an order give the entries that they mean, counted; a wrong one is 400 and names its character."""
    ids = await enter(gate, *LISTED)
    answer = await gate.api("GET", f"{ENTRIES}?{query.replace(' ', '%20')}")
    if isinstance(wanted, str) and wanted != "$all":
        field, _, character = wanted.partition("=")
        assert (answer.status, answer.json["field"]) == (400, field)
        assert answer.json["message"].startswith(character)
        return
    numbers = [0, 1, 2, 3] if isinstance(wanted, str) else wanted
    assert [ids.index(item["BlacklistId"]) for item in answer.json["items"]] == numbers
    assert (answer.status, answer.json["count"]) == (200, len(numbers))


@pytest.mark.parametrize("asked", ["Email eq john.doe+news@example.com", "Phone eq +4915112345678"])
async def test_an_unescaped_plus_is_explained(gate: RunningGate, asked: str) -> None:
    """Whoever asks for an address with a plus that became a blank is told so, without the address."""
    answer = await gate.api("GET", f"{ENTRIES}?$filter={asked.replace(' ', '%20')}")
    assert (answer.status, "a + is written %2B" in answer.json["message"]) == (400, True)
    assert "john" not in answer.json["message"]
    assert "4915" not in answer.json["message"]


# ── what becomes of sends ──


async def test_an_acknowledged_entry_stops_the_send(gate: RunningGate, upstream: Upstream) -> None:
    """From its answer on an entry stops sends in any spelling and class, alone, and removed it lets them pass."""
    (entry,) = await enter(gate, {"Email": "Ann@Example.com"})
    for to in ("ann@example.com", "ANN@EXAMPLE.COM", '"ann"@example.com'):
        assert reasons(await gate.mail(to)) == "blacklist_entry"
    answer = await gate.mail("ann@example.com", "bob@example.com")
    assert (answer.status, answer.get("X-Sendgate-Outcome")) == (202, "trimmed")
    assert b"ann" not in upstream.heard[0].body
    assert (await gate.records())[0]["origin"] == "api"
    assert (await gate.api("DELETE", f"{ENTRIES}{entry}")).status == 200
    assert (await gate.mail("ann@example.com")).get("X-Sendgate-Outcome") == "forwarded"


async def test_patterns_and_numbers(gate: RunningGate, upstream: Upstream) -> None:
    """Patterns stop whom they stand for and numbers stop texts, and nobody else's go amiss."""
    await enter(gate, {"Email": "*@example.com"}, {"Email": "*.example.org"}, {"Phone": "0049 151 12345678"})
    for to in ("zed@Example.com", "a@b.example.org"):
        assert reasons(await gate.mail(to)) == "blacklist_entry"
    assert reasons(await gate.text(PHONE)) == "blacklist_entry"
    assert upstream.heard == []
    for to in ("zed@mail.example.com", "a@example.org"):
        assert (await gate.mail(to)).status == 202


async def test_scopes_come_from_the_configuration_alone(open_gate: OpenGate) -> None:
    """A route obeys its own scope and entries without one, one without scope obeys all, whatever a request claims."""
    gate = await open_gate(routes={"mail": {"scope": "shop"}})
    await enter(gate, {"Email": "a@x.de", "Scope": "shop"}, {"Email": "b@x.de", "Scope": "blog"}, {"Email": "c@x.de"})
    claims = [("X-Sendgate-Scope", "blog"), ("Scope", "blog")]
    told = {to: reasons(await gate.mail(to, headers=claims)) for to in ("a@x.de", "b@x.de", "c@x.de")}
    assert told == {"a@x.de": "blacklist_entry", "b@x.de": None, "c@x.de": "blacklist_entry"}
    for to in ("a@x.de", "b@x.de", "c@x.de"):
        assert reasons(await gate.mail(to, route="sandbox")) == "blacklist_entry"


async def test_a_transactional_message_is_stopped_too(open_gate: OpenGate) -> None:
    """An entry knows no message class."""
    gate = await open_gate(routes={"mail": {"transactional": {"always": True}}})
    await enter(gate, {"Email": ADMIN})
    assert reasons(await gate.mail(ADMIN)) == "blacklist_entry"


async def test_a_suppressed_recipient_is_answered_natively(open_gate: OpenGate, upstream: Upstream) -> None:
    """With native refusals a send to a listed address looks like a success, and nothing is sent."""
    gate = await open_gate(policy={"refusal": "native"})
    await enter(gate, {"Email": ADMIN})
    assert ((await gate.mail(ADMIN)).status, upstream.heard) == (202, [])


async def test_standing_tells_of_entries(gate: RunningGate) -> None:
    """Whoever asks how an address stands is told of every entry that stands for it, patterns included."""
    await enter(gate, {"Email": ADMIN, "Scope": "shop"}, {"Email": "*@example.com"}, {"Email": "*@example.org"})
    told = (await gate.api("GET", f"/standing?address={ADMIN}")).json
    assert [entry["Email"] for entry in told["blacklist"]] == [ADMIN, "*@example.com"]
    assert told["items"] == []


async def test_entries_are_counted(gate: RunningGate) -> None:
    """Entries made and removed are counted as applied, repeats as such, and the store's rows tell how many are left."""
    (entry, _) = await enter(gate, {"Email": ADMIN}, {"Email": ADMIN})
    await gate.api("DELETE", f"{ENTRIES}{entry}")
    assert gate.metric("sendgate_events_total", effect="applied") == 2
    assert gate.metric("sendgate_events_total", effect="repeated") == 1
    await enter(gate, {"Email": ADMIN})
    await gate.app.health.measure()
    assert gate.metric("sendgate_store_rows", table="blacklist") == 1


async def test_nothing_is_acknowledged_that_is_not_committed(gate: RunningGate, settings: Settings) -> None:
    """While the store cannot be written an entry is 503, with when to come again."""
    settings.store.unlink()
    answer = await gate.api("POST", ENTRIES, {"Email": ADMIN})
    assert (answer.status, answer.body, answer.get("Retry-After")) == (503, b"", "5")


async def test_what_a_csharp_client_sends(open_gate: OpenGate) -> None:
    """A whole object in capitals with nulls, a plus in its address, a charset, and escaped parameters."""
    gate = await open_gate(api=KEYS)
    body = json.dumps({"BlacklistId": None, "Email": "john.doe+news@example.com", "Scope": "commercesite"}).encode()
    posted = request("POST", ENTRIES, [("Content-Type", "application/json; charset=utf-8"), *EPI.items()], body)
    assert (await gate.ask(posted, "api")).status == 201
    assert reasons(await gate.mail("John.Doe+News@example.com")) == "blacklist_entry"
    assert (await gate.mail("john.doe@example.com")).status == 202
    asked = await gate.ask(request("GET", f"{ENTRIES}?%24skip=0&%24top=1", EPI.items()), "api")
    assert (asked.status, asked.json["count"]) == (200, 1)


@given(st.sampled_from([None, PHONE]), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_shown(phone: str | None, scope: str, reason: str, expires: str) -> None:
    """An entry shows its three documented fields always, and what is beyond them only where it was told."""
    told = shown(BlacklistEntry("id", phone or ADMIN, scope, reason, expires))
    assert list(told)[:3] == ["BlacklistId", "Email", "Scope"]
    assert (told["Email"], told.get("Phone")) == ((None, PHONE) if phone else (ADMIN, None))
    assert (told["Scope"] or "", told.get("Reason", ""), told.get("ExpiresAt", "")) == (scope, reason, expires)
    assert all(told[name] for name in list(told)[3:])
