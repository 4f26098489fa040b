"""AWS's query protocol: forms whose names are paths through a tree, and answers in XML.

`Destination.ToAddresses.member.1=…` is the first member of a list in an object in an object. Read as a tree, such a
form is asked the same questions as JSON. A tree that two servers could build differently is refused: a list with gaps,
or a name that is both a value and the way to another.

The protocol: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from proxy import strict
from proxy.formats import xml
from proxy.providers.base import Unreadable

MAX_DEPTH = 12  # names between dots; the deepest documented one has eight

_MEMBER = "member"


def read(body: bytes, lists: frozenset[str]) -> dict[str, Any]:
    """Read a form as a tree of texts; raises Unreadable.

    `lists` are the names that hold lists: SDKs write an empty one as the name without a value.
    """
    if b";" in body:
        raise Unreadable("a semicolon that is not escaped: some readers cut a form there")
    tree: dict[str, Any] = {}
    for name, value in strict.form_fields(body):
        _plant(tree, name.split("."), value)
    return {name: _grown(name, node, lists) for name, node in tree.items()}


def _plant(tree: dict[str, Any], path: Sequence[str], value: str) -> None:
    if len(path) > MAX_DEPTH:
        raise Unreadable("a field's name leads deeper than any that is documented")
    *owners, last = path
    for name in owners:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise Unreadable("a field's name is also the way to another")
    if last in tree:
        raise Unreadable("a field's name is also the way to another")
    tree[last] = value


def _grown(name: str, node: Any, lists: frozenset[str]) -> Any:
    if not isinstance(node, dict):
        return [] if node == "" and name in lists else node
    if _MEMBER not in node:
        return {inner: _grown(inner, value, lists) for inner, value in node.items()}
    members = node[_MEMBER]
    if len(node) > 1 or not isinstance(members, dict):
        raise Unreadable("a list is something else too")
    if members.keys() != {str(number) for number in range(1, len(members) + 1)}:
        raise Unreadable("the members of a list are not numbered 1, 2, 3")
    return [_grown("", members[str(number)], lists) for number in range(1, len(members) + 1)]


def write(tree: Mapping[str, Any]) -> bytes:
    """Write a tree as a form, as AWS's SDKs do: members numbered anew, blanks as %20."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in _fields("", tree)).encode()


def _fields(path: str, node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for name, inner in node.items():
            yield from _fields(f"{path}.{name}" if path else name, inner)
    elif isinstance(node, list) and node:
        for number, inner in enumerate(node, 1):
            yield from _fields(f"{path}.{_MEMBER}.{number}", inner)
    else:
        yield path, node or ""


def _quoted(text: str) -> str:
    return quote(text, safe="")


# ── answers ──


def answered(action: str, result: Any, namespace: str, request_id: str) -> bytes:
    """Write the answer to an action; SDKs look for the elements that are named after it."""
    content = {f"{action}Result": result, "ResponseMetadata": {"RequestId": request_id}}
    return xml.document(xml.element(f"{action}Response", content, {"xmlns": namespace}), "")


def failed(code: str, message: str, status: int, namespace: str) -> bytes:
    """Write an error; the side that can mend it follows from the status."""
    error = {"Type": "Sender" if status < 500 else "Receiver", "Code": code, "Message": message}
    return xml.document(xml.element("ErrorResponse", {"Error": error}, {"xmlns": namespace}), "")


def results(body: bytes, action: str, *path: str) -> tuple[list[dict[str, Any]], str]:
    """Read the members of a list in the answer to an action, and the request's id; raises Unreadable."""
    root = xml.read(body)
    members = root.all(f"{action}Result", *path, _MEMBER)
    request_id = root.find("ResponseMetadata", "RequestId")
    return [{each.name: each.text for each in one.children} for one in members], request_id.text if request_id else ""
