"""Headers of a mail that stand in an object."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.formats import mail_headers
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
