"""The page that recipients see: one template and its parts, in the texts of a language, under the brand of a gate.

Every value is escaped as it goes into a template; only what came out of one goes in as it is. The page needs no script,
sets no cookie, loads nothing but the brand's logo, and says so to the browser: the one style in it is allowed by its
hash, and nothing else at all.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from string import Template
from types import MappingProxyType
from typing import Final

from policy.model import Channel
from proxy.branding import Brand
from proxy.clicks import Action, State
from proxy.texts import FOLDER, Texts, filled

FAILURES: Final = ("broken", "expired", "limited", "unavailable")
_PART: Final = re.compile(r"<!-- part: (\w+) -->\n")

# Which buttons a state has, in their order.
BUTTONS: Final[Mapping[State, tuple[Action, ...]]] = MappingProxyType(
    {
        State.SUBSCRIBED: (Action.OUT, Action.OUT_ALL),
        State.UNSUBSCRIBED: (Action.IN, Action.OUT_ALL),
        State.UNSUBSCRIBED_ALL: (Action.IN,),
        State.BLOCKED: (),
    }
)


class Html(str):
    """A text that is HTML already."""

    __slots__ = ()


class Pages:
    """The pages of one configuration, in every language, and the headers they go out with."""

    def __init__(self, brand: Brand, texts: Mapping[str, Texts]) -> None:
        self._name = brand.name
        self._texts = texts
        self._style = Html(_template("style.css").substitute(colour=brand.colour, on_colour=readable_on(brand.colour)))
        self._header = _header(brand)
        self._footers = {language: _footer(brand, texts, language) for language in texts}
        self.headers: Mapping[str, str] = MappingProxyType(_headers(self._style, brand.logo))

    @property
    def languages(self) -> Iterable[str]:
        """The languages there are, the first choice in front."""
        return self._texts.keys()

    def standing(self, language: str, state: State, channel: Channel, address: str, said: Action) -> bytes:
        """Write the page that shows what holds for a masked address, after what was said."""
        texts = self._texts[language]
        values = {"channel": texts[f"channels.{channel}"], "address": address}
        came_back = said is Action.IN and state is State.SUBSCRIBED
        stuck = said is Action.IN and not came_back
        headline = filled(texts[f"headlines.{'again' if came_back else state}"], **values)
        told = [filled(texts[f"{where}.{state}"], **values) for where in ("says", "notes")]
        offered = [action for action in BUTTONS[state] if not (stuck and action is Action.IN)]
        labels = {action: filled(texts[f"buttons.{action}"], **values) for action in offered}
        status = "" if said is Action.SHOW else "stuck" if stuck else "saved"
        return self._page(language, headline, told[: 1 if stuck else 2], status, _form(labels))

    def failure(self, language: str, kind: str) -> bytes:
        """Write the page that says why nothing was done; one of FAILURES."""
        texts = self._texts[language]
        return self._page(language, texts[f"failures.{kind}.headline"], [texts[f"failures.{kind}.says"]])

    def _page(self, language: str, headline: str, told: Iterable[str], status: str = "", form: str = "") -> bytes:
        page = _written(
            _template("page.html"),
            language=language,
            title=f"{headline} – {self._name}" if self._name else headline,
            style=self._style,
            header=self._header,
            status=_part("status", kind=status, text=self._texts[language][status]) if status else "",
            headline=headline,
            paragraphs=_joined(_part("paragraph", text=text) for text in told if text),
            form=form,
            footer=self._footers[language],
        )
        return page.encode()


def readable_on(colour: str) -> str:
    """Give white or black, whichever reads better on a colour: one always has a contrast over 4.5 (WCAG 1.4.3)."""
    luminance = relative_luminance(colour)
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def relative_luminance(colour: str) -> float:
    """Give the relative luminance of #rrggbb, as WCAG 2.2 defines it."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _headers(style: str, logo: str) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    allowed = [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        f"img-src {re.split('[?#]', logo)[0]}" if logo else "",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(filter(None, allowed)),
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Language",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }


# Parts


def _header(brand: Brand) -> str:
    if brand.logo:
        return _part("header", brand=_part("logo", source=brand.logo, name=brand.name))
    return _part("header", brand=_part("name", name=brand.name)) if brand.name else ""


def _footer(brand: Brand, texts: Mapping[str, Texts], current: str) -> str:
    own = texts[current]
    languages = [
        _part("current" if language == current else "language", language=language, text=each["language"])
        for language, each in sorted(texts.items())
    ]
    links = [
        _part("link", target=target, text=own[name])
        for name, target in (("imprint", brand.imprint), ("privacy", brand.privacy))
        if target
    ]
    shown = [_part("languages", label=own["languages"], links=_joined(languages))]
    return _joined([*shown, _part("links", links=_joined(links))] if links else shown)


def _form(labels: Mapping[Action, str]) -> str:
    """Write the buttons of a state; no form where there is nothing to choose.

    The one that stands out is the one that people come for; nobody is led to come back.
    """
    buttons = [
        _part("button", kind="first" if action is Action.OUT else "plain", action=action, text=text)
        for action, text in labels.items()
    ]
    return _part("form", buttons=_joined(buttons)) if buttons else ""


def _joined(parts: Iterable[str]) -> Html:
    return Html("".join(parts))


def _part(part: str, /, **values: str) -> Html:
    return _written(_parts()[part], **values)


def _written(template: Template, **values: str) -> Html:
    """Put values into a template, escaped unless they are HTML already."""
    escaped = {key: value if isinstance(value, Html) else escape(value) for key, value in values.items()}
    return Html(template.substitute(escaped))


@cache
def _parts() -> Mapping[str, Template]:
    _, *rest = _PART.split((FOLDER / "parts.html").read_text("utf-8"))
    return {name: Template(text) for name, text in zip(rest[::2], rest[1::2], strict=True)}


@cache
def _template(name: str) -> Template:
    return Template((FOLDER / name).read_text("utf-8"))
