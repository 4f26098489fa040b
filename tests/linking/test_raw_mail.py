"""Links in the texts of raw messages as the standard library writes them, read by the standard library afterwards."""

from __future__ import annotations

import email
import re
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.formats import mime
from proxy.linking.base import MOST_IN_RAW, Raw
from tests.linking.urls import PLACEHOLDER, link

URL = link("ada@x.io") + "-_Z9" * 40
FILE = f"{PLACEHOLDER}\n".encode()

# Words of a text, by charset; some lines of them make a text, with the placeholder anywhere.
WORDS = {
    "us-ascii": ["Hello", "=3D", "=", ".", "-", " ", "  ", "From here", "{{", "}}", "x" * 70],
    "utf-8": ["Grüße", "日本", "=", " ", "🙂", "x" * 70, "é" * 40],
    "iso-8859-1": ["Grüße", "é" * 40, "=", " ", "ß"],
    "utf-16": ["Grüße", "日本", " ", "🙂", "x" * 70],
    "koi8-r": ["Привет", " ", "=", "x" * 70],
    "shift_jis": ["配信停止", "乕乕", " ", "x" * 70],
    "iso-2022-jp": ["配信停止", " ", "x" * 70],
}
ENCODINGS = {
    "us-ascii": ["7bit", "quoted-printable", "base64"],
    "utf-16": ["base64"],
    "iso-2022-jp": ["7bit", "base64"],
    "shift_jis": ["8bit", "base64"],
}


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a text with its charset and its encoding, as the standard library takes them."""
    charset = draw(st.sampled_from([*WORDS]))
    encoding = draw(st.sampled_from(ENCODINGS.get(charset, ["8bit", "quoted-printable", "base64"])))
    words = st.sampled_from([*WORDS[charset], PLACEHOLDER])
    lines = draw(st.lists(st.lists(words, max_size=4).map("".join), max_size=8))
    return {"text": "\n".join(lines) + "\n", "charset": charset, "cte": encoding}


def put(method: Callable[..., None], subtype: str, text: str, charset: str, cte: str) -> None:
    """Give a message a text; the standard library cuts UTF-16 in the middle of line ends, so it gets the bytes."""
    if charset == "utf-16":
        method(text.encode("utf-16"), "text", subtype, cte=cte, params={"charset": charset})
    else:
        method(text, subtype=subtype, charset=charset, cte=cte)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Draw a message: a text or alternatives, with an image, files and another message, or without."""
    message = EmailMessage(policy=default)
    message["From"], message["To"], message["Subject"] = "shop@x.io", "ada@x.io", f"Hi {PLACEHOLDER}"
    put(message.set_content, "plain", **draw(contents()))
    if draw(st.booleans()):
        put(message.add_alternative, "html", **draw(contents()))
        html = message.get_body()
        assert isinstance(html, EmailMessage)
        if draw(st.booleans()):
            html.add_related(FILE * 9, "image", "png", cid="<1>")
    if draw(st.booleans()):
        message.add_attachment(FILE, "application", "octet-stream", filename="x.bin")
        message.add_attachment(FILE.decode(), filename="x.txt")
    if draw(st.booleans()):
        within = EmailMessage()
        within.set_content(PLACEHOLDER)
        message.add_attachment(within)
    for number, part in enumerate(message.walk()):
        if part.get_content_maintype() == "multipart":
            part.set_boundary(f"==={number}===")
    return message.as_bytes(policy=SMTP if draw(st.booleans()) else default)


def linked(raw: bytes) -> tuple[bytes, bool]:
    """Put the link into a message; tell whether anything was written."""
    told = [raw]
    within = Raw(mime.read(raw), told.append)
    done = within.count(PLACEHOLDER) > 0 and within.replace(PLACEHOLDER, URL)
    assert not done or not Raw(mime.read(told[-1]), told.append).count(PLACEHOLDER)
    return told[-1], done


def shown(part: Any) -> bool:
    """Tell whether a part is a text of the message itself."""
    return part.get_content_maintype() == "text" and not part.is_attachment()


def parts(raw: bytes) -> list[Any]:
    """Give all parts of a message, but not what a message within it has."""
    found: list[Any] = [email.message_from_bytes(raw, policy=default)]
    for part in found:
        found += part.iter_parts() if part.is_multipart() and part.get_content_maintype() == "multipart" else []
    return found


@given(raw=messages())
def test_a_link_is_where_the_placeholder_was(raw: bytes) -> None:
    """Every text says the link in its place and all else as before; all other parts and all headers are the same."""
    written, done = linked(raw)
    before, after = parts(raw), parts(written)
    texts = [each.get_content() for each in before if shown(each)]
    assert [each.get_content() for each in after if shown(each)] == [each.replace(PLACEHOLDER, URL) for each in texts]
    assert [each.items() for each in after] == [each.items() for each in before]
    assert done is any(PLACEHOLDER in each for each in texts)
    assert done is (written != raw)


@given(raw=messages())
def test_every_other_byte_is_the_same(raw: bytes) -> None:
    """Between the same boundaries stand the same bytes, but for the contents of texts; and a retry has the same."""
    written, _ = linked(raw)
    assert linked(raw)[0] == written
    boundary = re.compile(rb"(\r?\n--={3}\d+={3}(?:--)?(?:\r?\n|\Z))")
    before, after = boundary.split(raw), boundary.split(written)
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        head, _, _ = one.replace(b"\r\n", b"\n").partition(b"\n\n")
        if one != other:
            assert re.search(rb"content-type: text/(plain|html)", head, re.IGNORECASE)
            assert b"attachment" not in head
            assert other.replace(b"\r\n", b"\n").startswith(head + b"\n\n")


@given(raw=messages())
def test_lines_are_as_long_as_they_may_be(raw: bytes) -> None:
    """No line grows beyond what its encoding allows, and all end as they did."""
    written, _ = linked(raw)
    longest = max(map(len, raw.splitlines()))
    assert max(map(len, written.splitlines())) <= max(998, longest)
    assert written.count(b"\r\n") == written.count(b"\n") * (raw.count(b"\r\n") > 0)
    for one, other in zip(parts(raw), parts(written), strict=True):
        if one["Content-Transfer-Encoding"] in ("quoted-printable", "base64"):
            # The standard library itself writes up to 78.
            before, after = (max(map(len, each.get_payload().splitlines())) for each in (one, other))
            assert after <= max(76, before)


def test_too_many_placeholders_stay() -> None:
    """A message that would grow without measure stays as it is."""
    head = b"From: shop@x.io\nTo: ada@x.io\n\n"
    assert linked(head + FILE * MOST_IN_RAW) == (head + f"{URL}\n".encode() * MOST_IN_RAW, True)
    assert linked(head + FILE * (MOST_IN_RAW + 1)) == (head + FILE * (MOST_IN_RAW + 1), False)
