"""Taking over a changed config.yaml while the gate runs.

A file changes in more ways than one: an editor writes a new file and renames it, Kubernetes swaps a symlink to a whole
directory, a bind mount says nothing at all. So the directories are watched and not the files, along every symlink on
the way; what counts is the content and not the event; and the content is asked for every few seconds as well. A
content is taken over when it is the same twice, a moment apart: half a file may be valid YAML, with half the senders.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchfiles import Change, awatch

from proxy.faults import ConfigError
from proxy.loading import Loaded, fingerprint, load

MOST_LINKS: Final = 40
GROUPED_MILLISECONDS: Final = 400

OnChange = Callable[[Loaded], Awaitable[None]]
OnFault = Callable[[ConfigError | OSError], Awaitable[None]]


async def a_moment() -> None:
    """Wait for as long as a file may take to be written."""
    await asyncio.sleep(0.2)


class Watcher:
    """Follows the configuration's file and all files it depends on, from the content that is in force.

    `on_change` gets what can be used, `on_fault` what cannot, each once for a content that differs from the one seen
    before; when a faulty file is put back to what is in force, `on_change` is called with that. ConfigError and OSError
    of `on_change` itself go to `on_fault`. `poll` is in seconds; `settle` waits for the moment between two readings.
    """

    def __init__(  # noqa: PLR0913 - the seams of its tests, all by name
        self,
        path: Path,
        current: Loaded,
        on_change: OnChange,
        on_fault: OnFault,
        *,
        environ: Mapping[str, str] = os.environ,
        providers: Collection[str] | None = None,
        poll: float = 5.0,
        settle: Callable[[], Awaitable[None]] = a_moment,
    ) -> None:
        self._path = path
        self._files = current.files
        self._digest = current.digest
        self._on_change = on_change
        self._on_fault = on_fault
        self._environ = environ
        self._providers = providers
        self._poll = poll
        self._settle = settle
        self._woken = asyncio.Event()
        self._stale = asyncio.Event()
        self._scope = Scope({}, frozenset())

    def trigger(self) -> None:
        """Look at the files now, as SIGHUP asks; call it on the event loop."""
        self._woken.set()

    async def run(self) -> None:
        """Follow the files until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._notice(), name="config-notice")
            tasks.create_task(self._follow(), name="config-follow")

    async def _notice(self) -> None:
        """Wake the other task whenever the file system tells of a change in scope."""
        while True:
            self._stale = asyncio.Event()
            self._scope = await asyncio.to_thread(scope_of, self._files)
            # The watch begins within the first step of awatch; what changed before it began is looked at right after.
            asyncio.get_running_loop().call_soon(self._woken.set)
            try:
                await self._watch(self._scope)
            except (OSError, RuntimeError, ExceptionGroup):  # gone meanwhile, no inotify watch left: the poll remains
                await asyncio.sleep(self._poll)

    async def _watch(self, scope: Scope) -> None:
        changes = awatch(
            *scope.directories,
            watch_filter=scope.holds,
            debounce=GROUPED_MILLISECONDS,
            stop_event=self._stale,
            recursive=False,
            ignore_permission_denied=True,
        )
        async with aclosing(changes):
            async for _ in changes:
                self._woken.set()

    async def _follow(self) -> None:
        """Take over what has changed, whenever woken and at every poll."""
        while True:
            self._woken.clear()
            await self._take_over()
            if await asyncio.to_thread(scope_of, self._files) != self._scope:
                self._stale.set()
            try:
                async with asyncio.timeout(self._poll):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _take_over(self) -> None:
        digest = await self._settled()
        if digest == self._digest:
            return
        try:
            loaded = await asyncio.to_thread(load, self._path, self._environ, providers=self._providers)
        except ConfigError as fault:
            if self._is_new(fault.digest, fault.files):
                await self._on_fault(fault)
        except OSError as fault:
            self._digest = digest
            await self._on_fault(fault)
        else:
            if self._is_new(loaded.digest, loaded.files):
                await self._apply(loaded)

    async def _apply(self, loaded: Loaded) -> None:
        try:
            await self._on_change(loaded)
        except (ConfigError, OSError) as fault:
            await self._on_fault(fault)

    def _is_new(self, digest: str, files: tuple[Path, ...]) -> bool:
        """Keep what was seen; tell whether it differs from what was seen before."""
        seen, self._digest = self._digest, digest
        self._files = files
        return digest != seen

    async def _settled(self) -> str:
        """Give the digest of the files as soon as it is the one seen before, or the same twice."""
        digest = await asyncio.to_thread(fingerprint, self._files)
        while digest != self._digest:
            await self._settle()
            before, digest = digest, await asyncio.to_thread(fingerprint, self._files)
            if digest == before:
                break
        return digest


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be watched: directories, by device and inode, and the paths in them that matter."""

    directories: Mapping[str, tuple[int, int]]
    paths: frozenset[str]

    def holds(self, _: Change, path: str) -> bool:
        """Tell whether a change concerns the configuration: the store may lie in the same directory."""
        return path in self.paths


def scope_of(files: Iterable[Path]) -> Scope:
    """Find the directories through which the files are reached, symlinks on the way included.

    Where a directory is not there, the nearest one above it is watched for its return.
    """
    directories: dict[str, tuple[int, int]] = {}
    paths: set[str] = set()
    for step in (step for path in files for step in _trail(path.absolute())):
        paths.update((str(step), str(step.parent)))
        for directory in step.parents:
            identity = _identity(directory)
            if identity is not None:
                directories[str(directory)] = identity
                break
            paths.add(str(directory))
    return Scope(directories, frozenset(paths))


def _trail(path: Path) -> Iterator[Path]:
    """Give a path, every symlink on the way, and what each leads to."""
    for _ in range(MOST_LINKS):
        yield path
        link = next((step for step in (*reversed(path.parents), path) if step.is_symlink()), None)
        if link is None:
            return
        yield link
        try:
            path = link.parent / link.readlink() / path.relative_to(link)
        except OSError:
            return


def _identity(directory: Path) -> tuple[int, int] | None:
    try:
        found = directory.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
