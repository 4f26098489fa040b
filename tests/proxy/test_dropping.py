"""What an answer to a send tells of recipients whom the provider dropped: a conflict, and never another answer."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from policy import StoreUnavailable
from tests.conftest import JSON, Message, OpenGate, RunningGate, Upstream, reply, until

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
MANDRILL, POSTMARK = "/md/api/1.0/messages/send.json", "/pm/email"
INACTIVE = "Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."
NOBODY = (
    f"You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: {ADA}. {INACTIVE}"
)


async def opened(open_gate: OpenGate, upstream: Upstream, **changes: Any) -> RunningGate:
    """Start a gate with a route to either provider, and two users."""
    routes = {name: {"provider": provider, "upstream": upstream.url, **changes} for name, provider in PROVIDERS.items()}
    gate = await open_gate(routes=routes)
    await gate.user("1", email=ADA)
    await gate.user("2", email=BOB)
    return gate


PROVIDERS = {"md": "mandrill", "pm": "postmark"}
HOOK = {"webhook": {"key": "hook-key"}}


async def mandrill(gate: RunningGate, *to: str) -> Message:
    """Send by Mandrill."""
    message = {"subject": "Hi", "text": "Hello", "to": [{"email": each} for each in to]}
    return await gate.post(MANDRILL, json.dumps({"key": "k", "message": message}).encode(), JSON)


def results(**reasons: str | None) -> bytes:
    """Answer as Mandrill does, with a reason for whom it rejects."""
    told = [
        {
            "email": f"{name}@example.com",
            "status": "rejected" if reason else "sent",
            "_id": "1",
            "reject_reason": reason,
        }
        for name, reason in reasons.items()
    ]
    return json.dumps(told, indent=1).encode()


def mail(to: str) -> dict[str, str]:
    """Give a message by Postmark."""
    return {"From": "shop@example.com", "To": to, "Subject": "Hi", "TextBody": "Hello"}


async def postmark(gate: RunningGate, *to: str, path: str = POSTMARK) -> Message:
    """Send by Postmark: one message, or one for each in a batch."""
    body: Any = mail(to[0]) if path == POSTMARK else [mail(each) for each in to]
    return await gate.post(path, json.dumps(body).encode(), JSON, ("X-Postmark-Server-Token", "t"))


async def open_conflicts(gate: RunningGate) -> list[tuple[str, str, str]]:
    """List the conflicts that are open."""
    items = (await gate.api("GET", "/conflicts")).json["items"]
    return [(each["conflict"], each["route"], each["user"]) for each in items]


async def test_whom_mandrill_rejects_is_a_conflict(
    open_gate: OpenGate, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer goes on byte for byte, and who was dropped is told: conflict, timeline, metric and log."""
    gate = await opened(open_gate, upstream)
    upstream.answer = reply(200, results(ada="unsub", bob=None), JSON)
    answer = await mandrill(gate, ADA, BOB)
    assert (answer.status, answer.body) == (200, results(ada="unsub", bob=None))
    assert await open_conflicts(gate) == [("dropped", "md", "1")]
    assert gate.metric("sendgate_conflicts_total", route="md", kind="dropped") == 1
    conflict, word, *_ = (await gate.api("GET", "/users/1/events")).json["items"]
    assert (conflict["event"], word["event"]) == ("Provider Conflict", "Unsubscribe")
    assert word["properties"]["answer"]["reject_reason"] == "unsub"
    said = capsys.readouterr().out
    assert ("provider_conflict" in said, ADA in said) == (True, False)
    assert gate.metric("sendgate_sends_total", route="md", outcome="forwarded") == 1


@pytest.mark.parametrize(
    ("status", "path", "body"),
    [
        pytest.param(422, POSTMARK, {"ErrorCode": 406, "Message": NOBODY}, id="nobody is left"),
        pytest.param(
            200,
            "/pm/email/batch",
            [{"ErrorCode": 0, "Message": "OK"}, {"ErrorCode": 406, "Message": NOBODY}],
            id="a batch",
        ),
    ],
)
async def test_whom_postmark_calls_inactive_is_a_conflict(
    open_gate: OpenGate, upstream: Upstream, status: int, path: str, body: Any
) -> None:
    """One message or a batch: each inactive recipient is told of, and the answer goes on as it came."""
    gate = await opened(open_gate, upstream)
    upstream.answer = reply(status, json.dumps(body).encode(), JSON)
    to = [ADA] if path == POSTMARK else [BOB, ADA]
    answer = await postmark(gate, *to, path=path)
    assert (answer.status, answer.json) == (status, body)
    assert await open_conflicts(gate) == [("dropped", "pm", "1")]


async def test_a_conflict_closes_when_the_gate_says_no_too(open_gate: OpenGate, upstream: Upstream) -> None:
    """Once the person is opted out here, both agree; and what is dropped after that is no conflict."""
    gate = await opened(open_gate, upstream, transactional={"always": True})
    upstream.answer = reply(200, results(ada="custom"), JSON)
    await mandrill(gate, ADA)
    await gate.tell("Opt Out", "MAIL", id="1")
    assert await open_conflicts(gate) == []
    assert (await mandrill(gate, ADA)).status == 200
    assert gate.metric("sendgate_conflicts_total", route="md", kind="dropped") == 1


async def test_each_send_is_told_of_and_the_conflict_is_one(open_gate: OpenGate, upstream: Upstream) -> None:
    """What is dropped again is told again, and stands in the list once."""
    gate = await opened(open_gate, upstream)
    upstream.answer = reply(200, results(ada="spam"), JSON)
    await mandrill(gate, ADA)
    await mandrill(gate, ADA)
    assert await open_conflicts(gate) == [("dropped", "md", "1")]
    assert gate.metric("sendgate_conflicts_total", route="md", kind="dropped") == 2


@pytest.mark.parametrize(
    ("reason", "effects", "ends"),
    [
        pytest.param("unsub", {}, "opted_out_channel", id="an unsubscribe"),
        pytest.param("spam", {}, "opted_out_channel", id="a complaint"),
        pytest.param("hard-bounce", {}, None, id="a bounce is written down"),
        pytest.param("hard-bounce", {"hard_bounce": "block"}, "hard_bounced", id="a bounce blocks, if told to"),
        pytest.param("soft-bounce", {"hard_bounce": "block"}, None, id="a mailbox that may come back"),
        pytest.param("unsub", {"unsubscribe": "record"}, None, id="written down"),
    ],
)
async def test_a_provider_that_is_listened_to_is_heard_in_answers_too(
    open_gate: OpenGate, upstream: Upstream, reason: str, effects: dict[str, str], ends: str | None
) -> None:
    """With a webhook, what a provider dropped counts as the word it gives as the reason, and as that word's effect."""
    gate = await opened(open_gate, upstream, webhook={"key": "hook-key", "effects": effects})
    upstream.answer = reply(200, results(ada=reason), JSON)
    await mandrill(gate, ADA)
    answer = await mandrill(gate, ADA)
    assert answer.get("X-Sendgate-Reasons") == ends
    assert await open_conflicts(gate) == ([] if ends else [("dropped", "md", "1")])


@pytest.mark.parametrize("webhook", [{}, HOOK], ids=["without a webhook", "with one"])
async def test_of_a_stranger_nothing_is_kept_unless_the_provider_is_listened_to(
    open_gate: OpenGate, upstream: Upstream, webhook: dict[str, Any]
) -> None:
    """Nobody asked a route without a webhook to tell: whoever is not known here leaves no trace."""
    gate = await opened(open_gate, upstream, **webhook)
    before = gate.app.policy.sequence
    upstream.answer = reply(200, results(eve="unsub", bob="rule"), JSON)
    await mandrill(gate, EVE, BOB)
    found = (await gate.api("GET", f"/standing?address={EVE}")).json["items"]
    assert (bool(found), gate.app.policy.sequence > before) == (bool(webhook), bool(webhook))


async def test_nobody_is_learned_of_to_whom_nothing_was_sent(open_gate: OpenGate, upstream: Upstream) -> None:
    """An address that an answer names and the send did not is nobody's business."""
    gate = await opened(open_gate, upstream, **HOOK)
    before = gate.app.policy.sequence
    upstream.answer = reply(200, results(bob="unsub", ada=None), JSON)
    await mandrill(gate, ADA)
    assert gate.app.policy.sequence == before
    upstream.answer = reply(200, results(ada="unsub", bob=None), JSON)
    await mandrill(gate, ADA)
    assert gate.app.policy.sequence > before


async def test_who_is_named_twice_is_told_of_once(open_gate: OpenGate, upstream: Upstream) -> None:
    """Of several words about one recipient of a send the first counts."""
    gate = await opened(open_gate, upstream, **HOOK)
    twice = [*json.loads(results(ada="unsub")), *json.loads(results(ada="spam"))]
    upstream.answer = reply(200, json.dumps(twice).encode(), JSON)
    await mandrill(gate, ADA, ADA)
    told = [each["event"] for each in (await gate.api("GET", "/users/1/events")).json["items"]]
    assert told == ["Provider Conflict", "Opt Out", "User Updated"]


async def test_what_is_left_of_a_send_is_told_of(open_gate: OpenGate, upstream: Upstream) -> None:
    """Whom the gate refused is in the answer as before, and whom the provider dropped of the others is a conflict."""
    gate = await opened(open_gate, upstream)
    await gate.tell("Blacklisted", id="2")
    upstream.answer = reply(200, results(ada="unsub"), JSON)
    answer = await mandrill(gate, BOB, ADA)
    assert [(each["email"], each["reject_reason"]) for each in answer.json] == [(BOB, "custom"), (ADA, "unsub")]
    assert await open_conflicts(gate) == [("dropped", "md", "1")]


async def test_an_answer_in_pieces_and_compressed_goes_on_as_it_came(open_gate: OpenGate, upstream: Upstream) -> None:
    """An answer is read while it is relayed: its coding and its pieces stay."""
    gate = await opened(open_gate, upstream)
    packed, rest = gzip.compress(results(ada="unsub", bob=None)), asyncio.Event()

    async def in_two(_: Message, writer: asyncio.StreamWriter) -> None:
        half = len(packed) // 2
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\n")
        writer.write(f"Content-Length: {len(packed)}\r\n\r\n".encode() + packed[:half])
        await writer.drain()
        await rest.wait()
        writer.write(packed[half:])
        await writer.drain()

    upstream.answer = in_two
    sending = asyncio.create_task(mandrill(gate, ADA, BOB))
    await upstream.came()
    rest.set()
    answer = await sending
    assert (answer.body, answer.get("Content-Encoding")) == (packed, "gzip")
    await until(lambda: gate.metric("sendgate_conflicts_total", route="md", kind="dropped") == 1)
    assert await open_conflicts(gate) == [("dropped", "md", "1")]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(200, b"\x1f\x8b rejected", JSON, ("Content-Encoding", "gzip")), id="garbage"),
        pytest.param(reply(200, results(ada="unsub"), JSON, ("Content-Encoding", "br")), id="another coding"),
        pytest.param(reply(200, b" " * (1 << 20) + results(ada="unsub"), JSON), id="too large"),
        pytest.param(reply(500, b'"rejected"', JSON), id="no answer"),
    ],
)
async def test_what_cannot_be_read_tells_of_nobody(open_gate: OpenGate, upstream: Upstream, answer: bytes) -> None:
    """An answer that nobody here can read goes to the sender all the same, and nothing is learned of it."""
    gate = await opened(open_gate, upstream)
    upstream.answer = answer
    given = await mandrill(gate, ADA)
    assert given.body == answer.partition(b"\r\n\r\n")[2]
    assert await open_conflicts(gate) == []


async def test_what_cannot_be_stored_changes_no_answer(
    open_gate: OpenGate, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message went out: that nothing could be learned of it is none of the sender's business."""
    gate = await opened(open_gate, upstream)

    async def unavailable(*_: object) -> Any:
        raise StoreUnavailable("gone")

    upstream.answer = reply(200, results(ada="unsub"), JSON)
    with monkeypatch.context() as broken:
        broken.setattr(gate.app.policy, "learn_each", unavailable)
        answer = await mandrill(gate, ADA)
    assert (answer.status, answer.body) == (200, results(ada="unsub"))
    assert await open_conflicts(gate) == []
