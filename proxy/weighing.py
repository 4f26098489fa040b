"""What reading a body takes beside the body: an estimate from a look at its bytes, before anything is made of them.

Three times its size is what any body takes: as it came, as it is read, and as it is written. A text of one attachment
takes no more. Some take much more than that, and what they take has to be known before they are read, so that many at
once do not take all there is (holding.py):

1. Values. A number or a text of two bytes becomes an object of a hundred, and so do keys, lists and objects.
2. People. An address of four bytes becomes a recipient with its place and its keys.
3. Letters. A text takes as many bytes for each letter as its widest one needs, and its UTF-8 beside them.

The bytes are looked at by the methods of `bytes` alone, which costs some nanoseconds each. What stands in texts counts
as if it stood outside, as far as quotes do not tell: who is said to take too much is told to come again, no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from proxy import strict
from proxy.formats import gathering, multipart
from proxy.providers.base import Request, Unreadable

# Bytes for each, as measured with CPython 3.11 and orjson: values in an array, what members of an object take beyond
# that, lists and empty objects, what an object takes beyond that with its first key, and recipients.
_VALUE, _MEMBER, _BRACKET, _OBJECT, _PERSON = 100, 100, 90, 160, 800
_WIDE, _WIDEST = 2, 4  # times the size of a text beyond its own, with letters beyond Latin-1, or beyond 16 bits

_WIDEST_LEADS: Final = tuple(bytes([lead]) for lead in range(0xF0, 0xF5))  # of UTF-8
_PAIRS: Final = (rb"\ud", rb"\uD")  # of surrogates, in JSON
_WIDEST_ESCAPES: Final = (b"%f", b"%F")
_NO_MARKS: Final = bytes(set(range(256)) - set(b'",:{['))
# All between two quotes where no letter is wide: a whole text, or what stands between two.
_NARROW: Final = re.compile(rb'(?<!\\)"(?:[ !#-\[\]-~]++|\\[^u])*+(?=")')
_MOST_QUOTES: Final = 1_000_000  # of a body that is worth looking for long texts in
_LONG_TEXT: Final = 1 << 10  # bytes of a text worth looking at by itself
_LONG_BODY: Final = 1 << 20
_IN_FORM: Final = re.compile(rb"=(?:\+|%20|%09|%0[aAdD])*+((?:\{|\[|%7[bB]|%5[bB])[^&]*+)")
_JSON: Final = re.compile(rb"[ \t\r\n]*+[{\[]")


class Weight(NamedTuple):
    """How many bytes reading takes beyond three times the body, and how many addresses there may be in it."""

    extra: int
    people: int


def weigh(request: Request) -> Weight:
    """Estimate what reading a request takes."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type == multipart.MULTIPART:
        found = [_of_text(text, is_json=_JSON.match(text) is not None) for text in _fields(request)]
        told = Weight(sum(each.extra for each in found), sum(each.people for each in found))
    elif media_type == strict.FORM:
        told = _of_form(request.body)
    else:
        told = _of_text(request.body, is_json=True)
        if not media_type:  # some providers' default is a form
            told = max(told, _of_form(request.body))
    return Weight(told.extra + _PERSON * min(told.people, gathering.MOST), told.people)


def _fields(request: Request) -> Iterator[bytes]:
    try:
        for start, end in multipart.field_spans(request.headers, request.body):
            yield request.body[start:end]
    except Unreadable:
        return


def _of_form(body: bytes) -> Weight:
    """Weigh a form in URL encoding, where some values may be JSON."""
    widest = any(escape in body for escape in _WIDEST_ESCAPES)
    people = body.count(b"@") + body.count(b"%40")
    trees = (_unescaped(value[1]) for value in _IN_FORM.finditer(body))
    return Weight(_WIDEST * len(body) * widest + sum(map(_of_values, trees)), people)


def _unescaped(value: bytes) -> bytes:
    """Undo the escapes of the marks that are counted, in either case."""
    for mark in b'",:{[\\':
        value = value.replace(b"%%%02X" % mark, bytes([mark])).replace(b"%%%02x" % mark, bytes([mark]))
    return value


def _of_text(text: bytes, *, is_json: bool) -> Weight:
    people = text.count(b"@") + (text.count(rb"\u0040") if b"\\" in text else 0)
    return Weight(_of_letters(text) + (_of_values(text) if is_json else 0), people)


def _of_values(text: bytes) -> int:
    """Weigh what a JSON text says; one that says too much is not read at all (strict.json_tree)."""
    marks = text.translate(None, _NO_MARKS)
    commas, objects, lists = marks.count(b","), marks.count(b"{"), marks.count(b"[")
    if commas > strict.MAX_COMMAS or objects + lists > strict.MAX_BRACKETS:
        return 0
    quotes = marks.count(b'"') - (text.count(rb"\"") if b"\\" in text else 0)
    members = min(marks.count(b":"), quotes // 2)  # each has a key in quotes of its own
    return _VALUE * commas + _MEMBER * members + _BRACKET * (objects + lists) + _OBJECT * min(objects, members)


def _of_letters(text: bytes) -> int:
    escapes = b"\\" in text  # found at once, unlike what is longer
    if text.isascii() and not (escapes and rb"\u" in text):
        return 0
    widest = any(lead in text for lead in _WIDEST_LEADS) or (escapes and any(pair in text for pair in _PAIRS))
    times = _WIDEST if widest else _WIDE
    return times * (len(text) - _narrow(text))


def _narrow(text: bytes) -> int:
    """Count the bytes of long texts without a wide letter: attachments of a large body whose subject has one."""
    if len(text) < _LONG_BODY or text.count(b'"') > _MOST_QUOTES:
        return 0
    return sum(size for each in _NARROW.finditer(text) if (size := each.end() - each.start()) > _LONG_TEXT)
