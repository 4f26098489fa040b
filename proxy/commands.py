"""What `sendgate COMMAND` does. Each command works beside a running gate and without one."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

import uvloop
from aiohttp import http_parser

from policy import BadCopy, NewerStore, StoreLocked, StoreUnavailable, WrongPepper
from policy.events import Origin, Word
from policy.identity import address_keys
from policy.model import Channel
from policy.reasons import Reason
from proxy import log, printing, schema
from proxy.app import App
from proxy.crosschecks import config_warnings
from proxy.faults import ConfigError
from proxy.finding import Found, find
from proxy.links import Link, Links, url
from proxy.loading import Loaded, load
from proxy.operator import Door, NoGate, client, door
from proxy.transfer import BadFile

COLLECT_AFTER: Final = 10_000  # objects: a send to a thousand is some thousand, walked again and again while it is read
GIVE_WAY: Final = 0.0005  # seconds; by Python's own 5 ms, each step of a send would wait as long for an import
OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130  # what a shell makes of SIGINT

Holder = dict[str, Any]
Entry = dict[str, Any]

_NO_ADDRESS: Final = "this is no e-mail address, and no phone number with its country (+49…)"


class Failed(Exception):
    """A command could not do what it was asked; the text says why and what to do."""


def run(arguments: Namespace) -> int:
    """Run a command and give its exit code: 0, 1 failed, 2 usage or configuration."""
    err = printing.err()
    try:
        code: int = arguments.command(arguments)
    except ConfigError as error:
        err.print(f"{arguments.config}: {error}")
        return USAGE
    except BrokenPipeError:
        raise  # nobody reads any more (printing.py)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        if error.filename is None:  # an address that may not be bound, say
            err.print(str(error))
            return FAILED
        err.print(f"cannot open {error.filename}: {error.strerror}")
        return USAGE
    except (Failed, BadCopy, BadFile, NoGate, StoreLocked, StoreUnavailable, WrongPepper, NewerStore, OSError) as error:
        err.print(str(error))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def serve(arguments: Namespace) -> int:
    """Run the gate until it is told to stop."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise Failed("aiohttp was installed without its C extension, whose parser is the only one trusted here")
    loaded = _load(arguments)
    log.configure(loaded.config.log.level, loaded.config.log.format)
    gc.set_threshold(COLLECT_AFTER)
    sys.setswitchinterval(GIVE_WAY)
    app = App(arguments.config, loaded)
    app.on_started = lambda: _greet(app)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(app.run())
    return OK


def _greet(app: App) -> None:
    """Tell whoever started the gate by hand where its doors are."""
    err = printing.err()
    scheme = {name: "http" if listener.tls is None else "https" for name, listener in app.listeners().items()}
    told = {
        "senders": ("proxy", "/<route>/<the provider's path>"),
        "operators": ("api", "/events, /users, /dispatch-failed"),
        "public": ("public", ""),
        "metrics, health": ("ops", "/metrics, /health/ready"),
    }
    err.print("sendgate is running")
    for who, (name, paths) in told.items():
        host, port = app.addresses[name]
        err.print(f"  {who:<16} {scheme[name]}://{host}:{port}{paths}")
    err.print(f"  {'routes':<16} {', '.join(app.config.routes)}")


def check(arguments: Namespace) -> int:
    """Say what is wrong with the configuration, or what deserves a look."""
    loaded = _load(arguments)
    out = printing.out()
    for warning in config_warnings(loaded.config):
        out.print(f"warning: {warning}")
    count = len(loaded.config.routes)
    out.print(f"{arguments.config}: ok, {count} {'route' if count == 1 else 'routes'}")
    return OK


def print_schema(_: Namespace) -> int:
    """Print the JSON schema of config.yaml."""
    sys.stdout.write(schema.schema_text())
    return OK


def health(arguments: Namespace) -> int:
    """Ask the running gate whether it is ready."""
    return asyncio.run(_health(find(arguments.config)))


async def _health(found: Found) -> int:
    async with client(found.config) as gate:
        reply = await gate.ask("GET", "/health/ready")
    sys.stdout.write(json.dumps(reply.body) + "\n")
    return OK if reply.status == 200 else FAILED


def status(arguments: Namespace) -> int:
    """Say how an address stands and why."""
    return asyncio.run(_status(arguments, find(arguments.config)))


async def _status(arguments: Namespace, found: Found) -> int:
    async with door(found.config, alone=found.whole) as gate:
        standing = await _standing(gate, arguments.address)
    _show(arguments.address, standing)
    return OK


def blacklist(arguments: Namespace) -> int:
    """Blacklist an address: nothing at all is sent to it any more."""
    return asyncio.run(_blacklist(arguments, find(arguments.config)))


async def _blacklist(arguments: Namespace, found: Found) -> int:
    async with door(found.config, alone=found.whole) as gate:
        await _standing(gate, arguments.address)
        await _tell(gate, _as_named(arguments.address, arguments.business_unit), Word.BLACKLISTED)
        _show(arguments.address, await _standing(gate, arguments.address))
    return OK


def whitelist(arguments: Namespace) -> int:
    """Undo the blacklisting of everybody who has an address."""
    return asyncio.run(_whitelist(arguments, find(arguments.config)))


async def _whitelist(arguments: Namespace, found: Found) -> int:
    async with door(found.config, alone=found.whole) as gate:
        holders: list[Holder] = (await _standing(gate, arguments.address))["items"]
        blocked = [holder for holder in holders if holder["blacklisted"]]
        for subject in dict.fromkeys(json.dumps(_subject(holder, arguments.address)) for holder in blocked):
            await _tell(gate, json.loads(subject), Word.WHITELISTED)
        _show(arguments.address, await _standing(gate, arguments.address))
    return OK


def link(arguments: Namespace) -> int:
    """Print the unsubscribe link of an address."""
    config = _load(arguments).config
    links = Links([key.reveal() for key in config.unsubscribe.keys])
    if not links or not config.public_url:
        raise Failed("a link needs unsubscribe.keys and public_url in the configuration")
    keys = address_keys(arguments.address)
    by_mail = "@" in arguments.address
    channel = Channel(arguments.channel or (Channel.MAIL if by_mail else Channel.SMS))
    if not keys:
        raise Failed(_NO_ADDRESS)
    if (channel is Channel.MAIL) is not by_mail:
        raise Failed(
            f"a link of {channel} is for {'an e-mail address' if channel is Channel.MAIL else 'a phone number'}"
        )
    try:
        token = links.make(Link(keys[0], channel, arguments.business_unit, arguments.campaign))
    except ValueError as error:
        raise Failed(str(error)) from None
    sys.stdout.write(f"{url(config.public_url, token)}\n")
    return OK


def _subject(holder: Holder, address: str) -> dict[str, str]:
    """Name a holder the way the events endpoint knows them; a kept address by itself."""
    if holder["id"] is not None:
        return {"id": holder["id"]}
    unit = holder["businessUnit"] if holder["email"] or holder["kept"] else ""
    return _as_named(holder["email"] or address, unit)


def _as_named(address: str, unit: str) -> dict[str, str]:
    return {"email": address, "businessUnit": unit} if "@" in address else {"phone": address}


async def _tell(gate: Door, subject: dict[str, str], word: Word) -> None:
    reply = await gate.ask("POST", "/events", body={**subject, "events": [{"event": word}]})
    _expect(reply.status, 202)


async def _standing(gate: Door, address: str) -> dict[str, Any]:
    reply = await gate.ask("GET", "/standing", query={"address": address})
    if reply.status == 400:
        raise Failed(_NO_ADDRESS)
    _expect(reply.status, 200)
    body: dict[str, Any] = reply.body
    return body


def _expect(status: int, wanted: int) -> None:
    if status != wanted:
        raise Failed(f"the gate answered {status}; its log says why")


def _show(address: str, standing: dict[str, Any]) -> None:
    """Say in words how an address stands."""
    out = printing.out()
    holders, entries = standing["items"], standing["blacklist"]
    out.print(f"{address}: {_verdict(holders, entries)}")
    rows = [row for holder in holders for row in _rows(holder)] + [_row(entry) for entry in entries]
    if not rows:
        return
    out.print(printing.table(("who", "business unit", "standing", "since", "said by"), rows))


def _verdict(holders: list[Holder], entries: list[Entry]) -> str:
    stopped = {_stopped(holder) for holder in holders if holder["blacklisted"]}
    if stopped:
        reason = Reason.BLACKLISTED if Reason.BLACKLISTED in stopped else Reason.HARD_BOUNCED
        return f"{reason}; nothing at all is sent, not even transactional mail"
    if any(entry["Scope"] is None for entry in entries):
        return "on a blacklist; nothing at all is sent, not even transactional mail"
    if entries:
        scopes = ", ".join(sorted({entry["Scope"] for entry in entries}))
        return f"on a blacklist; routes of the scope {scopes}, and those without one, send nothing at all"
    return _verdict_on_people(holders)


def _verdict_on_people(holders: list[Holder]) -> str:
    if not holders:
        return "nobody in the store has this address; everything may be sent"
    channels = {channel for holder in holders for channel in holder["optOuts"]}
    if "ALL" in channels:
        return "opted out; no marketing is sent, transactional messages are"
    if channels:
        return f"opted out of {', '.join(sorted(channels))}; no marketing is sent there, transactional messages are"
    return "nothing is kept from this address"


def _rows(holder: Holder) -> list[tuple[str, str, str, str, str]]:
    who = "kept address" if holder["kept"] else f"user {holder['id']}" if holder["id"] else "lead"
    unit = holder["businessUnit"]
    rows = []
    if holder["blacklisted"]:
        rows.append((who, unit, _stopped(holder), *holder["blacklisted"].values()))
    for channel, stamp in holder["optOuts"].items():
        rows.append((who, unit, f"opted out of {channel}", *stamp.values()))
    rows = rows or [(who, unit, "nothing kept", "", "")]
    for each in holder.get("conflicts", ()):  # a gate that runs since before an upgrade tells none
        says = f"conflict with {each['provider']} ({each['route']}): {each['conflict']}"
        rows.append((who, unit, says, each["since"], f"provider:{each['provider']}"))
    return rows


def _stopped(holder: Holder) -> str:
    """Give the reason for which nothing is sent to somebody who is blacklisted, as a send would tell it."""
    return Reason.HARD_BOUNCED if holder["blacklisted"]["origin"] == Origin.BOUNCE else Reason.BLACKLISTED


def _row(entry: Entry) -> tuple[str, str, str, str, str]:
    scope = f"scope {entry['Scope']}" if entry["Scope"] else "every scope"
    until = f", until {entry['ExpiresAt']}" if "ExpiresAt" in entry else ""
    named = entry["Email"] or entry["Phone"]
    why = f" ({entry['Reason']})" if "Reason" in entry else ""
    return f"entry {entry['BlacklistId']}", "", f"on the blacklist: {named}, {scope}{until}{why}", "", ""


def _load(arguments: Namespace) -> Loaded:
    path: Path = arguments.config
    return load(path, os.environ)
