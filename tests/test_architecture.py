"""The lines between the parts, read from the imports: who may know what, wait for what and reach out to what.

An import that stands in an exception below was a decision; the line says why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from proxy.providers import base

ROOT = Path(__file__).parents[1]
LONGEST = 400  # lines of a file

# What a pure file may lean on: nothing here reads a clock, waits or touches the world when it is called.
PURE_STANDARD = frozenset(
    {
        "__future__",
        "collections.abc",
        "contextlib",
        "dataclasses",
        "enum",
        "ipaddress",
        "itertools",
        "re",
        "stringprep",
        "types",
        "typing",
        "unicodedata",
        "urllib.parse",
    }
)
PURE_PARSERS = frozenset({"idna", "lark", "lark.exceptions", "phonenumbers"})
PURE_PROVIDERS = frozenset(
    {"base64", "binascii", "datetime", "email", "functools", "hashlib", "hmac", "html", "json", "math", "multidict"}
    | {"orjson", "xml.parsers"}  # of the latter expat alone, which reaches nothing by itself
)
CLOCKS_AND_DOORS = frozenset(
    {"now", "utcnow", "today", "fromtimestamp", "open", "input", "print", "exec", "eval", "__import__"}
)

DATABASES = frozenset({"sqlite3", "sqlite_utils"})
NETWORKS = frozenset({"socket", "http.client", "urllib.request", "ftplib", "smtplib", "requests", "httpx", "urllib3"})
CONNECTS = frozenset(
    {"ClientSession", "TCPConnector", "UnixConnector", "create_connection", "create_unix_connection"}
    | {"open_connection", "open_unix_connection", "create_datagram_endpoint", "start_connection"}
)
TASKS = frozenset({"create_task", "ensure_future", "TaskGroup", "run_coroutine_threadsafe"})


@cache
def tree(path: Path) -> ast.Module:
    """Read a file."""
    return ast.parse(path.read_text(), str(path))


@cache
def imports(path: Path) -> frozenset[str]:
    """List the modules that a file imports, wherever in it; of our own packages each file by its full name."""
    found = set[str]()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            found |= {_module(node.module or "", alias.name) for alias in node.names}
    return frozenset(found)


def _module(package: str, name: str) -> str:
    """Say which module `from package import name` leads to."""
    inner = ROOT.joinpath(*package.split("."), name)
    return f"{package}.{name}" if inner.with_suffix(".py").exists() or inner.is_dir() else _known(package, name)


def _known(package: str, name: str) -> str:
    return f"{package}.{name}" if f"{package}.{name}" in PURE_STANDARD else package


@cache
def names(path: Path) -> frozenset[str]:
    """List every name and attribute that a file uses."""
    used = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    return frozenset(used | {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)})


@cache
def calls(path: Path) -> frozenset[str]:
    """List the names, plain or behind a dot, of everything that a file calls."""
    called = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    plain = {function.id for function in called if isinstance(function, ast.Name)}
    return frozenset(plain | {function.attr for function in called if isinstance(function, ast.Attribute)})


def files(*folders: str) -> list[Path]:
    """List the files of some folders, with all below."""
    found = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert found
    return found


def told(paths: Iterable[Path]) -> set[str]:
    """Name files as the repository does."""
    return {path.relative_to(ROOT).as_posix() for path in paths}


def under(module: str, package: str) -> bool:
    """Tell whether a module is a package or in it."""
    return module == package or module.startswith(f"{package}.")


def importing(packages: Iterable[str], paths: Iterable[Path]) -> set[str]:
    """Name the files that import any of some packages."""
    wanted = list(packages)
    return told(path for path in paths if any(under(module, each) for module in imports(path) for each in wanted))


def using(words: frozenset[str], paths: Iterable[Path]) -> set[str]:
    """Name the files that use any of some names."""
    return told(path for path in paths if names(path) & words)


def pure_files() -> list[Path]:
    """List the pure files of the policy: all beside its door, which adds the clock and the store."""
    return [path for path in sorted((ROOT / "policy").glob("*.py")) if path.name not in ("__init__.py", "policy.py")]


def provider_files() -> list[Path]:
    """List the providers' own files."""
    return [path for path in files("proxy/providers") if path.stem in base.names()]


def shared_formats() -> set[str]:
    """Name the modules that read what several providers take."""
    return {f"proxy.formats.{path.stem}" for path in files("proxy/formats") if path.stem != "__init__"}


# ── policy ──


def test_policy_knows_no_proxy() -> None:
    """Imports lead from the proxy to the policy, and never back."""
    assert importing(["proxy", "aiohttp"], files("policy")) == set()


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: path.stem)
def test_pure_files_are_pure(path: Path) -> None:
    """A pure file imports pure modules and its like, and calls no clock and no door."""
    own = {f"policy.{each.stem}" for each in pure_files()}
    extra = {"datetime"} if path.name in ("times.py", "rows.py") else set()  # dates; the clock is caught below
    extra |= {"functools"} if path.name == "domains.py" else set()  # what it keeps of letters is nobody's
    assert imports(path) - own - PURE_STANDARD - PURE_PARSERS - extra == set()
    assert calls(path) & CLOCKS_AND_DOORS == set()


def test_the_pure_files_are_those_we_think_of() -> None:
    """The heart is among the files that are held pure."""
    wanted = {"model", "reasons", "times", "identity", "events", "state", "rules"}
    assert wanted <= {path.stem for path in pure_files()}


def test_only_the_memory_knows_sqlite() -> None:
    """Only the store's folder imports SQLite, for types as well."""
    found = importing(DATABASES, files("policy", "proxy"))
    assert found
    assert {path for path in found if not path.startswith("policy/store/")} == set()


def test_the_store_knows_neither_door_nor_rules() -> None:
    """The store remembers; deciding, and the door that joins both, stand above it."""
    assert importing(["policy.policy", "policy.rules"], files("policy/store")) == set()


# ── reaching out ──


def test_connections_are_opened_in_few_places() -> None:
    """Sends leave through upstream.py alone; the command line reaches its gate through the Unix socket."""
    assert using(CONNECTS, files("policy", "proxy")) == {
        "proxy/fetching.py",  # certificates and confirmations of webhooks, from the provider's own host
        "proxy/operator.py",  # the command line, to the socket beside the store
        "proxy/upstream.py",
    }
    assert importing(NETWORKS, files("policy", "proxy")) == {
        "proxy/sockets.py",  # binds the Unix socket
        "proxy/upstream.py",
    }


def test_tasks_are_begun_in_few_places() -> None:
    """What runs beside the requests is started by background.py; the rest ends with who began it."""
    assert using(TASKS, files("policy", "proxy")) == {
        "proxy/background.py",  # what app.py starts and ends
        "proxy/joining.py",  # closes the upstreams that a reload left behind, kept until they are closed
        "proxy/reload.py",  # two readers inside the one work that app.py starts, in a TaskGroup
        "proxy/wire.py",  # the upload of one exchange, awaited or cancelled by it
    }


# ── providers ──


def test_there_are_providers() -> None:
    """The laws below are about somebody."""
    assert len(provider_files()) >= 2


@pytest.mark.parametrize("path", provider_files(), ids=lambda path: path.stem)
def test_a_provider_is_values_in_and_values_out(path: Path) -> None:
    """A provider's file knows the contract, the strict readers and the policy's values: no I/O, clock or sibling."""
    _assert_values_in_and_values_out(path)


@pytest.mark.parametrize("path", files("proxy/formats"), ids=lambda path: path.stem)
def test_a_format_is_values_in_and_values_out(path: Path) -> None:
    """A format that providers share is held as pure as their own files, and knows none of them."""
    _assert_values_in_and_values_out(path)


@pytest.mark.parametrize("path", files("proxy/hooks"), ids=lambda path: path.stem)
def test_a_webhook_is_values_in_and_values_out(path: Path) -> None:
    """What a provider tells is read and checked without I/O, without a clock, and without a sibling."""
    ours = {f"policy.{each.stem}" for each in pure_files()} | shared_formats() | {"policy", "proxy.hooks.base"}
    loads = {"importlib", "pkgutil"} if path.stem == "base" else set()
    found = {each for each in imports(path) if not each.startswith("cryptography")}
    assert found - ours - PURE_STANDARD - PURE_PARSERS - PURE_PROVIDERS - loads == set()
    assert calls(path) & CLOCKS_AND_DOORS == set()
    assert names(path) & (CONNECTS | TASKS) == set()


@pytest.mark.parametrize("path", files("proxy/linking"), ids=lambda path: path.stem)
def test_a_link_is_put_in_by_values(path: Path) -> None:
    """Links are put into a provider's mail without I/O, without a clock, and without a sibling."""
    ours = {f"policy.{each.stem}" for each in pure_files()} | shared_formats()
    ours |= {"proxy.strict", "proxy.providers.base", "proxy.linking.base"}
    loads = {"importlib", "pkgutil", "collections"} if path.stem == "base" else set()
    assert imports(path) - ours - PURE_STANDARD - PURE_PROVIDERS - loads == set()
    assert calls(path) & CLOCKS_AND_DOORS == set()
    assert names(path) & (CONNECTS | TASKS) == set()


@pytest.mark.parametrize("name", ["links", "clicks", "limiter"])
def test_a_recipients_word_is_values_in_and_values_out(name: str) -> None:
    """Tokens, what a click says, and budgets of requests are held without I/O and without a clock."""
    path = ROOT / "proxy" / f"{name}.py"
    ours = {f"policy.{each.stem}" for each in pure_files()} | shared_formats() | {"proxy.links", "proxy.providers.base"}
    found = {each for each in imports(path) if not each.startswith("cryptography")}
    assert found - ours - PURE_STANDARD - PURE_PROVIDERS - {"collections"} == set()
    assert calls(path) & CLOCKS_AND_DOORS == set()
    assert names(path) & (CONNECTS | TASKS) == set()


def _assert_values_in_and_values_out(path: Path) -> None:
    ours = {f"policy.{each.stem}" for each in pure_files()} | {"proxy.providers.base", "proxy.strict"}
    ours |= shared_formats()
    assert imports(path) - ours - PURE_STANDARD - PURE_PARSERS - PURE_PROVIDERS == set()
    assert calls(path) & CLOCKS_AND_DOORS == set()
    assert names(path) & (CONNECTS | TASKS) == set()


def test_nothing_lists_the_providers() -> None:
    """Outside its own file no provider is named by the code: the config names the file, and that is enough."""
    elsewhere = [path for path in files("policy", "proxy") if path not in provider_files()]
    naming = {path.relative_to(ROOT).as_posix() for path in elsewhere if set(base.names()) & set(_texts(tree(path)))}
    assert naming == set()
    assert importing([f"proxy.providers.{name}" for name in base.names()], elsewhere) == set()


def _texts(module: ast.Module) -> Iterator[str]:
    """Give every text of a file that is no docstring."""
    prose = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


# ── observers ──


def test_steps_neither_log_nor_count() -> None:
    """The steps of a walk hand on an outcome; logs and metrics see it from outside, where the parts are joined."""
    assert importing(["proxy.log"], files("policy", "proxy")) == {
        "proxy/api/application.py",  # tells the operators' faults that no outcome carries
        "proxy/app.py",
        "proxy/background.py",  # tells of work that failed
        "proxy/commands.py",  # sets the format before the gate starts
        "proxy/nights.py",  # tells how a night of removals ended; no request waits for it
        "proxy/ops.py",  # shows how many lines were lost
    }
    assert importing(["proxy.metrics"], files("policy", "proxy")) == {
        "proxy/app.py",
        "proxy/nights.py",
        "proxy/operator.py",  # the command line's own door is the whole API, which shows metrics
        "proxy/ops.py",  # shows them
    }
    assert importing(["structlog", "logging"], files("policy", "proxy")) == {"proxy/log.py"}
    assert importing(["prometheus_client"], files("policy", "proxy")) == {"proxy/metrics.py", "proxy/ops.py"}


# ── size ──


def test_no_file_grows_into_a_country() -> None:
    """Every file can be read in one sitting."""
    long = {path for path in files("policy", "proxy") if len(path.read_text().splitlines()) > LONGEST}
    assert told(long) == set()
