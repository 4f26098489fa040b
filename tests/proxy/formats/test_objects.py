"""Objects with documented keys, and keys that only look like them."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.formats import objects
from proxy.formats.objects import Shape
from proxy.providers.base import Unreadable

MESSAGE = Shape(frozenset({"To", "Subject", "Tag"}), frozenset({"To", "Cc", "SendAt"}))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"To": 1, "Subject": 2, "Tag": 3}, id="documented keys"),
        pytest.param({"To": 1, "X": 2, "Topic": 3, "Bcc": 4}, id="keys that look like nothing of importance"),
        pytest.param({"subject": 1, "tag": 2}, id="keys that look like documented ones that decide nothing"),
    ],
)
def test_an_object_passes(value: dict[str, Any]) -> None:
    """Documented keys pass, and so do unknown ones that nobody takes for one that decides."""
    assert MESSAGE.check(value, "Messages.0") is value


LOOKALIKES = ("to", " To", "TO_", "to[]", "Cc", "cc", "send_at", "ｔｏ")
NO_OBJECTS: tuple[Any, ...] = (None, [], "To", 1, True)


@pytest.mark.parametrize("value", [*({name: 1} for name in LOOKALIKES), *NO_OBJECTS], ids=repr)
def test_anything_else_is_unreadable(value: Any) -> None:
    """A key that only looks like a deciding one is refused, and so is what is no object."""
    with pytest.raises(Unreadable) as refused:
        MESSAGE.check(value, "Messages.0")
    assert refused.value.place == "Messages.0"


def test_keys_are_read_by_their_kind() -> None:
    """An array may be absent, a text may not, and each fault names its spot."""
    owner = {"a": [1], "t": "x"}
    assert (objects.array(owner, "a", ""), objects.array(owner, "b", "")) == ([1], [])
    assert objects.text(owner, "t", "") == "x"
    for read, name in ((objects.array, "t"), (objects.text, "a"), (objects.text, "b")):
        with pytest.raises(Unreadable) as refused:
            read(owner, name, "Messages.0")
        assert refused.value.place == f"Messages.0.{name}"


def test_strings_are_found_wherever_they_stand() -> None:
    """All texts of a tree are found, keys among them."""
    assert sorted(objects.strings({"a": ["b", {"c": "d"}, 1, None], "e": {"f": []}})) == ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize("value", ["a\r", "\na", "a\0", ["x", "a\n"], {"a\n": 1}, {"x": [{"y": "a\r\n"}]}])
def test_breaks_are_refused(value: Any) -> None:
    """A line break or NUL is refused in whatever becomes a header."""
    with pytest.raises(Unreadable) as refused:
        objects.refuse_breaks({"Subject": value}, "Subject", "")
    assert refused.value.place == "Subject"


@pytest.mark.parametrize("value", ["", "a b\t", [], {"x": 1}, None])
def test_what_has_no_breaks_passes(value: Any) -> None:
    """Anything else may become a header."""
    objects.refuse_breaks({"Subject": value}, "Subject", "")


@pytest.mark.parametrize(
    ("owner", "told"),
    [
        pytest.param({}, [], id="an absent key"),
        pytest.param({"to": "a"}, [("x.to", "a")], id="one text"),
        pytest.param({"to": ""}, [("x.to", "")], id="an empty text"),
        pytest.param({"to": ["a", ""]}, [("x.to.0", "a"), ("x.to.1", "")], id="an array"),
    ],
)
def test_one_text_or_an_array_of_them_is_read(owner: dict[str, Any], told: list[tuple[str, str]]) -> None:
    """One text stands at the place of its key, those of an array at their indexes."""
    assert list(objects.texts(owner, "to", "x")) == told


@pytest.mark.parametrize(("value", "place"), [(None, "to"), (7, "to"), ({}, "to"), (["a", 7], "to.1")])
def test_what_is_neither_text_nor_array_of_texts_is_unreadable(value: Any, place: str) -> None:
    """Anything else is told by its place."""
    with pytest.raises(Unreadable) as refused:
        list(objects.texts({"to": value}, "to", ""))
    assert refused.value.place == place
