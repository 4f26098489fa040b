"""Plots as pictures, PNG or SVG, drawn by matplotlib, which is the extra `sendgate[plots]`.

The library is looked for when a picture is wanted and at no other time, and asked for before anything is counted. Names
that others wrote are text: no mathematics is read in them.
"""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from proxy import plots
from proxy.commands import Failed
from proxy.plots import Plot, Values

if TYPE_CHECKING:  # nothing of it is there without the extra
    from matplotlib.axes import Axes

FORMATS: Final = (".png", ".svg")
MOST: Final = 40  # bars of a picture; the rest is gathered into one
TICKS: Final = 16  # days that are named
LONGEST: Final = 40  # letters of a name
COLOURS: Final = ("#1f6f8b", "#c8553d")


def check(path: Path) -> None:
    """Make sure that a picture can be drawn; raises Failed."""
    if path.suffix.lower() not in FORMATS:
        raise Failed(f"{path}: a picture's name ends in {' or '.join(FORMATS)}")
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError:
        installs = ".venv/bin/pip install -c constraints.txt matplotlib"
        raise Failed(f"a picture needs matplotlib, which is not installed: {installs}") from None


def draw(plot: Plot, to: BinaryIO, style: str) -> None:
    """Draw a plot as `png` or `svg`."""
    import matplotlib as mpl  # noqa: PLC0415 (an extra, which takes a second to load)
    from matplotlib.figure import Figure  # noqa: PLC0415 (the same)

    across = plot.by in ("day", "month")
    values = plot.values if across else _gathered(plot.values)
    # Text stays text, and ids are the same each time.
    with (
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "sendgate", "text.parse_math": False}),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # letters that its font does not have are drawn as boxes
        figure = Figure(figsize=(10, 5 if across else max(2.5, 1.5 + 0.3 * len(values))), layout="constrained")
        axes = figure.add_subplot()
        (_upright if across else _lying)(axes, plot, values)
        if len(plot.drawn) > 1:
            figure.legend(loc="outside upper right", ncols=len(plot.drawn), frameon=False)
        if not values:
            axes.text(0.5, 0.5, "nothing", transform=axes.transAxes, ha="center")
        axes.set_title(plot.title, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(to, format=style, dpi=150, metadata={"Date": None} if style == "svg" else None)


def _upright(axes: Axes, plot: Plot, values: Values) -> None:
    """Draw a bar for each day, from left to right."""
    places, bottoms = range(len(values)), [0] * len(values)
    for at, colour in zip(plot.drawn, COLOURS, strict=False):
        heights = [counts[at] for _, counts in values]
        axes.bar(places, heights, bottom=bottoms, color=colour, label=_label(plot, at))
        bottoms = [below + height for below, height in zip(bottoms, heights, strict=True)]
    named = range(0, len(values), max(1, -(-len(values) // TICKS)))
    axes.set_xticks(named, [values[at][0] for at in named], rotation=45, ha="right")
    axes.margins(x=0.01)
    axes.set_ylim(0, max(plot.most * 1.05, 1))
    axes.locator_params(axis="y", integer=True)


def _lying(axes: Axes, plot: Plot, values: Values) -> None:
    """Draw a bar for each value, from top to bottom."""
    places, lefts = range(len(values)), [0] * len(values)
    for at, colour in zip(plot.drawn, COLOURS, strict=False):
        widths = [counts[at] for _, counts in values]
        axes.barh(places, widths, left=lefts, color=colour, label=_label(plot, at))
        lefts = [before + width for before, width in zip(lefts, widths, strict=True)]
    axes.set_yticks(places, [_short(value) for value, _ in values])
    axes.set_xlim(0, max(max(lefts, default=0) * 1.05, 1))
    axes.locator_params(axis="x", integer=True)
    axes.invert_yaxis()


def _gathered(values: Values) -> Values:
    """Gather the least frequent values where there are too many for a picture."""
    if len(values) <= MOST:
        return values
    rest = [counts for _, counts in values[MOST - 1 :]]
    return (*values[: MOST - 1], (f"({len(rest)} others)", tuple(map(sum, zip(*rest, strict=True)))))


def _label(plot: Plot, at: int) -> str:
    return plot.names[at].replace("_", "-")


def _short(value: str) -> str:
    text = plots.shown(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
