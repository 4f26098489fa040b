"""What the tree of config.py looks like from outside: rows for README, a JSON schema for editors, keys for messages.

All three are read from the fields themselves, so that none of them can promise a key that is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from proxy.config import Config, Listener, Policy
from proxy.faults import Place

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
REFERENCE: Final[Mapping[str, str]] = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "${NAME}, ${NAME:-default} or ${file:PATH}",
}
REQUIRED: Final = "(required)"
NONE: Final = "(none)"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the file: its path (`*` for a name or a position), its default as it would be written, its meaning."""

    path: str
    default: str
    description: str


def settings() -> list[Setting]:
    """List every key of config.yaml that takes a value, in the order of the file.

    A policy key stands once, under `policy`, though every route takes it too.
    """
    return list(_rows(Config, ()))


def schema() -> dict[str, Any]:
    """Describe config.yaml as a JSON schema (draft 2020-12).

    It is for editors and therefore more lenient than loading: where a number, a switch or a word of a list is
    expected, a reference (`${…}`) may stand too.
    """
    made = _for_editors(Config.model_json_schema())
    for key in Policy.model_fields:  # a route that leaves them open takes those of `policy`, not these defaults
        made["$defs"]["Route"]["properties"][key].pop("default", None)
    made["$defs"]["Reference"] = dict(REFERENCE)
    return {"$schema": DIALECT, "title": "config.yaml of sendgate", **made}


def schema_text() -> str:
    """Write the schema as config.schema.json has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def keys_at(loc: Place) -> list[str]:
    """List the keys that are known at a place of the tree, in the order of its fields."""
    models = _models_at(Config, loc)
    own = [key for model in models for key in model.model_fields if key not in Policy.model_fields or model is Policy]
    inherited = [key for model in models for key in model.model_fields if key not in own]
    return list(dict.fromkeys([*own, *inherited]))


def kinds_at(loc: Place) -> list[str]:
    """List the kinds that a section may have (`bearer`, `basic`, …)."""
    return [_kind(model) for model in _models_at(Config, loc)]


def _rows(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[Setting]:
    for key, info in model.model_fields.items():
        if _inherited(model, key):
            continue
        place = (*path, key)
        section = _section(info.annotation)
        if section is None:
            yield Setting(".".join(place), _written(info), info.description or "")
        else:
            yield from _rows(section, (*place, "*") if _is_collection(info.annotation) else place)


def _inherited(model: type[BaseModel], key: str) -> bool:
    """Tell whether a key is one of `policy` that stands in a route."""
    return model is not Policy and issubclass(model, Policy) and key in Policy.model_fields


def _section(annotation: Any) -> type[BaseModel] | None:
    """Give the section that a key opens; a listener is written as an address, and an `auth` is one of several."""
    models = _models_in(annotation)
    return models[0] if len(models) == 1 and models[0] is not Listener else None


def _is_collection(annotation: Any) -> bool:
    return get_origin(annotation) in (tuple, Mapping)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _models_at(model: type[BaseModel], loc: Place) -> list[type[BaseModel]]:
    """Follow a validation's steps through the tree: keys, then a name or position, or the kind of a section."""
    if not loc:
        return [model]
    annotation = model.model_fields[str(loc[0])].annotation
    models = _models_in(annotation)
    rest = loc[2:] if _is_collection(annotation) else loc[1:]
    if len(models) > 1 and rest:
        models, rest = [one for one in models if _kind(one) == rest[0]], rest[1:]
    return [found for one in models for found in _models_at(one, rest)]


def _kind(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


def _written(info: FieldInfo) -> str:
    """Write a default as it would stand in the file."""
    default = info.default
    if info.is_required():
        return REQUIRED
    if default is None:
        return NONE
    if isinstance(default, tuple):
        return f"[{', '.join(default)}]"
    return str(default).lower() if isinstance(default, bool) else str(default) or '""'


def _for_editors(part: Any) -> Any:
    """Drop what pydantic adds for programs, and let a reference stand where not every text may."""
    if isinstance(part, list):
        return [_for_editors(item) for item in part if item != {"type": "null"}]
    if not isinstance(part, dict):
        return part
    kept = {key: _for_editors(value) for key, value in part.items() if not (key == "title" and isinstance(value, str))}
    if kept.get("default", ...) is None:
        del kept["default"]
    if not _is_narrow(kept):
        return kept
    around = {key: kept.pop(key) for key in ("description", "default") if key in kept}
    return {**around, "anyOf": [kept, {"$ref": "#/$defs/Reference"}]}


def _is_narrow(part: Mapping[str, Any]) -> bool:
    """Tell whether a schema is one of a scalar that takes less than any text."""
    if part.get("type") in ("integer", "number", "boolean"):
        return True
    return part.get("type") == "string" and not part.keys().isdisjoint(("enum", "pattern"))
