"""How the bytes of responses are read: a thin state around llhttp, without I/O.

Which answer belongs to which send hangs on where a response ends, so this reads strictly. llhttp refuses most of what
two readers could read differently (Content-Length twice or beside Transfer-Encoding, bare line feeds, odd numbers);
refused here as well are transfer codings other than chunked, which nobody asked for, versions other than 1.0 and 1.1,
and a switch of protocols. Bytes behind a response's end make the connection unfit for another exchange. What is not
body (heads, interim responses, trailers, extensions of chunks) is bounded, because it is kept or skipped unseen.
"""

from __future__ import annotations

import re

import httptools

from proxy.headers import Headers

MAX_HEAD = 64 * 1024

_READABLE_VERSIONS = ("1.0", "1.1")
_KEEP_ALIVE_TIMEOUT = re.compile(rb"timeout\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


class _Stop(Exception):
    """Keep llhttp from reading on; the text says why."""


class ResponseParser:
    """Reads the responses of one connection, one after the other.

    Call `expect` before each request and `feed` with whatever comes, then look at: `status` (0 until the head of the
    final response is whole), `reason` and `headers`; `chunks`, the pieces of body to be taken out; `ended`; and
    `fault`, why reading cannot go on ("" while it can). After the end `reusable` tells whether the connection may
    carry another exchange and `keep_alive` for how many seconds the provider means to keep it, if it said so.
    """

    __slots__ = (
        "_fields",
        "_framed",
        "_head_only",
        "_parser",
        "_phrase",
        "_room",
        "chunks",
        "ended",
        "fault",
        "headers",
        "keep_alive",
        "on_body",
        "reason",
        "reusable",
        "status",
    )

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.on_body = self.chunks.append
        self.expect(head_only=False)
        self._parser = httptools.HttpResponseParser(self)

    def expect(self, *, head_only: bool) -> None:
        """Make ready for the response to one request; `head_only` if it was HEAD (RFC 9112 §6.3)."""
        self.status = 0
        self.reason = ""
        self.headers: Headers = ()
        self.ended = False
        self.fault = ""
        self.reusable = False
        self.keep_alive: float | None = None
        self._head_only = head_only
        self._room = MAX_HEAD
        self._fields: list[tuple[bytes, bytes]] = []
        self._phrase = b""
        self._framed = False

    def feed(self, data: bytes) -> None:
        """Read on; what was readable in front of a fault is kept."""
        before = self.status
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._stopped(error)
        else:
            self._bound(len(data), moved=bool(self.chunks) or self.status != before)

    def close(self) -> None:
        """Read the end of the connection, which is the end of a body without a length (RFC 9112 §6.3, case 8)."""
        if self.status and not self._framed:
            self.ended = True
        elif not self.ended:
            self.fault = self.fault or "the connection ended before the response did"

    def _stopped(self, error: Exception) -> None:
        self.reusable = False
        if not self.ended:
            cause = error.__context__ if isinstance(error.__context__, _Stop) else error
            self.fault = f"the response cannot be read: {cause}"

    def _bound(self, size: int, *, moved: bool) -> None:
        """Count what came without moving on to or in the body: an unfinished header is kept without limit elsewhere."""
        self._room = MAX_HEAD if moved else self._room - size
        if self._room < 0 and not self.ended:
            self.fault = "the response cannot be read: more than 64 KiB without a body"

    # What llhttp calls.

    def on_message_begin(self) -> None:
        if self.ended:
            raise _Stop("a response that nobody asked for")
        self._fields = []
        self._phrase = b""
        self._framed = False

    def on_status(self, piece: bytes) -> None:
        self._phrase += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value.rstrip(b" \t")))  # a trailer comes too late to be taken with the head

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 100 or status == 101:
            raise _Stop("a status that cannot be forwarded")
        if status >= 200:
            self._take_head(status)

    def on_message_complete(self) -> None:
        if self.status:  # else it was an interim response (RFC 9110 §15.2): skipped
            self.ended = True
            self.reusable = self._parser.should_keep_alive()

    def _take_head(self, status: int) -> None:
        if len(self._phrase) + sum(len(name) + len(value) + 4 for name, value in self._fields) > MAX_HEAD:
            raise _Stop("a head of more than 64 KiB")
        if not self._parser.should_keep_alive() and self._parser.get_http_version() not in _READABLE_VERSIONS:
            raise _Stop("a version other than 1.0 and 1.1")  # llhttp keeps no other alive
        self._read_fields()
        self.status = status
        self.reason = self._phrase.decode("utf-8", "surrogateescape")
        self.headers = tuple(self._fields)
        if self._head_only:  # llhttp would wait for the body that Content-Length promises
            self.ended = True
            raise _Stop("a response to HEAD ends here")

    def _read_fields(self) -> None:
        codings = 0
        for name, value in self._fields:
            folded = name.lower()
            if folded == b"content-length":
                self._framed = True
            elif folded == b"transfer-encoding":
                codings += 1
                if codings > 1 or value.lower() != b"chunked":
                    raise _Stop("a transfer coding other than chunked")
                self._framed = True
            elif folded == b"keep-alive" and (found := _KEEP_ALIVE_TIMEOUT.search(value)):
                self.keep_alive = float(found[1])
