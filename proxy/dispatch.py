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
from collections.abc import Callable, Sequence
from dataclasses import replace

from aiohttp import web

from policy import Policy, StoreUnavailable
from policy.model import Ending, Outcome, Refused, Send, Sent, Terms, Verdict
from policy.reasons import Reason
from policy.store.records import LONGEST
from proxy import answers, bodies, errors, requests, weighing
from proxy.config import Sender
from proxy.errors import FAILURES, NotSent
from proxy.forwarding import Forwarding
from proxy.gate import Entrance, Gate, Route, claims_transactional, has_one_reading, may_claim
from proxy.holding import Room
from proxy.providers.base import Change, Kind, Message, Request, Settings, Trimmed, Unreadable
from proxy.requests import Arrival
from proxy.walk import Walk

Observer = Callable[[Outcome], None]


class Dispatch:
    """The senders' door behind one listener."""

    def __init__(
        self, policy: Policy, gate: Callable[[], Gate], observers: Sequence[Observer], entrance: Entrance, room: Room
    ) -> None:
        self._policy = policy
        self._forwarding = Forwarding(policy)
        self._gate = gate
        self._observers = observers
        self._entrance = entrance
        self._room = room
        self.draining = False

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, however it ends."""
        gate = self._gate()
        arrival = requests.arrival(request)
        found = gate.route(self._entrance, arrival.host, arrival.path)
        if found is None:
            return self._unrouted(gate, arrival)
        route, path = found
        walk = self._begin(arrival, route, path)
        walk.held = self._room.held(gate.config.limits.bodies)
        try:
            response = await self._walk(gate, walk)
        except NotSent as ending:
            response = await self._refuse(walk, ending)
        except Exception as failure:  # noqa: BLE001 (a fault of the gate's own must not look like a sent message)
            response = await self._refuse(walk, errors.fault(failure, forwarding=walk.forwarding))
        except asyncio.CancelledError:
            await self._stopped(walk)
            raise
        finally:
            walk.held.leave()
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
            walk.end(NotSent(Reason.STOPPING, sent=Sent.UNKNOWN, cause="the gate stopped before the answer came"))
            await asyncio.shield(self._forwarding.record(walk))
            self._observe(walk.outcome)

    def _unrouted(self, gate: Gate, arrival: Arrival) -> web.Response:
        asked = requests.outline(arrival.method, arrival.path)
        client = requests.client(arrival, gate.config.trusted_proxies)
        outcome = Outcome(secrets.token_hex(16), self._policy.now(), "", "", Ending.REFUSED)
        outcome = replace(outcome, reason=Reason.UNKNOWN_REQUEST, request=asked, client=client)
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
        if walk.kind is not Kind.SEND:
            walk.note(request=requests.outline(walk.request.method, walk.request.path))
        if self.draining:
            raise NotSent(Reason.STOPPING)
        requests.check(walk.arrival)
        await self._drop_nothing(walk)
        sender = await self._sender(gate, walk)
        if walk.kind is Kind.ASK_BODY:
            await self._ask_body(walk)
        if walk.kind in (Kind.UNKNOWN, Kind.HIDDEN):
            self._let_unseen_pass(walk)
        if walk.kind is not Kind.SEND:
            return await self._forwarding.pass_through(walk)
        await self._read_body(walk)
        message = await self._read(walk)
        if message is None:
            return await self._forwarding.unread(walk)
        self._screen(walk, message)
        terms = walk.route.terms(message.send, sender, walk.arrival.headers)
        self._describe(walk, message.send, terms)
        walk.note(claim_ignored=claims_transactional(walk.arrival.headers) and not may_claim(sender))
        verdict = await self._judge(walk, message.send, terms)
        return await self._carry_out(walk, message, verdict)

    async def _sender(self, gate: Gate, walk: Walk) -> Sender | None:
        """Find out who sends; the body is read first where a signature over it says so. Raises NotSent."""
        headers = walk.arrival.headers
        try:
            signer = gate.signer(self._entrance, walk.route, headers)
            if signer is not None:
                await self._read_body(walk)
                body, now = walk.body or b"", self._policy.now() / 1_000_000
                await bodies.over(body, signer.check, walk.arrival, body, now)
            sender = gate.sender(self._entrance, walk.route, walk.request, signer)
        except NotSent:
            walk.note(client=requests.client(walk.arrival, gate.config.trusted_proxies))
            raise
        walk.note(sender=sender.name if sender else "")
        return sender

    # 1 read

    async def _ask_body(self, walk: Walk) -> None:
        """Let the body tell what the request would do, where method and path do not."""
        await self._read_body(walk)
        await self._open(walk)
        kind = await bodies.apart(walk.long, walk.route.provider.sort, walk.request)
        walk.kind = Kind.UNKNOWN if kind is Kind.ASK_BODY else kind

    def _let_unseen_pass(self, walk: Walk) -> None:
        """Pass a request that nobody can judge, if the configuration says so; raises NotSent if it does not."""
        if walk.route.provider.resembles_send(walk.request):
            walk.let_pass(NotSent(Reason.UNKNOWN_REQUEST, "a send, by another method or in another spelling"))
        elif walk.route.allows(walk.request.path):
            walk.mark("allow_paths")
        elif walk.kind is Kind.HIDDEN:
            walk.let_pass(NotSent(Reason.HIDDEN_RECIPIENTS))
        else:
            plain = has_one_reading(walk.request.path)  # any other path is not unknown: it may be anything
            walk.let_pass(NotSent(Reason.UNKNOWN_REQUEST), "on_unknown_request" if plain else "")

    async def _drop_nothing(self, walk: Walk) -> None:
        """Take a body that says nothing from a request whose method has none; raises NotSent if it says something."""
        if walk.request.method in requests.BODILESS and walk.arrival.source.body_exists:
            await self._read_body(walk)
            requests.check_empty(walk.arrival, walk.body or b"")
            walk.body = b""

    async def _read_body(self, walk: Walk) -> None:
        if walk.body is None:
            await requests.invite_body(walk.arrival.source)
            walk.body = await bodies.read(walk.arrival.source, walk.route.settings.max_body, walk.held)

    async def _open(self, walk: Walk) -> None:
        """Undo the compression of a body that is to be read, and hold what reading it takes; raises NotSent."""
        if walk.weight is not None:
            return
        settings, provider = walk.route.settings, walk.route.provider
        declared = walk.arrival.headers.getall("Content-Encoding", [])
        plain = await bodies.opened(walk.body or b"", declared, settings.max_body, provider.ENCODINGS, walk.held)
        walk.request = replace(walk.request, body=plain)
        weight = await bodies.over(plain, weighing.weigh, walk.request)
        walk.held.weigh(weight.extra)
        walk.weight = weight

    async def _read(self, walk: Walk) -> Message | None:
        """Find the recipients; None if the send cannot be read and passes all the same. Raises NotSent."""
        settings = Settings(region=walk.route.settings.region)
        read = walk.route.provider.read
        try:
            await self._open(walk)
            walk.message = await bodies.apart(walk.long, read, walk.request, settings)
        except Unreadable as unreadable:
            ending = NotSent(unreadable.reason, unreadable.detail, places=_places(unreadable))
        except NotSent as not_sent:
            if not_sent.reason is not Reason.UNREADABLE:  # that there is no room says nothing of the send
                raise
            ending = not_sent
        else:
            return walk.message
        walk.let_pass(ending, "on_unreadable")
        return None

    def _screen(self, walk: Walk, message: Message) -> None:
        """Look at what a send does beside its recipients: hidden ones, and switches past suppression."""
        if message.hidden:
            walk.note(request=requests.outline(walk.request.method, walk.request.path))
            if walk.route.allows(walk.request.path):
                walk.mark("allow_paths")
            else:
                walk.let_pass(NotSent(Reason.HIDDEN_RECIPIENTS, places=message.hidden))
        if message.bypasses and walk.route.policy.on_bypass != "strip":
            walk.let_pass(NotSent(Reason.BYPASS_REFUSED, places=message.bypasses), "on_bypass")

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

    async def _carry_out(self, walk: Walk, message: Message, verdict: Verdict) -> web.StreamResponse:
        """Do what the verdict says: all pass, some are taken out, or none is sent to."""
        told = walk.let_refused_pass(verdict.refused)
        walk.note(refused=told)
        refused = tuple(each for each in told if each.enforced)
        change = Change(frozenset(each.recipient.place for each in refused), self._strips(walk, message))
        if not refused:
            return await self._forward_all(walk, message, change)
        walk.note(reason=None, enforced=True, sent=Sent.NO)  # who is refused is refused, whatever else may pass
        trimmed = await self._trimmed(walk, message, change)
        if trimmed is not None:
            fallen = _fallen(message, trimmed.places - change.places)
            walk.note(ending=Ending.TRIMMED, refused=told + fallen)
            await self._record_refused(walk)
            return await self._forwarding.trimmed(walk, message, trimmed)
        walk.note(ending=Ending.REFUSED)
        await self._record_refused(walk)
        return answers.refused(walk.route, message, walk.outcome, refused)

    async def _forward_all(self, walk: Walk, message: Message, change: Change) -> web.StreamResponse:
        """Forward a send of which nobody is refused: as it came, or without its bypasses."""
        trimmed = await self._trimmed(walk, message, change) if change.strip else None
        if trimmed is None and change.strip:
            raise NotSent(Reason.UNREADABLE, "nothing would be left of the send", places=message.bypasses)
        return await self._forwarding.all(walk, message, trimmed)

    def _strips(self, walk: Walk, message: Message) -> bool:
        """Tell whether the bypasses of the send are taken out; shadow mode forwards what came."""
        return bool(message.bypasses) and walk.route.policy.on_bypass == "strip" and not walk.shadow

    async def _trimmed(self, walk: Walk, message: Message, change: Change) -> Trimmed | None:
        """Take the refused recipients out; None if the whole send is to be refused."""
        if change.places and (
            walk.route.policy.on_refused == "refuse"
            or (len(change.places) == len(message.send.recipients) and not message.hidden)
        ):
            return None
        write = walk.route.provider.trimmed
        try:
            with walk.held.lent(walk.extra):
                trimmed = await bodies.apart(walk.long, write, message, change)
        except Unreadable as unreadable:
            if unreadable.reason is Reason.NO_RECIPIENT:
                return None
            raise NotSent(unreadable.reason, unreadable.detail, places=_places(unreadable)) from unreadable
        if change.strip:
            walk.note(stripped=message.bypasses)
        return trimmed

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


def _campaign(text: str) -> str:
    """Cut a sender's own text to what each record and log line can hold."""
    return requests.printable(text)[:LONGEST]


def _fallen(message: Message, gone: frozenset[str]) -> tuple[Refused, ...]:
    return tuple(Refused(r, Reason.NO_RECIPIENT) for r in message.send.recipients if r.place in gone)


def _places(unreadable: Unreadable) -> tuple[str, ...]:
    return (unreadable.place,) if unreadable.place else ()
