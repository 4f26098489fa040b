"""Who moves between business units, and what is kept of an address in each: for whom it holds, and who undoes it."""

from __future__ import annotations

from typing import Any

import pytest

from policy.events import Departure
from policy.model import Channel
from tests.policy.conftest import PASSES, Memory, Sends, Step, World, profile, told

ANN, PHONE = "ann@x.de", "+4915112345678"
OUT, OUT_MAIL = "opted_out", "opted_out_channel"


def sends(ends: str, *units: str, to: str = ANN) -> list[Step]:
    """Let a send in each unit end like this."""
    return [Sends(to, ends, unit=unit) for unit in units]


# In each unit somebody else gets the address, so that it is only what was kept there that may refuse a send.
IN_DE, IN_FR, IN_US = (profile(unit, email=ANN, unit=unit) for unit in ("DE", "FR", "US"))

STORIES: list[Any] = [
    pytest.param(
        [
            *[profile("1", email=ANN, unit="DE"), told("Opt Out", "1")],
            *[profile("1", unit="FR"), profile("1", unit="US"), profile("1", email="")],
            *[IN_DE, IN_FR, IN_US],
            *sends(OUT, "DE", "FR", "US"),
        ],
        id="a no goes along, and stays in every unit",
    ),
    pytest.param(
        [
            *[profile("1", email=ANN, unit="DE"), told("Opt Out", "1"), profile("1", unit="FR")],
            *[profile("1", unit="US"), profile("1", unit="FR"), profile("1", unit="US")],
            *[IN_DE, IN_FR, told("Opt In", "1")],
            *sends(PASSES, "DE", "FR", "US"),
        ],
        id="a yes of the one who moved undoes it in all of them, however often they came by",
    ),
    pytest.param(
        [
            *[profile("1", email=ANN, unit="DE"), told("Opt Out", "1"), profile("1", unit="FR")],
            *[profile("1", email=""), IN_DE, IN_FR, IN_US],
            *[told("Opt In", "FR")],
            *sends(OUT, "DE"),
            *sends(PASSES, "FR", "US"),
            *[told("Opt In", "DE")],
            *sends(PASSES, "DE", "FR", "US"),
        ],
        id="a yes of whoever has the address now undoes it in their unit alone",
    ),
    pytest.param(
        [
            *[profile("1", email=ANN, unit="DE"), told("Opt Out", "1"), profile("1", unit="FR")],
            *[told("Opt Out", "1", channel=Channel.MAIL), told("Opt In", "1")],
            *[profile("1", email=""), IN_DE, IN_FR],
            *sends(OUT_MAIL, "DE", "FR"),
        ],
        id="a later no of the one who moved holds where they were, too",
    ),
    pytest.param(
        [
            *[profile("1", email=ANN, unit="DE"), told("Opt Out", "1"), profile("1", unit="FR"), told("Opt In", "1")],
            *[IN_DE, told("Opt Out", "DE")],
            *sends(OUT, "DE"),
            *[Departure("DE"), profile("2", email=ANN, unit="DE")],
            *sends(PASSES, "DE", "FR"),
        ],
        id="a no of whoever has the address now is theirs, and goes with them",
    ),
    pytest.param(
        [
            *[profile("1", email=ANN, unit="DE"), told("Opt Out", "1"), profile("1", email="")],
            *[profile("2", email=ANN, unit="DE"), told("Opt Out", "2"), profile("2", email="")],
            *[IN_DE, told("Opt In", "1")],
            *sends(OUT, "DE"),
            *[told("Opt In", "2")],
            *sends(PASSES, "DE"),
        ],
        id="of two who gave it up in one unit each undoes their own",
    ),
    pytest.param(
        [
            *[profile("1", email=ANN, unit="DE"), told("Opt Out", "1"), profile("1", unit="FR")],
            *[Departure("1", keep_suppressed=True), IN_DE, IN_FR],
            *sends(OUT, "DE", "FR"),
            *[told("Opt In", "FR")],
            *sends(OUT, "DE"),
            *sends(PASSES, "FR"),
        ],
        id="it outlives the one who moved, each unit for itself",
    ),
    pytest.param(
        [
            *[profile("1", phone=PHONE, unit="DE"), told("Opt Out", "1"), profile("1", unit="FR")],
            *[profile("2", phone=PHONE, unit="DE"), profile("3", phone=PHONE, unit="FR"), told("Opt In", "3")],
            *sends(OUT, "DE", "FR", to=PHONE),
            *[told("Opt In", phone=PHONE)],
            *sends(OUT, "FR", to=PHONE),
            *sends(PASSES, "DE", to=PHONE),
        ],
        id="a number, whose lead has no unit, is undone by its lead in all units but where somebody has it",
    ),
    pytest.param(
        [
            *[profile("1", email=ANN, unit="DE"), told("Blacklisted", "1"), profile("1", unit="FR")],
            *[profile("1", email=""), IN_DE, IN_FR, told("Whitelisted", "FR")],
            *sends("blacklisted", "DE", "FR", "US"),
            *[told("Whitelisted", "DE")],
            *sends(PASSES, "DE", "FR", "US"),
        ],
        id="a blacklisting that was kept in one unit holds in all",
    ),
]


@pytest.mark.parametrize("story", STORIES)
async def test_a_story(world: World, story: list[Step]) -> None:
    """Step by step, each send ends as the story says."""
    await world.play(story)


@pytest.mark.parametrize("story", STORIES)
def test_it_is_told_again(memory: Memory, story: list[Any]) -> None:
    """The journal of each story tells the same store again."""
    for event in story:
        if not isinstance(event, Sends):
            memory.learn([event])
    again = memory.told_again()
    assert again.dump() == memory.dump()
    again.close()


def test_going_to_and_fro_keeps_one_row(memory: Memory) -> None:
    """However often somebody moves between two units, each has one row of what is kept."""
    memory.learn([profile("1", email=ANN, unit="DE"), told("Opt Out", "1")])
    for _ in range(3):
        memory.learn([profile("1", unit="FR")])
        memory.learn([profile("1", unit="DE")])
    kept = memory.connection.execute("SELECT business_unit FROM person WHERE kept = 1 ORDER BY 1").fetchall()
    assert kept == [("DE",), ("FR",)]
