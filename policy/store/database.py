"""One store file: its lock, its one writer and its readers.

SQLite before 3.51.3 can corrupt a WAL when two connections write or checkpoint at once, and one writer cannot meet
that: a single connection in a single thread writes and checkpoints (writer.py), every other connection is read-only,
and a lock beside the file keeps a second process out. Nothing is mapped into memory.

Judging never waits for anything else that reads. It has a connection on the event loop and threads of its own; what
the API and the counts ask is answered in other threads, and given up after a while.

A file that is deleted or replaced under a running gate would swallow every write without an error, and without the lock
file a second gate could write. So their identity is checked around each commit and before each read.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import sqlite_utils

from policy.store import blacklists, rekeying, schema, settling
from policy.store.digests import Digests, WrongPepper
from policy.store.settling import Settled
from policy.store.sieve import Sieve
from policy.store.writer import PATIENCE, StoreUnavailable, Writer

T = TypeVar("T")

WRITE_WAIT = 2.0  # seconds to wait for a foreign lock before a write is refused
READ_WAIT = 0.1
JUDGING = 2  # threads for sends to many; the others read on the event loop
ASKING = 2
_STEPS = 10_000  # of SQLite, between two looks at the clock
# The writer's settings. Its cache is 32 MB; readers keep SQLite's own 2 MB: over ten million rows nearly each page is a
# new one, and a small cache is faster, because its buffers stay in the processor's. A checkpoint comes after 4000
# pages, 16 MB: an import changes pages all over the store, and each checkpoint writes all of them, so that by SQLite's
# own thousand every commit of an import would write its pages twice.
SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "secure_delete = ON",
    "mmap_size = 0",
    "journal_size_limit = 67108864",
    "wal_autocheckpoint = 4000",
    "cache_size = -32768",
)
_PROBE = "INSERT INTO meta VALUES ('probed', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class StoreLocked(Exception):
    """Another process has this store open for writing."""


class Database:
    """One store file: grouped writes from any task, reads at once or in a thread."""

    def __init__(self, path: Path, pepper: str = "") -> None:
        self.path = path
        self._files = (str(path), f"{path}-wal", f"{path}.lock")
        self.digests = Digests(pepper)
        self.sieve = Sieve()
        self.on_commit: Callable[[float, int], None] = _unobserved  # seconds, and how many writers shared it
        self._thread: Writer | None = None
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._judging = ThreadPoolExecutor(JUDGING, thread_name_prefix="store-judge")
        self._asking = ThreadPoolExecutor(ASKING, thread_name_prefix="store-ask")
        self._closed = False

    @property
    def alive(self) -> bool:
        """Tell whether the writer's thread runs; while it does not, nothing can be written."""
        return self._thread is not None and self._thread.alive

    @property
    def sequence(self) -> int:
        """The sequence number of the newest journal entry that was committed, 0 before the store is open."""
        return self._thread.sequence if self._thread is not None else 0

    def open(self, *, create: bool = True) -> None:
        """Lock, migrate and open the store; where there is none it is made, unless `create` says otherwise.

        Raises StoreLocked, WrongPepper, schema.NewerStore, and StoreUnavailable for everything the disk may refuse.
        """
        if not _holds_something(self.path):
            if Path(f"{self.path}.part").exists():  # see backups.put_into_place
                raise StoreUnavailable(f"putting a backup into place at {self.path} was interrupted; restore it again")
            if not create:
                raise StoreUnavailable(f"there is no store at {self.path}; `sendgate serve` or `import` makes one")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = locked(self.path)
            with contextlib.ExitStack() as undo:
                undo.callback(os.close, self._lock)
                # For its owner alone: addresses stand in it in the clear.
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                undo.callback(os.close, self._file)
                self._writer = self._prepared()
                undo.callback(self._writer.close)
                settling.catch_up(self._writer, self._file)
                self._identity = self._seen()
                self._now = self._reader()
                self._thread = Writer(self._writer, self.sieve, self._intact, self._observe)
                undo.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"cannot open the store {self.path}: {error}") from error

    def close(self) -> None:
        """Finish what waits, close every connection and give the lock back."""
        if self._closed or self._thread is None:
            return
        self._closed = True
        self._thread.close()
        self._judging.shutdown()
        self._asking.shutdown()
        for reader in self._readers:
            reader.close()
        self._writer.close()
        os.close(self._file)
        os.close(self._lock)

    async def write(self, function: Callable[[sqlite3.Connection], T], *, patience: float | None = PATIENCE) -> T:
        """Run a function in the writer's thread and return its result once it is committed.

        Raises what the function raises (its changes are undone), or StoreUnavailable if nothing could be committed, or
        not within so many seconds; None waits for as long as it takes.
        """
        if self._closed or self._thread is None:
            raise StoreUnavailable("the store is closed")
        return await self._thread.write(function, patience)

    async def settle(self, texts: Collection[str] = ()) -> Settled:
        """See to what is left of erased rows beside the rows; `texts` are the erased addresses, if they are known.

        Raises StoreUnavailable; what is not done then, or not at all, is due still.
        """
        sequence = await self.ask(settling.marked)
        if not await self._alone(settling.empty_log):
            return Settled(log_emptied=False)
        left = await asyncio.to_thread(settling.left_in, self._file, texts) if texts else None
        if left != 0 and os.fstat(self._file).st_size <= settling.REBUILT_AT_ONCE:
            return await self.rebuild(texts)
        if left == 0 and sequence is not None:
            await self.write(lambda connection: settling.unmark(connection, sequence))
        return Settled(log_emptied=True, left=left)

    async def rebuild(self, texts: Collection[str] = ()) -> Settled:
        """Write the file anew, which leaves nothing of erased rows; nobody can write meanwhile.

        Raises StoreUnavailable. What of the erased addresses is in the file after it stands in somebody's row.
        """
        sequence = await self.ask(settling.marked)
        emptied = await self._alone(settling.rebuild)
        left = await asyncio.to_thread(settling.left_in, self._file, texts)
        if emptied and sequence is not None:
            await self.write(lambda connection: settling.unmark(connection, sequence))
        return Settled(log_emptied=emptied, left=left)

    async def empty_log(self) -> bool:
        """Write the whole log into the file and truncate it; false if somebody reads in it. Raises StoreUnavailable."""
        return await self._alone(settling.empty_log)

    async def _alone(self, function: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed or self._thread is None:
            raise StoreUnavailable("the store is closed")
        return await self._thread.run_alone(function)

    async def probe(self, now: int) -> None:
        """Make sure that the store can be written, by writing down when; raises StoreUnavailable."""
        await self.write(lambda connection: connection.execute(_PROBE, (str(now),)).rowcount)

    def read_now(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a short read on the calling thread: the event loop's own connection.

        This is the one named exception from "nothing blocks the loop"; it waits READ_WAIT seconds at the most.
        """
        return self._run(lambda: self._now, function)

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read of judging in one of its threads; raises StoreUnavailable."""
        return await self._in_thread(self._judging, lambda: self._run(self._of_this_thread, function))

    async def ask(self, function: Callable[[sqlite3.Connection], T], *, patience: float = PATIENCE) -> T:
        """Run a read that nobody's send waits for; raises StoreUnavailable, also after so many seconds."""
        until = time.monotonic() + patience
        return await self._in_thread(self._asking, lambda: self._run(self._of_this_thread, _until(until, function)))

    async def _in_thread(self, pool: ThreadPoolExecutor, read: Callable[[], T]) -> T:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(pool, read)

    def snapshot(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read on a connection of its own (export, backup), in the calling thread.

        Raises what the function raises, and StoreUnavailable for what SQLite does.
        """
        try:
            with contextlib.closing(self._connect_reader()) as connection:
                return function(connection)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"cannot read the store: {error}") from error

    def check_pepper(self) -> None:
        """Make sure that the pepper is the store's, also beside the process that writes; raises WrongPepper."""
        self.snapshot(self._is_mine)

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

    # Connections

    def _prepared(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=WRITE_WAIT, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            for pragma in SETTINGS:
                connection.execute(f"PRAGMA {pragma}")
            schema.migrate(sqlite_utils.Database(connection, execute_plugins=False))
            self._recognise(connection)
            connection.execute(_PROBE, ("opened",))  # a store that cannot be written must be told of at the start
            rekeying.rekey(connection, self.digests)
            blacklists.recount(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _recognise(self, connection: sqlite3.Connection) -> None:
        """Compare the pepper with the one the store was made with; a new store takes this one."""
        if not self._is_mine(connection):
            new = [("pepper", self.digests.check_value()), ("store", os.urandom(16).hex()), ("sequence", "0")]
            connection.execute("BEGIN IMMEDIATE")  # a store born by halves would refuse every event
            connection.executemany("INSERT INTO meta VALUES (?, ?)", new)
            connection.execute("COMMIT")

    def _is_mine(self, connection: sqlite3.Connection) -> bool:
        """Tell whether the store has taken a pepper, which is this one; raises WrongPepper for another."""
        row = connection.execute("SELECT value FROM meta WHERE name = 'pepper'").fetchone()
        if row is not None and row[0] != self.digests.check_value():
            raise WrongPepper(f"the store {self.path} was made with another store.pepper")
        return row is not None

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

    def _observe(self, seconds: float, jobs: int) -> None:
        self.on_commit(seconds, jobs)

    def _seen(self) -> tuple[tuple[int, int], ...]:
        store, log, lock = self._files
        return _inode(store), _inode(log), _inode(lock)

    def _intact(self) -> None:
        """Make sure that the files under the path are still those that were opened."""
        if self._seen() != self._identity:
            raise OSError("the store's files were deleted or replaced under the running gate; restart it")


def _unobserved(_seconds: float, _jobs: int) -> None:
    """Take no notice."""


def _until(moment: float, function: Callable[[sqlite3.Connection], T]) -> Callable[[sqlite3.Connection], T]:
    """Make a read that is broken off at a moment of the monotonic clock."""

    def read(connection: sqlite3.Connection) -> T:
        connection.set_progress_handler(lambda: time.monotonic() > moment, _STEPS)
        try:
            if time.monotonic() > moment:  # it waited too long for a thread
                raise sqlite3.OperationalError("interrupted")
            return function(connection)
        finally:
            connection.set_progress_handler(None, 0)

    return read


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


def _holds_something(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
