"""One member of a JSON object, written where it stands: every other byte of the object stays."""

from __future__ import annotations

import re
from typing import Any

import orjson

from proxy import strict
from proxy.providers.base import Unreadable

_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_MARK = re.compile(_STRING + rb"|[{}\[\]:,]", re.DOTALL)
_ESCAPED_ASCII = re.compile(rb"\\u00[0-7]")


def with_text(body: bytes, name: str, text: str) -> bytes:
    """Give a JSON object with this text under a key, in place of what stands there; else the key comes first.

    Nothing at all is an empty object. Raises Unreadable for what is no object that has exactly one reading, and for a
    key that only looks like this one.
    """
    tree = strict.json_tree(body) if body.strip() else {}
    if not isinstance(tree, dict):
        raise Unreadable("not an object")
    if any(strict.looks_like(each, frozenset({strict.letters(name)})) for each in tree.keys() - {name}):
        raise Unreadable("a key that is not documented looks like the one of the credential")
    written = orjson.dumps(text)
    if name in tree:
        start, end = _span(body, name)
        return body[:start] + written + body[end:]
    start = body.find(b"{") + 1
    return (body[:start] or b"{") + orjson.dumps(name) + b":" + written + _rest(body[start:], tree)


def _rest(rest: bytes, tree: dict[str, Any]) -> bytes:
    return b"," + rest if tree else rest.strip() or b"}"


def _span(body: bytes, name: str) -> tuple[int, int]:
    """Find where the value of a key of the outermost object begins and ends; the key is there."""
    # The key stands in the body as it is, if no letter of it is escaped, and quotes in a text are. So where it stands
    # once before a colon, it is the one, and nothing else has to be looked at.
    found = list(re.finditer(re.escape(orjson.dumps(name)) + rb"\s*+:\s*+", body))
    value = re.compile(_STRING, re.DOTALL).match(body, found[0].end()) if len(found) == 1 else None
    return _walked(body, name) if value is None or _ESCAPED_ASCII.search(body) else value.span()


def _walked(body: bytes, name: str) -> tuple[int, int]:
    depth, start, before = 0, 0, b""
    for mark in _MARK.finditer(body):
        kind = mark[0][:1]
        depth += (kind in b"{[") - (kind in b"}]")
        if start and ((depth == 1 and kind == b",") or depth == 0):
            value = body[start : mark.start()]
            begin = start + len(value) - len(value.lstrip())
            return begin, begin + len(value.strip())
        if not start and depth == 1 and kind == b":" and orjson.loads(before) == name:
            start = mark.end()
        before = mark[0]
    raise Unreadable("the key is not where it was read")
