"""Killed at any moment, a store has everything that it acknowledged."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from policy import Policy
from tests.policy.conftest import send_to, terms

LIVES = 32
PROGRAM = Path(__file__).with_name("killable.py")
ROOT = Path(__file__).parents[3]


@dataclass
class Writer:
    """The program that writes, and what it said was acknowledged."""

    process: subprocess.Popen[str]
    events: set[str] = field(default_factory=set)
    entries: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    pid: int = 0

    def born(self, path: Path) -> None:
        """Begin a life over a store."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        self.pid = int(self._until("born"))

    def acknowledged(self, number: int) -> None:
        """Wait until so many more writes were acknowledged."""
        for _ in range(number):
            assert not self._heard("dead"), "the writer ended by itself"

    def killed(self) -> None:
        """End the life at once, and read what it still said."""
        os.kill(self.pid, signal.SIGKILL)
        self._until("dead")

    def _until(self, word: str) -> str:
        while (heard := self._heard(word)) is None:
            pass
        return heard

    def _heard(self, wanted: str) -> str | None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().split()
        assert line, "the program ended"
        word, *rest = line
        if word == "event":
            self.events.update(rest)
        elif word == "entry":
            self.entries.update(rest)
        elif word == "record":
            self.records.update(rest)
        return "".join(rest) or word if word == wanted else None


@pytest.fixture
def writer() -> Iterator[Writer]:
    """Give the program, waiting for its first life."""
    command = [sys.executable, str(PROGRAM)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        writer = Writer(process)
        yield writer
        if process.poll() is None and writer.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(writer.pid, signal.SIGKILL)
        process.kill()


def check(path: Path, writer: Writer) -> None:
    """Open what the killed one left, and find everything that it acknowledged."""
    policy = Policy(path)
    policy.open()  # recovers, and needs the lock that the dead one had
    policy.close()
    with contextlib.closing(sqlite3.connect(path)) as store:
        sequences = [number for (number,) in store.execute("SELECT sequence FROM event ORDER BY sequence")]
        told = {address for (address,) in store.execute("SELECT email FROM person WHERE email IS NOT NULL")}
        entries = {address for (address,) in store.execute("SELECT address FROM blacklist")}
        records = {decision for (decision,) in store.execute("SELECT decision FROM dispatch_failed")}
        newest = store.execute("SELECT value FROM meta WHERE name = 'sequence'").fetchone()[0]
        assert sequences == list(range(1, int(newest) + 1))
        assert writer.events <= told
        assert writer.entries <= entries
        assert writer.records <= records
        assert store.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


async def test_everything_acknowledged_is_there_after_kill_9(writer: Writer, tmp_path: Path) -> None:
    """However often and whenever the writer is killed, each acknowledged event, entry and refusal is in the store."""
    path = tmp_path / "sendgate.db"
    for _ in range(LIVES):
        writer.born(path)
        writer.acknowledged(random.randint(1, 120))
        writer.killed()
        check(path, writer)
    assert len(writer.events) > LIVES
    assert len(writer.entries) > LIVES
    assert len(writer.records) > LIVES
    policy = Policy(path)
    policy.open()
    for address in random.sample(sorted(writer.events), 100):
        former = [f"former-{address}"] if address.startswith("user") else []
        for reached in (address, *former):
            assert (await policy.judge(send_to(reached), terms(transactional=True))).refused
    for address in random.sample(sorted(writer.entries), 20):
        assert (await policy.judge(send_to(address.replace("*", "bob")), terms(transactional=True))).refused
    policy.close()


def at_once(_: Path) -> bool:
    return True


def locked(path: Path) -> bool:
    return Path(f"{path}.lock").exists()


def made(path: Path) -> bool:
    return path.exists()


def begun(path: Path) -> bool:
    return Path(f"{path}-wal").exists()


@pytest.mark.parametrize("moment", [at_once, locked, made, begun])
def test_a_store_killed_at_its_birth_is_born_again(
    writer: Writer, tmp_path: Path, moment: Callable[[Path], bool]
) -> None:
    """A store whose first writer was killed while making it opens, and takes what the next one writes."""
    for number in range(4):
        path = tmp_path / str(number) / "sendgate.db"
        writer.born(path)
        while not moment(path):
            pass
        writer.killed()
        writer.events.clear()
        writer.entries.clear()
        writer.records.clear()
        writer.born(path)
        writer.acknowledged(5)
        writer.killed()
        check(path, writer)
