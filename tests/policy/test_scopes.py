"""Scopes and business units: which stands for which, and for whom an entry of a scope counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.scopes import DEFAULT, Units

UNITS = Units({"commercesite": "DE", "shop": "DE", "defaultscope": ""})

NAMED = [
    pytest.param("commercesite", "DE", "commercesite", id="named in the configuration"),
    pytest.param("CommerceSite", "DE", "commercesite", id="in any case"),
    pytest.param("shop", "DE", "commercesite", id="the second scope of a unit"),
    pytest.param("blog", "blog", "blog", id="named nowhere"),
    pytest.param("", "", "defaultscope", id="none"),
    pytest.param(" \t", "", "defaultscope", id="blanks"),
    pytest.param(DEFAULT, "", "defaultscope", id="the default scope"),
]


@pytest.mark.parametrize(("scope", "unit", "shown"), NAMED)
def test_a_scope_stands_for_a_unit(scope: str, unit: str, shown: str) -> None:
    """A scope stands for its unit of the configuration, else for the one of its name, and a unit shows one scope."""
    assert UNITS.unit_of(scope) == unit
    assert UNITS.scope_of(unit) == shown


def test_the_default_scope_is_the_empty_unit() -> None:
    """Where nothing is configured, the empty unit is shown as the default scope, and the other way round."""
    assert (Units().scope_of(""), Units().unit_of(DEFAULT), Units().unit_of("Default")) == (DEFAULT, "", "")


COUNTS = [
    pytest.param("", "DE", True, id="no scope"),
    pytest.param("commercesite", "DE", True, id="the unit's scope"),
    pytest.param("shop", "DE", True, id="the unit's other scope"),
    pytest.param("SHOP", "de", True, id="in any case"),
    pytest.param("commercesite", "", False, id="not the empty unit"),
    pytest.param("commercesite", "FR", False, id="another unit"),
    pytest.param("fr", "FR", True, id="called the same"),
    pytest.param(DEFAULT, "", True, id="the default scope for the empty unit"),
    pytest.param(DEFAULT, "DE", False, id="the default scope for no other"),
    pytest.param(DEFAULT, DEFAULT, True, id="a unit that is called default"),
]


@pytest.mark.parametrize(("scope", "unit", "counts"), COUNTS)
def test_an_entry_counts_in_its_unit(scope: str, unit: str, *, counts: bool) -> None:
    """An entry counts for the people of the unit that its scope stands for, and without a scope for all."""
    assert UNITS.counts(scope, unit) is counts


@given(st.text(), st.dictionaries(st.text().map(str.lower), st.text(), max_size=3))
def test_the_scope_that_is_shown_counts(unit: str, by_scope: dict[str, str]) -> None:
    """An entry of the scope that a unit is shown under counts for it, whatever is configured."""
    units = Units(by_scope)
    assert units.counts(units.scope_of(unit), unit)
