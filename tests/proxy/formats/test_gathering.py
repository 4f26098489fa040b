"""How many people one send may name, and how oddly."""

import pytest

from policy.identity import email_keys
from policy.model import Channel, Recipient
from proxy.formats.gathering import MOST, MOST_NUMBERS, MOST_ODD, check_named, gathered
from proxy.providers.base import Unreadable

ADA = Recipient("to.0", Channel.MAIL, "ada@example.com", ("ada@example.com",))
NUMBER = Recipient("to.0", Channel.SMS, "+4915112345678", ("+4915112345678",))
ODD = "ü@bücher.example"
ENOUGH = MOST_ODD // len(ODD)


def odd(address: str) -> Recipient:
    """Give somebody with this address."""
    return Recipient("to.0", Channel.MAIL, address, email_keys(address))


def test_as_many_as_allowed_are_taken_in() -> None:
    """A send of as many ordinary addresses, numbers or odd addresses as allowed is read."""
    assert len(gathered([ADA] * MOST)) == MOST
    assert len(gathered([NUMBER] * MOST_NUMBERS)) == MOST_NUMBERS
    assert len(gathered([odd(ODD)] * ENOUGH)) == ENOUGH
    check_named([ODD] * ENOUGH + ["ada@example.com", 7, None] * MOST)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([ADA] * (MOST + 1), id="people"),
        pytest.param([NUMBER] * (MOST_NUMBERS + 1), id="numbers"),
        pytest.param([odd(ODD)] * (ENOUGH + 1), id="addresses beyond ASCII"),
        pytest.param([odd('"ada@example.com"@relay.example')] * ENOUGH, id="quoted addresses"),
        pytest.param([odd("ada%example.com@relay.example")] * ENOUGH, id="routes"),
    ],
)
def test_too_many_are_not_read(found: list[Recipient]) -> None:
    """A send of more people, numbers or odd addresses than any real one has is unreadable."""
    with pytest.raises(Unreadable):
        gathered(found)


def test_what_is_said_of_odd_addresses_is_bounded_too() -> None:
    """Variables for more odd addresses than a send may have are unreadable."""
    with pytest.raises(Unreadable):
        check_named([ODD] * (ENOUGH + 1))


def test_gathering_stops_at_the_bound() -> None:
    """Nobody is read behind the first who is too many."""
    people = iter([ADA] * (MOST + 10))
    with pytest.raises(Unreadable):
        gathered(people)
    assert len(list(people)) == 9


@pytest.mark.parametrize("blank", [" ", "\t", "\r\n"])
def test_blanks_around_an_address_do_not_make_it_odd(blank: str) -> None:
    """A list from a spreadsheet, with blanks around each address, is as good as any other."""
    assert len(gathered([odd(f"{blank}ada@example.com{blank}")] * (MOST_ODD // 10))) == MOST_ODD // 10
