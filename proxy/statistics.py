"""`sendgate stats`: who opted out and what was not sent, as bars in the terminal or as a picture."""

from __future__ import annotations

import asyncio
import shutil
import sys
from argparse import ArgumentParser, Namespace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from policy import times
from policy.model import Microseconds
from proxy import pictures, plots
from proxy.commands import Failed
from proxy.finding import find
from proxy.moving import check_apart, written
from proxy.operator import Door, door
from proxy.plots import Plot

COUNTED: Final = ("opt-outs", "dispatch-failed")
COLUMNS: Final = 80  # of a pipe
_COUNTS: Final = {
    "opt-outs": ("opt_outs", "opt_ins", "blacklisted", "whitelisted"),
    "dispatch-failed": ("records", "recipients"),
}
_DRAWN: Final = {"opt-outs": ("opt_outs", "blacklisted"), "dispatch-failed": ("recipients",)}
_TITLES: Final = {"opt-outs": "Opt-outs", "dispatch-failed": "Not sent"}


def take(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("of", choices=COUNTED, nargs="?", default=COUNTED[0], metavar="|".join(COUNTED))
    parser.add_argument("--by", default="day", metavar="FIELD", help="day (the default), channel, origin, campaign, …")
    parser.add_argument("--from", metavar="TIME", help="with its zone: 2026-01-31T00:00:00Z; default: 30 days ago")
    parser.add_argument("--to", metavar="TIME", help="a time with its zone; default: now")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="draw a picture, .png or .svg, which needs matplotlib"
    )


def run(arguments: Namespace) -> int:
    """Count and show."""
    if arguments.output is not None:
        pictures.check(arguments.output)
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    found = find(arguments.config)
    async with door(found.config, alone=found.whole) as gate:
        told = await _counted(gate, arguments)
    plot = _plot(arguments.of, arguments.by, told)
    if arguments.output is None:
        width = shutil.get_terminal_size((COLUMNS, 24)).columns if sys.stdout.isatty() else COLUMNS
        sys.stdout.write("".join(f"{line}\n" for line in plots.lines(plot, width)))
        return 0
    check_apart(arguments.output, found.config)
    _write(arguments.output, plot)
    return 0


async def _counted(gate: Door, arguments: Namespace) -> dict[str, Any]:
    asked = {"by": arguments.by, "from": getattr(arguments, "from"), "to": arguments.to}
    query = {name: value for name, value in asked.items() if value is not None}
    reply = await gate.ask("GET", f"/statistics/{arguments.of}", query=query)
    if reply.status == 400:
        raise Failed(f"--{reply.body['field']} is not understood{_says(reply.body)}")
    if reply.status != 200:
        raise Failed(f"the gate answered {reply.status}; its log says why")
    told: dict[str, Any] = reply.body
    return told


def _says(fault: dict[str, str]) -> str:
    if "message" in fault:
        return f": {fault['message']}"
    hints = {
        "by": ": day, channel, origin or campaign; of dispatch-failed also reason, route or sender",
        "from": ": a time with its zone, 2026-01-31T00:00:00Z",
        "to": ": a time with its zone, 2026-01-31T00:00:00Z",
    }
    return hints.get(fault["field"], "")


def _plot(of: str, by: str, told: dict[str, Any]) -> Plot:
    names = _COUNTS[of]
    values = tuple((_named(item[by], by), tuple(item[name] for name in names)) for item in told["items"])
    last = times.written(Microseconds(times.read(told["to"]).first - 1))
    title = f"{_TITLES[of]} by {by}, {told['from'][:10]} to {last[:10]} (UTC)"
    return plots.gathered(Plot(title, by, names, tuple(map(names.index, _DRAWN[of])), values))


def _named(value: str | None, by: str) -> str:
    return "(all others)" if value is None else value or f"(no {by})"


def _write(path: Path, plot: Plot) -> None:
    drawn = BytesIO()
    pictures.draw(plot, drawn, path.suffix[1:].lower())
    with written(path) as stream:
        stream.buffer.write(drawn.getvalue())
        stream.buffer.flush()
