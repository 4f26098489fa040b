"""The one place where parts are joined: the store, the doors, what starts, stops and reloads.

What runs beside the requests is started here and kept by reference. Everything is reached from one App object, so a
test runs the whole gate in its own process on ports that the system picks.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiohttp import web, web_response

from policy import Policy, StoreUnavailable
from policy.events import Conflict
from policy.store import pruning
from proxy import log, ops, unsubscribe, webhooks
from proxy.api.application import application
from proxy.api.context import Context
from proxy.background import Background
from proxy.certificates import server_context
from proxy.config import Config, Listener
from proxy.crosschecks import clashes, config_warnings, needs_restart
from proxy.dispatch import Dispatch
from proxy.faults import ConfigError, Fault, key_path
from proxy.fetching import fetch
from proxy.gate import Entrance
from proxy.holding import Room
from proxy.joining import Upstreams, build
from proxy.loading import Loaded
from proxy.metrics import Metrics
from proxy.mounts import network_file_system
from proxy.nights import Nights
from proxy.reload import Watcher
from proxy.sandbox import Sandbox
from proxy.sockets import path_of, unix_socket
from proxy.texts import BadTexts

DRAIN: Final = 12.0  # seconds that requests in flight are given at a stop; a stop takes at most twice as long
MEASURE: Final = 15.0  # seconds between counts of the store's rows, at the least
MEASURE_SHARE: Final = 0.02  # of the time that counting may take
PRUNE: Final = 60.0  # seconds between looks for what is too old
LONGEST_LINE: Final = 64 * 1024  # bytes of a request line; an id in an API path may have 16 KB, escaped
LONGEST_VALUE: Final = 64 * 1024  # bytes of a header's value


# No answer tells which versions of what run here, not even those that aiohttp gives by itself to what is no HTTP. What
# a provider says of itself goes on.
vars(web_response)["SERVER_SOFTWARE"] = "sendgate"


class App:
    """One running gate."""

    def __init__(self, path: Path, loaded: Loaded, *, drain: float = DRAIN) -> None:
        self.path = path
        self.loaded = loaded
        self.drain = drain
        self.metrics = Metrics()
        self._started_with = config = loaded.config
        self.policy = Policy(config.store.path, config.store.pepper.reveal())
        self.policy.database.on_commit = self.metrics.committed
        self.policy.on_conflict = self._conflicted
        self.health = ops.Health(self.policy, self.metrics, lambda: self.config)
        self.addresses: dict[str, tuple[str, int]] = {}  # where each door was really bound
        self.on_started: Callable[[], object] = bool  # called once the doors are open
        self._upstreams = Upstreams()
        self._dispatches: list[Dispatch] = []
        self.room = Room()  # what is held of senders' bodies
        self._runners: list[web.BaseRunner] = []
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._background = Background()
        self._bound = doors(config)
        self._socket: Path | None = None
        self._reloaded = asyncio.Event()
        self._watcher = Watcher(path, loaded, self._take_over, self._refuse_file)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.loaded.config

    def listeners(self) -> dict[str, Listener]:
        """Give every listener of the configuration by its name."""
        return doors(self.config)

    async def start(self) -> None:
        """Open the store, then the doors; raises what Policy.open raises, and OSError for a taken address."""
        await asyncio.to_thread(self.policy.open)
        try:
            await self._open_doors()
        except BaseException:
            await self.stop()
            raise
        nights = Nights(self.policy, lambda: self.config, self.metrics)
        for name, work in (
            ("config", self._watcher.run),
            ("measure", self._measure),
            ("prune", self._prune),
            ("removal", nights.run),
        ):
            self._background.start(name, work)
        self.health.started = True
        for warning in config_warnings(self.config):
            log.get().warning("config_warning", says=warning)
        networked = network_file_system(self.config.store.path.absolute().parent)
        if networked:
            log.get().warning("store_on_network", file_system=networked, says="SQLite needs a local disk")
        if self.policy.held_at is not None:
            log.get().error(
                "store_held", ends_at=self.policy.held_at, says="a copy: `sendgate restore` takes it into use"
            )
        if await self.policy.unsettled():
            log.get().warning("erasure_unsettled", says="`sendgate rebuild` writes the store's file anew")
        self.on_started()
        log.get().info("started", **{door: f"{host}:{port}" for door, (host, port) in self.addresses.items()})

    async def stop(self) -> None:
        """Take no new requests, let those in flight end, and close the store after them."""
        self.health.draining = True
        for dispatch in self._dispatches:
            dispatch.draining = True
        await self._background.end()
        await asyncio.gather(*(runner.cleanup() for runner in self._runners), return_exceptions=True)
        self._remove_socket()
        await self._upstreams.close()
        await asyncio.to_thread(self.policy.close)
        log.get().info("stopped")

    async def run(self) -> None:
        """Start, and stop at SIGTERM or SIGINT; SIGHUP looks at the configuration at once."""
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._watcher.trigger)
        await self.start()
        try:
            await stopping.wait()
            log.get().info("stopping", seconds=self.drain)
        finally:
            await self.stop()

    # Doors

    async def _open_doors(self) -> None:
        self._gate = build(self.config, self.policy, self._upstreams)
        self._desk = _desk(self.config)
        self.metrics.prepare_routes(self._gate)
        own = {
            "api": lambda: self._app_runner(self._operators(operator=False)),
            "public": lambda: self._app_runner(self._public()),
            "ops": lambda: self._app_runner(ops.application(self.health)),
        }
        for door, listener in doors(self.config).items():
            runner = own[door]() if door in own else self._proxy_runner(_entrance(door))
            await self._open(door, listener, runner)
        await self._open_socket()

    def _proxy_runner(self, entrance: Entrance) -> web.BaseRunner:
        dispatch = Dispatch(self.policy, lambda: self._gate, (self.metrics.observe, log.observe), entrance, self.room)
        self._dispatches.append(dispatch)
        server = web.Server(
            dispatch,
            access_log=None,
            auto_decompress=False,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_VALUE,
        )
        return web.ServerRunner(server, shutdown_timeout=self.drain)

    def _app_runner(self, app: web.Application) -> web.AppRunner:
        return web.AppRunner(app, access_log=None, shutdown_timeout=self.drain, max_line_size=LONGEST_LINE)

    def _operators(self, *, operator: bool) -> web.Application:
        return application(self._context(), self.health, operator=operator)

    def _public(self) -> web.Application:
        """Join the providers' door and the recipients': they share a listener."""
        app = web.Application(client_max_size=webhooks.LARGEST)
        app.add_routes([*webhooks.routes(self._webhooks()), *unsubscribe.routes(self._unsubscribe())])
        return app

    def _unsubscribe(self) -> unsubscribe.Unsubscribe:
        observers = (self.metrics.visited, log.visited)
        return unsubscribe.Unsubscribe(self.policy, lambda: self._desk, self._context().learn, observers)

    def _webhooks(self) -> webhooks.Webhooks:
        context = self._context()
        observers = (self.metrics.heard, log.heard)
        return webhooks.Webhooks(self.policy, lambda: self._gate, context.learn_each, observers, fetch)

    def _conflicted(self, conflict: Conflict) -> None:
        self.metrics.conflicted(conflict)
        log.conflicted(conflict)

    def _context(self) -> Context:
        metrics = self.metrics
        return Context(
            self.policy, lambda: self.config, metrics.learned, self._sandboxes, metrics.removed, erased=log.erased
        )

    def _sandboxes(self) -> Mapping[str, Sandbox]:
        found = {name: route.upstream for name, route in self._gate.routes.items()}
        return MappingProxyType({name: box for name, box in found.items() if isinstance(box, Sandbox)})

    async def _open(self, door: str, listener: Listener, runner: web.BaseRunner) -> None:
        await runner.setup()
        self._runners.append(runner)
        address = listener.address
        context = None
        if listener.tls is not None:
            context = server_context(listener.tls)
            self._contexts[door] = context
        site = web.TCPSite(runner, address.host, address.port, ssl_context=context, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            key = f"{door}.listen" if "." in door else f"listen.{door}"
            raise OSError(error.errno, f"{key}: {address}: {error.strerror}") from error
        host, port, *_ = runner.addresses[0]
        self.addresses[door] = (host, port)

    async def _open_socket(self) -> None:
        """Open the operator's own door beside the store; who may open the file may do everything."""
        runner = self._app_runner(self._operators(operator=True))
        await runner.setup()
        self._runners.append(runner)
        self._socket = path_of(self.config.store.path)
        await web.SockSite(runner, unix_socket(self.config.store.path)).start()

    def _remove_socket(self) -> None:
        """Take the operator's door away while the store is still locked: later it may be another gate's."""
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.unlink(missing_ok=True)

    # Reload

    async def _take_over(self, loaded: Loaded) -> None:
        """Put a changed configuration in force for the requests to come."""
        self._check_as_bound(loaded.config)
        restart_for = needs_restart(self._started_with, loaded.config)
        desk = await asyncio.to_thread(_desk, loaded.config)
        gate = build(loaded.config, self.policy, self._upstreams)
        self._reload_certificates(loaded.config)
        self._gate, self._desk, self.loaded = gate, desk, loaded
        self.metrics.prepare_routes(gate)
        self._upstreams.keep_only(gate)
        log.configure(loaded.config.log.level, loaded.config.log.format)
        self.health.faults = ()
        self.health.restart_for = restart_for
        self.metrics.reloaded(applied=True)
        self._reloaded.set()
        tell = log.get().warning if restart_for else log.get().info
        tell("config_reloaded", restart_for=list(restart_for))
        for warning in config_warnings(loaded.config):
            log.get().warning("config_warning", says=warning)

    def _check_as_bound(self, config: Config) -> None:
        """Judge a changed file by the listeners that are really open; raises ConfigError.

        A file that takes the keys away and moves the listeners to loopback is sound after a restart, and an open door
        before it.
        """
        routes = {
            name: route.model_copy(update={"listen": self._bound.get(f"routes.{name}")})
            for name, route in config.routes.items()
        }
        bound = config.model_copy(update={"listen": self._started_with.listen, "routes": MappingProxyType(routes)})
        says = "; the listeners that are open now stay as they are until a restart"
        faults = tuple(Fault(1, key_path(clash.place), f"{clash.says}{says}") for clash in clashes(bound))
        if faults:
            raise ConfigError(faults)

    def _reload_certificates(self, config: Config) -> None:
        """Show new certificates to whoever connects from now on."""
        for door, listener in doors(config).items():
            if listener.tls is not None and door in self._contexts:
                self._contexts[door].load_cert_chain(listener.tls.cert, listener.tls.key)

    async def _refuse_file(self, error: ConfigError | OSError) -> None:
        """Leave the old configuration in force and say so."""
        faults = tuple(map(str, error.faults)) if isinstance(error, ConfigError) else (f"{type(error).__name__}",)
        self.health.faults = faults
        self.metrics.reloaded(applied=False)
        log.get().error("config_refused", faults=list(faults))

    # What runs beside the requests

    async def _prune(self) -> None:
        """Key and forget what the configuration says, again and again; at once where it says something new."""
        while True:
            now, tree = self.policy.now(), self.config
            with contextlib.suppress(StoreUnavailable):
                await self.policy.key_phone_traits(tree.users.phone_traits)
            jobs = {
                "records": pruning.records(
                    older_than=now - int(tree.records.keep * 1_000_000), max_rows=tree.records.max_rows
                ),
                "events": pruning.events(older_than=now - int(tree.events.keep * 1_000_000)),
            }
            for what, job in jobs.items():
                with contextlib.suppress(StoreUnavailable):  # told by everybody who needs the store
                    gone = await self.policy.prune(job)
                    if gone:
                        log.get().info("pruned", what=what, rows=gone)
            with contextlib.suppress(StoreUnavailable):
                await self.policy.forget_notices()
            if self.policy.settling_due:
                with contextlib.suppress(StoreUnavailable):
                    await self.policy.settle()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reloaded.wait(), PRUNE)
            self._reloaded.clear()

    async def _measure(self) -> None:
        """Count the store's rows, the more rarely the longer it takes."""
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            await self.health.measure()
            await asyncio.sleep(max(MEASURE, (clock() - began) / MEASURE_SHARE))


def doors(config: Config) -> dict[str, Listener]:
    """Name every listener of a configuration: the four doors, then those of routes and senders."""
    listen = config.listen
    found = {"proxy": listen.proxy, "api": listen.api, "public": listen.public, "ops": listen.ops}
    routes = {f"routes.{name}": route.listen for name, route in config.routes.items()}
    senders = {f"senders.{sender.name}": sender.listen for sender in config.senders}
    return {**found, **{door: at for door, at in {**routes, **senders}.items() if at is not None}}


def _desk(config: Config) -> unsubscribe.Desk:
    """Build the recipients' desk; raises ConfigError where a file of texts went bad since it was looked at."""
    try:
        return unsubscribe.desk(config, Path.read_bytes, time.monotonic)
    except BadTexts as bad:
        raise ConfigError((Fault(1, key_path(bad.place), str(bad)),)) from None


def _entrance(door: str) -> Entrance:
    kind, _, name = door.partition(".")
    return Entrance(route=name if kind == "routes" else None, sender=name if kind == "senders" else None)
