"""Mailjet's paths to what its errors are about, and what becomes of them where a part of a send was taken out."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.formats.mailjet_paths import Translation, written


@pytest.mark.parametrize(
    ("place", "path"),
    [
        pytest.param("", "", id="all"),
        pytest.param("Messages.3", "Messages[3]", id="a message"),
        pytest.param("Messages.0.To.12", "Messages[0].To[12].Email", id="somebody in it"),
        pytest.param("To.1", "To[1].Email", id="somebody in one message"),
        pytest.param(
            "Globals.TemplateErrorReporting", "Globals.TemplateErrorReporting.Email", id="who is told of errors"
        ),
        pytest.param("Messages.0.Headers.2x", "Messages[0].Headers.2x", id="a name that begins with a number"),
    ],
)
def test_a_place_is_written_as_mailjet_names_it(place: str, path: str) -> None:
    """Indexes stand in brackets, and a person is named by their address."""
    assert written(place) == path


def people(index: int, *places: int) -> dict[str, dict[str, str]]:
    """Give the envelope of a message to so many."""
    return {"To": {f"Messages.{index}.To.{number}": "ada@example.com" for number in places}}


# Of four messages to three each, the second fell, and of the third the first two addressees are gone.
MESSAGES = tuple(people(index, 0, 1, 2) for index in range(4))
GONE = frozenset({*MESSAGES[1]["To"], "Messages.2.To.0", "Messages.2.To.1"})
TRANSLATION = Translation(
    MESSAGES, {"Cc": {"Globals.Cc.0": "x", "Globals.Cc.1": "y"}}, (0, 2, 3), GONE | {"Globals.Cc.0"}
)


@pytest.mark.parametrize(
    ("told", "index", "path"),
    [
        pytest.param("Messages[0].To[1].Email", None, "Messages[0].To[1].Email", id="before what is gone"),
        pytest.param("Messages[1].To[0].Email", None, "Messages[2].To[2].Email", id="behind both"),
        pytest.param("Messages[2].TextPart", None, "Messages[3].TextPart", id="behind a message"),
        pytest.param("Messages.1", None, "Messages.2", id="with points"),
        pytest.param("To[0].Email", 2, "To[2].Email", id="in an error of a message"),
        pytest.param("Globals.Cc[0].Email", None, "Globals.Cc[1].Email", id="what all share"),
        pytest.param("Messages[7].To[0]", None, "Messages[7].To[0]", id="a message that there is not"),
        pytest.param("Subject", 0, "Subject", id="nobody"),
        pytest.param(7, None, 7, id="no path"),
    ],
)
def test_an_error_names_what_the_sender_wrote(told: Any, index: int | None, path: Any) -> None:
    """A path in what Mailjet got becomes the one to the same spot in what the sender wrote."""
    error = {"ErrorRelatedTo": [told], "ErrorCode": "mj-0013"}
    TRANSLATION.rename(error, index)
    assert error == {"ErrorRelatedTo": [path], "ErrorCode": "mj-0013"}


@pytest.mark.parametrize("error", [{}, {"ErrorRelatedTo": None}, {"ErrorRelatedTo": "To[0]"}], ids=str)
def test_an_error_about_nothing_stays(error: dict[str, Any]) -> None:
    """Where no list of paths stands, nothing is changed."""
    TRANSLATION.rename(told := dict(error))
    assert told == error
