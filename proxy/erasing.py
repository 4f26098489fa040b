"""`sendgate erase`, `person` and `rebuild`: what somebody may ask of whoever keeps data about them."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from typing import Any

from proxy import printing
from proxy.finding import find
from proxy.operator import Door, NoGate, door

OK = 0
FAILED = 1
USAGE = 2


def person(arguments: Namespace) -> int:
    """Print everything that is held about somebody, as JSON."""
    return asyncio.run(_person(arguments))


async def _person(arguments: Namespace) -> int:
    found = find(arguments.config)
    async with door(found.config, alone=found.whole) as gate:
        held = await _held(gate, arguments.whom)
    if held is None:
        return _nobody()
    _print(held)
    return OK


def erase(arguments: Namespace) -> int:
    """Erase somebody and print the report, as JSON; asks on a terminal, unless told that it is meant."""
    if not arguments.yes and not sys.stdin.isatty():
        printing.err().print("say --yes: what is erased cannot be brought back")
        return USAGE
    return asyncio.run(_erase(arguments))


async def _erase(arguments: Namespace) -> int:
    found = find(arguments.config)
    async with door(found.config, alone=found.whole) as gate:
        if not arguments.yes and not await _confirmed(gate, arguments.whom):
            return FAILED
        reply = await gate.ask("POST", "/erasures", body={"whom": arguments.whom})
    if reply.status == 404:
        return _nobody()
    _expect(reply.status)
    _print(reply.body)
    if reply.body["leftInFile"] or not reply.body["logEmptied"]:
        printing.err().print(
            "what was erased is in no row any more, but some of it still lies between the rows or in the log;\n"
            "`sendgate rebuild` writes the file anew, and nobody can write meanwhile"
        )
    return OK


async def _confirmed(gate: Door, whom: str) -> bool:
    """Say what would go and ask whether it shall; false if not, and if there is nothing."""
    held = await _held(gate, whom)
    if held is None:
        _nobody()
        return False
    names = ", ".join(each["id"] or each["email"] or each["xngId"] for each in held["people"]) or "nobody who is there"
    rows = f"{len(held['events'])} journal entries, {len(held['dispatchFailed'])} records"
    printing.err().print(printing.plain(f"{names}: {rows}. This cannot be undone. Erase? [y/N] "), end="")
    return (await asyncio.to_thread(sys.stdin.readline)).strip().lower() in ("y", "yes")


def rebuild(arguments: Namespace) -> int:
    """Write the store's file anew."""
    return asyncio.run(_rebuild(arguments))


async def _rebuild(arguments: Namespace) -> int:
    found = find(arguments.config)
    async with door(found.config, alone=found.whole) as gate:
        reply = await gate.ask("POST", "/rebuild")
    _expect(reply.status)
    if not reply.body["logEmptied"]:
        raise NoGate("something else reads the store for long; the log could not be emptied, so do it again later")
    printing.err().print("the file was written anew, and the log is empty")
    return OK


async def _held(gate: Door, whom: str) -> dict[str, Any] | None:
    reply = await gate.ask("GET", "/held", query={"whom": whom})
    if reply.status == 404:
        return None
    _expect(reply.status)
    held: dict[str, Any] = reply.body
    return held


def _expect(status: int) -> None:
    if status != 200:
        raise NoGate(f"the gate answered {status}; its log says why")


def _nobody() -> int:
    printing.err().print("nothing is held about anybody of this name")
    return FAILED


def _print(tree: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(tree, indent=2, ensure_ascii=False) + "\n")
