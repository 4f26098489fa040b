"""Raw messages: header blocks with one reading, and the same bytes with other recipients."""

from __future__ import annotations

import contextlib
import email
from email.errors import HeaderParseError
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import default
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy.identity import email_keys
from proxy.formats import mime
from proxy.formats.mailboxes import without
from proxy.providers.base import Unreadable

MESSAGE = (
    b"From: Shop <shop@x.io>\r\n"
    b'To: "Doe, J" <a@x.io>,\r\n'
    b"\tb@x.io\r\n"
    b"X-Tag: one\r\n"
    b"Cc: c@x.io\r\n"
    b"x-tag:two\r\n"
    b"Subject: J\xc3\xbcrgen\r\n"
    b"\r\n"
    b"To: nobody@x.io\n\x00\xff\r"
)


def test_headers_are_read_by_name() -> None:
    """Values come unfolded, whatever case the name is asked in, and the body is no header."""
    message = mime.read(MESSAGE)
    assert message.value("to") == '"Doe, J" <a@x.io>,\tb@x.io'
    assert message.values("X-TAG") == ("one", "two")
    assert message.value("subject") == "Jürgen"
    assert (message.value("Bcc"), message.values("Bcc"), message.mailboxes("Bcc")) == (None, (), ())
    assert [mailbox.address for mailbox in message.mailboxes("To")] == ["a@x.io", "b@x.io"]
    with pytest.raises(Unreadable):
        message.value("X-Tag")


def test_a_message_does_not_print_itself() -> None:
    """What is logged by mistake holds no address."""
    assert "@" not in repr(mime.read(MESSAGE))


GOOD = [
    pytest.param(b"To: a@x.io\n\nbody\r\n", "a@x.io", id="LF, and a body with other ends"),
    pytest.param(b"To: a@x.io\r\n", "a@x.io", id="no body"),
    pytest.param(b"To: a@x.io\r\n\r\n", "a@x.io", id="empty body"),
    pytest.param(b"To:a@x.io\r\n\r\n", "a@x.io", id="no blank behind the colon"),
    pytest.param(b"To:\r\n a@x.io\r\n\r\n", "a@x.io", id="folded at once"),
    pytest.param(b"To:\r\n\r\n", "", id="empty value"),
    pytest.param(b"Reply-To: b@x.io\r\nErrors-To: c@x.io\r\nTo: a@x.io \t\r\n\r\n", "a@x.io", id="other headers"),
    pytest.param(b"Received: 1\r\nReceived: 2\r\nTo: a@x.io\r\n\r\n", "a@x.io", id="twins that decide nothing"),
]


@pytest.mark.parametrize(("raw", "value"), GOOD)
def test_a_block_with_one_reading_is_read(raw: bytes, value: str) -> None:
    """The value of To is found."""
    assert mime.read(raw).value("To") == value


BAD = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"To: a@x.io", id="no line end"),
    pytest.param(b"From: b@x.io\r\nTo: a@x.io", id="last line without an end"),
    pytest.param(b"\r\nTo: a@x.io\r\n\r\n", id="empty line first"),
    pytest.param(b"\nTo: a@x.io\n\n", id="empty line first, LF"),
    pytest.param(b"\n\nTo: a@x.io\n\n", id="two empty lines first"),
    pytest.param(b"From a@x.io Thu Jan 1\nTo: a@x.io\n\n", id="line of a mailbox file"),
    pytest.param(b">From a@x.io\nTo: a@x.io\n\n", id="escaped line of a mailbox file"),
    pytest.param(b"X: 1\r\nTo: a@x.io\n\r\n", id="LF among CRLF"),
    pytest.param(b"X: 1\nTo: a@x.io\r\n\n", id="CRLF among LF"),
    pytest.param(b"X: 1\nTo: a@x.io\n\r\nbody\n\n", id="empty line in CRLF among LF"),
    pytest.param(b"X: 1\rBcc: b@x.io\r\nTo: a@x.io\r\n\r\n", id="bare CR"),
    pytest.param(b"X: 1\r\nTo: a@x.io\r\r\n\r\n", id="two CRs"),
    pytest.param(b"To: a@x.io\0\r\n\r\n", id="NUL"),
    pytest.param(b"X: 1\x0bBcc: b@x.io\r\n\r\n", id="vertical tab"),
    pytest.param("X: 1\u2028Bcc: b@x.io\r\n\r\n".encode(), id="line separator"),
    pytest.param(b"To: a@x.io\r\nSubject: J\xfcrgen\r\n\r\n", id="not UTF-8"),
    pytest.param(b"\xef\xbb\xbfTo: a@x.io\r\n\r\n", id="BOM"),
    pytest.param(b"To : a@x.io\r\n\r\n", id="blank before the colon"),
    pytest.param(b" To: a@x.io\r\n\r\n", id="blank before the first name"),
    pytest.param(b": a@x.io\r\n\r\n", id="no name"),
    pytest.param("Tö: a@x.io\r\n\r\n".encode(), id="letters of a name"),
    pytest.param(b"To: a@x.io\r\nno header\r\nBcc: b@x.io\r\n\r\n", id="line without a colon"),
    pytest.param(b"X: 1\r\n \t\r\nBcc: b@x.io\r\n\r\n", id="line of blanks"),
    pytest.param(b"To: a@x.io\r\nTO: b@x.io\r\n\r\n", id="To twice"),
    pytest.param(b"Resent-Bcc: a@x.io\nResent-BCC: b@x.io\n\n", id="Resent-Bcc twice"),
    pytest.param(b"X-Copy: a@x.io\nX-Copy: b@x.io\n\n", id="a header of the caller's twice"),
    pytest.param(b"X_Copy: a@x.io\n\n", id="like one of the caller's"),
    pytest.param(b"T-o: b@x.io\r\n\r\n", id="like To"),
    pytest.param(b"Resent_To: b@x.io\r\n\r\n", id="like Resent-To"),
    pytest.param(b"Bcc[]: b@x.io\r\n\r\n", id="like Bcc"),
    pytest.param(b"Apparently-To: b@x.io\r\n\r\n", id="an old name"),
    pytest.param(b"X: " + b"a" * mime.LONGEST_BLOCK + b"\r\n\r\n", id="too long a line"),
    pytest.param(b"X: 1\r\n" * (mime.LONGEST_BLOCK // 5) + b"\r\n", id="too long a block"),
    pytest.param(b"X: 1\r\n" * (mime.MOST_HEADERS + 1) + b"\r\n", id="too many headers"),
]


@pytest.mark.parametrize("raw", BAD)
def test_a_block_with_several_readings_is_refused(raw: bytes) -> None:
    """What mail programs would read in ways of their own is not read."""
    with pytest.raises(Unreadable):
        mime.read(raw, ["X-Copy"])


def test_twins_are_told_by_their_documented_name() -> None:
    """The place of a header that stands twice is its name as it is documented, not as it is written."""
    with pytest.raises(Unreadable) as refusal:
        mime.read(b"tO: a@x.io\nTo: b@x.io\n\n")
    assert refusal.value.place == "To"


# ── writing ──


def test_nothing_else_changes() -> None:
    """A new value and dropped headers change their own lines alone."""
    message = mime.read(MESSAGE)
    assert message.rewritten({}) == MESSAGE
    assert message.rewritten({}, message.named("X-Tag")[1:]) == MESSAGE.replace(b"x-tag:two\r\n", b"")
    assert message.rewritten({"to": "b@x.io", "Cc": None, "Bcc": None, "X-Tag": ""}) == (
        b"From: Shop <shop@x.io>\r\nTo: b@x.io\r\nSubject: J\xc3\xbcrgen\r\n\r\nTo: nobody@x.io\n\x00\xff\r"
    )


def test_long_values_are_folded() -> None:
    """Lines end before 78 octets where a blank allows it; a word that is longer stays whole."""
    value = ", ".join([*(f"ü{index}@example.com" for index in range(20)), "x" * 100, "z@x.io"])
    written = mime.read(b"To: a@x.io\n\nbody").rewritten({"To": value})
    lines = written.partition(b"\n\n")[0].split(b"\n")
    assert [len(line) for line in lines if len(line) > 78] == [102]  # the word, its blank and its comma
    assert mime.read(written).value("To") == value


BAD_CHANGES = [
    pytest.param({"To": "a@x.io\r\nBcc: b@x.io"}, id="line break"),
    pytest.param({"To": "a@x.io\0"}, id="NUL"),
    pytest.param({"To": " "}, id="blanks"),
    pytest.param({"Bcc": "a@x.io"}, id="a header that is not there"),
    pytest.param({"X-Tag": "three"}, id="a header that stands twice"),
]


@pytest.mark.parametrize("changes", BAD_CHANGES)
def test_a_change_that_would_do_more_is_refused(changes: dict[str, str | None]) -> None:
    """No value can bring a header of its own, and none goes where it is not clear."""
    with pytest.raises(Unreadable):
        mime.read(MESSAGE).rewritten(changes)


# ── properties ──

VALUE = st.text(st.sampled_from('ab  \t,;:ü<>"'), min_size=1).map(lambda text: text.strip(" \t")).filter(bool)


@given(VALUE, st.sampled_from([b"\n", b"\r\n"]), st.binary())
def test_a_written_value_is_read_again(value: str, end: bytes, body: bytes) -> None:
    """A value unfolds to itself, its neighbours are as they were, and so is the body."""
    raw = end.join([b"X: 1", b"To: a@x.io", b" b", b"Y: 2", b"", body])
    written = mime.read(raw).rewritten({"To": value * 9})
    message = mime.read(written)
    assert (message.value("X"), message.value("To"), message.value("Y")) == ("1", value * 9, "2")
    assert written.endswith(end.join([b"", b"Y: 2", b"", body]))


ENDS = ["\r\n", "\r\n", "\r\n", "\r\n ", "\n", "\r", "\x0c"]
NAMES = ["To:", "Cc: ", "Bcc:", "bcc :", "To", "X: 1", "From x"]
PIECES = [" ", "\t", "a@x.io", ",", ", b@x.io", "J <c@x.io>", "(x)", '"d, e" ', ";", "=?utf-8?Q?a=40b?="]
WELL_FORMED = st.tuples(st.sampled_from(NAMES[:3]), st.lists(st.sampled_from([*PIECES, "\r\n "]), max_size=6)).map(
    lambda line: line[0] + "".join(line[1]) + "\r\n"
)
LINES = st.lists(WELL_FORMED | st.sampled_from([*ENDS, *NAMES, *PIECES]), max_size=9).map("".join)


def _people(message: EmailMessage, name: str) -> set[str]:
    """Ask the standard library, which breaks down over some texts: then it finds nobody."""
    with contextlib.suppress(TypeError, IndexError, AttributeError, ValueError, HeaderParseError):
        headers = cast("list[AddressHeader]", message.get_all(name, []))
        return {key for header in headers for each in header.addresses for key in email_keys(each.addr_spec)}
    return set()


@given(LINES)
@example('To: "d, e"\r\n <a@x.io>,\r\n\tb@x.io\r\nBcc: J <c@x.io>\r\n\r\n')
def test_the_standard_library_finds_nobody_else(text: str) -> None:
    """In every message that is let through the standard library finds only recipients who were found here."""
    raw = b"From: s@x.io\r\n" + text.encode()
    try:
        message = mime.read(raw)
        ours = {name: message.mailboxes(name) for name in ("To", "Cc", "Bcc")}
    except Unreadable:
        return
    theirs = email.message_from_bytes(raw, policy=default)
    for name, found in ours.items():
        assert _people(theirs, name) <= {key for each in found for key in email_keys(each.address)}
        value = message.value(name)
        if found and value is not None:
            left = mime.read(message.rewritten({name: without(value, frozenset({0}))}))
            assert [each.address for each in left.mailboxes(name)] == [each.address for each in found[1:]]
