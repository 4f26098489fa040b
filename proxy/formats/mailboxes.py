"""Lists of mailboxes as mail APIs take them (RFC 5322, section 3.4), with exactly one reading.

A list is text, and its readers differ: some know comments, some cut at every comma or semicolon, some undo quotes and
encoded words before they look for addresses, some take the first @ they see. None of them may find a person whom this
file did not find. So text is accepted only in the form

    [name] <address>   or   address        one per comma, with comments around

where everything that a reader may skip or undo (quotes, comments, encoded words) holds nothing that could be an address
of its own, and an address is one piece without blanks and comments inside. All else is `Unreadable`: groups, routes,
semicolons, nested comments, blanks inside of addresses. A reader who finds fewer people, or none, does no harm.

Whether an address is one at all is not asked here: its keys say so (policy/identity.py), and an address without a key
is refused by itself, without its neighbours.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from policy.identity import is_ordinary
from proxy.providers.base import Unreadable

LONGEST = 1 << 18  # characters of a list: a thousand mailboxes with long names take half of it


class Mailbox(NamedTuple):
    """One element of a list.

    `address` is as written, without what stands around it; `name` is the display name, without quotes and encodings;
    `start` and `end` span the whole element, comments included, blanks and commas around it not.
    """

    address: str
    name: str
    start: int
    end: int


_BLANKS = " \t"
_PLAIN = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~.-]++@[A-Za-z0-9.-]++"  # no question mark, so no encoded word

# Elements as nearly everybody writes them, with nothing in the name that anybody could take for more than letters.
_ALONE = re.compile(_PLAIN)
_ORDINARY = re.compile(rf"[ \t]*+({_PLAIN})[ \t]*+(?:,|\Z)")
_NAMED = re.compile(
    rf"""[ \t]*+(?:"([^"\\@=\uff20\ufe6b]*+)"|(\w[\w .'-]*+))[ \t]*+<({_PLAIN})>[ \t]*+(?:,|\Z)""",
)

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t]++)
    | "(?P<quoted>(?:[^"\\]|\\.)*+)"
    | \((?P<comment>[^()\\]*+)\)
    | <(?P<angle>[^<>]*+)>
    | (?P<bare>(?:\[IPv6:[0-9a-f:.]*+\]|[^ \t"()<>,;:\\])++)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PIECE = r"""[^\s"()<>,;:\\@\[\]]*+"""  # some readers trim all of Unicode's blanks, others none
_ADDRESS = re.compile(rf'(?:{_PIECE}|"[^"\\()]*+")@(?:{_PIECE}|\[(?:IPv6:)?[0-9a-f:.]*+\])', re.IGNORECASE)
_NO_ADDRESS = re.compile(r'[^"()<>,;:\\@]*+')
_TORN = re.compile(r"=\?|\?=")  # the marks of an encoded word, or of half of one

_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BREAKS_OUT = re.compile(r'[,;<>"\\]')
_IN_COMMENT = re.compile(r'[@<>"]')

# RFC 2047, section 2, with the language of RFC 2231. Between two of them blanks do not count.
_ENCODED = re.compile(r"=\?([\w.:-]+)(?:\*[\w-]*)?\?([BbQq])\?([^?]*)\?=", re.ASCII)
_BETWEEN_ENCODED = re.compile(r"(\?=)[ \t]+(?==\?)")
# Charsets of mail. Looking others up would let a text choose any codec, slow ones among them; an @ shows without.
_CHARSET = re.compile(
    r"""utf-?8|(?:us-)?ascii|latin-?1|iso-?8859-\d{1,2}|(?:windows-|cp)\d{3,4}|koi8-[rut]|macintosh|tis-620|gb2312|gbk
    |gb18030|big5|euc-(?:jp|kr)|shift[_-]jis|iso-2022-(?:jp|kr)|ks_c_5601-1987""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
# Two such words in a row may say together what neither says alone; nobody needs them.
_HIDES = re.compile(r"utf-?_?(?:7|16|32)|ucs|unicode|hz", re.IGNORECASE)


def mailboxes(text: str) -> tuple[Mailbox, ...]:
    """Find the mailboxes of a comma list, in its order; raises Unreadable where two readers could find different ones.

    So is a list of more than LONGEST characters. Empty elements are no mailboxes; `not-an-address` is one.
    """
    if _ALONE.fullmatch(text):
        return (Mailbox(text, "", 0, len(text)),)
    if len(text) > LONGEST:
        raise Unreadable(f"a list of addresses of more than {LONGEST} characters")
    if not text.isprintable() and _FORBIDDEN.search(text):
        raise Unreadable("a control, a line break or half a character in a list of addresses")
    return tuple(_elements(text))


def single(text: str) -> str:
    """Give the address of a text that is exactly one mailbox, "" for any other; "" has no key. It never raises."""
    if _ALONE.fullmatch(text):
        return text
    named = _NAMED.match(text)
    if named and named.end() == len(text) and text.isprintable() and text.endswith(">"):
        return named[3]
    try:
        found = mailboxes(text)
    except Unreadable:
        return ""
    if len(found) != 1 or found[0].end - found[0].start != len(text.strip(_BLANKS)):
        return ""
    return found[0].address


def without(text: str, indexes: frozenset[int]) -> str:
    """Take the mailboxes at these indexes out of a list; raises Unreadable for one that it does not have.

    The others keep their characters, and what stood between two neighbours stays. A gap where a mailbox went becomes
    one comma with the blanks behind it; commas and blanks at both ends go. Nothing taken out: the very text.
    """
    found = mailboxes(text)
    if not indexes:
        return text
    if not indexes <= frozenset(range(len(found))):
        raise Unreadable("the list has no such mailbox")
    written = ""
    for index, mailbox in enumerate(found):
        if index in indexes:
            continue
        gap = text[found[index - 1].end : mailbox.start] if written else ""
        if index - 1 in indexes:
            gap = gap[gap.rfind(",") :]
        written += gap + text[mailbox.start : mailbox.end]
    return written


# ── elements ──


def _elements(text: str) -> Iterator[Mailbox]:
    position, length = 0, len(text)
    ordinary, named = _ORDINARY.match, _NAMED.match
    while position < length:
        if match := ordinary(text, position):
            yield Mailbox(match[1], "", match.start(1), match.end(1))
        elif match := named(text, position):
            quoted, bare, address = match.groups()
            start = match.start(2) if quoted is None else match.start(1) - 1
            yield Mailbox(address, (bare if quoted is None else quoted).strip(_BLANKS), start, match.end(3) + 1)
        else:
            tokens, position = _tokens(text, position)
            if tokens:
                yield _mailbox(text, tokens)
            continue
        position = match.end()


def _tokens(text: str, position: int) -> tuple[list[re.Match[str]], int]:
    """Cut one element into its tokens, without blanks around; the position is behind its comma."""
    tokens: list[re.Match[str]] = []
    while position < len(text) and text[position] != ",":
        token = _TOKEN.match(text, position)
        if token is None:
            raise Unreadable("a group, a semicolon, or quotes, brackets or comments that do not close")
        if tokens or token.lastgroup != "blank":
            tokens.append(token)
        position = token.end()
    if tokens and tokens[-1].lastgroup == "blank":
        tokens.pop()
    return tokens, position + 1


def _mailbox(text: str, tokens: list[re.Match[str]]) -> Mailbox:
    for token in tokens:
        if token.lastgroup == "comment" and _IN_COMMENT.search(_undone(token["comment"])):
            raise Unreadable("a comment that could hold an address")
    start, end = tokens[0].start(), tokens[-1].end()
    tokens = _without_comments(tokens)
    if not tokens:
        raise Unreadable("a comment without an address")
    if tokens[-1].lastgroup == "angle":
        address = _checked(tokens[-1]["angle"].strip(_BLANKS))
        return Mailbox(address, _name(tokens[:-1], address), start, end)
    if any(token.lastgroup == "angle" for token in tokens):
        raise Unreadable("text behind an address in angle brackets")
    return Mailbox(_checked(text[tokens[0].start() : tokens[-1].end()]), "", start, end)


def _without_comments(tokens: list[re.Match[str]]) -> list[re.Match[str]]:
    """Drop the comments around the address and before it, with the blanks that were around them."""
    edges = ("blank", "comment")
    first, last = 0, len(tokens)
    while last > 0 and tokens[last - 1].lastgroup in edges:
        last -= 1
    while first < last and tokens[first].lastgroup in edges:
        first += 1
    return tokens[first:last]


def _checked(address: str) -> str:
    """Give the address if it is one piece; text without an @ is nobody's address and may be anything plain."""
    if _TORN.search(address):
        raise Unreadable("an encoded word where an address stands")
    if not (_ADDRESS if "@" in address else _NO_ADDRESS).fullmatch(address):
        raise Unreadable("an element that is not one address")
    return address


# ── names ──


def _name(tokens: list[re.Match[str]], address: str) -> str:
    """Put a display name together and refuse one that another reader could take for an address."""
    if any(token.lastgroup == "angle" for token in tokens):
        raise Unreadable("two addresses in one element")
    name = _decoded("".join(map(_word, tokens)).strip(_BLANKS))
    if _FORBIDDEN.search(name):
        raise Unreadable("a control or line break in a display name")
    compatible = _undone(name)
    if "@" in compatible:
        bare = "".join(token["bare"] or "" for token in tokens)
        if "@" in _compatible(bare) and not _same(name, address):
            raise Unreadable("a display name that is another address")
        if _BREAKS_OUT.search(compatible):
            raise Unreadable("a display name that could hold an address")
    return name


def _word(token: re.Match[str]) -> str:
    if token.lastgroup == "quoted":
        return re.sub(r"\\(.)", r"\1", token["quoted"])
    return "" if token.lastgroup == "comment" else token[0]


def _same(one: str, other: str) -> bool:
    # The keys of odd addresses would tell more, and take their time for each name of a list.
    if one == other:
        return not one.startswith("@") and not one.endswith("@")
    return is_ordinary(one) and one.lower() == other.lower()


# ── what readers may undo ──


def _undone(text: str) -> str:
    """Give what is left of a text when encodings and full-width letters are undone; raises if anything still is one."""
    decoded = _compatible(_decoded(text))
    if _ENCODED.search(decoded):
        raise Unreadable("an encoded word inside another")
    return decoded


def _compatible(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _decoded(text: str) -> str:
    """Decode the encoded words of a text (RFC 2047), forgiving as mail programs are."""
    if "=?" not in text:
        return text
    return _ENCODED.sub(_decoded_word, _BETWEEN_ENCODED.sub(r"\1", text))


def _decoded_word(match: re.Match[str]) -> str:
    charset, encoding, content = match.groups()
    if _HIDES.search(charset):
        raise Unreadable("an encoded word in a charset that is not ASCII at its bottom")
    raw = binascii.a2b_qp(content.encode(), header=True) if encoding in "Qq" else _base64(content)
    try:
        return raw.decode(charset if _CHARSET.fullmatch(charset) else "latin-1", "replace")
    except LookupError:
        return raw.decode("latin-1")


def _base64(content: str) -> bytes:
    letters = re.sub(r"[^A-Za-z0-9+/]", "", content)
    return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + "==")
