"""Everything that ends a send without a message, and what is answered then: said once, for all providers.

Who can mend it decides the status. A policy refusal and a body nobody can read get the provider's own status for a
rejected message, which no SDK repeats. The gate's own passing trouble is a 503 with Retry-After: nothing went out, and
a repeat is judged anew. 502 and 504 tell a broken upstream: known not to have accepted, and unknown.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from policy.model import Refused, Sent
from policy.reasons import MEANINGS, Reason
from proxy.providers.base import Refusal

RETRY_AFTER: Final = 5  # seconds; long enough for a lock or a restart, short for a queue

_OWN_STATUS: Mapping[Reason, int] = {
    Reason.SENDER_REFUSED: 403,
    Reason.SIGNATURE_REFUSED: 403,
    Reason.STORE_UNAVAILABLE: 503,
    Reason.STOPPING: 503,
    Reason.GATE_BUSY: 503,
    Reason.UPSTREAM_BUSY: 503,
    Reason.UPSTREAM_UNREACHABLE: 502,
    Reason.UPSTREAM_TIMEOUT: 504,
}


FAILURES: Final = frozenset(
    {
        Reason.STORE_UNAVAILABLE,
        Reason.STOPPING,
        Reason.GATE_BUSY,
        Reason.GATE_FAILED,
        Reason.UPSTREAM_BUSY,
        Reason.UPSTREAM_UNREACHABLE,
        Reason.UPSTREAM_TIMEOUT,
        Reason.UPSTREAM_REFUSED,
    }
)


class NotSent(Exception):
    """A send, or another request at the senders' door, ends here as a whole.

    `detail` says more than the reason where there is more to say, without any value of the request; `cause` says what
    only the operator may know; `status` replaces the one that follows from the reason.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        *,
        status: int | None = None,
        places: tuple[str, ...] = (),
        sent: Sent = Sent.NO,
        cause: str = "",
    ) -> None:
        super().__init__(detail or MEANINGS[reason])
        self.reason = reason
        self.detail = detail
        self.status = status
        self.places = places
        self.sent = sent
        self.cause = cause

    def refusal(self) -> Refusal:
        """Give what the provider's file is asked to say."""
        message = f"{MEANINGS[self.reason]}: {self.detail}" if self.detail else MEANINGS[self.reason]
        return Refusal(self.reason, f"sendgate: {message}", self.status or _OWN_STATUS.get(self.reason), self.places)


def refusal(recipients: tuple[Refused, ...]) -> Refusal:
    """Give what a provider's file is asked to say of single recipients; the first one leads."""
    reasons = ", ".join(sorted({each.reason for each in recipients}))
    places = tuple(each.recipient.place for each in recipients)
    message = f"sendgate: no message is sent to this recipient ({reasons})"
    return Refusal(recipients[0].reason, message, None, places, recipients)


def fault(failure: Exception, *, forwarding: bool) -> NotSent:
    """Make an ending of a fault in the gate itself: refused on doubt, or unknown once something may have gone out.

    The cause names the places in the code and no message, for that may hold values of the request.
    """
    frames = traceback.extract_tb(failure.__traceback__)[-4:]
    cause = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    told = f"{type(failure).__name__} at {cause}"
    if forwarding:
        return NotSent(Reason.GATE_FAILED, status=504, sent=Sent.UNKNOWN, cause=told)
    return NotSent(Reason.GATE_FAILED, cause=told)


def passing(status: int) -> bool:
    """Tell whether an answer of the gate asks for a repeat."""
    return status == 503
