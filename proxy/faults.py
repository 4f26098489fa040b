"""What is wrong with config.yaml, in words for the person who edits it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Place = tuple[str | int, ...]
"""Where something stands in the file: keys, and positions in lists from 0."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong: its line (from 1), its key path, and what would be allowed; never a value."""

    line: int
    path: str
    says: str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.path}" if self.path else f"line {self.line}"
        return f"{where}: {self.says}"


class ConfigError(Exception):
    """The configuration cannot be used; `faults` are all that is wrong with it, by line.

    Only the operator can mend it, so it belongs to no family of errors that running code catches. `files` and `digest`
    say what was read to find out (see loading.Loaded).
    """

    def __init__(self, faults: tuple[Fault, ...], files: tuple[Path, ...] = (), digest: str = "") -> None:
        super().__init__(faults)
        self.faults = tuple(sorted(faults))
        self.files = files
        self.digest = digest

    def __str__(self) -> str:
        count = f"{len(self.faults)} faults" if len(self.faults) > 1 else "1 fault"
        return "\n".join([f"{count} in the configuration", *(f"  {fault}" for fault in self.faults)])


def key_path(place: Place) -> str:
    """Write a place as one path: routes.sendgrid.upstream, senders.0.key."""
    return ".".join(part if str(part).isprintable() else repr(part) for part in map(str, place))
