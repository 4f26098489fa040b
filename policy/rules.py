"""Deciding: a send, the facts about its recipients, the terms and the time go in; a verdict comes out.

The rules are an ordered list. Each looks at one recipient and gives a finding or nothing, and the first finding
stands. The order says what beats what:

- The allow-list is first, because it alone stays enforced in shadow mode and must not hide behind another reason.
- An address without a key cannot be looked up, so it is refused before anything is asked about it.
- A blacklisting beats everything that is about people and knows no message class: not even transactional mail goes out.
- A blacklist entry is about the address and knows no message class either. It comes behind what is known of people,
  which says more.
- An opt-out stops marketing only; opted out of ALL is told before opted out of the channel.
- Who is unknown and what is scheduled too far come last: they say nothing about the person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from policy import blacklists, identity
from policy.counting import everybody, in_unit, lasts
from policy.events import Origin
from policy.model import (
    Channel,
    Facts,
    Holder,
    MessageClass,
    Microseconds,
    Recipient,
    Refused,
    Send,
    Stamp,
    Terms,
    Verdict,
)
from policy.reasons import Reason


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's word about one recipient: the reason, and who stands behind it."""

    reason: Reason
    holder: Holder | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One recipient before the rules, with everybody who has one of its keys."""

    recipient: Recipient
    holders: tuple[Holder, ...]
    facts: Facts
    terms: Terms
    now: float


Rule = Callable[[Case], Finding | None]


def decide(send: Send, facts: Facts, terms: Terms, now: Microseconds) -> Verdict:
    """Judge every recipient of a send by the rules in their order."""
    seconds = now / 1_000_000
    holders = facts.holders
    screened = terms.allow_only is not None or terms.refuse_unknown or bool(facts.listed)
    refused = []
    for recipient in send.recipients:
        keys = recipient.keys
        people = holders.get(keys[0], ()) if len(keys) == 1 else everybody(keys, holders)
        if not (people or screened or not keys or recipient.scheduled_at or recipient.delay):
            continue  # nothing is known against the recipient and no rule looks at strangers
        found = first_finding(Case(recipient, people, facts, terms, seconds))
        if found is not None:
            refused.append(_refused(recipient, found))
    return Verdict(tuple(refused))


def first_finding(case: Case) -> Finding | None:
    """Give the first rule's word about a recipient, or None if it may be sent to."""
    for rule in RULES:
        found = rule(case)
        if found is not None:
            return found
    return None


def not_allowlisted(case: Case) -> Finding | None:
    allowed = case.terms.allow_only
    if allowed is None:
        return None
    keys = case.recipient.keys
    if keys and all(key in allowed.keys or identity.domain_of(key) in allowed.domains for key in keys):
        return None
    return Finding(Reason.NOT_ALLOWLISTED)


def invalid_address(case: Case) -> Finding | None:
    return None if case.recipient.keys else Finding(Reason.INVALID_ADDRESS)


def blacklisted(case: Case) -> Finding | None:
    """Refuse if any person with the address is blacklisted, in whichever business unit."""
    return _blacklisted(case, Reason.BLACKLISTED, bounced=False)


def hard_bounced(case: Case) -> Finding | None:
    """Refuse if the mailbox is gone: blocked as a blacklisting is, but nobody said so."""
    return _blacklisted(case, Reason.HARD_BOUNCED, bounced=True)


def _blacklisted(case: Case, reason: Reason, *, bounced: bool) -> Finding | None:
    for holder in case.holders:
        stamp = holder.standing.blacklisted
        if stamp is not None and (stamp.origin == Origin.BOUNCE) is bounced:
            return Finding(reason, holder, stamp.origin)
    return None


def blacklist_entry(case: Case) -> Finding | None:
    """Refuse an address that is on a blacklist of the send's scope, or on one of all scopes."""
    for key in case.recipient.keys:
        for entry in case.facts.listed.get(key, ()):
            if lasts(entry, case.now) and blacklists.same_scope(entry.scope, case.terms.scope):
                return Finding(Reason.BLACKLIST_ENTRY, origin=entry.origin)
    return None


def opted_out(case: Case) -> Finding | None:
    return _opt_out(case, Channel.ALL, Reason.OPTED_OUT)


def opted_out_channel(case: Case) -> Finding | None:
    return _opt_out(case, case.recipient.channel, Reason.OPTED_OUT_CHANNEL)


def unknown_recipient(case: Case) -> Finding | None:
    """Refuse whom nobody told the gate about; what is kept of an address is nobody's presence."""
    known = case.facts.known
    if not case.terms.refuse_unknown or not all(holder.kept for holder in case.holders):
        return None
    if known is not None and any(key in known for key in case.recipient.keys):
        return None
    return Finding(Reason.UNKNOWN_RECIPIENT)


def scheduled_too_far(case: Case) -> Finding | None:
    """Refuse marketing that would leave long after today's standing: tomorrow's opt-out could not stop it."""
    ahead = case.terms.max_schedule_ahead
    if ahead is None or case.terms.message_class is MessageClass.TRANSACTIONAL:
        return None
    latest = max(case.recipient.scheduled_at or 0.0, case.now) + case.recipient.delay
    return Finding(Reason.SCHEDULED_TOO_FAR) if latest - case.now > ahead else None


RULES: tuple[Rule, ...] = (
    not_allowlisted,
    invalid_address,
    blacklisted,
    hard_bounced,
    blacklist_entry,
    opted_out,
    opted_out_channel,
    unknown_recipient,
    scheduled_too_far,
)


def message_class(
    *,
    always: bool,
    claimed: bool,
    may_claim: bool,
    wanted: Mapping[str, Collection[str]],
    markers: Mapping[str, tuple[str, ...]],
) -> MessageClass:
    """Say of which class a send is: marketing unless something that may say so says transactional.

    The route's configuration may (`always`), a sender that the configuration lets claim it, and the provider's native
    fields with the values that the configuration lists (`wanted`). A claim by anybody else counts for nothing.
    """
    if always or (claimed and may_claim):
        return MessageClass.TRANSACTIONAL
    marked = any(value in values for name, values in wanted.items() for value in markers.get(name, ()))
    return MessageClass.TRANSACTIONAL if marked else MessageClass.MARKETING


def _opt_out(case: Case, channel: Channel, reason: Reason) -> Finding | None:
    if case.terms.message_class is MessageClass.TRANSACTIONAL:
        return None
    for holder in in_unit(case.holders, case.terms.business_unit):
        stamp: Stamp | None = holder.standing.opt_outs.get(channel)
        if stamp is not None:
            return Finding(reason, holder, stamp.origin)
    return None


def _refused(recipient: Recipient, found: Finding) -> Refused:
    holder = found.holder
    if holder is None:
        return Refused(recipient, found.reason, found.origin)
    return Refused(recipient, found.reason, found.origin, holder.user, holder.business_unit, holder.kept)
