"""The second version's faults: a list of them, each with a code, a title and the place it is about (CrossEngage v2).

    {"errors": [{"code": "4", "title": …, "details": …, "info": …, "source": {"pointer": "/updated/0/email"}}]}

The pointer is a JSON Pointer (RFC 6901) into the body. `details` never repeats what a field holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from proxy.api.reading import BLACKLISTED, MISSING_SCOPE, NOT_NULL, UNKNOWN_VALUE, WRONG_FORMAT, WRONG_VALUE, BadField


class Code(StrEnum):
    """What is wrong with a field. The gate knows no unknown attribute, because it keeps every trait."""

    INVALID_JSON = "1"
    INVALID_FIELD = "2"
    INVALID_ATTRIBUTE_TYPE = "3"
    INVALID_EMAIL = "4"
    INVALID_PHONE = "5"
    UNKNOWN_ATTRIBUTE = "6"  # never answered
    IDENTIFIER_MISMATCH = "7"
    INVALID_BUSINESS_UNIT = "8"
    BATCH_TOO_LARGE = "9"
    PROCESSING_FAILED = "10"  # an address on a blacklist; what else fails behind the checks is told by the tracking


TITLES: Final[Mapping[Code, str]] = {
    Code.INVALID_JSON: "Invalid JSON",
    Code.INVALID_FIELD: "Invalid Field",
    Code.INVALID_ATTRIBUTE_TYPE: "Invalid Attribute Type",
    Code.INVALID_EMAIL: "Invalid Email Format",
    Code.INVALID_PHONE: "Invalid Phone Format",
    Code.UNKNOWN_ATTRIBUTE: "Unknown Attribute",
    Code.IDENTIFIER_MISMATCH: "Identifier Mismatch",
    Code.INVALID_BUSINESS_UNIT: "Invalid Business Unit Format",
    Code.BATCH_TOO_LARGE: "Max batch request size violation",
    Code.PROCESSING_FAILED: "Request processing failed",
}
INFO: Final = "https://docs.crossengage.io/errors#"  # what the contract's own examples point at

_SAYS: Final = {
    NOT_NULL: "it is missing",
    WRONG_FORMAT: "it does not have the form that it must have",
    WRONG_VALUE: "it is not what it must be",
    UNKNOWN_VALUE: "it is none of the values that there are",
    MISSING_SCOPE: "the key may not say this",
    BLACKLISTED: "it is on a blacklist",
}


def fault(code: Code, found: BadField, within: str = "") -> dict[str, Any]:
    """Write one fault; `within` is the pointer to the item it was found in, empty for the body itself."""
    body = found.field == "body"
    pointer = within if body else f"{within}/{_escaped(found.field)}"
    code = Code.INVALID_FIELD if found.kind == NOT_NULL else code
    return {
        "code": code.value,
        "title": TITLES[code],
        "details": f"{'the body' if body else found.field}: {_SAYS[found.kind]}",
        "info": f"{INFO}{code}",
        "source": {"pointer": pointer},
    }


def enveloped(faults: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Put faults into their envelope."""
    return {"errors": list(faults)}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
