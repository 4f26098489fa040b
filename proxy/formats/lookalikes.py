"""Paths that only their spelling tells from that of a send.

What is sorted as a send is read and judged. Its path in another letter case, with a slash too many or an escape that
nobody needs is not sorted as one, and yet some server on the way may take it for one. So no switch of the configuration
lets such a path pass: here a path is read as forgivingly as any server reads it, and compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

from proxy.providers.base import Request

_UNQUOTED = 3  # times; a server behind another one undoes escapes once more
_BEHIND = re.compile(r"[?#].*", re.DOTALL)
_BLANKS = "".join(map(chr, (*range(0x21), 0x7F)))


def lookalikes(*paths: str) -> Callable[[Request], bool]:
    """Make a test whether a request's path, whatever its method, is one of these in any spelling.

    In them `*` stands for whatever one segment holds.
    """
    pattern = re.compile("|".join("[^/]*".join(map(re.escape, path.casefold().split("*"))) for path in paths))

    def resembles_send(request: Request) -> bool:
        return pattern.fullmatch(plainest(request.path)) is not None

    return resembles_send


def plainest(path: str) -> str:
    """Give a path as the most forgiving server reads it: no escapes, parameters, needless slashes and dots."""
    for _ in range(_UNQUOTED):
        path = unquote(path)
    path = unicodedata.normalize("NFKC", _BEHIND.sub("", path)).casefold().replace("\\", "/")
    segments: list[str] = []
    for each in path.split("/"):
        segment = each.partition(";")[0].strip(_BLANKS)
        if segment == "..":
            segments[-1:] = []
        elif name := segment.rstrip(_BLANKS + "."):  # dots at the end are nothing to some file systems, and so servers
            segments.append(name)
    return f"/{'/'.join(segments)}"
