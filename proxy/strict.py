"""What two readers could read differently is refused, so that what was judged is what the provider sends.

The gate forwards the sender's own bytes. That is only safe if the provider's parser finds in them what the gate's
parser found, and parsers differ where a text leaves room: of two equal keys some take the first and some the last, some
fold case, some stop at a NUL, some guess the encoding. So nothing that leaves room gets through: each function here
either gives the one possible reading or raises `Unreadable`, whose words never hold a value of the body.

Reading is pure and costs little more than parsing. Writing changes nothing but what was taken out.
"""

from __future__ import annotations

import json
import re
import unicodedata
from binascii import a2b_qp
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_plus, unquote_to_bytes

import orjson
from multidict import CIMultiDictProxy

from proxy.providers.base import Unreadable

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MAX_DEPTH = 100  # levels of nesting; the parsers' own limits lie at 254 and above
MAX_BRACKETS = (
    500_000  # objects and arrays; each takes thirty times its bytes, and the largest sends have some ten thousand
)
MAX_COMMAS = 1_000_000  # each stands for a value, which takes up to fifty times its bytes; ten thousand recipients with
# thirty variables each have a third of it
MAX_FIELDS = 20_000  # of a form; a thousand recipients with their variables are some thousands
LONGEST_NAME = 1_000  # bytes of a form field's name, as it is written
NONE_REPEATS: frozenset[str] = frozenset()

_BOXES = frozenset({dict, list})
_NO_MARKS = bytes(set(range(256)) - set(b'",-.0123456789Eeft'))
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_SEGMENT = re.compile(r"(?:[\w.~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_PLAIN_PATH = re.compile(r"(?:/(?!\.\.?(?:/|\Z))[\w.~!$&'()*+,=:@-]++)++/?", re.ASCII)  # no escape, so one reading
_NEEDLESS = re.compile(r"%(?:4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE]|3[0-9]|2[DE])", re.IGNORECASE)  # of A-Za-z0-9-._~
_SEPARATORS = re.compile(r"[\x00-\x20\x7f/\\%;?#]")
_NO_LETTERS = re.compile("[^a-z]+")
_CONTENT_TYPE = re.compile(r'([\w.+-]+/[\w.+-]+)\s*(?:;\s*charset\s*=\s*("?)utf-8\2\s*)?;?', re.ASCII | re.IGNORECASE)


# ── names ──


def folded(name: str) -> str:
    """Give the name as the most forgiving reader takes it: up to a NUL, without blanks around it, in one case."""
    return name.partition("\0")[0].strip().casefold()


def letters(name: str) -> str:
    """Give the plain letters of a name, all that is sure to be left by readers who drop marks: `To_`, `.To`, `ｔｏ`."""
    return _NO_LETTERS.sub("", unicodedata.normalize("NFKC", name).casefold())


def looks_like(name: str, names: frozenset[str]) -> bool:
    """Tell whether a forgiving reader could take the name for one of these, which are given by their letters alone."""
    plain = name.replace("_", "")
    if plain.isascii() and plain.isalpha():  # as nearly all are: nothing else in it that anybody drops or undoes
        return plain.lower() in names
    return letters(name) in names or letters(folded_field(name)) in names


def folded_field(name: str) -> str:
    """Give a form field's name as the most forgiving reader takes it: `To[]` and `To[0]` are lists named `To`."""
    return folded(name.partition("[")[0])


# What frameworks take another method or path from: as headers, and as fields of a query or a form. `.method` counts,
# for some make an underscore of each mark.
_OVERRIDES = frozenset(
    {"xhttpmethodoverride", "xhttpmethod", "xhttpoverridemethod", "xmethodoverride", "xmethod", "httpmethodoverride"}
    | {"methodoverride", "httpmethod", "xoriginalurl", "xrewriteurl", "xoverrideurl", "xhttpdestinationurl"}
)
_HINT = re.compile("method|url", re.IGNORECASE)


def overrides(name: str) -> bool:
    """Tell whether a header or a field of this name could make another request of one, in any spelling."""
    if name.isascii() and "%" not in name and not _HINT.search(name):
        return False
    for _ in range(3):  # a server behind another one undoes escapes once more
        name = unquote_plus(name)
    plain = folded_field(unicodedata.normalize("NFKC", name))
    told = letters(plain)
    return told in _OVERRIDES or (told == "method" and not plain.startswith("m"))


# ── headers and paths ──


def expect_type(headers: CIMultiDictProxy[str], media_type: str) -> None:
    """Refuse a body that is declared to be anything but this media type in UTF-8; raises Unreadable.

    An absent Content-Type is read as the provider's default: clients of one-format APIs leave it out.
    """
    declared = headers.getall("Content-Type", [])
    if len(declared) > 1:
        raise Unreadable("Content-Type is declared more than once")
    if declared:
        match = _CONTENT_TYPE.fullmatch(declared[0].strip())
        if match is None or match[1].lower() != media_type:
            raise Unreadable(f"Content-Type is not {media_type} in UTF-8")


def plain_path(raw: str) -> str | None:
    """Decode a path that every server routes alike, without a trailing slash; None for any other, and for the root.

    Other are: empty and dot segments, escapes that are wrong or needless, and escaped separators (RFC 3986, section 6).
    """
    if _PLAIN_PATH.fullmatch(raw):
        return raw.removesuffix("/")
    path = ""
    for segment in raw.removesuffix("/").split("/")[1:]:
        decoded = _plain_segment(segment)
        if decoded is None:
            return None
        path += f"/{decoded}"
    return path if path and raw.startswith("/") else None


def _plain_segment(raw: str) -> str | None:
    if raw in (".", "..") or not _SEGMENT.fullmatch(raw) or _NEEDLESS.search(raw):
        return None
    try:
        segment = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None
    return None if _SEPARATORS.search(segment) else segment


# ── JSON (RFC 8259, and the narrower I-JSON of RFC 7493) ──


def json_tree(body: bytes) -> Any:
    """Read JSON that has exactly one reading; raises Unreadable.

    Refused are a BOM, bytes that are not UTF-8, NaN and Infinity, lone surrogates, trailing data, nesting deeper than
    MAX_DEPTH, more than MAX_BRACKETS brackets or MAX_COMMAS commas, those in texts among them, and objects in which two
    keys are the same or differ by case alone.
    """
    if body.count(b"{") + body.count(b"[") > MAX_BRACKETS:
        raise Unreadable(f"more than {MAX_BRACKETS} objects and arrays")
    if body.count(b",") > MAX_COMMAS:
        raise Unreadable(f"more than {MAX_COMMAS} values")
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"not strict JSON: {error.msg}, line {error.lineno}, column {error.colno}") from None
    _check_objects(tree)
    if _loses_colons(body, tree):
        raise Unreadable("a key stands twice in one object")
    return tree


def json_as_spelled(body: bytes) -> Any:
    """Read JSON that `json_tree` let through for writing it again: numbers stay as they are spelled.

    Floats (1.10, 1e2), integers beyond 64 bits and -0 become fragments that `write_json` copies.
    """
    return json.loads(body.decode(), parse_float=orjson.Fragment, parse_int=_integer_as_spelled)


def json_for_writing(body: bytes, tree: Any) -> Any:
    """Give the tree that `json_tree` made of this body, or where writing it would change a number, one as spelled.

    Without such numbers nothing is parsed again, and the very same tree comes back.
    """
    return json_as_spelled(body) if _has_delicate_numbers(_outside_strings(body)) else tree


def write_json(tree: Any) -> bytes:
    """Write what `json_for_writing` gave: keys in their order, compact, in UTF-8."""
    return orjson.dumps(tree)


def _integer_as_spelled(spelled: str) -> int | orjson.Fragment:
    return int(spelled) if len(spelled) < 19 and spelled != "-0" else orjson.Fragment(spelled)


def _has_delicate_numbers(outside: bytes) -> bool:
    # Whole numbers of up to 18 digits are written as they were. An `e` that is not of `true` or `false` is an exponent.
    return (
        b"." in outside
        or b"-0" in outside
        or b"E" in outside
        or outside.count(b"e") != outside.count(b"t") + outside.count(b"f")
        or b"0" * 19 in outside.translate(_ZEROS)
    )


def _loses_colons(body: bytes, tree: Any) -> bool:
    # A colon stands behind each key or in a string. Of two equal keys the parser keeps one, and so the colon of the
    # other is missing where the tree is written again. Only an escape of a colon is written as one that was none.
    colons = body.count(b":")
    if b"\\u003" in body:
        escapes = body.replace(rb"\\", b"").lower()  # what an escaped backslash hides is no escape
        colons += escapes.count(rb"\u003a")
    return colons != orjson.dumps(tree).count(b":")


def _check_objects(tree: Any) -> None:
    # Level by level: no recursion that a deep body could exhaust.
    depth = 0
    names: set[str] = set()
    objects: list[dict[str, Any]] = []
    level = [tree]
    while level:
        dicts = [value for value in level if type(value) is dict]
        lists = [value for value in level if type(value) is list]
        depth += bool(dicts or lists)
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH} levels")
        names.update(*dicts)
        objects += dicts
        level = [inner for each in dicts for inner in each.values() if type(inner) in _BOXES]
        level += [inner for each in lists for inner in each if type(inner) in _BOXES]
    if not _fold_apart(names) and not all(map(_fold_apart, set(map(tuple, objects)))):
        raise Unreadable("two keys of one object differ by case or blanks alone")


def _fold_apart(names: Collection[str]) -> bool:
    # Lower-case letters, digits and underscores alone fold to themselves, and the names given here differ.
    text = "".join(names)
    plain = text.isascii() and text.islower() and text.isidentifier()
    return plain or len({folded(name) for name in names}) == len(names)


def _outside_strings(body: bytes) -> bytes:
    # Of valid JSON only what tells of numbers is kept. What could hide a quote goes first; cut at the quotes that are
    # left, the even pieces are what is outside.
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"")
    return b"".join(bare.translate(None, _NO_MARKS).split(b'"')[::2])


# ── forms (application/x-www-form-urlencoded, WHATWG URL, section 5) ──


class Field(NamedTuple):
    """One field of a form, decoded; its index in the form is its index in the body cut at `&`."""

    name: str
    value: str


_ESCAPE = rb"%[0-9A-Fa-f]{2}"
_NAME_BYTES = rb"[!-$'-<>-~]*+"  # printable ASCII but % & =
_VALUE_BYTES = rb"[!-$'-~]*+"  # printable ASCII but % &
_FIELD = re.compile(  # nothing is tried twice, or a long value would take a hundred times its bytes
    rb"(?!=)(%b(?:%b%b)*+)=(%b(?:%b%b)*+)" % (_NAME_BYTES, _ESCAPE, _NAME_BYTES, _VALUE_BYTES, _ESCAPE, _VALUE_BYTES)
)


def form_fields(body: bytes, repeatable: frozenset[str] = NONE_REPEATS) -> tuple[Field, ...]:
    """Read a form that has exactly one reading, in its order; raises Unreadable.

    Only the names in `repeatable` may stand more than once. Refused are also fields without a name or without `=`,
    stray bytes, wrong escapes, NUL, text that is not UTF-8, names that differ by case, blanks or `[]` alone, names that
    would make another request of it or are longer than LONGEST_NAME, and more than MAX_FIELDS. A semicolon is data;
    each counts as a field.
    """
    if body.count(b"&") + body.count(b";") >= MAX_FIELDS:  # what stands behind a semicolon is looked at as a field too
        raise Unreadable(f"more than {MAX_FIELDS} fields")
    if any(map(overrides, names_behind_semicolons(body))):
        raise Unreadable("a field would make another request of it")
    fields = tuple(_field(piece) for piece in body.split(b"&")) if body else ()
    refuse_twins((field.name for field in fields), repeatable)
    return fields


def drop_fields(body: bytes, indexes: frozenset[int]) -> bytes:
    """Take the fields at these indexes out of a form; every other byte stays."""
    return replace_fields(body, dict.fromkeys(indexes))


def replace_fields(body: bytes, changes: Mapping[int, str | None]) -> bytes:
    """Give the fields at these indexes other values, or with None take them out; every other byte stays.

    Raises LookupError for an index that the form does not have.
    """
    pieces: list[bytes | None] = [*body.split(b"&")] if body else []
    for index, value in changes.items():
        if not 0 <= index < len(pieces):
            raise LookupError(index)
        pieces[index] = None if value is None else _written(pieces[index] or b"", value)
    return b"&".join(piece for piece in pieces if piece is not None)


def _written(piece: bytes, value: str) -> bytes:
    return piece[: piece.index(b"=") + 1] + quote_plus(value).encode()


def _field(piece: bytes) -> Field:
    match = _FIELD.fullmatch(piece)
    if match is None:
        raise Unreadable("a field of the form is not NAME=VALUE in URL encoding")
    return Field(_form_text(_short(match[1])), _form_text(match[2]))


def _short(name: bytes) -> bytes:
    # Some readers drop what others keep, so a name cannot be cut; undoing and folding a very long one takes its time.
    if len(name) > LONGEST_NAME:
        raise Unreadable(f"a field's name of more than {LONGEST_NAME} bytes")
    return name


def names_behind_semicolons(raw: bytes) -> Iterator[str]:
    """Find the names of fields for readers who cut a form at semicolons too, as HTML 4 advised (appendix B.2.2).

    Raises Unreadable for one longer than LONGEST_NAME.
    """
    for piece in raw.split(b";")[1:]:
        name, equals, _ = piece.partition(b"&")[0].partition(b"=")
        if equals:
            yield unquote_to_bytes(_short(name).replace(b"+", b" ")).decode(errors="replace")


def _form_text(raw: bytes) -> str:
    # The escapes are right, so they are those of quoted-printable but for their mark, and it is undone in one go.
    decoded = a2b_qp(raw.replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"="))
    if b"\0" in decoded:
        raise Unreadable("a field of the form holds a NUL")
    try:
        return decoded.decode()
    except UnicodeDecodeError:
        raise Unreadable("a field of the form is not UTF-8") from None


def refuse_twins(names: Iterable[str], repeatable: frozenset[str]) -> None:
    """Refuse a name that stands twice, unless it may, and names that differ by case, blanks or `[]` alone.

    So is a name that would make another request of it, or is longer than LONGEST_NAME.
    """
    seen: dict[str, str] = {}
    for name in names:
        if len(name) > LONGEST_NAME:
            raise Unreadable(f"a field's name of more than {LONGEST_NAME} bytes")
        if overrides(name):
            raise Unreadable("a field would make another request of it")
        fold = folded_field(name)
        if fold in seen and not (seen[fold] == name and name in repeatable):
            raise Unreadable("a field stands twice in the form, or two differ by case, blanks or [] alone")
        seen[fold] = name
