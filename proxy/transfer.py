"""`sendgate import` and `sendgate export`: files of people, CSV or NDJSON, streamed.

What lists really look like: a BOM, semicolons where a spreadsheet wrote them, CRLF, quotes over several lines, Latin-1.
The first line names the columns, so a file whose columns are not known is refused before anything is taken. Afterwards
a bad row is told with its line and reason, counted, and stops nothing.

An import can be taken up again: telling the same row twice is telling it once, and `--from-line` skips what was done.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

from policy.rows import COLUMNS

FORMATS: Final = ("csv", "ndjson")
DELIMITERS: Final = ",;\t"

Line = tuple[int, list[str] | str]  # the line's number, and its cells, or why it cannot be read


class BadFile(Exception):
    """A file cannot be imported at all; the text says what would be."""


def format_of(path: Path, given: str | None) -> str:
    """Say in which format a file is: as given, else by its ending."""
    if given is not None:
        return given
    return "ndjson" if path.suffix.lower() in (".ndjson", ".jsonl") else "csv"


def read(stream: TextIO, style: str) -> Iterator[Line]:
    """Read the rows of a file with their lines; raises BadFile."""
    return _read_csv(stream) if style == "csv" else _read_ndjson(stream)


def _read_csv(stream: TextIO) -> Iterator[Line]:
    csv.field_size_limit(1 << 20)
    head = stream.readline().removeprefix("\ufeff")
    delimiter = max(DELIMITERS, key=head.count)
    names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
    _check_columns(names)
    order = [names.index(name) if name in names else None for name in COLUMNS]
    reader = csv.reader(_without_nul(stream), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 2
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"no CSV: {error}"
            continue
        if row:
            yield line, _cells(row, names, order)


def _without_nul(stream: TextIO) -> Iterator[str]:
    for text in stream:
        yield text.replace("\0", "\ufffd")


def _cells(row: Sequence[str], names: Sequence[str], order: Sequence[int | None]) -> list[str] | str:
    if len(row) != len(names):
        return f"{len(row)} cells where the first line names {len(names)} columns"
    return ["" if at is None else row[at] for at in order]


def _check_columns(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or not names or len(set(names)) < len(names):
        raise BadFile(f"the first line must name columns out of {', '.join(COLUMNS)}, each once")


def _read_ndjson(stream: TextIO) -> Iterator[Line]:
    for number, text in enumerate(stream, 1):
        if text.strip():
            yield number, _json_cells(text.removeprefix("\ufeff"))


def _json_cells(text: str) -> list[str] | str:
    try:
        tree = orjson.loads(text.encode("utf-8", "surrogateescape"))
    except orjson.JSONDecodeError:
        return "no JSON object in UTF-8"
    if not isinstance(tree, dict):
        return "no JSON object in UTF-8"
    unknown = [name for name in tree if name not in COLUMNS]
    if unknown:
        return f"keys other than {', '.join(COLUMNS)}"
    cells = [_json_cell(tree.get(name)) for name in COLUMNS]
    whole = [cell for cell in cells if cell is not None]
    return whole if len(whole) == len(cells) else "a value that is no text, no flag and no list of texts"


def _json_cell(value: Any) -> str | None:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case list() if all(isinstance(each, str) for each in value):
            return " ".join(value)
    return None


# Writing


def write(stream: TextIO, style: str, rows: Iterable[tuple[str, ...]]) -> int:
    """Write rows to a stream and say how many."""
    return _write_csv(stream, rows) if style == "csv" else _write_ndjson(stream, rows)


def _write_csv(stream: TextIO, rows: Iterable[tuple[str, ...]]) -> int:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    counted = _Counted(rows)
    writer.writerows(counted)
    return counted.count


def _write_ndjson(stream: TextIO, rows: Iterable[tuple[str, ...]]) -> int:
    counted = _Counted(rows)
    stream.writelines(orjson.dumps(_told(row)).decode() + "\n" for row in counted)
    return counted.count


def _told(row: Sequence[str]) -> Mapping[str, Any]:
    """Leave out what is empty; a flag is a flag."""
    cells = {name: cell for name, cell in zip(COLUMNS, row, strict=True) if cell}
    return {
        name: True if cell == "true" and name in ("blacklisted", "optOutAll") else cell for name, cell in cells.items()
    }


class _Counted:
    """Counts rows as they go by."""

    def __init__(self, rows: Iterable[tuple[str, ...]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        for row in self._rows:
            self.count += 1
            yield row


def opened(path: Path, encoding: str) -> TextIO:
    """Open a file for reading, `-` for standard input; bytes that are not of the encoding stay visible as such."""
    if str(path) == "-":
        sys.stdin.reconfigure(encoding=encoding, errors="surrogateescape", newline="")  # type: ignore[union-attr]  # a real stream
        return sys.stdin
    return path.open(encoding=encoding, errors="surrogateescape", newline="")
