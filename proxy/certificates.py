"""Whether a listener's certificate and key can be used, asked before anything depends on it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

from proxy.config import Config, Tls
from proxy.crosschecks import Clash, listeners
from proxy.faults import Place
from proxy.references import ReadFile


def tls_clashes(config: Config, read_file: ReadFile) -> Iterator[Clash]:
    """Tell which listeners have a certificate or key that is missing, broken, or of another pair.

    Every file goes through `read_file` first, so that it is watched; OpenSSL then reads the paths by itself.
    """
    for place, listener in listeners(config):
        if listener.tls is None:
            continue
        unreadable = list(_unreadable(listener.tls, (*place, "tls"), read_file))
        yield from unreadable
        if not unreadable and (problem := _problem(listener.tls)):
            yield Clash((*place, "tls"), f"certificate and key cannot be used: {problem}", (place,))


def server_context(tls: Tls) -> ssl.SSLContext:
    """Build the context that a listener serves with; raises ssl.SSLError, or OSError for a file that is not there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.cert, tls.key, password=_no_password)
    return context


def _no_password() -> str:
    """Stand in for the terminal, where OpenSSL would ask for the password of a key."""
    return ""


def _unreadable(tls: Tls, place: Place, read_file: ReadFile) -> Iterator[Clash]:
    for key, path in (("cert", tls.cert), ("key", tls.key)):
        try:
            read_file(Path(path))
        except OSError as error:
            yield Clash((*place, key), f"cannot be read: {error.strerror or 'input/output error'}", (place[:-1],))


def _problem(tls: Tls) -> str:
    try:
        server_context(tls)
    except ssl.SSLError as error:
        return (error.reason or "no PEM file, or a key with a password").lower().replace("_", " ")
    except (OSError, ValueError):
        return "no PEM file, or a key with a password"
    return ""
