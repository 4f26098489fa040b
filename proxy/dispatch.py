"""The senders' door: read → judge → rewrite or refuse → record → forward → answer.

A walk is a recipe, one line per step, and each step lives elsewhere. It hands one value forward (`Walk`), and whatever
ends a request before it is sent is raised as NotSent and answered in one place. Every ending becomes one Outcome, and
the observers (metrics, log) see that and nothing of the steps.

What is doubtful is refused unless a switch of the route says otherwise, and then the switch is named in the outcome
and in the answer. A refusal is committed before it is answered and before the rest of the send goes out.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from policy import Policy, StoreUnavailable
from policy.model import Ending, Outcome, Refused, Send, Sent, Terms, Verdict
from policy.reasons import Reason
from proxy import answers, bodies, headers, requests
from proxy.errors import NotSent
from proxy.gate import Entrance, Gate, Route, claims_transactional, may_claim
from proxy.providers.base import Kind, Request, Unreadable
from proxy.requests import Arrival
from proxy.response import Response
from proxy.sandbox import SandboxResponse
from proxy.upstream import Unsendable, UpstreamFailure

Observer = Callable[[Outcome], None]
Upstreams = Response | SandboxResponse

# What describes or signs the very bytes of a body goes when the body changes.
_ABOUT_THE_BYTES = frozenset({b"content-encoding", b"content-md5", b"digest", b"content-digest", b"repr-digest"})
_STREAMED_FROM = 1 << 20  # bytes of a harmless request's body above which it is not held in memory


@dataclass(slots=True)
class Walk:
    """One request on its way: what is known of it so far, and how it ended."""

    arrival: Arrival
    route: Route
    request: Request
    told: dict[str, Any]  # the fields of the outcome, as far as they are known
    kind: Kind = Kind.UNKNOWN
    body: bytes = b""  # as it came, perhaps compressed
    send: Send | None = None
    _outcome: Outcome | None = None

    @property
    def outcome(self) -> Outcome:
        """How it ended, as far as it is known: made when somebody looks, since a copy at each step would cost more."""
        if self._outcome is None:
            self._outcome = Outcome(**self.told)
        return self._outcome

    def note(self, **known: Any) -> None:
        """Write down what became known of the outcome."""
        self.told.update(known)
        self._outcome = None

    def mark(self, switch: str) -> None:
        """Note that something passed only because of this switch."""
        if switch not in self.outcome.marks:
            self.note(marks=(*self.outcome.marks, switch))

    @property
    def shadow(self) -> bool:
        return self.route.policy.mode == "shadow"


class Dispatch:
    """The senders' door behind one listener."""

    def __init__(
        self, policy: Policy, gate: Callable[[], Gate], observers: Sequence[Observer], entrance: Entrance
    ) -> None:
        self._policy = policy
        self._gate = gate
        self._observers = observers
        self._entrance = entrance
        self.draining = False

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, however it ends."""
        gate = self._gate()
        arrival = requests.arrival(request)
        found = gate.route(self._entrance, arrival.host, arrival.path)
        if found is None:
            return self._unrouted()
        route, path = found
        walk = self._begin(arrival, route, path)
        try:
            response = await self._walk(gate, walk)
        except NotSent as ending:
            response = await self._refuse(walk, ending)
        for observe in self._observers:
            observe(walk.outcome)
        return response

    def _unrouted(self) -> web.Response:
        reason = Reason.UNKNOWN_REQUEST
        outcome = Outcome(secrets.token_hex(16), self._policy.now(), "", "", Ending.REFUSED, reason=reason)
        for observe in self._observers:
            observe(outcome)
        return answers.no_route(outcome)

    def _begin(self, arrival: Arrival, route: Route, path: str) -> Walk:
        asked = Request(arrival.method, path, arrival.query, arrival.headers)
        campaign = requests.printable(arrival.headers.get("X-Sendgate-Campaign", ""))
        told = {
            "decision": secrets.token_hex(16),
            "arrived_at": self._policy.now(),
            "route": route.name,
            "provider": route.settings.provider,
            "ending": Ending.FORWARDED,
            "campaign": campaign,
        }
        return Walk(arrival, route, asked, told)

    async def _walk(self, gate: Gate, walk: Walk) -> web.StreamResponse:
        if self.draining:
            raise NotSent(Reason.UPSTREAM_BUSY, "the gate is stopping")
        requests.check(walk.arrival)
        sender = gate.sender(self._entrance, walk.route, walk.arrival.headers)
        walk.note(sender=sender.name if sender else "")
        walk.kind = walk.route.provider.sort(walk.request)
        if walk.kind is Kind.UNKNOWN:
            self._let_unknown_pass(walk)
        if walk.kind is not Kind.SEND:
            return await self._pass_through(walk)
        await self._read_body(walk)
        if not self._read(walk):
            return await self._forward(walk, walk.body)
        assert walk.send is not None  # noqa: S101 (_read said so)
        terms = walk.route.terms(walk.send, sender, walk.arrival.headers)
        self._describe(walk, walk.send, terms)
        walk.note(claim_ignored=claims_transactional(walk.arrival.headers) and not may_claim(sender))
        verdict = await self._judge(walk, walk.send, terms)
        return await self._carry_out(walk, verdict)

    # 1 read

    def _let_unknown_pass(self, walk: Walk) -> None:
        """Pass a request that nobody can judge, if the configuration says so; raises NotSent if it does not."""
        if walk.request.path in walk.route.settings.allow_paths and walk.route.policy.allow_list is None:
            walk.mark("allow_paths")
        else:
            self._let_pass(walk, NotSent(Reason.UNKNOWN_REQUEST), "on_unknown_request")

    def _let_pass(self, walk: Walk, ending: NotSent, switch: str) -> None:
        """Go on with what is doubtful if a switch of the route, or shadow mode, says so; else raise the ending.

        The allow-list stays enforced whatever a switch says: what cannot be read may be to anybody.
        """
        policy = walk.route.policy
        if policy.allow_list is not None and ending.reason is not Reason.STORE_UNAVAILABLE:
            raise ending
        if getattr(policy, switch) == "pass":
            walk.mark(switch)
        elif walk.shadow:
            walk.mark("shadow")
        else:
            raise ending
        walk.note(enforced=False, reason=ending.reason, sent=Sent.YES)

    async def _read_body(self, walk: Walk) -> None:
        limit = walk.route.settings.max_body
        await requests.invite_body(walk.arrival.source)
        walk.body = await bodies.read(walk.arrival.source, limit)

    def _read(self, walk: Walk) -> bool:
        """Find the recipients; False if the send cannot be read and passes all the same. Raises NotSent."""
        settings = walk.route.settings
        try:
            plain = bodies.inflated(walk.body, walk.arrival.headers.get("Content-Encoding"), settings.max_body)
            asked = walk.request
            walk.request = Request(asked.method, asked.path, asked.query, asked.headers, plain)
            walk.send = walk.route.provider.read(walk.request, settings.region)
        except Unreadable as unreadable:
            ending = NotSent(unreadable.reason, unreadable.detail, places=_places(unreadable))
        except NotSent as not_sent:
            ending = not_sent
        else:
            return True
        self._let_pass(walk, ending, "on_unreadable")
        return False

    def _describe(self, walk: Walk, send: Send, terms: Terms) -> None:
        walk.note(
            channel=send.channel,
            message_class=terms.message_class,
            business_unit=terms.business_unit,
            campaign=walk.told["campaign"] or send.campaign,
            recipients=len(send.recipients),
        )

    # 2 judge

    async def _judge(self, walk: Walk, send: Send, terms: Terms) -> Verdict:
        started = time.perf_counter()
        try:
            verdict = await self._policy.judge(send, terms)
        except StoreUnavailable:
            self._let_pass(walk, NotSent(Reason.STORE_UNAVAILABLE), "on_store_error")
            verdict = self._policy.judge_blindly(send, terms)
        walk.note(judged_seconds=time.perf_counter() - started)
        return verdict

    # 3 rewrite or refuse, 4 record

    async def _carry_out(self, walk: Walk, verdict: Verdict) -> web.StreamResponse:
        """Do what the verdict says: all pass, some are taken out, or none is sent to."""
        refused = verdict.refused
        if walk.shadow:
            refused = await self._shadowed(walk, refused)
        if not refused:
            return await self._forward(walk, walk.body)
        outcome = replace(walk.outcome, refused=(*walk.outcome.refused, *refused))
        if walk.route.policy.on_refused == "trim" and len(refused) < walk.outcome.recipients:
            trimmed = self._trimmed(walk, refused)
            if trimmed is not None:
                body, fallen = trimmed
                outcome = replace(outcome, ending=Ending.TRIMMED, refused=(*outcome.refused, *fallen))
                await self._record(walk, replace(outcome, refused=(*refused, *fallen)))
                self._refusing(walk, outcome)
                return await self._forward(walk, body, changed=True)
        outcome = replace(outcome, ending=Ending.REFUSED)
        await self._record(walk, replace(outcome, refused=refused))
        self._refusing(walk, outcome)
        return answers.refused(walk.request, walk.route, walk.outcome, refused)

    def _refusing(self, walk: Walk, outcome: Outcome) -> None:
        """Take over who is refused; where the record failed and a switch let it pass, that mark stays."""
        walk.note(ending=outcome.ending, refused=outcome.refused, enforced=outcome.enforced, sent=outcome.sent)

    async def _shadowed(self, walk: Walk, refused: tuple[Refused, ...]) -> tuple[Refused, ...]:
        """Record what would have been refused, and give what is refused even in shadow mode."""
        enforced = tuple(each for each in refused if each.reason is Reason.NOT_ALLOWLISTED)
        told = tuple(each for each in refused if each.reason is not Reason.NOT_ALLOWLISTED)
        if told:
            walk.mark("shadow")
            walk.note(refused=told, enforced=False, sent=Sent.YES)
            await self._record(walk, walk.outcome)
            walk.note(enforced=bool(enforced), sent=Sent.NO if enforced else Sent.YES)
        return enforced

    def _trimmed(self, walk: Walk, refused: tuple[Refused, ...]) -> tuple[bytes, tuple[Refused, ...]] | None:
        """Take the refused recipients out; None if nobody would remain. Also gives who fell with them."""
        places = frozenset(each.recipient.place for each in refused)
        try:
            trimmed = walk.route.provider.without(walk.request, places)
        except Unreadable as unreadable:
            if unreadable.reason is Reason.NO_RECIPIENT:
                return None
            raise NotSent(unreadable.reason, unreadable.detail, places=_places(unreadable)) from unreadable
        assert walk.send is not None  # noqa: S101 (nothing is trimmed that was not read)
        gone = trimmed.places - places
        fallen = tuple(Refused(r, Reason.NO_RECIPIENT) for r in walk.send.recipients if r.place in gone)
        return trimmed.body, fallen

    async def _record(self, walk: Walk, outcome: Outcome) -> None:
        """Commit the records of an outcome; what cannot be recorded is not done, unless the route says otherwise."""
        try:
            await self._policy.record(outcome)
        except StoreUnavailable:
            self._let_pass(walk, NotSent(Reason.STORE_UNAVAILABLE), "on_store_error")

    async def _refuse(self, walk: Walk, ending: NotSent) -> web.Response:
        """Record and answer the end of a request that is not sent as a whole."""
        failed = ending.reason in FAILURES
        walk.note(
            ending=Ending.FAILED if failed else Ending.REFUSED,
            reason=ending.reason,
            sent=ending.sent,
            enforced=True,
        )
        if walk.kind is not Kind.HARMLESS:
            try:
                await self._policy.record(replace(walk.outcome, refused=()))
            except StoreUnavailable:
                if not failed and walk.route.policy.on_store_error == "refuse":
                    ending = NotSent(Reason.STORE_UNAVAILABLE)
                    walk.note(reason=ending.reason, ending=Ending.FAILED)
                else:
                    walk.mark("unrecorded")
        return answers.not_sent(walk.request, walk.route, walk.outcome, ending)

    # 5 forward, 6 answer

    async def _forward(self, walk: Walk, body: bytes, *, changed: bool = False) -> web.StreamResponse:
        response = await self._exchange(walk, body, without=_ABOUT_THE_BYTES if changed else frozenset())
        walk.note(upstream_status=response.status)
        if response.status >= 400:
            await self._tell_refused_upstream(walk)
        elif walk.outcome.reason not in (None, Reason.STORE_UNAVAILABLE):
            await self._record_what_happened(walk)
        return await answers.relay(walk.arrival.source, response, walk.outcome)

    async def _pass_through(self, walk: Walk) -> web.StreamResponse:
        """Hand a request on that dispatches nothing, or that nobody can judge and the configuration lets pass."""
        walk.note(ending=Ending.PASSED_THROUGH)
        await requests.invite_body(walk.arrival.source)
        length = walk.arrival.source.content_length
        if walk.arrival.source.body_exists and (length is None or length > _STREAMED_FROM):
            response = await self._exchange(walk, walk.arrival.source.content.iter_any())
        else:
            response = await self._exchange(walk, await bodies.read(walk.arrival.source, _STREAMED_FROM))
        walk.note(upstream_status=response.status)
        if walk.outcome.reason is not None:
            await self._record_what_happened(walk)
        return await answers.relay(walk.arrival.source, response, walk.outcome)

    async def _exchange(
        self, walk: Walk, body: bytes | requests.Chunks, *, without: frozenset[bytes] = frozenset()
    ) -> Upstreams:
        """Let the request go upstream; raises NotSent for every way in which that can fail."""
        own = walk.route.credential
        replaced = {b"authorization", *(name.lower() for name, _ in own)} if own else set()
        started = time.perf_counter()
        try:
            pairs = headers.end_to_end(walk.arrival.source.raw_headers, without=headers.HOST.union(without, replaced))
            target = walk.request.path + (f"?{walk.request.query}" if walk.arrival.has_query else "")
            response = await walk.route.upstream.forward(walk.request.method, target, pairs + own, body)
        except Unsendable as unsendable:
            raise NotSent(Reason.UNREADABLE, str(unsendable), status=400) from unsendable
        except UpstreamFailure as failure:
            raise NotSent(failure.reason, sent=failure.sent) from failure
        finally:
            walk.note(upstream_seconds=time.perf_counter() - started)
        return response

    async def _tell_refused_upstream(self, walk: Walk) -> None:
        """Record that the provider said no; its answer goes to the sender whether or not that works."""
        walk.note(ending=Ending.FAILED, reason=Reason.UPSTREAM_REFUSED, sent=Sent.NO, enforced=True)
        await self._record_what_happened(walk)

    async def _record_what_happened(self, walk: Walk) -> None:
        """Record what went out; a failure of the store changes nothing then, and its 503 would ask for a repeat."""
        try:
            await self._policy.record(replace(walk.outcome, refused=()))
        except StoreUnavailable:
            walk.mark("unrecorded")


FAILURES = frozenset(
    {
        Reason.STORE_UNAVAILABLE,
        Reason.UPSTREAM_BUSY,
        Reason.UPSTREAM_UNREACHABLE,
        Reason.UPSTREAM_TIMEOUT,
        Reason.UPSTREAM_REFUSED,
    }
)


def _places(unreadable: Unreadable) -> tuple[str, ...]:
    return (unreadable.place,) if unreadable.place else ()
