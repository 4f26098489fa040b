"""`sendgate backup`, `journal`, `restore`, `records`, `conflicts`: what whoever keeps the gate does with its store."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from policy import BadCopy, Policy
from policy.store import backups
from proxy import printing
from proxy.config import Config
from proxy.finding import find
from proxy.loading import load
from proxy.moving import check_apart, reading
from proxy.operator import Door, NoGate, client, door

FOLLOW: Final = 1.0  # seconds between looks for new records
FILTERS: Final = {
    "decision": "the id that the answer has as X-Sendgate-Decision",
    "since": "a time with its zone: 2026-01-31T09:00:00Z",
    "until": "a time with its zone",
    "reason": "one of README's table of reasons: blacklisted",
    "route": "its name in config.yaml",
    "channel": "MAIL, SMS or INSTANT_MESSAGING",
    "address": "the whole e-mail address or phone number",
    "user": "the id of a user",
    "campaign": "as the sender wrote it",
    "sender": "its name in config.yaml",
}
_CONFLICT: Final = (
    "id",
    "at",
    "conflict",
    "provider",
    "route",
    "list",
    "channel",
    "user",
    "businessUnit",
    "address",
)
_SHOWN: Final = ("id", "time", "route", "class", "address", "reason", "origin", "sender", "campaign", "request")


def backup(arguments: Namespace) -> int:
    """Copy the store to a file, beside a running gate, and check the copy."""
    config = find(arguments.config).config
    check_apart(arguments.file, config)
    with reading(config) as policy:
        copied = policy.database.snapshot(lambda connection: backups.copy(connection, arguments.file))
    _tell(f"{arguments.file}: {copied.size} bytes, intact, ends at journal sequence {copied.sequence}")
    return 0


def journal(arguments: Namespace) -> int:
    """Write the journal after a sequence number, as NDJSON to standard output."""
    with reading(find(arguments.config).config) as policy:
        count = policy.database.snapshot(backups.journal_to(sys.stdout.buffer, arguments.after))
    _tell(f"{count} entries")
    return 0


def restore(arguments: Namespace) -> int:
    """Put a copy into the store's place, tell it the journal since, and take it into use."""
    config = load(arguments.config, os.environ).config
    if arguments.backup is not None:
        aside = time.strftime("replaced-%Y%m%dT%H%M%SZ", time.gmtime())
        backups.put_into_place(arguments.backup, config.store.path, aside)
    return asyncio.run(_restore(arguments, config))


async def _restore(arguments: Namespace, config: Config) -> int:
    policy = Policy(config.store.path, config.store.pepper.reveal())
    await asyncio.to_thread(policy.open, create=False)
    try:
        if policy.held_at is None:
            raise BadCopy("this store is no copy; there is nothing to restore")
        ends = policy.sequence  # further than the copy, where a journal was told to it before
        for path in arguments.journal:
            ends = await policy.catch_up(_lines(path))
        if arguments.accept_loss or (arguments.until is not None and ends >= arguments.until):
            await policy.release_copy()
            _tell(f"in use, up to journal sequence {ends}")
            return 0
    finally:
        await asyncio.to_thread(policy.close)
    _tell(
        f"the copy ends at journal sequence {ends} and stays out of use: whoever said no after that would be sent to.\n"
        "Give the journal since then (--journal FILE) and the last sequence the gate had (--until N, it is the metric\n"
        "sendgate_journal_sequence), or say --accept-loss."
    )
    return 1


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def records(arguments: Namespace) -> int:
    """Show dispatch failed records, newest first; with --follow oldest first, and those to come below."""
    return asyncio.run(_records(arguments))


async def _records(arguments: Namespace) -> int:
    wanted = {name: getattr(arguments, name) for name in FILTERS if getattr(arguments, name) is not None}
    out = printing.out()
    found = find(arguments.config)
    # Who only looks on must not keep a gate from starting.
    opened = client(found.config) if arguments.follow else door(found.config, alone=found.whole)
    async with opened as gate:
        page = await _page(gate, {**wanted, "limit": str(arguments.limit)})
        items = page["items"][::-1] if arguments.follow or arguments.oldest_first else page["items"]
        out.print(printing.table(_SHOWN, map(_cells, items)))
        newest = _newest(page["items"], 0)
        while arguments.follow:
            await asyncio.sleep(FOLLOW)
            fresh = await _since(gate, wanted, newest)
            for item in fresh[::-1]:
                out.print(printing.plain("  ".join(_cells(item))))
            newest = _newest(fresh, newest)
    return 0


async def _since(gate: Door, wanted: Mapping[str, str], newest: int) -> list[dict[str, Any]]:
    """List all records behind the newest that is known, the newest first, however many came at once."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await _page(gate, {**wanted, **cursor, "limit": "1000"})
        items += [item for item in page["items"] if int(item["id"]) > newest]
        if page["next"] is None or int(page["next"]) <= newest:
            return items
        cursor = {"cursor": page["next"]}


async def _page(gate: Door, query: Mapping[str, str]) -> dict[str, Any]:
    reply = await gate.ask("GET", "/dispatch-failed", query=query)
    if reply.status != 200:
        field = reply.body.get("field") if reply.status == 400 and isinstance(reply.body, dict) else None
        if field in FILTERS:
            raise NoGate(f"--{field} is not understood: {FILTERS[field]}")
        raise NoGate(f"the gate answered {reply.status}: {reply.body}")
    page: dict[str, Any] = reply.body
    return page


def conflicts(arguments: Namespace) -> int:
    """Show the conflicts with providers that are open, or say that one is settled."""
    return asyncio.run(_conflicts(arguments))


async def _conflicts(arguments: Namespace) -> int:
    found = find(arguments.config)
    async with door(found.config, alone=found.whole) as gate:
        if arguments.settle is not None:
            return await _settle(gate, arguments.settle)
        items: list[dict[str, Any]] = []
        cursor: str | None = "0"
        while cursor is not None:
            reply = await gate.ask("GET", "/conflicts", query={"cursor": cursor, "limit": "1000"})
            if reply.status != 200:
                raise NoGate(f"the gate answered {reply.status}; its log says why")
            items += reply.body["items"]
            cursor = reply.body["next"]
    rows = ([str(item[name] or "") for name in _CONFLICT] for item in items)
    printing.out().print(printing.table(_CONFLICT, rows) if items else "none; providers' lists and the standing agree")
    return 0


async def _settle(gate: Door, number: str) -> int:
    reply = await gate.ask("DELETE", f"/conflicts/{quote(number, safe='')}")
    if reply.status not in (204, 404):
        raise NoGate(f"the gate answered {reply.status}; its log says why")
    if reply.status == 404:
        raise NoGate(f"there is no conflict {printing.plain(number)}")
    return 0


def _newest(items: Sequence[Mapping[str, Any]], known: int) -> int:
    return int(items[0]["id"]) if items else known


def _cells(item: Mapping[str, Any]) -> list[str]:
    return [str(item[name] if item[name] is not None else "") for name in _SHOWN]


def _tell(text: str) -> None:
    printing.err().print(text)
