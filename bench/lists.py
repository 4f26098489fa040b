"""Files to import: a blacklist of e-mail addresses, and users with numbers, one in five of them opted out."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import people
from policy import times

Cells = tuple[str, ...]

SUPPRESSED = 5  # of so many users one is suppressed


def _address(number: int) -> str:
    return f"member{number}@mail{number % 997}.example.com"  # nobody whom other benchmarks write to


def _blacklisted(number: int) -> Cells:
    return _address(number), "DE", "true", times.written(people.said_at(number))


def _user(number: int) -> Cells:
    address, phone = _address(number), f"+49151{10_000_000 + number}"
    said = (f"MAIL@{times.written(people.said_at(number))}",) if number % SUPPRESSED == 0 else ("",)
    return f"user-{number}", address, "DE", phone, *said


LISTS: Mapping[str, tuple[Cells, Callable[[int], Cells]]] = {
    "blacklist": (("email", "businessUnit", "blacklisted", "blacklistedAt"), _blacklisted),
    "users": (("id", "email", "businessUnit", "phone", "optOutChannels"), _user),
}


def write(path: Path, name: str, count: int, first: int = 0) -> Path:
    """Write a list with so many people, numbered from `first`."""
    columns, cells = LISTS[name]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(map(cells, range(first, first + count)))
    return path
