"""Registers: what was said about a person, folded so that order and repetition do not matter.

A register belongs to one kind (blacklisting or opt-out), channel, origin and number: the sending number of a keyword,
the list that was left at a provider. It keeps two maxima: the newest time it was suppressed at and the newest time it
was released at. It suppresses if the first is not older than the second: at the same instant, no wins. Maxima commute
and repeat harmlessly, so any order of the same statements ends in the same registers, and the standing is the OR over
all of them.

A release must reach registers that nobody has seen yet: a Whitelisted of Tuesday undoes a Blacklisted of Monday that
arrives on Wednesday, from whichever origin. So a release that may undo every origin is written once, under ANY, and a
register is released by the newer of its own release and that of ANY. `UNDOES` is the one table that says which origin
may undo what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from policy.events import KIND, PROVIDER_PREFIX, SUPPRESSES, Kind, Origin, Word
from policy.model import Channel, Microseconds, Stamp, Standing

ANY = "*"


class Register(NamedTuple):
    """The name of a register."""

    kind: Kind
    channel: Channel
    origin: str
    number: str = ""


class Maxima(NamedTuple):
    """The newest suppressing and the newest releasing time; zero for never."""

    suppressed_at: Microseconds = Microseconds(0)
    released_at: Microseconds = Microseconds(0)


Registers = Mapping[Register, Maxima]
EMPTY: Registers = MappingProxyType({})

# Which origins a release by some origin undoes, per kind: ANY, only its own register, or nothing (not listed).
UNDOES: Mapping[tuple[Kind, str], str] = {
    (Kind.BLACKLIST, Origin.API): ANY,
    (Kind.BLACKLIST, Origin.CLI): ANY,
    (Kind.BLACKLIST, Origin.EVENT): ANY,
    (Kind.BLACKLIST, Origin.IMPORT): ANY,
    (Kind.OPT_OUT, Origin.API): ANY,
    (Kind.OPT_OUT, Origin.CLI): ANY,
    (Kind.OPT_OUT, Origin.EVENT): ANY,
    (Kind.OPT_OUT, Origin.IMPORT): ANY,
    (Kind.OPT_OUT, Origin.PAGE): ANY,
    (Kind.OPT_OUT, Origin.KEYWORD): "own",
    (Kind.OPT_OUT, PROVIDER_PREFIX): "own",
}


def target(word: Word, channel: Channel, origin: str, number: str) -> Register | None:
    """Name the register that a statement is written to, or None if its origin may not say it.

    A suppression goes to its own origin's register; a release to ANY or to its own.
    """
    kind = KIND[word]
    where = place(kind, channel)
    if SUPPRESSES[word]:
        return Register(kind, where, origin, number)
    asked = PROVIDER_PREFIX if origin.startswith(PROVIDER_PREFIX) else origin
    reach = UNDOES.get((kind, asked))
    if reach is None:
        return None
    return Register(kind, where, ANY) if reach == ANY else Register(kind, where, origin, number)


def place(kind: Kind, channel: Channel) -> Channel:
    """Give the channel a register of this kind stands under: a blacklisting knows none."""
    return Channel.ALL if kind is Kind.BLACKLIST else channel


def newest(registers: Registers, kind: Kind, channel: Channel) -> Microseconds:
    """Give the newest time in all registers of a kind and channel, which a statement without a time must pass."""
    times = (max(m) for r, m in registers.items() if r.kind is kind and r.channel is channel)
    return max(times, default=Microseconds(0))


def fold(registers: Registers, register: Register, at: Microseconds, *, suppresses: bool) -> Registers:
    """Write one statement into the registers: total, commutative and idempotent."""
    old = registers.get(register, Maxima())
    new = old._replace(suppressed_at=max(old.suppressed_at, at)) if suppresses else _released(old, at)
    return registers if new == old else {**registers, register: new}


def merge(one: Registers, other: Registers) -> Registers:
    """Make one set of registers of two people's: whatever suppresses either suppresses the one they become.

    1. A register that suppresses in either keeps the newest time of those that suppress.
    2. Any other keeps both maxima.
    3. Releases are cut back to what is suppressed: they were said about the other person. That goes for ANY as well,
       so a suppression that arrives late may count although its own person had released it; no release ever does.
    """
    merged = {register: _both(effective(one, register), effective(other, register)) for register in {*one, *other}}
    for register, maxima in merged.items():
        if register.origin == ANY:
            merged[register] = maxima._replace(released_at=_shielded(merged, register))
    return merged


def take_over(mine: Registers, said: Registers, heard: Mapping[Register, Microseconds]) -> Registers:
    """Give a person's registers once they have got an address of which this was said, whoever has it.

    What suppresses there suppresses the person, as in a merge: whatever released them before was said of other
    addresses. Two things are not taken over. A release, which was said of those who had the address. And what the
    person `heard` of the address, up to these times, when they had it before, so that what they did about it goes on to
    hold. A person's own times do not tell: two noes of two addresses may be said at the same moment.
    """
    unheard = {
        register: Maxima(stamp.at)
        for register, stamp in suppressing(said)
        if stamp.at > heard.get(register, Microseconds(0))
    }
    return merge(mine, unheard) if unheard else mine


def standing(registers: Registers) -> Standing:
    """Say what follows from the registers: blacklisted, opted out of ALL, opted out of channels.

    Each carries the time and origin of the newest statement that holds.
    """
    blacklisted: Stamp | None = None
    opt_outs: dict[Channel, Stamp] = {}
    for register, stamp in sorted(suppressing(registers), key=lambda item: (-item[1].at, item[1].origin)):
        if register.kind is Kind.BLACKLIST:
            blacklisted = blacklisted or stamp
        else:
            opt_outs.setdefault(register.channel, stamp)
    return Standing(blacklisted, opt_outs)


def suppressing(registers: Registers) -> Iterator[tuple[Register, Stamp]]:
    """List the registers that suppress, with since when and by whom."""
    for register in registers:
        maxima = effective(registers, register)
        if suppresses(maxima):
            yield register, Stamp(maxima.suppressed_at, register.origin)


def opt_out_trait(registers: Registers) -> bool | None:
    """Say what the profile shows of the opt-out of ALL: whether it holds, and None for who never opted out.

    So false marks those who came back (CrossEngage, "Re-subscribe users").
    """
    overall = [register for register in registers if (register.kind, register.channel) == (Kind.OPT_OUT, Channel.ALL)]
    if not any(registers[register].suppressed_at for register in overall):
        return None
    return any(suppresses(effective(registers, register)) for register in overall)


def effective(registers: Registers, register: Register) -> Maxima:
    """Give a register's maxima with what was released under ANY counted in."""
    own = registers.get(register, Maxima())
    over_all = registers.get(Register(register.kind, register.channel, ANY), Maxima())
    return own._replace(released_at=max(own.released_at, over_all.released_at))


def goes_on(registers: Registers, register: Register) -> bool:
    """Tell whether an origin said no before and never took it back itself, whatever was undone here since.

    A provider that drops somebody says that its list still has them, which is that no once more and none of today.
    """
    return any(
        (each.kind, each.origin, _route(each)) == (register.kind, register.origin, _route(register))
        and suppresses(maxima)
        for each, maxima in registers.items()
    )


def _route(register: Register) -> str:
    return register.number.partition(":")[0]


def suppresses(maxima: Maxima) -> bool:
    """Tell whether a register with these maxima suppresses: at the same instant, no wins."""
    return maxima.suppressed_at > 0 and maxima.suppressed_at >= maxima.released_at


def _released(old: Maxima, at: Microseconds) -> Maxima:
    return old._replace(released_at=max(old.released_at, at))


def _both(mine: Maxima, theirs: Maxima) -> Maxima:
    strict = [m.suppressed_at for m in (mine, theirs) if suppresses(m)]
    released = max(mine.released_at, theirs.released_at)
    if strict:
        return Maxima(max(strict), min(released, max(strict)))
    return Maxima(max(mine.suppressed_at, theirs.suppressed_at), released)


def _shielded(registers: Mapping[Register, Maxima], release: Register) -> Microseconds:
    alike = (m for r, m in registers.items() if (r.kind, r.channel) == (release.kind, release.channel))
    return min([registers[release].released_at, *(m.suppressed_at for m in alike if suppresses(m))])
