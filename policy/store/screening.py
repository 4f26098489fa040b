"""What is not taken in, because an address in it is on a blacklist: events, and profiles.

A listed address is not to be processed. So an event about it is ignored, and a profile with it is refused; who reads
the entries and who writes what was told share one transaction, so nothing slips in between. The journal gets what was
made of the events, not what was told, and telling it again needs no screening.

A no is the exception, or a blacklisting that was acknowledged would end with the entry: it is kept. It is told of whom
the store knows already, and of an address that nobody has as a keyed hash, so that no clear address comes in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from policy import blacklists, identity, visitors
from policy.events import SUPPRESSES, Event, Learned, Profile, Subject, Told
from policy.model import Microseconds
from policy.scopes import Units
from policy.store import learning, people, profiles
from policy.store.digests import Digests
from policy.store.people import Person
from policy.store.profiles import AddressListed

_SCOPES = (
    "SELECT DISTINCT e.scope FROM blacklist_key k JOIN blacklist e ON e.pk = k.entry"
    " WHERE k.digest = ? AND (e.until IS NULL OR e.until >= ?)"
)
_EMAIL = "email"


def learn(
    digests: Digests, told: Sequence[Told], arrived: Microseconds, units: Units
) -> Callable[[sqlite3.Connection], list[Learned | None]]:
    """Make the transaction that learns events which arrived together, all or none; None for one that is ignored."""

    def transaction(connection: sqlite3.Connection) -> list[Learned | None]:
        screen = Screen(connection, digests, units, arrived)
        passed = [[event] for event in told] if screen.empty else [list(screen.passed(event)) for event in told]
        learned = iter(learning.learn(digests, [event for events in passed for event in events], arrived)(connection))
        return [together([next(learned) for _ in events]) for events in passed]

    return transaction


def learn_guarded(
    digests: Digests, events: Sequence[Event], arrived: Microseconds, units: Units
) -> Callable[[sqlite3.Connection], list[Learned]]:
    """Make the transaction that learns events unless a profile among them has a listed address; see `guard`."""

    def transaction(connection: sqlite3.Connection) -> list[Learned]:
        guard(digests, units)(connection, events, arrived)
        return learning.learn(digests, events, arrived)(connection)

    return transaction


def together(learned: Sequence[Learned]) -> Learned | None:
    """Make one answer of what became of the parts of an event; None if there are none."""
    conflicts = tuple(conflict for each in learned for conflict in each.conflicts)
    repeat = all(each.repeat for each in learned)
    return replace(learned[0], repeat=repeat, conflicts=conflicts) if learned else None


def guard(digests: Digests, units: Units) -> learning.Check:
    """Make the check that refuses profiles with a listed address; it raises AddressListed."""

    def check(connection: sqlite3.Connection, events: Sequence[Event], arrived: Microseconds) -> None:
        screen = Screen(connection, digests, units, arrived)
        for event in () if screen.empty else events:
            if isinstance(event, Profile):
                screen.check_profile(event)

    return check


@dataclass(slots=True)
class Screen:
    """The blacklists as they are in a transaction."""

    connection: sqlite3.Connection
    digests: Digests
    units: Units
    now: Microseconds
    _concerned: dict[Subject, bool] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Tell whether there is no entry at all."""
        return self.connection.execute("SELECT 1 FROM blacklist LIMIT 1").fetchone() is None

    def covers(self, keys: Collection[str], *in_units: str) -> bool:
        """Tell whether an entry stands for any of these keys, in one of these units."""
        domains = {identity.domain_of(key) for key in keys} - {""}
        patterns = {pattern for domain in domains for pattern in blacklists.patterns_over(domain)}
        return self._listed(map(self.digests.digest, {*keys, *patterns}), in_units)

    def covers_person(self, person: Person, *in_units: str) -> bool:
        """Tell whether an entry stands for any address of a person, in one of these units, or else in their own."""
        units = in_units or (person.business_unit,)
        known = people.addresses(self.connection, person.pk)
        return self._listed(known, units) or self.covers(_keys_of(person), *units)

    def _listed(self, digests: Iterable[bytes], in_units: Collection[str]) -> bool:
        found = (scope for digest in digests for (scope,) in self.connection.execute(_SCOPES, (digest, self.now)))
        return any(self.units.counts(scope, unit) for scope in found for unit in in_units)

    # Events

    def passed(self, told: Told) -> Iterator[Told]:
        """Give what of an event is taken in: itself, or nothing, or its no without clear addresses."""
        if not self.concerns(told.subject):
            yield told
        elif told.word is not None and SUPPRESSES[told.word]:
            yield from self.kept(told)

    def concerns(self, subject: Subject) -> bool:
        """Tell whether an entry stands for an address of a subject, or of whom it names."""
        if subject not in self._concerned:
            self._concerned[subject] = self._concerns(subject)
        return self._concerned[subject]

    def kept(self, told: Told) -> Iterator[Told]:
        """Give a no about a listed address without anything but the no: of who is known, and of keyed hashes."""
        for subject in self._without_addresses(told.subject):
            yield replace(told, subject=subject, properties={})

    def _named(self, subject: Subject) -> Person | None:
        if subject.id is not None:
            return people.by_id(self.connection, subject.id)
        if subject.xng_id is not None:
            return people.by_xng_id(self.connection, subject.xng_id)
        return people.by_address(self.connection, self.digests, subject)

    def _concerns(self, subject: Subject) -> bool:
        named = self._named(subject)
        told_in, own = subject.business_unit, () if named is None else (named.business_unit,)
        if self.covers((*subject.email_keys, *subject.phone_keys), told_in, *own):
            return True
        return named is not None and self.covers_person(named, *own, *([told_in] if told_in else []))

    def _without_addresses(self, subject: Subject) -> Iterator[Subject]:
        """Name by the id whom an id names, by an address who has it, and as a keyed hash what nobody has."""
        by_id = Subject(id=subject.id, xng_id=subject.xng_id)
        if by_id != Subject():
            yield by_id
        named = None if by_id == Subject() else self._named(by_id)
        mine = people.addresses(self.connection, named.pk) if named else set()
        for address in _addresses(subject):
            keys = address.email_keys or address.phone_keys
            if not mine.isdisjoint(map(self.digests.digest, keys)):
                continue
            if people.by_address(self.connection, self.digests, address) is not None:
                yield address
            else:
                unit = address.business_unit if address.email_keys else ""
                kept = (self.digests.export(self.digests.digest(key)) for key in keys)
                yield from (Subject(kept=each, business_unit=unit) for each in kept)

    # Profiles

    def check_profile(self, profile: Profile) -> None:
        """Make sure that no listed address is in a profile, before and after it is written; raises AddressListed."""
        person = self._written(profile)
        units = [profile.business_unit or ""] if profile.business_unit is not None or person is None else []
        units += [person.business_unit] if person else []
        if self.covers(profile.email_keys, *units) or (person and self.covers(_email_keys(person), *units)):
            raise AddressListed(_EMAIL)
        for trait, phone in {**(person.phones if person else {}), **profile.phones}.items():
            if phone and self.covers(phone[1], *units):
                raise AddressListed(trait)
        if any(self.covers(keys, *units) for keys in visitors.addresses(profile.traits)):
            raise AddressListed(visitors.DEVICES)
        if person is not None and self.covers_person(person, *units):
            raise AddressListed(_EMAIL)

    def _written(self, profile: Profile) -> Person | None:
        subject = profiles.named(profile)
        return self._named(subject) if subject != Subject(business_unit=subject.business_unit) else None


def _addresses(subject: Subject) -> Iterator[Subject]:
    if subject.email_keys:
        yield Subject(email=subject.email, business_unit=subject.business_unit, email_keys=subject.email_keys)
    if subject.phone_keys:
        yield Subject(phone=subject.phone, phone_keys=subject.phone_keys)


def _email_keys(person: Person) -> tuple[str, ...]:
    return identity.email_keys(person.email) if person.email else ()


def _keys_of(person: Person) -> tuple[str, ...]:
    numbers = (key for _, keys in person.phones.values() for key in keys)
    called_by = (key for keys in visitors.addresses(person.traits) for key in keys)
    return (*_email_keys(person), *numbers, *called_by)
