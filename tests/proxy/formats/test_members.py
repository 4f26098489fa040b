"""One member of an object, written in its place."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats.members import with_text
from proxy.providers.base import Unreadable


@pytest.mark.parametrize(
    ("body", "written"),
    [
        pytest.param(b'{"key":"old"}', b'{"key":"new"}', id="alone"),
        pytest.param(
            b'{ "a" : 1.10 , "key" : "old" , "b":[1] }\n', b'{ "a" : 1.10 , "key" : "new" , "b":[1] }\n', id="blanks"
        ),
        pytest.param(
            b'{"a":"\\"key\\":\\"x\\"","key":"\\",}"}', b'{"a":"\\"key\\":\\"x\\"","key":"new"}', id="in a text"
        ),
        pytest.param(b'{"a":{"key":"in"},"\\u006bey":"old"}', b'{"a":{"key":"in"},"\\u006bey":"new"}', id="escaped"),
        pytest.param(b'{"key":{"a":[",",{}]},"b":"key"}', b'{"key":"new","b":"key"}', id="an object"),
        pytest.param(b'{"b":"key","key":null}', b'{"b":"key","key":"new"}', id="null"),
        pytest.param(b'{"a":["key",{"key":1}]}', b'{"key":"new","a":["key",{"key":1}]}', id="deeper alone"),
        pytest.param(b" {}", b' {"key":"new"}', id="an empty object"),
        pytest.param(b"", b'{"key":"new"}', id="nothing"),
    ],
)
def test_a_member_is_written_in_its_place(body: bytes, written: bytes) -> None:
    """The value changes, or the key comes first, and all else is as it was."""
    assert with_text(body, "key", "new") == written


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'"key"',
        b"key=old",
        b'{"key":"a","key":"b"}',
        b'{"Key":"a"}',
        b'{"key_":"a"}',
        b'{"key":"a"',
        b"\xff",
    ],
)
def test_what_has_two_readings_is_refused(body: bytes) -> None:
    """What is no object, or could hold another key for somebody, is unreadable."""
    with pytest.raises(Unreadable):
        with_text(body, "key", "new")


NAMES = st.sampled_from(["a", "b", "key", "x:y", 'q"', "{"])
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | st.text('"\\{}[],:key', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(tree=st.dictionaries(NAMES, VALUES, max_size=4), text=st.text(max_size=5))
def test_only_the_member_changes(tree: dict[str, object], text: str) -> None:
    """Read again, the object has the text under the key and is otherwise the same."""
    assert orjson.loads(with_text(orjson.dumps(tree), "key", text)) == tree | {"key": text}
