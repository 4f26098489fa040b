"""/segments: filters under a name, and the people whom they mean, as pages and as streams."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from policy.store import segments
from tests.conftest import OpenGate, RunningGate, request

SPRING: dict[str, Any] = {
    "events": {"name": "Opt Out", "channel": "MAIL", "properties": {"campaign": "spring"}},
    "standing": {"blacklisted": False},
}
EVERYBODY: dict[str, Any] = {}


async def save(gate: RunningGate, tree: dict[str, Any], name: str = "s") -> None:
    """Save a segment."""
    assert (await gate.api("POST", "/segments", {"name": name, **tree})).status == 201


async def opt_out(gate: RunningGate, campaign: str, **subject: str) -> None:
    """Let somebody opt out of mail, on account of a campaign."""
    event = {"event": "Opt Out", "properties": {"channel.type": "MAIL", "campaign": campaign}}
    assert (await gate.api("POST", "/events", {**subject, "events": [event]})).status == 202


async def ids(gate: RunningGate, name: str = "s", limit: int = 100) -> list[str]:
    """List the ids of a segment's people, page by page."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await gate.api("GET", f"/segments/{name}/users?limit={limit}{cursor and f'&cursor={cursor}'}")).json
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
    return found


async def rows(gate: RunningGate, query: str = "format=csv", name: str = "s") -> list[dict[str, str]]:
    """Read a segment as CSV, as a spreadsheet does."""
    answer = await gate.api("GET", f"/segments/{name}/users?{query}")
    assert (answer.status, answer.get("Content-Type")) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))


async def test_who_opted_out_of_a_campaign(gate: RunningGate) -> None:
    """A segment has those whom its filter means when it is asked, with how they stand."""
    await gate.user("1", email="a@example.com", businessUnit="DE", phone="+4915112345678")
    for external_id, campaign in (("1", "spring"), ("2", "autumn"), ("3", "spring")):
        await opt_out(gate, campaign, id=external_id)
    await gate.tell("Blacklisted", id="3")
    await save(gate, SPRING)
    (item,) = (await gate.api("GET", "/segments/s/users")).json["items"]
    xng_id = item.pop("xngId")
    assert len(xng_id) == 36
    assert item == {
        "id": "1",
        "email": "a@example.com",
        "businessUnit": "DE",
        "phones": {"phone": "+4915112345678"},
        "blacklisted": False,
        "optOutAll": False,
        "optOutChannels": ["MAIL"],
    }
    await gate.tell("Whitelisted", id="3")
    assert await ids(gate) == ["1", "3"]


async def test_a_segment_and_its_life(gate: RunningGate) -> None:
    """A segment is saved once, read, listed and deleted; another filter under its name is refused while it is there."""
    made = await gate.api("POST", "/segments", {"name": "s", **SPRING})
    again = await gate.api("POST", "/segments", {"name": "s", **SPRING, "standing": {"blacklisted": False}})
    other = await gate.api("POST", "/segments", {"name": "s"})
    assert (made.status, again.status, (other.status, other.body)) == (201, 200, (409, b""))
    told = made.json
    assert told.pop("created")
    assert told == {"name": "s", **SPRING, "events": {**SPRING["events"], "at_least": 1}}
    assert (await gate.api("GET", "/segments/s")).json == made.json == again.json
    assert (await gate.api("GET", "/segments")).json == {"items": [made.json], "next": None}
    assert (await gate.api("DELETE", "/segments/s")).status == 204
    for method, path in (("GET", "/segments/s"), ("DELETE", "/segments/s"), ("GET", "/segments/s/users")):
        gone = await gate.api(method, path)
        assert (gone.status, gone.body) == (404, b"")


async def test_segments_are_paged(gate: RunningGate) -> None:
    """The list leads through every segment once, by name."""
    for name in ("b", "a", "c"):
        await save(gate, EVERYBODY, name)
    first = (await gate.api("GET", "/segments?limit=2")).json
    rest = (await gate.api("GET", f"/segments?limit=2&cursor={first['next']}")).json
    assert [item["name"] for item in first["items"] + rest["items"]] == ["a", "b", "c"]
    assert rest["next"] is None


@pytest.mark.parametrize("limit", [1, 2, 1000])
async def test_people_are_paged(gate: RunningGate, limit: int) -> None:
    """The cursor leads through everybody once, whatever stands between them."""
    for number in range(7):
        await gate.tell("Opt Out", "MAIL" if number % 2 else "SMS", id=str(number))
    await save(gate, {"standing": {"opted_out": {"MAIL": True}}})
    assert await ids(gate, limit=limit) == ["1", "3", "5"]


async def test_a_page_that_has_looked_long_enough(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may be empty and have a next one: however rare somebody is, no request looks through everybody."""
    monkeypatch.setattr("proxy.api.segments.SLICES", 1)
    monkeypatch.setattr(segments, "SLICE", 2)
    for number in range(7):
        await gate.tell("Blacklisted" if number == 6 else "Opt Out", id=str(number))
    await save(gate, {"standing": {"blacklisted": True}})
    assert (await gate.api("GET", "/segments/s/users")).json == {"items": [], "next": "2"}
    assert await ids(gate) == ["6"]


# ── streams ──


async def test_csv_has_the_columns_of_an_export(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """As CSV everybody comes in one stream, however many slices it is read in."""
    monkeypatch.setattr(segments, "SLICE", 3)
    for number in range(10):
        await opt_out(gate, "spring", id=str(number))
    await save(gate, SPRING)
    told = await rows(gate)
    assert [row["id"] for row in told] == [str(number) for number in range(10)]
    assert told[0]["optOutChannels"] == "MAIL"
    assert [row["id"] for row in await rows(gate, "format=csv&limit=4")] == ["0", "1", "2", "3"]
    assert [row["id"] for row in await rows(gate, "format=csv&cursor=8")] == ["8", "9"]


async def test_nobody_as_csv(gate: RunningGate) -> None:
    """Without anybody the first line is there all the same."""
    await save(gate, EVERYBODY)
    answer = await gate.api("GET", "/segments/s/users", headers={"Accept": "text/csv"})
    assert answer.body.startswith(b"id,email,businessUnit,phone,blacklisted,")
    assert answer.body.count(b"\n") == 1


async def test_ndjson(gate: RunningGate) -> None:
    """As NDJSON each person is an object of its own line."""
    await gate.user("1", email="a@example.com")
    await gate.tell("Blacklisted", id="2")
    await save(gate, EVERYBODY)
    answer = await gate.api("GET", "/segments/s/users?format=ndjson")
    first, second = map(json.loads, answer.body.splitlines())
    assert first == {"id": "1", "email": "a@example.com"}
    assert (second["id"], second["blacklisted"]) == ("2", True)


@pytest.mark.parametrize(
    ("external_id", "cell"), [("=1+1", "'=1+1"), ("@x", "'@x"), ('",=1', '",=1'), ("-1", "-1"), ("ü€", "ü€")]
)
async def test_no_cell_is_a_formula(gate: RunningGate, external_id: str, cell: str) -> None:
    """What somebody wrote is one cell of one row, and nothing that a spreadsheet would run."""
    await gate.tell("Blacklisted", id=external_id)
    await save(gate, EVERYBODY)
    (row,) = await rows(gate)
    assert (row["id"], row["blacklisted"]) == (cell, "true")


@pytest.mark.parametrize("path", ["/segments/s/users", "/dispatch-failed"])
async def test_head_has_no_body(gate: RunningGate, path: str) -> None:
    """Who asks for the head of a stream gets nothing else, and the next answer stands where it is looked for."""
    await gate.tell("Blacklisted", id="1", email="a@example.com")
    await gate.mail("a@example.com")
    await save(gate, EVERYBODY)
    async with gate.connect("api") as line:
        for method, target in (("HEAD", f"{path}?format=csv"), ("GET", "/segments/s")):
            await line.say(request(method, target, [("Host", "localhost")]))
            answer = await line.answer(method)
            assert answer.status == 200
    assert answer.json["name"] == "s"


async def test_a_stream_that_breaks_is_seen_to_break(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the store fails in the middle, the stream does not end as if it were whole."""
    monkeypatch.setattr(segments, "SLICE", 1)
    await many(gate, 2000)
    await save(gate, EVERYBODY)
    path = gate.app.policy.database.path
    async with gate.session.get(f"{gate.url('api')}/segments/s/users?format=csv") as response:
        await response.content.readline()
        path.rename(path.with_name("gone.db"))
        with pytest.raises(aiohttp.ClientError):
            await response.content.read()
    path.with_name("gone.db").rename(path)


async def many(gate: RunningGate, count: int) -> None:
    """Let many people opt out."""
    for start in range(0, count, 1000):
        body = {
            "rows": [[str(n), "", "", "", "", "", "true", "", "", ""] for n in range(start, min(start + 1000, count))]
        }
        assert (await gate.api("POST", "/import", body)).status == 200


# ── what is no filter ──

STATEMENT = "x'; DROP TABLE segment; --"
HOSTILE = [
    pytest.param({"name": STATEMENT}, "name", id="a statement for a name"),
    pytest.param({"name": "../users"}, "name", id="a path for a name"),
    pytest.param({}, "name", id="no name"),
    pytest.param({"name": "s", "where": STATEMENT}, "filter", id="a key of SQL"),
    pytest.param({"name": "s", "events": {STATEMENT: 1}}, "events", id="a statement for a key"),
    pytest.param({"name": "s", "events": {"name": {"$ne": None}}}, "events.name", id="an operator"),
    pytest.param({"name": "s", "events": {"from": "2026-01-01T00:00:00"}}, "events.from", id="a time without zone"),
    pytest.param({"name": "s", "events": {"to": "10000-01-01T00:00:00Z"}}, "events.to", id="the year 10000"),
    pytest.param({"name": "s", "events": {"channel": STATEMENT}}, "events.channel", id="a statement for a channel"),
    pytest.param({"name": "s", "events": {"properties": {"a": {"b": {}}}}}, "events.properties", id="nesting"),
    pytest.param({"name": "s", "events": {"properties": {"a": [1] * 50_000}}}, "events.properties", id="a huge list"),
    pytest.param({"name": "s", "events": {"at_least": 10**40}}, "events.at_least", id="an endless number"),
    pytest.param({"name": "s", "standing": {"opted_out": [STATEMENT]}}, "standing.opted_out", id="a list"),
]


@pytest.mark.parametrize(("body", "field"), HOSTILE)
async def test_what_is_no_filter(gate: RunningGate, body: dict[str, Any], field: str) -> None:
    """A hostile filter is told what is wrong with it, in the rule's words and not in its own."""
    answer = await gate.api("POST", "/segments", body)
    assert (answer.status, answer.json["field"], answer.json["type"]) == (400, field, "WRONG_VALUE")
    assert answer.json["message"]
    assert b"DROP" not in answer.body
    assert (await gate.api("GET", "/segments")).json == {"items": [], "next": None}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"name":"s","events":' + b'{"properties":' * 5000 + b"1" + b"}" * 5001, id="endless nesting"),
        pytest.param(b'{"name":"s","name":"t"}', id="a key twice"),
        pytest.param(b'["s"]', id="no object"),
        pytest.param(b'{"name":"s","events":{"last_days":NaN}}', id="no number"),
        pytest.param(b"{", id="no JSON"),
    ],
)
async def test_what_is_no_json(gate: RunningGate, body: bytes) -> None:
    """What cannot be read at all is a fault of the body."""
    answer = await gate.api("POST", "/segments", body)
    assert (answer.status, answer.json) == (400, {"field": "body", "type": "WRONG_FORMAT"})


async def test_a_statement_is_a_text_like_any_other(gate: RunningGate) -> None:
    """Names and values of properties that look like SQL are looked for as they are, and do nothing."""
    odd = {STATEMENT: STATEMENT, '$."a"': "' OR 1=1 --"}
    await gate.api("POST", "/events", {"id": "1", "events": [{"event": "Opt Out", "properties": odd}]})
    await gate.api("POST", "/events", {"id": "2", "events": [{"event": "Opt Out"}]})
    await save(gate, {"events": {"properties": odd}})
    await save(gate, {"events": {"properties": {"a": "' OR 1=1 --"}}}, "t")
    await save(gate, {"events": {"name": STATEMENT, "origin": STATEMENT}}, "u")
    assert (await ids(gate), await ids(gate, "t"), await ids(gate, "u")) == (["1"], [], [])


@pytest.mark.parametrize(
    ("path", "field", "kind"),
    [
        ("/segments/s/users?colour=1", "colour", "UNKNOWN_VALUE"),
        ("/segments/s/users?limit=0", "limit", "WRONG_VALUE"),
        ("/segments/s/users?cursor=x", "cursor", "WRONG_FORMAT"),
        ("/segments/s/users?cursor=-1", "cursor", "WRONG_FORMAT"),
        ("/segments/s/users?format=xml", "format", "UNKNOWN_VALUE"),
        ("/segments/s/users?format=csv&limit=1001", "limit", "WRONG_VALUE"),
        ("/segments?limit=x", "limit", "WRONG_VALUE"),
        ("/segments?format=csv", "format", "UNKNOWN_VALUE"),
    ],
)
async def test_a_wrong_parameter(gate: RunningGate, path: str, field: str, kind: str) -> None:
    """A parameter that nobody reads, or that cannot be read, is a fault."""
    await save(gate, EVERYBODY)
    answer = await gate.api("GET", path)
    assert (answer.status, answer.json) == (400, {"field": field, "type": kind})


@pytest.mark.parametrize("cursor", ["7", "999999999999999999"])
async def test_a_cursor_behind_everybody(gate: RunningGate, cursor: str) -> None:
    """Behind the last there is nobody, and no next page."""
    await gate.tell("Blacklisted", id="1")
    await save(gate, EVERYBODY)
    assert (await gate.api("GET", f"/segments/s/users?cursor={cursor}")).json == {"items": [], "next": None}
    assert await rows(gate, f"format=csv&cursor={cursor}") == []


@pytest.mark.parametrize("name", ["'; --", "..", "ü", "a/b", "x" * 5000])
async def test_a_name_that_no_segment_has(gate: RunningGate, name: str) -> None:
    """Whatever stands for a name in a path, it is a segment's name or nobody's."""
    assert (await gate.api("GET", f"/segments/{quote(name, safe='')}")).status == 404
    assert (await gate.api("DELETE", f"/segments/{quote(name, safe='')}")).status == 404


async def test_keys_need_the_scope(open_gate: OpenGate) -> None:
    """Segments name people: a key needs the scope for users."""
    keys = [{"name": "all", "key": "k1-of-this-test", "scopes": ["users"]}]
    keys += [{"name": "few", "key": "k2-of-this-test", "scopes": ["events", "records", "blacklists", "release"]}]
    gate = await open_gate(api={"keys": keys})
    one, other = ({"X-XNG-AuthToken": f"k{n}-of-this-test"} for n in (1, 2))
    assert (await gate.api("POST", "/segments", {"name": "s"}, headers=one)).status == 201
    for method, path in (
        ("POST", "/segments"),
        ("GET", "/segments"),
        ("GET", "/segments/s"),
        ("GET", "/segments/s/users"),
        ("DELETE", "/segments/s"),
    ):
        body = {"name": "t"} if method == "POST" else None
        assert (await gate.api(method, path, body, headers=other)).status == 403
        assert (await gate.api(method, path, body)).status == 401


async def test_a_stream_takes_the_memory_of_a_few(gate: RunningGate) -> None:
    """While fifty thousand people are streamed, the process holds a small part of them at any moment."""
    letters, count = "x" * 200, 50_000
    insert = "INSERT INTO person (external_id, email, created_at, updated_at) VALUES (?, ?, 0, 0)"
    people = ((str(n), f"{n}{letters}@example.com") for n in range(count))
    await gate.app.policy.note(lambda connection: connection.executemany(insert, people).rowcount)
    await save(gate, EVERYBODY)
    size = lines = 0
    tracemalloc.start()
    try:
        async with gate.session.get(f"{gate.url('api')}/segments/s/users?format=csv") as response:
            async for chunk in response.content.iter_any():
                size, lines = size + len(chunk), lines + chunk.count(b"\n")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lines == count + 1
    assert peak < size / 2
