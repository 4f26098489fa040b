"""docs/providers.md, held against the providers' files and their tables: `make docs` writes its tables anew."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest

from policy.model import Refused
from policy.reasons import Reason
from proxy.hooks import base as hooks
from proxy.linking import base as linking
from proxy.providers import base
from proxy.providers.base import Refusal, Settings

ROOT: Final = Path(__file__).parents[1]
DOCUMENT: Final = ROOT / "docs" / "providers.md"
PAGES: Final = ROOT / "docs" / "providers"
TABLE: Final = re.compile(r"\A(?:\|.*\n)*")

Row = tuple[str, ...]


@cache
def samples(name: str) -> Any:
    """Load a provider's table by its path, because test folders are no packages."""
    spec = importlib.util.spec_from_file_location(f"table_of_{name}", ROOT / "tests" / "providers" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def provider_rows() -> Iterator[Row]:
    yield (
        "provider",
        "channels",
        "refused",
        "in batches",
        "bypasses",
        "the sender's credential",
        "another account",
        "links",
        "webhooks",
    )
    for name in base.names():
        yield (
            f"[{name}](providers/{name}.md)" if (PAGES / f"{name}.md").exists() else name,
            ", ".join(base.load(name).CHANNELS),
            refused(name),
            "its own entry" if any(row.get("restored") for row in samples(name).SENDS.values()) else "",
            ", ".join(f"`{each}`" for each in bypasses(name)),
            ", ".join(f"`{each}`" for each in base.load(name).CREDENTIALS) or "in the body",
            accounts(name),
            links(name),
            "yes" if name in hooks.names() else "",
        )


def accounts(name: str) -> str:
    """Say by what a request names another account than the credential's."""
    provider = base.load(name)
    in_path = ("the path",) if isinstance(provider, base.NamesAccount) else ()
    return ", ".join((*(f"`{each}`" for each in provider.ACCOUNTS), *in_path))


def links(name: str) -> str:
    """Say into which mail unsubscribe links are put."""
    found = linking.load(name)
    return "" if found is None else "per recipient" if found.PER_RECIPIENT else "to one person"


def refused(name: str) -> str:
    """Refuse the sole recipient of the table's first send, and give the status."""
    provider, row = base.load(name), next(iter(samples(name).SENDS.values()))
    message = provider.read(row["request"], Settings(row.get("region", "")))
    recipients = tuple(Refused(each, Reason.OPTED_OUT) for each in message.send.recipients)
    places = tuple(each.recipient.place for each in recipients)
    return str(provider.refused(message, Refusal(Reason.OPTED_OUT, "no", None, places, recipients)).status)


def bypasses(name: str) -> list[str]:
    """Give the switches that the table knows, without indexes."""
    found = [each for row in samples(name).SENDS.values() for each in row.get("bypasses", ())]
    return sorted({re.sub(r"\.\d+", "", each) for each in found})


def request_rows(kind: str) -> Iterator[Row]:
    yield "provider", "what", "request"
    for name in base.names():
        titles: dict[str, str] = {}  # a request that only the body tells stands once
        for title, request in getattr(samples(name), kind, {}).items():
            action = dict(parse_qsl(request.body.decode())).get("Action", "")
            titles.setdefault(f"`{action or f'{request.method} {request.path}'}`", title)
        yield from ((name, title, request) for request, title in titles.items())


TABLES: Final[Mapping[str, Callable[[], Iterator[Row]]]] = {
    "providers": provider_rows,
    "hidden": partial(request_rows, "HIDDEN"),
    "guarded": partial(request_rows, "GUARDED"),
}


def made(name: str) -> str:
    """Write a table as it must stand in the document."""
    head, *rows = TABLES[name]()
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:], ""])


def write_tables() -> None:
    """Write all tables into the document anew."""
    for name in TABLES:
        head, mark, rest = DOCUMENT.read_text().partition(f"<!-- table: {name} -->\n")
        DOCUMENT.write_text(f"{head}{mark}{made(name)}{TABLE.sub('', rest, 1)}")


@pytest.mark.parametrize("name", TABLES)
def test_a_marked_table_is_what_the_code_says(name: str) -> None:
    """The table under each mark stands in the document as the code makes it (else: make docs)."""
    _, mark, rest = DOCUMENT.read_text().partition(f"<!-- table: {name} -->\n")
    table = TABLE.match(rest)
    assert mark
    assert table is not None
    assert table[0] == made(name)


@pytest.mark.parametrize("name", base.names())
def test_every_provider_has_its_page(name: str) -> None:
    """For each provider's file there is a page with a route to copy."""
    page = (PAGES / f"{name}.md").read_text()
    assert page.startswith("# ")
    assert f"provider: {name}\n" in page


if __name__ == "__main__":
    write_tables()
