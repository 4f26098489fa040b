"""The Unix socket beside the store: the operator's own door.

The system allows about a hundred bytes for the name of such a socket, and a store may lie deeper than that. So a long
name is reached through the open folder it lies in.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LONGEST_NAME: Final = 100
PATIENCE: Final = 2.0  # seconds for a connection to be taken


def path_of(store: Path) -> Path:
    """Say where the socket of a store lies."""
    return Path(f"{store.absolute()}.sock")


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """Give a name for the socket that the system takes, while the block runs."""
    if len(os.fsencode(path)) <= LONGEST_NAME:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def answers(store: Path) -> bool:
    """Tell whether anybody listens on the socket of a store."""
    try:
        with reachable(path_of(store)) as name, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
            trial.settimeout(PATIENCE)
            trial.connect(name)
    except OSError:
        return False
    return True


def unix_socket(store: Path) -> socket.socket:
    """Bind the socket of a store, for its owner alone; the caller holds the store's lock, so a file there is old."""
    path = path_of(store)
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with reachable(path) as name:
            bound.bind(name)
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(mask)
    return bound
