"""Markers: what may tell the message class, read from the fields of a send."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.formats import markers


@pytest.mark.parametrize(
    ("owner", "told"),
    [
        pytest.param({"tag": "receipt"}, {"x.tag": ("receipt",)}, id="a text"),
        pytest.param({"tag": 7}, {"x.tag": ("7",)}, id="a number"),
        pytest.param({"tag": ["a", 7, "", True, 1.5, None, {}]}, {"x.tag": ("a", "7")}, id="an array"),
        pytest.param({"tag": ""}, {}, id="an empty text"),
        pytest.param({"tag": True}, {}, id="a truth"),
        pytest.param({"tag": None}, {}, id="null"),
        pytest.param({"other": "receipt"}, {}, id="another key"),
        pytest.param(["tag"], {}, id="no object"),
        pytest.param(None, {}, id="nothing"),
    ],
)
def test_markers_are_texts_and_whole_numbers(owner: Any, told: dict[str, tuple[str, ...]]) -> None:
    """A key gives the texts and whole numbers under it, one or several, and nothing else."""
    assert markers.of(owner, "tag", prefix="x.") == told


def test_only_what_all_messages_say_is_common() -> None:
    """A marker that one message lacks or has with another value is none of the whole send."""
    one, two = {"a": ("1",), "b": ("2",), "c": ("3",)}, {"a": ("1",), "b": ("2", "3")}
    assert markers.common([one]) == one
    assert markers.common([one, two]) == {"a": ("1",)}
