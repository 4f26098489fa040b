"""The tables of webhooks, found on disk, and how the laws get them: one test for each row of each table.

A table stands in this folder under its provider's name: HOOKS, the file under test; SECRETS, what the configuration
gives; `sign`, which makes a request with this body as the provider sends it at a time in seconds, by its published
scheme; ITEMS, by name a body and the notices that come of it as (says, address, seconds or None); GARBLED, bodies that
are no webhook at all; UNSIGNED, true where the provider signs nothing and a key is shown instead; BODY_SIGNED, false
where the signature leaves the body out; TIMED, false where no time is signed; DROPPED, the names of items by which the
provider says that it sent nothing because of a list of its own; and ANSWERS, where the answer to a send tells that, by
name the body of one and who was dropped, as (says, address).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from proxy.hooks import base
from proxy.hooks.base import Hook, Hooks, Secrets

HERE = Path(__file__).parent
NOW = 1_800_000_000


@dataclass(frozen=True)
class Table:
    """One provider's table, with what a table need not say."""

    name: str
    module: Any

    @property
    def hooks(self) -> Hooks:
        """Give the file under test."""
        hooks: Hooks = self.module.HOOKS
        return hooks

    @property
    def secrets(self) -> Secrets:
        """Give what the configuration gives."""
        secrets: Secrets = self.module.SECRETS
        return secrets

    def says(self, flag: str, otherwise: bool) -> bool:  # noqa: FBT001 (the name of a flag and what holds without it)
        """Tell whether a flag is set."""
        return bool(getattr(self.module, flag, otherwise))

    def sign(self, body: bytes, at: int = NOW) -> Hook:
        """Make a request with this body as the provider sends it."""
        hook: Hook = self.module.sign(body, at)
        return hook

    def check(self, hook: Hook, secrets: Secrets | None = None, now: float = NOW) -> None:
        """Check a request with what the provider's file asks to be fetched, which the table has."""
        fetched = getattr(self.module, "FETCHED", {})
        needed = self.hooks.needs(hook)
        self.hooks.check(hook, secrets or self.secrets, now, fetched.get(needed))


@cache
def table(name: str) -> Table:
    """Load a provider's table by its path, because test folders are no packages."""
    spec = importlib.util.spec_from_file_location(f"webhooks_of_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Table(name, module)


def found() -> list[Table]:
    """Give the tables of all providers that have one."""
    return [table(name) for name in base.names() if (HERE / f"{name}.py").exists()]


def rows(kind: str) -> list[tuple[Table, str, Any]]:
    """Give the rows of one kind of all tables, with their tables and names."""
    named: list[tuple[Table, Mapping[str, Any]]] = [(each, getattr(each.module, kind)) for each in found()]
    return [(each, title, row) for each, many in named for title, row in many.items()]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test the rows that it asks for: `name` for each file, `item` and `garbled` for each row."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", base.names())
    for fixture, kind in {"item": "ITEMS", "garbled": "GARBLED"}.items():
        if fixture in metafunc.fixturenames:
            params = [pytest.param(each, row, id=f"{each.name}: {title}") for each, title, row in rows(kind)]
            metafunc.parametrize(("table", fixture), params)
    if "table" in metafunc.fixturenames and not {"item", "garbled"} & set(metafunc.fixturenames):
        metafunc.parametrize("table", [pytest.param(each, id=each.name) for each in found()])
