"""POST /users/batch and POST /leads/: many people in one request, each item with its own result (CrossEngage v1).

An item that is wrong does not stop the others: the answer is 200 where all went well and 400 where any did not, and
either way `updated` and `deleted` tell item by item. An item that names the same person as an earlier one of the
request is wrong: nobody can say which of the two was meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from policy import AddressListed, AddressTaken
from policy.events import Departure, Event, Subject
from policy.store import lookups
from policy.store.people import Person
from proxy.api import profiles, reading, shapes
from proxy.api.access import Caller, require
from proxy.api.answering import as_json
from proxy.api.context import CONTEXT, Context
from proxy.api.describing import Answer, Operation, described
from proxy.api.profiles import Written
from proxy.api.reading import BLACKLISTED, NOT_NULL, UNKNOWN_VALUE, WRONG_VALUE, BadField
from proxy.config import Scope

MOST: Final = 1000
LISTS: Final = ("updated", "deleted")

Read = Callable[[dict[str, Any]], tuple[Subject, Written]]  # an item → who it names, and what it tells


@dataclass(slots=True)
class Item:
    """One item on its way: what it tells, or the fault it has."""

    tree: dict[str, Any]
    subject: Subject = field(default_factory=Subject)
    written: Written | None = None
    fault: BadField | None = None


async def post_users(request: web.Request) -> web.Response:
    """Write and delete up to 1000 users."""
    caller = require(request, Scope.USERS)
    traits = request.app[CONTEXT].config().users.phone_traits

    def read(tree: dict[str, Any]) -> tuple[Subject, Written]:
        external_id = reading.text(tree, "id", required=True)
        if not external_id:
            raise BadField("id", NOT_NULL)
        return Subject(id=external_id), profiles.user(external_id, tree, traits, caller)

    return await _post(request, caller, read)


@described(
    Operation(
        "Writes and deletes up to 1000 leads, who are known by e-mail and business unit and deleted by xngId.",
        Scope.USERS,
        body=shapes.Batch,
        answers={
            200: Answer("all went well", shapes.Results, headers=profiles.IGNORED_TELLS),
            400: Answer(
                "some item was wrong, or the whole", shapes.Results | shapes.Fault, headers=profiles.IGNORED_TELLS
            ),
        },
    )
)
async def post_leads(request: web.Request) -> web.Response:
    """Write and delete up to 1000 leads; they are deleted by their internal id."""
    caller = require(request, Scope.USERS)
    traits = request.app[CONTEXT].config().users.phone_traits

    def read(tree: dict[str, Any]) -> tuple[Subject, Written]:
        written = profiles.lead(tree, traits, caller)
        keys = reading.email_keys(tree["email"])[:1]
        return Subject(business_unit=tree.get("businessUnit") or "", email_keys=keys), written

    return await _post(request, caller, read)


async def _post(request: web.Request, caller: Caller, read: Read) -> web.Response:
    context = request.app[CONTEXT]
    tree = await reading.body(request)
    updated, deleted = lists(tree)
    if len(updated) + len(deleted) > MOST:
        raise BadField("updated", WRONG_VALUE)
    keep = profiles.keeps(context, caller)
    seen: set[Subject] = set()
    items = {
        "updated": [_item(each, read, seen) for each in updated],
        "deleted": [_item(each, lambda tree: departure(tree, caller, keep=keep), seen) for each in deleted],
    }
    await _learn(context, [*items["updated"], *items["deleted"]])
    told = {name: await _told(context, items[name]) for name in LISTS}
    fine = all(result["success"] for results in told.values() for result in results)
    answer = as_json(told, 200 if fine else 400)
    ignored = {trait for item in items["updated"] if item.written for trait in item.written.ignored}
    if ignored:
        answer.headers[profiles.IGNORED] = ", ".join(sorted(ignored))
    return answer


def lists(tree: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give who is to be written and who deleted; raises BadField for anything but objects.

    One of the lists may be absent. Of a body without any, nobody would hear that its noes were not read.
    """
    if tree.keys().isdisjoint(LISTS):
        raise BadField(LISTS[0], NOT_NULL)
    return _listed(tree, LISTS[0]), _listed(tree, LISTS[1])


def _listed(tree: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = [] if tree.get(name) is None else tree[name]
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadField(name, WRONG_VALUE)
    return value


def _item(tree: dict[str, Any], read: Read, seen: set[Subject]) -> Item:
    try:
        subject, written = read(tree)
    except BadField as fault:
        return Item(tree, fault=fault)
    if subject in seen:
        return Item(tree, subject, fault=BadField("id", WRONG_VALUE))
    seen.add(subject)
    return Item(tree, subject, written)


def departure(tree: dict[str, Any], caller: Caller, *, keep: bool) -> tuple[Subject, Written]:
    """Read whom an item deletes, by their own id or by the internal one; raises BadField."""
    external_id, xng_id = reading.text(tree, "id"), reading.text(tree, "xngId")
    if not external_id and not xng_id:
        raise BadField("id", NOT_NULL)
    gone = Departure(external_id, None if external_id else xng_id, keep_suppressed=keep, source=caller.name)
    return Subject(id=external_id) if external_id else Subject(xng_id=xng_id), Written((gone,), {})


async def _learn(context: Context, items: list[Item]) -> None:
    sound = [(item, item.written) for item in items if item.written is not None]
    groups: list[tuple[Event, ...]] = [written.events for _, written in sound]
    results = await context.learn_each(groups, context.guard()) if groups else []
    for (item, written), result in zip(sound, results, strict=True):
        if isinstance(result, Exception):
            item.fault = _fault_of(result)
        else:
            context.learned((word, "ignored") for word in written.ignored.values())


def _fault_of(error: Exception) -> BadField:
    if isinstance(error, AddressListed):
        return BadField(error.field, BLACKLISTED)
    return BadField("email", WRONG_VALUE) if isinstance(error, AddressTaken) else BadField("id", UNKNOWN_VALUE)


async def _told(context: Context, items: list[Item]) -> list[dict[str, Any]]:
    """Tell what became of each item, with the ids of the person it was about where they are known."""
    people = await context.policy.ask(lookups.each([item.subject for item in items]))
    return [_result(item, person) for item, person in zip(items, people, strict=True)]


def _result(item: Item, person: Person | None) -> dict[str, Any]:
    told = {"id": item.tree.get("id"), "xngId": person.xng_id if person else item.tree.get("xngId")}
    if item.fault is None:
        return {**told, "success": True}
    return {**told, "success": False, "errors": [{"field": item.fault.field, "type": item.fault.kind}]}
