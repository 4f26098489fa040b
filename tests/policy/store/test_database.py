"""The one writer and the readers: what is acknowledged is on the disk, and what is not was never there."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from policy import NewerStore, StoreLocked, StoreUnavailable, WrongPepper
from policy.store.database import ASKING, Database
from policy.store.writer import GROUP

Job = Callable[[sqlite3.Connection], object]


def noting(text: str) -> Job:
    """Make a job that writes a line of its own."""
    return lambda connection: connection.execute("INSERT INTO meta VALUES (?, '')", (text,)).rowcount


def notes(connection: sqlite3.Connection) -> set[str]:
    """Read the lines that jobs wrote."""
    return {name for (name,) in connection.execute("SELECT name FROM meta WHERE value = ''")}


def opened(path: Path, pepper: str = "") -> Database:
    """Open a store."""
    database = Database(path, pepper)
    database.open()
    return database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Give an empty store."""
    database = opened(tmp_path / "sendgate.db")
    yield database
    database.close()


@contextlib.asynccontextmanager
async def held(database: Database) -> AsyncIterator[None]:
    """Keep the writer busy, so that what is written meanwhile waits and shares a commit."""
    begun, release = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        begun.set()
        release.wait()

    holding = asyncio.create_task(database.write(hold))
    await asyncio.to_thread(begun.wait)
    try:
        yield
    finally:
        release.set()
        await holding


async def in_one_group(database: Database, *jobs: Job) -> list[object]:
    """Let jobs wait together, and give what each ended in."""
    async with held(database):
        waiting = [asyncio.create_task(database.write(job)) for job in jobs]
        await asyncio.sleep(0)  # every task has queued its job
    return await asyncio.gather(*waiting, return_exceptions=True)


async def ran(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of its own over a store."""
    command = [sys.executable, "-c", program, str(path)]
    return await asyncio.to_thread(lambda: subprocess.run(command, check=False, capture_output=True, text=True))


# ── commits ──


async def test_who_waits_together_shares_a_commit(database: Database) -> None:
    """Twenty jobs that wait are committed at once and all there after; a commit of no change is not told."""
    commits: list[int] = []
    database.on_commit = lambda _, jobs: commits.append(jobs)
    await in_one_group(database, *(noting(f"note {number}") for number in range(20)))
    await database.write(lambda _: None)  # the writer takes it up when all was told
    assert commits == [20]
    assert await database.read(notes) == {f"note {number}" for number in range(20)}


async def test_a_group_has_a_bound(database: Database) -> None:
    """More jobs than one group holds are committed in several groups, none left out."""
    commits: list[int] = []
    database.on_commit = lambda _, jobs: commits.append(jobs)
    ended = await in_one_group(database, *(noting(f"note {number}") for number in range(GROUP + 10)))
    await database.write(lambda _: None)  # the writer takes it up when all was told
    assert ended == [1] * (GROUP + 10)
    assert commits == [GROUP, 10]


def unbound(connection: sqlite3.Connection) -> None:
    """Bind what SQLite has no type for."""
    connection.execute("INSERT INTO meta VALUES (?, '')", (object(),))


def twice(connection: sqlite3.Connection) -> None:
    """Write the same key twice."""
    noting("twice")(connection)
    noting("twice")(connection)


def failing(connection: sqlite3.Connection) -> None:
    """Fail after a change."""
    noting("half")(connection)
    raise LookupError("whatever it is")


@pytest.mark.parametrize(
    ("job", "error"),
    [
        pytest.param(failing, LookupError, id="an error of its own"),
        pytest.param(twice, sqlite3.IntegrityError, id="a broken constraint"),
        pytest.param(unbound, sqlite3.Error, id="a value that cannot be bound"),
    ],
)
async def test_a_job_that_fails_undoes_itself_alone(database: Database, job: Job, error: type[Exception]) -> None:
    """The one who asked gets the error and keeps nothing; those before and after it in the group are committed."""
    before, failed, after = await in_one_group(database, noting("before"), job, noting("after"))
    assert (before, after) == (1, 1)
    assert isinstance(failed, error)
    assert not isinstance(failed, StoreUnavailable)
    assert await database.read(notes) == {"before", "after"}


async def test_a_store_that_fails_under_a_job_fails_for_all_who_wait(database: Database) -> None:
    """When the store itself fails in the middle of a group nothing of the group is kept, and the next one works."""

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT * FROM no_such_table")

    ended = await in_one_group(database, noting("before"), broken, noting("after"))
    assert [type(each) for each in ended] == [StoreUnavailable] * 3
    assert await database.read(notes) == set()
    assert await database.write(noting("later")) == 1


async def test_an_answer_is_given_after_the_commit(database: Database) -> None:
    """Whoever got an answer finds the change with a connection of their own."""
    await database.write(noting("told"))
    with contextlib.closing(sqlite3.connect(database.path)) as other:
        assert notes(other) == {"told"}


async def test_a_writer_who_gives_up_disturbs_nobody(database: Database) -> None:
    """A cancelled wait ends for the one who waited; the group goes on."""
    async with held(database):
        gone = asyncio.create_task(database.write(noting("gone")))
        stays = asyncio.create_task(database.write(noting("stays")))
        await asyncio.sleep(0)
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone
    assert await stays == 1
    assert "stays" in await database.read(notes)


# ── a writer that hangs or ends ──


async def test_who_looks_on_harms_nobody(database: Database) -> None:
    """An observer that fails is told of every commit all the same, and every writer is answered."""
    told: list[int] = []

    def harmful(_: float, jobs: int) -> None:
        told.append(jobs)
        raise ValueError(jobs)

    database.on_commit = harmful
    for number in range(3):
        assert await database.write(noting(f"note {number}")) == 1
    await database.write(lambda _: None)
    assert (told, database.alive) == ([1, 1, 1], True)


async def test_answers_do_not_wait_for_who_looks_on(database: Database) -> None:
    """A writer is answered while the observer of its commit still looks."""
    answered = threading.Event()

    def look(_: float, __: int) -> None:
        answered.wait()

    database.on_commit = look
    assert await database.write(noting("first")) == 1
    answered.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the fault is the test's own
async def test_a_writer_that_ended_keeps_nobody_waiting(database: Database) -> None:
    """When the writer's thread ends, who waits and who comes is told so at once, and reading goes on."""

    def end(_: sqlite3.Connection) -> None:
        raise SystemExit

    assert database.alive
    async with held(database):
        waiting = [
            asyncio.create_task(database.write(job)) for job in (noting("before"), end, *[noting("after")] * 2000)
        ]
        await asyncio.sleep(0)
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in ended} == {StoreUnavailable}
    while database.alive:  # noqa: ASYNC110 (a thread ends)
        await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable):
        await database.write(noting("late"))
    assert await database.read(notes) == set()


async def test_nobody_waits_for_ever(database: Database) -> None:
    """Behind a writer that hangs a write is refused after its patience and never done; who has more is answered."""
    async with held(database):
        patient = asyncio.create_task(database.write(noting("patient"), patience=None))
        with pytest.raises(StoreUnavailable, match="too long"):
            await database.write(noting("impatient"), patience=0.01)
    assert await patient == 1
    assert await database.read(notes) == {"patient"}


async def test_what_had_begun_may_still_be_done(database: Database) -> None:
    """A write that is given up while it runs is refused, and the writer goes on."""
    release = threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        release.wait()
        noting("slow")(connection)

    with pytest.raises(StoreUnavailable):
        await database.write(slow, patience=0.01)
    release.set()
    assert await database.write(noting("next")) == 1


async def test_the_sequence_is_known_without_asking(database: Database) -> None:
    """The newest committed sequence number is at hand; what was undone does not count, and a new opening knows it."""

    def step(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'sequence'")

    def undone(connection: sqlite3.Connection) -> None:
        step(connection)
        raise LookupError

    assert database.sequence == 0
    await database.write(step)
    with pytest.raises(LookupError):
        await database.write(undone)
    assert database.sequence == 1
    database.close()
    again = opened(database.path)
    assert again.sequence == 1
    again.close()


async def test_a_probe_writes(database: Database) -> None:
    """A probe is a commit, so it fails where none is possible."""
    await database.probe(7)
    assert database.read_now(lambda c: c.execute("SELECT value FROM meta WHERE name = 'probed'").fetchone()) == ("7",)
    pages = database._writer.execute("PRAGMA page_count").fetchone()[0]
    database._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable):  # as long as a number may be, it takes another page
        await database.write(lambda c: c.execute("INSERT INTO meta VALUES ('x', ?)", ("x" * 9999,)))
    database._writer.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable):
        await database.probe(8)


# ── readers apart ──


async def test_judging_does_not_wait_for_what_is_asked(database: Database) -> None:
    """While every thread of the API's reads is busy, a read of judging is answered."""
    release = threading.Event()
    asked = [asyncio.create_task(database.ask(lambda _: release.wait())) for _ in range(2 * ASKING)]
    assert await database.read(notes) == set()
    release.set()
    assert await asyncio.gather(*asked) == [True] * (2 * ASKING)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


async def test_what_takes_too_long_is_broken_off(database: Database) -> None:
    """A query without an end is given up, and the next one in the same threads has its whole time."""
    endless = [database.ask(lambda c: c.execute(ENDLESS).fetchone(), patience=0.05) for _ in range(2 * ASKING)]
    ended = await asyncio.gather(*endless, return_exceptions=True)
    assert [type(each) for each in ended] == [StoreUnavailable] * (2 * ASKING)
    counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) SELECT count(*) FROM n"
    for _ in range(2 * ASKING):
        assert await database.ask(lambda c: c.execute(counted).fetchone()) == (200_000,)


# ── opening and closing ──


def test_a_store_is_not_made_for_who_only_looks(tmp_path: Path) -> None:
    """Opened without leave to make one, a missing or empty store is refused and nothing is left behind."""
    path = tmp_path / "data" / "sendgate.db"
    with pytest.raises(StoreUnavailable, match=f"there is no store at {path}"):
        Database(path).open(create=False)
    assert list(tmp_path.iterdir()) == []
    path.parent.mkdir()
    path.touch()
    with pytest.raises(StoreUnavailable, match="there is no store"):
        Database(path).open(create=False)
    opened(path).close()
    database = Database(path)
    database.open(create=False)
    database.close()


async def test_close_finishes_what_waits(tmp_path: Path) -> None:
    """Every job that was queued before the close is committed and answered; what comes after is refused."""
    database = opened(tmp_path / "sendgate.db")
    async with held(database):
        waiting = [asyncio.create_task(database.write(noting(f"note {number}"))) for number in range(50)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(database.close))
        while not database._closed:  # noqa: ASYNC110 (another thread sets it)
            await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable):
            await database.write(noting("too late"))
    await closing
    assert await asyncio.gather(*waiting) == [1] * 50
    with contextlib.closing(sqlite3.connect(database.path)) as other:
        assert notes(other) == {f"note {number}" for number in range(50)}


async def test_a_close_under_load_answers_everybody(tmp_path: Path) -> None:
    """Writers that go on while the store closes are each answered: committed, or refused and not there."""
    database = opened(tmp_path / "sendgate.db")
    done: set[str] = set()

    async def write_on(name: str) -> None:
        for number in range(10**6):
            try:
                await database.write(noting(f"{name} {number}"))
            except StoreUnavailable:
                return
            done.add(f"{name} {number}")

    writers = [asyncio.create_task(write_on(f"writer {number}")) for number in range(8)]
    while len(done) < 100:  # noqa: ASYNC110 (the writers go on while this one looks)
        await asyncio.sleep(0)
    await asyncio.to_thread(database.close)
    await asyncio.gather(*writers)
    with contextlib.closing(sqlite3.connect(database.path)) as other:
        assert notes(other) == done


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """Reading and writing after the close raise StoreUnavailable; closing twice does nothing."""
    database = opened(tmp_path / "sendgate.db")
    database.close()
    database.close()
    for asked in (database.write(noting("x")), database.read(notes)):
        with pytest.raises(StoreUnavailable):
            await asked
    with pytest.raises(StoreUnavailable):
        database.read_now(notes)


async def test_a_second_writer_is_kept_out(database: Database) -> None:
    """While a store is open nobody else opens it, in this process or in another; after its close anybody may."""
    with pytest.raises(StoreLocked):
        opened(database.path)
    program = (
        "import sys; from pathlib import Path; from policy import Policy, StoreLocked\n"
        "try: Policy(Path(sys.argv[1])).open()\nexcept StoreLocked: sys.exit(7)"
    )
    assert (await ran(program, database.path)).returncode == 7
    database.close()
    opened(database.path).close()


def test_another_pepper_is_refused(tmp_path: Path) -> None:
    """A store opens only with the pepper it was made with, and a refused one is left as it was."""
    opened(tmp_path / "sendgate.db", "one").close()
    for pepper in ("two", ""):
        with pytest.raises(WrongPepper):
            opened(tmp_path / "sendgate.db", pepper)
    opened(tmp_path / "sendgate.db", "one").close()


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    """A store with steps that this program does not know is not touched, and the lock is given back."""
    path = tmp_path / "sendgate.db"
    opened(path).close()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('sendgate', '9999_later')")
        other.commit()
    for _ in range(2):
        with pytest.raises(NewerStore, match="9999_later"):
            opened(path)


@pytest.mark.parametrize(
    "content", [pytest.param(b"no database at all" * 100, id="text"), pytest.param(None, id="folder")]
)
def test_what_is_no_store_is_told_as_unavailable(tmp_path: Path, content: bytes | None) -> None:
    """A path that holds something else is refused at the opening and left as it was."""
    path = tmp_path / "sendgate.db"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(StoreUnavailable):
        opened(path)
    assert path.is_dir() if content is None else path.read_bytes() == content


async def test_what_the_store_promises_is_set(database: Database) -> None:
    """WAL, full synchronisation, secure deletion and no memory map hold for the writer, and WAL stays."""

    def pragma(name: str) -> Job:
        return lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0]

    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "mmap_size": 0}
    for name, value in wanted.items():
        assert await database.write(pragma(name)) == value
    for read in (database.read_now, database.snapshot):
        assert read(pragma("query_only")) == 1
        assert read(pragma("mmap_size")) == 0
    database.close()
    with contextlib.closing(sqlite3.connect(database.path)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


async def test_readers_write_nothing(database: Database) -> None:
    """A read that tries to write fails, on every kind of reader, even one that turns its own switch off."""

    def willing(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA query_only = OFF")
        noting("sneaked")(connection)

    for job in (noting("sneaked"), willing):
        for read in (database.read_now, database.snapshot):
            with pytest.raises(StoreUnavailable):
                read(job)
        with pytest.raises(StoreUnavailable):
            await database.read(job)
    assert await database.read(notes) == set()


async def test_every_read_sees_what_was_committed_before_it(database: Database) -> None:
    """No reader holds on to an old picture: each read after a commit sees it, after a read that failed as well."""
    for number in range(20):
        with pytest.raises(LookupError):
            database.read_now(failing_read)
        with pytest.raises(LookupError):
            await database.read(failing_read)
        await database.write(noting(f"note {number}"))
        assert f"note {number}" in database.read_now(notes)
        assert f"note {number}" in await database.read(notes)
    in_use, *_ = database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not in_use


def failing_read(connection: sqlite3.Connection) -> None:
    """Fail in the middle of reading rows."""
    for row in connection.execute("SELECT * FROM meta"):
        raise LookupError(row)


# ── faults of the disk ──


def deleted(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    shutil.copy(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").rename(path)


def without_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def without_lock(path: Path) -> None:
    Path(f"{path}.lock").unlink()


def moved_away(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


@pytest.mark.parametrize("harm", [deleted, replaced, without_log, without_lock, moved_away])
async def test_a_store_that_is_gone_acknowledges_nothing(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    """When the files go or change under a running gate every read and write says so, in every way of reading."""
    (tmp_path / "data").mkdir()
    database = opened(tmp_path / "data" / "sendgate.db")
    await database.write(noting("before"))
    harm(database.path)
    for asked in (database.write(noting("after")), database.read(notes)):
        with pytest.raises(StoreUnavailable):
            await asked
    with pytest.raises(StoreUnavailable):
        database.read_now(notes)
    database.close()


async def test_files_that_go_during_a_commit_are_noticed_before_the_answer(database: Database) -> None:
    """A job whose store is deleted while it runs is not acknowledged."""

    def harmful(connection: sqlite3.Connection) -> None:
        noting("during")(connection)
        database.path.unlink()

    with pytest.raises(StoreUnavailable):
        await database.write(harmful)


async def test_a_store_locked_by_somebody_else_is_unavailable_until_released(database: Database) -> None:
    """While another program holds a write lock writes are refused and reads work; after it everything does."""
    database._writer.execute("PRAGMA busy_timeout = 10")  # instead of two seconds
    with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable):
            await database.write(noting("during"))
        assert await database.read(notes) == set()
        other.execute("ROLLBACK")
    assert await database.write(noting("after")) == 1
    assert await database.read(notes) == {"after"}


async def test_a_full_store_is_unavailable_until_there_is_room(database: Database) -> None:
    """A write that does not fit is refused whole, with all that shared its commit; with room it works again."""
    pages = database._writer.execute("PRAGMA page_count").fetchone()[0]
    database._writer.execute(f"PRAGMA max_page_count = {pages}")

    def large(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [(f"large {n}", "x" * 4000) for n in range(500)])

    ended = await in_one_group(database, noting("beside"), large)
    assert [type(each) for each in ended] == [StoreUnavailable] * 2
    assert await database.read(notes) == set()
    database._writer.execute("PRAGMA max_page_count = 1000000")
    assert await database.write(noting("after")) == 1
    await database.write(large)


async def test_a_disk_that_fills_up_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Under a limit of the file size the writer refuses from some moment on, and all it answered is on the disk."""
    program = """
import asyncio, resource, signal, sys
from pathlib import Path
from policy.store.database import Database, StoreUnavailable

async def fill(database):
    for number in range(10_000):
        try:
            await database.write(lambda c: c.execute("INSERT INTO meta VALUES (?, ?)", (f"n{number}", "x" * 4000)))
        except StoreUnavailable:
            return number
        print(number, flush=True)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
database = Database(Path(sys.argv[1]))
database.open()
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
refused = asyncio.run(fill(database))
sys.exit(0 if refused else 1)
"""
    path = tmp_path / "sendgate.db"
    ended = await ran(program, path)
    assert ended.returncode == 0, ended.stderr
    acknowledged = {f"n{line}" for line in ended.stdout.split()}
    assert len(acknowledged) > 10
    with contextlib.closing(sqlite3.connect(path)) as other:
        assert acknowledged <= {name for (name,) in other.execute("SELECT name FROM meta")}
        assert other.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_place_that_cannot_be_is_told_at_the_start(tmp_path: Path) -> None:
    """A store below a file is refused, and a store whose lock cannot be made."""
    (tmp_path / "file").touch()
    (tmp_path / "sendgate.db.lock").mkdir()
    for path in (tmp_path / "file" / "sendgate.db", tmp_path / "sendgate.db"):
        with pytest.raises(StoreUnavailable):
            opened(path)
