"""Fetching the few things that a provider's webhook needs: a certificate, and the confirmation of a subscription.

Which address may be asked is decided by the provider's file, which pins it to the provider's own host; here it is only
made sure that nothing leads away from it.
"""

from __future__ import annotations

from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

LARGEST: Final = 65_536  # bytes; a certificate has two thousand
_PATIENCE: Final = ClientTimeout(total=10.0)


class Unfetched(Exception):
    """What a webhook needs could not be had; the provider will ask again."""


async def fetch(url: str) -> bytes:
    """Get something small over TLS, without following redirects; raises Unfetched."""
    if not url.startswith("https://"):
        raise Unfetched("only https is fetched")
    try:
        async with (
            ClientSession(timeout=_PATIENCE, cookie_jar=DummyCookieJar(), trust_env=False) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise Unfetched(f"the answer had status {response.status}")
            body = await response.content.read(LARGEST + 1)
    except (ClientError, OSError, TimeoutError) as error:
        raise Unfetched(type(error).__name__) from error
    if len(body) > LARGEST:
        raise Unfetched("the answer is too large")
    return body
