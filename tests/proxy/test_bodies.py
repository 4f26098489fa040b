"""Bodies that are too large, compressed or unreadable: bounded, refused in shape, recorded, not forwarded."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import zlib
from unittest.mock import Mock

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from policy.reasons import Reason
from proxy import bodies
from proxy.errors import NotSent
from proxy.holding import Held
from tests.conftest import FORM, JSON, MAIL, TEXT, OpenGate, RunningGate, Upstream, mail_body, request, until, waits_for

A = "a@example.com"
GZIP = ("Content-Encoding", "gzip")
ALLOWED = frozenset({"gzip"})
CHUNKED = ("Transfer-Encoding", "chunked")
DEEP = b"[" * 100_000 + b"]" * 100_000
PERSON = {"to": [{"email": A}]}


def mail(**fields: object) -> bytes:
    """Write a body of a send with some fields set otherwise."""
    return mail_body(A, **fields)


# ── a copy for reading ──


@given(st.binary(max_size=2000), st.integers(0, 9))
def test_inflating_undoes_compressing(plain: bytes, level: int) -> None:
    """What was compressed at any level is read as it was."""
    assert bodies.inflated(gzip.compress(plain, level), ["GZip"], len(plain), ALLOWED) == plain


@pytest.mark.parametrize("declared", [[], [""], ["identity"], [" Identity "]])
def test_plain_bodies_stay(declared: list[str]) -> None:
    """A body that is not compressed is read as it is."""
    assert bodies.inflated(b"\x1f\x8b plain", declared, 10, ALLOWED) == b"\x1f\x8b plain"


def test_what_the_provider_does_not_document() -> None:
    """A provider that says nothing of compression might read the bytes as they are."""
    with pytest.raises(NotSent):
        bodies.inflated(gzip.compress(b"x"), ["gzip"], 100, frozenset())


def gzip_with(flags: int, text: bytes) -> bytes:
    """Compress with optional fields in the header (RFC 1952, section 2.3)."""
    plain = gzip.compress(b"x")
    return plain[:3] + bytes([flags]) + plain[4:10] + text + plain[10:]


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        pytest.param(gzip.compress(b"x" * 101), "gzip", 413, id="over the limit"),
        pytest.param(gzip.compress(bytes(10_000_000)), "gzip", 413, id="far over the limit"),
        pytest.param(gzip.compress(b"x"), "x-gzip", None, id="a name that is not documented"),
        pytest.param(gzip_with(0x04, b"\x04\0&To="), "gzip", None, id="an extra field in the header"),
        pytest.param(gzip_with(0x08, b"&To=%2B49\0"), "gzip", None, id="a file name in the header"),
        pytest.param(gzip_with(0x10, b"&To=%2B49&\0"), "gzip", None, id="a comment in the header"),
        pytest.param(gzip.compress(b"x")[:-1], "gzip", None, id="cut short"),
        pytest.param(gzip.compress(b"x") + b"y", "gzip", None, id="something behind the end"),
        pytest.param(gzip.compress(b"x") * 2, "gzip", None, id="two members"),
        pytest.param(b"plain", "gzip", None, id="not compressed"),
        pytest.param(b"", "gzip", None, id="empty"),
        pytest.param(zlib.compress(b"x"), "deflate", None, id="deflate"),
        pytest.param(b"x", "br", None, id="br"),
        pytest.param(gzip.compress(gzip.compress(b"x")), "gzip, gzip", None, id="twice"),
        pytest.param(
            gzip.compress(b"x" * 90)[:-4] + b"\1\0\0\0", "gzip", None, id="an end that tells less than there is"
        ),
        pytest.param(gzip.compress(b"x")[:-4] + b"\x50\0\0\0", "gzip", None, id="an end that tells more than there is"),
    ],
)
def test_what_cannot_be_inflated(body: bytes, encoding: str, status: int | None) -> None:
    """Anything but one whole gzip member within the limit is unreadable."""
    with pytest.raises(NotSent) as raised:
        bodies.inflated(body, [encoding], 100, ALLOWED)
    assert (raised.value.reason, raised.value.status) == (Reason.UNREADABLE, status)


@pytest.mark.parametrize(
    ("declared", "allowed"),
    [
        pytest.param(["gzip", "gzip"], ALLOWED, id="declared twice"),
        pytest.param(["identity", "gzip"], ALLOWED, id="declared in two ways"),
        pytest.param(["deflate"], frozenset({"deflate"}), id="documented, and not known here"),
    ],
)
def test_what_another_may_undo_otherwise(declared: list[str], allowed: frozenset[str]) -> None:
    """One coding that both sides know is undone, and nothing else."""
    with pytest.raises(NotSent) as raised:
        bodies.inflated(gzip.compress(b"x"), declared, 100, allowed)
    assert raised.value.reason is Reason.UNREADABLE


# ── too slow ──


@pytest.mark.parametrize("came", [b"", b"{", b"x" * 5000])
@pytest.mark.parametrize("framing", [("Content-Length", "9999"), CHUNKED])
async def test_a_body_that_stops(
    gate: RunningGate, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, framing: tuple[str, str], came: bytes
) -> None:
    """A body that does not come in time is refused by a status that no SDK repeats, and recorded."""
    monkeypatch.setattr(bodies, "PATIENCE", 0.05)
    if framing is CHUNKED and came:
        came = b"%x\r\n%b\r\n" % (len(came), came)
    async with gate.connect() as line:
        await line.say(request("POST", f"/mail{MAIL}", [JSON, framing]) + came)
        answer = await line.answer()
        assert (answer.status, upstream.heard, await gate.reasons()) == (400, [], ["unreadable"])
        assert answer.json["errors"][0]["message"].endswith("the body did not come in time")


async def test_a_long_body_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The more of a body is there, the longer the rest of it may take; without any of it, it may not."""
    monkeypatch.setattr(bodies, "PATIENCE", 0)
    monkeypatch.setattr(bodies, "SLOWEST", 1)
    content = StreamReader(Mock(BaseProtocol), 1 << 16, loop=asyncio.get_running_loop())
    slow = make_mocked_request("POST", "/", {"Transfer-Encoding": "chunked"}, payload=content)
    with pytest.raises(NotSent):
        await bodies.read(slow, 10_000, Held())
    content.feed_data(b"x" * 5000)
    reading = asyncio.create_task(bodies.read(slow, 10_000, Held()))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not reading.done()
    content.feed_data(b"y")
    content.feed_eof()
    assert await reading == b"x" * 5000 + b"y"


# ── too many at once ──


async def test_no_more_bodies_than_there_is_room_for(open_gate: OpenGate) -> None:
    """While others hold what may be held, a body that is still to come is 503; what is there already is judged."""
    gate = await open_gate(limits={"bodies": 6000})
    long = mail_body(A, custom_args={"x": "y" * 5000})
    head = request("POST", f"/mail{MAIL}", [JSON, ("Content-Length", str(len(long)))])
    async with gate.connect() as first, gate.connect() as second:
        await first.say(head + long[:5000])
        await until(lambda: gate.app.room.taken == 5000)
        await second.say(head + long[:2000])
        answer = await second.answer()
        assert (answer.status, answer.get("X-Sendgate-Reasons"), answer.get("Retry-After")) == (503, "gate_busy", "5")
        assert (await gate.mail(A)).status == 202
        await first.say(long[5000:])
        assert (await first.answer()).status == 202
    assert ((await gate.reasons()), gate.app.room.taken) == (["gate_busy"], 0)


async def test_one_body_alone_is_held_whatever_its_size(open_gate: OpenGate, upstream: Upstream) -> None:
    """The limit keeps no single send out, not even one that is inflated; nothing is held once it is answered."""
    gate = await open_gate(limits={"bodies": 1})
    long = mail_body(A, custom_args={"x": "y" * 200_000})
    assert (await gate.post(f"/mail{MAIL}", long, JSON)).status == 202
    assert (await gate.post(f"/mail{MAIL}", gzip.compress(long), JSON, ("Content-Encoding", "gzip"))).status == 202
    assert (await gate.post(f"/mail{MAIL}", b"{" + long, JSON)).status == 400
    assert (gate.app.room.taken, len(upstream.heard)) == (0, 2)


async def test_a_body_is_weighed_by_what_reading_it_takes(open_gate: OpenGate, upstream: Upstream) -> None:
    """A body of many tiny values takes more room than it has bytes: beside one, there is none for another."""
    gate = await open_gate(limits={"bodies": "1MiB"})
    tiny = mail_body(A, custom_args={"x": [0] * 20_000})
    released = asyncio.Event()
    upstream.script.append(waits_for(released))
    async with gate.connect() as first:
        await first.say(request("POST", f"/mail{MAIL}", [JSON, ("Content-Length", str(len(tiny)))]) + tiny)
        await until(lambda: gate.app.room.taken > 1 << 20)
        answer = await gate.post(f"/mail{MAIL}", tiny, JSON)
        assert (answer.status, answer.get("X-Sendgate-Reasons")) == (503, "gate_busy")
        released.set()
        assert (await first.answer()).status == 202
    assert (await gate.post(f"/mail{MAIL}", tiny, JSON)).status == 202
    assert gate.app.room.taken == 0


async def test_what_there_is_no_room_for_passes_by_no_switch(open_gate: OpenGate, upstream: Upstream) -> None:
    """A busy gate has not found a send unreadable, so nobody gets it unread."""
    gate = await open_gate(limits={"bodies": 1000}, policy={"on_unreadable": "pass"})
    long = gzip.compress(mail_body(A, custom_args={"x": "y" * 5000}))
    async with gate.connect() as other:
        await other.say(request("POST", f"/mail{MAIL}", [JSON, ("Content-Length", "1000")]) + b"{")
        await until(lambda: gate.app.room.taken == 1)
        answer = await gate.post(f"/mail{MAIL}", long, JSON, GZIP)
        assert (answer.status, answer.get("X-Sendgate-Reasons"), upstream.heard) == (503, "gate_busy", [])


# ── too large ──


async def test_a_length_over_max_body(open_gate: OpenGate, upstream: Upstream) -> None:
    """A body that says it is too large is refused before it comes."""
    gate = await open_gate(routes={"mail": {"max_body": 200}})
    head = request("POST", f"/mail{MAIL}", [JSON, ("Content-Length", "201")])
    answer = await gate.ask(head)
    assert (answer.status, upstream.heard, await gate.reasons()) == (413, [], ["unreadable"])
    assert answer.json["errors"][0]["message"].startswith("sendgate: ")


@pytest.mark.parametrize(("size", "status"), [(2000, 202), (2001, 413)], ids=["at max_body", "one more"])
async def test_chunks_over_max_body(open_gate: OpenGate, upstream: Upstream, size: int, status: int) -> None:
    """A body that does not say its length is read up to max_body and not a byte further."""
    gate = await open_gate(routes={"mail": {"max_body": 2000}})
    body = mail(subject="")
    body = mail(subject="x" * (size - len(body)))
    raw = b"".join(b"%x\r\n%b\r\n" % (len(body[i : i + 100]), body[i : i + 100]) for i in range(0, size, 100))
    answer = await gate.ask(request("POST", f"/mail{MAIL}", [JSON, CHUNKED]) + raw + b"0\r\n\r\n")
    assert (answer.status, len(upstream.heard)) == (status, int(status == 202))


async def test_a_gzip_bomb(open_gate: OpenGate, upstream: Upstream) -> None:
    """A small body that inflates without end costs no more than a large one and is refused."""
    gate = await open_gate(routes={"mail": {"max_body": "64KiB"}})
    bomb = gzip.compress(bytes(50 << 20))
    assert len(bomb) < 64 << 10
    answer = await gate.post(f"/mail{MAIL}", bomb, JSON, GZIP)
    assert (answer.status, upstream.heard, await gate.reasons()) == (413, [], ["unreadable"])


# ── what nobody can read ──

UNREADABLE = [
    pytest.param(b"", "unreadable", id="empty"),
    pytest.param(b"{", "unreadable", id="cut short"),
    pytest.param(b"hello", "unreadable", id="no JSON"),
    pytest.param(b"null", "unreadable", id="null"),
    pytest.param(b"[]", "unreadable", id="an array"),
    pytest.param(mail() + b"{}", "unreadable", id="two documents"),
    pytest.param(b"\xef\xbb\xbf" + mail(), "unreadable", id="BOM"),
    pytest.param(mail().replace(b"Hi", b"\xff"), "unreadable", id="not UTF-8"),
    pytest.param(mail().decode().encode("utf-16"), "unreadable", id="UTF-16"),
    pytest.param(mail().replace(b'"Hi"', b"NaN"), "unreadable", id="NaN"),
    pytest.param(mail().replace(b"Hi", b"\\ud800"), "unreadable", id="a lone surrogate"),
    pytest.param(mail().replace(b'"subject"', b'"from"'), "unreadable", id="a key twice"),
    pytest.param(mail(Personalizations=[]), "unreadable", id="a key in two cases"),
    pytest.param(mail().replace(b'"to"', b'"To"'), "unreadable", id="To for to"),
    pytest.param(mail(x=json.loads("[" * 200 + "]" * 200)), "unreadable", id="200 levels"),
    pytest.param(DEEP, "unreadable", id="100 000 levels"),
    pytest.param(mail().replace(b'"Hi"', DEEP), "unreadable", id="100 000 levels inside"),
    pytest.param(mail(personalizations={}), "unreadable", id="an object for a list"),
    pytest.param(mail(personalizations=[[]]), "unreadable", id="a list for an object"),
    pytest.param(mail(personalizations=[{"to": A}]), "unreadable", id="a text for a list"),
    pytest.param(mail(personalizations=[{"to": [A]}]), "unreadable", id="a text for an address"),
    pytest.param(mail(personalizations=[{"to": [{"email": 5}]}]), "unreadable", id="a number for a text"),
    pytest.param(mail(personalizations=[{"to": [{"name": "A"}]}]), "unreadable", id="no address"),
    pytest.param(mail(personalizations=[{**PERSON, "send_at": "now"}]), "unreadable", id="a time that is none"),
    pytest.param(mail(headers={"X-SMTPAPI": '{"to":["b@x.de"]}'}), "unreadable", id="recipients in a header"),
    pytest.param(mail(personalizations=[]), "no_recipient", id="nobody"),
    pytest.param(mail(personalizations=[{"to": []}]), "no_recipient", id="an empty list"),
    pytest.param(b'{"subject": "Hi"}', "no_recipient", id="no list"),
]


@pytest.mark.parametrize(("body", "reason"), UNREADABLE)
async def test_unreadable_mail(gate: RunningGate, upstream: Upstream, body: bytes, reason: str) -> None:
    """The refusal has SendGrid's shape and quotes nothing, one record is written, and nothing is forwarded."""
    answer = await gate.post(f"/mail{MAIL}", body, JSON)
    assert (answer.status, answer.get("X-Sendgate-Reasons"), upstream.heard) == (400, reason, [])
    assert answer.json["errors"][0]["message"].startswith("sendgate: ")
    assert A.encode() not in answer.body
    assert await gate.reasons() == [reason]


@pytest.mark.parametrize(
    "declared",
    ["text/plain", "application/json; charset=utf-16", "application/json; charset=latin-1", "multipart/mixed", "\xff"],
)
async def test_a_type_that_does_not_fit(gate: RunningGate, upstream: Upstream, declared: str) -> None:
    """JSON that is declared to be something else is not read as JSON."""
    assert (await gate.post(f"/mail{MAIL}", mail(), ("Content-Type", declared))).status == 400
    assert (upstream.heard, await gate.reasons()) == ([], ["unreadable"])


@pytest.mark.parametrize("declared", ["application/json", "Application/JSON", "application/json; charset=UTF-8", None])
async def test_a_type_that_fits(gate: RunningGate, upstream: Upstream, declared: str | None) -> None:
    """JSON in UTF-8 is read however it is declared, and where nothing is declared; the declaration goes on."""
    headers = [("Content-Type", declared)] if declared else []
    assert (await gate.post(f"/mail{MAIL}", mail(), *headers)).status == 202
    assert upstream.heard[0].get("Content-Type") == declared


TEXTS = [
    pytest.param(b"To=%2B4915112345678&To=%2B4915112345679&Body=x", "unreadable", id="To twice"),
    pytest.param(b"To=%2B4915112345678&To%5B%5D=%2B4915112345679", "unreadable", id="To and To[]"),
    pytest.param(b"To%5B0%5D=%2B4915112345678", "unreadable", id="To[0]"),
    pytest.param(b"to=%2B4915112345678", "unreadable", id="to"),
    pytest.param(b"To=%2B4915112345678&to=%2B4915112345679", "unreadable", id="To and to"),
    pytest.param(b"To=%2B4915112345678&Body=%ff", "unreadable", id="not UTF-8"),
    pytest.param(b"To=%2B4915112345678&Body=%zz", "unreadable", id="a wrong escape"),
    pytest.param(b"To=%2B4915112345678%00", "unreadable", id="NUL"),
    pytest.param(b"To=%2B4915112345678&", "unreadable", id="an empty field"),
    pytest.param(b"To", "unreadable", id="no value"),
    pytest.param(b"", "no_recipient", id="empty"),
    pytest.param(b"Body=x", "no_recipient", id="nobody"),
    pytest.param(b"To=&Body=x", "no_recipient", id="an empty number"),
    pytest.param(b"To=+%20&Body=x", "no_recipient", id="blanks"),
    pytest.param(b"To=nobody&Body=x", "invalid_address", id="no number"),
    pytest.param(b"To=%2B4915112345678%2C%2B4915112345679", "invalid_address", id="two numbers in one field"),
    pytest.param(b"To=%5B%27%2B4915112345678%27%5D", "invalid_address", id="a list in one field"),
    pytest.param(b"To=messenger%3A123456789", "invalid_address", id="an address without a number"),
]


@pytest.mark.parametrize(("body", "reason"), TEXTS)
async def test_unreadable_texts(gate: RunningGate, upstream: Upstream, body: bytes, reason: str) -> None:
    """The refusal has Twilio's shape, one record is written, and nothing is forwarded."""
    answer = await gate.post(f"/text{TEXT}", body, FORM)
    assert (answer.status, answer.get("X-Sendgate-Reasons"), upstream.heard) == (400, reason, [])
    assert (answer.json["status"], answer.json["code"] in (20422, 21211, 21604)) == (400, True)
    assert await gate.reasons() == [reason]


async def test_a_compressed_text(gate: RunningGate, upstream: Upstream) -> None:
    """Twilio documents no compression, so a compressed form is refused: Twilio might read its bytes as they are."""
    body = gzip.compress(b"To=%2B4915112345678&Body=x")
    assert (await gate.post(f"/text{TEXT}", body, FORM, GZIP)).status == 400
    assert (upstream.heard, await gate.reasons()) == ([], ["unreadable"])


async def test_two_encodings(gate: RunningGate, upstream: Upstream) -> None:
    """Of two Content-Encoding headers nobody knows which one counts."""
    both = [("Content-Encoding", "identity"), GZIP]
    assert (await gate.post(f"/mail{MAIL}", mail(), JSON, *both)).status == 400
    assert (upstream.heard, await gate.reasons()) == ([], ["unreadable"])


async def test_a_recipient_in_the_query(gate: RunningGate, upstream: Upstream) -> None:
    """A field that decides who gets the message is not looked for in the query, and may not stand there."""
    assert (await gate.post(f"/text{TEXT}?To=%2B4915112345679", b"To=%2B4915112345678", FORM)).status == 400
    assert upstream.heard == []


@pytest.mark.parametrize(("size", "aside"), [(0, False), (bodies.LARGE, False), (bodies.LARGE + 1, True)])
async def test_what_goes_over_a_large_body_holds_nobody_up(size: int, aside: bool) -> None:  # noqa: FBT001  a column of the table
    """Work over a body that is large is done in a thread, with its result and its arguments; other work at once."""
    told = await bodies.over(b"x" * size, lambda *args, **named: (args, named, threading.get_ident()), 1, two=2)
    assert told[:2] == ((1,), {"two": 2})
    assert (told[2] != threading.get_ident()) is aside
