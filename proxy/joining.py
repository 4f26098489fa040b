"""A configuration's gate: providers loaded by name, upstreams opened or taken over from the gate before."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from types import MappingProxyType

from policy import Policy
from proxy import config
from proxy.credentials import credential
from proxy.gate import Gate, Route
from proxy.linker import linker
from proxy.providers import base
from proxy.sandbox import Sandbox
from proxy.upstream import Upstream


class Upstreams:
    """The upstreams of the running gate, kept over a reload where nothing about them changed."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Upstream | Sandbox] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, name: str, route: config.Route, provider: base.Provider, policy: Policy) -> Upstream | Sandbox:
        """Give the upstream of a route; a new one if anything that concerns it changed."""
        timeout = route.timeout
        key = (name, route.provider, route.upstream, timeout.connect, timeout.total, route.max_connections)
        if key not in self._known:
            self._known[key] = (
                Sandbox(name, provider, policy.now)
                if route.sandbox
                else Upstream(
                    route.upstream,
                    connect_timeout=timeout.connect,
                    total_timeout=timeout.total,
                    limit=route.max_connections,
                )
            )
        return self._known[key]

    def keep_only(self, gate: Gate) -> None:
        """Close what no route of the gate uses any more; exchanges that run there come to their end."""
        used = {id(route.upstream) for route in gate.routes.values()}
        for key, upstream in list(self._known.items()):
            if id(upstream) not in used:
                del self._known[key]
                task = asyncio.create_task(upstream.close())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close them all."""
        await asyncio.gather(*self._closing, *(upstream.close() for upstream in self._known.values()))


def build(tree: config.Config, policy: Policy, upstreams: Upstreams) -> Gate:
    """Build the gate of a configuration."""
    routes = {}
    for name, settings in tree.routes.items():
        provider = base.load(settings.provider)
        upstream = upstreams.of(name, settings, provider, policy)
        shown = credential(settings.auth, provider, settings.upstream)
        links = linker(settings.links, settings.provider, tree.unsubscribe.keys, tree.public_url)
        routes[name] = Route(name, settings, settings.policy, provider, upstream, shown, links)
    by_host = {host: routes[name] for name, settings in tree.routes.items() for host in settings.host}
    senders = {sender.name: sender for sender in tree.senders}
    return Gate(tree, MappingProxyType(routes), MappingProxyType(by_host), MappingProxyType(senders))
