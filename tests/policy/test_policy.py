"""The one door: judged is what was acknowledged, recorded is what ended, and no store means no answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from policy import StoreUnavailable
from policy.model import AllowList, Channel, Ending, MessageClass, Outcome, Recipient, Send, Terms
from policy.policy import clock
from policy.reasons import Reason
from policy.store import facts, records
from policy.store.records import Filter
from tests.policy.conftest import NOON, PASSES, SECOND, Sends, World, profile, send_to, told

ANN, BOB = "ann@x.de", "bob@x.de"
MARKETING = Terms(MessageClass.MARKETING)


def many(number: int) -> Send:
    """Make a send to many."""
    people = (Recipient(f"to.{n}", Channel.MAIL, f"{n}@x.de", (f"{n}@x.de",)) for n in range(number))
    return Send(Channel.MAIL, tuple(people))


@pytest.mark.parametrize("number", [1, facts.ON_THE_LOOP, facts.ON_THE_LOOP + 1, 300])
async def test_few_and_many_recipients_are_judged_alike(world: World, number: int) -> None:
    """Read on the loop or in a thread, exactly the suppressed recipients are refused."""
    await world.learn(*(told("Blacklisted", email=f"{n}@x.de") for n in range(0, number, 2)))
    verdict = await world.policy.judge(many(number), MARKETING)
    assert [refused.recipient.place for refused in verdict.refused] == [f"to.{n}" for n in range(0, number, 2)]


async def test_a_send_after_the_acknowledgement_sees_it(world: World) -> None:
    """Whoever got an answer to a blacklisting finds the very next send refused, and after a release passed."""
    for _ in range(20):
        await world.learn(told("Blacklisted", email=ANN))
        assert await world.judge(Sends(ANN, "")) == "blacklisted"
        await world.learn(told("Whitelisted", email=ANN))
        assert await world.judge(Sends(ANN, "")) == PASSES


async def test_an_event_counts_from_when_it_came_in(world: World) -> None:
    """A statement without a time counts from the clock at its arrival, however long its commit takes."""
    came = world.now
    waiting = asyncio.create_task(world.policy.learn([told("Blacklisted", email=ANN)]))
    await asyncio.sleep(0)
    world.now += 3600 * SECOND
    (learned,) = await waiting
    assert learned.effective_at == came


async def test_schedules_are_measured_by_the_clock(world: World) -> None:
    """What is too far ahead now is not when the time has come nearer."""
    send = Send(Channel.MAIL, (replace(send_to(ANN).recipients[0], scheduled_at=(NOON / SECOND) + 100),))
    terms = replace(MARKETING, max_schedule_ahead=60.0)
    assert [refused.reason for refused in (await world.policy.judge(send, terms)).refused] == ["scheduled_too_far"]
    world.now += 50 * SECOND
    assert not (await world.policy.judge(send, terms)).refused


async def test_strangers_are_looked_up_where_asked(world: World) -> None:
    """A route that refuses unknown recipients lets pass whom the store knows, suppressed elsewhere or not."""
    await world.learn(profile("1", email=ANN), told("Opt Out", "1", channel=Channel.SMS))
    assert await world.judge(Sends(ANN, "", refuse_unknown=True)) == PASSES
    assert await world.judge(Sends(BOB, "", refuse_unknown=True)) == "unknown_recipient"


async def test_without_a_store_the_rules_that_need_none_hold(world: World) -> None:
    """Judging blindly asks the store nothing: allow-list, invalid addresses and schedules are refused all the same."""
    await world.learn(told("Blacklisted", email=ANN))
    allowed = replace(MARKETING, allow_only=AllowList(frozenset({ANN}), frozenset()), refuse_unknown=True)
    world.policy.database.path.unlink()
    assert not world.policy.judge_blindly(send_to(ANN), allowed).refused
    assert [r.reason for r in world.policy.judge_blindly(send_to(BOB), allowed).refused] == ["not_allowlisted"]
    assert [r.reason for r in world.policy.judge_blindly(send_to("no@"), MARKETING).refused] == ["invalid_address"]


async def test_without_a_store_nothing_is_answered(world: World) -> None:
    """When the store is gone judging, learning, recording and probing say so."""
    outcome = Outcome("d", NOON, "mail", "sendgrid", Ending.REFUSED, reason=Reason.UNREADABLE)
    await world.policy.probe()
    world.policy.database.path.unlink()
    for number in (1, 100):
        with pytest.raises(StoreUnavailable):
            await world.policy.judge(many(number), MARKETING)
    for asked in (world.policy.learn([told("Blacklisted", "1")]), world.policy.record(outcome), world.policy.probe()):
        with pytest.raises(StoreUnavailable):
            await asked


async def test_only_what_was_not_sent_is_recorded(world: World) -> None:
    """A refusal and a failure leave records; an ending without either leaves none and writes nothing."""
    commits: list[int] = []
    world.policy.database.on_commit = lambda _, jobs: commits.append(jobs)
    outcome = Outcome("d", NOON, "mail", "sendgrid", Ending.FORWARDED)
    await world.policy.record(outcome)
    assert commits == []
    await world.policy.record(replace(outcome, ending=Ending.FAILED, reason=Reason.UPSTREAM_TIMEOUT))
    page = await world.policy.ask(records.page(world.policy.database.digests, Filter(), 10))
    assert [record["reason"] for record in page] == ["upstream_timeout"]


async def test_what_the_store_holds_is_counted(world: World) -> None:
    """Users, leads, kept addresses, suppressed keys and events are counted each by itself."""
    await world.learn(profile("1", email=ANN), told("Blacklisted", "1"), told("Opt In", email=BOB))
    await world.learn(profile("1", email="new@x.de"))
    sizes = await world.policy.sizes()
    assert {name: sizes[name] for name in ("users", "leads", "kept", "suppressed", "events", "dispatch_failed")} == {
        "users": 1,
        "leads": 1,
        "kept": 1,
        "suppressed": 2,
        "events": 4,
        "dispatch_failed": 0,
    }


def test_the_clock_tells_microseconds() -> None:
    """The policy's own clock is the time since 1970 in microseconds."""
    before = time.time_ns() // 1000
    assert before <= clock() <= time.time_ns() // 1000
