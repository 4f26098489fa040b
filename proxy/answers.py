"""What goes back to the sender: the provider's answer as it came, or the gate's own in the provider's shape.

Every answer carries the decision's id and how the request ended; none ever carries an address.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from aiohttp import web
from multidict import CIMultiDict

from policy.model import Ending, Outcome, Refused
from policy.reasons import Reason
from proxy import errors, headers
from proxy.errors import RETRY_AFTER, NotSent
from proxy.exchange import Overheard, Upstreams
from proxy.gate import Route
from proxy.providers.base import Answer, Message, Request
from proxy.upstream import UpstreamFailure

DECISION = "X-Sendgate-Decision"
OUTCOME = "X-Sendgate-Outcome"
REFUSED = "X-Sendgate-Refused"
REASONS = "X-Sendgate-Reasons"
STRIPPED = "X-Sendgate-Stripped"  # the provider's switches past its own suppression that were taken out
PASSED = "X-Sendgate-Passed"  # the switches without which this would have been refused

# Refusals about a person: only these can be answered the way a provider answers for a suppressed recipient.
_ABOUT_PEOPLE = frozenset(
    {Reason.BLACKLISTED, Reason.HARD_BOUNCED, Reason.BLACKLIST_ENTRY, Reason.OPTED_OUT, Reason.OPTED_OUT_CHANNEL}
)


def no_route(outcome: Outcome) -> web.Response:
    """Answer a request that leads to no route; there is no provider whose shape it could have."""
    told = {"error": "no route of this gate has that name; the first segment of the path names the route"}
    answer = Answer(404, orjson.dumps(told), "application/json")
    return _own(answer, outcome)


def refused(route: Route, message: Message, outcome: Outcome, recipients: tuple[Refused, ...]) -> web.Response:
    """Refuse a send for its recipients' sake, in the provider's words."""
    provider = route.provider
    silent = route.policy.refusal == "native" and not provider.TELLS_SUPPRESSION
    if silent and _ABOUT_PEOPLE.issuperset(each.reason for each in recipients):
        return _own(provider.accepted(message.request, outcome.decision), outcome)
    return _own(provider.refused(message, errors.refusal(recipients)), outcome)


def not_sent(request: Request, route: Route, outcome: Outcome, ending: NotSent) -> web.Response:
    """Answer a request that ended as a whole, in the provider's words."""
    response = _own(route.provider.refusal(request, ending.refusal()), outcome)
    if errors.passing(response.status):
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def translated(answer: Answer, pairs: headers.Headers, outcome: Outcome) -> web.Response:
    """Give the provider's answer to what was left of a send as one to what the sender sent, under its own headers."""
    response = _own(answer, outcome)
    for name, value in _decoded(pairs):
        response.headers.add(name, value)
    return response


async def relay(request: web.BaseRequest, response: Upstreams | Overheard, outcome: Outcome) -> web.StreamResponse:
    """Give the provider's answer to the sender as it came; a long one in pieces."""
    given = CIMultiDict(_decoded(headers.end_to_end(response.headers)))
    given.update(_told(outcome))
    reason = _phrase(response.reason)
    body = response.complete
    if body is not None:
        if request.method == "HEAD":
            given.update(_length(response))
        return web.Response(status=response.status, reason=reason, headers=given, body=body)
    answer = web.StreamResponse(status=response.status, reason=reason, headers=given)
    answer.headers.update(_length(response))
    try:
        await answer.prepare(request)
        async for chunk in response:
            await answer.write(chunk)
        await answer.write_eof()
    except UpstreamFailure:
        answer.force_close()
        if request.transport is not None:
            request.transport.abort()  # a body cut short must not look whole
    except ConnectionError:
        answer.force_close()  # the sender does not wait for the rest; the send went out all the same
    finally:
        response.close()
    return answer


def _own(answer: Answer, outcome: Outcome) -> web.Response:
    given = CIMultiDict(answer.headers)
    if answer.content_type:
        given["Content-Type"] = answer.content_type
    given.update(_told(outcome))
    return web.Response(status=answer.status, headers=given, body=answer.body)


def _told(outcome: Outcome) -> dict[str, str]:
    told = {DECISION: outcome.decision, OUTCOME: outcome.ending.value}
    reasons = {each.reason for each in outcome.refused}
    if outcome.reason is not None:
        reasons.add(outcome.reason)
    refused = sum(each.enforced for each in outcome.refused)
    if refused:
        told[REFUSED] = str(refused)
    elif outcome.ending is Ending.REFUSED and outcome.recipients:
        told[REFUSED] = str(outcome.recipients)
    if reasons:
        told[REASONS] = ", ".join(sorted(reasons))
    if outcome.stripped:
        told[STRIPPED] = ", ".join(outcome.stripped)
    if outcome.marks and outcome.ending not in (Ending.REFUSED, Ending.FAILED):
        told[PASSED] = ", ".join(outcome.marks)
    return told


def _phrase(reason: str) -> str | None:
    """Give the provider's reason phrase, or None for the usual one where it could not stand in a status line."""
    return reason if reason and reason.isascii() and reason.isprintable() else None


def _length(response: Upstreams | Overheard) -> dict[str, str]:
    lengths = {value.decode("latin-1") for name, value in response.headers if name.lower() == b"content-length"}
    return {"Content-Length": lengths.pop()} if len(lengths) == 1 else {}


def _decoded(pairs: headers.Headers) -> Iterator[tuple[str, str]]:
    """Make text of raw headers; bytes that are not UTF-8 are read as Latin-1, which every byte is."""
    for name, value in pairs:
        try:
            yield name.decode("ascii"), value.decode("utf-8")
        except UnicodeDecodeError:
            yield name.decode("latin-1"), value.decode("latin-1")
