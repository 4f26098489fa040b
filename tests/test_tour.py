"""The tour, step by step by a new user's hands: the gate of docs/tour.md is started, and each example is true."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.test_quickstart import DOORS, ROOT, Machine, environ, fits, free_ports, steps

TOUR: Final = ROOT / "docs" / "tour.md"


@dataclass(frozen=True)
class Tour(Machine):
    """A machine whose files of the tour lie in a folder of the test's own."""

    def here(self, text: str) -> str:
        """Put this machine's ports, environment and files in the place of the document's."""
        return re.sub(r"\btour\.(yaml|key|pepper|db)", rf"{self.folder}/tour.\1", super().here(text))

    def configure(self) -> Path:
        """Save the configuration that the document shows, with this machine's ports."""
        (shown,) = re.findall(r"^```yaml\n(.*?)^```$", TOUR.read_text(), re.MULTILINE | re.DOTALL)
        listen = "".join(f"  {door.lower()}: 127.0.0.1:{self.ports[port]}\n" for door, port in DOORS.items())
        (self.folder / "tour.yaml").write_text(f"listen:\n{listen}{self.here(shown)}")
        return self.folder / "tour.yaml"


@contextlib.contextmanager
def running(config: Path) -> Iterator[None]:
    """Start a gate with a configuration, and stop it after the block."""
    command = [sys.executable, "-m", "proxy", "serve", "--config", str(config)]
    with (
        (config.parent / "log").open("w") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.PIPE, text=True) as gate,
    ):
        assert gate.stderr is not None
        try:
            said = ""
            while "routes" not in said and (line := gate.stderr.readline()):
                said += line
            assert "sendgate is running" in said, said + (config.parent / "log").read_text()
            yield
        finally:
            gate.terminate()
            gate.stderr.read()  # to its end, which is the gate's


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="the tour asks for both")
def test_the_tour_is_true(tmp_path: Path) -> None:
    """Whoever follows the tour word by word sees what it says, and in the end nobody who said no was sent to."""
    ports = free_ports()
    tour = Tour(tmp_path, environ(tmp_path, ports), ports)
    config = tour.configure()
    first, *others = steps(TOUR)
    assert len(others) > 10, "the tour has lost its examples"
    assert fits(tour.run(first), tour.here(first.prints or ""))
    with running(config):
        for step in others:
            printed = tour.run(step)
            if step.prints is not None:
                assert fits(printed, tour.here(step.prints)), f"{step.text}\nprinted:\n{printed}\nnot:\n{step.prints}"
        assert [record["reason"] for record in tour.ask("/dispatch-failed")["items"]] == ["opted_out_channel"]
        assert tour.ask("/sandbox/messages")["items"] == []  # what was erased is not kept there either
