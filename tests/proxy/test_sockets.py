"""The Unix socket beside the store: for its owner alone, and reachable however deep the store lies."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from proxy import sockets


def deep(folder: Path) -> Path:
    """Make a folder whose path is far longer than the name of a socket may be."""
    for _ in range(5):
        folder = folder / ("d" * 50)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(params=["near", "deep"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give the path of a store, near and deep."""
    return (deep(tmp_path) if request.param == "deep" else tmp_path) / "sendgate.db"


def test_it_lies_beside_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket's path follows from the store's, wherever that starts."""
    monkeypatch.chdir(tmp_path)
    assert sockets.path_of(Path("data/sendgate.db")) == tmp_path / "data" / "sendgate.db.sock"


def test_it_can_be_spoken_with(store: Path) -> None:
    """Whoever connects by the reachable name meets whoever listens."""
    with sockets.unix_socket(store) as bound, socket.socket(socket.AF_UNIX) as client:
        bound.listen()
        with sockets.reachable(sockets.path_of(store)) as name:
            assert len(name) <= 107
            client.connect(name)
        client.sendall(b"hello")
        met, _ = bound.accept()
        with met:
            assert met.recv(5) == b"hello"


def test_it_is_for_its_owner_alone(store: Path) -> None:
    """Nobody else may open it, whatever the umask allows, and the umask is as it was."""
    before = os.umask(0o000)
    try:
        sockets.unix_socket(store).close()
    finally:
        after = os.umask(before)
    mode = sockets.path_of(store).stat().st_mode
    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode), after) == (True, 0o600, 0o000)


def test_an_old_one_makes_room(store: Path) -> None:
    """A socket that a killed gate left behind is replaced."""
    sockets.unix_socket(store).close()
    assert sockets.path_of(store).exists()
    with sockets.unix_socket(store) as bound:
        bound.listen()
        with sockets.reachable(sockets.path_of(store)) as name, socket.socket(socket.AF_UNIX) as client:
            client.connect(name)


def test_whether_anybody_answers(store: Path) -> None:
    """Somebody who listens answers; a socket that was left behind, or none, does not, and neither does no folder."""
    assert not sockets.answers(store)
    with sockets.unix_socket(store) as bound:
        bound.listen()
        assert sockets.answers(store)
    assert sockets.path_of(store).exists()
    assert not sockets.answers(store)
    assert not sockets.answers(store.parent / "gone" / store.name)


def test_no_folder(tmp_path: Path) -> None:
    """Where the store's folder is not there, nothing is left open."""
    with pytest.raises(OSError, match="No such file"):
        sockets.unix_socket(tmp_path / "gone" / "sendgate.db")
    with pytest.raises(OSError, match="No such file"), sockets.reachable(tmp_path / ("x" * 200) / "s"):
        pass
