"""How long a run takes: rounds, and seconds for each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Rounds of each comparison, seconds of load in a round; `quick` builds no large store."""

    rounds: int = 5
    seconds: float = 4.0
    quick: bool = False
