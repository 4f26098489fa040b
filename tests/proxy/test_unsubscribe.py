"""The recipients' door of a running gate: who clicked gets no more, nobody else is touched, looking changes nothing.

What holds is asked by a real send, as everybody would learn it.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from policy import StoreUnavailable
from policy.model import Channel
from proxy.clicks import Action
from proxy.limiter import BURST
from proxy.links import Link, Links
from proxy.unsubscribe import DONE, RESULTS, STATUS
from tests.conftest import FORM, Message, OpenGate, RunningGate, Settings, request, until

NEW, OLD, GONE = "n" * 32, "o" * 32, "g" * 32
LINKS = Links([NEW, OLD])
ADA, BOB, NUMBER = "ada@example.com", "bob@example.com", "+4915112345678"
MAIL, SMS, WHATSAPP = Channel.MAIL, Channel.SMS, Channel.INSTANT_MESSAGING

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = ("Content-Type", "multipart/form-data; boundary=----b0undary")
ONE_CLICK_PARTS = (
    b"------b0undary\r\n"
    b'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n"
    b"------b0undary--\r\n"
)


def link(key: str = ADA, channel: Channel = MAIL, unit: str = "", campaign: str = "", by: Links = LINKS) -> str:
    """Give the path of a link."""
    return f"/u/{by.make(Link(key, channel, unit, campaign))}"


async def look(gate: RunningGate, target: str, *headers: tuple[str, str], method: str = "GET") -> Message:
    """Open a link."""
    return await gate.ask(request(method, target, headers), "public")


async def press(gate: RunningGate, target: str, action: str) -> Message:
    """Press a button of the page."""
    return await gate.post(target, f"action={action}".encode(), FORM, door="public")


async def one_click(gate: RunningGate, target: str) -> Message:
    """Press the mailbox provider's button."""
    return await gate.post(target, ONE_CLICK, FORM, door="public")


async def why(gate: RunningGate, address: str = ADA, **send: Any) -> str | None:
    """Give the reason for which a send to somebody is refused, None where it goes out."""
    answer = await (gate.text if address.startswith("+") else gate.mail)(address, **send)
    return answer.get("X-Sendgate-Reasons")


Open = Callable[..., Awaitable[RunningGate]]


@pytest.fixture
def opened(open_gate: OpenGate) -> Open:
    """Open gates that make and take links; what is given stands in `unsubscribe`."""

    async def start(*, changes: dict[str, Any] | None = None, **settings: Any) -> RunningGate:
        return await open_gate(unsubscribe={"keys": [NEW, OLD], **settings}, **(changes or {}))

    return start


@pytest.fixture
async def gate(opened: Open) -> RunningGate:
    """Give a gate that takes links."""
    return await opened()


# ── one click ──


@pytest.mark.parametrize(
    ("header", "body"),
    [
        pytest.param(FORM, ONE_CLICK, id="form"),
        pytest.param(MULTIPART, ONE_CLICK_PARTS, id="multipart"),
    ],
)
async def test_one_click(gate: RunningGate, header: tuple[str, str], body: bytes) -> None:
    """The mailbox provider's button stops marketing to this address, without redirect, cookie or question."""
    answer = await gate.post(link(campaign="autumn"), body, header, door="public")
    assert (answer.status, answer.get("Set-Cookie"), answer.get("Location"), answer.body) == (200, None, None, b"")
    assert (await why(gate), await why(gate, BOB)) == ("opted_out_channel", None)
    (record,) = await gate.records(address=ADA)
    assert record["origin"] == "one-click"
    assert gate.metric("sendgate_unsubscribes_total", action="one-click", result="done") == 1
    assert gate.metric("sendgate_events_total", event="Opt Out", effect="applied") == 1


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param([], b"", id="nothing"),
        pytest.param([FORM], b"unsubscribe=please", id="other words"),
        pytest.param([FORM, ("Content-Encoding", "gzip")], gzip.compress(ONE_CLICK), id="compressed"),
        pytest.param([FORM, ("Content-Encoding", "gzip")], b"not compressed", id="not what it says"),
        pytest.param([FORM], b"x" * 100_000, id="much too much"),
        pytest.param([("Content-Type", "multipart/form-data")], ONE_CLICK_PARTS, id="multipart without a boundary"),
    ],
)
async def test_no_no_is_lost(gate: RunningGate, headers: list[tuple[str, str]], body: bytes) -> None:
    """However a POST to a link is written, it stops marketing."""
    assert (await gate.post(link(), body, *headers, door="public")).status == 200
    assert await why(gate) == "opted_out_channel"


async def test_half_a_request_says_nothing(gate: RunningGate) -> None:
    """A client that goes away half-way was answered nothing, and nothing was learned of it."""
    async with gate.connect("public") as line:
        await line.say(request("POST", link(BOB), [FORM, ("Content-Length", "100")]) + b"action=out")
    assert (await one_click(gate, link())).status == 200
    assert (await why(gate), await why(gate, BOB)) == ("opted_out_channel", None)


# ── looking ──


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(gate: RunningGate, method: str) -> None:
    """A link scanner opens the link as often as it likes, and nothing is written."""
    before = gate.app.policy.sequence
    for _ in range(3):
        answer = await look(gate, link(), method=method)
        assert (answer.status, bool(answer.body)) == (200, method == "GET")
    assert gate.app.policy.sequence == before
    assert await why(gate) is None
    assert gate.metric("sendgate_unsubscribes_total", action="show", result="done") == 3


async def test_the_page_shows_no_clear_address(gate: RunningGate) -> None:
    """Nothing of the address but its first letter and its domain is shown, and nothing of the campaign."""
    page = await look(gate, link(campaign="secret-sale"))
    assert b"a***@example.com" in page.body
    assert not any(word in page.body for word in (b"ada@", b"secret-sale"))


async def test_every_answer_is_guarded(gate: RunningGate) -> None:
    """Page, click and failure alike allow the browser nothing, are kept by nobody and set no cookie."""
    answers = [await look(gate, link()), await press(gate, link(), "out"), await one_click(gate, link())]
    answers += [await look(gate, "/u/broken"), await look(gate, link(by=Links([GONE])))]
    for answer in answers:
        assert answer.get("Cache-Control") == "no-store"
        assert answer.get("Referrer-Policy") == "no-referrer"
        assert "default-src 'none'" in (answer.get("Content-Security-Policy") or "")
        assert (answer.get("X-Frame-Options"), answer.get("Set-Cookie")) == ("DENY", None)


@pytest.mark.parametrize(
    ("target", "accepted", "language"),
    [
        pytest.param("", "de-DE,de;q=0.9,en;q=0.8", "de", id="the browser's"),
        pytest.param("?lang=de", "en", "de", id="chosen on the page"),
        pytest.param("", "fr", "en", id="none that there is"),
    ],
)
async def test_the_page_speaks_a_language(gate: RunningGate, target: str, accepted: str, language: str) -> None:
    """The page is in the language that is asked for, and says so."""
    page = await look(gate, link() + target, ("Accept-Language", accepted))
    assert page.get("Content-Language") == language
    assert f'<html lang="{language}">'.encode() in page.body


async def test_the_page_says_what_judging_says(opened: Open) -> None:
    """What the page shows is what a send meets: each person with the address, in the unit of the link."""
    gate = await opened()
    await gate.tell("Opt Out", "MAIL", email=ADA, businessUnit="FR")
    assert b"We no longer send" in (await look(gate, link())).body
    await gate.user("1", email=ADA, businessUnit="DE")
    assert b"we may send" in (await look(gate, link(unit="DE"))).body
    assert b"We no longer send" in (await look(gate, link(unit="FR"))).body


# ── the buttons ──


async def test_out_and_in_again(gate: RunningGate) -> None:
    """Each button does what it says, and the page shows what holds then."""
    out = await press(gate, link(), "out")
    assert (out.status, b"unsubscribed from marketing emails" in out.body) == (200, True)
    assert await why(gate) == "opted_out_channel"
    back = await press(gate, link(), "in")
    assert (back.status, b"You are subscribed again" in back.body) == (200, True)
    assert await why(gate) is None
    assert gate.metric("sendgate_unsubscribes_total", action="out", result="done") == 1
    assert gate.metric("sendgate_unsubscribes_total", action="in", result="done") == 1


async def test_out_of_all(gate: RunningGate) -> None:
    """Out of all is out of every channel."""
    page = await press(gate, link(), "out_all")
    assert b"unsubscribed from all marketing" in page.body
    assert await why(gate) == "opted_out"


async def test_e_mail_again_under_all(gate: RunningGate) -> None:
    """Who comes back to e-mail from an opt-out of everything comes back to e-mail alone, at once."""
    await gate.user("1", email=ADA, phone=NUMBER)
    await press(gate, link(), "out_all")
    assert (await why(gate), await why(gate, NUMBER)) == ("opted_out", "opted_out")
    await press(gate, link(), "in")
    told = (await gate.api("GET", "/users/1/events")).json["items"][:4]
    assert len({each["timestamp"] for each in told}) == 1
    assert (await why(gate), await why(gate, NUMBER)) == (None, "opted_out_channel")
    assert await why(gate, f"whatsapp:{NUMBER}"[9:]) == "opted_out_channel"
    whatsapp = await gate.text(f"whatsapp:{NUMBER}", From="whatsapp:+15005550006")
    assert whatsapp.get("X-Sendgate-Reasons") == "opted_out_channel"


async def test_a_link_by_text_message(gate: RunningGate) -> None:
    """A link to a number is about text messages, of everybody who has the number."""
    await gate.user("1", email=ADA, phone=NUMBER)
    await gate.user("2", email=BOB, phone=NUMBER)
    page = await look(gate, link(NUMBER, SMS))
    assert (b"marketing text messages" in page.body, NUMBER.encode() in page.body) == (True, False)
    await one_click(gate, link(NUMBER, SMS))
    assert (await why(gate, NUMBER), await why(gate), await why(gate, BOB)) == ("opted_out_channel", None, None)


async def test_a_blacklisting_is_not_undone(gate: RunningGate) -> None:
    """The page cannot release a blacklisted person: it says so, and nothing is sent."""
    await gate.tell("Blacklisted", email=ADA)
    assert b"We send nothing at all" in (await look(gate, link())).body
    page = await press(gate, link(), "in")
    assert b"This link cannot undo" in page.body
    assert await why(gate) == "blacklisted"


async def test_a_blacklist_entry_is_not_undone(gate: RunningGate) -> None:
    """To an address that is on a blacklist the page promises no message."""
    await gate.api("POST", "/api/v1.0/blacklists/", {"Email": ADA})
    assert b"We send nothing at all" in (await look(gate, link())).body
    await press(gate, link(), "in")
    assert await why(gate) == "blacklist_entry"


@pytest.mark.parametrize("origin", ["complaint", "api"])
async def test_the_recipient_undoes_any_opt_out(gate: RunningGate, origin: str) -> None:
    """Whoever said the no, the recipient's own yes undoes it."""
    await gate.user("1", email=ADA)
    if origin == "api":
        await gate.api("PUT", "/users/1/optout-status", {"optOut": True})
    else:
        await gate.tell("Opt Out", "MAIL", email=ADA)
    assert await why(gate)
    await press(gate, link(), "in")
    assert await why(gate) is None


# ── whom it is about ──


async def test_everybody_with_the_address(gate: RunningGate) -> None:
    """A link without a unit speaks for everybody who has the address, in every unit, and for nobody else."""
    await gate.user("1", email=ADA, businessUnit="DE")
    await gate.user("2", email=ADA, businessUnit="FR")
    await gate.user("3", email=BOB, businessUnit="DE")
    await one_click(gate, link())
    standing = (await gate.api("GET", f"/standing?address={ADA}")).json["items"]
    assert [list(each["optOuts"]) for each in standing] == [["MAIL"], ["MAIL"]]
    assert await why(gate, BOB) is None


async def test_a_unit_narrows(opened: Open, settings: Settings) -> None:
    """A link of a unit speaks for that unit's person, and others with the address go on."""
    routes = {
        name: {"provider": "sendgrid", "upstream": settings.upstream, "business_unit": name.upper()}
        for name in ("de", "fr")
    }
    gate = await opened(changes={"routes": routes})
    await gate.user("1", email=ADA, businessUnit="DE")
    await gate.user("2", email=ADA, businessUnit="FR")
    await one_click(gate, link(unit="DE"))
    assert (await why(gate, route="de"), await why(gate, route="fr")) == ("opted_out_channel", None)
    await press(gate, link(unit="DE"), "in")
    assert await why(gate, route="de") is None


async def test_a_no_without_a_unit_is_not_undone_by_one_units_link(gate: RunningGate) -> None:
    """A no that counts in every unit stays where one unit's link says yes, and the page does not promise otherwise."""
    await gate.user("1", email=ADA, businessUnit="DE")
    await gate.tell("Opt Out", "MAIL", email=ADA)
    page = await press(gate, link(unit="DE"), "in")
    assert b"This link cannot undo" in page.body
    assert await why(gate) == "opted_out_channel"


# ── links that are none ──


@pytest.mark.parametrize(
    ("target", "status", "result"),
    [
        pytest.param(link()[:-4], 404, "broken", id="cut"),
        pytest.param(link()[:20] + "AAAA" + link()[24:], 404, "broken", id="changed"),
        pytest.param(link()[:30] + link(BOB)[30:], 404, "broken", id="of two links"),
        pytest.param("/u/x", 404, "broken", id="made up"),
        pytest.param(f"/u/{'x' * 30_000}", 404, "broken", id="endless"),
        pytest.param(link(by=Links([GONE])), 410, "expired", id="of a key that is gone"),
    ],
)
async def test_a_link_that_is_none(gate: RunningGate, target: str, status: int, result: str) -> None:
    """It gets a plain page by every method, is counted, and changes nothing for anybody."""
    before = gate.app.policy.sequence
    page = await look(gate, target)
    assert (page.status, b"<h1>" in page.body, b"<form" in page.body) == (status, True, False)
    assert (await look(gate, target, method="HEAD")).status == status
    for body in (ONE_CLICK, b"action=out", b"action=in"):
        assert (await gate.post(target, body, FORM, door="public")).status == status
    assert gate.app.policy.sequence == before
    assert gate.metric("sendgate_unsubscribes_total", result=result) == 5
    assert gate.metric("sendgate_unsubscribes_total", action="one-click", result=result) == 1


async def test_a_link_by_an_older_key(gate: RunningGate) -> None:
    """After a rotation the links in messages that were sent before go on working."""
    assert (await one_click(gate, link(by=Links([OLD])))).status == 200
    assert await why(gate) == "opted_out_channel"


async def test_a_key_is_taken_away_while_the_gate_runs(gate: RunningGate, settings: Settings) -> None:
    """A changed configuration holds for the next click: links by a key that is gone have expired."""
    settings.write(unsubscribe={"keys": [OLD], "brand": {"name": "Tom's"}})
    gate.app._watcher.trigger()
    await until(lambda: gate.app.config.unsubscribe.brand.name == "Tom's")
    assert (await look(gate, link())).status == 410
    assert b"Tom&#x27;s" in (await look(gate, link(by=Links([OLD])))).body


async def test_without_keys_there_are_no_links(open_gate: OpenGate) -> None:
    """A gate that was given no key takes no link."""
    gate = await open_gate()
    assert (await look(gate, link())).status == 410
    assert (await look(gate, "/u/x")).status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_say_nothing(gate: RunningGate, method: str) -> None:
    """Nothing but GET, HEAD and POST is answered at a link."""
    assert (await look(gate, link(), method=method)).status == 405
    assert await why(gate) is None


@pytest.mark.parametrize("door", ["proxy", "api", "ops"])
async def test_links_lead_to_the_public_door_alone(gate: RunningGate, door: str) -> None:
    """The other listeners know no links."""
    answer = await gate.ask(request("POST", link(), [FORM], ONE_CLICK), door)
    assert answer.status in (401, 403, 404)
    assert await why(gate) is None


# ── when the store does not answer ──


async def test_what_cannot_be_stored_is_not_promised(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the store nothing is acknowledged: a 503 page that says so, and the next try is heard."""

    async def unavailable(*_: object) -> Any:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr(gate.app.policy, "learn", unavailable)
        broken.setattr(gate.app.policy, "standing", unavailable)
        answers = [await one_click(gate, link()), await press(gate, link(), "in"), await look(gate, link())]
    assert [(answer.status, answer.get("Retry-After")) for answer in answers] == [(503, "5")] * 3
    assert b"That did not work" in answers[0].body
    assert gate.metric("sendgate_unsubscribes_total", result="unavailable") == 3
    assert await why(gate) is None
    assert (await one_click(gate, link())).status == 200
    assert await why(gate) == "opted_out_channel"


# ── too often ──


async def test_a_client_has_a_budget(opened: Open) -> None:
    """Who asks too often is told to wait, for pages, yeses and links that are none."""
    gate = await opened(rate_limit=1)
    await gate.tell("Opt Out", "MAIL", email=ADA)
    for _ in range(BURST):
        assert (await look(gate, link())).status == 200
    answers = [await look(gate, link()), await look(gate, "/u/x"), await press(gate, link(), "in")]
    assert [(answer.status, answer.get("Retry-After")) for answer in answers] == [(429, str(BURST))] * 3
    assert await why(gate) == "opted_out_channel"
    assert gate.metric("sendgate_unsubscribes_total", result="limited") == 3


async def test_no_no_is_limited(opened: Open) -> None:
    """Far beyond the budget every no that is news is heard, and one that holds already is not written again."""
    gate = await opened(rate_limit=1)
    people = [f"p{number}@example.com" for number in range(3 * BURST)]
    assert {(await one_click(gate, link(each))).status for each in people} == {200}
    assert {await why(gate, each) for each in people} == {"opted_out_channel"}
    before = gate.app.policy.sequence
    assert (await one_click(gate, link(people[0]))).status == 429
    assert gate.app.policy.sequence == before
    assert (await press(gate, link(people[0]), "out_all")).status == 200
    assert await why(gate, people[0]) == "opted_out"


async def test_whose_budget_it_is(opened: Open) -> None:
    """Behind a trusted proxy each of its clients has a budget; from anybody else the header counts for nothing."""
    gate = await opened(rate_limit=1, changes={"trusted_proxies": ["127.0.0.0/8"]})
    for number in range(2 * BURST):
        assert (await look(gate, link(), ("X-Forwarded-For", f"192.0.2.{number}"))).status == 200
    gate = await opened(rate_limit=1, changes={"store": {"path": str(gate.app.config.store.path.with_name("b.db"))}})
    answers = [await look(gate, link(), ("X-Forwarded-For", f"192.0.2.{n}")) for n in range(BURST + 1)]
    assert [answer.status for answer in answers] == [200] * BURST + [429]


# ── what is told ──


def test_the_document_tells_every_action_and_result() -> None:
    """docs/unsubscribe.md has a row for each action, and for each result with the status that it is answered with."""
    text = (Path(__file__).parents[2] / "docs" / "unsubscribe.md").read_text().partition("## What is answered")[2]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert set(rows) == {*Action, *RESULTS}
    assert {result: int(rows[result]) for result in RESULTS} == {DONE: 200, **STATUS}


async def test_no_address_is_told(gate: RunningGate) -> None:
    """Log lines say what was done on which channel, and hold no address and no link."""
    with capture_logs() as lines:
        await one_click(gate, link(campaign=ADA))
        await look(gate, link())
        await look(gate, "/u/x")
    assert [(line["event"], line["action"], line["log_level"]) for line in lines] == [
        ("unsubscribe_done", "one-click", "info"),
        ("unsubscribe_done", "show", "debug"),
        ("unsubscribe_broken", "show", "debug"),
    ]
    assert ADA not in str(lines)
    assert link()[3:20] not in str(lines)


async def test_a_campaign_stands_in_the_journal(gate: RunningGate) -> None:
    """The opt-out is kept with the campaign whose link it came by."""
    await gate.user("1", email=ADA)
    await one_click(gate, link(campaign="autumn"))
    newest, *_ = (await gate.api("GET", "/users/1/events")).json["items"]
    assert (newest["event"], newest["properties"]) == ("Opt Out", {"campaign": "autumn"})
