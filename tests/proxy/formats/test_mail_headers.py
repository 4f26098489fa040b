"""Headers of a mail that stand in an object, or in a list of names and values."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.formats import mail_headers
from proxy.formats.objects import Shape
from proxy.providers.base import Unreadable


@pytest.mark.parametrize("headers", [None, {}, {"X-A": "1", "List-Unsubscribe": "<https://x.io>"}, {"X-To": ["a"]}])
def test_headers_pass(headers: Any) -> None:
    """No headers, and those that name nobody, pass."""
    mail_headers.check({"Headers": headers}, "Headers", "")
    mail_headers.check({}, "Headers", "")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        "To: a@x.io",
        {"": "1"},
        {"X A": "1"},
        {"X:A": "1"},
        {"bcc": "a@x.io"},
        {"Resent_To": "a@x.io"},
        {"X-Own-Bcc": "a@x.io"},
        {"X-A": "1\nBcc: a@x.io"},
        {"X-A": ["1", {"b": "\r"}]},
    ],
    ids=repr,
)
def test_headers_that_decide_or_break_out_are_refused(headers: Any) -> None:
    """A name that is none, one that names recipients in any spelling, and a line break are refused at their spot."""
    with pytest.raises(Unreadable) as refused:
        mail_headers.check({"Headers": headers}, "Headers", "Messages.0", frozenset({"xownbcc"}))
    assert refused.value.place == "Messages.0.Headers"


HEADER = Shape(frozenset({"Name", "Value"}), frozenset({"Name", "Value"}))


@pytest.mark.parametrize("headers", [[], [{"Name": "X-A", "Value": "1"}, {"Name": "X-A"}], [{"Name": "X-To", "x": 1}]])
def test_a_list_of_headers_passes(headers: Any) -> None:
    """Names that name nobody pass, with and without a value."""
    mail_headers.check_list({"Headers": headers}, "Headers", "", HEADER)
    mail_headers.check_list({}, "Headers", "", HEADER)


@pytest.mark.parametrize(
    ("header", "spot"),
    [
        ("To", ""),
        ({"Value": "1"}, ".Name"),
        ({"name": "To"}, ""),
        ({"Name": "X-A", "value": "1"}, ""),
        ({"Name": ""}, ""),
        ({"Name": "X A"}, ""),
        ({"Name": "Resent_To"}, ""),
        ({"Name": "X-Own-Bcc"}, ""),
        ({"Name": "X-A", "Value": "1\nBcc: a@x.io"}, ".Value"),
    ],
)
def test_a_header_of_a_list_is_refused_at_its_spot(header: Any, spot: str) -> None:
    """What is refused in an object is refused in a list, and so is another spelling of Name and Value."""
    owner = {"Headers": [{"Name": "X-A", "Value": "1"}, header]}
    with pytest.raises(Unreadable) as refused:
        mail_headers.check_list(owner, "Headers", "Messages.0", HEADER, frozenset({"xownbcc"}))
    assert refused.value.place == f"Messages.0.Headers.1{spot}"
