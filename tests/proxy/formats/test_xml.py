"""XML written for senders and read from providers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats import xml
from proxy.providers.base import Unreadable

SES = b"""<SendEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">
  <SendEmailResult><MessageId>0100-1</MessageId></SendEmailResult>
  <Many><member><A>1</A></member><member><A>2</A></member></Many>
</SendEmailResponse>
"""


def test_an_answer_is_read() -> None:
    """Elements are found by their names along a path, one or all of them."""
    root = xml.read(SES)
    assert root.name == "SendEmailResponse"
    message_id = root.find("SendEmailResult", "MessageId")
    assert message_id is not None
    assert message_id.text == "0100-1"
    assert [each.text for each in root.all("Many", "member", "A")] == ["1", "2"]
    assert root.find("Many", "member") is None
    assert root.find("Nothing") is None


def test_a_prefix_is_no_part_of_a_name() -> None:
    """A prefix and CDATA are other spellings of the same."""
    assert xml.read(b'<s:a xmlns:s="urn:x"><s:b><![CDATA[<1>]]>&amp;&#x41;</s:b></s:a>').children[0].text == "<1>&A"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<a>", id="no end"),
        pytest.param(b"<a/><b/>", id="two roots"),
        pytest.param(b"<a></b>", id="another end"),
        pytest.param(b"<a>\xe4</a>", id="Latin-1"),
        pytest.param(b"<a>\0</a>", id="a NUL"),
        pytest.param(b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", id="another encoding"),
        pytest.param("<a/>".encode("utf-16"), id="UTF-16"),
        pytest.param(b"<!DOCTYPE a><a/>", id="a DTD"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', id="an entity"),
        pytest.param(b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', id="a DTD elsewhere"),
        pytest.param(b"<a>&x;</a>", id="an entity that nobody knows"),
        pytest.param(b"<?x y?><a/>", id="a processing instruction"),
        pytest.param(b"<a>" * 33 + b"</a>" * 33, id="too deep"),
        pytest.param(b"<a>" + b"x" * (1 << 20) + b"</a>", id="too large"),
    ],
)
def test_anything_but_small_plain_xml_is_refused(body: bytes) -> None:
    """A document that is broken, large, deep, or reaches beyond itself is not read."""
    with pytest.raises(Unreadable):
        xml.read(body)


def test_an_answer_is_written() -> None:
    """Mappings nest, lists repeat, nothing is empty, and marks are escaped."""
    content = {"Result": {"Id": "<1>&", "None": None, "member": [1, {"A": "x"}]}}
    written = xml.document(xml.element("Answer", content, {"xmlns": 'urn:"x"'}))
    assert written == (
        b"<?xml version='1.0' encoding='UTF-8'?>\n"
        b'<Answer xmlns="urn:&quot;x&quot;"><Result><Id>&lt;1&gt;&amp;</Id><None></None>'
        b"<member>1</member><member><A>x</A></member></Result></Answer>"
    )


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_any_text_is_written_as_xml_can_say_it(text: str) -> None:
    """What is written is read back, with U+FFFD for the characters that XML does not have."""
    back = xml.read(xml.document(xml.element("a", text))).text
    assert len(back) == len(text)
    assert all(one in (other, "\ufffd") for one, other in zip(back, text, strict=True))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Whatever the bytes, nothing but Unreadable is raised."""
    for whole in (body, b"<a>" + body + b"</a>"):
        try:
            xml.read(whole)
        except Unreadable:
            continue
