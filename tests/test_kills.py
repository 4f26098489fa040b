"""Killed amid an import, an export, a backup, a restore, a pruning or a removal: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from policy import Policy
from policy.events import Listing, Origin, Subject, Told, Word
from policy.model import Channel, Ending, Microseconds, Outcome
from policy.policy import clock
from policy.reasons import Reason
from policy.rows import events_of
from policy.store import backups
from tests.conftest import Serve, Settings
from tests.conftest import until as eventually

A = "a@example.com"
BATCH = 500
ROWS = 2500
CROWD = 12_000
LOOK = 0.001  # seconds between two looks: who is to be killed amid its work needs the core more
T = "2026-01-11T00:00:00.000000Z"
DAY = 86_400_000_000


@dataclass
class Home:
    """Where a gate lives: a configuration and what the command line does with it."""

    settings: Settings

    def start(self, command: str, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command as a process."""
        given = [sys.executable, "-m", "proxy", command, "--config", str(self.settings.path), *map(str, arguments)]
        process: subprocess.Popen[bytes] = subprocess.Popen(given, **options)
        return process

    def run(self, command: str, *arguments: object) -> tuple[int, str]:
        """Run a command to its end, and give its exit code and what it printed."""
        process = self.start(command, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = process.communicate()
        return process.returncode, said.decode()

    def exported(self) -> str:
        """Export everybody."""
        process = self.start("export", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said, _ = process.communicate()
        assert process.returncode == 0
        return said.decode()

    @contextlib.contextmanager
    def looking(self) -> Iterator[sqlite3.Connection]:
        """Look into the store beside whoever writes it."""
        uri = f"{self.settings.store.as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    def count(self, table: str) -> int:
        """Count the rows of a table; none where there is no store yet."""
        try:
            with self.looking() as connection:
                found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                return found
        except sqlite3.OperationalError:
            return 0

    def intact(self) -> bool:
        """Check every page of the store."""
        with self.looking() as connection:
            return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    def fill(self, count: int) -> None:
        """Make a store with many people who are blacklisted."""
        policy = Policy(self.settings.store)
        policy.open()
        groups = [events_of({"email": f"p{n}@example.com", "blacklisted": "true"}) for n in range(count)]

        async def learn() -> None:
            for start in range(0, count, 1000):
                assert set(await policy.learn_rows(groups[start : start + 1000])) == {""}

        asyncio.run(learn())
        policy.close()


@pytest.fixture
def home(settings: Settings) -> Home:
    """Give a gate's home."""
    settings.write()
    return Home(settings)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store with so many people that reading it takes a while."""
    home = Home(Settings(tmp_path_factory.mktemp("crowd"), "sandbox"))
    home.fill(CROWD)
    return home.settings.store


@pytest.fixture
def crowded(home: Home, crowd: Path) -> Home:
    """Give the home of a gate that knows many people."""
    home.settings.store.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(crowd, home.settings.store)
    return home


def until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until something happened, while a process runs."""
    while not happened():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(LOOK)


def until_fewer(count: Callable[[], int], than: int) -> None:
    """Wait until some of what is there are gone."""
    while count() >= than:
        time.sleep(LOOK)


def people(start: int, end: int) -> bytes:
    """Write rows of an import: users, leads and numbers, with every sort of standing."""
    kinds = (
        "{n},u{n}@example.com,,,true,{t},,,,\n",
        ',"l{n}@example.com",DE,,,,true,{t},,\n',
        ",,,+4915{n:08},,,,,,SMS=keyword#+4930123456@{t}\n",
        '"a\n{n}",v{n}@example.com,FR,mobile=+4916{n:08},,,,,MAIL@{t},\n',
        "{n},u{n}@example.com,,,,,,,SMS@{t},\n",
    )
    lines = (kinds[n % len(kinds)].format(n=n, t=T) for n in range(start, end))
    return "".join(lines).encode()


HEAD = b"id,email,businessUnit,phone,blacklisted,blacklistedAt,optOutAll,optOutAllAt,optOutChannels,optOutOrigins\n"


@dataclass(frozen=True)
class Whole:
    """An import that nothing disturbed: its file, and the export of the store it ended in."""

    file: Path
    export: str


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Import the people undisturbed."""
    folder = tmp_path_factory.mktemp("whole")
    home = Home(Settings(folder, "sandbox"))
    home.settings.write()
    path = folder / "people.csv"
    path.write_bytes(HEAD + people(0, ROWS))
    assert home.run("import", path) == (0, f"{ROWS} rows taken, 0 not\n")
    return Whole(path, home.exported())


# ── an import ──


@pytest.mark.parametrize(
    ("taken", "again"),
    [
        pytest.param(1, "from the line", id="in its first batch, and taken up"),
        pytest.param(2 * BATCH, "from its beginning", id="in its middle, and told again"),
        pytest.param(ROWS - BATCH, "from the line", id="before its last batch, and taken up"),
    ],
)
def test_an_import_is_killed(home: Home, whole: Whole, taken: int, again: str) -> None:
    """Killed, an import has taken whole batches; taken up again it ends in the store of an undisturbed one."""
    begin_import_and_kill(home, taken)
    assert home.intact()
    with home.looking() as connection:
        told = connection.execute("SELECT count(*), max(sequence) FROM event").fetchone()
        (sequence,) = connection.execute("SELECT value FROM meta WHERE name = 'sequence'").fetchone()
    assert told == (int(sequence), int(sequence))
    lines = home.exported().splitlines()
    assert lines == whole.export.splitlines()[: len(lines)]
    options = ["--from-line", _line_of(BATCH * (taken // BATCH))] if again == "from the line" else []
    assert home.run("import", whole.file, *options)[0] == 0
    assert home.exported() == whole.export


def begin_import_and_kill(home: Home, taken: int) -> None:
    """Import from a pipe, and kill the command as soon as so many rows are there."""
    process = home.start("import", "-", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(HEAD + people(0, taken + BATCH))
    process.stdin.flush()
    until(lambda: home.count("person") >= taken, process)
    process.kill()
    process.wait()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()


def _line_of(row: int) -> int:
    """Say in which line of the file a row begins."""
    return (HEAD + people(0, row)).count(b"\n") + 1


async def test_an_import_through_a_gate_is_killed(home: Home, whole: Whole, serve: Serve) -> None:
    """The gate goes on when the import is killed, and after a kill of its own it takes the whole import again."""
    gate = await serve()
    await asyncio.to_thread(begin_import_and_kill, home, 2 * BATCH)
    await gate.tell("Blacklisted", email="u0@example.com")
    assert (await gate.mail("u0@example.com")).status == 400
    gate.process.kill()
    await gate.end()
    assert home.intact()
    again = await serve()
    assert (await again.mail("u0@example.com")).status == 400
    assert (await asyncio.to_thread(home.run, "import", whole.file))[0] == 0
    lines = (await asyncio.to_thread(home.exported)).splitlines()
    told = {line for line in lines if "u0@" not in line}
    assert told == {line for line in whole.export.splitlines() if "u0@" not in line}
    assert len(lines) == len(whole.export.splitlines())


async def test_the_gate_is_killed_in_an_import(home: Home, whole: Whole, serve: Serve) -> None:
    """When the gate goes, an import beside it stops and says where to go on; taken up there, nobody is missing."""
    gate = await serve()
    process = home.start("import", "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(HEAD + people(0, 4 * BATCH))
    process.stdin.flush()
    until(lambda: home.count("person") > BATCH, process)
    gate.process.kill()
    await gate.end()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(people(4 * BATCH, ROWS))
        process.stdin.flush()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    assert process.stderr is not None
    said = (await asyncio.to_thread(process.stderr.read)).decode()
    process.stderr.close()
    assert await asyncio.to_thread(process.wait) == 1
    line = next(text for text in said.splitlines() if "--from-line" in text).rpartition(" ")[2]
    assert home.intact()
    again = await serve()
    assert (await again.mail("u0@example.com")).status == 400
    assert (await asyncio.to_thread(home.run, "import", whole.file, "--from-line", line))[0] == 0
    assert await asyncio.to_thread(home.exported) == whole.export


# ── an export ──


def test_an_export_is_killed(crowded: Home) -> None:
    """Killed, an export leaves no half file under its name; an older one stays."""
    home = crowded
    target = home.settings.folder / "people.csv"
    for older in (None, "an older one"):
        if older:
            target.write_text(older)
        process = home.start("export", target, stderr=subprocess.DEVNULL)
        until(target.with_name("people.csv.part").exists, process)
        process.kill()
        process.wait()
        assert (target.read_text() if target.exists() else None) == older
        target.with_name("people.csv.part").unlink()
    assert home.run("export", target) == (0, f"{CROWD} rows written\n")
    assert target.read_text().count("\n") == CROWD + 1


# ── a backup ──


def copied(part: Path, size: int) -> bool:
    """Tell whether so many bytes of a copy are there."""
    return part.exists() and part.stat().st_size >= size


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(0, id="at its beginning"),
        pytest.param(1 << 20, id="while it is copied"),
        pytest.param(6 << 20, id="near its end"),
    ],
)
async def test_a_backup_is_killed(crowded: Home, serve: Serve, size: int) -> None:
    """Killed, a backup leaves no half copy under its name, an older one stays, and the gate goes on."""
    home = crowded
    gate = await serve()
    target = home.settings.folder / "backup.db"
    part = backups.part_of(target)
    for older in (None, b"an older one"):
        if older:
            target.write_bytes(older)
        process = home.start("backup", target, stderr=subprocess.DEVNULL)
        until(lambda: copied(part, size), process)
        process.send_signal(signal.SIGSTOP)
        assert (target.read_bytes() if target.exists() else None) == older
        process.kill()
        process.wait()
        assert (target.read_bytes() if target.exists() else None) == older
        part.touch()
    await gate.tell("Blacklisted", email=A)
    code, said = await asyncio.to_thread(home.run, "backup", target)
    assert (code, "intact" in said, part.exists()) == (0, True, False)
    connection = sqlite3.connect(target)
    backups.verify(connection)
    assert backups.ends_at(connection) == CROWD + 1
    connection.close()


async def test_the_gate_is_killed_beside_a_backup(crowded: Home, serve: Serve) -> None:
    """A backup that is being copied ends whole though the gate is killed and starts again; a no since is not in it."""
    home = crowded
    gate = await serve()
    target = home.settings.folder / "backup.db"
    process = home.start("backup", target, stderr=subprocess.DEVNULL)
    until(lambda: copied(backups.part_of(target), 1 << 20), process)
    process.send_signal(signal.SIGSTOP)
    gate.process.kill()
    await gate.end()
    again = await serve()
    await again.tell("Blacklisted", email=A)
    process.send_signal(signal.SIGCONT)
    assert await asyncio.to_thread(process.wait) == 0
    connection = sqlite3.connect(target)
    backups.verify(connection)
    assert backups.ends_at(connection) == CROWD
    connection.close()
    assert home.intact()
    assert (await again.mail(A)).status == 400


# ── a restore ──


def test_a_restore_is_killed_between_two_names(home: Home) -> None:
    """Where a kill left no store but one half in place, nothing starts with an empty store until it is restored."""
    home.fill(10)
    store, copy = home.settings.store, home.settings.folder / "backup.db"
    assert home.run("backup", copy)[0] == 0
    store.rename(f"{store}.replaced")
    shutil.copyfile(copy, backups.part_of(store))
    for command in (["serve"], ["import", "-"], ["blacklist", A]):
        code, said = home.run(*command)
        assert (code, "restore it again" in said) == (1, True), said
        assert not store.exists()
    assert home.run("restore", copy, "--accept-loss")[0] == 0
    assert "nothing at all is sent" in home.run("status", "p9@example.com")[1]


def test_a_restore_is_killed_while_the_journal_is_told(home: Home) -> None:
    """Killed while a journal is told, a copy has all of it or nothing, is out of use, and can be told it again."""
    home.fill(2)
    copy, journal = home.settings.folder / "backup.db", home.settings.folder / "journal"
    assert home.run("backup", copy)[0] == 0
    home.fill(3000)
    with journal.open("wb") as file:
        assert home.start("journal", stdout=file, stderr=subprocess.DEVNULL).wait() == 0
    last = journal.read_bytes().count(b"\n")
    whole = home.exported()
    assert home.run("restore", copy)[0] == 1
    process = home.start("restore", "--journal", journal, "--until", last, stderr=subprocess.DEVNULL)
    until(home.settings.store.with_name(f"{home.settings.store.name}-wal").exists, process)  # it is open
    process.kill()
    process.wait()
    assert home.intact()
    assert home.count("event") in (2, last)
    assert home.run("blacklist", A)[0] == 1
    assert home.run("restore", "--journal", journal, "--until", last)[0] == 0
    assert home.exported() == whole


# ── a pruning ──


def refused(days: int) -> Outcome:
    """Make a send that ended as a whole some days ago."""
    return Outcome(
        decision="d",
        arrived_at=Microseconds(clock() - days * DAY),
        route="mail",
        provider="sendgrid",
        ending=Ending.REFUSED,
        channel=Channel.MAIL,
        recipients=1,
        reason=Reason.UNREADABLE,
    )


def old_records(home: Home, count: int) -> None:
    """Fill a store with records of which ten are of today."""
    policy = Policy(home.settings.store)
    policy.open()

    async def write() -> None:
        for start in range(0, count, 1000):
            await asyncio.gather(*(policy.record(refused(30)) for _ in range(start, start + 1000)))
        for _ in range(10):
            await policy.record(refused(0))

    asyncio.run(write())
    policy.close()


async def test_a_pruning_is_killed(home: Home, serve: Serve) -> None:
    """Killed again and again while old records go, the gate goes on, and knows every no that was acknowledged."""
    count = 30_000
    await asyncio.to_thread(old_records, home, count)
    acknowledged = []
    for life in itertools.count():
        before = home.count("dispatch_failed")
        if before <= 10 or life == 4:
            break
        gate = await serve(records={"keep": "1d"})
        email = f"p{life}@example.com"
        await gate.tell("Blacklisted", email=email)
        acknowledged.append(email)
        until_fewer(lambda: home.count("dispatch_failed"), before)
        os.kill(gate.process.pid, signal.SIGKILL)
        await gate.end()
        assert home.intact()
        with home.looking() as connection:
            first, last, left = connection.execute("SELECT min(id), max(id), count(*) FROM dispatch_failed").fetchone()
        assert (last, left) == (count + 10, last - first + 1)
        assert left < before
    gate = await serve(records={"keep": "1d"})
    until_fewer(lambda: home.count("dispatch_failed"), 11)
    for email in acknowledged:
        assert (await gate.mail(email)).status == 400


# ── a nightly removal ──


def listed_people(home: Home, count: int) -> None:
    """Fill a store with people who are blacklisted and listed, each with some events."""
    policy = Policy(home.settings.store)
    policy.open()

    async def write() -> None:
        for number in range(count):
            email = f"p{number}@example.com"
            subject = Subject(email=email, email_keys=(email,))
            said = [Told(subject, Word.BLACKLISTED, Word.BLACKLISTED, Origin.API)]
            said += [Told(subject, "Completed Order", None, Origin.API, properties={"n": n}) for n in range(20)]
            await policy.learn([*said, Listing(f"entry-{number}", email, (email,))])

    asyncio.run(write())
    policy.close()


async def test_a_removal_is_killed(home: Home, serve: Serve) -> None:
    """Killed again and again in a nightly removal, the gate goes on with it: all go at last, and none is mailed."""
    count = 40
    await asyncio.to_thread(listed_people, home, count)
    night = {"at": time.strftime("%H:%M", time.gmtime(time.time() - 3600))}  # an hour ago

    def left() -> int:
        return home.count("person WHERE kept = 0") + home.count("event WHERE person IS NOT NULL")

    for life in range(4):
        before = left()
        if not before:
            break
        gate = await serve(blacklists={"removal": night})
        until_fewer(left, before)
        os.kill(gate.process.pid, signal.SIGKILL)
        await gate.end()
        assert home.intact()
        assert left() < before, life
    gate = await serve(blacklists={"removal": night})
    await eventually(lambda: not left())
    for number in range(count):
        assert (await gate.api("DELETE", f"/api/v1.0/blacklists/entry-{number}")).status == 200
        assert (await gate.mail(f"p{number}@example.com")).get("X-Sendgate-Reasons") == "blacklisted"
    with home.looking() as connection:
        bodies = connection.execute("SELECT body FROM event WHERE kind = 'told'").fetchall()
    assert not any("@example.com" in body for (body,) in bodies)
