"""What may be said to whom, and what has happened: no HTTP, no network.

The door for others is `Policy` with its values; the pure files (model, reasons, times, identity, events, state, rules)
know no clock and no I/O, and only `policy.store` knows SQLite.
"""

from policy.policy import Policy
from policy.store.backups import BadCopy
from policy.store.blacklists import UnknownEntry
from policy.store.database import StoreLocked
from policy.store.digests import WrongPepper
from policy.store.profiles import AddressListed, AddressTaken, UnknownUser
from policy.store.schema import NewerStore
from policy.store.tracking import NobodyNamed
from policy.store.writer import StoreUnavailable

__all__ = [
    "AddressListed",
    "AddressTaken",
    "BadCopy",
    "NewerStore",
    "NobodyNamed",
    "Policy",
    "StoreLocked",
    "StoreUnavailable",
    "UnknownEntry",
    "UnknownUser",
    "WrongPepper",
]
