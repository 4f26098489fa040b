"""What runs beside the requests: begun with the gate, begun again where it fails, ended with the gate.

Work that died would be missed by nobody for days: nothing is pruned, no changed configuration is seen. So a failure is
logged, with the place in the code and no message (that may hold an address), and the work begins anew after a pause.
The pause doubles with each failure in a row, up to a bound; who then ran for longer than that is taken for sound again.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from proxy import log

FIRST_PAUSE: Final = 1.0  # seconds
LONGEST_PAUSE: Final = 60.0

Work = Callable[[], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]


class Background:
    """The works of one gate, each in a task that is kept by reference; `sleep` is the seam of its tests."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Work) -> None:
        """Begin a work on the running loop; it goes on until it returns or everything ends."""
        task = asyncio.create_task(self._keep(name, work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """End all works and wait until they have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, name: str, work: Work) -> None:
        clock = asyncio.get_running_loop().time
        failures = 0
        while True:
            began = clock()
            try:
                return await work()
            except Exception as failure:  # noqa: BLE001 (whatever it is, the gate must not go on without the work)
                failures = 1 if clock() - began > LONGEST_PAUSE else failures + 1
                log.get().error("task_failed", task=name, failure=place_of(failure), again_in=pause(failures))
            await self._sleep(pause(failures))


def pause(failures: int) -> float:
    """Give the seconds to wait after so many failures in a row, from 1."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 10)))


def place_of(failure: Exception) -> str:
    """Name what failed and where in the code; of several that failed at once, the first."""
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    frames = traceback.extract_tb(failure.__traceback__)[-4:]
    trail = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(failure).__name__} at {trail}"
