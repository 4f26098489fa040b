"""The documents' examples, run word by word by a new user's hands: bash by bash, Python by Python, against `make run`.

A block is run as it stands, and what it prints must be what the text block under it says; `…` there stands for any
text of a line, and alone on a line for any lines. Only three things are put in place of the documents' own: the ports,
where others have taken them, the store, which is this test's own, and the environment, which is the one under test.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[1]
README: Final = ROOT / "README.md"
API: Final = ROOT / "docs" / "api.md"
DOORS: Final = {"PROXY": 8080, "API": 8081, "PUBLIC": 8082, "OPS": 8083}

# What the documents ask of curl, for machines without it.
CURL: Final = f"""#!{sys.executable}
import argparse, sys, urllib.error, urllib.request

asked = argparse.ArgumentParser()
asked.add_argument("-s", action="store_true")
asked.add_argument("-i", action="store_true")
asked.add_argument("-X", default=None)
asked.add_argument("-H", action="append", default=[])
asked.add_argument("-d", default=None)
asked.add_argument("url")
told = asked.parse_args()
headers = dict(line.split(": ", 1) for line in told.H)
body = None if told.d is None else told.d.encode()
request = urllib.request.Request(told.url, body, headers, method=told.X)
try:
    answer = urllib.request.urlopen(request)
except urllib.error.HTTPError as error:
    answer = error
with answer:
    if told.i:
        print(f"HTTP/1.1 {{answer.status}} {{answer.reason}}\\n{{answer.headers}}", end="")
    print(answer.read().decode(), end="")
"""


@dataclass(frozen=True)
class Step:
    """One example: what is to be run, and what the document says that it prints."""

    language: str
    text: str
    prints: str | None


def steps(document: Path, section: str = "") -> list[Step]:
    """Read the examples of a document, or of one section of it."""
    text = document.read_text()
    if section:
        text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    following = [*blocks[1:], ("", "")]
    return [
        Step(language, body, after if kind == "text" else None)
        for (language, body), (kind, after) in zip(blocks, following, strict=True)
        if language in ("bash", "python")
    ]


def fits(printed: str, said: str) -> bool:
    """Tell whether something printed is what a document says."""
    lines = [
        "(?:.*\n)*" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + "\n"
        for line in said.rstrip("\n").split("\n")
    ]
    plain = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().split("\n"))
    return re.fullmatch("".join(lines), plain) is not None


@dataclass(frozen=True)
class Machine:
    """Where the documents' commands run: the folder of the checkout, and a gate that `make run` started."""

    folder: Path
    environ: dict[str, str]
    ports: dict[int, int]
    greeting: str = ""

    def here(self, text: str) -> str:
        """Put this machine's ports and environment in the place of the document's."""
        for door, port in self.ports.items():
            text = text.replace(f"127.0.0.1:{door}", f"127.0.0.1:{port}")
        return text.replace(".venv/bin/", f"{sys.prefix}/bin/")

    def run(self, step: Step) -> str:
        """Run one example and give what it prints; it must end well."""
        text = self.here(step.text)
        if step.language == "python":
            script = self.folder / "example.py"
            script.write_text(text)
            command = [sys.executable, str(script)]
        else:
            command = ["bash", "-euo", "pipefail", "-c", text]
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def follow(self, document: Path, section: str = "") -> None:
        """Run all examples in their order and hold what they print against the document."""
        examples = steps(document, section)
        assert len(examples) > 3, "the document has lost its examples"
        for step in examples:
            printed = self.run(step)
            if step.prints is not None:
                assert fits(printed, self.here(step.prints)), f"{step.text}\nprinted:\n{printed}\nnot:\n{step.prints}"

    def ask(self, path: str) -> Any:
        """Ask the API something that no example asks."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[8081]}{path}") as answer:
            return json.load(answer)


def free_ports() -> dict[int, int]:
    """Give a port for each of the documents' ports: itself, if all of them are free, else any."""
    with contextlib.ExitStack() as stack:
        try:
            for port in DOORS.values():
                bound = stack.enter_context(socket.socket())
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                bound.bind(("127.0.0.1", port))
        except OSError:
            others = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in DOORS]
            return {port: other.getsockname()[1] for port, other in zip(DOORS.values(), others, strict=True)}
    return {port: port for port in DOORS.values()}


def environ(folder: Path, ports: dict[int, int]) -> dict[str, str]:
    """Give the environment of the commands: without an outer make's, with this test's ports and store."""
    own = {name: text for name, text in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    own |= {f"SENDGATE_LISTEN_{door}": f"127.0.0.1:{ports[port]}" for door, port in DOORS.items()}
    return {**own, "SENDGATE_STORE_PATH": str(folder / "sendgate.db"), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}


@contextlib.contextmanager
def machine(folder: Path, *, curl: bool) -> Iterator[Machine]:
    """Start the gate by the command that README names, and stop it after the block."""
    ports = free_ports()
    (folder / "bin").mkdir()
    if not curl:
        (folder / "bin" / "curl").write_text(CURL)
        (folder / "bin" / "curl").chmod(0o755)
    around = environ(folder, ports)
    command = shlex.split(steps(README, "Run it")[0].text)
    assert command == ["make", "run"]
    nothing_anew = [f"--old-file={sys.prefix}/run.stamp", f"VENV={sys.prefix}"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [*command, *nothing_anew],
            cwd=ROOT,
            env=around,
            stdout=log,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as gate,
    ):
        assert gate.stderr is not None
        try:
            said = ""
            while "routes" not in said and (line := gate.stderr.readline()):
                said += line
            assert "sendgate is running" in said, said + (folder / "log").read_text()
            yield Machine(folder, around, ports, said)
        finally:
            os.killpg(gate.pid, signal.SIGTERM)
            gate.stderr.read()  # to its end, which is the gate's


@pytest.fixture(params=["curl", "no curl"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """Give a machine with a fresh gate; curl is the system's, or stands in where there is none."""
    if request.param == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    with machine(tmp_path, curl=request.param == "curl") as started:
        yield started


def test_the_quick_start_is_true(fresh: Machine) -> None:
    """Whoever follows README word by word sees what it says: one delivered, two refused, and a receipt to one."""
    assert fits(fresh.greeting, fresh.here(steps(README, "Run it")[0].prints or ""))
    fresh.follow(README, "Quick start")
    got = [json.loads(message["body"]) for message in fresh.ask("/sandbox/messages")["items"]]
    reached = {(mail["subject"], to["email"]) for mail in got for part in mail["personalizations"] for to in part["to"]}
    assert reached == {("Autumn sale", "alice@example.com"), ("Your receipt", "carol@example.com")}
    records = fresh.ask("/dispatch-failed")["items"]
    refused = Counter((record["address"], record["reason"], record["class"]) for record in records)
    assert refused == {
        ("bob@example.com", "blacklisted", "marketing"): 2,
        ("carol@example.com", "opted_out", "marketing"): 1,
        ("bob@example.com", "blacklisted", "transactional"): 1,
    }


def test_the_sdks_need_nothing_but_the_base_url(tmp_path: Path) -> None:
    """README's example of the Twilio SDK, with its base URL changed alone, sends through the gate."""
    with machine(tmp_path, curl=shutil.which("curl") is not None) as started:
        (example,) = steps(README, "Pointing an SDK at the gate")
        assert fits(started.run(example), example.prints or "")
        (message,) = started.ask("/sandbox/messages")["items"]
        assert (message["route"], "4915112345678" in message["body"]) == ("sms-sandbox", True)


def test_the_examples_of_the_api_are_true(tmp_path: Path) -> None:
    """Every example of api.md, run in its order against a fresh store, answers what stands under it."""
    with machine(tmp_path, curl=shutil.which("curl") is not None) as started:
        started.follow(API)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus' own tool is not on this machine")
def test_prometheus_finds_nothing_to_say_about_the_metrics(tmp_path: Path) -> None:
    """Prometheus' own check reads what a gate exposes after a send, names and help texts included."""
    with machine(tmp_path, curl=shutil.which("curl") is not None) as started:
        started.run(steps(README, "Pointing an SDK at the gate")[0])
        with urllib.request.urlopen(f"http://127.0.0.1:{started.ports[8083]}/metrics") as answer:
            exposed = answer.read()
    done = subprocess.run(["promtool", "check", "metrics"], input=exposed, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
