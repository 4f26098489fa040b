"""The header block of a raw message (RFC 5322, section 2.2), for providers that take the recipients from it.

Mail programs forgive much, each in its own way: they guess at line ends, skip what is no header, take the first or the
last of two, and read on behind a line of blanks or stop there. So a block is read only in its one strict form, and the
few headers that decide who gets the message may not stand twice, nor next to one that only looks like them. The body
is never looked at: a message may have 40 MB.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import NamedTuple

from proxy import strict
from proxy.formats.mailboxes import Mailbox, mailboxes
from proxy.providers.base import Unreadable

RECIPIENTS = ("To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc")
LONGEST_BLOCK = 1 << 20  # bytes; a thousand recipients with long names take a tenth of it
MOST_HEADERS = 10_000  # a mail that went through many hands has some hundred

_LINE = 78  # octets without the line end (RFC 5322, section 2.1.1), where a value has blanks to break it at

# A header with its folded lines; a line of blanks alone is none.
_HEADER = re.compile(rb"([!-9;-~]++):([^\n]*+\n(?:[ \t]++[^ \t\r\n][^\n]*+\n)*+)")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_FOLDS = re.compile(r"[ \t](?=[^ \t])")
_OLD = frozenset({"apparentlyto"})  # named recipients in early mail programs, and still does to some


class Header(NamedTuple):
    """One header: its name in lower case, the bytes behind its colon, and its span in the message."""

    name: str
    raw: bytes
    start: int
    end: int

    @property
    def value(self) -> str:
        """Give the unfolded value."""
        return _unfolded(self.raw)


@dataclass(frozen=True, slots=True)
class Mime:
    """A raw message whose header block has exactly one reading."""

    raw: bytes = field(repr=False)
    headers: tuple[Header, ...] = field(repr=False)
    line_end: bytes

    def value(self, name: str) -> str | None:
        """Give the unfolded value of a header, None without one; raises Unreadable if the header stands twice."""
        found = self.values(name)
        if len(found) > 1:
            raise Unreadable("a header stands twice")
        return found[0] if found else None

    def values(self, name: str) -> tuple[str, ...]:
        """Give the unfolded values of all headers of a name, in their order."""
        return tuple(header.value for header in self.named(name))

    def mailboxes(self, name: str) -> tuple[Mailbox, ...]:
        """Find the mailboxes in a header, with their spans in its unfolded value; raises Unreadable as both do."""
        return mailboxes(self.value(name) or "")

    def rewritten(self, changes: Mapping[str, str | None], dropped: Collection[Header] = ()) -> bytes:
        """Give the message with other values for some headers; every other byte stays.

        None and "" drop all headers of the name, `dropped` are single ones that go. A value is folded at its own
        blanks, so that it unfolds to itself.
        Raises Unreadable for a value with line breaks or controls, and for the new value of a header that the message
        does not have exactly once.
        """
        edits = [(each.start, each.end, b"") for each in dropped]
        for name, value in changes.items():
            found = self.named(name)
            if value and len(found) != 1:
                raise Unreadable("the message does not have this header exactly once")
            edits += [(each.start, each.end, self._written(each, value)) for each in found]
        return self.edited(sorted(edits))

    def named(self, name: str) -> list[Header]:
        """Give the headers of a name, in their order."""
        wanted = name.lower()
        return [header for header in self.headers if header.name == wanted]

    def _written(self, header: Header, value: str | None) -> bytes:
        if not value:
            return b""
        if "\r" in value or "\n" in value or _FORBIDDEN.search(value) or not value.strip(" \t"):
            raise Unreadable("a header's new value holds a line break, a control or nothing")
        name = self.raw[header.start : header.start + len(header.name)].decode()
        return _folded(name, value.strip(" \t"), self.line_end)

    def edited(self, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
        """Give the message with other bytes between some offsets, given in their order."""
        # Views, so that a large body is copied once, into the result.
        view, position = memoryview(self.raw), 0
        pieces: list[bytes | memoryview] = []
        for start, end, written in edits:
            pieces += (view[position:start], written)
            position = end
        return b"".join([*pieces, view[position:]])


def read(raw: bytes, deciding: Collection[str] = ()) -> Mime:
    """Read the header block of a message, up to the first empty line; raises Unreadable.

    Beside RECIPIENTS the caller names further headers that decide something. None of them may stand twice, and no
    header may only look like one of them (`T-o`, `Resent_To`). Refused are also mixed line ends, bare CRs, controls,
    bytes that are not UTF-8, lines that are no header, blanks before a colon, lines of blanks alone, more than
    MOST_HEADERS, and a message without headers.
    """
    line_end = _line_end(raw)
    block = _block(raw, line_end)
    headers = tuple(islice(_headers(block), MOST_HEADERS + 1))
    if len(headers) > MOST_HEADERS:
        raise Unreadable(f"more than {MOST_HEADERS} headers")
    _refuse_rivals(headers, (*RECIPIENTS, *deciding))
    return Mime(raw, headers, line_end)


def _line_end(raw: bytes) -> bytes:
    first = raw.find(b"\n", 0, LONGEST_BLOCK)
    if first < 0:
        raise Unreadable("no message: its first line does not end")
    return b"\r\n" if raw[first - 1 : first] == b"\r" else b"\n"


def _block(raw: bytes, line_end: bytes) -> bytes:
    """Cut the header block out, with the end of its last line; a message may consist of it."""
    end = raw.find(line_end * 2, 0, LONGEST_BLOCK)
    if end < 0 and len(raw) > LONGEST_BLOCK:
        raise Unreadable("the header block is too long")
    block = raw if end < 0 else raw[: end + len(line_end)]
    returns = len(line_end) == 2
    if block.count(b"\r") != returns * block.count(b"\n") or block.count(b"\r\n") != returns * block.count(b"\n"):
        raise Unreadable("line ends of different kinds in the header block")
    try:
        text = block.decode()
    except UnicodeDecodeError:
        raise Unreadable("the header block is not UTF-8") from None
    if not text.endswith("\n") or _FORBIDDEN.search(text):
        raise Unreadable("a control in the header block, or a last line without an end")
    return block


def _headers(block: bytes) -> Iterator[Header]:
    position = 0
    while position < len(block):
        match = _HEADER.match(block, position)
        if match is None:
            raise Unreadable("a line of the header block is no header")
        yield Header(match[1].decode().lower(), match[2], position, match.end())
        position = match.end()


def _refuse_rivals(headers: tuple[Header, ...], deciding: tuple[str, ...]) -> None:
    by_name = {name.lower(): name for name in deciding}
    alike = _OLD.union(map(strict.letters, deciding))
    seen: set[str] = set()
    for header in headers:
        if header.name in by_name:
            if header.name in seen:
                raise Unreadable("a header that decides who gets the message stands twice", by_name[header.name])
            seen.add(header.name)
        elif strict.looks_like(header.name, alike):
            raise Unreadable("a header only looks like one that decides who gets the message")


# ── folding (RFC 5322, section 2.2.3) ──


def _unfolded(raw: bytes) -> str:
    return raw.decode().replace("\r\n", "").replace("\n", "").strip(" \t")


def _folded(name: str, value: str, line_end: bytes) -> bytes:
    """Break a header at blanks of its value, where it has some; words are never cut, however long."""
    first, *words = _words(value)
    lines = [f"{name}: {first}".encode()]
    for word in map(str.encode, words):
        if len(lines[-1]) + len(word) > _LINE:
            lines.append(word)
        else:
            lines[-1] += word
    return b"".join(line + line_end for line in lines)


def _words(value: str) -> Iterator[str]:
    """Cut a value at its blanks; each word keeps the last blank before it."""
    cuts = [0, *(match.start() for match in _FOLDS.finditer(value)), len(value)]
    return (value[start:end] for start, end in pairwise(cuts))
