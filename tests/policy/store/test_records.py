"""Dispatch failed records: what is written of an ending, and how it is found again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policy.model import Channel, Ending, MessageClass, Microseconds, Outcome, Recipient, Refused, Sent
from policy.reasons import Reason
from policy.store import records
from policy.store.records import Filter
from tests.policy.conftest import NOON, SECOND, Memory

ANN, BOB = "ann@x.de", "bob@x.de"

OUTCOME = Outcome(
    decision="d1",
    arrived_at=NOON,
    route="mail",
    provider="sendgrid",
    ending=Ending.TRIMMED,
    channel=Channel.MAIL,
    message_class=MessageClass.MARKETING,
    sender="shop",
    campaign="spring",
    business_unit="DE",
    recipients=5,
)


def refused(address: str, reason: Reason = Reason.BLACKLISTED, *, kept: bool = False, place: str = "to.0") -> Refused:
    """Make a refused recipient."""
    return Refused(Recipient(place, Channel.MAIL, address, (address.lower(),)), reason, "api", "1", "", kept)


def write(memory: Memory, outcome: Outcome) -> None:
    """Write the records of an outcome."""
    records.write(memory.digests, outcome)(memory.connection)


def found(memory: Memory, limit: int = 100, **wanted: Any) -> list[dict[str, Any]]:
    """List the records that fit a filter."""
    return records.page(memory.digests, Filter(**wanted), limit)(memory.connection)


def test_each_refused_recipient_has_a_record(memory: Memory) -> None:
    """A trimmed send leaves one record per refused recipient, with all that is known of it and of the send."""
    write(memory, replace(OUTCOME, refused=(refused(ANN), refused(BOB, Reason.OPTED_OUT, place="cc.0"))))
    second, first = found(memory)
    assert [(each["address"], each["reason"], each["place"]) for each in (first, second)] == [
        (ANN, "blacklisted", "to.0"),
        (BOB, "opted_out", "cc.0"),
    ]
    told = {name: value for name, value in first.items() if name not in ("id", "digest", "address", "reason", "place")}
    assert told == {
        "time": NOON,
        "decision": "d1",
        "route": "mail",
        "provider": "sendgrid",
        "channel": "MAIL",
        "class": "marketing",
        "user": "1",
        "business_unit": "DE",
        "origin": "api",
        "sender": "shop",
        "campaign": "spring",
        "recipients": 1,
        "enforced": 1,
        "sent": "no",
        "upstream_status": None,
        "request": None,
    }


def test_a_send_that_ends_as_a_whole_has_one_record(memory: Memory) -> None:
    """An unreadable or failed send leaves one record with the count of its recipients and no address."""
    failed = replace(OUTCOME, ending=Ending.FAILED, reason=Reason.UPSTREAM_TIMEOUT, sent=Sent.UNKNOWN, enforced=True)
    write(memory, replace(failed, upstream_status=504))
    (record,) = found(memory)
    assert [record[name] for name in ("reason", "recipients", "address", "digest", "sent", "upstream_status")] == [
        "upstream_timeout",
        5,
        None,
        None,
        "unknown",
        504,
    ]


def test_shadow_is_told(memory: Memory) -> None:
    """What was not enforced is marked, recipient by recipient, and that it was sent."""
    write(memory, replace(OUTCOME, sent=Sent.YES, refused=(refused(ANN), replace(refused(ANN), enforced=False))))
    assert [(record["enforced"], record["sent"]) for record in found(memory)] == [(0, "yes"), (1, "no")]


def test_what_passed_as_a_whole_keeps_the_records_of_its_refused(memory: Memory) -> None:
    """A send that a switch let pass may still have refused somebody by the rules that need no store."""
    write(memory, replace(OUTCOME, refused=(refused(ANN),), reason=Reason.STORE_UNAVAILABLE, enforced=False))
    told = {record["reason"]: record["enforced"] for record in found(memory)}
    assert told == {str(refused(ANN).reason): 1, "store_unavailable": 0}


def test_a_kept_address_is_masked_and_found(memory: Memory) -> None:
    """Of an address that nobody has only the masked form is written, and the address filter finds it all the same."""
    write(memory, replace(OUTCOME, refused=(refused(ANN, kept=True),)))
    (record,) = found(memory, address=(ANN,))
    assert record["address"] == "a***@x.de"


def test_an_invalid_address_is_written_without_a_digest(memory: Memory) -> None:
    """An address without a key is recorded as it came, cut to a sane length."""
    bad = Refused(Recipient("to." + "9" * 1000, Channel.MAIL, "x" * 1000, ()), Reason.INVALID_ADDRESS)
    write(memory, replace(OUTCOME, refused=(bad,)))
    (record,) = found(memory)
    assert (len(record["address"]), len(record["place"]), record["digest"]) == (records.LONGEST, records.LONGEST, None)


@pytest.fixture
def filled(memory: Memory) -> Memory:
    """Give a store with records that differ in everything that can be asked for."""
    for second, (address, reason) in enumerate([(ANN, Reason.BLACKLISTED), (BOB, Reason.OPTED_OUT)]):
        one = replace(OUTCOME, arrived_at=Microseconds(NOON + second * SECOND), refused=(refused(address, reason),))
        write(memory, one)
        write(memory, replace(one, route="text", channel=Channel.SMS, campaign="autumn", sender="crm"))
    write(memory, replace(OUTCOME, arrived_at=Microseconds(NOON + 2 * SECOND), reason=Reason.UNREADABLE))
    return memory


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        pytest.param({}, [5, 4, 3, 2, 1], id="nothing: all, newest first"),
        pytest.param({"since": NOON + SECOND}, [5, 4, 3], id="since, the moment itself included"),
        pytest.param({"until": NOON + SECOND}, [2, 1], id="until, the moment itself left out"),
        pytest.param({"reason": "opted_out"}, [4, 3], id="reason"),
        pytest.param({"route": "text"}, [4, 2], id="route"),
        pytest.param({"user": "1"}, [4, 3, 2, 1], id="user"),
        pytest.param({"campaign": "autumn"}, [4, 2], id="campaign"),
        pytest.param({"sender": "crm"}, [4, 2], id="sender"),
        pytest.param({"address": (ANN,)}, [2, 1], id="address"),
        pytest.param({"address": ("x@y.z", BOB)}, [4, 3], id="any of an address's keys"),
        pytest.param({"address": ()}, [], id="an address without keys"),
        pytest.param({"before": 3}, [2, 1], id="from a cursor on"),
        pytest.param({"route": "text", "address": (BOB,)}, [4], id="two at once"),
        pytest.param({"channel": "SMS", "reason": "unreadable"}, [], id="two that no record has"),
    ],
)
def test_a_filter_gives_what_fits(filled: Memory, wanted: dict[str, Any], ids: list[int]) -> None:
    """The records that fit every field of the filter are given, newest first."""
    assert [record["id"] for record in found(filled, **wanted)] == ids


# ── between two times ──

HOUR = 3600
PLACES = [  # seconds after noon, in the order in which they were written
    pytest.param([0, 50, 20, 100, 90, 60], id="written when it had ended"),
    pytest.param([hour * HOUR for hour in range(10)], id="hours"),
    pytest.param([0, 9000 * HOUR, HOUR, 2 * HOUR, 5 * HOUR, 9 * HOUR], id="a clock ahead"),
    pytest.param([5 * HOUR, 6 * HOUR, -9000 * HOUR, 7 * HOUR, 9 * HOUR], id="a clock behind"),
    pytest.param([9 * HOUR, 8 * HOUR + 1, 7 * HOUR + 2, 6 * HOUR + 3, 3 * HOUR], id="a clock set back step by step"),
]


@pytest.mark.parametrize("places", PLACES)
def test_between_two_times_nothing_is_missed(memory: Memory, places: list[int]) -> None:
    """Whatever order records were written in, a list between two times has all of those times and no others."""
    for second in places:
        write(memory, replace(OUTCOME, arrived_at=Microseconds(NOON + second * SECOND), reason=Reason.UNREADABLE))
    ids = dict(enumerate(places, 1))
    for since in (None, *places):
        for until in (None, *places):
            wanted = [i for i, at in ids.items() if (since is None or at >= since) and (until is None or at < until)]
            times = {"since": since, "until": until}
            asked = {name: NOON + at * SECOND for name, at in times.items() if at is not None}
            assert [record["id"] for record in found(memory, **asked)] == wanted[::-1]


def test_disorder_is_forgotten_with_its_records(memory: Memory) -> None:
    """When what a clock set back wrote is gone, lists between two times are looked up again."""
    for second in (9 * HOUR, 0, 20 * HOUR, 30 * HOUR):
        write(memory, replace(OUTCOME, arrived_at=Microseconds(NOON + second * SECOND), reason=Reason.UNREADABLE))
    bound = f"SELECT {records._IN_ORDER}"
    assert memory.connection.execute(bound).fetchone() == (0,)
    memory.connection.execute("DELETE FROM dispatch_failed WHERE id <= 2")
    assert memory.connection.execute(bound).fetchone() == (1,)
    assert [record["id"] for record in found(memory, since=NOON + 25 * HOUR * SECOND)] == [4]


def plan(memory: Memory, **wanted: Any) -> str:
    """Say how SQLite goes about a page."""
    said: list[str] = []
    memory.connection.set_trace_callback(said.append)
    found(memory, **wanted)
    memory.connection.set_trace_callback(None)
    return "\n".join(row[3] for row in memory.connection.execute(f"EXPLAIN QUERY PLAN {said[0]}"))


@pytest.mark.parametrize(
    "wanted",
    [
        {"since": NOON},
        {"until": NOON},
        {"since": NOON, "until": NOON, "before": 7},
        {"since": NOON, "reason": "blacklisted", "route": "mail"},
    ],
    ids=" ".join,
)
def test_a_page_between_two_times_is_a_walk_along_ids(filled: Memory, wanted: dict[str, Any]) -> None:
    """A page is read in the order of ids between two of them, and nothing is sorted."""
    told = plan(filled, **wanted)
    assert "SEARCH dispatch_failed USING INTEGER PRIMARY KEY (rowid" in told
    assert "TEMP B-TREE" not in told


def test_a_decision_is_looked_up(filled: Memory) -> None:
    """The records of one decision are found by an index, whatever else is asked for, and nothing is sorted."""
    write(filled, replace(OUTCOME, decision="d2", reason=Reason.UNKNOWN_REQUEST, request="POST /v3/x/*"))
    (record,) = found(filled, decision="d2")
    assert (record["reason"], record["request"]) == ("unknown_request", "POST /v3/x/*")
    assert found(filled, decision="d3") == []
    for wanted in ({"decision": "d2"}, {"decision": "d2", "reason": "unknown_request", "route": "mail"}):
        told = plan(filled, **wanted)
        assert "SEARCH dispatch_failed USING INDEX dispatch_failed_decision" in told
        assert "TEMP B-TREE" not in told


@pytest.mark.parametrize("who", [{"user": "1"}, {"address": (ANN,)}], ids=" ".join)
def test_a_page_of_one_person_is_looked_up(filled: Memory, who: dict[str, Any]) -> None:
    """A page of one person is read from their index, between two times as well, and nothing is sorted."""
    for wanted in (who, {**who, "since": NOON, "until": NOON}):
        told = plan(filled, **wanted)
        assert "SEARCH dispatch_failed USING INDEX dispatch_failed_" in told
        assert "TEMP B-TREE" not in told


def test_pages_follow_each_other(filled: Memory) -> None:
    """Page after page, every record is given once."""
    pages, before = [], None
    while page := found(filled, limit=2, before=before):
        pages.append([record["id"] for record in page])
        before = pages[-1][-1]
    assert pages == [[5, 4], [3, 2], [1]]


def test_one_record_is_found_by_its_id(filled: Memory) -> None:
    """A record is read by its id, and an unknown id has none."""
    record = records.one(3)(filled.connection)
    assert record is not None
    assert record["address"] == BOB
    assert records.one(6)(filled.connection) is None
