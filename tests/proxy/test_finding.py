"""Finding a running gate by a file that is faulty, and nobody by a file that leaves in doubt which store is meant."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxy.__main__ import main
from proxy.faults import ConfigError
from proxy.finding import find, store_of
from tests.conftest import OpenGate, RunningGate, Settings

A = "a@example.com"
PEPPERED = "store:\n  path: s.db\n  pepper: ${PEPPER}\n"


@pytest.mark.parametrize(
    ("text", "path", "pepper"),
    [
        pytest.param("lgo: {}\nstore: {path: s.db}\n", "s.db", "", id="an unknown key"),
        pytest.param("store: {path: /s.db}\nroutes: {one: {}}\n", "/s.db", "", id="an absolute path"),
        pytest.param("routes: {one: {}}\n", "data/sendgate.db", "", id="the default"),
        pytest.param("routes: {one: {}}\nstore: {pepper: x}\n", "data/sendgate.db", "x", id="a pepper in the file"),
        pytest.param("store:\n  path: ${AT}.db\nroutes: {}\nroutes: {}\n", "here.db", "", id="a reference"),
        pytest.param(f"{PEPPERED}log: {{level: loud}}\n", "s.db", "", id="a pepper that is not in the environment"),
        pytest.param("store: {path: s.db, pth: x}\n", "s.db", "", id="an unknown key beside the path"),
        pytest.param("a: [\nstore:\n\n# one\n  path: s.db\nb: }\n", "s.db", "", id="no YAML before and behind"),
        pytest.param("store:\r\n  path: s.db\r\n\tx\r\nb: 1\r\n", None, "", id="no YAML in the section"),
        pytest.param("b: }\r\nstore:\r\n  path: s.db\r\n\r\n", "s.db", "", id="CRLF"),
        pytest.param("store: {path: s.db}\nb: }", "s.db", "", id="no YAML in a last line without an end"),
        pytest.param("b: }\nstore: {path: s.db}", "s.db", "", id="the section last, without an end"),
        pytest.param("b: }\n", None, "", id="no YAML and no section"),
        pytest.param("b: }\nstore: {path: s.db}\nstore: {path: t.db}\n", None, "", id="two sections and no YAML"),
        pytest.param("store: {path: s.db}\nstore: {path: t.db}\n", None, "", id="two sections"),
        pytest.param("store: {path: s.db, path: t.db}\n", None, "", id="two paths"),
        pytest.param("stor: {path: s.db}\n", None, "", id="a slip in the section's name"),
        pytest.param("store: {pth: s.db}\n", None, "", id="a slip in the path's name"),
        pytest.param("store: {path: '${MISSING}/s.db'}\n", None, "", id="a path that leads nowhere"),
        pytest.param("store: {path: [s.db]}\n", None, "", id="no path"),
        pytest.param("store: s.db\n", None, "", id="no section"),
        pytest.param("store:\n", None, "", id="an empty section"),
        pytest.param("- store\n", None, "", id="a list"),
        pytest.param("", None, "", id="nothing"),
    ],
)
def test_what_stands_of_the_store(tmp_path: Path, text: str, path: str | None, pepper: str) -> None:
    """The store's section is read from whatever else is wrong, and not where it is in doubt itself."""
    (tmp_path / "config.yaml").write_bytes(text.encode())
    store = store_of(tmp_path / "config.yaml", {"AT": "here"})
    assert (store and store.path) == (path and tmp_path / path)
    assert store is None or store.pepper.reveal() == pepper


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A comment in another charset does not hide the store."""
    (tmp_path / "config.yaml").write_bytes(b"# caf\xe9\nstore: {path: s.db}\n")
    store = store_of(tmp_path / "config.yaml", {})
    assert store is not None
    assert store.path == tmp_path / "s.db"


def test_a_sound_file_is_taken_whole(settings: Settings) -> None:
    """A file without a fault is all that a command goes by, whether a gate runs or not."""
    settings.write()
    found = find(settings.path)
    assert (found.whole, set(found.config.routes)) == (True, {"mail", "text", "sandbox", "sms-sandbox"})


FAULTS = [
    pytest.param("unheard: 1\n", id="an unknown key"),
    pytest.param("log: {level: ${NOT_SET}}\n", id="a variable that this shell has not"),
    pytest.param("log: [\n", id="no YAML"),
]


class Shell:
    """Runs commands in a thread, by a file that is faulty."""

    def __init__(self, settings: Settings, captured: pytest.CaptureFixture[str]) -> None:
        self.settings = settings
        self._captured = captured

    def spoil(self, fault: str) -> None:
        """Write a fault into the file, under a gate that may have taken the sound one over."""
        self.settings.path.write_text(f"store:\n  path: {self.settings.store}\n{fault}")

    async def __call__(self, command: str, *arguments: object) -> tuple[int, str, str]:
        """Run one command, and give its exit code and what it printed to both streams."""
        self._captured.readouterr()
        given = [command, "--config", str(self.settings.path), *map(str, arguments)]
        code = await asyncio.to_thread(main, given)
        return code, *self._captured.readouterr()


@pytest.fixture
def sendgate(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Give the command line."""
    return Shell(settings, capsys)


@pytest.mark.parametrize("fault", FAULTS)
async def test_beside_a_gate(gate: RunningGate, sendgate: Shell, fault: str, tmp_path: Path) -> None:
    """Every command finds the running gate, does what it is there for, and says that the file is faulty."""
    await gate.user("1", email="b@example.com")
    sendgate.spoil(fault)
    people = tmp_path / "people.csv"
    people.write_text("email,blacklisted\nc@example.com,true\n")
    commands: list[tuple[str, tuple[object, ...], str]] = [
        ("blacklist", (A,), "nothing at all is sent"),
        ("status", (A,), "nothing at all is sent"),
        ("import", (people,), ""),
        ("export", (), "c@example.com"),
        ("backup", (tmp_path / "b.db",), ""),
        ("health", (), '"status"'),
    ]
    for command, arguments, says in commands:
        code, out, err = await sendgate(command, *arguments)
        assert (code, says in out, err.splitlines()[0].startswith(f"{sendgate.settings.path} is faulty")) == (
            0,
            True,
            True,
        ), command
    assert (await gate.mail(A)).status == 400
    assert (await gate.mail("c@example.com")).status == 400
    assert A in (await sendgate("records"))[1]
    assert "nothing is kept" in (await sendgate("whitelist", A))[1]
    assert (await gate.mail(A)).status == 202


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_a_gate(open_gate: OpenGate, sendgate: Shell, fault: str, tmp_path: Path) -> None:
    """Where no gate answers a faulty file ends every command, with all faults and code 2, and nothing is changed."""
    await (await open_gate()).app.stop()
    sendgate.spoil(fault)
    before = sendgate.settings.store.read_bytes()
    for command in (
        ["blacklist", A],
        ["status", A],
        ["records"],
        ["export"],
        ["backup", tmp_path / "b.db"],
        ["health"],
    ):
        code, out, err = await sendgate(*map(str, command))
        assert (code, out, "1 fault in the configuration" in err) == (2, "", True), command
    assert sendgate.settings.store.read_bytes() == before


@pytest.mark.parametrize("command", ["check", "serve", "restore"])
async def test_what_needs_the_whole_file(gate: RunningGate, sendgate: Shell, command: str) -> None:
    """Checking, serving and restoring go by the file itself, and fail by its faults beside a running gate too."""
    assert gate.addresses
    sendgate.spoil("unheard: 1\n")
    code, out, err = await sendgate(command)
    assert (code, out, "line 3, unheard" in err) == (2, "", True)


def test_a_file_that_names_another_store(settings: Settings) -> None:
    """A faulty file leads to no gate but the one beside its own store."""
    settings.path.write_text(f"store: {{path: {settings.folder}/other.db}}\nunheard: 1\n")
    with pytest.raises(ConfigError):
        find(settings.path)


async def test_an_export_needs_the_pepper(
    open_gate: OpenGate, sendgate: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a gate as well an export with another pepper is refused: its kept addresses would be anybody's."""
    monkeypatch.setenv("PEPPER", "one")
    await open_gate(store={"pepper": "${PEPPER}"})
    assert (await sendgate("export"))[0] == 0
    monkeypatch.setenv("PEPPER", "two")
    code, out, err = await sendgate("export")
    assert (code, out, "was made with another store.pepper" in err) == (1, "", True)
