"""Small XML: answers written for APIs that speak it, and providers' answers read.

The reader knows what such answers consist of, elements and text, and refuses all that lets a document reach beyond
itself or grow: a DTD, entities, processing instructions, other encodings than UTF-8, depth and size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, NoReturn
from xml.parsers import expat

from proxy.providers.base import Unreadable

MAX_SIZE = 1 << 20  # bytes of an answer
MAX_DEPTH = 32

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


# ── writing ──


def element(name: str, content: Any = None, attributes: Mapping[str, str] | None = None) -> str:
    """Write an element: a mapping becomes elements in its order, a list under a key repeats it, None is nothing.

    Anything else is its text. Characters that XML does not have become U+FFFD.
    """
    return f"<{name}{_attributes(attributes or {})}>{_inner(content)}</{name}>"


def document(root: str, declaration: str = "<?xml version='1.0' encoding='UTF-8'?>\n") -> bytes:
    """Give the bytes of a document, whose root is an element that `element` wrote."""
    return f"{declaration}{root}".encode()


def _inner(content: Any) -> str:
    if isinstance(content, Mapping):
        return "".join(element(name, one) for name, value in content.items() for one in _each(value))
    return "" if content is None else escape(_in_xml(content), quote=False)


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _attributes(attributes: Mapping[str, str]) -> str:
    return "".join(f' {name}="{escape(_in_xml(value))}"' for name, value in attributes.items())


def _in_xml(value: Any) -> str:
    return _NOT_IN_XML.sub("\ufffd", str(value))


# ── reading ──


@dataclass(slots=True)
class Element:
    """One element of an answer: its name without a prefix, its own text, and the elements in it in their order."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, *path: str) -> list[Element]:
        """Give the elements that a path of names leads to, in their order."""
        found = [self]
        for name in path:
            found = [child for each in found for child in each.children if child.name == name]
        return found

    def find(self, *path: str) -> Element | None:
        """Give the one element that a path of names leads to; None where there is none, or more than one."""
        found = self.all(*path)
        return found[0] if len(found) == 1 else None


def read(body: bytes) -> Element:
    """Read the root element of a small document in UTF-8; raises Unreadable."""
    if len(body) > MAX_SIZE:
        raise Unreadable("an XML document of this size is not read")
    top = Element("")
    open_elements = [top]

    def start(name: str, _attributes: dict[str, str]) -> None:
        if len(open_elements) > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH} levels")
        opened = Element(name.rpartition(":")[2])
        open_elements[-1].children.append(opened)
        open_elements.append(opened)

    def text(data: str) -> None:
        open_elements[-1].text += data

    parser = _parser()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_elements.pop()
    parser.CharacterDataHandler = text
    try:
        parser.Parse(body.decode(), True)  # noqa: FBT003  expat takes no keywords
    except UnicodeDecodeError:
        raise Unreadable("XML that is not in UTF-8") from None
    except expat.ExpatError as error:
        raise Unreadable(f"not XML: {expat.ErrorString(error.code)}, line {error.lineno}") from None
    return top.children[0]


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()  # it is given text, so a declaration has no say; one of another encoding is refused
    parser.buffer_text = True
    parser.XmlDeclHandler = _declared
    for handler in ("StartDoctypeDeclHandler", "EntityDeclHandler", "ProcessingInstructionHandler"):
        setattr(parser, handler, _refuse)
    return parser


def _declared(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.upper() != "UTF-8":
        raise Unreadable("XML that is not in UTF-8")


def _refuse(*_: object) -> NoReturn:
    raise Unreadable("XML with a DTD, an entity or a processing instruction")
