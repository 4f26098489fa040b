"""What providers tell by webhook: learned once, for everybody who has the address, and kept even where nobody has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy import times
from policy.events import PROVIDER_PREFIX, Origin, Profile, Subject, Told, Unplaced, Word
from policy.identity import email_keys
from policy.model import Channel, MessageClass, Microseconds, Terms
from policy.store import journal, notices
from tests.policy.conftest import NOON, Memory

ADA = "ada@example.com"
LIST = f"{PROVIDER_PREFIX}mailer"


def told(word: Word, notice: str, origin: str = LIST, at: str | None = None, unit: str | None = None) -> Told:
    """Give an item of a webhook about Ada."""
    everybody = unit is None
    subject = Subject(email=ADA, email_keys=email_keys(ADA), business_unit=unit or "", everybody=everybody)
    stated = times.read(at) if at else None
    return Told(subject, word, word, origin, Channel.MAIL, stated, source="webhook:mail", notice=notice)


def user(name: str, unit: str) -> Profile:
    """Give a user with Ada's address in a unit."""
    return Profile(name, ADA, email_keys(ADA), unit)


def judged_in(memory: Memory, unit: str) -> str:
    """Judge marketing to Ada as a unit's route does."""
    return memory.judge(ADA, Terms(MessageClass.MARKETING, business_unit=unit))


def test_an_unsubscribe_holds_for_everybody_with_the_address(memory: Memory) -> None:
    """Told without a unit, it is written to every person with the address, whatever their units."""
    memory.learn([user("1", "DE"), user("2", "FR")], NOON)
    memory.learn([told(Word.OPT_OUT, "a")], NOON + 1)
    assert [judged_in(memory, unit) for unit in ("", "DE", "FR", "UK")] == ["opted_out_channel"] * 4
    assert len(memory.rows("register")) == 2


def test_a_stranger_becomes_a_lead_whom_every_unit_heeds(memory: Memory) -> None:
    """Nobody is too unknown to be suppressed."""
    memory.learn([told(Word.OPT_OUT, "a")], NOON)
    memory.learn([user("1", "DE")], NOON + 1)
    assert [judged_in(memory, unit) for unit in ("", "DE")] == ["opted_out_channel"] * 2


def test_a_unit_narrows(memory: Memory) -> None:
    """Told for a unit, it is about the person of that unit alone."""
    memory.learn([user("1", "DE"), user("2", "FR")], NOON)
    memory.learn([told(Word.OPT_OUT, "a", unit="DE")], NOON + 1)
    assert [judged_in(memory, unit) for unit in ("DE", "FR")] == ["opted_out_channel", "passes"]


def test_an_item_is_learned_once(memory: Memory) -> None:
    """Told again, an item changes nothing, not even what was undone meanwhile."""
    (first,) = memory.learn([told(Word.OPT_OUT, "a")], NOON)
    release = replace(told(Word.OPT_IN, ""), origin=Origin.API, subject=Subject(email=ADA, email_keys=email_keys(ADA)))
    memory.learn([release], NOON + 1)
    (again,) = memory.learn([told(Word.OPT_OUT, "a")], NOON + 2)
    assert (again.repeat, again.sequence) == (True, first.sequence)
    assert memory.judge(ADA) == "passes"
    memory.learn([told(Word.OPT_OUT, "b")], NOON + 3)
    assert memory.judge(ADA) == "opted_out_channel"


def test_an_item_is_forgotten_after_its_time(memory: Memory) -> None:
    """After thirty days an item counts as new, whether it was pruned or not, and pruning takes it away."""
    memory.learn([told(Word.OPT_OUT, "a")], NOON)
    late = Microseconds(NOON + notices.KEEP)
    assert notices.seen(memory.connection, "a", Microseconds(late - 1)) is not None
    assert notices.seen(memory.connection, "a", late) is None
    assert notices.prune(Microseconds(late - 1))(memory.connection) == 0
    assert notices.prune(late)(memory.connection) == 1
    assert memory.rows("notice") == []


def test_a_provider_undoes_its_own_alone(memory: Memory) -> None:
    """A resubscribe takes that provider's unsubscribe back, and leaves a complaint and another provider's alone."""
    memory.learn([told(Word.OPT_OUT, "a", at="2022-01-01T00:00:00Z")], NOON)
    memory.learn([told(Word.OPT_IN, "b", at="2022-01-02T00:00:00Z")], NOON)
    assert memory.judge(ADA) == "passes"
    memory.learn([told(Word.OPT_OUT, "c", Origin.COMPLAINT, "2022-01-01T00:00:00Z")], NOON)
    memory.learn([told(Word.OPT_IN, "d", at="2022-01-03T00:00:00Z")], NOON)
    assert memory.judge(ADA) == "opted_out_channel"


def test_an_older_release_undoes_nothing(memory: Memory) -> None:
    """A resubscribe that happened before the unsubscribe is written down and changes nothing."""
    memory.learn([told(Word.OPT_OUT, "a", at="2022-01-02T00:00:00Z")], NOON)
    memory.learn([told(Word.OPT_IN, "b", at="2022-01-01T00:00:00Z")], NOON)
    assert memory.judge(ADA) == "opted_out_channel"


@pytest.mark.parametrize("word", [Word.OPT_OUT, Word.BLACKLISTED])
def test_a_journal_told_again_gives_the_same(memory: Memory, word: Word) -> None:
    """Items of webhooks, those about nobody included, are replayed to the same store."""
    memory.learn([user("1", "DE")], NOON)
    memory.learn([told(word, "a", Origin.BOUNCE), Unplaced("Odd", LIST, {"x": 1}, "n", "webhook:mail")], NOON + 1)
    memory.learn([told(word, "a", Origin.BOUNCE)], NOON + 2)
    assert memory.told_again().dump() == memory.dump()


def test_what_is_about_nobody_is_kept_once(memory: Memory) -> None:
    """An item that nobody can be found for stands in the journal as it came, once."""
    odd = Unplaced("Odd", LIST, {"x": 1}, "n", "webhook:mail")
    first, again = memory.learn([odd, odd], NOON)
    assert (first.repeat, again.repeat, again.sequence) == (False, True, first.sequence)
    assert memory.rows("person") == []
    assert [told for _, _, told in journal.entries(memory.connection)] == [odd]
