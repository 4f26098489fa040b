"""A route's own credential: what the gate shows the provider in place of what the sender sent.

A credential sees the whole request as it is about to leave, because some are a signature over it. What the sender
showed is taken out first, whatever header of the provider it stood in: else the provider could take that one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from proxy import signing
from proxy.accounts import Auth, Aws, Basic, Bearer, Body, Header
from proxy.config import SANDBOX
from proxy.headers import Headers, Unsendable
from proxy.providers.base import NamesAccount, Provider, Unreadable, WritesKey, aws_service


@dataclass(frozen=True, slots=True)
class Leaving:
    """A request as it is about to leave: the target is raw, the headers are those that go on.

    `body` is None where it is streamed and nobody has it whole.
    """

    method: str
    target: str
    headers: Headers
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """How a route shows who it is: `show` gives the request with the credential in it.

    `whole` says that the body must be there, because the credential stands in it or signs it. `account` is whose
    it is, "" where nobody can tell or paths name none.
    """

    show: Callable[[Leaving], Leaving]
    whole: bool = False
    account: str = ""


def credential(auth: Auth | None, provider: Provider, upstream: str) -> Credential | None:
    """Make a route's credential; None where the sender's own goes on. `upstream` is the route's, as configured."""
    if auth is None:
        return None
    if isinstance(auth, Body):
        return _in_body(auth.key.reveal(), provider)
    if isinstance(auth, Aws):
        return _signature(auth, provider, upstream)
    return _in_headers(_pair(auth), provider, own_account(auth, provider))


def own_account(auth: Auth, provider: Provider) -> str:
    """Give the account that a credential is of: as configured, else as its user name tells it; "" if neither does."""
    if isinstance(auth, Body | Aws) or not isinstance(provider, NamesAccount):
        return ""
    return auth.account or (provider.account_of(auth.username.reveal()) if isinstance(auth, Basic) else "")


def _in_headers(pair: tuple[bytes, bytes], provider: Provider, account: str) -> Credential:
    replaced = _shown(provider) | {pair[0].lower()}

    def show(leaving: Leaving) -> Leaving:
        return replace(leaving, headers=(*_without(leaving.headers, replaced), pair))

    return Credential(show, account=account)


def _in_body(key: str, provider: Provider) -> Credential:
    """Let the provider's file write the key; the configuration is faulty for a provider whose file cannot."""
    replaced, writing = _shown(provider), cast("WritesKey", provider)

    def show(leaving: Leaving) -> Leaving:
        try:
            body = writing.with_key(leaving.body or b"", key)
        except Unreadable as unreadable:
            raise Unsendable(unreadable.detail) from None
        return replace(leaving, headers=_without(leaving.headers, replaced), body=body)

    return Credential(show, whole=True)


def _signature(auth: Aws, provider: Provider, upstream: str) -> Credential:
    """Sign anew what leaves, for the upstream's host and path; the sandbox has neither, and looks at no signature."""
    replaced = _shown(provider) | signing.MADE
    token = auth.session_token.reveal() if auth.session_token else None
    pair = auth.access_key_id.reveal(), auth.secret_access_key.reveal()
    key = signing.Key(*pair, auth.region, aws_service(provider), token)
    sign = None if upstream == SANDBOX else signing.signer(key)

    def show(leaving: Leaving) -> Leaving:
        kept = _without(leaving.headers, replaced)
        made = sign(leaving.method, upstream + leaving.target, kept, leaving.body or b"") if sign else ()
        return replace(leaving, headers=(*kept, *made))

    return Credential(show, whole=True)


def _shown(provider: Provider) -> frozenset[bytes]:
    return frozenset({b"authorization", *(name.lower().encode() for name in provider.CREDENTIALS)})


def _without(headers: Headers, names: frozenset[bytes]) -> Headers:
    return tuple(each for each in headers if each[0].lower() not in names)


def _pair(auth: Bearer | Basic | Header) -> tuple[bytes, bytes]:
    match auth:
        case Bearer():
            return b"Authorization", f"Bearer {auth.token.reveal()}".encode()
        case Basic():
            pair = f"{auth.username.reveal()}:{auth.password.reveal()}".encode()
            return b"Authorization", b"Basic " + base64.b64encode(pair)
        case Header():
            return auth.name.encode(), auth.value.reveal().encode()
