"""Bodies as they come in: bounded, and inflated into a copy where the sender compressed them.

What goes upstream is what came; the copy is for reading. Both are bounded by the route's `max_body`, so a small body
that inflates without end costs no more than a large one. A body has half a minute to come, and longer the more of it is
there: a large one on a slow line comes through, and one that trickles or stops is given up.

An upstream that knows no Content-Encoding reads the compressed bytes themselves, and for it they must not say something
else. So only what the provider documents is inflated, and a gzip header must have no room for text of the sender's.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from aiohttp import StreamReader, web

from policy.reasons import Reason
from proxy.errors import NotSent
from proxy.holding import Held

PATIENCE: Final = 30.0  # seconds for any body
SLOWEST: Final = 32 * 1024  # bytes a second, beyond that
LARGE: Final = 1 << 16  # bytes of a body whose reading would hold up the others, and goes to a thread

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")

# Few, because they hold the interpreter's lock by turns, and the loop waits for each of them; the default are as many
# as there are processors, and four more. More than one, so that nobody waits for all of a body that takes seconds.
_READERS: Final = ThreadPoolExecutor(4, "bodies")

_GZIP: Final = 16 + zlib.MAX_WBITS
_TEXT_FLAGS: Final = 0x04 | 0x08 | 0x10  # extra field, file name, comment (RFC 1952, section 2.3.1)


async def read(request: web.BaseRequest, limit: int, held: Held) -> bytes:
    """Read the whole body; raises NotSent (413) over the limit, (400) where it does not come in time, or (503)."""
    declared = request.content_length
    if declared is not None and declared > limit:
        raise too_large(limit)
    if not request.body_exists:
        return b""
    if request.content.is_eof():  # all of it is there, as with most sends: not worth a timer
        body = request.content.read_nowait()
        held.take(len(body), there=True)
        return _bounded(body, limit)
    try:
        async with asyncio.timeout(PATIENCE) as timer:
            return await _collect(request.content, limit, timer, held)
    except TimeoutError:
        # Not 408, which SDKs repeat by themselves: who is too slow once is so again, and holds a connection each time.
        raise NotSent(Reason.UNREADABLE, "the body did not come in time", status=400) from None


async def _collect(content: StreamReader, limit: int, timer: asyncio.Timeout, held: Held) -> bytes:
    began = asyncio.get_running_loop().time()
    chunks: list[bytes] = []
    size = 0
    while size <= limit and (chunk := await content.readany()):
        held.take(len(chunk))
        chunks.append(chunk)
        size += len(chunk)
        timer.reschedule(began + PATIENCE + size / SLOWEST)
    return _bounded(b"".join(chunks), limit)


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise too_large(limit)
    return body


def inflated(body: bytes, declared: Sequence[str], limit: int, allowed: frozenset[str]) -> bytes:
    """Undo a Content-Encoding; raises NotSent for one that is not allowed, for garbage, and over the limit.

    `declared` are all Content-Encoding headers of the request. Of codings only gzip is known; `allowed` are those that
    the provider documents.
    """
    coding = _coding(declared)
    if coding in ("", "identity"):
        return body
    if coding != "gzip" or coding not in allowed:
        raise NotSent(Reason.UNREADABLE, "the body has a Content-Encoding that the provider does not document")
    if len(body) > 3 and body[3] & _TEXT_FLAGS:
        raise NotSent(Reason.UNREADABLE, "the gzip header holds a file name, a comment or an extra field (see gzip -n)")
    inflater = zlib.decompressobj(_GZIP)
    try:
        plain = inflater.decompress(body, min(limit, _told_size(body)) + 1)
    except zlib.error:
        raise NotSent(Reason.UNREADABLE, "the body is not what its Content-Encoding says") from None
    if len(plain) > limit:
        raise too_large(limit)
    if not inflater.eof or inflater.unused_data:
        raise NotSent(Reason.UNREADABLE, "the compressed body is cut short or has something behind its end")
    return plain


async def opened(body: bytes, declared: Sequence[str], limit: int, allowed: frozenset[str], held: Held) -> bytes:
    """Do what `inflated` does, in a thread where it takes long, and hold the room that it takes before it is taken."""
    if _coding(declared) not in allowed:
        return inflated(body, declared, limit, allowed)
    size = min(limit, _told_size(body))
    held.take(size)
    return await apart(max(size, len(body)) > LARGE, inflated, body, declared, limit, allowed)


def _coding(declared: Sequence[str]) -> str:
    return ", ".join(declared).strip().lower()


def _told_size(body: bytes) -> int:
    """Give the size that the end of a gzip member tells (RFC 1952, section 2.3.1); another makes it broken."""
    return int.from_bytes(body[-4:], "little")


def too_large(limit: int) -> NotSent:
    return NotSent(Reason.UNREADABLE, f"the body is larger than {limit} bytes", status=413)


async def over(body: bytes, work: Callable[_Given, _Made], *args: _Given.args, **kwargs: _Given.kwargs) -> _Made:
    """Do something that goes over all of a body: in a thread where that would hold the others up."""
    return await apart(len(body) > LARGE, work, *args, **kwargs)


async def apart(
    long: bool,  # noqa: FBT001 (what follows belongs to the work)
    work: Callable[_Given, _Made],
    *args: _Given.args,
    **kwargs: _Given.kwargs,
) -> _Made:
    """Do something in a thread where it takes long."""
    if long:
        return await asyncio.get_running_loop().run_in_executor(_READERS, partial(work, *args, **kwargs))
    return work(*args, **kwargs)
