"""What is left of an event when somebody in it is erased: effects, others' names, and no text in which they stood."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policy import veiling
from policy.events import Departure, Event, Listing, Told, Unplaced, Veil
from policy.model import Microseconds
from policy.veiling import Veils
from tests.policy.conftest import listed, profile, told

BOB, ANN, PHONE = "bob@x.de", "ann@x.de", "+4915112345678"
VEIL = Veil(Microseconds(7), "ab")
VEILS = Veils(
    key=lambda key: key if key.startswith("erased:") else f"erased:{key[::-1].replace('@', '~')}",
    id=lambda external_id: f"\x00{external_id.removeprefix(chr(0))}",
    notice=lambda notice: f"\x00{notice.removeprefix(chr(0))}",
    is_gone=lambda key: key in (BOB, PHONE),
    is_gone_id=lambda external_id: external_id == "1",
    is_spared=lambda key: key == ANN,
    is_listed=lambda listing: listing.scope == "there",
)
NO_BOB = "erased:ed.x~bob"

TEXTS = [
    pytest.param("bob@x.de", "erased", id="the address alone"),
    pytest.param("Hi BOB@X.DE.", "Hi erased", id="in another case, at the end of a sentence"),
    pytest.param("<bob@x.de>, ann@x.de", "<erased>, ann@x.de", id="beside another"),
    pytest.param("https://x.de/?to=bob%40x.de&n=1", "https://x.de/?to=erased&n=1", id="in a query"),
    pytest.param("mailto:bob@x.de?subject=x", "mailto:erased?subject=x", id="in a link"),
    pytest.param("call +49 151 12345678 now", "call erased now", id="a number with blanks"),
    pytest.param("from 004915112345678", "from erased", id="a number with zeros"),
    pytest.param("jimbob@x.de", "jimbob@x.de", id="the end of somebody else's"),
    pytest.param("bob@x.de.example.org", "bob@x.de.example.org", id="the beginning of somebody else's"),
    pytest.param("bob at x.de, 4915112345679", "bob at x.de, 4915112345679", id="nothing of the kind"),
    pytest.param("", "", id="nothing"),
]


@pytest.mark.parametrize(("text", "left"), TEXTS)
def test_an_address_goes_from_a_text(text: str, left: str) -> None:
    """Each spelling of the address goes, and nothing beside it."""
    assert veiling.text_without(text, VEILS) == left
    assert veiling.text_without(left, VEILS) == left


def test_an_address_goes_from_a_tree() -> None:
    """Addresses go from values at any depth, from names of members and from numbers; the rest stays as it is."""
    tree: dict[str, Any] = {"a": [BOB, {"bob@x.de": 1}], "b": 4915112345678, "c": True, "d": None, "e": 1.5, "f": 12}
    left = {"a": ["erased", {"erased": 1}], "b": "erased", "c": True, "d": None, "e": 1.5, "f": 12}
    assert veiling.walked(tree, VEILS) == left


WHOLE: list[Any] = [
    pytest.param(
        told("Opt Out", "1", at="2026-01-01T00:00:00Z", number="+4930", note=BOB),
        replace(told("Opt Out", number="+4930"), subject=replace(told("x").subject, id="\x001"), veil=VEIL),
        id="an event keeps its effect alone",
    ),
    pytest.param(
        replace(told("Opt Out", email=BOB, unit="DE"), notice="mail:9"),
        replace(
            told("Opt Out"),
            subject=replace(told("x").subject, email=NO_BOB, email_keys=(NO_BOB,), business_unit="DE"),
            notice="\x00mail:9",
            veil=VEIL,
        ),
        id="an address and an item's id are veiled, a unit is not",
    ),
    pytest.param(
        told("Blacklisted", "1", email=ANN),
        replace(told("Blacklisted", email=ANN), subject=replace(told("x", email=ANN).subject, id="\x001"), veil=VEIL),
        id="somebody else's address stays",
    ),
    pytest.param(
        replace(profile("1", email=BOB, unit="DE", phone=None), traits={"name": "Bob"}),
        replace(profile("\x001", unit="DE", phone=None), email=NO_BOB, email_keys=(NO_BOB,)),
        id="a profile loses its traits",
    ),
    pytest.param(profile(None, email=""), profile(None, email=""), id="a profile without names"),
    pytest.param(Departure("1", "x"), Departure("\x001", "x"), id="a departure"),
    pytest.param(Departure(xng_id="x"), Departure(xng_id="x"), id="a departure by internal id"),
    pytest.param(Unplaced("U", "o", {"a": 1}, "n"), Unplaced("U", "o", {}, "\x00n"), id="an item that had no place"),
]


@pytest.mark.parametrize(("event", "left"), WHOLE)
def test_an_event_about_the_erased_one(event: Event, left: Event) -> None:
    """All names are veiled, what was said beside goes, and a second time changes nothing."""
    assert veiling.whole(event, VEILS, VEIL) == left
    assert veiling.whole(left, VEILS, VEIL) == left


def test_a_second_number_is_veiled_like_the_first() -> None:
    """Each number of a profile is veiled under its own trait, and can be read from its veil again."""
    left = veiling.whole(profile("1", phone=PHONE, mobile="+49 30 123456"), VEILS, VEIL)
    assert left.phones["phone"] == (VEILS.key(PHONE), (VEILS.key(PHONE),))  # type: ignore[union-attr]  # it is a profile
    assert veiling.keys_in(left.phones["mobile"][0]) == (VEILS.key("+4930123456"),)  # type: ignore[union-attr,index]


PARTLY: list[Any] = [
    pytest.param(
        told("Completed Order", "2", email=ANN, gift_for="Bob@X.de"),
        replace(told("Completed Order", "2", email=ANN, gift_for="erased"), veil=VEIL),
        id="an address among the properties",
    ),
    pytest.param(
        told("Blacklisted", "2", email=BOB),
        replace(
            told("Blacklisted", "2"),
            subject=replace(told("x", "2").subject, email=NO_BOB, email_keys=(NO_BOB,)),
            veil=VEIL,
        ),
        id="an address beside another's id",
    ),
    pytest.param(
        replace(profile("2", email=BOB, phone=PHONE, mobile="+49 30 123456"), traits={"a": ANN}),
        replace(
            profile("2", phone="x", mobile="+49 30 123456"),
            email=NO_BOB,
            email_keys=(NO_BOB,),
            phones={
                "phone": (VEILS.key(PHONE), (VEILS.key(PHONE),)),
                "mobile": ("+49 30 123456", ("+4930123456",)),
            },
            traits={"a": ANN},
        ),
        id="an address that was another's",
    ),
    pytest.param(Departure("1"), Departure("\x001"), id="a departure of the same id"),
    pytest.param(Unplaced("U", "o", {"to": [BOB]}, "n"), Unplaced("U", "o", {}, "\x00n"), id="an item goes as a whole"),
]


LISTINGS = [
    pytest.param(
        listed(BOB, "gone", name="i", reason=BOB),
        Listing("i", NO_BOB, (NO_BOB,), "gone"),
        id="an address that was taken off the list",
    ),
    pytest.param(
        listed(BOB, "there", name="i", reason=f"{BOB} asked"),
        Listing("i", BOB, (BOB,), "there", "erased asked"),
        id="an address that is on the list",
    ),
    pytest.param(
        listed(ANN, "gone", name="i", reason=f"{BOB} asked"),
        Listing("i", ANN, (ANN,), "gone", "erased asked"),
        id="another's address, for a reason that names the erased one",
    ),
    pytest.param(listed("*@x.de", "gone"), listed("*@x.de", "gone"), id="a pattern of domains"),
]


@pytest.mark.parametrize(("event", "left"), [*PARTLY, *LISTINGS])
def test_an_event_that_mentions_the_erased_one(event: Event, left: Event) -> None:
    """The address goes, and all else stays."""
    assert veiling.partly(event, VEILS, VEIL) == left


UNTOUCHED: list[Event] = [
    told("Opt Out", "2", email=ANN, note="for ann@x.de"),
    profile("2", email=ANN, phone="+49 30 123456"),
    Departure("2"),
    Departure(xng_id="x"),
    Unplaced("U", "o", {"to": [ANN]}, "n"),
    listed(ANN, "gone"),
    listed(BOB, "there"),
]


@pytest.mark.parametrize("event", UNTOUCHED)
def test_an_event_about_others_is_the_same(event: Event) -> None:
    """An event that names the erased one nowhere is given back itself."""
    assert veiling.partly(event, VEILS, VEIL) is event


def test_what_is_told_beside_a_veil_is_no_word_less() -> None:
    """Word, channel, origin, sending number and source of an event outlast its names."""
    event = replace(told("Opt Out", "1", origin="keyword", number="+4930"), source="key")
    left = veiling.whole(event, VEILS, VEIL)
    assert isinstance(left, Told)
    assert (left.word, left.channel, left.origin, left.number, left.source) == (
        event.word,
        event.channel,
        event.origin,
        event.number,
        event.source,
    )
