"""A signed webhook of each provider, told to a running gate, ends in the standing of its recipient."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

from proxy import app
from proxy.hooks.base import Hook, Says
from tests.conftest import OpenGate, RunningGate

if TYPE_CHECKING:
    from tests.hooks.conftest import Table


def unsubscribe(table: Table) -> tuple[bytes, str]:
    """Give a body of the table by which somebody alone unsubscribes or complains, and who that is."""
    for body, told in table.module.ITEMS.values():
        if len(told) == 1 and told[0][0] in (Says.UNSUBSCRIBE, Says.COMPLAINT):
            return body, told[0][1]
    pytest.fail("the table has nobody who says no")


def route_of(table: Table, hook: Hook) -> tuple[str, dict[str, Any]]:
    """Give the route that the hook's address names, with a webhook that believes the table's keys."""
    name = urlsplit(hook.url).path.rpartition("/")[2]
    webhook = {"key": list(table.secrets.keys), "topics": list(table.secrets.topics)}
    believed = {key: value for key, value in webhook.items() if value}
    return name, {"provider": table.name, "upstream": "sandbox", "webhook": believed}


async def tell(gate: RunningGate, hook: Hook) -> int:
    """Hand a hook in at the public listener; give the status."""
    parts = urlsplit(hook.url)
    url = URL(gate.url("public") + parts.path + (f"?{parts.query}" if parts.query else ""), encoded=True)
    async with (
        aiohttp.ClientSession() as session,
        session.request(hook.method, url, data=hook.body, headers=hook.headers) as answer,
    ):
        return answer.status


async def test_a_signed_webhook_ends_in_the_standing(
    table: Table, open_gate: OpenGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says no at the provider is opted out of this channel once the webhook is answered."""
    fetched: Mapping[str, bytes] = getattr(table.module, "FETCHED", {})

    async def fetch(url: str) -> bytes:
        return fetched[url]

    monkeypatch.setattr(app, "fetch", fetch)
    body, address = unsubscribe(table)
    hook = table.sign(body, int(time.time()))
    name, route = route_of(table, hook)
    parts = urlsplit(hook.url)
    gate = await open_gate(routes={name: route}, public_url=f"{parts.scheme}://{parts.netloc}")
    assert await tell(gate, hook) == 200
    told = (await gate.api("GET", f"/standing?address={address.replace('+', '%2B')}")).json
    assert [list(each["optOuts"]) for each in told["items"]] == [["MAIL"]]
