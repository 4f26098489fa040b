"""Tokens of unsubscribe links: what goes in comes out, always the same, and whatever was touched says nothing."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model import DISPATCHED, Channel
from proxy.links import CAMPAIGN, LONGEST, Broken, Expired, Link, Links, url

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
ADA = Link("ada@example.com", Channel.MAIL, "DE", "autumn sale")
BOB = Link("bob@example.com", Channel.MAIL, "DE", "autumn sale")
LINKS = Links([NEW, OLD])
TOKEN = LINKS.make(ADA)

plain = st.text(st.characters(exclude_categories=["C"]), max_size=60)
made = st.builds(Link, plain.filter(bool), st.sampled_from(DISPATCHED), plain, plain)


@given(made)
def test_what_goes_in_comes_out(link: Link) -> None:
    """Whoever a link is about, its token gives it again, in letters that no URL has to escape."""
    token = LINKS.make(link)
    assert LINKS.read(token) == link
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)


@given(made)
def test_the_same_link_is_the_same_token(link: Link) -> None:
    """Nothing but the link and the key decides: another process, at another time, makes the same token."""
    assert Links([NEW]).make(link) == LINKS.make(link) != Links([OLD]).make(link)


@given(made, made)
def test_different_links_have_different_tokens(one: Link, other: Link) -> None:
    """No two links share a token, even where their texts run into each other."""
    assert (LINKS.make(one) == LINKS.make(other)) is (one == other)


def test_a_token_is_short() -> None:
    """A link to an ordinary address fits in less than a hundred characters, and the token shows nothing of it."""
    assert len(url("https://u.example.com", TOKEN)) < 100
    assert b"ada" not in base64.urlsafe_b64decode(TOKEN + "==")


@pytest.mark.parametrize(
    ("base", "whole"),
    [
        pytest.param("https://gate.example.com", f"https://gate.example.com/u/{TOKEN}", id="as it is configured"),
        pytest.param("https://gate.example.com/", f"https://gate.example.com/u/{TOKEN}", id="with a slash behind"),
    ],
)
def test_a_link_is_whole(base: str, whole: str) -> None:
    """A link is the public address, the path of the door and the token."""
    assert url(base, TOKEN) == whole


# ── keys ──


def test_the_first_key_makes_and_all_verify() -> None:
    """After a rotation links by the old key are read, and new ones are made by the new key."""
    assert LINKS.read(Links([OLD]).make(ADA)) == ADA
    assert Links([NEW]).read(LINKS.make(ADA)) == ADA
    with pytest.raises(Expired):
        Links([OLD]).read(LINKS.make(ADA))


def test_without_its_key_a_link_has_expired() -> None:
    """Once its key is taken away a link says nothing any more, and is told from one that is broken."""
    with pytest.raises(Expired):
        Links([OTHER]).read(TOKEN)
    with pytest.raises(Expired):
        Links([]).read(TOKEN)


def test_without_a_key_there_are_no_links() -> None:
    """Who has no key makes none."""
    assert not Links([])
    with pytest.raises(LookupError):
        Links([]).make(ADA)


def test_keys_that_share_a_number_are_both_tried() -> None:
    """The number of a key is one byte, so two keys may share it: what either made is read, by it alone."""
    first = Links([NEW]).make(ADA)[:1]
    twin = next(
        key for n in range(10_000) if Links([key := f"{n:032}"]).make(BOB)[:1] == first and _number(key) == _number(NEW)
    )
    both = Links([NEW, twin])
    assert both.read(Links([twin]).make(BOB)) == BOB
    assert both.read(TOKEN) == ADA
    with pytest.raises(Broken):
        Links([NEW]).read(Links([twin]).make(BOB))


def _number(key: str) -> int:
    return base64.urlsafe_b64decode(Links([key]).make(ADA) + "==")[0]


# ── what was touched ──


def _swapped() -> str:
    """Put the authenticated head of one token before the rest of another."""
    return TOKEN[:24] + LINKS.make(BOB)[24:]


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("A", id="a letter that decodes to nothing"),
        pytest.param(TOKEN[:1], id="the first letter"),
        pytest.param(TOKEN[:24], id="head alone"),
        pytest.param(TOKEN[:-1], id="cut by one"),
        pytest.param(TOKEN[:-8], id="cut"),
        pytest.param(_swapped(), id="of two tokens"),
        pytest.param(TOKEN + TOKEN, id="twice"),
        pytest.param(TOKEN + "A", id="one more"),
        pytest.param(TOKEN + "=", id="with padding"),
        pytest.param(TOKEN + "\n", id="with a line break"),
        pytest.param(TOKEN[:20] + "." + TOKEN[20:], id="with a letter that decoders skip"),
        pytest.param(TOKEN[:20] + "+" + TOKEN[21:], id="in the other alphabet"),
        pytest.param(TOKEN[:20] + "é" + TOKEN[21:], id="not ASCII"),
        pytest.param(TOKEN * (LONGEST // len(TOKEN) + 1), id="endless"),
        pytest.param("%00", id="an escape"),
    ],
)
def test_what_was_touched_is_broken(token: str) -> None:
    """A token that was cut, swapped or written otherwise is broken, and says nothing about anybody."""
    with pytest.raises(Broken):
        LINKS.read(token)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCXYZabcxyz0189-_"))
def test_no_letter_can_be_changed(at: int, letter: str) -> None:
    """Every single letter counts, the last one with its spare bits too."""
    changed = TOKEN[:at] + letter + TOKEN[at + 1 :]
    if changed != TOKEN:
        with pytest.raises((Broken, Expired)):
            LINKS.read(changed)


@given(
    st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="))
)
def test_nothing_made_up_is_a_link(token: str) -> None:
    """Whatever stands in its place ends in one of the two failures, and in no other."""
    with pytest.raises((Broken, Expired)):
        LINKS.read(token)


# ── what no link can hold ──


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(Link("ada@example.com", Channel.ALL), id="no channel that is dispatched"),
        pytest.param(Link("ada@example.com", Channel.PUSH_NOTIFICATION), id="a channel of the store alone"),
        pytest.param(Link("", Channel.MAIL), id="no address"),
        pytest.param(Link("ada\0@example.com", Channel.MAIL), id="an address that would end early"),
        pytest.param(Link("ada@example.com", Channel.MAIL, "DE\0FR"), id="a unit that would end early"),
        pytest.param(Link("ada@example.com", Channel.MAIL, "D" * LONGEST), id="a unit without end"),
        pytest.param(Link("ada@example.com", Channel.MAIL, "\ud800"), id="a unit that is no text"),
    ],
)
def test_what_no_link_can_hold_is_told(link: Link) -> None:
    """There is no link that would be about somebody else, or about less than it says."""
    with pytest.raises(ValueError, match=r"."):
        LINKS.make(link)


@pytest.mark.parametrize(
    ("campaign", "kept"),
    [
        pytest.param("c" * 500, "c" * CAMPAIGN, id="long"),
        pytest.param("a\0b", "ab", id="with a NUL"),
        pytest.param("\ud800", "?", id="half a letter"),
    ],
)
def test_a_campaign_is_free_text(campaign: str, kept: str) -> None:
    """A campaign is for statistics alone: whatever it is called, there is a link, and what does not fit is left out."""
    assert LINKS.read(LINKS.make(Link("ada@example.com", Channel.MAIL, "", campaign))).campaign == kept
