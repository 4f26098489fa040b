"""Dispatch failed records as streams: all of them, harmless to a spreadsheet, in the memory of a few."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from policy.model import Channel, Ending, MessageClass, Microseconds, Outcome, Recipient, Refused
from policy.reasons import Reason
from proxy.api.paging import LARGEST_PAGE
from tests.conftest import OpenGate, RunningGate

NOON = 1_772_366_400_000_000
A = "a@example.com"


@pytest.fixture
async def gate(open_gate: OpenGate) -> RunningGate:
    """Give a gate that keeps records for as long as these are old."""
    return await open_gate(records={"keep": "36500d"})


def outcome(*addresses: str, campaign: str = "", at: int = 0) -> Outcome:
    """Make a send of which everybody was refused."""
    recipients = [Recipient(f"to.{n}", Channel.MAIL, address, (address,)) for n, address in enumerate(addresses)]
    return Outcome(
        decision="d1",
        arrived_at=Microseconds(NOON + at),
        route="mail",
        provider="sendgrid",
        ending=Ending.REFUSED,
        message_class=MessageClass.MARKETING,
        channel=Channel.MAIL,
        sender="shop",
        campaign=campaign,
        recipients=len(addresses),
        refused=tuple(Refused(recipient, Reason.BLACKLISTED, "api", "1") for recipient in recipients),
    )


async def many(gate: RunningGate, count: int) -> None:
    """Write many records."""
    for start in range(0, count, 500):
        await gate.app.policy.record(outcome(*(f"p{n}@example.com" for n in range(start, min(start + 500, count)))))


async def stream(gate: RunningGate, query: str) -> bytes:
    """Read a stream to its end."""
    answer = await gate.api("GET", f"/dispatch-failed?{query}")
    assert answer.status == 200
    return answer.body


def rows(body: bytes) -> list[dict[str, Any]]:
    """Read CSV as a spreadsheet does."""
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


@pytest.mark.parametrize("count", [0, 1, LARGEST_PAGE - 1, LARGEST_PAGE, LARGEST_PAGE + 1, 2 * LARGEST_PAGE + 500])
async def test_a_stream_has_all_records(gate: RunningGate, count: int) -> None:
    """However many pages are read for it, a stream has every record once, the newest first, in both formats."""
    await many(gate, count)
    numbers = [str(n) for n in range(count, 0, -1)]
    assert [json.loads(line)["id"] for line in (await stream(gate, "format=ndjson")).splitlines()] == numbers
    assert [row["id"] for row in rows(await stream(gate, "format=csv"))] == numbers


async def test_an_empty_stream_of_csv_names_its_columns(gate: RunningGate) -> None:
    """Without any record the first line is there all the same."""
    head = (await stream(gate, "format=csv")).decode()
    assert head.startswith("id,time,decision,route,provider,channel,class,place,address,user,")
    assert head.count("\n") == 1
    assert "digest" not in head


async def test_csv_says_yes_and_no_as_json_does(gate: RunningGate) -> None:
    """What is true or false is written as in exports and in JSON, not as in Python."""
    await many(gate, 1)
    (row,) = rows(await stream(gate, "format=csv"))
    assert row["enforced"] == "true"


@pytest.mark.parametrize("style", ["csv", "ndjson"])
@pytest.mark.parametrize(("limit", "count"), [("", 1500), ("&limit=3", 3), ("&limit=1000", 1000)])
async def test_a_limit_ends_a_stream(gate: RunningGate, style: str, limit: str, count: int) -> None:
    """A stream has as many records as its limit says, and all of them without one."""
    await many(gate, 1500)
    body = await stream(gate, f"format={style}{limit}")
    assert len(rows(body) if style == "csv" else body.splitlines()) == count


async def test_a_stream_goes_on_from_a_cursor(gate: RunningGate) -> None:
    """Where a page ended, a stream may go on."""
    await many(gate, 10)
    page = (await gate.api("GET", "/dispatch-failed?limit=4")).json
    body = await stream(gate, f"format=ndjson&cursor={page['next']}")
    assert [json.loads(line)["id"] for line in body.splitlines()] == ["6", "5", "4", "3", "2", "1"]


@pytest.mark.parametrize(
    "query", ["format=xml", "format=csv&limit=0", "format=csv&colour=1", "format=csv&cursor=x", "format=csv&format=csv"]
)
async def test_a_wrong_stream_is_a_fault(gate: RunningGate, query: str) -> None:
    """A fault of the query is answered as one, and not in the middle of a stream."""
    assert (await gate.api("GET", f"/dispatch-failed?{query}")).status == 400


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv; charset=utf-8", "text/csv; charset=utf-8"),
        ("application/x-ndjson", "application/x-ndjson; charset=utf-8"),
        ("application/json", "application/json; charset=UTF-8"),
        ("*/*", "application/json; charset=UTF-8"),
    ],
)
async def test_the_format_may_be_accepted(gate: RunningGate, accept: str, kind: str) -> None:
    """Accept chooses the format as well."""
    answer = await gate.api("GET", "/dispatch-failed", headers={"Accept": accept})
    assert (answer.status, answer.get("Content-Type")) == (200, kind)


# ── what senders wrote ──

CELLS = [
    pytest.param("=HYPERLINK(1)", "'=HYPERLINK(1)", id="a formula"),
    pytest.param("+1+1", "'+1+1", id="a plus"),
    pytest.param("-1+1", "'-1+1", id="a minus"),
    pytest.param("@SUM(1)", "'@SUM(1)", id="an at"),
    pytest.param("\t=1", "'\t=1", id="a tab before"),
    pytest.param("\r=1", "'\r=1", id="a carriage return before"),
    pytest.param("\n=1", "'\n=1", id="a line feed before"),
    pytest.param("x\r=1", "x\r=1", id="a carriage return within stays in its cell"),
    pytest.param("x\n=1", "x\n=1", id="a line feed within stays in its cell"),
    pytest.param('",=1', '",=1', id="a quote and a comma stay in their cell"),
    pytest.param("+4915112345678", "+4915112345678", id="a number keeps its plus"),
    pytest.param("ü€😀", "ü€😀", id="every script"),
    pytest.param("autumn", "autumn", id="a plain text"),
]


@pytest.mark.parametrize(("text", "cell"), CELLS)
async def test_no_cell_is_a_formula(gate: RunningGate, text: str, cell: str) -> None:
    """What a sender wrote is one cell of one row, and nothing that a spreadsheet would run; NDJSON has it as it is."""
    await gate.app.policy.record(outcome(text, campaign=text))
    (row,) = rows(await stream(gate, "format=csv"))
    assert (row["address"], row["campaign"], row["user"]) == (cell, cell, "1")
    told = json.loads(await stream(gate, "format=ndjson"))
    assert (told["address"], told["campaign"]) == (text, text)


async def test_a_stream_that_breaks_is_seen_to_break(gate: RunningGate) -> None:
    """When the store fails in the middle, the stream does not end as if it were whole."""
    await many(gate, 3 * LARGEST_PAGE)
    path = gate.app.policy.database.path
    async with gate.session.get(f"{gate.url('api')}/dispatch-failed?format=ndjson") as response:
        first = await response.content.readline()
        assert json.loads(first)["id"] == str(3 * LARGEST_PAGE)
        path.rename(path.with_name("gone.db"))
        with pytest.raises(aiohttp.ClientError):
            await _to_the_end(response)
    path.with_name("gone.db").rename(path)


async def _to_the_end(response: aiohttp.ClientResponse) -> None:
    body = await response.content.read()
    assert body.count(b"\n") == 3 * LARGEST_PAGE - 1


# ── summaries ──


async def test_a_summary_counts_days_in_utc(gate: RunningGate) -> None:
    """Records are counted by the day of their time in UTC, the oldest day first."""
    day = 86_400_000_000
    for at in (0, day // 2 - 1, day // 2, day):
        await gate.app.policy.record(outcome(A, at=at))
    told = (await gate.api("GET", "/dispatch-failed/summary?by=day")).json
    assert told == {
        "items": [
            {"day": "2026-03-01", "records": 2, "recipients": 2},
            {"day": "2026-03-02", "records": 2, "recipients": 2},
        ],
        "next": None,
    }


async def test_a_summary_counts_recipients_of_whole_sends(gate: RunningGate) -> None:
    """A send that ended as a whole counts as one record with all its recipients."""
    await gate.app.policy.record(replace(outcome(A), refused=(), reason=Reason.UPSTREAM_TIMEOUT, recipients=700))
    await gate.app.policy.record(outcome(A))
    told = (await gate.api("GET", "/dispatch-failed/summary?by=reason")).json["items"]
    assert {item["reason"]: (item["records"], item["recipients"]) for item in told} == {
        "upstream_timeout": (1, 700),
        "blacklisted": (1, 1),
    }
