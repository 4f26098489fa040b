"""One request on its way through the senders' door: what is known of it so far, and what may let it go on.

Steps write down what they learn (`note`), and the outcome is made of that when somebody looks. What is doubtful ends
the walk unless a switch of the route, or shadow mode, lets it pass; then the switch is marked (`let_pass`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from policy.model import Ending, Outcome, Refused, Sent
from policy.reasons import Reason
from proxy.bodies import LARGE
from proxy.errors import FAILURES, NotSent
from proxy.gate import Route
from proxy.holding import Held
from proxy.providers.base import Kind, Message, Request
from proxy.requests import Arrival
from proxy.weighing import Weight

CROWD = 64  # addresses; reading one beyond ASCII may take a millisecond

_KNOWN_RECIPIENTS = frozenset({Reason.STORE_UNAVAILABLE, Reason.BYPASS_REFUSED})  # the allow-list judges these itself


@dataclass(slots=True)
class Walk:
    """One request on its way."""

    arrival: Arrival
    route: Route
    request: Request
    told: dict[str, Any]  # the fields of the outcome, as far as they are known
    kind: Kind = Kind.UNKNOWN
    body: bytes | None = None  # as it came, perhaps compressed; None until it is read
    message: Message | None = None  # the send, once it is read
    delivered: int = 0  # recipients whom the provider took although it answered with an error
    held: Held = field(default_factory=Held)
    weight: Weight | None = None  # of the body as it is read; None until it is weighed
    forwarding: bool = False  # from here on, something may have gone out
    _outcome: Outcome | None = None

    @property
    def outcome(self) -> Outcome:
        """How it ended, as far as it is known: made when somebody looks, since a copy at each step would cost more."""
        if self._outcome is None:
            self._outcome = Outcome(**self.told)
        return self._outcome

    @property
    def long(self) -> bool:
        """Whether going over the send would hold the others up: it is large, or names many people."""
        return len(self.request.body) > LARGE or (self.weight is not None and self.weight.people > CROWD)

    @property
    def extra(self) -> int:
        """How many bytes making another tree of the body takes."""
        return self.weight.extra if self.weight else 0

    @property
    def shadow(self) -> bool:
        return self.route.policy.mode == "shadow"

    def note(self, **known: Any) -> None:
        """Write down what became known of the outcome."""
        self.told.update(known)
        self._outcome = None

    def mark(self, switch: str) -> None:
        """Note that something passed only because of this switch."""
        if switch not in self.outcome.marks:
            self.note(marks=(*self.outcome.marks, switch))

    def remaining(self) -> Outcome:
        """Give what is left to record once the refusals are: whom shadow mode let have it, and the send as a whole."""
        outcome = self.outcome
        let_through = tuple(each for each in outcome.refused if not each.enforced)
        settled = len(outcome.refused) - len(let_through) + self.delivered
        return replace(outcome, refused=let_through, recipients=outcome.recipients - settled)

    def end(self, ending: NotSent) -> None:
        """Note that the request ended as a whole."""
        self.note(
            ending=Ending.FAILED if ending.reason in FAILURES else Ending.REFUSED,
            reason=ending.reason,
            sent=ending.sent,
            enforced=True,
            cause=ending.cause or ending.detail,
        )

    def let_pass(self, ending: NotSent, switch: str = "") -> None:
        """Go on with what is doubtful if a switch of the route, or shadow mode, says so; else raise the ending.

        The allow-list stays enforced whatever a switch says: what cannot be read may be to anybody.
        """
        policy = self.route.policy
        if policy.allow_list is not None and ending.reason not in _KNOWN_RECIPIENTS:
            raise ending
        if switch and getattr(policy, switch) == "pass":
            self.mark(switch)
        elif self.shadow:
            self.mark("shadow")
        else:
            raise ending
        self.note(enforced=False, reason=ending.reason, sent=Sent.YES, cause=ending.cause or ending.detail)

    def let_refused_pass(self, refused: tuple[Refused, ...]) -> tuple[Refused, ...]:
        """Say of each refused recipient whether shadow mode lets them have the message; the allow-list never does."""
        if not self.shadow:
            return refused
        told = tuple(replace(each, enforced=each.reason is Reason.NOT_ALLOWLISTED) for each in refused)
        if not all(each.enforced for each in told):
            self.mark("shadow")
        return told
