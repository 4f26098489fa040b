"""The laws that every provider's file obeys, run over each file found on disk and each sample of its table.

A table stands beside this file under the provider's name. It is plain data: SENDS, HARMLESS, UNKNOWN, UNREADABLE,
REFUSALS, ACCEPTED, with FORMAT (json or form), SECRETS that requests carry, the names that may be REPEATABLE, the SPEC
that a trimmed body must satisfy, and a function `put` that puts an address at a place.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel, Recipient, Send
from policy.reasons import Reason
from proxy.providers import base
from proxy.providers.base import Kind, Provider, Refusal, Request, Unreadable

HERE = Path(__file__).parent
SPECS = HERE.parents[2] / "shared" / "specs"
WRITING = ("POST", "PUT", "PATCH", "DELETE")
RETRIED = {408, 409, 425, 429}  # by one SDK or another, besides all of 5xx
SHAPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


# ── the tables ──


@dataclass(frozen=True)
class Table:
    """One provider's table, with what most tables need not say."""

    name: str
    provider: Provider
    module: Any

    def rows(self, rows: str) -> dict[str, Any]:
        """Give the named samples of one kind."""
        return dict(getattr(self.module, rows))

    def get(self, name: str, otherwise: Any) -> Any:
        """Give something that a table need not have."""
        return getattr(self.module, name, otherwise)


@dataclass(frozen=True)
class Sample:
    """One send of a table; `recipients` are (place, channel, canonical key or None, scheduled_at if any)."""

    table: Table
    request: Request
    recipients: list[tuple[Any, ...]]
    region: str = ""
    markers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    campaign: str = ""
    removal: Mapping[str, Any] | None = None

    @property
    def provider(self) -> Provider:
        return self.table.provider

    def read(self, request: Request | None = None) -> Send:
        return self.provider.read(request or self.request, self.region)

    def places(self) -> list[str]:
        return [place for place, *_ in self.recipients]


@cache
def table(name: str) -> Table:
    """Load a provider's table by its path, because test folders are no packages."""
    spec = importlib.util.spec_from_file_location(f"samples_of_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Table(name, base.load(name), module)


TABLES = [table(name) for name in base.names() if (HERE / f"{name}.py").exists()]
SAMPLES = {f"{each.name}: {title}": Sample(each, **row) for each in TABLES for title, row in each.rows("SENDS").items()}


def every(rows: str) -> pytest.MarkDecorator:
    """Run a law over all rows of one kind, of all tables."""
    found = [(each, title, row) for each in TABLES for title, row in each.rows(rows).items()]
    params = [pytest.param(each, row, id=f"{each.name}: {title}") for each, title, row in found]
    return pytest.mark.parametrize(("table", "row"), params)


every_provider = pytest.mark.parametrize("name", base.names())
every_send = pytest.mark.parametrize("sample", [pytest.param(each, id=title) for title, each in SAMPLES.items()])
any_send = st.sampled_from([pytest.param(each, id=title).values[0] for title, each in SAMPLES.items()])


# ── the contract ──


@every_provider
def test_a_provider_has_a_table(name: str) -> None:
    """Beside each provider's file stands a table with samples of every kind."""
    assert (HERE / f"{name}.py").exists()
    for rows in ("SENDS", "HARMLESS", "UNKNOWN", "UNREADABLE", "REFUSALS", "ACCEPTED"):
        assert table(name).rows(rows)


@every_provider
def test_a_provider_keeps_the_contract(name: str) -> None:
    """The module has every function of the contract with the same parameters, types and result."""
    provider = base.load(name)
    for function, wanted in inspect.getmembers(Provider, inspect.isfunction):
        if function.startswith("_"):
            continue
        signature = inspect.signature(wanted)
        parameters = [each for each in signature.parameters.values() if each.name != "self"]
        assert inspect.signature(getattr(provider, function)) == signature.replace(parameters=parameters)
    assert set(provider.CHANNELS) <= {Channel.MAIL, Channel.SMS, Channel.INSTANT_MESSAGING}
    assert provider.CHANNELS


def test_a_provider_without_a_file_is_told() -> None:
    """A name in the configuration that no file has is a LookupError."""
    for name in ("nobody", "base", "../sendgrid", ""):
        with pytest.raises(LookupError):
            base.load(name)


# ── sorting ──


@every_send
def test_a_send_is_a_send(sample: Sample) -> None:
    """Each sample send is sorted as one, and by its head alone."""
    assert sample.provider.sort(replace(sample.request, body=b"")) is Kind.SEND


@every("HARMLESS")
def test_what_dispatches_nothing_is_harmless(table: Table, row: Request) -> None:
    """Reading requests, and those that only cancel, pause, delete or manage, pass."""
    assert table.provider.sort(row) is Kind.HARMLESS


@every("UNKNOWN")
def test_what_nobody_wrote_down_is_unknown(table: Table, row: Request) -> None:
    """Requests that send in other ways, or might, are unknown."""
    assert table.provider.sort(row) is Kind.UNKNOWN


@every_send
@pytest.mark.parametrize("detour", ["/..", "/%2e%2e", "/.%2E", "%2F..", "/../", "\\..", "/;/..", "//"])
def test_no_detour_makes_a_send_harmless(sample: Sample, detour: str) -> None:
    """A send's path behind a harmless one, in any spelling of the way back, is not harmless for a writing method."""
    heads = [row.path for row in sample.table.rows("HARMLESS").values() if row.method in WRITING]
    for head, method in itertools.product(heads, WRITING):
        detoured = Request(method, f"{head}{detour}{sample.request.path}")
        assert sample.provider.sort(detoured) is not Kind.HARMLESS


@given(any_send, st.sampled_from(WRITING), st.data())
def test_no_spelling_makes_a_send_harmless(sample: Sample, method: str, data: st.DataObject) -> None:
    """A send's path with any letter escaped, doubled or in another case is a send or unknown, never harmless."""
    path = sample.request.path
    at = data.draw(st.integers(0, len(path) - 1))
    letter = path[at]
    other = data.draw(
        st.sampled_from([f"%{ord(letter):02x}", letter * 2, letter.swapcase(), f"{letter};", f"{letter}/./"])
    )
    assert sample.provider.sort(Request(method, path[:at] + other + path[at + 1 :])) is not Kind.HARMLESS


# ── reading ──


def told(recipient: Recipient) -> tuple[Any, ...]:
    canonical = recipient.keys[0] if recipient.keys else None
    return (recipient.place, recipient.channel, canonical, recipient.scheduled_at)


@every_send
def test_reading_finds_everybody(sample: Sample) -> None:
    """Reading gives the recipients of the sample with their channels, keys and times, its markers and its campaign."""
    send = sample.read()
    assert [told(each) for each in send.recipients] == [(*each, None)[:4] for each in sample.recipients]
    assert dict(send.markers) == sample.markers
    assert send.campaign == sample.campaign
    assert send.channel in sample.provider.CHANNELS
    assert not send.hidden


EMAILS = st.from_regex(r"[a-z][a-z0-9.+-]{0,20}@[a-z]{1,10}\.example", fullmatch=True)
PHONES = st.from_regex(r"\+49151[0-9]{8}", fullmatch=True)


@given(any_send, st.data())
def test_somebody_at_any_place_is_found(sample: Sample, data: st.DataObject) -> None:
    """Whoever is put at any place that a sample has is found there under the canonical key."""
    place, channel, *_ = data.draw(st.sampled_from(sample.recipients))
    address = data.draw(EMAILS if channel is Channel.MAIL else PHONES)
    send = sample.read(sample.table.module.put(sample.request, place, address))
    assert {each.place: each.keys[:1] for each in send.recipients}[place] == (address,)


@every("UNREADABLE")
def test_what_cannot_be_read_is_refused(table: Table, row: tuple[Request, str, Reason]) -> None:
    """An unreadable send raises Unreadable at the place and for the reason that the table names."""
    request, place, reason = row
    assert table.provider.sort(request) is Kind.SEND
    with pytest.raises(Unreadable) as refused:
        table.provider.read(request, "")
    assert (refused.value.place, refused.value.reason) == (place, reason)


# ── removing ──


def without(sample: Sample, request: Request, places: frozenset[str]) -> tuple[Request, frozenset[str]] | None:
    """Take recipients out; None if nobody would remain."""
    try:
        trimmed = sample.provider.without(request, places)
    except Unreadable as unreadable:
        assert unreadable.reason is Reason.NO_RECIPIENT
        return None
    assert sample.provider.without(request, places) == trimmed
    return replace(request, body=trimmed.body), trimmed.places


def removals(sample: Sample) -> Iterator[frozenset[str]]:
    """Give every set of one or two places, and that of all."""
    places = sample.places()
    yield from map(frozenset, itertools.combinations(places, 1))
    yield from map(frozenset, itertools.combinations(places, 2))
    yield frozenset(places)


@every_send
def test_removing_leaves_exactly_the_others(sample: Sample) -> None:
    """After a removal, reading gives the recipients less those gone, in their order and otherwise as they were."""
    before = sample.read().recipients
    for places in removals(sample):
        left = without(sample, sample.request, places)
        if left is None:
            continue
        request, gone = left
        assert places <= gone < set(sample.places())
        kept = [replace(each, place="") for each in before if each.place not in gone]
        assert [replace(each, place="") for each in sample.read(request).recipients] == kept


@every_send
def test_removing_everybody_is_refused(sample: Sample) -> None:
    """Nothing is sent to nobody."""
    assert without(sample, sample.request, frozenset(sample.places())) is None


@every_send
def test_removing_in_two_steps_is_removing_at_once(sample: Sample) -> None:
    """Taking out one recipient and then another leaves the very bytes that taking out both leaves."""
    for first, second in itertools.permutations(sample.places(), 2):
        at_once = without(sample, sample.request, frozenset({first, second}))
        step = without(sample, sample.request, frozenset({first}))
        if step is None:
            assert at_once is None
            continue
        request, gone = step
        kept = [place for place in sample.places() if place not in gone]
        if second in gone:
            assert at_once == step
            continue
        now = sample.read(request).recipients[kept.index(second)].place
        last = without(sample, request, frozenset({now}))
        assert (last and last[0]) == (at_once and at_once[0])


@every_send
def test_removing_as_the_table_says(sample: Sample) -> None:
    """The removal that the table spells out leaves that very body, and says who is gone."""
    if sample.removal is None:
        pytest.skip("the table spells out no removal for this sample")
    trimmed = sample.provider.without(sample.request, frozenset(sample.removal["places"]))
    assert trimmed.body == sample.removal["body"]
    assert trimmed.places == sample.removal.get("gone", sample.removal["places"])


@every_send
def test_a_place_that_is_not_there_is_refused(sample: Sample) -> None:
    """A removal that would leave somebody in the send, because the place is unknown, is refused."""
    for places in ({"nowhere"}, {*sample.places()[:1], "nowhere"}, {f"{sample.places()[0]}0"}):
        with pytest.raises(Unreadable):
            sample.provider.without(sample.request, frozenset(places))


# ── what leaves, against the providers' own descriptions ──


def schema_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    path = SPECS / spec["file"]
    if not path.exists():
        pytest.skip(f"{spec['file']} is not beside this checkout")
    document: dict[str, Any] = json.loads(path.read_text())
    for pointer, right in spec.get("errata", {}).items():
        *owners, name = (spec["schema"] + pointer).split("/")[1:]
        node = document
        for owner in owners:
            node = node[owner.replace("~1", "/")]
        node[name] = right
    return {**document, "$ref": f"#{spec['schema']}"}


@every_send
def test_what_was_valid_leaves_valid(sample: Sample) -> None:
    """A body that satisfies the provider's description satisfies it after every removal."""
    spec = sample.table.get("SPEC", None)
    if spec is None:
        pytest.skip("the table names no description")
    validator = Draft202012Validator(schema_of(spec))
    assert validator.is_valid(json.loads(sample.request.body))
    for places in removals(sample):
        left = without(sample, sample.request, places)
        if left is not None:
            validator.validate(json.loads(left[0].body))


# ── garbled input ──


def garbled_json(body: bytes, _repeatable: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Spoil JSON in ways that no reader may overlook."""
    yield from spoiled(body)
    yield "trailing data", body + b"{}"
    yield "NaN", body.rstrip()[:-1] + b',"x":NaN}'
    yield "a lone surrogate", body.rstrip()[:-1] + b',"x":"\\ud800"}'
    yield "too deep", body.rstrip()[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for end in range(0, len(body.rstrip()), 7):
        yield f"cut at {end}", body[:end]
    for match in re.finditer(rb'([{,]\s*)("(?:[^"\\]|\\.)*")(?=\s*:)', body):
        name = json.loads(match[2])
        for twin in {name, name.swapcase(), f"{name} "}:
            written = match[1] + json.dumps(twin).encode() + b":null,"
            yield f"the twin {twin!r}", body[: match.start()] + written + body[match.start() + len(match[1]) :]


def garbled_form(body: bytes, repeatable: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Spoil a form in ways that no reader may overlook."""
    yield from spoiled(body)
    for tail in (b"&", b"&x", b"&=1", b"&x=%", b"&x=%zz", b"&x=%ff", b"&x=%00", b"\r\n"):
        yield f"ending in {tail!r}", body + tail
    for name, _ in parse_qsl(body.decode()):
        for twin in {name, name.swapcase(), f"{name} ", f"{name}[]"} - repeatable:
            yield f"the twin {twin!r}", body + f"&{quote_plus(twin)}=1".encode()


def spoiled(body: bytes) -> Iterator[tuple[str, bytes]]:
    yield "BOM", b"\xef\xbb\xbf" + body
    yield "UTF-16", body.decode().encode("utf-16")
    yield "not UTF-8", body[:-1] + b"\xff" + body[-1:]
    yield "a NUL behind it", body + b"\0"


GARBLERS: dict[str, Callable[[bytes, frozenset[str]], Iterator[tuple[str, bytes]]]] = {
    "json": garbled_json,
    "form": garbled_form,
}


@every_send
def test_a_garbled_send_is_unreadable(sample: Sample) -> None:
    """Cut, doubled, twinned, wrongly encoded: each spoiled form of a send is refused, and the refusal is clean."""
    garble = GARBLERS[sample.table.module.FORMAT]
    for how, body in garble(sample.request.body, sample.table.get("REPEATABLE", frozenset())):
        try:
            sample.read(replace(sample.request, body=body))
        except Unreadable as unreadable:
            assert_clean(sample, unreadable)
        else:
            pytest.fail(f"was read: {how}")


@every_send
@pytest.mark.parametrize(
    "declared", [["text/plain"], ["multipart/form-data; boundary=x"], [""], ["{}", "{}"], ["{}; charset=utf-16"]]
)
def test_a_send_of_another_type_is_unreadable(sample: Sample, declared: list[str]) -> None:
    """A declared type or charset that does not fit, or two of them, is refused."""
    shape = SHAPES[sample.table.module.FORMAT]
    others = [other for other in SHAPES.values() if other != shape]
    for types in (declared, others[:1]):
        headers = CIMultiDict(("Content-Type", each.format(shape)) for each in types)
        with pytest.raises(Unreadable):
            sample.read(replace(sample.request, headers=CIMultiDictProxy(headers)))


@every_send
def test_a_send_without_a_type_is_read(sample: Sample) -> None:
    """An absent Content-Type is read as the provider's default, and changes nothing."""
    assert sample.read(replace(sample.request, headers=base.NO_HEADERS)) == sample.read()


@given(any_send, st.data())
def test_a_mutilated_send_is_read_or_unreadable(sample: Sample, data: st.DataObject) -> None:
    """Whatever happens to the bytes of a send, nothing but Unreadable is raised, and its text is clean."""
    body = sample.request.body
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 20)))
    patch = data.draw(st.binary(max_size=4) | st.sampled_from([b'"', b"{", b"[", b"&", b"=", b"%", b"null", b"1e9"]))
    request = replace(sample.request, body=body[:start] + patch + body[end:])
    try:
        sample.read(request)
    except Unreadable as unreadable:
        assert_clean(sample, unreadable)


def assert_clean(sample: Sample, unreadable: Unreadable) -> None:
    """No address of the send and no secret stands in what is told of it, nor in what hangs on the error."""
    refusal = Refusal(unreadable.reason, unreadable.detail, None, (unreadable.place,))
    answer = sample.provider.refusal(sample.request, refusal)
    texts = [str(unreadable), unreadable.place, answer.body.decode(), str(answer.headers), str(unreadable.__cause__)]
    for secret in [*sample.table.module.SECRETS, *addresses(sample)]:
        assert not any(secret in text for text in texts)


def addresses(sample: Sample) -> Iterator[str]:
    """Give what would give a recipient away: keys, local parts, digits, and the text as it came."""
    for recipient in sample.read().recipients:
        yield from filter(None, (recipient.address, unquote_plus(recipient.address)))
        for key in recipient.keys:
            yield from (key, key.removeprefix("+"), key.partition("@")[0] if len(key.partition("@")[0]) > 2 else key)


# ── answers ──


@every("REFUSALS")
def test_a_refusal_is_the_providers_own(table: Table, row: Mapping[str, Any]) -> None:
    """A refusal has the status, type and very bytes that the table gives."""
    answer = table.provider.refusal(row["request"], row["refusal"])
    assert (answer.status, answer.content_type) == (row["status"], row["content_type"])
    assert answer.body == row["body"]


@every_send
@pytest.mark.parametrize("reason", list(Reason))
def test_no_refusal_is_repeated_by_an_sdk(sample: Sample, reason: Reason) -> None:
    """A refusal without a status of the gate's own is a 4xx that no SDK sends again, and tells the gate's words."""
    places = tuple(sample.places())
    answer = sample.provider.refusal(sample.request, Refusal(reason, "our words", None, places))
    assert 400 <= answer.status < 500
    assert answer.status not in RETRIED
    assert b"our words" in answer.body
    assert not any(address.encode() in answer.body for address in addresses(sample))


@every_send
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 502, 503, 504])
def test_a_status_that_the_gate_insists_on_stands(sample: Sample, status: int) -> None:
    """Where the gate gives a status, the answer has it, in the shape of the provider's other errors."""
    refusals = [Refusal(Reason.STORE_UNAVAILABLE, "our words", each) for each in (status, None)]
    given_status, own = (sample.provider.refusal(sample.request, refusal) for refusal in refusals)
    assert given_status.status == status
    assert given_status.content_type == own.content_type
    assert (
        given_status.content_type != SHAPES["json"]
        or json.loads(given_status.body).keys() == json.loads(own.body).keys()
    )


@every("ACCEPTED")
def test_an_acceptance_is_the_providers_own(table: Table, row: Mapping[str, Any]) -> None:
    """An accepted send has the status, type, headers and body of the table, and ids that follow from the decision."""
    answer = table.provider.accepted(row["request"], "decision-1")
    assert (answer.status, answer.content_type) == (row["status"], row["content_type"])
    assert re.fullmatch(row["body"], answer.body.decode(), re.DOTALL)
    headers = dict(answer.headers)
    assert headers.keys() == row.get("headers", {}).keys()
    assert all(re.fullmatch(pattern, headers[name]) for name, pattern in row.get("headers", {}).items())
    assert table.provider.accepted(row["request"], "decision-1") == answer
    assert table.provider.accepted(row["request"], "decision-2") != answer


@every_send
def test_every_send_can_be_accepted(sample: Sample) -> None:
    """Whatever can be read can be answered as if the provider had taken it."""
    assert 200 <= sample.provider.accepted(sample.request, "decision-1").status < 300
