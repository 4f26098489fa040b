"""What one configuration makes of the senders' door: routes with their providers and upstreams, and who may send.

A gate is built whole from a frozen configuration and never changes. A request keeps the gate it began with, so a
reload is nothing but a new gate for the requests to come.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from multidict import CIMultiDictProxy

from policy import rules
from policy.model import MessageClass, Send, Terms
from policy.reasons import Reason
from proxy import signing, strict
from proxy.config import AwsKey, Config, Sender
from proxy.config import Policy as PolicySettings
from proxy.config import Route as RouteSettings
from proxy.credentials import Credential
from proxy.errors import NotSent
from proxy.linker import Linker
from proxy.providers.base import Provider, Request, accounts_in_path, aws_service
from proxy.requests import Arrival
from proxy.sandbox import Sandbox
from proxy.signing import Signature, Signed
from proxy.units import Secret
from proxy.upstream import Upstream

CLAIMED_CLASS = "X-Sendgate-Class"
CLAIMED_UNIT = "X-Sendgate-Business-Unit"
SENDER_KEY = "X-Sendgate-Key"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DECIDING = (CLAIMED_CLASS, CLAIMED_UNIT, SENDER_KEY, "X-Sendgate-Campaign", "Authorization", "Content-Encoding")


@dataclass(frozen=True, slots=True)
class Entrance:
    """The listener a request came in by: it may belong to a route or a sender of its own."""

    route: str | None = None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One route with everything that a walk along it needs."""

    name: str
    settings: RouteSettings
    policy: PolicySettings
    provider: Provider
    upstream: Upstream | Sandbox
    credential: Credential | None = None  # what the gate shows in place of what the sender sent
    linker: Linker | None = None  # puts unsubscribe links into marketing mail

    def allows(self, path: str) -> bool:
        """Tell whether the configuration lets this path pass by name although nobody sees whom it reaches.

        An allow-list is beyond that: whoever is not on it gets nothing. The path must be one to every server, or `..`
        in the place of a * would lead from the path that is allowed to any other.
        """
        segments = path.split("/")
        named = any(
            len(segments) == len(allowed)
            and all(want == given or (want == "*" and given) for want, given in zip(allowed, segments, strict=True))
            for allowed in (each.split("/") for each in self.settings.allow_paths)
        )
        return named and self.policy.allow_list is None and has_one_reading(path)

    def terms(self, send: Send, sender: Sender | None, headers: CIMultiDictProxy[str]) -> Terms:
        """Say by which terms a send of this route is judged."""
        policy = self.policy
        return Terms(
            message_class=self.message_class(send, sender, headers),
            business_unit=self.business_unit(sender, headers),
            refuse_unknown=policy.unknown_recipients == "refuse",
            allow_only=policy.allow_list,
            max_schedule_ahead=policy.max_schedule_ahead,
            scope=self.settings.scope,
        )

    def message_class(self, send: Send, sender: Sender | None, headers: CIMultiDictProxy[str]) -> MessageClass:
        transactional = self.settings.transactional
        return rules.message_class(
            always=transactional.always,
            claimed=claims_transactional(headers),
            may_claim=may_claim(sender),
            wanted=transactional.markers,
            markers=send.markers,
        )

    def business_unit(self, sender: Sender | None, headers: CIMultiDictProxy[str]) -> str:
        """Give the unit that narrows opt-outs: the route's, else one that this sender may name."""
        named = headers.get(CLAIMED_UNIT, "")
        if self.settings.business_unit or sender is None or named not in sender.business_units:
            return self.settings.business_unit
        return named


def has_one_reading(path: str) -> bool:
    """Tell whether every server takes the raw path for the same."""
    return path == "/" or strict.plain_path(path) is not None


def claims_transactional(headers: CIMultiDictProxy[str]) -> bool:
    """Tell whether the sender says that its message is transactional."""
    return headers.get(CLAIMED_CLASS, "").strip().lower() == MessageClass.TRANSACTIONAL


def may_claim(sender: Sender | None) -> bool:
    """Tell whether the configuration believes this sender's claim."""
    return sender is not None and MessageClass.TRANSACTIONAL in sender.may_claim


@dataclass(frozen=True, slots=True)
class Signer:
    """A sender as a signature claims it to be, and the key that the signature must fit."""

    sender: Sender
    key: AwsKey
    signature: Signature
    service: str

    def check(self, arrival: Arrival, body: bytes, now: float) -> None:
        """Make sure that the sender signed this request, `now` in seconds; raises NotSent (signature_refused)."""
        signed = Signed(arrival.method, arrival.path, arrival.query, arrival.headers, body)
        signing.check(self.signature, signed, self.key.secret_access_key.reveal(), self.service, now)


@dataclass(frozen=True, slots=True)
class Gate:
    """The routes and senders of one configuration."""

    config: Config
    routes: Mapping[str, Route]
    by_host: Mapping[str, Route]
    senders: Mapping[str, Sender]

    def route(self, entrance: Entrance, host: str, path: str) -> tuple[Route, str] | None:
        """Find the route of a request and the path behind its prefix, or None.

        1. A listener of the route's own, 2. a host name that the route claims, 3. the first segment of the path.
        """
        own = self.routes.get(entrance.route) if entrance.route else self.by_host.get(bare_host(host))
        if own is not None:
            return own, path
        if entrance.route:
            return None  # a reload took the route away; its listener stays until the restart and leads nowhere
        name, slash, rest = path[1:].partition("/")
        found = self.routes.get(name)
        return None if found is None else (found, slash + rest or "/")

    def signer(self, entrance: Entrance, route: Route, headers: CIMultiDictProxy[str]) -> Signer | None:
        """Give whom the signature of a request claims to be, to be checked over the body; the body is not asked for.

        None where the sender is known by something else, or the key is nobody's.
        """
        service = aws_service(route.provider)
        if SENDER_KEY in headers or entrance.sender is not None or not service:
            return None
        shown = signing.signature(headers.get("Authorization", ""))
        if shown is None:
            return None
        given = Secret(shown.key_id)
        pairs = ((sender, key) for sender in self.senders.values() for key in sender.aws)
        return next((Signer(sender, key, shown, service) for sender, key in pairs if key.access_key_id == given), None)

    def sender(self, entrance: Entrance, route: Route, request: Request, signer: Signer | None = None) -> Sender | None:
        """Find out who sends; None where anybody may. Raises NotSent (sender_refused). The body is not asked for.

        A sender is known by 1. its key, 2. its own listener, 3. its signature, which was checked where there is a
        `signer`, 4. the provider credential it sends anyway.
        """
        headers = request.headers
        for name in (*_DECIDING, *route.provider.CREDENTIALS):
            if name in headers and len(headers.getall(name)) > 1:
                raise NotSent(Reason.UNREADABLE, f"the header {name} stands more than once", status=400)
        if not self.senders and entrance.sender is None:
            if route.credential:
                _refuse_web_pages(headers)
            _refuse_other_accounts(route, None, request)
            return None
        sender = signer.sender if signer else self._known(entrance, route, headers)
        if sender is None:
            raise NotSent(Reason.SENDER_REFUSED, "no sender of the configuration is known by what was sent")
        if route.name not in sender.routes:
            raise NotSent(Reason.SENDER_REFUSED, "this sender may not use this route")
        _refuse_other_accounts(route, sender, request)
        return sender

    def _known(self, entrance: Entrance, route: Route, headers: CIMultiDictProxy[str]) -> Sender | None:
        key = headers.get(SENDER_KEY)
        if key is not None:
            given = Secret(key)
            matches = [s for s in self.senders.values() if given in s.key]
            return matches[0] if matches else None
        if entrance.sender is not None:
            return self.senders.get(entrance.sender)
        shown = [headers.get(name, "") for name in route.provider.CREDENTIALS]
        hashes = set().union(*map(credential_hashes, shown))
        return next((s for s in self.senders.values() if hashes.intersection(s.credential_sha256)), None)


def _refuse_other_accounts(route: Route, sender: Sender | None, request: Request) -> None:
    """Keep a sender from naming an account beside a credential that is not its own; raises NotSent.

    What the provider keeps for one account (its suppressions, its webhooks) may not hold for another one. The path may
    name the account that the credential is of.
    """
    if route.credential is None:
        return
    in_headers, in_path = _in_headers(route.provider, request), accounts_in_path(route.provider, request)
    others = [*in_headers, *(each for each in in_path if not each or each != route.credential.account)]
    may = sender.subaccounts if sender else ()
    if len(in_headers) > 1 or ("*" not in may and any(not each or each not in may for each in others)):
        raise NotSent(Reason.SENDER_REFUSED, "this sender may not name another account beside the gate's credential")


def _in_headers(provider: Provider, request: Request) -> list[str]:
    if not provider.ACCOUNTS:
        return []
    names = {name.lower() for name in provider.ACCOUNTS}
    return [value for name, value in request.headers.items() if name.lower().replace("_", "-") in names]


def _refuse_web_pages(headers: CIMultiDictProxy[str]) -> None:
    """Keep a web page on this machine from sending with a credential that the gate holds; raises NotSent."""
    if from_web_page(headers):
        raise NotSent(Reason.SENDER_REFUSED, "a web page may not send with the credential of this route")
    if bare_host(headers.get("Host", "")) not in LOCAL_HOSTS:
        raise NotSent(
            Reason.SENDER_REFUSED, "a route with a credential and without senders is asked by a local name only"
        )


def from_web_page(headers: CIMultiDictProxy[str]) -> bool:
    """Tell whether a browser says that a page made it send this, by a script, a form or a link."""
    return "Origin" in headers or headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")


def credential_hashes(authorization: str) -> set[str]:
    """Give the SHA-256 of everything in a provider's credential header that an operator may call its credential.

    That is the whole value, what stands behind the scheme, and of Basic also `user:password` and the password.
    """
    scheme, _, rest = authorization.strip().partition(" ")
    texts = [authorization.strip().encode("utf-8", "surrogateescape"), rest.strip().encode("utf-8", "surrogateescape")]
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest.strip(), validate=True)
        except (binascii.Error, ValueError):
            pair = b""
        texts += [pair, pair.partition(b":")[2]]
    return {hashlib.sha256(text).hexdigest() for text in texts if text}


def bare_host(host: str) -> str:
    """Give a Host header without its port, folded; an IPv6 address keeps its brackets."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower().rstrip(".")
