"""Tests for proxy/formats/lookalikes.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats.lookalikes import lookalikes, plainest
from proxy.providers.base import Request

RESEMBLES = lookalikes("/v3/mail/send", "/v3/*/Messages.mime")


@pytest.mark.parametrize(
    ("path", "read"),
    [
        pytest.param("/v3/mail/send", "/v3/mail/send", id="plain"),
        pytest.param("//v3///mail/send/", "/v3/mail/send", id="slashes"),
        pytest.param("/v3/x/../mail/./send", "/v3/mail/send", id="dots"),
        pytest.param("/../../v3/mail/send", "/v3/mail/send", id="dots above the root"),
        pytest.param("/v3/mail/%73%65nd", "/v3/mail/send", id="escapes"),
        pytest.param("/v3/mail/%252573end", "/v3/mail/send", id="escapes of escapes of escapes"),
        pytest.param("/v3/mail%2Fsend", "/v3/mail/send", id="an escaped slash"),
        pytest.param("/v3/mail%5Csend", "/v3/mail/send", id="an escaped backslash"),
        pytest.param("/v3;a=b/mail;/send;x", "/v3/mail/send", id="parameters"),
        pytest.param("/v3/x/..;/mail/send", "/v3/mail/send", id="a parameter behind dots"),
        pytest.param("/v3/mail/send%3Fx/y", "/v3/mail/send", id="an escaped question mark"),
        pytest.param("/v3/mail/send%23x", "/v3/mail/send", id="an escaped fragment"),
        pytest.param("/v3/mail/send%20%09%00", "/v3/mail/send", id="blanks and a NUL"),
        pytest.param("/v3/mail/send...", "/v3/mail/send", id="dots at the end"),
        pytest.param("/V3/Mail/SEND", "/v3/mail/send", id="capitals"),
        pytest.param("/v3/mail/\uff53end", "/v3/mail/send", id="full width"),
        pytest.param("/", "/", id="the root"),
        pytest.param("", "/", id="nothing"),
    ],
)
def test_a_path_is_read_forgivingly(path: str, read: str) -> None:
    """All that some server forgives is forgiven."""
    assert plainest(path) == read


@given(st.text(alphabet="/.;%52fFsSeEnNdD \\", max_size=40))
def test_reading_a_path_never_fails(path: str) -> None:
    """Any text gives a path with no empty segment and no capitals, and the same again where nothing is escaped."""
    read = plainest(path)
    assert read.startswith("/")
    assert "//" not in read
    assert read == read.casefold()
    assert "%" in read or plainest(read) == read


@pytest.mark.parametrize(
    ("path", "resembles"),
    [
        pytest.param("/v3/MAIL/send", True, id="another case"),
        pytest.param("/v3/x.example/messages.MIME", True, id="a star"),
        pytest.param("/v3/messages.mime", False, id="nothing for the star"),
        pytest.param("/v3/a/b/messages.mime", False, id="two for the star"),
        pytest.param("/v3/mail/send/beta", False, id="below"),
        pytest.param("/v3/mail/sender", False, id="longer"),
        pytest.param("/v3/messages,mime", False, id="a dot is a dot"),
    ],
)
def test_a_path_is_compared_whole(path: str, *, resembles: bool) -> None:
    """A path resembles a send if it is one from end to end, whatever the method."""
    assert [RESEMBLES(Request(method, path)) for method in ("POST", "get")] == [resembles, resembles]
