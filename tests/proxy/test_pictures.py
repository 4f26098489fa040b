"""Plots as pictures: PNG and SVG that hold what was counted, and a clear word where they cannot be drawn."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from proxy import pictures
from proxy.commands import Failed
from proxy.plots import Plot, Values

WORDS = ("opt_outs", "blacklisted")
CAMPAIGNS: Values = (("spring", (40, 20)), ("autumn $x_1$", (3, 0)), ("<&>\x1b", (1, 1)))
DAYS: Values = tuple((f"2026-03-{day:02}", (day, 1)) for day in range(1, 31))


def drawn(values: Values, style: str, by: str = "campaign") -> bytes:
    """Draw a plot."""
    picture = io.BytesIO()
    pictures.draw(Plot(f"Opt-outs by {by}", by, WORDS, (0, 1), values), picture, style)
    return picture.getvalue()


def texts(svg: bytes) -> list[str]:
    """List the texts of an SVG."""
    return ["".join(each.itertext()) for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def bars(svg: bytes) -> int:
    """Count what is filled with the colours of bars, those of the legend left out."""
    return sum(svg.decode().count(f"fill: {colour}") for colour in pictures.COLOURS) - len(pictures.COLOURS)


@pytest.mark.parametrize(("values", "by"), [(CAMPAIGNS, "campaign"), (DAYS, "day"), (DAYS, "month"), ((), "route")])
def test_png(values: Values, by: str) -> None:
    """A PNG has the size of a page, whatever is in it."""
    picture = drawn(values, "png", by)
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", picture[16:24])
    assert width == 1500
    assert 300 < height < 1500


def test_svg() -> None:
    """An SVG says in letters what stands in it, takes no name for markup or mathematics, and is the same each time."""
    picture = drawn(CAMPAIGNS, "svg")
    assert {"spring", "autumn $x_1$", "<&>?", "opt-outs", "blacklisted", "Opt-outs by campaign"} <= set(texts(picture))
    assert bars(picture) == 2 * len(CAMPAIGNS)
    assert drawn(CAMPAIGNS, "svg") == picture


def test_days_in_a_picture() -> None:
    """Each day has its bars, and as many are named as can be read."""
    picture = drawn(DAYS, "svg", "day")
    assert bars(picture) == 2 * len(DAYS)
    assert [text for text in texts(picture) if text.startswith("2026")] == [day for day, _ in DAYS][::2]


def test_nothing_in_a_picture() -> None:
    """Where nothing was counted the picture says so."""
    assert "nothing" in texts(drawn((), "svg"))


def test_the_rest_is_one_bar() -> None:
    """A picture has the most frequent values, and the rest together; a long name is cut."""
    many: Values = tuple((f"{n:03} {'x' * 100}", (1, 0)) for n in range(pictures.MOST + 10))
    told = texts(drawn(many, "svg"))
    assert "(11 others)" in told
    assert len([text for text in told if text.endswith("…")]) == pictures.MOST - 1
    assert max(map(len, told)) <= pictures.LONGEST


@pytest.mark.parametrize("name", ["plot.gif", "plot", ".png", "-"])
def test_other_formats(name: str) -> None:
    """A picture's format is what its name says, and there are two."""
    with pytest.raises(Failed, match=r"\.png or \.svg"):
        pictures.check(Path(name))


@pytest.mark.parametrize("name", ["plot.png", "a/plot.SVG"])
def test_both_formats(name: str) -> None:
    """A name in either case will do."""
    pictures.check(Path(name))
