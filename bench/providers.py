"""Providers' files alone: reading a big send, taking people out of it and writing it, beside parsing the same body.

The peer is what any program pays that looks into the body at all: orjson, the standard library's `parse_qsl`, or its
mail parser for what is written in parts. Both are timed in turn over the same bytes, so a ratio says what finding
everybody, checking every place and writing the rest costs on top. Every twentieth recipient is taken out.

The memory of a heavy send is what it takes beside its body from reading to the written body, at the peak, in multiples
of the body.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable, Mapping
from email.parser import BytesParser
from statistics import median
from typing import Any
from urllib.parse import parse_qsl

import orjson

from bench import machine
from bench.report import Report, at_most
from bench.sends import BIG, HEAVY, Big, Form
from bench.settings import Settings
from bench.workers import Pipe, Worker
from proxy.providers import base
from proxy.providers.base import Change, Message, Provider, Request
from proxy.providers.base import Settings as Route

REPEATS = 40  # in a round, of which the median counts
EVERY = 20  # of the recipients one is taken out
SIZE = 30 << 20  # bytes of a heavy send
COPIES = 3  # of it beside it, at the peak

_TARGETS = {Form.OBJECTS: at_most(8), Form.STRINGS: at_most(15), Form.FIELDS: at_most(15), Form.PARTS: at_most(15)}


def _mail(request: Request) -> Any:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    return BytesParser().parsebytes(head + request.body)


_PEERS: Mapping[Form, tuple[str, Callable[[Request], Any]]] = {
    Form.OBJECTS: ("orjson", lambda request: orjson.loads(request.body)),
    Form.STRINGS: ("orjson", lambda request: orjson.loads(request.body)),
    Form.FIELDS: ("parse_qsl", lambda request: parse_qsl(request.body.decode(), keep_blank_values=True)),
    Form.PARTS: ("BytesParser", _mail),
}


def providers(settings: Settings) -> None:
    """Measure each provider that has a big send."""
    _in_time(settings)
    _in_memory(settings)


def _in_time(settings: Settings) -> None:
    report = Report("Providers alone: reading, trimming and writing a send to 1000, beside parsing its body")
    with machine.alone():
        for name, provider, big in _sends({name: build() for name, build in BIG.items() if name in base.names()}):
            ratios, milliseconds = [], []
            for _ in range(settings.rounds):
                mine, others = _timed(provider, big)
                ratios.append(mine / others)
                milliseconds.append(mine * 1000)
            report.add(f"{name}, {big.what} ({len(big.request.body) >> 10} KB)", milliseconds, "ms")
            report.add(f"  beside {_PEERS[big.form][0]}", ratios, "times", _TARGETS[big.form])
    missing = [name for name in base.names() if name not in BIG]
    report.notes.append(f"every {EVERY}th recipient is taken out; each value is the median of its round")
    if missing:
        report.notes.append(f"not measured, because no big send of theirs is written down: {', '.join(missing)}")
    report.print()


def _in_memory(settings: Settings) -> None:
    report = Report(f"Providers alone: the memory of a send of {SIZE >> 20} MiB, one of two recipients taken out")
    names = [name for name in base.names() if name in HEAVY]
    for name, index, what in [(each, *heavy) for each in names for heavy in enumerate(_whats(each))]:
        runs = [_run(name, index) for _ in range(min(settings.rounds, 3))]
        report.add(f"{name}, {what}", [resident for resident, _ in runs], "bodies", at_most(COPIES))
        report.add("  as Python traces it", [traced for _, traced in runs], "bodies")
    report.notes.append("beside the body, at the peak, each run in a process of its own")
    report.notes.append("orjson reserves much more than it touches, which is traced but never taken from the machine")
    report.print()


def _whats(name: str) -> list[str]:
    return [big.what for big in HEAVY[name](1 << 20)]


def _run(name: str, index: int) -> tuple[float, float]:
    with Worker(_serve, machine.MEASURED) as worker:
        measured: tuple[float, float] = worker.ask((name, index))
    return measured


def _serve(pipe: Pipe) -> None:
    name, index = pipe.recv()
    provider, big = base.load(name), HEAVY[name](SIZE)[index]
    _trimmed(provider, HEAVY[name](1 << 10)[index])  # whatever is made once is made now
    machine.settle()
    before, _ = machine.resident(os.getpid())
    _trimmed(provider, big)
    grown = machine.resident(os.getpid())[1] - before
    tracemalloc.start()
    _trimmed(provider, big)
    _, traced = tracemalloc.get_traced_memory()
    pipe.send((grown * (1 << 20) / len(big.request.body), traced / len(big.request.body)))


def _trimmed(provider: Provider, big: Big) -> None:
    message = provider.read(big.request, Route())
    if not provider.trimmed(message, _change(message)).places:
        raise RuntimeError("nobody was taken out")


def _sends(built: Mapping[str, list[Big]]) -> list[tuple[str, Provider, Big]]:
    return [(name, base.load(name), big) for name, bigs in built.items() for big in bigs]


def _timed(provider: Provider, big: Big) -> tuple[float, float]:
    """Give the seconds of the provider's file and those of its peer, in turn over the same body."""
    mine, others = [], []
    change = _change(provider.read(big.request, Route()))
    parse = _PEERS[big.form][1]
    for _ in range(REPEATS):
        started = time.perf_counter()
        provider.trimmed(provider.read(big.request, Route()), change)
        between = time.perf_counter()
        parse(big.request)
        mine.append(between - started)
        others.append(time.perf_counter() - between)
    return median(mine), median(others)


def _change(message: Message) -> Change:
    places = [each.place for each in message.send.recipients]
    if not places or not message.send.recipients[0].keys:
        raise RuntimeError("nobody was found in a big send")
    return Change(frozenset(places[1::EVERY]))
