"""The machine: which process runs on which core, its memory, the page cache.

What is measured has a core to itself; whatever drives it (upstream, load generator) shares the other. So a rate says
what one core of the measured program can do, and both programs of a comparison are placed alike.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _cores() -> tuple[int | None, int | None]:
    if not hasattr(os, "sched_setaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


MEASURED, DRIVING = _cores()


def pin(core: int | None, process: int = 0) -> None:
    """Keep a process, and the threads that it starts from now on, on one core; None leaves it to the system."""
    if core is not None:
        os.sched_setaffinity(process, {core})


@contextmanager
def alone() -> Iterator[None]:
    """Keep this process on the measured core for a while, because it is itself what is measured."""
    pin(MEASURED)
    try:
        yield
    finally:
        pin(DRIVING)


def placed() -> str:
    """Say in words how processes are spread."""
    if MEASURED is None:
        return "processes are not pinned to cores here (one core, or no sched_setaffinity): ratios are rough"
    return f"the measured server runs alone on core {MEASURED}; upstream and load generator share core {DRIVING}"


def described() -> str:
    """Say on what machine and versions a run happened, and how busy it was."""
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {versions}; load average {load}"


def busy(process: int) -> float:
    """Give the processor time of a process so far, all its threads together, in seconds; 0 where there is no /proc."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0.0
    user, system = text.rpartition(")")[2].split()[11:13]  # proc(5)
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> tuple[float, float]:
    """Give the memory of a process, now and at its peak, in MiB; raises OSError where there is no /proc."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return _mebibytes(fields["VmRSS"]), _mebibytes(fields["VmHWM"])


def settle() -> None:
    """Give this process's free memory back to the system and begin its peak anew, as far as the system can."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # proc(5)


def _mebibytes(field: str) -> float:
    return int(field.removesuffix("kB")) / 1024


def forget(path: Path) -> None:
    """Drop a file's pages from the system's cache, as after a restart of the machine."""
    if not hasattr(os, "posix_fadvise"):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # only clean pages can be dropped
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def remember(path: Path) -> None:
    """Read a file once, so that its pages are in the system's cache."""
    with path.open("rb") as file:
        while file.read(1 << 22):
            pass
