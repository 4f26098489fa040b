"""Forms as multipart/form-data (RFC 7578, RFC 2046): where each field lies in the body, if there is but one reading.

Readers of multipart differ more than those of any other format: which line is a boundary, which of two headers counts,
what an escape in a name means, whether a part is a field or a file. A person must not get a message because the gate
saw a file where the provider sees a recipient. So what ordinary clients write is read, and nothing else:

1. The bytes of the dash-boundary (`--` and the boundary) stand where a delimiter stands and nowhere else, with CRLF
   before and CRLF or `--` behind. Some readers cut at a bare LF, at blanks behind, or in the middle of a line.
2. Nothing but blank lines stands before the first delimiter and behind the last.
3. A part has one Content-Disposition, whose `name` comes first and holds nothing that anybody escapes. It is a file if
   it has a `filename`; what makes it a file for some readers only (a `filename*` alone, an empty `filename`,
   application/octet-stream without one) is refused.
4. Nothing else changes what the content says: no transfer encoding, no other charset, no parts within parts.

Contents are never copied or looked at line by line: an attachment of 50 MB costs one search through it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from multidict import CIMultiDictProxy

from proxy.providers.base import Unreadable
from proxy.strict import NONE_REPEATS, folded_field, refuse_twins

MULTIPART = "multipart/form-data"
MAX_PARTS = 10_000
MAX_HEAD = 8 << 10  # bytes of one part's headers


class Part(NamedTuple):
    """One part of a form: a file if it has a filename; its content is the body from `start` to `end`.

    The filename is given as it is written, because readers differ in what its escapes mean.
    """

    name: str
    filename: str | None
    content_type: str | None
    start: int
    end: int


_WORD = r"[\w!#$%&'*+.^`|~-]+"  # RFC 9110, section 5.6.2; patterns here are compiled with re.ASCII
_PARAMETERS = rf'(?:[ \t]*;[ \t]*{_WORD}=(?:"[^"\\]*"|{_WORD}))*'
_DECLARED = re.compile(rf"(?i:multipart/form-data)({_PARAMETERS})[ \t]*;?", re.ASCII)
_PARAMETER = re.compile(rf'({_WORD})=(?:"([^"\\]*)"|({_WORD}))', re.ASCII)
_BOUNDARY = re.compile(r"[\w'()+,./:=?-]{1,70}", re.ASCII)  # RFC 2046, section 5.1.1, without the blank
_BLANK_LINES = re.compile(rb"(?:[ \t]*+\r\n)*+")
_BLANKS = re.compile(rb"[ \t\r\n]*+")


def parts(headers: CIMultiDictProxy[str], body: bytes, repeatable: frozenset[str] = NONE_REPEATS) -> tuple[Part, ...]:
    """Read a form that has exactly one reading, in its order; raises Unreadable.

    Only the names in `repeatable` may stand more than once; names that differ by case, blanks or `[]` alone
    are refused.
    """
    dash_boundary = b"--" + _boundary(headers).encode()
    found = tuple(_part(body, *span) for span in _spans(body, dash_boundary))
    refuse_twins((part.name for part in found), repeatable)
    _check_default_charset(body, found)
    return found


def field_spans(headers: CIMultiDictProxy[str], body: bytes) -> Iterator[tuple[int, int]]:
    """Give where the contents of the parts that are no files begin and end, without reading them; raises Unreadable."""
    dash_boundary = b"--" + _boundary(headers).encode()
    for begin, end in _spans(body, dash_boundary):
        start = body.find(b"\r\n\r\n", begin, min(end, begin + MAX_HEAD))
        if start >= 0 and b"filename" not in body[begin:start].lower():
            yield start + 4, end


def text(body: bytes, part: Part) -> str:
    """Give the content of a part as text; raises Unreadable where it is not UTF-8 or holds a NUL."""
    try:
        content = body[part.start : part.end].decode()
    except UnicodeDecodeError:
        raise Unreadable("a field of the form is not UTF-8") from None
    if "\0" in content:
        raise Unreadable("a field of the form holds a NUL")
    return content


# ── the boundary ──


def _boundary(headers: CIMultiDictProxy[str]) -> str:
    declared = headers.getall("Content-Type", [])
    if len(declared) != 1:
        raise Unreadable("Content-Type is not declared once")
    match = _DECLARED.fullmatch(declared[0].strip(" \t"))
    if match is None:
        raise Unreadable(f"Content-Type is not {MULTIPART} with plain parameters")
    pairs = [(name.lower(), quoted or plain) for name, quoted, plain in _PARAMETER.findall(match[1])]
    parameters = dict(pairs)
    if len(parameters) < len(pairs) or not parameters.keys() <= {"boundary", "charset"}:
        raise Unreadable("Content-Type has a parameter twice, or one that a form does not have")
    if parameters.get("charset", "utf-8").lower() != "utf-8":
        raise Unreadable("the form is not in UTF-8")
    boundary: str = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Unreadable("Content-Type names no boundary of RFC 2046")
    return boundary


def _spans(body: bytes, dash_boundary: bytes) -> Iterator[tuple[int, int]]:
    """Give the span of each part, headers and content; every occurrence of the dash-boundary must be a delimiter."""
    width = len(dash_boundary)
    at = _end(_BLANK_LINES, body, 0)
    if not body.startswith(dash_boundary, at):
        raise Unreadable("the form does not begin with its boundary")
    count = 0
    while not body.startswith(b"--", at + width):
        if not body.startswith(b"\r\n", at + width):
            raise Unreadable("a boundary is not followed by a line break")
        begin, at = at + width + 2, body.find(dash_boundary, at + width)
        if at < 0:
            raise Unreadable("the form does not end with its boundary")
        if at - 2 < begin or not body.startswith(b"\r\n", at - 2):
            raise Unreadable("a boundary does not stand on a line of its own")
        count += 1
        if count > MAX_PARTS:
            raise Unreadable(f"more than {MAX_PARTS} parts")
        yield begin, at - 2
    if _end(_BLANKS, body, at + width + 2) < len(body):
        raise Unreadable("something follows the end of the form")


def _end(pattern: re.Pattern[bytes], body: bytes, start: int) -> int:
    match = pattern.match(body, start)
    return match.end() if match else start


# ── the headers of a part ──

# A quoted name or filename ends at the next quote for every reader: no backslash at all, except before a quote in a
# filename that holds no semicolon, so that nothing behind it can be taken for one more parameter.
_NAME = r'"([^"%\\;]+)"|([\w.-]+)'
_FILENAME = r'"((?:[^"\\;]|\\["\\])+|[^"\\]+)"|([\w.-]+)'
_FILENAME_STAR = r"(?i:utf-8)''[\w%!#$&+.^`|~-]*"
_DISPOSITION = re.compile(
    rf"(?i:form-data)[ \t]*;[ \t]*(?i:name)=(?:{_NAME})"
    rf"(?:[ \t]*;[ \t]*(?i:filename)=(?:{_FILENAME})(?:[ \t]*;[ \t]*(?i:filename)\*={_FILENAME_STAR})?)?",
    re.ASCII,
)
_LOOKS_LIKE_A_PARAMETER = re.compile(r";\s*(?:file)?name\b", re.IGNORECASE)
_HEADER = re.compile(r"([\w-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)", re.ASCII)
_KNOWN = frozenset({"content-disposition", "content-type", "content-transfer-encoding", "content-length"})
_MEDIA_TYPE = re.compile(rf"([\w.+-]+/[\w.+-]+)({_PARAMETERS})[ \t]*;?", re.ASCII)
_UNENCODED = frozenset({"7bit", "8bit", "binary"})


def _part(body: bytes, begin: int, end: int) -> Part:
    head_end = body.find(b"\r\n\r\n", begin, min(end, begin + MAX_HEAD))
    if head_end < 0:
        raise Unreadable("a part of the form has no headers, or too many")
    headers = _headers(body[begin:head_end])
    start = head_end + 4
    name, filename = _disposition(headers.get("content-disposition", ""))
    if headers.get("content-transfer-encoding", "binary").lower() not in _UNENCODED:
        raise Unreadable("a part of the form is encoded for transfer")
    if headers.get("content-length", str(end - start)) != str(end - start):
        raise Unreadable("a part of the form declares another length than it has")
    content_type = headers.get("content-type")
    if content_type is not None:
        _check_type(content_type, is_file=filename is not None)
    return Part(name, filename, content_type, start, end)


def _headers(head: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        raise Unreadable("a part's headers are not UTF-8") from None
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise Unreadable("a part's header is not NAME: VALUE on one line")
        name = match[1].lower()
        if name in headers or name not in _KNOWN:
            raise Unreadable("a part's header stands twice, or is none that a form's parts have")
        headers[name] = match[2].rstrip(" \t")
    return headers


def _disposition(value: str) -> tuple[str, str | None]:
    match = _DISPOSITION.fullmatch(value)
    if match is None:
        raise Unreadable("a part has no Content-Disposition that every reader reads alike")
    filename: str | None = match[3] or match[4]
    if filename and _LOOKS_LIKE_A_PARAMETER.search(filename):
        raise Unreadable("a filename looks like one more parameter")
    return match[1] or match[2], filename


def _check_type(value: str, *, is_file: bool) -> None:
    match = _MEDIA_TYPE.fullmatch(value)
    if match is None:
        raise Unreadable("a part's Content-Type is none")
    media_type = match[1].lower()
    if media_type.startswith("multipart/"):
        raise Unreadable("a part of the form has parts itself")
    if is_file:
        return
    if media_type == "application/octet-stream":
        raise Unreadable("a part is a file for some readers and a field for others")
    for name, quoted, plain in _PARAMETER.findall(match[2]):
        if name.lower() == "charset" and (quoted or plain).lower() != "utf-8":
            raise Unreadable("a field of the form is not in UTF-8")


def _check_default_charset(body: bytes, found: Sequence[Part]) -> None:
    # RFC 7578, section 4.6: a field of this name declares the charset of all others.
    for part in found:
        if folded_field(part.name) == "_charset_" and text(body, part).lower() != "utf-8":
            raise Unreadable("the form is not in UTF-8")


# ── writing ──

_LENGTH = re.compile(rb"(?i)(\r\ncontent-length:[ \t]*)[0-9]+")


def dash_boundary(body: bytes) -> bytes:
    """Give the first line of a form that was read, which is its boundary behind two dashes."""
    first = _end(_BLANK_LINES, body, 0)
    return body[first : body.index(b"\r\n", first)]


def rewritten(body: bytes, parts: Sequence[Part], changes: Mapping[int, bytes | None]) -> bytes:
    """Give the parts at these indexes other contents, or with None take them out; every other byte stays.

    `parts` are all that `parts()` found in the body. A Content-Length among a part's own headers follows its new
    content. Raises LookupError for an index that the form does not have, and Unreadable for content that holds the
    boundary.
    """
    if not all(0 <= index < len(parts) for index in changes):
        raise LookupError("no such part")
    if not changes:
        return body
    # The body is cut into what leads to a part's content (delimiter and headers), the content, and so on; a part goes
    # with the delimiter before it. The first delimiter has no line break before it that belongs to it.
    first = _end(_BLANK_LINES, body, 0)
    boundary = dash_boundary(body)
    view = memoryview(body)
    pieces: list[bytes | memoryview] = []
    before = first
    for index, part in enumerate(parts):
        lead, content = view[before : part.start], view[part.start : part.end]
        before = part.end
        if index not in changes:
            pieces += (lead, content)
        elif (new := changes[index]) is not None:
            if boundary in new:
                raise Unreadable("the new content of a part holds the boundary")
            pieces += (_LENGTH.sub(rb"\g<1>%d" % len(new), bytes(lead)), new)
    pieces.append(view[before:])
    if changes.get(0, b"") is None:
        pieces[0] = pieces[0][2:]
    return b"".join([view[:first], *pieces])
