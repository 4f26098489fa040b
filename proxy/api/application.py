"""The operators' door as one aiohttp application: paths, who may come in, and faults as answers.

The same application serves the api listener and the Unix socket beside the store. Whoever can open the socket (mode
0600) is the operator, so no key is asked there.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from policy import AddressListed, AddressTaken, StoreUnavailable, UnknownEntry, UnknownUser, times
from policy.events import Origin
from proxy import log, ops
from proxy.api import (
    anycase,
    attributes,
    batch,
    blacklists,
    conflicts,
    erasing,
    events,
    importing,
    openapi,
    own_shapes,
    profile_store,
    reading,
    records,
    scopes,
    segments,
    standing,
    statistics,
    timeline,
    track_events,
    users,
    users_v2,
)
from proxy.api.access import CALLER, EVERYTHING, Caller, Denied, identify, require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT, Context
from proxy.api.describing import Answer, Operation, described
from proxy.api.reading import BadField
from proxy.config import Scope
from proxy.errors import RETRY_AFTER

# What may stand for a name in a path. Words of the paths are ids too: of `/users/email/events` nobody must be able to
# say whether an e-mail is meant, so names with a form of their own are taken in that form alone.
_ID: Final = "{id:[^/]+}"
_XNG_ID: Final = "{xngId:[^/]+}"
_EMAIL: Final = "{email:[^/]*@[^/]*}"
_UNIT: Final = "{bu:[^/]+}"
_TRACKING_ID: Final = "{trackingId:[0-9A-Fa-f-]{36}}"

OPERATOR = Caller("cli", EVERYTHING, Origin.CLI)


def application(context: Context, health: ops.Health, *, operator: bool = False) -> web.Application:
    """Build the application; with `operator`, for the Unix socket."""
    app = web.Application(
        middlewares=[_faults, _as_operator if operator else _with_key], client_max_size=reading.LARGEST_BODY
    )
    app[CONTEXT] = context
    app[openapi.DOCUMENT] = openapi.Document(app)
    app.add_routes(
        [
            web.post("/events", events.post),
            web.post("/events/", events.post),
            web.get(f"/users/{_ID}/blacklist-status", users.get_blacklist_status),
            web.put(f"/users/{_ID}/blacklist-status", users.put_blacklist_status),
            web.get(f"/users/{_ID}/optout-status", users.get_optout_status),
            web.put(f"/users/{_ID}/optout-status", users.put_optout_status),
            web.get(f"/users/{_ID}/recipient-status", users.get_recipient_status),
            web.delete(f"/users/xngId/{_XNG_ID}", users.delete_by_xng_id),
            web.post("/users/batch", users_v2.post_batch),
            web.post("/leads/", batch.post_leads),
            web.post("/leads", batch.post_leads),
            web.post("/users/attributes", attributes.post),
            web.get("/users/attributes", attributes.get_list),
            web.get("/users/attributes/{id:[0-9]+}", attributes.get_one),
            web.delete("/users/attributes/{id:[0-9]+}", attributes.delete),
            web.put("/users", users_v2.put_user),
            web.get(f"/users/email/{_EMAIL}/bu/{_UNIT}", users_v2.get_by_email),
            web.get(f"/users/email/{_EMAIL}/bu/", users_v2.get_by_email),
            web.get(f"/users/email/{_EMAIL}", users_v2.get_by_email),
            web.get(f"/users/track/{_TRACKING_ID}", users_v2.get_track),
            web.get(f"/users/{_ID}/events", timeline.get),
            web.get(f"/users/{_ID}/export", users.get_export),
            web.get(f"/users/{_ID}", users.get_user),
            web.put(f"/users/{_ID}", users.put_user),
            web.delete(f"/users/{_ID}", users_v2.delete_user),
            web.get("/dispatch-failed", records.get_list),
            web.get("/dispatch-failed/summary", records.get_summary),
            web.get("/dispatch-failed/{id}", records.get_one),
            web.get("/standing", standing.get),
            web.get("/held", erasing.get_held),
            web.post("/erasures", erasing.post),
            web.post("/rebuild", erasing.post_rebuild),
            web.get("/conflicts", conflicts.get_list),
            web.delete("/conflicts/{id}", conflicts.delete),
            web.post("/import", importing.post),
            web.get("/segments", segments.get_list),
            web.post("/segments", segments.post),
            web.get("/segments/{name}", segments.get_one),
            web.delete("/segments/{name}", segments.delete),
            web.get("/segments/{name}/users", segments.get_users),
            web.get("/statistics/opt-outs", statistics.get_opt_outs),
            web.get("/statistics/dispatch-failed", statistics.get_dispatch_failed),
            web.get(anycase.path("blacklists"), blacklists.get_list),
            web.post(anycase.path("blacklists"), blacklists.post),
            web.get(anycase.path("blacklists", f"/{_ID}"), blacklists.get_one),
            web.delete(anycase.path("blacklists", f"/{_ID}"), blacklists.delete),
            web.delete(anycase.path("blacklists", f"/{_ID}/ClearUserData"), blacklists.clear_user_data),
            web.get(anycase.path("profiles"), profile_store.get_list),
            web.post(anycase.path("profiles"), profile_store.post),
            web.put(anycase.path("profiles", f"/{_ID}"), profile_store.put),
            web.delete(anycase.path("profiles", f"/{_ID}"), profile_store.delete),
            web.get(anycase.path("profiles", f"/{{scope:[^/]+}}/{_ID}"), profile_store.get_one),
            web.put(anycase.path("profiles", f"/{{scope:[^/]+}}/{_ID}"), profile_store.put),
            web.delete(anycase.path("profiles", f"/{{scope:[^/]+}}/{_ID}"), profile_store.delete),
            web.post(anycase.path("track"), track_events.post),
            web.post(anycase.path("trackBulk"), track_events.post_bulk),
            web.get(anycase.path("trackEventsV1"), track_events.get_list),
            web.get(anycase.path("trackEvents"), track_events.get_list),
            web.get(anycase.path("scopes"), scopes.get_list),
            web.get(anycase.path("scopes", f"/{_ID}"), scopes.get_one),
            web.put(anycase.path("scopes", f"/{_ID}"), scopes.put),
            web.get("/sandbox/messages", sandbox_messages),
            web.get(openapi.PATH, openapi.get),
            *ops.routes(health),
        ]
    )
    return app


@described(
    Operation(
        "Shows the last messages that the sandbox routes got, newest first.",
        Scope.RECORDS,
        answers={200: Answer("the messages", own_shapes.SandboxMessages)},
    )
)
async def sandbox_messages(request: web.Request) -> web.Response:
    """Show the last messages that the built-in upstreams got, newest first."""
    require(request, Scope.RECORDS)
    sandboxes = request.app[CONTEXT].sandboxes()
    messages = sorted((m for box in sandboxes.values() for m in box.messages), key=lambda m: m.at, reverse=True)
    items = [{**asdict(message), "at": times.written(message.at)} for message in messages]
    return as_json({"items": items, "next": None})


@web.middleware
async def _with_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path not in ops.PATHS:
        request[CALLER] = identify(request, request.app[CONTEXT].config().api)
    return await handler(request)


@web.middleware
async def _as_operator(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[CALLER] = OPERATOR
    return await handler(request)


@web.middleware
async def _faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Make an answer of every fault, in the contract's shapes: empty bodies where it documents none."""
    try:
        return await handler(request)
    except BadField as fault:
        return as_json(fault.told(), fault.status)
    except (AddressTaken, AddressListed) as refused:
        found = _fault_of(refused)
        return as_json(found.told(), found.status)
    except (UnknownUser, UnknownEntry):
        return web.Response(status=404)
    except StoreUnavailable as unavailable:
        log.get().error("store_unavailable", door="api", detail=str(unavailable))
        return web.Response(status=503, headers={"Retry-After": str(RETRY_AFTER)})
    except (Denied, web.HTTPException) as answer:
        return web.Response(status=answer.status, headers=_allowed(answer))


def _allowed(answer: Exception) -> dict[str, str]:
    """Say which methods there are, where another was used (RFC 9110, section 15.5.6)."""
    return {"Allow": answer.headers["Allow"]} if isinstance(answer, web.HTTPMethodNotAllowed) else {}


def _fault_of(refused: AddressTaken | AddressListed) -> BadField:
    if isinstance(refused, AddressListed):
        return BadField(refused.field, reading.BLACKLISTED, 403, says="this address is on a blacklist")
    return BadField("email", reading.WRONG_VALUE)
