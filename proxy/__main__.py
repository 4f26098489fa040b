"""Arguments → configuration → run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from policy.model import DISPATCHED
from proxy import blacklists, commands, erasing, keeping, moving, printing, segments, statistics, transfer


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
    added = command("link", commands.link, "print the unsubscribe link of an address")
    added.add_argument("address", metavar="ADDRESS")
    added.add_argument(
        "--channel",
        choices=[str(each) for each in DISPATCHED],
        metavar="CHANNEL",
        help="default: MAIL, or SMS for a number",
    )
    added.add_argument("--campaign", default="", help="what it is noted under")
    added.add_argument("--business-unit", default="", metavar="UNIT", help="narrows an opt-out by e-mail to this unit")
    _add_erasing(command)
    _add_files(command)
    added = command(
        "blacklists", blacklists.move, "take blacklist entries from a CSV file, remove those in it, or write them"
    )
    added.add_argument("action", choices=("import", "remove", "export"), metavar="import|remove|export")
    added.add_argument("file", type=Path, metavar="FILE", help="- for standard input or output")
    added.add_argument("--encoding", default="utf-8", help="of the file that is read; default: utf-8")
    segments.take(command("segment", segments.run, "save filters over events and standing, and list whom they mean"))
    statistics.take(command("stats", statistics.run, "count who opted out, or what was not sent, and plot it"))
    added = command("backup", keeping.backup, "copy the store to a file, beside a running gate, and check the copy")
    added.add_argument("file", type=Path, metavar="FILE")
    added = command("journal", keeping.journal, "write the journal to standard output, as NDJSON")
    added.add_argument("--after", type=int, default=0, metavar="N", help="only what came after this sequence number")
    added = command("restore", keeping.restore, "put a backup into place, tell it the journal since, take it into use")
    added.add_argument(
        "backup", type=Path, metavar="BACKUP", nargs="?", help="default: the copy that is in place already"
    )
    added.add_argument("--journal", type=Path, action="append", default=[], metavar="FILE", help="written by `journal`")
    added.add_argument("--until", type=int, metavar="N", help="the last sequence number that must be there")
    added.add_argument("--accept-loss", action="store_true", help="take it into use whatever is missing")
    _add_records(command)
    return top


def _add_erasing(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add what somebody may ask of whoever keeps data about them."""
    whom = "an id, an internal id, an e-mail address, or a phone number with its country"
    added = command("person", erasing.person, "print everything that is held about somebody, as JSON")
    added.add_argument("whom", metavar="WHOM", help=whom)
    added = command("erase", erasing.erase, "erase somebody; what suppresses them stays as keyed hashes")
    added.add_argument("whom", metavar="WHOM", help=whom)
    added.add_argument("--yes", action="store_true", help="do not ask")
    command("rebuild", erasing.rebuild, "write the store's file anew, so that nothing erased is left between its rows")


def _add_records(command: Callable[..., argparse.ArgumentParser]) -> None:
    added = command("conflicts", keeping.conflicts, "show where providers' own lists and the standing disagree")
    added.add_argument("--settle", metavar="ID", help="say that this one is mended at the provider")
    added = command("records", keeping.records, "show what was not sent, and why, the newest first")
    added.add_argument("--follow", action="store_true", help="oldest first, and go on with the records to come")
    added.add_argument(
        "--oldest-first", action="store_true", help="turn the list over; the newest are listed all the same"
    )
    added.add_argument("--limit", type=int, default=50, metavar="N", help="how many of the newest; default: 50")
    for name, says in keeping.FILTERS.items():
        added.add_argument(f"--{name}", metavar=name.upper(), help=says)


def _add_files(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands for files of people."""
    added = command("import", moving.import_people, "take people and their standing from a file (CSV, NDJSON)")
    added.add_argument("file", type=Path, metavar="FILE", help="- for standard input")
    added.add_argument("--format", choices=transfer.FORMATS, help="default: by the file's ending, else csv")
    added.add_argument("--encoding", default="utf-8", help="of the file; default: utf-8")
    added.add_argument("--release", action="store_true", help="let false release: without this it says nothing")
    added.add_argument(
        "--from-line", type=int, default=0, metavar="N", help="skip the lines before, of an import that stopped"
    )
    added = command("export", moving.export_people, "write everybody and their standing to a file")
    added.add_argument("file", type=Path, metavar="FILE", nargs="?", default=Path("-"), help="default: standard output")
    added.add_argument("--format", choices=transfer.FORMATS, help="default: by the file's ending, else csv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and give its exit code."""
    with printing.while_read():
        return commands.run(parser().parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
