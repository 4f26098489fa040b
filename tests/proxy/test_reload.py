"""Taking over a changed config.yaml while the gate runs."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import trustme
from watchfiles import Change

from proxy.faults import ConfigError
from proxy.loading import Loaded, load
from proxy.reload import Watcher, scope_of

NEVER = 3600.0
OFTEN = 0.02
PATIENCE = 60.0


def text(total: str) -> str:
    """Write a configuration that differs from another in one value."""
    return f"routes: {{one: {{provider: sendgrid, upstream: sandbox, timeout: {{total: {total}}}}}}}\n"


async def no_pause() -> None:
    await asyncio.sleep(0)


class Told:
    """Collects what a watcher tells, in order."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[Loaded | ConfigError | OSError] = asyncio.Queue()

    async def on_change(self, loaded: Loaded) -> None:
        await self._told.put(loaded)

    async def on_fault(self, fault: ConfigError | OSError) -> None:
        await self._told.put(fault)

    async def next(self) -> Loaded | ConfigError | OSError:
        """Give what is told next."""
        async with asyncio.timeout(PATIENCE):
            return await self._told.get()

    async def total(self) -> float:
        """Give the value of the next configuration, which must be one that can be used."""
        told = await self.next()
        assert isinstance(told, Loaded), told
        return told.config.routes["one"].timeout.total

    async def fault(self) -> str:
        """Give the next fault, which must be one of the configuration."""
        told = await self.next()
        assert isinstance(told, ConfigError), told
        return str(told)

    async def until(self, total: float) -> None:
        """Wait for a configuration; what is told before is passed over."""
        told = await self.next()
        while not isinstance(told, Loaded) or told.config.routes["one"].timeout.total != total:
            told = await self.next()


Watching = Callable[..., AbstractAsyncContextManager[tuple[Told, Watcher]]]


@asynccontextmanager
async def watching(
    path: Path, poll: float = NEVER, settle: Callable[[], Awaitable[None]] = no_pause
) -> AsyncIterator[tuple[Told, Watcher]]:
    """Watch a file from its present content; poll only if asked to."""
    told = Told()
    current = load(path, {}, providers=["sendgrid"])
    watcher = Watcher(
        path, current, told.on_change, told.on_fault, environ={}, providers=["sendgrid"], poll=poll, settle=settle
    )
    task = asyncio.create_task(watcher.run())
    try:
        yield told, watcher
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a configuration in a directory of its own."""
    found = tmp_path / "etc" / "config.yaml"
    write(found, text("1s"))
    return found


def write(path: Path, content: str) -> None:
    """Write a file in place, and its directory if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def remove(path: Path) -> None:
    path.unlink()


def touch(path: Path) -> None:
    path.touch()


async def quiet() -> None:
    """Give a watcher the time to begin watching, to look many times if it polls often, and to come to rest."""
    await asyncio.sleep(20 * OFTEN)


def rename_into(path: Path, content: str) -> None:
    """Write a new file beside and put it in the place of the old one, as editors do."""
    beside = path.with_name(".config.yaml.swp")
    beside.write_text(content)
    beside.replace(path)


def replace_folder(path: Path, content: str) -> None:
    """Put another directory in the place of the file's, which is renamed."""
    other = path.parent.with_name("other")
    write(other / path.name, content)
    path.parent.rename(path.parent.with_name(f"old-{path.stat().st_ino}"))
    other.rename(path.parent)


def point(link: Path, target: str) -> None:
    """Let a symlink lead elsewhere, by one rename."""
    beside = link.with_name("beside")
    beside.symlink_to(target)
    beside.replace(link)


def swap(folder: Path, version: str, content: str) -> None:
    """Publish a version as Kubernetes does: a new directory, and one rename of the symlink to it."""
    (folder / version).mkdir()
    (folder / version / "config.yaml").write_text(content)
    point(folder / "..data", version)


async def test_a_file_written_in_place_is_taken_over(path: Path) -> None:
    """A file that is written again is read again, each time."""
    async with watching(path) as (told, _):
        for seconds in (2, 3, 4):
            write(path, text(f"{seconds}s"))
            await told.until(seconds)


async def test_a_renamed_file_is_taken_over(path: Path) -> None:
    """A file that is put in the place of the old one is read, each time."""
    async with watching(path) as (told, _):
        for seconds in (2, 3, 4):
            rename_into(path, text(f"{seconds}s"))
            assert await told.total() == seconds


async def test_a_swapped_directory_is_taken_over(tmp_path: Path) -> None:
    """A symlink to a directory that is swapped, as Kubernetes does, leads to the new file, each time."""
    swap(tmp_path, "..v1", text("1s"))
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    async with watching(tmp_path / "config.yaml") as (told, _):
        for seconds in (2, 3, 4):
            swap(tmp_path, f"..v{seconds}", text(f"{seconds}s"))
            assert await told.total() == seconds
            shutil.rmtree(tmp_path / f"..v{seconds - 1}")


async def test_a_file_behind_a_symlink_is_taken_over(path: Path, tmp_path: Path) -> None:
    """A file in another directory is watched there, and where the symlink stands."""
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    other = tmp_path / "other.yaml"
    other.write_text(text("3s"))
    async with watching(link) as (told, _):
        rename_into(path, text("2s"))
        assert await told.total() == 2
        link.unlink()
        link.symlink_to(other)
        await told.until(3)


async def test_a_swapped_release_is_taken_over(tmp_path: Path) -> None:
    """A symlink further up the way, to a directory that holds that of the file, may be swapped too."""
    write(tmp_path / "v1" / "etc" / "config.yaml", text("1s"))
    link = tmp_path / "current"
    link.symlink_to("v1")
    async with watching(link / "etc" / "config.yaml") as (told, _):
        for seconds in (2, 3):
            write(tmp_path / f"v{seconds}" / "etc" / "config.yaml", text(f"{seconds}s"))
            await quiet()
            point(link, f"v{seconds}")
            assert await told.total() == seconds


async def test_a_renamed_directory_is_taken_over(path: Path) -> None:
    """A directory that is put in the place of the old one is watched in its stead."""
    async with watching(path) as (told, _):
        for seconds in (2, 4):
            replace_folder(path, text(f"{seconds}s"))
            await told.until(seconds)
            await quiet()
            rename_into(path, text(f"{seconds + 1}s"))
            assert await told.total() == seconds + 1


async def test_an_absent_file_is_told_and_waited_for(path: Path) -> None:
    """A file that goes is told as such, and is taken over when it comes back."""
    async with watching(path) as (told, _):
        remove(path)
        assert isinstance(await told.next(), FileNotFoundError)
        rename_into(path, text("2s"))
        assert await told.total() == 2


async def test_an_absent_file_that_comes_back_is_in_force_again(path: Path) -> None:
    """A file that goes and comes back unchanged is told again, so that its fault can be forgotten."""
    async with watching(path) as (told, _):
        remove(path)
        assert isinstance(await told.next(), FileNotFoundError)
        rename_into(path, text("1s"))
        assert await told.total() == 1


async def test_a_directory_that_is_made_again_is_watched_again(path: Path) -> None:
    """A directory may be removed and made again, and its file is followed on."""
    async with watching(path) as (told, _):
        for seconds in (2, 3):
            shutil.rmtree(path.parent)
            assert isinstance(await told.next(), FileNotFoundError)
            await quiet()
            write(path, text(f"{seconds}s"))
            await told.until(seconds)


async def test_a_secret_in_a_file_is_taken_over(path: Path, tmp_path: Path) -> None:
    """A changed file that a reference leads to is a changed configuration."""
    secret = tmp_path / "run" / "secret"
    write(secret, "1s\n")
    write(path, text(f"'${{file:{secret}}}'"))
    async with watching(path) as (told, _):
        rename_into(secret, "2s\n")
        assert await told.total() == 2


async def test_a_secret_that_is_not_there_yet_is_waited_for(path: Path, tmp_path: Path) -> None:
    """A fault that an absent file makes ends when the file comes, even if its directory is not there yet."""
    secret = tmp_path / "run" / "secrets" / "x"
    async with watching(path) as (told, _):
        rename_into(path, text(f"'${{file:{secret}}}'"))
        assert "cannot be read" in await told.fault()
        await quiet()
        write(secret, "2s\n")
        await told.until(2)


async def test_a_certificate_is_taken_over(path: Path) -> None:
    """A new pair of certificate and key is a changed configuration, though config.yaml is the same."""
    authority, pem = trustme.CA(), path.with_name("pair.pem")
    rename_into(pem, authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes().decode())
    write(path, text("1s") + f"listen: {{ops: {{address: '127.0.0.1:0', tls: {{cert: {pem}, key: {pem}}}}}}}")
    async with watching(path) as (told, _):
        rename_into(pem, authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes().decode())
        assert await told.total() == 1


async def test_each_faulty_content_is_told_once(path: Path) -> None:
    """A faulty content is one fault, another one is the next, and the old content is told when it is back."""
    async with watching(path, poll=OFTEN) as (told, _):
        rename_into(path, "lgo: {}")
        assert "did you mean log" in await told.fault()
        rename_into(path, "lgo: {}")
        await quiet()
        rename_into(path, "rotes: {}")
        assert "did you mean routes" in await told.fault()
        rename_into(path, text("1s"))
        assert await told.total() == 1


async def test_an_absent_file_is_told_once(path: Path) -> None:
    """As long as the file is not there, nothing more is told."""
    async with watching(path, poll=OFTEN) as (told, _):
        remove(path)
        assert isinstance(await told.next(), FileNotFoundError)
        await quiet()
        rename_into(path, text("2s"))
        assert await told.total() == 2


async def test_the_same_content_is_told_once(path: Path) -> None:
    """A file that is touched, renamed or written with what it holds already is not told."""
    async with watching(path, poll=OFTEN) as (told, watcher):
        for seconds in (1, 2, 3):
            touch(path)
            await quiet()
            rename_into(path, text(f"{seconds}s"))
            watcher.trigger()
            await quiet()
            rename_into(path, text(f"{seconds + 1}s"))
            assert await told.total() == seconds + 1


async def test_half_a_file_is_not_taken_over(path: Path) -> None:
    """A content that changes again while it settles is not told, only what it becomes."""
    rest = ["3s", "4s"]

    async def writer_goes_on() -> None:
        if rest:
            write(path, text(rest.pop(0)))

    async with watching(path, settle=writer_goes_on) as (told, _):
        rename_into(path, text("2s"))
        assert await told.total() == 4


async def test_a_change_that_nothing_tells_of_is_found_by_polling(path: Path, tmp_path: Path) -> None:
    """A file that changes without an event, here through a hard link elsewhere, is found by the next poll."""
    elsewhere = tmp_path / "elsewhere"
    os.link(path, elsewhere)
    async with watching(path, poll=OFTEN) as (told, _):
        await quiet()
        write(elsewhere, text("2s"))
        await told.until(2)


async def test_a_trigger_looks_at_once(path: Path, tmp_path: Path) -> None:
    """SIGHUP's trigger finds what neither an event nor a poll has told of."""
    elsewhere = tmp_path / "elsewhere"
    os.link(path, elsewhere)
    async with watching(path) as (told, watcher):
        await quiet()
        write(elsewhere, text("2s"))
        watcher.trigger()
        await told.until(2)


async def test_what_cannot_be_applied_is_a_fault(path: Path) -> None:
    """An operating system's error while a configuration is applied is told like one of reading it."""
    told = Told()

    async def refuse(_: Loaded) -> None:
        raise PermissionError(13, "Permission denied")

    current = load(path, {}, providers=["sendgrid"])
    watcher = Watcher(
        path, current, refuse, told.on_fault, environ={}, providers=["sendgrid"], poll=OFTEN, settle=no_pause
    )
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watcher.run())
        rename_into(path, text("2s"))
        assert isinstance(await told.next(), PermissionError)
        rename_into(path, text("3s"))
        assert isinstance(await told.next(), PermissionError)
        task.cancel()


async def test_changes_made_before_the_watch_began_are_found(path: Path) -> None:
    """What changed between loading and watching is taken over too."""
    told, current = Told(), load(path, {}, providers=["sendgrid"])
    write(path, text("2s"))
    watcher = Watcher(path, current, told.on_change, told.on_fault, environ={}, providers=["sendgrid"], poll=NEVER)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watcher.run())
        assert await told.total() == 2
        task.cancel()


def test_the_scope_holds_files_links_and_directories(tmp_path: Path) -> None:
    """Every directory on the way to a file is watched, and only paths on the way matter."""
    swap(tmp_path, "..v1", "x")
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    scope = scope_of([tmp_path / "config.yaml", tmp_path / "run" / "absent"])
    assert set(scope.directories) == {str(tmp_path), str(tmp_path / "..data"), str(tmp_path / "..v1")}
    on_the_way = ("config.yaml", "..data", "..data/config.yaml", "..v1/config.yaml", "run", "run/absent")
    assert all(scope.holds(Change.modified, str(tmp_path / step)) for step in on_the_way)
    assert not scope.holds(Change.modified, str(tmp_path / "sendgate.db-wal"))


def test_symlinks_in_a_circle_end(tmp_path: Path) -> None:
    """Symlinks that lead to each other are followed for a while and given up."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert str(tmp_path) in scope_of([tmp_path / "a"]).directories
