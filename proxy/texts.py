"""The texts of the recipients' page, by language: those that come with the program, with the operator's own over them.

A file may change some texts of a language that there is; one of another language has them all. Texts are looked up by
their path in the file (`headlines.subscribed`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from proxy.config import Config
from proxy.crosschecks import Clash
from proxy.faults import Place
from proxy.references import ReadFile

Texts = Mapping[str, str]

FOLDER: Final = files("proxy") / "pages"
PLACES: Final = frozenset({"channel", "address"})  # what may stand in braces
_PLACE: Final = re.compile(r"\{(\w*)\}")
_LARGEST: Final = 256 * 1024  # bytes of a file
_MOST_WANTED: Final = 20  # languages that one browser may ask for


class BadTexts(Exception):
    """A file of texts cannot be used; the message says why without any text of it."""

    def __init__(self, place: Place, says: str) -> None:
        super().__init__(says)
        self.place = place


@cache
def built_in() -> Mapping[str, Texts]:
    """Give the texts that come with the program, by language."""
    found = (file for file in FOLDER.iterdir() if file.name.endswith(".toml"))
    return {file.name.removesuffix(".toml"): _flat(tomllib.loads(file.read_text("utf-8"))) for file in found}


def load(config: Config, read_file: ReadFile) -> Mapping[str, Texts]:
    """Give the texts of every language, the configuration's first choice in front; raises BadTexts."""
    found = dict(built_in())
    for language, path in config.unsubscribe.texts.items():
        place = ("unsubscribe", "texts", language)
        try:
            content = read_file(path)
        except OSError as error:
            raise BadTexts(place, f"cannot be read: {error.strerror or 'input/output error'}") from None
        found[language] = _whole({**found.get(language, {}), **_own(content, place)}, place)
    first = config.unsubscribe.language
    if first not in found:
        there_are = ", ".join(sorted(found))
        raise BadTexts(("unsubscribe", "language"), f"must be a language that has texts; there are: {there_are}")
    return {first: found[first], **{language: found[language] for language in sorted(found)}}


def text_clashes(config: Config, read_file: ReadFile) -> Iterator[Clash]:
    """Tell which files of texts cannot be used; every file goes through `read_file`, so that it is watched."""
    try:
        load(config, read_file)
    except BadTexts as bad:
        yield Clash(bad.place, str(bad), (("unsubscribe",),))


def filled(text: str, **values: str) -> str:
    """Put values into the places of a text."""
    return _PLACE.sub(lambda place: values.get(place[1], ""), text)


def chosen(languages: Collection[str], asked: str, accepted: str) -> str:
    """Choose the language of a page, of several with the first one in front.

    1. The one asked for by name, 2. the one that the browser likes best (RFC 9110, section 12.5.4), 3. the first.
    """
    wanted = [asked.strip().lower(), *_by_liking(accepted)]
    known = (language for language in (want.partition("-")[0] for want in wanted) if language in languages)
    return next(known, next(iter(languages)))


def _by_liking(accepted: str) -> list[str]:
    liked = []
    for entry in accepted.split(",")[:_MOST_WANTED]:
        name, _, weight = entry.partition(";")
        found = re.fullmatch(r"\s*q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)\s*", weight)
        liking = float(found[1]) if found else 1.0
        if liking:
            liked.append((-liking, name.strip().lower()))
    return [name for _, name in sorted(liked, key=lambda each: each[0])]


# One file


def _own(content: bytes, place: Place) -> Texts:
    if len(content) > _LARGEST:
        raise BadTexts(place, f"is too large: more than {_LARGEST} bytes")
    try:
        read = tomllib.loads(content.decode())
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line \d+", str(error))
        raise BadTexts(place, f"is no TOML{f' at {line[0]}' if line else ''}") from None
    except UnicodeDecodeError:
        raise BadTexts(place, "is not UTF-8 text") from None
    texts = _flat(read)
    strange = [key for key in texts if key not in built_in()["en"]]
    if strange or any(not isinstance(text, str) for text in texts.values()):
        raise BadTexts(
            place, "holds a text that the page does not have, or one that is no text: see proxy/pages/en.toml"
        )
    if any(set(_PLACE.findall(text)) - PLACES for text in texts.values()):
        raise BadTexts(place, "has something else in braces than {channel} or {address}")
    return texts


def _whole(texts: Texts, place: Place) -> Texts:
    missing = sorted(built_in()["en"].keys() - texts.keys())
    if missing:
        raise BadTexts(place, f"is a language of its own and lacks texts: {', '.join(missing)}")
    return texts


def _flat(tree: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return flat
