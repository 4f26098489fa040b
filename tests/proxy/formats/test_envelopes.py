"""Who gets one message, and a message without some of them."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.formats import envelopes
from proxy.formats.objects import Shape
from proxy.providers.base import Unreadable

PERSON = Shape(frozenset({"Email", "Name"}), frozenset({"Email"}))
KEYS = ("Email", "Name")
MESSAGE: dict[str, Any] = {
    "To": [{"Email": "a@x.io", "Name": "A"}, {"Email": "b@x.io", "Name": None}],
    "Cc": 'C <c@x.io>, "D, E" <d@x.io>',
    "Bcc": None,
    "Error": {"Email": "e@x.io"},
}


def envelope() -> envelopes.Envelope:
    """Give the envelope of the message."""
    return {
        "To": envelopes.of_objects(MESSAGE, "To", "M.0", PERSON, KEYS),
        "Cc": envelopes.of_text(MESSAGE, "Cc", "M.0"),
        "Error": {"M.0.Error": envelopes.of_object(MESSAGE["Error"], "M.0.Error", PERSON, KEYS)},
    }


def test_everybody_has_a_place() -> None:
    """Objects and texts give their addresses by place; what is absent or null gives none."""
    assert envelope() == {
        "To": {"M.0.To.0": "a@x.io", "M.0.To.1": "b@x.io"},
        "Cc": {"M.0.Cc.0": "c@x.io", "M.0.Cc.1": "d@x.io"},
        "Error": {"M.0.Error": "e@x.io"},
    }
    assert envelopes.of_objects(MESSAGE, "Bcc", "", PERSON, KEYS) == {}
    assert envelopes.of_text(MESSAGE, "Bcc", "") == envelopes.of_text({}, "Cc", "") == {}


def test_somebody_is_taken_out_and_the_rest_stays() -> None:
    """Each list loses the people at the places alone, and a key goes with its last; the message itself is left."""
    places = frozenset({"M.0.To.0", "M.0.Cc.1", "M.0.Error"})
    left = envelopes.without(MESSAGE, envelope(), places)
    assert left == {"To": [{"Email": "b@x.io", "Name": None}], "Cc": "C <c@x.io>", "Bcc": None}
    assert envelopes.without(MESSAGE, envelope(), frozenset()) == MESSAGE


@pytest.mark.parametrize(
    ("read", "value", "place"),
    [
        pytest.param(envelopes.of_objects, {"Email": "a@x.io"}, "To", id="an object where a list stands"),
        pytest.param(envelopes.of_objects, ["a@x.io"], "To.0", id="a text where an object stands"),
        pytest.param(envelopes.of_objects, [{"email": "a@x.io"}], "To.0", id="another case"),
        pytest.param(envelopes.of_objects, [{"Name": "A"}], "To.0.Email", id="no address"),
        pytest.param(envelopes.of_objects, [{"Email": "a@x.io", "Name": "A\n"}], "To.0.Name", id="a line break"),
        pytest.param(envelopes.of_text, ["a@x.io"], "To", id="a list where a text stands"),
        pytest.param(envelopes.of_text, "a@x.io; b@x.io", "To", id="a list that is none"),
    ],
)
def test_anything_else_is_unreadable(read: Any, value: Any, place: str) -> None:
    """What is not of the form is refused at its spot."""
    more = (PERSON, KEYS) if read is envelopes.of_objects else ()
    with pytest.raises(Unreadable) as refused:
        read({"To": value}, "To", "", *more)
    assert refused.value.place == place
