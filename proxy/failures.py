"""What can go wrong between the gate and a provider, sorted by what is known of the send afterwards.

Two failures happen before the first byte left: nothing was sent, and the sender may try again. The other two happen
after it: whether the provider took the send is unknown, so nobody may try again without risking a second message.
No text holds a header, a body, a credential or a query.
"""

from __future__ import annotations

from typing import ClassVar

from policy.model import Sent
from policy.reasons import Reason


class UpstreamFailure(Exception):
    """An exchange with a provider did not come to its end; `reason` and `sent` are what a record says of it."""

    reason: ClassVar[Reason]
    sent: ClassVar[Sent]


class Busy(UpstreamFailure):
    """All connections to the provider are in use and none became free in time: nothing was sent."""

    reason = Reason.UPSTREAM_BUSY
    sent = Sent.NO


class Unreachable(UpstreamFailure):
    """No connection came about (name, refusal, TLS, time): not one byte of the request went out."""

    reason = Reason.UPSTREAM_UNREACHABLE
    sent = Sent.NO


class TimedOut(UpstreamFailure):
    """The exchange did not end within its time: whether the provider took the send is unknown."""

    reason = Reason.UPSTREAM_TIMEOUT
    sent = Sent.UNKNOWN


class Broken(UpstreamFailure):
    """The connection ended, or garbage came, before the response was whole: what the provider did is unknown."""

    reason = Reason.UPSTREAM_TIMEOUT
    sent = Sent.UNKNOWN
