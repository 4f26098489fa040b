"""The vocabulary is whole: every word has a kind and a direction, and is told under its own name."""

from __future__ import annotations

import pytest

from policy.events import KIND, SUPPRESSES, Kind, Subject, Told, Word


def test_every_word_has_a_kind_and_a_direction() -> None:
    """Each kind has one word that suppresses and one that releases."""
    assert set(KIND) == set(SUPPRESSES) == set(Word)
    for kind in Kind:
        assert sorted(SUPPRESSES[word] for word in Word if KIND[word] is kind) == [False, True]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        pytest.param("STOP", Word.OPT_OUT, id="a word under another name"),
        pytest.param("Blacklisted", None, id="a word that would have no effect"),
        pytest.param("Blacklisted", Word.WHITELISTED, id="a word under another's name"),
    ],
)
def test_a_word_goes_by_its_own_name(name: str, word: Word | None) -> None:
    """An event whose word the journal could not tell again cannot be made."""
    with pytest.raises(ValueError, match="its own name"):
        Told(Subject(id="1"), name, word, "event")
