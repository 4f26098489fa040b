"""The tables of samples, found on disk, and how the laws get them: one test for each row of each table.

A table stands in this folder under its provider's name and is plain data: PROVIDER; SENDS, HARMLESS, GUARDED (what
opens the account itself), UNKNOWN, UNREADABLE, REFUSALS and ACCEPTED, each by name, HIDDEN where requests reach people
whom nobody sees; FORMAT (json, form or multipart; a row may say its own), the field names that are REPEATABLE, the
SECRETS that requests carry, the SPEC that a body must satisfy (a row may name another schema, or with "" none; a
function `described` makes an object of a form); and a function `put` that puts an address at a place. A table whose
bodies hold several addresses in one text gives a function `pieces` that takes a request apart into all that it says.

A test that asks for `name` runs for each provider; for `sample`, for each send (`addressed`: of those that name
somebody, which a send to a stored list does not; `trimmable`: of those whose removal the table spells out; `described`:
of those whose table has a SPEC); for `table` with the name of a kind of rows, for each row of that kind.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from policy.model import Send
from proxy.providers import base
from proxy.providers.base import Change, Message, Provider, Request, Settings, Trimmed

HERE = Path(__file__).parent
ROWS = {"harmless": "HARMLESS", "unknown": "UNKNOWN", "unreadable": "UNREADABLE", "refused": "REFUSALS"}
ROWS |= {"taken": "ACCEPTED", "hiding": "HIDDEN", "guarded": "GUARDED"}


@dataclass(frozen=True)
class Table:
    """One provider's table, with what a table need not say."""

    name: str
    provider: Provider
    module: Any

    def rows(self, kind: str) -> dict[str, Any]:
        """Give the named rows of one kind."""
        return dict(getattr(self.module, kind, {}) if kind == "HIDDEN" else getattr(self.module, kind))

    @property
    def repeatable(self) -> frozenset[str]:
        """Give the field names that may stand more than once."""
        return getattr(self.module, "REPEATABLE", frozenset())

    @property
    def spec(self) -> Mapping[str, Any]:
        """Give the provider's description of a send, if there is one: file, schema, errata."""
        return getattr(self.module, "SPEC", {})


@dataclass(frozen=True)
class Sample:
    """One send of a table; `recipients` are (place, channel, canonical key or None), then scheduled_at and delay."""

    table: Table
    request: Request
    recipients: list[tuple[Any, ...]]
    region: str = ""
    markers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    campaign: str = ""
    removal: Mapping[str, Any] | None = None
    taken: list[tuple[bytes, set[str] | None]] = field(default_factory=list)
    hidden: tuple[str, ...] = ()
    bypasses: tuple[str, ...] = ()
    stripped: bytes | None = None
    restored: list[Mapping[str, Any]] = field(default_factory=list)
    format: str = ""
    schema: str | None = None

    @property
    def written_in(self) -> str:
        """Give the format of the body."""
        return self.format or str(self.table.module.FORMAT)

    @property
    def is_described(self) -> bool:
        """Tell whether a description says what a body of this row must be."""
        return self.schema != "" and (self.written_in == "json" or hasattr(self.table.module, "described"))

    def described(self, body: bytes) -> Any:
        """Give a body as the provider's description sees it: a form as an object."""
        if self.written_in == "json":
            return json.loads(body)
        return self.table.module.described(replace(self.request, body=body))

    @property
    def provider(self) -> Provider:
        """Give the file under test."""
        return self.table.provider

    @property
    def places(self) -> list[str]:
        """Give the places of the recipients, in their order."""
        return [place for place, *_ in self.recipients]

    def message(self, request: Request | None = None) -> Message:
        """Read the send, or another one as this one is read, with all that is known of it."""
        return self.provider.read(request or self.request, Settings(self.region))

    def read(self, request: Request | None = None) -> Send:
        """Read the send, or another one as this one is read."""
        return self.message(request).send

    def without(self, places: frozenset[str], request: Request | None = None) -> Trimmed:
        """Take recipients out of the send, or of another one as out of this one."""
        return self.provider.trimmed(self.message(request), Change(places))


@cache
def table(name: str) -> Table:
    """Load a provider's table by its path, because test folders are no packages."""
    spec = importlib.util.spec_from_file_location(f"samples_of_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Table(name, base.load(name), module)


def found() -> list[Table]:
    """Give the tables of all providers that have one."""
    return [table(name) for name in base.names() if (HERE / f"{name}.py").exists()]


def all_rows(kind: str) -> list[tuple[Table, str, Any]]:
    """Give the rows of one kind of all tables, with their tables and names."""
    return [(each, title, row) for each in found() for title, row in each.rows(kind).items()]


SAMPLES: dict[str, Callable[[Sample], bool]] = {
    "sample": lambda _: True,
    "addressed": lambda sample: bool(sample.recipients),
    "trimmable": lambda sample: sample.removal is not None,
    "described": lambda sample: bool(sample.table.spec) and sample.is_described,
    "bypassing": lambda sample: bool(sample.bypasses),
}


@pytest.fixture
def tables() -> dict[str, Table]:
    """Give the tables by their providers' names."""
    return {each.name: each for each in found()}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test the rows that it asks for; a provider without a table is met by the test that asks for `name`."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", base.names())
    for fixture in SAMPLES.keys() & set(metafunc.fixturenames):
        samples = {f"{each.name}: {title}": Sample(each, **row) for each, title, row in all_rows("SENDS")}
        params = [pytest.param(sample, id=title) for title, sample in samples.items() if SAMPLES[fixture](sample)]
        metafunc.parametrize(fixture, params)
    for fixture in ROWS.keys() & set(metafunc.fixturenames):
        pairs = [pytest.param(each, row, id=f"{each.name}: {title}") for each, title, row in all_rows(ROWS[fixture])]
        metafunc.parametrize(("table", fixture), pairs)
