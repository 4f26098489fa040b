"""The page: every state in every language, nothing in it that is not escaped, and headers that allow nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from fnmatch import fnmatch
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model import DISPATCHED, Channel
from proxy.branding import Brand
from proxy.clicks import Action, State
from proxy.rendering import BUTTONS, FAILURES, Pages, readable_on, relative_luminance
from proxy.texts import built_in

ROOT = Path(__file__).parents[2]
BRAND = Brand.model_validate(
    {"name": "Tom & <b>Co</b>", "imprint": "https://x.example/i?a=1&b=2", "privacy": "https://x.example/p"}
)
PAGES = Pages(BRAND, built_in())
ADDRESS = "a***@example.com"
VOID = {"meta", "img", "link", "br"}


class Reader(HTMLParser):
    """Reads a page and makes sure that every element is closed where it ought to be."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Give the attributes of every such element."""
        return [attributes for name, attributes in self.tags if name == tag]


def standing(state: State, said: Action = Action.SHOW, language: str = "en", channel: Channel = Channel.MAIL) -> Reader:
    """Read the page of a state."""
    return Reader(PAGES.standing(language, state, channel, ADDRESS, said))


@pytest.mark.parametrize(
    ("state", "language", "channel"),
    [pytest.param(*each, id=" ".join(each)) for each in product(State, built_in(), DISPATCHED)],
)
def test_every_state_is_shown(state: State, language: str, channel: Channel) -> None:
    """Each page names the address, has the buttons of its state, and leaves no place of a text open."""
    page = standing(state, language=language, channel=channel)
    assert ADDRESS in page.text
    assert [button["value"] for button in page.all("button")] == list(BUTTONS[state])
    assert page.all("html") == [{"lang": language}]
    assert not re.search(r"[{}$]", page.text)


@pytest.mark.parametrize(
    ("kind", "language"), [pytest.param(*each, id=" ".join(each)) for each in product(FAILURES, built_in())]
)
def test_every_failure_is_shown(kind: str, language: str) -> None:
    """A failure has a headline and a sentence, and nothing to press."""
    page = Reader(PAGES.failure(language, kind))
    assert built_in()[language][f"failures.{kind}.says"] in page.text
    assert (len(page.all("h1")), page.all("button"), page.all("form")) == (1, [], [])


@pytest.mark.parametrize(
    ("state", "said", "status"),
    [
        pytest.param(State.SUBSCRIBED, Action.SHOW, None, id="looked at"),
        pytest.param(State.UNSUBSCRIBED, Action.OUT, "saved", id="out"),
        pytest.param(State.SUBSCRIBED, Action.IN, "saved", id="in"),
        pytest.param(State.UNSUBSCRIBED_ALL, Action.IN, "stuck", id="in, and somebody else's no holds"),
        pytest.param(State.BLOCKED, Action.IN, "stuck", id="in, and blacklisted"),
        pytest.param(State.BLOCKED, Action.OUT, "saved", id="out, and blacklisted"),
    ],
)
def test_what_was_said_is_told_back(state: State, said: Action, status: str | None) -> None:
    """After a click the page says whether it did what was asked."""
    page = standing(state, said)
    assert [each for each in ("saved", "stuck") if built_in()["en"][each] in page.text] == ([status] if status else [])
    assert bool([each for _, each in page.tags if each.get("role") == "status"]) is (status is not None)
    assert status != "stuck" or Action.IN not in [button["value"] for button in page.all("button")]


# ── nothing gets in ──


def test_the_brand_is_escaped() -> None:
    """A name is text, wherever it stands."""
    raw = PAGES.standing("en", State.SUBSCRIBED, Channel.MAIL, ADDRESS, Action.SHOW).decode()
    assert raw.count("Tom &amp; &lt;b&gt;Co&lt;/b&gt;") == 2
    assert "https://x.example/i?a=1&amp;b=2" in raw


@given(st.text(max_size=40))
def test_an_address_is_text(address: str) -> None:
    """Whatever an address holds, it stands in the page as text and opens nothing."""
    plain = Reader(PAGES.standing("en", State.SUBSCRIBED, Channel.MAIL, "", Action.SHOW))
    page = Reader(PAGES.standing("en", State.SUBSCRIBED, Channel.MAIL, address, Action.SHOW))
    assert page.tags == plain.tags


# ── what the browser is told ──


def test_the_style_is_allowed_by_its_hash() -> None:
    """The one style of every page is the one whose hash the policy names."""
    for page in (PAGES.failure("de", "broken"), PAGES.standing("en", State.BLOCKED, Channel.SMS, "", Action.SHOW)):
        (style,) = re.findall(r"<style>(.*?)</style>", page.decode(), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in PAGES.headers["Content-Security-Policy"]


def test_nothing_else_is_allowed() -> None:
    """No script, no frame, no cookie, no picture, no referrer, no store and no index; forms go to the page itself."""
    policy = dict(part.partition(" ")[::2] for part in PAGES.headers["Content-Security-Policy"].split("; "))
    style = policy.pop("style-src")
    assert policy == {
        "default-src": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", style)
    others = {name: value for name, value in PAGES.headers.items() if name != "Content-Security-Policy"}
    assert others == {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Language",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }


def test_a_logo_is_the_one_picture() -> None:
    """With a logo its URL alone is allowed, and its words are the name."""
    brand = Brand.model_validate({"name": "Shop", "logo": "https://cdn.example/logo.png?v=2"})
    pages = Pages(brand, built_in())
    assert "; img-src https://cdn.example/logo.png; " in pages.headers["Content-Security-Policy"]
    page = Reader(pages.failure("en", "broken"))
    assert page.all("img") == [{"src": "https://cdn.example/logo.png?v=2", "alt": "Shop"}]


def test_a_page_holds_no_script_and_loads_nothing() -> None:
    """There is no script, no handler and no style of an element, and nothing is fetched for it."""
    page = standing(State.SUBSCRIBED, Action.IN)
    assert {tag for tag, _ in page.tags} & {"script", "iframe", "img", "link", "object", "base"} == set()
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]


# ── colours ──


@given(st.integers(0, 0xFFFFFF).map("#{:06x}".format))
def test_what_stands_on_the_brands_colour_can_be_read(colour: str) -> None:
    """Whichever colour a brand has, its button has a contrast of 4.5 to 1 at the least."""
    lighter, darker = sorted((relative_luminance(colour), relative_luminance(readable_on(colour))), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


# ── what is installed ──


def test_the_pages_are_installed() -> None:
    """Every file of the page is among the package's data, so that an installed gate has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["proxy"]
    files = [path.relative_to(ROOT / "proxy").as_posix() for path in (ROOT / "proxy" / "pages").iterdir()]
    assert files
    assert [file for file in files if not any(fnmatch(file, pattern) for pattern in patterns)] == []
