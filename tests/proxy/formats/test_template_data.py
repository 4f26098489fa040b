"""Names put into the data of stored templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats.template_data import Data, ListedData, NoData, WrittenData

NAME, URL = "unsubscribe_url", "https://gate.test/u/a"
OURS = {NAME: URL}


@pytest.mark.parametrize(
    ("owner", "above", "expected"),
    [
        pytest.param({}, {}, OURS, id="no data"),
        pytest.param({"data": None}, {}, OURS, id="null"),
        pytest.param({"data": {"a": {"b": 1}}}, {}, {"a": {"b": 1}, **OURS}, id="some"),
        pytest.param({}, {"data": {"a": 1}}, {"a": 1, **OURS}, id="that of all"),
        pytest.param({"data": {}}, {"data": {"a": 1}}, OURS, id="none in the place of that of all"),
        pytest.param({"data": {NAME: ""}}, {}, None, id="the name"),
        pytest.param({"data": {"UnsubscribeURL": 1}}, {}, None, id="a name like it"),
        pytest.param({}, {"data": {NAME: 1}}, None, id="the name in that of all"),
        pytest.param({"data": [1]}, {}, None, id="a list"),
        pytest.param({"data": "{}"}, {}, None, id="a text"),
    ],
)
def test_a_name_is_put_into_an_object(owner: dict[str, Any], above: dict[str, Any], expected: Any) -> None:
    """The object has the name besides, a copy of that for all where there was none; or all stays as it was."""
    before, shared = json.dumps(owner), json.dumps(above)
    assert Data(owner, "data", above).fill(NAME, URL) is (expected is not None)
    assert owner == ({"data": expected} if expected is not None else json.loads(before))
    assert above == json.loads(shared)


@pytest.mark.parametrize(
    ("text", "otherwise", "expected"),
    [
        pytest.param(None, None, json.dumps(OURS), id="no data"),
        pytest.param("", '{"a": 1}', json.dumps({"a": 1, **OURS}), id="that of all"),
        pytest.param('{"a": 1}', '{"b": 1}', json.dumps({"a": 1, **OURS}), id="its own"),
        pytest.param('{"a": 1.50, "b": 12345678901234567890}', None, None, id="numbers of any spelling"),
        pytest.param(f'{{"{NAME}": 1}}', None, "", id="the name"),
        pytest.param('{"a": 1, "a": 2}', None, "", id="two readings"),
        pytest.param("[]", None, "", id="a list"),
        pytest.param("{", None, "", id="no JSON"),
        pytest.param({"a": 1}, None, "", id="no text"),
        pytest.param('"\ud800"', None, "", id="half a letter"),
    ],
)
def test_a_name_is_put_into_a_text_of_json(text: Any, otherwise: Any, expected: str | None) -> None:
    """The text has the name besides, and numbers are spelled as they were; or it stays."""
    owner = {"data": text}
    done = WrittenData(owner, "data", otherwise).fill(NAME, URL)
    if expected is None:
        expected = f'{{"a":1.50,"b":12345678901234567890,"{NAME}":"{URL}"}}'
    assert done is bool(expected)
    assert owner["data"] == (expected.replace(": ", ":").replace(", ", ",") if done else text)


@pytest.mark.parametrize(
    ("owner", "beside", "done"),
    [
        pytest.param({}, [], True, id="no data"),
        pytest.param({"data": [{"name": "a", "content": 1}, 7]}, [{"name": "b"}], True, id="some"),
        pytest.param({"data": [{"name": "UNSUBSCRIBE_URL"}]}, [], False, id="the name"),
        pytest.param({}, [{"name": "Unsubscribe-Url"}], False, id="a name like it elsewhere"),
        pytest.param({"data": {"a": 1}}, [], False, id="an object"),
    ],
)
def test_a_name_is_put_into_a_list(owner: dict[str, Any], beside: list[Any], done: bool) -> None:  # noqa: FBT001 (the expected answer)
    """The list has the name at its end; or it stays."""
    before = owner.get("data") or []
    assert ListedData(owner, "data", beside).fill(NAME, URL) is done
    assert (owner.get("data") or []) == ([*before, {"name": NAME, "content": URL}] if done else before)


def test_what_several_people_share_has_no_link() -> None:
    """Data that one person alone cannot have takes no name."""
    assert NoData().fill(NAME, URL) is False


@given(data=st.dictionaries(st.text(), st.integers()))
def test_what_was_there_is_there(data: dict[str, int]) -> None:
    """Whatever the names are, all of them have their values afterwards."""
    owner: dict[str, Any] = {"data": data}
    if Data(owner, "data").fill(NAME, URL):
        assert owner["data"] == {**data, **OURS}
    else:
        assert owner["data"] is data
