"""Domains in A-labels: what the two standards' own readers say, only sooner."""

import encodings.idna
from collections.abc import Callable

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy import domains as reading
from policy.domains import domains, is_domain

ODD = "aZß0.-_ςΣſıİ\u212a\u00ad\u3002\uff0eéẞ😀\u0307\u0338ｘ\u2024\u2496\u1806\u0644א…\u1100\u1161\u11a8\uffa1㎏℡ﬃ中文"
LETTERS = st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"]))
LABELS = st.one_of(st.text(LETTERS, max_size=12), st.text("äöüßαβסע中", min_size=50, max_size=64))
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join).filter(lambda name: len(name) <= 160)


def by_the_book(name: str) -> tuple[str, ...]:
    """Encode by the two libraries alone, each label for each standard."""

    def encoded(text: str, encode: Callable[[str], bytes]) -> str:
        labels = encodings.idna.dots.split(text)
        if labels[-1] == "":
            labels.pop()
        try:
            domain = ".".join(label if label.isascii() else encode(label).decode("ascii") for label in labels).lower()
        except UnicodeError:
            return ""
        return domain if is_domain(domain) else ""

    try:
        mapped = idna.uts46_remap(name, std3_rules=False)
    except idna.IDNAError:
        mapped = ""
    old = encoded(name, encodings.idna.ToASCII)
    new = encoded(mapped, idna.alabel)
    if old and not new:
        new = encoded(mapped, lambda label: b"xn--" + label.encode("punycode"))
    return tuple(dict.fromkeys(domain for domain in (new, old) if domain))


@given(NAMES)
@example("\u5f25" * 9 + "\u2496" + "\u29f1e" * 9)
@example("faß.example")
@example("😀.example")
@example("ü" * 59)
@example("ü" * 60)
@example("a․b" + "c" * 60)
@example("x\u1806.\u1806")
def test_domains_are_those_of_the_libraries(name: str) -> None:
    """What is encoded once, and not at all where it is too long, is what each library makes of it."""
    if not name.startswith("["):
        assert domains(name) == by_the_book(name)


@given(st.text(LETTERS, max_size=20))
def test_nameprep_is_that_of_the_library(label: str) -> None:
    """Letters looked up once give what looking each up every time gives."""
    try:
        prepared = encodings.idna.nameprep(label)
    except UnicodeError:
        with pytest.raises(UnicodeError):
            reading._prepared(label)
    else:
        assert reading._prepared(label) == prepared


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("bücher.example.", ("xn--bcher-kva.example",), id="a dot behind it"),
        pytest.param("faß.de", ("xn--fa-hia.de", "fass.de"), id="two standards, two hosts"),
        pytest.param("ü" + ".a" * 123, ("xn--tda" + ".a" * 123,), id="as long as a domain may be"),
        pytest.param("ü" + ".a" * 125, (), id="longer than a domain may be"),
        pytest.param("ü." * 32 + "a" * 63, (), id="longer once its labels are encoded"),
        pytest.param("ü" * 300, (), id="a label that no domain has"),
        pytest.param("\ufdfa" * 17, (), id="letters that become eighteen each"),
    ],
)
def test_long_names_are_no_domains(name: str, found: tuple[str, ...]) -> None:
    """A name that is too long for RFC 1035 once it is encoded is no domain."""
    assert domains(name) == found
