"""The providers' door: a signed webhook ends in the standing, anything else in a status that says who has to act."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policy import StoreUnavailable
from tests.conftest import Message, OpenGate, RunningGate, Upstream

KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
ADA = "ada@example.com"
PATH = "/webhooks/mail"

Open = Callable[..., Any]


def event(word: str, email: Any = ADA, **more: Any) -> dict[str, Any]:
    """Give one event of a minute ago."""
    at = int(time.time()) - 60
    return {"email": email, "event": word, "timestamp": at, "sg_event_id": f"{word} {email}", **more}


async def tell(gate: RunningGate, *events: Any, path: str = PATH, key: ec.EllipticCurvePrivateKey = KEY) -> Message:
    """Tell events as SendGrid does, signed with this key."""
    body, at = orjson.dumps(events), str(int(time.time()))
    signature = base64.b64encode(key.sign(at.encode() + body, ec.ECDSA(SHA256()))).decode()
    headers = [
        ("X-Twilio-Email-Event-Webhook-Signature", signature),
        ("X-Twilio-Email-Event-Webhook-Timestamp", at),
        ("Content-Type", "application/json"),
    ]
    return await gate.post(path, body, *headers, door="public")


@pytest.fixture
def hooked(open_gate: OpenGate) -> Open:
    """Open a gate that takes SendGrid's webhooks; what is given stands in the route's `webhook`."""

    async def start(unit: str = "", **webhook: Any) -> RunningGate:
        mail = {"webhook": {"key": PUBLIC, **webhook}, "business_unit": unit}
        return await open_gate(routes={"mail": mail})

    return start


async def test_an_unsubscribe_stops_marketing(hooked: Open, upstream: Upstream) -> None:
    """Once it is answered, an unsubscribe holds: marketing is refused, and the event is told as applied."""
    gate = await hooked()
    assert (await tell(gate, event("unsubscribe"))).status == 200
    answer = await gate.mail(ADA)
    assert (answer.status, answer.get("X-Sendgate-Reasons"), upstream.heard) == (400, "opted_out_channel", [])
    assert gate.metric("sendgate_webhooks_total", route="mail", result="learned") == 1
    assert gate.metric("sendgate_webhook_items_total", route="mail", effect="applied") == 1


@pytest.mark.parametrize(
    ("told", "effects", "ends"),
    [
        pytest.param([event("spamreport")], {}, "opted_out_channel", id="a complaint opts out"),
        pytest.param([event("bounce")], {}, None, id="a bounce is written down"),
        pytest.param([event("bounce")], {"hard_bounce": "block"}, "hard_bounced", id="a bounce blocks, if told to"),
        pytest.param([event("unsubscribe")], {"unsubscribe": "opt_out_all"}, "opted_out", id="out of all"),
        pytest.param([event("unsubscribe")], {"unsubscribe": "block"}, "blacklisted", id="an unsubscribe blocks"),
        pytest.param([event("unsubscribe")], {"unsubscribe": "record"}, None, id="written down"),
        pytest.param([event("unsubscribe")], {"unsubscribe": "ignore"}, None, id="let go"),
        pytest.param([event("delivered"), event("open")], {}, None, id="what matters to nobody"),
        pytest.param(
            [
                event("group_unsubscribe", timestamp=1_700_000_000, asm_group_id=2),
                event("group_resubscribe", asm_group_id=2),
            ],
            {},
            None,
            id="back again",
        ),
        pytest.param(
            [event("unsubscribe", timestamp=1_700_000_000), event("group_resubscribe", asm_group_id=2)],
            {},
            "opted_out_channel",
            id="back in a group, out of everything",
        ),
        pytest.param(
            [event("unsubscribe", timestamp=1_700_000_000), event("group_resubscribe")],
            {},
            "opted_out_channel",
            id="back in a group that has no name",
        ),
        pytest.param(
            [
                event("group_unsubscribe", timestamp=1_700_000_000, asm_group_id=1),
                event("group_resubscribe", asm_group_id=2),
            ],
            {},
            "opted_out_channel",
            id="back in one group, out of another",
        ),
        pytest.param(
            [event("unsubscribe"), event("group_resubscribe", timestamp=None)],
            {},
            "opted_out_channel",
            id="a release that says no time",
        ),
        pytest.param(
            [event("unsubscribe"), event("group_resubscribe", timestamp=1_700_000_000)],
            {},
            "opted_out_channel",
            id="a release from before",
        ),
        pytest.param(
            [event("spamreport"), event("group_resubscribe")], {}, "opted_out_channel", id="a complaint stays"
        ),
    ],
)
async def test_what_a_word_does_is_configured(
    hooked: Open, told: list[dict[str, Any]], effects: dict[str, str], ends: str | None
) -> None:
    """Each word does to the standing what the configuration says, and by itself what is safe."""
    gate = await hooked(effects=effects)
    assert (await tell(gate, *told)).status == 200
    assert (await gate.mail(ADA)).get("X-Sendgate-Reasons") == ends


async def test_told_again_is_told_once(hooked: Open) -> None:
    """What the provider repeats is answered and changes nothing."""
    gate = await hooked()
    told = event("unsubscribe")
    for _ in range(3):
        assert (await tell(gate, told)).status == 200
    assert gate.metric("sendgate_webhook_items_total", route="mail", effect="applied") == 1
    assert gate.metric("sendgate_webhook_items_total", route="mail", effect="repeated") == 2


async def test_an_id_that_a_sender_chose_hides_nobody(hooked: Open) -> None:
    """A custom argument named like SendGrid's own id stands in each event of a send, and each event counts."""
    gate = await hooked()
    for email in ("bob@example.com", ADA):
        assert (await tell(gate, event("unsubscribe", email, sg_event_id="chosen"))).status == 200
    assert (await gate.mail(ADA)).get("X-Sendgate-Reasons") == "opted_out_channel"


async def test_one_bad_item_fails_nobody(hooked: Open) -> None:
    """An item that is none, and one whose address is none, are journalled raw; the others are learned."""
    gate = await hooked()
    answer = await tell(gate, 7, event("unsubscribe", "no address"), event("unsubscribe"))
    assert answer.status == 200
    assert (await gate.mail(ADA)).status == 400
    assert gate.metric("sendgate_webhook_items_total", route="mail", effect="unusable") == 2
    assert gate.app.policy.sequence == 3


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(b'{"event":"open","email":"b@example.com","useragent":"\\ud83d"}', id="half a character"),
        pytest.param(b'{"event":"open","email":"b@example.com","useragent":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"event":"open","email":"b@example.com","response":NaN}', id="no number"),
        pytest.param(b'{"a":' * 900 + b"1" + b"}" * 900, id="no event, and deep"),
        pytest.param(
            b'{"event":"spamreport","email":"b@example.com","a":' + b"[" * 300 + b"]" * 300 + b"}",
            id="an event, and deep",
        ),
        pytest.param(
            b'{"event":"spamreport","email":"b@example.com","a":' + b"[" * 1000 + b"]" * 1000 + b"}", id="a deep one"
        ),
    ],
)
async def test_what_others_wrote_into_an_item_fails_nobody(hooked: Open, poison: bytes) -> None:
    """Texts and trees of senders and mail programs stand in the items; however odd, the others are learned."""
    gate = await hooked()
    body, at = b"[" + orjson.dumps(event("unsubscribe")) + b"," + poison + b"]", str(int(time.time()))
    signature = base64.b64encode(KEY.sign(at.encode() + body, ec.ECDSA(SHA256()))).decode()
    pairs = [("X-Twilio-Email-Event-Webhook-Signature", signature), ("X-Twilio-Email-Event-Webhook-Timestamp", at)]
    assert (await gate.post(PATH, body, *pairs, door="public")).status == 200
    assert (await gate.mail(ADA)).get("X-Sendgate-Reasons") == "opted_out_channel"


async def test_a_unit_narrows(hooked: Open) -> None:
    """A route of a business unit hears for that unit."""
    gate = await hooked(unit="DE")
    await gate.user("1", email=ADA, businessUnit="DE")
    await tell(gate, event("unsubscribe"))
    assert (await gate.mail(ADA)).get("X-Sendgate-Reasons") == "opted_out_channel"


async def test_what_is_not_the_providers_is_refused(hooked: Open) -> None:
    """A wrong signature is answered 401, learned from by nobody, and counted."""
    gate = await hooked()
    answer = await tell(gate, event("unsubscribe"), key=ec.generate_private_key(ec.SECP256R1()))
    assert answer.status == 401
    assert b"signature" in answer.body
    assert (await gate.mail(ADA)).status == 202
    assert gate.metric("sendgate_webhooks_total", route="mail", result="forged") == 1


@pytest.mark.parametrize("path", ["/webhooks/nobody", "/webhooks/text", "/webhooks/", "/mail/v3/mail/send"])
async def test_there_is_nothing_else_at_the_door(hooked: Open, path: str) -> None:
    """Routes without webhooks, unknown ones and the senders' paths are not to be had there."""
    gate = await hooked()
    assert (await tell(gate, event("unsubscribe"), path=path)).status == 404


async def test_what_is_no_webhook_is_told(hooked: Open) -> None:
    """A signed body of no known form is the provider's to mend."""
    gate = await hooked()
    body, at = b"not JSON", str(int(time.time()))
    signature = base64.b64encode(KEY.sign(at.encode() + body, ec.ECDSA(SHA256()))).decode()
    pairs = [("X-Twilio-Email-Event-Webhook-Signature", signature), ("X-Twilio-Email-Event-Webhook-Timestamp", at)]
    assert (await gate.post(PATH, body, *pairs, door="public")).status == 400


async def test_a_stop_by_text_ends_texts(open_gate: OpenGate) -> None:
    """A provider that sends mail and texts says which of the two somebody wants no more of."""
    text = {"provider": "brevo", "upstream": "sandbox", "region": "DE", "webhook": {"key": "hook-key"}}
    gate = await open_gate(routes={"bv": text})
    stop = {"to": "33689965433", "msg_status": "replied", "reply": "STOP", "ts_event": int(time.time()) - 60}
    shown = [("Authorization", "Bearer hook-key"), ("Content-Type", "application/json")]
    assert (await gate.post("/webhooks/bv", orjson.dumps(stop), *shown, door="public")).status == 200
    sms = {"sender": "Shop", "recipient": "33689965433", "content": "Sale", "type": "marketing"}
    answer = await gate.post("/bv/v3/transactionalSMS/send", orjson.dumps(sms), ("Content-Type", "application/json"))
    assert (answer.status, answer.get("X-Sendgate-Reasons")) == (400, "opted_out_channel")
    (record,) = await gate.records()
    assert (record["channel"], record["origin"]) == ("SMS", "provider:brevo")


async def test_a_conflict_is_told_everywhere(hooked: Open, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the provider goes on suppressing somebody released here: metric, log, timeline, standing and the list."""
    gate = await hooked()
    await gate.user("1", email=ADA)
    await tell(gate, event("unsubscribe"))
    await gate.tell("Opt In", "MAIL", id="1")
    assert gate.metric("sendgate_conflicts_total", route="mail", kind="released_here") == 1
    said = capsys.readouterr().out
    assert "provider_conflict" in said
    assert (ADA in said, "a***@example.com" in said) == (False, True)
    (line, *_) = (await gate.api("GET", "/users/1/events")).json["items"]
    assert (line["event"], line["properties"]["conflict"]) == ("Provider Conflict", "released_here")
    (holder,) = (await gate.api("GET", f"/standing?address={ADA}")).json["items"]
    assert [each["conflict"] for each in holder["conflicts"]] == ["released_here"]
    (found,) = (await gate.api("GET", "/conflicts")).json["items"]
    assert (found["conflict"], found["provider"], found["route"]) == ("released_here", "sendgrid", "mail")
    assert (found["user"], found["address"], found["channel"]) == ("1", ADA, "MAIL")


async def test_a_drop_does_not_undo_what_was_released_here(hooked: Open) -> None:
    """What the provider drops because of an old no is a conflict, and no new no."""
    gate = await hooked()
    await gate.user("1", email=ADA)
    await tell(gate, event("unsubscribe"))
    await gate.tell("Opt In", "MAIL", id="1")
    await tell(gate, event("dropped", reason="Unsubscribed Address"))
    assert (await gate.mail(ADA)).status == 202
    assert gate.metric("sendgate_conflicts_total", route="mail", kind="dropped") == 1


async def test_a_drop_tells_what_nobody_knew(hooked: Open) -> None:
    """A stranger whom the provider's own list has as unsubscribed is opted out from then on."""
    gate = await hooked()
    await tell(gate, event("dropped", reason="Unsubscribed Address"))
    answer = await gate.mail(ADA)
    assert (answer.status, answer.get("X-Sendgate-Reasons")) == (400, "opted_out_channel")


async def test_what_is_ignored_is_a_conflict_where_the_gate_goes_on(hooked: Open) -> None:
    """An ignored unsubscribe is counted as ignored, and is a conflict all the same for who is known here."""
    gate = await hooked(effects={"unsubscribe": "ignore"})
    await gate.user("1", email=ADA)
    await tell(gate, event("unsubscribe"), event("unsubscribe", email="stranger@example.com"))
    assert gate.metric("sendgate_webhook_items_total", route="mail", effect="ignored") == 2
    assert gate.metric("sendgate_conflicts_total", route="mail", kind="not_taken_over") == 1
    assert (await gate.mail(ADA)).status == 202
    assert (await gate.api("GET", "/standing?address=stranger@example.com")).json["items"] == []


async def test_what_cannot_be_stored_is_to_be_told_again(hooked: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the store nothing is acknowledged: 503, and the provider's repeat is learned."""
    gate = await hooked()

    async def unavailable(*_: object) -> Any:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr(gate.app.policy, "learn_each", unavailable)
        answer = await tell(gate, event("unsubscribe"))
    assert (answer.status, answer.get("Retry-After")) == (503, "5")
    assert (await tell(gate, event("unsubscribe"))).status == 200
    assert (await gate.mail(ADA)).status == 400
