"""The one writer, the readers, and the transactions between them.

SQLite before 3.51.3 can corrupt a WAL when two connections write or checkpoint at once, and one writer cannot meet
that: a single connection in a single thread writes and checkpoints, every other connection is read-only, and a lock
beside the file keeps a second process out. Nothing is mapped into memory.

Commits are grouped. Whoever wants to write hands a function to the thread; the thread takes all that wait, runs each
in a savepoint of one transaction, and pays one fsync for all of them. An answer is given only after that fsync, so what
was acknowledged survives a power cut, and a function that fails takes only its own changes with it.

A file that is deleted or replaced under a running gate would swallow every write without an error. So the file's
identity is checked around each commit and before each read.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlite_utils

from policy.store import rekeying, schema
from policy.store.digests import Digests, WrongPepper

T = TypeVar("T")

GROUP = 1024  # the most writers that share one fsync
WRITE_WAIT = 2.0  # seconds to wait for a foreign lock before a write is refused
READ_WAIT = 0.1
# KiB. Readers keep SQLite's own 2 MB: over ten million rows nearly each page is a new one, and a small cache is faster,
# because its buffers stay in the processor's.
_WRITERS_CACHE = "PRAGMA cache_size = -32768"
_OF_THE_JOB = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)  # faults that are not the store's


class StoreUnavailable(Exception):
    """The store cannot be read or written now; nothing that was not acknowledged was kept."""


class StoreLocked(Exception):
    """Another process has this store open for writing."""


@dataclass(slots=True)
class _Job:
    """One function that waits for the writer, and who waits for its result."""

    function: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Database:
    """One store file: grouped writes from any task, reads at once or in a thread."""

    def __init__(self, path: Path, pepper: str = "") -> None:
        self.path = path
        self._files = (str(path), f"{path}-wal")
        self.digests = Digests(pepper)
        self.on_commit: Callable[[float, int], None] = _unobserved  # seconds, and how many writers shared it
        self._entrance = threading.Lock()  # nothing may queue up behind the word that closes the store
        self._stopping = False
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="store-read")
        self._closed = False

    def open(self) -> None:
        """Lock, migrate and open the store.

        Raises StoreLocked, WrongPepper, schema.NewerStore, and StoreUnavailable for everything the disk may refuse.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = locked(self.path)
            with contextlib.ExitStack() as undo:
                undo.callback(os.close, self._lock)
                self._writer = self._prepared()
                undo.callback(self._writer.close)
                self._identity = self._seen()
                self._now = self._reader()
                undo.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"cannot open the store {self.path}: {error}") from error
        self._thread = threading.Thread(target=self._write_all, name="store-write", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what waits, close every connection and give the lock back."""
        with self._entrance:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        self._pool.shutdown()
        for reader in self._readers:
            reader.close()
        self._writer.close()
        os.close(self._lock)

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function in the writer's thread and return its result once it is committed.

        Raises what the function raises (its changes are undone), or StoreUnavailable if nothing could be committed.
        """
        loop = asyncio.get_running_loop()
        job = _Job(function, loop, loop.create_future())
        with self._entrance:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            self._jobs.put(job)
        result: T = await job.future
        return result

    def read_now(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a short read on the calling thread: the event loop's own connection.

        This is the one named exception from "nothing blocks the loop"; it waits READ_WAIT seconds at the most.
        """
        return self._run(lambda: self._now, function)

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read in a thread; raises StoreUnavailable."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._read_in_thread, function)

    def snapshot(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read on a connection of its own (export, backup), in the calling thread."""
        try:
            with contextlib.closing(self._connect_reader()) as connection:
                return function(connection)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"cannot read the store: {error}") from error

    def _read_in_thread(self, function: Callable[[sqlite3.Connection], T]) -> T:
        return self._run(self._of_this_thread, function)

    def _of_this_thread(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._reader()
        return connection

    def _run(self, connection: Callable[[], sqlite3.Connection], function: Callable[[sqlite3.Connection], T]) -> T:
        try:
            self._intact()
            return function(connection())
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"cannot read the store: {error}") from error

    # The writer's thread

    def _write_all(self) -> None:
        while (first := self._jobs.get()) is not None:
            jobs = [first, *self._waiting()]
            started, changes = time.perf_counter(), self._writer.total_changes
            try:
                self._commit(jobs)
            except (OSError, sqlite3.Error) as error:
                _roll_back(self._writer)
                unavailable = StoreUnavailable(f"cannot write the store: {error}")
                for job in jobs:
                    job.error = job.error or unavailable
            else:
                if self._writer.total_changes > changes:  # a probe writes nothing and says nothing of the disk
                    self.on_commit(time.perf_counter() - started, len(jobs))
            _settle(jobs)
            if self._stopping:
                return

    def _waiting(self) -> Iterator[_Job]:
        for _ in range(GROUP - 1):
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._stopping = True
                return
            yield job

    def _commit(self, jobs: list[_Job]) -> None:
        writer = self._writer
        self._intact()
        writer.execute("BEGIN IMMEDIATE")
        for job in jobs:
            writer.execute("SAVEPOINT job")
            try:
                job.result = job.function(writer)
            except (OSError, sqlite3.DatabaseError) as error:
                if not writer.in_transaction or not isinstance(error, _OF_THE_JOB):
                    raise  # the disk or the store, not the job: nobody's changes can be kept
                job.error = error
                writer.execute("ROLLBACK TO job")
            except Exception as error:  # noqa: BLE001 (whatever a job raises is its caller's, who gets it from write())
                job.error = error
                writer.execute("ROLLBACK TO job")
            writer.execute("RELEASE job")
        writer.execute("COMMIT")
        self._intact()  # a commit to a file that is gone must not be acknowledged

    # Connections

    def _prepared(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # addresses stand in it in the clear
        connection = sqlite3.connect(
            self.path, timeout=WRITE_WAIT, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "mmap_size = 0"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            connection.execute(_WRITERS_CACHE)
            schema.migrate(sqlite_utils.Database(connection, execute_plugins=False))
            self._recognise(connection)
            connection.execute("BEGIN IMMEDIATE")  # a store that cannot be written must be told of at the start
            rekeying.rekey(connection, self.digests)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _recognise(self, connection: sqlite3.Connection) -> None:
        """Compare the pepper with the one the store was made with."""
        mine = self.digests.check_value()
        row = connection.execute("SELECT value FROM meta WHERE name = 'pepper'").fetchone()
        if row is None:
            new = [("pepper", mine), ("store", os.urandom(16).hex()), ("sequence", "0")]
            connection.execute("BEGIN IMMEDIATE")  # a store born by halves would refuse every event
            connection.executemany("INSERT INTO meta VALUES (?, ?)", new)
            connection.execute("COMMIT")
        elif row[0] != mine:
            raise WrongPepper(f"the store {self.path} was made with another store.pepper")

    def _reader(self) -> sqlite3.Connection:
        connection = self._connect_reader()
        self._readers.append(connection)
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(
            uri, uri=True, timeout=READ_WAIT, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA mmap_size = 0")
        return connection

    def _seen(self) -> tuple[tuple[int, int], ...]:
        return _inode(self._files[0]), _inode(self._files[1])

    def _intact(self) -> None:
        """Make sure that the files under the path are still those that were opened."""
        if self._seen() != self._identity:
            raise OSError("the store's files were deleted or replaced under the running gate; restart it")


def _unobserved(_seconds: float, _jobs: int) -> None:
    """Take no notice."""


def _inode(path: str) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 (called on every send; Path.stat costs twice as much)
    return status.st_dev, status.st_ino


def locked(path: Path) -> int:
    """Lock a store for writing, with a file beside it; gives the descriptor that holds the lock. Raises StoreLocked."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise StoreLocked(f"another process writes to the store {path}") from None
    return lock


def _roll_back(connection: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _settle(jobs: list[_Job]) -> None:
    """Wake everybody who waits, with one call into each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, theirs in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle_all, theirs)


def _settle_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.settle()
