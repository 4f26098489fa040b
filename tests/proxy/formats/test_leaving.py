"""What a send says of people who leave it, beside their places in its lists."""

from __future__ import annotations

import json

import pytest

from policy.identity import email_keys
from policy.model import Channel, Recipient
from proxy.formats import mime
from proxy.formats.leaving import Leaving, foldable_json, shown, variables_left
from proxy.strict import json_tree, write_json


def leaving(gone: str, *stay: str) -> Leaving:
    """Take one address out of a send that goes to others as well."""
    recipients = [Recipient(str(n), Channel.MAIL, each, email_keys(each)) for n, each in enumerate((gone, *stay))]
    return Leaving(recipients, frozenset({"0"}))


@pytest.mark.parametrize(
    ("address", "leaves"),
    [
        pytest.param("ada@x.io", True, id="the address"),
        pytest.param("ADA@X.IO.", True, id="in another spelling"),
        pytest.param("bob@x.io", False, id="another"),
        pytest.param("eve@x.io", False, id="nobody of the send"),
        pytest.param("%recipient%", False, id="no address"),
        pytest.param(7, False, id="no text"),
    ],
)
def test_who_leaves_is_known_by_key(address: object, leaves: bool) -> None:  # noqa: FBT001 (a column of the table)
    """An address is of somebody who leaves if it has a key of theirs."""
    assert (address in leaving("Ada@x.io", "bob@x.io")) is leaves


def test_who_also_stays_does_not_leave() -> None:
    """An address that stands at another place of the send, in any spelling, stays."""
    assert "ada@x.io" not in leaving("ada@x.io", "ADA@x.io")


def test_what_is_no_address_is_known_by_its_text() -> None:
    """A text without a key leaves with its own, whatever its case."""
    assert " Ada" in leaving("ada", "bob@x.io")
    assert "bob" not in leaving("ada", "bob@x.io")


def test_variables_of_those_who_leave_go() -> None:
    """Variables are taken out by address, and numbers keep their spelling; where nobody leaves there is no change."""
    text = '{"ADA@x.io": {"n": 1}, "bob@x.io": {"n": 1.10}}'
    left = variables_left(text, json_tree(text.encode()), leaving("ada@x.io", "bob@x.io"))
    assert left is not None
    assert write_json(left) == b'{"bob@x.io":{"n":1.10}}'
    assert variables_left(text, json_tree(text.encode()), leaving("eve@x.io")) is None


def test_headers_that_show_who_leaves_are_shortened() -> None:
    """Of each header that names people what is left is given; one that is no list of mailboxes is left alone."""
    head = mime.read(b"To: Ada <ada@x.io>, bob@x.io\nCc: ada@x.io\nBcc: all: ada@x.io;\nResent-To: bob@x.io\n\nHi")
    assert dict(shown(head, leaving("ada@x.io", "bob@x.io"))) == {"To": "bob@x.io", "Cc": ""}


def test_json_in_a_header_can_be_folded() -> None:
    """JSON is written on one line with a blank between any two tokens, and says the same."""
    tree = {"a@x.io": {"text": "two\nlines, and  more", "list": [1, 2]}, "b@x.io": {}}
    written = foldable_json(tree)
    assert "\n" not in written
    assert json.loads(written) == tree
    assert max(map(len, written.split(" "))) < 20
