"""Postmark's texts about inactive recipients, and what SDKs find in them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from policy.identity import email_keys
from policy.model import Channel, Recipient, Refused
from policy.reasons import Reason
from proxy.formats import inactive

# What Postmark's SDKs look for, in Python and in JavaScript.
PYTHON = re.compile(r"Found inactive addresses:\s*(.+?)\.(?:\s|$)")
JAVASCRIPT = re.compile(r"Found inactive addresses: (.+?)\.? Inactive")


def refused(*addresses: str, reason: Reason = Reason.BLACKLISTED) -> list[Refused]:
    """Refuse some people for one reason."""
    people = [Recipient("To.0", Channel.MAIL, each, email_keys(each)) for each in addresses]
    return [Refused(each, reason) for each in people]


@pytest.mark.parametrize("pattern", [PYTHON, JAVASCRIPT], ids=["Python", "JavaScript"])
def test_sdks_find_the_addresses(pattern: re.Pattern[str]) -> None:
    """Both patterns find every address, once and in lower case, and behind the text stands why."""
    told = inactive.nobody_left([*refused("Ada@Example.com", "ada@example.com"), *refused("b@x.co.uk")])
    found = pattern.search(told["Message"])
    assert found is not None
    assert found[1] == "ada@example.com, b@x.co.uk"
    assert told["ErrorCode"] == 406
    assert told["Message"].endswith("(blacklisted)")


@pytest.mark.parametrize("reason", [Reason.INVALID_ADDRESS, Reason.NO_RECIPIENT])
def test_nobody_is_inactive_without_a_reason_for_it(reason: Reason) -> None:
    """An address that is none, and a copy that fell with its message, are errors of the request."""
    told = inactive.nobody_left(refused("ada", reason=reason))
    assert told == {
        "ErrorCode": 300,
        "Message": f"sendgate: no message is sent to this recipient ({reason})",
    }
    mixed = inactive.nobody_left([*refused("ada", reason=reason), *refused("b@x.io")])
    assert "inactive addresses: b@x.io. " in mixed["Message"]


OK = {"ErrorCode": 0, "Message": "OK", "To": "a@x.io"}
SOME = "Message OK, but will not deliver to these inactive addresses: {}. Inactive recipients are ones"
NOBODY = "You tried to send to recipient(s). Found inactive addresses: {}. Inactive recipients are ones"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        pytest.param(OK, SOME.format("b@x.io"), id="taken"),
        pytest.param({**OK, "Message": SOME.format("c@x.io")}, SOME.format("c@x.io, b@x.io"), id="others as well"),
        pytest.param(
            {"ErrorCode": 406, "Message": NOBODY.format("c@x.io, d@x.io")},
            NOBODY.format("c@x.io, d@x.io, b@x.io"),
            id="all others",
        ),
        pytest.param({"ErrorCode": 300, "Message": "Invalid 'From'"}, "Invalid 'From'", id="another error"),
        pytest.param({"ErrorCode": 0}, None, id="no text"),
        pytest.param({"ErrorCode": 0, "Message": 7}, 7, id="a number for a text"),
    ],
)
def test_who_was_left_out_is_told_beside_the_others(told: dict[str, Any], message: Any) -> None:
    """Whoever was taken out stands behind those whom Postmark names, and other errors stay as they are."""
    given = inactive.some_left(told, refused("b@x.io")).get("Message")
    assert str(given).startswith(str(message))
    assert inactive.some_left(told, []) is told
