"""The one door: judged is what was acknowledged, recorded is what ended, and no store means no answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from policy import StoreUnavailable
from policy.events import Profile
from policy.model import AllowList, Channel, Ending, MessageClass, Outcome, Recipient, Send, Terms
from policy.policy import clock
from policy.reasons import Reason
from policy.store import facts, records, rekeying
from policy.store.records import Filter
from tests.policy.conftest import NOON, PASSES, SECOND, Sends, World, ending, profile, send_to, told

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
    send = Send(Channel.MAIL, (send_to(ANN).recipients[0]._replace(scheduled_at=(NOON / SECOND) + 100),))
    terms = replace(MARKETING, max_schedule_ahead=60.0)
    assert [refused.reason for refused in (await world.policy.judge(send, terms)).refused] == ["scheduled_too_far"]
    world.now += 50 * SECOND
    assert not (await world.policy.judge(send, terms)).refused


@pytest.mark.parametrize("number", [1, facts.ON_THE_LOOP + 1])
async def test_the_standing_of_an_address(world: World, number: int) -> None:
    """What holds for an address is asked by any of its keys, and narrowed by a unit, like a send."""
    keys = [ANN, *(f"{n}@x.de" for n in range(1, number))]
    assert not (await world.policy.standing(keys, "")).suppressing
    await world.learn(profile("1", email=ANN, unit="DE"), told("Opt Out", email=keys[-1], unit="FR"))
    if number == 1:
        assert not (await world.policy.standing(keys, "DE")).suppressing
    assert list((await world.policy.standing(keys, "FR")).opt_outs) == [Channel.ALL]
    await world.learn(told("Blacklisted", email=ANN))
    assert (await world.policy.standing(keys, "DE")).blacklisted


async def test_strangers_are_looked_up_where_asked(world: World) -> None:
    """A route that refuses unknown recipients lets pass whom the store knows, suppressed elsewhere or not."""
    await world.learn(profile("1", email=ANN), told("Opt Out", "1", channel=Channel.SMS))
    assert await world.judge(Sends(ANN, "", refuse_unknown=True)) == PASSES
    assert await world.judge(Sends(BOB, "", refuse_unknown=True)) == "unknown_recipient"


async def test_without_a_store_the_rules_that_need_none_hold(world: World) -> None:
    """Without a store judging blindly refuses by allow-list, invalid addresses and schedules, and nobody as unknown."""
    await world.learn(told("Blacklisted", email=ANN))
    allowed = replace(MARKETING, allow_only=AllowList(frozenset({ANN}), frozenset()), refuse_unknown=True)
    world.policy.database.path.unlink()
    assert await blindly(world, ANN, allowed) == PASSES
    assert await blindly(world, BOB, allowed) == "not_allowlisted"
    assert await blindly(world, "no@", MARKETING) == "invalid_address"


async def blindly(world: World, address: str, terms: Terms = MARKETING) -> str:
    """Say how a send ends on a route that passes sends when the store fails."""
    return ending(await world.policy.judge_blindly(send_to(address), terms))


async def test_a_store_that_can_be_read_is_asked_all_the_same(world: World) -> None:
    """Judging blindly refuses whom a held copy knows, few and many, and lets pass whom it does not."""
    await world.learn(told("Blacklisted", email=ANN), *(told("Blacklisted", email=f"{n}@x.de") for n in range(100)))
    world.policy.held_at = 1
    with pytest.raises(StoreUnavailable):
        await world.policy.judge(send_to(ANN), MARKETING)
    assert await blindly(world, ANN) == "blacklisted"
    assert await blindly(world, BOB, replace(MARKETING, refuse_unknown=True)) == PASSES
    assert len((await world.policy.judge_blindly(many(100), MARKETING)).refused) == 100


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
    await world.policy.database.write(lambda _: None)  # the writer takes it up when the commit was told
    assert commits == [1]
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


# ── traits that hold phone numbers ──

NUMBER, OTHER = "+4915112345678", "+4915187654321"


def trait(external_id: str, name: str, value: object) -> Profile:
    """Make a profile with a trait that nobody calls a phone number yet."""
    return Profile(external_id, traits={name: value})


async def test_numbers_told_before_count_when_their_trait_is_named(world: World) -> None:
    """Numbers under a trait that is a phone trait from now on block, those under other traits do not."""
    no_numbers: list[object] = [None, True, 1.5, "none", ["x"], {}, 49]
    await world.learn(
        *(trait("1", "handy", NUMBER), told("Blacklisted", "1")),
        *(trait("2", "fax", OTHER), told("Blacklisted", "2")),
        *(trait(str(n), "handy", value) for n, value in enumerate(no_numbers, 3)),
    )
    await world.policy.key_phone_traits(["phone"])
    assert await world.judge(Sends(NUMBER, "")) == PASSES
    await world.policy.key_phone_traits(["phone", "handy"])
    assert [await world.judge(Sends(number, "")) for number in (NUMBER, OTHER)] == ["blacklisted", PASSES]


async def test_numbers_are_keyed_however_many_there_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody's number is keyed, in as many transactions as it takes, and once: a second time writes nothing."""
    monkeypatch.setattr(rekeying, "WINDOW", 3)
    await world.learn(*(trait(str(n), "handy", f"+4930123456{n:02}") for n in range(20)))
    await world.learn(*(told("Blacklisted", str(n)) for n in range(20)))
    await world.policy.key_phone_traits(["handy"])
    assert {await world.judge(Sends(f"+4930123456{n:02}", "")) for n in range(20)} == {"blacklisted"}
    commits: list[int] = []
    await world.policy.database.write(lambda _: None)  # the writer takes it up when all was told
    world.policy.database.on_commit = lambda _, jobs: commits.append(jobs)
    await world.policy.key_phone_traits(["handy"])
    await world.policy.database.write(lambda _: None)
    assert commits == []


async def test_a_trait_named_again_is_keyed_again(world: World) -> None:
    """What was told under a trait while it was not named counts when it is named again, beside what counted before."""
    await world.learn(trait("1", "handy", NUMBER), told("Blacklisted", "1"))
    await world.policy.key_phone_traits(["handy"])
    await world.policy.key_phone_traits([])
    await world.learn(trait("1", "handy", OTHER))
    assert await world.judge(Sends(OTHER, "")) == PASSES
    await world.policy.key_phone_traits(["handy"])
    assert [await world.judge(Sends(number, "")) for number in (NUMBER, OTHER)] == ["blacklisted"] * 2


def test_the_clock_tells_microseconds() -> None:
    """The policy's own clock is the time since 1970 in microseconds."""
    before = time.time_ns() // 1000
    assert before <= clock() <= time.time_ns() // 1000
