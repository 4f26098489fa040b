"""Stories in which a no could get lost, each told as it happens and asked by sending.

A story is a list of what is told, in the order and at the times it arrives, with sends between. Each says how a send
must end; where it passes, something newer released the person, or nobody ever said no.
"""

from __future__ import annotations

import pytest

from policy.events import Departure, Origin
from policy.model import Channel
from tests.policy.conftest import PASSES, Clock, Sends, Step, World, profile, told

ANN, OLD, NEW, BOB = "ann@example.com", "old@example.com", "new@example.com", "bob@example.com"
MOBILE, OTHER_MOBILE = "+4915112345678", "+4915187654321"
BLACKLISTED, OPTED_OUT, OPTED_OUT_CHANNEL = "blacklisted", "opted_out", "opted_out_channel"
MAIL, SMS = Channel.MAIL, Channel.SMS


def of_all(word: str, address: str, origin: str = Origin.PAGE, channel: Channel = Channel.ALL) -> Step:
    """Say something of everybody who has an address, as a webhook or a link without a unit does."""
    by_mail = "@" in address
    email, phone = (address, None) if by_mail else (None, address)
    return told(word, email=email, phone=phone, origin=origin, channel=channel, everybody=True)


def by_put(word: str, external_id: str, channel: Channel = Channel.ALL) -> Step:
    """Set a status with PUT: the same event, from the api and without a time of its own."""
    return told(word, external_id, origin=Origin.API, channel=channel)


TIMES = [
    pytest.param(
        [
            profile("1", email=ANN),
            Clock("2026-03-01T10:00:00.200000Z"),
            by_put("Blacklisted", "1"),
            Clock("2026-03-01T10:00:00.700000Z"),
            by_put("Whitelisted", "1"),
            Sends(ANN, PASSES),
            Clock("2026-03-01T10:00:00.900000Z"),
            told("Blacklisted", "1", at="2026-03-01T10:00:00Z"),
            Sends(ANN, BLACKLISTED, transactional=True),
        ],
        id="whitelisted by PUT, then blacklisted at a whole second of the same second",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            told("Whitelisted", "1", at="2099-01-01T00:00:00Z"),
            by_put("Blacklisted", "1"),
            Sends(ANN, BLACKLISTED, transactional=True),
            told("Whitelisted", "1", at="2099-01-01T00:00:00Z"),
            Sends(ANN, BLACKLISTED, transactional=True),
        ],
        id="whitelisted in the future, then a PUT true, then the same whitelisting again",
    ),
    pytest.param(
        [
            told("Blacklisted", email=ANN, at="0001-01-01T00:00:00Z"),
            Sends(ANN, BLACKLISTED),
        ],
        id="blacklisted in the year 1, as systems write a time they do not know",
    ),
    pytest.param(
        [
            told("Whitelisted", email=ANN, at="1969-01-01T00:00:00Z"),
            told("Blacklisted", email=ANN, at="1950-01-01T00:00:00Z"),
            Sends(ANN, BLACKLISTED),
        ],
        id="two statements from before 1970",
    ),
    pytest.param(
        [
            told("Blacklisted", email=ANN, at="1970-01-01T00:00:00.000000Z"),
            Sends(ANN, BLACKLISTED),
        ],
        id="blacklisted at the very beginning of 1970",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            Clock("2026-03-01T10:00:00.700000Z"),
            by_put("Whitelisted", "1"),
            Clock("2026-03-01T09:59:00Z"),
            by_put("Blacklisted", "1"),
            Sends(ANN, BLACKLISTED),
        ],
        id="the clock steps back between a yes and a no without a time",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            Clock("2026-03-01T10:00:00.700000Z"),
            by_put("Whitelisted", "1"),
            Clock("2026-03-01T10:00:00.300000Z"),
            told("Blacklisted", "1", at="2026-03-01T10:00:00Z"),
            Sends(ANN, BLACKLISTED),
        ],
        id="the clock steps back between a yes and a no of the same second",
    ),
    pytest.param(
        [
            told("Blacklisted", email=ANN, at="2026-03-01T10:00:00Z"),
            told("Whitelisted", email=ANN, at="2026-03-01T10:00:00Z"),
            Sends(ANN, BLACKLISTED),
        ],
        id="yes and no of the same second",
    ),
    pytest.param(
        [
            told("Whitelisted", email=ANN, at="2026-03-01T11:00:00+01:00"),
            told("Blacklisted", email=ANN, at="2026-03-01T11:30:00+02:00"),
            Sends(ANN, PASSES),
            told("Blacklisted", email=ANN, at="2026-03-01T12:00:00+02:00"),
            Sends(ANN, BLACKLISTED),
        ],
        id="statements from several zones",
    ),
]

KEYWORDS = [
    pytest.param(
        [
            profile("1", mobile=MOBILE),
            told("Opt Out", "1", channel=SMS, origin=Origin.COMPLAINT),
            told("Opt Out", "1", channel=SMS, origin=Origin.KEYWORD, number="+4930123456"),
            told("Opt In", "1", channel=SMS, origin=Origin.KEYWORD, number="+4930123456"),
            Sends(MOBILE, OPTED_OUT_CHANNEL),
            told("Opt In", "1", channel=SMS, origin=Origin.API),
            Sends(MOBILE, PASSES),
        ],
        id="complaint, STOP, START: only the keyword goes",
    ),
    pytest.param(
        [
            told("Opt Out", phone=MOBILE, channel=SMS, origin=Origin.KEYWORD, number="+4930123456"),
            told("Opt In", phone=MOBILE, channel=SMS, origin=Origin.KEYWORD, number="+4930999999"),
            Sends(MOBILE, OPTED_OUT_CHANNEL),
        ],
        id="START to another number",
    ),
    pytest.param(
        [
            told("Blacklisted", email=ANN),
            told("Whitelisted", email=ANN, origin=Origin.PAGE),
            told("Whitelisted", email=ANN, origin=Origin.KEYWORD),
            told("Whitelisted", email=ANN, origin="provider:sendgrid"),
            told("Whitelisted", email=ANN, origin=Origin.COMPLAINT),
            told("Opt In", email=ANN),
            told("Opt In", email=ANN, origin=Origin.PAGE),
            Sends(ANN, BLACKLISTED),
        ],
        id="nobody but operators whitelists, and no opt-in does",
    ),
    pytest.param(
        [
            told("Opt Out", email=ANN, channel=MAIL),
            told("Opt In", email=ANN),
            Sends(ANN, OPTED_OUT_CHANNEL),
            told("Opt Out", email=ANN),
            told("Opt In", email=ANN, channel=MAIL),
            Sends(ANN, OPTED_OUT),
            told("Whitelisted", email=ANN),
            Sends(ANN, OPTED_OUT),
        ],
        id="an opt-in releases its own channel only",
    ),
    pytest.param(
        [
            told("Opt Out", email=ANN, origin="provider:sendgrid"),
            told("Opt In", email=ANN, origin="provider:mailgun"),
            Sends(ANN, OPTED_OUT),
            told("Opt In", email=ANN, origin="provider:sendgrid"),
            Sends(ANN, PASSES),
        ],
        id="a provider's resubscribe undoes that provider's word alone",
    ),
]

ADDRESSES = [
    pytest.param(
        [
            profile("1", email=OLD),
            by_put("Blacklisted", "1"),
            profile("1", email=NEW),
            Sends(OLD, BLACKLISTED, transactional=True),
            Sends(NEW, BLACKLISTED, transactional=True),
            by_put("Whitelisted", "1"),
            Sends(OLD, PASSES),
            Sends(NEW, PASSES),
        ],
        id="the e-mail changes after the blacklisting",
    ),
    pytest.param(
        [
            profile("1", email=OLD),
            by_put("Opt Out", "1"),
            profile("1", email=NEW),
            by_put("Blacklisted", "1"),
            Sends(OLD, BLACKLISTED, transactional=True),
        ],
        id="the e-mail changes after an opt-out, and the blacklisting comes later",
    ),
    pytest.param(
        [
            profile("1", email=OLD),
            by_put("Blacklisted", "1"),
            profile("1", email=NEW),
            by_put("Whitelisted", "1"),
            by_put("Blacklisted", "1"),
            Sends(OLD, BLACKLISTED, transactional=True),
        ],
        id="released and blacklisted again after the change",
    ),
    pytest.param(
        [
            profile("1", email=OLD),
            by_put("Opt Out", "1"),
            profile("1", email=BOB),
            told("Blacklisted", email=NEW),
            profile("1", email=NEW),
            Sends(OLD, BLACKLISTED, transactional=True),
            Sends(BOB, BLACKLISTED, transactional=True),
            Sends(NEW, BLACKLISTED, transactional=True),
        ],
        id="merged with a blacklisted lead after a change",
    ),
    pytest.param(
        [
            profile("1", email=OLD, mobile=MOBILE),
            by_put("Blacklisted", "1"),
            profile("1", email="", mobile=None),
            Sends(OLD, BLACKLISTED),
            Sends(MOBILE, BLACKLISTED),
        ],
        id="the addresses are taken away",
    ),
    pytest.param(
        [
            told("Blacklisted", "1"),
            profile("1", email=ANN, mobile=MOBILE),
            Sends(ANN, BLACKLISTED),
            Sends(MOBILE, BLACKLISTED),
        ],
        id="blacklisted before any address is known",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            by_put("Blacklisted", "1"),
            profile("1", email=BOB),
            profile("2", email=ANN),
            Sends(ANN, BLACKLISTED),
            Sends(BOB, BLACKLISTED),
            by_put("Whitelisted", "1"),
            Sends(ANN, PASSES),
        ],
        id="the address moves to another user",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            by_put("Blacklisted", "1"),
            profile("1", email=BOB),
            profile("2", email=ANN),
            by_put("Whitelisted", "2"),
            Sends(ANN, PASSES),
            Sends(BOB, BLACKLISTED),
        ],
        id="a kept address is released by who has it now, and only that address",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            profile("2", email=ANN, unit="FR"),
            by_put("Blacklisted", "1"),
            by_put("Whitelisted", "2"),
            Sends(ANN, BLACKLISTED, transactional=True, unit="FR"),
        ],
        id="somebody else with the address is whitelisted",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            by_put("Opt Out", "1"),
            profile("1", email=BOB),
            profile("2", email=ANN),
            by_put("Blacklisted", "2"),
            profile("2", email=NEW),
            by_put("Whitelisted", "2"),
            Sends(ANN, OPTED_OUT),
            by_put("Opt In", "1"),
            Sends(ANN, PASSES),
        ],
        id="two gave the address up, each with a word of their own",
    ),
    pytest.param(
        [
            profile(None, email=ANN, mobile=MOBILE),
            told("Blacklisted", email=ANN),
            profile(None, email=ANN, mobile=None),
            profile("1", email=ANN),
            Sends(MOBILE, BLACKLISTED),
            by_put("Whitelisted", "1"),
            Sends(MOBILE, PASSES),
        ],
        id="what a lead gave up belongs to the user it became",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            by_put("Blacklisted", "1"),
            profile("1", email=BOB),
            profile("1", email=ANN),
            profile("1", email=BOB),
            by_put("Whitelisted", "1"),
            Sends(ANN, PASSES),
            by_put("Blacklisted", "1"),
            Sends(ANN, BLACKLISTED),
        ],
        id="to and fro between two addresses",
    ),
    pytest.param(
        [
            profile("1", email="x@xn--strae-oqa.de"),
            told("Blacklisted", email="x@straße.de"),
            Sends("x@straße.de", BLACKLISTED),
            Sends("x@strasse.de", BLACKLISTED),
            Sends("x@xn--strae-oqa.de", BLACKLISTED),
        ],
        id="a spelling with two readings of a user known by one",
    ),
    pytest.param(
        [
            told("Blacklisted", email="x@straße.de"),
            profile("1", email="x@xn--strae-oqa.de"),
            Sends("x@strasse.de", BLACKLISTED),
            told("Opt In", email="x@strasse.de"),
            profile("1", mobile=MOBILE),
            Sends("x@strasse.de", BLACKLISTED),
        ],
        id="a lead with two readings becomes a user with one",
    ),
    pytest.param(
        [
            profile("1", email="x@xn--strae-oqa.de"),
            told("Blacklisted", "1", email="x@straße.de"),
            Sends("x@strasse.de", BLACKLISTED),
        ],
        id="an id beside a spelling with more readings than its own",
    ),
]

PEOPLE = [
    pytest.param(
        [
            told("Blacklisted", email=ANN),
            Sends(ANN, BLACKLISTED),
            profile("1", email=ANN),
            Sends(ANN, BLACKLISTED),
            told("Whitelisted", "1", at="2026-03-01T11:59:59Z"),
            Sends(ANN, BLACKLISTED),
            by_put("Whitelisted", "1"),
            Sends(ANN, PASSES),
        ],
        id="a blacklisted lead becomes a user",
    ),
    pytest.param(
        [
            profile("1", email=OLD),
            by_put("Whitelisted", "1"),
            told("Blacklisted", email=ANN, at="2026-03-01T10:00:00Z"),
            profile("1", email=ANN),
            Sends(ANN, BLACKLISTED),
            Sends(OLD, BLACKLISTED),
        ],
        id="a user who was released later than the lead was blacklisted",
    ),
    pytest.param(
        [
            profile("1", email=OLD),
            by_put("Blacklisted", "1"),
            told("Whitelisted", email=ANN),
            profile("1", email=ANN),
            Sends(ANN, BLACKLISTED),
        ],
        id="a blacklisted user becomes one with a released lead",
    ),
    pytest.param(
        [
            told("Blacklisted", phone=MOBILE),
            profile("1", email=ANN, mobile=MOBILE),
            profile("2", email=BOB, mobile=MOBILE),
            Sends(MOBILE, BLACKLISTED),
            Sends(ANN, PASSES),
            by_put("Whitelisted", "1"),
            by_put("Whitelisted", "2"),
            Sends(MOBILE, BLACKLISTED),
            told("Whitelisted", phone=MOBILE),
            Sends(MOBILE, PASSES),
        ],
        id="a phone that several people share",
    ),
    pytest.param(
        [
            profile("1", mobile=MOBILE),
            profile("2", mobile=MOBILE),
            by_put("Opt Out", "2", channel=SMS),
            Sends(MOBILE, OPTED_OUT_CHANNEL),
            Sends(MOBILE, PASSES, transactional=True),
            Sends(MOBILE, PASSES, channel=Channel.INSTANT_MESSAGING),
        ],
        id="one of two with the number opted out",
    ),
    pytest.param(
        [
            told("Blacklisted", phone="+5215512345678"),
            Sends("+525512345678", BLACKLISTED),
            Sends("+5215512345678", BLACKLISTED),
        ],
        id="a Mexican number with and without its 1",
    ),
    pytest.param(
        [
            told("Blacklisted", "1", email=ANN),
            Sends(ANN, BLACKLISTED),
            profile("1", email=BOB),
            Sends(BOB, BLACKLISTED),
            Sends(ANN, BLACKLISTED),
        ],
        id="an id and an e-mail, neither known",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            profile("2", email=BOB),
            told("Blacklisted", "1", email=BOB),
            Sends(ANN, BLACKLISTED),
            Sends(BOB, BLACKLISTED),
            told("Whitelisted", "1", email=BOB),
            Sends(ANN, PASSES),
            Sends(BOB, BLACKLISTED),
        ],
        id="an id with the e-mail of another user: the no counts for both, the yes for the id",
    ),
    pytest.param(
        [
            told("Whitelisted", "1", email=ANN, at="2026-03-01T11:00:00Z"),
            told("Blacklisted", "1", email=ANN, at="2026-03-01T10:00:00Z"),
            Sends(ANN, PASSES),
            told("Blacklisted", email=ANN, at="2026-03-01T11:30:00Z"),
            Sends(ANN, BLACKLISTED),
        ],
        id="an id and an e-mail, the yes before the older no",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            profile("2", email=ANN, unit="DE"),
            told("Blacklisted", "1", phone=MOBILE),
            Sends(MOBILE, BLACKLISTED),
            Sends(ANN, BLACKLISTED, unit="DE"),
        ],
        id="an id with a phone that nobody has",
    ),
]

UNITS = [
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            profile("2", email=ANN, unit="FR"),
            by_put("Blacklisted", "1"),
            Sends(ANN, BLACKLISTED, unit="FR", transactional=True),
            Sends(ANN, BLACKLISTED, unit="IT"),
            Sends(ANN, BLACKLISTED),
        ],
        id="a blacklisting counts in every unit",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            profile("2", email=ANN, unit="FR"),
            by_put("Opt Out", "1"),
            Sends(ANN, OPTED_OUT, unit="DE"),
            Sends(ANN, PASSES, unit="FR"),
        ],
        id="an opt-out counts in its own unit",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            profile("2", email=ANN, unit="FR"),
            told("Opt Out", email=ANN),
            Sends(ANN, OPTED_OUT, unit="DE"),
            Sends(ANN, OPTED_OUT, unit="FR"),
            told("Opt In", "1"),
            told("Opt In", "2"),
            Sends(ANN, OPTED_OUT, unit="DE"),
        ],
        id="an opt-out under the empty unit counts in every unit",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            by_put("Opt Out", "1"),
            Sends(ANN, OPTED_OUT, unit="IT"),
            Sends(ANN, OPTED_OUT),
        ],
        id="in a unit where nobody has the address the strictest holds",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            by_put("Opt Out", "1"),
            profile("1", unit="FR"),
            profile("2", email=ANN, unit="DE"),
            Sends(ANN, OPTED_OUT, unit="DE"),
            Sends(ANN, OPTED_OUT, unit="FR"),
            by_put("Opt In", "1"),
            Sends(ANN, PASSES, unit="DE"),
        ],
        id="a user who opted out moves to another unit and somebody takes the place",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            by_put("Opt Out", "1"),
            profile("2", email=ANN, unit="FR"),
            Sends(ANN, OPTED_OUT, unit="FR"),
            profile("1", unit="DE"),
            Sends(ANN, OPTED_OUT, unit="FR"),
        ],
        id="an opt-out under the empty unit stays one when the user gets a unit",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            by_put("Opt Out", "1"),
            profile("1", email=BOB),
            profile("2", email=ANN, unit="FR"),
            by_put("Opt In", "2"),
            Sends(ANN, OPTED_OUT, unit="DE"),
            profile("3", email=ANN, unit="DE"),
            Sends(ANN, OPTED_OUT, unit="DE"),
            by_put("Opt In", "3"),
            Sends(ANN, PASSES, unit="DE"),
        ],
        id="what is kept in one unit is not released in another",
    ),
    pytest.param(
        [
            told("Opt Out", phone=MOBILE),
            profile("1", mobile=MOBILE, unit="DE"),
            Sends(MOBILE, OPTED_OUT, unit="DE"),
        ],
        id="a phone lead knows no units",
    ),
]

EVERYBODY = [
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Opt Out", ANN),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, OPTED_OUT, unit="UK"),
            Sends(ANN, PASSES, unit="UK", transactional=True),
        ],
        id="a new user of another unit",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            profile("2", email=BOB, unit="UK"),
            by_put("Opt In", "2"),
            of_all("Opt Out", ANN, channel=MAIL),
            Sends(BOB, PASSES, unit="UK"),
            profile("2", email=ANN),
            Sends(ANN, OPTED_OUT_CHANNEL, unit="UK"),
        ],
        id="a user who changes their address to it",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Opt Out", ANN),
            told("Opt Out", email=ANN, unit="UK", channel=SMS),
            Sends(ANN, OPTED_OUT, unit="UK"),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, OPTED_OUT, unit="UK"),
        ],
        id="a lead of another unit, and the user it becomes",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Opt Out", ANN),
            told("Opt Out", email=ANN, unit="UK", channel=SMS),
            told("Opt In", email=ANN, unit="UK"),
            Sends(ANN, PASSES, unit="UK"),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, PASSES, unit="UK"),
        ],
        id="a lead that was released stays so as a user",
    ),
    pytest.param(
        [
            profile("1", mobile=MOBILE, unit="DE"),
            of_all("Opt Out", MOBILE, channel=SMS),
            profile("2", email=ANN, unit="UK"),
            profile("2", mobile=MOBILE),
            Sends(MOBILE, OPTED_OUT_CHANNEL, unit="UK"),
            Sends(ANN, PASSES, unit="UK"),
        ],
        id="a number that somebody gets",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE", mobile=MOBILE),
            of_all("Opt Out", MOBILE, Origin.KEYWORD, SMS),
            of_all("Opt In", MOBILE, Origin.KEYWORD, SMS),
            profile("2", mobile=MOBILE, unit="UK"),
            Sends(MOBILE, PASSES, unit="UK"),
        ],
        id="a number that said STOP and START",
    ),
    pytest.param(
        [
            profile("1", email="x@xn--strae-oqa.de", unit="DE"),
            of_all("Opt Out", "x@straße.de"),
            profile("2", email="x@strasse.de", unit="UK"),
            profile("3", email="x@xn--strae-oqa.de", unit="UK"),
            Sends("x@strasse.de", OPTED_OUT, unit="UK"),
            Sends("x@xn--strae-oqa.de", OPTED_OUT, unit="UK"),
        ],
        id="a spelling with two readings, each of which somebody gets",
    ),
    pytest.param(
        [
            profile("1", email="x@strasse.de", unit="DE"),
            of_all("Opt Out", "x@strasse.de"),
            profile("2", email="x@xn--strae-oqa.de", unit="UK"),
            told("Opt Out", "2", email="x@straße.de", channel=SMS),
            Sends("x@strasse.de", OPTED_OUT, unit="UK"),
            Sends("x@xn--strae-oqa.de", OPTED_OUT, unit="UK"),
            by_put("Opt In", "2"),
            Sends("x@strasse.de", PASSES, unit="UK"),
        ],
        id="a spelling with which somebody gets a second reading",
    ),
    pytest.param(
        [
            of_all("Opt Out", ANN),
            profile("1", email=ANN),
            by_put("Opt In", "1"),
            Sends(ANN, PASSES),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, OPTED_OUT, unit="UK"),
            by_put("Opt In", "2"),
            Sends(ANN, PASSES, unit="UK"),
        ],
        id="a release reaches the user it names, at once and for them alone",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Opt Out", ANN),
            by_put("Opt In", "1"),
            profile("1", email=BOB),
            profile("1", email=ANN),
            Sends(ANN, PASSES, unit="DE"),
            profile("1", email=BOB),
            of_all("Opt Out", ANN),
            profile("1", email=ANN),
            Sends(ANN, OPTED_OUT, unit="DE"),
        ],
        id="to and fro, a release holds until everybody says no anew",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Opt Out", ANN),
            of_all("Opt In", ANN),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, PASSES, unit="UK"),
            Sends(ANN, PASSES),
        ],
        id="a recipient who came back on the page without a unit",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Opt Out", ANN, "provider:one"),
            of_all("Opt Out", ANN, "provider:two"),
            of_all("Opt In", ANN, "provider:one"),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, OPTED_OUT, unit="UK"),
            of_all("Opt In", ANN, "provider:two"),
            Sends(ANN, PASSES, unit="UK"),
            profile("3", email=ANN, unit="FR"),
            Sends(ANN, PASSES, unit="FR"),
        ],
        id="a provider takes back its own for those who come too",
    ),
    pytest.param(
        [
            of_all("Opt Out", ANN),
            told("Opt In", email=ANN, origin=Origin.API),
            Sends(ANN, PASSES),
            profile("1", email=ANN),
            Sends(ANN, PASSES),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, OPTED_OUT, unit="UK"),
        ],
        id="a stranger of whom it was said, and who was released before becoming a user",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Opt Out", ANN),
            told("Opt In", email=ANN, unit="DE", origin=Origin.API),
            Sends(ANN, PASSES, unit="DE"),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, OPTED_OUT, unit="UK"),
        ],
        id="a release in one unit says nothing of another",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            profile("2", email=BOB, unit="UK"),
            of_all("Opt Out", ANN),
            of_all("Opt In", ANN),
            by_put("Opt Out", "2"),
            profile("2", email=ANN),
            Sends(ANN, OPTED_OUT, unit="UK"),
        ],
        id="what released the address releases nobody who gets it",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Opt Out", ANN),
            Departure("1"),
            Sends(ANN, PASSES),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, PASSES, unit="UK"),
        ],
        id="forget: it goes with the last who has the address",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            profile("2", email=ANN, unit="UK"),
            of_all("Opt Out", ANN),
            Departure("1"),
            Departure("2", keep_suppressed=True),
            profile("3", email=ANN, unit="FR"),
            Sends(ANN, OPTED_OUT, unit="FR"),
        ],
        id="kept: it stays while anything of the address is kept",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Opt Out", ANN),
            profile("1", email=BOB),
            Sends(ANN, OPTED_OUT, unit="UK"),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, OPTED_OUT, unit="UK"),
        ],
        id="an address that was given up and is got by somebody of another unit",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE"),
            of_all("Blacklisted", ANN, Origin.BOUNCE),
            by_put("Whitelisted", "1"),
            profile("2", email=ANN, unit="UK"),
            Sends(ANN, PASSES, unit="DE"),
        ],
        id="a blacklisting that was undone does not come back with somebody new",
    ),
]

DELETIONS = [
    pytest.param(
        [
            profile("1", email=ANN),
            by_put("Blacklisted", "1"),
            Departure("1"),
            Sends(ANN, PASSES),
            profile("1", email=ANN),
            Sends(ANN, PASSES),
        ],
        id="forget: the standing goes with the user",
    ),
    pytest.param(
        [
            profile("1", email=ANN, mobile=MOBILE),
            by_put("Blacklisted", "1"),
            Departure("1", keep_suppressed=True),
            Sends(ANN, BLACKLISTED, transactional=True),
            Sends(MOBILE, BLACKLISTED),
            profile("1", email=ANN),
            Sends(ANN, BLACKLISTED),
            by_put("Whitelisted", "1"),
            Sends(ANN, PASSES),
            Sends(MOBILE, BLACKLISTED),
            told("Whitelisted", phone=MOBILE),
            Sends(MOBILE, PASSES),
        ],
        id="keep_suppressed: the standing outlives the user and who has the address releases it",
    ),
    pytest.param(
        [
            profile("1", email=ANN, unit="DE", mobile=MOBILE),
            by_put("Blacklisted", "1"),
            Departure("1", keep_suppressed=True),
            told("Whitelisted", email=ANN),
            told("Whitelisted", email=ANN, unit="FR"),
            Sends(ANN, BLACKLISTED),
            told("Whitelisted", email=ANN, unit="DE"),
            Sends(ANN, PASSES),
            told("Whitelisted", phone=MOBILE),
            Sends(MOBILE, PASSES),
        ],
        id="keep_suppressed: an e-mail is released in its own unit, a number anyhow",
    ),
    pytest.param(
        [
            profile("1", email=OLD),
            by_put("Blacklisted", "1"),
            profile("1", email=NEW),
            Departure("1"),
            Sends(NEW, PASSES),
            Sends(OLD, BLACKLISTED),
            profile("1", email=NEW),
            by_put("Whitelisted", "1"),
            Sends(OLD, BLACKLISTED),
            told("Whitelisted", email=OLD),
            Sends(OLD, PASSES),
        ],
        id="forget: an address given up before stays kept, and a namesake does not release it",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            by_put("Opt Out", "1"),
            Departure("1", keep_suppressed=True),
            profile("1", email=ANN),
            by_put("Blacklisted", "1"),
            Departure("1", keep_suppressed=True),
            Sends(ANN, BLACKLISTED, transactional=True),
        ],
        id="keep_suppressed: twice deleted, the stricter holds",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            told("Blacklisted", "1", at="2026-03-01T10:00:00Z"),
            Departure("1"),
            told("Blacklisted", "1", at="2026-03-01T10:00:00Z"),
            profile("1", email=ANN),
            Sends(ANN, BLACKLISTED),
        ],
        id="forget: the blacklisting is told again after the deletion",
    ),
    pytest.param(
        [
            profile("1", email=ANN),
            by_put("Opt Out", "1"),
            Departure("1", keep_suppressed=True),
            Sends(ANN, OPTED_OUT, refuse_unknown=True),
            Sends(ANN, "unknown_recipient", refuse_unknown=True, transactional=True),
        ],
        id="a kept address is nobody's presence",
    ),
]


@pytest.mark.parametrize("story", [*TIMES, *KEYWORDS, *ADDRESSES, *PEOPLE, *UNITS, *EVERYBODY, *DELETIONS])
async def test_no_one_who_said_no_is_sent_to(world: World, story: list[Step]) -> None:
    """Every send of the story ends as the story says."""
    await world.play(story)
