"""Scopes and business units: two systems' names for the same parts of one company.

Entries of blacklists, profiles and tracking events have a scope, users have a business unit. Which unit a scope stands
for is said in the configuration; a scope that is not named there stands for the unit of the same name, and the default
scope for the empty unit. Several scopes may stand for one unit; the first of them is the one that is shown.

Case makes no difference between names of scopes, and between units none where an entry of a blacklist is concerned:
nothing is taken in for the sake of a capital letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Units:
    """The business unit of each scope, whose names are in lower case."""

    by_scope: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def unit_of(self, scope: str) -> str:
        """Give the business unit of a scope; one without a name is the default scope."""
        name = scope.strip().lower() or DEFAULT
        return self.by_scope.get(name, "" if name == DEFAULT else scope.strip())

    def scope_of(self, unit: str) -> str:
        """Give the scope that is shown for a business unit."""
        named = (scope for scope, of in self.by_scope.items() if of == unit)
        return next(named, unit or DEFAULT)

    def counts(self, scope: str, unit: str) -> bool:
        """Tell whether a blacklist entry of this scope counts for people of this unit; one without a scope does."""
        if not scope:
            return True
        return self.unit_of(scope).lower() == unit.lower() or scope.lower() == self.scope_of(unit).lower()
