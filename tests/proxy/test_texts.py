"""The page's texts: every language has them all, a file may change them, and a browser gets the one it likes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Config
from proxy.texts import PLACES, BadTexts, Texts, built_in, chosen, filled, load

LANGUAGES = ("en", "de", "fr")


def loaded(files: Mapping[str, str], language: str = "en") -> Mapping[str, Texts]:
    """Load texts with files of one's own, by language."""
    settings = {"language": language, "texts": {name: f"{name}.toml" for name in files}}
    config = Config.model_validate({"unsubscribe": settings})
    return load(config, lambda path: files[path.stem].encode())


# ── what comes with the program ──


def test_every_language_has_every_text() -> None:
    """The languages that come with the program say the same things, and all there are."""
    texts = built_in()
    assert sorted(texts) == ["de", "en"]
    assert texts["de"].keys() == texts["en"].keys()


@pytest.mark.parametrize("language", built_in())
def test_every_text_is_one(language: str) -> None:
    """Each text has only places that are filled, and is not empty unless it is a note."""
    for key, text in built_in()[language].items():
        assert set(re.findall(r"\{(.*?)\}", text)) <= PLACES
        assert text.strip() or key.startswith("notes.")


def test_the_same_places_in_every_language() -> None:
    """Where one language names the channel or the address, the others do."""
    texts = built_in()
    assert {key for key, text in texts["en"].items() if "{address}" in text} == {
        key for key, text in texts["de"].items() if "{address}" in text
    }


# ── files of one's own ──


def test_a_file_changes_single_texts() -> None:
    """What a file says stands in place of the program's text, and everything else stays."""
    texts = loaded({"de": 'saved = "Erledigt."'})["de"]
    assert texts == {**built_in()["de"], "saved": "Erledigt."}


def test_a_language_of_its_own() -> None:
    """A file with all texts is one more language, and the configuration's first choice stands in front."""
    whole = Path("proxy/pages/en.toml").read_text().replace("English", "Français")
    texts = loaded({"fr": whole}, language="fr")
    assert list(texts) == ["fr", "de", "en"]
    assert texts["fr"]["language"] == "Français"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param({"de": 'saved = "x"\nsaved\n'}, "is no TOML at line 2", id="no TOML"),
        pytest.param({"de": "saved = "}, "is no TOML", id="no TOML up to its end"),
        pytest.param({"de": 'saved = "x"\nsaved = "y"'}, "is no TOML", id="a text twice"),
        pytest.param({"de": "#" * 300_000}, "is too large", id="without end"),
        pytest.param({"de": 'safed = "x"'}, "does not have", id="a text that there is not"),
        pytest.param({"de": "saved = 1"}, "is no text", id="a number"),
        pytest.param({"de": 'saved = "{name}"'}, "in braces", id="a place that there is not"),
        pytest.param({"fr": 'saved = "Fait."'}, "lacks texts: buttons.in", id="a language by halves"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(files: Mapping[str, str], says: str) -> None:
    """What is wrong with a file is said in words, without any text of it."""
    with pytest.raises(BadTexts, match=says) as caught:
        loaded(files)
    assert caught.value.place == ("unsubscribe", "texts", *files)


def test_a_first_choice_that_there_is_not() -> None:
    """A language without texts cannot be the first choice."""
    with pytest.raises(BadTexts, match="there are: de, en"):
        loaded({}, language="fr")


def test_a_place_is_filled_once() -> None:
    """What is put in is not looked at again: an address that looks like a place stays one."""
    assert filled("{address} and {channel}", address="{channel}", channel="SMS") == "{channel} and SMS"


# ── which language ──


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        pytest.param("", "", "en", id="nothing is asked for"),
        pytest.param("", "de", "de", id="the browser's"),
        pytest.param("", "de-AT", "de", id="of a country"),
        pytest.param("", "DE-at", "de", id="in capitals"),
        pytest.param("", "es, fr;q=0.9, de;q=0.8", "fr", id="the first that there is"),
        pytest.param("", "de;q=0.5,fr;q=0.7", "fr", id="the best liked"),
        pytest.param("", "de;q=0, fr;q=0.1", "fr", id="not wanted at all"),
        pytest.param("", "es", "en", id="none that there is"),
        pytest.param("", "*", "en", id="any"),
        pytest.param("", "fr;q=x, de;q=0.9", "fr", id="a weight that is none"),
        pytest.param("de", "fr", "de", id="asked for by name"),
        pytest.param("xx", "fr", "fr", id="a name that there is not"),
    ],
)
def test_which_language(asked: str, accepted: str, language: str) -> None:
    """What is asked for by name goes before the browser's liking, and that before the first choice."""
    assert chosen(LANGUAGES, asked, accepted) == language


@given(st.text(max_size=50), st.text(max_size=200))
def test_there_is_always_a_language(asked: str, accepted: str) -> None:
    """Whatever is asked for, it ends in a language that there is."""
    assert chosen(LANGUAGES, asked, accepted) in LANGUAGES
