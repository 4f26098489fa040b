"""What SendGrid's calls do besides sending: https://www.twilio.com/docs/sendgrid/api-reference.

Whatever stands in none of these tables is unknown.
"""

from __future__ import annotations

import re

from proxy.formats.guarded import guarded
from proxy.providers.base import READING, Kind

_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SENDING = _WRITING - {"DELETE"}

# What dispatches nothing, by method and path. POST and PATCH of a scheduled send can only pause or cancel it; a DELETE
# in marketing cancels, or takes away.
_HARMLESS: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = (
    (frozenset({"POST"}), re.compile(r"/v3/mail/batch")),
    (frozenset({"POST"}), re.compile(r"/v3/user/scheduled_sends")),
    (frozenset({"PATCH"}), re.compile(r"/v3/user/scheduled_sends/[^/]+")),
    (_SENDING, re.compile(r"/v3/asm/(?:groups|suppressions)(?:/.+)?")),
    (_WRITING, re.compile(r"/v3/templates(?:/.+)?")),
    (frozenset({"POST"}), re.compile(r"/v3/marketing/contacts/(?:search(?:/emails)?|batch)")),
    (frozenset({"DELETE"}), re.compile(r"/v3/(?:campaigns|marketing/(?:singlesends|contacts))(?:/.+)?")),
)

# What dispatches to people whom the request does not name, or a message that it does not hold: a batch that is resumed,
# marketing (a new contact starts automations), mails about the account, and the API before v3, which also sent by GET.
_HIDDEN: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = (
    (frozenset({"DELETE"}), re.compile(r"/v3/user/scheduled_sends/[^/]+")),
    (_SENDING, re.compile(r"/v3/(?:campaigns|marketing/(?:singlesends|test|contacts|automations))(?:/.+)?")),
    (_SENDING, re.compile(r"/v3/(?:verified_senders|teammates)(?:/.+)?")),
    (_WRITING | READING, re.compile(r"/api/.+")),
)

_GUARDED = guarded(
    "* /v3/user/webhooks/**",
    "* /v3/user/settings/**",
    *(f"* /v3/{each}/**" for each in ("access_settings", "api_keys", "partner_settings", "sso", "subusers")),
    *("READ /v3/teammates/**", "DELETE /v3/teammates/**", "WRITE /v3/scopes/**"),
    "WRITE /v3/mail_settings/**",  # among them the addresses that are mailed although they are suppressed
    "DELETE /v3/asm/**",
    "WRITE /v3/suppression/**",
)


def sort(method: str, path: str) -> Kind:
    """Tell what a call does that is no send, by the path as `strict.plain_path` gives it."""
    if _GUARDED(method, path):
        return Kind.UNKNOWN
    if method in READING and path.startswith("/v3/"):
        return Kind.HARMLESS
    for kind, rows in ((Kind.HARMLESS, _HARMLESS), (Kind.HIDDEN, _HIDDEN)):
        if any(method in methods and pattern.fullmatch(path) for methods, pattern in rows):
            return kind
    return Kind.UNKNOWN
