"""What an entry names: addresses, numbers, patterns and scopes, and what stands under a pattern."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import blacklists, identity
from policy.blacklists import BadEntry

EMAILS = [
    pytest.param("Ann@Example.com", ("ann@example.com",), id="case"),
    pytest.param(" ann@example.com. ", ("ann@example.com",), id="blanks and a trailing dot"),
    pytest.param("*@Example.com", ("@example.com",), id="a domain"),
    pytest.param("*@example.com.", ("@example.com",), id="a domain with its trailing dot"),
    pytest.param("*@bücher.example", ("@xn--bcher-kva.example",), id="a domain in letters"),
    pytest.param("*@xn--bcher-kva.example", ("@xn--bcher-kva.example",), id="a domain in A-labels"),
    pytest.param("*@straße.de", ("@xn--strae-oqa.de", "@strasse.de"), id="a domain that two standards disagree on"),
    pytest.param("*@[192.0.2.1]", ("@[192.0.2.1]",), id="a domain literal"),
    pytest.param("*@localhost", ("@localhost",), id="a domain of one label"),
    pytest.param("*.example.com", (".example.com",), id="sub-domains"),
    pytest.param("*.EXAMPLE.com.", (".example.com",), id="sub-domains, in capitals with a trailing dot"),
    pytest.param("*.straße.de", (".xn--strae-oqa.de", ".strasse.de"), id="sub-domains of both readings"),
    pytest.param("*.com", (".com",), id="a whole top-level domain"),
]


@pytest.mark.parametrize(("text", "keys"), EMAILS)
def test_an_email_has_the_keys_of_an_address_or_of_a_pattern(text: str, keys: tuple[str, ...]) -> None:
    """An address has its keys, a pattern keys that no address has."""
    assert blacklists.email_keys(text) == keys
    assert blacklists.keys_of(text) == keys
    assert [blacklists.is_pattern(key) for key in keys] == [text.strip().startswith("*")] * len(keys)


BAD = [
    "", " ", "nonsense", "@", "@example.com", "*", "*@", "*@*", "*.", "*..", "*.*", "*@*.example.com", "**@example.com",
    "a*@example.com", "*a@example.com", '"*"@example.com', "＊@example.com", "*.[192.0.2.1]", "*@a@b", "*@a b",
    "*.a@b.example", "* @example.com", "*@.example.com", ".example.com", "a@b,c@d", "*@" + "a" * 400,
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_is_neither_is_refused(text: str) -> None:
    """Whatever is no address and no pattern is refused, with a text that does not repeat it."""
    with pytest.raises(BadEntry) as refused:
        blacklists.email_keys(text)
    assert not text.strip("*@. ") or text not in str(refused.value)


def test_a_number_needs_its_country() -> None:
    """A number is told with its country, in any spelling; it is what the store knows it by."""
    assert blacklists.phone_keys("0049 (151) 12345678") == ("+4915112345678",)
    assert blacklists.keys_of("+49 151 12345678") == ("+4915112345678",)
    for text in ("0151 12345678", "15112345678", "ann@example.com", "", "+49"):
        with pytest.raises(BadEntry):
            blacklists.phone_keys(text)


@pytest.mark.parametrize(
    ("domain", "patterns"),
    [
        ("example.com", ["@example.com", ".com"]),
        ("a.b.example.com", ["@a.b.example.com", ".b.example.com", ".example.com", ".com"]),
        ("localhost", ["@localhost"]),
        ("[192.0.2.1]", ["@[192.0.2.1]"]),
    ],
)
def test_patterns_over_a_domain(domain: str, patterns: list[str]) -> None:
    """Over a domain stand the pattern of itself and those of all domains above it."""
    assert list(blacklists.patterns_over(domain)) == patterns


labels = st.lists(st.sampled_from(["a", "b", "mail", "straße", "bücher"]), min_size=1, max_size=4)


@given(labels, labels, st.sampled_from(["", "."]), st.booleans())
def test_a_pattern_stands_over_what_its_text_says(of: list[str], at: list[str], dot: str, upper: bool) -> None:  # noqa: FBT001
    """`*@d` stands over the addresses at d alone and `*.d` over those below d alone, in whatever spelling."""
    pattern, domain = ".".join(of), ".".join(at)
    spelt = pattern.upper().replace("SS", "ß") + dot if upper else pattern + dot
    keys = identity.email_keys(f"ann@{domain}")
    over = {each for key in keys for each in blacklists.patterns_over(identity.domain_of(key))}
    same = not over.isdisjoint(blacklists.email_keys(f"*@{spelt}"))
    below = not over.isdisjoint(blacklists.email_keys(f"*.{spelt}"))
    assert (same, below) == (domain == pattern, domain.endswith(f".{pattern}"))


SCOPES = [
    # scope, the rule that it breaks when rules are strict, and when they are lenient
    pytest.param("commercesite", None, None, id="letters"),
    pytest.param("0_shop_1", None, None, id="digits and underscores"),
    pytest.param("a" * 64, None, None, id="64 characters"),
    pytest.param("a" * 65, "up to 64", "up to 64", id="65 characters"),
    pytest.param("", "has a name", "has a name", id="none"),
    pytest.param("_shop", "begins with", "begins with", id="an underscore first"),
    pytest.param("-shop", "begins with", "begins with", id="a hyphen first"),
    pytest.param("DefaultScope", "no capital", None, id="capitals"),
    pytest.param("bacb5c80-191e-433f-9fb2-b07c47b862af", "consists of", None, id="a GUID"),
    pytest.param("shop.de", "consists of", "consists of", id="a dot"),
    pytest.param("shop de", "consists of", "consists of", id="a blank"),
    pytest.param("läden", "consists of", "consists of", id="another letter"),
    pytest.param("shop\n", "consists of", "consists of", id="a line's end"),
]


@pytest.mark.parametrize(("scope", "strict", "lenient"), SCOPES)
def test_a_scope_keeps_the_rules(scope: str, strict: str | None, lenient: str | None) -> None:
    """A scope keeps every rule or is refused with the one it breaks; lenient rules take capitals and hyphens."""
    for rule, switch in ((strict, False), (lenient, True)):
        if rule is None:
            blacklists.check_scope(scope, lenient=switch)
        else:
            with pytest.raises(BadEntry, match=rule):
                blacklists.check_scope(scope, lenient=switch)


@given(st.text(max_size=70))
def test_the_rules_are_the_documented_expression(scope: str) -> None:
    """The rules together are `^[a-z0-9][a-z0-9_]{0,63}$`."""
    try:
        blacklists.check_scope(scope, lenient=False)
    except BadEntry:
        assert not re.fullmatch("[a-z0-9][a-z0-9_]{0,63}", scope)
    else:
        assert re.fullmatch("[a-z0-9][a-z0-9_]{0,63}", scope)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("", "", True), ("a", "", True), ("", "a", True), ("a", "a", True), ("A", "a", True), ("a", "b", False)],
)
def test_scopes_are_compared(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    """No scope is every scope, on either side; case makes no other."""
    assert blacklists.same_scope(one, other) is same
