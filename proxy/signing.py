"""AWS Signature Version 4: made with the gate's own key for the provider, and checked of senders.

A signature covers method, host, path, query, some headers and the body. A sender signs for the gate's own address, so
its signature ends here: it says who sends, and what leaves is signed anew. Nothing of it could be handed on.

Checking is written down here, because it must not forgive: every header of AWS's own is covered, the body is hashed as
it came, and the time is the gate's. Signing is left to botocore, the extra `aws`, which is asked for when a route
needs it. The scheme: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Final
from urllib.parse import quote

from multidict import CIMultiDictProxy

from policy.reasons import Reason
from proxy.errors import NotSent
from proxy.headers import Headers

SKEW: Final = 300.0  # seconds by which the time of a signature may differ from the gate's
MADE: Final = frozenset({b"authorization", b"x-amz-date", b"x-amz-security-token", b"x-amz-content-sha256"})

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} +Credential=([!-.0-~]+)/(\d{{8}})/([\w-]+)/([\w-]+)/aws4_request *, *"
    r"SignedHeaders=([!-+.-~-]+) *, *Signature=([0-9a-f]{64})",
    re.ASCII,
)
_DATE = "x-amz-date"
_REQUIRED = frozenset({"host", _DATE})

Sign = Callable[[str, str, Headers, bytes], Headers]


# ── checking ──


@dataclass(frozen=True, slots=True)
class Signature:
    """What an Authorization header says of its signature."""

    key_id: str
    day: str
    region: str
    service: str
    covered: tuple[str, ...]  # headers, in lower case
    digest: str = field(repr=False)

    @property
    def scope(self) -> str:
        """Give what the key was derived for."""
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as its sender signed it: path and query raw, with the route's prefix, and the bytes of the body."""

    method: str
    path: str
    query: str
    headers: CIMultiDictProxy[str]
    body: bytes


def signature(authorization: str) -> Signature | None:
    """Read an Authorization header; None where it is no signature of this version."""
    match = _AUTHORIZATION.fullmatch(authorization.strip())
    if match is None:
        return None
    key_id, day, region, service, covered, digest = match.groups()
    return Signature(key_id, day, region, service, tuple(covered.split(";")), digest)


def check(shown: Signature, request: Signed, secret: str, service: str, now: float) -> None:
    """Make sure that whoever has the secret signed this very request, for this service and not long ago.

    `now` is in seconds since 1970. Raises NotSent (signature_refused).
    """
    moment = _moment(request.headers)
    if shown.service != service or not moment.startswith(shown.day):
        raise _refused("the signature is for another service or day")
    if abs(_seconds(moment) - now) > SKEW:
        raise _refused("the request was signed more than five minutes ago or ahead; is a clock wrong?")
    own = {name.lower() for name in request.headers if name.lower().startswith("x-amz-")}
    if not (_REQUIRED | own).issubset(shown.covered):
        raise _refused("the signature does not cover the host and all x-amz-* headers")
    payload = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("X-Amz-Content-Sha256", payload) != payload:
        raise _refused("the body is not the one that was signed")
    if not hmac.compare_digest(_digest(shown, request, payload, moment, secret), shown.digest):
        raise _refused("the signature does not fit the request")


def _refused(detail: str) -> NotSent:
    return NotSent(Reason.SIGNATURE_REFUSED, detail)


def _moment(headers: CIMultiDictProxy[str]) -> str:
    told = headers.getall(_DATE, [])
    if len(told) != 1 or not re.fullmatch(r"\d{8}T\d{6}Z", told[0], re.ASCII):
        raise _refused("the request has no X-Amz-Date")
    return told[0]


def _seconds(moment: str) -> float:
    try:
        return datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise _refused("the request has no X-Amz-Date") from None


def _digest(shown: Signature, request: Signed, payload: str, moment: str, secret: str) -> str:
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(request.path),
            _canonical_query(request.query),
            *(f"{name}:{_canonical(request.headers.getall(name, []))}" for name in shown.covered),
            "",
            ";".join(shown.covered),
            payload,
        )
    )
    hashed = hashlib.sha256(canonical.encode(errors="surrogateescape")).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in shown.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"{_ALGORITHM}\n{moment}\n{shown.scope}\n{hashed}"
    return hmac.digest(key, text.encode(), "sha256").hex()


def _canonical_path(path: str) -> str:
    """Escape a raw path once more; segments of dots and empty ones are not undone: nobody may send them here."""
    return quote(path, safe="/~", errors="surrogateescape")


def _canonical_query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(f"{name}={value}" for name, value in sorted((name, value) for name, _, value in pairs))


def _canonical(values: Iterable[str]) -> str:
    return ",".join(" ".join(value.split()) for value in values)


# ── signing ──


@dataclass(frozen=True, slots=True)
class Key:
    """The key that a route signs with, for one service in one region."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str
    service: str
    session_token: str | None = field(default=None, repr=False)


def available() -> bool:
    """Tell whether signing is installed."""
    return find_spec("botocore") is not None


def signer(key: Key) -> Sign:
    """Make what signs: (method, URL, headers, body) → the headers to be added. The clock is the system's."""
    auth, awsrequest, credentials = (
        importlib.import_module(f"botocore.{name}") for name in ("auth", "awsrequest", "credentials")
    )
    frozen = credentials.Credentials(key.access_key_id, key.secret_access_key, key.session_token)
    signing = auth.SigV4Auth(frozen, key.service, key.region)

    def sign(method: str, url: str, headers: Headers, body: bytes) -> Headers:
        request = awsrequest.AWSRequest(method=method, url=url, data=body, headers=_covered(headers))
        signing.add_auth(request)
        return tuple(
            (name.encode(), value.encode()) for name, value in request.headers.items() if name.lower().encode() in MADE
        )

    return sign


def _covered(headers: Headers) -> dict[str, str]:
    """Give the headers that AWS wants covered beside the host, and the type of the body."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        told = name.decode("latin-1").lower()
        if told == "content-type" or told.startswith("x-amz-"):
            found.setdefault(told, []).append(value.decode("latin-1"))
    return {name: ",".join(values) for name, values in found.items()}
