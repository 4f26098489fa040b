"""Finding everything that names somebody, before they are erased or told what is held about them.

Whoever is named by an address is everybody who has it, in whichever business unit. Whoever is named by an id is that
person, with the leads who are known by nothing but one of the person's addresses: they are the same human being. Who
was deleted and had one of the addresses, or the id, may still have entries in the journal; those are found as well.

No index leads to the entries that mention an address somewhere in their text, so that is a walk over the journal. It
goes on in a reader's thread, by patterns that find too much rather than too little; what it found is read closely, and
what has come since is added, in the transaction that erases. If that turns up an address that nobody walked for, the
walk begins anew (`Moved`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from policy import identity, veiling
from policy.events import Erasure, Event, Learned, Profile, Told, Veil
from policy.model import BlacklistEntry, Microseconds
from policy.store import blacklists, erasing, people, walking
from policy.store.digests import VEIL, Digests
from policy.store.people import Person
from policy.store.profiles import UnknownUser
from policy.store.walking import Candidates, Extent

_NO_VEIL: Final = Veil(Microseconds(0))


class Moved(Exception):
    """Between the walk and the transaction something was told that makes another walk necessary."""


@dataclass(frozen=True, slots=True)
class Whom:
    """Somebody as they are asked for: whoever has this external id, this internal id or one of these keys.

    `people` are persons by their keys of the table, and mean exactly those: no lead who has the same address.
    """

    id: str | None = None
    xng_id: str | None = None
    keys: tuple[str, ...] = ()
    people: tuple[int, ...] = ()


def whoever(text: str) -> Whom:
    """Read a name that may be an external id, an internal id, an e-mail address or a number with its country."""
    is_address = "@" in text or identity.is_international(text)
    return Whom(text, text, identity.address_keys(text) if is_address else ())


@dataclass(frozen=True, slots=True)
class Survey:
    """What names somebody. `texts` are their addresses in the clear, as far as nobody else has them.

    `others` are the ids of users who have one of the addresses too, and stay. `remaining` are the blacklist entries of
    the addresses, which stay as well, in the clear: they belong to an address. The rest is how far the walk went: the
    patterns it went by, and the newest rows that it met.
    """

    erasure: Erasure
    records: tuple[int, ...]
    texts: frozenset[str]
    others: tuple[str, ...]
    remaining: tuple[BlacklistEntry, ...]
    patterns: frozenset[str]
    extent: Extent

    @property
    def empty(self) -> bool:
        """Tell whether nothing names them."""
        found = self.erasure
        return not (
            found.people or found.entries or found.mentioned_by or found.listed or self.records or self.remaining
        )


def survey(digests: Digests, whom: Whom) -> Callable[[sqlite3.Connection], Survey]:
    """Make the read that finds everything that names somebody; it raises UnknownUser if nothing does."""

    def read(connection: sqlite3.Connection) -> Survey:
        connection.execute("BEGIN")
        try:
            return _known(whole(connection, digests, whom))
        finally:
            connection.execute("COMMIT")

    return read


def whole(connection: sqlite3.Connection, digests: Digests, whom: Whom) -> Survey:
    """Find everything that names somebody, by walks over the whole journal; it may be empty."""
    candidates, patterns = Candidates(), frozenset[str]()
    while not (found := _Found(connection, digests, whom, candidates)).patterns <= patterns:
        patterns |= found.patterns
        candidates = walking.walk(connection, patterns)
    return found.survey(patterns)


def exactly(connection: sqlite3.Connection, digests: Digests, pks: tuple[int, ...]) -> tuple[Survey, frozenset[str]]:
    """Find what indexes lead to of some persons, without a walk, and give their external ids with it."""
    found = _Found(connection, digests, Whom(people=pks), Candidates())
    return found.survey(found.patterns), frozenset(found.ids)


def again(connection: sqlite3.Connection, digests: Digests, whom: Whom, before: Survey) -> Survey:
    """Survey once more in a transaction, close to what was found before; raises Moved and UnknownUser."""
    found = _Found(
        connection,
        digests,
        whom,
        walking.again(connection, before.patterns, before.erasure, before.records, before.extent),
    )
    if not found.patterns <= before.patterns:
        raise Moved
    return _known(found.survey(before.patterns))


def erase(
    digests: Digests, whom: Whom, before: Survey, now: Microseconds, by: tuple[str, str]
) -> Callable[[sqlite3.Connection], tuple[Survey, Learned, dict[str, int]]]:
    """Make the transaction that erases whom a survey found, and gives what went; it raises Moved and UnknownUser.

    `by` is the origin and the source of the erasure.
    """

    def transaction(connection: sqlite3.Connection) -> tuple[Survey, Learned, dict[str, int]]:
        found = again(connection, digests, whom, before)
        erasure = replace(found.erasure, origin=by[0], source=by[1])
        learned = erasing.erase(connection, digests, erasure, now, found.records)
        return found, learned, erasing.counts_of(connection, learned.sequence)

    return transaction


def _known(found: Survey) -> Survey:
    if found.empty:
        raise UnknownUser
    return found


# Who is meant


class _Found:
    """Who is meant, with their ids and addresses, by all that is known so far."""

    def __init__(self, connection: sqlite3.Connection, digests: Digests, whom: Whom, candidates: Candidates) -> None:
        self._connection = connection
        self._digests = digests
        self._candidates = candidates
        self.people: set[int] = set()
        self.ids: set[str] = set() if whom.id is None else {whom.id}
        self.texts: dict[bytes, set[str]] = {}
        self._beside: set[bytes] = set()  # addresses that were told beside an id of theirs
        self._own(whom.keys)
        for person in self._named(whom):
            self._add(person)
        while not whom.people and (self._add_leads() or self._add_departed()):
            pass
        self.others = self._others()
        self.spared = {d for d in self._beside - self.texts.keys() if self._is_of_others(d)}
        for digest in [digest for digest in self.texts if digest in self.others]:
            del self.texts[digest]

    @property
    def patterns(self) -> frozenset[str]:
        """Give the patterns (SQL's LIKE) of texts that may hold one of the ids or addresses."""
        clear = (text for texts in self.texts.values() for text in texts)
        ids = (external_id for external_id in self.ids if not external_id.startswith("\x00"))
        addresses = (pattern for text in clear for pattern in walking.address_patterns(text))
        return frozenset([*addresses, *map(walking.id_pattern, ids)])

    def survey(self, patterns: frozenset[str]) -> Survey:
        """Read the candidates closely."""
        digests = tuple(sorted(digest.hex() for digest in self.texts))
        ids = tuple(sorted(map(self._digests.veiled_id, self.ids)))
        spared = tuple(sorted(digest.hex() for digest in self.spared))
        erasure = Erasure(tuple(sorted(self.people)), ids, digests, spared)
        veils = erasing.veils_of(self._connection, self._digests, erasure)
        entries = (
            sequence
            for sequence, pk, event in self._candidates.entries
            if pk not in self.people and veiling.partly(event, veils, _NO_VEIL) is not event
        )
        mentioned_by = (pk for pk in self._candidates.persons if pk not in self.people and self._mentions(pk, veils))
        listed = (pk for pk in self._candidates.listed if self._is_reason(pk, veils))
        remaining = blacklists.under(self._connection, {*self.texts, *self.others})
        records = {*self._own_records(), *(each for each in self._candidates.records if self._names(each, veils))}
        return Survey(
            replace(
                erasure,
                entries=tuple(sorted(entries)),
                mentioned_by=tuple(sorted(mentioned_by)),
                listed=tuple(sorted(listed)),
            ),
            records=tuple(sorted(records)),
            texts=self._searched(),
            others=tuple(sorted({person.id for holders in self.others.values() for person in holders if person.id})),
            remaining=remaining,
            patterns=patterns,
            extent=walking.extent(self._connection),
        )

    def _named(self, whom: Whom) -> Iterator[Person]:
        if whom.id is not None and (by_id := people.by_id(self._connection, whom.id)):
            yield by_id
        if whom.xng_id is not None and (by_xng_id := people.by_xng_id(self._connection, whom.xng_id)):
            yield by_xng_id
        for key in whom.keys:
            yield from self._holders(self._digests.digest(key))
        found = (people.by_pk(self._connection, pk) for pk in whom.people)
        yield from (person for person in found if person is not None and not person.kept)

    def _holders(self, digest: bytes) -> list[Person]:
        return [person for person in people.having(self._connection, digest) if not person.kept]

    def _add(self, person: Person) -> None:
        self.people.add(person.pk)
        if person.id is not None:
            self.ids.add(person.id)
        self._own(veiling.keys_in(person.email or ""), person.email)
        for text, keys in person.phones.values():
            self._own(keys, text)
        for digest in people.addresses(self._connection, person.pk):
            self.texts.setdefault(digest, set())
        for kept in people.given_up(self._connection, person.pk):
            for digest in people.addresses(self._connection, kept):
                self.texts.setdefault(digest, set())
        self._add_entries(person.pk)

    def _add_entries(self, pk: int) -> None:
        for _, _, event in walking.namings(self._connection, pk):
            self._take(event)

    def _take(self, event: Event) -> None:
        """Take in the ids and addresses that an entry of theirs says are theirs."""
        external_id = erasing.id_of(event)
        if external_id is not None:
            self.ids.add(external_id)
        for text, keys in _owned(event):
            self._own(keys, text)
        if isinstance(event, Told) and external_id is not None:
            keys = (*event.subject.email_keys, *event.subject.phone_keys)
            self._beside.update(map(self._digests.digest, keys))

    def _own(self, keys: Iterable[str], text: str | None = None) -> None:
        for key in keys:
            texts = self.texts.setdefault(self._digests.digest(key), set())
            texts.update(each for each in (key, text) if each and not each.startswith(VEIL))

    def _add_leads(self) -> bool:
        """Add the leads who are known by one of the addresses and by nothing else; tells whether there were any."""
        leads = [lead for digest in self.texts for lead in self._holders(digest) if self._is_lead_by(lead, digest)]
        new = {lead.pk: lead for lead in leads if lead.pk not in self.people}
        for lead in new.values():
            self._add(lead)
        return bool(new)

    def _is_lead_by(self, person: Person, digest: bytes) -> bool:
        known_by_it = person.email_key is None or self._digests.digest(person.email_key) == digest
        return person.id is None and known_by_it

    def _add_departed(self) -> bool:
        """Add who was deleted and had the id or one of the addresses; tells whether there was anybody."""
        new = {pk for _, pk, event in self._candidates.entries if pk is not None and self._is_departed(pk, event)}
        for pk in new:
            self.people.add(pk)
            self._add_entries(pk)
        return bool(new)

    def _is_departed(self, pk: int, event: Event) -> bool:
        if pk in self.people or people.by_pk(self._connection, pk) is not None:
            return False
        owned = (self._digests.digest(key) for _, keys in _owned(event) for key in keys)
        return erasing.id_of(event) in self.ids or any(
            digest in self.texts and not self._is_of_others(digest) for digest in owned
        )

    def _is_of_others(self, digest: bytes) -> bool:
        return any(person.pk not in self.people for person in self._holders(digest))

    def _others(self) -> Mapping[bytes, Sequence[Person]]:
        """List who else has each of the addresses."""
        holders = {d: [person for person in self._holders(d) if person.pk not in self.people] for d in self.texts}
        return {digest: persons for digest, persons in holders.items() if persons}

    def _mentions(self, pk: int, veils: veiling.Veils) -> bool:
        person = people.by_pk(self._connection, pk)
        return person is not None and bool(veiling.walked(person.traits, veils) != person.traits)

    def _is_reason(self, pk: int, veils: veiling.Veils) -> bool:
        told = self._connection.execute("SELECT reason FROM blacklist WHERE pk = ?", (pk,)).fetchone()
        return told is not None and veiling.text_without(told[0], veils) != told[0]

    def _searched(self) -> frozenset[str]:
        """Give the addresses that shall stand nowhere any more: none that is on a blacklist still."""
        of_entries = {digest for digest in self.texts if blacklists.under(self._connection, [digest])}
        return frozenset(text for digest, texts in self.texts.items() if digest not in of_entries for text in texts)

    def _own_records(self) -> Iterator[int]:
        for column, values in (("digest", self.texts), ("user", self.ids)):
            query = f"SELECT id FROM dispatch_failed WHERE {column} = ?"  # noqa: S608 (constants)
            for value in values:
                yield from (number for (number,) in self._connection.execute(query, (value,)))

    def _names(self, number: int, veils: veiling.Veils) -> bool:
        query = "SELECT address, place, campaign FROM dispatch_failed WHERE id = ?"
        told = self._connection.execute(query, (number,)).fetchone() or ()
        return any(text and veiling.walked(text, veils) != text for text in told)


def _owned(event: Event) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """Give the addresses that an entry says are the person's own: an id that came with an address may be another's."""
    if isinstance(event, Profile):
        yield event.email, event.email_keys
        yield from (phone for phone in event.phones.values() if phone)
    elif isinstance(event, Told) and event.subject.id is None:
        subject = event.subject
        yield (subject.email, subject.email_keys) if subject.email_keys else (subject.phone, subject.phone_keys)
