"""The senders' door as a decision table: who stands how, who may say what, and what the configuration makes of it."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.conftest import JSON, MAIL, OpenGate, RunningGate, Upstream, mail_body, reply, request

A, B, C = "a@example.com", "b@example.com", "c@example.com"
PHONE = "+4915112345678"
RECEIPT: dict[str, Any] = {"mail": {"transactional": {"markers": {"categories": ["receipt"]}}}}
SHADOW = {"policy": {"mode": "shadow"}}


# ── how somebody stands, and of which class the message is ──

STANDINGS = [
    pytest.param([], None, None, id="nobody said anything"),
    pytest.param([("Blacklisted", None)], "blacklisted", "blacklisted", id="blacklisted"),
    pytest.param([("Opt Out", None)], "opted_out", None, id="opted out"),
    pytest.param([("Opt Out", "ALL")], "opted_out", None, id="opted out of ALL"),
    pytest.param([("Opt Out", "MAIL")], "opted_out_channel", None, id="opted out of MAIL"),
    pytest.param([("Opt Out", "SMS")], None, None, id="opted out of another channel"),
    pytest.param([("Opt Out", "MAIL"), ("Opt Out", None)], "opted_out", None, id="opted out of both"),
    pytest.param([("Opt Out", "MAIL"), ("Opt In", "MAIL")], None, None, id="back in on MAIL"),
    pytest.param([("Opt Out", None), ("Opt In", "MAIL")], "opted_out", None, id="in on MAIL leaves ALL"),
    pytest.param([("Opt Out", "MAIL"), ("Opt In", None)], "opted_out_channel", None, id="in on ALL leaves MAIL"),
    pytest.param([("Blacklisted", None), ("Whitelisted", None)], None, None, id="whitelisted again"),
    pytest.param([("Opt Out", None), ("Whitelisted", None)], "opted_out", None, id="whitelisting leaves the opt-out"),
    pytest.param([("Blacklisted", None), ("Opt In", None)], "blacklisted", "blacklisted", id="opt-in leaves it"),
    pytest.param([("Opt Out", None), ("Blacklisted", None)], "blacklisted", "blacklisted", id="opted out, blacklisted"),
]


@pytest.mark.parametrize(("told", "marketing", "transactional"), STANDINGS)
async def test_standing_decides(
    open_gate: OpenGate,
    upstream: Upstream,
    told: list[tuple[str, str | None]],
    marketing: str | None,
    transactional: str | None,
) -> None:
    """A blacklisting stops everything, an opt-out stops marketing, and everything else goes to the provider."""
    gate = await open_gate(routes=RECEIPT)
    for word, channel in told:
        await gate.tell(word, channel, email=A)
    for reason, categories in ((marketing, ["news"]), (transactional, ["receipt"])):
        sent = len(upstream.heard)
        answer = await gate.mail(A, categories=categories)
        assert (answer.status, len(upstream.heard) - sent) == ((400, 0) if reason else (202, 1))
        assert answer.get("X-Sendgate-Reasons") == reason
    assert sorted(await gate.reasons()) == sorted(filter(None, (marketing, transactional)))


@pytest.mark.parametrize(
    ("channel", "sms", "whatsapp"),
    [
        pytest.param("SMS", 400, 201, id="SMS"),
        pytest.param("INSTANT_MESSAGING", 201, 400, id="INSTANT_MESSAGING"),
        pytest.param("ALL", 400, 400, id="ALL"),
        pytest.param("MAIL", 201, 201, id="MAIL"),
    ],
)
async def test_channel_decides(gate: RunningGate, channel: str, sms: int, whatsapp: int) -> None:
    """An opt-out of a channel stops messages on that channel and on no other; ALL stops every channel."""
    await gate.tell("Opt Out", channel, phone=PHONE)
    assert (await gate.text(PHONE, route="sms-sandbox")).status == sms
    assert (await gate.text(f"whatsapp:{PHONE}", route="sms-sandbox")).status == whatsapp


# ── trim, refuse, native ──


async def test_trimming_takes_out_the_refused(gate: RunningGate, upstream: Upstream) -> None:
    """The provider gets the send without the refused, one record stands for each, and the answer counts them."""
    await gate.user("7", email=B, businessUnit="DE")
    await gate.tell("Blacklisted", id="7")
    answer = await gate.mail(A, B, C, headers=[("X-Sendgate-Campaign", "autumn")])
    told = {name: answer.get(f"X-Sendgate-{name}") for name in ("Outcome", "Refused", "Reasons")}
    assert told == {"Outcome": "trimmed", "Refused": "1", "Reasons": "blacklisted"}
    (sent,) = upstream.heard
    assert [person["to"][0]["email"] for person in sent.json["personalizations"]] == [A, C]
    (record,) = await gate.records()
    assert {name: value for name, value in record.items() if name not in ("id", "time")} == {
        "decision": answer.get("X-Sendgate-Decision"),
        "route": "mail",
        "provider": "sendgrid",
        "channel": "MAIL",
        "class": "marketing",
        "place": "personalizations.1.to.0",
        "address": B,
        "user": "7",
        "business_unit": "DE",
        "reason": "blacklisted",
        "origin": "event",
        "sender": "",
        "campaign": "autumn",
        "recipients": 1,
        "enforced": True,
        "sent": "no",
        "upstream_status": None,
        "request": None,
    }
    assert gate.metric("sendgate_sends_total", route="mail", outcome="trimmed") == 1
    assert gate.metric("sendgate_recipients_total", route="mail", verdict="refused") == 1
    assert gate.metric("sendgate_recipients_total", route="mail", verdict="passed") == 2


async def test_copies_fall_with_their_addressee(gate: RunningGate, upstream: Upstream) -> None:
    """Where the only addressee of a message is refused, its copies are not sent either, and a record says so."""
    await gate.tell("Blacklisted", email=A)
    people = [{"to": [{"email": A}], "cc": [{"email": B}]}, {"to": [{"email": C}], "cc": [{"email": A}]}]
    answer = await gate.mail(personalizations=people)
    assert answer.get("X-Sendgate-Reasons") == "blacklisted, no_recipient"
    assert upstream.heard[0].json["personalizations"] == [{"to": [{"email": C}]}]
    records = {record["place"]: record["reason"] for record in await gate.records()}
    assert records == {
        "personalizations.0.to.0": "blacklisted",
        "personalizations.0.cc.0": "no_recipient",
        "personalizations.1.cc.0": "blacklisted",
    }


async def test_nobody_left_is_a_refusal(gate: RunningGate, upstream: Upstream) -> None:
    """A send whose addressees are all refused is refused as a whole, although somebody stands in copy."""
    await gate.tell("Blacklisted", email=A)
    answer = await gate.mail(personalizations=[{"to": [{"email": A}], "bcc": [{"email": B}]}])
    assert (answer.status, answer.get("X-Sendgate-Outcome"), upstream.heard) == (400, "refused", [])
    assert await gate.reasons() == ["blacklisted"]


async def test_a_trimmed_gzip_body_goes_out_plain(gate: RunningGate, upstream: Upstream) -> None:
    """What was compressed is read, and a trimmed body goes out without what described the old bytes."""
    await gate.tell("Blacklisted", email=B)
    old = [("Content-Encoding", "gzip"), ("Content-MD5", "abc"), ("Digest", "x"), ("X-Own", "kept")]
    await gate.post(f"/mail{MAIL}", gzip.compress(mail_body(A, B)), JSON, *old)
    (sent,) = upstream.heard
    assert [len(sent.json["personalizations"]), sent.get("X-Own")] == [1, "kept"]
    assert [sent.get(name) for name in ("Content-Encoding", "Content-MD5", "Digest")] == [None, None, None]


async def test_an_untouched_gzip_body_goes_out_as_it_came(gate: RunningGate, upstream: Upstream) -> None:
    """Where nobody is refused, even the compressed bytes are the sender's own."""
    body = gzip.compress(mail_body(A, B))
    assert (await gate.post(f"/mail{MAIL}", body, JSON, ("Content-Encoding", "gzip"))).status == 202
    assert (upstream.heard[0].body, upstream.heard[0].get("Content-Encoding")) == (body, "gzip")


async def test_on_refused_refuse(open_gate: OpenGate, upstream: Upstream) -> None:
    """With on_refused: refuse one refused recipient stops the whole send, in the provider's shape and by place."""
    gate = await open_gate(routes={"mail": {"on_refused": "refuse"}})
    await gate.tell("Blacklisted", email=B)
    answer = await gate.mail(A, B)
    assert (answer.status, answer.get("X-Sendgate-Refused"), upstream.heard) == (400, "1", [])
    assert [error["field"] for error in answer.json["errors"]] == ["personalizations.1.to.0.email"]
    assert await gate.reasons() == ["blacklisted"]


async def test_native_is_for_people_only(open_gate: OpenGate, upstream: Upstream) -> None:
    """refusal: native looks like success only where a person said no; what is wrong with the send stays an error."""
    gate = await open_gate(policy={"refusal": "native", "allow_only": ["*@example.com"]})
    await gate.tell("Blacklisted", email=A)
    assert (await gate.mail(A)).status == 202
    assert (await gate.mail("stranger@example.org")).status == 400
    assert (await gate.mail("no address")).status == 400
    assert upstream.heard == []


# ── shadow ──


async def test_shadow_forwards_byte_for_byte(open_gate: OpenGate, upstream: Upstream) -> None:
    """Shadow mode sends what would have been trimmed as it came; record, metric and answer say that it did."""
    gate = await open_gate(**SHADOW)
    await gate.tell("Blacklisted", email=B)
    body = mail_body(A, B)
    answer = await gate.post(f"/mail{MAIL}", body, JSON)
    assert (answer.status, upstream.heard[0].body) == (202, body)
    assert (answer.get("X-Sendgate-Outcome"), answer.get("X-Sendgate-Passed")) == ("forwarded", "shadow")
    (record,) = await gate.records()
    assert (record["reason"], record["enforced"], record["sent"]) == ("blacklisted", False, "yes")
    assert gate.metric("sendgate_dispatch_failed_total", reason="blacklisted", enforced="false") == 1
    assert gate.metric("sendgate_dispatch_failed_total", reason="blacklisted", enforced="true") == 0
    assert gate.metric("sendgate_passed_on_doubt_total", switch="shadow") == 1


@pytest.mark.parametrize(
    ("target", "body", "reason"),
    [
        pytest.param(MAIL, b"{", "unreadable", id="unreadable"),
        pytest.param("/v3/unheard/of", b"{}", "unknown_request", id="unknown request"),
        pytest.param(MAIL, b'{"personalizations": []}', "no_recipient", id="no recipient"),
    ],
)
async def test_shadow_lets_doubt_pass(
    open_gate: OpenGate, upstream: Upstream, target: str, body: bytes, reason: str
) -> None:
    """In shadow mode what cannot be read or is not known goes out too, recorded as not enforced."""
    gate = await open_gate(**SHADOW)
    answer = await gate.post(f"/mail{target}", body, JSON)
    assert (answer.status, upstream.heard[0].body, answer.get("X-Sendgate-Passed")) == (202, body, "shadow")
    (record,) = await gate.records()
    assert (record["reason"], record["enforced"], record["sent"]) == (reason, False, "yes")


async def test_shadow_still_enforces_the_allow_list(open_gate: OpenGate, upstream: Upstream) -> None:
    """What allow_only refuses is refused in shadow mode as well; what only a person refuses is sent."""
    gate = await open_gate(policy={"mode": "shadow", "allow_only": ["*@example.com"]})
    await gate.tell("Blacklisted", email=A)
    answer = await gate.mail(A, "b@example.org")
    assert [person["to"][0]["email"] for person in upstream.heard[0].json["personalizations"]] == [A]
    assert answer.get("X-Sendgate-Outcome") == "trimmed"
    records = {record["reason"]: (record["enforced"], record["sent"]) for record in await gate.records()}
    assert records == {"blacklisted": (False, "yes"), "not_allowlisted": (True, "no")}


async def test_shadow_with_an_allow_list_refuses_what_it_cannot_read(open_gate: OpenGate, upstream: Upstream) -> None:
    """What cannot be read may be to anybody, so an allow-list keeps it back whatever the mode."""
    gate = await open_gate(policy={"mode": "shadow", "allow_only": ["*@example.com"], "on_unreadable": "pass"})
    assert (await gate.post(f"/mail{MAIL}", b"{", JSON)).status == 400
    assert (await gate.post("/mail/v3/unheard/of", b"{}", JSON)).status == 400
    assert upstream.heard == []


async def test_shadow_still_refuses_senders(open_gate: OpenGate, upstream: Upstream) -> None:
    """Who may not send may not send in shadow mode either."""
    gate = await open_gate(**SHADOW, senders=[{"name": "shop", "key": "shop-key", "routes": ["mail"]}])
    assert (await gate.mail(A)).status == 403
    assert upstream.heard == []


async def test_shadow_lets_store_errors_pass(open_gate: OpenGate, upstream: Upstream) -> None:
    """A store that is gone stops nothing in shadow mode, and the answer says so."""
    gate = await open_gate(**SHADOW)
    gate.app.policy.database.path.unlink()
    answer = await gate.mail(A)
    assert (answer.status, answer.get("X-Sendgate-Passed"), len(upstream.heard)) == (202, "shadow", 1)


# ── the switches that let doubt pass ──


@pytest.mark.parametrize(
    ("switch", "target", "body", "reason"),
    [
        pytest.param("on_unreadable", MAIL, b"{", "unreadable", id="on_unreadable"),
        pytest.param("on_unreadable", MAIL, b'{"a": 1, "a": 2}', "unreadable", id="on_unreadable, a key twice"),
        pytest.param("on_unknown_request", "/v3/unheard/of", b"{}", "unknown_request", id="on_unknown_request"),
    ],
)
async def test_switches_let_doubt_pass(
    open_gate: OpenGate, upstream: Upstream, switch: str, target: str, body: bytes, reason: str
) -> None:
    """Each switch passes its own doubt alone, as it came; header, metric, record and outcome name it."""
    gate = await open_gate(routes={"mail": {switch: "pass"}})
    answer = await gate.post(f"/mail{target}", body, JSON)
    assert (answer.status, upstream.heard[0].body, answer.get("X-Sendgate-Passed")) == (202, body, switch)
    assert gate.metric("sendgate_passed_on_doubt_total", route="mail", switch=switch) == 1
    (record,) = await gate.records()
    told = (record["reason"], record["enforced"], record["sent"], record["upstream_status"])
    assert told == (reason, False, "yes", 202)
    other = (f"/mail{MAIL}", b"[") if switch == "on_unknown_request" else ("/mail/v3/other", b"{}")
    assert (await gate.post(*other, JSON)).status == 400


async def test_a_switch_of_one_route_is_its_own(open_gate: OpenGate, upstream: Upstream) -> None:
    """A route says it otherwise for itself: the others keep what `policy` says."""
    upstream_url = {"provider": "sendgrid", "upstream": upstream.url}
    routes = {"strict": {**upstream_url, "on_unreadable": "refuse"}}
    gate = await open_gate(policy={"on_unreadable": "pass"}, routes=routes)
    assert (await gate.post(f"/mail{MAIL}", b"{", JSON)).status == 202
    assert (await gate.post(f"/strict{MAIL}", b"{", JSON)).status == 400


async def test_on_store_error_pass(open_gate: OpenGate, upstream: Upstream) -> None:
    """With on_store_error: pass a send goes out unjudged while the store is gone, and everything says so."""
    gate = await open_gate(routes={"mail": {"on_store_error": "pass"}})
    await gate.tell("Blacklisted", email=A)
    gate.app.policy.database.path.unlink()
    answer = await gate.mail(A)
    assert (answer.status, answer.get("X-Sendgate-Passed"), len(upstream.heard)) == (202, "on_store_error", 1)
    assert gate.metric("sendgate_passed_on_doubt_total", route="mail", switch="on_store_error") == 1
    assert gate.metric("sendgate_dispatch_failed_total", reason="store_unavailable", enforced="false") == 1
    assert (await gate.text(PHONE)).status == 503


async def test_on_store_error_pass_keeps_the_allow_list(open_gate: OpenGate, upstream: Upstream) -> None:
    """The allow-list needs no store, so it holds even while sends pass unjudged."""
    gate = await open_gate(policy={"on_store_error": "pass", "allow_only": [A]})
    gate.app.policy.database.path.unlink()
    assert (await gate.mail(A)).status == 202
    assert (await gate.mail(B)).status == 400
    assert [message.json["personalizations"][0]["to"][0]["email"] for message in upstream.heard] == [A]


@pytest.mark.parametrize(
    "path", ["/v3//mail/send", "/v3/mail/./send", "/v3/mail%2Fsend", "/v3/mail/send;x", "/v3/%6dail/send"]
)
async def test_a_send_in_disguise_is_not_unknown(open_gate: OpenGate, upstream: Upstream, path: str) -> None:
    """What passes because nobody knows it is not a known path in another spelling, which a server may undo."""
    gate = await open_gate(policy={"on_unknown_request": "pass"})
    assert (await gate.post(f"/mail{path}", b"{}", JSON)).status == 400
    assert upstream.heard == []


@pytest.mark.parametrize(
    "path",
    ["/v3//unheard", "/v3/unheard/./of", "/v3/unheard/../of", "/v3/unheard%2Fof", "/v3/unheard;of", "/v3/%75nheard"],
)
async def test_what_servers_may_route_apart_is_not_unknown(open_gate: OpenGate, upstream: Upstream, path: str) -> None:
    """A path that has more than one reading may be anything, so it does not pass because nobody knows it."""
    gate = await open_gate(policy={"on_unknown_request": "pass"})
    assert (await gate.post(f"/mail{path}", b"{}", JSON)).status == 400
    assert upstream.heard == []


@pytest.mark.parametrize("route", [{}, {"mode": "shadow"}])
@pytest.mark.parametrize("path", ["/v3/mail/Send", "/V3/MAIL/SEND", "/v3//mail/send", "/v3/mail/sen%64"])
async def test_no_switch_lets_a_send_in_disguise_pass(
    open_gate: OpenGate, upstream: Upstream, path: str, route: dict[str, Any]
) -> None:
    """What only its spelling tells from a send passes by no name; shadow mode lets it pass, and says so."""
    allowed = {"allow_paths": ["/v3/mail/*", "/*/*/*", path], **route}
    gate = await open_gate(policy={"on_unknown_request": "pass"}, routes={"mail": allowed})
    answer = await gate.post(f"/mail{path}", b"{}", JSON)
    assert (answer.status, answer.get("X-Sendgate-Passed"), len(upstream.heard)) == (
        (202, "shadow", 1) if route else (400, None, 0)
    )


async def test_allow_paths_is_no_leave_for_another_method(open_gate: OpenGate, upstream: Upstream) -> None:
    """The path of a send passes by no name either, whatever the method."""
    gate = await open_gate(routes={"mail": {"allow_paths": [MAIL]}})
    for method in ("PUT", "PATCH", "DELETE"):
        assert (await gate.ask(request(method, f"/mail{MAIL}", [JSON], b"{}"))).status == 400
    assert upstream.heard == []


async def test_allow_paths(open_gate: OpenGate, upstream: Upstream) -> None:
    """A path that the operator names passes, exactly as it is spelled, and is marked; its neighbours do not."""
    gate = await open_gate(routes={"mail": {"allow_paths": ["/v3/marketing/test/send_email"]}})
    answer = await gate.post("/mail/v3/marketing/test/send_email?x=1", b"{}", JSON)
    assert (answer.status, answer.get("X-Sendgate-Passed")) == (202, "allow_paths")
    for neighbour in ("/v3/marketing/test/send_email/", "/v3/marketing/test/Send_email", "/v3/marketing//test"):
        assert (await gate.post(f"/mail{neighbour}", b"{}", JSON)).status == 400
    assert [message.target for message in upstream.heard] == ["/v3/marketing/test/send_email?x=1"]


@pytest.mark.parametrize("segment", ["..", ".", "", "..%2f..%2fmail", "a%2Fb", "a;b", "%61", "a%00", "%2e%2e"])
async def test_a_wildcard_of_allow_paths_is_one_segment(open_gate: OpenGate, upstream: Upstream, segment: str) -> None:
    """What stands for a * is one segment to every server: nothing leads from an allowed path to another."""
    gate = await open_gate(routes={"mail": {"allow_paths": ["/v3/marketing/singlesends/*/schedule"]}})
    assert (await gate.post(f"/mail/v3/marketing/singlesends/{segment}/schedule", b"{}", JSON)).status == 400
    assert upstream.heard == []
    assert (await gate.post("/mail/v3/marketing/singlesends/1-a/schedule", b"{}", JSON)).status == 202


async def test_allow_paths_yield_to_the_allow_list(open_gate: OpenGate, upstream: Upstream) -> None:
    """Where only some may be reached, a request whose recipients nobody sees does not pass by name."""
    path = "/v3/marketing/test/send_email"
    gate = await open_gate(routes={"mail": {"allow_paths": [path], "allow_only": [A]}})
    assert (await gate.post(f"/mail{path}", b"{}", JSON)).status == 400
    assert upstream.heard == []


# ── the rules that look at strangers ──


async def test_unknown_recipients_refuse(open_gate: OpenGate, upstream: Upstream) -> None:
    """With unknown_recipients: refuse only people in the store get anything."""
    gate = await open_gate(policy={"unknown_recipients": "refuse"})
    await gate.user("1", email=A)
    await gate.mail(A, B)
    assert [person["to"][0]["email"] for person in upstream.heard[0].json["personalizations"]] == [A]
    assert await gate.reasons() == ["unknown_recipient"]


async def test_allow_only(open_gate: OpenGate) -> None:
    """allow_only lets addresses, numbers and whole domains through, in any spelling, and nobody else."""
    gate = await open_gate(policy={"allow_only": ["Me@Example.com", "*@example.org", PHONE]})
    allowed = ["ME@example.com", "x@EXAMPLE.org."]
    refused = ["me@example.com.evil.test", "x@sub.example.org", "you@example.com", "x@example.net"]
    for address in allowed:
        assert (await gate.mail(address)).status == 202
    for address in refused:
        assert (await gate.mail(address)).get("X-Sendgate-Reasons") == "not_allowlisted"
    assert (await gate.text("+49 151 12345678", route="sms-sandbox")).status == 201
    assert (await gate.text("+4915112345679", route="sms-sandbox")).status == 400


@pytest.mark.parametrize(
    ("ahead", "fields", "status"),
    [
        pytest.param(3600 * 23, {}, 202, id="near enough"),
        pytest.param(3600 * 25, {}, 400, id="too far"),
        pytest.param(3600 * 25, {"categories": ["receipt"]}, 202, id="transactional"),
        pytest.param(-3600, {}, 202, id="past"),
    ],
)
async def test_max_schedule_ahead(open_gate: OpenGate, ahead: int, fields: dict[str, Any], status: int) -> None:
    """Marketing may not be scheduled further ahead than max_schedule_ahead, transactional messages may."""
    gate = await open_gate(routes=RECEIPT)
    send_at = gate.app.policy.now() // 1_000_000 + ahead
    answer = await gate.mail(A, send_at=send_at, **fields)
    assert answer.status == status
    assert answer.get("X-Sendgate-Reasons") == ("scheduled_too_far" if status == 400 else None)


async def test_an_invalid_address_is_refused(gate: RunningGate, upstream: Upstream) -> None:
    """An address that nobody could be looked up by is taken out like one that said no."""
    await gate.mail(A, "a@b@c")
    assert len(upstream.heard[0].json["personalizations"]) == 1
    assert await gate.reasons() == ["invalid_address"]


async def test_spellings_of_one_person(gate: RunningGate, upstream: Upstream) -> None:
    """Whoever is blacklisted gets nothing under any spelling of the address."""
    await gate.tell("Blacklisted", email="Jörg@Straße.example")
    for spelling in ("JÖRG@STRASSE.EXAMPLE", "jo\u0308rg@straße.example", "jörg@xn--strae-oqa.example."):
        assert (await gate.mail(spelling)).status == 400, spelling
    await gate.tell("Blacklisted", phone="+49 (0)151 12345678")
    for spelling in (PHONE, "0049 151 12345678", "4915112345678", "whatsapp:+4915112345678"):
        assert (await gate.text(spelling)).status == 400, spelling
    assert upstream.heard == []


# ── what goes through unread ──


async def test_harmless_requests_pass(gate: RunningGate, upstream: Upstream) -> None:
    """A request that dispatches nothing passes with its query, body and answer; nobody is judged."""
    upstream.answer = reply(201, b'{"batch_id": "x"}', JSON)
    answer = await gate.post("/mail/v3/mail/batch?a=%2f&b", b'{"x": 1}', JSON)
    assert (answer.status, answer.json, answer.get("X-Sendgate-Outcome")) == (201, {"batch_id": "x"}, "passed_through")
    assert (upstream.heard[0].target, upstream.heard[0].body) == ("/v3/mail/batch?a=%2f&b", b'{"x": 1}')
    assert await gate.records() == []


async def test_a_big_harmless_body_is_streamed(gate: RunningGate, upstream: Upstream) -> None:
    """A harmless body larger than any send may be goes through whole, in pieces."""
    piece = b"x" * 65_536
    head = request("POST", "/mail/v3/templates", [JSON, ("Transfer-Encoding", "chunked")])
    async with gate.connect() as line:
        await line.say(head)
        for _ in range(64):
            await line.say(b"%x\r\n%b\r\n" % (len(piece), piece))
        await line.say(b"0\r\n\r\n")
        assert (await line.answer()).status == 202
    assert upstream.heard[0].body == piece * 64


async def test_head_passes(gate: RunningGate, upstream: Upstream) -> None:
    """HEAD is answered with the provider's headers, its length included, and no body."""
    upstream.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4711\r\nETag: x\r\n\r\n"
    answer = await gate.ask(request("HEAD", "/mail/v3/templates/1"))
    assert (answer.status, answer.get("Content-Length"), answer.get("ETag")) == (200, "4711", "x")


async def test_a_send_names_its_campaign(gate: RunningGate) -> None:
    """A record carries the campaign of the header, else the provider's own field."""
    await gate.tell("Blacklisted", email=A)
    await gate.mail(A, custom_args={"campaign": "own"})
    await gate.mail(A, custom_args={"campaign": "own"}, headers=[("X-Sendgate-Campaign", "header")])
    assert [record["campaign"] for record in await gate.records()] == ["header", "own"]


async def test_the_same_removals_give_the_same_bytes(gate: RunningGate, upstream: Upstream) -> None:
    """A sender that tries again gets the same body to the provider, with its idempotency key unchanged."""
    await gate.tell("Blacklisted", email=B)
    for _ in range(2):
        await gate.mail(A, B, headers=[("Idempotency-Key", "once")])
    first, second = upstream.heard
    assert first == second
    assert first.get("Idempotency-Key") == "once"
    assert json.loads(first.body) == first.json
