"""Strict reading, against readers that choose differently where a text leaves room."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from proxy import strict
from proxy.providers.base import Unreadable

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FIELD_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
# Few names, so that twins are found often; among them all that hides a key from a careless count.
NAMES = st.sampled_from(["to", "To", " to", "cc", "a:b", 'q"', "b\\", '\\":', "ſ", "s", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS | NAMES


def headers(*content_types: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict([("Content-Type", value) for value in content_types]))


# ── JSON ──


@st.composite
def json_texts(draw: st.DrawFn, depth: int = 3) -> str:
    """Write JSON by hand, with blanks, escapes and repeated keys, as no library would."""
    blank = draw(st.sampled_from(["", " ", "\n\t"]))
    ascii_only = draw(st.booleans())
    colon = draw(st.sampled_from([":", "\\u003a", "\\u003A"]))
    kind = draw(st.sampled_from(["scalar", "array", "object"])) if depth else "scalar"
    if kind == "scalar":
        return json.dumps(draw(SCALARS), ensure_ascii=ascii_only).replace(":", colon) + blank
    inner = draw(st.lists(json_texts(depth - 1), max_size=3))
    if kind == "array":
        return f"{blank}[{blank}{','.join(inner)}]"
    names = [json.dumps(draw(NAMES), ensure_ascii=ascii_only).replace("/", "\\/").replace(":", colon) for _ in inner]
    pairs = ",".join(f"{blank}{name}{blank}:{value}" for name, value in zip(names, inner, strict=True))
    return f"{{{pairs}}}{blank}"


def has_twins(text: str) -> bool:
    twins = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twins
        twins |= len({name.strip().casefold() for name, _ in pairs}) < len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    return twins


@given(json_texts())
def test_json_is_refused_exactly_when_an_object_has_twins(text: str) -> None:
    """Objects with the same key twice, or with two that differ by case or blanks, are refused; no others are."""
    if has_twins(text):
        with pytest.raises(Unreadable):
            strict.json_tree(text.encode())
    else:
        strict.json_tree(text.encode())


@given(json_texts())
def test_what_is_read_is_what_another_parser_reads(text: str) -> None:
    """The standard library's reader finds the same in every text that is let through."""
    try:
        tree = strict.json_tree(text.encode())
    except Unreadable:
        return
    whole_as_float = json.loads(
        text, parse_int=lambda digits: int(digits) if -(2**63) <= int(digits) < 2**64 else float(digits)
    )
    assert tree == whole_as_float


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_as_json(body: bytes) -> None:
    """Whatever the bytes, nothing but Unreadable is raised, and what is read can be written and read again."""
    try:
        tree = strict.json_tree(body)
    except Unreadable:
        return
    assert strict.json_tree(strict.write_json(strict.json_as_spelled(body))) == tree


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="BOM"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a":"\xe4"}', id="Latin-1"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(b'{"a":"\\ud800"}', id="a lone surrogate"),
        pytest.param(b'{"a":"\\udc00\\ud800"}', id="surrogates in the wrong order"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":-Infinity}', id="Infinity"),
        pytest.param(b'{"a":1e999}', id="a number beyond a double"),
        pytest.param(b'{"a":1}{}', id="two documents"),
        pytest.param(b'{"a":1}\0', id="a NUL behind it"),
        pytest.param(b'{"a":1,}', id="a trailing comma"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":1/**/}', id="a comment"),
        pytest.param(b'{"a":"\n"}', id="a bare line break in a string"),
        pytest.param(b'{"a":1,"a":1}', id="a key twice with the same value"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="a key twice, once escaped"),
        pytest.param(b'{"x\\\\":1,"x\\\\":2}', id="a key twice that ends in a backslash"),
        pytest.param(b'{"a":"\\u003a","a":"\\u003a"}', id="a key twice beside escaped colons"),
        pytest.param(b'{"a":1,"a":2,"b":"\\u003a"}', id="a key twice and a colon that was none"),
        pytest.param(b'{"x":{"y":[{"a":1,"b":2,"a":3}]}}', id="a key twice, deep down"),
        pytest.param(b'[{"a":1,"b":2},{"a":1,"b":2,"b":3}]', id="a key twice beside a like object"),
        pytest.param(b'{"email":1,"Email":2}', id="case twins"),
        pytest.param('{"kind":1,"\u212aind":2}'.encode(), id="case twins by a Kelvin sign"),
        pytest.param(b'{"to":1," to":2}', id="twins by a blank"),
        pytest.param(b'{"to":1,"to\\u0000x":2}', id="twins for a reader that stops at NUL"),
        pytest.param(b"[" * 100_000, id="a hundred thousand open arrays"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="a hundred thousand arrays"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="a hundred thousand objects"),
        pytest.param(b"[" * 101 + b"]" * 101, id="one level too deep"),
        pytest.param(b"[" + b"{}," * strict.MAX_BRACKETS + b"1]", id="too many objects"),
        pytest.param(b"[" + b"0," * (strict.MAX_COMMAS + 1) + b"1]", id="too many values"),
    ],
)
def test_json_with_more_than_one_reading_is_refused(body: bytes) -> None:
    """JSON that any two readers could read differently is refused."""
    with pytest.raises(Unreadable):
        strict.json_tree(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b' {"a" :\r\n\t[ ] }\n', id="blanks"),
        pytest.param(b'{"a":":","b":"\\":","c":"\\\\"}', id="colons and quotes in strings"),
        pytest.param(b'{"a":{"x":1},"b":{"x":1}}', id="a key in two objects"),
        pytest.param(b'{"a":"\\ud83d\\ude00"}', id="a pair of surrogates"),
        pytest.param(b'{"a":"\\u0000"}', id="a NUL in a value"),
        pytest.param(b"[" * 100 + b"]" * 100, id="as deep as allowed"),
        pytest.param(b'{"a":"' + b"x" * 3_000_000 + b'"}', id="a large attachment"),
        pytest.param(b'"https://example.com"', id="a string alone"),
    ],
)
def test_json_with_one_reading_is_read(body: bytes) -> None:
    """Unusual JSON with but one reading is taken, and writing it again keeps what it says."""
    assert strict.json_tree(body) == json.loads(body)
    assert json.loads(strict.write_json(strict.json_as_spelled(body))) == json.loads(body)


@pytest.mark.parametrize(
    "number", ["1.10", "1e2", "-0", "-0.0", "1E+2", "0.1000000000000000055", "9" * 40, f"-{2**63}"]
)
def test_numbers_stay_as_they_are_spelled(number: str) -> None:
    """A number goes out digit by digit as it came in, and so does the order of the keys."""
    body = f'{{"z":{number},"a":[{number}],"z2":1}}'.encode()
    assert strict.write_json(strict.json_as_spelled(body)) == body


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_any_number_stays_as_it_is_spelled(number: str) -> None:
    """No number within a double's range is changed by writing, however it is spelled."""
    assert strict.write_json(strict.json_as_spelled(number.encode())) == number.encode()


@given(json_texts())
def test_writing_what_was_read_changes_no_number(text: str) -> None:
    """Whether parsed again or not, what is written is what the slow way writes, number by number."""
    body = text.encode()
    try:
        tree = strict.json_tree(body)
    except Unreadable:
        return
    assert strict.write_json(strict.json_for_writing(body, tree)) == strict.write_json(strict.json_as_spelled(body))


DELICATE = ("1.10", "1e2", "1E2", "-0", "-0.0", str(2**64), "9" * 19, str(-(2**63)))


@pytest.mark.parametrize("number", DELICATE)
@pytest.mark.parametrize("form", ["{}", "[true,{}]", '{{"e":false,"a":[null,{} ]}}', '{{"\\\\":{},"\\"":"1"}}'])
def test_a_delicate_number_is_copied(form: str, number: str) -> None:
    """A number that the parser would respell is found wherever it stands, and copied."""
    body = form.format(number).encode()
    written = strict.write_json(strict.json_for_writing(body, strict.json_tree(body)))
    assert written == body.replace(b" ", b"")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":[true,false,null,0,-1,10]}', id="plain numbers and literals"),
        pytest.param(b'{"a":"1.5 -0 1e5 E \\" 1.5"}', id="numbers in texts"),
        pytest.param(b'{"1.5":"\\\\","-0":""}', id="numbers in keys"),
        pytest.param(b"[123456789,123456789,123456789]", id="many digits"),
        pytest.param(b"999999999999999999", id="eighteen digits"),
    ],
)
def test_a_tree_without_delicate_numbers_is_not_made_twice(body: bytes) -> None:
    """What can be written as it was parsed is not parsed again."""
    tree = strict.json_tree(body)
    assert strict.json_for_writing(body, tree) is tree


# ── forms ──


@given(st.lists(st.tuples(FIELD_TEXTS.filter(bool), FIELD_TEXTS), max_size=5))
def test_a_form_is_read_as_it_was_meant(pairs: list[tuple[str, str]]) -> None:
    """What an ordinary client encodes is read back in its order, unless two names are twins."""
    body = urlencode(pairs).encode()
    folds = [name.partition("[")[0].strip().casefold() for name, _ in pairs]
    if len(set(folds)) < len(folds):
        with pytest.raises(Unreadable):
            strict.form_fields(body)
    else:
        assert list(strict.form_fields(body)) == pairs


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xef\xbb\xbfTo=1", id="BOM"),
        pytest.param(b"To=%E4", id="Latin-1"),
        pytest.param(b"To=%ED%A0%80", id="a surrogate"),
        pytest.param(b"To=\xc3\xa4", id="bytes that are not escaped"),
        pytest.param(b"To=1 2", id="a bare blank"),
        pytest.param(b"To=1\r\n", id="a line break behind it"),
        pytest.param(b"To=1%00", id="a NUL"),
        pytest.param(b"To%00=1", id="a NUL in a name"),
        pytest.param(b"To=%", id="an escape without digits"),
        pytest.param(b"To=%4", id="an escape of one digit"),
        pytest.param(b"To=%zz", id="an escape without hexadecimal digits"),
        pytest.param(b"To=%u0041", id="an escape of JavaScript"),
        pytest.param(b"To", id="no equals sign"),
        pytest.param(b"=1", id="no name"),
        pytest.param(b"To=1&", id="an empty field at the end"),
        pytest.param(b"To=1&&Body=x", id="an empty field between"),
        pytest.param(b"To=1&To=1", id="a field twice"),
        pytest.param(b"To=1&%54%6f=2", id="a field twice, once escaped"),
        pytest.param(b"To=1&to=2", id="case twins"),
        pytest.param(b"To=1&To%5B%5D=2", id="a list and a value"),
        pytest.param(b"To=1&+To=2", id="twins by a blank"),
        pytest.param(b"a=1&%5Fmethod=PUT", id="a method override"),
        pytest.param(b"a=1&%255fMethod%5B%5D=PUT", id="a method override, escaped twice"),
        pytest.param(b"a=1;_method=PUT", id="a method override behind a semicolon"),
        pytest.param(b"X-HTTP-Method-Override=PUT", id="a method override by a header's name"),
        pytest.param(b"&".join(b"a%d=" % n for n in range(strict.MAX_FIELDS + 1)), id="too many fields"),
        pytest.param(b"To=1" + b";a=1" * strict.MAX_FIELDS, id="too many fields behind semicolons"),
        pytest.param(b"x" * (strict.LONGEST_NAME + 1) + b"=1", id="a name without end"),
        pytest.param(b"a=1;" + b"x" * (strict.LONGEST_NAME + 1) + b"=1", id="a name without end behind a semicolon"),
        pytest.param(b"Media=1&media=2", id="case twins of a name that may repeat"),
        pytest.param(b"media=1&Media=2", id="case twins, the one that may repeat last"),
        pytest.param(b'{"To":"1"}', id="JSON"),
    ],
)
def test_a_form_with_more_than_one_reading_is_refused(body: bytes) -> None:
    """A form that any two readers could read differently is refused."""
    with pytest.raises(Unreadable):
        strict.form_fields(body, frozenset({"Media"}))


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"To=", [("To", "")], id="an empty value"),
        pytest.param(b"a=1;b=2", [("a", "1;b=2")], id="a semicolon is data"),
        pytest.param(b"a=b=c", [("a", "b=c")], id="an equals sign in a value"),
        pytest.param(b"a=+%2b%26", [("a", " +&")], id="escapes in lower case"),
        pytest.param(b"a=%3D41=41%0A%3d%0d+", [("a", "=41=41\n=\r ")], id="what quoted-printable would undo"),
        pytest.param(b"a=" + b"%41" * 999_999, [("a", "A" * 999_999)], id="a long value of escapes alone"),
        pytest.param(b"method=card", [("method", "card")], id="a name that overrides nothing"),
        pytest.param(b"Media=1&a=2&Media=3", [("Media", "1"), ("a", "2"), ("Media", "3")], id="a name that may repeat"),
    ],
)
def test_a_form_with_one_reading_is_read(body: bytes, fields: list[tuple[str, str]]) -> None:
    """Unusual forms with but one reading are taken, in their order."""
    assert list(strict.form_fields(body, frozenset({"Media"}))) == fields


@given(st.lists(st.one_of(st.sampled_from("=+%\t\r\n \x7f"), st.characters(exclude_characters="\0", codec="utf-8"))))
def test_a_value_is_undone_in_one_go(letters: list[str]) -> None:
    """Every text is read back, whether all of it or only what must be is escaped."""
    text = "".join(letters)
    escaped = "".join(f"%{byte:02x}" for byte in text.encode())
    assert strict.form_fields(f"a={escaped}&b={quote_plus(text)}".encode()) == (("a", text), ("b", text))


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_as_a_form(body: bytes) -> None:
    """Whatever the bytes, nothing but Unreadable is raised, and dropping nothing changes nothing."""
    try:
        strict.form_fields(body)
    except Unreadable:
        return
    assert strict.drop_fields(body, frozenset()) == body


@given(st.lists(FIELD_TEXTS, min_size=1, max_size=5), st.data())
def test_dropping_fields_leaves_the_others_byte_for_byte(values: list[str], data: st.DataObject) -> None:
    """What is left of a form is the text of the other fields, untouched."""
    pieces = [urlencode({f"field{number}": value}) for number, value in enumerate(values)]
    dropped = data.draw(st.sets(st.integers(0, len(pieces) - 1)))
    kept = "&".join(piece for number, piece in enumerate(pieces) if number not in dropped)
    assert strict.drop_fields("&".join(pieces).encode(), frozenset(dropped)) == kept.encode()


@given(st.lists(FIELD_TEXTS, min_size=1, max_size=5), FIELD_TEXTS, st.data())
def test_replacing_a_field_leaves_the_others_byte_for_byte(values: list[str], new: str, data: st.DataObject) -> None:
    """A field gets its new value under its own name as it was written, and nothing else changes."""
    pieces = [urlencode({f"field {number}": value}) for number, value in enumerate(values)]
    index = data.draw(st.integers(0, len(pieces) - 1))
    body = strict.replace_fields("&".join(pieces).encode(), {index: new})
    assert strict.form_fields(body)[index] == (f"field {index}", new)
    after = body.decode().split("&")
    assert [*after[:index], *after[index + 1 :]] == [*pieces[:index], *pieces[index + 1 :]]


@pytest.mark.parametrize(("body", "index"), [(b"", 0), (b"a=1", 1), (b"a=1", -1)])
def test_a_field_that_is_not_there_is_an_error(body: bytes, index: int) -> None:
    """Nobody is left in a form by mistake: an index without a field is told."""
    with pytest.raises(LookupError):
        strict.drop_fields(body, frozenset({index}))


@pytest.mark.parametrize(
    ("body", "names"),
    [
        pytest.param(b"a=1&b=2", [], id="no semicolon"),
        pytest.param(b"a=1;To=2&b=3;%54o=4", ["To", "To"], id="behind values"),
        pytest.param(b";To=1", ["To"], id="at the start"),
        pytest.param(b"a=1;;x;+To=2;To", [" To"], id="behind several"),
        pytest.param(b"a=1;b&To=2", [], id="before an ampersand"),
        pytest.param(b"a=1%3BTo=2", [], id="an escaped semicolon"),
        pytest.param(b"a=1;%ff=2", ["\ufffd"], id="not UTF-8"),
    ],
)
def test_names_behind_semicolons(body: bytes, names: list[str]) -> None:
    """Whoever cuts a form at semicolons too finds these fields more."""
    assert list(strict.names_behind_semicolons(body)) == names


# ── names ──

DECIDING = frozenset({"to", "sendat"})


@pytest.mark.parametrize(
    "name",
    [
        "To",
        "to[]",
        "To[0]",
        "to[x]",
        "&.To",
        "To_",
        "\ufeffTo",
        "t\u200bo",
        "ｔｏ",
        "To\0x",
        "To2",
        "SendAt",
        "send_at",
    ],
)
def test_a_name_that_looks_like_another(name: str) -> None:
    """A name is taken for another that it is without marks, digits, width, case and what nobody sees."""
    assert strict.looks_like(name, DECIDING)


@pytest.mark.parametrize("name", ["", "Top", "X-To", "From", "to_emails", "\u0442\u043e", "x[To]"])
def test_a_name_that_looks_like_none(name: str) -> None:
    """A name with more letters, or with others, is another name."""
    assert not strict.looks_like(name, DECIDING)


@pytest.mark.parametrize(
    "name",
    [
        *("_method", "__method", "_Method[]", "%5Fmethod", "%255F%6dethod", ".method", " _method", "_\uff4dethod"),
        *(
            "X-HTTP-Method-Override",
            "x_http_method_override",
            "X.HTTP.Method",
            "X-Method-Override",
            "HTTP-Method-Override",
        ),
        *("X-Original-URL", "X-Rewrite-Url", "x%2doverride-url", "X-HTTP-Destination-URL"),
    ],
)
def test_a_name_that_makes_another_request(name: str) -> None:
    """Every spelling of a method or path override is found, as a header's name and as a field's."""
    assert strict.overrides(name)


@pytest.mark.parametrize(
    "name", ["method", "Method", "payment_method", "v:_method", "X-Forwarded-For", "MediaUrl", "a%", ""]
)
def test_a_name_that_makes_no_other_request(name: str) -> None:
    """What only says method somewhere is a name like any other."""
    assert not strict.overrides(name)


# ── headers and paths ──


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param((), id="nothing"),
        pytest.param(("application/json",), id="the type"),
        pytest.param(("Application/JSON; Charset=UTF-8",), id="another case"),
        pytest.param(('application/json ;charset="utf-8"',), id="quoted"),
        pytest.param((" application/json; ",), id="an empty parameter"),
    ],
)
def test_a_fitting_content_type_passes(declared: tuple[str, ...]) -> None:
    """The expected type passes with UTF-8 or without a charset, and so does a body without a type."""
    strict.expect_type(headers(*declared), strict.JSON)


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param(("",), id="an empty one"),
        pytest.param(("text/plain",), id="another type"),
        pytest.param(("application/x-www-form-urlencoded",), id="a form"),
        pytest.param(("application/json; charset=utf-16",), id="another charset"),
        pytest.param(("application/json; charset=utf-8; charset=utf-7",), id="two charsets"),
        pytest.param(('application/json; charset="utf-8',), id="an open quote"),
        pytest.param(("application/json; x=y",), id="a parameter that nobody knows"),
        pytest.param(("application/json, text/plain",), id="two types in one"),
        pytest.param(("application/json", "application/json"), id="two headers"),
        pytest.param(("application/json\u017f",), id="letters beyond ASCII"),
    ],
)
def test_an_unfitting_content_type_is_refused(declared: tuple[str, ...]) -> None:
    """Any other declaration is refused, and the refusal does not repeat it."""
    with pytest.raises(Unreadable) as refused:
        strict.expect_type(headers(*declared), strict.JSON)
    assert "charset=utf-7" not in refused.value.detail


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        pytest.param("/v3/mail/send", "/v3/mail/send", id="plain"),
        pytest.param("/v3/mail/send/", "/v3/mail/send", id="a trailing slash"),
        pytest.param("/asm/ada%40example.com", "/asm/ada@example.com", id="an escaped @"),
        pytest.param("/asm/%C3%A4", "/asm/ä", id="UTF-8"),
        pytest.param("/a/.b/c..d", "/a/.b/c..d", id="dots in names"),
        pytest.param("/V3/Mail", "/V3/Mail", id="case is kept"),
    ],
)
def test_a_plain_path_is_decoded(raw: str, path: str) -> None:
    """A path that every server routes alike is decoded once, without its trailing slash."""
    assert strict.plain_path(raw) == path


SEGMENTS = (
    "",
    "/",
    "//",
    "v3/mail",
    "x/v3/mail",
    "/v3//mail",
    "//v3/mail",
    "/v3/mail//",
    "/v3/./mail",
    "/v3/x/../mail",
)
ESCAPES = ("/v3/%2e%2e/mail", "/v3/.%2E/mail", "/v3%2Fmail", "/v3%5cmail", "/v3/m%61il", "/v3/%6Dail", "/v3/mail%252F")
BROKEN = (
    "/v3/mail%2",
    "/v3/mail%zz",
    "/v3/mail%00",
    "/v3/mail%20",
    "/v3/%E4",
    "/v3/\udce4",
    "/v3/m\u00e4il",
    "/v3/mail ",
)
SEPARATORS = ("/v3\\mail", "/v3/mail;x=1", "/v3/mail%3Bx", "/v3/mail?x", "/v3/mail%3F", "/v3/mail#x", "/v3/mail%23")


@pytest.mark.parametrize("raw", [*SEGMENTS, *ESCAPES, *BROKEN, *SEPARATORS, "http://example.com/v3/mail", "*"])
def test_a_path_with_more_than_one_reading_is_none(raw: str) -> None:
    """A path that two servers could route differently has no plain form."""
    assert strict.plain_path(raw) is None


@given(st.text("/.%25eEfFsend?;\\", max_size=12).map(lambda text: f"/{text}"))
def test_a_plain_path_decodes_to_itself(raw: str) -> None:
    """Decoding a plain form again changes nothing: no second layer is hidden in it."""
    path = strict.plain_path(raw)
    if path is not None:
        assert unquote(path) == path == unquote(raw.removesuffix("/"))
        assert strict.plain_path(path) in (path, None)  # what must be escaped in a path is none without its escape
        assert not {"", ".", ".."} & set(path.split("/")[1:])
