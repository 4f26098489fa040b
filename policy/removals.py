"""When people on blacklists are removed: once a day, at a time of day in UTC.

A run is known by the moment at which it was due. One that was missed, because the gate was down or was killed in it, is
due until one has ended.
"""

from __future__ import annotations

from typing import Final

from policy.model import Microseconds

DAY: Final = 86_400_000_000
_MINUTE: Final = 60_000_000


def due_at(now: Microseconds, minute: int) -> Microseconds:
    """Give the last moment, not after `now`, that is so many minutes after a midnight in UTC."""
    return Microseconds(now - (now - minute * _MINUTE) % DAY)
