"""A domain as it came → its forms in A-labels (RFC 5890), one or two.

IDNA 2008, by the mapping of UTS #46, and IDNA 2003 lead some names to different hosts, so both forms are given. ASCII
labels are taken as they are: hosts with underscores get mail, and an A-label is somebody's decision already.

Encoding is slow, at some microseconds a letter, and takes the square of a label's length. So what cannot become a
domain for its length is none before anything is encoded, a label is encoded once for both standards, and what IDNA 2003
says of a single letter is kept. Letters are nobody's personal data; names are not kept.
"""

from __future__ import annotations

import ipaddress
import re
import stringprep
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import idna

LONGEST: Final = 253  # octets of a domain without its trailing dot (RFC 1035, section 2.3.4)
LONGEST_LABEL: Final = 63

_PREFIX: Final = "xn--"
_DOMAIN = re.compile(r"(?:[a-z0-9_-]{1,63}+\.)*+[a-z0-9_-]{1,63}+")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # full stops in a domain: RFC 3490, section 3.1

_PROHIBITED = (  # RFC 3491, section 5
    *(stringprep.in_table_c12, stringprep.in_table_c22, stringprep.in_table_c3, stringprep.in_table_c4),
    *(stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8),
    stringprep.in_table_c9,
)


def is_domain(text: str) -> bool:
    """Tell whether a text is a domain in A-labels and lower case, without a trailing dot."""
    return _DOMAIN.fullmatch(text) is not None


def domains(name: str) -> tuple[str, ...]:
    """Give the domain as IDNA 2008 has it, then as IDNA 2003 had it, if that differs; none if neither knows it.

    A literal (`[192.0.2.1]`) has one form. Where IDNA 2008 forbids a letter that 2003 allowed (emoji), what browsers
    and many mailers do stands in for it: the mapping of UTS #46 without the check.
    """
    if name.startswith("["):
        return _literal(name)
    if name.isascii():
        plain = name.removesuffix(".").lower()
        return (plain,) if is_domain(plain) else ()
    if _is_too_long(name):
        return ()
    aces: dict[str, str] = {}
    old = _encoded(name, lambda label: _label_2003(label, aces))
    mapped = _mapped(name)
    new = _encoded(mapped, lambda label: _label_2008(label, aces))
    if old and not new:
        new = _encoded(mapped, lambda label: _ace(label, aces))
    return tuple(dict.fromkeys(domain for domain in (new, old) if domain))


def _is_too_long(name: str) -> bool:
    """Tell whether a name becomes more octets than a domain may have; each letter that is left becomes at least one."""
    labels = _DOTS.split(unicodedata.normalize("NFKC", name))
    least = sum(len(label) if label.isascii() else len(label) + len(_PREFIX) for label in labels)
    return least + len(labels) - 1 > LONGEST + 1  # with a dot behind it


def _mapped(name: str) -> str:
    try:
        return idna.uts46_remap(name, std3_rules=False)
    except idna.IDNAError:
        return ""


def _encoded(name: str, encode: Callable[[str], str]) -> str:
    """Encode a domain label by label, without its trailing dot; "" if it cannot be."""
    labels = _DOTS.split(name)
    if labels[-1] == "":
        labels.pop()
    try:
        domain = ".".join(label if label.isascii() else encode(label) for label in labels).lower()
    except UnicodeError:
        return ""
    return domain if is_domain(domain) else ""


def _label_2008(label: str, aces: dict[str, str]) -> str:
    if not _fits(label):
        raise UnicodeError("too long a label")
    idna.check_label(label)
    return _ace(label, aces)


def _label_2003(label: str, aces: dict[str, str]) -> str:
    """Encode a label as RFC 3490, section 4.1 has it, without UseSTD3ASCIIRules."""
    prepared = _prepared(label)
    if prepared.isascii() and 0 < len(prepared) <= LONGEST_LABEL:
        return prepared
    if prepared.isascii() or prepared.startswith(_PREFIX):
        raise UnicodeError("a label of no letters or too many, or one that looks encoded and is not")
    return _ace(prepared, aces)


def _fits(label: str) -> bool:
    """Tell whether a label that is not ASCII can be short enough when it is encoded."""
    return len(label) + len(_PREFIX) <= LONGEST_LABEL


def _ace(label: str, aces: dict[str, str]) -> str:
    """Encode a label in Punycode (RFC 3492), each but once."""
    if not _fits(label):
        raise UnicodeError("too long a label")
    if label not in aces:
        aces[label] = _PREFIX + label.encode("punycode").decode("ascii")
    if len(aces[label]) > LONGEST_LABEL:
        raise UnicodeError("too long a label")
    return aces[label]


# ── nameprep (RFC 3491) ──


def _prepared(label: str) -> str:
    """Do what encodings.idna.nameprep does, with each letter looked up but once."""
    text = unicodedata.ucd_3_2_0.normalize("NFKC", "".join(map(_folded, label)))
    directions = list(map(_direction, text))
    if None in directions:
        raise UnicodeError("a letter that no domain has")
    if "R" in directions and ("L" in directions or directions[0] != "R" or directions[-1] != "R"):
        raise UnicodeError("letters of both directions")  # RFC 3454, section 6
    return text


@lru_cache(1 << 14)
def _folded(letter: str) -> str:
    return "" if stringprep.in_table_b1(letter) else stringprep.map_table_b2(letter)


@lru_cache(1 << 14)
def _direction(letter: str) -> str | None:
    """Tell whether a letter is written from the left (L), from the right (R) or either; None where none may stand."""
    if any(is_in(letter) for is_in in _PROHIBITED):
        return None
    if stringprep.in_table_d1(letter):
        return "R"
    return "L" if stringprep.in_table_d2(letter) else ""


def _literal(name: str) -> tuple[str, ...]:
    """Give the canonical form of a domain literal (RFC 5321, section 4.1.3).

    IPv6 is written out in full, the one form that all versions of `ipaddress` agree on.
    """
    tag, ip = name[1:6].lower(), name.removesuffix("]")
    if ip == name or "%" in ip:  # not closed, or with a zone, which means nothing to another host
        return ()
    try:
        if tag == "ipv6:":
            return (f"[ipv6:{ipaddress.IPv6Address(ip[6:]).exploded}]",)
        return (f"[{ipaddress.IPv4Address(ip[1:])}]",)
    except ValueError:
        return ()
