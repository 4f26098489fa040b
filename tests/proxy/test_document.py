"""The YAML of config.yaml → plain values with lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.document import Document, Unparsable, read
from proxy.references import References

NOTHING = 'has no value; leave the key out, or write "", [] or {}'
UNSET = "the environment variable NOPE is not set"
MERGE = "<< must name a section of keys, or a list of them, outside itself"
ROOT = "the file must hold a section of keys: listen, routes and so on"


def no_file(path: Path) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", str(path))


REFERENCES = References({"X": "value", "TREE": "{a: [b]}", "LINES": "a\nb: c"}, no_file)


def told(text: str) -> list[str]:
    """Give the faults of a text as they are shown."""
    try:
        return [str(fault) for fault in read(text, REFERENCES).faults]
    except Unparsable as unparsable:
        return [str(unparsable.fault)]


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merge_bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 {x: y}"]
    lines += [f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def chain(levels: int) -> str:
    return "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, levels))])


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param(
            "a: 1\nb: 1.5\nc: true\nd: 2026-01-01",
            dict(zip("abcd", ["1", "1.5", "true", "2026-01-01"], strict=True)),
            id="scalars",
        ),
        pytest.param(
            "a: NO\nb: off\nc: 12:30\nd: 0x1F",
            dict(zip("abcd", ["NO", "off", "12:30", "0x1F"], strict=True)),
            id="oddities of YAML",
        ),
        pytest.param("a: +4915112345678", {"a": "+4915112345678"}, id="a phone number"),
        pytest.param("a: [x, {b: y}]\nc: {}", {"a": ["x", {"b": "y"}], "c": {}}, id="lists and sections"),
        pytest.param("a: ''\nb: \"\"", {"a": "", "b": ""}, id="empty texts"),
        pytest.param('a: ${X}\nb: ["${X}"]', {"a": "value", "b": ["value"]}, id="references"),
        pytest.param("a: ${TREE}\nb: ${LINES}", {"a": "{a: [b]}", "b": "a\nb: c"}, id="references that look like YAML"),
        pytest.param("${X}: a", {"${X}": "a"}, id="no reference in a key"),
        pytest.param("a: &x [p]\nb: *x", {"a": ["p"], "b": ["p"]}, id="an alias"),
        pytest.param(
            "a: &x {p: q, r: s}\nb: {<<: *x, r: t}",
            {"a": {"p": "q", "r": "s"}, "b": {"p": "q", "r": "t"}},
            id="a merge",
        ),
        pytest.param(
            "a: &x {p: q}\nb: &y {p: z, s: t}\nc: {<<: [*x, *y]}",
            {"a": {"p": "q"}, "b": {"p": "z", "s": "t"}, "c": {"p": "q", "s": "t"}},
            id="merges",
        ),
        pytest.param("\ufeffa: b", {"a": "b"}, id="a byte order mark"),
        pytest.param("---\na: b\n...\n", {"a": "b"}, id="one document with its marks"),
    ],
)
def test_values_stay_the_text_that_was_typed(text: str, data: dict[str, Any]) -> None:
    """Every value comes out as text, whatever YAML would make of it, in the structure that was typed."""
    document = read(text, REFERENCES)
    assert (document.data, document.faults) == (data, [])


def test_every_place_has_its_line() -> None:
    """A key has the line it stands in, a list's value its own."""
    document = read("a:\n  b: x\n  c:\n    - y\n    - z: w\n", REFERENCES)
    lines = {(): 1, ("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", 0): 4, ("a", "c", 1): 5, ("a", "c", 1, "z"): 5}
    assert document.lines == lines


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        pytest.param("", ["line 1: the file is empty"], id="empty"),
        pytest.param("# only\n\n# comments\n", ["line 1: the file is empty"], id="only comments"),
        pytest.param("- a", [f"line 1: {ROOT}"], id="a list"),
        pytest.param("text", [f"line 1: {ROOT}"], id="a text"),
        pytest.param(
            "a: 1\na: 2\na: 3",
            ["line 2, a: stands twice; first in line 1", "line 3, a: stands twice; first in line 1"],
            id="a key thrice",
        ),
        pytest.param("a:\n  b: 1\n  'b': 2", ["line 3, a.b: stands twice; first in line 2"], id="a key twice, deeper"),
        pytest.param(
            "a:\nb: ~\nc: [null]",
            [f"line 1, a: {NOTHING}", f"line 2, b: {NOTHING}", f"line 3, c.0: {NOTHING}"],
            id="no value",
        ),
        pytest.param(
            "a: ${NOPE}\nb: [x, '${NOPE}']", [f"line 1, a: {UNSET}", f"line 2, b.1: {UNSET}"], id="missing variables"
        ),
        pytest.param("a: !!python/object:os.system x", ["line 1, a: tags (!…) are not allowed"], id="a tag on a text"),
        pytest.param("a: !x [b]", ["line 1, a: tags (!…) are not allowed"], id="a tag on a list"),
        pytest.param("? [a]\n: b", ["line 1: a key must be a single word"], id="a key that is a list"),
        pytest.param("a: &x [*x]", ["line 1, a.0: an alias must not lead back into itself"], id="an endless alias"),
        pytest.param("a: &x\n  <<: *x", [f"line 1, a: {MERGE}"], id="an endless merge"),
        pytest.param("a: {<<: text}", [f"line 1, a: {MERGE}"], id="a merge of a text"),
    ],
)
def test_faults_are_told_with_line_and_path(text: str, faults: list[str]) -> None:
    """What cannot be read is told with its line and key path, all of it at once."""
    assert told(text) == faults


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a: 1\nb:\n\t- c", 3, id="a tab"),
        pytest.param("a: [1, 2\nb: 3", 2, id="an open list"),
        pytest.param("a: 'x", 1, id="an open quote"),
        pytest.param("a: b: c", 1, id="two colons"),
        pytest.param("a: 1\n---\nb: 2", 2, id="two documents"),
        pytest.param("a: *nope", 1, id="an alias to nothing"),
        pytest.param('a: "\\q"', 1, id="an unknown escape"),
        pytest.param('a: "\\UFFFFFFFF"', 1, id="an escape beyond Unicode"),
        pytest.param("a: 1\nb: \x00", 2, id="a NUL"),
        pytest.param("a: @x", 1, id="a reserved mark"),
        pytest.param("%YAML 9.9\n---\na: 1", 1, id="another YAML"),
    ],
)
def test_broken_yaml_is_one_fault_with_its_line(text: str, line: int) -> None:
    """Where YAML itself ends, there is one fault and it has a line."""
    faults = told(text)
    assert len(faults) == 1
    assert faults[0].startswith(f"line {line}")


@pytest.mark.parametrize(
    "text",
    [
        "a: *hunter2",
        "a: !hunter2!x y",
        "a: &hunter2 x\nb: &hunter2 y",
        "a: 'hunter2",
        'a: "hunter2\\q"',
        "a: hunter2: x",
    ],
)
def test_broken_yaml_does_not_show_values(text: str) -> None:
    """A password that YAML stumbles over is not repeated by the fault."""
    assert "hunter2" not in "".join(told(text))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda: bomb(12, 10), "must not hold more than", id="aliases that multiply"),
        pytest.param(lambda: merge_bomb(12, 10), "must not hold more than", id="merges that multiply"),
        pytest.param(lambda: "a: " + "[" * 3000 + "]" * 3000, "nested too deep", id="deep nesting"),
        pytest.param(lambda: chain(3000), "nested too deep", id="deep nesting by aliases"),
    ],
)
def test_bombs_do_not_blow_up(make: Callable[[], str], says: str) -> None:
    """A small file that would become huge is one fault."""
    faults = told(make())
    assert len(faults) == 1
    assert says in faults[0]


@given(st.text())
def test_any_text_is_read_or_told(text: str) -> None:
    """No text makes reading fail in another way than by faults."""
    try:
        document = read(text, REFERENCES)
    except Unparsable:
        return
    assert isinstance(document, Document)


@pytest.mark.parametrize(
    ("loc", "place", "beyond"),
    [
        pytest.param(("a", "auth", "bearer", "token"), ("a", "auth"), ("token",), id="a kind that is not in the file"),
        pytest.param(("a", "auth", "bearer", "name"), ("a", "auth", "name"), (), id="behind a kind"),
        pytest.param(("a", "host", 0), ("a", "host"), (0,), id="a single value read as a list"),
        pytest.param(("a", "[key]"), ("a",), ("[key]",), id="a key itself"),
        pytest.param(("a", "list", 1), ("a", "list", 1), (), id="a value of a list"),
    ],
)
def test_validation_is_led_back_to_the_file(
    loc: tuple[str | int, ...], place: tuple[str | int, ...], beyond: tuple[str | int, ...]
) -> None:
    """The steps of a validation that are not in the file are left out or cut off."""
    document = read("a: {auth: {kind: bearer, name: x}, host: h, list: [p, q]}", REFERENCES)
    assert document.locate(loc) == (place, beyond)
