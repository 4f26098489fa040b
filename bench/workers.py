"""Helper processes of a run: a function of this package, on a core of its own, spoken to by pipe."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Self, TypeAlias

from bench import machine

Pipe: TypeAlias = "Connection[Any, Any]"


class Worker:
    """A function that serves one end of a pipe in another process, until the `with` block ends."""

    def __init__(self, serve: Callable[[Pipe], None], core: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(serve, theirs, core), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def ask(self, question: object) -> Any:
        """Send something and wait for the answer; raises EOFError if the process ended instead."""
        self._pipe.send(question)
        return self._pipe.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()
        self._pipe.close()


def _run(serve: Callable[[Pipe], None], pipe: Pipe, core: int | None) -> None:
    machine.pin(core)
    serve(pipe)
