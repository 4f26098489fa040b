"""`sendgate segment`, beside a running gate and without one."""

from __future__ import annotations

import io
import json

import pytest

from policy.rows import COLUMNS
from tests.conftest import OpenGate, Settings
from tests.shell import Shell

FILTER = '{"standing": {"opted_out": {"MAIL": true}}}'


@pytest.fixture
def segment(stored: Settings, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Give the command, with a store that knows nobody."""
    return Shell(stored, capsys, "segment")


@pytest.mark.parametrize("beside", [True, False], ids=["beside a gate", "alone"])
async def test_from_saving_to_deleting(open_gate: OpenGate, segment: Shell, beside: bool) -> None:  # noqa: FBT001 (a case)
    """A segment is saved, listed, shown, asked for its people and deleted."""
    gate = await open_gate()
    for number in range(3):
        await gate.tell("Opt Out", "SMS" if number == 1 else "MAIL", id=str(number))
    if not beside:
        await gate.app.stop()
    assert await segment("save", "s", "--filter", FILTER) == (0, "", "")
    code, out, _ = await segment("list")
    assert (code, out.split("\n")[1].split()[0]) == (0, "s")
    assert json.loads((await segment("show", "s"))[1]) == json.loads(FILTER)
    code, out, _ = await segment("users", "s")
    lines = out.splitlines()
    assert (code, lines[0]) == (0, ",".join(COLUMNS))
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "2"]
    assert await segment("delete", "s") == (0, "", "")
    assert await segment("show", "s") == (1, "", "there is no segment s\n")


async def test_people_in_a_file(open_gate: OpenGate, segment: Shell) -> None:
    """A file is there whole, for its owner alone, in the format that its name says."""
    gate = await open_gate()
    await gate.user("1", email="ü@example.com")
    await segment("save", "s", "--filter", "{}")
    csv, ndjson = (segment.settings.folder / name for name in ("s.csv", "s.ndjson"))
    assert (await segment("users", "s", "--output", csv))[0] == 0
    assert (await segment("users", "s", "--output", ndjson, "--limit", 1))[0] == 0
    assert csv.read_text().splitlines()[1].startswith("1,ü@example.com,")
    assert json.loads(ndjson.read_text()) == {"id": "1", "email": "ü@example.com"}
    assert csv.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("users", "nobody"), "there is no segment nobody"),
        (("users", "a/../b?c#d"), "there is no segment a/../b?c#d"),
        (("delete", "nobody"), "there is no segment nobody"),
        (("save", "s", "--filter", "{"), "--filter is no JSON"),
        (("save", "s", "--filter", "[]"), "--filter is an object"),
        (("save", "s", "--filter", '{"name": "t"}'), "--filter is an object"),
        (("save", "s", "--filter", '{"events": {"last_days": 0}}'), "events.last_days: it must be a whole number"),
        (("save", "not a name", "--filter", "{}"), "name: 1 to 64"),
        (("users", "s", "--limit", "0"), "limit: WRONG_VALUE"),
    ],
)
async def test_what_cannot_be_done(segment: Shell, arguments: tuple[str, ...], said: str) -> None:
    """What is wrong is told in one line, and no file is begun."""
    await segment("save", "s" if "--limit" in arguments else "other", "--filter", "{}")
    out = segment.settings.folder / "out.csv"
    output = ("--output", out) if arguments[0] == "users" else ()
    code, _, err = await segment(*arguments, *output)
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith(said)
    assert not list(segment.settings.folder.glob("out.csv*"))


async def test_another_filter_under_the_name(segment: Shell) -> None:
    """A name keeps its filter until it is deleted; the same filter may be saved again."""
    assert (await segment("save", "s", "--filter", FILTER))[0] == 0
    assert (await segment("save", "s", "--filter", FILTER))[0] == 0
    assert await segment("save", "s", "--filter", "{}") == (
        1,
        "",
        "there is another segment s; delete it first\n",
    )


async def test_a_filter_from_standard_input(segment: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter may come through a pipe."""
    monkeypatch.setattr("sys.stdin", io.StringIO(FILTER))
    assert (await segment("save", "s", "--filter", "-"))[0] == 0
    assert json.loads((await segment("show", "s"))[1]) == json.loads(FILTER)


async def test_the_store_itself_is_no_output(segment: Shell) -> None:
    """People are not written over the store."""
    await segment("save", "s", "--filter", "{}")
    code, _, err = await segment("users", "s", "--output", segment.settings.store)
    assert (code, "is the store itself" in err) == (1, True)


@pytest.mark.parametrize("arguments", [("save", "s"), ("show",), ("users",), ("save", "--filter", "{}"), ("drop", "s")])
async def test_misuse(segment: Shell, arguments: tuple[str, ...]) -> None:
    """What is left out is a matter of usage: exit code 2."""
    with pytest.raises(SystemExit) as ended:
        await segment(*arguments)
    assert ended.value.code == 2
