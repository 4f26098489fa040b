"""The document of the API held against what the API answers, wherever a test asks it.

Every answer must have a status that the document knows for its endpoint, with a body of the shape and the media type
that stand there. What is no endpoint is not the document's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from policy import Policy
from proxy import ops
from proxy.api import openapi
from proxy.api.application import application
from proxy.api.context import Context
from proxy.loading import load
from proxy.metrics import Metrics

CONFIG = Path(__file__).parents[1] / "config.yaml"


@cache
def document() -> dict[str, Any]:
    """Make the document, without a gate."""
    policy, metrics = Policy(Path("nowhere.db")), Metrics()
    config = load(CONFIG, {}).config
    context = Context(policy, lambda: config, metrics.learned, dict)
    return openapi.document(application(context, ops.Health(policy, metrics, lambda: config)))


def check(method: str, target: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Fail if an answer of the API is not documented."""
    path = target.partition("?")[0]
    found = (told.get(method.lower()) for pattern, told in _patterns() if pattern.fullmatch(path))
    operation = next(filter(None, found), None)
    if operation is None:
        return
    answer = operation["responses"].get(str(status))
    assert answer is not None, f"{method} {path} → {status} is not documented"
    kind = headers.get("Content-Type", "").partition(";")[0]
    if body:
        media = {name.partition(";")[0]: told["schema"] for name, told in answer.get("content", {}).items()}
        assert kind in media, f"{method} {path} → {status} {kind} is not documented"
        if kind == "application/json":
            _validator(json.dumps(media[kind])).validate(json.loads(body))


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Give the paths as patterns, those with the fewest names first."""
    paths = sorted(document()["paths"].items(), key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), told) for path, told in paths]


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {"components": document()["components"], **json.loads(schema)}
    return Draft202012Validator(whole)
