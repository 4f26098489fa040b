"""How a command finds the store and its gate: by config.yaml, or by what stands of it where it is faulty.

A gate that runs keeps the configuration it took over last, so a slip in the file must not keep an operator from it: who
has to blacklist somebody now mends the file later. Of a faulty file nothing but `store` is used, and only to find a
gate that answers there. Without one a command would have to go by the rest of the file itself, and that is in doubt.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from proxy import document, printing, sockets
from proxy.config import Config, Store
from proxy.document import Document, Unparsable
from proxy.faults import ConfigError
from proxy.loading import load
from proxy.references import References

# A section from its key in the first column to the next line that begins there and is no comment.
SECTION: Final = re.compile(r"^store[ \t]*:.*\n(?:(?:[ \t#\r].*)?\n)*", re.MULTILINE)
DOUBTED: Final = frozenset({"", "store", "store.path"})  # where a fault makes doubtful which store is meant


@dataclass(frozen=True, slots=True)
class Found:
    """What a command goes by; where the file is not `whole` only `store` holds, and a gate answers there."""

    config: Config
    whole: bool


def find(path: Path) -> Found:
    """Read the configuration, and of a faulty one where a gate runs; says so on standard error.

    Raises ConfigError where the file is faulty and no gate is found by it, OSError if it cannot be read.
    """
    try:
        return Found(load(path, os.environ).config, whole=True)
    except ConfigError:
        store = store_of(path, os.environ)
        if store is None or not sockets.answers(store.path):
            raise
        told = f"{path} is faulty, `sendgate check` says how; going by the gate that runs, which keeps what it had"
        printing.err().print(told)
        return Found(Config(store=store), whole=False)


def store_of(path: Path, environ: Mapping[str, str]) -> Store | None:
    """Read the store's section of a faulty file; None where it is not certain. The pepper may be missing from it.

    Where YAML stumbles over the file as a whole, the section is read by itself.
    """
    text = path.read_text("utf-8", "replace") + "\n"
    references = References(environ, lambda named: (path.parent / named).read_bytes())
    sections = SECTION.findall(text)
    for part in (text, sections[0] if len(sections) == 1 else ""):
        try:
            return _store(document.read(part, references), path.parent)
        except Unparsable:
            continue
    return None


def _store(doc: Document, folder: Path) -> Store | None:
    section: Any = doc.data.get("store", {})
    misspelt = "store" not in doc.data and not doc.data.keys() <= Config.model_fields.keys()
    if misspelt or not isinstance(section, dict) or any(fault.path in DOUBTED for fault in doc.faults):
        return None
    known = {key: section[key] for key in Store.model_fields if section.get(key) is not None}
    try:
        return Store.model_validate(known if "path" in known else section, context={"folder": folder})
    except ValidationError:
        return None
