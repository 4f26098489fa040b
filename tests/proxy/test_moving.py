"""`sendgate import` and `sendgate export`, beside a running gate and without one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy import Policy
from policy.rows import COLUMNS, LONGEST
from policy.store import backups
from proxy import printing
from proxy.__main__ import main
from proxy.moving import BATCH, BATCH_SIZE, TOLD, _batches
from proxy.transfer import FORMATS, Line
from tests.conftest import OpenGate, RunningGate, Settings

A, B = "a@example.com", "b@example.com"
HEAD = ",".join(COLUMNS)
T = "2026-01-11T00:00:00Z"


class Shell:
    """Runs commands in a thread, as they have a loop of their own."""

    def __init__(self, settings: Settings, captured: pytest.CaptureFixture[str]) -> None:
        self.folder = settings.folder
        self.settings = settings
        self._captured = captured

    async def __call__(self, command: str, *arguments: object) -> tuple[int, str, str]:
        """Run one command, and give its exit code and what it printed to both streams."""
        self._captured.readouterr()
        given = [command, "--config", str(self.settings.path), *map(str, arguments)]
        code = await asyncio.to_thread(main, given)
        return code, *self._captured.readouterr()

    def file(self, text: str | bytes, name: str = "people.csv") -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def wipe(self) -> None:
        """Take the store away."""
        for path in self.settings.store.parent.iterdir():
            path.unlink()

    def start(self, command: str, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command as a process."""
        given = [sys.executable, "-m", "proxy", command, "--config", str(self.settings.path), *map(str, arguments)]
        process: subprocess.Popen[bytes] = subprocess.Popen(given, **options)
        return process


@pytest.fixture
def sendgate(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Give the command line with a configuration."""
    settings.write()
    return Shell(settings, capsys)


@pytest.fixture(params=["beside a gate", "alone"])
async def anywhere(request: pytest.FixtureRequest, sendgate: Shell, open_gate: OpenGate) -> Shell:
    """Give the command line, with and without a running gate."""
    if request.param == "beside a gate":
        await open_gate()
    return sendgate


# ── import ──


async def test_an_import_says_what_was_taken(anywhere: Shell) -> None:
    """Good rows are taken and counted, bad ones told with line and reason; the exit code is 1 if there are any."""
    path = anywhere.file(f"id,email,blacklisted\n1,{A},true\n2,nonsense,\n3,{B},x\n")
    code, out, err = await anywhere("import", path)
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "line 3: email is no e-mail address",
        "line 4: blacklisted is neither true nor false",
        "1 rows taken, 2 not",
    ]
    assert "nothing at all is sent" in (await anywhere("status", A))[1]
    code, _, err = await anywhere("import", anywhere.file(f"email,optOutAll\n{B},1\n"))
    assert (code, err) == (0, "1 rows taken, 0 not\n")


async def test_sends_know_an_import_at_once(gate: RunningGate, sendgate: Shell) -> None:
    """Beside a running gate, the next send to an imported address is refused."""
    assert (await gate.mail(A)).status == 202
    assert (await sendgate("import", sendgate.file(f"email,blacklisted\n{A},true\n")))[0] == 0
    assert (await gate.mail(A)).status == 400


LISTS = [
    pytest.param(f"\ufeffemail;blacklisted\r\n{A};true\r\n", "people.csv", [], 0, id="BOM, semicolons, CRLF"),
    pytest.param(f'email\tblacklisted\n"{A}"\ttrue\n', "people.txt", [], 0, id="tabs, whatever the name"),
    pytest.param(f'id,email,blacklisted\n"1\n2",{A},true\n', "people.csv", [], 0, id="quotes over lines"),
    pytest.param(f'id,email,blacklisted\n"1,{B},1\n2,{A},1\n', "people.csv", [], 1, id="a quote that nobody closes"),
    pytest.param(f'{{"email": "{A}", "blacklisted": true}}\n', "people.ndjson", [], 0, id="NDJSON"),
    pytest.param(f'{{"email": "{A}", "blacklisted": true}}\n', "x", ["--format", "ndjson"], 0, id="NDJSON, said so"),
    pytest.param(
        f"id,email,blacklisted\nü,{A},true\n".encode("latin-1"),
        "people.csv",
        ["--encoding", "latin-1"],
        0,
        id="Latin-1",
    ),
    pytest.param(
        f"id,email,blacklisted\nü,{B},1\n1,{A},1\n".encode("latin-1"), "people.csv", [], 1, id="Latin-1, not said"
    ),
    pytest.param(f"id,email,blacklisted\na\0b,{A},true\n", "people.csv", [], 1, id="a NUL in another cell"),
    pytest.param(f"email,blacklistedAt\n{A},{T}\n", "people.csv", [], 0, id="a time without its flag"),
]


@pytest.mark.parametrize(("text", "name", "options", "code"), LISTS)
async def test_lists_as_they_come(sendgate: Shell, text: str | bytes, name: str, options: list[str], code: int) -> None:
    """Whatever a list looks like, whom it suppresses is suppressed."""
    assert (await sendgate("import", sendgate.file(text, name), *options))[0] == code
    assert "nothing at all is sent" in (await sendgate("status", A))[1]


NOT_TAKEN = [
    pytest.param("", [], 1, "the first line must name columns", id="an empty file"),
    pytest.param(
        "id,name\n1,x\n", [], 1, "nothing was taken\nthe first line must name columns", id="an unknown column"
    ),
    pytest.param(
        "id,id,name\n1,x\n", [], 1, "each once; cells that do not: 2, 3", id="a column twice, and an unknown one"
    ),
    pytest.param(
        b"\xff\xfei\x00", ["--encoding", "utf-16"], 1, "the first line must name", id="UTF-16 of something else"
    ),
    pytest.param("id\n", ["--encoding", "nonsense"], 1, "nonsense is no encoding", id="an unknown encoding"),
]


@pytest.mark.parametrize(("text", "options", "code", "says"), NOT_TAKEN)
async def test_files_that_cannot_be_imported(
    sendgate: Shell, text: str | bytes, options: list[str], code: int, says: str
) -> None:
    """What is no list at all is refused before anything is taken, with what would do."""
    await sendgate("import", sendgate.file("id\n", "nobody.csv"))
    got, _, err = await sendgate("import", sendgate.file(text), *options)
    assert (got, says in err) == (code, True)
    assert (await sendgate("export"))[1] == f"{HEAD}\n"


async def test_files_that_are_not_there(sendgate: Shell, tmp_path: Path) -> None:
    """A file that cannot be read is a fault of usage, and is named."""
    for path in (tmp_path / "nowhere.csv", tmp_path):
        code, _, err = await sendgate("import", path)
        assert (code, f"cannot open {path}" in err) == (2, True)


async def test_a_file_with_only_its_first_line(sendgate: Shell) -> None:
    """A list of nobody is imported."""
    assert (await sendgate("import", sendgate.file(f"{HEAD}\n")))[::2] == (0, "0 rows taken, 0 not\n")


async def test_release(sendgate: Shell) -> None:
    """A false cell releases with --release, and without it says nothing."""
    assert (await sendgate("import", sendgate.file(f"email,blacklisted\n{A},true\n")))[0] == 0
    path = sendgate.file(f"email,blacklisted\n{A},false\n")
    assert (await sendgate("import", path))[0] == 0
    assert "nothing at all is sent" in (await sendgate("status", A))[1]
    assert (await sendgate("import", path, "--release"))[0] == 0
    assert "nothing is kept" in (await sendgate("status", A))[1]


async def test_from_line(sendgate: Shell) -> None:
    """An import that is taken up again skips the rows that begin before the line."""
    rows = f'id,email,blacklisted\n"1\n1",a1@example.com,1\n2,a2@example.com,1\n3,{A},1\n'
    assert (await sendgate("import", sendgate.file(rows), "--from-line", "4"))[2] == "2 rows taken, 0 not\n"
    assert "nobody in the store" in (await sendgate("status", "a1@example.com"))[1]
    assert "nothing at all is sent" in (await sendgate("status", "a2@example.com"))[1]


async def test_many_bad_rows_are_counted(sendgate: Shell) -> None:
    """Of very many bad rows the first thousand are named, and all are counted."""
    code, _, err = await sendgate("import", sendgate.file("email\n" + "x\n" * (TOLD + 500)))
    lines = err.splitlines()
    assert (code, len(lines), lines[-1]) == (1, TOLD + 1, f"0 rows taken, {TOLD + 500} not")


async def test_long_rows_are_sent_in_small_requests(sendgate: Shell) -> None:
    """A list of the longest ids there may be, and of longer ones, is taken row by row and stops nowhere."""
    rows = "".join(f"{n}{'ü' * (LONGEST // 2 - 2)},p{n}@example.com,1\n" for n in range(10, 60))
    rows += f"{'x' * (LONGEST + 1)},{A},1\n{'😀' * LONGEST},{B},1\n"
    code, _, err = await sendgate("import", sendgate.file(f"id,email,blacklisted\n{rows}"))
    assert (code, err.splitlines()[-1]) == (1, "50 rows taken, 2 not")
    assert err.count("id is longer than 16 KB, or holds a NUL; what the row suppresses was taken") == 2
    for address in (A, B, "p59@example.com"):
        assert "nothing at all is sent" in (await sendgate("status", address))[1]


def test_a_batch_is_bounded() -> None:
    """Rows go in batches of a number and of a size, each row once and in its order."""
    rows: list[Line] = [(n, ["x" * (n % 7) * 3000]) for n in range(3 * BATCH)]
    batches = list(_batches(iter(rows)))
    assert [row for batch in batches for row in batch] == rows
    assert max(map(len, batches)) <= BATCH
    assert all(sum(len(cells[0]) for _, cells in batch[:-1]) < BATCH_SIZE for batch in batches)
    assert list(_batches(iter([]))) == []


def test_a_batch_is_read_no_further_than_itself() -> None:
    """Of a list without an end no more is read than the batch that is asked for."""
    given = 0

    def rows() -> Iterator[Line]:
        nonlocal given
        while True:
            given += 1
            yield given, ["x"]

    batches = _batches(rows())
    assert len(next(batches)) == BATCH
    assert given == BATCH


async def test_a_gate_that_refuses_stops_an_import(settings: Settings, sendgate: Shell) -> None:
    """An import into a copy that is out of use stops, and says why and that it is to begin anew."""
    await asyncio.to_thread(_hold, settings.store)
    code, _, err = await sendgate("import", sendgate.file(f"email,blacklisted\n{A},1\n"))
    assert code == 1
    assert err.splitlines()[0] == "stopped; begin anew, no row counts twice"
    assert "503 at line 2" in err


def _hold(store: Path) -> None:
    policy = Policy(store)
    policy.open()
    copy = store.with_name("copy.db")
    policy.database.snapshot(lambda connection: backups.copy(connection, copy))
    policy.close()
    backups.put_into_place(copy, store, "old")


# ── as a process ──


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
async def test_standard_input(sendgate: Shell, encoding: str) -> None:
    """`-` imports what is piped in."""
    process = sendgate.start("import", "-", "--encoding", encoding, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    text = f"id,email,blacklisted\nü,{A},1\n".encode(encoding)
    _, err = await asyncio.to_thread(process.communicate, text)
    assert (process.returncode, err) == (0, b"1 rows taken, 0 not\n")
    assert "user ü" in (await sendgate("status", A))[1]


async def test_an_interrupted_import_says_where_to_go_on(sendgate: Shell, gate: RunningGate) -> None:
    """Ctrl-C ends an import without a trace, and tells the line behind what is committed."""
    process = sendgate.start("import", "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(b"email,blacklisted\n" + b"".join(b"p%d@example.com,1\n" % n for n in range(2 * BATCH)))
    process.stdin.flush()
    while (await gate.mail(f"p{BATCH - 1}@example.com")).status != 400:
        pass  # each look is a request of its own
    process.send_signal(signal.SIGINT)
    process.stdin.close()
    err = (await asyncio.to_thread(process.stderr.read)).decode()
    process.stderr.close()
    assert process.wait() == 130
    assert "Traceback" not in err
    line = int(err.rpartition("--from-line ")[2])
    assert line in (BATCH + 2, 2 * BATCH + 2)


def test_a_terminal_sees_the_progress(sendgate: Shell) -> None:
    """On a terminal an import shows how far it is; the last line says what was taken."""
    path = sendgate.file("email,blacklisted\n" + "".join(f"p{n}@example.com,1\n" for n in range(1200)))
    ours, theirs = pty.openpty()
    process = sendgate.start("import", path, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody is there any more
        while chunk := os.read(ours, 4096):
            seen += chunk
    os.close(ours)
    assert process.wait() == 0
    assert b"importing" in seen
    assert b"/1201" in seen
    assert b"1200 rows taken, 0 not" in seen.splitlines()[-1]


# ── export ──

PEOPLE = f"""{HEAD}
1,{A},DE,+4915112345678,true,2026-01-11T00:00:00.000000Z,,,MAIL,BLACKLIST=api@2026-01-11T00:00:00.000000Z MAIL=page@2026-01-12T00:00:00.000001Z
"x,""y""
z",{B},,home=+4930123456|mobile=+4915112345678,,,true,2026-01-11T00:00:00.000001Z,,ALL=event@2026-01-11T00:00:00.000001Z
 ü ,,,,,,,,SMS,SMS=keyword#+4930123456@2026-01-11T00:00:00.000002Z SMS=keyword#My%20Shop@2026-01-11T00:00:00.000003Z
,lead@example.com, F;R ,,,,,,,
,,,+4915187654321,true,2026-01-11T00:00:00.000000Z,,,,BLACKLIST=complaint@2026-01-11T00:00:00.000000Z
"""  # noqa: E501 (a file as it stands)


@pytest.mark.parametrize("style", FORMATS)
async def test_out_and_in_again(anywhere: Shell, style: str) -> None:
    """What is exported goes into an empty store and comes out of it as the same bytes, in either format."""
    assert (await anywhere("import", anywhere.file(PEOPLE)))[::2] == (0, "5 rows taken, 0 not\n")
    first, second = anywhere.folder / f"first.{style}", anywhere.folder / f"second.{style}"
    assert (await anywhere("export", first))[::2] == (0, "5 rows written\n")
    if style == "csv":
        assert first.read_text() == PEOPLE
    other = Shell(Settings(anywhere.folder / "other", "sandbox"), anywhere._captured)
    other.folder.mkdir()
    other.settings.write()
    assert (await other("import", first))[0] == 0
    assert (await other("export", second))[0] == 0
    assert second.read_bytes() == first.read_bytes()


async def test_an_older_export_releases_nobody(anywhere: Shell) -> None:
    """Yesterday's export, imported today even with release, leaves today's noes."""
    await anywhere("import", anywhere.file(f"id,email\n1,{A}\n"))
    yesterday = anywhere.folder / "yesterday.csv"
    await anywhere("export", yesterday)
    await anywhere("blacklist", A)
    for options in ([], ["--release"]):
        assert (await anywhere("import", yesterday, *options))[0] == 0
        assert "nothing at all is sent" in (await anywhere("status", A))[1]


async def test_standard_output(anywhere: Shell) -> None:
    """Without a file an export goes to standard output, and what is said about it does not."""
    await anywhere("import", anywhere.file(PEOPLE))
    assert await anywhere("export") == (0, PEOPLE, "5 rows written\n")
    assert (await anywhere("export", "-", "--format", "ndjson"))[1].count("\n") == 5


async def test_an_export_is_for_its_owner_alone(sendgate: Shell) -> None:
    """An export holds clear addresses: its file has mode 0600 and replaces what was there, whole."""
    await sendgate("import", sendgate.file("id\n"))
    path = sendgate.file("old")
    assert (await sendgate("export", path))[0] == 0
    assert path.read_text() == f"{HEAD}\n"
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert not path.with_name("people.csv.part").exists()


async def test_an_export_that_cannot_be_written(sendgate: Shell, tmp_path: Path) -> None:
    """A place that is none is told by the name that was given, as a fault of usage."""
    await sendgate("import", sendgate.file("id\n"))
    path = tmp_path / "nowhere" / "people.csv"
    code, _, err = await sendgate("export", path)
    assert (code, err) == (2, f"cannot open {path}: No such file or directory\n")


async def test_an_export_of_no_store_makes_none(sendgate: Shell) -> None:
    """Where there is no store there is nothing to export, and a typing error in its path makes no empty one."""
    code, out, err = await sendgate("export")
    assert (code, out, "there is no store at" in err) == (1, "", True)
    assert not sendgate.settings.store.exists()


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".lock", ".sock"])
async def test_nothing_is_written_over_the_store(sendgate: Shell, gate: RunningGate, suffix: str) -> None:
    """An export into the store's own files is refused, also by another way to them, and the gate goes on."""
    store = sendgate.settings.store
    (sendgate.folder / "link").symlink_to(store.parent)
    for folder in (store.parent, sendgate.folder / "link"):
        code, _, err = await sendgate("export", folder / f"{store.name}{suffix}")
        assert (code, "is the store itself" in err) == (1, True)
    await gate.tell("Blacklisted", email=A)


async def test_a_pipe_that_closes(sendgate: Shell) -> None:
    """An export into a pipe that nobody reads any more ends in its middle as Unix tools do, without a word."""
    await sendgate("import", sendgate.file("id\n" + "".join(f"{n}{'x' * 100}\n" for n in range(5000))))
    process = sendgate.start("export", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = await asyncio.to_thread(process.stderr.read)
    process.stderr.close()
    assert (process.wait(), err) == (printing.UNREAD, b"")
