"""What the documents say, held against the code.

A table under a mark (`<!-- table: NAME -->`) is made from the code and stands in its document as it is made here;
`make docs` writes all of them anew. The other tables say in words what no code says, and are compared row by row.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import yaml
from aiohttp import web
from prometheus_client import Counter, Info
from prometheus_client.metrics import MetricWrapperBase

from policy import Policy
from policy.model import Ending
from policy.reasons import MEANINGS, Reason
from proxy import ops
from proxy.__main__ import parser
from proxy.api import anycase
from proxy.api.application import application
from proxy.api.context import Context
from proxy.app import App
from proxy.config import Scope
from proxy.errors import NotSent
from proxy.loading import Loaded, load
from proxy.metrics import Metrics
from proxy.providers import base
from proxy.providers.base import Kind, Request
from proxy.schema import settings
from tests.test_provider_docs import refused as status_of_a_refusal

ROOT: Final = Path(__file__).parents[1]
README: Final = ROOT / "README.md"
API: Final = ROOT / "docs" / "api.md"
ARCHITECTURE: Final = ROOT / "docs" / "architecture.md"
KEY: Final = "a-key-of-this-test"

Row = tuple[str, ...]
TABLE: Final = re.compile(r"\A(?:\|.*\n)*")


# Tables that are made from the code


def setting_rows() -> Iterator[Row]:
    yield "key", "default", "meaning"
    for setting in settings():
        default = setting.default if setting.default.startswith("(") else f"`{setting.default}`"
        yield f"`{setting.path}`", default, setting.description


def environment_rows() -> Iterator[Row]:
    yield "variable", "key", "default"
    for path, value in leaves(yaml.safe_load((ROOT / "config.yaml").read_text())):
        for name, default in re.findall(r"\$\{(\w+)(?::-([^}]*))?\}", value):
            yield f"`{name}`", f"`{path}`", f"`{default}`" if default else "(none)"


def reason_rows() -> Iterator[Row]:
    yield "reason", "meaning", "answer"
    for reason in Reason:
        status = NotSent(reason).refusal().status
        answer = "the provider's own" if status is None else str(status)
        if reason is Reason.UPSTREAM_REFUSED:
            answer = "the provider's, as it came"
        yield f"`{reason}`", MEANINGS[reason], answer


def metric_rows() -> Iterator[Row]:
    yield "name", "type", "labels", "meaning"
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            suffix = {Counter: "_total", Info: "_info"}.get(type(metric), "")
            labels = sorted(metric._value) if isinstance(metric, Info) else metric._labelnames
            kind = "gauge" if isinstance(metric, Info) else str(metric._type)
            yield f"`{metric._name}{suffix}`", kind, ", ".join(labels), metric._documentation


def command_rows() -> Iterator[Row]:
    yield "command", "what it does"
    (commands,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        arguments = [str(each.metavar) for each in command._actions if not each.option_strings]
        yield f"`{' '.join(['sendgate', name, *arguments])}`", str(command.description)


def house_rows() -> Iterator[Row]:
    yield "file", "what it holds"
    for path in sorted(path for folder in ("policy", "proxy") for path in (ROOT / folder).rglob("*.py")):
        told = ast.get_docstring(ast.parse(path.read_text()))
        if told:  # a folder without a door of its own has an empty __init__.py
            yield f"`{path.relative_to(ROOT)}`", re.sub(r"\s+", " ", told.partition("\n\n")[0]).rstrip(".")


TABLES: Final[dict[str, tuple[Path, Callable[[], Iterable[Row]]]]] = {
    "settings": (README, setting_rows),
    "environment": (README, environment_rows),
    "reasons": (README, reason_rows),
    "metrics": (README, metric_rows),
    "commands": (README, command_rows),
    "house": (ARCHITECTURE, house_rows),
}


def made(name: str) -> str:
    """Write a table as it must stand in its document."""
    _, rows_of = TABLES[name]
    head, *rows = ([cell.replace("|", "\\|") for cell in row] for row in rows_of())
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def write_tables() -> None:
    """Write all tables into their documents anew."""
    for name, (document, _) in TABLES.items():
        head, mark, rest = document.read_text().partition(f"<!-- table: {name} -->\n")
        document.write_text(f"{head}{mark}{made(name)}\n{TABLE.sub('', rest, 1)}")


# Reading documents


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """List the texts of a YAML tree with their key paths."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    elif isinstance(tree, str):
        yield path, tree


def rows_under(document: Path, *head: str) -> list[Row]:
    """Give the rows of the tables with this head; the first cell without its code marks."""
    text = document.read_text()
    found: list[Row] = []
    for table in re.findall(rf"^\| {re.escape(' | '.join(head))} \|\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE):
        found += [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in table.splitlines()]
    return [(first.strip("`"), *others) for first, *others in found]


def samples(provider: str) -> Any:
    """Load a provider's table of samples by its path, because test folders are no packages."""
    path = ROOT / "tests" / "providers" / f"{provider}.py"
    spec = importlib.util.spec_from_file_location(f"docs_samples_of_{provider}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def template(written: str) -> re.Pattern[str]:
    """Read `POST /a/{name}[.json|.xml]` as a pattern for a method and a path."""
    pattern = re.sub(r"\{\w+\}", "[^/]+", written.replace(".", r"\."))
    return re.compile(re.sub(r"\[(\\\..+?)\]", r"(?:\1)?", pattern))


def spoken(request: Request) -> str:
    """Write a request the way README does; a slash at the end counts for nothing."""
    return f"{request.method} {request.path.removesuffix('/') or '/'}"


# README


@pytest.mark.parametrize("name", TABLES)
def test_a_marked_table_is_what_the_code_makes(name: str) -> None:
    """The table under each mark has every row of the code, with the same text, and no row more (else: make docs)."""
    document, _ = TABLES[name]
    _, mark, rest = document.read_text().partition(f"<!-- table: {name} -->\n")
    table = TABLE.match(rest)
    assert mark
    assert table is not None
    assert table[0].strip() == made(name)


def test_every_header_of_the_gate_is_in_the_readme() -> None:
    """README lists exactly the X-Sendgate headers that the code names."""
    named = {
        header
        for path in (ROOT / "proxy").rglob("*.py")
        for header in re.findall(r"X-Sendgate-[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)*", path.read_text())
    }
    told = [header for header, _ in rows_under(README, "header", "what it says")]
    assert sorted(told) == sorted(named)


def test_every_outcome_is_in_the_readme() -> None:
    """The row of X-Sendgate-Outcome names every ending there is."""
    (says,) = (says for header, says in rows_under(README, "header", "what it says") if header == "X-Sendgate-Outcome")
    assert set(re.findall(r"`(\w+)`", says)) == set(Ending)


def test_every_provider_is_in_the_readme() -> None:
    """README's table of providers has their channels, and the statuses they really answer with."""
    told = {row[0]: row[1:] for row in rows_under(README, "provider", "channels", "sends", "refused", "accepted")}
    assert sorted(told) == list(base.names())
    for name, (channels, _, refused, accepted) in told.items():
        provider = base.load(name)
        request = next(iter(samples(name).SENDS.values()))["request"]
        assert channels == ", ".join(provider.CHANNELS)
        assert refused == status_of_a_refusal(name)
        assert accepted == str(provider.accepted(request, "0" * 32).status)


@pytest.mark.parametrize("name", base.names())
def test_the_sends_of_a_provider_are_those_that_are_read(name: str) -> None:
    """What README calls the sends of a provider are the requests that its file sorts as sends, and no others."""
    (row,) = (
        row for row in rows_under(README, "provider", "channels", "sends", "refused", "accepted") if row[0] == name
    )
    patterns = [template(written.strip("` ")) for written in row[2].replace("\\|", "|").split("`, `")]
    table = samples(name)
    asked = [spoken(sample["request"]) for sample in table.SENDS.values()]
    assert all(any(pattern.fullmatch(each) for pattern in patterns) for each in asked)
    assert all(any(pattern.fullmatch(each) for each in asked) for pattern in patterns)
    others = [*table.HARMLESS.values(), *table.UNKNOWN.values()]
    assert all(base.load(name).sort(request) is not Kind.SEND for request in others)
    requests = [sample["request"] for sample in table.SENDS.values()]
    by_body = {spoken(each) for each in requests if base.load(name).sort(replace(each, body=b"")) is Kind.ASK_BODY}
    apart = {spoken(each) for each in others} - by_body
    assert not any(pattern.fullmatch(each) for each in apart for pattern in patterns)


DOCUMENTS = [ROOT / "CHANGELOG.md", README, *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link of a document leads to a file of the repository, and to its heading where one is named."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text)
    assert [path for path, _ in links if not (document.parent / path).exists()] == []
    found = [(document.parent / path if path else document, heading) for path, heading in links if heading]
    assert [heading for target, heading in found if heading not in anchors(target)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_are_there(document: Path) -> None:
    """Every file of the code that a document names by its path is there, but for those that a reader is to make."""
    named = re.findall(r"`((?:policy|proxy|tests|bench)/[\w./]*)`", document.read_text())
    assert [name for name in named if not name.endswith("/acme.py") and not (ROOT / name).exists()] == []


def anchors(document: Path) -> set[str]:
    """Give what a document's headings are called in links to them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


# docs/api.md


def loaded(folder: Path, scopes: Iterable[str] = ()) -> Loaded:
    """Load a configuration for a gate of this test's own, with one key for these scopes."""
    ports = ", ".join(f"{door}: '127.0.0.1:0'" for door in ("proxy", "api", "public", "ops"))
    key = f"{{name: one, key: {KEY}, scopes: [{', '.join(scopes)}]}}"
    config = folder / "config.yaml"
    config.write_text(f"listen: {{{ports}}}\nstore: {{path: '{folder}/sendgate.db'}}\napi: {{keys: [{key}]}}\n")
    return load(config, {})


def routes(app: web.Application) -> set[tuple[str, str]]:
    """List the methods and paths of an application."""
    found = {
        (route.method, anycase.shown(route.resource)) for route in app.router.routes() if route.resource is not None
    }
    return {(method, path) for method, path in found if method != "HEAD"}


NAMES: Final = {
    "email": "a@example.com",
    "trackingId": "2e312089-a987-45c6-adbd-b904bc4dfc97",
}  # of a form of their own
ENDPOINTS: Final = [
    tuple(cell.strip("`") for cell in row) for row in rows_under(API, "method", "path", "scope", "what it does")
]


def test_every_endpoint_is_in_the_api_document(tmp_path: Path) -> None:
    """The table of endpoints in api.md has exactly the methods and paths that the API answers."""
    policy, metrics = Policy(tmp_path / "sendgate.db"), Metrics()
    config = loaded(tmp_path).config
    context = Context(policy, lambda: config, metrics.learned, dict)
    answered = routes(application(context, ops.Health(policy, metrics, lambda: config)))
    assert sorted((method, path) for method, path, *_ in ENDPOINTS) == sorted(answered)


def test_every_endpoint_has_a_section() -> None:
    """Every endpoint of the table stands in a heading of its own or shared with its neighbours."""
    headings = " ".join(re.findall(r"^##.*$", API.read_text(), re.MULTILINE))
    assert [row for row in ENDPOINTS if f"`{row[0]} {row[1]}`" not in headings] == []


def test_every_scope_is_in_the_api_document() -> None:
    """The table of scopes in api.md has exactly the scopes that a key may have."""
    assert sorted(scope for scope, _ in rows_under(API, "scope", "what it opens")) == sorted(Scope)


@pytest.mark.parametrize("scope", Scope)
async def test_a_scope_opens_the_endpoints_of_its_rows_and_no_other(tmp_path: Path, scope: Scope) -> None:
    """A key with one scope is let in where api.md says so and gets 403 everywhere else; without a key it is 401."""
    app = App(tmp_path / "config.yaml", loaded(tmp_path, [scope]))
    await app.start()
    try:
        host, port = app.addresses["api"]
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            for method, path, needed, *_ in ENDPOINTS:
                url = re.sub(r"\{(\w+)\}", lambda name: NAMES.get(name[1], "1"), path)
                async with session.request(method, url, json={}, headers={"X-XNG-AuthToken": KEY}) as answer:
                    open_to_it = needed in (scope, "any", "none")
                    assert (answer.status != 403) is open_to_it, f"{method} {path}"
                async with session.request(method, url, json={}) as answer:
                    assert (answer.status == 401) is (needed != "none"), f"{method} {path}"
    finally:
        await app.stop()


if __name__ == "__main__":
    write_tables()
