"""What the tree of config.yaml looks like from outside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from proxy.loading import parse
from proxy.schema import REQUIRED, Setting, keys_at, kinds_at, schema, schema_text, settings

ROOT = Path(__file__).parents[2]


def valid(tree: Any) -> bool:
    return not list(jsonschema.Draft202012Validator(schema()).iter_errors(tree))


def route(**keys: Any) -> Any:
    return {"routes": {"one": {"provider": "sendgrid", "upstream": "sandbox", **keys}}}


def nested(setting: Setting) -> str:
    """Write a setting's default at its path."""
    text = setting.default
    for part in reversed(setting.path.split(".")):
        text = f"{{{part}: {text}}}"
    return text


def test_the_schema_is_a_schema() -> None:
    """The schema keeps the dialect that it names."""
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_schema_in_the_repository_is_up_to_date() -> None:
    """config.schema.json is what the code makes; `make schema` writes it anew."""
    assert (ROOT / "config.schema.json").read_text() == schema_text()


def test_the_shipped_file_keeps_the_schema() -> None:
    """config.yaml names the schema in its first line and keeps it."""
    text = (ROOT / "config.yaml").read_text()
    assert text.splitlines()[0] == "# yaml-language-server: $schema=config.schema.json"
    jsonschema.validate(yaml.safe_load(text), schema())


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param({}, id="nothing"),
        pytest.param(route(mode="shadow", max_body=5, host="h", max_connections="${N}"), id="a reference for a number"),
        pytest.param(route(mode="${MODE}", timeout={"total": "${T}"}), id="references for a word and a duration"),
        pytest.param(
            route(listen={"address": "127.0.0.1:1", "tls": {"cert": "c", "key": "k"}}), id="a listener with TLS"
        ),
        pytest.param(route(auth={"kind": "basic", "username": "u", "password": "p"}), id="a credential"),
        pytest.param({"listen": {"proxy": "127.0.0.1:8080"}}, id="a listener as an address"),
        pytest.param({"senders": [{"name": "s", "key": ["a", "b"], "routes": ["one"]}]}, id="two keys"),
        pytest.param({"api": {"keys": [{"name": "k", "key": "${K}", "scopes": ["users", "${S}"]}]}}, id="scopes"),
    ],
)
def test_editors_take_what_loading_takes(tree: Any) -> None:
    """The schema lets through what may be written, references where other than text is expected included."""
    assert valid(tree)


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param({"lgo": {}}, id="an unknown key"),
        pytest.param(route(policy={}), id="an unknown key in a route"),
        pytest.param({"routes": {"one": {"upstream": "sandbox"}}}, id="no provider"),
        pytest.param(route(mode="of"), id="a wrong word"),
        pytest.param(route(timeout={"total": "5"}), id="no unit"),
        pytest.param(route(max_connections=0), id="too small a number"),
        pytest.param(route(auth={"kind": "basic", "token": "t"}), id="a key of another kind"),
        pytest.param(route(auth=None), id="no value"),
        pytest.param({"api": {"keys": [{"name": "k", "key": ["a", "b", "c"], "scopes": []}]}}, id="three keys"),
        pytest.param({"api": {"keys": [{"name": "k", "key": "a", "scopes": ["all"]}]}}, id="a wrong scope"),
    ],
)
def test_editors_mark_what_loading_refuses(tree: Any) -> None:
    """The schema marks unknown keys and wrong values as they are typed."""
    assert not valid(tree)


def test_a_route_promises_no_default_for_policy_keys() -> None:
    """In the schema a route's policy keys have no default: they take what `policy` says."""
    properties = schema()["$defs"]
    assert properties["Policy"]["properties"]["mode"]["default"] == "enforce"
    assert "default" not in properties["Route"]["properties"]["mode"]


def test_every_setting_is_told_once_with_its_meaning() -> None:
    """Every key that takes a value has one row, with one line of meaning."""
    rows = settings()
    assert len({row.path for row in rows}) == len(rows)
    assert all(re.fullmatch(r"[^\n|]{10,160}", row.description) for row in rows), rows
    assert {"listen.proxy", "policy.mode", "routes.*.upstream", "senders.*.key", "log.level"} <= {
        row.path for row in rows
    }
    assert not [row.path for row in rows if row.path.startswith("routes.*.mode")]


@pytest.mark.parametrize("setting", [pytest.param(row, id=row.path) for row in settings() if "*" not in row.path])
def test_the_told_default_is_what_holds(setting: Setting) -> None:
    """Writing a default into the file, as the table tells it, changes nothing."""
    if setting.path == "store.pepper":
        assert setting.default == '""'
    assert parse(nested(setting), {}, lambda _: b"") == parse("{}", {}, lambda _: b"")


def test_required_keys_are_told() -> None:
    """What has no default is marked as required."""
    required = {row.path for row in settings() if row.default == REQUIRED}
    assert {"routes.*.provider", "routes.*.upstream", "senders.*.name"} <= required


@pytest.mark.parametrize(
    ("loc", "keys"),
    [
        pytest.param(("listen",), ["proxy", "api", "public", "ops"], id="a section"),
        pytest.param(("routes", "provider", "timeout"), ["connect", "total"], id="a route that is called like a key"),
        pytest.param(("senders", 0, "listen"), ["address", "tls"], id="a place in a list"),
        pytest.param(
            ("routes", "one", "auth", "basic"), ["kind", "username", "password", "account"], id="a section of a kind"
        ),
    ],
)
def test_known_keys_are_found_by_place(loc: tuple[str | int, ...], keys: list[str]) -> None:
    """At every place of the tree the keys that may stand there are known."""
    assert keys_at(loc) == keys


def test_a_route_names_its_own_keys_first() -> None:
    """A route's own keys stand before those that it shares with `policy`."""
    keys = keys_at(("routes", "one"))
    assert (keys[:2], keys[-1]) == (["provider", "upstream"], "max_schedule_ahead")


def test_kinds_are_found_by_place() -> None:
    """Where a section has a kind, the kinds are known."""
    assert kinds_at(("routes", "one", "auth")) == ["bearer", "basic", "header", "body", "aws"]
