"""Copies of a store: whole, marked as copies, and of no use until what was said since is told to them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlite_utils
from hypothesis import given, settings

from policy import BadCopy, Policy, StoreLocked, StoreUnavailable
from policy.events import Departure, Event
from policy.model import Microseconds
from policy.store import backups, bulk, database, journal, pruning, schema
from policy.store.backups import Copied
from policy.store.digests import Digests
from tests.policy.conftest import NOON, SECOND, Memory, Sends, World, profile, send_to, terms, told
from tests.policy.store.conftest import (
    STATED,
    Life,
    Row,
    exported,
    journal_of,
    learn_rows,
    live,
    lived,
    lives_with_lists,
)

BLACKLISTED = "Blacklisted"


def copied(memory: Memory) -> Memory:
    """Copy a store in memory as a backup does."""
    other = Memory()
    memory.connection.backup(other.connection)
    return other


def dumped(memory: Memory, after: int = 0) -> list[bytes]:
    """Write the journal after a sequence number as a file's lines."""
    stream = io.BytesIO()
    count = backups.journal_to(stream, after)(memory.connection)
    lines = stream.getvalue().splitlines(keepends=True)
    assert count == len(lines)
    return lines


def replayed(memory: Memory, lines: list[bytes]) -> int:
    """Tell a journal behind a copy, as one transaction."""
    memory.connection.execute("BEGIN")
    try:
        ends = backups.replay(memory.connection, memory.digests, lines)
    except BaseException:
        memory.connection.execute("ROLLBACK")
        raise
    memory.connection.execute("COMMIT")
    return ends


# ── the journal continues a copy ──


@settings(max_examples=150, deadline=None)
@given(lives_with_lists, lives_with_lists)
def test_a_copy_with_the_journal_since_is_the_original(before: Life, since: Life) -> None:
    """Told the journal since, wherever the file begins, a copy has the tables and the journal of its original."""
    memory = lived(before)
    copy, other = copied(memory), copied(memory)
    ended = journal.last_sequence(memory.connection)
    live(memory, since, NOON + SECOND)
    assert replayed(copy, dumped(memory, ended)) == journal.last_sequence(memory.connection)
    assert replayed(other, dumped(memory)) == journal.last_sequence(memory.connection)
    assert copy.dump() == other.dump() == memory.dump()
    assert journal_of(copy) == journal_of(other) == journal_of(memory)
    assert copy.rows("suppressed") == copy.derived_anew()
    for store in (memory, copy, other):
        store.close()


def test_rows_of_an_import_are_in_the_journal() -> None:
    """People that an import brought since the copy are told to it like everybody else."""
    memory = Memory()
    copy = copied(memory)
    learn_rows(memory, [[profile("1", email="a@x.de"), told(BLACKLISTED, "1")], [told("Opt Out", email="b@x.de")]])
    replayed(copy, dumped(memory))
    assert copy.dump() == memory.dump()


def test_files_may_overlap_and_follow_each_other() -> None:
    """A journal in several files is told in their order; what two of them hold is told once."""
    memory = Memory()
    copy = copied(memory)
    for number in range(6):
        memory.learn([told(BLACKLISTED, str(number))], NOON + number)
    lines = dumped(memory)
    assert [replayed(copy, part) for part in (lines[:3], lines[1:5], lines)] == [3, 5, 6]
    assert copy.dump() == memory.dump()


def test_an_entry_that_was_pruned_and_told_again_continues() -> None:
    """A statement that the original forgot and heard again is told again to a copy that still knows it."""
    memory = Memory()
    blacklisted = told(BLACKLISTED, "1", at="2099-01-01T00:00:00Z")
    memory.learn([blacklisted])
    copy = copied(memory)
    pruning.events(older_than=NOON + SECOND)(memory.connection)
    memory.learn([blacklisted], NOON + 2 * SECOND)
    memory.learn([told("Opt Out", "2")], NOON + 3 * SECOND)
    assert replayed(copy, dumped(memory)) == 3
    assert copy.dump() == memory.dump()


def lost(lines: list[bytes], **changes: object) -> list[bytes]:
    """Change the last line's entry."""
    return [*lines[:-1], json.dumps({**json.loads(lines[-1]), **changes}).encode()]


WRONG: list[object] = [
    pytest.param(lambda lines: lines[1:], "3 is not next after 1", id="a gap"),
    pytest.param(lambda lines: lost(lines, store="f" * 32), "another store's", id="the journal of another store"),
    pytest.param(lambda lines: [lines[0][:40]], "cut short", id="half a line"),
    pytest.param(lambda _: [b"\n"], "cut short", id="an empty line"),
    pytest.param(lambda _: [b"[1]"], "no entry", id="other JSON"),
    pytest.param(lambda _: [b'{"sequence": 2}'], "no entry", id="an entry with too little"),
    pytest.param(lambda lines: lost(lines, body="{"), "cannot be told", id="a body that is no JSON"),
    pytest.param(lambda lines: lost(lines, body="{}"), "cannot be told", id="a body of something else"),
    pytest.param(lambda lines: lost(lines, channel="FAX"), "cannot be told", id="an unknown channel"),
    pytest.param(lambda lines: lost(lines, kind="merge"), "3 is not next after 2", id="a merge that no profile made"),
    pytest.param(
        lambda lines: lost(lines, kind="departure", body='{"id": "9", "xngId": null, "keepSuppressed": false}'),
        "cannot be told",
        id="somebody who is not there leaves",
    ),
    pytest.param(
        lambda lines: lost(lines, kind="delisting", body='{"id": "9"}'), "cannot be told", id="no entry to remove"
    ),
    pytest.param(
        lambda lines: lost(lines, sequence=1, name="Opt Out"), "1 is another entry there", id="another history"
    ),
    pytest.param(lambda lines: lost(lines, sequence=1, arrived_at=5), "1 is another entry there", id="another time"),
]


@pytest.mark.parametrize(("change", "reason"), WRONG)
def test_a_journal_that_does_not_continue_is_refused(change: Callable[[list[bytes]], list[bytes]], reason: str) -> None:
    """A wrong journal is refused with the reason, and nothing of it is taken."""
    memory = Memory()
    memory.learn([told(BLACKLISTED, "1", at=STATED[0])])
    copy = copied(memory)
    memory.learn([told(BLACKLISTED, "2"), told("Opt Out", "3")], NOON + SECOND)
    before = copy.dump()
    with pytest.raises(BadCopy, match=reason):
        replayed(copy, change(dumped(memory, 1)))
    assert (copy.dump(), journal.last_sequence(copy.connection)) == (before, 1)


def test_a_repeat_in_another_history_is_refused() -> None:
    """An entry that the copy knows under another number, of a journal that went another way, is refused."""
    one, other = Memory(), Memory()
    for memory, name in ((one, "1"), (other, "2")):
        memory.learn([told("Completed Order", name)])
    other.learn([told(BLACKLISTED, "1", at=STATED[0])], NOON + SECOND)
    other.learn([Departure("2")], NOON + SECOND)
    with pytest.raises(BadCopy):
        replayed(one, dumped(other)[2:])


# ── copies of a running store ──


async def fill(world: World, count: int) -> None:
    """Blacklist many leads, in few commits."""
    for start in range(0, count, 500):
        groups = [[told(BLACKLISTED, email=f"p{number}@x.de")] for number in range(start, start + 500)]
        assert set(await world.policy.learn_rows(groups)) == {""}


def opened(path: Path) -> Policy:
    """Open a store with the pepper of the tests."""
    policy = Policy(path, "pepper", now=lambda: Microseconds(NOON))
    policy.open()
    return policy


@contextlib.contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Look into a store's file."""
    connection = sqlite3.connect(path)
    try:
        yield connection
    finally:
        connection.close()


async def backed_up(world: World, target: Path) -> Copied:
    """Copy a running store."""
    return await asyncio.to_thread(world.policy.database.snapshot, lambda connection: backups.copy(connection, target))


async def test_a_copy_is_whole_while_others_write(world: World, tmp_path: Path) -> None:
    """A copy taken under a load of writes is intact, and holds everything up to the sequence that it names."""
    await fill(world, 3000)
    stop = asyncio.Event()
    answered: list[int] = []

    async def write() -> None:
        while not stop.is_set():
            (learned,) = await world.policy.learn([told("Opt Out", email=f"w{len(answered)}@x.de")])
            answered.append(learned.sequence)

    writing = asyncio.create_task(write())
    before = len(answered)
    copy = await backed_up(world, tmp_path / "backup.db")
    stop.set()
    await writing
    assert len(answered) > before
    with connected(tmp_path / "backup.db") as connection:
        backups.verify(connection)
        sequences = [row[0] for row in connection.execute("SELECT sequence FROM event ORDER BY sequence")]
        assert sequences == list(range(1, copy.sequence + 1))
        assert backups.ends_at(connection) == copy.sequence
    assert copy.size == (tmp_path / "backup.db").stat().st_size


async def test_a_copy_is_for_its_owner_alone(world: World, tmp_path: Path) -> None:
    """A copy has mode 0600 and leaves nothing beside it; an older copy and what an aborted one left are replaced."""
    target = tmp_path / "copies" / "backup.db"
    target.parent.mkdir()
    target.write_bytes(b"an older copy")
    (target.parent / "backup.db.part").write_bytes(b"half")
    await world.learn(told(BLACKLISTED, "1"))
    assert (await backed_up(world, target)).sequence == 1
    assert [(path.name, oct(path.stat().st_mode & 0o777)) for path in target.parent.iterdir()] == [
        ("backup.db", "0o600")
    ]


async def test_a_copy_that_cannot_be_made_leaves_the_older_one(world: World, tmp_path: Path) -> None:
    """Where there is no place for a copy it is said, and a copy that was there before stays as it is."""
    with pytest.raises(FileNotFoundError):
        await backed_up(world, tmp_path / "nowhere" / "backup.db")
    target = tmp_path / "backup.db"
    target.write_bytes(b"an older copy")
    (tmp_path / "backup.db.part").mkdir()
    with pytest.raises(IsADirectoryError):
        await backed_up(world, target)
    assert target.read_bytes() == b"an older copy"


def test_a_copy_that_is_not_intact_is_refused(tmp_path: Path) -> None:
    """A damaged page is found before anybody relies on the copy."""
    path = tmp_path / "sendgate.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a, b)")
        connection.execute("CREATE INDEX i ON t (a)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(number, "x" * 100) for number in range(500)])
        connection.commit()
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'i'").fetchone()[0]
    damaged = bytearray(path.read_bytes())
    damaged[(root - 1) * 4096 + 8 : (root - 1) * 4096 + 200] = bytes(192)
    path.write_bytes(damaged)
    with contextlib.closing(sqlite3.connect(path)) as connection, pytest.raises((BadCopy, sqlite3.DatabaseError)):
        backups.verify(connection)


# ── a copy in place ──


@pytest.fixture
async def held(world: World, tmp_path: Path) -> Policy:
    """Give a copy as if it was put into a store's place by hand; its original blacklisted Ann before and Bob since."""
    await world.learn(profile("1", email="ann@x.de"), told(BLACKLISTED, "1"))
    path = tmp_path / "elsewhere" / "sendgate.db"
    path.parent.mkdir()
    await backed_up(world, tmp_path / "backup.db")
    path.write_bytes((tmp_path / "backup.db").read_bytes())
    await world.learn(told(BLACKLISTED, email="bob@x.de"))
    return Policy(path, "pepper", now=lambda: Microseconds(NOON))


async def test_a_copy_judges_nobody_and_learns_nothing(held: Policy) -> None:
    """However it came into place, a copy refuses all that would send or acknowledge, and says what is to be done."""
    held.open()
    try:
        assert held.held_at == 2
        for asked in (
            held.judge(send_to("bob@x.de"), terms()),
            held.learn([told(BLACKLISTED, "9")]),
            held.learn_each([[told(BLACKLISTED, "9")]]),
            held.learn_rows([[told(BLACKLISTED, "9")]]),
            held.probe(),
        ):
            with pytest.raises(StoreUnavailable, match="ends at journal sequence 2; `sendgate restore`"):
                await asked
    finally:
        held.close()


async def test_the_journal_takes_a_copy_into_use(held: Policy, world: World) -> None:
    """Told what was said since and released, a copy stands like its original, and goes on by itself."""
    held.open()
    try:
        stream = io.BytesIO()
        world.policy.database.snapshot(backups.journal_to(stream, 2))
        assert await held.catch_up(stream.getvalue().splitlines()) == 3
        with pytest.raises(StoreUnavailable):
            await held.probe()
        await held.release_copy()
        assert (await held.judge(send_to("bob@x.de"), terms())).refused
        assert (await held.learn([told(BLACKLISTED, "9")]))[0].sequence == 4
    finally:
        held.close()
    again = opened(held.database.path)
    assert again.held_at is None
    again.close()


async def test_a_refused_journal_leaves_a_copy_as_it_was(held: Policy, world: World) -> None:
    """A journal that breaks off in a wrong line leaves nothing behind, and the copy stays held."""
    held.open()
    try:
        stream = io.BytesIO()
        world.policy.database.snapshot(backups.journal_to(stream, 2))
        with pytest.raises(BadCopy):
            await held.catch_up([*stream.getvalue().splitlines(), b"{"])
        assert (held.held_at, held.sequence) == (2, 2)
    finally:
        held.close()


# ── putting a copy into place ──


async def test_what_was_in_place_is_moved_aside(world: World, tmp_path: Path) -> None:
    """A copy takes the store's place; what was there, its log included, stays under another name and can be opened."""
    store = world.policy.database.path
    await world.learn(told(BLACKLISTED, email="ann@x.de"))
    await backed_up(world, tmp_path / "backup.db")
    await world.learn(told(BLACKLISTED, email="bob@x.de"))
    world.policy.close()
    log = store.with_name(f"{store.name}-wal")
    log.touch()
    await asyncio.to_thread(backups.put_into_place, tmp_path / "backup.db", store, "old")
    assert not log.exists()
    assert oct(store.stat().st_mode & 0o777) == "0o600"
    placed, aside = opened(store), opened(Path(f"{store}.old"))
    assert (placed.held_at, placed.sequence) == (1, 1)
    assert (aside.held_at, aside.sequence) == (None, 2)
    placed.close()
    aside.close()


async def test_a_store_in_use_is_not_replaced(world: World, tmp_path: Path) -> None:
    """While a gate has the store open, no copy is put into its place."""
    await backed_up(world, tmp_path / "backup.db")
    before = world.policy.database.path.read_bytes()
    with pytest.raises(StoreLocked):
        backups.put_into_place(tmp_path / "backup.db", world.policy.database.path, "old")
    assert world.policy.database.path.read_bytes() == before
    await world.learn(told(BLACKLISTED, email="ann@x.de"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"no database at all" * 100, "no store", id="another file"),
        pytest.param(b"", "no store", id="an empty file"),
        pytest.param(None, "no backup", id="a store that no backup made"),
    ],
)
def test_only_a_backup_is_put_into_place(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """What is no backup is refused with the reason, and what was in place stays there."""
    given, store = tmp_path / "given.db", tmp_path / "sendgate.db"
    if content is None:
        opened(given).close()
    else:
        given.write_bytes(content)
    opened(store).close()
    before = store.read_bytes()
    with pytest.raises(BadCopy, match=reason):
        backups.put_into_place(given, store, "old")
    assert store.read_bytes() == before


# ── stores made by earlier programs ──


def earlier(path: Path) -> None:
    """Make a store as the first schema had it, with a blacklisted user and a lead who opted out."""
    connection = sqlite3.connect(path, isolation_level=None)
    db = sqlite_utils.Database(connection, execute_plugins=False)
    schema.MIGRATIONS.apply(db, stop_before="0002_dispatch_failed")
    digests = Digests("pepper")
    born = [("pepper", digests.check_value()), ("store", "5" * 32), ("sequence", "0")]
    connection.executemany("INSERT INTO meta VALUES (?, ?)", born)
    connection.execute("CREATE TEMP TABLE everybody (digest, number)")  # where today's program looks; it is not kept
    groups: list[list[Event]] = [
        [profile("1", email="ann@x.de"), told(BLACKLISTED, "1")],
        [told("Opt Out", email="bob@x.de")],
    ]
    connection.execute("BEGIN")
    assert bulk.learn_rows(digests, groups, Microseconds(NOON))(connection) == ["", ""]
    connection.execute("COMMIT")
    connection.close()


async def test_an_earlier_store_is_brought_up_and_keeps_everybody(tmp_path: Path) -> None:
    """A store of the first schema opens, has every later step, and everybody in it stands as before."""
    path = tmp_path / "sendgate.db"
    earlier(path)
    with connected(path) as connection:
        tables = ("person", "address", "register", "suppressed", "event")
        before = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    world = World(path)
    try:
        assert await world.judge(Sends("ann@x.de", "blacklisted", transactional=True)) == "blacklisted"
        assert await world.judge(Sends("bob@x.de", "opted_out")) == "opted_out"
        await world.learn(told("Whitelisted", "1"))
        assert (await world.policy.sizes())["dispatch_failed"] == 0
        with connected(path) as connection:
            for table in ("person", "address"):
                rows = connection.execute(f"SELECT * FROM {table}").fetchall()
                assert [row[: len(old)] for row, old in zip(rows, before[table], strict=True)] == before[table]
    finally:
        world.policy.close()


async def test_an_earlier_backup_is_taken_into_use(tmp_path: Path) -> None:
    """A copy that an earlier schema made is put into place, brought up and released like any other."""
    path, copy = tmp_path / "sendgate.db", tmp_path / "backup.db"
    earlier(path)
    with connected(path) as connection:
        backups.copy(connection, copy)
    backups.put_into_place(copy, path, "old")
    policy = opened(path)
    try:
        assert policy.held_at == 3
        await policy.release_copy()
        assert (await policy.judge(send_to("ann@x.de"), terms())).refused
    finally:
        policy.close()


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    """After a copy was refused for a store in use or put into place, the store can be locked again."""
    path = tmp_path / "sendgate.db"
    earlier(path)
    with connected(path) as connection:
        backups.copy(connection, tmp_path / "backup.db")
    backups.put_into_place(tmp_path / "backup.db", path, "old")
    os.close(database.locked(path))


def test_exports_of_copy_and_original_are_the_same(memory: Memory) -> None:
    """What a copy with its journal exports is what its original exports."""
    memory.learn([profile("1", email="a@x.de"), told(BLACKLISTED, "1")])
    copy = copied(memory)
    memory.learn([profile("1", email="b@x.de")], NOON + SECOND)
    replayed(copy, dumped(memory))
    lines: list[Row] = exported(memory)
    assert exported(copy) == lines
    assert len(lines) == 2
