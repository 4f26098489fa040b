"""Lists of mailboxes: what has one reading, what has several, and what is left when some go."""

from __future__ import annotations

import contextlib
from email.errors import HeaderParseError
from email.headerregistry import AddressHeader
from email.policy import default
from email.utils import getaddresses
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy.identity import email_keys
from proxy.formats.mailboxes import Mailbox, mailboxes, single, without
from proxy.providers.base import Unreadable

GOOD = [
    pytest.param("a@x.io", [("a@x.io", "")], id="bare"),
    pytest.param("<a@x.io>", [("a@x.io", "")], id="brackets alone"),
    pytest.param("< a@x.io\t>", [("a@x.io", "")], id="blanks in brackets"),
    pytest.param("Ada Lovelace <a@x.io>", [("a@x.io", "Ada Lovelace")], id="name"),
    pytest.param("Ada<a@x.io>", [("a@x.io", "Ada")], id="name without a blank"),
    pytest.param("J. R. O'Hara-Doe <a@x.io>", [("a@x.io", "J. R. O'Hara-Doe")], id="marks in a name"),
    pytest.param("Jürgen Groß <a@x.io>", [("a@x.io", "Jürgen Groß")], id="UTF-8 name"),
    pytest.param("王，明 <a@x.io>", [("a@x.io", "王，明")], id="full-width comma in a name"),
    pytest.param("[EXT] Ada <a@x.io>", [("a@x.io", "[EXT] Ada")], id="square brackets in a name"),
    pytest.param('"Doe, J" <a@x.io>, b@x.io', [("a@x.io", "Doe, J"), ("b@x.io", "")], id="comma in quotes"),
    pytest.param('"J \\"X\\" Doe" <a@x.io>', [("a@x.io", 'J "X" Doe')], id="escapes in quotes"),
    pytest.param('Ada "the first" L <a@x.io>', [("a@x.io", "Ada the first L")], id="quotes inside a name"),
    pytest.param('"" <a@x.io>', [("a@x.io", "")], id="empty name"),
    pytest.param("Doe, J <a@x.io>", [("Doe", ""), ("a@x.io", "J")], id="comma that needed quotes"),
    pytest.param('"b@y.io" <a@x.io>', [("a@x.io", "b@y.io")], id="address as a quoted name"),
    pytest.param("a@x.io <A@X.io>", [("A@X.io", "a@x.io")], id="the same address as a bare name"),
    pytest.param('"jane doe"@x.io', [('"jane doe"@x.io', "")], id="quoted local part"),
    pytest.param('J <"a,b"@x.io>', [('"a,b"@x.io', "J")], id="quoted comma in a local part"),
    pytest.param("a@[IPv6:::1], b@[127.0.0.1]", [("a@[IPv6:::1]", ""), ("b@[127.0.0.1]", "")], id="domain literals"),
    pytest.param("a@x.io (Ada), (x) b@x.io", [("a@x.io", ""), ("b@x.io", "")], id="comments around"),
    pytest.param("Ada (Sales, DE) <a@x.io> (x)", [("a@x.io", "Ada")], id="comments around brackets"),
    pytest.param("a@x.io (=?utf-8?Q?J=C3=BCrg?=)", [("a@x.io", "")], id="encoded comment"),
    pytest.param("a@x.io, , b@x.io", [("a@x.io", ""), ("b@x.io", "")], id="empty element"),
    pytest.param(",a@x.io ,\t,", [("a@x.io", "")], id="commas at the ends"),
    pytest.param("", [], id="nothing"),
    pytest.param(" , ,", [], id="commas alone"),
    pytest.param("not-an-address", [("not-an-address", "")], id="no address"),
    pytest.param("Ada L <nobody>, <>", [("nobody", "Ada L"), ("", "")], id="no address in brackets"),
    pytest.param("@x.io, a@", [("@x.io", ""), ("a@", "")], id="half an address"),
    pytest.param("jürgen@müller.de", [("jürgen@müller.de", "")], id="UTF-8 address"),
    pytest.param("=?utf-8?Q?J=C3=BCrg?= <a@x.io>", [("a@x.io", "Jürg")], id="encoded word, Q"),
    pytest.param("=?UTF-8?b?SsO8cmc=?= D <a@x.io>", [("a@x.io", "Jürg D")], id="encoded word, B"),
    pytest.param("=?utf-8*de?Q?a?= =?utf-8?Q?b_c?= <a@x.io>", [("a@x.io", "ab c")], id="encoded words in a row"),
    pytest.param('"=?iso-8859-1?Q?J=FCrg?=" <a@x.io>', [("a@x.io", "Jürg")], id="encoded word in quotes"),
    pytest.param("=?x-none?Q?J=FCrg?= <a@x.io>", [("a@x.io", "Jürg")], id="unknown charset"),
    pytest.param("=?iso-8859-99?Q?J?= <a@x.io>", [("a@x.io", "J")], id="charset that there is not"),
    pytest.param("=?utf-8?B?SsO8cmcx!?= <a@x.io>", [("a@x.io", "Jürg1")], id="broken base64"),
    pytest.param("=?utf-8?Q?b=40y.io?= <a@x.io>", [("a@x.io", "b@y.io")], id="address as an encoded name"),
]

BAD = [
    pytest.param('"Ada <a@x.io>', id="quote that does not close"),
    pytest.param('a"@x.io', id="stray quote"),
    pytest.param('"a"b@x.io', id="quotes and more in a local part"),
    pytest.param('"a\\"b"@x.io', id="escape in a local part"),
    pytest.param("Ada <a@x.io", id="bracket that does not close"),
    pytest.param("a@x.io>", id="bracket that was not opened"),
    pytest.param("<<a@x.io>>", id="two brackets"),
    pytest.param("a@x.io (Ada", id="comment that does not close"),
    pytest.param("a@x.io Ada)", id="comment that was not opened"),
    pytest.param("a@x.io (a (b) c)", id="nested comment"),
    pytest.param("a@x.io (b\\)", id="escape in a comment"),
    pytest.param("a@x.io (b@y.io)", id="address in a comment"),
    pytest.param("a@x.io (=?utf-8?Q?b=40y.io?=)", id="address in an encoded comment"),
    pytest.param('(") a@x.io, b@x.io (")', id="quote in a comment"),
    pytest.param("(Ada)", id="comment alone"),
    pytest.param("a@x.io, (b), c@x.io", id="comment as an element"),
    pytest.param("a(b)@x.io", id="comment in an address"),
    pytest.param("a@x.io; b@x.io", id="semicolon"),
    pytest.param("team: a@x.io, b@x.io;", id="group"),
    pytest.param("undisclosed-recipients:;", id="empty group"),
    pytest.param("mailto:a@x.io", id="scheme"),
    pytest.param("Re: Ada <a@x.io>", id="colon in a name"),
    pytest.param("Ada\\, L <a@x.io>", id="escape in a bare name"),
    pytest.param("a@x.io b@x.io", id="two addresses"),
    pytest.param("Ada b@x.io", id="name without brackets"),
    pytest.param("a @ x.io", id="blanks in an address"),
    pytest.param("a@x.io\u00a0", id="no-break space behind an address"),
    pytest.param("a\u3000b@x.io", id="ideographic space in an address"),
    pytest.param('"(a"@x.io', id="quoted bracket in a local part"),
    pytest.param("a@b@x.io", id="two signs"),
    pytest.param("a@x.io，b@x.io", id="full-width comma between addresses"),
    pytest.param("<a@x.io> <b@x.io>", id="two in brackets"),
    pytest.param("<a@x.io> Ada", id="text behind brackets"),
    pytest.param("<a@x.io>b@x.io", id="address behind brackets"),
    pytest.param("<a@x.io, b@x.io>", id="list in brackets"),
    pytest.param("b@y.io <a@x.io>", id="another address as a bare name"),
    pytest.param("ｂ＠y.io <a@x.io>", id="full-width address as a bare name"),
    pytest.param("@ada <a@x.io>", id="sign in a bare name"),
    pytest.param("nobody@ <nobody@>", id="no address as a bare name"),
    pytest.param('"a@x.io"', id="quoted address alone"),
    pytest.param('"b@y.io, c@y.io" <a@x.io>', id="list in a quoted name"),
    pytest.param('"b@y.io; c" <a@x.io>', id="semicolon list in a quoted name"),
    pytest.param('"<b@y.io>" <a@x.io>', id="brackets in a quoted name"),
    pytest.param('"＜b＠y.io＞" <a@x.io>', id="full-width brackets in a quoted name"),
    pytest.param('"x\\" b@y.io \\"z" <a@x.io>', id="address between escaped quotes"),
    pytest.param("<@relay.io:a@x.io>", id="route"),
    pytest.param("a@[x]b", id="literal and more"),
    pytest.param("a@x.io\nb@x.io", id="LF"),
    pytest.param("a@x.io\r\n\tb@x.io", id="folding"),
    pytest.param("a@x.io\0", id="NUL"),
    pytest.param("Ada\x85 <a@x.io>", id="C1 control"),
    pytest.param("Ada\u2028 <a@x.io>", id="line separator"),
    pytest.param("Ada\ud83d <a@x.io>", id="lone surrogate"),
    pytest.param("=?utf-8?Q?b=40y.io=2C?= <a@x.io>", id="encoded list"),
    pytest.param("=?utf-8?Q?b=40y.io?= =?utf-8?Q?=2Cc?= <a@x.io>", id="list in two encoded words"),
    pytest.param("=?utf-8?B?PGJAeS5pbz4=?= <a@x.io>", id="encoded brackets"),
    pytest.param("=?utf-8?Q?=3D=3Futf-8=3FQ=3F=3D40=2C=3F=3D?= <a@x.io>", id="encoded list, encoded"),
    pytest.param("=?utf-8?Q?a=0D=0ABcc:_b?= <a@x.io>", id="encoded line break"),
    pytest.param("=?utf-16be?B?AA==?= =?utf-16be?B?QA==?= <a@x.io>", id="sign torn over UTF-16"),
    pytest.param("=?utf-7?Q?b+AEA-y.io?= <a@x.io>", id="UTF-7"),
    pytest.param("=?utf-8?Q?a?=@x.io", id="encoded local part"),
    pytest.param("<=?utf-8?Q?a=40x.io?=>", id="encoded address"),
    pytest.param("=?utf-8?Q?Doe,_J?= <a@x.io>", id="encoded word torn by a comma"),
]


def people(found: tuple[Mailbox, ...]) -> list[tuple[str, str]]:
    return [(mailbox.address, mailbox.name) for mailbox in found]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_a_list_with_one_reading_is_read(text: str, expected: list[tuple[str, str]]) -> None:
    """Addresses and names are found in their order, each with the span that it stands in."""
    found = mailboxes(text)
    assert people(found) == expected
    assert all(people(mailboxes(text[each.start : each.end])) == [(each.address, each.name)] for each in found)


@pytest.mark.parametrize("text", BAD)
def test_a_list_with_several_readings_is_refused(text: str) -> None:
    """Where two readers could find different people nobody is found, alone or among others."""
    for written in (text, f"z@x.io, {text}, y@x.io"):
        with pytest.raises(Unreadable):
            mailboxes(written)
    assert single(text) == ""


SINGLE = [
    pytest.param("a@x.io", "a@x.io", id="bare"),
    pytest.param("  Ada <a@x.io>\t", "a@x.io", id="named, with blanks around"),
    pytest.param("not-an-address", "not-an-address", id="no address"),
    pytest.param("", "", id="nothing"),
    pytest.param("a@x.io,", "", id="with a comma"),
    pytest.param("a@x.io, b@x.io", "", id="two"),
    pytest.param("a@x.io\n", "", id="line break"),
]


@pytest.mark.parametrize(("text", "address"), SINGLE)
def test_a_single_mailbox_gives_its_address(text: str, address: str) -> None:
    """The address of exactly one mailbox is given, and nothing for any other text."""
    assert single(text) == address


WITHOUT = [
    pytest.param("a@x.io,  b@x.io", [], "a@x.io,  b@x.io", id="nobody"),
    pytest.param(" a@x.io,,", [], " a@x.io,,", id="nobody, untidy"),
    pytest.param("a@x.io,b@x.io,\tc@x.io", [1], "a@x.io,\tc@x.io", id="from the middle"),
    pytest.param("a@x.io,b@x.io , c@x.io", [0], "b@x.io , c@x.io", id="the first"),
    pytest.param("a@x.io,b@x.io, c@x.io,", [2], "a@x.io,b@x.io", id="the last"),
    pytest.param("a@x.io, , b@x.io, ,c@x.io", [1], "a@x.io,c@x.io", id="with empty neighbours"),
    pytest.param("a@x.io, , b@x.io, c@x.io", [2], "a@x.io, , b@x.io", id="far from an empty one"),
    pytest.param('"D, J" <a@x.io> (x), B <b@x.io>', [0], "B <b@x.io>", id="with its name and comment"),
    pytest.param("a@x.io, b@x.io", [0, 1], "", id="all"),
]


@pytest.mark.parametrize(("text", "indexes", "left"), WITHOUT)
def test_a_list_without_some_is_tidy(text: str, indexes: list[int], left: str) -> None:
    """The others keep their characters and no comma is left where somebody went."""
    assert without(text, frozenset(indexes)) == left


def test_nobody_else_is_taken_out() -> None:
    """An index that the list does not have is refused: somebody would stay in it."""
    with pytest.raises(Unreadable):
        without("a@x.io", frozenset({1}))


# ── properties ──

LOCALS = st.sampled_from(["a", "b.c", "d+e", "O'Hara", "ü", '"f g"', "h..i", "j%k", "L=m"])
DOMAINS = st.sampled_from(["x.io", "X.IO", "müller.de", "a-b.example.com", "[127.0.0.1]"])
PHRASES = st.sampled_from(
    ["", "Ada ", "J. Doe ", '"Doe, J" ', '"\\"q\\" (x" ', "Ada(x) ", "=?utf-8?Q?J=C3=BC?= ", "(y, z) Ada ", '"b@y.io" ']
)
BLANK = st.sampled_from(["", " ", "\t", "  "])
GAPS = st.sampled_from([",", ", ", " ,", ",,", ", ,\t"])
ENDS = st.sampled_from(["", "", " ", ", "])


@st.composite
def elements(draw: st.DrawFn) -> tuple[str, str]:
    """Write one mailbox by hand and tell its address."""
    address = f"{draw(LOCALS)}@{draw(DOMAINS)}"
    comment = draw(st.sampled_from(["", "", " (c)"]))
    if draw(st.booleans()):
        return address + comment, address
    return f"{draw(PHRASES)}<{draw(BLANK)}{address}{draw(BLANK)}>{comment}", address


@st.composite
def lists(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Write a list by hand and tell its addresses."""
    found = draw(st.lists(elements(), max_size=5))
    text = draw(ENDS)
    for index, (written, _) in enumerate(found):
        text += (draw(GAPS) if index else "") + written
    return text + draw(ENDS), [address for _, address in found]


@given(lists())
def test_everybody_in_a_written_list_is_found(case: tuple[str, list[str]]) -> None:
    """The addresses that a list was written with are those that are found, in their order."""
    text, addresses = case
    assert [mailbox.address for mailbox in mailboxes(text)] == addresses


@given(lists(), st.sets(st.integers(0, 4)), st.sets(st.integers(0, 4)))
def test_taking_out_leaves_exactly_the_others(case: tuple[str, list[str]], one: set[int], two: set[int]) -> None:
    """What is left reads as the mailboxes less those taken out, and two steps leave what one step leaves."""
    text, addresses = case
    everybody = frozenset(range(len(addresses)))
    first, both = everybody & one, everybody & (one | two)
    left = without(text, both)
    kept = [each for index, each in enumerate(mailboxes(text)) if index not in both]
    assert people(mailboxes(left)) == people(tuple(kept))
    assert [left[each.start : each.end] for each in mailboxes(left)] == [text[each.start : each.end] for each in kept]
    assert not both or left == left.strip(" \t,")
    after_first = sorted(everybody - first)
    second = frozenset(after_first.index(index) for index in both - first)
    assert without(without(text, first), second) == left


# Few characters, all that means something to some reader of lists, so that odd texts come up often.
ODD_PIECES = [*'ab@@..,,;: \t"\\()<>[]', "=?utf-8?Q?", "=40", "?=", "x.io", "a@x.io", " <b@x.io>", "\u00a0"]
ODD = st.lists(st.sampled_from(ODD_PIECES), max_size=12).map("".join)
ODD_LISTS = st.lists(st.one_of(ODD, elements().map(lambda each: each[0])), max_size=4).map(", ".join)


@given(st.text() | ODD_LISTS)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but Unreadable is raised; spans lie in order, and each holds its address; a single one never raises."""
    single(text)
    try:
        found = mailboxes(text)
    except Unreadable:
        return
    behind = 0
    for mailbox in found:
        assert behind <= mailbox.start < mailbox.end <= len(text)
        assert mailbox.address in text[mailbox.start : mailbox.end]
        behind = mailbox.end + 1


def _keys(addresses: list[str]) -> set[str]:
    return {key for address in addresses for key in email_keys(address)}


def _modern(text: str) -> list[str]:
    """Ask the newer reader, which breaks down over some texts (`.a@x.io`): then it finds nobody."""
    with contextlib.suppress(TypeError, IndexError, AttributeError, ValueError, HeaderParseError):
        return [address.addr_spec for address in cast("AddressHeader", default.header_factory("To", text)).addresses]
    return []


@given(ODD_LISTS)
@example(".a@x.io")
@example('"b@y.io" <a@x.io>, a@[IPv6:::1]')
def test_the_standard_library_finds_nobody_else(text: str) -> None:
    """In every list that is let through both readers of the standard library find only people who were found here."""
    try:
        ours = _keys([mailbox.address for mailbox in mailboxes(text)])
    except Unreadable:
        return
    assert _keys([address for _, address in getaddresses([text])]) <= ours
    assert _keys(_modern(text)) <= ours
