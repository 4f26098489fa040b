"""Choose benchmarks, run them one after the other, print a table for each."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from bench import forwarding, machine
from bench.blacklists import blacklisting
from bench.exporting import exporting
from bench.importing import importing
from bench.judging import judging
from bench.learning import learning
from bench.providers import providers
from bench.removal import removal
from bench.report import say
from bench.settings import Settings
from bench.starting import starting
from bench.unsubscribe import unsubscribe

BENCHMARKS: Mapping[str, Callable[[Settings], None]] = {
    "singles": forwarding.singles,
    "batches": forwarding.batches,
    "judging": judging,
    "blacklists": blacklisting,
    "providers": providers,
    "starting": starting,
    "learning": learning,
    "importing": importing,
    "exporting": exporting,
    "unsubscribe": unsubscribe,
    "removal": removal,
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What the gate costs, as ratios in one run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}; all without a name")
    parser.add_argument("--quick", action="store_true", help="short rounds, and no building of large stores")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    settings = Settings(rounds=3, seconds=1.5, quick=True) if arguments.quick else Settings()
    machine.pin(machine.DRIVING)
    say(machine.described())
    say("")
    for name in arguments.names or BENCHMARKS:
        BENCHMARKS[name](settings)


if __name__ == "__main__":
    main()
