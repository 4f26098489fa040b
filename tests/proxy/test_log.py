"""What the gate says, and what it never says: no address in the clear, no secret, no body, no query, anywhere."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from policy.model import Channel, Ending, MessageClass, Microseconds, Outcome, Recipient, Refused, Sent
from policy.reasons import Reason
from proxy import log
from tests.conftest import (
    ACCOUNT,
    FORM,
    JSON,
    MAIL,
    TEXT,
    OpenGate,
    RunningGate,
    Settings,
    Upstream,
    mail_body,
    reply,
    request,
    until,
)

A, B = "anna@example.com", "b@example.com"
TRIED = {"provider": "sendgrid", "mode": "shadow"}


def outcome(**fields: Any) -> Outcome:
    """Make an outcome of a send to two."""
    plain = {"decision": "d", "arrived_at": Microseconds(1), "route": "mail", "provider": "sendgrid", "recipients": 2}
    return Outcome(**{**plain, "ending": Ending.FORWARDED, **fields})


def refused(address: str) -> Refused:
    """Make a refusal of one address."""
    return Refused(Recipient("to.0", Channel.MAIL, address, (address,)), Reason.BLACKLISTED)


# ── one line for each ending ──


@pytest.mark.parametrize(
    ("fields", "event", "level"),
    [
        pytest.param({}, "forwarded", "info", id="forwarded"),
        pytest.param({"ending": Ending.TRIMMED}, "trimmed", "info", id="trimmed"),
        pytest.param({"ending": Ending.REFUSED}, "refused", "info", id="refused"),
        pytest.param({"ending": Ending.FAILED}, "failed", "warning", id="failed"),
        pytest.param({"ending": Ending.PASSED_THROUGH}, "passed_through", "debug", id="harmless"),
        pytest.param(
            {"ending": Ending.PASSED_THROUGH, "marks": ("x",)}, "passed_through", "info", id="passed on doubt"
        ),
    ],
)
def test_each_ending_has_its_event(fields: dict[str, Any], event: str, level: str) -> None:
    """An ending is one line with a fixed name; failures are warnings, what is harmless is for debugging."""
    with capture_logs() as lines:
        log.observe(outcome(**fields))
    assert [(line["event"], line["log_level"], line["decision"]) for line in lines] == [(event, level, "d")]


def test_a_line_tells_what_is_known() -> None:
    """A line carries the outcome's fields by their names, with times in milliseconds, and nothing that is empty."""
    with capture_logs() as lines:
        log.observe(
            outcome(
                message_class=MessageClass.MARKETING,
                sender="shop",
                campaign="autumn",
                reason=Reason.UNREADABLE,
                marks=("shadow",),
                enforced=False,
                sent=Sent.YES,
                upstream_status=202,
                judged_seconds=0.0012345,
            )
        )
    assert lines == [
        {
            "event": "forwarded",
            "log_level": "info",
            "decision": "d",
            "route": "mail",
            "sender": "shop",
            "campaign": "autumn",
            "class": "marketing",
            "recipients": 2,
            "reason": "unreadable",
            "passed_by": ["shadow"],
            "upstream_status": 202,
            "judged_ms": 1.234,
            "enforced": False,
        }
    ]


async def test_a_line_tells_what_was_asked_for(open_gate: OpenGate, written: io.StringIO) -> None:
    """Of what is no send, and of what no route is for, the line has method and path, with a star for what may name."""
    gate = await open_gate()
    await gate.post("/mail/v3/contacts/ada%40example.com?key=1", b"{}", JSON)
    await gate.post("/mail/v3/marketing/singlesends/4ef9a417/schedule", b"{}", JSON)
    await gate.post("/mial/v3/mail/send", b"{}", JSON)
    told = [(line["reason"], line["request"]) for line in lines(written) if line["event"] == "refused"]
    assert told == [
        ("unknown_request", "POST /v3/contacts/*"),
        ("hidden_recipients", "POST /v3/marketing/singlesends/*/schedule"),
        ("unknown_request", "POST /mial/v3/mail/send"),
    ]
    assert lines(written)[-1]["client"] == "127.0.0.1"


async def test_shadow_tells_what_is_unreadable(open_gate: OpenGate, upstream: Upstream, written: io.StringIO) -> None:
    """Whoever tries the gate out reads in the line why a send would have been refused, as if it had been."""
    gate = await open_gate(routes={"mail": {"mode": "enforce"}, "tried": {**TRIED, "upstream": upstream.url}})
    for route in ("mail", "tried"):
        await gate.post(f"/{route}{MAIL}", b"[]", JSON)
    refused, forwarded = (line for line in lines(written) if line.get("reason") == "unreadable")
    assert (refused["event"], forwarded["event"]) == ("refused", "forwarded")
    assert refused["cause"] == forwarded["cause"] != ""


def test_the_refused_are_masked_and_few() -> None:
    """Five of the refused are shown, masked; the rest is a count."""
    everybody = tuple(refused(f"{name}nna@example.com") for name in "abcdefgh")
    with capture_logs() as lines:
        log.observe(outcome(ending=Ending.REFUSED, refused=everybody))
    assert lines[0]["refused"] == 8
    assert lines[0]["refusals"] == [f"{name}***@example.com blacklisted" for name in "abcde"]


# ── as it is written ──


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Give what the log writes as JSON, at debug level, libraries included."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure("debug", "json", stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Give the lines that were written."""
    return [json.loads(line) for line in stream.getvalue().split("\n") if line]


def test_a_line_is_json(written: io.StringIO) -> None:
    """Each line is one JSON object with event, level and time in UTC."""
    log.get().warning("something", value=1, odd=object, text="ä\n\u2028")
    (line,) = lines(written)
    assert (line["event"], line["level"], line["value"], line["text"]) == ("something", "warning", 1, "ä\n\u2028")
    assert line["timestamp"].endswith("Z")


def test_a_level_keeps_the_rest_back() -> None:
    """Only what is important enough is written."""
    stream = io.StringIO()
    log.configure("warning", "json", stream)
    log.observe(outcome())
    log.observe(outcome(ending=Ending.FAILED))
    assert [line["event"] for line in lines(stream)] == ["failed"]


def test_for_people() -> None:
    """In the console's form a line is readable and without colours where there is no terminal."""
    stream = io.StringIO()
    log.configure("info", "console", stream)
    log.observe(outcome())
    assert ("forwarded" in stream.getvalue(), "\x1b[" in stream.getvalue()) == (True, False)


@pytest.mark.parametrize("mark", ["\x1b[31m", "\x1b]0;title\x07", "\n", "\r", "\x9b31m", "\u202e"], ids=ascii)
def test_a_sender_does_not_write_on_the_terminal(mark: str) -> None:
    """What a sender calls a campaign sets no colour in the console's form, moves no cursor and begins no line."""
    stream = io.StringIO()
    log.configure("info", "console", stream)
    log.observe(outcome(campaign=f"au{mark}tumn"))
    assert mark not in stream.getvalue().removesuffix("\n")
    assert "tumn" in stream.getvalue()


def test_libraries_are_heard_without_their_words(written: io.StringIO) -> None:
    """What a library logs is told by its name and failure; what it quotes is not."""
    logging.getLogger("aiohttp.server").error("Error handling %s", A, exc_info=ValueError(A))
    (line,) = lines(written)
    assert (line["event"], line["logger"], line["failure"]) == ("library", "aiohttp.server", "ValueError")
    assert A not in written.getvalue()


# ── what is never said ──

SECRETS = {name: f"TOPSECRET-{name}" for name in ("sender", "api", "upstream", "pepper", "header", "query", "body")}
LEAKS = ("leaky", "15112345678", "TOPSECRET")


async def say_everything(gate: RunningGate, upstream: Upstream) -> list[bytes]:
    """Send marked addresses and secrets wherever something can be sent, and give the gate's own refusals."""
    own = ("X-Sendgate-Key", SECRETS["sender"])
    key = {"Authorization": f"Bearer {SECRETS['api']}"}
    person, phone = "leaky.person@example.com", "+4915112345678"
    for subject in ({"email": person}, {"phone": phone}, {"id": "leaky-id", "email": person}):
        event = {"event": "Blacklisted", "properties": {"note": SECRETS["body"]}}
        await gate.api("POST", "/events", {**subject, "events": [event]}, headers=key)
    await gate.api("PUT", f"/users/{person}", {"email": person, "phone": phone, "x": SECRETS["body"]}, headers=key)
    for path in (f"/users/{person}", f"/standing?address={person}", f"/dispatch-failed?address={person}"):
        await gate.api("GET", path, headers=key)
        await gate.api("GET", path, headers={"Authorization": f"Bearer {SECRETS['header']}"})
    await gate.api("POST", "/events", {"email": f"{person} x", "events": [{"event": person}]}, headers=key)
    await gate.api("POST", "/events", b'{"email": "leaky', headers=key)
    answers = [
        await gate.mail(person, headers=[own, ("X-Sendgate-Campaign", person)]),
        await gate.mail(person, B, headers=[own]),
        await gate.mail(f"{person} <{person}>", headers=[own]),
        await gate.mail(person, personalizations=[{"to": person}], headers=[own]),
        await gate.mail(person, personalizations=[{"to": [{"email": person, "Email": B}]}], headers=[own]),
        await gate.mail(person, personalizations=[{"to": [{"email": person}], person: person}], headers=[own]),
        await gate.mail(person, headers=[own, ("Authorization", SECRETS["header"]), ("Authorization", "x")]),
        await gate.mail(person, headers=[("X-Sendgate-Key", SECRETS["header"])]),
        await gate.mail(person, headers=[own, ("Expect", SECRETS["header"])]),
        await gate.text(phone, headers=[own]),
        await gate.text(f"{phone}, {phone}", headers=[own]),
        await gate.post(f"/text{TEXT}", f"To={phone}&To={phone}".encode(), FORM, own),
        await gate.post(f"/mail{MAIL}", mail_body(person)[:-5], JSON, own),
        await gate.post(f"/mail{MAIL}?{SECRETS['query']}", b"\xff" + mail_body(person), JSON, own),
        await gate.post(f"/mail/v3/{person}?{SECRETS['query']}", b"{}", JSON, own),
        await gate.post(f"/{person}", b"{}", JSON, own),
        await gate.post(f"/mail{MAIL}", mail_body(person), ("Content-Type", SECRETS["header"]), own),
    ]
    for raw in (
        request("POST", f"/mail{MAIL}", [("X-A", f"{SECRETS['header']}\x00")], mail_body(person)),
        request("POST", f"/mail/{person}\x01", [], b""),
        request("leaky", f"/mail/{person}", [], b""),
    ):
        await gate.ask(raw)
    upstream.answer = reply(400, mail_body(person, note=SECRETS["body"]))
    await gate.mail(B, headers=[own])
    async with gate.connect() as line:
        await line.say(request("POST", f"/mail{MAIL}", [JSON, own, ("Content-Length", "999")]) + mail_body(person))
    gate.app.policy.database.path.unlink()
    answers += [await gate.mail(person, headers=[own]), await gate.text(phone, headers=[own])]
    await gate.api("PUT", f"/users/{person}/blacklist-status", {"blacklisted": True}, headers=key)
    return [answer.body + str(answer.headers).encode() for answer in answers]


async def test_nothing_leaks(
    open_gate: OpenGate,
    upstream: Upstream,
    settings: Settings,
    written: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of marked addresses, secrets, bodies and queries nothing turns up in logs, metrics, refusals or error texts."""
    monkeypatch.setenv("PEPPER", SECRETS["pepper"])
    auth = {"kind": "basic", "username": ACCOUNT, "password": SECRETS["upstream"]}
    tree: dict[str, Any] = {
        "store": {"pepper": "${PEPPER}"},
        "log": {"level": "debug"},
        "routes": {"mail": {"auth": auth}},
        "senders": [{"name": "shop", "key": SECRETS["sender"], "routes": ["mail", "text"]}],
        "api": {"keys": [{"name": "crm", "key": SECRETS["api"], "scopes": ["users", "events", "records"]}]},
    }
    gate = await open_gate(**tree)
    refusals = await say_everything(gate, upstream)
    settings.path.write_text(settings.text(**tree, policy={"mode": SECRETS["body"]}, unknown=SECRETS["body"]))
    await until(lambda: bool(gate.app.health.faults))
    health = await gate.api("GET", "/health/ready", door="ops")
    metrics = await gate.api("GET", "/metrics", door="ops")
    said = {"log": written.getvalue(), "metrics": metrics.body.decode(), "health": health.body.decode()}
    said |= {f"refusal {n}": text.decode("utf-8", "replace") for n, text in enumerate(refusals)}
    assert [(where, leak) for where, text in said.items() for leak in LEAKS if leak in text] == []
    events = {line["event"] for line in lines(written)}
    assert events >= {"refused", "trimmed", "failed", "library", "store_unavailable", "config_refused"}
    assert any("l***@example.com" in str(line.get("refusals")) for line in lines(written))
    assert any("+49…78" in str(line.get("refusals")) for line in lines(written))
    assert {len(line["decision"]) for line in lines(written) if line["event"] == "refused"} == {32}
