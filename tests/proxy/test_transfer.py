"""Files of people as they really come: what is read of them, what is told of the rest, and what is written."""

from __future__ import annotations

import csv
import io
import itertools
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.rows import COLUMNS, LONGEST, LONGEST_ORIGINS
from proxy import transfer
from proxy.transfer import LONGEST_ROW, BadFile, Line

HEAD = ",".join(COLUMNS)


def read(text: str, style: str = "csv") -> list[Line]:
    """Read a file's text."""
    return list(transfer.read(io.StringIO(text, newline=""), style))


def cells(**named: str) -> list[str]:
    """Give the cells of a row by their columns."""
    return [named.get(name, "") for name in COLUMNS]


def row(number: int, **named: str) -> Line:
    """Give a row as it is read."""
    return number, cells(**named)


# ── CSV ──

ANN = {"id": "1", "email": "ann@x.de"}
BOB = {"id": "2", "email": "bob@x.de"}
FILES = [
    pytest.param("id,email\n1,ann@x.de\n2,bob@x.de\n", [row(2, **ANN), row(3, **BOB)], id="plain"),
    pytest.param("\ufeffid,email\n1,ann@x.de\n", [row(2, **ANN)], id="a BOM"),
    pytest.param('\ufeff"id","email"\n"1","ann@x.de"\n', [row(2, **ANN)], id="a BOM before a quote"),
    pytest.param("id;email\n1;ann@x.de\n", [row(2, **ANN)], id="semicolons"),
    pytest.param("id\temail\n1\tann@x.de\n", [row(2, **ANN)], id="tabs"),
    pytest.param("id,email\r\n1,ann@x.de\r\n2,bob@x.de\r\n", [row(2, **ANN), row(3, **BOB)], id="CRLF"),
    pytest.param("id,email\r1,ann@x.de\r2,bob@x.de\r", [row(2, **ANN), row(3, **BOB)], id="CR alone"),
    pytest.param("id,email\n1,ann@x.de", [row(2, **ANN)], id="no end of line at the end"),
    pytest.param("id,email\n\n1,ann@x.de\n\n\n2,bob@x.de\n", [row(3, **ANN), row(6, **BOB)], id="empty lines"),
    pytest.param("email,id\nann@x.de,1\n", [row(2, **ANN)], id="columns in another order"),
    pytest.param(" id , email \n 1 ,\tann@x.de\u00a0\n", [row(2, **ANN)], id="blanks around names and cells"),
    pytest.param("email\nann@x.de\n", [row(2, email="ann@x.de")], id="a single column"),
    pytest.param(
        'id,email\n"a\nb, ""c""",ann@x.de\n2,bob@x.de\n',
        [row(2, id='a\nb, "c"', email="ann@x.de"), row(4, **BOB)],
        id="quotes over lines",
    ),
    pytest.param('id,email\na"b,ann@x.de\n', [row(2, id='a"b', email="ann@x.de")], id="a quote within a cell"),
    pytest.param(f"{HEAD}\n", [], id="only the first line"),
    pytest.param(f"{HEAD}\n a ,,DE ,,,,,,,\n", [row(2, id=" a ", businessUnit="DE ")], id="an export's cells"),
    pytest.param("id,email\na\0b,x\n", [row(2, id="a\0b", email="x")], id="a NUL, which the gate will refuse"),
    pytest.param("id,email\n\u2028a\u0085,x\n", [row(2, id="a", email="x")], id="other ends of line are blanks"),
]


@pytest.mark.parametrize(("text", "lines"), FILES)
def test_csv_is_read_as_it_comes(text: str, lines: list[Line]) -> None:
    """A list is read with its lines, whoever wrote it with what."""
    assert read(text) == lines


BAD = [
    pytest.param("id,email\n1,ann@x.de,x\n2,bob@x.de\n", [(2, "3 cells where"), row(3, **BOB)], id="a cell too many"),
    pytest.param("id,email\n1\n2,bob@x.de\n", [(2, "1 cells where"), row(3, **BOB)], id="a cell too few"),
    pytest.param('id,email\n"1"x,ann@x.de\n2,bob@x.de\n', [(2, "no CSV"), row(3, **BOB)], id="text behind a quote"),
    pytest.param('id,email\n"1,ann@x.de\n2,bob@x.de\n', [(2, "no CSV"), row(3, **BOB)], id="an open quote"),
    pytest.param(
        'id,email\n"1,ann@x.de\n2,bob@x.de\n"3",x\n',
        [(2, "no CSV"), row(3, **BOB), row(4, id="3", email="x")],
        id="a quote that the next one closes",
    ),
    pytest.param(
        'id,email\n"1,ann@x.de\n2,"bob@x.de"\n3,x\n',
        [(2, "no CSV"), row(3, **BOB), row(4, id="3", email="x")],
        id="a quote that closes in a later row",
    ),
    pytest.param(
        'id,email\n"1,x\n2,bob@x.de\n3,y",z,z\n',
        [(2, "3 cells where"), row(3, **BOB), (4, "4 cells where")],
        id="a row of several lines with too many cells gives its lines back",
    ),
    pytest.param(
        f"id,email\n{'x' * (LONGEST_ORIGINS + 1)},ann@x.de\n2,bob@x.de\n",
        [(2, "field larger than field limit"), row(3, **BOB)],
        id="an endless cell",
    ),
    pytest.param("id,email\n\udce4,ann@x.de\n2,bob@x.de\n", [(2, "not of the file's"), row(3, **BOB)], id="bytes"),
]


@pytest.mark.parametrize(("text", "lines"), BAD)
def test_a_bad_row_stops_nothing(text: str, lines: list[tuple[int, Any]]) -> None:
    """What cannot be read is told with its line, and takes no other line with it."""
    found = read(text)
    assert [number for number, _ in found] == [number for number, _ in lines]
    for (_, got), (_, wanted) in zip(found, lines, strict=True):
        assert wanted in got if isinstance(wanted, str) else wanted == got


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("\n1,a\n", id="an empty first line"),
        pytest.param("1,ann@x.de\n", id="no first line with names"),
        pytest.param("id,mail\n1,ann@x.de\n", id="an unknown column"),
        pytest.param("id,email,email\n1,a,b\n", id="a column twice"),
        pytest.param("ID,Email\n", id="names in another case"),
        pytest.param("\x00\x01\x02", id="no text"),
        pytest.param("sep=;\nid;email\n", id="a spreadsheet's own first line"),
    ],
)
def test_a_file_without_known_columns_is_refused_up_front(text: str) -> None:
    """Before anything is taken, a file whose first line names no columns is refused, with the names that would do."""
    with pytest.raises(BadFile, match="id, email, businessUnit, phone, blacklisted"):
        read(text)


BROKEN = ['"x', '"', '"a"b,c', "1,2,3", '"",""x', "alone", '1,"x']


@settings(max_examples=300)
@given(st.lists(st.sampled_from([*BROKEN, "good"]), max_size=12))
def test_no_row_is_swallowed(kinds: list[str]) -> None:
    """Among broken rows of every kind, each that is not broken is read, and each that is has its own line told."""
    lines = [f"p{number},e@x.de" if kind == "good" else kind for number, kind in enumerate(kinds, 2)]
    found = read("id,email\n" + "\n".join([*lines, ""]))
    assert [number for number, _ in found] == list(range(2, len(kinds) + 2))
    for (number, got), kind in zip(found, kinds, strict=True):
        assert (got == cells(id=f"p{number}", email="e@x.de")) if kind == "good" else isinstance(got, str)


# ── NDJSON ──

OBJECTS = [
    pytest.param('{"id": "1", "email": "ann@x.de"}\n\n{"id": "2"}\n', [row(1, **ANN), row(3, id="2")], id="objects"),
    pytest.param('\ufeff{"id": "1"}\r\n', [row(1, id="1")], id="a BOM and CRLF"),
    pytest.param('{"id": " 1 ", "email": null}', [row(1, id=" 1 ")], id="an exact id, and null for nothing"),
    pytest.param(
        '{"blacklisted": true, "optOutAll": false}', [row(1, blacklisted="true", optOutAll="false")], id="flags"
    ),
    pytest.param('{"optOutChannels": ["MAIL", "SMS"]}', [row(1, optOutChannels="MAIL SMS")], id="a list of channels"),
    pytest.param("[1]\n", [(1, "no JSON object")], id="another value"),
    pytest.param("{\n", [(1, "no JSON object")], id="no JSON"),
    pytest.param("[" * 100_000, [(1, "no JSON object")], id="too deep"),
    pytest.param('{"name": "x"}', [(1, "keys other than")], id="an unknown key"),
    pytest.param('{"blacklisted": true, "blacklisted": false}', [(1, "stands twice")], id="a key twice"),
    pytest.param('{"id": 1}', [(1, "a value that is no text")], id="a number"),
    pytest.param('{"id": ["1", "2"]}', [(1, "a value that is no text")], id="a list of ids"),
    pytest.param('{"optOutChannels": [1]}', [(1, "a value that is no text")], id="a list of numbers"),
    pytest.param('{"id": "\udce4"}', [(1, "not of the file's encoding")], id="bytes"),
    pytest.param('{"id": "\\ud800"}', [(1, "not of the file's encoding")], id="half a letter"),
    pytest.param(json.dumps({"id": "x" * LONGEST_ROW + "x"}), [(1, "more than")], id="an endless row"),
    pytest.param("", [], id="an empty file"),
]


@pytest.mark.parametrize(("text", "lines"), OBJECTS)
def test_ndjson_is_read_line_by_line(text: str, lines: list[tuple[int, Any]]) -> None:
    """An object a line gives a row; what is none is told with its line."""
    found = read(text, "ndjson")
    assert [number for number, _ in found] == [number for number, _ in lines]
    for (_, got), (_, wanted) in zip(found, lines, strict=True):
        assert wanted in got if isinstance(wanted, str) else wanted == got


# ── out and in again ──

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
PLAIN = TEXT.map(lambda text: " ".join(text.split()))  # no line break: only an id or a unit may hold one
WRITTEN = st.lists(
    st.builds(
        lambda external_id, unit, rest: (external_id, rest[0], unit, rest[1], *rest[2:]),
        TEXT,
        TEXT,
        st.tuples(
            PLAIN, PLAIN, st.sampled_from(["", "true"]), PLAIN, st.sampled_from(["", "true"]), PLAIN, PLAIN, PLAIN
        ),
    ),
    max_size=5,
)


@pytest.mark.parametrize("style", transfer.FORMATS)
@given(rows=WRITTEN)
def test_what_is_written_is_read_again(style: str, rows: list[tuple[str, ...]]) -> None:
    """Rows come back as they were written: commas, quotes, blanks, ends of line and every script included."""
    stream = io.StringIO(newline="")
    assert transfer.write(stream, style, rows) == len(rows)
    stream.seek(0)
    assert [found for _, found in transfer.read(stream, style)] == [list(each) for each in rows]


def test_csv_begins_with_its_columns() -> None:
    """A CSV export names its columns, all of them, in their order."""
    stream = io.StringIO()
    transfer.write(stream, "csv", [("1", *[""] * 9)])
    assert stream.getvalue() == f"{HEAD}\n1,,,,,,,,,\n"


def test_ndjson_leaves_out_what_is_empty() -> None:
    """An NDJSON export has no key for what is not said, and flags are flags."""
    stream = io.StringIO()
    transfer.write(stream, "ndjson", [("true", "", "", "", "true", "t", "", "", "MAIL SMS", "")])
    assert stream.getvalue() == '{"id":"true","blacklisted":true,"blacklistedAt":"t","optOutChannels":"MAIL SMS"}\n'


# ── files ──


@pytest.mark.parametrize(
    ("name", "given_format", "style"),
    [
        pytest.param("people.csv", None, "csv", id="csv by its ending"),
        pytest.param("people.NDJSON", None, "ndjson", id="ndjson by its ending"),
        pytest.param("people.jsonl", None, "ndjson", id="jsonl"),
        pytest.param("-", None, "csv", id="standard input"),
        pytest.param("people.csv", "ndjson", "ndjson", id="as it was said"),
    ],
)
def test_a_file_has_a_format(name: str, given_format: str | None, style: str) -> None:
    """The format is what was said, else what the file's name ends in, else CSV."""
    assert transfer.format_of(Path(name), given_format) == style


@pytest.mark.parametrize(
    ("content", "encoding", "lines"),
    [
        pytest.param("id\nü\n".encode(), "utf-8", [row(2, id="ü")], id="UTF-8"),
        pytest.param("id\nü\n".encode("latin-1"), "latin-1", [row(2, id="ü")], id="Latin-1, said so"),
        pytest.param("\ufeffid\r\nü\r\n".encode("utf-16"), "utf-16", [row(2, id="ü")], id="UTF-16, said so"),
        pytest.param("\ufeffid\nü\n".encode(), "utf-8-sig", [row(2, id="ü")], id="a BOM that was said"),
        pytest.param("id\nü\n1\n".encode("latin-1"), "utf-8", [(2, "not of"), row(3, id="1")], id="Latin-1, not said"),
        pytest.param(b'id\n"a\r\nb"\n', "utf-8", [row(2, id="a\r\nb")], id="ends of line in quotes stay"),
    ],
)
def test_bytes_are_read_in_their_encoding(tmp_path: Path, content: bytes, encoding: str, lines: list[Any]) -> None:
    """A file is read in the encoding that was said; a row with other bytes is a bad row."""
    (tmp_path / "people.csv").write_bytes(content)
    with transfer.opened(tmp_path / "people.csv", encoding) as stream:
        found = list(transfer.read(stream, "csv"))
    assert [number for number, _ in found] == [number for number, _ in lines]
    for (_, got), (_, wanted) in zip(found, lines, strict=True):
        assert wanted in got if isinstance(wanted, str) else wanted == got


def test_an_encoding_that_fits_nothing_is_told(tmp_path: Path) -> None:
    """A file that breaks off in the middle of a letter of its encoding is refused with a hint, not with a trace."""
    (tmp_path / "people.csv").write_bytes("id\nab\n".encode("utf-16") + b"\x00")
    with transfer.opened(tmp_path / "people.csv", "utf-16") as stream, pytest.raises(BadFile, match="--encoding"):
        list(transfer.read(stream, "csv"))


@pytest.mark.parametrize("encoding", ["no-such", "hex"])
def test_an_unknown_encoding_is_told(tmp_path: Path, encoding: str) -> None:
    """An encoding that there is not, or that is none of texts, is refused."""
    (tmp_path / "people.csv").write_bytes(b"id\n")
    with pytest.raises(BadFile, match=f"{encoding} is no encoding"):
        transfer.opened(tmp_path / "people.csv", encoding)


def test_standard_input_is_read_as_bytes_of_its_encoding() -> None:
    """`-` is standard input, read like a file: the terminal's own settings change nothing."""
    program = (
        "from pathlib import Path; from proxy import transfer;"
        "print(list(transfer.read(transfer.opened(Path('-'), 'latin-1'), 'csv'))[0][1][0].encode())"
    )
    given_in = 'id\n"ü\r\nß"\n'.encode("latin-1")
    done = subprocess.run([sys.executable, "-c", program], input=given_in, capture_output=True, check=True)
    assert done.stdout.strip() == str("ü\r\nß".encode()).encode()


# ── a million rows ──


class Endless:
    """A file that is made while it is read: as much of a text file as reading asks for."""

    encoding = "utf-8"

    def __init__(self, head: str, lines: Iterator[str]) -> None:
        self.given = 0
        self._head = head
        self._lines = lines

    def readline(self, size: int | None = -1, /) -> str:
        """Give the first line."""
        assert size == -1
        return self._head

    def __next__(self) -> str:
        self.given += 1
        return next(self._lines)

    def __iter__(self) -> Iterator[str]:
        return self


FILLED: Sequence[tuple[str, str]] = [
    ("csv", "p1,p1@example.com,true\n"),
    ("ndjson", '{"id": "p1", "email": "p1@example.com"}\n'),
]


@pytest.mark.parametrize(("style", "line"), FILLED)
def test_a_file_is_read_no_further_than_asked(style: str, line: str) -> None:
    """Rows are read one at a time: a file without an end gives its first rows."""
    stream = Endless("id,email,blacklisted\n", itertools.repeat(line))
    first = list(itertools.islice(transfer.read(stream, style), 10))  # type: ignore[arg-type]  # enough of a text file
    assert [number for number, _ in first] in (list(range(2, 12)), list(range(1, 11)))
    assert stream.given == 10


@pytest.mark.parametrize(("style", "line"), FILLED)
def test_many_rows_take_no_memory(style: str, line: str) -> None:
    """Twenty thousand rows, bad ones among them, take the memory of a few."""
    lines = itertools.islice(itertools.cycle([*[line] * 99, '"']), 20_000)
    stream = Endless("id,email,blacklisted\n", lines)
    tracemalloc.start()
    try:
        rows = transfer.read(stream, style)  # type: ignore[arg-type]  # enough of a text file
        count = sum(1 for _ in rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 2_000_000


def test_rows_are_written_as_they_come() -> None:
    """Of many rows none waits for the next: what was written is out before the last was asked for."""
    stream = io.StringIO()
    seen: list[int] = []

    def rows() -> Iterator[tuple[str, ...]]:
        for _ in range(3):
            seen.append(len(stream.getvalue()))
            yield ("1", *[""] * 9)

    assert transfer.write(stream, "csv", rows()) == 3
    assert seen == sorted(set(seen))


def test_no_row_that_can_be_taken_is_too_long() -> None:
    """A row with the longest cells that the gate takes is read whole."""
    longest = {name: "x" * (LONGEST_ORIGINS if name == "optOutOrigins" else LONGEST) for name in COLUMNS}
    text = io.StringIO(newline="")
    csv.writer(text).writerows([COLUMNS, cells(**longest)])
    assert read(text.getvalue()) == [row(2, **longest)]
