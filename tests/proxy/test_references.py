"""References inside the values of config.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.references import References, Unresolved, literal

FILES = {Path("/run/secrets/x"): b"from-file\n", Path("dos"): b"from-dos\r\n", Path("latin"): b"\xe9"}
ENVIRON = {"NAME": "value", "EMPTY": "", "NESTED": "${NAME}", "_1": "one"}


def read_file(path: Path) -> bytes:
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", str(path))
    return FILES[path]


REFERENCES = References(ENVIRON, read_file)


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        pytest.param("plain $ {x} $NAME", "plain $ {x} $NAME", id="no reference"),
        pytest.param("${NAME}", "value", id="a variable"),
        pytest.param("a-${NAME}-${_1}", "a-value-one", id="inside a text"),
        pytest.param("${EMPTY}", "", id="an empty variable"),
        pytest.param("${NAME:-other}", "value", id="a default that is not needed"),
        pytest.param("${MISSING:-other}", "other", id="a default for a missing variable"),
        pytest.param("${EMPTY:-other}", "other", id="a default for an empty variable"),
        pytest.param("${MISSING:-}", "", id="an empty default"),
        pytest.param("${MISSING:-a:-b}", "a:-b", id="a default with the mark in it"),
        pytest.param("${file:/run/secrets/x}", "from-file", id="a file, without its last line end"),
        pytest.param("${file:dos}", "from-dos", id="a file with a line end of Windows"),
        pytest.param("$${NAME}", "${NAME}", id="an escaped mark"),
        pytest.param("$$${NAME}", "$${NAME}", id="an escaped mark behind a dollar"),
        pytest.param("${NESTED}", "${NAME}", id="a value is not resolved again"),
    ],
)
def test_references_are_resolved(text: str, resolved: str) -> None:
    """A reference gives way to what it leads to, once."""
    assert REFERENCES.resolve(text) == resolved


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("${MISSING}", "variable MISSING is not set", id="a missing variable"),
        pytest.param("${file:/absent}", "file /absent cannot be read: No such file", id="a missing file"),
        pytest.param("${file:latin}", "file latin is not UTF-8", id="a file in another charset"),
        pytest.param("${file:}", "must name a file", id="no file"),
        pytest.param("${file:a\0b}", "must name a file", id="a file with a NUL"),
        pytest.param("${", "a reference must be", id="an open end"),
        pytest.param("${NAME", "a reference must be", id="a name with an open end"),
        pytest.param("${}", "a reference must be", id="no name"),
        pytest.param("${1X}", "a reference must be", id="no name of a variable"),
        pytest.param("${NAME:=x}", "a reference must be", id="another form of the shell's"),
        pytest.param("${A}${B}", "A is not set; the environment variable B", id="two at once"),
    ],
)
def test_what_leads_nowhere_is_told(text: str, told: str) -> None:
    """A reference that leads nowhere is told by the name of its variable or file."""
    with pytest.raises(Unresolved, match=told):
        REFERENCES.resolve(text)


@given(st.text())
def test_any_value_of_a_variable_comes_out_as_it_is(value: str) -> None:
    """Whatever a variable holds, a reference to it gives just that."""
    assert References({"X": value}, read_file).resolve("<${X}>") == f"<{value}>"


@given(st.text())
def test_text_without_marks_stays(text: str) -> None:
    """A text without a mark is not touched, and an escaped mark always comes out plain."""
    plain = text.replace("${", "")
    assert REFERENCES.resolve(plain) == plain
    assert REFERENCES.resolve(plain.rstrip("$") + "$${") == plain.rstrip("$") + "${"


@pytest.mark.parametrize(
    ("text", "says_itself"),
    [
        ("", False),
        ("${X}", False),
        ("${X:-}", False),
        ("${file:/a:-b}", False),
        ("x", True),
        ("${X}y", True),
        ("${X}${Y}", True),
        ("${X:-default}", True),
        ("$${", True),
        ("${", True),
    ],
)
def test_a_literal_is_more_than_one_reference(text: str, *, says_itself: bool) -> None:
    """A text is literal as soon as a part of its value stands in the file itself."""
    assert literal(text) is says_itself
