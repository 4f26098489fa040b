"""The texts of a raw message: text/plain and text/html in its parts (RFC 2045, RFC 2046), found by their offsets.

What a reader of mail shows as the message is looked into; files, messages within the message and what is encrypted are
not. A text under a signature, or whose length or digest stands somewhere, is found but `fixed`: nobody may write into
it. Readers of mail differ in what a part is, too. So what is not written as its RFC asks is fixed as well.

A message is bounded in its parts and in how deep they lie, and each level of them costs one search; beyond that all of
it is one fixed text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from proxy.formats import mime
from proxy.formats.encoded_texts import EncodedText
from proxy.formats.mime import Header, Mime
from proxy.providers.base import Unreadable

MOST_PARTS: Final = 1000
DEEPEST: Final = 16

_TEXTS: Final = frozenset({"text/plain", "text/html", "text/x-amp-html"})
_OPEN: Final = frozenset({"multipart/mixed", "multipart/alternative", "multipart/related"})  # may be written into
_SHOWN: Final = frozenset({"", "inline"})
_SIGNATURES: Final = frozenset({"dkim-signature", "arc-message-signature", "domainkey-signature"})
_MEASURES: Final = frozenset({"content-md5", "content-length"})
_UNENCODED: Final = frozenset({"7bit", "8bit", "binary"})

_BLANK_LINE = re.compile(rb"\n\r?\n")
_MAX_HEAD, _MAX_LINES = 8 << 10, 100  # of one part's headers; a thousand parts may have as many
_LINE_END = re.compile(rb"\r?\n")
_TYPE = re.compile(r"[ \t]*+([\w.+-]++/[\w.+-]++)[ \t]*+", re.ASCII)
_PARAMETER = re.compile(r';[ \t]*+(?:([\w*.-]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))[ \t]*+)?', re.ASCII)
_BOUNDARY = re.compile(r"[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]", re.ASCII)  # RFC 2046, section 5.1.1
_BEHIND = re.compile(rb"(--)?[ \t]*+(?:\r?\n|\Z)")  # a boundary
_FILE = re.compile(r"(?:^|;)[ \t]*(?:file)?name[ \t]*[*=]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part with its headers, and where its content lies."""

    headers: tuple[Header, ...]
    start: int
    end: int
    depth: int
    fixed: bool
    otherwise: str = "text/plain"  # the type of a part that says none

    def value(self, name: str) -> str:
        """Give the value of a header, "" without one; raises Unreadable where it stands twice."""
        found = [each.value for each in self.headers if each.name == name]
        if len(found) > 1:
            raise Unreadable("a header of a part stands twice")
        return found[0] if found else ""


def texts(message: Mime) -> tuple[EncodedText, ...]:
    """Find the texts of a message, in their order; one that is fixed stands for all that cannot be read."""
    raw = message.raw
    start = min(message.headers[-1].end + len(message.line_end), len(raw))
    signed = any(each.name in _SIGNATURES for each in message.headers)
    pending: list[_Part | EncodedText] = [_Part(message.headers, start, len(raw), 0, signed)]
    found: list[EncodedText] = []
    seen = 0
    while pending:
        part = pending.pop()
        seen += 1
        if isinstance(part, EncodedText):
            found.append(part)
            continue
        told = [] if part.depth > DEEPEST else list(islice(_read(message, part), MOST_PARTS))
        if part.depth > DEEPEST or seen + len(pending) + len(told) > MOST_PARTS:
            return (_unreadable(message, start, len(raw)),)
        pending += reversed(told)
    return tuple(found)


def _unreadable(message: Mime, start: int, end: int) -> EncodedText:
    return EncodedText(message.raw, start, end, "", "", message.line_end, fixed=True)


def _read(message: Mime, part: _Part) -> Iterator[_Part | EncodedText]:
    """Give the text that a part is, or the parts that it has; nothing where it is a file."""
    try:
        disposition, declared = part.value("content-disposition"), part.value("content-type")
        media_type, parameters = _declared(declared) if declared else (part.otherwise, {})
        encoding = part.value("content-transfer-encoding").strip().lower() or "7bit"
    except Unreadable:
        yield _unreadable(message, part.start, part.end)
        return
    if disposition.partition(";")[0].strip().lower() not in _SHOWN or _FILE.search(f"{disposition};{declared}"):
        return
    fixed = part.fixed or any(each.name in _MEASURES for each in part.headers)
    boundary = parameters.get("boundary", "")
    if media_type in _TEXTS:
        charset = parameters.get("charset", "us-ascii").lower()
        yield EncodedText(message.raw, part.start, part.end, encoding, charset, message.line_end, fixed)
    elif media_type.startswith("multipart/"):
        if encoding not in _UNENCODED or not _BOUNDARY.fullmatch(boundary):
            yield _unreadable(message, part.start, part.end)
            return
        otherwise = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
        inner = _Part((), part.start, part.end, part.depth + 1, fixed or media_type not in _OPEN, otherwise)
        yield from (_begun(message, inner, *span) for span in _spans(message.raw, part, boundary))


def _begun(message: Mime, part: _Part, start: int, end: int) -> _Part | EncodedText:
    """Give a part with its headers; `part` is what it has in common with its siblings."""
    try:
        headers, content = _head(message.raw, start, end)
    except Unreadable:
        return _unreadable(message, start, end)
    return replace(part, headers=headers, start=content, end=end)


def _declared(value: str) -> tuple[str, dict[str, str]]:
    """Read a Content-Type: its type, and its parameters."""
    match = _TYPE.match(value)
    if match is None:
        raise Unreadable("a part's Content-Type is none")
    media_type, at = match[1].lower(), match.end()
    parameters: dict[str, str] = {}
    while at < len(value):
        found = _PARAMETER.match(value, at)
        name = (found[1] or "").lower() if found else ""
        if found is None or name in parameters or name.startswith(("boundary*", "charset*")):
            raise Unreadable("a part's Content-Type has a parameter twice, or one that is read in several ways")
        if name:
            parameters[name] = found[3] or re.sub(r"\\(.)", r"\1", found[2] or "")
        at = found.end()
    return media_type, parameters


def _spans(raw: bytes, part: _Part, boundary: str) -> Iterator[tuple[int, int]]:
    """Give the span of each part, headers and content, without the line break before its boundary."""
    delimiter = b"\n--" + boundary.encode()
    begin = -1
    at = raw.find(delimiter, part.start - 1, part.end)
    while at >= 0:
        behind = _BEHIND.match(raw, at + len(delimiter), part.end)
        if behind is not None:
            if begin >= 0:
                yield begin, max(at - raw.startswith(b"\r\n", at - 1), begin)
            if behind[1]:
                return
            begin = behind.end()
        # The line break behind a boundary may be the one before the next.
        at = raw.find(delimiter, at + len(delimiter), part.end)
    if begin >= 0:
        yield begin, part.end


def _head(raw: bytes, start: int, end: int) -> tuple[tuple[Header, ...], int]:
    """Read the headers of a part, and find where its content begins; raises Unreadable."""
    blank = _LINE_END.match(raw, start, end)
    if blank is not None:
        return (), blank.end()
    last = _BLANK_LINE.search(raw, start, min(end, start + _MAX_HEAD))
    if last is None or raw.count(b"\n", start, last.end()) > _MAX_LINES:
        raise Unreadable("a part's headers do not end")
    return mime.read(raw[start : last.start() + 1]).headers, last.end()
