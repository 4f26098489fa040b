"""Rows of lists: what each cell says, what no cell ever says, and that writing and reading come out the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import rows, state, times
from policy.events import SUPPRESSES, Event, Kind, Origin, Profile, Told, Word
from policy.model import Channel, Microseconds
from policy.rows import COLUMNS, LONGEST, BadRow, cells_of, events_of
from policy.state import Register
from policy.times import Stated
from tests.policy.conftest import phone_of, who

T1, T2 = "2026-01-11T00:00:00.000000Z", "2026-02-22T00:00:00.000000Z"
MOBILE, HOME = "+4915112345678", "+4930123456"
DIGEST = "0" * 31 + "1"
KEPT = f"kept:{DIGEST}:{DIGEST}"

Said = tuple[str, Channel, str, str | None, str]  # word, channel, origin, stated time, sending number


def said(events: Sequence[Event]) -> list[Said]:
    """Give what is told, in its order."""
    return [
        (event.name, event.channel, event.origin, event.stated.text if event.stated else None, event.number)
        for event in events
        if isinstance(event, Told)
    ]


def no(
    word: str = "Blacklisted", channel: Channel = Channel.ALL, origin: str = "import", at: str | None = None
) -> Said:
    """Write one thing that is told."""
    return (word, channel, origin, at, "")


# ── what the cells say ──

OPT_OUT, MAIL, SMS = "Opt Out", Channel.MAIL, Channel.SMS
CELLS = [
    pytest.param({"blacklisted": "true"}, [no()], id="blacklisted"),
    pytest.param({"blacklisted": " YES "}, [no()], id="any spelling of yes, with blanks"),
    pytest.param({"blacklisted": "1", "blacklistedAt": T1}, [no(at=T1)], id="blacklisted since"),
    pytest.param({"blacklistedAt": T1}, [no(at=T1)], id="a time alone is a no"),
    pytest.param({"blacklisted": "false"}, [], id="not blacklisted says nothing"),
    pytest.param({"blacklisted": "false", "blacklistedAt": T1}, [], id="not blacklisted since says nothing"),
    pytest.param({"optOutAll": "true"}, [no(OPT_OUT)], id="opted out"),
    pytest.param({"optOutAllAt": T1}, [no(OPT_OUT, at=T1)], id="opted out since"),
    pytest.param({"optOutAll": "0"}, [], id="not opted out says nothing"),
    pytest.param({"optOutChannels": "MAIL"}, [no(OPT_OUT, MAIL)], id="a channel"),
    pytest.param({"optOutChannels": "mail, Sms"}, [no(OPT_OUT, MAIL), no(OPT_OUT, SMS)], id="channels with a comma"),
    pytest.param({"optOutChannels": "MAIL;SMS|ALL"}, [no(OPT_OUT, MAIL), no(OPT_OUT, SMS), no(OPT_OUT)], id="lists"),
    pytest.param({"optOutChannels": f"MAIL@{T1}"}, [no(OPT_OUT, MAIL, at=T1)], id="a channel since"),
    pytest.param({"optOutChannels": "-MAIL"}, [], id="back in on a channel says nothing"),
    pytest.param({"optOutOrigins": f"BLACKLIST=api@{T1}"}, [no(origin="api", at=T1)], id="an origin"),
    pytest.param({"optOutOrigins": "blacklist=complaint"}, [no(origin="complaint")], id="an origin without its time"),
    pytest.param(
        {"optOutOrigins": f"SMS=keyword#+4930123456@{T1} MAIL=provider:sendgrid@{T2}"},
        [(OPT_OUT, SMS, "keyword", T1, "+4930123456"), no(OPT_OUT, MAIL, "provider:sendgrid", T2)],
        id="a keyword's number and a provider",
    ),
    pytest.param(
        {"optOutOrigins": f"SMS=keyword#My%20Shop%40Home@{T1}"},
        [(OPT_OUT, SMS, "keyword", T1, "My Shop@Home")],
        id="a sender's name in a word",
    ),
    pytest.param(
        {"blacklisted": "true", "blacklistedAt": T1, "optOutChannels": "MAIL"}
        | {"optOutOrigins": f"BLACKLIST=api@{T1} MAIL=page@{T2}"},
        [no(origin="api", at=T1), no(OPT_OUT, MAIL, "page", T2)],
        id="an export's plain cells say nothing beside its origins",
    ),
    pytest.param(
        {"blacklisted": "true", "blacklistedAt": T2, "optOutOrigins": f"BLACKLIST=api@{T1}"},
        [no(origin="api", at=T1), no(at=T2)],
        id="a newer no in the plain cells counts beside its origins",
    ),
    pytest.param(
        {"optOutChannels": "SMS", "optOutOrigins": f"MAIL=page@{T1}"},
        [no(OPT_OUT, MAIL, "page", T1), no(OPT_OUT, SMS)],
        id="another channel counts beside its origins",
    ),
    pytest.param({}, [], id="nothing"),
]


@pytest.mark.parametrize(("cells", "told"), CELLS)
@pytest.mark.parametrize(
    "named",
    [{"id": "1"}, {"email": "a@x.de", "businessUnit": "DE"}, {"phone": MOBILE}],
    ids=["by id", "by e-mail", "by phone"],
)
def test_cells_say_what_the_columns_mean(cells: dict[str, str], told: list[Said], named: dict[str, str]) -> None:
    """A row tells what its cells mean and nothing else, whoever it names."""
    words = [what for what in said(events_of({**named, **cells})) if what[0] in set(Word)]
    assert words == told


RELEASES = [
    pytest.param({"blacklisted": "false"}, [no("Whitelisted")], id="not blacklisted"),
    pytest.param({"blacklisted": "no", "blacklistedAt": T1}, [no("Whitelisted", at=T1)], id="not blacklisted since"),
    pytest.param({"optOutAll": "0"}, [no("Opt In")], id="not opted out"),
    pytest.param({"optOutChannels": f"-mail@{T1}"}, [no("Opt In", MAIL, at=T1)], id="back in on a channel since"),
    pytest.param({"optOutChannels": "SMS -MAIL"}, [no(OPT_OUT, SMS), no("Opt In", MAIL)], id="out of one, in on one"),
    pytest.param({"blacklisted": "", "optOutAll": "", "optOutChannels": ""}, [], id="empty cells"),
]


@pytest.mark.parametrize(("cells", "told"), RELEASES)
def test_false_releases_on_request(cells: dict[str, str], told: list[Said]) -> None:
    """With release, a false cell and a channel with a minus release; an empty cell never does."""
    assert said(events_of({"id": "1", **cells}, release=True)) == told


# Cells as lists really have them, good and bad.
CELL = st.one_of(
    st.sampled_from(
        ["", "true", "false", "yes", "no", "0", "1", "TRUE ", "nonsense", T1, "2026-01-11", "MAIL", "-MAIL"]
    ),
    st.sampled_from(
        ["-ALL@" + T1, "ALL, -SMS", f"BLACKLIST=api@{T1}", "MAIL=keyword#7", "a@x.de", MOBILE, KEPT, "a" * 9]
    ),
    st.text(max_size=12),
)
ANY_ROW = st.fixed_dictionaries(dict.fromkeys(COLUMNS, CELL))


def releasing(events: Sequence[Event]) -> list[Told]:
    """List what releases."""
    return [event for event in events if isinstance(event, Told) and event.word and not SUPPRESSES[event.word]]


def all_told(row: Mapping[str, str], *, release: bool) -> list[Event]:
    """Give all that is taken of a row, be it good or bad."""
    try:
        return list(events_of(row, release=release))
    except BadRow as bad:
        return list(bad.noes)


@settings(max_examples=500)
@given(ANY_ROW)
def test_nothing_releases_unless_asked(row: dict[str, str]) -> None:
    """Whatever stands in the cells of a row, without release none of it releases anybody."""
    assert releasing(all_told(row, release=False)) == []


@settings(max_examples=500)
@given(ANY_ROW)
def test_only_false_and_minus_release(row: dict[str, str]) -> None:
    """Even with release, each release comes from a false cell or a channel with a minus; a bad row releases nobody."""
    released = {(event.word, event.channel) for event in releasing(all_told(row, release=True))}
    false = {"false", "no", "0"}
    may = {(Word.WHITELISTED, Channel.ALL)} if row["blacklisted"].strip().lower() in false else set()
    may |= {(Word.OPT_IN, Channel.ALL)} if row["optOutAll"].strip().lower() in false else set()
    may |= {(Word.OPT_IN, channel) for channel in Channel if f"-{channel}" in row["optOutChannels"].upper()}
    assert released <= may


# ── whom a row names ──

NAMED = [
    pytest.param({"id": "1"}, Profile("1"), id="a user"),
    pytest.param(
        {"id": "1", "email": "A@x.de", "businessUnit": "DE", "phone": MOBILE},
        Profile("1", "A@x.de", ("a@x.de",), "DE", {"phone": phone_of(MOBILE)}),
        id="a user with everything",
    ),
    pytest.param({"id": " 1 "}, Profile(" 1 "), id="an id's blanks are its own"),
    pytest.param({"email": "a@x.de"}, Profile(None, "a@x.de", ("a@x.de",), ""), id="a lead of whom nothing is said"),
    pytest.param(
        {"email": "a@x.de", "phone": f"home={HOME}|mobile={MOBILE}"},
        Profile(None, "a@x.de", ("a@x.de",), None, {"home": phone_of(HOME), "mobile": phone_of(MOBILE)}),
        id="a lead with two numbers",
    ),
    pytest.param(
        {"phone": MOBILE},
        Told(who(phone=MOBILE), "Imported", None, Origin.IMPORT),
        id="a phone of whom nothing is said",
    ),
]


@pytest.mark.parametrize(("cells", "event"), NAMED)
def test_a_row_names_somebody(cells: dict[str, str], event: Event) -> None:
    """A row that only names somebody makes them known."""
    assert events_of(cells) == (event,)


def test_a_kept_address_is_named_by_its_digest() -> None:
    """A kept address of an export is told of by check value and digest, under its business unit."""
    (told,) = events_of({"email": KEPT, "businessUnit": "DE", "blacklisted": "true"})
    assert isinstance(told, Told)
    assert (told.subject.kept, told.subject.business_unit, told.subject.email) == (KEPT[5:], "DE", None)


# ── bad rows ──

NAMES_A = (who(email="a@x.de"),)
BAD = [
    pytest.param({}, "names nobody", [], (), id="an empty row"),
    pytest.param({"blacklisted": "true"}, "names nobody", [], (), id="nobody"),
    pytest.param({"email": "nonsense", "blacklisted": "true"}, "email is no", [], (), id="no e-mail"),
    pytest.param(
        {"phone": f"home={HOME}|mobile={MOBILE}", "blacklisted": "true"},
        "names nobody",
        [no(), no()],
        (who(phone=HOME), who(phone=MOBILE)),
        id="two numbers and nobody else",
    ),
    pytest.param(
        {"id": "1", "email": "x", "blacklisted": "true"}, "email is no", [no()], (who("1"),), id="id, no e-mail"
    ),
    pytest.param(
        {"email": "a@x.de", "phone": "12", "optOutAll": "1"}, "phone is no", [no(OPT_OUT)], NAMES_A, id="no phone"
    ),
    pytest.param({"phone": "15112345678"}, "with its country", [], (), id="a number without its plus"),
    pytest.param(
        {"phone": "4915112345678", "blacklisted": "1"},
        "with its country",
        [no()],
        (who(phone="4915112345678"),),
        id="a no for a number that may have lost its plus",
    ),
    pytest.param(
        {"id": "1", "email": "a@x.de", "phone": "12", "blacklisted": "1"},
        "phone is no",
        [no()],
        (who("1", email="a@x.de"),),
        id="an id and its e-mail, no phone",
    ),
    pytest.param(
        {"id": "1", "phone": f"{MOBILE}|{HOME}", "blacklisted": "1"},
        "two numbers under one name",
        [no(), no()],
        (who("1", phone=MOBILE), who(phone=HOME)),
        id="two numbers without names",
    ),
    pytest.param({"phone": f"a={MOBILE}|b={HOME}"}, "names nobody", [], (), id="two numbers and no id"),
    pytest.param(
        {"email": "a@x.de", "blacklisted": "true", "blacklistedAt": "11.01.2026"},
        "blacklistedAt is no time",
        [no()],
        NAMES_A,
        id="a time that is none",
    ),
    pytest.param(
        {"email": "a@x.de", "blacklisted": "true", "blacklistedAt": "2026-01-11T00:00:00"},
        "blacklistedAt is no time with a zone",
        [no()],
        NAMES_A,
        id="a time without its zone",
    ),
    pytest.param(
        {"email": "a@x.de", "blacklisted": "x", "optOutAll": "1"},
        "blacklisted is neither",
        [no(OPT_OUT)],
        NAMES_A,
        id="one flag that is none beside one that is",
    ),
    pytest.param({"email": "a@x.de", "blacklisted": "maybe"}, "blacklisted is neither", [], (), id="only a bad flag"),
    pytest.param(
        {"email": "a@x.de", "optOutChannels": f"FAX, MAIL@{T1}, SMS@soon"},
        "a channel that is not known",
        [no(OPT_OUT, MAIL, at=T1), no(OPT_OUT, SMS)],
        NAMES_A,
        id="an unknown channel beside known ones",
    ),
    pytest.param(
        {"email": "a@x.de", "optOutOrigins": f"MAIL=nobody@{T1} BLACKLIST=api@{T1}"},
        "optOutOrigins is not",
        [no(origin="api", at=T1)],
        NAMES_A,
        id="an unknown origin beside a known one",
    ),
    pytest.param({"id": "a\0b", "email": "a@x.de", "blacklisted": "1"}, "id is longer", [no()], NAMES_A, id="a NUL"),
    pytest.param(
        {"id": "ü" * (LONGEST // 2 + 1), "email": "a@x.de", "blacklisted": "1"},
        "id is longer than 16 KB",
        [no()],
        NAMES_A,
        id="an id over 16 KB",
    ),
    pytest.param(
        {"id": "\udce4", "email": "a@x.de", "blacklisted": "1"}, "id is not UTF-8", [no()], NAMES_A, id="bytes"
    ),
    pytest.param({"email": "kept:12"}, "email is no kept address", [], (), id="half a kept address"),
    pytest.param({"email": KEPT}, "nothing of a kept", [], (), id="a kept address of which nothing is said"),
    pytest.param(
        {"email": KEPT, "id": "1", "blacklisted": "1"}, "no kept address", [no()], (who("1"),), id="kept and a user"
    ),
]


@pytest.mark.parametrize(("cells", "reason", "told", "subjects"), BAD)
def test_a_bad_row_is_told_and_its_noes_are_taken(
    cells: dict[str, str], reason: str, told: list[Said], subjects: tuple[object, ...]
) -> None:
    """A bad row is refused with a reason, and what it suppresses holds for whoever of it can be named."""
    with pytest.raises(BadRow, match=reason) as caught:
        events_of(cells, release=True)
    assert said(caught.value.noes) == told
    assert tuple(dict.fromkeys(no.subject for no in caught.value.noes)) == subjects


def reason(row: Mapping[str, str]) -> str:
    """Give the reason why a row is refused, nothing for one that is not."""
    try:
        events_of(row)
    except BadRow as bad:
        return str(bad)
    return ""


@given(ANY_ROW)
def test_a_bad_row_is_told_without_its_values(row: dict[str, str]) -> None:
    """The reason why a row is refused holds no value of it."""
    told = reason(row)
    assert all(len(value.strip()) < 6 or value.strip() not in told for value in row.values())


# ── writing ──

REGISTERS = st.builds(
    Register,
    st.just(Kind.OPT_OUT),
    st.sampled_from(Channel),
    st.sampled_from([*Origin, "provider:sendgrid", "provider:sms_voice"]),
    st.one_of(st.just(""), st.sampled_from([MOBILE, "12345"]), st.text(max_size=8)),
) | st.builds(Register, st.just(Kind.BLACKLIST), st.just(Channel.ALL), st.sampled_from(Origin), st.just(""))
TIMES = st.integers(1, 4_000_000_000_000_000).map(Microseconds) | st.integers(0, 9).map(
    lambda second: Microseconds(1_767_225_600_000_000 + second * 1_000_000)
)


@given(st.dictionaries(REGISTERS, TIMES, max_size=6))
def test_what_is_written_is_read_again(suppressing: dict[Register, Microseconds]) -> None:
    """Every register that suppresses comes back from a row with its origin, its number and its time to the digit."""
    cells = dict(zip(COLUMNS, cells_of(("1", "", "", ""), list(suppressing.items())), strict=True))
    registers: state.Registers = state.EMPTY
    arrived = Microseconds(5_000_000_000_000_000)
    for event in events_of(cells):
        if isinstance(event, Told):
            assert event.word is not None
            register = state.target(event.word, event.channel, event.origin, event.number)
            assert register is not None
            at = times.effective(event.stated, arrived, Microseconds(0), suppresses=True)
            registers = state.fold(registers, register, at, suppresses=True)
    assert {register: stamp.at for register, stamp in state.suppressing(registers)} == suppressing


def test_a_time_on_the_second_is_written_whole() -> None:
    """A time without a fraction is written with its digits, or it would count from the end of its second."""
    at = times.read(T1).first
    cells = cells_of(("1", "", "", ""), [(Register(Kind.BLACKLIST, Channel.ALL, "api"), at)])
    assert cells[COLUMNS.index("blacklistedAt")] == T1
    assert times.read(T1) == Stated(at, at, T1)


@pytest.mark.parametrize(
    ("phones", "cell"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"phone": (MOBILE, (MOBILE,))}, MOBILE, id="the phone by itself"),
        pytest.param({"mobile": (MOBILE, (MOBILE,))}, f"mobile={MOBILE}", id="one by the name of its trait"),
        pytest.param({"phone": (HOME, ()), "mobile": (MOBILE, ())}, f"phone={HOME}|mobile={MOBILE}", id="several"),
    ],
)
def test_phones_are_written_with_their_traits(phones: dict[str, tuple[str, tuple[str, ...]]], cell: str) -> None:
    """A person's numbers stand in one cell, under the names of their traits."""
    assert rows.phone_cell(phones) == cell
