"""One answer in several formats."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml

from proxy.formats import xml
from proxy.formats.written import FORMATS, in_php


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "N;"),
        (True, "b:1;"),
        (-12, "i:-12;"),
        ("", 's:0:"";'),
        ('Grüße "x"', 's:11:"Grüße "x"";'),
        ([], "a:0:{}"),
        ([1, "a"], 'a:2:{i:0;i:1;i:1;s:1:"a";}'),
        ({"a": [None], "b": {}}, 'a:2:{s:1:"a";a:1:{i:0;N;}s:1:"b";a:0:{}}'),
    ],
)
def test_values_are_written_as_php_does(value: Any, written: str) -> None:
    """Each kind has its letter, lengths are in bytes, and lists have their indexes."""
    assert in_php(value) == written.encode()


def test_an_answer_is_the_same_in_json_and_yaml() -> None:
    """What is written as JSON or YAML reads back as it was."""
    told = [{"email": "a@x.io", "reject_reason": None, "words": 'Grüße: "x"\n- #', "n": 1}]
    assert orjson.loads(FORMATS["json"][1](told)) == yaml.safe_load(FORMATS["yaml"][1](told)) == told


def test_an_answer_in_xml_has_an_element_for_each_entry() -> None:
    """A list becomes items, an object its keys, and None an empty element."""
    root = xml.read(FORMATS["xml"][1]([{"a": "<1>", "b": None}, {"a": 2}]))
    assert [(each.name, [(one.name, one.text) for one in each.children]) for each in root.children] == [
        ("item", [("a", "<1>"), ("b", "")]),
        ("item", [("a", "2")]),
    ]
    assert [(each.name, each.text) for each in xml.read(FORMATS["xml"][1]({"a": 1})).children] == [("a", "1")]
