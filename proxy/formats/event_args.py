"""Custom arguments of SendGrid, which stand beside SendGrid's own keys in the flat events of its webhook.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event. Nothing says which one is told where both
have the same name. An argument with the name of a key that says who did what, and when, would speak for SendGrid: no
send may have one. `type` and `reason` are what senders call arguments of their own, so of these only the values are
refused by which an event would be read as something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from proxy.formats.objects import join
from proxy.providers.base import Unreadable

KEYS: Final = ("sg_event_id", "email", "event", "timestamp", "sg_message_id", "asm_group_id")  # in the order of ids
BLOCKED: Final = "blocked"  # the type of a bounce that is a server's refusal of the message, not the end of a mailbox

# Why nothing was sent: because of a list of SendGrid's, or for the message's sake.
UNSUBSCRIBED: Final = "unsubscribed address"
REPORTED: Final = "spam reporting address"
BOUNCED: Final = "bounced address"
ABOUT_THE_MESSAGE: Final = frozenset(
    {"invalid smtpapi header", "spam content", "spam content (if spam checker app is enabled)"}
    | {"recipient list over package quota"}
)

_KEYS = frozenset(KEYS)
_VALUES: Mapping[str, frozenset[str]] = MappingProxyType(
    {"type": frozenset({BLOCKED}), "reason": frozenset({UNSUBSCRIBED, REPORTED, BOUNCED}) | ABOUT_THE_MESSAGE}
)


def plain(value: str) -> str:
    """Give a value of `type` or `reason` as it is compared."""
    return value.strip().lower()


def refuse_shadows(owner: Mapping[str, Any], place: str) -> None:
    """Refuse a custom argument that would take the place of SendGrid's own word in an event; raises Unreadable."""
    args = owner.get("custom_args")
    if not isinstance(args, dict):
        return
    if not _KEYS.isdisjoint(args):
        raise Unreadable("a custom argument has the name of a key of the event webhook", join(place, "custom_args"))
    for name, values in _VALUES.items():
        if name in args and plain(str(args[name])) in values:
            says = f"a custom argument called {name} has a value of the event webhook"
            raise Unreadable(says, join(place, "custom_args"))
