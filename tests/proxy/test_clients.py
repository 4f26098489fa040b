"""The client's address behind proxies."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from proxy.clients import client_of

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        pytest.param("192.0.2.7", [], "192.0.2.7", id="nobody in between"),
        pytest.param("192.0.2.7", ["198.51.100.1"], "192.0.2.7", id="a peer that is not trusted may not say"),
        pytest.param("10.0.0.1", ["198.51.100.1"], "198.51.100.1", id="a trusted proxy says"),
        pytest.param("10.0.0.1", ["203.0.113.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1", id="as far as it is trusted"),
        pytest.param("10.0.0.1", ["203.0.113.9", "198.51.100.1"], "198.51.100.1", id="over several headers"),
        pytest.param("10.0.0.1", ["unknown"], "10.0.0.1", id="what is no address is not believed"),
        pytest.param("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1", id="an IPv4 peer on an IPv6 socket"),
        pytest.param("fd00::1", ["2001:db8::1"], "2001:db8::1", id="IPv6"),
        pytest.param(None, ["198.51.100.1"], "", id="a Unix socket has no address"),
    ],
)
def test_the_client_is_whom_trusted_proxies_name(peer: str | None, forwarded: list[str], client: str) -> None:
    """The list of forwarded addresses is believed from its end, entry by entry, while trusted proxies wrote it."""
    assert client_of(peer, forwarded, TRUSTED) == client
