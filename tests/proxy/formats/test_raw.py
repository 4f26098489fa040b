"""Recipients in the headers of raw messages in base64."""

from __future__ import annotations

import base64

import pytest

from proxy.formats import raw
from proxy.providers.base import Unreadable

MESSAGE = b"From: s@x.io\r\nTo: Ada <a@x.io>, b@x.io\r\nBcc: c@x.io\r\nResent-Cc: d@x.io\r\n\r\nTo: nobody@x.io\r\n"


def encoded(message: bytes) -> str:
    """Give a message as it is sent."""
    return base64.b64encode(message).decode()


def found(message: bytes) -> list[tuple[str, str]]:
    """Give the places and addresses of a message."""
    return [(place, address) for place, _, address in raw.addresses(raw.read(encoded(message), "raw", ()), "raw")]


def test_everybody_in_the_headers_is_found() -> None:
    """Each address of each header that names recipients is found, and nobody in the body."""
    told = [("raw.To.0", "a@x.io"), ("raw.To.1", "b@x.io"), ("raw.Bcc.0", "c@x.io"), ("raw.Resent-Cc.0", "d@x.io")]
    assert found(MESSAGE) == told


@pytest.mark.parametrize("value", [b"undisclosed-recipients:;", b"Undisclosed recipients: ;", b"nobody:\r\n ;"])
def test_a_group_of_nobody_is_nobody(value: bytes) -> None:
    """The empty group that mail programs write where everybody is hidden names nobody."""
    assert found(b"To: " + value + b"\r\nCc: b@x.io\r\n\r\n") == [("raw.Cc.0", "b@x.io")]


@pytest.mark.parametrize("value", [b"friends: a@x.io;", b"a@x.io:;", b"a:; b@x.io", b'"a":;', b"a:b:;"])
def test_other_groups_are_refused(value: bytes) -> None:
    """A group in which somebody could be is refused."""
    with pytest.raises(Unreadable):
        found(b"To: " + value + b"\r\n\r\n")


def test_addresses_go_and_all_else_stays() -> None:
    """An address goes out of its header, a header with its last address; every other byte stays."""
    message = raw.read(encoded(MESSAGE), "raw", ())
    left = raw.without(message, "raw", frozenset({"raw.To.0", "raw.Bcc.0"}))
    assert left is not None
    assert base64.b64decode(left) == MESSAGE.replace(b"Ada <a@x.io>, ", b"").replace(b"Bcc: c@x.io\r\n", b"")
    assert raw.without(message, "raw", frozenset({"other.To.0", "raw.To.7"})) is None


@pytest.mark.parametrize(
    "given", [None, 7, "To: a@x.io", "VG8\n6", "VG86", encoded(MESSAGE)[:-1], encoded(MESSAGE) + "="]
)
def test_what_is_no_message_in_base64_is_refused(given: object) -> None:
    """Anything but a message in strict base64 is unreadable."""
    with pytest.raises(Unreadable):
        raw.read(given, "raw", ())
