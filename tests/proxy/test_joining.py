"""A configuration's gate, and which upstreams it keeps from the one before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from policy import Policy
from proxy.config import Config
from proxy.credentials import Leaving
from proxy.gate import Gate
from proxy.joining import Upstreams, build
from proxy.loading import parse
from proxy.sandbox import Sandbox
from proxy.upstream import Upstream

URL = "http://127.0.0.1:1"
MAIL: dict[str, Any] = {"provider": "sendgrid", "upstream": URL}


def config(**routes: dict[str, Any]) -> Config:
    """Read a configuration with some routes and a sender."""
    senders = [{"name": "shop", "key": "k", "routes": list(routes)}]
    return parse(yaml.safe_dump({"routes": routes, "senders": senders}), {}, Path.read_bytes)


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """Give a policy that nobody opens."""
    return Policy(tmp_path / "store.db")


@pytest.fixture
async def upstreams() -> AsyncIterator[Upstreams]:
    """Give the upstreams of one running gate."""
    upstreams = Upstreams()
    yield upstreams
    await upstreams.close()


def build_one(upstreams: Upstreams, policy: Policy, **changes: Any) -> Gate:
    """Build a gate with one route."""
    return build(config(mail={**MAIL, **changes}), policy, upstreams)


async def test_a_gate_holds_everything_by_name(upstreams: Upstreams, policy: Policy) -> None:
    """Routes are found by name and by host, senders by name, and each route has its provider and its upstream."""
    auth = {"kind": "bearer", "token": "T"}
    box = {"provider": "twilio", "upstream": "sandbox"}
    gate = build(config(mail={**MAIL, "host": ["m.example.com"], "auth": auth}, box=box), policy, upstreams)
    mail = gate.routes["mail"]
    assert (set(gate.routes), set(gate.senders)) == ({"mail", "box"}, {"shop"})
    assert gate.by_host["m.example.com"] is mail
    assert mail.provider.__name__ == "proxy.providers.sendgrid"  # type: ignore[attr-defined]  # a provider is a module
    assert (type(mail.upstream), type(gate.routes["box"].upstream)) == (Upstream, Sandbox)
    assert mail.credential is not None
    shown = mail.credential.show(Leaving("POST", "/", ((b"authorization", b"Bearer S"), (b"Accept", b"*/*"))))
    assert shown.headers == ((b"Accept", b"*/*"), (b"Authorization", b"Bearer T"))


@pytest.mark.parametrize(
    "changes",
    [{"mode": "shadow"}, {"max_body": 1000}, {"transactional": {"always": True}}, {"host": ["x.example.com"]}],
)
async def test_what_concerns_no_connection_keeps_them(
    upstreams: Upstreams, policy: Policy, changes: dict[str, Any]
) -> None:
    """A change of the rules keeps the connections to the provider."""
    before = build_one(upstreams, policy).routes["mail"].upstream
    assert build_one(upstreams, policy, **changes).routes["mail"].upstream is before


@pytest.mark.parametrize(
    "changes",
    [
        {"upstream": "http://127.0.0.1:2"},
        {"upstream": f"{URL}/base"},
        {"timeout": {"connect": "1s"}},
        {"timeout": {"total": "1s"}},
        {"max_connections": 7},
        {"provider": "twilio"},
    ],
)
async def test_what_concerns_connections_makes_new_ones(
    upstreams: Upstreams, policy: Policy, changes: dict[str, Any]
) -> None:
    """A change of where the provider is, or of how it may be reached, opens connections of its own."""
    before = build_one(upstreams, policy).routes["mail"].upstream
    assert build_one(upstreams, policy, **changes).routes["mail"].upstream is not before


async def test_two_routes_share_no_connections(upstreams: Upstreams, policy: Policy) -> None:
    """Routes to the same provider have limits and connections of their own."""
    gate = build(config(one=MAIL, two=MAIL), policy, upstreams)
    assert gate.routes["one"].upstream is not gate.routes["two"].upstream


async def test_what_nobody_uses_is_closed(upstreams: Upstreams, policy: Policy) -> None:
    """An upstream that no route has any more is closed; one that comes back later is a new one."""
    old = build(config(mail=MAIL, gone=MAIL), policy, upstreams)
    new = build(config(mail=MAIL), policy, upstreams)
    upstreams.keep_only(new)
    again = build(config(mail=MAIL, gone=MAIL), policy, upstreams)
    assert again.routes["mail"].upstream is old.routes["mail"].upstream
    assert again.routes["gone"].upstream is not old.routes["gone"].upstream


async def test_a_sandbox_keeps_its_messages(upstreams: Upstreams, policy: Policy) -> None:
    """What a sandbox got is there after a reload."""
    before = build_one(upstreams, policy, upstream="sandbox").routes["mail"].upstream
    after = build_one(upstreams, policy, upstream="sandbox", mode="shadow").routes["mail"].upstream
    assert (before is after, isinstance(after, Sandbox)) == (True, True)
