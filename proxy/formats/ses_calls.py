"""What of SES's API dispatches nothing: the calls of its API v2, by method and path, and the actions before it."""

from __future__ import annotations

import re

from proxy.formats.guarded import guarded

HEAD = "/v2/email/"

# Where events go, which reasons suppress, who else may send; a contact that is written or gone forgets its opt-outs;
# and an import may lift suppressions.
_GUARDED = guarded(
    *(f"WRITE {HEAD}{each}/**" for each in ("account", "configuration-sets", "tenant/suppression")),
    *(f"WRITE {HEAD}identities/*/{each}/**" for each in ("configuration-set", "feedback", "policies")),
    *(f"PUT {HEAD}contact-lists/**", f"DELETE {HEAD}contact-lists/**", f"DELETE {HEAD}suppression/**"),
    f"WRITE {HEAD}import-jobs",
)
_PUT = (
    "custom-verification-email-templates|dedicated-ip-pools|dedicated-ips|deliverability-dashboard|export-jobs"
    "|identities|reputation|suppression|templates"
)
# Not here, on purpose: identities, whose making mails a request to verify; and account details, on which AWS itself
# writes to people.
_POST = (
    "contact-lists(?:/[^/]+/contacts(?:/list)?)?|custom-verification-email-templates|dedicated-ip-pools"
    "|email-address-insights|export-jobs|identity/certificates(?:/delete|/list)?|import-jobs/list"
    "|list-(?:configuration-sets|identities|export-jobs)|metrics/batch|multi-region-endpoints|reputation/entities"
    "|resources/tenants/list|tags|templates(?:/[^/]+/render)?|tenants(?:/resources)?(?:/(?:delete|get|list))?"
    "|update-configuration-sets|vdm/recommendations"
)
_HARMLESS = re.compile(rf"(?:GET|HEAD|OPTIONS|DELETE) {HEAD}.+|PUT {HEAD}(?:{_PUT})(?:/.+)?|POST {HEAD}(?:{_POST})")

# Not here, on purpose: VerifyEmail… mail a request to verify, receipt rules may bounce what comes in; and what is
# guarded above.
_HARMLESS_ACTION = re.compile(
    r"Delete(?!ConfigurationSet|IdentityPolicy)[A-Za-z]+|(?:Describe|Get|List)[A-Za-z]+"
    r"|(?:Create|Update)(?:CustomVerification|Template)[A-Za-z]*|SetIdentity(?:DkimEnabled|MailFromDomain)"
    r"|TestRenderTemplate|UpdateAccountSendingEnabled|VerifyDomain(?:Dkim|Identity)"
)


def is_harmless(method: str, path: str) -> bool:
    """Tell whether a call of the API v2 reads, deletes or manages what is nobody's opt-out and no credential."""
    return _HARMLESS.fullmatch(f"{method} {path}") is not None and not _GUARDED(method, path)


def is_harmless_action(action: str) -> bool:
    """Tell the same of an action of the API before."""
    return _HARMLESS_ACTION.fullmatch(action) is not None
