"""Unsubscribe links in marketing mail on its way through a running gate: who gets one, and what it does."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from policy.model import Channel
from proxy.links import Link, Links
from tests.conftest import FORM, JSON, MAIL, Message, OpenGate, RunningGate, Settings, Upstream, mail_body, until

KEY = "k" * 32
LINKS = Links([KEY])
PUBLIC = "https://gate.test"
ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
HEADERS = ("List-Unsubscribe", "List-Unsubscribe-Post")
ONE_CLICK = b"List-Unsubscribe=One-Click"
RECEIPT: dict[str, Any] = {"transactional": {"markers": {"categories": ["receipt"]}}}

Open = Callable[..., Awaitable[RunningGate]]


@pytest.fixture
def opened(open_gate: OpenGate) -> Open:
    """Open gates that put headers into mail; what is given stands in the route."""

    async def start(*, policy: dict[str, Any] | None = None, **route: Any) -> RunningGate:
        links = {"links": {"headers": True}, **route}
        routes = {"mail": links, "sandbox": {**RECEIPT, **links}}
        return await open_gate(
            public_url=PUBLIC, unsubscribe={"keys": [KEY]}, routes=routes, policy=policy or {}, trusted_proxies=[]
        )

    return start


@pytest.fixture
async def gate(opened: Open) -> RunningGate:
    """Give a gate that puts headers into mail."""
    return await opened()


def link(address: str, unit: str = "", campaign: str = "") -> str:
    """Give the link of an address."""
    return f"{PUBLIC}/u/{LINKS.make(Link(address, Channel.MAIL, unit, campaign))}"


def personalizations(body: bytes) -> dict[str, Any]:
    """Give the headers of each personalization by its first address."""
    return {each["to"][0]["email"]: each.get("headers", {}) for each in json.loads(body)["personalizations"]}


def both(url: str) -> dict[str, str]:
    """Give both headers with this link."""
    return dict(zip(HEADERS, (f"<{url}>", ONE_CLICK.decode()), strict=True))


async def sandbox_mail(gate: RunningGate) -> dict[str, Any]:
    """Give what the sandbox got last."""
    listed = await gate.api("GET", "/sandbox/messages")
    got: dict[str, Any] = json.loads(listed.json["items"][0]["body"])
    return got


# ── whose link it is ──


async def test_a_link_stops_its_recipient_and_nobody_else(gate: RunningGate) -> None:
    """Each recipient's mail has its own link; one click ends that person's marketing, and only that."""
    sent = await gate.mail(ADA, BOB, route="sandbox")
    assert sent.status == 202
    first, second = (each["headers"] for each in (await sandbox_mail(gate))["personalizations"])
    assert (first, second) == (both(link(ADA)), both(link(BOB)))
    target = first["List-Unsubscribe"][len(f"<{PUBLIC}") : -1]
    clicked = await gate.post(target, ONE_CLICK, FORM, door="public")
    assert clicked.status == 200
    again = await gate.mail(ADA, route="sandbox")
    assert (again.status, again.get("X-Sendgate-Reasons")) == (400, "opted_out_channel")
    assert (await gate.mail(BOB, route="sandbox")).status == 202
    receipt = await gate.mail(ADA, route="sandbox", categories=["receipt"])
    assert receipt.status == 202
    assert "headers" not in (await sandbox_mail(gate))["personalizations"][0]


async def test_a_link_knows_campaign_and_unit(open_gate: OpenGate, upstream: Upstream) -> None:
    """What the send says of its campaign, and the unit it is judged by, are in the link."""
    senders = [{"name": "shop", "key": "k", "routes": ["mail"], "business_units": ["DE"]}]
    gate = await open_gate(
        public_url=PUBLIC,
        unsubscribe={"keys": [KEY]},
        routes={"mail": {"links": {"headers": True}}},
        senders=senders,
    )
    told = [("X-Sendgate-Key", "k"), ("X-Sendgate-Campaign", "autumn"), ("X-Sendgate-Business-Unit", "DE")]
    await gate.mail("Ada@Example.COM", headers=told)
    assert personalizations(upstream.heard[0].body) == {"Ada@Example.COM": both(link(ADA, "DE", "autumn"))}
    await gate.mail(ADA, headers=told[:1], custom_args={"campaign": "winter"})
    assert personalizations(upstream.heard[1].body) == {ADA: both(link(ADA, "", "winter"))}


async def test_who_is_left_alone_gets_a_link(gate: RunningGate, upstream: Upstream) -> None:
    """Links go into what is left after trimming, so places that moved get their own."""
    await gate.tell("Blacklisted", email=ADA)
    answer = await gate.mail(ADA, BOB, CY)
    assert answer.get("X-Sendgate-Outcome") == "trimmed"
    assert personalizations(upstream.heard[0].body) == {BOB: both(link(BOB)), CY: both(link(CY))}


async def test_errors_still_name_the_senders_own_places(gate: RunningGate, upstream: Upstream) -> None:
    """An answer to a trimmed and linked send is translated like any other."""
    await gate.tell("Blacklisted", email=ADA)
    error = {"message": "no", "field": "personalizations.0.to.0.email", "help": None}
    upstream.answer = b"HTTP/1.1 400 No\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body := json.dumps({"errors": [error]}).encode()),
        body,
    )
    answer = await gate.mail(ADA, BOB)
    assert answer.json["errors"][0]["field"] == "personalizations.1.to.0.email"


# ── what stays as it came ──


async def test_a_retry_has_the_same_bytes(gate: RunningGate, upstream: Upstream) -> None:
    """The same send twice is the same bytes twice, trimmed or not, with a length that fits."""
    await gate.tell("Blacklisted", email=CY)
    for to in ([ADA, BOB], [ADA, BOB], [ADA, CY], [ADA, CY]):
        await gate.mail(*to)
    first, second, third, fourth = (each.body for each in upstream.heard)
    assert (first, third) == (second, fourth)
    assert len(first) != len(mail_body(ADA, BOB))


async def test_a_compressed_send_leaves_plain(gate: RunningGate, upstream: Upstream) -> None:
    """What was compressed is sent uncompressed with its links, and says no longer that it is."""
    body = gzip.compress(mail_body(ADA), mtime=0)
    answer = await gate.post(f"/mail{MAIL}", body, JSON, ("Content-Encoding", "gzip"))
    assert answer.status == 202
    assert upstream.heard[0].get("Content-Encoding") is None
    assert personalizations(upstream.heard[0].body) == {ADA: both(link(ADA))}


async def test_transactional_mail_stays_as_it_is(opened: Open, upstream: Upstream) -> None:
    """A transactional send goes out byte for byte, and is not counted."""
    gate = await opened(transactional={"always": True})
    await gate.mail(ADA)
    assert upstream.heard[0].body == mail_body(ADA)
    assert gate.metric("sendgate_links_total", route="mail") == 0


async def test_what_nobody_can_have_stays_as_it_is(gate: RunningGate, upstream: Upstream) -> None:
    """A mail to two people goes out byte for byte, and both are counted."""
    body = json.loads(mail_body(ADA))
    body["personalizations"][0]["cc"] = [{"email": BOB}]
    written = json.dumps(body, indent=2).encode()
    await gate.post(f"/mail{MAIL}", written, JSON)
    assert upstream.heard[0].body == written
    assert gate.metric("sendgate_links_total", route="mail", result="several_recipients") == 2


async def test_shadow_mode_changes_nothing(opened: Open, upstream: Upstream) -> None:
    """Shadow mode forwards byte for byte, and counts who would have had a link."""
    gate = await opened(policy={"mode": "shadow"})
    await gate.mail(ADA, BOB)
    assert upstream.heard[0].body == mail_body(ADA, BOB)
    assert gate.metric("sendgate_links_total", route="mail", result="as_it_came") == 2


async def test_what_passed_on_doubt_goes_as_it_came(opened: Open, upstream: Upstream) -> None:
    """A send that only a switch let pass gets no links; one that nobody could read is not even counted."""
    gate = await opened(policy={"on_bypass": "pass", "on_unreadable": "pass"})
    switch: dict[str, Any] = {"mail_settings": {"bypass_list_management": {"enable": True}}}
    await gate.mail(ADA, **switch)
    await gate.post(f"/mail{MAIL}", b"{", JSON)
    assert [each.body for each in upstream.heard] == [mail_body(ADA, **switch), b"{"]
    assert gate.metric("sendgate_links_total", route="mail") == 1
    assert gate.metric("sendgate_links_total", route="mail", result="as_it_came") == 1


async def test_a_send_without_its_bypasses_has_links(gate: RunningGate, upstream: Upstream) -> None:
    """A switch past suppression is taken out, and the links are put in."""
    await gate.mail(ADA, mail_settings={"bypass_list_management": {"enable": True}})
    sent = json.loads(upstream.heard[0].body)
    assert (sent["mail_settings"], sent["personalizations"][0]["headers"]) == ({}, both(link(ADA)))


async def test_without_links_in_the_route_nothing_changes(open_gate: OpenGate, upstream: Upstream) -> None:
    """Keys and a public URL alone put nothing into any mail."""
    gate = await open_gate(public_url=PUBLIC, unsubscribe={"keys": [KEY]})
    await gate.mail(ADA)
    assert upstream.heard[0].body == mail_body(ADA)


async def test_a_key_of_the_gates_stands_beside_the_links(open_gate: OpenGate, upstream: Upstream) -> None:
    """Where the credential stands in the body, both the gate's key and the link are in what goes out."""
    route = {"provider": "mandrill", "upstream": upstream.url, "auth": {"kind": "body", "key": "of-the-gate"}}
    senders = [{"name": "shop", "key": "s", "routes": ["md"]}]
    gate = await open_gate(
        public_url=PUBLIC,
        unsubscribe={"keys": [KEY]},
        routes={"md": {**route, "links": {"headers": True}}},
        senders=senders,
    )
    body = {"key": "x", "message": {"from_email": "shop@example.com", "to": [{"email": ADA}], "text": "Hello"}}
    path = "/md/api/1.0/messages/send.json"
    await gate.post(path, json.dumps(body).encode(), JSON, ("X-Sendgate-Key", "s"))
    sent = upstream.heard[0].json
    assert (sent["key"], sent["message"]["headers"]) == ("of-the-gate", both(link(ADA)))


# ── placeholders, counting, reloading ──


async def test_a_placeholder_becomes_the_link(opened: Open, upstream: Upstream) -> None:
    """A text has the link where the placeholder stood, and headers only where these are asked for too."""
    gate = await opened(links={"placeholder": "{{unsubscribe}}"})
    await gate.mail(ADA, content=[{"type": "text/plain", "value": "Leave: {{unsubscribe}}"}])
    sent = json.loads(upstream.heard[0].body)
    assert sent["content"] == [{"type": "text/plain", "value": f"Leave: {link(ADA)}"}]
    assert sent["personalizations"] == [{"to": [{"email": ADA}]}]


async def test_a_send_full_of_placeholders_goes_as_it_came(opened: Open, upstream: Upstream) -> None:
    """A link is much longer than its placeholder, so of more than ten thousand none is exchanged."""
    gate = await opened(links={"placeholder": "{{unsubscribe}}"})
    for count in (10_000, 10_001):
        await gate.mail(ADA, content=[{"type": "text/plain", "value": "{{unsubscribe}}" * count}])
    some, many = (json.loads(each.body)["content"][0]["value"] for each in upstream.heard)
    assert some == link(ADA) * 10_000
    assert many == "{{unsubscribe}}" * 10_001
    assert gate.metric("sendgate_links_total", route="mail", result="placeholder_left") == 1


async def test_links_are_counted_and_logged_without_a_name(gate: RunningGate, upstream: Upstream) -> None:
    """The metric has every result from the start, the log those of the send; neither has a link or an address."""
    assert gate.metric("sendgate_links_total", route="mail", result="no_link") == 0
    with capture_logs() as lines:
        await gate.mail(ADA, BOB, "nobody")
        await until(lambda: any("links" in line for line in lines))
    (line,) = [line for line in lines if "links" in line]
    assert line["links"] == {"inserted": 2}
    assert "example.com" not in str(line["links"])
    assert len(upstream.heard) == 1
    assert gate.metric("sendgate_links_total", route="mail", result="inserted") == 2


async def test_links_follow_the_configuration(opened: Open, settings: Settings, upstream: Upstream) -> None:
    """A reload switches links off, and a new key in front makes the new ones."""
    gate = await opened()
    await gate.mail(ADA)
    new = Links(["n" * 32])
    routes = {"mail": {"links": {"headers": True}}}
    settings.write(public_url=PUBLIC, unsubscribe={"keys": ["n" * 32, KEY]}, routes=routes)
    await until(lambda: gate.app.config.unsubscribe.keys[0].reveal() != KEY)
    await gate.mail(ADA)
    settings.write(public_url=PUBLIC, unsubscribe={"keys": [KEY]})
    await until(lambda: not gate.app.config.routes["mail"].links)
    await gate.mail(ADA)
    told = [personalizations(each.body)[ADA] for each in upstream.heard]
    assert told == [both(link(ADA)), both(f"{PUBLIC}/u/{new.make(Link(ADA, Channel.MAIL))}"), {}]


async def test_a_unit_too_long_for_a_link_has_none(opened: Open, upstream: Upstream) -> None:
    """A business unit that no link can hold leaves the mail without one, counted."""
    gate = await opened(business_unit="U" * 3000)
    answer: Message = await gate.mail(ADA)
    assert (answer.status, upstream.heard[0].body) == (202, mail_body(ADA))
    assert gate.metric("sendgate_links_total", route="mail", result="no_link") == 1
