"""Of a provider's notice: the event that it becomes, and the list that a resubscribe is held to."""

from __future__ import annotations

from typing import get_args

import pytest

from policy import times
from policy.events import Claim, Origin, Told, Word
from policy.model import Channel
from proxy import notices
from proxy.accounts import Effects
from proxy.config import Route
from proxy.hooks.base import Notice, Says
from proxy.hooks.postmark import read
from tests.hooks import postmark, ses

AT = times.read("2026-01-01T00:00:00Z")
ROUTE = Route.model_validate(
    {"provider": "postmark", "upstream": "https://api.example.com", "webhook": {"key": "k" * 8}}
)


def made(notice: Notice, route: str = "mail") -> Told:
    """Make the event of a notice that a route was told."""
    event = notices.event(notice, route, ROUTE, Channel.MAIL)
    assert isinstance(event, Told)
    return event


@pytest.mark.parametrize(
    ("left", "back", "same"),
    [
        pytest.param(("mail", "news"), ("mail", "news"), True, id="the same list"),
        pytest.param(("mail", ""), ("mail", ""), True, id="everything"),
        pytest.param(("mail", "news"), ("mail", "offers"), False, id="another list"),
        pytest.param(("mail", ""), ("mail", "news"), False, id="everything, and one list"),
        pytest.param(("mail", "news"), ("other", "news"), False, id="another route"),
    ],
)
def test_a_resubscribe_reaches_its_own_list_alone(left: tuple[str, str], back: tuple[str, str], *, same: bool) -> None:
    """An unsubscribe and a resubscribe meet in one register only where route and list are the same."""
    no = made(Notice(Says.UNSUBSCRIBE, "ada@example.com", AT, "1", group=left[1]), left[0])
    yes = made(Notice(Says.RESUBSCRIBE, "ada@example.com", AT, "2", group=back[1]), back[0])
    assert ((no.origin, no.number) == (yes.origin, yes.number)) is same


ENDS: dict[str, tuple[Word | None, Channel]] = {
    "opt_out": (Word.OPT_OUT, Channel.MAIL),
    "opt_out_all": (Word.OPT_OUT, Channel.ALL),
    "block": (Word.BLACKLISTED, Channel.ALL),
    "opt_in": (Word.OPT_IN, Channel.MAIL),
    "record": (None, Channel.ALL),
}
ORIGINS = {
    Says.UNSUBSCRIBE: "provider:postmark",
    Says.COMPLAINT: Origin.COMPLAINT,
    Says.HARD_BOUNCE: Origin.BOUNCE,
    Says.RESUBSCRIBE: "provider:postmark",
}


def allowed() -> list[tuple[Says, str]]:
    """List every word with every effect that the configuration may give it."""
    return [(Says(name), each) for name, field in Effects.model_fields.items() for each in get_args(field.annotation)]


@pytest.mark.parametrize(("says", "effect"), allowed())
@pytest.mark.parametrize("dropped", [False, True])
def test_each_word_does_what_the_configuration_says(says: Says, effect: str, *, dropped: bool) -> None:
    """For every word: out of this channel, out of all, blocked, written down or let go, under the word's own origin."""
    route = Route.model_validate({**ROUTE.model_dump(), "webhook": {"key": "k" * 8, "effects": {says.value: effect}}})
    notice = Notice(says, "ada@example.com", AT, "1", dropped=dropped)
    told = notices.event(notice, "mail", route, Channel.MAIL)
    if says is Says.HARD_BOUNCE and effect == "ignore" and not dropped:
        assert told is None
        return
    assert isinstance(told, Told)
    heeded = told.claim is None or told.claim.heeded
    assert (told.word, told.channel) == ENDS["record" if effect == "ignore" else effect]
    assert (told.origin, heeded) == (ORIGINS[says], effect != "ignore")


def test_what_was_dropped_for_no_known_reason_is_written_down() -> None:
    """A provider's list that nobody can name opts nobody out."""
    told = made(Notice(Says.DROPPED, "ada@example.com", AT, "1"))
    assert (told.name, told.word, told.claim) == (
        "Dropped",
        None,
        Claim("mail:", Channel.MAIL, suppresses=True, dropped=True),
    )


def test_a_list_has_a_bounded_name() -> None:
    """However long a provider's own name of a list is, an export can hold it."""
    assert (
        len(made(Notice(Says.UNSUBSCRIBE, "ada@example.com", AT, "1", group="x" * 9999)).number) == notices.LONGEST_LIST
    )


def test_ses_tells_the_contact_list() -> None:
    """What SES tells of preferences is about one contact list."""
    left = ses.subscription(ses.preferences(news="OptIn"), ses.preferences(news="OptOut"), "ada@example.com")
    assert [notice.group for notice in ses.HOOKS.read(ses.sign(left, 1_800_000_000))] == ["list all"]


def test_a_mailbox_that_is_none_costs_no_other() -> None:
    """Of a bounce that names several, those who can be read are told; the rest is kept as it came."""
    body = ses.bounce("ada@example.com", "no; mailbox", "bob@example.com")
    told = [(notice.says, notice.address) for notice in ses.HOOKS.read(ses.sign(body, 1_800_000_000))]
    hard = Says.HARD_BOUNCE
    assert told == [(hard, "ada@example.com"), (Says.UNUSABLE, ""), (hard, "bob@example.com")]


def test_postmark_tells_the_stream() -> None:
    """What Postmark tells of a suppression is about one message stream."""
    body = (
        b'{"RecordType":"SubscriptionChange","Recipient":"ada@example.com","SuppressSending":true,'
        b'"SuppressionReason":"ManualSuppression","Origin":"Recipient","MessageStream":"news"}'
    )
    assert [notice.group for notice in read(postmark.sign(body, 0))] == ["news"]
