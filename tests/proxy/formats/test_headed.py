"""Contents that show recipients: what of them is refused, and what is left when somebody is gone."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.formats import headed
from proxy.formats.objects import Shape
from proxy.providers.base import Unreadable

SENDER = Shape(frozenset({"email"}), frozenset({"email", "bcc"}))
LOST = frozenset({"ada@example.com", "nobody"})


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        pytest.param("Ada <ADA@example.com>, bob@example.com", "bob@example.com", id="by key"),
        pytest.param("bob@example.com,nobody", "bob@example.com", id="a text without a key"),
        pytest.param(" bob@example.com , ", " bob@example.com , ", id="nobody who is gone"),
        pytest.param("ada@example.com", "", id="nobody else"),
        pytest.param("", "", id="nobody at all"),
    ],
)
def test_a_list_loses_who_is_gone(text: str, rest: str) -> None:
    """Those who are gone are found by their keys, or by their texts where there are none; the others stay."""
    assert headed.rest(text, LOST) == rest


def raw(*lines: str) -> str:
    """Give a raw message."""
    return "\r\n".join([*lines, "", "Hello ada@example.com", ""])


@pytest.mark.parametrize(
    ("content", "left"),
    [
        pytest.param({"text": "Hi"}, {"text": "Hi"}, id="nothing"),
        pytest.param({"headers": None}, {"headers": None}, id="headers as null"),
        pytest.param(
            {"headers": {"CC": "bob@x.io, ada@example.com", "X-A": "ada@example.com"}},
            {"headers": {"CC": "bob@x.io", "X-A": "ada@example.com"}},
            id="a header",
        ),
        pytest.param({"headers": {"cc": "nobody"}}, {"headers": {}}, id="a header that shows nobody else"),
        pytest.param({"headers": {"Cc": ""}}, {"headers": {"Cc": ""}}, id="an empty header"),
        pytest.param(
            {"email_rfc822": raw("To: ada@example.com", "Cc: bob@x.io,", " Ada <ada@example.com>", "Subject: Hi")},
            {"email_rfc822": raw("Cc: bob@x.io", "Subject: Hi")},
            id="a raw message",
        ),
        pytest.param(
            {"email_rfc822": raw("To:  bob@x.io", "Subject: Hi")},
            {"email_rfc822": raw("To:  bob@x.io", "Subject: Hi")},
            id="a raw message of others",
        ),
    ],
)
def test_a_content_shows_nobody_who_is_gone(content: dict[str, Any], left: dict[str, Any]) -> None:
    """Cc headers and the To and Cc of raw messages lose who is gone, and all else stays."""
    before = dict(content)
    headed.check(content, "content", SENDER)
    assert headed.without(content, LOST) == left
    assert content == before


@pytest.mark.parametrize(
    ("content", "place"),
    [
        pytest.param({"headers": []}, "content.headers", id="headers as list"),
        pytest.param({"headers": {"Resent-To": "b@x.io"}}, "content.headers", id="recipients"),
        pytest.param({"headers": {"Bcc[]": "b@x.io"}}, "content.headers", id="recipients in brackets"),
        pytest.param({"headers": {"X MSYS": "b@x.io"}}, "content.headers", id="no name"),
        pytest.param({"headers": {"_cc": "b@x.io"}}, "content.headers", id="almost Cc"),
        pytest.param({"headers": {"Cc": 7}}, "content.headers", id="Cc as number"),
        pytest.param({"headers": {"Cc": "a@x.io; b@x.io"}}, "content.headers", id="Cc with a semicolon"),
        pytest.param({"headers": {"X-A": "a\rBcc: b@x.io"}}, "content.headers", id="one header more"),
        pytest.param({"subject": "a\nBcc: b@x.io"}, "content.subject", id="one header more in the subject"),
        pytest.param({"from": {"email": "a@x.io", "Bcc": "b"}}, "content.from", id="recipients in the sender"),
        pytest.param({"email_rfc822": 7}, "content.email_rfc822", id="a raw message as number"),
        pytest.param({"email_rfc822": raw("Bcc: b@x.io")}, "content.email_rfc822", id="a raw Bcc"),
        pytest.param({"email_rfc822": raw("x-msys-api: {}")}, "content.email_rfc822", id="a raw X-MSYS-API"),
        pytest.param({"email_rfc822": raw("To: a@x.io", "TO: b@x.io")}, "content.email_rfc822", id="two raw To"),
    ],
)
def test_what_could_be_an_envelope_is_unreadable(content: dict[str, Any], place: str) -> None:
    """Headers that name recipients in another way, or in no one way, are refused at their place."""
    with pytest.raises(Unreadable) as refused:
        headed.check(content, "content", SENDER)
    assert refused.value.place == place
