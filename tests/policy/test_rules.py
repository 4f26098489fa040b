"""Each rule over each message class and each kind of knowledge, their order, and whose opt-outs count in a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import counting, rules
from policy.model import (
    AllowList,
    Channel,
    Facts,
    Holder,
    Listed,
    MessageClass,
    Microseconds,
    Recipient,
    Refused,
    Send,
    Stamp,
    Standing,
    Terms,
    Verdict,
)
from policy.reasons import Reason

KEY, OTHER_KEY = "ann@example.com", "ann@example.org"
NOW = Microseconds(1_772_366_400_000_000)
SECONDS = NOW / 1_000_000
MARKETING, TRANSACTIONAL = MessageClass.MARKETING, MessageClass.TRANSACTIONAL
MAIL, SMS, ALL = Channel.MAIL, Channel.SMS, Channel.ALL


def stamp(origin: str = "event") -> Stamp:
    """Say that somebody said so once."""
    return Stamp(Microseconds(1), origin)


def holder(
    *opt_outs: Channel, blacklisted: bool = False, unit: str = "", user: str | None = "1", kept: bool = False
) -> Holder:
    """Make somebody who has the address."""
    standing = Standing(stamp("api") if blacklisted else None, {channel: stamp() for channel in opt_outs})
    return Holder(user, unit, standing, kept)


def bounced() -> Holder:
    """Make somebody whose mailbox is gone."""
    return Holder("1", "", Standing(stamp("bounce")))


def recipient(*keys: str, channel: Channel = MAIL, at: float | None = None) -> Recipient:
    """Make a recipient."""
    return Recipient("to.0", channel, "Ann@Example.com", keys, at)


def judged(to: Recipient, people: Mapping[str, Sequence[Holder]], terms: Terms, known: frozenset[str] | None) -> str:
    """Say how a send to one recipient ends."""
    facts = Facts({key: tuple(holders) for key, holders in people.items()}, known)
    verdict = rules.decide(Send(to.channel, (to,)), facts, terms, NOW)
    return verdict.refused[0].reason if verdict.refused else "passes"


def terms(message_class: MessageClass, **more: object) -> Terms:
    """Make the terms of judging."""
    return Terms(message_class, **more)  # type: ignore[arg-type]  # each caller's keywords are those of Terms


# ── reason × message class × facts ──

ALLOW_NOBODY = AllowList(frozenset(), frozenset())
MATRIX = [
    # people with the key, terms, key or none, marketing, transactional
    pytest.param([], {}, (KEY,), "passes", "passes", id="nobody"),
    pytest.param([holder()], {}, (KEY,), "passes", "passes", id="somebody who said nothing"),
    pytest.param([holder(blacklisted=True)], {}, (KEY,), "blacklisted", "blacklisted", id="blacklisted"),
    pytest.param([holder(ALL)], {}, (KEY,), "opted_out", "passes", id="opted out of all"),
    pytest.param([holder(MAIL)], {}, (KEY,), "opted_out_channel", "passes", id="opted out of the channel"),
    pytest.param([holder(SMS)], {}, (KEY,), "passes", "passes", id="opted out of another channel"),
    pytest.param([holder(ALL, MAIL)], {}, (KEY,), "opted_out", "passes", id="opted out of both: ALL is told"),
    pytest.param(
        [holder(ALL, blacklisted=True)], {}, (KEY,), "blacklisted", "blacklisted", id="both: blacklisted is told"
    ),
    pytest.param([bounced()], {}, (KEY,), "hard_bounced", "hard_bounced", id="bounced"),
    pytest.param(
        [bounced(), holder(blacklisted=True)], {}, (KEY,), "blacklisted", "blacklisted", id="bounced for one of two"
    ),
    pytest.param(
        [holder(), holder(blacklisted=True)], {}, (KEY,), "blacklisted", "blacklisted", id="one of two people"
    ),
    pytest.param([holder(MAIL), holder(ALL)], {}, (KEY,), "opted_out", "passes", id="the stricter of two people"),
    pytest.param([holder(blacklisted=True, kept=True)], {}, (KEY,), "blacklisted", "blacklisted", id="kept"),
    pytest.param([], {}, (), "invalid_address", "invalid_address", id="no key"),
    pytest.param([], {"allow_only": ALLOW_NOBODY}, (KEY,), "not_allowlisted", "not_allowlisted", id="not allowed"),
    pytest.param([], {"allow_only": ALLOW_NOBODY}, (), "not_allowlisted", "not_allowlisted", id="no key, allow-list"),
    pytest.param([], {"refuse_unknown": True}, (KEY,), "unknown_recipient", "unknown_recipient", id="unknown"),
]


@pytest.mark.parametrize(("people", "more", "keys", "marketing", "transactional"), MATRIX)
def test_the_matrix(
    people: list[Holder], more: dict[str, object], keys: tuple[str, ...], marketing: str, transactional: str
) -> None:
    """A blacklisting stops every class, an opt-out marketing alone, and what says nothing of the person any class."""
    found = {KEY: people} if people else {}
    known = frozenset[str]()
    assert judged(recipient(*keys), found, terms(MARKETING, **more), known) == marketing
    assert judged(recipient(*keys), found, terms(TRANSACTIONAL, **more), known) == transactional


def test_the_rules_stand_in_their_order() -> None:
    """Each rule bears the name of its reason, and they are asked in this order."""
    order = [
        Reason.NOT_ALLOWLISTED,
        Reason.INVALID_ADDRESS,
        Reason.BLACKLISTED,
        Reason.HARD_BOUNCED,
        Reason.BLACKLIST_ENTRY,
        Reason.OPTED_OUT,
        Reason.OPTED_OUT_CHANNEL,
        Reason.UNKNOWN_RECIPIENT,
        Reason.SCHEDULED_TOO_FAR,
    ]
    assert [rule.__name__ for rule in rules.RULES] == [reason.value for reason in order]


# Facts in which exactly one rule speaks; two together end in the one that comes first.
ALONE: dict[str, tuple[list[Holder], dict[str, object], float | None]] = {
    "not_allowlisted": ([], {"allow_only": ALLOW_NOBODY}, None),
    "blacklisted": ([holder(blacklisted=True)], {}, None),
    "hard_bounced": ([bounced()], {}, None),
    "opted_out": ([holder(ALL)], {}, None),
    "opted_out_channel": ([holder(MAIL)], {}, None),
    "scheduled_too_far": ([], {"max_schedule_ahead": 60.0}, SECONDS + 61),
}


@pytest.mark.parametrize(
    ("first", "second"), [pytest.param(*pair, id=" + ".join(pair)) for pair in combinations(ALONE, 2)]
)
def test_the_first_rule_stands(first: str, second: str) -> None:
    """Where two rules speak, the one that stands first is told."""
    (one, its_terms, at), (other, other_terms, other_at) = ALONE[first], ALONE[second]
    people = {KEY: [*other, *one]} if one or other else {}
    to = recipient(KEY, at=at or other_at)
    assert judged(to, people, terms(MARKETING, **its_terms, **other_terms), None) == first


ENTRIES = [
    # people with the key, the entry, the terms, and how a send of either class ends
    pytest.param([], Listed("", "api"), {}, "blacklist_entry", "blacklist_entry", id="nobody has the address"),
    pytest.param([holder()], Listed("", "api"), {}, "blacklist_entry", "blacklist_entry", id="somebody has it"),
    pytest.param([holder(ALL)], Listed("", "api"), {}, "blacklist_entry", "blacklist_entry", id="before an opt-out"),
    pytest.param(
        [holder(blacklisted=True)], Listed("", "api"), {}, "blacklisted", "blacklisted", id="after a blacklisting"
    ),
    pytest.param(
        [], Listed("shop", "api"), {"scope": "shop"}, "blacklist_entry", "blacklist_entry", id="of the route's scope"
    ),
    pytest.param([], Listed("shop", "api"), {}, "blacklist_entry", "blacklist_entry", id="a route without scope"),
    pytest.param([], Listed("", "api"), {"scope": "shop"}, "blacklist_entry", "blacklist_entry", id="without scope"),
    pytest.param([], Listed("shop", "api"), {"scope": "blog"}, "passes", "passes", id="of another scope"),
    pytest.param(
        [holder(ALL)], Listed("shop", "api"), {"scope": "blog"}, "opted_out", "passes", id="another scope, opted out"
    ),
    pytest.param([], Listed("", "api", NOW), {}, "blacklist_entry", "blacklist_entry", id="in its last moment"),
    pytest.param([], Listed("", "api", Microseconds(NOW - 1)), {}, "passes", "passes", id="expired"),
    pytest.param(
        [], Listed("", "api"), {"refuse_unknown": True}, "blacklist_entry", "blacklist_entry", id="before unknown"
    ),
]


@pytest.mark.parametrize(("people", "entry", "more", "marketing", "transactional"), ENTRIES)
def test_blacklist_entries(
    people: list[Holder], entry: Listed, more: dict[str, object], marketing: str, transactional: str
) -> None:
    """An entry stops every class of message as long as it lasts and where its scope counts, whoever has the address."""
    facts = Facts({KEY: tuple(people)} if people else {}, frozenset(), {OTHER_KEY: (), KEY: (entry,)})
    to = recipient(OTHER_KEY, KEY)
    for message_class, ends in ((MARKETING, marketing), (TRANSACTIONAL, transactional)):
        verdict = rules.decide(Send(MAIL, (to, recipient("zed@x.de"))), facts, terms(message_class, **more), NOW)
        told = [each.reason for each in verdict.refused if each.recipient == to]
        assert (told[0] if told else "passes") == ends


def test_a_refusal_by_an_entry_says_who_put_it_there() -> None:
    """What is refused for an entry tells its origin and no person."""
    to = recipient(KEY)
    facts = Facts({KEY: (holder(),)}, None, {KEY: (Listed("", "cli"),)})
    verdict = rules.decide(Send(MAIL, (to,)), facts, terms(MARKETING), NOW)
    assert verdict == Verdict((Refused(to, Reason.BLACKLIST_ENTRY, "cli"),))


def test_a_refusal_says_on_whose_word() -> None:
    """What is refused tells the user, the unit and the origin of the word that counts, and whether it was kept."""
    people = (holder(user="2"), holder(blacklisted=True, user="3", unit="DE", kept=True))
    to = recipient(KEY)
    verdict = rules.decide(Send(MAIL, (to,)), Facts({KEY: people}), terms(MARKETING), NOW)
    assert verdict == Verdict((Refused(to, Reason.BLACKLISTED, "api", "3", "DE", kept=True),))


def test_each_recipient_is_judged_by_itself() -> None:
    """Of several recipients exactly the refused ones are named, in their order, the same address twice as well."""
    places = [(OTHER_KEY, "to.0"), (KEY, "to.1"), ("x@example.net", "cc.0"), (KEY, "cc.1")]
    everybody = tuple(Recipient(place, MAIL, key, (key,)) for key, place in places)
    facts = Facts({KEY: (holder(ALL),), OTHER_KEY: (holder(SMS),)})
    verdict = rules.decide(Send(MAIL, everybody), facts, terms(MARKETING), NOW)
    assert [refused.recipient.place for refused in verdict.refused] == ["to.1", "cc.1"]


@given(st.permutations([KEY, OTHER_KEY, "third@example.com"]), st.sampled_from([0, 1, 2]))
def test_any_key_of_an_address_suffices(keys: list[str], at: int) -> None:
    """An address that may stand for several keys is refused if anybody with any of them is blacklisted."""
    assert judged(recipient(*keys), {keys[at]: [holder(blacklisted=True)]}, terms(TRANSACTIONAL), None) == "blacklisted"


# ── whose opt-outs count in a unit ──

DE, FR, NONE = holder(MAIL, unit="DE"), holder(MAIL, unit="FR"), holder(MAIL)
DE_IN, FR_IN, NONE_IN = holder(unit="DE", user="in"), holder(unit="FR", user="in"), holder(user="in")
OTHER_DE, BLANK_DE = holder(MAIL, unit="de"), holder(MAIL, unit=" DE ")
KEPT_DE = holder(MAIL, unit="DE", user=None, kept=True)


@pytest.mark.parametrize(
    ("people", "unit", "counted"),
    [
        pytest.param((DE, FR_IN), "", (DE, FR_IN), id="no unit is named: everybody"),
        pytest.param((DE, NONE_IN), "", (DE, NONE_IN), id="no unit is named, and somebody has none: everybody"),
        pytest.param((DE, FR_IN), "FR", (FR_IN,), id="the unit has the address: it alone"),
        pytest.param((DE, FR_IN, NONE), "FR", (FR_IN, NONE), id="the unit has the address: it and the empty unit"),
        pytest.param((DE, NONE), "FR", (DE, NONE), id="nobody of the unit has it: everybody"),
        pytest.param((DE, FR_IN), "fr", (DE, FR_IN), id="another spelling is another unit"),
        pytest.param((DE_IN, OTHER_DE, FR), "DE", (DE_IN, OTHER_DE), id="but what was said in another spelling counts"),
        pytest.param((DE_IN, BLANK_DE, FR), "DE", (DE_IN, BLANK_DE), id="with blanks around it too"),
        pytest.param((KEPT_DE, FR), "DE", (KEPT_DE, FR), id="a kept address is nobody's presence"),
        pytest.param((KEPT_DE, DE_IN, FR), "DE", (KEPT_DE, DE_IN), id="but what is kept in the unit counts there"),
        pytest.param((KEPT_DE, FR_IN), "FR", (FR_IN,), id="and not in another"),
        pytest.param((), "DE", (), id="nobody at all"),
    ],
)
def test_a_unit_narrows_whose_opt_outs_count(
    people: tuple[Holder, ...], unit: str, counted: tuple[Holder, ...]
) -> None:
    """The opt-outs that count are those of the unit and of the empty one, or all where nobody is of the unit."""
    assert counting.in_unit(people, unit) == counted
    ends = "opted_out_channel" if any(each.standing.opt_outs for each in counted) else "passes"
    assert judged(recipient(KEY), {KEY: people}, terms(MARKETING, business_unit=unit), None) == ends


@given(st.sampled_from(["", "DE", "FR", "IT"]), st.sampled_from(["", "DE", "FR"]))
def test_a_blacklisting_counts_in_every_unit(named: str, unit: str) -> None:
    """No unit of a send or of a person lets a blacklisted one through."""
    people = [holder(blacklisted=True, unit=unit), DE_IN, FR_IN]
    assert judged(recipient(KEY), {KEY: people}, terms(TRANSACTIONAL, business_unit=named), None) == "blacklisted"


@pytest.mark.parametrize(
    ("people", "unit", "opt_outs", "blacklisted"),
    [
        pytest.param((), "DE", [], False, id="nobody"),
        pytest.param((DE, FR_IN), "", [MAIL], False, id="whoever of several"),
        pytest.param((DE, holder(ALL, SMS, unit="DE")), "DE", [MAIL, ALL, SMS], False, id="all that was said"),
        pytest.param((DE, FR_IN), "FR", [], False, id="not another unit's"),
        pytest.param((DE, NONE), "FR", [MAIL], False, id="the strictest, where nobody is of the unit"),
        pytest.param((holder(blacklisted=True, unit="DE"), FR_IN), "FR", [], True, id="a blacklisting in every unit"),
    ],
)
def test_what_holds_for_all_of_an_address(
    people: tuple[Holder, ...],
    unit: str,
    opt_outs: list[Channel],
    blacklisted: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    """What is shown of an address is what a send to it would meet, channel by channel."""
    holding = counting.holding(Facts({KEY: people} if people else {}), [KEY], unit, NOW)
    assert (set(holding.opt_outs), bool(holding.blacklisted)) == (set(opt_outs), blacklisted)
    for channel in (MAIL, SMS):
        met = judged(recipient(KEY, channel=channel), {KEY: people}, terms(MARKETING, business_unit=unit), None)
        assert (met == "passes") is not (blacklisted or bool({ALL, channel} & set(holding.opt_outs)))


@pytest.mark.parametrize(
    ("entry", "blocked"),
    [
        pytest.param(Listed("", "api", at=Microseconds(7)), True, id="for all"),
        pytest.param(Listed("", "api", NOW, Microseconds(7)), True, id="for all, in its last moment"),
        pytest.param(Listed("", "api", Microseconds(NOW - 1), Microseconds(7)), False, id="expired"),
        pytest.param(Listed("shop", "api", at=Microseconds(7)), False, id="of one scope: others may send"),
    ],
)
def test_a_blacklist_entry_holds_for_all_of_an_address(entry: Listed, *, blocked: bool) -> None:
    """An address that no route sends to is shown as blacklisted, since when and on whose word."""
    facts = Facts({}, None, {OTHER_KEY: (entry,)})
    stamp = Stamp(Microseconds(7), "api") if blocked else None
    assert counting.holding(facts, [KEY, OTHER_KEY], "", NOW) == Standing(stamp)


# ── strangers, allow-lists, schedules ──


@pytest.mark.parametrize(
    ("people", "known", "ends"),
    [
        pytest.param([], {KEY}, "passes", id="somebody has the key"),
        pytest.param([], {OTHER_KEY}, "passes", id="somebody has one of the keys"),
        pytest.param([], set(), "unknown_recipient", id="nobody has a key"),
        pytest.param([], None, "unknown_recipient", id="nobody was asked"),
        pytest.param([holder(SMS)], set(), "passes", id="somebody suppressed elsewhere has it"),
        pytest.param([holder(SMS, kept=True)], set(), "unknown_recipient", id="it is merely kept"),
    ],
)
def test_strangers_are_refused_where_the_route_says_so(people: list[Holder], known: set[str] | None, ends: str) -> None:
    """With unknown_recipients: refuse, only who is known passes; without it everybody does."""
    facts = {KEY: people} if people else {}
    asked = None if known is None else frozenset(known)
    assert judged(recipient(KEY, OTHER_KEY), facts, terms(MARKETING, refuse_unknown=True), asked) == ends
    assert judged(recipient(KEY, OTHER_KEY), facts, terms(MARKETING), asked) == "passes"


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [
        pytest.param((KEY,), True, id="the whole address"),
        pytest.param(("anybody@team.example",), True, id="the domain"),
        pytest.param((KEY, "x@team.example"), True, id="all keys, in either way"),
        pytest.param((KEY, OTHER_KEY), False, id="one key of two"),
        pytest.param(("x@sub.team.example",), False, id="a domain below"),
        pytest.param(("team.example@example.com",), False, id="the domain as a local part"),
        pytest.param(("+4915112345678",), True, id="a number"),
        pytest.param(("+4915112345679",), False, id="another number"),
        pytest.param((), False, id="no key at all"),
    ],
)
def test_an_allow_list_lets_pass_only_what_it_names(keys: tuple[str, ...], allowed: bool) -> None:  # noqa: FBT001 (a column of the table)
    """An address passes only if everything it may stand for is on the list."""
    listed = AllowList(frozenset({KEY, "+4915112345678"}), frozenset({"team.example"}))
    assert (judged(recipient(*keys), {}, terms(MARKETING, allow_only=listed), None) == "passes") is allowed


@pytest.mark.parametrize(
    ("ahead", "limit", "marketing"),
    [
        pytest.param(None, 60.0, "passes", id="not scheduled"),
        pytest.param(-5.0, 60.0, "passes", id="in the past"),
        pytest.param(60.0, 60.0, "passes", id="just as far as allowed"),
        pytest.param(60.5, 60.0, "scheduled_too_far", id="too far"),
        pytest.param(float("inf"), 60.0, "scheduled_too_far", id="for ever"),
        pytest.param(10.0**9, None, "passes", id="no limit"),
        pytest.param(0.5, 0.0, "scheduled_too_far", id="no schedule at all is allowed"),
    ],
)
def test_marketing_is_not_scheduled_too_far(ahead: float | None, limit: float | None, marketing: str) -> None:
    """Marketing further ahead than the limit is refused; transactional messages never are."""
    to = recipient(KEY, at=None if ahead is None else SECONDS + ahead)
    assert judged(to, {}, terms(MARKETING, max_schedule_ahead=limit), None) == marketing
    assert judged(to, {}, terms(TRANSACTIONAL, max_schedule_ahead=limit), None) == "passes"


@pytest.mark.parametrize(
    ("ahead", "delay", "marketing"),
    [
        pytest.param(None, 60.0, "passes", id="held as long as allowed"),
        pytest.param(None, 60.5, "scheduled_too_far", id="held too long"),
        pytest.param(30.0, 30.0, "passes", id="scheduled and held as long as allowed"),
        pytest.param(30.0, 30.5, "scheduled_too_far", id="scheduled and held too long"),
        pytest.param(-30.0, 60.5, "scheduled_too_far", id="scheduled in the past, and held too long"),
    ],
)
def test_what_the_provider_may_hold_counts_as_scheduled(ahead: float | None, delay: float, marketing: str) -> None:
    """Where the provider picks the time, marketing is judged by the latest one; transactional messages never are."""
    to = recipient(KEY, at=None if ahead is None else SECONDS + ahead)._replace(delay=delay)
    assert judged(to, {}, terms(MARKETING, max_schedule_ahead=60.0), None) == marketing
    assert judged(to, {}, terms(TRANSACTIONAL, max_schedule_ahead=60.0), None) == "passes"


# ── the message class ──

WANTED = {"categories": ("receipt", "reset"), "tag": ("system",)}


@pytest.mark.parametrize(
    ("always", "claimed", "may_claim", "markers", "transactional"),
    [
        pytest.param(False, False, False, {}, False, id="nothing says so"),
        pytest.param(True, False, False, {}, True, id="the route"),
        pytest.param(False, True, True, {}, True, id="a sender who may"),
        pytest.param(False, True, False, {}, False, id="a sender who may not"),
        pytest.param(False, False, True, {}, False, id="a sender who may, but does not"),
        pytest.param(False, False, False, {"categories": ("news", "receipt")}, True, id="a marker"),
        pytest.param(False, False, False, {"categories": ("Receipt",)}, False, id="a marker in another case"),
        pytest.param(False, False, False, {"tag": ("receipt",)}, False, id="the value of another field"),
        pytest.param(False, False, False, {"subject": ("receipt",)}, False, id="a field that is no marker"),
    ],
)
def test_transactional_is_what_may_say_so(
    always: bool,  # noqa: FBT001 (a column of the table)
    claimed: bool,  # noqa: FBT001
    may_claim: bool,  # noqa: FBT001
    markers: dict[str, tuple[str, ...]],
    transactional: bool,  # noqa: FBT001
) -> None:
    """A send is marketing unless the route, a sender that may claim it, or a configured marker says otherwise."""
    found = rules.message_class(always=always, claimed=claimed, may_claim=may_claim, wanted=WANTED, markers=markers)
    assert (found is TRANSACTIONAL) is transactional
