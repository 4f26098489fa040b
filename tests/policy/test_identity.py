"""What makes two spellings one person, and what never may."""

import unicodedata
from collections.abc import Callable

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy import identity
from policy.identity import address_keys, domain_of, email_keys, masked, phone_keys

ATOM_LETTERS = "abcXYZ019#$&'*+-/=^_`{|}~."  # all of RFC 5322 but what routes and encoded words are made of
ODD_LETTERS = 'aZß0@.-_+=?%! "\\<>()[]:;,\t\x00ςΣſıİ\u212a\u00ad\u200d\ufeff\u3002\uff0eéẞ😀\u0307\u0338\ud800ｘ'

atoms = st.text(ATOM_LETTERS, min_size=1, max_size=20)
labels = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9_-]{0,10}[a-zA-Z0-9])?", fullmatch=True)
domains = st.lists(labels, min_size=1, max_size=4).map(".".join)
plain_addresses = st.builds("{}@{}".format, atoms, domains)
letters = st.characters(categories=["Lu", "Ll", "Lo", "Lm", "Mn"])
world_words = st.text(letters, min_size=1, max_size=12).filter(lambda word: email_keys(f"{word}@example.com") != ())
odd_texts = st.text(ODD_LETTERS, max_size=30)
any_texts = st.one_of(st.text(st.characters(exclude_categories=[])), odd_texts)
near_addresses = st.builds("{}@{}".format, st.one_of(atoms, odd_texts), st.one_of(domains, odd_texts))
texts = st.one_of(any_texts, near_addresses, plain_addresses)

number_texts = st.one_of(
    st.text("0123456789+-. ()/\uff10\uff19x;", max_size=24),
    st.from_regex(r"(\+|00)?[1-9][0-9]{3,16}", fullmatch=True),
    any_texts,
)
regions = st.sampled_from(["", "DE", "US", "MX", "AR", "IT", "BR", "GB", "de", "XX", "\ud800"])


# ── e-mail: tables ──

EMAILS = [
    pytest.param("john@example.com", ("john@example.com",), id="ordinary"),
    pytest.param("John.DOE@Example.COM", ("john.doe@example.com",), id="upper case"),
    pytest.param("john+news@example.com", ("john+news@example.com",), id="plus is kept"),
    pytest.param(" \tjohn@example.com\r\n", ("john@example.com",), id="outer blanks"),
    pytest.param("john@example.com.", ("john@example.com",), id="trailing dot"),
    pytest.param("john@localhost", ("john@localhost",), id="domain without a dot"),
    pytest.param("john@mail_1.example.com", ("john@mail_1.example.com",), id="underscore in the domain"),
    pytest.param("john@mail_1.bücher.example", ("john@mail_1.xn--bcher-kva.example",), id="underscore beside IDN"),
    pytest.param("a..b@example.com", ("a..b@example.com",), id="odd dots"),
    pytest.param(".@example.com", (".@example.com",), id="nothing but a dot"),
    pytest.param('"a..b"@example.com', ("a..b@example.com",), id="odd dots quoted"),
    pytest.param('"john"@x', ("john@x",), id="quoted needlessly"),
    pytest.param(r'"jo\hn"@x', ("john@x",), id="escaped needlessly"),
    pytest.param(r'"jo\"hn"@x', (r'"jo\"hn"@x',), id="quote in quotes"),
    pytest.param(r'"jo\\hn"@x', (r'"jo\\hn"@x',), id="backslash in quotes"),
    pytest.param('"john smith"@x', ('"john smith"@x',), id="space in quotes"),
    pytest.param(r'"John\ Smith"@x', ('"john smith"@x',), id="space escaped in quotes"),
    pytest.param('""@x', ('""@x',), id="empty quotes"),
    pytest.param('"e\\\u0301"@x', ("é@x",), id="escape between a letter and its accent"),
    pytest.param("JOSE\u0301@x", ("josé@x",), id="accent of its own"),
    pytest.param("J\u030c@x", ("\u01f0@x",), id="letter that is one only in lower case"),
    pytest.param("\u212a@x", ("k@x",), id="Kelvin sign"),
    pytest.param("İ@x", ("i\u0307@x", "i@x"), id="Turkish dotted I"),
    pytest.param("ı@x", ("ı@x", "i@x"), id="Turkish dotless i"),
    pytest.param("ſ@x", ("ſ@x", "s@x"), id="long s"),
    pytest.param("ΟΔΟΣ@x", ("οδος@x", "οδοσ@x"), id="final sigma"),
    pytest.param("οδοσ@x", ("οδοσ@x",), id="sigma not final"),
    pytest.param("Straße@x", ("straße@x",), id="ß in the local part"),
    pytest.param("\u13a0@x", ("\uab70@x",), id="Cherokee, where folding goes to upper case"),
    pytest.param("ｊｏｈｎ@x", ("ｊｏｈｎ@x", "john@x"), id="full-width letters"),
    pytest.param("ﬁn@x", ("ﬁn@x", "fin@x"), id="a ligature"),
    pytest.param("Ⓢ@x", ("ⓢ@x", "s@x"), id="a letter in a circle"),
    pytest.param("who?@x", ("who?@x",), id="a question mark"),
    pytest.param("v%e.com@ok.org", ("v%e.com@ok.org", "v@e.com"), id="percent hack"),
    pytest.param("v\uff05e.com@ok.org", ("v\uff05e.com@ok.org", "v%e.com@ok.org", "v@e.com"), id="full-width percent"),
    pytest.param('"v%e.com"@ok.org', ("v%e.com@ok.org", "v@e.com"), id="percent hack in quotes"),
    pytest.param("V%a%B@c", ("v%a%b@c", "v%a@b", "v@a"), id="percent hack twice"),
    pytest.param("v%faß.de@c", ("v%faß.de@c", "v@xn--fa-hia.de", "v@fass.de"), id="percent hack, two doubts"),
    pytest.param("e.com!v@ok.org", ("e.com!v@ok.org", "v@e.com"), id="bang path"),
    pytest.param("a!b!v@ok.org", ("a!b!v@ok.org", "b!v@a", "v@b"), id="bang path twice"),
    pytest.param("a!v%b@c", ("a!v%b@c", "a!v@b", "v@a", "v%b@a", "v@b"), id="bang path or percent hack"),
    pytest.param("50%@x", ("50%@x",), id="percent sign before nothing"),
    pytest.param("!a@x", ("!a@x",), id="mark behind nothing"),
    pytest.param("%a@x", ("%a@x",), id="percent sign behind nothing"),
    pytest.param("a!@x", ("a!@x",), id="mark before nothing"),
    pytest.param("x@FASS.de", ("x@fass.de",), id="ss in the domain"),
    pytest.param("x@faß.de", ("x@xn--fa-hia.de", "x@fass.de"), id="ß in the domain"),
    pytest.param("x@MAIL.faß.DE", ("x@mail.xn--fa-hia.de", "x@mail.fass.de"), id="upper case beside IDN"),
    pytest.param("x@FAẞ.de", ("x@xn--fa-hia.de", "x@fass.de"), id="capital ß in the domain"),
    pytest.param("x@βόλος.com", ("x@xn--nxasmm1c.com", "x@xn--nxasmq6b.com"), id="ς in the domain"),
    pytest.param("x@ΒΌΛΟΣ.com", ("x@xn--nxasmq6b.com",), id="Σ in the domain"),
    pytest.param("ς@faß.de", ("ς@xn--fa-hia.de", "ς@fass.de", "σ@xn--fa-hia.de", "σ@fass.de"), id="two doubts"),
    pytest.param("x@😀.ws", ("x@xn--e28h.ws",), id="emoji domain"),
    pytest.param("x@ß😀.ws", ("x@xn--zca2967w.ws", "x@xn--ss-oo82a.ws"), id="emoji beside ß"),
    pytest.param("x@XN--Fa-hia.de", ("x@xn--fa-hia.de",), id="A-label in upper case"),
    pytest.param("x@xn--a.de", ("x@xn--a.de",), id="A-label of nothing is kept"),
    pytest.param("x@ｅｘａｍｐｌｅ．ｃｏｍ", ("x@example.com",), id="full-width domain"),
    pytest.param("x@example\u3002com\uff61", ("x@example.com",), id="ideographic full stops"),
    pytest.param("x@[1.2.3.4]", ("x@[1.2.3.4]",), id="IPv4 literal"),
    pytest.param("x@[ipV6:2001:DB8::1]", ("x@[ipv6:2001:0db8:0000:0000:0000:0000:0000:0001]",), id="IPv6 literal"),
]

NO_EMAILS = [
    pytest.param("", id="empty"),
    pytest.param("john", id="no at sign"),
    pytest.param("@example.com", id="no local part"),
    pytest.param("john@", id="no domain"),
    pytest.param("a@b@c", id="two at signs"),
    pytest.param('"a@b"@c', id="at sign in quotes"),
    pytest.param('"a\\@b"@c', id="at sign escaped in quotes"),
    pytest.param('"a@b "@c', id="blank and at sign in quotes"),
    pytest.param('"a,b"@c', id="comma in quotes"),
    pytest.param('"a;b"@c', id="semicolon in quotes"),
    pytest.param('"<a>"@c', id="angle brackets in quotes"),
    pytest.param("a\uff20b@c", id="full-width at sign"),
    pytest.param("a\uff0cb@c", id="full-width comma"),
    pytest.param("=?utf-8?q?a?=@c", id="encoded word"),
    pytest.param("=?utf-8?b?YUBi?=x@c", id="encoded word and more"),
    pytest.param('"=?utf-8?q?a?="@c', id="encoded word in quotes"),
    pytest.param("\uff1d?utf-8?q?a?\uff1d@c", id="encoded word in full width"),
    pytest.param("v%a%b%c%d@e", id="a route over many hosts"),
    pytest.param("a!b%c@exam ple.com", id="a route that begins nowhere"),
    pytest.param('"a@b@c', id="quotes never closed"),
    pytest.param('"a"b@c', id="letters after the quotes"),
    pytest.param('a."b"@c', id="obsolete mix of words"),
    pytest.param("John <john@example.com>", id="display name"),
    pytest.param("<john@example.com>", id="angle brackets"),
    pytest.param("john(work)@example.com", id="comment"),
    pytest.param("john@example.com(work)", id="comment behind"),
    pytest.param("mailto:john@example.com", id="URI"),
    pytest.param("a,b@example.com", id="comma"),
    pytest.param("a@example.com,b", id="list"),
    pytest.param("['a@example.com']", id="list of Python"),
    pytest.param("john smith@example.com", id="space unquoted"),
    pytest.param("a@exam ple.com", id="space in the domain"),
    pytest.param("a;b@example.com", id="semicolon"),
    pytest.param("a\u037eb@example.com", id="Greek question mark, a semicolon in NFC"),
    pytest.param("a@b..c", id="empty label"),
    pytest.param("a@.b", id="leading dot"),
    pytest.param("a@b..", id="two trailing dots"),
    pytest.param("a@.", id="only a dot"),
    pytest.param("a@exam!ple.com", id="mark in the domain"),
    pytest.param("a@exam\uff01ple.com", id="full-width mark in the domain"),
    pytest.param("a@exam\uff20ple.com", id="full-width at sign in the domain"),
    pytest.param("a@xn--ü.de", id="A-label with a U-label's letters"),
    pytest.param("a@" + "b" * 64, id="long label"),
    pytest.param("a@" + "ü" * 60, id="long label once encoded"),
    pytest.param("a@" + "\ufdfa" * 20, id="long label once mapped"),
    pytest.param("a@[1.2.3]", id="IPv4 too short"),
    pytest.param("a@[1.2.3.256]", id="IPv4 too high"),
    pytest.param("a@[1.2.3.4", id="literal never closed"),
    pytest.param("a@[1.2.3.4].", id="literal with a trailing dot"),
    pytest.param("a@[::1]", id="IPv6 without its tag"),
    pytest.param("a@[IPv6:fe80::1%eth0]", id="IPv6 with a zone"),
    pytest.param("a@[]", id="empty literal"),
    pytest.param("a" * 320 + "@b", id="overlong"),
    pytest.param("a" * 1_000_000 + "@b", id="huge"),
    pytest.param(" " * 2000 + "a@b", id="huge for its blanks"),
]

UNSEEN = [
    pytest.param("\0", id="NUL"),
    pytest.param("\t", id="tab"),
    pytest.param("\n", id="line feed"),
    pytest.param("\x7f", id="delete"),
    pytest.param("\x85", id="next line"),
    pytest.param("\u00a0", id="no-break space"),
    pytest.param("\u00ad", id="soft hyphen"),
    pytest.param("\u034f", id="grapheme joiner"),
    pytest.param("\u115f", id="Hangul choseong filler"),
    pytest.param("\u1160", id="Hangul jungseong filler"),
    pytest.param("\u17b4", id="Khmer inherent vowel"),
    pytest.param("\u180b", id="Mongolian variation selector"),
    pytest.param("\u2000", id="en quad"),
    pytest.param("\u200b", id="zero-width space"),
    pytest.param("\u200c", id="ZWNJ"),
    pytest.param("\u200d", id="ZWJ"),
    pytest.param("\u202e", id="right-to-left override"),
    pytest.param("\u2028", id="line separator"),
    pytest.param("\u2800", id="Braille blank"),
    pytest.param("\u3164", id="Hangul filler"),
    pytest.param("\ue000", id="private use"),
    pytest.param("\ud800", id="lone surrogate"),
    pytest.param("\ufe0f", id="variation selector"),
    pytest.param("\ufeff", id="BOM"),
    pytest.param("\uffa0", id="half-width Hangul filler"),
    pytest.param("\ufffd", id="replacement character"),
    pytest.param("\U000e0020", id="tag space"),
    pytest.param("\U000e0100", id="variation selector 17"),
    pytest.param("\U000effff", id="unassigned"),
]


@pytest.mark.parametrize(("text", "keys"), EMAILS)
def test_email(text: str, keys: tuple[str, ...]) -> None:
    """An address has these keys, in this order."""
    assert email_keys(text) == keys


@pytest.mark.parametrize("text", NO_EMAILS)
def test_no_email(text: str) -> None:
    """A text that is no single bare address has no key."""
    assert email_keys(text) == ()


@pytest.mark.parametrize("unseen", UNSEEN)
@pytest.mark.parametrize("pattern", ["jo{}hn@example.com", "john@exam{}ple.com", '"jo{}hn"@example.com', "{}é@x{}.com"])
def test_unseen(unseen: str, pattern: str) -> None:
    """A character that nobody sees makes an address invalid, wherever it stands."""
    assert email_keys(pattern.replace("{}", "")) != ()
    assert email_keys(pattern.replace("{}", unseen)) == ()


@given(st.characters(categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"], exclude_characters=" "))
def test_unseen_categories(unseen: str) -> None:
    """No control, format, private, unassigned or separating character may stand in an address, even quoted."""
    assert email_keys(f'"a{unseen}b"@example.com') == ()


# ── e-mail: properties ──


@given(texts)
def test_email_twice_is_once(text: str) -> None:
    """Each key is an address whose canonical key it is, in NFC, lower case and of bounded length."""
    for key in email_keys(text):
        assert email_keys(key)[0] == key
        assert unicodedata.is_normalized("NFC", key)
        assert key == unicodedata.normalize("NFC", key.lower())
        assert len(key) <= 320


@given(texts)
@example("a@" + "b" * 63)
@example("a@" + "b" * 64)
@example("a" * 318 + "@b")
@example("a" * 319 + "@b")
@example("a@xn--B.c.")
@example("a@b\n")
@example("\u212a@b")
def test_fast_path_is_slow_path(text: str) -> None:
    """The short way gives exactly what the full reading gives."""
    assert email_keys(text) == identity._read_email(text)


@given(plain_addresses)
def test_ordinary_is_lower_case(address: str) -> None:
    """An ordinary ASCII address is known by its lower case alone."""
    assert email_keys(address) == (address.lower(),)
    assert identity._read_email(address) == (address.lower(),)


def recased(word: str, change: Callable[[str], str]) -> str:
    """Change the case of each letter that has just one other."""
    changed = ((letter, change(letter)) for letter in unicodedata.normalize("NFC", word))
    return "".join(other if len(other) == 1 else letter for letter, other in changed)


@given(world_words, st.sampled_from([str.upper, str.lower, str.swapcase, str.title]))
@example("οδοσ", str.upper)
@example("ılgaz", str.upper)
@example("µ", str.upper)
def test_case_is_one_person(word: str, change: Callable[[str], str]) -> None:
    """A local part and any other case of it, letter for letter, share a key."""
    assert set(email_keys(f"{word}@x")) & set(email_keys(f"{recased(word, change)}@x"))


@given(world_words)
def test_normal_forms_are_one_person(word: str) -> None:
    """Composed and decomposed spellings have the same keys."""
    composed, decomposed = (unicodedata.normalize(form, f"{word}@x") for form in ("NFC", "NFD"))
    assert email_keys(composed) == email_keys(decomposed) == email_keys(f"{word}@x")


@given(atoms, domains, st.data())
def test_needless_quotes_are_one_person(local: str, domain: str, data: st.DataObject) -> None:
    """Quotes around what needs none, and escapes in them, change nothing."""
    escaped = data.draw(st.lists(st.booleans(), min_size=len(local), max_size=len(local)))
    inside = "".join(f"\\{letter}" if escape else letter for letter, escape in zip(local, escaped, strict=True))
    assert email_keys(f'"{inside}"@{domain}') == email_keys(f"{local}@{domain}")


@given(st.text('ab"\\ :(.é', max_size=10), st.data())
def test_quoted_spellings_are_one_person(content: str, data: st.DataObject) -> None:
    """However a quoted local part is escaped, its keys are the same and never none."""
    wanted = data.draw(st.lists(st.booleans(), min_size=len(content), max_size=len(content)))
    least = "".join(f"\\{c}" if c in '"\\' else c for c in content)
    other = "".join(f"\\{c}" if escape or c in '"\\' else c for c, escape in zip(content, wanted, strict=True))
    assert email_keys(f'"{other}"@x') == email_keys(f'"{least}"@x') != ()


@given(plain_addresses, st.sampled_from([".", "\u3002", "\uff0e", "\uff61"]))
def test_dots_of_the_domain_are_one_person(address: str, dot: str) -> None:
    """A trailing dot and the full stops of East Asia change nothing."""
    local, _, domain = address.rpartition("@")
    assert email_keys(f"{local}@{domain.replace('.', dot)}{dot}") == email_keys(address)


@given(st.text("äöüßéøñçłабвгσς中文かな", min_size=1, max_size=10))
def test_u_label_and_a_label_are_one_person(label: str) -> None:
    """A domain in its own letters has the key of its IDNA 2008 encoding, and that key first."""
    encoded = idna.encode(label).decode()
    assert email_keys(f"x@{label}.example")[0] == f"x@{encoded}.example"
    assert email_keys(f"x@{encoded}.example") == (f"x@{encoded}.example",)


@given(plain_addresses, plain_addresses)
@example("john@example.com", "john+a@example.com")
@example("john@example.com", "jo.hn@example.com")
@example("john@example.com", "john@mail.example.com")
def test_different_persons_stay_different(one: str, other: str) -> None:
    """Ordinary addresses share a key only if they differ in nothing but case."""
    shared = set(email_keys(one)) & set(email_keys(other))
    assert bool(shared) == (one.lower() == other.lower())


# ── phones ──

MEXICO = ("+5215512345678", "+525512345678")
ARGENTINA = ("+5491123456789", "+541123456789")
BRAZIL = ("+5521987654321", "+552187654321")

US = ("+12125551234", "+2125551234")

PHONES = [
    pytest.param("+15551234567", "", ("+15551234567",), id="E.164"),
    pytest.param("+1 (555) 123-4567", "", ("+15551234567",), id="brackets, spaces, dashes"),
    pytest.param("+1.555.123.4567", "", ("+15551234567",), id="dots"),
    pytest.param("(+49) 30/123456", "", ("+4930123456",), id="bracket before the plus, slash"),
    pytest.param(" +15551234567\n", "", ("+15551234567",), id="outer blanks"),
    pytest.param("+1\u2011555\u00a0123\u22124567", "", ("+15551234567",), id="typographic gaps"),
    pytest.param("＋１５５５（１２３）４５６７", "", ("+15551234567",), id="full width"),
    pytest.param(
        "+\u0661\u0665\u0665\u0665\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "", ("+15551234567",), id="Arabic"
    ),
    pytest.param("0015551234567", "DE", ("+15551234567",), id="00 prefix"),
    pytest.param("00 49 30 123456", "US", ("+4930123456",), id="00 prefix in pieces"),
    pytest.param("15551234567", "", ("+15551234567",), id="plus forgotten"),
    pytest.param("15551234567", "US", ("+15551234567",), id="both readings the same"),
    pytest.param("030 123456", "DE", ("+4930123456",), id="national"),
    pytest.param("030 123456", "de", ("+4930123456",), id="region in lower case"),
    pytest.param("4155551212", "US", ("+14155551212", "+4155551212"), id="national first, or Swiss"),
    pytest.param("15112345678", "DE", ("+4915112345678", "+15112345678"), id="German without its 0, or American"),
    pytest.param("4915112345678", "DE", ("+4915112345678", "+494915112345678"), id="own country code without plus"),
    pytest.param("3912345678", "IT", ("+393912345678", "+3912345678"), id="national that begins as the country code"),
    pytest.param("447400123456", "US", ("+447400123456", "+1447400123456"), id="national impossible"),
    pytest.param("011 49 30 123456", "US", ("+4930123456",), id="the region's own international prefix"),
    pytest.param("+49 (0)30 123456", "", ("+4930123456",), id="trunk prefix behind the country code"),
    pytest.param("+49 00 30 123456", "", ("+4930123456",), id="trunk prefix twice"),
    pytest.param("+1(0)2125551234", "", ("+102125551234", "+12125551234"), id="zero in brackets that is no prefix"),
    pytest.param("+1 （０） 2125551234", "", ("+102125551234", "+12125551234"), id="zero in full-width brackets"),
    pytest.param("+39 (0)6 12345678", "", ("+390612345678", "+39612345678"), id="zero in brackets, Italian"),
    pytest.param("+49 (30) 123456", "", ("+4930123456",), id="brackets with more than a zero"),
    pytest.param("\u0662\u0661\u0662\u0665\u0665\u0665\u0661\u0662\u0663\u0664", "US", US, id="national in Arabic"),
    pytest.param("+39 06 12345678", "", ("+390612345678",), id="Italy keeps its 0"),
    pytest.param("06 12345678", "IT", ("+390612345678",), id="Italy national"),
    pytest.param("+52 1 55 1234 5678", "", MEXICO, id="Mexico with 1"),
    pytest.param("+52 55 1234 5678", "", MEXICO[::-1], id="Mexico without 1"),
    pytest.param("55 1234 5678", "MX", (MEXICO[1], "+5512345678", MEXICO[0]), id="Mexico national"),
    pytest.param("+54 9 11 2345-6789", "", ARGENTINA, id="Argentina with 9"),
    pytest.param("+54 11 2345-6789", "", ARGENTINA[::-1], id="Argentina without 9"),
    pytest.param("011 15 2345-6789", "AR", ARGENTINA, id="Argentina national, mobile"),
    pytest.param("+55 21 98765-4321", "", BRAZIL, id="Brazil with the ninth digit"),
    pytest.param("+55 21 8765-4321", "", BRAZIL[::-1], id="Brazil without the ninth digit"),
    pytest.param("+55 21 2765-4321", "", ("+552127654321",), id="Brazil, landline"),
    pytest.param("+12000000000", "", ("+12000000000",), id="in no numbering plan, still a number"),
    pytest.param("+8001234567", "", ("+8001234567",), id="no country's"),
]

NO_PHONES = [
    pytest.param("", id="empty"),
    pytest.param("+", id="only a plus"),
    pytest.param("1-800-FLOWERS", id="letters"),
    pytest.param("+15551234567;ext=5", id="extension by RFC 3966"),
    pytest.param("+15551234567 x123", id="extension"),
    pytest.param("+15551234567#5", id="hash"),
    pytest.param("tel:+15551234567", id="URI"),
    pytest.param("whatsapp:+15551234567", id="channel address"),
    pytest.param("94287277+15558675310", id="inner plus"),
    pytest.param("++15551234567", id="two pluses"),
    pytest.param("+15551234567,+15551234568", id="list"),
    pytest.param("['+15551234567', '15551234568']", id="list of Python"),
    pytest.param("[15551234567]", id="list of one number"),
    pytest.param("+15551234567 +15551234568", id="two numbers"),
    pytest.param("15551234567.0", id="out of a spreadsheet"),
    pytest.param("1.5551234567E10", id="out of a spreadsheet, shortened"),
    pytest.param("-15551234567", id="negative"),
    pytest.param("+123456", id="too short"),
    pytest.param("+1234567890123456", id="too long"),
    pytest.param("+999123456789", id="no such country code"),
    pytest.param("030 123456", id="national without a region"),
    pytest.param("+1555\u200b1234567", id="zero-width space"),
    pytest.param("\u202a+15551234567\u202c", id="direction marks"),
    pytest.param("+1555\t1234567", id="tab"),
    pytest.param("+1555\n1234567", id="line feed"),
    pytest.param("+4" + "0" * 1_000_000, id="huge"),
]


@pytest.mark.parametrize(("text", "region", "keys"), PHONES)
def test_phone(text: str, region: str, keys: tuple[str, ...]) -> None:
    """A number has these keys, in this order."""
    assert phone_keys(text, region) == keys


@pytest.mark.parametrize("text", NO_PHONES)
def test_no_phone(text: str) -> None:
    """A text that is no single number has no key."""
    assert phone_keys(text) == ()


@given(number_texts, regions)
def test_phone_twice_is_once(text: str, region: str) -> None:
    """Each key is a number whose canonical key it is, in E.164, whatever the region."""
    for key in phone_keys(text, region):
        assert phone_keys(key, region)[0] == key
        assert phone_keys(key)[0] == key
        assert key[0] == "+"
        assert key[1:].isdecimal()
        assert key.isascii()
        assert 7 <= len(key) - 1 <= 15


@given(st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True), regions)
def test_international_prefixes_are_one_person(digits: str, region: str) -> None:
    """A number with + and with 00 has the same keys, and without either it shares the canonical one."""
    keys = phone_keys(f"+{digits}", region)
    assert phone_keys(f"00{digits}", region) == keys
    assert set(keys) <= set(phone_keys(digits, region))


@given(st.from_regex(r"\+(521?[2-9]|549?[1-3]|55[1-9][1-9]9?[6-9]..)[0-9]{6,10}".replace(".", "[0-9]"), fullmatch=True))
def test_twins_know_each_other(number: str) -> None:
    """Whichever of its spellings a mobile number came in, its keys are the same."""
    keys = phone_keys(number)
    assert all(set(phone_keys(key)) == set(keys) for key in keys)


INTERNATIONAL = [
    pytest.param("+4915112345678", True, id="plus"),
    pytest.param("\uff0b49 151", True, id="full-width plus"),
    pytest.param("0049 151 12345678", True, id="00"),
    pytest.param("15112345678", False, id="neither"),
    pytest.param("0151 12345678", False, id="trunk prefix"),
    pytest.param("+49;ext=1", False, id="no number"),
    pytest.param("", False, id="nothing"),
]


@pytest.mark.parametrize(("text", "says_so"), INTERNATIONAL)
def test_is_international(text: str, says_so: bool) -> None:  # noqa: FBT001 (a column of the table)
    """A number says its country itself if it begins with a plus or 00."""
    assert identity.is_international(text) == says_so


# ── both ──


def test_address_keys() -> None:
    """An at sign makes an e-mail address, everything else is read as a phone number."""
    assert address_keys("John@Example.com", "DE") == ("john@example.com",)
    assert address_keys("030 123456", "DE") == ("+4930123456",)
    assert address_keys("030@123456", "DE") == ("030@123456",)
    assert address_keys("john") == ()


DOMAINS = [
    pytest.param("john@example.com", "example.com", id="e-mail"),
    pytest.param('"a@b"@example.com', "example.com", id="at sign in quotes"),
    pytest.param("john@[1.2.3.4]", "[1.2.3.4]", id="literal"),
    pytest.param("+15551234567", "", id="phone"),
    pytest.param("", "", id="nothing"),
]


@pytest.mark.parametrize(("key", "domain"), DOMAINS)
def test_domain_of(key: str, domain: str) -> None:
    """The domain of a key is what follows its last at sign, and a phone has none."""
    assert domain_of(key) == domain


MASKED = [
    pytest.param("john@example.com", "j***@example.com", id="e-mail"),
    pytest.param("John@Example.COM", "j***@example.com", id="e-mail as it came"),
    pytest.param("j@example.com", "j***@example.com", id="one letter"),
    pytest.param('"john smith"@example.com', '"***@example.com', id="quoted"),
    pytest.param("john@[1.2.3.4]", "j***@***", id="literal"),
    pytest.param("john@bücher.example", "j***@xn--bcher-kva.example", id="IDN"),
    pytest.param("John <john@example.com>", "***", id="display name"),
    pytest.param("john@exa\nmple.com", "***", id="line feed"),
    pytest.param("+4915112345678", "+49…78", id="phone"),
    pytest.param("0049 151 12345678", "+49…78", id="phone with 00"),
    pytest.param("0151 12345678", "01…78", id="national"),
    pytest.param("+123456", "…", id="short"),
    pytest.param("72345", "…", id="short code"),
    pytest.param("+1234567", "+12…67", id="just long enough"),
    pytest.param("１２３４５６７", "12…67", id="full width"),
    pytest.param("['+15551234567']", "***", id="list"),
    pytest.param("john", "***", id="a name"),
    pytest.param("", "***", id="nothing"),
]


@pytest.mark.parametrize(("address", "form"), MASKED)
def test_masked(address: str, form: str) -> None:
    """A masked address looks like this."""
    assert masked(address) == form


@given(st.one_of(texts, number_texts))
@example("a" * 1_000_000)
@example("@" * 1_000_000)
def test_masked_is_harmless(address: str) -> None:
    """A masked form is printable, short, and one of four shapes."""
    form = masked(address)
    assert form.isprintable()
    assert len(form) <= 323
    local, stars, domain = form.partition("***@")
    digits = form.replace("…", "").lstrip("+")
    is_email = bool(stars) and len(local) == 1 and domain in {"***", domain_of(email_keys(address)[0])}
    is_phone = "…" in form and len(form) <= 6 and (digits == "" or (digits.isdecimal() and len(digits) == 4))
    assert is_email or is_phone or form == "***"


@given(atoms, domains)
def test_masked_email_reveals_no_more(local: str, domain: str) -> None:
    """Addresses with the same first letter and domain cannot be told apart once masked."""
    assert masked(f"{local}@{domain}") == masked(f"{local[0]}@{domain}")


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_masked_phone_reveals_no_more(number: str) -> None:
    """Numbers with the same first and last two digits cannot be told apart once masked."""
    assert masked(number) == masked(f"{number[:3]}00000{number[-2:]}")


@given(any_texts, any_texts)
def test_nothing_raises(text: str, region: str) -> None:
    """Every function answers every text."""
    assert isinstance(address_keys(text, region), tuple)
    assert isinstance(email_keys(text), tuple)
    assert isinstance(phone_keys(text, region), tuple)
    assert isinstance(domain_of(text), str)
    assert isinstance(masked(text), str)
