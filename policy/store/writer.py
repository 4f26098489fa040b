"""The one thread that writes, and how many who write share one fsync.

Whoever wants to write hands a function to the thread; the thread takes all that wait, runs each in a savepoint of one
transaction, and pays one fsync for all of them. An answer is given only after that fsync, so what was acknowledged
survives a power cut, and a function that fails takes only its own changes with it.

Nobody waits for ever. A disk may hang, and a thread may die: who waited too long is told that the store is
unavailable, and what had not begun by then is not done. What had begun may be committed later; nobody was told that it
was, and a no too many harms nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from policy.store import journal
from policy.store.sieve import Sieve

T = TypeVar("T")

GROUP = 1024  # the most writers that share one fsync
PATIENCE = 10.0  # seconds that a writer is waited for
_OF_THE_JOB = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)  # faults that are not the store's


class StoreUnavailable(Exception):
    """The store cannot be read or written now; nothing that was not acknowledged was kept."""


@dataclass(slots=True)
class _Job:
    """One function that waits for the writer, and who waits for its result."""

    function: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    alone: bool = False  # outside of any transaction
    given_up: bool = False
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)

    def give_up(self) -> None:
        """Let nobody wait any longer; the thread passes over a job that it has not begun."""
        self.given_up = True
        if not self.future.done():
            self.future.set_exception(StoreUnavailable("the store took too long to write"))


class Writer:
    """The thread that owns the writing connection; `intact` raises OSError when the files are not those any more.

    `sequence` is the newest one in the journal that was committed, and `sieve` knows of every blacklist entry
    before it is committed. `observe` is told how many seconds each commit took and how many jobs shared it, in this
    thread, after they were answered.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        sieve: Sieve,
        intact: Callable[[], None],
        observe: Callable[[float, int], None],
    ) -> None:
        self.sequence = journal.last_sequence(connection)
        self._sieve = sieve
        sieve.settle(sieve.see(connection))
        self._observe = observe
        self._connection = connection
        self._intact = intact
        self._entrance = threading.Lock()  # nothing may queue up behind the word that ends the thread
        self._ended = False
        self._stopping = False
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._next: _Job | None = None  # taken from the queue, and to be run alone
        self._thread = threading.Thread(target=self._write_all, name="store-write", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Tell whether anything can still be written."""
        return not self._ended and self._thread.is_alive()

    def close(self) -> None:
        """Finish what waits and end the thread."""
        with self._entrance:
            if not self._ended:
                self._ended = True
                self._jobs.put(None)
        self._thread.join()

    async def write(self, function: Callable[[sqlite3.Connection], T], patience: float | None) -> T:
        """Run a function in the thread and return its result once it is committed; None waits for as long as it takes.

        Raises what the function raises (its changes are undone), or StoreUnavailable.
        """
        loop = asyncio.get_running_loop()
        result: T = await self._done(_Job(function, loop, loop.create_future()), patience)
        return result

    async def run_alone(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function in the thread outside of any transaction, however long it takes; raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        result: T = await self._done(_Job(function, loop, loop.create_future(), alone=True), None)
        return result

    async def _done(self, job: _Job, patience: float | None) -> Any:
        with self._entrance:
            if not self.alive:
                raise StoreUnavailable("the store is closed, or its writer has ended")
            self._jobs.put(job)
        timer = None if patience is None else job.loop.call_later(patience, job.give_up)
        try:
            return await job.future
        finally:
            if timer is not None:
                timer.cancel()

    # In the thread

    def _write_all(self) -> None:
        try:
            while self._next is not None or not self._stopping:
                first, self._next = self._next or self._jobs.get(), None
                if first is None:
                    break
                if first.alone:
                    self._run_alone(first)
                else:
                    self._write_group([first, *self._waiting()])
        finally:
            self._refuse_waiting()

    def _waiting(self) -> list[_Job]:
        jobs: list[_Job] = []
        with contextlib.suppress(queue.Empty):
            while len(jobs) < GROUP - 1:
                job = self._jobs.get_nowait()
                if job is None:
                    self._stopping = True
                    break
                if job.alone:
                    self._next = job
                    break
                jobs.append(job)
        return jobs

    def _write_group(self, jobs: list[_Job]) -> None:
        started, changes = time.perf_counter(), self._connection.total_changes
        unavailable = StoreUnavailable("the store's writer has ended")
        committed = False
        try:
            self._commit(jobs)
            committed = True
        except Exception as error:  # noqa: BLE001 (whatever it is, the thread goes on for those who come next)
            unavailable = StoreUnavailable(f"cannot write the store: {error}")
        finally:
            if not committed:
                _roll_back(self._connection)
                for job in jobs:
                    job.error = job.error or unavailable
            _settle(jobs)
        if committed and self._connection.total_changes > changes:  # what changed nothing says nothing of the disk
            with contextlib.suppress(Exception):  # who looks on must not stop what they look at
                self._observe(time.perf_counter() - started, len(jobs))

    def _commit(self, jobs: list[_Job]) -> None:
        connection = self._connection
        self._intact()
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            if not job.given_up:
                self._run(job)
        sequence = journal.last_sequence(connection)
        mark = self._sieve.see(connection)
        connection.execute("COMMIT")
        self._sieve.settle(mark)
        with contextlib.suppress(sqlite3.Error):  # it is committed; what is not let go now is with the next removal
            self._sieve.shed(connection)
        self._intact()  # a commit to a file that is gone must not be acknowledged
        self.sequence = sequence

    def _run(self, job: _Job) -> None:
        connection = self._connection
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.function(connection)
        except (OSError, sqlite3.DatabaseError) as error:
            if not connection.in_transaction or not isinstance(error, _OF_THE_JOB):
                raise  # the disk or the store, not the job: nobody's changes can be kept
            job.error = error
            connection.execute("ROLLBACK TO job")
        except Exception as error:  # noqa: BLE001 (whatever a job raises is its caller's, who gets it from write())
            job.error = error
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")

    def _run_alone(self, job: _Job) -> None:
        try:
            self._intact()
            job.result = job.function(self._connection)
        except Exception as error:  # noqa: BLE001 (whatever it is, the thread goes on for those who come next)
            job.error = StoreUnavailable(f"cannot write the store: {error}")
        finally:
            _settle([job])

    def _refuse_waiting(self) -> None:
        """Tell everybody who still waits for a thread that ends."""
        with self._entrance:
            self._ended = True
            waiting: list[_Job] = [self._next] if self._next is not None else []
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting += filter(None, [self._jobs.get_nowait()])
        for job in waiting:
            job.error = StoreUnavailable("the store's writer has ended")
        _settle(waiting)


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
