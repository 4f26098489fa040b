"""The document of the API: valid, and exactly what the application serves."""

from __future__ import annotations

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from proxy.api import anycase, openapi
from proxy.api.access import XNG_HEADER
from proxy.config import Scope
from tests import documented
from tests.conftest import OpenGate, RunningGate

METHODS = {"get", "put", "post", "delete"}


def operations() -> set[tuple[str, str]]:
    """List what the document tells of, by method and path."""
    return {(method, path) for path, told in documented.document()["paths"].items() for method in told}


def test_the_document_is_valid() -> None:
    """It is OpenAPI 3.1 by the specification's own schema, references and schemas included."""
    OpenAPIV31SpecValidator(documented.document()).validate()


async def test_every_route_is_in_the_document_and_nothing_else(gate: RunningGate) -> None:
    """What the served document tells of is what the api listener's application routes, but for HEAD beside GET."""
    (runner,) = (
        runner
        for runner in gate.app._runners
        if isinstance(runner, web.AppRunner) and runner.addresses == [gate.addresses["api"]]
    )
    routed = {
        (route.method.lower(), anycase.shown(route.resource)) for route in runner.app.router.routes() if route.resource
    }
    answer = await gate.api("GET", openapi.PATH)
    assert answer.json == documented.document()
    assert operations() == {(method, path) for method, path in routed if method != "head"}


def test_every_operation_is_told_whole() -> None:
    """Each says what it does, has a body where it writes, a key where one is asked, and its answers' shapes."""
    for path, told in documented.document()["paths"].items():
        assert set(told) <= METHODS
        for method, operation in told.items():
            where = f"{method} {path}"
            assert operation["summary"].endswith("."), where
            assert ("requestBody" in operation) is (method in ("put", "post") and path != "/rebuild"), where
            assert ("401" in operation["responses"]) is bool(operation["security"]), where
            names = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
            assert [f"{{{name}}}" in path for name in names] == [True] * path.count("{"), where
            assert any(status.startswith("2") for status in operation["responses"]), where
            for status, response in operation["responses"].items():
                assert response["description"], f"{where} {status}"


def test_types_are_told_in_their_own_words() -> None:
    """What a schema says of itself is one sentence of its type, and nothing that Python says of its dictionaries."""
    told = {name: each.get("description", "") for name, each in documented.document()["components"]["schemas"].items()}
    assert told["Conflicts"] == "One page of conflicts, and the cursor of the next."
    assert [name for name, says in told.items() if "dict" in says] == []


def test_scopes_are_told_as_roles() -> None:
    """What a key must hold stands with each scheme, and public paths ask none."""
    paths = documented.document()["paths"]
    assert paths["/events"]["post"]["security"] == [{"token": ["events"]}, {"bearer": ["events"]}]
    assert paths["/openapi.json"]["get"]["security"] == [{"token": []}, {"bearer": []}]
    assert paths["/health/live"]["get"]["security"] == []
    needs = [need for told in paths.values() for each in told.values() for need in each["security"]]
    assert {role for need in needs for roles in need.values() for role in roles} <= set(Scope)
    assert documented.document()["components"]["securitySchemes"]["token"]["name"] == XNG_HEADER


def test_a_handler_without_a_description_is_noticed() -> None:
    """Making the document fails over a route that nobody described."""

    async def undescribed(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/new", undescribed)])
    with pytest.raises(LookupError, match="GET /new"):
        openapi.document(app)


async def test_any_key_opens_the_document(open_gate: OpenGate) -> None:
    """A key of any scope reads it, and without one nobody learns a path from it."""
    gate = await open_gate(api={"keys": [{"name": "one", "key": "one", "scopes": ["blacklists"]}]})
    assert (await gate.api("GET", openapi.PATH)).status == 401
    answer = await gate.api("GET", openapi.PATH, headers={XNG_HEADER: "one"})
    assert (answer.status, answer.json["openapi"]) == (200, "3.1.0")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PATCH", "/events", {"POST"}), ("POST", "/users/1", {"GET", "HEAD", "PUT", "DELETE"})],
)
async def test_the_methods_that_there_are(gate: RunningGate, method: str, path: str, allowed: set[str]) -> None:
    """Where another method is used the answer names those that there are."""
    answer = await gate.api(method, path)
    assert (answer.status, set((answer.get("Allow") or "").split(","))) == (405, allowed)
