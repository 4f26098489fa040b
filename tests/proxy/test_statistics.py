"""`sendgate stats`: bars in the terminal and in a pipe, pictures, and what is told where there can be none."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from datetime import UTC, datetime

import pytest

from proxy.__main__ import main
from tests.conftest import OpenGate, RunningGate, Settings
from tests.shell import Shell

A = "a@example.com"


@pytest.fixture
def stats(stored: Settings, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Give the command, with a store that knows nobody."""
    return Shell(stored, capsys, "stats")


async def told(open_gate: OpenGate) -> RunningGate:
    """Give a gate to which some said no, and at which something was not sent."""
    gate = await open_gate()
    for number in range(4):
        await gate.tell("Opt Out", "SMS" if number else "MAIL", id=str(number))
    await gate.tell("Blacklisted", email=A)
    assert (await gate.mail(A)).status == 400
    return gate


@pytest.mark.parametrize("beside", [True, False], ids=["beside a gate", "alone"])
async def test_counts_as_bars(open_gate: OpenGate, stats: Shell, beside: bool) -> None:  # noqa: FBT001 (a case)
    """In a pipe a plot has lines of plain characters for eighty columns."""
    gate = await told(open_gate)
    if not beside:
        await gate.app.stop()
    code, out, err = await stats("--by", "channel")
    assert (code, err) == (0, "")
    assert [line.rstrip() for line in out.splitlines()[1:]] == [
        "# opt-outs  + blacklisted",
        "channel  opt-outs  opt-ins  blacklisted  whitelisted",
        "SMS             3        0            0            0  ##########################",
        "MAIL            1        0            0            0  #########",
        "ALL             0        0            1            0  +++++++++",
    ]
    assert (await stats("dispatch-failed", "--by", "reason"))[1].splitlines()[1:] == [
        "reason       records  recipients",
        f"blacklisted        1           1  {'#' * 46}",
    ]


async def test_the_last_thirty_days(open_gate: OpenGate, stats: Shell) -> None:
    """Without more words it is the opt-outs of the last thirty days, today's last."""
    await told(open_gate)
    lines = (await stats())[1].splitlines()
    assert lines[0].startswith("Opt-outs by day, ")
    assert len(lines) == 33
    assert lines[-1].split()[:5] == [datetime.now(UTC).date().isoformat(), "4", "0", "1", "0"]


async def test_a_year(stats: Shell) -> None:
    """A long time is told by month, and its last day is one that counts."""
    code, out, _ = await stats("--from", "2025-01-01T00:00:00Z", "--to", "2026-01-01T00:00:00Z")
    lines = out.splitlines()
    assert (code, lines[0]) == (0, "Opt-outs by month, 2025-01-01 to 2025-12-31 (UTC)")
    assert [line.split()[0] for line in lines[3:]] == [f"2025-{month:02}" for month in range(1, 13)]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_is_filled_and_not_overrun(stats: Shell, columns: int) -> None:
    """In a terminal the longest bar ends where the line does."""
    asyncio.run(_blacklisted(stats.settings))
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    given = [sys.executable, "-m", "proxy", *stats.given("--by", "origin")]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(given, stdout=follower, env=environment) as process:
        os.close(follower)
        said = b""
        while chunk := _read(leader):
            said += chunk
    os.close(leader)
    assert process.returncode == 0
    lines = said.decode().replace("\r", "").splitlines()
    assert max(map(len, lines)) == len(lines[-1]) == columns
    assert "\x1b" not in said.decode()


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 1 << 16)
    except OSError:  # the other end is closed
        return b""


async def _blacklisted(settings: Settings) -> None:
    code = await asyncio.to_thread(main, ["blacklist", "--config", str(settings.path), A])
    assert code == 0


@pytest.mark.parametrize(("name", "begins"), [("plot.png", b"\x89PNG"), ("plot.svg", b"<?xml")])
async def test_a_picture(open_gate: OpenGate, stats: Shell, name: str, begins: bytes) -> None:
    """A picture is written whole, for its owner alone, and nothing is printed."""
    await told(open_gate)
    path = stats.settings.folder / name
    assert await stats("--output", path) == (0, "", "")
    assert path.read_bytes().startswith(begins)
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "age"), "--by is not understood: day, channel, origin or campaign"),
        (("--by", "reason"), "--by is not understood"),
        (("--from", "yesterday"), "--from is not understood: a time with its zone"),
        (("--to", "2026-03-01T00:00:00"), "--to is not understood: a time with its zone"),
        (("--from", "2999-01-01T00:00:00Z"), "--to is not understood: it must be later than from"),
        (("--output", "plot.gif"), "plot.gif: a picture's name ends in .png or .svg"),
    ],
)
async def test_what_cannot_be_counted(stats: Shell, arguments: tuple[str, ...], said: str) -> None:
    """What is wrong is told in one line."""
    code, out, err = await stats(*arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(said)


def test_without_the_library(stats: Shell) -> None:
    """Where matplotlib is not installed a picture is refused with what to install, and bars are drawn all the same."""
    program = (
        "import sys; sys.modules['matplotlib'] = None; from proxy.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    for output, code in (("plot.png", 1), (None, 0)):
        given = stats.given(*(("--output", output) if output else ()))
        done = subprocess.run([sys.executable, "-c", program, *given], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert ("pip install -c constraints.txt matplotlib" in done.stderr) is (code == 1)
