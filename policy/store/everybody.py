"""What was said of an address by who knows no business units: it holds for everybody who has it, and who will have it.

A webhook or a link without a unit names an address and means whoever has it. It is written to all who have it now, and
remembered here beside them, by the digest of the address. Whoever gets the address later, in whichever unit, takes over
what still suppresses: a new user, one who changes their address or number, a row of an import. A lead is its address,
and takes all of it over as if it had been there before. Judging reads nothing of this table.

It hears what is said of everybody, no and yes, and nothing else: a yes to one person is theirs, and those who come
later still start with the no. Only opt-outs are remembered, because a blacklisting of anybody who has an address counts
in every unit anyway.

Who gives an address up and comes back to it heard before what was said till then, and may have undone it since. So it
is noted how far they had heard.

It is forgotten with the last one who has the address, if their standing is to go with them; what is kept of an address
counts as somebody.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

from policy import state
from policy.model import Microseconds
from policy.store.facts import register_of


def registers(connection: sqlite3.Connection, digest: bytes) -> state.Registers:
    """Read what was said of an address."""
    rows = connection.execute(
        "SELECT kind, channel, origin, number, suppressed_at, released_at FROM everybody WHERE digest = ?", (digest,)
    )
    return dict(register_of(list(row)) for row in rows)


def write_registers(connection: sqlite3.Connection, digest: bytes, old: state.Registers, new: state.Registers) -> None:
    """Write the registers of an address that changed."""
    changed = [
        (digest, str(register.kind), str(register.channel), str(register.origin), register.number, *maxima)
        for register, maxima in new.items()
        if old.get(register) != maxima
    ]
    connection.executemany("INSERT OR REPLACE INTO everybody VALUES (?, ?, ?, ?, ?, ?, ?)", changed)


def said_of(connection: sqlite3.Connection, digests: Collection[bytes]) -> state.Registers:
    """Read what was said of an address that has these keys."""
    said = state.EMPTY
    for digest in sorted(digests):
        also = registers(connection, digest)
        said = state.merge(said, also) if said and also and said != also else said or also
    return said


def taken_over(
    connection: sqlite3.Connection,
    pk: int,
    held: state.Registers,
    digests: Collection[bytes],
    alike: Collection[bytes] = (),
) -> state.Registers:
    """Give a person's registers once they have got these addresses; the very same if nothing was said of them.

    `alike` are other readings of the same addresses, which they had: what was said of both at once they heard.
    """
    for digest in sorted(digests):
        said = registers(connection, digest)
        if said:
            held = state.take_over(held, said, _heard(connection, pk, digest) | _told_of_both(connection, said, alike))
    return held


def _heard(connection: sqlite3.Connection, pk: int, digest: bytes) -> dict[state.Register, Microseconds]:
    rows = connection.execute(
        "SELECT kind, channel, origin, number, at, 0 FROM heard WHERE person = ? AND digest = ?", (pk, digest)
    )
    return {register: maxima.suppressed_at for register, maxima in map(register_of, map(list, rows))}


def _told_of_both(
    connection: sqlite3.Connection, said: state.Registers, alike: Collection[bytes]
) -> dict[state.Register, Microseconds]:
    return {
        register: maxima.suppressed_at
        for digest in alike
        for register, maxima in registers(connection, digest).items()
        if register in said and said[register].suppressed_at == maxima.suppressed_at
    }


def note_heard(connection: sqlite3.Connection, pk: int, digests: Iterable[bytes]) -> None:
    """Note what somebody who gives addresses up heard of them: what is in their registers, or newer there."""
    connection.executemany(
        "INSERT OR REPLACE INTO heard SELECT r.person, e.digest, e.kind, e.channel, e.origin, e.number, e.suppressed_at"
        " FROM everybody e JOIN register r ON r.person = ? AND r.kind = e.kind AND r.channel = e.channel"
        " AND r.origin = e.origin AND r.number = e.number AND r.suppressed_at >= e.suppressed_at"
        " WHERE e.digest = ? AND e.suppressed_at > 0",
        [(pk, digest) for digest in sorted(digests)],
    )


def hand_on(connection: sqlite3.Connection, pk: int, to: int) -> None:
    """Let a person have heard what another had, who becomes one with them."""
    connection.execute(
        "INSERT INTO heard SELECT ?2, digest, kind, channel, origin, number, at FROM heard WHERE person = ?1"
        " ON CONFLICT (person, digest, kind, channel, origin, number) DO UPDATE SET at = max(at, excluded.at)",
        (pk, to),
    )


def forget(connection: sqlite3.Connection, digests: Iterable[bytes]) -> None:
    """Forget what was said of those addresses that nobody has any more."""
    connection.executemany(
        "DELETE FROM everybody WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM address WHERE digest = ?1)",
        [(digest,) for digest in digests],
    )
