"""`sendgate segment`: filters over events and standing, and the people whom they mean, with or without a gate.

Everything goes through the API's own door, so a filter is checked where it always is. People come as one stream that is
written as it arrives; a file is there whole or not at all.
"""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from proxy import printing, transfer
from proxy.commands import Failed
from proxy.config import Config
from proxy.finding import find
from proxy.moving import check_apart, written
from proxy.operator import Door, Refused, Reply, door

ACTIONS: Final = ("list", "show", "save", "delete", "users")
PAGE: Final = "1000"


def take(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("action", choices=ACTIONS, metavar="|".join(ACTIONS))
    parser.add_argument("name", metavar="NAME", nargs="?", help="of the segment; not for list")
    parser.add_argument("--filter", metavar="JSON", help="what to save (docs/statistics.md); - for standard input")
    parser.add_argument(
        "--output", type=Path, default=Path("-"), metavar="FILE", help="for users; default: standard output"
    )
    parser.add_argument("--format", choices=transfer.FORMATS, help="for users; default: by the file's ending, else csv")
    parser.add_argument("--limit", type=int, metavar="N", help="for users: how many, up to 1000; default: all")
    parser.set_defaults(misused=parser.error)


def run(arguments: Namespace) -> int:
    """Do what the first argument says."""
    if arguments.action != "list" and arguments.name is None:
        arguments.misused(f"{arguments.action} needs the NAME of a segment")
    if arguments.action == "save" and arguments.filter is None:
        arguments.misused("save needs --filter JSON")
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    tree = _filter(arguments) if arguments.action == "save" else {}
    found = find(arguments.config)
    async with door(found.config, alone=found.whole) as gate:
        match arguments.action:
            case "list":
                await _list(gate)
            case "save":
                await _save(gate, arguments.name, tree)
            case "show":
                _print(_told(await gate.ask("GET", _path(arguments.name)), arguments.name))
            case "delete":
                _told(await gate.ask("DELETE", _path(arguments.name)), arguments.name)
            case _:
                await _users(gate, arguments, found.config)
    return 0


def _filter(arguments: Namespace) -> dict[str, Any]:
    text = sys.stdin.read() if arguments.filter == "-" else arguments.filter
    try:
        tree = json.loads(text)
    except ValueError as error:
        raise Failed(f"--filter is no JSON: {error}") from None
    if not isinstance(tree, dict) or "name" in tree:
        raise Failed("--filter is an object with events and standing; the name stands before it")
    return tree


async def _list(gate: Door) -> None:
    rows: list[tuple[str, str, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = _told(await gate.ask("GET", "/segments", query={"limit": PAGE, "cursor": cursor}))
        rows += [(item["name"], item["created"], _said(item)) for item in page["items"]]
        cursor = page["next"]
    printing.out().print(printing.table(("name", "created", "filter"), rows))


async def _save(gate: Door, name: str, tree: dict[str, Any]) -> None:
    reply = await gate.ask("POST", "/segments", body={"name": name, **tree})
    if reply.status == 409:
        raise Failed(f"there is another segment {name}; delete it first")
    _told(reply, name)


async def _users(gate: Door, arguments: Namespace, config: Config) -> None:
    check_apart(arguments.output, config)
    query = {"format": transfer.format_of(arguments.output, arguments.format)}
    if arguments.limit is not None:
        query["limit"] = str(arguments.limit)
    pieces = gate.stream(f"{_path(arguments.name)}/users", query)
    try:
        piece = await anext(pieces, b"")  # before a file is begun
    except Refused as refused:
        _told(refused.reply, arguments.name)
        raise
    with written(arguments.output) as stream:
        stream.buffer.write(piece)
        async for piece in pieces:
            stream.buffer.write(piece)
        stream.buffer.flush()


def _told(reply: Reply, name: str = "") -> Any:
    """Give what was answered; raises Failed with what is wrong."""
    if reply.status in (200, 201, 204):
        return reply.body
    if reply.status == 404:
        raise Failed(f"there is no segment {name}")
    if reply.status == 400 and isinstance(reply.body, dict):
        raise Failed(f"{reply.body['field']}: {reply.body.get('message', reply.body['type'])}")
    raise Failed(f"the gate answered {reply.status}; its log says why")


def _said(item: dict[str, Any]) -> str:
    return json.dumps({key: item[key] for key in ("events", "standing") if key in item}, ensure_ascii=False)


def _print(item: dict[str, Any]) -> None:
    printing.out().print(printing.plain(_said(item)))


def _path(name: str) -> str:
    return f"/segments/{quote(name, safe='')}"
