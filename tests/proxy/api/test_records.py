"""Dispatch failed records: each filter, the cursor to the end, one by its id, streams and counts."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import quote

import pytest

from policy import times
from tests.conftest import OpenGate, RunningGate

A, B, C = "a@example.com", "b@example.com", "c@example.com"
PHONE = "+4915112345678"
SENDERS = [{"name": name, "key": name, "routes": ["mail", "sms-sandbox"]} for name in ("shop", "news")]


@pytest.fixture
async def filled(open_gate: OpenGate) -> RunningGate:
    """Give a gate with five records that differ in everything a filter knows."""
    gate = await open_gate(senders=SENDERS)
    await gate.user("7", email=A, businessUnit="DE")
    await gate.tell("Blacklisted", id="7")
    await gate.tell("Opt Out", "MAIL", email=B)
    await gate.tell("Blacklisted", phone=PHONE)
    shop, news = [("X-Sendgate-Key", "shop")], [("X-Sendgate-Key", "news")]
    await gate.mail(A, headers=[*shop, ("X-Sendgate-Campaign", "autumn")])
    await gate.mail(B, headers=[*news, ("X-Sendgate-Campaign", "winter")])
    await gate.text(PHONE, route="sms-sandbox", headers=shop)
    await gate.mail("a@b@c", headers=news)
    await gate.mail(C)
    return gate


async def found(gate: RunningGate, **query: str) -> list[str | None]:
    """Give the reasons that fit a filter, oldest first."""
    return [record["reason"] for record in reversed(await gate.records(**query))]


EVERYTHING = ["blacklisted", "opted_out_channel", "blacklisted", "invalid_address", "sender_refused"]


@pytest.mark.parametrize(
    ("query", "reasons"),
    [
        ({}, EVERYTHING),
        ({"reason": "blacklisted"}, ["blacklisted", "blacklisted"]),
        ({"reason": "opted_out"}, []),
        ({"route": "sms-sandbox"}, ["blacklisted"]),
        ({"route": "unheard"}, []),
        ({"decision": "unheard"}, []),
        ({"channel": "SMS"}, ["blacklisted"]),
        ({"channel": "mail"}, ["blacklisted", "opted_out_channel", "invalid_address"]),
        ({"address": "A@Example.com."}, ["blacklisted"]),
        ({"address": PHONE}, ["blacklisted"]),
        ({"address": "0049 151 12345678"}, ["blacklisted"]),
        ({"address": "nobody@example.com"}, []),
        ({"address": "no address"}, []),
        ({"user": "7"}, ["blacklisted"]),
        ({"campaign": "winter"}, ["opted_out_channel"]),
        ({"sender": "shop"}, ["blacklisted", "blacklisted"]),
        ({"sender": "shop", "channel": "MAIL", "reason": "blacklisted"}, ["blacklisted"]),
        ({"sender": "shop", "campaign": "winter"}, []),
        ({"since": "2000-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"}, EVERYTHING),
        ({"since": "2999-01-01T00:00:00Z"}, []),
        ({"until": "2000-01-01T00:00:00+02:00"}, []),
    ],
    ids=str,
)
async def test_filters(filled: RunningGate, query: dict[str, str], reasons: list[str]) -> None:
    """Every filter narrows the list to what fits, and all of them must."""
    assert await found(filled, **query) == reasons


async def test_since_and_until(filled: RunningGate) -> None:
    """A record is in the span that begins at its time, and not in the one that ends there."""
    third = (await filled.records())[2]["time"]
    assert await found(filled, since=third) == EVERYTHING[2:]
    assert await found(filled, until=third) == EVERYTHING[:2]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("colour=blue", ("colour", "UNKNOWN_VALUE")),
        ("bob@example.com=1", ("*", "UNKNOWN_VALUE")),
        ("4915112345678=1", ("*", "UNKNOWN_VALUE")),
        ("reason=nonsense", ("reason", "UNKNOWN_VALUE")),
        ("channel=FAX", ("channel", "UNKNOWN_VALUE")),
        ("route=a&route=b", ("route", "UNKNOWN_VALUE")),
        ("since=yesterday", ("since", "WRONG_FORMAT")),
        ("until=2022-01-01T00:00:00", ("until", "WRONG_FORMAT")),
        ("limit=0", ("limit", "WRONG_VALUE")),
        ("limit=1001", ("limit", "WRONG_VALUE")),
        ("limit=-1", ("limit", "WRONG_VALUE")),
        ("limit=%D9%A1", ("limit", "WRONG_VALUE")),
        ("limit=0000000010000000", ("limit", "WRONG_VALUE")),
        ("cursor=x", ("cursor", "WRONG_FORMAT")),
        ("cursor=99999999999999999999", ("cursor", "WRONG_FORMAT")),
        ("format=xml", ("format", "UNKNOWN_VALUE")),
    ],
)
async def test_faulty_filters(gate: RunningGate, query: str, fault: tuple[str, str]) -> None:
    """A filter that nobody reads, or that cannot be read, is a fault and not ignored."""
    answer = await gate.api("GET", f"/dispatch-failed?{query}")
    assert (answer.status, answer.json) == (400, {"field": fault[0], "type": fault[1]})


@pytest.mark.parametrize("limit", [1, 2, 7, 25, 1000])
async def test_paging(open_gate: OpenGate, limit: int) -> None:
    """The cursor leads through every record, newest first, once each, while new ones come in."""
    gate = await open_gate(policy={"allow_only": [A]})
    await gate.mail(*(f"{n}@example.com" for n in range(25)))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await gate.api("GET", f"/dispatch-failed?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))).json
        assert len(page["items"]) <= limit
        seen += [record["address"] for record in page["items"]]
        cursor = page["next"]
        await gate.mail("late@example.com")
    assert seen == [f"{n}@example.com" for n in reversed(range(25))]


async def test_a_hundred_by_default(open_gate: OpenGate) -> None:
    """Without a limit a page has a hundred records; the last page has no cursor."""
    gate = await open_gate(policy={"allow_only": [A]})
    await gate.mail(*(f"{n}@example.com" for n in range(150)))
    first = (await gate.api("GET", "/dispatch-failed")).json
    second = (await gate.api("GET", f"/dispatch-failed?cursor={first['next']}")).json
    assert (len(first["items"]), len(second["items"]), second["next"]) == (100, 50, None)


async def test_one_by_its_id(filled: RunningGate) -> None:
    """A record is read by its id as it stands in the list; an unknown one is 404, empty."""
    for record in await filled.records():
        assert (await filled.api("GET", f"/dispatch-failed/{record['id']}")).json == record
    for unknown in ("0", "999", "99999999999999999999", "x", "-1", "%20"):
        answer = await filled.api("GET", f"/dispatch-failed/{unknown}")
        assert (answer.status, answer.body) == (404, b"")


async def test_what_a_record_says(filled: RunningGate) -> None:
    """Times are in UTC with a zone, ids are texts, flags are flags, and no digest is shown."""
    record = (await filled.records(user="7"))[0]
    assert (record["time"].endswith("Z"), times.read(record["time"]).text) == (True, record["time"])
    assert (record["id"].isdigit(), record["enforced"], record["sent"]) == (True, True, "no")
    assert (record["sender"], record["campaign"], record["business_unit"]) == ("shop", "autumn", "DE")
    assert "digest" not in record


async def test_a_kept_address_is_masked(gate: RunningGate) -> None:
    """Nobody has the address any more, so its record shows the masked form and is still found by it."""
    await gate.user("1", email=A)
    await gate.tell("Blacklisted", id="1")
    await gate.user("1", email=B)
    await gate.mail(A)
    (record,) = await gate.records(address=A)
    assert (record["address"], record["reason"]) == ("a***@example.com", "blacklisted")


@pytest.mark.parametrize("how", ["?format=ndjson", "Accept: application/x-ndjson"])
async def test_a_stream_of_json(filled: RunningGate, how: str) -> None:
    """As NDJSON every record that fits comes in one stream, a line each."""
    query, headers = (how, {}) if how.startswith("?") else ("", dict([how.split(": ")]))
    answer = await filled.api("GET", f"/dispatch-failed{query}", headers=headers)
    assert (answer.get("Content-Type") or "").startswith("application/x-ndjson")
    assert [json.loads(line) for line in answer.body.splitlines()] == await filled.records()


async def test_a_stream_of_csv(filled: RunningGate) -> None:
    """As CSV every record that fits comes with a heading, and no cell is a formula to a spreadsheet."""
    await filled.mail("=1+1", headers=[("X-Sendgate-Key", "shop"), ("X-Sendgate-Campaign", "@x")])
    answer = await filled.api("GET", "/dispatch-failed?format=csv&sender=shop")
    assert (answer.get("Content-Type") or "").startswith("text/csv")
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [row["reason"] for row in rows] == ["invalid_address", "blacklisted", "blacklisted"]
    assert (rows[0]["address"], rows[0]["campaign"], rows[1]["address"]) == ("'=1+1", "'@x", PHONE)


@pytest.mark.parametrize(
    ("by", "items"),
    [
        (
            "reason",
            {"blacklisted": (2, 2), "opted_out_channel": (1, 1), "invalid_address": (1, 1), "sender_refused": (1, 0)},
        ),
        ("route", {"mail": (4, 3), "sms-sandbox": (1, 1)}),
        ("sender", {"shop": (2, 2), "news": (2, 2), "": (1, 0)}),
    ],
)
async def test_summaries(filled: RunningGate, by: str, items: dict[str, tuple[int, int]]) -> None:
    """Records and their recipients are counted by what is asked for."""
    told = (await filled.api("GET", f"/dispatch-failed/summary?by={by}")).json
    assert {item[by]: (item["records"], item["recipients"]) for item in told["items"]} == items
    assert told["next"] is None


async def test_a_summary_is_narrowed(filled: RunningGate) -> None:
    """The same filters narrow a summary; by what is a must."""
    told = (await filled.api("GET", f"/dispatch-failed/summary?by=day&address={quote(A)}")).json
    assert [item["records"] for item in told["items"]] == [1]
    for query, fault in (("", "NOT_NULL"), ("by=address", "UNKNOWN_VALUE")):
        answer = await filled.api("GET", f"/dispatch-failed/summary?{query}")
        assert (answer.status, answer.json) == (400, {"field": "by", "type": fault})
