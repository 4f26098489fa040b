"""Arguments → configuration → run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from proxy import commands


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="sendgate", description="A suppression proxy in front of e-mail and SMS providers."
    )
    top.add_argument("--version", action="version", version=f"sendgate {version('sendgate')}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, function: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(name, help=text, description=text)
        added.add_argument(
            "--config", type=Path, default=Path("config.yaml"), metavar="FILE", help="default: config.yaml"
        )
        added.set_defaults(command=function)
        return added

    command("serve", commands.serve, "run the gate")
    command("check", commands.check, "check the configuration")
    command("schema", commands.print_schema, "print the JSON schema of config.yaml")
    command("health", commands.health, "ask the running gate whether it is ready")
    added = command("status", commands.status, "say how an address stands, and why")
    added.add_argument("address", metavar="ADDRESS", help="an e-mail address, or a phone number with its country")
    added = command("blacklist", commands.blacklist, "send nothing at all to an address any more")
    added.add_argument("address", metavar="ADDRESS")
    added.add_argument(
        "--business-unit", default="", metavar="UNIT", help="of the lead that is made; blocks in every unit"
    )
    added = command("whitelist", commands.whitelist, "undo the blacklisting of everybody who has an address")
    added.add_argument("address", metavar="ADDRESS")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and give its exit code."""
    return commands.run(parser().parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
