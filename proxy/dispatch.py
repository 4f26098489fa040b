"""The senders' door: read → judge → rewrite or refuse → record → forward → answer.

A walk is a recipe, one line per step, and each step lives elsewhere. It hands one value forward (`Walk`), and whatever
ends a request before it is sent is raised as NotSent and answered in one place. Every ending becomes one Outcome, and
the observers (metrics, log) see that and nothing of the steps.

What is doubtful is refused unless a switch of the route says otherwise, and then the switch is named in the outcome
and in the answer. A refusal is committed before it is answered and before the rest of the send goes out.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from policy import Policy, StoreUnavailable
from policy.model import Ending, Outcome, Refused, Send, Sent, Terms, Verdict
from policy.reasons import Reason
from policy.store.records import LONGEST
from proxy import answers, bodies, headers, requests
from proxy.errors import FAILURES, NotSent
from proxy.gate import Entrance, Gate, Route, claims_transactional, may_claim
from proxy.providers.base import Kind, Request, Unreadable
from proxy.requests import Arrival
from proxy.response import Response
from proxy.sandbox import SandboxResponse
from proxy.upstream import Unsendable, UpstreamFailure
from proxy.walk import Walk

Observer = Callable[[Outcome], None]
Upstreams = Response | SandboxResponse

# What describes or signs the very bytes of a body goes when the body changes.
_ABOUT_THE_BYTES = frozenset({b"content-encoding", b"content-md5", b"digest", b"content-digest", b"repr-digest"})
_STREAMED_FROM = 1 << 20  # bytes of a harmless request's body above which it is not held in memory


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
        except Exception as failure:  # noqa: BLE001 (a fault of the gate's own must not look like a sent message)
            response = await self._refuse(walk, fault(failure, forwarding=walk.forwarding))
        except asyncio.CancelledError:
            await self._stopped(walk)
            raise
        self._observe(walk.outcome)
        return response

    def _observe(self, outcome: Outcome) -> None:
        """Tell the observers; what went out must be answered, whatever becomes of a log or a metric."""
        for observe in self._observers:
            with contextlib.suppress(Exception):
                observe(outcome)

    async def _stopped(self, walk: Walk) -> None:
        """Record what is on its way when the gate stops before the provider answered."""
        if walk.forwarding and walk.kind is not Kind.HARMLESS and walk.outcome.upstream_status is None:
            walk.end(NotSent(Reason.UPSTREAM_TIMEOUT, sent=Sent.UNKNOWN, cause="the gate stopped"))
            await asyncio.shield(self._record_what_happened(walk))
            self._observe(walk.outcome)

    def _unrouted(self) -> web.Response:
        reason = Reason.UNKNOWN_REQUEST
        outcome = Outcome(secrets.token_hex(16), self._policy.now(), "", "", Ending.REFUSED, reason=reason)
        self._observe(outcome)
        return answers.no_route(outcome)

    def _begin(self, arrival: Arrival, route: Route, path: str) -> Walk:
        asked = Request(arrival.method, path, arrival.query, arrival.headers)
        campaign = _campaign(arrival.headers.get("X-Sendgate-Campaign", ""))
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
        walk.kind = walk.route.provider.sort(walk.request)
        if self.draining:
            raise NotSent(Reason.UPSTREAM_BUSY, "the gate is stopping")
        requests.check(walk.arrival)
        try:
            sender = gate.sender(self._entrance, walk.route, walk.arrival.headers)
        except NotSent:
            walk.note(client=requests.client(walk.arrival, gate.config.trusted_proxies))
            raise
        walk.note(sender=sender.name if sender else "")
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
            walk.let_pass(NotSent(Reason.UNKNOWN_REQUEST), "on_unknown_request")

    async def _read_body(self, walk: Walk) -> None:
        limit = walk.route.settings.max_body
        await requests.invite_body(walk.arrival.source)
        walk.body = await bodies.read(walk.arrival.source, limit)

    def _read(self, walk: Walk) -> bool:
        """Find the recipients; False if the send cannot be read and passes all the same. Raises NotSent."""
        settings = walk.route.settings
        try:
            declared = walk.arrival.headers.getall("Content-Encoding", [])
            plain = bodies.inflated(walk.body, declared, settings.max_body, walk.route.provider.ENCODINGS)
            asked = walk.request
            walk.request = Request(asked.method, asked.path, asked.query, asked.headers, plain)
            walk.send = walk.route.provider.read(walk.request, settings.region)
        except Unreadable as unreadable:
            ending = NotSent(unreadable.reason, unreadable.detail, places=_places(unreadable))
        except NotSent as not_sent:
            ending = not_sent
        else:
            return True
        walk.let_pass(ending, "on_unreadable")
        return False

    def _describe(self, walk: Walk, send: Send, terms: Terms) -> None:
        walk.note(
            channel=send.channel,
            message_class=terms.message_class,
            business_unit=terms.business_unit,
            campaign=walk.told["campaign"] or _campaign(send.campaign),
            recipients=len(send.recipients),
        )

    # 2 judge

    async def _judge(self, walk: Walk, send: Send, terms: Terms) -> Verdict:
        started = time.perf_counter()
        try:
            verdict = await self._policy.judge(send, terms)
        except StoreUnavailable as unavailable:
            walk.let_pass(NotSent(Reason.STORE_UNAVAILABLE, cause=str(unavailable)), "on_store_error")
            verdict = await self._policy.judge_blindly(send, terms)
        walk.note(judged_seconds=time.perf_counter() - started)
        return verdict

    # 3 rewrite or refuse, 4 record

    async def _carry_out(self, walk: Walk, verdict: Verdict) -> web.StreamResponse:
        """Do what the verdict says: all pass, some are taken out, or none is sent to."""
        told = walk.let_refused_pass(verdict.refused)
        walk.note(refused=told)
        refused = tuple(each for each in told if each.enforced)
        if not refused:
            return await self._forward(walk, walk.body)
        walk.note(reason=None, enforced=True, sent=Sent.NO)  # who is refused is refused, whatever else may pass
        trimmed = self._trimmed(walk, refused)
        if trimmed is not None:
            body, fallen = trimmed
            walk.note(ending=Ending.TRIMMED, refused=told + fallen)
            await self._record_refused(walk)
            return await self._forward(walk, body, changed=True)
        walk.note(ending=Ending.REFUSED)
        await self._record_refused(walk)
        return answers.refused(walk.request, walk.route, walk.outcome, refused)

    def _trimmed(self, walk: Walk, refused: tuple[Refused, ...]) -> tuple[bytes, tuple[Refused, ...]] | None:
        """Take the refused recipients out, and give who fell with them; None if the whole send is to be refused."""
        if walk.route.policy.on_refused == "refuse" or len(refused) == walk.outcome.recipients:
            return None
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

    async def _record_refused(self, walk: Walk) -> None:
        """Commit who is refused; what cannot be recorded is not done, unless the route says otherwise."""
        outcome = walk.outcome
        try:
            await self._policy.record(
                replace(outcome, refused=tuple(each for each in outcome.refused if each.enforced))
            )
        except StoreUnavailable as unavailable:
            walk.note(refused=())  # whoever has no record was not refused, unless a switch goes on with it
            walk.let_pass(NotSent(Reason.STORE_UNAVAILABLE, cause=str(unavailable)), "on_store_error")
            walk.note(refused=outcome.refused, reason=None, enforced=True, sent=Sent.NO)

    async def _refuse(self, walk: Walk, ending: NotSent) -> web.Response:
        """Record and answer the end of a request that is not sent as a whole."""
        walk.end(ending)
        if walk.kind is not Kind.HARMLESS:
            try:
                await self._policy.record(walk.remaining())
            except StoreUnavailable as unavailable:
                walk.mark("unrecorded")
                if ending.reason not in FAILURES and walk.route.policy.on_store_error == "refuse":
                    ending = NotSent(Reason.STORE_UNAVAILABLE, cause=str(unavailable))
                    walk.end(ending)
        return answers.not_sent(walk.request, walk.route, walk.outcome, ending)

    # 5 forward, 6 answer

    async def _forward(self, walk: Walk, body: bytes, *, changed: bool = False) -> web.StreamResponse:
        response = await self._exchange(walk, body, without=_ABOUT_THE_BYTES if changed else frozenset())
        walk.note(upstream_status=response.status)
        if response.status >= 400:
            unsure = response.status >= 500  # a provider that failed may have taken the send before
            walk.end(NotSent(Reason.UPSTREAM_REFUSED, sent=Sent.UNKNOWN if unsure else Sent.NO))
        else:
            walk.note(sent=Sent.YES)
        if walk.outcome.reason is not Reason.STORE_UNAVAILABLE:  # that a record failed was found out a moment ago
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
        walk.forwarding = True
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

    async def _record_what_happened(self, walk: Walk) -> None:
        """Record what became of what went out: whom shadow mode let have it, and how the send ended.

        A failure of the store changes nothing then, and its 503 would ask for a repeat.
        """
        try:
            await self._policy.record(walk.remaining())
        except StoreUnavailable:
            walk.mark("unrecorded")


def fault(failure: Exception, *, forwarding: bool) -> NotSent:
    """Make an ending of a fault in the gate itself: refused on doubt, or unknown once something may have gone out.

    The cause names the places in the code and no message, for that may hold values of the request.
    """
    frames = traceback.extract_tb(failure.__traceback__)[-4:]
    cause = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    told = f"{type(failure).__name__} at {cause}"
    if forwarding:
        return NotSent(Reason.UPSTREAM_TIMEOUT, "the gate failed", sent=Sent.UNKNOWN, cause=told)
    return NotSent(Reason.UNREADABLE, "the gate failed to read it", cause=told)


def _campaign(text: str) -> str:
    """Cut a sender's own text to what each record and log line can hold."""
    return requests.printable(text)[:LONGEST]


def _places(unreadable: Unreadable) -> tuple[str, ...]:
    return (unreadable.place,) if unreadable.place else ()
