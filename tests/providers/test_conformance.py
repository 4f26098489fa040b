"""The laws that every provider's file obeys, over each file found on disk and each row of its table (conftest.py)."""

from __future__ import annotations

import inspect
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.model import Channel, Recipient, Refused
from policy.reasons import Reason
from proxy.providers import base
from proxy.providers.base import Answer, Change, Kind, Provider, Refusal, Request, Settings, Unreadable

if TYPE_CHECKING:
    from tests.providers.conftest import Sample, Table

SPECS = Path(__file__).parents[3] / "shared" / "specs"
KINDS = ("SENDS", "HARMLESS", "GUARDED", "UNKNOWN", "UNREADABLE", "REFUSALS", "ACCEPTED")
WRITING = ("POST", "PUT", "PATCH", "DELETE")
RETRIED = {408, 409, 425, 429}  # by one SDK or another, besides all of 5xx
FEW = 30  # examples of each law, for each of hundreds of samples


# ── the contract ──


def test_a_provider_has_a_table(name: str, tables: Mapping[str, Table]) -> None:
    """For each provider's file there is a table with samples of every kind."""
    assert name in tables
    assert all(tables[name].rows(kind) for kind in KINDS)


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
    assert not set(provider.ACCOUNTS) & set(provider.CREDENTIALS)


@pytest.mark.parametrize("extra", [base.WritesKey, base.TellsEach, base.NamesAccount])
def test_what_a_provider_has_besides_is_as_documented(name: str, extra: type) -> None:
    """A module that has one function of a further contract has all of it, with the same parameters and result."""
    provider = base.load(name)
    for function, wanted in inspect.getmembers(extra, inspect.isfunction):
        if function.startswith("_"):
            continue
        assert hasattr(provider, function) is isinstance(provider, extra)
        parameters = [each for each in inspect.signature(wanted).parameters.values() if each.name != "self"]
        given = inspect.signature(getattr(provider, function, wanted))
        assert list(given.parameters.values())[-len(parameters) :] == parameters


def test_the_path_names_an_account_or_any(sample: Sample) -> None:
    """Where paths name accounts, that of a send names one, and a path that servers read differently names any."""
    if not isinstance(sample.provider, base.NamesAccount):
        return
    (account,) = sample.provider.accounts(sample.request)
    assert account
    assert account in sample.request.path
    detour = replace(sample.request, path=f"/x/..{sample.request.path}")
    assert sample.provider.accounts(detour) == ("",)


def test_a_provider_without_a_file_is_told() -> None:
    """A name in the configuration that no file has is a LookupError."""
    for name in ("nobody", "base", "../sendgrid", ""):
        with pytest.raises(LookupError):
            base.load(name)


# ── sorting ──


def settled(provider: Provider, request: Request) -> Kind:
    """Sort a request as the walk does: by its head, and by its body where the head does not tell."""
    kind = provider.sort(replace(request, body=b""))
    return provider.sort(request) if kind is Kind.ASK_BODY else kind


def test_a_send_is_a_send(sample: Sample) -> None:
    """Each sample send is sorted as one."""
    assert settled(sample.provider, sample.request) is Kind.SEND


def test_what_dispatches_nothing_is_harmless(table: Table, harmless: Request) -> None:
    """Reading requests, and those that only cancel, pause, delete or manage, pass."""
    assert settled(table.provider, harmless) is Kind.HARMLESS


def test_what_hides_its_recipients_is_hidden(table: Table, hiding: Request) -> None:
    """Campaigns, triggers and the like, whose recipients only the provider knows, are told from what is unknown."""
    assert settled(table.provider, hiding) is Kind.HIDDEN


def test_what_nobody_wrote_down_is_unknown(table: Table, unknown: Request) -> None:
    """Requests that send in other ways, or might, are unknown."""
    assert settled(table.provider, unknown) is Kind.UNKNOWN


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(lambda path: path, id="as documented"),
        pytest.param(lambda path: f"{path}/", id="with a slash at the end"),
        pytest.param(str.upper, id="in capitals"),
        pytest.param(str.lower, id="in small letters"),
        pytest.param(lambda path: path.replace("/", "//"), id="with two slashes"),
        pytest.param(lambda path: f"{path};x=1", id="with a parameter"),
    ],
)
def test_what_opens_the_account_is_refused(table: Table, guarded: Request, spelled: Callable[[str], str]) -> None:
    """What tells a secret, moves the webhooks, makes keys or lifts a suppression is never harmless, however spelled."""
    assert settled(table.provider, replace(guarded, path=spelled(guarded.path))) is Kind.UNKNOWN


@pytest.mark.parametrize("detour", ["/..", "/%2e%2e", "/.%2E", "%2F..", "/../", "\\..", "/;/..", "//"])
def test_no_detour_makes_a_send_harmless(sample: Sample, detour: str) -> None:
    """A send's path behind a harmless one, in any spelling of the way back, is not harmless for a writing method."""
    heads = [row.path for row in sample.table.rows("HARMLESS").values() if row.method in WRITING]
    for head, method in itertools.product(heads, WRITING):
        detoured = Request(method, f"{head}{detour}{sample.request.path}")
        assert sample.provider.sort(detoured) is not Kind.HARMLESS


@settings(max_examples=FEW)
@given(data=st.data())
def test_no_spelling_makes_a_send_harmless(sample: Sample, data: st.DataObject) -> None:
    """A send's path with any letter escaped, doubled or in another case is a send or unknown, never harmless."""
    method, path = sample.request.method, sample.request.path
    at = data.draw(st.integers(0, len(path) - 1))
    letter = path[at]
    others = [f"%{ord(letter):02x}", letter * 2, letter.swapcase(), f"{letter};", f"{letter}/./"]
    respelled = path[:at] + data.draw(st.sampled_from(others)) + path[at + 1 :]
    assert sample.provider.sort(Request(method, respelled)) is not Kind.HARMLESS


SPELLINGS: list[Callable[[str], str]] = [
    lambda path: path,
    lambda path: f"{path}/",
    lambda path: f"/{path}",
    str.upper,
    str.lower,
    lambda path: path.replace("/", "//"),
    lambda path: path.replace("/", "/./"),
    lambda path: path.replace("/", "/x/../"),
    lambda path: path.replace("/", "/x/..;y/"),
    lambda path: path.replace("/", "\\"),
    lambda path: path.replace("e", "%65"),
    lambda path: path.replace("e", "%2565"),
    lambda path: path.replace("s", "%EF%BD%93"),  # in full width
    lambda path: f"{path};x=1",
    lambda path: f"{path}%3Fx=1",
    lambda path: f"{path}%20",
    lambda path: f"{path}%00",
    lambda path: f"{path}.",
]


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "post"])
def test_a_send_in_any_spelling_resembles_a_send(sample: Sample, method: str) -> None:
    """Whatever is a send apart from its method, case, slashes, dots, escapes and parameters is taken for one."""
    for spelled in SPELLINGS:
        disguised = replace(sample.request, method=method, path=spelled(sample.request.path))
        assert sample.provider.resembles_send(disguised)


def test_what_an_operator_may_allow_resembles_no_send(table: Table, hiding: Request) -> None:
    """A request that hides its recipients can be let pass by name."""
    assert not table.provider.resembles_send(hiding)


def test_the_account_resembles_no_send(table: Table, guarded: Request) -> None:
    """A request that opens the account can be let pass by name."""
    assert not table.provider.resembles_send(guarded)


# ── reading ──


def told(recipient: Recipient) -> tuple[Any, ...]:
    canonical = recipient.keys[0] if recipient.keys else None
    return (recipient.place, recipient.channel, canonical, recipient.scheduled_at, recipient.delay)


def test_reading_finds_everybody(sample: Sample) -> None:
    """Reading gives the recipients of the sample with their channels, keys and times, its markers and its campaign."""
    send = sample.read()
    assert [told(each) for each in send.recipients] == [
        (*each, *(None, 0.0)[len(each) - 3 :]) for each in sample.recipients
    ]
    assert dict(send.markers) == sample.markers
    assert send.campaign == sample.campaign
    assert send.channel in sample.provider.CHANNELS
    assert (sample.message().hidden, sample.message().bypasses) == (sample.hidden, sample.bypasses)


EMAILS = st.from_regex(r"[a-z][a-z0-9.+-]{0,20}@[a-z]{1,10}\.example", fullmatch=True)
PHONES = st.from_regex(r"\+49151[0-9]{8}", fullmatch=True)


@settings(max_examples=FEW)
@given(data=st.data())
def test_somebody_at_any_place_is_found(addressed: Sample, data: st.DataObject) -> None:
    """Whoever is put at any place that a sample has is found there under the canonical key."""
    place, channel, *_ = data.draw(st.sampled_from(addressed.recipients))
    address = data.draw(EMAILS if channel is Channel.MAIL else PHONES)
    send = addressed.read(addressed.table.module.put(addressed.request, place, address))
    assert {each.place: each.keys[:1] for each in send.recipients}[place] == (address,)


def test_what_cannot_be_read_is_refused(table: Table, unreadable: tuple[Request, str, Reason]) -> None:
    """An unreadable send raises Unreadable at the place and for the reason that the table names."""
    request, place, reason = unreadable
    assert settled(table.provider, request) is Kind.SEND
    with pytest.raises(Unreadable) as refused:
        table.provider.read(request, Settings())
    assert (refused.value.place, refused.value.reason) == (place, reason)


def test_a_key_is_written_and_nothing_else(sample: Sample) -> None:
    """Where a credential stands in the body, another one takes its place, and the send is read as the same."""
    if not isinstance(sample.provider, base.WritesKey):
        return
    body = sample.provider.with_key(sample.request.body, "another-key")
    assert b"another-key" in body
    assert not any(secret.encode() in body for secret in sample.table.module.SECRETS)
    assert sample.read(replace(sample.request, body=body)) == sample.read()
    assert sample.provider.with_key(body, "another-key") == body


# ── removing ──


def without(sample: Sample, request: Request, places: frozenset[str]) -> tuple[Request, frozenset[str]] | None:
    """Take recipients out; None if nobody would remain."""
    try:
        trimmed = sample.without(places, request)
    except Unreadable as unreadable:
        if unreadable.reason is not Reason.NO_RECIPIENT:
            raise
        return None
    assert sample.without(places, request) == trimmed
    return replace(request, body=trimmed.body), trimmed.places


def removals(sample: Sample) -> Iterator[frozenset[str]]:
    """Give every set of one or two places, and that of all."""
    places = sample.places
    yield from map(frozenset, itertools.combinations(places, 1))
    yield from map(frozenset, itertools.combinations(places, 2))
    if places:
        yield frozenset(places)


def test_removing_leaves_exactly_the_others(sample: Sample) -> None:
    """After a removal, reading gives the recipients less those gone, in their order and otherwise as they were."""
    before = sample.read().recipients
    for places in removals(sample):
        left = without(sample, sample.request, places)
        if left is None:
            continue
        request, gone = left
        assert places <= gone < set(sample.places)
        kept = [each._replace(place="") for each in before if each.place not in gone]
        assert [each._replace(place="") for each in sample.read(request).recipients] == kept


def test_removing_everybody_is_refused(addressed: Sample) -> None:
    """Nothing is sent to nobody."""
    assert without(addressed, addressed.request, frozenset(addressed.places)) is None


def test_removing_in_two_steps_is_removing_at_once(sample: Sample) -> None:
    """Taking out one recipient and then another leaves the very bytes that taking out both leaves."""
    for first, second in itertools.permutations(sample.places, 2):
        at_once = without(sample, sample.request, frozenset({first, second}))
        step = without(sample, sample.request, frozenset({first}))
        if step is None:
            assert at_once is None
            continue
        request, gone = step
        kept = [place for place in sample.places if place not in gone]
        if second in gone:
            assert at_once == step
            continue
        now = sample.read(request).recipients[kept.index(second)].place
        last = without(sample, request, frozenset({now}))
        assert (last and last[0]) == (at_once and at_once[0])


def pieces(sample: Sample, body: bytes) -> Counter[str]:
    """Take a body apart into all that it says, each with its path but for the indexes."""
    own = getattr(sample.table.module, "pieces", None)
    if own is not None:
        return Counter(own(replace(sample.request, body=body)))
    if sample.written_in == "form":
        return Counter(body.decode().split("&"))
    return Counter(leaves(json.loads(body, parse_float=str, parse_int=str)))


def leaves(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from leaves(value, f"{path}.{name}")
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, f"{path}.*")
    else:
        yield f"{path} = {node!r}"


def test_removing_adds_and_alters_nothing(sample: Sample) -> None:
    """All that a body says after a removal it said before, in the same spelling; only what was taken out is missing."""
    for places in removals(sample):
        left = without(sample, sample.request, places)
        if left is not None:
            before, after = pieces(sample, sample.request.body), pieces(sample, left[0].body)
            assert after < before


def test_removing_as_the_table_says(trimmable: Sample) -> None:
    """The removal that the table spells out leaves that very body, and says who is gone."""
    removal = trimmable.removal or {}
    trimmed = trimmable.without(frozenset(removal["places"]))
    assert trimmed.body == removal["body"]
    assert trimmed.places == removal.get("gone", removal["places"])


def test_a_place_that_is_not_there_is_refused(addressed: Sample) -> None:
    """A removal that would leave somebody in the send, because the place is unknown, is refused."""
    for places in ({"nowhere"}, {*addressed.places[:1], "nowhere"}, {f"{addressed.places[0]}0"}):
        with pytest.raises(Unreadable) as refused:
            addressed.without(frozenset(places))
        assert refused.value.reason is Reason.UNREADABLE


# ── switches past suppression ──


def test_bypasses_can_be_taken_out(bypassing: Sample) -> None:
    """Without its bypasses a send has none, has the same recipients, and is what the table says."""
    stripped = bypassing.provider.trimmed(bypassing.message(), Change(strip=True))
    request = replace(bypassing.request, body=stripped.body)
    assert bypassing.message(request).bypasses == ()
    assert bypassing.read(request).recipients == bypassing.read().recipients
    assert stripped.body == bypassing.stripped
    assert bypassing.provider.trimmed(bypassing.message(request), Change(strip=True)).body == stripped.body


# ── answers to what was left ──


def refusal_for(sample: Sample, gone: frozenset[str]) -> Refusal:
    refused = tuple(Refused(each, Reason.OPTED_OUT) for each in sample.read().recipients if each.place in gone)
    return Refusal(Reason.OPTED_OUT, "our words", None, tuple(each.recipient.place for each in refused), refused)


def test_answers_come_back_in_the_senders_order(sample: Sample) -> None:
    """What the provider says of the send that was left is told of the send as it was written, as the table says."""
    for row in sample.restored:
        trimmed = sample.without(frozenset(row["places"]))
        assert trimmed.restores
        answer = Answer(row.get("status", 200), row["answer"], row.get("content_type", "application/json"))
        given = sample.provider.restored(sample.message(), trimmed, refusal_for(sample, trimmed.places), answer)
        assert (given.status, given.body) == (row.get("status_told", answer.status), row["told"])


def test_an_error_may_tell_who_was_taken_all_the_same(sample: Sample) -> None:
    """Where an answer that reports an error tells each message's fate, the table says who gets it; garbage does not."""
    if not isinstance(sample.provider, base.TellsEach):
        assert sample.taken == []
        return
    for body, places in (*sample.taken, (b"", None), (b"[]", None), (b"{}", None), (b"7", None), (b"\xff", None)):
        assert sample.provider.taken(sample.message(), Answer(400, body, "application/json")) == places


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b"[{}]", b'{"errors":7}', b"\xff", b"<a/>", b'{"errors":[7,{"field":7}]}']
)
@pytest.mark.parametrize("status", [200, 202, 400, 422, 500])
def test_an_answer_that_makes_no_sense_comes_back_as_it_came(sample: Sample, status: int, body: bytes) -> None:
    """Restoring never raises, and leaves the status and a body it cannot understand alone."""
    answer = Answer(status, body, "application/json")
    for places in removals(sample):
        if without(sample, sample.request, places) is None:
            continue
        trimmed = sample.without(places)
        given = sample.provider.restored(sample.message(), trimmed, refusal_for(sample, trimmed.places), answer)
        assert given.status == status


def test_a_refused_send_is_told_per_recipient(sample: Sample) -> None:
    """A send whose recipients are all refused is answered without raising, and no SDK repeats it."""
    refusal = refusal_for(sample, frozenset(sample.places))
    answer = sample.provider.refused(sample.message(), refusal)
    assert 200 <= answer.status < 500
    assert answer.status not in RETRIED
    assert answer.body
    assert sample.provider.TELLS_SUPPRESSION or not any(
        each.recipient.address.encode() in answer.body for each in refusal.recipients if each.recipient.address
    )


# ── what leaves, against the providers' own descriptions ──


class PlainLoader(yaml.CSafeLoader):
    """A reader of YAML that takes dates for the texts they are, because some in a description are none."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own name and shape)
        letter: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for letter, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


@cache
def description(file: str) -> dict[str, Any]:
    """Read a provider's description of its API."""
    path = SPECS / file
    if not path.exists():
        pytest.skip(f"{file} is not beside this checkout")
    text = path.read_text()
    document: dict[str, Any] = json.loads(text) if path.suffix == ".json" else yaml.load(text, PlainLoader)
    return document


def schema_of(spec: Mapping[str, Any], schema: str) -> dict[str, Any]:
    document = description(spec["file"])
    for pointer, right in spec["errata"].items():
        *owners, name = (spec["schema"] + pointer).split("/")[1:]
        node = document
        for owner in owners:
            node = node[owner.replace("~1", "/")]
        node[name] = right
    return {**document, "$ref": f"#{schema}"}


def test_what_was_valid_leaves_valid(described: Sample) -> None:
    """A body that satisfies the provider's description satisfies it after every removal."""
    jsonschema = pytest.importorskip("jsonschema")
    spec = described.table.spec
    validator = jsonschema.Draft202012Validator(schema_of(spec, described.schema or spec["schema"]))
    assert validator.is_valid(described.described(described.request.body))
    for places in removals(described):
        left = without(described, described.request, places)
        if left is not None:
            validator.validate(described.described(left[0].body))


# ── answers ──


def test_a_refusal_is_the_providers_own(table: Table, refused: Mapping[str, Any]) -> None:
    """A refusal has the status, type and very bytes that the table gives."""
    answer = table.provider.refusal(refused["request"], refused["refusal"])
    assert (answer.status, answer.content_type) == (refused["status"], refused["content_type"])
    assert answer.body == refused["body"]


def test_no_refusal_is_repeated_by_an_sdk(sample: Sample) -> None:
    """A refusal without a status of the gate's own is a 4xx that no SDK sends again, and tells the gate's words."""
    for reason in Reason:
        refusal = Refusal(reason, "our words", None, tuple(sample.places))
        answer = sample.provider.refusal(sample.request, refusal)
        assert 400 <= answer.status < 500
        assert answer.status not in RETRIED
        assert b"our words" in answer.body


def test_a_status_that_the_gate_insists_on_stands(sample: Sample) -> None:
    """Where the gate gives a status, the answer has it, in the shape of the provider's other errors."""
    own = sample.provider.refusal(sample.request, Refusal(Reason.UNREADABLE, "our words"))
    for status in (400, 401, 403, 404, 413, 429, 502, 503, 504):
        answer = sample.provider.refusal(sample.request, Refusal(Reason.STORE_UNAVAILABLE, "our words", status))
        assert (answer.status, answer.content_type) == (status, own.content_type)
        if own.content_type == "application/json":
            assert json.loads(answer.body).keys() == json.loads(own.body).keys()


def test_an_acceptance_is_the_providers_own(table: Table, taken: Mapping[str, Any]) -> None:
    """An accepted send has the status, type, headers and body of the table, and ids that follow from the decision."""
    answer = table.provider.accepted(taken["request"], "decision-1")
    assert (answer.status, answer.content_type) == (taken["status"], taken["content_type"])
    assert re.fullmatch(taken["body"], answer.body.decode(), re.DOTALL)
    headers = dict(answer.headers)
    assert headers.keys() == taken.get("headers", {}).keys()
    assert all(re.fullmatch(pattern, headers[name]) for name, pattern in taken.get("headers", {}).items())
    assert table.provider.accepted(taken["request"], "decision-1") == answer
    assert table.provider.accepted(taken["request"], "decision-2") != answer


def test_every_send_can_be_accepted(sample: Sample) -> None:
    """Whatever can be read can be answered as if the provider had taken it."""
    assert 200 <= sample.provider.accepted(sample.request, "decision-1").status < 300


def test_what_cannot_be_read_can_be_accepted(table: Table, unreadable: tuple[Request, str, Reason]) -> None:
    """Where an operator lets unreadable sends pass, the built-in upstream can answer them all the same."""
    assert 200 <= table.provider.accepted(unreadable[0], "decision-1").status < 300
