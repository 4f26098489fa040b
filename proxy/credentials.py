"""A route's own credential: what the gate shows the provider in place of what the sender sent.

A credential sees the whole request as it is about to leave, because some are a signature over it. What the sender
showed is taken out first, whatever header of the provider it stood in: else the provider could take that one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from proxy.config import Auth, Basic, Bearer, Header
from proxy.headers import Headers
from proxy.providers.base import Provider


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

    `whole` says that the body must be there, because the credential stands in it or signs it.
    """

    show: Callable[[Leaving], Leaving]
    whole: bool = False


def credential(auth: Auth | None, provider: Provider) -> Credential | None:
    """Make a route's credential; None where the sender's own goes on."""
    if auth is None:
        return None
    return _in_headers(_pair(auth), provider)


def _in_headers(pair: tuple[bytes, bytes], provider: Provider) -> Credential:
    replaced = {b"authorization", pair[0].lower(), *(name.lower().encode() for name in provider.CREDENTIALS)}

    def show(leaving: Leaving) -> Leaving:
        kept = tuple(each for each in leaving.headers if each[0].lower() not in replaced)
        return Leaving(leaving.method, leaving.target, (*kept, pair), leaving.body)

    return Credential(show)


def _pair(auth: Auth) -> tuple[bytes, bytes]:
    match auth:
        case Bearer():
            return b"Authorization", f"Bearer {auth.token.reveal()}".encode()
        case Basic():
            pair = f"{auth.username.reveal()}:{auth.password.reveal()}".encode()
            return b"Authorization", b"Basic " + base64.b64encode(pair)
        case Header():
            return auth.name.encode(), auth.value.reveal().encode()
