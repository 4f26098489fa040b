"""What config.yaml says of addresses on blacklists and of profiles: how scopes are named, and what they stand for."""

from __future__ import annotations

from functools import cached_property

from policy.scopes import Units
from proxy.sections import Node, option
from proxy.units import FrozenMap
from proxy.values import ScopeName, Text, TimeOfDay


class Removal(Node):
    """The nightly removal of the people whom blacklist entries stand for."""

    enabled: bool = option(written=True, description="whether they are removed; their standing stays as keyed hashes")
    at: TimeOfDay = option("03:00", "when, each day, in UTC")

    @cached_property
    def minute(self) -> int:
        """Give the time of day in minutes."""
        hours, minutes = self.at.split(":")
        return int(hours) * 60 + int(minutes)


class Blacklists(Node):
    """How the blacklists of addresses are kept."""

    lenient_scopes: bool = option(written=False, description="scopes may have capitals and hyphens too")
    guard_users: bool = option(
        written=False, description="/users and /leads refuse a profile with an address on a blacklist: 403"
    )
    removal: Removal = option({}, "the removal of people at night")


class Profiles(Node):
    """What profiles and users have in common."""

    business_units: FrozenMap[ScopeName, Text] = option(
        {}, "the business unit of a scope, where it is not called the same"
    )

    @cached_property
    def units(self) -> Units:
        """Give the business unit of each scope."""
        return Units({scope.lower(): unit for scope, unit in self.business_units.items()})
