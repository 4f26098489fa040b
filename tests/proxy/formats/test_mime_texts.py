"""The texts of raw messages: which parts are texts, and where they lie."""

from __future__ import annotations

import email
from email.policy import SMTP, default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.formats import mime
from proxy.formats.encoded_texts import EncodedText
from proxy.formats.mime_texts import DEEPEST, MOST_PARTS, texts

HEAD = "From: shop@x.io\nTo: a@x.io\nMIME-Version: 1.0\n"
WORD = "{{unsubscribe}}"


def found(message: str | bytes) -> tuple[EncodedText, ...]:
    """Find the texts of a message, without the headers that all have."""
    raw = message.encode() if isinstance(message, str) else message
    return texts(mime.read(HEAD.encode() + raw))


def said(message: str | bytes) -> list[str]:
    """Give what the texts of a message say; what may not be written into stands in brackets."""
    return [f"[{each.said()}]" if each.fixed else each.said() for each in found(message)]


def multi(*parts: str, kind: str = "mixed", boundary: str = "b", end: str = "\n") -> str:
    """Write parts, with the header that says so."""
    written = "".join(f"\n--{boundary}\n{part}" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n{end}preamble{written}\n--{boundary}--\nepilogue'


HTML = "Content-Type: text/html; charset=utf-8\n\n<p>"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param("\nHello\n", ["Hello\n"], id="a message without a type"),
        pytest.param("Content-Type: text/plain\n\nHello", ["Hello"], id="a text"),
        pytest.param("CONTENT-type: TEXT/Html ; Charset=\n utf-8 ;\n\n<p>", ["<p>"], id="in any case, folded"),
        pytest.param("Content-Type: text/x-amp-html\n\n<p>", ["<p>"], id="AMP"),
        pytest.param("Content-Type: text/calendar\n\nBEGIN", [], id="another text"),
        pytest.param("Content-Type: application/pkcs7-mime\n\nHello", [], id="S/MIME"),
        pytest.param("Content-Type: message/rfc822\n\nTo: b@x.io\n\nHello", [], id="a message in the message"),
        pytest.param(multi("\nHello", HTML), ["Hello", "<p>"], id="parts, one without headers"),
        pytest.param(multi("\nHello", HTML, kind="Alternative"), ["Hello", "<p>"], id="alternatives"),
        pytest.param(multi("\nHello", HTML, kind="related"), ["Hello", "<p>"], id="related ones"),
        pytest.param(multi("\nHello", kind="signed"), ["[Hello]"], id="signed ones"),
        pytest.param(multi("\nHello", kind="x-new"), ["[Hello]"], id="of an unknown kind"),
        pytest.param(multi("\nHello", HTML, kind="digest"), ["[<p>]"], id="a digest"),
        pytest.param(
            multi(multi("\nHello", multi(HTML, kind="related", boundary="d"), kind="alternative", boundary="c"), HTML),
            ["Hello", "<p>", "<p>"],
            id="nested ones",
        ),
        pytest.param(
            multi(multi("\nHello", kind="signed", boundary="c"), "\nBye"), ["[Hello]", "Bye"], id="one signed"
        ),
        pytest.param(multi("Content-Disposition: attachment\n\nHello", HTML), ["<p>"], id="a file"),
        pytest.param(multi("Content-Disposition: ATTACHMENT; filename=a\n\nHello"), [], id="a named file"),
        pytest.param(multi('Content-Type: text/plain; name="a"\n\nHello'), [], id="a file by its name"),
        pytest.param(multi("Content-Disposition: inline; filename*0=a\n\nHello"), [], id="a file that is shown"),
        pytest.param(multi("Content-Disposition: form-data\n\nHello"), [], id="of an unknown disposition"),
        pytest.param(multi("Content-Disposition: inline\n\nHello"), ["Hello"], id="shown"),
        pytest.param(multi("Content-MD5: abc\n\nHello", "\nBye"), ["[Hello]", "Bye"], id="with a digest"),
        pytest.param("Content-Length: 5\n\nHello", ["[Hello]"], id="with its length"),
        pytest.param("Content-Length: 5\n" + multi("\nHello"), ["[Hello]"], id="parts with their length"),
        pytest.param("DKIM-Signature: v=1; bh=x\n" + multi("\nHello"), ["[Hello]"], id="signed by DKIM"),
        pytest.param("ARC-Message-Signature: i=1\n\nHello", ["[Hello]"], id="signed by a forwarder"),
        pytest.param(multi("\nHello", boundary="a b:(c)'?"), ["Hello"], id="an odd boundary"),
        pytest.param(multi("\nHello").replace("--b--\nepilogue", ""), ["Hello\n"], id="parts that do not end"),
        pytest.param(multi("\nHello\n--bb\n--b x\n --b\n"), ["Hello\n--bb\n--b x\n --b\n"], id="no boundaries"),
        pytest.param(multi("\nHello").replace("--b\n", "--b \t\n"), ["Hello"], id="blanks behind a boundary"),
        pytest.param(multi("\nHello").replace("preamble\n", ""), ["Hello"], id="no preamble"),
        pytest.param(multi("\nHello\n--b", "\nBye"), ["Hello", "[]", "Bye"], id="an empty part"),
        pytest.param(multi("\nHello", "X\n\nHi"), ["Hello", "[X\n\nHi]"], id="a part whose headers are none"),
        pytest.param(multi("X: 1\n" * 99 + "\nHello"), ["Hello"], id="many headers"),
        pytest.param(multi("X: 1\n" * 100 + "\nHi"), ["[" + "X: 1\n" * 100 + "\nHi]"], id="too many headers"),
        pytest.param(multi("X: 1"), ["[X: 1]"], id="a part of headers alone"),
        pytest.param("Content-Type: text/plain\nContent-Type: text/html\n\nHello", ["[Hello]"], id="two types"),
        pytest.param("Content-Type: text\n\nHello", ["[Hello]"], id="half a type"),
        pytest.param("Content-Type: text/plain charset=x\n\nHello", ["[Hello]"], id="a type and more"),
        pytest.param("Content-Type: text/plain; charset*=utf-8''x\n\nHello", ["[Hello]"], id="a coded charset"),
        pytest.param("Content-Type: text/plain; a=1; A=2\n\nHello", ["[Hello]"], id="a parameter twice"),
        pytest.param("Content-Type: multipart/mixed\n\nHello", ["[Hello]"], id="parts without a boundary"),
        pytest.param(
            "Content-Transfer-Encoding: base64\n" + multi("\nHello"),
            ["[preamble\n--b\n\nHello\n--b--\nepilogue]"],
            id="parts that are encoded",
        ),
        pytest.param("", [""], id="headers alone"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_texts_are_found(message: str, expected: list[str], line_end: str) -> None:
    """What a reader shows as the message is found, in its order; what is signed, measured or odd is fixed."""
    raw = (HEAD + message).replace("\n", line_end).encode()
    got = [f"[{each.said()}]" if each.fixed else each.said() for each in texts(mime.read(raw))]
    assert got == [each.replace("\n", line_end) for each in expected]


def test_encodings_and_charsets_are_told() -> None:
    """The encoding and the charset of a part are its own, and have the defaults of their RFCs."""
    parts = found(
        multi(
            "Content-Transfer-Encoding: Quoted-Printable \n\nGr=C3=BC=C3=9Fe",
            'Content-Type: text/html; format=flowed; CHARSET="ISO-8859-1"\nContent-Transfer-Encoding: BASE64\n\neA==',
            "\nx",
        )
    )
    told = [(each.encoding, each.charset) for each in parts]
    assert told == [("quoted-printable", "us-ascii"), ("base64", "iso-8859-1"), ("7bit", "us-ascii")]


# ── bounds ──


def deep(levels: int) -> str:
    """Nest parts."""
    message = f"\n{WORD}"
    for level in range(levels):
        message = multi(message, boundary=f"b{level}")
    return message


@pytest.mark.parametrize(
    ("message", "fixed"),
    [
        pytest.param(deep(DEEPEST), False, id="deep"),
        pytest.param(deep(DEEPEST + 1), True, id="deeper"),
        pytest.param(deep(2000), True, id="very deep"),
        pytest.param(multi(*[f"\n{WORD}"] * (MOST_PARTS // 2 - 1)), False, id="many"),
        pytest.param(multi(*[f"\n{WORD}"] * MOST_PARTS), True, id="more"),
        pytest.param(multi(*[multi(f"\n{WORD}", boundary="c")] * (MOST_PARTS // 2)), True, id="more of more"),
    ],
)
def test_parts_are_bounded(message: str, fixed: bool) -> None:  # noqa: FBT001 (the expected answer)
    """A message with too many parts, or too deep ones, is one fixed text, in which words are found."""
    parts = found(message)
    assert all(each.fixed is fixed and WORD in each.said() for each in parts)
    assert len(parts) == 1 or not fixed


# ── against another reader ──

LINES = st.sampled_from(
    [
        *("", "--b", "--b--", "--c", "--c--", "--b \t", "x", "X: 1", "Content-Disposition: attachment"),
        *("Content-Type: text/html", "Content-Type: text/plain", 'Content-Type: multipart/mixed; boundary="c"'),
    ]
)


@given(lines=st.lists(LINES, max_size=20))
@example(lines=["--b", "", "x", "--b--"])
@example(lines=["--b", 'Content-Type: multipart/mixed; boundary="c"', "", "--c", "", "x", "--b", "", "--c--", "--b--"])
def test_a_text_is_one_for_another_reader(lines: list[str]) -> None:
    """Whatever stands where, what may be written into is a text for the standard library too, to its last line end."""
    body = "\r\n".join(lines)
    raw = f'{HEAD}Content-Type: multipart/mixed; boundary="b"\n\n'.replace("\n", "\r\n") + body
    theirs = [
        str(part.get_payload()).rstrip("\r\n")
        for part in email.message_from_bytes(raw.encode(), policy=SMTP).walk()
        if part.get_content_maintype() == "text" and not part.is_attachment()
    ]
    for each in texts(mime.read(raw.encode())):
        assert each.fixed or each.said().rstrip("\r\n") in theirs


def test_what_the_standard_library_writes_is_found() -> None:
    """A message with alternatives, an image and a file has two texts."""
    message = email.message.EmailMessage(policy=default)
    message["To"] = "a@x.io"
    message.set_content("Grüße")
    message.add_alternative("<p>Grüße", subtype="html")
    message.get_payload()[1].add_related(b"x", "image", "png", cid="<1>")  # type: ignore[union-attr, index]  # a part
    message.add_attachment("Hello", filename="a.txt")
    assert [each.said() for each in texts(mime.read(bytes(message)))] == ["GrÃ¼Ã\x9fe\n", "<p>GrÃ¼Ã\x9fe\n"]
