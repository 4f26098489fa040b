"""docs/operations.md: its links, commands, metrics and reasons are those of the program."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from policy.reasons import Reason
from proxy.__main__ import parser
from tests.ops.conftest import OPERATIONS, POLICY, SERIES, anchors


@pytest.mark.parametrize("document", [OPERATIONS, POLICY], ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every link of the operators' documents leads to a file of the repository, and to a heading that is there."""
    for path, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", document.read_text()):
        target = (document.parent / path).resolve() if path else document
        assert target.exists()
        assert not anchor or anchor in anchors(target)


def commands() -> list[str]:
    """List the commands of sendgate that operations.md speaks of, as they are to be typed."""
    blocks = re.findall(r"```bash\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    texts = [*blocks, *re.findall(r"`([^`\n]+)`", OPERATIONS.read_text())]
    typed = [found for text in texts for found in re.findall(r"(?<![\w-])sendgate ([a-z][^\n)&|>#]*)", text)]
    return sorted({re.sub(r" 2$", "", each.strip()) for each in typed})


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_document_is_one_of_the_program(command: str) -> None:
    """Each command that the document speaks of exists, and is understood where it has arguments."""
    name, *arguments = shlex.split(command.replace("--after N", "--after 1").replace('"$after"', "1"))
    (known,) = (each.choices for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    assert name in known
    assert not arguments or parser().parse_args([name, *arguments])


def test_the_metrics_that_the_document_names_exist() -> None:
    """Every series that operations.md speaks of can be scraped."""
    named = re.findall(r"\b((?:sendgate|process)_[a-z_]+)\b", OPERATIONS.read_text())
    assert [name for name in named if name not in SERIES] == []


def test_the_reasons_that_the_runbooks_name_exist() -> None:
    """Every reason on which a runbook has something to say is one that a record can have."""
    named = re.findall(r"^- `(upstream_\w+)`|--reason (\w+)", OPERATIONS.read_text(), re.MULTILINE)
    assert {one or other for one, other in named} <= {str(reason) for reason in Reason}
