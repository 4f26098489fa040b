"""References in values of config.yaml: `${NAME}`, `${NAME:-default}`, `${file:PATH}`, and `$${` for a plain `${`.

They are resolved in values that YAML has already taken apart, and only once: whatever a variable or a file holds, it
cannot become a key, a list or another reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ReadFile = Callable[[Path], bytes]
"""Gives the content of a file; raises OSError."""

MARK: Final = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
VARIABLE: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


class Unresolved(Exception):
    """A reference leads nowhere; its text names variables and files, never what they hold."""


@dataclass(frozen=True, slots=True)
class References:
    """Where references lead: the environment, and the files."""

    environ: Mapping[str, str]
    read_file: ReadFile

    def resolve(self, text: str) -> str:
        """Put what they lead to in the place of all references of a text; raises Unresolved for all that fail."""
        problems: list[str] = []

        def replace(mark: re.Match[str]) -> str:
            try:
                return self._replace(mark)
            except Unresolved as problem:
                problems.append(str(problem))
                return ""

        resolved = MARK.sub(replace, text)
        if problems:
            raise Unresolved("; ".join(problems))
        return resolved

    def _replace(self, mark: re.Match[str]) -> str:
        if mark[0] == "$${":
            return "${"
        inner = mark[1] or ""
        if inner.startswith("file:"):
            return self._content(inner.removeprefix("file:"))
        variable = VARIABLE.fullmatch(inner)
        if variable is None:
            raise Unresolved(
                "a reference must be ${NAME}, ${NAME:-default} or ${file:PATH}; write $${ where ${ itself is meant"
            )
        return self._variable(variable[1], variable[2])

    def _variable(self, name: str, default: str | None) -> str:
        if default is not None:
            return self.environ.get(name) or default  # as in a shell: an empty variable takes the default too
        if name not in self.environ:
            raise Unresolved(f"the environment variable {name} is not set")
        return self.environ[name]

    def _content(self, path: str) -> str:
        if not path or "\0" in path:
            raise Unresolved("${file:PATH} must name a file")
        try:
            return self.read_file(Path(path)).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise Unresolved(f"the file {path} is not UTF-8 text") from None
        except OSError as error:
            raise Unresolved(f"the file {path} cannot be read: {error.strerror or 'input/output error'}") from None


def literal(text: str) -> bool:
    """Tell whether a text as it stands in the file says anything itself, beyond one reference."""
    mark = MARK.fullmatch(text)
    if mark is None or mark[1] is None:
        return bool(text)
    return ":-" in mark[1] and not mark[1].endswith(":-") and not mark[1].startswith("file:")
