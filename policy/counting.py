"""Whose word counts for an address: of everybody who has it, in the business unit that is asked, and of blacklists.

Judging a send asks it for each recipient (rules.py), and so does whoever says how an address stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from policy.model import Channel, Facts, Holder, Listed, Microseconds, Stamp, Standing


def everybody(keys: Iterable[str], holders: Mapping[str, tuple[Holder, ...]]) -> tuple[Holder, ...]:
    """Collect all who have any of the keys."""
    return tuple(holder for key in keys for holder in holders.get(key, ()))


def in_unit(holders: tuple[Holder, ...], unit: str) -> tuple[Holder, ...]:
    """Narrow the people behind an address to those whose opt-outs count in a business unit.

    1. No unit is named: everybody counts.
    2. Somebody of the named unit has the address: that unit and the empty one count.
    3. Nobody of that unit has it: everybody counts, so that the strictest holds.

    A unit that differs in capital letters or blanks around it alone is another one, and yet what was said in it counts:
    whoever told it may have meant this one, and was told that it was accepted.
    """
    if not unit or not any(holder.business_unit == unit and not holder.kept for holder in holders):
        return holders
    counting = {"", _folded(unit)}
    return tuple(holder for holder in holders if _folded(holder.business_unit) in counting)


def _folded(unit: str) -> str:
    return unit.strip().casefold()


def holding(facts: Facts, keys: Iterable[str], unit: str, now: Microseconds) -> Standing:
    """Say in one standing what judging some keys goes by, whatever the route.

    That is whoever's blacklisting, or an entry of a blacklist without a scope, and the opt-outs that count in a unit.
    """
    keys = tuple(keys)
    holders = everybody(keys, facts.holders)
    entries = (entry for key in keys for entry in facts.listed.get(key, ()))
    listed = (Stamp(each.at, each.origin) for each in entries if not each.scope and lasts(each, now / 1_000_000))
    of_people = (stamp for holder in holders if (stamp := holder.standing.blacklisted))
    blacklisted = next(chain(of_people, listed), None)
    opt_outs: dict[Channel, Stamp] = {}
    for holder in in_unit(holders, unit):
        opt_outs = {**holder.standing.opt_outs, **opt_outs}
    return Standing(blacklisted, opt_outs)


def lasts(entry: Listed, now: float) -> bool:
    """Tell whether a blacklist entry still stands at a time in seconds since 1970."""
    return entry.until is None or now <= entry.until / 1_000_000
