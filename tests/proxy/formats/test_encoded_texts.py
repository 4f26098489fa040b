"""Words exchanged in encoded texts: what is written, and what stays as it was."""

from __future__ import annotations

import base64
import quopri
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats.encoded_texts import LARGEST, LONGEST, QUOTED, EncodedText

WORD = "{{unsubscribe}}"
URL = "https://gate.test/u/" + "aB3-_" * 30
QP, B64 = "quoted-printable", "base64"


def text(content: bytes, encoding: str = "7bit", charset: str = "utf-8", line_end: bytes = b"\n") -> EncodedText:
    """Give a text in the midst of a message."""
    raw = b"before\n\n" + content + b"\n--after--\n"
    return EncodedText(raw, 8, 8 + len(content), encoding, charset, line_end)


def exchanged(told: EncodedText, word: str = WORD, url: str = URL) -> bytes | None:
    """Give the content with other words, after making sure that nothing is written outside of it."""
    edits = told.exchanged(word, url)
    if edits is None:
        return None
    written = told.raw
    for start, end, new in reversed(edits):
        assert told.start <= start <= end <= told.end
        written = written[:start] + new + written[end:]
    return written[told.start : len(written) - (len(told.raw) - told.end)]


def b64(content: str, codec: str = "utf-8", width: int = 76, line_end: bytes = b"\n") -> bytes:
    """Write base64 in lines."""
    encoded = base64.b64encode(content.encode(codec))
    return line_end.join(encoded[at : at + width] for at in range(0, len(encoded), width))


# ── bytes as they are ──

LONG = "x" * (LONGEST - len(URL))


@pytest.mark.parametrize(
    ("content", "charset", "written"),
    [
        pytest.param(f"Leave: {WORD}.\nBye\n", "utf-8", f"Leave: {URL}.\nBye\n", id="a word"),
        pytest.param(f"{WORD}{WORD}\r\n{WORD}", "us-ascii", f"{URL}{URL}\r\n{URL}", id="some"),
        pytest.param(f"Grüße {WORD} ü", "iso-8859-1", f"Grüße {URL} ü", id="of Latin-1"),
        pytest.param(f"退订{WORD}退", "gbk", f"退订{URL}退", id="of two bytes each"),
        pytest.param(f"配信停止{WORD}はこちら", "iso-2022-jp", f"配信停止{URL}はこちら", id="of a charset with states"),
        pytest.param(f"{LONG}{WORD}\nBye", "utf-8", f"{LONG}{URL}\nBye", id="in a line as long as may be"),
        pytest.param(f"{LONG}x{WORD}\nBye", "utf-8", None, id="in a line that would be too long"),
        pytest.param(f"{WORD}{LONG}x\r\n{WORD}", "utf-8", None, id="in a first one, with CRLF"),
        pytest.param(f"{LONG[:500]}{WORD}{LONG[500:]}{WORD}", "utf-8", None, id="two in a line too long for both"),
        pytest.param("x" * LONGEST + WORD, "utf-8", "x" * LONGEST + URL, id="in a line that is too long already"),
        pytest.param(f"Leave {WORD} \nnow \n", "utf-8", f"Leave {URL} \nnow \n", id="in a flowed line (RFC 3676)"),
        pytest.param("{{unsub \nscribe}}", "utf-8", "{{unsub \nscribe}}", id="none that is cut"),
        pytest.param("-----BEGIN PGP SIGNED MESSAGE-----\n" + WORD, "utf-8", None, id="signed where it stands"),
        pytest.param(WORD, "x-klingon", None, id="of an unknown charset"),
        pytest.param(WORD, "punycode", None, id="of a codec that is no charset"),
    ],
)
def test_words_are_exchanged_in_place(content: str, charset: str, written: str | None) -> None:
    """The bytes of the words are exchanged, where no line becomes too long by it and the charset is known."""
    codec = charset if charset != "x-klingon" else "ascii"
    codec = "ascii" if codec == "punycode" else codec
    expected = None if written is None else written.encode(codec)
    assert exchanged(text(content.encode(codec), "8bit", charset)) == expected


def test_half_a_letter_is_no_word() -> None:
    """Where a word begins with the second byte of a letter, the text stays."""
    content = "乕".encode("shift_jis") + b"unsubscribe}}"
    assert content.endswith(b"{unsubscribe}}") or content[1:2].isascii()
    word = content[1:].decode("ascii")
    assert exchanged(text(content, "8bit", "shift_jis"), word) == content


# ── quoted-printable ──


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(WORD, id="a word"),
        pytest.param("=7B=7bunsubscribe=7D}", id="in escapes"),
        pytest.param("Gr=C3=BC=C3=9Fe {{un=\nsub=\r\nscri=\n=\nbe}} Ihre=\n Werkstatt", id="in several lines"),
        pytest.param(f"=3D{WORD}=3D", id="between escapes"),
        pytest.param(f'<a href=3D"{WORD}">leave</a>, {WORD} and {WORD}{WORD}=\n!\n', id="some"),
        pytest.param("x" * 60 + WORD + "=\n" + "-" * 75 + "=\n" + WORD, id="before a soft break and dashes"),
        pytest.param("x" * 61 + WORD + "\n" + "y" * 61 + WORD, id="at the end of a whole line"),
        pytest.param(WORD + "-" * 61, id="at its beginning"),
        pytest.param("x" * 75 + "=\n" + WORD + "--boundary", id="before what would be a boundary"),
        pytest.param("x" * 40 + "{{unsubscrib=\ne}}" + "y" * 73 + "\n", id="of which the end has a whole line"),
    ],
)
def test_words_are_exchanged_in_quoted_printable(content: str) -> None:
    """It says the link where it said the words, in lines of 76 at most, and what stood in other lines stands there."""
    written = exchanged(text(content.encode(), QP))
    assert written is not None
    assert quopri.decodestring(written) == quopri.decodestring(content.encode()).replace(WORD.encode(), URL.encode())
    assert all(len(line.rstrip(b"\r")) <= QUOTED for line in written.split(b"\n"))
    assert not any(line.startswith(b"-") for line in set(written.split(b"\n")) - set(content.encode().split(b"\n")))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        pytest.param("=ABCDEF", "ABCDEF", id="an escape before the rest"),
        pytest.param("x=3Dabcdef", "Dabcdef", id="an escape and a word"),
        pytest.param("UNSUBSCRIBE", "unsubscribe", id="of other letters"),
        pytest.param("{{unsub\nscribe}}", WORD, id="with a line break"),
    ],
)
def test_nothing_else_is_taken_for_words(content: str, word: str) -> None:
    """Half an escape, other letters and two lines are no words, and every byte stays."""
    assert exchanged(text(content.encode(), QP), word) == content.encode()


def test_what_readers_may_see_otherwise_stays() -> None:
    """Where escapes are broken, so that words stand there for some readers only, nothing is written."""
    assert exchanged(text(b"a=" + WORD.encode(), QP)) is None
    assert exchanged(text(b"\x1b$B=1b {{unsubscribe}}", QP, "iso-2022-jp")) is None


# ── base64 ──


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("width", [60, 76, 998])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16be", "shift_jis", "koi8-r"])
def test_words_are_exchanged_in_base64(charset: str, width: int, line_end: bytes) -> None:
    """The lines are as long as they were and end as they did, and so does the whole."""
    said = f"{'Please. ' * 200}{WORD}, {WORD}\n"
    content = b64(said, charset, width, line_end) + line_end
    codec = "utf-16-le" if charset == "utf-16" else charset
    expected = said.encode(charset).replace(WORD.encode(codec), URL.encode(codec))
    written = exchanged(text(content, B64, charset, line_end))
    assert written is not None
    encoded = base64.b64encode(expected)
    assert written == b"".join(encoded[at : at + width] + line_end for at in range(0, len(encoded), width))


def test_one_line_of_base64_becomes_some() -> None:
    """A text that had but one line has lines of 76, whatever its length was, which end as the message's do."""
    written = exchanged(text(b64(f"{'x' * 200}{WORD}", width=9999), B64, line_end=b"\r\n"))
    assert written == b64(f"{'x' * 200}{URL}", line_end=b"\r\n")


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        pytest.param(b64("x" * 99 + WORD).replace(b"\n", b" \n"), "utf-8", id="blanks at the ends of lines"),
        pytest.param(b64("x" * 99 + WORD).replace(b"\n", b"\n\n"), "utf-8", id="empty lines"),
        pytest.param(b"\n" + b64(WORD), "utf-8", id="an empty line first"),
        pytest.param(b64(f"{WORD}x") + b"\n" + b64(f"{WORD}x"), "utf-8", id="two texts"),
        pytest.param(b"!" + b64(WORD), "utf-8", id="what is no base64"),
        pytest.param(b64(WORD, "utf-16-le"), "utf-16", id="UTF-16 without a mark"),
        pytest.param(b64(WORD, "utf-16-le")[:-4] + b"AAA=", "utf-16le", id="half a letter at the end"),
    ],
)
def test_odd_base64_stays(content: bytes, charset: str) -> None:
    """What has several spellings, or ends in the middle, is not written anew."""
    assert exchanged(text(content, B64, charset)) is None


# ── for all of them ──


@pytest.mark.parametrize("encoding", ["7bit", QP, B64])
def test_a_fixed_text_stays(encoding: str) -> None:
    """What is signed or measured is read, and not written into."""
    content = b64(WORD) if encoding == B64 else WORD.encode()
    told = replace(text(content, encoding), fixed=True)
    assert told.said() == WORD
    assert told.exchanged(WORD, URL) is None


def test_what_cannot_be_decoded_is_searched_as_it_stands() -> None:
    """An unknown encoding or charset shows its ASCII, and broken base64 nothing; none is written into."""
    assert text(WORD.encode(), "x-uuencode").said() == WORD
    assert text(WORD.encode(), "x-uuencode").exchanged(WORD, URL) is None
    assert text(b"\xff" + WORD.encode(), "8bit", "x-klingon").said() == f"ÿ{WORD}"
    assert text(b"a", B64).said() == ""
    assert text(b64(WORD, "utf-16"), B64, "utf-16").said().endswith(WORD)


def test_a_huge_text_stays() -> None:
    """A text beyond two megabytes is not written into."""
    content = f"{WORD}\n".encode()
    content += b"x" * (LARGEST - len(content))
    assert exchanged(text(content)) is not None
    assert exchanged(text(content + b"x")) is None


@given(
    lines=st.lists(st.lists(st.sampled_from([WORD, "-", "x" * 20, "=3D", "=\n", "ab", " c"])).map("".join)),
    url=st.from_regex(r"https://g\.test/u/[aZ_-]{1,200}", fullmatch=True),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_quoted_printable_says_the_same(lines: list[str], url: str, line_end: bytes) -> None:
    """Whatever stands around the words, the text says the link in their place, and lines grow beyond 76 by no link."""
    content = "\n".join(lines).encode().replace(b"\n", line_end)
    written = exchanged(text(content, QP, line_end=line_end), url=url)
    assert written is not None
    assert quopri.decodestring(written) == quopri.decodestring(content).replace(WORD.encode(), url.encode())
    longest = max(map(len, content.split(line_end)))
    assert all(len(line) <= max(QUOTED, longest + 1) for line in written.split(line_end))
