"""Filters of segments: what they mean, what of JSON is one, and what is told of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import segments, times
from policy.model import Channel, Microseconds, Stamp, Standing
from policy.segments import BadFilter, Events, Happened, Segment, matches, read, written

NOON = times.read("2026-03-01T12:00:00Z").first
DAY = 86_400_000_000
FREE = Standing()
STAMP = Stamp(NOON, "event")
BLACKLISTED = Standing(STAMP)
OUT_OF_MAIL = Standing(None, {Channel.MAIL: STAMP})
OUT_OF_ALL = Standing(None, {Channel.ALL: STAMP})
OPT_OUT = Happened("Opt Out", NOON, "MAIL", "page", {"campaign": "spring", "n": 1, "yes": True})


def spring(**fields: Any) -> dict[str, Any]:
    """Write a filter over events."""
    return {"events": {"name": "Opt Out", **fields}}


MEANINGS = [
    pytest.param({}, [], FREE, True, id="an empty filter is everybody"),
    pytest.param({"events": {}}, [], FREE, False, id="somebody with any event"),
    pytest.param({"events": {}}, [OPT_OUT], FREE, True, id="any event will do"),
    pytest.param(spring(), [OPT_OUT], FREE, True, id="the name"),
    pytest.param(spring(), [replace(OPT_OUT, name="opt out")], FREE, False, id="the name as it is spelled"),
    pytest.param(spring(channel="mail"), [OPT_OUT], FREE, True, id="the channel in any case"),
    pytest.param(spring(channel="ALL"), [OPT_OUT], FREE, False, id="ALL is the channel of events that name none"),
    pytest.param(spring(origin="page"), [OPT_OUT], FREE, True, id="the origin"),
    pytest.param(spring(origin="one-click"), [OPT_OUT], FREE, False, id="another origin"),
    pytest.param(spring(properties={"campaign": "spring"}), [OPT_OUT], FREE, True, id="a text"),
    pytest.param(spring(properties={"campaign": "Spring"}), [OPT_OUT], FREE, False, id="a text in another case"),
    pytest.param(spring(properties={"campaign": "spring", "n": 2}), [OPT_OUT], FREE, False, id="all must be equal"),
    pytest.param(spring(properties={"n": 1}), [OPT_OUT], FREE, True, id="a number"),
    pytest.param(spring(properties={"n": "1"}), [OPT_OUT], FREE, False, id="a number is no text"),
    pytest.param(spring(properties={"n": True}), [OPT_OUT], FREE, False, id="a number is no flag"),
    pytest.param(spring(properties={"yes": True}), [OPT_OUT], FREE, True, id="a flag"),
    pytest.param(spring(properties={"yes": 1}), [OPT_OUT], FREE, False, id="a flag is no number"),
    pytest.param(spring(properties={"n": 1}), [replace(OPT_OUT, properties={"n": 1.0})], FREE, True, id="1.0 is 1"),
    pytest.param(spring(properties={"x": 1}), [OPT_OUT], FREE, False, id="a property that is not there"),
    pytest.param(spring(at_least=2), [OPT_OUT], FREE, False, id="too few"),
    pytest.param(spring(at_least=2), [OPT_OUT] * 2, FREE, True, id="enough"),
    pytest.param(spring(at_most=1), [OPT_OUT] * 2, FREE, False, id="too many"),
    pytest.param(spring(at_most=1), [], FREE, True, id="at most one may be none"),
    pytest.param(spring(at_most=0), [], FREE, True, id="none"),
    pytest.param(spring(at_most=0), [OPT_OUT], FREE, False, id="not none"),
    pytest.param(spring(**{"from": "2026-03-01T12:00:00Z"}), [OPT_OUT], FREE, True, id="from counts in"),
    pytest.param(spring(to="2026-03-01T12:00:00Z"), [OPT_OUT], FREE, False, id="to counts out"),
    pytest.param(spring(to="2026-03-01T14:00:00.000001+02:00"), [OPT_OUT], FREE, True, id="a zone"),
    pytest.param(spring(last_days=1), [replace(OPT_OUT, at=Microseconds(NOON - DAY))], FREE, True, id="a day ago"),
    pytest.param(
        spring(last_days=1), [replace(OPT_OUT, at=Microseconds(NOON - DAY - 1))], FREE, False, id="more than a day ago"
    ),
    pytest.param({"standing": {"blacklisted": True}}, [], BLACKLISTED, True, id="blacklisted"),
    pytest.param({"standing": {"blacklisted": False}}, [], BLACKLISTED, False, id="not blacklisted"),
    pytest.param({"standing": {"opted_out": {"MAIL": True}}}, [], OUT_OF_MAIL, True, id="opted out of mail"),
    pytest.param({"standing": {"opted_out": {"MAIL": True}}}, [], OUT_OF_ALL, True, id="out of all is out of mail"),
    pytest.param(
        {"standing": {"opted_out": {"ALL": True}}}, [], OUT_OF_MAIL, False, id="out of mail is not out of all"
    ),
    pytest.param({"standing": {"opted_out": {"MAIL": True, "sms": False}}}, [], OUT_OF_MAIL, True, id="two channels"),
    pytest.param(
        {"standing": {"opted_out": {"MAIL": False}}}, [], BLACKLISTED, True, id="a blacklisting is no opt-out"
    ),
    pytest.param({**spring(), "standing": {"blacklisted": True}}, [OPT_OUT], FREE, False, id="both must fit"),
]


@pytest.mark.parametrize(("tree", "happened", "standing", "fits"), MEANINGS)
def test_meaning(tree: dict[str, Any], happened: list[Happened], standing: Standing, fits: bool) -> None:  # noqa: FBT001 (a case)
    """Whoever fits all that a filter says belongs to the segment, and nobody else."""
    assert matches(read(tree), happened, standing, NOON) is fits


LONG = "x" * (segments.LONGEST_TEXT + 1)
FAULTS = [
    pytest.param({"colour": 1}, "filter", id="an unknown key"),
    pytest.param({"events": {"names": "x"}}, "events", id="an unknown key of events"),
    pytest.param({"standing": {"kept": True}}, "standing", id="an unknown key of the standing"),
    pytest.param({"events": []}, "events", id="a list of events"),
    pytest.param({"events": "x; DROP TABLE event"}, "events", id="a statement"),
    pytest.param({"standing": 1}, "standing", id="a number for a standing"),
    pytest.param(spring(name=["Opt Out"]), "events.name", id="a list of names"),
    pytest.param(spring(name=LONG), "events.name", id="an endless name"),
    pytest.param(spring(name="a\x00"), "events.name", id="a NUL"),
    pytest.param(spring(name="a\\u0000"), "events.name", id="the escape of a NUL"),
    pytest.param(spring(name="\ud800"), "events.name", id="half a letter"),
    pytest.param(spring(**{"from": "2026-03-01T12:00:00"}), "events.from", id="a time without zone"),
    pytest.param(spring(**{"from": "10000-01-01T00:00:00Z"}), "events.from", id="the year 10000"),
    pytest.param(spring(to="9999-12-31T23:59:59-01:00"), "events.to", id="the year 10000 by its zone"),
    pytest.param(spring(to=1_700_000_000), "events.to", id="a number for a time"),
    pytest.param(
        spring(**{"from": "2026-03-02T00:00Z", "to": "2026-03-01T00:00Z"}), "events.to", id="an end before the start"
    ),
    pytest.param(spring(last_days=0), "events.last_days", id="no day"),
    pytest.param(spring(last_days=1.5), "events.last_days", id="a broken day"),
    pytest.param(spring(last_days=10**30), "events.last_days", id="endless days"),
    pytest.param(spring(last_days=1, to="2026-03-01T00:00Z"), "events.last_days", id="two time frames"),
    pytest.param(spring(channel="FAX"), "events.channel", id="no channel"),
    pytest.param(spring(channel=["MAIL"]), "events.channel", id="a list of channels"),
    pytest.param(spring(origin={}), "events.origin", id="an object for an origin"),
    pytest.param(spring(at_least=True), "events.at_least", id="a flag for a number"),
    pytest.param(spring(at_least=-1), "events.at_least", id="less than none"),
    pytest.param(spring(at_least=2, at_most=1), "events.at_most", id="more than at most"),
    pytest.param(spring(at_most=1001), "events.at_most", id="too many"),
    pytest.param(spring(properties=[]), "events.properties", id="a list of properties"),
    pytest.param(spring(properties={"a": {"b": 1}}), "events.properties", id="a nested value"),
    pytest.param(spring(properties={"a": ["x"] * 100_000}), "events.properties", id="a huge list"),
    pytest.param(spring(properties={"a": None}), "events.properties", id="nothing"),
    pytest.param(spring(properties={"a": 0.1}), "events.properties", id="a broken number"),
    pytest.param(spring(properties={"a": 2**53 + 1}), "events.properties", id="a number beyond JSON's"),
    pytest.param(spring(properties={"a": LONG}), "events.properties", id="an endless value"),
    pytest.param(spring(properties={LONG: 1}), "events.properties", id="an endless key"),
    pytest.param(spring(properties={"a": "\uffff"}), "events.properties", id="a letter that stands for NUL"),
    pytest.param(spring(properties={str(n): n for n in range(11)}), "events.properties", id="too many properties"),
    pytest.param({"standing": {"blacklisted": "true"}}, "standing.blacklisted", id="a text for a flag"),
    pytest.param({"standing": {"opted_out": ["MAIL"]}}, "standing.opted_out", id="a list of opt-outs"),
    pytest.param({"standing": {"opted_out": {"FAX": True}}}, "standing.opted_out", id="an opt-out of no channel"),
    pytest.param({"standing": {"opted_out": {"MAIL": 1}}}, "standing.opted_out", id="a number for an opt-out"),
    pytest.param({"standing": {"opted_out": {"MAIL": True, "mail": False}}}, "standing.opted_out", id="one twice"),
]


@pytest.mark.parametrize(("tree", "field"), FAULTS)
def test_faults(tree: dict[str, Any], field: str) -> None:
    """What is no filter is refused, with the field that is wrong and without any value of it."""
    with pytest.raises(BadFilter) as told:
        read(tree)
    assert told.value.field == field
    assert len(told.value.says) < 150
    assert "DROP" not in told.value.says


@pytest.mark.parametrize("name", ["spring", "S", "2026-03_spring.mail", "x" * 64])
def test_a_name_is_a_plain_word(name: str) -> None:
    """A name can stand in a path."""
    assert segments.named(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a/b", ".", "..", "-a", "ü", "a\n", "x" * 65, "'; DROP TABLE segment; --", None, 1, ["a"]]
)
def test_no_other_name(name: Any) -> None:
    """What would have to be escaped somewhere is no name."""
    with pytest.raises(BadFilter):
        segments.named(name)


_texts = st.text(st.characters(exclude_characters="\x00\uffff\\", exclude_categories=["Cs"]), max_size=20)
_values = st.one_of(_texts, st.booleans(), st.integers(-(2**53), 2**53))
_moments = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999).map(Microseconds)
_counts = st.tuples(st.integers(0, 1000), st.integers(0, 1000)).map(sorted)
filters = st.builds(
    lambda events, blacklisted, opted_out: Segment(events, blacklisted, tuple(sorted(opted_out.items()))),
    st.one_of(
        st.none(),
        st.builds(
            lambda name, window, channel, properties, counts: Events(
                name, window[0], window[1], None, channel, name, tuple(sorted(properties.items())), counts[0], counts[1]
            ),
            st.one_of(st.none(), _texts),
            st.tuples(_moments, _moments).filter(lambda pair: pair[0] != pair[1]).map(sorted),
            st.one_of(st.none(), st.sampled_from(Channel)),
            st.dictionaries(_texts, _values, max_size=10),
            _counts,
        ),
    ),
    st.one_of(st.none(), st.booleans()),
    st.dictionaries(st.sampled_from(Channel), st.booleans()),
)


@given(filters)
def test_what_is_written_is_read_again(segment: Segment) -> None:
    """A filter that was written says the same when it is read."""
    assert read(written(segment)) == segment


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["events", "standing", "name", "from", "properties", "opted_out", "x"]), inner),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["events", "standing", "x"]), _json))
def test_any_json_is_a_filter_or_a_fault(tree: dict[str, Any]) -> None:
    """Whatever JSON holds, it is read or refused, and what is read can be written and read again."""
    try:
        segment = read(tree)
    except BadFilter:
        return
    assert read(written(segment)) == segment
