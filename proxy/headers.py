"""Which headers go on, and how a request's head is written: bytes in, bytes out.

Headers stay the raw pairs that came, repeated ones repeated, in their order and their spelling, because a sender's
signature, idempotency key or tracking header may lean on any of that. What only concerns two neighbours on the wire
is taken out in both directions (RFC 9110 §7.6.1), and so is what the gate decides itself: framing, and `X-Sendgate-*`.
Nothing is escaped or mended: what could be read as two headers, or as two requests, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from multidict import CIMultiDict

Headers = tuple[tuple[bytes, bytes], ...]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
FRAMING = frozenset({b"content-length", b"transfer-encoding", b"expect"})
HOST = frozenset({b"host"})  # the gate sets it from the upstream's URL
OWN_PREFIX = b"x-sendgate-"

_NEIGHBOURLY = HOP_BY_HOP | FRAMING
_NEVER_GIVEN = _NEIGHBOURLY | HOST
_NOTHING: frozenset[bytes] = frozenset()
_BREAKS_LINES = re.compile(rb"[\r\n\0]")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2
_TOKENS = re.compile(rb"(?:%b,)*" % _TOKEN.pattern)  # all names at once: a comma is in no token
_ORIGIN_FORM = re.compile(rb"/[^\0- #\x7f]*")  # RFC 9112 §3.2.1, as lenient as keeps it one word of one line


class Unsendable(ValueError):
    """A method, target or header cannot be written without changing what it means; nothing was sent.

    The text never holds the value.
    """


def end_to_end(headers: Iterable[tuple[bytes, bytes]], *, without: frozenset[bytes] = _NOTHING) -> Headers:
    """Give the headers that go on, in either direction.

    Args:
        headers: raw pairs, such as aiohttp's `request.raw_headers`.
        without: further names, in lower case, that do not go on; `HOST` in the direction of the provider.

    Raises:
        Unsendable: a value holds CR, LF or NUL.
    """
    folded = [(name.lower(), (name, value)) for name, value in headers]
    named = (value for name, (_, value) in folded if name == b"connection")
    dropped = _NEIGHBOURLY.union(without, _options(named))
    kept = tuple([pair for name, pair in folded if name not in dropped and not name.startswith(OWN_PREFIX)])
    _refuse_line_breaks(kept)
    return kept


def _options(lists: Iterable[bytes]) -> set[bytes]:
    return {option.strip(b" \t").lower() for options in lists for option in options.split(b",")}


def _refuse_line_breaks(headers: Headers) -> None:
    if _BREAKS_LINES.search(b" ".join([value for _, value in headers])):
        raise Unsendable("a header's value holds a line break or NUL")


def decoded(headers: Headers) -> CIMultiDict[str]:
    """Give headers as text for reading; bytes that are not UTF-8 become lone surrogates, as in aiohttp's requests."""
    return CIMultiDict((_text(name), _text(value)) for name, value in headers)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def request_head(method: str, target: str, host: bytes, headers: Headers, framing: bytes) -> bytes:
    """Write the head of a request, target and headers byte for byte as given.

    Args:
        method: any token but CONNECT, which would make a tunnel of the connection.
        target: raw path and query (origin-form).
        host: the value of Host.
        headers: end-to-end headers; none of those that the gate sets itself.
        framing: the field line that tells the body's length, or nothing.

    Raises:
        Unsendable: what is given cannot be written as one request (RFC 9112 §3, §5).
    """
    verb = method.encode("utf-8", "surrogateescape")
    place = target.encode("utf-8", "surrogateescape")
    if not _TOKEN.fullmatch(verb) or verb.upper() == b"CONNECT":
        raise Unsendable("not a method that can be forwarded")
    if not _ORIGIN_FORM.fullmatch(place):
        raise Unsendable("the target is not a raw path and query")
    names = [name for name, _ in headers]
    if not _are_tokens(names) or not _NEVER_GIVEN.isdisjoint([name.lower() for name in names]):
        raise Unsendable("a header's name is no token, or one that the gate sets itself")
    _refuse_line_breaks(headers)
    lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b\r\n" % (verb, place, host, lines, framing)


def _are_tokens(names: list[bytes]) -> bool:
    """Look at all names at once; a comma too many stood in a name, which would pass for two."""
    listed = b"".join([b"%b," % name for name in names])
    return listed.count(b",") == len(names) and _TOKENS.fullmatch(listed) is not None
