"""docs/policy.md, held against the rules: its tables are made by asking them, case by case.

A table under a mark (`<!-- table: NAME -->`) stands in the document as it is made here; `make docs` writes all of them
anew. The tables of switches and of whole sends are in words, and a gate is asked whether they are true.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import pytest

from policy import rules, times
from policy.events import PROVIDER_PREFIX, Kind, Origin
from policy.model import (
    AllowList,
    Channel,
    Facts,
    Holder,
    Listed,
    MessageClass,
    Microseconds,
    Recipient,
    Send,
    Stamp,
    Standing,
    Terms,
)
from policy.reasons import Reason
from policy.state import ANY, UNDOES
from proxy.config import Policy as PolicySettings
from tests.conftest import FORM, JSON, MAIL, Message, OpenGate, RunningGate, Settings, Upstream, mail_body

ROOT: Final = Path(__file__).parents[1]
DOCUMENT: Final = ROOT / "docs" / "policy.md"
TABLE: Final = re.compile(r"\A(?:\|.*\n)*")

Row = tuple[str, ...]
ADDRESS: Final = "ann@example.com"
NOW: Final = Microseconds(1_772_366_400_000_000)
SAID: Final = Stamp(Microseconds(1), Origin.EVENT)
BLACKLISTED: Final = Standing(blacklisted=SAID)
BOUNCED: Final = Standing(blacklisted=Stamp(Microseconds(1), Origin.BOUNCE))
OUT_OF_ALL: Final = Standing(opt_outs={Channel.ALL: SAID})
OUT_OF_MAIL: Final = Standing(opt_outs={Channel.MAIL: SAID})
OUT_OF_SMS: Final = Standing(opt_outs={Channel.SMS: SAID})
NOTHING_SAID: Final = Standing()


# Reasons and message classes


@dataclass(frozen=True)
class Case:
    """An e-mail to one recipient: what is known of the address, what the route says, and when it is to leave."""

    what: str
    holders: tuple[Holder, ...] = ()
    terms: Mapping[str, Any] = field(default_factory=dict)
    ahead: float | None = None
    keys: tuple[str, ...] = (ADDRESS,)
    listed: tuple[Listed, ...] = ()

    def reason(self, message_class: MessageClass) -> Reason | None:
        """Ask the rules."""
        at = None if self.ahead is None else NOW / 1_000_000 + self.ahead
        send = Send(Channel.MAIL, (Recipient("to", Channel.MAIL, ADDRESS, self.keys, at),))
        held = {ADDRESS: self.holders} if self.holders else {}
        facts = Facts(held, frozenset(), {ADDRESS: self.listed} if self.listed else {})
        refused = rules.decide(send, facts, Terms(message_class, **self.terms), NOW).refused
        return refused[0].reason if refused else None


def user(standing: Standing, unit: str = "") -> Holder:
    return Holder("1", unit, standing)


DAY: Final = 24 * 3600.0
ONLY_OTHERS: Final = {"allow_only": AllowList(frozenset({"other@example.com"}), frozenset())}
CASES: Final = (
    Case("an address outside of `allow_only`", terms=ONLY_OTHERS),
    Case("the same, of a blacklisted person", (user(BLACKLISTED),), ONLY_OTHERS),
    Case("an address that no key can be made of", keys=()),
    Case("blacklisted", (user(BLACKLISTED),)),
    Case("blacklisted and opted out", (user(Standing(SAID, OUT_OF_ALL.opt_outs)),)),
    Case("one person with this address is blacklisted, another is not", (user(NOTHING_SAID), user(BLACKLISTED))),
    Case("the mailbox is gone, and the route's webhook blocks that", (user(BOUNCED),)),
    Case("the address is on a blacklist", listed=(Listed("", "api"),)),
    Case("the address is on a blacklist, and its person opted out", (user(OUT_OF_ALL),), listed=(Listed("", "api"),)),
    Case("the address was on a blacklist until a moment ago", listed=(Listed("", "api", Microseconds(NOW - 1)),)),
    Case("opted out of ALL", (user(OUT_OF_ALL),)),
    Case("opted out of ALL and of this channel", (user(Standing(None, {**OUT_OF_ALL.opt_outs, Channel.MAIL: SAID})),)),
    Case("opted out of this channel", (user(OUT_OF_MAIL),)),
    Case("opted out of another channel", (user(OUT_OF_SMS),)),
    Case("nobody has the address, and the route refuses unknown recipients", terms={"refuse_unknown": True}),
    Case("nobody has the address"),
    Case("scheduled beyond `max_schedule_ahead`", terms={"max_schedule_ahead": DAY}, ahead=2 * DAY),
    Case("scheduled within `max_schedule_ahead`", terms={"max_schedule_ahead": DAY}, ahead=DAY / 2),
)


def matrix_rows() -> Iterator[Row]:
    yield "what is known, or asked", "marketing", "transactional"
    for case in CASES:
        yield case.what, *(told(case.reason(cls)) for cls in (MessageClass.MARKETING, MessageClass.TRANSACTIONAL))


def told(reason: Reason | None) -> str:
    return "passes" if reason is None else f"`{reason}`"


# Message classes

CLASSES: Final[Mapping[str, dict[str, Any]]] = {
    "nothing says anything": {},
    "the route says `transactional.always`": {"always": True},
    "a sender that may claim it says `X-Sendgate-Class: transactional`": {"claimed": True, "may_claim": True},
    "a sender that may not claim it says so": {"claimed": True},
    "a sender that may claim it says nothing": {"may_claim": True},
    "the message has a marker that the route lists": {"markers": {"categories": ("news", "receipt")}},
    "the message has other markers": {"markers": {"categories": ("news",)}},
}


def class_rows() -> Iterator[Row]:
    yield "what is said", "class"
    for what, said in CLASSES.items():
        nothing = {"always": False, "claimed": False, "may_claim": False, "markers": {}}
        yield what, rules.message_class(**{**nothing, "wanted": {"categories": ["receipt"]}, **said})


# Business units

KEPT_IN_DE: Final = Holder(None, "DE", NOTHING_SAID, kept=True)
UNITS: Final = (
    ("none", "DE, opted out", (user(OUT_OF_ALL, "DE"),)),
    ("DE", "DE, opted out", (user(OUT_OF_ALL, "DE"),)),
    ("DE", "DE; the empty unit, opted out", (user(NOTHING_SAID, "DE"), user(OUT_OF_ALL))),
    ("DE", "DE; FR, opted out", (user(NOTHING_SAID, "DE"), user(OUT_OF_ALL, "FR"))),
    ("DE", "DE; FR, blacklisted", (user(NOTHING_SAID, "DE"), user(BLACKLISTED, "FR"))),
    ("DE", "DE; de, opted out", (user(NOTHING_SAID, "DE"), user(OUT_OF_ALL, "de"))),
    ("DE", "FR, opted out", (user(OUT_OF_ALL, "FR"),)),
    ("DE", "FR, opted out; somebody of DE had it and gave it up", (user(OUT_OF_ALL, "FR"), KEPT_IN_DE)),
)


def unit_rows() -> Iterator[Row]:
    yield "the send names", "who has the address", "marketing"
    for named, who, holders in UNITS:
        case = Case(who, holders, {"business_unit": "" if named == "none" else named})
        yield named, who, told(case.reason(MessageClass.MARKETING))


# Who may undo what

WHO: Final[Mapping[str, str]] = {
    Origin.API: "a status endpoint",
    Origin.EVENT: "the events endpoint",
    Origin.TRACK: "a tracking event",
    Origin.CLI: "the command line",
    Origin.IMPORT: "an import with `--release`",
    Origin.PAGE: "the recipient, on the unsubscribe page",
    Origin.ONE_CLICK: "the recipient, by the mailbox's button",
    Origin.KEYWORD: "the recipient, by a keyword to one number",
    Origin.COMPLAINT: "the recipient, who called it spam",
    Origin.BOUNCE: "the mailbox, which is gone",
    Origin.MERGE: "a lead that became a user",
    PROVIDER_PREFIX: "a provider's own list",
}
REACH: Final = {ANY: "of every origin", "own": "its own alone", None: "nothing"}


def undoing_rows() -> Iterator[Row]:
    yield "origin", "who that is", "undoes a blacklisting", "undoes an opt-out"
    for origin, who in WHO.items():
        written = f"`{origin}NAME`" if origin == PROVIDER_PREFIX else f"`{origin}`"
        reach = (REACH[UNDOES.get((kind, origin))] for kind in (Kind.BLACKLIST, Kind.OPT_OUT))
        yield written, who, *reach


# Scopes of blacklist entries

SCOPES: Final = (("none", "none"), ("none", "shop"), ("shop", "none"), ("shop", "shop"), ("shop", "blog"))


def scope_rows() -> Iterator[Row]:
    yield "the entry's scope", "the route's scope", "a send"
    for entry, route in SCOPES:
        of, to = ("" if scope == "none" else scope for scope in (entry, route))
        case = Case("", terms={"scope": to}, listed=(Listed(of, "api"),))
        yield entry, route, told(case.reason(MessageClass.TRANSACTIONAL))


# When a statement counts from

ARRIVED: Final = "2026-03-01T12:00:00Z"
STATED: Final = (
    "2026-03-01T10:00Z",
    "2026-03-01T10:00:00Z",
    "2026-03-01T10:00:00.5Z",
    "2026-03-01T10:00:00.500000Z",
    "2026-03-01T11:00:00+01:00",
    "2026-03-02T10:00:00Z",
    "0001-01-01T00:00:00Z",
)


def time_rows() -> Iterator[Row]:
    yield f"stated, in what arrives at {ARRIVED}", "a no counts from", "its undoing from"
    arrived = times.read(ARRIVED).first
    for text in STATED:
        stated = times.read(text)
        both = (times.effective(stated, arrived, Microseconds(0), suppresses=no) for no in (True, False))
        yield f"`{text}`", *map(times.written, both)


TABLES: Final[Mapping[str, Callable[[], Iterable[Row]]]] = {
    "matrix": matrix_rows,
    "classes": class_rows,
    "units": unit_rows,
    "scopes": scope_rows,
    "undoes": undoing_rows,
    "times": time_rows,
}


def made(name: str) -> str:
    """Write a table as it must stand in the document."""
    head, *rows = TABLES[name]()
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:], ""])


def write_tables() -> None:
    """Write all tables into the document anew."""
    for name in TABLES:
        head, mark, rest = DOCUMENT.read_text().partition(f"<!-- table: {name} -->\n")
        DOCUMENT.write_text(f"{head}{mark}{made(name)}{TABLE.sub('', rest, 1)}")


def rows_under(*head: str) -> list[Row]:
    """Give the rows of the table with this head."""
    (table,) = re.findall(
        rf"^\| {re.escape(' | '.join(head))} \|\n\|[-|]+\n((?:\|.*\n)+)", DOCUMENT.read_text(), re.MULTILINE
    )
    return [tuple(cell.strip() for cell in line[1:-1].split("|")) for line in table.splitlines()]


WHOLE: Final = {row[0].strip("`"): row[1:] for row in rows_under("reason", "what lets it pass", "in shadow mode")}


# The tables that are made


@pytest.mark.parametrize("name", TABLES)
def test_a_marked_table_is_what_the_rules_say(name: str) -> None:
    """The table under each mark stands in the document as the rules make it (else: make docs)."""
    _, mark, rest = DOCUMENT.read_text().partition(f"<!-- table: {name} -->\n")
    table = TABLE.match(rest)
    assert mark
    assert table is not None
    assert table[0] == made(name)


def test_every_reason_stands_in_one_of_both_tables() -> None:
    """Each reason is brought about by a case of the matrix or stands among those that end a whole send."""
    judged = {reason for case in CASES for cls in MessageClass if (reason := case.reason(cls))}
    assert judged | {Reason(name) for name in WHOLE} == set(Reason)
    assert judged.isdisjoint(WHOLE)


def test_the_cases_come_in_the_order_of_the_rules() -> None:
    """The matrix lists the reasons in the order in which the rules are asked."""
    found = [reason for case in CASES if (reason := case.reason(MessageClass.MARKETING))]
    assert [rule.__name__ for rule in rules.RULES] == list(dict.fromkeys(map(str, found)))


def test_everybody_who_may_say_something_stands_in_the_table_of_undoing() -> None:
    """The table of undoing has a row for every origin there is, and for every one that may undo anything."""
    assert set(WHO) == {*Origin, PROVIDER_PREFIX}
    assert {origin for _, origin in UNDOES} <= set(WHO)


# The tables in words


def test_every_switch_is_told() -> None:
    """The table of switches has each key of `policy`, and each of the values that a key may have."""
    named: dict[str, set[str]] = {}
    key = ""
    for name, value, _ in rows_under("key", "value", "what it does"):
        key = name.strip("`") or key
        named.setdefault(key, set()).update(re.findall(r"`(\w+)`", value))
    fields = PolicySettings.model_fields.items()
    allowed = {
        name: get_args(each.annotation) if get_origin(each.annotation) is Literal else () for name, each in fields
    }
    assert named == {name: set(values) for name, values in allowed.items()}


async def no_body(gate: RunningGate, _: Settings) -> Message:
    return await gate.post(f"/mail{MAIL}", b"no JSON", JSON)


async def nobody(gate: RunningGate, _: Settings) -> Message:
    return await gate.post(f"/mail{MAIL}", mail_body(), JSON)


async def unknown(gate: RunningGate, _: Settings) -> Message:
    return await gate.post("/mail/v3/nobody/knows", b"{}", JSON)


async def without_store(gate: RunningGate, settings: Settings) -> Message:
    settings.store.unlink()
    return await gate.mail(ADDRESS)


async def stranger(gate: RunningGate, _: Settings) -> Message:
    return await gate.post("/mail/v3/mail/send", b"", FORM)


Doubt = Callable[[RunningGate, Settings], Awaitable[Message]]
DOUBTS: Final[Mapping[Reason, Doubt]] = {
    Reason.UNREADABLE: no_body,
    Reason.NO_RECIPIENT: nobody,
    Reason.UNKNOWN_REQUEST: unknown,
    Reason.STORE_UNAVAILABLE: without_store,
}


def switch_of(reason: Reason) -> str:
    """Read in the table which switch lets a reason pass."""
    (switch,) = re.findall(r"`(on_\w+): pass`", WHOLE[reason][0])
    return str(switch)


@pytest.mark.parametrize("reason", DOUBTS)
async def test_a_whole_send_is_refused_for_its_reason(
    open_gate: OpenGate, settings: Settings, upstream: Upstream, reason: Reason
) -> None:
    """Without its switch a doubtful send is refused with the reason of its row, and nothing goes out."""
    answer = await DOUBTS[reason](await open_gate(), settings)
    assert answer.get("X-Sendgate-Reasons") == reason
    assert upstream.heard == []


@pytest.mark.parametrize("reason", DOUBTS)
async def test_a_switch_lets_its_reason_pass(
    open_gate: OpenGate, settings: Settings, upstream: Upstream, reason: Reason
) -> None:
    """With the switch of its row a doubtful send goes out, marked with that switch."""
    switch = switch_of(reason)
    answer = await DOUBTS[reason](await open_gate(policy={switch: "pass"}), settings)
    assert switch in (answer.get("X-Sendgate-Passed") or "").split(", ")
    assert len(upstream.heard) == 1


@pytest.mark.parametrize("reason", DOUBTS)
async def test_shadow_mode_lets_a_whole_send_pass(
    open_gate: OpenGate, settings: Settings, upstream: Upstream, reason: Reason
) -> None:
    """In shadow mode a doubtful send goes out, marked as such, as its row says."""
    answer = await DOUBTS[reason](await open_gate(policy={"mode": "shadow"}), settings)
    assert WHOLE[reason][1] == "passes"
    assert "shadow" in (answer.get("X-Sendgate-Passed") or "").split(", ")
    assert len(upstream.heard) == 1


@pytest.mark.parametrize("reason", [reason for reason in DOUBTS if reason is not Reason.STORE_UNAVAILABLE])
async def test_an_allow_list_lets_no_doubt_pass(
    open_gate: OpenGate, settings: Settings, upstream: Upstream, reason: Reason
) -> None:
    """With an allow-list nothing that cannot be read or is not known goes out, whatever the switch and the mode say."""
    policy = {"mode": "shadow", switch_of(reason): "pass", "allow_only": [ADDRESS]}
    answer = await DOUBTS[reason](await open_gate(policy=policy), settings)
    assert answer.get("X-Sendgate-Reasons") == reason
    assert upstream.heard == []


async def test_shadow_mode_lets_no_stranger_send(open_gate: OpenGate, settings: Settings, upstream: Upstream) -> None:
    """A sender that is not known is refused in shadow mode too, as its row says."""
    shop = {"name": "shop", "key": "a-key-of-this-test", "routes": ["mail"]}
    answer = await stranger(await open_gate(policy={"mode": "shadow"}, senders=[shop]), settings)
    assert WHOLE[Reason.SENDER_REFUSED] == ("nothing", "refused")
    assert answer.get("X-Sendgate-Reasons") == Reason.SENDER_REFUSED
    assert upstream.heard == []


if __name__ == "__main__":
    write_tables()
