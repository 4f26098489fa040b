"""What of Mandrill's API dispatches nothing, by section and call: https://mailchimp.com/developer/transactional/api/.

Not here, on purpose: SMS, exports and the check of a domain, which send a mail to whom the call names, and
inbound/send-raw, which hands a message to the account's own webhook; webhooks, whose answers hold the keys that sign
them; and whatever lifts a rejection.
"""

from __future__ import annotations

from types import MappingProxyType

_HARMLESS = MappingProxyType(
    {
        "allowlists": "list delete",
        "exports": "info list",
        "inbound": "domains add-domain check-domain delete-domain routes add-route update-route delete-route",
        "ips": "list info provision start-warmup cancel-warmup set-pool delete list-pools pool-info create-pool "
        "delete-pool check-custom-dns set-custom-dns",
        "mctemplates": "list info render time-series",
        "messages": "search search-time-series info content parse list-scheduled cancel-scheduled",
        "metadata": "list add update delete",
        "rejects": "add list add-sms list-sms",
        "senders": "list domains add-domain check-domain delete-domain info time-series",
        "subaccounts": "list add info update delete pause",
        "tags": "list delete info time-series all-time-series",
        "templates": "add info update publish delete list time-series render",
        "urls": "list search time-series tracking-domains add-tracking-domain check-tracking-domain "
        "delete-tracking-domain",
        "users": "info ping ping2 senders",
        "whitelists": "list delete",
    }
)


def is_harmless(call: str) -> bool:
    """Tell whether a call, such as `templates/list`, reads or manages what is nobody's opt-out and no credential."""
    section, _, name = call.partition("/")
    return name in _HARMLESS.get(section, "").split()
