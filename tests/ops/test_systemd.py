"""ops/sendgate.service: a unit that systemd knows, and that starts what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from proxy.__main__ import parser
from proxy.app import DRAIN
from tests.ops.conftest import OPERATIONS, OPS, needs, run


def unit() -> dict[str, str]:
    """Read the settings of the unit; none of those asked for stands twice."""
    lines = (line for line in (OPS / "sendgate.service").read_text().splitlines() if re.match(r"\w+=", line))
    return dict(line.split("=", 1) for line in lines)


def test_the_unit_runs_commands_that_there_are() -> None:
    """What the unit starts are commands of sendgate, with the configuration that the document speaks of."""
    for key in ("ExecStart", "ExecStartPre"):
        program, *arguments = shlex.split(unit()[key])
        assert Path(program).name == "sendgate"
        assert str(parser().parse_args(arguments).config) in OPERATIONS.read_text()
    assert int(unit()["TimeoutStopSec"]) > DRAIN
    assert unit()["RestartPreventExitStatus"] == "2"


@needs("systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """No setting of the unit is unknown to systemd."""
    program = unit()["ExecStart"].split()[0]
    copy = tmp_path / "sendgate.service"
    copy.write_text((OPS / "sendgate.service").read_text().replace(program, "/bin/true"))
    assert run("systemd-analyze", "verify", "--man=no", copy) == ""
