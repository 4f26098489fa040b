"""A whole gate in a process of its own, as an operator would run it: `python -m proxy serve` with a file."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from bench import machine

_CONFIG = """\
listen:
  proxy: 127.0.0.1:{proxy}
  api: 127.0.0.1:{api}
  public: 127.0.0.1:{public}
  ops: 127.0.0.1:{ops}
store:
  path: {store}
routes:
  sendgrid:
    provider: sendgrid
    upstream: {upstream}
log: {{level: info, format: json}}
"""
_PATIENCE = 60.0  # seconds for a start
_DOORS = ("proxy", "api", "public", "ops")


class Gate:
    """A running gate over one store, on the measured core, its log thrown away; stopped at the end of the block."""

    def __init__(self, scratch: Path, store: Path, upstream: str = "sandbox", more: str = "") -> None:
        self.ports = _free_ports()
        self._errors = scratch / "stderr"
        self.config = _written(scratch, store, upstream, self.ports, more)
        self._command = [sys.executable, "-m", "proxy", "serve", "--config", str(self.config)]

    def __enter__(self) -> Self:
        started = time.perf_counter()
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=errors)
        machine.pin(machine.MEASURED, self._process.pid)
        self._wait(started + _PATIENCE)
        self.ready_after = time.perf_counter() - started  # seconds
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def metric(self, name: str) -> float:
        """Read one series of the gate's metrics; 0 where it is not there yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["ops"], timeout=10)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def wait_for_sizes(self) -> float:
        """Wait until the store's rows were counted after the start, and give the seconds."""
        started = time.perf_counter()
        while not self.metric('sendgate_store_rows{table="suppressed"}'):
            time.sleep(0.05)
        return time.perf_counter() - started

    def _wait(self, deadline: float) -> None:
        while not self._ready():
            if self._process.poll() is not None or time.perf_counter() > deadline:
                self._process.kill()
                raise RuntimeError(f"the gate did not start: {self._errors.read_text()}")
            time.sleep(0.005)

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["ops"], timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def configuration(scratch: Path, store: Path) -> Path:
    """Write the configuration of a gate over a store that nobody starts, for commands."""
    return _written(scratch, store, "sandbox", _free_ports())


def _written(scratch: Path, store: Path, upstream: str, ports: Mapping[str, int], more: str = "") -> Path:
    config = scratch / "config.yaml"
    config.write_text(_CONFIG.format(store=store, upstream=upstream, **ports) + more)
    return config


def _free_ports() -> dict[str, int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in _DOORS]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return dict(zip(_DOORS, ports, strict=True))
