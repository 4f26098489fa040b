"""Profiles: who a user is said to be, leads that become users, and people who go.

A lead with the e-mail and unit of a profile is merged into it, and the stricter of both standings holds. A full user
with them is not: two ids that claim one address are a mistake of the caller, and the profile is refused whole.

What a person gives up is kept if anything was said against it, and an opt-out is said in a business unit: whoever moves
to another unit gives up their addresses in the old one.
"""

from __future__ import annotations

import sqlite3

import orjson

from policy import state, veiling, visitors
from policy.events import Departure, Learned, Origin, Profile, Subject
from policy.model import Microseconds
from policy.store import devices, everybody, journal, people
from policy.store.digests import Digests
from policy.store.facts import derive, derived
from policy.store.people import Person


class AddressTaken(Exception):
    """The e-mail and business unit belong to another full user."""


class AddressListed(Exception):
    """An address of a profile is on a blacklist; `field` is where it stands."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class UnknownUser(LookupError):
    """No user has this id."""


def update(connection: sqlite3.Connection, digests: Digests, profile: Profile, arrived: Microseconds) -> Learned:
    """Write what a person is said to be; fields that were not given stay. Raises AddressTaken and UnknownUser."""
    person = meant(connection, digests, named(profile), arrived)
    unit = person.business_unit if profile.business_unit is None else profile.business_unit
    email, keys = _email(person, profile)
    before = mine = people.addresses(connection, person.pk)
    sequence = journal.append(connection, [entry(journal.Kind.PROFILE, "User Updated", profile, person.pk, arrived)])
    lead = _lead(connection, digests, person, keys, unit)
    if lead is not None:
        before = mine | people.addresses(connection, lead.pk)
        _merge(connection, person, lead, arrived)
    held = lead.phones if lead else {}
    phones = {t: phone for t, phone in {**held, **person.phones, **profile.phones}.items() if phone is not None}
    after = {digests.digest(key) for key in (*keys, *(key for _, several in phones.values() for key in several))}
    given_up = before - after if unit == person.business_unit else (before - after) | mine
    people.keep(connection, given_up, person, former=person.pk, now=arrived)
    everybody.note_heard(connection, person.pk, before - after)
    traits = visitors.merged([*([lead.traits] if lead else []), person.traits], profile.traits)
    people.update(
        connection,
        person.pk,
        {
            "email": email,
            "email_key": keys[0] if keys else None,
            "business_unit": unit,
            "phones": orjson.dumps(phones).decode(),
            "traits": orjson.dumps(traits).decode(),
            "updated_at": arrived,
        },
    )
    people.set_addresses(connection, person.pk, after)
    took_over = people.take_over(connection, person.pk, after - before)
    if visitors.TRAIT in traits or visitors.TRAIT in person.traits:
        devices.write(connection, digests, person.pk, visitors.devices(traits))
    same = lead is None and unit == person.business_unit and not took_over
    people.derive_for(connection, person.pk, before ^ after if same else before | after)
    return Learned(sequence, arrived)


def meant(connection: sqlite3.Connection, digests: Digests, subject: Subject, now: Microseconds) -> Person:
    """Find who is told of, made if nobody is; raises UnknownUser for an internal id that nobody has."""
    if subject.xng_id is None:
        return people.find_or_add(connection, digests, subject, now)
    person = people.by_xng_id(connection, subject.xng_id)
    if person is None:
        raise UnknownUser
    return person


def depart(connection: sqlite3.Connection, departure: Departure, arrived: Microseconds) -> Learned:
    """Take a person away; the standing goes with them unless it is to be kept. Raises UnknownUser."""
    person = None
    if departure.id is not None:
        person = people.by_id(connection, departure.id)
    elif departure.xng_id is not None:
        person = people.by_xng_id(connection, departure.xng_id)
    if person is None:
        raise UnknownUser
    addresses = people.addresses(connection, person.pk)
    if departure.keep_suppressed:
        people.keep(connection, addresses, person, former=None, now=arrived)
    people.remove(connection, person.pk)
    if not departure.keep_suppressed:
        everybody.forget(connection, addresses)
    derive(connection, derived(connection, addresses))
    gone = entry(journal.Kind.DEPARTURE, "User Deleted", departure, None, arrived)
    return Learned(journal.append(connection, [gone]), arrived)


def named(profile: Profile) -> Subject:
    """Name a user by the id alone, a lead by e-mail and unit, or whoever it is by the internal id."""
    if profile.id is not None:
        return Subject(id=profile.id)
    if profile.xng_id is not None:
        return Subject(xng_id=profile.xng_id)
    unit = profile.business_unit or ""
    return Subject(email=profile.email, business_unit=unit, email_keys=profile.email_keys)


def _email(person: Person, profile: Profile) -> tuple[str | None, tuple[str, ...]]:
    """Say which e-mail the user has after the profile: the old one, a new one, or none."""
    if profile.email is None:
        return person.email, veiling.keys_in(person.email) if person.email else ()
    return profile.email or None, profile.email_keys


def _lead(
    connection: sqlite3.Connection, digests: Digests, person: Person, keys: tuple[str, ...], unit: str
) -> Person | None:
    """Find the lead that has this e-mail and unit; raises AddressTaken if it is a full user."""
    other = people.by_key(connection, digests, keys[0], unit) if keys else None
    if other is None or other.pk == person.pk:
        return None
    if other.id is not None:
        raise AddressTaken
    return other


def _merge(connection: sqlite3.Connection, person: Person, lead: Person, now: Microseconds) -> None:
    """Make one person of a user and a lead; what was kept of either's former addresses stays theirs."""
    theirs = people.registers(connection, lead.pk)
    for pk in (person.pk, *people.given_up(connection, person.pk)):
        mine = people.registers(connection, pk)
        people.write_registers(connection, pk, mine, state.merge(mine, theirs))
        people.derive_for(connection, pk, people.addresses(connection, pk))
    connection.execute("UPDATE event SET person = ? WHERE person = ?", (person.pk, lead.pk))
    connection.execute("UPDATE person SET former = ? WHERE former = ?", (person.pk, lead.pk))
    connection.execute("UPDATE OR IGNORE conflict SET person = ? WHERE person = ?", (person.pk, lead.pk))
    everybody.hand_on(connection, lead.pk, person.pk)
    people.remove(connection, lead.pk)
    body = {"id": person.id, "xngId": person.xng_id, "lead": lead.xng_id}
    merge = journal.Entry(now, now, person.pk, journal.Kind.MERGE, "Merged", body, origin=Origin.MERGE)
    journal.append(connection, [merge])


def entry(
    kind: journal.Kind, name: str, event: Profile | Departure, pk: int | None, arrived: Microseconds
) -> journal.Entry:
    """Make the journal entry of a profile or a departure."""
    return journal.Entry(arrived, arrived, pk, kind, name, journal.body_of(event), source=event.source)
