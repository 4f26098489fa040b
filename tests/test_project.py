"""The project's own files: what is installed, what goes into the image, what the gatekeeper runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest

from proxy.crosschecks import listeners
from proxy.loading import load

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
NOT_OURS: Final = {".git", ".venv", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__", "data"}


def files() -> Iterator[Path]:
    """List the text files of the checkout."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.endswith(".egg-info")]
        yield from (Path(folder) / name for name in names if not name.endswith((".db", ".png")))


def matches(pattern: str) -> list[str]:
    """Find a pattern in the checkout, as file: text."""
    return [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in files()
        for found in re.finditer(pattern, path.read_text(errors="replace"))
    ]


def normal(name: str) -> str:
    """Give a distribution's name as all its spellings are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


# What is installed


def test_no_file_names_an_index() -> None:
    """No file says from which index or registry anything is to be had: that is for the machine to say."""
    assert matches(r"(?i)\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|(?:docker|ghcr|quay)\.io)\b") == []
    assert matches(r"--(?:extra-)?index-url|-{2}find-links|-{2}trusted-host") == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    """No file holds a path that only the machine has on which it was written."""
    assert matches(r"(?<![\w.])/(?:home|root|Users|work)/\w+") == []


def required(requirements: list[str]) -> set[str]:
    """Give the names of some requirements."""
    return {normal(re.split(r"[\[<>=!~; ]", each, maxsplit=1)[0]) for each in requirements}


def pins() -> dict[str, str]:
    """Read constraints.txt, where every line that is no comment pins one name to one version."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    found = dict(line.split("==") for line in lines)
    assert len(found) == len(lines)
    return {normal(name): pin for name, pin in found.items()}


def test_every_dependency_is_pinned() -> None:
    """constraints.txt pins every dependency of pyproject.toml, extras included, to one version."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [required(PROJECT["project"]["dependencies"]), *map(required, extras)]
    assert set().union(*wanted) - pins().keys() == {PROJECT["project"]["name"]}  # an extra may take in another


def test_what_is_tested_is_what_is_pinned() -> None:
    """Every dependency of pyproject.toml is installed here in the version that constraints.txt names."""
    wanted = required(PROJECT["project"]["dependencies"])
    assert {name: version(name) for name in wanted} == {name: pins()[name] for name in wanted}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param([sys.executable, "-m", "proxy"], id="module"),
        pytest.param([str(Path(sys.executable).parent / "sendgate")], id="script"),
    ],
)
def test_the_program_starts(command: list[str]) -> None:
    """The script of pyproject.toml and the module say the project's version."""
    done = subprocess.run([*command, "--version"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"sendgate {PROJECT['project']['version']}\n"


def test_every_folder_of_code_is_a_package() -> None:
    """Every folder of policy and proxy that holds code is a package, so that it is in what is installed."""
    folders = {path.parent for top in ("policy", "proxy") for path in (ROOT / top).rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_schema_is_the_first_thing_an_editor_sees() -> None:
    """config.yaml's first line names config.schema.json, which is there and is JSON."""
    first = (ROOT / "config.yaml").read_text().partition("\n")[0]
    assert first == "# yaml-language-server: $schema=config.schema.json"
    assert json.loads((ROOT / "config.schema.json").read_text())["title"] == "config.yaml of sendgate"


# What people and the gatekeeper run


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_documents_name_targets_that_are_there() -> None:
    """Every `make TARGET` of README, and of the gatekeeper, is a target of the Makefile."""
    told = [(ROOT / name).read_text() for name in ("README.md", ".ci/run")]
    named = {target for text in told for target in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)}
    assert named <= makefile_targets()
    assert named >= {"run", "test", "check", "bench"}


def test_every_installation_is_constrained() -> None:
    """Whatever pip installs for the Makefile or the image, it installs in pinned versions."""
    for name in ("Makefile", "Dockerfile"):
        installs = re.findall(r"^.*\bpip install\b.*$", (ROOT / name).read_text(), re.MULTILINE)
        assert installs
        assert all("-c constraints.txt" in line for line in installs)


def test_the_gatekeeper_runs_what_the_readme_says() -> None:
    """.ci/run can be executed, stops at the first failure and ends with the README's test command."""
    script = ROOT / ".ci" / "run"
    lines = [line for line in script.read_text().splitlines() if line and not line.startswith("#")]
    assert os.access(script, os.X_OK)
    assert lines[0] == "set -euo pipefail"
    assert lines[-3:] == ["make check", "wait", "make test"]
    assert "\nmake test\n" in (ROOT / "README.md").read_text()
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_readme_begins_with_the_word_that_people_search_for() -> None:
    """README's first sentence holds the word suppression, and so does the project's description."""
    sentence = (ROOT / "README.md").read_text().removeprefix("# sendgate\n\n").partition(".")[0]
    assert "suppression" in sentence
    assert "suppression" in PROJECT["project"]["description"]


# The image


def instructions() -> list[tuple[str, str]]:
    """Read the Dockerfile as instructions with their arguments, one for each, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines if line)]


def stage(number: int) -> list[tuple[str, str]]:
    """Give the instructions of one stage, its FROM first."""
    starts = [at for at, (name, _) in enumerate(instructions()) if name == "FROM"]
    ends = [*starts[1:], None]
    return instructions()[starts[number] : ends[number]]


def only(name: str, within: list[tuple[str, str]]) -> str:
    """Give the arguments of an instruction that stands once."""
    (found,) = (rest for each, rest in within if each == name)
    return found


def environment() -> dict[str, str]:
    """Give what the image's last stage sets in the environment."""
    return dict(word.split("=", 1) for word in shlex.split(only("ENV", stage(-1))))


def test_the_image_has_a_stage_to_build_and_one_to_run() -> None:
    """Two stages stand on the same slim Python, and only the first one installs."""
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim", bases[0])
    assert "pip" not in str(stage(1))
    (source,) = (rest for name, rest in stage(1) if name == "COPY" and "--from=build" in rest)
    assert source.split()[1] in str(stage(0)), "what is taken over is what was built"


def test_the_image_runs_without_rights() -> None:
    """The last stage makes a user and ends as that user, and nothing runs at build time after the change."""
    names = [name for name, _ in stage(-1)]
    user = only("USER", stage(-1))
    assert user not in ("root", "0")
    assert any(
        name == "RUN" and "useradd" in rest and rest.split("&&")[0].split()[-1] == user for name, rest in stage(-1)
    )
    assert not {"RUN", "COPY", "ADD", "USER"} & set(names[names.index("USER") + 1 :])


def test_the_image_keeps_its_store_in_a_volume() -> None:
    """The store lies in the volume, which belongs to the user before it becomes one."""
    volume = only("VOLUME", stage(-1))
    assert Path(environment()["SENDGATE_STORE_PATH"]).parent == Path(volume)
    made = only("RUN", stage(-1))
    assert f"--owner={only('USER', stage(-1))}" in made
    assert made.endswith(f" {volume}")


def test_the_image_asks_the_gate_how_it_is() -> None:
    """The health check, the entry point and the command are programs without a shell, and the check is sendgate's."""
    options, mark, command = only("HEALTHCHECK", stage(-1)).partition("CMD ")
    assert mark
    assert "--interval=" in options
    assert json.loads(command) == ["sendgate", "health"]
    assert [*json.loads(only("ENTRYPOINT", stage(-1))), *json.loads(only("CMD", stage(-1)))] == ["sendgate", "serve"]


def test_the_image_is_open_but_for_the_api() -> None:
    """With the image's environment every door of config.yaml is open to other machines, except the API."""
    config = load(ROOT / "config.yaml", environment()).config
    wide = {place[-1]: listener.address for place, listener in listeners(config) if not listener.address.loopback}
    assert sorted(wide) == ["ops", "proxy", "public"]
    assert all(ip_address(address.host).is_unspecified for address in wide.values())
    assert only("EXPOSE", stage(-1)).split() == [str(wide[door].port) for door in ("proxy", "public", "ops")]


def test_the_image_sets_what_config_yaml_reads() -> None:
    """Every variable that the image sets for the gate is one that config.yaml takes, and none of them is a secret."""
    own = {name for name in environment() if name != "PATH"}
    assert own <= set(re.findall(r"\$\{(\w+)", (ROOT / "config.yaml").read_text()))
    words = [rest for name, rest in instructions() if name in ("ENV", "ARG", "RUN")]
    assert not re.search(r"(?i)pepper|secret|token|password|_key\b", " ".join(words))


def test_the_image_takes_only_what_it_needs() -> None:
    """Nothing is fetched by ADD, and .dockerignore lets in exactly what is copied."""
    assert [rest for name, rest in instructions() if name == "ADD"] == []
    copied = {
        source.removeprefix("./")
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)
    assert not any(fnmatch(source, rule) for source in copied for rule in rules[1:] if not rule.startswith("!"))
