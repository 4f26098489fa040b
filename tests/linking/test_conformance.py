"""The laws of links, over every provider's file found on disk, each row of its table and each of its samples."""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.formats import fields
from proxy.linking import base
from proxy.linking.base import Linking, Result
from proxy.providers.base import Change, Message, Request, Unreadable
from tests.linking.conftest import Case, linking, rows
from tests.linking.urls import link
from tests.providers.conftest import SAMPLES, table
from tests.providers.test_conformance import leaves, pieces, schema_of

HEADERS = {Result.INSERTED, Result.PRESENT, Result.SEVERAL, Result.BY_PROVIDER, Result.UNSUPPORTED, Result.NO_LINK}
FEW = 30  # examples of each law, for each of hundreds of samples


# ── the contract ──


def test_every_file_is_a_providers(name: str) -> None:
    """A file has the name of a provider and a table here, and keeps the contract."""
    assert table(name).name == name
    assert rows(name)
    file = linking(name)
    (parameters,) = [inspect.signature(wanted) for wanted in [Linking.linked]]
    kept = [each for each in parameters.parameters.values() if each.name != "self"]
    assert inspect.signature(file.linked) == parameters.replace(parameters=kept)
    assert isinstance(file.PER_RECIPIENT, bool)
    assert file.TEMPLATES is any(Result.FILLED in row["results"] for row in rows(name).values())


def test_a_provider_without_a_file_has_none() -> None:
    """What is no file's name gives nothing."""
    assert [base.load(name) for name in ("twilio", "base", "../sendgrid", "")] == [None] * 4


def test_a_table_belongs_to_a_file() -> None:
    """No table is left over."""
    files = {path.stem for path in Path(__file__).parent.glob("*.py")} - {"conftest", "urls"}
    assert {name for name in files if not name.startswith("test_")} == set(base.names())


# ── what is put in ──


def test_a_row_is_linked_as_its_table_says(row: Case) -> None:
    """What goes out is that very body, and the results are counted by recipients."""
    linked = row.linked()
    assert linked.results == row.results
    assert linked.body == row.body


def test_every_recipient_is_counted_once(case: Case) -> None:
    """The results of headers are as many as there are recipients, those of texts and of templates at most as many."""
    results, recipients = case.linked().results, len(case.sample.read().recipients)
    headers = sum(count for result, count in results.items() if result in HEADERS)
    assert headers == (recipients if case.headers or Result.UNSUPPORTED in results else 0)
    assert results.get(Result.REPLACED, 0) + results.get(Result.LEFT, 0) <= recipients
    assert results.get(Result.FILLED, 0) + results.get(Result.UNFILLED, 0) <= recipients


def test_linking_leaves_the_send_as_it_is_read(case: Case) -> None:
    """What is read of the linked send is what was read of the send: recipients, markers, schedule, campaign."""
    before, after = case.sample.message(), case.sample.message(case.request(case.linked().body))
    assert after.send == before.send
    assert (after.hidden, after.bypasses) == (before.hidden, before.bypasses)


def test_linking_adds_headers_and_alters_nothing(case: Case) -> None:
    """Without a placeholder or a template, all that the send said it says still, and what it says besides are links."""
    body = replace(case, placeholder="", variable="").linked().body
    if body is not None:
        assert any(said(case, case.sample.request.body) < said(case, body) for said in (_as_the_table, _in_leaves))


def _as_the_table(case: Case, body: bytes) -> Counter[str]:
    """Take a body apart as its table does, which may take a whole object for one piece."""
    try:
        found = pieces(case.sample, body)
    except ValueError:  # what is no JSON where a table looks for some
        return Counter()
    return Counter({piece: count for piece, count in found.items() if not piece.endswith(" = None")})


def _in_leaves(case: Case, body: bytes) -> Counter[str]:
    """Take a body apart into its leaves, a field of JSON in a form too; a raw message is one."""
    if not case.sample.provider.ENCODINGS and case.sample.written_in == "json":
        return Counter(leaves(json.loads(body)))
    try:
        form = fields.read(case.request(body), frozenset({"to", "cc", "bcc", "o:tag", "attachment"}), frozenset())
    except Unreadable:
        return Counter()
    pairs = ((name, value or "") for name, value, _ in form.fields)
    return Counter(
        piece
        for name, value in pairs
        for piece in (leaves(json.loads(value), name) if value.startswith('{"') else [f"{name} = {value}"])
    )


def test_linking_is_deterministic_and_ends(case: Case) -> None:
    """The same send gives the same bytes, and a linked one stays as it is."""
    linked = case.linked()
    assert case.linked() == linked
    if linked.body is not None:
        assert case.linked(case.request(linked.body)).body is None


def test_without_links_nothing_changes(case: Case) -> None:
    """Where nobody can have a link, every byte stays."""
    message = case.sample.message()
    wanted = base.Wanted({}, headers=True, placeholder=case.placeholder, variable=case.variable)
    linked = case.linking.linked(message, wanted)
    assert linked.body is None
    assert Result.INSERTED not in linked.results
    assert Result.REPLACED not in linked.results
    assert Result.FILLED not in linked.results


# ── whose a link is ──


def alone(case: Case, request: Request) -> Iterator[str]:
    """Link a send; give each place whose link is in it, after making sure that it reaches nobody else.

    Whoever is taken out takes their link along, and nobody else falls with them: so nobody else had it.
    """
    linked = case.linked(request)
    if linked.body is None:
        return
    message = case.sample.message(replace(request, body=linked.body))
    for keys, places in _people(message).items():
        token = link(keys[0]).rpartition("/")[2] if keys else "nobody's"
        if token in _decoded(case, linked.body):
            yield from places
            assert _left_without(case, message, frozenset(places), token)


def _people(message: Message) -> dict[tuple[str, ...], list[str]]:
    """Give the places of each person."""
    people: dict[tuple[str, ...], list[str]] = {}
    for each in message.send.recipients:
        people.setdefault(each.keys, []).append(each.place)
    return people


def _mail_of(place: str) -> str:
    """Give the mail of a batch that a place is in, "" where there is but one mail."""
    match = re.match(r"(?:\w+\.)?\d+(?=\.\w+\.\d+)", place)
    return match[0] if match else ""


def _decoded(case: Case, body: bytes) -> str:
    try:
        return "\n".join(pieces(case.sample, body))
    except ValueError:
        return body.decode()


def _left_without(case: Case, message: Message, places: frozenset[str], token: str) -> bool:
    try:
        trimmed = case.sample.provider.trimmed(message, Change(places))
    except Unreadable:  # nobody would be left, or mails of a batch that have copies and no addressee
        others = {_mail_of(each.place) for each in message.send.recipients if each.place not in places}
        return "" not in others and others.isdisjoint(map(_mail_of, places))
    return trimmed.places == places and token not in _decoded(case, trimmed.body)


def test_a_link_is_in_no_mail_to_somebody_else(case: Case) -> None:
    """Whoever has a link has it alone, and there are as many as were counted."""
    found = list(alone(case, case.sample.request))
    results = case.linked().results
    counts = [results.get(each, 0) for each in (Result.INSERTED, Result.REPLACED, Result.FILLED)]
    assert max(counts) <= len(found) <= sum(counts)


@settings(max_examples=FEW)
@given(data=st.data())
def test_nor_is_it_after_a_removal(case: Case, data: st.DataObject) -> None:
    """The same holds of what is left when anybody was taken out, and of any word as placeholder."""
    places = case.sample.read().recipients
    gone = data.draw(st.sets(st.sampled_from([each.place for each in places]))) if places else set[str]()
    body = case.sample.request.body
    try:
        if gone:
            body = case.sample.without(frozenset(gone)).body
    except Unreadable:
        return
    at = data.draw(st.integers(0, max(0, len(body) - 7)))
    word = body[at : at + 7].decode("ascii", "replace")
    if word.isalnum() and word.isascii():
        case = replace(case, placeholder=word)
    list(alone(case, case.request(body)))


# ── what leaves, against the providers' own descriptions ──


def test_what_was_valid_leaves_valid(case: Case) -> None:
    """A body that satisfies the provider's description satisfies it with links."""
    linked = case.linked().body
    if linked is None or not SAMPLES["described"](case.sample):
        return
    jsonschema = pytest.importorskip("jsonschema")
    spec = case.sample.table.spec
    validator = jsonschema.Draft202012Validator(schema_of(spec, case.sample.schema or spec["schema"]))
    if validator.is_valid(case.sample.described(case.sample.request.body)):
        validator.validate(case.sample.described(linked))


# ── what is documented ──


def test_every_result_and_every_file_is_documented() -> None:
    """docs/unsubscribe.md has a row for each result, in their order, and one for each provider's file."""
    page = (Path(__file__).parents[2] / "docs" / "unsubscribe.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page.partition("| result | when |")[2].partition("\n\n")[0], re.MULTILINE) == [
        *Result
    ]
    rows_of_files = page.partition("| provider | what decides |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (\w+) \|", rows_of_files, re.MULTILINE) == [*base.names()]


# ── links that can stand in a mail ──


@pytest.mark.parametrize(
    ("url", "stands"),
    [
        pytest.param("https://gate.test/u/aZ09_-", True, id="a link"),
        pytest.param("http://127.0.0.1:8082/u/a", True, id="a local one"),
        pytest.param("HTTPS://[::1]:8082/u/a", True, id="of an IPv6 address"),
        pytest.param("https://gate.test/u/a&b", False, id="that HTML writes otherwise"),
        pytest.param("https://gate.test/u/a>", False, id="that ends the brackets of its header"),
        pytest.param("https://gate.test/u/a\r\nTo: b", False, id="that ends its header"),
        pytest.param("https://gäte.test/u/a", False, id="that is not ASCII"),
        pytest.param(f"https://gate.test/u/{'a' * 800}", False, id="that is too long for a header"),
    ],
)
def test_only_a_plain_link_is_put_in(url: str, stands: bool) -> None:  # noqa: FBT001 (the expected answer)
    """A link that some format would write in another way, or that is too long, is none."""
    assert base.usable(url) is stands
