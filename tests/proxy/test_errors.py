"""What ends a send without a message, and the status and words that follow from it."""

from __future__ import annotations

import pytest

from policy.model import Channel, Recipient, Refused, Sent
from policy.reasons import MEANINGS, Reason
from proxy import errors
from proxy.errors import NotSent

RETRIED_BY_SDKS = {408, 409, 425, 429}
OWN_STATUS = {
    Reason.SENDER_REFUSED: 403,
    Reason.SIGNATURE_REFUSED: 403,
    Reason.STORE_UNAVAILABLE: 503,
    Reason.STOPPING: 503,
    Reason.GATE_BUSY: 503,
    Reason.UPSTREAM_BUSY: 503,
    Reason.UPSTREAM_UNREACHABLE: 502,
    Reason.UPSTREAM_TIMEOUT: 504,
}


@pytest.mark.parametrize("reason", Reason)
def test_the_reason_decides_the_status(reason: Reason) -> None:
    """The gate's own trouble has a status of its own; for all else the provider's file chooses."""
    assert NotSent(reason).refusal().status == OWN_STATUS.get(reason)


@pytest.mark.parametrize("reason", Reason)
def test_only_passing_trouble_asks_for_a_repeat(reason: Reason) -> None:
    """A policy refusal never has a status that an SDK repeats; 503, where nothing went out, is the one that may."""
    status = NotSent(reason).refusal().status
    assert status not in RETRIED_BY_SDKS
    assert errors.passing(status or 400) == (OWN_STATUS.get(reason) == 503)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    """What a refusal says begins with who says it, then what the reason means, then the detail."""
    assert NotSent(reason).refusal().message == f"sendgate: {MEANINGS[reason]}"
    assert NotSent(reason, "more").refusal().message == f"sendgate: {MEANINGS[reason]}: more"


def test_a_status_of_its_own() -> None:
    """An ending may insist on a status and name places; nothing was sent unless it says so."""
    ending = NotSent(Reason.UNREADABLE, "too large", status=413, places=("to.0",))
    refusal = ending.refusal()
    assert (refusal.status, refusal.places, ending.sent) == (413, ("to.0",), Sent.NO)
    assert NotSent(Reason.UPSTREAM_TIMEOUT, sent=Sent.UNKNOWN).sent is Sent.UNKNOWN


def test_a_refusal_for_recipients() -> None:
    """The first reason leads, all are told once, and every place is named."""
    reasons = {"b": Reason.OPTED_OUT, "a": Reason.BLACKLISTED, "c": Reason.OPTED_OUT}
    refusal = errors.refusal(
        tuple(Refused(Recipient(place, Channel.MAIL, "", ()), reason) for place, reason in reasons.items())
    )
    assert refusal.about("a") == "sendgate: no message is sent to this recipient (blacklisted)"
    assert (refusal.reason, refusal.status, refusal.places) == (Reason.OPTED_OUT, None, ("b", "a", "c"))
    assert refusal.message == "sendgate: no message is sent to this recipient (blacklisted, opted_out)"
