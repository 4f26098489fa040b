"""Tests for what several providers' webhooks have in common."""

from __future__ import annotations

import pytest

from proxy.hooks.base import says_stop


@pytest.mark.parametrize(
    "told",
    [
        *("STOP", " stop. ", "Stop!!", "“STOP”", "stop all", "STOPALL", "Opt-out", "opt out", "OPTOUT", "Unsubscribe"),
        *(
            "End",
            "QUIT",
            "Cancel",
            "Arrêt",
            "ARRETE",
            "No más",
            "STOP texting me",
            "stop, please",
            "\uff33\uff34\uff2fp",
        ),
    ],
)
def test_what_ends_texts(told: str) -> None:
    """The documented words end texts, in any spelling, and the plainest of them whatever follows."""
    assert says_stop(told)


@pytest.mark.parametrize(
    "told", ["", "?", "yes", "START", "When do you stop?", "the end", "Can't stop", "remove this?"]
)
def test_what_ends_no_texts(told: str) -> None:
    """An answer that only holds such a word somewhere ends nothing."""
    assert not says_stop(told)
