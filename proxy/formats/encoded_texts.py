"""A text within a raw message, as it is encoded for transfer: what it says, and other words written into it.

Where words are exchanged, every byte beside them stays as it was (RFC 2045, section 6):

1. 7bit, 8bit, binary: a line may have 998 bytes (RFC 5322, section 2.1.1), so a text in which one would grow beyond
   that stays as it is.
2. quoted-printable: words may stand in escapes and across soft line breaks. What takes their place has soft line breaks
   of its own, so that no line grows beyond 76.
3. base64: written anew, in lines as long as they were. Only what was written in one way can be written in that way
   again, so there are no odd lines and nothing between them.

Words are ASCII. In most charsets their bytes are theirs alone. In the others a byte of theirs may be half of another
letter, so there the text is decoded, and what is found has to become the same text again. A text in any other charset
or encoding is searched as if it were ASCII, and stays.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, chain, pairwise
from typing import Final

Edit = tuple[int, int, bytes]  # what is written between two offsets of a message
Span = tuple[int, int]

LONGEST: Final = 998  # octets of a line without its end
LARGEST: Final = 2 << 20  # bytes of a text that is written into; looking for escapes in more would hold up others
QUOTED: Final = 76  # of a line in quoted-printable, with the = of a soft break, or in base64

_PLAIN: Final = frozenset({"7bit", "8bit", "binary"})
_QUOTED, _BASE64 = "quoted-printable", "base64"
_ASCII: Final = re.compile(
    r"(?:us-)?ascii|utf-?8|iso-?8859-\d{1,2}|latin-?1|(?:windows-|cp)125\d|windows-874|koi8-[ru]|euc-(?:jp|kr)"
)
_CODECS: Final = {
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "shift_jis": "shift_jis",
    "iso-2022-jp": "iso2022_jp",
    "iso-2022-kr": "iso2022_kr",
}
_BY_MARK: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_SIGNED: Final = b"-----BEGIN PGP SIGNED MESSAGE-----"  # RFC 9580, section 7


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text between two offsets of a message; one that is `fixed` is signed or measured, and may not be written."""

    raw: bytes = field(repr=False)
    start: int
    end: int
    encoding: str
    charset: str
    line_end: bytes
    fixed: bool = False

    def said(self) -> str:
        """Give what it says; of what cannot be decoded the ASCII at least."""
        octets = self._octets()
        codec = self._codec(octets)
        return octets.decode(codec, "replace") if codec else octets.decode("latin-1")

    def exchanged(self, sought: str, new: str) -> list[Edit] | None:
        """Exchange words of ASCII for others, both without `=` and blanks; None where that cannot be done."""
        if self.fixed or self.end - self.start > LARGEST:
            return None
        octets = self._octets()
        codec = self._codec(octets)
        if codec is None or _SIGNED in octets:
            return None
        apart = _apart(octets, sought, codec)
        if apart is None or len(apart) == 1:
            return None if apart is None else []
        if self.encoding == _BASE64:
            return self._in_base64(octets, new.encode(codec or "ascii").join(apart))
        if self.encoding == _QUOTED:
            return None if codec else self._in_quoted(sought, new, len(apart) - 1)
        return None if codec.startswith("utf-16") else self._in_place(apart, sought.encode(), new.encode())

    # ── what it says ──

    def _octets(self) -> bytes:
        content = self.raw[self.start : self.end]
        try:
            if self.encoding == _BASE64:
                return binascii.a2b_base64(content)
        except binascii.Error:
            return b""
        return binascii.a2b_qp(content) if self.encoding == _QUOTED else content

    def _codec(self, octets: bytes) -> str | None:
        """Give the codec of the charset, "" where words of ASCII have their bytes to themselves, None for others."""
        if self.encoding not in _PLAIN | {_QUOTED, _BASE64}:
            return None
        if _ASCII.fullmatch(self.charset):
            return ""
        return _BY_MARK.get(octets[:2]) if self.charset == "utf-16" else _CODECS.get(self.charset)

    # ── what is written ──

    def _in_place(self, apart: Sequence[bytes], sought: bytes, new: bytes) -> list[Edit] | None:
        ends = accumulate(len(piece) + len(sought) for piece in apart[:-1])
        edits = [(self.start + end - len(sought), self.start + end, new) for end in ends]
        grown: dict[Span, int] = {}
        for start, _, _ in edits:
            line = self._line(start)
            grown[line] = grown.get(line, 0) + len(new) - len(sought)
        too_long = any(end - start <= LONGEST < end - start + more for (start, end), more in grown.items())
        return None if too_long else edits

    def _line(self, at: int) -> Span:
        """Give the line that an offset is in, without its line end."""
        start = max(self.raw.rfind(b"\n", self.start, at) + 1, self.start)
        end = self.raw.find(b"\n", at, self.end)
        if end < 0:
            return start, self.end
        return start, end - self.raw.startswith(b"\r\n", end - 1)

    def _in_base64(self, octets: bytes, new: bytes) -> list[Edit] | None:
        core = self.raw[self.start : self.end].rstrip(b" \t\r\n")
        first, newline, _ = core.partition(b"\n")
        line = first.rstrip(b"\r")
        line_end = first[len(line) :] + newline or self.line_end
        if not line or _in_lines(octets, len(line), line_end) != core:
            return None
        return [(self.start, self.start + len(core), _in_lines(new, len(line) if newline else QUOTED, line_end))]

    def _in_quoted(self, sought: str, new: str, count: int) -> list[Edit] | None:
        spans = [match.span() for match in _escaped(sought).finditer(self.raw, self.start, self.end)]
        return list(self._broken(spans, new)) if len(spans) == count else None

    def _broken(self, spans: Sequence[Span], new: str) -> Iterator[Edit]:
        """Write words of quoted-printable between what stands before and behind them in their lines."""
        column, last_line = 0, -1
        for (start, end), (following, _) in pairwise(chain(spans, [(self.end, self.end)])):
            line, _ = self._line(start)
            line_end = self._line(end)[1]
            column = column if line == last_line else start - line
            behind = min(following, line_end) - end  # bytes up to the next words in this line, or to its end
            *lines, last = _broken(new, column, (QUOTED if line_end <= following else QUOTED - 1) - behind)
            yield start, end, b"".join(told.encode() + b"=" + self.line_end for told in lines) + last.encode()
            column = len(last) + behind + (0 if lines else column)
            last_line = self._line(end)[0]


def _apart(octets: bytes, sought: str, codec: str) -> list[bytes] | None:
    """Cut at the words; None where that which is cut does not give the same bytes again."""
    if not codec:
        return octets.split(sought.encode())
    try:
        apart = [piece.encode(codec) for piece in octets.decode(codec).split(sought)]
        return apart if sought.encode(codec).join(apart) == octets else None
    except UnicodeError:
        return None


def _in_lines(octets: bytes, width: int, line_end: bytes) -> bytes:
    encoded = base64.b64encode(octets)
    return line_end.join(encoded[at : at + width] for at in range(0, len(encoded), width))


@cache
def _escaped(sought: str) -> re.Pattern[bytes]:
    """Find words of quoted-printable, in escapes or not, with soft line breaks among them; never within an escape.

    It begins with letters alone and looks back behind the first, so that the search runs from one such to the next.
    """
    first, *others = map(re.escape, sought)
    at_first = rf"(?:{first}(?<!={first})(?<!=[0-9A-Fa-f]{first})|{_escape(sought[0])})"
    letters = (rf"(?:{other}|{_escape(letter)})" for other, letter in zip(others, sought[1:], strict=True))
    return re.compile(r"(?:=\r?\n)*+".join([at_first, *letters]).encode())


def _escape(letter: str) -> str:
    return "=" + "".join(f"[{digit}{digit.lower()}]" if digit.isalpha() else digit for digit in f"{ord(letter):02X}")


def _broken(new: str, column: int, room: int) -> list[str]:
    """Cut words for lines of quoted-printable, the first of which begins at a column, the last at `room` at most ends.

    No line begins with a dash, for it might be taken for a boundary; nor does what stands behind the words begin one.
    """
    lines = []
    while column + len(new) > room and len(new) > 1:
        cut = max(min(QUOTED - 1 - column, len(new) - 1), 0)
        while cut > 0 and new[cut] == "-":
            cut -= 1
        if not cut and not column:
            break
        lines.append(new[:cut])
        new, column = new[cut:], 0
    return [*lines, new]
