"""The command line: what it is called with, and the codes it ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from proxy import printing, schema
from proxy.__main__ import main, parser

COMMANDS = ("serve", "check", "schema", "health", "status", "blacklist", "whitelist")


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program as its users do."""
    command = [str(Path(sys.executable).with_name("sendgate")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help of each command says what it does and how to name the configuration."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    out = capsys.readouterr().out
    assert (ended.value.code, f"usage: sendgate {command}" in out, "--config FILE" in out) == (0, True, True)


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """--help lists every command with what it does."""
    with pytest.raises(SystemExit):
        main(["--help"])
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    first = [line[0] for line in words if line]
    assert [command for command in COMMANDS if first.count(command) != 1] == []
    assert ["serve", "run", "the", "gate"] in words


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version names the program and its version."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"sendgate {version('sendgate')}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no command"),
        pytest.param(["unheard"], id="an unknown command"),
        pytest.param(["status"], id="no address"),
        pytest.param(["status", "a", "b"], id="two addresses"),
        pytest.param(["check", "--unheard"], id="an unknown option"),
    ],
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever calls it wrongly is told how to call it."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert (ended.value.code, "usage: sendgate" in capsys.readouterr().err) == (2, True)


def test_the_configuration_is_config_yaml() -> None:
    """Where no file is named, it is config.yaml in the working directory."""
    assert parser().parse_args(["check"]).config == Path("config.yaml")


def test_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """`schema` prints the JSON schema of the configuration."""
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema.schema()


def test_as_a_program(tmp_path: Path) -> None:
    """The installed program checks config.yaml where it is started, says what is wrong and ends with its code."""
    assert run("check", cwd=tmp_path).returncode == 2
    (tmp_path / "config.yaml").write_text("routes: {mail: {provider: sendgrid, upstream: sandbox}}\n")
    fine = run("check", cwd=tmp_path)
    assert (fine.returncode, fine.stdout.splitlines()[-1]) == (0, "config.yaml: ok, 1 route")
    (tmp_path / "config.yaml").write_text("routes: {mail: {provider: sendgrid}}\nlog: {level: loud}\n")
    faulty = run("check", cwd=tmp_path)
    assert (faulty.returncode, faulty.stdout) == (2, "")
    assert "line 1, routes.mail.upstream: is required" in faulty.stderr
    assert "line 2, log.level: must be one of 'debug', 'info', 'warning' or 'error'" in faulty.stderr


PRINTING = [
    "export -",
    "export - --format ndjson",
    "journal",
    "schema",
    "check",
    "records",
    "conflicts",
    "person a@example.com",
    "status a@example.com",
    "blacklists export -",
    "segment list",
    "stats opt-outs",
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a configuration, and a store that knows somebody."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "config.yaml").write_text("routes: {}\n")
    (folder / "people.csv").write_text("email\na@example.com\n")
    assert run("import", "people.csv", cwd=folder).returncode == 0
    return folder


@pytest.mark.parametrize("command", PRINTING)
def test_nobody_reads_on(filled: Path, command: str) -> None:
    """Whatever a command prints, it ends quietly and as Unix tools do where nobody reads its output."""
    reading, writing = os.pipe()
    os.close(reading)
    program = [str(Path(sys.executable).with_name("sendgate")), *command.split()]
    ended = subprocess.run(program, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, cwd=filled)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (printing.UNREAD, "")


def test_the_life_of_an_address_as_a_program(tmp_path: Path) -> None:
    """What one process was told, the next one knows."""
    (tmp_path / "config.yaml").write_text("routes: {}\n")
    (tmp_path / "people.csv").write_text("email\nb@example.com\n")
    assert run("import", "people.csv", cwd=tmp_path).returncode == 0
    assert run("blacklist", "a@example.com", cwd=tmp_path).returncode == 0
    assert "nothing at all is sent" in run("status", "a@example.com", cwd=tmp_path).stdout
