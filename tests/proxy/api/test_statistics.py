"""/statistics: how many people said no and how much was not sent, by day or by what it was about."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import pytest

from policy import times
from policy.model import Microseconds
from policy.store import statistics
from tests.conftest import OpenGate, RunningGate

DAY = 86_400_000_000
MARCH = "from=2026-03-01T00:00:00Z&to=2026-03-04T00:00:00Z"


async def tell(
    gate: RunningGate, external_id: str, at: str | None, *, event: str = "Opt Out", **properties: str
) -> None:
    """Tell an event at a time of March 2026."""
    told: dict[str, Any] = {"event": event, "properties": {**properties}}
    if at is not None:
        told["timestamp"] = f"2026-03-{at}:00:00Z"
    assert (await gate.api("POST", "/events", {"id": external_id, "events": [told]})).status == 202


async def items(gate: RunningGate, query: str, of: str = "opt-outs") -> list[dict[str, Any]]:
    """Give the counts."""
    answer = await gate.api("GET", f"/statistics/{of}?{query}")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def counts(opt_outs: int = 0, opt_ins: int = 0, blacklisted: int = 0, whitelisted: int = 0) -> dict[str, int]:
    """Write the counts of statements."""
    return {"opt_outs": opt_outs, "opt_ins": opt_ins, "blacklisted": blacklisted, "whitelisted": whitelisted}


async def test_each_day_has_its_line(gate: RunningGate) -> None:
    """Statements are counted on the day of UTC that they count from, and a day without any has its line too."""
    await tell(gate, "1", "01T23")
    await tell(gate, "2", "01T00")
    await tell(gate, "2", "03T10", event="Opt In")
    await tell(gate, "3", "03T10", event="Blacklisted")
    await tell(gate, "4", "04T00")
    assert await items(gate, f"by=day&{MARCH}") == [
        {"day": "2026-03-01", **counts(2)},
        {"day": "2026-03-02", **counts()},
        {"day": "2026-03-03", **counts(0, 1, 1)},
    ]


async def test_most_frequent_first(gate: RunningGate) -> None:
    """Other values than days come with the most frequent first; what names none is empty."""
    for number, campaign in enumerate(["spring", "autumn", "spring"]):
        await tell(gate, str(number), "02T10", campaign=campaign, **{"channel.type": "MAIL"})
    await tell(gate, "9", "02T10")
    assert await items(gate, f"by=campaign&{MARCH}") == [
        {"campaign": "spring", **counts(2)},
        {"campaign": "", **counts(1)},
        {"campaign": "autumn", **counts(1)},
    ]
    assert await items(gate, f"by=channel&{MARCH}") == [
        {"channel": "MAIL", **counts(3)},
        {"channel": "ALL", **counts(1)},
    ]
    assert await items(gate, f"by=origin&{MARCH}") == [{"origin": "event", **counts(4)}]


async def test_the_last_thirty_days(gate: RunningGate) -> None:
    """Without a time frame the last thirty days count, today included, and the answer says from when to when."""
    await tell(gate, "1", None)
    before = gate.app.policy.now()
    told = (await gate.api("GET", "/statistics/opt-outs")).json
    since, until = times.read(told["from"]).first, times.read(told["to"]).first
    assert (told["by"], told["next"], since % DAY) == ("day", None, 0)
    assert before < until <= gate.app.policy.now() + 1
    assert len(told["items"]) == 30
    assert (until - 1) // DAY - since // DAY == 29
    assert told["items"][-1] == {"day": times.written(Microseconds(before))[:10], **counts(1)}


async def test_a_click_counts_for_its_campaign(gate: RunningGate) -> None:
    """What was not sent is counted by campaign, reason, route, channel, origin and sender."""
    await gate.tell("Blacklisted", email="a@example.com")
    for campaign in ("autumn", "autumn", "spring"):
        answer = await gate.mail("a@example.com", headers=[("X-Sendgate-Campaign", campaign)])
        assert answer.status == 400
    assert await items(gate, "by=campaign", "dispatch-failed") == [
        {"campaign": "autumn", "records": 2, "recipients": 2},
        {"campaign": "spring", "records": 1, "recipients": 1},
    ]
    for by, value in (("reason", "blacklisted"), ("route", "mail"), ("channel", "MAIL"), ("origin", "event")):
        assert await items(gate, f"by={by}", "dispatch-failed") == [{by: value, "records": 3, "recipients": 3}]
    assert await items(gate, "by=sender", "dispatch-failed") == [{"sender": "", "records": 3, "recipients": 3}]
    days = await items(gate, "by=day", "dispatch-failed")
    assert (len(days), sum(day["records"] for day in days)) == (30, 3)


async def test_counts_as_csv(gate: RunningGate) -> None:
    """As CSV there is a line for each value, and no cell that a spreadsheet would run."""
    await tell(gate, "1", "02T10", campaign="=1+1")
    for query, headers in (("&format=csv", {}), ("", {"Accept": "text/csv"})):
        answer = await gate.api("GET", f"/statistics/opt-outs?by=campaign&{MARCH}{query}", headers=headers)
        assert answer.get("Content-Type") == "text/csv; charset=utf-8"
        (row,) = csv.DictReader(io.StringIO(answer.body.decode(), newline=""))
        assert row == {"campaign": "'=1+1", "opt_outs": "1", "opt_ins": "0", "blacklisted": "0", "whitelisted": "0"}


async def test_too_many_campaigns(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the most that are told apart, the rest counts together, and nothing is left out."""
    monkeypatch.setattr("proxy.api.statistics.MOST", 3)
    monkeypatch.setattr(statistics, "STRETCH", 2)
    for number in range(8):
        await tell(gate, str(number), "02T10", campaign=f"c{number}")
    found = await items(gate, f"by=campaign&{MARCH}")
    assert [item["campaign"] for item in found] == ["c0", "c1", "c2", None]
    assert [item["opt_outs"] for item in found] == [1, 1, 1, 5]


@pytest.mark.parametrize(
    ("query", "field", "kind"),
    [
        ("by=colour", "by", "UNKNOWN_VALUE"),
        ("by=reason", "by", "UNKNOWN_VALUE"),
        ("by=", "by", "UNKNOWN_VALUE"),
        ("from=2026-03-01T00:00:00", "from", "WRONG_FORMAT"),
        ("to=2026-03-01", "to", "WRONG_FORMAT"),
        ("to=10000-01-01T00:00:00Z", "to", "WRONG_FORMAT"),
        ("from=9999-12-31T00:00:00Z", "to", "WRONG_VALUE"),
        ("from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00Z", "to", "WRONG_VALUE"),
        ("from=0001-01-01T00:00:00Z", "from", "WRONG_VALUE"),
        ("format=xml", "format", "UNKNOWN_VALUE"),
        ("format=ndjson", "format", "UNKNOWN_VALUE"),
        ("since=2026-03-01T00:00:00Z", "since", "UNKNOWN_VALUE"),
        ("by=day&by=day", "by", "UNKNOWN_VALUE"),
        (f"by={quote('day; DROP TABLE event')}", "by", "UNKNOWN_VALUE"),
    ],
)
async def test_faults(gate: RunningGate, query: str, field: str, kind: str) -> None:
    """What cannot be counted is a fault."""
    answer = await gate.api("GET", f"/statistics/opt-outs?{query}")
    assert (answer.status, answer.json["field"], answer.json["type"]) == (400, field, kind)


@pytest.mark.parametrize(
    "frame",
    ["from=0001-01-01T00:00:00Z&to=0001-01-03T00:00:00Z", "to=0001-01-03T00:00:00Z", "to=9999-12-31T23:59:59Z"],
)
async def test_times_in_which_nothing_was(gate: RunningGate, frame: str) -> None:
    """The first and the last days that there are can be asked for."""
    found = await items(gate, frame)
    assert {tuple(day.values())[1:] for day in found} == {(0, 0, 0, 0)}
    assert found == sorted(found, key=lambda day: str(day["day"]))


async def test_keys_need_the_scope(open_gate: OpenGate) -> None:
    """Statistics name nobody: a key needs the scope for records, and no other."""
    keys = [{"name": "all", "key": "k1-of-this-test", "scopes": ["records"]}]
    keys += [{"name": "few", "key": "k2-of-this-test", "scopes": ["users", "events", "blacklists", "release"]}]
    gate = await open_gate(api={"keys": keys})
    for path in ("/statistics/opt-outs", "/statistics/dispatch-failed"):
        statuses = [
            (await gate.api("GET", path, headers={"X-XNG-AuthToken": f"k{n}-of-this-test"})).status for n in (1, 2)
        ]
        assert statuses == [200, 403]
        assert (await gate.api("GET", path)).status == 401
