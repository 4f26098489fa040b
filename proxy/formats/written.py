"""One answer in the format that a caller asked for: JSON, XML, PHP's serialize or YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from proxy import strict
from proxy.formats import xml


def in_xml(value: Any) -> bytes:
    """Write a document whose root is `response`, and of a list each entry as `item`."""
    return xml.document(xml.element("response", {"item": value} if isinstance(value, list) else value))


def in_php(value: Any) -> bytes:
    """Write texts, whole numbers, truths, None, lists and objects of such as PHP's unserialize reads them.

    https://www.php.net/manual/en/function.serialize.php
    """
    if value is None:
        return b"N;"
    if isinstance(value, bool):
        return b"b:%d;" % value
    if isinstance(value, int):
        return b"i:%d;" % value
    if isinstance(value, str):
        return b's:%d:"%b";' % (len(value.encode()), value.encode())
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    return b"a:%d:{%b}" % (len(pairs), b"".join(in_php(key) + in_php(each) for key, each in pairs))


# By the usual suffix of a path: the media type, and who writes it.
FORMATS: Mapping[str, tuple[str, Callable[[Any], bytes]]] = MappingProxyType(
    {
        "json": (strict.JSON, orjson.dumps),
        "xml": ("application/xml", in_xml),
        "php": ("application/x-php", in_php),
        "yaml": ("application/x-yaml; charset=utf-8", orjson.dumps),  # JSON is YAML (YAML 1.2, section 1.3)
    }
)
