"""What config.yaml says of the recipients' door: keys of links, and the brand, language and texts of the page."""

from __future__ import annotations

from proxy.sections import Node, Positive, option
from proxy.units import FrozenMap
from proxy.values import Colour, FilePath, Language, LinkKey, PageUrl, Text


class Brand(Node):
    """Whose page it is that recipients see."""

    name: Text = option("", "who sends: shown above the page and in its title")
    logo: PageUrl = option("", "a picture in place of the name, https")
    colour: Colour = option("1f4e8c", "of the button, as rrggbb; what is written on it is white or black as reads best")
    imprint: PageUrl = option("", "where the imprint is, linked below")
    privacy: PageUrl = option("", "where the privacy notice is, linked below")


class Unsubscribe(Node):
    """The recipients' door: the links in messages, and the page behind them."""

    keys: tuple[LinkKey, ...] = option(
        (), "secrets of the links: the first makes them, all verify; an old one stays for 60 days at the least"
    )
    brand: Brand = option({}, "whose page it is")
    language: Language = option("en", "of the page, where a browser asks for none that there is")
    texts: FrozenMap[Language, FilePath] = option({}, "files (TOML) with other texts, or other languages, by language")
    rate_limit: Positive = option(20, "requests a second from one client; an opt-out that is news is never limited")
