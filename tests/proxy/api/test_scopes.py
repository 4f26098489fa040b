"""Scopes: the requests of Optimizely's documents and of clients written for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import OpenGate, RunningGate

SCOPES = "/api/v1.0/scopes"


def scope(name: str, description: str = "") -> dict[str, str]:
    """Write a scope as it is answered."""
    return {"ScopeId": name, "Description": description}


async def test_scopes_are_declared_and_read(gate: RunningGate) -> None:
    """PUT declares a scope or describes it anew, GET reads one in any case, and the list has the default one too."""
    for path, body, status, told in [
        ("/shop", {"Description": "The shop"}, 201, scope("shop", "The shop")),
        ("/Shop/", {"ScopeId": "shop", "Description": "Our shop"}, 400, None),
        ("/shop/", {"ScopeId": "shop", "description": "Our shop"}, 200, scope("shop", "Our shop")),
        ("/blog", {}, 201, scope("blog")),
    ]:
        answer = await gate.api("PUT", f"{SCOPES}{path}", body)
        assert answer.status == status
        assert told is None or answer.json == told
    assert (await gate.api("GET", f"{SCOPES}/SHOP")).json == scope("shop", "Our shop")
    assert (await gate.api("GET", f"{SCOPES}/other")).status == 404
    listed = (await gate.api("GET", f"{SCOPES}/")).json
    assert (listed["total"], listed["count"]) == (3, 3)
    assert listed["items"][1:] == [scope("blog"), scope("shop", "Our shop")]
    assert listed["items"][0]["ScopeId"] == "default"


async def test_scopes_of_the_configuration(open_gate: OpenGate) -> None:
    """A scope that the configuration gives a unit is there, and may be described."""
    gate = await open_gate(profiles={"business_units": {"shop": "DE"}})
    assert (await gate.api("GET", f"{SCOPES}/shop")).json == scope("shop")
    answer = await gate.api("PUT", f"{SCOPES}/shop", {"Description": "x"})
    assert (answer.status, answer.json) == (200, scope("shop", "x"))


async def test_guids_and_capitals_where_it_is_configured(open_gate: OpenGate) -> None:
    """A site's id is a scope where capitals and hyphens may be."""
    gate = await open_gate(blacklists={"lenient_scopes": True})
    guid = "bacb5c80-191e-433f-9fb2-b07c47b862af"
    assert (await gate.api("PUT", f"{SCOPES}/{guid}", {"Description": "CMS"})).status == 201
    assert (await gate.api("PUT", f"{SCOPES}/CommerceSite", {})).json == scope("CommerceSite")
    assert (await gate.api("PUT", f"{SCOPES}/commercesite", {})).json == scope("CommerceSite")


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        pytest.param("default", {}, "ScopeId", id="the default scope"),
        pytest.param("CommerceSite", {}, "ScopeId", id="capitals"),
        pytest.param("_shop", {}, "ScopeId", id="an underscore in front"),
        pytest.param("a" * 65, {}, "ScopeId", id="65 letters"),
        pytest.param("shop", {"Description": "x" * 257}, "Description", id="a long description"),
        pytest.param("shop", {"Description": 1}, "Description", id="a number"),
        pytest.param("shop", {"Name": "x"}, "name", id="another field"),
        pytest.param("shop", [], "body", id="an array"),
        pytest.param("shop", b"{", "body", id="no JSON"),
    ],
)
async def test_faults(gate: RunningGate, name: str, body: Any, field: str) -> None:
    """What is no scope is 400, names the field, and is not there afterwards."""
    answer = await gate.api("PUT", f"{SCOPES}/{name}", body)
    assert (answer.status, answer.json["field"].lower()) == (400, field.lower())
    assert (await gate.api("GET", SCOPES)).json["total"] == 1


async def test_twenty_of_them(gate: RunningGate) -> None:
    """There are up to twenty beside the default scope."""
    for number in range(20):
        assert (await gate.api("PUT", f"{SCOPES}/scope{number}", {})).status == 201
    assert (await gate.api("PUT", f"{SCOPES}/scope20", {})).json["field"] == "ScopeId"
    assert (await gate.api("PUT", f"{SCOPES}/scope19", {"Description": "x"})).status == 200
    answer = await gate.api("GET", f"{SCOPES}?$top=1")
    assert (answer.status, answer.json["type"]) == (400, "UNKNOWN_VALUE")
