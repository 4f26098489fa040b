"""Why something was not sent: one closed list, the same string in records, metrics, logs and headers.

The list stands apart from the rules because more than rules end in a reason: a body nobody can read, an upstream that
does not answer. A reason is there from the day something can end in it, and it never changes its meaning.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The documented reasons; the comment behind each is what the README's table says."""

    BLACKLISTED = "blacklisted"
    OPTED_OUT = "opted_out"
    OPTED_OUT_CHANNEL = "opted_out_channel"
    HARD_BOUNCED = "hard_bounced"
    BLACKLIST_ENTRY = "blacklist_entry"
    NOT_ALLOWLISTED = "not_allowlisted"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    INVALID_ADDRESS = "invalid_address"
    NO_RECIPIENT = "no_recipient"
    HIDDEN_RECIPIENTS = "hidden_recipients"
    BYPASS_REFUSED = "bypass_refused"
    SCHEDULED_TOO_FAR = "scheduled_too_far"
    UNREADABLE = "unreadable"
    UNKNOWN_REQUEST = "unknown_request"
    SENDER_REFUSED = "sender_refused"
    SIGNATURE_REFUSED = "signature_refused"
    STORE_UNAVAILABLE = "store_unavailable"
    STOPPING = "stopping"
    GATE_BUSY = "gate_busy"
    GATE_FAILED = "gate_failed"
    UPSTREAM_BUSY = "upstream_busy"
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_REFUSED = "upstream_refused"


MEANINGS: dict[Reason, str] = {
    Reason.BLACKLISTED: "a person with this address is blacklisted: nothing at all is sent",
    Reason.OPTED_OUT: "a person with this address opted out of all marketing",
    Reason.OPTED_OUT_CHANNEL: "a person with this address opted out of marketing on this channel",
    Reason.HARD_BOUNCED: "the mailbox is gone, and the route's webhook is configured to block that",
    Reason.BLACKLIST_ENTRY: "the address, or its domain, is on a blacklist, whoever has it: nothing at all is sent",
    Reason.NOT_ALLOWLISTED: "the address is not on the route's allow_only list",
    Reason.UNKNOWN_RECIPIENT: "nobody in the store has this address and the route refuses unknown recipients",
    Reason.INVALID_ADDRESS: "no key can be made of the address, so nobody can be looked up",
    Reason.NO_RECIPIENT: "the send names no recipient",
    Reason.HIDDEN_RECIPIENTS: "the request sends to people whom it does not name: nobody can look them up",
    Reason.BYPASS_REFUSED: "the send switches the provider's own suppression off, and the route refuses that",
    Reason.SCHEDULED_TOO_FAR: "marketing scheduled further ahead than max_schedule_ahead",
    Reason.UNREADABLE: "the body cannot be read, or two readers could read it differently",
    Reason.UNKNOWN_REQUEST: "the provider's file does not know this request",
    Reason.SENDER_REFUSED: "the sender is not known, or may not use this route",
    Reason.SIGNATURE_REFUSED: "the sender's signature does not fit the request, or is not of this time",
    Reason.STORE_UNAVAILABLE: "the store could not be read or written",
    Reason.STOPPING: "the gate is stopping",
    Reason.GATE_BUSY: "the gate holds as many bytes of bodies as limits.bodies allows",
    Reason.GATE_FAILED: "a fault in the gate itself",
    Reason.UPSTREAM_BUSY: "the gate's limit of open connections to the provider is reached",
    Reason.UPSTREAM_UNREACHABLE: "no connection to the provider; nothing was sent",
    Reason.UPSTREAM_TIMEOUT: "the provider did not answer in time, or broke off; whether it sent is unknown",
    Reason.UPSTREAM_REFUSED: "the provider answered the send with an error",
}
