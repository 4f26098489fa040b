"""What reading a body takes, by a look at its bytes: much for many small things, nothing for large ones."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from proxy import strict
from proxy.formats import gathering
from proxy.providers.base import Request
from proxy.weighing import Weight, weigh

MIB = 1 << 20
FORM = strict.FORM
MULTIPART = "multipart/form-data; boundary=xx"
ATTACHMENT = base64.b64encode(bytes(3 * MIB))
PERSON = {"email": "ada@example.com"}


def weighed(body: bytes | object, media_type: str = strict.JSON) -> Weight:
    """Weigh a body of this type, which JSON is made of unless it is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return weigh(Request("POST", "/", "", CIMultiDictProxy(CIMultiDict({"Content-Type": media_type})), raw))


def parts(*fields: tuple[str, bytes]) -> bytes:
    """Write a form with these parts; one whose name begins with a dot is a file."""
    written = b""
    for name, content in fields:
        told = f'name="{name}"; filename="a"' if name.startswith(".") else f'name="{name}"'
        written += f"--xx\r\nContent-Disposition: form-data; {told}\r\n\r\n".encode() + content + b"\r\n"
    return written + b"--xx--\r\n"


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        pytest.param({"attachments": [{"content": ATTACHMENT.decode()}]}, strict.JSON, id="an attachment"),
        pytest.param(
            {"subject": "Grüße 😀", "attachments": [{"content": ATTACHMENT.decode()}]},
            strict.JSON,
            id="an attachment beside a subject with an emoji",
        ),
        pytest.param(
            b'{"subject":"\\ud83d\\ude00","content":"' + ATTACHMENT.replace(b"A", b"\\/") + b'"}',
            strict.JSON,
            id="an attachment as PHP writes it",
        ),
        pytest.param({"text": 'a "b" \n' * 100_000}, strict.JSON, id="a text with many escapes"),
        pytest.param(b"text=" + ATTACHMENT, FORM, id="a long field"),
        pytest.param(parts(("text", ATTACHMENT)), MULTIPART, id="a long part"),
        pytest.param(parts((".", b"a@b,{:\xf0" * 1_000_000)), MULTIPART, id="a file of anything"),
    ],
)
def test_large_things_cost_no_weight(body: bytes | object, media_type: str) -> None:
    """A large text takes no more than its size tells, whatever stands beside it."""
    assert weighed(body, media_type).extra < 10_000


@pytest.mark.parametrize(
    ("body", "media_type", "least"),
    [
        pytest.param([0] * 900_000, strict.JSON, 90, id="numbers"),
        pytest.param(["a"] * 900_000, strict.JSON, 90, id="texts of one letter"),
        pytest.param(["a,b"] * 500_000, strict.JSON, 90, id="texts of a comma"),
        pytest.param([[]] * 400_000, strict.JSON, 180, id="arrays"),
        pytest.param([{"a": {}}] * 200_000, strict.JSON, 400, id="objects"),
        pytest.param({f"k{number}": 0 for number in range(300_000)}, strict.JSON, 190, id="keys"),
        pytest.param(b"v=" + quote_plus(json.dumps([0] * 100_000)).encode(), FORM, 90, id="numbers in a form"),
        pytest.param(b"v=+%0a[" + b"0," * 100_000 + b"0]", FORM, 90, id="numbers in a form, not escaped"),
        pytest.param(parts(("v", b" [" + b"0," * 100_000 + b"0]")), MULTIPART, 90, id="numbers in a part"),
    ],
)
def test_many_small_things_weigh_much(body: bytes | object, media_type: str, least: int) -> None:
    """Each value weighs about what it takes, in whatever form it comes."""
    count = len(body) if isinstance(body, list | dict) else 100_000
    assert weighed(body, media_type).extra > least * count


@pytest.mark.parametrize("letter", ["ä", "中", "😀"])
def test_letters_of_several_bytes_make_a_text_weigh_more(letter: str) -> None:
    """A text with one wide letter takes more for each of its letters, in each form, and escaped as well."""
    text = "a" * 100_000 + letter
    whole = len(text)
    assert weighed({"text": text}).extra >= whole
    assert weighed(json.dumps({"text": text}).encode()).extra >= whole
    assert weighed(parts(("text", text.encode())), MULTIPART).extra >= whole


def test_an_emoji_in_a_form_makes_it_weigh_more() -> None:
    """So it does in URL encoding, in either case."""
    text = b"a" * 100_000
    assert weighed(b"a=%F0%9F%98%80" + text, FORM).extra >= 3 * len(text)
    assert weighed(b"a=%f0%9f%98%80" + text, FORM).extra >= 3 * len(text)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        pytest.param({"to": [PERSON] * 1000}, strict.JSON, id="objects"),
        pytest.param({"to": "ada@example.com," * 1000}, strict.JSON, id="a list"),
        pytest.param(b'{"to":"' + b"ada\\u0040example.com," * 1000 + b'"}', strict.JSON, id="a list with escapes"),
        pytest.param(b"to=" + b"ada%40example.com%2C" * 1000, FORM, id="a form"),
        pytest.param(parts(("to", b"ada@example.com," * 1000)), MULTIPART, id="a part"),
        pytest.param(b"to=" + b"ada%40example.com%2C" * 1000, "", id="a form of no type"),
    ],
)
def test_people_weigh_as_recipients(body: bytes | object, media_type: str) -> None:
    """Whoever is named takes a recipient's room, however short the list is written."""
    told = weighed(body, media_type)
    assert told.people == 1000
    assert told.extra >= 800_000


def test_no_more_people_are_weighed_than_are_read() -> None:
    """A text of nothing but at signs weighs what the most recipients take."""
    assert weighed({"text": "@" * MIB}).extra == weighed({"text": "@" * gathering.MOST}).extra


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" + b"0," * strict.MAX_COMMAS + b"0,0]", id="values"),
        pytest.param(b"[" + b"{}," * strict.MAX_BRACKETS + b"0]", id="objects"),
    ],
)
def test_what_is_not_read_weighs_nothing(body: bytes) -> None:
    """A body of too many values is refused for what it is, and not because the gate is busy."""
    assert weighed(body).extra == 0


@given(st.binary(max_size=200), st.sampled_from([strict.JSON, FORM, MULTIPART, "", "x"]))
def test_any_bytes_are_weighed(body: bytes, media_type: str) -> None:
    """Whatever the bytes, weighing raises nothing and gives no less than nothing."""
    told = weighed(body, media_type)
    assert told.extra >= 0
    assert told.people >= 0
