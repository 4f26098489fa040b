"""The page in a real browser, without a script: opted out, seen, opted in again, and readable by everybody.

The rules looked at are those of WCAG 2.2 (AA) that a page of this kind can break: language, title, headings, landmarks,
names of controls, contrast, focus, reflow, size of targets.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from policy.model import Channel
from proxy.clicks import State
from proxy.links import Link, Links
from proxy.rendering import relative_luminance
from proxy.texts import built_in
from tests import chromium
from tests.chromium import Tab
from tests.conftest import OpenGate, RunningGate

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="chromium is not installed")

KEY = "k" * 32
ADA = "ada@example.com"
TEXTS = built_in()["en"]
DESKTOP, PHONE, NARROW = (1280, 800), (390, 844), (320, 568)
BRAND = {"name": "Example Shop", "colour": "ffcc00", "imprint": "https://x.example/i", "privacy": "https://x.example/p"}


@pytest.fixture
async def gate(open_gate: OpenGate) -> RunningGate:
    """Give a gate that takes links, of a brand whose colour is no easy one."""
    return await open_gate(unsubscribe={"keys": [KEY], "brand": BRAND})


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    """Give a tab in which no script runs."""
    async with chromium.browser(tmp_path) as tab:
        await tab.screen(*DESKTOP)
        yield tab


def url(gate: RunningGate, query: str = "") -> str:
    """Give Ada's link."""
    return f"{gate.url('public')}/u/{Links([KEY]).make(Link(ADA, Channel.MAIL))}{query}"


async def headline(tab: Tab) -> str:
    """Give the page's headline."""
    return (await tab.find("heading")).name


def mail(text: str) -> str:
    """Give a text of the page about e-mail."""
    return TEXTS[text].replace("{channel}", TEXTS["channels.MAIL"])


async def why(gate: RunningGate) -> str | None:
    """Give the reason for which a real send to Ada is refused."""
    return (await gate.mail(ADA)).get("X-Sendgate-Reasons")


# ── the walk ──


async def test_out_seen_and_in_again_with_the_mouse(gate: RunningGate, tab: Tab) -> None:
    """A person opens the link, opts out, sees it, looks again, and comes back; every step is what a send meets."""
    await tab.open(url(gate))
    assert (await headline(tab), await why(gate)) == (mail("headlines.subscribed"), None)
    await tab.click(await tab.find("button", TEXTS["buttons.out"]))
    assert (await headline(tab), await why(gate)) == (mail("headlines.unsubscribed"), "opted_out_channel")
    await tab.open(url(gate))
    assert await headline(tab) == mail("headlines.unsubscribed")
    await tab.click(await tab.find("button", TEXTS["buttons.out_all"]))
    assert (await headline(tab), await why(gate)) == (mail("headlines.unsubscribed_all"), "opted_out")
    await tab.click(await tab.find("button", mail("buttons.in")))
    assert (await headline(tab), await why(gate)) == (mail("headlines.again"), None)


async def test_out_with_the_keyboard(gate: RunningGate, tab: Tab) -> None:
    """Tab leads through all there is in its order, each with a visible focus, and Enter opts out."""
    await tab.open(url(gate))
    met = []
    for _ in range(5):
        await tab.key("Tab", 9)
        node = await tab.focused()
        assert node is not None
        style = await tab.style(node.backend)
        assert (style["outline-style"], float(style["outline-width"].removesuffix("px")) >= 2) == ("solid", True)
        met.append(node.name)
    assert met == [TEXTS["buttons.out"], TEXTS["buttons.out_all"], "Deutsch", TEXTS["imprint"], TEXTS["privacy"]]
    await tab.open(url(gate))
    await tab.key("Tab", 9)
    await tab.key("Enter", 13, "\r", leads_on=True)
    assert (await headline(tab), await why(gate)) == (mail("headlines.unsubscribed"), "opted_out_channel")


async def test_another_language_is_kept(gate: RunningGate, tab: Tab) -> None:
    """Who chooses a language on the page goes on in it."""
    await tab.open(url(gate))
    await tab.click(await tab.find("link", "Deutsch"))
    german = built_in()["de"]
    await tab.click(await tab.find("button", german["buttons.out"]))
    assert await headline(tab) == german["headlines.unsubscribed"].replace("{channel}", german["channels.MAIL"])


async def test_nothing_is_blocked_and_nothing_is_kept(gate: RunningGate, tab: Tab) -> None:
    """The browser has nothing to complain about, applies the style and gets no cookie."""
    await tab.open(url(gate))
    button = await tab.find("button", TEXTS["buttons.out"])
    assert (await tab.style(button.backend))["background-color"] == "rgb(255, 204, 0)"
    await tab.click(button)
    assert [each for each in tab.said if "favicon" not in each and "404" not in each] == []
    assert (await tab.do("Storage.getCookies"))["cookies"] == []


# ── for everybody ──


Bring = Callable[[RunningGate], Awaitable[object]]
STATES: dict[str, Bring | None] = {
    State.SUBSCRIBED: None,
    State.UNSUBSCRIBED: lambda gate: gate.tell("Opt Out", "MAIL", email=ADA),
    State.UNSUBSCRIBED_ALL: lambda gate: gate.tell("Opt Out", email=ADA),
    State.BLOCKED: lambda gate: gate.tell("Blacklisted", email=ADA),
    "broken": None,
}


@pytest.mark.parametrize("state", STATES)
async def test_everybody_can_read_it(gate: RunningGate, tab: Tab, state: str) -> None:
    """Every page, on every screen, in light and dark, in each language, keeps the rules."""
    bring = STATES[state]
    if bring is not None:
        await bring(gate)
    for language in built_in():
        page = url(gate, f"?lang={language}")
        await tab.open(page.replace("/u/", "/u/-") if state == "broken" else page)
        for screen in (DESKTOP, PHONE, NARROW):
            for dark in (False, True):
                await tab.screen(*screen, dark=dark)
                assert await faults(tab, language) == [], (language, screen, dark)


async def faults(tab: Tab, language: str) -> list[str]:
    """Say in words which rules a page breaks."""
    document = await tab.document()
    nodes = await tab.nodes()
    found = [*_structure(document, nodes, language)]
    shown, there = await tab.width()
    if there > shown:
        found.append(f"1.4.10 reflow: {there} wide on {shown}")
    for node in nodes:
        if node.role in ("button", "link"):
            found += [fault async for fault in _control(tab, node)]
    return found + [fault async for fault in _contrast(tab, document)]


def _structure(document: dict[str, Any], nodes: list[chromium.Node], language: str) -> list[str]:
    elements: list[dict[str, Any]] = []
    chromium.walk(document, lambda node: elements.append(node) if node["nodeType"] == 1 else None)
    tags = [element["localName"] for element in elements]
    roles = [node.role for node in nodes]
    html = next(element for element in elements if element["localName"] == "html")
    viewport = next(each for each in elements if _attributes(each).get("name") == "viewport")
    title = next(node for node in nodes if node.role == "RootWebArea").name
    holds = {
        "3.1.1 language": _attributes(html).get("lang") == language,
        "2.4.2 title": title.endswith(f"– {BRAND['name']}") and len(title) > 20,
        "1.3.1 one h1": tags.count("h1") == 1,
        "1.3.1 headings in order": [tag for tag in tags if re.fullmatch("h[1-6]", tag)] == ["h1"],
        "1.3.1 landmarks": all(roles.count(role) == 1 for role in ("banner", "main", "navigation", "contentinfo")),
        "1.3.1 names of navigation": all(node.name for node in nodes if node.role == "navigation"),
        "4.1.2 forms have buttons": tags.count("form") == (1 if "button" in tags else 0),
        "1.4.4 zoom": "user-scalable" not in _attributes(viewport)["content"],
        "4.1.1 ids": "id" not in {name for element in elements for name in _attributes(element)},
        "3.1.2 language of parts": all(
            _attributes(element).get("lang") for element in elements if "hreflang" in _attributes(element)
        ),
    }
    return [rule for rule, kept in holds.items() if not kept]


async def _control(tab: Tab, node: chromium.Node) -> AsyncIterator[str]:
    if not node.name.strip():
        yield f"4.1.2 {node.role} without a name"
    model = (await tab.do("DOM.getBoxModel", backendNodeId=node.backend))["model"]
    if model["width"] < 24 or model["height"] < (44 if node.role == "button" else 24):
        yield f"2.5.8 size of {node.name}: {model['width']} × {model['height']}"


async def _contrast(tab: Tab, document: dict[str, Any]) -> AsyncIterator[str]:
    """Compare each text with what lies behind it, and each button's edge with the page."""
    for path in _texts(document):
        styles = [await tab.style(element["backendNodeId"]) for element in path]
        behind = next(style["background-color"] for style in reversed(styles) if _opaque(style["background-color"]))
        if _ratio(styles[-1]["color"], behind) < 4.5:
            yield f"1.4.3 contrast of {path[-1]['localName']}: {styles[-1]['color']} on {behind}"
        ground = next(style["background-color"] for style in styles if _opaque(style["background-color"]))
        if path[-1]["localName"] == "button" and _ratio(styles[-1]["border-top-color"], ground) < 3:
            yield f"1.4.11 edge of a button: {styles[-1]['border-top-color']} on {ground}"


def _texts(document: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Give the elements from the body down to each that holds text of its own."""
    found: list[list[dict[str, Any]]] = []

    def see(node: dict[str, Any], path: list[dict[str, Any]]) -> None:
        here = [*path, node] if node["nodeType"] == 1 and (path or node["localName"] == "body") else path
        for child in node.get("children", []):
            if child["nodeType"] == 3 and child["nodeValue"].strip() and here:
                found.append(here)
            see(child, here)

    see(document, [])
    assert found
    return found


def _attributes(element: dict[str, Any]) -> dict[str, str]:
    given = element.get("attributes", [])
    return dict(zip(given[::2], given[1::2], strict=True))


def _parts(colour: str) -> list[float]:
    return [float(part) for part in re.findall(r"[\d.]+", colour)]


def _opaque(colour: str) -> bool:
    parts = _parts(colour)
    return len(parts) == 3 or parts[3] == 1


def _ratio(one: str, other: str) -> float:
    lights = ["#{:02x}{:02x}{:02x}".format(*map(int, _parts(colour)[:3])) for colour in (one, other)]
    darker, lighter = sorted(map(relative_luminance, lights))
    return (lighter + 0.05) / (darker + 0.05)
