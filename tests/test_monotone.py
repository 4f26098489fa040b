"""Whoever may not release makes nobody mailable, whatever is asked, in whatever order: random lives of API calls.

After every call everybody is judged anew, by what the store knows: who was refused is refused still, and each
acknowledged no with an address holds. At the end of a life the senders' door answers as the judging said, and a backup
of any of its moments, told the journal since, refuses the same.

A life is its seed; a failure shows its last calls. Other lives: SENDGATE_SEEDS=100-140 pytest tests/test_monotone.py
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest
from _pytest.mark import ParameterSet

from policy import Policy, rules
from policy.model import Channel, Facts, Holder, MessageClass, Microseconds, Recipient, Send, Terms
from policy.store import backups, facts
from tests.conftest import OpenGate, RunningGate
from tests.lives import (
    E_MAILS,
    FREE,
    HOOK_KEY,
    LINK_KEY,
    PHONES,
    RELEASING,
    STEPS,
    WARY,
    Life,
    channel_of,
    keys_of,
    take_a_step,
)

MARKETING, TRANSACTIONAL = MessageClass.MARKETING, MessageClass.TRANSACTIONAL
ADDRESSES: Final = E_MAILS + PHONES
STEPS_OF_A_LIFE: Final = 25
SHOWN: Final = 12


class View(NamedTuple):
    """A message class, and the business unit for which is sent."""

    message_class: MessageClass
    unit: str

    def __repr__(self) -> str:
        """Name the view in a failure."""
        return f"{self.message_class.value} for {self.unit or 'any unit'}"


VIEWS: Final = tuple(View(kind, unit) for kind in (MARKETING, TRANSACTIONAL) for unit in ("", "DE", "FR"))

ROUTES: Final[Mapping[str, tuple[Channel, View]]] = {  # what a sender asks at the end, and by which view it is judged
    "sandbox": (Channel.MAIL, View(MARKETING, "")),
    "german-mail": (Channel.MAIL, View(MARKETING, "DE")),
    "receipts": (Channel.MAIL, View(TRANSACTIONAL, "")),
    "sms-sandbox": (Channel.SMS, View(MARKETING, "")),
    "sms-receipts": (Channel.SMS, View(TRANSACTIONAL, "")),
}

Refused = dict[View, set[str]]


def seeds() -> list[ParameterSet]:
    """Name the lives: some that are always lived, or those that the environment asks for."""
    first, _, last = os.environ.get("SENDGATE_SEEDS", "60-83").partition("-")
    return [pytest.param(seed, id=f"seed-{seed}") for seed in range(int(first), int(last or first) + 1)]


SOME: Final = seeds()[::3]


async def opened(open_gate: OpenGate, dice: Random) -> RunningGate:
    """Start a gate with a key that may not release, and with what changes how standings are kept drawn."""
    receipts = {"upstream": "sandbox", "transactional": {"always": True}}
    return await open_gate(
        api={"keys": [WARY, FREE]},
        public_url="https://gate.test",
        unsubscribe={"keys": [LINK_KEY]},
        profiles={"business_units": {"shop": "DE"}},
        blacklists={"guard_users": dice.random() < 0.3},
        users={"on_delete": dice.choice(("forget", "keep_suppressed"))},
        routes={
            "german-mail": {"provider": "sendgrid", "upstream": "sandbox", "business_unit": "DE"},
            "receipts": {"provider": "sendgrid", **receipts},
            "sms-receipts": {"provider": "twilio", **receipts},
            "provider": {
                "provider": "postmark",
                "upstream": "sandbox",
                "webhook": {"key": HOOK_KEY, "effects": {"hard_bounce": "block"}},
            },
        },
    )


# ── everybody judged ──


def known_of(policy: Policy) -> Mapping[str, tuple[Holder, ...]]:
    """Read the standing of everybody; entries of blacklists stay out, which may be taken away again."""
    database = policy.database
    keys = [key for address in ADDRESSES for key in keys_of(address)]
    return database.read_now(facts.facts_about(database.digests, database.sieve, keys, known=False)).holders


def refused_by(gate: RunningGate, known: Mapping[str, tuple[Holder, ...]]) -> Refused:
    """Judge a send to every address in every view, and give who is refused in each."""
    now = gate.app.policy.now()
    return {view: {address for address in ADDRESSES if _is_refused(address, view, known, now)} for view in VIEWS}


def _is_refused(address: str, view: View, known: Mapping[str, tuple[Holder, ...]], now: Microseconds) -> bool:
    channel = channel_of(address)
    send = Send(channel, (Recipient("to", channel, address, keys_of(address)),))
    return bool(rules.decide(send, Facts(known), Terms(view.message_class, view.unit), now).refused)


def to_remain(refused: Refused, known: Mapping[str, tuple[Holder, ...]]) -> Refused:
    """Give who of the refused may never pass: all but who is refused in a unit for the standing of another one.

    A unit where nobody has the address takes the strictest standing of all units, until somebody of its own has it.
    """
    return {
        view: found if view.message_class is TRANSACTIONAL or not view.unit else found & _of_unit(view.unit, known)
        for view, found in refused.items()
    }


def _of_unit(unit: str, known: Mapping[str, tuple[Holder, ...]]) -> set[str]:
    return {address for address in ADDRESSES if any(_says_no(address, unit, known))}


def _says_no(address: str, unit: str, known: Mapping[str, tuple[Holder, ...]]) -> list[bool]:
    people = [person for key in keys_of(address) for person in known.get(key, ())]
    channels = {Channel.ALL, channel_of(address)}
    units = {unit.lower(), ""}
    return [
        person.business_unit.lower() in units and bool(channels & set(person.standing.opt_outs)) for person in people
    ]


# ── lives ──


def told(life: Life, what: str) -> str:
    """Say what went wrong, and after which calls."""
    return "\n  ".join((what, *life.calls[-SHOWN:]))


@pytest.mark.parametrize("seed", seeds())
async def test_who_may_not_release_makes_nobody_mailable(open_gate: OpenGate, seed: int) -> None:
    """Whoever is refused stays refused, and an acknowledged no holds at once, in the store and at the senders' door."""
    dice = Random(seed)
    life = Life(await opened(open_gate, dice), dice)
    remaining: Refused = {view: set() for view in VIEWS}
    refused: Refused = {}
    for _ in range(STEPS_OF_A_LIFE):
        promises = await take_a_step(life)
        known = known_of(life.gate.app.policy)
        refused = refused_by(life.gate, known)
        released = {view: lost for view, before in remaining.items() if (lost := before - refused[view])}
        assert not released, told(life, f"released: {released}")
        unkept = {promise for promise in promises if promise.address not in refused[View(promise.message_class, "")]}
        assert not unkept, told(life, f"promised, but not held: {unkept}")
        for view, found in to_remain(refused, known).items():
            remaining[view] |= found
    await hold_at_the_door(life, refused)


async def hold_at_the_door(life: Life, refused: Refused) -> None:
    """Send to some addresses by every route: the refused get nothing, and without entries the others get theirs."""
    while life.entries:
        await life.ask_freely("DELETE", f"/api/v1.0/blacklists/{life.entries.pop()}")
    passed: set[tuple[str, str]] = set()
    for route, (channel, view) in ROUTES.items():
        some = life.dice.sample([address for address in ADDRESSES if channel_of(address) is channel], 3)
        for address in some:
            send = life.gate.mail if channel is Channel.MAIL else life.gate.text
            answer = await send(address, route=route)
            goes = answer.get("X-Sendgate-Outcome") == "forwarded"
            assert goes is (address not in refused[view]), told(life, f"{route}, {address!r}: {answer}")
            passed |= {(route, address)} if goes else set()
    kept = (await life.ask_freely("GET", "/sandbox/messages")).json["items"]
    assert len(kept) == len(passed), told(life, f"passed: {passed}, but the provider got: {kept}")


# ── a copy of the store ──


@pytest.mark.parametrize("seed", SOME)
async def test_a_copy_of_any_moment_told_the_journal_since_refuses_the_same(
    open_gate: OpenGate, tmp_path: Path, seed: int
) -> None:
    """A backup of any moment of a life, releases included, refuses the same as the gate with the journal since."""
    dice = Random(seed)
    life = Life(await opened(open_gate, dice), dice)
    database, copy = life.gate.app.policy.database, tmp_path / "copy.db"
    moment = dice.randrange(STEPS_OF_A_LIFE)
    for step in range(STEPS_OF_A_LIFE):
        if step == moment:
            database.snapshot(lambda connection: backups.copy(connection, copy))
            life.calls.append("a backup")
        await take_a_step(life, {**STEPS, **RELEASING})
    journal = io.BytesIO()
    database.snapshot(backups.journal_to(journal, 0))
    restored = Policy(copy, life.gate.app.config.store.pepper.reveal())
    restored.open()
    try:
        ends = await restored.catch_up(journal.getvalue().splitlines(keepends=True))
        await restored.release_copy()
        assert ends == life.gate.app.policy.sequence
        mine, theirs = (refused_by(life.gate, known_of(policy)) for policy in (life.gate.app.policy, restored))
        assert mine == theirs, told(life, f"told again: {theirs}, but the gate refuses {mine}")
    finally:
        restored.close()
