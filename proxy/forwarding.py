"""Steps 5 and 6 of a walk: what is left of a request goes out, is answered, and what became of it is recorded.

What the provider did is written after its answer is known and never changes it. An answer is relayed as it came, unless
it speaks of a send that the gate has changed (exchange.py takes it whole then).
"""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from policy import Policy, StoreUnavailable
from policy.model import Ending, Sent
from policy.reasons import Reason
from proxy import answers, bodies, dropping, errors, inserting, requests, weighing
from proxy.errors import NotSent
from proxy.exchange import ABOUT_THE_BYTES, ENCODED, Overheard, exchange, tells_each, went_out, whole
from proxy.providers.base import Message, Trimmed
from proxy.walk import Walk

_STREAMED_FROM = 1 << 20  # bytes of a harmless request's body above which it is not held in memory


class Forwarding:
    """How requests leave the senders' door."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def all(self, walk: Walk, message: Message, trimmed: Trimmed | None) -> web.StreamResponse:
        """Forward a send of which nobody is refused: as it came, or as it was written anew, without its bypasses."""
        written = await inserting.linked(walk, message, trimmed)
        if written is None:
            return await self._forward(walk, walk.body)
        return await self._forward(walk, written.body, without=ABOUT_THE_BYTES)

    async def unread(self, walk: Walk) -> web.StreamResponse:
        """Forward a send that cannot be read and passes all the same."""
        return await self._forward(walk, walk.body)

    async def trimmed(self, walk: Walk, message: Message, trimmed: Trimmed) -> web.StreamResponse:
        """Forward what is left of a send, and translate the answer where it speaks by position."""
        trimmed = await inserting.linked(walk, message, trimmed) or trimmed
        if not trimmed.restores:
            return await self._forward(walk, trimmed.body, without=ABOUT_THE_BYTES)
        response = await exchange(walk, trimmed.body, without=ABOUT_THE_BYTES | ENCODED)
        answer, pairs = await whole(response)
        refusal = errors.refusal(tuple(each for each in walk.outcome.refused if each.enforced))
        restored = walk.route.provider.restored(message, trimmed, refusal, answer)
        await self._answered(walk, response.status, went_out(walk, restored))
        await dropping.learn(self._policy, walk, answer.body)
        return answers.translated(restored, pairs, walk.outcome)

    async def _forward(
        self, walk: Walk, body: bytes | None, *, without: frozenset[bytes] = frozenset()
    ) -> web.StreamResponse:
        response = await exchange(walk, body or b"", without=without)
        told = tells_each(walk, response)
        if told:
            answer, pairs = await whole(response)
            await self._answered(walk, answer.status, went_out(walk, answer))
            return answers.translated(answer, pairs, walk.outcome)
        await self._answered(walk, response.status, None if told is None else frozenset())
        if not dropping.may_tell(walk):
            return await answers.relay(walk.arrival.source, response, walk.outcome)
        overheard = Overheard(response)
        relayed = await answers.relay(walk.arrival.source, overheard, walk.outcome)
        await dropping.learn(self._policy, walk, overheard.plain())
        return relayed

    async def _answered(self, walk: Walk, status: int, went: frozenset[str] | None) -> None:
        """Note what the provider said, and record what became of what went out, to all or to those at these places."""
        if status >= 400:
            unsure = status >= 500 or went is None  # a provider that failed may have taken the send before
            walk.delivered = len(went or ())
            walk.end(NotSent(Reason.UPSTREAM_REFUSED, sent=Sent.UNKNOWN if unsure else Sent.NO))
        else:
            walk.note(sent=Sent.YES)
        if walk.outcome.reason is not Reason.STORE_UNAVAILABLE:  # that a record failed was found out a moment ago
            await self.record(walk)

    async def pass_through(self, walk: Walk) -> web.StreamResponse:
        """Hand a request on that dispatches nothing, or that nobody can judge and the configuration lets pass."""
        walk.note(ending=Ending.PASSED_THROUGH)
        body = await self._body_to_pass(walk)
        response = await exchange(walk, body)
        if walk.outcome.reason is not None:
            await self.record(walk)
        return await answers.relay(walk.arrival.source, response, walk.outcome)

    async def _body_to_pass(self, walk: Walk) -> bytes | requests.Chunks:
        """Give the body of a request that nobody reads: streamed, unless it is small or the credential needs it."""
        if walk.body is not None:
            return walk.body
        source, credential = walk.arrival.source, walk.route.credential
        await requests.invite_body(source)
        if credential is not None and credential.whole:
            body = await bodies.read(source, walk.route.settings.max_body, walk.held)
            walk.weight = await bodies.over(body, weighing.weigh, replace(walk.request, body=body))
            return body
        if source.body_exists and (source.content_length is None or source.content_length > _STREAMED_FROM):
            return source.content.iter_any()
        return await bodies.read(source, _STREAMED_FROM, walk.held)

    async def record(self, walk: Walk) -> None:
        """Record what became of what went out: whom shadow mode let have it, and how the send ended.

        A failure of the store changes nothing then, and its 503 would ask for a repeat.
        """
        try:
            await self._policy.record(walk.remaining())
        except StoreUnavailable:
            walk.mark("unrecorded")
