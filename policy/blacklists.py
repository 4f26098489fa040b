"""What a blacklist entry says, as texts → keys: an e-mail address, a phone number or a pattern of domains, and a scope.

An entry belongs to an address and not to a person: it stops whoever has the address, and nobody needs to have it. An
address or number goes by all its keys, as everywhere. There are two patterns and no other:

- `*@example.com` stands for every address at that domain, and for none at a sub-domain of it.
- `*.example.com` stands for every address at every sub-domain of it, however deep, and for none at the domain itself.

A domain is read like that of an address: case, a trailing dot and the spelling of IDNA make no difference, and where
IDNA 2003 and 2008 disagree both domains are meant. A pattern has keys of its own, `@example.com` and `.example.com`,
which no address has. Any other `*` is refused: whoever writes `info*@example.com` means something that no entry does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from policy import identity

LONGEST_SCOPE: Final = 64

_AT, _UNDER = "*@", "*."
_BLANKS = " \t\r\n"


class BadEntry(ValueError):
    """A blacklist entry breaks a rule; the text says which, without any value of the entry."""


def email_keys(text: str) -> tuple[str, ...]:
    """Give the keys of an entry's e-mail address or pattern, the canonical one first; raises BadEntry."""
    text = text.strip(_BLANKS)
    if text.startswith(_AT):
        keys = tuple(f"@{domain}" for domain in _domains(text.removeprefix(_AT)))
    elif text.startswith(_UNDER):
        under = _domains(text.removeprefix(_UNDER))
        keys = tuple(f".{domain}" for domain in under if not domain.startswith("["))
    else:
        keys = identity.email_keys(text)
        if any("*" in key for key in keys):
            raise BadEntry("the patterns are *@domain and *.domain, and a * stands nowhere else")
    if not keys:
        raise BadEntry("this is no e-mail address, and no pattern (*@domain, *.domain)")
    return keys


def phone_keys(text: str) -> tuple[str, ...]:
    """Give the keys of an entry's phone number, the canonical one first; raises BadEntry."""
    keys = identity.phone_keys(text)
    if not keys or not identity.is_international(text):
        raise BadEntry("this is no phone number with its country (+49…)")
    return keys


def keys_of(address: str) -> tuple[str, ...]:
    """Give the keys of an entry's address as the store holds it, whatever it is; raises BadEntry."""
    return phone_keys(address) if is_phone(address) else email_keys(address)


def is_phone(address: str) -> bool:
    """Tell whether an entry is about a phone number."""
    return "@" not in address and not address.startswith(_UNDER)


def is_pattern(key: str) -> bool:
    """Tell whether a key is a pattern's."""
    return key[:1] in ("@", ".")


def patterns_over(domain: str) -> Iterator[str]:
    """Give the keys of all patterns that stand for a domain of an address."""
    yield f"@{domain}"
    if not domain.startswith("["):
        dot = domain.find(".")
        while dot >= 0:
            yield domain[dot:]
            dot = domain.find(".", dot + 1)


def check_scope(scope: str, *, lenient: bool) -> None:
    """Make sure that a text may be the name of a scope; raises BadEntry with the rule that it breaks.

    The rule is `^[a-z0-9][a-z0-9_]{0,63}$`; `lenient` takes capitals and hyphens as well.
    """
    letters = "letters (a-z, A-Z), digits, underscores and hyphens" if lenient else "letters (a-z), digits, underscores"
    if not scope:
        raise BadEntry("a scope has a name")
    if len(scope) > LONGEST_SCOPE:
        raise BadEntry(f"a scope has up to {LONGEST_SCOPE} characters")
    if not re.match("[A-Za-z0-9]", scope):
        raise BadEntry("a scope begins with a letter (a-z) or a digit")
    if not re.fullmatch("[A-Za-z0-9_-]+" if lenient else "[A-Za-z0-9_]+", scope):
        raise BadEntry(f"a scope consists of {letters}")
    if not lenient and re.search("[A-Z]", scope):
        raise BadEntry("a scope has no capital letters")


def same_scope(one: str, other: str) -> bool:
    """Tell whether an entry of one scope counts in the other: one that has none counts everywhere, and case is nothing.

    Names that differ in case alone are taken for one: nobody is sent to for the sake of a capital letter.
    """
    return not one or not other or one.lower() == other.lower()


def _domains(name: str) -> tuple[str, ...]:
    """Give the domains that a name may mean; none if it is none."""
    return tuple(dict.fromkeys(identity.domain_of(key) for key in identity.email_keys(f"x@{name}")))
