"""The tables of linked sends, found on disk, and how the laws get them: one test for each row of each table.

A table stands in this folder under its provider's name: ROWS, by name a `request`, the `results` as counts of
recipients, and the whole `body` that goes out, None where it goes as it came. A row with `headers` False asks for no
headers, one with `variable` has the link in a template's data, one with `instead` tells that the provider's account
writes none. The requests of the provider's own samples
(tests/providers) meet the laws too, with `instead`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from policy.model import Channel
from proxy.linking import base
from proxy.linking.base import Linked, Linking, Result, Wanted
from proxy.providers.base import Request
from tests.linking.urls import PLACEHOLDER, link
from tests.providers.conftest import Sample
from tests.providers.conftest import table as samples_of

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One send of a provider whose mail gets links: a sample, or a row of a table here."""

    linking: Linking
    sample: Sample
    headers: bool = True
    placeholder: str = PLACEHOLDER
    variable: str = ""
    instead: bool = False
    results: Mapping[Result, int] | None = None
    body: bytes | None = None

    def linked(self, request: Request | None = None, placeholder: str | None = None) -> Linked:
        """Put links into the send, or into another one as into this one."""
        message = self.sample.message(request)
        urls = {each.place: link(each.keys[0]) for each in message.send.recipients if each.keys}
        sought = self.placeholder if placeholder is None else placeholder
        return self.linking.linked(message, Wanted(urls, self.headers, sought, self.variable, self.instead))

    def request(self, body: bytes | None) -> Request:
        """Give the request with another body, or with its own."""
        return self.sample.request if body is None else replace(self.sample.request, body=body)


@cache
def rows(name: str) -> dict[str, dict[str, Any]]:
    """Load a provider's table by its path, because test folders are no packages."""
    spec = importlib.util.spec_from_file_location(f"links_of_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, dict[str, Any]] = module.ROWS
    return found


def linking(name: str) -> Linking:
    """Load a provider's file."""
    found = base.load(name)
    assert found is not None
    return found


def row_cases() -> dict[str, Case]:
    """Give the rows of all tables."""
    return {f"{name}: {title}": _case(name, **row) for name in base.names() for title, row in rows(name).items()}


def _case(name: str, request: Request, **row: Any) -> Case:
    return Case(linking(name), Sample(samples_of(name), request, []), **row)


def sample_cases() -> dict[str, Case]:
    """Give the providers' own samples of mail."""
    samples = {
        f"{name}, sample: {title}": Case(linking(name), Sample(samples_of(name), **row), instead=True)
        for name in base.names()
        for title, row in samples_of(name).rows("SENDS").items()
    }
    return {title: case for title, case in samples.items() if case.sample.read().channel is Channel.MAIL}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test what it asks for: `row` the rows of the tables, `case` these and the samples, `name` the files."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", base.names())
    for fixture in {"row", "case"} & set(metafunc.fixturenames):
        cases = row_cases() if fixture == "row" else row_cases() | sample_cases()
        metafunc.parametrize(fixture, [pytest.param(case, id=title) for title, case in cases.items()])
