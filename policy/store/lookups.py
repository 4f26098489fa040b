"""Reads for the API: who somebody is and how they stand. Each function makes a read for Policy.ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from policy import state
from policy.events import Subject
from policy.model import Microseconds, Standing
from policy.store import conflicts, people
from policy.store.digests import Digests
from policy.store.people import Person
from policy.store.profiles import UnknownUser

T = TypeVar("T")
Read = Callable[[sqlite3.Connection], T]


@dataclass(frozen=True, slots=True)
class Found:
    """A person with what follows from their own registers, and the conflicts with providers that are open."""

    person: Person
    standing: Standing
    conflicts: Sequence[conflicts.Open] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A person as their profile shows them: `opt_out` is None for who never opted out of ALL."""

    person: Person
    opt_out: bool | None


def user(external_id: str) -> Read[Person]:
    """Read a full user; raises UnknownUser."""

    def read(connection: sqlite3.Connection) -> Person:
        person = people.by_id(connection, external_id)
        if person is None:
            raise UnknownUser
        return person

    return read


def shown(external_id: str) -> Read[Shown]:
    """Read the profile of a full user; raises UnknownUser."""
    return lambda connection: _shown(connection, user(external_id)(connection))


def shown_by_email(key: str, unit: str) -> Read[Shown]:
    """Read the profile of whoever has an e-mail in a unit, in whichever case it is written; raises UnknownUser.

    Where units differ by case alone the very same spelling is meant, and without it nobody is.
    """

    def read(connection: sqlite3.Connection) -> Shown:
        alike = [person for person in people.with_email(connection, key) if _same_unit(person, unit)]
        exactly = [person for person in alike if person.business_unit == unit] or alike
        if len(exactly) != 1:
            raise UnknownUser
        return _shown(connection, exactly[0])

    return read


def standing(external_id: str) -> Read[Standing]:
    """Read how a full user stands; raises UnknownUser."""

    def read(connection: sqlite3.Connection) -> Standing:
        return _standing(connection, user(external_id)(connection))

    return read


def each(subjects: Sequence[Subject]) -> Read[list[Person | None]]:
    """Read who is meant by each id, or else by each e-mail and unit."""

    def read(connection: sqlite3.Connection) -> list[Person | None]:
        return [_meant(connection, subject) for subject in subjects]

    return read


def having(digests: Digests, keys: Sequence[str], now: Microseconds) -> Read[list[Found]]:
    """Read everybody who has any of these keys, kept addresses included."""

    def read(connection: sqlite3.Connection) -> list[Found]:
        found = {person.pk: person for key in keys for person in people.having(connection, digests.digest(key))}
        return [
            Found(person, _standing(connection, person), conflicts.of_person(connection, digests, person.pk, now))
            for person in found.values()
        ]

    return read


def _shown(connection: sqlite3.Connection, person: Person) -> Shown:
    return Shown(person, state.opt_out_trait(people.registers(connection, person.pk)))


def _same_unit(person: Person, unit: str) -> bool:
    return person.business_unit.casefold() == unit.casefold()


def _standing(connection: sqlite3.Connection, person: Person) -> Standing:
    return state.standing(people.registers(connection, person.pk))


def _meant(connection: sqlite3.Connection, subject: Subject) -> Person | None:
    if subject.id is not None:
        return people.by_id(connection, subject.id)
    if subject.xng_id is not None:
        return people.by_xng_id(connection, subject.xng_id)
    return people.by_email(connection, subject.email_keys[0], subject.business_unit) if subject.email_keys else None
