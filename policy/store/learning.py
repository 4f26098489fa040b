"""Learning: an event becomes registers, journal and derived rows, in one transaction.

Every way in ends here: the events endpoint, the status endpoints, profiles, the command line, and telling the journal
again. What happens follows from the event, its arrival and the store alone, so the same journal gives the same store.
Whom nobody knows goes a short way (newcomers.py) that ends in the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby

from policy import state, times
from policy.events import (
    KIND,
    SUPPRESSES,
    Delisting,
    Departure,
    Erasure,
    Event,
    Learned,
    Listing,
    Origin,
    Profile,
    Settlement,
    Subject,
    Told,
    Unplaced,
    Word,
)
from policy.model import Microseconds
from policy.store import (
    blacklists,
    conflicts,
    devices,
    erasing,
    everybody,
    journal,
    newcomers,
    notices,
    people,
    profiles,
)
from policy.store.digests import Digests
from policy.store.people import Person
from policy.store.profiles import AddressListed, AddressTaken, UnknownUser

Check = Callable[[sqlite3.Connection, Sequence[Event], Microseconds], None]


def learn(
    digests: Digests, events: Sequence[Event], arrived: Microseconds
) -> Callable[[sqlite3.Connection], list[Learned]]:
    """Make the transaction that learns some events which arrived together, all or none.

    It raises AddressTaken, UnknownUser and UnknownEntry.
    """

    def transaction(connection: sqlite3.Connection) -> list[Learned]:
        erasing.recognise(connection, digests, events)
        groups = list(_groups(events))
        named = [newcomers.named(digests, group) for group in groups]
        fresh = newcomers.new_among(connection, groups, named)
        learned: list[Learned] = []
        for new, places in groupby(range(len(groups)), fresh.__contains__):
            run = list(places)
            run_named = [(groups[at], *named[at]) for at in run]
            short = newcomers.learn(connection, digests, run_named, arrived) if new else None
            if short is None:
                short = chain.from_iterable(_learn_group(connection, digests, groups[at], arrived) for at in run)
            learned += short
        return learned

    return transaction


def learn_ordinarily(
    digests: Digests, events: Sequence[Event], arrived: Microseconds
) -> Callable[[sqlite3.Connection], list[Learned]]:
    """Make the same transaction without the short way."""

    def transaction(connection: sqlite3.Connection) -> list[Learned]:
        return [learned for group in _groups(events) for learned in _learn_group(connection, digests, group, arrived)]

    return transaction


def learn_each(
    digests: Digests, groups: Sequence[Sequence[Event]], arrived: Microseconds, check: Check | None = None
) -> Callable[[sqlite3.Connection], list[list[Learned] | Exception]]:
    """Make the transaction that learns groups of events, each group by itself: one that fails leaves the others.

    With `check` each group is checked before it is learned.
    """

    def transaction(connection: sqlite3.Connection) -> list[list[Learned] | Exception]:
        results: list[list[Learned] | Exception] = []
        for events in groups:
            connection.execute("SAVEPOINT item")
            try:
                if check is not None:
                    check(connection, events, arrived)
                results.append(learn(digests, events, arrived)(connection))
            except (AddressTaken, AddressListed, UnknownUser) as error:
                connection.execute("ROLLBACK TO item")
                results.append(error)
            connection.execute("RELEASE item")
        return results

    return transaction


def _groups(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Put together what may be told at once: of one subject, and names without effect, which make nobody.

    A provider's notices stand alone, since each may have been told before.
    """
    for together, group in groupby(events, _told_together):
        if together is None:
            yield from ([event] for event in group)
        else:
            yield list(group)


def _told_together(event: Event) -> tuple[Subject, bool] | None:
    return (event.subject, event.word is None) if isinstance(event, Told) and not event.notice else None


def _learn_group(
    connection: sqlite3.Connection, digests: Digests, group: Sequence[Event], arrived: Microseconds
) -> list[Learned]:
    told = [event for event in group if isinstance(event, Told) and not event.notice]
    return _tell(connection, digests, told, arrived) if told else [_learn_one(connection, digests, group[0], arrived)]


def _learn_one(connection: sqlite3.Connection, digests: Digests, event: Event, arrived: Microseconds) -> Learned:
    match event:
        case Profile():
            return profiles.update(connection, digests, event, arrived)
        case Departure():
            return profiles.depart(connection, event, arrived)
        case Told():
            return _tell_notice(connection, digests, event, arrived)
        case Unplaced():
            return _noticed(connection, event.notice, arrived, lambda: _keep_raw(connection, event, arrived))
        case Listing() | Delisting():
            return blacklists.learn(connection, digests, event, arrived)
        case Erasure() | Settlement():
            return _learn_of_row(connection, digests, event, arrived)


def _learn_of_row(
    connection: sqlite3.Connection, digests: Digests, event: Erasure | Settlement, arrived: Microseconds
) -> Learned:
    """Learn what names somebody by the key of the table alone."""
    if isinstance(event, Erasure):
        return erasing.erase(connection, digests, event, arrived)
    return conflicts.settle(connection, event, arrived)


def _tell_notice(connection: sqlite3.Connection, digests: Digests, event: Told, arrived: Microseconds) -> Learned:
    """Learn what a provider tells of somebody; a word that is let go leaves a trace only where it is a conflict."""
    event = conflicts.looked_at(connection, digests, event, arrived)
    if event.claim is not None and not event.claim.heeded and not conflicts.is_one(connection, digests, event, arrived):
        return Learned(journal.last_sequence(connection), arrived)
    return _noticed(connection, event.notice, arrived, lambda: _tell(connection, digests, [event], arrived)[0])


def _noticed(
    connection: sqlite3.Connection, notice: str, arrived: Microseconds, learn: Callable[[], Learned]
) -> Learned:
    """Learn a provider's item unless it was told before; what has no name of its own is news each time."""
    if not notice:
        return learn()
    before = notices.seen(connection, notice, arrived)
    if before is not None:
        return Learned(*before, repeat=True)
    learned = learn()
    notices.remember(connection, notice, learned.sequence, arrived)
    return learned


def _keep_raw(connection: sqlite3.Connection, event: Unplaced, arrived: Microseconds) -> Learned:
    body = journal.body_of(event)
    entry = journal.Entry(
        arrived, arrived, None, journal.Kind.UNPLACED, event.name, body, "", event.origin, event.source
    )
    return Learned(journal.append(connection, [entry]), arrived)


# What is told about a person


def _tell(
    connection: sqlite3.Connection, digests: Digests, told: Sequence[Told], arrived: Microseconds
) -> list[Learned]:
    """Write events about one subject, in their order."""
    unchanged = connection.total_changes
    passed = conflicts.lets_pass(connection, digests, told[0], arrived)
    person, foldings = _meant(connection, digests, told, arrived)
    news = connection.total_changes > unchanged  # somebody was not known yet, or not by this spelling
    sequence = journal.last_sequence(connection)
    learned: list[Learned] = []
    entries: list[journal.Entry] = []
    for event in told:
        identity = journal.identity_of(event)
        first = _first_effect(connection, digests, event, identity) or _just_told(entries, identity, sequence)
        at = first[1] if first else _effective(event, arrived, foldings)
        changed = [folding.write(event, at) for folding in foldings]
        if first and not any(changed) and not news:
            learned.append(Learned(first[0], at, repeat=True))
            continue
        news = False
        entries.append(journal.told_entry(event, person, arrived, at, None if first else identity))
        number = sequence + len(entries)
        steps = [(folding.pk, folding.before, folding.new) for folding in foldings if folding.pk]
        found = conflicts.of_release(connection, digests, event, steps, arrived)
        entries += [each.entry for each in found]
        told_of = tuple(each.conflict for each in found)
        learned.append(Learned(number, at, repeat=first is not None, conflicts=told_of))
    for folding in foldings:
        folding.save()
    if entries:
        journal.append(connection, entries)
    for event, each in zip(told, learned, strict=True):
        if event.origin == Origin.TRACK and person is not None and each.sequence > sequence:
            devices.see(connection, digests, person, event, each.effective_at)
    return _compared(connection, digests, told, learned, passed=passed, arrived=arrived)


def _compared(
    connection: sqlite3.Connection,
    digests: Digests,
    told: Sequence[Told],
    learned: list[Learned],
    *,
    passed: bool,
    arrived: Microseconds,
) -> list[Learned]:
    """Compare what a provider says of its own list with how the gate stands now; such an event stands alone."""
    found = conflicts.of_claim(connection, digests, told[0], passed=passed, now=arrived)
    if not found:
        return learned
    journal.append(connection, [each.entry for each in found])
    came_about = (*learned[0].conflicts, *(each.conflict for each in found))
    return [replace(learned[0], conflicts=came_about), *learned[1:]]


def _first_effect(
    connection: sqlite3.Connection, digests: Digests, event: Told, identity: bytes | None
) -> tuple[int, Microseconds] | None:
    """Find when a statement that was told before counts from; one behind a veil says so itself."""
    return None if event.veil else journal.first_effect(connection, digests, identity)


class _Folding:
    """One person's registers while events are folded into them; `takes` says which words are meant for them."""

    def __init__(self, connection: sqlite3.Connection, pk: int, *, takes: frozenset[Word]) -> None:
        self.connection = connection
        self.pk = pk
        self.takes = takes
        self.old = self.before = self.new = people.registers(connection, pk)

    def write(self, told: Told, at: Microseconds) -> bool:
        """Fold an event in and tell whether that changed anything; `before` is how it was."""
        self.before = self.new
        if told.word is None or told.word not in self.takes:
            return False
        register = state.target(told.word, told.channel, told.origin, told.number)
        if register is None or (told.claim and told.claim.dropped and state.goes_on(self.before, register)):
            return False
        self.new = state.fold(self.before, register, at, suppresses=SUPPRESSES[told.word])
        return self.new is not self.before

    def save(self) -> None:
        if self.new is not self.old:
            people.write_registers(self.connection, self.pk, self.old, self.new)
            people.derive_for(self.connection, self.pk, people.addresses(self.connection, self.pk))


class _AddressFolding(_Folding):
    """What is remembered of an address for everybody who will have it, while events are folded into that."""

    def __init__(self, connection: sqlite3.Connection, digest: bytes, *, takes: frozenset[Word]) -> None:
        self.connection = connection
        self.pk = 0  # nobody
        self.digest = digest
        self.takes = takes
        self.old = self.before = self.new = everybody.registers(connection, digest)

    def save(self) -> None:
        everybody.write_registers(self.connection, self.digest, self.old, self.new)


_BOTH = frozenset(Word)
_ONLY_SUPPRESSING = frozenset(word for word in Word if SUPPRESSES[word])
_ONLY_RELEASING = _BOTH - _ONLY_SUPPRESSING
_OPTING = frozenset({Word.OPT_OUT, Word.OPT_IN})


def _meant(
    connection: sqlite3.Connection, digests: Digests, told: Sequence[Told], now: Microseconds
) -> tuple[int | None, list[_Folding]]:
    """Say whom the events are about, and whose registers they are written to; nobody's, if all is yet to come."""
    subject = told[0].subject
    if subject.kept and subject.everybody:
        return None, _remembered(connection, digests, subject)
    person = profiles.meant(connection, digests, subject, now)
    return person.pk, _foldings(connection, digests, told, person, now)


def _foldings(
    connection: sqlite3.Connection, digests: Digests, told: Sequence[Told], person: Person, now: Microseconds
) -> list[_Folding]:
    """List everybody whose registers the events are written to.

    1. The subject itself.
    2. Who else is named, where an id came with an address that is not the id's: a no counts for both, a yes only for a
       lead, because the address of another full user may be a mistake.
    3. What is kept of the addresses that the subject gave up.
    4. For a yes, what is kept of its present addresses.
    5. Where everybody with an address is meant, all who have it, and what is remembered for those who will.

    Which words are told makes no difference, or telling the same ones one by one would end otherwise.
    """
    make = any(event.word for event in told)
    also = _also_named(connection, digests, told[0].subject, person, now, make=make)  # may change what they hold
    foldings = [_Folding(connection, person.pk, takes=_BOTH)]
    foldings += [_Folding(connection, other.pk, takes=_ONLY_SUPPRESSING if other.id else _BOTH) for other in also]
    foldings += [_Folding(connection, pk, takes=_BOTH) for pk in people.given_up(connection, person.pk)]
    foldings += [_Folding(connection, pk, takes=_ONLY_RELEASING) for pk in people.kept_for(connection, person)]
    if told[0].subject.everybody:
        foldings += _everybody_else(connection, digests, told[0].subject, {folding.pk for folding in foldings})
        foldings += _remembered(connection, digests, told[0].subject)
    return foldings


def _everybody_else(
    connection: sqlite3.Connection, digests: Digests, subject: Subject, listed: set[int]
) -> list[_Folding]:
    """List who else has the address, in whichever unit; what is said of the address holds for each of them."""
    keys = subject.email_keys or subject.phone_keys
    holders = {person.pk for key in keys for person in people.having(connection, digests.digest(key))}
    return [_Folding(connection, pk, takes=_BOTH) for pk in sorted(holders - listed)]


def _remembered(connection: sqlite3.Connection, digests: Digests, subject: Subject) -> list[_Folding]:
    keys = subject.email_keys or subject.phone_keys
    named = {digests.kept(subject.kept)} if subject.kept else {digests.digest(key) for key in keys}
    return [_AddressFolding(connection, digest, takes=_OPTING) for digest in sorted(named)]


def _also_named(
    connection: sqlite3.Connection, digests: Digests, subject: Subject, person: Person, now: Microseconds, *, make: bool
) -> list[Person]:
    """List the persons behind the addresses that came with the identifier, made if there are none and `make`."""
    mine = people.addresses(connection, person.pk)
    others = []
    for named in (
        replace(subject, id=None, phone=None, phone_keys=()),
        replace(subject, id=None, email=None, email_keys=()),
    ):
        keys = named.email_keys or named.phone_keys
        if keys and digests.digest(keys[0]) in mine:
            people.add_keys(connection, digests, person.pk, keys)
        elif keys:
            found = people.told_by_address(connection, digests, named)
            others.append(found or (people.add(connection, digests, named, now) if make else None))
    return [other for other in others if other is not None]


def _effective(told: Told, arrived: Microseconds, foldings: Sequence[_Folding]) -> Microseconds:
    """Say when an event counts from; a name without effect counts from its stated time or its arrival."""
    if told.veil is not None:
        return told.veil.at
    if told.word is None:
        return arrived if told.stated is None else Microseconds(min(told.stated.first, arrived))
    kind = KIND[told.word]
    place = state.place(kind, told.channel)
    newest = max(state.newest(folding.new, kind, place) for folding in foldings)
    return times.effective(told.stated, arrived, newest, suppresses=SUPPRESSES[told.word])


def _just_told(
    entries: Sequence[journal.Entry], identity: bytes | None, sequence: int
) -> tuple[int, Microseconds] | None:
    """Find a statement that stands earlier in the same request."""
    for number, entry in enumerate(entries, sequence + 1):
        if identity is not None and entry.identity == identity:
            return number, entry.effective_at
    return None
