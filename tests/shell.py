"""The command line in the test's own process: what is typed, and what comes back."""

from __future__ import annotations

import asyncio

import pytest

from proxy.__main__ import main
from tests.conftest import Settings


class Shell:
    """Runs commands in a thread, as they have a loop of their own; `words` stand before each."""

    def __init__(self, settings: Settings, captured: pytest.CaptureFixture[str], *words: str) -> None:
        self.settings = settings
        self._captured = captured
        self._words = words

    async def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Run one command, and give its exit code and what it printed to both streams."""
        self._captured.readouterr()
        code = await asyncio.to_thread(main, self.given(*arguments))
        return code, *self._captured.readouterr()

    async def said(self, *arguments: object) -> tuple[int, str]:
        """Run one command, and give its exit code and what it printed to either stream."""
        code, out, err = await self(*arguments)
        return code, out + err

    def given(self, *arguments: object) -> list[str]:
        """Give a whole command, with the configuration behind its first word."""
        first, *others = [*self._words, *map(str, arguments)]
        return [first, "--config", str(self.settings.path), *others]
