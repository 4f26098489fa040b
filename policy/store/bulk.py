"""Learning many people at once, as an import brings them.

Whom nobody knows goes the short way (newcomers.py), everybody else the ordinary one; in the order of the rows.

A row whose profile is refused, because its e-mail is another user's, is told as such; its noes are taken all the same,
for the id and for the address.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from policy.events import Conflict, Event, Learned, Profile, Told
from policy.model import Microseconds
from policy.store import learning, newcomers
from policy.store.digests import Digests, WrongPepper
from policy.store.newcomers import Group
from policy.store.profiles import AddressTaken


def learn_rows(
    digests: Digests, groups: Sequence[Group], arrived: Microseconds, came_about: list[Conflict] | None = None
) -> Callable[[sqlite3.Connection], list[str]]:
    """Make the transaction that learns groups of events, one person a group; gives a word per group, empty if fine.

    The conflicts with providers that it brings about are added to `came_about`.
    """
    learned: list[Learned] = []

    def transaction(connection: sqlite3.Connection) -> list[str]:
        named = [newcomers.named(digests, group) for group in groups]
        fresh = newcomers.new_among(connection, groups, named)
        results: list[str] = []
        for new, places in groupby(range(len(groups)), fresh.__contains__):
            run = list(places)
            short = [(groups[at], *named[at]) for at in run] if new else []
            if new and newcomers.learn(connection, digests, short, arrived) is not None:
                results += [""] * len(run)
            else:
                results += [_learn(connection, digests, groups[at], arrived, learned) for at in run]
        if came_about is not None:
            came_about.extend(conflict for each in learned for conflict in each.conflicts)
        return results

    return transaction


def _learn(
    connection: sqlite3.Connection, digests: Digests, group: Group, arrived: Microseconds, learned: list[Learned]
) -> str:
    connection.execute("SAVEPOINT row")
    try:
        learned += learning.learn_ordinarily(digests, group, arrived)(connection)
    except AddressTaken:
        connection.execute("ROLLBACK TO row")
        learned += learning.learn_ordinarily(digests, list(_without_profile(group)), arrived)(connection)
        return "the e-mail and business unit belong to another user; what the row suppresses was taken"
    except WrongPepper as error:
        connection.execute("ROLLBACK TO row")
        return str(error)
    finally:
        connection.execute("RELEASE row")
    return ""


def _without_profile(group: Group) -> Iterable[Event]:
    """Leave the address that is another's out of a group's profile, and name it beside the id in what is told."""
    claimed = next(event for event in group if isinstance(event, Profile))
    told = [event for event in group if isinstance(event, Told)]
    if told and claimed.phones:
        yield replace(claimed, email=None, email_keys=(), business_unit=None)
    for event in told:
        unit = claimed.business_unit or ""
        named = replace(event.subject, email=claimed.email, email_keys=claimed.email_keys, business_unit=unit)
        yield replace(event, subject=named)
