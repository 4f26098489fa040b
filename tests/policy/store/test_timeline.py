"""One person's timeline: all that was told of them and not sent to them, newest first, in pages of any size."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import UnknownUser
from policy.events import Departure
from policy.model import Channel, Ending, MessageClass, Microseconds, Outcome, Recipient, Refused
from policy.reasons import Reason
from policy.store import records, timeline
from policy.store.timeline import TOP, Line
from tests.policy.conftest import NOON, SECOND, Memory, profile, told
from tests.policy.store.conftest import IDS, Life, lived, lives

ANN = "ann@x.de"


def refuse(memory: Memory, user: str | None, at: int) -> None:
    """Write that a message was not sent to somebody."""
    refused = Refused(Recipient("to.0", Channel.MAIL, ANN, (ANN,)), Reason.BLACKLISTED, "api", user)
    outcome = Outcome(
        decision="d1",
        arrived_at=Microseconds(at),
        route="mail",
        provider="sendgrid",
        ending=Ending.REFUSED,
        message_class=MessageClass.MARKETING,
        channel=Channel.MAIL,
        sender="shop",
        campaign="spring",
        recipients=1,
        refused=(refused,),
    )
    records.write(memory.digests, outcome)(memory.connection)


def pages(memory: Memory, user: str, size: int) -> list[Line]:
    """Read a timeline page by page."""
    lines: list[Line] = []
    below = TOP
    while page := timeline.page(user, below, size)(memory.connection):
        assert len(page) <= size
        lines += page
        below = page[-1].spot
    return lines


@settings(max_examples=100, deadline=None)
@given(lives, st.lists(st.tuples(st.sampled_from(IDS), st.integers(-9, 9)), max_size=6), st.integers(1, 4))
def test_pages_of_any_size_make_the_whole(life: Life, failed: list[tuple[str, int]], size: int) -> None:
    """A timeline read in small pages is the one read at once: the newest first, and nothing twice or left out."""
    memory = lived(life)
    for user, second in failed:
        refuse(memory, user, NOON + second * SECOND)
    for user, pk in memory.connection.execute("SELECT external_id, pk FROM person WHERE external_id IS NOT NULL"):
        whole = timeline.page(user, TOP, 10_000)(memory.connection)
        assert pages(memory, user, size) == whole
        assert [line.spot for line in whole] == sorted((line.spot for line in whole), reverse=True)
        told_of = memory.connection.execute("SELECT count(*) FROM event WHERE person = ?", (pk,)).fetchone()[0]
        assert len(whole) == told_of + sum(1 for other, _ in failed if other == user)
    memory.close()


def test_a_line_says_what_was_told(memory: Memory) -> None:
    """An event has its name, channel, origin and properties, and the time it counts from."""
    memory.learn([told("Opt Out", "1", channel=Channel.SMS, at="2026-03-01T11:00:00Z", origin="api", why="tired")])
    (line,) = timeline.page("1", TOP, 10)(memory.connection)
    assert (line.name, line.channel, line.origin, line.properties) == ("Opt Out", "SMS", "api", {"why": "tired"})
    assert line.at == NOON - 3600 * SECOND + SECOND - 1


def test_a_line_says_what_was_not_sent(memory: Memory) -> None:
    """A dispatch failed record of the user stands among the events, with all that is known of the send."""
    memory.learn([profile("1", email=ANN)])
    refuse(memory, "1", NOON + SECOND)
    refuse(memory, None, NOON + SECOND)
    failed, written = timeline.page("1", TOP, 10)(memory.connection)
    assert (failed.name, failed.channel, failed.origin, failed.at) == ("Dispatch Failed", "MAIL", "api", NOON + SECOND)
    assert failed.properties == {
        "reason": "blacklisted",
        "route": "mail",
        "class": "marketing",
        "campaign": "spring",
        "decision": "d1",
        "sender": "shop",
        "enforced": 1,
        "sent": "no",
    }
    assert (written.name, written.properties) == ("User Updated", {})


def test_a_leads_timeline_goes_with_the_user(memory: Memory) -> None:
    """What was told of a lead stands in the timeline of the user that the lead became, with the merge itself."""
    memory.learn([told("Blacklisted", email=ANN, at="2026-03-01T11:00:00Z")])
    memory.learn([profile("1", email=ANN)], NOON + SECOND)
    names = [line.name for line in timeline.page("1", TOP, 10)(memory.connection)]
    assert names == ["Merged", "User Updated", "Blacklisted"]


def test_a_namesake_begins_anew(memory: Memory) -> None:
    """A user who was deleted and added again has none of the events before."""
    memory.learn([told("Blacklisted", "1"), Departure("1"), profile("1", email=ANN)])
    assert [line.name for line in timeline.page("1", TOP, 10)(memory.connection)] == ["User Updated"]


def test_nobody_has_no_timeline(memory: Memory) -> None:
    """Of an unknown id there is no timeline, not even an empty one."""
    with pytest.raises(UnknownUser):
        timeline.page("nobody", TOP, 10)(memory.connection)
