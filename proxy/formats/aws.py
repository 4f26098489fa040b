"""What AWS's services have in common: errors in the shapes of their protocols, and requests that ask in two of them.

One host may speak several protocols: paths with JSON (rest-json), forms with an `Action` (query.py), and JSON with the
operation in a header. A request that mixes them could be routed by either.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson

from policy.reasons import Reason
from proxy import strict
from proxy.formats import query
from proxy.providers.base import Answer, Refusal, Request, Unreadable

CREDENTIALS = ("Authorization", "X-Amz-Security-Token")
TARGET = "X-Amz-Target"  # names the operation where JSON is posted to the root

_CODES = {401: "InvalidClientTokenId", 403: "AccessDeniedException", 404: "NotFoundException"}
_CODES |= {429: "TooManyRequestsException", 503: "ServiceUnavailable"}


def redirects(request: Request, repeatable: frozenset[str] = strict.NONE_REPEATS) -> bool:
    """Tell whether a server could take a request for another operation than its path says, or find a signature in it.

    `repeatable` are the names that may stand more than once in the query.
    """
    if TARGET in request.headers or "urlencoded" in request.headers.get("Content-Type", "").lower():
        return True
    try:
        fields = strict.form_fields(request.query.encode(errors="surrogateescape"), repeatable)
    except Unreadable:
        return True
    return any(strict.letters(field.name).startswith(("action", "xamz")) for field in fields)


def tags(listed: Any) -> list[tuple[str, Any]]:
    """Give the names and values of a list of {Name, Value}; what is none of these is left out."""
    found = [tag for tag in listed if isinstance(tag, dict)] if isinstance(listed, list) else []
    return [(str(tag.get("Name")), tag.get("Value")) for tag in found]


def refusal(request: Request, refusal: Refusal, rejected: str, namespace: str = "") -> Answer:
    """Say no: 400 with the service's own code for a rejected message, else the code that fits the status.

    With a `namespace` in the XML of the query protocol, else in JSON with the code in a header, where SDKs look first.
    """
    status, code = refusal.status or 400, _code(request, refusal, rejected)
    if namespace:
        return Answer(status, query.failed(code, refusal.message, status, namespace), "text/xml")
    return Answer(status, orjson.dumps({"message": refusal.message}), strict.JSON, (("x-amzn-ErrorType", code),))


def _code(request: Request, refusal: Refusal, rejected: str) -> str:
    if refusal.reason is Reason.SIGNATURE_REFUSED:
        return "SignatureDoesNotMatch"
    if refusal.reason is Reason.SENDER_REFUSED:
        return "InvalidClientTokenId" if "Authorization" in request.headers else "MissingAuthenticationToken"
    status = refusal.status or 400
    return _CODES.get(status, "InternalFailure" if status >= 500 else rejected)


def answered(result: Any, request_id: str) -> Answer:
    """Answer 200 with JSON."""
    return Answer(200, orjson.dumps(result), strict.JSON, (("x-amzn-RequestId", request_id),))


def identifier(decision: str, number: int) -> str:
    """Make an id as AWS gives them, which follows from a decision; 0 is that of the request itself."""
    digits = sha256(f"{decision} {number}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
