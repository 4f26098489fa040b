"""The people of the benchmarks: who is suppressed, by what they said, and who is not.

Person number n is a lead with one e-mail address. What was said about them, and when, follows from n alone, so that a
store of any size can be written in bulk and any sample of it can be learned anew for comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from policy import state
from policy.events import SUPPRESSES, Origin, Subject, Told, Word
from policy.identity import email_keys
from policy.model import Channel, Microseconds, Recipient, Send

REFUSED_SHARE = 0.05  # of a send's recipients, where some are refused
TIMES = 1000  # different times at which something was said

_START = 1_700_000_000_000_000
_DOMAINS = 997
_SAID: tuple[tuple[tuple[Word, Channel], ...], ...] = (
    ((Word.BLACKLISTED, Channel.ALL),),
    ((Word.OPT_OUT, Channel.ALL),),
    ((Word.OPT_OUT, Channel.MAIL),),
    ((Word.OPT_OUT, Channel.MAIL), (Word.BLACKLISTED, Channel.ALL)),
)
KINDS = len(_SAID)


def suppressed_address(number: int) -> str:
    """Give the address of a suppressed person."""
    return f"person{number}@mail{number % _DOMAINS}.example.com"


def free_address(number: int) -> str:
    """Give an address from which nothing is kept."""
    return f"reader{number}@mail{number % _DOMAINS}.example.com"


def said_at(number: int) -> Microseconds:
    """Say when everything was said about a person."""
    return Microseconds(_START + number % TIMES * 1_000_000)


def told_about(number: int) -> list[Told]:
    """List what was said about a person, as the events endpoint would hand it on."""
    subject = _subject(suppressed_address(number))
    said = _SAID[number % KINDS]
    return [Told(subject, word, word, Origin.EVENT, channel, source="bench") for word, channel in said]


def blacklisting(address: str) -> Told:
    """Blacklist a lead."""
    return Told(_subject(address), Word.BLACKLISTED, Word.BLACKLISTED, Origin.EVENT, source="bench")


def registers(number: int) -> Mapping[state.Register, state.Maxima]:
    """Fold what was said about a person."""
    folded = state.EMPTY
    for told in told_about(number):
        assert told.word is not None
        register = state.target(told.word, told.channel, told.origin, told.number)
        assert register is not None
        folded = state.fold(folded, register, said_at(number), suppresses=SUPPRESSES[told.word])
    return folded


def addresses(count: int, share: float, population: int, random: Random) -> list[str]:
    """Pick recipients, a share of them from the suppressed ones, in random order.

    The share is met on average where it is no whole number of people.
    """
    refused = int(count * share + random.random())
    picked = [suppressed_address(number) for number in random.sample(range(1, population + 1), refused)]
    picked += [free_address(random.randrange(1 << 40)) for _ in range(count - refused)]
    random.shuffle(picked)
    return picked


def sends(count: int, recipients: int, population: int, random: Random) -> Iterator[Send]:
    """Make sends to be judged, as SendGrid's file would have read them."""
    for _ in range(count):
        yield send(addresses(recipients, REFUSED_SHARE, population, random))


def send(to: list[str]) -> Send:
    """Make a send to some addresses."""
    read = (
        Recipient(f"personalizations.{n}.to.0", Channel.MAIL, address, email_keys(address))
        for n, address in enumerate(to)
    )
    return Send(Channel.MAIL, tuple(read))


def _subject(address: str) -> Subject:
    return Subject(email=address, email_keys=email_keys(address))
