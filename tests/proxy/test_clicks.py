"""What a click says and what follows: only a clear yes is a yes, and everybody hears what is meant for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from policy.events import Origin, Subject, Told
from policy.model import Channel, Microseconds, Stamp, Standing
from proxy.clicks import Action, State, clicked, events, holds_already, keys, state, unit
from proxy.links import Link

MAIL, SMS, WHATSAPP, ALL = Channel.MAIL, Channel.SMS, Channel.INSTANT_MESSAGING, Channel.ALL
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
ONE_CLICK_PART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
YES_PART = b'--b\r\nContent-Disposition: form-data; name="action"\r\n\r\nin\r\n--b--\r\n'

ADA = Link("ada@example.com", MAIL, campaign="autumn")
STAMP = Stamp(Microseconds(1), "event")


def headers(content_type: str = FORM) -> CIMultiDictProxy[str]:
    """Give the headers of a POST."""
    return CIMultiDictProxy(CIMultiDict({"Content-Type": content_type} if content_type else {}))


def opted_out(*channels: Channel, blacklisted: bool = False) -> Standing:
    """Give a standing."""
    return Standing(STAMP if blacklisted else None, dict.fromkeys(channels, STAMP))


# ── what a POST asks for ──


@pytest.mark.parametrize(
    ("content_type", "body", "action"),
    [
        pytest.param(FORM, b"List-Unsubscribe=One-Click", Action.ONE_CLICK, id="RFC 8058, form"),
        pytest.param(MULTIPART, ONE_CLICK_PART, Action.ONE_CLICK, id="RFC 8058, multipart"),
        pytest.param(FORM + "; charset=UTF-8", b"action=out", Action.OUT, id="out"),
        pytest.param(FORM, b"action=out_all", Action.OUT_ALL, id="out of all"),
        pytest.param(FORM, b"action=in", Action.IN, id="in"),
        pytest.param(MULTIPART, YES_PART, Action.IN, id="in, multipart"),
        pytest.param(FORM, b"list-unsubscribe=ONE-CLICK", Action.ONE_CLICK, id="another case"),
        pytest.param(FORM, b"List-Unsubscribe=Whatever", Action.ONE_CLICK, id="another value"),
        pytest.param(FORM, b"", Action.ONE_CLICK, id="nothing"),
        pytest.param("", b"", Action.ONE_CLICK, id="nothing, of no type"),
        pytest.param("", b"List-Unsubscribe=One-Click", Action.ONE_CLICK, id="of no type"),
        pytest.param("application/json", b'{"action": "in"}', Action.ONE_CLICK, id="JSON"),
        pytest.param(FORM, b"\xff\xfe", Action.ONE_CLICK, id="no text"),
        pytest.param(FORM, b"&".join([b"action=in"] * 30), Action.ONE_CLICK, id="too many fields"),
        pytest.param(MULTIPART, YES_PART[:-6], Action.ONE_CLICK, id="multipart that does not end"),
        pytest.param("multipart/form-data", YES_PART, Action.ONE_CLICK, id="multipart without its boundary"),
        pytest.param(FORM, None, Action.ONE_CLICK, id="too much to read"),
        pytest.param(FORM, b"action=in&List-Unsubscribe=One-Click", Action.ONE_CLICK, id="yes and one-click"),
        pytest.param(FORM, b"action=in&action=out", Action.OUT, id="yes and no"),
        pytest.param(FORM, b"action=in&action=in", Action.OUT, id="yes twice"),
        pytest.param(FORM, b"action=in&x=y", Action.OUT, id="yes and something else"),
        pytest.param(FORM, b"action=IN", Action.OUT, id="another case of yes"),
        pytest.param(FORM, b"action=", Action.OUT, id="an empty word"),
        pytest.param(FORM, b"action=show", Action.OUT, id="a word that no form says"),
        pytest.param(FORM, b"action=out&action=out_all", Action.OUT_ALL, id="both noes"),
    ],
)
def test_only_a_clear_yes_is_a_yes(content_type: str, body: bytes | None, action: Action) -> None:
    """The page's own form and the one-click are understood, and everything else is a no for this channel."""
    assert clicked(headers(content_type), body) is action


@given(st.sampled_from([FORM, MULTIPART, "", "text/plain", "multipart/mixed"]), st.binary(max_size=200))
def test_every_post_says_something(content_type: str, body: bytes) -> None:
    """No body is too odd to be a no."""
    assert clicked(headers(content_type), body) in (Action.ONE_CLICK, Action.OUT)


# ── what holds ──


@pytest.mark.parametrize(
    ("standing", "channel", "expected"),
    [
        pytest.param(opted_out(), MAIL, State.SUBSCRIBED, id="nothing was said"),
        pytest.param(opted_out(SMS), MAIL, State.SUBSCRIBED, id="another channel"),
        pytest.param(opted_out(MAIL), MAIL, State.UNSUBSCRIBED, id="this channel"),
        pytest.param(opted_out(ALL), SMS, State.UNSUBSCRIBED_ALL, id="all"),
        pytest.param(opted_out(ALL, MAIL), MAIL, State.UNSUBSCRIBED_ALL, id="all and this channel"),
        pytest.param(opted_out(ALL, blacklisted=True), MAIL, State.BLOCKED, id="blacklisted"),
    ],
)
def test_what_holds_in_one_word(standing: Standing, channel: Channel, expected: State) -> None:
    """The strongest of what was said is what is shown."""
    assert state(standing, channel) is expected


@pytest.mark.parametrize(
    ("action", "standing", "holds"),
    [
        pytest.param(Action.OUT, opted_out(), False, id="news"),
        pytest.param(Action.OUT, opted_out(SMS), False, id="news for this channel"),
        pytest.param(Action.OUT, opted_out(MAIL), True, id="said before"),
        pytest.param(Action.ONE_CLICK, opted_out(ALL), True, id="covered by all"),
        pytest.param(Action.OUT_ALL, opted_out(MAIL), False, id="all is more than this channel"),
        pytest.param(Action.OUT_ALL, opted_out(ALL), True, id="all, said before"),
        pytest.param(Action.OUT, opted_out(blacklisted=True), False, id="a blacklisting is something else"),
        pytest.param(Action.IN, opted_out(MAIL), False, id="a yes"),
    ],
)
def test_what_holds_already(action: Action, standing: Standing, holds: bool) -> None:  # noqa: FBT001 (a column of the table)
    """A no that is news is told from one that would only be written again."""
    assert holds_already(action, standing, MAIL) is holds


# ── what follows ──


def told(link: Link, action: Action, standing: Standing) -> list[tuple[str, Channel]]:
    """Give the words and channels of what follows, after a look at the rest."""
    found = events(link, action, standing)
    assert all(isinstance(each, Told) and each.source == "unsubscribe" and each.stated is None for each in found)
    return [(each.name, each.channel) for each in found if isinstance(each, Told)]


@pytest.mark.parametrize(
    ("action", "standing", "channel", "follows"),
    [
        pytest.param(Action.ONE_CLICK, opted_out(), MAIL, [("Opt Out", MAIL)], id="one-click"),
        pytest.param(Action.OUT, opted_out(), SMS, [("Opt Out", SMS)], id="out"),
        pytest.param(Action.OUT_ALL, opted_out(), MAIL, [("Opt Out", ALL)], id="out of all"),
        pytest.param(Action.IN, opted_out(MAIL), MAIL, [("Opt In", MAIL)], id="in"),
        pytest.param(
            Action.IN,
            opted_out(ALL),
            MAIL,
            [("Opt In", ALL), ("Opt In", MAIL), ("Opt Out", SMS), ("Opt Out", WHATSAPP)],
            id="e-mail again, under all",
        ),
        pytest.param(
            Action.IN,
            opted_out(ALL, MAIL),
            WHATSAPP,
            [("Opt In", ALL), ("Opt In", WHATSAPP), ("Opt Out", MAIL), ("Opt Out", SMS)],
            id="WhatsApp again, under all",
        ),
    ],
)
def test_what_follows_from_a_click(
    action: Action, standing: Standing, channel: Channel, follows: list[tuple[str, Channel]]
) -> None:
    """A no is for the channel or for all, and who comes back comes back to this channel alone."""
    link = ADA if channel is MAIL else Link("+4915112345678", channel)
    assert told(link, action, standing) == follows


@pytest.mark.parametrize(
    ("action", "origin"),
    [
        pytest.param(Action.ONE_CLICK, Origin.ONE_CLICK, id="the mailbox provider's button"),
        pytest.param(Action.OUT, Origin.PAGE, id="out"),
        pytest.param(Action.IN, Origin.PAGE, id="in"),
    ],
)
def test_who_said_so(action: Action, origin: Origin) -> None:
    """The origin tells the mailbox provider's button from the page, and the campaign stands with the event."""
    (event,) = events(ADA, action, opted_out(MAIL))
    assert isinstance(event, Told)
    assert (event.origin, event.properties) == (origin, {"campaign": "autumn"})


@pytest.mark.parametrize(
    ("link", "subject"),
    [
        pytest.param(
            Link("ada@example.com", MAIL),
            Subject(email="ada@example.com", email_keys=("ada@example.com",), everybody=True),
            id="everybody with the address",
        ),
        pytest.param(
            Link("ada@example.com", MAIL, "DE"),
            Subject(email="ada@example.com", email_keys=("ada@example.com",), business_unit="DE"),
            id="who of the unit has it",
        ),
        pytest.param(
            Link("+4915112345678", SMS, "DE"),
            Subject(phone="+4915112345678", phone_keys=("+4915112345678",), everybody=True),
            id="everybody with the number",
        ),
    ],
)
def test_whom_it_is_about(link: Link, subject: Subject) -> None:
    """A unit narrows an e-mail address; without one, and for a number, everybody who has it is meant."""
    (event,) = events(link, Action.OUT, opted_out())
    assert isinstance(event, Told)
    assert event.subject == subject
    assert unit(link) == subject.business_unit
    assert keys(link)[0] == link.key
