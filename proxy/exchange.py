"""Steps 5 and 6 of a walk: the request goes upstream, and the answer is taken whole where it must be translated."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Final

from policy.model import Sent
from policy.reasons import Reason
from proxy import bodies, headers, requests
from proxy.credentials import Leaving
from proxy.errors import NotSent
from proxy.headers import Headers
from proxy.providers.base import Answer, TellsEach
from proxy.response import Response
from proxy.sandbox import SandboxResponse
from proxy.upstream import Unsendable, UpstreamFailure
from proxy.walk import Walk

Upstreams = Response | SandboxResponse

# What describes or signs the very bytes of a body goes when the body changes.
ABOUT_THE_BYTES: Final = frozenset({b"content-encoding", b"content-md5", b"digest", b"content-digest", b"repr-digest"})
ENCODED: Final = frozenset({b"accept-encoding"})  # whoever must read the answer asks for it plain
LARGEST_ANSWER: Final = 32 << 20  # bytes; a thousand results are some hundred kilobytes
LARGEST_KEPT: Final = 1 << 20  # bytes, of one that goes on meanwhile

# What no longer holds of an answer whose body the gate wrote anew.
_ABOUT_THE_ANSWER: Final = frozenset({b"content-length", b"content-encoding", b"etag", b"content-md5", b"digest"})


async def exchange(walk: Walk, body: bytes | requests.Chunks, *, without: frozenset[bytes] = frozenset()) -> Upstreams:
    """Let the request go upstream; raises NotSent for every way in which that can fail."""
    started = time.perf_counter()
    walk.forwarding = True
    try:
        target = walk.request.path + (f"?{walk.request.query}" if walk.arrival.has_query else "")
        pairs = headers.end_to_end(walk.arrival.source.raw_headers, without=headers.HOST.union(without))
        whole = body if isinstance(body, bytes) else None
        leaving = Leaving(walk.request.method, target, pairs, whole)
        if walk.route.credential is not None:
            with walk.held.lent(walk.extra):
                leaving = await bodies.over(leaving.body or b"", walk.route.credential.show, leaving)
        sent = body if leaving.body is None else leaving.body
        response = await walk.route.upstream.forward(leaving.method, leaving.target, leaving.headers, sent)
    except Unsendable as unsendable:
        raise NotSent(Reason.UNREADABLE, str(unsendable), status=400) from unsendable
    except UpstreamFailure as failure:
        raise NotSent(failure.reason, sent=failure.sent) from failure
    finally:
        walk.note(upstream_seconds=time.perf_counter() - started)
    walk.note(upstream_status=response.status)
    return response


def tells_each(walk: Walk, response: Upstreams) -> bool | None:
    """Tell whether an answer reports an error and may say that a part of the send was taken all the same.

    None where it may, in a coding that nobody here reads: a sender's Accept-Encoding goes on as it came.
    """
    if walk.message is None or not isinstance(walk.route.provider, TellsEach) or not 400 <= response.status < 500:
        return False
    codings = [value.strip().lower() for name, value in response.headers if name.lower() == b"content-encoding"]
    return True if codings in ([], [b"gzip"], [b"identity"]) else None


def went_out(walk: Walk, answer: Answer) -> frozenset[str] | None:
    """Give the places to which the message goes although the answer reports an error; None where that is not told.

    Nor is it told in one word where shadow mode let somebody have it: their records say what the send's says.
    """
    provider, message = walk.route.provider, walk.message
    if message is None or not isinstance(provider, TellsEach):
        return frozenset()
    went, refused = provider.taken(message, answer), walk.outcome.refused
    if went is None or went.intersection(each.recipient.place for each in refused if not each.enforced):
        return None
    return went.difference(each.recipient.place for each in refused)


async def whole(response: Upstreams) -> tuple[Answer, Headers]:
    """Take an answer whole and inflated, with the headers that still hold of it; raises NotSent.

    What is said of a send that went out cannot be taken back, so whatever is wrong here leaves its fate unknown.
    """
    collected = bytearray()
    try:
        async for chunk in response:
            collected += chunk
            if len(collected) > LARGEST_ANSWER:
                raise NotSent(Reason.UPSTREAM_TIMEOUT, "the provider's answer is too large", sent=Sent.UNKNOWN)
    except UpstreamFailure as failure:
        raise NotSent(failure.reason, sent=Sent.UNKNOWN) from failure
    finally:
        response.close()
    told = headers.decoded(response.headers)
    coding = told.getall("Content-Encoding", [])
    try:
        body = bodies.inflated(bytes(collected), coding, LARGEST_ANSWER, frozenset({"gzip"}))
    except NotSent as garbled:
        raise NotSent(Reason.UPSTREAM_TIMEOUT, garbled.detail, sent=Sent.UNKNOWN) from garbled
    answer = Answer(response.status, body, told.get("Content-Type", ""))
    return answer, headers.end_to_end(response.headers, without=_ABOUT_THE_ANSWER | {b"content-type"})


class Overheard:
    """A provider's answer that is kept while somebody else reads it; the same face as response.Response."""

    def __init__(self, response: Upstreams) -> None:
        self._response = response
        self._kept: bytearray | None = bytearray()
        self.status: int = response.status
        self.reason: str = response.reason
        self.headers: Headers = response.headers

    @property
    def complete(self) -> bytes | None:
        """The whole body if it has come already."""
        body = self._response.complete
        if body is not None:
            self._kept = bytearray(body) if len(body) <= LARGEST_KEPT else None
        return body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response:
            if self._kept is not None:
                self._kept += chunk
                if len(self._kept) > LARGEST_KEPT:
                    self._kept = None
            yield chunk

    def close(self) -> None:
        """Take no more of the body."""
        self._response.close()

    def plain(self) -> bytes:
        """Give what was kept, inflated; nothing of what is too large, or in a coding that nobody here reads."""
        coding = headers.decoded(self.headers).getall("Content-Encoding", [])
        try:
            return bodies.inflated(bytes(self._kept or b""), coding, LARGEST_KEPT, frozenset({"gzip"}))
        except NotSent:
            return b""
