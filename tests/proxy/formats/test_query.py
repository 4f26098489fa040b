"""AWS's query protocol: forms read as trees and written again, as botocore writes them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats import query, xml
from proxy.providers.base import Unreadable

LISTS = frozenset({"Tags"})
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NAMES = st.sampled_from(["Source", "Tags", "Destination", "Data", "Ü"])
TREES = st.recursive(
    TEXTS.filter(bool),
    lambda inner: st.lists(inner, min_size=1, max_size=12) | st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=20,
).filter(lambda tree: deep(tree) < 6)


def deep(tree: Any) -> int:
    """Count the levels of a tree."""
    if isinstance(tree, str):
        return 0
    return 1 + max(map(deep, tree.values() if isinstance(tree, dict) else tree))


@given(st.dictionaries(NAMES, TREES))
def test_what_is_written_is_read_again(tree: dict[str, Any]) -> None:
    """Any tree of texts survives being written and read."""
    assert query.read(query.write(tree), frozenset()) == tree


@given(st.binary(max_size=60))
def test_any_form_is_read_or_unreadable(body: bytes) -> None:
    """Whatever the bytes are, nothing but Unreadable is raised."""
    try:
        tree = query.read(body, LISTS)
    except Unreadable:
        return
    assert query.read(query.write(tree), LISTS) == tree


PARAMETERS = {
    "Source": "Grüße <shop@example.com>; 100 %+&=",
    "Destination": {"ToAddresses": ["a@example.com", "b@example.com"], "CcAddresses": []},
    "Message": {"Subject": {"Data": "1 2\n3"}, "Body": {"Text": {"Data": " "}}},
    "Tags": [{"Name": str(number), "Value": "1"} for number in range(11)],
}


def test_what_botocore_serializes_is_what_it_was_given() -> None:
    """The parameters of a call are found again in the form that botocore makes of them."""
    model = ServiceModel(Loader().load_service_model("ses", "service-2"))
    serialized = create_serializer("query").serialize_to_request(PARAMETERS, model.operation_model("SendEmail"))
    fields = serialized["body"]
    assert isinstance(fields, dict)
    form = query.write(fields)
    tree = query.read(form, frozenset({"CcAddresses", "Tags"}))
    assert tree == {"Action": "SendEmail", "Version": "2010-12-01", **PARAMETERS}


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        pytest.param(b"", {}, id="nothing"),
        pytest.param(b"Tags=", {"Tags": []}, id="an empty list"),
        pytest.param(b"Source=", {"Source": ""}, id="an empty text"),
        pytest.param(b"A.member.2=b&A.member.1=a", {"A": ["a", "b"]}, id="members in another order"),
        pytest.param(b"A.member.1.member.1=a", {"A": [["a"]]}, id="a list in a list"),
        pytest.param(b"A.member.1.B=a+b%2B", {"A": [{"B": "a b+"}]}, id="an object in a list"),
    ],
)
def test_a_form_is_a_tree(body: bytes, tree: dict[str, Any]) -> None:
    """A form is read as what its names say."""
    assert query.read(body, LISTS) == tree


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"A=1;B=2", id="a semicolon"),
        pytest.param(b"A=1&A.B=2", id="a value and an object"),
        pytest.param(b"A.B=1&A=2", id="an object and a value"),
        pytest.param(b"A.member=1", id="no number"),
        pytest.param(b"A.member.1=1&A.B=2", id="a list and an object"),
        pytest.param(b"A.member.0=1", id="from 0"),
        pytest.param(b"A.member.1=1&A.member.3=3", id="a gap"),
        pytest.param(b"A.member.01=1", id="a leading zero"),
        pytest.param("A.member.٢=1&A.member.1=1".encode(), id="another digit"),
        pytest.param(b"A.member.1=1&A.member.1=1", id="a member twice"),
        pytest.param(b"A.B=1&a.B=2", id="twins"),
        pytest.param(b".".join([b"a"] * 13) + b"=1", id="too deep"),
    ],
)
def test_what_two_servers_could_read_differently_is_refused(body: bytes) -> None:
    """A form that could be two trees is none."""
    with pytest.raises(Unreadable):
        query.read(body, LISTS)


def test_an_answer_is_read_as_it_is_written() -> None:
    """The results of an answer, and the id of the request, come back as they were given."""
    results = [{"Status": "Success", "MessageId": "1"}, {"Status": "Failed", "Error": "<&>"}]
    body = query.answered("SendAll", {"Status": {"member": results}}, "http://aws.test/", "r-1")
    assert query.results(body, "SendAll", "Status") == (results, "r-1")
    assert query.results(body, "SendNone", "Status") == ([], "r-1")
    with pytest.raises(Unreadable):
        query.results(b"<", "SendAll", "Status")


@pytest.mark.parametrize(("status", "side"), [(400, "Sender"), (403, "Sender"), (500, "Receiver"), (503, "Receiver")])
def test_an_error_says_who_can_mend_it(status: int, side: str) -> None:
    """An error has a side, a code and a message, escaped."""
    error = xml.read(query.failed("Code", "<no>", status, "http://aws.test/")).find("Error")
    assert error is not None
    assert [(each.name, each.text) for each in error.children] == [
        ("Type", side),
        ("Code", "Code"),
        ("Message", "<no>"),
    ]
