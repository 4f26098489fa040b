"""The document of the whole API (OpenAPI 3.1), made from the route table and from what stands beside each handler.

A path that is not in the route table cannot stand in it, and a handler without a description cannot be served: making
the document fails, and a test makes it. What all endpoints have in common is said here once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import version
from typing import Annotated, Any, Final, Literal, TypeAlias

import orjson
from aiohttp import web
from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from proxy import ops
from proxy.api import anycase, own_shapes, shapes
from proxy.api.access import XNG_HEADER
from proxy.api.describing import JSON, OPERATIONS, Answer, Operation, Parameter, described
from proxy.errors import RETRY_AFTER

PATH: Final = "/openapi.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
REFERENCE: Final = "#/components/schemas/{model}"

Tree: TypeAlias = dict[str, Any]

_SECURITY: Final[Tree] = {
    "token": {"type": "apiKey", "in": "header", "name": XNG_HEADER},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_COMMON: Final[Mapping[int, Answer]] = {
    401: Answer("no key, or a wrong one"),
    403: Answer("the key's scopes do not reach"),
    503: Answer(
        "the store could not be read or written; nothing was taken",
        headers={"Retry-After": f"{RETRY_AFTER} seconds"},
    ),
}
_LARGE: Final = Answer("the body is over 4 MiB")
_NAMES: Final[Mapping[str, Parameter]] = {
    "id": Parameter("id", "the user's own id, of up to 16 KB; or that of a record or attribute", str),
    "xngId": Parameter("xngId", "the internal id", str),
    "email": Parameter("email", "an e-mail address, in any case", Annotated[str, Field(pattern="^[^/]*@[^/]*$")]),
    "scope": Parameter("scope", "a scope, in any case", str),
    "bu": Parameter("bu", "a business unit, in any case", str),
    "name": Parameter("name", "a segment's name", str),
    "trackingId": Parameter("trackingId", "as 202 answered it", Annotated[str, Field(pattern="^[0-9A-Fa-f-]{36}$")]),
}
# The ops listener has these too, and knows no API.
_OPS: Final[Mapping[str, Operation]] = {
    "/metrics": Operation(
        "Metrics, for Prometheus.", None, {200: Answer("metrics", str, ("text/plain",))}, public=True
    ),
    "/health/live": Operation("The process answers.", None, {200: Answer("it does", own_shapes.Live)}, public=True),
    "/health/ready": Operation(
        "Tells whether a send would be judged.",
        None,
        {200: Answer("it would", own_shapes.Ready), 503: Answer("it would not", own_shapes.Ready)},
        public=True,
    ),
}


class _Schemas(GenerateJsonSchema):
    """Schemas without titles: the names of fields say as much."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 (pydantic's signature)
        return False


class Document:
    """The document of one application, made once."""

    def __init__(self, app: web.Application) -> None:
        self._app = app

    @cached_property
    def text(self) -> bytes:
        """The document as JSON."""
        return orjson.dumps(document(self._app))


DOCUMENT: Final = web.AppKey("document", Document)


@described(
    Operation("This document.", None, {200: Answer("the document", shapes.Told)}),
)
async def get(request: web.Request) -> web.Response:
    """Answer the document, which is made when it is first asked for."""
    made = request.app[DOCUMENT]
    return web.Response(body=await asyncio.to_thread(lambda: made.text), content_type=JSON, charset="UTF-8")


def document(app: web.Application) -> Tree:
    """Describe every route of the application; raises LookupError for one that nobody described."""
    described = dict(_operations(app))
    schemas = _Components(described)
    paths: Tree = {}
    for (path, method), operation in described.items():
        paths.setdefault(path, {})[method] = _operation(path, method, operation, schemas)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "sendgate",
            "summary": "Users, their standing, and what was not sent.",
            "version": version("sendgate"),
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": _SECURITY},
    }


def _operations(app: web.Application) -> Iterator[tuple[tuple[str, str], Operation]]:
    """List what the application serves; HEAD stands for itself beside each GET."""
    for route in app.router.routes():
        path = anycase.shown(route.resource)
        if route.method != "HEAD":
            found = _OPS[path] if path in ops.PATHS else OPERATIONS.get(route.handler)
            if found is None:
                raise LookupError(f"{route.method} {path} has no description beside its handler")
            yield (path, route.method.lower()), found


_Asked: TypeAlias = tuple[Any, Literal["validation", "serialization"], TypeAdapter[Any]]


class _Components:
    """The schemas of all types of the API, each by the type it was made from."""

    def __init__(self, operations: Mapping[Any, Operation]) -> None:
        shapes_used = {shape: None for operation in operations.values() for shape in _shapes(operation)}
        adapters: list[_Asked] = [(shape, "validation", TypeAdapter(shape)) for shape in shapes_used]
        made, rest = TypeAdapter.json_schemas(adapters, ref_template=REFERENCE, schema_generator=_Schemas)
        self._schemas = {shape: schema for (shape, _), schema in made.items()}
        self.components: Tree = {name: _untitled(schema) for name, schema in rest.get("$defs", {}).items()}

    def of(self, shape: Any) -> Tree:
        """Give the schema of a type."""
        return self._schemas[shape]


def _untitled(schema: Tree) -> Tree:
    return {key: value for key, value in schema.items() if key != "title"}


def _shapes(operation: Operation) -> Iterator[Any]:
    yield from (parameter.shape for parameter in (*operation.query, *operation.headers, *_NAMES.values()))
    yield from operation.path.values()
    yield from (answer.shape for answer in (*operation.answers.values(), *_COMMON.values()) if answer.shape is not None)
    yield operation.body


def _operation(path: str, method: str, operation: Operation, schemas: _Components) -> Tree:
    names = [_NAMES[name] for name in re.findall(r"{(\w+)}", path)]
    parameters = [
        *(_parameter(each, "path", operation.path.get(each.name, each.shape), schemas) for each in names),
        *(_parameter(each, "query", each.shape, schemas) for each in operation.query),
        *(_parameter(each, "header", each.shape, schemas) for each in operation.headers),
    ]
    told: Tree = {
        "operationId": f"{method}{re.sub(r'[^0-9A-Za-z]', '_', path)}",
        "summary": operation.says,
        "security": _security(operation),
        "parameters": parameters,
        "responses": {
            str(status): _response(answer, schemas) for status, answer in sorted(_answers(operation).items())
        },
    }
    if operation.body is not None:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas.of(operation.body)}}}
    return told


def _answers(operation: Operation) -> Mapping[int, Answer]:
    common = {} if operation.public else {401: _COMMON[401]} if operation.scope is None else _COMMON
    large = {} if operation.body is None else {413: _LARGE}
    return {**common, **large, **operation.answers}


def _security(operation: Operation) -> list[Tree]:
    """Say which key opens an endpoint, with the scope that it needs as its role."""
    scopes = [] if operation.scope is None else [operation.scope.value]
    return [] if operation.public else [{scheme: scopes} for scheme in _SECURITY]


def _parameter(parameter: Parameter, where: str, shape: Any, schemas: _Components) -> Tree:
    return {
        "name": parameter.name,
        "in": where,
        "required": parameter.required or where == "path",
        "description": parameter.says,
        "schema": schemas.of(shape),
    }


def _response(answer: Answer, schemas: _Components) -> Tree:
    told: Tree = {"description": answer.says}
    if answer.headers:
        told["headers"] = {
            name: {"description": says, "schema": {"type": "string"}} for name, says in answer.headers.items()
        }
    if answer.shape is not None:
        told["content"] = {
            media: {"schema": schemas.of(answer.shape) if media == JSON else {}} for media in answer.media
        }
    return told
