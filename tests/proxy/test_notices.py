"""Of a provider's notice: the event that it becomes, and the list that a resubscribe is held to."""

from __future__ import annotations

import pytest

from policy import times
from policy.events import Told
from policy.model import Channel
from proxy import notices
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
