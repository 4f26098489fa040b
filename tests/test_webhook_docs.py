"""docs/webhooks.md, held against the code: its marked tables are made from it, and `make docs` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, get_args

import pytest

from policy.events import PROVIDER_PREFIX, ConflictKind, Kind
from policy.state import ANY, UNDOES
from proxy import notices
from proxy.accounts import Effects
from proxy.hooks import base
from proxy.hooks.base import Says

ROOT: Final = Path(__file__).parents[1]
DOCUMENT: Final = ROOT / "docs" / "webhooks.md"
TABLE: Final = re.compile(r"\A(?:\|.*\n)*")

Row = tuple[str, ...]


def effect_rows() -> Iterator[Row]:
    yield "word", "what it is", "by itself", "may be"
    for name, field in Effects.model_fields.items():
        allowed = ", ".join(f"`{value}`" for value in get_args(field.annotation))
        yield f"`{name}`", field.description or "", f"`{field.default}`", allowed


def proof_rows() -> Iterator[Row]:
    yield "provider", "how it proves to be the provider's"
    for name in base.names():
        hooks = base.load(name)
        yield name, " ".join((getattr(hooks, "PROOF", "") or "").split())


def origin_rows() -> Iterator[Row]:
    yield "word", "written under", "what undoes it as `opt_out` or `opt_out_all`", "what undoes it as `block`"
    for says in (Says.UNSUBSCRIBE, Says.COMPLAINT, Says.HARD_BOUNCE):
        origin = notices.origin_of(says, "NAME")
        yield f"`{says}`", f"`{origin}`", undone_by(Kind.OPT_OUT, origin), undone_by(Kind.BLACKLIST, origin)


def undone_by(kind: Kind, origin: str) -> str:
    """List the origins whose releases reach a register, and the provider itself where it may undo its own."""
    reach = [f"`{by}`" for (of, by), reached in UNDOES.items() if of is kind and reached == ANY]
    asked = PROVIDER_PREFIX if origin.startswith(PROVIDER_PREFIX) else origin
    own = ["its own `resubscribe`"] if UNDOES.get((kind, asked)) == "own" else []
    return ", ".join([*own, *reach])


TABLES: Final[Mapping[str, Callable[[], Iterator[Row]]]] = {
    "effects": effect_rows,
    "proofs": proof_rows,
    "origins": origin_rows,
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


def test_every_conflict_is_explained() -> None:
    """The table of conflicts has every kind there is, each once, and no other."""
    _, _, rest = DOCUMENT.read_text().partition("<!-- table: conflicts -->\n")
    table = TABLE.match(rest)
    assert table is not None
    assert re.findall(r"^\| `(\w+)`", table[0], re.MULTILINE) == list(ConflictKind)


@pytest.mark.parametrize("name", base.names())
def test_every_provider_says_how_it_proves_itself(name: str) -> None:
    """Each file tells operators in a sentence what the key of the configuration is at that provider."""
    assert getattr(base.load(name), "PROOF", "")


if __name__ == "__main__":
    write_tables()
