"""`sendgate import` and `sendgate export`: files of people, CSV or NDJSON, streamed.

What lists really look like: a BOM, semicolons where a spreadsheet wrote them, CRLF, quotes over several lines, Latin-1.
The first line names the columns, so a file whose columns are not known is refused before anything is taken. Afterwards
a bad row is told with its line and reason, counted, and stops nothing: a quote that nobody closes makes its own line a
bad row, not all lines up to the next quote.

Blanks around a cell are dropped, but for an export's own columns in their order: there an id is what it is.

An import can be taken up again: telling the same row twice is telling it once, and `--from-line` skips what was done.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

from policy.rows import COLUMNS, EXACT, LONGEST, LONGEST_ORIGINS

FORMATS: Final = ("csv", "ndjson")
DELIMITERS: Final = ",;\t"
LONGEST_ROW: Final = (len(COLUMNS) - 1) * LONGEST + LONGEST_ORIGINS  # bytes; no row that can be taken is longer
LISTS: Final = frozenset({"optOutChannels", "optOutOrigins"})  # may be lists in NDJSON

Line = tuple[int, list[str] | str]  # the line's number, and its cells, or why it cannot be read


class BadFile(Exception):
    """A file cannot be imported at all; the text says what would be."""


def format_of(path: Path, given: str | None) -> str:
    """Say in which format a file is: as given, else by its ending."""
    if given is not None:
        return given
    return "ndjson" if path.suffix.lower() in (".ndjson", ".jsonl") else "csv"


def read(stream: TextIO, style: str, columns: Sequence[str] = COLUMNS) -> Iterator[Line]:
    """Read the rows of a file with their lines; raises BadFile. A CSV may be of other columns."""
    try:
        for number, cells in _read_csv(stream, columns) if style == "csv" else _read_ndjson(stream):
            yield number, _sound(cells)
    except UnicodeError:
        raise BadFile(f"the file is not {stream.encoding}; say what it is with --encoding") from None


def _sound(cells: list[str] | str) -> list[str] | str:
    """Make sure that a row can be sent on: it is text, and not endless."""
    if isinstance(cells, str):
        return cells
    text = "".join(cells)
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        return "bytes that are not of the file's encoding; say what it is with --encoding"
    return cells if size <= LONGEST_ROW else f"more than {LONGEST_ROW // 1024} KB"


def _read_csv(stream: TextIO, columns: Sequence[str]) -> Iterator[Line]:
    csv.field_size_limit(LONGEST_ORIGINS)
    head = stream.readline().removeprefix("\ufeff")
    delimiter = max(DELIMITERS, key=head.count)
    names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
    _check_columns(names, columns)
    order = [names.index(name) if name in names else None for name in columns]
    exact = tuple(names) == COLUMNS
    lines = _Lines(stream)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = lines.next_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.give_back()
            yield number, f"no CSV: {error}"
            continue
        wrong = _wrong(row, names, several=lines.several)
        if wrong:
            lines.give_back()
            yield number, wrong
        elif row:
            yield number, ["" if at is None else row[at] if exact else row[at].strip() for at in order]


def _wrong(row: Sequence[str], names: Sequence[str], *, several: bool) -> str:
    if row and len(row) != len(names):
        return f"{len(row)} cells where the first line names {len(names)} columns"
    if several and any("\n" in cell and name not in EXACT for name, cell in zip(names, row, strict=False)):
        return "a cell over several lines; a quote that is not closed?"
    return ""


class _Lines:
    """The lines of a file behind its first; those behind a bad row's own are given back, to be read anew."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._row: list[str] = []
        self._number = 2

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = self._waiting.popleft() if self._waiting else next(self._stream)
        self._row.append(text)
        return text

    def next_row(self) -> int:
        """Begin a row, and say in which line."""
        self._number += len(self._row)
        self._row.clear()
        return self._number

    @property
    def several(self) -> bool:
        """Tell whether the row stands in more than one line."""
        return len(self._row) > 1

    def give_back(self) -> None:
        """Let all lines of the row but the first be read anew."""
        self._waiting.extendleft(reversed(self._row[1:]))
        del self._row[1:]


def _check_columns(names: Sequence[str], columns: Sequence[str]) -> None:
    """Make sure that the first line names columns; it is not repeated, for where it does not it may be a person."""
    wrong = [str(at) for at, name in enumerate(names, 1) if name not in columns or name in names[: at - 1]]
    if wrong or not names:
        cells = f"; cells that do not: {', '.join(wrong)}" if wrong else ""
        raise BadFile(f"the first line must name columns out of {', '.join(columns)}, each once{cells}")


def _read_ndjson(stream: TextIO) -> Iterator[Line]:
    for number, text in enumerate(stream, 1):
        if text.strip():
            yield number, _json_cells(text.removeprefix("\ufeff"))


def _json_cells(text: str) -> list[str] | str:
    try:
        tree = json.loads(text, object_pairs_hook=_keys_once)
    except _KeyTwice:
        return "a key stands twice"
    except (ValueError, RecursionError):
        return "no JSON object"
    if not isinstance(tree, dict):
        return "no JSON object"
    unknown = [name for name in tree if name not in COLUMNS]
    if unknown:
        return f"keys other than {', '.join(COLUMNS)}"
    cells = [_json_cell(name, tree.get(name)) for name in COLUMNS]
    whole = [cell for cell in cells if cell is not None]
    return whole if len(whole) == len(cells) else "a value that is no text, no flag and no list of texts"


class _KeyTwice(Exception):
    """Nobody can say which of two values was meant."""


def _keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        raise _KeyTwice
    return tree


def _json_cell(name: str, value: Any) -> str | None:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case list() if name in LISTS and all(isinstance(each, str) for each in value):
            return " ".join(value)
    return None


# Writing


def write(stream: TextIO, style: str, rows: Iterable[tuple[str, ...]]) -> int:
    """Write rows to a stream and say how many."""
    return _write_csv(stream, rows) if style == "csv" else _write_ndjson(stream, rows)


def _write_csv(stream: TextIO, rows: Iterable[tuple[str, ...]]) -> int:
    stream.write(",".join(COLUMNS) + "\n")
    counted = _Counted(rows)
    stream.writelines(map(csv_line, counted))
    return counted.count


def csv_line(row: Sequence[str]) -> str:
    """Write a row as csv.writer would; nearly none has a cell that needs quotes, and joining takes half as long."""
    line = ",".join(row)
    if line.count(",") < len(row) and not ('"' in line or "\r" in line or "\n" in line):
        return line + "\n"
    return ",".join(map(_quoted, row)) + "\n"


def _quoted(cell: str) -> str:
    """Quote a cell that says more than its text would (RFC 4180); a lone CR as well, where readers see an end."""
    if any(letter in cell for letter in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _write_ndjson(stream: TextIO, rows: Iterable[tuple[str, ...]]) -> int:
    counted = _Counted(rows)
    stream.writelines(map(ndjson_line, counted))
    return counted.count


def ndjson_line(row: Sequence[str]) -> str:
    """Write a row as an object of its own line."""
    return orjson.dumps(_told(row), option=orjson.OPT_APPEND_NEWLINE).decode()


def _told(row: Sequence[str]) -> Mapping[str, Any]:
    """Leave out what is empty; a flag is a flag."""
    cells: dict[str, Any] = {name: cell for name, cell in zip(COLUMNS, row, strict=True) if cell}
    for flag in ("blacklisted", "optOutAll"):
        if cells.get(flag) == "true":
            cells[flag] = True
    return cells


class _Counted:
    """Counts rows as they go by."""

    def __init__(self, rows: Iterable[tuple[str, ...]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        count = 0
        for count, row in enumerate(self._rows, 1):  # noqa: B007 (is told at the end)
            yield row
        self.count = count


def opened(path: Path, encoding: str) -> TextIO:
    """Open a file for reading, `-` for standard input; raises BadFile for an encoding that there is not.

    Bytes that are not of the encoding stay visible as such.
    """
    try:
        if str(path) == "-":
            sys.stdin.reconfigure(encoding=encoding, errors="surrogateescape", newline="")  # type: ignore[union-attr]  # a real stream
            return sys.stdin
        return path.open(encoding=encoding, errors="surrogateescape", newline="")
    except LookupError:
        raise BadFile(f"{encoding} is no encoding that is known here") from None
