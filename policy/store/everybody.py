"""What was said of an address by who knows no business units: it holds for everybody who has it, and who will have it.

A webhook or a link without a unit names an address and means whoever has it. It is written to all who have it now, and
remembered here beside them, by the digest of the address. Whoever gets the address later, in whichever unit, takes over
what still suppresses: a new user, one who changes their address or number, a row of an import. A lead is its address,
and takes all of it over as if it had been there before. Judging reads nothing of this table.

It hears what is said of everybody, no and yes, and nothing else: a yes to one person is theirs, and those who come
later still start with the no. Only opt-outs are remembered, because a blacklisting of anybody who has an address counts
in every unit anyway.

It is forgotten with the last one who has the address, if their standing is to go with them; what is kept of an address
counts as somebody.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

from policy import state
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


def taken_over(connection: sqlite3.Connection, held: state.Registers, digests: Collection[bytes]) -> state.Registers:
    """Give somebody's registers once they have got these addresses; the very same if nothing was said of them."""
    for digest in sorted(digests):
        held = state.take_over(held, registers(connection, digest))
    return held


def forget(connection: sqlite3.Connection, digests: Iterable[bytes]) -> None:
    """Forget what was said of those addresses that nobody has any more."""
    connection.executemany(
        "DELETE FROM everybody WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM address WHERE digest = ?1)",
        [(digest,) for digest in digests],
    )
