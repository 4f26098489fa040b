"""An address as it came → the keys of the people it may reach, and the masked form for logs.

A key is the normal form under which the store knows a person. Two mistakes are possible. Two people under one key: one
of them misses a message. Two keys for one person: somebody who said no gets a message. Only the second may never
happen, and refusing is always allowed, so wherever readers of an address may disagree this file either

1. gives every key that some reader may mean, the canonical one first, or
2. gives no key at all, which makes the address an invalid one.

Whoever stores an address stores all its keys, and whoever judges one asks for all of them. A key is an address again,
and its canonical key is itself.

Nothing here raises, whatever the text, and the work is bounded by the limits below. No address is cached either: that
would keep personal data in memory beyond anybody's control.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import phonenumbers

from policy.domains import domains, is_domain

_LONGEST_TEXT = 1000
_LONGEST_KEY = 320  # 64 of the local part, @, 255 of the domain (RFC 3696, section 3 and its erratum 1003)
_BLANKS = " \t\r\n"

# Addresses as nearly everybody writes them. What matches needs lower-casing alone: exactly what _read_email would say,
# at a tenth of the price. Not among them are the marks of routes (% and !) and of encoded words (=?).
_ORDINARY = re.compile(r"[A-Za-z0-9#$&'*+/=^_`{|}~.-]++@(?:[A-Za-z0-9_-]{1,63}+\.)*+[A-Za-z0-9_-]{1,63}+")

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"@([^@]*)')
_ATOM = re.compile(r'[^ ()<>\[\]:;,\\"@]+')  # dots may stand anywhere: providers take a..b@example.com as it is
_UNQUOTED = re.compile(rf"({_ATOM.pattern})@([^@]*)")

# What somebody may read as another address, or as several, once quotes or full-width letters are undone: lists, angle
# brackets, a second @, the encoded words of RFC 2047.
_DISPUTED = re.compile(r"[@,;<>]|=\?.*\?=")
_MOST_HOPS = 3  # of a route in a local part; nobody has meant one for decades

# What str.isprintable lets through though nobody sees it (Default_Ignorable_Code_Point, the Braille blank), and the
# two marks that stand for something lost.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc\ufffd\U000e0100-\U000e01ef]"
)

# One number without letters, lists, extensions or a second plus. Square brackets stay out: they are a list's. A text
# that ends in ".0" is a number that went through a spreadsheet; its last digit is not the person's.
_OPENING = r"[ \u00a0(\uff08]*+"
_BETWEEN = r" \u00a0\u2002-\u200a\u202f\u3000\-\u2010-\u2015\u2212\uff0d.\uff0e()\uff08\uff09/\uff0f"
_NUMBER = re.compile(rf"{_OPENING}([+\uff0b]?){_OPENING}(\d[\d{_BETWEEN}]*)(?<!\.0)")
_TRUNK = re.compile(r"(\d[ \u00a0/.-]*)[(\uff08][ \u00a0]*(\d+)[ \u00a0]*[)\uff09]")
_LONGEST_NUMBER = 100
_MOST_WRITTEN = 40  # digits, with zeros and prefixes before them: of more no plan makes a number, and parsing is slow
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15  # E.164, section 6: at most 15 with the country code

# Mobile numbers that are written, and reported by networks and WhatsApp, with and without a digit: Mexico's 1 (until
# 2019), Argentina's 9, Brazil's ninth digit. The ranges leave out landlines where those could be others' numbers.
_TWINS = (
    (re.compile(r"\+521([2-9]\d{9})"), r"+52\1"),
    (re.compile(r"\+52([2-9]\d{9})"), r"+521\1"),
    (re.compile(r"\+549([1-3]\d{9})"), r"+54\1"),
    (re.compile(r"\+54([1-3]\d{9})"), r"+549\1"),
    (re.compile(r"\+55(\d\d)9([6-9]\d{7})"), r"+55\1\2"),
    (re.compile(r"\+55(\d\d)([6-9]\d{7})"), r"+55\g<1>9\2"),
)


def address_keys(text: str, region: str = "") -> tuple[str, ...]:
    """Give the keys of an e-mail address if there is an @ in the text, else those of a phone number."""
    return email_keys(text) if "@" in text else phone_keys(text, region)


def email_keys(text: str) -> tuple[str, ...]:
    """Give all keys that an e-mail address may stand for, the canonical one first; none if it is invalid.

    The text is one bare address (RFC 5321 `Mailbox`, with RFC 6531): display names and comments are its provider's
    business. Keys are in NFC and lower case, domains in A-labels without a trailing dot, quotes only where the local
    part needs them; plus signs and dots are kept. There is more than one key where IDNA 2008 (by UTS #46) and
    IDNA 2003 lead to different domains, where letters of the local part share their upper case or are compatibility
    forms of others (NFKC), and where a relay may read a route in it (`ada%example.com@relay.example`,
    `example.com!ada@relay.example`).
    """
    return (text.strip(_BLANKS).lower(),) if is_ordinary(text) else _read_email(text)


def is_ordinary(text: str) -> bool:
    """Tell whether an e-mail address is written as nearly all are, so that its key is its lower case alone."""
    return len(text) <= _LONGEST_KEY and _ORDINARY.fullmatch(text.strip(_BLANKS)) is not None


def phone_keys(text: str, region: str = "") -> tuple[str, ...]:
    """Give all E.164 keys that a phone number may stand for, the canonical one first; none if it is invalid.

    A number with a leading + or 00 has one reading. Any other is read both as an international one that lost its plus
    and, with `region` (ISO 3166, two letters), as a national one. A zero in brackets counts and does not. Whether a
    number is in use is not asked: that changes with every edition of the numbering plans.
    """
    readings = [reading for number in _spellings(text) for reading in _readings(number, region.upper())]
    return tuple(dict.fromkeys([*filter(None, readings), *_twins(readings)]))


def is_international(text: str) -> bool:
    """Tell whether a phone number says its country itself: it is written with a leading + or 00."""
    return _digits(text).startswith("+")


def domain_of(key: str) -> str:
    """Give the domain of an e-mail key, "" for a phone's."""
    return key.rpartition("@")[2] if "@" in key else ""


def masked(address: str) -> str:
    """Give a form that may be logged: `j***@example.com`, `+49…78`, `…` for a short number, `***` for all else.

    It is printable and no longer than a key and three stars.
    """
    if "@" in address:
        return _masked_email(address)
    number = _digits(address)
    if not number:
        return "***"
    if len(number.removeprefix("+")) < _FEWEST_DIGITS:
        return "…"
    return f"{number[: 3 if number.startswith('+') else 2]}…{number[-2:]}"


# ── e-mail ──


def _read_email(text: str) -> tuple[str, ...]:
    """Do what email_keys promises, for every text."""
    if len(text) > _LONGEST_TEXT or "@" not in text:
        return ()
    text = unicodedata.normalize("NFC", text.strip(_BLANKS))
    if not text.isprintable() or _UNSEEN.search(text):
        return ()
    parts = _parts(text)
    if parts is None:
        return ()
    content, name = parts
    compatible = unicodedata.normalize("NFKC", content[: _LONGEST_KEY + 1])
    if _is_disputed(compatible):
        return ()
    hosts = domains(name)
    keys = [f"{local}@{host}" for local in _locals(content, compatible) for host in hosts]
    if not keys or any(len(key) > _LONGEST_KEY for key in keys):
        return ()
    inner = [key for address in _routed(compatible) for key in _read_email(address)]
    return tuple(dict.fromkeys(keys + inner))


def _is_disputed(compatible: str) -> bool:
    """Tell whether a local part is too long, a route of too many hops, or something else than one name to some reader.

    The length is asked before the rest because one letter may have become eighteen, and the rest takes its time.
    """
    if len(compatible) > _LONGEST_KEY or _DISPUTED.search(compatible):
        return True
    return compatible.count("%") + compatible.count("!") > _MOST_HOPS


def _parts(text: str) -> tuple[str, str] | None:
    """Split an address into what its local part says, without quotes and backslashes, and its domain as written."""
    if quoted := _QUOTED.fullmatch(text):
        return re.sub(r"\\(.)", r"\1", quoted[1]), quoted[2]
    if unquoted := _UNQUOTED.fullmatch(text):
        return unquoted[1], unquoted[2]
    return None


def _locals(content: str, compatible: str) -> tuple[str, ...]:
    if content.isascii():
        return (_spelled(content.lower()),)
    lowered, plain = _lowered(content), _lowered(compatible)
    readings = (lowered, _lowered(_caseless(lowered)), plain, _lowered(_caseless(plain)))
    return tuple(map(_spelled, dict.fromkeys(readings)))


def _routed(content: str) -> Iterator[str]:
    """Give the addresses that a relay may make of a local part: `ada%host` by the last %, `host!ada` by the first !."""
    local, percent, host = content.rpartition("%")
    if percent and local:
        yield f"{_spelled(local)}@{host}"
    host, bang, local = content.partition("!")
    if bang and local:
        yield f"{_spelled(local)}@{host}"


def _lowered(text: str) -> str:
    """Lower-case a text, and compose it anew: a J and its caron are two characters, a j with one is a single one."""
    return unicodedata.normalize("NFC", text.lower())


def _caseless(lowered: str) -> str:
    """Replace letters that only upper case tells to be the same: ς and σ, ſ and s, the micro sign and μ, ı and i.

    `ΟΔΟΣ` may come from either sigma, so a system that ignores case takes all three for one person. What lower-casing
    makes of the Turkish İ, an i with a dot too many, is such an i as well. Letters that become several (ß, SS) stay.
    """
    letters = (upper.lower() if len(upper := letter.upper()) == 1 else letter for letter in lowered)
    return "".join(letters).replace("i\u0307", "i")


def _spelled(content: str) -> str:
    """Write a local part in its one canonical spelling: quoted only where it must be."""
    if _ATOM.fullmatch(content):
        return content
    escaped = re.sub(r'(["\\])', r"\\\1", content)
    return f'"{escaped}"'


def _masked_email(address: str) -> str:
    keys = email_keys(address)
    if not keys:
        return "***"
    domain = domain_of(keys[0])
    return f"{keys[0][0]}***@{domain if is_domain(domain) else '***'}"


# ── phones ──


def _digits(text: str) -> str:
    """Reduce a number to ASCII digits behind an optional +, which also stands for 00; "" if it is not one number."""
    number = _NUMBER.fullmatch(text.strip(_BLANKS)) if len(text) <= _LONGEST_NUMBER else None
    if number is None:
        return ""
    digits = "".join(str(unicodedata.decimal(letter)) for letter in number[2] if letter.isdecimal())
    if len(digits) > _MOST_WRITTEN:
        return ""
    if number[1]:
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _spellings(text: str) -> tuple[str, ...]:
    """Give the digits of a number as written, and without a zero in brackets: `+44 (0)20` means either or both."""
    if len(text) > _LONGEST_NUMBER:
        return ()
    return tuple(dict.fromkeys((_digits(text), _digits(_TRUNK.sub(_without_zero, text)))))


def _without_zero(bracket: re.Match[str]) -> str:
    zero = all(unicodedata.decimal(digit) == 0 for digit in bracket[2])
    return bracket[1] if zero else bracket[0]


def _readings(digits: str, region: str) -> tuple[str, ...]:
    """Read a number with a plus as it is, one without as national and as international, the likelier first."""
    if digits.startswith("+"):
        return (_settled(digits),)
    national, international = _national(digits, region), _settled(f"+{digits}")
    if national and _likely_national(national, digits, region):
        return national, international
    return international, national


def _national(digits: str, region: str) -> str:
    parsed = _parsed(digits, region)
    return _settled(_e164(parsed)) if parsed else ""


def _likely_national(national: str, digits: str, region: str) -> bool:
    """Tell whether digits without a plus were meant as a national number.

    Where national numbers begin with a trunk prefix, one that begins with the country's own code instead
    (`49151…` in Germany) has rather lost its plus.
    """
    code = str(phonenumbers.country_code_for_region(region))
    trunk = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True)
    if trunk and digits.startswith(code) and national == f"+{code}{digits}":
        return False
    parsed = _parsed(national)
    return parsed is not None and phonenumbers.is_possible_number(parsed)


def _settled(number: str) -> str:
    """Read an international number until the reading stays as it is; "" if there is none of a sane length.

    Reading drops a trunk prefix behind the country code (`+49 (0)30 …`), one at a time.
    """
    for _ in range(_MOST_DIGITS):
        parsed = _parsed(number)
        read = _e164(parsed) if parsed else ""
        if read == number:
            break
        number = read
    else:
        return ""
    return number if _FEWEST_DIGITS <= len(number) - 1 <= _MOST_DIGITS else ""


def _parsed(number: str, region: str | None = None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None


def _e164(parsed: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _twins(keys: Sequence[str]) -> list[str]:
    twins = (_settled(pattern.sub(twin, key)) for key in keys for pattern, twin in _TWINS if pattern.fullmatch(key))
    return [twin for twin in twins if twin]
