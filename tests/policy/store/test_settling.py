"""What lies beside the rows after an erasure: the log is emptied, the file searched, and rebuilt where it must be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy import Policy, UnknownUser
from policy.events import Event
from policy.model import Microseconds
from policy.store import settling
from policy.store.surveying import whoever
from tests.policy.conftest import NOON, World, profile, send_to, terms, told


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a file for reading."""
    file = os.open(path, os.O_RDONLY)
    try:
        yield file
    finally:
        os.close(file)


def left(path: Path, *texts: str) -> int:
    """Count what a file holds."""
    with opened(path) as file:
        return settling.left_in(file, texts)


@pytest.mark.parametrize("offset", [0, 5, settling._CHUNK - 3, settling._CHUNK, 2 * settling._CHUNK - 8])
def test_an_address_is_found_wherever_it_lies(tmp_path: Path, offset: int) -> None:
    """It is found in any case, percent-encoded, and over the edge of what is read at once; each place counts once."""
    path = tmp_path / "file"
    for form, count in ((b"Bob@X.de", 1), (b"bob%40x.de", 1), (b"bob@x.debob@x.de", 2), (b"bob@y.de", 0)):
        path.write_bytes(b"." * offset + form + b"." * 50)
        assert left(path, "bob@x.de") == count
    assert left(path) == 0


async def filled(world: World, people: int) -> list[str]:
    """Write people in an order that splits pages, with entries of all lengths, and give their addresses."""
    draw = random.Random(1)
    addresses = [f"{draw.getrandbits(40):x}@x.de" for _ in range(people)]
    for start in range(0, people, 100):
        groups: list[list[Event]] = []
        for number, address in enumerate(addresses[start : start + 100], start):
            traits = {"note": "n" * draw.randint(0, 600)}
            person = profile(str(draw.getrandbits(60)), email=address)
            groups.append([type(person)(person.id, person.email, person.email_keys, f"u{number % 3}", {}, traits)])
            groups.append([told("Blacklisted", person.id)])
        await world.policy.learn_each(groups)
    return addresses


async def test_nothing_is_left_of_anybody(world: World) -> None:
    """Of many who are erased from pages that were split no address is left in the file or its log."""
    addresses = await filled(world, 1500)
    path = world.policy.database.path
    for address in random.Random(2).sample(addresses, 60):
        erased = await world.policy.erase(whoever(address))
        assert erased.settled == settling.Settled(log_emptied=True, left=0)
        assert (left(path, address), left(Path(f"{path}-wal"), address)) == (0, 0)
        assert (await world.policy.judge(send_to(address), terms(transactional=True))).refused
    assert not await world.policy.unsettled()


async def test_a_reader_holds_up_the_log_and_nothing_else(world: World) -> None:
    """While somebody reads for long the erasure is done and the log is not empty; it is emptied later."""
    await world.learn(told("Blacklisted", email="bob@x.de"))
    path = world.policy.database.path
    with contextlib.closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM person").fetchone()
        erased = await world.policy.erase(whoever("bob@x.de"))
        assert erased.settled == settling.Settled(log_emptied=False)
        assert world.policy.settling_due
        assert await world.policy.unsettled()
        with pytest.raises(UnknownUser):
            await world.policy.erase(whoever("bob@x.de"))
    assert await world.policy.settle() == settling.Settled(log_emptied=True, left=0)
    assert not world.policy.settling_due
    assert not await world.policy.unsettled()
    assert left(path, "bob@x.de") == 0


async def test_a_large_file_is_rebuilt_when_somebody_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left in a file that is too large to be rebuilt at once is told, and gone after a rebuild."""
    monkeypatch.setattr(settling, "REBUILT_AT_ONCE", 0)
    await world.learn(profile("1", email="bob@x.de"), profile("jimbob@x.de", email="jim@x.de"))
    erased = await world.policy.erase(whoever("bob@x.de"))
    assert erased.settled.log_emptied
    assert erased.settled.left  # it is the end of another's id as well
    assert await world.policy.unsettled()
    assert not world.policy.settling_due
    assert (await world.policy.rebuild()).left == erased.settled.left
    assert not await world.policy.unsettled()


async def test_a_start_catches_up(tmp_path: Path) -> None:
    """A store whose gate ended between an erasure and its settling is settled when it is opened."""
    path = tmp_path / "sendgate.db"
    world = World(path)
    addresses = await filled(world, 300)
    world.policy.database.settle = _never  # type: ignore[method-assign,assignment]  # the gate is killed here
    with pytest.raises(asyncio.CancelledError):
        await world.policy.erase(whoever(addresses[0]))
    assert await world.policy.unsettled()
    world.policy.close()
    again = Policy(path, "pepper", now=lambda: Microseconds(NOON))
    again.open()
    try:
        assert not await again.unsettled()
        assert (left(path, addresses[0]), size(path)) == (0, 0)
        assert (await again.judge(send_to(addresses[0]), terms(transactional=True))).refused
    finally:
        again.close()


def size(path: Path) -> int:
    """Say how long the log of a store is."""
    return Path(f"{path}-wal").stat().st_size


async def _never(_texts: object = ()) -> settling.Settled:
    raise asyncio.CancelledError
